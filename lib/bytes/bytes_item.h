/*
 * bytes_item.h - items from inside: their text, copies of them, what a batch points to. Internal.
 *
 * A copy is in a block. Bytes, JSON, events and flat values may share one (wr_item_copy). A value
 * whose type has a drop function is alone in a block that owns it (wr_item_copy_alone): the drop
 * runs when that block is freed, and nowhere else.
 */
#ifndef WR_BYTES_ITEM_H
#define WR_BYTES_ITEM_H

#include <string.h>

#include <weir/item.h>

#include "base_error.h"
#include "bytes_block.h"

enum { WR_ITEM_ALIGN = 16 };

/* The data of an item of weir_batch_type points to this. The parts hold their blocks and receipts.
 * A batch is kept as a whole, by the block that contains this struct. */
struct wr_batch_view {
    size_t count;
    size_t bytes; /* of all parts */
    const weir_item *items;
};

/* For small items without a block: their copies share blocks of a pool. Zeroed: none yet. */
struct wr_copies {
    struct weir_block *block; /* being filled */
};

/* Does the type have this function? Its struct may be shorter than ours. */
#define WR_TYPE_HAS(type, function)                                                     \
    ((type)->struct_size >= offsetof(weir_type, function) + sizeof((type)->function) && \
     (type)->function != NULL)

static inline bool wr_item_is_batch(const weir_item *item)
{
    return item->type == &weir_batch_type;
}

/* Report why an item has no text: fills *error. `code` is what weir_item_text returned; it is
 * returned again. */
int wr_item_text_error(weir_error *error, int code, const char *origin, const weir_item *item);

/* Can copies of such items share a block? False: use wr_item_copy_alone. Not for batches. */
static inline bool wr_item_shares(const weir_item *item)
{
    return item->type == NULL || item->type->drop == NULL;
}
/* How many bytes of a block a copy takes, aligned: at least WR_ITEM_ALIGN. */
size_t wr_item_copy_bytes(const weir_item *item);
/* Copy an item that shares to `to`, WR_ITEM_ALIGN-aligned, and point it there. 0, or what the
 * type's copy returned. The block is the caller's to set. */
int wr_item_copy(weir_item *item, char *to);
/* Copy an item into its own block from `pool` (NULL: not charged), and point it there. 0, or
 * WEIR_ENOMEM, WEIR_EBUDGET or what the type's copy returned, and nothing changed. */
int wr_item_copy_alone(struct wr_block_pool *pool, weir_item *item);
/* Copy an item and point it to the copy. The block is shared where that is possible; the item has
 * one reference to it. The same codes. Not for batches. */
int wr_copies_add(struct wr_copies *copies, struct wr_block_pool *pool, weir_item *item);
static inline size_t wr_item_padded(size_t bytes)
{
    return (bytes + WR_ITEM_ALIGN - 1) & ~(size_t)(WR_ITEM_ALIGN - 1);
}
/* Copy an item's bytes, with zeros after them: code that looks for a line end after an item in its
 * block finds none. */
static inline void wr_item_copy_bytes_to(const weir_item *item, char *to)
{
    memset(to + wr_item_padded(WR_MAX(item->len, (size_t)1)) - WR_ITEM_ALIGN, 0, WR_ITEM_ALIGN);
    if (item->len > 0) {
        memcpy(to, item->data, item->len);
    }
}
/* As wr_copies_add, for items that are copied byte by byte and fit into the block that is being
 * filled. False: it is another case, nothing changed. */
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
/* Release the block that is being filled; the copies in it stay. */
void wr_copies_fini(struct wr_copies *copies);

#endif
