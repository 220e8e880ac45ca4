/*
 * expr_compiling.h - the state of a compilation, shared by expr_compile.c, expr_compile_made.c and
 * expr_bind.c.
 */
#ifndef WR_EXPR_COMPILING_H
#define WR_EXPR_COMPILING_H

#include "expr_program.h"

/* A name that is known in a part of the tree. */
struct wr_scope {
    const struct wr_scope *up;
    struct wr_text name;
    uint32_t variable;              /* of a $name: its number, counted from the outermost */
    const struct wr_node *argument; /* of an argument: its tree, and where its names are known */
    const struct wr_scope *outside;
    unsigned depth; /* of the text that it is written in */
};

struct wr_compiling {
    wr_program *program;
    size_t room; /* instructions */
    struct wr_named *named;
    size_t named_count;
    const struct wr_scope *scope;
    uint32_t variables; /* bound at this place */
    unsigned nesting;
    unsigned depth; /* of the text that is compiled: 0 is the expression, 1 the text of a function
                              that it calls ... */
    unsigned failed_depth; /* of the text that read->error_at is a place in */
    bool inside;           /* the text of a function: names with _ are known */
    struct wr_expr_read *read;
};

/* expr_bind.c: $name, and source as PATTERN | body. */
bool wr_compile_variable(struct wr_compiling *compiling, const struct wr_node *node);
bool wr_compile_as(struct wr_compiling *compiling, const struct wr_node *node, bool notes);
/* A call of a function, or of an argument of the function that is being compiled. */
bool wr_compile_call(struct wr_compiling *compiling, const struct wr_node *node, bool notes);
/* Call a function whose arguments lie on the stack. */
bool wr_emit_call(struct wr_compiling *compiling, const struct wr_node *node,
                  const struct wr_function *function);
/* Add an instruction whose target is set later; *op is its number. */
bool wr_emit_ahead(struct wr_compiling *compiling, enum wr_code code, uint32_t *op);
bool wr_emit_value(struct wr_compiling *compiling, enum wr_code code, const struct wr_value *value);
bool wr_compile_no_memory(struct wr_compiling *compiling);
/* expr_compile_made.c */
bool wr_compile_array(struct wr_compiling *compiling, const struct wr_node *array);
bool wr_compile_object(struct wr_compiling *compiling, const struct wr_node *object);
bool wr_compile_string(struct wr_compiling *compiling, const struct wr_node *string);
/* The function that makes a part of a string: @format, or tostring. NULL: there is none, a mistake. */
const struct wr_function *wr_format_of(struct wr_compiling *compiling, const struct wr_node *node,
                                       struct wr_text name);
/* Free what a program holds. */
void wr_program_fini(wr_program *program);
/* expr_fold.c: operators of constants in a tree become constants. */
void wr_expr_fold(struct wr_arena *arena, struct wr_node *node);

#endif
