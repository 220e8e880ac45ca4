/*
 * bytes_origin.c - the records of a source's items: see the header for their states.
 *
 * 64 consecutive numbers share one entry (bytes_entry.h). Entries are a sorted array with a head
 * offset: new items are touched at the tail, old ones settle at the head. Entries in which
 * everything has settled are removed when the array would have to grow. A number below `lent`
 * without an entry is settled; a number from `lent` on without an entry is untouched.
 *
 * Called by sources (lend), by the holders of items (queues, batches, bodies) and by sinks when
 * they commit. Nothing here suspends or calls out, except `gone`. When there is no memory for an
 * entry, a reference fails and an outcome is not recorded.
 */
#include "bytes_origin.h"

#include <string.h>

#include "base_alloc.h"
#include "base_error.h"
#include "bytes_entry.h"

enum {
    SMALL_BYTES = 64 * 1024 /* an origin that charges this or less never makes its source wait */
};

static struct wr_entry *entry_at(const struct wr_origin *origin, size_t index)
{
    return &origin->entries[origin->entries_head + index];
}

void wr_origin_init(struct wr_origin *origin, uint32_t id, const char *name)
{
    memset(origin, 0, sizeof *origin);
    origin->receipt.kind = WR_RECEIPT_ORIGIN;
    origin->id = id;
    origin->loan = origin->lent = 1;
    wr_list_init(&origin->link);
    origin->name = name;
}

void wr_origin_fini(struct wr_origin *origin)
{
    for (size_t i = 0; i < origin->entries_count; i++) {
        wr_free(entry_at(origin, i)->more);
    }
    wr_books_charge(origin->budget, origin->entries_cap * sizeof *origin->entries, 0);
    wr_free(origin->entries);
    origin->entries = NULL;
    origin->entries_count = origin->entries_cap = origin->entries_head = 0;
    wr_free(origin->path);
    origin->path = NULL;
    struct wr_positions *kept = origin->positions;
    if (kept != NULL) {
        wr_books_charge(origin->budget, kept->ends_cap * sizeof *kept->ends, 0);
        wr_books_charge(origin->budget, kept->gaps_cap * sizeof *kept->gaps, 0);
        wr_free(kept->ends);
        wr_free(kept->gaps);
        origin->positions = NULL;
        kept->ops->drop(kept);
    }
}

static void check_gone(struct wr_origin *origin)
{
    if (origin->ended && origin->held == 0 && origin->gone != NULL) {
        void (*gone)(struct wr_origin *, void *) = origin->gone;
        origin->gone = NULL;
        gone(origin, origin->gone_ctx);
    }
}

void wr_origin_end(struct wr_origin *origin)
{
    wr_origin_lend(origin, 0);
    wr_origin_sync(origin);
    origin->ended = true;
    check_gone(origin);
}

/* ---- one entry */

/* Nothing more can happen to these items: count those that have settled. */
static inline void settle(struct wr_origin *origin, struct wr_entry *entry, uint64_t bits)
{
    const uint64_t *o = entry->outcome;
    bits &= wr_entry_ended(entry) & ~(o[0] & o[2]) & ~entry->settled;
    entry->settled |= bits;
    uint64_t delivered = bits & ~o[0] & o[1];
    origin->counts[WR_DELIVERED] += wr_count_bits(delivered);
    if (bits != delivered) {
        origin->counts[WR_FILTERED] += wr_count_bits(bits & o[0] & ~o[1]);
        origin->counts[WR_REJECTED] += wr_count_bits(bits & o[0] & o[1]);
        origin->counts[WR_DROPPED] += wr_count_bits(bits & o[2]);
    }
}

/* ---- entries */

/* Has everything in the entry settled, so that a missing entry means the same? */
static inline bool is_over(const struct wr_origin *origin, const struct wr_entry *entry)
{
    return entry->settled == ~UINT64_C(0) && entry->first + 64 <= origin->lent;
}

static bool resize_entries(struct wr_origin *origin, size_t cap)
{
    struct wr_entry *entries = wr_realloc(origin->entries, cap * sizeof *entries);
    if (entries == NULL) {
        return false;
    }
    wr_books_charge(origin->budget, origin->entries_cap * sizeof *entries, cap * sizeof *entries);
    origin->entries = entries;
    origin->entries_cap = cap;
    return true;
}

