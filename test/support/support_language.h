/*
 * support_language.h - components for tests of the language: blocks, expressions, lists of fields,
 * converters.
 *
 * The descriptors have the arguments that components of these names are to have. A stage passes on
 * what comes, but for those that open their blocks.
 */
#ifndef WR_SUPPORT_LANGUAGE_H
#define WR_SUPPORT_LANGUAGE_H

#include <weir/queue.h>
#include <weir/stage.h>

#include "plan_text.h"

struct args {
    int64_t count, size, time;
    weir_rate rate;
    int32_t way, pace;
    bool flag;
    const char *text, *text2, *expr;
    weir_texts fields, texts;
    const weir_chain *chain;
    weir_chains chains;
};

static weir_gen *pass(const weir_opening *opening, weir_gen *up, const void *args)
{
    (void)args;
    return up != NULL ? up : weir_count(opening->scope, 1, 3);
}

static weir_sink *take(const weir_opening *opening, const void *args)
{
    (void)args;
    return weir_null_sink(opening->scope);
}

/* merge { } { }: opens its chains. */
static weir_gen *open_merge(const weir_opening *opening, weir_gen *up, const void *args)
{
    const struct args *a = args;
    weir_gen *gens[8];
    weir_sink *sink;
    (void)up;
    for (size_t i = 0; i < a->chains.count; i++) {
        weir_chain_open(opening, a->chains.list[i], NULL, &gens[i], &sink);
    }
    return weir_merge(opening->scope, gens, a->chains.count);
}

/* A stage that hands its upstream through its chain. */
static weir_gen *open_through(const weir_opening *opening, weir_gen *up, const void *args)
{
    weir_gen *gen;
    weir_sink *sink;
    weir_chain_open(opening, ((const struct args *)args)->chain, up, &gen, &sink);
    return gen;
}

#define NEEDED .flags = WEIR_ARG_REQUIRED
#define NAMED .form = WEIR_FORM_NAMED
#define KEYWORD .form = WEIR_FORM_KEYWORD

static const weir_arg csv_args[] = {WEIR_ARG_FLAG(struct args, flag, .name = "header")};
static const char *const ways[] = {"up", "down", NULL};
static const char *const paces[] = {"slow", "fast", NULL};
static const weir_arg turn_args[] = {
    WEIR_ARG_CHOICE(struct args, way, .name = "WAY", .choices = ways),
    WEIR_ARG_CHOICE(struct args, pace, .name = "pace", KEYWORD, .choices = paces),
};
static const weir_arg text_args[] = {WEIR_ARG_TEXT(struct args, text, .name = "TEXT", NEEDED)};
static const weir_arg count_args[] = {
    WEIR_ARG_FIELDS(struct args, fields, .name = "by", KEYWORD),
    WEIR_ARG_TIME(struct args, time, .name = "every", KEYWORD),
};
static const weir_arg sum_args[] = {
    WEIR_ARG_EXPR(struct args, expr, .name = "EXPR", NEEDED),
    WEIR_ARG_FIELDS(struct args, fields, .name = "by", KEYWORD),
    WEIR_ARG_TIME(struct args, time, .name = "every", KEYWORD),
};
static const weir_arg pg_args[] = {
    WEIR_ARG_TEXT(struct args, text, .name = "QUERY", NEEDED),
    WEIR_ARG_COUNT(struct args, count, .name = "fetch", NAMED),
    WEIR_ARG_TEXT(struct args, text2, .name = "password", .form = WEIR_FORM_NAMED,
                  .flags = WEIR_ARG_SECRET),
};
static const weir_arg post_args[] = {WEIR_ARG_URL(struct args, text, .name = "URL", NEEDED)};
static const weir_arg udp_args[] = {WEIR_ARG_ADDRESS(
    struct args, text, .name = "HOST:PORT", .flags = WEIR_ARG_REQUIRED | WEIR_ARG_ANY_HOST)};
static const weir_arg throttle_args[] = {WEIR_ARG_RATE(struct args, rate, .name = "RATE", NEEDED)};
static const weir_arg size_args[] = {WEIR_ARG_SIZE(struct args, size, .name = "SIZE", NEEDED)};
static const weir_arg merge_args[] = {WEIR_ARG_CHAINS(
    struct args, chains, WEIR_ARG_REQUIRED | WEIR_ARG_WITH_SOURCE, .name = "PIPELINE")};
static const weir_arg tee_args[] = {WEIR_ARG_CHAINS(
    struct args, chains, WEIR_ARG_REQUIRED | WEIR_ARG_WITH_SINK, .name = "PIPELINE")};
