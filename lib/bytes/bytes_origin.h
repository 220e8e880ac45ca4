/*
 * bytes_origin.h - the records of one source: which of its items are still held, and the outcome of
 * each item.
 *
 * A source numbers its items 1, 2, 3 ... An item is in one of these states:
 *
 *   lent       given to the source's reader, which has not yet pulled past it: [loan, given]. Needs
 *              no record at all.
 *   held       a holder keeps it beyond the loan (a queue, a batch, weir_item_keep, a body that has
 *              not vouched yet): a count of references.
 *   settled    filtered, delivered, rejected or dropped. It settles when its loan has ended and its
 *              last reference is released. When several acts set an outcome (branches of a tee),
 *              the later outcome in this list is used, whatever the order in time. When no act sets
 *              one, the item is delivered.
 *   abandoned  torn down before anything settled it, or abandoned by a holder: it stays "in flight"
 *              for ever and blocks the position.
 *
 * `done` is the end of the contiguous prefix of settled items: the durable position. The common
 * stream, in which no items are held, costs two stores for each pull: the source records what is
 * lent now (wr_origin_lend). What that means for the items before is computed when it is needed
 * (every function below begins with wr_origin_sync). A sink that commits what it is lent, item
 * after item, needs no entry either: `sure` moves. A lent item never settles before the end of its
 * loan, whatever outcome was set: the body that has the loan may still produce output from it.
 *
 * Sealed: before a close, cancel or failure tears a chain down, its source is sealed. From then on
 * commit, filter, reject and drop still count; the end of a loan is neutral; any other release
 * abandons.
 */
#ifndef WR_BYTES_ORIGIN_H
#define WR_BYTES_ORIGIN_H

#include "base_list.h"
#include "bytes_block.h"
#include "bytes_receipt.h"

/* The outcomes that are counted. */
enum wr_outcome { WR_DELIVERED = 0, WR_FILTERED, WR_REJECTED, WR_DROPPED, WR_OUTCOMES };

/* Flag in a number: the position is inside a line, and the rest of the line is not to be given. A
 * source that continues there first skips to the end of the line. */
#define WR_END_INSIDE (UINT64_C(1) << 63)
/* Its own source left the item out (a line over the limit): no reader got it. */
#define WR_END_LEFT_OUT (UINT64_C(1) << 62)

/* An origin keeps a number for each item. The source defines with this struct what the numbers
 * mean. The struct belongs to the origin, since items outlive their generator. Numbers never
 * decrease. */
struct wr_gap;
struct wr_positions;
struct wr_positions_ops {
    /* Where a restart continues, as a text that people can read and the source can use. Works as
     * snprintf. */
    size_t (*text)(struct wr_positions *positions, uint64_t number, char *to, size_t cap);
    /* Numbers below `before` are not asked for any more. NULL: nothing to do. */
    void (*forget)(struct wr_positions *positions, uint64_t before);
    /* The last call. */
    void (*drop)(struct wr_positions *positions);
};
struct wr_positions {
    const struct wr_positions_ops *ops;
    size_t bytes; /* that it has charged to the budget, as slots */
    /* Kept by the origin. ends[ends_head] and what follows are the numbers of the items from
     * ends_first on, without those in gaps. They may have the flags WR_END_INSIDE and
     * WR_END_LEFT_OUT. */
    uint64_t *ends;
    uint64_t ends_first;
    size_t ends_head, ends_count, ends_cap;
    struct wr_gap *gaps; /* sorted: [gaps_head, gaps_head + gaps_count) */
    size_t gaps_head, gaps_count, gaps_cap;
    uint64_t gaps_items; /* in all of them */
    uint64_t start;      /* the number where it begins */
    uint64_t done_end;   /* number of item `done`, without WR_END_LEFT_OUT */
};

/* The number belongs to an incomplete item at the end of an input that may grow: a restart
 * continues before this item. */
#define WR_END_HALF (UINT64_C(1) << 61)
#define WR_END_FLAGS (WR_END_INSIDE | WR_END_LEFT_OUT | WR_END_HALF)

/* Rows of 64 items that have settled, after an item that has not. */
struct wr_gap {
    uint64_t first, count; /* items */
    uint64_t number;       /* of the last one */
    uint64_t left_out;     /* how many of them were left out */
    uint64_t before;       /* items in the gaps before it that were made at the same time */
};

/* The size of a name, with its NUL. */
enum { WR_ORIGIN_NAME = 64 };

