/*
 * sink_socket.c - items to a TCP or unix socket.
 *
 * Connects at the first put, not when a pump first asks for room: a source that fails at once
 * leaves no trace at the far end. At a proper end the sending side is shut, so that the peer reads
 * an end behind the last byte. A peer that shuts its own side is not taken for gone: many that only
 * listen do so. How bytes are written, and what may happen between two suspensions, is in
 * sink_stream.c.
 */
#include <string.h>

#include "base_alloc.h"
#include "base_option.h"
#include "sink_stream.h"

enum { CONNECT_MS = 10000 };

static const struct wr_sink_ops socket_ops = {.kind = "socket",
                                              .put_many = wr_stream_put_many,
                                              .flush = wr_stream_flush,
                                              .wait = wr_stream_wait,
                                              .close = wr_stream_close,
                                              .abort = wr_stream_abort,
                                              .why = wr_stream_why};

static struct wr_transport *socket_open(struct wr_stream_sink *stream, weir_error *error)
{
    return wr_connect(stream->sink.loop, stream->address, stream->connect_ms, &stream->sink.object,
                      error);
}

weir_sink *weir_socket_sink(weir_scope *scope, const char *address,
                            const struct weir_socket_options *options)
{
    weir_socket_options o = WEIR_ZERO;
    if (options != NULL) {
        WR_TAKE_OPTIONS(o, options);
    }
    struct wr_stream_sink *stream =
        wr_stream_sink_alloc(scope, sizeof *stream, &socket_ops, address);
    if (stream == NULL) {
        return wr_sink_made(NULL);
    }
    stream->open = socket_open;
    stream->shuts = true;
    stream->gather.frame = o.frame;
    stream->connect_ms = o.connect_ms != 0 ? o.connect_ms : CONNECT_MS;
    stream->stall_ms = o.stall_ms > 0 ? o.stall_ms : -1;
    stream->address = wr_strdup(address);
    weir_error error;
    if (wr_limit_wrong(&error, address, "connect_ms", o.connect_ms) ||
        wr_limit_wrong(&error, address, "stall_ms", o.stall_ms) ||
        wr_choice_wrong(&error, address, "frame", o.frame, WEIR_FRAME_LEN32)) {
        wr_sink_set_error(&stream->sink, error.code, 0, "%s", error.message);
    } else if (stream->address == NULL) {
        wr_sink_set_error(&stream->sink, WEIR_ENOMEM, 0, "no memory for an address");
    } else if (o.tls != WEIR_TLS_VERIFY || o.ca_file != NULL) {
        /* Plain bytes to somebody who asked for TLS would be worse than none. */
        wr_sink_set_error(&stream->sink, WEIR_EINVAL, 0,
                          "a socket sink writes plain bytes: tls and ca_file are not supported");
    }
    return wr_sink_made(&stream->sink);
}
