/*
 * bytes_block.h - reference-counted chunks of received bytes, and the budget that bounds them.
 *
 * One reader fills a block, and the block is sliced into items; it lives until the last slice is
 * released. A loop has one pool. Blocks of the standard size are recycled while their pages are
 * mapped, because a new mapping costs a page fault for each 4 KiB. Each block has WR_BLOCK_SPARE
 * readable bytes after its capacity, so that vector code may read past the end of a slice.
 *
 * The budget counts the bytes of blocks, queues and decoders together. It is a number and a count
 * of waiters: the waiting itself is done in the loop layer, which `freed` calls. The memory of the
 * item structs (their slots in long queues and in batches) is part of the budget and gets at most
 * half of it: however small the items are, there is room for their bytes.
 */
#ifndef WR_BYTES_BLOCK_H
#define WR_BYTES_BLOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <weir/item.h>

#include "base_list.h"

#define WR_BLOCK_NO_OFFSET UINT64_MAX

enum { WR_BLOCK_BYTES = 128 * 1024, WR_BLOCK_SPARE = 64, WR_BLOCKS_KEPT = 8 };

struct wr_budget {
    int64_t limit, used, peak;
    int64_t slots; /* part of used: item structs in queues and batches, and origins' records */
    int64_t asked; /* the size that was refused last, for messages */
    void (*freed)(struct wr_budget *
                      budget); /* called when used falls and waiters is not 0; NULL: no one waits */
    size_t waiters;
};

struct wr_block_pool {
    struct wr_budget *budget;
    struct weir_block *kept; /* recycled blocks of the standard size */
    size_t kept_count;
    const void *const *thread; /* the thread of its loop (base_thread.h); NULL: it has none */
};

struct weir_block {
    uint32_t refs;
    uint32_t len;  /* bytes filled so far */
    uint32_t cap;  /* bytes at data, without the spare ones */
    uint32_t mark; /* of the last count that included it: wr_block_mark */
    struct wr_block_pool *pool;
    struct weir_block *next; /* in the pool */
    void (*drop)(struct weir_block
                     *block); /* releases the value in it; NULL: plain bytes. Must not suspend. */
    int64_t time_ns;          /* when its latest bytes were received, Unix time */
    /* Bytes of a stream, cut into items (flow_inbox.h): the offset of data[0] in the stream. Else
     * WR_BLOCK_NO_OFFSET. */
    uint64_t offset;
    /* The number of the line, from 1, in which data[line_at] is; 0: not known. */
    uint64_t line;
    uint32_t line_at;
    uint32_t reserved[3];
    char data[]; /* aligned as malloc's memory is */
};

_Static_assert(offsetof(struct weir_block, data) % 16 == 0,
               "values and events are stored in blocks");

/* True: charged. False: the caller waits or gives up. When nothing is charged, any size is granted:
 * one holder must always be able to continue. */
bool wr_budget_charge(struct wr_budget *budget, size_t bytes);
/* Charge also over the limit, for memory that must be had: others wait then. */
void wr_budget_take(struct wr_budget *budget, size_t bytes);
void wr_budget_release(struct wr_budget *budget, size_t bytes);
/* For memory that is held whatever the budget says (a decoder's): charge `bytes` in place of the
 * *charged bytes of the last call. */
void wr_budget_follow(struct wr_budget *budget, size_t *charged, size_t bytes);
/* The same for slots. A caller that cannot continue without them uses wr_budget_take_slots, which
 * takes them even where wr_budget_charge_slots refuses. */
bool wr_budget_charge_slots(struct wr_budget *budget, size_t bytes);
void wr_budget_take_slots(struct wr_budget *budget, size_t bytes);
void wr_budget_release_slots(struct wr_budget *budget, size_t bytes);

void wr_block_pool_init(struct wr_block_pool *pool, struct wr_budget *budget);
/* Frees the kept blocks. All other blocks must have been released before. */
void wr_block_pool_fini(struct wr_block_pool *pool);

/* A block with one reference and room for `cap` bytes (0: the standard size). NULL: *why is
 * WEIR_ENOMEM or WEIR_EBUDGET. pool NULL: a block that belongs to no loop and is not charged. */
struct weir_block *wr_block_new(struct wr_block_pool *pool, size_t cap, int *why);
void wr_block_free(struct weir_block *block);

static inline void wr_block_ref(struct weir_block *block, uint32_t count)
{
    block->refs += count;
}

/* Count charged bytes once. `mark` is the number of this count. Returns the bytes of the block, or
 * 0 when the count has included it already, or it belongs to no loop or is NULL. */
static inline int64_t wr_block_mark(struct weir_block *block, uint32_t mark)
{
    if (block == NULL || block->pool == NULL || block->mark == mark) {
        return 0;
    }
    block->mark = mark;
    return block->cap;
}

/* Is the item's data in its block? False when the user has replaced the data. */
static inline bool wr_block_holds(const weir_item *item)
{
    uintptr_t at = (uintptr_t)item->data - (uintptr_t)item->block->data;
    return at <= item->block->cap;
}

/* Check an item that a user may have made or changed: data outside its block is the user's, so the
 * item loses its block here and a holder that keeps the item copies the data. If it was a batch, it
 * is plain bytes now. */
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
