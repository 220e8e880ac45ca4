/*
 * http_attempt.c - one request: its headers, its response, its end.
 *
 * No state of one request leaks into the next. The caller's headers, login and bearer token go only
 * to the origin of the caller's URL. Each attempt begins at the caller's URL again; within an
 * attempt, each redirect starts from the target of the last one.
 *
 * The functions that the wire calls run in its callbacks: they copy bytes, judge the head and wake
 * the task, and never suspend.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base_alloc.h"
#include "http.h"

enum { HEADERS_CAP_MIN = 512 };

/* ---- the response */

static void begin_phase(struct wr_http *http, enum wr_http_phase phase)
{
    http->phase = phase;
    http->phase_ns = wr_now_ns(http->loop);
    wr_http_wake(http);
}

/* An earlier head does not count: a proxy's, or a challenge that libcurl has answered. */
static void await_answer(struct wr_http *http)
{
    wr_http_failure_fini(&http->failure);
    http->verdict = WR_HTTP_UNJUDGED;
    http->reply.head_done = false;
    begin_phase(http, WR_HTTP_ASKED);
}

void wr_http_on_connected(struct wr_http *http)
{
    if (WR_UNLIKELY(http->recorder != NULL)) {
        wr_recorder_add(http->recorder, WR_RECORD_CONNECTED, NULL, 0);
    }
    await_answer(http);
    http->reply.status = 0;
    http->loop->stats.connects++;
}

/* Trailers are not used, but libcurl may store each of them: limit their size. */
static bool trailer_fits(struct wr_http *http, size_t len)
{
    http->reply.head_bytes += len;
    if (http->reply.head_bytes <= WR_HTTP_HEAD_MAX) {
        return true;
    }
    wr_http_refuse(&http->failure, WEIR_EHTTP, http->reply.status,
                   "the trailers after the body are longer than %d KiB", WR_HTTP_HEAD_MAX / 1024);
    wr_http_wake(http);
    return false;
}

/* The caller's setup can make libcurl answer a challenge by itself (Digest, Negotiate). Then the
 * refusal is not final, and another head follows in the same transfer. */
static bool another_answer(struct wr_http *http, const char *line, size_t len)
{
    struct wr_text text = {line, len};
    if (http->verdict != WR_HTTP_REFUSED || !http->failure.excerpt ||
        !wr_text_take(&text, "HTTP/")) {
        return false;
    }
    await_answer(http);
    return true;
}

static void judge(struct wr_http *http)
{
    struct wr_http_reply *reply = &http->reply;
    int status = reply->status;
    /* A request with a body is only sent to the target of a 307 or 308, which keep the method. */
    bool leads_on = http->ws == NULL &&
                    (status == 307 || status == 308 ||
                     (http->out == NULL && (status == 301 || status == 302 || status == 303)));
    if (http->o.raw && !reply->transfer_odd) {
        reply->coding = WR_HTTP_IDENTITY;
    }
    if (reply->length_bad && status >= 200 && status < 300) {
        wr_http_refuse(
            &http->failure, WEIR_EHTTP, status,
            "the response does not say where it ends: its Content-Length is not a number, or "
            "there are two");
        http->verdict = WR_HTTP_REFUSED;
    } else if (leads_on && reply->location != NULL) {
        http->verdict = WR_HTTP_REDIRECT;
    } else {
        http->verdict = http->user->judge(http);
    }
    begin_phase(http, WR_HTTP_BODY);
}

size_t wr_http_on_send(struct wr_http *http, char *to, size_t cap)
{
    size_t part = WR_MIN(http->out_len - http->out_at, cap);
    if (part > 0) {
        memcpy(to, http->out + http->out_at, part);
    }
    http->out_at += part;
    if (http->phase == WR_HTTP_ASKED) {
        http->phase_ns = wr_now_ns(http->loop); /* the wait begins at the last byte sent */
    }
    return part;
}

