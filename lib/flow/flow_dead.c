/*
 * flow_dead.c - items that a component rejects: skipped, a failure, or written to the dead sink.
 *
 * A component may reject an item where it cannot wait, so a rejected item becomes a record at once:
 * a line of JSON in a block, with one reference to the source item. Records wait in a list; a
 * hidden task pumps them into the dead sink, whose commit settles the source items as rejected. The
 * list itself has no bound. A gate in front of each component that writes to it (flow_dead_gate.c)
 * waits at the next pull while the list is full.
 *
 * Each generator of such a component, and each such sink, holds a reference to the dead sink until
 * it has closed. The last one to close ends the list and waits until everything in it is committed,
 * so that the position saved by the pipeline's own sink includes all of it. When the dead sink
 * fails, the gates fail with it.
 */
#include "flow_dead.h"

#include <stdio.h>
#include <string.h>

#include "base_alloc.h"
#include "bytes_item.h"
#include "bytes_origin.h"
#include "codec_utf8.h"
#include "flow_body.h"
#include "flow_dead_parts.h"
#include "flow_place.h"
#include "flow_sink.h"
#include "loop_wait.h"

enum { POSITION_BYTES_MAX = 512 };

/* What one generator or sink does with what it rejects. */
struct wr_rejects {
    struct weir_gen *gen;   /* either this, */
    struct weir_sink *sink; /* or this */
    uint8_t policy;         /* enum wr_on_error */
    bool writes;            /* it is one of dead->writers */
    struct wr_dead *dead;
    const char *component;
    char first[WR_PLACE_BYTES]; /* where the first item is that was rejected; "": none */
};

struct dead_source {
    struct weir_gen gen;
    struct wr_dead *dead;
    struct wr_dead_record *lent; /* of the last call */
};

/* ---- records */

static void record_free(struct wr_dead_record *record, enum wr_act act)
{
    wr_items_unref(&record->item, 1, act);
    wr_block_unref(record->item.block, 1);
    wr_free(record);
}

static void drop_records(struct wr_dead *dead)
{
    while (dead->first != NULL) {
        struct wr_dead_record *record = dead->first;
        dead->first = record->next;
        record_free(record, WR_ACT_ABANDON);
    }
    dead->end = &dead->first;
    dead->count = dead->bytes = 0;
}

/* Where the item begins in its source; a NULL text if that is not known. */
static struct wr_text position_of(const weir_item *item, char *to, size_t cap)
{
    size_t len = wr_item_position(item, to, cap);
    return len > 0 ? (struct wr_text){to, WR_MIN(len, cap - 1)} : (struct wr_text){NULL, 0};
}

void wr_dead_write(struct wr_out *out, const struct weir_scope *scope, const weir_item *item,
                   const char *component, int code, const char *why)
{
    weir_scratch scratch = WEIR_ZERO;
    weir_slice body;
    char position[POSITION_BYTES_MAX];
    const char *origin = weir_origin_name(scope, item);
    bool read = weir_item_text(item, &body, &scratch) == 0;
    struct wr_text text = {read && body.len == 0 ? "" : body.data, body.len};
    wr_out_string(out, "{\"origin\":");
    wr_json_string(out, origin != NULL ? wr_text_of(origin) : (struct wr_text){NULL, 0});
    wr_out_string(out, ",\"number\":");
    wr_json_number(out, item->seq);
    wr_out_string(out, ",\"position\":");
    wr_json_string(out, position_of(item, position, sizeof position));
    wr_out_string(out, ",\"component\":");
    wr_json_string(out, component != NULL ? wr_text_of(component) : (struct wr_text){NULL, 0});
    wr_out_string(out, ",\"code\":");
    wr_json_string(out, code != 0 ? wr_text_of(wr_code_name(code)) : (struct wr_text){NULL, 0});
    wr_out_string(out, ",\"reason\":");
    wr_json_string(out, why != NULL ? wr_text_of(why) : (struct wr_text){NULL, 0});
    bool utf8 = wr_utf8_valid_bytes(text.data, text.len) == text.len;
    wr_out_string(out, utf8 ? ",\"body\":" : ",\"body64\":");
    if (utf8) {
        wr_json_string(out, text);
    } else {
        wr_json_base64(out, text);
    }
    wr_out_string(out, "}");
    weir_scratch_free(&scratch);
}

static struct wr_object *object_of(const struct wr_rejects *rejects)
{
    return rejects->gen != NULL ? &rejects->gen->object : &rejects->sink->object;
}

/* A record of an item, or of one part of it: the reference is to the item. Its block is charged to
 * the loop's budget if the budget has room. NULL: out of memory. */
