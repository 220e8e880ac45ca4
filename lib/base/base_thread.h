/*
 * base_thread.h - on which thread is this? For the checks that a loop and all in it stay on one.
 */
#ifndef WR_BASE_THREAD_H
#define WR_BASE_THREAD_H

#include <stdbool.h>
#include <stddef.h>

/* Tells one thread from another, by one instruction: what its thread-local data lies at. */
static inline const void *wr_thread_here(void)
{
    return __builtin_thread_pointer();
}

/* `thread` is that on which something runs, as wr_thread_here tells it; NULL: it may be any. */
static inline bool wr_thread_is_here(const void *thread)
{
    return thread == wr_thread_here() || thread == NULL;
}

/* Abort: `what` was done from a thread that the loop does not run on. */
_Noreturn void wr_thread_is_another(const char *what);

#endif
