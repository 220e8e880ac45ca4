/*
 * codec_http1.c - the request parser over llhttp.
 *
 * States: HEAD -> (head complete) -> BODY -> COMPLETE, or HEAD -> COMPLETE without a body; FAILED
 * from HEAD and BODY. In HEAD the bytes are copied to `head` and llhttp runs over the copy, so that
 * a name or a value is one slice however the bytes came. llhttp pauses at the end of the head, and
 * what follows it is not copied. In BODY llhttp runs over the caller's bytes, which are counted and
 * then dropped, unless the body is to be kept. llhttp pauses at the end of the message too: the
 * parser never sees two requests, since each request starts with a new llhttp.
 *
 * The callbacks only record; they run inside llhttp_execute and call nothing outside this file. The
 * rules of RFC 9112 that llhttp does not check are checked on the recorded head
 * (codec_http1_check.c); folded lines are checked on its raw bytes.
 */
#include <llhttp.h>
#include <string.h>

#include <weir/error.h>

#include "base_alloc.h"
#include "base_error.h"
#include "codec_http1.h"
#include "codec_http1_check.h"

#if LLHTTP_VERSION_MAJOR < 8
#error "llhttp 8.1 or 9 is needed"
#elif LLHTTP_VERSION_MAJOR == 8 && !LLHTTP_STRICT_MODE
#error "llhttp 8 must be built with LLHTTP_STRICT_MODE=1"
#endif

enum state { HEAD, BODY, COMPLETE, FAILED };

/* A slice of `head`, which may move while it grows. */
struct span {
    uint16_t at, len;
};

struct spans {
    struct span names[WR_HTTP1_HEADERS_MAX], values[WR_HTTP1_HEADERS_MAX];
};

struct wr_http1 {
    llhttp_t llhttp;
    enum state state;
    int status;
    const char *reason;
    char *head;
    size_t head_len, head_cap;
    bool too_many; /* headers: the current one is not recorded */
    bool in_value; /* the last span belonged to a value: the next name begins a new header */
    bool finished; /* llhttp has reported the end of the message */
    struct span target;
    size_t headers_count;
    struct spans *spans;             /* of the head, until it is complete */
    struct wr_http1_header *headers; /* made from them when the head is complete */
    struct wr_http1_request request;
    size_t body_max, body_bytes;
    bool keeps_body;
    char *body;
    size_t body_cap;
    size_t extra_bytes; /* of chunk extensions and trailers */
    size_t after_head;  /* bytes of the body phase, framing included */
    char trailer[20];   /* the name of the current trailer, as far as it matters */
    size_t trailer_len;
    bool in_trailers; /* after the last chunk */
    char last;        /* in the trailers: the byte before */
};

/* The longest valid body: each byte in its own chunk, which takes eight more bytes, and all the
 * extras. */
static size_t after_head_max(const struct wr_http1 *p)
{
    return p->body_max * 9 + (size_t)2 * WR_HTTP1_EXTRA_BYTES_MAX;
}

_Static_assert(WR_HTTP1_HEAD_BYTES_MAX < UINT16_MAX, "a span counts in 16 bits");

/* The first failure is kept. Returns -1, for callbacks. */
static int fail(struct wr_http1 *p, int status, const char *reason)
{
    if (p->state != FAILED) {
        p->state = FAILED;
        p->status = status;
        p->reason = reason;
    }
    return -1;
}

static void span_add(struct wr_http1 *p, struct span *span, const char *at, size_t len)
{
    if (span->len == 0) {
        span->at = (uint16_t)(at - p->head);
    }
    span->len = (uint16_t)(span->len + len);
}

static int on_url(llhttp_t *llhttp, const char *at, size_t len)
{
    struct wr_http1 *p = llhttp->data;
    span_add(p, &p->target, at, len);
    return 0;
}

