/*
 * expr_print.c - writes a tree as text: one form for each tree, with brackets only where the tree
 * needs them. Recursion is bounded by the depth of the tree.
 */
#include "expr_tree.h"

static void print(struct wr_print *out, const struct wr_node *node, enum wr_op_level least);

static void put(struct wr_print *out, const char *terminated)
{
    wr_print_bytes(out, terminated, strlen(terminated));
}

static void put_text(struct wr_print *out, struct wr_text text)
{
    wr_print_bytes(out, text.data, text.len);
}

/* A string as JSON, without its quotes. */
static void put_inside(struct wr_print *out, struct wr_value string)
{
    static const char digits[] = "0123456789abcdef";
    for (uint32_t i = 0; i < string.len; i++) {
        unsigned char c = (unsigned char)string.as.text[i];
        char escape[] = {'\\', 'u', '0', '0', digits[c >> 4], digits[c & 15]};
        bool plain = c >= 0x20 && c != '"' && c != '\\' && c != 0x7f;
        if (c == '"' || c == '\\') {
            put(out, "\\");
        }
        wr_print_bytes(out, c < 0x20 || c == 0x7f ? escape : string.as.text + i,
                       plain || c == '"' || c == '\\' ? 1 : sizeof escape);
    }
}

static void put_literal(struct wr_print *out, struct wr_value value)
{
    static const char *const constants[] = {"null", "false", "true"};
    if (value.kind < WR_JSON_NUMBER) {
        put(out, constants[value.kind]);
    } else if (value.kind == WR_JSON_NUMBER) {
        put_text(out, wr_value_text(value));
    } else {
        put(out, "\"");
        put_inside(out, value);
        put(out, "\"");
    }
}

static bool is_name(struct wr_value string)
{
    for (uint32_t i = 0; i < string.len; i++) {
        if (!wr_is_name_byte(string.as.text[i], i == 0)) {
            return false;
        }
    }
    return string.len > 0;
}

static void put_string(struct wr_print *out, const struct wr_node *string)
{
    bool text = true;
    if (string->name.data != NULL) {
        put(out, "@");
        put_text(out, string->name);
        put(out, " ");
    }
    put(out, "\"");
    for (const struct wr_node *part = string->first; part != NULL;
         part = part->next, text = !text) {
        if (text) {
            put_inside(out, part->literal);
        } else {
            put(out, "\\(");
            print(out, part, WR_LEVEL_PIPE);
            put(out, ")");
        }
    }
    put(out, "\"");
}

static void put_suffix(struct wr_print *out, const struct wr_node *node, bool point)
{
    const struct wr_node *key = node->first;
    bool text = node->kind == WR_NODE_INDEX &&
                (key->kind == WR_NODE_STRING ||
                 (key->kind == WR_NODE_LITERAL && key->literal.kind == WR_JSON_STRING));
    if (node->kind == WR_NODE_MAYBE) {
        put(out, "?");
    } else if (text) {
        put(out, point ? "" : ".");
        if (key->kind == WR_NODE_LITERAL && is_name(key->literal)) {
            put_text(out, wr_value_text(key->literal));
        } else {
            print(out, key, WR_LEVEL_SUFFIX);
        }
    } else {
        put(out, "[");
        for (const struct wr_node *bound = key; bound != NULL; bound = bound->next) {
            put(out, bound != key ? ":" : "");
            print(out, bound, WR_LEVEL_PIPE);
        }
        put(out, "]");
    }
}

static void put_path(struct wr_print *out, const struct wr_node *path)
{
    const struct wr_node *base = path->first;
    bool prefix = base->kind == WR_NODE_CALL && base->count == 0 && wr_text_is(base->name, "not");
    bool brackets = prefix || base->kind == WR_NODE_DOTDOT || base->kind == WR_NODE_FORMAT ||
                    base->kind == WR_NODE_PATH ||
                    (base->kind == WR_NODE_LITERAL && base->literal.kind == WR_JSON_NUMBER);
    put(out, brackets ? "(" : "");
    print(out, base, brackets ? WR_LEVEL_PIPE : WR_LEVEL_SUFFIX);
    put(out, brackets ? ")" : "");
    for (const struct wr_node *node = base->next; node != NULL; node = node->next) {
        put_suffix(out, node, node == base->next && base->kind == WR_NODE_DOT);
    }
}

static void put_member(struct wr_print *out, const struct wr_node *member)
{
    const struct wr_node *key = member->first;
    bool literal = key->kind == WR_NODE_LITERAL && key->literal.kind == WR_JSON_STRING;
    if (literal && is_name(key->literal)) {
        put_text(out, wr_value_text(key->literal));
    } else if (literal || key->kind == WR_NODE_STRING || key->kind == WR_NODE_VARIABLE) {
        print(out, key, WR_LEVEL_SUFFIX);
    } else {
        put(out, "(");
        print(out, key, WR_LEVEL_PIPE);
        put(out, ")");
    }
    if (key->next != NULL) {
        put(out, ": ");
        print(out, key->next, WR_LEVEL_OTHERWISE);
    }
}

