/*
 * stage_where.c - the component `where`: passes the items for which an expression is true.
 *
 * An item passes if any output of the expression is true, that is neither false nor null; the first
 * such output decides. It is passed on untouched, byte for byte; the others count as filtered. It
 * pulls as many items as its reader requested and gives those that pass, at least one. It suspends
 * at the pull, and to let other tasks run while an expression takes long.
 */
#include "stage_expr.h"

struct where_args {
    const char *expr;
};

struct stage_where {
    struct weir_gen gen;
    struct wr_item_expr expr;
};

/* 1: the item passes; 0: it was left out, or is to be filtered (*filtered); negative: failed. */
static int passes(struct stage_where *where, const weir_item *item, bool *filtered)
{
    struct wr_value output;
    *filtered = false;
    int rc = wr_item_expr_begin(&where->expr, &where->gen, item);
    if (rc <= 0) {
        return rc;
    }
    while ((rc = wr_item_expr_next(&where->expr, &where->gen, item, &output)) > 0) {
        if (wr_value_true(output)) {
            return 1;
        }
    }
    *filtered = rc == 0;
    return where->gen.failure != NULL ? rc : 0;
}

static size_t where_next_many(struct weir_gen *gen, weir_item *items, size_t max)
{
    struct stage_where *where = WR_OWNER(gen, struct stage_where, gen);
    size_t n;
    while ((n = wr_pull(gen->up, items, max)) > 0) {
        size_t kept = 0;
        for (size_t i = 0; i < n; i++) {
            bool filtered;
            int rc = passes(where, &items[i], &filtered);
            if (rc < 0) {
                return kept;
            }
            if (filtered) {
                wr_gen_filter(gen, &items[i], 1);
            }
            /* Moving down is safe: the old item there was left out or has moved already. */
            if (rc > 0) {
                items[kept++] = items[i];
            }
        }
        if (kept > 0) {
            return kept;
        }
    }
    return 0;
}

static void where_close(struct weir_gen *gen)
{
    wr_item_expr_close(&WR_OWNER(gen, struct stage_where, gen)->expr);
}

static const struct wr_gen_ops where_ops = {
    .kind = "where", .next_many = where_next_many, .close = where_close};

static int where_check(const weir_opening *opening, const void *args, weir_mistake *mistake)
{
    return wr_item_expr_check(opening, mistake, "EXPR", ((const struct where_args *)args)->expr,
                              NULL);
}

static weir_gen *where_open(const weir_opening *opening, weir_gen *up, const void *args)
{
    struct stage_where *where = wr_stage_alloc(up, sizeof *where, &where_ops, "where");
    if (where != NULL) {
        (void)wr_item_expr_open(&where->expr, &where->gen, opening,
                                ((const struct where_args *)args)->expr);
    }
    return wr_gen_made(where != NULL ? &where->gen : NULL, up);
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
};
