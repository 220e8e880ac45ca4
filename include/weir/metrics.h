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

/* ---- everything there is, one by one */

enum weir_node_kind {
    WEIR_NODE_SCOPE = 0,
    WEIR_NODE_TASK,
    WEIR_NODE_GENERATOR, /* sources, stages, bodies, the reading end of a queue */
    WEIR_NODE_SINK,      /* also the writing end of a queue */
    WEIR_NODE_OBJECT     /* what else lives in a scope: a server, a state */
};

enum weir_node_state {
    WEIR_NODE_NEW = 0, /* a generator that was not asked yet, a sink that was given nothing */
    WEIR_NODE_IDLE,    /* its reader does not ask for more, its writer gives nothing */
    WEIR_NODE_RUNS,    /* at work, or about to be */
    WEIR_NODE_WAITS,
    WEIR_NODE_CANCELED, /* a scope */
    WEIR_NODE_ENDED     /* a generator that has ended or failed, a sink that has ended */
};

/* What was waited for, and for how long: "data from the server". */
typedef struct weir_waited {
    const char *why; /* NULL: no more of them */
    int64_t ns;
} weir_waited;

enum { WEIR_WAITED_MAX = 3 };

/* One of the things of a loop. Texts and pointers are valid during the visit. Numbers count from its
 * making on; what does not apply is 0. The struct grows at its end. */
typedef struct weir_node {
    size_t struct_size; /* of what the library has filled */
    int32_t kind;       /* enum weir_node_kind */
    int32_t state;      /* enum weir_node_state */
    uint32_t depth;     /* 0: the root scope; what lies in a scope is one deeper */
    int32_t part; /* of a component its index (weir_plan_part); -1: the text has no such one */
    const char *component; /* of the pipeline language: "grep"; NULL: it is none */
    const char *type;      /* "http", "queue", "body" ...; of a scope or task its kind */
    const char *name;
    const char *why;        /* what it waits for or does, in words; "" */
    int64_t waiting_ns;     /* it has waited so long by now */
    const weir_gen *gen;    /* itself, if it is a generator; NULL */
    const weir_gen *reader; /* the generator that reads it; NULL */
    uint64_t items_in;      /* a stage: read; a sink or a queue: put */
    uint64_t items_out;     /* given */
    uint64_t calls;         /* pulls that gave something; of a sink: puts */
    uint64_t bytes;         /* a source: received, decoded; a queue: put; a sink: written */
    uint64_t filtered;      /* items that it left out, rejected, or had no room for */
    uint64_t rejected;
    uint64_t dropped;
    uint64_t waits;    /* that have ended: tasks that waited for it, or in it for another thing */
    int64_t waited_ns; /* together; when one end of a queue goes, its waits go to the reader's */
    weir_waited waited[WEIR_WAITED_MAX]; /* the longest of that, most time first */
    uint64_t held_items, held_bytes;     /* a queue: in it now ... */
    uint64_t items_max, bytes_max;       /* ... and at most */
    uint64_t tasks;                      /* of a scope: not ended, in it and beneath */
} weir_node;

/* Called for one node; `arg` as it was given. It must neither wait nor make or end anything.
 * Returns false to see no more. */
typedef bool weir_visit(void *arg, const weir_node *node);

/*
 * Visit every scope of a loop, and after each its tasks and objects, then the scopes in it. What
 * weir_why and weir_dump tell comes from here. Without allocation, at any time, also where nothing
 * may wait.
 *
 * visit    not NULL.
 */
WEIR_API void weir_walk(const weir_loop *loop, weir_visit *visit, void *arg);
/*
 * Have each generator and each sink visited once more when it ends, with its last numbers, from now
 * on: for totals over objects that do not live as long as the loop. One function a loop.
 *
 * visit    as for weir_walk; depth is 0, and what it returns is ignored. NULL: no more.
 */
WEIR_API void weir_on_end(weir_loop *loop, weir_visit *visit, void *arg);

/*
 * Write every scope, task, generator and sink of a loop to a descriptor, in lines for people: what
 * weir_walk tells, and, of each task that waits, on x86-64 without sanitizers, the calls of its
 * stack, innermost first, through the whole chain of bodies. A call is written MODULE+OFFSET, for
 * `addr2line -f -e MODULE OFFSET`. The format may change.
 *
 * fd       written by write(2), so it may hold the loop up; a failure ends the line.
 */
WEIR_API void weir_dump(const weir_loop *loop, int fd);

/*
 * Tell which stack has overflowed, in a handler of SIGSEGV: the handler has to run on a stack of its
 * own (sigaltstack), on the loop's thread. Calls nothing that a handler must not call.
 *
 * loop     that runs on this thread.
 * address  siginfo_t.si_addr
 * to       [out] one line without its end, not terminated, cut at cap: "stack overflow in generator
 *          'deep' (its stack has 128 KiB; ...".
 * Returns  its whole length. 0: another fault; and always in a build with a sanitizer, which reports
 *          by itself.
 */
WEIR_API size_t weir_overflow_text(const weir_loop *loop, const void *address, char *to,
                                   size_t cap);

/* Tell the versions of weir and of the libraries found at run time: "0.1.0 libuv/1.44.2
 * libcurl/7.88.1 OpenSSL/3.0.15 ...". Lives until the thread's next call of it. */
WEIR_API const char *weir_version(void);

#ifdef __cplusplus
}
#endif

#endif
