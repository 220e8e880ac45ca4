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

/* ---- serving */

void wr_conn_gone(struct wr_conn *conn)
{
    if (!conn->gone) {
        conn->gone = true;
        if (conn->scope != NULL) {
            weir_scope_cancel(conn->scope); /* end the generators ... */
        }
        wr_task_cancel(conn->task); /* ... and fail the wait of this task */
    }
}

static void on_gone(void *ctx)
{
    wr_conn_gone(ctx);
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
    if (conn->reply.ws != NULL) {
        return wr_reply_ws_put(conn, item, text.data, text.len);
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
    const struct wr_reply_form *form;
    long len;
};

static void write_head(void *arg)
{
    struct head_work *work = arg;
    struct wr_conn *conn = work->conn;
    size_t cap;
    char *to = wr_out_head(&conn->out, &cap);
    work->len = wr_reply_write(&conn->reply, work->form, wr_server_date(conn->server), to, cap);
}

/* The head is made on the loop's stack, because this task would keep the stack that it used. */
static int start_reply(struct wr_conn *conn, const struct wr_reply_form *form)
{
    struct head_work work = {.conn = conn, .form = form};
    wr_call_on_loop_stack(conn->server->loop, write_head, &work);
    wr_reply_fini(&conn->reply);
    if (work.len < 0) {
        return (int)work.len;
    }
    wr_out_wrote_head(&conn->out, (size_t)work.len,
                      form->body == WR_BODY_BY_CHUNKS && !conn->request.is_head);
    return 0;
}

/* A reply without a generator: a refusal, or an empty body. */
static enum wr_step send_short(struct wr_conn *conn, const struct wr_reply_form *form)
{
    int rc = start_reply(conn, form);
    if (rc == 0 && conn->reply.refused && !conn->request.is_head) {
        rc = wr_out_put(&conn->out, conn->reply.refusal, strlen(conn->reply.refusal));
    }
    if (rc == 0) {
        rc = wr_out_drain(&conn->out, false);
    }
    return rc == 0 && !form->close ? WR_STEP_OK : WR_STEP_CLOSE;
}

static enum wr_step send_refusal(struct wr_conn *conn)
{
    struct wr_reply_form form = wr_reply_form_of(&conn->reply, false, false);
    return send_short(conn, &form);
}

/* The body is incomplete. The client detects this by the length or the missing last chunk. If the
 * end of the connection is the end of the body, only a reset shows it. */
static void cut(struct wr_conn *conn, int code, const struct wr_reply_form *form)
{
    const struct wr_transport_ops *ops = conn->transport->ops;
    if ((code == WEIR_ERESET || form->body == WR_BODY_BY_CLOSE) && ops->reset != NULL) {
        ops->reset(conn->transport);
    }
}

/* Send the body. The generator has ended when this returns. */
static enum wr_step send_body(struct wr_conn *conn, weir_gen *gen, const struct wr_reply_form *form)
{
    weir_error error;
    int64_t left = form->body == WR_BODY_BY_LENGTH ? form->length : -1;
    int rc = start_reply(conn, form);
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
        return WR_STEP_CUT;
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
            cut(conn, ended, form);
        }
        return WR_STEP_CUT;
    }
    rc = wr_out_drain(&conn->out, true);
    return rc == 0 && !form->close ? WR_STEP_OK : WR_STEP_CLOSE;
}

