/*
 * Pulls that outlive their reader's patience: weir_next_within, what is refused meanwhile, and what
 * becomes of a pull in flight when its reader leaves or its scope is canceled.
 */
#include "support_flow.h"

/* A source of slow numbers that says what it has seen. */
struct slow {
    weir_scope *scope;
    int64_t pause_ms;
    long *made;     /* how many it has begun to make */
    int *failures;  /* waits that failed */
    int *clean_ups; /* waits of its clean-up that worked */
    int *code;      /* what weir_catch told */
};

static int slow_body(weir_gen *self, weir_gen *up, void *args)
{
    const struct slow *slow = args;
    (void)up;
    for (long i = 1;; i++) {
        if (slow->made != NULL) {
            *slow->made = i;
        }
        if (!weir_sleep(slow->scope, slow->pause_ms)) {
            weir_error error;
            *slow->failures += 1;
            (void)!weir_catch(self, WEIR_ANY, &error);
            *slow->code = error.code;
            *slow->clean_ups += weir_sleep(slow->scope, 5);
            return 0;
        }
        weir_item item = number_item(&i);
        if (!weir_yield(self, &item)) {
            return 0;
        }
    }
}

struct seen {
    long made;
    int failures, clean_ups, code;
};

static weir_gen *slow_numbers(weir_scope *scope, int64_t pause_ms, struct seen *seen)
{
    struct slow slow = {scope,           pause_ms,         &seen->made,
                        &seen->failures, &seen->clean_ups, &seen->code};
    return weir_gen_new(scope, slow_body, &slow, sizeof slow, NULL);
}

struct none {
    char unused;
};
WEIR_STAGE(plus_one, struct none)
{
    weir_item item;
    (void)args;
    while (weir_next(up, &item)) {
        long value = *number_of(&item) + 1;
        weir_item out = number_item(&value);
        if (!weir_yield(self, &out)) {
            break;
        }
    }
    return 0;
}

TEST(within_late_pull_is_taken_up_by_the_next_call)
{
    weir_loop *loop = test_loop();
    struct seen seen = {0};
    weir_gen *gen = slow_numbers(weir_root(loop), 100, &seen);
    weir_item item;

    ck_assert_int_eq(weir_next_within(gen, &item, 30), WEIR_GOT_LATE);
    ck_assert_int_eq(weir_next_within(gen, &item, 30), WEIR_GOT_LATE);
    ck_assert_int_eq(weir_next_within(gen, &item, 50), WEIR_GOT_ITEM);
    ck_assert_int_eq(*number_of(&item), 1);
    ck_assert_int_eq(seen.made, 1);
    ck_assert_int_eq(weir_next_within(gen, &item, 1000), WEIR_GOT_ITEM);
    ck_assert_int_eq(*number_of(&item), 2);
    weir_discard(gen);
    weir_loop_free(loop);
}

TEST(within_late_pull_is_taken_up_by_a_plain_next)
{
    weir_loop *loop = test_loop();
    struct seen seen = {0};
    weir_gen *gen = slow_numbers(weir_root(loop), 100, &seen);
    weir_item item, items[4];

    ck_assert_int_eq(weir_next_within(gen, &item, 1), WEIR_GOT_LATE);
    ck_assert(weir_next(gen, &item));
    ck_assert_int_eq(*number_of(&item), 1);
    ck_assert_int_eq(weir_next_within(gen, &item, 1), WEIR_GOT_LATE);
    ck_assert_uint_eq(weir_next_many(gen, items, 4), 1);
    ck_assert_int_eq(*number_of(&items[0]), 2);
    ck_assert(weir_next(gen, &item));
    ck_assert_int_eq(*number_of(&item), 3);
    weir_discard(gen);
    weir_loop_free(loop);
}

TEST(within_reads_no_further_than_the_one_item)
{
    weir_loop *loop = test_loop();
    struct seen seen = {0};
    weir_gen *gen = slow_numbers(weir_root(loop), 100, &seen);
    weir_item item;
    ck_assert_int_eq(weir_next_within(gen, &item, 1), WEIR_GOT_LATE);

    ck_assert(weir_sleep(weir_root(loop), 10000));

    ck_assert_int_eq(seen.made, 1);
    ck_assert_int_eq(weir_next_within(gen, &item, 0), WEIR_GOT_ITEM);
    ck_assert_int_eq(*number_of(&item), 1);
    weir_discard(gen);
    weir_loop_free(loop);
}

TEST(within_makes_nothing_before_the_first_call)
{
    weir_loop *loop = test_loop();
    struct seen seen = {0};
    weir_gen *gen = plus_one(slow_numbers(weir_root(loop), 100, &seen), (struct none){0});

    wr_loop_settle(loop);

    ck_assert_int_eq(seen.made, 0);
    weir_discard(gen);
    weir_loop_free(loop);
}

