/*
 * loop_work.h - blocking calls on threads of weir's own, one for each lane, started at its first use.
 *
 * Calls of one lane run one after the other, and those of different lanes beside each other. What
 * saves a state has a lane that nothing else is put into, so a file on a disk that hangs, or a client
 * library that is slow (weir_work), never delays it. libuv's pool is left to name resolution.
 */
#ifndef WR_LOOP_WORK_H
#define WR_LOOP_WORK_H

#include "loop_core.h"

struct wr_worker;

/* A lane; those of the program (name: its own, "" if it names none) are not weir's. */
struct wr_lane {
    const char *name; /* up to 31 bytes count */
    bool programs;
};
extern const struct wr_lane wr_lane_state; /* saves states, syncs sinks */
extern const struct wr_lane wr_lane_files; /* reads what the user has named: token files */

struct wr_work {
    struct wr_list link;
    const struct wr_lane *lane;        /* needed until it has begun; NULL: wr_lane_state */
    struct wr_worker *worker;          /* that has it; NULL: none */
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
/* Run fn(arg) in the state's lane and wait, as a task: also while canceled, since fn's memory is the
 * caller's. */
void wr_work_wait(struct weir_loop *loop, const char *why, void (*fn)(void *arg), void *arg);

#endif