bool wr_http_on_header(struct wr_http *http, const char *line, size_t len)
{
    bool of_proxy = http->phase == WR_HTTP_CONNECTING;
    if (WR_UNLIKELY(http->recorder != NULL)) {
        wr_http_record_line(http, line, len);
    }
    if (http->reply.head_done && !of_proxy && !another_answer(http, line, len)) {
        return trailer_fits(http, len);
    }
    if (!wr_http_reply_line(&http->reply, line, len, http->loop->now_unix_ns / 1000000000)) {
        wr_http_judge_bad_head(http);
        return false;
    }
    bool blank = len == 0 || line[0] == '\r' || line[0] == '\n';
    if (blank && http->phase == WR_HTTP_ASKED && !http->reply.head_done) {
        begin_phase(http, WR_HTTP_ASKED); /* a 1xx restarts the timeout */
    }
    if (!http->reply.head_done || of_proxy) {
        return true;
    }
    judge(http);
    return http->verdict == WR_HTTP_ACCEPTED ||
           (http->verdict == WR_HTTP_REFUSED && http->failure.excerpt);
}

static enum wr_http_take take_excerpt(struct wr_http *http, const char *data, size_t len)
{
    struct wr_http_words *words = http->reply.words;
    size_t room = sizeof words->excerpt - words->excerpt_len;
    size_t part = WR_MIN(room, len);
    memcpy(words->excerpt + words->excerpt_len, data, part);
    words->excerpt_len += part;
    return part < room ? WR_HTTP_TAKEN : WR_HTTP_STOP;
}

/* The body is longer than allowed. */
static enum wr_http_take refuse_excess(struct wr_http *http)
{
    int status = http->reply.status;
    if (status == 206) {
        wr_http_refuse(&http->failure, WEIR_EHTTP, status,
                       "the response is longer than the part that it names");
    } else {
        wr_http_refuse(&http->failure, WEIR_ECHANGED, status,
                       "the body continues after its announced end");
    }
    return WR_HTTP_STOP;
}

/* Bytes of a body that is not encoded go directly to the inbox. */
static enum wr_http_take take_bytes(struct wr_http *http, const char *data, size_t len)
{
    struct wr_inbox *inbox = http->inbox;
    if (inbox == NULL) {
        http->got += len;
        return http->got <= http->most ? WR_HTTP_TAKEN : refuse_excess(http);
    }
    size_t unread = wr_inbox_pending(inbox) - http->stale;
    if (unread >= WR_HTTP_HIGH_BYTES && (len < WR_HTTP_PIECE_MAX || unread >= WR_HTTP_MOST_BYTES)) {
        return WR_HTTP_PAUSE;
    }
    size_t part = (size_t)WR_MIN(http->most - http->got, (uint64_t)len);
    size_t dropped = http->skip < part ? (size_t)http->skip : part;
    if (dropped < part) {
        char *to;
        int rc = wr_inbox_room_for(inbox, part - dropped, &to);
        if (rc < 0) {
            http->starved = true;
            wr_http_wake(http);
            return WR_HTTP_PAUSE;
        }
        memcpy(to, data + dropped, part - dropped);
        wr_inbox_came(inbox, part - dropped);
    }
    http->skip -= dropped;
    http->got += part;
    wr_http_wake(http);
    return part < len ? refuse_excess(http) : WR_HTTP_TAKEN;
}

static enum wr_http_take take_body(struct wr_http *http, const char *data, size_t len)
{
    if (http->verdict == WR_HTTP_UNJUDGED) {
        wr_http_judge_headless(http, data, len);
        begin_phase(http, WR_HTTP_BODY);
    }
    if (http->verdict != WR_HTTP_ACCEPTED) {
        return http->verdict == WR_HTTP_REFUSED ? take_excerpt(http, data, len) : WR_HTTP_STOP;
    }
    if (http->reply.coding == WR_HTTP_IDENTITY) {
        return take_bytes(http, data, len);
    }
    /* The user's task creates the decoder in wr_http_accept; until then no bytes are taken. */
    if (http->decoder == NULL || !wr_http_decode_put(http, data, len)) {
        return WR_HTTP_PAUSE;
    }
    http->got += len;
    wr_http_wake(http);
    return WR_HTTP_TAKEN;
}

