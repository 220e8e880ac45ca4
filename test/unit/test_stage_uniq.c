/*
 * uniq: what counts as the same, how far back it looks, and how much it remembers.
 */
#include <stdio.h>
#include <stdlib.h>

#include "support_texts.h"

static const weir_slice words[] = {TEXT("a"), TEXT("a"), TEXT("b"), TEXT("a"),
                                   TEXT("c"), TEXT("b"), TEXT("b"), TEXT("")};
enum { WORDS = sizeof words / sizeof *words };

static void check(const weir_uniq_options *options, const char *expected)
{
    int rc;
    weir_loop *loop = test_loop();
    weir_gen *gen = texts(weir_root(loop), (struct texts){words, WORDS, NULL});
    char *shown = gives_of(weir_uniq(gen, options), &rc, NULL);
    ck_assert_str_eq(shown, expected);
    ck_assert_int_eq(rc, 0);
    weir_ledger ledger = ledger_of(weir_root(loop));
    ck_assert_uint_eq(ledger.in, ledger.delivered + ledger.filtered);
    free(shown);
    weir_loop_free(loop);
}

TEST(uniq_compares_with_the_item_before)
{
    check(NULL, "a|b|a|c|b||");
}

TEST(uniq_within_compares_with_the_last_different_ones)
{
    check(WEIR_OPTIONS(weir_uniq_options, .keys_max = 2), "a|b|c||");
    check(WEIR_OPTIONS(weir_uniq_options, .keys_max = WEIR_NONE), "a|b|c||");
}

TEST(uniq_of_values_of_a_program_compares_their_texts)
{
    weir_loop *loop = test_loop();
    weir_error error;
    weir_item item;
    weir_gen *gen = weir_uniq(count_to(weir_root(loop), 3), NULL);
    while (weir_next(gen, &item)) {}
    ck_assert_int_eq(weir_finish(gen, &error), WEIR_EINVAL); /* a long has no text */
    weir_loop_free(loop);
}

struct ticks {
    weir_scope *scope;
};
WEIR_SOURCE(same_each_second, struct ticks)
{
    for (int i = 0; i < 10; i++) {
        weir_item item = weir_bytes("x", 1);
        if (!weir_yield(self, &item) || !weir_sleep(args->scope, 1000)) {
            break;
        }
    }
    return 0;
}

TEST(uniq_within_a_time_passes_one_in_that_time)
{
    weir_loop *loop = test_loop();
    int rc;
    weir_gen *gen = weir_uniq(same_each_second(weir_root(loop), (struct ticks){weir_root(loop)}),
                              WEIR_OPTIONS(weir_uniq_options, .within_ms = 4000));
    char *shown = gives_of(gen, &rc, NULL);
    ck_assert_str_eq(shown, "x|x|x|"); /* at 0, 4 and 8 seconds */
    free(shown);
    weir_loop_free(loop);
}

TEST(uniq_by_compares_what_an_expression_makes)
{
    static const weir_slice values[] = {TEXT("{\"k\":1,\"n\":1}"), TEXT("{\"n\":2,\"k\":1}"),
                                        TEXT("{\"n\":3}"),         TEXT("{"),
                                        TEXT("{\"n\":4}"),         TEXT("{\"k\":\"1\"}")};
    int rc;
    weir_loop *loop = test_loop();
    weir_gen *gen = texts(weir_root(loop), (struct texts){values, 6, NULL});
    char *shown = gives_of(weir_uniq(gen, WEIR_OPTIONS(weir_uniq_options, .by = ".k")), &rc, NULL);
    ck_assert_str_eq(shown, "{\"k\":1,\"n\":1}|{\"n\":3}|{\"k\":\"1\"}|");
    ck_assert_uint_eq(ledger_of(weir_root(loop)).rejected, 1);
    free(shown);
    weir_loop_free(loop);
}

static size_t logged;
static void on_log(void *ctx, int level, const char *origin, const char *text)
{
    (void)ctx;
    (void)level;
    logged += strcmp(origin, "uniq") == 0 && strstr(text, "forgotten early") != NULL;
}

TEST(keys_that_need_more_than_the_limit_are_forgotten_and_that_is_logged_once)
{
    if (wr_test_sweeps()) {
        return;
    }
    enum { COUNT = 20000 };
    weir_stats stats = {.struct_size = sizeof stats};
    weir_loop *loop = weir_loop_new(
        WEIR_OPTIONS(weir_loop_options, .budget_bytes = 4 * 1024 * 1024, .log = on_log));
    ck_assert_ptr_nonnull(loop);
    weir_item item;
    size_t n = 0;
    weir_gen *gen =
        weir_uniq(weir_count(weir_root(loop), 1, COUNT),
                  WEIR_OPTIONS(weir_uniq_options, .keys_max = WEIR_NONE, .bytes_max = 100 * 1024));
    logged = 0;
    while (weir_next(gen, &item)) {
        n++;
    }
    ck_assert_int_eq(weir_finish(gen, NULL), 0);
    weir_loop_stats(loop, &stats);
    ck_assert_uint_eq(n, COUNT);
    ck_assert_uint_eq(logged, 1);
    ck_assert_int_le(stats.budget_peak_bytes, 400 * 1024);
    weir_loop_free(loop);
}

TEST(many_keys_are_all_remembered)
{
    if (wr_test_sweeps()) {
        return;
    }
    enum { COUNT = 5000 };
    weir_loop *loop = test_loop();
    weir_scope *root = weir_root(loop);
    weir_gen *twice[] = {weir_count(root, 1, COUNT), weir_count(root, 1, COUNT)};
    weir_item item;
    size_t n = 0;
    weir_gen *gen = weir_uniq(weir_merge(root, twice, 2),
                              WEIR_OPTIONS(weir_uniq_options, .keys_max = WEIR_NONE));
    while (weir_next(gen, &item)) {
        n++;
    }
    ck_assert_int_eq(weir_finish(gen, NULL), 0);
    ck_assert_uint_eq(n, COUNT);
    weir_loop_free(loop);
}

TEST(uniq_with_wrong_options_fails)
{
    weir_loop *loop = test_loop();
    weir_error error;
    weir_gen *gen = weir_uniq(weir_count(weir_root(loop), 1, 3),
                              WEIR_OPTIONS(weir_uniq_options, .keys_max = -7));
    ck_assert_int_eq(weir_finish(gen, &error), WEIR_EINVAL);
    gen = weir_uniq(weir_count(weir_root(loop), 1, 3), WEIR_OPTIONS(weir_uniq_options, .by = ".["));
    ck_assert_int_eq(weir_finish(gen, &error), WEIR_EPARSE);
    weir_loop_free(loop);
}

MAIN("stage/uniq")
