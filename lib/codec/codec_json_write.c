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

/* How many of the first bytes are plain; eight at a time, so it may stop early. A byte minus one has
 * its highest bit set if it was 0: so is a byte that differs in nothing from a quote. The subtraction
 * borrows only from a byte that is not plain. */
static size_t plain_bytes(const char *text, size_t len)
{
    const uint64_t ones = UINT64_C(0x0101010101010101);
    size_t at = 0;
    for (; len - at >= sizeof ones; at += sizeof ones) {
        uint64_t bytes;
        memcpy(&bytes, text + at, sizeof bytes);
        uint64_t other = bytes | (bytes - ones * ' ') | ((bytes ^ ones * '"') - ones) |
                         ((bytes ^ ones * '\\') - ones) | ((bytes ^ ones * 0x7f) - ones);
        if ((other & ones << 7) != 0) {
            break;
        }
    }
    return at;
}

void wr_json_string(struct wr_out *out, struct wr_text text)
{
    if (text.data == NULL) {
        wr_out_bytes(out, "null", 4);
        return;
    }
    wr_out_bytes(out, "\"", 1);
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
    wr_out_bytes(out, "\"", 1);
}

void wr_json_base64(struct wr_out *out, struct wr_text bytes)
{
    wr_out_bytes(out, "\"", 1);
    for (size_t i = 0; i < bytes.len; i += 3) {
        char four[4];
        wr_base64_write(bytes.data + i, WR_MIN(bytes.len - i, (size_t)3), four);
        wr_out_bytes(out, four, 4);
    }
    wr_out_bytes(out, "\"", 1);
}
