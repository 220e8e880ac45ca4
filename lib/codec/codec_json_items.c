/*
 * codec_json_items.c - the framer of the elements of one array inside each JSON text of a stream,
 * however long the array is (codec_json_values.h). The memory in use is that of one element.
 *
 * It goes down the path of keys, skips what lies beside it, and gives each element of the array as a
 * frame. All bytes outside of elements are used up as they come, and are checked for their structure
 * only. An element that is not valid is a frame with WR_FRAME_BAD; the next one is found by its
 * structure.
 *
 *     TEXT       before a text
 *     KEY        before a key of an object of the path; FIRST_KEY: or its end
 *     COLON, MEMBER, AFTER_MEMBER     after the key, before its value, after its value
 *     SKIP       inside a value beside the path
 *     ELEMENT    before an element, or inside one; FIRST_ELEMENT: or the array's end
 *     AFTER_ELEMENT
 *     REST       behind a mistake in the structure, up to the next text
 *
 * A text without the array, and one with a mistake in its structure, are rejected: one frame with
 * WR_FRAME_BAD, for which wr_json_items_fault says why. The structure of the first is known, so it is
 * left out to its end. Where the other ends is not known: up to the next line that begins with the
 * bracket of a text, which may be that of the mistake itself. Elements before the mistake were given.
 * The frame is the text up to HELD_BYTES, so as many bytes are kept before the first element; of a
 * mistake behind that, it begins there or after the last element. What follows HELD_BYTES is left out.
 *
 * An end of the input inside a text is a failure: who cut it off has the rest of the elements.
 *
 * Of equal keys in an object, each array is read, because what follows is not known.
 */
#include "codec_json_items.h"

#include <string.h>

#include "base_alloc.h"
#include "base_error.h"

enum { HELD_BYTES = 4096 };

struct cursor {
    struct wr_framer *framer;
    struct wr_json_values *values;
    struct wr_json_items *items;
    const char *data;
    size_t len;
    size_t at;   /* bytes before it are read */
    size_t from; /* of a key, an element or a skipped value: the scan continues here */
    bool eof;
    struct wr_frame *out;
    size_t count;
};

/* LOST: a mistake in the structure. CUT_OFF: the input ends inside a value. */
enum { ON = 0, WAIT = 1, LOST = 2, CUT_OFF = 3 };

/* Frames before the failure are given first: the next call comes here again. */
static int fail(struct cursor *c, int code, const char *problem)
{
    if (c->count == 0) {
        c->framer->failed = code;
        c->framer->problem = problem;
    }
    return WAIT;
}

static int go(struct cursor *c, enum wr_json_items_where where)
{
    c->items->where = where;
    c->from = ++c->at;
    return ON;
}

/* ---- texts that are rejected */

static void begin_since(struct cursor *c)
{
    c->items->since = c->framer->offset + c->at;
}

static void reject_text(struct cursor *c, size_t at, struct wr_json_mistake mistake)
{
    struct wr_json_items *items = c->items;
    items->wrong = true;
    items->mistake = mistake;
    items->wrong_at = c->framer->offset + at;
    if (items->wrong_at - items->since > HELD_BYTES) {
        items->since = items->wrong_at;
    }
}

static void end_text(struct cursor *c)
{
    struct wr_json_items *items = c->items;
    items->where = WR_ITEMS_TEXT;
    items->level = 0;
    items->over = items->wrong;
}

/* The structure is broken at `at`: the text is rejected if it is not yet, and its rest is left out. */
static int lose(struct cursor *c, size_t at, const char *problem)
{
    if (!c->items->wrong) {
        reject_text(c, at, (struct wr_json_mistake){.problem = problem});
    }
    c->at = c->from = at;
    c->items->inside = false;
    c->items->where = WR_ITEMS_REST;
    return ON;
}

#define NOT_READ ": the rest of this text is not read"

/* The array is missing: the value at c->at, or the end of an object, is in its place. */
static void miss(struct cursor *c, size_t level)
{
    char byte = c->data[c->at];
    if (!c->items->wrong) {
        reject_text(c, c->at, (struct wr_json_mistake){.level = level, .found = byte});
    }
}

static int end_of_input(struct cursor *c)
{
    if (!c->items->wrong) {
        return fail(c, WEIR_ETRUNCATED, "the input ends inside a JSON text");
    }
    end_text(c);
    return ON;
}

