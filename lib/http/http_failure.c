/*
 * http_failure.c - failures, their texts, and the pause before another attempt.
 *
 * The statuses 408, 425, 429 and 5xx may be retried. The pause is random in [0, 0.5 s * 2^n], at
 * most 30 s. A Retry-After sets its minimum.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base_alloc.h"
#include "base_print.h"
#include "http.h"

enum { EXCERPT_SHOWN = 200 };

void wr_http_failure_fini(struct wr_http_failure *failure)
{
    wr_free(failure->text);
    *failure = (struct wr_http_failure){.code = 0};
}

int wr_http_refuse(struct wr_http_failure *failure, int code, int detail, const char *format, ...)
{
    char text[WR_HTTP_TEXT_MAX];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    wr_http_failure_fini(failure);
    *failure = (struct wr_http_failure){.code = code, .detail = detail, .text = wr_strdup(text)};
    return code;
}

/* True: what the server says in the body belongs behind this text. */
static bool refuse_status(struct wr_http *http, const char *before, const char *behind)
{
    struct wr_http_failure *failure = &http->failure;
    const struct wr_http_reply *reply = &http->reply;
    int status = reply->status;
    int64_t most_ms = http->o.retry_after_max_ms, pause_ms = reply->retry_after_ms;
    bool retry = status == 408 || status == 425 || status == 429 || status >= 500;
    if (retry && most_ms >= 0 && pause_ms > most_ms) {
        wr_http_refuse(
            failure, WEIR_EHTTP, status,
            "%s%d %s%s; it asks for a pause of %" PRId64 " s (Retry-After), which is "
            "longer than the limit of %" PRId64 " s (weir_http_options.retry_after_max_ms)",
            before, status, reply->words->reason, behind, pause_ms / 1000, most_ms / 1000);
        return false;
    }
    wr_http_refuse(failure, WEIR_EHTTP, status, "%s%d %s%s", before, status, reply->words->reason,
                   behind);
    failure->retry = retry;
    return true;
}

enum wr_http_verdict wr_http_judge_status(struct wr_http *http)
{
    bool another = http->reply.status == 101;
    bool plain = refuse_status(
        http, "", another ? ": it switches to another protocol, which was not requested" : "");
    http->failure.excerpt = plain && http->reply.coding == WR_HTTP_IDENTITY && !another;
    return WR_HTTP_REFUSED;
}

enum wr_http_verdict wr_http_judge_coding(struct wr_http *http)
{
    const struct wr_http_reply *reply = &http->reply;
    if (reply->coding != WR_HTTP_UNKNOWN) {
        return WR_HTTP_ACCEPTED;
    }
    wr_http_refuse(&http->failure, WEIR_EHTTP, reply->status,
                   reply->codings_count > WR_HTTP_CODINGS_MAX
                       ? "the body is encoded as '%s', more than 5 times over"
                       : "the body is encoded as '%s', which weir does not decode (it asks for "
                         "identity)",
                   reply->words->coding_name);
    return WR_HTTP_REFUSED;
}

void wr_http_judge_proxy(struct wr_http *http)
{
    (void)refuse_status(http, "the proxy refuses the connection: ",
                        http->reply.status == 407 ? ": it requires a login" : "");
}

void wr_http_judge_bad_head(struct wr_http *http)
{
    const struct wr_http_reply *reply = &http->reply;
    http->verdict = WR_HTTP_REFUSED;
    if (reply->no_memory) {
        wr_http_refuse(&http->failure, WEIR_ENOMEM, 0, "no memory for the head of the response");
    } else if (reply->head_bytes > WR_HTTP_HEAD_MAX) {
        wr_http_refuse(&http->failure, WEIR_EHTTP, reply->status,
                       "the head of the response is longer than %d KiB", WR_HTTP_HEAD_MAX / 1024);
    } else if (reply->malformed) {
        wr_http_refuse(&http->failure, WEIR_EHTTP, reply->status,
                       "the head of the response is malformed where it says what the body is (a "
                       "folded line, or a blank before a colon)");
    } else {
        wr_http_refuse(&http->failure, WEIR_EHTTP, 0,
                       "the response does not begin with an HTTP status line");
    }
}