static int add_extra(struct wr_http1 *p, size_t len)
{
    p->extra_bytes += len;
    return p->extra_bytes > WR_HTTP1_EXTRA_BYTES_MAX
               ? fail(p, 413, "too many chunk extensions or trailers")
               : 0;
}

static int on_chunk_extension(llhttp_t *llhttp, const char *at, size_t len)
{
    (void)at;
    return add_extra(llhttp->data, len);
}

/* Trailers are dropped. Those that would change the meaning of the message are an error. */
static int on_trailer_name(struct wr_http1 *p, const char *at, size_t len)
{
    if (p->in_value) {
        p->in_value = false;
        p->trailer_len = 0;
    }
    for (size_t i = 0; i < len && p->trailer_len < sizeof p->trailer; i++) {
        p->trailer[p->trailer_len++] = at[i];
    }
    return add_extra(p, len);
}

static int on_trailer_value(struct wr_http1 *p, size_t len)
{
    struct wr_text name = {p->trailer, p->trailer_len};
    p->in_value = true;
    if (wr_text_is(name, "Content-Length") || wr_text_is(name, "Transfer-Encoding") ||
        wr_text_is(name, "Host")) {
        return fail(p, 400, "this field is not allowed in a trailer");
    }
    return add_extra(p, len);
}

static int on_header_field(llhttp_t *llhttp, const char *at, size_t len)
{
    struct wr_http1 *p = llhttp->data;
    if (p->state == BODY) {
        return on_trailer_name(p, at, len);
    }
    if (p->spans == NULL && (p->spans = wr_alloc(sizeof *p->spans)) == NULL) {
        return fail(p, 500, "out of memory");
    }
    if (p->headers_count == 0 || p->in_value) {
        p->in_value = false;
        p->too_many = p->headers_count == WR_HTTP1_HEADERS_MAX;
        if (!p->too_many) {
            p->spans->names[p->headers_count] = (struct span){0, 0};
            p->spans->values[p->headers_count] = (struct span){0, 0};
            p->headers_count++;
        }
    }
    if (!p->too_many) {
        span_add(p, &p->spans->names[p->headers_count - 1], at, len);
    }
    return 0;
}

static int on_header_value(llhttp_t *llhttp, const char *at, size_t len)
{
    struct wr_http1 *p = llhttp->data;
    if (p->state == BODY) {
        return on_trailer_value(p, len);
    }
    if (p->headers_count == 0) {
        return fail(p, 400, "a header without a name");
    }
    p->in_value = true;
    if (!p->too_many) {
        span_add(p, &p->spans->values[p->headers_count - 1], at, len);
    }
    return 0;
}

/* A value may be empty; then llhttp reports no span for it. */
static int on_header_value_complete(llhttp_t *llhttp)
{
    struct wr_http1 *p = llhttp->data;
    if (p->state == BODY) {
        return on_trailer_value(p, 0);
    }
    p->in_value = true;
    /* Checked here and not at the name, because llhttp reports parts of a name when the input is
     * cut: the result must be the same for all cuts. */
    return p->too_many ? fail(p, 431, "too many headers") : 0;
}

static int on_headers_complete(llhttp_t *llhttp)
{
    struct wr_http1 *p = llhttp->data;
    if (p->state == BODY) {
        return 0; /* some versions call this for the trailers */
    }
    p->in_value = true;
    return HPE_PAUSED;
}

static int on_body(llhttp_t *llhttp, const char *at, size_t len)
{
    struct wr_http1 *p = llhttp->data;
    if (len > p->body_max - p->body_bytes) {
        return fail(p, 413, "the body is too long");
    }
    if (p->keeps_body && p->body_bytes + len > p->body_cap) {
        size_t cap = WR_MIN(WR_MAX(p->body_cap * 2, p->body_bytes + len), p->body_max);
        char *body = wr_realloc(p->body, cap);
        if (body == NULL) {
            return fail(p, 500, "out of memory");
        }
        p->body = body;
        p->body_cap = cap;
    }
    if (p->keeps_body) {
        memcpy(p->body + p->body_bytes, at, len);
    }
    p->body_bytes += len;
    return 0;
}

