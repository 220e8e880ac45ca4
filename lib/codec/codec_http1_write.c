/*
 * codec_http1_write.c - response heads, chunk lines, and byte ranges.
 *
 * A head is written completely or not at all. Names and values are checked: a value may come from a
 * request or a configuration, and a line end inside it would let its author add other headers.
 */
#include <stdio.h>

#include <weir/error.h>

#include "codec_http1.h"

const char *wr_http1_phrase(int status)
{
    static const struct {
        int status;
        const char *phrase;
    } known[] = {
        {100, "Continue"},
        {101, "Switching Protocols"},
        {200, "OK"},
        {202, "Accepted"},
        {204, "No Content"},
        {206, "Partial Content"},
        {301, "Moved Permanently"},
        {302, "Found"},
        {304, "Not Modified"},
        {307, "Temporary Redirect"},
        {308, "Permanent Redirect"},
        {400, "Bad Request"},
        {401, "Unauthorized"},
        {403, "Forbidden"},
        {404, "Not Found"},
        {405, "Method Not Allowed"},
        {408, "Request Timeout"},
        {409, "Conflict"},
        {411, "Length Required"},
        {412, "Precondition Failed"},
        {413, "Content Too Large"},
        {414, "URI Too Long"},
        {415, "Unsupported Media Type"},
        {416, "Range Not Satisfiable"},
        {417, "Expectation Failed"},
        {426, "Upgrade Required"},
        {422, "Unprocessable Content"},
        {429, "Too Many Requests"},
        {431, "Request Header Fields Too Large"},
        {500, "Internal Server Error"},
        {501, "Not Implemented"},
        {502, "Bad Gateway"},
        {503, "Service Unavailable"},
        {504, "Gateway Timeout"},
        {505, "HTTP Version Not Supported"},
    };
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        if (known[i].status == status) {
            return known[i].phrase;
        }
    }
    return "";
}

struct writer {
    char *to;
    size_t len, cap;
};

static bool put(struct writer *w, struct wr_text text)
{
    if (text.len > w->cap - w->len) {
        return false;
    }
    if (text.len > 0) {
        memcpy(w->to + w->len, text.data, text.len);
    }
    w->len += text.len;
    return true;
}

bool wr_http1_header_fits(struct wr_text name, struct wr_text value)
{
    for (size_t i = 0; i < name.len; i++) {
        if (!wr_is_token_char(name.data[i])) {
            return false;
        }
    }
    for (size_t i = 0; i < value.len; i++) {
        unsigned char c = (unsigned char)value.data[i];
        if ((c < ' ' && c != '\t') || c == 0x7f) {
            return false;
        }
    }
    return name.len > 0;
}

long wr_http1_write_head(char *to, size_t cap, int status, const struct wr_http1_header *headers,
                         size_t count)
{
    struct writer w = {to, 0, cap};
    char line[16];
    if (status < 100 || status > 999) {
        return WEIR_EINVAL;
    }
    snprintf(line, sizeof line, "HTTP/1.1 %d ", status);
    bool fits = put(&w, wr_text_of(line)) && put(&w, wr_text_of(wr_http1_phrase(status))) &&
                put(&w, wr_text_of("\r\n"));
    for (size_t i = 0; i < count; i++) {
        if (!wr_http1_header_fits(headers[i].name, headers[i].value)) {
            return WEIR_EINVAL;
        }
        fits = fits && put(&w, headers[i].name) && put(&w, wr_text_of(": ")) &&
               put(&w, headers[i].value) && put(&w, wr_text_of("\r\n"));
    }
    fits = fits && put(&w, wr_text_of("\r\n"));
    return fits ? (long)w.len : (long)WEIR_ETOOLONG;
}

enum wr_range wr_range_parse(struct wr_text value, int64_t length, int64_t *first, int64_t *last)
{
    struct wr_text rest = wr_text_trim(value);
    int64_t from = -1;
    int64_t to = -1;
    if (value.data == NULL || !wr_text_take(&rest, "bytes=")) {
        return WR_RANGE_WHOLE;
    }
    rest = wr_text_trim(rest);
    bool has_from = wr_text_take_number(&rest, &from);
    if (!wr_text_take(&rest, "-")) {
        return WR_RANGE_WHOLE;
    }
    bool has_to = wr_text_take_number(&rest, &to);
    if (rest.len > 0 || (!has_from && !has_to) || (has_from && has_to && from > to)) {
        return WR_RANGE_WHOLE;
    }
    if (!has_from) {
        from = to < length ? length - to : 0;
        if (to == 0) {
            from = length;
        }
        to = length - 1;
    }
    if (from >= length) {
        return WR_RANGE_UNSATISFIABLE;
    }
    *first = from;
    *last = has_to && to < length ? to : length - 1;
    return WR_RANGE_PART;
}
