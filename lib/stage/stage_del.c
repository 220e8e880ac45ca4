/*
 * stage_del.c - the component `del`: del of a list of fields, as an expression.
 */
#include "stage_values.h"

struct del_args {
    weir_texts fields;
};

static int del_check(const weir_opening *opening, const void *args, weir_mistake *mistake)
{
    return wr_values_check(opening, mistake, "FIELDS",
                           wr_values_call("del", &((const struct del_args *)args)->fields));
}

static int del_compile(weir_fused *fused, const weir_opening *opening, const void *args)
{
    return wr_fused_made(fused, opening,
                         wr_values_call("del", &((const struct del_args *)args)->fields),
                         WR_FUSED_VALUES);
}

static weir_gen *del_open(const weir_opening *opening, weir_gen *up, const void *args)
{
    return wr_fused_open(opening, up, "del", del_compile, args);
}

static const weir_arg del_args[] = {
    WEIR_ARG_FIELDS(struct del_args, fields, .name = "FIELDS", .flags = WEIR_ARG_REQUIRED,
                    .help = "the fields to leave out, as in .user.name, .host"),
};

const weir_component wr_component_del = {
    .struct_size = sizeof wr_component_del,
    .name = "del",
    .kind = WEIR_KIND_STAGE,
    .takes = WR_EXPR_TAKES,
    .gives = WEIR_SHAPE_JSON,
    .traits = WR_EXPR_TRAITS,
    .args = del_args,
    .args_count = sizeof del_args / sizeof del_args[0],
    .args_size = sizeof(struct del_args),
    .help = "Each value without the named fields.",
    .example = "gen 1..2 | {a: ., b: {c: ., d: 0}} | del .a, .b.d",
    .prints = "{\"b\":{\"c\":1}}\n{\"b\":{\"c\":2}}\n",
    .check = del_check,
    .open = del_open,
    .compile = del_compile,
};
