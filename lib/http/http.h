/*
 * http.h - the HTTP client without lines: a request goes out, a head and blocks of bytes come back.
 * Internal.
 *
 * A wr_http asks one URL again and again, one request at a time; each request is an attempt. It
 * follows redirects, reads the bearer token, decodes the body, keeps the clocks, and says how an
 * attempt has failed and whether another may succeed. What is asked (a range, an id, a body), what
 * an answer is worth and whether to ask again is its user's. The bytes of a body go to the user's
 * inbox.
 *
 *     http_client.c    what is asked: copies; phases, clocks, waiting
 *     http_attempt.c   one request: its headers, what comes back, its end
 *     http_curl.c      the wire: libcurl
 *     http_reply.c     reading a response head
 *     http_failure.c   refusals and their texts, the pause before the next attempt
 *     http_redirect.c  where a redirect leads
 *     http_token.c     the bearer token's file
 *     http_decode.c    Content-Encoding
 *     http_address.c   what is wrong with a URL in a pipeline text
 *
 * The user is a task that does, between its waits:
 *
 *     switch (wr_http_go(&http)) {
 *     case WR_HTTP_IDLE:    wr_http_begin(&http); break;
 *     case WR_HTTP_WAITS:   rc = wr_http_wait(&http); break;
 *     case WR_HTTP_NEWS:    bytes are in the inbox
 *     case WR_HTTP_STARVED: no room for the bytes: take some, or wait for the budget
 *     case WR_HTTP_ENDED:   http.failure.code says how: 0 in order
 *     }
 *
 * The wire is behind a table of operations, so that a scripted one can stand in for libcurl and its
 * connections. What it calls (wr_http_on_...) may run under a library's frame: it touches memory and
 * wakes the user, no more.
 */
#ifndef WR_HTTP_H
#define WR_HTTP_H

#include <weir/source.h>

#include "codec_response.h"
#include "codec_url.h"
#include "flow_inbox.h"

enum {
    WR_HTTP_REDIRECTS_MAX = 10,
    WR_HTTP_URL_MAX = 64 * 1024,
    WR_HTTP_EXCERPT = 512,           /* bytes of a refusal that are looked at */
    WR_HTTP_HEAD_MAX = 256 * 1024,   /* all headers of one answer */
    WR_HTTP_HIGH_BYTES = 256 * 1024, /* unread bytes from which on the wire is not read */
    WR_HTTP_LOW_BYTES = 64 * 1024,   /* ... and at which it is read again */
    WR_HTTP_PIECE_MAX = 16 * 1024,   /* bytes that the wire gives at once */
    WR_HTTP_TEXT_MAX = 256,          /* of a failure */
    WR_HTTP_VALIDATOR_MAX = 200
};

enum wr_http_phase {
    WR_HTTP_CLOSED = 0, /* nothing is under way */
    WR_HTTP_TOKEN,      /* the bearer token is read, for the next request */
    WR_HTTP_CONNECTING,
    WR_HTTP_ASKED, /* connected, waiting for the head */
    WR_HTTP_BODY,
    WR_HTTP_BACKOFF
};

enum wr_http_coding { WR_HTTP_IDENTITY = 0, WR_HTTP_GZIP, WR_HTTP_DEFLATE, WR_HTTP_UNKNOWN };

/* What an answer is worth. */
enum wr_http_verdict {
    WR_HTTP_UNJUDGED = 0, /* no complete head yet */
    WR_HTTP_ACCEPTED,     /* the body is what was asked for */
    WR_HTTP_REDIRECT,     /* it is followed */
    WR_HTTP_COMPLETE,     /* nothing is left behind what was asked for */
    WR_HTTP_AGAIN,        /* ask at once for something else */
    WR_HTTP_REFUSED       /* failure says why */
};

/* Why an attempt has failed. */
struct wr_http_failure {
    int code, detail;
    bool retry;       /* another attempt may succeed */
    bool unconnected; /* no connection stood on which something could be asked */
    bool excerpt;     /* the start of the body belongs to the message */
    char *text;       /* "connection reset"; NULL: there was no memory for it */
};

/* What only a judgement needs of an answer: there while its head is read, and gone once its body is
 * accepted, so that a stream does not hold it. */
