/*
 * bench_stage.c - what a stage costs per item of its source: `bench_stage [ROW]`
 *
 *   source     a source that only numbers its items, pumped into a null sink
 *   half       a stage that drops every second item, and so tells of each, before that sink
 *   all        the same stage, keeping all
 *   single     a stage that asks for one item at a time (weir_filter), before that sink
 *   batch      weir_batch of 1000, before that sink
 *   queue      weir_buffer of 1024, before that sink
 *   level      what one more weir_head costs a reader that pulls one by one: LEVELS of them against
 *              none
 *   call       a call through a pointer that passes an item on: what a level is measured against
 *
 * Items are lines of 174 bytes that lie in one block. One JSON object a row, medians of ROUNDS.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE 1 /* clock_gettime */
#endif
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <weir/weir.h>

#include "flow_gen.h"

enum { ROUNDS = 9, ITEMS = 1000000, ITEM_BYTES = 174, BLOCK_ITEMS = 512, LEVELS = 8 };

/* ---- the source and the stage: what built-in ones do, and no more */

struct source {
    struct weir_gen gen;
    const weir_item *first; /* BLOCK_ITEMS of them follow each other in a block */
    size_t left, at;
};

static size_t source_next_many(struct weir_gen *gen, weir_item *items, size_t max)
{
    struct source *source = WR_OWNER(gen, struct source, gen);
    size_t n = WR_MIN(WR_MIN(max, source->left), BLOCK_ITEMS - source->at);
    for (size_t i = 0; i < n; i++) {
        items[i] = *source->first;
        items[i].data += (source->at + i) * ITEM_BYTES;
    }
    source->left -= n;
    source->at = (source->at + n) % BLOCK_ITEMS;
    wr_source_give(gen, items, n);
    return n;
}

static const struct wr_gen_ops source_ops = {
    .kind = "source", .next_many = source_next_many, .is_source = true};

struct thin {
    struct weir_gen gen;
    bool all;
};

static size_t thin_next_many(struct weir_gen *gen, weir_item *items, size_t max)
{
    struct thin *thin = WR_OWNER(gen, struct thin, gen);
    size_t n = wr_pull(gen->up, items, max), kept = 0;
    for (size_t i = 0; i < n; i++) {
        if (thin->all || items[i].seq % 2 == 1) {
            items[kept++] = items[i];
        } else {
            wr_items_tell(&items[i], 1, WR_ACT_FILTER);
        }
    }
    return kept;
}

static const struct wr_gen_ops thin_ops = {.kind = "thin", .next_many = thin_next_many};

static weir_gen *thin(weir_gen *up, bool all)
{
    struct thin *thin = wr_stage_alloc(up, sizeof *thin, &thin_ops, "thin");
    if (thin == NULL) {
        abort();
    }
    thin->all = all;
    return wr_gen_made(&thin->gen, up);
}

static bool keep_all(const weir_item *item, const void *args)
{
    (void)args;
    return item->len > 0;
}

/* ---- rows */

static weir_gen *make(const char *row, weir_gen *gen)
{
    if (strcmp(row, "half") == 0 || strcmp(row, "all") == 0) {
        return thin(gen, strcmp(row, "all") == 0);
    }
    if (strcmp(row, "single") == 0) {
        return weir_filter(gen, NULL, keep_all, NULL, 0);
    }
    if (strcmp(row, "batch") == 0) {
        return weir_batch(gen, WEIR_OPTIONS(weir_batch_options, .items_max = 1000));
    }
    if (strcmp(row, "queue") == 0) {
        return weir_buffer(gen, WEIR_OPTIONS(weir_queue_options, .items_max = 1024));
    }
    return gen;
}

static double now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;
    return (x > y) - (x < y);
}

static void report(const char *row, double *rounds)
{
    qsort(rounds, ROUNDS, sizeof *rounds, by_value);
    printf("{\"bench\":\"stage\",\"row\":\"%s\",\"ns\":%.2f}\n", row, rounds[ROUNDS / 2]);
}

static weir_gen *source_new(weir_scope *scope, const weir_item *first)
{
    struct source *source = wr_gen_alloc(scope, sizeof *source, &source_ops, "source");
    if (source == NULL) {
        abort();
    }
    source->first = first;
    source->left = ITEMS;
    return wr_gen_made(&source->gen, NULL);
}

