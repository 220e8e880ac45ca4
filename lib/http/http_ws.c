/*
 * http_ws.c - a wire of WebSocket connections (http.h): the handshake is the request and its answer,
 * what the server sends after it is the body, and the user may send messages.
 *
 * Each attempt has a task that connects, sends the request, reads, pings, and says goodbye. It never
 * reads while the user's inbox is full: a slow reader slows the server down. Meanwhile it still sends
 * pings, but no pong is missed, because none is read.
 *
 * What is to be sent is in http_ws_send.c, and a second task may write it.
 *
 * stop waits for both tasks. If the connection is good, the first one sends a close frame before it
 * ends, and waits CLOSE_MS for the server to close: so messages that were sent are not lost by a
 * reset.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base_alloc.h"
#include "http_ws_parts.h"

enum { CLOSE_MS = 1000 };

static void interrupt_task(struct wr_task *task)
{
    if (task != NULL && task->state == WR_TASK_PARKED) {
        wr_wake(task, WEIR_ECLOSED);
    } else if (task != NULL && task->state == WR_TASK_READY) {
        task->wake_code = WEIR_ECLOSED;
    }
}

void wr_ws_fail(struct wr_ws_wire *wire, int code, int detail, const char *text)
{
    if (wire->error.code == 0) {
        wr_error_set(&wire->error, code, detail, "ws", "%s", text);
    }
}

void wr_ws_fail_transport(struct wr_ws_wire *wire, int code)
{
    const struct wr_transport *t = wire->transport;
    wr_ws_fail(wire, code, t->detail,
               t->reason != NULL ? t->reason
               : t->detail != 0  ? strerror(t->detail)
                                 : wr_code_text(code));
}

/* ---- the task of an attempt */

/* Read more into `in`, which has room. limit_ms: for the wait. 1: bytes have come; 0: the end; or a
 * code: the connection or the wait has failed. */
static int read_more(struct wr_ws_wire *wire, int64_t limit_ms)
{
    for (;;) {
        int64_t n = wire->transport->ops->read(wire->transport, wire->in + wire->len,
                                               WR_WS_ANSWER_BYTES_MAX - wire->len);
        if (n > 0) {
            wire->len += (size_t)n;
            wire->heard_ns = wr_now_ns(wire->http->loop);
            wire->pinged = false;
            return 1;
        }
        if (n == 0) {
            return 0;
        }
        if (n != WR_AGAIN) {
            wr_ws_fail_transport(wire, (int)n);
            return (int)n;
        }
        int rc = wire->transport->ops->wait(wire->transport, WR_READABLE, limit_ms,
                                            "the server to send", NULL);
        if (rc < 0) {
            return rc;
        }
    }
}

/* Give a complete head to the user, line by line. False: the attempt ends. */
static bool give_head(struct wr_ws_wire *wire, size_t head)
{
    struct wr_http *http = wire->http;
    int64_t now_s = http->loop->now_unix_ns / 1000000000;
    if (!wr_ws_answer_read(&wire->answer, wire->in, head, http->ws->deflate, now_s, INT32_MAX)) {
        (void)wr_http_on_body(http, wire->in, head); /* it reports what came instead */
        return false;
    }
    wire->upgraded = wire->answer.status == 101;
    for (size_t at = 0; at < head;) {
        const char *lf = memchr(wire->in + at, '\n', head - at);
        size_t len = (size_t)(lf - (wire->in + at)) + 1;
        if (!wr_http_on_header(http, wire->in + at, len)) {
            return false;
        }
        at += len;
    }
    return true;
}

