/*
 * server_conn.c - one connection: a task that reads a request, serves it, and reads the next.
 *
 * States: the TLS handshake, if TLS is served (head_ms); idle, waiting for the first byte
 * (idle_ms); reading a head (head_ms from its first byte, or from the accept; then 408); reading
 * the body of a request that will be served, kept only for a POST (the same limit); serving;
 * lingering: the reply is sent, and the client gets a moment to read it before the connection is
 * closed. Received bytes are in a buffer of the server that all connections share. A request that
 * was received together with the previous one is copied until its turn.
 *
 * While a reply is sent, the socket is watched in case the client leaves. That cancels the wait of
 * this task wherever it is, usually inside the generator, and the generator is ended in the same
 * turn. A client that shuts down its sending side may have left or may still read. The server sends
 * it a byte that comes next in any case, and a client that has left answers with a reset. Between
 * two suspensions only two others use the connection: its writer (server_out.c) and the server. The
 * server fails the wait for the client when another client needs the place, or when the connection
 * is idle and the server stops.
 */
#include <string.h>

#include "base_alloc.h"
#include "bytes_item.h"
#include "bytes_line.h"
#include "server_conn.h"

enum { LINGER_MS = 1000, LINGER_BYTES = 128 * 1024 };

/* How a step of the connection went. */
enum step {
    STEP_OK,          /* continue with the next request */
    STEP_CLOSE,       /* that was the last request */
    STEP_CUT,         /* in the middle of a reply, or between two: no lingering */
    STEP_REFUSE,      /* conn->reply says why */
    STEP_UNAVAILABLE, /* a fixed 503: there is no memory or no time for more */
};

/* ---- reading */

static void set_limit(struct wr_conn *conn, int64_t ms)
{
    int64_t now = wr_now_ns(conn->server->loop);
    conn->until_ns = ms >= 0 && ms < (INT64_MAX - now) / 1000000 ? now + ms * 1000000 : INT64_MAX;
}

static int64_t left_ms(const struct wr_conn *conn)
{
    if (conn->until_ns == INT64_MAX) {
        return -1;
    }
    return WR_MAX(conn->until_ns - wr_now_ns(conn->server->loop) + 999999, 0) / 1000000;
}

/* Another client needs the place, or the server stops between two requests: no more bytes are
 * waited for. */
static bool stops_here(const struct wr_conn *conn)
{
    return conn->leaving || (conn->idle && conn->server->stopping);
}

/* Read more bytes; all previous ones are used. 1: some. 0: the end. Negative: failed or timeout. */
static int read_more(struct wr_conn *conn, const char *why)
{
    struct wr_transport *transport = conn->transport;
    char *to = conn->server->in;
    int64_t n;
    while ((n = transport->ops->read(transport, to, sizeof conn->server->in)) == WR_AGAIN) {
        if (stops_here(conn)) {
            return 0;
        }
        int rc = transport->ops->wait(transport, WR_READABLE, left_ms(conn), why, &conn->object);
        if (rc < 0 && !(rc == WEIR_ECLOSED && stops_here(conn))) {
            return rc;
        }
    }
    conn->in = to;
    conn->in_len = n > 0 ? (size_t)n : 0;
    return n < 0 ? (int)n : n > 0;
}

static enum step refuse(struct wr_conn *conn, int status, const char *why)
{
    (void)weir_reply_refuse(&conn->reply, status, "%s", why);
    return STEP_REFUSE;
}

/* A body is charged to the loop's budget, which bodies may fill up to half. */
static bool charge_body(struct wr_conn *conn)
{
    struct wr_budget *budget = &conn->server->loop->budget;
    size_t len = wr_http1_body(conn->parser).len;
    if (len > conn->body_charged && !wr_budget_charge_slots(budget, len - conn->body_charged)) {
        return false;
    }
    conn->body_charged = WR_MAX(len, conn->body_charged);
    return true;
}

