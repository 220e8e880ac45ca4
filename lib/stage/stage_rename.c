/*
 * stage_rename.c - the component `rename`: an assignment, as an expression.
 */
#include "stage_values.h"

struct rename_args {
    const char *expr;
};

static int rename_check(const weir_opening *opening, const void *args, weir_mistake *mistake)
{
    const char *wrong;
    struct wr_made_expr made =
        wr_values_assignment(((const struct rename_args *)args)->expr, false, &wrong);
    return wrong != NULL ? weir_mistake_at(mistake, "EXPR", "%s", wrong)
                         : wr_values_check(opening, mistake, "EXPR", made);
}

static int rename_compile(weir_fused *fused, const weir_opening *opening, const void *args)
{
    const char *wrong;
    return wr_fused_made(
        fused, opening,
        wr_values_assignment(((const struct rename_args *)args)->expr, false, &wrong),
        WR_FUSED_VALUES);
}

static weir_gen *rename_open(const weir_opening *opening, weir_gen *up, const void *args)
{
    return wr_fused_open(opening, up, "rename", rename_compile, args);
}

static const weir_arg rename_args[] = {
    WEIR_ARG_EXPR(struct rename_args, expr, .name = "EXPR",
                  .flags = WEIR_ARG_REQUIRED | WEIR_ARG_ASSIGNS,
                  .help = "NEW = OLD, both fields; without OLD the value stays as it is"),
};

const weir_component wr_component_rename = {
    .struct_size = sizeof wr_component_rename,
    .name = "rename",
    .kind = WEIR_KIND_STAGE,
    .takes = WR_EXPR_TAKES,
    .gives = WEIR_SHAPE_JSON,
    .traits = WR_EXPR_TRAITS,
    .args = rename_args,
    .args_count = sizeof rename_args / sizeof rename_args[0],
    .args_size = sizeof(struct rename_args),
    .help = "Each value with one of its fields in another place.",
    .example = "gen 1..2 | {a: .} | rename .b.c = .a",
    .prints = "{\"b\":{\"c\":1}}\n{\"b\":{\"c\":2}}\n",
    .check = rename_check,
    .open = rename_open,
    .compile = rename_compile,
};
