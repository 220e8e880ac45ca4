/*
 * expr_fold.c - operators whose operands are constants become constants, before a tree is compiled.
 *
 * Each is compiled and run once as a program of its own. What fails is left as it is: it fails for
 * each input. So is what would have to be written as text with a loss (a double), or needs much
 * memory. Recursion is bounded by the depth of the tree.
 */
#include "base_error.h"
#include "expr_compiling.h"

enum { FOLD_BYTES_MAX = 4096, FOLD_STEPS_MAX = 1000 };

/* An operator of values, which only has constants as operands. */
static bool is_constant(const struct wr_node *node)
{
    if (node->kind != WR_NODE_NEGATE && node->kind != WR_NODE_NOT &&
        (node->kind != WR_NODE_CHAIN || node->level < WR_LEVEL_OR)) {
        return false;
    }
    for (const struct wr_node *child = node->first; child != NULL; child = child->next) {
        if (child->kind != WR_NODE_LITERAL || child->op == WR_OP_MATCHES) {
            return false;
        }
    }
    return true;
}

/* A copy in the arena of what a literal may be. false: it is something else, or there is no memory. */
static bool keep(struct wr_arena *arena, struct wr_value value, struct wr_value *kept)
{
    char scratch[WR_NUMBER_CAP];
    *kept = value;
    if (value.kind >= WR_JSON_ARRAY ||
        (value.kind == WR_JSON_NUMBER && value.form == WR_FORM_REAL)) {
        return false;
    }
    if (value.kind < WR_JSON_NUMBER) {
        return true;
    }
    struct wr_text text =
        value.kind == WR_JSON_NUMBER ? wr_number_text(value, scratch) : wr_value_text(value);
    bool ok = wr_value_copy_string(arena, text.data, text.len, kept);
    kept->kind = value.kind;
    return ok;
}

/* What a constant node gives. false: leave it. */
static bool compute(struct wr_arena *arena, const struct wr_node *node, struct wr_value *value)
{
    static const struct wr_machine_options options = {.bytes_max = FOLD_BYTES_MAX,
                                                      .steps_max = FOLD_STEPS_MAX};
    wr_program program = {.count = 0};
    struct wr_expr_read *read = wr_arena_alloc(arena, sizeof *read);
    if (read == NULL) {
        return false;
    }
    *read = (struct wr_expr_read){.root = NULL};
    struct wr_compiling compiling = {.program = &program, .read = read};
    wr_arena_init(&program.arena, arena->bytes_max);
    bool ok = wr_compile(&compiling, node, false) && wr_emit(&compiling, WR_CODE_OUTPUT) != NULL;
    wr_machine *run = ok ? wr_machine_new(&program, &options) : NULL;
    if (run != NULL) {
        wr_machine_begin(run);
        wr_machine_input(run, wr_value_of(WR_JSON_NULL));
    }
    ok = run != NULL && wr_machine_next(run, value) == WR_MACHINE_OUTPUT &&
         keep(arena, *value, value);
    wr_machine_free(run);
    wr_program_fini(&program);
    return ok;
}

void wr_expr_fold(struct wr_arena *arena, struct wr_node *node)
{
    struct wr_value value;
    for (struct wr_node *child = node->first; child != NULL; child = child->next) {
        wr_expr_fold(arena, child);
    }
    if (is_constant(node) && compute(arena, node, &value)) {
        node->kind = WR_NODE_LITERAL;
        node->literal = value;
        node->first = node->last = NULL;
        node->count = 0;
    }
}
