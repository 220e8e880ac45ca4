/*
 * expr_words.c - the functions by their names, from the tables of the files that have them.
 */
#include "expr_program.h"

#include <weir/expression.h>

#include "base_error.h"
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

bool weir_expr_function_at(size_t index, weir_expr_function *to)
{
    WR_GIVEN(to);
    for (size_t i = 0; wr_function_tables[i] != NULL; i++) {
        for (const struct wr_function *function = wr_function_tables[i]; function->name != NULL;
             function++) {
            if (function->help != NULL && index-- == 0) {
                *to = (weir_expr_function){function->name, function->arity, function->params,
                                           function->help};
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

const char *wr_expr_elsewhere(struct wr_text name)
{
    static const char *const words[][2] = {
        {"input", "an expression sees one item; in the shell: weir '...' | jq -n 'PROGRAM'"},
        {"inputs", "an expression sees one item; in the shell: weir '...' | jq -n 'PROGRAM'"},
        {"env", "--env NAME reads a variable of the environment as $NAME"},
        {"input_filename", "-J writes the origin of each item"},
        {"input_line_number", "-J writes the number of each item"},
        {"debug", "to see the items here, leave out what follows"},
        {"stderr", "to see the items here, leave out what follows"},
        {"halt", "to end a run: head N, or error(\"...\") with --strict"},
        {"halt_error", "to end a run: error(\"...\") with --strict"},
        {"localtime", "times are UTC: gmtime"},
        {"strflocaltime", "times are UTC: strftime"},
    };
    /* Those that only the component `jq` has. */
    static const char *const in_programs[] = {
        "INDEX",        "JOIN",
        "bsearch",      "builtins",
        "combinations", "drem",
        "erf",          "finites",
        "fma",          "fmax",
        "fmin",         "fmod",
        "frexp",        "gamma",
        "hypot",        "isfinite",
        "ldexp",        "lgamma",
        "logb",         "modf",
        "normals",      "nearbyint",
        "pow10",        "rint",
        "scalb",        "sinh",
        "cosh",         "tanh",
        "significand",  "tgamma",
        "tostream",     "copysign",
        "fromstream",   "truncate_stream",
        "recurse_down",
    };
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (strlen(words[i][0]) == name.len && memcmp(words[i][0], name.data, name.len) == 0) {
            return words[i][1];
        }
    }
    for (size_t i = 0; i < sizeof in_programs / sizeof in_programs[0]; i++) {
        if (strlen(in_programs[i]) == name.len &&
            memcmp(in_programs[i], name.data, name.len) == 0) {
            return WR_EXPR_PROGRAMS;
        }
    }
    return NULL;
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
