/*
 * loop_work.h - blocking calls on threads of weir's own, started at first use: one a loop for weir's
 * disk (fsync, rename), so that saving a state is never behind what a program does, and one for the
 * program's (weir_work). libuv's pool is left to name resolution.
 */
#ifndef WR_LOOP_WORK_H
#define WR_LOOP_WORK_H

#include "loop_core.h"

enum wr_lane { WR_LANE_DISK = 0, WR_LANE_PROGRAM };

struct wr_work {
    struct wr_list link;
    uint8_t lane;                      /* enum wr_lane */
    void (*run)(struct wr_work *work); /* on the worker's thread: touches nothing of the loop */
    void (*done)(struct wr_work
                     *work); /* on the loop's thread, on the scheduler's stack; must not suspend */
    bool busy;
};

/* Hand over; done() follows. When no thread can be had, run() runs here and now: late beats never.
 */
void wr_work_start(struct weir_loop *loop, struct wr_work *work);
/* Take back what no thread has begun. False: too late, done() follows. */
bool wr_work_take_back(struct weir_loop *loop, struct wr_work *work);
/* Run fn(arg) on the disk's worker and wait, as a task: also while canceled, since fn's memory is the
 * caller's. */
void wr_work_wait(struct weir_loop *loop, const char *why, void (*fn)(void *arg), void *arg);
/* From the loop's async handle: call done() of what has finished. */
void wr_workers_collect(struct weir_loop *loop);

#endif
