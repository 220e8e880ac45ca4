/*
 * sink_gather.h - from items to bytes on their way out: what the fd, file and socket sinks share.
 * Internal.
 *
 * Byte-exact: an item's bytes, then the line end it came with. Consecutive lines that lie in one
 * block with exactly their line ends between them are one run; a big run goes out straight from its
 * block, small things are copied together into a buffer that exists only while something is in it.
 * What is in the buffer always begins and ends between two items, until a write has taken a part of
 * it.
 */
#ifndef WR_SINK_GATHER_H
#define WR_SINK_GATHER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>
#include <weir/source.h>

#include "flow_sink.h"

enum {
    WR_GATHER_BIG = 16 * 1024,   /* from here on a copy costs more than a system call saves */
    WR_GATHER_BYTES = 64 * 1024, /* of the buffer: what a pipe takes at once */
    WR_GATHER_IOV = 4
};

struct wr_gather {
    struct weir_sink *sink;
    /* Write all of it, in order; may suspend and may change iov. 0, or a negative code with the
     * sink's failure set. */
    int (*out)(struct weir_sink *sink, struct iovec *iov, int count);
    /* After each item of a put, when its bytes are written or among wr_gather_held. 0, or a negative
     * code. NULL: nobody wants to know. */
    int (*mark)(struct weir_sink *sink, const weir_item *item);
    int32_t frame; /* WEIR_FRAME_... */
    bool owes_lf;  /* the last item had no line end */
    bool
        busy; /* inside wr_gather_put: what is in the buffer is not to be flushed by anybody else */
    char *buffer;      /* NULL: empty */
    size_t start, len; /* [start, len) is to be written */
    const char *run;   /* bytes of a block not yet put anywhere */
    size_t run_len;
    weir_scratch scratch; /* during a put */
};

/* Take all items: 0, or a negative code. */
int wr_gather_put(struct wr_gather *gather, const weir_item *items, size_t count);
static inline size_t wr_gather_len(const struct wr_gather *gather)
{
    return gather->len - gather->start;
}
/* Bytes of items that are still to be written, inside a mark. */
static inline size_t wr_gather_held(const struct wr_gather *gather)
{
    return wr_gather_len(gather) + gather->run_len;
}
/* So many bytes of the buffer have been written. */
void wr_gather_wrote(struct wr_gather *gather, size_t bytes);
void wr_gather_fini(struct wr_gather *gather);

/* Pass over `bytes` of a vector; returns how many of its parts are done with. */
int wr_iov_skip(struct iovec *iov, int count, size_t bytes);

#endif
