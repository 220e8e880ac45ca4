/*
 * expr_words.c - the names of the functions: how each is called, and which of them ask a question,
 * so that the reader of a pipeline can tell a function from the name of a component.
 */
#include "expr_tree.h"

enum { PLAIN = 1, CALLED = 2, ASKS = 4 };

static const struct function {
    const char *name;
    int how; /* PLAIN: without arguments; CALLED: with them; ASKS: it gives true or false */
} functions[] = {
    {"add", PLAIN},
    {"all", PLAIN | CALLED | ASKS},
    {"any", PLAIN | CALLED | ASKS},
    {"ascii_downcase", PLAIN},
    {"ascii_upcase", PLAIN},
    {"capture", CALLED},
    {"contains", CALLED | ASKS},
    {"empty", PLAIN},
    {"endswith", CALLED | ASKS},
    {"error", PLAIN | CALLED},
    {"explode", PLAIN},
    {"first", PLAIN | CALLED},
    {"flatten", PLAIN | CALLED},
    {"floor", PLAIN},
    {"from_entries", PLAIN},
    {"fromjson", PLAIN},
    {"group_by", CALLED},
    {"gsub", CALLED},
    {"has", CALLED | ASKS},
    {"in", CALLED | ASKS},
    {"inside", CALLED | ASKS},
    {"join", CALLED},
    {"keys", PLAIN},
    {"last", PLAIN | CALLED},
    {"length", PLAIN},
    {"limit", CALLED},
    {"ltrimstr", CALLED},
    {"map", CALLED},
    {"max", PLAIN},
    {"max_by", CALLED},
    {"min", PLAIN},
    {"min_by", CALLED},
    {"not", PLAIN | ASKS},
    {"now", PLAIN},
    {"range", CALLED},
    {"recurse", PLAIN | CALLED},
    {"reverse", PLAIN},
    {"rtrimstr", CALLED},
    {"sort", PLAIN},
    {"sort_by", CALLED},
    {"split", CALLED},
    {"startswith", CALLED | ASKS},
    {"sub", CALLED},
    {"test", CALLED | ASKS},
    {"to_entries", PLAIN},
    {"tojson", PLAIN},
    {"tonumber", PLAIN},
    {"tostring", PLAIN},
    {"type", PLAIN},
    {"unique", PLAIN},
    {"unique_by", CALLED},
    {"until", CALLED},
    {"values", PLAIN},
    {"with_entries", CALLED},
};

static int how_called(struct wr_text name)
{
    for (size_t i = 0; i < sizeof functions / sizeof functions[0]; i++) {
        if (strlen(functions[i].name) == name.len &&
            memcmp(functions[i].name, name.data, name.len) == 0) {
            return functions[i].how;
        }
    }
    return 0;
}

bool wr_expr_is_function(struct wr_text name, bool called)
{
    return (how_called(name) & (called ? CALLED : PLAIN)) != 0;
}

bool wr_expr_is_question(struct wr_text name)
{
    return (how_called(name) & ASKS) != 0;
}
