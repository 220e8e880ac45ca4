/*
 * stage_format.c - the component `text`: for each item a line, from a text with \(expressions) in it.
 *
 * It is one expression: a string whose parts are written as @_line writes them, so a value never makes
 * a line of its own. A text in other quotes than "..." has no expressions in it.
 */
#include "stage_values.h"

#include <string.h>

#include "base_alloc.h"
#include "codec_json_write.h"

struct text_args {
    const char *format;
};

/* A text without expressions, as the string that it is. NULL: no memory. */
static char *string_of(const char *format)
{
    size_t quoted = format[0] == '`' || format[0] == '\'' ? 1 : 0;
    struct wr_text inside = {format + quoted, strlen(format) - 2 * quoted};
    struct wr_out out = {NULL, 0, 0};
    wr_json_string(&out, inside);
    char *text = wr_alloc(out.len + 1);
    if (text != NULL) {
        out = (struct wr_out){text, out.len, 0};
        wr_json_string(&out, inside);
        text[out.len] = '\0';
    }
    return text;
}

static struct wr_made_expr make(const struct text_args *args)
{
    static const char begin[] = "@_line ";
    size_t len = strlen(args->format);
    if (args->format[0] != '"') {
        return (struct wr_made_expr){.text = string_of(args->format)};
    }
    char *text = wr_alloc(sizeof begin + len);
    if (text != NULL) {
        (void)wr_print_text(text, sizeof begin + len, "%s%s", begin, args->format);
    }
    return (struct wr_made_expr){.text = text, .parts = {{.at = sizeof begin - 1, .len = len}}};
}

static int text_check(const weir_opening *opening, const void *args, weir_mistake *mistake)
{
    return wr_values_check(opening, mistake, "FORMAT", make(args));
}

static int text_compile(weir_fused *fused, const weir_opening *opening, const void *args)
{
    return wr_fused_made(fused, opening, make(args), WR_FUSED_STRINGS);
}

static weir_gen *text_open(const weir_opening *opening, weir_gen *up, const void *args)
{
    return wr_fused_open(opening, up, "text", text_compile, args);
}

static const weir_arg text_args[] = {
    WEIR_ARG_FORMAT(struct text_args, format, .name = "FORMAT", .flags = WEIR_ARG_REQUIRED,
                    .help =
                        "as in \"\\(.host): \\(.msg)\"; a line end in a value is written as \\n"),
};

static const weir_example text_more[] = {
    {"gen 1..1 | {a: \"x\\ny\", b: [1, null]} | text \"\\(.a)\\t\\(.b) \\(.b[0] + 1)\"",
     "x\\ny\t[1,null] 2\n"},
    {NULL, NULL},
};

const weir_component wr_component_text = {
    .struct_size = sizeof wr_component_text,
    .name = "text",
    .kind = WEIR_KIND_STAGE,
    .takes = WR_EXPR_TAKES,
    .gives = WEIR_SHAPE_LINE,
    .traits = WR_EXPR_TRAITS,
    .args = text_args,
    .args_count = sizeof text_args / sizeof text_args[0],
    .args_size = sizeof(struct text_args),
    .help = "A line for each item, from a text with \\(expressions) in it.",
    .example = "gen 1..2 | {n: ., name: \"ann\"} | text \"\\(.n) \\(.name | ascii_upcase)\"",
    .prints = "1 ANN\n2 ANN\n",
    .more_examples = text_more,
    .check = text_check,
    .open = text_open,
    .compile = text_compile,
};
