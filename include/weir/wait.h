/*
 * wait.h - waiting for things outside weir: descriptors, callbacks, threads and blocking calls of
 * other libraries.
 *
 * The idea. A client library is used in one of four ways. A library that gives a descriptor, and a
 * function to call when it is ready: wait for it with weir_wait_fd. A library that names its
 * descriptors and timers by callbacks: weir_watch and weir_timer. A library that calls back, from
 * the loop's thread or from its own thread: park on a weir_waker, and wake it in the callback. A
 * library that blocks: weir_work calls it on another thread.
 *
 *     while (PQisBusy(conn)) {
 *         int rc = weir_wait_fd(scope, PQsocket(conn), WEIR_READABLE, WEIR_NONE, "PostgreSQL");
 *         if (rc < 0) {
 *             return rc;
 *         }
 *         PQconsumeInput(conn);
 *     }
 *
 * These functions are for tasks, bodies of generators and operations of sinks alike. weir_why and
 * weir_dump report what each wait is for.
 *
 * Lifetime.  Watches and timers end with their scope at the latest. The memory of a waker belongs
 *            to the program.
 * Failure.   A wait that fails returns a negative code. WEIR_ETIMEDOUT: its timeout.
 *            WEIR_ECANCELED, as for every wait: the task's scope was canceled (also by its
 *            deadline), or the scope of a generator or sink that the task is inside of.
 *            WEIR_ECLOSED, in a source only: its scope was stopped; a source that then returns,
 *            also with this code, has ended and not failed. Each function lists further codes.
 * Threads.   The loop's thread; weir_wake_remote from any thread.
 * Stacks.    The callbacks of this header run on the loop's own stack, where nothing may wait. They
 *            may call weir_try_put, weir_wake, weir_spawn and the functions of this header that do
 *            not wait.
 */
#ifndef WEIR_WAIT_H
#define WEIR_WAIT_H

#include <weir/scope.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The events of a descriptor: bits. */
enum weir_events { WEIR_READABLE = 1, WEIR_WRITABLE = 2 };

/*
 * Wait until a descriptor of the program or another library is ready. The descriptor is not
 * changed, not even made non-blocking, and may be closed at any time when no task waits for it. If
 * it is closed during a wait, only the timeout ends the wait. Several tasks may wait for one
 * descriptor.
 *
 * scope    any scope of the loop.
 * events   WEIR_READABLE, WEIR_WRITABLE or both.
 * ms       the timeout in milliseconds; 0: only check; WEIR_NONE: none.
 * why      the name of the far end, for "waits for ..."; used during the call.
 * Returns  the bits of events for which it is ready; all of them after a hang-up or an error, and
 *          for a descriptor that is always ready (a file). As with poll(2), a read or write may
 *          still find nothing. WEIR_EINVAL: not an open descriptor. WEIR_EIO: it cannot be watched.
 *          WEIR_ENOMEM.
 */
WEIR_API WEIR_SUSPENDS WEIR_MUST_CHECK int weir_wait_fd(weir_scope *scope, int fd, int events,
                                                        int64_t ms, const char *why);

typedef struct weir_watch weir_watch;
/*
 * Call a function whenever a descriptor is ready, until weir_watch_free or the end of the scope; a
 * cancel does not end it. The descriptor is not changed, as in weir_wait_fd. Before the descriptor
 * is closed, remove the watch by weir_watch_set or weir_watch_free, at the latest in the callback
 * that closes it.
 *
 * events   as for weir_wait_fd; 0: none yet.
 * fn       called on the loop's own stack, with the events for which fd is ready: again and again
 *          while it is ready.
 * ctx      passed to fn.
 * why      [out] the code, when NULL is returned; NULL is allowed.
 * Returns  NULL: WEIR_EINVAL: not an open descriptor, or one that is always ready. WEIR_EIO,
 *          WEIR_ENOMEM.
 */
WEIR_API WEIR_MUST_CHECK weir_watch *weir_watch_new(weir_scope *scope, int fd, int events,
                                                    void (*fn)(void *ctx, int fd, int events),
                                                    void *ctx, int *why);
