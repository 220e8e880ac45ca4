/*
 * flow_body.h - generators with a user's body. Internal to the flow layer.
 *
 * A body is a fiber. Delegation (yield from) makes a chain from the root (which the reader pulls)
 * to the leaf (which runs). The reader resumes the leaf directly and the leaf yields directly to
 * the reader, so a level costs nothing per item.
 */
#ifndef WR_FLOW_BODY_H
#define WR_FLOW_BODY_H

#include "flow_gen.h"

enum wr_pending {
    WR_PENDING_NONE = 0,
    WR_PENDING_MUTED, /* a delegate in clean-up code: it runs, but must not yield */
    WR_PENDING_THROWN,
    WR_PENDING_CLOSE,
    WR_PENDING_CANCEL
};

struct wr_body {
    struct weir_gen gen;
    struct wr_fiber fiber;
    /* hot */
    uint8_t pending;         /* enum wr_pending: why yields return false */
    uint8_t beneath;         /* what was pending before a throw, and is again after its catch */
    bool plain;              /* vouching is simple: at most one upstream, nothing held, no group */
    struct wr_body *root;    /* the body that the reader pulls; itself unless a delegate */
    struct wr_body *account; /* the body that its yields are accounted to: itself, or its root for a
                             delegate that reads nothing */
    const weir_item *received;
    /* cold */
    bool started, finished;
    bool yield_failed;           /* a yield has returned false for the pending close */
    bool ignored;                /* ... and the body yielded again */
    bool inner_loop;             /* it yields items of a generator without a body */
    bool cut_due;                /* one of its delegates is canceled or must stop: wr_body_cut */
    struct weir_gen *last_inner; /* ended: its result is lent until the next yield */
    weir_error *thrown;
    uint64_t thrown_at;
    weir_item *result;          /* weir_return: a kept item */
    struct wr_runs held;        /* pulled since the last yield and not vouched for */
    struct weir_receipt *group; /* the group of the last yield: the loan, one reference */
    uint64_t group_seq;
    size_t stack_bytes;
    weir_body *fn;
    void (*drop)(void *args);
    void *args;
};

extern const struct wr_gen_ops wr_body_ops;

static inline struct wr_body *wr_body_of(struct weir_gen *gen)
{
    return (struct wr_body *)(void *)gen;
}

void wr_body_fini(struct wr_body *body);

/* Do its pulls, like its yields, return false for good? */
static inline bool wr_body_closed(const struct wr_body *body)
{
    return body->pending > WR_PENDING_MUTED;
}

/* The next body in the chain from a leaf to its root; NULL after the root. */
static inline struct wr_body *wr_body_above(const struct wr_body *body)
{
    return body != body->root ? body->gen.delegator : NULL;
}
/* A delegate whose scope is canceled, stops or ends leaves its chain, together with its own
 * delegates. Its delegator continues at the next pull and ends it. */
void wr_body_cut_off(struct wr_body *delegate);
/* Cut off the delegates that cut_due was set for. */
void wr_body_cut(struct wr_body *root);

/* Between flow_body.c and flow_talk.c. Resume the leaf with `value` (0: its yield returns false).
 * Returns how many items came, 0: over. */
size_t wr_body_resume(struct weir_gen *gen, weir_item *items, size_t max, uintptr_t value);
/* Make the yields and pulls of `body` return false until it catches. With NONE: undo that. */
void wr_body_set_pending(struct wr_body *body, enum wr_pending pending);
/* Give the body a stack; false: out of memory, the failure is set. */
bool wr_body_start(struct wr_body *body);

/* Vouching, flow_vouch.c: what a body's yields mean for the items it has pulled. */

/* The reader is a body and pulls again: hold the item that it was lent and has not vouched for.
 * False: out of memory. */
bool wr_vouch_hold(struct wr_body *self, struct weir_gen *up);
/* Several items were pulled at once: they are held until the next yield. */
bool wr_vouch_hold_many(struct wr_body *self, const weir_item *items, size_t count);
/* Stamp the items that self yields. False: out of memory. */
bool wr_vouch_stamp(struct wr_body *self, weir_item *out, size_t count);
/* The reader pulls again: the loan of the last yield ends. */
void wr_vouch_back(struct wr_body *self);
/* Release all that self holds. act: WR_ACT_FILTER for a proper end or weir_settle, WR_ACT_RELEASE
 * for a failure. */
void wr_vouch_let_go(struct wr_body *self, enum wr_act act);
void wr_vouch_plain(struct wr_body *self);

#endif
