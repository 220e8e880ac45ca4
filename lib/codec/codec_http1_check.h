/*
 * codec_http1_check.h - what RFC 9112 asks of a request head beyond what llhttp checks. For
 * codec_http1.c.
 */
#ifndef WR_CODEC_HTTP1_CHECK_H
#define WR_CODEC_HTTP1_CHECK_H

#include "codec_http1.h"

struct wr_http1_refusal {
    int status;
    const char *reason;
};

/* The request line in the raw bytes, without blank lines before it and its line end; absent when it
 * has no end yet. */
struct wr_text wr_http1_request_line(struct wr_text head);
/* From byte `from` on: does a line of the head begin with a blank or a colon? A line before may end
 * at from. */
bool wr_http1_has_fold(struct wr_text head, size_t from);
/* Could the first len bytes be a method that is only unknown? */
bool wr_http1_method_fits(const char *head, size_t len);
/* Judge a complete head; fills path, query and host. `chunked`: llhttp reads a chunked body behind
 * it. NULL: nothing to say against it. */
const struct wr_http1_refusal *wr_http1_check(struct wr_http1_request *r, struct wr_text head,
                                              bool chunked);
/* Would the client send another request on this connection (RFC 9112, 9.3)? llhttp is not asked: it
 * takes no tab for a blank, and of `close, keep-alive` the second. */
bool wr_http1_keeps_alive(const struct wr_http1_request *r);

#endif
