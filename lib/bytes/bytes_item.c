/*
 * bytes_item.c - the shapes, the text of an item, keeping items beyond their loan.
 *
 * A kept item shares the lender's block or has a block with a copy, and it has one reference on its
 * receipt. Copies made by weir_item_keep are not charged to the budget: they are the keeper's
 * memory. A value with a drop function is stored after its type in a block, and that block's drop
 * calls it; so the holder of the block (a queue, a batch, a keeper) has nothing to do. Called from
 * everywhere; nothing here suspends, but a user's type functions run.
 */
#include "bytes_item.h"

#include <string.h>

#include "base_alloc.h"
#include "base_error.h"
#include "base_thread.h"
#include "bytes_receipt.h"

/* ---- shapes */

static void json_text(const weir_item *item, weir_slice *text)
{
    text->data = item->data;
    text->len = item->len;
}

const weir_type weir_json_type = {
    .struct_size = sizeof(weir_type), .name = "json", .text = json_text};

const weir_type weir_batch_type = {.struct_size = sizeof(weir_type), .name = "batch"};

static void event_text(const weir_item *item, weir_slice *text)
{
    *text = weir_event_of(item)->body;
}

static size_t event_size(const void *value)
{
    const weir_event *event = value;
    size_t bytes = sizeof *event + 2 * sizeof(weir_slice) * event->fields_count + event->body.len +
                   event->key.len + event->id.len +
                   (event->kinds != NULL ? event->fields_count : 0);
    for (uint32_t i = 0; i < event->fields_count; i++) {
        bytes += event->names[i].len + event->values[i].len;
    }
    return event->message != NULL ? wr_item_padded(bytes) + event_size(event->message) : bytes;
}

static char *copy_slice(weir_slice *slice, char *to)
{
    if (slice->len > 0) {
        memcpy(to, slice->data, slice->len);
    }
    slice->data = to;
    return to + slice->len;
}

/* Everything in one piece: the struct, the two tables, the bytes; and the same of its message. */
static int event_copy(void *to, const void *from)
{
    const weir_event *event = from;
    weir_event *copy = to;
    size_t count = event->fields_count;
    *copy = *event;
    weir_slice *names = (weir_slice *)(void *)(copy + 1), *values = names + count;
    char *bytes = (char *)(values + count);
    copy->names = names;
    copy->values = values;
    bytes = copy_slice(&copy->body, bytes);
    bytes = copy_slice(&copy->key, bytes);
    bytes = copy_slice(&copy->id, bytes);
    for (size_t i = 0; i < count; i++) {
        names[i] = event->names[i];
        values[i] = event->values[i];
        bytes = copy_slice(&names[i], bytes);
        bytes = copy_slice(&values[i], bytes);
    }
    if (event->kinds != NULL) {
        memcpy(bytes, event->kinds, count);
        copy->kinds = (const uint8_t *)bytes;
        bytes += count;
    }
    if (event->message != NULL) {
        char *next = (char *)to + wr_item_padded((size_t)(bytes - (char *)to));
        copy->message = (const weir_event *)(void *)next;
        return event_copy(next, event->message);
    }
    return 0;
}

bool weir_event_field(const weir_event *event, const char *name, weir_slice *value)
{
    WR_GIVEN(event);
    WR_GIVEN(name);
    WR_GIVEN(value);
    size_t len = strlen(name);
    for (uint32_t i = 0; i < event->fields_count; i++) {
        if (event->names[i].len == len && memcmp(event->names[i].data, name, len) == 0) {
            *value = event->values[i];
            return true;
        }
    }
    memset(value, 0, sizeof *value);
    return false;
}

