/*
 * codec_json_items.c - the framer of the elements of one array inside each JSON text of a stream,
 * however long the array is (codec_json_values.h). The memory in use is that of one element.
 *
 * It goes down the path of keys, skips what lies beside it, and gives each element of the array as a
 * frame. All bytes outside of elements are used up as they come, and are checked for their structure
 * only. An element that is not valid is a frame with WR_FRAME_BAD; the next one is found by its
 * structure. A mistake in the structure, a text without the array, and an end of the input inside a
 * text are failures: it is not known where the elements are.
 *
 *     TEXT       before a text
 *     KEY        before a key of an object of the path; FIRST_KEY: or its end
 *     COLON, MEMBER, AFTER_MEMBER     after the key, before its value, after its value
 *     SKIP       inside a value beside the path
 *     ELEMENT    before an element, or inside one; FIRST_ELEMENT: or the array's end
 *     AFTER_ELEMENT
 *
 * Of equal keys in an object, each array is read, because what follows is not known.
 */
#include <stdio.h>
#include <string.h>

#include "base_alloc.h"
#include "base_error.h"
#include "codec_json_values.h"

enum where {
    TEXT = 0,
    FIRST_KEY,
    KEY,
    COLON,
    MEMBER,
    AFTER_MEMBER,
    SKIP,
    FIRST_ELEMENT,
    ELEMENT,
    AFTER_ELEMENT
};

struct wr_json_items {
    enum where where;
    size_t level;      /* open objects of the path */
    bool on_path;      /* the member is the next of the path */
    bool inside;       /* a key or an element has begun: the scan goes on */
    bool found;        /* the array was in this text */
    char problem[160]; /* if the array is missing */
    size_t count;
    struct wr_text steps[];
};

void wr_json_items_free(struct wr_json_items *items)
{
    wr_free(items);
}

/* Unescape the string at the start of a path, which ends at `end`. 1, or the code of wr_json_index. */
static int take_string(const char *path, const char *end, char *to, size_t *len)
{
    struct wr_json json;
    wr_json_init(&json);
    int rc = wr_json_index(&json, path, (size_t)(end - path));
    if (rc == 0) {
        *len = wr_json_unescape(wr_json_inside(&json, WR_JSON_ROOT), to);
        rc = 1;
    }
    wr_json_fini(&json);
    return rc;
}

/* Read the next name of a path: .name or ."a name". The name goes to `to`, unescaped. 1; 0: the end;
 * WEIR_EPARSE: it is not one; WEIR_ENOMEM. */
static int take_step(const char **path, char *to, size_t *len)
{
    const char *at = *path;
    if (at[0] == '\0') {
        return 0;
    }
    if (at[0] != '.') {
        return WEIR_EPARSE;
    }
    at++;
    if (at[0] == '"') {
        const char *end = at + 1;
        while (*end != '\0' && *end != '"') {
            end += end[0] == '\\' && end[1] != '\0' ? 2 : 1;
        }
        *path = end + (*end == '"');
        return take_string(at, *path, to, len);
    }
    size_t n = strspn(at, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_");
    memcpy(to, at, n);
    *len = n;
    *path = at + n;
    return n > 0 ? 1 : WEIR_EPARSE;
}

int wr_json_items_new(const char *path, struct wr_json_items **items)
{
    size_t bytes = strlen(path);
    size_t most = bytes / 2 + 1;
    struct wr_json_items *new = wr_zalloc(sizeof *new + most * sizeof new->steps[0] + bytes);
    *items = new;
    if (new == NULL) {
        return WEIR_ENOMEM;
    }
    (void)snprintf(new->problem, sizeof new->problem, "there is no array at %s", path);
    char *to = (char *)&new->steps[most];
    int rc = bytes == 0 ? WEIR_EPARSE : 0;
    path += strcmp(path, ".") == 0;
    while (rc >= 0 && new->count < most) {
        size_t len = 0;
        rc = take_step(&path, to, &len);
        if (rc <= 0) {
            break;
        }
        new->steps[new->count++] = (struct wr_text){to, len};
        to += len;
    }
    if (rc < 0) {
        wr_free(new);
        *items = NULL;
        return rc == WEIR_ENOMEM ? rc : WEIR_EINVAL;
    }
    return 0;
}

struct cursor {
    struct wr_framer *framer;
    struct wr_json_values *values;
    struct wr_json_items *items;
    const char *data;
    size_t len;
    size_t at;   /* bytes before it are used up */
    size_t from; /* of a key or element: the scan continues here */
    bool eof;
    struct wr_frame *out;
    size_t count;
};

enum { ON = 0, WAIT = 1 };

/* Frames before the failure are given first: the next call comes here again. */
static int fail(struct cursor *c, int code, const char *problem)
{
    if (c->count == 0) {
        c->framer->failed = code;
        c->framer->problem = problem;
    }
    return WAIT;
}

static int go(struct cursor *c, enum where where)
{
    c->items->where = where;
    c->from = ++c->at;
    return ON;
}

/* The value of a text or a member on the path begins with `byte`. */
static int enter(struct cursor *c, char byte)
{
    struct wr_json_items *items = c->items;
    if (items->level == items->count) {
        items->found = items->found || byte == '[';
        return byte == '[' ? go(c, FIRST_ELEMENT) : fail(c, WEIR_EPARSE, items->problem);
    }
    if (byte != '{') {
        return fail(c, WEIR_EPARSE, items->problem);
    }
    items->level++;
    return go(c, FIRST_KEY);
}

/* A value on the path has ended. */
static int leave(struct cursor *c)
{
    struct wr_json_items *items = c->items;
    if (items->level > 0) {
        return go(c, AFTER_MEMBER);
    }
    items->found = false;
    return go(c, TEXT);
}

/* Scan the value at c->at. ON: it ends at c->from. */
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
        return fail(c, WEIR_EPARSE, "invalid JSON between the elements");
    }
    c->items->inside = found == WR_JSON_MORE;
    return found == WR_JSON_MORE  ? WAIT
           : found == WR_JSON_BAD ? fail(c, WEIR_ETRUNCATED, "the input ends inside a JSON text")
                                  : ON;
}

