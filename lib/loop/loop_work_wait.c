/*
 * loop_work_wait.c - a task that waits for a blocking call on a worker: wr_work_wait, and weir_work for
 * programs.
 *
 * The record of the call lies on the task's stack, so the task does not go on before the worker has
 * left it, whatever ends the wait.
 */
#include <weir/wait.h>

#include "loop_scope.h"
#include "loop_wait.h"
#include "loop_work.h"

struct waited_work {
    struct wr_work work;
    void (*fn)(void *arg);
    void *arg;
    struct wr_task *task;
    bool over;
};

static void waited_run(struct wr_work *work)
{
    struct waited_work *waited = WR_OWNER(work, struct waited_work, work);
    waited->fn(waited->arg);
}

static void waited_done(struct wr_work *work)
{
    struct waited_work *waited = WR_OWNER(work, struct waited_work, work);
    waited->over = true;
    wr_wake(waited->task, 0);
}

static struct waited_work waited_of(const struct wr_lane *lane, void (*fn)(void *arg), void *arg,
                                    struct wr_task *task)
{
    return (struct waited_work){.work = {.lane = lane, .run = waited_run, .done = waited_done},
                                .fn = fn,
                                .arg = arg,
                                .task = task};
}

void wr_work_wait_in(struct weir_loop *loop, const struct wr_lane *lane, const char *why,
                     void (*fn)(void *arg), void *arg)
{
    struct waited_work waited = waited_of(lane, fn, arg, wr_task_now(loop, why));
    wr_work_start(loop, &waited.work);
    while (!waited.over) {
        (void)wr_park(loop, why, NULL);
    }
}

void wr_work_wait(struct weir_loop *loop, const char *why, void (*fn)(void *arg), void *arg)
{
    wr_work_wait_in(loop, NULL, why, fn, arg);
}

int weir_work(weir_scope *scope, void (*fn)(void *arg), void *arg, const weir_work_options *options)
{
    weir_work_options o = WEIR_ZERO;
    wr_scope_given(scope, "weir_work");
    WR_ASSERT(fn != NULL, "the function is NULL");
    if (options != NULL) {
        WR_TAKE_OPTIONS(o, options);
    }
    struct weir_loop *loop = scope->loop;
    const char *why = o.why != NULL ? o.why : "a blocking call";
    struct wr_lane lane = {.name = o.lane != NULL ? o.lane : "", .programs = true};
    struct waited_work own = waited_of(&lane, fn, arg, wr_task_now(loop, "weir_work"));
    struct wr_limit limit;
    int rc = 0;
    wr_limit_start(loop, &limit, WEIR_NONE);
    wr_work_start(loop, &own.work);
    while (!own.over && rc == 0) {
        rc = wr_wait_stoppable(&limit, why, NULL);
    }
    if (!own.over && wr_work_take_back(loop, &own.work)) {
        return rc;
    }
    if (!own.over && o.interrupt != NULL) {
        o.interrupt(arg);
    }
    while (!own.over) {
        (void)wr_park(loop, why, NULL); /* the thread uses arg until then */
    }
    return rc;
}
