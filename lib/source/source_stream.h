/*
 * source_stream.h - items of a transport: what the fd, file and socket sources share. Internal.
 */
#ifndef WR_SOURCE_STREAM_H
#define WR_SOURCE_STREAM_H

#include <weir/source.h>

#include "flow_gen.h"
#include "flow_inbox.h"
#include "flow_state.h"
#include "loop_duplex.h"

struct wr_stream_source {
    struct weir_gen gen;
    struct wr_inbox inbox;
    struct wr_transport *transport; /* NULL: not open */
    /* Make the transport at the first pull and attach the state; may suspend. 0, or negative with
     * the failure set. */
    int (*open)(struct wr_stream_source *stream);
    bool opened;
    bool wait_first;  /* do not read before the descriptor says so */
    int64_t stall_ms; /* the far end may be silent for so long; < 0: for ever */
    weir_lines_options lines;
    struct wr_state_slot *slot;         /* NULL: no state */
    struct wr_offsets *offsets;         /* the origin's; NULL: no state, or no positions */
    const struct wr_state_slot *before; /* what an earlier run has left; NULL: nothing */
    int fd;                             /* fd, file */
    int64_t size;                       /* of a regular file, as it was opened; -1: other */
    struct weir_socket *socket;         /* socket: it owns the transport */
    char *where;                        /* file, socket: path or address */
};

/* A source that gives lines with the limits of options, or raw bytes (frame: WEIR_FRAME_LINES,
 * _NONE); where may be NULL, else it is copied. Never fails but by NULL. */
struct wr_stream_source *wr_stream_source_alloc(struct weir_scope *scope, const char *name,
                                                int (*open)(struct wr_stream_source *stream),
                                                const char *where, int32_t frame,
                                                const weir_lines_options *options);
/* Set the generator's failure from *error; returns its code. */
int wr_stream_fail(struct wr_stream_source *stream, const weir_error *error);
/* The descriptor that is about to be read: a regular file is to be no shorter at its end. */
void wr_stream_opened(struct wr_stream_source *stream, int fd);
/* For a source that cannot resume: with a state, say so. 0 or negative with the failure set. */
int wr_stream_lossy(struct wr_stream_source *stream, const char *name);

#endif
