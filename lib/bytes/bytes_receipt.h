/*
 * bytes_receipt.h - receipts: references to source items, and how they go.
 *
 * (receipt, seq) names an item. A receipt is one of two things. An origin (bytes_origin.h) stands
 * for a whole source and keeps the books of its items. A group vouches for several runs of items at
 * once, of one origin or more (one output made of many inputs): it has one count, and when that
 * falls to nought each item in it loses one reference.
 *
 * Whoever holds items holds them as runs: a queue in its slots, a sink what it was put and has not
 * committed, a body what it has pulled and not vouched for, a batch its parts. Nothing here
 * suspends or calls out, but for an origin's `gone`.
 */
#ifndef WR_BYTES_RECEIPT_H
#define WR_BYTES_RECEIPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <weir/item.h>

enum wr_receipt_kind { WR_RECEIPT_ORIGIN = 0, WR_RECEIPT_GROUP };

/* What both kinds begin with. */
struct weir_receipt {
    uint8_t kind;
};

/* How a reference goes. The first four say an outcome, also when others still hold the item. */
enum wr_act {
    WR_ACT_COMMIT = 0, /* a sink has it: delivered */
    WR_ACT_FILTER,
    WR_ACT_REJECT,
    WR_ACT_DROP,
    WR_ACT_RELEASE, /* the holder is done with it: delivered, unless the origin is sealed: then as
                       ABANDON */
    WR_ACT_LOAN,    /* the end of a counted loan: delivered, unless the origin is sealed: then as
                       NEUTRAL */
    WR_ACT_NEUTRAL, /* says nothing: settles only by an outcome that others told */
    WR_ACT_ABANDON, /* lost on the way: the item never settles, whatever was told about it */
    WR_ACT_PAST /* its reader asked past it: delivered unless somebody else holds it, also when the
                   origin is sealed */
};

/*
 * Up to 64 items of one receipt are named by a number and a set of bits: bit k stands for number
 * first + k. `first` is 1, 65, 129 ..., so that the usual pulls of 64 are one run each, which costs
 * as much as one item, whichever of the 64 it names.
 */
struct wr_run {
    struct weir_receipt *receipt;
    uint64_t first, bits;
};

static inline uint64_t wr_run_first(uint64_t seq)
{
    return ((seq - 1) & ~UINT64_C(63)) + 1;
}
static inline struct wr_run wr_run_of(struct weir_receipt *receipt, uint64_t seq)
{
    uint64_t first = wr_run_first(seq);
    return (struct wr_run){receipt, first, UINT64_C(1) << (seq - first)};
}
/* The numbers from `from` to `last`, as far as they lie in one run. */
static inline struct wr_run wr_run_from(struct weir_receipt *receipt, uint64_t from, uint64_t last)
{
    uint64_t first = wr_run_first(from);
    uint64_t below = last - first >= 63 ? ~UINT64_C(0) : (UINT64_C(2) << (last - first)) - 1;
    return (struct wr_run){receipt, first, below & (~UINT64_C(0) << (from - first))};
}
/* The highest number in it. */
static inline uint64_t wr_run_last(const struct wr_run *run)
{
    return run->first + 63 - (uint64_t)__builtin_clzll(run->bits);
}

/* One more reference to each item. 0 or WEIR_ENOMEM (then nothing changed). */
int wr_run_ref(const struct wr_run *run);
/* One reference less, by this act. Never fails. */
void wr_run_unref(const struct wr_run *run, enum wr_act act);
/* Say the outcome of items that are lent or held. Without memory it is not noted. */
void wr_run_tell(const struct wr_run *run, enum wr_act act);
/* The number of the source behind it, for weir_item.origin; 0: several, perhaps. */
uint32_t wr_receipt_origin_id(const struct weir_receipt *receipt);
/* The first origin behind a receipt that keeps no positions; NULL: all of them do. */
const struct wr_origin *wr_receipt_unplaced(const struct weir_receipt *receipt);

/* As wr_run_ref for all numbers in [from, last]. */
int wr_receipt_ref_all(struct weir_receipt *receipt, uint64_t from, uint64_t last);

/* The same for any items: NULL receipts are passed over. */
int wr_items_ref(const weir_item *items, size_t count);
void wr_items_unref(const weir_item *items, size_t count, enum wr_act act);
void wr_items_tell(const weir_item *items, size_t count, enum wr_act act);
/* Say the outcome of one part of a batch that is held. `whole`: the batch; or the part itself. */
void wr_part_tell(const weir_item *whole, const weir_item *part, enum wr_act act);
/* As a reference that goes by WR_ACT_COMMIT at once. */
void wr_items_commit(const weir_item *items, size_t count);

/* Items that somebody holds, one reference each. Zeroed: none. */
struct wr_runs {
    struct wr_run *all;
    size_t count, cap;
};

/* Take one more reference to each item, and remember it. 0, or WEIR_ENOMEM and nothing changed. */
int wr_runs_add(struct wr_runs *runs, const struct wr_run *run);
/* The same for any items. On WEIR_ENOMEM the first of them may have been added. */
int wr_runs_add_items(struct wr_runs *runs, const weir_item *items, size_t count);
/* Let all references go by this act. The memory stays for the next ones. */
void wr_runs_let_go(struct wr_runs *runs, enum wr_act act);
/* Free the memory. What is still remembered is not let go: call wr_runs_let_go first. */
void wr_runs_fini(struct wr_runs *runs);

/* What letting all of them go would let go of in the books of origins: groups that would be over are
 * taken apart. *flat is new and holds no references: free flat->all. 0 or WEIR_ENOMEM. */
int wr_runs_flatten(const struct wr_runs *runs, struct wr_runs *flat);

/* A group with one reference, which takes over what the runs hold. NULL: out of memory, nothing
 * changed. */
struct weir_receipt *wr_group_new(struct wr_runs *runs);

#endif
