/*
 * plan_expr.c - expressions in a text: finds the end of an expression, and mistakes in its form.
 *
 * The operators and precedence are those of jq, lowest first: | (in brackets only) , //
 * (right-associative) or and comparisons (not associative) + - * / %, then the suffixes of an
 * operand: [] ? .name. An expression ends at the first token that cannot continue it, so the
 * keywords, named arguments and blocks of a component end it. Its text is kept as written; this
 * file does not evaluate it. Nesting is limited, since a text may be read on a small stack.
 */
#include "plan_text.h"

#include <string.h>

#include "base_error.h"

#define NESTING_MAX 64u

enum { PIPE = 0, COMMA, OTHERWISE, OR, AND, COMPARISON, SUM, PRODUCT, NO_OPERATOR = -1 };

struct expr {
    struct wr_plan_reading *reading;
    const char *clean, *owner; /* owner: the component whose argument it is */
    size_t at, end;
    size_t last; /* after the operand that was read last */
    unsigned brackets, nesting;
};

static int parse(struct expr *expr, int least);

/* ---- words of jq */

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

static int how_called(const char *name, size_t len)
{
    for (size_t i = 0; i < sizeof functions / sizeof functions[0]; i++) {
        if (strlen(functions[i].name) == len && memcmp(functions[i].name, name, len) == 0) {
            return functions[i].how;
        }
    }
    return 0;
}

bool wr_plan_is_function(const char *name, size_t len, bool called)
{
    return (how_called(name, len) & (called ? CALLED : PLAIN)) != 0;
}

bool wr_plan_is_question(const char *name, size_t len)
{
    return (how_called(name, len) & ASKS) != 0;
}

/* Whether this word begins a construct that jq programs have and expressions do not. */
static bool is_program_word(const char *name, size_t len)
{
    static const char *const words[] = {"if", "reduce", "foreach", "def", "try", "label"};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (strlen(words[i]) == len && memcmp(words[i], name, len) == 0) {
            return true;
        }
    }
    return false;
}

/* ---- tokens */

