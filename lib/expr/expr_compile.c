/*
 * expr_compile.c - compiles a tree to instructions. Each function adds the instructions that turn
 * the input on top of the stack into the outputs of its node, one after another. With `notes` they
 * also note the path of each output, which only some nodes can.
 *
 * Where two operands have several outputs each, the order is jq's: the right operand of an operator,
 * the last argument and the last key change slowest, the last member of an object fastest.
 */
#include "expr_compiling.h"

#include <stdarg.h>
#include <stdio.h>

#include "base_alloc.h"
#include "base_error.h"

enum { NESTING_MAX = 200 };

bool wr_compile_fail(struct wr_compiling *compiling, const struct wr_node *node, const char *format,
                     ...)
{
    struct wr_expr_read *read = compiling->read;
    if (read->code == 0) {
        va_list args;
        va_start(args, format);
        (void)vsnprintf(read->message, sizeof read->message, format, args);
        va_end(args);
        read->code = WEIR_EINVAL;
        compiling->failed_depth = compiling->depth;
        read->error_at = node->at;
        read->error_len = node->len;
    }
    return false;
}

bool wr_compile_no_memory(struct wr_compiling *compiling)
{
    if (compiling->read->code == 0) {
        compiling->read->code = WEIR_ENOMEM;
        (void)wr_print_text(compiling->read->message, sizeof compiling->read->message, "%s",
                            wr_code_text(WEIR_ENOMEM));
    }
    return false;
}

/* ---- instructions */

struct wr_op *wr_emit(struct wr_compiling *compiling, enum wr_code code)
{
    wr_program *program = compiling->program;
    if (program->count >= WR_EXPR_OPS_MAX) {
        static const struct wr_node nowhere;
        (void)wr_compile_fail(compiling, &nowhere, "the expression is too long");
        return NULL;
    }
    if (program->count >= compiling->room &&
        !wr_grow(&program->ops, sizeof *program->ops, program->count, &compiling->room)) {
        (void)wr_compile_no_memory(compiling);
        return NULL;
    }
    struct wr_op *op = &program->ops[program->count++];
    *op = (struct wr_op){.code = (uint8_t)code};
    return op;
}

uint32_t wr_emit_place(const struct wr_compiling *compiling)
{
    return compiling->program->count;
}

void wr_emit_target(struct wr_compiling *compiling, uint32_t op)
{
    if (op < compiling->program->count) {
        compiling->program->ops[op].to = compiling->program->count;
    }
}

bool wr_emit_ahead(struct wr_compiling *compiling, enum wr_code code, uint32_t *op)
{
    *op = wr_emit_place(compiling);
    return wr_emit(compiling, code) != NULL;
}

bool wr_emit_value(struct wr_compiling *compiling, enum wr_code code, const struct wr_value *value)
{
    struct wr_op *op = wr_emit(compiling, code);
    if (op != NULL) {
        op->as.value = value;
    }
    return op != NULL;
}

bool wr_emit_beside(struct wr_compiling *compiling, const struct wr_node *node)
{
    return wr_emit(compiling, WR_CODE_DUP) != NULL && wr_compile(compiling, node, false) &&
           wr_emit(compiling, WR_CODE_SWAP) != NULL;
}

/* ---- paths */

static bool is_constant(const struct wr_node *node)
{
    return node->kind == WR_NODE_LITERAL || node->kind == WR_NODE_NONE;
}

