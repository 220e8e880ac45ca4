/*
 * codec_sse.h - server-sent events: the framer of event streams (codec_framer.h).
 *
 * A reconnect needs the last event's id, not an offset, and the server may say how long to wait
 * before it: functions here return both.
 */
#ifndef WR_CODEC_SSE_H
#define WR_CODEC_SSE_H

#include "codec_framer.h"
#include "codec_text.h"

enum { WR_SSE_FIELD_MAX = 8 * 1024 }; /* bytes of an id or a type: what a header field may hold */

/* Its items are weir_event messages with the last event id and the fields `event` ("message" if the
 * stream does not give one) and `retry`, if the event has one. */
extern const struct wr_framer_ops wr_sse_framer;

/* 0 or WEIR_ENOMEM. */
int wr_sse_init(struct wr_framer *framer);
void wr_sse_fini(struct wr_framer *framer);
/* For another response: an incomplete event is dropped, the last id stays. */
void wr_sse_restart(struct wr_framer *framer);
/* The last event id: from the latest event that was given, or from a later event without data. */
struct wr_text wr_sse_last_id(const struct wr_framer *framer);
/* The block of the event that is being read; NULL: it has no data yet. */
struct weir_block *wr_sse_block(const struct wr_framer *framer);
/* The offset of the event that is being read. */
uint64_t wr_sse_begin(const struct wr_framer *framer);
/* Set the last id, as if an event with this id had come. 0 or WEIR_ENOMEM. */
int wr_sse_set_last_id(struct wr_framer *framer, struct wr_text id);
/* The latest `retry`, in ms; -1: none has come. */
int64_t wr_sse_retry_ms(const struct wr_framer *framer);

#endif
