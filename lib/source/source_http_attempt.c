/*
 * source_http_attempt.c - one request: an easy handle made for it, its headers, its callbacks.
 *
 * A handle is made for each attempt and freed with it, so nothing of one request leaks into the
 * next, and its connection is not used again: a stream holds one as long as it lasts. What the
 * caller sent along (headers, user, bearer token) goes to the origin of the caller's URL and to no
 * other.
 *
 * The callbacks run under libcurl's frame: they copy bytes, judge the head and wake the task.
 */
#include <stdio.h>
#include <string.h>

#include "base_alloc.h"
#include "base_fault.h"
#include "source_http_parts.h"

enum { FOR_EVER_S = 24 * 3600 };

static struct wr_http_source *source_of(struct wr_transfer *transfer)
{
    return WR_OWNER(transfer, struct wr_http_source, transfer);
}

/* ---- callbacks */

static void on_connected(struct wr_transfer *transfer)
{
    struct wr_http_source *http = source_of(transfer);
    http->phase = WR_HTTP_ASKED;
    http->phase_ns = wr_now_ns(http->gen.loop);
    http->gen.loop->stats.connects++;
    wr_http_wake(http);
}

static void judged(struct wr_http_source *http)
{
    http->phase = WR_HTTP_BODY;
    http->phase_ns = wr_now_ns(http->gen.loop);
    wr_http_wake(http);
}

/* Trailers say nothing that is wanted, but libcurl keeps each of them. */
static bool trailer_fits(struct wr_http_source *http, size_t len)
{
    http->reply.head_bytes += len;
    if (http->reply.head_bytes <= WR_HTTP_HEAD_MAX) {
        return true;
    }
    wr_http_refuse(&http->failure, WEIR_EHTTP, http->reply.status,
                   "the trailers behind the body are longer than %d KiB", WR_HTTP_HEAD_MAX / 1024);
    wr_http_wake(http);
    return false;
}

/* A caller's setup may have libcurl answer a challenge by itself (Digest, Negotiate): then the
 * refusal was not the last word, and another head comes in the same transfer. */
static bool another_answer(struct wr_http_source *http, const char *line, size_t len)
{
    struct wr_text text = {line, len};
    if (http->verdict != WR_HTTP_REFUSED || !http->failure.excerpt ||
        !wr_text_take(&text, "HTTP/")) {
        return false;
    }
    wr_http_failure_fini(&http->failure);
    http->verdict = WR_HTTP_UNJUDGED;
    http->reply.head_done = false;
    http->phase = WR_HTTP_ASKED;
    http->phase_ns = wr_now_ns(http->gen.loop);
    wr_http_wake(http);
    return true;
}

static bool on_header(struct wr_transfer *transfer, const char *line, size_t len)
{
    struct wr_http_source *http = source_of(transfer);
    if (http->reply.head_done && !another_answer(http, line, len)) {
        return trailer_fits(http, len);
    }
    if (!wr_http_reply_line(&http->reply, line, len, http->gen.loop->now_unix_ns / 1000000000)) {
        wr_http_judge_bad_head(http);
        return false;
    }
    if (!http->reply.head_done) {
        return true;
    }
    wr_http_judge(http);
    judged(http);
    return http->verdict == WR_HTTP_LINES ||
           (http->verdict == WR_HTTP_REFUSED && http->failure.excerpt);
}

static size_t take_excerpt(struct wr_http_source *http, const char *data, size_t len)
{
    struct wr_http_words *words = http->reply.words;
    size_t room = sizeof words->excerpt - words->excerpt_len;
    size_t part = WR_MIN(room, len);
    memcpy(words->excerpt + words->excerpt_len, data, part);
    words->excerpt_len += part;
    return part < room ? len : 0; /* full: that ends the transfer */
}

static size_t on_write(struct wr_transfer *transfer, const char *data, size_t len)
{
    struct wr_http_source *http = source_of(transfer);
    if (http->verdict == WR_HTTP_UNJUDGED) {
        wr_http_judge_headless(http, data, len);
        judged(http);
    }
    if (http->verdict != WR_HTTP_LINES) {
        return http->verdict == WR_HTTP_REFUSED ? take_excerpt(http, data, len) : 0;
    }
    if (http->reply.coding != WR_HTTP_IDENTITY) {
        if (http->decoder != NULL && !wr_http_decode_put(http, data, len)) {
            return CURL_WRITEFUNC_PAUSE;
        }
        /* The decoder is made by the task that takes note of the verdict; until then nothing is
         * taken. */
        if (http->decoder == NULL) {
            return CURL_WRITEFUNC_PAUSE;
        }
        http->bytes += len;
        wr_http_wake(http);
        return len;
    }
    struct wr_inbox *inbox = &http->inbox;
    if (wr_inbox_pending(inbox) - http->stale >= WR_HTTP_HIGH_BYTES) {
        return CURL_WRITEFUNC_PAUSE;
    }
    size_t whole = len;
    len = (size_t)WR_MIN(http->most - http->got, (uint64_t)len);
    size_t dropped = http->skip < len ? (size_t)http->skip : len;
    if (dropped < len) {
        char *to;
        int rc = wr_inbox_room_for(inbox, len - dropped, &to);
        if (rc < 0) {
            http->starved = true;
            wr_http_wake(http);
            return CURL_WRITEFUNC_PAUSE;
        }
        memcpy(to, data + dropped, len - dropped);
        wr_inbox_came(inbox, len - dropped);
    }
    http->skip -= dropped;
    http->bytes += len;
    http->got += len;
    if (len < whole) {
        wr_http_judge_excess(http);
    }
    wr_http_wake(http);
    return len;
}

