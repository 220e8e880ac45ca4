/*
 * e2e_crash.c - a program that dies of a SIGSEGV in the way its argument says, under the command's
 * reporter; e2e_crash.py looks at what it says.
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include <weir/weir.h>

#include "weir_crash.h"

static volatile int limit = 1 << 30;

/* Its frame is too small to step over a guard, and is used after the call, so that it stays. */
__attribute__((noinline)) static int descend(int depth)
{
    volatile char frame[1024];
    frame[depth & 1023] = 1;
    int below = depth < limit ? descend(depth + 1) : 0;
    return below + frame[depth & 1023];
}

WEIR_SOURCE(deep, int)
{
    (void)args;
    weir_item item = {.data = "x", .len = 1};
    if (!weir_yield(self, &item)) {
        return 0;
    }
    return descend(0);
}

static int descending_task(weir_scope *scope, void *args)
{
    (void)scope;
    (void)args;
    return descend(0);
}

static int wild_task(weir_scope *scope, void *args)
{
    (void)scope;
    return *(volatile int *)*(uintptr_t *)args;
}

static void run_task(weir_loop *loop, weir_task *task)
{
    uintptr_t nowhere = 16;
    weir_error error;
    weir_scope *scope = weir_scope_new(weir_root(loop), NULL);
    weir_spawn(scope, "digger", task, &nowhere, sizeof nowhere);
    (void)!weir_scope_wait(scope, &error);
}

int main(int argc, char **argv)
{
    const char *how = argc > 1 ? argv[1] : "";
    weir_loop *loop = weir_loop_new(WEIR_OPTIONS(weir_loop_options, .stack_bytes = 128 * 1024));
    crash_report(loop);
    if (strcmp(how, "generator") == 0) {
        int none = 0;
        weir_item item;
        weir_gen *gen = deep(weir_root(loop), none);
        while (weir_next(gen, &item)) {}
    } else if (strcmp(how, "task") == 0) {
        run_task(loop, descending_task);
    } else if (strcmp(how, "wild") == 0) {
        run_task(loop, wild_task);
    } else if (strcmp(how, "main") == 0) {
        descend(0);
    } else {
        raise(SIGSEGV);
    }
    return 0;
}
