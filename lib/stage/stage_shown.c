/*
 * stage_shown.c - weir_shown: items as texts for people, or for a program that is not weir.
 *
 * Each item becomes one text, in a buffer and then in a block of this stage (stage_made.h). One that
 * needs no change is passed on as it is, and so is one that calls itself JSON and is not, except on a
 * terminal, where it is made harmless. A batch becomes one text, a line for each part. Pieces of a
 * text may be cut inside a character: its first bytes are then given with the next piece, or by
 * themselves at the end. It suspends where wr_made_next does.
 */
#include <string.h>
#include <time.h>

#include <weir/stage.h>

#include "base_alloc.h"
#include "base_print.h"
#include "bytes_item.h"
#include "bytes_origin.h"
#include "codec_fill.h"
#include "codec_json_write.h"
#include "codec_show.h"
#include "codec_utf8.h"
#include "stage_made.h"

enum { POSITION_BYTES_MAX = 512, CUT_BYTES_MAX = 3 };

/* A text that grows. */
struct text {
    char *data;
    size_t len, cap;
};

struct stage_shown {
    struct weir_gen gen;
    struct wr_made made;
    weir_show_options options;
    char *format; /* a copy of options.format */
    struct wr_show show;
    bool shows;           /* JSON is written anew */
    struct text to, part; /* what is written, and the JSON text of one item in it */
    struct wr_json json;
    weir_scratch scratch;
    /* The first bytes of a character: that the last piece ended with, ... */
    char cut[CUT_BYTES_MAX];
    size_t cut_len;
    /* ... and this piece, until it is given. */
    char next_cut[CUT_BYTES_MAX];
    size_t next_cut_len;
    char last[4 * CUT_BYTES_MAX]; /* those that no piece followed, escaped */
};

/* One item, or one part of a batch. */
struct view {
    const weir_item *item;
    const weir_event *event; /* NULL: it is none */
    struct wr_text text;
    bool json; /* it says that it is JSON */
};

/* ---- writing into a text that grows */

/* Writes something, when it is measured and again when there is room. */
typedef void writer(struct wr_out *out, const struct stage_shown *stage, const struct view *view);

static bool append(struct stage_shown *stage, struct text *to, writer *write,
                   const struct view *view)
{
    struct wr_out out = {NULL, 0, 0};
    write(&out, stage, view);
    if (to->cap - to->len < out.len) {
        size_t cap = WR_MAX(to->len + out.len, 2 * to->cap);
        char *data = wr_realloc(to->data, cap);
        if (data == NULL) {
            return false;
        }
        to->data = data;
        to->cap = cap;
    }
    if (out.len > 0) {
        out = (struct wr_out){to->data + to->len, to->cap - to->len, 0};
        write(&out, stage, view);
        to->len += out.len;
    }
    return true;
}

static void text_fini(struct text *text)
{
    wr_free(text->data);
    *text = (struct text){NULL, 0, 0};
}

static size_t scratch_of(const struct weir_gen *gen)
{
    const struct stage_shown *stage = WR_OWNER((uintptr_t)gen, struct stage_shown, gen);
    return stage->to.cap + stage->part.cap + stage->scratch.cap + wr_json_bytes(&stage->json);
}

static void trim(struct weir_gen *gen)
{
    struct stage_shown *stage = WR_OWNER(gen, struct stage_shown, gen);
    text_fini(&stage->to);
    text_fini(&stage->part);
    wr_json_trim(&stage->json);
    weir_scratch_free(&stage->scratch);
}

/* ---- the parts of an item */

static struct wr_text text_of(weir_slice slice)
{
    return (struct wr_text){slice.len > 0 ? slice.data : "", slice.len};
}

/* The position where the item begins; len 0: it is not known. */
static struct wr_text position_of(const weir_item *item, char to[POSITION_BYTES_MAX])
{
    size_t len = wr_item_position(item, to, POSITION_BYTES_MAX);
    return (struct wr_text){to, WR_MIN(len, (size_t)POSITION_BYTES_MAX - 1)};
}

