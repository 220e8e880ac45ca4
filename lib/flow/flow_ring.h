/*
 * flow_ring.h - the items that a queue holds: bounded, kept by reference. Internal to the flow
 * layer.
 *
 * The oldest items are in a ring of up to WR_RING_PIECE slots. Items that do not fit follow in a
 * list of pieces of WR_RING_PIECE items each. Slots [head, head + lent) of the ring are lent to the
 * reader: not counted, but referenced until the loan ends. Slots [head + lent, head + lent + count)
 * wait. When the ring is empty the first piece becomes the ring. So items are never moved, and the
 * usual queue is a small array. Pieces are charged to the loop's budget; if the budget refuses one,
 * the queue is full early. The ring never waits: the queue decides which task waits for what, and
 * what happens when it is full.
 */
#ifndef WR_FLOW_RING_H
#define WR_FLOW_RING_H

#include <weir/item.h>

#include "base_error.h"
#include "bytes_block.h"
#include "bytes_item.h"
#include "bytes_receipt.h"

enum { WR_RING_PIECE = 1024 };

struct wr_ring_piece {
    weir_item items[WR_RING_PIECE]; /* first: it becomes the slots of the ring */
    struct wr_ring_piece *next;
};

struct wr_ring {
    weir_item *slots; /* cap is a power of two */
    size_t cap, head, lent, count;
    size_t open; /* how many slots may be used: cap, or 0 while there are pieces */
    size_t full; /* the ring is full at this count: items_max, or less after a refused piece */
    size_t items_max, bytes, bytes_max;
    uint64_t bytes_put;            /* so far */
    struct weir_block *last_block; /* the newest item's block: it is charged already */
    bool receipts;                 /* some item came with a receipt */
    size_t pinned, pinned_max;
    struct wr_copies copies;    /* copies of bytes that came without a block */
    struct wr_block_pool *pool; /* where copies come from */
    /* The pieces: items [behind_at, ...) of the first, [..., behind_end) of the last. */
    struct wr_ring_piece *behind, *behind_last;
    size_t behind_at, behind_end, behind_count;
};

/* Set the limits of a zeroed ring. Nothing is allocated before the first item. */
void wr_ring_init(struct wr_ring *ring, struct wr_block_pool *pool, size_t items_max,
                  size_t bytes_max);
/* Release everything in it, as abandoned. */
void wr_ring_fini(struct wr_ring *ring);

/* Append one item; the caller has checked that there is room (wr_ring_full). 0, or nothing was
 * appended: a code (WEIR_EBUDGET: wait for memory and try again), or 1: the ring is full now,
 * because the budget has no slots. */
int wr_ring_append(struct wr_ring *ring, const weir_item *from);
/* The usual case, many at once: a run of items whose bytes are in one block, as many as there is
 * room for. Returns how many were appended. 0: the first one needs wr_ring_append (no block, too
 * many bytes pinned, no slots, no memory). */
size_t wr_ring_append_run(struct wr_ring *ring, const weir_item *items, size_t count);

/* Lend up to max of the items that wait; the previous loan must have ended. */
size_t wr_ring_lend(struct wr_ring *ring, weir_item *items, size_t max);
/* Release the lent items: their blocks run by run, their receipts by `act`. */
void wr_ring_release_lent(struct wr_ring *ring, enum wr_act act);
/* Release all items. */
void wr_ring_release_all(struct wr_ring *ring, enum wr_act act);
/* Release the n oldest items that are not lent, by `act`; lent items stay at the head. */
void wr_ring_drop_oldest(struct wr_ring *ring, size_t n, enum wr_act act);

/* Call fn with each item, the oldest first. Nothing may be appended or released meanwhile. */
void wr_ring_each(struct wr_ring *ring, void (*fn)(void *ctx, weir_item *item), void *ctx);
/* For wr_gen_ops.held of its owner: mark the blocks of all items. Returns what stays charged. */
int64_t wr_ring_held(struct wr_ring *ring, uint32_t mark);

/* How many items wait. If none are in the ring and none are lent, there are none at all. */
static inline size_t wr_ring_count(const struct wr_ring *ring)
{
    return ring->count + ring->behind_count;
}

static inline bool wr_ring_full(const struct wr_ring *ring)
{
    size_t count = wr_ring_count(ring);
    return count >= ring->full || (ring->bytes >= ring->bytes_max && count > 0);
}

/* How many items may come until it is full; at least 1. */
static inline size_t wr_ring_room(const struct wr_ring *ring)
{
    size_t count = wr_ring_count(ring);
    return count < ring->full ? ring->full - count : 1;
}

static inline bool wr_ring_half_empty(const struct wr_ring *ring)
{
    return wr_ring_count(ring) <= ring->full / 2 && ring->bytes <= ring->bytes_max / 2;
}

static inline void wr_ring_end_loan(struct wr_ring *ring)
{
    if (ring->lent > 0) {
        wr_ring_release_lent(ring, WR_ACT_LOAN);
    }
}

static inline weir_item *wr_ring_slot(struct wr_ring *ring, size_t index)
{
    return &ring->slots[(ring->head + index) & (ring->cap - 1)];
}

/* ---- one at a time, inline: the fast path of a single item through a queue */

/* The usual end of the loan of one item: the next one continues its block. */
static inline bool wr_ring_release_one(struct wr_ring *ring)
{
    const weir_item *item = wr_ring_slot(ring, 0);
    struct weir_block *block = item->block;
    if (ring->lent != 1 || ring->count == 0 || block != wr_ring_slot(ring, 1)->block) {
        return false;
    }
    if (item->receipt != NULL) {
        wr_items_unref(item, 1, WR_ACT_LOAN);
    }
    block->refs--; /* not the last reference: the next item has one */
    ring->head++;
    ring->lent = 0;
    return true;
}

/* Lend one item. False: nothing was done, because none waits or it is not the usual case. */
static inline bool wr_ring_lend_one(struct wr_ring *ring, weir_item *item)
{
    if (ring->count == 0 || (ring->lent > 0 && !wr_ring_release_one(ring))) {
        return false;
    }
    *item = *wr_ring_slot(ring, 0);
    ring->bytes -= item->len;
    ring->count--;
    ring->lent = 1;
    return true;
}

/* Keep an item that is not the usual case for wr_ring_append_one: it has a receipt, or it is in no
 * block and is copied after the newest item. False: nothing was done. */
bool wr_ring_keep_one(struct wr_ring *ring, weir_item *item);

/* Append one item if it, or its copy, continues the newest block. False: nothing was done, because
 * it does not, or there is no room. */
static inline bool wr_ring_append_one(struct wr_ring *ring, const weir_item *item)
{
    size_t used = ring->lent + ring->count;
    if (used >= ring->open || ring->count >= ring->full ||
        (ring->bytes >= ring->bytes_max && ring->count > 0)) {
        return false;
    }
    weir_item *to = wr_ring_slot(ring, used);
    *to = *item;
    if (WR_LIKELY(item->block != NULL && item->block == ring->last_block &&
                  item->receipt == NULL)) {
        wr_block_ref(item->block, 1);
    } else if (!wr_ring_keep_one(ring, to)) {
        return false;
    }
    ring->count++;
    ring->bytes += item->len;
    ring->bytes_put += item->len;
    return true;
}

#endif