/* The values of the keys of suffixes that are computed, the last suffix first. */
static bool emit_keys(struct wr_compiling *compiling, const struct wr_node *suffix)
{
    if (suffix == NULL) {
        return true;
    }
    uint32_t room = 0;
    uint32_t count = 0;
    for (const struct wr_node *next = suffix; next != NULL; next = next->next) {
        room += next->count;
    }
    const struct wr_node **keys =
        wr_arena_alloc(&compiling->program->arena, room * sizeof(struct wr_node *));
    if (keys == NULL) {
        return wr_compile_no_memory(compiling);
    }
    for (; suffix != NULL; suffix = suffix->next) {
        bool plain = suffix->kind == WR_NODE_INDEX && suffix->first->kind == WR_NODE_LITERAL &&
                     suffix->first->literal.kind == WR_JSON_STRING;
        for (const struct wr_node *key = plain ? NULL : suffix->first; key != NULL;
             key = key->next) {
            keys[count++] = key;
        }
    }
    for (; count > 0; count--) {
        static const struct wr_value null = {.kind = WR_JSON_NULL};
        bool ok = is_constant(keys[count - 1])
                      ? wr_emit(compiling, WR_CODE_DUP) != NULL &&
                            wr_emit_value(compiling, WR_CODE_CONST,
                                          keys[count - 1]->kind == WR_NODE_NONE
                                              ? &null
                                              : &keys[count - 1]->literal) &&
                            wr_emit(compiling, WR_CODE_SWAP) != NULL
                      : wr_emit_beside(compiling, keys[count - 1]);
        if (!ok) {
            return false;
        }
    }
    return true;
}

static bool emit_suffix(struct wr_compiling *compiling, const struct wr_node *suffix, uint8_t flags)
{
    struct wr_op *op;
    if (suffix->kind == WR_NODE_EACH) {
        op = wr_emit(compiling, WR_CODE_EACH);
    } else if (suffix->kind == WR_NODE_SLICE) {
        op = wr_emit(compiling, WR_CODE_SLICE);
    } else if (suffix->first->kind == WR_NODE_LITERAL &&
               suffix->first->literal.kind == WR_JSON_STRING) {
        op = wr_emit(compiling, WR_CODE_FIELD);
        if (op != NULL) {
            op->as.value = &suffix->first->literal;
        }
    } else {
        op = wr_emit(compiling, WR_CODE_INDEX);
    }
    if (op != NULL) {
        op->flags = flags;
    }
    return op != NULL;
}

/* TRY, node, TRIED; an error gives nothing. */
static bool emit_try(struct wr_compiling *compiling, const struct wr_node *body, bool notes)
{
    return wr_emit(compiling, WR_CODE_TRY) != NULL && wr_compile(compiling, body, notes) &&
           wr_emit(compiling, WR_CODE_TRIED) != NULL;
}

static bool compile_path(struct wr_compiling *compiling, const struct wr_node *path, bool notes)
{
    const struct wr_node *base = path->first;
    const struct wr_node *suffix = base->next;
    uint8_t flags = notes ? WR_CODE_NOTES : 0;
    bool maybe = suffix->kind == WR_NODE_MAYBE;
    if (!emit_keys(compiling, suffix) ||
        !(maybe ? emit_try(compiling, base, notes) : wr_compile(compiling, base, notes))) {
        return false;
    }
    for (; suffix != NULL; suffix = suffix->next) {
        bool optional = suffix->next != NULL && suffix->next->kind == WR_NODE_MAYBE;
        if (suffix->kind != WR_NODE_MAYBE &&
            !emit_suffix(compiling, suffix, (uint8_t)(flags | (optional ? WR_CODE_MAYBE : 0)))) {
            return false;
        }
    }
    return true;
}

/* ., and then .[]? of each output, and so on. */
static bool compile_dotdot(struct wr_compiling *compiling, bool notes)
{
    uint32_t begin = wr_emit_place(compiling);
    uint32_t fork;
    uint32_t out;
    if (!wr_emit_ahead(compiling, WR_CODE_FORK, &fork) ||
        !wr_emit_ahead(compiling, WR_CODE_JUMP, &out)) {
        return false;
    }
    wr_emit_target(compiling, fork);
    struct wr_op *each = wr_emit(compiling, WR_CODE_EACH);
    if (each == NULL) {
        return false;
    }
    each->flags = (uint8_t)(WR_CODE_MAYBE | (notes ? WR_CODE_NOTES : 0));
    struct wr_op *jump = wr_emit(compiling, WR_CODE_JUMP);
    if (jump == NULL) {
        return false;
    }
    jump->to = begin;
    wr_emit_target(compiling, out);
    return true;
}

/* ---- operators */

