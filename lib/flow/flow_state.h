/*
 * flow_state.h - the durable record of a pipeline: positions of its sources and the length of its
 * sink at one commit. Internal; for programs: <weir/state.h>.
 *
 * There is one file per pipeline in a folder. It is locked while in use and has a checksum, and the
 * previous record is kept beside it. The worker thread of the loop writes it (temporary file,
 * fsync, rename, fsync of the folder), at most every 100 ms and at the end. A record pairs the
 * length of the sink's last commit with positions. Nothing beyond these positions had been written
 * at that commit (for each origin committed <= done). A restart cuts the sink to the stored length
 * and reads on from the stored positions, so it repeats and loses nothing. A record is taken at a
 * commit. It is also taken without one while the sources are pulled: filtered items settle, and
 * move the position, although nothing is written.
 *
 * A source attaches at its first pull, the sink at its first put (or at its commit if there was no
 * put). Until then only filtered items count, and the record has the sink's length of the last run.
 * A source has one slot, or one for each of its parts (files, partitions), each with an origin.
 */
#ifndef WR_FLOW_STATE_H
#define WR_FLOW_STATE_H

#include <weir/source.h>

#include "bytes_origin.h"
#include "flow_position.h"
#include "loop_core.h"

/* What is known about where a source continues. */
enum wr_proof {
    WR_PROOF_PENDING = 0, /* nothing yet */
    WR_PROOF_EXACT,       /* it is the same stream, and continues where the last run ended */
    WR_PROOF_WEAK,        /* it continues, perhaps with a gap or with repeats */
    WR_PROOF_NONE         /* it has no position */
};

/* How far a slot's source is done. */
struct wr_state_moment {
    bool known; /* in this run; else the stored values are valid */
    bool finished;
    uint64_t number; /* the origin's position number */
    uint64_t items;  /* given and settled, over all runs */
};

/* Does the input still end at this position? The position is one of half an item at the end. */
typedef bool wr_state_still(struct weir_state *state, const char *name, const char *position);

/* A place in a source where a restart continues. Only flow_state*.c may change it. */
struct wr_state_slot {
    struct weir_state *state;
    wr_state_still *still;
    char *name;   /* of the source: what it reads, without secrets */
    char *stored; /* the position of an earlier run; NULL: none */
    char *before; /* the position at the moment before half an item; NULL: the beginning */
    uint64_t before_items;
    uint64_t items;               /* given and settled in earlier runs */
    bool finished;                /* an earlier run read it to its end */
    uint8_t proof;                /* enum wr_proof */
    bool expected;                /* a source was made in this run that may attach later */
    bool again;                   /* each run reads it from its beginning (flow_replay.h) */
    bool attached;                /* the source has attached */
    bool detached;                /* its generator has ended */
    bool read_to_end;             /* in this run */
    bool retired;                 /* over: left out of the record once its items have settled */
    struct wr_origin *origin;     /* in this run; kept alive until the state ends */
    struct wr_state_moment seen;  /* at the last look */
    struct wr_state_moment kept;  /* at the last look that could be saved (flow_state.c) */
    struct wr_state_moment ahead; /* noted ahead (flow_state_ahead.c) ... */
    uint64_t ahead_done;          /* ... for when this item has settled */
};

/* A source of this name was made. It attaches when it is pulled, so others may attach before it.
 * Returns its slot; NULL: the state cannot be used, or there is no memory (attaching reports this).
 * still: NULL if no position is of half an item. */
struct wr_state_slot *wr_state_expect_source(struct weir_state *state, const char *name,
                                             wr_state_still *still);
/* Items that a source with this slot has given in earlier runs and does not give again. If the last
 * of them was half an item, this decides whether it comes again. slot may be NULL: there is none. */
uint64_t wr_state_given_before(const struct wr_state_slot *slot);
/* Does this run continue an earlier one that has not read all sources to their end? */
bool wr_state_goes_on(const struct weir_state *state);
/* A source of this name begins: may it continue with this record? 0, or a code as
 * wr_state_attach_source, which calls this for a source of one part. */
int wr_state_begin_source(struct weir_state *state, const char *name, weir_error *error);
/* 0 and *slot, or a negative code with *error: the source fails with it. WEIR_EINVAL: damaged,
 * locked, or another pipeline's; WEIR_EIO: I/O; WEIR_ENOMEM. name: what the source reads, without
 * secrets. An unknown name is refused while a stored name has no source in this run. The source
 * then gives its origin positions (wr_origin_keep_positions), from slot->stored on. */
