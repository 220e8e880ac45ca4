/*
 * loop_core.c - the scheduler.
 *
 * A round runs deferred work, due timers and ready tasks. Then, when no task is ready, it runs the
 * hooks before the poll (sinks flush), then the poll. Time limits how long other tasks wait. A task
 * that may never have to wait calls wr_turn now and then, and pauses when it has run for
 * WR_TURN_NS. It continues in the next round, so that the hooks and the poll come in between. A
 * round runs as many paused tasks as fit into ROUND_NS, at least one. So a task that the poll wakes
 * waits for one slice and not for all paused tasks. Ready tasks have the same limit, so that tasks
 * that feed each other cannot keep the sockets waiting.
 *
 * A timer fires only after a poll that began when the timer was already due. So events from before
 * its time, or from while the process was stopped, are handled first, and no timeout ignores bytes
 * that wait in the kernel.
 *
 * Owned loop: the scheduler is a coroutine that alternates rounds and uv_run. The program's own
 * stack is a task (loop->outer), so main() may call anything that suspends. Tasks are resumed
 * outside uv_run. An idle handle keeps the poll from blocking when a callback that libuv calls
 * before the poll has left work. Attached loop: rounds run in the prepare and the check phase of
 * the program's uv_run; an idle handle keeps the poll from blocking while tasks are ready, and the
 * async handle is referenced while tasks exist.
 */
#include "loop_core.h"

#include <string.h>

#include "base_alloc.h"
#include "loop_wait.h"

enum {
    ROUND_NS = 2 * WR_TURN_NS,
    LOOK_TASKS = 64, /* tasks between two reads of the clock */
    BACKOFF_MS = 500,
    BACKOFF_MAX_MS = 30 * 1000
};

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

