/*
 * scope.h - the tree that owns tasks, generators and sinks.
 *
 * The idea. Everything is made in a scope, and nothing outlives it: a scope has the deadline, the stop, the cancel and
 * the grace for clean-up. Its failure is the first one in time of its tasks.
 *
 * Lifetime.  A scope ends with weir_scope_wait, or with its parent.
 * Threads.   A scope belongs to its loop's thread.
 * Stacks.    WEIR_SUSPENDS functions park the calling task. Outside a task, on a loop weir owns that is not running, they run
 *            the loop until they are done, so a main() needs no task. Outside a task on an attached loop they abort.
 */
#ifndef WEIR_SCOPE_H
#define WEIR_SCOPE_H

#include <weir/error.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct weir_scope_options {
    size_t struct_size;
    const char *name;         /* seen in errors, weir_dump and ps */
    int64_t deadline_ms;      /* from now; then the scope is canceled and fails with WEIR_ETIMEDOUT */
    int64_t grace_ms;         /* waits in clean-up code are allowed this long after a cancel; default 5000 */
    int32_t on_failure;       /* WEIR_CANCEL_REST (default): the first failure cancels the others; or */
    int32_t reserved;
    int64_t drain_ms;         /* after a gentle stop: what has not drained by then is canceled; default: never */
} weir_scope_options;
enum { WEIR_CANCEL_REST = 0, WEIR_GO_ON = 1 };

/* A task: runs on a coroutine. `scope` is its own, ends when it returns, after the tasks in it. `args` is its copy. */
typedef int weir_task(weir_scope *scope, void *args);

/* [4] Open a scope within another. */
WEIR_API weir_scope *weir_scope_new(weir_scope *parent, const weir_scope_options *options);
/* [5] Start a task with a copy of *args. Cannot fail: what goes wrong is the scope's failure. */
WEIR_API void weir_spawn(weir_scope *scope, const char *name, weir_task *task, const void *args, size_t args_len);
/* [6] Wait for all tasks, end the scope. 0 or the first failure in time; a cancel that was asked for is none. */
WEIR_API WEIR_SUSPENDS WEIR_MUST_CHECK int weir_scope_wait(WEIR_TAKES weir_scope *scope, weir_error *error);
/* [7] Gentle: sources in the scope end after the item at hand, the rest drains. Safe in a task or a loop callback. */
WEIR_API void weir_scope_stop(weir_scope *scope);
/* [8] Hard: every wait in the scope fails once with WEIR_ECANCELED; clean-up may wait for grace_ms more. */
WEIR_API void weir_scope_cancel(weir_scope *scope);
/*     SIGINT and SIGTERM: the first stops, the second cancels. Off unless called. */
WEIR_API void weir_scope_obey_signals(weir_scope *scope);
/*     The last signal that the scope obeyed, 0 if none; *count (may be NULL): how many there were. */
WEIR_API int weir_scope_signal(const weir_scope *scope, int *count);
/*     Sleep; false when canceled. */
WEIR_API WEIR_SUSPENDS WEIR_MUST_CHECK bool weir_sleep(weir_scope *scope, int64_t ms);

#ifdef __cplusplus
}
#endif

#endif
