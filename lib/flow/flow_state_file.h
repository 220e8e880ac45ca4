/*
 * flow_state_file.h - the record of a pipeline on the disk: its text, its checksum, its files.
 * Internal to flow_state.c and its tests.
 *
 * One record is a few lines of text, so that it can be read with cat, and ends in a line with the
 * CRC-32C of all that stands before it; nothing may follow. NAME.weir is the newest one,
 * NAME.weir.old the one before, NAME.weir.new one that is being written, NAME.lock is held while
 * the pipeline runs.
 */
#ifndef WR_FLOW_STATE_FILE_H
#define WR_FLOW_STATE_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <weir/error.h>

#include "base_export.h"
#include "flow_state.h"
#include "loop_file.h"

enum {
    WR_STATE_NAME_MAX = 200,      /* with the longest suffix still a file name */
    WR_STATE_TEXT_MAX = 16 * 1024 /* eight sources with every byte escaped need 11 KiB */
};

struct wr_state_source {
    uint64_t offset, items;
    bool inside; /* of a line that was cut or skipped: written as a '+' behind the offset */
    bool finished;
    char validator[WR_STATE_VALIDATOR_MAX];
    char name[WR_STATE_SOURCE_NAME_MAX];
};

struct wr_state_record {
    char name[WR_STATE_NAME_MAX + 1];
    int64_t saved_ms;    /* Unix time, for people */
    int64_t sink_length; /* -1: none */
    size_t sources_count;
    struct wr_state_source sources[WR_STATE_SOURCES_MAX];
};

uint32_t wr_crc32c(uint32_t crc, const void *bytes, size_t len);

/* Bytes of text put into `to`, which has room for WR_STATE_TEXT_MAX. */
size_t wr_state_encode(const struct wr_state_record *record, char *to);
/* NULL: *record is filled. Else what is wrong with the text, and nothing of *record is to be used.
 */
WR_COMMAND_API const char *wr_state_decode(struct wr_state_record *record, const char *text,
                                           size_t len);

/* Make the folder if need be, open it and take the lock. 0 and two descriptors, or a negative code
 * with *error. */
int wr_state_lock(const struct wr_disk *disk, const char *folder, const char *name, int *folder_fd,
                  int *lock_fd, weir_error *error);
/* 1: *record is what the last run left. 0: there is none. Or a negative code with *error. */
int wr_state_load(const struct wr_disk *disk, int folder_fd, const char *folder, const char *name,
                  struct wr_state_record *record, weir_error *error);
/* The folder's own name has to be on the disk before the first record counts, whichever run has made
 * it: 0 or errno. Any thread. */
int wr_state_sync_parent(const struct wr_disk *disk, int folder_fd);
/* Put a new record in place of the newest, which becomes the previous one; when it returns 0, it is
 * on the disk. Else errno, and *step names the call: the newest record is then as it was, or absent
 * with the previous one in place. Any thread. */
int wr_state_store(const struct wr_disk *disk, int folder_fd, const char *name, const char *text,
                   size_t len, const char **step);
/* Forget the records: from now on nothing can be resumed. */
void wr_state_remove(const struct wr_disk *disk, int folder_fd, const char *name);

#endif