static void end(weir_scope *scope, int rc, weir_error *error)
{
    if (rc < 0 || weir_scope_wait(scope, error) < 0) {
        fprintf(stderr, "bench_stage: %s\n", error->message);
        exit(1);
    }
}

static void bench(weir_loop *loop, const weir_item *first, const char *row)
{
    double rounds[ROUNDS];
    for (int r = 0; r < ROUNDS; r++) {
        weir_scope *scope = weir_scope_new(weir_root(loop), NULL);
        weir_gen *gen = make(row, source_new(scope, first));
        weir_error error;
        double began = now_ns();
        int rc = weir_pump(gen, weir_null_sink(scope), &error);
        rounds[r] = (now_ns() - began) / ITEMS;
        end(scope, rc, &error);
    }
    report(row, rounds);
}

/* All items one by one, in a task, behind so many stages. */
struct reading {
    const weir_item *first;
    int levels;
    double ns;
};

static int read_one_by_one(weir_scope *scope, void *args)
{
    struct reading *reading = *(struct reading **)args;
    weir_gen *gen = source_new(scope, reading->first);
    weir_item item;
    for (int i = 0; i < reading->levels; i++) {
        gen = weir_head(gen, UINT64_MAX);
    }
    double began = now_ns();
    while (weir_next(gen, &item)) {}
    reading->ns = (now_ns() - began) / ITEMS;
    return weir_finish(gen, NULL);
}

static double one_by_one(weir_loop *loop, const weir_item *first, int levels)
{
    struct reading reading = {first, levels, 0}, *args = &reading;
    weir_scope *scope = weir_scope_new(weir_root(loop), NULL);
    weir_error error;
    weir_spawn(scope, "reader", read_one_by_one, &args, sizeof args);
    end(scope, 0, &error);
    return reading.ns;
}

static void bench_level(weir_loop *loop, const weir_item *first)
{
    double rounds[ROUNDS];
    for (int r = 0; r < ROUNDS; r++) {
        double none = one_by_one(loop, first, 0);
        rounds[r] = (one_by_one(loop, first, LEVELS) - none) / LEVELS;
    }
    report("level", rounds);
}

struct pass {
    size_t (*volatile fn)(struct pass *pass, weir_item *items, size_t max);
    const weir_item *first;
};

static __attribute__((noinline)) size_t pass_on(struct pass *pass, weir_item *items, size_t max)
{
    items[0] = *pass->first;
    return max;
}

static void bench_call(const weir_item *first)
{
    double rounds[ROUNDS];
    struct pass pass = {pass_on, first};
    weir_item item;
    size_t sum = 0;
    for (int r = 0; r < ROUNDS; r++) {
        double began = now_ns();
        for (int i = 0; i < ITEMS; i++) {
            sum += pass.fn(&pass, &item, 1);
        }
        rounds[r] = (now_ns() - began) / ITEMS;
    }
    if (sum != (size_t)ROUNDS * ITEMS) {
        abort();
    }
    report("call", rounds);
}

static bool wanted(int argc, char **argv, const char *row)
{
    return argc < 2 || strcmp(argv[1], row) == 0;
}

int main(int argc, char **argv)
{
    static const char *const rows[] = {"source", "all", "half", "single", "batch", "queue"};
    static char bytes[BLOCK_ITEMS * ITEM_BYTES];
    weir_loop *loop = weir_loop_new(NULL);
    weir_item lent = weir_bytes(bytes, sizeof bytes), first;
    if (loop == NULL || weir_item_keep(&first, &lent) < 0) {
        return 1;
    }
    memset(bytes, 'x', sizeof bytes);
    first.len = ITEM_BYTES;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (wanted(argc, argv, rows[i])) {
            bench(loop, &first, rows[i]);
        }
    }
    if (wanted(argc, argv, "level")) {
        bench_level(loop, &first);
    }
    if (wanted(argc, argv, "call")) {
        bench_call(&first);
    }
    weir_item_release(&first);
    weir_loop_free(loop);
    return 0;
}
