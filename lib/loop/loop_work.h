/*
 * loop_work.h - blocking calls (fsync, rename) on a thread of weir's own, one a loop, started at
 * first use. libuv's pool is left to name resolution.
 */
#ifndef WR_LOOP_WORK_H
#define WR_LOOP_WORK_H

#include "loop_core.h"

struct wr_work {
    struct wr_list link;
    void (*run)(struct wr_work *work); /* on the worker's thread: touches nothing of the loop */
    void (*done)(struct wr_work
                     *work); /* on the loop's thread, on the scheduler's stack; must not suspend */
    bool busy;
};

/* Hand over; done() follows. When no thread can be had, run() runs here and now: late beats never.
 */
void wr_work_start(struct weir_loop *loop, struct wr_work *work);
/* Run fn(arg) on the worker and wait, as a task: also while canceled, since fn's memory is the
 * caller's. */
void wr_work_wait(struct weir_loop *loop, const char *why, void (*fn)(void *arg), void *arg);
/* From the loop's async handle: call done() of what has finished. */
void wr_worker_collect(struct weir_loop *loop);

#endif
