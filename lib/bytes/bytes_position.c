/*
 * bytes_position.c - the number that an origin keeps for each item that has not settled: where a
 * restart after this item continues.
 *
 * The numbers are an array with a head offset: the source appends at the end, and when `done`
 * moves, the numbers that it passes are dropped. Before the array grows, the ended loans are
 * settled, so that a stream whose position is never asked for keeps only a few numbers. Where one
 * item stays open and the items after it settle, their rows of 64 become gaps at that time. A gap
 * keeps only its last number, which is where the item after it begins. `done` never ends inside a
 * gap, since all items of a gap have settled. The row of the newest item is never in a gap: its
 * number may still be amended.
 */
#include <string.h>

#include "base_alloc.h"
#include "base_error.h"
#include "bytes_origin.h"

static bool resize(struct wr_origin *origin, size_t cap)
{
    struct wr_positions *kept = origin->positions;
    if (kept->ends_head > 0) {
        memmove(kept->ends, kept->ends + kept->ends_head, kept->ends_count * sizeof *kept->ends);
        kept->ends_head = 0;
    }
    uint64_t *ends = wr_realloc(kept->ends, cap * sizeof *ends);
    if (ends == NULL) {
        return false;
    }
    wr_books_charge(origin->budget, kept->ends_cap * sizeof *ends, cap * sizeof *ends);
    kept->ends = ends;
    kept->ends_cap = cap;
    return true;
}

static const struct wr_gap *gap_at(const struct wr_positions *kept, size_t index)
{
    return &kept->gaps[kept->gaps_head + index];
}

/* `done` passes the next `count` numbers of the array. */
static void pass_ends(struct wr_origin *origin, uint64_t count)
{
    struct wr_positions *kept = origin->positions;
    const uint64_t *ends = kept->ends + kept->ends_head;
    for (uint64_t i = 0; i < count && origin->left_out > origin->left_out_done; i++) {
        origin->left_out_done += (ends[i] & WR_END_LEFT_OUT) != 0;
    }
    kept->done_end = ends[count - 1] & ~WR_END_LEFT_OUT;
    kept->ends_head += count;
    kept->ends_count -= count;
    kept->ends_first += count;
}

static void pass_gap(struct wr_origin *origin)
{
    struct wr_positions *kept = origin->positions;
    const struct wr_gap *gap = gap_at(kept, 0);
    origin->left_out_done += gap->left_out;
    kept->done_end = gap->number & ~WR_END_LEFT_OUT;
    kept->ends_first += gap->count;
    kept->gaps_items -= gap->count;
    kept->gaps_head++;
    kept->gaps_count--;
}

void wr_origin_drop_ends(struct wr_origin *origin)
{
    struct wr_positions *kept = origin->positions;
    if (kept == NULL || origin->done < kept->ends_first) {
        return;
    }
    uint64_t behind = origin->done + 1;
    WR_ASSERT(behind - kept->ends_first <= kept->ends_count + kept->gaps_items,
              "offset of an item that was never given");
    while (WR_UNLIKELY(kept->gaps_count > 0) && gap_at(kept, 0)->first < behind) {
        if (gap_at(kept, 0)->first > kept->ends_first) {
            pass_ends(origin, gap_at(kept, 0)->first - kept->ends_first);
        }
        pass_gap(origin);
    }
    if (behind > kept->ends_first) {
        pass_ends(origin, behind - kept->ends_first);
    }
    if (kept->ends_count == 0) {
        kept->ends_head = 0;
    }
    size_t cap = wr_books_smaller(kept->ends_cap, kept->ends_count, sizeof *kept->ends);
    if (cap < kept->ends_cap) {
        (void)resize(origin, cap);
    }
}

/* ---- gaps */

/* Find the next settled rows at or after number `from`: [*from, *end). `index` is the first entry
 * that may be there. False: there are none below `limit`. Entries in which everything has settled
 * have been removed before. */
