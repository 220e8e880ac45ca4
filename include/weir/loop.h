/*
 * loop.h - the event loop that everything runs on.
 *
 * The idea. A loop is made by weir (weir_loop_new), which then runs whenever something waits on it,
 * or attached to a libuv loop that the program runs (weir_loop_attach). uv.h is not needed to read
 * this header.
 *
 * Lifetime.  weir_loop_free ends all that was made in the loop's root scope.
 * Failure.   Only making one can fail, and adding to it from outside: WEIR_ENOMEM, WEIR_EIO.
 * Threads.   A loop and all that is made in it stay on one thread: a call from another one aborts
 *            while the loop runs; weir_post is the exception. A loop that does not run, because no
 *            call that waits is under way on it, may be handed to another thread. Several loops in
 *            several threads know nothing of each other; weir_channel joins two.
 * Signals.   The library touches no signal disposition unasked: a program that does not call
 *            weir_scope_obey_signals must ignore SIGPIPE itself.
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
    int64_t stack_bytes; /* of each task and body: address space, of which only touched pages cost
                             memory; default 256 KiB */
    /* One record: a syslog(3) level (3 error, 4 warning, 6 info, 7 debug), who, and one line
     * without its end. It must not call back into weir. NULL: nothing is written. */
    void (*log)(void *ctx, int level, const char *origin, const char *text);
    void *log_ctx;
    int64_t blocked_ms; /* a turn of the tasks that took longer is logged as a warning; default
                           100; WEIR_NONE: never */
} weir_loop_options;

/*
 * Make a loop of weir's own. It needs no run function: whatever waits runs it.
 *
 * options  NULL: the defaults. Copied.
 * Returns  NULL when there is no memory, or no file descriptor left for the loop.
 */
WEIR_API weir_loop *weir_loop_new(const weir_loop_options *options);
/*
 * Work on a libuv loop that the caller runs. Installs no signal handler, and keeps uv_run() alive
 * only while tasks exist. Nothing may wait outside a task then: begin with weir_spawn or weir_each.
 *
 * uv       stays the caller's and must outlive the weir_loop.
 * options  NULL: the defaults. Copied.
 * Returns  NULL when there is no memory.
 */
WEIR_API weir_loop *weir_loop_attach(struct uv_loop_s *uv, const weir_loop_options *options);
/*
 * Cancel what is left and free the loop; NULL is allowed. A loop of weir's own waits until all has
 * ended, and is freed by the program, not by one of its tasks. For an attached loop this returns at
 * once, and the memory goes when the caller's uv_run() has let the tasks end: run it until then.
 * Failures that nobody has asked for, the root scope's first one too, go to the log.
 */
WEIR_API WEIR_SUSPENDS void weir_loop_free(WEIR_TAKES weir_loop *loop);
/* Tell the scope that lives as long as the loop. It is never waited for, and a failure in it
 * cancels nothing: spawn in a scope of your own to be told. A loop that is NULL aborts. */
WEIR_API weir_scope *weir_root(weir_loop *loop);
/*
 * Tell the libuv loop underneath, for handles of the program's own. Their callbacks run on the
 * loop's own stack, where nothing may wait; weir_try_put, weir_spawn and weir_scope_stop are the
 * ways from there into tasks. On a loop of weir's own call neither uv_run nor uv_stop, and close
 * the handles before weir_loop_free, in a task that waits until they are closed: an open handle
 * aborts there.
 */
WEIR_API struct uv_loop_s *weir_loop_uv(weir_loop *loop);

/*
 * Run a task in the root scope soon. From any thread, as long as the loop has not begun to be
 * freed; what was posted before runs, though its first wait may fail then.
 *
 * args     args_len bytes, copied; NULL with 0.
 * Returns  0 or WEIR_ENOMEM.
 */
WEIR_API WEIR_MUST_CHECK int weir_post(weir_loop *loop, weir_task *task, const void *args,
                                       size_t args_len);

/*
 * Call fn(ctx) on the loop's own stack each time the process gets the signal `number`, until the
 * loop is freed; fn must not suspend. For weir_dump on SIGQUIT and the like. Handlers are the
 * process's: libuv puts its own in.
 *
 * Returns  0; WEIR_EIO: the signal cannot be watched; WEIR_ENOMEM.
 */
WEIR_API WEIR_MUST_CHECK int weir_on_signal(weir_loop *loop, int number, void (*fn)(void *ctx),
                                            void *ctx);

/*
 * Have the file sinks of a loop open their files again by their names before they write next: a log
 * that was renamed is then left alone, and a new one is begun. A sink with a state keeps its file,
 * whose length is in the state's record, and logs a warning. Does not suspend.
 */
WEIR_API void weir_loop_reopen_files(weir_loop *loop);

/* Where weir's memory comes from: all three functions, each given ctx, as malloc, realloc and free
 * but never with 0 bytes or a NULL to release. Called from every thread that uses weir. */
typedef struct weir_allocator {
    size_t struct_size;
    void *(*allocate)(void *ctx, size_t bytes);
    void *(*reallocate)(void *ctx, void *old, size_t bytes);
    void (*release)(void *ctx, void *old);
    void *ctx;
} weir_allocator;

/*
 * Choose the allocator of the whole process, before any other call of weir. weir's own memory only:
 * the allocators of libuv and libcurl belong to the program, not to one of its libraries, and
 * stacks are mapped.
 *
 * allocator  copied.
 * Returns    0; WEIR_EINVAL: something was allocated already, or a function is missing.
 */
WEIR_API WEIR_MUST_CHECK int weir_use_allocator(const weir_allocator *allocator);

#ifdef __cplusplus
}
#endif

#endif
