/*
 * http.h - the HTTP client, below the level of lines: it sends a request and receives a head and
 * blocks of bytes. Internal.
 *
 * A wr_http sends requests for one URL, one request at a time. Each request is an attempt. It
 * follows redirects, reads the bearer token, decodes the body, keeps the timeouts, and reports how
 * an attempt failed and whether a retry may succeed. Its user decides what to request (a range, an
 * id, a body), how to judge the response, and whether to try again. The bytes of a body go to the
 * user's inbox.
 *
 *     http_client.c    copies of the request's options; phases, timeouts, waiting
 *     http_attempt.c   one request: its headers, its response, its end
 *     http_curl.c      the wire: libcurl
 *     http_reply.c     reading a response head
 *     http_failure.c   failures and their texts, the pause before the next attempt
 *     http_redirect.c  where a redirect leads
 *     http_token.c     the bearer token's file
 *     http_decode.c    Content-Encoding
 *     http_address.c   the check of a URL in a pipeline text
 *     http_ws.c        another wire: WebSocket connections
 *     http_ws_send.c   what they send
 *     http_record.c    what a recorder gets
 *     http_replay.c    another wire: a recording
 *
 * The user is a task that does this between its waits:
 *
 *     switch (wr_http_go(&http)) {
 *     case WR_HTTP_IDLE:    wr_http_begin(&http); break;
 *     case WR_HTTP_WAITS:   rc = wr_http_wait(&http); break;
 *     case WR_HTTP_NEWS:    bytes are in the inbox
 *     case WR_HTTP_STARVED: no room for the bytes: take some, or wait for the budget
 *     case WR_HTTP_ENDED:   http.failure.code says how: 0 is success
 *     }
 *
 * The wire is a table of operations, so that tests can replace libcurl and its connections by a
 * script. The functions that the wire calls (wr_http_on_...) may run inside a library's callback:
 * they only change memory and wake the user.
 */
#ifndef WR_HTTP_H
#define WR_HTTP_H

#include <weir/source.h>

#include "codec_decode.h"
#include "codec_response.h"
#include "codec_url.h"
#include "flow_inbox.h"
#include "flow_playback.h"
#include "flow_recorder.h"

enum {
    WR_HTTP_REDIRECTS_MAX = 10,
    WR_HTTP_URL_MAX = 64 * 1024,
    WR_HTTP_EXCERPT = 512,         /* bytes kept of the body of a refusal */
    WR_HTTP_HEAD_MAX = 256 * 1024, /* all headers of one response */
    /* At so many unread bytes the wire pauses at a piece shorter than WR_HTTP_PIECE_MAX, which is
     * the last of what it has received: libcurl copies what is left of that. */
    WR_HTTP_HIGH_BYTES = 256 * 1024,
    WR_HTTP_MOST_BYTES = 512 * 1024, /* ... at so many at any piece */
    WR_HTTP_LOW_BYTES = 64 * 1024,   /* ... and it continues at so many */
    WR_HTTP_PIECE_MAX = 16 * 1024,   /* bytes that the wire delivers at once */
    WR_HTTP_TEXT_MAX = 256,          /* a failure's text */
    WR_HTTP_VALIDATOR_MAX = 200,
    WR_HTTP_CODINGS_MAX = 5 /* encodings on top of each other */
};

#define WR_HTTP_TEXT_OF(number) #number
#define WR_HTTP_NUMBER(number) WR_HTTP_TEXT_OF(number)
/* What a request says as User-Agent, unless the caller's headers do. */
#define WR_HTTP_AGENT \
    "weir/" WR_HTTP_NUMBER(WEIR_VERSION_MAJOR) "." WR_HTTP_NUMBER(WEIR_VERSION_MINOR)

enum wr_http_phase {
    WR_HTTP_CLOSED = 0, /* no request is running */
    WR_HTTP_TOKEN,      /* reads the bearer token for the next request */
    WR_HTTP_CONNECTING,
    WR_HTTP_ASKED, /* connected, waits for the head */
    WR_HTTP_BODY,
    WR_HTTP_BACKOFF
};