struct wr_http_words {
    char reason[64];
    char type[64];        /* Content-Type, without parameters */
    char coding_name[24]; /* the compressions */
    char odd_name[24];    /* a Content-Encoding that is none */
    char etag[WR_HTTP_VALIDATOR_MAX];
    char last_modified[64];
    char excerpt[WR_HTTP_EXCERPT];
    size_t excerpt_len;
};

/* The head of an answer. */
struct wr_http_reply {
    struct wr_http_words *words; /* NULL: accepted, or none yet */
    int status;
    int64_t length; /* Content-Length, -1: none, or chunks say where the end is */
    bool length_bad, chunked;
    bool has_range, range_bad;
    bool multipart; /* several parts in one */
    bool weighty;   /* the line before says what the body is */
    bool malformed; /* ... in a line that can be read in two ways */
    struct wr_content_range range;
    enum wr_http_coding coding;
    bool transfer_odd;               /* there is a transfer coding besides chunked */
    int64_t last_modified_s, date_s; /* -1: none */
    int64_t retry_after_ms;          /* -1: none */
    char *location;
    size_t head_bytes; /* of all heads of the attempt */
    bool head_done;
    bool no_memory;
};

struct wr_http;
struct wr_http_decoder;
struct wr_http_token;

/* Whose requests these are. */
struct wr_http_user {
    /* A request is made: add headers (wr_http_add_header) that the caller's do not name
     * (wr_http_says). 0, or WEIR_ENOMEM. */
    int (*ask)(struct wr_http *http);
    /* The head is complete, and no redirect: what is it worth? May set skip, most and idle_ms, and
     * failure when it refuses; wr_http_judge_status does for all that is no success. */
    enum wr_http_verdict (*judge)(struct wr_http *http);
};

/* Enough for a request and its answer to go over. */
struct wr_http_wire {
    /* Send the request that is described in http; the answer comes by wr_http_on_... . 0, or a
     * negative code with the failure set. */
    int (*start)(struct wr_http *http);
    /* Let go of it, running or not. */
    void (*stop)(struct wr_http *http);
    /* What was refused may come again, and more. Harmless when nothing was. */
    void (*go_on)(struct wr_http *http);
    bool (*is_paused)(const struct wr_http *http);
    /* It is over and not complete: why. */
    void (*explain)(struct wr_http *http);
    /* It is over and complete by its connection's end alone: was that cut? */
    bool (*was_cut)(const struct wr_http *http);
};
extern const struct wr_http_wire wr_http_curl;

struct wr_http {
    struct weir_loop *loop;
    struct wr_object *of; /* whose task waits, and is woken */
    const char *name;     /* of the user, for the log */
    const struct wr_http_user *user;
    struct wr_inbox *inbox; /* of bodies; NULL: they are dropped */
    const struct wr_http_wire *wire;
    void *wire_own; /* of the request under way; NULL: none */
    /* what is asked: copies */
    weir_http_options o;
    char *url; /* without userinfo */
    char *login;
    char **headers;
    char *bearer_file, *ca_file, *ca_folder, *unix_socket;
    bool own_range;          /* the caller's headers say Range */
    bool keeps_connection;   /* the next request may go over the one of the last, if that was
                              answered to its end */
    const char *in_place_of; /* a header of the caller's in whose place the user sends one; NULL */
    int64_t idle_ms;         /* a body may be silent for so long; negative: for ever */
    /* The body of the next request, its user's, which makes it a POST. NULL: a GET. */
    const char *out;
    size_t out_len;
    size_t out_at; /* sent so far */
    /* this attempt */
    char *target; /* url, or where it was redirected to; NULL: url */
    uint64_t
        *visited; /* hashes of the URLs of this attempt, WR_HTTP_REDIRECTS_MAX + 1; NULL: one */
    size_t redirects;
    char *sent; /* header lines of the request, each terminated; NULL: it was sent */
    size_t sent_len, sent_cap;
    struct wr_http_token *token;
    enum wr_http_phase phase;
    int64_t phase_ns;
    struct wr_http_reply reply;
    enum wr_http_verdict verdict;
    struct wr_http_failure failure;
    uint64_t skip; /* bytes of the body still to be dropped */
    uint64_t got;  /* bytes of the body that have come, as they were sent */
    uint64_t most; /* ... and that may come, UINT64_MAX: no limit */
    bool accepted; /* the user has taken note of the verdict ACCEPTED */
    bool over;     /* nothing more comes */
    bool complete; /* ... and it ended in order */
    bool cut;      /* once ended: by a connection that may have been cut */
    struct wr_http_decoder *decoder;
    /* the brake */
    size_t stale; /* bytes in the inbox that are known to hold no whole item */
    bool starved; /* paused for want of budget */
};

