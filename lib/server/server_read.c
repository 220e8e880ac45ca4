/*
 * server_read.c - what a connection receives: a request's head, its body, the bytes behind them.
 *
 * Received bytes are in a buffer of the server that all connections share. It is valid until the
 * next suspension: a request that was received together with the previous one is copied until its
 * turn. All waits for the client end early when another client needs the place, or when the
 * connection is idle and the server stops.
 */
#include <string.h>

#include "base_alloc.h"
#include "server_conn.h"

void wr_conn_limit(struct wr_conn *conn, int64_t ms)
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

int wr_conn_read_more(struct wr_conn *conn, const char *why)
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

enum wr_step wr_conn_refuse(struct wr_conn *conn, int status, const char *why)
{
    (void)weir_reply_refuse(&conn->reply, status, "%s", why);
    return WR_STEP_REFUSE;
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

void wr_conn_release_body(struct wr_conn *conn)
{
    if (conn->body_charged > 0) {
        wr_budget_release_slots(&conn->server->loop->budget, conn->body_charged);
        conn->body_charged = 0;
    }
}

/* Feed the parser until it has `wanted`. */
static enum wr_step feed_until(struct wr_conn *conn, enum wr_http1_got wanted)
{
    for (;;) {
        if (conn->in_len == 0) {
            int rc = wr_conn_read_more(conn, "the rest of a request");
            if (rc == WEIR_ETIMEDOUT) {
                return wr_conn_refuse(conn, 408, "the request took too long to arrive");
            }
            if (rc <= 0) {
                return conn->leaving ? WR_STEP_UNAVAILABLE : WR_STEP_CLOSE;
            }
        }
        size_t used = 0;
        enum wr_http1_got got = wr_http1_feed(conn->parser, conn->in, conn->in_len, &used);
        conn->in += used;
        conn->in_len -= used;
        if (got == WR_HTTP1_ERROR) {
            return wr_conn_refuse(conn, wr_http1_status(conn->parser),
                                  wr_http1_reason(conn->parser));
        }
        if (!charge_body(conn)) {
            return wr_conn_refuse(conn, 503, "no memory for the body");
        }
        if (got == wanted) {
            return WR_STEP_OK;
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

/* Ask the client for the body, unless it comes already. */
static enum wr_step ask_for_body(struct wr_conn *conn)
{
    struct wr_transport *transport = conn->transport;
    char text[] = WR_HTTP1_CONTINUE;
    struct iovec rest = {text, sizeof text - 1};
    while (conn->in_len == 0 && rest.iov_len > 0) {
        int64_t n = transport->ops->write(transport, &rest, 1);
        if (n == WR_AGAIN) {
            n = stops_here(conn) ? WEIR_ECLOSED
                                 : transport->ops->wait(transport, WR_WRITABLE, left_ms(conn),
                                                        "the client to read", &conn->object);
        }
        if (n < 0) {
            return WR_STEP_CLOSE;
        }
        rest.iov_base = (char *)rest.iov_base + n;
        rest.iov_len -= (size_t)n;
    }
    return WR_STEP_OK;
}

/* Can this request be served? Decided before its body, which may take long to arrive. */
static enum wr_step judge(struct wr_conn *conn, const struct wr_http1_request *head)
{
    if (!wr_request_init(&conn->request, head)) {
        return wr_conn_refuse(conn, 400, "invalid path");
    }
    const char *path = conn->request.path;
    const struct wr_route *gets = wr_server_find(conn->server, path, false);
    const struct wr_route *posts = wr_server_find(conn->server, path, true);
    bool is_get = conn->request.is_head || wr_text_is(head->method, "GET");
    if (gets == NULL && posts == NULL) {
        return wr_conn_refuse(conn, 404, "no route for this path");
    }
    conn->request.is_post = wr_text_is(head->method, "POST");
    conn->route = is_get ? gets : conn->request.is_post ? posts : NULL;
    if (conn->route == NULL) {
        conn->reply.allow = posts == NULL ? "GET, HEAD" : gets == NULL ? "POST" : "GET, HEAD, POST";
        return wr_conn_refuse(conn, 405,
                              posts == NULL  ? "only GET and HEAD"
                              : gets == NULL ? "only POST"
                                             : "only GET, HEAD and POST");
    }
    if (wr_http1_expects(head) == WR_HTTP1_EXPECTS_MORE) {
        return wr_conn_refuse(conn, 417, "the only expectation is 100-continue");
    }
    if (conn->route->posts) {
        wr_http1_keep_body(conn->parser);
    } else if (!wr_http1_limit_body(conn->parser, WR_HTTP1_BODY_BYTES_MAX)) {
        return wr_conn_refuse(conn, 413, "the body is too long");
    }
    return WR_STEP_OK;
}

enum wr_step wr_conn_read_request(struct wr_conn *conn, bool first)
{
    struct weir_server *server = conn->server;
    conn->request.head = NULL;
    conn->request.is_head = conn->request.is_post = false;
    conn->request.body = (struct wr_text){"", 0};
    conn->request.loop = server->loop;
    wr_reply_init(&conn->reply, &conn->request, server->loop->now_unix_ns / 1000000000);
    wr_conn_limit(conn, first ? server->head_ms : server->idle_ms);
    if (conn->in_len == 0) {
        conn->idle = true;
        if (!first) {
            wr_server_conn_phase(conn, WR_CONN_KEPT);
        }
        int rc = wr_conn_read_more(conn, "a request");
        conn->idle = false;
        if (rc <= 0) {
            /* Nothing is unread, so the next client need not wait until this one closes. */
            return conn->leaving ? WR_STEP_CUT : WR_STEP_CLOSE;
        }
    }
    if (!first) {
        wr_conn_limit(conn, server->head_ms);
        wr_server_conn_phase(conn, WR_CONN_ASKING);
    }
    if (conn->parser == NULL && (conn->parser = wr_http1_new()) == NULL) {
        return WR_STEP_UNAVAILABLE;
    }
    (void)wr_http1_limit_body(conn->parser, server->body_bytes_max);
    enum wr_step step = feed_until(conn, WR_HTTP1_HEAD);
    if (step != WR_STEP_OK) {
        return step;
    }
    const struct wr_http1_request *head = wr_http1_request(conn->parser);
    step = judge(conn, head);
    if (step == WR_STEP_OK && wr_http1_expects(head) == WR_HTTP1_EXPECTS_CONTINUE) {
        step = ask_for_body(conn);
    }
    if (step == WR_STEP_OK && head->has_body) {
        step = feed_until(conn, WR_HTTP1_DONE);
        conn->request.body = wr_http1_body(conn->parser);
    }
    return step == WR_STEP_OK && !keep_in(conn) ? WR_STEP_UNAVAILABLE : step;
}
