/*
 * source_http_open.c - the component `http`: what a URL in a pipeline text means.
 *
 * A URL is checked before anything is connected. What a browser would encode, or what can be read
 * in two ways, is refused with what to write instead. Suspends nothing.
 */
#define _GNU_SOURCE /* memrchr */
#include <string.h>

#include <weir/module.h>

#include "codec_url.h"
#include "source_opening.h"

struct http_args {
    const char *url;
};

static int cannot_be_read(const char *host, size_t host_len, const char *sign,
                          weir_mistake *mistake)
{
    (void)weir_mistake_at(mistake, "URL", "the host or the port of this URL cannot be read");
    if (sign != NULL && memchr(host, '@', (size_t)(sign - host)) != NULL) {
        return weir_mistake_hint(mistake, "an @ in a name or a password is written %%40");
    }
    return memchr(host, '[', host_len) != NULL && memchr(host, '%', host_len) != NULL
               ? weir_mistake_hint(mistake, "a zone is written http://[fe80::1%%25eth0]:8080/")
               : weir_mistake_hint(mistake, "as in http://HOST:8080/ or http://[::1]:8080/");
}

/* Would curl make several URLs of this one? */
static bool has_patterns(const char *path)
{
    const char *brace = strchr(path, '{');
    const char *square = strchr(path, '[');
    const char *of_brace = brace != NULL ? strpbrk(brace, ",}") : NULL;
    const char *of_square = square != NULL ? strpbrk(square, "-]") : NULL;
    return (of_brace != NULL && *of_brace == ',') || (of_square != NULL && *of_square == '-');
}

static int http_check(const weir_opening *opening, const void *args, weir_mistake *mistake)
{
    const char *text = ((const struct http_args *)args)->url;
    const char *host = strstr(text, "://") + 3;
    size_t host_len = strcspn(host, "/?#");
    const char *sign = memrchr(host, '@', host_len);
    struct wr_url url;
    (void)opening;
    if (host_len == 0) {
        (void)weir_mistake_at(mistake, "URL", "the URL has no host");
        return weir_mistake_hint(mistake, "as in https://example.org/feed.ndjson");
    }
    if (sign != NULL && strcspn(host, "()[]{}") < (size_t)(sign - host)) {
        /* They need not balance, which a text that is read again relies on. */
        return weir_mistake_at(mistake, "URL",
                               "brackets before the @ of a URL are written %%28 and the like");
    }
    for (const char *c = text; *c != '\0'; c++) {
        if ((unsigned char)*c <= ' ' || *c == '\x7f') {
            return weir_mistake_at(mistake, "URL",
                                   "a space or control byte in a URL is written %%20 and the like");
        }
    }
    if (wr_url_parse(wr_text_of(text), &url) != 0) {
        return cannot_be_read(host, host_len, sign, mistake);
    }
    if (has_patterns(host + host_len)) {
        weir_mistake_warn(mistake, "{a,b} and [1-3] in the URL are sent as they are: weir does not "
                                   "expand them as curl does");
    }
    return 0;
}

static weir_gen *http_open(const weir_opening *opening, weir_gen *up, const void *args)
{
    weir_http_options http = *opening->http;
    weir_lines_options lines = wr_lines_of_opening(opening);
    const char *url = ((const struct http_args *)args)->url;
    (void)up;
    http.state = lines.state;
    http.line_bytes_max = lines.line_bytes_max;
    http.overlong = lines.overlong;
    return opening->joined ? weir_http_bytes(opening->scope, url, &http)
                           : weir_http_lines(opening->scope, url, &http);
}

static const char *const http_schemes[] = {"http", "https", NULL};
static const weir_arg http_args[] = {
    WEIR_ARG_URL(struct http_args, url, .name = "URL", .flags = WEIR_ARG_REQUIRED,
                 .help = "sent as it is"),
};

const weir_component wr_component_http = {
    .struct_size = sizeof wr_component_http,
    .name = "http",
    .schemes = http_schemes,
    .kind = WEIR_KIND_SOURCE,
    .gives = WEIR_SHAPE_LINE,
    .traits = WEIR_TRAIT_IO | WEIR_TRAIT_FRAMED | WEIR_TRAIT_RESUMES | WEIR_TRAIT_PROVES |
              WEIR_TRAIT_BY_ID,
    .args = http_args,
    .args_count = sizeof http_args / sizeof http_args[0],
    .args_size = sizeof(struct http_args),
    .help = "The lines of an HTTP response; reconnects and resumes.",
    .example = "https://example.org/feed.ndjson | head 3",
    .condition = "the server sends a strong ETag or a Last-Modified",
    .on_break = "it asks again and goes on behind the last line that was given",
    .check = http_check,
    .open = http_open,
};
