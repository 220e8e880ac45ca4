/*
 * flow_sink.h - sinks from inside: the base that every sink embeds. Internal.
 *
 * Built-in sinks embed struct weir_sink and implement struct wr_sink_ops; a user's weir_sink_ops
 * (<weir/sink.h>) is one implementation. The base keeps receipts: put_many references the items'
 * receipts as runs, and the runs settle as delivered when the sink has committed. A sink that has
 * unflushed bytes calls wr_sink_dirty: its flush runs before the loop polls.
 */
#ifndef WR_FLOW_SINK_H
#define WR_FLOW_SINK_H

#include <weir/queue.h>
#include <weir/sink.h>

#include "bytes_receipt.h"
#include "loop_scope.h"
#include "loop_wait.h"

struct wr_sink_ops {
    const char *kind;
    /* Take all or fail (wr_sink_set_error first); may suspend. */
    int (*put_many)(struct weir_sink *sink, const weir_item *items, size_t count);
    /* Take one item without waiting: 1 taken, 0 no room now, negative: failed. NULL: it may have to
     * wait for any item. */
    int (*try_put)(struct weir_sink *sink, const weir_item *item);
    /* Never suspends: 0 all is written (the base then settles what was put), 1 some is left,
     * negative: failed. NULL: nothing is ever buffered; put_many returning 0 is the commit. */
    int (*flush)(struct weir_sink *sink);
    /* Wait until all that was put is safe. NULL: flush until it returns 0 ... */
    int (*commit)(struct weir_sink *sink);
    /* ... and wait here in between (for a socket that is full). */
    int (*wait)(struct weir_sink *sink);
    /* At the end of a sink that has not failed, before the last save: wait until the far end has
     * taken what was written. May set the failure. NULL: there is nothing to wait for. */
    void (*drain)(struct weir_sink *sink);
    /* Release everything; may suspend; runs exactly once. failure: NULL if there was none so far.
     */
    void (*close)(struct weir_sink *sink, const weir_error *failure);
    /* Called after receipts have settled in a commit: the state is saved from here. May be NULL. */
    void (*committed)(struct weir_sink *sink);
    /* For weir_sink_keep_state: the delivery that the sink promises, an enum weir_delivery, and
     * *why (static). NULL: at-least-once. */
    int (*promise)(const struct weir_sink *sink, const char **why);
    /* Called when its record has begun (sink->kept is set). May be NULL. */
    void (*begun)(struct weir_sink *sink);
    /* For a sink that holds_items: release all remaining references with this act. */
    void (*release)(struct weir_sink *sink, enum wr_act act);
    /* For a queue's writer: report to the reader why it ends. NULL: what was put is committed, then
     * the sink is closed. */
    void (*fail)(struct weir_sink *sink, const weir_error *why);
    void (*abandon)(struct weir_sink *sink);
    size_t (*why)(const struct weir_sink *sink, char *text, size_t cap);
    /* How many items may be put now without waiting, at least 1; waits for the first. NULL: any
     * number. */
    size_t (*room)(struct weir_sink *sink);
    bool keeps_length; /* for a file: its state is in its options */
    bool transacts;    /* its commit stores weir_state_text together with the items */
    bool users;        /* the program's own operations: they may wait for anything */
    bool at_once; /* put_many never waits nor fails, and what it has taken is safe: no reference is
                          needed, since the items are lent until it returns */
    bool passes_on; /* a queue's end: it keeps items by itself, the base keeps no receipts. Several
                       tasks may wait in its put_many; it calls wr_sink_left after each wait */
};

enum { WR_SINK_ALIVE = 0x7773696e };

struct weir_sink {
    const struct wr_sink_ops *ops;
    struct weir_loop *loop;
    uint32_t alive; /* WR_SINK_ALIVE until it is freed; freeing leaves a failure set, so that a put
                       takes the slow path and detects the misuse */
    struct wr_object object;
    struct wr_counts counts;
    struct wr_before_poll before_poll;
    struct wr_runs runs; /* put and not committed */
    weir_error *failure;
    uint64_t failed_at;
    uint64_t put_items, puts, bytes, rejected; /* counted for weir_walk; bytes: written */
    struct weir_state *state;                  /* weir_sink_keep_state */
    struct wr_state_sink *kept;                /* its entry in the state, once it has begun; NULL */
    size_t held_of_put; /* holds_items: how many items of the last put are referenced */
    uint16_t past_end;
    bool ended, canceled;
    bool holds_items;   /* the sink references and settles its items itself, the base does not */
    bool gone;          /* its far end has gone; this was reported to its feeder */
    uint8_t commit_act; /* enum wr_act: how a commit settles the items; 0: WR_ACT_COMMIT */
    bool discarded;     /* it ends by weir_sink_discard: nothing is waited for */
    bool closed;        /* its operation close has run */
    struct wr_task *inside; /* the task that puts, commits or ends it; for a queue's end, to which
                               several tasks may put: only the task that ends it */
    struct wr_task *feeder; /* the task of the pump that feeds it, while it is in its generator */
    struct wr_rejects *rejects; /* what it does with an item that it rejects (flow_dead.h); NULL: it
                                   counts and logs */
    char name[32];
};

