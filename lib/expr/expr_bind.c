/*
 * expr_bind.c - names: variables, and calls of functions and of their arguments.
 *
 * A function that is a text is compiled in place: its arguments are names that stand for the trees
 * of the caller, and are compiled where they are used, with the names that the caller knew.
 */
#include "expr_compiling.h"

#include "base_error.h"
#include "base_guess.h"

/* A hint: the name that was meant, and how to give a value to this one. */
static void hint_name(struct wr_compiling *compiling, struct wr_text name)
{
    struct wr_guess guess;
    int shown = (int)WR_MIN(name.len, (size_t)60);
    char *hint = compiling->read->hint;
    size_t cap = sizeof compiling->read->hint;
    wr_guess_init(&guess, name.data, name.len);
    for (const struct wr_scope *scope = compiling->scope; scope != NULL; scope = scope->up) {
        if (scope->argument == NULL) {
            wr_guess_offer_bytes(&guess, scope->name.data, scope->name.len);
        }
    }
    for (size_t i = 0; i < compiling->named_count; i++) {
        wr_guess_offer(&guess, compiling->named[i].name);
    }
    if (guess.best != NULL) {
        (void)wr_print_text(hint, cap, "did you mean '$%.*s'?", (int)guess.best_len, guess.best);
    } else if (name.len == 3 && memcmp(name.data, "ENV", 3) == 0) {
        (void)wr_print_text(hint, cap, "--env NAME reads a variable of the environment as $NAME");
    } else {
        (void)wr_print_text(hint, cap, "--arg %.*s VALUE gives it a value", shown, name.data);
    }
}

bool wr_compile_variable(struct wr_compiling *compiling, const struct wr_node *node)
{
    for (const struct wr_scope *scope = compiling->scope; scope != NULL; scope = scope->up) {
        if (scope->argument == NULL && scope->name.len == node->name.len &&
            memcmp(scope->name.data, node->name.data, node->name.len) == 0) {
            struct wr_op *op = wr_emit(compiling, WR_CODE_LOAD);
            if (op != NULL) {
                op->n = (uint16_t)(compiling->variables - 1 - scope->variable);
            }
            return op != NULL;
        }
    }
    for (size_t i = 0; i < compiling->named_count; i++) {
        const char *name = compiling->named[i].name;
        if (strlen(name) == node->name.len && memcmp(name, node->name.data, node->name.len) == 0) {
            struct wr_op *op = wr_emit(compiling, WR_CODE_CONST);
            if (op != NULL) {
                op->as.value = &compiling->named[i].value;
                atomic_store_explicit(&compiling->named[i].used, true, memory_order_relaxed);
            }
            return op != NULL;
        }
    }
    if (wr_text_is(node->name, "meta")) {
        compiling->program->meta = true;
        return wr_emit(compiling, WR_CODE_META) != NULL;
    }
    hint_name(compiling, node->name);
    return wr_compile_fail(compiling, node, "$%.*s is not defined",
                           (int)WR_MIN(node->name.len, (size_t)60), node->name.data);
}

/* The top becomes a variable of this name. */
static bool bind(struct wr_compiling *compiling, struct wr_text name)
{
    struct wr_scope *scope = wr_arena_alloc(&compiling->program->arena, sizeof *scope);
    if (scope == NULL) {
        return wr_compile_no_memory(compiling);
    }
    *scope =
        (struct wr_scope){.up = compiling->scope, .name = name, .variable = compiling->variables++};
    compiling->scope = scope;
    return wr_emit(compiling, WR_CODE_BIND) != NULL;
}

/* DUP, and the member or element of the copy. */
static bool emit_part(struct wr_compiling *compiling, struct wr_value key)
{
    struct wr_value *kept = wr_arena_alloc(&compiling->program->arena, sizeof *kept);
    struct wr_op *dup = wr_emit(compiling, WR_CODE_DUP);
    if (kept == NULL) {
        return wr_compile_no_memory(compiling);
    }
    *kept = key;
    struct wr_op *op = dup != NULL ? wr_emit(compiling, WR_CODE_FIELD) : NULL;
    if (op != NULL) {
        op->as.value = kept;
    }
    return op != NULL;
}

static bool bind_pattern(struct wr_compiling *compiling, const struct wr_node *pattern);

static bool bind_member(struct wr_compiling *compiling, const struct wr_node *member)
{
    const struct wr_node *key = member->first;
    bool variable = key->kind == WR_NODE_VARIABLE;
    if (!variable && (key->kind != WR_NODE_LITERAL || key->literal.kind != WR_JSON_STRING)) {
        return wr_compile_fail(compiling, key, "a computed key is not allowed here");
    }
    struct wr_value name = variable ? wr_value_string(key->name.data, key->name.len) : key->literal;
    return (!variable || (emit_part(compiling, name) && bind(compiling, key->name))) &&
           (key->next == NULL ||
            (emit_part(compiling, name) && bind_pattern(compiling, key->next)));
}

