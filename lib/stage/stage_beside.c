/*
 * stage_beside.c - each value with something beside it (stage_beside.h).
 *
 * What it keeps between two items is the JSON text of one value, which is indexed once and read as
 * part of the next input. It is replaced when the item's output has its place, so that an item which
 * waits for memory and is read again finds what it found before. The text counts as scratch.
 */
#include "stage_beside.h"

#include <string.h>

#include "base_alloc.h"
#include "flow_dead.h"
#include "stage_made.h"

enum { SPARE = 64 }; /* that the index may read */

struct stage_beside {
    struct weir_gen gen;
    struct wr_made made;
    struct wr_calc calc;
    enum wr_beside what;
    int64_t next;
    char *kept;
    size_t kept_cap;
    bool keeps;          /* there is a kept value */
    struct wr_json json; /* of it */
};

static int no_memory(struct stage_beside *stage)
{
    return wr_gen_fail(&stage->gen, WEIR_ENOMEM, 0, -1, "no memory for a value");
}

/* Keep a value instead of the last one. 0; 1: it is no JSON text; or a code: the stage has failed. */
static int keep(struct stage_beside *stage, const char *text, size_t len)
{
    if (len + SPARE > stage->kept_cap) {
        char *kept = wr_realloc(stage->kept, len + len / 2 + SPARE);
        if (kept == NULL) {
            return no_memory(stage);
        }
        stage->kept = kept;
        stage->kept_cap = len + len / 2 + SPARE;
    }
    if (len > 0) {
        memcpy(stage->kept, text, len);
    }
    memset(stage->kept + len, 0, SPARE);
    int rc = wr_json_index(&stage->json, stage->kept, len);
    stage->keeps = rc == 0;
    return rc == WEIR_ENOMEM ? no_memory(stage) : rc < 0;
}

/* What stands beside the item. False: the arena has no room. */
static bool beside(struct stage_beside *stage, const weir_item *item, struct wr_value *value)
{
    switch (stage->what) {
    case WR_BESIDE_COUNT: *value = wr_value_integer(stage->next); return true;
    case WR_BESIDE_NUMBER: *value = wr_value_integer((int64_t)item->seq); return true;
    case WR_BESIDE_BEFORE:
    case WR_BESIDE_RESULT: break;
    }
    *value = wr_value_of(WR_JSON_NULL);
    return !stage->keeps ||
           wr_value_node(wr_machine_arena(stage->calc.run), &stage->json, WR_JSON_ROOT, value);
}

/* The output has its place: what the next item will find. 0 or a code. */
static int go_on(struct stage_beside *stage, const struct wr_text_writer *output,
                 const struct wr_text_writer *value)
{
    const struct wr_text_writer *text = stage->what == WR_BESIDE_RESULT ? output : value;
    stage->next++;
    if (stage->what != WR_BESIDE_RESULT && stage->what != WR_BESIDE_BEFORE) {
        return 0;
    }
    int rc = keep(stage, text->data, text->len);
    return rc > 0 ? no_memory(stage) : rc; /* what was written is JSON: it is too large to index */
}

/* Run the expression on an item. WR_CALC_VALUE: *output is its text; NONE, REJECTED, or a code. */
static int compute(struct stage_beside *stage, const weir_item *item, struct wr_value value,
                   struct wr_text_writer *output)
{
    struct weir_gen *gen = &stage->gen;
    struct wr_arena *arena = wr_machine_arena(stage->calc.run);
    struct wr_value *pair = wr_arena_alloc(arena, 2 * sizeof *pair);
    int rc = WR_CALC_REJECTED;
    if (pair == NULL || !beside(stage, item, &pair[0])) {
        return (rc = wr_calc_refuse(&stage->calc, gen, item)) < 0 ? rc : WR_CALC_REJECTED;
    }
    pair[1] = value;
    wr_calc_input(&stage->calc, wr_value_array(pair, 2));
    rc = wr_calc_next(&stage->calc, gen, item, &value);
    if (rc == WR_CALC_VALUE) {
        *output = (struct wr_text_writer){.arena = arena};
        wr_write_json(output, value);
        if (output->failed) {
            return (rc = wr_calc_refuse(&stage->calc, gen, item)) < 0 ? rc : WR_CALC_REJECTED;
        }
    }
    return rc;
}

