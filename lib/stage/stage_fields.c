/*
 * stage_fields.c - the component `fields`: pick of a list of fields, as an expression.
 */
#include "stage_values.h"

struct fields_args {
    weir_texts fields;
};

static int fields_check(const weir_opening *opening, const void *args, weir_mistake *mistake)
{
    return wr_values_check(opening, mistake, "FIELDS",
                           wr_values_call("pick", &((const struct fields_args *)args)->fields));
}

static int fields_compile(weir_fused *fused, const weir_opening *opening, const void *args)
{
    return wr_fused_made(fused, opening,
                         wr_values_call("pick", &((const struct fields_args *)args)->fields),
                         WR_FUSED_VALUES);
}

static weir_gen *fields_open(const weir_opening *opening, weir_gen *up, const void *args)
{
    return wr_fused_open(opening, up, "fields", fields_compile, args);
}

static const weir_arg fields_args[] = {
    WEIR_ARG_FIELDS(struct fields_args, fields, .name = "FIELDS", .flags = WEIR_ARG_REQUIRED,
                    .help = "the fields to keep, as in .user.name, .host"),
};

const weir_component wr_component_fields = {
    .struct_size = sizeof wr_component_fields,
    .name = "fields",
    .kind = WEIR_KIND_STAGE,
    .takes = WR_EXPR_TAKES,
    .gives = WEIR_SHAPE_JSON,
    .traits = WR_EXPR_TRAITS,
    .args = fields_args,
    .args_count = sizeof fields_args / sizeof fields_args[0],
    .args_size = sizeof(struct fields_args),
    .help = "The named fields of each value; null where there is none.",
    .example = "gen 1..2 | {a: ., b: {c: ., d: 0}} | fields .a, .b.c",
    .prints = "{\"a\":1,\"b\":{\"c\":1}}\n{\"a\":2,\"b\":{\"c\":2}}\n",
    .check = fields_check,
    .open = fields_open,
    .compile = fields_compile,
};