static struct wr_dead_record *record_of(const struct wr_rejects *rejects, const weir_item *item,
                                        const weir_item *part, int code, const char *why)
{
    struct wr_out out = {NULL, 0, 0};
    int rc = 0;
    const char *component = rejects->component;
    struct weir_scope *scope = object_of(rejects)->scope;
    wr_dead_write(&out, scope, part, component, code, why);
    struct weir_block *block = wr_block_new(&scope->loop->blocks, out.len, &rc);
    if (block == NULL && rc == WEIR_EBUDGET) {
        block = wr_block_new(NULL, out.len, &rc);
    }
    struct wr_dead_record *record = block != NULL ? wr_zalloc(sizeof *record) : NULL;
    if (record == NULL || wr_items_ref(item, 1) < 0) {
        wr_free(record);
        wr_block_unref(block, 1);
        return NULL;
    }
    out = (struct wr_out){block->data, out.len, 0};
    wr_dead_write(&out, scope, part, component, code, why);
    block->len = (uint32_t)out.len;
    record->item = *item;
    record->item.data = block->data;
    record->item.len = out.len;
    record->item.type = NULL;
    record->item.flags = 0;
    record->item.block = block;
    return record;
}

/* ---- from the list into the sink */

static size_t source_next_many(struct weir_gen *gen, weir_item *items, size_t max)
{
    struct dead_source *source = WR_OWNER(gen, struct dead_source, gen);
    struct wr_dead *dead = source->dead;
    (void)max;
    if (source->lent != NULL) {
        record_free(source->lent, WR_ACT_NEUTRAL);
        source->lent = NULL;
    }
    while (dead->first == NULL && !dead->ended) {
        int rc = wr_wait_for_task(gen->loop, "a rejected item", &gen->object);
        if (rc < 0) {
            wr_gen_fail(gen, rc, 0, -1, "%s", wr_code_text(rc));
            return 0;
        }
    }
    struct wr_dead_record *record = dead->first;
    if (record == NULL) {
        return 0;
    }
    dead->first = record->next;
    dead->end = dead->first != NULL ? dead->end : &dead->first;
    dead->count--;
    dead->bytes -= record->item.len;
    for (struct wr_list *node = dead->gates.next; node != &dead->gates; node = node->next) {
        wr_object_wake(&WR_OWNER(node, struct wr_dead_gate, link)->gen.object);
    }
    source->lent = record;
    items[0] = record->item;
    return 1;
}

static void source_close(struct weir_gen *gen)
{
    struct dead_source *source = WR_OWNER(gen, struct dead_source, gen);
    if (source->lent != NULL) {
        record_free(source->lent, WR_ACT_NEUTRAL);
    }
    source->lent = NULL;
    source->dead->source = NULL;
}

static const struct wr_gen_ops source_ops = {
    .kind = "dead", .next_many = source_next_many, .close = source_close};

static void pump_main(struct wr_task *task, void *arg)
{
    struct wr_dead *dead = arg;
    (void)task;
    struct weir_sink *sink = dead->make(dead->scope, dead->path, dead->syncs);
    sink->commit_act = WR_ACT_REJECT;
    (void)!weir_pump(dead->source, sink, &dead->error);
    dead->pump = NULL;
    drop_records(dead);
    for (struct wr_list *node = dead->gates.next; node != &dead->gates; node = node->next) {
        wr_object_wake(&WR_OWNER(node, struct wr_dead_gate, link)->gen.object);
    }
    if (dead->closer != NULL) {
        wr_object_wake(dead->closer);
    }
    wr_dead_unref(dead);
}

/* Start the pump for the first record. 0 or WEIR_ENOMEM. */
static int begin(struct wr_dead *dead)
{
    struct dead_source *source = wr_gen_alloc(dead->scope, sizeof *source, &source_ops, "dead");
    if (source == NULL) {
        return WEIR_ENOMEM;
    }
    source->dead = dead;
    dead->source = wr_gen_made(&source->gen, NULL);
    dead->pump = wr_task_hidden(dead->scope, "dead", pump_main, dead);
    if (dead->pump == NULL) {
        dead->source = NULL;
        weir_discard(&source->gen);
        return WEIR_ENOMEM;
    }
    dead->refs++;
    return 0;
}

struct wr_dead *wr_dead_new(struct weir_scope *scope,
                            struct weir_sink *(*make)(struct weir_scope *scope, const char *path,
                                                      struct weir_state *syncs),
                            const char *path, struct weir_state *syncs)
{
    size_t len = strlen(path) + 1;
    struct wr_dead *dead = wr_zalloc(sizeof *dead + len);
    if (dead != NULL) {
        dead->scope = scope;
        dead->make = make;
        dead->syncs = syncs;
        dead->refs = 1;
        dead->end = &dead->first;
        wr_list_init(&dead->gates);
        memcpy(dead->path, path, len);
    }
    return dead;
}