void wr_origin_take_out_what_is_over(struct wr_origin *origin)
{
    size_t count = 0;
    for (size_t i = 0; i < origin->entries_count; i++) {
        struct wr_entry *entry = entry_at(origin, i);
        if (is_over(origin, entry)) {
            wr_free(entry->more);
        } else {
            origin->entries[count++] = *entry;
        }
    }
    origin->entries_head = 0;
    origin->entries_count = count;
}

uint64_t wr_origin_open_row(const struct wr_origin *origin, size_t index)
{
    return index < origin->entries_count ? entry_at(origin, index)->first : UINT64_MAX;
}

/* Room for one more entry at the end. */
static bool make_room(struct wr_origin *origin)
{
    if (origin->entries_head + origin->entries_count < origin->entries_cap) {
        return true;
    }
    wr_origin_take_out_what_is_over(origin);
    if (origin->entries_count < origin->entries_cap - origin->entries_cap / 4) {
        return true;
    }
    size_t cap = wr_books_larger(origin->entries_cap, sizeof *origin->entries);
    return resize_entries(origin, cap) || origin->entries_count < origin->entries_cap;
}

/* The index of the entry that begins at `first`, or of the first entry after it. */
static size_t find(const struct wr_origin *origin, uint64_t first)
{
    size_t low = 0, high = origin->entries_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (entry_at(origin, middle)->first < first) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

/* NULL: there is no entry. Most calls ask for the newest entry or the oldest one. */
static inline struct wr_entry *entry_of(const struct wr_origin *origin, uint64_t first)
{
    size_t count = origin->entries_count;
    if (count == 0) {
        return NULL;
    }
    struct wr_entry *head = entry_at(origin, 0), *tail = head + (count - 1);
    if (tail->first <= first) {
        return tail->first == first ? tail : NULL;
    }
    if (head->first == first) {
        return head;
    }
    struct wr_entry *entry = entry_at(origin, find(origin, first));
    return entry->first == first ? entry : NULL;
}

/* The same, but a missing entry is made. NULL: out of memory. */
static struct wr_entry *need_entry(struct wr_origin *origin, uint64_t first)
{
    struct wr_entry *entry = entry_of(origin, first);
    if (entry != NULL || !make_room(origin)) {
        return entry;
    }
    size_t index = find(origin, first);
    entry = entry_at(origin, index);
    memmove(entry + 1, entry, (origin->entries_count - index) * sizeof *entry);
    origin->entries_count++;
    *entry = (struct wr_entry){.first = first};
    entry->settled = wr_entry_below(entry, origin->lent);
    entry->outcome[1] = wr_entry_below(entry, origin->sure) & ~entry->settled;
    return entry;
}

/* ---- the position */

static __attribute__((noinline)) void shrink_entries(struct wr_origin *origin)
{
    size_t cap =
        wr_books_smaller(origin->entries_cap, origin->entries_count, sizeof *origin->entries);
    if (cap < origin->entries_cap) {
        wr_origin_take_out_what_is_over(origin);
        (void)resize_entries(origin, cap);
    }
}

/* Move `done` up to the first item that is not settled. */
static inline void advance(struct wr_origin *origin)
{
    uint64_t open = origin->lent;
    while (origin->entries_count > 0) {
        struct wr_entry *entry = entry_at(origin, 0);
        if (!is_over(origin, entry)) {
            if (entry->settled != ~UINT64_C(0)) {
                open = WR_MIN(open, entry->first + (uint64_t)__builtin_ctzll(~entry->settled));
            }
            break;
        }
        wr_free(entry->more);
        origin->entries_head++;
        origin->entries_count--;
    }
    origin->done = open - 1;
    if (origin->positions != NULL) {
        wr_origin_drop_ends(origin);
    }
    if (WR_UNLIKELY(wr_books_weight(origin->entries_cap * sizeof *origin->entries) > 0)) {
        shrink_entries(origin);
    }
}

/* For a sealed origin: `lent` stops at the first item that has not settled. */
static void move_lent(struct wr_origin *origin, uint64_t end)
{
    while (origin->lent < end) {
        uint64_t first = wr_run_first(origin->lent);
        const struct wr_entry *entry = entry_of(origin, first);
        uint64_t open = entry != NULL ? ~entry->settled & ~wr_entry_below(entry, origin->lent) : 1;
        uint64_t next = open == 0       ? first + 64
                        : entry != NULL ? first + (uint64_t)__builtin_ctzll(open)
                                        : origin->lent;
        if (next == origin->lent) {
            break;
        }
        origin->lent = WR_MIN(next, end);
    }
}

/* The loan of [lent, loan) has ended. In a sealed origin this says nothing about an item: only
 * items with an outcome settle. */
static void end_loan(struct wr_origin *origin)
{
    uint64_t from = origin->lent, end = origin->loan, covered = 0;
    for (size_t i = origin->entries_count; i > 0; i--) {
        struct wr_entry *entry = entry_at(origin, i - 1);
        if (entry->first + 64 <= from) {
            break;
        }
        if (entry->first >= end) {
            continue;
        }
        covered += WR_MIN(end, entry->first + 64) - WR_MAX(from, entry->first);
        uint64_t bits =
            wr_entry_below(entry, end) & ~wr_entry_below(entry, from) & ~wr_entry_referenced(entry);
        if (bits == 0) {
            continue;
        }
        if (!origin->sealed) {
            wr_entry_raise(entry, bits & ~wr_entry_ended(entry), WR_IS_DELIVERED);
        }
        settle(origin, entry, bits);
    }
    if (!origin->sealed) {
        origin->counts[WR_DELIVERED] += end - from - covered;
        origin->lent = end;
    } else {
        move_lent(origin, end);
    }
    advance(origin);
}

static inline void sync(struct wr_origin *origin)
{
    if (origin->lent == origin->loan) {
        return;
    }
    if (origin->entries_count > 0 || origin->sealed || origin->positions != NULL ||
        WR_UNLIKELY(wr_books_weight(origin->entries_cap * sizeof *origin->entries) > 0)) {
        end_loan(origin);
        return;
    }
    origin->counts[WR_DELIVERED] += origin->loan - origin->lent;
    origin->lent = origin->loan;
    origin->done = origin->loan - 1;
}

void wr_origin_sync(struct wr_origin *origin)
{
    sync(origin);
}

/* By how many bytes an array would grow; 0 if it is not charged. */
static size_t growth(size_t cap, size_t bytes_each)
{
    return wr_books_weight(cap * bytes_each) > 0
               ? wr_books_larger(cap, bytes_each) * bytes_each - cap * bytes_each
               : 0;
}

bool wr_origin_is_full(struct wr_origin *origin)
{
    struct wr_budget *budget = origin->budget;
    if (budget == NULL || budget->slots < budget->limit / 2) {
        return false;
    }
    sync(origin);
    const struct wr_positions *kept = origin->positions;
    size_t ends_cap = kept != NULL ? kept->ends_cap : 0;
    size_t gaps_cap = kept != NULL ? kept->gaps_cap : 0;
    if (wr_books_weight(origin->entries_cap * sizeof *origin->entries) +
            wr_books_weight(ends_cap * sizeof *kept->ends) +
            wr_books_weight(gaps_cap * sizeof *kept->gaps) + (kept != NULL ? kept->bytes : 0) <=
        SMALL_BYTES) {
        return false;
    }
    budget->asked = (int64_t)WR_MAX(growth(origin->entries_cap, sizeof *origin->entries),
                                    growth(ends_cap, sizeof *kept->ends));
    return true;
}

void wr_origin_seal(struct wr_origin *origin)
{
    sync(origin);
    for (uint64_t first = wr_run_first(origin->lent); first < origin->sure; first += 64) {
        (void)need_entry(origin, first);
    }
    origin->sealed = true;
}

void wr_origin_counts(struct wr_origin *origin, uint64_t counts[WR_OUTCOMES])
{
    wr_origin_sync(origin);
    memcpy(counts, origin->counts, sizeof origin->counts);
}

/* ---- references and outcomes */

static const uint8_t outcomes[] = {WR_IS_DELIVERED, WR_IS_FILTERED, WR_IS_REJECTED, WR_IS_DROPPED};

static bool says_outcome(enum wr_act act)
{
    return act <= WR_ACT_DROP;
}

static void committed(struct wr_origin *origin, uint64_t first, uint64_t bits)
{
    struct wr_run run = {&origin->receipt, first, bits};
    origin->committed = WR_MAX(origin->committed, wr_run_last(&run));
}

int wr_origin_ref(struct wr_origin *origin, uint64_t first, uint64_t bits)
{
    sync(origin);
    struct wr_entry *entry = need_entry(origin, first);
    if (entry == NULL) {
        return WEIR_ENOMEM;
    }
    uint64_t fresh = bits & ~wr_entry_referenced(entry);
    if (!wr_entry_ref(entry, bits)) {
        return WEIR_ENOMEM;
    }
    origin->held += wr_count_bits(fresh);
    return 0;
}

void wr_origin_unref(struct wr_origin *origin, uint64_t first, uint64_t bits, enum wr_act act)
{
    sync(origin);
    struct wr_entry *entry = entry_of(origin, first);
    bits &= entry != NULL ? wr_entry_referenced(entry) : 0;
    if (bits == 0) {
        return;
    }
    if (says_outcome(act)) {
        wr_entry_raise(entry, bits, outcomes[act]);
    } else if (act == WR_ACT_ABANDON || (act == WR_ACT_RELEASE && origin->sealed)) {
        wr_entry_raise(entry, bits, WR_IS_ABANDONED);
    }
    if (act == WR_ACT_COMMIT) {
        committed(origin, first, bits);
    }
    wr_entry_unref(entry, bits);
    bits &= ~wr_entry_referenced(entry);
    if (bits == 0) {
        return;
    }
    origin->held -= wr_count_bits(bits);
    bits &= wr_entry_below(entry, origin->loan);
    if (bits != 0) { /* the others settle at the end of the loan */
        bool neutral = act == WR_ACT_NEUTRAL || (act == WR_ACT_LOAN && origin->sealed);
        wr_entry_raise(entry, bits & ~wr_entry_ended(entry),
                       neutral ? WR_IS_ABANDONED : WR_IS_DELIVERED);
        settle(origin, entry, bits);
        advance(origin);
    }
    check_gone(origin);
}

/* Do these items have no entry and directly follow those that are sure? */
static inline bool is_next(const struct wr_origin *origin, uint64_t first, uint64_t bits)
{
    uint64_t next = WR_MAX(origin->lent, origin->sure);
    return !origin->sealed && first + (uint64_t)__builtin_ctzll(bits) == next &&
           (bits & (bits + (bits & -bits))) == 0 && entry_of(origin, first) == NULL;
}

void wr_origin_tell(struct wr_origin *origin, uint64_t first, uint64_t bits, enum wr_act act)
{
    WR_ASSERT(says_outcome(act), "only an outcome can be set");
    sync(origin);
    if (act == WR_ACT_COMMIT) {
        committed(origin, first, bits);
        if (is_next(origin, first, bits)) {
            origin->sure = first + 64 - (uint64_t)__builtin_clzll(bits);
            return;
        }
    }
    struct wr_entry *entry = need_entry(origin, first);
    if (entry != NULL) {
        wr_entry_raise(entry, bits & ~entry->settled, outcomes[act]);
    }
}

void wr_origin_tell_all(struct wr_origin *origin, uint64_t from, uint64_t last, enum wr_act act)
{
    while (from <= last) {
        struct wr_run run = wr_run_from(&origin->receipt, from, last);
        wr_origin_tell(origin, run.first, run.bits, act);
        from = run.first + 64;
    }
}

/* ---- what would be */

/* Copies of all entries. NULL: out of memory. */
static struct wr_entry *copy_entries(const struct wr_origin *origin)
{
    struct wr_entry *copies = wr_alloc(WR_MAX(origin->entries_count, (size_t)1) * sizeof *copies);
    bool copied = copies != NULL;
    for (size_t i = 0; copies != NULL && i < origin->entries_count; i++) {
        copies[i] = *entry_at(origin, i);
        if (copies[i].more != NULL) {
            struct wr_more_refs *more = copied ? wr_alloc(sizeof *more) : NULL;
            if (more != NULL) {
                *more = *copies[i].more;
            }
            copied = more != NULL;
            copies[i].more = more;
        }
    }
    if (copies != NULL && !copied) {
        for (size_t i = 0; i < origin->entries_count; i++) {
            wr_free(copies[i].more);
        }
        wr_free(copies);
        copies = NULL;
    }
    return copies;
}

/* The items of an entry that are settled, or would be according to its copy. */
static uint64_t would_settle(const struct wr_origin *origin, const struct wr_entry *copy)
{
    uint64_t abandoned = copy->outcome[0] & copy->outcome[2];
    return copy->settled | (wr_entry_ended(copy) & ~abandoned & ~wr_entry_referenced(copy) &
                            wr_entry_below(copy, origin->loan));
}

int wr_origin_done_without(struct wr_origin *origin, const struct wr_runs *flat, uint64_t *done)
{
    sync(origin);
    struct wr_entry *copies = copy_entries(origin);
    if (copies == NULL) {
        return WEIR_ENOMEM;
    }
    for (size_t i = 0; i < flat->count; i++) {
        const struct wr_run *run = &flat->all[i];
        size_t index = find(origin, run->first);
        if (run->receipt == &origin->receipt && index < origin->entries_count &&
            copies[index].first == run->first) {
            uint64_t bits = run->bits & wr_entry_referenced(&copies[index]);
            wr_entry_raise(&copies[index], bits, WR_IS_DELIVERED);
            wr_entry_unref(&copies[index], bits);
        }
    }
    uint64_t seq = origin->done + 1;
    for (size_t i = 0; seq < origin->loan;) {
        while (i < origin->entries_count && copies[i].first + 64 <= seq) {
            i++;
        }
        uint64_t next = i < origin->entries_count ? copies[i].first : UINT64_MAX;
        if (seq < next) { /* no entry: numbers below `lent` are settled */
            uint64_t end = WR_MIN(next, origin->lent);
            if (end <= seq) {
                break;
            }
            seq = end;
            continue;
        }
        uint64_t open = ~would_settle(origin, &copies[i]) & ~wr_entry_below(&copies[i], seq);
        uint64_t end = open == 0 ? next + 64 : next + (uint64_t)__builtin_ctzll(open);
        seq = WR_MIN(end, origin->loan);
        if (open != 0) {
            break;
        }
    }
    for (size_t i = 0; i < origin->entries_count; i++) {
        wr_free(copies[i].more);
    }
    wr_free(copies);
    *done = seq - 1;
    return 0;
}

size_t wr_item_position(const weir_item *item, char *to, size_t cap)
{
    struct weir_receipt *receipt = item->receipt;
    to[0] = '\0';
    return receipt != NULL && receipt->kind == WR_RECEIPT_ORIGIN
               ? wr_origin_position(WR_OWNER(receipt, struct wr_origin, receipt), item->seq, to,
                                    cap)
               : 0;
}

void wr_origin_set_peer(struct wr_origin *origin, size_t at, size_t len)
{
    size_t whole = strlen(origin->name);
    at = WR_MIN(at, whole);
    origin->peer_at = (uint8_t)at;
    origin->peer_len = (uint8_t)WR_MIN(len, whole - at);
}

/* NULL: its receipt is not that of one item. */
static struct wr_origin *origin_of(const weir_item *item)
{
    struct weir_receipt *receipt = item->receipt;
    if (receipt == NULL || receipt->kind != WR_RECEIPT_ORIGIN) {
        return NULL;
    }
    struct wr_origin *origin = WR_OWNER(receipt, struct wr_origin, receipt);
    return origin->id == item->origin ? origin : NULL;
}

weir_slice weir_item_peer(const weir_item *item)
{
    WR_GIVEN(item);
    const struct wr_origin *origin = origin_of(item);
    return origin != NULL ? (weir_slice){origin->name + origin->peer_at, origin->peer_len}
                          : (weir_slice){"", 0};
}

int wr_origin_set_path(struct wr_origin *origin, const char *path)
{
    wr_free(origin->path);
    origin->path = wr_strdup(path);
    return origin->path != NULL ? 0 : WEIR_ENOMEM;
}

weir_slice wr_item_path(const weir_item *item, int64_t *offset)
{
    struct wr_origin *origin = origin_of(item);
    uint64_t number;
    *offset = -1;
    if (origin == NULL || origin->path == NULL) {
        return (weir_slice){"", 0};
    }
    if (wr_origin_number_before(origin, item->seq, &number)) {
        *offset = (int64_t)(number & ~WR_END_FLAGS);
    }
    return (weir_slice){origin->path, strlen(origin->path)};
}
