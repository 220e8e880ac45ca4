/*
 * bytes_item.h - items from inside: their text, copies of them, what a batch points to. Internal.
 *
 * A copy lies in a block. Bytes, JSON, events and flat values may share one (wr_item_copy); a value
 * whose type has a drop function lies alone in a block that owns it (wr_item_copy_alone): the drop
 * runs when that block goes, and nowhere else.
 */
#ifndef WR_BYTES_ITEM_H
#define WR_BYTES_ITEM_H

#include <string.h>

#include <weir/item.h>

#include "base_error.h"
#include "bytes_block.h"

enum { WR_ITEM_ALIGN = 16 };

/* What the data of an item of weir_batch_type points to. The parts hold their blocks and receipts;
 * a batch is kept as a whole, by the block that this lies in. */
struct wr_batch_view {
    size_t count;
    size_t bytes; /* of all parts */
    const weir_item *items;
};

/* Copies that share blocks of a pool: of small items that come without one. Zeroed: none yet. */
struct wr_copies {
    struct weir_block *block; /* being filled */
};

/* Has a type that may be shorter than ours this function? */
#define WR_TYPE_HAS(type, function)                                                     \
    ((type)->struct_size >= offsetof(weir_type, function) + sizeof((type)->function) && \
     (type)->function != NULL)

static inline bool wr_item_is_batch(const weir_item *item)
{
    return item->type == &weir_batch_type;
}

/* Say why an item gave no text: fills *error with `code`, what weir_item_text returned, which it
 * returns. */
int wr_item_text_error(weir_error *error, int code, const char *origin, const weir_item *item);

/* Can copies of such items share a block? False: wr_item_copy_alone makes one. Not for batches. */
static inline bool wr_item_shares(const weir_item *item)
{
    return item->type == NULL || item->type->drop == NULL;
}
/* How many bytes of a block a copy takes, aligned: at least WR_ITEM_ALIGN. */
size_t wr_item_copy_bytes(const weir_item *item);
/* Copy an item that shares to `to`, WR_ITEM_ALIGN-aligned, and point it there. 0, or what the
 * type's copy returned. The block is the caller's to set. */
int wr_item_copy(weir_item *item, char *to);
/* Copy an item into a block of its own, of `pool` (NULL: charged to nobody), and point it there. 0,
 * WEIR_ENOMEM, WEIR_EBUDGET or what the type's copy returned; then nothing changed. */
int wr_item_copy_alone(struct wr_block_pool *pool, weir_item *item);
/* Copy an item, and point it to the copy, of whose block it has one reference: a shared block where
 * that may be. The same codes. Not for batches. */
int wr_copies_add(struct wr_copies *copies, struct wr_block_pool *pool, weir_item *item);
static inline size_t wr_item_padded(size_t bytes)
{
    return (bytes + WR_ITEM_ALIGN - 1) & ~(size_t)(WR_ITEM_ALIGN - 1);
}
/* Copy an item's bytes; what looks behind an item in its block (for a line end) finds nothing
 * there. */
static inline void wr_item_copy_bytes_to(const weir_item *item, char *to)
{
    memset(to + wr_item_padded(WR_MAX(item->len, (size_t)1)) - WR_ITEM_ALIGN, 0, WR_ITEM_ALIGN);
    if (item->len > 0) {
        memcpy(to, item->data, item->len);
    }
}
/* The same as wr_copies_add of what is copied byte by byte, where the block that is being filled has
 * room. False, and nothing happened: it is another case. */
static inline bool wr_copies_add_bytes(struct wr_copies *copies, weir_item *item)
{
    struct weir_block *block = copies->block;
    const weir_type *type = item->type;
    size_t need = wr_item_padded(WR_MAX(item->len, (size_t)1));
    if (block == NULL || need > block->cap - block->len ||
        (type != NULL && (type->copy != NULL || type->drop != NULL || WR_TYPE_HAS(type, size)))) {
        return false;
    }
    char *to = block->data + block->len;
    wr_item_copy_bytes_to(item, to);
    block->len += (uint32_t)need;
    item->data = to;
    item->block = block;
    wr_block_ref(block, 1);
    return true;
}
/* Let go of the block that is being filled; what was copied stays. */
void wr_copies_fini(struct wr_copies *copies);

#endif