/* a OP b OP c: the operands that are no constants lie on the stack, the last one lowest. */
static bool compile_sums(struct wr_compiling *compiling, const struct wr_node *chain)
{
    const struct wr_node **operands =
        wr_arena_alloc(&compiling->program->arena, chain->count * sizeof(struct wr_node *));
    uint32_t count = 0;
    if (operands == NULL) {
        return wr_compile_no_memory(compiling);
    }
    for (const struct wr_node *node = chain->first; node != NULL; node = node->next) {
        operands[count++] = node;
    }
    for (uint32_t i = count; i-- > 1;) {
        if (operands[i]->kind != WR_NODE_LITERAL && !wr_emit_beside(compiling, operands[i])) {
            return false;
        }
    }
    if (!wr_compile(compiling, operands[0], false)) {
        return false;
    }
    for (uint32_t i = 1; i < count; i++) {
        if (operands[i]->op == WR_OP_MATCHES) {
            const struct wr_function *test = wr_function_find(wr_text_of("test"), 1);
            return test == NULL
                       ? wr_compile_fail(compiling, operands[i], "there is no operator '=~'")
                       : wr_check_pattern(compiling, operands[i]) &&
                             (operands[i]->kind != WR_NODE_LITERAL ||
                              wr_emit_beside(compiling, operands[i])) &&
                             wr_emit_call(compiling, operands[i], test);
        }
        struct wr_op *op = wr_emit(compiling, WR_CODE_COMPUTE);
        if (op == NULL) {
            return false;
        }
        op->n = operands[i]->op;
        op->as.value = operands[i]->kind == WR_NODE_LITERAL ? &operands[i]->literal : NULL;
    }
    return true;
}

static bool compile_pipe(struct wr_compiling *compiling, const struct wr_node *chain, bool notes)
{
    for (const struct wr_node *node = chain->first; node != NULL; node = node->next) {
        if (!wr_compile(compiling, node, notes)) {
            return false;
        }
    }
    return true;
}

/* Let the jumps of a list, linked by their targets and ended by UINT32_MAX, lead here. */
static void join_jumps(struct wr_compiling *compiling, uint32_t jump)
{
    while (jump != UINT32_MAX) {
        uint32_t next = compiling->program->ops[jump].to;
        wr_emit_target(compiling, jump);
        jump = next;
    }
}

/* Add a jump to such a list. */
static bool emit_link(struct wr_compiling *compiling, enum wr_code code, uint32_t *jumps)
{
    struct wr_op *op = wr_emit(compiling, code);
    if (op != NULL) {
        op->to = *jumps;
        *jumps = wr_emit_place(compiling) - 1;
    }
    return op != NULL;
}

/* Commas, and // : each operand but the last begins with `begin`, which leads to the next one. */
static bool compile_ways(struct wr_compiling *compiling, const struct wr_node *chain,
                         enum wr_code begin, bool notes)
{
    uint32_t jumps = UINT32_MAX;
    for (const struct wr_node *node = chain->first; node != NULL; node = node->next) {
        uint32_t way = 0;
        bool last = node->next == NULL;
        if ((!last && !wr_emit_ahead(compiling, begin, &way)) ||
            !wr_compile(compiling, node, notes)) {
            return false;
        }
        if (last) {
            break;
        }
        if ((begin == WR_CODE_OTHERWISE && wr_emit(compiling, WR_CODE_FOUND) == NULL) ||
            !emit_link(compiling, WR_CODE_JUMP, &jumps)) {
            return false;
        }
        wr_emit_target(compiling, way);
    }
    join_jumps(compiling, jumps);
    return true;
}

