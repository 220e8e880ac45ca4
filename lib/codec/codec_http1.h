/*
 * codec_http1.h - HTTP/1 for a server: reading requests, writing response heads and chunks.
 * Sans-I/O.
 *
 * The idea. One request at a time: feed bytes until the head is complete, answer, let the parser
 * drop the body or keep it, then continue with the bytes that are left. Requests that llhttp
 * accepts although RFC 9112 forbids them, or that are used for request smuggling, are refused here.
 *
 * Lifetime.  The slices of a request live until wr_http1_next or wr_http1_free.
 * Failure.   After an error the parser stays failed: answer `status` with Connection: close, and
 * close.
 */
#ifndef WR_CODEC_HTTP1_H
#define WR_CODEC_HTTP1_H

#include "codec_text.h"

enum {
    WR_HTTP1_HEAD_BYTES_MAX =
        16 * 1024, /* request line and header lines, with blank lines before them */
    WR_HTTP1_HEADERS_MAX = 100,
    WR_HTTP1_BODY_BYTES_MAX = 64 * 1024,  /* of a body; wr_http1_limit_body changes it */
    WR_HTTP1_EXTRA_BYTES_MAX = 16 * 1024, /* chunk extensions and trailers of one request */
};

struct wr_http1_header {
    struct wr_text name, value; /* value without blanks around it */
};

struct wr_http1_request {
    struct wr_text method; /* "GET" */
    struct wr_text target; /* as sent */
    struct wr_text path;   /* begins with a slash; "*" for OPTIONS * */
    struct wr_text query;  /* without the question mark, absent when there is none */
    struct wr_text host; /* from the target if it has one, else from the header; absent in HTTP/1.0
                            without a header */
    int minor;           /* HTTP/1.minor: 0 or 1 */
    bool keep_alive;     /* the client may send another request on this connection */
    bool has_body;       /* a body follows, which feed drops or keeps */
    struct wr_http1_header *headers;
    size_t headers_count;
};

struct wr_http1;

/* NULL: out of memory. About 1 KiB, and 1 to 16 KiB more for the longest head so far. */
struct wr_http1 *wr_http1_new(void);
void wr_http1_free(struct wr_http1 *parser); /* NULL is allowed */

enum wr_http1_got {
    WR_HTTP1_ERROR = -1, /* wr_http1_status, wr_http1_reason */
    WR_HTTP1_MORE = 0,   /* all bytes were used: feed more */
    WR_HTTP1_HEAD =
        1, /* wr_http1_request returns it. No body: the request is complete; else feed more */
    WR_HTTP1_DONE = 2 /* the body is complete, and so is the request */
};

/* Give the parser the next bytes. *used [out]: how many it took. The others belong to the body or
 * to the next request: give them again. Do not call it for a complete request: call wr_http1_next
 * first. */
enum wr_http1_got wr_http1_feed(struct wr_http1 *parser, const char *data, size_t len,
                                size_t *used);
/* The request whose head is complete; NULL before. */
const struct wr_http1_request *wr_http1_request(const struct wr_http1 *parser);
/* Set the length limit for the body of this request and the later ones. Call it before the body:
 * before the head or between the two. False: the head of this request announces a longer body. */
bool wr_http1_limit_body(struct wr_http1 *parser, size_t bytes_max);
/* Keep the body, decoded from its chunks, until wr_http1_next. Call it between head and body. */
void wr_http1_keep_body(struct wr_http1 *parser);
/* The kept body. */
struct wr_text wr_http1_body(const struct wr_http1 *parser);
/* The request is complete and the client keeps the connection: prepare for the next request. */
void wr_http1_next(struct wr_http1 *parser);
/* After an error: the status to answer (400, 413, 414, 431, 500, 501, 505), and why, for the log.
 */
int wr_http1_status(const struct wr_http1 *parser);
const char *wr_http1_reason(const struct wr_http1 *parser);

/* The first header with that name, ignoring case; absent (data NULL) when there is none. */
struct wr_text wr_http1_header_of(const struct wr_http1_request *request, const char *name);

enum wr_http1_expects {
    WR_HTTP1_EXPECTS_NOTHING = 0,
    WR_HTTP1_EXPECTS_CONTINUE, /* the client sends the body after WR_HTTP1_CONTINUE */
    WR_HTTP1_EXPECTS_MORE      /* something else, which is answered with 417 */
};
enum wr_http1_expects wr_http1_expects(const struct wr_http1_request *request);
#define WR_HTTP1_CONTINUE "HTTP/1.1 100 Continue\r\n\r\n"

/*
 * Write "HTTP/1.1 200 OK", the headers and the empty line. A status that is not a usual one gets no
 * phrase. Returns the length; WEIR_ETOOLONG: `cap` is too small; WEIR_EINVAL: the status or a
 * header is invalid.
 */
long wr_http1_write_head(char *to, size_t cap, int status, const struct wr_http1_header *headers,
                         size_t count);
/* Is the header valid: is the name a token, and has the value no control bytes except tabs? */
bool wr_http1_header_fits(struct wr_text name, struct wr_text value);
#define WR_HTTP1_LAST_CHUNK "0\r\n\r\n"
/* "OK"; "" for a status that has no usual phrase. */
const char *wr_http1_phrase(int status);

enum wr_range {
    WR_RANGE_WHOLE =
        0, /* no range, or one that is ignored: another unit, several ranges, not readable */
    WR_RANGE_PART = 1,         /* 206 with first and last */
    WR_RANGE_UNSATISFIABLE = 2 /* 416 */
};
/* Apply the value of a Range header, which may be absent, to a resource of `length` bytes. */
enum wr_range wr_range_parse(struct wr_text value, int64_t length, int64_t *first, int64_t *last);

#endif
