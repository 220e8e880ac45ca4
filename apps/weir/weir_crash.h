/*
 * weir_crash.h - reports when a coroutine overflows its stack.
 */
#ifndef WEIR_CRASH_H
#define WEIR_CRASH_H

#include <weir/loop.h>

/* From now on a SIGSEGV in the guard of one of the loop's stacks is reported on stderr before the
 * process dies. NULL: stop reporting. For the calling thread, and one loop at a time; sanitizer
 * builds keep their own reporter. */
void crash_report(const weir_loop *loop);

#endif
