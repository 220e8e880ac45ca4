/*
 * base_thread.h - identifies the calling thread: for the checks that a loop, and everything in it,
 * stays on one thread.
 */
#ifndef WR_BASE_THREAD_H
#define WR_BASE_THREAD_H

#include <stdbool.h>
#include <stddef.h>

/* The address of the thread's thread-local data, which identifies the thread. One instruction. */
static inline const void *wr_thread_here(void)
{
    return __builtin_thread_pointer();
}

/* `thread` is the thread that something runs on, as wr_thread_here returns it; NULL: any thread. */
static inline bool wr_thread_is_here(const void *thread)
{
    return thread == wr_thread_here() || thread == NULL;
}

/* Abort: `what`, a public function or the name of an object, was called from a thread that the loop
 * does not run on. */
_Noreturn void wr_thread_is_another(const char *what);

#endif