/* Read heads until one is the answer. False: the attempt ends. */
static bool read_answer(struct wr_ws_wire *wire)
{
    struct wr_http *http = wire->http;
    while (!http->reply.head_done) {
        size_t head = wr_ws_head_bytes(wire->in, wire->len);
        if (head > 0) {
            if (!give_head(wire, head)) {
                return false;
            }
            wire->len -= head;
            memmove(wire->in, wire->in + head, wire->len);
            continue;
        }
        if (wire->len > 0 && memcmp(wire->in, "HTTP/", WR_MIN(wire->len, (size_t)5)) != 0) {
            (void)wr_http_on_body(http, wire->in, wire->len);
            return false;
        }
        if (wire->len == WR_WS_ANSWER_BYTES_MAX) {
            wr_ws_fail(wire, WEIR_EHTTP, 0, "the head of the answer is longer than 16 KiB");
            return false;
        }
        int rc = read_more(wire, -1);
        if (rc == 0) {
            wr_ws_fail(wire, WEIR_ERESET, 0,
                       wire->len == 0 ? "the server has closed the connection without an answer"
                                      : "the answer of the server is incomplete");
        }
        if (rc <= 0) {
            return false;
        }
    }
    return true;
}

/* ms until the next ping, or until a pong is missed; -1: no pings. */
static int64_t ping_wait_ms(const struct wr_ws_wire *wire)
{
    const struct wr_ws_settings *ws = wire->http->ws;
    int64_t since_ms = (wr_now_ns(wire->http->loop) - wire->heard_ns) / 1000000;
    int64_t due_ms = ws->ping_ms + (wire->pinged ? ws->pong_ms : 0);
    return ws->ping_ms < 0 ? -1 : WR_MAX(due_ms - since_ms, 0);
}

/* Nothing has come for the time of a ping. False: the pong is missing. */
static bool ping(struct wr_ws_wire *wire)
{
    const struct wr_ws_settings *ws = wire->http->ws;
    char text[96];
    if (wire->pinged && !wire->paused) {
        snprintf(text, sizeof text, "no answer to a ping for %lld.%lld s",
                 (long long)(ws->pong_ms / 1000), (long long)(ws->pong_ms % 1000 / 100));
        wr_ws_fail(wire, WEIR_ETIMEDOUT, 0, text);
        return false;
    }
    wire->pinged = true;
    return wr_http_ws_send(wire->http, WR_WS_PING, "", 0) == 0;
}

/* The user takes no more bytes: wait for wr_http_wire.go_on. False: the attempt ends. */
static bool wait_unpaused(struct wr_ws_wire *wire)
{
    struct wr_limit limit;
    int rc = 0;
    wire->paused = true;
    wr_limit_start(wire->http->loop, &limit, wire->http->ws->ping_ms);
    while (wire->paused && rc == 0) {
        rc = wr_wait_limited(&limit, "its consumer", NULL);
    }
    wr_limit_stop(&limit);
    if (rc == WEIR_ETIMEDOUT) {
        return ping(wire);
    }
    wire->heard_ns = wr_now_ns(wire->http->loop); /* what was not read is not missing */
    wire->pinged = false;
    return rc == 0;
}

/* Deliver what the server sends, until the connection or the attempt ends. True: the server has
 * ended it. */
static bool read_body(struct wr_ws_wire *wire)
{
    while (!wire->closing) {
        if (wire->at < wire->len) {
            size_t piece = WR_MIN(wire->len - wire->at, (size_t)WR_HTTP_PIECE_MAX);
            enum wr_http_take take = wr_http_on_body(wire->http, wire->in + wire->at, piece);
            if (take == WR_HTTP_STOP || (take == WR_HTTP_PAUSE && !wait_unpaused(wire))) {
                return false;
            }
            wire->at += take == WR_HTTP_TAKEN ? piece : 0;
            continue;
        }
        wire->at = wire->len = 0;
        int rc = read_more(wire, ping_wait_ms(wire));
        if (rc == WEIR_ETIMEDOUT && wire->error.code == 0) {
            rc = ping(wire) ? 1 : -1;
        }
        if (rc <= 0) {
            return rc == 0;
        }
        rc = wr_turn(wire->http->loop, NULL);
        if (rc < 0) {
            return false;
        }
    }
    return false;
}