/* All children with the same text between them. */
static void put_children(struct wr_print *out, const struct wr_node *node, const char *between,
                         enum wr_op_level least)
{
    for (const struct wr_node *child = node->first; child != NULL; child = child->next) {
        put(out, child != node->first ? between : "");
        if (child->kind == WR_NODE_MEMBER) {
            put_member(out, child);
        } else {
            print(out, child, least);
        }
    }
}

static void put_chain(struct wr_print *out, const struct wr_node *chain)
{
    static const char *const texts[] = {
        "",    " | ",  ", ",   " // ", " or ", " and ", " == ", " != ", " < ",
        " > ", " <= ", " >= ", " =~ ", " + ",  " - ",   " * ",  " / ",  " % "};
    for (const struct wr_node *child = chain->first; child != NULL; child = child->next) {
        put(out, child == chain->first ? "" : texts[child->op]);
        print(out, child, chain->level + 1);
    }
}

static void put_if(struct wr_print *out, const struct wr_node *node)
{
    bool condition = true;
    put(out, "if ");
    for (const struct wr_node *child = node->first; child != NULL; child = child->next) {
        put(out, child == node->first  ? ""
                 : !condition          ? " then "
                 : child->next != NULL ? " elif "
                                       : " else ");
        print(out, child, WR_LEVEL_PIPE);
        condition = !condition;
    }
    put(out, " end");
}

static void put_as(struct wr_print *out, const struct wr_node *node)
{
    const struct wr_node *pattern = node->first->next;
    print(out, node->first, WR_LEVEL_SUFFIX);
    put(out, " as ");
    print(out, pattern, WR_LEVEL_SUFFIX);
    put(out, " | ");
    print(out, pattern->next, WR_LEVEL_PIPE);
}

static void put_named(struct wr_print *out, const char *before, const struct wr_node *node)
{
    put(out, before);
    put_text(out, node->name);
    if (node->count > 0) {
        put(out, "(");
        put_children(out, node, "; ", WR_LEVEL_PIPE);
        put(out, ")");
    }
}

/* The level of the outermost operator of a tree. */
static enum wr_op_level level_of(const struct wr_node *node)
{
    switch (node->kind) {
    case WR_NODE_CHAIN: return node->level;
    case WR_NODE_AS: return WR_LEVEL_PIPE;
    case WR_NODE_NOT: return WR_LEVEL_COMPARISON;
    case WR_NODE_NEGATE:
    case WR_NODE_TRY: return WR_LEVEL_PREFIX;
    default: return WR_LEVEL_SUFFIX;
    }
}

static void print_inside(struct wr_print *out, const struct wr_node *node)
{
    switch ((enum wr_node_kind)node->kind) {
    case WR_NODE_DOT: put(out, "."); break;
    case WR_NODE_DOTDOT: put(out, ".."); break;
    case WR_NODE_LITERAL: put_literal(out, node->literal); break;
    case WR_NODE_STRING: put_string(out, node); break;
    case WR_NODE_FORMAT: put_named(out, "@", node); break;
    case WR_NODE_PATH: put_path(out, node); break;
    case WR_NODE_ARRAY:
        put(out, "[");
        put_children(out, node, ", ", WR_LEVEL_PIPE);
        put(out, "]");
        break;
    case WR_NODE_OBJECT:
        put(out, "{");
        put_children(out, node, ", ", WR_LEVEL_PIPE);
        put(out, "}");
        break;
    case WR_NODE_VARIABLE: put_named(out, "$", node); break;
    case WR_NODE_CALL: put_named(out, "", node); break;
    case WR_NODE_NEGATE:
        put(out, "-");
        print(out, node->first, WR_LEVEL_PREFIX);
        break;
    case WR_NODE_NOT:
        put(out, "not ");
        print(out, node->first, WR_LEVEL_COMPARISON);
        break;
    case WR_NODE_CHAIN: put_chain(out, node); break;
    case WR_NODE_IF: put_if(out, node); break;
    case WR_NODE_AS: put_as(out, node); break;
    case WR_NODE_TRY:
        put(out, "try ");
        put_children(out, node, " catch ", WR_LEVEL_SUFFIX);
        break;
    case WR_NODE_INDEX:
    case WR_NODE_SLICE:
    case WR_NODE_EACH:
    case WR_NODE_MAYBE:
    case WR_NODE_MEMBER:
    case WR_NODE_NONE: break;
    }
}

static void print(struct wr_print *out, const struct wr_node *node, enum wr_op_level least)
{
    bool brackets = level_of(node) < least;
    put(out, brackets ? "(" : "");
    print_inside(out, node);
    put(out, brackets ? ")" : "");
}

void wr_expr_print(struct wr_print *out, const struct wr_node *node)
{
    print(out, node, WR_LEVEL_PIPE);
}
