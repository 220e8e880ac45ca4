/*
 * loop_task.c - tasks: how they start, wait, are woken, canceled and end.
 *
 * READY (in the run queue) -> RUNNING -> PARKED (does not run; what it waits for has a pointer
 * to wake it) -> READY ... -> DONE. A task parks at the fiber that runs, its leaf, with one
 * switch to the scheduler, and continues there. A cancel is a mark on the task. The wait that
 * fails with it clears the mark, and also tells each body between the leaf and the task that
 * it ends (wr_fiber.canceled).
 *
 * The program's own stack on a loop weir owns is a task like the others (loop->outer), so a
 * suspending call costs the same in main() as in any other task. Between two suspensions nothing
 * else on the loop runs.
 */
#include <string.h>

#include "base_alloc.h"
#include "base_fault.h"
#include "loop_scope.h"
#include "loop_wait.h"

void wr_loop_misused(const struct weir_loop *loop, const char *verb)
{
    if (loop == NULL) {
        wr_misuse(verb, "the loop is NULL: weir_loop_new returns NULL when there is no memory");
    }
    wr_thread_is_another(verb);
}

void wr_task_missing(const struct weir_loop *loop, const char *verb)
{
    if (!wr_loop_is_here(loop)) {
        wr_thread_is_another(verb);
    }
    wr_misuse(verb, "it was called outside a task, where it cannot wait; use weir_spawn or "
                    "weir_each");
}

/* The wait counts for the object that it was for; else for the object whose body or
 * operations made it. */
static void count_wait(const struct wr_task *task, const struct wr_fiber *leaf, const char *why,
                       const struct wr_object *of)
{
    if (of == NULL || of->counts == NULL) {
        of = leaf->within != NULL ? leaf->within : leaf->object;
    }
    if (of != NULL && of->counts != NULL) {
        wr_count_wait(of->counts, why, task->loop->now_ns - task->parked_ns);
    }
}

static inline void unregister(struct wr_task *task, struct wr_object *of)
{
    if (of != NULL) {
        wr_list_unlink(&task->parked_link);
        if (WR_UNLIKELY(of->watched)) {
            wr_object_unparked(of, task);
        }
    }
}

int wr_park(struct weir_loop *loop, const char *why, struct wr_object *of)
{
    struct wr_task *task = loop->task;
    struct wr_fiber *leaf = loop->running;
    if (WR_UNLIKELY(!wr_loop_is_here(loop))) {
        wr_thread_is_another("a wait");
    }
    task->leaf = leaf;
    task->state = WR_TASK_PARKED;
    task->why = why;
    task->why_of = of;
    task->parked_ns = loop->now_ns;
    loop->running = NULL;
    loop->task = NULL;
    if (of != NULL) {
        wr_list_append(&of->parked, &task->parked_link);
    }
    int code = (int)(intptr_t)wr_co_switch(&leaf->co, &loop->scheduler, 0);
    count_wait(task, leaf, why, of);
    unregister(task, of);
    if (task == &loop->outer) {
        loop->thread = NULL; /* until the program waits again, here or on another thread */
    }
    return code;
}

bool wr_wait_fails(struct wr_task *task)
{
    return task->cancel_due || task->failing > 0 || task->scope->state == WR_SCOPE_OVERDUE;
}

/* Tell the bodies around the failed wait. */
static int wait_failed(struct weir_loop *loop, struct wr_task *task)
{
    int code = task->cancel_due ? task->cancel_code : WEIR_ECANCELED;
    bool all = (task->cancel_due && task->cancel_all) || wr_scope_canceled(task->scope);
    task->cancel_due = task->cancel_all = false;
    for (struct wr_fiber *fiber = loop->running; fiber != NULL; fiber = fiber->resumer) {
        if (fiber->canceled != NULL) {
            fiber->canceled(fiber, code, all);
        }
    }
    return code;
}

int wr_wait(struct weir_loop *loop, const char *why, struct wr_object *of)
{
    struct wr_task *task = wr_task_now(loop, why);
    if (wr_wait_fails(task)) {
        return wait_failed(loop, task);
    }
    int code = wr_park(loop, why, of);
    if (wr_wait_fails(task)) {
        return wait_failed(loop, task);
    }
    return code;
}

int wr_wait_for_task(struct weir_loop *loop, const char *why, struct wr_object *of)
{
    struct wr_task *task = wr_task_now(loop, why);
    task->for_task = true;
    int rc = wr_wait(loop, why, of);
    task->for_task = false;
    return rc;
}

int wr_park_for_task(struct weir_loop *loop, const char *why, struct wr_object *of)
{
    struct wr_task *task = loop->task;
    task->for_task = true;
    int rc = wr_park(loop, why, of);
    task->for_task = false;
    return rc;
}

void wr_wake(struct wr_task *task, int code)
{
    if (task->state != WR_TASK_PARKED) {
        return;
    }
    task->state = WR_TASK_READY;
    task->wake_code = code;
    wr_list_append(&task->loop->ready, &task->run_link);
}

