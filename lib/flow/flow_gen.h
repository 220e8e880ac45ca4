/*
 * flow_gen.h - generators from inside: the base that every source and stage embeds. Internal.
 *
 * A generator is a vtable with one pull function. Built-in sources and stages implement it directly
 * and run on the reader's stack; a user's body (flow_body.c) is one implementation, with a fiber of
 * its own. The base keeps what all share: the scope it was made in, the generators it reads
 * (adopted), its reader, the sticky end and its failure, the puller task of weir_next_within.
 *
 * A built-in stage looks like this:
 *
 *     struct stage_head { struct weir_gen gen; uint64_t left; };
 *     static size_t head_next_many(struct weir_gen *gen, weir_item *items, size_t max);
 *     static const struct wr_gen_ops head_ops = {.kind = "head", .next_many = head_next_many};
 *     weir_gen *weir_head(weir_gen *up, uint64_t count)
 *     {
 *         struct stage_head *head = wr_stage_alloc(up, sizeof *head, &head_ops, "head");
 *         if (head != NULL) { head->left = count; }
 *         return wr_gen_made(head != NULL ? &head->gen : NULL, up);   NULL gives a failed generator
 *     }
 *
 * next_many: fill up to max (max >= 1) items, wait for the first if necessary. 0 means over: the
 * end, or a failure that was set by wr_gen_fail, or the failure of an adopted generator (the base
 * takes that over: just return 0). After 0 it is never called again. Items live until the next
 * call. To read upstream call wr_pull(), not weir_next.
 */
#ifndef WR_FLOW_GEN_H
#define WR_FLOW_GEN_H

#include <weir/gen.h>
#include <weir/source.h>

#include "bytes_item.h"
#include "bytes_origin.h"
#include "codec_media.h"
#include "loop_scope.h"
#include "loop_wait.h"

struct wr_body;
struct wr_each;
struct wr_json;
struct wr_puller;
struct wr_rejects;
struct wr_state_slot;

struct wr_level {
    uint64_t items, bytes, items_max, bytes_max;
    uint64_t put, bytes_put; /* so far */
};

struct wr_gen_ops {
    const char *kind; /* default name: "head", "http" */
    size_t (*next_many)(struct weir_gen *gen, weir_item *items, size_t max);
    /* Like next_many, but waits at most wait_ms; sets *late. NULL: a puller task is used. */
    size_t (*next_within)(struct weir_gen *gen, weir_item *items, size_t max, int64_t wait_ms,
                          bool *late);
    /* The reader is done, or the end was reached: release sockets, files, kept items. May suspend.
     * Runs exactly once, before the adopted generators are ended. NULL: nothing to do. */
    void (*close)(struct weir_gen *gen);
    /* The memory is about to be freed; must not suspend. NULL: nothing to do. */
    void (*free)(struct weir_gen *gen);
    /* Gentle stop, sources only: wake the source's own wait; the next return may be 0. NULL: the
     * base ends the source at its next pull. */
    void (*stop)(struct weir_gen *gen);
    /* Sources only: the name of the origin of its items, like snprintf, which tells two sources of a
     * kind apart. NULL: the generator's name. */
    size_t (*label)(const struct weir_gen *gen, char *text, size_t cap);
    /* What it waits for, like snprintf; NULL: the task's wait reason is reported. */
    size_t (*why)(const struct weir_gen *gen, char *text, size_t cap);
    /* A pull waits for the budget, in this generator or upstream of it: mark the blocks that stay
     * until the pull continues (wr_block_mark) and return their bytes. NULL: none. */
    int64_t (*held)(const struct weir_gen *gen, uint32_t mark);
    /* For a source of raw bytes that was not pulled yet and has no reader: cut the bytes by
     * `framing` from now on, and act as a framing stage on it would. May fail the generator. NULL,
     * or false: it gives no raw bytes. */
    bool (*frame)(struct weir_gen *gen, const weir_framing *framing);
    /* The same, for a source whose far end says what its bytes are: cut them by that. strict: an item
     * over the limit is a failure. json: all but a stream of events is JSON, whatever the far end says.
     * From now on `frame` returns true and does nothing. NULL, or false: it knows no types. */
    bool (*by_media)(struct weir_gen *gen, bool strict, bool json);
    /* After by_media, before the first pull: what the bytes are. Waits for the far end; may suspend.
     * WR_MEDIA_UNKNOWN: the generator has failed or stops. */
    enum wr_media (*media)(struct weir_gen *gen);
    /* After WR_MEDIA_GZIP and similar: what is inside. */
    enum wr_media (*media_inside)(const struct weir_gen *gen);
    /* How many items it has given in the earlier runs that a state records: they are settled and
     * are not given again. False: unknown. Called before the first pull. NULL: a source begins
     * again, and a stage knows only that it gave nothing if its upstream gave nothing. */
    bool (*given_before)(const struct weir_gen *gen, uint64_t *count);
    /* A stage after it continues only from the beginning of its input (flow_replay.h). From now on
     * each run reads this generator's source from its beginning, and gives the same items again.
     * Returns the slot of that source. NULL: this is not possible, or there is no state. Called
     * before the first pull. NULL as the operation: a stage passes the question on if it reads one
     * generator. */
    struct wr_state_slot *(*begins_again)(struct weir_gen *gen);
    /* What has read the JSON texts of the items that it lends, for a reader that reads them, too
     * (wr_json_share). NULL, or as the operation: nothing has. */
    struct wr_json *(*json)(const struct weir_gen *gen);
    /* What it holds and how much it may hold: for a queue. NULL: nothing that is counted. */
    void (*level)(const struct weir_gen *gen, struct wr_level *level);
    bool is_source; /* counts in the ledger: the base makes an origin at the first pull
                       (gen->origin; may stay NULL when the pull fails: out of memory) */
};