static int on_chunk_header(llhttp_t *llhttp)
{
    struct wr_http1 *p = llhttp->data;
    /* A chunk that announces too much fails at once: there is no need to wait for its bytes. */
    if (llhttp->content_length > p->body_max) {
        return fail(p, 413, "the body is too long");
    }
    p->in_trailers = llhttp->content_length == 0;
    p->last = '\n';
    return p->in_trailers ? HPE_PAUSED : 0;
}

static int on_message_complete(llhttp_t *llhttp)
{
    struct wr_http1 *p = llhttp->data;
    p->finished = true;
    return HPE_PAUSED;
}

static const llhttp_settings_t *settings(void)
{
    /* Designated initializers, so that the fields of newer versions are NULL too;
     * llhttp_settings_init does the same. */
    static const llhttp_settings_t ours = {
        .on_url = on_url,
        .on_header_field = on_header_field,
        .on_header_value = on_header_value,
        .on_header_value_complete = on_header_value_complete,
        .on_headers_complete = on_headers_complete,
        .on_body = on_body,
        .on_chunk_header = on_chunk_header,
        .on_chunk_extension_name = on_chunk_extension,
        .on_chunk_extension_value = on_chunk_extension,
        .on_message_complete = on_message_complete,
    };
    return &ours;
}

static void start(struct wr_http1 *p)
{
    wr_free(p->headers);
    wr_free(p->body);
    *p = (struct wr_http1){.head = p->head,
                           .head_cap = p->head_cap,
                           .body_max = p->body_max,
                           .spans = p->spans,
                           .request.minor = 1,
                           .reason = ""};
    llhttp_init(&p->llhttp, HTTP_REQUEST, settings());
    p->llhttp.data = p;
}

struct wr_http1 *wr_http1_new(void)
{
    struct wr_http1 *p = wr_zalloc(sizeof *p);
    if (p != NULL) {
        p->body_max = WR_HTTP1_BODY_BYTES_MAX;
        start(p);
    }
    return p;
}

void wr_http1_free(struct wr_http1 *parser)
{
    if (parser != NULL) {
        wr_free(parser->headers);
        wr_free(parser->spans);
        wr_free(parser->head);
        wr_free(parser->body);
        wr_free(parser);
    }
}

void wr_http1_next(struct wr_http1 *parser)
{
    WR_ASSERT(parser->state == COMPLETE, "the request is not complete");
    WR_ASSERT(parser->request.keep_alive, "no request follows on this connection");
    start(parser);
}

/* Make room for `more` bytes after the head. */
static bool head_grow(struct wr_http1 *p, size_t more)
{
    size_t cap = WR_MAX(p->head_cap, 1024);
    while (cap < p->head_len + more) {
        cap *= 2;
    }
    if (cap != p->head_cap) {
        char *head = wr_realloc(p->head, cap);
        if (head == NULL) {
            return false;
        }
        p->head = head;
        p->head_cap = cap;
    }
    return true;
}

/* llhttp has failed at error_pos: choose the status that fits best. */
static void fail_by_llhttp(struct wr_http1 *p, const char *error_pos)
{
    const char *reason = llhttp_get_error_reason(&p->llhttp);
    int status = 400;
    switch ((int)llhttp_get_errno(&p->llhttp)) {
    case HPE_PAUSED_H2_UPGRADE: status = 505; break;
    case HPE_INVALID_VERSION:
        /* llhttp 9 also reports this for a valid version that a bare LF follows. */
        status = error_pos > p->head && error_pos[-1] == '\n' ? 400 : 505;
        break;
    case HPE_INVALID_METHOD:
        status =
            p->state == HEAD && wr_http1_method_fits(p->head, (size_t)(error_pos - p->head) + 1)
                ? 501
                : 400;
        break;
    default: break;
    }
    fail(p, status, reason != NULL && reason[0] != '\0' ? reason : "not HTTP");
}

