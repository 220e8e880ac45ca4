/*
 * loop_core.h - the loop, its tasks and how they wait. Internal.
 *
 * A fiber is a coroutine with a resumer: a task's own, or a generator body's. A task is what the
 * scheduler knows: when any fiber of it waits, the whole task is parked at that leaf with one
 * switch to the scheduler, and resumed at the leaf with one switch, however deep the chain of
 * bodies is. loop_wait.h has how it waits.
 *
 * User code never runs under a frame of libuv, libcurl or llhttp: their callbacks only append bytes
 * and wake tasks. On a loop that weir owns the scheduler is a coroutine itself and calls uv_run
 * between rounds of tasks; on an attached loop the rounds run from prepare and check handles, on
 * the stack of the program's uv_run.
 */
#ifndef WR_LOOP_CORE_H
#define WR_LOOP_CORE_H

#include <uv.h>

#include <weir/loop.h>
#include <weir/scope.h>

#include "base_error.h"
#include "base_list.h"
#include "base_log.h"
#include "base_thread.h"
#include "bytes_block.h"
#include "co_stack.h"
#include "co_switch.h"
#include "loop_object.h"
#include "loop_timer.h"

/* ---- fibers and tasks */

struct wr_fiber {
    struct wr_co co;
    struct wr_fiber *resumer; /* who gets the next value; NULL for a task's own */
    /* A wait beneath has failed by a cancel: of all that the task is inside of, or only of
     * generators that were canceled. May be NULL. */
    void (*canceled)(struct wr_fiber *fiber, int code, bool all);
    struct wr_object *object; /* whose body it runs; NULL: a task's own */
    struct wr_object *within; /* whose operations, which the program has made, run on it; NULL */
};

enum wr_task_state { WR_TASK_READY = 0, WR_TASK_RUNNING, WR_TASK_PARKED, WR_TASK_DONE };

struct wr_task {
    struct wr_fiber fiber;
    struct wr_fiber *leaf; /* where it runs or is parked */
    struct weir_loop *loop;
    struct weir_scope *parent;  /* the scope it was spawned in */
    struct weir_scope *scope;   /* its own; for the program's own stack: the root */
    struct wr_list run_link;    /* in the run queue */
    struct wr_list task_link;   /* in the parent's tasks */
    struct wr_list all_link;    /* in the loop's tasks, for weir_dump */
    struct wr_list parked_link; /* in the parked of what it waits for */
    uint8_t state;
    uint16_t failing; /* objects it is inside of whose grace has passed: all its waits fail */
    bool cancel_due;  /* the current, else the next wait fails once ... */
    bool cancel_all;  /* ... and all bodies it is inside of are over ... */
    int cancel_code;  /* ... with this: WEIR_ECANCELED, or WEIR_ECLOSED when its reader has gone */
    bool hidden;      /* a generator's puller: not counted as work of the program */
    bool for_task;    /* parked, and only another task can end that: wr_wait_for_task */
    bool stoppable;   /* parked in a wait of <weir/wait.h>, which a stop may end */
    uint16_t turn_step; /* how often it asks for its turn between two looks at the clock */
    int wake_code;
    const char *why; /* what it waits for, while parked */
    struct wr_object *why_of;
    int64_t parked_ns;
    weir_error *told; /* the last failure told to this task's code, for weir_scope_wait */
    weir_task *fn;
    void *args;
    char name[32];
};

/* ---- work that the scheduler does between tasks */

/* Called once before the loop would go idle (or polls): sinks flush here. Enrolled anew each time.
 */
struct wr_before_poll {
    struct wr_list link;
    void (*run)(struct wr_before_poll *hook);
};

/* Called soon on the scheduler's stack, outside every library's frame (rule: no curl_multi_ call in
 * a curl callback). */
struct wr_deferred {
    struct wr_list link;
    void (*run)(struct wr_deferred *deferred);
};

/* Called soon on the loop's thread; sent from any thread. Sending one that is on its way already
 * changes nothing. */
struct wr_remote {
    struct wr_list link;
    void (*run)(struct wr_remote *remote);
};

struct wr_clock {
    int64_t (*monotonic_ns)(void *ctx);
    int64_t (*unix_ns)(void *ctx);
    void *ctx;
};

struct wr_disk;
struct wr_http_wire;
struct weir_node;

enum {
    WR_TURN_NS = 250 * 1000, /* how long a task may run before the others have a turn */
    WR_TURN_ASKS_MAX = 256   /* ... and how often it may ask before the clock is read */
};