enum wr_gen_state {
    WR_GEN_FRESH = 0, /* never pulled */
    WR_GEN_IDLE,      /* started, no pull is running */
    WR_GEN_INSIDE,    /* a pull is running */
    WR_GEN_OVER       /* ended, failed, closed: final */
};

enum { WR_GEN_ALIVE = 0x7767656e };

struct weir_gen {
    /* hot: weir_next's fast path. An allocator overwrites the first words of freed memory. The
     * pointers are there, so that `ready` stays false in an ended generator, and the slow path
     * sees that it is not alive. */
    struct weir_loop *loop;
    struct wr_body
        *leaf; /* the innermost delegate that runs for this generator; itself when not delegating */
    bool ready;              /* a body suspended at a yield, nothing special pending: resume leaf */
    bool direct;             /* the same for one without a body: call next_many */
    uint8_t state;           /* enum wr_gen_state */
    bool closed;             /* close has run or is running */
    bool body;               /* a struct wr_body */
    bool canceled;           /* its scope was canceled */
    bool stopping;           /* gentle stop: a source ends at its next pull */
    bool reported;           /* its failure was reported, or caught */
    bool aborted;            /* its running pull was failed by its own close */
    bool stop_ended_wait;    /* its wait was failed by a stop: WEIR_ECLOSED is an end then */
    bool extended;           /* made from the program's own table (flow_extend.c) */
    bool special;            /* a special case, no fast path: see wr_gen_ready */
    bool lent_unvouched;     /* its item is lent to a body that has not yielded since */
    bool named;              /* a source: messages name its origin */
    uint16_t past_end;       /* calls after the end: 1000 abort */
    uint32_t out_max;        /* how many items fit at `out` */
    uint32_t lent_origin;    /* with lent_receipt and lent_seq */
    weir_item *out;          /* where the next yield puts its item */
    struct weir_gen *reader; /* the body or stage that adopted this one; NULL: a task reads it */
    /* The one item that the last pull lent to a body. Several are referenced at once instead. */
    struct weir_receipt *lent_receipt;
    uint64_t lent_seq;
    uint64_t items; /* given, counted for weir_walk ... */
    uint64_t pulls; /* ... and in how many pulls; for a body: items minus pulls */
    /* cold */
    uint32_t alive; /* WR_GEN_ALIVE until it is freed */
    const struct wr_gen_ops *ops;
    struct wr_object object;
    struct wr_counts counts;
    struct wr_list adopted; /* generators this one reads, in the order of adoption */
    struct wr_list adopt_link;
    struct weir_sink *into;    /* the sink that a pump puts its items into; NULL */
    struct wr_task *pump;      /* the task of that pump */
    struct weir_gen *up;       /* the first adopted that is still there; NULL */
    struct wr_body *delegator; /* the body whose weir_yield_from is in this one; NULL */
    struct wr_origin *origin;  /* sources only; its `more` links the origins of other parts */
    weir_error *failure;       /* NULL: none */
    uint64_t failed_at;        /* loop->failures when it happened: the first in time wins */
    struct wr_puller *puller;
    struct wr_rejects *rejects; /* what it does with an item that it rejects (flow_dead.h); NULL: it
                                   counts and logs */
    struct wr_task *inside;     /* if `extended`: the task that runs its next_many */
    struct wr_each *each;       /* the weir_each that reads it; NULL: none */
    struct wr_task *closer;     /* the task that closes it: its reader, or the end of its scope */
    /* For weir_walk, too. read: items from generators that it had adopted and has ended; for a
     * queue, the items put into it. */
    uint64_t read, filtered, rejected, dropped, bytes;
    size_t scratch_charged; /* see wr_gen_scratch */
    char name[32];
};

