/*
 * codec_sse.c - the state machine that reads event streams (WHATWG HTML, 9.2.6).
 *
 * It uses up every byte as it comes. The value of a field is stored at once where it belongs (data
 * in the block that becomes the event), so a line may have any length, and comments and unknown
 * fields take no memory. A line ends at CR LF, LF or CR. After a CR the line is complete at once,
 * and one LF that follows is skipped, so no event waits for the next byte.
 *
 *     NAME     the field's name, up to the colon; a name longer than any known one is unknown
 *     COLON    one blank after the colon is not part of the value
 *     VALUE    up to the line's end
 *
 * An empty line ends an event: its id becomes the last id, then the event is given, unless it has
 * no data. An event that is incomplete at the end of the input is dropped.
 *
 * Limits: item_bytes_max for the data, WR_SSE_FIELD_MAX for id and type. By policy, an event over
 * one of them is skipped (under PARTS too), cut (without the id or type that was too long) or
 * fails. An id that was too long never becomes the last id.
 *
 * Without memory the call ends before the byte that needs it, and the next call continues there.
 */
#include "codec_sse.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base_alloc.h"
#include "base_error.h"

enum where { NAME = 0, COLON, VALUE };
enum field { IGNORED = 0, DATA, TYPE, ID, RETRY };

/* NAME_CAP: the longest name of a field plus one byte. */
enum { NAME_CAP = 6, EVENT_BYTES_MIN = 256, SMALL_BYTES_MIN = 64, RETRY_BYTES = 20, BOM_LEN = 3 };

static const char bom[] = "\xef\xbb\xbf";
static const weir_slice field_names[] = {{"event", 5}, {"retry", 5}};

/* The start of an event's block; the data follows, then id, type and retry. */
struct head {
    weir_event event;
    weir_slice values[sizeof field_names / sizeof *field_names];
};

/* An id or a type; it grows as bytes come. */
struct small {
    char *bytes;
    size_t len, cap;
};

struct wr_sse {
    uint8_t where; /* enum where */
    uint8_t field; /* enum field, of the line that is read */
    bool swallow_lf;
    bool bad_value;  /* an id with a NUL, a retry with something other than digits */
    bool too_long;   /* something in the event is over its limit */
    bool data_full;  /* ... its data: no more is stored */
    uint8_t bom_len; /* bytes of a byte order mark that have come; BOM_LEN: it cannot come now */
    uint8_t name_len;
    char name[NAME_CAP];
    struct weir_block *block; /* of the event that is read; NULL: no data yet */
    size_t data_len;          /* with an LF after each line */
    struct small type;
    struct small line; /* the value of an id or retry line that has not ended */
    struct small id;   /* of the latest id line */
    struct small last_id;
    int64_t retry_ms, event_retry_ms; /* -1: none */
    uint64_t begin;                   /* offset of the event that is read */
};

int wr_sse_init(struct wr_framer *framer)
{
    struct wr_sse *sse = wr_zalloc(sizeof *sse);
    framer->sse = sse;
    if (sse == NULL) {
        return WEIR_ENOMEM;
    }
    sse->retry_ms = sse->event_retry_ms = -1;
    sse->begin = framer->offset;
    return 0;
}

static void drop_event(struct wr_sse *sse)
{
    wr_block_unref(sse->block, 1);
    sse->block = NULL;
    sse->data_len = 0;
    sse->type.len = 0;
    sse->event_retry_ms = -1;
    sse->too_long = sse->data_full = false;
}

void wr_sse_fini(struct wr_framer *framer)
{
    struct wr_sse *sse = framer->sse;
    if (sse != NULL) {
        drop_event(sse);
        wr_free(sse->type.bytes);
        wr_free(sse->line.bytes);
        wr_free(sse->id.bytes);
        wr_free(sse->last_id.bytes);
        wr_free(sse);
        framer->sse = NULL;
    }
}

static int small_reserve(struct small *small, size_t more)
{
    if (small->cap - small->len >= more) {
        return 0;
    }
    size_t cap = WR_MAX(small->cap * 2, WR_MAX(small->len + more, (size_t)SMALL_BYTES_MIN));
    char *bytes = wr_realloc(small->bytes, cap);
    if (bytes == NULL) {
        return WEIR_ENOMEM;
    }
    small->bytes = bytes;
    small->cap = cap;
    return 0;
}

/* There must be room. */
static void small_append(struct small *small, const char *data, size_t len)
{
    if (len > 0) {
        memcpy(small->bytes + small->len, data, len);
        small->len += len;
    }
}

