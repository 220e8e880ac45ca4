/*
 * codec_json_write.c - writing JSON texts: strings of any bytes, numbers, base64.
 *
 * RFC 8259: only what must be escaped is escaped, so a UTF-8 text stays readable in the output.
 * Keeps nothing between calls.
 */
#include "codec_json_write.h"

#include <inttypes.h>
#include <stdio.h>

#include "base_error.h"
#include "codec_base64.h"
#include "codec_utf8.h"

void wr_json_number(struct wr_out *out, uint64_t number)
{
    char text[24];
    int len = snprintf(text, sizeof text, "%" PRIu64, number);
    wr_out_bytes(out, text, (size_t)len);
}

/* A byte below 0x80 that must be escaped. */
static void put_escaped(struct wr_out *out, char c)
{
    static const char names[] = "\"\\\b\f\n\r\t";
    static const char letters[] = "\"\\bfnrt";
    const char *known = c != '\0' ? strchr(names, c) : NULL;
    char text[8];
    if (known != NULL) {
        text[0] = '\\';
        text[1] = letters[known - names];
        wr_out_bytes(out, text, 2);
    } else {
        (void)snprintf(text, sizeof text, "\\u%04x", (unsigned)(unsigned char)c);
        wr_out_bytes(out, text, 6);
    }
}

static inline bool is_plain(char c)
{
    return c >= ' ' && c < 0x7f && c != '"' && c != '\\';
}

#define ONES UINT64_C(0x0101010101010101)

/* The highest bit of some byte is set if one of the eight bytes is not plain. A byte minus one has
 * its highest bit set if it was 0: so is a byte that differs in nothing from a quote. The subtraction
 * borrows only from a byte that is not plain. */
static inline uint64_t not_plain(uint64_t bytes)
{
    return bytes | (bytes - ONES * ' ') | ((bytes ^ ONES * '"') - ONES) |
           ((bytes ^ ONES * '\\') - ONES) | ((bytes ^ ONES * 0x7f) - ONES);
}

/* How many of the first bytes are plain; eight at a time, so it may stop early. */
static size_t plain_bytes(const char *text, size_t len)
{
    size_t at = 0;
    for (; len - at >= sizeof(uint64_t); at += sizeof(uint64_t)) {
        uint64_t bytes;
        memcpy(&bytes, text + at, sizeof bytes);
        if ((not_plain(bytes) & ONES << 7) != 0) {
            break;
        }
    }
    return at;
}

/* Eight bytes are copied and looked at together; the last eight overlap the ones before them. */
bool wr_json_copy_plain(char *to, const char *from, size_t len)
{
    uint64_t bytes, other = 0;
    if (len >= sizeof bytes) {
        for (size_t at = 0; at < len - sizeof bytes; at += sizeof bytes) {
            memcpy(&bytes, from + at, sizeof bytes);
            memcpy(to + at, &bytes, sizeof bytes);
            other |= not_plain(bytes);
        }
        memcpy(&bytes, from + len - sizeof bytes, sizeof bytes);
        memcpy(to + len - sizeof bytes, &bytes, sizeof bytes);
        return ((other | not_plain(bytes)) & ONES << 7) == 0;
    }
    if (len >= sizeof(uint32_t)) {
        uint32_t first, last;
        memcpy(&first, from, sizeof first);
        memcpy(&last, from + len - sizeof last, sizeof last);
        memcpy(to, &first, sizeof first);
        memcpy(to + len - sizeof last, &last, sizeof last);
        return (not_plain((uint64_t)last << 32 | first) & ONES << 7) == 0;
    }
    for (size_t i = 0; i < len; i++) {
        to[i] = from[i];
        other |= !is_plain(from[i]);
    }
    return other == 0;
}

void wr_json_string_part(struct wr_out *out, struct wr_text text)
{
    size_t plain = 0; /* [plain, at) is copied unchanged */
    for (size_t at = 0; at < text.len;) {
        at += plain_bytes(text.data + at, text.len - at);
        while (at < text.len && is_plain(text.data[at])) {
            at++;
        }
        if (at == text.len) {
            break;
        }
        char c = text.data[at];
        uint32_t code;
        size_t len = wr_utf8_decode(text.data + at, text.len - at, &code);
        bool escape = len == 1 && ((unsigned char)c < 0x20 || c == '"' || c == '\\' || c == 0x7f);
        if (len > 0 && !escape) {
            at += len;
            continue;
        }
        wr_out_bytes(out, text.data + plain, at - plain);
        if (escape) {
            put_escaped(out, c);
        } else {
            wr_out_bytes(out, "\xef\xbf\xbd", 3);
        }
        plain = ++at;
    }
    wr_out_bytes(out, text.data + plain, text.len - plain);
}

void wr_json_string(struct wr_out *out, struct wr_text text)
{
    if (text.data == NULL) {
        wr_out_bytes(out, "null", 4);
        return;
    }
    wr_out_bytes(out, "\"", 1);
    wr_json_string_part(out, text);
    wr_out_bytes(out, "\"", 1);
}

void wr_json_base64_part(struct wr_out *out, struct wr_text bytes)
{
    for (size_t i = 0; i < bytes.len; i += 3) {
        char four[4];
        wr_base64_write(bytes.data + i, WR_MIN(bytes.len - i, (size_t)3), four);
        wr_out_bytes(out, four, 4);
    }
}

void wr_json_base64(struct wr_out *out, struct wr_text bytes)
{
    wr_out_bytes(out, "\"", 1);
    wr_json_base64_part(out, bytes);
    wr_out_bytes(out, "\"", 1);
}
