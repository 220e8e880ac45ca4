/*
 * flow_extend.h - what the files behind <weir/extend.h> share. Internal.
 */
#ifndef WR_FLOW_EXTEND_H
#define WR_FLOW_EXTEND_H

#include <weir/extend.h>

#include "flow_gen.h"
#include "flow_state.h"

struct extended {
    struct weir_gen gen;
    struct wr_gen_ops base; /* NULL where the program has no function */
    weir_gen_ops ops;
    void *self;
    struct wr_runs stood; /* groups of lent items that stand for other items (weir_stand_for) */
    /* For a source with positions (flow_part.c). */
    weir_state *state;              /* NULL: none */
    char *name;                     /* what it reads, for the state; NULL: it has no positions */
    struct wr_state_slot *expected; /* the slot of its first part; NULL: none */
    bool asked;                     /* the state was asked whether the source may continue */
    struct wr_state_slot *stored;   /* the slot of the last weir_part_stored; NULL */
    struct weir_part *parts;
    size_t given;  /* items given by parts in this pull */
    bool finished; /* it has reached its own end */
};

static inline struct extended *wr_extended_of(struct weir_gen *gen)
{
    return WR_OWNER(gen, struct extended, gen);
}

/* Abort unless `verb` is called inside a pull. */
void wr_check_inside(const struct weir_gen *gen, const char *verb);
/* The source has ended: end its parts. */
void wr_parts_close(struct extended *ext);

#endif
