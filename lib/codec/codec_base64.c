/*
 * codec_base64.c - base64 and hexadecimal digits, written.
 */
#include "codec_base64.h"

#include <stdint.h>

void wr_base64_write(const char *data, size_t len, char *to)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const unsigned char *in = (const unsigned char *)data;
    size_t i = 0;
    for (; i + 3 <= len; i += 3, to += 4) {
        uint32_t group = (uint32_t)in[i] << 16 | (uint32_t)in[i + 1] << 8 | in[i + 2];
        to[0] = digits[group >> 18];
        to[1] = digits[group >> 12 & 63];
        to[2] = digits[group >> 6 & 63];
        to[3] = digits[group & 63];
    }
    if (i < len) {
        uint32_t group = (uint32_t)in[i] << 16 | (i + 1 < len ? (uint32_t)in[i + 1] << 8 : 0);
        to[0] = digits[group >> 18];
        to[1] = digits[group >> 12 & 63];
        to[2] = i + 1 < len ? digits[group >> 6 & 63] : '=';
        to[3] = '=';
    }
}

void wr_hex_write(const char *data, size_t len, char *to)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < len; i++) {
        unsigned char byte = (unsigned char)data[i];
        *to++ = digits[byte >> 4];
        *to++ = digits[byte & 15];
    }
}