/* Send a close frame, and wait until the server closes. What it still sends is dropped. */
static void say_goodbye(struct wr_ws_wire *wire)
{
    int64_t end_ns = wr_now_ns(wire->http->loop) + (int64_t)CLOSE_MS * 1000000;
    while (wire->out_task != NULL) {
        interrupt_task(wire->out_task);
        if (wr_pause(wire->http->loop, NULL) < 0) {
            return;
        }
    }
    if (!wr_ws_put_close(wire)) {
        return;
    }
    bool open = wr_ws_write_until(wire, end_ns);
    while (open) {
        int64_t left_ms = (end_ns - wr_now_ns(wire->http->loop)) / 1000000;
        wire->len = 0;
        open = left_ms > 0 && read_more(wire, left_ms) > 0;
    }
    wire->transport->ops->shut(wire->transport); /* lets TLS send close_notify */
}

static void ws_main(struct wr_task *task, void *arg)
{
    struct wr_ws_wire *wire = arg;
    struct wr_http *http = wire->http;
    weir_error error;
    (void)task;
    wire->transport = wr_dial(&wire->dial, http->loop, NULL, &error);
    if (wire->transport == NULL) {
        wire->error = error;
    } else if (!wire->closing) {
        wr_http_on_connected(http);
        if (wr_ws_send_request(wire) && read_answer(wire) && read_body(wire)) {
            wr_ws_fail(wire, WEIR_ERESET, 0, "the connection has ended without a close frame");
        }
    }
    if (wire->upgraded && wire->error.code == 0 && (wire->closing || wire->close_code != 0)) {
        say_goodbye(wire);
    }
    if (!wire->closing) {
        wr_http_on_end(http, false);
    }
    wire->task = NULL;
    wr_http_wake(http);
}

/* ---- the wire */

static void end_task(struct wr_ws_wire *wire, struct wr_task **task)
{
    if (*task != NULL) {
        interrupt_task(*task);
    }
    while (*task != NULL) {
        (void)wr_park(wire->http->loop, "its connection to close", wire->http->of);
    }
}

static void stop(struct wr_http *http)
{
    struct wr_ws_wire *wire = wr_ws_wire_of(http);
    wire->closing = true;
    wire->close_code = wire->close_code != 0 ? wire->close_code : WR_WS_GOING_AWAY;
    end_task(wire, &wire->task);
    end_task(wire, &wire->out_task);
    if (wire->transport != NULL) {
        wire->transport->ops->free(wire->transport);
    }
    wr_ws_forget_request(wire);
    wr_dial_fini(&wire->dial);
    wr_tunnel_fini(&wire->tunnel);
    wr_free(wire->in);
    wr_free(wire->out);
    wr_free(wire);
    http->wire_own = NULL;
}

/* Where to connect, and how. 0 or a code with the failure. */
static int set_dial(struct wr_ws_wire *wire, const struct wr_url *url)
{
    struct wr_http *http = wire->http;
    weir_error error;
    weir_socket_options o = {.struct_size = sizeof o, .connect_ms = WEIR_NONE};
    bool local = http->unix_socket != NULL;
    size_t cap = local ? strlen(http->unix_socket) + sizeof "unix:" : url->host.len + 16;
    char *address = wr_alloc(cap);
    if (address == NULL) {
        return WEIR_ENOMEM;
    }
    if (local) {
        (void)snprintf(address, cap, "unix:%s", http->unix_socket);
    } else {
        (void)snprintf(address, cap, "%s://%.*s:%u", url->secure ? "tls" : "tcp",
                       (int)url->host.len, url->host.data, url->port);
    }
    if (url->secure && !local) {
        o.tls = http->o.tls;
        o.ca_file = http->ca_file;
        o.ca_folder = http->ca_folder;
        o.cert_file = http->cert_file;
        o.key_file = http->key_file;
    }
    int rc = url->secure && local
                 ? wr_error_set(&error, WEIR_EINVAL, 0, "ws",
                                "a WebSocket over a local socket has no TLS: use ws://")
                 : wr_dial_init(&wire->dial, address, &o, &error);
    wr_free(address);
    if (rc < 0) {
        return wr_http_refuse(&http->failure, rc, error.detail, "%s", error.message);
    }
    return local ? 0 : wr_ws_set_proxy(wire, url);
}

