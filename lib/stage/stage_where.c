/*
 * stage_where.c - the component `where`: passes the items for which an expression is true.
 *
 * An item passes if any output of the expression is true, that is neither false nor null; the first
 * such output decides. It is passed on untouched, byte for byte; the others count as filtered.
 */
#include "stage_expr.h"

struct where_args {
    const char *expr;
};

static int where_check(const weir_opening *opening, const void *args, weir_mistake *mistake)
{
    return wr_item_expr_check(opening, mistake, "EXPR", ((const struct where_args *)args)->expr,
                              NULL);
}

static int where_compile(weir_fused *fused, const weir_opening *opening, const void *args)
{
    return wr_fused_expr(fused, opening, ((const struct where_args *)args)->expr, WR_FUSED_TEST);
}

static weir_gen *where_open(const weir_opening *opening, weir_gen *up, const void *args)
{
    return wr_fused_open(opening, up, "where", where_compile, args);
}

static const weir_arg where_args[] = {
    WEIR_ARG_EXPR(struct where_args, expr, .name = "EXPR", .flags = WEIR_ARG_REQUIRED,
                  .help = "the item passes if this is neither false nor null"),
};

static const char *const where_aliases[] = {"select", NULL};

static const weir_example where_more[] = {
    {"gen 1..20 | where . % 7 == 0", "7\n14\n"},
    {"gen 1..3 | where {a: .}.a > 1 and not . == 3", "2\n"},
    {NULL, NULL},
};

const weir_component wr_component_where = {
    .struct_size = sizeof wr_component_where,
    .name = "where",
    .aliases = where_aliases,
    .kind = WEIR_KIND_STAGE,
    .takes = WR_EXPR_TAKES,
    .gives = WEIR_SHAPE_SAME,
    .traits = WR_EXPR_TRAITS,
    .args = where_args,
    .args_count = sizeof where_args / sizeof where_args[0],
    .args_size = sizeof(struct where_args),
    .help = "The items for which an expression is true, as they came.",
    .example = "gen 1..20 | where . > 18",
    .prints = "19\n20\n",
    .more_examples = where_more,
    .check = where_check,
    .open = where_open,
    .compile = where_compile,
};
