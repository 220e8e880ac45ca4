/*
 * loop_work.h - blocking calls on threads that weir owns, one for each lane, started at
 * its first use.
 *
 * Calls in one lane run one after the other; calls in different lanes run in parallel. Saving a
 * state has its own lane, so a file on a disk that hangs, or a slow client library (weir_work),
 * never delays it. libuv's pool is used only for name resolution.
 */
#ifndef WR_LOOP_WORK_H
#define WR_LOOP_WORK_H

#include "loop_core.h"

struct wr_worker;

/* A lane. The program's lanes (name: given by the program, or "") are separate from weir's. */
struct wr_lane {
    const char *name; /* the first 31 bytes count */
    bool programs;
};
extern const struct wr_lane wr_lane_state; /* saves states, syncs sinks */
extern const struct wr_lane wr_lane_files; /* reads files that the user names: token files */

struct wr_work {
    struct wr_list link;
    const struct wr_lane *lane;        /* must live until the work starts; NULL: wr_lane_state */
    struct wr_worker *worker;          /* the worker that has it; NULL: none */
    void (*run)(struct wr_work *work); /* on the worker's thread: must not touch the loop */
    void (*done)(struct wr_work
                     *work); /* on the loop's thread, on the scheduler's stack; must not suspend */
    bool busy;
};

/* Hand the work over; done() follows. If no thread can be started, run() runs here and blocks the
 * loop: late is better than never. */
void wr_work_start(struct weir_loop *loop, struct wr_work *work);
/* Run fn(arg) in the state's lane and wait, from a task. A cancel does not end the wait, because fn
 * uses the caller's memory. */
void wr_work_wait(struct weir_loop *loop, const char *why, void (*fn)(void *arg), void *arg);

/* The same in another lane. */
void wr_work_wait_in(struct weir_loop *loop, const struct wr_lane *lane, const char *why,
                     void (*fn)(void *arg), void *arg);

/* Take back work that no thread has started. False: too late, done() follows. */
bool wr_work_take_back(struct weir_loop *loop, struct wr_work *work);

/* Run fn(arg) on a thread of its own, with a stack of the usual size, and block until it has
 * returned: for short work that needs more stack than a task has. Needs no loop. false: there is no
 * memory for a thread, and fn has not run. */
bool wr_work_beside(void (*fn)(void *arg), void *arg);

#endif