struct weir_loop {
    /* hot */
    struct wr_fiber *running; /* NULL on the scheduler's own stack */
    struct wr_task *task;
    const void *thread;    /* that runs it: wr_thread_here; NULL: it does not run */
    struct wr_list ready;  /* run queue, first in first out */
    struct wr_list paused; /* ready after the next poll: wr_pause */
    struct wr_co scheduler;
    int64_t now_ns, now_unix_ns; /* cached; see wr_now_ns */
    int64_t polled_ns;           /* when the last poll began */
    int32_t turn_left;           /* so often the running task may ask before the clock is read */
    int64_t turn_until_ns;       /* then it has had its turn */
    int64_t turn_looked_ns;      /* when it looked last in this turn; 0: not yet */
    struct wr_timers timers;
    struct wr_list before_poll, deferred;
    struct wr_block_pool blocks;
    struct wr_budget budget;
    struct wr_stack_pool *stacks;
    /* the tree */
    struct weir_scope *root;
    struct wr_list tasks; /* all of them */
    size_t tasks_count;
    struct wr_task outer;   /* the program's own stack, on a loop weir owns */
    uint32_t origins_count; /* given out so far: weir_item.origin */
    struct {
        uint64_t bytes_in, bytes_out, connects, reconnects, overlong;
    } stats;             /* counted by sources and sinks, read by weir_loop_stats */
    uint64_t failures;   /* counts failures, so that the first in time is known */
    uint64_t reopenings; /* calls of weir_loop_reopen_files */
    uint64_t random;
    /* libuv */
    uv_loop_t *uv;
    uv_loop_t own_uv;
    bool owned;
    bool virtual_clock;
    bool freeing;
    bool told_still;   /* that nothing moves was logged */
    bool from_outside; /* something was posted: more may come */
    size_t callbacks;  /* of the program's, which may wake tasks: watches, the libuv loop */
    size_t fds_waited; /* waits for descriptors, workers and lookups under way: a virtual clock does
                          not jump then */
    struct wr_clock clock;
    uv_timer_t timer;
    uv_async_t async;
    uv_prepare_t prepare;
    uv_check_t check;
    uv_idle_t idle;
    int closing;                   /* handles not closed yet */
    struct wr_timer ending;        /* attached: tries again to end the tasks */
    struct wr_deferred closer;     /* attached: closes the handles outside any task */
    struct wr_list budget_waiters; /* in the order in which they came */
    bool budget_news;              /* somebody came since the last look */
    uint32_t budget_mark;          /* of the last count: weir_block.mark */
    struct wr_list tls;            /* contexts that are in use: loop_tls.h */
    struct wr_list idle_fds;       /* watched, fired, and nobody waits: stopped before the poll */
    /* from other threads */
    uv_mutex_t post_lock;
    struct wr_list posts, remotes;
    const struct wr_disk *disk;           /* loop_file.h */
    const struct wr_http_wire *http_wire; /* http.h: what requests go over; NULL: libcurl */
    struct wr_list services;              /* loop_service.h */
    void (*call_fn)(void *arg);           /* wr_call_on_loop_stack: run by the scheduler */
    void *call_arg;
    struct wr_task *dead; /* has left for good: freed by the scheduler */
    struct wr_stack *scheduler_stack;
    struct wr_log log;
    struct { /* weir_on_end; see NULL: nobody looks */
        void (*see)(struct weir_loop *loop, const struct wr_object *object);
        bool (*visit)(void *arg, const struct weir_node *node);
        void *arg;
    } on_end;
    int64_t blocked_ms;
    uint64_t turns;
};

/* Is this the loop's thread? One that does not run may be given to another thread. */
static inline bool wr_loop_is_here(const struct weir_loop *loop)
{
    return wr_thread_is_here(loop->thread);
}
/* Say what is wrong with the loop that `verb` was given, and abort. */
_Noreturn void wr_loop_misused(const struct weir_loop *loop, const char *verb);
/* At the door of each public function that is given a loop. */
static inline void wr_loop_given(const struct weir_loop *loop, const char *verb)
{
    if (WR_UNLIKELY(loop == NULL || !wr_loop_is_here(loop))) {
        wr_loop_misused(loop, verb);
    }
}

/* The monotonic time, as of the last poll or wr_time_update. */
static inline int64_t wr_now_ns(const struct weir_loop *loop)
{
    return loop->now_ns;
}
void wr_time_update(struct weir_loop *loop);

/* A number of the loop's seeded generator (xorshift; for back-off, not for secrets). */
uint64_t wr_random(struct weir_loop *loop);
void wr_random_seed(struct weir_loop *loop, uint64_t seed);

/* What the program's operations of `object` wait for without naming an object counts as a wait in it,
 * until running->within is what this returns again. */
static inline struct wr_object *wr_within(struct weir_loop *loop, struct wr_object *object)
{
    struct wr_object *before = loop->running->within;
    loop->running->within = object;
    return before;
}

/* Abort: on this thread no task of the loop runs. */
_Noreturn void wr_task_missing(const struct weir_loop *loop, const char *verb);
/* The task that runs; aborts with a message, naming `verb`, when none does (a callback, an attached
 * loop). */
static inline struct wr_task *wr_task_now(struct weir_loop *loop, const char *verb)
{
    if (WR_UNLIKELY(loop->task == NULL || !wr_loop_is_here(loop))) {
        wr_task_missing(loop, verb);
    }
    return loop->task;
}

void wr_before_poll_init(struct wr_before_poll *hook, void (*run)(struct wr_before_poll *hook));
/* An object that keeps counts ends: whoever has asked for that sees it once more. */
static inline void wr_object_ends(struct weir_loop *loop, const struct wr_object *object)
{
    if (loop->on_end.see != NULL) {
        loop->on_end.see(loop, object);
    }
}

