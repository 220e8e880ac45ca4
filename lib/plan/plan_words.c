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
#include "codec_utf8.h"

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

/* Read the four hex digits at `hex`; false: there are none. */
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

/* Read \uXXXX at `in`, or a surrogate pair; returns the bytes read, 0: not a character. */
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

/* Read one escape of a "..." text; returns the bytes read, 0 with *error set. */
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
            *to_len = wr_utf8_encode(code, to);
            return used;
        }
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
