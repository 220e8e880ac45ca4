/*
 * collect and concat: all items within limits; one generator after the other.
 */
#include <stdlib.h>

#include "support_flow.h"

TEST(collect_keeps_all_items)
{
    weir_loop *loop = test_loop();
    weir_item *items;
    size_t count;
    ck_assert_int_eq(
        weir_collect(weir_count(weir_root(loop), 1, 100), 100, 1000, &items, &count, NULL), 0);
    ck_assert_uint_eq(count, 100);
    for (size_t i = 0; i < count; i++) {
        ck_assert_int_eq(strtol(items[i].data, NULL, 10), (long)i + 1);
    }
    ck_assert_uint_eq(ledger_of(weir_root(loop)).in_flight, 100);
    weir_collected_free(items, count);
    ck_assert_uint_eq(ledger_of(weir_root(loop)).delivered, 100);
    weir_loop_free(loop);
}

static void fails(weir_loop *loop, weir_gen *gen, size_t items_max, size_t bytes_max, int code)
{
    weir_item *items;
    size_t count;
    weir_error error;
    ck_assert_int_eq(weir_collect(gen, items_max, bytes_max, &items, &count, &error), code);
    ck_assert_int_eq(error.code, code);
    ck_assert_ptr_null(items);
    ck_assert_uint_eq(count, 0);
    (void)loop;
}

TEST(collect_of_more_than_a_limit_fails)
{
    weir_loop *loop = test_loop();
    weir_scope *root = weir_root(loop);
    fails(loop, weir_count(root, 1, WEIR_NONE), 10, 1000, WEIR_ETOOLONG);
    fails(loop, weir_count(root, 1, WEIR_NONE), 1000, 20, WEIR_ETOOLONG);
    fails(loop, weir_count(root, 1, 3), 0, 20, WEIR_EINVAL);
    fails(loop, weir_count(root, 1, 3), 20, 0, WEIR_EINVAL);
    weir_loop_free(loop);
}

TEST(collect_of_a_failure_gives_nothing)
{
    weir_loop *loop = test_loop();
    fails(loop, numbers(weir_root(loop), (struct numbers_args){.count = 9, .fail_at = 4}), 10, 1000,
          WEIR_EPARSE);
    weir_item *items;
    size_t count;
    ck_assert_int_eq(weir_collect(count_to(weir_root(loop), 0), 1, 1, &items, &count, NULL), 0);
    ck_assert_ptr_null(items);
    weir_loop_free(loop);
}

TEST(concat_gives_one_generator_after_the_other)
{
    weir_loop *loop = test_loop();
    weir_scope *root = weir_root(loop);
    weir_gen *gens[] = {
        count_to(root, 2), count_to(root, 0),
        numbers(root, (struct numbers_args){.count = 3, .pause_ms = 10, .scope = root})};
    weir_gen *gen = weir_concat(root, gens, 3);
    static const long expected[] = {1, 2, 1, 2, 3};
    weir_item item;
    for (size_t i = 0; i < 5; i++) {
        ck_assert(weir_next(gen, &item));
        ck_assert_int_eq(*number_of(&item), expected[i]);
    }
    ck_assert(!weir_next(gen, &item));
    ck_assert_int_eq(weir_finish(gen, NULL), 0);
    ck_assert_uint_eq(ledger_of(root).delivered, 5);
    weir_loop_free(loop);
}

TEST(concat_ends_with_the_first_failure)
{
    weir_loop *loop = test_loop();
    weir_scope *root = weir_root(loop);
    weir_gen *gens[] = {count_to(root, 2),
                        numbers(root, (struct numbers_args){.count = 5, .fail_at = 2}),
                        count_to(root, 5)};
    weir_error error;
    ck_assert_int_eq(sum_of(weir_concat(root, gens, 3), &error), -1);
    ck_assert_int_eq(error.code, WEIR_EPARSE);
    ck_assert_uint_eq(ledger_of(root).in, 3);
    weir_loop_free(loop);
}

TEST(concat_of_nothing_ends)
{
    weir_loop *loop = test_loop();
    weir_gen *none[1] = {NULL};
    ck_assert_int_eq(sum_of(weir_concat(weir_root(loop), none, 0), NULL), 0);
    weir_loop_free(loop);
}

MAIN("stage/collect")
