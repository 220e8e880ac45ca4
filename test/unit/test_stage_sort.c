/*
 * sort: orders, limits, and what becomes of the items; the order of keys itself against memcmp.
 */
#include <stdio.h>
#include <stdlib.h>

#include "stage_order.h"
#include "support_texts.h"

static int no_turn(void *ctx)
{
    (void)ctx;
    return 0;
}

static int compare(const struct wr_order_key *a, const struct wr_order_key *b)
{
    size_t len = a->len < b->len ? a->len : b->len;
    int order = len > 0 ? memcmp(a->bytes, b->bytes, len) : 0;
    return order != 0 ? order : (a->len > b->len) - (a->len < b->len);
}

/* Keys of few letters and NULs, with long common parts, so that all cases come. */
TEST(order_is_that_of_memcmp_and_stable)
{
    if (wr_test_sweeps()) {
        return;
    }
    enum { COUNT = 600, LONG = 40 };
    static char bytes[COUNT][LONG];
    static struct wr_order_key keys[COUNT];
    static struct wr_order_pair pairs[COUNT], spare[COUNT];
    unsigned seed = 7;
    for (int round = 0; round < 40; round++) {
        size_t count = round < 30 ? COUNT : (size_t)round - 29;
        for (size_t i = 0; i < count; i++) {
            keys[i] = (struct wr_order_key){bytes[i], 0};
            seed = seed * 1103515245u + 12345u;
            keys[i].len = (seed >> 16) % (round % 3 == 0 ? 4 : LONG);
            for (size_t at = 0; at < keys[i].len; at++) {
                seed = seed * 1103515245u + 12345u;
                bytes[i][at] = at < (size_t)round ? 'c' : "\0ab\xff"[(seed >> 16) % 4];
            }
        }
        for (int desc = 0; desc < 2; desc++) {
            ck_assert_int_eq(wr_order(keys, pairs, spare, count, desc != 0, no_turn, NULL), 0);
            for (size_t i = 1; i < count; i++) {
                const struct wr_order_key *a = &keys[pairs[i - 1].index],
                                          *b = &keys[pairs[i].index];
                int order = desc != 0 ? -compare(a, b) : compare(a, b);
                ck_assert(order < 0 || (order == 0 && pairs[i - 1].index < pairs[i].index));
            }
        }
    }
}

static void check_text(const char *expected, const char *text)
{
    int rc;
    weir_error error;
    weir_loop *loop = test_loop();
    char *shown = gives_of(weir_parse(weir_root(loop), NULL, text, NULL), &rc, &error);
    ck_assert_msg(rc == 0, "%s: %s", text, error.message);
    ck_assert_str_eq(shown, expected);
    free(shown);
    weir_loop_free(loop);
}

TEST(sort_gives_texts_byte_by_byte)
{
    check_text("10|11|8|9|", "gen 8..11 | sort max=9");
    check_text("9|8|11|10|", "gen 8..11 | sort max=9 desc");
    check_text("", "gen 8..11 | where false | sort max=9");
}

TEST(sort_numeric_reads_the_number_that_a_text_begins_with)
{
    static const weir_slice lines[] = {TEXT("10 b"), TEXT("x"),    TEXT(" 9.5"),
                                       TEXT("-3"),   TEXT("10 a"), TEXT("")};
    int rc;
    weir_loop *loop = test_loop();
    weir_gen *gen = texts(weir_root(loop), (struct texts){lines, 6, NULL});
    char *shown = gives_of(
        weir_sort(gen, WEIR_OPTIONS(weir_sort_options, .items_max = 9, .numeric = 1)), &rc, NULL);
    ck_assert_str_eq(shown, "-3|x|| 9.5|10 b|10 a|");
    free(shown);
    weir_loop_free(loop);
}

static const weir_slice values[] = {
    TEXT("{\"k\":\"b\"}"),
    TEXT("{\"k\":10}"),
    TEXT("{\"k\":[1]}"),
    TEXT("{\"k\":-1.5}"),
    TEXT("{\"k\":true}"),
    TEXT("{"),
    TEXT("{}"),
    TEXT("{\"k\":\"\"}"),
    TEXT("{\"k\":9007199254740993}"),
    TEXT("{\"k\":9007199254740992}"),
    TEXT("{\"k\":\"a\\u0000b\"}"),
    TEXT("{\"k\":\"a\"}"),
    TEXT("{\"k\":false}"),
};
enum { VALUES = sizeof values / sizeof *values };

