/*
 * http_reply.c - the head of an answer, read line by line.
 *
 * It runs under the wire's frame: memory is all it touches. What the answer is worth is judged when
 * the head is complete (http_attempt.c).
 */
#include <stdio.h>
#include <string.h>

#include "base_alloc.h"
#include "http.h"

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
