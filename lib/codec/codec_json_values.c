/*
 * codec_json_values.c - cuts a stream into JSON values: one on a line, over several lines, or several
 * on a line, with white space between them or without it where that is clear ("{}[1]"). A byte order
 * mark at the start of the stream is skipped.
 *
 * Rules. A value ends at its last bracket or quote; a number or literal at the top level ends at the
 * byte that cannot belong to it, or at the end of the input. A value is valid if wr_json_index says
 * so. What is not valid is a frame, too, with WR_FRAME_BAD: from where the value begins to the end of
 * the line in which the mistake was found. So the next line is read anew, also after a bracket or a
 * quote that was never closed. If the mistake is an opening bracket in the first column, its own line
 * is read anew: of lines with a value each, one that was cut off costs none of the others.
 *
 * Three ways lead to these cuts. The tokens of many whole lines are found at once, and a value is
 * validated over them, which tells where it ends: this is the usual case. Where this cannot be, the
 * rest of the line is tried as one text. Otherwise a scan goes through the bytes one by one and finds
 * the end of the value, or the first mistake in its structure; it continues where the window ended.
 * The value is validated when it has ended.
 *
 * A value over the limit is dropped as it comes, with the scan going on; CUT and PARTS drop it, too,
 * because a part of a value is no value.
 */
#include "codec_json_values.h"

#include <string.h>

#include "base_alloc.h"
#include "base_error.h"
#include "codec_json_scan.h"

enum { KEPT_BYTES = 256 * 1024 }; /* of the memory for the tokens of a value */

/* raw_len has 32 bits. */
#define LIMIT_MAX ((size_t)WR_JSON_BYTES_MAX)

int wr_json_values_init(struct wr_framer *framer)
{
    struct wr_json_values *values = wr_zalloc(sizeof *values);
    framer->json = values;
    if (values == NULL) {
        return WEIR_ENOMEM;
    }
    wr_json_init(&values->json);
    values->json.keeps = true;
    return 0;
}

void wr_json_values_fini(struct wr_framer *framer)
{
    if (framer->json != NULL) {
        wr_json_fini(&framer->json->json);
        wr_json_items_free(framer->json->items);
        wr_free(framer->json);
        framer->json = NULL;
    }
}

void wr_json_values_restart(struct wr_framer *framer)
{
    framer->json->ahead = NULL;
    if (!framer->dropping) {
        framer->json->scan.state = WR_JSON_START;
    }
    if (framer->json->items != NULL) {
        wr_json_items_restart(framer->json->items, framer->offset);
    }
}

void wr_json_values_items(struct wr_framer *framer, struct wr_json_items *items)
{
    framer->ops = &wr_json_items_framer;
    framer->json->items = items;
}

int wr_json_bom(const struct wr_framer *framer, const char *data, size_t len, bool eof)
{
    static const char bom[] = "\xef\xbb\xbf";
    size_t have = WR_MIN(len, sizeof bom - 1);
    if (framer->offset != 0 || memcmp(data, bom, have) != 0) {
        return 0;
    }
    return have == sizeof bom - 1 ? (int)have : eof ? 0 : -1;
}

/* Up to the line's end. */
static enum wr_json_found scan_rest(struct wr_json_scan *s, const char *data, size_t *at,
                                    size_t len, bool eof)
{
    const char *lf = memchr(data + *at, '\n', len - *at);
    *at = lf != NULL ? (size_t)(lf - data) : len;
    if (lf == NULL && !eof) {
        return WR_JSON_MORE;
    }
    s->state = WR_JSON_START;
    return WR_JSON_BAD;
}

/* ---- one value */

struct cursor {
    struct wr_framer *framer;
    struct wr_json_scan *scan;
    const char *data;
    size_t len;
    size_t start; /* of the value */
    size_t from;  /* the scan continues here */
    size_t limit;
    uint64_t lines; /* line ends before `start` */
    bool eof;
    bool dropping; /* the value is over the limit */
    bool one_line; /* the value that was found has no line end in it */
    bool ahead;    /* the tokens of many lines may be found at once */
};

/* The tokens of so many bytes fit into a small cache. Longer values are indexed one by one: there is
 * little to gain. */
enum { AHEAD_BYTES = 16384 };

static void skip_space(struct cursor *c)
{
    while (c->start < c->len && wr_json_is_space(c->data[c->start])) {
        c->lines += c->data[c->start++] == '\n';
    }
    c->from = c->start;
}

/* Use up the bytes of a value, up to `end`. */
static void pass(struct cursor *c, size_t end)
{
    const char *at = c->data + c->start, *stop = c->data + end;
    while (!c->one_line && at < stop && (at = memchr(at, '\n', (size_t)(stop - at))) != NULL) {
        c->lines++;
        at++;
    }
    c->start = end;
}

/* Is the rest of the line one value? 1: *end is its end. 0: it is not, or its end has not come; or
 * WEIR_ENOMEM. */