enum wr_http_coding { WR_HTTP_IDENTITY = 0, WR_HTTP_ENCODED, WR_HTTP_UNKNOWN };

/* The user's judgement of a response. */
enum wr_http_verdict {
    WR_HTTP_UNJUDGED = 0, /* no complete head yet */
    WR_HTTP_ACCEPTED,     /* the body is what was requested */
    WR_HTTP_REDIRECT,     /* follow it */
    WR_HTTP_COMPLETE,     /* nothing is left to fetch */
    WR_HTTP_AGAIN,        /* send a different request at once */
    WR_HTTP_REFUSED       /* failure says why */
};

/* Why an attempt has failed. */
struct wr_http_failure {
    int code, detail;
    bool retry;       /* another attempt may succeed */
    bool unconnected; /* the attempt ended before there was a connection */
    bool excerpt;     /* the message quotes the start of the body */
    char *text;       /* "connection reset"; NULL: out of memory */
};

/* The parts of a head that only the judgement needs. They are freed when the body is accepted, so
 * that a long stream does not hold them. */
struct wr_http_words {
    char reason[64];
    char type[64];        /* Content-Type, without parameters */
    char coding_name[64]; /* the compressions */
    char odd_name[24];    /* a Content-Encoding that is not a compression */
    char etag[WR_HTTP_VALIDATOR_MAX];
    char last_modified[64];
    char excerpt[WR_HTTP_EXCERPT];
    size_t excerpt_len;
};

/* The head of a response. */
struct wr_http_reply {
    struct wr_http_words *words; /* NULL: accepted, or none yet */
    int status;
    int64_t length; /* Content-Length; -1: none, or the body is chunked */
    bool length_bad, chunked;
    bool has_range, range_bad;
    bool multipart;    /* multipart/byteranges */
    bool defines_body; /* the last line defines the body or its end */
    bool malformed;    /* such a line can be read in two ways */
    struct wr_content_range range;
    enum wr_http_coding coding;
    const struct wr_coding
        *codings[WR_HTTP_CODINGS_MAX]; /* in the order in which they are undone */
    size_t codings_count;              /* more than the maximum: there are too many */
    bool transfer_odd;                 /* there is a transfer coding other than chunked */
    int64_t last_modified_s, date_s;   /* -1: none */
    int64_t retry_after_ms;            /* -1: none */
    char *location;
    size_t head_bytes; /* of all heads of the attempt */
    bool head_done;
    bool no_memory;
};

struct wr_http;
struct wr_http_decoder;
struct wr_http_token;

/* What the user of a wr_http implements. */
struct wr_http_user {
    /* Add headers to the request (wr_http_add_header), except those that the caller's headers
     * already name (wr_http_says). 0, or WEIR_ENOMEM. */
    int (*ask)(struct wr_http *http);
    /* Judge a complete head that is not a redirect. May set skip, most and idle_ms, and sets
     * failure when it refuses. For each status that is not a success, wr_http_judge_status will
     * do. */
    enum wr_http_verdict (*judge)(struct wr_http *http);
};

/* Carries a request and its response. */
struct wr_http_wire {
    /* Send the request that http describes. The wire reports the response by wr_http_on_... .
     * Returns 0, or a negative code with the failure set. */
    int (*start)(struct wr_http *http);
    /* Release the request, running or not. May suspend. */
    void (*stop)(struct wr_http *http);
    /* Continue after WR_HTTP_PAUSE: deliver the refused bytes again. Does nothing when the wire is
     * not paused. */
    void (*go_on)(struct wr_http *http);
    bool (*is_paused)(const struct wr_http *http);
    /* The request ended and is not complete: set the failure. */
    void (*explain)(struct wr_http *http);
    /* Only the end of the connection marked the end of the body: was the connection cut? */
    bool (*was_cut)(const struct wr_http *http);
};
extern const struct wr_http_wire wr_http_curl;

/* How a WebSocket is opened and kept. */
struct wr_ws_settings {
    const char *protocols; /* "a, b"; NULL: none */
    bool deflate;          /* offer permessage-deflate */
    int64_t ping_ms;       /* of silence, before a ping; negative: no pings */
    int64_t pong_ms;       /* after a ping, until the connection counts as lost */
};

