/*
 * sink_stream.h - a sink whose far end is a transport: what the fd and socket sinks share, and the
 * file sink when its path is not a regular file. Internal.
 */
#ifndef WR_SINK_STREAM_H
#define WR_SINK_STREAM_H

#include "flow_sink.h"
#include "loop_transport.h"
#include "sink_gather.h"

enum wr_watches {
    WR_WATCHES_NOTHING = 0,
    WR_WATCHES_HANGUP, /* it has gone or will send no more */
    WR_WATCHES_BROKEN  /* nothing goes through in either direction */
};

struct wr_stream_sink {
    struct weir_sink sink;
    struct wr_gather gather;
    struct wr_transport *transport; /* NULL: not open yet */
    /* Make the transport; may suspend. NULL: *error. */
    struct wr_transport *(*open)(struct wr_stream_sink *stream, weir_error *error);
    uint8_t watches;         /* enum wr_watches: an idle far end that leaves is noticed */
    bool warns;              /* one that takes nothing for long is logged, once */
    int64_t stall_ms;        /* the far end may take nothing for so long; < 0: for ever */
    int64_t waited_ns;       /* since when it takes nothing, while fd_waited */
    struct wr_task *flusher; /* writes what is buffered while nobody puts; NULL: none */
    bool fd_waited;          /* somebody waits for the transport */
    bool closing;
    uint64_t bytes_out;
    const char *path; /* of a file, for what is said of it; NULL: it has a name already */
    /* fd */
    int fd;
};

/* A zeroed sink of `size` bytes that begins with a struct wr_stream_sink; NULL: out of memory. */
void *wr_stream_sink_alloc(struct weir_scope *scope, size_t size, const struct wr_sink_ops *ops,
                           const char *name);

/* wr_gather.out, to the transport. */
int wr_stream_out(struct weir_sink *sink, struct iovec *iov, int count);
int wr_stream_put_many(struct weir_sink *sink, const weir_item *items, size_t count);
int wr_stream_flush(struct weir_sink *sink);
int wr_stream_wait(struct weir_sink *sink);
/* Let the flusher leave, and forget what is buffered. Suspends. */
void wr_stream_leave(struct weir_sink *sink);
void wr_stream_close(struct weir_sink *sink, const weir_error *failure);
size_t wr_stream_why(const struct weir_sink *sink, char *text, size_t cap);
/* Opens if need be; 0: failed. */
size_t wr_stream_room(struct weir_sink *sink);

#endif
