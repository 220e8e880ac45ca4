/*
 * metrics.h - seeing what is going on.
 */
#ifndef WEIR_METRICS_H
#define WEIR_METRICS_H

#include <weir/gen.h>
#include <weir/loop.h>

#ifdef __cplusplus
extern "C" {
#endif

/* One sentence on why this generator is not giving: "waits for queue 'out' (full, 64 items) <- tcp 10.0.0.7: peer
 * does not read for 12 s". Returns the length, like snprintf. */
WEIR_API size_t weir_why(const weir_gen *gen, char *text, size_t cap);
/* in = delivered + filtered + rejected + dropped + in flight, over the items of the scope's sources. */
typedef struct weir_ledger {
    uint64_t in, delivered, filtered, rejected, dropped, in_flight;
} weir_ledger;
WEIR_API void weir_scope_ledger(const weir_scope *scope, weir_ledger *ledger);
/* What a loop has moved and holds. */
typedef struct weir_stats {
    size_t struct_size;
    uint64_t bytes_in;     /* received by its sources, decoded */
    uint64_t bytes_out;    /* written by its sinks */
    uint64_t connects;     /* connections that its sources and sinks have made */
    uint64_t reconnects;   /* of these, after a break */
    uint64_t overlong;     /* lines over the limit */
    int64_t budget_bytes, budget_peak_bytes; /* charged now, at the most */
    uint64_t tasks;        /* not ended */
} weir_stats;
/* Fills as much as stats->struct_size says. */
WEIR_API void weir_loop_stats(const weir_loop *loop, weir_stats *stats);
/* Every task and generator of the loop with its parked call stack (pc list), to a file descriptor. No allocation. */
WEIR_API void weir_dump(const weir_loop *loop, int fd);

WEIR_API const char *weir_version(void); /* "0.1.0 libuv/1.44.2 libcurl/7.88.1 OpenSSL/3.0.15 ..." */

#ifdef __cplusplus
}
#endif

#endif