/* Go to the end of one of the loop's lists. */
static int take_turn(struct weir_loop *loop, struct wr_list *list, struct wr_object *of)
{
    struct wr_task *task = wr_task_now(loop, "wr_pause");
    if (wr_wait_fails(task)) {
        return wait_failed(loop, task);
    }
    task->leaf = loop->running;
    task->state = WR_TASK_READY;
    task->why = "its turn";
    task->why_of = of;
    task->wake_code = 0;
    wr_list_append(list, &task->run_link);
    if (of != NULL) {
        wr_list_append(&of->parked, &task->parked_link);
    }
    loop->running = NULL;
    loop->task = NULL;
    int code = (int)(intptr_t)wr_co_switch(&task->leaf->co, &loop->scheduler, 0);
    unregister(task, of);
    return wr_wait_fails(task) ? wait_failed(loop, task) : code;
}

int wr_pause(struct weir_loop *loop, struct wr_object *of)
{
    return take_turn(loop, &loop->paused, of);
}

int wr_pass(struct weir_loop *loop)
{
    return take_turn(loop, &loop->ready, NULL);
}

/* Has the turn ended? The clock is read only as often as needed to see that in time: one read costs
 * as much as a few items. */
static bool turn_over(struct weir_loop *loop, struct wr_task *task)
{
    int64_t now_ns = loop->clock.monotonic_ns(loop->clock.ctx), before_ns = loop->turn_looked_ns;
    bool over = now_ns >= loop->turn_until_ns;
    loop->turn_looked_ns = now_ns;
    if (before_ns == 0 ? over : now_ns - before_ns > WR_TURN_NS / 8) {
        task->turn_step = (uint16_t)WR_MAX(task->turn_step / 2, 1);
    } else {
        task->turn_step = (uint16_t)WR_MIN(task->turn_step * 2, WR_TURN_ASKS_MAX);
    }
    return over;
}

int wr_turn_look(struct weir_loop *loop, struct wr_object *of)
{
    struct wr_task *task = wr_task_now(loop, "a turn");
    bool over;
    if (loop->virtual_clock) { /* no time passes: a turn is a number of calls */
        over = task->turn_step == WR_TURN_ASKS_MAX;
        task->turn_step = WR_TURN_ASKS_MAX;
    } else {
        over = turn_over(loop, task);
    }
    loop->turn_left = task->turn_step;
    return over ? wr_pause(loop, of) : 0;
}

void wr_task_fail(struct wr_task *task, int code, bool all)
{
    task->cancel_all = all || (task->cancel_due && task->cancel_all);
    task->cancel_due = true;
    task->cancel_code = code;
    wr_wake(task, code);
}

void wr_task_cancel(struct wr_task *task)
{
    wr_task_fail(task, WEIR_ECANCELED, false);
}

void wr_call_on_loop_stack(struct weir_loop *loop, void (*fn)(void *arg), void *arg)
{
    struct wr_task *task = wr_task_now(loop, "weir_each");
    loop->call_fn = fn;
    loop->call_arg = arg;
    task->leaf = loop->running;
    loop->running = NULL;
    loop->task = NULL;
    (void)wr_co_switch(&task->leaf->co, &loop->scheduler, 0);
}

void wr_on_loop_stack(struct weir_loop *loop, void (*fn)(void *arg), void *arg)
{
    if (loop->task == NULL) {
        fn(arg);
    } else {
        wr_call_on_loop_stack(loop, fn, arg);
    }
}

void wr_failure_reported(struct weir_loop *loop, const weir_error *error)
{
    struct wr_task *task = loop->task;
    if (task == NULL || error == NULL || error->code == 0) {
        return;
    }
    if (task->reported == NULL) {
        task->reported = wr_alloc(sizeof *task->reported);
    }
    if (task->reported != NULL) {
        *task->reported = *error;
    }
}

/* ---- the life of a task */

static void count_live(struct weir_scope *scope, int change)
{
    for (; scope != NULL; scope = scope->parent) {
        scope->live += (size_t)(ptrdiff_t)change;
        if (scope->live == 0 && scope->waiter != NULL) {
            wr_wake(scope->waiter, 0);
        }
    }
}

/* The task's function has returned rc. A negative rc is the task's failure, unless a child has
 * failed before; it ends the children, too. */
static void conclude(struct wr_task *task, int rc)
{
    struct weir_scope *own = task->scope;
    weir_error error;
    if (rc >= 0 || own->failure != NULL || own->failed_without_memory) {
        return;
    }
    if (rc == WEIR_ECANCELED && own->state != WR_SCOPE_OPEN) {
        return; /* a cancel is reported to the canceled task, never to the canceling one */
    }
    if (task->reported != NULL && task->reported->code == rc) {
        error = *task->reported;
    } else {
        wr_error_set(&error, rc, 0, task->name, "%s", wr_code_text(rc));
    }
    wr_scope_fail(own, &error);
}