static struct wr_text origin_of(const struct stage_shown *stage, const weir_item *item)
{
    const char *origin = weir_origin_name(stage->gen.object.scope, item);
    return origin != NULL ? wr_text_of(origin) : (struct wr_text){NULL, 0};
}

/* "2024-05-01T12:00:00.250Z". */
static void put_time(struct wr_out *out, int64_t time_ns)
{
    char text[64];
    struct tm at;
    time_t seconds = time_ns / 1000000000;
    int ms = (int)(time_ns / 1000000 % 1000);
    if (time_ns <= 0 || gmtime_r(&seconds, &at) == NULL) {
        wr_out_string(out, "null");
        return;
    }
    (void)wr_print_text(text, sizeof text, "\"%04d-%02d-%02dT%02d:%02d:%02d.%03dZ\"",
                        at.tm_year + 1900, at.tm_mon + 1, at.tm_mday, at.tm_hour, at.tm_min,
                        at.tm_sec, ms);
    wr_out_string(out, text);
}

static void put_member(struct wr_out *out, const char *name, struct wr_text text)
{
    wr_out_string(out, ",\"");
    wr_out_string(out, name);
    wr_out_string(out, "\":");
    wr_json_string(out, text);
}

static void put_fields(struct wr_out *out, const weir_event *event)
{
    wr_out_string(out, ",\"fields\":{");
    for (uint32_t i = 0; i < event->fields_count; i++) {
        struct wr_text value = text_of(event->values[i]);
        wr_out_string(out, i > 0 ? "," : "");
        wr_json_string(out, text_of(event->names[i]));
        wr_out_string(out, ":");
        if (event->kinds != NULL && event->kinds[i] != WEIR_VALUE_STRING) {
            wr_out_bytes(out, value.data, value.len);
        } else {
            wr_json_string(out, value);
        }
    }
    wr_out_string(out, "}");
}

/* view->json: its text is valid, and was indexed. */
static void put_envelope(struct wr_out *out, const struct stage_shown *stage,
                         const struct view *view)
{
    char position[POSITION_BYTES_MAX];
    const weir_item *item = view->item;
    struct wr_text at = position_of(item, position);
    wr_out_string(out, "{\"origin\":");
    wr_json_string(out, origin_of(stage, item));
    wr_out_string(out, ",\"number\":");
    wr_json_number(out, item->seq);
    put_member(out, "position", at.len > 0 ? at : (struct wr_text){NULL, 0});
    wr_out_string(out, ",\"time\":");
    put_time(out, item->time_ns);
    if (view->event != NULL && view->event->key.len > 0) {
        put_member(out, "key", text_of(view->event->key));
    }
    if (view->event != NULL && view->event->id.len > 0) {
        put_member(out, "id", text_of(view->event->id));
    }
    if (view->event != NULL && view->event->fields_count > 0) {
        put_fields(out, view->event);
    }
    if (view->json) {
        static const struct wr_show compact = {.pretty = false};
        wr_out_string(out, ",\"body\":");
        wr_show_json(out, &stage->json, &compact);
    } else if (wr_utf8_valid_bytes(view->text.data, view->text.len) == view->text.len) {
        put_member(out, "body", view->text);
    } else {
        wr_out_string(out, ",\"body64\":");
        wr_json_base64(out, view->text);
    }
    wr_out_string(out, "}");
}

static void put_format(struct wr_out *out, const struct stage_shown *stage, const struct view *view)
{
    char position[POSITION_BYTES_MAX];
    const weir_event *event = view->event;
    struct wr_fill parts = {
        .text = view->text,
        .origin = origin_of(stage, view->item),
        .position = position_of(view->item, position),
        .number = view->item->seq,
        .time_ms = view->item->time_ns / 1000000,
        .write = stage->options.harmless != 0 ? wr_show_text : NULL,
    };
    if (event != NULL) {
        parts.key = text_of(event->key);
        parts.id = text_of(event->id);
        parts.names = event->names;
        parts.values = event->values;
        parts.fields_count = event->fields_count;
    }
    wr_fill(out, stage->format, &parts);
}

