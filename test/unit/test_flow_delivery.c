/*
 * What counts as delivered: vouching by bodies, loans, keeping, sealing, and the ledger over whole
 * chains.
 */
#include "support_flow.h"

struct none {
    char unused;
};

/* Passes every n-th number, as a filter written by hand. */
struct every {
    long n;
};
WEIR_STAGE(every, struct every)
{
    weir_item item;
    while (weir_next(up, &item)) {
        if (*number_of(&item) % args->n == 0 && !weir_yield(self, &item)) {
            break;
        }
    }
    return 0;
}

WEIR_STAGE(total, struct none)
{
    weir_item item;
    long sum = 0;
    (void)args;
    while (weir_next(up, &item)) {
        sum += *number_of(&item);
    }
    weir_item out = number_item(&sum);
    (void)!weir_yield(self, &out);
    return 0;
}

WEIR_STAGE(twice, struct none)
{
    weir_item item;
    (void)args;
    while (weir_next(up, &item)) {
        if (!weir_yield(self, &item) || !weir_yield(self, &item)) {
            break;
        }
    }
    return 0;
}

struct bad {
    long which;
};
WEIR_STAGE(rejecting, struct bad)
{
    weir_item item;
    while (weir_next(up, &item)) {
        if (*number_of(&item) == args->which) {
            weir_reject(self, &item, "not wanted");
            continue;
        }
        if (!weir_yield(self, &item)) {
            break;
        }
    }
    return 0;
}

static void check_ledger(weir_scope *scope, uint64_t in, uint64_t delivered, uint64_t filtered,
                         uint64_t rejected, uint64_t in_flight)
{
    weir_ledger ledger = ledger_of(scope);
    ck_assert_uint_eq(ledger.in, in);
    ck_assert_uint_eq(ledger.delivered, delivered);
    ck_assert_uint_eq(ledger.filtered, filtered);
    ck_assert_uint_eq(ledger.rejected, rejected);
    ck_assert_uint_eq(ledger.dropped, 0);
    ck_assert_uint_eq(ledger.in_flight, in_flight);
}

static int pump_to_null(weir_scope *scope, weir_gen *gen)
{
    weir_error error;
    (void)scope;
    return weir_pump(gen, weir_null_sink(scope), &error);
}

TEST(ledger_counts_what_a_reader_has_asked_past)
{
    weir_loop *loop = test_loop();
    weir_gen *gen = count_to(weir_root(loop), 10);
    weir_item item;
    for (int i = 0; i < 4; i++) {
        ck_assert(weir_next(gen, &item));
    }

    check_ledger(weir_root(loop), 4, 3, 0, 0, 1);

    weir_discard(gen);
    check_ledger(weir_root(loop), 4, 3, 0, 0, 1);
    weir_loop_free(loop);
}

TEST(ledger_of_a_pump_is_complete)
{
    weir_loop *loop = test_loop();
    ck_assert_int_eq(pump_to_null(weir_root(loop), count_to(weir_root(loop), 1000)), 0);
    check_ledger(weir_root(loop), 1000, 1000, 0, 0, 0);
    weir_loop_free(loop);
}

static bool is_even(const weir_item *item, const void *args)
{
    (void)args;
    return *number_of(item) % 2 == 0;
}

TEST(ledger_counts_filtered_items)
{
    weir_loop *loop = test_loop();
    weir_gen *gen = weir_filter(count_to(weir_root(loop), 100), "even", is_even, NULL, 0);
    ck_assert_int_eq(pump_to_null(weir_root(loop), gen), 0);
    check_ledger(weir_root(loop), 100, 50, 50, 0, 0);
    weir_loop_free(loop);
}

TEST(ledger_vouches_for_what_a_body_has_pulled_since_its_last_yield)
{
    weir_loop *loop = test_loop();
    weir_gen *gen = every(count_to(weir_root(loop), 100), (struct every){10});
    ck_assert_int_eq(pump_to_null(weir_root(loop), gen), 0);
    check_ledger(weir_root(loop), 100, 100, 0, 0, 0);
    weir_loop_free(loop);
}

TEST(ledger_what_a_body_holds_at_its_end_is_filtered)
{
    weir_loop *loop = test_loop();
    weir_gen *gen = every(count_to(weir_root(loop), 105), (struct every){10});
    ck_assert_int_eq(pump_to_null(weir_root(loop), gen), 0);
    check_ledger(weir_root(loop), 105, 100, 5, 0, 0);
    weir_loop_free(loop);
}