static bool next_settled(const struct wr_origin *origin, size_t *index, uint64_t limit,
                         uint64_t *from, uint64_t *end)
{
    while (*from < limit) {
        uint64_t open = WR_MIN(wr_origin_open_row(origin, *index), limit);
        if (open > *from) {
            *end = open;
            return true;
        }
        *from = WR_MAX(*from, open + 64);
        (*index)++;
    }
    return false;
}

/* A cursor over the numbers that are kept. */
struct cursor {
    uint64_t seq;
    size_t read, written; /* in `ends` */
    size_t gap;           /* the next one */
};

/* Make one gap of [seq, end). */
static struct wr_gap make_gap(struct wr_origin *origin, struct cursor *at, uint64_t end)
{
    struct wr_positions *kept = origin->positions;
    struct wr_gap made = {.first = at->seq, .count = end - at->seq};
    while (at->seq < end) {
        if (at->gap < kept->gaps_count && gap_at(kept, at->gap)->first == at->seq) {
            const struct wr_gap *old = gap_at(kept, at->gap++);
            made.left_out += old->left_out;
            made.number = old->number;
            at->seq += old->count;
        } else {
            made.number = kept->ends[at->read++];
            made.left_out += (made.number & WR_END_LEFT_OUT) != 0;
            at->seq++;
        }
    }
    return made;
}

/* Keep the numbers of [seq, end), which contains no gap. */
static void keep_ends(struct wr_origin *origin, struct cursor *at, uint64_t end)
{
    const struct wr_positions *kept = origin->positions;
    size_t count = (size_t)(end - at->seq);
    memmove(kept->ends + at->written, kept->ends + at->read, count * sizeof *kept->ends);
    at->read += count;
    at->written += count;
    at->seq = end;
}

/* Make gaps of the settled rows, if they are at least a quarter of the array, so that an item costs
 * a bounded number of steps. Without memory nothing changes. */
static void make_gaps(struct wr_origin *origin)
{
    struct wr_positions *kept = origin->positions;
    uint64_t behind = kept->ends_first + kept->ends_count + kept->gaps_items;
    uint64_t limit = WR_MIN(wr_run_first(origin->lent), wr_run_first(behind - 1));
    uint64_t start = wr_run_first(kept->ends_first + 63), from = start, end = 0, settled = 0;
    size_t index = 0, count = 0;
    wr_origin_take_out_what_is_over(origin);
    for (; next_settled(origin, &index, limit, &from, &end); from = end, count++) {
        settled += end - from;
    }
    if (settled - kept->gaps_items < WR_MAX(kept->ends_cap / 4, 64)) {
        return;
    }
    struct wr_gap *gaps = wr_alloc(count * sizeof *gaps);
    if (gaps == NULL) {
        return;
    }
    struct cursor at = {.seq = kept->ends_first, .read = kept->ends_head};
    index = count = 0;
    for (from = start; next_settled(origin, &index, limit, &from, &end); from = end) {
        keep_ends(origin, &at, from);
        gaps[count] = make_gap(origin, &at, end);
        gaps[count].before = count > 0 ? gaps[count - 1].before + gaps[count - 1].count : 0;
        count++;
    }
    keep_ends(origin, &at, behind);
    wr_books_charge(origin->budget, kept->gaps_cap * sizeof *gaps, count * sizeof *gaps);
    wr_free(kept->gaps);
    kept->gaps = gaps;
    kept->gaps_head = 0;
    kept->gaps_count = kept->gaps_cap = count;
    kept->gaps_items = settled;
    kept->ends_head = 0;
    kept->ends_count = at.written;
}

void wr_origin_keep_positions(struct wr_origin *origin, struct wr_positions *positions,
                              uint64_t start)
{
    WR_ASSERT(origin->given == 0, "positions must be enabled before the first item");
    origin->positions = positions;
    positions->ends_first = 1;
    positions->start = positions->done_end = start;
}

