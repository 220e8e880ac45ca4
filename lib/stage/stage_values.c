/*
 * stage_values.c - the outputs of an expression as items (stage_values.h).
 *
 * It pulls as many items as its reader requested, at most INPUTS_MAX, and runs the expression on one
 * after the other. An output is computed when there is room for it in the reader's array, so an
 * expression that gives endlessly many is run as long as somebody reads. The items of a pull stay
 * lent from upstream until all their outputs have been given: their receipts settle after that.
 *
 * Outputs are written into one block for each call, which is lent until the next call. An output for
 * which the block or the budget has no room waits in the memory of the run. The item itself, when it
 * is the output, is passed on as it came. It suspends at the pull, while it waits for the budget, and
 * to let other tasks run.
 */
#include "stage_values.h"

#include <string.h>

#include "base_alloc.h"
#include "base_error.h"
#include "base_print.h"
#include "bytes_block.h"
#include "bytes_item.h"
#include "flow_dead.h"

enum { INPUTS_MAX = 64 };

struct stage_values {
    struct weir_gen gen;
    struct wr_item_expr expr;
    enum wr_values_form form;
    weir_item in[INPUTS_MAX];
    size_t in_at, in_count;
    bool running;               /* the expression runs on in[in_at] */
    bool gave;                  /* ... and has given an output */
    bool waits;                 /* an output is not given yet: ... */
    bool as_it_came;            /* ... the item itself, or ... */
    struct wr_text_writer text; /* ... its text */
    struct weir_block *block;   /* of this call; NULL: none */
};

static void let_go(struct stage_values *stage)
{
    if (stage->block != NULL) {
        wr_block_unref(stage->block, 1);
        stage->block = NULL;
    }
}

/* Whether the output is the whole item, which may go on as it is. */
static bool is_item(const struct stage_values *stage, const weir_item *item, struct wr_value output)
{
    return output.kind >= WR_JSON_ARRAY && output.form == WR_FORM_NODE &&
           output.as.json == &stage->expr.json && output.len == WR_JSON_ROOT &&
           (item->type == NULL || item->type == &weir_json_type) &&
           memchr(item->data, '\n', item->len) == NULL;
}

/* Keep an output until it has been given, or reject the item. */
static void keep_output(struct stage_values *stage, struct wr_value output)
{
    const weir_item *item = &stage->in[stage->in_at];
    bool string = stage->form == WR_VALUES_STRING && output.kind == WR_JSON_STRING;
    stage->as_it_came = !string && is_item(stage, item, output);
    stage->text = (struct wr_text_writer){.arena = wr_machine_arena(stage->expr.run)};
    if (string) {
        wr_write_bytes(&stage->text, output.as.text, output.len);
    } else if (!stage->as_it_came) {
        wr_write_json(&stage->text, output);
    }
    if (stage->text.failed) {
        stage->running = false;
        stage->in_at++;
        (void)wr_gen_reject(&stage->gen, item, WEIR_ETOOLONG, "the output is too long");
        return;
    }
    stage->waits = true;
    stage->gave = true;
}

/* Run until there is an output or all items of the pull are done. 0 or a code: gen has failed. */
static int run(struct stage_values *stage)
{
    struct weir_gen *gen = &stage->gen;
    while (!stage->waits && stage->in_at < stage->in_count && gen->failure == NULL) {
        struct wr_value output;
        const weir_item *item = &stage->in[stage->in_at];
        if (!stage->running) {
            int began = wr_item_expr_begin(&stage->expr, gen, item);
            stage->running = began > 0;
            stage->gave = false;
            stage->in_at += began == 0;
            continue;
        }
        int rc = wr_item_expr_next(&stage->expr, gen, item, &output);
        if (rc > 0) {
            keep_output(stage, output);
            continue;
        }
        if (rc == 0 && !stage->gave) {
            wr_gen_filter(gen, item, 1);
        }
        stage->running = false;
        stage->in_at++;
    }
    return gen->failure != NULL ? gen->failure->code : 0;
}

