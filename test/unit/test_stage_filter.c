/*
 * map, filter, grep, skip and head: what passes, what is asked for, how they end; merge: several
 * upstreams at once.
 */
#include <stdio.h>

#include "support_flow.h"

static bool below(const weir_item *item, const void *args)
{
    return *number_of(item) < *(const long *)args;
}

TEST(filter_passes_what_its_function_keeps)
{
    weir_loop *loop = test_loop();
    long limit = 4;
    weir_error error;
    weir_gen *gen = weir_filter(count_to(weir_root(loop), 9), "below", below, &limit, sizeof limit);
    limit = 0; /* the stage has its own copy */
    ck_assert_int_eq(sum_of(gen, &error), 6);
    ck_assert_uint_eq(ledger_of(weir_root(loop)).filtered, 6);
    weir_loop_free(loop);
}

static int squares(const weir_item *in, weir_item *out, void *args)
{
    long *value = args;
    *value = *number_of(in) * *number_of(in);
    *out = number_item(value);
    return *value == 49 ? WEIR_EUSER - 5 : 0;
}

TEST(map_gives_one_item_for_each)
{
    weir_loop *loop = test_loop();
    long own = 0;
    weir_error error;
    weir_gen *gen = weir_map(count_to(weir_root(loop), 5), "squares", squares, &own, sizeof own);
    ck_assert_int_eq(sum_of(gen, &error), 55);
    ck_assert_uint_eq(ledger_of(weir_root(loop)).delivered, 5);
    weir_loop_free(loop);
}

TEST(map_through_a_queue_copies_what_its_function_made)
{
    weir_loop *loop = test_loop();
    long own = 0;
    weir_error error;
    weir_gen *gen = weir_buffer(count_to(weir_root(loop), 5), NULL);
    gen = weir_buffer(weir_map(gen, "squares", squares, &own, sizeof own), NULL);
    ck_assert_int_eq(sum_of(gen, &error), 55);
    weir_loop_free(loop);
}

TEST(map_fails_with_its_functions_code)
{
    weir_loop *loop = test_loop();
    long own = 0;
    weir_error error;
    weir_gen *gen = weir_map(count_to(weir_root(loop), 9), "squares", squares, &own, sizeof own);
    ck_assert_int_eq(sum_of(gen, &error), -1);
    ck_assert_int_eq(error.code, WEIR_EUSER - 5);
    ck_assert_str_eq(error.origin, "squares");
    weir_loop_free(loop);
}

static weir_gen *decimal(weir_scope *scope, int64_t last)
{
    return weir_count(scope, 1, last);
}

static long items_of(weir_gen *gen)
{
    weir_item items[16];
    long n = 0;
    for (size_t got; (got = weir_next_many(gen, items, 16)) > 0;) {
        n += (long)got;
    }
    return weir_finish(gen, NULL) < 0 ? -1 : n;
}

TEST(grep_passes_items_that_hold_the_text)
{
    weir_loop *loop = test_loop();
    weir_scope *root = weir_root(loop);
    ck_assert_int_eq(items_of(weir_grep(decimal(root, 100), "7")), 19);
    ck_assert_uint_eq(ledger_of(root).delivered, 19);
    ck_assert_uint_eq(ledger_of(root).filtered, 81);
    weir_loop_free(loop);
}

TEST(grep_without_passes_items_that_do_not_hold_the_text)
{
    weir_loop *loop = test_loop();
    weir_scope *root = weir_root(loop);
    ck_assert_int_eq(items_of(weir_grep_without(decimal(root, 100), "7")), 81);
    ck_assert_uint_eq(ledger_of(root).filtered, 19);
    ck_assert_int_eq(items_of(weir_grep_without(decimal(root, 100), "")), 0);
    weir_loop_free(loop);
}

TEST(grep_of_nothing_passes_everything)
{
    weir_loop *loop = test_loop();
    ck_assert_int_eq(items_of(weir_grep(decimal(weir_root(loop), 100), "")), 100);
    weir_loop_free(loop);
}

TEST(skip_leaves_out_the_first)
{
    weir_loop *loop = test_loop();
    weir_error error;
    ck_assert_int_eq(sum_of(weir_skip(count_to(weir_root(loop), 5), 3), &error), 9);
    ck_assert_int_eq(items_of(weir_skip(decimal(weir_root(loop), 100), 30)), 70);
    ck_assert_int_eq(items_of(weir_skip(decimal(weir_root(loop), 10), 30)), 0);
    ck_assert_uint_eq(ledger_of(weir_root(loop)).filtered, 3 + 30 + 10);
    weir_loop_free(loop);
}

struct marks {
    int *started, *ended;
};
WEIR_SOURCE(marked, struct marks)
{
    long i = 0;
    *args->started += 1;
    do {
        i++;
        weir_item item = number_item(&i);
        if (!weir_yield(self, &item)) {
            break;
        }
    } while (i < 100);
    *args->ended += 1;
    return 0;
}

TEST(head_of_nothing_never_starts_its_upstream)
{
    weir_loop *loop = test_loop();
    int started = 0, ended = 0;
    weir_item item;
    weir_gen *gen = weir_head(marked(weir_root(loop), (struct marks){&started, &ended}), 0);
    ck_assert(!weir_next(gen, &item));
    ck_assert_int_eq(weir_finish(gen, NULL), 0);
    ck_assert_int_eq(started, 0);
    weir_loop_free(loop);
}

