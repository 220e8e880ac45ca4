/*
 * stage_order.c - sorts keys by radix, seven bytes at a time (stage_order.h).
 *
 * A run of keys is sorted by a part of each: the next seven bytes behind what all keys of the run have
 * in common, and below them how many bytes there were. So a key that ends stands before those that go
 * on, also with NULs, and equal parts that end are equal keys. Runs of equal parts that go on are
 * sorted by what follows; they wait in a list, not on the stack. The radix sort passes over bytes in
 * which all parts agree, is stable, and has no bad input. Short runs are sorted by insertion.
 */
#include "stage_order.h"

#include <string.h>
#include <weir/error.h>

#include "base_alloc.h"
#include "base_error.h"

enum { PART = 7, SHORT = 24, DIGITS = 256 };

struct run {
    size_t at, count, depth; /* so many bytes of the keys are equal */
};

struct order {
    const struct wr_order_key *keys;
    struct wr_order_pair *pairs, *spare;
    uint64_t flip; /* all ones: descending */
    struct run *runs;
    size_t runs_count, runs_cap;
    size_t (*counts)[DIGITS];
    wr_order_turn *turn;
    void *ctx;
};

static uint64_t part_of(const struct wr_order_key *key, size_t depth)
{
    size_t left = key->len - depth, n = WR_MIN(left, (size_t)PART);
    const char *from = key->bytes + depth;
    uint64_t word = 0;
    if (left >= 8) {
        memcpy(&word, from, 8);
        return (__builtin_bswap64(word) & ~UINT64_C(0xff)) | (PART + 1);
    }
    for (size_t i = 0; i < n; i++) {
        word |= (uint64_t)(unsigned char)from[i] << (56 - 8 * i);
    }
    return word | (left > PART ? PART + 1 : n);
}

static size_t common(const char *a, const char *b, size_t len)
{
    size_t n = 0;
    for (uint64_t x, y; len - n >= 8; n += 8) {
        memcpy(&x, a + n, 8);
        memcpy(&y, b + n, 8);
        if (x != y) {
            return n + (size_t)(__builtin_ctzll(x ^ y) / 8);
        }
    }
    while (n < len && a[n] == b[n]) {
        n++;
    }
    return n;
}

/* How many bytes all keys of a run have in common. */
static size_t common_of(const struct order *o, const struct run *run)
{
    const struct wr_order_pair *pairs = o->pairs + run->at;
    const struct wr_order_key *first = &o->keys[pairs[0].index];
    size_t depth = first->len;
    for (size_t i = 1; i < run->count && depth > run->depth; i++) {
        const struct wr_order_key *key = &o->keys[pairs[i].index];
        size_t len = WR_MIN(depth, key->len) - run->depth;
        depth = run->depth + common(first->bytes + run->depth, key->bytes + run->depth, len);
    }
    return depth;
}

/* ---- short runs */

static bool is_before(const struct order *o, const struct wr_order_pair *a,
                      const struct wr_order_pair *b, size_t depth)
{
    if (a->part != b->part) {
        return a->part < b->part;
    }
    const struct wr_order_key *x = &o->keys[a->index], *y = &o->keys[b->index];
    size_t from = WR_MIN(depth + PART, WR_MIN(x->len, y->len));
    size_t len = WR_MIN(x->len, y->len) - from;
    int order = len > 0 ? memcmp(x->bytes + from, y->bytes + from, len) : 0;
    order = order != 0 ? order : (x->len > y->len) - (x->len < y->len);
    return o->flip != 0 ? order > 0 : order < 0;
}

static void insert(const struct order *o, const struct run *run)
{
    struct wr_order_pair *pairs = o->pairs + run->at;
    for (size_t i = 1; i < run->count; i++) {
        struct wr_order_pair one = pairs[i];
        size_t to = i;
        for (; to > 0 && is_before(o, &one, &pairs[to - 1], run->depth); to--) {
            pairs[to] = pairs[to - 1];
        }
        pairs[to] = one;
    }
}

