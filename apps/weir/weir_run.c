/*
 * weir_run.c - one run of a pipeline: plan to generators, pump, and the exit code.
 *
 * The pipeline runs in one scope that obeys SIGINT and SIGTERM: the first signal drains (sources
 * end, pending items are delivered, for at most --drain), the second stops at once. SIGHUP does the
 * same on a terminal; without one it reopens the output files. SIGQUIT prints every task. On a
 * terminal a second scope has the task that draws the status line; it is canceled when the pump has
 * returned.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "weir_crash.h"
#include "weir_run.h"

/* Where the clock of `weir test` begins: 2020-01-01T00:00:00Z. */
#define TEST_CLOCK_NS (INT64_C(1577836800) * 1000000000)

struct run {
    const struct flags *flags;
    struct say say;
    weir_plan *plan;
    weir_loop *loop;
    weir_scope *scope;       /* of the pipeline */
    weir_gen *gen;           /* while it is pumped */
    weir_state *state;       /* NULL: none */
    weir_recorder *recorder; /* of `weir record`; NULL: none */
    int promised;            /* by the pipeline's components: enum weir_delivery */
    int shown_delivery;      /* reported last; WEIR_NONE: nothing yet */
    char promise[512];
    bool stopped;       /* by --for */
    bool ends_later;    /* the time of --for has begun */
    struct table table; /* what its components did, with -v */
    const char *folder; /* of the state; NULL: none */
    char name[256];     /* of the state */
};

static void dump_tasks(void *ctx)
{
    struct run *run = ctx;
    say_clear(&run->say);
    int fd = run->say.json ? memfd_create("tasks", MFD_CLOEXEC) : 2;
    weir_dump(run->loop, fd >= 0 ? fd : 2);
    if (fd > 2) {
        static char text[4096];
        ssize_t n = pread(fd, text, sizeof text - 1, 0);
        text[n > 0 ? n : 0] = '\0';
        json_say(6, NULL, text, 0);
        close(fd);
    }
}

/* On a terminal: draw the status line, and say that a drain has begun if it takes long. */
static int show_status(weir_scope *scope, void *args)
{
    struct run *run = *(struct run **)args;
    bool stopped = false;
    while (weir_sleep(scope, 500)) {
        if (!stopped && weir_scope_signal(run->scope, NULL) != 0) {
            stopped = true;
            say_line(&run->say, "draining: pending items are still delivered; another Ctrl-C or "
                                "SIGTERM stops at once");
        }
        char why[200] = "";
        weir_ledger ledger;
        weir_stats stats = {.struct_size = sizeof stats};
        weir_scope_ledger(run->scope, &ledger);
        weir_loop_stats(run->loop, &stats);
        if (run->gen != NULL) {
            weir_why(run->gen, why, sizeof why);
        }
        say_status(&run->say, &ledger, &stats, why);
    }
    return 0;
}

/* --for: as a first SIGTERM would. */
static int stop_later(weir_scope *scope, void *args)
{
    struct run *run = *(struct run **)args;
    run->ends_later = true;
    if (weir_sleep(scope, run->flags->for_ms)) {
        run->stopped = true;
        weir_scope_stop(run->scope);
    }
    return 0;
}

/* How items are written to standard output, which may be a terminal. false: as they are. */
static bool show_options(const struct run *run, weir_show_options *to)
{
    const struct flags *flags = run->flags;
    const char *term = getenv("TERM"), *no_colour = getenv("NO_COLOR");
    bool terminal = isatty(1);
    bool plain =
        term == NULL || strcmp(term, "dumb") == 0 || (no_colour != NULL && no_colour[0] != '\0');
    *to = (weir_show_options){.struct_size = sizeof *to,
                              .raw = flags->raw_strings,
                              .pretty = flags->pretty,
                              .envelope = flags->envelope,
                              .harmless = terminal,
                              .colour = terminal && !plain,
                              .format = flags->format};
    bool any =
        terminal || to->raw != 0 || to->pretty != 0 || to->envelope != 0 || to->format != NULL;
    return any && weir_plan_writes_stdout(run->plan);
}

/* Whether rejected items can be written to the file of --dead, as far as that is known before there
 * is one: it is made at the first. */
