/*
 * loop_wait.c - waiting for objects, and with a limit.
 *
 * A task is in the list of the object it waits for from its park until it runs again, so that its
 * wait can still fail after its wake (wr_object_abort). A limit is a timer that wakes its task. It
 * fires between two tasks; when the task runs, it first sees whatever else has happened until then.
 */
#include "loop_wait.h"

void wr_object_wake_all(struct wr_object *object)
{
    for (struct wr_list *node = object->parked.next; node != &object->parked; node = node->next) {
        wr_wake(WR_OWNER(node, struct wr_task, parked_link), 0);
    }
}

bool wr_object_abort(struct wr_object *object, int code)
{
    for (struct wr_list *node = object->parked.next; node != &object->parked; node = node->next) {
        struct wr_task *task = WR_OWNER(node, struct wr_task, parked_link);
        if (task->state == WR_TASK_READY) {
            task->wake_code = code;
        } else {
            wr_wake(task, code);
        }
    }
    return !wr_list_empty(&object->parked);
}

static void limit_passed(struct wr_timer *timer)
{
    struct wr_limit *limit = WR_OWNER(timer, struct wr_limit, timer);
    limit->passed = true;
    wr_wake(limit->task, WEIR_ETIMEDOUT);
}

void wr_limit_arm(struct wr_limit *limit, int64_t limit_ms)
{
    wr_timer_init(&limit->timer, limit_passed);
    wr_timer_start(limit->task->loop, &limit->timer, limit_ms);
}

int wr_wait_until(struct weir_loop *loop, bool (*ready)(void *arg), void *arg, int64_t limit_ms,
                  const char *why, struct wr_object *of)
{
    struct wr_limit limit;
    int rc = 0;
    wr_limit_start(loop, &limit, limit_ms);
    while (!ready(arg) && rc == 0) {
        rc = wr_wait_limited(&limit, why, of);
    }
    wr_limit_stop(&limit);
    return rc == WEIR_ETIMEDOUT && ready(arg) ? 0 : rc;
}

int wr_sleep(struct weir_loop *loop, int64_t ms, const char *why, struct wr_object *of)
{
    struct wr_limit limit;
    int rc;
    wr_limit_start(loop, &limit, WR_MAX(ms, 0));
    do {
        rc = wr_wait_limited(&limit, why, of);
    } while (rc == 0);
    wr_limit_stop(&limit);
    return rc == WEIR_ETIMEDOUT ? 0 : rc;
}
