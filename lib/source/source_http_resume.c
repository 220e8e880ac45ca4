/*
 * source_http_resume.c - what happens when an attempt has ended.
 *
 * The end, a redirect, another attempt, or the generator's failure. It is asked when every complete
 * line that has come has been given, so the position to go on from is the end of the last one:
 * nothing is repeated and nothing is missing.
 *
 *   validator known     ask for the rest with Range and If-Range; all of it when it is encoded
 *   nothing given yet   ask again
 *   it is followed      ask again, also after an end; say that a gap or repeats are possible
 *   else                the body is cut short: fail
 *
 * Retries: when the first attempt of all gets no connection (to resolve, to connect, to agree on
 * TLS, in time), that is final unless retries were asked for or the stream is followed, so that a
 * mistake in the URL is told at once; else five, and for a stream that is followed no limit. They
 * are counted anew from the next line that did not come before. The pause is drawn from
 * [0, 0.5 s * 2^n], at most 30 s; a Retry-After is its least. It starts anew with such a line, or
 * after 30 s of health.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "source_http_parts.h"
#include "source_http_redirect.h"

enum { BACKOFF_MS = 500, BACKOFF_MAX_MS = 30 * 1000, RETRIES = 5, IDLE_MS = 60 * 1000 };

void wr_http_shown(const struct wr_http_source *http, char *to, size_t cap)
{
    wr_url_redact(wr_text_of(http->url), to, cap);
}

/* ---- what went wrong */

static void tls_failure(const struct wr_http_source *http, struct wr_http_failure *failure)
{
    bool identity =
        http->result == CURLE_PEER_FAILED_VERIFICATION || http->result == CURLE_SSL_CERTPROBLEM ||
        http->result == CURLE_SSL_CACERT_BADFILE ||
        http->result == CURLE_SSL_PINNEDPUBKEYNOTMATCH || http->result == CURLE_SSL_ISSUER_ERROR;
    const char *text =
        http->curl_text[0] != '\0' ? http->curl_text : curl_easy_strerror(http->result);
    const char *hint = "";
    if (strstr(text, "wrong version number") != NULL) {
        hint = "; the server does not speak TLS here: is it http:// for https://?";
    } else if (strstr(text, "subject name") != NULL) {
        hint = "; ask by a name that the certificate is for, or trust anybody with -k";
    } else if (http->result == CURLE_SSL_CACERT_BADFILE && http->ca_file == NULL) {
        hint = "; Debian's package ca-certificates brings it, or --cacert FILE names another";
    } else if (http->result == CURLE_SSL_CACERT_BADFILE) {
        hint = "; it has to be a file of certificates in PEM";
    } else if (http->result == CURLE_PEER_FAILED_VERIFICATION) {
        hint = "; if this is your own server: --cacert FILE names who to trust, -k trusts anybody";
    }
    wr_http_refuse(failure, WEIR_ETLS, (int)http->result, "TLS: %.150s%s", text, hint);
    failure->retry = !identity;
}

struct cause {
    CURLcode result;
    int code;
    bool retry;
    const char *text; /* NULL: libcurl's */
};

static const struct cause causes[] = {
    {CURLE_COULDNT_RESOLVE_HOST, WEIR_ERESOLVE, true, "the name of the host cannot be resolved"},
    {CURLE_COULDNT_RESOLVE_PROXY, WEIR_ERESOLVE, true, "the name of the proxy cannot be resolved"},
    {CURLE_COULDNT_CONNECT, WEIR_ECONNECT, true, NULL},
    {CURLE_PROXY, WEIR_ECONNECT, true, NULL},
    {CURLE_OPERATION_TIMEDOUT, WEIR_ETIMEDOUT, true, "timed out"},
    {CURLE_GOT_NOTHING, WEIR_ERESET, true, "the server closed the connection without an answer"},
    {CURLE_RECV_ERROR, WEIR_ERESET, true, "connection reset"},
    {CURLE_SEND_ERROR, WEIR_ERESET, true, "connection reset"},
    {CURLE_PARTIAL_FILE, WEIR_ETRUNCATED, true,
     "the server closed the connection before the end of the body"},
    {CURLE_OUT_OF_MEMORY, WEIR_ENOMEM, false, "out of memory"},
    {CURLE_ABORTED_BY_CALLBACK, WEIR_EIO, true, "the event loop has lost track of the connection"},
    {CURLE_URL_MALFORMAT, WEIR_EINVAL, false, NULL},
    {CURLE_UNSUPPORTED_PROTOCOL, WEIR_EHTTP, false, NULL},
    {CURLE_WEIRD_SERVER_REPLY, WEIR_EHTTP, false, "the answer is not HTTP"},
    {CURLE_BAD_FUNCTION_ARGUMENT, WEIR_EHTTP, false, "the answer is not HTTP"}, /* 7.88: its head */
    {CURLE_BAD_CONTENT_ENCODING, WEIR_EHTTP, false, NULL}, /* libcurl 8: a transfer coding */
};