struct wr_http {
    struct weir_loop *loop;
    struct wr_object *of; /* the object whose task waits and is woken */
    const char *name;     /* the user's name, for the log */
    const struct wr_http_user *user;
    struct wr_inbox *inbox;          /* receives the bodies; NULL: drop them */
    const struct wr_ws_settings *ws; /* for wr_http_ws_wire; else NULL */
    const struct wr_http_wire *wire;
    void *wire_own;                 /* the wire's data of the running request; NULL: none */
    struct weir_recorder *recorder; /* is told what is received; NULL: none */
    struct wr_playback *play;       /* the recording that is the wire; NULL: none */
    /* copies of the request's options */
    weir_http_options o;
    char *url; /* without userinfo */
    char *login;
    char **headers;
    char *bearer_file, *ca_file, *ca_folder, *cert_file, *key_file, *unix_socket;
    bool own_range;          /* the caller's headers say Range */
    bool keeps_connection;   /* the next request may reuse the connection, if the last response
                              was read to its end */
    const char *in_place_of; /* the caller's header that the user replaces; NULL: none */
    int64_t idle_ms;         /* the longest silence in a body; negative: no limit */
    /* The body of the next request, which is then a POST. The user owns it. NULL: a GET. */
    const char *out;
    size_t out_len;
    size_t out_at; /* sent so far */
    /* this attempt */
    char *target; /* where url was redirected to; NULL: use url */
    uint64_t
        *visited; /* hashes of this attempt's URLs, WR_HTTP_REDIRECTS_MAX + 1; NULL: only url */
    size_t redirects;
    char *sent; /* header lines of the request, each ends with a NUL; NULL: already sent */
    size_t sent_len, sent_cap;
    struct wr_http_token *token;
    enum wr_http_phase phase;
    int64_t phase_ns;
    struct wr_http_reply reply;
    enum wr_http_verdict verdict;
    struct wr_http_failure failure;
    uint64_t skip; /* bytes of the body still to drop */
    uint64_t got;  /* bytes of the body received, before decoding */
    uint64_t most; /* the limit of got; UINT64_MAX: no limit */
    bool accepted; /* the user has called wr_http_accept */
    bool over;     /* the wire delivers nothing more */
    bool complete; /* ... and ended without an error */
    bool cut;      /* once ended: the connection may have been cut */
    struct wr_http_decoder *decoder;
    /* backpressure */
    size_t stale; /* bytes in the inbox that hold no complete item, or that it holds back */
    bool starved; /* paused, waits for budget */
};

/* ---- http_client.c */

/* Prepare for `url`, the parsed url_text. Copies all arguments. 0, WEIR_ENOMEM, or WEIR_EINVAL with
 * *error. */
int wr_http_init(struct wr_http *http, struct weir_loop *loop, const char *url_text,
                 const struct wr_url *url, const weir_http_options *options, weir_error *error);
/* Also after a failed init, and for zeroed memory. */
void wr_http_fini(struct wr_http *http);
/* True, with *error set: an option is invalid. */
bool wr_http_options_wrong(const weir_http_options *options, const char *name, weir_error *error);

enum wr_http_news { WR_HTTP_IDLE = 0, WR_HTTP_WAITS, WR_HTTP_NEWS, WR_HTTP_STARVED, WR_HTTP_ENDED };
/* Do all work that needs no wait. */
enum wr_http_news wr_http_go(struct wr_http *http);
/* Wait for an event, at most until the timeout of the phase. After a timeout wr_http_go returns
 * ENDED, or IDLE after a pause. 0, or the code of a failed wait. */
int wr_http_wait(struct wr_http *http);
/* After STARVED: try to get room for bytes. 0: the wire continues; or WEIR_EBUDGET, WEIR_ENOMEM. */
int wr_http_find_room(struct wr_http *http);
/* The user took `items` items out of the inbox. 0: the rest is not a complete item. */
void wr_http_taken(struct wr_http *http, size_t items);
/* Wait `ms` before the next attempt. */
void wr_http_pause(struct wr_http *http, int64_t ms);
/* What this phase still waits for: "no answer". */
const char *wr_http_missing(const struct wr_http *http);
/* The current activity, for the op `why`. Returns as snprintf does. */
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

