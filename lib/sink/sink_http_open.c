/*
 * sink_http_open.c - the component `post`. Nothing here suspends.
 */
#include <weir/module.h>

#include <stdlib.h>
#include <string.h>

#include "base_alloc.h"
#include "sink_http.h"

struct post_args {
    const char *url;
    int64_t retry, parallel;
    bool raw, gzip;
    const char *reject_statuses, *type, *user, *cert_file, *key_file;
    weir_texts headers;
};

/* "400, 422", or "none". Returns their number; -1: not such a list. */
static int read_statuses(const char *text, int32_t statuses[WR_POST_STATUSES_MAX])
{
    int count = 0;
    struct wr_text rest = wr_text_of(text);
    if (wr_text_is(rest, "none")) {
        return 0;
    }
    for (;;) {
        int64_t number;
        while (rest.len > 0 && rest.data[0] == ' ') {
            rest.data++;
            rest.len--;
        }
        if (count == WR_POST_STATUSES_MAX || !wr_text_take_number(&rest, &number) || number < 300 ||
            number > 599) {
            return -1;
        }
        statuses[count++] = (int32_t)number;
        if (rest.len == 0) {
            return count;
        }
        if (rest.data[0] != ',') {
            return -1;
        }
        rest.data++;
        rest.len--;
    }
}

static int post_check(const weir_opening *opening, const void *args, weir_mistake *mistake)
{
    const struct post_args *a = args;
    int32_t statuses[WR_POST_STATUSES_MAX];
    (void)opening;
    if (a->reject_statuses != NULL && read_statuses(a->reject_statuses, statuses) < 0) {
        (void)weir_mistake_at(mistake, "reject-status",
                              "'%.60s' is not a list of statuses from 300 to 599",
                              a->reject_statuses);
        return weir_mistake_hint(mistake, "for example 400,413,422, or none");
    }
    for (size_t i = 0; i < a->headers.count; i++) {
        if (strchr(a->headers.list[i], ':') == NULL) {
            (void)weir_mistake_at(mistake, "header", "a header has a colon");
            return weir_mistake_hint(mistake, "as in header=\"NAME: VALUE\"");
        }
    }
    if (a->key_file != NULL && a->cert_file == NULL) {
        return weir_mistake_at(mistake, "key", "key=FILE needs cert=FILE");
    }
    return wr_http_check_url(a->url, mistake);
}

/* The program's headers, then those of the pipeline text. NULL: no memory, or no headers. */
static const char **join_headers(const weir_http_options *http, const weir_texts *more)
{
    size_t count = http->headers_count + more->count;
    const char **all = count > 0 ? wr_alloc(count * sizeof *all) : NULL;
    for (size_t i = 0; all != NULL && i < count; i++) {
        all[i] = i < http->headers_count ? http->headers[i] : more->list[i - http->headers_count];
    }
    return all;
}

static weir_sink *post_open(const weir_opening *opening, const void *args)
{
    const struct post_args *a = args;
    weir_http_options http = *opening->http;
    int32_t statuses[WR_POST_STATUSES_MAX] = {0};
    weir_http_sink_options options = {.struct_size = sizeof options,
                                      .http = &http,
                                      .frame = a->raw ? WEIR_FRAME_NONE : WEIR_FRAME_LINES,
                                      .gzip = a->gzip,
                                      .parallel = (int32_t)a->parallel,
                                      .type = a->type,
                                      .name = opening->text};
    const char **headers = join_headers(&http, &a->headers);
    http.headers = headers;
    http.headers_count = headers != NULL ? http.headers_count + a->headers.count : 0;
    http.user = a->user != NULL ? a->user : http.user;
    if (a->cert_file != NULL) {
        http.cert_file = a->cert_file;
        http.key_file = a->key_file;
    }
    http.retries = a->retry > 0 ? (int32_t)WR_MIN(a->retry, (int64_t)INT32_MAX) : http.retries;
    if (a->reject_statuses != NULL) {
        int count = read_statuses(a->reject_statuses, statuses);
        options.reject_statuses = statuses;
        options.reject_statuses_count = count > 0 ? (size_t)count : 0;
    }
    weir_sink *sink = weir_http_sink(opening->scope, a->url, &options);
    if (headers == NULL && a->headers.count + opening->http->headers_count > 0) {
        wr_sink_set_error(sink, WEIR_ENOMEM, 0, "no memory for headers");
    }
    wr_free(headers);
    weir_sink_keep_state(sink, opening->state);
    return sink;
}

static const weir_arg post_args[] = {
    WEIR_ARG_URL(struct post_args, url, .name = "URL", .flags = WEIR_ARG_REQUIRED,
                 .help = "the URL to post to; sent unchanged"),
    WEIR_ARG_FLAG(struct post_args, raw, .name = "raw",
                  .help =
                      "send the items' bytes with nothing between them; default: one line each"),
    WEIR_ARG_FLAG(struct post_args, gzip, .name = "gzip", .help = "compress the bodies"),
    WEIR_ARG_COUNT(struct post_args, retry, .name = "retry", .form = WEIR_FORM_NAMED, .min = 1,
                   .help =
                       "maximum consecutive retries of a request; default: no limit, but a failed "
                       "first connection is not retried"),
    WEIR_ARG_COUNT(struct post_args, parallel, .name = "parallel", .form = WEIR_FORM_NAMED,
                   .min = 1, .max = 64, .preset = "1", .help = "requests at a time"),
    WEIR_ARG_TEXT(struct post_args, reject_statuses, .name = "reject-status",
                  .form = WEIR_FORM_NAMED,
                  .help = "statuses that reject the items (default 400,413,422)"),
    WEIR_ARG_TEXT(struct post_args, type, .name = "type", .form = WEIR_FORM_NAMED,
                  .help = "Content-Type (default application/x-ndjson, for raw "
                          "application/octet-stream)"),
    WEIR_ARG_TEXTS(struct post_args, headers, WEIR_ARGTYPE_TEXT, WEIR_ARG_SECRET, .name = "header",
                   .form = WEIR_FORM_NAMED, .help = "a request header, \"NAME: VALUE\""),
    WEIR_ARG_TEXT(struct post_args, user, .name = "user", .form = WEIR_FORM_NAMED,
                  .flags = WEIR_ARG_SECRET, .help = "NAME:PASSWORD, for basic authentication"),
    WEIR_ARG_PATH(struct post_args, cert_file, .name = "cert", .form = WEIR_FORM_NAMED,
                  .help = "a PEM file with the certificate to send if the server asks for one"),
    WEIR_ARG_PATH(struct post_args, key_file, .name = "key", .form = WEIR_FORM_NAMED,
                  .help = "a PEM file with the private key (the file of cert=)"),
};

const weir_component wr_component_post = {
    .struct_size = sizeof wr_component_post,
    .name = "post",
    .kind = WEIR_KIND_SINK,
    .takes = WEIR_SHAPES_ALL,
    .traits = WEIR_TRAIT_IO | WEIR_TRAIT_ACKNOWLEDGES | WEIR_TRAIT_REJECTS | WEIR_TRAIT_CONNECTS |
              WEIR_TRAIT_TLS,
    .args = post_args,
    .args_count = sizeof post_args / sizeof post_args[0],
    .args_size = sizeof(struct post_args),
    .help = "To a server, a POST for each item; a batch is one item.",
    .example = "gen 1..5 | batch 2 | post http://127.0.0.1:8080/hook",
    .on_break = "the request is sent again; the server may see it twice, with one Idempotency-Key",
    .durable = "an item counts when the server has answered for it",
    .check = post_check,
    .open_sink = post_open,
};
