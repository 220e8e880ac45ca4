/*
 * source_http_parts.h - what the files of the HTTP source share. Private to them.
 *
 *   source_http.c         the generator: pulls, the state, which items are new
 *   source_http_judge.c   what to request, and how to judge the response
 *   source_http_resume.c  after an attempt: the end, another attempt, or the failure
 *   source_http_sse.c     a body that is an event stream
 *   source_http_media.c   a body that is read by its Content-Type
 *   source_http_ws.c      messages of a WebSocket, and its component
 *   source_http_poll.c    a URL that is requested again and again, and its component
 *   source_http_since.c   a field of the items as the position
 *   source_http_open.c    the component
 *
 * The client (http.h) handles requests and responses. These files make one stream of them.
 */
#ifndef WR_SOURCE_HTTP_PARTS_H
#define WR_SOURCE_HTTP_PARTS_H

#include "flow_state.h"
#include "http.h"

struct wr_http_ws;
struct wr_http_poll;
struct wr_http_since;

struct wr_http_source {
    struct weir_gen gen;
    struct wr_inbox inbox;
    struct wr_http http;
    weir_state *state;            /* NULL: none */
    struct wr_state_slot *slot;   /* NULL: no state */
    struct wr_offsets *offsets;   /* the origin's; NULL: no state, or ids */
    struct wr_texts *ids;         /* the origin's, or its fields; NULL: no state, or offsets */
    struct wr_http_since *since;  /* a field of each item is its position; NULL: none is */
    struct wr_state_slot *before; /* the entry of an earlier run, or a new one; NULL: none */
    int32_t retries, follow;
    int64_t idle_ms;  /* the option; 0: the default for the kind of stream */
    uint64_t from;    /* the requested position */
    int64_t begin_at; /* the option: where the first request begins */
    bool to_end;      /* the option */
    bool by_media;    /* the Content-Type of the first response says how the body is read */
    enum wr_media
        others;          /* ... but only of an event stream; all others are this. UNKNOWN: of all */
    bool strict;         /* ... and an item over the limit is a failure */
    enum wr_media media; /* ... as it says */
    char type[64];       /* ... this Content-Type; "": none, or that of an earlier run */
    bool sse;            /* the body is an event stream */
    struct wr_http_ws *ws;     /* the body is a WebSocket's; NULL: it is not */
    struct wr_http_poll *poll; /* it is requested again and again; NULL: it is not */
    size_t ws_charged_bytes;   /* of its decompression, to the budget */
    bool named;                /* ... and was requested from an id on */
    bool opened;               /* the state is attached */
    bool answered;             /* a body has begun */
    bool coded;    /* the body is encoded: positions count decoded bytes, no Range can name them */
    bool finished; /* read to its end without an error */
    bool another;  /* this body is a different version than the last; not logged yet */
    char validator[WR_HTTP_VALIDATOR_MAX];
    int64_t complete;    /* length of the complete body; -1: unknown */
    int tries;           /* attempts in a row without a new item */
    int pauses;          /* pauses since the back-off was reset */
    int64_t given_ns;    /* when the last item was given */
    int64_t answered_ns; /* when this attempt accepted a body; 0: not yet */
    /* new items: a body that cannot be resumed may repeat from its start */
    bool fresh;                 /* no new item was given since the last connect */
    bool begun;                 /* the body's first item was given */
    uint64_t body_begin;        /* position of the body's first byte */
    uint64_t first_hash;        /* of the body's first item */
    uint64_t last_hash;         /* of the last event given */
    uint64_t longest;           /* the most bytes ever given of a body with this first item */
    struct wr_repeats *repeats; /* of what is followed: to leave out what comes again; NULL: not
                                   compared */
    bool broke;                 /* the attempt has failed, and what was held back is given first */
};

enum { WR_HTTP_SOURCE_IDLE_MS = 60 * 1000 };

static inline struct wr_http_source *wr_http_source_of(struct wr_http *http)
{
    return WR_OWNER(http, struct wr_http_source, http);
}

/* source_http_judge.c */
extern const struct wr_http_user wr_http_source_user;
/* The body has ended: was it complete? 0, or a negative code and the failure. */
int wr_http_source_judge_end(struct wr_http_source *source);

/* source_http_resume.c: the attempt has ended and every complete item was given. 0: continue
 * (another attempt is planned, or the end was set in the inbox); negative: the generator has
 * failed. */
int wr_http_source_ended(struct wr_http_source *source);
/* The body has ended and all its items were given. True: the source follows, and another attempt is
 * planned. */
bool wr_http_source_follow(struct wr_http_source *source);
/* Fail the generator with the URL, the failure and the position. Returns the code. */
int wr_http_source_fail(struct wr_http_source *source, const struct wr_http_failure *failure,
                        const char *then);
void wr_http_source_log_another(struct wr_http_source *source);
/* A body is accepted: what is followed is compared with what was given. 0 or WEIR_ENOMEM. */
int wr_http_source_compare(struct wr_http_source *source);
/* Log how a comparison has ended, if it has: after so many items. */
void wr_http_source_log_repeats(struct wr_http_source *source, uint64_t given);