/* What one item needs beside its bytes and those made of it: the tokens of a text, the memory of an
 * expression, tables. Each generator may keep WR_SCRATCH_BYTES of it, which are not charged, so that
 * a small budget is not used up by stages that do nothing. More is charged as long as it is held,
 * also over the limit: others wait then. It is given back before the next pull. */
enum { WR_SCRATCH_BYTES = 256 * 1024 };

/* gen holds so many bytes now. Released when it closes. */
static inline void wr_gen_scratch(struct weir_gen *gen, size_t bytes)
{
    if (WR_UNLIKELY(bytes > WR_SCRATCH_BYTES || gen->scratch_charged > 0)) {
        wr_budget_follow(&gen->loop->budget, &gen->scratch_charged,
                         bytes > WR_SCRATCH_BYTES ? bytes - WR_SCRATCH_BYTES : 0);
    }
}
/* How much one item may need: an item that needs more is rejected. Half of the budget: the rest is
 * for items. A generator for which there was no memory has no loop. */
static inline size_t wr_gen_scratch_max(const struct weir_gen *gen)
{
    size_t half = gen->loop != NULL ? (size_t)gen->loop->budget.limit / 2 : 0;
    return WR_MAX((size_t)WR_SCRATCH_BYTES, half);
}

/* Counts what one pull gave, for weir_walk. */
static inline void wr_gen_gave(struct weir_gen *gen, size_t n)
{
    gen->items += n;
    gen->pulls++;
}
/* Counts received bytes, for a source or for a stage that cuts them. */
static inline void wr_gen_received(struct weir_gen *gen, uint64_t bytes)
{
    gen->bytes += bytes;
    if (gen->ops->is_source) { /* else they were counted at their source */
        gen->loop->stats.bytes_in += bytes;
    }
}
/* `up` is no longer read: add what it gave to what `reader` has read. If `up` is part of a
 * component, all its counts are added to the component. */
void wr_gen_count_read(struct weir_gen *reader, struct weir_gen *up);
/* The component that `up`, which `reader` reads, is a part of; NULL: none. */
struct weir_gen *wr_gen_component(const struct weir_gen *reader, const struct weir_gen *up);
/* See wr_gen_ops.json. gen NULL: nothing has. */
static inline struct wr_json *wr_gen_json(const struct weir_gen *gen)
{
    return gen != NULL && gen->ops->json != NULL ? gen->ops->json(gen) : NULL;
}
/* Items that a stage leaves out. */
static inline void wr_gen_filter(struct weir_gen *gen, const weir_item *items, size_t count)
{
    gen->filtered += count;
    wr_items_tell(items, count, WR_ACT_FILTER);
}

/* ---- misuse */

/* Report what is wrong with the argument of `verb`, and abort. */
_Noreturn void wr_gen_misused(const struct weir_gen *gen, const char *verb);
_Noreturn void wr_item_misused(const char *verb);
/* Check that an item that is handed over is not NULL, and that it has bytes. */
void wr_item_check(const weir_item *item, const char *verb);
/* At the start of each public function. The fast paths check for NULL only. */
static inline void wr_gen_given(const struct weir_gen *gen, const char *verb)
{
    if (WR_UNLIKELY(gen == NULL || gen->alive != WR_GEN_ALIVE ||
                    (gen->loop != NULL && !wr_loop_is_here(gen->loop)))) {
        wr_gen_misused(gen, verb);
    }
}
static inline void wr_item_given(const weir_item *item, const char *verb)
{
    if (WR_UNLIKELY(item == NULL)) {
        wr_item_misused(verb);
    }
}

/* ---- making */

/* A zeroed struct of the given size (its first member is the base), with the base initialised in
 * scope. NULL: out of memory. */
void *wr_gen_alloc(struct weir_scope *scope, size_t size, const struct wr_gen_ops *ops,
                   const char *name);
