/*
 * plan_step.c - finds the component of each step of a chain, and has its arguments read.
 *
 * Called for the pipeline of a text, and for each block in it. The split says where the steps are;
 * the form of the first word of a step says what it is. The meaning of a word depends only on its
 * place, never on which files exist: a word with a scheme, a '/' or a '.' in it is a source in the
 * first place and a mistake elsewhere. The first mistake ends the reading of its step. The steps
 * after it are read only to find more mistakes (wr_plan_reading.mistakes). Opens nothing except
 * modules.
 */
#define _GNU_SOURCE /* memmem */
#include "plan_text.h"

#include <string.h>
#include <strings.h>

#include "base_alloc.h"
#include "base_error.h"
#include "codec_address.h"
#include "expr_input.h"

enum look { LOOK_NAME, LOOK_STDIN, LOOK_ADDRESS, LOOK_PATH, LOOK_MODULE, LOOK_EXPRESSION };

static bool begins(const char *text, size_t len, const char *with)
{
    size_t n = strlen(with);
    return len >= n && memcmp(text, with, n) == 0;
}

static bool equals(const char *text, size_t len, const char *name)
{
    return strlen(name) == len && memcmp(text, name, len) == 0;
}

static size_t name_len(const char *text, size_t len)
{
    size_t i = 0;
    while (i < len &&
           ((text[i] >= 'a' && text[i] <= 'z') ||
            (i > 0 && ((text[i] >= '0' && text[i] <= '9') || text[i] == '-' || text[i] == '_')))) {
        i++;
    }
    return i;
}

/* Length of a name of jq's functions, which may have capital letters. */
static size_t function_len(const char *text, size_t len)
{
    size_t i = 0;
    while (i < len && wr_is_name_byte(text[i], i == 0)) {
        i++;
    }
    return i;
}

/* Length of the scheme of an address: of tcp://h:1, or of unix:PATH when a source or sink has that
 * scheme; 0: not an address. */
static size_t scheme_len(const char *text, size_t len)
{
    size_t i = 0;
    while (i < len &&
           ((text[i] >= 'a' && text[i] <= 'z') || (text[i] >= 'A' && text[i] <= 'Z') ||
            (i > 0 && ((text[i] >= '0' && text[i] <= '9') || text[i] == '+' || text[i] == '-')))) {
        i++;
    }
    if (i == 0 || i == len || text[i] != ':') {
        return 0;
    }
    return begins(text + i, len - i, "://") ||
                   wr_plan_find_scheme(WEIR_KIND_SOURCE, text, i + 1) != NULL
               ? i
               : 0;
}

/* Whether a path ends in .so or .so:NAME. */
static bool is_module(const char *word, size_t len)
{
    size_t name = len;
    while (name > 0 && word[name - 1] != ':' && word[name - 1] != '/') {
        name--;
    }
    size_t file = name > 0 && word[name - 1] == ':' ? name - 1 : len;
    return file > 3 && memcmp(word + file - 3, ".so", 3) == 0;
}

/* The form of the first word of a component. `loose`: a '.', '/' or '*' anywhere makes it a
 * path. */
static enum look look_at(const char *word, size_t len, bool loose)
{
    size_t name = name_len(word, len);
    size_t function = function_len(word, len);
    if (equals(word, len, "-")) {
        return LOOK_STDIN;
    }
    if (scheme_len(word, len) > 0) {
        return LOOK_ADDRESS;
    }
    if (begins(word, len, "/") || begins(word, len, "./") || begins(word, len, "../") ||
        begins(word, len, "~/")) {
        return is_module(word, len) ? LOOK_MODULE : LOOK_PATH;
    }
    if (len == 0 || strchr(".{[(\"`'$@-", word[0]) != NULL ||
        (name > 0 && name < len && word[name] == '(') ||
        (function > 0 && function < len && word[function] == '(')) {
        return LOOK_EXPRESSION;
    }
    if (name > 0 && name < len && word[name] == '{' &&
        wr_plan_find(word, name, false, false) != NULL) {
        return LOOK_NAME; /* NAME{ ... } */
    }
    if (loose && (memchr(word, '.', len) != NULL || memchr(word, '/', len) != NULL ||
                  memchr(word, '*', len) != NULL)) {
        return LOOK_PATH;
    }
    return word[0] >= '0' && word[0] <= '9' ? LOOK_EXPRESSION : LOOK_NAME;
}

