/*
 * stage_accumulate.c - the components `accumulate` and `pairwise`: values with those before them.
 */
#include "stage_beside.h"

#include <string.h>

#include "base_alloc.h"
#include "base_print.h"
#include "stage_values.h"

/* ---- accumulate */

static struct wr_made_expr make_accumulate(const char *expr)
{
    static const char form[] = ".[0] as $acc | .[1] | (%s)";
    size_t len = strlen(expr);
    char *text = wr_alloc(len + sizeof form);
    if (text != NULL) {
        (void)wr_print_text(text, len + sizeof form, form, expr);
    }
    return (struct wr_made_expr){.text = text, .parts = {{.at = 23, .len = len}}};
}

static weir_gen *accumulate(const weir_opening *opening, weir_gen *up, const char *expr,
                            const char *initial)
{
    struct wr_beside_options options = {.what = WR_BESIDE_RESULT, .initial = initial};
    return wr_beside_open(opening, up, "accumulate", &options, make_accumulate(expr));
}

weir_gen *weir_accumulate(weir_gen *up, const char *text, const char *initial,
                          const weir_expr_options *options)
{
    struct wr_program_values values;
    WR_GIVEN(text);
    wr_program_values(&values, options);
    return wr_program_values_over(
        &values, accumulate(&values.opening, up, values.rc == 0 ? text : ".", initial));
}

struct accumulate_args {
    const char *expr, *initial;
};

static int check_initial(const char *initial, weir_mistake *mistake)
{
    struct wr_json json;
    wr_json_init(&json);
    size_t len = strlen(initial);
    char *padded = wr_zalloc(len + 64);
    int rc = 0;
    if (padded != NULL) {
        memcpy(padded, initial, len);
    }
    if (padded == NULL || wr_json_index(&json, padded, len) < 0) {
        (void)weir_mistake_at(mistake, "initial", "it is not a JSON value");
        rc = weir_mistake_hint(mistake, "write initial=0, initial=`[]` or initial=`\"text\"`");
    }
    wr_json_fini(&json);
    wr_free(padded);
    return rc;
}

static int accumulate_check(const weir_opening *opening, const void *args, weir_mistake *mistake)
{
    const struct accumulate_args *a = args;
    int rc = wr_values_check(opening, mistake, "EXPR", make_accumulate(a->expr));
    return rc == 0 && a->initial != NULL ? check_initial(a->initial, mistake) : rc;
}

static weir_gen *accumulate_open(const weir_opening *opening, weir_gen *up, const void *args)
{
    const struct accumulate_args *a = args;
    return accumulate(opening, up, a->expr, a->initial);
}

static const weir_arg accumulate_args[] = {
    WEIR_ARG_EXPR(struct accumulate_args, expr, .name = "EXPR", .flags = WEIR_ARG_REQUIRED,
                  .help = "the next result, from $acc, the last one, and the value"),
    WEIR_ARG_TEXT(struct accumulate_args, initial, .name = "initial", .form = WEIR_FORM_NAMED,
                  .help = "$acc for the first value, as JSON; if not given, null"),
};

static const weir_example accumulate_more[] = {
    {"gen 1..5 | {n: (. * 3 % 5)} | accumulate if .n > $acc then .n else empty end initial=2",
     "3\n4\n"},
    {NULL, NULL},
};

const weir_component wr_component_accumulate = {
    .struct_size = sizeof wr_component_accumulate,
    .name = "accumulate",
    .kind = WEIR_KIND_STAGE,
    .takes = WR_EXPR_TAKES,
    .gives = WEIR_SHAPE_JSON,
    .traits = WR_BESIDE_TRAITS,
    .args = accumulate_args,
    .args_count = sizeof accumulate_args / sizeof accumulate_args[0],
    .args_size = sizeof(struct accumulate_args),
    .help = "A running result: after each value, what an expression makes of it and of $acc, the "
            "result before it.",
    .example = "gen 1..4 | accumulate $acc + .",
    .prints = "1\n3\n6\n10\n",
    .more_examples = accumulate_more,
    .check = accumulate_check,
    .open = accumulate_open,
};

/* ---- pairwise */

weir_gen *weir_pairwise(weir_gen *up)
{
    struct wr_beside_options options = {.what = WR_BESIDE_BEFORE};
    char *text = wr_alloc(2);
    if (text != NULL) {
        memcpy(text, ".", 2);
    }
    return wr_beside_open(NULL, up, "pairwise", &options, (struct wr_made_expr){.text = text});
}

static weir_gen *pairwise_open(const weir_opening *opening, weir_gen *up, const void *args)
{
    (void)opening;
    (void)args;
    return weir_pairwise(up);
}

static const weir_example pairwise_more[] = {
    {"gen 1..4 | . * . | pairwise | .[1] - .[0]", "3\n5\n7\n"},
    {NULL, NULL},
};

const weir_component wr_component_pairwise = {
    .struct_size = sizeof wr_component_pairwise,
    .name = "pairwise",
    .kind = WEIR_KIND_STAGE,
    .takes = WR_EXPR_TAKES,
    .gives = WEIR_SHAPE_JSON,
    .traits = WR_BESIDE_TRAITS,
    .help = "Each value but the first with the one before it, [BEFORE,VALUE].",
    .example = "gen 1..4 | pairwise",
    .prints = "[1,2]\n[2,3]\n[3,4]\n",
    .more_examples = pairwise_more,
    .open = pairwise_open,
};