int wr_state_attach_source(struct weir_state *state, const char *name, struct wr_origin *origin,
                           struct wr_state_slot **slot, weir_error *error);
/* For a source of several parts: the next slot of this name, after `after` (NULL: the first), that
 * has no part in this run. NULL: no more. */
struct wr_state_slot *wr_state_next_slot(struct weir_state *state, const char *name,
                                         const struct wr_state_slot *after);
/* This part continues; *slot NULL: it is a new one. Returns as wr_state_attach_source. */
int wr_state_attach_slot(struct weir_state *state, struct wr_state_slot **slot, const char *name,
                         struct wr_origin *origin, weir_error *error);
/* This new part, which has proven its place, is in each record from now on: at first with the place
 * where it begins. A part that begins in the middle of a run needs this, and wr_state_save before
 * its first item is given: else a restart that cuts the sink does not know that its items are
 * missing. Again, when more is known of the place. 0 or WEIR_ENOMEM. */
int wr_state_keep_start(struct wr_state_slot *slot);
/* The part is over: once all its items have settled, it leaves the record and the slot is freed. */
void wr_state_retire(struct wr_state_slot *slot);
/* What the source reports about where it continues. NONE: the position of an earlier run in this
 * slot is dropped. */
void wr_state_prove(struct wr_state_slot *slot, enum wr_proof proof);
/* The record has a position in this slot, and none for `lacks`: returns WEIR_EINVAL with *error. */
int wr_state_of_another(const struct wr_state_slot *has, const char *lacks, weir_error *error);
/* For a stored position that its source cannot read: returns WEIR_EINVAL with *error. */
int wr_state_bad_position(const struct wr_state_slot *slot, weir_error *error);
/* A source of this state is about to be pulled: soon after, look for items that have settled
 * without a commit. Never suspends. */
void wr_state_pulled(struct weir_state *state);
/* Half an item, at the end of an input that may grow, is about to be given, with WR_END_HALF in its
 * number. Keep the moment before it: a restart goes back to it if the input has grown by then
 * (flow_state_half.c). 0 or WEIR_ENOMEM. */
int wr_state_before_half(struct weir_state *state);
/* The generator ended: the origin's numbers are final. finished: it was read to its proper end. */
void wr_state_detach_source(struct wr_state_slot *slot, bool finished);

/* A sink of a state. Only flow_state*.c may change it. */
struct wr_state_sink {
    struct weir_state *state;
    char *name;                /* what it writes to, without secrets */
    const char *promise;       /* the reason for `word` */
    uint8_t word;              /* what a restart leaves in it: enum weir_delivery */
    bool transacts;            /* it keeps the positions itself, with its items */
    bool known;                /* from the record of the last run */
    bool expected;             /* a sink was made in this run that may attach later */
    bool attached;             /* the sink has attached */
    int64_t stored;            /* its length in the record of the last run; -1: nothing is cut */
    int64_t length;            /* committed in this run; -1: it has not begun */
    int64_t synced;            /* the length of its file that is on the disk */
    int64_t handed;            /* its length when the last sync started */
    int64_t kept;              /* its length at the moment that is kept; -1: none */
    int64_t before;            /* ... at the moment before half an item; -1: not begun then */
    int64_t ahead;             /* its length at the moment that is noted ahead */
    bool (*sample)(void *ctx); /* wr_state_sink_samples; NULL: a commit settles */
    int (*unread)(void *ctx, struct wr_runs *to);
    void *sample_ctx;
    void (*renew)(void *ctx); /* it wants another file: wr_state_sink_wants_next; NULL */
    void *renew_ctx;
    struct wr_state_sink *next; /* of those beside the record */
    int fd;                     /* its file; -1: none */
    int folder;                 /* the folder of the file, until the file's name is synced; -1 */
    int moved;                  /* the folder of a file that was renamed, for the next save; -1 */
};

/* A sink of this name was made. NULL: the state cannot be used, or there is no memory (attaching
 * reports this). word, promise (static): what it promises as far as that is known. */
struct wr_state_sink *wr_state_expect_sink(struct weir_state *state, const char *name, int word,
                                           const char *promise);
/* Call before the sink's first byte. A name that is not in the last run's record is refused while
 * that record has a sink that is not in this run. 0 and *sink, or a negative code with *error. */
