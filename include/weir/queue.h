/*
 * queue.h - pipe(2) for items: one end is a sink, the other a generator.
 *
 * The idea. A queue has a limit of items and of bytes. A writer that finds it full waits, and so
 * the source of that writer stops reading its socket. This is how backpressure works. Nothing is
 * dropped unless the policy says so, and every drop is counted in the ledger.
 *
 * Lifetime.  Both ends must be ended; otherwise they end with their scopes. Items are kept by
 *            reference. When that would hold more than four times the queue's byte limit in memory,
 *            items that use little of their block are copied.
 * Failure.   The reader sees how a writer ended, after the items already put. When the reader ends
 *            first, writers fail with WEIR_ECLOSED.
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
                          while no reader waits it is full, also for a policy that drops. Beyond
                          1024 the 64 bytes of an item are charged to the loop's budget: when half
                          of the budget is in use for items, the queue is full with the items that
                          it has */
    int64_t bytes_max; /* default 1 MiB; WEIR_NONE: no limit. A larger item passes when the queue is
                          empty */
    int32_t when_full; /* WEIR_BLOCK (default) ... */
    int32_t reserved;
} weir_queue_options;
enum {
    WEIR_BLOCK = 0,   /* the writer waits */
    WEIR_DROP_OLDEST, /* the oldest item is dropped */
    WEIR_DROP_NEWEST, /* the new item is dropped */
    WEIR_LATEST,      /* only the newest item is kept; items_max is 1 */
    WEIR_FULL_FAILS   /* the writer fails with WEIR_ETOOLONG */
};

/*
 * Make a queue. Does not suspend.
 *
 * options  NULL: the defaults. Copied.
 * in       [out] the writing end, never NULL; its writer must end it.
 * Returns  the reading end, never NULL. Without memory both ends fail with WEIR_ENOMEM.
 */
WEIR_API weir_gen *weir_queue(weir_scope *scope, const weir_queue_options *options, weir_sink **in);
/*
 * Make a queue between two loops, each on its own thread. Items are copied. For the writer, an item
 * is committed when it is handed over. The call uses both scopes, so either thread may call it
 * while the other thread's loop does not run. The reading end counts as a source of its loop.
 *
 * options  as for weir_queue, but a rendezvous is a channel of one item. For the writer, an item
 *          that a policy drops was handed over; in the ledger of the reader's loop it counts as
 *          dropped.
 * in       [out] the writing end, for the thread of `writer`. A batch, or a value whose type has a
 *          drop function, makes it fail with WEIR_EINVAL. A copy function runs on that thread.
 * Returns  the reading end, for the thread of `reader`.
 */
WEIR_API weir_gen *weir_channel(weir_scope *reader, weir_scope *writer,
                                const weir_queue_options *options, weir_sink **in);
/*
 * Make one more writer of the same queue, in the scope of the given end, which still belongs to the
 * caller. The reader sees the end when the last writer has finished. The failure of one writer ends
 * the queue for all, and the others fail with WEIR_ECLOSED.
 *
 * queue_end  a writing end of weir_queue; any other sink aborts.
 * Returns    never NULL. Without memory it fails with WEIR_ENOMEM.
 */
WEIR_API weir_sink *weir_sink_share(weir_sink *queue_end);

#ifdef __cplusplus
}
#endif

#endif