enum wr_http_take wr_http_on_body(struct wr_http *http, const char *data, size_t len)
{
    enum wr_http_take take = take_body(http, data, len);
    if (WR_UNLIKELY(http->recorder != NULL) && take != WR_HTTP_PAUSE) {
        wr_recorder_data(http->recorder, data, len);
    }
    return take;
}

void wr_http_on_end(struct wr_http *http, bool complete)
{
    if (WR_UNLIKELY(http->recorder != NULL)) {
        wr_recorder_add(http->recorder, WR_RECORD_END, &(char){complete}, 1);
    }
    http->over = true;
    http->complete = complete;
    wr_http_wake(http);
}

/* ---- the request */

int wr_http_add_header(struct wr_http *http, const char *format, ...)
{
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    int len = vsnprintf(NULL, 0, format, args);
    va_end(args);
    size_t need = http->sent_len + (size_t)len + 1;
    if (need > http->sent_cap) {
        size_t cap = WR_MAX(need * 2, (size_t)HEADERS_CAP_MIN);
        char *more = wr_realloc(http->sent, cap);
        if (more == NULL) {
            va_end(again);
            return WEIR_ENOMEM;
        }
        http->sent = more;
        http->sent_cap = cap;
    }
    (void)vsnprintf(http->sent + http->sent_len, (size_t)len + 1, format, again);
    va_end(again);
    http->sent_len = need;
    return 0;
}

/* The headers may hold secrets. */
static void forget_headers(struct wr_http *http)
{
    if (http->sent != NULL) {
        memset(http->sent, 0, http->sent_len);
    }
    wr_free(http->sent);
    http->sent = NULL;
    http->sent_len = http->sent_cap = 0;
}

/* Is this line the header `name`? */
static bool is_header(const char *line, const char *name)
{
    size_t len = strcspn(line, ":;");
    return name != NULL && wr_text_is((struct wr_text){line, len}, name);
}

bool wr_http_says(const struct wr_http *http, const char *name)
{
    bool says = false;
    for (size_t i = 0; i < http->o.headers_count && wr_http_is_own(http); i++) {
        says = says || is_header(http->headers[i], name);
    }
    return says;
}

static int add_headers(struct wr_http *http)
{
    http->in_place_of = NULL;
    int rc = wr_http_says(http, "Accept-Encoding")
                 ? 0
                 : wr_http_add_header(http, "Accept-Encoding: identity");
    if (rc == 0 && http->out != NULL && !wr_http_says(http, "Expect")) {
        rc = wr_http_add_header(http, "Expect:"); /* send the body at once */
    }
    rc = rc == 0 ? http->user->ask(http) : rc;
    for (size_t i = 0; i < http->o.headers_count && wr_http_is_own(http) && rc == 0; i++) {
        if (!is_header(http->headers[i], http->in_place_of)) {
            rc = wr_http_add_header(http, "%s", http->headers[i]);
        }
    }
    if (rc == 0 && http->token != NULL) {
        rc = wr_http_add_header(http, "%s", wr_http_token_line(http->token));
    }
    return rc;
}

/* The attempt failed before its request was sent. */
static void end_early(struct wr_http *http, int rc)
{
    if (http->failure.code == 0) {
        wr_http_refuse(&http->failure, rc, 0,
                       "no memory, or no file descriptor (ulimit -n), for a request");
    }
    http->over = true;
    http->complete = false;
}

static void send_request(struct wr_http *http)
{
    int rc = wr_http_reply_begin(&http->reply);
    rc = rc == 0 ? add_headers(http) : rc;
    if (http->recorder != NULL) {
        wr_http_record_request(http);
    }
    wr_http_token_end(http->token);
    http->token = NULL;
    http->phase = WR_HTTP_CONNECTING;
    http->phase_ns = wr_now_ns(http->loop);
    rc = rc == 0 ? http->wire->start(http) : rc;
    forget_headers(http);
    if (rc < 0) {
        end_early(http, rc);
    }
}

