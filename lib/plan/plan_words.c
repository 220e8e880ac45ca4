/*
 * plan_words.c - layer 2: the words of a component, and the bytes that they mean.
 *
 * A word ends at white space. Brackets in it are balanced, and a quoted text is not split. "..."
 * has JSON's escapes, `...` and '...' have none. The splitter has accepted the text before, so no
 * quote or bracket is open here.
 */
#include "plan_text.h"

#include <string.h>

#include "base_error.h"
#include "expr_tree.h"

static bool is_name_byte(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

/* Length of NAME in NAME=value at `at`; 0: there is none ("==" is a comparison). */
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

/* Read one escape of a "..." text; returns the bytes read, 0 with *error set. */
static size_t read_escape(const char *clean, size_t at, size_t end, char *to, size_t *to_len,
                          struct wr_plan_error *error)
{
    char c = clean[at + 1];
    size_t used = wr_escape_read(clean + at, end - at, to, to_len);
    if (used > 0 && *to != '\0') {
        return used;
    }
    if (c == 'u') {
        (void)wr_plan_fail(error, (struct wr_plan_span){at, 2},
                           "\\u: the four hex digits of a character are missing");
        return 0;
    }
    if (c == '(') {
        (void)wr_plan_fail(error, (struct wr_plan_span){at, 2},
                           "\\(...) is not evaluated in this text");
        (void)wr_plan_hint(error, "for the bytes \\( write `...`");
        return 0;
    }
    (void)wr_plan_fail(error, (struct wr_plan_span){at, 2}, "\\%c: unknown escape, as in JSON", c);
    (void)wr_plan_hint(error, "for a regex write `...` or double the \\");
    return 0;
}

char *wr_plan_token_text(struct wr_plan_reading *reading, const struct wr_plan_token *token)
{
    const char *clean = reading->clean;
    size_t at = token->value.at + token->quoted;
    size_t end = token->value.at + token->value.len - token->quoted;
    bool escapes = token->quoted && clean[token->value.at] == '"';
    size_t len = 0;
    char *text = wr_plan_alloc(reading, end - at + 1);
    while (text != NULL && at < end) {
        if (escapes && clean[at] == '\\') {
            size_t put = 0;
            size_t used = read_escape(clean, at, end, text + len, &put, &reading->error);
            if (used == 0) {
                return NULL;
            }
            at += used;
            len += put;
        } else {
            text[len++] = clean[at++];
        }
    }
    return text;
}
