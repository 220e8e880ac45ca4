/*
 * queue.h - pipe(2) for items: one end is a sink, the other a generator.
 *
 * The idea. A queue is bounded in items and in bytes. A writer that finds it full waits, and so the source behind the
 * writer stops reading its socket: that is the whole of backpressure. Nothing is dropped unless the policy says so.
 *
 * Lifetime.  Both ends must be ended. Items are kept by reference, not copied, as long as that pins less than four times
 *            the queue's byte bound.
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
    const char *name;
    int64_t items_max;  /* default 64; WEIR_NONE: a rendezvous */
    int64_t bytes_max;  /* default 1 MiB */
    int32_t when_full;  /* WEIR_BLOCK (default), WEIR_DROP_OLDEST, WEIR_DROP_NEWEST, WEIR_LATEST, WEIR_FULL_FAILS */
    int32_t reserved;
} weir_queue_options;
enum { WEIR_BLOCK = 0, WEIR_DROP_OLDEST, WEIR_DROP_NEWEST, WEIR_LATEST, WEIR_FULL_FAILS };

/* [25] pipe(2) for items: returns the reading end, *in is the writing end. Both must be ended. */
WEIR_API weir_gen *weir_queue(weir_scope *scope, const weir_queue_options *options, weir_sink **in);
/*      The same across two loops (threads); items that are not flat are refused. */
WEIR_API weir_gen *weir_channel(weir_scope *reader, weir_scope *writer, const weir_queue_options *options,
                                weir_sink **in);
/*      One more writer of the same queue; the reader sees the end when the last one has finished. */
WEIR_API weir_sink *weir_sink_share(weir_sink *queue_end);

#ifdef __cplusplus
}
#endif

#endif
