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

#include "bytes_origin.h"
#include "flow_position.h"
#include "loop_core.h"

/* What is known of where a source goes on. */
enum wr_proof {
    WR_PROOF_PENDING = 0, /* nothing yet */
    WR_PROOF_EXACT,       /* it is the same stream, and goes on where it has left off */
    WR_PROOF_WEAK,        /* it goes on, perhaps with a gap or with repeats */
    WR_PROOF_NONE         /* it has no position */
};

/* How far a slot's source is done. */
struct wr_state_moment {
    bool known; /* in this run; else what is stored stands */
    bool finished;
    uint64_t number; /* of the origin */
    uint64_t items;  /* given and settled, over all runs */
};

/* Does what is read still end where this position says, which is of half an item at its end? */
typedef bool wr_state_still(struct weir_state *state, const char *name, const char *position);

/* A place in a source where a restart goes on. Read-only but for flow_state*.c. */
struct wr_state_slot {
    struct weir_state *state;
    wr_state_still *still;
    char *name;   /* of the source: what it reads, without secrets */
    char *stored; /* the position that an earlier run has left; NULL: none */
    char *before; /* at the moment before half an item; NULL: at the beginning */
    uint64_t before_items;
    uint64_t items;              /* given and settled in earlier runs */
    bool finished;               /* an earlier run read it to its end */
    uint8_t proof;               /* enum wr_proof */
    bool expected;               /* a source was made in this run that may attach later */
    bool attached;               /* it has */
    bool detached;               /* its generator has ended */
    bool read_to_end;            /* in this run */
    bool retired;                /* over: left out of the record once its items have settled */
    struct wr_origin *origin;    /* of this run; kept alive until the state ends */
    struct wr_state_moment seen; /* at the last look */
    struct wr_state_moment kept; /* at the last look at which the moment fitted */
};

/* A source of this name was made, which runs when it is pulled: others may attach before it. Its
 * slot; NULL: the state cannot be used, or there is no memory (attaching says so). still: NULL where
 * no position is of half an item. */
const struct wr_state_slot *wr_state_expect_source(struct weir_state *state, const char *name,
                                                   wr_state_still *still);
/* Items that a source with this slot, NULL: none, has given in earlier runs and gives no more. */
static inline uint64_t wr_state_given_before(const struct wr_state_slot *slot)
{
    return slot != NULL && slot->stored != NULL ? slot->items : 0;
}
/* A source of this name begins: may it go on with this record? 0, or as wr_state_attach_source, which
 * does it for a source of one part. */
int wr_state_begin_source(struct weir_state *state, const char *name, weir_error *error);
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
/* The part is over: out of the record once all its items have settled, and the slot is gone. */
void wr_state_retire(struct wr_state_slot *slot);
/* What the source says of where it goes on. NONE: what an earlier run has left in the slot is
 * gone. */
void wr_state_prove(struct wr_state_slot *slot, enum wr_proof proof);
/* A stored position that its source cannot read: WEIR_EINVAL with *error. */
int wr_state_bad_position(const struct wr_state_slot *slot, weir_error *error);
/* A source of this state is about to be asked for more: soon, look for what has settled without a
 * commit. Never suspends. */
void wr_state_pulled(struct weir_state *state);
/* Half an item at the end of what may grow is about to be given, with WR_END_HALF in its number: keep
 * the moment before it, to which a restart goes back if there is more by then (flow_state_half.c). 0 or
 * WEIR_ENOMEM. */
int wr_state_before_half(struct weir_state *state);
/* The generator ended: the origin's numbers are final. finished: it was read to its proper end. */
void wr_state_detach_source(struct wr_state_slot *slot, bool finished);

