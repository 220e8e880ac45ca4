/*
 * source_socket.c - lines of a TCP or unix socket: weir connects and reads to the end of the
 * stream.
 *
 * The first pull connects. What was received cannot be asked for again, so with a state the
 * pipeline would be best-effort; the options have none. How it is read, and what may happen between
 * two suspensions, is in source_stream.c.
 */
#include <string.h>

#include "source_stream.h"

#include "base_option.h"

enum { CONNECT_MS = 10000 };

static int socket_open(struct wr_stream_source *stream)
{
    weir_error error;
    stream->transport = wr_connect(stream->gen.loop, stream->where, stream->connect_ms,
                                   &stream->gen.object, &error);
    if (stream->transport != NULL) {
        return 0;
    }
    if (stream->gen.stopping && error.code == WEIR_ECLOSED) {
        return error.code; /* stopped before there was anything: the plain end */
    }
    return wr_stream_fail(stream, &error);
}

weir_gen *weir_socket_lines(weir_scope *scope, const char *address,
                            const weir_socket_options *options)
{
    weir_socket_options o = WEIR_ZERO;
    if (options != NULL) {
        WR_TAKE_OPTIONS(o, options);
    }
    if (o.frame != WEIR_FRAME_LINES || o.tls != WEIR_TLS_VERIFY || o.ca_file != NULL) {
        weir_error error;
        wr_error_set(&error, WEIR_EINVAL, 0, "socket",
                     "a socket source reads plain lines: frame, tls and ca_file "
                     "must be left at 0");
        return wr_gen_failed(scope, &error);
    }
    weir_lines_options lines = {
        .struct_size = sizeof lines, .line_bytes_max = o.line_bytes_max, .overlong = o.overlong};
    struct wr_stream_source *stream =
        wr_stream_source_alloc(scope, address, socket_open, address, &lines);
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