static int small_set(struct small *small, struct wr_text text)
{
    int rc = small_reserve(small, text.len);
    if (rc == 0) {
        small->len = 0;
        small_append(small, text.data, text.len);
    }
    return rc;
}

static struct wr_text text_of(const struct small *small)
{
    return (struct wr_text){small->bytes != NULL ? small->bytes : "", small->len};
}

void wr_sse_restart(struct wr_framer *framer)
{
    struct wr_sse *sse = framer->sse;
    drop_event(sse);
    sse->where = NAME;
    sse->name_len = sse->bom_len = 0;
    sse->swallow_lf = false;
    sse->begin = framer->offset;
    framer->dropping = false;
    sse->id.len = 0;
    small_append(&sse->id, sse->last_id.bytes, sse->last_id.len); /* fits: it was in `id` before */
}

struct wr_text wr_sse_last_id(const struct wr_framer *framer)
{
    return text_of(&framer->sse->last_id);
}

int wr_sse_set_last_id(struct wr_framer *framer, struct wr_text id)
{
    struct wr_sse *sse = framer->sse;
    int rc = small_set(&sse->id, id);
    return rc == 0 ? small_set(&sse->last_id, id) : rc;
}

int64_t wr_sse_retry_ms(const struct wr_framer *framer)
{
    return framer->sse->retry_ms;
}

uint64_t wr_sse_begin(const struct wr_framer *framer)
{
    return framer->sse->begin;
}

struct weir_block *wr_sse_block(const struct wr_framer *framer)
{
    return framer->sse->block;
}

/* ---- the content of a line */

struct cursor {
    struct wr_framer *framer;
    struct wr_sse *sse;
    struct wr_block_pool *pool;
    const char *data;
    size_t len, at;
    size_t no_lf; /* no LF in [at, no_lf) */
};

/* Make room for `more` bytes in the event's block. */
static int reserve(struct cursor *c, size_t more)
{
    struct wr_sse *sse = c->sse;
    struct weir_block *old = sse->block;
    size_t need = sizeof(struct head) + sse->data_len + more;
    if (old != NULL && old->cap >= need) {
        return 0;
    }
    int why = 0;
    size_t cap = WR_MAX(need, old != NULL ? (size_t)old->cap * 2 : (size_t)EVENT_BYTES_MIN);
    struct weir_block *block = wr_block_new(c->pool, cap, &why);
    if (block == NULL) {
        return why;
    }
    if (old != NULL) {
        memcpy(block->data + sizeof(struct head), old->data + sizeof(struct head), sse->data_len);
        wr_block_unref(old, 1);
    }
    sse->block = block;
    return 0;
}

/* Something in this event is over its limit. Negative: the policy is to fail. */
static int begin_overlong(struct cursor *c)
{
    struct wr_framer *framer = c->framer;
    if (c->sse->too_long) {
        return 0;
    }
    c->sse->too_long = true;
    framer->overlong_count++;
    framer->overlong_start = c->sse->begin;
    framer->overlong_before = framer->overlong_bytes;
    if (framer->overlong == WEIR_LONG_FAILS) {
        framer->failed = WEIR_ETOOLONG;
        return framer->failed;
    }
    framer->dropping = framer->overlong != WEIR_LONG_CUT;
    if (framer->dropping) {
        wr_block_unref(c->sse->block, 1);
        c->sse->block = NULL;
        c->sse->data_len = 0;
    }
    return 0;
}

static int append_data(struct cursor *c, const char *data, size_t len)
{
    struct wr_sse *sse = c->sse;
    size_t limit = c->framer->item_bytes_max;
    size_t room = limit - WR_MIN(sse->data_len, limit);
    if (sse->data_full || c->framer->dropping) {
        return 0;
    }
    bool over = len > room || sse->data_len > limit;
    int rc = reserve(c, WR_MIN(len, room) + 1); /* and the LF */
    rc = rc == 0 && over ? begin_overlong(c) : rc;
    if (rc < 0 || c->framer->dropping) {
        return rc;
    }
    if (len > 0) {
        memcpy(sse->block->data + sizeof(struct head) + sse->data_len, data, WR_MIN(len, room));
        sse->data_len += WR_MIN(len, room);
    }
    sse->data_full = over;
    return 0;
}

static int append_small(struct cursor *c, struct small *small, const char *data, size_t len)
{
    if (len > (size_t)WR_SSE_FIELD_MAX - small->len) {
        c->sse->bad_value = true;
        return begin_overlong(c);
    }
    int rc = small_reserve(small, len);
    if (rc == 0) {
        small_append(small, data, len);
    }
    return rc;
}