static void put_json(struct wr_out *out, const struct stage_shown *stage, const struct view *view)
{
    (void)view;
    wr_show_json(out, &stage->json, &stage->show);
}

static void put_text(struct wr_out *out, const struct stage_shown *stage, const struct view *view)
{
    if (stage->options.harmless != 0) {
        wr_show_text(out, view->text);
    } else {
        wr_out_bytes(out, view->text.data, view->text.len);
    }
}

static void put_bytes(struct wr_out *out, const struct stage_shown *stage, const struct view *view)
{
    (void)stage;
    wr_out_bytes(out, view->text.data, view->text.len);
}

/* ---- one item */

/* Index the view's text if it is JSON; view->json is whether it is. 0 or WEIR_ENOMEM. */
static int look(struct stage_shown *stage, struct view *view)
{
    int rc = view->json ? wr_json_index(&stage->json, view->text.data, view->text.len) : 0;
    view->json = view->json && rc == 0;
    return rc == WEIR_ENOMEM ? rc : 0;
}

/* The value of a string, in the memory of the part. 0 or WEIR_ENOMEM. */
static int decode_string(struct stage_shown *stage, struct view *view)
{
    struct wr_text inside = wr_json_inside(&stage->json, WR_JSON_ROOT);
    view->json = false;
    view->text = inside;
    if (!wr_json_escaped(&stage->json, WR_JSON_ROOT)) {
        return 0;
    }
    stage->part.len = 0;
    if (!append(stage, &stage->part, put_bytes, view)) {
        return WEIR_ENOMEM;
    }
    view->text = (struct wr_text){stage->part.data, wr_json_unescape(inside, stage->part.data)};
    return 0;
}

/* Put the envelope in place of the item. 0 or WEIR_ENOMEM. */
static int wrap(struct stage_shown *stage, struct view *view)
{
    stage->part.len = 0;
    if (!append(stage, &stage->part, put_envelope, view)) {
        return WEIR_ENOMEM;
    }
    view->text = (struct wr_text){stage->part.data, stage->part.len};
    view->json = true;
    return stage->shows ? look(stage, view) : 0;
}

/* Write one item behind what is there. 0 or WEIR_ENOMEM. */
static int render(struct stage_shown *stage, struct view *view)
{
    if (stage->format != NULL) {
        return append(stage, &stage->to, put_format, view) ? 0 : WEIR_ENOMEM;
    }
    int rc = look(stage, view);
    bool string = rc == 0 && view->json && stage->options.raw != 0 &&
                  wr_json_kind(&stage->json, WR_JSON_ROOT) == WR_JSON_STRING;
    if (string) {
        rc = decode_string(stage, view);
    } else if (rc == 0 && stage->options.envelope != 0) {
        rc = wrap(stage, view);
    }
    writer *write = view->json && stage->shows ? put_json : put_text;
    return rc < 0 ? rc : append(stage, &stage->to, write, view) ? 0 : WEIR_ENOMEM;
}

/* false: gen has failed. */
static bool view_of(struct stage_shown *stage, const weir_item *item, struct view *view)
{
    weir_slice text;
    const weir_event *event = weir_event_of(item);
    if (!wr_gen_text(&stage->gen, item, &text, &stage->scratch)) {
        return false;
    }
    const weir_type *type = event != NULL ? event->body_type : item->type;
    *view = (struct view){
        .item = item, .event = event, .text = text_of(text), .json = type == &weir_json_type};
    return true;
}

/* Whether an item is passed on as it is. */
static bool stays(const struct stage_shown *stage, const struct view *view)
{
    bool anew = stage->format != NULL || stage->options.envelope != 0 ||
                (view->json && (stage->shows || stage->options.raw != 0));
    return !anew && (stage->options.harmless == 0 || !wr_show_obeyed(view->text));
}

