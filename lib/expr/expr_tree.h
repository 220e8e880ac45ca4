/*
 * expr_tree.h - expressions as trees: read from a text, and printed.
 *
 * The language is jq's; what it has beyond: prefix `not X`, `=~`, raw strings `...` and '...', and
 * operators in the values of an object. What it does not have: reduce, foreach, def, label, and
 * assignments, which a component may allow (`assigns`).
 *
 * An expression ends at the first token that cannot continue it, so keywords, named arguments and
 * blocks of a component end it. Outside brackets | does not continue it either, unless the text is a
 * whole program.
 *
 * A tree lies in an arena and refers to nothing outside it. Its depth is limited by the nesting of
 * the text: operands of one level of operators stand side by side, and so do the suffixes of a path.
 */
#ifndef WR_EXPR_TREE_H
#define WR_EXPR_TREE_H

#include "base_print.h"
#include "expr_value.h"

#define WR_EXPR_NESTING_MAX 64u /* texts may be read on a small stack */

/* Levels of operators, the lowest first. */
enum wr_op_level {
    WR_LEVEL_PIPE,
    WR_LEVEL_COMMA,
    WR_LEVEL_OTHERWISE, /* //, the only one that is right-associative */
    WR_LEVEL_OR,
    WR_LEVEL_AND,
    WR_LEVEL_COMPARISON, /* not associative: two operands */
    WR_LEVEL_SUM,
    WR_LEVEL_PRODUCT,
    WR_LEVEL_PREFIX,
    WR_LEVEL_SUFFIX
};

enum wr_operator {
    WR_OP_NONE,
    WR_OP_PIPE,
    WR_OP_COMMA,
    WR_OP_OTHERWISE,
    WR_OP_OR,
    WR_OP_AND,
    WR_OP_EQUAL,
    WR_OP_DIFFERENT,
    WR_OP_LESS,
    WR_OP_GREATER,
    WR_OP_LESS_EQUAL,
    WR_OP_GREATER_EQUAL,
    WR_OP_MATCHES,
    WR_OP_ADD,
    WR_OP_SUBTRACT,
    WR_OP_MULTIPLY,
    WR_OP_DIVIDE,
    WR_OP_REMAINDER
};

enum wr_node_kind {
    WR_NODE_DOT,     /* . */
    WR_NODE_DOTDOT,  /* .. */
    WR_NODE_LITERAL, /* null, true, false, a number, a string without \( ) */
    WR_NODE_STRING,  /* children: text, expression, text, ..., text; name: the @format, or NULL */
    WR_NODE_FORMAT,  /* @name */
    WR_NODE_PATH,    /* children: a base, then suffixes */
    WR_NODE_INDEX,   /* suffix: child */
    WR_NODE_SLICE,   /* suffix: two children; NONE where a bound is not given */
    WR_NODE_EACH,    /* suffix [] */
    WR_NODE_MAYBE,   /* suffix ? */
    WR_NODE_NONE,
    WR_NODE_ARRAY,  /* [ ]: no child or one */
    WR_NODE_OBJECT, /* children: MEMBERs */
    WR_NODE_MEMBER, /* key, and value unless it is { name } or { $name } */
    WR_NODE_VARIABLE,
    WR_NODE_CALL,   /* name; children: its arguments */
    WR_NODE_NEGATE, /* -x */
    WR_NODE_NOT,    /* not x */
    WR_NODE_CHAIN,  /* operands of operators of one level; each has the operator before it */
    WR_NODE_IF,     /* condition, value, condition, value, ..., and perhaps the value of else */
    WR_NODE_AS,     /* source, pattern (VARIABLE, or ARRAY or OBJECT of patterns), body */
    WR_NODE_TRY     /* body, and perhaps what catches */
};

struct wr_node {
    uint8_t kind;     /* enum wr_node_kind */
    uint8_t op;       /* enum wr_operator: the one before it in a CHAIN */
    uint8_t level;    /* CHAIN: enum wr_op_level */
    uint32_t count;   /* of children */
    uint32_t at, len; /* its place in the text */
    struct wr_node *first, *last, *next;
    struct wr_text name;     /* VARIABLE, CALL, FORMAT, STRING; without $ and @ */
    struct wr_value literal; /* LITERAL */
};

struct wr_expr_text {
    const char *text;
    size_t at, end;     /* what is read; comments are read as spaces */
    bool whole;         /* a whole program: | continues it */
    bool internal;      /* functions whose names begin with _ are known */
    const char *params; /* letters that are names of arguments; NULL: none */
};

struct wr_expr_read {
    struct wr_node *root; /* NULL: a mistake */
    size_t from, to;      /* of the expression */
    size_t at;            /* the token that ends it */
    size_t assigns;       /* the length of that token if it is an assignment, = or |= and similar */
    /* The mistake: WEIR_EINVAL, or WEIR_ENOMEM. */
    int code;
    size_t error_at, error_len;   /* len 0: something is missing there */
    bool escape;                  /* it is about an escape in a string */
    char message[160], hint[160]; /* hint: what to type instead; may be empty */
};

/* Read the expression that begins at text->at. Returns read->code. */
int wr_expr_parse(struct wr_arena *arena, const struct wr_expr_text *text,
                  struct wr_expr_read *read);

