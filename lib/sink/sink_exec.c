/*
 * sink_exec.c - items to the standard input of a command.
 *
 * The first put starts the command, or the end if there was no put. What it prints goes where this
 * process prints, and its standard error to the log (loop_process.h). At the end the command reads the
 * end of its input, and the sink waits until it has ended: its status decides whether the sink has
 * failed.
 *
 * A command that ends, or closes its input, before that has not read all items. The broken pipe is
 * noticed first, in the middle of a write or while nothing is put (sink_stream.c); the close then waits
 * for the command and puts its status into the failure.
 *
 * Only drain and close suspend here.
 */
#include <weir/module.h>

#include <stdio.h>

#include "base_alloc.h"
#include "base_option.h"
#include "loop_process.h"
#include "sink_stream.h"

struct sink_exec {
    struct wr_stream_sink stream;
    struct wr_process *process; /* NULL: not started */
    char *command;
    int32_t out;
    int64_t grace_ms;
};

static struct sink_exec *exec_of(const struct weir_sink *sink)
{
    return WR_OWNER((uintptr_t)sink, struct sink_exec, stream.sink);
}

static struct wr_transport *exec_open(struct wr_stream_sink *stream, weir_error *error)
{
    struct sink_exec *self = exec_of(&stream->sink);
    const char *const argv[] = {"/bin/sh", "-c", self->command, NULL};
    const struct wr_process_options options = {.argv = argv,
                                               .name = stream->sink.name,
                                               .of = &stream->sink.object,
                                               .writes = true,
                                               .out = self->out};
    self->process = wr_process_start(stream->sink.loop, &options, error);
    return self->process != NULL ? wr_process_in(self->process) : NULL;
}

/* The command has ended in this way: is that a failure? */
static void judge(struct sink_exec *self, const struct wr_exit *how)
{
    char text[96];
    if (wr_exit_good(how)) {
        wr_stream_all_read(&self->stream);
        return;
    }
    wr_exit_text(how, text, sizeof text);
    (void)wr_sink_set_error(&self->stream.sink, how->unknown != 0 ? WEIR_EIO : WEIR_EEXIT,
                            how->unknown != 0 ? how->unknown : how->status,
                            "'%s' %s after %llu bytes", self->command, text,
                            (unsigned long long)self->stream.writer.written);
}

static void exec_drain(struct weir_sink *sink)
{
    struct sink_exec *self = exec_of(sink);
    if (wr_stream_room(sink) == 0) {
        return;
    }
    wr_stream_drain(sink);
    if (sink->failure != NULL) {
        return;
    }
    wr_stream_leave(sink);
    wr_process_close_in(self->process);
    self->stream.transport = NULL;
    int rc = wr_process_wait(self->process, -1, "the command to end");
    const struct wr_exit *how = wr_process_exit(self->process);
    if (how != NULL) {
        judge(self, how);
    } else {
        (void)wr_sink_set_error(sink, rc, 0, "'%s' has not ended: %s", self->command,
                                wr_code_text(rc));
    }
}

/* It does not read any more: the failure of the pipe says so, and now how it has ended. */
static void explain(struct sink_exec *self)
{
    struct weir_sink *sink = &self->stream.sink;
    unsigned long long written = self->stream.writer.written;
    char text[96];
    (void)wr_process_wait(self->process, self->grace_ms, "the command to end");
    const struct wr_exit *how = wr_process_exit(self->process);
    if (how == NULL) {
        wr_error_set(sink->failure, WEIR_ECLOSED, EPIPE, sink->name,
                     "'%s' has closed its input after %llu bytes, and has not ended", self->command,
                     written);
        return;
    }
    wr_exit_text(how, text, sizeof text);
    bool good = wr_exit_good(how);
    wr_error_set(sink->failure, good ? WEIR_ECLOSED : WEIR_EEXIT, good ? EPIPE : how->status,
                 sink->name, "'%s' %s after %llu bytes, before the end of its input", self->command,
                 text, written);
}

static void exec_close(struct weir_sink *sink, const weir_error *failure)
{
    struct sink_exec *self = exec_of(sink);
    wr_stream_leave(sink);
    if (self->process != NULL && failure != NULL && failure->code == WEIR_ECLOSED) {
        explain(self);
    }
    self->stream.transport = NULL; /* the process ends it */
    wr_stream_close(sink, failure);
    wr_process_free(self->process, self->grace_ms);
    wr_free(self->command);
    self->process = NULL;
    self->command = NULL;
}

