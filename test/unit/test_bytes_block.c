/*
 * Blocks and the budget: charging, recycling, references; and what a queue does when the budget is
 * used up.
 */
#include "support_flow.h"

TEST(block_lives_until_its_last_reference_goes)
{
    weir_loop *loop = test_loop();
    int why = 0;
    struct weir_block *block = wr_block_new(&loop->blocks, 1000, &why);
    ck_assert_ptr_nonnull(block);
    ck_assert_int_eq(loop->budget.used, 1000);
    wr_block_ref(block, 2);
    wr_block_unref(block, 2);
    ck_assert_int_eq(loop->budget.used, 1000);
    wr_block_unref(block, 1);
    ck_assert_int_eq(loop->budget.used, 0);
    ck_assert_int_eq(loop->budget.peak, 1000);
    wr_block_unref(NULL, 1);
    weir_loop_free(loop);
}

TEST(block_has_readable_bytes_behind_its_end)
{
    int why = 0;
    struct weir_block *block = wr_block_new(NULL, 10, &why);
    ck_assert_ptr_nonnull(block);
    for (size_t i = 0; i < WR_BLOCK_SPARE; i++) {
        ck_assert_int_eq(block->data[10 + i], 0);
    }
    wr_block_unref(block, 1);
}

TEST(block_of_the_standard_size_is_the_default)
{
    weir_loop *loop = test_loop();
    int why = 0;
    struct weir_block *blocks[2 * WR_BLOCKS_KEPT];
    for (size_t i = 0; i < 2 * WR_BLOCKS_KEPT; i++) {
        blocks[i] = wr_block_new(&loop->blocks, 0, &why);
        ck_assert_ptr_nonnull(blocks[i]);
        ck_assert_uint_eq(blocks[i]->cap, WR_BLOCK_BYTES);
    }
    for (size_t i = 0; i < 2 * WR_BLOCKS_KEPT; i++) {
        wr_block_unref(blocks[i], 1);
    }
    ck_assert_uint_le(loop->blocks.kept_count, WR_BLOCKS_KEPT);
    ck_assert_int_eq(loop->budget.used, 0);
    weir_loop_free(loop);
}

TEST(budget_refuses_beyond_its_limit_but_never_the_first)
{
    struct wr_budget budget = {.limit = 100};
    ck_assert(wr_budget_charge(&budget, 500));
    ck_assert(!wr_budget_charge(&budget, 1));
    wr_budget_release(&budget, 500);
    ck_assert(wr_budget_charge(&budget, 60));
    ck_assert(wr_budget_charge(&budget, 40));
    ck_assert(!wr_budget_charge(&budget, 1));
    ck_assert_int_eq(budget.peak, 500);
}

TEST(block_beyond_the_budget_says_so)
{
    weir_loop *loop = weir_loop_new(WEIR_OPTIONS(weir_loop_options, .budget_bytes = 1000));
    ck_assert_ptr_nonnull(loop);
    int why = 0;
    struct weir_block *block = wr_block_new(&loop->blocks, 900, &why);
    ck_assert_ptr_nonnull(block);
    ck_assert_ptr_null(wr_block_new(&loop->blocks, 200, &why));
    ck_assert_int_eq(why, WEIR_EBUDGET);
    ck_assert_ptr_null(wr_block_new(&loop->blocks, (size_t)UINT32_MAX + 1, &why));
    ck_assert_int_eq(why, WEIR_ENOMEM);
    wr_block_unref(block, 1);
    weir_loop_free(loop);
}

struct lines {
    size_t len;
    long count;
};
WEIR_SOURCE(big_texts, struct lines)
{
    static char text[100 * 1024];
    for (long i = 0; i < args->count; i++) {
        weir_item item = weir_bytes(text, args->len);
        if (!weir_yield(self, &item)) {
            break;
        }
    }
    return 0;
}

TEST(queue_beyond_the_budget_waits_instead_of_failing)
{
    weir_loop *loop = weir_loop_new(WEIR_OPTIONS(weir_loop_options, .budget_bytes = 512 * 1024));
    ck_assert_ptr_nonnull(loop);
    weir_gen *gen =
        weir_buffer(big_texts(weir_root(loop), (struct lines){100 * 1024, 200}),
                    WEIR_OPTIONS(weir_queue_options, .items_max = 1000, .bytes_max = 1 << 30));
    weir_item item;
    int n = 0;
    while (weir_next(gen, &item)) {
        n++;
        wr_loop_settle(loop);
        MUST(loop->budget.peak <= 640 * 1024);
    }
    ck_assert_int_eq(weir_finish(gen, NULL), 0);
    ck_assert_int_eq(n, 200);
    ck_assert_int_eq(loop->budget.used, 0);
    weir_loop_free(loop);
}

TEST(queue_on_a_tiny_budget_does_not_wait_for_itself)
{
    weir_loop *loop =
        weir_loop_new(WEIR_OPTIONS(weir_loop_options, .budget_bytes = WR_BLOCK_BYTES));
    ck_assert_ptr_nonnull(loop);
    weir_gen *gen = weir_buffer(big_texts(weir_root(loop), (struct lines){1000, 1000}), NULL);
    weir_item item;
    int n = 0;
    while (weir_next(gen, &item)) {
        n++;
    }
    ck_assert_int_eq(weir_finish(gen, NULL), 0);
    ck_assert_int_eq(n, 1000);
    ck_assert_int_eq(loop->budget.used, 0);
    weir_loop_free(loop);
}

MAIN("bytes/block")
