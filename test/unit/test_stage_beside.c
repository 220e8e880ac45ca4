/*
 * until, assert, enumerate, seq, pairwise, accumulate: expressions that keep something over the items.
 */
#include <stdio.h>
#include <stdlib.h>

#include "support_texts.h"

/* What a text gives, and the code of its end. */
static int gave(const char *expected, const char *text, weir_error *error)
{
    int rc;
    weir_loop *loop = test_loop();
    char *shown = gives_of(weir_parse(weir_root(loop), NULL, text, NULL), &rc, error);
    ck_assert_str_eq(shown, expected);
    free(shown);
    weir_loop_free(loop);
    return rc;
}

static const weir_slice mixed[] = {TEXT("{\"n\":1}"), TEXT(" "), TEXT("{"), TEXT("{\"n\":\"x\"}"),
                                   TEXT("{\"n\":2}")};

static weir_gen *mixed_lines(weir_loop *loop)
{
    return texts(weir_root(loop), (struct texts){mixed, 5, NULL});
}

static void check(weir_loop *loop, weir_gen *gen, const char *expected)
{
    int rc;
    char *shown = gives_of(gen, &rc, NULL);
    ck_assert_str_eq(shown, expected);
    ck_assert_int_eq(rc, 0);
    free(shown);
    weir_loop_free(loop);
}

TEST(until_gives_the_item_that_ends_it)
{
    ck_assert_int_eq(gave("1|2|3|", "gen 1.. | until . >= 3", NULL), 0);
    ck_assert_int_eq(gave("1|2|", "gen 1.. | until . >= 3 without", NULL), 0);
    ck_assert_int_eq(gave("1|2|", "gen 1..2 | until . > 9", NULL), 0);
}

TEST(until_ends_its_upstream_before_it_gives_the_last_item)
{
    weir_item item;
    weir_loop *loop = test_loop();
    weir_gen *gen = weir_until(weir_count(weir_root(loop), 1, WEIR_NONE), ". == 2", false, NULL);
    ck_assert(weir_next(gen, &item));
    ck_assert(weir_next(gen, &item));
    weir_ledger ledger = ledger_of(weir_root(loop));
    ck_assert_uint_eq(ledger.in, 2);
    ck_assert(!weir_next(gen, &item));
    ck_assert_int_eq(weir_finish(gen, NULL), 0);
    ck_assert_uint_eq(ledger_of(weir_root(loop)).delivered, 2);
    weir_loop_free(loop);
}

TEST(until_passes_over_what_it_cannot_read)
{
    weir_loop *loop = test_loop();
    weir_gen *gen = weir_until(mixed_lines(loop), ".n == 2", false, NULL);
    int rc;
    char *shown = gives_of(gen, &rc, NULL);
    weir_ledger ledger = ledger_of(weir_root(loop));
    ck_assert_str_eq(shown, "{\"n\":1}|{\"n\":\"x\"}|{\"n\":2}|");
    ck_assert_uint_eq(ledger.rejected, 1);
    ck_assert_uint_eq(ledger.filtered, 1);
    free(shown);
    weir_loop_free(loop);
}

TEST(until_reads_the_values_of_a_program)
{
    weir_variable least = {.name = "least", .text = "2", .json = 1};
    weir_loop *loop = test_loop();
    check(loop,
          weir_until(weir_count(weir_root(loop), 1, 9), ". == $least", false,
                     WEIR_OPTIONS(weir_expr_options, .variables = &least, .variables_count = 1)),
          "1|2|");
}

TEST(until_with_a_wrong_expression_fails)
{
    weir_error error;
    weir_loop *loop = test_loop();
    weir_gen *gen = weir_until(weir_count(weir_root(loop), 1, 9), ". ==", false, NULL);
    ck_assert_int_eq(weir_finish(gen, &error), WEIR_EPARSE);
    weir_loop_free(loop);
}

TEST(assert_fails_at_the_first_item_for_which_it_is_not_true)
{
    weir_error error;
    ck_assert_int_eq(gave("1|2|", "gen 1.. | assert . < 3", &error), WEIR_EPARSE);
    ck_assert_str_eq(error.origin, "assert");
    ck_assert_str_eq(error.message, "item 3: not true: . < 3");
    ck_assert_int_eq(gave("1|2|4|", "gen 1..4 | assert . != 3 on-error=skip", &error), 0);
    ck_assert_int_eq(
        gave("1|", "gen 1..2 | {a: .} | assert .a | assert \"\\(.a)\" != \"2\" | .a", &error),
        WEIR_EPARSE);
    ck_assert_str_eq(error.message, "item 2: not true: \"\\(.a)\" != \"2\"");
}