/* Write the text of a tree in one form: it is read as the same tree, as a whole program. */
void wr_expr_print(struct wr_print *out, const struct wr_node *node);

/* ---- words: expr_words.c */

/* Whether this is a function, with arguments (called) or without; whether it gives true or false. */
bool wr_expr_is_function(struct wr_text name, bool called);
bool wr_expr_is_question(struct wr_text name);
/* Whether an expression, or a program of jq, begins with this word: if, reduce. */
bool wr_expr_is_keyword(struct wr_text name);
/* The message about an assignment, behind the operator; of |=, += and similar nobody means ==. */
#define WR_EXPR_ASSIGNS_ONE " assigns in jq; to compare write '=='"
#define WR_EXPR_ASSIGNS_MORE " assigns in jq"
#define WR_EXPR_ASSIGNS(len) ((len) == 1 ? WR_EXPR_ASSIGNS_ONE : WR_EXPR_ASSIGNS_MORE)
#define WR_EXPR_PROGRAMS "write jq `PROGRAM`: it has the whole language of jq"
/* What to write in place of a function of jq that expressions do not have; NULL: it is none. */
const char *wr_expr_elsewhere(struct wr_text name);
/* What is written in place of an operator or a word of another language: "and" for "&&"; NULL: this
 * is none. */
const char *wr_expr_translated(struct wr_text word);
struct wr_guess;
/* Offer the names of all functions; called: of those with arguments, else of those without. */
void wr_expr_guess(struct wr_guess *guess, bool called);

/* ---- tokens: expr_token.c */

/* A text being read. */
struct wr_parsing {
    const char *text;
    size_t at, end;
    unsigned brackets, nesting;
    const char *params;
    struct wr_arena *arena;
    struct wr_expr_read *read;
};

/* Record the first mistake; text[at .. at + len) stands in quotes before `what` if len is not 0.
 * Returns NULL. */
struct wr_node *wr_parse_fail(struct wr_parsing *parsing, size_t at, size_t len, const char *what);
void wr_parse_hint(struct wr_parsing *parsing, const char *format, ...) WEIR_PRINTF(2, 3);
/* Record that the arena has no more memory, unless a mistake was recorded before. Returns NULL. */
void *wr_parse_no_memory(struct wr_parsing *parsing);
/* NULL with the mistake recorded. */
struct wr_node *wr_parse_node(struct wr_parsing *parsing, enum wr_node_kind kind, size_t at);
void wr_node_add(struct wr_node *parent, struct wr_node *child);
/* Move to the next token; returns its first byte, '\0' at the end. */
char wr_parse_peek(struct wr_parsing *parsing);
/* The byte at this distance from the current place, '\0' after the end. */
char wr_parse_byte(const struct wr_parsing *parsing, size_t ahead);
/* Length of the name at the current place; 0: there is none. */
size_t wr_parse_word_len(const struct wr_parsing *parsing);
bool wr_parse_is_word(const struct wr_parsing *parsing, const char *word);
/* The operator at the current token, its level and length; WR_OP_NONE: there is none. */
enum wr_operator wr_parse_operator(struct wr_parsing *parsing, enum wr_op_level *level,
                                   size_t *len);
/* Length of the assignment operator at the current token; 0: there is none. */
size_t wr_parse_assignment(struct wr_parsing *parsing);
struct wr_node *wr_parse_number(struct wr_parsing *parsing);
/* Read one escape at in[0] == '\\' of a "..." string. Writes at most 4 bytes; returns the bytes
 * read, 0: it is not an escape of JSON. */
size_t wr_escape_read(const char *in, size_t len, char *to, size_t *to_len);
/* A copy of text[at .. at + len) in the arena; data NULL with the mistake recorded. */
struct wr_text wr_parse_copy(struct wr_parsing *parsing, size_t at, size_t len);
bool wr_is_name_byte(char c, bool first);

/* ---- operands: expr_operand.c, which calls the functions of expr_parse.c for what is inside */

/* Each returns NULL with the mistake recorded. */
struct wr_node *wr_parse_operand(struct wr_parsing *parsing);
/* The quoted text at the current place. format: its @format, or data NULL. */
struct wr_node *wr_parse_string(struct wr_parsing *parsing, struct wr_text format);
/* text[from .. to) as a string; raw: without escapes. */
struct wr_node *wr_parse_literal(struct wr_parsing *parsing, size_t from, size_t to, bool raw);
/* The key of a member: name, string, $name, (expression). */
struct wr_node *wr_parse_key(struct wr_parsing *parsing);
/* A node whose name follows the one byte at the current place. */
struct wr_node *wr_parse_sigil(struct wr_parsing *parsing, enum wr_node_kind kind);
struct wr_node *wr_parse_level(struct wr_parsing *parsing, enum wr_op_level least);
struct wr_node *wr_parse_not_allowed(struct wr_parsing *parsing);
/* Move past a closing bracket; `opener` is the place of the one that it closes. */
bool wr_parse_take(struct wr_parsing *parsing, char closer, size_t opener);
/* Add a child that was parsed; NULL if it was not. */
struct wr_node *wr_node_parsed(struct wr_node *parent, struct wr_node *child);
bool wr_is_quote(char c);

#endif