static int append_retry(struct cursor *c, const char *data, size_t len)
{
    struct wr_sse *sse = c->sse;
    for (size_t i = 0; i < len; i++) {
        sse->bad_value = sse->bad_value || !wr_is_digit(data[i]);
    }
    return append_small(c, &sse->line, data, len);
}

/* A part of the value of the line's field. */
static int append(struct cursor *c, const char *data, size_t len)
{
    struct wr_sse *sse = c->sse;
    if (sse->bad_value) {
        return 0;
    }
    switch (sse->field) {
    case DATA: return append_data(c, data, len);
    case TYPE: return append_small(c, &sse->type, data, len);
    case ID:
        sse->bad_value = len > 0 && memchr(data, '\0', len) != NULL;
        return sse->bad_value ? 0 : append_small(c, &sse->line, data, len);
    case RETRY: return append_retry(c, data, len);
    default: return 0;
    }
}

static enum field field_of(const struct wr_sse *sse)
{
    struct wr_text name = {sse->name, sse->name_len};
    static const struct {
        const char *name;
        enum field field;
    } fields[] = {{"data", DATA}, {"event", TYPE}, {"id", ID}, {"retry", RETRY}};
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        if (name.len == strlen(fields[i].name) &&
            memcmp(name.data, fields[i].name, name.len) == 0) {
            return fields[i].field;
        }
    }
    return IGNORED;
}

static void begin_value(struct wr_sse *sse)
{
    sse->field = (uint8_t)field_of(sse);
    sse->bad_value = false;
    sse->line.len = 0;
    if (sse->field == TYPE) {
        sse->type.len = 0;
    }
}

static int64_t number_of(struct wr_text digits)
{
    int64_t number = 0;
    return digits.len > 0 && digits.len <= 18 && wr_text_take_number(&digits, &number) ? number
                                                                                       : -1;
}

/* The end of a line that is not empty. */
static int end_field(struct cursor *c)
{
    struct wr_sse *sse = c->sse;
    int rc = 0;
    if (sse->where == NAME) {
        begin_value(sse); /* no colon: an empty value */
    }
    if (sse->field == DATA) {
        rc = append_data(c, NULL, 0);
        if (rc == 0 && !c->framer->dropping && !sse->data_full) {
            sse->block->data[sizeof(struct head) + sse->data_len++] = '\n';
        }
    } else if (sse->field == ID && !sse->bad_value) {
        rc = small_set(&sse->id, text_of(&sse->line));
    } else if (sse->field == TYPE && sse->bad_value) {
        sse->type.len = 0;
    } else if (sse->field == RETRY && !sse->bad_value) {
        int64_t number = number_of(text_of(&sse->line));
        sse->retry_ms = number >= 0 ? number : sse->retry_ms;
        sse->event_retry_ms = number >= 0 ? number : sse->event_retry_ms;
    }
    return rc;
}

/* Append to the block, which must have room. */
static weir_slice put(char **at, struct wr_text text)
{
    weir_slice slice = {*at, text.len};
    memcpy(*at, text.data, text.len);
    *at += text.len;
    return slice;
}

/* Make the event in the block, and pass the block to the item. */
static void give(struct cursor *c, weir_item *item)
{
    struct wr_sse *sse = c->sse;
    struct weir_block *block = sse->block;
    WR_ASSERT(block != NULL, "an event without data");
    struct head *head = (struct head *)(void *)block->data;
    char *body = block->data + sizeof *head, *at = body + sse->data_len;
    char retry[RETRY_BYTES + 1];
    size_t len =
        sse->data_full ? WR_MIN(sse->data_len, c->framer->item_bytes_max) : sse->data_len - 1;
    head->event = (weir_event){.body = {body, len},
                               .id = put(&at, text_of(&sse->id)),
                               .names = field_names,
                               .values = head->values,
                               .fields_count = 1 + (sse->event_retry_ms >= 0),
                               .kind = WEIR_EVENT_MESSAGE};
    head->values[0] = put(&at, sse->type.len > 0 ? text_of(&sse->type) : wr_text_of("message"));
    if (sse->event_retry_ms >= 0) {
        snprintf(retry, sizeof retry, "%" PRId64, sse->event_retry_ms);
        head->values[1] = put(&at, wr_text_of(retry));
    }
    block->len = (uint32_t)(at - block->data);
    *item = weir_event_item(&head->event);
    item->block = block;
    item->flags = sse->too_long ? WEIR_ITEM_TRUNCATED : 0;
    sse->block = NULL;
}

/* Handle an empty line. 1: *item is an event; 0: there is no event; or a negative code, and nothing
 * has changed. */