/* Read a step that is only an expression. A mistake in it may come from an address without its
 * scheme: [::1]:8080/feed. */
static int read_expression(struct wr_plan_reading *reading, struct wr_plan_step *step,
                           struct wr_plan_span word)
{
    char meant[160];
    step->component = wr_plan_find_expression();
    if (step->component != NULL && wr_plan_args_read(reading, step, step->where.at) == 0) {
        return 0;
    }
    bool address =
        wr_address_meant((struct wr_text){reading->clean + word.at, word.len}, meant, sizeof meant);
    if (step->component == NULL) {
        reading->error.kind = address ? WEIR_PLAN_MISTAKE : WEIR_PLAN_EXPRESSION;
        (void)wr_plan_fail(&reading->error, word, "no component takes an expression");
    }
    return address ? wr_plan_hint(&reading->error, "did you mean %s?", meant) : reading->error.code;
}

/* Find a component by its name, also in the installed modules. NULL: there is none, or the error is
 * set. */
static const weir_component *find(struct wr_plan_reading *reading, struct wr_plan_span where,
                                  bool first, bool last)
{
    const char *text = reading->clean + where.at;
    const weir_component *component = wr_plan_find(text, where.len, first, last);
    return component == NULL && wr_plan_module_find(&reading->error, where, text, where.len)
               ? wr_plan_find(text, where.len, first, last)
               : component;
}

/* Read NAME(: a call of a jq function, or a component that takes an expression: select(...), where
 * `select` is another name of a component. The language has no other call form. */
static int read_call(struct wr_plan_reading *reading, struct wr_plan_step *step,
                     struct wr_plan_span word)
{
    const char *text = reading->clean + word.at;
    size_t name = name_len(text, word.len);
    const weir_component *component = wr_plan_find(text, name, false, false);
    bool alias = component != NULL && !equals(text, name, component->name);
    if (!alias) {
        component = wr_expr_is_function((struct wr_text){text, name}, true)
                        ? NULL
                        : find(reading, (struct wr_plan_span){word.at, name}, false, false);
    }
    if (component == NULL) {
        return reading->error.code != 0 ? reading->error.code
                                        : read_expression(reading, step, word);
    }
    if (component->args_count > 0 && component->args[0].type == WEIR_ARGTYPE_EXPR) {
        step->component = component;
        return wr_plan_args_read(reading, step, word.at + name);
    }
    (void)wr_plan_fail(&reading->error, word,
                       "%s: write the arguments after the name, without brackets", component->name);
    return wr_plan_hint(&reading->error, "as in %s", component->example);
}

/* Whether this is a question such as test("x") that the user meant to continue the argument of the
 * component before it: | ends an expression that is not in brackets. */
static bool continues(struct wr_plan_reading *reading, const struct wr_plan_step *before,
                      struct wr_plan_span word)
{
    const char *clean = reading->clean;
    size_t name = function_len(clean + word.at, word.len);
    if (before->component == NULL || before->component->args_count == 0 ||
        before->arg_spans == NULL || before->arg_spans[0].len == 0 ||
        before->component->args[0].type != WEIR_ARGTYPE_EXPR ||
        (before->component->traits & WEIR_TRAIT_EXPRESSION) != 0 ||
        !wr_expr_is_question((struct wr_text){clean + word.at, name})) {
        return false;
    }
    struct wr_plan_span expr = before->arg_spans[0];
    (void)wr_plan_fail(&reading->error, word, "%s ends at the |", before->component->name);
    (void)wr_plan_hint(&reading->error, "write: %s (%.*s | %.*s)", before->component->name,
                       (int)WR_MIN(expr.len, (size_t)WR_PLAN_SHOWN_MAX), clean + expr.at,
                       (int)WR_MIN(word.len, (size_t)WR_PLAN_SHOWN_MAX), clean + word.at);
    return true;
}

