/*
 * flow_ring.c - how a queue keeps items and releases them.
 *
 * Items are kept by reference. Bytes that are in no block (in a body's stack frame) are copied into
 * the ring's own blocks. A block is charged once per run of items. When the pinned blocks exceed
 * PINNED_FACTOR times the byte bound, further items are copied out, so that a 20-byte slice does
 * not hold 128 KiB.
 *
 * The ring starts with RING_FIRST slots and doubles when they are used, up to WR_RING_PIECE: a
 * queue of a thousand slots that mostly holds three items stays in the first-level cache, and a
 * queue of millions adds piece after piece. The ring's slots are the queue's own memory, like its
 * struct; pieces are charged. The queue's two ends call this file. Nothing here suspends, but
 * releasing an item may run its type's drop function.
 */
#include "flow_ring.h"

#include <string.h>

#include "base_alloc.h"

enum { PINNED_FACTOR = 4, RING_FIRST = 64 };

void wr_ring_init(struct wr_ring *ring, struct wr_block_pool *pool, size_t items_max,
                  size_t bytes_max)
{
    ring->pool = pool;
    ring->items_max = ring->full = items_max;
    ring->bytes_max = bytes_max;
    ring->pinned_max =
        WR_MAX(WR_MIN(bytes_max, SIZE_MAX / PINNED_FACTOR) * PINNED_FACTOR, (size_t)WR_BLOCK_BYTES);
}

void wr_ring_fini(struct wr_ring *ring)
{
    wr_ring_release_all(ring, WR_ACT_ABANDON);
    wr_copies_fini(&ring->copies);
    wr_free(ring->slots);
}

/* ---- pieces */

static void first_piece_is_over(struct wr_ring *ring)
{
    ring->behind = ring->behind->next;
    ring->behind_at = 0;
    if (ring->behind == NULL) {
        ring->behind_last = NULL;
        ring->behind_end = 0;
        ring->open = ring->cap;
    }
    ring->full = ring->items_max;
    wr_budget_release_slots(ring->pool->budget, sizeof *ring->behind);
}

static size_t first_piece_end(const struct wr_ring *ring)
{
    return ring->behind == ring->behind_last ? ring->behind_end : (size_t)WR_RING_PIECE;
}

/* The ring is empty: the first piece becomes the ring. */
static void take_piece(struct wr_ring *ring)
{
    size_t count = first_piece_end(ring) - ring->behind_at;
    wr_free(ring->slots);
    ring->slots = ring->behind->items;
    ring->cap = WR_RING_PIECE;
    ring->head = ring->behind_at;
    ring->count = count;
    ring->behind_count -= count;
    first_piece_is_over(ring);
}

/* One more piece at the end. 0, WEIR_ENOMEM, or 1: the budget is used up. */
static int add_piece(struct wr_ring *ring)
{
    struct wr_budget *budget = ring->pool->budget;
    struct wr_ring_piece *piece;
    if (!wr_budget_charge_slots(budget, sizeof *piece)) {
        if (ring->count > 0) {
            ring->full = wr_ring_count(ring);
            return 1;
        }
        /* All items are lent: the reader may be waiting for more before it returns them. */
        wr_budget_take_slots(budget, sizeof *piece);
    }
    piece = wr_alloc(sizeof *piece);
    if (piece == NULL) {
        wr_budget_release_slots(budget, sizeof *piece);
        return WEIR_ENOMEM;
    }
    piece->next = NULL;
    if (ring->behind == NULL) {
        ring->behind = piece;
        ring->open = 0;
    } else {
        ring->behind_last->next = piece;
    }
    ring->behind_last = piece;
    ring->behind_end = 0;
    return 0;
}

static bool grow(struct wr_ring *ring)
{
    size_t cap = ring->cap == 0 ? RING_FIRST : ring->cap * 2;
    weir_item *slots = wr_alloc(cap * sizeof *slots);
    if (slots == NULL) {
        return false;
    }
    size_t used = ring->lent + ring->count;
    for (size_t i = 0; i < used; i++) {
        slots[i] = *wr_ring_slot(ring, i);
    }
    wr_free(ring->slots);
    ring->slots = slots;
    ring->cap = ring->open = cap;
    ring->head = 0;
    return true;
}

/* Where the next items go, and for how many there is room in one go. 0, WEIR_ENOMEM, or 1 as from
 * add_piece. */
static int find_room(struct wr_ring *ring, weir_item **to, size_t *room)
{
    size_t used = ring->lent + ring->count;
    if (ring->behind == NULL && used == ring->cap && ring->cap < WR_RING_PIECE && !grow(ring)) {
        return WEIR_ENOMEM;
    }
    if (used < ring->open) {
        size_t at = (ring->head + used) & (ring->cap - 1);
        *to = &ring->slots[at];
        *room = WR_MIN(ring->cap - at, ring->cap - used);
        return 0;
    }
    if (ring->behind == NULL || ring->behind_end == WR_RING_PIECE) {
        int rc = add_piece(ring);
        if (rc != 0) {
            return rc;
        }
    }
    *to = &ring->behind_last->items[ring->behind_end];
    *room = WR_RING_PIECE - ring->behind_end;
    return 0;
}