/* source_http.c: do the next step towards a complete item. Negative: the generator has failed. */
int wr_http_source_step(struct wr_http_source *source);
/* With an attached state: keep positions, and continue at the stored one. 0, or the generator has
 * failed. */
int wr_http_source_keep(struct wr_http_source *source);

/* source_http.c: the source of a recording, which it owns also on failure. */
weir_gen *wr_http_source_replay(weir_scope *scope, const char *url, int32_t frame,
                                const weir_http_options *options, struct wr_playback *play);

/* source_http_media.c */
bool wr_http_by_media(struct weir_gen *gen, bool strict, bool json);
enum wr_media wr_http_media(struct weir_gen *gen);
enum wr_media wr_http_media_inside(const struct weir_gen *gen);
/* A response with a body has come. ACCEPTED: it is read as before, or it is the first one; else
 * REFUSED. */
enum wr_http_verdict wr_http_media_judge(struct wr_http_source *source);
/* The attached state has a position: read the body as the earlier run did. 0, or the generator has
 * failed. */
int wr_http_media_resume(struct wr_http_source *source);

/* source_http_sse.c */
int wr_http_sse_ask(struct wr_http_source *source);
enum wr_http_verdict wr_http_sse_judge(struct wr_http_source *source);
/* Is the pause that the server asks for within the limit? False: the failure is set. */
bool wr_http_sse_grants(struct wr_http_source *source);
/* The minimum pause before another attempt; negative: the server asked for none. */
int64_t wr_http_sse_pause_ms(const struct wr_http_source *source);
/* How the next attempt continues, for the log. */
void wr_http_sse_how(const struct wr_http_source *source, char *to, size_t cap);
/* Log that the stream repeats earlier events. */
void wr_http_sse_log_repeat(struct wr_http_source *source);
/* Continue from the stored position of the attached state. 0, or the generator has failed. */
int wr_http_sse_resume(struct wr_http_source *source);
/* With a state: record the ids of the items just given. 0, or the generator has failed. */
int wr_http_sse_given(struct wr_http_source *source, const weir_item *items, size_t count);

/* source_http_since.c */
/* Is this text a path to a field, ".a.b"? */
bool wr_http_since_can(const char *path);
/* True, with *error set: the option does not go with the frame, or is no path. */
bool wr_http_since_wrong(const weir_http_options *o, const char *name, int32_t frame,
                         weir_error *error);
/* 0 or WEIR_ENOMEM. */
int wr_http_since_set(struct wr_http_source *source, const char *path);
void wr_http_since_free(struct wr_http_source *source);
/* A body is accepted: it may begin with repeats. 0, or the generator has failed. */
int wr_http_since_begin(struct wr_http_source *source);
/* These items are given, at least one: record their fields. 0, or the generator has failed. */
int wr_http_since_given(struct wr_http_source *source, const weir_item *items, size_t count);
/* How the next attempt continues, for the log. */
void wr_http_since_how(const struct wr_http_source *source, char *to, size_t cap);
/* With a state: continue from its position. 0, or the generator has failed. */
int wr_http_since_resume(struct wr_http_source *source);

/* source_http_poll.c */
/* How it is requested: 0 or WEIR_ENOMEM. */
int wr_http_poll_ask(struct wr_http_source *source);
enum wr_http_verdict wr_http_poll_judge(struct wr_http_source *source);
/* An answer was read to its end: wait for the time of the next request. */
void wr_http_poll_next(struct wr_http_source *source);
/* Does it go on after this failure, although that is final elsewhere? */
bool wr_http_poll_goes_on(const struct wr_http_source *source,
                          const struct wr_http_failure *failure);
/* source_http.c: as weir_http_lines, every so many milliseconds. */
weir_gen *wr_http_source_poll(struct weir_scope *scope, const char *url, int32_t frame,
                              int64_t every_ms, const weir_http_options *options);
/* 0 or WEIR_ENOMEM. */
int wr_http_poll_set(struct wr_http_source *source, int64_t every_ms);

/* source_http_ws.c */
/* Apply the options. 0, or a code with *error. */
int wr_http_source_set_ws(struct wr_http_source *source, const weir_ws_options *o,
                          const weir_http_options *http, weir_error *error);
enum wr_http_verdict wr_http_source_judge_ws(struct wr_http_source *source);
/* A connection is accepted: prepare to read it, and send the first messages. 0 or WEIR_ENOMEM. */
int wr_http_source_begin_ws(struct wr_http_source *source);
/* After `given` items were taken: answer a ping; if there was none, act on a close frame. 1: it has
 * acted on one: take again; 0; or negative: the generator has failed. May suspend. */
int wr_http_source_tend_ws(struct wr_http_source *source, size_t given);
/* Before the connection is stopped: with which code. */
void wr_http_source_leave_ws(struct wr_http_source *source);
void wr_http_source_free_ws(struct wr_http_source *source);

#endif