static bool is_tls(CURLcode result)
{
    return result == CURLE_SSL_CONNECT_ERROR || result == CURLE_SSL_ENGINE_NOTFOUND ||
           result == CURLE_SSL_CERTPROBLEM || result == CURLE_SSL_CIPHER ||
           result == CURLE_PEER_FAILED_VERIFICATION || result == CURLE_USE_SSL_FAILED ||
           result == CURLE_SSL_CACERT_BADFILE || result == CURLE_SSL_CRL_BADFILE ||
           result == CURLE_SSL_PINNEDPUBKEYNOTMATCH || result == CURLE_SSL_ISSUER_ERROR;
}

static int unsure_end(const struct wr_http_source *http, struct wr_http_failure *failure)
{
    wr_http_refuse(failure, WEIR_ETRUNCATED, (int)http->result,
                   "the TLS connection ended without a close_notify: nobody can tell whether the "
                   "body, which has no length, is whole");
    failure->retry = true;
    return failure->code;
}

/* Does the answer say by itself where its body ends? One without content has none (RFC 9112, 6.3),
 * and libcurl waits for no end of its connection. */
static bool is_delimited(const struct wr_http_reply *reply)
{
    return reply->length >= 0 || reply->chunked || reply->status == 204;
}

/* The TLS connection was cut, which libcurl 7.88 does not tell from its end and others do: what
 * 7.88 says then. */
static CURLcode told_as_end(const struct wr_http_source *http)
{
    const struct wr_http_reply *reply = &http->reply;
    if (http->phase == WR_HTTP_BODY) {
        return is_delimited(reply) ? CURLE_PARTIAL_FILE : CURLE_OK;
    }
    return reply->head_bytes > 0 ? CURLE_OK : CURLE_GOT_NOTHING;
}

/* A chunk size that is none, in the words of each libcurl. */
static bool breaks_chunks(const struct wr_http_source *http, CURLcode result)
{
    if (result == CURLE_RECV_ERROR) {
        return strstr(http->curl_text, "chunk") != NULL;
    }
    return http->phase == WR_HTTP_BODY && http->reply.chunked &&
           (result == CURLE_BAD_FUNCTION_ARGUMENT || result == CURLE_WEIRD_SERVER_REPLY);
}

