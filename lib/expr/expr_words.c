/*
 * expr_words.c - the functions by their names, from the tables of the files that have them.
 */
#include "expr_program.h"

#include "base_guess.h"

const struct wr_function *const wr_function_tables[] = {wr_functions_core,
                                                        wr_functions_list,
                                                        wr_functions_text,
                                                        wr_functions_tree,
                                                        wr_functions_string,
                                                        wr_functions_format,
                                                        wr_functions_regex,
                                                        wr_functions_math,
                                                        wr_functions_time,
                                                        wr_functions_patch,
                                                        NULL};

/* The first function of this name from `from` on, in the same table; NULL: none. */
static const struct wr_function *next_named(const struct wr_function *from, struct wr_text name)
{
    while (from->name != NULL &&
           (strlen(from->name) != name.len || memcmp(from->name, name.data, name.len) != 0)) {
        from++;
    }
    return from->name != NULL ? from : NULL;
}

const struct wr_function *wr_function_find(struct wr_text name, uint32_t arity)
{
    for (size_t i = 0; wr_function_tables[i] != NULL; i++) {
        for (const struct wr_function *function = next_named(wr_function_tables[i], name);
             function != NULL; function = next_named(function + 1, name)) {
            if (function->arity == arity) {
                return function;
            }
        }
    }
    return NULL;
}

bool wr_expr_is_function(struct wr_text name, bool called)
{
    for (size_t i = 0; wr_function_tables[i] != NULL; i++) {
        for (const struct wr_function *function = next_named(wr_function_tables[i], name);
             function != NULL; function = next_named(function + 1, name)) {
            if (function->help != NULL && (function->arity > 0) == called) {
                return true;
            }
        }
    }
    return false;
}

bool wr_expr_is_keyword(struct wr_text name)
{
    static const char *const words[] = {"if",    "try",   "reduce", "foreach", "def",
                                        "label", "break", "import", "include"};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (strlen(words[i]) == name.len && memcmp(words[i], name.data, name.len) == 0) {
            return true;
        }
    }
    return false;
}

const char *wr_expr_translated(struct wr_text word)
{
    static const char *const words[][2] = {
        {"&&", "and"}, {"&", "and"},   {"AND", "and"}, {"||", "or"},      {"OR", "or"},
        {"!", "not"},  {"NOT", "not"}, {"<>", "!="},   {"is", "=="},      {"eq", "=="},
        {"ne", "!="},  {"~", "=~"},    {"like", "=~"}, {"matches", "=~"},
    };
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (strlen(words[i][0]) == word.len && memcmp(words[i][0], word.data, word.len) == 0) {
            return words[i][1];
        }
    }
    return NULL;
}

void wr_expr_guess(struct wr_guess *guess, bool called)
{
    for (size_t i = 0; wr_function_tables[i] != NULL; i++) {
        for (const struct wr_function *function = wr_function_tables[i]; function->name != NULL;
             function++) {
            if (function->help != NULL && (function->arity > 0) == called) {
                wr_guess_offer(guess, function->name);
            }
        }
    }
}

bool wr_expr_is_question(struct wr_text name)
{
    for (size_t i = 0; wr_function_tables[i] != NULL; i++) {
        const struct wr_function *function = next_named(wr_function_tables[i], name);
        if (function != NULL) {
            return function->asks;
        }
    }
    return false;
}