static const weir_arg par_args[] = {
    WEIR_ARG_COUNT(struct args, count, .name = "N", NEEDED),
    WEIR_ARG_FLAG(struct args, flag, .name = "ordered"),
    WEIR_ARG_CHAIN(struct args, chain, .name = "PIPELINE", NEEDED),
};
static const weir_arg route_args[] = {
    WEIR_ARG_EXPR(struct args, expr, .name = "EXPR", NEEDED),
    WEIR_ARG_CHAINS(struct args, chains, WEIR_ARG_REQUIRED | WEIR_ARG_WITH_SINK,
                    .name = "PIPELINE"),
    WEIR_ARG_CHAIN(struct args, chain, .name = "else", .flags = WEIR_ARG_WITH_SINK),
};
static const weir_arg otherwise_args[] = {WEIR_ARG_CHAIN(struct args, chain, .name = "else")};
static const weir_arg through_args[] = {
    WEIR_ARG_CHAIN(struct args, chain, .name = "PIPELINE", NEEDED)};

/* One of the test's components. */
#define MADE(n, k, t, g, tr, list)                                                       \
    .struct_size = sizeof(weir_component), .name = n, .kind = k, .takes = t, .gives = g, \
    .traits = tr, .args = list, .args_count = sizeof list / sizeof list[0],              \
    .args_size = sizeof(struct args), .help = "A component of a test.", .example = "gen 1..3"
#define STAGE(n, t, g, tr, args)                               \
    {                                                          \
        MADE(n, WEIR_KIND_STAGE, t, g, tr, args), .open = pass \
    }
#define SOURCE(n, g, args)                                     \
    {                                                          \
        MADE(n, WEIR_KIND_SOURCE, 0, g, 0, args), .open = pass \
    }
#define ANY WEIR_SHAPES_ALL
#define SAME WEIR_SHAPE_SAME
#define LINES WEIR_SHAPE_LINE
#define JSON WEIR_SHAPE_JSON
#define EVENT WEIR_SHAPE_EVENT
#define VALUES (WEIR_SHAPE_JSON | WEIR_SHAPE_EVENT)

/* Gives lines as they come, or values. */
static const weir_arg tally_args[] = {WEIR_ARG_FLAG(struct args, flag, .name = "plain")};
static uint32_t tally_gives(const void *args, uint32_t shape)
{
    (void)shape;
    return ((const struct args *)args)->flag ? SAME : JSON;
}

static const char *const udp_schemes[] = {"udp", NULL};

static const weir_component made[] = {
    STAGE("sse", ANY, EVENT, 0, csv_args),
    STAGE("jq", VALUES, JSON, 0, text_args),
    STAGE("exec", WEIR_SHAPES_TEXT, LINES, 0, text_args),
    STAGE("count", ANY, JSON, 0, count_args),
    STAGE("sum", VALUES, JSON, 0, sum_args),
    STAGE("throttle", ANY, SAME, 0, throttle_args),
    STAGE("rechunk", ANY, WEIR_SHAPE_BYTES, 0, size_args),
    STAGE("unpack", ANY, LINES, WEIR_TRAIT_STATE_REPLAYS, csv_args),
    STAGE("window", ANY, LINES, WEIR_TRAIT_STATE_RESTARTS, csv_args),
    STAGE("par", ANY, SAME, 0, par_args),
    STAGE("tee", ANY, SAME, 0, tee_args),
    STAGE("turn", ANY, SAME, 0, turn_args),
    STAGE("otherwise", ANY, SAME, 0, otherwise_args),
    {MADE("tally", WEIR_KIND_STAGE, ANY, LINES | JSON, 0, tally_args), .gives_of = tally_gives,
     .open = pass},
    {MADE("through", WEIR_KIND_STAGE, ANY, SAME, 0, through_args), .open = open_through},
    {MADE("merge", WEIR_KIND_SOURCE, 0, SAME, 0, merge_args), .open = open_merge},
    SOURCE("pg", EVENT, pg_args),
    {MADE("udp", WEIR_KIND_SOURCE, 0, EVENT, 0, udp_args), .schemes = udp_schemes, .open = pass},
    {MADE("route", WEIR_KIND_SINK, VALUES, 0, 0, route_args), .open_sink = take},
    {MADE("post", WEIR_KIND_SINK, ANY, 0, 0, post_args), .open_sink = take},
};

/* support_check.h; a fuzzer has one of its own. */
void wr_test_keeps(bool keeps);

/* Add them to the registry, behind the library's own. False: out of memory. */
static inline bool wr_language_add(void)
{
    static const weir_component *list[sizeof made / sizeof made[0] + 1];
    static bool added;
    for (size_t i = 0; i < sizeof made / sizeof made[0]; i++) {
        list[i] = &made[i];
    }
    wr_test_keeps(true);
    added = added || wr_plan_components_add(list) == 0;
    wr_test_keeps(false);
    return added;
}

#endif
