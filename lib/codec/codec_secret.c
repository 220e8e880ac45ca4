/*
 * codec_secret.c - finds secrets in a text: passwords in addresses, and query values whose names
 * say that they are secret. Reads the caller's bytes and keeps nothing.
 */
#define _GNU_SOURCE /* memmem, memrchr */
#include "codec_secret.h"
#include "codec_url.h"

#include <strings.h>

enum { NAME_MAX_READ = 128 };

/* The name without its percent-encoding, cut at the end of `out`. */
static size_t decode(struct wr_text name, char out[NAME_MAX_READ])
{
    static const char digits[] = "0123456789abcdefABCDEF";
    size_t len = 0;
    for (size_t i = 0; i < name.len && len < NAME_MAX_READ; i++) {
        const char *high = NULL, *low = NULL;
        if (name.data[i] == '%' && i + 2 < name.len) {
            high = memchr(digits, name.data[i + 1], sizeof digits - 1);
            low = memchr(digits, name.data[i + 2], sizeof digits - 1);
        }
        if (high == NULL || low == NULL) {
            out[len++] = name.data[i];
            continue;
        }
        size_t h = (size_t)(high - digits), l = (size_t)(low - digits);
        out[len++] = (char)((h > 15 ? h - 6 : h) << 4 | (l > 15 ? l - 6 : l));
        i += 2;
    }
    return len;
}

bool wr_secret_name(struct wr_text name)
{
    static const char *const parts[] = {"token", "key",    "secret",  "pass",   "sig",  "auth",
                                        "pwd",   "bearer", "session", "creden", "hmac", "jwt"};
    static const char *const wholes[] = {"pw", "sid", "sas", "otp", "pin"};
    char text[NAME_MAX_READ];
    size_t len = decode(name, text);
    for (size_t w = 0; w < sizeof wholes / sizeof *wholes; w++) {
        if (len == strlen(wholes[w]) && strncasecmp(text, wholes[w], len) == 0) {
            return true;
        }
    }
    for (size_t w = 0; w < sizeof parts / sizeof *parts; w++) {
        size_t need = strlen(parts[w]);
        for (size_t i = 0; i + need <= len; i++) {
            if (strncasecmp(text + i, parts[w], need) == 0) {
                return true;
            }
        }
    }
    return false;
}

/* The number of bytes from `at` to the first byte of `stops`. */
static size_t span_to(struct wr_text text, size_t at, const char *stops)
{
    size_t i = at;
    while (i < text.len && (text.data[i] == '\0' || strchr(stops, text.data[i]) == NULL)) {
        i++;
    }
    return i - at;
}

static size_t span_of_word(struct wr_text text, size_t at)
{
    return span_to(text, at, " \t\n|'\"`");
}

/* A secret among the values of the query that follows the first ? in the word from `part` on. */
static bool find_in_query(struct wr_text text, size_t from, size_t part, size_t *at, size_t *len)
{
    part += span_to(text, part, "? \t\n|'\"`");
    while (part < text.len && (text.data[part] == '?' || text.data[part] == '&')) {
        part++;
        size_t name = span_to(text, part, "=& \t\n|'\"`#");
        size_t value = span_to(text, part + name, "& \t\n|'\"`#");
        if (value > 1 && part + name + 1 >= from &&
            wr_secret_name((struct wr_text){text.data + part, name})) {
            *at = part + name + 1;
            *len = value - 1;
            return true;
        }
        part += name + value;
    }
    return false;
}

/* A secret in the URL whose authority begins at `host`. A user without a password may be a token. */
static bool find_in_url(struct wr_text text, size_t from, size_t host, size_t *at, size_t *len)
{
    struct wr_text rest = {text.data + host, span_of_word(text, host)};
    size_t user_end = wr_url_userinfo(rest);
    bool user = user_end < rest.len;
    const char *colon = user ? memchr(rest.data, ':', user_end) : NULL;
    size_t begin = host + (colon != NULL ? (size_t)(colon + 1 - rest.data) : 0);
    if (user && host + user_end > begin && begin >= from) {
        *at = begin;
        *len = host + user_end - begin;
        return true;
    }
    return find_in_query(text, from, host + (user ? user_end : 0), at, len);
}

/* A secret in an address that lacks its scheme, or a part of it: user:password@host,
 * host:80/feed?token=... */
static bool find_in_word(struct wr_text text, size_t from, size_t begin, size_t word, size_t *at,
                         size_t *len)
{
    const char *data = text.data + begin;
    const char *colon = memchr(data, ':', word);
    const char *sign = word > 0 ? memrchr(data, '@', word - 1) : NULL; /* a host follows it */
    bool user = colon != NULL && sign != NULL && sign > colon + 1;
    if (user && (size_t)(colon + 1 - text.data) >= from) {
        *at = (size_t)(colon + 1 - text.data);
        *len = (size_t)(sign - colon - 1);
        return true;
    }
    size_t host = user ? (size_t)(sign - text.data) : begin;
    size_t query = span_to(text, host, "? \t\n|'\"`");
    bool address = memchr(text.data + host, '/', query) != NULL || colon != NULL;
    return address && find_in_query(text, from, host, at, len);
}

bool wr_secret_find(struct wr_text text, size_t from, size_t *at, size_t *len)
{
    for (size_t begin = 0; begin < text.len;) {
        size_t word = span_of_word(text, begin), done, end = begin + word;
        const char *sign = memmem(text.data + begin, word, "://", 3);
        if (sign == NULL && find_in_word(text, from, begin, word, at, len)) {
            return true;
        }
        while (sign != NULL) {
            done = (size_t)(sign + 3 - text.data);
            if (find_in_url(text, from, done, at, len)) {
                return true;
            }
            sign = memmem(text.data + done, end - done, "://", 3);
        }
        begin = end + 1;
    }
    return false;
}

void wr_secret_star(char *text)
{
    size_t at, len;
    size_t from = 0;
    while (wr_secret_find(wr_text_of(text), from, &at, &len)) {
        memset(text + at, '*', len);
        from = at + len;
    }
}

void wr_secret_hide(const char *text, char *out, size_t cap)
{
    size_t len = 0;
    while (len + 1 < cap && *text != '\0') {
        size_t word = strcspn(text, " \t\n'\"`"), gap = word > 0 ? 0 : 1;
        if (gap == 0 && (memmem(text, word, "://", 3) != NULL || memchr(text, '@', word) != NULL)) {
            wr_url_redact((struct wr_text){text, word}, out + len, cap - len);
            len += strlen(out + len);
        } else {
            size_t part = word + gap < cap - len ? word + gap : cap - len - 1;
            memcpy(out + len, text, part);
            len += part;
        }
        text += word + gap;
    }
    if (cap > 0) {
        out[len] = '\0';
    }
}
