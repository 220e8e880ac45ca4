/*
 * codec_http1_check.c - checks a request head.
 *
 * Each rule either refuses bytes in which this server and a proxy before it could see different
 * requests, or refuses what the server cannot answer correctly. The rules run on a complete head,
 * in an order that does not depend on how the bytes came, so the result for a request is always the
 * same.
 */
#include "codec_http1_check.h"

struct wr_text wr_http1_request_line(struct wr_text head)
{
    size_t start = 0;
    while (start < head.len && (head.data[start] == '\r' || head.data[start] == '\n')) {
        start++;
    }
    const char *lf = start < head.len ? memchr(head.data + start, '\n', head.len - start) : NULL;
    if (lf == NULL) {
        return (struct wr_text){NULL, 0};
    }
    struct wr_text line = {head.data + start, (size_t)(lf - head.data) - start};
    line.len -= line.len > 0 && line.data[line.len - 1] == '\r';
    return line;
}

bool wr_http1_has_fold(struct wr_text head, size_t from)
{
    for (size_t i = from > 0 ? from : 1; i < head.len; i++) {
        char c = head.data[i];
        if ((c == ' ' || c == '\t' || c == ':') && head.data[i - 1] == '\n') {
            return true;
        }
    }
    return false;
}

bool wr_http1_method_fits(const char *head, size_t len)
{
    size_t i = 0;
    while (i < len && (head[i] == '\r' || head[i] == '\n')) {
        i++;
    }
    size_t start = i;
    while (i < len && wr_is_token_char(head[i])) {
        i++;
    }
    return i > start && (i == len || head[i] == ' ');
}

static bool has_byte_of(struct wr_text text, const char *bytes)
{
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] == '\0' || strchr(bytes, text.data[i]) != NULL) {
            return true;
        }
    }
    return false;
}

/* RFC 9112 3: two single spaces. llhttp skips several. */
static bool line_has_three_parts(struct wr_text line)
{
    size_t spaces = 0;
    for (size_t i = 0; i < line.len; i++) {
        spaces += line.data[i] == ' ';
    }
    return spaces == 2 && !has_byte_of(line, "\t");
}

/* [":" port]: digits, or none. */
static bool is_port(struct wr_text text)
{
    int64_t port = 0;
    bool given = wr_text_take(&text, ":");
    return text.len == 0 ||
           (given && wr_text_take_number(&text, &port) && text.len == 0 && port <= UINT16_MAX);
}

/* uri-host [":" port], or nothing: letters, digits and what RFC 3986 allows beside them. */
static bool is_authority(struct wr_text text)
{
    bool bracket = text.len > 0 && text.data[0] == '[';
    size_t len = 0;
    while (len < text.len && text.data[len] != (bracket ? ']' : ':')) {
        char c = text.data[len];
        if (!wr_is_digit(c) && !wr_is_alpha(c) &&
            (c == '\0' || strchr(bracket ? "[:.%-_~" : "-._~%!$&'()*+,;=", c) == NULL)) {
            return false;
        }
        len++;
    }
    if (bracket && len == text.len) {
        return false;
    }
    len += bracket;
    return is_port((struct wr_text){text.data + len, text.len - len});
}

/* llhttp 8 accepts a bare LF as a line end in some places; other parsers do not. */
static bool has_bare_lf(struct wr_text head, const char *from)
{
    const char *end = head.data + head.len, *lf = from;
    while ((lf = memchr(lf, '\n', (size_t)(end - lf))) != NULL) {
        if (lf[-1] != '\r') {
            return true;
        }
        lf++;
    }
    return false;
}

/* origin-form, absolute-form with http, or the asterisk of OPTIONS. */
static bool split_target(struct wr_http1_request *r)
{
    struct wr_text rest = r->target;
    r->host = (struct wr_text){NULL, 0};
    if (wr_text_take(&rest, "http://")) {
        size_t len = 0;
        while (len < rest.len && rest.data[len] != '/' && rest.data[len] != '?') {
            len++;
        }
        r->host = (struct wr_text){rest.data, len};
        if (len == 0 || !is_authority(r->host)) {
            return false;
        }
        rest.data += len;
        rest.len -= len;
    } else if (wr_text_is(rest, "*")) {
        r->path = rest;
        r->query = (struct wr_text){NULL, 0};
        return wr_text_is(r->method, "OPTIONS");
    } else if (rest.len == 0 || rest.data[0] != '/') {
        return false;
    }
    const char *mark = rest.len > 0 ? memchr(rest.data, '?', rest.len) : NULL;
    size_t path_len = mark == NULL ? rest.len : (size_t)(mark - rest.data);
    r->path = path_len > 0 ? (struct wr_text){rest.data, path_len} : wr_text_of("/");
    r->query = mark == NULL ? (struct wr_text){NULL, 0}
                            : (struct wr_text){mark + 1, rest.len - path_len - 1};
    return true;
}

