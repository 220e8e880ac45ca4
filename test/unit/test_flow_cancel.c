/*
 * Cancels that come in the same turn as what the canceled task waits for: the wait fails all the
 * same, since a cancel that is lost leaves a task that nobody ends.
 */
#include "support_flow.h"

struct reader {
    weir_gen *gen;
    int64_t wait_ms; /* of weir_next_within; negative: weir_next */
    long *read;
};

static int read_until_over(weir_scope *scope, void *args)
{
    struct reader *reader = args;
    weir_item item;
    for (weir_got got = WEIR_GOT_ITEM; got != WEIR_GOT_OVER;) {
        got = reader->wait_ms < 0 ? (weir_next(reader->gen, &item) ? WEIR_GOT_ITEM : WEIR_GOT_OVER)
                                  : weir_next_within(reader->gen, &item, reader->wait_ms);
        *reader->read += got == WEIR_GOT_ITEM;
        if (got == WEIR_GOT_LATE && !weir_sleep(scope, 1000)) {
            return WEIR_ECANCELED;
        }
    }
    return 0;
}

/* A reader in a scope without a limit for its clean-up: one that misses its cancel waits for ever.
 */
static weir_scope *reader_in_scope(weir_loop *loop, weir_gen *gen, int64_t wait_ms, long *read)
{
    struct reader reader = {gen, wait_ms, read};
    weir_scope *scope = weir_scope_new(
        weir_root(loop), WEIR_OPTIONS(weir_scope_options, .grace_ms = 60 * 60 * 1000));
    weir_spawn(scope, "reader", read_until_over, &reader, sizeof reader);
    wr_loop_settle(loop);
    return scope;
}

/* Waited for within a minute of virtual time? */
static void ends_soon(weir_loop *loop, weir_scope *scope)
{
    int64_t before = wr_now_ns(loop);
    ck_assert_int_eq(weir_scope_wait(scope, NULL), 0);
    ck_assert_int_lt((wr_now_ns(loop) - before) / 1000000, 60 * 1000);
}

static void cancel_with_an_item(int64_t wait_ms)
{
    weir_loop *loop = test_loop();
    weir_sink *in;
    long read = 0, value = 1;
    weir_item item = number_item(&value);
    weir_gen *gen = weir_queue(weir_root(loop), NULL, &in);
    weir_scope *scope = reader_in_scope(loop, gen, wait_ms, &read);

    ck_assert(weir_put(in, &item));
    weir_scope_cancel(scope);

    ends_soon(loop, scope);
    ck_assert_int_eq(read, 0);
    weir_discard(gen);
    weir_sink_discard(in);
    weir_loop_free(loop);
}

TEST(cancel_that_comes_with_an_item_ends_the_reader_of_a_queue)
{
    cancel_with_an_item(-1);
}

TEST(cancel_that_comes_with_an_item_ends_a_reader_within_of_a_queue)
{
    cancel_with_an_item(1000000);
}

TEST(cancel_that_comes_with_an_item_ends_a_reader_of_a_pull_that_may_be_late)
{
    weir_loop *loop = test_loop();
    weir_scope *root = weir_root(loop);
    long read = 0;
    weir_gen *gen = numbers(root, (struct numbers_args){-1, 0, 100, root});
    weir_scope *scope = reader_in_scope(loop, gen, 1000000, &read);

    ck_assert(weir_sleep(root, 100)); /* begun after the source's, so it ends behind it */
    weir_scope_cancel(scope);

    ends_soon(loop, scope);
    weir_discard(gen);
    weir_loop_free(loop);
}

static int poll_for_ever(weir_scope *scope, void *args)
{
    struct reader *reader = args;
    weir_item item;
    while (weir_next_within(reader->gen, &item, 0) != WEIR_GOT_OVER) {
        *reader->read += 1;
    }
    (void)scope;
    return 0;
}

TEST(cancel_of_a_task_that_asks_without_waiting_is_not_lost)
{
    weir_loop *loop = test_loop();
    weir_scope *root = weir_root(loop);
    long asked = 0;
    weir_gen *gen = numbers(root, (struct numbers_args){1, 0, 60 * 60 * 1000, root});
    struct reader reader = {gen, 0, &asked};
    weir_scope *scope = weir_scope_new(root, NULL);
    weir_spawn(scope, "poller", poll_for_ever, &reader, sizeof reader);
    for (int i = 0; i < 10; i++) {
        ck_assert_int_eq(wr_pause(loop, NULL), 0);
    }
    ck_assert_int_gt(asked, 1);

    weir_scope_cancel(scope);

    ends_soon(loop, scope);
    weir_discard(gen);
    weir_loop_free(loop);
}

/* ---- the log */

static int warnings;

static void count_warnings(void *ctx, int level, const char *origin, const char *text)
{
    (void)ctx;
    (void)origin;
    (void)text;
    warnings += level <= WR_LOG_WARNING;
}

static int reads_to_the_end(weir_scope *scope, void *args)
{
    weir_gen *gen = *(weir_gen **)args;
    weir_item item;
    (void)scope;
    while (weir_next(gen, &item)) {}
    return weir_finish(gen, NULL);
}

/* Its reader, in a scope that nobody waits for, tells the cancel as its own failure. */
TEST(cancel_of_what_a_task_elsewhere_waits_for_is_no_warning)
{
    weir_loop *loop = weir_loop_new(WEIR_OPTIONS(weir_loop_options, .log = count_warnings));
    ck_assert_ptr_nonnull(loop);
    wr_loop_virtual_clock(loop, 1700000000000000000);
    weir_scope *made = weir_scope_new(weir_root(loop), NULL);
    weir_scope *read = weir_scope_new(weir_root(loop), NULL);
    weir_sink *in;
    weir_gen *gen = weir_queue(made, NULL, &in);
    weir_spawn(read, "reader", reads_to_the_end, &gen, sizeof gen);
    wr_loop_settle(loop);

    weir_scope_cancel(made);
    wr_loop_settle(loop);
    weir_loop_free(loop);

    ck_assert_int_eq(warnings, 0);
}

MAIN("flow/cancel")