/* The same as messages. */
static enum wr_step send_messages(struct wr_conn *conn, weir_gen *gen,
                                  const struct wr_reply_form *form)
{
    weir_error error;
    int64_t left = -1;
    int rc = start_reply(conn, form);
    if (rc == 0) {
        rc = wr_reply_ws_begin(conn);
    }
    if (rc == 0) {
        rc = move_items(conn, gen, &left);
        weir_scratch_free(&conn->scratch);
    }
    conn->out.gone = NULL; /* a client that leaves must not cut the clean-up short */
    forget_cancel(conn);
    int ended = weir_finish(gen, &error);
    if (rc < 0 && ended == 0) {
        ended =
            wr_error_set(&error, rc, 0, "reply", "%s",
                         rc == WEIR_EINVAL ? "a value whose type has no text" : wr_code_text(rc));
    }
    if (ended < 0 && !conn->gone) {
        log_failure(conn, &error);
    }
    wr_reply_ws_ends(conn);
    forget_cancel(conn);
    return wr_reply_ws_close(conn, ended);
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
static void let_stop(struct wr_conn *conn, const struct wr_reply_form *form)
{
    if (form->body != WR_BODY_BY_LENGTH) {
        conn->scope->ignores_stop = false;
        if (conn->task->scope->stopping) {
            weir_scope_stop(conn->scope);
        }
    }
}

static enum wr_step send_reply(struct wr_conn *conn, weir_gen *gen)
{
    struct weir_server *server = conn->server;
    bool keep_alive = conn->request.head->keep_alive && !server->stopping && !conn->leaving;
    if (conn->reply.invalid) {
        (void)weir_reply_refuse(&conn->reply, 500, "the handler's reply is invalid");
    }
    check_condition(conn);
    struct wr_reply_form form = wr_reply_form_of(&conn->reply, gen != NULL, keep_alive);
    let_stop(conn, &form);
    bool pulled =
        gen != NULL && !conn->reply.refused && !conn->request.is_head && form.body != WR_BODY_NONE;
    if (!pulled) {
        weir_discard(gen);
        return send_short(conn, &form);
    }
    return form.body == WR_BODY_BY_MESSAGES ? send_messages(conn, gen, &form)
                                            : send_body(conn, gen, &form);
}

/* Run the handler in its own scope, and send what it returns. */
static enum wr_step serve(struct wr_conn *conn)
{
    struct weir_scope *scope = wr_scope_make(conn->server->loop, conn->task->scope, "request");
    if (scope == NULL) {
        return wr_conn_refuse(conn, 503, "out of memory");
    }
    weir_error error;
    scope->ignores_stop = true; /* until let_stop knows the body */
    scope->stopping = false;
    conn->scope = scope;
    weir_gen *gen = conn->route->handler(scope, &conn->request, &conn->reply, conn->route->ctx);
    enum wr_step step = send_reply(conn, gen);
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

static enum wr_step answer(struct wr_conn *conn, enum wr_step step)
{
    if (wr_out_open(&conn->out) < 0) {
        send_unavailable(conn);
        return WR_STEP_CLOSE;
    }
    wr_server_conn_phase(conn, WR_CONN_SERVED);
    watch_client(conn, true);
    if (step == WR_STEP_OK) {
        step = serve(conn);
    }
    if (step == WR_STEP_REFUSE) {
        step = send_refusal(conn);
    }
    forget_cancel(conn);
    watch_client(conn, false);
    wr_reply_fini(&conn->reply);
    wr_reply_leave_ws(&conn->reply);
    wr_out_close(&conn->out);
    if (conn->out.writer.failure == WEIR_ETIMEDOUT ||
        (conn->out.writer.failure < 0 && conn->leaving)) {
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
    wr_conn_limit(conn, LINGER_MS);
    wr_server_conn_phase(conn, WR_CONN_LINGERING);
    while (sum < LINGER_BYTES && wr_conn_read_more(conn, "the client to close") > 0) {
        sum += conn->in_len;
    }
}

/* Prepare for the next request. A connection that may stay idle keeps no parser. */
static void make_ready(struct wr_conn *conn)
{
    wr_conn_release_body(conn);
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
    enum wr_step step;
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
        step = wr_conn_read_request(conn, !answered);
        if (step == WR_STEP_UNAVAILABLE) {
            send_unavailable(conn);
        } else if (step == WR_STEP_OK || step == WR_STEP_REFUSE) {
            step = answer(conn, step);
            answered = true;
        }
        if (step == WR_STEP_OK) {
            make_ready(conn);
        }
    } while (step == WR_STEP_OK);
    if (answered && step != WR_STEP_CUT && !conn->gone && !wr_scope_canceled(scope)) {
        linger(conn);
    }
    wr_conn_release_body(conn);
    wr_http1_free(conn->parser);
    wr_free(conn->kept_in);
    conn->transport->ops->free(conn->transport);
    wr_server_conn_over(conn);
    return 0;
}
