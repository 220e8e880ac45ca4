/*
 * stage_totals.c - the components count, sum, avg, min, max, p50 to p99 and distinct: one total for each
 * group of items (stage_aggregate.h).
 */
#include "stage_aggregate.h"

enum { GROUPS_MAX = 1000000 };

/* The functions of a component. */
#define TOTAL(id, what, part)                                                                   \
    static const struct wr_aggregate_kind id##_kind = {#id, what, part};                        \
    static int id##_check(const weir_opening *opening, const void *args, weir_mistake *mistake) \
    {                                                                                           \
        return wr_aggregate_check(&id##_kind, opening, args, mistake);                          \
    }                                                                                           \
    static weir_gen *id##_open(const weir_opening *opening, weir_gen *up, const void *args)     \
    {                                                                                           \
        return wr_aggregate_open(&id##_kind, opening, up, args);                                \
    }

#define TRAITS                                                                         \
    (WEIR_TRAIT_CPU | WEIR_TRAIT_REJECTS | WEIR_TRAIT_VALUES | WEIR_TRAIT_HOLDS_BACK | \
     WEIR_TRAIT_STATE_REPLAYS | WEIR_TRAIT_PURE)

/* With a period its rows depend on the time, and the receipts of its items are held. */
static uint32_t traits_of(const void *args, uint32_t shape)
{
    const struct wr_aggregate_args *a = args;
    uint32_t traits = TRAITS;
    (void)shape;
    if (a->every_ms > 0) {
        traits &= ~(uint32_t)(WEIR_TRAIT_STATE_REPLAYS | WEIR_TRAIT_PURE);
        traits |= WEIR_TRAIT_READS_AHEAD;
    }
    return wr_aggregate_counts(a)
               ? traits & ~(uint32_t)(WEIR_TRAIT_CPU | WEIR_TRAIT_REJECTS | WEIR_TRAIT_VALUES)
               : traits;
}

#define BY_EVERY                                                                                 \
    WEIR_ARG_FIELDS(struct wr_aggregate_args, by, .name = "by", .form = WEIR_FORM_KEYWORD,       \
                    .help = "one row for each value of these fields, as in .host, .user.id"),    \
        WEIR_ARG_TIME(struct wr_aggregate_args, every_ms, .name = "every",                       \
                      .form = WEIR_FORM_KEYWORD, .min = 1,                                       \
                      .help =                                                                    \
                          "begin anew each time that so much time has passed; without it there " \
                          "is one total, at the end"),                                           \
        WEIR_ARG_COUNT(struct wr_aggregate_args, groups_max, .name = "groups",                   \
                       .form = WEIR_FORM_NAMED, .min = 1, .max = UINT32_MAX / 4,                 \
                       .preset = "1000000", .flags = WEIR_ARG_HOLDS,                             \
                       .help = "groups at most; items of further ones are rejected")

static const weir_arg count_args[] = {BY_EVERY};
static const weir_arg value_args[] = {
    WEIR_ARG_EXPR(struct wr_aggregate_args, value, .name = "EXPR", .flags = WEIR_ARG_REQUIRED,
                  .help = "the value of an item; null is none"),
    BY_EVERY,
};

#define TOTALS(id, arguments)                                                                   \
    .struct_size = sizeof(weir_component), .name = #id, .kind = WEIR_KIND_STAGE,                \
    .takes = WR_EXPR_TAKES, .gives = WEIR_SHAPE_JSON, .traits = TRAITS, .traits_of = traits_of, \
    .args = arguments, .args_count = sizeof(arguments) / sizeof((arguments)[0]),                \
    .args_size = sizeof(struct wr_aggregate_args), .check = id##_check, .open = id##_open

TOTAL(count, WR_TOTAL_COUNT, 0)
TOTAL(sum, WR_TOTAL_SUM, 0)
TOTAL(avg, WR_TOTAL_AVERAGE, 0)
TOTAL(min, WR_TOTAL_LEAST, 0)
TOTAL(max, WR_TOTAL_MOST, 0)
TOTAL(p50, WR_TOTAL_QUANTILE, 0.5)
TOTAL(p90, WR_TOTAL_QUANTILE, 0.9)
TOTAL(p95, WR_TOTAL_QUANTILE, 0.95)
TOTAL(p99, WR_TOTAL_QUANTILE, 0.99)
TOTAL(distinct, WR_TOTAL_DISTINCT, 0)

static const weir_example count_more[] = {
    {"http://localhost:8080/feed.ndjson | count by .type every 5s", NULL},
    {NULL, NULL},
};

static const weir_example sum_more[] = {
    {"gen 1..4 | {host: (if . < 4 then \"a\" else \"b\" end), bytes: .} | sum .bytes by .host",
     "{\"host\":\"a\",\"sum\":6}\n{\"host\":\"b\",\"sum\":4}\n"},
    {NULL, NULL},
};

const weir_component wr_component_count = {
    TOTALS(count, count_args),
    .help = "How many items there are.",
    .example = "gen 1..6 | map . % 2 | count by .",
    .prints = "{\"value\":1,\"count\":3}\n{\"value\":0,\"count\":3}\n",
    .more_examples = count_more,
};

const weir_component wr_component_sum = {
    TOTALS(sum, value_args),
    .help = "The sum of a value, exact up to 38 digits.",
    .example = "gen 1..4 | sum . / 10",
    .prints = "{\"sum\":1}\n",
    .more_examples = sum_more,
};

const weir_component wr_component_avg = {
    TOTALS(avg, value_args),
    .help = "The mean of a value.",
    .example = "gen 1..4 | avg .",
    .prints = "{\"avg\":2.5}\n",
};

const weir_component wr_component_min = {
    TOTALS(min, value_args),
    .help = "The least of a value: numbers come before texts.",
    .example = "gen 3..5 | min .",
    .prints = "{\"min\":3}\n",
};

const weir_component wr_component_max = {
    TOTALS(max, value_args),
    .help = "The greatest of a value: texts come after numbers.",
    .example = "gen 3..6 | max . % 5",
    .prints = "{\"max\":4}\n",
};

const weir_component wr_component_p50 = {
    TOTALS(p50, value_args),
    .help = "The value that 50 % of the values are at or below, within 1 %.",
    .example = "gen 1..100 | p50 .",
    .prints = "{\"p50\":49.9}\n",
};

const weir_component wr_component_p90 = {
    TOTALS(p90, value_args),
    .help = "The value that 90 % of the values are at or below, within 1 %.",
    .example = "gen 1..100 | p90 .",
    .prints = "{\"p90\":89.13}\n",
};

const weir_component wr_component_p95 = {
    TOTALS(p95, value_args),
    .help = "The value that 95 % of the values are at or below, within 1 %.",
    .example = "gen 1..100 | p95 .",
    .prints = "{\"p95\":94.64}\n",
};

const weir_component wr_component_p99 = {
    TOTALS(p99, value_args),
    .help = "The value that 99 % of the values are at or below, within 1 %.",
    .example = "gen 1..100 | p99 .",
    .prints = "{\"p99\":98.5}\n",
};

const weir_component wr_component_distinct = {
    TOTALS(distinct, value_args),
    .help = "How many different values there are: exact up to 512, then with a standard error of "
            "1.6 %.",
    .example = "gen 1..100 | distinct . % 7",
    .prints = "{\"distinct\":7}\n",
};
