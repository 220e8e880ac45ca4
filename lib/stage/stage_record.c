/*
 * stage_record.c - one text in, one record out or a rejection: what all decoders of records share.
 *
 * It pulls as many items as its reader requested. The records of one call lie one after the other
 * in a block: each an event, its names (unless all records share them), its values, the text as it
 * came, and the bytes that the decoder made. So a record needs no allocation of its own, and one
 * that is kept pins at most the records of its call. A block is as large as the items that are left
 * in the call need, judged by the record that begins it: one that arrives alone has a small block.
 *
 * The blocks of a call are lent until the next one, which releases them before it pulls: a stage
 * that waits for its upstream holds no block. When the budget has no room, the records that are
 * ready are given first. The items behind them stay lent from upstream and are kept in `rest`; the
 * next call begins with them. Without a record that is ready, it waits for the budget.
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
    struct weir_block *block; /* being filled; NULL: none in this call */
    struct weir_block *lent;  /* all blocks of the last call, with `block`; by next */
    const weir_slice *names;  /* shared by the records in `block`; NULL: not written yet */
    weir_item *rest;          /* items of the last pull that are not read yet */
    size_t rest_at, rest_count;
};

static void *self_of(struct stage_record *stage)
{
    return (char *)stage + SELF_OFFSET;
}

static void let_go_of_lent(struct stage_record *stage)
{
    while (stage->lent != NULL) {
        struct weir_block *block = stage->lent;
        stage->lent = block->next;
        wr_block_unref(block, 1);
    }
    stage->block = NULL;
    stage->names = NULL;
}

/* ---- one record in a block */

/* Bytes of the names, with their table. */
static size_t names_bytes(const struct wr_fields *fields)
{
    size_t bytes = fields->count * sizeof *fields->names;
    for (size_t i = 0; fields->shared && i < fields->count; i++) {
        bytes += fields->names[i].len;
    }
    return wr_item_padded(bytes);
}

/* Make room for `need` bytes in stage->block; the call has `left` items to read, with this one. */
static int reserve(struct stage_record *stage, size_t need, size_t left)
{
    int why = 0;
    struct weir_block *block = stage->block;
    if (block != NULL && block->cap - block->len >= need) {
        return 0;
    }
    struct wr_block_pool *pool = &stage->gen.loop->blocks;
    size_t all = left > 1 ? need / 8 * 9 * left : need; /* some are longer */
    block = wr_block_new(pool, WR_MAX(need, WR_MIN(all, (size_t)WR_BLOCK_BYTES)), &why);
    if (block == NULL && why == WEIR_EBUDGET && all > need) {
        block = wr_block_new(pool, need, &why);
    }
    if (block == NULL) {
        return why;
    }
    block->next = stage->lent;
    stage->lent = stage->block = block;
    stage->names = NULL;
    return 0;
}

/* Copy the names that all records share, once for each block. */
static void share_names(struct stage_record *stage)
{
    const struct wr_fields *fields = &stage->fields;
    struct weir_block *block = stage->block;
    weir_slice *names = (weir_slice *)(void *)(block->data + block->len);
    char *to = (char *)(names + fields->count);
    for (size_t i = 0; i < fields->count; i++) {
        names[i] = (weir_slice){to, fields->names[i].len};
        memcpy(to, fields->names[i].data, names[i].len);
        to += names[i].len;
    }
    block->len += (uint32_t)names_bytes(fields);
    stage->names = names;
}

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

