/*
 * stage_ndjson.c - `ndjson`: one JSON text on one line, of every value and event.
 *
 *     a JSON value     as it is; compact if it has a line end in it
 *     a record         {"name":"value",...} of its fields, in order: as strings, or what the format
 *                      knows to be a number, true or false
 *     a message        {"body":...,"key":"...","id":"...","name":"value",...}: the body as a string, or
 *                      as it is if it is JSON; without key or id if there is none; then the fields
 *
 * Bytes of a string that are not UTF-8 become U+FFFD. New texts lie in blocks of this stage
 * (stage_made.h). It suspends where wr_made_next does.
 *
 * Most rows share their names, and most values need no escape: then the names are escaped once for
 * each pull, whose items are all lent at the same time, and the values are copied and looked at in
 * one pass. A record with a value that is not plain is written in the general way.
 */
#include <string.h>

#include <weir/module.h>
#include <weir/stage.h>

#include "base_alloc.h"
#include "bytes_item.h"
#include "codec_json.h"
#include "codec_json_write.h"
#include "flow_dead.h"
#include "stage_made.h"

enum { NAME_BYTES = 16, NAMES_MAX = 64 * 1024 };

/* The names of records of one pull, each as `"name":` with a comma before all but the first. */
struct shared_names {
    const weir_slice *last;  /* the list of the record before */
    const weir_slice *names; /* the list that is written here; NULL: none */
    size_t count;
    size_t len, cap;
    char *text;   /* all of them */
    uint32_t *to; /* where each one ends; `to_cap` entries */
    size_t to_cap;
};

struct stage_ndjson {
    struct weir_gen gen;
    struct shared_names shared;
    struct wr_made made;
    struct wr_json json;
    weir_scratch scratch;
};

static void put_string(struct wr_out *out, weir_slice text)
{
    wr_json_string(out, (struct wr_text){text.len > 0 ? text.data : "", text.len});
}

static void put_member(struct wr_out *out, weir_slice name, weir_slice value)
{
    wr_out_string(out, out->len > 1 ? "," : "");
    put_string(out, name);
    wr_out_string(out, ":");
    put_string(out, value);
}

/* A number, or a logical value. */
static void put_plain(struct wr_out *out, weir_slice name, weir_slice value)
{
    wr_out_string(out, out->len > 1 ? "," : "");
    put_string(out, name);
    wr_out_string(out, ":");
    wr_out_bytes(out, value.data, value.len);
}

/* json: of the body, if it is JSON. Where it does not fit, it counts as it is; written, it is compact.
 */
static void put_event(struct wr_out *out, const weir_event *event, const struct wr_json *json)
{
    static const weir_slice key = {"key", 3}, id = {"id", 2}, text = {"body", 4};
    wr_out_string(out, "{");
    if (event->kind == WEIR_EVENT_MESSAGE) {
        if (json != NULL) {
            wr_out_string(out, "\"body\":");
            bool fits = out->len < out->cap && out->cap - out->len >= event->body.len;
            out->len +=
                fits ? wr_json_compact(json, WR_JSON_ROOT, out->to + out->len) : event->body.len;
        } else {
            put_member(out, text, event->body);
        }
        if (event->key.len > 0) {
            put_member(out, key, event->key);
        }
        if (event->id.len > 0) {
            put_member(out, id, event->id);
        }
    }
    for (uint32_t i = 0; i < event->fields_count; i++) {
        bool plain = event->kinds != NULL && event->kinds[i] != WEIR_VALUE_STRING;
        (plain ? put_plain : put_member)(out, event->names[i], event->values[i]);
    }
    wr_out_string(out, "}");
}

/* ---- records that share their names */

static void write_names(struct wr_out *out, const weir_event *event, uint32_t *to)
{
    for (uint32_t i = 0; i < event->fields_count; i++) {
        wr_out_string(out, i > 0 ? "," : "");
        put_string(out, event->names[i]);
        wr_out_string(out, ":");
        to[i] = (uint32_t)out->len;
    }
}

