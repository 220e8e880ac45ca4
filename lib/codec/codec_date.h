/*
 * codec_date.h - HTTP dates, and instants as users write them. Sans-I/O.
 *
 * Failure.   A text that is no date is told by false, and is then nobody's date: RFC 9110 has
 * headers with such values ignored.
 */
#ifndef WR_CODEC_DATE_H
#define WR_CODEC_DATE_H

#include <stdint.h>

#include "codec_text.h"

enum { WR_HTTP_DATE_TEXT = 30 };

/* "Tue, 14 Nov 2023 22:13:20 GMT", terminated. Seconds since 1970, of the years 0 to 9999. */
void wr_http_date_write(int64_t unix_s, char to[WR_HTTP_DATE_TEXT]);
/* Each of the three forms that RFC 9110 5.6.7 has recipients accept. now_s: for years of two
 * digits, which lie at most 50 years ahead of it. */
bool wr_http_date_parse(struct wr_text text, int64_t now_s, int64_t *unix_s);

/* An instant, as nanoseconds since 1970: "2024-05-01", "2024-05-01T12:00:00.5Z",
 * "2024-05-01T12:00:00+02:00" (RFC 3339; without a zone it is UTC), or "@1714564800". */
bool wr_instant_parse(struct wr_text text, int64_t *unix_ns);

#endif