static bool line_begins(const struct cursor *c)
{
    return c->at > 0 ? c->data[c->at - 1] == '\n' : c->items->lf;
}

static int leave_out_rest(struct cursor *c)
{
    char opens = c->items->count > 0 ? '{' : '[';
    while (c->at < c->len && (c->data[c->at] != opens || !line_begins(c))) {
        const char *lf = memchr(c->data + c->at, '\n', c->len - c->at);
        c->at = lf != NULL ? (size_t)(lf - c->data) + 1 : c->len;
    }
    c->from = c->at;
    if (c->at < c->len) {
        end_text(c);
    }
    return ON;
}

/* The bytes that are kept begin here. c->at: none are. */
static size_t kept_from(const struct cursor *c)
{
    uint64_t offset = c->framer->offset;
    return c->items->since >= offset ? (size_t)(c->items->since - offset) : c->at;
}

/* Is it time to give the rejected text? */
static bool due(const struct cursor *c)
{
    const struct wr_json_items *items = c->items;
    return items->wrong && !items->told && (items->over || c->at - kept_from(c) > HELD_BYTES);
}

/* Give it. ON or WEIR_ENOMEM. */
static int tell(struct cursor *c)
{
    struct wr_json_items *items = c->items;
    size_t from = kept_from(c);
    size_t len = c->at - from;
    bool cut = len > HELD_BYTES;
    if (!wr_grow(&items->given, sizeof *items->given, items->given_count, &items->given_room)) {
        return WEIR_ENOMEM;
    }
    len = cut ? HELD_BYTES : len;
    while (!cut && len > 0 && wr_json_is_space(c->data[from + len - 1])) {
        len--;
    }
    struct wr_json_mistake *mistake = &items->given[items->given_count++];
    *mistake = items->mistake;
    mistake->data = c->data + from;
    mistake->len = len;
    mistake->at = (size_t)(items->wrong_at - items->since);
    c->out[c->count++] = (struct wr_frame){.data = mistake->data,
                                           .len = len,
                                           .flags = WR_FRAME_BAD | (cut ? WEIR_ITEM_TRUNCATED : 0),
                                           .raw_len = (uint32_t)len,
                                           .end = items->since + len};
    items->told = true;
    return ON;
}

/* ---- down the path */

/* The value of a text or a member on the path begins with `byte`. */
static int enter(struct cursor *c, char byte)
{
    struct wr_json_items *items = c->items;
    if (items->level == items->count && byte == '[') {
        return go(c, WR_ITEMS_FIRST_ELEMENT);
    }
    if (items->level < items->count && byte == '{') {
        items->steps[items->level++].seen = false;
        return go(c, WR_ITEMS_FIRST_KEY);
    }
    if (wr_json_items_kind(byte) == NULL) {
        return lose(c, c->at, "expected a JSON value" NOT_READ);
    }
    miss(c, items->level);
    items->where = WR_ITEMS_SKIP;
    return ON;
}

/* A value on the path has ended, or one that was skipped. */
static void leave(struct cursor *c)
{
    if (c->items->level > 0) {
        c->items->where = WR_ITEMS_AFTER_MEMBER;
    } else {
        end_text(c);
    }
}

static int close_bracket(struct cursor *c)
{
    c->from = ++c->at;
    leave(c);
    return ON;
}

/* Scan the value at c->at. ON: it ends at c->from; LOST: the mistake is there. */
static int scan(struct cursor *c)
{
    struct wr_json_scan *s = &c->values->scan;
    if (!c->items->inside) {
        wr_json_scan_begin(s, c->data[c->at]);
        c->from = c->at + (s->state != WR_JSON_REST);
        c->items->inside = true;
    }
    enum wr_json_found found = wr_json_scan_on(s, c->data, &c->from, c->len, c->eof);
    if (s->state == WR_JSON_REST) {
        return LOST;
    }
    c->items->inside = found == WR_JSON_MORE;
    return found == WR_JSON_MORE ? WAIT : found == WR_JSON_BAD ? CUT_OFF : ON;
}

