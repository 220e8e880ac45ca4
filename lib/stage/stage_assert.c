/*
 * stage_assert.c - the component `assert` and weir_assert: an item for which an expression is not true
 * is a mistake.
 *
 * It is an expression that fails where the condition is not true, so such an item is rejected as one
 * for which the condition itself fails. Unlike elsewhere, a rejected item ends the run if nothing
 * else was said.
 */
#include "stage_assert.h"

#include <string.h>

#include "base_alloc.h"
#include "codec_json_write.h"
#include "flow_dead.h"
#include "stage_values.h"

struct wr_made_expr wr_assert_made(const char *expr)
{
    static const char head[] = "if any((",
                      middle[] = "); .) then true else error(\"not true: \" + ";
    static const char end[] = ") end";
    struct wr_text text = {expr, strlen(expr)};
    struct wr_out quoted = {.cap = 0};
    wr_json_string(&quoted, text);
    size_t cap = sizeof head + text.len + sizeof middle + quoted.len + sizeof end;
    char *made = wr_alloc(cap);
    if (made != NULL) {
        struct wr_out out = {.to = made, .cap = cap};
        wr_out_bytes(&out, head, sizeof head - 1);
        wr_out_bytes(&out, text.data, text.len);
        wr_out_bytes(&out, middle, sizeof middle - 1);
        wr_json_string(&out, text);
        wr_out_bytes(&out, end, sizeof end);
    }
    return (struct wr_made_expr){.text = made, .parts = {{.at = sizeof head - 1, .len = text.len}}};
}

struct assert_args {
    const char *expr;
};

static int assert_check(const weir_opening *opening, const void *args, weir_mistake *mistake)
{
    return wr_values_check(opening, mistake, "EXPR",
                           wr_assert_made(((const struct assert_args *)args)->expr));
}

static int assert_compile(weir_fused *fused, const weir_opening *opening, const void *args)
{
    return wr_fused_made(fused, opening, wr_assert_made(((const struct assert_args *)args)->expr),
                         WR_FUSED_TEST);
}

static weir_gen *assert_open(const weir_opening *opening, weir_gen *up, const void *args)
{
    return wr_fused_open(opening, up, "assert", assert_compile, args);
}

static const weir_arg assert_args[] = {
    WEIR_ARG_EXPR(struct assert_args, expr, .name = "EXPR", .flags = WEIR_ARG_REQUIRED,
                  .help = "what must be neither false nor null"),
};

static const weir_example assert_more[] = {
    {"gen 1..4 | assert . != 3 on-error=skip", "1\n2\n4\n"},
    {NULL, NULL},
};

const weir_component wr_component_assert = {
    .struct_size = sizeof wr_component_assert,
    .name = "assert",
    .kind = WEIR_KIND_STAGE,
    .takes = WR_EXPR_TAKES,
    .gives = WEIR_SHAPE_SAME,
    .traits = WR_EXPR_TRAITS,
    .args = assert_args,
    .args_count = sizeof assert_args / sizeof assert_args[0],
    .args_size = sizeof(struct assert_args),
    .help =
        "Ends the run with status 1 at the first item for which an expression is not true; with "
        "on-error=skip or dead, such items are rejected.",
    .example = "gen 1..3 | assert . < 100",
    .prints = "1\n2\n3\n",
    .more_examples = assert_more,
    .check = assert_check,
    .open = assert_open,
    .compile = assert_compile,
    .stops = 1,
};
