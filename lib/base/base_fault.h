/*
 * base_fault.h - fault points: places where a test makes a call fail.
 *
 * Each fallible call of weir (allocation, mmap, uv_, curl_, read, write, fsync, rename, ftruncate
 * ...) asks wr_fault("name") first. When that is true, weir behaves as if the call had failed.
 * There are two schedules, read once from the environment or set by a test:
 *
 *   count  WEIR_FAULT_AT=k         the k-th fault point reached in the process fails
 *                                  (WEIR_FAULT_FROM=k: and all later ones)
 *   kill   WEIR_FAULT_KILL=name:n  the process gets SIGKILL when the point `name` is reached for
 *                                  the n-th time
 *
 * Without a schedule wr_fault costs one load and a branch that is never taken. Thread-safe.
 */
#ifndef WR_BASE_FAULT_H
#define WR_BASE_FAULT_H

#include <stdbool.h>
#include <stdint.h>

extern bool wr_fault_armed; /* false: no schedule; written before any thread starts */

bool wr_fault_slow(const char *point);

/* True when the call at `point` is to fail now. */
static inline bool wr_fault(const char *point)
{
    return __builtin_expect(wr_fault_armed, 0) && wr_fault_slow(point);
}

/* For tests: fail the k-th point from now on (1 = the next); `sticky`: and all that follow. k = 0
 * stops the failures; points are still counted. */
void wr_fault_set(uint64_t k, bool sticky);
/* The number of points reached since the last wr_fault_set. */
uint64_t wr_fault_count(void);
/* The number of points that failed since the last wr_fault_set. */
uint64_t wr_fault_fired(void);
/* Name of the point that failed first since the last wr_fault_set, NULL if none. */
const char *wr_fault_name(void);
/* While paused, points do not count and do not fail: for a test's own set-up. */
void wr_fault_pause(bool paused);

#endif
