/*
 * Programs: their pipes, their end, and what they say.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "loop_process.h"
#include "loop_scope.h"
#include "support_check.h"
#include "support_program.h"

static char said[4096];

static void keep_log(void *ctx, int level, const char *origin, const char *text)
{
    (void)ctx;
    (void)level;
    size_t len = strlen(said);
    snprintf(said + len, sizeof said - len, "%s: %s|", origin, text);
}

static weir_loop *begin(void)
{
    said[0] = '\0';
    weir_loop_options options = WEIR_ZERO;
    options.struct_size = sizeof options;
    options.log = keep_log;
    weir_loop *loop = weir_loop_new(&options);
    ck_assert_ptr_nonnull(loop);
    return loop;
}

/* No child is left. */
static bool no_child(void)
{
    return waitpid(-1, NULL, WNOHANG) < 0;
}

struct run {
    weir_loop *loop;
    const char *command;
    const char *in;   /* to its standard input; NULL: that is empty */
    int64_t grace_ms; /* < 0: wait for its end */
    char out[512];
    struct wr_exit how;
    int rc;
    struct wr_object *of;
};

static void read_all(struct run *run, struct wr_transport *from)
{
    size_t len = 0;
    int64_t n;
    while ((n = from->ops->read(from, run->out + len, sizeof run->out - 1 - len)) != 0) {
        if (n == WR_AGAIN ? from->ops->wait(from, WR_READABLE, -1, "bytes", run->of) < 0 : n < 0) {
            break;
        }
        len += n > 0 ? (size_t)n : 0;
    }
    run->out[len] = '\0';
}

static int run_main(weir_scope *scope, void *args)
{
    struct run *run;
    weir_error error;
    memcpy(&run, args, sizeof run);
    struct wr_object object;
    static const struct wr_object_ops ops = {.kind = "test"};
    wr_object_init(&object, &ops, scope, "program");
    run->of = &object;
    const char *const argv[] = {"/bin/sh", "-c", run->command, NULL};
    const struct wr_process_options options = {
        .argv = argv, .name = "program", .of = &object, .reads = true, .writes = run->in != NULL};
    struct wr_process *process = wr_process_start(run->loop, &options, &error);
    run->rc = process != NULL ? 0 : error.code;
    if (process != NULL && run->in != NULL) {
        struct wr_transport *to = wr_process_in(process);
        struct iovec iov = {(char *)(uintptr_t)run->in, strlen(run->in)};
        (void)to->ops->write(to, &iov, 1);
        wr_process_close_in(process);
    }
    if (process != NULL && run->grace_ms < 0) {
        read_all(run, wr_process_out(process));
        run->rc = wr_process_wait(process, -1, "its end");
        run->how = run->rc == 0 ? *wr_process_exit(process) : run->how;
    } else if (process != NULL) { /* it has begun when it prints */
        struct wr_transport *from = wr_process_out(process);
        while (from->ops->read(from, run->out, 1) == WR_AGAIN) {
            if (from->ops->wait(from, WR_READABLE, -1, "bytes", &object) < 0) {
                break;
            }
        }
    }
    wr_process_free(process, run->grace_ms);
    wr_object_fini(&object);
    return 0;
}

static void run_it(struct run *run)
{
    run->loop = begin();
    weir_scope *scope = weir_scope_new(weir_root(run->loop), NULL);
    weir_spawn(scope, "run", run_main, &run, sizeof run);
    (void)!weir_scope_wait(scope, NULL);
    weir_loop_free(run->loop);
    MUST(no_child());
}

TEST(program_reads_its_input_and_says_how_it_ended)
{
    struct run run = {.command = "cat; exit 3", .in = "some bytes", .grace_ms = -1};

    run_it(&run);

    ck_assert_int_eq(run.rc, 0);
    ck_assert_str_eq(run.out, "some bytes");
    ck_assert_int_eq(run.how.status, 3);
    ck_assert_int_eq(run.how.number, 0);
}

TEST(program_ended_by_a_signal_is_told_as_that)
{
    struct run run = {.command = "kill -9 $$", .grace_ms = -1};
    char text[64];

    run_it(&run);

    ck_assert_int_eq(run.how.number, SIGKILL);
    ck_assert_int_eq(run.how.status, 128 + SIGKILL);
    wr_exit_text(&run.how, text, sizeof text);
    ck_assert_str_eq(text, "was ended by SIGKILL");
}