static void transfer_failure(const struct wr_http_source *http, struct wr_http_failure *failure)
{
    CURLcode result = http->result;
    if (is_tls(result)) {
        tls_failure(http, failure);
        return;
    }
    if (result == CURLE_RECV_ERROR &&
        wr_transfer_was_cut(&http->transfer, result, http->curl_text)) {
        result = told_as_end(http);
        if (result == CURLE_OK && http->phase == WR_HTTP_BODY) {
            unsure_end(http, failure);
            return;
        }
    }
    long number = 0;
    if (result == CURLE_OK) {
        wr_http_refuse(failure, WEIR_ERESET, 0,
                       "the server closed the connection before the end of the answer's head");
        failure->retry = true;
        return;
    }
    if (result == CURLE_OUT_OF_MEMORY && http->phase == WR_HTTP_ASKED) {
        wr_http_refuse(failure, WEIR_ENOMEM, 0,
                       "out of memory, or the head of the answer has a line that is longer than "
                       "libcurl takes (100 KiB)");
        return;
    }
    if (result == CURLE_COULDNT_CONNECT &&
        curl_easy_getinfo(http->transfer.easy, CURLINFO_OS_ERRNO, &number) == CURLE_OK &&
        number != 0) {
        wr_http_refuse(failure, WEIR_ECONNECT, (int)number, "cannot connect: %s",
                       strerror((int)number));
        failure->retry = true;
        return;
    }
    if (breaks_chunks(http, result)) {
        wr_http_refuse(failure, WEIR_EHTTP, (int)result,
                       "the server breaks the chunked encoding of the body");
        failure->retry = true;
        return;
    }
    for (size_t i = 0; i < sizeof causes / sizeof *causes; i++) {
        if (causes[i].result == result) {
            const char *text = causes[i].text != NULL       ? causes[i].text
                               : http->curl_text[0] != '\0' ? http->curl_text
                                                            : curl_easy_strerror(result);
            wr_http_refuse(failure, causes[i].code, (int)result, "%.200s", text);
            failure->retry = causes[i].retry;
            return;
        }
    }
    wr_http_refuse(failure, WEIR_EIO, (int)result, "%.200s",
                   http->curl_text[0] != '\0' ? http->curl_text : curl_easy_strerror(result));
}

const char *wr_http_missing(const struct wr_http_source *http)
{
    switch (http->phase) {
    case WR_HTTP_TOKEN: return "no bearer token from its file";
    case WR_HTTP_CONNECTING: return "no connection";
    case WR_HTTP_ASKED: return "no answer";
    default: return "no data";
    }
}

/* A stream that cannot be resumed would repeat itself or have a gap: it may be silent. */
int64_t wr_http_idle_ms(const struct wr_http_source *http)
{
    if (http->o.idle_ms != 0) {
        return http->o.idle_ms;
    }
    return http->validator[0] != '\0' ? IDLE_MS : WEIR_NONE;
}

void wr_http_clock_failure(const struct wr_http_source *http, struct wr_http_failure *failure)
{
    const char *what = wr_http_missing(http);
    int64_t ms = http->phase <= WR_HTTP_CONNECTING ? http->o.connect_ms
                 : http->phase == WR_HTTP_ASKED    ? http->o.first_byte_ms
                                                   : wr_http_idle_ms(http);
    wr_http_refuse(failure, WEIR_ETIMEDOUT, 0, "%s for %" PRId64 ".%" PRId64 " s", what, ms / 1000,
                   ms % 1000 / 100);
    failure->retry = true;
}

/* ---- failing */

static const char *text_of(const struct wr_http_failure *failure)
{
    return failure->text != NULL ? failure->text : wr_code_text(failure->code);
}

/* The start of a refusal's body on one line; of HTML, what is no tag. */
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

/* `text` without `start` and what separates it from the rest. */
static const char *behind(const char *text, const char *start)
{
    size_t len = strlen(start);
    if (len == 0 || strncmp(text, start, len) != 0) {
        return text;
    }
    return text + len + strspn(text + len, " .:-");
}

/* What a refusal's body tells beyond the status: pages repeat that as title and headline. */
static void excerpt_text(const struct wr_http_source *http, const struct wr_http_failure *failure,
                         char *to, size_t cap)
{
    const struct wr_http_words *words = http->reply.words;
    const char *rest = to, *before;
    if (words == NULL) {
        return;
    }
    excerpt_line(words, to, cap);
    do {
        before = rest;
        rest = behind(behind(rest, text_of(failure)), words->reason);
    } while (rest != before);
    memmove(to, rest, strlen(rest) + 1);
}

