/*
 * flow_item.c - keeping items beyond their loan, comparing types, opening batches.
 *
 * A kept item has a block of its own or shares the lender's, and one reference on its receipt. An
 * item without a block (its bytes lie in a body's frame) is copied into a block that is charged to
 * nobody: it is the keeper's memory.
 */
#include <string.h>

#include "base_error.h"
#include "bytes_block.h"
#include "bytes_receipt.h"
#include "flow_batch.h"

int weir_item_keep(weir_item *kept, const weir_item *lent)
{
    int why = 0;
    *kept = *lent;
    wr_block_check(kept);
    if (kept->block != NULL) {
        wr_block_ref(kept->block, 1);
    } else if (lent->data != NULL) {
        struct weir_block *block = wr_block_new(NULL, WR_MAX(lent->len, (size_t)1), &why);
        if (block == NULL) {
            memset(kept, 0, sizeof *kept);
            return why;
        }
        if (lent->type != NULL && lent->type->copy != NULL) {
            int rc = lent->type->copy(block->data, lent->data);
            if (rc < 0) {
                wr_block_unref(block, 1);
                memset(kept, 0, sizeof *kept);
                return rc;
            }
        } else if (lent->len > 0) {
            memcpy(block->data, lent->data, lent->len);
        }
        block->len = (uint32_t)lent->len;
        kept->data = block->data;
        kept->block = block;
    }
    if (wr_items_ref(kept, 1) < 0) {
        kept->receipt = NULL;
        weir_item_release(kept);
        return WEIR_ENOMEM;
    }
    return 0;
}

void weir_item_release(weir_item *kept)
{
    wr_items_unref(kept, 1, WR_ACT_RELEASE);
    if (kept->block != NULL) {
        if (kept->type != NULL && kept->type->drop != NULL && kept->block->refs == 1) {
            kept->type->drop((void *)(uintptr_t)kept->data);
        }
        wr_block_unref(kept->block, 1);
    }
    memset(kept, 0, sizeof *kept);
}

bool weir_type_same(const weir_type *a, const weir_type *b)
{
    return a == b || (a != NULL && b != NULL && a->value_size == b->value_size &&
                      strcmp(a->name, b->name) == 0);
}

size_t weir_item_parts(const weir_item *batch, const weir_item **parts)
{
    if ((batch->flags & WEIR_ITEM_PARTS) == 0) {
        *parts = batch;
        return 1;
    }
    const struct wr_batch_view *view = (const struct wr_batch_view *)(const void *)batch->data;
    *parts = view->items;
    return view->count;
}
