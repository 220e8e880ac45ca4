/*
 * loop_race.h - several tries of one operation, started with a delay; the first success wins. Used
 * to connect to a name with several addresses (RFC 8305). Internal.
 */
#ifndef WR_LOOP_RACE_H
#define WR_LOOP_RACE_H

#include "loop_wait.h"

struct wr_race {
    struct weir_loop *loop;
    size_t count;     /* of tries, at least 1 */
    int64_t delay_ms; /* how long a try runs before the next one starts too */
    /* One try, on its own task; suspends. Returns 0 and the result in *got, or a negative code.
     * When another try has won, its wait fails with WEIR_ECANCELED. */
    int (*try)(void *ctx, size_t index, void **got);
    /* Free the result of a try that succeeded too late. */
    void (*drop)(void *got);
    void *ctx;
};

/*
 * Start the tries in order: the next one when the previous one has failed or has run for delay_ms.
 * Suspends until one has succeeded and the others have ended. After a try has failed with
 * WEIR_ECANCELED or WEIR_ETIMEDOUT, no other try starts.
 *
 * got      [out] the result of the winner; NULL: there is none
 * Returns  0; the code of the try that failed last; WEIR_ENOMEM; or as wr_wait.
 */
int wr_race(const struct wr_race *race, const char *why, struct wr_object *of, void **got);

#endif
