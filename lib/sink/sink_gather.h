/*
 * sink_gather.h - items to output bytes: what the fd, file and socket sinks share. Internal.
 *
 * The output is byte-exact: an item's bytes, then the line end it came with. Consecutive lines in
 * one block with exactly their line ends between them are one run. A big run is written directly
 * from its block. Small items are copied together into a buffer, which exists only while it holds
 * bytes. The content of the buffer always begins and ends between two items, until a write has
 * taken a part of it.
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
    WR_GATHER_BIG = 16 * 1024,   /* from this size a copy costs more than a system call */
    WR_GATHER_BYTES = 64 * 1024, /* of the buffer: a pipe takes this at once */
    WR_GATHER_IOV = 4
};

struct wr_gather {
    struct weir_sink *sink;
    /* Write all parts, in order. May suspend, and may change iov. 0, or a negative code with the
     * sink's failure set. */
    int (*out)(struct weir_sink *sink, struct iovec *iov, int count);
    /* Called after each item of a put, when its bytes are written or counted in wr_gather_held. 0,
     * or a negative code. NULL: not needed. */
    int (*mark)(struct weir_sink *sink, const weir_item *item);
    /* With WEIR_FRAME_LEN32: may this text be written, which is `part` of `whole`? 0: it may; 1: the
     * part is rejected; or a negative code, with the sink's failure set. NULL: all may. */
    int (*judge)(struct wr_gather *gather, const weir_item *text);
    const weir_item *whole, *part;
    int32_t frame; /* WEIR_FRAME_... */
    bool owes_lf;  /* the last item had no line end */
    bool
        busy; /* inside wr_gather_put: only this put may write the buffer, and the flush does not */
    char *buffer;      /* NULL: empty */
    size_t start, len; /* [start, len) is to be written */
    const char *run;   /* bytes of a block, not yet written and not in the buffer */
    size_t run_len;
    weir_scratch scratch; /* during a put */
};

/* Take all items: 0, or a negative code. */
int wr_gather_put(struct wr_gather *gather, const weir_item *items, size_t count);
static inline size_t wr_gather_len(const struct wr_gather *gather)
{
    return gather->len - gather->start;
}
/* Bytes of items that are still to be written. For use in `mark`, during a put. */
static inline size_t wr_gather_held(const struct wr_gather *gather)
{
    return wr_gather_len(gather) + gather->run_len;
}
/* The buffered bytes; iov_len 0: none. */
struct iovec wr_gather_buffered(const struct wr_gather *gather);
/* `bytes` bytes of the buffer have been written. */
void wr_gather_wrote(struct wr_gather *gather, size_t bytes);
void wr_gather_fini(struct wr_gather *gather);

#endif