TEST(sort_by_compares_values_as_jq_does)
{
    int rc;
    weir_loop *loop = test_loop();
    weir_gen *gen = texts(weir_root(loop), (struct texts){values, VALUES, NULL});
    char *shown = gives_of(
        weir_sort(gen, WEIR_OPTIONS(weir_sort_options, .items_max = 99, .by = ".k")), &rc, NULL);
    ck_assert_str_eq(shown,
                     "{}|{\"k\":false}|{\"k\":true}|{\"k\":-1.5}|{\"k\":10}|"
                     "{\"k\":9007199254740992}|{\"k\":9007199254740993}|{\"k\":\"\"}|{\"k\":\"a\"}|"
                     "{\"k\":\"a\\u0000b\"}|{\"k\":\"b\"}|{\"k\":[1]}|");
    ck_assert_int_eq(rc, 0);
    weir_ledger ledger = ledger_of(weir_root(loop));
    ck_assert_uint_eq(ledger.rejected, 1);
    ck_assert_uint_eq(ledger.delivered, VALUES - 1);
    free(shown);
    weir_loop_free(loop);
}

TEST(sort_by_several_fields_and_numbers_in_strings)
{
    check_text("3|1|4|2|", "gen 1..4 | {n: ., k: (. % 2)} | sort max=9 by .k, .n desc | .n");
    check_text("\"9\"|10|\"11\"|", "gen 9..11 | if . == 10 then . else tostring end | "
                                   "sort max=9 by . numeric");
}

TEST(sort_of_more_than_its_limit_fails)
{
    weir_loop *loop = test_loop();
    weir_error error;
    weir_item item;
    weir_gen *gen = weir_sort(weir_count(weir_root(loop), 1, 4),
                              WEIR_OPTIONS(weir_sort_options, .items_max = 3));
    ck_assert(!weir_next(gen, &item));
    ck_assert_int_eq(weir_finish(gen, &error), WEIR_ETOOLONG);
    ck_assert_str_eq(error.origin, "sort");
    gen = weir_sort(weir_count(weir_root(loop), 1, 4), WEIR_OPTIONS(weir_sort_options, .desc = 1));
    ck_assert_int_eq(weir_finish(gen, &error), WEIR_EINVAL);
    weir_loop_free(loop);
}

TEST(sort_of_more_than_the_budget_fails)
{
    if (wr_test_sweeps()) {
        return;
    }
    weir_loop *loop = weir_loop_new(WEIR_OPTIONS(weir_loop_options, .budget_bytes = 1024 * 1024));
    ck_assert_ptr_nonnull(loop);
    weir_item item;
    weir_gen *gen = weir_sort(weir_count(weir_root(loop), 1, 100000),
                              WEIR_OPTIONS(weir_sort_options, .items_max = 100000));
    ck_assert(!weir_next(gen, &item));
    ck_assert_int_eq(weir_finish(gen, NULL), WEIR_EBUDGET);
    weir_loop_free(loop);
}

TEST(sort_gives_nothing_when_its_upstream_fails)
{
    weir_loop *loop = test_loop();
    weir_scope *root = weir_root(loop);
    weir_item item;
    weir_gen *gen = weir_sort(numbers(root, (struct numbers_args){.count = 5, .fail_at = 3}),
                              WEIR_OPTIONS(weir_sort_options, .items_max = 9));
    ck_assert(!weir_next(gen, &item));
    int rc = weir_finish(gen, NULL);
    ck_assert(rc == WEIR_EPARSE || rc == WEIR_EINVAL); /* a long has no text */
    weir_loop_free(loop);
}

TEST(sort_that_is_left_early_settles_what_it_gave)
{
    weir_loop *loop = test_loop();
    weir_scope *root = weir_root(loop);
    weir_gen *gen =
        weir_sort(weir_count(root, 1, 9), WEIR_OPTIONS(weir_sort_options, .items_max = 9));
    ck_assert_int_eq(weir_pump(weir_head(gen, 4), weir_null_sink(root), NULL), 0);
    weir_ledger ledger = ledger_of(root);
    ck_assert_uint_eq(ledger.delivered, 4);
    ck_assert_uint_eq(ledger.in_flight, 5);
    weir_loop_free(loop);
}

TEST(sort_of_many_items_gives_all_of_them)
{
    if (wr_test_sweeps()) {
        return;
    }
    enum { COUNT = 5000 };
    weir_loop *loop = test_loop();
    weir_item items[64];
    char last[16] = "";
    size_t n, all = 0;
    weir_gen *gen = weir_sort(weir_count(weir_root(loop), 1, COUNT),
                              WEIR_OPTIONS(weir_sort_options, .items_max = COUNT));
    while ((n = weir_next_many(gen, items, 64)) > 0) {
        for (size_t i = 0; i < n; i++, all++) {
            char text[16] = "";
            memcpy(text, items[i].data, items[i].len);
            ck_assert(strcmp(last, text) < 0);
            memcpy(last, text, sizeof last);
        }
    }
    ck_assert_int_eq(weir_finish(gen, NULL), 0);
    ck_assert_uint_eq(all, COUNT);
    ck_assert_uint_eq(ledger_of(weir_root(loop)).delivered, COUNT);
    weir_loop_free(loop);
}

MAIN("stage/sort")