static struct wr_text text_of(const struct wr_http1 *p, struct span span)
{
    return (struct wr_text){p->head + (span.len > 0 ? span.at : 0), span.len};
}

/* The head is complete and does not move any more. A request is kept until its reply has ended, so
 * memory that it does not need is released. */
static bool make_headers(struct wr_http1 *p)
{
    char *head = wr_realloc(p->head, p->head_len);
    if (head != NULL) {
        p->head = head;
        p->head_cap = p->head_len;
    }
    p->headers = wr_alloc(WR_MAX(p->headers_count, 1) * sizeof *p->headers);
    if (p->headers == NULL) {
        return false;
    }
    for (size_t i = 0; i < p->headers_count; i++) {
        p->headers[i].name = text_of(p, p->spans->names[i]);
        p->headers[i].value = wr_text_trim(text_of(p, p->spans->values[i]));
    }
    wr_free(p->spans);
    p->spans = NULL;
    return true;
}

/* llhttp has paused after the head. */
static void head_complete(struct wr_http1 *p)
{
    struct wr_http1_request *r = &p->request;
    const struct wr_http1_refusal *refused;
    const llhttp_t *l = &p->llhttp;

    if (!make_headers(p)) {
        fail(p, 500, "out of memory");
        return;
    }
    r->target = text_of(p, p->target);
    r->method = wr_text_of(llhttp_method_name((llhttp_method_t)l->method));
    r->minor = l->http_minor;
    r->headers = p->headers;
    r->headers_count = p->headers_count;
    bool chunked = (l->flags & F_CHUNKED) != 0;
    r->has_body = chunked || l->content_length > 0;
    r->keep_alive = wr_http1_keeps_alive(r);
    if (l->http_major != 1 || l->http_minor > 1) {
        fail(p, 505, "neither HTTP/1.0 nor HTTP/1.1");
    } else if ((refused = wr_http1_check(r, (struct wr_text){p->head, p->head_len}, chunked)) !=
               NULL) {
        fail(p, refused->status, refused->reason);
    } else if (!chunked && l->content_length > p->body_max) {
        fail(p, 413, "the body is too long");
    } else {
        p->state = r->has_body ? BODY : COMPLETE;
    }
}

static enum wr_http1_got feed_head(struct wr_http1 *p, const char *data, size_t len, size_t *used)
{
    size_t before = p->head_len;
    size_t take = WR_MIN(len, (size_t)WR_HTTP1_HEAD_BYTES_MAX - before);
    if (!head_grow(p, take)) {
        fail(p, 500, "out of memory");
        return WR_HTTP1_ERROR;
    }
    if (take > 0) {
        memcpy(p->head + before, data, take);
    }
    p->head_len += take;
    llhttp_errno_t rc = llhttp_execute(&p->llhttp, p->head + before, take);
    const char *stop = rc == HPE_OK ? p->head + p->head_len : llhttp_get_error_pos(&p->llhttp);
    size_t consumed = (size_t)(stop - (p->head + before));
    p->head_len = before + consumed;
    *used = consumed;
    /* llhttp 8.1.0 reads a folded line as one header; other servers read two headers. */
    if (wr_http1_has_fold((struct wr_text){p->head, p->head_len}, before)) {
        p->state = HEAD; /* any other error comes after it */
        fail(p, 400, "a folded header line");
    }
    if (p->state == HEAD && rc == HPE_PAUSED) {
        head_complete(p);
        return p->state == FAILED ? WR_HTTP1_ERROR : WR_HTTP1_HEAD;
    }
    if (p->state == HEAD && rc != HPE_OK) {
        fail_by_llhttp(p, stop);
    }
    if (p->state == HEAD && p->head_len == WR_HTTP1_HEAD_BYTES_MAX) {
        bool in_line = wr_http1_request_line((struct wr_text){p->head, p->head_len}).data == NULL;
        fail(p, in_line ? 414 : 431,
             in_line ? "the request line is too long" : "the head is too long");
    }
    return p->state == FAILED ? WR_HTTP1_ERROR : WR_HTTP1_MORE;
}

