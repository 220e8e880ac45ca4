/*
 * sink_file_parts.h - a sink that appends to a file, for the files that it consists of: opening,
 * writing and closing (sink_file.c), and what is done with a file that an earlier run has written
 * (sink_file_fit.c).
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
    int64_t length, good;
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

#endif
