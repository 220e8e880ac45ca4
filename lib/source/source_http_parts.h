/*
 * source_http_parts.h - what the files of the HTTP source share. Not for others.
 *
 *   source_http.c           the generator: pulls, waits, clocks, the brake
 *   source_http_attempt.c   one request: the easy handle and its headers
 *   source_http_token.c     the bearer token's file
 *   source_http_reply.c     reading a response head, and judging it
 *   source_http_resume.c    when an attempt has ended: the end, a redirect, a retry, a failure
 *   source_http_redirect.c  where a redirect leads
 *   source_http_decode.c    Content-Encoding
 *
 * An attempt is one request and its answer. It ends with a verdict, which is made when the head is
 * complete (under libcurl's frame, so nothing but memory is touched), and a result, the transfer's
 * own.
 */
#ifndef WR_SOURCE_HTTP_PARTS_H
#define WR_SOURCE_HTTP_PARTS_H

#include <weir/source.h>

#include "codec_response.h"
#include "codec_url.h"
#include "curl_bridge.h"
#include "flow_inbox.h"
#include "flow_state.h"
#include "source_http.h"

enum {
    WR_HTTP_REDIRECTS_MAX = 10,
    WR_HTTP_URL_MAX = 8 * 1024,
    WR_HTTP_EXCERPT = 512, /* bytes of a refusal that are looked at */
    WR_HTTP_EXCERPT_SHOWN = 200,
    WR_HTTP_HEAD_MAX = 256 * 1024,   /* all headers of one answer */
    WR_HTTP_HIGH_BYTES = 256 * 1024, /* unread lines from which on the socket is not read */
    WR_HTTP_LOW_BYTES = 64 * 1024,   /* ... and at which it is read again */
    WR_HTTP_HEALTHY_MS = 30 * 1000,  /* a stream that has lasted so long starts the back-off anew */
    WR_HTTP_RETRY_AFTER_MAX_MS = 5 * 60 * 1000
};

enum wr_http_phase {
    WR_HTTP_CLOSED = 0, /* no transfer */
    WR_HTTP_TOKEN,      /* the bearer token is read, for the next one */
    WR_HTTP_CONNECTING,
    WR_HTTP_ASKED, /* connected, waiting for the head */
    WR_HTTP_BODY,
    WR_HTTP_BACKOFF
};

enum wr_http_coding { WR_HTTP_IDENTITY = 0, WR_HTTP_GZIP, WR_HTTP_DEFLATE, WR_HTTP_UNKNOWN };

enum wr_http_verdict {
    WR_HTTP_UNJUDGED = 0, /* no complete head yet */
    WR_HTTP_LINES,        /* the body is what was asked for */
    WR_HTTP_REDIRECT,
    WR_HTTP_COMPLETE, /* nothing is left behind the position asked for */
    WR_HTTP_AGAIN,    /* ask at once for all of it: a part would be one of the encoded body */
    WR_HTTP_REFUSED   /* failure says why */
};

/* Why an attempt has failed. */
struct wr_http_failure {
    int code, detail;
    bool retry;       /* another attempt may succeed */
    bool unconnected; /* no connection stood on which something could be asked */
    bool excerpt;     /* the start of the body belongs to the message */
    char *text;       /* "connection reset"; NULL: there was no memory for it */
};

/* What only a judgement needs of an answer: there while its head is read, and gone once its lines
 * are accepted, so that a stream does not hold it. */
struct wr_http_words {
    char reason[64];
    char coding_name[24];
    char etag[WR_STATE_VALIDATOR_MAX];
    char last_modified[64];
    char excerpt[WR_HTTP_EXCERPT];
    size_t excerpt_len;
};

struct wr_http_reply {
    struct wr_http_words *words; /* NULL: accepted, or none yet */
    int status;
    int64_t length; /* Content-Length, -1: none, or chunks say where the end is */
    bool length_bad, chunked;
    bool accept_ranges;
    bool has_range, range_bad;
    bool multipart; /* several parts in one */
    bool weighty;   /* the line before says what the body is */
    bool malformed; /* ... in a line that can be read in two ways */
    struct wr_content_range range;
    enum wr_http_coding coding;
    int64_t last_modified_s, date_s; /* -1: none */
    int64_t retry_after_ms;          /* -1: none */
    char *location;
    size_t head_bytes;
    bool head_done;
    bool no_memory;
};

struct wr_http_decoder;
struct wr_http_token;

