/*
 * expr_public.c - weir_expr: an expression with its run, for programs (<weir/expression.h>).
 *
 * States: no input; outputs follow; no more outputs. The machine has the last two; `begun` tells the
 * first.
 */
#include <string.h>

#include <weir/expression.h>

#include "base_alloc.h"
#include "base_error.h"
#include "base_option.h"
#include "bytes_item.h"
#include "expr_input.h"

enum { STEPS_FOREVER = 1 << 30 };

struct weir_expr {
    wr_program *program;
    wr_machine *run;
    struct wr_names *names;
    struct wr_json json;
    weir_scratch scratch;
    int64_t steps_max;
    bool begun;
};

static const char origin[] = "expression";

static int fail(weir_error *error, int code, const char *message)
{
    if (error != NULL) {
        (void)wr_error_set(error, code, 0, origin, "%s", message);
    }
    return code;
}

/* Compile. 0, or a code with *error set. */
static int compile(struct weir_expr *expr, const char *text, const weir_expr_options *options,
                   weir_error *error)
{
    struct wr_expr_text from = {.text = text, .end = strlen(text), .whole = true};
    struct wr_expr_read read;
    char why[WR_NAMES_WHY];
    const char *which;
    int rc = wr_names_of(options->variables, options->variables_count, &expr->names, &which, why);
    if (rc == WEIR_EINVAL) {
        return wr_error_set(error, rc, 0, origin, "the value $%.40s: %s", which, why);
    }
    if (rc != 0) {
        return fail(error, rc, "no memory for an expression");
    }
    expr->program = wr_program_new(&from, expr->names != NULL ? expr->names->list : NULL,
                                   options->variables_count, &read);
    if (expr->program == NULL && read.code != WEIR_ENOMEM) {
        (void)wr_error_set(error, WEIR_EPARSE, 0, origin, "%s%s%s", read.message,
                           read.hint[0] != '\0' ? "; " : "", read.hint);
        error->offset = (int64_t)read.error_at;
        return WEIR_EPARSE;
    }
    struct wr_machine_options limits = {
        .bytes_max = options->bytes_max > 0 ? (size_t)options->bytes_max : 0,
        .steps_max = expr->steps_max > 0 ? (uint64_t)expr->steps_max : STEPS_FOREVER};
    expr->run = expr->program != NULL ? wr_machine_new(expr->program, &limits) : NULL;
    return expr->run != NULL ? 0 : fail(error, WEIR_ENOMEM, "no memory for an expression");
}

weir_expr *weir_expr_new(const char *text, const weir_expr_options *options, weir_error *error)
{
    weir_expr_options o = WEIR_ZERO;
    weir_error own;
    error = error != NULL ? error : &own;
    WR_GIVEN(text);
    if (options != NULL) {
        WR_TAKE_OPTIONS(o, options);
    }
    memset(error, 0, sizeof *error);
    struct weir_expr *expr = wr_zalloc(sizeof *expr);
    if (expr == NULL) {
        (void)fail(error, WEIR_ENOMEM, "no memory for an expression");
        return NULL;
    }
    wr_json_init(&expr->json);
    expr->steps_max = o.steps_max;
    if (compile(expr, text, &o, error) != 0) {
        weir_expr_free(expr);
        return NULL;
    }
    return expr;
}

void weir_expr_free(weir_expr *expr)
{
    if (expr != NULL) {
        wr_machine_free(expr->run);
        wr_program_free(expr->program);
        wr_names_unref(expr->names);
        wr_json_fini(&expr->json);
        weir_scratch_free(&expr->scratch);
        wr_free(expr);
    }
}

static void forget(struct weir_expr *expr, weir_error *error)
{
    if (error != NULL) {
        memset(error, 0, sizeof *error);
    }
    wr_machine_begin(expr->run);
    expr->begun = false;
}

static int begin(struct weir_expr *expr, bool ok, struct wr_value input, weir_error *error)
{
    if (!ok) {
        return wr_machine_arena(expr->run)->full
                   ? fail(error, WEIR_ETOOLONG, "the input needs more than bytes_max")
                   : fail(error, WEIR_ENOMEM, "no memory for an expression");
    }
    wr_machine_input(expr->run, input);
    expr->begun = true;
    return 0;
}

