/*
 * flow_state_inside.h - what the files of the state share. Not for others.
 *
 *   flow_state.c         life; moments become records, and records are saved
 *   flow_state_slots.c   the sources: their slots and positions
 *   flow_state_sink.c    the sink: its length, and whether it is cut
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
    /* sink */
    char *sink_name;     /* NULL: none yet */
    int64_t sink_stored; /* -1: none */
    int64_t sink_length; /* committed in this run; -1: nothing begun */
    int64_t kept_length; /* of the moment that is kept */
    int sink_fd;         /* -1: none */
    int sink_folder;     /* in which the file lies, until its name is synced; -1 */
    int sink_lost; /* errno of a sync of the file that has failed: what was written may be gone, and
                      a later sync would not say so; 0 */
    bool lossy;    /* something without a position is given: nothing is cut */
    bool cuttable; /* the record on the disk, or on its way there, has a length */
    /* saving */
    bool news;                /* since the last record something may have settled */
    bool early;               /* saved before the sink has begun */
    struct wr_growing fresh;  /* the record being made */
    struct wr_growing handed; /* the one that was handed over last: the worker's while work.busy */
    size_t handed_same; /* so many bytes of it say what has settled; 0: it is not on the disk */
    struct wr_growing scratch;
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

/* flow_state_slots.c */

/* The slots of a record that was read. Takes nothing. 0 or WEIR_ENOMEM. */
int wr_state_adopt_sources(struct weir_state *state, const struct wr_record *record);
/* All slots end. */
void wr_state_slots_fini(struct weir_state *state);
/* Nothing before what is kept is asked for any more. */
void wr_state_forget(const struct wr_state_slot *slot);
/* The slot goes into a record, if it has a position. */
void wr_state_put_slot(struct weir_state *state, struct wr_growing *to,
                       const struct wr_state_slot *slot, const struct wr_state_moment *moment);

/* flow_state_sink.c */

/* The sink's file could not be synced: WEIR_EIO with *error. */
int wr_state_lost(const struct weir_state *state, weir_error *error);
/* From now on nothing is cut. who: gives items without a position. */
void wr_state_end_cutting(struct weir_state *state, const char *who);

#endif