void wr_http_begin(struct wr_http *http)
{
    http->verdict = WR_HTTP_UNJUDGED;
    wr_http_failure_fini(&http->failure);
    http->skip = http->got = 0;
    http->most = UINT64_MAX;
    http->out_at = 0;
    http->stale = 0;
    http->over = http->complete = http->cut = http->accepted = http->starved = false;
    if (http->bearer_file == NULL || !wr_http_is_own(http)) {
        send_request(http);
        return;
    }
    http->phase = WR_HTTP_TOKEN;
    http->phase_ns = wr_now_ns(http->loop);
    http->token = wr_http_token_begin(http);
    if (http->token == NULL) {
        end_early(http, WEIR_ENOMEM);
    }
}

void wr_http_stop(struct wr_http *http)
{
    if (http->wire_own != NULL) {
        http->wire->stop(http);
    }
    wr_http_token_end(http->token);
    http->token = NULL;
    forget_headers(http);
    wr_http_decode_end(http);
    http->phase = WR_HTTP_CLOSED;
    http->over = http->starved = false;
}

int wr_http_accept(struct wr_http *http)
{
    http->accepted = true;
    if (http->reply.words->odd_name[0] != '\0' && !http->o.raw) {
        char shown[128];
        wr_http_shown(http, shown, sizeof shown);
        wr_log(&http->loop->log, WR_LOG_WARNING, http->name,
               "%s: the Content-Encoding '%s' is not a compression: the body is read as it is",
               shown, http->reply.words->odd_name);
    }
    wr_http_reply_accept(&http->reply);
    int rc = wr_http_decode_begin(http);
    if (http->decoder != NULL) {
        http->wire->go_on(http);
    }
    return rc;
}

/* ---- the end of the attempt */

/* Did the attempt end well? If not, the failure is set. */
static bool ended_well(struct wr_http *http)
{
    struct wr_http_failure *failure = &http->failure;
    if (failure->code != 0) {
        return false; /* set by the judge, a timeout or the decoder */
    }
    switch (http->verdict) {
    case WR_HTTP_REDIRECT: return wr_http_redirect(http) == 0;
    case WR_HTTP_COMPLETE:
    case WR_HTTP_AGAIN: return true;
    case WR_HTTP_ACCEPTED:
        if (http->complete && wr_http_decode_finish(http) < 0) {
            failure->retry = failure->code == WEIR_ETRUNCATED;
            return false;
        }
        if (http->complete) {
            http->cut = !wr_http_is_delimited(&http->reply) && http->wire->was_cut(http);
            if (http->cut && http->recorder != NULL) {
                wr_recorder_add(http->recorder, WR_RECORD_CUT, NULL, 0);
            }
            return true;
        }
        break;
    default: break;
    }
    http->wire->explain(http);
    if (http->recorder != NULL) {
        wr_http_record_failure(http, WR_RECORD_FAILURE);
    }
    return false;
}

static enum wr_http_news end(struct wr_http *http)
{
    bool good = ended_well(http);
    http->failure.unconnected = http->phase == WR_HTTP_CONNECTING && http->reply.status == 0;
    wr_http_stop(http);
    if (good && http->verdict == WR_HTTP_REDIRECT) {
        wr_http_begin(http);
        return http->over ? WR_HTTP_NEWS : WR_HTTP_WAITS; /* nothing would end the wait */
    }
    return WR_HTTP_ENDED;
}

enum wr_http_news wr_http_go(struct wr_http *http)
{
    if (http->phase == WR_HTTP_CLOSED) {
        return WR_HTTP_IDLE;
    }
    if (!wr_http_decode_hungry(http)) {
        int rc = wr_http_decode_step(http);
        return rc == WEIR_EBUDGET ? WR_HTTP_STARVED : rc < 0 ? end(http) : WR_HTTP_NEWS;
    }
    if (http->starved || (http->inbox != NULL && http->inbox->starved)) {
        return WR_HTTP_STARVED;
    }
    if (http->phase == WR_HTTP_TOKEN && !http->over && wr_http_token_done(http->token)) {
        if (wr_http_token_failure(http->token, &http->failure) == 0) {
            send_request(http);
        } else {
            http->over = true;
        }
    }
    if (http->over) {
        return end(http);
    }
    if (http->wire_own != NULL) {
        http->wire->go_on(http);
    }
    return WR_HTTP_WAITS;
}
