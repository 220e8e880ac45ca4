/*
 * stage_record.c - one text in, one record out or a rejection: what most decoders of records share.
 *
 * A record is an event in a block (stage_made.h): the event, its names (unless all records in the
 * block share them), its values, the text as it came, and the bytes that the decoder made.
 */
#include "stage_record.h"

#include <string.h>

#include "base_alloc.h"
#include "bytes_item.h"
#include "flow_dead.h"

/* The decoder's own copy of self follows the struct, aligned like malloc's memory. */
#define SELF_OFFSET ((sizeof(struct stage_record) + 15) & ~(size_t)15)

struct stage_record {
    struct weir_gen gen;
    const struct wr_record_ops *ops;
    struct wr_fields fields;
    weir_scratch scratch;
    struct wr_record_room room;
    struct wr_written written;
};

static void *self_of(struct stage_record *stage)
{
    return (char *)stage + SELF_OFFSET;
}

/* ---- one record in a block */

/* Bytes of the names, with their table. */
static size_t names_bytes(const struct wr_fields *fields)
{
    size_t bytes = fields->count * sizeof *fields->names;
    for (size_t i = 0; fields->shared != 0 && i < fields->count; i++) {
        bytes += fields->names[i].len;
    }
    return wr_item_padded(bytes);
}

/* Copy the names that all records share, once for each block. */
static void share_names(struct wr_record_room *room, const struct wr_fields *fields)
{
    struct weir_block *block = room->made.block;
    weir_slice *names = (weir_slice *)(void *)(block->data + block->len);
    char *to = (char *)(names + fields->count);
    for (size_t i = 0; i < fields->count; i++) {
        names[i] = (weir_slice){to, fields->names[i].len};
        memcpy(to, fields->names[i].data, names[i].len);
        to += names[i].len;
    }
    block->len += (uint32_t)names_bytes(fields);
    room->names = names;
    room->named = block;
    room->names_shared = fields->shared;
    room->names_count = fields->count;
}

/* ---- what came with the message that is read */

/* The message of an item, if something came with it. NULL: none. */
static const weir_event *message_of(const weir_item *item)
{
    const weir_event *event = weir_event_of(item);
    if (event != NULL && event->kind == WEIR_EVENT_RECORD) {
        return event->message;
    }
    return event != NULL && (event->fields_count > 0 || event->key.len > 0 || event->id.len > 0)
               ? event
               : NULL;
}

static bool is_same(weir_slice a, weir_slice b)
{
    return a.len == b.len && (a.data == b.data || a.len == 0);
}

/* Does the block have it already, and room for `need` bytes? All messages of a call are lent at the
 * same time, so the same address has the same bytes: one sender's datagrams share its text. */
static bool has_message(const struct wr_record_room *room, const weir_event *from, size_t need)
{
    const struct weir_block *block = room->made.block;
    const weir_event *of = &room->of;
    if (room->message == NULL || room->messaged != block || block->cap - block->len < need ||
        of->names != from->names || of->kinds != from->kinds ||
        of->fields_count != from->fields_count || !is_same(of->key, from->key) ||
        !is_same(of->id, from->id)) {
        return false;
    }
    for (uint32_t i = 0; of->values != from->values && i < from->fields_count; i++) {
        if (!is_same(of->values[i], from->values[i])) {
            return false;
        }
    }
    return true;
}

/* The message without its body, which the record has. */
static weir_event envelope_of(const weir_event *from)
{
    weir_event envelope = *from;
    envelope.body = (weir_slice){NULL, 0};
    envelope.body_type = NULL;
    return envelope;
}

static size_t message_bytes(const weir_event *from)
{
    weir_event envelope = envelope_of(from);
    return wr_item_padded(weir_event_type.size(&envelope));
}