static int run_text(struct weir_expr *expr, weir_slice text, weir_error *error)
{
    struct wr_value input = {.kind = WR_JSON_NULL};
    int rc = wr_json_index(&expr->json, text.data, text.len);
    if (rc == WEIR_EPARSE) {
        (void)fail(error, rc, expr->json.error);
        if (error != NULL) {
            error->offset = (int64_t)expr->json.error_at;
        }
        return rc;
    }
    if (rc != 0) {
        return fail(error, rc,
                    rc == WEIR_ETOOLONG ? expr->json.error : "no memory for a JSON text");
    }
    bool ok = wr_value_node(wr_machine_arena(expr->run), &expr->json, WR_JSON_ROOT, &input);
    return begin(expr, ok, input, error);
}

int weir_expr_run_text(weir_expr *expr, const char *data, size_t len, weir_error *error)
{
    WR_GIVEN(expr);
    WR_ASSERT(data != NULL || len == 0, "the text is NULL");
    forget(expr, error);
    return run_text(expr, (weir_slice){data != NULL ? data : "", len}, error);
}

int weir_expr_run(weir_expr *expr, const weir_item *item, weir_error *error)
{
    const weir_event *event;
    weir_slice text;
    WR_GIVEN(expr);
    WR_GIVEN(item);
    forget(expr, error);
    event = weir_event_of(item);
    if (wr_program_reads_meta(expr->program) && !wr_input_meta(expr->run, item, true)) {
        return begin(expr, false, wr_value_of(WR_JSON_NULL), error);
    }
    if (event != NULL && event->kind == WEIR_EVENT_RECORD) {
        const struct wr_members *fields = wr_input_fields(wr_machine_arena(expr->run), event);
        return begin(expr, fields != NULL, wr_value_object(fields), error);
    }
    int rc = weir_item_text(item, &text, &expr->scratch);
    if (rc != 0) {
        weir_error own;
        return wr_item_text_error(error != NULL ? error : &own, rc, origin, item);
    }
    return run_text(expr, text, error);
}

/* Write an output where it can be lent. false: no memory. */
static bool give(struct weir_expr *expr, struct wr_value value, weir_value *output)
{
    static const uint8_t kinds[] = {
        [WR_JSON_NULL] = WEIR_VALUE_NULL,     [WR_JSON_FALSE] = WEIR_VALUE_BOOL,
        [WR_JSON_TRUE] = WEIR_VALUE_BOOL,     [WR_JSON_NUMBER] = WEIR_VALUE_NUMBER,
        [WR_JSON_STRING] = WEIR_VALUE_STRING, [WR_JSON_ARRAY] = WEIR_VALUE_ARRAY,
        [WR_JSON_OBJECT] = WEIR_VALUE_OBJECT};
    struct wr_text_writer text = {.arena = wr_machine_arena(expr->run)};
    output->kind = kinds[value.kind];
    if (value.kind == WR_JSON_STRING) {
        output->data = value.as.text;
        output->len = value.len;
        return true;
    }
    wr_write_json(&text, value);
    output->data = text.data;
    output->len = text.len;
    return !text.failed;
}

int weir_expr_next(weir_expr *expr, weir_value *output, weir_error *error)
{
    struct wr_value value;
    enum wr_machine_result result;
    WR_GIVEN(expr);
    WR_GIVEN(output);
    memset(output, 0, sizeof *output);
    if (error != NULL) {
        memset(error, 0, sizeof *error);
    }
    if (!expr->begun) {
        return 0;
    }
    do {
        result = wr_machine_next(expr->run, &value);
    } while (result == WR_MACHINE_BUSY && expr->steps_max <= 0);
    switch (result) {
    case WR_MACHINE_OUTPUT:
        return give(expr, value, output)
                   ? 1
                   : fail(error, WEIR_ETOOLONG, "the output needs more than bytes_max");
    case WR_MACHINE_END: return 0;
    case WR_MACHINE_BUSY: return fail(error, WEIR_ETIMEDOUT, "steps_max is reached");
    case WR_MACHINE_FAILED: return fail(error, WEIR_EPARSE, wr_machine_error(expr->run));
    case WR_MACHINE_LIMIT: return fail(error, WEIR_ETOOLONG, wr_machine_error(expr->run));
    default: return fail(error, WEIR_ENOMEM, "no memory for an expression");
    }
}

void weir_expr_clock(weir_expr *expr, int64_t unix_ns)
{
    WR_GIVEN(expr);
    wr_machine_clock(expr->run, unix_ns);
}
