/*
 * test_metrics_why.c - seeing: why a generator does not give, the dump, the ledger over scopes, the
 * statistics, the version.
 */
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base_fault.h"
#include "support_flow.h"
#include "texts_flow.h"

static const char *why(const weir_gen *gen)
{
    static char text[400];
    ck_assert_uint_lt(weir_why(gen, text, sizeof text), sizeof text);
    return text;
}

TEST(why_of_one_that_was_not_asked)
{
    weir_loop *loop = test_loop();
    weir_gen *gen = count_to(weir_root(loop), 1);
    ck_assert_str_eq(why(gen), TEXT_FLOW_NOT_ASKED);
    weir_discard(gen);
    weir_loop_free(loop);
}

TEST(why_of_one_that_is_over_or_failed)
{
    weir_loop *loop = test_loop();
    weir_item item;
    weir_gen *gen = count_to(weir_root(loop), 1);
    ck_assert(weir_next(gen, &item));
    ck_assert(!weir_next(gen, &item));
    ck_assert_str_eq(why(gen), TEXT_FLOW_ENDED);
    weir_discard(gen);
    gen = numbers(weir_root(loop), (struct numbers_args){.count = 1, .fail_at = 1});
    ck_assert(!weir_next(gen, &item));
    ck_assert_str_eq(why(gen), TEXT_FLOW_FAILED "number 1");
    weir_discard(gen);
    weir_loop_free(loop);
}

TEST(why_follows_the_chain_to_the_wait)
{
    weir_loop *loop = test_loop();
    weir_scope *root = weir_root(loop);
    weir_sink *in;
    weir_item item;
    weir_gen *gen = same(weir_queue(root, WEIR_OPTIONS(weir_queue_options, .name = "work"), &in));
    ck_assert_int_eq(weir_next_within(gen, &item, 1), WEIR_GOT_LATE);
    ck_assert_str_eq(why(gen), "same <- work: " TEXT_FLOW_EMPTY_QUEUE("work"));
    weir_discard(gen);
    weir_sink_discard(in);
    weir_loop_free(loop);
}

TEST(why_of_a_body_that_sleeps_names_its_wait)
{
    weir_loop *loop = test_loop();
    weir_scope *root = weir_root(loop);
    weir_item item;
    weir_gen *gen = same(numbers(root, (struct numbers_args){1, 0, 5000, root}));
    ck_assert_int_eq(weir_next_within(gen, &item, 1200), WEIR_GOT_LATE);
    ck_assert_str_eq(why(gen), "same <- numbers " TEXT_FLOW_WAITS(TEXT_FLOW_TIME_OF("1.2 s")));
    weir_discard(gen);
    weir_loop_free(loop);
}

TEST(why_of_one_that_waits_to_be_asked)
{
    weir_loop *loop = test_loop();
    weir_item item;
    weir_gen *gen = weir_skip(count_to(weir_root(loop), 5), 1);
    ck_assert(weir_next(gen, &item));
    ck_assert_str_eq(why(gen), "skip " TEXT_FLOW_IDLE);
    weir_discard(gen);
    weir_loop_free(loop);
}

static int pump_main(weir_scope *scope, void *args)
{
    weir_gen *gen = *(weir_gen **)args;
    int ends[2];
    ck_assert_int_eq(pipe(ends), 0);
    (void)!weir_pump(gen, weir_fd_sink(scope, ends[1]), NULL);
    close(ends[0]);
    close(ends[1]);
    return 0;
}

TEST(why_of_one_that_is_pumped_names_the_sink_that_takes_no_more)
{
    wr_fault_pause(true); /* the pump lasts */
    weir_loop *loop = test_loop();
    weir_scope *scope = weir_scope_new(weir_root(loop), NULL);
    weir_gen *gen = weir_count(scope, 1, WEIR_NONE);
    weir_spawn(scope, "pump", pump_main, &gen, sizeof gen);
    wr_loop_settle(loop);
    ck_assert_ptr_nonnull(strstr(why(gen), TEXT_FLOW_READER_TAKES_NONE));
    wr_clock_advance(loop, 5000);
    ck_assert_ptr_nonnull(strstr(why(gen), TEXT_FLOW_READER_ACCEPTED_NONE));
    weir_scope_cancel(scope);
    (void)!weir_scope_wait(scope, NULL);
    weir_loop_free(loop);
}

TEST(why_is_cut_like_snprintf)
{
    weir_loop *loop = test_loop();
    char text[8];
    weir_gen *gen = count_to(weir_root(loop), 1);
    ck_assert_uint_eq(weir_why(gen, text, sizeof text), strlen(TEXT_FLOW_NOT_ASKED));
    ck_assert_str_eq(text, "numbers");
    ck_assert_uint_eq(weir_why(gen, NULL, 0), strlen(TEXT_FLOW_NOT_ASKED));
    weir_discard(gen);
    weir_loop_free(loop);
}

