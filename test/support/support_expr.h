/*
 * support_expr.h - trees of expressions for tests: written out with all their brackets, so that two
 * trees are the same if their texts are; and expressions made at random.
 */
#ifndef WR_SUPPORT_EXPR_H
#define WR_SUPPORT_EXPR_H

#include <stdlib.h>

#include "expr_tree.h"

/* (KIND op name literal child child ...) */
static inline void wr_tree_dump(struct wr_print *out, const struct wr_node *node)
{
    static const char *const kinds[] = {".",      "..",     "literal", "string", "format", "path",
                                        "index",  "slice",  "each",    "maybe",  "none",   "array",
                                        "object", "member", "$",       "call",   "-",      "not",
                                        "chain",  "if",     "as",      "try"};
    static const char *const ops[] = {"",  "|",  ",",  "//", "or", "and", "==", "!=", "<",
                                      ">", "<=", ">=", "=~", "+",  "-",   "*",  "/",  "%"};
    bool plain = node->first == NULL && node->name.data == NULL && node->kind != WR_NODE_LITERAL;
    wr_printf(out, "%s%s%s", plain ? "" : "(", ops[node->op], node->op != 0 ? " " : "");
    if (node->kind == WR_NODE_LITERAL && node->literal.kind >= WR_JSON_NUMBER) {
        const char *quote = node->literal.kind == WR_JSON_STRING ? "'" : "";
        wr_printf(out, "%s", quote);
        wr_print_bytes(out, node->literal.as.text, node->literal.len);
        wr_printf(out, "%s", quote);
    } else if (node->kind == WR_NODE_LITERAL) {
        wr_printf(out, "%d", node->literal.kind);
    } else {
        wr_printf(out, "%s", kinds[node->kind]);
    }
    if (node->name.data != NULL) {
        wr_printf(out, " %.*s", (int)node->name.len, node->name.data);
    }
    for (const struct wr_node *child = node->first; child != NULL; child = child->next) {
        wr_printf(out, " ");
        wr_tree_dump(out, child);
    }
    wr_printf(out, "%s", plain ? "" : ")");
}

/* As a terminated text; free it. */
static inline char *wr_tree_text(const struct wr_node *node,
                                 void (*write)(struct wr_print *out, const struct wr_node *node))
{
    struct wr_print out;
    wr_print_to(&out, NULL, 0);
    write(&out, node);
    size_t cap = out.len + 1;
    char *text = malloc(cap);
    if (text != NULL) {
        wr_print_to(&out, text, cap);
        write(&out, node);
    }
    return text;
}

/* Whether the printed form of a whole program is read as the same tree, and printed as the same. It may
 * have more brackets than the text, so one that was nested nearly too deep is left out. */
static inline bool wr_tree_prints_alike(const struct wr_node *root)
{
    struct wr_arena arena;
    struct wr_expr_read again;
    char *printed = wr_tree_text(root, wr_expr_print);
    char *dumped = wr_tree_text(root, wr_tree_dump);
    wr_arena_init(&arena, (size_t)64 << 20);
    bool alike = printed != NULL && dumped != NULL;
    struct wr_expr_text text = {.text = printed, .end = alike ? strlen(printed) : 0, .whole = true};
    alike = alike && wr_expr_parse(&arena, &text, &again) == 0;
    bool deep = !alike && printed != NULL && strstr(again.message, "too deep") != NULL;
    char *second = alike ? wr_tree_text(again.root, wr_tree_dump) : NULL;
    char *third = alike ? wr_tree_text(again.root, wr_expr_print) : NULL;
    alike = second != NULL && third != NULL && strcmp(second, dumped) == 0 &&
            strcmp(third, printed) == 0;
    free(printed);
    free(dumped);
    free(second);
    free(third);
    wr_arena_fini(&arena);
    return alike || deep;
}

#endif