static void release_body(struct wr_conn *conn)
{
    if (conn->body_charged > 0) {
        wr_budget_release_slots(&conn->server->loop->budget, conn->body_charged);
        conn->body_charged = 0;
    }
}

/* Feed the parser until it has `wanted`. */
static enum step feed_until(struct wr_conn *conn, enum wr_http1_got wanted)
{
    for (;;) {
        if (conn->in_len == 0) {
            int rc = read_more(conn, "the rest of a request");
            if (rc == WEIR_ETIMEDOUT) {
                return refuse(conn, 408, "the request took too long to arrive");
            }
            if (rc <= 0) {
                return conn->leaving ? STEP_UNAVAILABLE : STEP_CLOSE;
            }
        }
        size_t used = 0;
        enum wr_http1_got got = wr_http1_feed(conn->parser, conn->in, conn->in_len, &used);
        conn->in += used;
        conn->in_len -= used;
        if (got == WR_HTTP1_ERROR) {
            return refuse(conn, wr_http1_status(conn->parser), wr_http1_reason(conn->parser));
        }
        if (!charge_body(conn)) {
            return refuse(conn, 503, "no memory for the body");
        }
        if (got == wanted) {
            return STEP_OK;
        }
    }
}

/* Copy the bytes of the next request out of the buffer that all connections share. */
static bool keep_in(struct wr_conn *conn)
{
    char *kept = NULL;
    if (conn->in_len > 0) {
        kept = wr_alloc(conn->in_len);
        if (kept == NULL) {
            return false;
        }
        memcpy(kept, conn->in, conn->in_len);
        conn->in = kept;
    }
    wr_free(conn->kept_in);
    conn->kept_in = kept;
    return true;
}

/* Can this request be served? Decided before its body, which may take long to arrive. */
static enum step judge(struct wr_conn *conn, const struct wr_http1_request *head)
{
    if (!wr_request_init(&conn->request, head)) {
        return refuse(conn, 400, "invalid path");
    }
    const char *path = conn->request.path;
    const struct wr_route *gets = wr_server_find(conn->server, path, false);
    const struct wr_route *posts = wr_server_find(conn->server, path, true);
    bool is_get = conn->request.is_head || wr_text_is(head->method, "GET");
    if (gets == NULL && posts == NULL) {
        return refuse(conn, 404, "no route for this path");
    }
    conn->request.is_post = wr_text_is(head->method, "POST");
    conn->route = is_get ? gets : conn->request.is_post ? posts : NULL;
    if (conn->route == NULL) {
        conn->reply.allow = posts == NULL ? "GET, HEAD" : gets == NULL ? "POST" : "GET, HEAD, POST";
        return refuse(conn, 405,
                      posts == NULL  ? "only GET and HEAD"
                      : gets == NULL ? "only POST"
                                     : "only GET, HEAD and POST");
    }
    if (head->has_body && wr_http1_header(head, "Expect").data != NULL) {
        return refuse(conn, 417,
                      conn->route->posts ? "send the body without Expect" : "no body is expected");
    }
    if (conn->route->posts) {
        wr_http1_keep_body(conn->parser);
    } else if (!wr_http1_limit_body(conn->parser, WR_HTTP1_BODY_BYTES_MAX)) {
        return refuse(conn, 413, "the body is too long");
    }
    return STEP_OK;
}