TEST(within_zero_takes_what_is_at_hand)
{
    weir_loop *loop = test_loop();
    weir_gen *gen = count_to(weir_root(loop), 2);
    weir_item item;

    ck_assert_int_eq(weir_next_within(gen, &item, 0), WEIR_GOT_ITEM);
    ck_assert_int_eq(*number_of(&item), 1);
    ck_assert_int_eq(weir_next_within(gen, &item, 0), WEIR_GOT_ITEM);
    ck_assert_int_eq(*number_of(&item), 2);
    ck_assert_int_eq(weir_next_within(gen, &item, 0), WEIR_GOT_OVER);
    ck_assert_int_eq(weir_next_within(gen, &item, 0), WEIR_GOT_OVER);
    ck_assert_int_eq(weir_finish(gen, NULL), 0);
    weir_loop_free(loop);
}

/* Each round of the loop is a poll. */
TEST(within_zero_takes_what_is_at_hand_without_a_round_of_the_loop)
{
    enum { COUNT = 1000 };
    weir_loop *loop = test_loop();
    weir_gen *gen = count_to(weir_root(loop), COUNT);
    weir_item item;
    uint64_t before = loop->turns;
    for (int i = 0; i < COUNT; i++) {
        ck_assert_int_eq(weir_next_within(gen, &item, i % 2), WEIR_GOT_ITEM);
    }
    ck_assert_uint_le(loop->turns - before, COUNT / 50);
    weir_discard(gen);
    weir_loop_free(loop);
}

TEST(within_zero_does_not_let_time_pass)
{
    weir_loop *loop = test_loop();
    struct seen seen = {0};
    weir_gen *gen = slow_numbers(weir_root(loop), 100, &seen);
    weir_item item;
    int64_t before = wr_now_ns(loop);
    for (int i = 0; i < 50; i++) {
        ck_assert_int_eq(weir_next_within(gen, &item, 0), WEIR_GOT_LATE);
    }
    ck_assert_int_lt(wr_now_ns(loop) - before, 100000000);
    weir_discard(gen);
    weir_loop_free(loop);
}

TEST(within_works_through_a_chain_of_bodies)
{
    weir_loop *loop = test_loop();
    struct seen seen = {0};
    weir_gen *gen = slow_numbers(weir_root(loop), 100, &seen);
    for (int i = 0; i < 5; i++) {
        gen = plus_one(gen, (struct none){0});
    }
    weir_item item;
    ck_assert_int_eq(weir_next_within(gen, &item, 60), WEIR_GOT_LATE);
    ck_assert_int_eq(weir_next_within(gen, &item, 60), WEIR_GOT_ITEM);
    ck_assert_int_eq(*number_of(&item), 6);
    ck_assert(weir_next(gen, &item));
    ck_assert_int_eq(*number_of(&item), 7);
    ck_assert_int_eq(weir_finish(gen, NULL), 0);
    weir_loop_free(loop);
}

/* Reads with a timeout inside a body; its own reader pulls plainly. */
WEIR_STAGE(with_ticks, struct none)
{
    weir_item item;
    long tick = -1;
    (void)args;
    for (;;) {
        weir_got got = weir_next_within(up, &item, 40);
        if (got == WEIR_GOT_OVER) {
            return 0;
        }
        weir_item out = got == WEIR_GOT_LATE ? number_item(&tick) : item;
        if (!weir_yield(self, &out)) {
            return 0;
        }
    }
}

TEST(within_serves_a_body_that_speaks_while_it_waits)
{
    weir_loop *loop = test_loop();
    weir_scope *root = weir_root(loop);
    weir_gen *gen =
        with_ticks(numbers(root, (struct numbers_args){3, 0, 100, root}), (struct none){0});
    weir_item item;
    long expected[] = {-1, -1, 1, -1, -1, 2, -1, -1, 3};
    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++) {
        ck_assert(weir_next(gen, &item));
        ck_assert_int_eq(*number_of(&item), expected[i]);
    }
    ck_assert(!weir_next(gen, &item));
    ck_assert_int_eq(weir_finish(gen, NULL), 0);
    weir_ledger ledger = ledger_of(root);
    ck_assert_uint_eq(ledger.in, 3);
    ck_assert_uint_eq(ledger.delivered, 3);
    weir_loop_free(loop);
}