/* Descriptors of this process that every program inherits, beside the first three. */
static int inherited(void)
{
    int count = 0;
    for (int fd = 3; fd < 1024; fd++) {
        int flags = fcntl(fd, F_GETFD);
        count += flags >= 0 && (flags & FD_CLOEXEC) == 0;
    }
    return count;
}

TEST(program_has_three_descriptors_and_sigpipe)
{
    char expected[32];
    signal(SIGPIPE, SIG_IGN);
    struct run run = {.command = "ls /proc/self/fd | wc -l; yes | head -1; kill -PIPE $$",
                      .grace_ms = -1};

    run_it(&run);

    snprintf(expected, sizeof expected, "%d\ny\n", 4 + inherited()); /* ls reads the folder */
    ck_assert_str_eq(run.out, expected);
    ck_assert_int_eq(run.how.number, SIGPIPE);
}

TEST(standard_error_is_logged_line_by_line)
{
    struct run run = {.command = "printf 'one\\r\\nsame\\nsame\\nsame\\ntwo\\nhalf' >&2",
                      .grace_ms = -1};

    run_it(&run);

    ck_assert_int_eq(run.rc, 0);
    ck_assert_str_eq(said, "program: one|program: same|program: the last line came 2 more times|"
                           "program: two|program: half|");
}

TEST(many_lines_of_standard_error_are_counted)
{
    struct run run = {.command = "seq 100000 >&2", .grace_ms = -1};

    run_it(&run);

    ck_assert_int_eq(run.how.status, 0);
    ck_assert_ptr_nonnull(strstr(said, "lines of standard error are not shown|"));
    ck_assert_uint_lt(strlen(said), sizeof said - 1);
}

TEST(group_is_ended_by_sigterm)
{
    struct run run = {.command = "sleep 1000 & echo x; wait", .grace_ms = 100000};

    run_it(&run);

    ck_assert_int_eq(run.rc, 0);
    ck_assert_str_eq(said, "");
}

TEST(program_that_ignores_sigterm_is_killed)
{
    struct run run = {.command = "trap '' TERM; echo x; while :; do sleep 1000; done",
                      .grace_ms = 1};

    run_it(&run);

    ck_assert_ptr_nonnull(strstr(said, "SIGKILL"));
}

TEST(unknown_program_is_not_started)
{
    weir_loop *loop = begin();
    weir_error error;
    const char *const argv[] = {"weir-no-such-program", NULL};
    const struct wr_process_options options = {.argv = argv, .name = "program", .reads = true};

    ck_assert_ptr_null(wr_process_start(loop, &options, &error));

    ck_assert_int_eq(error.code, WEIR_EIO);
    ck_assert_int_eq(error.detail, ENOENT);
    weir_loop_free(loop);
}

/* ---- a program that is played */

TEST(killed_program_has_had_its_grace)
{
    struct run run = {.loop = begin(), .command = "x", .grace_ms = 5000};
    struct run *at = &run;
    wr_loop_virtual_clock(run.loop, 1700000000000000000);
    run.loop->programs = &wr_programs_played;
    weir_scope *scope = weir_scope_new(weir_root(run.loop), NULL);
    weir_spawn(scope, "run", run_main, &at, sizeof at);
    wr_loop_settle(run.loop);
    ck_assert_int_eq(wr_programs_started, 1);
    struct wr_program *program = &wr_program_last;
    program->stubborn = true;
    wr_program_writes(program, 1, "x");
    for (int i = 0; i < 100; i++) {
        wr_loop_settle(run.loop);
    }
    ck_assert_int_eq(program->signals_count, 1);
    ck_assert_int_eq(program->signals[0], SIGTERM);

    wr_clock_advance(run.loop, 4999);
    wr_loop_settle(run.loop);
    ck_assert_int_eq(program->signals_count, 1);
    wr_clock_advance(run.loop, 1);
    (void)!weir_scope_wait(scope, NULL);

    ck_assert_int_eq(program->signals_count, 2);
    ck_assert_int_eq(program->signals[1], SIGKILL);
    ck_assert(program->forgotten);
    weir_loop_free(run.loop);
}

MAIN("loop/process")
