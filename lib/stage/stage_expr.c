/*
 * stage_expr.c - compiles the expressions of stages, and makes their first input from an item
 * (stage_expr.h). It suspends nowhere.
 */
#include "stage_expr.h"

#include <string.h>

#include "base_error.h"
#include "bytes_item.h"
#include "expr_input.h"
#include "flow_dead.h"

/* Larger items are indexed one by one: there is little to gain. */
enum { WINDOW_BYTES = 65536 };

wr_program *wr_item_expr_compile(const char *text, struct wr_names *names,
                                 struct wr_expr_read *read)
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
    wr_program *program = wr_item_expr_compile(text, opening->names, &read);
    bool meta = program != NULL && wr_program_reads_meta(program);
    if (program != NULL && opening->all_text && wr_program_orders_field(program)) {
        weir_mistake_warn(mistake,
                          "a field of csv, tsv, kv, logfmt or regex is a text, and each text "
                          "is greater than each number: write (.field | tonumber) > 3, or "
                          "'numbers' where the format is read");
    }
    wr_program_free(program);
    if (meta && opening->reads_meta != NULL) {
        *opening->reads_meta = 1;
    }
    if (meta && (opening->shape & WEIR_SHAPE_EVENT) == 0 && opening->meta == 0) {
        (void)weir_mistake_at(mistake, arg,
                              "$meta is what comes with an event, but the input has "
                              "no events");
        return weir_mistake_hint(
            mistake, (opening->shape & WEIR_SHAPE_JSON) != 0
                         ? "write it before json: behind sse, udp and other components that give "
                           "events it reads their bodies as JSON itself"
                         : "write it directly after sse, or after another component that gives "
                           "events");
    }
    if (program != NULL) {
        return 0;
    }
    int rc = place_of(&read, made, &at)
                 ? weir_mistake_inside(mistake, arg, at, read.error_len, "%s", read.message)
                 : weir_mistake_at(mistake, arg, "%s", read.message);
    return read.hint[0] != '\0' ? weir_mistake_hint(mistake, "%s", read.hint) : rc;
}

void wr_item_input_init(struct wr_item_input *input, size_t bytes_max)
{
    *input = (struct wr_item_input){.record = false};
    wr_json_init(&input->json);
    input->json.bytes_max = bytes_max;
}

size_t wr_item_input_bytes(const struct wr_item_input *input)
{
    return wr_json_bytes(&input->json) + input->scratch.cap;
}

void wr_item_input_trim(struct wr_item_input *input)
{
    wr_json_trim(&input->json);
    weir_scratch_free(&input->scratch);
}

void wr_item_input_fini(struct wr_item_input *input)
{
    wr_json_fini(&input->json);
    weir_scratch_free(&input->scratch);
}

/* Is the item a slice of a block, which is JSON if it is anything? */
static bool is_slice(const weir_item *item)
{
    return item->len > 0 && (item->type == NULL || item->type == &weir_json_type);
}

/* Does the item lie behind `end`, with only a line end between them? */
static bool follows(const weir_item *item, const char *end)
{
    size_t gap = (size_t)((uintptr_t)item->data - (uintptr_t)end);
    return gap == 1 ? end[0] == '\n' : gap == 2 && end[0] == '\r' && end[1] == '\n';
}

size_t wr_item_input_ahead(struct wr_item_input *input, const weir_item *items, size_t count)
{
    size_t n = 0;
    const char *end = NULL;
    while (n < count && is_slice(&items[n]) &&
           (n == 0 || (items[n].block == items[0].block && items[n].block != NULL &&
                       follows(&items[n], end))) &&
           (size_t)(items[n].data - items[0].data) + items[n].len <= WINDOW_BYTES) {
        end = items[n].data + items[n].len;
        n++;
    }
    return n > 1 && wr_json_ahead(&input->json, items[0].data, (size_t)(end - items[0].data)) ? n
                                                                                              : 0;
}

