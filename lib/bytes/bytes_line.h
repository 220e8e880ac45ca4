/*
 * bytes_line.h - how items are written as a stream of lines: each with the line end that it came
 * with. Internal.
 *
 * A piece (WEIR_ITEM_PART, WEIR_ITEM_BYTES) has no line end. A line that came without a line end
 * gets one when another item follows, so that the last line of a stream is written as it came.
 */
#ifndef WR_BYTES_LINE_H
#define WR_BYTES_LINE_H

#include <stdbool.h>
#include <stdint.h>

#include <weir/item.h>

struct wr_line_ends {
    bool before;     /* a LF comes before the item: the end of the line that had none */
    uint8_t len;     /* of the end after the item */
    const char *end; /* static */
};

/* The ends for an item with these flags. *owes: the line before it had no end; on return, whether
 * this one has none. */
static inline struct wr_line_ends wr_line_ends(uint32_t flags, bool *owes)
{
    bool piece = (flags & (WEIR_ITEM_PART | WEIR_ITEM_BYTES)) != 0;
    bool none = piece || (flags & WEIR_ITEM_NO_EOL) != 0;
    bool cr = (flags & WEIR_ITEM_CRLF) != 0;
    struct wr_line_ends ends = {.before = *owes,
                                .len = (uint8_t)(cr + !none),
                                .end = cr ? (none ? "\r" : "\r\n") : (none ? "" : "\n")};
    *owes = none && !piece;
    return ends;
}

#endif