void wr_dead_unref(struct wr_dead *dead)
{
    if (dead != NULL && --dead->refs == 0) {
        drop_records(dead);
        wr_free(dead);
    }
}

/* ---- rejecting */

weir_error wr_dead_failure(const struct wr_dead *dead)
{
    weir_error error = dead->error;
    if (error.code != WEIR_ECANCELED) {
        wr_error_set(&error, error.code, error.detail, "dead", "rejected items cannot be kept: %s",
                     dead->error.message);
    }
    return error;
}

static struct wr_rejects *rejects_new(enum wr_on_error policy, struct wr_dead *dead,
                                      const char *component)
{
    struct wr_rejects *rejects = wr_zalloc(sizeof *rejects);
    if (rejects == NULL) {
        return NULL;
    }
    rejects->policy = (uint8_t)policy;
    rejects->component = component;
    if (policy == WR_ON_ERROR_DEAD) {
        rejects->dead = dead;
        rejects->writes = true;
        dead->refs++;
        dead->writers++;
    }
    return rejects;
}

void wr_gen_on_error(struct weir_gen *gen, const struct weir_gen *until, enum wr_on_error policy,
                     struct wr_dead *dead, const char *component)
{
    for (; gen != NULL && gen != until && gen != &wr_gen_no_memory; gen = gen->up) {
        gen->rejects = rejects_new(policy, dead, component);
        if (gen->rejects == NULL) {
            wr_gen_fail(gen, WEIR_ENOMEM, 0, -1, "no memory for rejected items");
            return;
        }
        gen->rejects->gen = gen;
    }
}

void wr_gen_on_error_as(struct weir_gen *gen, const struct weir_gen *until,
                        const struct weir_gen *as, const char *component)
{
    if (as->rejects != NULL) {
        wr_gen_on_error(gen, until, (enum wr_on_error)as->rejects->policy, as->rejects->dead,
                        component);
    }
}

void wr_sink_on_error(struct weir_sink *sink, enum wr_on_error policy, struct wr_dead *dead,
                      const char *component)
{
    if (sink->loop == NULL) {
        return; /* it could not be made; all threads share it */
    }
    sink->rejects = rejects_new(policy, dead, component);
    if (sink->rejects == NULL) {
        wr_sink_set_error(sink, WEIR_ENOMEM, 0, "no memory for rejected items");
        return;
    }
    sink->rejects->sink = sink;
}

static int fail(const struct wr_rejects *rejects, const weir_error *error)
{
    return rejects->gen != NULL
               ? wr_gen_fail_error(rejects->gen, error)
               : wr_sink_set_error(rejects->sink, error->code, error->detail, "%s", error->message);
}

static int write_dead(const struct wr_rejects *rejects, const struct wr_items_bad *bad, int code,
                      const char *why)
{
    struct wr_dead *dead = rejects->dead;
    weir_error error;
    if (dead->error.code != 0) {
        error = wr_dead_failure(dead);
        return fail(rejects, &error);
    }
    int rc = dead->pump == NULL ? begin(dead) : 0;
    for (size_t i = 0; rc == 0 && i < bad->count; i++) {
        struct wr_dead_record *record = record_of(rejects, bad->item, &bad->parts[i], code, why);
        if (record == NULL) {
            rc = WEIR_ENOMEM;
            break;
        }
        *dead->end = record;
        dead->end = &record->next;
        dead->count++;
        dead->bytes += record->item.len;
    }
    if (rc < 0) {
        wr_error_set(&error, rc, 0, object_of(rejects)->name, "no memory for a rejected item");
        return fail(rejects, &error);
    }
    if (dead->source != NULL) {
        wr_object_wake(&dead->source->object);
    }
    return 0;
}

/* What was done, for a message. */
static void done_text(const struct wr_rejects *rejects, char *to, size_t cap)
{
    enum wr_on_error policy = rejects != NULL ? rejects->policy : WR_ON_ERROR_SKIP;
    switch (policy) {
    case WR_ON_ERROR_SKIP: snprintf(to, cap, "; skipped"); break;
    case WR_ON_ERROR_STOP: to[0] = '\0'; break;
    case WR_ON_ERROR_DEAD: snprintf(to, cap, "; sent to %s", rejects->dead->path); break;
    }
}

