/*
 * codec_date.h - HTTP dates, and instants as users write them. Sans-I/O.
 *
 * Failure.   False: the text is not a date. RFC 9110 says to ignore headers with such values.
 */
#ifndef WR_CODEC_DATE_H
#define WR_CODEC_DATE_H

#include <stdint.h>

#include "codec_text.h"

enum { WR_HTTP_DATE_TEXT = 30 };

/* "Tue, 14 Nov 2023 22:13:20 GMT", terminated. unix_s: seconds since 1970; years 0 to 9999. */
void wr_http_date_write(int64_t unix_s, char to[WR_HTTP_DATE_TEXT]);
/* Reads each of the three forms that recipients must accept (RFC 9110 5.6.7). now_s: for years of
 * two digits, which are at most 50 years after it. */
bool wr_http_date_parse(struct wr_text text, int64_t now_s, int64_t *unix_s);

/* An instant, as nanoseconds since 1970: "2024-05-01", "2024-05-01T12:00:00.5Z",
 * "2024-05-01T12:00:00+02:00" (RFC 3339; without a zone it is UTC), or "@1714564800". */
bool wr_instant_parse(struct wr_text text, int64_t *unix_ns);
/* Whether a text is a date with a time, as above, of any year from 0 to 9999: nanoseconds since 1970
 * end in 2262. */
bool wr_date_time_is(struct wr_text text);

#endif