static bool can_keep_dead(struct run *run)
{
    const char *path = run->flags->dead_file;
    struct stat info;
    if (path == NULL) {
        return true;
    }
    int rc = stat(path, &info);
    int number = rc == 0 && S_ISDIR(info.st_mode) ? EISDIR : 0;
    if (rc == 0 && number == 0) {
        number = access(path, W_OK) < 0 ? errno : 0;
    } else if (rc < 0 && errno == ENOENT) {
        char folder[PATH_MAX];
        const char *slash = strrchr(path, '/');
        int len = slash == NULL ? 1 : slash == path ? 1 : (int)(slash - path);
        snprintf(folder, sizeof folder, "%.*s", len, slash == NULL ? "." : path);
        number = access(folder, W_OK | X_OK) < 0 ? errno : 0;
    } else if (rc < 0) {
        number = errno;
    }
    if (number != 0) {
        say_wrong(
            &run->say,
            "--dead: rejected items cannot be written to '%s': %s; nothing has been read: name "
            "a file that can be written, in a folder that exists",
            path, strerror(number));
    }
    return number == 0;
}

/* `weir record`: its items are dropped. */
static int open_recorded(struct run *run, const weir_plan_options *options, weir_sink **sink)
{
    weir_error error;
    int code = record_check(run->flags, &run->say, run->plan);
    if (code != 0) {
        return code;
    }
    run->recorder = weir_recorder_new(run->scope, run->flags->output, &error);
    if (run->recorder == NULL) {
        say_error(&run->say, &error, NULL);
        return EXIT_FAILED;
    }
    if (weir_plan_open(run->plan, run->scope, options, &run->gen, NULL, &error) < 0 ||
        weir_recorder_check(run->recorder, &error) < 0) {
        code = text_refused(&run->say, &error);
        (void)!weir_recorder_end(run->recorder, &error, NULL, &error);
        return code;
    }
    *sink = weir_null_sink(run->scope);
    return 0;
}

/* --from is for a first run: a record that has a position says itself where to go on. */
static int check_from(struct run *run, const char *folder)
{
    const struct flags *flags = run->flags;
    weir_error error;
    if (flags->from_stored && folder == NULL) {
        say_wrong(&run->say, "--from stored needs --state DIR");
        return EXIT_USAGE;
    }
    if (flags->begin.kind == 0 || folder == NULL) {
        return 0;
    }
    weir_record *record = weir_record_read(folder, run->name, &error);
    size_t sources = record != NULL ? record->sources_count : 0;
    weir_record_free(record);
    if (sources > 0) {
        say_wrong(
            &run->say,
            "--from has no effect: the state '%s' says where the run continues; leave it out, or "
            "type: weir state reset %s --state %s",
            run->name, run->name, folder);
    }
    return sources > 0 ? EXIT_USAGE : 0;
}

static int open_plan(struct run *run, weir_sink **sink, bool *durable)
{
    const struct flags *flags = run->flags;
    weir_error error;
    weir_http_options http;
    weir_plan_options options = text_options(flags, &http);
    const char *folder =
        flags->state_folder != NULL ? flags->state_folder : weir_plan_state_folder(run->plan);
    if (!can_keep_dead(run)) {
        return EXIT_USAGE;
    }
    const char *own =
        flags->state_name != NULL ? flags->state_name : weir_plan_state_name(run->plan);
    snprintf(run->name, sizeof run->name, "%016" PRIx64, weir_plan_hash(run->plan, &options));
    if (own != NULL) {
        snprintf(run->name, sizeof run->name, "%s", own);
    }
    int from = check_from(run, folder);
    if (from != 0) {
        return from;
    }
    *durable = folder != NULL;
    if (folder != NULL) {
        options.state = run->state =
            weir_state_open(run->scope, folder, own != NULL ? own : run->name);
        run->folder = folder;
    } else if (flags->state_name != NULL || weir_plan_state_name(run->plan) != NULL ||
               flags->state_required || flags->durable) {
        say_wrong(&run->say, "%s needs --state DIR",
                  flags->state_required ? "--state-required"
                  : flags->durable      ? "--durable"
                                        : "the name of a state");
        return EXIT_USAGE;
    }
    weir_show_options shown;
    bool shows = flags->output == NULL && show_options(run, &shown);
    options.whole_lines = shows && (shown.envelope != 0 || shown.format != NULL);
    if (flags->output != NULL) {
        int code = open_recorded(run, &options, sink);
        if (code != 0) {
            return code;
        }
    } else if (weir_plan_open(run->plan, run->scope, &options, &run->gen, sink, &error) < 0) {
        return text_refused(&run->say, &error);
    }
    if (shows) {
        run->gen = weir_shown(run->gen, &shown);
    }
    if (flags->count >= 0) {
        run->gen = weir_head_of_run(run->gen, (uint64_t)flags->count);
    }
    return 0;
}