/* Wait for a request and read its head, and its body if it has one. */
static enum step read_request(struct wr_conn *conn, bool first)
{
    struct weir_server *server = conn->server;
    conn->request.head = NULL;
    conn->request.is_head = conn->request.is_post = false;
    conn->request.body = (struct wr_text){"", 0};
    conn->request.loop = server->loop;
    wr_reply_init(&conn->reply, &conn->request, server->loop->now_unix_ns / 1000000000);
    set_limit(conn, first ? server->head_ms : server->idle_ms);
    if (conn->in_len == 0) {
        conn->idle = true;
        if (!first) {
            wr_server_conn_phase(conn, WR_CONN_KEPT);
        }
        int rc = read_more(conn, "a request");
        conn->idle = false;
        if (rc <= 0) {
            /* Nothing is unread, so the next client need not wait until this one closes. */
            return conn->leaving ? STEP_CUT : STEP_CLOSE;
        }
    }
    if (!first) {
        set_limit(conn, server->head_ms);
        wr_server_conn_phase(conn, WR_CONN_ASKING);
    }
    if (conn->parser == NULL && (conn->parser = wr_http1_new()) == NULL) {
        return STEP_UNAVAILABLE;
    }
    (void)wr_http1_limit_body(conn->parser, server->body_bytes_max);
    enum step step = feed_until(conn, WR_HTTP1_HEAD);
    if (step != STEP_OK) {
        return step;
    }
    const struct wr_http1_request *head = wr_http1_request(conn->parser);
    step = judge(conn, head);
    if (step == STEP_OK && head->has_body) {
        step = feed_until(conn, WR_HTTP1_DONE);
        conn->request.body = wr_http1_body(conn->parser);
    }
    return step == STEP_OK && !keep_in(conn) ? STEP_UNAVAILABLE : step;
}

/* ---- serving */

static void on_gone(void *ctx)
{
    struct wr_conn *conn = ctx;
    if (!conn->gone) {
        conn->gone = true;
        if (conn->scope != NULL) {
            weir_scope_cancel(conn->scope); /* end the generators ... */
        }
        wr_task_cancel(conn->task); /* ... and fail the wait of this task */
    }
}

/* The client sends no more. It may have left: only a byte sent to it shows that. */
static void on_hangup(void *ctx)
{
    struct wr_conn *conn = ctx;
    struct wr_transport *transport = conn->transport;
    if (transport->ops->watch_broken == NULL) {
        on_gone(conn);
        return;
    }
    transport->ops->watch_broken(transport, on_gone, conn);
    wr_out_probe(&conn->out);
}

/* The client has left, and a cancel reported it to this task. The clean-up must not be canceled. */
static void forget_cancel(struct wr_conn *conn)
{
    if (conn->gone && conn->task->scope->state == WR_SCOPE_OPEN) {
        conn->task->cancel_due = false;
    }
}

static void watch_client(struct wr_conn *conn, bool on)
{
    struct wr_transport *transport = conn->transport;
    conn->out.gone = on ? on_gone : NULL;
    transport->ops->watch_hangup(transport, on ? on_hangup : NULL, conn);
}

static void on_stall(void *ctx, bool on)
{
    struct wr_conn *conn = ctx;
    if (on) {
        conn->unread = wr_out_unread(&conn->out);
        wr_server_conn_phase(conn, WR_CONN_STALLED);
    } else if (conn->phase == WR_CONN_STALLED) {
        wr_server_conn_phase(conn, WR_CONN_SERVED);
    }
}

static int put_item(struct wr_conn *conn, const weir_item *item, int64_t *left, bool *open_line)
{
    weir_slice text;
    int rc = weir_item_text(item, &text, &conn->scratch);
    if (rc < 0) {
        return rc;
    }
    struct wr_line_ends ends = {.end = ""};
    if (conn->reply.body == WEIR_BODY_LINES) {
        ends = wr_line_ends(item->flags, open_line);
    }
    struct wr_text parts[3] = {
        {"\n", ends.before ? 1 : 0}, {text.data, text.len}, {ends.end, ends.len}};
    for (int i = 0; i < 3; i++) {
        if (*left >= 0 && (*left -= (int64_t)parts[i].len) < 0) {
            return WEIR_ETOOLONG;
        }
        rc = wr_out_put(&conn->out, parts[i].data, parts[i].len);
        if (rc < 0) {
            return rc;
        }
    }
    return 0;
}