static int try_line(struct cursor *c, size_t *end)
{
    struct wr_json *json = &c->framer->json->json;
    const char *line = c->data + c->start;
    const char *lf = memchr(line, '\n', c->len - c->start);
    if (lf == NULL || (size_t)(lf - line) > c->limit) {
        return 0;
    }
    int rc = wr_json_index(json, line, (size_t)(lf - line));
    if (rc == 0) {
        *end = c->start + wr_json_text(json, WR_JSON_ROOT).len;
        return 1;
    }
    return rc == WEIR_ENOMEM ? rc : 0;
}

/* Find the tokens of whole lines from c->start on. */
static void look_ahead(struct cursor *c)
{
    struct wr_json_values *values = c->framer->json;
    const char *from = c->data + c->start;
    const char *lf = memrchr(from, '\n', WR_MIN(c->len - c->start, (size_t)AHEAD_BYTES));
    values->ahead_found = false;
    values->ahead_end = from;
    if (lf != NULL) {
        values->ahead_end = lf + 1;
        values->ahead_found = wr_json_ahead(&values->json, from, (size_t)(lf + 1 - from));
    }
}

/* Is there a valid value at c->start, over tokens that were found ahead? 1: *end is its end. 0: no, if
 * they were found; -1: they were not. */
static int try_ahead(struct cursor *c, size_t *end)
{
    struct wr_json_values *values = c->framer->json;
    const char *from = c->data + c->start;
    size_t len;
    if (!c->ahead || c->dropping) {
        return -1;
    }
    if (from >= values->ahead_end) {
        look_ahead(c);
    }
    if (!values->ahead_found) {
        return -1;
    }
    if (wr_json_value_next(&values->json, from, &len) != 0 || len > c->limit) {
        return 0;
    }
    *end = c->start + len;
    return 1;
}

/* Begin again with the value at c->start. */
static void rewind_value(struct cursor *c)
{
    c->scan->state = WR_JSON_START;
    c->from = c->start;
}

/* Validate the value [c->start, end), which the scan has found. */
static int judge(struct cursor *c, size_t end, enum wr_json_found *found)
{
    if (c->dropping || end - c->start > c->limit) {
        return 0; /* it is left out */
    }
    int rc = wr_json_index(&c->framer->json->json, c->data + c->start, end - c->start);
    if (rc == WEIR_ENOMEM) {
        return rc;
    }
    if (rc == WEIR_ETOOLONG) { /* too many tokens: its end is known all the same */
        *found = WR_JSON_BAD;
    } else if (rc != 0) {
        c->scan->state = WR_JSON_REST;
        *found = WR_JSON_MORE;
    }
    return 0;
}

/* Is the mistake an opening bracket in the first column? Then a new value most likely begins there,
 * and the one before it was cut off. */
static bool begins_anew(const struct cursor *c)
{
    const char *mistake = c->data + c->from;
    bool begins_line =
        c->from > c->start ? mistake[-1] == '\n' : c->dropping && c->framer->json->dropped_lf;
    return begins_line && (mistake[0] == '{' || mistake[0] == '[');
}

/* Find the end of the value at c->start. Sets *found and *end, which is the window's where nothing
 * was found. 0 or WEIR_ENOMEM: nothing is lost. */
static int next(struct cursor *c, enum wr_json_found *found, size_t *end)
{
    struct wr_json_scan *s = c->scan;
    c->one_line = false;
    if (s->state == WR_JSON_START) {
        int ahead = try_ahead(c, end);
        int rc = ahead < 0 ? try_line(c, end) : ahead;
        if (rc != 0) {
            *found = WR_JSON_ENDED;
            c->one_line = ahead < 0;
            return rc < 0 ? rc : 0;
        }
        wr_json_scan_begin(s, c->data[c->from]);
        c->from += s->state != WR_JSON_REST;
    }
    *found = WR_JSON_MORE;
    if (s->state != WR_JSON_REST) {
        *found = wr_json_scan_on(s, c->data, &c->from, c->len, c->eof);
        if (s->state == WR_JSON_REST && begins_anew(c)) {
            s->state = WR_JSON_START;
            *found = WR_JSON_BAD;
            *end = c->from - (c->from > c->start); /* without the line end */
            return 0;
        }
        if (*found == WR_JSON_ENDED && judge(c, c->from, found) < 0) {
            rewind_value(c);
            return WEIR_ENOMEM;
        }
    }
    if (s->state == WR_JSON_REST) {
        *found = scan_rest(s, c->data, &c->from, c->len, c->eof);
    }
    *end = c->from;
    return 0;
}

/* ---- the framer */

/* Use up the bytes of a value that is dropped. */
static void drop(struct cursor *c, enum wr_json_found found)
{
    c->framer->overlong_bytes += c->from - c->start;
    if (c->from > c->start) {
        c->framer->json->dropped_lf = c->data[c->from - 1] == '\n';
    }
    c->dropping = found == WR_JSON_MORE;
    pass(c, c->from);
}

