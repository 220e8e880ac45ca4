/*
 * codec_response.h - what an HTTP client reads from the head of a response: positions, delays,
 * validators.
 *
 * Pure functions over slices of the caller's text; nothing is allocated, nothing is kept. URLs are
 * in codec_url.h, dates in codec_date.h.
 */
#ifndef WR_CODEC_RESPONSE_H
#define WR_CODEC_RESPONSE_H

#include "codec_date.h"

/* Split "Name: value CRLF". The name is a token directly before the colon. Blanks around the value
 * and the line end are removed. False: not a header line (a status line, an empty line, a folded
 * line, a blank before the colon). */
bool wr_header_split(struct wr_text line, struct wr_text *name, struct wr_text *value);

struct wr_content_range {
    int64_t first, last; /* -1, -1: "bytes * / length", the range cannot be satisfied */
    int64_t length;      /* of the whole; -1: not known */
};

/* "bytes 0-99/200", "bytes 0-99/" and an asterisk, "bytes" asterisk "/200". 0 or WEIR_EPARSE, which
 * is also returned for other units and for numbers that contradict each other. */
int wr_content_range_parse(struct wr_text value, struct wr_content_range *range);

/* Retry-After, seconds or a date: the delay in ms, 0 for a date in the past, at most max_ms; -1:
 * invalid. */
int64_t wr_retry_after_ms(struct wr_text value, int64_t now_s, int64_t max_ms);

/* A strong validator: an entity-tag in quotes, not marked W/. */
bool wr_etag_is_strong(struct wr_text value);

#endif