/* In a record, look up a field; in a message, look into the body. */
static int event_get(const weir_item *item, const weir_slice *path, size_t steps, weir_value *out)
{
    const weir_event *event = weir_event_of(item);
    memset(out, 0, sizeof *out);
    if (event->kind == WEIR_EVENT_MESSAGE) {
        weir_item body = weir_bytes(event->body.data, event->body.len);
        body.type = event->body_type;
        return body.type != NULL && WR_TYPE_HAS(body.type, get)
                   ? body.type->get(&body, path, steps, out)
                   : 0;
    }
    for (uint32_t i = 0; steps == 1 && i < event->fields_count; i++) {
        const weir_slice *name = &event->names[i], *value = &event->values[i];
        if (name->len == path->len && memcmp(name->data, path->data, name->len) == 0) {
            out->kind = WEIR_VALUE_STRING;
            out->data = value->data;
            out->len = value->len;
            break;
        }
    }
    return 0;
}

const weir_type weir_event_type = {.struct_size = sizeof(weir_type),
                                   .name = "event",
                                   .value_size = sizeof(weir_event),
                                   .copy = event_copy,
                                   .size = event_size,
                                   .text = event_text,
                                   .get = event_get};

bool weir_type_same(const weir_type *a, const weir_type *b)
{
    return a == b || (a != NULL && b != NULL && a->value_size == b->value_size &&
                      strcmp(a->name, b->name) == 0);
}

size_t weir_item_parts(const weir_item *batch, const weir_item **parts)
{
    WR_GIVEN(batch);
    WR_GIVEN(parts);
    if (!wr_item_is_batch(batch)) {
        *parts = batch;
        return 1;
    }
    const struct wr_batch_view *view = (const struct wr_batch_view *)(const void *)batch->data;
    *parts = view->items;
    return view->count;
}

/* ---- text */

static int print(const weir_item *item, weir_slice *text, weir_scratch *scratch)
{
    size_t len = item->type->print(item->data, NULL, 0);
    if (len >= scratch->cap) {
        char *data = wr_realloc(scratch->data, len + 1);
        if (data == NULL) {
            return WEIR_ENOMEM;
        }
        scratch->data = data;
        scratch->cap = len + 1;
    }
    (void)item->type->print(item->data, scratch->data, scratch->cap);
    text->data = scratch->data;
    text->len = len;
    return 0;
}

/* The symbol of the inline function in item.h. */
extern inline int weir_item_text(const weir_item *item, weir_slice *text, weir_scratch *scratch);

int weir_item_text_of_type(const weir_item *item, weir_slice *text, weir_scratch *scratch)
{
    WR_GIVEN(item);
    WR_GIVEN(text);
    const weir_type *type = item->type;
    memset(text, 0, sizeof *text);
    if (WR_TYPE_HAS(type, text)) {
        type->text(item, text);
        return 0;
    }
    return type->print != NULL && scratch != NULL ? print(item, text, scratch) : WEIR_EINVAL;
}

void weir_scratch_free(weir_scratch *scratch)
{
    if (scratch != NULL) {
        wr_free(scratch->data);
        memset(scratch, 0, sizeof *scratch);
    }
}

int wr_item_text_error(weir_error *error, int code, const char *origin, const weir_item *item)
{
    if (code == WEIR_ENOMEM) {
        return wr_error_set(error, code, 0, origin, "no memory for a value's text");
    }
    if (wr_item_is_batch(item)) {
        return wr_error_set(error, code, 0, origin,
                            "it reads single items but got a batch: put it before the batch stage");
    }
    return wr_error_set(error, code, 0, origin,
                        "a value of type '%s' has no text: its type needs a text or print function",
                        item->type->name);
}

/* ---- copies */

size_t wr_item_copy_bytes(const weir_item *item)
{
    bool sized = item->type != NULL && WR_TYPE_HAS(item->type, size);
    return wr_item_padded(WR_MAX(sized ? item->type->size(item->data) : item->len, (size_t)1));
}

static int copy_value(const weir_item *item, char *to)
{
    if (item->type != NULL && item->type->copy != NULL) {
        return item->type->copy(to, item->data);
    }
    wr_item_copy_bytes_to(item, to);
    return 0;
}

int wr_item_copy(weir_item *item, char *to)
{
    int rc = copy_value(item, to);
    if (rc == 0) {
        item->data = to;
    }
    return rc;
}

/* In the block of a value with a drop function: stored before the value. */
struct value_head {
    _Alignas(WR_ITEM_ALIGN) const weir_type *type;
};

