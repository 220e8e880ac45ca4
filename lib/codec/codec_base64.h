/*
 * codec_base64.h - bytes as text: base64 (RFC 4648, 4) and hexadecimal digits.
 */
#ifndef WR_CODEC_BASE64_H
#define WR_CODEC_BASE64_H

#include <stddef.h>

static inline size_t wr_base64_len(size_t bytes)
{
    return (bytes + 2) / 3 * 4;
}
/* Write wr_base64_len(len) characters, with padding. */
void wr_base64_write(const char *data, size_t len, char *to);
/* Write 2 * len characters, in small letters. */
void wr_hex_write(const char *data, size_t len, char *to);

#endif
