/*
 * expr_program.h - what an expression is compiled to, and what runs it. Internal to lib/expr.
 *
 * The machine is jq's: a program takes one input and gives any number of outputs, one for each pull.
 * An instruction works on the top of a stack of values. Where a program can go on in more than one
 * way, a fork is put on a second stack; BACKTRACK takes the last fork and continues there, with the
 * stack as it was then. To that end values that a fork may still need are never overwritten: the
 * stack is a list, and what is popped below the last fork stays in memory.
 *
 * Some forks are frames: they hold what an operator collects over all outputs of its operand (the
 * array of [f], the last of last(f), the handler of try). The number of a frame lies on the stack
 * below the operand's input.
 */
#ifndef WR_EXPR_PROGRAM_H
#define WR_EXPR_PROGRAM_H

#include "expr.h"
#include "expr_tree.h"

#define WR_EXPR_OPS_MAX 65536u    /* instructions */
#define WR_EXPR_STACK_MAX 262144u /* entries, and forks */
#define WR_EXPR_ARGS_MAX 4u       /* of a function */

enum wr_code {
    WR_CODE_OUTPUT, /* give the top, as an output of the program */
    WR_CODE_CONST,  /* the top becomes *value */
    WR_CODE_DUP,
    WR_CODE_SWAP,
    WR_CODE_POP,
    WR_CODE_LOAD,   /* the top becomes variable n, counted from the innermost */
    WR_CODE_META,   /* the top becomes $meta */
    WR_CODE_BIND,   /* the top becomes a variable */
    WR_CODE_UNBIND, /* n variables go */
    WR_CODE_JUMP,   /* to `to` */
    WR_CODE_UNLESS, /* pop; jump if it is false or null */
    WR_CODE_IF,     /* pop; jump if it is not */
    WR_CODE_TRUTH,  /* the top becomes true or false */
    WR_CODE_NOT,
    WR_CODE_FORK, /* a fork that continues at `to` */
    WR_CODE_BACKTRACK,
    WR_CODE_FIELD,   /* the top becomes its member *value; n: the number of its name in the looks of
                        the program, + 1; 0: it has none */
    WR_CODE_INDEX,   /* [key, of] */
    WR_CODE_SLICE,   /* [to, from, of] */
    WR_CODE_EACH,    /* the top becomes each of its elements */
    WR_CODE_COMPUTE, /* [b, a]: a OP b, n: enum wr_operator; or [a] with *value as b */
    WR_CODE_NEGATE,
    WR_CODE_CALL,    /* [argument n, ..., argument 1, input] */
    WR_CODE_STRING,  /* [part n, ..., part 1, input]: join them with the texts in values */
    WR_CODE_OBJECT,  /* [(key,) value, ..., input]: n members; keys in values, or on the stack */
    WR_CODE_LIST,    /* [value, ..., input]: an array of n values */
    WR_CODE_COLLECT, /* frame: an array; continue at `to` when all is collected */
    WR_CODE_APPEND,
    WR_CODE_LIMIT, /* [count, input]: frame: at most count outputs; n: count, if not 0 */
    WR_CODE_LIMITED,
    WR_CODE_FOLD, /* [first, input]: frame: a value that FOLDED replaces; then to `to` */
    WR_CODE_LAST, /* as FOLD, without a first value: no output if there was none */
    WR_CODE_ACC,  /* [frame]: push its value */
    WR_CODE_FOLDED,
    WR_CODE_OTHERWISE, /* frame: continue at `to` with the input if no output was true */
    WR_CODE_FOUND,
    WR_CODE_TRY, /* frame: an error continues at `to` with its message; to 0: it backtracks */
    WR_CODE_TRIED,
    WR_CODE_RANGE,    /* [to, from]: each number from `from` to below `to` */
    WR_CODE_PATH,     /* begin to note the path of the top */
    WR_CODE_PATH_END, /* the top becomes the path that was noted */
    WR_CODE_GETPATH,  /* [path, of], noting it */
    WR_CODE_WALK,     /* frame: the first value of the top that has no children */
    WR_CODE_WALKED,
    WR_CODES
};

enum { WR_CODE_NOTES = 1, WR_CODE_MAYBE = 2 }; /* flags: notes the path; an error backtracks */

struct wr_function;

struct wr_op {
    uint8_t code, flags;
    uint16_t n;
    uint32_t to;
    union {
        const struct wr_value *value; /* one, or several */
        const struct wr_function *function;
    } as;
};

struct wr_program {
    struct wr_arena arena; /* of all that follows */
    struct wr_op *ops;
    uint32_t count;
    struct wr_json_looks *looks; /* NULL: none */
    bool meta;                   /* it reads $meta */
    uint8_t tells;               /* see expr_test.c */
};

/* ---- functions */

struct wr_compiling;

