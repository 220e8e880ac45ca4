/*
 * stage_values.h - the expressions that fields, set and other components make of their arguments.
 * Internal.
 */
#ifndef WR_STAGE_VALUES_H
#define WR_STAGE_VALUES_H

#include "stage_expr.h"

/* In check: wr_item_expr_check for an expression that was made: freed. text NULL: there was no memory
 * for it. */
int wr_values_check(const weir_opening *opening, weir_mistake *mistake, const char *arg,
                    struct wr_made_expr made);
/* "NAME(.a, .b)" of a list of fields, as WEIR_ARG_FIELDS gives it. text NULL: no memory. */
struct wr_made_expr wr_values_call(const char *name, const weir_texts *fields);
/* "[.a, .b]" of such a list. */
struct wr_made_expr wr_values_list(const weir_texts *by);
/* The expression of an assignment, LEFT = RIGHT or |= and similar; `set`: as jq means it, else the
 * value of RIGHT moves to LEFT. text NULL with *wrong: there was a mistake; else no memory. */
struct wr_made_expr wr_values_assignment(const char *text, bool set, const char **wrong);

#endif
