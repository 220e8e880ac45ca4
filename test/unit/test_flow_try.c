/*
 * weir_try_put: what a function on the loop's own stack may do.
 * Labels: thread
 */
#include "support_flow.h"

static weir_gen *queue_of(weir_loop *loop, int32_t when_full, int64_t items_max, weir_sink **in)
{
    weir_queue_options options = {
        .struct_size = sizeof options, .when_full = when_full, .items_max = items_max};
    return weir_queue(weir_root(loop), &options, in);
}

static int try_number(weir_sink *in, long number)
{
    weir_item item = number_item(&number);
    return weir_try_put(in, &item);
}

TEST(try_put_takes_what_there_is_room_for)
{
    weir_loop *loop = test_loop();
    weir_sink *in;
    weir_gen *gen = queue_of(loop, WEIR_BLOCK, 2, &in);
    weir_item item;

    ck_assert_int_eq(try_number(in, 1), 1);
    ck_assert_int_eq(try_number(in, 2), 1);
    ck_assert_int_eq(try_number(in, 3), 0);
    ck_assert(weir_next(gen, &item));
    ck_assert_int_eq(*number_of(&item), 1);
    ck_assert_int_eq(try_number(in, 4), 1);

    ck_assert_int_eq(weir_sink_finish(in, NULL), 0);
    ck_assert_int_eq(sum_of(gen, NULL), 2 + 4);
    weir_loop_free(loop);
}

TEST(try_put_obeys_a_policy_that_drops)
{
    weir_loop *loop = test_loop();
    weir_sink *in;
    weir_gen *gen = queue_of(loop, WEIR_DROP_OLDEST, 2, &in);

    for (long i = 1; i <= 5; i++) {
        ck_assert_int_eq(try_number(in, i), 1);
    }

    ck_assert_int_eq(weir_sink_finish(in, NULL), 0);
    ck_assert_int_eq(sum_of(gen, NULL), 4 + 5);
    weir_loop_free(loop);
}

TEST(try_put_fails_in_a_full_queue_that_is_to_fail)
{
    weir_loop *loop = test_loop();
    weir_sink *in;
    weir_gen *gen = queue_of(loop, WEIR_FULL_FAILS, 1, &in);

    ck_assert_int_eq(try_number(in, 1), 1);
    ck_assert_int_eq(try_number(in, 2), WEIR_ETOOLONG);
    ck_assert_int_eq(try_number(in, 3), WEIR_ETOOLONG);

    ck_assert_int_eq(weir_sink_finish(in, NULL), WEIR_ETOOLONG);
    weir_discard(gen);
    weir_loop_free(loop);
}

TEST(try_put_tells_that_the_reader_has_gone)
{
    weir_loop *loop = test_loop();
    weir_sink *in;
    weir_discard(queue_of(loop, WEIR_BLOCK, 2, &in));

    ck_assert_int_eq(try_number(in, 1), WEIR_ECLOSED);

    weir_sink_discard(in);
    weir_loop_free(loop);
}

static int read_one(weir_scope *scope, void *args)
{
    weir_gen *gen = *(weir_gen **)args;
    weir_item item;
    (void)scope;
    ck_assert(weir_next(gen, &item));
    ck_assert_int_eq(*number_of(&item), 7);
    ck_assert(weir_sleep(scope, 10));
    weir_discard(gen);
    return 0;
}

TEST(try_put_hands_over_to_a_reader_that_waits_at_a_rendezvous)
{
    weir_loop *loop = test_loop();
    weir_scope *scope = weir_scope_new(weir_root(loop), NULL);
    weir_sink *in;
    weir_gen *gen = queue_of(loop, WEIR_BLOCK, WEIR_NONE, &in);
    ck_assert_int_eq(try_number(in, 6), 0);

    weir_spawn(scope, "reader", read_one, &gen, sizeof gen);
    wr_loop_settle(loop);
    ck_assert_int_eq(try_number(in, 7), 1);

    ck_assert_int_eq(weir_scope_wait(scope, NULL), 0);
    weir_sink_discard(in);
    weir_loop_free(loop);
}

static bool pass_on(void *ctx, const weir_item *item)
{
    return weir_try_put(ctx, item) == 1;
}

static void end_queue(void *ctx, int rc, const weir_error *error)
{
    (void)error;
    ck_assert_int_eq(rc, 0);
    int put = try_number(ctx, 100);
    ck_assert_int_eq(put, 1);
}

TEST(try_put_works_on_the_stack_of_the_loop)
{
    weir_loop *loop = test_loop();
    weir_sink *in;
    weir_gen *gen = queue_of(loop, WEIR_BLOCK, 0, &in);
    weir_item item;
    long sum = 0;

    weir_each(count_to(weir_root(loop), 10), pass_on, end_queue, in);
    for (int i = 0; i < 11; i++) {
        ck_assert(weir_next(gen, &item));
        sum += *number_of(&item);
    }

    ck_assert_int_eq(sum, 155);
    weir_discard(gen);
    weir_sink_discard(in);
    weir_loop_free(loop);
}

TEST(try_put_keeps_the_receipt_of_an_item)
{
    weir_loop *loop = test_loop();
    weir_sink *in;
    weir_gen *queue = queue_of(loop, WEIR_BLOCK, 8, &in);
    weir_gen *gen = count_to(weir_root(loop), 3);
    weir_item item;
    while (weir_next(gen, &item)) {
        ck_assert_int_eq(weir_try_put(in, &item), 1);
    }
    ck_assert_int_eq(weir_finish(gen, NULL), 0);

    ck_assert_uint_eq(ledger_of(weir_root(loop)).in_flight, 3);
    weir_discard(queue);
    weir_sink_discard(in);
    weir_loop_free(loop);
}

TEST(try_put_takes_what_a_channel_has_room_for)
{
    weir_loop *loop = test_loop();
    weir_loop *other = test_loop();
    weir_queue_options options = {.struct_size = sizeof options, .items_max = 2};
    weir_sink *in;
    weir_gen *gen = weir_channel(weir_root(loop), weir_root(other), &options, &in);

    ck_assert_int_eq(try_number(in, 1), 1);
    ck_assert_int_eq(try_number(in, 2), 1);
    ck_assert_int_eq(try_number(in, 3), 0);

    ck_assert_int_eq(weir_sink_finish(in, NULL), 0);
    ck_assert_int_eq(sum_of(gen, NULL), 1 + 2);
    weir_loop_free(other);
    weir_loop_free(loop);
}

TEST(try_put_tells_that_the_reader_of_a_channel_has_gone)
{
    weir_loop *loop = test_loop();
    weir_loop *other = test_loop();
    weir_sink *in;
    weir_discard(weir_channel(weir_root(loop), weir_root(other), NULL, &in));

    ck_assert_int_eq(try_number(in, 1), WEIR_ECLOSED);

    weir_sink_discard(in);
    weir_loop_free(other);
    weir_loop_free(loop);
}

TEST_ABORTS(misuse_try_put_to_a_sink_that_may_wait)
{
    weir_loop *loop = test_loop();
    (void)!try_number(weir_fd_sink(weir_root(loop), 1), 1);
}

MAIN("flow/try")
