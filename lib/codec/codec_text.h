/*
 * codec_text.h - slices of text, and the few character rules that the HTTP codecs share. ASCII
 * only, no locale.
 */
#ifndef WR_CODEC_TEXT_H
#define WR_CODEC_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Bytes that another object owns, not terminated. data NULL: absent, which is not the same as
 * empty. */
struct wr_text {
    const char *data;
    size_t len;
};

static inline struct wr_text wr_text_of(const char *terminated)
{
    return (struct wr_text){terminated, strlen(terminated)};
}

static inline bool wr_is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static inline bool wr_is_alpha(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static inline char wr_lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

/* Are these the same `len` bytes? For short texts: a call of memcmp costs more than the look. */
static inline bool wr_bytes_same(const char *a, const char *b, size_t len)
{
    if (len > 16) {
        return memcmp(a, b, len) == 0;
    }
    if (len >= 8) { /* the two halves may overlap, and so below */
        uint64_t x[2], y[2];
        memcpy(&x[0], a, 8);
        memcpy(&y[0], b, 8);
        memcpy(&x[1], a + len - 8, 8);
        memcpy(&y[1], b + len - 8, 8);
        return ((x[0] ^ y[0]) | (x[1] ^ y[1])) == 0;
    }
    if (len >= 4) {
        uint32_t x[2], y[2];
        memcpy(&x[0], a, 4);
        memcpy(&y[0], b, 4);
        memcpy(&x[1], a + len - 4, 4);
        memcpy(&y[1], b + len - 4, 4);
        return ((x[0] ^ y[0]) | (x[1] ^ y[1])) == 0;
    }
    return len == 0 || (a[0] == b[0] && a[len / 2] == b[len / 2] && a[len - 1] == b[len - 1]);
}

/* RFC 9110's tchar: the characters in names of headers and methods. */
static inline bool wr_is_token_char(char c)
{
    return wr_is_digit(c) || wr_is_alpha(c) || (c != '\0' && strchr("!#$%&'*+-.^_`|~", c) != NULL);
}

/* Ignores case. */
static inline bool wr_text_same(struct wr_text a, struct wr_text b)
{
    if (a.len != b.len) {
        return false;
    }
    for (size_t i = 0; i < a.len; i++) {
        if (wr_lower(a.data[i]) != wr_lower(b.data[i])) {
            return false;
        }
    }
    return true;
}

static inline bool wr_text_is(struct wr_text text, const char *terminated)
{
    return wr_text_same(text, wr_text_of(terminated));
}

/* The value of a hexadecimal digit; -1: it is not one. */
static inline int wr_hex_value(char c)
{
    if (wr_is_digit(c)) {
        return c - '0';
    }
    c = wr_lower(c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Without the spaces and tabs at both ends. */
static inline struct wr_text wr_text_trim(struct wr_text text)
{
    while (text.len > 0 && (text.data[0] == ' ' || text.data[0] == '\t')) {
        text.data++;
        text.len--;
    }
    while (text.len > 0 && (text.data[text.len - 1] == ' ' || text.data[text.len - 1] == '\t')) {
        text.len--;
    }
    return text;
}

/* Remove decimal digits from the front. False: there is none, or the number does not fit; nothing
 * is removed. */
static inline bool wr_text_take_number(struct wr_text *text, int64_t *number)
{
    size_t i = 0;
    int64_t value = 0;
    for (; i < text->len && wr_is_digit(text->data[i]); i++) {
        int digit = text->data[i] - '0';
        if (value > (INT64_MAX - digit) / 10) {
            return false;
        }
        value = value * 10 + digit;
    }
    if (i == 0) {
        return false;
    }
    *number = value;
    text->data += i;
    text->len -= i;
    return true;
}

/* Remove `word` from the front, ignoring case. False: the text does not begin with it. */
static inline bool wr_text_take(struct wr_text *text, const char *word)
{
    size_t len = strlen(word);
    if (text->len < len || !wr_text_same((struct wr_text){text->data, len}, wr_text_of(word))) {
        return false;
    }
    text->data += len;
    text->len -= len;
    return true;
}

#endif
