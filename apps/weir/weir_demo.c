/*
 * weir_demo.c - `weir demo [:PORT]`: serves example feeds on loopback, until a signal; and `weir demo
 * --log FILE`: writes a log and rotates it; or with --syslog sends messages.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "demo.h"
#include "weir_run.h"

/* The host of the address it listens on, in the form for a URL. */
static void host_of(const char *address, char host[64])
{
    const char *colon = strrchr(address, ':');
    size_t len = colon != NULL ? (size_t)(colon - address) : 0;
    snprintf(host, 64, "%.*s", len > 0 ? (int)len : 9, len > 0 ? address : "127.0.0.1");
}

static const char *const routes[] = {
    "/feed.ndjson?rate=10        a live feed of JSON lines, some broken (bad=0: none)",
    "/feed.sse                   the same as server-sent events; resumable by Last-Event-ID",
    "/flaky/feed.sse             these, with random disconnects",
    "/ws                         the same as messages of a WebSocket: ws:// instead of http://",
    "/lines?n=1000000&size=100   lines as fast as the client reads; resumable",
    "/flaky?n=1000000            the same, with random disconnects",
    "/gzip?n=100000              compressed (members=3: in several gzip members, as logs are)",
    "/feed.csv.gz                rows in gzip:  ... | gunzip | csv header | ndjson",
    "/bomb.gz                    1 GiB of zeros in 1 MiB of gzip, which weir does not swallow",
    "/slow                       one line a second",
    "/hook                       accepts POST; status=503&every=3 refuses every third request"};

static void print_routes(const char *host, int port)
{
    for (size_t i = 0; i < sizeof routes / sizeof routes[0]; i++) {
        printf("  http://%s:%d%s\n", host, port, routes[i]);
    }
    printf("try:  weir 'http://%s:%d/feed.ndjson | grep \"purchase\" | head 3'\n", host, port);
}

static void tell_routes(const char *address, int port)
{
    char host[64];
    host_of(address, host);
    printf("weir demo serves, until Ctrl-C:\n");
    print_routes(host, port);
    fflush(stdout);
}

void demo_usage(void)
{
    printf("weir demo [:PORT]       serve example feeds on loopback, until Ctrl-C (:8080; "
           "with :0 any free port)\n"
           "weir demo --log FILE    write an access log, and rotate it: rename, copy and truncate, "
           "delete and create\n"
           "                        (--lines N: so many lines, with three rotations; --rate N: N "
           "a second, 1000)\n"
           "weir demo --syslog HOST:PORT\n"
           "                        send syslog messages over UDP (:PORT is this machine; --lines, "
           "--rate as above)\n"
           "weir demo --torture     kill a run with kill -9 for 30 s; its file must still be "
           "right\n\nThe feeds:\n");
    print_routes("127.0.0.1", 8080);
}

static void dump_tasks(void *loop)
{
    weir_dump(loop, 2);
}

/* The demo has no access control, so it listens on loopback only. */
static bool is_loopback(const char *address)
{
    static const char *const loopback[] = {"127.", "[::1]:", "localhost:"};
    for (size_t i = 0; i < sizeof loopback / sizeof loopback[0]; i++) {
        if (strncmp(address, loopback[i], strlen(loopback[i])) == 0) {
            return true;
        }
    }
    return strrchr(address, ':') == address || strchr(address, ':') == NULL;
}

/* Print why the demo does not listen, and what to type instead. Returns the exit code. */
static int tell_failure(struct say *say, const struct flags *flags, const weir_error *error)
{
    if (error->code == WEIR_EINVAL) {
        say_line(
            say,
            "demo: '%s' is not an address; write :PORT, a number from 0 (any free one) to 65535",
            flags->demo_address);
        return EXIT_USAGE;
    }
    say_error(say, error, NULL);
    if (error->detail == EADDRINUSE || error->detail == EACCES) {
        say_line(say, "to use any free port:  weir demo :0");
    }
    return EXIT_FAILED;
}

/* Runs in the scope that serves the demo, so that it ends with that scope. */
static int until_signal(weir_scope *scope, void *args)
{
    weir_scope *served = *(weir_scope **)args;
    while (weir_scope_signal(served, NULL) == 0) {
        if (!weir_sleep(scope, 100)) {
            return WEIR_ECANCELED;
        }
    }
    weir_scope_cancel(served);
    return 0;
}

struct log_run {
    struct demo_log log;
    bool good;
};

static int write_log(weir_scope *scope, void *args)
{
    struct log_run *run = *(struct log_run **)args;
    run->good = demo_log_write(&run->log, scope);
    return 0;
}

