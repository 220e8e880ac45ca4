/*
 * wait.h - waiting for what weir does not know: descriptors, callbacks, threads and blocking calls of
 * other libraries.
 *
 * The idea. A client library is used in one of four ways. One that hands out a descriptor and a
 * function to call when it is ready: wait for it with weir_wait_fd. One that wants to be told of its
 * descriptors and timers by callbacks: weir_watch and weir_timer. One that calls back, from the
 * loop's thread or from a thread of its own: park on a weir_waker, and wake it in the callback. One
 * that blocks: weir_work calls it on another thread.
 *
 *     while (PQisBusy(conn)) {
 *         int rc = weir_wait_fd(scope, PQsocket(conn), WEIR_READABLE, WEIR_NONE, "PostgreSQL");
 *         if (rc < 0) {
 *             return rc;
 *         }
 *         PQconsumeInput(conn);
 *     }
 *
 * These functions are for tasks, bodies of generators and operations of sinks alike. What a wait is
 * for is told by weir_why and weir_dump.
 *
 * Lifetime.  Watches and timers end with their scope at the latest. A waker's memory is the program's.
 * Failure.   A wait that fails tells why by a negative code: WEIR_ETIMEDOUT, its limit. WEIR_ECANCELED,
 *            as every wait: the task's scope was canceled (also by its deadline), or that of a
 *            generator or sink that the task is inside of. WEIR_ECLOSED, in a source only: its scope
 *            is to stop; a source that returns then, also with this code, has ended and not failed.
 *            Further codes stand at each function.
 * Threads.   The loop's thread; weir_wake_remote from any.
 * Stacks.    What weir calls back here runs on the loop's own stack, where nothing may wait.
 *            weir_try_put, weir_wake, weir_spawn and the functions of this header that do not wait
 *            may be called there.
 */
#ifndef WEIR_WAIT_H
#define WEIR_WAIT_H

#include <weir/scope.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What a descriptor is waited for, and is: bits. */
enum weir_events { WEIR_READABLE = 1, WEIR_WRITABLE = 2 };

/*
 * Wait until a descriptor of somebody else's is ready. It is not changed, not even made non-blocking,
 * and may be closed at any time when nobody waits for it; the wait for one that is closed meanwhile
 * sees no more than its limit. Several tasks may wait for one descriptor.
 *
 * scope    names the loop; any scope of it.
 * events   WEIR_READABLE, WEIR_WRITABLE or both.
 * ms       the limit in milliseconds; 0: only look; WEIR_NONE: none.
 * why      what the far end is, for "waits for ..."; used during the call.
 * Returns  the bits of events for which it is ready, all of them after a hang-up or an error, and for
 *          what is always ready (a file). As with poll(2) a try may all the same find nothing.
 *          WEIR_EINVAL: it is no open descriptor. WEIR_EIO: it cannot be watched. WEIR_ENOMEM.
 */
WEIR_API WEIR_SUSPENDS WEIR_MUST_CHECK int weir_wait_fd(weir_scope *scope, int fd, int events,
                                                        int64_t ms, const char *why);

typedef struct weir_watch weir_watch;
/*
 * Call a function whenever a descriptor is ready, until weir_watch_free or the end of the scope; a
 * cancel does not end it. As weir_wait_fd the descriptor stays as it is; take the watch off, by
 * weir_watch_set or weir_watch_free, before it is closed or at the latest in the callback in which
 * it was.
 *
 * events   as for weir_wait_fd; 0: none yet.
 * fn       called on the loop's own stack, with the events for which fd is ready: again as long as
 *          it is.
 * ctx      handed to fn.
 * why      [out] when NULL is returned; NULL is allowed.
 * Returns  NULL: WEIR_EINVAL: no open descriptor, or one that is always ready. WEIR_EIO, WEIR_ENOMEM.
 */
WEIR_API WEIR_MUST_CHECK weir_watch *weir_watch_new(weir_scope *scope, int fd, int events,
                                                    void (*fn)(void *ctx, int fd, int events),
                                                    void *ctx, int *why);
