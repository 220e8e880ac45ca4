/*
 * http_address.c - the check of a URL in a pipeline text.
 *
 * It runs before any connection is made. It refuses a URL with characters that a browser would
 * encode, or that can be read in two ways, and tells what to write instead. Never suspends.
 */
#define _GNU_SOURCE /* memrchr */
#include <string.h>
#include <strings.h>

#include <weir/module.h>

#include "codec_address.h"
#include "codec_ws_handshake.h"
#include "http.h"

static int cannot_be_read(const char *host, size_t host_len, const char *sign,
                          weir_mistake *mistake)
{
    (void)weir_mistake_at(mistake, "URL", "the host or the port of this URL cannot be read");
    if (sign != NULL && memchr(host, '@', (size_t)(sign - host)) != NULL) {
        return weir_mistake_hint(mistake, "write an @ in a name or password as %%40");
    }
    return memchr(host, '[', host_len) != NULL && memchr(host, '%', host_len) != NULL
               ? weir_mistake_hint(mistake, "write a zone as http://[fe80::1%%25eth0]:8080/")
               : weir_mistake_hint(mistake, "as in http://HOST:8080/ or http://[::1]:8080/");
}

/* Would curl expand this URL to several? */
static bool has_patterns(const char *path)
{
    const char *brace = strchr(path, '{');
    const char *square = strchr(path, '[');
    const char *of_brace = brace != NULL ? strpbrk(brace, ",}") : NULL;
    const char *of_square = square != NULL ? strpbrk(square, "-]") : NULL;
    return (of_brace != NULL && *of_brace == ',') || (of_square != NULL && *of_square == '-');
}

/* http:// or https://; 0: neither. */
static size_t scheme_len(const char *text)
{
    return strncasecmp(text, "http://", 7) == 0 ? 7 : strncasecmp(text, "https://", 8) == 0 ? 8 : 0;
}

static size_t ws_scheme_len(const char *text)
{
    return strncasecmp(text, "ws://", 5) == 0 ? 5 : strncasecmp(text, "wss://", 6) == 0 ? 6 : 0;
}

static int check_url(const char *text, size_t scheme,
                     int (*parse)(struct wr_text text, struct wr_url *url), weir_mistake *mistake)
{
    const char *host = text + scheme;
    size_t host_len = strcspn(host, "/?#");
    const char *sign = memrchr(host, '@', host_len);
    struct wr_url url;
    if (host_len == 0) {
        (void)weir_mistake_at(mistake, "URL", "the URL has no host");
        return weir_mistake_hint(mistake, "as in https://example.org/feed.ndjson");
    }
    if (sign != NULL && strcspn(host, "()[]{}") < (size_t)(sign - host)) {
        /* They may be unbalanced, and a pipeline text is parsed again by its brackets. */
        return weir_mistake_at(
            mistake, "URL",
            "brackets before the @ of a URL must be percent-encoded (%%28 for '(')");
    }
    for (const char *c = text; *c != '\0'; c++) {
        if ((unsigned char)*c <= ' ' || *c == '\x7f') {
            return weir_mistake_at(
                mistake, "URL",
                "a space or control byte in a URL must be percent-encoded (%%20 for a space)");
        }
    }
    if (parse(wr_text_of(text), &url) != 0) {
        return cannot_be_read(host, host_len, sign, mistake);
    }
    if (has_patterns(host + host_len)) {
        weir_mistake_warn(mistake, "{a,b} and [1-3] in the URL are sent as they are: weir does not "
                                   "expand them as curl does");
    }
    return 0;
}

int wr_http_check_url(const char *text, weir_mistake *mistake)
{
    size_t scheme = scheme_len(text);
    if (scheme == 0) {
        char meant[160] = "";
        (void)weir_mistake_at(mistake, "URL", "an address begins with http:// or https://");
        if (wr_address_meant(wr_text_of(text), meant, sizeof meant) && scheme_len(meant) > 0) {
            return weir_mistake_hint(mistake, "did you mean %s?", meant);
        }
        return strstr(text, "://") == NULL && strcspn(text, "/?#") > 0
                   ? weir_mistake_hint(mistake, "did you mean http://%.100s?", text)
                   : weir_mistake_hint(mistake, "as in https://example.org/hook");
    }
    return check_url(text, scheme, wr_url_parse, mistake);
}

static int check_ws_url(const char *text, weir_mistake *mistake)
{
    size_t scheme = ws_scheme_len(text);
    if (scheme == 0) {
        (void)weir_mistake_at(mistake, "URL", "an address begins with ws:// or wss://");
        return weir_mistake_hint(mistake, "as in wss://example.org/feed");
    }
    return check_url(text, scheme, wr_url_parse_ws, mistake);
}

int wr_ws_check(const char *url, const char *const *headers, size_t headers_count,
                const char *protocols, weir_mistake *mistake)
{
    for (size_t i = 0; i < headers_count; i++) {
        if (strchr(headers[i], ':') == NULL) {
            (void)weir_mistake_at(mistake, "header", "a header has a colon");
            return weir_mistake_hint(mistake, "as in header=\"NAME: VALUE\"");
        }
    }
    if (protocols != NULL && !wr_ws_is_list(protocols)) {
        (void)weir_mistake_at(mistake, "subprotocol", "this is not a list of names");
        return weir_mistake_hint(mistake, "as in subprotocol=\"graphql-ws, chat\"");
    }
    return check_ws_url(url, mistake);
}
