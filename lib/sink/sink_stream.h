/*
 * sink_stream.h - a sink that writes to a transport: shared by the fd and socket sinks, and by the
 * file sink when its path is not a regular file. Internal.
 */
#ifndef WR_SINK_STREAM_H
#define WR_SINK_STREAM_H

#include "flow_sink.h"
#include "loop_writer.h"
#include "sink_gather.h"
#include "sink_marks.h"

enum wr_watches {
    WR_WATCHES_HANGUP, /* the far end has gone or will send no more */
    WR_WATCHES_BROKEN  /* the connection works in neither direction */
};

/* The kind of the far end: it decides what is known about the bytes it has read. */
enum wr_stream_far {
    WR_FAR_KNOWS_NOTHING = 0, /* a terminal, a device, a file */
    WR_FAR_LOCAL,             /* a pipe, a unix socket: the number of unread bytes */
    WR_FAR_REMOTE,            /* tcp: what the peer's kernel has */
    WR_FAR_ANSWERS            /* a WebSocket: what it has read, by its answers to pings */
};

struct wr_stream_sink {
    struct weir_sink sink;
    struct wr_gather gather;
    struct wr_writer writer;
    struct wr_transport *transport; /* NULL: not open yet */
    /* Make the transport; may suspend. NULL: *error. */
    struct wr_transport *(*open)(struct wr_stream_sink *stream, weir_error *error);
    uint8_t watches;            /* enum wr_watches: how to notice that an idle far end leaves */
    bool durable;               /* the state syncs it */
    bool warns;                 /* log once when the far end takes nothing for long */
    int64_t stall_ms;           /* how long the far end may take nothing; < 0: no limit */
    int64_t waited_ns;          /* the time since which it takes nothing, while writer.waits */
    struct wr_state_sink *kept; /* items settle when its reader has them (sink_settle.c); NULL: when
                                   they are written */
    struct wr_marks marks;
    uint64_t unread;  /* while the drain waits for the reader */
    const char *path; /* of a file, for messages; NULL: the sink's name is enough */
    /* fd */
    int fd;
};

/* A zeroed sink of `size` bytes that begins with a struct wr_stream_sink; NULL: out of memory. */
void *wr_stream_sink_alloc(struct weir_scope *scope, size_t size, const struct wr_sink_ops *ops,
                           const char *name);

/* A wr_gather.out that writes to the transport. */
int wr_stream_out(struct weir_sink *sink, struct iovec *iov, int count);
int wr_stream_put_many(struct weir_sink *sink, const weir_item *items, size_t count);
int wr_stream_flush(struct weir_sink *sink);
int wr_stream_wait(struct weir_sink *sink);
/* The reader has gone while bytes are unread: sets the failure and returns its code. */
int wr_stream_gone(struct wr_stream_sink *stream);
/* Wait until the writer's task has ended, and drop the buffer. Suspends. */
void wr_stream_leave(struct weir_sink *sink);
void wr_stream_close(struct weir_sink *sink, const weir_error *failure);
size_t wr_stream_why(const struct weir_sink *sink, char *text, size_t cap);
/* Opens the transport if it is not open. 0: failed. */
size_t wr_stream_room(struct weir_sink *sink);

/* sink_settle.c */

/* As wr_sink_ops.promise. */
int wr_stream_promise(enum wr_stream_far far, const char **why);
enum wr_stream_far wr_stream_far_of(const struct weir_loop *loop, int fd);
/* The state's record of this sink exists: from now on items settle when they have been read. */
void wr_stream_settles(struct wr_stream_sink *stream, struct wr_state_sink *kept);
/* The same for weir_sink_keep_state. */
void wr_stream_begun(struct weir_sink *sink);
void wr_stream_release(struct weir_sink *sink, enum wr_act act);
/* With a state: wait until all is read. Suspends. */
void wr_stream_drain(struct weir_sink *sink);
/* The reader has read all that was written. */
void wr_stream_all_read(struct wr_stream_sink *stream);

#endif
