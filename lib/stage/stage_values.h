/*
 * stage_values.h - the stage that gives the outputs of an expression, for map, fields and the other
 * components that make new values. Internal.
 */
#ifndef WR_STAGE_VALUES_H
#define WR_STAGE_VALUES_H

#include "stage_expr.h"

/* For each item, all outputs of the expression in `text`, in order, each as one JSON text on one
 * line, or as a line that is the bytes of a string; an item without an output counts as filtered.
 * kind: the name of the component. */
enum wr_values_form { WR_VALUES_JSON, WR_VALUES_STRING };
struct weir_gen *wr_values_stage(const weir_opening *opening, WEIR_TAKES struct weir_gen *up,
                                 const char *kind, const char *text, enum wr_values_form form);
/* JSON texts of an expression that was made: freed. NULL: there was no memory for it. */
struct weir_gen *wr_values_made(const weir_opening *opening, WEIR_TAKES struct weir_gen *up,
                                const char *kind, struct wr_made_expr made);
/* In check, the same: freed. */
int wr_values_check(const weir_opening *opening, weir_mistake *mistake, const char *arg,
                    struct wr_made_expr made);
/* "NAME(.a, .b)" of a list of fields, as WEIR_ARG_FIELDS gives it. text NULL: no memory. */
struct wr_made_expr wr_values_call(const char *name, const weir_texts *fields);
/* The expression of an assignment, LEFT = RIGHT or |= and similar; `set`: as jq means it, else the
 * value of RIGHT moves to LEFT. text NULL with *wrong: there was a mistake; else no memory. */
struct wr_made_expr wr_values_assignment(const char *text, bool set, const char **wrong);

#endif
