/*
 * codec_utf8.c - one character at a time; what must be fast validates in blocks elsewhere.
 */
#include "codec_utf8.h"

#include <string.h>

static const char REPLACEMENT[] = "\xef\xbf\xbd"; /* U+FFFD */
enum { REPLACEMENT_LEN = 3 };

size_t wr_utf8_decode(const char *text, size_t len, uint32_t *code)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    unsigned char c = len > 0 ? (unsigned char)text[0] : 0x80;
    size_t want = c < 0x80                ? 1
                  : c >= 0xc0 && c < 0xe0 ? 2
                  : c >= 0xe0 && c < 0xf0 ? 3
                  : c >= 0xf0 && c < 0xf8 ? 4
                                          : 0;
    if (want == 1) {
        *code = c;
        return 1;
    }
    if (want == 0 || want > len) {
        return 0;
    }
    *code = c & (0x7fu >> want);
    for (size_t i = 1; i < want; i++) {
        unsigned char next = (unsigned char)text[i];
        if ((next & 0xc0u) != 0x80) {
            return 0;
        }
        *code = *code << 6 | (next & 0x3fu);
    }
    return *code < least[want] || *code > 0x10ffff || (*code >= 0xd800 && *code < 0xe000) ? 0
                                                                                          : want;
}

/* The rest is made of the lowest or of the highest bytes that may continue a character: of each lead
 * byte one of the two is well-formed, if any is. */
bool wr_utf8_may_begin(const char *text, size_t len)
{
    char low[4], high[4];
    uint32_t code;
    if (len == 0 || len >= sizeof low) {
        return false;
    }
    memset(low, 0x80, sizeof low);
    memset(high, 0xbf, sizeof high);
    memcpy(low, text, len);
    memcpy(high, text, len);
    size_t a = wr_utf8_decode(low, sizeof low, &code), b = wr_utf8_decode(high, sizeof high, &code);
    return a > len || b > len;
}

size_t wr_utf8_valid_bytes(const char *text, size_t len)
{
    size_t at = 0;
    while (at < len) {
        uint64_t eight;
        uint32_t code;
        if (len - at >= sizeof eight) {
            memcpy(&eight, text + at, sizeof eight);
            if ((eight & UINT64_C(0x8080808080808080)) == 0) {
                at += sizeof eight;
                continue;
            }
        }
        size_t one = wr_utf8_decode(text + at, len - at, &code);
        if (one == 0) {
            break;
        }
        at += one;
    }
    return at;
}

size_t wr_utf8_repaired_len(const char *text, size_t len)
{
    size_t bad = 0;
    for (size_t at = 0; at < len; at++) {
        at += wr_utf8_valid_bytes(text + at, len - at);
        bad += at < len;
    }
    return len + bad * (REPLACEMENT_LEN - 1);
}

size_t wr_utf8_repair(const char *text, size_t len, char *to)
{
    size_t made = 0;
    for (size_t at = 0; at < len; at++) {
        size_t valid = wr_utf8_valid_bytes(text + at, len - at);
        memcpy(to + made, text + at, valid);
        made += valid;
        at += valid;
        if (at < len) {
            memcpy(to + made, REPLACEMENT, REPLACEMENT_LEN);
            made += REPLACEMENT_LEN;
        }
    }
    return made;
}

size_t wr_utf8_encode(uint32_t code, char *to)
{
    static const unsigned char lead[] = {0, 0, 0xc0, 0xe0, 0xf0};
    size_t len = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    for (size_t i = len; i-- > 1; code >>= 6) {
        to[i] = (char)(0x80u | (code & 0x3fu));
    }
    to[0] = (char)(lead[len] | code);
    return len;
}