/* Report the task's failure to the scope that it was spawned in. */
static void report(struct wr_task *task)
{
    const struct weir_scope *own = task->scope;
    if (own->failure != NULL) {
        wr_scope_fail(task->parent, own->failure);
    } else if (own->failed_without_memory) {
        wr_scope_fail(task->parent, NULL);
    }
}

/* End all of the task but its memory: the scheduler frees that after the task has left its
 * stack. */
static _Noreturn void task_leave(struct wr_task *task)
{
    struct weir_loop *loop = task->loop;
    task->state = WR_TASK_DONE;
    wr_list_remove(&task->task_link);
    wr_list_remove(&task->all_link);
    if (!task->hidden) {
        loop->tasks_count--;
        wr_loop_keepalive(loop);
    }
    loop->running = NULL;
    loop->task = NULL;
    loop->dead = task;
    wr_stack_give(task->fiber.co.stack);
    wr_co_leave(&task->fiber.co, &loop->scheduler, 0);
}

static void task_main(void *arg)
{
    struct wr_task *task = arg;
    int rc = task->fn(task->scope, task->args);
    struct weir_scope *own = task->scope, *parent = task->parent;

    WR_ASSERT(rc <= 0, "task '%s' has returned %d: 0 is success, a negative code a failure",
              task->name, rc);
    conclude(task, rc);
    task->cancel_due = false; /* only clean-up is left */
    while (own->live > 0) {
        own->waiter = task;
        (void)wr_park_for_task(task->loop, "its child tasks", NULL);
        own->waiter = NULL;
        task->cancel_due = false;
    }
    wr_scope_end_objects(own);
    report(task);
    wr_scope_free(own);
    task->scope = parent;
    count_live(parent, -1);
    task_leave(task);
}

static struct wr_task *task_new(struct weir_scope *scope, const char *name, wr_co_entry *entry,
                                size_t args_len)
{
    struct weir_loop *loop = scope->loop;
    struct wr_task *task = wr_zalloc(sizeof *task + args_len);
    if (task == NULL) {
        return NULL;
    }
    struct wr_stack *stack = wr_stack_take(loop->stacks);
    if (stack == NULL) {
        wr_free(task);
        return NULL;
    }
    wr_co_init(&task->fiber.co, stack, entry, task, task->name);
    task->leaf = &task->fiber;
    task->loop = loop;
    task->parent = task->scope = scope;
    task->state = WR_TASK_READY;
    task->why = "its first turn";
    task->turn_step = 1;
    (void)wr_copy_text(task->name, sizeof task->name, name != NULL ? name : "task");
    wr_list_append(&scope->tasks, &task->task_link);
    wr_list_append(&loop->tasks, &task->all_link);
    wr_list_append(&loop->ready, &task->run_link);
    return task;
}

void weir_spawn(weir_scope *scope, const char *name, weir_task *fn, const void *args,
                size_t args_len)
{
    weir_error error;
    wr_scope_given(scope, "weir_spawn");
    WR_ASSERT(fn != NULL, "task '%s' has no function", name != NULL ? name : "task");
    WR_COPIED_GIVEN(args, args_len);
    struct weir_scope *own = wr_scope_make(scope->loop, scope, name);
    struct wr_task *task = own != NULL ? task_new(scope, name, task_main, args_len) : NULL;
    if (task == NULL) {
        if (own != NULL) {
            wr_scope_free(own);
        }
        wr_error_set(&error, WEIR_ENOMEM, 0, name, "no memory for a task");
        wr_scope_fail(scope, &error);
        return;
    }
    own->owner = task;
    own->state = scope->state;
    task->scope = own;
    task->fn = fn;
    task->args = task + 1;
    if (args_len > 0) {
        memcpy(task->args, args, args_len);
    }
    task->cancel_due = wr_scope_canceled(scope);
    task->cancel_code = WEIR_ECANCELED;
    count_live(scope, 1);
    scope->loop->tasks_count++;
    wr_loop_keepalive(scope->loop);
}

struct hidden_start {
    void (*fn)(struct wr_task *task, void *arg);
    void *arg;
};

static void hidden_main(void *arg)
{
    struct wr_task *task = arg;
    struct hidden_start *start = (struct hidden_start *)(void *)(task + 1);
    start->fn(task, start->arg);
    task_leave(task);
}

struct wr_task *wr_task_hidden(struct weir_scope *scope, const char *name,
                               void (*fn)(struct wr_task *task, void *arg), void *arg)
{
    struct wr_task *task = task_new(scope, name, hidden_main, sizeof(struct hidden_start));
    if (task != NULL) {
        struct hidden_start *start = (struct hidden_start *)(void *)(task + 1);
        start->fn = fn;
        start->arg = arg;
        task->hidden = true;
    }
    return task;
}

void wr_task_move(struct wr_task *hidden, struct weir_scope *scope)
{
    WR_ASSERT(hidden->hidden, "only a generator's hidden task can move to another scope");
    wr_list_remove(&hidden->task_link);
    wr_list_append(&scope->tasks, &hidden->task_link);
    hidden->parent = hidden->scope = scope;
}