static size_t count_of(const struct wr_http1_request *r, const char *name)
{
    size_t count = 0;
    for (size_t i = 0; i < r->headers_count; i++) {
        count += wr_text_is(r->headers[i].name, name);
    }
    return count;
}

/* Remove the first element of a list that is separated by commas. False: the list is empty. */
static bool take_element(struct wr_text *list, struct wr_text *element)
{
    if (list->len == 0) {
        return false;
    }
    const char *comma = memchr(list->data, ',', list->len);
    size_t len = comma != NULL ? (size_t)(comma - list->data) : list->len;
    *element = wr_text_trim((struct wr_text){list->data, len});
    len += comma != NULL;
    list->data += len;
    list->len -= len;
    return true;
}

static bool lists(struct wr_text list, const char *word)
{
    struct wr_text element;
    while (take_element(&list, &element)) {
        if (wr_text_is(element, word)) {
            return true;
        }
    }
    return false;
}

enum wr_http1_expects wr_http1_expects(const struct wr_http1_request *request)
{
    enum wr_http1_expects expects = WR_HTTP1_EXPECTS_NOTHING;
    for (size_t i = 0; i < request->headers_count; i++) {
        struct wr_text list = request->headers[i].value, element;
        while (wr_text_is(request->headers[i].name, "Expect") && take_element(&list, &element)) {
            if (element.len > 0 && !wr_text_is(element, "100-continue")) {
                return WR_HTTP1_EXPECTS_MORE;
            }
            /* In HTTP/1.0 it has no meaning (RFC 9110, 10.1.1). */
            if (element.len > 0 && request->has_body && request->minor > 0) {
                expects = WR_HTTP1_EXPECTS_CONTINUE;
            }
        }
    }
    return expects;
}

bool wr_http1_keeps_alive(const struct wr_http1_request *r)
{
    bool keeps = r->minor == 1;
    for (size_t i = 0; i < r->headers_count; i++) {
        if (!wr_text_is(r->headers[i].name, "Connection")) {
            continue;
        }
        if (lists(r->headers[i].value, "close")) {
            return false;
        }
        keeps = keeps || lists(r->headers[i].value, "keep-alive");
    }
    return keeps;
}

const struct wr_http1_refusal *wr_http1_check(struct wr_http1_request *r, struct wr_text head,
                                              bool chunked)
{
    static const struct wr_http1_refusal line = {
        400, "the request line must be three parts separated by single spaces"};
    static const struct wr_http1_refusal bare_lf = {400, "a line that ends with LF alone"};
    static const struct wr_http1_refusal name = {400, "a header without a name"};
    static const struct wr_http1_refusal connect = {501, "this server is not a proxy"};
    static const struct wr_http1_refusal target = {400,
                                                   "the target is neither a path nor an http URL"};
    static const struct wr_http1_refusal fragment = {400, "the target has a fragment"};
    static const struct wr_http1_refusal no_host = {400, "missing or repeated Host header"};
    static const struct wr_http1_refusal bad_host = {400, "invalid Host header"};
    static const struct wr_http1_refusal coding_once = {400,
                                                        "more than one Transfer-Encoding header"};
    static const struct wr_http1_refusal coding_old = {400, "Transfer-Encoding in HTTP/1.0"};
    static const struct wr_http1_refusal coding = {501, "a Transfer-Encoding other than chunked"};
    static const struct wr_http1_refusal coding_unread = {
        400, "ambiguous Transfer-Encoding: not every server reads it as chunked"};

    struct wr_text first = wr_http1_request_line(head);
    if (first.data != NULL && has_bare_lf(head, first.data)) {
        return &bare_lf;
    }
    if (!line_has_three_parts(first)) {
        return &line;
    }
    for (size_t i = 0; i < r->headers_count; i++) {
        if (r->headers[i].name.len == 0) {
            return &name;
        }
    }
    size_t hosts = count_of(r, "Host");
    if (hosts > 1 || (hosts == 0 && r->minor == 1)) {
        return &no_host;
    }
    struct wr_text host = wr_http1_header_of(r, "Host");
    if (hosts == 1 && !is_authority(host)) {
        return &bad_host;
    }
    if (wr_text_is(r->method, "CONNECT")) {
        return &connect;
    }
    if (has_byte_of(r->target, "#")) {
        return &fragment;
    }
    if (!split_target(r)) {
        return &target;
    }
    if (r->host.data == NULL && hosts == 1) {
        r->host = host;
    }
    size_t codings = count_of(r, "Transfer-Encoding");
    if (codings > 1) {
        return &coding_once;
    }
    if (codings == 1 && r->minor == 0) {
        return &coding_old;
    }
    if (codings == 1 && !wr_text_is(wr_http1_header_of(r, "Transfer-Encoding"), "chunked")) {
        return &coding;
    }
    return codings == 1 && !chunked ? &coding_unread : NULL;
}