/* Copy it, once for all records in the block that come one after the other from the same. */
static void put_message(struct wr_record_room *room, const weir_event *from)
{
    struct weir_block *block = room->made.block;
    weir_event envelope = envelope_of(from);
    void *to = block->data + block->len;
    (void)weir_event_type.copy(to, &envelope);
    block->len += (uint32_t)wr_item_padded(weir_event_type.size(&envelope));
    room->message = to;
    room->messaged = block;
    room->of = *from;
}

/* ---- the record */

struct moves {
    uintptr_t text, text_len, made, made_len; /* where slices may point ... */
    const char *text_to, *made_to;            /* ... and where these bytes are in the block */
};

static inline weir_slice moved(const struct moves *moves, weir_slice slice)
{
    uintptr_t at = (uintptr_t)slice.data;
    if (at - moves->text < moves->text_len) {
        slice.data = moves->text_to + (at - moves->text);
    } else if (at - moves->made < moves->made_len) {
        slice.data = moves->made_to + (at - moves->made);
    } else if (slice.len == 0) {
        slice.data = moves->text_to;
    }
    return slice;
}

int wr_record_build(struct wr_record_room *room, struct weir_gen *gen, weir_item *item,
                    const struct wr_fields *fields, weir_slice text, size_t left)
{
    bool shared = fields->shared != 0;
    size_t count = fields->count, tables = (shared ? 1 : 2) * count * sizeof(weir_slice);
    size_t kinds_len = fields->typed ? count : 0;
    size_t need =
        wr_item_padded(sizeof(weir_event) + tables + kinds_len + text.len + fields->made_len);
    const weir_event *message = message_of(item);
    size_t names_len = shared ? names_bytes(fields) : 0;
    bool has = message == NULL || has_message(room, message, need + names_len);
    int rc = wr_made_reserve_with(&room->made, gen, need,
                                  names_len + (has ? 0 : message_bytes(message)), left);
    if (rc < 0) {
        return rc;
    }
    struct weir_block *block = room->made.block;
    if (!has) {
        put_message(room, message);
    }
    if (shared && (room->named != block || room->names_shared != fields->shared ||
                   room->names_count < count)) {
        share_names(room, fields);
    }
    weir_event *event = (weir_event *)(void *)(block->data + block->len);
    weir_slice *values = (weir_slice *)(void *)(event + 1);
    weir_slice *names = values + count; /* unless they are shared */
    uint8_t *kinds = (uint8_t *)(values + count * (shared ? 1 : 2));
    char *body = (char *)kinds + kinds_len;
    struct moves moves = {(uintptr_t)text.data, text.len, (uintptr_t)fields->made,
                          fields->made_len,     body,     body + text.len};
    if (text.data != NULL) {
        memcpy(body, text.data, text.len);
    }
    if (fields->made_len > 0) {
        memcpy(body + text.len, fields->made, fields->made_len);
    }
    for (size_t i = 0; i < count; i++) {
        values[i] = moved(&moves, fields->values[i]);
    }
    for (size_t i = 0; !shared && i < count; i++) {
        names[i] = moved(&moves, fields->names[i]);
    }
    for (size_t i = 0; i < kinds_len; i++) {
        kinds[i] = fields->kinds[i] != 0 ? fields->kinds[i] : (uint8_t)WEIR_VALUE_STRING;
    }
    *event = (weir_event){.body = {body, text.len},
                          .names = shared ? room->names : names,
                          .values = values,
                          .kinds = fields->typed ? kinds : NULL,
                          .fields_count = (uint32_t)count,
                          .kind = WEIR_EVENT_RECORD,
                          .message = message != NULL ? room->message : NULL};
    block->len += (uint32_t)need;
    block->time_ns = item->time_ns;
    item->data = (const char *)event;
    item->len = text.len;
    item->type = &weir_event_type;
    item->block = block;
    return 0;
}

/* ---- pulling */

/* Read one item. 1: it is a record now; 0: it was left out; WEIR_EBUDGET: try again; another
 * negative code: the stage has failed. */
