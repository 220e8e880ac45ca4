/*
 * weir_crash.h - what is said when a coroutine runs over its stack.
 */
#ifndef WEIR_CRASH_H
#define WEIR_CRASH_H

#include <weir/loop.h>

/* From now on a SIGSEGV in the guard of one of the loop's stacks is told on stderr before the
 * process dies of it. NULL: no longer. For the thread that calls, and one loop at a time; sanitizer
 * builds keep their own reporter. */
void crash_report(const weir_loop *loop);

#endif
