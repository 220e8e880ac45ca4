/*
 * codec_clf.c - one pass over a line of an access log. No state between two lines.
 */
#include "codec_clf.h"

#include <string.h>

#include "codec_date.h"
#include "codec_text.h"

static const weir_slice remote_name = WR_SLICE("remote"), ident_name = WR_SLICE("ident"),
                        user_name = WR_SLICE("user"), time_name = WR_SLICE("time"),
                        request_name = WR_SLICE("request"), method_name = WR_SLICE("method"),
                        path_name = WR_SLICE("path"), protocol_name = WR_SLICE("protocol"),
                        status_name = WR_SLICE("status"), bytes_name = WR_SLICE("bytes"),
                        referer_name = WR_SLICE("referer"), agent_name = WR_SLICE("agent"),
                        rest_name = WR_SLICE("rest");

struct cursor {
    struct wr_fields *fields;
    weir_slice text;
    size_t at;
};

static int bad(struct cursor *c, const char *problem)
{
    return wr_fields_bad(c->fields, c->at, problem);
}

/* Unless it is "-". */
static int add(struct cursor *c, weir_slice name, weir_slice value)
{
    bool none = value.len == 1 && value.data[0] == '-';
    return none ? 0 : wr_fields_add(c->fields, name, value);
}

static int add_number(struct cursor *c, weir_slice name, weir_slice value)
{
    bool none = value.len == 1 && value.data[0] == '-';
    return none ? 0 : wr_fields_add_number(c->fields, name, value);
}

/* Up to the next space, and past that space. */
static weir_slice word(struct cursor *c)
{
    size_t from = c->at;
    const char *space =
        from < c->text.len ? memchr(c->text.data + from, ' ', c->text.len - from) : NULL;
    size_t to = space != NULL ? (size_t)(space - c->text.data) : c->text.len;
    c->at = space != NULL ? to + 1 : to;
    return wr_slice_of(c->text, from, to);
}

static int add_word(struct cursor *c, weir_slice name)
{
    weir_slice value = word(c);
    return value.len > 0 ? add(c, name, value) : bad(c, "a word is missing");
}

/* A user's name may hold spaces. */
static int add_user(struct cursor *c)
{
    weir_slice rest = wr_slice_of(c->text, c->at, c->text.len);
    const char *end = rest.len > 0 ? memmem(rest.data, rest.len, " [", 2) : NULL;
    if (end == NULL) {
        return bad(c, "a time in brackets is missing");
    }
    weir_slice user = {rest.data, (size_t)(end - rest.data)};
    c->at += user.len + 1;
    return user.len > 0 ? add(c, user_name, user) : 0;
}

/* ---- time */

static bool digits(const char *at, size_t count, int max)
{
    int value = 0;
    for (size_t i = 0; i < count; i++) {
        if (!wr_is_digit(at[i])) {
            return false;
        }
        value = value * 10 + (at[i] - '0');
    }
    return value <= max;
}

/* 10/Oct/2000:13:55:36 -0700 as 2000-10-10T13:55:36-07:00. False: it is not written so. */
static bool to_rfc3339(struct wr_fields *fields, weir_slice time, weir_slice *value)
{
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    const char *t = time.data;
    if (time.len != 26 || t[2] != '/' || t[6] != '/' || t[11] != ':' || t[14] != ':' ||
        t[17] != ':' || t[20] != ' ' || (t[21] != '+' && t[21] != '-')) {
        return false;
    }
    size_t month = 0;
    while (month < 12 && memcmp(months + 3 * month, t + 3, 3) != 0) {
        month++;
    }
    if (month == 12) {
        return false;
    }
    char *to = fields->made + fields->made_len;
    memcpy(to, t + 7, 4);
    to[4] = to[7] = '-';
    to[5] = (char)('0' + (month + 1) / 10);
    to[6] = (char)('0' + (month + 1) % 10);
    memcpy(to + 8, t, 2);
    to[10] = 'T';
    memcpy(to + 11, t + 12, 8);
    bool utc = memcmp(t + 22, "0000", 4) == 0;
    memcpy(to + 19, t + 21, 3);
    to[22] = ':';
    memcpy(to + 23, t + 24, 2);
    if (utc) {
        to[19] = 'Z';
    }
    *value = (weir_slice){to, utc ? 20 : 25};
    if (!wr_date_time_is((struct wr_text){to, value->len})) {
        return false; /* the 31st of February */
    }
    fields->made_len += value->len;
    return true;
}

static int add_time(struct cursor *c)
{
    size_t from = c->at + 1;
    const char *end = memchr(c->text.data + from, ']', c->text.len - from);
    if (end == NULL) {
        return bad(c, "the time in brackets does not end");
    }
    weir_slice time = wr_slice_of(c->text, from, (size_t)(end - c->text.data)), value = time;
    if (!to_rfc3339(c->fields, time, &value) &&
        !wr_date_time_is((struct wr_text){time.data, time.len})) {
        return bad(c, "the time is not as in [10/Oct/2000:13:55:36 -0700]");
    }
    c->at = from + time.len + 1;
    return add(c, time_name, value);
}

/* ---- texts in quotes */

