/*
 * stage_expr.c - runs an expression on one item after another, for the stages that do (stage_expr.h).
 * It suspends only to let other tasks run, while an expression takes long.
 */
#include "stage_expr.h"

#include <string.h>

#include "base_error.h"
#include "bytes_item.h"
#include "codec_fields.h"
#include "flow_dead.h"

static wr_program *compile(const char *text, struct wr_names *names, struct wr_expr_read *read)
{
    struct wr_expr_text from = {.text = text, .end = strlen(text), .whole = true, .internal = true};
    return wr_program_new(&from, names != NULL ? names->list : NULL,
                          names != NULL ? names->count : 0, read);
}

/* The place of a mistake in the argument. false: it is none that was written. */
static bool place_of(const struct wr_expr_read *read, const struct wr_made_expr *made, size_t *at)
{
    *at = read->error_at;
    for (size_t i = 0; made != NULL && i < 2; i++) {
        const struct wr_made_part *part = &made->parts[i];
        if (read->error_at >= part->at && read->error_at < part->at + part->len) {
            *at = part->from + (read->error_at - part->at);
            return read->error_len > 0;
        }
    }
    return made == NULL && read->error_len > 0;
}

int wr_item_expr_check(const weir_opening *opening, weir_mistake *mistake, const char *arg,
                       const char *text, const struct wr_made_expr *made)
{
    struct wr_expr_read read;
    size_t at;
    wr_program *program = compile(text, opening->names, &read);
    bool meta = program != NULL && wr_program_reads_meta(program);
    wr_program_free(program);
    if (meta && (opening->shape & WEIR_SHAPE_EVENT) == 0) {
        (void)weir_mistake_at(mistake, arg,
                              "$meta is what comes with an event, but the input has "
                              "no events");
        return weir_mistake_hint(mistake, "write it directly after sse, or after another component "
                                          "that gives events");
    }
    if (program != NULL) {
        return 0;
    }
    int rc = place_of(&read, made, &at)
                 ? weir_mistake_inside(mistake, arg, at, read.error_len, "%s", read.message)
                 : weir_mistake_at(mistake, arg, "%s", read.message);
    return read.hint[0] != '\0' ? weir_mistake_hint(mistake, "%s", read.hint) : rc;
}

int wr_item_expr_open(struct wr_item_expr *expr, struct weir_gen *gen, const weir_opening *opening,
                      const char *text)
{
    struct wr_expr_read read = {.code = WEIR_ENOMEM};
    wr_json_init(&expr->json);
    expr->names = wr_names_ref(opening->names);
    expr->program = compile(text, expr->names, &read);
    expr->run = expr->program != NULL ? wr_machine_new(expr->program, NULL) : NULL;
    return expr->run != NULL ? 0
           : expr->program != NULL
               ? wr_gen_fail(gen, WEIR_ENOMEM, 0, -1, "no memory for an expression")
               : wr_gen_fail(gen, read.code, 0, -1, "%s", read.message);
}

void wr_item_expr_close(struct wr_item_expr *expr)
{
    wr_machine_free(expr->run);
    wr_program_free(expr->program);
    wr_names_unref(expr->names);
    wr_json_fini(&expr->json);
    weir_scratch_free(&expr->scratch);
    *expr = (struct wr_item_expr){.program = NULL};
}

/* A value of a record. */
static struct wr_value field_value(const weir_event *event, uint32_t i)
{
    weir_slice text = event->values[i];
    uint8_t kind = event->kinds != NULL ? event->kinds[i] : (uint8_t)WEIR_VALUE_STRING;
    struct wr_value value = wr_value_string(text.data, text.len);
    if (kind == WEIR_VALUE_BOOL) {
        return wr_value_bool(text.len == 4);
    }
    value.kind = kind == WEIR_VALUE_NUMBER ? WR_JSON_NUMBER : WR_JSON_STRING;
    return value;
}

/* An object of the first `count` fields of an event. NULL: no memory. */
static struct wr_members *fields_object(struct wr_arena *arena, const weir_event *event,
                                        uint32_t count)
{
    struct wr_members *object = wr_members_new(arena, count);
    for (uint32_t i = 0; object != NULL && i < count; i++) {
        weir_slice name = event->names[i];
        if (!wr_members_put(arena, object, wr_value_string(name.data, name.len),
                            field_value(event, i))) {
            return NULL;
        }
    }
    return object;
}

