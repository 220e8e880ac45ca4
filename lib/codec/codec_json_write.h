/*
 * codec_json_write.h - writing JSON texts. Sans-I/O. Each function appends to the text.
 */
#ifndef WR_CODEC_JSON_WRITE_H
#define WR_CODEC_JSON_WRITE_H

#include "codec_out.h"
#include "codec_text.h"

/* A string with its quotes. Bytes that are not UTF-8 become U+FFFD. data NULL: null. */
void wr_json_string(struct wr_out *out, struct wr_text text);
/* The same without its quotes. */
void wr_json_string_part(struct wr_out *out, struct wr_text text);
/* Copy `len` bytes, and say whether all of them stand in a string as they are: printable ASCII but
 * " and \\. `to` has room for them. */
bool wr_json_copy_plain(char *to, const char *from, size_t len);
void wr_json_number(struct wr_out *out, uint64_t number);
/* Any bytes as a base64 string (RFC 4648, 4), with its quotes. */
void wr_json_base64(struct wr_out *out, struct wr_text bytes);
/* The same without its quotes. Of several parts all but the last are of multiples of 3 bytes. */
void wr_json_base64_part(struct wr_out *out, struct wr_text bytes);

#endif
