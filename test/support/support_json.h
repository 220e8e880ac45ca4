/*
 * support_json.h - a second opinion on JSON texts: RFC 8259 written down as plainly as possible, one
 * byte after another, by recursion. Tests compare verdicts with it.
 */
#ifndef SUPPORT_JSON_H
#define SUPPORT_JSON_H

#include <stdbool.h>
#include <string.h>

#include "codec_json.h"
#include "codec_utf8.h"

struct json_reader {
    const char *at, *end;
    unsigned depth;
};

static inline bool json_value(struct json_reader *r);

static inline char json_peek(const struct json_reader *r)
{
    return r->at < r->end ? *r->at : '\0';
}

static inline bool json_take(struct json_reader *r, char c)
{
    if (r->at == r->end || *r->at != c) {
        return false;
    }
    r->at++;
    return true;
}

static inline void json_space(struct json_reader *r)
{
    while (r->at < r->end && strchr(" \t\r\n", *r->at) != NULL && *r->at != '\0') {
        r->at++;
    }
}

static inline bool json_digits(struct json_reader *r)
{
    const char *from = r->at;
    while (r->at < r->end && *r->at >= '0' && *r->at <= '9') {
        r->at++;
    }
    return r->at > from;
}

static inline bool json_number(struct json_reader *r)
{
    (void)json_take(r, '-');
    if (!json_take(r, '0') && !json_digits(r)) {
        return false;
    }
    if (json_take(r, '.') && !json_digits(r)) {
        return false;
    }
    if (json_take(r, 'e') || json_take(r, 'E')) {
        (void)(json_take(r, '+') || json_take(r, '-'));
        return json_digits(r);
    }
    return true;
}

static inline bool json_word(struct json_reader *r, const char *word)
{
    size_t len = strlen(word);
    if ((size_t)(r->end - r->at) < len || memcmp(r->at, word, len) != 0) {
        return false;
    }
    r->at += len;
    return true;
}

static inline bool json_string(struct json_reader *r)
{
    if (!json_take(r, '"')) {
        return false;
    }
    while (r->at < r->end && *r->at != '"') {
        if ((unsigned char)*r->at < 0x20) {
            return false;
        }
        if (*r->at++ != '\\') {
            continue;
        }
        if (json_take(r, 'u')) {
            for (int i = 0; i < 4; i++) {
                if (wr_hex_value(json_peek(r)) < 0) {
                    return false;
                }
                r->at++;
            }
        } else if (json_peek(r) == '\0' || strchr("\"\\/bfnrt", json_peek(r)) == NULL) {
            return false;
        } else {
            r->at++;
        }
    }
    return json_take(r, '"');
}

static inline bool json_members(struct json_reader *r, char close)
{
    json_space(r);
    if (json_take(r, close)) {
        return true;
    }
    do {
        json_space(r);
        if (close == '}') {
            if (!json_string(r)) {
                return false;
            }
            json_space(r);
            if (!json_take(r, ':')) {
                return false;
            }
        }
        if (!json_value(r)) {
            return false;
        }
    } while (json_take(r, ','));
    return json_take(r, close);
}

/* With the white space around it. */
static inline bool json_value(struct json_reader *r)
{
    bool valid = false;
    json_space(r);
    char c = json_peek(r);
    if (c == '{' || c == '[') {
        r->at++;
        valid = ++r->depth <= WR_JSON_DEPTH_MAX && json_members(r, (char)(c + 2));
        r->depth--;
    } else {
        valid = c == '"'   ? json_string(r)
                : c == 't' ? json_word(r, "true")
                : c == 'f' ? json_word(r, "false")
                : c == 'n' ? json_word(r, "null")
                           : json_number(r);
    }
    json_space(r);
    return valid;
}

static inline bool json_valid(const char *text, size_t len)
{
    struct json_reader r = {text, text + len, 0};
    return wr_utf8_valid_bytes(text, len) == len && json_value(&r) && r.at == r.end;
}

#endif
