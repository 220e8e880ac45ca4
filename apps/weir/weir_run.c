/*
 * weir_run.c - one run of a pipeline: text to plan, plan to generators, pump, and the exit code.
 *
 * The pipeline runs in one scope that obeys SIGINT and SIGTERM: the first signal drains (sources
 * end, pending items are delivered, for at most --drain), the second stops at once. SIGHUP does the
 * same on a terminal; without one it reopens the output files. SIGQUIT prints every task. On a
 * terminal a second scope has the task that draws the status line; it is canceled when the pump has
 * returned.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "weir_crash.h"
#include "weir_run.h"

struct run {
    const struct flags *flags;
    struct say say;
    weir_plan *plan;
    weir_loop *loop;
    weir_scope *scope;  /* of the pipeline */
    weir_gen *gen;      /* while it is pumped */
    weir_state *state;  /* NULL: none */
    int promised;       /* by the pipeline's components: enum weir_delivery */
    int shown_delivery; /* reported last; WEIR_NONE: nothing yet */
    char promise[512];
    struct table table; /* what its components did, with -v */
    const char *folder; /* of the state; NULL: none */
    char name[256];     /* of the state */
};

static void dump_tasks(void *ctx)
{
    struct run *run = ctx;
    say_clear(&run->say);
    weir_dump(run->loop, 2);
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

/* The text of -f FILE; NULL after a message. */
static char *read_text(struct run *run, const char *path)
{
    FILE *file = strcmp(path, "-") == 0 ? stdin : fopen(path, "r");
    char *text = malloc(1 << 20);
    size_t n = file != NULL && text != NULL ? fread(text, 1, (1 << 20) - 1, file) : 0;
    if (file == NULL || text == NULL || ferror(file)) {
        say_line(&run->say, "cannot read the pipeline file '%s'", path);
        free(text);
        text = NULL;
    } else {
        text[n] = '\0';
    }
    if (file != NULL && file != stdin) {
        fclose(file);
    }
    return text;
}

/* Report words that are not files: an address if the text has no source, any word if it has one. */
static int check_files(struct run *run)
{
    const struct flags *flags = run->flags;
    bool has_source = weir_plan_has_source(run->plan);
    for (size_t i = 0; i < flags->files_count; i++) {
        char word[256];
        snprintf(word, sizeof word, "%s", flags->files[i]);
        weir_hide_secrets(word);
        if (has_source) {
            say_line(&run->say,
                     "the pipeline has a source, so '%s' cannot be its input; quote the pipeline "
                     "as one text:  weir 'SOURCE | STAGE | SINK'",
                     word);
            return EXIT_USAGE;
        }
        if (strstr(word, "://") != NULL && access(flags->files[i], F_OK) < 0) {
            say_line(&run->say,
                     "'%s' is not a file; write an address as the first part of the text:  weir "
                     "'ADDRESS | %s'",
                     word, weir_plan_text(run->plan));
            return EXIT_USAGE;
        }
    }
    return 0;
}

/* The characters in names of components. */
#define NAME_BYTES "abcdefghijklmnopqrstuvwxyz0123456789_-"

/* If an unknown component is a planned one, or an expression, which no component takes: say what to
 * do instead. */
static void tell_planned(struct run *run, const char *text, const weir_error *error)
{
    if (error->detail == WEIR_PLAN_MISTAKE) {
        return;
    }
    size_t at = (size_t)error->offset;
    size_t len = strspn(text + at, NAME_BYTES);
    char name[32] = "";
    const char *hint;
    memcpy(name, text + at, len < sizeof name ? len : 0);
    if ((len > 0 || error->detail == WEIR_PLAN_EXPRESSION) &&
        planned_stage(text + at, len, &hint)) {
        say_line(&run->say, "%s%s not in this version%s%s", len > 0 ? name : "expressions",
                 len > 0 ? " is" : " are", hint != NULL ? ": " : "", hint != NULL ? hint : "");
    }
}

/* If the text begins with the bare name of an existing file: say how to write its path. */
static void tell_file(struct run *run, const char *text, const weir_error *error)
{
    size_t at = strspn(text, " \t\n"), len = strcspn(text + at, " \t\n|");
    char name[256] = "";
    if (error->detail == WEIR_PLAN_UNKNOWN && (size_t)error->offset == at && len < sizeof name) {
        memcpy(name, text + at, len);
        bool more = text[at + len] != '\0';
        if (access(name, F_OK) == 0) {
            say_line(&run->say, "to read the file with that name:  weir %s./%s%s", more ? "'" : "",
                     name, more ? " ...'" : "");
        }
    }
}

/* What flags can affect, found from traits and the types of arguments: a set of enum flags_upon. */
static unsigned acted_upon(const weir_plan *plan)
{
    const weir_component *part;
    unsigned has = (weir_plan_rejects(plan) ? UPON_REJECTS : 0u) |
                   (weir_plan_takes_pieces(plan) ? 0u : UPON_LIMIT);
    for (size_t i = 0; (part = weir_plan_part(plan, i)) != NULL; i++) {
        bool source = part->kind == WEIR_KIND_SOURCE;
        for (size_t j = 0; j < part->args_count; j++) {
            if (part->args[j].type == WEIR_ARGTYPE_URL) {
                has |= UPON_URL | (source ? UPON_URL_SOURCE : 0u);
            }
        }
        if ((part->traits & WEIR_TRAIT_CONNECTS) != 0) {
            has |= UPON_PEER | (source ? UPON_PEER_SOURCE : 0u);
        }
        has |= (part->traits & WEIR_TRAIT_TLS) != 0 ? UPON_TLS : 0u;
    }
    return has;
}

static int read_plan(struct run *run)
{
    const struct flags *flags = run->flags;
    weir_error error;
    char *from_file = NULL;
    const char *text = flags->text, *name = NULL;
    if (flags->text_file != NULL) {
        text = from_file = read_text(run, flags->text_file);
        name = flags->text_file;
        if (text == NULL) {
            return EXIT_USAGE;
        }
    }
    run->plan = weir_plan_read(text, name, &error);
    if (run->plan == NULL) {
        char shown[4096];
        if (weir_plan_error_text(text, name, shown, sizeof shown) > 0) {
            fprintf(stderr, "weir: %s\n", shown);
        } else {
            say_error(&run->say, &error, NULL);
        }
        tell_planned(run, text, &error);
        if (name == NULL && text[strspn(text, " \t\r\n")] == '@') {
            say_line(&run->say, "to read a pipeline file:  weir -f FILE;  otherwise use the flags "
                                "--state, --name and --mem");
        }
        free(from_file);
        if (error.code == WEIR_ENOMEM) {
            return EXIT_FAILED;
        }
        if (flags->text_file == NULL) {
            tell_file(run, text, &error);
        }
        if (flags->text_file == NULL && flags->files_count > 0 &&
            access(flags->files[0], F_OK) < 0) {
            say_line(&run->say,
                     "quote the pipeline as one text:  weir 'SOURCE | STAGE | SINK'  (these are "
                     "%zu words)",
                     flags->files_count + 1);
        }
        return EXIT_USAGE;
    }
    free(from_file);
    int code = check_files(run);
    const char *why, *vain = code == 0 ? flags_vain(flags, acted_upon(run->plan), &why) : NULL;
    if (vain != NULL) {
        say_line(&run->say, "--%s has no effect: %s", vain, why);
        code = EXIT_USAGE;
    }
    for (size_t i = 0; code == 0 && weir_plan_warning(run->plan, i) != NULL && !run->say.quiet;
         i++) {
        say_line(&run->say, "%s", weir_plan_warning(run->plan, i));
    }
    return code;
}

/* The options for opening the plan; also fills `http`. */
static weir_plan_options options_of(const struct flags *flags, weir_http_options *http)
{
    *http = (weir_http_options){.struct_size = sizeof *http,
                                .headers = flags->headers,
                                .headers_count = flags->headers_count,
                                .ca_file = flags->ca_file,
                                .tls = flags->insecure ? WEIR_TLS_TRUST_ANYBODY : WEIR_TLS_VERIFY,
                                .retries = flags->retries,
                                .connect_ms = flags->connect_ms,
                                .ca_folder = flags->ca_folder,
                                .unix_socket = flags->unix_socket,
                                .cert_file = flags->cert_file,
                                .key_file = flags->key_file,
                                .first_byte_ms = flags->idle_ms,
                                .idle_ms = flags->idle_ms,
                                .follow = flags->follow,
                                .raw = flags->raw,
                                .retry_after_max_ms = flags->retry_after_max_ms};
    return (weir_plan_options){.struct_size = sizeof(weir_plan_options),
                               .files = flags->files,
                               .files_count = flags->files_count,
                               .http = http,
                               .user = flags->user,
                               .stdin_fd = 0,
                               .stdout_fd = 1,
                               .strict = flags->strict,
                               .dead = flags->dead_file};
}

/* The plan does not fit the flags. */
static int say_refusal(struct run *run, const weir_error *error)
{
    bool dead = error->code == WEIR_EINVAL && error->detail == WEIR_PLAN_NO_DEAD;
    say_error(&run->say, error, dead ? "--dead FILE names it" : NULL);
    return EXIT_USAGE;
}

static int open_plan(struct run *run, weir_sink **sink, bool *durable)
{
    const struct flags *flags = run->flags;
    weir_error error;
    weir_http_options http;
    weir_plan_options options = options_of(flags, &http);
    const char *folder =
        flags->state_folder != NULL ? flags->state_folder : weir_plan_state_folder(run->plan);
    *durable = folder != NULL;
    if (folder != NULL) {
        const char *own =
            flags->state_name != NULL ? flags->state_name : weir_plan_state_name(run->plan);
        snprintf(run->name, sizeof run->name, "%016" PRIx64, weir_plan_hash(run->plan, &options));
        options.state = run->state =
            weir_state_open(run->scope, folder, own != NULL ? own : run->name);
        if (own != NULL) {
            snprintf(run->name, sizeof run->name, "%s", own);
        }
        run->folder = folder;
    } else if (flags->state_name != NULL || weir_plan_state_name(run->plan) != NULL ||
               flags->state_required) {
        say_line(&run->say, "%s needs --state DIR",
                 flags->state_required ? "--state-required" : "the name of a state");
        return EXIT_USAGE;
    }
    int rc = weir_plan_open(run->plan, run->scope, &options, &run->gen, sink, &error);
    if (rc < 0) {
        return say_refusal(run, &error);
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
        say_line(&run->say, "delivery: %s", text);
    }
    run->shown_delivery = delivery;
}

/* False: the promise is weaker than --state-required allows. */
static bool watch_delivery(struct run *run)
{
    weir_http_options http;
    weir_plan_options options = options_of(run->flags, &http);
    run->shown_delivery = WEIR_NONE;
    if (run->state == NULL) {
        if (run->say.verbose > 0) {
            say_line(&run->say, "delivery: best-effort, because there is no --state");
        }
        return true;
    }
    run->promised = weir_plan_delivery(run->plan, &options, run->promise, sizeof run->promise);
    if (run->promised == WEIR_BEST_EFFORT && run->flags->state_required) {
        say_line(&run->say, "%s; --state-required does not allow that", run->promise);
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

/* What the user can type to solve a failure; NULL: none. */
static const char *hint_of(const struct run *run, const weir_error *error, char *text, size_t cap)
{
    bool of_state = error->code == WEIR_ECHANGED || strncmp(error->message, "the state '", 11) == 0;
    if (error->code == WEIR_ETRUNCATED && !run->flags->follow &&
        (acted_upon(run->plan) & UPON_URL_SOURCE) != 0) {
        return "--follow sends the request again after a break or an end";
    }
    if (error->code == WEIR_EBUDGET) {
        return "--mem SIZE sets a larger budget";
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
    if (weir_scope_wait(run->scope, &scope_error) < 0 &&
        (error->code == 0 || error->code == WEIR_ECANCELED)) {
        *error = scope_error;
    }
    run->scope = NULL;
    int code = exit_code(run, error);
    if (signals > 1) {
        code = 128 + signal_number;
    } else if (signals == 1 && error->code == WEIR_ECANCELED) {
        code = EXIT_LOST;
        say_lost(&run->say, &ledger, &stats);
    } else if (error->code < 0 && !reader_left(run, error)) {
        char hint[512];
        say_error(&run->say, error, hint_of(run, error, hint, sizeof hint));
    }
    /* A reader that leaves early, such as head, ends the run without a message. */
    bool left = reader_left(run, error);
    bool tell = run->say.verbose > 0 || (run->say.terminal && !left) || signals > 0;
    weir_on_end(run->loop, NULL, NULL);
    say_folded(&run->say);
    if (run->say.quiet || !tell) {
        say_rejected(&run->say, &ledger, &stats);
    } else {
        if (run->say.verbose > 0) {
            table_say(&run->table, run->plan, run->say.verbose > 1);
        }
        say_ledger(&run->say, &ledger, &stats, saved);
        if (left) {
            say_left(&run->say, &ledger, &stats);
        }
    }
    return code;
}

static int run_in_loop(struct run *run)
{
    weir_sink *sink;
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
    if (run->say.verbose > 0) {
        weir_on_end(run->loop, table_take, &run->table);
    }
    weir_scope *status =
        weir_scope_new(weir_root(run->loop), WEIR_OPTIONS(weir_scope_options, .name = "status"));
    say_may_draw(&run->say, run->loop, weir_plan_writes_stdout(run->plan));
    if (run->say.terminal) {
        weir_spawn(status, "status", show_status, &run, sizeof run);
    }
    (void)!weir_pump(run->gen, sink, &error);
    run->gen = NULL;
    weir_scope_cancel(status);
    weir_error ignored;
    (void)!weir_scope_wait(status, &ignored);
    say_clear(&run->say);

    return tell_end(run, &error, durable);
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
    int code = read_plan(&run);
    if (code == 0) {
        int64_t mem = flags->mem_bytes > 0 ? flags->mem_bytes : weir_plan_mem_bytes(run.plan);
        run.loop = weir_loop_new(WEIR_OPTIONS(weir_loop_options, .budget_bytes = mem,
                                              .log = say_log, .log_ctx = &run.say));
        if (run.loop == NULL) {
            say_line(&run.say, "no memory, or no file descriptors (ulimit -n), for an event loop");
            code = EXIT_FAILED;
        }
        crash_report(run.loop);
    }
    if (code == 0) {
        int64_t drain_ms = flags->drain_ms == 0 ? 10000 : flags->drain_ms;
        run.scope =
            weir_scope_new(weir_root(run.loop), WEIR_OPTIONS(weir_scope_options, .name = "pipeline",
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

/* Read and check a plan that is not run. */
static int look_at_plan(struct run *run, weir_http_options *http, weir_plan_options *options)
{
    weir_error error;
    say_init(&run->say, run->flags);
    *options = options_of(run->flags, http);
    int code = read_plan(run);
    if (code == 0 && weir_plan_check(run->plan, options, &error) < 0) {
        code = say_refusal(run, &error);
    }
    return code;
}

int check_pipeline(const struct flags *flags)
{
    struct run run = {.flags = flags};
    weir_http_options http;
    weir_plan_options options;
    char promise[512];
    int code = look_at_plan(&run, &http, &options);
    if (code == 0) {
        (void)weir_plan_delivery(run.plan, &options, promise, sizeof promise);
        printf("ok; with a state %s\n", promise);
    }
    weir_plan_free(run.plan);
    return code;
}

int explain_pipeline(const struct flags *flags)
{
    struct run run = {.flags = flags};
    weir_http_options http;
    weir_plan_options options;
    int code = look_at_plan(&run, &http, &options);
    size_t len = code == 0 ? weir_plan_explain(run.plan, &options, NULL, 0) : 0;
    char *text = code == 0 ? malloc(len + 1) : NULL;
    if (text != NULL) {
        weir_plan_explain(run.plan, &options, text, len + 1);
        int64_t mem = flags->mem_bytes > 0 ? flags->mem_bytes : weir_plan_mem_bytes(run.plan);
        fputs(text, stdout);
        printf("memory    all buffers together hold at most %g MiB\n",
               (double)(mem > 0 ? mem : 64 << 20) / (1 << 20));
    } else if (code == 0) {
        say_line(&run.say, "out of memory");
        code = EXIT_FAILED;
    }
    free(text);
    weir_plan_free(run.plan);
    return code;
}
