/*
 * bytes_block.h - reference-counted chunks of received bytes, and the budget that bounds them.
 *
 * A block is filled by one reader and sliced into items; it lives until the last slice is let go. A
 * loop has one pool: blocks of the standard size are recycled warm, because a fresh mapping costs a
 * page fault for each 4 KiB. Each block has WR_BLOCK_SPARE readable bytes behind its capacity, so
 * that vector code may read past the end of a slice.
 *
 * The budget counts bytes of blocks, queues and decoders together. It is a number and a list of who
 * waits for it: the waiting itself belongs to the loop layer, which is told by `freed`. What items
 * themselves lie in, their slots in long queues and in batches, is a part of it, and gets no more
 * than half: however small the items are, there is room for the bytes that make them.
 */
#ifndef WR_BYTES_BLOCK_H
#define WR_BYTES_BLOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <weir/item.h>

#include "base_list.h"

enum { WR_BLOCK_BYTES = 128 * 1024, WR_BLOCK_SPARE = 64, WR_BLOCKS_KEPT = 8 };

struct wr_budget {
    int64_t limit, used, peak;
    int64_t slots; /* of used: what items lie in, in queues and batches, and the books of sources */
    int64_t asked; /* what was refused last, for messages */
    void (*freed)(struct wr_budget *
                      budget); /* called when used falls and waiters is not 0; NULL: nobody waits */
    size_t waiters;
};

struct wr_block_pool {
    struct wr_budget *budget;
    struct weir_block *kept; /* recycled blocks of the standard size */
    size_t kept_count;
    const void *const *thread; /* that its loop runs on (base_thread.h); NULL: it has none */
};

struct weir_block {
    uint32_t refs;
    uint32_t len;  /* bytes filled so far */
    uint32_t cap;  /* bytes behind data, without the spare ones */
    uint32_t mark; /* of the last count that it was part of: wr_block_mark */
    struct wr_block_pool *pool;
    struct weir_block *next; /* in the pool */
    void (*drop)(struct weir_block
                     *block); /* lets go of what lies in it; NULL: plain bytes. Must not suspend. */
    int64_t time_ns;          /* when its latest bytes were received, Unix time */
    char data[];              /* aligned as malloc's memory is */
};

_Static_assert(offsetof(struct weir_block, data) % 16 == 0, "values and events lie in blocks");

/* True and charged, or false: the caller waits or gives up. Something must always be able to move:
 * when nothing at all is charged, any size is granted. */
bool wr_budget_charge(struct wr_budget *budget, size_t bytes);
void wr_budget_release(struct wr_budget *budget, size_t bytes);
/* The same for slots; but what is refused by one may be taken all the same by the other, by who
 * could not go on otherwise. */
bool wr_budget_charge_slots(struct wr_budget *budget, size_t bytes);
void wr_budget_take_slots(struct wr_budget *budget, size_t bytes);
void wr_budget_release_slots(struct wr_budget *budget, size_t bytes);

void wr_block_pool_init(struct wr_block_pool *pool, struct wr_budget *budget);
/* Frees what is kept. Every block must have been let go. */
void wr_block_pool_fini(struct wr_block_pool *pool);

/* A block with one reference and room for `cap` bytes (0: the standard size). NULL: *why is
 * WEIR_ENOMEM or WEIR_EBUDGET. pool NULL: a block that belongs to no loop and is charged to nobody.
 */
struct weir_block *wr_block_new(struct wr_block_pool *pool, size_t cap, int *why);
void wr_block_free(struct weir_block *block);

static inline void wr_block_ref(struct weir_block *block, uint32_t count)
{
    block->refs += count;
}

/* Count charged bytes once, in a count of which `mark` is the number: the bytes of the block, or 0
 * when it was counted already, belongs to no loop or is NULL. */
static inline int64_t wr_block_mark(struct weir_block *block, uint32_t mark)
{
    if (block == NULL || block->pool == NULL || block->mark == mark) {
        return 0;
    }
    block->mark = mark;
    return block->cap;
}

/* Does the item's data lie in its block? What a user has put in its place does not. */
static inline bool wr_block_holds(const weir_item *item)
{
    uintptr_t at = (uintptr_t)item->data - (uintptr_t)item->block->data;
    return at <= item->block->cap;
}

/* An item of a user's own making: other bytes than those that its block keeps alive are the user's,
 * and whoever keeps the item copies them. What stands in a batch's place is bytes. */
static inline void wr_block_check(weir_item *item)
{
    if (item->block != NULL && !wr_block_holds(item)) {
        item->block = NULL;
        item->type = item->type == &weir_batch_type ? NULL : item->type;
    }
}

/* NULL is allowed. */
static inline void wr_block_unref(struct weir_block *block, uint32_t count)
{
    if (block != NULL && (block->refs -= count) == 0) {
        wr_block_free(block);
    }
}

#endif