/* n items were written there: count them, their bytes and their block. */
static void appended(struct wr_ring *ring, size_t n, size_t bytes, struct weir_block *block)
{
    if (ring->behind == NULL) {
        ring->count += n;
    } else {
        ring->behind_end += n;
        ring->behind_count += n;
    }
    ring->bytes += bytes;
    ring->bytes_put += bytes;
    if (block != ring->last_block) {
        ring->last_block = block;
        ring->pinned += block->cap;
    }
}

/* ---- releasing */

/* The block of item `index` of the ring, or of the first item after the ring; NULL: none. */
static const struct weir_block *block_at(struct wr_ring *ring, size_t index)
{
    if (index < ring->lent + ring->count) {
        return wr_ring_slot(ring, index)->block;
    }
    return ring->behind_count > 0 ? ring->behind->items[ring->behind_at].block : NULL;
}

/* Release what items [at, at + n) of the ring hold. A run of one block ends where the next item has
 * another block. */
static void release_some(struct wr_ring *ring, size_t at, size_t n, enum wr_act act)
{
    while (n > 0) {
        weir_item *items = wr_ring_slot(ring, at);
        size_t run = WR_MIN(n, (size_t)(ring->slots + ring->cap - items)); /* to the ring's end */
        if (ring->receipts) {
            wr_items_unref(items, run, act);
        }
        for (size_t i = 0; i < run;) {
            struct weir_block *block = items[i].block;
            uint32_t same = 1;
            while (i + same < run && items[i + same].block == block) {
                same++;
            }
            i += same;
            if (i < run || block_at(ring, at + run) != block) {
                ring->pinned -= WR_MIN(ring->pinned, block->cap);
                if (block == ring->last_block) {
                    ring->last_block = NULL;
                }
            }
            wr_block_unref(block, same);
        }
        at += run;
        n -= run;
    }
}

/* Release the n oldest items of the ring, the lent ones first. */
static void release(struct wr_ring *ring, size_t n, enum wr_act act)
{
    release_some(ring, 0, n, act);
    size_t lent = WR_MIN(n, ring->lent);
    ring->head += n;
    ring->lent -= lent;
    ring->count -= n - lent;
    if (ring->lent + ring->count == 0 && ring->behind != NULL) {
        take_piece(ring);
    }
}

void wr_ring_release_lent(struct wr_ring *ring, enum wr_act act)
{
    release(ring, ring->lent, act);
}

void wr_ring_release_all(struct wr_ring *ring, enum wr_act act)
{
    while (ring->lent + ring->count > 0) {
        release(ring, ring->lent + ring->count, act);
    }
    ring->bytes = 0;
}

/* ---- lending */

size_t wr_ring_lend(struct wr_ring *ring, weir_item *items, size_t max)
{
    size_t n = WR_MIN(ring->count, max), bytes = 0;
    for (size_t i = 0; i < n;) {
        const weir_item *from = wr_ring_slot(ring, i);
        size_t run =
            WR_MIN(n - i, (size_t)(ring->slots + ring->cap - from)); /* up to the ring's end */
        for (size_t k = 0; k < run; k++) {
            items[i + k] = from[k];
            bytes += from[k].len;
        }
        i += run;
    }
    ring->bytes -= bytes;
    ring->count -= n;
    ring->lent = n;
    if (wr_ring_half_empty(ring)) {
        ring->full = ring->items_max; /* the budget may have room for a piece again */
    }
    return n;
}

/* ---- keeping */

int wr_ring_append(struct wr_ring *ring, const weir_item *from)
{
    weir_item *to;
    size_t room;
    int rc = find_room(ring, &to, &room);
    if (rc != 0) {
        return rc;
    }
    *to = *from;
    struct weir_block *block = from->block;
    /* A batch, and a value that owns something, are alone in their block: they are not copied. */
    bool copy = block == NULL || (block != ring->last_block && !wr_item_is_batch(from) &&
                                  ring->pinned + block->cap > ring->pinned_max &&
                                  wr_item_shares(from) && from->len < block->cap / 2);
    if (copy) {
        rc = wr_copies_add(&ring->copies, ring->pool, to);
        if (rc < 0) {
            return rc;
        }
        block = to->block;
    } else {
        wr_block_ref(block, 1);
    }
    if (from->receipt != NULL) {
        ring->receipts = true;
        if (wr_items_ref(from, 1) < 0) {
            wr_block_unref(block, 1);
            return WEIR_ENOMEM;
        }
    }
    appended(ring, 1, from->len, block);
    return 0;
}

