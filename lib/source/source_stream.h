/*
 * source_stream.h - items of a transport: what the fd, file and socket sources share. Internal.
 */
#ifndef WR_SOURCE_STREAM_H
#define WR_SOURCE_STREAM_H

#include <weir/source.h>

#include "flow_gen.h"
#include "flow_inbox.h"
#include "flow_playback.h"
#include "flow_recorder.h"
#include "flow_state.h"
#include "loop_duplex.h"

struct wr_again;

struct wr_stream_source {
    struct weir_gen gen;
    struct wr_inbox inbox;
    struct wr_transport *transport; /* NULL: not open */
    /* Make the transport at the first pull and attach the state; may suspend. 0, or negative with
     * the failure set. */
    int (*open)(struct wr_stream_source *stream);
    bool opened;
    bool places;                    /* file: items are asked for their path and offset ($meta) */
    bool wait_first;                /* do not read before the descriptor is readable */
    int fd;                         /* fd, file */
    int64_t stall_ms;               /* the longest silence of the peer; < 0: no limit */
    weir_state *state;              /* NULL: none */
    struct weir_recorder *recorder; /* is told what is received; NULL: none */
    struct wr_playback *play;       /* the recording that the transport plays; NULL: none */
    struct wr_state_slot *slot;     /* NULL: no state */
    struct wr_state_slot *before;   /* the entry of an earlier run, or a new one; NULL: none */
    int64_t size;                   /* of a regular file when it was opened; -1: other */
    struct weir_socket *socket;     /* socket: it owns the transport */
    struct wr_again *again;         /* socket: it connects again; NULL: what ends has ended */
    int64_t begin_at;               /* the option */
    const char *where; /* file, socket: path or address; the socket's own, if there is one */
};

/* A source that gives lines within the limits of options, or raw bytes (frame: WEIR_FRAME_LINES,
 * _NONE). `path` is copied and may be NULL. Returns NULL when out of memory; other failures are
 * set in the generator. */
struct wr_stream_source *wr_stream_source_alloc(struct weir_scope *scope, const char *name,
                                                int (*open)(struct wr_stream_source *stream),
                                                const char *path, int32_t frame,
                                                const weir_lines_options *options);
/* Set the generator's failure from *error; returns its code. */
int wr_stream_fail(struct wr_stream_source *stream, const weir_error *error);
/* Set the descriptor to read. A regular file must not be shorter at its end than it is now. */
void wr_stream_opened(struct wr_stream_source *stream, int fd);
/* Record that it is connected. */
void wr_stream_connected(struct wr_stream_source *stream);
/* A wait has returned a negative code: a stop is a normal end, anything else a failure. Always false. */
bool wr_stream_wait_failed(struct wr_stream_source *stream, int code);
/* With a state: record that the source cannot resume. 0 or negative with the failure set. */
int wr_stream_lossy(struct wr_stream_source *stream, const char *name);

#endif
