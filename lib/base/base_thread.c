/*
 * base_thread.c - the message for a call from the wrong thread.
 */
#include "base_thread.h"

#include "base_error.h"

void wr_thread_is_another(const char *what)
{
    wr_misuse(what,
              "called from another thread than its loop runs on: a loop and all in it stay on "
              "one, and weir_post reaches it from others");
}
