/*
 * loop_core.h - the loop, its tasks and how they wait. Internal.
 *
 * A fiber is a coroutine with a resumer. It is a task's own, or it runs a generator's body. A task
 * is the unit that the scheduler runs. When any of its fibers waits, the whole task is parked at
 * that fiber, its leaf, with one switch to the scheduler. One switch resumes it at the leaf,
 * however deep the chain of bodies is. loop_wait.h describes how a task waits.
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
#include "codec_framer.h"
#include "loop_object.h"
#include "loop_timer.h"

/* ---- fibers and tasks */

struct wr_fiber {
    struct wr_co co;
    struct wr_fiber *resumer; /* gets the next value; NULL for a task's own */
    /* A wait below this fiber has failed because of a cancel. all: everything that the task is
     * inside is canceled; else only some generators are. May be NULL. */
    void (*canceled)(struct wr_fiber *fiber, int code, bool all);
    struct wr_object *object; /* the object whose body it runs; NULL: a task's own */
    struct wr_object *within; /* the object whose program-written operations run on it; or NULL */
};

enum wr_task_state { WR_TASK_READY = 0, WR_TASK_RUNNING, WR_TASK_PARKED, WR_TASK_DONE };

struct wr_task {
    struct wr_fiber fiber;
    struct wr_fiber *leaf; /* the fiber where it runs or is parked */
    struct weir_loop *loop;
    struct weir_scope *parent;  /* the scope it was spawned in */
    struct weir_scope *scope;   /* its own; the root for the program's own stack */
    struct wr_list run_link;    /* in the run queue */
    struct wr_list task_link;   /* in the parent's tasks */
    struct wr_list all_link;    /* in the loop's list of all tasks, for weir_dump */
    struct wr_list parked_link; /* in the `parked` list of the object it waits for */
    uint8_t state;
    uint16_t failing; /* objects around it whose grace has passed; > 0: all its waits fail */
    bool cancel_due;  /* the current, else the next wait fails once ... */
    bool cancel_all;  /* ... and all bodies it is inside end ... */
    int cancel_code;  /* ... with this: WEIR_ECANCELED, or WEIR_ECLOSED when its reader has gone */
    bool hidden;      /* a generator's puller: does not count as work of the program */
    bool for_task;    /* parked, and only another task can end the wait: wr_wait_for_task */
    bool stoppable;   /* parked in a wait of <weir/wait.h>, which a stop may end */
    uint16_t turn_step; /* how many times it calls wr_turn between two reads of the clock */
    int wake_code;
    const char *why; /* what it waits for, while parked */
    struct wr_object *why_of;
    int64_t parked_ns;
    weir_error *reported; /* the last failure reported to this task's code, for weir_scope_wait */
    weir_task *fn;
    void *args;
    char name[32];
};

/* ---- work that the scheduler does between tasks */

/* Called once before the loop goes idle or polls: sinks flush here. It must be enrolled
 * again each time. */
struct wr_before_poll {
    struct wr_list link;
    void (*run)(struct wr_before_poll *hook);
};

/* Called by weir_loop_reopen_files while it is in the loop's list `reopeners`. Must not suspend. */
struct wr_reopener {
    struct wr_list link;
    void (*run)(struct wr_reopener *reopener);
};

/* Called soon on the scheduler's stack, outside the frame of every library (rule: no curl_multi_
 * call in a curl callback). */
struct wr_deferred {
    struct wr_list link;
    void (*run)(struct wr_deferred *deferred);
};

/* Called soon on the loop's thread. It can be sent from any thread. To send one that is already
 * pending has no effect. */
struct wr_remote {
    struct wr_list link;
    void (*run)(struct wr_remote *remote);
};

struct wr_clock {
    int64_t (*monotonic_ns)(void *ctx);
    int64_t (*unix_ns)(void *ctx);
    /* How long in all this thread was ready to run while others had the processors; 0: unknown. */
    int64_t (*starved_ns)(void *ctx);
    void *ctx;
};

struct wr_disk;
struct wr_programs;
struct wr_http_wire;
struct weir_node;
struct weir_recorder;

enum {
    WR_TURN_NS = 250 * 1000, /* how long a task may run before other tasks get a turn */
    WR_TURN_ASKS_MAX = 256   /* ... and how many times it may ask before the clock is read */
};

enum { WR_LOOP_FRAMES = 64 };

