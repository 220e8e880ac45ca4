/*
 * expr_test.c - conditions on a document, without a run.
 *
 * Most conditions are paths of names that are compared with constants, joined by and, or, not. Their
 * instructions need neither forks nor memory, so they are done here on nodes of the document, with a
 * stack of a few cells. Whether all instructions of a program are such ones is found when it is
 * compiled. What depends on the document - an error, a string that must be decoded, a large container -
 * is left to a run, which begins anew: nothing was changed.
 */
#include "expr_program.h"

/* How a program tells without a run: not at all, on cells, or as the comparison of one member with a
 * string, which is the most frequent condition and needs no cells. */
enum { TELLS_NOTHING, TELLS_BY_CELLS, TELLS_BY_MEMBER };

enum { CELLS_MAX = 8, LARGE_TOKENS = 1024 };

/* A value: a node of the document, or a constant. */
struct cell {
    uint8_t kind;
    uint32_t node;                /* WR_JSON_NONE: */
    const struct wr_value *value; /* NULL: kind says all */
};

static inline struct cell cell_of(const struct wr_json *json, uint32_t node)
{
    return node == WR_JSON_NONE ? (struct cell){WR_JSON_NULL, WR_JSON_NONE, NULL}
                                : (struct cell){(uint8_t)wr_json_kind(json, node), node, NULL};
}

static inline struct cell cell_bool(bool yes)
{
    return (struct cell){yes ? WR_JSON_TRUE : WR_JSON_FALSE, WR_JSON_NONE, NULL};
}

static inline struct cell cell_const(const struct wr_value *value)
{
    return (struct cell){value->kind, WR_JSON_NONE, value};
}

/* A number, or a string. false: it has escapes. */
static bool scalar(const struct wr_json *json, const struct cell *cell, struct wr_value *value)
{
    if (cell->node == WR_JSON_NONE) {
        *value = *cell->value;
        return true;
    }
    struct wr_text text = cell->kind == WR_JSON_STRING ? wr_json_inside(json, cell->node)
                                                       : wr_json_text(json, cell->node);
    *value = wr_value_string(text.data, text.len);
    value->kind = cell->kind;
    return cell->kind != WR_JSON_STRING || !wr_json_escaped(json, cell->node);
}

static struct cell compared(int op, int order)
{
    return cell_bool(op == WR_OP_EQUAL        ? order == 0
                     : op == WR_OP_DIFFERENT  ? order != 0
                     : op == WR_OP_LESS       ? order < 0
                     : op == WR_OP_GREATER    ? order > 0
                     : op == WR_OP_LESS_EQUAL ? order <= 0
                                              : order >= 0);
}

static inline bool is_equality(int op)
{
    return op == WR_OP_EQUAL || op == WR_OP_DIFFERENT;
}

/* false: this is for a run. */
static bool compare(const struct wr_json *json, int op, struct cell a, struct cell b,
                    struct cell *result)
{
    struct wr_value x;
    struct wr_value y;
    int order = 0;
    if (a.kind != b.kind) {
        order = a.kind < b.kind ? -1 : 1;
    } else if (is_equality(op) && a.kind == WR_JSON_STRING && a.node != WR_JSON_NONE &&
               b.node == WR_JSON_NONE) {
        order = !wr_json_string_is(json, a.node, wr_value_text(*b.value));
    } else if (a.kind >= WR_JSON_ARRAY) {
        return false;
    } else if (a.kind >= WR_JSON_NUMBER) {
        if (!scalar(json, &a, &x) || !scalar(json, &b, &y)) {
            return false;
        }
        order = a.kind == WR_JSON_NUMBER ? wr_number_compare(x, y)
                                         : wr_text_compare(wr_value_text(x), wr_value_text(y));
    }
    *result = compared(op, order);
    return true;
}

/* The member of a value. false: this is for a run. */
static inline bool field(const struct wr_json *json, const struct wr_op *op, struct cell of,
                         struct cell *result)
{
    if (of.kind == WR_JSON_NULL) {
        *result = cell_of(json, WR_JSON_NONE);
        return true;
    }
    if (of.kind != WR_JSON_OBJECT || json->to[of.node] - of.node > LARGE_TOKENS) {
        return false;
    }
    *result = cell_of(json, json->looks != NULL && op->n > 0
                                ? wr_json_look(json, of.node, op->n - 1u)
                                : wr_json_find(json, of.node, wr_value_text(*op->as.value)));
    return true;
}

