/*
 * metrics.h - functions that show what a loop does.
 *
 * The idea. Every object has its own counters, and every wait records what it waits for. These
 * functions read them. Nothing has to be switched on, and none of them suspends.
 *
 * Lifetime.  Results are copies.
 * Failure.   None can fail; none allocates.
 * Threads.   The thread of the loop that is read; weir_version from any thread.
 */
#ifndef WEIR_METRICS_H
#define WEIR_METRICS_H

#include <weir/gen.h>
#include <weir/loop.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Report in one line why a generator gives nothing. It follows the chain to the object that waits:
 * "batch <- http(feed.example): waits for http(feed.example): no data for 12 s". When all tasks of
 * a loop wait for each other, it reports that too, as weir_dump does.
 *
 * text     [out] terminated, cut when it does not fit. NULL with cap 0.
 * cap      size of text in bytes.
 * Returns  the whole length, as snprintf.
 */
WEIR_API size_t weir_why(const weir_gen *gen, char *text, size_t cap);

/*
 * The results of all items from the sources of a scope and of the scopes below it, whatever
 * batches, filters and bodies do on the way: in = delivered + filtered + rejected + dropped +
 * in_flight. A source item counts once. Where it had several results (after a tee), it counts as
 * the first of these that applies: in_flight, dropped, rejected, delivered, filtered.
 */
typedef struct weir_ledger {
    uint64_t in;        /* given by the sources, and lines that they skipped as too long */
    uint64_t delivered; /* committed by a sink, or read and released by the program */
    uint64_t filtered;  /* left out by a stage */
    uint64_t rejected;  /* weir_reject, and lines over their limit */
    uint64_t dropped;   /* by a full queue, as its policy says */
    uint64_t in_flight; /* not finished; after the end: lost by a failure or a close */
} weir_ledger;
/* Read a scope's ledger. When a scope ends, its counts are added to its parent's. */
WEIR_API void weir_scope_ledger(const weir_scope *scope, weir_ledger *ledger);

/* What a loop has moved, and what it holds. */
typedef struct weir_stats {
    size_t struct_size;        /* set by the caller */
    uint64_t bytes_in;         /* received by its sources, decoded */
    uint64_t bytes_out;        /* written by its sinks */
    uint64_t connects;         /* connections that its sources and sinks have made */
    uint64_t reconnects;       /* attempts of HTTP sources to continue after a lost connection */
    uint64_t overlong;         /* lines over their limit, skipped or cut */
    int64_t budget_bytes;      /* charged to the budget now ... */
    int64_t budget_peak_bytes; /* ... and the maximum so far */
    uint64_t tasks;            /* of the program, that have not ended */
    uint64_t unread;           /* datagrams for its sources that the kernel has dropped */
} weir_stats;
/*
 * Read a loop's numbers.
 *
 * stats    [in, out] filled up to stats->struct_size bytes.
 */
WEIR_API void weir_loop_stats(const weir_loop *loop, weir_stats *stats);

/* ---- all objects, one by one */

enum weir_node_kind {
    WEIR_NODE_SCOPE = 0,
    WEIR_NODE_TASK,
    WEIR_NODE_GENERATOR, /* sources, stages, bodies, the reading end of a queue */
    WEIR_NODE_SINK,      /* also the writing end of a queue */
    WEIR_NODE_OBJECT     /* other objects in a scope: a server, a state */
};

enum weir_node_state {
    WEIR_NODE_NEW = 0, /* a generator that was not asked yet, a sink that got no item yet */
    WEIR_NODE_IDLE,    /* its reader does not ask for more, its writer gives nothing */
    WEIR_NODE_RUNS,    /* it works, or is about to */
    WEIR_NODE_WAITS,
    WEIR_NODE_CANCELED, /* a scope */
    WEIR_NODE_ENDED     /* a generator that has ended or failed, a sink that has ended */
};

/* What an object waited for, and for how long: "data from the server". */
typedef struct weir_waited {
    const char *why; /* NULL: no more of them */
    int64_t ns;
} weir_waited;

enum { WEIR_WAITED_MAX = 3 };

/* One object of a loop. Texts and pointers are valid during the visit. Counters start when the
 * object is made. A field that does not apply is 0. The struct grows at its end. */