struct weir_loop {
    /* hot */
    struct wr_fiber *running; /* NULL on the scheduler's own stack */
    struct wr_task *task;
    const void *thread;    /* the thread that runs it: wr_thread_here; NULL: it does not run */
    struct wr_list ready;  /* run queue, first in first out */
    struct wr_list paused; /* ready after the next poll: wr_pause */
    struct wr_co scheduler;
    int64_t now_ns, now_unix_ns; /* cached; see wr_now_ns */
    int64_t polled_ns;           /* when the last poll began */
    int32_t turn_left;           /* wr_turn calls that are left before the clock is read */
    int64_t turn_until_ns;       /* when the turn of the running task ends */
    int64_t turn_looked_ns;      /* when it last read the clock in this turn; 0: not yet */
    struct wr_timers timers;
    struct wr_list before_poll, deferred;
    struct wr_block_pool blocks;
    struct wr_frame frames[WR_LOOP_FRAMES]; /* scratch for framers, between two suspensions */
    struct wr_budget budget;
    struct wr_stack_pool *stacks;
    /* the tree */
    struct weir_scope *root;
    struct wr_list tasks; /* all of them */
    size_t tasks_count;
    struct wr_task outer;   /* the program's own stack, on a loop weir owns */
    uint32_t origins_count; /* number given out so far: weir_item.origin */
    struct {
        uint64_t bytes_in, bytes_out, connects, reconnects, overlong, unread;
    } stats;             /* counted by sources and sinks, read by weir_loop_stats */
    uint64_t failures;   /* counts failures, so that the earliest one is known */
    uint64_t reopenings; /* calls of weir_loop_reopen_files */
    struct wr_list reopeners;
    uint64_t random;
    /* libuv */
    uv_loop_t *uv;
    uv_loop_t own_uv;
    bool owned;
    bool virtual_clock;
    bool freeing;
    bool stillness_logged; /* the message that nothing moves was logged */
    bool from_outside;     /* something was posted: more may come */
    size_t callbacks;      /* of the program, which may wake tasks: watches, the libuv loop */
    size_t fds_waited; /* pending waits for descriptors, workers and lookups: a virtual clock does
                          not jump while there are any */
    struct wr_clock clock;
    uv_timer_t timer;
    uv_async_t async;
    uv_prepare_t prepare;
    uv_check_t check;
    uv_idle_t idle;
    int closing;                   /* number of handles that are not closed yet */
    struct wr_timer ending;        /* attached loop: tries again to end the tasks */
    struct wr_deferred closer;     /* attached loop: closes the handles outside any task */
    struct wr_list budget_waiters; /* in order of arrival */
    bool budget_news;              /* a waiter has arrived since the last look */
    uint32_t budget_mark;          /* of the last count: weir_block.mark */
    struct wr_list tls;            /* contexts that are in use: loop_tls.h */
    struct wr_list idle_fds;       /* watched, fired, and no task waits: stopped before the poll */
    /* from other threads */
    uv_mutex_t post_lock;
    struct wr_list posts, remotes;
    const struct wr_disk *disk;           /* loop_file.h */
    const struct wr_programs *programs;   /* loop_process.h */
    const struct wr_http_wire *http_wire; /* http.h: what carries the requests; NULL: libcurl */
    struct weir_recorder *recorder;       /* flow_recorder.h: of the next source; NULL: none */
    struct wr_list services;              /* loop_service.h */
    void (*call_fn)(void *arg);           /* wr_call_on_loop_stack: run by the scheduler */
    void *call_arg;
    struct wr_task *dead; /* has ended and left its stack: the scheduler frees it */
    struct wr_stack *scheduler_stack;
    struct wr_log log;
    struct { /* weir_on_end; see NULL: not in use */
        void (*see)(struct weir_loop *loop, const struct wr_object *object);
        bool (*visit)(void *arg, const struct weir_node *node);
        void *arg;
    } on_end;
    int64_t blocked_ms;
    int64_t starved_ns, starved_at_ns; /* the clock's word, and when: shortly before the round */
    uint64_t turns;
};

/* Is this the loop's thread? A loop that does not run may be given to another thread. */
static inline bool wr_loop_is_here(const struct weir_loop *loop)
{
    return wr_thread_is_here(loop->thread);
}
/* Print what is wrong with the loop that was passed to `verb`, and abort. */
_Noreturn void wr_loop_misused(const struct weir_loop *loop, const char *verb);
/* The first check in each public function that takes a loop. */
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
/* The pause before another attempt, after `pauses` pauses in a row: a random time of up to 0.5 s,
 * doubled each time up to 30 s. */
int64_t wr_backoff_ms(struct weir_loop *loop, int pauses);

/* The program's operations of `object` may wait without naming an object. Such a wait counts as a
 * wait in `object`, until the caller sets running->within back to the value that this returns. */
static inline struct wr_object *wr_within(struct weir_loop *loop, struct wr_object *object)
{
    struct wr_object *before = loop->running->within;
    loop->running->within = object;
    return before;
}

/* Abort, because no task of the loop runs on this thread. */
_Noreturn void wr_task_missing(const struct weir_loop *loop, const char *verb);
/* The running task. When none runs (in a callback, on an attached loop), aborts with a message
 * that names `verb`. */
static inline struct wr_task *wr_task_now(struct weir_loop *loop, const char *verb)
{
    if (WR_UNLIKELY(loop->task == NULL || !wr_loop_is_here(loop))) {
        wr_task_missing(loop, verb);
    }
    return loop->task;
}

