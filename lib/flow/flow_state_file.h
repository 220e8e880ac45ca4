/*
 * flow_state_file.h - the files of a record. Internal to the state and its tests.
 *
 * NAME.weir is the newest record, NAME.weir.old the one before, NAME.weir.new one that is being
 * written, NAME.lock is held while the pipeline runs.
 */
#ifndef WR_FLOW_STATE_FILE_H
#define WR_FLOW_STATE_FILE_H

#include <weir/error.h>

#include "flow_state_record.h"
#include "loop_file.h"

enum { WR_STATE_NAME_MAX = 200 /* with the longest suffix still a file name */ };

/* Where a record lies. */
struct wr_state_place {
    const struct wr_disk *disk;
    char *folder;           /* for messages; NULL: the record is kept elsewhere */
    int folder_fd, lock_fd; /* -1: not open */
    char name[WR_STATE_NAME_MAX + 1];
};

/* A file name that is not hidden: 0, and it is the place's. WEIR_EINVAL with *error. */
int wr_state_name(struct wr_state_place *place, const char *name, weir_error *error);
/* Make the folder if need be, open it and take the lock. 0, or a negative code with *error; then
 * nothing is open. place->disk, folder and name are set. */
int wr_state_lock(struct wr_state_place *place, weir_error *error);
void wr_state_unlock(struct wr_state_place *place);
/* 1: *record is what the last run left. 0: there is none. Or a negative code with *error. */
int wr_state_load(const struct wr_state_place *place, struct wr_record *record, weir_error *error);
/* The folder's own name has to be on the disk before the first record counts, whichever run has made
 * it: 0 or errno. Any thread. */
int wr_state_sync_parent(const struct wr_state_place *place);
/* Put a new record in place of the newest, which becomes the previous one; when it returns 0, it is
 * on the disk. Else errno, and *step names the call: the newest record is then as it was, or absent
 * with the previous one in place. Any thread. */
int wr_state_store(const struct wr_state_place *place, const struct wr_growing *text,
                   const char **step);
/* Forget the records: from now on nothing can be resumed. */
void wr_state_remove(const struct wr_state_place *place);

#endif
