/*
 * source_http_open.c - the component `http`: a URL in a pipeline text. Never suspends.
 */
#include <weir/module.h>

#include "http.h"
#include "source_opening.h"

struct http_args {
    const char *url;
};

static int http_check(const weir_opening *opening, const void *args, weir_mistake *mistake)
{
    (void)opening;
    return wr_http_check_url(((const struct http_args *)args)->url, mistake);
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
              WEIR_TRAIT_BY_ID | WEIR_TRAIT_CONNECTS | WEIR_TRAIT_TLS | WEIR_TRAIT_ON_DEMAND,
    .args = http_args,
    .args_count = sizeof http_args / sizeof http_args[0],
    .args_size = sizeof(struct http_args),
    .help = "The lines of an HTTP response; reconnects and resumes.",
    .example = "https://example.org/feed.ndjson | head 3",
    .condition = "the server sends a strong ETag or a Last-Modified",
    .on_break = "it reconnects and continues after the last line given",
    .check = http_check,
    .open = http_open,
};