/* Write the generator's items. 0 at its end; *left: bytes that were promised and are missing. */
static int move_items(struct wr_conn *conn, weir_gen *gen, int64_t *left)
{
    bool open_line = false;
    size_t count;
    while ((count = weir_next_many(gen, conn->items, sizeof conn->items / sizeof *conn->items)) >
           0) {
        for (size_t i = 0; i < count; i++) {
            const weir_item *parts;
            size_t n = weir_item_parts(&conn->items[i], &parts);
            for (size_t k = 0; k < n; k++) {
                int rc = put_item(conn, &parts[k], left, &open_line);
                if (rc < 0) {
                    return rc;
                }
            }
        }
    }
    return 0;
}

static void log_failure(struct wr_conn *conn, const weir_error *error)
{
    wr_log(&conn->server->loop->log, WR_LOG_WARNING, conn->server->name, "%s: %s: %s",
           conn->request.path, error->origin, error->message);
}

struct head_work {
    struct wr_conn *conn;
    const struct wr_plan *plan;
    long len;
};

static void write_head(void *arg)
{
    struct head_work *work = arg;
    struct wr_conn *conn = work->conn;
    size_t cap;
    char *to = wr_out_head(&conn->out, &cap);
    work->len = wr_reply_write(&conn->reply, work->plan, wr_server_date(conn->server), to, cap);
}

/* The head is made on the loop's stack, because this task would keep the stack that it used. */
static int start_reply(struct wr_conn *conn, const struct wr_plan *plan)
{
    struct head_work work = {.conn = conn, .plan = plan};
    wr_call_on_loop_stack(conn->server->loop, write_head, &work);
    wr_reply_fini(&conn->reply);
    if (work.len < 0) {
        return (int)work.len;
    }
    wr_out_wrote_head(&conn->out, (size_t)work.len,
                      plan->framing == WR_FRAME_CHUNKED && !conn->request.is_head);
    return 0;
}

/* A reply without a generator: a refusal, or an empty body. */
static enum step send_short(struct wr_conn *conn, const struct wr_plan *plan)
{
    int rc = start_reply(conn, plan);
    if (rc == 0 && conn->reply.refused && !conn->request.is_head) {
        rc = wr_out_put(&conn->out, conn->reply.refusal, strlen(conn->reply.refusal));
    }
    if (rc == 0) {
        rc = wr_out_drain(&conn->out, false);
    }
    return rc == 0 && !plan->close ? STEP_OK : STEP_CLOSE;
}

static enum step send_refusal(struct wr_conn *conn)
{
    struct wr_plan plan = wr_reply_plan(&conn->reply, false, false);
    return send_short(conn, &plan);
}

/* The body is incomplete. The client detects this by the length or the missing last chunk. If the
 * end of the connection is the end of the body, only a reset shows it. */
static void cut(struct wr_conn *conn, int code, const struct wr_plan *plan)
{
    const struct wr_transport_ops *ops = conn->transport->ops;
    if ((code == WEIR_ERESET || plan->framing == WR_FRAME_CLOSE) && ops->reset != NULL) {
        ops->reset(conn->transport);
    }
}

