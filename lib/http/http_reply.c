/*
 * http_reply.c - parses the head of a response line by line.
 *
 * It runs in the wire's callbacks: it only changes memory. The response is judged when the head is
 * complete (http_attempt.c).
 */
#include <stdio.h>
#include <string.h>

#include "base_alloc.h"
#include "http.h"

static const int64_t RETRY_AFTER_READ_MS = INT64_C(10) * 366 * 24 * 3600 * 1000;

/* Begin a new head. */
static void reset(struct wr_http_reply *reply, size_t head_bytes)
{
    struct wr_http_words *words = reply->words;
    wr_free(reply->location);
    *reply = (struct wr_http_reply){.words = words,
                                    .length = -1,
                                    .last_modified_s = -1,
                                    .date_s = -1,
                                    .retry_after_ms = -1,
                                    .head_bytes = head_bytes};
    if (words != NULL) {
        memset(words, 0, sizeof *words);
    }
}

int wr_http_reply_begin(struct wr_http_reply *reply)
{
    if (reply->words == NULL) {
        reply->words = wr_alloc(sizeof *reply->words);
    }
    reset(reply, 0);
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
    /* A text that does not fit is left out: a validator is useless when it is cut. */
    size_t len = text.len < cap ? text.len : 0;
    memcpy(to, text.data, len);
    to[len] = '\0';
}

/* UNKNOWN: a compression that weir cannot decode; IDENTITY: not a compression. */
static enum wr_http_coding coding_of(struct wr_text value)
{
    static const char *const others[] = {"compress", "x-compress", "dcb",     "dcz",
                                         "exi",      "bzip2",      "x-bzip2", "lzma",
                                         "xz",       "lz4",        "snappy",  "pack200-gzip"};
    if (wr_coding_of(value.data, value.len) != NULL) {
        return WR_HTTP_ENCODED;
    }
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        if (wr_text_is(value, others[i])) {
            return WR_HTTP_UNKNOWN;
        }
    }
    return WR_HTTP_IDENTITY;
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
    reset(reply, reply->head_bytes);
    reply->status = (int)status;
    snprintf(reply->words->reason, sizeof reply->words->reason, "%.*s",
             (int)WR_MIN(line.len, sizeof reply->words->reason - 1), line.data);
    return status >= 100 && status <= 999;
}

static void add_name(char *names, size_t cap, struct wr_text name)
{
    size_t len = strlen(names);
    snprintf(names + len, cap - len, "%s%.*s", len > 0 ? ", " : "", (int)WR_MIN(name.len, cap),
             name.data);
}

/* One more coding on top of the others. */
static void add_coding(struct wr_http_reply *reply, struct wr_text name)
{
    if (reply->codings_count >= WR_HTTP_CODINGS_MAX) {
        reply->coding = WR_HTTP_UNKNOWN;
        reply->codings_count = WR_HTTP_CODINGS_MAX + 1;
        return;
    }
    memmove(reply->codings + 1, reply->codings, reply->codings_count * sizeof reply->codings[0]);
    reply->codings[0] = wr_coding_of(name.data, name.len); /* NULL: the body is refused */
    reply->codings_count++;
}

/* Several codings, in a list or in several headers, were applied one after the other. A value that
 * is not a compression (a charset, "none") changes nothing. */
static void read_codings(struct wr_http_reply *reply, struct wr_text value)
{
    struct wr_http_words *words = reply->words;
    while (value.len > 0) {
        const char *comma = memchr(value.data, ',', value.len);
        size_t len = comma != NULL ? (size_t)(comma - value.data) : value.len;
        struct wr_text name = wr_text_trim((struct wr_text){value.data, len});
        enum wr_http_coding coding = coding_of(name);
        value.data += comma != NULL ? len + 1 : len;
        value.len -= comma != NULL ? len + 1 : len;
        if (coding != WR_HTTP_IDENTITY) {
            add_name(words->coding_name, sizeof words->coding_name, name);
            reply->coding = reply->coding == WR_HTTP_UNKNOWN ? WR_HTTP_UNKNOWN : coding;
            add_coding(reply, name);
        } else if (name.len > 0 && !wr_text_is(name, "identity")) {
            add_name(words->odd_name, sizeof words->odd_name, name);
        }
    }
}

/* With an invalid length, or two different ones, the end of the body is unknown. A list of equal
 * lengths ("5, 5") is valid. */
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

/* Does this header define what the body is, or where it ends? */
static bool says_body(struct wr_text name)
{
    return wr_text_is(name, "Content-Length") || wr_text_is(name, "Transfer-Encoding") ||
           wr_text_is(name, "Content-Encoding") || wr_text_is(name, "Content-Range");
}

/* A folded line continues the value before it, but libcurl has already used that value without it.
 * With a blank before the colon some parsers read a different name. All readers must agree on what
 * the body is (RFC 9112, 5.1 and 5.2). */
static bool no_header(struct wr_http_reply *reply, struct wr_text line)
{
    struct wr_text name = line;
    if (line.data[0] != ' ' && line.data[0] != '\t') {
        const char *colon = memchr(line.data, ':', line.len);
        name.len = colon != NULL ? (size_t)(colon - line.data) : 0;
        reply->defines_body = says_body(wr_text_trim(name));
    }
    reply->malformed = reply->defines_body;
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
        /* libcurl decodes chunks and no other transfer coding. */
        bool plain = wr_text_is(value, "chunked") || wr_text_is(value, "identity");
        reply->chunked = reply->chunked || !wr_text_is(value, "identity");
        if (!plain) {
            add_name(words->coding_name, sizeof words->coding_name, value);
            reply->coding = WR_HTTP_UNKNOWN;
            reply->transfer_odd = true;
        }
    } else if (wr_text_is(name, "Content-Encoding")) {
        read_codings(reply, value);
    } else if (wr_text_is(name, "Content-Range")) {
        reply->has_range = true;
        reply->range_bad = wr_content_range_parse(value, &reply->range) < 0;
    } else if (wr_text_is(name, "Content-Type")) {
        const char *more = memchr(value.data, ';', value.len);
        value.len = more != NULL ? (size_t)(more - value.data) : value.len;
        copy(words->type, sizeof words->type, wr_text_trim(value));
        reply->multipart = wr_text_is(wr_text_of(words->type), "multipart/byteranges");
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
        reply->retry_after_ms = wr_retry_after_ms(value, now_s, RETRY_AFTER_READ_MS);
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

/* Another head follows a 1xx, except after 101: then another protocol follows. */
static void head_ends(struct wr_http_reply *reply)
{
    reply->head_done = reply->status >= 200 || reply->status == 101;
    if (reply->status == 204) {
        reply->length = 0; /* RFC 9112, 6.3: whatever the head says */
    } else if (reply->chunked) {
        reply->length = -1; /* the chunks override it */
    } else {
        return;
    }
    reply->length_bad = false;
}

bool wr_http_reply_line(struct wr_http_reply *reply, const char *data, size_t len, int64_t now_s)
{
    struct wr_text line = {data, len}, name, value, rest = line;
    reply->head_bytes += len;
    if (reply->head_bytes > WR_HTTP_HEAD_MAX) {
        return false;
    }
    if (wr_text_take(&rest, "HTTP/")) {
        return status_line(reply, line);
    }
    if (len == 0 || data[0] == '\r' || data[0] == '\n') {
        head_ends(reply);
        return true;
    }
    if (!wr_header_split(line, &name, &value)) {
        return no_header(reply, line);
    }
    reply->defines_body = says_body(name);
    return read_header(reply, name, value, now_s);
}
