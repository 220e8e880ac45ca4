/*
 * codec_packed_frame.c - where the values of a stream of MessagePack or CBOR end.
 *
 * The walk over the heads (codec_packed.h) is kept from one window to the next, so each byte is
 * looked at once, and the bytes of a long text are stepped over. `scanned` says how far it has come in
 * the value at the start of the window. The bytes of a value that is dropped are used up as they come.
 */
#include "codec_packed_frame.h"

#include <string.h>

#include "base_alloc.h"
#include "base_error.h"

#define LIMIT_MAX ((size_t)UINT32_MAX)

struct wr_packed_frame {
    struct wr_packed walk; /* over the bytes that have come */
    struct wr_packed look; /* the same, further ahead */
    int held;              /* 1: the walk has ended a value that is not given yet */
};

int wr_packed_frame_init(struct wr_framer *framer, wr_packed_read *read)
{
    framer->packed = wr_alloc(sizeof *framer->packed);
    if (framer->packed == NULL) {
        return WEIR_ENOMEM;
    }
    wr_packed_init(&framer->packed->walk, read);
    framer->packed->held = 0;
    return 0;
}

void wr_packed_frame_fini(struct wr_framer *framer)
{
    wr_free(framer->packed);
    framer->packed = NULL;
}

void wr_packed_frame_restart(struct wr_framer *framer)
{
    if (!framer->dropping) {
        wr_packed_init(&framer->packed->walk, framer->packed->walk.read);
        framer->packed->held = 0;
    }
}

static size_t limit_of(const struct wr_framer *framer)
{
    return WR_MIN(framer->item_bytes_max, LIMIT_MAX);
}

struct cursor {
    struct wr_framer *framer;
    const char *data;
    size_t len;
    size_t start; /* of the value */
    size_t from;  /* the walk has come here */
    struct wr_frame *out;
    size_t count;
};

static int fail(struct cursor *c, int code, const char *problem)
{
    if (c->count == 0) { /* else the values before it are given first; the next call comes here */
        c->framer->failed = code;
        c->framer->problem = problem;
    }
    return 0;
}

/* The value at `start` is over the limit. 1: go on; 0: failed, or what is there is given first. */
static int begin_dropping(struct cursor *c)
{
    struct wr_framer *framer = c->framer;
    if (framer->overlong == WEIR_LONG_FAILS && c->count > 0) {
        return 0;
    }
    framer->overlong_count++;
    framer->overlong_start = framer->offset + c->start;
    framer->overlong_before = framer->overlong_bytes;
    framer->overlong_extra = 0;
    framer->dropping = true;
    return framer->overlong == WEIR_LONG_FAILS ? fail(c, WEIR_ETOOLONG, NULL) : 1;
}

static void drop(struct cursor *c, bool ended)
{
    c->framer->overlong_bytes += c->from - c->start;
    c->framer->dropping = !ended;
    c->start = c->from;
}

static void give(struct cursor *c)
{
    c->out[c->count++] = (struct wr_frame){.data = c->data + c->start,
                                           .len = c->from - c->start,
                                           .raw_len = (uint32_t)(c->from - c->start),
                                           .end = c->framer->offset + c->from};
    c->start = c->from;
}

/* Handle the next value. 1: go on; 0: the window is used up, or must wait, or failed. */
static int next_value(struct cursor *c, bool eof)
{
    struct wr_framer *framer = c->framer;
    struct wr_packed *walk = &framer->packed->walk;
    int rc = framer->packed->held;
    if (rc == 0) {
        size_t used;
        rc = wr_packed_walk(walk, c->data + c->from, c->len - c->from, &used, NULL);
        c->from += used;
    }
    bool over = c->from - c->start > limit_of(framer);
    framer->packed->held = rc > 0;
    if (over && !framer->dropping && begin_dropping(c) == 0) {
        return 0;
    }
    framer->packed->held = 0;
    if (rc < 0) {
        return fail(c, rc, walk->problem);
    }
    if (framer->dropping) {
        drop(c, rc == 1);
    } else if (rc == 1) {
        give(c);
    }
    bool inside = c->start < c->len || wr_packed_inside(walk);
    if (rc == 0 && eof && inside) {
        return fail(c, WEIR_ETRUNCATED, "the input ends inside a value");
    }
    return rc;
}

static long packed_split(struct wr_framer *framer, const char *data, size_t len, bool eof,
                         struct wr_frame *out, size_t max, size_t *used)
{
    struct cursor c = {
        .framer = framer, .data = data, .len = len, .from = framer->scanned, .out = out};
    while (framer->failed == 0 && c.count < max && next_value(&c, eof) > 0) {}
    *used = c.start;
    framer->offset += c.start;
    framer->scanned = c.from - c.start;
    return framer->failed != 0 ? framer->failed : (long)c.count;
}

static size_t packed_whole(const struct wr_framer *framer, const char *data, size_t len,
                           bool looked)
{
    const struct wr_packed *walk = &framer->packed->walk;
    struct wr_packed *look = &framer->packed->look;
    bool dropping = looked && framer->dropping;
    size_t start = 0, from = looked ? framer->scanned : 0, used;
    wr_packed_init(look, walk->read);
    if (looked) {
        look->body = walk->body;
        look->pieces = walk->pieces;
        look->depth = walk->depth;
        look->problem = walk->problem;
        memcpy(look->levels, walk->levels, walk->depth * sizeof *walk->levels);
    }
    int rc = looked ? framer->packed->held : 0;
    for (;; rc = 0) {
        if (rc == 0) {
            rc = wr_packed_walk(look, data + from, len - from, &used, NULL);
            from += used;
        }
        if (rc <= 0) {
            bool over = dropping || from - start > limit_of(framer);
            return rc == 0 && over && framer->overlong != WEIR_LONG_FAILS ? from : start;
        }
        dropping = false;
        start = from;
    }
}

const struct wr_framer_ops wr_msgpack_framer = {
    .item = "value", .split = packed_split, .whole = packed_whole};
const struct wr_framer_ops wr_cbor_framer = {
    .item = "value", .split = packed_split, .whole = packed_whole};
