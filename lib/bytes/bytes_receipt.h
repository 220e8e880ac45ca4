/*
 * bytes_receipt.h - receipts: who still holds which source item, and how each one ended.
 *
 * A source numbers its items 1, 2, 3 ... A weir_receipt of kind ORIGIN stands for the whole source;
 * (receipt, seq) names an item. An item is in one of these states:
 *
 *   lent       given to the source's reader and not yet asked past: [lent, given]. Needs no
 *              bookkeeping at all.
 *   held       somebody keeps it beyond the loan (a queue, a batch, weir_item_keep, a body that has
 *              not vouched yet): counted references, kept as spans of consecutive items with the
 *              same count.
 *   settled    delivered, filtered, rejected or dropped: the word is the act by which the last
 *              reference went.
 *   abandoned  torn down before anything settled it: it stays "in flight" for ever and blocks the
 *              position.
 *
 * `done` is the contiguous prefix of settled items: the durable position. The common stream, in
 * which nobody holds anything, costs two stores a pull: the source says what is lent now
 * (wr_origin_lend), and what that means for the items before is worked out when somebody looks
 * (every function below begins with wr_origin_sync). An item that is lent settles at the end of the
 * loan at the earliest, whatever was told about it: the body it is lent to may still make something
 * of it. The word is the last one told.
 *
 * A receipt of kind GROUP vouches for several spans of one or more origins at once (one output made
 * of many inputs): it has one count, and when that falls to nought each span in it loses one
 * reference.
 *
 * Sealed: before a close, cancel or failure tears a chain down, its source is sealed. From then on
 * commit, filter, settle and reject still count; the end of a loan is neutral; any other release
 * abandons. An item of which one copy was committed and another abandoned does not settle.
 */
#ifndef WR_BYTES_RECEIPT_H
#define WR_BYTES_RECEIPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <weir/item.h>

#include "base_list.h"

enum wr_word { WR_DELIVERED = 0, WR_FILTERED, WR_REJECTED, WR_DROPPED, WR_WORDS };

/* How a reference goes. The first four say a word that stands, also when others still hold the
 * item. */
enum wr_act {
    WR_ACT_COMMIT = 0, /* a sink has it: delivered */
    WR_ACT_FILTER,
    WR_ACT_REJECT,
    WR_ACT_DROP,
    WR_ACT_RELEASE, /* the holder is done with it: delivered, unless the origin is sealed: then as
                       ABANDON */
    WR_ACT_LOAN,    /* the end of a counted loan: delivered, unless the origin is sealed: then as
                       NEUTRAL */
    WR_ACT_NEUTRAL, /* says nothing: settles only by a word that was told */
    WR_ACT_ABANDON, /* lost on the way: the item never settles, whatever was told about it */
    WR_ACT_PAST /* its reader asked past it: delivered unless somebody else holds it, also when the
                   origin is sealed */
};

struct wr_span {
    uint64_t first, last;
    uint32_t refs;
    uint8_t state; /* enum wr_span_state */
    uint8_t word;  /* enum wr_word, meaningful while not settled and told */
    bool told;
    bool doomed; /* a reference was abandoned: it will not settle */
};

struct wr_group_part {
    struct weir_receipt *origin;
    uint64_t first, last;
};

/* In an end offset: it lies inside a line of which nothing more is to be given, so who goes on from
 * there skips to the line's end first. */
#define WR_END_INSIDE (UINT64_C(1) << 63)
/* The item was left out by its own source (a line over the limit): no reader was given it. */
#define WR_END_LEFT_OUT (UINT64_C(1) << 62)

enum wr_receipt_kind { WR_RECEIPT_ORIGIN = 0, WR_RECEIPT_GROUP };

