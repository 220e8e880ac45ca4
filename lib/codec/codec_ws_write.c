/*
 * codec_ws_write.c - writing WebSocket frames: heads, masks, control frames. Pure functions.
 */
#include <string.h>

#include "base_error.h"
#include "codec_utf8.h"
#include "codec_ws.h"

enum { LEN_16 = 126, LEN_64 = 127, MASK_BIT = 0x80 };

size_t wr_ws_write_head(char to[WR_WS_HEAD_MAX], unsigned first, uint64_t len, const uint8_t *key)
{
    unsigned bytes = len < LEN_16 ? 0 : len <= UINT16_MAX ? 2 : 8;
    unsigned length = bytes == 0 ? (unsigned)len : bytes == 2 ? LEN_16 : LEN_64;
    size_t at = 2;
    to[0] = (char)first;
    to[1] = (char)(length | (key != NULL ? MASK_BIT : 0));
    for (unsigned i = bytes; i-- > 0;) {
        to[at++] = (char)(len >> (8 * i));
    }
    if (key != NULL) {
        memcpy(to + at, key, WR_WS_KEY_BYTES);
        at += WR_WS_KEY_BYTES;
    }
    return at;
}

/* Eight bytes at a time, and four of these at once; memcpy, because nothing is aligned. */
void wr_ws_mask(char *to, const char *from, size_t len, const uint8_t *key, size_t at)
{
    enum { WIDE = 4 };
    char turned[sizeof(uint64_t)];
    uint64_t mask, words[WIDE];
    size_t i = 0;
    for (size_t k = 0; k < sizeof turned; k++) {
        turned[k] = (char)key[(at + k) % WR_WS_KEY_BYTES];
    }
    memcpy(&mask, turned, sizeof mask);
    for (; len - i >= sizeof words; i += sizeof words) {
        memcpy(words, from + i, sizeof words);
        for (size_t k = 0; k < WIDE; k++) {
            words[k] ^= mask;
        }
        memcpy(to + i, words, sizeof words);
    }
    for (; len - i >= sizeof mask; i += sizeof mask) {
        memcpy(words, from + i, sizeof mask);
        words[0] ^= mask;
        memcpy(to + i, words, sizeof mask);
    }
    for (; i < len; i++) {
        to[i] = (char)(from[i] ^ turned[i % sizeof turned]);
    }
}

size_t wr_ws_write_control(char to[WR_WS_CONTROL_FRAME_MAX], unsigned opcode, const char *data,
                           size_t len, const uint8_t *key)
{
    WR_ASSERT(len <= WR_WS_CONTROL_MAX, "a control frame is too long");
    size_t at = wr_ws_write_head(to, WR_WS_FIN | opcode, len, key);
    if (key != NULL) {
        wr_ws_mask(to + at, data, len, key, 0);
    } else if (len > 0) {
        memcpy(to + at, data, len);
    }
    return at + len;
}

size_t wr_ws_write_close(char to[WR_WS_CONTROL_FRAME_MAX], unsigned code, const char *reason,
                         const uint8_t *key)
{
    char payload[WR_WS_CONTROL_MAX];
    size_t len = strlen(reason);
    if (len > WR_WS_REASON_MAX) {
        len = wr_utf8_valid_bytes(reason, WR_WS_REASON_MAX);
    }
    payload[0] = (char)(code >> 8);
    payload[1] = (char)code;
    memcpy(payload + 2, reason, len);
    return wr_ws_write_control(to, WR_WS_CLOSE, payload, 2 + len, key);
}

/* RFC 6455, 7.4.2, with 1012 to 1014 of its registry. 1004 to 1006 and 1015 are never sent. */
bool wr_ws_close_code_fits(unsigned code)
{
    return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) ||
           (code >= 3000 && code <= 4999);
}
