/*
 * expr_fn_core.c - functions that decide which outputs there are: they are instructions of the
 * machine, or texts made of other functions.
 */
#include "expr_program.h"

static const struct wr_node *argument(const struct wr_node *call, uint32_t index)
{
    const struct wr_node *node = call->first;
    for (; index > 0; index--) {
        node = node->next;
    }
    return node;
}

static bool emit_empty(struct wr_compiling *compiling, const struct wr_node *call, bool notes)
{
    (void)call;
    (void)notes;
    return wr_emit(compiling, WR_CODE_BACKTRACK) != NULL;
}

/* Emit an instruction with flags. */
static bool emit_flagged(struct wr_compiling *compiling, enum wr_code code, bool notes)
{
    struct wr_op *op = wr_emit(compiling, code);
    if (op != NULL) {
        op->flags = notes ? WR_CODE_NOTES : 0;
    }
    return op != NULL;
}

static bool emit_not(struct wr_compiling *compiling, const struct wr_node *call, bool notes)
{
    return notes ? wr_compile_fail(compiling, call, "a path is needed here, as in .a or .[]")
                 : wr_emit(compiling, WR_CODE_NOT) != NULL;
}

/* recurse(f): ., and then the same for each output of f. */
static bool emit_recurse(struct wr_compiling *compiling, const struct wr_node *call, bool notes)
{
    uint32_t begin = wr_emit_place(compiling);
    if (wr_emit(compiling, WR_CODE_FORK) == NULL || wr_emit(compiling, WR_CODE_JUMP) == NULL) {
        return false;
    }
    wr_emit_target(compiling, begin);
    if (!wr_compile(compiling, argument(call, 0), notes)) {
        return false;
    }
    struct wr_op *again = wr_emit(compiling, WR_CODE_JUMP);
    if (again == NULL) {
        return false;
    }
    again->to = begin;
    wr_emit_target(compiling, begin + 1);
    return true;
}

static bool emit_first(struct wr_compiling *compiling, const struct wr_node *call, bool notes)
{
    struct wr_op *op = wr_emit(compiling, WR_CODE_LIMIT);
    if (op == NULL) {
        return false;
    }
    op->n = 1;
    return wr_compile(compiling, argument(call, 0), notes) &&
           wr_emit(compiling, WR_CODE_LIMITED) != NULL;
}

static bool emit_limit(struct wr_compiling *compiling, const struct wr_node *call, bool notes)
{
    return wr_emit_beside(compiling, argument(call, 0)) &&
           wr_emit(compiling, WR_CODE_LIMIT) != NULL &&
           wr_compile(compiling, argument(call, 1), notes) &&
           wr_emit(compiling, WR_CODE_LIMITED) != NULL;
}

static bool emit_last(struct wr_compiling *compiling, const struct wr_node *call, bool notes)
{
    uint32_t begin = wr_emit_place(compiling);
    if (notes) {
        return wr_compile_fail(compiling, call, "a path is needed here, as in .a or .[]");
    }
    if (wr_emit(compiling, WR_CODE_LAST) == NULL ||
        !wr_compile(compiling, argument(call, 0), false) ||
        wr_emit(compiling, WR_CODE_FOLDED) == NULL) {
        return false;
    }
    wr_emit_target(compiling, begin);
    return true;
}

static bool emit_range(struct wr_compiling *compiling, const struct wr_node *call, bool notes)
{
    return notes ? wr_compile_fail(compiling, call, "a path is needed here, as in .a or .[]")
                 : wr_emit_beside(compiling, argument(call, 1)) &&
                       wr_compile(compiling, argument(call, 0), false) &&
                       wr_emit(compiling, WR_CODE_RANGE) != NULL;
}

static bool emit_path(struct wr_compiling *compiling, const struct wr_node *call, bool notes)
{
    return notes ? wr_compile_fail(compiling, call, "a path is needed here, as in .a or .[]")
                 : wr_emit(compiling, WR_CODE_PATH) != NULL &&
                       wr_compile(compiling, argument(call, 0), true) &&
                       wr_emit(compiling, WR_CODE_PATH_END) != NULL;
}

static bool emit_getpath(struct wr_compiling *compiling, const struct wr_node *call, bool notes)
{
    return wr_emit_beside(compiling, argument(call, 0)) &&
           emit_flagged(compiling, WR_CODE_GETPATH, notes);
}

static bool call_error(wr_machine *run, const struct wr_value *in, struct wr_value *out)
{
    (void)out;
    return wr_machine_throw(run, in[0]);
}

static bool call_setpath(wr_machine *run, const struct wr_value *in, struct wr_value *out)
{
    return wr_path_set(run, in[0], in[1], in[2], out);
}

static bool call_delpaths(wr_machine *run, const struct wr_value *in, struct wr_value *out)
{
    return wr_paths_delete(run, in[0], in[1], out);
}

/* _setpaths(paths; value) */
static bool call_setpaths(wr_machine *run, const struct wr_value *in, struct wr_value *out)
{
    return wr_paths_set(run, in[0], in[1], in[2], out);
}

