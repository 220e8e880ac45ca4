/*
 * flow_ring.c - how a queue's ring keeps items and lets them go.
 *
 * Items are kept by reference; bytes that lie in nobody's block (a body's frame) are copied into
 * blocks of the ring's own. A block is charged once per run of items; when the blocks pinned exceed
 * PINNED_FACTOR times the byte bound, further items are copied out, so that a 20-byte slice does
 * not hold 128 KiB.
 *
 * The slots begin with RING_FIRST and double up to what is used: a queue of a thousand slots that
 * mostly holds three stays in the first-level cache. Called by the queue's two ends; nothing here
 * suspends, but letting an item go may run its type's drop function.
 */
#include "flow_ring.h"

#include <string.h>

#include "base_alloc.h"
#include "bytes_item.h"

enum { PINNED_FACTOR = 4, RING_FIRST = 64 };

void wr_ring_init(struct wr_ring *ring, struct wr_block_pool *pool, size_t items_max,
                  size_t bytes_max)
{
    ring->pool = pool;
    ring->items_max = items_max;
    ring->bytes_max = bytes_max;
    ring->pinned_max =
        WR_MAX(WR_MIN(bytes_max, SIZE_MAX / PINNED_FACTOR) * PINNED_FACTOR, (size_t)WR_BLOCK_BYTES);
}

void wr_ring_fini(struct wr_ring *ring)
{
    wr_ring_release(ring, ring->lent + ring->count, WR_ACT_ABANDON);
    wr_block_unref(ring->copies, 1);
    wr_free(ring->slots);
}

/* ---- letting go */

void wr_ring_release(struct wr_ring *ring, size_t n, enum wr_act act)
{
    while (n > 0) {
        size_t index = ring->head & (ring->cap - 1);
        size_t run = WR_MIN(n, ring->cap - index);
        weir_item *items = &ring->slots[index];
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
            /* The run of the block ends here unless the item behind the released ones continues it.
             */
            bool over = i < run || ring->lent + ring->count == run ||
                        ring->slots[(ring->head + run) & (ring->cap - 1)].block != block;
            if (over) {
                ring->pinned -= WR_MIN(ring->pinned, block->cap);
                if (block == ring->last_block) {
                    ring->last_block = NULL;
                }
            }
            wr_block_unref(block, same);
        }
        ring->head += run;
        n -= run;
        if (ring->lent >= run) {
            ring->lent -= run;
        } else {
            ring->count -= run - ring->lent;
            ring->lent = 0;
        }
    }
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
    return n;
}

/* ---- keeping */

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
    ring->cap = cap;
    ring->head = 0;
    return true;
}

/* Give the item memory of the ring's own. 0 or a code; WEIR_EBUDGET: wait for memory. */
static int copy_out(struct wr_ring *ring, weir_item *item)
{
    struct weir_block *block = ring->copies;
    if (!wr_item_shares(item)) {
        return wr_item_copy_alone(ring->pool, item);
    }
    size_t need = wr_item_copy_bytes(item);
    if (block == NULL || block->cap - block->len < need) {
        bool small = need <= WR_BLOCK_BYTES / 8;
        if (ring->copies != NULL && (small || ring->copies->refs == 1)) {
            /* Given back first: on a small budget it may be the very memory that is waited for. */
            wr_block_unref(ring->copies, 1);
            ring->copies = NULL;
        }
        if (!small) {
            return wr_item_copy_alone(ring->pool, item);
        }
        int why = 0;
        ring->copies = block = wr_block_new(ring->pool, 0, &why);
        if (block == NULL) {
            return why;
        }
    }
    int rc = wr_item_copy(item, block->data + block->len);
    if (rc == 0) {
        block->len += (uint32_t)need;
        item->block = block;
        wr_block_ref(block, 1);
    }
    return rc;
}

int wr_ring_append(struct wr_ring *ring, const weir_item *from)
{
    if (ring->lent + ring->count == ring->cap && !grow(ring)) {
        return WEIR_ENOMEM;
    }
    weir_item *to = wr_ring_slot(ring, ring->lent + ring->count);
    *to = *from;
    struct weir_block *block = from->block;
    /* A batch, and a value that owns something, are the only thing in their block: they stay. */
    bool copy = block == NULL || (block != ring->last_block && !wr_item_is_batch(from) &&
                                  ring->pinned + block->cap > ring->pinned_max &&
                                  wr_item_shares(from) && from->len < block->cap / 2);
    if (copy) {
        int rc = copy_out(ring, to);
        if (rc < 0) {
            return rc;
        }
        block = to->block;
    } else {
        wr_block_ref(block, 1);
    }
    if (from->receipt != NULL) {
        ring->receipts = true;
        if (wr_receipt_ref(from->receipt, from->seq, from->seq) < 0) {
            wr_block_unref(block, 1);
            return WEIR_ENOMEM;
        }
    }
    if (block != ring->last_block) {
        ring->last_block = block;
        ring->pinned += block->cap;
    }
    ring->count++;
    ring->bytes += from->len;
    return 0;
}

size_t wr_ring_append_run(struct wr_ring *ring, const weir_item *items, size_t count)
{
    struct weir_block *block = items[0].block;
    if (block == NULL || ring->count >= ring->items_max ||
        (block != ring->last_block && ring->pinned + block->cap > ring->pinned_max)) {
        return 0;
    }
    size_t used = ring->lent + ring->count;
    if (used == ring->cap && !grow(ring)) {
        return 0;
    }
    used = ring->lent + ring->count;
    size_t at = (ring->head + used) & (ring->cap - 1);
    size_t room = WR_MIN(ring->cap - at, ring->cap - used); /* slots in one piece */
    room = WR_MIN(WR_MIN(room, count), ring->items_max - ring->count);
    struct weir_receipt *receipt = items[0].receipt;
    weir_item *to = &ring->slots[at];
    size_t n = 0, bytes = ring->bytes;
    while (n < room && items[n].block == block && items[n].receipt == receipt &&
           (receipt == NULL || items[n].seq == items[0].seq + n) &&
           (bytes < ring->bytes_max || ring->count + n == 0)) {
        bytes += items[n].len;
        to[n] = items[n];
        n++;
    }
    if (n == 0) {
        return 0;
    }
    if (receipt != NULL) {
        ring->receipts = true;
        if (wr_receipt_ref(receipt, items[0].seq, items[n - 1].seq) < 0) {
            return 0;
        }
    }
    wr_block_ref(block, (uint32_t)n);
    if (block != ring->last_block) {
        ring->last_block = block;
        ring->pinned += block->cap;
    }
    ring->count += n;
    ring->bytes = bytes;
    return n;
}

void wr_ring_drop_oldest(struct wr_ring *ring, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        weir_item *item = wr_ring_slot(ring, ring->lent + i);
        ring->bytes -= item->len;
        wr_items_unref(item, 1, WR_ACT_DROP);
        wr_block_unref(item->block, 1);
    }
    for (size_t i = ring->lent; i > 0; i--) {
        *wr_ring_slot(ring, i - 1 + n) = *wr_ring_slot(ring, i - 1);
    }
    ring->head += n;
    ring->count -= n;
    if (ring->lent + ring->count == 0) {
        ring->pinned = 0;
        ring->last_block = NULL;
    }
}