static void drop_value(struct weir_block *block)
{
    struct value_head *head = (struct value_head *)(void *)block->data;
    head->type->drop(head + 1);
}

int wr_item_copy_alone(struct wr_block_pool *pool, weir_item *item)
{
    const weir_type *type = item->type;
    size_t head = wr_item_shares(item) ? 0 : sizeof(struct value_head);
    size_t bytes = wr_item_copy_bytes(item);
    int rc = 0;
    WR_ASSERT(head == 0 || type->copy != NULL,
              "type '%s' has a drop function and no copy function: its values cannot be kept",
              type->name);
    struct weir_block *block = wr_block_new(pool, head + bytes, &rc);
    if (block == NULL) {
        return rc;
    }
    rc = wr_item_copy(item, block->data + head);
    if (rc < 0) {
        wr_block_unref(block, 1);
        return rc;
    }
    if (head > 0) {
        ((struct value_head *)(void *)block->data)->type = type;
        block->drop = drop_value;
    }
    block->len = (uint32_t)(head + bytes);
    item->block = block;
    return 0;
}

/* Check an item passed by the program: not NULL, and used on its thread. The block tells the
 * thread, if it is from the pool of a loop. */
static void item_given(const weir_item *item, const char *verb)
{
    if (item == NULL) {
        wr_misuse(verb, "the item is NULL");
    }
    const struct weir_block *block = item->block;
    if (block != NULL && block->pool != NULL && block->pool->thread != NULL &&
        !wr_thread_is_here(*block->pool->thread)) {
        wr_thread_is_another(verb);
    }
}

int wr_copies_add(struct wr_copies *copies, struct wr_block_pool *pool, weir_item *item)
{
    if (wr_copies_add_bytes(copies, item)) {
        return 0;
    }
    size_t need = wr_item_copy_bytes(item);
    bool small = need <= WR_BLOCK_BYTES / 8;
    struct weir_block *block = copies->block;
    int rc = 0;
    if (!wr_item_shares(item)) {
        return wr_item_copy_alone(pool, item);
    }
    if (block == NULL || block->cap - block->len < need) {
        if (block != NULL && (small || block->refs == 1)) {
            /* Release it first: on a small budget the next block may need this memory. */
            wr_copies_fini(copies);
        }
        if (!small) {
            return wr_item_copy_alone(pool, item);
        }
        copies->block = block = wr_block_new(pool, 0, &rc);
        if (block == NULL) {
            return rc;
        }
    }
    rc = wr_item_copy(item, block->data + block->len);
    if (rc == 0) {
        block->len += (uint32_t)need;
        item->block = block;
        wr_block_ref(block, 1);
    }
    return rc;
}

void wr_copies_fini(struct wr_copies *copies)
{
    wr_block_unref(copies->block, 1);
    copies->block = NULL;
}

int weir_item_keep(weir_item *kept, const weir_item *lent)
{
    item_given(lent, "weir_item_keep");
    if (kept == NULL) {
        wr_misuse("weir_item_keep", "there is no place for the kept item: kept is NULL");
    }
    *kept = *lent;
    wr_block_check(kept);
    int rc = 0;
    if (kept->block != NULL) {
        wr_block_ref(kept->block, 1);
    } else if (kept->data != NULL) {
        rc = wr_item_copy_alone(NULL, kept);
    }
    if (rc == 0 && wr_items_ref(kept, 1) < 0) {
        wr_block_unref(kept->block, 1);
        rc = WEIR_ENOMEM;
    }
    if (rc < 0) {
        memset(kept, 0, sizeof *kept);
    }
    return rc;
}

static void release_as(weir_item *kept, enum wr_act act)
{
    wr_items_unref(kept, 1, act);
    wr_block_unref(kept->block, 1);
    memset(kept, 0, sizeof *kept);
}

void weir_item_release(weir_item *kept)
{
    item_given(kept, "weir_item_release");
    release_as(kept, WR_ACT_RELEASE);
}

void weir_item_abandon(weir_item *kept)
{
    item_given(kept, "weir_item_abandon");
    release_as(kept, WR_ACT_ABANDON);
}