static int read_item(struct weir_gen *gen, weir_item *item, size_t left)
{
    struct stage_record *stage = WR_OWNER(gen, struct stage_record, gen);
    weir_slice text;
    struct wr_fields *fields = &stage->fields;
    if (stage->ops->written != NULL && wr_written_takes(item)) {
        void *self = self_of(stage);
        uint32_t flags = stage->ops->flags != NULL ? stage->ops->flags(self) : 0;
        return wr_written_read(&stage->written, stage->ops->written, self, &stage->room.made, gen,
                               item, left, flags);
    }
    if (!wr_gen_text(gen, item, &text, &stage->scratch)) {
        return gen->failure->code;
    }
    int rc = wr_fields_begin(fields, text.len);
    fields->flags = item->flags;
    fields->origin = item->origin;
    rc = rc == 0 ? stage->ops->read(self_of(stage), text, fields) : rc;
    if (rc == WR_FIELDS_NONE) {
        wr_gen_filter(gen, item, 1);
        return 0;
    }
    if (rc == WEIR_EPARSE) {
        struct wr_fault fault = wr_fields_fault(fields, text);
        return wr_gen_reject_at(gen, item, WEIR_EPARSE, &fault);
    }
    rc = rc == 0 ? wr_record_build(&stage->room, gen, item, fields, text, left) : rc;
    if (rc == WEIR_EBUDGET) {
        return rc;
    }
    return rc == 0 ? 1 : wr_gen_fail(gen, rc, 0, -1, "no memory for a record");
}

static size_t scratch_of(const struct weir_gen *gen)
{
    struct stage_record *stage = WR_OWNER((uintptr_t)gen, struct stage_record, gen);
    return wr_fields_bytes(&stage->fields) + wr_written_bytes(&stage->written) +
           stage->scratch.cap + (stage->ops->bytes != NULL ? stage->ops->bytes(self_of(stage)) : 0);
}

static void trim(struct weir_gen *gen)
{
    struct stage_record *stage = WR_OWNER(gen, struct stage_record, gen);
    wr_fields_fini(&stage->fields);
    wr_written_trim(&stage->written);
    weir_scratch_free(&stage->scratch);
}

static size_t record_next_many(struct weir_gen *gen, weir_item *items, size_t max)
{
    struct stage_record *stage = WR_OWNER(gen, struct stage_record, gen);
    wr_record_room_begin(&stage->room);
    return wr_made_next(&stage->room.made, gen, items, max);
}

static void record_close(struct weir_gen *gen)
{
    struct stage_record *stage = WR_OWNER(gen, struct stage_record, gen);
    wr_made_fini(&stage->room.made);
    wr_fields_fini(&stage->fields);
    wr_written_fini(&stage->written);
    weir_scratch_free(&stage->scratch);
}

static void record_free(struct weir_gen *gen)
{
    struct stage_record *stage = WR_OWNER(gen, struct stage_record, gen);
    if (stage->ops->drop != NULL) {
        stage->ops->drop(self_of(stage));
    }
}

static const struct wr_gen_ops record_ops = {
    .kind = "record", .next_many = record_next_many, .close = record_close, .free = record_free};

struct weir_gen *wr_record_stage(struct weir_gen *up, const struct wr_record_ops *ops,
                                 const void *self, size_t self_len)
{
    struct stage_record *stage = wr_stage_alloc(up, SELF_OFFSET + self_len, &record_ops, ops->kind);
    if (stage == NULL) {
        if (ops->drop != NULL) {
            ops->drop((void *)(uintptr_t)self);
        }
        return wr_gen_made(NULL, up);
    }
    stage->ops = ops;
    wr_written_init(&stage->written, wr_gen_scratch_max(&stage->gen));
    stage->room.made.read = read_item;
    stage->room.made.scratch = scratch_of;
    stage->room.made.trim = trim;
    if (self_len > 0) {
        memcpy(self_of(stage), self, self_len);
    }
    return wr_gen_made(&stage->gen, up);
}
