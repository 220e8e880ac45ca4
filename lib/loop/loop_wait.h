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
 * The code that makes it ready calls wr_object_wake(&thing->object), from anywhere on the loop's
 * thread, also from callbacks of libuv and libcurl. Several tasks may wait for one object, and a
 * wake may be meant for another task, so a waiter checks its condition in a loop. An object keeps
 * no list of its own of the tasks that wait for it: a cancel of its scope, its end and `why` find
 * them through the registration.
 *
 * A wait with a time limit:
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

/* Park the running task. Returns 0 or the code that it was woken with. WEIR_ECANCELED: the task was
 * canceled; the canceled bodies between here and the task have ended. `why` must be static and
 * completes "X waits for <why>". of: NULL when it waits for no object. */
int wr_wait(struct weir_loop *loop, const char *why, struct wr_object *of);
/* The same, but a cancel does not end the wait: for clean-up that must see the end of something. */
int wr_park(struct weir_loop *loop, const char *why, struct wr_object *of);
/* The same two, for a wait that only another task of this loop can end, not a descriptor, timer or
 * thread. So the loop knows when all tasks wait for each other. */
int wr_wait_for_task(struct weir_loop *loop, const char *why, struct wr_object *of);
int wr_park_for_task(struct weir_loop *loop, const char *why, struct wr_object *of);
/* Let the other tasks and the poll have a turn, then continue. of: the object that the task works
 * in, or NULL. Returns as wr_wait. */
int wr_pause(struct weir_loop *loop, struct wr_object *of);
/* The same, but only the tasks that are ready now have a turn. Usually there is no poll in between;
 * the poll is the cost of a pause. */
int wr_pass(struct weir_loop *loop);
/* Code that loops and may never have to wait calls this in each iteration. Usually returns 0 at
 * once. When the task has run for WR_TURN_NS, it acts as wr_pause. */
int wr_turn_look(struct weir_loop *loop, struct wr_object *of);
static inline int wr_turn(struct weir_loop *loop, struct wr_object *of)
{
    return WR_LIKELY(--loop->turn_left > 0) ? 0 : wr_turn_look(loop, of);
}
/* Would wr_wait fail at once? */
bool wr_wait_fails(struct wr_task *task);

/* Let a parked task continue. Its wait returns `code`. */
void wr_wake(struct wr_task *task, int code);
void wr_object_wake_all(struct wr_object *object);
/* Wake all tasks that wait for the object. A woken task stays on the list until it runs. The usual
 * case of one waiter is handled here. */
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
/* Fail all waits for the object with `code`. This includes a task that was woken and has not run
 * since: it would find nothing and wait again. False: no task waits. */
bool wr_object_abort(struct wr_object *object, int code);
/* The task that has waited longest for the object; NULL: none. */
static inline struct wr_task *wr_object_waiter(const struct wr_object *object)
{
    return wr_list_empty(&object->parked)
               ? NULL
               : WR_OWNER(object->parked.next, struct wr_task, parked_link);
}

/* ---- waits with a time limit */

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
/* As wr_wait. WEIR_ETIMEDOUT: the limit has ended the wait, or had passed before it. A task that
 * was first woken by something else gets 0, even if the limit passes before it runs. */
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
/* As wr_wait_limited, for a wait that the program's own code makes. If a source that waits in this
 * way is stopped, the wait fails with WEIR_ECLOSED. */
static inline int wr_wait_stoppable(struct wr_limit *limit, const char *why, struct wr_object *of)
{
    limit->task->stoppable = true;
    int rc = wr_wait_limited(limit, why, of);
    limit->task->stoppable = false;
    return rc;
}
/* Wait until ready(arg) is true, for at most limit_ms (< 0: no limit). 0; WEIR_ETIMEDOUT, if it is
 * still not true then; or as wr_wait. */
int wr_wait_until(struct weir_loop *loop, bool (*ready)(void *arg), void *arg, int64_t limit_ms,
                  const char *why, struct wr_object *of);
/* Sleep for `ms`. 0, or as wr_wait. */
int wr_sleep(struct weir_loop *loop, int64_t ms, const char *why, struct wr_object *of);

/* ---- the loop's byte budget */

struct wr_budget_wait {
    struct wr_list link;
    struct wr_task *task;
    const struct wr_object *of;
};
/* Wait until some budget is released; then the caller tries again. 0; WEIR_EBUDGET: no task can
 * release any; or as wr_wait. */
int wr_budget_wait(struct weir_loop *loop, struct wr_object *of);
/* The `why` of a task that waits for the budget; compared by address. */
extern const char wr_budget_why[];

#endif