TEST(within_finish_fails_the_parked_wait_once_and_lets_it_clean_up)
{
    weir_loop *loop = test_loop();
    struct seen seen = {0};
    weir_gen *gen = slow_numbers(weir_root(loop), 100, &seen);
    weir_item item;
    weir_error error;
    ck_assert_int_eq(weir_next_within(gen, &item, 1), WEIR_GOT_LATE);

    ck_assert_int_eq(weir_finish(gen, &error), 0);

    ck_assert_int_eq(seen.failures, 1);
    ck_assert_int_eq(seen.code, WEIR_ECLOSED);
    ck_assert_int_eq(seen.clean_ups, 1);
    weir_loop_free(loop);
}

TEST(within_discard_behind_a_chain_fails_the_wait_at_the_leaf)
{
    weir_loop *loop = test_loop();
    struct seen seen = {0};
    weir_gen *gen = plus_one(plus_one(slow_numbers(weir_root(loop), 100, &seen), (struct none){0}),
                             (struct none){0});
    weir_item item;
    ck_assert_int_eq(weir_next_within(gen, &item, 1), WEIR_GOT_LATE);

    weir_discard(gen);

    ck_assert_int_eq(seen.failures, 1);
    ck_assert_int_eq(seen.code, WEIR_ECLOSED);
    ck_assert_int_eq(seen.clean_ups, 1);
    weir_loop_free(loop);
}

static int cancel_soon(weir_scope *scope, void *args)
{
    weir_scope *victim = *(weir_scope **)args;
    (void)!weir_sleep(scope, 20);
    weir_scope_cancel(victim);
    return 0;
}

TEST(within_cancel_fails_the_parked_wait_once)
{
    weir_loop *loop = test_loop();
    weir_scope *scope = weir_scope_new(weir_root(loop), NULL);
    struct seen seen = {0};
    weir_gen *gen = slow_numbers(scope, 100, &seen);
    weir_item item;
    weir_error error;
    ck_assert_int_eq(weir_next_within(gen, &item, 1), WEIR_GOT_LATE);
    weir_spawn(weir_root(loop), "cancel", cancel_soon, &scope, sizeof scope);

    ck_assert_int_eq(weir_next_within(gen, &item, 1000), WEIR_GOT_OVER);

    ck_assert_int_eq(weir_finish(gen, &error), WEIR_ECANCELED);
    ck_assert_int_eq(seen.failures, 1);
    ck_assert_int_eq(seen.code, WEIR_ECANCELED);
    ck_assert_int_eq(seen.clean_ups, 1);
    ck_assert_int_eq(weir_scope_wait(scope, &error), 0);
    weir_loop_free(loop);
}

TEST(within_item_that_arrived_and_was_not_taken_is_in_flight)
{
    weir_loop *loop = test_loop();
    weir_scope *root = weir_root(loop);
    struct seen seen = {0};
    weir_gen *gen = slow_numbers(root, 100, &seen);
    weir_item item;
    ck_assert_int_eq(weir_next_within(gen, &item, 1), WEIR_GOT_LATE);
    ck_assert(weir_sleep(root, 1000));

    weir_discard(gen);

    weir_ledger ledger = ledger_of(root);
    ck_assert_uint_eq(ledger.in, 1);
    ck_assert_uint_eq(ledger.in_flight, 1);
    ck_assert_int_eq(seen.failures, 0);
    weir_loop_free(loop);
}

TEST(within_the_loan_ends_also_when_late)
{
    weir_loop *loop = test_loop();
    weir_scope *root = weir_root(loop);
    struct seen seen = {0};
    weir_gen *gen = slow_numbers(root, 100, &seen);
    weir_item item;
    ck_assert_int_eq(weir_next_within(gen, &item, 1000), WEIR_GOT_ITEM);
    ck_assert_uint_eq(ledger_of(root).in_flight, 1);

    ck_assert_int_eq(weir_next_within(gen, &item, 1), WEIR_GOT_LATE);

    weir_ledger ledger = ledger_of(root);
    ck_assert_uint_eq(ledger.delivered, 1);
    ck_assert_uint_eq(ledger.in_flight, 0);
    weir_discard(gen);
    weir_loop_free(loop);
}

TEST(within_of_a_queue_ends_the_loan_also_when_late)
{
    weir_loop *loop = test_loop();
    weir_scope *root = weir_root(loop);
    weir_sink *in;
    weir_item item;
    weir_gen *gen = weir_queue(root, NULL, &in), *source = count_to(root, 2);
    ck_assert(weir_next(source, &item));
    ck_assert(weir_put(in, &item));
    ck_assert(weir_next(source, &item));
    ck_assert_int_eq(weir_next_within(gen, &item, 1), WEIR_GOT_ITEM);
    ck_assert_uint_eq(ledger_of(root).delivered, 0);

    ck_assert_int_eq(weir_next_within(gen, &item, 1), WEIR_GOT_LATE);

    ck_assert_uint_eq(ledger_of(root).delivered, 1);
    weir_discard(gen);
    weir_sink_discard(in);
    weir_discard(source);
    weir_loop_free(loop);
}