/* What a function is: exactly one of call, emit and text. */
struct wr_function {
    const char *name;
    uint8_t arity;
    bool asks; /* gives true or false */
    /* Look at the arguments before they are compiled; NULL: they need no check. */
    bool (*check)(struct wr_compiling *compiling, const struct wr_node *call);
    /* in[0] is the input, in[1] ... the arguments. false: wr_machine_fail or wr_machine_no_memory was
     * called. */
    bool (*call)(wr_machine *run, const struct wr_value *in, struct wr_value *out);
    /* Compile the call in place. notes: it must note paths. */
    bool (*emit)(struct wr_compiling *compiling, const struct wr_node *call, bool notes);
    /* An expression in which the letters of params, each one letter, are the arguments. */
    const char *params, *text;
    /* With a text: a tree that does the same as this call at less cost; NULL: there is none. */
    const struct wr_node *(*simpler)(struct wr_compiling *compiling, const struct wr_node *call);
    const char *help; /* one line; NULL: internal, its name begins with _ */
};

/* The tables of functions, each ends with a NULL name; the list ends with NULL. */
extern const struct wr_function *const wr_function_tables[];
extern const struct wr_function wr_functions_core[], wr_functions_list[], wr_functions_text[],
    wr_functions_patch[];
extern const struct wr_function wr_functions_tree[], wr_functions_string[], wr_functions_format[];
extern const struct wr_function wr_functions_regex[], wr_functions_math[], wr_functions_time[];
/* expr_fn_regex.c: a pattern that is a constant must be right. */
bool wr_check_pattern(struct wr_compiling *compiling, const struct wr_node *pattern);
/* NULL: there is no such function. */
const struct wr_function *wr_function_find(struct wr_text name, uint32_t arity);

/* ---- compiling: expr_compile.c */

bool wr_compile(struct wr_compiling *compiling, const struct wr_node *node, bool notes);
/* Add an instruction; NULL: too many, or no memory. */
struct wr_op *wr_emit(struct wr_compiling *compiling, enum wr_code code);
/* The number of the next instruction, and jumps to it. */
uint32_t wr_emit_place(const struct wr_compiling *compiling);
void wr_emit_target(struct wr_compiling *compiling, uint32_t op);
/* Compile DUP, node, SWAP: the value of a node of its own below the input. */
bool wr_emit_beside(struct wr_compiling *compiling, const struct wr_node *node);
/* _fold(e; i; u): for each output of e, which is $x in u, the value becomes u of it; it begins as i. */
bool wr_emit_fold(struct wr_compiling *compiling, const struct wr_node *call, bool notes);
bool wr_compile_fail(struct wr_compiling *compiling, const struct wr_node *node, const char *format,
                     ...) WEIR_PRINTF(3, 4);

/* expr_test.c: whether it may be done without a run, and how. */
uint8_t wr_program_tells(const wr_program *program);

/* ---- running: for functions */

/* Both return false. The message becomes the error's value. */
bool wr_machine_fail(wr_machine *run, const char *format, ...) WEIR_PRINTF(2, 3);
bool wr_machine_no_memory(wr_machine *run);
bool wr_machine_throw(wr_machine *run, struct wr_value error);
/* The beginning of a value as JSON, for messages. */
enum { WR_SHOWN_CAP = 16 };
const char *wr_machine_shown(wr_machine *run, struct wr_value value, char to[WR_SHOWN_CAP]);
/* A string itself, for messages: its beginning, or *** for a secret. */
struct wr_text wr_string_shown(struct wr_value string);
const char *wr_kind_name(struct wr_value value);

/* expr_access.c: count the steps of going through the elements or members of a value. */
void wr_machine_work(wr_machine *run, struct wr_value value);
/* expr_access.c: what to look into instead of a container: the same one, or, from the second look on
 * into a large container of the input, a copy in which nothing must be searched. */
struct wr_value wr_machine_table(wr_machine *run, struct wr_value of);
/* expr_access.c: .[key], .[from:to], a OP b, as jq has them. false: the run has failed. */
bool wr_index(wr_machine *run, struct wr_value of, struct wr_value key, struct wr_value *result);
/* All places of in[1] in in[0], strings or arrays. */
bool wr_indices(wr_machine *run, const struct wr_value *in, struct wr_value *out);
bool wr_slice(wr_machine *run, struct wr_value of, struct wr_value from, struct wr_value to,
              struct wr_value *result);
bool wr_compute(wr_machine *run, int op, struct wr_value a, struct wr_value b,
                struct wr_value *result);
/* The bounds of a slice in a sequence of `count`: [*first, *after). false: they are not numbers. */
bool wr_slice_bounds(struct wr_value from, struct wr_value to, uint32_t count, uint32_t *first,
                     uint32_t *after);
/* Characters of a string. */
uint32_t wr_characters(struct wr_text text);
/* Both are strings. */
bool wr_split(wr_machine *run, struct wr_value string, struct wr_value separator,
              struct wr_value *result);
/* expr_fn_list.c: the values of an array or object, which others are not. */
bool wr_values(wr_machine *run, struct wr_value of, const struct wr_value **list, uint32_t *count);
/* expr_path.c: paths are arrays of keys. */
bool wr_path_get(wr_machine *run, struct wr_value of, struct wr_value path,
                 struct wr_value *result);
bool wr_path_set(wr_machine *run, struct wr_value of, struct wr_value path, struct wr_value value,
                 struct wr_value *result);
bool wr_paths_set(wr_machine *run, struct wr_value of, struct wr_value paths, struct wr_value value,
                  struct wr_value *result);
bool wr_paths_delete(wr_machine *run, struct wr_value of, struct wr_value paths,
                     struct wr_value *result);

#endif
