/*
 * flow_state_file.h - the files of a record. Internal to the state and its tests.
 *
 * NAME.weir is the newest record, NAME.weir.old the previous one, NAME.weir.new the one that is
 * being written. NAME.lock is held while the pipeline runs.
 */
#ifndef WR_FLOW_STATE_FILE_H
#define WR_FLOW_STATE_FILE_H

#include <weir/error.h>

#include "flow_state_record.h"
#include "loop_file.h"

enum { WR_STATE_NAME_MAX = 200 /* leaves room in a file name for the longest suffix */ };

/* Where a record is kept. */
struct wr_state_place {
    const struct wr_disk *disk;
    char *folder;           /* for messages; NULL: the record is kept elsewhere */
    int folder_fd, lock_fd; /* -1: not open */
    char name[WR_STATE_NAME_MAX + 1];
};

/* Set the place's name: a file name that is not hidden. 0, or WEIR_EINVAL with *error. */
int wr_state_name(struct wr_state_place *place, const char *name, weir_error *error);
/* Make the folder if necessary, open it and take the lock. place->disk, folder and name must be
 * set. 0, or a negative code with *error; then nothing is open. */
int wr_state_lock(struct wr_state_place *place, weir_error *error);
void wr_state_unlock(struct wr_state_place *place);
/* 1: *record is the last run's. 0: there is none. Or a negative code with *error. */
int wr_state_load(const struct wr_state_place *place, struct wr_record *record, weir_error *error);
/* Sync the parent folder: the folder's own name must be on the disk before the first record counts,
 * whichever run has made it. 0 or errno. Any thread. */
int wr_state_sync_parent(const struct wr_state_place *place);
/* Write a new record. The newest record becomes the previous one. 0: the new record is on the disk.
 * Else errno, and *step names the call that failed: the newest record is then unchanged, or absent
 * with the previous one in place. Any thread. */
int wr_state_store(const struct wr_state_place *place, const struct wr_growing *text,
                   const char **step);
/* Remove the records: from now on no run can resume. */
void wr_state_remove(const struct wr_state_place *place);

#endif