static int read_key(struct cursor *c)
{
    struct wr_json_items *items = c->items;
    if (!items->inside && c->data[c->at] != '"') {
        return fail(c, WEIR_EPARSE, "expected a key in double quotes");
    }
    int rc = scan(c);
    if (c->from - c->at > c->framer->item_bytes_max) {
        return fail(c, WEIR_EPARSE, "a key is longer than the limit of an element");
    }
    if (rc != ON) {
        return rc;
    }
    struct wr_json *json = &c->values->json;
    rc = wr_json_index(json, c->data + c->at, c->from - c->at);
    if (rc == WEIR_ENOMEM) {
        items->inside = false;
        return rc;
    }
    if (rc != 0) {
        return fail(c, WEIR_EPARSE, json->error);
    }
    items->on_path = wr_json_string_is(json, WR_JSON_ROOT, items->steps[items->level - 1]);
    c->at = c->from;
    items->where = COLON;
    return ON;
}

/* The bytes of a value beside the path are used up as they come. */
static int skip(struct cursor *c)
{
    int rc = scan(c);
    c->at = c->from;
    if (rc == ON) {
        c->items->where = AFTER_MEMBER;
    }
    return rc;
}

/* Use up an element over the limit; over: its end is here. */
static int drop(struct cursor *c, bool over)
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
    framer->dropping = !over;
    framer->overlong_bytes += c->from - c->at;
    c->at = c->from;
    if (over) {
        c->items->where = AFTER_ELEMENT;
    }
    return over ? ON : WAIT;
}

static int read_element(struct cursor *c)
{
    struct wr_framer *framer = c->framer;
    struct wr_json *json = &c->values->json;
    int rc = scan(c);
    if (framer->failed != 0 || (rc == WAIT && !c->items->inside)) {
        return rc; /* or will fail when the frames before it are given */
    }
    size_t len = c->from - c->at;
    if (framer->dropping || len > WR_MIN(framer->item_bytes_max, (size_t)WR_JSON_BYTES_MAX)) {
        return drop(c, rc == ON);
    }
    if (rc != ON) {
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
    c->items->where = AFTER_ELEMENT;
    return ON;
}

/* One step at a byte that is no white space. ON, WAIT (for bytes, or failed) or WEIR_ENOMEM. */
static int step(struct cursor *c)
{
    struct wr_json_items *items = c->items;
    char byte = c->data[c->at];
    bool end = false;
    switch (items->where) {
    case TEXT: return enter(c, byte);
    case FIRST_KEY:
        end = byte == '}';
        items->where = end ? FIRST_KEY : KEY;
        break;
    case COLON:
        return byte == ':' ? go(c, MEMBER) : fail(c, WEIR_EPARSE, "expected ':' after a key");
    case MEMBER:
        if (items->on_path) {
            return enter(c, byte);
        }
        items->where = SKIP;
        return ON;
    case AFTER_MEMBER:
        if (byte == ',') {
            return go(c, KEY);
        }
        end = byte == '}';
        if (!end) {
            return fail(c, WEIR_EPARSE, "expected ',' or '}' after a member");
        }
        break;
    case FIRST_ELEMENT:
        if (byte == ']') {
            return leave(c);
        }
        items->where = ELEMENT;
        return ON;
    case AFTER_ELEMENT:
        return byte == ','   ? go(c, ELEMENT)
               : byte == ']' ? leave(c)
                             : fail(c, WEIR_EPARSE, "expected ',' or ']' after an element");
    default: return WAIT;
    }
    if (end && items->level == 1 && !items->found) {
        return fail(c, WEIR_EPARSE, items->problem);
    }
    if (end) {
        items->level--;
        return leave(c);
    }
    return ON;
}

static int handle(struct cursor *c)
{
    switch (c->items->where) {
    case KEY: return read_key(c);
    case SKIP: return skip(c);
    case ELEMENT: return read_element(c);
    default: return step(c);
    }
}

static void skip_space(struct cursor *c)
{
    while (!c->items->inside && c->at < c->len && wr_json_is_space(c->data[c->at])) {
        c->from = ++c->at;
    }
}

static long items_split(struct wr_framer *framer, const char *data, size_t len, bool eof,
                        struct wr_frame *out, size_t max, size_t *used)
{
    struct cursor c = {.framer = framer,
                       .values = framer->json,
                       .items = framer->json->items,
                       .data = data,
                       .len = len,
                       .from = framer->scanned,
                       .eof = eof,
                       .out = out};
    int rc = framer->failed != 0 ? WAIT : ON;
    while (rc == ON && c.count < max) {
        if (c.items->where == TEXT && !c.items->inside) {
            int bom = c.at == 0 ? wr_json_bom(framer, data, len, eof) : 0;
            if (bom < 0) {
                break;
            }
            c.from = c.at += (size_t)bom;
        }
        skip_space(&c);
        if (c.at < len || (eof && c.items->inside)) {
            rc = handle(&c);
        } else {
            rc = eof && c.items->where != TEXT
                     ? fail(&c, WEIR_ETRUNCATED, "the input ends inside a JSON text")
                     : WAIT;
        }
    }
    *used = c.at;
    framer->offset += c.at;
    framer->scanned = c.from - c.at;
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

const struct wr_framer_ops wr_json_items_framer = {
    .item = "element", .type = &weir_json_type, .split = items_split, .whole = items_whole};
