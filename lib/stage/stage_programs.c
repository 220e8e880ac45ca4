/*
 * stage_programs.c - weir_where and weir_map_expr: the stages of where and map for programs, with
 * values of the program's own.
 */
#include <weir/stage.h>

#include "base_error.h"
#include "base_option.h"
#include "expr_input.h"
#include "stage_expr.h"

/* Make a stage with the values of the options. */
static weir_gen *make(weir_gen *up, const char *name, const char *text,
                      const weir_expr_options *options, wr_compile *compile)
{
    weir_expr_options o = WEIR_ZERO;
    weir_opening opening = {.struct_size = sizeof opening};
    struct wr_names *names = NULL;
    char why[WR_NAMES_WHY] = "";
    const char *which;
    if (options != NULL) {
        WR_TAKE_OPTIONS(o, options);
    }
    int rc = wr_names_of(o.variables, o.variables_count, &names, &which, why);
    opening.names = names;
    weir_gen *gen = wr_fused_open(&opening, up, name, compile, rc == 0 ? text : ".");
    if (rc == WEIR_EINVAL) {
        (void)wr_gen_fail(gen, rc, 0, -1, "the value $%.40s: %s", which, why);
    } else if (rc != 0) {
        (void)wr_gen_fail(gen, rc, 0, -1, "no memory for an expression");
    }
    wr_names_unref(names);
    return gen;
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
