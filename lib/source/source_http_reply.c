/*
 * source_http_reply.c - the head of an answer: read line by line, judged when it is complete.
 *
 * Both run under libcurl's header callback: memory is all they touch. The judgement is where a
 * resumed stream is told from another one: a 206 must begin at the byte asked for, a 200 must carry
 * the validator that was sent and is then read from its start with what was given before dropped, a
 * 416 at exactly the end means that nothing is left.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base_alloc.h"
#include "source_http_parts.h"

/* Nothing has been read of this answer. */
static void reset(struct wr_http_reply *reply)
{
    struct wr_http_words *words = reply->words;
    wr_free(reply->location);
    *reply = (struct wr_http_reply){
        .words = words, .length = -1, .last_modified_s = -1, .date_s = -1, .retry_after_ms = -1};
    if (words != NULL) {
        memset(words, 0, sizeof *words);
    }
}

int wr_http_reply_begin(struct wr_http_reply *reply)
{
    if (reply->words == NULL) {
        reply->words = wr_alloc(sizeof *reply->words);
    }
    reset(reply);
    return reply->words != NULL ? 0 : WEIR_ENOMEM;
}

void wr_http_reply_accept(struct wr_http_reply *reply)
{
    wr_free(reply->words);
    reply->words = NULL;
}

void wr_http_reply_fini(struct wr_http_reply *reply)
{
    wr_http_reply_accept(reply);
    wr_free(reply->location);
    reply->location = NULL;
}

static void copy(char *to, size_t cap, struct wr_text text)
{
    /* What does not fit is no use cut short: a validator must be whole. */
    size_t len = text.len < cap ? text.len : 0;
    memcpy(to, text.data, len);
    to[len] = '\0';
}

static enum wr_http_coding coding_of(struct wr_text value)
{
    if (value.len == 0 || wr_text_is(value, "identity")) {
        return WR_HTTP_IDENTITY;
    }
    if (wr_text_is(value, "gzip") || wr_text_is(value, "x-gzip")) {
        return WR_HTTP_GZIP;
    }
    return wr_text_is(value, "deflate") ? WR_HTTP_DEFLATE : WR_HTTP_UNKNOWN;
}

static bool status_line(struct wr_http_reply *reply, struct wr_text line)
{
    int64_t status = 0;
    while (line.len > 0 && line.data[0] != ' ') {
        line.data++;
        line.len--;
    }
    line = wr_text_trim(line);
    (void)wr_text_take_number(&line, &status);
    while (line.len > 0 && (line.data[line.len - 1] == '\r' || line.data[line.len - 1] == '\n')) {
        line.len--;
    }
    line = wr_text_trim(line);
    reset(reply);
    reply->status = (int)status;
    snprintf(reply->words->reason, sizeof reply->words->reason, "%.*s",
             (int)WR_MIN(line.len, sizeof reply->words->reason - 1), line.data);
    return status >= 100 && status <= 999;
}

/* Codings that stand in several headers come one upon the other: only one is decoded. */
static void read_coding(struct wr_http_reply *reply, struct wr_text value)
{
    struct wr_http_words *words = reply->words;
    enum wr_http_coding coding = coding_of(value);
    if (coding == WR_HTTP_IDENTITY) {
        return;
    }
    size_t len = strlen(words->coding_name);
    snprintf(words->coding_name + len, sizeof words->coding_name - len, "%s%.*s",
             len > 0 ? ", " : "", (int)WR_MIN(value.len, sizeof words->coding_name), value.data);
    reply->coding = reply->coding == WR_HTTP_IDENTITY ? coding : WR_HTTP_UNKNOWN;
}

/* A length that cannot be read, or two that differ, would leave open where the body ends. The same
 * one in a list ("5, 5") is one. */
static void read_length(struct wr_http_reply *reply, struct wr_text rest)
{
    int64_t length = -1;
    do {
        rest = wr_text_trim(rest);
        bool good = wr_text_take_number(&rest, &length);
        rest = wr_text_trim(rest);
        bool same = reply->length < 0 || reply->length == length;
        reply->length_bad = reply->length_bad || !good || !same;
        reply->length = length;
    } while (!reply->length_bad && wr_text_take(&rest, ","));
    reply->length_bad = reply->length_bad || rest.len > 0;
}

/* Do these say what the body is, and where it ends? */
static bool is_weighty(struct wr_text name)
{
    return wr_text_is(name, "Content-Length") || wr_text_is(name, "Transfer-Encoding") ||
           wr_text_is(name, "Content-Encoding") || wr_text_is(name, "Content-Range");
}