/* Send the body. The generator has ended when this returns. */
static enum step send_body(struct wr_conn *conn, weir_gen *gen, const struct wr_plan *plan)
{
    weir_error error;
    int64_t left = plan->framing == WR_FRAME_LENGTH ? plan->length : -1;
    int rc = start_reply(conn, plan);
    if (rc == 0) {
        rc = move_items(conn, gen, &left);
        weir_scratch_free(&conn->scratch);
    }
    if (rc < 0) {
        watch_client(conn, false); /* a client that leaves must not cut the clean-up short */
    }
    forget_cancel(conn);
    int ended = weir_finish(gen, &error);
    if (conn->gone || (rc < 0 && rc != WEIR_ETOOLONG && rc != WEIR_EINVAL)) {
        return STEP_CUT;
    }
    if (ended == 0 && rc == WEIR_EINVAL) {
        ended = wr_error_set(&error, rc, 0, "reply", "a value whose type has no text");
    } else if (ended == 0 && (rc == WEIR_ETOOLONG || left > 0)) {
        ended = wr_error_set(&error, WEIR_ETRUNCATED, 0, "reply", "%s bytes than Content-Length",
                             left > 0 ? "fewer" : "more");
    }
    if (ended < 0) {
        log_failure(conn, &error);
        if (ended != WEIR_ECANCELED && wr_out_rewind(&conn->out)) {
            (void)weir_reply_refuse(&conn->reply, 500, "%s", wr_code_text(ended));
            return send_refusal(conn);
        }
        if (wr_out_drain(&conn->out, false) == 0) { /* send what was given, then cut */
            cut(conn, ended, plan);
        }
        return STEP_CUT;
    }
    rc = wr_out_drain(&conn->out, true);
    return rc == 0 && !plan->close ? STEP_OK : STEP_CLOSE;
}

/* If a precondition fails, the body is not needed, or is of another version: send no body. */
static void check_condition(struct wr_conn *conn)
{
    weir_reply *reply = &conn->reply;
    if (reply->refused || reply->status < 200 || reply->status > 299) {
        return;
    }
    int status = wr_reply_condition(reply);
    if (status == 412) {
        (void)weir_reply_refuse(reply, 412, "the version does not match");
    } else if (status == 304) {
        reply->status = 304;
    }
}

/* A stop of the server ends a body that may be endless. A body with a Content-Length is sent
 * completely. */
static void let_stop(struct wr_conn *conn, const struct wr_plan *plan)
{
    if (plan->framing != WR_FRAME_LENGTH) {
        conn->scope->unstopped = false;
        if (conn->task->scope->stopping) {
            weir_scope_stop(conn->scope);
        }
    }
}

static enum step send_reply(struct wr_conn *conn, weir_gen *gen)
{
    struct weir_server *server = conn->server;
    bool keep_alive = conn->request.head->keep_alive && !server->stopping && !conn->leaving;
    if (conn->reply.faulty) {
        (void)weir_reply_refuse(&conn->reply, 500, "the handler's reply is invalid");
    }
    check_condition(conn);
    struct wr_plan plan = wr_reply_plan(&conn->reply, gen != NULL, keep_alive);
    let_stop(conn, &plan);
    bool pulled = gen != NULL && !conn->reply.refused && !conn->request.is_head &&
                  plan.framing != WR_FRAME_NO_BODY;
    if (!pulled) {
        weir_discard(gen);
        return send_short(conn, &plan);
    }
    return send_body(conn, gen, &plan);
}

/* Run the handler in its own scope, and send what it returns. */
static enum step serve(struct wr_conn *conn)
{
    struct weir_scope *scope = wr_scope_make(conn->server->loop, conn->task->scope, "request");
    if (scope == NULL) {
        return refuse(conn, 503, "out of memory");
    }
    weir_error error;
    scope->unstopped = true; /* until let_stop knows the body */
    scope->stopping = false;
    conn->scope = scope;
    weir_gen *gen = conn->route->handler(scope, &conn->request, &conn->reply, conn->route->ctx);
    enum step step = send_reply(conn, gen);
    watch_client(conn, false); /* a client that leaves must not cut the clean-up short */
    forget_cancel(conn);
    conn->scope = NULL;
    weir_scope_cancel(scope);
    if (weir_scope_wait(scope, &error) < 0) {
        log_failure(conn, &error);
    }
    return step;
}

/* The fixed 503, when there is no memory, or the connection is closed for another client. */
static void send_unavailable(struct wr_conn *conn)
{
    static const char text[] =
        "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
    char copy[sizeof text];
    memcpy(copy, text, sizeof text);
    struct iovec piece = {copy, sizeof text - 1};
    (void)conn->transport->ops->write(conn->transport, &piece, 1);
}