TEST(head_ends_its_upstream_before_it_gives_the_last)
{
    weir_loop *loop = test_loop();
    int started = 0, ended = 0;
    weir_item item;
    weir_gen *gen = weir_head(marked(weir_root(loop), (struct marks){&started, &ended}), 2);
    ck_assert(weir_next(gen, &item));
    ck_assert_int_eq(ended, 0);
    ck_assert(weir_next(gen, &item));
    ck_assert_int_eq(ended, 1);
    ck_assert_int_eq(*number_of(&item), 2);
    ck_assert(!weir_next(gen, &item));
    ck_assert_int_eq(weir_finish(gen, NULL), 0);
    ck_assert_uint_eq(ledger_of(weir_root(loop)).delivered, 2);
    weir_loop_free(loop);
}

TEST(head_of_more_than_there_is_ends_with_its_upstream)
{
    weir_loop *loop = test_loop();
    weir_error error;
    ck_assert_int_eq(sum_of(weir_head(count_to(weir_root(loop), 3), 10), &error), 6);
    weir_loop_free(loop);
}

/* ---- merge */

/* Two lines of three pieces each. */
WEIR_SOURCE(in_pieces, int)
{
    static const char *const texts[] = {"a", "b", "c", "d", "e", "f"};
    for (size_t i = 0; i < 6; i++) {
        weir_item item = weir_bytes(texts[i], 1);
        item.flags = i % 3 < 2 ? (uint32_t)WEIR_ITEM_PART : 0;
        if (!weir_yield(self, &item)) {
            break;
        }
    }
    return 0;
}

static void reads_as(weir_gen *gen, const char *expected)
{
    char text[16] = "";
    weir_item item;
    while (weir_next(gen, &item)) {
        strncat(text, item.data, item.len);
    }
    ck_assert_int_eq(weir_finish(gen, NULL), 0);
    ck_assert_str_eq(text, expected);
}

TEST(head_and_skip_count_an_item_in_pieces_once)
{
    weir_loop *loop = test_loop();
    reads_as(weir_head(in_pieces(weir_root(loop), 0), 1), "abc");
    reads_as(weir_skip(in_pieces(weir_root(loop), 0), 1), "def");
    weir_loop_free(loop);
}

TEST(merge_keeps_the_order_of_each_input)
{
    weir_loop *loop = test_loop();
    weir_scope *root = weir_root(loop);
    weir_gen *gens[3];
    long last[8] = {0}, n = 0;
    for (int i = 0; i < 3; i++) {
        gens[i] = numbers(root, (struct numbers_args){50, 0, 10 * (i + 1), root});
    }
    weir_gen *gen = weir_merge(root, gens, 3);
    weir_item item;
    while (weir_next(gen, &item)) {
        ck_assert_uint_lt(item.origin, 8);
        ck_assert_int_eq(*number_of(&item), last[item.origin] + 1);
        last[item.origin]++;
        n++;
    }
    ck_assert_int_eq(n, 150);
    ck_assert_int_eq(weir_finish(gen, NULL), 0);
    ck_assert_uint_eq(ledger_of(root).delivered, 150);
    weir_loop_free(loop);
}

TEST(merge_ends_with_the_first_failure)
{
    weir_loop *loop = test_loop();
    weir_scope *root = weir_root(loop);
    weir_gen *gens[2] = {numbers(root, (struct numbers_args){-1, 0, 10, root}),
                         numbers(root, (struct numbers_args){9, 3, 25, root})};
    weir_gen *gen = weir_merge(root, gens, 2);
    weir_item item;
    weir_error error;
    while (weir_next(gen, &item)) {}
    ck_assert_int_eq(weir_finish(gen, &error), WEIR_EPARSE);
    ck_assert_str_eq(error.message, "number 3");
    weir_loop_free(loop);
}

TEST(merge_of_nothing_ends)
{
    weir_loop *loop = test_loop();
    weir_gen *none[1] = {NULL};
    weir_item item;
    weir_gen *gen = weir_merge(weir_root(loop), none, 0);
    ck_assert(!weir_next(gen, &item));
    ck_assert_int_eq(weir_finish(gen, NULL), 0);
    weir_loop_free(loop);
}

TEST(merge_of_a_hundred_idle_inputs_gives_what_one_has)
{
    weir_loop *loop = test_loop();
    weir_scope *root = weir_root(loop);
    weir_gen *gens[101];
    for (int i = 0; i < 100; i++) {
        gens[i] = numbers(root, (struct numbers_args){1, 0, 1000000, root});
    }
    gens[100] = count_to(root, 20);
    weir_gen *gen = weir_merge(root, gens, 101);
    weir_item item;
    for (long i = 1; i <= 20; i++) {
        ck_assert(weir_next(gen, &item));
        ck_assert_int_eq(*number_of(&item), i);
    }
    ck_assert_int_eq(weir_finish(gen, NULL), 0); /* with a hundred pulls in flight */
    weir_loop_free(loop);
}

TEST(merge_gives_several_items_a_call_in_the_readers_portions)
{
    weir_loop *loop = test_loop();
    weir_scope *root = weir_root(loop);
    weir_gen *gens[2] = {weir_buffer(count_to(root, 40), NULL),
                         weir_buffer(count_to(root, 40), NULL)};
    weir_gen *gen = weir_merge(root, gens, 2);
    weir_item items[5];
    long sum = 0;
    for (size_t n; (n = weir_next_many(gen, items, 5)) > 0;) {
        ck_assert_uint_le(n, 5);
        for (size_t i = 0; i < n; i++) {
            sum += *number_of(&items[i]);
        }
    }
    ck_assert_int_eq(sum, 2 * 820);
    ck_assert_int_eq(weir_finish(gen, NULL), 0);
    ck_assert_uint_eq(ledger_of(root).delivered, 80);
    weir_loop_free(loop);
}

MAIN("stage/filter")
