/*
 * stage_beside.h - stages that compute with each value and something beside it: a number, the value
 * before it, or the result so far. Internal.
 */
#ifndef WR_STAGE_BESIDE_H
#define WR_STAGE_BESIDE_H

#include "stage_calc.h"

/* The traits of such a component: what it gives depends on all that it has read. */
#define WR_BESIDE_TRAITS (WR_EXPR_TRAITS | WEIR_TRAIT_STATE_REPLAYS)

enum wr_beside {
    WR_BESIDE_COUNT,  /* how many values it has given before, and `from` more */
    WR_BESIDE_NUMBER, /* the item's own number */
    WR_BESIDE_BEFORE, /* the value before it; the first one, which has none, is left out */
    WR_BESIDE_RESULT  /* what it has given last; `initial` at first */
};

struct wr_beside_options {
    enum wr_beside what;
    int64_t from;
    const char *initial; /* a JSON text; NULL: null */
};

/* made: the expression, whose input is [what stands beside it, the value]; its first output is given.
 * Freed. text NULL: there was no memory for it. name: static. */
struct weir_gen *wr_beside_open(const weir_opening *opening, WEIR_TAKES struct weir_gen *up,
                                const char *name, const struct wr_beside_options *options,
                                struct wr_made_expr made);

#endif