/* Check the lines after the last chunk: llhttp checks them less strictly than those of the head. */
static void check_trailers(struct wr_http1 *p, const char *data, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        char c = data[i];
        bool bare = c == '\n' && p->last != '\r';
        bool nameless = p->last == '\n' && (c == ':' || c == ' ' || c == '\t');
        if (bare || nameless) {
            p->state = BODY; /* any other error comes after it */
            fail(p, 400, bare ? "a line that ends with LF alone" : "a trailer without a name");
            return;
        }
        p->last = c;
    }
}

static enum wr_http1_got feed_body(struct wr_http1 *p, const char *data, size_t len, size_t *used)
{
    size_t done = 0;
    while (p->state == BODY && !p->finished) {
        bool in_trailers = p->in_trailers;
        size_t before = done;
        llhttp_resume(&p->llhttp); /* the head's end was a pause; harmless otherwise */
        llhttp_errno_t rc = llhttp_execute(&p->llhttp, data + done, len - done);
        const char *stop = rc == HPE_OK ? data + len : llhttp_get_error_pos(&p->llhttp);
        done = stop == NULL ? done : (size_t)(stop - data);
        if (in_trailers) {
            check_trailers(p, data + before, done - before);
        }
        if (rc == HPE_OK) {
            break;
        }
        if (p->state == BODY && !p->finished && rc != HPE_PAUSED) {
            fail_by_llhttp(p, stop);
        }
    }
    *used = done;
    p->after_head += done;
    if (p->state == BODY && p->after_head > after_head_max(p)) {
        fail(p, 413, "too much chunk framing");
    }
    if (p->state == BODY && p->finished) {
        p->state = COMPLETE;
        return WR_HTTP1_DONE;
    }
    return p->state == FAILED ? WR_HTTP1_ERROR : WR_HTTP1_MORE;
}

enum wr_http1_got wr_http1_feed(struct wr_http1 *parser, const char *data, size_t len, size_t *used)
{
    WR_ASSERT(parser->state != COMPLETE, "the request is complete: wr_http1_next comes first");
    *used = 0;
    if (parser->state == FAILED) {
        return WR_HTTP1_ERROR;
    }
    return parser->state == HEAD ? feed_head(parser, data, len, used)
                                 : feed_body(parser, data, len, used);
}

const struct wr_http1_request *wr_http1_request(const struct wr_http1 *parser)
{
    return parser->state == BODY || parser->state == COMPLETE ? &parser->request : NULL;
}

bool wr_http1_limit_body(struct wr_http1 *parser, size_t bytes_max)
{
    const llhttp_t *l = &parser->llhttp;
    parser->body_max = bytes_max;
    return parser->state != BODY || (l->flags & F_CHUNKED) != 0 || l->content_length <= bytes_max;
}

void wr_http1_keep_body(struct wr_http1 *parser)
{
    parser->keeps_body = true;
}

struct wr_text wr_http1_body(const struct wr_http1 *parser)
{
    bool kept = parser->keeps_body && parser->body_bytes > 0;
    return kept ? (struct wr_text){parser->body, parser->body_bytes} : (struct wr_text){"", 0};
}

int wr_http1_status(const struct wr_http1 *parser)
{
    return parser->status;
}

const char *wr_http1_reason(const struct wr_http1 *parser)
{
    return parser->reason;
}

struct wr_text wr_http1_header_of(const struct wr_http1_request *request, const char *name)
{
    struct wr_text wanted = wr_text_of(name);
    for (size_t i = 0; i < request->headers_count; i++) {
        if (wr_text_same(request->headers[i].name, wanted)) {
            return request->headers[i].value;
        }
    }
    return (struct wr_text){NULL, 0};
}