/* Report a source in a place where none is allowed. */
static int misplaced(struct wr_plan_reading *reading, struct wr_plan_span word, enum look look)
{
    const char *text = reading->clean + word.at;
    struct wr_plan_error *error = &reading->error;
    int shown = (int)WR_MIN(word.len, (size_t)WR_PLAN_SHOWN_MAX);
    const char *scheme = look == LOOK_PATH ? "/" : text;
    const weir_component *sink = wr_plan_find_scheme(
        WEIR_KIND_SINK, scheme, look == LOOK_PATH ? 1 : scheme_len(text, word.len));
    if (look == LOOK_PATH) {
        (void)wr_plan_fail(error, word, "a file can be read only at the start");
        if (word.len > 2 && text[2] >= '0' && text[2] <= '9') {
            (void)wr_plan_hint(error, "to divide write . / %.*s", shown - 2, text + 2);
        }
        return wr_plan_hint(error, "to write it: %s %.*s", sink->name, shown, text);
    }
    (void)wr_plan_fail(error, word, "a source must be first");
    if (look == LOOK_STDIN) {
        return wr_plan_hint(error, "to write to standard output, omit the sink");
    }
    return sink != NULL ? wr_plan_hint(error, "to send there: %s %.*s", sink->name, shown, text)
                        : error->code;
}

/* Check the path of a file that is not quoted. */
static int check_bare_path(struct wr_plan_reading *reading, const struct wr_plan_step *step,
                           struct wr_plan_span word)
{
    const char *text = reading->clean + word.at;
    int shown = (int)WR_MIN(word.len, (size_t)WR_PLAN_SHOWN_MAX);
    bool hides =
        memmem(text, word.len, "***", 3) != NULL; /* a secret, in a text of weir_plan_text */
    if (!hides && memchr(text, '*', word.len) != NULL &&
        (step->component->args[0].flags & WEIR_ARG_PATTERNS) == 0) {
        (void)wr_plan_fail(&reading->error, word, "%s does not accept patterns: '%.*s'",
                           step->component->name, shown, text);
        return wr_plan_hint(&reading->error, "let the shell expand it: weir 'PIPELINE' FILE...");
    }
    if (begins(text, word.len, "~/")) {
        (void)wr_plan_fail(&reading->error, word, "~ is expanded only by the shell: '%.*s'", shown,
                           text);
        return wr_plan_hint(
            &reading->error,
            "write the whole path, or give the file as an argument: weir 'PIPELINE' FILE");
    }
    return 0;
}

/* Read a source that is written by its address. */
static int read_source(struct wr_plan_reading *reading, struct wr_plan_step *step,
                       struct wr_plan_span word, enum look look)
{
    const char *text = reading->clean + word.at;
    size_t scheme = look == LOOK_PATH ? 1 : scheme_len(text, word.len);
    step->component = wr_plan_find_scheme(WEIR_KIND_SOURCE, look == LOOK_PATH ? "/" : text, scheme);
    if (step->component == NULL) {
        return wr_plan_scheme_missing(&reading->error, reading->clean,
                                      (struct wr_plan_span){word.at, scheme});
    }
    if (wr_plan_args_read(reading, step, step->where.at) != 0) {
        return reading->error.code;
    }
    return look == LOOK_PATH && word.at == step->where.at ? check_bare_path(reading, step, word)
                                                          : 0;
}

/* Put the mistake of a step aside, into the list of those that are found. Returns where it is. */
static const struct wr_plan_error *put_aside(struct wr_plan_reading *reading)
{
    struct wr_plan_mistakes *mistakes = reading->mistakes;
    struct wr_plan_error *error = &reading->error;
    size_t i = 0;
    while (i < mistakes->count && mistakes->list[i].where.at != error->where.at) {
        i++; /* if it is there, a block has put it aside */
    }
    i = WR_MIN(i, (size_t)WR_PLAN_MISTAKES_MAX - 1);
    if (i == mistakes->count) {
        mistakes->list[mistakes->count++] = *error;
    }
    memset(error, 0, sizeof *error);
    return &mistakes->list[i];
}