static int sleep_long(weir_scope *scope, void *args)
{
    (void)args;
    (void)!weir_sleep(scope, 100000);
    return 0;
}

TEST(dump_tells_tasks_scopes_and_generators)
{
    weir_loop *loop = test_loop();
    weir_scope *scope =
        weir_scope_new(weir_root(loop), WEIR_OPTIONS(weir_scope_options, .name = "work"));
    weir_item item;
    weir_gen *gen = same(count_to(scope, 5));
    char text[8192];
    weir_spawn(scope, "sleeper", sleep_long, NULL, 0);
    ck_assert(weir_next(gen, &item));
    wr_loop_settle(loop);
    int fd = memfd_create("dump", MFD_CLOEXEC);

    weir_dump(loop, fd);

    ssize_t len = pread(fd, text, sizeof text - 1, 0);
    close(fd);
    ck_assert_int_gt(len, 0);
    text[len] = '\0';
    ck_assert_ptr_nonnull(strstr(text, "task 'sleeper' " TEXT_FLOW_WAITS(TEXT_FLOW_TIME)));
    ck_assert_ptr_nonnull(strstr(text, TEXT_FLOW_TASKS));
    ck_assert_ptr_nonnull(strstr(text, TEXT_FLOW_SCOPE_ROOT));
    ck_assert_ptr_nonnull(strstr(text, TEXT_FLOW_SCOPE_WORK));
    ck_assert_ptr_nonnull(strstr(text, TEXT_FLOW_GENERATOR("same")));
    ck_assert_ptr_nonnull(strstr(text, TEXT_FLOW_GENERATOR("numbers")));
    weir_loop_free(loop);
}

/* Looks from the scheduler's stack, when all who run have parked. */
struct look {
    struct wr_deferred deferred;
    const weir_loop *loop;
    const weir_gen *gen;
    int fd;
    char why[400];
};

static void look(struct wr_deferred *deferred)
{
    struct look *look = WR_OWNER(deferred, struct look, deferred);
    (void)weir_why(look->gen, look->why, sizeof look->why);
    weir_dump(look->loop, look->fd);
    weir_scope_cancel(weir_root((weir_loop *)(uintptr_t)look->loop));
}

TEST(tasks_that_all_wait_for_each_other_are_told_so)
{
    weir_loop *loop = test_loop();
    weir_sink *in;
    weir_item item;
    char text[8192];
    weir_gen *gen = weir_queue(weir_root(loop), NULL, &in);
    struct look seen = {.loop = loop, .gen = gen, .fd = memfd_create("dump", MFD_CLOEXEC)};
    wr_deferred_init(&seen.deferred, look);
    wr_defer(loop, &seen.deferred);

    ck_assert(!weir_next(gen, &item));

    ssize_t len = pread(seen.fd, text, sizeof text - 1, 0);
    close(seen.fd);
    ck_assert_int_gt(len, 0);
    text[len] = '\0';
    ck_assert_ptr_nonnull(strstr(text, TEXT_FLOW_ALL_WAIT));
    ck_assert_ptr_nonnull(strstr(seen.why, TEXT_FLOW_ALL_WAIT));
    ck_assert_ptr_null(strstr(why(gen), TEXT_FLOW_DEADLOCK)); /* somebody runs: this test */
    weir_loop_free(loop);
}

TEST(ledger_of_a_scope_holds_those_beneath_and_those_gone)
{
    weir_loop *loop = test_loop();
    weir_scope *outer = weir_scope_new(weir_root(loop), NULL), *inner = weir_scope_new(outer, NULL);
    weir_error error;
    ck_assert_int_eq(sum_of(count_to(inner, 5), &error), 15);
    ck_assert_uint_eq(ledger_of(inner).delivered, 5);
    ck_assert_int_eq(weir_scope_wait(inner, NULL), 0);
    ck_assert_int_eq(sum_of(count_to(outer, 3), &error), 6);
    ck_assert_uint_eq(ledger_of(outer).delivered, 8);
    ck_assert_uint_eq(ledger_of(weir_root(loop)).in, 8);
    ck_assert_int_eq(weir_scope_wait(outer, NULL), 0);
    weir_loop_free(loop);
}

TEST(stats_fill_as_much_as_asked_for)
{
    weir_loop *loop = test_loop();
    weir_stats stats;
    memset(&stats, 0xff, sizeof stats);
    stats.struct_size = offsetof(weir_stats, connects);
    weir_loop_stats(loop, &stats);
    ck_assert_uint_eq(stats.bytes_in, 0);
    ck_assert_uint_eq(stats.bytes_out, 0);
    ck_assert_uint_eq(stats.connects, UINT64_MAX);
    stats.struct_size = sizeof stats;
    weir_loop_stats(loop, &stats);
    ck_assert_uint_eq(stats.tasks, 0);
    weir_loop_free(loop);
}

MAIN("metrics/metrics")
