/*
 * stage_values.c - the expressions that components make of their arguments (stage_values.h).
 */
#include "stage_values.h"

#include <string.h>

#include "base_alloc.h"
#include "base_error.h"
#include "base_print.h"

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

struct wr_made_expr wr_values_list(const weir_texts *by)
{
    size_t cap = 3;
    for (size_t i = 0; i < by->count; i++) {
        cap += strlen(by->list[i]) + 2;
    }
    struct wr_print out;
    char *text = wr_alloc(cap);
    if (text != NULL) {
        wr_print_to(&out, text, cap);
        for (size_t i = 0; i < by->count; i++) {
            wr_printf(&out, "%s%s", i > 0 ? ", " : "[", by->list[i]);
        }
        wr_printf(&out, "]");
    }
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
