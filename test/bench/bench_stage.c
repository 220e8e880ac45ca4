/*
 * bench_stage.c - what a stage costs per item of its source: `bench_stage [ROW]`
 *
 *   source     a source that only numbers its items, pumped into a null sink
 *   half       a stage that drops every second item, and so tells of each, before that sink
 *   all        the same stage, keeping all
 *   single     a stage that asks for one item at a time (weir_filter), before that sink
 *   batch      weir_batch of 1000, before that sink
 *   queue      weir_buffer of 1024, before that sink
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

enum { ROUNDS = 9, ITEMS = 1000000, ITEM_BYTES = 174, BLOCK_ITEMS = 512 };

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

static void bench(weir_loop *loop, const weir_item *first, const char *row)
{
    double rounds[ROUNDS];
    for (int r = 0; r < ROUNDS; r++) {
        weir_scope *scope = weir_scope_new(weir_root(loop), NULL);
        struct source *source = wr_gen_alloc(scope, sizeof *source, &source_ops, "source");
        weir_error error;
        if (source == NULL) {
            abort();
        }
        source->first = first;
        source->left = ITEMS;
        double began = now_ns();
        int rc =
            weir_pump(make(row, wr_gen_made(&source->gen, NULL)), weir_null_sink(scope), &error);
        rounds[r] = (now_ns() - began) / ITEMS;
        if (rc < 0 || weir_scope_wait(scope, &error) < 0) {
            fprintf(stderr, "bench_stage: %s\n", error.message);
            exit(1);
        }
    }
    qsort(rounds, ROUNDS, sizeof *rounds, by_value);
    printf("{\"bench\":\"stage\",\"row\":\"%s\",\"ns\":%.2f}\n", row, rounds[ROUNDS / 2]);
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
        if (argc < 2 || strcmp(argv[1], rows[i]) == 0) {
            bench(loop, &first, rows[i]);
        }
    }
    weir_item_release(&first);
    weir_loop_free(loop);
    return 0;
}
