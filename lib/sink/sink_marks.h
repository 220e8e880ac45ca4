/*
 * sink_marks.h - where each item ends in a stream of bytes, until the reader has read it. Internal.
 *
 * A mark is a run of up to WR_MARK_ITEMS items, each with the offset after its last byte. The mark
 * holds one reference to each item that has not settled. Marks are in the order of the bytes.
 */
#ifndef WR_SINK_MARKS_H
#define WR_SINK_MARKS_H

#include "bytes_receipt.h"

enum { WR_MARK_ITEMS = 32 };

struct wr_mark {
    struct wr_run run; /* the items that have not settled, in the order of their bits */
    uint64_t first_end;
    uint8_t count, settled;
    uint16_t ends[WR_MARK_ITEMS - 1]; /* of the other items, relative to first_end */
};

/* Zeroed: none. */
struct wr_marks {
    struct wr_mark *all; /* [head, head + count) */
    size_t head, count, cap;
};

/* Can wr_marks_add need more memory? Then the caller settles first. */
static inline bool wr_marks_full(const struct wr_marks *marks)
{
    return marks->head + marks->count == marks->cap;
}
/* The item's bytes end before `end`. An item without a receipt needs no mark. 0 or WEIR_ENOMEM. */
int wr_marks_add(struct wr_marks *marks, const weir_item *item, uint64_t end);
/* Add the runs of all items that are left, without references. 0 or WEIR_ENOMEM. */
int wr_marks_list(const struct wr_marks *marks, struct wr_runs *to);
/* The far end has the first `bytes` bytes: items completely within them are delivered. */
void wr_marks_settle(struct wr_marks *marks, uint64_t bytes);
/* Release all items that are left with this act, and free the memory. */
void wr_marks_let_go(struct wr_marks *marks, enum wr_act act);

#endif