/* The sink of --dead has failed: rejected items could not be written. */
static bool dead_failed(const struct run *run, const weir_error *error)
{
    return error->code < 0 && run->flags->dead_file != NULL && strcmp(error->origin, "dead") == 0;
}

/* Has the reader of standard output left? That is not a failure. If a socket's peer leaves, it is:
 * what it did not take is lost. */
static bool reader_left(const struct run *run, const weir_error *error)
{
    return error->code == WEIR_ECLOSED && !dead_failed(run, error) &&
           weir_plan_writes_stdout(run->plan);
}

/* A failure's exit code. */
static int exit_code(const struct run *run, const weir_error *error)
{
    if (dead_failed(run, error)) {
        return EXIT_LOST;
    }
    weir_stats stats = {.struct_size = sizeof stats};
    weir_loop_stats(run->loop, &stats);
    switch (error->code) {
    case 0: return EXIT_FINISHED;
    case WEIR_ECLOSED: return reader_left(run, error) ? EXIT_FINISHED : EXIT_FAILED;
    case WEIR_EINVAL: return EXIT_USAGE;
    case WEIR_ELOST: return EXIT_LOST;
    case WEIR_ERESOLVE:
    case WEIR_ECONNECT:
    case WEIR_ETIMEDOUT: /* also for an answer, but then there was a connection */
    case WEIR_ETLS: return stats.connects == 0 ? EXIT_CONNECT : EXIT_FAILED;
    default: return EXIT_FAILED;
    }
}

/* Report what happens to an item when this process dies, and why. `delivery` is what the state has
 * found; the pipeline's components may promise less. */
static void tell_delivery(void *ctx, int delivery, const char *text)
{
    struct run *run = ctx;
    if (run->promised < delivery) {
        delivery = run->promised;
        text = run->promise;
    }
    if (delivery != run->shown_delivery && !run->say.quiet) {
        bool holds = run->flags->durable && delivery > WEIR_BEST_EFFORT && text != run->promise;
        say_line(&run->say, "delivery: %s%s", text, holds ? "; also after a power cut" : "");
    }
    run->shown_delivery = delivery;
}

/* False: the promise is weaker than --state-required allows. */
static bool watch_delivery(struct run *run)
{
    weir_http_options http;
    weir_plan_options options = text_options(run->flags, &http);
    run->shown_delivery = WEIR_NONE;
    if (run->state == NULL) {
        if (run->say.verbose > 0) {
            say_line(&run->say, "delivery: best-effort, because there is no --state");
        }
        return true;
    }
    run->promised = weir_plan_delivery(run->plan, &options, run->promise, sizeof run->promise);
    if (run->promised == WEIR_BEST_EFFORT && run->flags->state_required) {
        say_wrong(&run->say, "%s; --state-required does not allow that", run->promise);
        return false;
    }
    if (run->promised == WEIR_BEST_EFFORT) {
        tell_delivery(run, run->promised, run->promise);
    }
    weir_state_watch(run->state, tell_delivery, run);
    if (run->flags->state_required) {
        weir_state_require(run->state, WEIR_AT_LEAST_ONCE);
    }
    return true;
}

/* Warn if a stage counts from the start in each run. With one state it counts over all runs only if
 * the position tells what it has counted. */
static void tell_counts(struct run *run)
{
    const weir_component *counts, *behind;
    bool said = strstr(run->promise, "counts from 0") != NULL; /* the promise already says so */
    if (!run->say.quiet && !said && weir_plan_recounts(run->plan, &counts, &behind)) {
        say_line(&run->say,
                 "delivery: after '%s', '%s' counts from 0 in each run, beginning where the run "
                 "continues: after a kill the output is not that of a run that was never killed",
                 behind->name, counts->name);
    }
}

enum { MIB = 1024 * 1024 };

static int64_t mem_of(const struct flags *flags, const weir_plan *plan)
{
    int64_t given = flags->mem_bytes > 0 ? flags->mem_bytes : weir_plan_mem_bytes(plan);
    return given > 0 ? given : 64 * (int64_t)MIB;
}