/* False: no memory for them, or they are too long to be worth it. */
static bool keep_names(struct shared_names *shared, const weir_event *event)
{
    if (event->fields_count > shared->to_cap) {
        uint32_t *to = wr_realloc(shared->to, event->fields_count * sizeof *to);
        if (to == NULL) {
            return false;
        }
        shared->to = to;
        shared->to_cap = event->fields_count;
    }
    struct wr_out out = {shared->text, shared->cap, 0};
    write_names(&out, event, shared->to);
    if (out.len + NAME_BYTES > shared->cap) {
        size_t cap = 2 * (out.len + NAME_BYTES);
        char *text = out.len < NAMES_MAX ? wr_realloc(shared->text, cap) : NULL;
        if (text == NULL) {
            return false;
        }
        shared->text = text;
        shared->cap = cap;
        out = (struct wr_out){text, cap, 0};
        write_names(&out, event, shared->to);
    }
    shared->len = out.len;
    shared->names = event->names;
    shared->count = event->fields_count;
    return true;
}

/* Are the names of the event written? They are, when a list comes again. */
static bool find_names(struct shared_names *shared, const weir_event *event)
{
    if (shared->names == event->names && shared->count >= event->fields_count) {
        return true;
    }
    bool again = shared->last == event->names;
    shared->last = event->names;
    return again && event->fields_count > 0 && keep_names(shared, event);
}

/* A name of usual length is copied as one piece: behind it there is room in both places. */
static inline char *copy_name(char *to, const char *from, size_t len)
{
    if (len <= NAME_BYTES) {
        memcpy(to, from, NAME_BYTES);
    } else {
        memcpy(to, from, len);
    }
    return to + len;
}

/* Write a record if it fits and all its values are plain. */
static bool put_plain_record(struct wr_out *out, const weir_event *event,
                             const struct shared_names *shared)
{
    size_t need = shared->len + NAME_BYTES + 2;
    for (uint32_t i = 0; i < event->fields_count; i++) {
        need += event->values[i].len + 2;
    }
    if (out->to == NULL || wr_item_padded(need) > out->cap) {
        return false;
    }
    char *to = out->to;
    uint32_t from = 0;
    *to++ = '{';
    for (uint32_t i = 0; i < event->fields_count; i++) {
        weir_slice value = event->values[i];
        bool string = event->kinds == NULL || event->kinds[i] == WEIR_VALUE_STRING;
        to = copy_name(to, shared->text + from, shared->to[i] - from);
        from = shared->to[i];
        *to = '"';
        to += string;
        if (!wr_json_copy_plain(to, value.data, value.len)) {
            return false;
        }
        to += value.len;
        *to = '"';
        to += string;
    }
    *to++ = '}';
    out->len = (size_t)(to - out->to);
    return true;
}

/* ---- items */

/* Room for `need` bytes in the block. NULL: *rc is WEIR_EBUDGET, or gen has failed. */
static char *room_for(struct stage_ndjson *stage, size_t need, size_t left, int *rc)
{
    *rc = wr_made_reserve(&stage->made, &stage->gen, wr_item_padded(need), left);
    if (*rc < 0) {
        if (*rc != WEIR_EBUDGET) {
            (void)wr_gen_fail(&stage->gen, *rc, 0, -1, "no memory for a text");
        }
        return NULL;
    }
    struct weir_block *block = stage->made.block;
    return block->data + block->len;
}

/* The item is the text that was written there. */
static int made(struct stage_ndjson *stage, weir_item *item, size_t len)
{
    wr_made_take(&stage->made, item, len, &weir_json_type, 0);
    return 1;
}

/* Validate a JSON text: what is written here is read as JSON. 1: it is valid; 0: it was
 * rejected; or a negative code: gen has failed. */
static int look(struct stage_ndjson *stage, const weir_item *item, weir_slice text)
{
    int rc = wr_json_index(&stage->json, text.data, text.len);
    if (rc == WEIR_ENOMEM) {
        return wr_gen_fail(&stage->gen, rc, 0, -1, "no memory for a value");
    }
    if (rc == 0) {
        return 1;
    }
    struct wr_fault fault = wr_json_fault(&stage->json, text, rc);
    return wr_gen_reject_at(&stage->gen, item, rc, &fault);
}

