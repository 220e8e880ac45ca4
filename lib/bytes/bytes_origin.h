/*
 * bytes_origin.h - the books of one source: who still holds which of its items, and how each one
 * ended.
 *
 * A source numbers its items 1, 2, 3 ... An item is in one of these states:
 *
 *   lent       given to the source's reader and not yet asked past: [loan, given]. Needs no
 *              bookkeeping at all.
 *   held       somebody keeps it beyond the loan (a queue, a batch, weir_item_keep, a body that has
 *              not vouched yet): a count of references.
 *   settled    filtered, delivered, rejected or dropped. It settles when its loan is over and its
 *              last reference has gone. Where several acts meet (branches of a tee), the later in
 *              this list stands, whatever their order in time; where none said anything it is
 *              delivered.
 *   abandoned  torn down before anything settled it, or by one who held it: it stays "in flight"
 *              for ever and blocks the position.
 *
 * `done` is the contiguous prefix of settled items: the durable position. The common stream, in
 * which nobody holds anything, costs two stores a pull: the source says what is lent now
 * (wr_origin_lend), and what that means for the items before is worked out when somebody looks
 * (every function below begins with wr_origin_sync). Nor does it take an entry that a sink commits
 * what it is lent, item after item: `sure` moves. An item that is lent settles at the end of the
 * loan at the earliest, whatever was told about it: the body it is lent to may still make something
 * of it.
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

/* How items ended, to be counted. */
enum wr_outcome { WR_DELIVERED = 0, WR_FILTERED, WR_REJECTED, WR_DROPPED, WR_OUTCOMES };

/* In an end offset: it lies inside a line of which nothing more is to be given, so who goes on from
 * there skips to the line's end first. */
#define WR_END_INSIDE (UINT64_C(1) << 63)
/* The item was left out by its own source (a line over the limit): no reader was given it. */
#define WR_END_LEFT_OUT (UINT64_C(1) << 62)

/* What the numbers mean that an origin keeps for its items: a source's own. They belong to the origin,
 * since items outlive their generator. Numbers never fall. */
struct wr_positions;
struct wr_positions_ops {
    /* Where a restart goes on, for people to read and for the source to go by; as snprintf. */
    size_t (*text)(struct wr_positions *positions, uint64_t number, char *to, size_t cap);
    /* Numbers below `before` are not asked for any more. NULL: nothing to do. */
    void (*forget)(struct wr_positions *positions, uint64_t before);
    /* The last call. */
    void (*drop)(struct wr_positions *positions);
};
struct wr_positions {
    const struct wr_positions_ops *ops;
};

/* The number is of half an item at the end of what may grow: a restart goes on before it. */
#define WR_END_HALF (UINT64_C(1) << 61)
#define WR_END_FLAGS (WR_END_INSIDE | WR_END_LEFT_OUT | WR_END_HALF)

/* Rows of 64 items that have settled behind one that has not. */
struct wr_gap {
    uint64_t first, count; /* items */
    uint64_t number;       /* of the last one */
    uint64_t left_out;     /* how many of them */
    uint64_t before;       /* items in the gaps before it that were made with it */
};

struct wr_origin {
    struct weir_receipt receipt;
    uint32_t id; /* weir_item.origin */
    bool sealed;
    bool ended;     /* its generator is gone: freed when nothing is held any more */
    uint64_t given; /* the highest number given */
    uint64_t loan;  /* the lowest number that is lent now; given + 1: none */
    uint64_t lent;  /* what wr_origin_sync has made of `loan`: all below is settled or in entries */
    uint64_t
        sure; /* [lent, sure) have been committed while they are lent, which entries that are made
                      later say of them; up to `lent`: none */
    uint64_t done;
    uint64_t committed; /* the highest number of which a sink has committed anything */
    uint64_t counts[WR_OUTCOMES];
    struct wr_entry *entries; /* sorted: [entries_head, entries_head + entries_count) */
    size_t entries_head, entries_count, entries_cap;
    size_t held;              /* items with references; and one for each state that looks at it */
    struct wr_budget *budget; /* to which long books are charged, as slots; NULL: none */
    /* Durable position, only with `positions`: from ends[ends_head] on the numbers of the items from
     * ends_first on, without those in gaps; they may carry WR_END_INSIDE and WR_END_LEFT_OUT. */
    struct wr_positions *positions; /* NULL: none */
    uint64_t *ends;
    uint64_t ends_first;
    size_t ends_head, ends_count, ends_cap;
    struct wr_gap *gaps; /* sorted: [gaps_head, gaps_head + gaps_count) */
    size_t gaps_head, gaps_count, gaps_cap;
    uint64_t gaps_items;              /* in all of them */
    uint64_t done_end;                /* number of item `done`, without WR_END_LEFT_OUT */
    uint64_t left_out, left_out_done; /* items that nobody was given: all, and those up to `done` */
    void (*gone)(struct wr_origin *origin,
                 void *ctx); /* ended and nothing held: the last call, frees */
    void *gone_ctx;
    struct wr_list link;    /* in the list of its scope */
    struct wr_origin *more; /* the next part of the same source; NULL */
    bool leaves;            /* this part is over with its loan */
    char name[64];
};

