/*
 * support_loop.h - for tests of tasks: a loop on a virtual clock, and a trace.
 *
 * The test itself is the loop's outer task, so it waits like any other. What tasks do is written to
 * the trace, one letter a step.
 */
#ifndef WR_SUPPORT_LOOP_H
#define WR_SUPPORT_LOOP_H

#include <string.h>

#include <weir/loop.h>
#include <weir/scope.h>

#include "loop_scope.h"
#include "loop_wait.h"
#include "support_check.h"

static char trace[256];

static inline void note(char step)
{
    size_t len = strlen(trace);
    if (len + 1 < sizeof trace) {
        trace[len] = step;
        trace[len + 1] = '\0';
    }
}

static inline weir_loop *start(void)
{
    weir_loop *loop = weir_loop_new(NULL);
    ck_assert_ptr_nonnull(loop);
    wr_loop_virtual_clock(loop, 1700000000000000000);
    trace[0] = '\0';
    return loop;
}

struct step {
    char letter;
    int64_t sleep_ms;
    int rc;
};

static inline int step_task(weir_scope *scope, void *args)
{
    struct step *step = args;
    if (step->sleep_ms > 0 && !weir_sleep(scope, step->sleep_ms)) {
        note('!');
        return WEIR_ECANCELED;
    }
    note(step->letter);
    return step->rc;
}

static inline void spawn(weir_scope *scope, char letter, int64_t sleep_ms, int rc)
{
    struct step step = {letter, sleep_ms, rc};
    weir_spawn(scope, (char[]){letter, '\0'}, step_task, &step, sizeof step);
}

static inline int wait_for(weir_scope *scope)
{
    weir_error error;
    int rc = weir_scope_wait(scope, &error);
    ck_assert_int_eq(rc, error.code);
    return rc;
}

static inline int twice_task(weir_scope *scope, void *args)
{
    (void)args;
    note(weir_sleep(scope, 1000) ? '1' : '!');
    note(weir_sleep(scope, 1000) ? '2' : '!');
    return 0;
}

#endif