/* Write all parts of a batch. 0, or a code: gen has failed. */
static int render_batch(struct stage_shown *stage, const weir_item *batch)
{
    static const struct view line_end = {.text = {"\n", 1}};
    const weir_item *parts;
    size_t count = weir_item_parts(batch, &parts);
    for (size_t i = 0; i < count; i++) {
        struct view view;
        if (!view_of(stage, &parts[i], &view)) {
            return stage->gen.failure->code;
        }
        bool ends = i + 1 < count && stage->format == NULL;
        int rc = render(stage, &view);
        if (rc < 0 || (ends && !append(stage, &stage->to, put_text, &line_end))) {
            return wr_gen_fail(&stage->gen, WEIR_ENOMEM, 0, -1, "no memory for a text");
        }
    }
    return 0;
}

/* Of a piece: put the bytes that the last one left before it, and leave the beginning of a character at
 * its end. 1: the text is another one now; 0: it is not; or WEIR_ENOMEM. */
static int join_pieces(struct stage_shown *stage, struct view *view)
{
    bool more = (view->item->flags & ((uint32_t)WEIR_ITEM_PART | (uint32_t)WEIR_ITEM_BYTES)) != 0;
    stage->next_cut_len = 0;
    if (stage->options.harmless == 0 || view->json || (!more && stage->cut_len == 0)) {
        return 0;
    }
    if (stage->cut_len > 0) {
        const struct view before = {.text = {stage->cut, stage->cut_len}};
        stage->part.len = 0;
        if (!append(stage, &stage->part, put_bytes, &before) ||
            !append(stage, &stage->part, put_bytes, view)) {
            return WEIR_ENOMEM;
        }
        view->text = (struct wr_text){stage->part.data, stage->part.len};
    }
    size_t n = more && view->text.data != NULL ? WR_MIN(view->text.len, (size_t)CUT_BYTES_MAX) : 0;
    for (; n > 0; n--) {
        if (wr_utf8_may_begin(view->text.data + view->text.len - n, n)) {
            view->text.len -= n;
            memcpy(stage->next_cut, view->text.data + view->text.len, n);
            stage->next_cut_len = n;
            break;
        }
    }
    return stage->cut_len > 0 || stage->next_cut_len > 0;
}

/* Write the item into stage->to. 1; 0: it is passed on as it is; negative: gen has failed. */
static int write_item(struct stage_shown *stage, const weir_item *item)
{
    struct view view;
    stage->to.len = 0;
    if (wr_item_is_batch(item)) {
        memcpy(stage->next_cut, stage->cut, sizeof stage->cut);
        stage->next_cut_len = stage->cut_len;
        int rc = render_batch(stage, item);
        return rc < 0 ? rc : 1;
    }
    if (!view_of(stage, item, &view)) {
        return stage->gen.failure->code;
    }
    int rc = join_pieces(stage, &view);
    if (rc == 0 && stays(stage, &view)) {
        return 0;
    }
    rc = rc < 0 ? rc : render(stage, &view);
    return rc < 0 ? wr_gen_fail(&stage->gen, rc, 0, -1, "no memory for a text") : 1;
}

static int shown_read(struct weir_gen *gen, weir_item *item, size_t left)
{
    struct stage_shown *stage = WR_OWNER(gen, struct stage_shown, gen);
    int rc = write_item(stage, item);
    if (rc <= 0) {
        return rc < 0 ? rc : 1;
    }
    size_t len = stage->to.len;
    rc = wr_made_reserve(&stage->made, gen, wr_item_padded(len), left);
    if (rc < 0) {
        return rc == WEIR_EBUDGET ? rc : wr_gen_fail(gen, rc, 0, -1, "no memory for a text");
    }
    memcpy(stage->cut, stage->next_cut, sizeof stage->cut);
    stage->cut_len = stage->next_cut_len;
    struct weir_block *block = stage->made.block;
    char *to = block->data + block->len;
    if (len > 0) {
        memcpy(to, stage->to.data, len);
    }
    block->len += (uint32_t)wr_item_padded(len);
    bool line = item->type == NULL || weir_event_of(item) != NULL;
    uint32_t flags = line && stage->options.envelope == 0 ? item->flags : 0;
    item->data = to;
    item->len = len;
    item->type = NULL;
    item->block = block;
    item->flags = stage->format != NULL ? (uint32_t)WEIR_ITEM_BYTES : flags;
    return 1;
}

