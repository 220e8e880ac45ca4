/*
 * base_thread.h - on which thread is this? For the checks that a loop and all in it stay on one.
 */
#ifndef WR_BASE_THREAD_H
#define WR_BASE_THREAD_H

#include <stdbool.h>
#include <stddef.h>

/* Its address tells one thread from another, for less than a call. */
extern _Thread_local char wr_thread_mark __attribute__((tls_model("initial-exec")));

/* `thread` is the mark of the thread that something runs on; NULL: of none, so it may be any. */
static inline bool wr_thread_is_here(const char *thread)
{
    return thread == NULL || thread == &wr_thread_mark;
}

/* Abort: `what` was done from a thread that the loop does not run on. */
_Noreturn void wr_thread_is_another(const char *what);

#endif
