/*
 * sink_fd.c - lines to a descriptor that the caller continues to own.
 *
 * The sink opens when the pump first asks for room, or at the first put. It then opens the same
 * pipe or terminal a second time, so that the flags of the caller's descriptor do not change. From
 * then on a pipe or terminal is watched: when its reader leaves while nothing is written, the sink
 * ends with WEIR_ECLOSED in the same turn. A durable standard output is a regular file, which the state
 * syncs before each record. sink_stream.c says how bytes are written and what may
 * happen between two suspensions.
 */
#include <weir/module.h>

#include <stdio.h>
#include <sys/stat.h>

#include "flow_state.h"
#include "loop_file.h"
#include "sink_stream.h"

static int fd_promise(const struct weir_sink *sink, const char **why)
{
    const struct wr_stream_sink *stream = WR_OWNER((uintptr_t)sink, struct wr_stream_sink, sink);
    return wr_stream_promise(wr_stream_far_of(sink->loop, stream->fd), why);
}

static void fd_begun(struct weir_sink *sink)
{
    struct wr_stream_sink *stream = WR_OWNER((uintptr_t)sink, struct wr_stream_sink, sink);
    wr_stream_begun(sink);
    if (stream->durable) {
        wr_state_sink_file(sink->kept, stream->fd, NULL);
    }
}

static const struct wr_sink_ops fd_ops = {.kind = "fd",
                                          .put_many = wr_stream_put_many,
                                          .flush = wr_stream_flush,
                                          .wait = wr_stream_wait,
                                          .promise = fd_promise,
                                          .begun = fd_begun,
                                          .release = wr_stream_release,
                                          .drain = wr_stream_drain,
                                          .close = wr_stream_close,
                                          .why = wr_stream_why,
                                          .room = wr_stream_room};

static struct wr_transport *fd_open(struct wr_stream_sink *stream, weir_error *error)
{
    return wr_fd_transport(stream->sink.loop, stream->fd, WR_FD_BORROW, error);
}

weir_sink *weir_fd_sink(weir_scope *scope, int fd)
{
    char name[32];
    snprintf(name, sizeof name, fd == 1 ? "stdout" : fd == 2 ? "stderr" : "fd(%d)", fd);
    struct wr_stream_sink *stream = wr_stream_sink_alloc(scope, sizeof *stream, &fd_ops, name);
    if (stream == NULL) {
        return wr_sink_made(NULL);
    }
    stream->fd = fd;
    stream->open = fd_open;
    stream->watches = WR_WATCHES_HANGUP;
    return wr_sink_made(&stream->sink);
}

static weir_sink *stdout_open(const weir_opening *opening, const void *args)
{
    (void)args;
    weir_sink *sink = weir_fd_sink(opening->scope, opening->stdout_fd);
    struct stat info;
    if (opening->durable != 0 && sink->loop != NULL) {
        WR_OWNER((uintptr_t)sink, struct wr_stream_sink, sink)->durable = true;
        if (sink->loop->disk->stat(opening->stdout_fd, &info) < 0 || !S_ISREG(info.st_mode)) {
            wr_sink_set_error(sink, WEIR_EINVAL, 0,
                              "standard output is no file, so it cannot be synced");
        }
    }
    weir_sink_keep_state(sink, opening->state);
    return sink;
}

static const char *const stdout_schemes[] = {"-", NULL};

const weir_component wr_component_stdout = {
    .struct_size = sizeof wr_component_stdout,
    .name = "stdout",
    .schemes = stdout_schemes,
    .kind = WEIR_KIND_SINK,
    .takes = WEIR_SHAPES_ALL,
    .traits = WEIR_TRAIT_IO | WEIR_TRAIT_ACKNOWLEDGES | WEIR_TRAIT_PIECES,
    .help = "To standard output, byte for byte; the same as no sink.",
    .example = "gen 1..3 | stdout",
    .prints = "1\n2\n3\n",
    .on_break = "the pipeline ends, without an error",
    .durable = "the file that it is redirected to is synced before a position is saved",
    .misplaced = "to read standard input, write stdin, or omit the source",
    .open_sink = stdout_open,
};
