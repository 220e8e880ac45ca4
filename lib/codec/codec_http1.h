/*
 * codec_http1.h - HTTP/1 for a server: reading requests, writing response heads and chunks.
 * Sans-I/O.
 *
 * The idea. One request at a time: feed bytes until the head is complete, answer, and let the
 * parser drop the body or keep it, then go on with the bytes that were left over. What llhttp lets pass although RFC 9112 does not, or is used for request smuggling, is
 * refused here.
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
    WR_HTTP1_BODY_BYTES_MAX = 64 * 1024,  /* of a body, if nothing else is said */
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
    struct wr_text host; /* of the target where it names one, else of the header; absent in HTTP/1.0
                            without one */
    int minor;           /* HTTP/1.minor: 0 or 1 */
    bool keep_alive;     /* the client would send another request on this connection */
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
        1, /* wr_http1_request is there. Without a body the request is complete; else feed on */
    WR_HTTP1_DONE = 2 /* the body has come: the request is complete */
};

/* Give the parser the next bytes. *used [out]: how many it took; what is left belongs to the body
 * or to the next request and is given again. Not to be called for a request that is complete:
 * wr_http1_next comes first. */
enum wr_http1_got wr_http1_feed(struct wr_http1 *parser, const char *data, size_t len,
                                size_t *used);
/* The request whose head is complete; NULL before. */
const struct wr_http1_request *wr_http1_request(const struct wr_http1 *parser);
/* How long a body may be, of the request at hand and of those after it. Between its head and its body,
 * or before. False: the one at hand says that it is longer. */
bool wr_http1_limit_body(struct wr_http1 *parser, size_t bytes_max);
/* Between its head and its body: keep the body, decoded from its chunks, until wr_http1_next. */
void wr_http1_keep_body(struct wr_http1 *parser);
/* What was kept of it. */
struct wr_text wr_http1_body(const struct wr_http1 *parser);
/* The request is complete and the client keeps the connection: make ready for the next one. */
void wr_http1_next(struct wr_http1 *parser);
/* The peer sends no more. 0: between two requests; WEIR_ETRUNCATED: within one; WEIR_EPARSE: failed
 * before. */
int wr_http1_finish(const struct wr_http1 *parser);
/* After an error: the status to answer (400, 413, 414, 431, 500, 501, 505), and why, for the log.
 */
int wr_http1_status(const struct wr_http1 *parser);
const char *wr_http1_reason(const struct wr_http1 *parser);

/* The first header of that name, without regard to case; absent (data NULL) when there is none. */
struct wr_text wr_http1_header(const struct wr_http1_request *request, const char *name);

/*
 * Write "HTTP/1.1 200 OK", the headers and the empty line; a status of its own or none of the usual
 * gets no phrase. Returns the length; WEIR_ETOOLONG: `cap` is too small; WEIR_EINVAL: a header does
 * not fit.
 */
long wr_http1_write_head(char *to, size_t cap, int status, const struct wr_http1_header *headers,
                         size_t count);
/* The name is a token, the value holds no control bytes but tabs. */
bool wr_http1_header_fits(struct wr_text name, struct wr_text value);
/* The line before `len` bytes of chunk data; CRLF follows the data. Returns its length. */
enum { WR_HTTP1_CHUNK_HEAD_MAX = 18 };
size_t wr_http1_write_chunk(char to[WR_HTTP1_CHUNK_HEAD_MAX], size_t len);
#define WR_HTTP1_LAST_CHUNK "0\r\n\r\n"
/* "OK"; "" for a status that has no usual phrase. */
const char *wr_http1_phrase(int status);

enum wr_range {
    WR_RANGE_WHOLE =
        0, /* no range, or one to be ignored: another unit, several ranges, not readable */
    WR_RANGE_PART = 1,         /* 206 with first and last */
    WR_RANGE_UNSATISFIABLE = 2 /* 416 */
};
/* The value of a Range header (may be absent) against a thing of `length` bytes. */
enum wr_range wr_range_parse(struct wr_text value, int64_t length, int64_t *first, int64_t *last);

#endif
