/*
 * codec_repeats.c - does a stream begin as the last one did?
 *
 * States: giving (holds is false: bytes pass, and wr_repeats_given adds to `given`), comparing (holds).
 * A comparison that ends without agreement leaves of the marks those that have agreed, and `given` goes
 * on from there: it is always the beginning of one stream, the last one that was given. A stream that
 * ends while all of it agrees leaves everything as it is, so that the longest one is kept.
 *
 * The hash takes eight bytes at a time, at offsets that are multiples of eight, so it does not depend
 * on the pieces. It finds differences; it does not withstand a peer that makes them collide, who could
 * as well send nothing.
 */
#include "codec_repeats.h"

#include <string.h>

#include "base_alloc.h"
#include "base_error.h"

enum { WORD = 8, KEPT = 32, FIRST_CAP = 16 };

#define FACTOR UINT64_C(0x9E3779B97F4A7C15)

static uint64_t mix(uint64_t hash, uint64_t word)
{
    hash = (hash ^ word) * FACTOR;
    return hash ^ hash >> 29;
}

static uint64_t load(const unsigned char *at)
{
    uint64_t word = 0;
    memcpy(&word, at, sizeof word);
    return word;
}

static void add(struct wr_repeats_mark *mark, const void *data, size_t len)
{
    const unsigned char *at = data, *end = at + len;
    unsigned char word[WORD];
    size_t used = (size_t)(mark->len % WORD);
    mark->len += len;
    if (used > 0) {
        size_t part = WR_MIN(len, WORD - used);
        memcpy(word, &mark->word, sizeof word);
        memcpy(word + used, at, part);
        memcpy(&mark->word, word, sizeof word);
        at += part;
        if (used + part < WORD) {
            return;
        }
        mark->hash = mix(mark->hash, mark->word);
        mark->word = 0;
    }
    for (; (size_t)(end - at) >= WORD; at += WORD) {
        mark->hash = mix(mark->hash, load(at));
    }
    if (at < end) {
        memcpy(&mark->word, at, (size_t)(end - at));
    }
}

static bool agree(const struct wr_repeats_mark *a, const struct wr_repeats_mark *b)
{
    return a->len == b->len && a->hash == b->hash && a->word == b->word;
}

void wr_repeats_init(struct wr_repeats *r, size_t held_max)
{
    *r = (struct wr_repeats){.spacing = WR_REPEATS_SPACING,
                             .held_max = WR_MIN(held_max, (size_t)WR_REPEATS_HELD_MAX)};
}

void wr_repeats_fini(struct wr_repeats *r)
{
    wr_free(r->marks);
    r->marks = NULL;
}

/* ---- what is given */

static void thin_out(struct wr_repeats *r)
{
    size_t count = KEPT;
    for (size_t i = KEPT + 1; i < r->count; i += 2) {
        r->marks[count++] = r->marks[i];
    }
    r->count = count;
    r->spacing *= 2;
}

static bool grow(struct wr_repeats *r)
{
    size_t cap = WR_MAX(2 * r->cap, (size_t)FIRST_CAP);
    struct wr_repeats_mark *marks = wr_realloc(r->marks, cap * sizeof *marks);
    if (marks != NULL) {
        r->marks = marks;
        r->cap = cap;
    }
    return marks != NULL;
}

void wr_repeats_given(struct wr_repeats *r, const void *data, size_t len, uint64_t items, bool mark)
{
    add(&r->given, data, len);
    r->given.items += items;
    if (!mark) {
        return;
    }
    if (r->count == WR_REPEATS_MARKS_MAX) {
        thin_out(r);
    }
    if (r->count < r->cap || grow(r)) {
        r->marks[r->count++] = r->given;
    }
}

/* ---- the comparison */

void wr_repeats_begin(struct wr_repeats *r)
{
    r->holds = r->given.len > 0;
    r->at = 0;
    r->agreed = r->dropped = 0;
    r->waited_ms = 0;
    r->seen = (struct wr_repeats_mark){.len = 0};
}

/* All that is held is to be given. */
static void let_go(struct wr_repeats *r, enum wr_repeats_news news)
{
    const struct wr_repeats_mark none = {.len = 0};
    r->holds = false;
    r->news = news;
    r->count = r->at;
    r->given = r->at > 0 ? r->marks[r->at - 1] : none;
    r->between = false;
}

/* The mark that is compared next. */
static const struct wr_repeats_mark *next_mark(const struct wr_repeats *r)
{
    return r->at < r->count ? &r->marks[r->at] : &r->given;
}

/* A mark is reached. */
static void compare(struct wr_repeats *r)
{
    if (!agree(&r->seen, next_mark(r))) {
        let_go(r, WR_REPEATS_DIFFER);
        return;
    }
    r->agreed = r->seen.len;
    r->waited_ms = 0;
    if (r->agreed < r->given.len) {
        r->at++;
        return;
    }
    r->holds = false;
    r->news = WR_REPEATS_WHOLE;
}

void wr_repeats_see(struct wr_repeats *r, const void *data, size_t len)
{
    const char *at = data;
    while (r->holds && len > 0) {
        uint64_t left = next_mark(r)->len - r->seen.len;
        if (left ==
            0) { /* the rest of what was given is no item, and the stream goes on behind it */
            let_go(r, WR_REPEATS_DIFFER);
            return;
        }
        size_t part = (size_t)WR_MIN((uint64_t)len, left);
        add(&r->seen, at, part);
        at += part;
        len -= part;
        if (part == left && !(r->between && r->seen.len == r->given.len)) {
            compare(r);
        }
        if (wr_repeats_held(r) > r->held_max) {
            let_go(r, WR_REPEATS_FULL);
        }
    }
}

size_t wr_repeats_dropped(struct wr_repeats *r)
{
    size_t n = (size_t)(r->agreed - r->dropped);
    r->dropped = r->agreed;
    return n;
}

void wr_repeats_waited(struct wr_repeats *r, int64_t ms)
{
    if (wr_repeats_held(r) == 0) {
        return;
    }
    r->waited_ms += ms;
    if (r->waited_ms >= WR_REPEATS_WAIT_MS) {
        let_go(r, WR_REPEATS_LATE);
    }
}

void wr_repeats_end(struct wr_repeats *r, bool broken)
{
    if (wr_repeats_held(r) == 0) {
        r->holds = false;
        return;
    }
    if (!broken && agree(&r->seen, &r->given)) {
        r->agreed = r->seen.len;
        r->holds = false;
        r->news = WR_REPEATS_WHOLE;
        return;
    }
    let_go(r, WR_REPEATS_DIFFER);
}