/* and, or: the first operand that decides ends it. */
static bool compile_logic(struct wr_compiling *compiling, const struct wr_node *chain)
{
    static const struct wr_value results[] = {{.kind = WR_JSON_FALSE}, {.kind = WR_JSON_TRUE}};
    bool and = chain->level == WR_LEVEL_AND;
    uint32_t jumps = UINT32_MAX;
    uint32_t end;
    for (const struct wr_node *node = chain->first; node != NULL; node = node->next) {
        bool last = node->next == NULL;
        if ((!last && wr_emit(compiling, WR_CODE_DUP) == NULL) ||
            !wr_compile(compiling, node, false) ||
            !(last ? wr_emit(compiling, WR_CODE_TRUTH) != NULL
                   : emit_link(compiling, and? WR_CODE_UNLESS : WR_CODE_IF, &jumps))) {
            return false;
        }
    }
    if (!wr_emit_ahead(compiling, WR_CODE_JUMP, &end)) {
        return false;
    }
    join_jumps(compiling, jumps);
    if (!wr_emit_value(compiling, WR_CODE_CONST, &results[!and])) {
        return false;
    }
    wr_emit_target(compiling, end);
    return true;
}

static bool needs_path(struct wr_compiling *compiling, const struct wr_node *node)
{
    return wr_compile_fail(compiling, node, "a path is needed here, as in .a, .[0], .[] or ..");
}

static bool compile_chain(struct wr_compiling *compiling, const struct wr_node *chain, bool notes)
{
    switch ((enum wr_op_level)chain->level) {
    case WR_LEVEL_PIPE: return compile_pipe(compiling, chain, notes);
    case WR_LEVEL_COMMA: return compile_ways(compiling, chain, WR_CODE_FORK, notes);
    case WR_LEVEL_OTHERWISE: return compile_ways(compiling, chain, WR_CODE_OTHERWISE, notes);
    case WR_LEVEL_OR:
    case WR_LEVEL_AND:
        return notes ? needs_path(compiling, chain) : compile_logic(compiling, chain);
    default: return notes ? needs_path(compiling, chain) : compile_sums(compiling, chain);
    }
}

/* ---- conditions and errors */

static bool compile_if(struct wr_compiling *compiling, const struct wr_node *node, bool notes)
{
    uint32_t jumps = UINT32_MAX;
    const struct wr_node *condition = node->first;
    for (; condition != NULL && condition->next != NULL; condition = condition->next->next) {
        uint32_t unless;
        if (wr_emit(compiling, WR_CODE_DUP) == NULL || !wr_compile(compiling, condition, false) ||
            !wr_emit_ahead(compiling, WR_CODE_UNLESS, &unless) ||
            !wr_compile(compiling, condition->next, notes) ||
            !emit_link(compiling, WR_CODE_JUMP, &jumps)) {
            return false;
        }
        wr_emit_target(compiling, unless);
    }
    if (condition != NULL && !wr_compile(compiling, condition, notes)) { /* else */
        return false;
    }
    join_jumps(compiling, jumps);
    return true;
}

static bool compile_try(struct wr_compiling *compiling, const struct wr_node *node, bool notes)
{
    const struct wr_node *body = node->first;
    uint32_t begin = wr_emit_place(compiling);
    uint32_t end;
    if (!emit_try(compiling, body, notes)) {
        return false;
    }
    if (body->next == NULL) {
        return true;
    }
    if (!wr_emit_ahead(compiling, WR_CODE_JUMP, &end)) {
        return false;
    }
    wr_emit_target(compiling, begin);
    if (!wr_compile(compiling, body->next, notes)) {
        return false;
    }
    wr_emit_target(compiling, end);
    return true;
}

/* ---- all kinds */

/* Nodes whose outputs have no path. */
static bool compile_value(struct wr_compiling *compiling, const struct wr_node *node)
{
    switch ((enum wr_node_kind)node->kind) {
    case WR_NODE_LITERAL: return wr_emit_value(compiling, WR_CODE_CONST, &node->literal);
    case WR_NODE_STRING: return wr_compile_string(compiling, node);
    case WR_NODE_ARRAY: return wr_compile_array(compiling, node);
    case WR_NODE_OBJECT: return wr_compile_object(compiling, node);
    case WR_NODE_VARIABLE: return wr_compile_variable(compiling, node);
    case WR_NODE_NEGATE:
        return wr_compile(compiling, node->first, false) &&
               wr_emit(compiling, WR_CODE_NEGATE) != NULL;
    case WR_NODE_NOT:
        return wr_compile(compiling, node->first, false) && wr_emit(compiling, WR_CODE_NOT) != NULL;
    case WR_NODE_FORMAT: {
        const struct wr_function *format = wr_format_of(compiling, node, node->name);
        return format != NULL && wr_emit_call(compiling, node, format);
    }
    default: return wr_compile_fail(compiling, node, "an expression is missing");
    }
}

