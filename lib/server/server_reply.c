/*
 * server_reply.c - what a handler sets in its reply, and the head made from it.
 *
 * The handler's values are copied into the reply, so that they need not outlive the handler. A
 * value that does not fit, or may not be sent, marks the reply as invalid, and the client gets a
 * 500. The way the body is delimited is decided once, here: by a length if there is one, by chunks
 * for HTTP/1.1, by the end of the connection for HTTP/1.0.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base_alloc.h"
#include "server_conn.h"

void wr_reply_init(weir_reply *reply, const weir_request *request, int64_t now_s)
{
    *reply = (struct weir_reply){.status = 200};
    reply->request = request;
    reply->now_s = now_s;
    reply->length = reply->count = -1;
    memcpy(reply->type, "text/plain; charset=utf-8", sizeof "text/plain; charset=utf-8");
}

void wr_reply_fini(weir_reply *reply)
{
    wr_free(reply->headers);
    reply->headers = NULL;
}

void weir_reply_status(weir_reply *reply, int status)
{
    wr_reply_given(reply, "weir_reply_status");
    reply->status = status;
    /* Only weir_reply_range may set 206, because only it knows the part. */
    reply->invalid = reply->invalid || status < 200 || status > 599 || status == 206;
}

static void copy(weir_reply *reply, char *to, size_t cap, const char *from)
{
    bool whole = wr_copy_text(to, cap, from);
    reply->invalid =
        reply->invalid || !whole || !wr_http1_header_fits(wr_text_of("x"), wr_text_of(to));
}

void weir_reply_type(weir_reply *reply, const char *content_type)
{
    wr_reply_given(reply, "weir_reply_type");
    copy(reply, reply->type, sizeof reply->type, content_type);
}

void weir_reply_etag(weir_reply *reply, const char *etag)
{
    wr_reply_given(reply, "weir_reply_etag");
    size_t len = strlen(etag);
    if (len + sizeof "\"\"" > sizeof reply->etag || strpbrk(etag, "\" \t") != NULL) {
        reply->invalid = true;
        return;
    }
    reply->etag[0] = '"';
    copy(reply, reply->etag + 1, sizeof reply->etag - 1, etag);
    memcpy(reply->etag + 1 + len, "\"", 2);
}

void weir_reply_modified(weir_reply *reply, int64_t unix_s)
{
    wr_reply_given(reply, "weir_reply_modified");
    reply->dated = true;
    reply->modified_s = WR_MIN(unix_s, reply->now_s);
}

void weir_reply_length(weir_reply *reply, int64_t length)
{
    wr_reply_given(reply, "weir_reply_length");
    reply->length = length < 0 ? -1 : length;
}

void weir_reply_body(weir_reply *reply, int body)
{
    wr_reply_given(reply, "weir_reply_body");
    reply->body = body;
}

static bool is_ours(struct wr_text name)
{
    static const char *const ours[] = {"Content-Length", "Transfer-Encoding",
                                       "Connection",     "Content-Range",
                                       "Date",           "Content-Type",
                                       "ETag",           "Accept-Ranges",
                                       "Last-Modified",  "Allow"};
    for (size_t i = 0; i < sizeof ours / sizeof *ours; i++) {
        if (wr_text_is(name, ours[i])) {
            return true;
        }
    }
    return false;
}

void weir_reply_header(weir_reply *reply, const char *name, const char *value)
{
    wr_reply_given(reply, "weir_reply_header");
    size_t name_len = strlen(name), value_len = strlen(value);
    struct wr_reply_headers *headers = reply->headers;
    if (headers == NULL) {
        headers = reply->headers = wr_zalloc(sizeof *headers);
    }
    size_t left = headers != NULL ? sizeof headers->text - headers->text_len : 0;
    if (headers == NULL || headers->count == sizeof headers->all / sizeof *headers->all ||
        name_len > left || value_len > left - name_len || is_ours(wr_text_of(name)) ||
        !wr_http1_header_fits(wr_text_of(name), wr_text_of(value))) {
        reply->invalid = true;
        return;
    }
    char *text = headers->text + headers->text_len;
    memcpy(text, name, name_len);
    memcpy(text + name_len, value, value_len);
    headers->text_len += name_len + value_len;
    headers->all[headers->count++] =
        (struct wr_http1_header){{text, name_len}, {text + name_len, value_len}};
}

int weir_reply_range(weir_reply *reply, int64_t *first, int64_t *count)
{
    wr_reply_given(reply, "weir_reply_range");
    int64_t last = reply->length - 1;
    *first = 0;
    *count = reply->length;
    if (reply->length < 0 || reply->status != 200) {
        return reply->status;
    }
    reply->ranged = true;
    if (reply->request->is_head || wr_reply_condition(reply) != 0 || !wr_reply_range_holds(reply)) {
        return 200; /* the whole: not a GET, or perhaps not the client's version */
    }
    switch (wr_range_parse(wr_reply_range_asked(reply), reply->length, first, &last)) {
    case WR_RANGE_WHOLE: *first = 0; return 200;
    case WR_RANGE_UNSATISFIABLE:
        *count = 0;
        (void)weir_reply_refuse(reply, 416, "the length is %lld bytes", (long long)reply->length);
        return 416;
    case WR_RANGE_PART: break;
    }
    *count = last - *first + 1;
    reply->first = *first;
    reply->count = *count;
    reply->status = 206;
    return 206;
}