int wr_state_attach_sink(struct weir_state *state, const char *name, struct wr_state_sink **sink,
                         weir_error *error);
/* For a sink whose items settle when its far end has taken them. sample is called before a moment
 * is looked at: it settles these items, and returns whether some are left; then there is another
 * look soon. unread adds the runs of the items that are left, without references; 0 or WEIR_ENOMEM.
 * They must not suspend. NULL: stop calling them. */
void wr_state_sink_samples(struct wr_state_sink *sink, bool (*sample)(void *ctx),
                           int (*unread)(void *ctx, struct wr_runs *to), void *ctx);
/* Set what the sink promises, now that it is known. */
void wr_state_promise(struct wr_state_sink *sink, int word, const char *promise);
/* Open the folder of a file; -1: it cannot be opened, for example without permission to read it. */
int wr_state_folder_of(const struct wr_disk *disk, const char *path);
/* The sink's file, and its path (NULL: not known). The file is synced before a record with its length is saved, and
 * its name before the first record. A sync that fails ends all saving, and the sink too. */
void wr_state_sink_file(struct wr_state_sink *sink, int fd, const char *path);
/* The sink has committed everything to its file, whose name another file has now, or none. If the
 * record can tell that all of it is delivered, save one in which the sink has the next file, which
 * has `length` bytes; the old one and its new name are synced before, and it is to be closed by the caller after
 * wr_state_save. False: not now, since something that was written is still held elsewhere. Never
 * suspends. */
bool wr_state_sink_renews(struct wr_state_sink *sink, const char *path, int64_t length);
/* The sink's file has another name now. From now on, call fn when a source of the state is about to be
 * pulled: a commit finds items that are still lent, a pull does not. It must not suspend. NULL: call
 * none. */
void wr_state_sink_wants_next(struct wr_state_sink *sink, void (*fn)(void *ctx), void *ctx);
/* A file that has no length in the record, and is synced before each record: *sink. The caller sets
 * sink->length when it has written. Suspends. 0 or a negative code with *error. */
int wr_state_sink_beside(struct weir_state *state, int fd, const char *path,
                         struct wr_state_sink **sink, weir_error *error);
/* The file is about to be closed: sync it, and forget it. Suspends. 0 or WEIR_EIO with *error. */
int wr_state_beside_over(struct wr_state_sink *sink, weir_error *error);
/* The file is about to be closed: sync it now for the records that follow. Suspends. 0 or WEIR_EIO
 * with *error. */
int wr_state_sink_closes(struct wr_state_sink *sink, weir_error *error);

enum wr_cut {
    WR_CUT_NOT = 0, /* the source *who has not shown where it continues */
    WR_CUT_YES,
    WR_CUT_IF_SAME /* only if the first bytes to be written equal the bytes to be cut: the source
                      *who can show no more than that */
};
/* May the bytes beyond the stored length be cut? Waits until the sources have reported where they
 * continue. Suspends. An enum wr_cut, or a negative code with *error. *who lives as long as the
 * state. */
int wr_state_may_cut(struct weir_state *state, const char **who, weir_error *error);
/* Save once before the sink's first byte: `length` is the sink's length now. Suspends. 0 or a
 * negative code with *error. */
int wr_state_begin(struct wr_state_sink *sink, int64_t length, weir_error *error);
/* These items are about to be written to a sink that can be cut. Items without a position end all
 * cutting; this is on the disk when the call returns. Suspends. 0 or a negative code with *error.
 */
int wr_state_before_put(struct weir_state *state, const weir_item *items, size_t count,
                        weir_error *error);
/* Does a restart cut a sink to the record's length? */
bool wr_state_cuts(const struct weir_state *state);
/* The sink has committed everything up to `length`. Saves if nothing beyond the positions was
 * written. If a save ran less than 100 ms ago, a timer does it later. Never suspends. */
void wr_state_committed(struct wr_state_sink *sink, int64_t length);
/* Save what has settled until now and wait for the save. Suspends. 0 or a negative code with
 * *error. */
int wr_state_save(struct weir_state *state, weir_error *error);
/* The same also before the sinks have begun: for a source whose place is worth a record before its
 * first item is given. */
int wr_state_save_start(struct weir_state *state, weir_error *error);
/* The disk of its files. */
const struct wr_disk *wr_state_disk(const struct weir_state *state);
/* The failure of opening, NULL if none. */
const weir_error *wr_state_failure(const struct weir_state *state);

#endif
