/*
 * stage_flatten.c - the component `flatten`: an object whose values are no objects; their names are
 * joined to the names of what is in them.
 *
 * It is an expression around an internal function, which goes through an object once. An array as
 * the item is flattened as by jq's function of this name.
 */
#include "stage_values.h"

#include <string.h>

#include "base_alloc.h"
#include "codec_json_write.h"

enum arrays { ARRAYS_INDEX, ARRAYS_KEEP, ARRAYS_JSON };

struct flatten_args {
    const char *separator;
    int64_t depth;
    int32_t arrays;
};

static const char *const arrays_choices[] = {"index", "keep", "json", NULL};

static struct wr_made_expr make(const struct flatten_args *args)
{
    char depth[32] = "1e9";
    char brackets[40] = "";
    struct wr_out out = {NULL, 0, 0};
    wr_json_string(&out, wr_text_of(args->separator));
    size_t cap = out.len + 160;
    char *separator = wr_alloc(out.len + 1);
    char *text = wr_alloc(cap);
    if (args->depth > 0) {
        (void)wr_print_text(depth, sizeof depth, "%lld", (long long)args->depth);
        (void)wr_print_text(brackets, sizeof brackets, "(%s)", depth);
    }
    if (text != NULL && separator != NULL) {
        out = (struct wr_out){separator, out.len, 0};
        wr_json_string(&out, wr_text_of(args->separator));
        (void)wr_print_text(text, cap,
                            "if type == \"object\" then _flat(%.*s; %s; \"%s\") else flatten%s end",
                            (int)out.len, separator, depth, arrays_choices[args->arrays], brackets);
    } else {
        wr_free(text);
        text = NULL;
    }
    wr_free(separator);
    return (struct wr_made_expr){.text = text};
}

static int flatten_check(const weir_opening *opening, const void *args, weir_mistake *mistake)
{
    return wr_values_check(opening, mistake, NULL, make(args));
}

static int flatten_compile(weir_fused *fused, const weir_opening *opening, const void *args)
{
    return wr_fused_made(fused, opening, make(args), WR_FUSED_VALUES);
}

static weir_gen *flatten_open(const weir_opening *opening, weir_gen *up, const void *args)
{
    return wr_fused_open(opening, up, "flatten", flatten_compile, args);
}

static const weir_arg flatten_args[] = {
    WEIR_ARG_TEXT(struct flatten_args, separator, .name = "sep", .form = WEIR_FORM_NAMED,
                  .preset = ".", .help = "between two names"),
    WEIR_ARG_COUNT(struct flatten_args, depth, .name = "depth", .form = WEIR_FORM_NAMED, .min = 1,
                   .max = 1024, .help = "levels to flatten (all)"),
    WEIR_ARG_CHOICE(struct flatten_args, arrays, .name = "arrays", .form = WEIR_FORM_NAMED,
                    .choices = arrays_choices, .preset = "index",
                    .help = "by their indices, as they are, or as JSON texts"),
};

static const weir_example flatten_more[] = {
    {"gen 1..1 | {a: {b: 1, c: [2, {d: 3}]}} | flatten", "{\"a.b\":1,\"a.c.0\":2,\"a.c.1.d\":3}\n"},
    {"gen 1..1 | {a: {b: {c: 1}, d: [2]}} | flatten sep=_ depth=1 arrays=json",
     "{\"a_b\":{\"c\":1},\"a_d\":\"[2]\"}\n"},
    {NULL, NULL},
};

const weir_component wr_component_flatten = {
    .struct_size = sizeof wr_component_flatten,
    .name = "flatten",
    .kind = WEIR_KIND_STAGE,
    .takes = WR_EXPR_TAKES,
    .gives = WEIR_SHAPE_JSON,
    .traits = WR_EXPR_TRAITS,
    .args = flatten_args,
    .args_count = sizeof flatten_args / sizeof flatten_args[0],
    .args_size = sizeof(struct flatten_args),
    .help = "Objects in objects become members of one object, with names such as \"a.b\"; of equal "
            "names the last counts.",
    .example = "gen 1..1 | {user: {name: \"ann\", ids: [4, 5]}} | flatten arrays=keep",
    .prints = "{\"user.name\":\"ann\",\"user.ids\":[4,5]}\n",
    .more_examples = flatten_more,
    .check = flatten_check,
    .open = flatten_open,
    .compile = flatten_compile,
};
