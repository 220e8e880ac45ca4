/*
 * codec_response.c - header values that an HTTP client acts on.
 *
 * The caller decides something by each value: where a stream continues, how long to wait. So each
 * function accepts the whole value or nothing. A number that does not fit, an extra byte, or parts
 * that contradict each other make the value invalid; the caller then does what it does without the
 * header.
 */
#include <weir/error.h>

#include "codec_response.h"

bool wr_header_split(struct wr_text line, struct wr_text *name, struct wr_text *value)
{
    size_t colon = 0;
    while (colon < line.len && wr_is_token_char(line.data[colon])) {
        colon++;
    }
    if (colon == 0 || colon == line.len || line.data[colon] != ':') {
        return false;
    }
    struct wr_text rest = {line.data + colon + 1, line.len - colon - 1};
    if (rest.len > 0 && rest.data[rest.len - 1] == '\n') {
        rest.len--;
    }
    if (rest.len > 0 && rest.data[rest.len - 1] == '\r') {
        rest.len--;
    }
    *name = (struct wr_text){line.data, colon};
    *value = wr_text_trim(rest);
    return true;
}

int wr_content_range_parse(struct wr_text value, struct wr_content_range *range)
{
    struct wr_text rest = wr_text_trim(value);
    struct wr_content_range got = {-1, -1, -1};
    if (!wr_text_take(&rest, "bytes ")) {
        return WEIR_EPARSE;
    }
    bool unsatisfied = wr_text_take(&rest, "*");
    if (!unsatisfied && !(wr_text_take_number(&rest, &got.first) && wr_text_take(&rest, "-") &&
                          wr_text_take_number(&rest, &got.last))) {
        return WEIR_EPARSE;
    }
    if (!wr_text_take(&rest, "/")) {
        return WEIR_EPARSE;
    }
    bool known = wr_text_take_number(&rest, &got.length);
    if (!known && (unsatisfied || !wr_text_take(&rest, "*"))) {
        return WEIR_EPARSE;
    }
    if (rest.len > 0 || got.first > got.last || (known && got.last >= got.length)) {
        return WEIR_EPARSE;
    }
    *range = got;
    return 0;
}

int64_t wr_retry_after_ms(struct wr_text value, int64_t now_s, int64_t max_ms)
{
    struct wr_text rest = wr_text_trim(value);
    size_t digits = 0;
    while (digits < rest.len && wr_is_digit(rest.data[digits])) {
        digits++;
    }
    int64_t delay_s;
    if (digits > 0 && digits == rest.len) {
        if (!wr_text_take_number(&rest, &delay_s)) {
            return max_ms; /* a number too large to hold is larger than any limit */
        }
    } else if (wr_http_date_parse(rest, now_s, &delay_s)) {
        delay_s -= now_s;
    } else {
        return -1;
    }
    if (delay_s <= 0) {
        return 0;
    }
    return delay_s > max_ms / 1000 ? max_ms : delay_s * 1000;
}

bool wr_etag_is_strong(struct wr_text value)
{
    struct wr_text tag = wr_text_trim(value);
    if (tag.len < 2 || tag.data[0] != '"' || tag.data[tag.len - 1] != '"') {
        return false;
    }
    for (size_t i = 1; i < tag.len - 1; i++) {
        unsigned char c = (unsigned char)tag.data[i];
        if (c < 0x21 || c == '"' || c == 0x7f) {
            return false;
        }
    }
    return true;
}