/* The value is over the limit. False: the policy is to fail; frames before it go first. */
static bool begin_overlong(struct cursor *c, size_t count)
{
    struct wr_framer *framer = c->framer;
    if (framer->overlong == WEIR_LONG_FAILS && count > 0) {
        return false;
    }
    framer->overlong_count++;
    framer->overlong_start = framer->offset + c->start;
    framer->overlong_before = framer->overlong_bytes;
    framer->overlong_extra = 0;
    if (framer->overlong == WEIR_LONG_FAILS) {
        framer->failed = WEIR_ETOOLONG;
        return false;
    }
    return true;
}

static void give(const struct cursor *c, struct wr_frame *out, size_t end, enum wr_json_found found)
{
    size_t len = end - c->start;
    bool cr = found == WR_JSON_BAD && c->data[end - 1] == '\r';
    *out = (struct wr_frame){.data = c->data + c->start,
                             .len = len - cr,
                             .flags = found == WR_JSON_BAD ? WR_FRAME_BAD : 0,
                             .raw_len = (uint32_t)len,
                             .end = c->framer->offset + end};
}

enum { GIVEN = 1, DROPPED = 0, STOP = 2 };

/* Find and handle the next value; count: frames before it. GIVEN: *out is it; DROPPED: go on; STOP:
 * wait for bytes, or failed; or WEIR_ENOMEM. */
static int handle(struct cursor *c, struct wr_frame *out, size_t count)
{
    enum wr_json_found found;
    size_t end;
    int rc = next(c, &found, &end);
    if (rc < 0) {
        return rc;
    }
    if (!c->dropping && WR_MAX(end, c->from) - c->start > c->limit) {
        if (!begin_overlong(c, count)) {
            rewind_value(c);
            return STOP;
        }
        c->dropping = true;
    }
    if (c->dropping) {
        drop(c, found);
        return found == WR_JSON_MORE ? STOP : DROPPED;
    }
    if (found == WR_JSON_MORE) {
        return STOP;
    }
    give(c, out, end, found);
    pass(c, end);
    c->from = end;
    return GIVEN;
}

static struct cursor cursor_of(struct wr_framer *framer, struct wr_json_scan *scan,
                               const char *data, size_t len)
{
    return (struct cursor){.framer = framer,
                           .scan = scan,
                           .data = data,
                           .len = len,
                           .from = framer->scanned,
                           .limit = WR_MIN(framer->item_bytes_max, LIMIT_MAX),
                           .lines = framer->lines,
                           .dropping = framer->dropping};
}

static long json_split(struct wr_framer *framer, const char *data, size_t len, bool eof,
                       struct wr_frame *out, size_t max, size_t *used)
{
    struct cursor c = cursor_of(framer, &framer->json->scan, data, len);
    struct wr_json_values *values = framer->json;
    size_t count = 0;
    int rc = framer->failed;
    c.eof = eof;
    c.ahead = true;
    if (values->ahead != data) {
        values->ahead_end = NULL;
    }
    while (rc == 0 && count < max) {
        if (c.scan->state == WR_JSON_START) {
            int bom = c.start == 0 ? wr_json_bom(framer, data, len, eof) : 0;
            if (bom < 0) {
                break;
            }
            c.start += (size_t)bom;
            skip_space(&c);
        }
        if (c.start == len && !(eof && c.dropping)) {
            break;
        }
        rc = handle(&c, &out[count], count);
        if (rc == GIVEN) {
            count++;
            rc = 0;
        }
    }
    if (wr_json_bytes(&framer->json->json) > KEPT_BYTES) {
        wr_json_trim(&framer->json->json);
    }
    *used = c.start;
    values->ahead = data + c.start;
    framer->offset += c.start;
    framer->lines = c.lines;
    framer->scanned = c.from - c.start;
    framer->dropping = c.dropping;
    return framer->failed != 0 ? framer->failed : rc < 0 && count == 0 ? rc : (long)count;
}

/* As splitting, with the state of a copy. */
static size_t json_whole(const struct wr_framer *framer, const char *data, size_t len, bool looked)
{
    struct wr_framer copy = *framer;
    struct wr_json_scan scan =
        looked ? framer->json->scan : (struct wr_json_scan){.state = WR_JSON_START};
    copy.scanned = looked ? framer->scanned : 0;
    copy.dropping = looked && framer->dropping;
    struct cursor c = cursor_of(&copy, &scan, data, len);
    for (;;) {
        enum wr_json_found found;
        size_t end;
        if (scan.state == WR_JSON_START) {
            skip_space(&c);
        }
        if (c.start == len || next(&c, &found, &end) < 0) {
            return c.start;
        }
        if (found == WR_JSON_MORE) {
            bool used_up = c.dropping || end - c.start > c.limit;
            return used_up && framer->overlong != WEIR_LONG_FAILS ? len : c.start;
        }
        c.dropping = false;
        c.start = c.from = end;
    }
}

const struct wr_framer_ops wr_json_framer = {.item = "value",
                                             .type = &weir_json_type,
                                             .split = json_split,
                                             .whole = json_whole,
                                             .counts_lines = true,
                                             .gives_half = true};
