/*
 * sink_file_parts.h - a sink that appends to a file, for the files that it consists of: opening,
 * writing and closing (sink_file.c), what is done with a file that an earlier run has written
 * (sink_file_fit.c), and opening it again and syncing it during the run (sink_file_again.c).
 */
#ifndef WR_SINK_FILE_PARTS_H
#define WR_SINK_FILE_PARTS_H

#include "base_error.h"
#include "flow_state.h"
#include "loop_file.h"
#include "sink_stream.h"

struct wr_first_bytes;

struct wr_sink_file {
    struct wr_stream_sink stream;
    weir_state *state;            /* NULL: none */
    struct wr_state_sink *kept;   /* the state's record, once it is open; NULL */
    struct wr_first_bytes *first; /* while they are compared; NULL */
    char *path;
    int fd;         /* -1: not open, or the stream's */
    bool streams;   /* open, and not a regular file */
    bool begun;     /* open, and the state knows it */
    bool fifo_wait; /* the fifo has no reader yet */
    bool finishing; /* there was a commit: an empty stream makes an empty file */
    bool durable;   /* its bytes are synced before their receipts settle, or their positions are
                       saved */
    bool renews;    /* the state has the next file of this name: open it before the next put */
    bool foldered;  /* durable: its name is on the disk */
    int64_t length, good;
    int64_t synced;               /* durable, without a state: the length that is on the disk */
    struct weir_state *syncs;     /* the state that syncs it, and does not have its length; NULL */
    struct wr_state_sink *beside; /* ... while it is open; NULL */
    struct wr_reopener reopener;
    uint64_t reopenings; /* the loop's count when the file was opened */
};

static inline struct wr_sink_file *wr_sink_file_of(const struct weir_sink *sink)
{
    return WR_OWNER((uintptr_t)sink, struct wr_sink_file, stream.sink);
}

static inline const struct wr_disk *wr_sink_file_disk(const struct wr_sink_file *file)
{
    return file->stream.sink.loop->disk;
}

/* Fail with an error of the system; with another error. Return its code. */
int wr_sink_file_io(struct wr_sink_file *file, const char *what, int number);
int wr_sink_file_pass(struct wr_sink_file *file, const weir_error *error);
/* Bring the file to the length in the state's record. items: what is written next. 0 or a code. */
int wr_sink_file_fit(struct wr_sink_file *file, const weir_item *items, size_t count);

/* sink_file.c */

/* Open the file, and bring it to the state's record. items: what is written next. Suspends. */
int wr_sink_file_open(struct wr_sink_file *file, const weir_item *items, size_t count);
/* Open the path. stored: the length that the record has; it is not created if that is > 0. */
int wr_sink_file_open_path(struct wr_sink_file *file, int64_t stored);
int wr_sink_file_lock(struct wr_sink_file *file);
int wr_sink_file_flush(struct weir_sink *sink);
int wr_sink_file_close_fd(struct wr_sink_file *file);

/* sink_file_again.c */

/* A sink whose file is synced by this state before each record, as one of rejected items. */
weir_sink *wr_file_sink_beside(weir_scope *scope, const char *path, weir_state *state);
/* From now on weir_loop_reopen_files wakes it: a sink with a state. */
void wr_sink_file_watch(struct wr_sink_file *file);
/* After a commit: let the state go over to the next file, if that is wanted and possible. */
void wr_sink_file_renew(struct wr_sink_file *file);
/* Close the file and open the one that has its name now. Suspends. 0 or a code. */
int wr_sink_file_again(struct wr_sink_file *file, const weir_item *items, size_t count);
/* The file is open: let the state of wr_file_sink_beside sync it. Suspends. 0 or a code. */
int wr_sink_file_beside(struct wr_sink_file *file);
/* The file is about to be closed. Suspends. */
void wr_sink_file_leave(struct wr_sink_file *file);
/* The commit of a durable file without a state. Suspends. 0 or a code. */
int wr_sink_file_sync(struct weir_sink *sink);

#endif
