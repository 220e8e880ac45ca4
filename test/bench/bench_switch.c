/*
 * bench_switch.c - what a bare pair of switches costs: into a coroutine and back.
 *
 * The median of rounds, since the machine is shared. The pair is what generator steps are measured
 * against, so it does nothing but switch.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE 1 /* clock_gettime */
#endif
#include "co_stack.h"
#include "co_switch.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { rounds_count = 31, pairs_count = 200000 };

static struct wr_co home;
static struct wr_co body;

static void swing(void *arg)
{
    (void)arg;
    while (wr_co_switch(&body, &home, 0) == 0) {}
    wr_co_leave(&body, &home, 0);
}

static double now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

int main(void)
{
    double ns[rounds_count];
    struct wr_stack_pool *pool = wr_stack_pool_new(262144);
    struct wr_stack *stack = pool != NULL ? wr_stack_take(pool) : NULL;

    if (stack == NULL) {
        fputs("bench_switch: out of memory\n", stderr);
        return EXIT_FAILURE;
    }
    wr_co_init_thread(&home);
    wr_co_init(&body, stack, swing, NULL, NULL);
    for (int round = 0; round < rounds_count; round++) {
        double begin = now_ns();

        for (int i = 0; i < pairs_count; i++) {
            wr_co_resume(&home, &body, 0);
        }
        ns[round] = (now_ns() - begin) / pairs_count;
    }
    wr_co_resume(&home, &body, 1);
    wr_co_fini(&body);
    wr_stack_give(stack);
    wr_co_fini(&home);
    wr_stack_pool_free(pool);

    qsort(ns, rounds_count, sizeof ns[0], compare);
    printf("{\"bench\":\"switch_pair\",\"ns\":%.2f}\n", ns[rounds_count / 2]);
    return EXIT_SUCCESS;
}