/* Give the output in the place of the item. 1, or a code, also WEIR_EBUDGET. */
static int put(struct stage_beside *stage, weir_item *item, size_t left,
               const struct wr_text_writer *output, const struct wr_text_writer *value)
{
    int rc = wr_made_reserve(&stage->made, &stage->gen, wr_item_padded(output->len), left);
    if (rc < 0) {
        return rc == WEIR_EBUDGET ? rc : no_memory(stage);
    }
    rc = go_on(stage, output, value);
    if (rc < 0) {
        return rc;
    }
    memcpy(stage->made.block->data + stage->made.block->len, output->data, output->len);
    wr_made_take(&stage->made, item, output->len, &weir_json_type, 0);
    return 1;
}

static int beside_read(struct weir_gen *gen, weir_item *item, size_t left)
{
    struct stage_beside *stage = WR_OWNER(gen, struct stage_beside, gen);
    struct wr_text_writer output, text = {.arena = wr_machine_arena(stage->calc.run)};
    struct wr_value value;
    int rc = wr_calc_read(&stage->calc, gen, item, &value);
    if (rc <= 0) {
        return rc;
    }
    if (stage->what == WR_BESIDE_BEFORE) {
        wr_write_json(&text, value);
        if (text.failed) {
            return wr_calc_refuse(&stage->calc, gen, item);
        }
        if (!stage->keeps) {
            wr_gen_filter(gen, item, 1);
            return go_on(stage, &text, &text);
        }
    }
    rc = compute(stage, item, value, &output);
    if (rc == WR_CALC_NONE) {
        wr_gen_filter(gen, item, 1);
    }
    return rc == WR_CALC_VALUE ? put(stage, item, left, &output, &text) : rc < 0 ? rc : 0;
}

static size_t beside_scratch(const struct weir_gen *gen)
{
    const struct stage_beside *stage = WR_OWNER((uintptr_t)gen, struct stage_beside, gen);
    return wr_calc_bytes(&stage->calc) + stage->kept_cap + wr_json_bytes(&stage->json);
}

static void beside_trim(struct weir_gen *gen)
{
    wr_calc_trim(&WR_OWNER(gen, struct stage_beside, gen)->calc);
}

static size_t beside_next_many(struct weir_gen *gen, weir_item *items, size_t max)
{
    return wr_made_next(&WR_OWNER(gen, struct stage_beside, gen)->made, gen, items, max);
}

static void beside_close(struct weir_gen *gen)
{
    struct stage_beside *stage = WR_OWNER(gen, struct stage_beside, gen);
    wr_made_fini(&stage->made);
    wr_calc_close(&stage->calc);
    wr_json_fini(&stage->json);
    wr_free(stage->kept);
    stage->kept = NULL;
}

static const struct wr_gen_ops beside_ops = {
    .kind = "value", .next_many = beside_next_many, .close = beside_close};

struct weir_gen *wr_beside_open(const weir_opening *opening, struct weir_gen *up, const char *name,
                                const struct wr_beside_options *options, struct wr_made_expr made)
{
    struct stage_beside *stage = wr_stage_alloc(up, sizeof *stage, &beside_ops, name);
    if (stage == NULL) {
        wr_free(made.text);
        return wr_gen_made(NULL, up);
    }
    stage->what = options->what;
    stage->next = options->from;
    stage->made.read = beside_read;
    stage->made.scratch = beside_scratch;
    stage->made.trim = beside_trim;
    wr_json_init(&stage->json);
    stage->json.bytes_max = wr_gen_scratch_max(&stage->gen);
    int rc = wr_calc_open_made(&stage->calc, &stage->gen, opening, made);
    if (rc == 0 && options->initial != NULL &&
        keep(stage, options->initial, strlen(options->initial)) > 0) {
        (void)wr_gen_fail(&stage->gen, WEIR_EINVAL, 0, -1, "initial is not JSON: %s",
                          stage->json.error);
    }
    return wr_gen_made(&stage->gen, up);
}