static inline void wr_before_poll_enrol(struct weir_loop *loop, struct wr_before_poll *hook)
{
    if (wr_list_empty(&hook->link)) {
        wr_list_append(&loop->before_poll, &hook->link);
    }
}
void wr_deferred_init(struct wr_deferred *deferred, void (*run)(struct wr_deferred *deferred));
/* From the loop's thread, any frame. */
void wr_defer(struct weir_loop *loop, struct wr_deferred *deferred);

void wr_remote_init(struct wr_remote *remote, void (*run)(struct wr_remote *remote));
/* Any thread; the loop must be alive: the sender holds a lock that its end takes, too. */
void wr_remote_send(struct weir_loop *loop, struct wr_remote *remote);
/* On the loop's thread: it will not run any more. */
void wr_remote_stop(struct weir_loop *loop, struct wr_remote *remote);

/* Run fn(arg) on the scheduler's stack and come back: for callers' callbacks (weir_each) and for
 * code that wants a deep stack (getaddrinfo, printf of floats). fn must not suspend. */
void wr_call_on_loop_stack(struct weir_loop *loop, void (*fn)(void *arg), void *arg);
/* The same for callers that may be on the scheduler's stack already. */
void wr_on_loop_stack(struct weir_loop *loop, void (*fn)(void *arg), void *arg);

/* How a failure with WEIR_EBUDGET is worded; its arguments are WR_BUDGET_FIGURES(loop). */
#define WR_BUDGET_USED_UP                                                                          \
    "%lld bytes more do not fit into the loop's byte budget (%lld of %lld bytes are used, %lld "   \
    "of them by lists of items, which may take half), and all who could free some of it wait for " \
    "more: a larger weir_loop_options.budget_bytes lets it go on"
#define WR_BUDGET_FIGURES(loop)                                      \
    (long long)(loop)->budget.asked, (long long)(loop)->budget.used, \
        (long long)(loop)->budget.limit, (long long)(loop)->budget.slots
/* On a loop that weir owns: does every task wait for another task, and nothing else is waited for?
 * Then only weir_post or a signal can help. It is told and not failed, since who posts from another
 * thread is known to nobody here. */
bool wr_nothing_moves(const struct weir_loop *loop);
#define WR_NOTHING_MOVES                                                                     \
    "nothing moves: every task waits for another one, and none for time, a descriptor or a " \
    "thread; only weir_post or a signal lets it go on"
/* Nothing is left to run: if nothing moves any more, log once who waits for what. */
void wr_still_look(struct weir_loop *loop);
/* "N of M bytes held by ...", like snprintf. */
size_t wr_budget_tell(struct weir_loop *loop, char *text, size_t cap);

/* ---- inside the loop layer */

void wr_task_cancel(struct wr_task *task);
/* The wait the task is parked in, else its next one, fails once with `code`. all: the bodies
 * between there and the task are over; else only those of generators that were canceled. */
void wr_task_fail(struct wr_task *task, int code, bool all);
/* One round: deferred work, due timers, ready tasks (bounded), hooks before the poll. */
void wr_loop_round(struct weir_loop *loop);
/* Nothing is left to run: fail a waiter for the budget when nobody can release a byte any more. */
void wr_budget_look(struct weir_loop *loop);
void wr_budget_freed(struct wr_budget *budget);
/* What a loop of our own runs on its scheduler's stack; the argument is the loop. */
_Noreturn void wr_scheduler_main(void *arg);
/* The timer, and the handles that libuv calls around its poll. */
void wr_poll_handles_init(struct weir_loop *loop);
void wr_on_async(uv_async_t *async);
/* Make tasks of what was posted. */
void wr_posts_run(struct weir_loop *loop);
/* Posts that came too late to run. */
void wr_posts_free(struct weir_loop *loop);
void wr_fd_stop_idle(struct weir_loop *loop);
void wr_loop_keepalive(struct weir_loop *loop);

/* ---- hidden tasks */

/* A task that belongs to a generator (the puller of weir_next_within): not counted by
 * weir_scope_wait, ended by its generator. Runs fn(arg) on a fiber of its own. NULL: out of memory.
 */
struct wr_task *wr_task_hidden(struct weir_scope *scope, const char *name,
                               void (*fn)(struct wr_task *task, void *arg), void *arg);

/* Its generator goes to another scope, since its own ends. */
void wr_task_move(struct wr_task *hidden, struct weir_scope *scope);

/* libuv's version, as found at run time. */
const char *wr_uv_version(void);
/* Remember a failure that has just been told to this task's code. */
void wr_told(struct weir_loop *loop, const weir_error *error);
/* Log a failure that nobody asked about; not a cancel. */
void wr_log_failure(struct weir_loop *loop, const weir_error *error);

/* ---- for tests: a clock that jumps to the next timer when nothing else can move */
void wr_loop_virtual_clock(struct weir_loop *loop, int64_t start_unix_ns);
void wr_clock_advance(struct weir_loop *loop, int64_t ms);
/* Scheduler rounds without blocking, from outside a task: everything that can move now moves. */
void wr_loop_settle(struct weir_loop *loop);

#endif
