/*
 * Items to a command: its start, its end and its status. The programs are played.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <weir/weir.h>

#include "base_fault.h"
#include "loop_scope.h"
#include "support_check.h"
#include "support_flow.h"
#include "support_program.h"
#include "support_suites.h"

struct far {
    int status;
    bool reads; /* all, then it ends; else it ends at once */
    char got[256];
    size_t len;
};

static void begins(void *ctx, struct wr_program *program)
{
    const struct far *far = ctx;
    if (!far->reads) {
        wr_program_ends(program, far->status, 0);
    }
}

/* The program reads what is there, and ends at the end of its input. */
static void plays(struct far *far)
{
    struct wr_program *program = &wr_program_last;
    if (program->ends[0] < 0) {
        return;
    }
    fcntl(program->ends[0], F_SETFL, O_NONBLOCK);
    ssize_t n = read(program->ends[0], far->got + far->len, sizeof far->got - 1 - far->len);
    far->len += n > 0 ? (size_t)n : 0;
    if (n == 0) {
        wr_program_ends(program, far->status, 0);
    }
}

struct ending {
    weir_gen *gen;
    weir_sink *sink;
    weir_error *error;
    bool *over;
};

static int pump_main(weir_scope *scope, void *args)
{
    const struct ending *ending = args;
    (void)scope;
    (void)!weir_pump(ending->gen, ending->sink, ending->error);
    *ending->over = true;
    return 0;
}

/* Write the lines to a command that does this. The result. */
static int write_to(struct far *far, const char *lines, weir_error *error)
{
    bool over = false;
    signal(SIGPIPE, SIG_IGN);
    weir_loop *loop = test_loop();
    loop->programs = &wr_programs_played;
    wr_programs_started = 0;
    wr_program_begins = begins;
    wr_program_ctx = far;
    weir_scope *scope = weir_scope_new(weir_root(loop), NULL);
    struct ending ending = {wr_lines_of(scope, lines), weir_exec_sink(scope, "a command", NULL),
                            error, &over};
    wr_fault_pause(true);
    weir_spawn(scope, "pump", pump_main, &ending, sizeof ending);
    wr_fault_pause(false);
    for (int i = 0; i < 20000 && !over; i++) {
        wr_loop_settle(loop);
        plays(far);
        wr_clock_advance(loop, 1);
    }
    MUST(over);
    (void)!weir_scope_wait(scope, NULL);
    weir_loop_free(loop);
    MUST(wr_programs_started == 0 || wr_program_last.forgotten || wr_test_faulty());
    return error->code;
}

TEST(command_gets_the_lines_and_its_end)
{
    struct far far = {.reads = true};
    weir_error error;

    ck_assert_int_eq(write_to(&far, "one\r\ntwo\nrest", &error), 0);

    ck_assert_str_eq(far.got, "one\r\ntwo\nrest");
    ck_assert_int_eq(wr_program_last.signals[0], SIGTERM); /* what it may have left behind */
}

TEST(command_without_items_is_started)
{
    struct far far = {.reads = true};
    weir_error error;

    ck_assert_int_eq(write_to(&far, "", &error), 0);

    ck_assert_int_eq(wr_programs_started, 1);
}

TEST(status_at_the_end_is_the_failure)
{
    struct far far = {.reads = true, .status = 5};
    weir_error error;

    ck_assert_int_eq(write_to(&far, "one\n", &error), WEIR_EEXIT);

    ck_assert_int_eq(error.detail, 5);
    ck_assert_ptr_nonnull(strstr(error.message, "'a command' exited with status 5 after 4 bytes"));
}

TEST(command_that_ends_early_is_a_failure_with_its_status)
{
    struct far far = {.status = 4};
    weir_error error;

    ck_assert_int_eq(write_to(&far, "one\n", &error), WEIR_EEXIT);

    ck_assert_int_eq(error.detail, 4);
}

MAIN("sink/exec")