static int read_key(struct cursor *c)
{
    struct wr_json_items *items = c->items;
    if (!items->inside && c->data[c->at] != '"') {
        return lose(c, c->at, "expected a key in double quotes" NOT_READ);
    }
    int rc = scan(c);
    if (c->from - c->at > c->framer->item_bytes_max) {
        return lose(c, c->at, "a key is longer than the limit of an element" NOT_READ);
    }
    if (rc != ON) {
        return rc == LOST      ? lose(c, c->from, "invalid JSON in a key" NOT_READ)
               : rc == CUT_OFF ? end_of_input(c)
                               : WAIT;
    }
    struct wr_json *json = &c->values->json;
    rc = wr_json_index(json, c->data + c->at, c->from - c->at);
    if (rc == WEIR_ENOMEM) {
        items->inside = false;
        return rc;
    }
    if (rc != 0) {
        return lose(c, c->at, "a key is not a valid JSON string" NOT_READ);
    }
    struct wr_json_step *step = &items->steps[items->level - 1];
    items->on_path = wr_json_string_is(json, WR_JSON_ROOT, step->name);
    step->seen = step->seen || items->on_path;
    c->at = c->from;
    items->where = WR_ITEMS_COLON;
    return ON;
}

/* The bytes of a value beside the path are used up as they come. */
static int skip(struct cursor *c)
{
    int rc = scan(c);
    c->at = c->from;
    if (rc == ON) {
        leave(c);
    }
    return rc == LOST      ? lose(c, c->at, "invalid JSON" NOT_READ)
           : rc == CUT_OFF ? end_of_input(c)
                           : rc;
}

/* ---- elements */

/* Use up an element over the limit; found: what the scan has found. */
static int drop(struct cursor *c, int found)
{
    struct wr_framer *framer = c->framer;
    if (!framer->dropping) {
        if (framer->overlong == WEIR_LONG_FAILS && c->count > 0) {
            c->items->inside = false; /* it is scanned again */
            c->from = c->at;
            return WAIT;
        }
        framer->overlong_count++;
        framer->overlong_start = framer->offset + c->at;
        framer->overlong_before = framer->overlong_bytes;
        framer->overlong_extra = 0;
        if (framer->overlong == WEIR_LONG_FAILS) {
            return fail(c, WEIR_ETOOLONG, NULL);
        }
    }
    framer->dropping = found == WAIT || found == CUT_OFF;
    framer->overlong_bytes += c->from - c->at;
    c->at = c->from;
    return found;
}

static void after_element(struct cursor *c)
{
    c->items->where = WR_ITEMS_AFTER_ELEMENT;
    begin_since(c);
}

static int read_element(struct cursor *c)
{
    struct wr_framer *framer = c->framer;
    struct wr_json *json = &c->values->json;
    if (!c->items->inside) {
        begin_since(c);
    }
    int rc = scan(c);
    size_t len = c->from - c->at;
    bool over = framer->dropping || len > WR_MIN(framer->item_bytes_max, (size_t)WR_JSON_BYTES_MAX);
    if (over) {
        rc = drop(c, rc);
    }
    if (framer->failed != 0) {
        return WAIT;
    }
    if (rc == LOST || rc == CUT_OFF) {
        return rc == LOST ? lose(c, c->from, "invalid JSON" NOT_READ) : end_of_input(c);
    }
    if (rc == WAIT || over) {
        if (rc == ON) {
            after_element(c);
        }
        return rc;
    }
    rc = wr_json_index(json, c->data + c->at, len);
    if (rc == WEIR_ENOMEM) {
        c->from = c->at;
        return rc;
    }
    c->out[c->count++] = (struct wr_frame){.data = c->data + c->at,
                                           .len = len,
                                           .flags = rc == 0 ? 0 : WR_FRAME_BAD,
                                           .raw_len = (uint32_t)len,
                                           .end = framer->offset + c->from};
    c->at = c->from;
    after_element(c);
    return ON;
}

/* ---- one step */

static int after_member(struct cursor *c, char byte)
{
    struct wr_json_items *items = c->items;
    if (byte == ',') {
        return go(c, WR_ITEMS_KEY);
    }
    if (byte != '}') {
        return lose(c, c->at, "expected ',' or '}' after a member" NOT_READ);
    }
    items->level--;
    if (!items->steps[items->level].seen) {
        miss(c, items->level);
    }
    return close_bracket(c);
}

