/*
 * support_clock.h - for tests of what depends on time that passes while a task runs: a clock that
 * only moves when it is looked at.
 */
#ifndef WR_SUPPORT_CLOCK_H
#define WR_SUPPORT_CLOCK_H

#include "loop_core.h"

struct slow_clock {
    int64_t now_ns, step_ns; /* each look takes so long */
    long looks;
};

static inline int64_t slow_clock_look(void *ctx)
{
    struct slow_clock *clock = ctx;
    clock->looks++;
    return clock->now_ns += clock->step_ns;
}

static inline void slow_clock_begin(weir_loop *loop, struct slow_clock *clock, int64_t step_ns)
{
    *clock = (struct slow_clock){1000000000, step_ns, 0};
    loop->virtual_clock = false;
    loop->clock.monotonic_ns = slow_clock_look;
    loop->clock.ctx = clock;
}

#endif
