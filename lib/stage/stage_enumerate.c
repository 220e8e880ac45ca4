/*
 * stage_enumerate.c - the components `enumerate` and `seq`: values with a number.
 */
#include "stage_beside.h"

#include <string.h>

#include "base_alloc.h"
#include "base_print.h"
#include "stage_values.h"

static struct wr_made_expr copied(const char *text)
{
    size_t len = strlen(text);
    char *copy = wr_alloc(len + 1);
    if (copy != NULL) {
        memcpy(copy, text, len + 1);
    }
    return (struct wr_made_expr){.text = copy};
}

/* ---- enumerate */

static weir_gen *enumerate(const weir_opening *opening, weir_gen *up, int64_t from)
{
    struct wr_beside_options options = {.what = WR_BESIDE_COUNT, .from = from};
    return wr_beside_open(opening, up, "enumerate", &options, copied("."));
}

weir_gen *weir_enumerate(weir_gen *up, int64_t from)
{
    return enumerate(NULL, up, from);
}

struct enumerate_args {
    int64_t from;
};

static weir_gen *enumerate_open(const weir_opening *opening, weir_gen *up, const void *args)
{
    return enumerate(opening, up, ((const struct enumerate_args *)args)->from);
}

static const weir_arg enumerate_args[] = {
    WEIR_ARG_COUNT(struct enumerate_args, from, .name = "from", .form = WEIR_FORM_NAMED,
                   .preset = "0", .help = "the first number"),
};

static const weir_example enumerate_more[] = {
    {"gen 7..9 | enumerate from=1 | text \"\\(.[0]): \\(.[1])\"", "1: 7\n2: 8\n3: 9\n"},
    {NULL, NULL},
};

const weir_component wr_component_enumerate = {
    .struct_size = sizeof wr_component_enumerate,
    .name = "enumerate",
    .kind = WEIR_KIND_STAGE,
    .takes = WR_EXPR_TAKES,
    .gives = WEIR_SHAPE_JSON,
    .traits = WR_BESIDE_TRAITS,
    .args = enumerate_args,
    .args_count = sizeof enumerate_args / sizeof enumerate_args[0],
    .args_size = sizeof(struct enumerate_args),
    .help = "Each value behind its number, [0,VALUE], [1,VALUE] ...: counts what it gives.",
    .example = "gen 7..9 | enumerate",
    .prints = "[0,7]\n[1,8]\n[2,9]\n",
    .more_examples = enumerate_more,
    .open = enumerate_open,
};

/* ---- seq */

static struct wr_made_expr make_seq(const char *field)
{
    static const char form[] = ".[0] as $n | .[1] | path(%s) as $p | setpath($p; $n)";
    const char *path = field != NULL ? field : ".seq";
    size_t len = strlen(path);
    char *text = wr_alloc(len + sizeof form);
    if (text != NULL) {
        (void)wr_print_text(text, len + sizeof form, form, path);
    }
    return (struct wr_made_expr){.text = text, .parts = {{.at = 25, .len = len}}};
}

static weir_gen *seq(const weir_opening *opening, weir_gen *up, const char *field)
{
    struct wr_beside_options options = {.what = WR_BESIDE_NUMBER};
    return wr_beside_open(opening, up, "seq", &options, make_seq(field));
}

weir_gen *weir_seq(weir_gen *up, const char *field)
{
    return seq(NULL, up, field);
}

struct seq_args {
    weir_texts fields;
};

static const char *field_of(const struct seq_args *args)
{
    return args->fields.count > 0 ? args->fields.list[0] : NULL;
}

static int seq_check(const weir_opening *opening, const void *args, weir_mistake *mistake)
{
    if (((const struct seq_args *)args)->fields.count > 1) {
        return weir_mistake_at(mistake, "FIELD", "it takes one field");
    }
    return wr_values_check(opening, mistake, "FIELD", make_seq(field_of(args)));
}

static weir_gen *seq_open(const weir_opening *opening, weir_gen *up, const void *args)
{
    return seq(opening, up, field_of(args));
}

static const weir_arg seq_args[] = {
    WEIR_ARG_FIELDS(struct seq_args, fields, .name = "FIELD",
                    .help = "which field; if not given, .seq"),
};

static const weir_example seq_more[] = {
    {"gen 1..3 | {n: .} | seq .at.line",
     "{\"n\":1,\"at\":{\"line\":1}}\n{\"n\":2,\"at\":{\"line\":2}}\n"
     "{\"n\":3,\"at\":{\"line\":3}}\n"},
    {NULL, NULL},
};

const weir_component wr_component_seq = {
    .struct_size = sizeof wr_component_seq,
    .name = "seq",
    .kind = WEIR_KIND_STAGE,
    .takes = WR_EXPR_TAKES,
    .gives = WEIR_SHAPE_JSON,
    .traits = WR_BESIDE_TRAITS,
    .args = seq_args,
    .args_count = sizeof seq_args / sizeof seq_args[0],
    .args_size = sizeof(struct seq_args),
    .help = "Sets a field of each object to the number that the item has at its source, from 1: of "
            "a file, its line.",
    .example = "gen 10..14 | where . > 12 | {n: .} | seq",
    .prints = "{\"n\":13,\"seq\":4}\n{\"n\":14,\"seq\":5}\n",
    .more_examples = seq_more,
    .check = seq_check,
    .open = seq_open,
};
