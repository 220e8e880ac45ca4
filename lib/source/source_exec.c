/*
 * source_exec.c - what a program writes to its standard output.
 *
 * The first pull starts the program (loop_process.h). Its output is read only when a reader pulls: a
 * slow reader slows the program down. When the output has ended, the source waits for the program's
 * end, which says what the end means: with status 0 a rest without a line end is an item, else it is
 * dropped, since the program was cut short. Then the program may be started again, after a pause as
 * for HTTP.
 *
 * States: not started (or in a pause), running, at_end (its output has ended), finished. A stop or an
 * abort fails the current wait. Between two suspensions of a pull nothing is lent.
 */
#include <weir/module.h>

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base_alloc.h"
#include "base_option.h"
#include "base_print.h"
#include "http.h"
#include "source_exec_parts.h"
#include "source_opening.h"

enum { HEALTHY_MS = 30 * 1000, FIRST_FINAL = 126 /* 126 and 127: the shell cannot start it */ };

static struct wr_exec_source *source_of(const struct weir_gen *gen)
{
    return WR_OWNER((uintptr_t)gen, struct wr_exec_source, gen);
}

/* A wait has failed: after a stop this is a normal end. */
static int wait_failed(struct wr_exec_source *source, int code)
{
    if (source->gen.stopping && code == WEIR_ECLOSED) {
        return code;
    }
    if (code == WEIR_EBUDGET) {
        return wr_gen_fail_starved(&source->gen, (int64_t)source->inbox.given_end);
    }
    return wr_gen_fail(&source->gen, code, 0, -1, "%s: %s", source->shown, wr_code_text(code));
}

/* ---- starting and ending it */

static int start(struct wr_exec_source *source)
{
    struct weir_gen *gen = &source->gen;
    weir_error error;
    if (source->pause_ms > 0) {
        int64_t ms = source->pause_ms;
        source->pause_ms = 0;
        int rc = wr_sleep(gen->loop, ms, "the next start of the command", &gen->object);
        if (rc < 0 || gen->stopping) {
            return wait_failed(source, rc < 0 ? rc : WEIR_ECLOSED);
        }
    }
    if (source->kind->prepare != NULL && source->kind->prepare(source) < 0) {
        return gen->failure->code;
    }
    const struct wr_process_options options = {
        .argv = source->argv, .name = gen->name, .of = &gen->object, .reads = true};
    source->process = wr_process_start(gen->loop, &options, &error);
    if (source->process == NULL) {
        const char *hint = error.detail == ENOENT ? source->kind->hint_not_found : NULL;
        return wr_gen_fail(gen, error.code, error.detail, -1, "%s%s%s", error.message,
                           hint != NULL ? "; " : "", hint != NULL ? hint : "");
    }
    source->at_end = false;
    source->fresh = true;
    source->started_ns = wr_now_ns(gen->loop);
    return 0;
}

static int fail(struct wr_exec_source *source, const struct wr_exit *how, const char *then)
{
    char text[96], rest[96] = "";
    size_t lost = wr_inbox_pending(&source->inbox);
    const char *item = source->inbox.framer.ops->item;
    const char *hint = source->kind->hint;
    wr_exit_text(how, text, sizeof text);
    if (lost > 0) {
        snprintf(rest, sizeof rest, "; an unfinished %s of %zu bytes was not given", item, lost);
    }
    return wr_gen_fail(&source->gen, how->unknown != 0 ? WEIR_EIO : WEIR_EEXIT,
                       how->unknown != 0 ? how->unknown : how->status,
                       (int64_t)source->inbox.given_end, "%s: it %s after %s %" PRIu64 "%s%s%s%s",
                       source->shown, text, item, source->gen.origin->given, rest, then,
                       hint != NULL ? "; " : "", hint != NULL ? hint : "");
}

static void plan_start(struct wr_exec_source *source, const struct wr_exit *how)
{
    struct weir_loop *loop = source->gen.loop;
    char text[96], then[128];
    if (wr_now_ns(loop) - source->started_ns >= (int64_t)HEALTHY_MS * 1000000) {
        source->pauses = 0;
    }
    int64_t ms = wr_backoff_ms(loop, source->pauses);
    source->tries++;
    source->pauses++;
    source->pause_ms = WR_MAX(ms, INT64_C(1));
    wr_exit_text(how, text, sizeof text);
    source->kind->how(source, then, sizeof then);
    wr_log(&loop->log, WR_LOG_INFO, source->gen.name,
           "%s: it %s; restart %d in %" PRId64 ".%" PRId64 " s (%s)", source->shown, text,
           source->tries, ms / 1000, ms % 1000 / 100, then);
    loop->stats.reconnects++;
    wr_inbox_resume(&source->inbox, source->inbox.given_end); /* the next byte begins an item */
}