weir_gen *weir_reply_refuse(weir_reply *reply, int status, const char *format, ...)
{
    wr_reply_given(reply, "weir_reply_refuse");
    va_list args;
    char text[128];
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    for (char *c = text; *c != '\0'; c++) {
        *c = (unsigned char)*c < ' ' || *c == 0x7f ? '?' : *c;
    }
    weir_reply_status(reply, status);
    reply->refused = true;
    snprintf(reply->refusal, sizeof reply->refusal, "%d %s%s%s\n", status, wr_http1_phrase(status),
             text[0] != '\0' ? ": " : "", text);
    return NULL;
}

struct wr_reply_form wr_reply_form_of(const weir_reply *reply, bool has_body, bool keep_alive)
{
    struct wr_reply_form form = {.body = WR_BODY_BY_LENGTH, .close = !keep_alive || reply->refused};
    if (reply->refused) {
        form.length = (int64_t)strlen(reply->refusal);
    } else if (reply->ws != NULL && has_body) {
        form.body = WR_BODY_BY_MESSAGES;
        form.close = true;
    } else if (reply->status == 204 || reply->status == 304) {
        form.body = WR_BODY_NONE;
    } else if (!has_body) {
        form.length = 0;
    } else if (reply->length >= 0) {
        form.length = reply->count >= 0 ? reply->count : reply->length;
    } else if (reply->request->head != NULL && reply->request->head->minor >= 1) {
        form.body = WR_BODY_BY_CHUNKS;
    } else {
        form.body = WR_BODY_BY_CLOSE;
        form.close = true;
    }
    return form;
}

struct heads {
    struct wr_http1_header all[28];
    size_t count;
};

static void add(struct heads *heads, const char *name, const char *value)
{
    heads->all[heads->count++] = (struct wr_http1_header){wr_text_of(name), wr_text_of(value)};
}

/* Is this header sent with the reply? The body of a refusal is not the one that the handler has
 * described, so only headers that are about the refusal are sent with it. A 304 is about the client's
 * copy: headers that describe a body would be wrong, but headers for caches belong there (RFC 9110
 * 15.4.5). */
static bool goes_along(const weir_reply *reply, const struct wr_http1_header *header)
{
    struct wr_text name = header->name;
    if (reply->refused) {
        return wr_text_is(name, "Retry-After") || wr_text_is(name, "WWW-Authenticate") ||
               wr_text_is(name, "Upgrade") || wr_text_is(name, "Sec-WebSocket-Version");
    }
    return reply->status != 304 || wr_text_is(name, "Content-Location") ||
           !wr_text_take(&name, "Content-");
}

/* The handler's own headers. */
static void add_more(struct heads *heads, const weir_reply *reply)
{
    const struct wr_reply_headers *more = reply->headers;
    for (size_t i = 0; more != NULL && i < more->count; i++) {
        if (goes_along(reply, &more->all[i])) {
            heads->all[heads->count++] = more->all[i];
        }
    }
}

static long write_upgrade(const weir_reply *reply, const char *date, char *to, size_t cap)
{
    struct heads heads = {.count = 0};
    add(&heads, "Date", date);
    heads.count += wr_reply_ws_headers(reply, heads.all + heads.count);
    add_more(&heads, reply);
    return wr_http1_write_head(to, cap, 101, heads.all, heads.count);
}

long wr_reply_write(const weir_reply *reply, const struct wr_reply_form *form, const char *date,
                    char *to, size_t cap)
{
    if (form->body == WR_BODY_BY_MESSAGES) {
        return write_upgrade(reply, date, to, cap);
    }
    struct heads heads = {.count = 0};
    char length[24], range[80], modified[WR_HTTP_DATE_TEXT];
    long long first = (long long)reply->first, whole = (long long)reply->length;
    add(&heads, "Date", date);
    if (form->body != WR_BODY_NONE) {
        add(&heads, "Content-Type", reply->refused ? "text/plain; charset=utf-8" : reply->type);
    }
    if (form->body == WR_BODY_BY_LENGTH) {
        snprintf(length, sizeof length, "%lld", (long long)form->length);
        add(&heads, "Content-Length", length);
    } else if (form->body == WR_BODY_BY_CHUNKS) {
        add(&heads, "Transfer-Encoding", "chunked");
    }
    if (reply->etag[0] != '\0' && (!reply->refused || reply->status == 416)) {
        add(&heads, "ETag", reply->etag);
    }
    if (reply->dated && !reply->refused) {
        wr_http_date_write(reply->modified_s, modified);
        add(&heads, "Last-Modified", modified);
    }
    if (reply->ranged) {
        add(&heads, "Accept-Ranges", "bytes");
    }
    if (reply->status == 206) {
        snprintf(range, sizeof range, "bytes %lld-%lld/%lld", first,
                 first + (long long)reply->count - 1, whole);
        add(&heads, "Content-Range", range);
    } else if (reply->status == 416 && reply->ranged) {
        snprintf(range, sizeof range, "bytes */%lld", whole);
        add(&heads, "Content-Range", range);
    }
    if (reply->allow != NULL) {
        add(&heads, "Allow", reply->allow);
    }
    if (form->close) {
        add(&heads, "Connection", "close");
    } else if (reply->request->head != NULL && reply->request->head->minor == 0) {
        add(&heads, "Connection", "keep-alive");
    }
    add_more(&heads, reply);
    return wr_http1_write_head(to, cap, reply->status, heads.all, heads.count);
}
