/*
 * source_http_parts.h - what the files of the HTTP source share. Not for others.
 *
 *   source_http.c         the generator: pulls, the state, what is news
 *   source_http_judge.c   what is asked for, and what an answer is worth
 *   source_http_resume.c  when an attempt has ended: the end, another one, or the failure
 *   source_http_sse.c     where the body is an event stream
 *   source_http_open.c    the component
 *
 * Requests and their answers are the client's (http.h). Here is what makes one stream of them.
 */
#ifndef WR_SOURCE_HTTP_PARTS_H
#define WR_SOURCE_HTTP_PARTS_H

#include "flow_state.h"
#include "http.h"

struct wr_http_source {
    struct weir_gen gen;
    struct wr_inbox inbox;
    struct wr_http http;
    weir_state *state;                  /* NULL: none */
    struct wr_state_slot *slot;         /* NULL: no state */
    struct wr_offsets *offsets;         /* the origin's; NULL: no state, or ids */
    struct wr_texts *ids;               /* the origin's; NULL: no state, or offsets */
    const struct wr_state_slot *before; /* what an earlier run has left; NULL: nothing */
    int32_t retries, follow;
    int64_t idle_ms; /* as asked for; 0: by what the stream is */
    uint64_t from;   /* the position asked for */
    bool sse;        /* the body is an event stream */
    bool named;      /* ... that was asked for behind an id */
    bool opened;     /* the state is attached */
    bool answered;   /* a body has begun */
    bool coded;    /* the body is encoded: positions count decoded bytes, no Range can name them */
    bool finished; /* read to its proper end */
    bool another;  /* this body is another version than the one before, which is to be told */
    char validator[WR_HTTP_VALIDATOR_MAX];
    int64_t complete;    /* length of the whole, -1: not known */
    int tries;           /* attempts in a row without news */
    int pauses;          /* ... since the back-off has started anew */
    int64_t answered_ns; /* when a body was accepted by this attempt; 0: none was */
    /* news: a body that cannot be resumed may come again from its start */
    bool fresh;          /* no news was given since the last connect */
    bool begun;          /* its first line was given */
    uint64_t body_begin; /* position of its first byte */
    uint64_t first_hash; /* of its first line */
    uint64_t last_hash;  /* of the event that was given last */
    uint64_t longest;    /* bytes given of a body with this first line, at most */
};

enum { WR_HTTP_SOURCE_IDLE_MS = 60 * 1000 };

static inline struct wr_http_source *wr_http_source_of(struct wr_http *http)
{
    return WR_OWNER(http, struct wr_http_source, http);
}

/* source_http_judge.c */
extern const struct wr_http_user wr_http_source_user;
/* The body has ended: was it all that there is? 0, or a negative code and the failure. */
int wr_http_source_judge_end(struct wr_http_source *source);

/* source_http_resume.c: the attempt is over and every whole item has been given. 0: go on (another
 * attempt is planned, the end was set in the inbox); negative: the generator has failed. */
int wr_http_source_ended(struct wr_http_source *source);
/* The body has ended, and every item of it was given. True: it is followed, and another attempt is
 * planned. */
bool wr_http_source_follow(struct wr_http_source *source);
/* Fail the generator: where, what, how far. Returns the code. */
int wr_http_source_fail(struct wr_http_source *source, const struct wr_http_failure *failure,
                        const char *then);
void wr_http_source_log_another(struct wr_http_source *source);

/* source_http_sse.c */
int wr_http_sse_ask(struct wr_http_source *source);
enum wr_http_verdict wr_http_sse_judge(struct wr_http_source *source);
/* May the server ask for the pause that it asks for? False: the failure is set. */
bool wr_http_sse_grants(struct wr_http_source *source);
/* The least pause before another attempt; negative: none was asked for. */
int64_t wr_http_sse_pause_ms(const struct wr_http_source *source);
/* How it is asked for again, for the log. */
void wr_http_sse_how(const struct wr_http_source *source, char *to, size_t cap);
/* The stream begins with what was given before. */
void wr_http_sse_log_repeat(struct wr_http_source *source);
/* A state is attached: go on from what it has stored. 0, or the generator has failed. */
int wr_http_sse_resume(struct wr_http_source *source);
/* These items were given, and there is a state: note their ids. 0, or the generator has failed. */
int wr_http_sse_given(struct wr_http_source *source, const weir_item *items, size_t count);

#endif
