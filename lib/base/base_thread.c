/*
 * base_thread.c - the message for a call from the wrong thread.
 */
#include "base_thread.h"

#include "base_error.h"

void wr_thread_is_another(const char *what)
{
    wr_misuse(what,
              "called from the wrong thread: a loop and everything in it must stay on one thread; "
              "use weir_post from other threads");
}