/* Make room for the text that waits. 1; 0: there is none in this call; negative: gen has failed. */
static int reserve(struct stage_values *stage, size_t need, size_t given)
{
    struct weir_gen *gen = &stage->gen;
    int why = 0;
    if (stage->block != NULL) {
        return stage->block->cap - stage->block->len >= need;
    }
    size_t left = stage->in_count - stage->in_at;
    size_t all = left > 1 ? need / 8 * 9 * left : need; /* some are longer */
    while ((stage->block = wr_block_new(&gen->loop->blocks,
                                        WR_MAX(need, WR_MIN(all, (size_t)WR_BLOCK_BYTES)), &why)) ==
           NULL) {
        if (why != WEIR_EBUDGET) {
            return wr_gen_fail(gen, why, 0, -1, "no memory for a value");
        }
        if (all > need) {
            all = need;
            continue;
        }
        if (given > 0) {
            return 0;
        }
        why = wr_budget_wait(gen->loop, &gen->object);
        if (why < 0) {
            return why == WEIR_EBUDGET ? wr_gen_fail_starved(gen, -1)
                                       : wr_gen_fail(gen, why, 0, -1, "%s", wr_code_text(why));
        }
    }
    return 1;
}

/* Give the output that waits. 1; 0: not in this call; negative: gen has failed. */
static int give(struct stage_values *stage, weir_item *to, size_t given)
{
    const weir_item *item = &stage->in[stage->in_at];
    if (stage->as_it_came) {
        *to = *item;
        to->type = &weir_json_type;
        stage->waits = false;
        return 1;
    }
    size_t need = wr_item_padded(stage->text.len);
    int rc = reserve(stage, need, given);
    if (rc <= 0) {
        return rc;
    }
    struct weir_block *block = stage->block;
    char *bytes = block->data + block->len;
    memcpy(bytes, stage->text.data, stage->text.len);
    block->len += (uint32_t)need;
    block->time_ns = item->time_ns;
    *to = *item;
    to->data = bytes;
    to->len = stage->text.len;
    to->type = stage->form == WR_VALUES_JSON ? &weir_json_type : NULL;
    to->block = block;
    to->flags = 0;
    stage->waits = false;
    return 1;
}

static size_t values_next_many(struct weir_gen *gen, weir_item *items, size_t max)
{
    struct stage_values *stage = WR_OWNER(gen, struct stage_values, gen);
    size_t given = 0;
    let_go(stage);
    while (given < max) {
        if (run(stage) < 0) {
            return given;
        }
        if (stage->waits) {
            int rc = give(stage, &items[given], given);
            if (rc <= 0) {
                return given;
            }
            given++;
            continue;
        }
        if (given > 0) {
            return given;
        }
        stage->in_at = 0;
        stage->in_count = wr_pull(gen->up, stage->in, WR_MIN(max, (size_t)INPUTS_MAX));
        if (stage->in_count == 0) {
            return 0;
        }
    }
    return given;
}

static void values_close(struct weir_gen *gen)
{
    struct stage_values *stage = WR_OWNER(gen, struct stage_values, gen);
    let_go(stage);
    stage->waits = false;
    stage->in_at = stage->in_count = 0;
    wr_item_expr_close(&stage->expr);
}

static const struct wr_gen_ops values_ops = {
    .kind = "values", .next_many = values_next_many, .close = values_close};

struct weir_gen *wr_values_stage(const weir_opening *opening, struct weir_gen *up, const char *kind,
                                 const char *text, enum wr_values_form form)
{
    struct stage_values *stage = wr_stage_alloc(up, sizeof *stage, &values_ops, kind);
    if (stage != NULL) {
        stage->form = form;
        (void)wr_item_expr_open(&stage->expr, &stage->gen, opening, text);
    }
    return wr_gen_made(stage != NULL ? &stage->gen : NULL, up);
}

