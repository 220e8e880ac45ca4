/*
 * source_http_judge.c - what to request, and how to judge the response.
 *
 * The judgement separates a resumed stream from a different one. A 206 must begin at the requested
 * byte, or begin before it and carry the validator that was sent. A 200 must carry the validator.
 * Bytes that were given before are dropped from both. A 416 exactly at the end means that nothing
 * is left. The judgement runs in the wire's callbacks: it only changes memory.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "source_http_parts.h"

static int ask(struct wr_http *http)
{
    struct wr_http_source *source = wr_http_source_of(http);
    source->answered_ns = 0;
    if (source->ws != NULL) {
        return wr_http_says(http, "User-Agent")
                   ? 0
                   : wr_http_add_header(http, "User-Agent: " WR_HTTP_AGENT);
    }
    if (source->poll != NULL) {
        return wr_http_poll_ask(source);
    }
    if (source->sse) {
        return wr_http_sse_ask(source);
    }
    source->from = source->validator[0] != '\0' ? source->inbox.given_end
                   : source->answered           ? 0
                                                : (uint64_t)source->begin_at;
    if (source->from == 0 || source->coded) {
        return 0;
    }
    int rc = wr_http_add_header(http, "Range: bytes=%" PRIu64 "-", source->from);
    bool known = source->validator[0] != '\0';
    return rc == 0 && known ? wr_http_add_header(http, "If-Range: %s", source->validator) : rc;
}

/* The validator of this version of the body: a strong ETag, or a Last-Modified that is at least a
 * minute old. A younger date is not safe: two changes within its resolution look the same. "" when
 * there is none. */
static const char *validator_of(const struct wr_http_reply *reply)
{
    if (reply->words->etag[0] != '\0' && wr_etag_is_strong(wr_text_of(reply->words->etag))) {
        return reply->words->etag;
    }
    bool old = reply->last_modified_s >= 0 && reply->date_s >= reply->last_modified_s + 60;
    return old ? reply->words->last_modified : "";
}

/* Does the response have the version that earlier ones had? `silent` is the result for a response
 * without a validator. */
static bool same_version(const struct wr_http_source *source, bool silent)
{
    if (source->from > 0 && source->validator[0] == '\0') {
        return true; /* it is the first one, from the middle on (begin_at) */
    }
    const struct wr_http_words *words = source->http.reply.words;
    const char *theirs = source->validator[0] == '"' ? words->etag : words->last_modified;
    return theirs[0] == '\0' ? silent : strcmp(theirs, source->validator) == 0;
}

/* A different body follows, so positions no longer count one body. */
static void forget_version(struct wr_http_source *source)
{
    source->validator[0] = '\0';
    source->complete = -1;
    source->another = true;
    wr_inbox_resume(&source->inbox, source->inbox.given_end);
}

static enum wr_http_verdict refuse(struct wr_http_source *source, int code, const char *text)
{
    wr_http_refuse(&source->http.failure, code, source->http.reply.status, "%s", text);
    return WR_HTTP_REFUSED;
}

static enum wr_http_verdict changed(struct wr_http_source *source, const char *what)
{
    if (source->follow) {
        forget_version(source);
        return WR_HTTP_AGAIN;
    }
    wr_http_refuse(&source->http.failure, WEIR_ECHANGED, source->http.reply.status,
                   "the content has changed since the earlier part was read (%s)", what);
    return WR_HTTP_REFUSED;
}

/* The version of a first response that begins in the middle, once it is accepted. */
static void learn_version(struct wr_http_source *source)
{
    if (source->from > 0 && source->validator[0] == '\0') {
        snprintf(source->validator, sizeof source->validator, "%s",
                 validator_of(&source->http.reply));
    }
}

static enum wr_http_verdict judge_part(struct wr_http_source *source)
{
    const struct wr_http_reply *reply = &source->http.reply;
    if (source->http.own_range) {
        return WR_HTTP_ACCEPTED;
    }
    if (source->from > 0 && !source->coded && reply->coding != WR_HTTP_IDENTITY) {
        source->coded = true; /* newly encoded: positions count decoded bytes from now on */
        return WR_HTTP_AGAIN;
    }
    if (source->from == 0 || source->coded || reply->coding != WR_HTTP_IDENTITY ||
        !reply->has_range || reply->range_bad || reply->range.first < 0 || reply->multipart ||
        (reply->length >= 0 && reply->length != reply->range.last - reply->range.first + 1)) {
        return refuse(source, WEIR_EHTTP, "a 206 that does not answer the request");
    }
    bool earlier = (uint64_t)reply->range.first < source->from &&
                   (uint64_t)reply->range.last >= source->from && same_version(source, false);
    if ((uint64_t)reply->range.first != source->from && !earlier) {
        wr_http_refuse(&source->http.failure, WEIR_ECHANGED, reply->status,
                       "requested byte %" PRIu64 ", but the response begins at byte %" PRId64,
                       source->from, reply->range.first);
        return WR_HTTP_REFUSED;
    }
    if (!same_version(source, true)) {
        return changed(source, "another validator");
    }
    if (source->complete >= 0 && reply->range.length >= 0 &&
        source->complete != reply->range.length) {
        return changed(source, "another length");
    }
    source->complete = reply->range.length >= 0 ? reply->range.length : source->complete;
    int64_t end = source->complete >= 0 ? WR_MIN(source->complete, reply->range.last + 1)
                                        : reply->range.last + 1;
    source->http.most = end > reply->range.first ? (uint64_t)(end - reply->range.first) : 0;
    source->http.skip = source->from - (uint64_t)reply->range.first;
    learn_version(source);
    return WR_HTTP_ACCEPTED;
}

