/*
 * source_count.c - the numbers from first to last as decimal lines, for experiments and tests.
 *
 * The digits of one pull are in the source's own memory and are lent until the next pull. It never
 * waits. Its only suspension is wr_turn, which lets other tasks run.
 */
#include <stdio.h>

#include <weir/module.h>
#include <weir/source.h>

#include "flow_gen.h"

enum { ITEMS_MAX = 64, DIGITS_MAX = 20 };

struct source_count {
    struct weir_gen gen;
    int64_t next, last;
    bool endless, over;
    char text[ITEMS_MAX][DIGITS_MAX + 1]; /* a sign and 19 digits */
};

static size_t digits(char text[DIGITS_MAX], int64_t number, const char **begin)
{
    uint64_t left = number < 0 ? 0 - (uint64_t)number : (uint64_t)number;
    char *at = text + DIGITS_MAX;
    do {
        *--at = (char)('0' + left % 10);
        left /= 10;
    } while (left > 0);
    if (number < 0) {
        *--at = '-';
    }
    *begin = at;
    return (size_t)(text + DIGITS_MAX - at);
}

static size_t count_next_many(struct weir_gen *gen, weir_item *items, size_t max)
{
    struct source_count *count = WR_OWNER(gen, struct source_count, gen);
    size_t n = 0;
    wr_origin_lend(gen->origin, 0);
    int rc = wr_turn(gen->loop, &gen->object);
    if (WR_UNLIKELY(rc < 0)) {
        wr_gen_fail(gen, rc, 0, -1, "%s", wr_code_text(rc));
        return 0;
    }
    if (WR_UNLIKELY(gen->stopping)) {
        return 0;
    }
    while (n < WR_MIN(max, (size_t)ITEMS_MAX) && !count->over) {
        const char *text;
        size_t len = digits(count->text[n], count->next, &text);
        items[n] = weir_bytes(text, len);
        items[n++].time_ns = gen->loop->now_unix_ns;
        count->over = count->next == INT64_MAX || (!count->endless && count->next == count->last);
        count->next += !count->over;
    }
    wr_source_give(gen, items, n);
    return n;
}

static const struct wr_gen_ops count_ops = {
    .kind = "count", .next_many = count_next_many, .is_source = true};

static weir_gen *make(weir_scope *scope, int64_t first, int64_t last, const char *name)
{
    struct source_count *count = wr_gen_alloc(scope, sizeof *count, &count_ops, name);
    if (count == NULL) {
        return wr_gen_made(NULL, NULL);
    }
    count->next = first;
    count->last = last;
    count->endless = last == WEIR_NONE;
    count->over = !count->endless && first > last;
    return wr_gen_made(&count->gen, NULL);
}

weir_gen *weir_count(weir_scope *scope, int64_t first, int64_t last)
{
    return make(scope, first, last, "count");
}

struct gen_args {
    weir_range range;
};

static weir_gen *gen_open(const weir_opening *opening, weir_gen *up, const void *args)
{
    const struct gen_args *a = args;
    const weir_begin *begin = opening->begin;
    int64_t first = a->range.first, left_out = begin != NULL ? begin->number : 0;
    (void)up;
    if (left_out > 0 && __builtin_add_overflow(first, left_out, &first)) {
        return make(opening->scope, 1, 0, "gen"); /* no number is left */
    }
    return make(opening->scope, first, a->range.last, "gen");
}

static const weir_arg gen_args[] = {
    WEIR_ARG_RANGE(struct gen_args, range, .name = "RANGE", .flags = WEIR_ARG_REQUIRED,
                   .help = "A..B, or A.. for no end"),
};

const weir_component wr_component_gen = {
    .struct_size = sizeof wr_component_gen,
    .name = "gen",
    .kind = WEIR_KIND_SOURCE,
    .gives = WEIR_SHAPE_LINE,
    .traits = WEIR_TRAIT_PURE,
    .args = gen_args,
    .args_count = sizeof gen_args / sizeof gen_args[0],
    .args_size = sizeof(struct gen_args),
    .begins = WEIR_BEGIN_BEGINNING | WEIR_BEGIN_OFFSET,
    .help = "Numbers, one per line.",
    .example = "gen 1..10 | skip 7",
    .prints = "8\n9\n10\n",
    .open = gen_open,
};
