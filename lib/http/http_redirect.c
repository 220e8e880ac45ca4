/*
 * http_redirect.c - where a redirect leads, and whether it is followed.
 *
 * libcurl follows no redirect: weir checks each one. It follows at most ten, never the same address
 * twice, only to http and https, and never from https to http. Each attempt begins at the caller's
 * URL again, because a target may be valid for one visit only. A request to another origin does not
 * contain the caller's headers, login or token (http_attempt.c).
 */
#include <stdio.h>
#include <string.h>

#include "base_alloc.h"
#include "base_hash.h"
#include "http.h"

void wr_http_redirect_none(struct wr_http *http)
{
    wr_free(http->target);
    wr_free(http->visited);
    http->target = NULL;
    http->visited = NULL;
    http->redirects = 0;
}

static int begin(struct wr_http *http)
{
    if (http->visited == NULL) {
        http->visited = wr_alloc((WR_HTTP_REDIRECTS_MAX + 1) * sizeof *http->visited);
    }
    return http->visited != NULL ? 0 : WEIR_ENOMEM;
}

static bool visited(struct wr_http *http, const char *url)
{
    uint64_t hash = wr_hash(url, strlen(url));
    http->visited[0] = wr_hash(http->url, strlen(http->url));
    for (size_t i = 0; i <= http->redirects; i++) {
        if (http->visited[i] == hash) {
            return true;
        }
    }
    http->visited[++http->redirects] = hash;
    return false;
}

bool wr_http_is_own(const struct wr_http *http)
{
    struct wr_url a, b;
    return http->target == NULL ||
           (wr_url_parse(wr_text_of(http->url), &a) == 0 &&
            wr_url_parse(wr_text_of(http->target), &b) == 0 && wr_url_same_origin(&a, &b));
}

int wr_http_redirect(struct wr_http *http)
{
    struct wr_http_failure *failure = &http->failure;
    int status = http->reply.status;
    struct wr_text userinfo;
    struct wr_url from, to;
    if (http->redirects == WR_HTTP_REDIRECTS_MAX) {
        return wr_http_refuse(failure, WEIR_EHTTP, status, "more than %d redirects",
                              WR_HTTP_REDIRECTS_MAX);
    }
    char *url = wr_alloc(WR_HTTP_URL_MAX);
    if (url == NULL || begin(http) < 0) {
        wr_free(url);
        return wr_http_refuse(failure, WEIR_ENOMEM, 0, "no memory for a redirect");
    }
    struct wr_text base = wr_text_of(wr_http_target(http));
    char shown[160];
    wr_url_redact(wr_text_of(http->reply.location), shown, sizeof shown);
    int rc =
        wr_url_resolve(base, wr_text_of(http->reply.location), url, WR_HTTP_URL_MAX, &userinfo);
    if (rc == WEIR_ETOOLONG) {
        rc = wr_http_refuse(failure, WEIR_EHTTP, status,
                            "a redirect to an address that is longer than %d KiB",
                            WR_HTTP_URL_MAX / 1024);
    } else if (rc < 0 || wr_url_parse(wr_text_of(url), &to) < 0 || wr_url_parse(base, &from) < 0) {
        rc = wr_http_refuse(failure, WEIR_EHTTP, status,
                            "a redirect to '%s', which is not an http or https address", shown);
    } else if (from.secure && !to.secure) {
        rc = wr_http_refuse(failure, WEIR_EHTTP, status,
                            "a redirect from https to '%s' is not followed", shown);
    } else if (visited(http, url)) {
        rc = wr_http_refuse(failure, WEIR_EHTTP, status,
                            "the redirects lead in a circle, back to '%s'", shown);
    }
    if (rc < 0) {
        wr_free(url);
        return rc;
    }
    wr_log(&http->loop->log, WR_LOG_DEBUG, http->name, "%d redirect to %s", status, shown);
    char *fitting = wr_realloc(url, strlen(url) + 1); /* it is kept as long as the stream lasts */
    wr_free(http->target);
    http->target = fitting != NULL ? fitting : url;
    return 0;
}
