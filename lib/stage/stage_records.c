/*
 * stage_records.c - one text in, any number of records out: what decoders of datagrams share.
 *
 * It pulls as many items as its reader requested, at most INPUTS_MAX, and reads one after the other.
 * A record is read when there is room for it in the reader's array. The items of a pull stay lent
 * from upstream until all their records have been given: their receipts settle after that. A record
 * for which the budget has no room stays in `fields` and is built by the next call.
 *
 * It suspends at the pull, and while it waits for the budget.
 */
#include <stdio.h>
#include <string.h>

#include "flow_dead.h"
#include "stage_record.h"

/* The decoder's own copy of self follows the struct, aligned like malloc's memory. */
#define SELF_OFFSET ((sizeof(struct stage_records) + 15) & ~(size_t)15)

enum { INPUTS_MAX = 64, WHY_BYTES = 200 };

struct stage_records {
    struct weir_gen gen;
    const struct wr_records_ops *ops;
    struct wr_fields fields;
    weir_scratch scratch;
    struct wr_record_room room;
    weir_item in[INPUTS_MAX];
    size_t in_at, in_count;
    weir_slice text;       /* of in[in_at], if it has begun */
    bool inside;           /* it has begun */
    bool gave;             /* ... and a record of it was given */
    bool waits;            /* a record in `fields` is not built yet */
    size_t problems;       /* malformed parts of it, ... */
    struct wr_fault fault; /* ... and the first one */
};

static void *self_of(struct stage_records *stage)
{
    return (char *)stage + SELF_OFFSET;
}

/* All of the text has been read. 0, or gen has failed. */
static int end_text(struct stage_records *stage)
{
    const weir_item *item = &stage->in[stage->in_at++];
    stage->inside = false;
    if (stage->problems == 0) {
        if (!stage->gave) {
            wr_gen_filter(&stage->gen, item, 1);
        }
        return 0;
    }
    char why[WHY_BYTES];
    if (stage->problems > 1) {
        snprintf(why, sizeof why, "%s (%zu problems)", stage->fault.problem, stage->problems);
        stage->fault.problem = why;
    }
    return wr_gen_reject_at(&stage->gen, item, WEIR_EPARSE, &stage->fault);
}

/* False: gen has failed. */
static bool begin_text(struct stage_records *stage)
{
    const weir_item *item = &stage->in[stage->in_at];
    if (!wr_gen_text(&stage->gen, item, &stage->text, &stage->scratch)) {
        return false;
    }
    stage->inside = true;
    stage->gave = false;
    stage->problems = 0;
    stage->ops->begin(self_of(stage), item, stage->text);
    return true;
}

/* Read on until a record waits or all items of the pull are done. 0 or a code: gen has failed. */
static int run(struct stage_records *stage)
{
    struct weir_gen *gen = &stage->gen;
    struct wr_fields *fields = &stage->fields;
    while (!stage->waits && stage->in_at < stage->in_count && gen->failure == NULL) {
        if (!stage->inside && !begin_text(stage)) {
            break;
        }
        int rc = wr_fields_begin(fields, stage->text.len);
        fields->body = stage->text;
        rc = rc == 0 ? stage->ops->read(self_of(stage), stage->text, fields) : rc;
        if (rc == WEIR_ENOMEM) {
            return wr_gen_fail(gen, rc, 0, -1, "no memory for a record");
        }
        if (rc == WR_FIELDS_NONE) {
            (void)end_text(stage);
        } else if (rc == WEIR_EPARSE) {
            if (stage->problems++ == 0) {
                stage->fault = wr_fields_fault(fields, stage->text);
            }
        } else {
            stage->waits = true;
        }
    }
    return gen->failure != NULL ? gen->failure->code : 0;
}

