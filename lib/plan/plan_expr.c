/*
 * plan_expr.c - expressions: how far one reaches.
 *
 * Its text is kept as it is written. It ends where the arguments of the component go on: at a
 * keyword, at NAME= of the component, at a block.
 */
#include "plan_text.h"

int wr_plan_expr_read(struct wr_plan_reading *reading, const struct wr_plan_step *step, size_t *at,
                      size_t end, struct wr_plan_span *expr)
{
    const char *clean = reading->clean;
    size_t i = *at;
    while (i < end && wr_plan_is_space(clean[i])) {
        i++;
    }
    size_t from = i;
    size_t last = i; /* behind what is not a space */
    while (i < end) {
        if (wr_plan_is_space(clean[i])) {
            i++;
        } else if (i > from && wr_plan_is_space(clean[i - 1]) &&
                   wr_plan_ends_expr(reading, step->component, i, end)) {
            break;
        } else {
            char c = clean[i];
            bool group = c == '"' || c == '`' || c == '\'' || c == '(' || c == '[' || c == '{';
            i = group ? wr_plan_skip(clean, i, end) : i + 1;
            last = i;
        }
    }
    *expr = (struct wr_plan_span){from, last - from};
    *at = i;
    if (expr->len == 0) {
        return wr_plan_fail(&reading->error, (struct wr_plan_span){from, 1},
                            "%s: an expression is missing", step->component->name);
    }
    return 0;
}
