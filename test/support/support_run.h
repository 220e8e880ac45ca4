/*
 * support_run.h - expressions run for tests: what each gives on one document, as text.
 */
#ifndef WR_SUPPORT_RUN_H
#define WR_SUPPORT_RUN_H

#include "base_fault.h"
#include "expr.h"
#include "support_check.h"

/* An expression, a document, and the outputs as JSON, each followed by a space; "! MESSAGE" stands
 * at the end if it fails then. */
struct wr_run_case {
    const char *expression, *document, *outputs;
};

/* The outputs of one document. */
static inline void wr_run_outputs(wr_machine *run, struct wr_value input, struct wr_print *out)
{
    struct wr_value value;
    enum wr_machine_result result;
    wr_machine_begin(run);
    wr_machine_input(run, input);
    while ((result = wr_machine_next(run, &value)) == WR_MACHINE_OUTPUT ||
           result == WR_MACHINE_BUSY) {
        if (result == WR_MACHINE_OUTPUT) {
            struct wr_text_writer writer = {.arena = wr_machine_arena(run)};
            wr_write_json(&writer, value);
            wr_printf(out, "%.*s ", (int)writer.len, writer.data);
        }
    }
    if (result != WR_MACHINE_END) {
        wr_printf(out, "! %s", wr_machine_error(run));
    }
}

/* unix_ns: the time; 0: there is no clock. */
static inline void wr_check_run(const struct wr_run_case *one, int64_t unix_ns,
                                const struct wr_machine_options *options)
{
    char got[8000];
    struct wr_print out;
    struct wr_expr_read read;
    struct wr_json json;
    struct wr_arena decoded;
    struct wr_value input;
    struct wr_expr_text text = {
        .text = one->expression, .end = strlen(one->expression), .whole = true};
    wr_print_to(&out, got, sizeof got);
    wr_json_init(&json);
    wr_arena_init(&decoded, 1 << 20);
    wr_program *program = wr_program_new(&text, NULL, 0, &read);
    if (program == NULL) {
        wr_printf(&out, "? %s", read.message);
    } else {
        wr_machine *run = wr_machine_new(program, options);
        ck_assert_ptr_nonnull(run);
        ck_assert_int_eq(wr_json_index(&json, one->document, strlen(one->document)), 0);
        ck_assert(wr_value_node(&decoded, &json, WR_JSON_ROOT, &input));
        if (unix_ns != 0) {
            wr_machine_clock(run, unix_ns);
        }
        wr_run_outputs(run, input, &out);
        wr_machine_free(run);
    }
    wr_program_free(program);
    wr_json_fini(&json);
    wr_arena_fini(&decoded);
    ck_assert_msg(strcmp(got, one->outputs) == 0, "%s on %s: %s instead of %s", one->expression,
                  one->document, got, one->outputs);
}

/* All cases of a table. Too many for a sweep, so they stay out of it. */
static inline void wr_check_runs(const struct wr_run_case *cases, size_t count)
{
    wr_fault_pause(true);
    for (size_t i = 0; i < count; i++) {
        wr_check_run(&cases[i], 0, NULL);
    }
    wr_fault_pause(false);
}

#define CHECK_RUNS(cases) wr_check_runs(cases, sizeof(cases) / sizeof(cases)[0])

/* A case of its own, which may fail at every call in a sweep. */
static inline void wr_run_gives(const char *expression, const char *document, const char *outputs)
{
    const struct wr_run_case one = {expression, document, outputs};
    wr_check_run(&one, 0, NULL);
}

#endif
