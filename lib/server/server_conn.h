/*
 * server_conn.h - what the files of the server share. Internal.
 *
 * server_core.c    the server, its routes, accepting
 * server_conn.c    one connection: requests one after another, until it is closed
 * server_read.c    what it receives
 * server_reply.c   what a handler sets, and the head made from it
 * server_request.c what a handler can read of a request
 * server_condition.c conditional requests: whether the client's copy is still valid
 * server_out.c     output to the client
 * server_ws.c      a reply that is a WebSocket
 */
#ifndef WR_SERVER_CONN_H
#define WR_SERVER_CONN_H

#include <weir/server.h>

#include "codec_date.h"
#include "codec_http1.h"
#include "loop_scope.h"
#include "loop_tls.h"
#include "loop_writer.h"

/* ---- output */

enum {
    WR_OUT_BYTES_SMALL = 4 * 1024, /* buffered for a client that reads slowly ... */
    WR_OUT_BYTES = 64 * 1024,      /* ... and for one that reads as fast as the server writes */
    WR_OUT_CHUNK_HEAD = 7          /* "0ffff\r\n": a fixed width, so that it can be filled later */
};

struct wr_out {
    struct wr_writer writer;
    void (*gone)(void *ctx);            /* a write failed and no put waits: called once */
    void (*stalls)(void *ctx, bool on); /* a wait for the client to read begins, or ends */
    void *ctx;
    void (*written)(void *ctx); /* all is written: it may put with wr_out_put_now; NULL: not told */
    void *written_ctx;
    int64_t stall_ms;         /* < 0: no limit */
    char *small;              /* NULL: not open */
    struct weir_block *large; /* borrowed while it holds bytes; NULL: none */
    char *bytes;              /* of the buffer in use, small or large */
    size_t cap;
    size_t start, sealed, len; /* [start, sealed): can be sent. [sealed, len): the open chunk */
    uint64_t put;              /* bytes of the body, since wr_out_open */
    bool sent;                 /* some bytes, since wr_out_open */
    bool chunked;
    bool headed;      /* the head is in the buffer, or sent */
    bool probed_head; /* the first byte of the head is sent already */
    struct wr_before_poll hook;
};

void wr_out_init(struct wr_out *out, struct wr_transport *transport, struct weir_scope *scope,
                 struct wr_object *of);
/* Get a buffer. 0 or WEIR_ENOMEM. */
int wr_out_open(struct wr_out *out);
/* Free the buffer and drop what is still in it. Suspends only until the writer has ended. */
void wr_out_close(struct wr_out *out);
/* The place for a head, and *cap bytes of room. After writing, call wr_out_wrote_head. */
char *wr_out_head(struct wr_out *out, size_t *cap);
void wr_out_wrote_head(struct wr_out *out, size_t len, bool chunked);
/* Take all bytes; suspends while the buffer is full. Bytes are sent when the buffer is full, or
 * before the loop polls. 0 or a negative code, which is sticky. */
int wr_out_put(struct wr_out *out, const char *data, size_t len);
/* The same without a wait. False: there is no room now, or a failure. */
bool wr_out_put_now(struct wr_out *out, const char *data, size_t len);
/* Suspend until everything is written. last: end a chunked body first. */
int wr_out_drain(struct wr_out *out, bool last);
/* The client has shut down its sending side: it may have left, or may still read. If no bytes are
 * pending, send the one byte that comes next in any case: a client that has left answers with a
 * reset. Not possible for a body without chunks, where only the next item detects it. */
void wr_out_probe(struct wr_out *out);
/* The written bytes that the client has not taken yet; -1: unknown. */
int64_t wr_out_unread(const struct wr_out *out);
/* Drop the head, if no byte of a body was put and nothing was sent. False: too late. */
bool wr_out_rewind(struct wr_out *out);

/* ---- what a handler sees */

struct weir_request {
    const struct weir_loop *loop;
    const struct wr_http1_request *head;
    struct wr_text body; /* of a POST */
    bool is_head, is_post;
    char path[512];
};

/* Headers that the handler has set itself. */
struct wr_reply_headers {
    struct wr_http1_header all[16];
    size_t count, text_len;
    char text[1024];
};

