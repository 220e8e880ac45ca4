/*
 * flow_state.h - the durable record of a pipeline: positions of its sources and the length of its
 * sink at one commit. Internal; for programs: <weir/state.h>.
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
 * A source has one slot, or one for each of its parts (files, partitions), each with an origin.
 */
#ifndef WR_FLOW_STATE_H
#define WR_FLOW_STATE_H

#include <weir/source.h>

#include "base_export.h"
#include "bytes_origin.h"
#include "flow_position.h"
#include "loop_core.h"

/* What is known of where a source goes on. */
enum wr_proof {
    WR_PROOF_PENDING = 0, /* nothing yet */
    WR_PROOF_EXACT,       /* it is the same stream, and goes on where it has left off */
    WR_PROOF_NONE         /* it has no position */
};

/* How far a slot's source is done. */
struct wr_state_moment {
    bool known; /* in this run; else what is stored stands */
    bool finished;
    uint64_t number; /* of the origin */
    uint64_t items;  /* given and settled, over all runs */
};

/* A place in a source where a restart goes on. Read-only but for flow_state*.c. */
struct wr_state_slot {
    struct weir_state *state;
    char *name;                  /* of the source: what it reads, without secrets */
    char *stored;                /* the position that an earlier run has left; NULL: none */
    uint64_t items;              /* given and settled in earlier runs */
    bool finished;               /* an earlier run read it to its end */
    uint8_t proof;               /* enum wr_proof */
    bool expected;               /* a source was made in this run that may attach later */
    bool attached;               /* it has */
    bool read_to_end;            /* in this run */
    bool retired;                /* over: left out of the record once its items have settled */
    struct wr_origin *origin;    /* of this run; kept alive until the state ends */
    struct wr_state_moment seen; /* at the last look */
    struct wr_state_moment kept; /* at the last look at which the moment fitted */
};

/* A source of this name was made, which runs when it is pulled: others may attach before it. Its
 * slot; NULL: the state cannot be used, or there is no memory (attaching says so). */
const struct wr_state_slot *wr_state_expect_source(struct weir_state *state, const char *name);
/* Was there any? Without one nothing has a position. */
WR_COMMAND_API bool wr_state_expects(const struct weir_state *state);
/* Items that a source with this slot, NULL: none, has given in earlier runs and gives no more. */
static inline uint64_t wr_state_given_before(const struct wr_state_slot *slot)
{
    return slot != NULL && slot->stored != NULL ? slot->items : 0;
}
/* 0 and *slot, or a negative code with *error (damaged, locked, another pipeline's: WEIR_EINVAL;
 * I/O: WEIR_EIO; WEIR_ENOMEM): the source fails with it. name: what the source reads, without
 * secrets; an unknown one is refused while a stored one has no source in this run. The source then
 * gives its origin positions (wr_origin_keep_positions), from slot->stored on. */
int wr_state_attach_source(struct weir_state *state, const char *name, struct wr_origin *origin,
                           struct wr_state_slot **slot, weir_error *error);
/* For a source of several parts: the next slot of this name that has no part in this run, behind
 * `after` (NULL: the first). NULL: no more. */
struct wr_state_slot *wr_state_next_slot(struct weir_state *state, const char *name,
                                         const struct wr_state_slot *after);
/* This part goes on; slot NULL: it is a new one. As wr_state_attach_source. */
int wr_state_attach_slot(struct weir_state *state, struct wr_state_slot **slot, const char *name,
                         struct wr_origin *origin, weir_error *error);
/* The part is over: out of the record once all its items have settled. */
void wr_state_retire(struct wr_state_slot *slot);
/* What the source says of where it goes on. NONE: what an earlier run has left in the slot is
 * gone. */
void wr_state_prove(struct wr_state_slot *slot, enum wr_proof proof);
/* A stored position that its source cannot read: WEIR_EINVAL with *error. */
int wr_state_bad_position(const struct wr_state_slot *slot, weir_error *error);
/* A source of this state is about to be asked for more: soon, look for what has settled without a
 * commit. Never suspends. */
void wr_state_pulled(struct weir_state *state);
/* The generator ended: the origin's numbers are final. finished: it was read to its proper end. */
void wr_state_detach_source(struct wr_state_slot *slot, bool finished);

/* The sink's stored length, or -1 when there is none (nothing is cut). name: what it writes to,
 * without secrets; that of the stored one must be the same. 0, or a negative code with *error. */
int wr_state_attach_sink(struct weir_state *state, const char *name, int64_t *stored_length,
                         weir_error *error);
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
/* The sink has committed everything up to `length`. Saves if nothing beyond the positions was
 * written, unless a save ran less than 100 ms ago (then a timer does). Never suspends. */
void wr_state_committed(struct weir_state *state, int64_t length);
/* Save what has settled now and wait for it. Suspends. 0 or a negative code with *error. */
int wr_state_save(struct weir_state *state, weir_error *error);
/* The failure of opening, NULL if none. */
const weir_error *wr_state_failure(const struct weir_state *state);
/* Is anything durable here: false when no source has a position. */
WR_COMMAND_API bool wr_state_durable(const struct weir_state *state);

#endif
