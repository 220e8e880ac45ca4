/*
 * expr_input.h - items as inputs of an expression, and the values of a program as its names.
 */
#ifndef WR_EXPR_INPUT_H
#define WR_EXPR_INPUT_H

#include <weir/expression.h>

#include "expr_names.h"

/* An object of the fields of a record. NULL: no memory. */
const struct wr_members *wr_input_fields(struct wr_arena *arena, const weir_event *event);
/* Set $meta of an item: what an event has in its envelope, if as_came, and the peer of its origin.
 * An item that has neither has none. false: no memory. */
bool wr_input_meta(wr_machine *run, const weir_item *item, bool as_came);
/*
 * The names of a list of variables. *names: NULL for an empty list, or after a failure.
 *
 * Returns 0; WEIR_ENOMEM; WEIR_EINVAL: `why` says what is wrong with the one of the name *which.
 */
int wr_names_of(const weir_variable *variables, size_t count, struct wr_names **names,
                const char **which, char why[WR_NAMES_WHY]);

#endif
