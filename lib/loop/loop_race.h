/*
 * loop_race.h - several tries at one thing, one a little after the other, and the first that
 * succeeds: how a name with several addresses is connected to (RFC 8305). Internal.
 */
#ifndef WR_LOOP_RACE_H
#define WR_LOOP_RACE_H

#include "loop_wait.h"

struct wr_race {
    struct weir_loop *loop;
    size_t count;     /* of tries, at least 1 */
    int64_t delay_ms; /* what a try gets before the next one begins beside it */
    /* One try, on a task of its own; suspends. 0 and what it has got, or a negative code. When another
     * has won, its wait fails with WEIR_ECANCELED. */
    int (*try)(void *ctx, size_t index, void **got);
    /* What a try has got that comes too late. */
    void (*drop)(void *got);
    void *ctx;
};

/*
 * Begin the tries in their order: the next when the one before has failed or has had delay_ms.
 * Suspends until one has succeeded and the others have ended. A try that fails with WEIR_ECANCELED
 * or WEIR_ETIMEDOUT is the last that begins.
 *
 * got      [out] of the winner; NULL: there is none
 * Returns  0; the code of the try that has failed last; WEIR_ENOMEM; or as wr_wait.
 */
int wr_race(const struct wr_race *race, const char *why, struct wr_object *of, void **got);

#endif