static size_t shown_next_many(struct weir_gen *gen, weir_item *items, size_t max)
{
    struct stage_shown *stage = WR_OWNER(gen, struct stage_shown, gen);
    size_t given = wr_made_next(&stage->made, gen, items, max);
    if (given == 0 && stage->cut_len > 0) { /* the end: the character was not completed */
        struct wr_out out = {stage->last, sizeof stage->last, 0};
        wr_show_text(&out, (struct wr_text){stage->cut, stage->cut_len});
        stage->cut_len = 0;
        items[0] = weir_bytes(stage->last, out.len);
        items[0].flags = WEIR_ITEM_BYTES;
        given = 1;
    }
    return given;
}

static void shown_close(struct weir_gen *gen)
{
    struct stage_shown *stage = WR_OWNER(gen, struct stage_shown, gen);
    wr_made_fini(&stage->made);
    text_fini(&stage->to);
    text_fini(&stage->part);
    wr_free(stage->format);
    stage->format = NULL;
    wr_json_fini(&stage->json);
    weir_scratch_free(&stage->scratch);
}

static const struct wr_gen_ops shown_ops = {
    .kind = "shown", .next_many = shown_next_many, .close = shown_close};

/* What is wrong with the options: 0, or a code with gen failed. */
static int check(struct stage_shown *stage)
{
    const weir_show_options *options = &stage->options;
    const char *format = options->format;
    const char *wrong = format != NULL ? wr_fill_mistake(format) : NULL;
    if (wrong != NULL) {
        return wr_gen_fail(
            &stage->gen, WEIR_EINVAL, 0, -1,
            "the format is wrong at '%.2s': it has %%s %%S %%k %%K %%i %%h %%t %%n %%o "
            "%%T %%%% and the escapes \\n \\r \\t \\\\ \\xHH",
            wrong);
    }
    bool json = options->pretty != 0 || options->envelope != 0 || options->raw != 0;
    if ((format != NULL && json) || (options->envelope != 0 && options->raw != 0)) {
        return wr_gen_fail(&stage->gen, WEIR_EINVAL, 0, -1,
                           "a format, an envelope and raw strings exclude each other");
    }
    return 0;
}

weir_gen *weir_shown(weir_gen *up, const weir_show_options *options)
{
    weir_show_options own = WEIR_ZERO;
    if (options != NULL) {
        WR_TAKE_OPTIONS(own, options);
    }
    struct stage_shown *stage = wr_stage_alloc(up, sizeof *stage, &shown_ops, "weir_shown");
    char *format = own.format != NULL ? wr_strdup(own.format) : NULL;
    if (stage == NULL || (own.format != NULL && format == NULL)) {
        wr_free(format);
        if (stage != NULL) {
            wr_gen_free(&stage->gen);
        }
        return wr_gen_made(NULL, up);
    }
    wr_json_init(&stage->json);
    stage->json.bytes_max = wr_gen_scratch_max(&stage->gen);
    stage->made.read = shown_read;
    stage->made.scratch = scratch_of;
    stage->made.trim = trim;
    stage->options = own;
    stage->options.format = stage->format = format;
    stage->show = (struct wr_show){
        .pretty = own.pretty != 0, .colour = own.colour != 0, .harmless = own.harmless != 0};
    stage->shows = stage->show.pretty || stage->show.colour || stage->show.harmless;
    (void)check(stage);
    return wr_gen_made(&stage->gen, up);
}
