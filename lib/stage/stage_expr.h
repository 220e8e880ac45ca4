/*
 * stage_expr.h - what stages share that are expressions (expr.h). Internal.
 *
 * The input of the first expression is the item's JSON text, of an event of the kind message its
 * body, of a record an object of its fields. Lines are read as JSON as well. What is not JSON is
 * rejected with the position and an excerpt, and so is an item for which an expression fails; a line
 * of white space counts as filtered.
 *
 * $meta is an object of what comes with an event: body, as text, key, id, and of a message its
 * fields; of other items it is null.
 *
 * Such stages that stand one behind the other run as one generator (stage_fused.c): an item is
 * parsed once, values go from one expression to the next, and what the last one gives is written
 * once. Each stage stays a generator with its own name, counters and policy for rejected items.
 */
#ifndef WR_STAGE_EXPR_H
#define WR_STAGE_EXPR_H

#include <weir/module.h>

#include "expr_names.h"
#include "flow_gen.h"

/* The traits of such a component, and the shapes that it takes. */
#define WR_EXPR_TRAITS (WEIR_TRAIT_PURE | WEIR_TRAIT_CPU | WEIR_TRAIT_REJECTS | WEIR_TRAIT_VALUES)
#define WR_EXPR_TAKES (WEIR_SHAPE_LINE | WEIR_SHAPE_JSON | WEIR_SHAPE_EVENT)

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
/* names: the values of $NAME; NULL: none. NULL: *read has the mistake. */
wr_program *wr_item_expr_compile(const char *text, struct wr_names *names,
                                 struct wr_expr_read *read);

/* Items as values. One struct serves one item after another. */
struct wr_item_input {
    struct wr_json json;
    weir_scratch scratch;
    struct wr_json
        *shared; /* has read the texts of the items: wr_gen_ops.json; NULL: nothing has */
    bool record; /* the value is that of a record: its strings need not be UTF-8 */
};
/* bytes_max: of memory for the tokens of an item; one that needs more is rejected. */
void wr_item_input_init(struct wr_item_input *input, size_t bytes_max);
/* The memory that it holds for one item, and give that back. There is no value until the next read. */
size_t wr_item_input_bytes(const struct wr_item_input *input);
void wr_item_input_trim(struct wr_item_input *input);
void wr_item_input_fini(struct wr_item_input *input);
/* Find the tokens of items that lie one behind the other at once. Returns how many of the first ones,
 * perhaps 0; wr_json_index_next must read these next, in their order. */
size_t wr_item_input_ahead(struct wr_item_input *input, const weir_item *items, size_t count);
/* Read an item. 1; 0: gen has filtered or rejected it; negative: gen has failed. Then `json` has it,
 * unless it is a record. */
int wr_item_input_read(struct wr_item_input *input, struct weir_gen *gen, const weir_item *item);
/* Its text was not read, with this code. The same results; 1: it was read another way. */
int wr_item_input_refuse(struct wr_item_input *input, struct weir_gen *gen, const weir_item *item,
                         weir_slice text, int rc);
/* The item that was read, as a value in the memory of a run. 1; 0: gen has rejected it, which needs
 * too much memory; negative: gen has failed. */
int wr_item_input_value(struct wr_item_input *input, struct weir_gen *gen, wr_machine *run,
                        const weir_item *item, struct wr_value *value);
/* Set $meta for a run on an item. as_came: on the item itself, and not on what another expression
 * has made of it. The same results. */
int wr_item_input_meta(struct weir_gen *gen, wr_machine *run, const weir_item *item, bool as_came);

/* ---- stage_fused.c */

/* What a stage gives. */
enum wr_fused_gives {
    WR_FUSED_TEST,   /* its input, unchanged, if an output is true; the first such output decides */
    WR_FUSED_VALUES, /* all outputs */
    WR_FUSED_STRINGS /* the bytes of all outputs, which are strings: lines. It is the last of a row */
};

/* In a component's compile. 0 or a code: its generator has failed. */
int wr_fused_expr(weir_fused *fused, const weir_opening *opening, const char *text,
                  enum wr_fused_gives gives);
/* The same for an expression that was made: freed. text NULL: there was no memory for it. */
int wr_fused_made(weir_fused *fused, const weir_opening *opening, struct wr_made_expr made,
                  enum wr_fused_gives gives);

typedef int wr_compile(weir_fused *fused, const weir_opening *opening, const void *args);
/* Open a stage that runs alone, until another one joins it. name: static. */
struct weir_gen *wr_fused_open(const weir_opening *opening, WEIR_TAKES struct weir_gen *up,
                               const char *name, wr_compile *compile, const void *args);
/* Open one that runs as one with the stage that it reads, which was opened by one of these two and
 * was not pulled; there may be the gate of a dead sink between them. */
struct weir_gen *wr_fused_join(const weir_opening *opening, WEIR_TAKES struct weir_gen *up,
                               const char *name, wr_compile *compile, const void *args);

#endif
