/*
 * plan_words.c - layer 2 inside one stage: its words, and its arguments as the descriptor has them.
 *
 * A stage is a name and words. Each word is, in this order: NAME=value when it looks like one (then
 * the stage must have that argument), the keyword of an argument followed by its value, or the
 * value of the next positional argument of whose form it is; an optional positional that does not
 * fit is passed over. Nothing is guessed: a word that is left over is an error that points at it.
 * Values are converted here, so that opening cannot meet a bad one.
 */
#include "plan_text.h"

#include <string.h>
#include <strings.h>

#include "base_alloc.h"
#include "base_error.h"

#define SHOWN_MAX 60 /* bytes of the user's word in a message */

static bool is_name_byte(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

/* Length of NAME in NAME=value at `at`, 0: this is none ("==" compares). */
static size_t name_len(const char *clean, size_t at, size_t end)
{
    size_t i = at;
    while (i < end && is_name_byte(clean[i]) && (i > at || (clean[i] >= 'a' && clean[i] <= 'z'))) {
        i++;
    }
    return i > at && i < end && clean[i] == '=' && !(i + 1 < end && clean[i + 1] == '=') ? i - at
                                                                                         : 0;
}

int wr_plan_token_next(const char *clean, size_t *at, size_t end, struct wr_plan_token *token,
                       struct wr_plan_error *error)
{
    size_t i = *at;
    while (i < end && wr_plan_is_space(clean[i])) {
        i++;
    }
    *token = (struct wr_plan_token){.all = {i, 0}, .name = {i, name_len(clean, i, end)}};
    if (token->name.len > 0) {
        i += token->name.len + 1;
    }
    token->value.at = i;
    if (i < end && (clean[i] == '"' || clean[i] == '`' || clean[i] == '\'')) {
        token->quoted = true;
        i = wr_plan_skip(clean, i, end);
    }
    while (i < end && !wr_plan_is_space(clean[i])) {
        char c = clean[i];
        if (token->quoted) {
            return wr_plan_fail(error, (struct wr_plan_span){i, 1},
                                "a space is missing after the quoted text");
        }
        if (c == '"' || c == '`' || c == '\'') {
            size_t after = wr_plan_skip(clean, i, end);
            (void)wr_plan_fail(error, (struct wr_plan_span){i, after - i},
                               "a quote in the middle of a word");
            return wr_plan_hint(error, "quote the whole word");
        }
        i = c == '(' || c == '[' || c == '{' ? wr_plan_skip(clean, i, end) : i + 1;
    }
    token->value.len = i - token->value.at;
    token->all.len = i - token->all.at;
    *at = i;
    return 0;
}

/* The four hex digits at `hex`; false: they are none. */
static bool read_hex(const char *hex, size_t len, uint32_t *code)
{
    *code = 0;
    for (size_t i = 0; i < 4; i++) {
        char c = i < len ? hex[i] : 'x';
        char low = (char)(c | 0x20);
        if (!((c >= '0' && c <= '9') || (low >= 'a' && low <= 'f'))) {
            return false;
        }
        *code = *code << 4 | (uint32_t)(c <= '9' ? c - '0' : low - 'a' + 10);
    }
    return true;
}

static size_t put_utf8(char *to, uint32_t code)
{
    size_t len = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    static const unsigned char lead[] = {0, 0, 0xc0, 0xe0, 0xf0};
    for (size_t i = len; i-- > 1; code >>= 6) {
        to[i] = (char)(0x80u | (code & 0x3fu));
    }
    to[0] = (char)(lead[len] | code);
    return len;
}

/* \uXXXX at `in`, a surrogate pair as one; returns the bytes read, 0: it is no character. */
static size_t read_unicode(const char *in, size_t len, uint32_t *code)
{
    uint32_t low;
    if (!read_hex(in + 2, len - 2, code)) {
        return 0;
    }
    if (*code < 0xd800 || *code > 0xdfff) {
        return *code == 0 ? 0 : 6;
    }
    if (*code > 0xdbff || len < 12 || in[6] != '\\' || in[7] != 'u' ||
        !read_hex(in + 8, len - 8, &low) || low < 0xdc00 || low > 0xdfff) {
        return 0;
    }
    *code = 0x10000 + ((*code - 0xd800) << 10) + (low - 0xdc00);
    return 12;
}

/* One escape of a "..." text; returns the bytes read, 0 with *error set. */
static size_t read_escape(const char *clean, size_t at, size_t end, char *to, size_t *to_len,
                          struct wr_plan_error *error)
{
    static const char names[] = "\"\\/bfnrt";
    static const char bytes[] = "\"\\/\b\f\n\r\t";
    char c = clean[at + 1];
    const char *known = c == '\0' ? NULL : strchr(names, c);
    if (known != NULL) {
        *to = bytes[known - names];
        *to_len = 1;
        return 2;
    }
    if (c == 'u') {
        uint32_t code;
        size_t used = read_unicode(clean + at, end - at, &code);
        if (used > 0) {
            *to_len = put_utf8(to, code);
            return used;
        }
        (void)wr_plan_fail(error, (struct wr_plan_span){at, 2},
                           "\\u: four hex digits of a character are wanted");
        return 0;
    }
    if (c == '(') {
        (void)wr_plan_fail(error, (struct wr_plan_span){at, 2},
                           "expressions in a text are not in this version");
        (void)wr_plan_hint(error, "for the bytes \\( write `...`");
        return 0;
    }
    (void)wr_plan_fail(error, (struct wr_plan_span){at, 2}, "\\%c: unknown escape, as in JSON", c);
    (void)wr_plan_hint(error, "for a regex write `...` or double the \\");
    return 0;
}

char *wr_plan_token_text(const char *clean, const struct wr_plan_token *token,
                         struct wr_plan_error *error)
{
    size_t at = token->value.at + token->quoted;
    size_t end = token->value.at + token->value.len - token->quoted;
    bool escapes = token->quoted && clean[token->value.at] == '"';
    size_t len = 0;
    char *text = wr_alloc(end - at + 1);
    if (text == NULL) {
        (void)wr_plan_no_memory(error);
        return NULL;
    }
    while (at < end) {
        if (escapes && clean[at] == '\\') {
            size_t put = 0;
            size_t used = read_escape(clean, at, end, text + len, &put, error);
            if (used == 0) {
                wr_free(text);
                return NULL;
            }
            at += used;
            len += put;
        } else {
            text[len++] = clean[at++];
        }
    }
    text[len] = '\0';
    return text;
}

bool wr_plan_address_ok(const char *address)
{
    int64_t port;
    const char *host = strncasecmp(address, "tcp://", 6) == 0 ? address + 6 : address;
    const char *colon = strrchr(host, ':');
    if (colon == NULL || colon == host ||
        wr_plan_count_read(colon + 1, strlen(colon + 1), &port) != 0) {
        return false;
    }
    size_t len = (size_t)(colon - host);
    bool bracketed = host[0] == '[' && host[len - 1] == ']' && len > 2;
    return port >= 1 && port <= 65535 && (bracketed || memchr(host, ':', len) == NULL) &&
           strpbrk(host, "/ \t\r\n") == NULL;
}

/* Put the scheme before an address that was written without it, or in small letters where it was
 * not. Frees `text`; NULL: out of memory. */
static char *add_scheme(char *text, const char *scheme)
{
    size_t len = strlen(scheme);
    size_t text_len = strlen(text);
    if (strncasecmp(text, scheme, len) == 0) {
        memcpy(text, scheme, len);
        return text;
    }
    char *whole = wr_alloc(len + text_len + 1);
    if (whole != NULL) {
        memcpy(whole, scheme, len);
        memcpy(whole + len, text, text_len + 1);
    }
    wr_free(text);
    return whole;
}

/* What the word of a CHOICE stands for. */
static int read_choice(const char *text, const struct wr_plan_stage *stage,
                       const struct wr_plan_arg *arg, struct wr_plan_span where,
                       struct wr_plan_value *value, struct wr_plan_error *error)
{
    struct wr_plan_guess guess;
    char all[160];
    struct wr_plan_out out;
    wr_plan_guess_init(&guess, text, strlen(text));
    wr_plan_out_init(&out, all, sizeof all);
    for (size_t i = 0; arg->choices[i] != NULL; i++) {
        if (strcmp(text, arg->choices[i]) == 0) {
            value->number = (int64_t)i;
            return 0;
        }
        wr_plan_guess_offer(&guess, arg->choices[i]);
        wr_plan_out_print(&out, "%s%s", i > 0 ? ", " : "", arg->choices[i]);
    }
    (void)wr_plan_fail(error, where, "%s: '%.*s' is no value of '%s'", stage->word->name, SHOWN_MAX,
                       text, arg->name);
    return guess.best != NULL ? wr_plan_hint(error, "did you mean '%s'?", guess.best)
                              : wr_plan_hint(error, "it is one of %s", all);
}

/* Convert a text-like value. */
static int read_text(const char *clean, const struct wr_plan_token *token,
                     const struct wr_plan_stage *stage, const struct wr_plan_arg *arg,
                     struct wr_plan_value *value, struct wr_plan_error *error)
{
    char *text = wr_plan_token_text(clean, token, error);
    if (text == NULL) {
        return error->code;
    }
    if (text[0] == '\0') {
        (void)wr_plan_fail(error, token->all, "%s: the %s is empty", stage->word->name,
                           wr_plan_type_text(arg->type));
    } else if (arg->type == WR_PLAN_CHOICE) {
        (void)read_choice(text, stage, arg, token->value, value, error);
    } else if (arg->type == WR_PLAN_ADDRESS && !wr_plan_address_ok(text)) {
        (void)wr_plan_fail(error, token->value, "%s: '%.*s' is no address", stage->word->name,
                           SHOWN_MAX, text);
        (void)wr_plan_hint(error, "write HOST:PORT, as in %s", stage->word->example);
    }
    if (error->code != 0 || arg->type == WR_PLAN_CHOICE) {
        wr_free(text);
        return error->code;
    }
    if (arg->type == WR_PLAN_ADDRESS || arg->type == WR_PLAN_SOCKET) {
        text = add_scheme(text, arg->type == WR_PLAN_ADDRESS ? "tcp://" : "unix:");
    }
    value->text = text;
    return text == NULL ? wr_plan_no_memory(error) : 0;
}

/* Convert a word. *fits false: it is not of this argument's form, and nothing is recorded. */
static int read_value(const char *clean, const struct wr_plan_token *token,
                      const struct wr_plan_stage *stage, const struct wr_plan_arg *arg,
                      struct wr_plan_value *value, bool *fits, struct wr_plan_error *error)
{
    const char *word = clean + token->value.at;
    size_t len = token->value.len;
    int rc = WEIR_EINVAL;
    *fits = true;
    if (arg->type >= WR_PLAN_STRING) {
        value->given = read_text(clean, token, stage, arg, value, error) == 0;
        return error->code;
    }
    if (arg->type == WR_PLAN_COUNT) {
        rc = wr_plan_count_read(word, len, &value->number);
    } else if (arg->type == WR_PLAN_SIZE) {
        rc = wr_plan_size_read(word, len, &value->number);
    } else if (arg->type == WR_PLAN_TIME) {
        rc = wr_plan_time_read(word, len, &value->number);
    } else {
        rc = wr_plan_range_read(word, len, &value->number, &value->last);
    }
    if (rc == WEIR_EINVAL) {
        *fits = false;
        return 0;
    }
    if (rc != 0) {
        return wr_plan_fail(error, token->value, "%s: '%.*s' is too large", stage->word->name,
                            (int)WR_MIN(len, (size_t)SHOWN_MAX), word);
    }
    if (value->number < arg->min) {
        return wr_plan_fail(error, token->value, "%s: the %s is at least %lld%s", stage->word->name,
                            wr_plan_type_text(arg->type), (long long)arg->min,
                            arg->type == WR_PLAN_TIME   ? "ms"
                            : arg->type == WR_PLAN_SIZE ? "B"
                                                        : "");
    }
    if (arg->type == WR_PLAN_RANGE && value->last != WEIR_NONE && value->last < value->number) {
        (void)wr_plan_fail(error, token->value, "%s: '%.*s' holds no number", stage->word->name,
                           (int)len, word);
        return wr_plan_hint(error, "write %lld..%lld", (long long)value->last,
                            (long long)value->number);
    }
    value->given = true;
    return 0;
}

static bool is_bare_number(const char *word, size_t len)
{
    size_t i = 0;
    while (i < len && ((word[i] >= '0' && word[i] <= '9') || word[i] == '.')) {
        i++;
    }
    return i == len && len > 0;
}

static int wrong_form(const char *clean, const struct wr_plan_token *token,
                      const struct wr_plan_stage *stage, const struct wr_plan_arg *arg,
                      struct wr_plan_error *error)
{
    static const char *const samples[] = {"1000", "64KiB", "500ms or 1m30s", "1..10 or 1.."};
    const char *word = clean + token->value.at;
    int shown = (int)WR_MIN(token->value.len, (size_t)SHOWN_MAX);
    (void)wr_plan_fail(error, token->value, "%s: '%.*s' is no %s", stage->word->name, shown, word,
                       wr_plan_type_text(arg->type));
    if ((arg->type == WR_PLAN_TIME || arg->type == WR_PLAN_SIZE) &&
        is_bare_number(word, token->value.len)) {
        bool time = arg->type == WR_PLAN_TIME;
        return wr_plan_hint(error, "with its unit: %.*s%s or %.*s%s", shown, word,
                            time ? "s" : "KiB", shown, word, time ? "ms" : "B");
    }
    return wr_plan_hint(error, "a %s is written %s", wr_plan_type_text(arg->type),
                        samples[arg->type]);
}

/* The value of NAME=value, or of a keyword: of this form, and given once. */
static int read_given(const char *clean, const struct wr_plan_token *token,
                      struct wr_plan_stage *stage, size_t index, struct wr_plan_error *error)
{
    const struct wr_plan_arg *arg = &stage->word->args[index];
    bool fits;
    if (stage->values[index].given) {
        return wr_plan_fail(error, token->all, "%s: '%s' is given twice", stage->word->name,
                            arg->name);
    }
    if (read_value(clean, token, stage, arg, &stage->values[index], &fits, error) == 0 && !fits) {
        return wrong_form(clean, token, stage, arg, error);
    }
    return error->code;
}

static int read_named(const char *clean, const struct wr_plan_token *token,
                      struct wr_plan_stage *stage, struct wr_plan_error *error)
{
    const struct wr_plan_arg *args = stage->word->args;
    const char *name = clean + token->name.at;
    struct wr_plan_guess guess;
    wr_plan_guess_init(&guess, name, token->name.len);
    for (size_t i = 0; args[i].name != NULL; i++) {
        if (args[i].form != WR_PLAN_NAMED) {
            continue;
        }
        if (strlen(args[i].name) == token->name.len &&
            memcmp(args[i].name, name, token->name.len) == 0) {
            return read_given(clean, token, stage, i, error);
        }
        wr_plan_guess_offer(&guess, args[i].name);
    }
    (void)wr_plan_fail(error, token->name, "%s has no argument '%.*s'", stage->word->name,
                       (int)WR_MIN(token->name.len, (size_t)SHOWN_MAX), name);
    return guess.best != NULL ? wr_plan_hint(error, "did you mean '%s'?", guess.best)
                              : wr_plan_hint(error, "if this is a value, quote it");
}

/* Nothing takes this word: say so, with what was perhaps meant. */
static int too_many(const char *clean, const struct wr_plan_token *token,
                    const struct wr_plan_stage *stage, struct wr_plan_error *error)
{
    const struct wr_plan_arg *args = stage->word->args;
    const char *word = clean + token->all.at;
    int len = (int)WR_MIN(token->all.len, (size_t)SHOWN_MAX);
    (void)wr_plan_fail(error, token->all, "%s: '%.*s' is one argument too many", stage->word->name,
                       len, word);
    if (word[0] == '>') {
        return wr_plan_hint(error, "to write a file: | file PATH");
    }
    for (size_t i = 0; args[i].name != NULL && !token->quoted; i++) {
        int64_t ms;
        if (args[i].form == WR_PLAN_KEYWORD && wr_plan_time_read(word, token->all.len, &ms) == 0) {
            return wr_plan_hint(error, "write '%s %.*s'", args[i].name, len, word);
        }
        if (args[i].type == WR_PLAN_SIZE && !stage->values[i].given &&
            is_bare_number(word, token->all.len)) {
            return wr_plan_hint(error, "a size has a unit: %.*sKiB or %.*sB", len, word, len, word);
        }
        if (args[i].type == WR_PLAN_CHOICE) {
            for (size_t j = 0; args[i].choices[j] != NULL; j++) {
                if (strlen(args[i].choices[j]) == token->all.len &&
                    memcmp(args[i].choices[j], word, token->all.len) == 0) {
                    return wr_plan_hint(error, "write '%s=%.*s'", args[i].name, len, word);
                }
            }
        }
    }
    if (args[0].name != NULL && strcmp(args[0].name, "URL") == 0) {
        return wr_plan_hint(error, "a URL ends at the first space; a stage begins with |");
    }
    if (args[0].name != NULL && args[0].type >= WR_PLAN_STRING) {
        return wr_plan_hint(error, "quote a %s with spaces", args[0].name);
    }
    return error->code;
}

/* A word that is no NAME=: a keyword with its value, or a positional. */
static int read_plain(const char *clean, const struct wr_plan_token *token, size_t *at,
                      struct wr_plan_stage *stage, size_t *next, struct wr_plan_error *error)
{
    const struct wr_plan_arg *args = stage->word->args;
    const char *word = clean + token->all.at;
    for (size_t i = 0; args[i].name != NULL && !token->quoted; i++) {
        if (args[i].form == WR_PLAN_KEYWORD && strlen(args[i].name) == token->all.len &&
            memcmp(args[i].name, word, token->all.len) == 0) {
            struct wr_plan_token value;
            if (wr_plan_token_next(clean, at, stage->where.at + stage->where.len, &value, error) !=
                0) {
                return error->code;
            }
            if (value.all.len == 0) {
                (void)wr_plan_fail(error, token->all, "%s: '%s' needs a %s", stage->word->name,
                                   args[i].name, wr_plan_type_text(args[i].type));
                return wr_plan_hint(error, "as in %s", stage->word->example);
            }
            return read_given(clean, &value, stage, i, error);
        }
    }
    for (; args[*next].name != NULL && args[*next].form == WR_PLAN_POSITIONAL; (*next)++) {
        bool fits;
        if (read_value(clean, token, stage, &args[*next], &stage->values[*next], &fits, error) !=
            0) {
            return error->code;
        }
        if (fits) {
            (*next)++;
            return 0;
        }
        if (args[*next].required) {
            return wrong_form(clean, token, stage, &args[*next], error);
        }
    }
    return too_many(clean, token, stage, error);
}

int wr_plan_args_read(const char *clean, size_t at, struct wr_plan_stage *stage,
                      struct wr_plan_error *error)
{
    const struct wr_plan_arg *args = stage->word->args;
    size_t end = stage->where.at + stage->where.len;
    size_t next = 0; /* positional */
    for (;;) {
        struct wr_plan_token token;
        if (wr_plan_token_next(clean, &at, end, &token, error) != 0) {
            return error->code;
        }
        if (token.all.len == 0) {
            break;
        }
        int rc = token.name.len > 0 ? read_named(clean, &token, stage, error)
                                    : read_plain(clean, &token, &at, stage, &next, error);
        if (rc != 0) {
            return rc;
        }
    }
    for (size_t i = 0; args[i].name != NULL; i++) {
        if (args[i].required && !stage->values[i].given) {
            (void)wr_plan_fail(error, (struct wr_plan_span){end, 1}, "%s: the %s is missing",
                               stage->word->name, wr_plan_type_text(args[i].type));
            return wr_plan_hint(error, "as in %s", stage->word->example);
        }
    }
    return 0;
}
