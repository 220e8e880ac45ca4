/*
 * codec_lines.c - the framers of lines and of texts that end with NUL.
 *
 * Rules. Split at LF; one CR before it belongs to the line end (flag CRLF); a CR elsewhere, NUL and
 * a BOM are data. At the end of the input the rest is a line with the flag NO_EOL. If the rest ends
 * in a CR, that CR is taken as an incomplete line end (flags CRLF and NO_EOL: a sink writes the CR
 * back, so the output has the same bytes; a lone CR is an empty line). An input that ends in LF has
 * no empty last line. The limit counts the line without its line end. Under PARTS a line that is
 * whole in the window is given whole. With NUL in place of LF, a CR is data too.
 *
 * A call moves a cursor over the window: `start` is where the current line begins, `from` is how
 * far the search has come. Between two calls only `from - start` (scanned) and whether an overlong
 * line is being dropped are kept.
 *
 * Two searches find the LFs. The bitmap (codec_scan.c) gives many positions at once, and a second
 * loop makes lines from them. For short lines this is nearly twice as fast as a search for each
 * line, where every line end is a mispredicted branch. memchr is faster for long lines, because it
 * reads four vectors in each step. The running mean of the line lengths selects one; it changes
 * the speed only, never a result.
 *
 * A rest without an LF is overlong as soon as no continuation could make it fit: at limit + 1 bytes
 * if the last is not a CR, or at limit + 2 bytes. The rule is the same however the input was cut,
 * so the result does not depend on the cuts.
 */
#define _GNU_SOURCE /* memrchr */
#include <string.h>

#include <weir/item.h>

#include "base_error.h"
#include "codec_lines.h"
#include "codec_scan.h"

enum {
    SEGMENT_MAX = 32 * 1024, /* bytes per round: the mean is checked again after each */
    LONG_LEN = 500,          /* from this mean on memchr is faster, measured on Zen 4 */
    LEN_COUNTED_MAX = 8192,  /* so that one giant line does not keep the mean high for long */
};

/* `raw_len` has 32 bits and includes the line end, which takes up to two bytes. */
#define LIMIT_MAX ((size_t)UINT32_MAX - 2)

struct cursor {
    struct wr_framer *framer;
    const char *data;
    size_t len;
    size_t start; /* of the current line */
    size_t from;  /* the search continues here; no LF in [start, from) */
    size_t limit;
    bool parts;
    char end; /* of a line: LF or NUL */
    struct wr_frame *out;
    size_t count, max;
};

/* Is the byte before a line's end a CR that belongs to it? */
static inline bool has_cr(const struct cursor *c, const char *end)
{
    return end[-1] == '\r' && c->end == '\n';
}

/* Count an overlong line that begins at `start`. `raw` bytes of it are in the window; `ended`: they
 * include the line end. A line that is cut still gives its first bytes. False: the policy is to
 * fail, and the cursor stays before the line. */
static __attribute__((noinline)) bool begin_overlong(struct cursor *c, size_t raw, bool ended)
{
    struct wr_framer *framer = c->framer;
    uint64_t start = framer->offset + c->start;
    if (framer->overlong == WEIR_LONG_FAILS && c->count > 0) {
        return false; /* give the lines before it first; the next call comes here again */
    }
    framer->overlong_count++;
    framer->overlong_start = start;
    framer->overlong_before = framer->overlong_bytes;
    framer->overlong_extra = ended;
    if (framer->overlong == WEIR_LONG_FAILS) {
        framer->failed = WEIR_ETOOLONG;
        return false;
    }
    if (framer->overlong == WEIR_LONG_CUT) {
        c->out[c->count++] = (struct wr_frame){.data = c->data + c->start,
                                               .len = c->limit,
                                               .flags = WEIR_ITEM_TRUNCATED,
                                               .raw_len = (uint32_t)c->limit,
                                               .end = start + c->limit};
        raw -= c->limit;
    }
    framer->overlong_bytes += raw;
    return true;
}

/* Make a line of [start, lf). `cr`: its last byte is a CR. False: it is over the limit. */
static inline bool make_line(struct wr_frame *out, const char *start, const char *lf, bool cr,
                             size_t limit, uint64_t end)
{
    size_t raw = (size_t)(lf - start);
    size_t len = raw - cr;
    if (WR_UNLIKELY(len > limit)) {
        return false;
    }
    out->data = start;
    out->len = len;
    out->flags = (uint32_t)cr * (uint32_t)WEIR_ITEM_CRLF;
    out->raw_len = (uint32_t)raw + 1;
    out->end = end;
    return true;
}

