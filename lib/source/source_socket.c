/*
 * source_socket.c - items of a TCP, TLS or unix socket: weir connects and reads to the end of the
 * stream.
 *
 * The first pull connects. Received bytes cannot be requested again, so with a state the pipeline
 * would be best-effort; the options have no state. source_stream.c describes how the socket is
 * read, and what may happen between two suspensions; source_again.c, how it connects again.
 */
#include <weir/module.h>

#include <string.h>

#include "base_option.h"
#include "flow_socket_args.h"
#include "source_again.h"
#include "source_opening.h"
#include "source_stream.h"

static int socket_open(struct wr_stream_source *stream)
{
    weir_error error;
    if (stream->again != NULL) {
        return wr_again_open(stream);
    }
    stream->transport = wr_duplex_open(stream->socket, WR_END_READS, &error);
    if (stream->transport != NULL) {
        return 0;
    }
    if (stream->gen.stopping && error.code == WEIR_ECLOSED) {
        return error.code; /* stopped before the connection: a normal end */
    }
    return wr_stream_fail(stream, &error);
}

static bool options_wrong(const weir_socket_options *o, const char *name, weir_error *error)
{
    if (wr_limit_wrong(error, name, "stall_ms", o->stall_ms) ||
        wr_choice_wrong(error, name, "follow", o->follow, 1)) {
        return true;
    }
    if (o->socket != NULL && (o->retries != 0 || o->follow != 0)) {
        (void)wr_error_set(error, WEIR_EINVAL, 0, name,
                           "retries and follow need an address: a weir_socket connects once");
        return true;
    }
    return false;
}

static weir_gen *socket_make(weir_scope *scope, const char *address, int32_t frame,
                             const weir_socket_options *options)
{
    weir_socket_options o = WEIR_ZERO;
    if (options != NULL) {
        WR_TAKE_OPTIONS(o, options);
    }
    if (o.frame != WEIR_FRAME_LINES) {
        weir_error error;
        wr_error_set(&error, WEIR_EINVAL, 0, "socket",
                     "frame must be left at 0: framers are stages (weir_framed)");
        return wr_gen_failed(scope, &error);
    }
    weir_lines_options lines = {
        .struct_size = sizeof lines, .line_bytes_max = o.line_bytes_max, .overlong = o.overlong};
    const char *name = wr_duplex_name(address, &o);
    struct wr_stream_source *stream =
        wr_stream_source_alloc(scope, name, socket_open, NULL, frame, &lines);
    if (stream == NULL) {
        return wr_gen_made(NULL, NULL);
    }
    stream->stall_ms = o.stall_ms > 0 ? o.stall_ms : -1;
    weir_error error;
    if (stream->gen.failure != NULL) {
        return wr_gen_made(&stream->gen, NULL);
    }
    stream->socket =
        wr_duplex_take(scope->loop, WR_END_READS, address, &o, &stream->gen.object, &error);
    stream->where = stream->socket != NULL ? stream->socket->dial.address : NULL;
    if (stream->socket == NULL || options_wrong(&o, name, &error) ||
        (wr_again_set(stream, &o) < 0 &&
         wr_error_set(&error, WEIR_ENOMEM, 0, name, "no memory for options") < 0)) {
        wr_gen_fail_error(&stream->gen, &error);
    }
    return wr_gen_made(&stream->gen, NULL);
}

weir_gen *weir_socket_lines(weir_scope *scope, const char *address,
                            const weir_socket_options *options)
{
    return socket_make(scope, address, WEIR_FRAME_LINES, options);
}

weir_gen *weir_socket_bytes(weir_scope *scope, const char *address,
                            const weir_socket_options *options)
{
    return socket_make(scope, address, WEIR_FRAME_NONE, options);
}

static weir_socket_options options_of(const weir_opening *opening)
{
    weir_lines_options lines = wr_lines_of_opening(opening);
    int32_t retries = opening->http->retries;
    return (weir_socket_options){.struct_size = sizeof(weir_socket_options),
                                 .connect_ms = opening->connect_ms,
                                 .stall_ms = opening->idle_ms,
                                 .line_bytes_max = lines.line_bytes_max,
                                 .overlong = lines.overlong,
                                 .retries = WR_MAX(retries, 0),
                                 .follow = retries < 0 ? 0 : opening->http->follow};
}

