/*
 * expr_parse.c - reads an expression as a tree, by precedence climbing.
 *
 * wr_parse_level reads operands and the operators between them that bind at least as tightly as its
 * level; parse_term reads one operand (expr_operand.c) and what stands directly behind it. Each
 * function returns NULL when a mistake was recorded, and every caller passes that on. Recursion is
 * bounded by WR_EXPR_NESTING_MAX calls of wr_parse_level.
 */
#include "expr_tree.h"

#include "base_error.h"

/* Whether a value ends before the current place. */
static bool is_behind_value(const struct wr_parsing *parsing)
{
    size_t at = parsing->at;
    while (at > 0 && parsing->text[at - 1] == ' ') {
        at--;
    }
    char c = at > 0 ? parsing->text[at - 1] : '\0';
    return wr_is_name_byte(c, false) || wr_is_quote(c) || (c != '\0' && strchr(")]}", c) != NULL);
}

/* Add a hint to what is not allowed: what another language writes so, or what is missing before
 * it. */
static void hint_meant(struct wr_parsing *parsing, size_t len)
{
    const char *text = parsing->text + parsing->at;
    bool differs = text[0] == '>' && parsing->at > 0 && text[-1] == '<';
    const char *meant = differs ? "!=" : wr_expr_translated((struct wr_text){text, len});
    bool begins =
        wr_is_name_byte(text[0], false) || wr_is_quote(text[0]) || strchr(".$[{(", text[0]) != NULL;
    if (meant != NULL) {
        wr_parse_hint(parsing, "write '%s'", meant);
    } else if (text[0] == '/') {
        wr_parse_hint(parsing, "a pattern is written `...`");
    } else if (begins && is_behind_value(parsing)) {
        wr_parse_hint(parsing, "is a comma or an operator missing before it?");
    }
}

struct wr_node *wr_parse_not_allowed(struct wr_parsing *parsing)
{
    size_t assigns = wr_parse_assignment(parsing);
    if (assigns > 0) {
        (void)wr_parse_fail(parsing, parsing->at, assigns,
                            assigns == 1 ? "'" WR_EXPR_ASSIGNS_ONE : "'" WR_EXPR_ASSIGNS_MORE);
        wr_parse_hint(parsing, "to assign: set .a = ..., or jq `PROGRAM`");
        return NULL;
    }
    if (parsing->at == parsing->end) {
        return wr_parse_fail(parsing, parsing->at, 0, "an expression is missing");
    }
    char c = wr_parse_byte(parsing, 0);
    size_t len = c == '&' && wr_parse_byte(parsing, 1) == '&' ? 2 : wr_parse_word_len(parsing);
    (void)wr_parse_fail(parsing, parsing->at, WR_MAX(len, (size_t)1), "' is not allowed here");
    hint_meant(parsing, WR_MAX(len, (size_t)1));
    return NULL;
}

/* Move past a closing bracket or the like; `opener` is the place of what it closes. */
bool wr_parse_take(struct wr_parsing *parsing, char c, size_t opener)
{
    if (wr_parse_peek(parsing) == c) {
        parsing->at++;
        return true;
    }
    (void)(parsing->at == parsing->end ? wr_parse_fail(parsing, opener, 1, "' is not closed")
                                       : wr_parse_not_allowed(parsing));
    return false;
}

struct wr_node *wr_node_parsed(struct wr_node *parent, struct wr_node *child)
{
    if (child == NULL) {
        return NULL;
    }
    wr_node_add(parent, child);
    return parent;
}

/* ---- suffixes */

/* A bound of a slice, which may be missing. */
static struct wr_node *parse_bound(struct wr_parsing *parsing)
{
    char c = wr_parse_peek(parsing);
    return c == ':' || c == ']' ? wr_parse_node(parsing, WR_NODE_NONE, parsing->at)
                                : wr_parse_level(parsing, WR_LEVEL_PIPE);
}

/* Read [], [x], [x:y] at the current place. */
static struct wr_node *parse_square(struct wr_parsing *parsing)
{
    size_t opener = parsing->at++;
    struct wr_node *node = wr_parse_node(parsing, WR_NODE_INDEX, opener);
    if (node == NULL) {
        return NULL;
    }
    if (wr_parse_peek(parsing) == ']') {
        parsing->at++;
        node->kind = WR_NODE_EACH;
        return node;
    }
    parsing->brackets++;
    node = wr_node_parsed(node, parse_bound(parsing));
    if (node != NULL && wr_parse_peek(parsing) == ':') {
        parsing->at++;
        node->kind = WR_NODE_SLICE;
        node = wr_node_parsed(node, parse_bound(parsing));
    }
    parsing->brackets--;
    if (node == NULL || !wr_parse_take(parsing, ']', opener)) {
        return NULL;
    }
    return node->kind == WR_NODE_SLICE && node->first->kind == WR_NODE_NONE &&
                   node->last->kind == WR_NODE_NONE
               ? wr_parse_fail(parsing, opener, 0, "a bound is missing, as in [2:] or [:5]")
               : node;
}