static bool begins_with(weir_slice text, const char *bytes, size_t len)
{
    return text.data != NULL && text.len >= len && memcmp(text.data, bytes, len) == 0;
}

/* What is meant by a stream whose first line is no JSON text; NULL: it may be a single mistake. */
static const char *hint_of(const weir_item *item, weir_slice text)
{
    if (item->type != NULL || item->seq != 1 || text.data == NULL || text.len == 0) {
        return NULL;
    }
    if (begins_with(text, "\x1f\x8b", 2)) {
        return "this is compressed: write gunzip first";
    }
    if (begins_with(text, "\x28\xb5\x2f\xfd", 4)) {
        return "this is compressed: write unzstd first";
    }
    char last = text.data[text.len - 1];
    if (last == '[' || last == '{' || last == ',') {
        return "values of several lines: write json first";
    }
    return text.data[0] == '{' || text.data[0] == '['
               ? NULL
               : "each line is read as JSON: write csv header, logfmt, clf, regex or encode json "
                 "first";
}

/* Is the first line JSON behind a byte order mark? It is no part of the value. */
static bool index_behind_mark(struct wr_item_input *input, const weir_item *item, weir_slice text)
{
    return item->seq == 1 && begins_with(text, "\xef\xbb\xbf", 3) &&
           wr_json_index(&input->json, text.data + 3, text.len - 3) == 0;
}

int wr_item_input_refuse(struct wr_item_input *input, struct weir_gen *gen, const weir_item *item,
                         weir_slice text, int rc)
{
    if (rc == WEIR_ENOMEM) {
        return wr_gen_fail(gen, WEIR_ENOMEM, 0, -1, "no memory for an expression");
    }
    if (wr_json_blank(text.data, text.len)) {
        wr_gen_filter(gen, item, 1);
        return 0;
    }
    struct wr_fault fault = wr_json_fault(&input->json, text, rc);
    fault.hint = rc == WEIR_ETOOLONG ? fault.hint : hint_of(item, text);
    return index_behind_mark(input, item, text) ? 1 : wr_gen_reject_at(gen, item, rc, &fault);
}

int wr_item_input_read(struct wr_item_input *input, struct weir_gen *gen, const weir_item *item)
{
    const weir_event *event = weir_event_of(item);
    weir_slice text = {item->data, item->len};
    input->record = event != NULL && event->kind == WEIR_EVENT_RECORD;
    if (input->record || (input->shared != NULL &&
                          wr_json_share(&input->json, input->shared, text.data, text.len))) {
        return 1;
    }
    if (!wr_gen_text(gen, item, &text, &input->scratch)) {
        return gen->failure->code;
    }
    int rc = wr_json_index(&input->json, text.data, text.len);
    return rc == 0 ? 1 : wr_item_input_refuse(input, gen, item, text, rc);
}

/* There is no memory for the input of a run. 0: rejected; negative: gen has failed. */
static int refuse(struct weir_gen *gen, wr_machine *run, const weir_item *item)
{
    return wr_machine_arena(run)->full
               ? wr_gen_reject(gen, item, WEIR_ETOOLONG, wr_machine_limit(run))
               : wr_gen_fail(gen, WEIR_ENOMEM, 0, -1, "no memory for an expression");
}

int wr_item_input_value(struct wr_item_input *input, struct weir_gen *gen, wr_machine *run,
                        const weir_item *item, struct wr_value *value)
{
    struct wr_arena *arena = wr_machine_arena(run);
    const weir_event *event = weir_event_of(item);
    bool ok = true;
    if (input->record) {
        const struct wr_members *fields = wr_input_fields(arena, event);
        *value = wr_value_object(fields);
        ok = fields != NULL;
    } else {
        ok = wr_value_node(arena, &input->json, WR_JSON_ROOT, value);
    }
    return ok ? 1 : refuse(gen, run, item);
}

int wr_item_input_meta(struct weir_gen *gen, wr_machine *run, const weir_item *item, bool as_came)
{
    return wr_input_meta(run, item, as_came) ? 1 : refuse(gen, run, item);
}
