/*
 * last, unbatch, rechunk: what is kept, how pieces are cut, and what becomes of the items.
 */
#include <stdio.h>
#include <stdlib.h>

#include "support_texts.h"

static void check(weir_loop *loop, weir_gen *gen, const char *expected, int code)
{
    int rc;
    char *shown = gives_of(gen, &rc, NULL);
    ck_assert_str_eq(shown, expected);
    ck_assert_int_eq(rc, code);
    free(shown);
    (void)loop;
}

TEST(last_gives_the_last_items_and_filters_the_others)
{
    weir_loop *loop = test_loop();
    weir_scope *root = weir_root(loop);
    check(loop, weir_last(weir_count(root, 1, 1000), 3), "998|999|1000|", 0);
    weir_ledger ledger = ledger_of(root);
    ck_assert_uint_eq(ledger.filtered, 997);
    ck_assert_uint_eq(ledger.delivered, 3);
    check(loop, weir_last(weir_count(root, 1, 2), 3), "1|2|", 0);
    check(loop, weir_last(weir_count(root, 1, 2), 0), "", 0);
    weir_loop_free(loop);
}

TEST(last_gives_the_last_items_before_a_failure)
{
    weir_loop *loop = test_loop();
    weir_scope *root = weir_root(loop);
    weir_gen *gen = weir_last(numbers(root, (struct numbers_args){.count = 9, .fail_at = 6}), 2);
    weir_item item;
    ck_assert(weir_next(gen, &item));
    ck_assert_int_eq(*number_of(&item), 4);
    ck_assert(weir_next(gen, &item));
    ck_assert_int_eq(*number_of(&item), 5);
    ck_assert(!weir_next(gen, &item));
    ck_assert_int_eq(weir_finish(gen, NULL), WEIR_EPARSE);
    weir_loop_free(loop);
}

TEST(last_of_many_keeps_them_in_order)
{
    if (wr_test_sweeps()) {
        return;
    }
    weir_loop *loop = test_loop();
    weir_item items[100];
    long next = 2001;
    size_t n;
    weir_gen *gen = weir_last(weir_count(weir_root(loop), 1, 5000), 3000);
    while ((n = weir_next_many(gen, items, 100)) > 0) {
        for (size_t i = 0; i < n; i++) {
            ck_assert_int_eq(strtol(items[i].data, NULL, 10), next++);
        }
    }
    ck_assert_int_eq(weir_finish(gen, NULL), 0);
    ck_assert_int_eq(next, 5001);
    weir_loop_free(loop);
}

struct big_args {
    size_t count, len;
    weir_scope *scope;
};
WEIR_SOURCE(big_items, struct big_args)
{
    for (size_t i = 0; i < args->count; i++) {
        weir_block *block = weir_block_new(args->scope, args->len, NULL);
        if (block == NULL) {
            return weir_fail(self, WEIR_EBUDGET, "no block");
        }
        memset(weir_block_bytes(block), 'x', args->len);
        weir_item item = weir_bytes(weir_block_bytes(block), 10); /* a small part of its block */
        item.block = block;
        bool more = weir_yield(self, &item);
        weir_block_unref(block);
        if (!more) {
            break;
        }
    }
    return 0;
}

TEST(last_copies_small_items_out_of_large_blocks)
{
    weir_loop *loop = weir_loop_new(WEIR_OPTIONS(weir_loop_options, .budget_bytes = 1024 * 1024));
    ck_assert_ptr_nonnull(loop);
    weir_item item;
    size_t n = 0;
    weir_gen *gen = weir_last(
        big_items(weir_root(loop), (struct big_args){200, 64 * 1024, weir_root(loop)}), 100);
    while (weir_next(gen, &item)) {
        n++;
    }
    ck_assert_int_eq(weir_finish(gen, NULL), 0);
    ck_assert_uint_eq(n, 100);
    weir_loop_free(loop);
}

TEST(last_that_does_not_fit_into_the_budget_fails)
{
    if (wr_test_sweeps()) {
        return;
    }
    weir_loop *loop = weir_loop_new(WEIR_OPTIONS(weir_loop_options, .budget_bytes = 1024 * 1024));
    ck_assert_ptr_nonnull(loop);
    weir_error error;
    weir_gen *gen = weir_last(weir_count(weir_root(loop), 1, 1000000), 1000000);
    weir_item item;
    ck_assert(!weir_next(gen, &item));
    ck_assert_int_eq(weir_finish(gen, &error), WEIR_EBUDGET);
    ck_assert_str_eq(error.origin, "last");
    weir_loop_free(loop);
}