/* The same for a stage, in the scope of the generator it will read. Also NULL when `up` itself
 * could not be made. */
void *wr_stage_alloc(struct weir_gen *up, size_t size, const struct wr_gen_ops *ops,
                     const char *name);
/* The last line of a maker: adopts `up` (NULL for a source). gen == NULL (out of memory): returns a
 * failed generator; `up` then ends with its scope. */
struct weir_gen *wr_gen_made(struct weir_gen *gen, struct weir_gen *up);
/* A generator that fails with *error at the first pull. Never NULL. */
struct weir_gen *wr_gen_failed(struct weir_scope *scope, const weir_error *error);

/* ---- pulling, for built-in code */

/* As weir_next_many, from the stage or task that reads `up`. */
size_t wr_pull(struct weir_gen *up, weir_item *items, size_t max);
/* As weir_next_within for several items: *late tells why 0. wait_ms < 0: no limit. */
size_t wr_pull_within(struct weir_gen *up, weir_item *items, size_t max, int64_t wait_ms,
                      bool *late);

/* The parts of wr_pull_within, for a stage that waits for several generators at once (merge). The
 * puller is the task that pulls on behalf of the reader. It calls `on_ready` when a result is
 * there; `on_ready` must not suspend. */
int wr_puller_request(struct weir_gen *up, size_t max, void (*on_ready)(void *ctx), void *ctx);
bool wr_puller_ready(const struct weir_gen *up);
/* The result of the request, or as much of it as fits (the rest stays ready): items lent until the
 * next request; 0: over. */
size_t wr_puller_some(struct weir_gen *up, weir_item *items, size_t max);

/* ---- failing */

/* Set the generator's own failure unless it already has one; returns code. offset -1: none. */
int wr_gen_fail(struct weir_gen *gen, int code, int detail, int64_t offset, const char *format, ...)
    WEIR_PRINTF(5, 6);
int wr_gen_fail_error(struct weir_gen *gen, const weir_error *error);
/* The same when waiting for the budget cannot help: WEIR_EBUDGET, with the figures. */
int wr_gen_fail_starved(struct weir_gen *gen, int64_t offset);
/* The same for an item without a text, with the code of weir_item_text. */
int wr_gen_fail_text(struct weir_gen *gen, int code, const weir_item *item);
/* A failure that happened at `at` (loop->failures then): replaces a later one. */
int wr_gen_fail_at(struct weir_gen *gen, const weir_error *error, uint64_t at);
/* The op given_before, or its default. */
bool wr_gen_given_before(const struct weir_gen *gen, uint64_t *count);
/* The op begins_again, or its default (flow_replay.c). */
struct wr_state_slot *wr_gen_begin_again(struct weir_gen *gen);
/* As the op begins_again: it is not possible. */
struct wr_state_slot *wr_gen_begins_once(struct weir_gen *gen);
/* The failure that the reader would get now: its own or an adopted one's; NULL: none. */
const weir_error *wr_gen_failure(const struct weir_gen *gen);

/* ---- reading bytes */

/* The bytes of an item that a stage reads. False: it has none, or there is no memory for them; gen
 * has failed. */
static inline bool wr_gen_text(struct weir_gen *gen, const weir_item *item, weir_slice *text,
                               weir_scratch *scratch)
{
    int rc = weir_item_text(item, text, scratch);
    return WR_LIKELY(rc == 0) || wr_gen_fail_text(gen, rc, item) == 0;
}

/* ---- ending */

/* Close without freeing: what `head` does to its upstream. May suspend. Idempotent. */
void wr_gen_close(struct weir_gen *gen);
/* Seal the sources upstream of gen, before a chain is torn down. */
void wr_gen_seal(struct weir_gen *gen);

/* Make a source cut its bytes itself (the op frame). False: a stage must do it. */
bool wr_gen_frame(struct weir_gen *gen, const weir_framing *framing);
/* The same by what the bytes are (the op by_media), which wr_gen_media tells. May suspend. */
bool wr_gen_by_media(struct weir_gen *gen, bool strict, bool json);
enum wr_media wr_gen_media(struct weir_gen *gen);
/* What is inside, if that is compressed. */
enum wr_media wr_gen_media_inside(const struct weir_gen *gen);

/* ---- inside the flow layer */

extern const struct wr_object_ops wr_gen_object_ops;
/* The one generator that needs no memory: every maker that is out of memory returns it. It is never
 * freed, belongs to no scope and has no state but its failure. */
