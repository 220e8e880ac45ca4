/*
 * flow_batch.h - what the data of an item with WEIR_ITEM_PARTS points to. Internal.
 *
 * The parts hold their blocks and receipts; a batch that is kept (by a queue, by weir_item_keep) is
 * kept as a whole by the block it lies in, whose release lets the parts go.
 */
#ifndef WR_FLOW_BATCH_H
#define WR_FLOW_BATCH_H

#include <weir/item.h>

struct wr_batch_view {
    size_t count;
    size_t bytes; /* of all parts */
    const weir_item *items;
};

#endif