/* Make lines of the first `take` positions, counted from `base` in the window. False: stop, the
 * policy is to fail. */
static bool put_lines(struct cursor *c, size_t base, const uint32_t *positions, size_t take,
                      wr_fours *put_fours)
{
    const char *origin = c->data + base;
    const char *start = c->data + c->start;
    const uint64_t end = c->framer->offset + base + 1;
    const size_t limit = c->limit;
    struct wr_frame *out = c->out + c->count;
    size_t i = 0;

    if (take > 0 && base + positions[0] == 0) {
        /* An empty line with no byte before its LF. All other lines read that byte; for an empty
         * line it is an LF. */
        *out++ = (struct wr_frame){.data = start, .raw_len = 1, .end = end};
        start++;
        i = 1;
    }
    while (i < take) {
        size_t position = positions[i++];
        const char *lf = origin + position;
        if (WR_LIKELY(make_line(out, start, lf, lf[-1] == '\r', limit, end + position))) {
            out++;
        } else {
            c->start = (size_t)(start - c->data);
            c->count = (size_t)(out - c->out);
            if (!begin_overlong(c, (size_t)(lf - start) + 1, true)) {
                return false;
            }
            out = c->out + c->count;
        }
        start = lf + 1;
        if (put_fours != NULL && take - i >= 4) {
            size_t made = put_fours(origin, positions + i, take - i, limit, end, out);
            out += made;
            i += made;
            start = origin + positions[i - 1] + 1;
        }
    }
    c->start = (size_t)(start - c->data);
    c->count = (size_t)(out - c->out);
    return true;
}

/* One round of the bitmap: up to WR_FOUND_MAX lines. False: stop. */
static bool split_short(struct cursor *c)
{
    struct wr_found found;
    size_t base = c->from;
    size_t want = WR_MIN(c->max - c->count, (size_t)WR_FOUND_MAX);
    const struct wr_ways *ways = wr_ways_here();
    ways->scan(c->data + base, WR_MIN(c->len - base, (size_t)SEGMENT_MAX), want, &found);

    size_t take = WR_MIN(found.count, want);
    c->framer->mean_len = found.searched / (found.count + 1);
    c->from = base + found.searched;
    bool go_on = put_lines(c, base, found.positions, take, ways->fours);
    if (!go_on || take < found.count) {
        c->from = c->start; /* the rest is searched again: less than a batch */
    }
    return go_on;
}

/* Make lines by memchr: at least one, and more while the lines are long. False: stop. What changes
 * with each line is in local variables, because the next search depends on it. */
static bool split_long(struct cursor *c)
{
    const char *const stop = c->data + c->len;
    const char *start = c->data + c->start;
    const char *from = c->data + c->from;
    const uint64_t offset = c->framer->offset;
    size_t mean_len = c->framer->mean_len;
    struct wr_frame *out = c->out + c->count;
    struct wr_frame *const out_stop = c->out + c->max;
    size_t overlong = 0; /* raw length of the overlong line, with its LF */
    do {
        const char *lf = memchr(from, c->end, (size_t)(stop - from));
        if (lf == NULL) {
            from = stop;
            break;
        }
        size_t raw = (size_t)(lf - start);
        mean_len = (mean_len * 7 + WR_MIN(raw, (size_t)LEN_COUNTED_MAX)) / 8;
        if (WR_UNLIKELY(!make_line(out, start, lf, raw > 0 && has_cr(c, lf), c->limit,
                                   offset + (size_t)(lf - c->data) + 1))) {
            overlong = raw + 1;
            break;
        }
        out++;
        start = lf + 1;
        from = start;
    } while (out < out_stop && from < stop && (mean_len >= LONG_LEN || c->end != '\n'));
    c->framer->mean_len = mean_len;
    c->count = (size_t)(out - c->out);
    c->start = (size_t)(start - c->data);
    c->from = (size_t)(from - c->data);
    if (overlong > 0) {
        if (!begin_overlong(c, overlong, true)) {
            c->from = c->start;
            return false;
        }
        c->start += overlong;
        c->from = c->start;
    }
    return true;
}

