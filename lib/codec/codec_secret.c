/*
 * codec_secret.c - finds secrets in a text: passwords in addresses, and query values whose names
 * say that they are secret. Reads the caller's bytes and keeps nothing.
 */
#define _GNU_SOURCE /* memmem, memrchr */
#include "codec_secret.h"
#include "codec_url.h"

#include <strings.h>

bool wr_secret_name(struct wr_text name)
{
    static const char *const words[] = {"token", "key", "secret", "pass", "sig", "auth"};
    for (size_t w = 0; w < sizeof words / sizeof *words; w++) {
        size_t need = strlen(words[w]);
        for (size_t i = 0; i + need <= name.len; i++) {
            if (strncasecmp(name.data + i, words[w], need) == 0) {
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

bool wr_secret_find(struct wr_text text, size_t from, size_t *at, size_t *len)
{
    const char *sign = text.data;
    const char *end = text.data + text.len;
    while (sign != NULL && (sign = memmem(sign, (size_t)(end - sign), "://", 3)) != NULL) {
        sign += 3;
        size_t host = (size_t)(sign - text.data);
        size_t host_len = span_to(text, host, "/?# \t\n|'\"`");
        const char *colon = memchr(sign, ':', host_len);
        const char *user_end = memrchr(sign, '@', host_len);
        if (colon != NULL && user_end != NULL && colon + 1 < user_end &&
            (size_t)(colon + 1 - text.data) >= from) {
            *at = (size_t)(colon + 1 - text.data);
            *len = (size_t)(user_end - colon - 1);
            return true;
        }
        size_t part = host + span_to(text, host, "? \t\n|'\"`");
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
    }
    return false;
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