/* Prepare an origin. `gone` is called once, when it has ended and nothing is held any more. */
void wr_origin_init(struct wr_origin *origin, uint32_t id, const char *name);
void wr_origin_fini(struct wr_origin *origin);
/* The generator of this origin is gone. May call `gone`. */
void wr_origin_end(struct wr_origin *origin);

/* The loan so far is over; n more items are given and lent. n = 0: the reader asks past all that
 * was lent. */
static inline void wr_origin_lend(struct wr_origin *origin, uint64_t n)
{
    origin->loan = origin->given + 1;
    origin->given += n;
}

/* Bring counts and done up to date. */
void wr_origin_sync(struct wr_origin *origin);

/* From now on the origin keeps a number for each item given, of which `positions` know the meaning;
 * they are the origin's then. start: where it begins. */
void wr_origin_keep_positions(struct wr_origin *origin, struct wr_positions *positions,
                              uint64_t start);
/* The number of the item that will be given next; before wr_origin_lend. */
int wr_origin_push_end(struct wr_origin *origin, uint64_t end);
/* 0: so many pushes will not fail. WEIR_ENOMEM. */
int wr_origin_reserve_ends(struct wr_origin *origin, size_t more);
/* The item that was given last goes on: its number from now on. */
void wr_origin_amend_end(struct wr_origin *origin, uint64_t end);
/* The number of item `seq`, which is lent: no gap lies behind it. */
static inline uint64_t wr_origin_number(const struct wr_origin *origin, uint64_t seq)
{
    return origin
        ->ends[origin->ends_head + (size_t)(seq - origin->ends_first - origin->gaps_items)];
}
/* The number of item `done`: where a restart goes on. */
uint64_t wr_origin_done_end(struct wr_origin *origin);

/* Where item `seq`, which has been given and has not settled, begins: the text of its position, as
 * snprintf; 0: it is not known. */
size_t wr_origin_position(struct wr_origin *origin, uint64_t seq, char *to, size_t cap);

/* Its source should wait for the budget before it gives more: the books are long, since an item far
 * behind has not settled, and slots have taken their half. */
bool wr_origin_is_full(struct wr_origin *origin);

/* Before a chain is torn down. */
void wr_origin_seal(struct wr_origin *origin);
/* delivered + filtered + rejected + dropped so far, with what is settled implicitly; in flight =
 * given - that. */
void wr_origin_counts(struct wr_origin *origin, uint64_t counts[WR_OUTCOMES]);

/* What wr_run_ref, _unref and _tell do for an origin. */
int wr_origin_ref(struct wr_origin *origin, uint64_t first, uint64_t bits);
void wr_origin_unref(struct wr_origin *origin, uint64_t first, uint64_t bits, enum wr_act act);
void wr_origin_tell(struct wr_origin *origin, uint64_t first, uint64_t bits, enum wr_act act);
/* The same for all numbers in [from, last]. */
void wr_origin_tell_all(struct wr_origin *origin, uint64_t from, uint64_t last, enum wr_act act);

/* The `done` that would be if these runs (wr_runs_flatten) were let go of as committed: 0 and *done, or
 * WEIR_ENOMEM. Items that are lent stay open, whoever was put them: more may be made of them. */
int wr_origin_done_without(struct wr_origin *origin, const struct wr_runs *flat, uint64_t *done);
/* The number of item `seq`, at or behind `done` and of those that wr_origin_done_without has given;
 * *left_out: as left_out_done up to there. */
uint64_t wr_origin_number_at(struct wr_origin *origin, uint64_t seq, uint64_t *left_out);

/* ---- between bytes_origin.c and bytes_position.c */

/* `done` has moved: the numbers of the items before it go. */
void wr_origin_drop_ends(struct wr_origin *origin);
/* Then a row of 64 numbers below `lent` that has no entry has settled as a whole. */
void wr_origin_take_out_what_is_over(struct wr_origin *origin);
/* Where the row of an entry begins; UINT64_MAX: there are not so many. */
uint64_t wr_origin_open_row(const struct wr_origin *origin, size_t index);

/* Of each array of an origin's books so much is not charged. */
enum { WR_BOOKS_FREE_BYTES = 8 * 1024 };

/* What is charged of an array of so many bytes. */
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
/* How many elements an array that is full should have room for. */
static inline size_t wr_books_larger(size_t cap, size_t bytes_each)
{
    return cap == 0 ? 8 : wr_books_weight(cap * bytes_each) > 0 ? cap + cap / 4 : cap * 2;
}
/* The same for one of `cap` that holds `count` and is to be smaller. */
static inline size_t wr_books_smaller(size_t cap, size_t count, size_t bytes_each)
{
    while (wr_books_weight(cap * bytes_each) > 0 && count <= cap / 4) {
        cap /= 2;
    }
    return cap;
}

static inline struct wr_origin *wr_origin_of(struct weir_receipt *receipt)
{
    return WR_OWNER(receipt, struct wr_origin, receipt);
}

#endif