/* Use up an overlong line's bytes to its LF or the window's end. */
static void drop_rest(struct cursor *c)
{
    const char *lf = memchr(c->data + c->start, c->end, c->len - c->start);
    size_t end = lf == NULL ? c->len : (size_t)(lf - c->data) + 1;
    c->framer->overlong_bytes += end - c->start;
    c->framer->dropping = lf == NULL;
    c->framer->overlong_extra = lf != NULL;
    c->start = end;
    c->from = end;
}

/* The rest of the window has no LF. */
static void split_rest(struct cursor *c, bool eof)
{
    size_t raw = c->len - c->start;
    uint32_t cr = has_cr(c, c->data + c->len);
    size_t len = raw - cr;
    if (c->parts && len > c->framer->item_bytes_max && !eof) {
        /* A CR at the end may belong to the line end: keep it until the next byte comes. */
        c->out[c->count++] = (struct wr_frame){.data = c->data + c->start,
                                               .len = len,
                                               .flags = WEIR_ITEM_PART,
                                               .raw_len = (uint32_t)len,
                                               .end = c->framer->offset + c->start + len};
        c->start += len;
    } else if (len > c->limit) {
        if (begin_overlong(c, raw, false)) {
            c->framer->dropping = true;
            c->start = c->len;
        }
    } else if (eof) {
        c->out[c->count++] =
            (struct wr_frame){.data = c->data + c->start,
                              .len = len,
                              .flags = WEIR_ITEM_NO_EOL | cr * (uint32_t)WEIR_ITEM_CRLF,
                              .raw_len = (uint32_t)raw,
                              .end = c->framer->offset + c->len};
        c->start = c->len;
    }
}

static inline long split(struct wr_framer *framer, char end, const char *data, size_t len, bool eof,
                         struct wr_frame *out, size_t max, size_t *used)
{
    bool parts = framer->overlong == WEIR_LONG_PARTS;
    struct cursor c = {.framer = framer,
                       .data = data,
                       .len = len,
                       .from = framer->scanned,
                       .limit = parts ? LIMIT_MAX : WR_MIN(framer->item_bytes_max, LIMIT_MAX),
                       .parts = parts,
                       .end = end,
                       .out = out,
                       .max = max};
    WR_ASSERT(framer->scanned <= len, "the window is shorter than at the last call");

    bool go_on = framer->failed == 0;
    while (go_on && c.count < max && c.from < len) {
        if (framer->dropping) {
            drop_rest(&c);
        } else if (end == '\n' && framer->mean_len < LONG_LEN && len - c.from >= WR_SCAN_BLOCK &&
                   max - c.count > 1) {
            go_on = split_short(&c);
        } else {
            go_on = split_long(&c);
        }
    }
    if (go_on && c.count < max && c.start < len && c.from == len) {
        split_rest(&c, eof);
    }
    if (c.count > 0) {
        framer->open = (out[c.count - 1].flags & WEIR_ITEM_PART) != 0;
    }
    *used = c.start;
    framer->offset += c.start;
    framer->scanned = c.start < len ? c.from - c.start : 0;
    return framer->failed != 0 ? framer->failed : (long)c.count;
}

static size_t whole(const struct wr_framer *framer, char end, const char *data, size_t len,
                    bool looked)
{
    size_t from = looked ? framer->scanned : 0;
    const char *last = memrchr(data + from, end, len - from);
    return last != NULL ? (size_t)(last - data) + 1 : 0;
}

static long lines_split(struct wr_framer *framer, const char *data, size_t len, bool eof,
                        struct wr_frame *out, size_t max, size_t *used)
{
    return split(framer, '\n', data, len, eof, out, max, used);
}

static size_t lines_whole(const struct wr_framer *framer, const char *data, size_t len, bool looked)
{
    return whole(framer, '\n', data, len, looked);
}

static long nul_split(struct wr_framer *framer, const char *data, size_t len, bool eof,
                      struct wr_frame *out, size_t max, size_t *used)
{
    return split(framer, '\0', data, len, eof, out, max, used);
}

static size_t nul_whole(const struct wr_framer *framer, const char *data, size_t len, bool looked)
{
    return whole(framer, '\0', data, len, looked);
}

const struct wr_framer_ops wr_lines_framer = {.item = "line",
                                              .split = lines_split,
                                              .whole = lines_whole,
                                              .gives_half = true,
                                              .restarts_inside = true};
const struct wr_framer_ops wr_nul_framer = {.item = "line",
                                            .split = nul_split,
                                            .whole = nul_whole,
                                            .gives_half = true,
                                            .restarts_inside = true};