/* The component of a step is unknown, but it is near to one that takes an expression: look for a
 * mistake in the expression, too. */
static void read_as_meant(struct wr_plan_reading *reading, struct wr_plan_step *step, size_t at)
{
    const char *name = reading->error.meant;
    const weir_component *meant = reading->mistakes != NULL && name != NULL
                                      ? wr_plan_find(name, strlen(name), false, false)
                                      : NULL;
    if (meant == NULL || meant->args_count == 0 || meant->args[0].type != WEIR_ARGTYPE_EXPR) {
        return;
    }
    const struct wr_plan_error *unknown = put_aside(reading);
    step->component = meant;
    if (wr_plan_args_read(reading, step, at) == WEIR_EPARSE) {
        (void)put_aside(reading);
    }
    reading->error = *unknown;
}

/* Find the descriptor of a step that is written by its name, and where its arguments begin. */
static int find_named(struct wr_plan_reading *reading, struct wr_plan_step *step, bool first,
                      bool last, size_t *args_at)
{
    const char *text = reading->clean + step->name.at;
    size_t len = step->name.len;
    size_t name = name_len(text, len);
    struct wr_plan_span where = {step->name.at,
                                 name < len && name > 0 && text[name] == '{' ? name : len};
    struct wr_plan_error *error = &reading->error;
    int shown = (int)WR_MIN(where.len, (size_t)WR_PLAN_SHOWN_MAX);
    *args_at = where.at + where.len;
    step->component = find(reading, where, first, last);
    if (step->component != NULL || error->code != 0) {
        return error->code;
    }
    const weir_component *source = wr_plan_find_scheme(WEIR_KIND_SOURCE, text, where.len);
    if (source != NULL) {
        (void)wr_plan_fail(error, where, "'%.*s' is a source: write its address instead", shown,
                           text);
        return wr_plan_hint(error, "a pipeline begins with it: %s", source->example);
    }
    /* keys, keys[], length>3 */
    size_t function = function_len(text, len);
    bool ends = function < len && strchr("[?,=!<>+*%", text[function]) != NULL;
    struct wr_text word = {text, ends ? function : len};
    if ((wr_expr_is_function(word, false) || wr_expr_is_keyword(word) ||
         wr_expr_elsewhere(word) != NULL) &&
        wr_plan_find_expression() != NULL) {
        return read_expression(reading, step, where);
    }
    if (memchr(text, '.', len) != NULL) {
        (void)wr_plan_fail(error, where, "unknown stage '%.*s'", shown, text);
        error->kind = WEIR_PLAN_UNKNOWN;
        if (is_module(text, len)) {
            return wr_plan_hint(error, "to load a module: ./%.*s", shown, text);
        }
        return wr_plan_hint(error, "to write a file: %s %.*s",
                            wr_plan_find_scheme(WEIR_KIND_SINK, "/", 1)->name, shown, text);
    }
    (void)wr_plan_name_missing(error, reading->clean, where, first, last);
    read_as_meant(reading, step, *args_at);
    return error->code;
}

/* Read a step whose first word is a name. */
static int read_named(struct wr_plan_reading *reading, struct wr_plan_step *step, bool first,
                      bool last)
{
    size_t at = 0;
    if (find_named(reading, step, first, last, &at) != 0) {
        return reading->error.code;
    }
    return step->args != NULL ? 0 : wr_plan_args_read(reading, step, at);
}

static int read_module(struct wr_plan_reading *reading, struct wr_plan_step *step,
                       struct wr_plan_span word)
{
    step->component =
        wr_plan_module_load(&reading->error, word, reading->clean + word.at, word.len);
    return step->component != NULL
               ? wr_plan_args_read(reading, step, step->name.at + step->name.len)
               : reading->error.code;
}

