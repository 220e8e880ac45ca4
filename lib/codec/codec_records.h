/*
 * codec_records.h - the framers of records whose length is known, and the raw framer
 * (codec_framer.h).
 */
#ifndef WR_CODEC_RECORDS_H
#define WR_CODEC_RECORDS_H

#include "codec_framer.h"

extern const struct wr_framer_ops wr_raw_framer, wr_len32_framer, wr_varint_framer, wr_fixed_framer;

#endif
