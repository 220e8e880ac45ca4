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
    struct wr_gen_ops base; /* without the functions that the program does not have */
    weir_gen_ops ops;
    void *self;
    struct wr_runs stood; /* groups that stand for others, in the items that are lent */
    /* Of a source with positions (flow_part.c). */
    weir_state *state;          /* NULL: none */
    char *name;                 /* what it reads, for the state; NULL: it has no positions */
    bool asked;                 /* the state, whether it may go on */
    struct wr_state_slot *told; /* the stored one that weir_part_stored has given last; NULL */
    struct weir_part *parts;
    size_t given;  /* by parts, in this pull */
    bool finished; /* it has come to its end by itself */
};

static inline struct extended *wr_extended_of(struct weir_gen *gen)
{
    return WR_OWNER(gen, struct extended, gen);
}

/* Abort unless `verb` is called inside of a pull. */
void wr_check_inside(const struct weir_gen *gen, const char *verb);
/* The source has ended: so have its parts. */
void wr_parts_close(struct extended *ext);

#endif
