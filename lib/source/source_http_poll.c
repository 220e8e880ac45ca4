/*
 * source_http_poll.c - what is different when a URL is requested again and again.
 *
 * It is a source that follows (source_http_resume.c), with three differences. The next request has
 * its time: it is set when a request begins, and the source waits for what is left of it. A request
 * is conditional on what the last complete answer was. And an answer without a body, 304 or 204, is a
 * proper one. The validators of an answer count when its body was read to its end: else what is
 * missing of it would never come.
 *
 * Never suspends.
 */
#include <stdio.h>
#include <string.h>

#include <weir/module.h>

#include "base_alloc.h"
#include "source_http_parts.h"
#include "source_opening.h"

/* Of an answer; "": it has none. */
struct validators {
    char etag[WR_HTTP_VALIDATOR_MAX], modified[64];
};

struct wr_http_poll {
    int64_t every_ms;
    int64_t due_ns;              /* of the next request */
    struct validators last, now; /* of the last complete answer; of this one */
    bool again;                  /* the request is a retry: its time is that of the one before */
};

int wr_http_poll_set(struct wr_http_source *source, int64_t every_ms)
{
    source->poll = wr_zalloc(sizeof *source->poll);
    if (source->poll == NULL) {
        return WEIR_ENOMEM;
    }
    source->poll->every_ms = every_ms;
    source->follow = 1;
    return 0;
}

int wr_http_poll_ask(struct wr_http_source *source)
{
    struct wr_http *http = &source->http;
    struct wr_http_poll *poll = source->poll;
    source->from = 0;
    if (!poll->again) {
        int64_t more = (int64_t)(wr_random(source->gen.loop) % (uint64_t)(poll->every_ms / 10 + 1));
        poll->due_ns = wr_now_ns(source->gen.loop) + (poll->every_ms + more) * 1000000;
        poll->again = true;
    }
    if (wr_http_says(http, "If-None-Match") || wr_http_says(http, "If-Modified-Since")) {
        return 0;
    }
    return poll->last.etag[0] != '\0'
               ? wr_http_add_header(http, "If-None-Match: %s", poll->last.etag)
           : poll->last.modified[0] != '\0'
               ? wr_http_add_header(http, "If-Modified-Since: %s", poll->last.modified)
               : 0;
}

static bool copy(char *to, size_t cap, const char *from)
{
    bool fits = strlen(from) < cap;
    snprintf(to, cap, "%s", fits ? from : "");
    return fits;
}

enum wr_http_verdict wr_http_poll_judge(struct wr_http_source *source)
{
    struct wr_http *http = &source->http;
    const struct wr_http_reply *reply = &http->reply;
    struct validators *now = &source->poll->now;
    http->idle_ms = source->idle_ms != 0 ? source->idle_ms : WR_HTTP_SOURCE_IDLE_MS;
    if (reply->status == 304 || reply->status == 204) {
        *now = source->poll->last;
        return WR_HTTP_COMPLETE;
    }
    if (reply->status < 200 || reply->status >= 300) {
        return wr_http_judge_status(http);
    }
    if (wr_http_judge_coding(http) == WR_HTTP_REFUSED) {
        return WR_HTTP_REFUSED;
    }
    (void)copy(now->etag, sizeof now->etag, reply->words->etag);
    (void)copy(now->modified, sizeof now->modified, reply->words->last_modified);
    source->coded = reply->coding != WR_HTTP_IDENTITY;
    source->complete = -1;
    return WR_HTTP_ACCEPTED;
}

void wr_http_poll_next(struct wr_http_source *source)
{
    struct wr_http_poll *poll = source->poll;
    int64_t left_ns = poll->due_ns - wr_now_ns(source->gen.loop);
    poll->last = poll->now;
    poll->again = false;
    source->tries = source->pauses = 0;
    source->answered = true;
    wr_inbox_resume(&source->inbox, source->inbox.given_end); /* the next byte begins an item */
    wr_http_redirect_none(&source->http);
    wr_http_pause(&source->http, left_ns > 0 ? (left_ns + 999999) / 1000000 : 0);
}

bool wr_http_poll_goes_on(const struct wr_http_source *source,
                          const struct wr_http_failure *failure)
{
    return source->poll != NULL && source->answered && failure->code == WEIR_EHTTP;
}

weir_gen *weir_poll_lines(weir_scope *scope, const char *url, int64_t every_ms,
                          const weir_http_options *options)
{
    return wr_http_source_poll(scope, url, WEIR_FRAME_LINES, every_ms, options);
}

weir_gen *weir_poll_bytes(weir_scope *scope, const char *url, int64_t every_ms,
                          const weir_http_options *options)
{
    return wr_http_source_poll(scope, url, WEIR_FRAME_NONE, every_ms, options);
}

/* ---- the component */

struct poll_args {
    const char *url;
    int64_t every_ms;
};

static int poll_check(const weir_opening *opening, const void *args, weir_mistake *mistake)
{
    (void)opening;
    return wr_http_check_url(((const struct poll_args *)args)->url, mistake);
}

static weir_gen *poll_open(const weir_opening *opening, weir_gen *up, const void *args)
{
    const struct poll_args *a = args;
    weir_http_options http = *opening->http;
    weir_lines_options lines = wr_lines_of_opening(opening);
    (void)up;
    http.state = lines.state;
    http.line_bytes_max = lines.line_bytes_max;
    http.overlong = lines.overlong;
    return opening->joined ? weir_poll_bytes(opening->scope, a->url, a->every_ms, &http)
                           : weir_poll_lines(opening->scope, a->url, a->every_ms, &http);
}

static const weir_arg poll_args[] = {
    WEIR_ARG_URL(struct poll_args, url, .name = "URL", .flags = WEIR_ARG_REQUIRED,
                 .help = "sent as it is"),
    WEIR_ARG_TIME(struct poll_args, every_ms, .name = "every", .form = WEIR_FORM_KEYWORD,
                  .flags = WEIR_ARG_REQUIRED, .min = 1,
                  .help = "from one request to the next, and up to a tenth more by chance"),
};

const weir_component wr_component_poll = {
    .struct_size = sizeof wr_component_poll,
    .name = "poll",
    .kind = WEIR_KIND_SOURCE,
    .gives = WEIR_SHAPE_LINE,
    .traits = WEIR_TRAIT_IO | WEIR_TRAIT_FRAMED | WEIR_TRAIT_CONNECTS | WEIR_TRAIT_TLS |
              WEIR_TRAIT_ON_DEMAND | WEIR_TRAIT_ENDLESS,
    .args = poll_args,
    .args_count = sizeof poll_args / sizeof poll_args[0],
    .args_size = sizeof(struct poll_args),
    .help = "The lines of a URL that is requested again and again; an answer that has not changed "
            "gives none.",
    .example = "poll https://example.org/status.json every 30s | json",
    .on_break = "the request is made again, and lines may be repeated",
    .check = poll_check,
    .open = poll_open,
};