/* It has ended, and all that it gave was given. 0: it is started again; else it is over. */
static int ended(struct wr_exec_source *source, struct wr_exit how)
{
    char text[64];
    bool good = wr_exit_good(&how);
    wr_process_free(source->process, source->grace_ms);
    source->process = NULL;
    if (source->gen.stopping) {
        return WEIR_ECLOSED;
    }
    if (source->restart == WEIR_RESTART_NEVER || (good && source->restart != WEIR_RESTART_ALWAYS)) {
        source->finished = good;
        return good ? 1 : fail(source, &how, "");
    }
    bool first = source->gen.origin->given == 0 && source->tries == 0;
    bool mistaken =
        first && !good &&
        (source->kind->first_is_final ||
         (how.number == 0 && (how.status == FIRST_FINAL || how.status == FIRST_FINAL + 1)));
    if (mistaken && source->retries <= 0) {
        return fail(source, &how, "");
    }
    if (source->retries != 0 && source->tries >= WR_MAX(source->retries, 0)) {
        source->finished = good;
        snprintf(text, sizeof text, "; gave up after %d %s", source->tries,
                 source->tries == 1 ? "restart" : "restarts");
        return good ? 1 : fail(source, &how, text);
    }
    plan_start(source, &how);
    return 0;
}

/* ---- reading */

static int find_room(struct wr_exec_source *source, char **to, size_t *room)
{
    struct weir_gen *gen = &source->gen;
    int rc = wr_turn(gen->loop, &gen->object);
    if (rc < 0) {
        return wait_failed(source, rc);
    }
    while ((rc = wr_inbox_room(&source->inbox, to, room)) == WEIR_EBUDGET &&
           wr_inbox_stuck(&source->inbox) == NULL) {
        rc = wr_budget_wait(gen->loop, &gen->object);
        if (rc < 0 || gen->stopping) {
            return wait_failed(source, rc < 0 ? rc : WEIR_ECLOSED);
        }
    }
    if (rc < 0) {
        return wr_gen_fail(gen, rc, 0, (int64_t)source->inbox.given_end, "%s",
                           rc == WEIR_EBUDGET ? wr_inbox_stuck(&source->inbox)
                                              : "no memory to read into");
    }
    return 0;
}

static int read_more(struct wr_exec_source *source)
{
    struct weir_gen *gen = &source->gen;
    struct wr_transport *from = wr_process_out(source->process);
    char *to = NULL;
    size_t room = 0;
    if (find_room(source, &to, &room) < 0) {
        return WEIR_ECLOSED;
    }
    int64_t n = from->ops->read(from, to, room);
    if (n == WR_AGAIN) {
        wr_inbox_came(&source->inbox, 0);
        int rc = from->ops->wait(from, WR_READABLE, -1, "the output of the command", &gen->object);
        return rc < 0 || gen->stopping ? wait_failed(source, rc < 0 ? rc : WEIR_ECLOSED) : 0;
    }
    if (n < 0) {
        return wr_gen_fail(gen, (int)n, from->detail, (int64_t)source->inbox.given_end,
                           "%s: read: %s", source->shown, strerror(from->detail));
    }
    source->at_end = n == 0;
    if (n > 0) {
        wr_inbox_came(&source->inbox, (size_t)n);
    }
    return 0;
}

/* Its output has ended: how has it? */
static int await_end(struct wr_exec_source *source)
{
    int rc = wr_process_wait(source->process, -1, "the command to end");
    if (rc < 0 || source->gen.stopping) {
        return wait_failed(source, rc < 0 ? rc : WEIR_ECLOSED);
    }
    const struct wr_exit *how = wr_process_exit(source->process);
    if (wr_exit_good(how)) {
        wr_inbox_end(&source->inbox);
        return 0;
    }
    return ended(source, *how);
}

static int attach_lossy(struct wr_exec_source *source)
{
    weir_error error;
    if (wr_state_attach_source(source->state, source->shown, source->gen.origin, &source->slot,
                               &error) < 0) {
        return wr_gen_fail_error(&source->gen, &error);
    }
    wr_state_prove(source->slot, WR_PROOF_NONE);
    return 0;
}

/* One step towards an item. Not 0: it is over. */
static int step(struct wr_exec_source *source)
{
    return source->process == NULL ? start(source)
           : source->at_end        ? await_end(source)
                                   : read_more(source);
}