/* About how many records are left in the pull, if all are like this one. */
static size_t records_left(const struct stage_records *stage)
{
    const weir_slice *body = &stage->fields.body;
    size_t bytes = (size_t)(stage->text.data + stage->text.len - body->data);
    for (size_t i = stage->in_at + 1; i < stage->in_count; i++) {
        bytes += stage->in[i].len;
    }
    return body->len > 0 ? bytes / body->len + 1 : 1;
}

/* Build the record that waits. 0, WEIR_EBUDGET or a code: gen has failed. */
static int give(struct stage_records *stage, weir_item *to, size_t max)
{
    *to = stage->in[stage->in_at];
    int rc = wr_record_build(&stage->room, &stage->gen, to, &stage->fields, stage->fields.body,
                             WR_MIN(max, records_left(stage)));
    if (rc == 0) {
        stage->waits = false;
        stage->gave = true;
    }
    return rc == 0 || rc == WEIR_EBUDGET
               ? rc
               : wr_gen_fail(&stage->gen, rc, 0, -1, "no memory for a record");
}

static size_t scratch_of(const struct weir_gen *gen)
{
    struct stage_records *stage = WR_OWNER((uintptr_t)gen, struct stage_records, gen);
    return wr_fields_bytes(&stage->fields) + stage->scratch.cap +
           (stage->ops->bytes != NULL ? stage->ops->bytes(self_of(stage)) : 0);
}

static void trim(struct weir_gen *gen)
{
    struct stage_records *stage = WR_OWNER(gen, struct stage_records, gen);
    wr_fields_fini(&stage->fields);
    weir_scratch_free(&stage->scratch);
}

static size_t records_next_many(struct weir_gen *gen, weir_item *items, size_t max)
{
    struct stage_records *stage = WR_OWNER(gen, struct stage_records, gen);
    size_t given = 0;
    wr_made_loan_over(&stage->room.made);
    wr_record_room_begin(&stage->room);
    while (given < max && run(stage) == 0) {
        if (stage->waits) {
            int rc = give(stage, &items[given], max - given);
            given += rc == 0;
            if (rc < 0 && (rc != WEIR_EBUDGET || given > 0 || wr_made_wait(gen) < 0)) {
                break;
            }
            continue;
        }
        if (given > 0) {
            break;
        }
        stage->in_at = 0;
        wr_made_trim(&stage->room.made, gen);
        stage->in_count = wr_pull(gen->up, stage->in, WR_MIN(max, (size_t)INPUTS_MAX));
        if (stage->in_count == 0) {
            break;
        }
    }
    wr_made_charge(&stage->room.made, gen);
    return given;
}

static void records_close(struct weir_gen *gen)
{
    struct stage_records *stage = WR_OWNER(gen, struct stage_records, gen);
    wr_made_fini(&stage->room.made);
    wr_fields_fini(&stage->fields);
    weir_scratch_free(&stage->scratch);
    stage->inside = stage->waits = false;
    stage->in_at = stage->in_count = 0;
}

static void records_free(struct weir_gen *gen)
{
    struct stage_records *stage = WR_OWNER(gen, struct stage_records, gen);
    if (stage->ops->drop != NULL) {
        stage->ops->drop(self_of(stage));
    }
}

static const struct wr_gen_ops records_ops = {.kind = "records",
                                              .next_many = records_next_many,
                                              .close = records_close,
                                              .free = records_free};

struct weir_gen *wr_records_stage(struct weir_gen *up, const struct wr_records_ops *ops,
                                  const void *self, size_t self_len)
{
    struct stage_records *stage =
        wr_stage_alloc(up, SELF_OFFSET + self_len, &records_ops, ops->kind);
    if (stage == NULL) {
        if (ops->drop != NULL) {
            ops->drop((void *)(uintptr_t)self);
        }
        return wr_gen_made(NULL, up);
    }
    stage->ops = ops;
    stage->room.made.scratch = scratch_of;
    stage->room.made.trim = trim;
    memcpy(self_of(stage), self, self_len);
    return wr_gen_made(&stage->gen, up);
}
