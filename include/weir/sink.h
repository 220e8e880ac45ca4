/*
 * sink.h - sinks: whatever takes items and ends the chain.
 *
 * The idea. A sink is the mirror of a generator: put instead of next. What was put is flushed before the loop goes idle,
 * without a flag; a receipt settles when the sink has committed.
 *
 * Lifetime.  WEIR_TAKES as everywhere; the items given to put are the caller's again when put returns.
 */
#ifndef WEIR_SINK_H
#define WEIR_SINK_H

#include <weir/item.h>
#include <weir/scope.h>
#include <weir/gen.h>

#ifdef __cplusplus
extern "C" {
#endif

/* [26] Give an item; waits while the sink has no room. false is final: weir_sink_finish tells why. */
WEIR_API WEIR_SUSPENDS WEIR_MUST_CHECK bool weir_put(weir_sink *sink, const weir_item *item);
WEIR_API WEIR_SUSPENDS WEIR_MUST_CHECK bool weir_put_many(weir_sink *sink, const weir_item *items, size_t count);
/*      Wait until all that was put is committed (and its receipts settled); a queue's end: handed over. */
WEIR_API WEIR_SUSPENDS WEIR_MUST_CHECK bool weir_commit(weir_sink *sink);
/* [27] Commit, end, free: 0 or the failure. The reader of a queue sees a plain end; this does not wait for it. */
WEIR_API WEIR_SUSPENDS WEIR_MUST_CHECK int weir_sink_finish(WEIR_TAKES weir_sink *sink, weir_error *error);
/*      End a queue with a failure that its reader will see after the items already put. */
WEIR_API void weir_sink_fail(WEIR_TAKES weir_sink *sink, const weir_error *why);
/*      Clean-up path; NULL allowed. The reader of a queue sees WEIR_EABANDONED: a dead writer is not an end. */
WEIR_API void weir_sink_discard(WEIR_TAKES weir_sink *sink);
/* [28] Move all items, batched, then end both. 0, or the first failure of either; a queue's reader is told it too. */
WEIR_API WEIR_SUSPENDS WEIR_MUST_CHECK int weir_pump(WEIR_TAKES weir_gen *gen, WEIR_TAKES weir_sink *sink,
                                                     weir_error *error);

/*
 * A sink of one's own. All run on the putting task; `self` is the sink's own copy of what weir_sink_new was given.
 *   put_many   take `count` items, all or a failure; may suspend. Bytes may be kept beyond the call only by
 *              weir_item_keep. 0 or a negative code.
 *   flush      hand on what put_many buffered, as far as that goes without waiting; never suspends; NULL: nothing is
 *              buffered. 0: all is out. 1: some is left, and commit will wait for it. Negative: failed.
 *   commit     wait until all that was put is safe; may suspend; NULL: flush is enough.
 *   finish     release what the sink holds; may suspend; NULL: nothing to do. Runs exactly once, after a failure too.
 */
typedef struct weir_sink_ops {
    size_t struct_size;
    const char *name;
    int (*put_many)(weir_sink *sink, void *self, const weir_item *items, size_t count);
    int (*flush)(weir_sink *sink, void *self);
    int (*commit)(weir_sink *sink, void *self);
    int (*finish)(weir_sink *sink, void *self);
} weir_sink_ops;

WEIR_API weir_sink *weir_sink_new(weir_scope *scope, const weir_sink_ops *ops, const void *self, size_t self_len);
/* `return weir_sink_error(sink, WEIR_EIO, errno, "write: ...");` inside an operation: returns code. */
WEIR_API int weir_sink_error(weir_sink *sink, int code, int detail, const char *format, ...) WEIR_PRINTF(4, 5);

/* Lines to a descriptor: each item, then its line end as it came. `fd` stays the caller's, its flags are not changed. */
WEIR_API weir_sink *weir_fd_sink(weir_scope *scope, int fd);

typedef struct weir_file_options {
    size_t struct_size;
    weir_state *state; /* keeps the file's length with the positions; on start a longer file is cut to it */
} weir_file_options;

/* Lines to a file, appended; made if it is not there. With a state its length is saved with the positions. */
WEIR_API weir_sink *weir_file_sink(weir_scope *scope, const char *path, const weir_file_options *options);

struct weir_socket_options; /* <weir/source.h> */
/* To "tcp://HOST:PORT" or "unix:PATH": connects at the first put. */
WEIR_API weir_sink *weir_socket_sink(weir_scope *scope, const char *address, const struct weir_socket_options *options);
/* Takes and forgets. */
WEIR_API weir_sink *weir_null_sink(weir_scope *scope);

#ifdef __cplusplus
}
#endif

#endif
