/*
 * bytes_entry.h - what is known about 64 consecutive items of an origin, as bit planes. Internal to
 * bytes_origin.c.
 *
 * One plane says which items have settled, three hold the outcome of each, and there is one plane
 * for each binary digit of the counts of references. So an act on all 64 items takes a few
 * instructions, as an act on one does. Nothing here suspends or calls out, except for memory.
 */
#ifndef WR_BYTES_ENTRY_H
#define WR_BYTES_ENTRY_H

#include <stdbool.h>
#include <stdint.h>

#include "base_alloc.h"
#include "base_error.h"

enum { WR_ENTRY_PLANES = 2, WR_ENTRY_PLANES_MORE = 30 };

/* The state that an act gives to an item. Of two states the higher one wins. */
enum {
    WR_IS_OPEN = 0,
    WR_IS_FILTERED = 1,
    WR_IS_DELIVERED = 2,
    WR_IS_REJECTED = 3,
    WR_IS_DROPPED = 4,
    WR_IS_ABANDONED = 5
};

/* The higher digits of the counts, for entries with an item of more than 3 references. */
struct wr_more_refs {
    uint64_t planes[WR_ENTRY_PLANES_MORE];
    int count; /* planes in use: those from `count` on are 0 */
};

struct wr_entry {
    uint64_t first;   /* 1, 65, ...; bit k stands for first + k */
    uint64_t settled; /* counted: nothing more can happen to these items */
    uint64_t outcome[3];
    uint64_t refs[WR_ENTRY_PLANES];
    struct wr_more_refs *more;
};

/* Not by the popcount instruction, which not every processor has. */
static inline uint64_t wr_count_bits(uint64_t bits)
{
    bits -= bits >> 1 & UINT64_C(0x5555555555555555);
    bits = (bits & UINT64_C(0x3333333333333333)) + (bits >> 2 & UINT64_C(0x3333333333333333));
    bits = (bits + (bits >> 4)) & UINT64_C(0x0f0f0f0f0f0f0f0f);
    return bits * UINT64_C(0x0101010101010101) >> 56;
}

/* The bits of an entry that stand for numbers below `end`. */
static inline uint64_t wr_entry_below(const struct wr_entry *entry, uint64_t end)
{
    return end <= entry->first        ? 0
           : end - entry->first >= 64 ? ~UINT64_C(0)
                                      : (UINT64_C(1) << (end - entry->first)) - 1;
}

/* The items with at least one reference. */
static inline uint64_t wr_entry_referenced(const struct wr_entry *entry)
{
    uint64_t bits = entry->refs[0] | entry->refs[1];
    if (WR_UNLIKELY(entry->more != NULL)) {
        for (int i = 0; i < entry->more->count; i++) {
            bits |= entry->more->planes[i];
        }
    }
    return bits;
}

/* The items with an outcome. */
static inline uint64_t wr_entry_ended(const struct wr_entry *entry)
{
    return entry->outcome[0] | entry->outcome[1] | entry->outcome[2];
}

/* Add one to the counts of these items. False: out of memory, nothing changed. */
static inline bool wr_entry_ref(struct wr_entry *entry, uint64_t bits)
{
    uint64_t over = bits & entry->refs[0] & entry->refs[1]; /* these need a third digit or more */
    if (over != 0 && entry->more == NULL) {
        entry->more = wr_zalloc(sizeof *entry->more);
        if (entry->more == NULL) {
            return false;
        }
    }
    uint64_t carry = bits & entry->refs[0];
    entry->refs[0] ^= bits;
    entry->refs[1] ^= carry;
    for (int i = 0; over != 0; i++) {
        WR_ASSERT(i < WR_ENTRY_PLANES_MORE, "an item is held more than 4,000,000,000 times");
        uint64_t next = over & entry->more->planes[i];
        entry->more->planes[i] ^= over;
        entry->more->count = WR_MAX(entry->more->count, i + 1);
        over = next;
    }
    return true;
}

/* Take one from the counts of these items, which are all referenced. */
static inline void wr_entry_unref(struct wr_entry *entry, uint64_t bits)
{
    uint64_t borrow = bits & ~entry->refs[0];
    entry->refs[0] ^= bits;
    bits = borrow & ~entry->refs[1];
    entry->refs[1] ^= borrow;
    for (int i = 0; bits != 0; i++) {
        borrow = bits & ~entry->more->planes[i];
        entry->more->planes[i] ^= bits;
        bits = borrow;
    }
    while (entry->more != NULL && entry->more->count > 0 &&
           entry->more->planes[entry->more->count - 1] == 0) {
        entry->more->count--;
    }
}

/* Set an outcome; an item that has a higher one keeps it. */
static inline void wr_entry_raise(struct wr_entry *entry, uint64_t bits, unsigned outcome)
{
    uint64_t *o = entry->outcome;
    switch (outcome) {
    case WR_IS_FILTERED: o[0] |= bits & ~(o[1] | o[2]); break;
    case WR_IS_DELIVERED:
        bits &= ~(o[1] | o[2]);
        o[0] &= ~bits;
        o[1] |= bits;
        break;
    case WR_IS_REJECTED:
        bits &= ~o[2];
        o[0] |= bits;
        o[1] |= bits;
        break;
    case WR_IS_DROPPED:
        bits &= ~o[2];
        o[0] &= ~bits;
        o[1] &= ~bits;
        o[2] |= bits;
        break;
    default:
        o[0] |= bits;
        o[1] &= ~bits;
        o[2] |= bits;
        break;
    }
}

#endif
