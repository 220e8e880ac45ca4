/*
 * scope.h - the tree that owns tasks, generators and sinks.
 *
 * The idea. Everything is made in a scope, and nothing outlives it: structured concurrency. A scope
 * has the deadline, the stop, the cancel and the grace for clean-up. Its failure is the first one
 * in time of its tasks, and by default that failure cancels the others.
 *
 * Two ways to end early. Stop is gentle: sources end, what they have given drains through. Cancel
 * is hard: each task's current wait, else its next one, fails once with WEIR_ECANCELED, and the
 * generators it is inside of are over. The waits after that one work, since they are clean-up,
 * until the grace has passed; then all fail at once and the log names the task.
 *
 * Lifetime.  A scope ends with weir_scope_wait, or with its parent: the generators, sinks, states
 *            and scopes in it that nobody has ended are ended then, the newest first, but what a body
 *            has made in its own scope after the body. What their clean-up spawns or makes there is
 *            waited for, too. A task elsewhere that is inside of one of them comes out first: what
 *            it waits for fails with WEIR_ECLOSED.
 * Failure.   weir_scope_new never returns NULL and weir_spawn cannot fail: what goes wrong is the
 *            failure of a scope. weir_scope_wait tells it. A task's own scope hands its failure to
 *            the scope that the task was spawned in; one made by weir_scope_new that nobody waits
 *            for takes its failure along.
 * Threads.   A scope belongs to its loop's thread: while the loop runs, these functions abort
 *            elsewhere.
 * Stacks.    Functions marked WEIR_SUSPENDS park the calling task. Outside a task, on a loop that
 *            weir owns, they run the loop until they are done, so a main() needs no task. On an
 *            attached loop (weir_loop_attach) they abort outside a task, and so they do everywhere
 *            in functions that the loop calls on its own stack (weir_each, weir_on_signal).
 */
#ifndef WEIR_SCOPE_H
#define WEIR_SCOPE_H

#include <weir/error.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct weir_scope_options {
    size_t struct_size;
    const char *name;    /* seen in errors and dumps, copied up to 31 bytes; default "scope" */
    int64_t deadline_ms; /* from now: then it fails with WEIR_ETIMEDOUT and is canceled; 0: none;
                            negative, as a difference of times may be: at once */
    int64_t grace_ms;    /* waits in clean-up code work for so long after a cancel, and no longer
                            than in the scope that was canceled around it; default: as the
                            parent's, 5000 in the root; WEIR_NONE: for ever */
    int32_t on_failure;  /* WEIR_CANCEL_REST (default): the first failure cancels the others;
                            WEIR_GO_ON: it does not */
    int32_t reserved;
    int64_t drain_ms; /* what has not drained so long after a stop is canceled; default: never.
                         Also how long a socket sink in the scope, at its end, waits for a peer that
                         takes nothing; default: 10 s; WEIR_NONE: for ever */
} weir_scope_options;
enum { WEIR_CANCEL_REST = 0, WEIR_GO_ON = 1 };

/*
 * A task: a function on a coroutine of its own.
 *
 * scope    its own scope, which ends when it has returned, after the tasks spawned there.
 * args     its own copy of what weir_spawn was given.
 * Returns  0; or a negative code, which fails its scope; a positive number aborts. When
 *          weir_finish, weir_pump, weir_sink_finish or weir_scope_wait told this code last, their
 *          whole error is kept, so `return weir_pump(...)` loses nothing. WEIR_ECANCELED of a task
 *          that was canceled is no failure.
 */
typedef int weir_task(weir_scope *scope, void *args);

/*
 * Open a scope within another. Does not suspend.
 *
 * options  NULL: the defaults.
 * Returns  never NULL. Without memory it is the parent, which has failed with WEIR_ENOMEM;
 *          weir_scope_wait on it then tells so, as often as such a scope was given out.
 */
WEIR_API weir_scope *weir_scope_new(weir_scope *parent, const weir_scope_options *options);
/*
 * Start a task. It runs soon, not at once, and always: in a canceled scope its first wait fails.
 * Only where there is no memory for it does it not run; then the scope has failed with WEIR_ENOMEM.
 *
 * name     for errors and dumps, copied up to 31 bytes; NULL: "task".
 * args     args_len bytes, copied; NULL with 0.
 */
WEIR_API void weir_spawn(weir_scope *scope, const char *name, weir_task *task, const void *args,
                         size_t args_len);
/*
 * Wait for all tasks of a scope, end what is left in it, and free it. When the waiting task is
 * canceled, the scope is canceled too, and waited for all the same. Not for the root nor for a
 * task's own scope, which end by themselves: that aborts, as does a wait from within the scope, a
 * second one who waits, or a second wait.
 *
 * error    [out] the failure, code 0 when there is none.
 * Returns  0, or the code of the first failure in time: a task's; WEIR_ETIMEDOUT when the deadline
 *          has passed; WEIR_ENOMEM. A cancel that was asked for is no failure.
 */
WEIR_API WEIR_SUSPENDS WEIR_MUST_CHECK int weir_scope_wait(WEIR_TAKES weir_scope *scope,
                                                           weir_error *error);
/*
 * Ask the sources in a scope and beneath to end after the item at hand, so that the rest drains;
 * drain_ms limits that. Sources made later in it give nothing. Does not suspend; safe in a task and
 * in a function that the loop calls. Again: no effect.
 */
WEIR_API void weir_scope_stop(weir_scope *scope);
/*
 * Cancel a scope and all beneath, and start the grace. Generators and sinks made in it fail for
 * readers elsewhere, too. Does not suspend: the tasks end when they get their turn. Again: no
 * effect.
 */
WEIR_API void weir_scope_cancel(weir_scope *scope);
/*
 * Stop the scope at the first SIGINT or SIGTERM, cancel it at the second, as long as it lives. A
 * signal that the process ignores (nohup, a background job of a script) stays ignored. Also ignores
 * SIGPIPE from now on. Both are settings of the whole process, which is why nothing of it happens
 * unless asked for. What goes wrong (WEIR_EIO, WEIR_ENOMEM) is the scope's failure.
 */
WEIR_API void weir_scope_obey_signals(weir_scope *scope);
/* Obey one more signal, as SIGHUP, in the same way; SIGPIPE stays as it is. */
WEIR_API void weir_scope_obey(weir_scope *scope, int number);
/*
 * Tell the last signal that the scope obeyed, 0 if none.
 *
 * count    [out] how many there were; NULL is allowed.
 */
WEIR_API int weir_scope_signal(const weir_scope *scope, int *count);
/*
 * Tell the time: nanoseconds of a clock that only goes forward and has no date, for measuring how
 * long something took. Does not suspend.
 *
 * scope    any of the loop.
 */
WEIR_API int64_t weir_now(const weir_scope *scope);
/* Tell the date: nanoseconds of Unix time, the clock of weir_item.time_ns. It may be set back. */
WEIR_API int64_t weir_now_unix(const weir_scope *scope);
/*
 * Sleep for ms milliseconds; 0 or less still lets the others have a turn.
 *
 * scope    names the loop; any scope of it.
 * Returns  true. false: the calling task was canceled.
 */
WEIR_API WEIR_SUSPENDS WEIR_MUST_CHECK bool weir_sleep(weir_scope *scope, int64_t ms);

#ifdef __cplusplus
}
#endif

#endif
