/*
 * source_fd.c - items of a descriptor that the caller owns: a pipe, terminal, socket or file.
 *
 * The descriptor's flags are not changed, because other processes may share them. A regular file is
 * read from its current position. The next run cannot read the same bytes again, so with a state
 * the pipeline becomes best-effort. source_stream.c describes how it is read, and what may happen
 * between two suspensions.
 */
#include <weir/module.h>

#include <stdio.h>

#include "source_opening.h"
#include "source_stream.h"

static int fd_open(struct wr_stream_source *stream)
{
    weir_error error;
    char name[32];
    snprintf(name, sizeof name, "fd:%d", stream->fd);
    int rc = wr_stream_lossy(stream, name);
    if (rc < 0) {
        return rc;
    }
    wr_stream_opened(stream, stream->fd);
    stream->transport = wr_fd_transport(stream->gen.loop, stream->fd, WR_FD_BORROW, &error);
    return stream->transport != NULL ? 0 : wr_stream_fail(stream, &error);
}

static weir_gen *fd_make(weir_scope *scope, int fd, int32_t frame,
                         const weir_lines_options *options)
{
    char name[32];
    snprintf(name, sizeof name, fd == 0 ? "stdin" : "fd(%d)", fd);
    struct wr_stream_source *stream =
        wr_stream_source_alloc(scope, name, fd_open, NULL, frame, options);
    if (stream == NULL) {
        return wr_gen_made(NULL, NULL);
    }
    stream->fd = fd;
    return wr_gen_made(&stream->gen, NULL);
}

weir_gen *weir_fd_lines(weir_scope *scope, int fd, const weir_lines_options *options)
{
    return fd_make(scope, fd, WEIR_FRAME_LINES, options);
}

weir_gen *weir_fd_bytes(weir_scope *scope, int fd, const weir_lines_options *options)
{
    return fd_make(scope, fd, WEIR_FRAME_NONE, options);
}

static weir_gen *stdin_open(const weir_opening *opening, weir_gen *up, const void *args)
{
    weir_lines_options lines = wr_lines_of_opening(opening);
    (void)up;
    (void)args;
    return opening->joined ? weir_fd_bytes(opening->scope, opening->stdin_fd, &lines)
                           : weir_fd_lines(opening->scope, opening->stdin_fd, &lines);
}

static const char *const stdin_schemes[] = {"-", NULL};

const weir_component wr_component_stdin = {
    .struct_size = sizeof wr_component_stdin,
    .name = "stdin",
    .schemes = stdin_schemes,
    .kind = WEIR_KIND_SOURCE,
    .gives = WEIR_SHAPE_LINE,
    .traits = WEIR_TRAIT_IO | WEIR_TRAIT_FRAMED,
    .help = "The lines of standard input; also written - or left out.",
    .example = "stdin | head 3",
    .misplaced = "to write to standard output, omit the sink",
    .open = stdin_open,
};
