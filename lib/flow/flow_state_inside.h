/*
 * flow_state_inside.h - what the files of the state share. Not for others.
 *
 *   flow_state.c         life; moments become records, and records are saved
 *   flow_state_slots.c   the sources: their slots and positions
 *   flow_state_sink.c    the sinks: their lengths, and whether they are cut
 *   flow_state_word.c    what is promised
 *   flow_state_half.c    half an item at the end of what may grow
 *   flow_state_text.c    a record that the sink keeps by itself
 *   flow_state_file.c    the record's files
 *   flow_state_record.c  the record's text
 */
#ifndef WR_FLOW_STATE_INSIDE_H
#define WR_FLOW_STATE_INSIDE_H

#include "flow_state.h"
#include "flow_state_file.h"
#include "loop_scope.h"
#include "loop_work.h"

struct weir_state {
    struct wr_object object;
    struct weir_loop *loop;
    weir_error failure; /* code 0: none */
    struct wr_state_place place;
    char *text; /* of the pipeline; NULL: not known */
    /* sources */
    struct wr_state_slot **slots;
    size_t slots_count, slots_cap;
    bool expects; /* a source was made that may have positions */
    /* sinks */
    struct wr_state_sink **sinks;
    size_t sinks_count, sinks_cap;
    int sink_lost; /* errno of a sync of a sink's file that has failed: what was written may be gone,
                      and a later sync would not say so; 0 */
    bool lossy;    /* something without a position is given: nothing is cut */
    bool cuttable; /* the record on the disk, or on its way there, has a length */
    /* words */
    void (*watch)(void *ctx, int word, const char *text); /* NULL: the log is told */
    void *watch_ctx;
    int word, required;   /* enum weir_delivery; word -1: not known yet */
    char lossy_name[128]; /* what has no position */
    /* half an item */
    bool half;    /* the `before` of slots and sinks make a moment */
    bool decided; /* whether this run goes on behind or before it */
    /* saving */
    bool news;                /* since the last record something may have settled */
    bool early;               /* saved before the sink has begun */
    struct wr_growing fresh;  /* the record being made */
    struct wr_growing handed; /* the one that was handed over last: the worker's while work.busy */
    size_t handed_same; /* so many bytes of it say what has settled; 0: it is not on the disk */
    struct wr_growing scratch;
    struct wr_growing given; /* weir_state_text */
    struct wr_timer timer, look_timer;
    int64_t saved_ns; /* when the last save was started */
    struct wr_work work;
    int error_number;
    const char *error_step;
    bool parent_synced;
    bool told; /* that saving fails */
};

extern struct weir_state wr_state_no_memory;

/* flow_state.c */

/* At the door of each public function. */
void wr_state_given(const struct weir_state *state, const char *verb);
/* Whether a record would hold a position. Those of an earlier run alone count only where the record
 * is to lose its length. */
bool wr_state_worth_saving(const struct weir_state *state);
/* Something may have settled: save it now, or when the last save is old enough. */
void wr_state_save_soon(struct weir_state *state);
/* Suspends. */
void wr_state_wait(struct weir_state *state);
/* *error is the failure of opening, and so is the code; 0: it can be used. */
int wr_state_usable(const struct weir_state *state, weir_error *error);

/* Has a sink begun? */
bool wr_state_begun(const struct weir_state *state);
/* The moment that is kept becomes the one that is now, if it fits. */
void wr_state_look(struct weir_state *state);

/* flow_state_slots.c */

/* The slots of a record that was read. Takes nothing. 0 or WEIR_ENOMEM. */
int wr_state_adopt_sources(struct weir_state *state, const struct wr_record *record);
/* What earlier runs have left of sources and sinks is not known any more. */
void wr_state_forget_stored(struct weir_state *state);
/* All slots end. */
void wr_state_slots_fini(struct weir_state *state);
/* Slots that are over leave the record. */
void wr_state_drop_retired(struct weir_state *state);
/* The position of a moment, lent until the next call; NULL: none, or no memory, which
 * state->scratch.failed says. */
char *wr_state_position(struct weir_state *state, const struct wr_state_slot *slot,
                        const struct wr_state_moment *moment);
/* Nothing before what is kept is asked for any more. */
void wr_state_forget(const struct wr_state_slot *slot);
/* Is what is kept of it half an item? */
bool wr_state_is_half(const struct wr_state_slot *slot);
/* The slot goes into a record, if it has a position. half: with the moment before. */
void wr_state_put_slot(struct weir_state *state, struct wr_growing *to,
                       const struct wr_state_slot *slot, const struct wr_state_moment *moment,
                       bool half);

/* flow_state_sink.c */

/* The sinks of a record that was read. 0 or WEIR_ENOMEM. */
int wr_state_adopt_sinks(struct weir_state *state, const struct wr_record *record);
void wr_state_sinks_fini(struct weir_state *state);
/* What their far ends have taken settles. Is anything left? */
bool wr_state_sample(const struct weir_state *state);
/* All sinks go into a record. half: with the moment before. */
void wr_state_put_sinks(const struct weir_state *state, struct wr_growing *to, bool half);
/* On the worker: 0 or errno. */
int wr_state_sync_sinks(struct weir_state *state);
/* A sink's file could not be synced: WEIR_EIO with *error. */
int wr_state_lost(const struct weir_state *state, weir_error *error);
/* From now on nothing is cut. who: gives items without a position. */
void wr_state_end_cutting(struct weir_state *state, const char *who);

/* flow_state_word.c */

/* Something has changed that the word may depend on. */
void wr_state_tell(struct weir_state *state);
/* The word is less than what is required: WEIR_EINVAL with *error; else 0. */
int wr_state_short_of(const struct weir_state *state, weir_error *error);

/* flow_state_half.c */

/* Before the first source goes on: does this run go on behind half an item, or before it? */
void wr_state_decide(struct weir_state *state);

#endif