/* Read a step. first: a source is allowed here. last: a sink is allowed here. */
static int read_step(struct wr_plan_reading *reading, struct wr_plan_step *step, bool first,
                     bool last)
{
    struct wr_plan_token token;
    size_t at = step->where.at;
    char c = reading->clean[at];
    bool quoted = c == '"' || c == '`' || c == '\'';
    if (strchr(".{[($", c) != NULL && !begins(reading->clean + at, step->where.len, "./") &&
        !begins(reading->clean + at, step->where.len, "../")) {
        return read_expression(reading, step, step->where);
    }
    if (wr_plan_token_next(reading->clean, &at, step->where.at + step->where.len, &token,
                           &reading->error) != 0) {
        return reading->error.code;
    }
    struct wr_plan_span word = token.all;
    if (quoted && first) {
        word = (struct wr_plan_span){token.value.at + 1, token.value.len - 2};
    }
    step->name = token.all;
    enum look look = look_at(reading->clean + word.at, word.len, first);
    if (quoted && (!first || look == LOOK_NAME || look == LOOK_EXPRESSION)) {
        return read_expression(reading, step, token.all);
    }
    if (look == LOOK_EXPRESSION) {
        return read_call(reading, step, token.all);
    }
    if (look == LOOK_MODULE) {
        return read_module(reading, step, word);
    }
    if (look == LOOK_NAME) {
        return read_named(reading, step, first, last);
    }
    if (!first) {
        return misplaced(reading, word, look);
    }
    if (look == LOOK_STDIN) {
        step->component = wr_plan_find_scheme(WEIR_KIND_SOURCE, "-", 1);
        return wr_plan_args_read(reading, step, at);
    }
    return read_source(reading, step, word, look);
}

bool wr_plan_is_format(const char *text, size_t len)
{
    return text[0] == '@' &&
           wr_expr_is_function((struct wr_text){text, 1 + function_len(text + 1, len - 1)}, false);
}

int wr_plan_steps_find(struct wr_plan_reading *reading, struct wr_plan_span span,
                       struct weir_chain *chain)
{
    struct wr_plan_span *spans = wr_alloc(WR_PLAN_STAGES_MAX * sizeof *spans);
    size_t count = 0;
    if (spans == NULL) {
        return wr_plan_no_memory(&reading->error);
    }
    if (wr_plan_split(reading->clean, span, spans, &count, &reading->error) == 0) {
        chain->steps = wr_plan_alloc(reading, count * sizeof *chain->steps);
    }
    for (size_t i = 0; chain->steps != NULL && i < count; i++) {
        chain->steps[i].where = chain->steps[i].name = spans[i];
        chain->steps[i].on_error = -1;
    }
    wr_free(spans);
    chain->count = chain->steps != NULL ? count : 0;
    return reading->error.code;
}

/* Whether the next step is read. If the last one was wrong, and more mistakes are wanted, its mistake
 * is put aside. */
static bool goes_on(struct wr_plan_reading *reading, const struct wr_plan_error **first)
{
    if (reading->error.code == 0) {
        return true;
    }
    if (reading->mistakes == NULL || reading->error.code != WEIR_EPARSE) {
        return false;
    }
    const struct wr_plan_error *error = put_aside(reading);
    *first = *first == NULL ? error : *first;
    return true;
}

int wr_plan_chain_read(struct wr_plan_reading *reading, struct wr_plan_span span,
                       enum wr_plan_place place, struct weir_chain *chain)
{
    if (wr_plan_steps_find(reading, span, chain) != 0) {
        return reading->error.code;
    }
    if (reading->depth == WR_PLAN_BLOCKS_MAX) {
        return wr_plan_fail(&reading->error, span, "{ is nested too deep");
    }
    reading->depth++;
    bool may_begin = place != WR_PLAN_STAGES_ONLY && place != WR_PLAN_SINK_ONLY;
    bool may_end = place != WR_PLAN_STAGES_ONLY && place != WR_PLAN_SOURCE_ONLY;
    const struct wr_plan_error *first = NULL;
    for (size_t i = 0; i < chain->count && (i == 0 || goes_on(reading, &first)); i++) {
        if (i == 0 || !continues(reading, &chain->steps[i - 1], chain->steps[i].where)) {
            (void)read_step(reading, &chain->steps[i], may_begin && i == 0,
                            may_end && i + 1 == chain->count);
        }
    }
    if (goes_on(reading, &first) && first != NULL) {
        reading->error = *first;
    }
    reading->depth--;
    return reading->error.code;
}