/* What the user can type to solve a failure; NULL: none. */
static const char *hint_of(const struct run *run, const weir_error *error, char *text, size_t cap)
{
    if (dead_failed(run, error)) {
        return "the run has ended, because rejected items would be lost: make room, or name "
               "another "
               "file with --dead";
    }
    bool of_state = error->code == WEIR_ECHANGED || strncmp(error->message, "the state '", 11) == 0;
    if (error->code == WEIR_ETRUNCATED && !run->flags->follow &&
        (text_upon(run->flags, run->plan) & UPON_URL_SOURCE) != 0) {
        return "--follow sends the request again after a break or an end";
    }
    if ((error->code == WEIR_ETRUNCATED || error->code == WEIR_ERESET) && !run->flags->follow &&
        run->flags->retries == 0 && (text_upon(run->flags, run->plan) & UPON_PEER_SOURCE) != 0) {
        return "--retry N connects again after a break, --follow also after an end";
    }
    if (error->code == WEIR_EBUDGET) {
        int64_t bytes = mem_of(run->flags, run->plan);
        snprintf(text, cap, "--mem SIZE sets a larger budget than %lld%s",
                 (long long)(bytes % MIB == 0 ? bytes / MIB : bytes),
                 bytes % MIB == 0 ? "MiB" : " bytes");
        return text;
    }
    if (!of_state || run->folder == NULL || strstr(error->message, "in use by") != NULL) {
        return NULL;
    }
    snprintf(text, cap, "weir state reset %s --state %s", run->name, run->folder);
    return text;
}

/* The run has ended: end its scope, print the results, and return the exit code. A failure of the
 * scope itself (it could not watch its signals) has canceled the pump, so it is reported. */
static int tell_end(struct run *run, weir_error *error, bool durable)
{
    int signals = 0, signal_number = weir_scope_signal(run->scope, &signals);
    weir_error scope_error;
    weir_ledger ledger;
    weir_stats stats = {.struct_size = sizeof stats};
    weir_scope_ledger(run->scope, &ledger);
    weir_loop_stats(run->loop, &stats);
    bool saved = durable && error->code == 0 && weir_state_saves(run->state);
    bool failed = weir_scope_wait(run->scope, &scope_error) < 0;
    bool late = failed && scope_error.code == WEIR_ETIMEDOUT; /* only --max-time sets a deadline */
    if (failed && (late || error->code == 0 || error->code == WEIR_ECANCELED)) {
        *error = scope_error;
    }
    if (late) {
        snprintf(error->message, sizeof error->message, "the time of --max-time has passed");
    }
    run->scope = NULL;
    int code = late ? EXIT_TIME : exit_code(run, error);
    if (code == EXIT_FINISHED && run->flags->strict && stats.unread > 0) {
        code = EXIT_LOST; /* the source has told it */
    }
    if (signals > 1) {
        code = 128 + signal_number;
    } else if ((signals == 1 || run->stopped) && error->code == WEIR_ECANCELED) {
        code = EXIT_LOST;
        say_lost(&run->say, &ledger, &stats);
    } else if (error->code < 0 && !reader_left(run, error)) {
        char hint[512];
        say_error(&run->say, error, hint_of(run, error, hint, sizeof hint));
    }
    /* A reader that leaves early, such as head, ends the run without a message. */
    bool left = reader_left(run, error);
    bool tell =
        run->say.verbose > 0 || run->say.json || (run->say.terminal && !left) || signals > 0;
    weir_on_end(run->loop, NULL, NULL);
    say_folded(&run->say);
    char rejects[512];
    table_rejects(&run->table, &stats, rejects, sizeof rejects);
    if (run->say.quiet || !tell) {
        say_rejected(&run->say, &ledger, rejects);
    } else {
        if (run->say.verbose > 0) {
            table_say(&run->table, run->plan, run->say.verbose > 1, run->say.json);
        }
        say_ledger(&run->say, &ledger, &stats, rejects, saved);
        if (left) {
            say_left(&run->say, &ledger, &stats);
        }
    }
    return code;
}

/* Begin the time of --for, if there is one. false: there is no memory for it; a run that its user
 * takes for a short one would never end. */