static int end_event(struct cursor *c, weir_item *item)
{
    struct wr_sse *sse = c->sse;
    struct wr_framer *framer = c->framer;
    bool gives = sse->data_len > 0 && !framer->dropping;
    int rc = gives ? reserve(c, sse->id.len + sse->type.len + sizeof "message" + RETRY_BYTES) : 0;
    rc = rc == 0 ? small_set(&sse->last_id, text_of(&sse->id)) : rc;
    if (rc < 0) {
        return rc;
    }
    if (framer->dropping) {
        framer->overlong_bytes += framer->offset + c->at - sse->begin;
        framer->dropping = false;
    }
    if (gives) {
        give(c, item);
    }
    drop_event(sse);
    return gives;
}

/* ---- reading */

/* The end of the current line; c->len: it has not ended yet. Each byte is searched for an LF once,
 * even over several calls, and for a CR once. */
static size_t line_end(struct cursor *c)
{
    size_t from = WR_MAX(c->at, c->no_lf);
    const char *lf = memchr(c->data + from, '\n', c->len - from);
    size_t end = lf != NULL ? (size_t)(lf - c->data) : c->len;
    c->no_lf = end;
    const char *cr = memchr(c->data + c->at, '\r', end - c->at);
    return cr != NULL ? (size_t)(cr - c->data) : end;
}

/* Read the bytes of a line up to `end`, which may be in the middle of the line. */
static int read_line(struct cursor *c, size_t end)
{
    struct wr_sse *sse = c->sse;
    while (sse->where == NAME && c->at < end) {
        char byte = c->data[c->at++];
        if (byte == ':') {
            begin_value(sse);
            sse->where = COLON;
        } else if (sse->name_len < NAME_CAP) {
            sse->name[sse->name_len++] = byte;
        }
    }
    if (sse->where == COLON && c->at < end) {
        c->at += c->data[c->at] == ' ';
        sse->where = VALUE;
    }
    int rc = c->at < end ? append(c, c->data + c->at, end - c->at) : 0;
    c->at = rc == 0 ? end : c->at;
    return rc;
}

/* Skip a byte order mark at the start of the stream; an incomplete one is part of a field name. */
static void read_bom(struct cursor *c)
{
    struct wr_sse *sse = c->sse;
    while (sse->bom_len < BOM_LEN && c->at < c->len) {
        if (c->data[c->at] != bom[sse->bom_len]) {
            memcpy(sse->name, bom, sse->bom_len);
            sse->name_len = sse->bom_len;
            sse->bom_len = BOM_LEN;
            return;
        }
        sse->bom_len++;
        c->at++;
    }
}

/* Read one event. 1: *item is it; 0: the window is used up; or a negative code. */
static int next_event(struct cursor *c, weir_item *item)
{
    struct wr_sse *sse = c->sse;
    read_bom(c);
    while (c->at < c->len) {
        if (sse->swallow_lf) {
            sse->swallow_lf = false;
            c->at += c->data[c->at] == '\n';
            continue;
        }
        size_t end = line_end(c);
        int rc = read_line(c, end);
        if (rc < 0 || end == c->len) {
            return rc;
        }
        bool empty = sse->where == NAME && sse->name_len == 0;
        rc = empty ? end_event(c, item) : end_field(c);
        if (rc < 0) {
            return rc;
        }
        sse->swallow_lf = c->data[c->at] == '\r';
        sse->where = NAME;
        sse->name_len = 0;
        c->at++;
        if (empty) {
            sse->begin = c->framer->offset + c->at;
        }
        if (rc > 0) {
            return rc;
        }
    }
    return 0;
}

static long sse_decode(struct wr_framer *framer, struct wr_block_pool *pool, const char *data,
                       size_t len, bool eof, weir_item *out, uint64_t *ends, size_t max,
                       size_t *used)
{
    struct cursor c = {.framer = framer,
                       .sse = framer->sse,
                       .pool = pool,
                       .data = data,
                       .len = len,
                       .no_lf = framer->scanned};
    size_t count = 0;
    int rc = framer->failed;
    (void)eof; /* an incomplete event at the end is dropped */
    while (rc >= 0 && count < max && (rc = next_event(&c, &out[count])) > 0) {
        ends[count++] = framer->offset + c.at;
    }
    *used = c.at;
    framer->offset += c.at;
    framer->scanned = c.no_lf > c.at ? c.no_lf - c.at : 0;
    return count > 0 ? (long)count : rc;
}

static size_t sse_whole(const struct wr_framer *framer, const char *data, size_t len, bool looked)
{
    (void)framer;
    (void)data;
    (void)looked;
    return len;
}

const struct wr_framer_ops wr_sse_framer = {
    .item = "event", .decode = sse_decode, .whole = sse_whole};
