/*
 * stage_programs.c - weir_where, weir_map_expr and weir_assert: the stages of where, map and assert for
 * programs, with values of the program's own.
 */
#include <weir/stage.h>

#include "base_error.h"
#include "base_option.h"
#include "expr_input.h"
#include "flow_dead.h"
#include "stage_assert.h"
#include "stage_calc.h"

void wr_program_values(struct wr_program_values *values, const weir_expr_options *options)
{
    weir_expr_options o = WEIR_ZERO;
    *values = (struct wr_program_values){.opening = {.struct_size = sizeof values->opening}};
    if (options != NULL) {
        WR_TAKE_OPTIONS(o, options);
    }
    values->rc =
        wr_names_of(o.variables, o.variables_count, &values->names, &values->which, values->why);
    values->opening.names = values->names;
}

struct weir_gen *wr_program_values_over(struct wr_program_values *values, struct weir_gen *gen)
{
    if (values->rc == WEIR_EINVAL) {
        (void)wr_gen_fail(gen, values->rc, 0, -1, "the value $%.40s: %s", values->which,
                          values->why);
    } else if (values->rc != 0) {
        (void)wr_gen_fail(gen, values->rc, 0, -1, "no memory for an expression");
    }
    wr_names_unref(values->names);
    return gen;
}

/* Make a stage with the values of the options. */
static weir_gen *make(weir_gen *up, const char *name, const char *text,
                      const weir_expr_options *options, wr_compile *compile)
{
    struct wr_program_values values;
    wr_program_values(&values, options);
    return wr_program_values_over(
        &values, wr_fused_open(&values.opening, up, name, compile, values.rc == 0 ? text : "."));
}

static int compile_test(weir_fused *fused, const weir_opening *opening, const void *text)
{
    return wr_fused_expr(fused, opening, text, WR_FUSED_TEST);
}

weir_gen *weir_where(weir_gen *up, const char *text, const weir_expr_options *options)
{
    WR_GIVEN(text);
    return make(up, "where", text, options, compile_test);
}

static int compile_values(weir_fused *fused, const weir_opening *opening, const void *text)
{
    return wr_fused_expr(fused, opening, text, WR_FUSED_VALUES);
}

weir_gen *weir_map_expr(weir_gen *up, const char *text, const weir_expr_options *options)
{
    WR_GIVEN(text);
    return make(up, "map", text, options, compile_values);
}

static int compile_assert(weir_fused *fused, const weir_opening *opening, const void *text)
{
    return wr_fused_made(fused, opening, wr_assert_made(text), WR_FUSED_TEST);
}

weir_gen *weir_assert(weir_gen *up, const char *text, const weir_expr_options *options)
{
    WR_GIVEN(text);
    weir_gen *gen = make(up, "assert", text, options, compile_assert);
    wr_gen_on_error(gen, up, WR_ON_ERROR_STOP, NULL, "assert");
    return gen;
}
