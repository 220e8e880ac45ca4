/*
 * bytes_receipt.h - receipts: references to source items, and how they are released.
 *
 * (receipt, seq) names an item. A receipt is one of two things. An origin (bytes_origin.h) stands
 * for a whole source and keeps the records of its items. A group vouches for several runs of items
 * at once, of one origin or more (one output made of many inputs). It has one count; when the count
 * becomes zero, each item in it loses one reference.
 *
 * Every holder has its items as runs: a queue the items in its slots, a sink what was put to it and
 * is not committed, a body what it has pulled and not vouched for, a batch its parts. Nothing here
 * suspends or calls out, except an origin's `gone`.
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

/* How a reference is released. The first four set an outcome, even when other holders still have
 * the item. */
enum wr_act {
    WR_ACT_COMMIT = 0, /* a sink has it: delivered */
    WR_ACT_FILTER,
    WR_ACT_REJECT,
    WR_ACT_DROP,
    WR_ACT_RELEASE, /* the holder is done with it: delivered, unless the origin is sealed: then as
                       ABANDON */
    WR_ACT_LOAN,    /* the end of a counted loan: delivered, unless the origin is sealed: then as
                       NEUTRAL */
    WR_ACT_NEUTRAL, /* says nothing: the item settles only with an outcome from another act */
    WR_ACT_ABANDON, /* lost on the way: the item never settles, whatever outcome it has */
    WR_ACT_PAST /* its reader pulled past it: delivered unless another holder has it, even when the
                   origin is sealed */
};

/*
 * A number and a set of bits name up to 64 items of one receipt: bit k stands for number first + k.
 * `first` is 1, 65, 129 ..., so that each of the usual pulls of 64 is one run. A run costs as much
 * as one item, whatever bits are set.
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
/* The numbers from `from` to `last`, as far as they are in one run. */
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
/* Release one reference to each item with this act. Never fails. */
void wr_run_unref(const struct wr_run *run, enum wr_act act);
/* Set the outcome of items that are lent or held. Without memory it is not recorded. */
void wr_run_tell(const struct wr_run *run, enum wr_act act);
/* The id of the receipt's source, for weir_item.origin; 0: there may be several. */
uint32_t wr_receipt_origin_id(const struct weir_receipt *receipt);
/* The first origin of a receipt that keeps no positions; NULL: all of them keep positions. */
const struct wr_origin *wr_receipt_unplaced(const struct weir_receipt *receipt);

/* As wr_run_ref for all numbers in [from, last]. */
int wr_receipt_ref_all(struct weir_receipt *receipt, uint64_t from, uint64_t last);

/* The same for any items; those without a receipt are skipped. */
int wr_items_ref(const weir_item *items, size_t count);
void wr_items_unref(const weir_item *items, size_t count, enum wr_act act);
void wr_items_tell(const weir_item *items, size_t count, enum wr_act act);
/* Set the outcome of one part of a batch that is held. `whole`: the batch, or the part itself. */
void wr_part_tell(const weir_item *whole, const weir_item *part, enum wr_act act);
/* Give a part of a batch that is lent, or held as a whole, a receipt of its own: what the batch holds
 * for it. *hint: 0 for the first part of a batch. */
void wr_part_vouch(const weir_item *whole, weir_item *part, size_t *hint);
/* As if a reference were taken and released with WR_ACT_COMMIT at once. */
void wr_items_commit(const weir_item *items, size_t count);

/* The items of a holder, one reference each. Zeroed: none. */
struct wr_runs {
    struct wr_run *all;
    size_t count, cap;
};

/* Take one more reference to each item, and remember it. 0, or WEIR_ENOMEM and nothing changed. */
int wr_runs_add(struct wr_runs *runs, const struct wr_run *run);
/* The same for any items. On WEIR_ENOMEM the first of them may have been added. */
int wr_runs_add_items(struct wr_runs *runs, const weir_item *items, size_t count);
/* Release all references with this act. The memory stays for the next ones. */
void wr_runs_let_go(struct wr_runs *runs, enum wr_act act);
/* Free the memory. References that are still remembered are not released: call wr_runs_let_go
 * first. */
void wr_runs_fini(struct wr_runs *runs);

/* The references to items of origins that would be released with all of these runs: a group that
 * would lose its last reference is replaced by its runs. *flat is new and holds no references: free
 * flat->all. 0 or WEIR_ENOMEM. */
int wr_runs_flatten(const struct wr_runs *runs, struct wr_runs *flat);

/* Make a group with one reference. It takes over the references of the runs. NULL: out of memory,
 * nothing changed. */
struct weir_receipt *wr_group_new(struct wr_runs *runs);

#endif