static size_t exec_next_many(struct weir_gen *gen, weir_item *items, size_t max)
{
    struct wr_exec_source *source = source_of(gen);
    const struct wr_exit good = {.status = 0};
    wr_inbox_over_loan(&source->inbox, gen->origin);
    if (!source->opened) {
        source->opened = true;
        if (source->state != NULL && source->kind->attach(source) < 0) {
            return 0;
        }
    }
    while (!gen->stopping && gen->failure == NULL) {
        bool over = false;
        if (source->slot != NULL) {
            wr_state_pulled(source->state);
        }
        size_t n = wr_inbox_take(&source->inbox, gen, items, max, &over);
        if (n > 0) {
            if (source->fresh) {
                source->fresh = false;
                source->tries = source->pauses = 0;
            }
            return source->kind->given != NULL && source->kind->given(source, items, n) < 0 ? 0 : n;
        }
        if (gen->failure != NULL || (over ? ended(source, good) : step(source)) != 0) {
            break;
        }
    }
    return 0;
}

/* ---- the end, and the other operations */

static void exec_close(struct weir_gen *gen)
{
    struct wr_exec_source *source = source_of(gen);
    wr_process_free(source->process, source->grace_ms);
    source->process = NULL;
    if (source->slot != NULL) {
        wr_state_detach_source(source->slot, source->finished && gen->failure == NULL);
        source->slot = NULL;
    }
    wr_inbox_fini(&source->inbox);
}

static void exec_stop(struct weir_gen *gen)
{
    (void)wr_object_abort(&gen->object, WEIR_ECLOSED);
}

static void exec_free(struct weir_gen *gen)
{
    struct wr_exec_source *source = source_of(gen);
    if (source->kind->free != NULL) {
        source->kind->free(source);
    }
    wr_free((void *)(uintptr_t)source->argv);
    wr_free(source->shown);
}

static int64_t exec_held(const struct weir_gen *gen, uint32_t mark)
{
    return wr_inbox_held(&source_of(gen)->inbox, mark);
}

static bool exec_frame(struct weir_gen *gen, const weir_framing *framing)
{
    return wr_inbox_frame(&source_of(gen)->inbox, gen, framing);
}

static struct wr_json *exec_json(const struct weir_gen *gen)
{
    return wr_inbox_json(&source_of(gen)->inbox);
}

static size_t exec_label(const struct weir_gen *gen, char *text, size_t cap)
{
    const struct wr_exec_source *source = source_of(gen);
    return wr_print_text(text, cap, "%s", source->shown != NULL ? source->shown : gen->name);
}

static const struct wr_gen_ops exec_ops = {.kind = "exec",
                                           .label = exec_label,
                                           .next_many = exec_next_many,
                                           .close = exec_close,
                                           .free = exec_free,
                                           .stop = exec_stop,
                                           .held = exec_held,
                                           .frame = exec_frame,
                                           .json = exec_json,
                                           .begins_again = wr_gen_begins_once,
                                           .is_source = true};

/* ---- making */

const char **wr_exec_argv(const char *const *argv)
{
    size_t count = 0, bytes = 0;
    for (; argv[count] != NULL; count++) {
        bytes += strlen(argv[count]) + 1;
    }
    const char **copy = wr_alloc((count + 1) * sizeof *copy + bytes);
    if (copy == NULL) {
        return NULL;
    }
    char *to = (char *)(copy + count + 1);
    for (size_t i = 0; i < count; i++) {
        size_t len = strlen(argv[i]) + 1;
        copy[i] = memcpy(to, argv[i], len);
        to += len;
    }
    copy[count] = NULL;
    return copy;
}

struct wr_exec_source *wr_exec_source_alloc(struct weir_scope *scope, const char *name,
                                            const struct wr_exec_kind *kind, size_t size,
                                            const char *const *argv, const char *shown,
                                            const weir_framing *framing,
                                            const weir_exec_options *options)
{
    weir_error error;
    struct wr_exec_source *source = wr_gen_alloc(scope, size, &exec_ops, name);
    if (source == NULL) {
        return NULL;
    }
    source->kind = kind;
    source->state = options->state;
    source->restart = options->restart;
    source->retries = options->retries;
    source->grace_ms = options->grace_ms == 0 ? WR_PROCESS_GRACE_MS : WR_MAX(options->grace_ms, 0);
    source->shown = wr_strdup(shown);
    source->argv = argv != NULL ? wr_exec_argv(argv) : NULL;
    int rc = wr_inbox_init(&source->inbox, &source->gen, framing, 0);
    if (rc < 0 || source->shown == NULL || (argv != NULL && source->argv == NULL)) {
        wr_gen_fail(&source->gen, WEIR_ENOMEM, 0, -1, "no memory for a command");
    } else if (wr_limit_wrong(&error, name, "line_bytes_max", options->line_bytes_max) ||
               wr_choice_wrong(&error, name, "overlong", options->overlong, WEIR_LONG_PARTS) ||
               wr_choice_wrong(&error, name, "restart", options->restart, WEIR_RESTART_ALWAYS) ||
               wr_limit_wrong(&error, name, "grace_ms", options->grace_ms)) {
        wr_gen_fail_error(&source->gen, &error);
    }
    return source;
}

