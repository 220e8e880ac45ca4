/*
 * loop_timer.h - timers over the loop's clock: an intrusive pairing heap, so that starting one
 * cannot fail.
 */
#ifndef WR_LOOP_TIMER_H
#define WR_LOOP_TIMER_H

#include <stdbool.h>
#include <stdint.h>

struct weir_loop;

struct wr_timer {
    struct wr_timer *child, *sibling, *back; /* back: the parent, or the left sibling */
    int64_t due_ns;
    uint64_t order; /* equal times fire in the order of their start */
    void (*fire)(struct wr_timer *timer);
    bool active;
};

struct wr_timers {
    struct wr_timer *root;
    uint64_t order;
};

/* `fire` runs on the scheduler's stack: it may wake tasks and start timers, and must not suspend.
 */
void wr_timer_init(struct wr_timer *timer, void (*fire)(struct wr_timer *timer));
/* Restarting moves it. ms < 0 counts as 0. */
void wr_timer_start(struct weir_loop *loop, struct wr_timer *timer, int64_t ms);
void wr_timer_stop(struct weir_loop *loop, struct wr_timer *timer);

/* For the scheduler: the due time of the earliest timer, INT64_MAX if there is none; and run all
 * that are due at now_ns. */
int64_t wr_timers_next(const struct wr_timers *timers);
void wr_timers_run(struct wr_timers *timers, int64_t now_ns);

#endif
