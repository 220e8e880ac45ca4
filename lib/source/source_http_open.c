/*
 * source_http_open.c - the component `http`: a URL in a pipeline text. Never suspends.
 */
#include <weir/module.h>

#include <stdio.h>
#include <string.h>

#include "base_alloc.h"
#include "flow_gen.h"
#include "http.h"
#include "source_http_parts.h"
#include "source_opening.h"

#define HTTP_TRAITS                                                               \
    (WEIR_TRAIT_IO | WEIR_TRAIT_FRAMED | WEIR_TRAIT_RESUMES | WEIR_TRAIT_PROVES | \
     WEIR_TRAIT_BY_ID | WEIR_TRAIT_CONNECTS | WEIR_TRAIT_TLS | WEIR_TRAIT_ON_DEMAND)

struct http_args {
    const char *url;
    const char *since; /* NULL: none */
};

static int http_check(const weir_opening *opening, const void *args, weir_mistake *mistake)
{
    const char *since = ((const struct http_args *)args)->since;
    (void)opening;
    if (since != NULL && !wr_http_since_can(since)) {
        return weir_mistake_at(mistake, "since", "write a path to a field: .a or .a.b");
    }
    return wr_http_check_url(((const struct http_args *)args)->url, mistake);
}

/* An event stream after the event with this id: a header says so, and the id of the last event that
 * came takes its place. */
static weir_gen *open_after(const weir_opening *opening, const char *url, weir_http_options *http)
{
    static const char no_memory[] = "no memory for headers";
    weir_error error;
    const char *id = opening->begin->id;
    size_t cap = strlen(id) + sizeof "Last-Event-ID: ";
    char *header = wr_alloc(cap);
    const char **headers = wr_alloc((http->headers_count + 1) * sizeof *headers);
    weir_gen *gen = NULL;
    if (header != NULL && headers != NULL) {
        snprintf(header, cap, "Last-Event-ID: %s", id);
        for (size_t i = 0; i < http->headers_count; i++) {
            headers[i] = http->headers[i];
        }
        headers[http->headers_count++] = header;
        http->headers = headers;
        gen = weir_http_bytes(opening->scope, url, http);
    } else {
        wr_error_set(&error, WEIR_ENOMEM, 0, "http", "%s", no_memory);
        gen = wr_gen_failed(opening->scope, &error);
    }
    wr_free((void *)(uintptr_t)headers);
    wr_free(header);
    return gen;
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
    http.since = ((const struct http_args *)args)->since;
    http.begin_at = lines.begin_at;
    http.to_end = opening->to_end;
    if (opening->begin != NULL && opening->begin->kind == WEIR_BEGIN_ID) {
        return open_after(opening, url, &http);
    }
    return opening->joined ? weir_http_bytes(opening->scope, url, &http)
                           : weir_http_lines(opening->scope, url, &http);
}

/* A field proves nothing. */
static uint32_t http_traits(const void *args, uint32_t shape)
{
    const struct http_args *a = args;
    (void)shape;
    return a->since != NULL ? HTTP_TRAITS & ~(uint32_t)(WEIR_TRAIT_PROVES | WEIR_TRAIT_BY_ID)
                            : HTTP_TRAITS;
}

static const char *http_says(const weir_opening *opening, const void *args)
{
    const struct http_args *a = args;
    (void)opening;
    return a->since != NULL ? "after each connect it leaves out items whose field of since= is "
                              "not greater than that of the last one"
                            : NULL;
}

static const char *const http_schemes[] = {"http", "https", NULL};
static const weir_arg http_args[] = {
    WEIR_ARG_URL(struct http_args, url, .name = "URL", .flags = WEIR_ARG_REQUIRED,
                 .help = "sent as it is"),
    WEIR_ARG_EXPR(struct http_args, since, .name = "since", .form = WEIR_FORM_NAMED,
                  .help = "a field that grows, .seq: after a reconnect, and a restart with a "
                          "state, items that are not newer are left out"),
};

const weir_component wr_component_http = {
    .struct_size = sizeof wr_component_http,
    .name = "http",
    .schemes = http_schemes,
    .kind = WEIR_KIND_SOURCE,
    .gives = WEIR_SHAPE_LINE,
    .traits = HTTP_TRAITS,
    .traits_of = http_traits,
    .args = http_args,
    .args_count = sizeof http_args / sizeof http_args[0],
    .args_size = sizeof(struct http_args),
    .help = "The lines of an HTTP response; reconnects and resumes.",
    .example = "https://example.org/feed.ndjson | head 3",
    .begins = WEIR_BEGIN_BEGINNING | WEIR_BEGIN_ID | WEIR_BEGIN_OFFSET | WEIR_BEGIN_STOPS,
    .condition = "the server sends a strong ETag or a Last-Modified",
    .on_break = "it reconnects and continues after the last line given",
    .check = http_check,
    .open = http_open,
    .says = http_says,
};
