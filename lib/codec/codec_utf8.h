/*
 * codec_utf8.h - UTF-8 (RFC 3629): no surrogates, no overlong forms, nothing above U+10FFFF.
 */
#ifndef WR_CODEC_UTF8_H
#define WR_CODEC_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The length of the well-formed character at the start of text[0 .. len); 0: there is none. Sets
 * *code to its code point. */
size_t wr_utf8_decode(const char *text, size_t len, uint32_t *code);
/* Can a well-formed character begin with these 1 to 3 bytes, and need more of them? */
bool wr_utf8_may_begin(const char *text, size_t len);
/* How many of the first bytes are well-formed characters. */
size_t wr_utf8_valid_bytes(const char *text, size_t len);
/* Each byte that is not part of a well-formed character becomes U+FFFD: the length then, and the text
 * itself, of that length. */
size_t wr_utf8_repaired_len(const char *text, size_t len);
size_t wr_utf8_repair(const char *text, size_t len, char *to);
/* Write a code point, which must be valid, to `to`, which has room for 4 bytes. Returns its length. */
size_t wr_utf8_encode(uint32_t code, char *to);

#endif