void wr_before_poll_init(struct wr_before_poll *hook, void (*run)(struct wr_before_poll *hook));
/* An object that keeps counts ends: the function set by weir_on_end sees it one last time. */
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
/* From any thread. The loop must be alive: the sender holds a lock that the loop's end also
 * takes. */
void wr_remote_send(struct weir_loop *loop, struct wr_remote *remote);
/* On the loop's thread. After this it does not run any more. */
void wr_remote_stop(struct weir_loop *loop, struct wr_remote *remote);

/* Run fn(arg) on the scheduler's stack and return: for callers' callbacks (weir_each) and for code
 * that needs a deep stack (getaddrinfo, printf of floats). fn must not suspend. */
void wr_call_on_loop_stack(struct weir_loop *loop, void (*fn)(void *arg), void *arg);
/* The same, for callers that may already be on the scheduler's stack. */
void wr_on_loop_stack(struct weir_loop *loop, void (*fn)(void *arg), void *arg);

/* The text of a failure with WEIR_EBUDGET; its arguments are WR_BUDGET_FIGURES(loop). */
#define WR_BUDGET_USED_UP                                                                        \
    "cannot get %lld bytes more from the loop's byte budget (%lld of %lld bytes are used, %lld " \
    "of them by lists of items, which may use half), and every task that could release some "    \
    "waits for more; set a larger weir_loop_options.budget_bytes"
#define WR_BUDGET_FIGURES(loop)                                      \
    (long long)(loop)->budget.asked, (long long)(loop)->budget.used, \
        (long long)(loop)->budget.limit, (long long)(loop)->budget.slots
/* On a loop that weir owns: does every task wait for another task, and for nothing else? Then only
 * weir_post or a signal can help. This is logged and is not a failure, because the loop cannot know
 * whether another thread will post. */
bool wr_nothing_moves(const struct weir_loop *loop);
#define WR_NOTHING_MOVES                                                                    \
    "deadlock: every task waits for another task, and none for a timer, a descriptor or a " \
    "thread; only weir_post or a signal can help"
/* Called when no task is ready. If nothing moves any more, log once which task waits for what. */
void wr_still_look(struct weir_loop *loop);
/* "N of M bytes held by ...", like snprintf. */
size_t wr_budget_tell(struct weir_loop *loop, char *text, size_t cap);

/* ---- inside the loop layer */

void wr_task_cancel(struct wr_task *task);
/* The task's current wait, or its next one if it is not parked, fails once with `code`.
 * all: all bodies between that wait and the task end; else only the bodies of generators
 * that were canceled. */
void wr_task_fail(struct wr_task *task, int code, bool all);
/* One round: deferred work, due timers, ready tasks (bounded), hooks before the poll. */
void wr_loop_round(struct weir_loop *loop);
/* Called when no task is ready. Fail a waiter for the budget when no task can release a
 * byte any more. */
void wr_budget_look(struct weir_loop *loop);
void wr_budget_freed(struct wr_budget *budget);
/* What a loop that weir owns runs on its scheduler's stack; the argument is the loop. */
_Noreturn void wr_scheduler_main(void *arg);
/* The timer, and the handles that libuv calls around its poll. */
void wr_poll_handles_init(struct weir_loop *loop);
void wr_on_async(uv_async_t *async);
/* Make a task of each post. */
void wr_posts_run(struct weir_loop *loop);
/* Free the posts that came too late to run. */
void wr_posts_free(struct weir_loop *loop);
void wr_fd_stop_idle(struct weir_loop *loop);
void wr_loop_keepalive(struct weir_loop *loop);

/* ---- hidden tasks */

/* A task that belongs to a generator (the puller of weir_next_within). weir_scope_wait does not
 * count it, and its generator ends it. It runs fn(arg) on its own fiber. NULL: out of memory. */
struct wr_task *wr_task_hidden(struct weir_scope *scope, const char *name,
                               void (*fn)(struct wr_task *task, void *arg), void *arg);

/* Its generator moves to another scope, because its own scope ends. */
void wr_task_move(struct wr_task *hidden, struct weir_scope *scope);

/* libuv's version, as found at run time. */
const char *wr_uv_version(void);
/* Remember a failure that has just been reported to this task's code. */
void wr_failure_reported(struct weir_loop *loop, const weir_error *error);
/* Log a failure that no caller asked for; a cancel is not logged. */
void wr_log_failure(struct weir_loop *loop, const weir_error *error);

/* ---- for tests: a clock that jumps to the next timer when nothing else can move */
void wr_loop_virtual_clock(struct weir_loop *loop, int64_t start_unix_ns);
void wr_clock_advance(struct weir_loop *loop, int64_t ms);
/* Run scheduler rounds without blocking, from outside a task, until nothing more can move now. */
void wr_loop_settle(struct weir_loop *loop);

#endif