static void how_it_continues(const struct wr_exec_source *source, char *to, size_t cap)
{
    uint64_t given = source->gen.origin->given;
    if (given == 0) {
        snprintf(to, cap, "from the start");
    } else {
        snprintf(to, cap, "a gap or repeats are possible after %s %" PRIu64,
                 source->inbox.framer.ops->item, given);
    }
}

static const struct wr_exec_kind of_a_command = {.attach = attach_lossy, .how = how_it_continues};

static weir_gen *exec_make(weir_scope *scope, const char *command, const weir_exec_options *options,
                           int32_t frame)
{
    weir_exec_options o = WEIR_ZERO;
    if (options != NULL) {
        WR_TAKE_OPTIONS(o, options);
    }
    WR_GIVEN(command);
    const char *const argv[] = {"/bin/sh", "-c", command, NULL};
    weir_framing framing = {
        .kind = frame, .overlong = o.overlong, .item_bytes_max = o.line_bytes_max};
    char *shown = wr_alloc(strlen(command) + sizeof "exec \"\"");
    if (shown == NULL) {
        return wr_gen_made(NULL, NULL);
    }
    sprintf(shown, "exec \"%s\"", command);
    struct wr_exec_source *source = wr_exec_source_alloc(scope, "exec", &of_a_command,
                                                         sizeof *source, argv, shown, &framing, &o);
    wr_free(shown);
    return wr_gen_made(source != NULL ? &source->gen : NULL, NULL);
}

weir_gen *weir_exec_lines(weir_scope *scope, const char *command, const weir_exec_options *options)
{
    return exec_make(scope, command, options, WEIR_FRAME_LINES);
}

weir_gen *weir_exec_bytes(weir_scope *scope, const char *command, const weir_exec_options *options)
{
    return exec_make(scope, command, options, WEIR_FRAME_NONE);
}

/* ---- the component */

struct exec_args {
    const char *command;
    int32_t restart;
    int64_t grace_ms, retries;
};

static weir_gen *exec_open(const weir_opening *opening, weir_gen *up, const void *args)
{
    const struct exec_args *a = args;
    weir_lines_options lines = wr_lines_of_opening(opening);
    const weir_exec_options options = {.struct_size = sizeof options,
                                       .overlong = lines.overlong,
                                       .restart = a->restart,
                                       .retries = (int32_t)a->retries,
                                       .state = opening->state,
                                       .grace_ms = a->grace_ms};
    (void)up;
    return opening->joined ? weir_exec_bytes(opening->scope, a->command, &options)
                           : weir_exec_lines(opening->scope, a->command, &options);
}

static const char *const restarts[] = {"never", "on-failure", "always", NULL};
static const weir_arg exec_args[] = {
    WEIR_ARG_TEXT(struct exec_args, command, .name = "COMMAND", .flags = WEIR_ARG_REQUIRED,
                  .help = "a text for /bin/sh, which has the variables of weir's environment"),
    WEIR_ARG_CHOICE(struct exec_args, restart, .name = "restart", .form = WEIR_FORM_NAMED,
                    .choices = restarts, .preset = "never", .help = "when it is started again"),
    WEIR_ARG_COUNT(struct exec_args, retries, .name = "retries", .form = WEIR_FORM_NAMED, .min = 1,
                   .max = 1000000, .help = "restarts in a row without a new line; else no limit"),
    WEIR_ARG_TIME(struct exec_args, grace_ms, .name = "grace", .form = WEIR_FORM_NAMED, .min = 1,
                  .preset = "5s", .help = "from SIGTERM to SIGKILL, when weir ends it"),
};

const weir_component wr_component_exec = {
    .struct_size = sizeof wr_component_exec,
    .name = "exec",
    .kind = WEIR_KIND_SOURCE,
    .gives = WEIR_SHAPE_LINE,
    .traits = WEIR_TRAIT_IO | WEIR_TRAIT_FRAMED,
    .args = exec_args,
    .args_count = sizeof exec_args / sizeof exec_args[0],
    .args_size = sizeof(struct exec_args),
    .help = "The lines that a command prints; what it says on standard error goes to the log.",
    .example = "exec \"seq 2\"",
    .on_break =
        "it fails with the command's status; with restart=on-failure or always it is started "
        "again, and lines may be missing or repeated",
    .open = exec_open,
};
