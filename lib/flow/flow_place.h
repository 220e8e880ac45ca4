/*
 * flow_place.h - where in its stream an item is, for messages. Internal.
 */
#ifndef WR_FLOW_PLACE_H
#define WR_FLOW_PLACE_H

#include <weir/item.h>

#include "codec_excerpt.h"

/* An item, or some parts of a batch, that cannot be used. */
struct wr_items_bad {
    const weir_item *item;
    const weir_item *parts; /* if the item is not a batch, the item itself */
    size_t count;
    const struct wr_fault *fault; /* its text is the item's, or empty: the place is not known */
};

enum { WR_PLACE_BYTES = 128 };

/*
 * Write the place: "line 4 071 (byte 918 233)" where the item is a piece of a stream of bytes,
 * otherwise "event 7", "items 7 to 9"; of one
 * of several files "line 4 of 'a.log' (byte 83)". Line and byte are those of the mistake. After a restart lines
 * cannot be counted from the beginning: "line 12 of this run". Terminated.
 *
 * Returns the offset of the byte in the stream; -1: not known.
 */
int64_t wr_place_text(const struct wr_items_bad *bad, char to[WR_PLACE_BYTES]);

#endif
