/*
 * stage_set.c - the component `set`: an assignment, as an expression.
 */
#include "stage_values.h"

struct set_args {
    const char *expr;
};

static int set_check(const weir_opening *opening, const void *args, weir_mistake *mistake)
{
    const char *wrong;
    struct wr_made_expr made =
        wr_values_assignment(((const struct set_args *)args)->expr, true, &wrong);
    return wrong != NULL ? weir_mistake_at(mistake, "EXPR", "%s", wrong)
                         : wr_values_check(opening, mistake, "EXPR", made);
}

static int set_compile(weir_fused *fused, const weir_opening *opening, const void *args)
{
    const char *wrong;
    return wr_fused_made(fused, opening,
                         wr_values_assignment(((const struct set_args *)args)->expr, true, &wrong),
                         WR_FUSED_VALUES);
}

static weir_gen *set_open(const weir_opening *opening, weir_gen *up, const void *args)
{
    return wr_fused_open(opening, up, "set", set_compile, args);
}

static const weir_arg set_args[] = {
    WEIR_ARG_EXPR(struct set_args, expr, .name = "EXPR",
                  .flags = WEIR_ARG_REQUIRED | WEIR_ARG_ASSIGNS,
                  .help = "PATHS = EXPRESSION, or += and similar"),
};

static const weir_example set_more[] = {
    {"gen 1..2 | {a: [., .]} | set .a[] += 1", "{\"a\":[2,2]}\n{\"a\":[3,3]}\n"},
    {NULL, NULL},
};

const weir_component wr_component_set = {
    .struct_size = sizeof wr_component_set,
    .name = "set",
    .kind = WEIR_KIND_STAGE,
    .takes = WR_EXPR_TAKES,
    .gives = WEIR_SHAPE_JSON,
    .traits = WR_EXPR_TRAITS,
    .args = set_args,
    .args_count = sizeof set_args / sizeof set_args[0],
    .args_size = sizeof(struct set_args),
    .help = "Each value with other values at some paths.",
    .example = "gen 1..2 | {a: .} | set .b = .a * 10",
    .prints = "{\"a\":1,\"b\":10}\n{\"a\":2,\"b\":20}\n",
    .more_examples = set_more,
    .check = set_check,
    .open = set_open,
    .compile = set_compile,
};