int wr_http_fail(struct wr_http_source *http, const struct wr_http_failure *failure,
                 const char *then)
{
    char shown[128], place[128] = "", body[WR_HTTP_EXCERPT_SHOWN] = "";
    uint64_t position = http->inbox.given_end;
    size_t pending = wr_inbox_pending(&http->inbox);
    wr_http_shown(http, shown, sizeof shown);
    if (http->answered && pending > 0) {
        snprintf(place, sizeof place,
                 " (at byte %" PRIu64 ", after line %" PRIu64
                 "; an unfinished line of %zu bytes was not given)",
                 position, http->gen.origin->given, pending);
    } else if (http->answered) {
        snprintf(place, sizeof place, " (at byte %" PRIu64 ", after line %" PRIu64 ")", position,
                 http->gen.origin->given);
    }
    if (failure->excerpt) {
        excerpt_text(http, failure, body, sizeof body);
    }
    return wr_gen_fail(&http->gen, failure->code, failure->detail,
                       http->answered ? (int64_t)position : -1, "%s: %s%s%s%s%s", shown,
                       text_of(failure), body[0] != '\0' ? ": " : "", body, place, then);
}

/* ---- trying again */

static int retries_of(const struct wr_http_source *http, const struct wr_http_failure *failure)
{
    if (http->o.retries != 0) {
        return WR_MAX(http->o.retries, 0); /* WEIR_NONE is negative */
    }
    if (http->o.follow) {
        return INT32_MAX;
    }
    return !http->answered && failure->unconnected && http->tries == 0 ? 0 : RETRIES;
}

static int64_t backoff_ms(struct wr_http_source *http)
{
    int64_t most = BACKOFF_MAX_MS;
    if (http->pauses < 6) {
        most = WR_MIN((int64_t)BACKOFF_MS << http->pauses, most);
    }
    int64_t ms = (int64_t)(wr_random(http->gen.loop) % (uint64_t)(most + 1));
    int64_t floor_ms = http->reply.head_done ? http->reply.retry_after_ms : -1;
    return floor_ms > 0 ? floor_ms + ms / 4 : ms;
}

static void log_retry(const struct wr_http_source *http, const char *why, int64_t ms)
{
    char shown[128], how[96];
    uint64_t position = http->inbox.given_end;
    wr_http_shown(http, shown, sizeof shown);
    if (!http->answered || position == 0) {
        snprintf(how, sizeof how, "from the start");
    } else if (http->validator[0] != '\0') {
        snprintf(how, sizeof how, "resume from byte %" PRIu64, position);
    } else {
        snprintf(how, sizeof how, "a gap or repeats are possible after line %" PRIu64,
                 http->gen.origin->given);
    }
    wr_log(&http->gen.loop->log, WR_LOG_INFO, http->gen.name,
           "%s: %s; retry %d in %" PRId64 ".%" PRId64 " s (%s)", shown, why, http->tries, ms / 1000,
           ms % 1000 / 100, how);
}

void wr_http_log_another(struct wr_http_source *http)
{
    char shown[128];
    http->another = false;
    wr_http_shown(http, shown, sizeof shown);
    wr_log(&http->gen.loop->log, WR_LOG_INFO, http->gen.name,
           "%s: another version of the body: a gap or repeats are possible after line %" PRIu64,
           shown, http->gen.origin->given);
}

/* Plan another attempt. */
static void ask_again(struct wr_http_source *http, const char *why)
{
    struct weir_loop *loop = http->gen.loop;
    int64_t now = wr_now_ns(loop);
    if (http->accepted && now - http->answered_ns >= (int64_t)WR_HTTP_HEALTHY_MS * 1000000) {
        http->pauses = 0;
    }
    if (http->begun) {
        http->longest = WR_MAX(http->longest, http->inbox.given_end - http->body_begin);
    }
    int64_t ms = backoff_ms(http);
    http->tries++;
    http->pauses++;
    log_retry(http, why, ms);
    http->reconnects += http->answered;
    loop->stats.reconnects += http->answered;
    if (http->validator[0] != '\0') {
        wr_inbox_restart(&http->inbox, http->inbox.given_end);
    } else {
        wr_inbox_resume(&http->inbox, http->inbox.given_end); /* what comes begins a line */
    }
    wr_http_redirect_none(http);
    http->phase = WR_HTTP_BACKOFF;
    http->phase_ns = now + ms * 1000000;
}

