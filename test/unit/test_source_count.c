/*
 * Numbers as lines.
 */
#include "support_suites.h"

static void check_count(int64_t first, int64_t last, size_t max, const char *expected)
{
    weir_loop *loop = test_loop();
    weir_gen *gen = weir_count(weir_root(loop), first, last);
    weir_item item;
    char all[256] = "";
    for (size_t i = 0; i < max && weir_next(gen, &item); i++) {
        snprintf(all + strlen(all), sizeof all - strlen(all), "%.*s ", (int)item.len, item.data);
    }
    ck_assert_int_eq(weir_finish(gen, NULL), 0);
    ck_assert_str_eq(all, expected);
    weir_loop_free(loop);
}

TEST(counts_from_first_to_last)
{
    check_count(-2, 2, 100, "-2 -1 0 1 2 ");
}

TEST(one_number)
{
    check_count(7, 7, 100, "7 ");
}

TEST(first_beyond_last_is_empty)
{
    check_count(3, 2, 100, "");
}

TEST(without_last_it_goes_on)
{
    check_count(9, WEIR_NONE, 4, "9 10 11 12 ");
}

TEST(a_count_to_minus_one_is_a_head_of_an_endless_one)
{
    weir_loop *loop = test_loop();
    weir_gen *gen = weir_head(weir_count(weir_root(loop), -3, WEIR_NONE), 3);
    weir_item item;
    char all[32] = "";
    while (weir_next(gen, &item)) {
        snprintf(all + strlen(all), sizeof all - strlen(all), "%.*s ", (int)item.len, item.data);
    }
    ck_assert_int_eq(weir_finish(gen, NULL), 0);
    ck_assert_str_eq(all, "-3 -2 -1 ");
    weir_loop_free(loop);
}

TEST(the_greatest_number_is_the_end)
{
    check_count(INT64_MAX - 1, WEIR_NONE, 100, "9223372036854775806 9223372036854775807 ");
}

TEST(the_least_number_is_written)
{
    check_count(INT64_MIN, WEIR_NONE, 1, "-9223372036854775808 ");
}

TEST(gives_others_a_turn)
{
    weir_loop *loop = test_loop();
    weir_scope *scope =
        weir_scope_new(weir_root(loop), WEIR_OPTIONS(weir_scope_options, .name = "all"));
    weir_gen *gen = weir_count(scope, 1, WEIR_NONE);
    weir_item items[64];
    size_t n, count = 0;
    uint64_t turns = loop->turns;

    while (count < 100000 && (n = weir_next_many(gen, items, 64)) > 0) {
        count += n;
    }

    ck_assert_uint_gt(loop->turns, turns + 4);
    weir_discard(gen);
    ck_assert_int_eq(weir_scope_wait(scope, NULL), 0);
    weir_loop_free(loop);
}

MAIN("source/count")
