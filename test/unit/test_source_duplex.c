/*
 * Lines and bytes of a socket that has a sink, too: the suite of all sources.
 */
#include <unistd.h>

#include <weir/socket.h>

#include "support_suites.h"

static weir_socket_options end_of(struct wr_source_play *play)
{
    weir_socket *socket = weir_socket_new(play->scope, wr_far_serve(play), NULL);
    weir_socket_options end = {.struct_size = sizeof end, .socket = socket};
    (void)weir_socket_sink(play->scope, NULL, &end); /* ends with the scope */
    return end;
}

static weir_gen *make_bytes(struct wr_source_play *play)
{
    weir_socket_options end = end_of(play);
    return weir_socket_bytes(play->scope, NULL, &end);
}

static weir_gen *make_lines(struct wr_source_play *play, const weir_lines_options *options)
{
    weir_socket_options end = end_of(play);
    end.line_bytes_max = options != NULL ? options->line_bytes_max : 0;
    end.overlong = options != NULL ? options->overlong : 0;
    return weir_socket_lines(play->scope, NULL, &end);
}

static void close_far(struct wr_source_play *play)
{
    close(play->fd);
}

static const struct wr_source_kit duplex_kit = {.make = make_lines,
                                                .make_bytes = make_bytes,
                                                .end = close_far,
                                                .waits = true,
                                                .kernel_bytes = 256 * 1024};

WR_SOURCE_SUITE(&duplex_kit);

MAIN("source/duplex")
