/*
 * plan_read.c - from the text to a plan: option lines, what each stage is, and whether they fit
 * together.
 *
 * Called by weir_plan_read and, for the long form of an error, by weir_plan_error_text: both read
 * the text from the start and keep nothing between calls. The steps: option lines (files only), the
 * split, then stage by stage what its first word looks like. Where a word may stand depends on its
 * place alone, never on what exists in a folder: with a scheme, a '/' or a '.' in it, it is a
 * source in the first place and a mistake elsewhere. The first mistake ends the reading. Suspends
 * nothing, opens nothing.
 */
#define _GNU_SOURCE /* memrchr */
#include "plan_text.h"

#include <string.h>
#include <strings.h>

#include "base_alloc.h"
#include "base_error.h"
#include "codec_url.h"

#define SHOWN_MAX 60

struct reading {
    const char *text;
    char *clean; /* a copy with its comments blanked */
    const char *name;
    weir_plan *plan;
    struct wr_plan_error error;
    struct wr_plan_span spans[WR_PLAN_STAGES_MAX];
};

enum look { LOOK_NAME, LOOK_STDIN, LOOK_SCHEME, LOOK_UNIX, LOOK_PATH, LOOK_EXPRESSION };

static bool begins(const char *text, size_t len, const char *with)
{
    size_t n = strlen(with);
    return len >= n && memcmp(text, with, n) == 0;
}

static bool equals(const char *text, size_t len, const char *name)
{
    return strlen(name) == len && memcmp(text, name, len) == 0;
}