static int read_event(struct stage_ndjson *stage, weir_item *item, const weir_event *event,
                      size_t left)
{
    int rc = 1;
    const struct wr_json *json = NULL;
    if (event->kind == WEIR_EVENT_MESSAGE && event->body_type == &weir_json_type) {
        rc = look(stage, item, event->body);
        json = &stage->json;
    }
    if (rc <= 0) {
        return rc;
    }
    struct wr_out out = wr_made_room(&stage->made);
    if (event->kind == WEIR_EVENT_RECORD && find_names(&stage->shared, event) &&
        put_plain_record(&out, event, &stage->shared)) {
        return made(stage, item, out.len);
    }
    out.len = 0;
    put_event(&out, event, json);
    if (wr_item_padded(out.len) > out.cap) {
        out = (struct wr_out){room_for(stage, out.len, left, &rc), out.len, 0};
        if (out.to == NULL) {
            return rc;
        }
        put_event(&out, event, json);
    }
    return made(stage, item, out.len);
}

static int ndjson_read(struct weir_gen *gen, weir_item *item, size_t left)
{
    struct stage_ndjson *stage = WR_OWNER(gen, struct stage_ndjson, gen);
    const weir_event *event = weir_event_of(item);
    weir_slice text;
    if (event != NULL) {
        return read_event(stage, item, event, left);
    }
    if (!wr_gen_text(gen, item, &text, &stage->scratch)) {
        return gen->failure->code;
    }
    bool one_line = text.data == NULL || memchr(text.data, '\n', text.len) == NULL;
    int rc = look(stage, item, text);
    if (rc <= 0 || (one_line && item->type == &weir_json_type)) {
        return rc;
    }
    char *to = room_for(stage, text.len, left, &rc);
    return to != NULL ? made(stage, item, wr_json_compact(&stage->json, WR_JSON_ROOT, to)) : rc;
}

static size_t scratch_of(const struct weir_gen *gen)
{
    const struct stage_ndjson *stage = WR_OWNER((uintptr_t)gen, struct stage_ndjson, gen);
    return wr_json_bytes(&stage->json) + stage->scratch.cap;
}

static void trim(struct weir_gen *gen)
{
    struct stage_ndjson *stage = WR_OWNER(gen, struct stage_ndjson, gen);
    wr_json_trim(&stage->json);
    weir_scratch_free(&stage->scratch);
}

static size_t ndjson_next_many(struct weir_gen *gen, weir_item *items, size_t max)
{
    struct shared_names *shared = &WR_OWNER(gen, struct stage_ndjson, gen)->shared;
    shared->names = shared->last = NULL; /* other items may have the same address */
    return wr_made_next(&WR_OWNER(gen, struct stage_ndjson, gen)->made, gen, items, max);
}

static void ndjson_close(struct weir_gen *gen)
{
    struct stage_ndjson *stage = WR_OWNER(gen, struct stage_ndjson, gen);
    wr_made_fini(&stage->made);
    wr_free(stage->shared.text);
    wr_free(stage->shared.to);
    stage->shared = (struct shared_names){.names = NULL};
    wr_json_fini(&stage->json);
    weir_scratch_free(&stage->scratch);
}

static const struct wr_gen_ops ndjson_ops = {
    .kind = "ndjson", .next_many = ndjson_next_many, .close = ndjson_close};

static weir_gen *ndjson_open(const weir_opening *opening, weir_gen *up, const void *args)
{
    struct stage_ndjson *stage = wr_stage_alloc(up, sizeof *stage, &ndjson_ops, "ndjson");
    (void)opening;
    (void)args;
    if (stage != NULL) {
        wr_json_init(&stage->json);
        stage->json.bytes_max = wr_gen_scratch_max(&stage->gen);
        stage->made.read = ndjson_read;
        stage->made.scratch = scratch_of;
        stage->made.trim = trim;
    }
    return wr_gen_made(stage != NULL ? &stage->gen : NULL, up);
}

static const weir_example ndjson_more[] = {
    {"./access.log | clf | ndjson", NULL},
    {NULL, NULL},
};

const weir_component wr_component_ndjson = {
    .struct_size = sizeof wr_component_ndjson,
    .name = "ndjson",
    .kind = WEIR_KIND_STAGE,
    .takes = WEIR_SHAPE_JSON | WEIR_SHAPE_EVENT,
    .gives = WEIR_SHAPE_JSON,
    .traits = WEIR_TRAIT_PURE | WEIR_TRAIT_CPU | WEIR_TRAIT_REJECTS,
    .help = "One JSON text a line: of a record an object of its fields, of a message an object of "
            "body, key, id and fields. Bytes that are not UTF-8 become U+FFFD.",
    .example = "gen 1..3 | ndjson",
    .prints = "1\n2\n3\n",
    .open = ndjson_open,
    .more_examples = ndjson_more,
};