static size_t closing_quote(weir_slice text, size_t at)
{
    const char *quote = memchr(text.data + at, '"', text.len - at);
    size_t end = quote != NULL ? (size_t)(quote - text.data) : text.len;
    if (quote == NULL || end == at || quote[-1] != '\\') {
        return end;
    }
    for (; at < text.len && text.data[at] != '"'; at++) {
        at += text.data[at] == '\\';
    }
    return WR_MIN(at, text.len);
}

static weir_slice unescaped(struct wr_fields *fields, weir_slice part)
{
    weir_slice value;
    size_t at;
    return wr_fields_unescape(fields, part, &value, &at) ? value : part;
}

/* ` "text"` */
static int take_quoted(struct cursor *c, weir_slice *text)
{
    if (c->text.len - c->at < 2 || c->text.data[c->at] != ' ' || c->text.data[c->at + 1] != '"') {
        return bad(c, "a text in quotes is missing");
    }
    size_t from = c->at + 2, end = closing_quote(c->text, from);
    if (end == c->text.len) {
        return bad(c, "a text in quotes does not end");
    }
    *text = wr_slice_of(c->text, from, end);
    c->at = end + 1;
    return 0;
}

static bool is_method(weir_slice word)
{
    for (size_t i = 0; i < word.len; i++) {
        if (!wr_is_alpha(word.data[i]) && word.data[i] != '-' && word.data[i] != '_') {
            return false;
        }
    }
    return word.len > 0;
}

/* "GET /a HTTP/1.1" */
static int add_request(struct cursor *c)
{
    weir_slice request;
    int rc = take_quoted(c, &request);
    const char *first = rc == 0 && request.len > 0 ? memchr(request.data, ' ', request.len) : NULL;
    if (first == NULL) {
        return rc < 0 || request.len == 0 ? rc
                                          : add(c, request_name, unescaped(c->fields, request));
    }
    size_t path = (size_t)(first - request.data) + 1;
    const char *last = memrchr(request.data, ' ', request.len);
    size_t end = last > first ? (size_t)(last - request.data) : request.len;
    weir_slice method = wr_slice_of(request, 0, path - 1);
    weir_slice protocol = wr_slice_of(request, WR_MIN(end + 1, request.len), request.len);
    bool http = protocol.len > 5 && memcmp(protocol.data, "HTTP/", 5) == 0;
    if (!is_method(method) || end == path || (protocol.len > 0 && !http)) {
        return add(c, request_name, unescaped(c->fields, request));
    }
    rc = add(c, method_name, method);
    rc = rc == 0 ? add(c, path_name, unescaped(c->fields, wr_slice_of(request, path, end))) : rc;
    return rc == 0 && http ? add(c, protocol_name, protocol) : rc;
}

/* ` 200 2326` */
static int add_numbers(struct cursor *c)
{
    if (c->at >= c->text.len || c->text.data[c->at] != ' ') {
        return bad(c, "a status is missing");
    }
    size_t from = ++c->at;
    weir_slice status = word(c), bytes = word(c);
    bool counted = bytes.len > 0 && digits(bytes.data, WR_MIN(bytes.len, (size_t)9), 999999999);
    for (size_t i = 9; i < bytes.len; i++) {
        counted = counted && wr_is_digit(bytes.data[i]);
    }
    if (status.len != 3 || !digits(status.data, 3, 999)) {
        return wr_fields_bad(c->fields, from, "a status has three digits");
    }
    if (!counted && !(bytes.len == 1 && bytes.data[0] == '-')) {
        return wr_fields_bad(c->fields, from + 4, "a number of bytes is missing");
    }
    c->at = from + 4 + bytes.len; /* before the space, if there is one */
    int rc = add_number(c, status_name, status);
    return rc == 0 ? add_number(c, bytes_name, bytes) : rc;
}

/* ` "https://x/" "curl/8" rest`, each of which may be missing. */
static int add_combined(struct cursor *c)
{
    const weir_slice *names[] = {&referer_name, &agent_name};
    for (size_t i = 0; i < 2 && c->text.len - c->at > 1 && c->text.data[c->at + 1] == '"'; i++) {
        weir_slice text;
        int rc = take_quoted(c, &text);
        rc = rc == 0 && text.len > 0 ? add(c, *names[i], unescaped(c->fields, text)) : rc;
        if (rc < 0) {
            return rc;
        }
    }
    if (c->at == c->text.len) {
        return 0;
    }
    if (c->text.data[c->at] != ' ') {
        return bad(c, "a text in quotes is followed by text");
    }
    weir_slice rest = wr_slice_of(c->text, c->at + 1, c->text.len);
    return rest.len > 0 ? add(c, rest_name, rest) : 0;
}

int wr_clf_read(struct wr_fields *fields, weir_slice text)
{
    struct cursor c = {fields, text, 0};
    int rc = add_word(&c, remote_name);
    rc = rc == 0 ? add_word(&c, ident_name) : rc;
    rc = rc == 0 ? add_user(&c) : rc;
    rc = rc == 0 ? add_time(&c) : rc;
    rc = rc == 0 ? add_request(&c) : rc;
    rc = rc == 0 ? add_numbers(&c) : rc;
    return rc == 0 ? add_combined(&c) : rc;
}