static int start(struct wr_http *http)
{
    struct wr_url url;
    struct wr_ws_wire *wire = wr_zalloc(sizeof *wire);
    if (wire == NULL || wr_url_parse_ws(wr_text_of(http->url), &url) < 0) {
        wr_free(wire);
        return WEIR_ENOMEM;
    }
    http->wire_own = wire;
    wire->http = http;
    wire->in = wr_alloc(WR_WS_ANSWER_BYTES_MAX);
    int rc = wire->in != NULL ? set_dial(wire, &url) : WEIR_ENOMEM;
    if (rc == 0 && !wr_ws_make_request(wire, &url)) {
        rc = WEIR_ENOMEM;
    }
    if (rc == 0) {
        wire->task = wr_task_hidden(http->of->scope, "websocket", ws_main, wire);
        rc = wire->task != NULL ? 0 : WEIR_ENOMEM;
    }
    if (rc < 0) {
        stop(http);
    }
    return rc;
}

static void go_on(struct wr_http *http)
{
    struct wr_ws_wire *wire = wr_ws_wire_of(http);
    if (wire->paused) {
        wire->paused = false;
        if (wire->task->state == WR_TASK_PARKED) {
            wr_wake(wire->task, 0);
        }
    }
}

static bool is_paused(const struct wr_http *http)
{
    return wr_ws_wire_of(http)->paused;
}

static void explain(struct wr_http *http)
{
    const weir_error *error = &wr_ws_wire_of(http)->error;
    bool connected = http->reply.head_done;
    int code = error->code == WEIR_ECLOSED && error->detail != 0 ? WEIR_ERESET : error->code;
    wr_http_refuse(&http->failure, code, error->detail, "%s", error->message);
    http->failure.retry = connected || code == WEIR_ERESOLVE || code == WEIR_ECONNECT ||
                          code == WEIR_ERESET || code == WEIR_ETIMEDOUT || code == WEIR_ETRUNCATED;
}

static bool was_cut(const struct wr_http *http)
{
    (void)http;
    return false; /* a connection that ends without a close frame has failed */
}

const struct wr_http_wire wr_http_ws_wire = {.start = start,
                                             .stop = stop,
                                             .go_on = go_on,
                                             .is_paused = is_paused,
                                             .explain = explain,
                                             .was_cut = was_cut};

/* ---- for the user */

enum wr_http_verdict wr_http_ws_judge(struct wr_http *http)
{
    struct wr_ws_wire *wire = wr_ws_wire_of(http);
    const struct wr_http_reply *reply = &http->reply;
    char shown[160];
    unsigned close;
    if (reply->status == 101) {
        const char *wrong =
            wr_ws_answer_wrong(&wire->answer, wire->accept, http->ws->protocols, &close);
        if (wrong == NULL) {
            return WR_HTTP_ACCEPTED;
        }
        wire->close_code = (uint16_t)close;
        wire->upgraded = close != 0;
        wr_http_refuse(&http->failure, WEIR_EHTTP, reply->status,
                       "the answer of the server is invalid: %s", wrong);
        return WR_HTTP_REFUSED;
    }
    if (reply->location != NULL && reply->status >= 300 && reply->status < 400) {
        wr_url_redact(wr_text_of(reply->location), shown, sizeof shown);
        wr_http_refuse(&http->failure, WEIR_EHTTP, reply->status,
                       "%d %s: redirects to '%s'; use that address", reply->status,
                       reply->words->reason, shown);
        return WR_HTTP_REFUSED;
    }
    if (reply->status >= 200 && reply->status < 300) {
        wr_http_refuse(&http->failure, WEIR_EHTTP, reply->status,
                       "%d %s: the server does not open a WebSocket at this address", reply->status,
                       reply->words->reason);
        return WR_HTTP_REFUSED;
    }
    return wr_http_judge_status(http);
}

const struct wr_ws_terms *wr_http_ws_terms(const struct wr_http *http)
{
    return &wr_ws_wire_of(http)->answer.terms;
}

void wr_http_ws_close(struct wr_http *http, unsigned code)
{
    struct wr_ws_wire *wire = wr_ws_wire_of(http);
    if (wire != NULL && wire->close_code == 0) {
        wire->close_code = (uint16_t)code;
    }
}
