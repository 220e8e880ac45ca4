/*
 * stage_calc.h - an expression that a stage computes by itself, item by item, because it keeps
 * something over its items: until, accumulate, uniq by and the like. Internal.
 *
 * Stages that keep nothing run as one with their neighbours (stage_expr.h).
 */
#ifndef WR_STAGE_CALC_H
#define WR_STAGE_CALC_H

#include <weir/stage.h>

#include "stage_expr.h"

struct wr_calc {
    wr_program *program;
    struct wr_names *names; /* that it reads; NULL: none */
    wr_machine *run;
    struct wr_item_input input;
};

/* What a step has come to. A negative code: the stage has failed. */
enum wr_calc_step {
    WR_CALC_NONE = 0,    /* no item, or no more outputs */
    WR_CALC_VALUE = 1,   /* *value has it */
    WR_CALC_REJECTED = 2 /* the item was rejected */
};

/* Compile the expression, when the stage is made. 0, or a code: gen has failed. */
int wr_calc_open(struct wr_calc *calc, struct weir_gen *gen, const weir_opening *opening,
                 const char *text);
/* The same for an expression that was made: freed. text NULL: there was no memory for it. */
int wr_calc_open_made(struct wr_calc *calc, struct weir_gen *gen, const weir_opening *opening,
                      struct wr_made_expr made);
void wr_calc_close(struct wr_calc *calc);

/* Read an item as a value. NONE: it was left out or rejected. What is computed next is for this
 * item; what was computed before is no longer valid. */
int wr_calc_read(struct wr_calc *calc, struct weir_gen *gen, const weir_item *item,
                 struct wr_value *value);
/* Begin with this input. */
static inline void wr_calc_input(struct wr_calc *calc, struct wr_value input)
{
    wr_machine_input(calc->run, input);
}
/* The next output. May let other tasks run. */
int wr_calc_next(struct wr_calc *calc, struct weir_gen *gen, const weir_item *item,
                 struct wr_value *value);
/* Reject an item for which the arena of the run has no room, or fail. 0, or a code. */
int wr_calc_refuse(struct wr_calc *calc, struct weir_gen *gen, const weir_item *item);
/* What an item needs beside its bytes; give back what a large one has needed. */
size_t wr_calc_bytes(const struct wr_calc *calc);
void wr_calc_trim(struct wr_calc *calc);

/* ---- the values of a program, for stages that a program makes by their text: stage_programs.c */

struct wr_program_values {
    weir_opening opening; /* to make the stage with */
    struct wr_names *names;
    const char *which;
    char why[WR_NAMES_WHY];
    int rc;
};
/* Read options; NULL: none. After the stage was made, wr_program_values_over. */
void wr_program_values(struct wr_program_values *values, const weir_expr_options *options);
/* Fails gen if the values were wrong; returns gen. */
struct weir_gen *wr_program_values_over(struct wr_program_values *values, struct weir_gen *gen);

#endif