TEST(assert_in_a_program_fails_too)
{
    int rc;
    weir_error error;
    weir_loop *loop = test_loop();
    char *shown =
        gives_of(weir_assert(weir_count(weir_root(loop), 1, 9), ". < 2", NULL), &rc, &error);
    ck_assert_str_eq(shown, "1|");
    ck_assert_int_eq(rc, WEIR_EPARSE);
    free(shown);
    weir_loop_free(loop);
}

TEST(enumerate_counts_what_it_gives)
{
    weir_loop *loop = test_loop();
    check(loop, weir_enumerate(mixed_lines(loop), 7),
          "[7,{\"n\":1}]|[8,{\"n\":\"x\"}]|[9,{\"n\":2}]|");
}

TEST(seq_sets_the_number_of_the_item)
{
    weir_loop *loop = test_loop();
    check(loop, weir_seq(mixed_lines(loop), NULL),
          "{\"n\":1,\"seq\":1}|{\"n\":\"x\",\"seq\":4}|{\"n\":2,\"seq\":5}|");
    loop = test_loop();
    check(loop, weir_seq(mixed_lines(loop), ".n"), "{\"n\":1}|{\"n\":4}|{\"n\":5}|");
}

TEST(pairwise_gives_each_value_with_the_one_before)
{
    weir_loop *loop = test_loop();
    check(loop, weir_pairwise(mixed_lines(loop)),
          "[{\"n\":1},{\"n\":\"x\"}]|[{\"n\":\"x\"},{\"n\":2}]|");
}

TEST(pairwise_of_one_value_gives_nothing)
{
    weir_loop *loop = test_loop();
    weir_scope *root = weir_root(loop);
    int rc;
    char *shown = gives_of(weir_pairwise(weir_count(root, 1, 1)), &rc, NULL);
    ck_assert_str_eq(shown, "");
    ck_assert_uint_eq(ledger_of(root).filtered, 1);
    free(shown);
    weir_loop_free(loop);
}

TEST(accumulate_gives_the_result_so_far)
{
    weir_loop *loop = test_loop();
    check(loop, weir_accumulate(weir_count(weir_root(loop), 1, 5), "$acc * .", "1", NULL),
          "1|2|6|24|120|");
    ck_assert_int_eq(gave("[1]|[1,2]|[1,2,3]|", "gen 1..3 | accumulate $acc + [.]", NULL), 0);
}

TEST(accumulate_keeps_the_result_where_there_is_no_output)
{
    ck_assert_int_eq(
        gave("1|4|9|", "gen 1..5 | accumulate if . % 2 == 1 then $acc + . else empty end", NULL),
        0);
}

TEST(accumulate_keeps_the_result_where_an_item_is_rejected)
{
    weir_loop *loop = test_loop();
    check(loop, weir_accumulate(mixed_lines(loop), "$acc + .n", "10", NULL), "11|13|");
}

TEST(accumulate_keeps_the_digits_of_large_numbers)
{
    ck_assert_int_eq(gave("10000000000000000001|10000000000000000003|",
                          "gen 1..2 | accumulate $acc + . initial=10000000000000000000", NULL),
                     0);
}

TEST(accumulate_with_a_wrong_initial_value_fails)
{
    weir_error error;
    weir_loop *loop = test_loop();
    weir_gen *gen = weir_accumulate(weir_count(weir_root(loop), 1, 5), ".", "{", NULL);
    ck_assert_int_eq(weir_finish(gen, &error), WEIR_EINVAL);
    weir_loop_free(loop);
}

TEST(a_result_that_grows_without_end_is_rejected_at_the_limit)
{
    if (wr_test_sweeps()) {
        return;
    }
    weir_loop *loop = weir_loop_new(WEIR_OPTIONS(weir_loop_options, .budget_bytes = 1024 * 1024));
    ck_assert_ptr_nonnull(loop);
    weir_gen *gen =
        weir_accumulate(weir_count(weir_root(loop), 1, 40), "$acc + $acc", "\"ab\"", NULL);
    weir_item item;
    size_t given = 0;
    while (weir_next(gen, &item)) {
        given++;
    }
    ck_assert_int_eq(weir_finish(gen, NULL), 0);
    ck_assert_uint_gt(given, 10);
    ck_assert_uint_eq(ledger_of(weir_root(loop)).rejected, 40 - given);
    weir_loop_free(loop);
}

MAIN("stage/beside")