/* ---- long runs */

static void count_digits(const struct order *o, const struct run *run)
{
    const struct wr_order_pair *pairs = o->pairs + run->at;
    memset(o->counts, 0, 8 * sizeof *o->counts);
    for (size_t i = 0; i < run->count; i++) {
        for (int digit = 0; digit < 8; digit++) {
            o->counts[digit][pairs[i].part >> (8 * digit) & 0xff]++;
        }
    }
}

/* 0, or what turn returned. */
static int radix(struct order *o, const struct run *run)
{
    struct wr_order_pair *from = o->pairs + run->at, *to = o->spare + run->at;
    count_digits(o, run);
    for (int digit = 0; digit < 8; digit++) {
        size_t *counts = o->counts[digit], at = 0;
        if (counts[from[0].part >> (8 * digit) & 0xff] == run->count) {
            continue;
        }
        for (size_t i = 0; i < DIGITS; i++) {
            size_t n = counts[i];
            counts[i] = at;
            at += n;
        }
        for (size_t i = 0; i < run->count; i++) {
            to[counts[from[i].part >> (8 * digit) & 0xff]++] = from[i];
        }
        struct wr_order_pair *other = from;
        from = to;
        to = other;
        int rc = o->turn(o->ctx);
        if (rc < 0) {
            return rc;
        }
    }
    if (from != o->pairs + run->at) {
        memcpy(o->pairs + run->at, from, run->count * sizeof *from);
    }
    return o->turn(o->ctx);
}

static bool push(struct order *o, struct run run)
{
    if (!wr_grow(&o->runs, sizeof *o->runs, o->runs_count, &o->runs_cap)) {
        return false;
    }
    o->runs[o->runs_count++] = run;
    return true;
}

/* Push the runs of equal parts that go on. */
static bool push_equal(struct order *o, const struct run *run)
{
    const struct wr_order_pair *pairs = o->pairs + run->at;
    for (size_t i = 0, end; i < run->count; i = end) {
        uint64_t part = pairs[i].part;
        for (end = i + 1; end < run->count && pairs[end].part == part; end++) {}
        bool goes_on = ((part ^ o->flip) & 0xff) > PART;
        if (end - i > 1 && goes_on &&
            !push(o, (struct run){run->at + i, end - i, run->depth + PART})) {
            return false;
        }
    }
    return true;
}

/* Sort one run. 0 or a code. */
static int sort_run(struct order *o, struct run run)
{
    run.depth = common_of(o, &run);
    for (size_t i = 0; i < run.count; i++) {
        struct wr_order_pair *pair = &o->pairs[run.at + i];
        pair->part = part_of(&o->keys[pair->index], run.depth) ^ o->flip;
    }
    if (run.count <= SHORT) {
        insert(o, &run);
        return o->turn(o->ctx);
    }
    int rc = radix(o, &run);
    return rc < 0 || push_equal(o, &run) ? rc : WEIR_ENOMEM;
}

int wr_order(const struct wr_order_key *keys, struct wr_order_pair *pairs,
             struct wr_order_pair *spare, size_t count, bool desc, wr_order_turn *turn, void *ctx)
{
    struct order o = {.keys = keys,
                      .pairs = pairs,
                      .spare = spare,
                      .flip = desc ? ~UINT64_C(0) : 0,
                      .turn = turn,
                      .ctx = ctx};
    int rc = 0;
    for (size_t i = 0; i < count; i++) {
        pairs[i].index = (uint32_t)i;
    }
    o.counts = wr_alloc(8 * sizeof *o.counts);
    if (o.counts == NULL || (count > 1 && !push(&o, (struct run){0, count, 0}))) {
        rc = WEIR_ENOMEM;
    }
    while (rc == 0 && o.runs_count > 0) {
        rc = sort_run(&o, o.runs[--o.runs_count]);
    }
    wr_free(o.counts);
    wr_free(o.runs);
    return rc;
}