struct weir_receipt {
    uint8_t kind;
    /* GROUP */
    uint32_t refs;
    uint32_t parts_count;
    struct wr_group_part *parts;
    /* ORIGIN */
    uint32_t id; /* weir_item.origin */
    bool sealed;
    bool ended;     /* its generator is gone: freed when nothing is held any more */
    uint64_t given; /* the highest number given */
    uint64_t loan;  /* the lowest number that is lent now; given + 1: none */
    uint64_t lent;  /* what wr_origin_sync has seen of `loan` */
    uint64_t done;
    uint64_t committed; /* the highest number of which a sink has committed anything */
    uint64_t counts[WR_WORDS];
    struct wr_span
        *spans; /* sorted, disjoint, all above done; [spans_head, spans_head + spans_count) */
    size_t spans_head, spans_count, spans_cap;
    size_t held; /* spans with refs > 0 */
    /* Durable position, only when `ends` is on: ends_ring[seq - ends_first] is the offset behind
     * item seq, which may carry WR_END_INSIDE and WR_END_LEFT_OUT. */
    bool keeps_ends;
    uint64_t *ends;
    uint64_t ends_first; /* the seq of ends[ends_head] */
    size_t ends_head, ends_count, ends_cap;
    uint64_t done_end;                /* offset behind item `done`, without WR_END_LEFT_OUT */
    uint64_t left_out, left_out_done; /* items that nobody was given: all, and those up to `done` */
    void (*gone)(struct weir_receipt *origin,
                 void *ctx); /* ended and nothing held: the last call, frees */
    void *gone_ctx;
    struct wr_list link; /* in the loop's list of origins */
    char name[64];
};

/* Prepare an origin. `gone` is called once, when it has ended and nothing is held any more. */
void wr_origin_init(struct weir_receipt *origin, uint32_t id, const char *name);
void wr_origin_fini(struct weir_receipt *origin);
/* The generator of this origin is gone. May call `gone`. */
void wr_origin_end(struct weir_receipt *origin);

/* The loan so far is over; n more items are given and lent. n = 0: the reader asks past all that
 * was lent. */
static inline void wr_origin_lend(struct weir_receipt *origin, uint64_t n)
{
    origin->loan = origin->given + 1;
    origin->given += n;
}

/* Bring spans, counts and done up to date. */
void wr_origin_sync(struct weir_receipt *origin);

/* 0 or WEIR_ENOMEM. From now on the origin keeps offsets: wr_origin_end_of for each item given. */
int wr_origin_keep_ends(struct weir_receipt *origin, uint64_t start);
/* The offset behind the item that will be given next; before wr_origin_lend. */
int wr_origin_push_end(struct weir_receipt *origin, uint64_t end);
/* The offset behind item `done`: where a restart goes on. */
uint64_t wr_origin_done_end(struct weir_receipt *origin);

/* Before a chain is torn down. */
void wr_origin_seal(struct weir_receipt *origin);
/* delivered + filtered + rejected + dropped so far, with what is settled implicitly; in flight =
 * given - that. */
void wr_origin_counts(struct weir_receipt *origin, uint64_t counts[WR_WORDS]);

/* One more reference to each of [first, last]. 0 or WEIR_ENOMEM (then nothing changed). */
int wr_receipt_ref(struct weir_receipt *receipt, uint64_t first, uint64_t last);
/* One reference less, by this act. Never fails: when a span cannot be split for want of memory, its
 * items are abandoned, which holds the position back and is counted as in flight: late, never lost.
 */
void wr_receipt_unref(struct weir_receipt *receipt, uint64_t first, uint64_t last, enum wr_act act);
/* Say the word for items that are lent or held: it settles them now, or when the last reference
 * goes. */
void wr_receipt_tell(struct weir_receipt *receipt, uint64_t first, uint64_t last, enum wr_act act);

/* The first origin behind a receipt that keeps no positions; NULL: all of them do. */
const struct weir_receipt *wr_receipt_unplaced(const struct weir_receipt *receipt);

/* A group with one reference over the parts, each of which must already be referenced for it: the
 * group takes these references over. NULL: out of memory, nothing changed. */
struct weir_receipt *wr_group_new(const struct wr_group_part *parts, size_t count);

/* The same for runs of items: NULL receipts are passed over. */
int wr_items_ref(const weir_item *items, size_t count);
void wr_items_unref(const weir_item *items, size_t count, enum wr_act act);
void wr_items_tell(const weir_item *items, size_t count, enum wr_act act);

#endif