bool wr_ring_keep_one(struct wr_ring *ring, weir_item *item)
{
    struct weir_block *last = ring->last_block;
    if (item->block == NULL) {
        if (last == NULL || last != ring->copies.block ||
            !wr_copies_add_bytes(&ring->copies, item)) {
            return false;
        }
    } else if (item->block == last) {
        wr_block_ref(last, 1);
    } else {
        return false;
    }
    if (item->receipt != NULL) {
        if (wr_items_ref(item, 1) < 0) {
            wr_block_unref(last, 1);
            return false;
        }
        ring->receipts = true;
    }
    return true;
}

size_t wr_ring_append_run(struct wr_ring *ring, const weir_item *items, size_t count)
{
    struct weir_block *block = items[0].block;
    weir_item *to;
    size_t room;
    if (block == NULL || wr_ring_count(ring) >= ring->full ||
        (block != ring->last_block && ring->pinned + block->cap > ring->pinned_max) ||
        find_room(ring, &to, &room) != 0) {
        return 0;
    }
    size_t waiting = wr_ring_count(ring);
    room = WR_MIN(WR_MIN(room, count), ring->full - waiting);
    struct weir_receipt *receipt = items[0].receipt;
    /* If nothing waits, one item of any size fits. */
    size_t n = 0, bytes = 0;
    size_t bytes_max = ring->bytes < ring->bytes_max ? ring->bytes_max - ring->bytes : waiting == 0;
    bool in_a_row = true;
    while (n < room && items[n].block == block && items[n].receipt == receipt &&
           bytes < bytes_max) {
        in_a_row = in_a_row && items[n].seq == items[0].seq + n;
        bytes += items[n].len;
        to[n] = items[n];
        n++;
    }
    if (n == 0) {
        return 0;
    }
    if (receipt != NULL) {
        ring->receipts = true;
        int rc = in_a_row ? wr_receipt_ref_all(receipt, items[0].seq, items[n - 1].seq)
                          : wr_items_ref(items, n);
        if (rc < 0) {
            return 0;
        }
    }
    wr_block_ref(block, (uint32_t)n);
    appended(ring, n, bytes, block);
    return n;
}

/* ---- what it holds */

void wr_ring_each(struct wr_ring *ring, void (*fn)(void *ctx, weir_item *item), void *ctx)
{
    for (size_t i = 0; i < ring->lent + ring->count; i++) {
        fn(ctx, wr_ring_slot(ring, i));
    }
    size_t at = ring->behind_at;
    for (struct wr_ring_piece *piece = ring->behind; piece != NULL; piece = piece->next) {
        size_t end = piece == ring->behind_last ? ring->behind_end : (size_t)WR_RING_PIECE;
        for (; at < end; at++) {
            fn(ctx, &piece->items[at]);
        }
        at = 0;
    }
}

int64_t wr_ring_held(struct wr_ring *ring, uint32_t mark)
{
    int64_t held = wr_block_mark(ring->copies.block, mark);
    for (size_t i = 0; i < ring->lent + ring->count; i++) {
        held += wr_block_mark(wr_ring_slot(ring, i)->block, mark);
    }
    size_t at = ring->behind_at;
    for (struct wr_ring_piece *piece = ring->behind; piece != NULL; piece = piece->next) {
        size_t end = piece == ring->behind_last ? ring->behind_end : (size_t)WR_RING_PIECE;
        held += (int64_t)sizeof *piece;
        for (; at < end; at++) {
            held += wr_block_mark(piece->items[at].block, mark);
        }
        at = 0;
    }
    return held;
}

/* ---- dropping */

/* Drop the oldest item of the pieces; all items of the ring are lent. */
static void drop_behind(struct wr_ring *ring, enum wr_act act)
{
    struct wr_ring_piece *piece = ring->behind;
    const weir_item *item = &piece->items[ring->behind_at++];
    ring->behind_count--;
    ring->bytes -= item->len;
    wr_items_unref(item, 1, act);
    wr_block_unref(item->block, 1);
    if (ring->behind_at == first_piece_end(ring)) {
        first_piece_is_over(ring);
        wr_free(piece);
    }
}

void wr_ring_drop_oldest(struct wr_ring *ring, size_t n, enum wr_act act)
{
    size_t near = WR_MIN(n, ring->count);
    for (size_t i = 0; i < near; i++) {
        ring->bytes -= wr_ring_slot(ring, ring->lent + i)->len;
    }
    release_some(ring, ring->lent, near, act);
    for (size_t i = ring->lent; i > 0; i--) {
        *wr_ring_slot(ring, i - 1 + near) = *wr_ring_slot(ring, i - 1);
    }
    ring->head += near;
    ring->count -= near;
    for (; n > near; n--) {
        drop_behind(ring, act);
    }
    if (ring->lent + ring->count == 0) {
        if (ring->behind != NULL) {
            take_piece(ring);
            return;
        }
        ring->pinned = 0;
        ring->last_block = NULL;
    }
}