extern const struct wr_object_ops wr_sink_object_ops;

/* Report what is wrong with the argument of `verb`, and abort. */
_Noreturn void wr_sink_misused(const struct weir_sink *sink, const char *verb);
/* At the start of each public function, except put's fast path. */
static inline void wr_sink_given(const struct weir_sink *sink, const char *verb)
{
    if (WR_UNLIKELY(sink == NULL || sink->alive != WR_SINK_ALIVE ||
                    (sink->loop != NULL && !wr_loop_is_here(sink->loop)))) {
        wr_sink_misused(sink, verb);
    }
}

void *wr_sink_alloc(struct weir_scope *scope, size_t size, const struct wr_sink_ops *ops,
                    const char *name);
/* Never returns NULL: for sink == NULL (out of memory) it returns a failed sink. */
struct weir_sink *wr_sink_made(struct weir_sink *sink);
struct weir_sink *wr_sink_failed(struct weir_scope *scope, const weir_error *error);
/* Sets the failure unless the sink already has one; returns code. */
int wr_sink_set_error(struct weir_sink *sink, int code, int detail, const char *format, ...)
    WEIR_PRINTF(4, 5);
/* The same with a failure that is complete. */
void wr_sink_set_failure(struct weir_sink *sink, const weir_error *error);
/* Of a sink with a state, before its first byte: attach. 0, also without a state or when it is
 * attached; or a code, and the failure is set. Suspends. */
int wr_sink_begin_state(struct weir_sink *sink);
/* Count bytes that have left the process. */
static inline void wr_sink_wrote(struct weir_sink *sink, uint64_t bytes)
{
    sink->bytes += bytes;
    sink->loop->stats.bytes_out += bytes;
}
/* There are unflushed bytes: flush before the loop polls. */
static inline void wr_sink_dirty(struct weir_sink *sink)
{
    wr_before_poll_enrol(sink->loop, &sink->before_poll);
}
/* Of a sink with transactions: do the positions of weir_state_text cover all that was put? False: an
 * item that was put is also held elsewhere, and the text would stand before it. True if another sink
 * of the state may hold it, because that is no reason to wait. flow_state_text.c. */
bool wr_sink_text_fits(struct weir_sink *sink);
/* Everything put so far is safe: settle it. The base calls this after a flush that returned 0 and
 * after commit. A sink whose flush never returns 0 while it is fed may call it itself. */
void wr_sink_committed(struct weir_sink *sink);
/* The same for a sink that holds_items: the items in `runs` settle with this act, and the state is
 * saved from here. */
void wr_sink_settle(struct weir_sink *sink, struct wr_runs *runs, enum wr_act act);
/* The far end has gone while no task was putting (set the failure first): a pump that waits for
 * items stops waiting. From any frame of the loop's thread. */
void wr_sink_gone(struct weir_sink *sink);
/* A task has left the sink. If the sink's scope ends and no other task is inside, the sink moves to
 * that task's scope. */
void wr_sink_left(struct weir_sink *sink);
/* From the current put on, or the next one, the sink references its items itself (held_of_put).
 * All earlier items must have been committed. */
void wr_sink_hold_items(struct weir_sink *sink);
/* Give up everything put so far while the pipeline continues without this sink: what was put and
 * not committed counts as dropped. */
void wr_sink_drop(struct weir_sink *sink);
/* weir_put_many for items that the program has not touched. */
bool wr_put_many(struct weir_sink *sink, const weir_item *items, size_t count);
/* How many items may be put now. 0: the sink has failed. */
static inline size_t wr_sink_room(struct weir_sink *sink, size_t max)
{
    size_t room = sink->failure != NULL ? 0 : sink->ops->room == NULL ? max : sink->ops->room(sink);
    return WR_MIN(room, max);
}

/* Are the options of a queue, a channel or a buffer invalid? Then true, and *error is set. */
bool wr_queue_options_wrong(const weir_queue_options *o, const char *maker, weir_error *error);

#endif
