/*
 * codec_records.h - the framers of records whose length is known, and the raw framer
 * (codec_framer.h).
 */
#ifndef WR_CODEC_RECORDS_H
#define WR_CODEC_RECORDS_H

#include "codec_framer.h"

extern const struct wr_framer_ops wr_raw_framer, wr_len32_framer, wr_varint_framer, wr_fixed_framer,
    wr_netflow_framer;

/* Of a stream of messages that are all counted, "34 <165>1 ..." (RFC 6587, 3.4.1). */
extern const struct wr_framer_ops wr_counted_framer;
/* Sets the length of the number with its space, and that of the message, which begins with "<". 1;
 * 0: more bytes are needed; WEIR_EPARSE: the message is not counted. */
int wr_counted_head(const char *data, size_t len, size_t *head, uint64_t *length);

#endif