/* Make the item of the fields and their text. 0, WEIR_EBUDGET or WEIR_ENOMEM. */
static int build(struct stage_record *stage, weir_item *item, weir_slice text, size_t left)
{
    const struct wr_fields *fields = &stage->fields;
    size_t count = fields->count, tables = (fields->shared ? 1 : 2) * count * sizeof(weir_slice);
    size_t need = wr_item_padded(sizeof(weir_event) + tables + text.len + fields->made_len);
    int rc = reserve(stage, need + (fields->shared ? names_bytes(fields) : 0), left);
    if (rc < 0) {
        return rc;
    }
    struct weir_block *block = stage->block;
    if (fields->shared && stage->names == NULL) {
        share_names(stage);
    }
    weir_event *event = (weir_event *)(void *)(block->data + block->len);
    weir_slice *values = (weir_slice *)(void *)(event + 1);
    weir_slice *names = values + count; /* unless they are shared */
    char *body = (char *)(values + count * (fields->shared ? 1 : 2));
    struct moves moves = {(uintptr_t)text.data, text.len, (uintptr_t)fields->made,
                          fields->made_len,     body,     body + text.len};
    if (text.len > 0) {
        memcpy(body, text.data, text.len);
    }
    if (fields->made_len > 0) {
        memcpy(body + text.len, fields->made, fields->made_len);
    }
    for (size_t i = 0; i < count; i++) {
        values[i] = moved(&moves, fields->values[i]);
    }
    for (size_t i = 0; !fields->shared && i < count; i++) {
        names[i] = moved(&moves, fields->names[i]);
    }
    *event = (weir_event){.body = {body, text.len},
                          .names = fields->shared ? stage->names : names,
                          .values = values,
                          .fields_count = (uint32_t)count,
                          .kind = WEIR_EVENT_RECORD};
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
static int read_item(struct stage_record *stage, weir_item *item, size_t left)
{
    weir_slice text;
    char why[WR_FIELDS_REASON];
    struct weir_gen *gen = &stage->gen;
    struct wr_fields *fields = &stage->fields;
    if (!wr_gen_text(gen, item, &text, &stage->scratch)) {
        return gen->failure->code;
    }
    int rc = wr_fields_begin(fields, text.len);
    rc = rc == 0 ? stage->ops->read(self_of(stage), text, fields) : rc;
    if (rc == WR_FIELDS_NONE) {
        wr_gen_filter(gen, item, 1);
        return 0;
    }
    if (rc == WEIR_EPARSE) {
        wr_fields_reason(fields, text, why);
        return wr_gen_reject(gen, item, WEIR_EPARSE, why);
    }
    rc = rc == 0 ? build(stage, item, text, left) : rc;
    if (rc == WEIR_EBUDGET) {
        return rc;
    }
    return rc == 0 ? 1 : wr_gen_fail(gen, rc, 0, -1, "no memory for a record");
}

/* Keep items for the next call. 0, or WEIR_ENOMEM and the stage has failed. */
static int keep_rest(struct stage_record *stage, const weir_item *items, size_t count)
{
    weir_item *rest = wr_alloc(count * sizeof *rest);
    if (rest == NULL) {
        return wr_gen_fail(&stage->gen, WEIR_ENOMEM, 0, -1, "no memory for items");
    }
    memcpy(rest, items, count * sizeof *rest);
    wr_free(stage->rest);
    stage->rest = rest;
    stage->rest_at = 0;
    stage->rest_count = count;
    return 0;
}

static size_t take_rest(struct stage_record *stage, weir_item *items, size_t max)
{
    size_t n = WR_MIN(max, stage->rest_count - stage->rest_at);
    memcpy(items, stage->rest + stage->rest_at, n * sizeof *items);
    stage->rest_at += n;
    if (stage->rest_at == stage->rest_count) {
        wr_free(stage->rest);
        stage->rest = NULL;
    }
    return n;
}

/* 0, or a code: the stage has failed. */
static int wait_for_room(struct stage_record *stage)
{
    struct weir_gen *gen = &stage->gen;
    int rc = wr_budget_wait(gen->loop, &gen->object);
    if (rc == WEIR_EBUDGET) {
        return wr_gen_fail_starved(gen, -1);
    }
    return rc < 0 ? wr_gen_fail(gen, rc, 0, -1, "%s", wr_code_text(rc)) : 0;
}

/* Make records of n items, in place. Returns how many there are; the stage may have failed after
 * them. */
static size_t read_items(struct stage_record *stage, weir_item *items, size_t n)
{
    size_t made = 0;
    for (size_t i = 0; i < n;) {
        weir_item item = items[i];
        int rc = read_item(stage, &item, n - i);
        if (rc == WEIR_EBUDGET && stage->gen.failure == NULL) {
            if (made > 0) {
                (void)keep_rest(stage, items + i, n - i);
                return made;
            }
            rc = wait_for_room(stage);
            if (rc == 0) {
                continue;
            }
        }
        if (rc < 0) {
            return made;
        }
        if (rc > 0) {
            items[made++] = item;
        }
        i++;
    }
    return made;
}

static size_t record_next_many(struct weir_gen *gen, weir_item *items, size_t max)
{
    struct stage_record *stage = WR_OWNER(gen, struct stage_record, gen);
    let_go_of_lent(stage);
    size_t made = 0;
    while (made == 0 && gen->failure == NULL) {
        size_t n =
            stage->rest != NULL ? take_rest(stage, items, max) : wr_pull(gen->up, items, max);
        if (n == 0) {
            return 0;
        }
        made = read_items(stage, items, n);
    }
    return made;
}

static void record_close(struct weir_gen *gen)
{
    struct stage_record *stage = WR_OWNER(gen, struct stage_record, gen);
    let_go_of_lent(stage);
    wr_free(stage->rest);
    stage->rest = NULL;
    wr_fields_fini(&stage->fields);
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
    if (self_len > 0) {
        memcpy(self_of(stage), self, self_len);
    }
    return wr_gen_made(&stage->gen, up);
}
