/*
 * flow_playback.h - a recording that is played: its records one after another, each at its time.
 * Internal.
 *
 * The source that plays it looks at the next record (wr_playback_peek), waits until that is due
 * (wr_playback_due_ms), and takes it. Bytes are taken in pieces: as they came, or cut again by
 * `split`. Any other file is one stream of bytes, if that is allowed.
 */
#ifndef WR_FLOW_PLAYBACK_H
#define WR_FLOW_PLAYBACK_H

#include <weir/recording.h>

#include "codec_recording.h"
#include "loop_core.h"

struct wr_playback;

/* options: speed, split and any_file are used. Reads the header. NULL: *error. */
struct wr_playback *wr_playback_open(struct weir_loop *loop, const char *path,
                                     const weir_replay_options *options, weir_error *error);
void wr_playback_free(struct wr_playback *play);
/* "source", "name", "address": the header's line, cut to cap; "" when there is none. */
void wr_playback_says(const struct wr_playback *play, const char *name, char *to, size_t cap);
/* The next record; of bytes, the next piece. Valid until it is taken. NULL: the recording is over,
 * and wr_playback_ended says how. */
const struct wr_recorded *wr_playback_peek(struct wr_playback *play);
/* Take what peek has given, or `len` bytes of a piece. */
void wr_playback_take(struct wr_playback *play, size_t len);
/* ms until the record that peek has given is due; 0: now. */
int64_t wr_playback_due_ms(const struct wr_playback *play);
/* Are the pieces cut again? Then one piece at a time is given. */
bool wr_playback_is_split(const struct wr_playback *play);
/* How the recorded run has ended (code 0: well), or what is wrong with the recording. NULL: it is not
 * over. */
const weir_error *wr_playback_ended(const struct wr_playback *play);

#endif