/* A sink of a state. Read-only but for flow_state*.c. */
struct wr_state_sink {
    struct weir_state *state;
    char *name;                /* what it writes to, without secrets */
    const char *promise;       /* why its word is what it is */
    uint8_t word;              /* what a restart leaves in it: enum weir_delivery */
    bool transacts;            /* it keeps the positions itself, with its items */
    bool known;                /* from the record of the last run */
    bool expected;             /* a sink was made in this run that may attach later */
    bool attached;             /* it has */
    int64_t stored;            /* its length in the record of the last run; -1: nothing is cut */
    int64_t length;            /* committed in this run; -1: it has not begun */
    int64_t synced;            /* so much of its file is on the disk */
    int64_t handed;            /* its length when a sync was begun */
    int64_t kept;              /* of the moment that is kept; -1: none */
    int64_t before;            /* at the moment before half an item; -1: not begun then */
    bool (*sample)(void *ctx); /* wr_state_sink_samples; NULL: a commit settles */
    void *sample_ctx;
    int fd;     /* its file; -1: none */
    int folder; /* in which the file lies, until its name is synced; -1 */
};

/* A sink of this name was made. NULL: the state cannot be used, or there is no memory (attaching says
 * so). word, promise (static): what it promises as far as that is known. */
struct wr_state_sink *wr_state_expect_sink(struct weir_state *state, const char *name, int word,
                                           const char *promise);
/* Before its first byte. A name that the last run's record does not have is refused while one that it
 * has is no sink of this run. 0 and *sink, or a negative code with *error. */
int wr_state_attach_sink(struct weir_state *state, const char *name, struct wr_state_sink **sink,
                         weir_error *error);
/* Its items settle when its far end has taken them. sample is called before a moment is looked at, to
 * settle those, and says whether some are left: then there is another look soon. It must not suspend.
 * NULL: no more. */
void wr_state_sink_samples(struct wr_state_sink *sink, bool (*sample)(void *ctx), void *ctx);
/* It is known now what it promises. */
void wr_state_promise(struct wr_state_sink *sink, int word, const char *promise);
/* The file behind the sink, and its path. It is synced before a record that names its length is saved,
 * and its name before the first one. A sync that fails ends all saving, and the sink with it. */
void wr_state_sink_file(struct wr_state_sink *sink, int fd, const char *path);
/* The file is about to be closed: what later records may say of it is synced now. Suspends. 0 or
 * WEIR_EIO with *error. */
int wr_state_sink_closes(struct wr_state_sink *sink, weir_error *error);

enum wr_cut {
    WR_CUT_NOT = 0, /* *who has not shown where it goes on */
    WR_CUT_YES,
    WR_CUT_IF_SAME /* if the first bytes to be written are those that would be cut: *who can show no
                      more than that */
};
/* May what is written beyond the stored length be cut? Waits for what the sources say of where they
 * go on. Suspends. An enum wr_cut, or a negative code with *error. *who lives as long as the state. */
int wr_state_may_cut(struct weir_state *state, const char **who, weir_error *error);
/* Save once before the sink's first byte: `length` is what is there now. Suspends. 0 or a negative
 * code with *error. */
int wr_state_begin(struct wr_state_sink *sink, int64_t length, weir_error *error);
/* These items are about to be written to a sink that can be cut. Items without a position end the
 * cutting, and that is on the disk when this returns. Suspends. 0 or a negative code with *error. */
int wr_state_before_put(struct weir_state *state, const weir_item *items, size_t count,
                        weir_error *error);
/* Whether a restart cuts a sink to the record's length. */
bool wr_state_cuts(const struct weir_state *state);
/* The sink has committed everything up to `length`. Saves if nothing beyond the positions was
 * written, unless a save ran less than 100 ms ago (then a timer does). Never suspends. */
void wr_state_committed(struct wr_state_sink *sink, int64_t length);
/* Save what has settled now and wait for it. Suspends. 0 or a negative code with *error. */
int wr_state_save(struct weir_state *state, weir_error *error);
/* What its files are on. */
const struct wr_disk *wr_state_disk(const struct weir_state *state);
/* The failure of opening, NULL if none. */
const weir_error *wr_state_failure(const struct weir_state *state);

#endif
