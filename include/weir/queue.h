/*
 * queue.h - pipe(2) for items: one end is a sink, the other a generator.
 *
 * The idea. A queue is bounded in items and in bytes. A writer that finds it full waits, and so the
 * source behind the writer stops reading its socket: that is the whole of backpressure. Nothing is
 * dropped unless the policy says so, and every drop is in the ledger.
 *
 * Lifetime.  Both ends must be ended, else they end with their scopes. Items are kept by reference;
 *            when that would pin more than four times the queue's byte bound, sparse ones are
 *            copied.
 * Failure.   How a writer ended is what the reader sees, after the items already put. When the
 *            reader goes first, writers fail with WEIR_ECLOSED.
 * Threads.   Both ends are on one loop; weir_channel has them on two.
 */
#ifndef WEIR_QUEUE_H
#define WEIR_QUEUE_H

#include <weir/gen.h>
#include <weir/sink.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct weir_queue_options {
    size_t struct_size;
    const char *name;  /* seen in errors and dumps, copied up to 31 bytes; default "queue" */
    int64_t items_max; /* default 64; WEIR_NONE: a rendezvous, one item for a reader that waits;
                          when nobody waits it is full, also for a policy that drops. Beyond 1024
                          the 64 bytes of an item are charged to the loop's budget: when half of
                          that is in use for items, the queue is full with what it has */
    int64_t bytes_max; /* default 1 MiB; WEIR_NONE: no limit. An item that is larger passes alone */
    int32_t when_full; /* WEIR_BLOCK (default) ... */
    int32_t reserved;
} weir_queue_options;
enum {
    WEIR_BLOCK = 0,   /* the writer waits */
    WEIR_DROP_OLDEST, /* the oldest item makes way */
    WEIR_DROP_NEWEST, /* the new item is not put */
    WEIR_LATEST,      /* only the newest item is kept; items_max is 1 */
    WEIR_FULL_FAILS   /* the writer fails with WEIR_ETOOLONG */
};

/*
 * Make a queue. Does not suspend.
 *
 * options  NULL: the defaults. Copied.
 * in       [out] the writing end, never NULL; to be ended by its writer.
 * Returns  the reading end, never NULL. Without memory both ends fail with WEIR_ENOMEM.
 */
WEIR_API weir_gen *weir_queue(weir_scope *scope, const weir_queue_options *options, weir_sink **in);
/*
 * Make a queue across two loops, each on a thread of its own: items are copied, and handing over is
 * the writer's commit. It touches both scopes, so either thread calls it while the other's loop
 * does not run. The reading end counts as a source of its loop.
 *
 * options  as for weir_queue, but that a rendezvous is a channel of one item. What a policy drops
 *          was handed over as far as the writer is concerned; in the ledger of the reader's loop it
 *          counts as dropped.
 * in       [out] the writing end, for the thread of `writer`. A batch, or a value whose type has
 *          a drop function, fails it with WEIR_EINVAL; a copy function runs on that thread.
 * Returns  the reading end, for the thread of `reader`.
 */
WEIR_API weir_gen *weir_channel(weir_scope *reader, weir_scope *writer,
                                const weir_queue_options *options, weir_sink **in);
/*
 * Make one more writer of the same queue, in the scope of the end that is given, which stays the
 * caller's. The reader sees the end when the last writer has finished; the failure of one ends the
 * queue for all, and others fail with WEIR_ECLOSED then.
 *
 * queue_end  a writing end of weir_queue; another sink aborts.
 * Returns    never NULL. Without memory it fails with WEIR_ENOMEM.
 */
WEIR_API weir_sink *weir_sink_share(weir_sink *queue_end);

#ifdef __cplusplus
}
#endif

#endif
