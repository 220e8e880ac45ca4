/*
 * sink_http.h - the sink that sends POST requests. Internal.
 *
 * sink_http.c       the sink, and the steps of one item: requests, retries, what an answer means
 * sink_http_body.c  the body of a request and its Idempotency-Key
 * sink_http_open.c  the component `post`
 */
#ifndef WR_SINK_HTTP_H
#define WR_SINK_HTTP_H

#include "codec_digest.h"
#include "flow_sink.h"
#include "http.h"

enum { WR_POST_STATUSES_MAX = 16 };

struct sink_http;

/* One item being sent, by its own task. It is one request, or several if a batch is too large for
 * the server. */
struct wr_post {
    struct sink_http *owner;
    struct wr_http http;
    struct wr_task *task;   /* NULL: no item is being sent */
    weir_item item;         /* kept; runs holds its receipt */
    struct wr_runs runs;    /* the reference to it, until the server has taken all of it */
    const weir_item *parts; /* of a batch, or the item */
    size_t parts_count;
    /* the current request */
    size_t first, count; /* of the parts */
    char *body;
    size_t body_len, body_cap;
    bool lines_only; /* no part is a piece of a stream of bytes */
    char key[WR_DIGEST_HEX];
    bool taken; /* the server has answered so */
    int tries;
    int64_t failing_ns; /* time of the first failure in a row */
    bool warned;
};

struct sink_http {
    struct weir_sink sink;
    struct wr_post *posts; /* `parallel` of them; NULL: closed */
    size_t parallel, busy;
    uint64_t nonce[2]; /* of this run: keys protect retries within it */
    uint64_t requests; /* made so far, without retries */
    int32_t frame;
    int32_t retries;
    bool gzip;
    bool reached; /* there has been a connection */
    bool closing;
    char *type;                             /* Content-Type; NULL: depends on what is sent */
    char *name;                             /* of the pipeline */
    int32_t statuses[WR_POST_STATUSES_MAX]; /* that reject */
    size_t statuses_count;
};

/* Make the body of parts [first, first + count), and the key. 0, or a code and *error. */
int wr_post_make(struct wr_post *post, weir_error *error);
/* Free the body and return its budget. */
void wr_post_drop_body(struct wr_post *post);
const char *wr_post_type(const struct wr_post *post);

#endif