struct weir_reply {
    const weir_request *request;
    int status;
    int body;
    int64_t length;       /* of the whole; -1: unknown */
    int64_t first, count; /* the part; count -1: the whole */
    int64_t now_s;        /* when the reply began: seconds since 1970 */
    int64_t modified_s;   /* dated: Last-Modified */
    bool dated;
    bool ranged;       /* weir_reply_range was called */
    bool refused;      /* an error: the text is the body */
    bool invalid;      /* the handler set a value that cannot be sent */
    const char *allow; /* the allowed methods of a 405; NULL: not a 405 */
    char type[96], etag[96], refusal[200];
    struct wr_reply_headers *headers; /* until the head is written; NULL: none */
    struct wr_reply_ws *ws;           /* weir_reply_websocket has accepted; NULL: it is not one */
};

/* Called first in each public function that takes a request, or the reply to one. */
static inline void wr_request_given(const struct weir_request *request, const char *verb)
{
    WR_ASSERT(request != NULL, "%s: the request is NULL", verb);
    wr_loop_given(request->loop, verb);
}
static inline void wr_reply_given(const struct weir_reply *reply, const char *verb)
{
    WR_ASSERT(reply != NULL, "%s: the reply is NULL", verb);
    wr_request_given(reply->request, verb);
}

void wr_reply_init(weir_reply *reply, const weir_request *request, int64_t now_s);
/* Call when the head is written, or will not be written. */
void wr_reply_fini(weir_reply *reply);
/* False: the target cannot be decoded. */
bool wr_request_init(weir_request *request, const struct wr_http1_request *head);

/* How the body is delimited. */
enum wr_body_by {
    WR_BODY_NONE = 0,
    WR_BODY_BY_LENGTH,
    WR_BODY_BY_CHUNKS,
    WR_BODY_BY_CLOSE,
    WR_BODY_BY_MESSAGES /* of a WebSocket */
};
struct wr_reply_form {
    enum wr_body_by body;
    int64_t length; /* of the body to send, with WR_BODY_BY_LENGTH */
    bool close;     /* the connection ends with this reply */
};
/* Decide how to send the reply. has_body: there is a generator. */
struct wr_reply_form wr_reply_form_of(const weir_reply *reply, bool has_body, bool keep_alive);
/* Write the head. Its length or a negative code. */
long wr_reply_write(const weir_reply *reply, const struct wr_reply_form *form, const char *date,
                    char *to, size_t cap);

/* Do the request's preconditions hold for this successful reply? 0: they do; else 304 or 412. */
int wr_reply_condition(const weir_reply *reply);
/* Is this the version that If-Range names? True without an If-Range. */
bool wr_reply_range_holds(const weir_reply *reply);
/* The value of Range; absent (NULL data) unless there is exactly one. */
struct wr_text wr_reply_range_asked(const weir_reply *reply);

/* ---- the server and its connections */

struct wr_route {
    char *path;
    size_t len;
    bool prefix;
    bool posts; /* POST, not GET and HEAD */
    weir_handler *handler;
    void *ctx;
};

/* What a connection waits for, in the order in which connections are closed for a client that waits
 * to be accepted. */
enum wr_conn_phase {
    WR_CONN_LEAVING = 0, /* to end: it is being closed already */
    WR_CONN_KEPT,        /* for the next request */
    WR_CONN_LINGERING,   /* for the client to close */
    WR_CONN_ASKING,      /* for the first request, or the rest of a later one; for a moment it is
                            closed after those that stall */
    WR_CONN_STALLED,     /* for the client to read */
    WR_CONN_SERVED,      /* for the handler's generator: it is not closed */
    WR_CONN_PHASES
};

struct weir_server {
    struct weir_loop *loop;
    struct wr_object object;  /* in the scope that the server was made in */
    struct weir_scope *scope; /* the server's own: all its tasks */
    struct wr_listener *listener;
    weir_error failure; /* code 0: none */
    int port;
    bool stopping;
    struct wr_route *routes;
    size_t routes_count;
    struct wr_list conns[WR_CONN_PHASES]; /* each list in the order of entry */
    size_t conns_count, conns_max;
    bool full; /* accepting waits for room */
    bool news; /* a connection has ended or changed its phase since the last search for room */
    int64_t head_ms, idle_ms, stall_ms;
    size_t body_bytes_max; /* of a POST */
    struct wr_tls *tls;    /* NULL: plain */
    char in[4096];         /* what the running connection has just received */
    int64_t date_s;
    char date[WR_HTTP_DATE_TEXT];
    char name[32];
};