static enum wr_http_verdict judge_unsatisfiable(struct wr_http_source *source)
{
    const struct wr_http_reply *reply = &source->http.reply;
    if (source->from > 0 && !source->coded && reply->has_range && !reply->range_bad &&
        reply->range.first < 0 && reply->range.length >= 0) {
        if (!same_version(source, true)) {
            return changed(source, "another validator");
        }
        if ((uint64_t)reply->range.length != source->from) {
            return changed(source, "it ends before the position that was reached");
        }
        return source->complete < 0 || source->complete == reply->range.length
                   ? WR_HTTP_COMPLETE
                   : changed(source, "another length");
    }
    return wr_http_judge_status(&source->http);
}

/* Must the body be the one of an earlier run, although it is read from its beginning? */
static bool begins_again(const struct wr_http_source *source)
{
    return source->slot != NULL && source->slot->again && source->slot->stored != NULL;
}

static enum wr_http_verdict judge_whole(struct wr_http_source *source)
{
    struct wr_http *http = &source->http;
    const struct wr_http_reply *reply = &http->reply;
    if (wr_http_judge_coding(http) == WR_HTTP_REFUSED) {
        return WR_HTTP_REFUSED;
    }
    int64_t length = reply->coding == WR_HTTP_IDENTITY ? reply->length : -1;
    source->coded = reply->coding != WR_HTTP_IDENTITY;
    bool other = !same_version(source, false);
    bool resized = source->complete >= 0 && length >= 0 && source->complete != length;
    if (source->from > 0 && (other || resized) && source->follow) {
        forget_version(source);
        source->from = 0;
    }
    if (source->from > 0) {
        if (other || resized) {
            return changed(source, other ? "another validator" : "another length");
        }
        http->skip = source->from;
        source->complete = length >= 0 ? length : source->complete;
        learn_version(source);
    } else if (other && begins_again(source)) {
        return changed(source, "another validator");
    } else {
        /* After a gap, positions no longer count one body. */
        bool nameless = http->own_range || source->inbox.given_end > 0 || source->since != NULL;
        snprintf(source->validator, sizeof source->validator, "%s",
                 nameless ? "" : validator_of(reply));
        source->complete = length;
    }
    if (source->complete >= 0 && !source->coded && !http->own_range) {
        http->most = (uint64_t)source->complete;
    }
    return WR_HTTP_ACCEPTED;
}

/* Without a validator there is no idle timeout: a reconnect would repeat items or leave a gap. */
static int64_t idle_ms(const struct wr_http_source *source)
{
    return source->idle_ms != 0           ? source->idle_ms
           : source->validator[0] != '\0' ? WR_HTTP_SOURCE_IDLE_MS
                                          : WEIR_NONE;
}

static enum wr_http_verdict judge(struct wr_http *http)
{
    struct wr_http_source *source = wr_http_source_of(http);
    int status = http->reply.status;
    if (source->ws != NULL) {
        return wr_http_source_judge_ws(source);
    }
    bool body = status >= 200 && status < 300 && status != 204;
    if (source->by_media && body && wr_http_media_judge(source) == WR_HTTP_REFUSED) {
        return WR_HTTP_REFUSED;
    }
    if (source->poll != NULL) {
        return wr_http_poll_judge(source);
    }
    if (source->sse) {
        return wr_http_sse_judge(source);
    }
    enum wr_http_verdict verdict = status == 206                   ? judge_part(source)
                                   : status == 416                 ? judge_unsatisfiable(source)
                                   : status >= 200 && status < 300 ? judge_whole(source)
                                                                   : wr_http_judge_status(http);
    http->idle_ms = idle_ms(source);
    return verdict;
}

const struct wr_http_user wr_http_source_user = {.ask = ask, .judge = judge};

/* A part may be shorter than requested (RFC 9110, 15.3.7). A response without a length ends with
 * its connection. */
int wr_http_source_judge_end(struct wr_http_source *source)
{
    struct wr_http *http = &source->http;
    const struct wr_http_reply *reply = &http->reply;
    bool part = reply->status == 206 && !http->own_range;
    if (source->sse || source->ws != NULL) {
        return 0; /* it continues with another response */
    }
    uint64_t end = (part ? (uint64_t)reply->range.first : 0) + http->got;
    if (http->skip > 0) {
        return wr_http_refuse(&http->failure, WEIR_ECHANGED, reply->status,
                              "it ends before the position that was reached");
    }
    if (source->coded || http->own_range) {
        return http->cut ? wr_http_judge_cut(http) : 0;
    }
    if ((source->complete >= 0 && end < (uint64_t)source->complete) ||
        (part && end <= (uint64_t)reply->range.last)) {
        wr_http_refuse(&http->failure, WEIR_ETRUNCATED, reply->status,
                       "the response ends at byte %" PRIu64 ", before the end of the body", end);
        http->failure.retry = true;
        return http->failure.code;
    }
    return http->cut && source->complete < 0 && !part ? wr_http_judge_cut(http) : 0;
}
