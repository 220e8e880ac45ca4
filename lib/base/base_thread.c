/*
 * base_thread.c - the mark of a thread, and what is said when something is done from the wrong one.
 */
#include "base_thread.h"

#include "base_error.h"

_Thread_local char wr_thread_mark;

void wr_thread_is_another(const char *what)
{
    wr_misuse(what,
              "called from another thread than its loop runs on: a loop and all in it stay on "
              "one, and weir_post reaches it from others");
}
