/*
 * bench_step.c - what the two basic moves cost.
 *
 *   step     one generator step, there and back: a body hands a 64-byte item to its reader
 *   queue    the hop of an item over a queue between two tasks: one by one, in batches, and one by
 *            one of an item that lies in no block, which the queue copies
 *
 * Without an argument both. One JSON object a row, medians of ROUNDS.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE 1 /* clock_gettime */
#endif
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <weir/weir.h>

enum { ROUNDS = 9, STEPS = 2000000, QUEUE_ITEMS = 1024, BATCH = 64 };

struct value {
    char bytes[64];
};
WEIR_TYPE(value, struct value);

struct none {
    char unused;
};

WEIR_SOURCE(endless, struct none)
{
    struct value v;
    (void)args;
    memset(&v, 7, sizeof v);
    weir_item item = value_item(&v);
    while (weir_yield(self, &item)) {}
    return 0;
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

static double median(double *values)
{
    qsort(values, ROUNDS, sizeof *values, by_value);
    return values[ROUNDS / 2];
}

static void bench_step(weir_scope *scope)
{
    double rounds[ROUNDS];
    weir_item item;
    weir_gen *gen = endless(scope, (struct none){0});
    uint64_t sum = 0;
    for (int r = 0; r < ROUNDS; r++) {
        double began = now_ns();
        for (int i = 0; i < STEPS; i++) {
            if (!weir_next(gen, &item)) {
                abort();
            }
            sum += item.len;
        }
        rounds[r] = (now_ns() - began) / STEPS;
    }
    weir_discard(gen);
    if (sum != (uint64_t)ROUNDS * STEPS * sizeof(struct value)) {
        fprintf(stderr, "bench_step: items of another length came\n");
        exit(1);
    }
    printf("{\"bench\":\"generator_step\",\"ns\":%.2f}\n", median(rounds));
}

struct producer {
    weir_sink *to;
    size_t batch;
    bool loose; /* the items lie in no block */
};

static int produce(weir_scope *scope, void *args)
{
    struct producer *producer = args;
    static weir_item items[BATCH];
    weir_item first;
    struct value v;
    weir_error error;
    (void)scope;
    /* As lines are: slices of one block. */
    memset(&v, 7, sizeof v);
    weir_item lent = value_item(&v);
    if (weir_item_keep(&first, &lent) < 0) {
        return WEIR_ENOMEM;
    }
    for (size_t i = 0; i < BATCH; i++) {
        items[i] = producer->loose ? lent : first;
    }
    for (size_t i = 0; i < STEPS; i += producer->batch) {
        if (!(producer->batch == 1 ? weir_put(producer->to, &items[0])
                                   : weir_put_many(producer->to, items, producer->batch))) {
            break;
        }
    }
    int rc = weir_sink_finish(producer->to, &error);
    weir_item_release(&first);
    return rc;
}

static void bench_queue(weir_scope *root, size_t batch, bool loose)
{
    double rounds[ROUNDS];
    for (int r = 0; r < ROUNDS; r++) {
        weir_scope *scope = weir_scope_new(root, NULL);
        struct producer producer = {.batch = batch, .loose = loose};
        weir_gen *gen = weir_queue(
            scope, WEIR_OPTIONS(weir_queue_options, .items_max = QUEUE_ITEMS), &producer.to);
        weir_spawn(scope, "producer", produce, &producer, sizeof producer);
        weir_item items[BATCH];
        size_t count = 0, n;
        weir_error error;
        double began = now_ns();
        while ((n = batch == 1 ? weir_next(gen, items) : weir_next_many(gen, items, batch)) > 0) {
            count += n;
        }
        rounds[r] = (now_ns() - began) / (double)count;
        weir_discard(gen);
        if (weir_scope_wait(scope, &error) < 0 || count < STEPS) {
            fprintf(stderr, "bench_step: %s\n", error.message);
            exit(1);
        }
    }
    printf("{\"bench\":\"queue_hop%s\",\"batch\":%zu,\"ns\":%.2f}\n", loose ? "_loose" : "", batch,
           median(rounds));
}

int main(int argc, char **argv)
{
    const char *what = argc > 1 ? argv[1] : "";
    bool step = argc == 1 || strcmp(what, "step") == 0;
    bool queue = argc == 1 || strcmp(what, "queue") == 0;
    if (!step && !queue) {
        fprintf(stderr, "usage: bench_step [step|queue]\n");
        return 2;
    }
    weir_loop *loop = weir_loop_new(NULL);
    if (step) {
        bench_step(weir_root(loop));
    }
    if (queue) {
        bench_queue(weir_root(loop), 1, false);
        bench_queue(weir_root(loop), BATCH, false);
        bench_queue(weir_root(loop), 1, true);
    }
    weir_loop_free(loop);
    return 0;
}
