/*
 * sink_socket.c - items to a TCP, TLS or unix socket.
 *
 * The sink connects at the first put, not when a pump first asks for room. So a source that fails
 * at once leaves no trace at the far end. What the peer sends is read and dropped. A peer that
 * shuts down its sending side is not considered gone: many peers that only read do so. A peer that
 * resets the connection is gone, also while nothing is put. At a proper end the sink shuts down its
 * sending side, and the peer gets time to take the rest (loop_socket.c). sink_stream.c says how
 * bytes are written and what may happen between two suspensions.
 */
#include <weir/module.h>

#include <stdio.h>
#include <string.h>

#include "base_option.h"
#include "base_print.h"
#include "flow_socket_args.h"
#include "loop_redial.h"
#include "loop_scope.h"
#include "sink_socket.h"

enum { DRAIN_MS = 10000 };

static struct wr_socket_sink *socket_of(const struct weir_sink *sink)
{
    return WR_OWNER((uintptr_t)sink, struct wr_socket_sink, stream.sink);
}

static struct wr_transport *socket_open(struct wr_stream_sink *stream, weir_error *error)
{
    return wr_duplex_open(socket_of(&stream->sink)->socket, WR_END_WRITES, error);
}

/* Where the connection is made again: wait until the peer has acknowledged all. false: it is not so. */
static bool all_acknowledged(struct wr_socket_sink *self)
{
    struct wr_stream_sink *stream = &self->stream;
    int64_t drain_ms = wr_scope_drain_ms(stream->sink.object.scope);
    weir_error error;
    if (stream->transport == NULL) {
        return true;
    }
    drain_ms = drain_ms != 0 ? drain_ms : DRAIN_MS;
    int rc = wr_redial_settle(stream->transport, drain_ms, &stream->sink.object);
    if (rc == 0) {
        return true;
    }
    const struct wr_transport *transport = stream->transport;
    if (transport->reason != NULL) {
        wr_sink_set_error(&stream->sink, rc, 0, "%s", transport->reason);
        return false;
    }
    char late[64];
    snprintf(late, sizeof late, "the peer has acknowledged no bytes for %lld.%lld s",
             (long long)drain_ms / 1000, (long long)drain_ms % 1000 / 100);
    (void)wr_socket_lost(transport, transport->ops->unread(stream->transport),
                         stream->writer.written, 0, &error,
                         rc == WEIR_ETIMEDOUT ? late : "stopped waiting for the peer");
    wr_sink_set_error(&stream->sink, error.code, 0, "%s", error.message);
    return false;
}

/* proper: the peer gets time to take all bytes. */
static void end_socket(struct wr_socket_sink *self, bool proper)
{
    struct weir_sink *sink = &self->stream.sink;
    weir_error error;
    wr_stream_leave(sink); /* its task may connect again, and so may this one */
    if (proper) {
        proper = all_acknowledged(self);
    }
    int rc = self->socket != NULL ? wr_duplex_end(self->socket, WR_END_WRITES, proper,
                                                  self->stream.writer.written, &error)
                                  : 0;
    self->socket = NULL;
    self->stream.transport = NULL;
    if (rc < 0) {
        wr_sink_set_error(sink, error.code, error.detail, "%s", error.message);
    } else if (proper && sink->failure == NULL) {
        wr_stream_all_read(&self->stream);
    }
}

void wr_socket_sink_drain(struct weir_sink *sink)
{
    struct wr_socket_sink *self = socket_of(sink);
    if (self->socket != NULL && self->socket->ends[WR_END_READS] != NULL) {
        wr_stream_drain(sink); /* if not, end_socket waits: this is the last end */
    }
    if (sink->failure == NULL) {
        end_socket(self, true);
    }
}

void wr_socket_sink_close(struct weir_sink *sink, const weir_error *failure)
{
    end_socket(socket_of(sink), false);
    wr_stream_close(sink, failure);
}

static int socket_promise(const struct weir_sink *sink, const char **why)
{
    const struct wr_socket_sink *self = socket_of(sink);
    const char *address = self->socket != NULL ? self->socket->dial.address : NULL;
    bool local = address != NULL && strncmp(address, "unix:", 5) == 0;
    return wr_stream_promise(local ? WR_FAR_LOCAL : WR_FAR_REMOTE, why);
}

size_t wr_socket_sink_why(const struct weir_sink *sink, char *text, size_t cap)
{
    const struct wr_socket_sink *self = socket_of(sink);
    const struct wr_socket *socket = self->socket != NULL ? &self->socket->socket : NULL;
    if (socket == NULL || !socket->shut || socket->of != &sink->object) {
        return wr_stream_why(sink, text, cap);
    }
    return wr_print_text(text, cap, "waits for its peer to take the last %lld of %llu bytes",
                         (long long)wr_socket_left(socket),
                         (unsigned long long)self->stream.writer.written);
}

static const struct wr_sink_ops socket_ops = {.kind = "socket",
                                              .put_many = wr_stream_put_many,
                                              .flush = wr_stream_flush,
                                              .wait = wr_stream_wait,
                                              .promise = socket_promise,
                                              .begun = wr_stream_begun,
                                              .release = wr_stream_release,
                                              .drain = wr_socket_sink_drain,
                                              .close = wr_socket_sink_close,
                                              .why = wr_socket_sink_why};