/* ---- http_client.c */

/* Prepare for `url`, parsed; everything is copied. 0, WEIR_ENOMEM, or WEIR_EINVAL with *error. */
int wr_http_init(struct wr_http *http, struct weir_loop *loop, const char *url_text,
                 const struct wr_url *url, const weir_http_options *options, weir_error *error);
/* Also after a failure of init, and of zeroed memory. */
void wr_http_fini(struct wr_http *http);
/* Options that cannot be: true, and *error. */
bool wr_http_options_wrong(const weir_http_options *options, const char *name, weir_error *error);

enum wr_http_news { WR_HTTP_IDLE = 0, WR_HTTP_WAITS, WR_HTTP_NEWS, WR_HTTP_STARVED, WR_HTTP_ENDED };
/* Do what can be done without waiting. */
enum wr_http_news wr_http_go(struct wr_http *http);
/* Wait for something to happen, for at most as long as the phase may last; when that is over,
 * wr_http_go says ENDED, or IDLE after a pause. 0, or the code that the wait has failed with. */
int wr_http_wait(struct wr_http *http);
/* There is no room for bytes. Is there now? 0, and it goes on; or WEIR_EBUDGET, WEIR_ENOMEM. */
int wr_http_find_room(struct wr_http *http);
/* So many items were taken out of the inbox. 0: what is there is no whole one. */
void wr_http_taken(struct wr_http *http, size_t items);
/* Nothing happens before so many ms have passed. */
void wr_http_pause(struct wr_http *http, int64_t ms);
/* What this phase waits for: "no answer". */
const char *wr_http_missing(const struct wr_http *http);
/* What it does, for `why`, like snprintf. */
size_t wr_http_why(const struct wr_http *http, char *to, size_t cap);
/* The URL without secrets. */
void wr_http_shown(const struct wr_http *http, char *to, size_t cap);
static inline const char *wr_http_target(const struct wr_http *http)
{
    return http->target != NULL ? http->target : http->url;
}
static inline void wr_http_wake(struct wr_http *http)
{
    wr_object_wake(http->of);
}

/* ---- http_attempt.c */

/* Ask; what goes wrong at once is told by wr_http_go. */
void wr_http_begin(struct wr_http *http);
/* One header line of the request, "Name: value". 0 or WEIR_ENOMEM. */
int wr_http_add_header(struct wr_http *http, const char *format, ...) WEIR_PRINTF(2, 3);
/* Do the caller's headers name this one, and are they sent? */
bool wr_http_says(const struct wr_http *http, const char *name);
/* Let go of the request, running or not. */
void wr_http_stop(struct wr_http *http);
/* Has a body been accepted that the user does not know of? Before any of its bytes are taken. */
static inline bool wr_http_is_answered(const struct wr_http *http)
{
    return http->verdict == WR_HTTP_ACCEPTED && !http->accepted;
}
/* The user has taken note of it. 0 or WEIR_ENOMEM. */
int wr_http_accept(struct wr_http *http);

/* What the wire calls. The connection stands. */
void wr_http_on_connected(struct wr_http *http);
/* The next bytes of the request's body. 0: that was all. */
size_t wr_http_on_send(struct wr_http *http, char *to, size_t cap);
/* One line of a head or trailer. False: the request is to end. */
bool wr_http_on_header(struct wr_http *http, const char *line, size_t len);
/* Bytes of the body, at most WR_HTTP_PIECE_MAX. */
enum wr_http_take {
    WR_HTTP_TAKEN = 0,
    WR_HTTP_PAUSE, /* come again after go_on */
    WR_HTTP_STOP   /* the request is to end */
};
enum wr_http_take wr_http_on_body(struct wr_http *http, const char *data, size_t len);
/* Nothing more comes. complete: as far as the wire can tell. */
void wr_http_on_end(struct wr_http *http, bool complete);

