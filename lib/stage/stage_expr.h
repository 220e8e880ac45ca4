/*
 * stage_expr.h - what stages share that run an expression on each item (expr.h). Internal.
 *
 * $meta is an object of what comes with an event: body, as text, key, id, and of a message its
 * fields; of other items it is null.
 *
 * The input of the expression is the item's JSON text, of an event of the kind message its body, of
 * a record an object of its fields, all strings. Lines are read as JSON as well. What is not JSON is
 * rejected with the position and an excerpt, and so is an item for which the expression fails; a
 * line of white space counts as filtered.
 */
#ifndef WR_STAGE_EXPR_H
#define WR_STAGE_EXPR_H

#include <weir/module.h>

#include "expr_names.h"
#include "flow_gen.h"

/* The traits of such a component, and the shapes that it takes. */
#define WR_EXPR_TRAITS (WEIR_TRAIT_PURE | WEIR_TRAIT_CPU | WEIR_TRAIT_REJECTS)
#define WR_EXPR_TAKES (WEIR_SHAPE_LINE | WEIR_SHAPE_JSON | WEIR_SHAPE_EVENT)

struct wr_item_expr {
    wr_program *program;
    wr_machine *run;
    struct wr_names *names; /* that the program reads; NULL: none */
    struct wr_json json;
    weir_scratch scratch;
};

/* An expression that a component has made of its argument. A place in it that is a copy of a part of
 * the argument is found there. */
struct wr_made_expr {
    char *text;
    struct wr_made_part {
        size_t at, len, from; /* text[at .. at + len) is the argument from `from` on */
    } parts[2];
};

/* In a component's check: report what is wrong with the expression that is the argument `arg`, as
 * written, or made from it (made, else NULL). 0, or the code that check must return. */
int wr_item_expr_check(const weir_opening *opening, weir_mistake *mistake, const char *arg,
                       const char *text, const struct wr_made_expr *made);
/* 0, or gen has failed. */
int wr_item_expr_open(struct wr_item_expr *expr, struct weir_gen *gen, const weir_opening *opening,
                      const char *text);
void wr_item_expr_close(struct wr_item_expr *expr);
/* Begin to run on an item. 1: it runs; 0: the item was left out; negative: gen has failed. */
int wr_item_expr_begin(struct wr_item_expr *expr, struct weir_gen *gen, const weir_item *item);
/* The next output. 1: there is one; 0: there are no more; WEIR_EPARSE: none, the item was rejected;
 * another negative code: gen has failed. Lets other tasks run when it takes long. */
int wr_item_expr_next(struct wr_item_expr *expr, struct weir_gen *gen, const weir_item *item,
                      struct wr_value *output);

#endif