TEST(ledger_one_yield_for_many_items_and_many_for_one)
{
    weir_loop *loop = test_loop();
    weir_scope *root = weir_root(loop);
    weir_gen *gen = total(twice(count_to(root, 50), (struct none){0}), (struct none){0});
    weir_item item;
    ck_assert(weir_next(gen, &item));
    ck_assert_int_eq(*number_of(&item), 2 * 1275);
    check_ledger(root, 50, 0, 0, 0, 50);

    ck_assert(!weir_next(gen, &item));

    check_ledger(root, 50, 50, 0, 0, 0);
    ck_assert_int_eq(weir_finish(gen, NULL), 0);
    weir_loop_free(loop);
}

TEST(ledger_counts_rejected_items)
{
    weir_loop *loop = test_loop();
    weir_gen *gen = rejecting(count_to(weir_root(loop), 20), (struct bad){7});
    ck_assert_int_eq(pump_to_null(weir_root(loop), gen), 0);
    check_ledger(weir_root(loop), 20, 19, 0, 1, 0);
    weir_loop_free(loop);
}

TEST(ledger_head_closes_its_source_and_loses_nothing_it_gave)
{
    weir_loop *loop = test_loop();
    weir_gen *gen = weir_head(count_to(weir_root(loop), -1), 3);
    ck_assert_int_eq(pump_to_null(weir_root(loop), gen), 0);
    check_ledger(weir_root(loop), 3, 3, 0, 0, 0);
    weir_loop_free(loop);
}

TEST(ledger_through_batch_and_buffer)
{
    weir_loop *loop = test_loop();
    weir_scope *root = weir_root(loop);
    weir_gen *gen = weir_buffer(weir_skip(count_to(root, 1000), 10), NULL);
    gen = weir_batch(gen, WEIR_OPTIONS(weir_batch_options, .items_max = 7));
    ck_assert_int_eq(pump_to_null(root, gen), 0);
    check_ledger(root, 1000, 990, 10, 0, 0);
    weir_loop_free(loop);
}

TEST(ledger_kept_item_is_in_flight_until_released)
{
    weir_loop *loop = test_loop();
    weir_scope *root = weir_root(loop);
    weir_gen *gen = count_to(root, 3);
    weir_item item, kept;
    ck_assert(weir_next(gen, &item));
    ck_assert_int_eq(weir_item_keep(&kept, &item), 0);
    while (weir_next(gen, &item)) {}
    ck_assert_int_eq(weir_finish(gen, NULL), 0);
    check_ledger(root, 3, 2, 0, 0, 1);
    ck_assert_int_eq(*number_of(&kept), 1);

    weir_item_release(&kept);

    check_ledger(root, 3, 3, 0, 0, 0);
    weir_loop_free(loop);
}

TEST(ledger_abandoned_item_stays_in_flight)
{
    weir_loop *loop = test_loop();
    weir_scope *root = weir_root(loop);
    weir_gen *gen = count_to(root, 3);
    weir_item item, kept, again;
    ck_assert(weir_next(gen, &item));
    ck_assert_int_eq(weir_item_keep(&kept, &item), 0);
    ck_assert_int_eq(weir_item_keep(&again, &item), 0);
    while (weir_next(gen, &item)) {}
    ck_assert_int_eq(weir_finish(gen, NULL), 0);

    weir_item_abandon(&kept);
    weir_item_release(&again);
    weir_item_abandon(&kept); /* zeroed: nothing to do */

    ck_assert_ptr_null(kept.receipt);
    check_ledger(root, 3, 2, 0, 0, 1);
    weir_loop_free(loop);
}

TEST(ledger_items_left_in_a_queue_are_in_flight)
{
    weir_loop *loop = test_loop();
    weir_scope *root = weir_root(loop);
    weir_sink *in;
    weir_error error;
    weir_gen *gen = weir_queue(root, NULL, &in);
    ck_assert_int_eq(weir_pump(count_to(root, 10), in, &error), 0);
    weir_item item;
    ck_assert(weir_next(gen, &item));
    ck_assert(weir_next(gen, &item));

    weir_discard(gen);

    weir_ledger ledger = ledger_of(root);
    ck_assert_uint_eq(ledger.in, 10);
    ck_assert_uint_ge(ledger.in_flight, 8);
    weir_loop_free(loop);
}

TEST(ledger_failure_midway_leaves_no_hole)
{
    weir_loop *loop = test_loop();
    weir_scope *root = weir_root(loop);
    weir_gen *gen = numbers(root, (struct numbers_args){.count = 100, .fail_at = 51});
    ck_assert_int_eq(pump_to_null(root, weir_buffer(gen, NULL)), WEIR_EPARSE);
    check_ledger(root, 50, 50, 0, 0, 0);
    weir_loop_free(loop);
}

MAIN("flow/delivery")