struct wr_conn {
    struct wr_object object; /* in the server's scope */
    struct wr_list link;     /* in the server's conns of its phase */
    enum wr_conn_phase phase;
    int64_t since_ns; /* when it entered this phase */
    int64_t unread;   /* STALLED: what the client had not taken at since_ns */
    struct weir_server *server;
    struct wr_transport *transport;
    struct wr_task *task;
    struct weir_scope *scope; /* of the request being served; NULL: none */
    struct wr_http1 *parser;  /* NULL between two requests */
    struct wr_out out;
    bool idle;        /* waits for the first byte of a request */
    bool leaving;     /* another client needs its place: no more waits for this client */
    bool gone;        /* the client has left */
    int64_t until_ns; /* deadline of the current head or wait; INT64_MAX: no limit */
    weir_request request;
    const struct wr_route *route;
    weir_reply reply;
    weir_item items[16];
    weir_scratch scratch; /* for the texts of values */
    const char *in;       /* received and not used yet: in server->in until the connection waits */
    size_t in_len;
    size_t body_charged; /* to the loop's budget */
    char *kept_in;       /* bytes of the request after the one that is served */
};

/* How a step of the connection went. */
enum wr_step {
    WR_STEP_OK,          /* continue with the next request */
    WR_STEP_CLOSE,       /* that was the last request */
    WR_STEP_CUT,         /* in the middle of a reply, or between two: no lingering */
    WR_STEP_REFUSE,      /* conn->reply says why */
    WR_STEP_UNAVAILABLE, /* a fixed 503: there is no memory or no time for more */
};

/* How long the next waits of the connection may take together; < 0: no limit. */
void wr_conn_limit(struct wr_conn *conn, int64_t ms);
/* Read more bytes; all previous ones are used. 1: some. 0: the end. Negative: failed or timeout. */
int wr_conn_read_more(struct wr_conn *conn, const char *why);
/* Wait for a request and read its head, and its body if it has one. */
enum wr_step wr_conn_read_request(struct wr_conn *conn, bool first);
/* The body is no longer needed: it is not charged any more. */
void wr_conn_release_body(struct wr_conn *conn);
enum wr_step wr_conn_refuse(struct wr_conn *conn, int status, const char *why);

/* The client has left: end the request, and fail the wait of the connection's task. */
void wr_conn_gone(struct wr_conn *conn);

/* ---- a reply that is a WebSocket: reply.ws */

/* Its headers, in addition to the usual ones. Returns how many. */
size_t wr_reply_ws_headers(const weir_reply *reply, struct wr_http1_header to[4]);
/* The head is written: read what the client sends. 0 or WEIR_ENOMEM; in both cases wr_reply_ws_ends
 * and wr_reply_ws_close follow. */
int wr_reply_ws_begin(struct wr_conn *conn);
/* Put an item, or a piece of one. Suspends. 0, or a code. */
int wr_reply_ws_put(struct wr_conn *conn, const weir_item *item, const char *data, size_t len);
/* The generator has ended: from now on wr_conn_gone is not called for what the client sends. */
void wr_reply_ws_ends(struct wr_conn *conn);
/* Then send a close frame, if the client is there, and read no more. code: why the generator has
 * failed; 0: it has not. Suspends. */
enum wr_step wr_reply_ws_close(struct wr_conn *conn, int code);
/* Free it, if there is one. */
void wr_reply_leave_ws(weir_reply *reply);

/* The task of a connection; args: a struct wr_conn *, which it frees. */
int wr_conn_main(weir_scope *scope, void *args);
/* Enter a phase: the connection waits for something else from now on. */
void wr_server_conn_phase(struct wr_conn *conn, enum wr_conn_phase phase);
/* A connection has ended: free it. */
void wr_server_conn_over(struct wr_conn *conn);
/* The route for a path; NULL: there is none. */
const struct wr_route *wr_server_find(const struct weir_server *server, const char *path,
                                      bool posts);
/* The current time in the form "Sat, 21 Nov 2026 03:57:50 GMT". */
const char *wr_server_date(struct weir_server *server);

#endif