typedef struct weir_node {
    size_t struct_size; /* of the part that the library has filled */
    int32_t kind;       /* enum weir_node_kind */
    int32_t state;      /* enum weir_node_state */
    uint32_t depth;     /* 0: the root scope; what is in a scope has one more */
    int32_t part;       /* the index of its component (weir_plan_part); -1: it is not in the text */
    const char *component; /* of the pipeline language: "grep"; NULL: not a component */
    const char *type;      /* "http", "queue", "body" ...; of a scope or task its kind */
    const char *name;
    const char *why;        /* what it waits for or does, in words; "" */
    int64_t waiting_ns;     /* how long it has waited so far */
    const weir_gen *gen;    /* the generator itself; NULL: not a generator */
    const weir_gen *reader; /* the generator that reads it; NULL: none */
    uint64_t items_in;      /* a stage: read; a sink or a queue: put */
    uint64_t items_out;     /* given */
    uint64_t calls;         /* pulls that gave items; of a sink: puts */
    uint64_t bytes;         /* a source: received, decoded; a queue: put; a sink: written */
    uint64_t filtered;      /* items that it left out; then rejected ones, and dropped ones */
    uint64_t rejected;
    uint64_t dropped;
    uint64_t waits;    /* waits that have ended, of tasks that waited for it, or in it for something
                          else */
    int64_t waited_ns; /* in total; when one end of a queue ends, its waits are added to the
                          reader's */
    weir_waited waited[WEIR_WAITED_MAX]; /* the longest of them, most time first */
    uint64_t held_items, held_bytes;     /* a queue: in it now ... */
    uint64_t items_max, bytes_max;       /* ... and at most */
    uint64_t tasks;                      /* of a scope: those that are visited in it and below it */
    const char *rejected_first; /* of a component: where its first rejected item is, "line 4 071";
                                   "": none, or not known */
} weir_node;

/* Called for one node; `arg` as it was given. It must not wait, and must neither make nor end any
 * object. Returns false to stop the visit. */
typedef bool weir_visit(void *arg, const weir_node *node);

/*
 * Visit every scope of a loop: after each one its tasks and objects, then the scopes in it.
 * weir_why and weir_dump are made from this. It does not allocate, and may be called at any time,
 * also where nothing may wait.
 *
 * visit    not NULL.
 */
WEIR_API void weir_walk(const weir_loop *loop, weir_visit *visit, void *arg);
/*
 * Visit each generator and each sink once more when it ends, with its last numbers, from now on.
 * This is for totals over objects that live shorter than the loop. One function per loop.
 *
 * visit    as for weir_walk; depth is 0, and its result is ignored. NULL: no more.
 */
WEIR_API void weir_on_end(weir_loop *loop, weir_visit *visit, void *arg);

/*
 * Write every scope, task, generator and sink of a loop to a descriptor, in lines for people: the
 * same as weir_walk reports. On x86-64 without sanitizers, also the calls on the stack of each task
 * that waits, innermost first, through the whole chain of bodies. A call is written as
 * MODULE+OFFSET, for `addr2line -f -e MODULE OFFSET`. The format may change.
 *
 * fd       written by write(2), so it may block the loop; after a failure the rest of the line is
 *          not written.
 */
WEIR_API void weir_dump(const weir_loop *loop, int fd);

/*
 * Report which stack has overflowed. For a handler of SIGSEGV, which must run on its own stack
 * (sigaltstack), on the loop's thread. Calls only functions that are safe in a signal handler.
 *
 * loop     the loop that runs on this thread.
 * address  siginfo_t.si_addr
 * to       [out] one line without its end, not terminated, cut at cap: "stack overflow in generator
 *          'deep' (its stack has 128 KiB; ...".
 * Returns  the whole length of the line. 0: another fault; always 0 in a build with a sanitizer,
 *          which has its own report.
 */
WEIR_API size_t weir_overflow_text(const weir_loop *loop, const void *address, char *to,
                                   size_t cap);

/* Return the versions of weir and of the libraries found at run time: "0.1.0 libuv/1.44.2
 * libcurl/7.88.1 OpenSSL/3.0.15 ...". The text lives until the thread's next call of
 * weir_version. */
WEIR_API const char *weir_version(void);

#ifdef __cplusplus
}
#endif

#endif