/* Schemes are known without regard to case (RFC 3986, 3.1). */
static bool is_scheme(const char *text, size_t len, const char *scheme)
{
    return strlen(scheme) == len && strncasecmp(text, scheme, len) == 0;
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

/* Length of the scheme of an address such as tcp://h:1; 0: this is none. */
static size_t scheme_len(const char *text, size_t len)
{
    size_t i = 0;
    while (i < len &&
           ((text[i] >= 'a' && text[i] <= 'z') || (text[i] >= 'A' && text[i] <= 'Z') ||
            (i > 0 && ((text[i] >= '0' && text[i] <= '9') || text[i] == '+' || text[i] == '-')))) {
        i++;
    }
    return i > 0 && begins(text + i, len - i, "://") ? i : 0;
}

/* What the first word of a stage looks like. `loose`: a '.', '/' or '*' anywhere makes a path of
 * it. */
static enum look look_at(const char *word, size_t len, bool loose)
{
    size_t name = name_len(word, len);
    if (equals(word, len, "-")) {
        return LOOK_STDIN;
    }
    if (scheme_len(word, len) > 0) {
        return LOOK_SCHEME;
    }
    if (len >= strlen("unix:") && is_scheme(word, strlen("unix:"), "unix:")) {
        return LOOK_UNIX;
    }
    if (begins(word, len, "/") || begins(word, len, "./") || begins(word, len, "../") ||
        begins(word, len, "~/")) {
        return LOOK_PATH;
    }
    if (len == 0 || strchr(".{[(\"`'$@-", word[0]) != NULL ||
        (name > 0 && name < len && word[name] == '(')) {
        return LOOK_EXPRESSION;
    }
    if (loose && (memchr(word, '.', len) != NULL || memchr(word, '/', len) != NULL ||
                  memchr(word, '*', len) != NULL)) {
        return LOOK_PATH;
    }
    return word[0] >= '0' && word[0] <= '9' ? LOOK_EXPRESSION : LOOK_NAME;
}

/* jq's functions without arguments: with them a stage is an expression. */
static bool is_function(const char *name, size_t len)
{
    static const char *const functions[] = {
        "add",      "ascii_downcase", "ascii_upcase", "empty",  "first",
        "floor",    "from_entries",   "fromjson",     "keys",   "not",
        "length",   "recurse",        "reverse",      "tojson", "to_entries",
        "tonumber", "tostring",       "type",         "unique", "values",
    };
    for (size_t i = 0; i < sizeof functions / sizeof functions[0]; i++) {
        if (equals(name, len, functions[i])) {
            return true;
        }
    }
    return false;
}

static int no_expressions(struct reading *reading, struct wr_plan_span where)
{
    (void)wr_plan_fail(&reading->error, where, "expressions are not in this version");
    return wr_plan_hint(&reading->error, "to filter lines by their text: grep \"text\"");
}

/* A source was written where none can stand. */
static int misplaced(struct reading *reading, const struct wr_plan_span word, enum look look)
{
    const char *text = reading->clean + word.at;
    struct wr_plan_error *error = &reading->error;
    int shown = (int)WR_MIN(word.len, (size_t)SHOWN_MAX);
    if (look == LOOK_PATH && word.len > 3 && memcmp(text + word.len - 3, ".so", 3) == 0) {
        (void)wr_plan_fail(error, word, "modules are not in this version: '%.*s'", shown, text);
        return wr_plan_hint(error, "in C: weir_parse() takes any generator as its source");
    }
    if (look == LOOK_PATH) {
        (void)wr_plan_fail(error, word, "a file can only be read in the first place");
        return wr_plan_hint(error, "to write it: file %.*s", shown, text);
    }
    (void)wr_plan_fail(error, word, "a source can only stand in the first place");
    if (look == LOOK_STDIN) {
        return wr_plan_hint(error, "for standard output leave the sink out");
    }
    if (look == LOOK_UNIX || is_scheme(text, scheme_len(text, word.len), "tcp")) {
        return wr_plan_hint(error, "to send there: %s %.*s", look == LOOK_UNIX ? "unix" : "tcp",
                            shown, text);
    }
    return wr_plan_hint(error, "to send somewhere: tcp ADDRESS, unix PATH or file PATH");
}

/* The rules for a URL. What a browser would encode, or could be read in two ways, is refused. */
static int check_url(struct reading *reading, const struct wr_plan_stage *stage,
                     struct wr_plan_span where)
{
    const char *text = stage->values[0].text;
    struct wr_plan_error *error = &reading->error;
    struct wr_url url;
    const char *host = strstr(text, "://") + 3;
    size_t host_len = strcspn(host, "/?#");
    const char *brace = strchr(host + host_len, '{');
    const char *square = strchr(host + host_len, '[');
    if (host_len == 0) {
        (void)wr_plan_fail(error, where, "the URL has no host");
        return wr_plan_hint(error, "as in %s", stage->word->example);
    }
    const char *sign = memrchr(host, '@', host_len);
    if (sign != NULL && strcspn(host, "()[]{}") < (size_t)(sign - host)) {
        /* They need not balance, which a text that is read again relies on. */
        return wr_plan_fail(error, where,
                            "brackets before the @ of a URL are written %%28 and the like");
    }
    for (const char *c = text; *c != '\0'; c++) {
        if ((unsigned char)*c <= ' ' || *c == '\x7f') {
            return wr_plan_fail(error, where,
                                "a space or control byte in a URL is written %%20 and the like");
        }
    }
    if (wr_url_parse(wr_text_of(text), &url) != 0) {
        (void)wr_plan_fail(error, where, "the host or the port of this URL cannot be read");
        if (sign != NULL && memchr(host, '@', (size_t)(sign - host)) != NULL) {
            return wr_plan_hint(error, "an @ in a name or a password is written %%40");
        }
        return memchr(host, '[', host_len) != NULL && memchr(host, '%', host_len) != NULL
                   ? wr_plan_hint(error, "a zone is written http://[fe80::1%%25eth0]:8080/")
                   : wr_plan_hint(error, "as in http://HOST:8080/ or http://[::1]:8080/");
    }
    if ((brace != NULL && strpbrk(brace, ",}") != NULL && *strpbrk(brace, ",}") == ',') ||
        (square != NULL && strpbrk(square, "-]") != NULL && *strpbrk(square, "-]") == '-')) {
        reading->plan->warning =
            "{a,b} and [1-3] in the URL are sent as they are: weir does not expand them as "
            "curl does";
    }
    return 0;
}

/* The rules for the address of a source beyond its argument's type. */
static int check_source(struct reading *reading, const struct wr_plan_stage *stage,
                        struct wr_plan_span where)
{
    const char *text = stage->values[0].text;
    struct wr_plan_error *error = &reading->error;
    bool bare_file =
        strcmp(stage->word->name, "file") == 0 && reading->clean[stage->name.at] == text[0];
    if (strcmp(stage->word->name, "http") == 0) {
        return check_url(reading, stage, where);
    }
    if (strcmp(stage->word->name, "unix") == 0 && text[strlen("unix:")] == '\0') {
        return wr_plan_fail(error, where, "the path of the socket is missing");
    } else if (bare_file && strchr(text, '*') != NULL) {
        (void)wr_plan_fail(error, where, "patterns are not in this version: '%.*s'", SHOWN_MAX,
                           text);
        return wr_plan_hint(error, "let the shell expand it: weir 'PIPELINE' FILE...");
    } else if (bare_file && begins(text, strlen(text), "~/")) {
        (void)wr_plan_fail(error, where, "~ is the shell's: '%.*s'", SHOWN_MAX, text);
        return wr_plan_hint(
            error, "write the whole path, or give the file as an argument: weir 'PIPELINE' FILE");
    }
    return 0;
}

/* A source that is known by how it looks. */
static int read_source(struct reading *reading, struct wr_plan_stage *stage,
                       struct wr_plan_span word, enum look look)
{
    const char *text = reading->clean + word.at;
    size_t scheme = look == LOOK_SCHEME ? scheme_len(text, word.len) : 0;
    const char *name = look == LOOK_PATH ? "file" : look == LOOK_UNIX ? "unix" : NULL;
    if (look == LOOK_SCHEME) {
        name = is_scheme(text, scheme, "http") || is_scheme(text, scheme, "https") ? "http"
               : is_scheme(text, scheme, "tcp")                                    ? "tcp"
               : is_scheme(text, scheme, "unix")                                   ? "unix"
                                                                                   : NULL;
    }
    if (name == NULL) {
        return wr_plan_scheme_missing(&reading->error, reading->clean,
                                      (struct wr_plan_span){word.at, scheme});
    }
    stage->word = wr_plan_source_find(name);
    if (wr_plan_args_read(reading->clean, stage->where.at, stage, &reading->error) != 0) {
        return reading->error.code;
    }
    return check_source(reading, stage, word);
}

/* Find the descriptor of a stage that is written by its name, and where its arguments begin. */
static int find_named(struct reading *reading, struct wr_plan_stage *stage,
                      const struct wr_plan_token *token, size_t *args_at)
{
    const char *text = reading->clean + token->all.at;
    size_t len = token->all.len;
    size_t name = name_len(text, len);
    struct wr_plan_span where = {token->all.at,
                                 name < len && name > 0 && text[name] == '{' ? name : len};
    *args_at = where.at + where.len;
    stage->word = wr_plan_word_find(text, where.len);
    if (stage->word != NULL) {
        return 0;
    }
    if (is_scheme(text, where.len, "http") || is_scheme(text, where.len, "https")) {
        (void)wr_plan_fail(&reading->error, where, "'%.*s' is a source, and written as its address",
                           (int)where.len, text);
        return wr_plan_hint(&reading->error, "a pipeline begins with it: %s",
                            wr_plan_source_find("http")->example);
    }
    if (is_function(text, len)) {
        return no_expressions(reading, where);
    }
    if (memchr(text, '.', len) != NULL) {
        (void)wr_plan_fail(&reading->error, where, "unknown stage '%.*s'",
                           (int)WR_MIN(len, (size_t)SHOWN_MAX), text);
        return wr_plan_hint(&reading->error, "to write a file: file %.*s",
                            (int)WR_MIN(len, (size_t)SHOWN_MAX), text);
    }
    return wr_plan_word_missing(&reading->error, reading->clean, where);
}

/* NAME( begins an expression, or is the call form of a stage, which the language does not have. */
static int read_expression(struct reading *reading, const struct wr_plan_token *token)
{
    const char *text = reading->clean + token->all.at;
    struct wr_plan_span name = {token->all.at, name_len(text, token->all.len)};
    const struct wr_plan_word *word = wr_plan_word_find(text, name.len);
    if (word != NULL) {
        (void)wr_plan_fail(&reading->error, token->all,
                           "%s: arguments stand behind the name, without brackets", word->name);
        return wr_plan_hint(&reading->error, "as in %s", word->example);
    }
    if (name.len > 0 && wr_plan_is_planned(text, name.len)) {
        return wr_plan_word_missing(&reading->error, reading->clean, name);
    }
    return no_expressions(reading, token->all);
}

static int read_stage(struct reading *reading, size_t index)
{
    struct wr_plan_stage *stage = &reading->plan->stages[index];
    struct wr_plan_token token;
    size_t at = reading->spans[index].at;
    bool first = index == 0;
    stage->where = reading->spans[index];
    if (wr_plan_token_next(reading->clean, &at, stage->where.at + stage->where.len, &token,
                           &reading->error) != 0) {
        return reading->error.code;
    }
    struct wr_plan_span word = token.all;
    if (token.quoted && token.name.len == 0 && first) {
        word = (struct wr_plan_span){token.value.at + 1, token.value.len - 2};
    }
    stage->name = token.all;
    enum look look = look_at(reading->clean + word.at, word.len, first);
    if (token.quoted && token.name.len == 0 && (!first || look == LOOK_NAME)) {
        look = LOOK_EXPRESSION;
    }
    if (look == LOOK_EXPRESSION) {
        return read_expression(reading, &token);
    }
    if (look != LOOK_NAME && !first) {
        return misplaced(reading, word, look);
    }
    if (look == LOOK_STDIN) {
        stage->word = wr_plan_word_find("stdin", strlen("stdin"));
    } else if (look != LOOK_NAME) {
        return read_source(reading, stage, word, look);
    } else if (find_named(reading, stage, &token, &at) != 0) {
        return reading->error.code;
    }
    return wr_plan_args_read(reading->clean, at, stage, &reading->error);
}

/* Do the stages stand where they can, and do the items of one fit the next? */
static int check_chain(struct reading *reading)
{
    const weir_plan *plan = reading->plan;
    enum wr_plan_items items = WR_PLAN_LINES;
    const char *giver = "";
    for (size_t i = 0; i < plan->stages_count; i++) {
        const struct wr_plan_stage *stage = &plan->stages[i];
        const struct wr_plan_word *word = stage->word;
        bool limits =
            strcmp(word->name, "lines") == 0 && (stage->values[0].given || stage->values[1].given);
        if (word->kind == WEIR_PLAN_SOURCE && i > 0) {
            (void)wr_plan_fail(&reading->error, stage->name,
                               "'%s' is a source and can only stand in the first place",
                               word->name);
        } else if (word->kind == WEIR_PLAN_SINK && i + 1 < plan->stages_count) {
            (void)wr_plan_fail(&reading->error, stage->name,
                               "'%s' is a sink and can only stand in the last place", word->name);
        } else if (word->in == WR_PLAN_LINES && items == WR_PLAN_BATCHES) {
            (void)wr_plan_fail(&reading->error, stage->name,
                               "%s after %s: '%s' needs lines, '%s' gives batches", word->name,
                               giver, word->name, giver);
            (void)wr_plan_hint(&reading->error, "put it before %s", giver);
        } else if (limits &&
                   !(i == 0 || (i == 1 && plan->stages[0].word->kind == WEIR_PLAN_SOURCE))) {
            (void)wr_plan_fail(&reading->error, stage->where,
                               "lines: its arguments are limits of the source");
            (void)wr_plan_hint(&reading->error, "put it right behind the source");
        }
        if (reading->error.code != 0) {
            return word->misplaced != NULL ? wr_plan_hint(&reading->error, "%s", word->misplaced)
                                           : reading->error.code;
        }
        if (word->out != WR_PLAN_ANY) {
            items = word->out;
            giver = word->name;
        }
    }
    return 0;
}

/* One line `@name value`, [at, end). */
static int read_option(struct reading *reading, size_t at, size_t end)
{
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
    bool state = equals(text, name.all.len, "@state");
    if (reading->name == NULL) {
        (void)wr_plan_fail(error, name.all, "lines with @ belong in a file");
        return wr_plan_hint(error, "weir -f FILE, or the flags --state and --mem");
    }
    if (!state && !equals(text, name.all.len, "@mem")) {
        (void)wr_plan_fail(error, name.all, "unknown option '%.*s'",
                           (int)WR_MIN(name.all.len, (size_t)SHOWN_MAX), text);
        return wr_plan_hint(error, "there are @state DIR and @mem SIZE");
    }
    if (value.all.len == 0) {
        return wr_plan_fail(error, name.all, "%s",
                            state ? "@state: the folder is missing" : "@mem: the size is missing");
    }
    if (rest.all.len > 0) {
        return wr_plan_fail(error, rest.all, "%s: one value is enough", state ? "@state" : "@mem");
    }
    value.value = value.name.len > 0 ? value.all : value.value;
    if (!state) {
        int rc = wr_plan_size_read(reading->clean + value.value.at, value.value.len,
                                   &reading->plan->mem_bytes);
        if (rc != 0 || reading->plan->mem_bytes == 0) {
            (void)wr_plan_fail(error, value.all, "@mem: '%.*s' is no size",
                               (int)WR_MIN(value.all.len, (size_t)SHOWN_MAX),
                               reading->clean + value.all.at);
            return wr_plan_hint(error, "a size is written 64MiB");
        }
        return 0;
    }
    wr_free(reading->plan->state_folder);
    reading->plan->state_folder = wr_plan_token_text(reading->clean, &value, error);
    if (error->code == 0 && reading->plan->state_folder[0] == '\0') {
        (void)wr_plan_fail(error, value.all, "@state: the folder is missing");
    }
    return error->code;
}

/* The lines before the pipeline; *at moves to where it begins. */
static int read_options(struct reading *reading, size_t *at, size_t end)
{
    char *clean = reading->clean;
    for (;;) {
        while (*at < end && wr_plan_is_space(clean[*at])) {
            (*at)++;
        }
        if (*at == end || (clean[*at] != '@' && clean[*at] != '#')) {
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
            /* A quote that is never closed on this line must not reach into the next. */
            size_t count;
            if (wr_plan_split(clean, (struct wr_plan_span){*at, eol - *at}, reading->spans, &count,
                              &reading->error) != 0 ||
                read_option(reading, *at, eol) != 0) {
                return reading->error.code;
            }
        }
        *at = eol;
    }
}

/* The parts as weir has read them, and all of them as one text. */
static int write_texts(struct reading *reading)
{
    weir_plan *plan = reading->plan;
    size_t len = 0;
    for (size_t i = 0; i < plan->stages_count; i++) {
        plan->stages[i].text = wr_plan_stage_text(reading->clean, &plan->stages[i]);
        if (plan->stages[i].text == NULL) {
            return wr_plan_no_memory(&reading->error);
        }
        len += strlen(plan->stages[i].text) + strlen(" | ");
    }
    struct wr_plan_out out;
    plan->text = wr_alloc(len + 1);
    if (plan->text == NULL) {
        return wr_plan_no_memory(&reading->error);
    }
    wr_plan_out_init(&out, plan->text, len + 1);
    for (size_t i = 0; i < plan->stages_count; i++) {
        const char *text = plan->stages[i].text;
        wr_plan_out_bytes(&out, " | ", i > 0 ? strlen(" | ") : 0);
        wr_plan_out_bytes(&out, text, strlen(text));
    }
    return 0;
}

static int read_all(struct reading *reading)
{
    weir_plan *plan = reading->plan;
    size_t len = strlen(reading->text);
    size_t at = 0;
    size_t count = 0;
    if (read_options(reading, &at, len) != 0) {
        return reading->error.code;
    }
    if (at == len) {
        (void)wr_plan_fail(&reading->error, (struct wr_plan_span){0, 1}, "the text is empty");
        return wr_plan_hint(&reading->error, "as in weir 'https://example.org/feed | head 3'");
    }
    if (wr_plan_split(reading->clean, (struct wr_plan_span){at, len - at}, reading->spans, &count,
                      &reading->error) != 0) {
        return reading->error.code;
    }
    plan->stages = wr_zalloc(count * sizeof *plan->stages);
    if (plan->stages == NULL) {
        return wr_plan_no_memory(&reading->error);
    }
    for (; plan->stages_count < count; plan->stages_count++) {
        if (read_stage(reading, plan->stages_count) != 0) {
            plan->stages_count++;
            return reading->error.code;
        }
    }
    return check_chain(reading) != 0 ? reading->error.code : write_texts(reading);
}

/* Read the text; *error has code 0 when that went well. */
static weir_plan *read_text(const char *text, const char *name, struct wr_plan_error *error)
{
    struct reading *reading = wr_zalloc(sizeof *reading);
    weir_plan *plan = NULL;
    memset(error, 0, sizeof *error);
    if (reading == NULL) {
        (void)wr_plan_no_memory(error);
        return NULL;
    }
    reading->text = text;
    reading->name = name;
    reading->clean = strlen(text) <= WR_PLAN_TEXT_BYTES_MAX ? wr_strdup(text) : NULL;
    reading->plan = wr_zalloc(sizeof *reading->plan);
    if (strlen(text) > WR_PLAN_TEXT_BYTES_MAX) {
        (void)wr_plan_fail(&reading->error, (struct wr_plan_span){0, 1},
                           "the text is longer than 1 MiB");
    } else if (reading->clean == NULL || reading->plan == NULL) {
        (void)wr_plan_no_memory(&reading->error);
    } else {
        (void)read_all(reading);
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

weir_plan *weir_plan_read(const char *text, const char *name, weir_error *error)
{
    struct wr_plan_error mistake;
    WR_ASSERT(text != NULL, "text is NULL");
    weir_plan *plan = read_text(text, name, &mistake);
    wr_error_clear(error);
    if (plan == NULL) {
        wr_plan_error_give(&mistake, text, name, error);
    }
    return plan;
}

size_t weir_plan_error_text(const char *text, const char *name, char *to, size_t cap)
{
    struct wr_plan_error mistake;
    WR_ASSERT(text != NULL, "text is NULL");
    weir_plan *plan = read_text(text, name, &mistake);
    if (plan == NULL) {
        return wr_plan_error_print(&mistake, text, name, to, cap);
    }
    weir_plan_free(plan);
    if (cap > 0) {
        to[0] = '\0';
    }
    return 0;
}

void weir_plan_free(weir_plan *plan)
{
    if (plan == NULL) {
        return;
    }
    for (size_t i = 0; i < plan->stages_count; i++) {
        for (size_t j = 0; j < WR_PLAN_ARGS_MAX; j++) {
            wr_free(plan->stages[i].values[j].text);
        }
        wr_free(plan->stages[i].text);
    }
    wr_free(plan->stages);
    wr_free(plan->text);
    wr_free(plan->state_folder);
    wr_free(plan);
}