/* ---- http_reply.c */

/* 0 or WEIR_ENOMEM. */
int wr_http_reply_begin(struct wr_http_reply *reply);
void wr_http_reply_fini(struct wr_http_reply *reply);
/* The body is accepted: let go of the words. */
void wr_http_reply_accept(struct wr_http_reply *reply);
/* One line of the head. False: out of memory, or too much. */
bool wr_http_reply_line(struct wr_http_reply *reply, const char *line, size_t len, int64_t now_s);
/* Does the answer say by itself where its body ends? */
static inline bool wr_http_is_delimited(const struct wr_http_reply *reply)
{
    return reply->length >= 0 || reply->chunked;
}

/* ---- http_failure.c */

void wr_http_failure_fini(struct wr_http_failure *failure);
/* *failure, initialised, becomes this one. Returns the code. */
int wr_http_refuse(struct wr_http_failure *failure, int code, int detail, const char *format, ...)
    WEIR_PRINTF(4, 5);
/* A status that is no success: REFUSED, with the failure, which may be retried by its class, but not
 * when the answer asks for a longer pause than is granted. */
enum wr_http_verdict wr_http_judge_status(struct wr_http *http);
/* ACCEPTED, or REFUSED with the failure: it is encoded in a way that weir cannot undo. */
enum wr_http_verdict wr_http_judge_coding(struct wr_http *http);
/* As wr_http_judge_status, of an answer that a proxy gives before there is a connection to the server. */
void wr_http_judge_proxy(struct wr_http *http);
/* The head could not be read. */
void wr_http_judge_bad_head(struct wr_http *http);
/* The answer has no head: these are its first bytes. */
void wr_http_judge_headless(struct wr_http *http, const char *data, size_t len);
/* The phase's time is over. */
void wr_http_judge_late(struct wr_http *http);
/* The body has ended by its connection alone, which may have been cut. Returns the code. */
int wr_http_judge_cut(struct wr_http *http);
/* What went wrong, with the start of the body where that belongs to it. */
void wr_http_failure_text(const struct wr_http *http, const struct wr_http_failure *failure,
                          char *to, size_t cap);
/* The pause before the next attempt, after `pauses` in a row: full jitter, at least what the answer
 * has asked for, and least_ms. */
int64_t wr_http_backoff_ms(const struct wr_http *http, int pauses, int64_t least_ms);

/* ---- http_redirect.c */

/* Back to the caller's URL. */
void wr_http_redirect_none(struct wr_http *http);
/* Take the target of the answer that is there. 0, or a negative code and the failure. */
int wr_http_redirect(struct wr_http *http);
/* Does the next request go to the origin of the caller's URL? */
bool wr_http_is_own(const struct wr_http *http);

/* ---- http_token.c */

/* Begin reading the bearer token's file; NULL: no memory. The user is woken when it is done. */
struct wr_http_token *wr_http_token_begin(struct wr_http *http);
bool wr_http_token_done(const struct wr_http_token *token);
/* Once done: 0, or a negative code with *failure. */
int wr_http_token_failure(const struct wr_http_token *token, struct wr_http_failure *failure);
/* "Authorization: Bearer ..." */
const char *wr_http_token_line(const struct wr_http_token *token);
/* At any time; NULL allowed. */
void wr_http_token_end(struct wr_http_token *token);

/* ---- http_decode.c: an encoded body waits in a bounded buffer and is decoded as items are asked
 * for */

int wr_http_decode_begin(struct wr_http *http);
/* Takes len bytes, or is full (false). */
bool wr_http_decode_put(struct wr_http *http, const char *data, size_t len);
/* One bounded step into the inbox. 1: bytes came, 0: more input is needed, or a negative code:
 * WEIR_EBUDGET, or another with the failure set. */
int wr_http_decode_step(struct wr_http *http);
/* The input has ended: 0 or a negative code with the failure set. */
int wr_http_decode_finish(struct wr_http *http);
bool wr_http_decode_hungry(const struct wr_http *http);
void wr_http_decode_end(struct wr_http *http);

/* ---- http_address.c */

struct weir_mistake;
/* For a component's check: 0, or a negative code and what is wrong with its argument URL. */
int wr_http_check_url(const char *text, struct weir_mistake *mistake);

#endif
