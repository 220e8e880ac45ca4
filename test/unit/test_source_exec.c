/*
 * The output of a command: its end, its restarts and what is said about them. The programs are played
 * (support_program.h), on the virtual clock.
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include <weir/weir.h>

#include "loop_scope.h"
#include "support_check.h"
#include "support_program.h"

/* What a program does in one run. */
struct act {
    const char *prints;
    int status, number;
};

static struct play {
    weir_loop *loop;
    const struct act *acts; /* the last one is played again and again */
    int count;
    char said[4096];
    weir_error error;
    char got[256]; /* the items, each with a '|' behind it */
    int64_t started_ms[32];
} play;

static void keep_log(void *ctx, int level, const char *origin, const char *text)
{
    size_t len = strlen(play.said);
    (void)ctx;
    (void)level;
    (void)origin;
    snprintf(play.said + len, sizeof play.said - len, "%s\n", text);
}

static void begins(void *ctx, struct wr_program *program)
{
    int at = wr_programs_started - 1;
    const struct act *act = &play.acts[at < play.count ? at : play.count - 1];
    (void)ctx;
    if (at < 32) {
        play.started_ms[at] = wr_now_ns(play.loop) / 1000000;
    }
    wr_program_writes(program, 1, act->prints);
    wr_program_ends(program, act->status, act->number);
}

static weir_loop *begin(const struct act *acts, int count)
{
    weir_loop_options options = WEIR_ZERO;
    memset(&play, 0, sizeof play);
    options.struct_size = sizeof options;
    options.log = keep_log;
    play.loop = weir_loop_new(&options);
    ck_assert_ptr_nonnull(play.loop);
    wr_loop_virtual_clock(play.loop, 1700000000000000000);
    play.loop->programs = &wr_programs_played;
    play.acts = acts;
    play.count = count;
    wr_programs_started = 0;
    wr_program_begins = begins;
    return play.loop;
}

/* Read at most `most` items. The result of the end. */
static int read_items(weir_gen *gen, size_t most)
{
    weir_item item;
    size_t len = 0;
    for (size_t i = 0; i < most && weir_next(gen, &item); i++) {
        len += (size_t)snprintf(play.got + len, sizeof play.got - len, "%.*s%s|", (int)item.len,
                                item.data, (item.flags & WEIR_ITEM_NO_EOL) != 0 ? "~" : "");
    }
    return weir_finish(gen, &play.error);
}

static weir_gen *command(const weir_exec_options *options)
{
    return weir_exec_lines(weir_root(play.loop), "a command", options);
}

#define BEGIN(...)                                  \
    static const struct act acts[] = {__VA_ARGS__}; \
    begin(acts, (int)(sizeof acts / sizeof acts[0]))

TEST(lines_of_a_command_and_a_rest)
{
    BEGIN({"one\r\ntwo\nrest", 0, 0});

    int rc = read_items(command(NULL), 100);

    ck_assert_int_eq(rc, 0);
    ck_assert_str_eq(play.got, "one|two|rest~|");
    MUST(play.error.code != 0 || wr_program_last.forgotten);
    weir_loop_free(play.loop);
}

TEST(status_is_the_failure_after_the_lines)
{
    BEGIN({"one\nhalf", 3, 0});

    int rc = read_items(command(NULL), 100);

    ck_assert_int_eq(rc, WEIR_EEXIT);
    ck_assert_int_eq(play.error.detail, 3);
    ck_assert_str_eq(play.got, "one|");
    ck_assert_ptr_nonnull(strstr(play.error.message, "it exited with status 3 after line 1"));
    ck_assert_ptr_nonnull(strstr(play.error.message, "an unfinished line of 4 bytes"));
    weir_loop_free(play.loop);
}

TEST(signal_is_the_failure)
{
    BEGIN({"one\n", 0, SIGSEGV});

    ck_assert_int_eq(read_items(command(NULL), 100), WEIR_EEXIT);

    ck_assert_int_eq(play.error.detail, 128 + SIGSEGV);
    ck_assert_ptr_nonnull(strstr(play.error.message, "was ended by SIGSEGV"));
    weir_loop_free(play.loop);
}

