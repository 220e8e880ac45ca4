/*
 * flow_state_inside.h - what the files of the state share. Other files must not use it.
 *
 *   flow_state.c         opening and ending; moments become records, and records are saved
 *   flow_state_slots.c   the sources: their slots and positions
 *   flow_state_sink.c    the sinks: their lengths, and whether they are cut
 *   flow_state_beside.c  files that are synced with the record and not in it, or change
 *   flow_state_word.c    the promised delivery
 *   flow_state_ahead.c   a moment for a file that is ahead of a stream's reader
 *   flow_state_half.c    half an item at the end of an input that may grow
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
    struct wr_state_sink *beside; /* files that are synced, and not in the record */
    int sink_lost;   /* errno of a failed sync of a sink's file: written bytes may be lost, and a
                      later sync would not report it; 0: none failed */
    int sync_number; /* of the worker's last sync: errno, or 0; sink_lost when the worker is done */
    bool wants_next; /* a sink may want another file */
    bool measures;   /* a sink has a length that the next run may cut it to */
    bool lossy;      /* some items have no position: nothing is cut */
    bool cuttable;   /* the record on the disk, or being written, has a length */
    /* words */
    void (*watch)(void *ctx, int word, const char *text); /* NULL: the word is logged */
    void *watch_ctx;
    int word, required;   /* enum weir_delivery; word -1: not known yet */
    char lossy_name[128]; /* the source of items without a position */
    /* half an item */
    bool half;    /* the `before` values of slots and sinks are one moment */
    bool decided; /* it is decided whether this run continues after or before the half item */
    /* noted ahead */
    bool wants_ahead; /* the current moment does not fit, and none is noted */
    bool is_ahead;    /* the `ahead` values of slots and sinks are one moment */
    /* saving */
    bool news;                /* something may have settled since the last record */
    bool early;               /* a record was saved before the sink has begun */
    struct wr_growing fresh;  /* the record being made */
    struct wr_growing handed; /* the last one handed to the worker, which owns it while work.busy */
    size_t handed_same; /* its length without the lines saved, crc32c; 0: it is not on the disk */
    struct wr_growing scratch;
    struct wr_growing given; /* weir_state_text */
    struct wr_timer timer, look_timer;
    int64_t saved_ns; /* when the last save was started */
    struct wr_work work;
    int error_number;
    const char *error_step;
    bool parent_synced;
    bool failure_logged; /* it was logged that saving fails */
};

extern struct weir_state wr_state_no_memory;

/* flow_state.c */

/* At the start of each public function. */
void wr_state_given(const struct weir_state *state, const char *verb);
/* Would a record hold a position? If all positions are of an earlier run, they count only when the
 * record must lose its length. */
bool wr_state_worth_saving(const struct weir_state *state);
/* Something may have settled: save it now, or when the last save is old enough. */
void wr_state_save_soon(struct weir_state *state);
/* Wait for a running save. Suspends. */
void wr_state_wait(struct weir_state *state);
/* 0: the state can be used. Else the code of the failure of opening, with *error. */
int wr_state_usable(const struct weir_state *state, weir_error *error);

/* Has a sink begun? */
bool wr_state_begun(const struct weir_state *state);
/* Keep the current moment, if it fits (see flow_state.c). */
void wr_state_look(struct weir_state *state);

/* flow_state_slots.c */

/* Make the slots of a record that was read. The record stays the caller's. 0 or WEIR_ENOMEM. */
int wr_state_adopt_sources(struct weir_state *state, const struct wr_record *record);
/* Forget the positions and lengths of earlier runs. */
void wr_state_forget_stored(struct weir_state *state);
/* Free all slots. */
void wr_state_slots_fini(struct weir_state *state);
/* Free the retired slots whose items have all settled: they leave the record. */
void wr_state_drop_retired(struct weir_state *state);
/* The position of a moment, lent until the next call; NULL: none, or no memory (then
 * state->scratch.failed is set). */
char *wr_state_position(struct weir_state *state, const struct wr_state_slot *slot,
                        const struct wr_state_moment *moment);
/* Tell the slot's positions that numbers before the kept moment are not needed any more. */
void wr_state_forget(const struct wr_state_slot *slot);
/* Is the kept position of this slot one of half an item? */
bool wr_state_is_half(const struct wr_state_slot *slot);
/* The moment of a slot as if the references in `flat` were released as committed, and the last item
 * that would have settled. 0 or WEIR_ENOMEM. */
int wr_state_see_without(const struct wr_state_slot *slot, const struct wr_runs *flat,
                         struct wr_state_moment *moment, uint64_t *done);
/* Write the slot into a record, if it has a position. half: with the moment before. */
void wr_state_put_slot(struct weir_state *state, struct wr_growing *to,
                       const struct wr_state_slot *slot, const struct wr_state_moment *moment,
                       bool half);

/* flow_state_sink.c */

/* Make the sinks of a record that was read. 0 or WEIR_ENOMEM. */
int wr_state_adopt_sinks(struct weir_state *state, const struct wr_record *record);
void wr_state_sinks_fini(struct weir_state *state);
/* Settle the items that the sinks' far ends have taken. True: some are left. */
bool wr_state_sample(const struct weir_state *state);
/* Write all sinks into a record. half: with the moment before. */
void wr_state_put_sinks(const struct weir_state *state, struct wr_growing *to, bool half);
/* Runs on the worker. 0 or errno. */
int wr_state_sync_sinks(struct weir_state *state);
/* A source is about to be pulled: call the sinks that want another file. */
void wr_state_offer_next(struct weir_state *state);
/* A save begins: what the sinks have written so far is what the worker syncs. */
void wr_state_hand_sinks(struct weir_state *state);
/* A sink's file could not be synced: returns WEIR_EIO with *error. */
int wr_state_lost(const struct weir_state *state, weir_error *error);
/* From now on nothing is cut. who: the source of items without a position. */
void wr_state_end_cutting(struct weir_state *state, const char *who);

/* flow_state_ahead.c */

/* At a pull: note a moment ahead, if it is wanted and possible. */
void wr_state_note_ahead(struct weir_state *state);
/* Is there a moment noted ahead that has been reached? Then it may be taken. */
bool wr_state_reaches_ahead(struct weir_state *state);
void wr_state_take_ahead(struct weir_state *state);

/* flow_state_word.c */

/* The word may have changed: compute it again, and report it if it has. */
void wr_state_tell(struct weir_state *state);
/* WEIR_EINVAL with *error if the word is weaker than what is required; else 0. */
int wr_state_short_of(const struct weir_state *state, weir_error *error);

/* flow_state_half.c */

/* Before the first source continues: decide whether this run continues after half an item, or
 * before it. */
void wr_state_decide(struct weir_state *state);

#endif
