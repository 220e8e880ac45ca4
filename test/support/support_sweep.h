/*
 * support_sweep.h - what the test runner and the failure sweep share. Not for tests.
 */
#ifndef WR_SUPPORT_SWEEP_H
#define WR_SUPPORT_SWEEP_H

#include "support_check.h"

/* Sweep all tests whose names hold `filter` (NULL: all). Returns the exit status. */
int wr_sweep_run(const char *suite, const struct wr_test *tests, const char *filter);

/* Use the libraries that a test uses, which has left so many blocks. */
void wr_sweep_use_libraries(long blocks);
/* Have them free what they keep for this thread, if they were used so. */
void wr_sweep_leave_libraries(void);

/* How a run in a sweep ends itself; the last two return when this is no sweep. */
_Noreturn void wr_sweep_end_failed(const char *why);
void wr_sweep_end_asserted(void);
void wr_sweep_end_exempt(void);

#endif