/* Begin an attempt. wr_http_go reports what fails at once. */
void wr_http_begin(struct wr_http *http);
/* One header line of the request, "Name: value". 0 or WEIR_ENOMEM. */
int wr_http_add_header(struct wr_http *http, const char *format, ...) WEIR_PRINTF(2, 3);
/* Is this header among the caller's headers, and are those sent to this target? */
bool wr_http_says(const struct wr_http *http, const char *name);
/* Release the request, running or not. */
void wr_http_stop(struct wr_http *http);
/* Was a body accepted that the user does not know of yet? The user asks before it takes bytes. */
static inline bool wr_http_is_answered(const struct wr_http *http)
{
    return http->verdict == WR_HTTP_ACCEPTED && !http->accepted;
}
/* The user now knows of the accepted body. 0 or WEIR_ENOMEM. */
int wr_http_accept(struct wr_http *http);

/* The wire calls the following functions. The connection is made. */
void wr_http_on_connected(struct wr_http *http);
/* The next bytes of the request's body. 0: the end of the body. */
size_t wr_http_on_send(struct wr_http *http, char *to, size_t cap);
/* One line of a head or trailer. False: end the request. */
bool wr_http_on_header(struct wr_http *http, const char *line, size_t len);
/* Bytes of the body, at most WR_HTTP_PIECE_MAX. */
enum wr_http_take {
    WR_HTTP_TAKEN = 0,
    WR_HTTP_PAUSE, /* deliver the bytes again after go_on */
    WR_HTTP_STOP   /* end the request */
};
enum wr_http_take wr_http_on_body(struct wr_http *http, const char *data, size_t len);
/* The response ended. complete: as far as the wire knows. */
void wr_http_on_end(struct wr_http *http, bool complete);

/* ---- http_reply.c */

/* 0 or WEIR_ENOMEM. */
int wr_http_reply_begin(struct wr_http_reply *reply);
void wr_http_reply_fini(struct wr_http_reply *reply);
/* The body is accepted: free the words. */
void wr_http_reply_accept(struct wr_http_reply *reply);
/* One line of the head. False: out of memory, too long, or malformed. */
bool wr_http_reply_line(struct wr_http_reply *reply, const char *line, size_t len, int64_t now_s);
/* Does the head define where the body ends? */
static inline bool wr_http_is_delimited(const struct wr_http_reply *reply)
{
    return reply->length >= 0 || reply->chunked;
}

/* ---- http_failure.c */

void wr_http_failure_fini(struct wr_http_failure *failure);
/* Set *failure, which must be initialised. Returns the code. */
int wr_http_refuse(struct wr_http_failure *failure, int code, int detail, const char *format, ...)
    WEIR_PRINTF(4, 5);
/* For a status that is not a success: returns REFUSED and sets the failure. The class of the status
 * decides whether a retry is possible. There is no retry when the response asks for a longer pause
 * than the limit. */
enum wr_http_verdict wr_http_judge_status(struct wr_http *http);
/* ACCEPTED, or REFUSED with the failure set: weir cannot decode the body. */
enum wr_http_verdict wr_http_judge_coding(struct wr_http *http);
/* As wr_http_judge_status, for the response of a proxy before there is a connection to the
 * server. */
void wr_http_judge_proxy(struct wr_http *http);
/* The head could not be read. */
void wr_http_judge_bad_head(struct wr_http *http);
/* The response has no head: `data` are its first bytes. */
void wr_http_judge_headless(struct wr_http *http, const char *data, size_t len);
/* The phase timed out. */
void wr_http_judge_late(struct wr_http *http);
/* Only the end of the connection ended the body, and it may have been cut. Returns the code. */
int wr_http_judge_cut(struct wr_http *http);
/* The failure's message, with the start of the body where that helps. */
void wr_http_failure_text(const struct wr_http *http, const struct wr_http_failure *failure,
                          char *to, size_t cap);