/* weir demo --log FILE */
static int run_log(struct say *say, const struct flags *flags, weir_scope *scope)
{
    weir_error error;
    int64_t rate = flags->demo_rate > 0 ? flags->demo_rate : 1000;
    struct log_run run = {
        .log = {.path = flags->demo_log,
                .rate = rate,
                .lines = flags->demo_lines,
                .seed = flags->seed,
                .rotate = flags->demo_lines > 0 ? (flags->demo_lines + 3) / 4 : rate * 10}};
    struct log_run *args = &run;
    printf("weir demo writes %s, %lld lines a second, and rotates it every %lld lines%s\n"
           "try:  weir 'tail %s from=start | clf | where .status >= 500'\n",
           flags->demo_log, (long long)rate, (long long)run.log.rotate,
           flags->demo_lines > 0 ? "" : ", until Ctrl-C", flags->demo_log);
    fflush(stdout);
    weir_spawn(scope, "log", write_log, &args, sizeof args);
    if (weir_scope_wait(scope, &error) < 0) {
        say_error(say, &error, NULL);
        return EXIT_FAILED;
    }
    if (!run.good) {
        say_line(say, "demo: %s '%s': %s", run.log.failed, flags->demo_log,
                 strerror(run.log.number));
    }
    printf("weir demo has written:\n");
    demo_log_print(&run.log, stdout);
    return run.good ? EXIT_FINISHED : EXIT_FAILED;
}

struct syslog_run {
    struct demo_syslog syslog;
    int rc;
    weir_error error;
};

static int send_syslog(weir_scope *scope, void *args)
{
    struct syslog_run *run = *(struct syslog_run **)args;
    run->rc = demo_syslog_send(&run->syslog, scope, &run->error);
    return 0;
}

/* weir demo --syslog HOST:PORT */
static int run_syslog(struct say *say, const struct flags *flags, weir_scope *scope)
{
    weir_error error;
    int64_t rate = flags->demo_rate > 0 ? flags->demo_rate : 1000;
    struct syslog_run run = {.syslog = {.address = flags->demo_syslog,
                                        .rate = rate,
                                        .lines = flags->demo_lines,
                                        .seed = flags->seed}};
    struct syslog_run *args = &run;
    printf("weir demo sends syslog messages to %s, %lld a second%s\n", flags->demo_syslog,
           (long long)rate, flags->demo_lines > 0 ? "" : ", until Ctrl-C");
    if (flags->demo_syslog[0] == ':') {
        printf("try:  weir 'udp://%s | syslog | where .severity <= 3 | ndjson'\n",
               flags->demo_syslog);
    }
    fflush(stdout);
    weir_spawn(scope, "syslog", send_syslog, &args, sizeof args);
    bool good = weir_scope_wait(scope, &error) == 0;
    if (!good || run.rc < 0) {
        say_error(say, good ? &run.error : &error, NULL);
        good = false;
    }
    printf("weir demo has sent:\n");
    demo_syslog_print(&run.syslog, stdout);
    return good ? EXIT_FINISHED : EXIT_FAILED;
}

int run_demo(const struct flags *flags)
{
    struct say say;
    weir_error error;
    say_init(&say, flags);
    if (!is_loopback(flags->demo_address)) {
        say_line(&say, "demo: '%s' is not a loopback address; write :PORT", flags->demo_address);
        return EXIT_USAGE;
    }
    weir_loop *loop =
        weir_loop_new(WEIR_OPTIONS(weir_loop_options, .log = say_log, .log_ctx = &say));
    if (loop == NULL) {
        say_line(&say, "out of memory");
        return EXIT_FAILED;
    }
    weir_scope *scope =
        weir_scope_new(weir_root(loop), WEIR_OPTIONS(weir_scope_options, .name = "demo"));
    weir_scope_obey_signals(scope);
    if (weir_on_signal(loop, SIGQUIT, dump_tasks, loop) < 0) {
        say_line(&say, "cannot watch SIGQUIT; it will not print the tasks");
    }
    if (flags->demo_log != NULL || flags->demo_syslog != NULL) {
        int code =
            flags->demo_log != NULL ? run_log(&say, flags, scope) : run_syslog(&say, flags, scope);
        weir_loop_free(loop);
        return code;
    }
    struct demo_control control = {.calm = false};
    struct weir_server *server = demo_start(scope, flags->demo_address, &control, &error);
    int code = EXIT_FINISHED;
    if (server == NULL) {
        code = tell_failure(&say, flags, &error);
    } else {
        tell_routes(flags->demo_address, weir_server_port(server));
        weir_spawn(scope, "signals", until_signal, &scope, sizeof scope);
    }
    if (code != EXIT_FINISHED) {
        weir_scope_cancel(scope);
    }
    if (weir_scope_wait(scope, &error) < 0 && code == EXIT_FINISHED) {
        say_error(&say, &error, NULL);
        code = EXIT_FAILED;
    }
    if (server != NULL) {
        printf("weir demo has served:\n");
        demo_counts_print(&control, stdout);
    }
    weir_loop_free(loop);
    demo_fini(&control);
    return code;
}