/* The message about what is wrong, with its place in the stream and an excerpt. */
static void describe(struct wr_rejects *rejects, const struct wr_object *object,
                     const struct wr_items_bad *bad, int code, weir_error *error)
{
    char place[WR_PLACE_BYTES], done[80], excerpt[WR_EXCERPT_BYTES];
    const struct wr_fault *fault = bad->fault;
    int64_t offset = wr_place_text(bad, place);
    bool first = rejects != NULL && rejects->first[0] == '\0';
    if (first) {
        const char *byte = strstr(place, " (");
        size_t len = byte != NULL ? (size_t)(byte - place) : strlen(place);
        memcpy(rejects->first, place, len);
    }
    done_text(rejects, done, sizeof done);
    if (fault->binary) { /* in place of an excerpt */
        snprintf(excerpt, sizeof excerpt, ", at byte %zu of it", fault->at);
    }
    wr_error_set(error, code, 0, object->name, "%s: %s%s%s", place, fault->problem,
                 fault->binary ? excerpt : "", done);
    error->seq = bad->parts[0].seq;
    error->offset = offset;
    size_t len = strlen(error->message);
    size_t more =
        fault->text.len > 0 && !fault->binary ? wr_excerpt(fault->text, fault->at, excerpt) : 0;
    if (more > 0 && more < sizeof error->message - len) {
        memcpy(error->message + len, excerpt, more + 1);
        len += more;
    }
    if (more > 0 && first && fault->hint != NULL) {
        snprintf(error->message + len, sizeof error->message - len, " %s", fault->hint);
    }
}

/* 0, or a code: the generator or sink that rejects has failed. */
static int reject(struct wr_rejects *rejects, const struct wr_object *object,
                  const struct wr_items_bad *bad, int code)
{
    weir_error error;
    char why[WR_FAULT_REASON];
    int rc = 0;
    describe(rejects, object, bad, code, &error);
    if (rejects != NULL && rejects->policy == WR_ON_ERROR_STOP) {
        return fail(rejects, &error);
    }
    if (rejects != NULL && rejects->policy == WR_ON_ERROR_DEAD) {
        bool at = bad->fault->text.len > 0;
        if (at) {
            wr_fault_reason(bad->fault, why);
        }
        rc = write_dead(rejects, bad, code, at ? why : bad->fault->problem);
    }
    wr_log_record(&object->scope->loop->log, WR_LOG_INFO, &error);
    return rc;
}

int wr_gen_reject_at(struct weir_gen *gen, const weir_item *item, int code,
                     const struct wr_fault *fault)
{
    struct wr_items_bad bad = {.item = item, .fault = fault};
    bad.count = weir_item_parts(item, &bad.parts);
    gen->rejected++;
    int rc = reject(gen->rejects, &gen->object, &bad, code);
    if (rc == 0) {
        wr_items_tell(item, 1, WR_ACT_REJECT);
    } else if (gen->body && wr_body_of(gen)->pending == WR_PENDING_NONE) {
        /* Its pulls and yields return false from now on. */
        wr_body_set_pending(wr_body_of(gen), WR_PENDING_CLOSE);
    }
    return rc;
}

int wr_gen_reject(struct weir_gen *gen, const weir_item *item, int code, const char *why)
{
    struct wr_fault fault = {.problem = why};
    return wr_gen_reject_at(gen, item, code, &fault);
}

int wr_sink_reject(struct weir_sink *sink, const weir_item *item, const weir_item *parts,
                   size_t count, int code, const char *why)
{
    struct wr_fault fault = {.problem = why};
    struct wr_items_bad bad = {item, parts, count, &fault};
    sink->rejected += count;
    int rc = reject(sink->rejects, &sink->object, &bad, code);
    for (size_t i = 0; rc == 0 && i < count; i++) {
        wr_part_tell(item, &parts[i], WR_ACT_REJECT);
    }
    return rc;
}

const char *wr_rejects_first(const struct wr_rejects *rejects)
{
    return rejects != NULL ? rejects->first : "";
}

void wr_rejects_over(struct wr_rejects *rejects)
{
    if (rejects == NULL || !rejects->writes) {
        return;
    }
    struct wr_dead *dead = rejects->dead;
    struct wr_object *object = object_of(rejects);
    rejects->writes = false;
    if (--dead->writers > 0) {
        return;
    }
    dead->ended = true;
    if (dead->source != NULL) {
        wr_object_wake(&dead->source->object);
    }
    dead->closer = object;
    while (dead->pump != NULL) {
        (void)wr_park_for_task(object->scope->loop, "the dead sink to end", object);
    }
    dead->closer = NULL;
    if (dead->error.code != 0 && dead->error.code != WEIR_ECANCELED) {
        weir_error error = wr_dead_failure(dead);
        (void)fail(rejects, &error);
    }
}

void wr_rejects_free(struct wr_rejects *rejects)
{
    if (rejects != NULL) {
        wr_dead_unref(rejects->dead);
        wr_free(rejects);
    }
}