const struct wr_function wr_functions_core[] = {
    {"empty", .emit = emit_empty, .help = "no output"},
    {"error", .call = call_error, .help = "fail with the input as message"},
    {"error", 1, .params = "m", .text = "m | error", .help = "fail with this message"},
    {"not", .asks = true, .emit = emit_not, .help = "true for false and null, else false"},
    {"select", 1, .params = "f", .text = "if f then . else empty end",
     .help = "the input where f is true"},
    {"recurse", 1, .emit = emit_recurse, .help = "the input, and f of each output again"},
    {"recurse", .text = "..", .help = "the input and all values in it"},
    {"recurse", 2, .params = "fc", .text = "recurse(f | select(c))",
     .help = "recurse as long as c is true"},
    {"repeat", 1, .params = "f", .text = "recurse(f)", .help = "the input, f of it, and so on"},
    {"while", 2, .params = "cu", .text = "select(c) | recurse(u | select(c))",
     .help = "the input, u of it, and so on, as long as c is true"},
    {"until", 2, .params = "cu", .text = "recurse(if c then empty else u end) | select(c)",
     .help = "u again and again until c is true"},
    {"first", 1, .emit = emit_first, .help = "the first output of f"},
    {"first", .text = ".[0]", .help = "the first element"},
    {"limit", 2, .emit = emit_limit, .help = "at most n outputs of f"},
    {"last", 1, .emit = emit_last, .help = "the last output of f"},
    {"last", .text = ".[-1]", .help = "the last element"},
    {"nth", 1, .params = "n", .text = ".[n]", .help = "element n"},
    {"nth", 2, .params = "nf",
     .text = "n as $n | if $n < 0 then error(\"Out of bounds negative array index\") else "
             "last(limit($n + 1; f)) end",
     .help = "output n of f"},
    {"isempty", 1, .asks = true, .params = "f", .text = "first((f | false), true)",
     .help = "whether f has no output"},
    {"range", 2, .emit = emit_range, .help = "the numbers from the first to below the second"},
    {"range", 1, .params = "n", .text = "range(0; n)", .help = "the numbers from 0 to below n"},
    {"range", 3, .params = "fub",
     .text = "f as $f | u as $u | b as $b | if $b > 0 then $f | while(. < $u; . + $b) elif $b < 0 "
             "then $f | while(. > $u; . + $b) else empty end",
     .help = "numbers with this distance"},
    {"map", 1, .params = "f", .text = "[.[] | f]", .help = "an array of f of each element"},
    {"any", 2, .asks = true, .params = "gc", .text = "isempty(first(g | c or empty)) | not",
     .help = "whether c is true for any output of g"},
    {"any", 1, .asks = true, .params = "c", .text = "any(.[]; c)",
     .help = "whether c is true for any element"},
    {"any", .asks = true, .text = "any(.[]; .)", .help = "whether any element is true"},
    {"all", 2, .asks = true, .params = "gc", .text = "isempty(first(g | c and empty))",
     .help = "whether c is true for all outputs of g"},
    {"all", 1, .asks = true, .params = "c", .text = "all(.[]; c)",
     .help = "whether c is true for all elements"},
    {"all", .asks = true, .text = "all(.[]; .)", .help = "whether all elements are true"},
    {"IN", 1, .asks = true, .params = "s", .text = "any(s == .; .)",
     .help = "whether the input is one of these"},
    {"IN", 2, .asks = true, .params = "gs", .text = "any(g == s; .)",
     .help = "whether any of the first is one of the second"},
    {"values", .text = "select(. != null)", .help = "the input, unless it is null"},
    {"nulls", .text = "select(. == null)", .help = "the input, if it is null"},
    {"booleans", .text = "select(type == \"boolean\")", .help = "the input, if it is a boolean"},
    {"numbers", .text = "select(type == \"number\")", .help = "the input, if it is a number"},
    {"strings", .text = "select(type == \"string\")", .help = "the input, if it is a string"},
    {"arrays", .text = "select(type == \"array\")", .help = "the input, if it is an array"},
    {"objects", .text = "select(type == \"object\")", .help = "the input, if it is an object"},
    {"iterables", .text = "select(type == (\"array\", \"object\"))",
     .help = "the input, if it is an array or object"},
    {"scalars", .text = "select(type != \"array\" and type != \"object\")",
     .help = "the input, unless it is an array or object"},
    {"path", 1, .emit = emit_path, .help = "the path of each output of f"},
    {"getpath", 1, .emit = emit_getpath, .help = "the value at a path"},
    {"setpath", 2, .call = call_setpath, .help = "the input with another value at a path"},
    {"delpaths", 1, .call = call_delpaths, .help = "the input without these paths"},
    {"del", 1, .params = "f", .text = "delpaths([path(f)])", .help = "the input without these"},
    {"paths", .text = "path(..) | select(length > 0)", .help = "the paths of all values"},
    {"paths", 1, .params = "f", .text = "path(.. | select(f)) | select(length > 0)",
     .help = "the paths of the values for which f is true"},
    {"leaf_paths", .text = "paths(scalars)", .help = "the paths of all scalars"},
    {"map_values", 1, .params = "f", .text = "_update(.[]; f)",
     .help = "the input with f of each value"},
    {"_rename", 2, .params = "no",
     .text = "[path(o)] as $o | [path(n)] as $n | "
             "if $o[0] == null or ($o[0] != [] and "
             "(first((getpath($o[0][:-1]) | has($o[0][-1]))?, false) | not)) then . "
             "else getpath($o[0]) as $v | delpaths($o) | setpath($n[0]; $v) end"},
    {"_fold", 3, .emit = wr_emit_fold},
    {"_setpaths", 2, .call = call_setpaths},
    {"_assign", 2, .params = "pv", .text = "v as $v | _setpaths([path(p)]; $v)"},
    {"_update", 2, .params = "pf",
     .text = "_fold(path(p); _patch(.); . as $s | _patch_get($x) as $v | [$v | first(f)] as $n | "
             "$s | _patch_set($x; $n)) | _patched(.)"},
    {.name = NULL},
};