static bool compile_node(struct wr_compiling *compiling, const struct wr_node *node, bool notes)
{
    switch ((enum wr_node_kind)node->kind) {
    case WR_NODE_DOT: return true;
    case WR_NODE_DOTDOT: return compile_dotdot(compiling, notes);
    case WR_NODE_PATH: return compile_path(compiling, node, notes);
    case WR_NODE_CHAIN: return compile_chain(compiling, node, notes);
    case WR_NODE_IF: return compile_if(compiling, node, notes);
    case WR_NODE_AS: return wr_compile_as(compiling, node, notes);
    case WR_NODE_TRY: return compile_try(compiling, node, notes);
    case WR_NODE_CALL: return wr_compile_call(compiling, node, notes);
    default: return notes ? needs_path(compiling, node) : compile_value(compiling, node);
    }
}

bool wr_compile(struct wr_compiling *compiling, const struct wr_node *node, bool notes)
{
    if (compiling->nesting == NESTING_MAX) {
        return wr_compile_fail(compiling, node, "the expression is nested too deep");
    }
    compiling->nesting++;
    bool ok = compile_node(compiling, node, notes);
    compiling->nesting--;
    return ok;
}

/* An assignment ends an expression; what stands behind it must not be left out silently. */
static bool assigns_nothing(struct wr_compiling *compiling, const struct wr_expr_text *text)
{
    size_t at = compiling->read->at;
    size_t len = compiling->read->assigns;
    struct wr_node token = {.at = (uint32_t)at, .len = (uint32_t)len};
    return len == 0 || wr_compile_fail(compiling, &token, "'%.*s'%s", (int)len, text->text + at,
                                       WR_EXPR_ASSIGNS(len));
}

wr_program *wr_program_new(const struct wr_expr_text *text, struct wr_named *named,
                           size_t named_count, struct wr_expr_read *read)
{
    wr_program *program = wr_zalloc(sizeof *program);
    struct wr_compiling compiling = {.program = program,
                                     .named = named,
                                     .named_count = named_count,
                                     .inside = text->internal,
                                     .read = read};
    if (program == NULL) {
        *read = (struct wr_expr_read){.root = NULL};
        (void)wr_compile_no_memory(&compiling);
        return NULL;
    }
    wr_arena_init(&program->arena, (size_t)64 << 20);
    if (wr_expr_parse(&program->arena, text, read) == 0 && assigns_nothing(&compiling, text)) {
        wr_expr_fold(&program->arena, read->root);
        if (wr_compile(&compiling, read->root, false) &&
            wr_emit(&compiling, WR_CODE_OUTPUT) != NULL) {
            program->tells = wr_program_tells(program);
            return program;
        }
    }
    wr_program_free(program);
    read->root = NULL;
    return NULL;
}

bool wr_program_reads_meta(const wr_program *program)
{
    return program->meta;
}

bool wr_program_orders_field(const wr_program *program)
{
    bool orders = false;
    for (uint32_t i = 1; i < program->count; i++) {
        const struct wr_op *op = &program->ops[i];
        orders = orders || (op->code == WR_CODE_COMPUTE && op->n >= WR_OP_LESS &&
                            op->n <= WR_OP_GREATER_EQUAL && op->as.value != NULL &&
                            op->as.value->kind == WR_JSON_NUMBER && op[-1].code == WR_CODE_FIELD);
    }
    return orders;
}

void wr_program_fini(wr_program *program)
{
    wr_arena_fini(&program->arena);
    wr_free(program->ops);
}

void wr_program_free(wr_program *program)
{
    if (program != NULL) {
        wr_program_fini(program);
        wr_free(program);
    }
}