void wr_socket_sink_init(struct wr_socket_sink *self, const char *address,
                         const weir_socket_options *options)
{
    struct wr_stream_sink *stream = &self->stream;
    const char *name = stream->sink.name;
    weir_error error;
    stream->open = socket_open;
    stream->watches = WR_WATCHES_BROKEN;
    stream->warns = true;
    stream->gather.frame = options->frame;
    stream->stall_ms = options->stall_ms > 0 ? options->stall_ms : -1;
    self->socket = wr_duplex_take(stream->sink.loop, WR_END_WRITES, address, options,
                                  &stream->sink.object, &error);
    if (self->socket == NULL || wr_limit_wrong(&error, name, "stall_ms", options->stall_ms) ||
        wr_choice_wrong(&error, name, "frame", options->frame, WEIR_FRAME_LEN32)) {
        wr_sink_set_error(&stream->sink, error.code, 0, "%s", error.message);
    }
}

weir_sink *weir_socket_sink(weir_scope *scope, const char *address,
                            const struct weir_socket_options *options)
{
    weir_socket_options o = WEIR_ZERO;
    if (options != NULL) {
        WR_TAKE_OPTIONS(o, options);
    }
    struct wr_socket_sink *self =
        wr_stream_sink_alloc(scope, sizeof *self, &socket_ops, wr_duplex_name(address, &o));
    if (self == NULL) {
        return wr_sink_made(NULL);
    }
    wr_socket_sink_init(self, address, &o);
    return wr_sink_made(&self->stream.sink);
}

/* A stall has no limit: a peer that takes nothing blocks the pipeline. */
static weir_sink *write_to(const weir_opening *opening, const struct wr_socket_args *args,
                           weir_socket_options *options)
{
    options->struct_size = sizeof *options;
    options->connect_ms = opening->connect_ms;
    options->retries = args->once        ? 0
                       : args->retry > 0 ? (int32_t)WR_MIN(args->retry, (int64_t)INT32_MAX)
                                         : WEIR_NONE;
    weir_sink *sink = weir_socket_sink(opening->scope, args->address, options);
    weir_sink_keep_state(sink, opening->state);
    return sink;
}

static weir_sink *socket_write(const weir_opening *opening, const void *args)
{
    weir_socket_options options = WEIR_ZERO;
    return write_to(opening, args, &options);
}

static weir_sink *tls_write(const weir_opening *opening, const void *args)
{
    weir_socket_options options = WEIR_ZERO;
    wr_socket_args_tls(args, opening, &options);
    return write_to(opening, args, &options);
}

static const char *const tcp_schemes[] = {"tcp", NULL};

const weir_component wr_component_tcp_sink = {
    .struct_size = sizeof wr_component_tcp_sink,
    .name = "tcp",
    .schemes = tcp_schemes,
    .kind = WEIR_KIND_SINK,
    .takes = WEIR_SHAPES_ALL,
    .traits = WEIR_TRAIT_IO | WEIR_TRAIT_CONNECTS | WEIR_TRAIT_PIECES,
    .args = wr_tcp_sink_args,
    .args_count = sizeof wr_tcp_sink_args / sizeof wr_tcp_sink_args[0],
    .args_size = sizeof(struct wr_socket_args),
    .help = "To a TCP server.",
    .example = "gen 1..3 | tcp 127.0.0.1:9000",
    .on_break = "it connects again, and sends again what the peer had not acknowledged",
    .misplaced = "to read from this address, write tcp://HOST:PORT as the first part",
    .open_sink = socket_write,
};

static const char *const tls_schemes[] = {"tls", NULL};

const weir_component wr_component_tls_sink = {
    .struct_size = sizeof wr_component_tls_sink,
    .name = "tls",
    .schemes = tls_schemes,
    .kind = WEIR_KIND_SINK,
    .takes = WEIR_SHAPES_ALL,
    .traits = WEIR_TRAIT_IO | WEIR_TRAIT_CONNECTS | WEIR_TRAIT_TLS | WEIR_TRAIT_PIECES,
    .args = wr_tls_sink_args,
    .args_count = sizeof wr_tls_sink_args / sizeof wr_tls_sink_args[0],
    .args_size = sizeof(struct wr_socket_args),
    .help = "To a server, over TLS.",
    .example = "gen 1..3 | tls logs.example.com:6514",
    .on_break = "it connects again, and sends again what the peer had not acknowledged",
    .misplaced = "to read from this address, write tls://HOST:PORT as the first part",
    .check = wr_tls_args_check,
    .open_sink = tls_write,
};

static const char *const unix_schemes[] = {"unix:", NULL};

const weir_component wr_component_unix_sink = {
    .struct_size = sizeof wr_component_unix_sink,
    .name = "unix",
    .schemes = unix_schemes,
    .kind = WEIR_KIND_SINK,
    .takes = WEIR_SHAPES_ALL,
    .traits = WEIR_TRAIT_IO | WEIR_TRAIT_CONNECTS | WEIR_TRAIT_ACKNOWLEDGES | WEIR_TRAIT_PIECES,
    .args = wr_unix_sink_args,
    .args_count = sizeof wr_unix_sink_args / sizeof wr_unix_sink_args[0],
    .args_size = sizeof(struct wr_socket_args),
    .help = "To a server on a local socket.",
    .example = "gen 1..3 | unix /run/out.sock",
    .on_break = "it connects again, and sends again what the peer had not acknowledged",
    .misplaced = "to read from this address, write unix:PATH as the first part",
    .open_sink = socket_write,
};