/* Watch for these events from now on; 0: none. 0, or as weir_watch_new. */
WEIR_API WEIR_MUST_CHECK int weir_watch_set(weir_watch *watch, int events);
/* End a watch, also in its own function; NULL is allowed. fn is not called any more. */
WEIR_API void weir_watch_free(WEIR_TAKES weir_watch *watch);

typedef struct weir_timer weir_timer;
/*
 * Make a timer, which does not run yet. It ends with weir_timer_free or with the scope.
 *
 * fn       called on the loop's own stack, once for each weir_timer_start.
 * Returns  NULL: no memory.
 */
WEIR_API WEIR_MUST_CHECK weir_timer *weir_timer_new(weir_scope *scope, void (*fn)(void *ctx),
                                                    void *ctx);
/* Let it fire in ms milliseconds, 0 or less: soon. One that runs is set anew. */
WEIR_API void weir_timer_start(weir_timer *timer, int64_t ms);
/* Let it not fire. */
WEIR_API void weir_timer_stop(weir_timer *timer);
/* End a timer, also in its own function; NULL is allowed. */
WEIR_API void weir_timer_free(WEIR_TAKES weir_timer *timer);

/* Where a task parks until it is woken. On the stack of the task, or in a struct of the program's;
 * it stays where it is from weir_waker_init to weir_waker_fini. */
typedef struct weir_waker {
    void *reserved[24];
} weir_waker;

/* Prepare a waker. Who is parked when its scope ends fails with WEIR_ECLOSED, and so does whoever
 * parks later. */
WEIR_API void weir_waker_init(weir_waker *waker, weir_scope *scope);
/*
 * Wait until the waker is woken. A wake that comes while nobody is parked is kept, one at most, and
 * ends the next park at once. Of several tasks that are parked one goes on.
 *
 * ms       the limit in milliseconds; 0: only take a wake that was kept; WEIR_NONE: none.
 * why      as for weir_wait_fd.
 * Returns  0: woken. Negative: the wake, if one came, is kept. WEIR_ECLOSED: the waker's scope has
 *          ended. WEIR_ECANCELED: it was canceled, too.
 */
WEIR_API WEIR_SUSPENDS WEIR_MUST_CHECK int weir_park(weir_waker *waker, int64_t ms,
                                                     const char *why);
/* Wake it: from a task, or from any function that runs on the loop's thread. */
WEIR_API void weir_wake(weir_waker *waker);
/*
 * Wake it from another thread. It may come at any time from weir_waker_init on, and must have
 * returned before weir_waker_fini is called and before the loop is freed: join the thread first, or
 * end the library's client.
 */
WEIR_API void weir_wake_remote(weir_waker *waker);
/* End a waker, on which nobody is parked: that aborts. A wake that is on its way is forgotten. */
WEIR_API void weir_waker_fini(weir_waker *waker);

typedef struct weir_work_options {
    size_t struct_size;
    const char *why; /* as for weir_wait_fd; default "a blocking call" */
    /* Make the function return soon (sqlite3_interrupt, PQcancel): called with arg, on the loop's
     * thread, when the wait is canceled while the function runs. NULL: it is waited for. */
    void (*interrupt)(void *arg);
    /* Calls of one lane run one after the other, on a thread of their own; give each client library,
     * or each connection, one of its own, and none of them waits for another. Up to 31 bytes count;
     * copied. Its thread is there from the first call to the end of the loop. NULL: the lane of all
     * that name none. What saves states is in no lane of the program's. */
    const char *lane;
} weir_work_options;

/*
 * Call a function that blocks, on a thread of the loop's, and wait until it has returned. In a lane
 * one such call runs at a time; others wait for their turn. Without a thread (there is no memory for
 * one) it is called here and now.
 *
 * fn       must not use weir, nor anything of the loop's but arg.
 * arg      fn's alone until this returns.
 * options  NULL: the defaults. Copied.
 * Returns  0: fn has run. WEIR_ECANCELED: the task was canceled meanwhile; fn has run to its end, or
 *          its turn had not come and it did not run at all.
 */
WEIR_API WEIR_SUSPENDS WEIR_MUST_CHECK int weir_work(weir_scope *scope, void (*fn)(void *arg),
                                                     void *arg, const weir_work_options *options);

#ifdef __cplusplus
}
#endif

#endif
