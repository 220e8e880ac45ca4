/*
 * bytes_origin.c - the bookkeeping of a source's items: see the header for their states.
 *
 * Spans are a sorted array with a head offset: new items are touched at its tail and old ones
 * settled at its head, so the usual change is one comparison and one store; a split or merge in the
 * middle moves what lies behind it. Invariant after wr_origin_sync: each number in (done, lent)
 * lies in a span; a number in [lent, given] lies in one only if somebody references it or has told
 * its word.
 *
 * Called by sources (lend), by whoever keeps items (queues, batches, bodies) and by sinks at their
 * commit. Nothing here suspends or calls out, but for `gone`. Memory for a split may be missing:
 * then the span stays as it is, its items are never settled, and the position stays before them:
 * late, never lost.
 */
#include "bytes_origin.h"

#include <string.h>

#include "base_alloc.h"
#include "base_error.h"

static const uint8_t act_words[] = {WR_DELIVERED, WR_FILTERED, WR_REJECTED, WR_DROPPED};

static bool says_word(enum wr_act act)
{
    return act <= WR_ACT_DROP;
}

enum wr_span_state {
    SPAN_HELD = 0, /* refs > 0 */
    SPAN_TOLD,     /* refs == 0, still lent, its word was told */
    SPAN_SETTLED,  /* counted */
    SPAN_ABANDONED /* will never settle */
};

static struct wr_span *span_at(const struct wr_origin *origin, size_t index)
{
    return &origin->spans[origin->spans_head + index];
}

void wr_origin_init(struct wr_origin *origin, uint32_t id, const char *name)
{
    memset(origin, 0, sizeof *origin);
    origin->receipt.kind = WR_RECEIPT_ORIGIN;
    origin->id = id;
    origin->loan = origin->lent = 1;
    wr_list_init(&origin->link);
    (void)wr_copy_text(origin->name, sizeof origin->name, name != NULL ? name : "");
}