struct wr_http_source {
    struct weir_gen gen;
    struct wr_inbox inbox;
    struct wr_transfer transfer;
    /* what was asked for: copies */
    weir_http_options o;
    char *url; /* without userinfo */
    char *user;
    char **headers;
    char *bearer_file, *ca_file;
    bool own_range, own_coding; /* the caller's headers say Range, Accept-Encoding */
    struct wr_state_slot *slot; /* NULL: no state */
    struct wr_offsets *offsets; /* the origin's; NULL: no state */
    const struct wr_state_slot *before; /* what an earlier run has left; NULL: nothing */
    /* this attempt */
    char *target; /* url, or where it was redirected to; NULL: url */
    uint64_t
        *visited; /* hashes of the URLs of this attempt, WR_HTTP_REDIRECTS_MAX + 1; NULL: one */
    size_t redirects;
    struct curl_slist *sent;
    enum wr_http_phase phase;
    int64_t phase_ns;
    struct wr_http_reply reply;
    enum wr_http_verdict verdict;
    struct wr_http_failure failure;
    uint64_t from; /* the position asked for */
    uint64_t skip; /* bytes of the body still to be dropped, since the server sends all of it */
    uint64_t got;  /* bytes of the body that have come, as they were sent */
    uint64_t most; /* ... and that may come, UINT64_MAX: no limit */
    bool over;     /* the transfer has ended; result */
    bool accepted; /* the task has taken note of the verdict LINES */
    CURLcode result;
    char curl_text[CURL_ERROR_SIZE];
    struct wr_http_decoder *decoder;
    /* the brake */
    size_t stale; /* bytes in the reader that are known to hold no complete line */
    bool starved; /* paused for want of budget */
    /* over all attempts */
    bool opened;   /* the state is attached */
    bool answered; /* a body has begun */
    bool coded;    /* the body is encoded: positions count decoded bytes, no Range can name them */
    bool finished; /* read to its proper end */
    bool fresh;    /* no news was given since the last connect */
    bool another;  /* this body is another version than the one before, which is to be told */
    char validator[WR_STATE_VALIDATOR_MAX];
    int64_t complete; /* length of the whole, -1: not known */
    int tries;        /* attempts in a row without news */
    int pauses;       /* ... since the back-off has started anew */
    int64_t answered_ns;
    /* news: a body that cannot be resumed may come again from its start */
    bool begun;          /* its first line was given */
    uint64_t body_begin; /* position of its first byte */
    uint64_t first_hash; /* of its first line */
    uint64_t longest;    /* bytes given of a body with this first line, at most */
    uint64_t bytes, reconnects;
    int last_status;
    int abort_code;
};

static inline const char *wr_http_target(const struct wr_http_source *http)
{
    return http->target != NULL ? http->target : http->url;
}

static inline void wr_http_wake(struct wr_http_source *http)
{
    wr_object_wake(&http->gen.object);
}

/* source_http_token.c: begin reading bearer_file; NULL: no memory. The source is woken when it is
 * done. */
struct wr_http_token *wr_http_token_begin(struct wr_http_source *http);
bool wr_http_token_done(const struct wr_http_token *token);
/* Once done: 0, or a negative code with *failure. */
int wr_http_token_failure(const struct wr_http_token *token, struct wr_http_failure *failure);
/* "Authorization: Bearer ..." */
const char *wr_http_token_line(const struct wr_http_token *token);
/* At any time; NULL allowed. */
void wr_http_token_end(struct wr_http_token *token);

/* source_http_attempt.c: does the next request go to the origin of the caller's URL? */
bool wr_http_is_own(const struct wr_http_source *http);
/* Start a request for the bytes from reader.given_end on; token NULL: none. 0, or a negative code
 * with the generator's failure set. */
int wr_http_attempt(struct wr_http_source *http, const struct wr_http_token *token);
/* Let go of the transfer, running or not. */
void wr_http_attempt_end(struct wr_http_source *http);

/* source_http_reply.c: 0 or WEIR_ENOMEM. */
int wr_http_reply_begin(struct wr_http_reply *reply);
/* The lines are accepted: let go of the words. */
void wr_http_reply_accept(struct wr_http_reply *reply);
void wr_http_reply_fini(struct wr_http_reply *reply);
/* One line of the head. False: out of memory, or too much. */
bool wr_http_reply_line(struct wr_http_reply *reply, const char *line, size_t len, int64_t now_s);
/* The head is complete: sets verdict, skip, failure, validator, complete. */
void wr_http_judge(struct wr_http_source *http);
/* The answer has no head: these are its first bytes. */
void wr_http_judge_headless(struct wr_http_source *http, const char *data, size_t len);
/* wr_http_reply_line was false. */
void wr_http_judge_bad_head(struct wr_http_source *http);
/* More bytes have come than http->most. */
void wr_http_judge_excess(struct wr_http_source *http);
void wr_http_failure_fini(struct wr_http_failure *failure);
/* *failure, initialised, becomes this one. Returns the code. */
int wr_http_refuse(struct wr_http_failure *failure, int code, int detail, const char *format, ...)
    WEIR_PRINTF(4, 5);

/* source_http_resume.c: the attempt is over and every complete line has been given. 0: go on (a
 * retry is planned, the end was set in the reader); negative: the generator has failed. */
int wr_http_ended(struct wr_http_source *http);
/* The body has ended, and every line of it was given. True: it is followed, and another attempt is
 * planned. */
bool wr_http_follow(struct wr_http_source *http);
/* Fail the generator: where, what, how far. Returns the code. */
int wr_http_fail(struct wr_http_source *http, const struct wr_http_failure *failure,
                 const char *then);
/* What a source in this phase waits for: "no answer". */
const char *wr_http_missing(const struct wr_http_source *http);
/* How long the body may be silent; negative: for ever. */
int64_t wr_http_idle_ms(const struct wr_http_source *http);
void wr_http_log_another(struct wr_http_source *http);
/* The end of a wait by one of weir's clocks. */
void wr_http_clock_failure(const struct wr_http_source *http, struct wr_http_failure *failure);
void wr_http_shown(const struct wr_http_source *http, char *to, size_t cap);

/* source_http_decode.c: an encoded body waits in a bounded buffer and is decoded as the reader asks
 * for lines. */
int wr_http_decode_begin(struct wr_http_source *http);
/* As a transfer's write: takes len bytes, or is full (false). */
bool wr_http_decode_put(struct wr_http_source *http, const char *data, size_t len);
/* One bounded step into the reader. 1: bytes came, 0: more input is needed, or a negative code:
 * WEIR_EBUDGET, or another with http->failure set. */
int wr_http_decode_step(struct wr_http_source *http);
/* The input has ended: 0 or a negative code with http->failure set. */
int wr_http_decode_finish(struct wr_http_source *http);
bool wr_http_decode_hungry(const struct wr_http_source *http);
void wr_http_decode_end(struct wr_http_source *http);

#endif
