/*
 * flow_recorder.h - a source tells the loop's recorder what it receives. Internal.
 *
 * A source that can be recorded claims the recorder when it is made, and keeps the pointer; NULL: it
 * is not recorded, and that is one branch for each piece received. All functions only change memory,
 * so a library's callback may call them; what has gathered is written before the loop waits.
 */
#ifndef WR_FLOW_RECORDER_H
#define WR_FLOW_RECORDER_H

#include <weir/recording.h>

#include "codec_recording.h"
#include "loop_core.h"

struct weir_recorder;

/* Record this source. kind: "http", "ws" or "stream"; name: of the generator; address: without
 * secrets. NULL: the loop has no recorder, or it records another one. */
struct weir_recorder *wr_recorder_claim(struct weir_loop *loop, const char *kind, const char *name,
                                        const char *address, bool raw);
/* Any kind but DATA and failures. */
void wr_recorder_add(struct weir_recorder *recorder, enum wr_record_kind kind, const void *data,
                     size_t len);
void wr_recorder_data(struct weir_recorder *recorder, const void *data, size_t len);
void wr_recorder_failure(struct weir_recorder *recorder, enum wr_record_kind kind, int code,
                         int detail, bool retry, const char *text);

#endif
