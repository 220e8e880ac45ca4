/*
 * plan_expr.c - expressions in a text: finds where they end, and reports their mistakes as mistakes
 * of the text. The text of an expression is kept as written; its component compiles it.
 */
#include "plan_text.h"

#include <string.h>

#include "base_error.h"
#include "expr_tree.h"

#define EXPR_BYTES_MAX ((size_t)64 << 20) /* of the tree: a text of 1 MiB has fewer nodes */

/* Report what read->code says. `owner` is the component whose argument it is. */
static int report(struct wr_plan_reading *reading, const struct wr_expr_read *read,
                  const char *owner)
{
    if (read->code == WEIR_ENOMEM) {
        return wr_plan_no_memory(&reading->error);
    }
    struct wr_plan_span where = {read->error_at, WR_MAX(read->error_len, (size_t)1)};
    (void)wr_plan_fail(&reading->error, where, "%s%s%s", read->escape ? "" : owner,
                       read->escape ? "" : ": ", read->message);
    return read->hint[0] != '\0' ? wr_plan_hint(&reading->error, "%s", read->hint)
                                 : reading->error.code;
}

/* Read the expression at `at`; 0 or the code of the error. */
static int read_at(struct wr_plan_reading *reading, const char *owner, size_t at, size_t end,
                   struct wr_expr_read *read)
{
    struct wr_arena arena;
    struct wr_expr_text text = {.text = reading->clean, .at = at, .end = end};
    wr_arena_init(&arena, EXPR_BYTES_MAX);
    int rc = wr_expr_parse(&arena, &text, read);
    wr_arena_fini(&arena);
    return rc == 0 ? 0 : report(reading, read, owner);
}

int wr_plan_format_check(struct wr_plan_reading *reading, const char *owner, size_t at, size_t end)
{
    struct wr_expr_read read;
    return reading->clean[at] == '"' ? read_at(reading, owner, at, end, &read) : 0;
}

int wr_plan_expr_read(struct wr_plan_reading *reading, const struct wr_plan_step *step,
                      const weir_arg *arg, size_t *at, size_t end, struct wr_plan_span *span)
{
    const char *owner = step->component->name;
    bool assigns = (arg->flags & WEIR_ARG_ASSIGNS) != 0;
    struct wr_expr_read read;
    int rc = read_at(reading, owner, *at, end, &read);
    if (rc != 0) {
        return rc;
    }
    size_t from = read.from;
    while (end > from && wr_plan_is_space(reading->clean[end - 1])) {
        end--;
    }
    struct wr_plan_span where = {read.at, WR_MAX(read.assigns, (size_t)1)};
    if (read.assigns > 0 && !assigns) {
        (void)wr_plan_fail(&reading->error, where, "%s: '%.*s'%s", owner, (int)read.assigns,
                           reading->clean + read.at, WR_EXPR_ASSIGNS(read.assigns));
        bool stage = read.assigns > 1 || (step->component->traits & WEIR_TRAIT_EXPRESSION) != 0;
        return stage ? wr_plan_hint(&reading->error, "to assign: set %.*s",
                                    (int)WR_MIN(end - from, (size_t)WR_PLAN_SHOWN_MAX),
                                    reading->clean + from)
                     : reading->error.code;
    }
    if (read.assigns == 0 && assigns) {
        (void)wr_plan_fail(&reading->error, where, "%s: an = is missing", owner);
        return wr_plan_hint(&reading->error, "as in %s", step->component->example);
    }
    if (assigns) {
        rc = read_at(reading, owner, read.at + read.assigns, end, &read);
    }
    *span = (struct wr_plan_span){from, read.to - from};
    *at = read.to;
    return rc;
}