static void on_done(struct wr_transfer *transfer, CURLcode code)
{
    struct wr_http_source *http = source_of(transfer);
    http->over = true;
    http->result = code;
    wr_http_wake(http);
}

/* ---- the request */

static bool add_header(struct wr_http_source *http, const char *line)
{
    struct curl_slist *longer =
        wr_fault("curl_slist_append") ? NULL : curl_slist_append(http->sent, line);
    if (longer == NULL) {
        return false;
    }
    http->sent = longer;
    return true;
}

static int no_memory(struct wr_http_source *http)
{
    return wr_gen_fail(&http->gen, WEIR_ENOMEM, 0, -1, "no memory for a request");
}

bool wr_http_is_own(const struct wr_http_source *http)
{
    struct wr_url a, b;
    return http->target == NULL ||
           (wr_url_parse(wr_text_of(http->url), &a) == 0 &&
            wr_url_parse(wr_text_of(http->target), &b) == 0 && wr_url_same_origin(&a, &b));
}

static int add_headers(struct wr_http_source *http, const struct wr_http_token *token, bool own)
{
    if (!(own && http->own_coding) && !add_header(http, "Accept-Encoding: identity")) {
        return no_memory(http);
    }
    for (size_t i = 0; own && i < http->o.headers_count; i++) {
        if (!add_header(http, http->headers[i])) {
            return no_memory(http);
        }
    }
    if (http->from > 0 && !http->coded) {
        char line[WR_STATE_VALIDATOR_MAX + 16];
        snprintf(line, sizeof line, "If-Range: %s", http->validator);
        if (!add_header(http, line)) {
            return no_memory(http);
        }
        snprintf(line, sizeof line, "%llu-", (unsigned long long)http->from);
        curl_easy_setopt(http->transfer.easy, CURLOPT_RANGE, line);
    }
    if (token != NULL && !add_header(http, wr_http_token_line(token))) {
        return no_memory(http);
    }
    return 0;
}

static int set_up(struct wr_http_source *http, const struct wr_http_token *token)
{
    CURL *easy = http->transfer.easy;
    bool own = wr_http_is_own(http);
    int rc = add_headers(http, token, own);
    if (rc < 0) {
        return rc;
    }
    bool good = curl_easy_setopt(easy, CURLOPT_URL, wr_http_target(http)) == CURLE_OK &&
                curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https") == CURLE_OK &&
                curl_easy_setopt(easy, CURLOPT_HTTPHEADER, http->sent) == CURLE_OK &&
                curl_easy_setopt(easy, CURLOPT_USERAGENT, "weir/0.1") == CURLE_OK &&
                (!own || http->user == NULL ||
                 curl_easy_setopt(easy, CURLOPT_USERPWD, http->user) == CURLE_OK) &&
                (http->ca_file == NULL ||
                 curl_easy_setopt(easy, CURLOPT_CAINFO, http->ca_file) == CURLE_OK);
    if (!good) {
        return no_memory(http);
    }
    curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(easy, CURLOPT_HTTP_CONTENT_DECODING, 0L);
    curl_easy_setopt(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
    curl_easy_setopt(easy, CURLOPT_HTTP09_ALLOWED, 1L); /* so that on_write sees what is no HTTP */
    curl_easy_setopt(easy, CURLOPT_FORBID_REUSE, 1L);
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT, (long)FOR_EVER_S); /* weir has its own clock */
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, http->curl_text);
    wr_transfer_watch_tls(&http->transfer);
    if (http->o.tls == WEIR_TLS_TRUST_ANYBODY) {
        curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 0L);
        curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 0L);
    }
    int refused = http->o.setup != NULL ? http->o.setup(http->o.setup_ctx, easy) : 0;
    return refused != 0 ? wr_gen_fail(&http->gen, WEIR_EINVAL, refused, -1,
                                      "the setup of the request was refused (%d)", refused)
                        : 0;
}

void wr_http_attempt_end(struct wr_http_source *http)
{
    wr_transfer_stop(&http->transfer);
    curl_easy_cleanup(http->transfer.easy);
    curl_slist_free_all(http->sent);
    wr_transfer_forget_tls(&http->transfer);
    http->transfer.easy = NULL;
    http->sent = NULL;
    http->phase = WR_HTTP_CLOSED;
    http->over = http->starved = false;
    wr_http_decode_end(http);
}

int wr_http_attempt(struct wr_http_source *http, const struct wr_http_token *token)
{
    struct weir_loop *loop = http->gen.loop;
    http->from = http->validator[0] != '\0' ? http->inbox.given_end : 0;
    http->transfer.easy = wr_fault("curl_easy_init") ? NULL : curl_easy_init();
    int rc = http->transfer.easy == NULL ? no_memory(http) : set_up(http, token);
    if (rc == 0 && wr_http_reply_begin(&http->reply) < 0) {
        rc = no_memory(http);
    }
    if (rc < 0) {
        wr_http_attempt_end(http);
        return rc;
    }
    http->verdict = WR_HTTP_UNJUDGED;
    wr_http_failure_fini(&http->failure);
    http->skip = http->got = 0;
    http->most = UINT64_MAX;
    http->stale = 0;
    http->over = http->accepted = http->starved = false;
    http->curl_text[0] = '\0';
    http->transfer.header = on_header;
    http->transfer.write = on_write;
    http->transfer.connected = on_connected;
    http->transfer.done = on_done;
    http->phase = WR_HTTP_CONNECTING;
    http->phase_ns = wr_now_ns(loop);
    rc = wr_transfer_start(loop, &http->transfer);
    if (rc < 0) {
        no_memory(http);
        wr_http_attempt_end(http);
    }
    return rc;
}