TEST(reader_that_leaves_ends_the_command)
{
    BEGIN({"", 0, 0});
    wr_program_begins = NULL; /* it runs on */
    weir_gen *gen = command(NULL);
    weir_item item;

    ck_assert_int_eq(weir_next_within(gen, &item, 0), WEIR_GOT_LATE);
    int rc = weir_finish(gen, &play.error);

    ck_assert_int_eq(rc, 0);
    ck_assert_int_eq(wr_program_last.signals[0], SIGTERM);
    MUST(wr_program_last.forgotten || play.error.code != 0);
    weir_loop_free(play.loop);
}

TEST(failure_starts_it_again_after_a_pause)
{
    BEGIN({"one\nhalf", 1, 0}, {"", 0, SIGKILL}, {"", 2, 0}, {"two\n", 0, 0});

    int rc = read_items(
        command(WEIR_OPTIONS(weir_exec_options, .restart = WEIR_RESTART_ON_FAILURE)), 100);

    ck_assert_int_eq(rc, 0);
    ck_assert_str_eq(play.got, "one|two|");
    ck_assert_int_eq(wr_programs_started, 4);
    ck_assert_ptr_nonnull(strstr(play.said, "it exited with status 1; restart 1 in 0."));
    ck_assert_ptr_nonnull(strstr(play.said, "(a gap or repeats are possible after line 1)"));
    ck_assert_ptr_nonnull(strstr(play.said, "it was ended by SIGKILL; restart 2 in "));
    for (int i = 1; i < 4; i++) {
        int64_t pause = play.started_ms[i] - play.started_ms[i - 1];
        ck_assert(pause >= 1 && pause <= 500 << (i - 1));
    }
    weir_stats stats = {.struct_size = sizeof stats};
    weir_loop_stats(play.loop, &stats);
    ck_assert_uint_eq(stats.reconnects, 3);
    weir_loop_free(play.loop);
}

TEST(success_starts_it_again_only_with_always)
{
    BEGIN({"x\n", 0, 0});

    int rc =
        read_items(command(WEIR_OPTIONS(weir_exec_options, .restart = WEIR_RESTART_ALWAYS)), 5);

    ck_assert_int_eq(rc, 0);
    ck_assert_str_eq(play.got, "x|x|x|x|x|");
    ck_assert_int_eq(wr_programs_started, 5);
    weir_loop_free(play.loop);
}

TEST(restarts_without_a_new_line_are_bounded)
{
    BEGIN({"x\n", 1, 0}, {"", 1, 0});

    int rc = read_items(
        command(WEIR_OPTIONS(weir_exec_options, .retries = 3, .restart = WEIR_RESTART_ALWAYS)),
        100);

    ck_assert_int_eq(rc, WEIR_EEXIT);
    ck_assert_int_eq(wr_programs_started, 4);
    ck_assert_ptr_nonnull(strstr(play.error.message, "gave up after 3 restarts"));
    weir_loop_free(play.loop);
}

TEST(command_that_is_not_found_is_final)
{
    BEGIN({"", 127, 0});

    int rc =
        read_items(command(WEIR_OPTIONS(weir_exec_options, .restart = WEIR_RESTART_ALWAYS)), 100);

    ck_assert_int_eq(rc, WEIR_EEXIT);
    ck_assert_int_eq(wr_programs_started, 1);
    ck_assert_ptr_nonnull(strstr(play.error.message, "status 127 (not found)"));
    weir_loop_free(play.loop);
}

TEST(framer_cuts_its_bytes)
{
    BEGIN({"a\0b", 0, 0});
    weir_gen *gen = weir_framed(weir_exec_bytes(weir_root(play.loop), "a command", NULL),
                                WEIR_OPTIONS(weir_framing, .kind = WEIR_FRAME_NUL));

    ck_assert_int_eq(read_items(gen, 100), 0);

    ck_assert_str_eq(play.got, "a~|");
    weir_loop_free(play.loop);
}

TEST(options_are_checked)
{
    BEGIN({"", 0, 0});

    ck_assert_int_eq(read_items(command(WEIR_OPTIONS(weir_exec_options, .restart = 9)), 1),
                     WEIR_EINVAL);

    ck_assert_int_eq(wr_programs_started, 0);
    weir_loop_free(play.loop);
}

MAIN("source/exec")
