/*
 * sink_socket.c - items to a TCP or unix socket.
 *
 * Connects at the first put, not when a pump first asks for room: a source that fails at once
 * leaves no trace at the far end. At a proper end the sending side is shut, so that the peer reads
 * an end behind the last byte. A peer that shuts its own side is not taken for gone: many that only
 * listen do so. How bytes are written, and what may happen between two suspensions, is in
 * sink_stream.c.
 */
#include <weir/module.h>

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

struct socket_args {
    const char *address;
};

static weir_sink *socket_write(const weir_opening *opening, const void *args)
{
    /* No limit to a stall: a peer that does not take holds the pipeline up. */
    weir_socket_options options = {.struct_size = sizeof options,
                                   .connect_ms = opening->connect_ms};
    weir_sink *sink =
        weir_socket_sink(opening->scope, ((const struct socket_args *)args)->address, &options);
    weir_sink_keep_state(sink, opening->state);
    return sink;
}

static const char *const tcp_schemes[] = {"tcp", NULL};
static const weir_arg tcp_args[] = {
    WEIR_ARG_ADDRESS(struct socket_args, address, .name = "HOST:PORT", .flags = WEIR_ARG_REQUIRED,
                     .help = "an IPv6 address in [ ]"),
};

const weir_component wr_component_tcp_sink = {
    .struct_size = sizeof wr_component_tcp_sink,
    .name = "tcp",
    .schemes = tcp_schemes,
    .kind = WEIR_KIND_SINK,
    .takes = WEIR_SHAPES_ALL,
    .traits = WEIR_TRAIT_IO | WEIR_TRAIT_PIECES,
    .args = tcp_args,
    .args_count = sizeof tcp_args / sizeof tcp_args[0],
    .args_size = sizeof(struct socket_args),
    .help = "To a TCP server.",
    .example = "gen 1..3 | tcp 127.0.0.1:9000",
    .on_break = "the pipeline fails: what the peer had not read is lost",
    .misplaced = "to read from there write tcp://HOST:PORT in the first place",
    .open_sink = socket_write,
};

static const char *const unix_schemes[] = {"unix:", NULL};
static const weir_arg unix_args[] = {
    WEIR_ARG_PATH(struct socket_args, address, .name = "PATH", .flags = WEIR_ARG_REQUIRED,
                  .help = "of the socket"),
};

const weir_component wr_component_unix_sink = {
    .struct_size = sizeof wr_component_unix_sink,
    .name = "unix",
    .schemes = unix_schemes,
    .kind = WEIR_KIND_SINK,
    .takes = WEIR_SHAPES_ALL,
    .traits = WEIR_TRAIT_IO | WEIR_TRAIT_ACKNOWLEDGES | WEIR_TRAIT_PIECES,
    .args = unix_args,
    .args_count = sizeof unix_args / sizeof unix_args[0],
    .args_size = sizeof(struct socket_args),
    .help = "To a server on a local socket.",
    .example = "gen 1..3 | unix /run/out.sock",
    .on_break = "the pipeline fails: what the peer had not read is lost",
    .misplaced = "to read from there write unix:PATH in the first place",
    .open_sink = socket_write,
};
