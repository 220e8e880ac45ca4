/*
 * codec_packed_frame.h - cuts a stream of MessagePack or CBOR into its values. Internal to
 * codec_framer.c.
 *
 * A frame is one whole value. One over the limit is skipped, whatever it contains, because its end
 * is found all the same. Nothing marks the start of a value, so what is malformed ends the stream:
 * WEIR_EPARSE. A stream that ends inside a value is WEIR_ETRUNCATED. WEIR_LONG_CUT and WEIR_LONG_PARTS
 * are as WEIR_LONG_SKIP.
 */
#ifndef WR_CODEC_PACKED_FRAME_H
#define WR_CODEC_PACKED_FRAME_H

#include "codec_framer.h"
#include "codec_packed.h"

extern const struct wr_framer_ops wr_msgpack_framer, wr_cbor_framer;

/* For wr_framer_init, wr_framer_fini and wr_framer_restart. 0 or WEIR_ENOMEM. */
int wr_packed_frame_init(struct wr_framer *framer, wr_packed_read *read);
void wr_packed_frame_fini(struct wr_framer *framer);
void wr_packed_frame_restart(struct wr_framer *framer);

#endif