static bool is_alpha(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static char peek(struct expr *expr, size_t ahead)
{
    while (expr->at < expr->end && wr_plan_is_space(expr->clean[expr->at])) {
        expr->at++;
    }
    return expr->at + ahead < expr->end ? expr->clean[expr->at + ahead] : '\0';
}

/* Length of the word at the current place; 0: there is none. */
static size_t word_len(const struct expr *expr)
{
    size_t i = expr->at;
    while (i < expr->end &&
           (is_alpha(expr->clean[i]) || (i > expr->at && is_digit(expr->clean[i])))) {
        i++;
    }
    return i - expr->at;
}

static bool is_word(const struct expr *expr, size_t len, const char *word)
{
    return strlen(word) == len && memcmp(expr->clean + expr->at, word, len) == 0;
}

static int fail(struct expr *expr, size_t at, size_t len, const char *what)
{
    size_t shown = WR_MIN(len, (size_t)WR_PLAN_SHOWN_MAX);
    (void)wr_plan_fail(&expr->reading->error, (struct wr_plan_span){at, WR_MAX(len, (size_t)1)},
                       "%s: %s%.*s%s", expr->owner, len > 0 ? "'" : "", (int)shown,
                       expr->clean + at, what);
    return expr->reading->error.code;
}

/* The operator at the current place and its length; NO_OPERATOR: there is none. */
static int operator_at(struct expr *expr, size_t *len)
{
    static const struct {
        const char *text;
        int level;
    } operators[] = {{"//", OTHERWISE},  {"==", COMPARISON}, {"!=", COMPARISON}, {"<=", COMPARISON},
                     {">=", COMPARISON}, {"=~", COMPARISON}, {"<", COMPARISON},  {">", COMPARISON},
                     {"|", PIPE},        {",", COMMA},       {"+", SUM},         {"-", SUM},
                     {"*", PRODUCT},     {"/", PRODUCT},     {"%", PRODUCT}};
    (void)peek(expr, 0);
    size_t word = word_len(expr);
    *len = word;
    if (word > 0) {
        return is_word(expr, word, "or") ? OR : is_word(expr, word, "and") ? AND : NO_OPERATOR;
    }
    for (size_t i = 0; i < sizeof operators / sizeof operators[0]; i++) {
        *len = strlen(operators[i].text);
        if (expr->end - expr->at >= *len &&
            memcmp(expr->clean + expr->at, operators[i].text, *len) == 0) {
            char next = peek(expr, *len);
            bool assigns = next == '=' && operators[i].level != COMPARISON;
            return assigns || (operators[i].level == PIPE && expr->brackets == 0)
                       ? NO_OPERATOR
                       : operators[i].level;
        }
    }
    return NO_OPERATOR;
}

/* ---- operands */

int wr_plan_check_escapes(struct wr_plan_reading *reading, size_t at, size_t end)
{
    const char *clean = reading->clean;
    if (clean[at] != '"') {
        return 0;
    }
    for (size_t i = at + 1; i + 1 < end;) {
        if (clean[i] != '\\') {
            i++;
        } else if (clean[i + 1] == '(') {
            i = wr_plan_skip(clean, i + 1, end);
        } else if (clean[i + 1] != '\0' && strchr("\"\\/bfnrtu", clean[i + 1]) != NULL) {
            i += 2;
        } else {
            (void)wr_plan_fail(&reading->error, (struct wr_plan_span){i, 2},
                               "\\%c: unknown escape, as in JSON", clean[i + 1]);
            return wr_plan_hint(&reading->error, "for a regex write `...` or double the \\");
        }
    }
    return 0;
}

static int parse_quoted(struct expr *expr)
{
    size_t from = expr->at;
    expr->at = wr_plan_skip(expr->clean, from, expr->end);
    return wr_plan_check_escapes(expr->reading, from, expr->at);
}

/* Parse [ ... ] or ( ... ). The inside is an expression, several of them for a call, or nothing in
 * [ ]. */
static int parse_group(struct expr *expr)
{
    size_t from = expr->at;
    size_t after = wr_plan_skip(expr->clean, from, expr->end);
    size_t end = expr->end;
    char opener = expr->clean[from];
    int rc = 0;
    expr->at++;
    expr->end = after - 1;
    expr->brackets++;
    while (rc == 0 && peek(expr, 0) != '\0') {
        bool separator = peek(expr, 0) == ':' && opener == '[';
        rc = separator ? 0 : parse(expr, PIPE);
        char next = peek(expr, 0);
        if (rc == 0 && next == (opener == '[' ? ':' : ';')) {
            expr->at++;
        } else if (rc == 0 && next != '\0') {
            rc = fail(expr, expr->at, 1, "' is not allowed here");
        }
    }
    if (rc == 0 && opener == '(' && expr->at == from + 1) {
        rc = fail(expr, from, 0, "an expression is missing");
    }
    expr->brackets--;
    expr->end = end;
    expr->at = after;
    return rc;
}

static int parse_word(struct expr *expr)
{
    size_t from = expr->at;
    size_t len = word_len(expr);
    const char *word = expr->clean + from;
    if (is_word(expr, len, "not") && (expr->at += len, peek(expr, 0)) != '\0' &&
        peek(expr, 0) != ')' && peek(expr, 0) != '|' && peek(expr, 0) != ',') {
        return parse(expr, COMPARISON);
    }
    expr->at = from + len;
    if (expr->at < expr->end && expr->clean[expr->at] == '(') {
        return parse_group(expr);
    }
    if ((len == 4 && memcmp(word, "true", 4) == 0) || (len == 5 && memcmp(word, "false", 5) == 0) ||
        (len == 4 && memcmp(word, "null", 4) == 0) || wr_plan_is_function(word, len, false)) {
        return 0;
    }
    if (is_program_word(word, len)) {
        return fail(expr, from, len, "' is allowed in jq programs, not in expressions");
    }
    (void)fail(expr, from, len, "' is not a value");
    return wr_plan_hint(&expr->reading->error, "write \"%.*s\" (did the shell remove the quotes?)",
                        (int)WR_MIN(len, (size_t)WR_PLAN_SHOWN_MAX), word);
}

static void skip_number(struct expr *expr)
{
    const char *clean = expr->clean;
    while (expr->at < expr->end && (is_digit(clean[expr->at]) || clean[expr->at] == '.')) {
        expr->at++;
    }
    if (expr->at < expr->end && (clean[expr->at] == 'e' || clean[expr->at] == 'E')) {
        expr->at++;
        expr->at += expr->at < expr->end && (clean[expr->at] == '-' || clean[expr->at] == '+');
        while (expr->at < expr->end && is_digit(clean[expr->at])) {
            expr->at++;
        }
    }
}

/* Parse .name, ."any name" or .. at the current place, where there is a point. */
static int parse_path(struct expr *expr)
{
    expr->at++;
    if (expr->at < expr->end && expr->clean[expr->at] == '"') {
        return parse_quoted(expr);
    }
    expr->at += expr->at < expr->end && expr->clean[expr->at] == '.' ? 1 : word_len(expr);
    return 0;
}

static int parse_first(struct expr *expr)
{
    char c = peek(expr, 0);
    size_t from = expr->at;
    if (c == '\0') {
        return fail(expr, from, 0, "an expression is missing");
    }
    if (c == '"' || c == '`' || c == '\'') {
        return parse_quoted(expr);
    }
    if (c == '.') {
        return parse_path(expr);
    }
    if (c == '(' || c == '[') {
        return parse_group(expr);
    }
    if (c == '{') {
        expr->at = wr_plan_skip(expr->clean, from, expr->end);
        return 0;
    }
    if (is_digit(c)) {
        skip_number(expr);
        return 0;
    }
    if (c == '-') {
        expr->at++;
        return parse(expr, PRODUCT + 1);
    }
    if (c == '$' || c == '@') {
        expr->at++;
        size_t len = word_len(expr);
        expr->at += len;
        return len > 0 ? 0 : fail(expr, from, 1, "' needs a name");
    }
    return is_alpha(c) ? parse_word(expr) : fail(expr, from, 1, "' is not allowed here");
}

/* Parse the suffixes directly after an operand. */
static int parse_suffixes(struct expr *expr)
{
    int rc = 0;
    while (rc == 0 && expr->at < expr->end) {
        char c = expr->clean[expr->at];
        char next = expr->at + 1 < expr->end ? expr->clean[expr->at + 1] : '\0';
        if (c == '?' || (c == '.' && next == '[')) {
            expr->at++;
        } else if (c == '[') {
            rc = parse_group(expr);
        } else if (c == '.' && (is_alpha(next) || next == '"')) {
            rc = parse_path(expr);
        } else {
            break;
        }
    }
    return rc;
}

/* Parse operands, and the operators between them that bind at least as tightly as `least`. */
static int parse(struct expr *expr, int least)
{
    size_t len;
    int level;
    if (expr->nesting == NESTING_MAX) {
        return fail(expr, expr->at, 0, "the expression is nested too deep");
    }
    expr->nesting++;
    int rc = parse_first(expr);
    rc = rc == 0 ? parse_suffixes(expr) : rc;
    expr->last = expr->at;
    while (rc == 0 && (level = operator_at(expr, &len)) != NO_OPERATOR && level >= least) {
        expr->at += len;
        rc = parse(expr, level == OTHERWISE ? level : level + 1);
        if (rc == 0 && level == COMPARISON && operator_at(expr, &len) == COMPARISON) {
            rc = fail(expr, expr->at, len,
                      "' is not allowed here: comparisons cannot be chained (as in jq)");
        }
    }
    expr->nesting--;
    return rc;
}

/* Length of an assignment operator, = or |= and similar, at the current place. */
static size_t assignment_len(struct expr *expr)
{
    char c = peek(expr, 0);
    size_t before = c == '/' && peek(expr, 1) == '/'           ? 2
                    : c != '\0' && strchr("|+-*/%", c) != NULL ? 1
                                                               : 0;
    return peek(expr, before) == '=' && peek(expr, before + 1) != '=' ? before + 1 : 0;
}

int wr_plan_expr_read(struct wr_plan_reading *reading, const struct wr_plan_step *step,
                      const weir_arg *arg, size_t *at, size_t end, struct wr_plan_span *span)
{
    struct expr expr = {.reading = reading,
                        .clean = reading->clean,
                        .owner = step->component->name,
                        .at = *at,
                        .end = end};
    (void)peek(&expr, 0);
    size_t from = expr.at;
    int rc = parse(&expr, PIPE);
    size_t len = rc == 0 ? assignment_len(&expr) : 0;
    if (len > 0 && (arg->flags & WEIR_ARG_ASSIGNS) != 0) {
        expr.at += len;
        rc = parse(&expr, PIPE);
    } else if (len > 0) {
        rc = fail(&expr, expr.at, len, "' assigns in jq; to compare write '=='");
    } else if (rc == 0 && (arg->flags & WEIR_ARG_ASSIGNS) != 0) {
        rc = fail(&expr, expr.at, 0, "an = is missing, as in .a = .b");
    }
    *span = (struct wr_plan_span){from, expr.last - from};
    *at = expr.at;
    return rc;
}
