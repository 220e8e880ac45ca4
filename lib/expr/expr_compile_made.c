/*
 * expr_compile_made.c - compiles what makes a value of several: arrays, objects, and strings with
 * parts that are computed. Called by expr_compile.c, for one node at a time.
 */
#include "expr_compiling.h"

#include "base_error.h"

static bool are_single(const struct wr_node *first);

/* Does the expression give exactly one output, or fail? Sure only of what is frequent. */
static bool is_single(const struct wr_node *node)
{
    const struct wr_function *function;
    switch (node->kind) {
    case WR_NODE_DOT:
    case WR_NODE_VARIABLE:
    case WR_NODE_LITERAL: return true;
    case WR_NODE_INDEX: return node->first->kind == WR_NODE_LITERAL;
    case WR_NODE_NEGATE:
    case WR_NODE_NOT:
    case WR_NODE_IF:
    case WR_NODE_PATH: return are_single(node->first);
    case WR_NODE_CHAIN:
        return (node->level == WR_LEVEL_PIPE || node->level >= WR_LEVEL_COMPARISON) &&
               are_single(node->first);
    case WR_NODE_CALL:
        function = wr_function_find(node->name, node->count);
        return function != NULL && function->call != NULL && are_single(node->first);
    default: return false;
    }
}

static bool are_single(const struct wr_node *first)
{
    while (first != NULL && is_single(first)) {
        first = first->next;
    }
    return first == NULL;
}

/* An array of values that are each exactly one. */
static bool emit_list(struct wr_compiling *compiling, const struct wr_node *first)
{
    uint32_t count = 0;
    for (; first != NULL; first = first->next, count++) {
        if (!wr_emit_beside(compiling, first)) {
            return false;
        }
    }
    struct wr_op *op = wr_emit(compiling, WR_CODE_LIST);
    if (op == NULL) {
        return false;
    }
    op->n = (uint16_t)count;
    return true;
}

bool wr_compile_array(struct wr_compiling *compiling, const struct wr_node *array)
{
    static const struct wr_value empty = {.kind = WR_JSON_ARRAY, .form = WR_FORM_BUILT};
    uint32_t collect;
    if (array->first == NULL) {
        return wr_emit_value(compiling, WR_CODE_CONST, &empty);
    }
    bool several = array->first->kind == WR_NODE_CHAIN && array->first->level == WR_LEVEL_COMMA;
    const struct wr_node *first = several ? array->first->first : array->first;
    if (are_single(first) && (!several || array->first->count <= UINT16_MAX)) {
        return emit_list(compiling, first);
    }
    if (!wr_emit_ahead(compiling, WR_CODE_COLLECT, &collect) ||
        !wr_compile(compiling, array->first, false) || wr_emit(compiling, WR_CODE_APPEND) == NULL) {
        return false;
    }
    wr_emit_target(compiling, collect);
    return true;
}

/* The value of { name } or { "name" }: the member of the input. */
static bool emit_own_member(struct wr_compiling *compiling, const struct wr_node *key)
{
    if (key->kind == WR_NODE_VARIABLE) {
        return wr_emit(compiling, WR_CODE_DUP) != NULL && wr_compile_variable(compiling, key) &&
               wr_emit(compiling, WR_CODE_SWAP) != NULL;
    }
    if (wr_emit(compiling, WR_CODE_DUP) == NULL) {
        return false;
    }
    if (key->kind != WR_NODE_LITERAL) {
        return wr_emit_beside(compiling, key) && wr_emit(compiling, WR_CODE_INDEX) != NULL &&
               wr_emit(compiling, WR_CODE_SWAP) != NULL;
    }
    return wr_emit_value(compiling, WR_CODE_FIELD, &key->literal) &&
           wr_emit(compiling, WR_CODE_SWAP) != NULL;
}

bool wr_compile_object(struct wr_compiling *compiling, const struct wr_node *object)
{
    struct wr_value *keys =
        wr_arena_alloc(&compiling->program->arena, (object->count + 1) * sizeof *keys);
    uint32_t i = 0;
    if (keys == NULL) {
        return wr_compile_no_memory(compiling);
    }
    if (object->count > UINT16_MAX) {
        return wr_compile_fail(compiling, object, "the object has too many members");
    }
    for (const struct wr_node *member = object->first; member != NULL; member = member->next, i++) {
        const struct wr_node *key = member->first;
        keys[i] = key->kind == WR_NODE_VARIABLE  ? wr_value_string(key->name.data, key->name.len)
                  : key->kind == WR_NODE_LITERAL ? key->literal
                                                 : wr_value_of(WR_JSON_NULL);
        if (keys[i].kind != WR_JSON_STRING && !wr_emit_beside(compiling, key)) {
            return false;
        }
        if (!(key->next != NULL ? wr_emit_beside(compiling, key->next)
                                : emit_own_member(compiling, key))) {
            return false;
        }
    }
    struct wr_op *op = wr_emit(compiling, WR_CODE_OBJECT);
    if (op == NULL) {
        return false;
    }
    op->n = (uint16_t)object->count;
    op->as.value = keys;
    return true;
}

const struct wr_function *wr_format_of(struct wr_compiling *compiling, const struct wr_node *node,
                                       struct wr_text name)
{
    char text[32];
    size_t len = wr_print_text(text, sizeof text, "@%.*s", (int)name.len, name.data);
    const struct wr_function *function =
        name.data == NULL   ? wr_function_find(wr_text_of("tostring"), 0)
        : len < sizeof text ? wr_function_find((struct wr_text){text, len}, 0)
                            : NULL;
    if (function == NULL) {
        (void)wr_compile_fail(compiling, node, "there is no format '@%.*s'",
                              (int)WR_MIN(name.len, (size_t)60), name.data);
    }
    return function;
}

bool wr_compile_string(struct wr_compiling *compiling, const struct wr_node *string)
{
    uint32_t count = string->count / 2;
    const struct wr_function *format = wr_format_of(compiling, string, string->name);
    struct wr_arena *arena = &compiling->program->arena;
    struct wr_value *texts = wr_arena_alloc(arena, (count + 1) * sizeof *texts);
    const struct wr_node **parts = wr_arena_alloc(arena, (count + 1) * sizeof(struct wr_node *));
    uint32_t i = 0;
    if (format == NULL) {
        return false;
    }
    if (texts == NULL || parts == NULL) {
        return wr_compile_no_memory(compiling);
    }
    if (count > UINT16_MAX) {
        return wr_compile_fail(compiling, string, "the string has too many parts");
    }
    for (const struct wr_node *text = string->first; text != NULL; i++) {
        texts[i] = text->literal;
        parts[i] = text->next;
        text = text->next != NULL ? text->next->next : NULL;
    }
    for (i = count; i-- > 0;) { /* the last part changes slowest */
        if (wr_emit(compiling, WR_CODE_DUP) == NULL || !wr_compile(compiling, parts[i], false) ||
            !wr_emit_call(compiling, string, format) || wr_emit(compiling, WR_CODE_SWAP) == NULL) {
            return false;
        }
    }
    struct wr_op *op = wr_emit(compiling, WR_CODE_STRING);
    if (op == NULL) {
        return false;
    }
    op->n = (uint16_t)count;
    op->as.value = texts;
    return true;
}