static int exec_promise(const struct weir_sink *sink, const char **why)
{
    (void)sink;
    return wr_stream_promise(WR_FAR_LOCAL, why);
}

static size_t exec_why(const struct weir_sink *sink, char *text, size_t cap)
{
    return exec_of(sink)->stream.transport != NULL ? wr_stream_why(sink, text, cap) : 0;
}

static const struct wr_sink_ops exec_ops = {.kind = "exec",
                                            .put_many = wr_stream_put_many,
                                            .flush = wr_stream_flush,
                                            .wait = wr_stream_wait,
                                            .promise = exec_promise,
                                            .begun = wr_stream_begun,
                                            .release = wr_stream_release,
                                            .drain = exec_drain,
                                            .close = exec_close,
                                            .why = exec_why};

weir_sink *weir_exec_sink(weir_scope *scope, const char *command,
                          const weir_exec_sink_options *options)
{
    weir_exec_sink_options o = WEIR_ZERO;
    weir_error error;
    if (options != NULL) {
        WR_TAKE_OPTIONS(o, options);
    }
    WR_GIVEN(command);
    struct sink_exec *self = wr_stream_sink_alloc(scope, sizeof *self, &exec_ops, "exec");
    if (self == NULL) {
        return wr_sink_made(NULL);
    }
    struct wr_stream_sink *stream = &self->stream;
    stream->open = exec_open;
    stream->watches = WR_WATCHES_HANGUP;
    stream->gather.frame = o.frame;
    self->out = o.stdout_fd > 0 ? o.stdout_fd : -1;
    self->grace_ms = o.grace_ms == 0 ? WR_PROCESS_GRACE_MS : WR_MAX(o.grace_ms, 0);
    self->command = wr_strdup(command);
    if (self->command == NULL) {
        wr_sink_set_error(&stream->sink, WEIR_ENOMEM, 0, "no memory for a command");
    } else if (wr_choice_wrong(&error, "exec", "frame", o.frame, WEIR_FRAME_LEN32) ||
               wr_limit_wrong(&error, "exec", "grace_ms", o.grace_ms)) {
        wr_sink_set_error(&stream->sink, error.code, 0, "%s", error.message);
    }
    return wr_sink_made(&stream->sink);
}

/* ---- the component */

struct exec_args {
    const char *command;
    int64_t grace_ms;
};

static weir_sink *exec_write(const weir_opening *opening, const void *args)
{
    const struct exec_args *a = args;
    const weir_exec_sink_options options = {
        .struct_size = sizeof options, .stdout_fd = opening->stdout_fd, .grace_ms = a->grace_ms};
    weir_sink *sink = weir_exec_sink(opening->scope, a->command, &options);
    weir_sink_keep_state(sink, opening->state);
    return sink;
}

static const weir_arg exec_args[] = {
    WEIR_ARG_TEXT(struct exec_args, command, .name = "COMMAND", .flags = WEIR_ARG_REQUIRED,
                  .help = "a text for /bin/sh, which has the variables of weir's environment"),
    WEIR_ARG_TIME(struct exec_args, grace_ms, .name = "grace", .form = WEIR_FORM_NAMED, .min = 1,
                  .preset = "5s", .help = "from SIGTERM to SIGKILL, when weir ends it"),
};

const weir_component wr_component_exec_sink = {
    .struct_size = sizeof wr_component_exec_sink,
    .name = "exec",
    .kind = WEIR_KIND_SINK,
    .takes = WEIR_SHAPES_ALL,
    .traits = WEIR_TRAIT_IO | WEIR_TRAIT_ACKNOWLEDGES | WEIR_TRAIT_PIECES,
    .args = exec_args,
    .args_count = sizeof exec_args / sizeof exec_args[0],
    .args_size = sizeof(struct exec_args),
    .help = "To the standard input of a command; its status is awaited.",
    .example = "gen 1..3 | exec \"sort -r\"",
    .on_break = "the pipeline fails with the command's status",
    .misplaced =
        "as a stage it is not in this version; the lines of a command: exec COMMAND as the "
        "first part",
    .open_sink = exec_write,
};
