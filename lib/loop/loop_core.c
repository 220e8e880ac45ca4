/*
 * loop_core.c - the scheduler, and the life of a loop.
 *
 * A round: deferred work, due timers, ready tasks (at most ROUND_TASKS, so that tasks that feed
 * each other cannot keep the sockets waiting), then, when nothing is ready, the hooks before the
 * poll (sinks flush), then the poll. A task that pauses takes part in the next round, so that hooks
 * and poll come between.
 *
 * Owned loop: the scheduler is a coroutine that alternates rounds and uv_run; the program's own
 * stack is a task (loop->outer), so that main() may call anything that suspends. Tasks are resumed
 * outside of uv_run; an idle handle keeps the poll from blocking when a callback that libuv calls
 * before it has left work. Attached loop: rounds run in the prepare and the check phase of the
 * program's uv_run; an idle handle keeps the poll from blocking while tasks are ready, and the
 * async handle is referenced while tasks exist.
 *
 * Freeing: cancel the root, wait for the tasks, end the objects, close the handles; only then is
 * the memory freed.
 */
#include "loop_core.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base_alloc.h"
#include "base_fault.h"
#include "loop_scope.h"
#include "loop_work.h"

enum { ROUND_TASKS = 256, SCHEDULER_STACK_BYTES = 1024 * 1024, ENDING_RETRY_MS = 10 };

