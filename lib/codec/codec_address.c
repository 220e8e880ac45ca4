/*
 * codec_address.c - HOST:PORT: where the host ends and the port begins, and the address that an
 * invalid text probably means. Reads the caller's bytes.
 */
#define _GNU_SOURCE /* memrchr */
#include "codec_address.h"

#include <stdio.h>

/* Bytes that end a host in an address of any scheme. */
static bool is_delimiter(char c)
{
    return (unsigned char)c <= ' ' || c == 0x7f || strchr("/?#@", c) != NULL;
}

bool wr_address_split(struct wr_text text, struct wr_text *host, uint16_t *port)
{
    const char *colon = text.len > 0 ? memrchr(text.data, ':', text.len) : NULL;
    if (colon == NULL) {
        return false;
    }
    struct wr_text name = {text.data, (size_t)(colon - text.data)};
    struct wr_text digits = {colon + 1, text.len - name.len - 1};
    int64_t number;
    if (!wr_text_take_number(&digits, &number) || digits.len > 0 || number > 65535) {
        return false;
    }
    bool brackets = name.len > 2 && name.data[0] == '[' && name.data[name.len - 1] == ']';
    if (brackets) {
        name = (struct wr_text){name.data + 1, name.len - 2};
    }
    for (size_t i = 0; i < name.len; i++) {
        if (is_delimiter(name.data[i]) || strchr("[]", name.data[i]) != NULL ||
            (!brackets && name.data[i] == ':')) {
            return false;
        }
    }
    *host = name;
    *port = (uint16_t)number;
    return true;
}

static bool is_host(struct wr_text name)
{
    bool good = name.len > 0;
    for (size_t i = 0; i < name.len; i++) {
        char c = name.data[i];
        good = good && (wr_is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                        c == '.' || c == '-');
    }
    return good;
}

/* A scheme and its colon or slashes, in the wrong number: "https:/h", "https//h". */
static bool has_scheme(struct wr_text text, char *to, size_t cap)
{
    static const char *const schemes[] = {"http", "https", "tcp", "tls"};
    for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++) {
        struct wr_text rest = text;
        if (!wr_text_take(&rest, schemes[i]) ||
            (!wr_text_take(&rest, ":") && !wr_text_take(&rest, "//"))) {
            continue;
        }
        while (rest.len > 0 && rest.data[0] == '/') {
            rest.data++;
            rest.len--;
        }
        snprintf(to, cap, "%s://%.*s", schemes[i], (int)rest.len, rest.data);
        return rest.len > 0;
    }
    return false;
}

/* HOST:PORT, [IPv6]:PORT or www.HOST, then nothing, a path or a query. */
static bool has_host(struct wr_text text)
{
    size_t len = 0;
    bool brackets = text.len > 0 && text.data[0] == '[';
    while (len < text.len && strchr(brackets ? "]" : ":/?", text.data[len]) == NULL) {
        len++;
    }
    struct wr_text host = {text.data, len}, rest = {text.data + len, text.len - len};
    bool www = wr_text_take(&host, "www.") && is_host(host);
    host = (struct wr_text){text.data, len};
    int64_t port;
    if (brackets) {
        host = (struct wr_text){text.data + 1, len - 1};
        if (!wr_text_take(&rest, "]") || memchr(host.data, ':', host.len) == NULL) {
            return false;
        }
    } else if (!is_host(host)) {
        return false;
    }
    bool numbered = wr_text_take(&rest, ":") && wr_text_take_number(&rest, &port) && port <= 65535;
    return (numbered || www) && (rest.len == 0 || rest.data[0] == '/' || rest.data[0] == '?');
}

bool wr_address_meant(struct wr_text text, char *to, size_t cap)
{
    if (has_scheme(text, to, cap)) {
        return true;
    }
    if (!has_host(text)) {
        return false;
    }
    snprintf(to, cap, "http://%.*s", (int)text.len, text.data);
    return true;
}
