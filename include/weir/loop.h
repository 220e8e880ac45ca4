/*
 * loop.h - the event loop that everything runs on.
 *
 * The idea. There are two kinds of loop. One is made by weir (weir_loop_new) and runs whenever a
 * call waits on it. The other is attached to a libuv loop that the program runs (weir_loop_attach).
 * uv.h is not needed to read this header.
 *
 * Lifetime.  weir_loop_free ends everything that was made in the loop's root scope.
 * Failure.   Only making a loop, and adding to it from outside, can fail: WEIR_ENOMEM, WEIR_EIO.
 * Threads.   A loop and all that is made in it stay on one thread. A call from another thread
 *            aborts while the loop runs; weir_post is the exception. A loop that does not run,
 *            because no call that waits is pending on it, may be handed to another thread. Several
 *            loops in several threads are independent of each other; weir_channel connects two.
 * Signals.   The library changes no signal disposition unless asked to: a program that does not
 *            call weir_scope_obey_signals must ignore SIGPIPE itself.
 */
#ifndef WEIR_LOOP_H
#define WEIR_LOOP_H

#include <weir/scope.h>

#ifdef __cplusplus
extern "C" {
#endif

struct uv_loop_s;

typedef struct weir_loop_options {
    size_t struct_size;
    int64_t
        budget_bytes; /* for received bytes, queues, batches and decoders together; default 64 MiB;
                             WEIR_NONE: no limit */
    int64_t stack_bytes; /* of each task and body: address space, of which only the pages used cost
                             memory; default 256 KiB */
    /* Write one record: a syslog(3) level (3 error, 4 warning, 6 info, 7 debug), the origin, and
     * one line without its end. The record of an item that is rejected may have two more lines: what
     * is written at the place of the mistake, and a caret below it. It must not call weir. NULL:
     * nothing is written. */
    void (*log)(void *ctx, int level, const char *origin, const char *text);
    void *log_ctx;
    int64_t
        blocked_ms; /* a turn of the tasks that takes longer is logged as a warning; the time for
                           which other programs had the processors does not count (on Linux);
                           default 100; WEIR_NONE: never */
    /* For tests: a virtual clock, which begins at this Unix time. When all tasks wait for time, it
     * moves to the next timer at once. While a task waits for a descriptor, a worker or a name, it
     * stands still. 0: the system's clocks. */
    int64_t virtual_ns;
    uint64_t seed; /* of random numbers that are not secret (the delay of a retry); 0: another one
                      for each loop */
} weir_loop_options;

/*
 * A function for weir_loop_options.log that suits a small program: writes "PROGRAM: ORIGIN: TEXT" to
 * standard error, but no record of WEIR_LOG_DEBUG. Suspends nothing; any thread may call it.
 *
 * program  weir_loop_options.log_ctx: the name of the program, which lives as long as the loop.
 *          NULL: the name is left out. origin: NULL is allowed.
 */
WEIR_API void weir_log_stderr(void *program, int level, const char *origin, const char *text);
/*
 * Make a loop of weir's own. It needs no run function: each call that waits runs it.
 *
 * options  NULL: the defaults. Copied. A negative number other than WEIR_NONE aborts,
 *          as does a negative virtual_ns.
 * Returns  NULL: no memory, or no file descriptor left for the loop.
 */
WEIR_API weir_loop *weir_loop_new(const weir_loop_options *options);
/*
 * Work on a libuv loop that the caller runs. Installs no signal handler, and keeps uv_run() alive
 * only while tasks exist. On such a loop nothing may wait outside a task: begin with weir_spawn or
 * weir_each.
 *
 * uv       belongs to the caller and must outlive the weir_loop.
 * options  as for weir_loop_new.
 * Returns  NULL: no memory.
 */
WEIR_API weir_loop *weir_loop_attach(struct uv_loop_s *uv, const weir_loop_options *options);
/*
 * Cancel what is left and free the loop; NULL is allowed. For a loop of weir's own this waits until
 * everything has ended; the program must call it, not one of the loop's tasks. For an attached loop
 * it returns at once, and the memory is freed when the tasks have ended in the caller's uv_run():
 * run it until then. Failures that no call has reported, including the first one of the root scope,
 * are written to the log.
 */
WEIR_API WEIR_SUSPENDS void weir_loop_free(WEIR_TAKES weir_loop *loop);
/* Return the scope that lives as long as the loop. No call waits for it, and a failure in it
 * cancels nothing: to get failures reported, spawn in a scope of your own. NULL aborts. */
WEIR_API weir_scope *weir_root(weir_loop *loop);
/*
 * Return the libuv loop below, for the program's own handles. Their callbacks run on the loop's own
 * stack, where nothing may wait. To reach tasks from there, use weir_try_put, weir_spawn and
 * weir_scope_stop. On a loop of weir's own, call neither uv_run nor uv_stop. Close the handles
 * before weir_loop_free, in a task that waits until they are closed: weir_loop_free aborts when a
 * handle is open.
 */
WEIR_API struct uv_loop_s *weir_loop_uv(weir_loop *loop);

/*
 * Run a task in the root scope soon. May be called from any thread until weir_loop_free begins. A
 * task that was posted before that runs, though its first wait may fail.
 *
 * args     args_len bytes, copied; NULL with 0.
 * Returns  0 or WEIR_ENOMEM.
 */
WEIR_API WEIR_MUST_CHECK int weir_post(weir_loop *loop, weir_task *task, const void *args,
                                       size_t args_len);

/*
 * Call fn(ctx) on the loop's own stack each time the process gets the signal `number`, until the
 * loop is freed. fn must not suspend. It is meant for weir_dump on SIGQUIT and similar uses. Signal
 * handlers belong to the whole process: libuv installs its own.
 *
 * Returns  0; WEIR_EIO: the signal cannot be watched; WEIR_ENOMEM.
 */
WEIR_API WEIR_MUST_CHECK int weir_on_signal(weir_loop *loop, int number, void (*fn)(void *ctx),
                                            void *ctx);

/*
 * Make the file sinks of a loop open their files again by name before their next write: a log file
 * that was renamed gets no more lines, and a new file is made. A sink with a state first saves a
 * record in which the old file is complete, synced, and the new one is empty; as long as items that
 * were written are held elsewhere, for example by another sink of the state, it goes on writing to the
 * old file. If its name still belongs to the file that it writes, it keeps it. Does not suspend.
 */
WEIR_API void weir_loop_reopen_files(weir_loop *loop);

/* The allocator of weir. All three functions are needed. Each gets ctx, and works as malloc,
 * realloc and free, but is never called with 0 bytes or with a NULL to release. Called from every
 * thread that uses weir. */
typedef struct weir_allocator {
    size_t struct_size;
    void *(*allocate)(void *ctx, size_t bytes);
    void *(*reallocate)(void *ctx, void *old, size_t bytes);
    void (*release)(void *ctx, void *old);
    void *ctx;
} weir_allocator;

/*
 * Set the allocator of the whole process, before any other call of weir. It is for weir's own
 * memory only: the allocators of libuv and libcurl belong to the program, not to one of its
 * libraries, and stacks are mapped.
 *
 * allocator  copied.
 * Returns    0; WEIR_EINVAL: memory was allocated already, or a function is missing.
 */
WEIR_API WEIR_MUST_CHECK int weir_use_allocator(const weir_allocator *allocator);

#ifdef __cplusplus
}
#endif

#endif