struct wr_origin {
    struct weir_receipt receipt;
    uint32_t id; /* weir_item.origin */
    bool sealed;
    bool ended;     /* its generator has ended: freed when nothing is held any more */
    bool leaves;    /* this part ends when its loan ends */
    uint64_t given; /* the highest number given */
    uint64_t loan;  /* the lowest number that is lent now; given + 1: none */
    uint64_t lent;  /* `loan` at the last wr_origin_sync: all below is settled or in entries */
    uint64_t
        sure; /* [lent, sure) have been committed while they are lent; entries made later record
                 this. At or below `lent`: none */
    uint64_t done;
    uint64_t committed; /* the highest number that a sink has committed, even in part */
    uint64_t counts[WR_OUTCOMES];
    struct wr_entry *entries; /* sorted: [entries_head, entries_head + entries_count) */
    size_t entries_head, entries_count, entries_cap;
    size_t held;              /* items with references; and one for each state that looks at it */
    struct wr_budget *budget; /* long arrays are charged to it, as slots; NULL: none */
    struct wr_positions *positions;   /* NULL: none */
    uint64_t left_out, left_out_done; /* items that no reader got: all, and those up to `done` */
    void (*gone)(struct wr_origin *origin,
                 void *ctx); /* ended and nothing held: the last call, which frees */
    void *gone_ctx;
    struct wr_list link;    /* in the list of its scope */
    struct wr_origin *more; /* the next part of the same source; NULL */
    const char *name;       /* lives as long as the origin */
    /* For messages: what its items are, "line"; static; NULL: not known. */
    const char *item;
    bool named; /* messages name it: other sources are read before or after it */
    bool late;  /* item 1 was not the first of its stream: an earlier run has read those before */
    uint8_t peer_at, peer_len; /* the part of `name` that is the peer who sends; 0, 0: none */
    char *path; /* of the file that it is; its positions, if any, are offsets in it. NULL:
                                  none, or nobody asks for it */
};

/* Prepare an origin. `name` is not copied. `gone` is called once, when it has ended and nothing is
 * held any more. */
void wr_origin_init(struct wr_origin *origin, uint32_t id, const char *name);
void wr_origin_fini(struct wr_origin *origin);
/* The generator of this origin has ended. May call `gone`. */
void wr_origin_end(struct wr_origin *origin);

/* The current loan ends; n more items are given and lent. n = 0: the reader pulls past all lent
 * items. */
static inline void wr_origin_lend(struct wr_origin *origin, uint64_t n)
{
    origin->loan = origin->given + 1;
    origin->given += n;
}

/* Bring counts and done up to date. */
void wr_origin_sync(struct wr_origin *origin);

/* From now on the origin keeps a number for each item that is given. `positions` defines what the
 * numbers mean; the origin takes ownership of it. start: where the origin begins. */
void wr_origin_keep_positions(struct wr_origin *origin, struct wr_positions *positions,
                              uint64_t start);
/* The number of the item that will be given next; before wr_origin_lend. */
int wr_origin_push_end(struct wr_origin *origin, uint64_t end);
/* 0: the next `more` pushes cannot fail. Else WEIR_ENOMEM. */
int wr_origin_reserve_ends(struct wr_origin *origin, size_t more);
/* The last given item continues: `end` replaces its number. */
void wr_origin_amend_end(struct wr_origin *origin, uint64_t end);
/* The number of item `seq`, which is lent: there is no gap after it. */
static inline uint64_t wr_origin_number(const struct wr_origin *origin, uint64_t seq)
{
    const struct wr_positions *kept = origin->positions;
    return kept->ends[kept->ends_head + (size_t)(seq - kept->ends_first - kept->gaps_items)];
}
/* The number where it begins; 0: it has no positions. */
static inline uint64_t wr_origin_start(const struct wr_origin *origin)
{
    return origin->positions != NULL ? origin->positions->start : 0;
}
/* The number of item `done`: where a restart continues. 0: it has no positions. */
uint64_t wr_origin_done_end(struct wr_origin *origin);

/* The number of the item before `seq`, or where the origin begins: it may have flags. False: not known.
 * Item `seq` has been given and has not settled. */
bool wr_origin_number_before(const struct wr_origin *origin, uint64_t seq, uint64_t *number);
/* The text of the position where item `seq` begins, as snprintf; 0: not known. The item has been
 * given and has not settled. */
