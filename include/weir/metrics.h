/*
 * metrics.h - seeing what is going on.
 *
 * The idea. Every object keeps its own counters, and every wait records what it waits for; these
 * functions read them. Nothing has to be switched on, and none of them suspends.
 *
 * Lifetime.  What is read is copied out.
 * Failure.   None can fail; none allocates.
 * Threads.   The thread of the loop that is looked at; weir_version from any.
 */
#ifndef WEIR_METRICS_H
#define WEIR_METRICS_H

#include <weir/gen.h>
#include <weir/loop.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Say in one line why a generator is not giving, following the chain to the one that waits:
 * "batch <- http(feed.example): waits for http(feed.example): no data for 12 s". When all tasks of
 * a loop wait for each other it says that, too, as weir_dump does.
 *
 * text     [out] terminated, cut when it does not fit. NULL with cap 0.
 * cap      bytes at text.
 * Returns  the whole length, as snprintf.
 */
WEIR_API size_t weir_why(const weir_gen *gen, char *text, size_t cap);

/*
 * What became of the items of a scope's sources, and of all scopes beneath, whatever batches,
 * filters and bodies do in between: in = delivered + filtered + rejected + dropped + in_flight. A
 * source item counts once; where several things became of it (behind a tee), by the first of
 * in_flight, dropped, rejected, delivered, filtered.
 */
typedef struct weir_ledger {
    uint64_t in;        /* given by the sources, and lines they skipped as too long */
    uint64_t delivered; /* committed by a sink, or read to its end by the program */
    uint64_t filtered;  /* left out by a stage */
    uint64_t rejected;  /* weir_reject, and lines over their limit */
    uint64_t dropped;   /* by a full queue whose policy says so */
    uint64_t in_flight; /* on the way; after the end: lost on the way, by a failure or a close */
} weir_ledger;
/* Read a scope's ledger. The counts of scopes that have ended are in their parent's. */
WEIR_API void weir_scope_ledger(const weir_scope *scope, weir_ledger *ledger);

/* What a loop has moved, and holds. */
typedef struct weir_stats {
    size_t struct_size;        /* set by the caller */
    uint64_t bytes_in;         /* received by its sources, decoded */
    uint64_t bytes_out;        /* written by its sinks */
    uint64_t connects;         /* connections that its sources and sinks have made */
    uint64_t reconnects;       /* attempts of HTTP sources to go on after a break */
    uint64_t overlong;         /* lines over their limit, skipped or cut */
    int64_t budget_bytes;      /* of the budget, charged now ... */
    int64_t budget_peak_bytes; /* ... and at the most so far */
    uint64_t tasks;            /* of the program, not ended */
} weir_stats;
/*
 * Read a loop's numbers.
 *
 * stats    [in, out] filled as far as stats->struct_size says.
 */
WEIR_API void weir_loop_stats(const weir_loop *loop, weir_stats *stats);
/*
 * Write every scope, task and generator of a loop to a descriptor, in lines for people: what each
 * task waits for, for how long, and, on x86-64 without sanitizers, the calls of its stack, innermost
 * first, through the whole chain of bodies. A call is written MODULE+OFFSET, for
 * `addr2line -f -e MODULE OFFSET`. The format may change.
 *
 * fd       written by write(2), so it may hold the loop up; a failure ends the line.
 */
WEIR_API void weir_dump(const weir_loop *loop, int fd);

/* Tell the versions of weir and of the libraries found at run time: "0.1.0 libuv/1.44.2
 * libcurl/7.88.1 OpenSSL/3.0.15 ...". Lives until the thread's next call of it. */
WEIR_API const char *weir_version(void);

#ifdef __cplusplus
}
#endif

#endif