int wr_origin_reserve_ends(struct wr_origin *origin, size_t more)
{
    const struct wr_positions *kept = origin->positions;
    if (kept->ends_cap - kept->ends_head - kept->ends_count >= more) {
        return 0;
    }
    wr_origin_sync(origin); /* `done` may have passed some */
    if (kept->ends_head < kept->ends_count) {
        make_gaps(origin);
        if (kept->ends_cap - kept->ends_head - kept->ends_count >= more) {
            return 0;
        }
    }
    /* Moving the rest to the front is cheap only if the rest is small. */
    bool grows = kept->ends_head < kept->ends_count;
    size_t cap = kept->ends_cap;
    while (grows || cap - kept->ends_count < more) {
        cap = wr_books_larger(cap, sizeof *kept->ends);
        grows = false;
    }
    return resize(origin, cap) ? 0 : WEIR_ENOMEM;
}

int wr_origin_push_end(struct wr_origin *origin, uint64_t end)
{
    struct wr_positions *kept = origin->positions;
    int rc = wr_origin_reserve_ends(origin, 1);
    if (rc == 0) {
        kept->ends[kept->ends_head + kept->ends_count++] = end;
        origin->left_out += (end & WR_END_LEFT_OUT) != 0;
    }
    return rc;
}

void wr_origin_amend_end(struct wr_origin *origin, uint64_t end)
{
    const struct wr_positions *kept = origin->positions;
    kept->ends[kept->ends_head + kept->ends_count - 1] = end;
}

uint64_t wr_origin_done_end(struct wr_origin *origin)
{
    const struct wr_positions *kept = origin->positions;
    wr_origin_sync(origin);
    wr_origin_drop_ends(origin);
    return kept != NULL ? kept->done_end : 0;
}

/* The number of item `seq`, which `done` has not passed: in the array, or the last of a gap. */
static uint64_t number_of(const struct wr_origin *origin, uint64_t seq)
{
    const struct wr_positions *kept = origin->positions;
    size_t low = 0, high = kept->gaps_count; /* gaps[low..] begin after seq */
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (gap_at(kept, middle)->first <= seq) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    uint64_t inside = 0; /* how many items are in the gaps before */
    if (low > 0) {
        const struct wr_gap *gap = gap_at(kept, low - 1);
        if (seq - gap->first < gap->count) {
            WR_ASSERT(seq - gap->first == gap->count - 1, "offset of an item that has settled");
            return gap->number;
        }
        inside = gap->before + gap->count - gap_at(kept, 0)->before;
    }
    return kept->ends[kept->ends_head + (size_t)(seq - kept->ends_first - inside)];
}

uint64_t wr_origin_number_at(struct wr_origin *origin, uint64_t seq, uint64_t *left_out)
{
    struct wr_positions *kept = origin->positions;
    uint64_t number = wr_origin_done_end(origin);
    *left_out = origin->left_out_done;
    if (kept == NULL || seq < kept->ends_first) { /* NULL: it never gave an item */
        return number;
    }
    /* Rows that have settled may be gaps. */
    size_t gap = 0, at = kept->ends_head;
    for (uint64_t i = kept->ends_first; i <= seq;) {
        if (gap < kept->gaps_count && gap_at(kept, gap)->first == i) {
            number = gap_at(kept, gap)->number;
            *left_out += gap_at(kept, gap)->left_out;
            i += gap_at(kept, gap++)->count;
        } else {
            number = kept->ends[at++];
            *left_out += (number & WR_END_LEFT_OUT) != 0;
            i++;
        }
    }
    return number & ~WR_END_LEFT_OUT;
}

bool wr_origin_number_before(const struct wr_origin *origin, uint64_t seq, uint64_t *number)
{
    const struct wr_positions *kept = origin->positions;
    if (kept == NULL || seq > origin->given) {
        return false;
    }
    if (seq - 1 >= kept->ends_first) {
        *number = number_of(origin, seq - 1);
        return true;
    }
    *number = kept->done_end; /* after the last item whose number is dropped */
    return seq == kept->ends_first;
}

size_t wr_origin_position(struct wr_origin *origin, uint64_t seq, char *to, size_t cap)
{
    struct wr_positions *kept = origin->positions;
    uint64_t number;
    return wr_origin_number_before(origin, seq, &number)
               ? kept->ops->text(kept, number & ~WR_END_LEFT_OUT, to, cap)
               : 0;
}