void wr_http_judge_headless(struct wr_http *http, const char *data, size_t len)
{
    bool text = true;
    for (size_t i = 0; i < WR_MIN(len, (size_t)WR_HTTP_EXCERPT); i++) {
        unsigned char c = (unsigned char)data[i];
        text = text && (c >= ' ' || c == '\t' || c == '\r' || c == '\n');
    }
    /* The first record of a TLS server: an alert (0x15) or a handshake (0x16). */
    bool tls = len >= 2 && (data[0] == 0x15 || data[0] == 0x16) && data[1] == 0x03;
    const char *secure =
        http->ws != NULL ? "the server uses TLS on this port: write wss:// instead of ws://"
                         : "the server uses TLS on this port: write https:// instead of http://";
    wr_http_refuse(&http->failure, WEIR_EHTTP, 0, "%s",
                   tls    ? secure
                   : text ? "the server does not speak HTTP; it says"
                          : "the server does not speak HTTP; it sends binary data");
    http->failure.excerpt = text;
    http->verdict = WR_HTTP_REFUSED;
}

void wr_http_judge_late(struct wr_http *http)
{
    if (http->failure.code != 0) {
        return; /* only the rest of an excerpt was pending */
    }
    int64_t ms = http->phase <= WR_HTTP_CONNECTING ? http->o.connect_ms
                 : http->phase == WR_HTTP_ASKED    ? http->o.first_byte_ms
                                                   : http->idle_ms;
    wr_http_refuse(&http->failure, WEIR_ETIMEDOUT, 0, "%s for %" PRId64 ".%" PRId64 " s",
                   wr_http_missing(http), ms / 1000, ms % 1000 / 100);
    http->failure.retry = http->phase != WR_HTTP_TOKEN;
}

int wr_http_judge_cut(struct wr_http *http)
{
    wr_http_refuse(
        &http->failure, WEIR_ETRUNCATED, 0,
        "the TLS connection ended without a close_notify; the body has no length, so it may "
        "be incomplete");
    http->failure.retry = true;
    return http->failure.code;
}

/* ---- texts */

/* The start of a refusal's body on one line; of HTML without the tags. */
static void excerpt_line(const struct wr_http_words *words, char *to, size_t cap)
{
    size_t n = 0, i = 0;
    while (i < words->excerpt_len && (unsigned char)words->excerpt[i] <= ' ') {
        i++;
    }
    bool gap = false, tag = false, html = i < words->excerpt_len && words->excerpt[i] == '<';
    for (; i < words->excerpt_len && n + 2 < cap; i++) {
        unsigned char c = (unsigned char)words->excerpt[i];
        tag = tag || (html && c == '<');
        if (tag || c <= ' ' || c >= 0x7f) {
            gap = n > 0;
            tag = tag && c != '>';
            continue;
        }
        if (gap) {
            to[n++] = ' ';
            gap = false;
        }
        to[n++] = (char)c;
    }
    to[n] = '\0';
}

/* `text` without `start` and the separator after it. */
static const char *behind(const char *text, const char *start)
{
    size_t len = strlen(start);
    if (len == 0 || strncmp(text, start, len) != 0) {
        return text;
    }
    return text + len + strspn(text + len, " .:-");
}

void wr_http_failure_text(const struct wr_http *http, const struct wr_http_failure *failure,
                          char *to, size_t cap)
{
    const struct wr_http_words *words = http->reply.words;
    const char *text = failure->text != NULL ? failure->text : wr_code_text(failure->code);
    char excerpt[EXCERPT_SHOWN] = "";
    const char *rest = excerpt, *before;
    if (failure->excerpt && words != NULL) {
        excerpt_line(words, excerpt, sizeof excerpt);
        do { /* HTML pages repeat the status as title and headline */
            before = rest;
            rest = behind(behind(rest, text), words->reason);
        } while (rest != before);
    }
    struct wr_print print;
    wr_print_to(&print, to, cap);
    if (http->target != NULL) {
        char shown[160];
        wr_url_redact(wr_text_of(http->target), shown, sizeof shown);
        wr_printf(&print, "redirected to %s: ", shown);
    }
    wr_printf(&print, "%s%s%s", text, rest[0] != '\0' ? ": " : "", rest);
}

int64_t wr_http_backoff_ms(const struct wr_http *http, int pauses, int64_t least_ms)
{
    int64_t ms = wr_backoff_ms(http->loop, pauses);
    int64_t floor_ms = WR_MAX(http->reply.head_done ? http->reply.retry_after_ms : -1, least_ms);
    return floor_ms > 0 ? floor_ms + ms / 4 : ms;
}