void wr_origin_fini(struct wr_origin *origin)
{
    wr_free(origin->spans);
    wr_free(origin->ends);
    if (origin->positions != NULL) {
        origin->positions->ops->drop(origin->positions);
        origin->positions = NULL;
    }
    origin->spans = NULL;
    origin->ends = NULL;
    origin->spans_count = origin->spans_cap = origin->spans_head = 0;
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

/* Room for two more spans: what one split can need. */
static bool make_room(struct wr_origin *origin)
{
    if (origin->spans_head + origin->spans_count + 2 <= origin->spans_cap) {
        return true;
    }
    if (origin->spans_head >= origin->spans_count + 2) {
        memmove(origin->spans, span_at(origin, 0), origin->spans_count * sizeof *origin->spans);
        origin->spans_head = 0;
        return true;
    }
    size_t cap = origin->spans_cap == 0 ? 8 : origin->spans_cap * 2;
    struct wr_span *spans = wr_realloc(origin->spans, cap * sizeof *spans);
    if (spans == NULL) {
        return false;
    }
    origin->spans = spans;
    origin->spans_cap = cap;
    return true;
}

/* Index of the first span that ends at seq or later; spans_count: none. */
static size_t span_find(const struct wr_origin *origin, uint64_t seq)
{
    size_t count = origin->spans_count;
    if (count == 0 || span_at(origin, 0)->last >= seq) {
        return 0;
    }
    if (span_at(origin, count - 1)->last < seq) {
        return count;
    }
    size_t low = 0, high = count - 1;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (span_at(origin, middle)->last < seq) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

/* Room must have been made. */
static void span_insert(struct wr_origin *origin, size_t index, struct wr_span span)
{
    memmove(span_at(origin, index + 1), span_at(origin, index),
            (origin->spans_count - index) * sizeof span);
    *span_at(origin, index) = span;
    origin->spans_count++;
    origin->held += span.refs > 0;
}

static void span_remove(struct wr_origin *origin, size_t index)
{
    origin->held -= span_at(origin, index)->refs > 0;
    if (index == 0) {
        origin->spans_head++;
    } else {
        memmove(span_at(origin, index), span_at(origin, index + 1),
                (origin->spans_count - index - 1) * sizeof(struct wr_span));
    }
    if (--origin->spans_count == 0) {
        origin->spans_head = 0;
    }
}

static bool span_alike(const struct wr_span *a, const struct wr_span *b)
{
    return a->last + 1 == b->first && a->state == b->state && a->refs == b->refs &&
           (a->state == SPAN_SETTLED || a->state == SPAN_ABANDONED ||
            (a->doomed == b->doomed && a->told == b->told && (!a->told || a->word == b->word)));
}

/* Merge span `index` with its neighbours where they are alike. */
static void span_merge(struct wr_origin *origin, size_t index)
{
    if (index + 1 < origin->spans_count &&
        span_alike(span_at(origin, index), span_at(origin, index + 1))) {
        span_at(origin, index + 1)->first = span_at(origin, index)->first;
        span_remove(origin, index);
    }
    if (index > 0 && index < origin->spans_count &&
        span_alike(span_at(origin, index - 1), span_at(origin, index))) {
        span_at(origin, index)->first = span_at(origin, index - 1)->first;
        span_remove(origin, index - 1);
    }
}

static void drop_ends(struct wr_origin *origin)
{
    if (origin->positions == NULL || origin->done < origin->ends_first) {
        return;
    }
    uint64_t passed = origin->done - origin->ends_first + 1;
    WR_ASSERT(passed <= origin->ends_count, "offset of an item that was never given");
    for (uint64_t i = 0; i < passed && origin->left_out > origin->left_out_done; i++) {
        origin->left_out_done += (origin->ends[origin->ends_head + i] & WR_END_LEFT_OUT) != 0;
    }
    origin->done_end = origin->ends[origin->ends_head + passed - 1] & ~WR_END_LEFT_OUT;
    origin->ends_head += passed;
    origin->ends_count -= passed;
    origin->ends_first += passed;
    if (origin->ends_count == 0) {
        origin->ends_head = 0;
    }
}

/* Move `done` over the settled spans at the head. */
static void advance(struct wr_origin *origin)
{
    while (origin->spans_count > 0) {
        struct wr_span *span = span_at(origin, 0);
        if (span->state != SPAN_SETTLED || span->first != origin->done + 1) {
            break;
        }
        origin->done = span->last;
        span_remove(origin, 0);
    }
    drop_ends(origin);
}

/* [first, last] lies in no span and its loan is over. */
static void settle_gap(struct wr_origin *origin, size_t index, uint64_t first, uint64_t last)
{
    if (!origin->sealed) {
        origin->counts[WR_DELIVERED] += last - first + 1;
        if (first == origin->done + 1) {
            origin->done = last;
            return;
        }
    }
    if (!make_room(origin)) {
        if (index > 0) {
            span_at(origin, index - 1)->last = last;
        }
        return;
    }
    struct wr_span span = {
        .first = first, .last = last, .state = origin->sealed ? SPAN_ABANDONED : SPAN_SETTLED};
    span_insert(origin, index, span);
    span_merge(origin, index);
}

/* Nobody references or borrows the span any more, and it was told a word or is doomed. */
static void span_settle(struct wr_origin *origin, struct wr_span *span)
{
    if (span->doomed) {
        span->state = SPAN_ABANDONED;
        return;
    }
    origin->counts[span->word] += span->last - span->first + 1;
    span->state = SPAN_SETTLED;
}

void wr_origin_sync(struct wr_origin *origin)
{
    uint64_t next = origin->lent, end = origin->loan; /* [next, end) is no longer lent */
    if (next >= end) {
        return;
    }
    origin->lent = end;
    if (origin->spans_count == 0) {
        settle_gap(origin, 0, next, end - 1);
        drop_ends(origin);
        return;
    }
    while (next < end) {
        size_t index = span_find(origin, next);
        struct wr_span *span = index < origin->spans_count ? span_at(origin, index) : NULL;
        if (span == NULL || span->first >= end) {
            settle_gap(origin, index, next, end - 1);
            break;
        }
        if (span->first > next) {
            uint64_t first = span->first;
            settle_gap(origin, index, next, first - 1);
            next = first;
            continue;
        }
        next = span->last + 1;
        if (span->state == SPAN_TOLD) {
            span_settle(origin, span);
            span_merge(origin, index);
        }
    }
    advance(origin);
}

void wr_origin_seal(struct wr_origin *origin)
{
    wr_origin_sync(origin);
    origin->sealed = true;
}

void wr_origin_counts(struct wr_origin *origin, uint64_t counts[WR_WORDS])
{
    wr_origin_sync(origin);
    memcpy(counts, origin->counts, sizeof origin->counts);
}

void wr_origin_keep_positions(struct wr_origin *origin, struct wr_positions *positions,
                              uint64_t start)
{
    WR_ASSERT(origin->given == 0, "positions are kept from the first item on");
    origin->positions = positions;
    origin->ends_first = 1;
    origin->done_end = start;
}

int wr_origin_push_end(struct wr_origin *origin, uint64_t end)
{
    if (origin->ends_head + origin->ends_count == origin->ends_cap) {
        if (origin->ends_head > origin->ends_count) {
            memmove(origin->ends, origin->ends + origin->ends_head,
                    origin->ends_count * sizeof *origin->ends);
            origin->ends_head = 0;
        } else {
            size_t cap = origin->ends_cap == 0 ? 64 : origin->ends_cap * 2;
            uint64_t *ends = wr_realloc(origin->ends, cap * sizeof *ends);
            if (ends == NULL) {
                return WEIR_ENOMEM;
            }
            origin->ends = ends;
            origin->ends_cap = cap;
        }
    }
    origin->ends[origin->ends_head + origin->ends_count++] = end;
    origin->left_out += (end & WR_END_LEFT_OUT) != 0;
    return 0;
}

void wr_origin_amend_end(struct wr_origin *origin, uint64_t end)
{
    origin->ends[origin->ends_head + origin->ends_count - 1] = end;
}

uint64_t wr_origin_done_end(struct wr_origin *origin)
{
    wr_origin_sync(origin);
    drop_ends(origin);
    return origin->done_end;
}

size_t wr_origin_position(struct wr_origin *origin, uint64_t seq, char *to, size_t cap)
{
    if (origin->positions == NULL || seq > origin->given) {
        return 0;
    }
    uint64_t number = origin->done_end; /* behind the last item that is not in the list any more */
    if (seq - 1 >= origin->ends_first) {
        number = origin->ends[origin->ends_head + (seq - 1 - origin->ends_first)];
    } else if (seq != origin->ends_first) {
        return 0;
    }
    return origin->positions->ops->text(origin->positions, number & ~WR_END_LEFT_OUT, to, cap);
}

/* Cut the span so that it begins (and another ends) at seq; true when the cut exists now. */
static bool split_before(struct wr_origin *origin, size_t index, uint64_t seq)
{
    struct wr_span *span = span_at(origin, index);
    if (span->first == seq) {
        return true;
    }
    if (!make_room(origin)) {
        return false;
    }
    span = span_at(origin, index);
    struct wr_span left = *span;
    left.last = seq - 1;
    span->first = seq;
    span_insert(origin, index, left);
    return true;
}

/* One reference of the span goes by this act; true: it was the last, and nothing is to be
 * remembered of the span. */
static bool span_unref(struct wr_origin *origin, struct wr_span *span, enum wr_act act)
{
    if (says_word(act)) {
        span->told = true;
        span->word = act_words[act];
    } else if (act == WR_ACT_ABANDON || (act == WR_ACT_RELEASE && origin->sealed)) {
        span->doomed = true;
    }
    if (--span->refs > 0) {
        return false;
    }
    origin->held--;
    if (span->first >= origin->lent) {
        span->state = SPAN_TOLD; /* settles at the end of the loan */
        return !span->told && !span->doomed;
    }
    if (!span->told) {
        bool neutral = act == WR_ACT_NEUTRAL || (act == WR_ACT_LOAN && origin->sealed);
        span->doomed = span->doomed || neutral;
        span->word = WR_DELIVERED;
    }
    span_settle(origin, span);
    return false;
}

void wr_origin_unref(struct wr_origin *origin, uint64_t first, uint64_t last, enum wr_act act)
{
    wr_origin_sync(origin);
    if (act == WR_ACT_COMMIT) {
        origin->committed = WR_MAX(origin->committed, last);
    }
    uint64_t next = first; /* a merge may grow a span backwards over what has been done already */
    size_t index = span_find(origin, next);
    while (index < origin->spans_count && next <= last && span_at(origin, index)->first <= last) {
        uint64_t from = WR_MAX(span_at(origin, index)->first, next);
        uint64_t to = WR_MIN(span_at(origin, index)->last, last);
        if (span_at(origin, index)->refs == 0) {
            index++;
            continue;
        }
        /* A span that crosses the edge of the loan settles on one side of it only. */
        if (from < origin->lent && to >= origin->lent) {
            to = origin->lent - 1;
        }
        bool cut = split_before(origin, index, from);
        index += cut && span_at(origin, index)->last < from;
        if (cut && span_at(origin, index)->last > to) {
            cut = split_before(origin, index, to + 1);
        }
        if (!cut) {
            index++;
            continue;
        }
        struct wr_span *span = span_at(origin, index);
        next = span->last + 1;
        if (span_unref(origin, span, act)) {
            span_remove(origin, index);
            continue;
        }
        span_merge(origin, index);
        index = span_find(origin, next);
    }
    advance(origin);
    check_gone(origin);
}

int wr_origin_ref(struct wr_origin *origin, uint64_t first, uint64_t last)
{
    wr_origin_sync(origin);
    size_t count = origin->spans_count;
    if (count > 0) {
        struct wr_span *tail = span_at(origin, count - 1);
        if (tail->last + 1 == first && tail->refs == 1 && !tail->told && !tail->doomed) {
            tail->last = last;
            return 0;
        }
    }
    for (uint64_t next = first; next <= last;) {
        if (!make_room(origin)) {
            if (next > first) {
                wr_origin_unref(origin, first, next - 1, WR_ACT_LOAN);
            }
            return WEIR_ENOMEM;
        }
        size_t index = span_find(origin, next);
        struct wr_span *span = index < origin->spans_count ? span_at(origin, index) : NULL;
        if (span == NULL || span->first > next) {
            uint64_t to = span == NULL ? last : WR_MIN(last, span->first - 1);
            struct wr_span fresh = {.first = next, .last = to, .refs = 1, .state = SPAN_HELD};
            span_insert(origin, index, fresh);
            next = to + 1;
            span_merge(origin, index);
            continue;
        }
        uint64_t to = WR_MIN(span->last, last);
        (void)split_before(origin, index, next);
        index += span_at(origin, index)->last < next;
        (void)make_room(origin);
        if (span_at(origin, index)->last > to && split_before(origin, index, to + 1)) {
            /* the left part is at index */
        }
        span = span_at(origin, index);
        origin->held += span->refs == 0;
        span->refs++;
        span->state = SPAN_HELD;
        next = span->last + 1;
        span_merge(origin, index);
    }
    return 0;
}

void wr_origin_tell(struct wr_origin *origin, uint64_t first, uint64_t last, enum wr_act act)
{
    WR_ASSERT(says_word(act), "only a word can be told");
    wr_origin_sync(origin);
    for (uint64_t next = first; next <= last;) {
        if (!make_room(origin)) {
            return;
        }
        size_t index = span_find(origin, next);
        struct wr_span *span = index < origin->spans_count ? span_at(origin, index) : NULL;
        if (span == NULL || span->first > next) {
            uint64_t to = span == NULL ? last : WR_MIN(last, span->first - 1);
            if (next >= origin->lent) {
                struct wr_span fresh = {.first = next,
                                        .last = to,
                                        .state = SPAN_TOLD,
                                        .word = act_words[act],
                                        .told = true};
                span_insert(origin, index, fresh);
                span_merge(origin, index);
            }
            next = to + 1;
            continue;
        }
        uint64_t to = WR_MIN(span->last, last);
        if (span->state == SPAN_HELD || span->state == SPAN_TOLD) {
            (void)split_before(origin, index, next);
            index += span_at(origin, index)->last < next;
            if (span_at(origin, index)->last > to && make_room(origin)) {
                (void)split_before(origin, index, to + 1);
            }
            span = span_at(origin, index);
            span->told = true;
            span->word = act_words[act];
            next = span->last + 1;
            span_merge(origin, index);
            continue;
        }
        next = to + 1;
    }
}
