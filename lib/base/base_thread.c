/*
 * base_thread.c - the message for a call from the wrong thread.
 */
#include "base_thread.h"

#include <string.h>

#include "base_error.h"

void wr_thread_is_another(const char *what)
{
    const char *quote = strncmp(what, "weir_", 5) == 0 ? "" : "'";
    wr_misuse(what,
              "%s%s%s%scalled from the wrong thread: a loop and everything in it must stay on one "
              "thread; use weir_post from other threads",
              quote, quote[0] != '\0' ? what : "", quote, quote[0] != '\0' ? " was " : "");
}
