/*
 * scope.h - the tree that owns tasks, generators and sinks.
 *
 * The idea. Everything is made in a scope, and nothing outlives its scope: structured concurrency.
 * A scope has a deadline, can be stopped and canceled, and has a grace period for clean-up. Its
 * failure is the first one in time of its tasks. By default that failure cancels the other tasks.
 *
 * Two ways to end early. Stop is gentle: sources end, and the items that they have given drain
 * through the chain. Cancel is hard: in each task the current wait, else the next one, fails once
 * with WEIR_ECANCELED, and the generators that the task is inside of end. The waits after that one
 * work, since they are clean-up, until the grace period has passed. Then all waits fail at once and
 * the log names the task.
 *
 * Lifetime.  A scope ends with weir_scope_wait, or with its parent. The generators, sinks, states
 *            and scopes in it that have not ended are then ended, the newest first. What a body has
 *            made in its own scope is ended after the body. Tasks and objects that their clean-up
 *            makes there are waited for, too. A task of another scope that is inside one of these
 *            generators or sinks leaves it first: what it waits for fails with WEIR_ECLOSED.
 * Failure.   weir_scope_new never returns NULL and weir_spawn cannot fail: an error is the failure
 *            of a scope. weir_scope_wait reports it. A task's own scope passes its failure to the
 *            scope that the task was spawned in. The failure of a scope made by weir_scope_new is
 *            passed on by weir_scope_wait only.
 * Threads.   A scope belongs to its loop's thread. While the loop runs, these functions abort on
 *            any other thread.
 * Stacks.    Functions marked WEIR_SUSPENDS park the calling task. Outside a task, on a loop that
 *            weir owns, they run the loop until they are done, so a main() needs no task. On an
 *            attached loop (weir_loop_attach) they abort outside a task. In functions that the loop
 *            calls on its own stack (weir_each, weir_on_signal) they always abort.
 */
#ifndef WEIR_SCOPE_H
#define WEIR_SCOPE_H

#include <weir/error.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct weir_scope_options {
    size_t struct_size;
    const char *name;    /* shown in errors and dumps, copied up to 31 bytes; default "scope" */
    int64_t deadline_ms; /* from now; then it fails with WEIR_ETIMEDOUT and is canceled; 0: none;
                            negative (a difference of times may be): at once */
    int64_t grace_ms;    /* how long waits in clean-up code work after a cancel, but no longer than
                            in the enclosing scope that was canceled; default: as the parent, 5000
                            in the root; WEIR_NONE: no limit */
    int32_t on_failure;  /* WEIR_CANCEL_REST (default): the first failure cancels the others;
                            WEIR_GO_ON: it does not */
    int32_t reserved;
    int64_t drain_ms; /* how long after a stop what has not drained is canceled; default: never.
                         Also how long a socket sink in the scope waits, at its end, for a peer that
                         takes nothing; default: 10 s; WEIR_NONE: no limit */
} weir_scope_options;
enum { WEIR_CANCEL_REST = 0, WEIR_GO_ON = 1 };

/*
 * A task: a function on a coroutine of its own.
 *
 * scope    the task's own scope, which ends when the task has returned, after the tasks spawned
 *          there.
 * args     the task's own copy of what weir_spawn was given.
 * Returns  0; or a negative code, which fails its scope; a positive number aborts. When
 *          weir_finish, weir_pump, weir_sink_finish or weir_scope_wait reported this code last, the
 *          whole error is kept, so `return weir_pump(...)` loses nothing. WEIR_ECANCELED of a task
 *          that was canceled is not a failure.
 */
typedef int weir_task(weir_scope *scope, void *args);

/*
 * Make a scope within another. Does not suspend.
 *
 * options  NULL: the defaults. A grace_ms or drain_ms below 0 other than WEIR_NONE aborts.
 * Returns  never NULL. Without memory it is the parent, which has failed with WEIR_ENOMEM.
 *          weir_scope_wait on it then returns that code, as many times as the parent was returned
 *          in this way.
 */
WEIR_API weir_scope *weir_scope_new(weir_scope *parent, const weir_scope_options *options);
/*
 * Start a task. It runs soon, not at once, and it always runs: in a canceled scope its first wait
 * fails. The only exception: there is no memory for it; then the scope has failed with WEIR_ENOMEM.
 *
 * name     for errors and dumps, copied up to 31 bytes; NULL: "task".
 * args     args_len bytes, copied; NULL with 0.
 */
WEIR_API void weir_spawn(weir_scope *scope, const char *name, weir_task *task, const void *args,
                         size_t args_len);
/*
 * Wait for all tasks of a scope, end what is left in it, and free it. When the waiting task is
 * canceled, the scope is canceled too, and the wait continues. The root scope and a task's own
 * scope end by themselves: to wait for one aborts, and so does a wait from within the scope, a wait
 * by a second task, or a second wait.
 *
 * error    [out] the failure, code 0 when there is none.
 * Returns  0, or the code of the first failure in time: of a task; WEIR_ETIMEDOUT when the deadline
 *          has passed; WEIR_ENOMEM. A cancel by the program is not a failure.
 */
WEIR_API WEIR_SUSPENDS WEIR_MUST_CHECK int weir_scope_wait(WEIR_TAKES weir_scope *scope,
                                                           weir_error *error);
/*
 * Ask the sources in a scope and in the scopes below it to end after the current item, so that the
 * rest drains; drain_ms limits that. Sources made in it later give nothing. Does not suspend; safe
 * in a task and in a function that the loop calls. A second call has no effect.
 */
WEIR_API void weir_scope_stop(weir_scope *scope);
/*
 * Cancel a scope and all scopes below it, and start the grace period. Generators and sinks made in
 * it also fail for readers and writers elsewhere. Does not suspend: the tasks end when they get
 * their turn. A second call has no effect.
 */
WEIR_API void weir_scope_cancel(weir_scope *scope);
/*
 * Stop the scope at the first SIGINT or SIGTERM, and cancel it at the second, as long as the scope
 * lives. A signal that the process ignores (nohup, a background job of a script) stays ignored.
 * From this call on SIGPIPE is ignored, too. Signal handlers and an ignored SIGPIPE are settings of
 * the whole process, so weir changes them only when asked to. An error (WEIR_EIO, WEIR_ENOMEM) is
 * the scope's failure.
 */
WEIR_API void weir_scope_obey_signals(weir_scope *scope);
/* Obey one more signal, such as SIGHUP, in the same way. SIGPIPE stays unchanged. */
WEIR_API void weir_scope_obey(weir_scope *scope, int number);
/*
 * Return the last signal that the scope obeyed, 0 if none.
 *
 * count    [out] how many there were; NULL is allowed.
 */
WEIR_API int weir_scope_signal(const weir_scope *scope, int *count);
/*
 * Return the time of a monotonic clock in nanoseconds, to measure how long something took. It is
 * not a date. Does not suspend.
 *
 * scope    any scope of the loop.
 */
WEIR_API int64_t weir_now(const weir_scope *scope);
/* Return the date: Unix time in nanoseconds, the clock of weir_item.time_ns. It may go back. */
WEIR_API int64_t weir_now_unix(const weir_scope *scope);
/*
 * Sleep for ms milliseconds; with 0 or less, other tasks still get a turn.
 *
 * scope    any scope of the loop.
 * Returns  true. false: the calling task was canceled.
 */
WEIR_API WEIR_SUSPENDS WEIR_MUST_CHECK bool weir_sleep(weir_scope *scope, int64_t ms);

#ifdef __cplusplus
}
#endif

#endif
