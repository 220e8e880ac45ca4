/*
 * expr_words.c - the functions by their names, from the tables of the files that have them.
 */
#include "expr_program.h"

const struct wr_function *const wr_function_tables[] = {
    wr_functions_core, wr_functions_list, wr_functions_text, wr_functions_match, NULL};

/* Functions of jq that no table has: they are read as functions, and refused by name when compiled. */
enum { PLAIN = 1, CALLED = 2, ASKS = 4 };

static const struct function {
    const char *name;
    int how; /* PLAIN: without arguments; CALLED: with them; ASKS: it gives true or false */
} functions[] = {
    {"ascii_downcase", PLAIN}, {"ascii_upcase", PLAIN},
    {"capture", CALLED},       {"contains", CALLED | ASKS},

    {"explode", PLAIN},        {"floor", PLAIN},
    {"fromjson", PLAIN},       {"gsub", CALLED},
    {"inside", CALLED | ASKS}, {"join", CALLED},
    {"ltrimstr", CALLED},      {"now", PLAIN},
    {"rtrimstr", CALLED},      {"split", CALLED},

    {"sub", CALLED},
};

static bool is_later(struct wr_text name, int how)
{
    for (size_t i = 0; i < sizeof functions / sizeof functions[0]; i++) {
        if (strlen(functions[i].name) == name.len &&
            memcmp(functions[i].name, name.data, name.len) == 0) {
            return (functions[i].how & how) != 0;
        }
    }
    return false;
}

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
    return is_later(name, called ? CALLED : PLAIN);
}

bool wr_expr_is_question(struct wr_text name)
{
    for (size_t i = 0; wr_function_tables[i] != NULL; i++) {
        const struct wr_function *function = next_named(wr_function_tables[i], name);
        if (function != NULL) {
            return function->asks;
        }
    }
    return is_later(name, ASKS);
}
