/*
 * bytes_block.c - the block pool and the budget.
 *
 * A block is charged to the budget from wr_block_new until its last reference is released, even
 * while only one small slice still uses it. A kept (recycled) block is not charged; the pool keeps
 * at most WR_BLOCKS_KEPT of them. Called by readers (sources, decoders) and by every holder that
 * releases an item. Nothing here suspends.
 */
#include "bytes_block.h"

#include "base_alloc.h"
#include "base_error.h"

#if defined(__SANITIZE_ADDRESS__)
#define WR_HAS_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define WR_HAS_ASAN 1
#endif
#endif

void wr_budget_take(struct wr_budget *budget, size_t bytes)
{
    budget->used += (int64_t)bytes;
    budget->peak = WR_MAX(budget->peak, budget->used);
}

bool wr_budget_charge(struct wr_budget *budget, size_t bytes)
{
    if (budget->used + (int64_t)bytes > budget->limit && budget->used > 0) {
        budget->asked = (int64_t)bytes;
        return false;
    }
    wr_budget_take(budget, bytes);
    return true;
}

void wr_budget_release(struct wr_budget *budget, size_t bytes)
{
    budget->used -= (int64_t)bytes;
    if (budget->waiters > 0 && budget->freed != NULL) {
        budget->freed(budget);
    }
}

void wr_budget_follow(struct wr_budget *budget, size_t *charged, size_t bytes)
{
    if (bytes > *charged) {
        wr_budget_take(budget, bytes - *charged);
    } else if (bytes < *charged) {
        wr_budget_release(budget, *charged - bytes);
    }
    *charged = bytes;
}

void wr_budget_take_slots(struct wr_budget *budget, size_t bytes)
{
    budget->slots += (int64_t)bytes;
    wr_budget_take(budget, bytes);
}

bool wr_budget_charge_slots(struct wr_budget *budget, size_t bytes)
{
    if (budget->slots + (int64_t)bytes > budget->limit / 2 ||
        budget->used + (int64_t)bytes > budget->limit) {
        budget->asked = (int64_t)bytes;
        return false;
    }
    wr_budget_take_slots(budget, bytes);
    return true;
}

void wr_budget_release_slots(struct wr_budget *budget, size_t bytes)
{
    budget->slots -= (int64_t)bytes;
    wr_budget_release(budget, bytes);
}

void wr_block_pool_init(struct wr_block_pool *pool, struct wr_budget *budget)
{
    pool->budget = budget;
    pool->kept = NULL;
    pool->kept_count = 0;
    pool->thread = NULL;
}

void wr_block_pool_fini(struct wr_block_pool *pool)
{
    while (pool->kept != NULL) {
        struct weir_block *block = pool->kept;
        pool->kept = block->next;
        wr_free(block);
    }
    pool->kept_count = 0;
}

struct weir_block *wr_block_new(struct wr_block_pool *pool, size_t cap, int *why)
{
    if (cap == 0) {
        cap = WR_BLOCK_BYTES;
    }
    if (cap > UINT32_MAX) {
        *why = WEIR_ENOMEM;
        return NULL;
    }
    if (pool != NULL && !wr_budget_charge(pool->budget, cap)) {
        *why = WEIR_EBUDGET;
        return NULL;
    }
    struct weir_block *block = pool != NULL && cap == WR_BLOCK_BYTES ? pool->kept : NULL;
    if (block != NULL) {
        pool->kept = block->next;
        pool->kept_count--;
    } else {
        block = wr_alloc(sizeof *block + cap + WR_BLOCK_SPARE);
        if (block == NULL) {
            if (pool != NULL) {
                wr_budget_release(pool->budget, cap);
            }
            *why = WEIR_ENOMEM;
            return NULL;
        }
        /* Vector code reads past the end: Valgrind and MSan need these bytes initialised. */
        for (size_t i = 0; i < WR_BLOCK_SPARE; i++) {
            block->data[cap + i] = 0;
        }
    }
    block->refs = 1;
    block->len = 0;
    block->cap = (uint32_t)cap;
    block->mark = 0;
    block->pool = pool;
    block->next = NULL;
    block->drop = NULL;
    block->time_ns = 0;
    block->offset = WR_BLOCK_NO_OFFSET;
    block->line = 0;
    return block;
}

void wr_block_free(struct weir_block *block)
{
    struct wr_block_pool *pool = block->pool;
    size_t cap = block->cap;
    if (block->drop != NULL) {
        block->drop(block);
    }
    if (pool == NULL) {
        wr_free(block);
        return;
    }
    /* A sanitizer build recycles nothing, so that it finds a slice that is used after its loan. */
#ifndef WR_HAS_ASAN
    if (cap == WR_BLOCK_BYTES && pool->kept_count < WR_BLOCKS_KEPT) {
        block->next = pool->kept;
        pool->kept = block;
        pool->kept_count++;
        wr_budget_release(pool->budget, cap);
        return;
    }
#endif
    wr_free(block);
    wr_budget_release(pool->budget, cap);
}