/* Watch for these events from now on; 0: none. Returns 0, or a code as weir_watch_new. */
WEIR_API WEIR_MUST_CHECK int weir_watch_set(weir_watch *watch, int events);
/* End a watch, also in its own callback; NULL is allowed. fn is not called any more. */
WEIR_API void weir_watch_free(WEIR_TAKES weir_watch *watch);

typedef struct weir_timer weir_timer;
/*
 * Make a timer. It does not run yet. It ends with weir_timer_free or with the scope.
 *
 * fn       called on the loop's own stack, once for each weir_timer_start.
 * Returns  NULL: no memory.
 */
WEIR_API WEIR_MUST_CHECK weir_timer *weir_timer_new(weir_scope *scope, void (*fn)(void *ctx),
                                                    void *ctx);
/* Let it expire in ms milliseconds; 0 or less: soon. A timer that runs is started again. */
WEIR_API void weir_timer_start(weir_timer *timer, int64_t ms);
/* Stop it: it does not expire. */
WEIR_API void weir_timer_stop(weir_timer *timer);
/* End a timer, also in its own callback; NULL is allowed. */
WEIR_API void weir_timer_free(WEIR_TAKES weir_timer *timer);

/* An object on which a task parks until it is woken. It is on the stack of the task, or in a struct
 * of the program, and must not move between weir_waker_init and weir_waker_fini. */
typedef struct weir_waker {
    void *reserved[24];
} weir_waker;

/* Prepare a waker. When its scope ends, a parked task fails with WEIR_ECLOSED, and so does every
 * task that parks later. */
WEIR_API void weir_waker_init(weir_waker *waker, weir_scope *scope);
/*
 * Wait until the waker is woken. A wake that comes while no task is parked is kept, one at most,
 * and ends the next park at once. Of several parked tasks, one continues.
 *
 * ms       the timeout in milliseconds; 0: only take a wake that was kept; WEIR_NONE: none.
 * why      as for weir_wait_fd.
 * Returns  0: woken. Negative: a wake that came is kept. WEIR_ECLOSED: the waker's scope has ended.
 *          WEIR_ECANCELED: also when the waker's scope was canceled.
 */
WEIR_API WEIR_SUSPENDS WEIR_MUST_CHECK int weir_park(weir_waker *waker, int64_t ms,
                                                     const char *why);
/* Wake it: from a task, or from any function that runs on the loop's thread. */
WEIR_API void weir_wake(weir_waker *waker);
/*
 * Wake it from another thread. May be called at any time after weir_waker_init, and must have
 * returned before weir_waker_fini is called and before the loop is freed: join the thread first, or
 * end the library's client.
 */
WEIR_API void weir_wake_remote(weir_waker *waker);
/* End a waker; aborts when a task is parked on it. A wake that is on its way is dropped. */
WEIR_API void weir_waker_fini(weir_waker *waker);

typedef struct weir_work_options {
    size_t struct_size;
    const char *why; /* as for weir_wait_fd; default "a blocking call" */
    /* Make fn return soon (sqlite3_interrupt, PQcancel). Called with arg, on the loop's thread,
     * when the wait is canceled while fn runs. NULL: the wait continues until fn returns. */
    void (*interrupt)(void *arg);
    /* Calls of one lane run one after the other, on a thread of their own. Give each client
     * library, or each connection, its own lane; then none of them waits for another. Up to 31
     * bytes count; copied. The thread of a lane lives from the first call to the end of the loop.
     * NULL: the lane of all calls that name none. weir saves states outside the program's lanes. */
    const char *lane;
} weir_work_options;

/*
 * Call a function that blocks, on a thread of the loop, and wait until it has returned. In each
 * lane one call runs at a time; others wait for their turn. If there is no memory for a thread, fn
 * is called on the calling thread, at once.
 *
 * fn       must not use weir, nor anything of the loop except arg.
 * arg      used only by fn until weir_work returns.
 * options  NULL: the defaults. Copied.
 * Returns  0: fn has run. WEIR_ECANCELED: the task was canceled meanwhile; fn has run to its end,
 *          or its turn had not come and it did not run at all.
 */
WEIR_API WEIR_SUSPENDS WEIR_MUST_CHECK int weir_work(weir_scope *scope, void (*fn)(void *arg),
                                                     void *arg, const weir_work_options *options);

#ifdef __cplusplus
}
#endif

#endif