TEST(within_send_and_throw_are_refused_while_a_pull_is_in_flight)
{
    weir_loop *loop = test_loop();
    struct seen seen = {0};
    weir_gen *gen = slow_numbers(weir_root(loop), 100, &seen);
    weir_item item, in = weir_bytes("x", 1);
    ck_assert_int_eq(weir_next_within(gen, &item, 1), WEIR_GOT_LATE);

    ck_assert_int_eq(weir_send(gen, &in, &item), WEIR_GOT_REFUSED);
    ck_assert_int_eq(weir_throw(gen, WEIR_EUSER, "no", &item), WEIR_GOT_REFUSED);

    ck_assert_int_eq(weir_next_within(gen, &item, 1000), WEIR_GOT_ITEM);
    ck_assert_int_eq(weir_send(gen, &in, &item), WEIR_GOT_ITEM);
    ck_assert_int_eq(*number_of(&item), 2);
    ck_assert_int_eq(weir_throw(gen, WEIR_EUSER, "no", &item), WEIR_GOT_OVER);
    ck_assert_int_eq(weir_finish(gen, NULL), WEIR_EUSER);
    weir_loop_free(loop);
}

TEST(within_tells_a_failure_like_next)
{
    weir_loop *loop = test_loop();
    weir_scope *root = weir_root(loop);
    weir_gen *gen = numbers(root, (struct numbers_args){5, 2, 10, root});
    weir_item item;
    weir_error error;
    ck_assert_int_eq(weir_next_within(gen, &item, 100), WEIR_GOT_ITEM);
    ck_assert_int_eq(weir_next_within(gen, &item, 100), WEIR_GOT_OVER);
    ck_assert_int_eq(weir_finish(gen, &error), WEIR_EPARSE);
    ck_assert_str_eq(error.origin, "numbers");
    weir_loop_free(loop);
}

TEST(within_of_a_buffer_needs_no_other_task)
{
    weir_loop *loop = test_loop();
    weir_scope *root = weir_root(loop);
    weir_gen *gen = weir_buffer(numbers(root, (struct numbers_args){2, 0, 100, root}), NULL);
    weir_item item;
    ck_assert_int_eq(weir_next_within(gen, &item, 30), WEIR_GOT_LATE);
    ck_assert_int_eq(weir_next_within(gen, &item, 100), WEIR_GOT_ITEM);
    ck_assert_int_eq(*number_of(&item), 1);
    ck_assert(weir_next(gen, &item));
    ck_assert_int_eq(weir_next_within(gen, &item, 100), WEIR_GOT_OVER);
    ck_assert_int_eq(weir_finish(gen, NULL), 0);
    weir_loop_free(loop);
}

struct canceled_reader {
    weir_gen *gen;
    int *outcome;
};

static int read_within(weir_scope *scope, void *args)
{
    struct canceled_reader *reader = args;
    weir_item item;
    (void)scope;
    *reader->outcome = (int)weir_next_within(reader->gen, &item, 100000);
    weir_discard(reader->gen);
    return 0;
}

TEST(within_a_canceled_reader_takes_its_pull_along)
{
    weir_loop *loop = test_loop();
    weir_scope *scope = weir_scope_new(weir_root(loop), NULL);
    struct seen seen = {0};
    int outcome = -1;
    struct canceled_reader reader = {slow_numbers(scope, 50000, &seen), &outcome};
    weir_spawn(scope, "reader", read_within, &reader, sizeof reader);
    wr_loop_settle(loop);

    weir_scope_cancel(scope);

    ck_assert_int_eq(weir_scope_wait(scope, NULL), 0);
    ck_assert_int_eq(outcome, WEIR_GOT_OVER);
    ck_assert_int_eq(seen.failures, 1);
    weir_loop_free(loop);
}

TEST(within_pull_in_flight_is_ended_by_its_scope)
{
    weir_loop *loop = test_loop();
    weir_scope *scope = weir_scope_new(weir_root(loop), NULL);
    struct seen seen = {0};
    weir_gen *gen = plus_one(slow_numbers(scope, 100, &seen), (struct none){0});
    weir_item item;
    ck_assert_int_eq(weir_next_within(gen, &item, 1), WEIR_GOT_LATE);

    ck_assert_int_eq(weir_scope_wait(scope, NULL), 0);

    ck_assert_int_eq(seen.failures, 1);
    ck_assert_int_eq(seen.clean_ups, 1);
    weir_loop_free(loop);
}

MAIN("flow/within")