static weir_gen *read_from(const weir_opening *opening, const struct wr_socket_args *args,
                           const weir_socket_options *options)
{
    return opening->joined ? weir_socket_bytes(opening->scope, args->address, options)
                           : weir_socket_lines(opening->scope, args->address, options);
}

static weir_gen *socket_read(const weir_opening *opening, weir_gen *up, const void *args)
{
    weir_socket_options options = options_of(opening);
    (void)up;
    return read_from(opening, args, &options);
}

static weir_gen *tls_read(const weir_opening *opening, weir_gen *up, const void *args)
{
    weir_socket_options options = options_of(opening);
    (void)up;
    wr_socket_args_tls(args, opening, &options);
    return read_from(opening, args, &options);
}

static const char *const tcp_schemes[] = {"tcp", NULL};

const weir_component wr_component_tcp = {
    .struct_size = sizeof wr_component_tcp,
    .name = "tcp",
    .schemes = tcp_schemes,
    .kind = WEIR_KIND_SOURCE,
    .gives = WEIR_SHAPE_LINE,
    .traits = WEIR_TRAIT_IO | WEIR_TRAIT_CONNECTS | WEIR_TRAIT_FRAMED,
    .args = wr_tcp_args,
    .args_count = sizeof wr_tcp_args / sizeof wr_tcp_args[0],
    .args_size = sizeof(struct wr_socket_args),
    .help = "The lines a TCP server sends.",
    .example = "tcp://127.0.0.1:9000 | head 3",
    .on_break =
        "the stream ends, and a reset fails it; with --retry it connects again after a reset, with "
        "--follow also after an end; what the peer then repeats of its beginning is left out, else "
        "a gap or repeats are possible",
    .open = socket_read,
};

static const char *const tls_schemes[] = {"tls", NULL};

const weir_component wr_component_tls = {
    .struct_size = sizeof wr_component_tls,
    .name = "tls",
    .schemes = tls_schemes,
    .kind = WEIR_KIND_SOURCE,
    .gives = WEIR_SHAPE_LINE,
    .traits = WEIR_TRAIT_IO | WEIR_TRAIT_CONNECTS | WEIR_TRAIT_TLS | WEIR_TRAIT_FRAMED,
    .args = wr_tls_args,
    .args_count = sizeof wr_tls_args / sizeof wr_tls_args[0],
    .args_size = sizeof(struct wr_socket_args),
    .help = "The lines a server sends over TLS.",
    .example = "tls://logs.example.com:6514 | head 3",
    .on_break =
        "the stream ends, and a reset or a cut connection fails it; with --retry it connects "
        "again after these, with --follow also after an end; what the peer then repeats of its "
        "beginning is left out, else a gap or repeats are possible",
    .check = wr_tls_args_check,
    .open = tls_read,
};

static int unix_check(const weir_opening *opening, const void *args, weir_mistake *mistake)
{
    const char *address = ((const struct wr_socket_args *)args)->address;
    (void)opening;
    return address[strspn(address, "unix:/")] == '\0' && address[strlen("unix:")] == '\0'
               ? weir_mistake_at(mistake, "PATH", "the path of the socket is missing")
               : 0;
}

static const char *const unix_schemes[] = {"unix:", NULL};

const weir_component wr_component_unix = {
    .struct_size = sizeof wr_component_unix,
    .name = "unix",
    .schemes = unix_schemes,
    .kind = WEIR_KIND_SOURCE,
    .gives = WEIR_SHAPE_LINE,
    .traits = WEIR_TRAIT_IO | WEIR_TRAIT_CONNECTS | WEIR_TRAIT_FRAMED,
    .args = wr_unix_args,
    .args_count = sizeof wr_unix_args / sizeof wr_unix_args[0],
    .args_size = sizeof(struct wr_socket_args),
    .help = "The lines a server on a local socket sends.",
    .example = "unix:/run/feed.sock | head 3",
    .on_break =
        "the stream ends, and a reset fails it; with --retry it connects again after a reset, with "
        "--follow also after an end; what the peer then repeats of its beginning is left out, else "
        "a gap or repeats are possible",
    .check = unix_check,
    .open = socket_read,
};
