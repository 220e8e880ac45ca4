/*
 * source_socket.c - items of a TCP or unix socket: weir connects and reads to the end of the
 * stream.
 *
 * The first pull connects. What was received cannot be asked for again, so with a state the
 * pipeline would be best-effort; the options have none. How it is read, and what may happen between
 * two suspensions, is in source_stream.c.
 */
#include <weir/module.h>

#include <string.h>

#include "source_opening.h"
#include "source_stream.h"

#include "base_option.h"

enum { CONNECT_MS = 10000 };

static int socket_open(struct wr_stream_source *stream)
{
    weir_error error;
    stream->transport = wr_connect(stream->gen.loop, stream->where, stream->connect_ms,
                                   &stream->gen.object, &error);
    if (stream->transport != NULL) {
        if (stream->transport->ops->limit_silence != NULL) {
            stream->transport->ops->limit_silence(stream->transport);
        }
        return 0;
    }
    if (stream->gen.stopping && error.code == WEIR_ECLOSED) {
        return error.code; /* stopped before there was anything: the plain end */
    }
    return wr_stream_fail(stream, &error);
}

static weir_gen *socket_make(weir_scope *scope, const char *address, int32_t frame,
                             const weir_socket_options *options)
{
    weir_socket_options o = WEIR_ZERO;
    if (options != NULL) {
        WR_TAKE_OPTIONS(o, options);
    }
    if (o.frame != WEIR_FRAME_LINES || o.tls != WEIR_TLS_VERIFY || o.ca_file != NULL) {
        weir_error error;
        wr_error_set(&error, WEIR_EINVAL, 0, "socket",
                     "a socket source reads plain bytes: frame, tls and ca_file "
                     "must be left at 0");
        return wr_gen_failed(scope, &error);
    }
    weir_lines_options lines = {
        .struct_size = sizeof lines, .line_bytes_max = o.line_bytes_max, .overlong = o.overlong};
    struct wr_stream_source *stream =
        wr_stream_source_alloc(scope, address, socket_open, address, frame, &lines);
    if (stream == NULL) {
        return wr_gen_made(NULL, NULL);
    }
    stream->connect_ms = o.connect_ms != 0 ? o.connect_ms : CONNECT_MS;
    stream->stall_ms = o.stall_ms > 0 ? o.stall_ms : -1;
    weir_error error;
    if (wr_limit_wrong(&error, address, "connect_ms", o.connect_ms) ||
        wr_limit_wrong(&error, address, "stall_ms", o.stall_ms)) {
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

struct socket_args {
    const char *address;
};

static weir_gen *socket_read(const weir_opening *opening, weir_gen *up, const void *args)
{
    weir_lines_options lines = wr_lines_of_opening(opening);
    weir_socket_options options = {.struct_size = sizeof options,
                                   .connect_ms = opening->connect_ms,
                                   .stall_ms = opening->idle_ms,
                                   .line_bytes_max = lines.line_bytes_max,
                                   .overlong = lines.overlong};
    const char *address = ((const struct socket_args *)args)->address;
    (void)up;
    return opening->joined ? weir_socket_bytes(opening->scope, address, &options)
                           : weir_socket_lines(opening->scope, address, &options);
}

static const char *const tcp_schemes[] = {"tcp", NULL};
static const weir_arg tcp_args[] = {
    WEIR_ARG_ADDRESS(struct socket_args, address, .name = "HOST:PORT", .flags = WEIR_ARG_REQUIRED,
                     .help = "an IPv6 address in [ ]"),
};

const weir_component wr_component_tcp = {
    .struct_size = sizeof wr_component_tcp,
    .name = "tcp",
    .schemes = tcp_schemes,
    .kind = WEIR_KIND_SOURCE,
    .gives = WEIR_SHAPE_LINE,
    .traits = WEIR_TRAIT_IO | WEIR_TRAIT_FRAMED,
    .args = tcp_args,
    .args_count = sizeof tcp_args / sizeof tcp_args[0],
    .args_size = sizeof(struct socket_args),
    .help = "The lines a TCP server sends.",
    .example = "tcp://127.0.0.1:9000 | head 3",
    .on_break = "the stream ends; a reset fails it",
    .open = socket_read,
};

static int unix_check(const weir_opening *opening, const void *args, weir_mistake *mistake)
{
    const char *address = ((const struct socket_args *)args)->address;
    (void)opening;
    return address[strspn(address, "unix:/")] == '\0' && address[strlen("unix:")] == '\0'
               ? weir_mistake_at(mistake, "PATH", "the path of the socket is missing")
               : 0;
}

static const char *const unix_schemes[] = {"unix:", NULL};
static const weir_arg unix_args[] = {
    WEIR_ARG_PATH(struct socket_args, address, .name = "PATH", .flags = WEIR_ARG_REQUIRED,
                  .help = "of the socket"),
};

const weir_component wr_component_unix = {
    .struct_size = sizeof wr_component_unix,
    .name = "unix",
    .schemes = unix_schemes,
    .kind = WEIR_KIND_SOURCE,
    .gives = WEIR_SHAPE_LINE,
    .traits = WEIR_TRAIT_IO | WEIR_TRAIT_FRAMED,
    .args = unix_args,
    .args_count = sizeof unix_args / sizeof unix_args[0],
    .args_size = sizeof(struct socket_args),
    .help = "The lines a server on a local socket sends.",
    .example = "unix:/run/feed.sock | head 3",
    .on_break = "the stream ends; a reset fails it",
    .check = unix_check,
    .open = socket_read,
};
