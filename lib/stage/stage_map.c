/*
 * stage_map.c - the component `map`: all outputs of an expression, for each item. A stage that is
 * only an expression is a map.
 */
#include "stage_expr.h"

struct map_args {
    const char *expr;
};

static int map_check(const weir_opening *opening, const void *args, weir_mistake *mistake)
{
    return wr_item_expr_check(opening, mistake, "EXPR", ((const struct map_args *)args)->expr,
                              NULL);
}

static int map_compile(weir_fused *fused, const weir_opening *opening, const void *args)
{
    return wr_fused_expr(fused, opening, ((const struct map_args *)args)->expr, WR_FUSED_VALUES);
}

static weir_gen *map_open(const weir_opening *opening, weir_gen *up, const void *args)
{
    return wr_fused_open(opening, up, "map", map_compile, args);
}

static const weir_arg map_args[] = {
    WEIR_ARG_EXPR(struct map_args, expr, .name = "EXPR", .flags = WEIR_ARG_REQUIRED,
                  .help = "each output is an item; none: the item is left out"),
};

static const weir_example map_more[] = {
    {"gen 1..2 | {n: ., square: . * .}", "{\"n\":1,\"square\":1}\n{\"n\":2,\"square\":4}\n"},
    {"gen 1..3 | [range(0; .)] | .[]", "0\n0\n1\n0\n1\n2\n"},
    {NULL, NULL},
};

const weir_component wr_component_map = {
    .struct_size = sizeof wr_component_map,
    .name = "map",
    .kind = WEIR_KIND_STAGE,
    .takes = WR_EXPR_TAKES,
    .gives = WEIR_SHAPE_JSON,
    .traits = WR_EXPR_TRAITS | WEIR_TRAIT_EXPRESSION,
    .args = map_args,
    .args_count = sizeof map_args / sizeof map_args[0],
    .args_size = sizeof(struct map_args),
    .help = "The values of an expression; \"map\" may be left out.",
    .example = "gen 1..3 | map . * 10",
    .prints = "10\n20\n30\n",
    .more_examples = map_more,
    .check = map_check,
    .open = map_open,
    .compile = map_compile,
};