static int retry(struct wr_http_source *http, const struct wr_http_failure *failure)
{
    bool resumable = !http->answered || http->validator[0] != '\0' || http->inbox.given_end == 0;
    int most = retries_of(http, failure);
    if (failure->retry && !resumable && !http->o.follow) {
        struct wr_http_failure cut = *failure;
        cut.code = failure->code == WEIR_ETIMEDOUT ? failure->code : WEIR_ETRUNCATED;
        return wr_http_fail(http, &cut,
                            "; it cannot be resumed, since the server names no version of it "
                            "(a strong ETag, or a Last-Modified a minute old)");
    }
    if (!failure->retry || most == 0) {
        return wr_http_fail(http, failure, "");
    }
    if (http->tries >= most) {
        char then[48];
        snprintf(then, sizeof then, "; gave up after %d %s", http->tries,
                 http->tries == 1 ? "retry" : "retries");
        return wr_http_fail(http, failure, then);
    }
    ask_again(http, text_of(failure));
    return 0;
}

bool wr_http_follow(struct wr_http_source *http)
{
    const struct wr_http_failure none = {.code = 0};
    if (!http->o.follow || http->gen.failure != NULL) {
        return false;
    }
    if (http->tries >= retries_of(http, &none)) {
        http->finished = true;
        return false;
    }
    ask_again(http, "the body has ended");
    return true;
}

/* The answer has ended in order: was it all that there is? A part may be shorter than what was
 * asked for (RFC 9110, 15.3.7), and an answer without a length ends with its connection. Negative:
 * failure says what is wrong with it. */
static int judge_end(struct wr_http_source *http)
{
    struct wr_http_failure *failure = &http->failure;
    const struct wr_http_reply *reply = &http->reply;
    bool part = reply->status == 206 && !http->own_range;
    uint64_t start = part ? http->from : 0, end = start + http->got;
    if (http->skip > 0) {
        return wr_http_refuse(failure, WEIR_ECHANGED, reply->status,
                              "it ends before the position that was reached");
    }
    bool cut =
        !is_delimited(reply) && wr_transfer_was_cut(&http->transfer, CURLE_OK, http->curl_text);
    if (http->coded || http->own_range) {
        return cut ? unsure_end(http, failure) : 0;
    }
    if ((http->complete >= 0 && end < (uint64_t)http->complete) ||
        (part && end <= (uint64_t)reply->range.last)) {
        wr_http_refuse(failure, WEIR_ETRUNCATED, reply->status,
                       "the answer ends at byte %" PRIu64 ", before the end of the body", end);
        failure->retry = true;
        return failure->code;
    }
    return cut && http->complete < 0 && !part ? unsure_end(http, failure) : 0;
}

static void read_to_the_end(struct wr_http_source *http)
{
    http->finished = !http->o.follow;
    wr_inbox_end(&http->inbox);
}

int wr_http_ended(struct wr_http_source *http)
{
    enum wr_http_verdict verdict = http->verdict;
    struct wr_http_failure *failure = &http->failure;
    CURLcode result = http->result;
    bool refused = failure->code != 0; /* by the judge, a clock or the decoder */
    if (!refused && verdict == WR_HTTP_LINES && result == CURLE_OK &&
        wr_http_decode_finish(http) < 0) {
        failure->retry = failure->code == WEIR_ETRUNCATED;
        refused = true;
    }
    if (!refused && verdict == WR_HTTP_REDIRECT) {
        refused = wr_http_redirect(http, failure) < 0;
    } else if (!refused &&
               (verdict == WR_HTTP_COMPLETE || (verdict == WR_HTTP_LINES && result == CURLE_OK))) {
        refused = verdict == WR_HTTP_LINES && judge_end(http) < 0;
        if (!refused) {
            read_to_the_end(http);
        }
    } else if (!refused && verdict != WR_HTTP_AGAIN) {
        transfer_failure(http, failure);
        refused = true;
    }
    failure->unconnected = http->phase == WR_HTTP_CONNECTING;
    wr_http_attempt_end(http);
    return refused ? retry(http, failure) : 0;
}