struct weir_gen *wr_values_made(const weir_opening *opening, struct weir_gen *up, const char *kind,
                                struct wr_made_expr made)
{
    struct weir_gen *gen = made.text != NULL
                               ? wr_values_stage(opening, up, kind, made.text, WR_VALUES_JSON)
                               : wr_gen_made(NULL, up);
    wr_free(made.text);
    return gen;
}

/* ---- expressions made of arguments */

int wr_values_check(const weir_opening *opening, weir_mistake *mistake, const char *arg,
                    struct wr_made_expr made)
{
    int rc = made.text != NULL ? wr_item_expr_check(opening, mistake, arg, made.text, &made)
                               : weir_mistake_at(mistake, arg, "no memory for an expression");
    wr_free(made.text);
    return rc;
}

struct wr_made_expr wr_values_call(const char *name, const weir_texts *fields)
{
    size_t cap = strlen(name) + 3;
    for (size_t i = 0; i < fields->count; i++) {
        cap += strlen(fields->list[i]) + 2;
    }
    struct wr_print out;
    char *text = wr_alloc(cap);
    if (text == NULL) {
        return (struct wr_made_expr){.text = NULL};
    }
    wr_print_to(&out, text, cap);
    wr_printf(&out, "%s(", name);
    for (size_t i = 0; i < fields->count; i++) {
        wr_printf(&out, "%s%s", i > 0 ? ", " : "", fields->list[i]);
    }
    wr_printf(&out, ")");
    return (struct wr_made_expr){.text = text};
}

/* Print a part of the argument, and note its place. */
static void print_part(struct wr_print *out, struct wr_made_part *part, const char *text,
                       size_t from, size_t len)
{
    *part = (struct wr_made_part){.at = out->len, .len = len, .from = from};
    wr_print_bytes(out, text + from, len);
}

/* An assignment that was read, as an expression. */
static void print_assignment(struct wr_made_expr *made, size_t cap, const char *text,
                             const struct wr_expr_read *read, bool set)
{
    struct wr_print out;
    const char *op = text + read->at;
    size_t op_len = read->assigns - 1;
    size_t right = read->at + read->assigns;
    size_t right_len = strlen(text) - right;
    size_t left_len = read->to - read->from;
    wr_print_to(&out, made->text, cap);
    if (op_len == 0 || op[0] == '|') {
        wr_printf(&out, "%s(", op_len > 0 ? "_update" : set ? "_assign" : "_rename");
        print_part(&out, &made->parts[0], text, read->from, left_len);
        wr_printf(&out, "; ");
        print_part(&out, &made->parts[1], text, right, right_len);
        wr_printf(&out, ")");
        return;
    }
    /* a op= b: of each value of b, a becomes a op b */
    wr_printf(&out, "(");
    print_part(&out, &made->parts[1], text, right, right_len);
    wr_printf(&out, ") as $_ | _update(");
    print_part(&out, &made->parts[0], text, read->from, left_len);
    wr_printf(&out, "; . %.*s $_)", (int)op_len, op);
}

struct wr_made_expr wr_values_assignment(const char *text, bool set, const char **wrong)
{
    struct wr_arena arena;
    struct wr_expr_read read;
    struct wr_expr_text from = {.text = text, .end = strlen(text), .whole = true, .internal = true};
    struct wr_made_expr made = {.text = NULL};
    *wrong = NULL;
    wr_arena_init(&arena, (size_t)64 << 20);
    int rc = wr_expr_parse(&arena, &from, &read);
    wr_arena_fini(&arena);
    if (rc != 0 || read.assigns == 0) {
        *wrong = rc == WEIR_ENOMEM ? NULL : "an = is missing, as in .a = .b";
    } else if (!set && read.assigns > 1) {
        *wrong = "only = is allowed here, as in .new = .old";
    } else {
        size_t cap = strlen(text) + 64;
        made.text = wr_alloc(cap);
        if (made.text != NULL) {
            print_assignment(&made, cap, text, &read, set);
        }
    }
    return made;
}
