/*
 * loop.h - the event loop that everything runs on.
 *
 * The idea. A loop is made by weir (weir_loop_new) or attached to a libuv loop that the program runs (weir_loop_attach).
 * uv.h is not needed to read this header.
 *
 * Lifetime.  weir_loop_free ends all that was made in the loop's root scope.
 * Threads.   A loop and all that is made in it stay on one thread; weir_post is the exception. Several loops in several
 *            threads know nothing of each other.
 * Signals.   The library touches no signal disposition unasked: a program that does not call weir_scope_obey_signals
 *            must ignore SIGPIPE itself.
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
    int64_t budget_bytes;                                             /* default 64 MiB */
    int64_t stack_bytes;                                              /* default 256 KiB of address space */
    void (*log)(void *ctx, int level, const char *origin, const char *text); /* default: nothing is written */
    void *log_ctx;
    int64_t blocked_ms;                                               /* log who held the loop longer; default 100 */
} weir_loop_options;

/* [1] Make a loop of weir's own. NULL only when out of memory. */
WEIR_API weir_loop *weir_loop_new(const weir_loop_options *options);
/* [2] Work on a loop that the caller runs. Installs no signal handler, keeps uv_run() alive only while tasks exist. */
WEIR_API weir_loop *weir_loop_attach(struct uv_loop_s *uv, const weir_loop_options *options);
/* [3] Cancel what is left, wait for it (own loop) or let the attached loop finish it, free. NULL is allowed. */
WEIR_API WEIR_SUSPENDS void weir_loop_free(WEIR_TAKES weir_loop *loop);
/*     The scope that lives as long as the loop. */
WEIR_API weir_scope *weir_root(weir_loop *loop);

/*     Any thread: run a task in the root scope soon. Copies *args. */
WEIR_API WEIR_MUST_CHECK int weir_post(weir_loop *loop, weir_task *task, const void *args, size_t args_len);

/* Run fn(ctx) on the loop's own stack each time the process gets the signal `number`; fn must not suspend. For weir_dump on
 * SIGQUIT and the like. 0, or WEIR_EIO. Until the loop is freed. */
WEIR_API WEIR_MUST_CHECK int weir_on_signal(weir_loop *loop, int number, void (*fn)(void *ctx), void *ctx);

typedef struct weir_allocator {
    size_t struct_size;
    void *(*allocate)(void *ctx, size_t bytes);
    void *(*reallocate)(void *ctx, void *old, size_t bytes);
    void (*release)(void *ctx, void *old);
    void *ctx;
} weir_allocator;

/* For the whole process, before any other call, else WEIR_EINVAL. weir's own memory only: libuv's and libcurl's
 * allocators belong to the program, not to one of its libraries. Stacks and blocks are mapped, and reported. */
WEIR_API WEIR_MUST_CHECK int weir_use_allocator(const weir_allocator *allocator);

#ifdef __cplusplus
}
#endif

#endif