/* A folded line goes on with the value before it, which libcurl has taken as it was; a blank before
 * the colon makes another name for some. What the body is must not depend on who reads (RFC 9112,
 * 5.1 and 5.2). */
static bool no_header(struct wr_http_reply *reply, struct wr_text line)
{
    struct wr_text name = line;
    if (line.data[0] != ' ' && line.data[0] != '\t') {
        const char *colon = memchr(line.data, ':', line.len);
        name.len = colon != NULL ? (size_t)(colon - line.data) : 0;
        reply->weighty = is_weighty(wr_text_trim(name));
    }
    reply->malformed = reply->weighty;
    return !reply->malformed;
}

static bool read_header(struct wr_http_reply *reply, struct wr_text name, struct wr_text value,
                        int64_t now_s)
{
    struct wr_http_words *words = reply->words;
    struct wr_text number = value;
    if (wr_text_is(name, "Content-Length")) {
        read_length(reply, number);
    } else if (wr_text_is(name, "Transfer-Encoding")) {
        /* libcurl takes the chunks off and nothing else. */
        bool plain = wr_text_is(value, "chunked") || wr_text_is(value, "identity");
        reply->chunked = reply->chunked || !wr_text_is(value, "identity");
        if (!plain) {
            read_coding(reply, value);
            reply->coding = WR_HTTP_UNKNOWN;
        }
    } else if (wr_text_is(name, "Content-Encoding")) {
        read_coding(reply, value);
    } else if (wr_text_is(name, "Content-Range")) {
        reply->has_range = true;
        reply->range_bad = wr_content_range_parse(value, &reply->range) < 0;
    } else if (wr_text_is(name, "Content-Type")) {
        reply->multipart = wr_text_take(&value, "multipart/byteranges");
    } else if (wr_text_is(name, "Accept-Ranges")) {
        reply->accept_ranges = wr_text_is(value, "bytes");
    } else if (wr_text_is(name, "ETag")) {
        copy(words->etag, sizeof words->etag, value);
    } else if (wr_text_is(name, "Last-Modified")) {
        copy(words->last_modified, sizeof words->last_modified, value);
        if (!wr_http_date_parse(value, now_s, &reply->last_modified_s)) {
            reply->last_modified_s = -1;
        }
    } else if (wr_text_is(name, "Date")) {
        if (!wr_http_date_parse(value, now_s, &reply->date_s)) {
            reply->date_s = -1;
        }
    } else if (wr_text_is(name, "Retry-After")) {
        reply->retry_after_ms = wr_retry_after_ms(value, now_s, WR_HTTP_RETRY_AFTER_MAX_MS);
    } else if (wr_text_is(name, "Location") && reply->location == NULL) {
        reply->location = wr_alloc(value.len + 1);
        if (reply->location == NULL) {
            reply->no_memory = true;
            return false;
        }
        memcpy(reply->location, value.data, value.len);
        reply->location[value.len] = '\0';
    }
    return true;
}

bool wr_http_reply_line(struct wr_http_reply *reply, const char *data, size_t len, int64_t now_s)
{
    struct wr_text line = {data, len}, name, value, rest = line;
    if (wr_text_take(&rest, "HTTP/")) {
        return status_line(reply, line);
    }
    reply->head_bytes += len;
    if (reply->head_bytes > WR_HTTP_HEAD_MAX) {
        return false;
    }
    if (len == 0 || data[0] == '\r' || data[0] == '\n') {
        reply->head_done = reply->status >= 200;
        if (reply->chunked) {
            reply->length = -1; /* RFC 9112, 6.3: the chunks override it */
            reply->length_bad = false;
        }
        return true;
    }
    if (!wr_header_split(line, &name, &value)) {
        return no_header(reply, line);
    }
    reply->weighty = is_weighty(name);
    return read_header(reply, name, value, now_s);
}

void wr_http_failure_fini(struct wr_http_failure *failure)
{
    wr_free(failure->text);
    *failure = (struct wr_http_failure){.code = 0};
}

int wr_http_refuse(struct wr_http_failure *failure, int code, int detail, const char *format, ...)
{
    char text[256];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    wr_http_failure_fini(failure);
    *failure = (struct wr_http_failure){.code = code, .detail = detail, .text = wr_strdup(text)};
    return code;
}

/* What names this version of the body for sure: a strong ETag, or a date of change that lies a
 * minute back, so that a second change within its resolution cannot hide; "" when there is none. */