size_t wr_origin_position(struct wr_origin *origin, uint64_t seq, char *to, size_t cap);
/* The same for an item that is lent or kept; 0, and to[0] is '\0': not known. cap is not 0. */
size_t wr_item_position(const weir_item *item, char *to, size_t cap);

/* True: the source should wait for the budget before it gives more. The arrays are long, because an
 * old item has not settled, and slots have used their half of the budget. */
bool wr_origin_is_full(struct wr_origin *origin);

/* Before a chain is torn down. */
void wr_origin_seal(struct wr_origin *origin);
/* The number of items with each outcome so far, including those that settled implicitly. Items in
 * flight = given - the sum of the counts. */
void wr_origin_counts(struct wr_origin *origin, uint64_t counts[WR_OUTCOMES]);

/* The part of wr_run_ref, _unref and _tell for origins. */
int wr_origin_ref(struct wr_origin *origin, uint64_t first, uint64_t bits);
void wr_origin_unref(struct wr_origin *origin, uint64_t first, uint64_t bits, enum wr_act act);
void wr_origin_tell(struct wr_origin *origin, uint64_t first, uint64_t bits, enum wr_act act);
/* The same for all numbers in [from, last]. */
void wr_origin_tell_all(struct wr_origin *origin, uint64_t from, uint64_t last, enum wr_act act);

/* Compute the value that `done` would have if these runs (wr_runs_flatten) were released as
 * committed: 0 and *done, or WEIR_ENOMEM. Lent items stay open, even if a sink got them: more
 * output may still be made from them. */
int wr_origin_done_without(struct wr_origin *origin, const struct wr_runs *flat, uint64_t *done);
/* The number of item `seq`, which is at or after `done` and was returned by wr_origin_done_without.
 * *left_out: the value that left_out_done would have if `done` were `seq`. */
uint64_t wr_origin_number_at(struct wr_origin *origin, uint64_t seq, uint64_t *left_out);

/* ---- between bytes_origin.c and bytes_position.c */

/* `done` has moved: drop the numbers of the items before it. */
void wr_origin_drop_ends(struct wr_origin *origin);
/* Remove the entries in which everything has settled. After this, each row of 64 numbers below
 * `lent` that has no entry has settled completely. */
void wr_origin_take_out_what_is_over(struct wr_origin *origin);
/* Where the row of entry `index` begins; UINT64_MAX: there is no such entry. */
uint64_t wr_origin_open_row(const struct wr_origin *origin, size_t index);

/* An array of an origin up to this size is not charged to the budget. */
enum { WR_BOOKS_FREE_BYTES = 8 * 1024 };

/* The charge for an array of `bytes` bytes. */
static inline size_t wr_books_weight(size_t bytes)
{
    return bytes > WR_BOOKS_FREE_BYTES ? bytes : 0;
}
static inline void wr_books_charge(struct wr_budget *budget, size_t before, size_t after)
{
    size_t was = wr_books_weight(before), is = wr_books_weight(after);
    if (budget != NULL && is > was) {
        wr_budget_take_slots(budget, is - was);
    } else if (budget != NULL && is < was) {
        wr_budget_release_slots(budget, was - is);
    }
}
/* The new capacity, in elements, for an array that is full. */
static inline size_t wr_books_larger(size_t cap, size_t bytes_each)
{
    return cap == 0 ? 8 : wr_books_weight(cap * bytes_each) > 0 ? cap + cap / 4 : cap * 2;
}
/* The new capacity for an array of `cap` elements with `count` in use, when it shrinks. */
static inline size_t wr_books_smaller(size_t cap, size_t count, size_t bytes_each)
{
    while (wr_books_weight(cap * bytes_each) > 0 && count <= cap / 4) {
        cap /= 2;
    }
    return cap;
}

/* `len` bytes of its name, at `at`, are the peer who sends its items. */
void wr_origin_set_peer(struct wr_origin *origin, size_t at, size_t len);

/* It is this file, which is copied. 0 or WEIR_ENOMEM. */
int wr_origin_set_path(struct wr_origin *origin, const char *path);
/* The file of an item that is lent or kept, and the offset where it begins there; -1: not known. Empty:
 * its source has said none. */
weir_slice wr_item_path(const weir_item *item, int64_t *offset);

static inline struct wr_origin *wr_origin_of(struct weir_receipt *receipt)
{
    return WR_OWNER(receipt, struct wr_origin, receipt);
}

#endif