/* Take the top apart into variables. */
static bool bind_pattern(struct wr_compiling *compiling, const struct wr_node *pattern)
{
    int64_t index = 0;
    if (pattern->kind == WR_NODE_VARIABLE) {
        return bind(compiling, pattern->name);
    }
    for (const struct wr_node *part = pattern->first; part != NULL; part = part->next) {
        if (!(part->kind == WR_NODE_MEMBER ? bind_member(compiling, part)
                                           : emit_part(compiling, wr_value_integer(index++)) &&
                                                 bind_pattern(compiling, part))) {
            return false;
        }
    }
    return wr_emit(compiling, WR_CODE_POP) != NULL;
}

/* Forget the variables that were bound since then. */
static bool unbind(struct wr_compiling *compiling, const struct wr_scope *scope, uint32_t variables)
{
    struct wr_op *op = wr_emit(compiling, WR_CODE_UNBIND);
    if (op != NULL) {
        op->n = (uint16_t)(compiling->variables - variables);
    }
    compiling->variables = variables;
    compiling->scope = scope;
    return op != NULL;
}

bool wr_emit_fold(struct wr_compiling *compiling, const struct wr_node *call, bool notes)
{
    const struct wr_scope *scope = compiling->scope;
    uint32_t variables = compiling->variables;
    const struct wr_node *first = call->first->next;
    if (notes) {
        return wr_compile_fail(compiling, call, "a path is needed here, as in .a, .[0], .[] or ..");
    }
    if (!wr_emit_beside(compiling, first)) {
        return false;
    }
    uint32_t begin = wr_emit_place(compiling);
    if (wr_emit(compiling, WR_CODE_FOLD) == NULL || !wr_compile(compiling, call->first, false) ||
        !bind(compiling, wr_text_of("x")) || wr_emit(compiling, WR_CODE_ACC) == NULL ||
        !wr_compile(compiling, first->next, false) || !unbind(compiling, scope, variables) ||
        wr_emit(compiling, WR_CODE_FOLDED) == NULL) {
        return false;
    }
    wr_emit_target(compiling, begin);
    return true;
}

bool wr_compile_as(struct wr_compiling *compiling, const struct wr_node *node, bool notes)
{
    const struct wr_scope *scope = compiling->scope;
    uint32_t variables = compiling->variables;
    const struct wr_node *pattern = node->first->next;
    return wr_emit(compiling, WR_CODE_DUP) != NULL && wr_compile(compiling, node->first, false) &&
           bind_pattern(compiling, pattern) && wr_compile(compiling, pattern->next, notes) &&
           unbind(compiling, scope, variables);
}

/* ---- calls */

bool wr_emit_call(struct wr_compiling *compiling, const struct wr_node *node,
                  const struct wr_function *function)
{
    if (function->call == NULL) {
        return wr_compile_fail(compiling, node, "'%s' cannot be used here", function->name);
    }
    struct wr_op *op = wr_emit(compiling, WR_CODE_CALL);
    if (op != NULL) {
        op->n = function->arity;
        op->as.function = function;
    }
    return op != NULL;
}

/* Compile an argument of the function that is being compiled, where the caller wrote it. */
static bool compile_argument(struct wr_compiling *compiling, const struct wr_scope *argument,
                             bool notes)
{
    const struct wr_scope *scope = compiling->scope;
    bool inside = compiling->inside;
    unsigned depth = compiling->depth;
    compiling->scope = argument->outside;
    compiling->inside = argument->variable != 0;
    compiling->depth = argument->depth;
    bool ok = wr_compile(compiling, argument->argument, notes);
    compiling->depth = depth;
    compiling->scope = scope;
    compiling->inside = inside;
    return ok;
}