static bool put_text(struct wr_arena *arena, struct wr_members *object, const char *name,
                     weir_slice text)
{
    return text.len == 0 || wr_members_put(arena, object, wr_value_string(name, strlen(name)),
                                           wr_value_string(text.data, text.len));
}

/* $meta of an event. false: no memory. */
static bool set_meta(wr_machine *run, const weir_event *event)
{
    struct wr_arena *arena = wr_machine_arena(run);
    bool message = event->kind == WEIR_EVENT_MESSAGE;
    struct wr_members *meta = fields_object(arena, event, message ? event->fields_count : 0);
    bool ok = meta != NULL && put_text(arena, meta, "key", event->key) &&
              put_text(arena, meta, "id", event->id) && put_text(arena, meta, "body", event->body);
    if (ok) {
        wr_machine_meta(run, wr_value_object(meta));
    }
    return ok;
}

/* What the expression reads of an event, but for its body. false: no memory. */
static bool read_event(const struct wr_item_expr *expr, const weir_event *event,
                       struct wr_value *input)
{
    if (wr_program_reads_meta(expr->program) && !set_meta(expr->run, event)) {
        return false;
    }
    if (event->kind == WEIR_EVENT_RECORD) {
        const struct wr_members *fields =
            fields_object(wr_machine_arena(expr->run), event, event->fields_count);
        *input = wr_value_object(fields);
        return fields != NULL;
    }
    return true;
}

static bool is_blank(weir_slice text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (memchr(" \t\r\n", text.data[i], 4) == NULL) {
            return false;
        }
    }
    return true;
}

/* What is not JSON. 0 or a code: gen has failed. */
static int reject_text(struct wr_item_expr *expr, struct weir_gen *gen, const weir_item *item,
                       weir_slice text, int code)
{
    char why[WR_FIELDS_REASON];
    bool long_text = code == WEIR_ETOOLONG;
    struct wr_fields fields = {.problem = long_text ? "a text of 2 GiB or more" : expr->json.error,
                               .at = long_text ? 0 : expr->json.error_at};
    wr_fields_reason(&fields, text, why);
    return wr_gen_reject(gen, item, code, why);
}

int wr_item_expr_begin(struct wr_item_expr *expr, struct weir_gen *gen, const weir_item *item)
{
    const weir_event *event = weir_event_of(item);
    struct wr_value input = {.kind = WR_JSON_NULL};
    weir_slice text = WEIR_ZERO;
    int rc = 0;
    wr_machine_begin(expr->run);
    wr_machine_clock(expr->run, gen->loop->now_unix_ns);
    bool ok = event == NULL || read_event(expr, event, &input);
    bool body = ok && (event == NULL || event->kind == WEIR_EVENT_MESSAGE);
    if (body && !wr_gen_text(gen, item, &text, &expr->scratch)) {
        return gen->failure->code;
    }
    if (body && (rc = wr_json_index(&expr->json, text.data, text.len)) == 0) {
        ok = wr_value_node(wr_machine_arena(expr->run), &expr->json, WR_JSON_ROOT, &input);
    }
    if (!ok || rc == WEIR_ENOMEM) {
        return wr_gen_fail(gen, WEIR_ENOMEM, 0, -1, "no memory for an expression");
    }
    if (rc < 0 && is_blank(text)) {
        wr_gen_filter(gen, item, 1);
        return 0;
    }
    if (rc < 0) {
        return reject_text(expr, gen, item, text, rc);
    }
    wr_machine_input(expr->run, input);
    return 1;
}

int wr_item_expr_next(struct wr_item_expr *expr, struct weir_gen *gen, const weir_item *item,
                      struct wr_value *output)
{
    for (;;) {
        int rc;
        switch (wr_machine_next(expr->run, output)) {
        case WR_MACHINE_OUTPUT: return 1;
        case WR_MACHINE_END: return 0;
        case WR_MACHINE_BUSY:
            rc = wr_turn(gen->loop, &gen->object);
            if (rc < 0) {
                return wr_gen_fail(gen, rc, 0, -1, "%s", wr_code_text(rc));
            }
            break;
        case WR_MACHINE_FAILED:
        case WR_MACHINE_LIMIT:
            rc = wr_gen_reject(gen, item, WEIR_EPARSE, wr_machine_error(expr->run));
            return rc < 0 ? rc : WEIR_EPARSE;
        case WR_MACHINE_NO_MEMORY:
            return wr_gen_fail(gen, WEIR_ENOMEM, 0, -1, "no memory for an expression");
        }
    }
}