/* Read name or "any name" behind a point. */
static struct wr_node *parse_field(struct wr_parsing *parsing, size_t point)
{
    size_t from = parsing->at;
    size_t len = wr_parse_word_len(parsing);
    struct wr_node *key;
    if (len > 0) {
        parsing->at += len;
        key = wr_parse_literal(parsing, from, from + len, true);
    } else {
        key = wr_parse_string(parsing, (struct wr_text){NULL, 0});
    }
    struct wr_node *node = key != NULL ? wr_parse_node(parsing, WR_NODE_INDEX, point) : NULL;
    return node != NULL ? wr_node_parsed(node, key) : NULL;
}

/* The suffix at the current place; NULL: there is none, or a mistake was recorded. `base` is what it
 * is a suffix of. */
static struct wr_node *parse_suffix(struct wr_parsing *parsing, const struct wr_node *base)
{
    size_t at = parsing->at;
    char c = wr_parse_byte(parsing, 0);
    bool point = base->kind == WR_NODE_DOT; /* the base is the point of .name */
    char next = wr_parse_byte(parsing, 1);
    if (c == '?') {
        parsing->at++;
        return wr_parse_node(parsing, WR_NODE_MAYBE, at);
    }
    if (c == '[') {
        return parse_square(parsing);
    }
    if (point && (wr_is_name_byte(c, true) || wr_is_quote(c))) {
        return parse_field(parsing, at);
    }
    if (c == '.' && (wr_is_name_byte(next, true) || wr_is_quote(next))) {
        parsing->at++;
        return parse_field(parsing, at);
    }
    if (c == '.' && next == '[') {
        parsing->at++;
        return parse_square(parsing);
    }
    return NULL;
}

static struct wr_node *parse_suffixes(struct wr_parsing *parsing, struct wr_node *base)
{
    struct wr_node *path = NULL;
    for (struct wr_node *suffix;
         (suffix = parse_suffix(parsing, path == NULL ? base : path)) != NULL;) {
        if (path == NULL) {
            path = wr_parse_node(parsing, WR_NODE_PATH, base->at);
            if (path == NULL) {
                return NULL;
            }
            wr_node_add(path, base);
        }
        wr_node_add(path, suffix);
        path->len = (uint32_t)(parsing->at - base->at);
    }
    return parsing->read->code != 0 ? NULL : path != NULL ? path : base;
}

/* ---- bindings and operators */

static struct wr_node *parse_pattern(struct wr_parsing *parsing)
{
    char c = wr_parse_peek(parsing);
    size_t opener = parsing->at;
    if (c == '$') {
        return wr_parse_sigil(parsing, WR_NODE_VARIABLE);
    }
    if ((c != '[' && c != '{') || parsing->nesting == WR_EXPR_NESTING_MAX) {
        return wr_parse_fail(parsing, opener, 0, "a variable is missing, as in (.a as $x | ...)");
    }
    struct wr_node *pattern =
        wr_parse_node(parsing, c == '[' ? WR_NODE_ARRAY : WR_NODE_OBJECT, opener);
    parsing->at++;
    parsing->nesting++;
    for (bool more = true; pattern != NULL && more;) {
        struct wr_node *member = pattern;
        if (c == '{') {
            (void)wr_parse_peek(parsing);
            member = wr_parse_node(parsing, WR_NODE_MEMBER, parsing->at);
            if (member == NULL || wr_node_parsed(member, wr_parse_key(parsing)) == NULL) {
                return NULL;
            }
            wr_node_add(pattern, member);
        }
        if (c == '[' || wr_parse_peek(parsing) == ':') {
            parsing->at += c == '{';
            if (wr_node_parsed(member, parse_pattern(parsing)) == NULL) {
                return NULL;
            }
        } else if (member->first->kind != WR_NODE_VARIABLE) {
            return wr_parse_not_allowed(parsing);
        }
        more = wr_parse_peek(parsing) == ',';
        parsing->at += more;
    }
    parsing->nesting--;
    return pattern != NULL && wr_parse_take(parsing, c == '[' ? ']' : '}', opener) ? pattern : NULL;
}