/* The client does not read, so it will not read the bytes in the kernel either: drop them. */
static void drop_unread(struct wr_conn *conn)
{
    if (conn->transport->ops->reset != NULL) {
        conn->transport->ops->reset(conn->transport);
    }
}

static enum step answer(struct wr_conn *conn, enum step step)
{
    if (wr_out_open(&conn->out) < 0) {
        send_unavailable(conn);
        return STEP_CLOSE;
    }
    wr_server_conn_phase(conn, WR_CONN_SERVED);
    watch_client(conn, true);
    if (step == STEP_OK) {
        step = serve(conn);
    }
    if (step == STEP_REFUSE) {
        step = send_refusal(conn);
    }
    forget_cancel(conn);
    watch_client(conn, false);
    wr_reply_fini(&conn->reply);
    wr_out_close(&conn->out);
    if (conn->out.failure == WEIR_ETIMEDOUT || (conn->out.failure < 0 && conn->leaving)) {
        drop_unread(conn);
    }
    return step;
}

/* ---- the task of a connection */

/* Closing with unread bytes resets the connection, and the client may lose the reply. So the
 * sending side is shut down first; then what the client still sends is read and dropped, until the
 * client closes or a limit is reached. */
static void linger(struct wr_conn *conn)
{
    size_t sum = 0;
    conn->transport->ops->shut(conn->transport);
    set_limit(conn, LINGER_MS);
    wr_server_conn_phase(conn, WR_CONN_LINGERING);
    while (sum < LINGER_BYTES && read_more(conn, "the client to close") > 0) {
        sum += conn->in_len;
    }
}

/* Prepare for the next request. A connection that may stay idle keeps no parser. */
static void make_ready(struct wr_conn *conn)
{
    release_body(conn);
    if (conn->in_len > 0) {
        wr_http1_next(conn->parser);
        return;
    }
    wr_http1_free(conn->parser);
    conn->parser = NULL;
}

/* The TLS handshake. False: it failed. */
static bool shake_hands(struct wr_conn *conn)
{
    struct weir_server *server = conn->server;
    weir_error error;
    conn->idle = true;
    conn->transport = wr_tls_start(server->tls, conn->transport, NULL, "a client", server->head_ms,
                                   &conn->object, &error);
    conn->idle = false;
    if (conn->transport == NULL && !conn->leaving && !server->stopping) {
        wr_log(&server->loop->log, WR_LOG_WARNING, server->name, "%s", error.message);
    }
    return conn->transport != NULL;
}

int wr_conn_main(weir_scope *scope, void *args)
{
    struct wr_conn *conn = *(struct wr_conn **)args;
    struct weir_server *server = conn->server;
    enum step step;
    bool answered = false;
    conn->task = wr_task_now(server->loop, "a connection");
    if (server->tls != NULL && !shake_hands(conn)) {
        wr_server_conn_over(conn);
        return 0;
    }
    wr_out_init(&conn->out, conn->transport, scope, &conn->object);
    conn->out.stall_ms = server->stall_ms;
    conn->out.stalls = on_stall;
    conn->out.ctx = conn;
    do {
        step = read_request(conn, !answered);
        if (step == STEP_UNAVAILABLE) {
            send_unavailable(conn);
        } else if (step == STEP_OK || step == STEP_REFUSE) {
            step = answer(conn, step);
            answered = true;
        }
        if (step == STEP_OK) {
            make_ready(conn);
        }
    } while (step == STEP_OK);
    if (answered && step != STEP_CUT && !conn->gone && !wr_scope_canceled(scope)) {
        linger(conn);
    }
    release_body(conn);
    wr_http1_free(conn->parser);
    wr_free(conn->kept_in);
    conn->transport->ops->free(conn->transport);
    wr_server_conn_over(conn);
    return 0;
}
