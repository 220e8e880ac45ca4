/*
 * codec_http1_check.h - the rules of RFC 9112 for a request head that llhttp does not check. For
 * codec_http1.c.
 */
#ifndef WR_CODEC_HTTP1_CHECK_H
#define WR_CODEC_HTTP1_CHECK_H

#include "codec_http1.h"

struct wr_http1_refusal {
    int status;
    const char *reason;
};

/* The request line in the raw bytes, without the blank lines before it and without its line end;
 * absent when it has no end yet. */
struct wr_text wr_http1_request_line(struct wr_text head);
/* Does a line of the head that starts at byte `from` or later begin with a blank or a colon? The
 * line before may end directly before `from`. */
bool wr_http1_has_fold(struct wr_text head, size_t from);
/* Could the first len bytes be a valid method that is unknown here? */
bool wr_http1_method_fits(const char *head, size_t len);
/* Check a complete head; fills path, query and host. `chunked`: llhttp reads a chunked body after
 * it. NULL: the head is valid. */
const struct wr_http1_refusal *wr_http1_check(struct wr_http1_request *r, struct wr_text head,
                                              bool chunked);
/* May the client send another request on this connection (RFC 9112, 9.3)? llhttp is not asked: it
 * does not accept a tab as a blank, and for `close, keep-alive` it uses the second word. */
bool wr_http1_keeps_alive(const struct wr_http1_request *r);

#endif