static const char *validator_of(const struct wr_http_reply *reply)
{
    if (reply->words->etag[0] != '\0' && wr_etag_is_strong(wr_text_of(reply->words->etag))) {
        return reply->words->etag;
    }
    bool old = reply->last_modified_s >= 0 && reply->date_s >= reply->last_modified_s + 60;
    return old ? reply->words->last_modified : "";
}

/* Is the answer about the version that we have begun to read? An answer that does not say is
 * trusted only if `silent`. */
static bool same_version(const struct wr_http_source *http, bool silent)
{
    const struct wr_http_words *words = http->reply.words;
    const char *theirs = http->validator[0] == '"' ? words->etag : words->last_modified;
    return theirs[0] == '\0' ? silent : strcmp(theirs, http->validator) == 0;
}

/* What comes from here on is another body, and positions are no longer those of one. */
static void forget_version(struct wr_http_source *http)
{
    http->validator[0] = '\0';
    http->complete = -1;
    http->another = true;
    wr_inbox_resume(&http->inbox, http->inbox.given_end);
}

static enum wr_http_verdict changed(struct wr_http_source *http, const char *what)
{
    if (http->o.follow) {
        forget_version(http);
        return WR_HTTP_AGAIN;
    }
    wr_http_refuse(&http->failure, WEIR_ECHANGED, http->reply.status,
                   "the content has changed since the earlier part was read (%s)", what);
    return WR_HTTP_REFUSED;
}

static enum wr_http_verdict judge_part(struct wr_http_source *http)
{
    const struct wr_http_reply *reply = &http->reply;
    if (http->own_range) {
        return WR_HTTP_LINES;
    }
    if (http->from > 0 && !http->coded && reply->coding != WR_HTTP_IDENTITY) {
        http->coded = true; /* as it was not before: positions count decoded bytes from now on */
        return WR_HTTP_AGAIN;
    }
    if (http->from == 0 || http->coded || reply->coding != WR_HTTP_IDENTITY || !reply->has_range ||
        reply->range_bad || reply->range.first < 0 || reply->multipart ||
        (reply->length >= 0 && reply->length != reply->range.last - reply->range.first + 1)) {
        wr_http_refuse(&http->failure, WEIR_EHTTP, reply->status,
                       "a 206 that does not answer the request");
        return WR_HTTP_REFUSED;
    }
    if ((uint64_t)reply->range.first != http->from) {
        wr_http_refuse(&http->failure, WEIR_ECHANGED, reply->status,
                       "byte %llu was asked for, the answer begins at %lld",
                       (unsigned long long)http->from, (long long)reply->range.first);
        return WR_HTTP_REFUSED;
    }
    if (!same_version(http, true)) {
        return changed(http, "another validator");
    }
    if (http->complete >= 0 && reply->range.length >= 0 && http->complete != reply->range.length) {
        return changed(http, "another length");
    }
    http->complete = reply->range.length >= 0 ? reply->range.length : http->complete;
    int64_t end =
        http->complete >= 0 ? WR_MIN(http->complete, reply->range.last + 1) : reply->range.last + 1;
    http->most = end > reply->range.first ? (uint64_t)(end - reply->range.first) : 0;
    return WR_HTTP_LINES;
}

static enum wr_http_verdict judge_unsatisfiable(struct wr_http_source *http)
{
    const struct wr_http_reply *reply = &http->reply;
    if (http->from > 0 && !http->coded && reply->has_range && !reply->range_bad &&
        reply->range.first < 0 && reply->range.length >= 0) {
        if (!same_version(http, true)) {
            return changed(http, "another validator");
        }
        if ((uint64_t)reply->range.length != http->from) {
            return changed(http, "it ends before the position that was reached");
        }
        return http->complete < 0 || http->complete == reply->range.length
                   ? WR_HTTP_COMPLETE
                   : changed(http, "another length");
    }
    wr_http_refuse(&http->failure, WEIR_EHTTP, reply->status, "416 %s", reply->words->reason);
    return WR_HTTP_REFUSED;
}