int64_t wr_backoff_ms(struct weir_loop *loop, int pauses)
{
    int64_t most = BACKOFF_MAX_MS;
    if (pauses < 6) {
        most = WR_MIN((int64_t)BACKOFF_MS << pauses, most);
    }
    return (int64_t)(wr_random(loop) % (uint64_t)(most + 1));
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

/* True when the task that has just switched here asked for a call on this stack; the call was
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
    loop->turn_left = task->turn_step;
    loop->turn_looked_ns = 0;
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
        wr_free(dead->reported);
        wr_free(dead);
    }
}

/* The clock is read once for each round and not for each task, which would cost more than the
 * switch. So if several tasks ran, only the first one is named. */
static void watch_held(struct weir_loop *loop, int64_t began_ns, const char *who, int tasks)
{
    int64_t held_ms = (loop->now_ns - began_ns) / 1000000;
    if (loop->blocked_ms <= 0 || held_ms <= loop->blocked_ms || loop->virtual_clock) {
        return;
    }
    held_ms -= (loop->clock.starved_ns(loop->clock.ctx) - loop->starved_ns) / 1000000;
    if (held_ms <= loop->blocked_ms) {
        return;
    }
    if (tasks == 1) {
        wr_log(&loop->log, WR_LOG_WARNING, who, "blocked the loop for %lld ms", (long long)held_ms);
    } else {
        wr_log(&loop->log, WR_LOG_WARNING, who,
               "blocked the loop for %lld ms, together with %d tasks that ran after it",
               (long long)held_ms, tasks - 1);
    }
}

/* On a busy machine a round is long because other programs run: that is no task's fault. How much
 * it was costs a few system calls to ask, so what it was before the round may be old, but not older
 * than a round must be to be reported. */
static void watch_starved(struct weir_loop *loop)
{
    if (loop->blocked_ms > 0 && !loop->virtual_clock &&
        loop->now_ns - loop->starved_at_ns > loop->blocked_ms * 1000000) {
        loop->starved_ns = loop->clock.starved_ns(loop->clock.ctx);
        wr_time_update(loop); /* the round begins behind the question */
        loop->starved_at_ns = loop->now_ns;
    }
}

/* The task that ran first in a round, and how many ran. */
struct ran {
    char who[32];
    int tasks;
};

static void run_task(struct weir_loop *loop, struct wr_list *node, struct ran *ran)
{
    struct wr_task *task = WR_OWNER(node, struct wr_task, run_link);
    if (ran->tasks++ == 0) {
        memcpy(ran->who, task->name, sizeof ran->who);
    }
    resume(loop, task);
}

/* Has the time of the round passed? On a virtual clock no time passes, so the tasks are counted. */
static bool round_over(const struct weir_loop *loop, const struct ran *ran, int64_t until_ns)
{
    return ran->tasks % LOOK_TASKS == 0 &&
           (loop->virtual_clock ? ran->tasks >= 4 * LOOK_TASKS
                                : loop->clock.monotonic_ns(loop->clock.ctx) >= until_ns);
}

static void run_ready(struct weir_loop *loop, struct ran *ran)
{
    int64_t until_ns = loop->turn_until_ns - WR_TURN_NS + ROUND_NS;
    struct wr_list *node;
    while ((node = wr_list_take(&loop->ready)) != NULL) {
        run_task(loop, node, ran);
        if (WR_UNLIKELY(round_over(loop, ran, until_ns))) {
            break;
        }
    }
}

/* Run the paused tasks up to `last`; those after it have paused in this round. NULL: there is none.
 * On a virtual clock no time passes meanwhile. */
static void run_paused(struct weir_loop *loop, const struct wr_list *last, struct ran *ran)
{
    int64_t now_ns = loop->now_ns, until_ns = now_ns + ROUND_NS;
    struct wr_list *node = last != NULL ? wr_list_take(&loop->paused) : NULL;
    while (node != NULL) {
        bool more = node != last;
        loop->turn_until_ns = now_ns + WR_TURN_NS;
        run_task(loop, node, ran);
        if (more && !loop->virtual_clock) {
            now_ns = loop->clock.monotonic_ns(loop->clock.ctx);
        }
        node = more && now_ns < until_ns ? wr_list_take(&loop->paused) : NULL;
    }
}

static bool busy(const struct weir_loop *loop)
{
    return !wr_list_empty(&loop->ready) || !wr_list_empty(&loop->paused) ||
           !wr_list_empty(&loop->deferred) || !wr_list_empty(&loop->before_poll);
}

void wr_loop_round(struct weir_loop *loop)
{
    struct wr_list *node;
    loop->thread = wr_thread_here();
    wr_time_update(loop);
    while ((node = wr_list_take(&loop->deferred)) != NULL) {
        struct wr_deferred *deferred = WR_OWNER(node, struct wr_deferred, link);
        deferred->run(deferred);
    }
    wr_timers_run(&loop->timers, loop->virtual_clock ? loop->now_ns : loop->polled_ns);
    watch_starved(loop);
    int64_t began_ns = loop->now_ns;
    const struct wr_list *last = wr_list_empty(&loop->paused) ? NULL : loop->paused.prev;
    struct ran ran = {.tasks = 0};
    loop->turn_until_ns = loop->now_ns + WR_TURN_NS;
    run_ready(loop, &ran);
    run_paused(loop, last, &ran);
    run_ready(loop, &ran);
    if (ran.tasks > 0) {
        wr_time_update(loop);
        watch_held(loop, began_ns, ran.who, ran.tasks);
    }
    if (wr_list_empty(&loop->ready)) {
        while ((node = wr_list_take(&loop->before_poll)) != NULL) {
            struct wr_before_poll *hook = WR_OWNER(node, struct wr_before_poll, link);
            hook->run(hook);
        }
    }
    if (!busy(loop)) {
        wr_budget_look(loop);
    }
    if (!busy(loop)) {
        wr_still_look(loop);
    }
    loop->turns++;
}

static void on_idle(uv_idle_t *idle)
{
    (void)idle; /* an active idle handle keeps the poll from blocking */
}

/* Only ends the poll: wr_timers_run does the work. libuv 1.44 runs timers before it polls (uv_run
 * in core.c). So a timer that becomes due after arm_timer ends the poll before it blocks. */
static void timer_due(uv_timer_t *timer)
{
    struct weir_loop *loop = timer->data;
    uv_idle_start(&loop->idle, on_idle);
}

/* Arm the single uv_timer for our earliest timer, rounded up because libuv counts milliseconds. */
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

/* While a virtual clock stands still, only a descriptor can wake the loop. If none is waited for,
 * the clock jumps to the next timer. */
static void jump_clock(struct weir_loop *loop)
{
    int64_t next = wr_timers_next(&loop->timers);
    if (loop->virtual_clock && loop->fds_waited == 0 && next != INT64_MAX) {
        int64_t step = WR_MAX(next - loop->now_ns, 0);
        loop->now_ns += step;
        loop->now_unix_ns += step;
    }
}

_Noreturn void wr_scheduler_main(void *arg)
{
    struct weir_loop *loop = arg;
    if (called(loop)) {
        resume(loop, &loop->outer); /* the first switch to this stack was a call, not a wait */
    }
    for (;;) {
        wr_loop_round(loop);
        wr_fd_stop_idle(loop);
        bool due = wr_timers_next(&loop->timers) <= loop->now_ns;
        bool can_jump = loop->virtual_clock && loop->fds_waited == 0 &&
                        wr_timers_next(&loop->timers) != INT64_MAX;
        loop->polled_ns = loop->now_ns;
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

/* The last callback before libuv polls. On a loop that weir owns, an earlier callback, such as
 * libcurl's timer, may have left work for the next round. */
static void on_prepare(uv_prepare_t *prepare)
{
    struct weir_loop *loop = prepare->data;
    if (!loop->owned) {
        attached_round(loop);
        loop->polled_ns = loop->now_ns;
    } else if (busy(loop)) {
        uv_idle_start(&loop->idle, on_idle);
    }
}

static void on_check(uv_check_t *check)
{
    attached_round(check->data);
}

void wr_poll_handles_init(struct weir_loop *loop)
{
    uv_timer_init(loop->uv, &loop->timer);
    uv_prepare_init(loop->uv, &loop->prepare);
    uv_check_init(loop->uv, &loop->check);
    uv_idle_init(loop->uv, &loop->idle);
    loop->timer.data = loop->prepare.data = loop->check.data = loop->idle.data = loop;
    uv_unref((uv_handle_t *)&loop->timer);
    uv_unref((uv_handle_t *)&loop->idle);
    uv_prepare_start(&loop->prepare, on_prepare);
    uv_unref((uv_handle_t *)&loop->prepare);
    if (!loop->owned) {
        uv_check_start(&loop->check, on_check);
        uv_unref((uv_handle_t *)&loop->check);
    }
}

void wr_loop_keepalive(struct weir_loop *loop)
{
    if (loop->owned || loop->tasks_count > 0 || loop->freeing) {
        uv_ref((uv_handle_t *)&loop->async);
    } else {
        uv_unref((uv_handle_t *)&loop->async);
    }
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
        (void)wr_pause(loop, NULL);
    } while (busy(loop));
}

void wr_log_failure(struct weir_loop *loop, const weir_error *error)
{
    if (error->code != WEIR_ECANCELED) { /* a cancel was requested */
        wr_log(&loop->log, WR_LOG_WARNING, error->origin, "%s", error->message);
    }
}

const char *wr_uv_version(void)
{
    return uv_version_string();
}