/* At a byte that is no white space. ON, WAIT (for bytes, or failed) or WEIR_ENOMEM. */
static int handle(struct cursor *c)
{
    struct wr_json_items *items = c->items;
    char byte = c->at < c->len ? c->data[c->at] : '\0';
    switch (items->where) {
    case WR_ITEMS_TEXT: return enter(c, byte);
    case WR_ITEMS_FIRST_KEY:
        items->where = byte == '}' ? WR_ITEMS_AFTER_MEMBER : WR_ITEMS_KEY;
        return ON;
    case WR_ITEMS_KEY: return read_key(c);
    case WR_ITEMS_COLON:
        return byte == ':' ? go(c, WR_ITEMS_MEMBER)
                           : lose(c, c->at, "expected ':' after a key" NOT_READ);
    case WR_ITEMS_MEMBER:
        if (items->on_path && !items->wrong) {
            return enter(c, byte);
        }
        items->where = WR_ITEMS_SKIP;
        return ON;
    case WR_ITEMS_AFTER_MEMBER: return after_member(c, byte);
    case WR_ITEMS_SKIP: return skip(c);
    case WR_ITEMS_FIRST_ELEMENT:
        if (byte == ']') {
            return close_bracket(c);
        }
        items->where = WR_ITEMS_ELEMENT;
        return ON;
    case WR_ITEMS_ELEMENT: return read_element(c);
    case WR_ITEMS_AFTER_ELEMENT:
        return byte == ','   ? go(c, WR_ITEMS_ELEMENT)
               : byte == ']' ? close_bracket(c)
                             : lose(c, c->at, "expected ',' or ']' after an element" NOT_READ);
    default: return leave_out_rest(c);
    }
}

static void skip_space(struct cursor *c)
{
    while (!c->items->inside && c->at < c->len && wr_json_is_space(c->data[c->at])) {
        c->from = ++c->at;
    }
}

/* ON, WAIT or WEIR_ENOMEM. */
static int step(struct cursor *c)
{
    struct wr_json_items *items = c->items;
    if (due(c)) {
        return tell(c);
    }
    if (items->over) {
        items->wrong = items->over = items->told = false;
    }
    bool between = items->where == WR_ITEMS_TEXT;
    if (between && c->at == 0) {
        int bom = wr_json_bom(c->framer, c->data, c->len, c->eof);
        if (bom < 0) {
            return WAIT;
        }
        c->from = c->at = (size_t)bom;
    }
    if (items->where != WR_ITEMS_REST) {
        skip_space(c);
    }
    if (between) {
        begin_since(c);
    }
    if (c->at < c->len || (c->eof && items->inside)) {
        return handle(c);
    }
    return c->eof && !between ? end_of_input(c) : WAIT;
}

/* The bytes before c->at that need not be kept are used up. */
static size_t use_up(struct cursor *c)
{
    struct wr_framer *framer = c->framer;
    struct wr_json_items *items = c->items;
    size_t used = kept_from(c);
    bool waits = items->wrong && !items->told;
    if (!waits && (items->told || c->at - used > HELD_BYTES)) {
        used = c->at;
    }
    for (const char *at = c->data, *end = at + used;
         at < end && (at = memchr(at, '\n', (size_t)(end - at))) != NULL; at++) {
        framer->lines++;
    }
    items->lf = used > 0 ? c->data[used - 1] == '\n' : items->lf;
    items->at = c->at - used;
    framer->scanned = c->from - used;
    framer->offset += used;
    return used;
}

static long items_split(struct wr_framer *framer, const char *data, size_t len, bool eof,
                        struct wr_frame *out, size_t max, size_t *used)
{
    struct cursor c = {.framer = framer,
                       .values = framer->json,
                       .items = framer->json->items,
                       .data = data,
                       .len = len,
                       .at = framer->json->items->at,
                       .from = framer->scanned,
                       .eof = eof,
                       .out = out};
    int rc = framer->failed != 0 ? WAIT : ON;
    while (rc == ON && c.count < max) {
        rc = step(&c);
    }
    if (rc == WAIT && c.count < max && framer->failed == 0 && due(&c)) {
        rc = tell(&c);
    }
    *used = use_up(&c);
    return framer->failed != 0 ? framer->failed : rc < 0 && c.count == 0 ? rc : (long)c.count;
}

/* Nothing is whole: elements are cut before the window is full. */
static size_t items_whole(const struct wr_framer *framer, const char *data, size_t len, bool looked)
{
    (void)framer;
    (void)data;
    (void)len;
    (void)looked;
    return 0;
}

const struct wr_framer_ops wr_json_items_framer = {.item = "element",
                                                   .type = &weir_json_type,
                                                   .split = items_split,
                                                   .whole = items_whole,
                                                   .counts_lines = true};
