/*
 * flow_state.h - the durable record of a pipeline: positions of its sources and the length of its
 * sink at one commit. Internal; the public maker is weir_state_open (<weir/state.h>).
 *
 * One file per pipeline in a folder, locked while in use, checksummed, the previous generation kept
 * beside it; written as temp, fsync, rename, fsync of the folder, on the loop's worker thread, at
 * most every 100 ms and at the end. A record pairs the length of the sink's last commit with
 * positions beyond which nothing had been written at it (for each origin committed <= done), so a
 * restart that cuts the sink to the stored length and reads on from the stored positions repeats
 * and loses nothing. It is taken at a commit, and while the sources are pulled without one: items
 * that are filtered settle, and move the position, although nothing is written.
 *
 * A source attaches at its first pull, the sink at its first put (or at its commit without any).
 * Until then only what was filtered counts, and the record has the sink's length of the last run.
 * States of a source's slot: fresh (nothing stored), stored (offset and validator of an earlier
 * run), lossy (the source has no position). What a source without positions gives cannot be written
 * again, so from its first item on the record names no length and the sink is never cut: the
 * pipeline is best-effort. The positions of the other sources are saved all the same.
 */
#ifndef WR_FLOW_STATE_H
#define WR_FLOW_STATE_H

#include <weir/state.h>

#include "base_export.h"
#include "bytes_origin.h"
#include "loop_core.h"

enum { WR_STATE_SOURCES_MAX = 8, WR_STATE_VALIDATOR_MAX = 200, WR_STATE_SOURCE_NAME_MAX = 160 };

struct wr_state_slot {
    bool stored;     /* an earlier run left offset and validator */
    bool finished;   /* the earlier run read this source to its end */
    bool inside;     /* offset lies inside a line that was cut or skipped: go on behind its end */
    uint64_t offset; /* where to go on: the byte behind the last settled item */
    char validator[WR_STATE_VALIDATOR_MAX]; /* strong ETag or Last-Modified, or a file's identity;
                                               "" none */
    uint64_t items;                         /* given and settled in earlier runs */
    struct wr_origin *origin;               /* of this run; kept alive until the state ends */
    bool lossy;
    bool attached; /* in this run */
    bool expected; /* by a source that was made in this run and may attach later */
    bool read_to_end;
    char name[WR_STATE_SOURCE_NAME_MAX];
};

/* The stored position as an origin keeps it (WR_END_INSIDE). */
static inline uint64_t wr_state_end(const struct wr_state_slot *slot)
{
    return slot->offset | (slot->inside ? WR_END_INSIDE : 0);
}

/* A source of this name was made, which runs when it is pulled: others may attach before it. Gives
 * what an earlier run has left of it, or NULL. */
const struct wr_state_slot *wr_state_expect_source(struct weir_state *state, const char *name);
/* Whether a source was made that may have positions. */
WR_COMMAND_API bool wr_state_expects(const struct weir_state *state);
/* Items that a source with this slot, NULL: none, has given in earlier runs and gives no more. */
static inline uint64_t wr_state_given_before(const struct wr_state_slot *slot)
{
    return slot != NULL && slot->stored ? slot->items : 0;
}
/* 0 and *slot, or a negative code with *error (damaged, locked, another pipeline's: WEIR_EINVAL;
 * I/O: WEIR_EIO): the source fails with it. name: what the source reads, without secrets; an
 * unknown one is refused while a stored one has no source in this run. The source then calls
 * wr_origin_keep_ends(origin, wr_state_end(slot)), unless it says that it cannot resume. */
int wr_state_attach_source(struct weir_state *state, const char *name, struct wr_origin *origin,
                           struct wr_state_slot **slot, weir_error *error);
/* The validator of the entity that is being read; "" or NULL: none, the slot becomes lossy and loses
 * what an earlier run has left in it. */
void wr_state_set_validator(struct weir_state *state, struct wr_state_slot *slot,
                            const char *validator);
/* A source of this state is about to be asked for more: soon, look for what has settled without a
 * commit. Never suspends. */
void wr_state_pulled(struct weir_state *state);
/* The origin is going away (its generator ended): keep its final numbers. finished: it was read to
 * its proper end. */
void wr_state_detach_source(struct weir_state *state, struct wr_state_slot *slot, bool finished);

/* The sink's stored length, or -1 when there is none (nothing is cut). 0, or a negative code with
 * *error. */
int wr_state_attach_sink(struct weir_state *state, int64_t *stored_length, weir_error *error);
/* The file behind the sink, and its path; -1, NULL: none any more. It is synced before a record that
 * names its length is saved, and its name before the first one. A sync that fails ends all saving,
 * and the sink with it. Suspends while a save is under way. */
void wr_state_sink_file(struct weir_state *state, int fd, const char *path);
/* Save once before the sink's first byte: `length` is what is there now. Suspends. 0 or a negative
 * code with *error. */
int wr_state_begin(struct weir_state *state, int64_t length, weir_error *error);
/* These items are about to be written to a sink that can be cut. Items without a position end the
 * cutting, and that is on the disk when this returns. Suspends. 0 or a negative code with *error. */
int wr_state_before_put(struct weir_state *state, const weir_item *items, size_t count,
                        weir_error *error);
/* Whether a restart cuts the sink to the record's length. */
bool wr_state_cuts(const struct weir_state *state);
/* The sink has committed everything up to `length`. Takes a record if nothing beyond the positions
 * was written; starts a save unless one ran less than 100 ms ago (then a timer does). Never
 * suspends. */
void wr_state_committed(struct weir_state *state, int64_t length);
/* Save the newest record now and wait for it. Suspends. 0 or a negative code with *error. */
int wr_state_save(struct weir_state *state, weir_error *error);
/* The failure of opening, NULL if none. */
const weir_error *wr_state_failure(const struct weir_state *state);
/* Is anything durable here: false when no source has a position. */
WR_COMMAND_API bool wr_state_durable(const struct weir_state *state);

#endif
