/*
 * bytes_position.c - the number that an origin keeps for each item that has not settled: where a
 * restart would go on behind it.
 *
 * An array with a head offset: the source appends at its end, and `done` drops what it passes.
 * Before it grows, what the loan has made of the items is worked out, so that a stream that nobody
 * asks about keeps a few only.
 */
#include <string.h>

#include "base_alloc.h"
#include "base_error.h"
#include "bytes_origin.h"

static bool resize(struct wr_origin *origin, size_t cap)
{
    if (origin->ends_head > 0) {
        memmove(origin->ends, origin->ends + origin->ends_head,
                origin->ends_count * sizeof *origin->ends);
        origin->ends_head = 0;
    }
    uint64_t *ends = wr_realloc(origin->ends, cap * sizeof *ends);
    if (ends == NULL) {
        return false;
    }
    wr_books_charge(origin->budget, origin->ends_cap * sizeof *ends, cap * sizeof *ends);
    origin->ends = ends;
    origin->ends_cap = cap;
    return true;
}

void wr_origin_drop_ends(struct wr_origin *origin)
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
    size_t cap = wr_books_smaller(origin->ends_cap, origin->ends_count, sizeof *origin->ends);
    if (cap < origin->ends_cap) {
        (void)resize(origin, cap);
    }
}

void wr_origin_keep_positions(struct wr_origin *origin, struct wr_positions *positions,
                              uint64_t start)
{
    WR_ASSERT(origin->given == 0, "positions are kept from the first item on");
    origin->positions = positions;
    origin->ends_first = 1;
    origin->done_end = start;
}

int wr_origin_reserve_ends(struct wr_origin *origin, size_t more)
{
    if (origin->ends_cap - origin->ends_head - origin->ends_count >= more) {
        return 0;
    }
    wr_origin_sync(origin); /* some may have been passed */
    /* To move what is left to the front is cheap only if that is little. */
    bool grows = origin->ends_head < origin->ends_count;
    size_t cap = origin->ends_cap;
    while (grows || cap - origin->ends_count < more) {
        cap = wr_books_larger(cap, sizeof *origin->ends);
        grows = false;
    }
    return resize(origin, cap) ? 0 : WEIR_ENOMEM;
}

int wr_origin_push_end(struct wr_origin *origin, uint64_t end)
{
    int rc = wr_origin_reserve_ends(origin, 1);
    if (rc == 0) {
        origin->ends[origin->ends_head + origin->ends_count++] = end;
        origin->left_out += (end & WR_END_LEFT_OUT) != 0;
    }
    return rc;
}

void wr_origin_amend_end(struct wr_origin *origin, uint64_t end)
{
    origin->ends[origin->ends_head + origin->ends_count - 1] = end;
}

uint64_t wr_origin_done_end(struct wr_origin *origin)
{
    wr_origin_sync(origin);
    wr_origin_drop_ends(origin);
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