/* Whether an instruction may be done here. */
static bool may_be_done(const struct wr_op *op)
{
    switch (op->code) {
    case WR_CODE_CONST: return op->as.value->kind < WR_JSON_ARRAY;
    case WR_CODE_FIELD: return op->as.value->kind == WR_JSON_STRING;
    case WR_CODE_COMPUTE:
        return op->n >= WR_OP_EQUAL && op->n <= WR_OP_GREATER_EQUAL &&
               (op->as.value == NULL || op->as.value->kind < WR_JSON_ARRAY);
    case WR_CODE_DUP:
    case WR_CODE_POP:
    case WR_CODE_SWAP:
    case WR_CODE_UNLESS:
    case WR_CODE_IF:
    case WR_CODE_JUMP:
    case WR_CODE_TRUTH:
    case WR_CODE_NOT:
    case WR_CODE_OUTPUT: return true;
    default: return false;
    }
}

/* .name == "text", and != */
static bool compares_member(const wr_program *program)
{
    const struct wr_op *ops = program->ops;
    return program->count == 3 && ops[0].code == WR_CODE_FIELD && ops[1].code == WR_CODE_COMPUTE &&
           is_equality(ops[1].n) && ops[1].as.value != NULL &&
           ops[1].as.value->kind == WR_JSON_STRING;
}

uint8_t wr_program_tells(const wr_program *program)
{
    uint32_t cells = 1;
    for (uint32_t i = 0; i < program->count; i++) {
        /* At each place the stack has one height, whichever way leads there. */
        const struct wr_op *op = &program->ops[i];
        if (!may_be_done(op)) {
            return TELLS_NOTHING;
        }
        cells += op->code == WR_CODE_DUP;
        cells -= op->code == WR_CODE_UNLESS || op->code == WR_CODE_IF || op->code == WR_CODE_POP ||
                 (op->code == WR_CODE_COMPUTE && op->as.value == NULL);
        if (cells > CELLS_MAX) {
            return TELLS_NOTHING;
        }
    }
    return compares_member(program) ? TELLS_BY_MEMBER : TELLS_BY_CELLS;
}

uint32_t wr_program_look(wr_program *program, struct wr_json_looks *looks)
{
    uint32_t uses = 0;
    program->looks = looks;
    for (uint32_t i = 0; i < program->count; i++) {
        struct wr_op *op = &program->ops[i];
        if (op->code == WR_CODE_FIELD && op->as.value->kind == WR_JSON_STRING) {
            uint32_t name = wr_json_looks_add(looks, wr_value_text(*op->as.value));
            op->n = name != WR_JSON_NONE ? (uint16_t)(name + 1) : 0;
            uses += i == 0 || op[-1].code != WR_CODE_FIELD;
        }
    }
    return uses;
}

static enum wr_tested test_member(const struct wr_op *ops, const struct wr_json *json)
{
    struct cell member;
    if (!field(json, &ops[0], cell_of(json, WR_JSON_ROOT), &member)) {
        return WR_TEST_UNKNOWN;
    }
    bool same = member.kind == WR_JSON_STRING &&
                wr_json_string_is(json, member.node, wr_value_text(*ops[1].as.value));
    return same == (ops[1].n == WR_OP_EQUAL) ? WR_TEST_TRUE : WR_TEST_FALSE;
}

enum wr_tested wr_program_test(const wr_program *program, const struct wr_json *json)
{
    struct cell below[CELLS_MAX];
    struct cell *free_cell = below;
    struct cell top;
    struct cell second;
    if (program->tells != TELLS_BY_CELLS) {
        return program->tells == TELLS_BY_MEMBER ? test_member(program->ops, json)
                                                 : WR_TEST_UNKNOWN;
    }
    top = cell_of(json, WR_JSON_ROOT);
    for (const struct wr_op *op = program->ops;; op++) {
        switch (op->code) {
        case WR_CODE_DUP: *free_cell++ = top; break;
        case WR_CODE_POP: top = *--free_cell; break;
        case WR_CODE_SWAP:
            second = free_cell[-1];
            free_cell[-1] = top;
            top = second;
            break;
        case WR_CODE_FIELD:
            if (!field(json, op, top, &top)) {
                return WR_TEST_UNKNOWN;
            }
            break;
        case WR_CODE_CONST: top = cell_const(op->as.value); break;
        case WR_CODE_COMPUTE:
            second = op->as.value != NULL ? cell_const(op->as.value) : *--free_cell;
            if (!compare(json, op->n, top, second, &top)) {
                return WR_TEST_UNKNOWN;
            }
            break;
        case WR_CODE_TRUTH: top = cell_bool(top.kind > WR_JSON_FALSE); break;
        case WR_CODE_NOT: top = cell_bool(top.kind <= WR_JSON_FALSE); break;
        case WR_CODE_UNLESS:
        case WR_CODE_IF:
            if ((top.kind > WR_JSON_FALSE) == (op->code == WR_CODE_IF)) {
                op = program->ops + op->to - 1;
            }
            top = *--free_cell;
            break;
        case WR_CODE_JUMP: op = program->ops + op->to - 1; break;
        default: /* OUTPUT */ return top.kind > WR_JSON_FALSE ? WR_TEST_TRUE : WR_TEST_FALSE;
        }
    }
}
