/*
 * loop_wait.h - how a task waits. Internal.
 *
 * A wait names the object that it is for, and registers there:
 *
 *     while (!thing->ready) {
 *         int rc = wr_wait(loop, "an item", &thing->object);
 *         if (rc < 0) { canceled, or failed with this code: leave }
 *     }
 *
 * Whoever makes it ready calls wr_object_wake(&thing->object), from anywhere on the loop's thread,
 * callbacks of libuv and libcurl included. Several tasks may wait for one object, and a wake may be
 * meant for another one, so a waiter loops over its condition. No object keeps who waits for it: a
 * cancel of its scope, its end and `why` find them through the registration.
 *
 * A wait with a limit:
 *
 *     struct wr_limit limit;
 *     int rc = 0;
 *     wr_limit_start(loop, &limit, limit_ms);
 *     while (!thing->ready && rc == 0) {
 *         rc = wr_wait_limited(&limit, "an item", &thing->object);
 *     }
 *     wr_limit_stop(&limit);
 *     if (!thing->ready && rc == WEIR_ETIMEDOUT) { late }
 */
#ifndef WR_LOOP_WAIT_H
#define WR_LOOP_WAIT_H

#include "loop_core.h"

/* Park the running task. 0 or what it was woken with; WEIR_ECANCELED when the task was canceled:
 * then the bodies between here and the task that this concerns are over. `why` must be static: "X
 * waits for <why>"; of: NULL when it waits for no object. */
int wr_wait(struct weir_loop *loop, const char *why, struct wr_object *of);
/* The same without looking at cancels, for clean-up that must see the end of something. */
int wr_park(struct weir_loop *loop, const char *why, struct wr_object *of);
/* The same two, where only another task of this loop can end the wait, no descriptor, timer or
 * thread: so that the loop knows when all wait for each other. */
int wr_wait_for_task(struct weir_loop *loop, const char *why, struct wr_object *of);
int wr_park_for_task(struct weir_loop *loop, const char *why, struct wr_object *of);
/* Let the others and the poll have a turn, then go on. of: what the task is at work in; NULL.
 * Returns as wr_wait. */
int wr_pause(struct weir_loop *loop, struct wr_object *of);
/* The same for those that are ready now: mostly without a poll in between, which is what a pause
 * costs. */
int wr_pass(struct weir_loop *loop);
/* A loop that may never have to wait asks this each time around: 0, mostly at once; but when the
 * task has run for WR_TURN_NS, as wr_pause. */
int wr_turn_look(struct weir_loop *loop, struct wr_object *of);
static inline int wr_turn(struct weir_loop *loop, struct wr_object *of)
{
    return WR_LIKELY(--loop->turn_left > 0) ? 0 : wr_turn_look(loop, of);
}
/* Would wr_wait fail at once? */
bool wr_wait_fails(struct wr_task *task);

/* Let a parked task go on; code is what its wait returns. */
void wr_wake(struct wr_task *task, int code);
void wr_object_wake_all(struct wr_object *object);
/* Let all go on that wait for the object. Who was woken stays on the list until it runs: the usual
 * one waiter is looked at here. */
static inline void wr_object_wake(struct wr_object *object)
{
    struct wr_list *first = object->parked.next;
    if (first == &object->parked) {
        return;
    }
    struct wr_task *task = WR_OWNER(first, struct wr_task, parked_link);
    if (WR_UNLIKELY(first->next != &object->parked)) {
        wr_object_wake_all(object);
    } else if (task->state == WR_TASK_PARKED) {
        wr_wake(task, 0);
    }
}
/* Fail all waits for the object with `code`, also of a task that was woken and has not run since: it
 * would find nothing, and wait again. False: there was none. */
bool wr_object_abort(struct wr_object *object, int code);
/* The task that has waited longest for the object; NULL: none. */
static inline struct wr_task *wr_object_waiter(const struct wr_object *object)
{
    return wr_list_empty(&object->parked)
               ? NULL
               : WR_OWNER(object->parked.next, struct wr_task, parked_link);
}

/* ---- for so long and no longer */

/* On the stack of the task that waits, from wr_limit_start to wr_limit_stop. */
struct wr_limit {
    struct wr_timer timer;
    struct wr_task *task;
    bool passed;
};

void wr_limit_arm(struct wr_limit *limit, int64_t limit_ms);
/* limit_ms < 0: without a limit. */
static inline void wr_limit_start(struct weir_loop *loop, struct wr_limit *limit, int64_t limit_ms)
{
    limit->task = wr_task_now(loop, "a wait with a limit");
    limit->passed = limit->timer.active = false;
    if (limit_ms >= 0) {
        wr_limit_arm(limit, limit_ms);
    }
}
static inline void wr_limit_stop(struct wr_limit *limit)
{
    if (limit->timer.active) {
        wr_timer_stop(limit->task->loop, &limit->timer);
    }
}
/* As wr_wait; WEIR_ETIMEDOUT when it is the time that ends the wait, at once if it has passed. A
 * task that was woken by something else before its turn came is told 0, also past the limit. */
static inline int wr_wait_limited(struct wr_limit *limit, const char *why, struct wr_object *of)
{
    return limit->passed ? WEIR_ETIMEDOUT : wr_wait(limit->task->loop, why, of);
}
/* As wr_wait_for_task. */
static inline int wr_wait_for_task_limited(struct wr_limit *limit, const char *why,
                                           struct wr_object *of)
{
    return limit->passed ? WEIR_ETIMEDOUT : wr_wait_for_task(limit->task->loop, why, of);
}
/* As wr_wait_limited, for a wait of the program's own: the stop of a source that waits so fails it
 * with WEIR_ECLOSED. */
static inline int wr_wait_stoppable(struct wr_limit *limit, const char *why, struct wr_object *of)
{
    limit->task->stoppable = true;
    int rc = wr_wait_limited(limit, why, of);
    limit->task->stoppable = false;
    return rc;
}
/* Wait until ready(arg) is true, for at most limit_ms (< 0: no limit). 0; WEIR_ETIMEDOUT, if it is
 * not ready then; or as wr_wait. */
int wr_wait_until(struct weir_loop *loop, bool (*ready)(void *arg), void *arg, int64_t limit_ms,
                  const char *why, struct wr_object *of);
/* Let the time pass. 0, or as wr_wait. */
int wr_sleep(struct weir_loop *loop, int64_t ms, const char *why, struct wr_object *of);

/* ---- the loop's byte budget */

struct wr_budget_wait {
    struct wr_list link;
    struct wr_task *task;
    const struct wr_object *of;
};
/* Wait until somebody gives budget back; the caller tries again. 0; WEIR_EBUDGET: nobody can; or as
 * wr_wait. */
int wr_budget_wait(struct weir_loop *loop, struct wr_object *of);
/* What a task waits for that waits for the budget: compared by address. */
extern const char wr_budget_why[];

#endif