/* ---- unbatch */

TEST(unbatch_gives_the_items_in_batches)
{
    weir_loop *loop = test_loop();
    weir_scope *root = weir_root(loop);
    weir_gen *gen =
        weir_batch(weir_count(root, 1, 5), WEIR_OPTIONS(weir_batch_options, .items_max = 2));
    check(loop, weir_unbatch(gen), "1|2|3|4|5|", 0);
    check(loop, weir_unbatch(weir_count(root, 1, 2)), "1|2|", 0);
    ck_assert_uint_eq(ledger_of(root).delivered, 7);
    weir_loop_free(loop);
}

TEST(items_out_of_a_batch_settle_one_by_one)
{
    weir_loop *loop = test_loop();
    weir_scope *root = weir_root(loop);
    weir_gen *gen =
        weir_batch(weir_count(root, 1, 20), WEIR_OPTIONS(weir_batch_options, .items_max = 6));
    gen = weir_grep(weir_unbatch(gen), "1");
    ck_assert_int_eq(weir_pump(gen, weir_null_sink(root), NULL), 0);
    weir_ledger ledger = ledger_of(root);
    ck_assert_uint_eq(ledger.delivered, 11);
    ck_assert_uint_eq(ledger.filtered, 9);
    ck_assert_uint_eq(ledger.in_flight, 0);
    weir_loop_free(loop);
}

/* ---- rechunk */

static const weir_slice lines[] = {TEXT("ab"), TEXT(""), TEXT("cdefghijk"), TEXT("l")};

TEST(rechunk_cuts_lines_with_their_ends)
{
    static const char *const expected[] = {
        "a|b|\n|\n|c|d|e|f|g|h|i|j|k|\n|l|\n|", "ab|\n\n|cd|ef|gh|ij|k\n|l\n|",
        "ab\n|\ncd|efg|hij|k\nl|\n|", "ab\n\n|cdef|ghij|k\nl\n|"};
    for (int64_t size = 1; size <= 4; size++) {
        weir_loop *loop = test_loop();
        weir_gen *gen = texts(weir_root(loop), (struct texts){lines, 4, NULL});
        check(loop, weir_rechunk(gen, size), expected[size - 1], 0);
        ck_assert_uint_eq(ledger_of(weir_root(loop)).delivered, 4);
        weir_loop_free(loop);
    }
}

TEST(rechunk_of_one_large_item_copies_nothing)
{
    weir_loop *loop = test_loop();
    static char large[100000];
    weir_item items[32];
    size_t n, at = 0;
    weir_slice one = {large, sizeof large};
    weir_gen *gen =
        weir_rechunk(texts(weir_root(loop), (struct texts){&one, 1, &weir_json_type}), 1000);
    while ((n = weir_next_many(gen, items, 32)) > 0) {
        for (size_t i = 0; i < n; i++) {
            ck_assert(at == sizeof large || items[i].data == large + at);
            ck_assert_uint_eq(items[i].len, at == sizeof large ? 1 : 1000); /* its line end */
            at += items[i].len;
        }
    }
    ck_assert_uint_eq(at, sizeof large + 1);
    ck_assert_int_eq(weir_finish(gen, NULL), 0);
    weir_loop_free(loop);
}

TEST(an_item_settles_with_its_last_piece)
{
    weir_loop *loop = test_loop();
    weir_scope *root = weir_root(loop);
    weir_item item, kept;
    weir_gen *gen = weir_rechunk(texts(root, (struct texts){lines, 4, NULL}), 4);
    ck_assert(weir_next(gen, &item)); /* ab, and the empty line */
    ck_assert(weir_next(gen, &item)); /* cdef */
    ck_assert_int_eq(weir_item_keep(&kept, &item), 0);
    while (weir_next(gen, &item)) {}
    ck_assert_int_eq(weir_finish(gen, NULL), 0);
    ck_assert_uint_eq(ledger_of(root).in_flight, 1);
    weir_item_release(&kept);
    ck_assert_uint_eq(ledger_of(root).delivered, 4);
    weir_loop_free(loop);
}

TEST(rechunk_refuses_a_size_that_is_none)
{
    weir_loop *loop = test_loop();
    weir_gen *gen = weir_rechunk(weir_count(weir_root(loop), 1, 3), 0);
    ck_assert_int_eq(weir_finish(gen, NULL), WEIR_EINVAL);
    weir_loop_free(loop);
}

MAIN("stage/last")