/* Read "as PATTERN | BODY" behind an operand. */
static struct wr_node *parse_as(struct wr_parsing *parsing, struct wr_node *source)
{
    size_t word = parsing->at;
    struct wr_node *node = wr_parse_node(parsing, WR_NODE_AS, source->at);
    parsing->at += 2;
    char c = wr_parse_peek(parsing);
    if (parsing->brackets == 0 && (c == '$' || c == '[' || c == '{')) {
        (void)wr_parse_fail(parsing, word, 2, "' needs brackets");
        wr_parse_hint(parsing, "write (.a as $x | ...)");
        return NULL;
    }
    if (parsing->brackets == 0) { /* it is a keyword that ends the expression */
        parsing->at = word;
        return source;
    }
    if (node == NULL || wr_node_parsed(node, source) == NULL ||
        wr_node_parsed(node, parse_pattern(parsing)) == NULL) {
        return NULL;
    }
    if (wr_parse_peek(parsing) != '|' || wr_parse_byte(parsing, 1) == '=') {
        return wr_parse_fail(parsing, parsing->at, 0, "a | is missing, as in (.a as $x | ...)");
    }
    parsing->at++;
    return wr_node_parsed(node, wr_parse_level(parsing, WR_LEVEL_PIPE));
}

static struct wr_node *parse_term(struct wr_parsing *parsing)
{
    struct wr_node *term = wr_parse_operand(parsing);
    term = term != NULL ? parse_suffixes(parsing, term) : NULL;
    if (term == NULL) {
        return NULL;
    }
    size_t after = parsing->at;
    (void)wr_parse_peek(parsing);
    if (wr_parse_is_word(parsing, "as")) {
        size_t word = parsing->at;
        term = parse_as(parsing, term);
        parsing->at = term != NULL && parsing->at == word ? after : parsing->at;
    } else {
        parsing->at = after;
    }
    return term;
}

/* Continue `left` with an operator and an operand. *chain is the chain that `left` is, if this call
 * of parse_level made it. */
static struct wr_node *join(struct wr_parsing *parsing, struct wr_node *left,
                            struct wr_node **chain, enum wr_op_level level, enum wr_operator op,
                            struct wr_node *right)
{
    if (*chain == NULL || (*chain)->level != level) {
        *chain = wr_parse_node(parsing, WR_NODE_CHAIN, left->at);
        if (*chain == NULL) {
            return NULL;
        }
        (*chain)->level = (uint8_t)level;
        left->op = WR_OP_NONE;
        wr_node_add(*chain, left);
    }
    right->op = (uint8_t)op;
    wr_node_add(*chain, right);
    (*chain)->len = (uint32_t)(parsing->at - (*chain)->at);
    return *chain;
}

struct wr_node *wr_parse_level(struct wr_parsing *parsing, enum wr_op_level least)
{
    struct wr_node *chain = NULL;
    enum wr_op_level level;
    enum wr_operator op;
    size_t len;
    if (parsing->nesting == WR_EXPR_NESTING_MAX) {
        return wr_parse_fail(parsing, parsing->at, 0, "the expression is nested too deep");
    }
    parsing->nesting++;
    struct wr_node *left = parse_term(parsing);
    for (;;) {
        size_t after = parsing->at;
        if (left == NULL || (op = wr_parse_operator(parsing, &level, &len)) == WR_OP_NONE ||
            level < least) {
            parsing->at = left != NULL ? after : parsing->at;
            break;
        }
        parsing->at += len;
        struct wr_node *right = wr_parse_level(parsing, level + 1);
        left = right != NULL ? join(parsing, left, &chain, level, op, right) : NULL;
        after = parsing->at;
        enum wr_op_level next;
        if (left != NULL && level == WR_LEVEL_COMPARISON &&
            wr_parse_operator(parsing, &next, &len) != WR_OP_NONE && next == level) {
            left = wr_parse_fail(parsing, parsing->at, len,
                                 "' is not allowed here: comparisons cannot be chained (as in jq)");
        }
        parsing->at = left != NULL ? after : parsing->at;
    }
    parsing->nesting--;
    return left;
}

int wr_expr_parse(struct wr_arena *arena, const struct wr_expr_text *text,
                  struct wr_expr_read *read)
{
    struct wr_parsing parsing = {.text = text->text,
                                 .at = text->at,
                                 .end = text->end,
                                 .brackets = text->whole ? 1 : 0,
                                 .params = text->params != NULL ? text->params : "",
                                 .arena = arena,
                                 .read = read};
    *read = (struct wr_expr_read){.root = NULL};
    (void)wr_parse_peek(&parsing);
    read->from = parsing.at;
    struct wr_node *root = wr_parse_level(&parsing, WR_LEVEL_PIPE);
    read->to = parsing.at;
    if (root != NULL) {
        (void)wr_parse_peek(&parsing);
        read->at = parsing.at;
        read->assigns = wr_parse_assignment(&parsing);
        if (text->whole && read->assigns == 0 && parsing.at < parsing.end) {
            root = wr_parse_not_allowed(&parsing);
        }
    }
    read->root = root;
    return read->code;
}
