/*
 * plan_read.c - reads the text into a tree: option lines, and the component of each step.
 *
 * Called by weir_plan_read and, for the long form of an error, by weir_plan_error_text. Both read
 * the text from the start and keep nothing between calls. The steps: option lines (files only), the
 * split, then for each step the form of its first word. A block is read as a chain by the same
 * functions. The meaning of a word depends only on its place, never on which files exist: a word
 * with a scheme, a '/' or a '.' in it is a source in the first place and a mistake elsewhere. The
 * first mistake ends the reading. Suspends nothing and opens nothing except modules.
 */
#define _GNU_SOURCE /* memmem */
#include "plan_text.h"

#include <string.h>
#include <strings.h>

#include "base_alloc.h"
#include "base_error.h"
#include "codec_address.h"
#include "expr_input.h"
#include "expr_tree.h"

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
    size_t last = before->component->args_count;
    if (last == 0 || before->component->args[0].type != WEIR_ARGTYPE_EXPR ||
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
    return wr_plan_name_missing(error, reading->clean, where, first, last);
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

/* Split a chain into steps; only their places are known then. */
static int split(struct wr_plan_reading *reading, struct wr_plan_span span,
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

int wr_plan_chain_read(struct wr_plan_reading *reading, struct wr_plan_span span,
                       enum wr_plan_place place, struct weir_chain *chain)
{
    if (split(reading, span, chain) != 0) {
        return reading->error.code;
    }
    if (reading->depth++ == WR_PLAN_BLOCKS_MAX) {
        return wr_plan_fail(&reading->error, span, "{ is nested too deep");
    }
    bool may_begin = place != WR_PLAN_STAGES_ONLY && place != WR_PLAN_SINK_ONLY;
    bool may_end = place != WR_PLAN_STAGES_ONLY && place != WR_PLAN_SOURCE_ONLY;
    for (size_t i = 0; i < chain->count; i++) {
        if (i > 0 && continues(reading, &chain->steps[i - 1], chain->steps[i].where)) {
            return reading->error.code;
        }
        if (read_step(reading, &chain->steps[i], may_begin && i == 0,
                      may_end && i + 1 == chain->count) != 0) {
            return reading->error.code;
        }
    }
    reading->depth--;
    return 0;
}

static int read_size(struct wr_plan_reading *reading, const struct wr_plan_token *value)
{
    struct wr_plan_error *error = &reading->error;
    int rc = wr_plan_size_read(reading->clean + value->value.at, value->value.len,
                               &reading->plan->mem_bytes);
    if (rc == 0 && reading->plan->mem_bytes >= WEIR_PLAN_MEM_BYTES_MIN) {
        return 0;
    }
    if (rc == 0 && reading->plan->mem_bytes > 0) {
        return wr_plan_fail(error, value->all, "@mem must be at least 128KiB");
    }
    (void)wr_plan_fail(error, value->all, "@mem: '%.*s' is not a valid size",
                       (int)WR_MIN(value->all.len, (size_t)WR_PLAN_SHOWN_MAX),
                       reading->clean + value->all.at);
    return wr_plan_hint(error, "for example 64MiB");
}

/* Read one line `@option value`, [at, end). */
static int read_option(struct wr_plan_reading *reading, size_t at, size_t end)
{
    static const struct {
        const char *name, *value;
    } options[] = {{"@state", "folder"}, {"@mem", "size"}, {"@name", "name"}};
    enum { OPTIONS = sizeof options / sizeof *options };
    struct wr_plan_error *error = &reading->error;
    struct wr_plan_token name;
    struct wr_plan_token value;
    struct wr_plan_token rest;
    if (wr_plan_token_next(reading->clean, &at, end, &name, error) != 0 ||
        wr_plan_token_next(reading->clean, &at, end, &value, error) != 0 ||
        wr_plan_token_next(reading->clean, &at, end, &rest, error) != 0) {
        return error->code;
    }
    const char *text = reading->clean + name.all.at;
    size_t i = 0;
    while (i < OPTIONS && !equals(text, name.all.len, options[i].name)) {
        i++;
    }
    if (reading->name == NULL) {
        return wr_plan_fail(error, name.all, "lines with @ are for a pipeline in a file");
    }
    if (i == OPTIONS) {
        (void)wr_plan_fail(error, name.all, "unknown option '%.*s'",
                           (int)WR_MIN(name.all.len, (size_t)WR_PLAN_SHOWN_MAX), text);
        return wr_plan_hint(error, "the options are @state DIR, @name NAME and @mem SIZE");
    }
    if (value.all.len == 0) {
        return wr_plan_fail(error, name.all, "%s: the %s is missing", options[i].name,
                            options[i].value);
    }
    if (rest.all.len > 0) {
        return wr_plan_fail(error, rest.all, "%s takes only one value", options[i].name);
    }
    value.value = value.name.len > 0 ? value.all : value.value;
    if (i == 1) {
        return read_size(reading, &value);
    }
    const char **to = i == 0 ? &reading->plan->state_folder : &reading->plan->state_name;
    *to = wr_plan_token_text(reading, &value);
    if (error->code == 0 && **to == '\0') {
        (void)wr_plan_fail(error, value.all, "%s: the %s is missing", options[i].name,
                           options[i].value);
    }
    return error->code;
}

bool wr_plan_is_format(const char *text, size_t len)
{
    return text[0] == '@' &&
           wr_expr_is_function((struct wr_text){text, 1 + function_len(text + 1, len - 1)}, false);
}

/* Read the option lines before the pipeline; *at moves to the start of the pipeline. */
static int read_options(struct wr_plan_reading *reading, size_t *at, size_t end)
{
    char *clean = reading->clean;
    for (;;) {
        while (*at < end && wr_plan_is_space(clean[*at])) {
            (*at)++;
        }
        if (*at == end || (clean[*at] != '@' && clean[*at] != '#') ||
            wr_plan_is_format(clean + *at, end - *at)) {
            return 0;
        }
        size_t eol = *at;
        size_t stop = SIZE_MAX;
        while (eol < end && clean[eol] != '\n') {
            if (clean[eol] == '#' && (eol == *at || wr_plan_is_space(clean[eol - 1])) &&
                stop == SIZE_MAX) {
                stop = eol;
            }
            eol++;
        }
        if (stop != SIZE_MAX) {
            memset(clean + stop, ' ', eol - stop);
        }
        if (clean[*at] == '@') {
            /* A quote that is not closed on this line must not include the next line. */
            struct weir_chain line = {.count = 0};
            if (split(reading, (struct wr_plan_span){*at, eol - *at}, &line) != 0 ||
                read_option(reading, *at, eol) != 0) {
                return reading->error.code;
            }
        }
        *at = eol;
    }
}

/* The allocations of a plan, newest first. */
struct memory {
    struct memory *next;
    max_align_t data[];
};

void *wr_plan_alloc(struct wr_plan_reading *reading, size_t bytes)
{
    struct memory *memory = wr_zalloc(sizeof *memory + bytes);
    if (memory == NULL) {
        (void)wr_plan_no_memory(&reading->error);
        return NULL;
    }
    memory->next = reading->plan->memory;
    reading->plan->memory = memory;
    return memory->data;
}

static int read_all(struct wr_plan_reading *reading)
{
    weir_plan *plan = reading->plan;
    size_t len = strlen(reading->text);
    size_t at = 0;
    if (read_options(reading, &at, len) != 0) {
        return reading->error.code;
    }
    if (at == len) {
        (void)wr_plan_fail(&reading->error, (struct wr_plan_span){0, 1}, "the text is empty");
        return wr_plan_hint(&reading->error, "as in weir 'https://example.org/feed | head 3'");
    }
    if (wr_plan_chain_read(reading, (struct wr_plan_span){at, len - at}, WR_PLAN_ROOT,
                           &plan->root) != 0 ||
        wr_plan_chain_check(reading, &plan->root, WR_PLAN_ROOT,
                            reading->behind ? WEIR_SHAPES_ALL : 0, WR_USE_NOTHING) != 0) {
        return reading->error.code;
    }
    return wr_plan_texts_write(reading);
}

/* Copy the values of the options into the plan. */
static int take_values(struct wr_plan_reading *reading, const weir_text_options *options)
{
    char why[WR_NAMES_WHY] = "";
    const char *which;
    if (options == NULL) {
        return 0;
    }
    int rc = wr_names_of(options->variables, options->variables_count, &reading->plan->names,
                         &which, why);
    if (rc == WEIR_EINVAL) {
        (void)wr_plan_fail(&reading->error, (struct wr_plan_span){0, 0}, "the value $%.*s: %s",
                           WR_PLAN_SHOWN_MAX, which, why);
        reading->error.code = rc;
    }
    return rc == WEIR_ENOMEM ? wr_plan_no_memory(&reading->error) : rc;
}

const char *wr_plan_text_name(const weir_text_options *options)
{
    WR_ASSERT(options == NULL || options->struct_size >= sizeof *options,
              "the options have no struct_size; initialize them with WEIR_OPTIONS");
    return options != NULL ? options->name : NULL;
}

weir_plan *wr_plan_read(const char *text, const weir_text_options *options, bool behind,
                        struct wr_plan_error *error)
{
    struct wr_plan_reading *reading = wr_zalloc(sizeof *reading);
    weir_plan *plan = NULL;
    memset(error, 0, sizeof *error);
    if (reading == NULL) {
        (void)wr_plan_no_memory(error);
        return NULL;
    }
    reading->text = text;
    reading->name = wr_plan_text_name(options);
    reading->behind = behind;
    reading->files = options != NULL ? options->files : NULL;
    reading->files_count = options != NULL ? options->files_count : 0;
    reading->clean = strlen(text) <= WR_PLAN_TEXT_BYTES_MAX ? wr_strdup(text) : NULL;
    reading->plan = wr_zalloc(sizeof *reading->plan);
    if (strlen(text) > WR_PLAN_TEXT_BYTES_MAX) {
        (void)wr_plan_too_long(&reading->error);
    } else if (reading->clean == NULL || reading->plan == NULL) {
        (void)wr_plan_no_memory(&reading->error);
    } else {
        atomic_init(&reading->plan->references, 1);
        if (take_values(reading, options) == 0) {
            (void)read_all(reading);
        }
    }
    plan = reading->plan;
    *error = reading->error;
    if (error->code != 0) {
        weir_plan_free(plan);
        plan = NULL;
    }
    wr_free(reading->clean);
    wr_free(reading);
    return plan;
}

weir_plan *weir_plan_read(const char *text, const weir_text_options *options, weir_error *error)
{
    struct wr_plan_error mistake;
    WR_ASSERT(text != NULL, "text is NULL");
    weir_plan *plan = wr_plan_read(text, options, false, &mistake);
    wr_error_clear(error);
    if (plan == NULL) {
        wr_plan_error_give(&mistake, text, wr_plan_text_name(options), error);
    }
    return plan;
}

size_t weir_plan_error_text(const char *text, const weir_text_options *options, char *to,
                            size_t cap)
{
    struct wr_plan_error mistake;
    WR_ASSERT(text != NULL, "text is NULL");
    weir_plan *plan = wr_plan_read(text, options, false, &mistake);
    if (plan == NULL) {
        return wr_plan_error_print(&mistake, text, wr_plan_text_name(options), to, cap);
    }
    weir_plan_free(plan);
    if (cap > 0) {
        to[0] = '\0';
    }
    return 0;
}

void weir_plan_free(weir_plan *plan)
{
    if (plan == NULL || atomic_fetch_sub(&plan->references, 1) > 1) {
        return;
    }
    wr_names_unref(plan->names);
    for (struct memory *memory = plan->memory; memory != NULL;) {
        struct memory *next = memory->next;
        wr_free(memory);
        memory = next;
    }
    wr_free(plan);
}