static enum wr_http_verdict judge_whole(struct wr_http_source *http)
{
    const struct wr_http_reply *reply = &http->reply;
    if (reply->coding == WR_HTTP_UNKNOWN) {
        wr_http_refuse(
            &http->failure, WEIR_EHTTP, reply->status,
            "the body is encoded as '%s', which weir does not decode (it asks for identity)",
            reply->words->coding_name);
        return WR_HTTP_REFUSED;
    }
    int64_t length = reply->coding == WR_HTTP_IDENTITY ? reply->length : -1;
    http->coded = reply->coding != WR_HTTP_IDENTITY;
    bool other = !same_version(http, false);
    bool resized = http->complete >= 0 && length >= 0 && http->complete != length;
    if (http->from > 0 && (other || resized) && http->o.follow) {
        forget_version(http);
        http->from = 0;
    }
    if (http->from > 0) {
        if (other || resized) {
            return changed(http, other ? "another validator" : "another length");
        }
        http->skip = http->from;
        http->complete = length >= 0 ? length : http->complete;
    } else {
        /* Behind a gap positions are no longer those of one body. */
        bool nameless = http->own_range || http->inbox.given_end > 0;
        snprintf(http->validator, sizeof http->validator, "%s",
                 nameless ? "" : validator_of(reply));
        http->complete = length;
    }
    if (http->complete >= 0 && !http->coded && !http->own_range) {
        http->most = (uint64_t)http->complete;
    }
    return WR_HTTP_LINES;
}

static enum wr_http_verdict judge_error(struct wr_http_source *http)
{
    int status = http->reply.status;
    wr_http_refuse(&http->failure, WEIR_EHTTP, status, "%d %s", status, http->reply.words->reason);
    http->failure.excerpt = http->reply.coding == WR_HTTP_IDENTITY;
    http->failure.retry = status == 408 || status == 425 || status == 429 || status >= 500;
    return WR_HTTP_REFUSED;
}

void wr_http_judge_bad_head(struct wr_http_source *http)
{
    const struct wr_http_reply *reply = &http->reply;
    http->verdict = WR_HTTP_REFUSED;
    if (reply->no_memory) {
        wr_http_refuse(&http->failure, WEIR_ENOMEM, 0, "no memory for the head of the answer");
    } else if (reply->head_bytes > WR_HTTP_HEAD_MAX) {
        wr_http_refuse(&http->failure, WEIR_EHTTP, reply->status,
                       "the head of the answer is longer than %d KiB", WR_HTTP_HEAD_MAX / 1024);
    } else if (reply->malformed) {
        wr_http_refuse(&http->failure, WEIR_EHTTP, reply->status,
                       "the head of the answer is malformed where it says what the body is (a "
                       "folded line, or a blank before a colon)");
    } else {
        wr_http_refuse(&http->failure, WEIR_EHTTP, 0, "the answer begins with no HTTP status");
    }
}

void wr_http_judge_excess(struct wr_http_source *http)
{
    int status = http->reply.status;
    if (status == 206) {
        wr_http_refuse(&http->failure, WEIR_EHTTP, status,
                       "the answer is longer than the part that it names");
    } else {
        wr_http_refuse(&http->failure, WEIR_ECHANGED, status,
                       "it goes on beyond the end that was named");
    }
}

void wr_http_judge_headless(struct wr_http_source *http, const char *data, size_t len)
{
    bool text = true;
    for (size_t i = 0; i < WR_MIN(len, (size_t)WR_HTTP_EXCERPT); i++) {
        unsigned char c = (unsigned char)data[i];
        text = text && (c >= ' ' || c == '\t' || c == '\r' || c == '\n');
    }
    /* The records that TLS begins with, or refuses with: alert and handshake. */
    bool tls = len >= 2 && (data[0] == 0x15 || data[0] == 0x16) && data[1] == 0x03;
    wr_http_refuse(&http->failure, WEIR_EHTTP, 0, "%s",
                   tls    ? "the server speaks TLS here: write https:// for http://"
                   : text ? "the server does not speak HTTP; it says"
                          : "the server does not speak HTTP; it sends binary data");
    http->failure.excerpt = text;
    http->verdict = WR_HTTP_REFUSED;
}

void wr_http_judge(struct wr_http_source *http)
{
    int status = http->reply.status;
    http->last_status = status;
    if (http->reply.length_bad && status >= 200 && status < 300) {
        wr_http_refuse(&http->failure, WEIR_EHTTP, status,
                       "the answer leaves open where it ends: its Content-Length is no number, or "
                       "there are two");
        http->verdict = WR_HTTP_REFUSED;
    } else if (status == 206) {
        http->verdict = judge_part(http);
    } else if (status == 416) {
        http->verdict = judge_unsatisfiable(http);
    } else if (status >= 200 && status < 300) {
        http->verdict = judge_whole(http);
    } else if (http->reply.location != NULL && (status == 301 || status == 302 || status == 303 ||
                                                status == 307 || status == 308)) {
        http->verdict = WR_HTTP_REDIRECT;
    } else {
        http->verdict = judge_error(http);
    }
}
