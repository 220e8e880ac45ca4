/*
 * base_fault.h - fault points: places where a test makes a call fail.
 *
 * Each fallible call of weir (allocation, mmap, uv_, curl_, read, write, fsync, rename, ftruncate
 * ...) asks wr_fault("name") first and behaves as if the call had failed when it is true. Two
 * schedules, read from the environment once, or set by a test:
 *
 *   count  WEIR_FAULT_AT=k         the k-th fault point reached in the process fails
 *                                  (WEIR_FAULT_FROM=k: and all later)
 *   kill   WEIR_FAULT_KILL=name:n  the process dies by SIGKILL at the n-th time the point `name` is
 *                                  reached
 *
 * Without a schedule wr_fault costs one load and a branch that is never taken. Thread-safe.
 */
#ifndef WR_BASE_FAULT_H
#define WR_BASE_FAULT_H

#include <stdbool.h>
#include <stdint.h>

extern bool wr_fault_armed; /* false: no schedule; written before any thread starts */

bool wr_fault_slow(const char *point);

/* True when the call behind `point` shall fail now. */
static inline bool wr_fault(const char *point)
{
    return __builtin_expect(wr_fault_armed, 0) && wr_fault_slow(point);
}

/* For tests: fail the k-th point from now on (1 = the next), `sticky`: and all that follow. 0
 * disarms, still counts. */
void wr_fault_set(uint64_t k, bool sticky);
/* Points reached since the last wr_fault_set. */
uint64_t wr_fault_count(void);
/* Points made to fail since the last wr_fault_set. */
uint64_t wr_fault_fired(void);
/* Name of the point that failed first since the last wr_fault_set, NULL if none. */
const char *wr_fault_name(void);
/* Points reached while suspended by a test's own set-up do not count. */
void wr_fault_pause(bool paused);

#endif