/* As wr_backoff_ms, but at least what the response asked for (Retry-After), and at least least_ms. */
int64_t wr_http_backoff_ms(const struct wr_http *http, int pauses, int64_t least_ms);

/* ---- http_redirect.c */

/* Use the caller's URL again. */
void wr_http_redirect_none(struct wr_http *http);
/* Follow the Location of the current response. 0, or a negative code and the failure. */
int wr_http_redirect(struct wr_http *http);
/* Does the next request go to the origin of the caller's URL? */
bool wr_http_is_own(const struct wr_http *http);

/* ---- http_token.c */

/* Begin to read the bearer token's file; wakes the user when done. NULL: out of memory. */
struct wr_http_token *wr_http_token_begin(struct wr_http *http);
bool wr_http_token_done(const struct wr_http_token *token);
/* Once done: 0, or a negative code with *failure. */
int wr_http_token_failure(const struct wr_http_token *token, struct wr_http_failure *failure);
/* "Authorization: Bearer ..." */
const char *wr_http_token_line(const struct wr_http_token *token);
/* At any time; NULL allowed. */
void wr_http_token_end(struct wr_http_token *token);

/* ---- http_decode.c: an encoded body waits in a bounded buffer and is decoded when the reader
 * needs items */

int wr_http_decode_begin(struct wr_http *http);
/* Takes all len bytes. False: it is full and took none. */
bool wr_http_decode_put(struct wr_http *http, const char *data, size_t len);
/* Decode one bounded step into the inbox. 1: there are new bytes, 0: more input is needed, or a
 * negative code: WEIR_EBUDGET, or another with the failure set. */
int wr_http_decode_step(struct wr_http *http);
/* The input has ended: 0 or a negative code with the failure set. */
int wr_http_decode_finish(struct wr_http *http);
bool wr_http_decode_hungry(const struct wr_http *http);
/* Bytes that the decoders have charged to the budget. */
size_t wr_http_decode_held(const struct wr_http *http);
void wr_http_decode_end(struct wr_http *http);

/* ---- http_record.c, with a recorder */

/* The request that is about to be sent. */
void wr_http_record_request(const struct wr_http *http);
void wr_http_record_line(const struct wr_http *http, const char *line, size_t len);
/* The failure that is set. kind: FAILURE, or LATE. */
void wr_http_record_failure(const struct wr_http *http, enum wr_record_kind kind);

/* ---- http_replay.c */

/* Requests get the responses of this recording, which the user frees after wr_http_stop. */
void wr_http_replay(struct wr_http *http, struct wr_playback *play);
/* After a response: is there another request in the recording? If not, it is over. */
bool wr_http_replay_goes_on(struct wr_http *http);
/* How long to wait until that was sent: the pause before the next attempt. */
int64_t wr_http_replay_pause_ms(struct wr_http *http);

/* ---- http_ws.c: the body is what the server sends after its answer, to an inbox of WR_FRAME_WS */

extern const struct wr_http_wire wr_http_ws_wire;
struct wr_ws_terms;
/* For the user's judge. */
enum wr_http_verdict wr_http_ws_judge(struct wr_http *http);
/* Of an accepted answer. */
const struct wr_ws_terms *wr_http_ws_terms(const struct wr_http *http);
/* Send a frame: a whole message, or a control frame. Where the connection has ended, nothing is sent.
 * 0 or WEIR_ENOMEM. */
int wr_http_ws_send(struct wr_http *http, unsigned opcode, const char *data, size_t len);
/* The close code that wr_http_stop sends. The first one counts; default: 1001. */
void wr_http_ws_close(struct wr_http *http, unsigned code);

/* ---- http_address.c */

struct weir_mistake;
/* For a component's check: 0, or a negative code and the mistake in its argument URL. */
int wr_http_check_url(const char *text, struct weir_mistake *mistake);
/* The same for a URL of ws:// or wss://, and for its arguments header and subprotocol (NULL: none). */
int wr_ws_check(const char *url, const char *const *headers, size_t headers_count,
                const char *protocols, struct weir_mistake *mistake);

#endif