/* Compile the text of a function in place of its call. */
static bool compile_text(struct wr_compiling *compiling, const struct wr_node *call,
                         const struct wr_function *function, bool notes)
{
    struct wr_arena *arena = &compiling->program->arena;
    struct wr_expr_text text = {.text = function->text,
                                .end = strlen(function->text),
                                .whole = true,
                                .params = function->params};
    struct wr_expr_read *read = wr_arena_alloc(arena, sizeof *read); /* it is large for a stack */
    const struct wr_scope *scope = compiling->scope;
    const struct wr_scope *arguments = NULL;
    const struct wr_node *given = call->first;
    bool inside = compiling->inside;
    for (uint32_t i = 0; i < function->arity; i++, given = given->next) {
        struct wr_scope *argument = wr_arena_alloc(arena, sizeof *argument);
        if (argument == NULL) {
            return wr_compile_no_memory(compiling);
        }
        *argument = (struct wr_scope){.up = arguments,
                                      .name = {function->params + i, 1},
                                      .variable = inside,
                                      .argument = given,
                                      .outside = scope,
                                      .depth = compiling->depth};
        arguments = argument;
    }
    if (read == NULL) {
        return wr_compile_no_memory(compiling);
    }
    if (wr_expr_parse(arena, &text, read) != 0) {
        WR_ASSERT(read->code == WEIR_ENOMEM || arena->full, "%s: %s", function->name,
                  read->message);
        return wr_compile_no_memory(compiling);
    }
    compiling->scope = arguments;
    compiling->inside = true;
    compiling->depth++;
    bool ok = wr_compile(compiling, read->root, notes);
    compiling->depth--;
    compiling->scope = scope;
    compiling->inside = inside;
    if (!ok && compiling->failed_depth > compiling->depth) { /* not in a text that the user sees */
        compiling->failed_depth = compiling->depth;
        compiling->read->error_at = call->at;
        compiling->read->error_len = call->len;
    }
    return ok;
}

/* The number of arguments, if commas were written in place of semicolons. */
static uint32_t count_by_commas(const struct wr_node *call)
{
    uint32_t count = 0;
    for (const struct wr_node *node = call->first; node != NULL; node = node->next) {
        bool list = node->kind == WR_NODE_CHAIN && node->last->op == WR_OP_COMMA;
        count += list ? node->count : 1;
    }
    return count;
}

static bool unknown(struct wr_compiling *compiling, const struct wr_node *call)
{
    struct wr_text name = call->name;
    struct wr_guess guess;
    char *hint = compiling->read->hint;
    size_t cap = sizeof compiling->read->hint;
    int shown = (int)WR_MIN(name.len, (size_t)60);
    for (uint32_t arity = 0; arity <= WR_EXPR_ARGS_MAX && name.data[0] != '_'; arity++) {
        if (wr_function_find(name, arity) == NULL) {
            continue;
        }
        (void)wr_compile_fail(compiling, call, "'%.*s' takes another number of arguments", shown,
                              name.data);
        if (wr_function_find(name, count_by_commas(call)) != NULL) {
            (void)wr_print_text(hint, cap, "write ; between arguments");
        } else if (arity == 0) {
            (void)wr_print_text(hint, cap, "write (... | %.*s)", shown, name.data);
        }
        return false;
    }
    (void)wr_compile_fail(compiling, call, "there is no function '%.*s'", shown, name.data);
    if (wr_expr_elsewhere(name) != NULL) {
        (void)wr_print_text(hint, cap, "%s", wr_expr_elsewhere(name));
        return false;
    }
    wr_guess_init(&guess, name.data, name.len);
    wr_expr_guess(&guess, call->first != NULL);
    if (guess.best != NULL) {
        (void)wr_print_text(hint, cap, "did you mean '%.*s'?", (int)guess.best_len, guess.best);
    }
    return false;
}

/* Compile a call of a function that takes values: all of its arguments, then the input. */
static bool compile_values(struct wr_compiling *compiling, const struct wr_node *call,
                           const struct wr_function *function)
{
    const struct wr_node *arguments[WR_EXPR_ARGS_MAX];
    uint32_t count = 0;
    for (const struct wr_node *node = call->first; node != NULL; node = node->next) {
        arguments[count++] = node;
    }
    while (count > 0) {
        if (!wr_emit_beside(compiling, arguments[--count])) {
            return false;
        }
    }
    return wr_emit_call(compiling, call, function);
}

bool wr_compile_call(struct wr_compiling *compiling, const struct wr_node *call, bool notes)
{
    for (const struct wr_scope *scope = compiling->scope; scope != NULL && call->count == 0;
         scope = scope->up) {
        if (scope->argument != NULL && scope->name.len == call->name.len &&
            memcmp(scope->name.data, call->name.data, call->name.len) == 0) {
            return compile_argument(compiling, scope, notes);
        }
    }
    bool internal = call->name.data[0] == '_' && !compiling->inside;
    const struct wr_function *function =
        internal ? NULL : wr_function_find(call->name, call->count);
    if (function == NULL) {
        return unknown(compiling, call);
    }
    if (function->check != NULL && !function->check(compiling, call)) {
        return false;
    }
    const struct wr_node *simpler =
        function->simpler != NULL && !notes ? function->simpler(compiling, call) : NULL;
    if (simpler != NULL) {
        return wr_compile(compiling, simpler, false);
    }
    if (function->text != NULL) {
        return compile_text(compiling, call, function, notes);
    }
    if (function->emit != NULL) {
        return function->emit(compiling, call, notes);
    }
    return notes ? wr_compile_fail(compiling, call,
                                   "a path is needed here, as in .a, .[0], .[] or ..")
                 : compile_values(compiling, call, function);
}