extern struct weir_gen wr_gen_no_memory;
/* The slow way of pulling: works in every state of gen. */
size_t wr_pull_slow(struct weir_gen *gen, weir_item *items, size_t max);
/* The reader pulls again. If it is a body that has not yielded since the last pull, the item that
 * it was lent is held. */
void wr_gen_hold_lent(struct weir_gen *gen);
/* weir_next for every generator that is not a body ready to be resumed. */
bool wr_next_unready(struct weir_gen *gen, weir_item *item);
/* Called before a pull; gen is INSIDE afterwards. False: it must not be pulled, and is over. */
bool wr_gen_enter(struct weir_gen *gen);
/* A pull that ignores the puller: the puller itself calls it. */
size_t wr_pull_direct(struct weir_gen *gen, weir_item *items, size_t max);
/* The task that is inside gen; NULL: none, or it waits for something that is not known here. */
struct wr_task *wr_gen_task(const struct weir_gen *gen);
/* For a source that is over: clears a failure that is only the stop of its own wait. */
void wr_gen_stop_over(struct weir_gen *gen);
/* Compute gen->special, gen->ready and gen->direct again. */
void wr_gen_ready(struct weir_gen *gen);
/* The end is reached: close gen, take over failures of adopted generators, set the state. */
void wr_gen_over(struct weir_gen *gen);
/* End the generators that gen reads, last adopted first; their failures become gen's, first in
 * time. May suspend. */
void wr_gen_end_adopted(struct weir_gen *gen);
/* The generator that gets gen's items: the reader, or the body that delegates to it; NULL: a
 * task reads it. */
static inline struct weir_gen *wr_gen_reader(const struct weir_gen *gen)
{
    return gen->reader != NULL ? gen->reader : (struct weir_gen *)(void *)gen->delegator;
}
/* At the start of each public function that reads or ends gen: abort if a stage or a body has taken
 * it, unless that stage or body is running now. */
void wr_gen_untaken(const struct weir_gen *gen, const char *verb);
/* The last reader downstream, which a task pulls; gen itself if it has no reader. */
struct weir_gen *wr_gen_top(struct weir_gen *gen);
/* Is another task closing it? Then wr_gen_close waits for that task, and gen is over. */
static inline bool wr_gen_closing(const struct weir_gen *gen)
{
    return gen->closer != NULL && gen->closer != gen->loop->task;
}
void wr_gen_free(struct weir_gen *gen);
void wr_gen_adopt(struct weir_gen *self, struct weir_gen *more);
void wr_gen_unadopt(struct weir_gen *gen);
void wr_puller_close(struct weir_gen *gen); /* fail the running pull, wait, end the puller */

/* ---- for sources */

/* Make the origin of a source, or of a stage that gives new items of what it reads: it has the
 * label of the first source above it. NULL: no memory. */
struct wr_origin *wr_gen_make_origin(const struct weir_gen *gen);
/* A source of several parts (files, partitions) has an origin for each part, from its first pull
 * on, so that a pending item of one part does not hold up another part. NULL: no memory. */
struct wr_origin *wr_gen_add_origin(struct weir_gen *gen, const char *name);
/* Such a part gives no more items: it ends with its loan. Items already given still settle. */
static inline void wr_origin_leave(struct wr_origin *origin)
{
    origin->leaves = true;
}
void wr_gen_loans_over(struct weir_gen *gen);
/* The reader pulls again: all loans end. */
static inline void wr_gen_loan_over(struct weir_gen *gen)
{
    if (gen->origin != NULL) {
        wr_origin_lend(gen->origin, 0);
        if (WR_UNLIKELY(gen->origin->more != NULL)) {
            wr_gen_loans_over(gen);
        }
    }
}
/* Number and stamp n items just made by a source or by a part of one (bytes or values; data, len,
 * flags, block and time_ns are set): sets seq, origin and receipt. The items are then lent. */
static inline void wr_origin_give(struct wr_origin *origin, weir_item *items, size_t n)
{
    uint64_t seq = origin->given;
    for (size_t i = 0; i < n; i++) {
        items[i].seq = ++seq;
        items[i].origin = origin->id;
        items[i].receipt = &origin->receipt;
    }
    wr_origin_lend(origin, n);
}
static inline void wr_source_give(struct weir_gen *gen, weir_item *items, size_t n)
{
    wr_origin_give(gen->origin, items, n);
}

#endif