static bool may_end_later(struct run *run, weir_scope *status, weir_error *error)
{
    if (run->flags->for_ms <= 0) {
        return true;
    }
    weir_spawn(status, "for", stop_later, &run, sizeof run);
    (void)!weir_sleep(weir_root(run->loop), 0); /* it runs now */
    if (!run->ends_later) {
        *error = (weir_error){.code = WEIR_ENOMEM, .message = "no memory for the time of --for"};
    }
    return run->ends_later;
}

static int run_in_loop(struct run *run)
{
    weir_sink *sink = NULL;
    weir_error error;
    bool durable;
    int code = open_plan(run, &sink, &durable);
    if (code != 0) {
        return code;
    }
    if (!watch_delivery(run)) {
        return EXIT_USAGE;
    }
    if (durable) {
        tell_counts(run);
    }
    weir_on_end(run->loop, table_take, &run->table);
    weir_scope *status =
        weir_scope_new(weir_root(run->loop), WEIR_OPTIONS(weir_scope_options, .name = "status"));
    say_may_draw(&run->say, run->loop, run->recorder == NULL && weir_plan_writes_stdout(run->plan));
    if (run->say.terminal) {
        weir_spawn(status, "status", show_status, &run, sizeof run);
    }
    if (may_end_later(run, status, &error)) {
        (void)!weir_pump(run->gen, sink, &error);
    } else {
        weir_discard(run->gen);
        weir_sink_fail(sink, &error);
    }
    run->gen = NULL;
    weir_scope_cancel(status);
    weir_error ignored;
    (void)!weir_scope_wait(status, &ignored);
    say_clear(&run->say);
    int recorded =
        run->recorder != NULL ? record_end(run->recorder, &run->say, run->flags, &error) : 0;
    int ended = tell_end(run, &error, durable);
    return ended != 0 ? ended : recorded;
}

static void reopen_files(void *ctx)
{
    struct run *run = ctx;
    if (run->say.verbose > 0) {
        say_line(&run->say, "SIGHUP: output files are opened again");
    }
    weir_loop_reopen_files(run->loop);
}

/* SIGHUP on a terminal means that the terminal is closed, so the run drains. Without a terminal it
 * is sent by programs that rotate logs. If it was ignored at the start it stays ignored (nohup). */
static void obey_hangup(struct run *run)
{
    struct sigaction action;
    int terminal = open("/dev/tty", O_RDONLY | O_NOCTTY | O_CLOEXEC);
    if (terminal >= 0) {
        close(terminal);
        weir_scope_obey(run->scope, SIGHUP);
    } else if (sigaction(SIGHUP, NULL, &action) == 0 && action.sa_handler != SIG_IGN) {
        (void)!weir_on_signal(run->loop, SIGHUP, reopen_files, run);
    }
}

int run_pipeline(const struct flags *flags)
{
    struct run run = {.flags = flags};
    say_init(&run.say, flags);
    int code = text_plan(flags, &run.say, &run.plan);
    if (code == 0) {
        int64_t mem = mem_of(flags, run.plan);
        run.loop = weir_loop_new(WEIR_OPTIONS(
            weir_loop_options, .budget_bytes = mem, .log = say_log, .log_ctx = &run.say,
            .virtual_ns = flags->virtual_clock ? TEST_CLOCK_NS : 0, .seed = flags->seed));
        if (run.loop == NULL) {
            say_wrong(&run.say, "no memory, or no file descriptors (ulimit -n), for an event loop");
            code = EXIT_FAILED;
        }
        crash_report(run.loop);
    }
    if (code == 0) {
        int64_t drain_ms = flags->drain_ms == 0 ? 10000 : flags->drain_ms;
        run.scope = weir_scope_new(
            weir_root(run.loop),
            WEIR_OPTIONS(weir_scope_options, .name = "pipeline",
                         .deadline_ms = flags->max_time_ms > 0 ? flags->max_time_ms : 0,
                         .drain_ms = drain_ms));
        weir_scope_obey_signals(run.scope);
        obey_hangup(&run);
        signal(SIGXFSZ, SIG_IGN); /* a write over ulimit -f fails, and is reported */
        if (weir_on_signal(run.loop, SIGQUIT, dump_tasks, &run) < 0) {
            say_line(&run.say, "cannot watch SIGQUIT; it will not print the tasks");
        }
        code = run_in_loop(&run);
    }
    weir_loop_free(run.loop);
    crash_report(NULL);
    weir_plan_free(run.plan);
    table_free(&run.table);
    return code;
}