static int64_t read_clock(clockid_t id)
{
    struct timespec now;
    clock_gettime(id, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static int64_t real_monotonic(void *ctx)
{
    (void)ctx;
    return read_clock(CLOCK_MONOTONIC);
}

static int64_t real_unix(void *ctx)
{
    (void)ctx;
    return read_clock(CLOCK_REALTIME);
}

void wr_time_update(struct weir_loop *loop)
{
    if (!loop->virtual_clock) {
        loop->now_ns = loop->clock.monotonic_ns(loop->clock.ctx);
        loop->now_unix_ns = loop->clock.unix_ns(loop->clock.ctx);
    }
}

uint64_t wr_random(struct weir_loop *loop)
{
    uint64_t x = loop->random;
    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
    return loop->random = x;
}

void wr_random_seed(struct weir_loop *loop, uint64_t seed)
{
    loop->random = seed * 2685821657736338717u + 1442695040888963407u;
    if (loop->random == 0) {
        loop->random = 1;
    }
}

void wr_before_poll_init(struct wr_before_poll *hook, void (*run)(struct wr_before_poll *hook))
{
    wr_list_init(&hook->link);
    hook->run = run;
}

void wr_deferred_init(struct wr_deferred *deferred, void (*run)(struct wr_deferred *deferred))
{
    wr_list_init(&deferred->link);
    deferred->run = run;
}

void wr_defer(struct weir_loop *loop, struct wr_deferred *deferred)
{
    if (wr_list_empty(&deferred->link)) {
        wr_list_append(&loop->deferred, &deferred->link);
    }
}

/* ---- rounds */

/* True when the task that has just switched here asked for a call on this stack, which has been
 * made. */
static bool called(struct weir_loop *loop)
{
    void (*fn)(void *arg) = loop->call_fn;
    if (fn == NULL) {
        return false;
    }
    loop->call_fn = NULL;
    fn(loop->call_arg);
    return true;
}

static void resume(struct weir_loop *loop, struct wr_task *task)
{
    intptr_t code = task->wake_code;
    task->why = NULL;
    do {
        task->state = WR_TASK_RUNNING;
        loop->task = task;
        loop->running = task->leaf;
        (void)wr_co_switch(&loop->scheduler, &task->leaf->co, (uintptr_t)code);
        code = 0;
    } while (called(loop));
    if (loop->dead != NULL) {
        struct wr_task *dead = loop->dead;
        loop->dead = NULL;
        wr_co_fini(&dead->fiber.co);
        wr_free(dead->told);
        wr_free(dead);
    }
}

static void watch_held(struct weir_loop *loop, int64_t began_ns, const char *who)
{
    int64_t held_ms = (loop->now_ns - began_ns) / 1000000;
    if (loop->blocked_ms > 0 && held_ms > loop->blocked_ms && !loop->virtual_clock) {
        wr_log(&loop->log, WR_LOG_WARNING, who, "held the loop for %lld ms", (long long)held_ms);
    }
}

void wr_loop_round(struct weir_loop *loop)
{
    struct wr_list *node;
    wr_time_update(loop);
    while ((node = wr_list_take(&loop->deferred)) != NULL) {
        struct wr_deferred *deferred = WR_OWNER(node, struct wr_deferred, link);
        deferred->run(deferred);
    }
    wr_timers_run(&loop->timers, loop->now_ns);
    while ((node = wr_list_take(&loop->paused)) != NULL) {
        wr_list_append(&loop->ready, node);
    }
    int64_t began_ns = loop->now_ns;
    char who[32] = "";
    for (int i = 0; i < ROUND_TASKS && (node = wr_list_take(&loop->ready)) != NULL; i++) {
        struct wr_task *task = WR_OWNER(node, struct wr_task, run_link);
        if (i == 0) {
            memcpy(who, task->name, sizeof who);
        }
        resume(loop, task);
    }
    if (who[0] != '\0') {
        wr_time_update(loop);
        watch_held(loop, began_ns, who);
    }
    if (wr_list_empty(&loop->ready)) {
        while ((node = wr_list_take(&loop->before_poll)) != NULL) {
            struct wr_before_poll *hook = WR_OWNER(node, struct wr_before_poll, link);
            hook->run(hook);
        }
    }
    loop->turns++;
}

static bool busy(const struct weir_loop *loop)
{
    return !wr_list_empty(&loop->ready) || !wr_list_empty(&loop->paused) ||
           !wr_list_empty(&loop->deferred) || !wr_list_empty(&loop->before_poll);
}

static void on_idle(uv_idle_t *idle)
{
    (void)idle; /* its being active keeps the poll from blocking */
}

/* It only ends the poll: wr_timers_run does the work. libuv 1.44 runs timers before it polls
 * (uv_run in core.c), so one that comes due after arm_timer ends a poll that has not begun yet. */
static void timer_due(uv_timer_t *timer)
{
    struct weir_loop *loop = timer->data;
    uv_idle_start(&loop->idle, on_idle);
}

/* Arm the one uv_timer for the earliest of ours; rounded up, since libuv counts milliseconds. */
static void arm_timer(struct weir_loop *loop)
{
    int64_t next = wr_timers_next(&loop->timers);
    if (next == INT64_MAX || loop->virtual_clock) {
        uv_timer_stop(&loop->timer);
        return;
    }
    int64_t wait_ns = next - loop->clock.monotonic_ns(loop->clock.ctx);
    uv_update_time(loop->uv);
    uv_timer_start(&loop->timer, timer_due,
                   wait_ns <= 0 ? 0 : (uint64_t)((wait_ns + 999999) / 1000000), 0);
}

/* On a virtual clock nothing but a descriptor can wake us while time stands still: so it jumps. */
static void jump_clock(struct weir_loop *loop)
{
    int64_t next = wr_timers_next(&loop->timers);
    if (loop->virtual_clock && loop->fds_waited == 0 && next != INT64_MAX) {
        int64_t step = WR_MAX(next - loop->now_ns, 0);
        loop->now_ns += step;
        loop->now_unix_ns += step;
    }
}

static _Noreturn void scheduler_main(void *arg)
{
    struct weir_loop *loop = arg;
    if (called(loop)) {
        resume(loop, &loop->outer); /* the very first switch here was a call, not a wait */
    }
    for (;;) {
        wr_loop_round(loop);
        wr_fd_stop_idle(loop);
        bool due = wr_timers_next(&loop->timers) <= loop->now_ns;
        bool can_jump = loop->virtual_clock && loop->fds_waited == 0 &&
                        wr_timers_next(&loop->timers) != INT64_MAX;
        if (busy(loop) || due || can_jump) {
            uv_run(loop->uv, UV_RUN_NOWAIT);
            if (!busy(loop) && !due) {
                jump_clock(loop);
            }
            continue;
        }
        uv_idle_stop(&loop->idle);
        arm_timer(loop);
        uv_run(loop->uv, UV_RUN_ONCE);
    }
}

static void attached_round(struct weir_loop *loop)
{
    if (loop->task != NULL) {
        return;
    }
    wr_loop_round(loop);
    wr_fd_stop_idle(loop);
    arm_timer(loop);
    if (busy(loop)) {
        uv_idle_start(&loop->idle, on_idle);
    } else {
        uv_idle_stop(&loop->idle);
    }
}

/* The last that libuv calls before it polls. On a loop of our own a callback before this one, as
 * libcurl's timer, may have left work for the next round. */
static void on_prepare(uv_prepare_t *prepare)
{
    struct weir_loop *loop = prepare->data;
    if (!loop->owned) {
        attached_round(loop);
    } else if (busy(loop)) {
        uv_idle_start(&loop->idle, on_idle);
    }
}

static void on_check(uv_check_t *check)
{
    attached_round(check->data);
}

void wr_loop_keepalive(struct weir_loop *loop)
{
    if (loop->owned || loop->tasks_count > 0 || loop->freeing) {
        uv_ref((uv_handle_t *)&loop->async);
    } else {
        uv_unref((uv_handle_t *)&loop->async);
    }
}

/* ---- from other threads */

struct post {
    struct wr_list link;
    weir_task *fn;
    size_t args_len;
    char args[];
};

static void on_async(uv_async_t *async)
{
    struct weir_loop *loop = async->data;
    struct wr_list posts;
    wr_list_init(&posts);
    uv_mutex_lock(&loop->post_lock);
    for (struct wr_list *node; (node = wr_list_take(&loop->posts)) != NULL;) {
        wr_list_append(&posts, node);
    }
    uv_mutex_unlock(&loop->post_lock);
    for (struct wr_list *node; (node = wr_list_take(&posts)) != NULL;) {
        struct post *post = WR_OWNER(node, struct post, link);
        weir_spawn(loop->root, "post", post->fn, post->args, post->args_len);
        wr_free(post);
    }
    for (;;) {
        uv_mutex_lock(&loop->post_lock);
        struct wr_list *node = wr_list_take(&loop->remotes);
        uv_mutex_unlock(&loop->post_lock);
        if (node == NULL) {
            break;
        }
        struct wr_remote *remote = WR_OWNER(node, struct wr_remote, link);
        remote->run(remote);
    }
    wr_worker_collect(loop);
}

void wr_remote_init(struct wr_remote *remote, void (*run)(struct wr_remote *remote))
{
    wr_list_init(&remote->link);
    remote->run = run;
}

void wr_remote_send(struct weir_loop *loop, struct wr_remote *remote)
{
    uv_mutex_lock(&loop->post_lock);
    if (wr_list_empty(&remote->link)) {
        wr_list_append(&loop->remotes, &remote->link);
    }
    uv_mutex_unlock(&loop->post_lock);
    uv_async_send(&loop->async);
}

void wr_remote_stop(struct weir_loop *loop, struct wr_remote *remote)
{
    uv_mutex_lock(&loop->post_lock);
    wr_list_remove(&remote->link);
    uv_mutex_unlock(&loop->post_lock);
}

int weir_post(weir_loop *loop, weir_task *task, const void *args, size_t args_len)
{
    struct post *post = wr_alloc(sizeof *post + args_len);
    if (post == NULL) {
        return WEIR_ENOMEM;
    }
    wr_list_init(&post->link);
    post->fn = task;
    post->args_len = args_len;
    if (args_len > 0) {
        memcpy(post->args, args, args_len);
    }
    uv_mutex_lock(&loop->post_lock);
    wr_list_append(&loop->posts, &post->link);
    uv_mutex_unlock(&loop->post_lock);
    uv_async_send(&loop->async);
    return 0;
}

/* ---- making and freeing */

static void budget_freed(struct wr_budget *budget)
{
    struct weir_loop *loop = WR_OWNER(budget, struct weir_loop, budget);
    for (struct wr_list *node = loop->budget_waiters.next; node != &loop->budget_waiters;
         node = node->next) {
        struct wr_budget_wait *wait = WR_OWNER(node, struct wr_budget_wait, link);
        wr_wake(wait->task, 0);
    }
}

int wr_budget_wait(struct weir_loop *loop, const struct wr_object *of)
{
    struct wr_budget_wait wait = {.task = wr_task_now(loop, "a wait for memory")};
    wr_list_init(&wait.link);
    wr_list_append(&loop->budget_waiters, &wait.link);
    loop->budget.waiters++;
    int rc = wr_wait(loop, "room in the loop's byte budget", of);
    loop->budget.waiters--;
    wr_list_remove(&wait.link);
    return rc;
}

/* libuv's handles; 0 or a negative UV_ code after closing what was made. */
static int init_handles(struct weir_loop *loop)
{
    if (wr_fault("uv_async_init")) {
        return UV_ENOMEM;
    }
    int rc = uv_mutex_init(&loop->post_lock);
    if (rc < 0) {
        return rc;
    }
    rc = uv_async_init(loop->uv, &loop->async, on_async);
    if (rc < 0) {
        uv_mutex_destroy(&loop->post_lock);
        return rc;
    }
    uv_timer_init(loop->uv, &loop->timer);
    uv_prepare_init(loop->uv, &loop->prepare);
    uv_check_init(loop->uv, &loop->check);
    uv_idle_init(loop->uv, &loop->idle);
    loop->async.data = loop->timer.data = loop->prepare.data = loop->check.data = loop->idle.data =
        loop;
    loop->closing = 5;
    uv_unref((uv_handle_t *)&loop->timer);
    uv_unref((uv_handle_t *)&loop->idle);
    uv_prepare_start(&loop->prepare, on_prepare);
    uv_unref((uv_handle_t *)&loop->prepare);
    if (!loop->owned) {
        uv_check_start(&loop->check, on_check);
        uv_unref((uv_handle_t *)&loop->check);
    }
    wr_loop_keepalive(loop);
    return 0;
}

static void init_fields(struct weir_loop *loop, const weir_loop_options *o)
{
    wr_list_init(&loop->ready);
    wr_list_init(&loop->paused);
    wr_list_init(&loop->before_poll);
    wr_list_init(&loop->deferred);
    wr_list_init(&loop->tasks);
    wr_list_init(&loop->idle_fds);
    wr_list_init(&loop->posts);
    wr_list_init(&loop->remotes);
    wr_list_init(&loop->budget_waiters);
    loop->clock = (struct wr_clock){real_monotonic, real_unix, NULL};
    loop->budget.limit = o->budget_bytes > 0    ? o->budget_bytes
                         : o->budget_bytes == 0 ? 64 * 1024 * 1024
                                                : INT64_MAX / 2;
    loop->budget.freed = budget_freed;
    wr_block_pool_init(&loop->blocks, &loop->budget);
    loop->log = (struct wr_log){.fn = o->log, .ctx = o->log_ctx};
    loop->blocked_ms = o->blocked_ms == 0 ? 100 : o->blocked_ms;
    wr_time_update(loop);
    wr_random_seed(loop, (uint64_t)loop->now_unix_ns ^ (uint64_t)(uintptr_t)loop);
}

static struct weir_loop *loop_make(uv_loop_t *uv, const weir_loop_options *options)
{
    weir_loop_options o = WEIR_ZERO;
    if (options != NULL) {
        WR_TAKE_OPTIONS(o, options);
    }
    struct weir_loop *loop = wr_zalloc(sizeof *loop);
    if (loop == NULL) {
        return NULL;
    }
    init_fields(loop, &o);
    loop->owned = uv == NULL;
    loop->uv = uv != NULL ? uv : &loop->own_uv;
    loop->stacks = wr_stack_pool_new(o.stack_bytes > 0 ? (size_t)o.stack_bytes : 256 * 1024);
    loop->root = wr_scope_make(loop, NULL, "root");
    if (loop->stacks == NULL || loop->root == NULL) {
        goto fail;
    }
    if (loop->owned) {
        loop->scheduler_stack = wr_stack_map(loop->stacks, SCHEDULER_STACK_BYTES);
        if (loop->scheduler_stack == NULL || wr_fault("uv_loop_init") ||
            uv_loop_init(loop->uv) < 0) {
            goto fail;
        }
        if (init_handles(loop) < 0) {
            uv_loop_close(loop->uv);
            goto fail;
        }
        wr_co_init(&loop->scheduler, loop->scheduler_stack, scheduler_main, loop);
        struct wr_task *outer = &loop->outer;
        wr_co_init_thread(&outer->fiber.co);
        outer->leaf = &outer->fiber;
        outer->loop = loop;
        outer->scope = outer->parent = loop->root;
        outer->state = WR_TASK_RUNNING;
        memcpy(outer->name, "main", sizeof "main");
        wr_list_init(&outer->run_link);
        wr_list_init(&outer->task_link);
        wr_list_init(&outer->all_link);
        loop->root->owner = outer;
        loop->task = outer;
        loop->running = &outer->fiber;
    } else {
        wr_co_init_thread(&loop->scheduler);
        if (init_handles(loop) < 0) {
            goto fail;
        }
    }
    return loop;
fail:
    if (loop->scheduler_stack != NULL) {
        wr_stack_give(loop->scheduler_stack);
    }
    if (loop->root != NULL) {
        wr_scope_free(loop->root);
    }
    wr_stack_pool_free(loop->stacks);
    wr_free(loop);
    return NULL;
}

weir_loop *weir_loop_new(const weir_loop_options *options)
{
    return loop_make(NULL, options);
}

weir_loop *weir_loop_attach(struct uv_loop_s *uv, const weir_loop_options *options)
{
    WR_ASSERT(uv != NULL, "no loop to attach to");
    return loop_make(uv, options);
}

weir_scope *weir_root(weir_loop *loop)
{
    return loop->root;
}

static void free_memory(struct weir_loop *loop)
{
    wr_co_fini(&loop->scheduler);
    if (loop->scheduler_stack != NULL) {
        wr_co_fini(&loop->outer.fiber.co);
        wr_free(loop->outer.told);
        wr_stack_give(loop->scheduler_stack);
    }
    wr_scope_free(loop->root);
    wr_block_pool_fini(&loop->blocks);
    wr_stack_pool_free(loop->stacks);
    uv_mutex_destroy(&loop->post_lock);
    wr_free(loop);
}

static void on_closed(uv_handle_t *handle)
{
    struct weir_loop *loop = handle->data;
    if (--loop->closing == 0 && !loop->owned) {
        free_memory(loop);
    }
}

/* No task runs any more, the objects have ended. */
static void close_handles(struct weir_loop *loop)
{
    if (loop->curl_free != NULL) {
        loop->curl_free(loop->curl);
    }
    wr_worker_free(loop);
    for (struct wr_list *node; (node = wr_list_take(&loop->posts)) != NULL;) {
        wr_free(WR_OWNER(node, struct post, link));
    }
    wr_signals_free(loop->root);
    wr_signal_watches_free(loop);
    uv_close((uv_handle_t *)&loop->async, on_closed);
    uv_close((uv_handle_t *)&loop->timer, on_closed);
    uv_close((uv_handle_t *)&loop->prepare, on_closed);
    uv_close((uv_handle_t *)&loop->check, on_closed);
    uv_close((uv_handle_t *)&loop->idle, on_closed);
}

static void end_everything(struct weir_loop *loop, struct wr_task *task)
{
    weir_scope_cancel(loop->root);
    task->cancel_due = false;
    while (loop->root->live > 0) {
        loop->root->waiter = task;
        (void)wr_park(loop, "the loop's tasks to end", NULL);
        loop->root->waiter = NULL;
        task->cancel_due = false;
    }
    wr_scope_end_objects(loop->root);
}

static void close_attached(struct wr_deferred *deferred)
{
    struct weir_loop *loop = WR_OWNER(deferred, struct weir_loop, closer);
    close_handles(loop);
}

static void end_attached(struct wr_task *task, void *arg)
{
    struct weir_loop *loop = arg;
    end_everything(loop, task);
    wr_deferred_init(&loop->closer, close_attached);
    wr_defer(loop, &loop->closer);
}

/* Ending takes a task of its own; without memory for it, it is tried again. */
static void start_ending(struct wr_timer *timer)
{
    struct weir_loop *loop = WR_OWNER(timer, struct weir_loop, ending);
    if (wr_task_hidden(loop->root, "free", end_attached, loop) == NULL) {
        weir_scope_cancel(loop->root);
        wr_timer_init(timer, start_ending);
        wr_timer_start(loop, timer, ENDING_RETRY_MS);
    }
}

void weir_loop_free(weir_loop *loop)
{
    if (loop == NULL) {
        return;
    }
    WR_ASSERT(!loop->freeing, "the loop is being freed already");
    loop->freeing = true;
    if (loop->owned) {
        WR_ASSERT(loop->task == &loop->outer && loop->running == &loop->outer.fiber,
                  "a loop is freed by the program, not by one of its tasks");
        end_everything(loop, &loop->outer);
        close_handles(loop);
        while (uv_run(loop->uv, UV_RUN_DEFAULT) != 0) {}
        int rc = uv_loop_close(loop->uv);
        WR_ASSERT(rc == 0, "a handle of the loop is still open");
        free_memory(loop);
        return;
    }
    wr_loop_keepalive(loop);
    start_ending(&loop->ending);
}

/* ---- for tests */

void wr_loop_virtual_clock(struct weir_loop *loop, int64_t start_unix_ns)
{
    loop->virtual_clock = true;
    loop->now_ns = 1000000000;
    loop->now_unix_ns = start_unix_ns;
}

void wr_clock_advance(struct weir_loop *loop, int64_t ms)
{
    loop->now_ns += ms * 1000000;
    loop->now_unix_ns += ms * 1000000;
}

void wr_loop_settle(struct weir_loop *loop)
{
    do {
        (void)wr_pause(loop);
    } while (busy(loop));
}

void wr_log_failure(struct weir_loop *loop, const weir_error *error)
{
    wr_log(&loop->log, WR_LOG_WARNING, error->origin, "%s", error->message);
}

const char *wr_uv_version(void)
{
    return uv_version_string();
}
