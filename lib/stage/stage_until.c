/*
 * stage_until.c - weir_until and the component `until`: the items up to one for which an expression
 * is true.
 *
 * It pulls one item at a time, since any item may be the last. As head does, it ends its upstream
 * before it gives the last item, which it keeps until its own end.
 */
#include "stage_calc.h"

struct stage_until {
    struct weir_gen gen;
    struct wr_calc calc;
    bool without; /* the last item is left out */
    bool over;
    weir_item kept; /* the last item, when it was given */
};

static void let_go(struct stage_until *stage, enum wr_act act)
{
    wr_items_unref(&stage->kept, 1, act);
    stage->kept.receipt = NULL;
    weir_item_release(&stage->kept);
}

/* 1: an output is true; 0: none is, and the item passes; WR_CALC_REJECTED: it is gone; or a code. */
static int test(struct stage_until *stage, const weir_item *item)
{
    struct weir_gen *gen = &stage->gen;
    struct wr_value value;
    int rc = wr_calc_read(&stage->calc, gen, item, &value);
    if (rc <= 0) {
        return rc < 0 ? rc : WR_CALC_REJECTED;
    }
    wr_calc_input(&stage->calc, value);
    while ((rc = wr_calc_next(&stage->calc, gen, item, &value)) == WR_CALC_VALUE &&
           !wr_value_true(value)) {}
    return rc;
}

/* The item that was just pulled ends the stream. Returns how many items are given. */
static size_t end(struct stage_until *stage, weir_item *item)
{
    struct weir_gen *gen = &stage->gen;
    stage->over = true;
    if (stage->without) {
        wr_gen_filter(gen, item, 1);
    } else {
        int rc = weir_item_keep(&stage->kept, item);
        if (rc < 0) {
            (void)wr_gen_fail(gen, rc, 0, -1, "no memory to keep the last item");
            return 0;
        }
        *item = stage->kept;
    }
    wr_gen_seal(gen);
    wr_gen_end_adopted(gen);
    return !stage->without;
}

static size_t until_next_many(struct weir_gen *gen, weir_item *items, size_t max)
{
    struct stage_until *stage = WR_OWNER(gen, struct stage_until, gen);
    (void)max;
    if (stage->over) {
        let_go(stage, WR_ACT_PAST);
        return 0;
    }
    int rc = WR_CALC_REJECTED;
    while (rc == WR_CALC_REJECTED) {
        if (gen->scratch_charged > 0) {
            wr_calc_trim(&stage->calc);
            wr_gen_scratch(gen, wr_calc_bytes(&stage->calc));
        }
        if (wr_pull(gen->up, items, 1) == 0) {
            return 0;
        }
        rc = test(stage, items);
        wr_gen_scratch(gen, wr_calc_bytes(&stage->calc));
    }
    return rc == WR_CALC_VALUE ? end(stage, items) : rc == 0;
}

static void until_close(struct weir_gen *gen)
{
    struct stage_until *stage = WR_OWNER(gen, struct stage_until, gen);
    let_go(stage, WR_ACT_LOAN);
    wr_calc_close(&stage->calc);
}

static const struct wr_gen_ops until_ops = {
    .kind = "until", .next_many = until_next_many, .close = until_close};

static weir_gen *make(const weir_opening *opening, weir_gen *up, const char *text, bool without)
{
    struct stage_until *stage = wr_stage_alloc(up, sizeof *stage, &until_ops, "until");
    if (stage != NULL) {
        stage->without = without;
        (void)wr_calc_open(&stage->calc, &stage->gen, opening, text);
    }
    return wr_gen_made(stage != NULL ? &stage->gen : NULL, up);
}

weir_gen *weir_until(weir_gen *up, const char *text, bool without, const weir_expr_options *options)
{
    struct wr_program_values values;
    WR_GIVEN(text);
    wr_program_values(&values, options);
    return wr_program_values_over(&values,
                                  make(&values.opening, up, values.rc == 0 ? text : ".", without));
}

struct until_args {
    const char *expr;
    bool without;
};

static int until_check(const weir_opening *opening, const void *args, weir_mistake *mistake)
{
    return wr_item_expr_check(opening, mistake, "EXPR", ((const struct until_args *)args)->expr,
                              NULL);
}

static weir_gen *until_open(const weir_opening *opening, weir_gen *up, const void *args)
{
    const struct until_args *until = args;
    return make(opening, up, until->expr, until->without);
}

static const weir_arg until_args[] = {
    WEIR_ARG_EXPR(struct until_args, expr, .name = "EXPR", .flags = WEIR_ARG_REQUIRED,
                  .help = "the item for which this is neither false nor null is the last"),
    WEIR_ARG_FLAG(struct until_args, without, .name = "without",
                  .help = "that item is left out, too"),
};

static const weir_example until_more[] = {
    {"gen 1.. | until . == 3 without", "1\n2\n"},
    {NULL, NULL},
};

const weir_component wr_component_until = {
    .struct_size = sizeof wr_component_until,
    .name = "until",
    .kind = WEIR_KIND_STAGE,
    .takes = WR_EXPR_TAKES,
    .gives = WEIR_SHAPE_SAME,
    .traits = WR_EXPR_TRAITS | WEIR_TRAIT_STATE_REPLAYS,
    .args = until_args,
    .args_count = sizeof until_args / sizeof until_args[0],
    .args_size = sizeof(struct until_args),
    .help = "The items up to the first for which an expression is true, that one included; then "
            "ends everything before it.",
    .example = "gen 1.. | until . == 3",
    .prints = "1\n2\n3\n",
    .more_examples = until_more,
    .check = until_check,
    .open = until_open,
};
