/*
 * server_ws.c - a reply that is a WebSocket: each item of the generator is a message (RFC 6455).
 *
 * The connection's task moves items, as for any reply. A second task reads what the client sends: it
 * answers pings, drops messages, and ends the reply when the client closes the connection, breaks
 * the protocol, or leaves. Then it cancels the request, as on_gone does for a client that leaves.
 *
 * Only whole frames are put into the output. While the connection's task puts a frame, which may
 * suspend, the pong that the other task wants to send is kept. It is sent after the frame, or, if
 * the output was full, when the output has been written.
 *
 * The reply ends with a close frame: 1000 at the end of the generator, 1001 when the server stops,
 * 1011 after a failure, and the client's own code when the client closes. The client gets a moment to
 * answer with its own one; then the connection ends as after any last reply.
 */
#include <string.h>

#include "base_alloc.h"
#include "codec_utf8.h"
#include "codec_ws_handshake.h"
#include "server_conn.h"

/* zlib's, in both directions. */
enum { DEFLATE_BYTES = 320 * 1024, PACKED_KEPT_MAX = 64 * 1024, CLOSE_MS = 1000 };

struct wr_reply_ws {
    struct wr_budget *budget;
    char accept[WR_WS_ACCEPT_CHARS + 1], extensions[WR_WS_TERMS_CHARS];
    struct wr_ws_terms terms;
    size_t charged;
    struct wr_conn *conn; /* of a reply that is being sent */
    struct wr_ws reader;
    struct wr_ws_deflater *deflater; /* NULL: messages are not compressed */
    char *packed;                    /* a compressed message */
    size_t packed_cap;
    struct wr_task *task; /* reads; NULL: it has ended */
    bool writing;         /* a frame is incomplete in the output */
    bool inside;          /* a message in fragments is incomplete */
    bool ending;          /* the connection's task closes the connection */
    bool waited_for;      /* ... and waits until the other one has ended */
    bool over;            /* the client ends the reply; its connection works */
    uint16_t close;       /* ... with this code */
    uint8_t pong_len;     /* of a frame that waits; 0: none */
    char pong[WR_WS_CONTROL_FRAME_MAX];
};

/* ---- the handshake */

static bool header_has(const weir_request *request, const char *name, const char *word)
{
    const struct wr_http1_request *head = request->head;
    for (size_t i = 0; i < head->headers_count; i++) {
        if (wr_text_is(head->headers[i].name, name) &&
            wr_ws_list_has(head->headers[i].value, wr_text_of(word))) {
            return true;
        }
    }
    return false;
}

static int refuse(weir_reply *reply, int status, const char *why)
{
    if (status == 426) {
        weir_reply_header(reply, "Upgrade", "websocket");
        weir_reply_header(reply, "Sec-WebSocket-Version", "13");
    }
    (void)weir_reply_refuse(reply, status, "%s", why);
    return status;
}

/* Accept the client's offer of compression, if there is memory for it. */
static void choose_terms(struct wr_reply_ws *ws, const weir_request *request)
{
    struct wr_text offers = wr_http1_header_of(request->head, "Sec-WebSocket-Extensions");
    if (offers.data == NULL || !wr_ws_terms_choose(offers, &ws->terms, ws->extensions)) {
        return;
    }
    if (!wr_budget_charge_slots(ws->budget, DEFLATE_BYTES)) {
        ws->terms = (struct wr_ws_terms){.deflate = false};
        return;
    }
    ws->charged = DEFLATE_BYTES;
}

int weir_reply_websocket(weir_reply *reply)
{
    wr_reply_given(reply, "weir_reply_websocket");
    const weir_request *request = reply->request;
    if (request->is_head || request->is_post || request->head->minor < 1) {
        return refuse(reply, 400, "a WebSocket begins with a GET of HTTP/1.1");
    }
    if (!header_has(request, "Upgrade", "websocket") ||
        !header_has(request, "Connection", "upgrade")) {
        return refuse(reply, 426, "this is a WebSocket: use ws://");
    }
    struct wr_text version = wr_http1_header_of(request->head, "Sec-WebSocket-Version");
    struct wr_text key = wr_http1_header_of(request->head, "Sec-WebSocket-Key");
    if (version.data == NULL || !wr_text_is(version, "13")) {
        return refuse(reply, 426, "the version of WebSocket is 13");
    }
    struct wr_reply_ws *ws = wr_zalloc(sizeof *ws);
    int rc = ws == NULL ? WEIR_ENOMEM : wr_ws_write_accept(key, ws->accept);
    if (rc < 0) {
        wr_free(ws);
        return rc == WEIR_ENOMEM ? refuse(reply, 503, "out of memory")
                                 : refuse(reply, 400, "Sec-WebSocket-Key is invalid");
    }
    wr_reply_leave_ws(reply); /* of an earlier call */
    ws->budget = &((struct weir_loop *)(uintptr_t)request->loop)->budget;
    choose_terms(ws, request);
    reply->ws = ws;
    return 101;
}

void wr_reply_leave_ws(weir_reply *reply)
{
    struct wr_reply_ws *ws = reply->ws;
    if (ws != NULL) {
        wr_ws_deflater_free(ws->deflater);
        wr_ws_fini(&ws->reader);
        if (ws->charged > 0) {
            wr_budget_release_slots(ws->budget, ws->charged);
        }
        wr_free(ws->packed);
        wr_free(ws);
        reply->ws = NULL;
    }
}

size_t wr_reply_ws_headers(const weir_reply *reply, struct wr_http1_header to[4])
{
    const struct wr_reply_ws *ws = reply->ws;
    const char *const texts[][2] = {{"Upgrade", "websocket"},
                                    {"Connection", "Upgrade"},
                                    {"Sec-WebSocket-Accept", ws->accept},
                                    {"Sec-WebSocket-Extensions", ws->extensions}};
    size_t count = ws->terms.deflate ? 4 : 3;
    for (size_t i = 0; i < count; i++) {
        to[i] = (struct wr_http1_header){wr_text_of(texts[i][0]), wr_text_of(texts[i][1])};
    }
    return count;
}

/* ---- what the client sends */

static void send_pong(struct wr_reply_ws *ws)
{
    if (ws->pong_len > 0 && !ws->writing &&
        wr_out_put_now(&ws->conn->out, ws->pong, ws->pong_len)) {
        ws->pong_len = 0;
    }
}

static void on_written(void *ctx)
{
    send_pong(ctx);
}

/* Use what has come. False: the client ends the reply. */
static bool take(struct wr_reply_ws *ws, const char *data, size_t len)
{
    struct wr_ws *reader = &ws->reader;
    size_t used, made;
    int got;
    while ((got = wr_ws_read(reader, data, len, &used, NULL, 0, &made)) > WR_WS_NEED_ROOM) {
        data += used;
        len -= used;
        if (got == WR_WS_CONTROL && reader->opcode == WR_WS_PING) {
            ws->pong_len = (uint8_t)wr_ws_write_control(ws->pong, WR_WS_PONG, reader->control,
                                                        reader->control_len, NULL);
            send_pong(ws);
        } else if (reader->closed) {
            got = WEIR_ECLOSED;
            break;
        }
    }
    if (got < 0) {
        ws->over = true;
        ws->close = got == WEIR_ECLOSED ? reader->closes : reader->fail_close;
    }
    return got >= 0;
}

/* 1: some is used; 0: the client has ended the reply, or has gone. */
static int read_some(struct wr_reply_ws *ws)
{
    struct wr_transport *transport = ws->conn->transport;
    char in[512];
    int64_t n = transport->ops->read(transport, in, sizeof in);
    if (n == WR_AGAIN) {
        return transport->ops->wait(transport, WR_READABLE, -1, "the client's messages",
                                    &ws->conn->object) == 0;
    }
    return n > 0 && take(ws, in, (size_t)n) && wr_turn(ws->conn->server->loop, NULL) == 0;
}

static void read_main(struct wr_task *task, void *arg)
{
    struct wr_reply_ws *ws = arg;
    struct wr_conn *conn = ws->conn;
    bool goes_on = take(ws, conn->in, conn->in_len); /* what came with the request */
    (void)task;
    conn->in_len = 0;
    while (goes_on) {
        goes_on = read_some(ws) == 1;
    }
    ws->task = NULL;
    if (!ws->ending) {
        wr_conn_gone(conn);
    } else if (ws->waited_for && conn->task->state == WR_TASK_PARKED) {
        wr_wake(conn->task, 0);
    }
}

/* ---- what it gets */

static int put_frame(struct wr_reply_ws *ws, unsigned first, const char *data, size_t len)
{
    struct wr_out *out = &ws->conn->out;
    char head[WR_WS_HEAD_MAX];
    size_t head_len = wr_ws_write_head(head, first, len, NULL);
    ws->writing = true;
    int rc = wr_out_put(out, head, head_len);
    if (rc == 0) {
        rc = wr_out_put(out, data, len);
    }
    if (rc == 0) {
        ws->writing = false;
        send_pong(ws);
    }
    return rc;
}

static int put_packed(struct wr_reply_ws *ws, unsigned opcode, const char *data, size_t len)
{
    size_t bound = wr_ws_deflate_bound(ws->deflater, len);
    if (bound > ws->packed_cap) {
        char *packed = wr_realloc(ws->packed, bound);
        if (packed == NULL) {
            return WEIR_ENOMEM;
        }
        ws->packed = packed;
        ws->packed_cap = bound;
    }
    len = wr_ws_deflate(ws->deflater, data, len, ws->packed, ws->packed_cap);
    int rc = put_frame(ws, WR_WS_FIN | WR_WS_RSV1 | opcode, ws->packed, len);
    if (ws->packed_cap > PACKED_KEPT_MAX) {
        wr_free(ws->packed);
        ws->packed = NULL;
        ws->packed_cap = 0;
    }
    return rc;
}

int wr_reply_ws_put(struct wr_conn *conn, const weir_item *item, const char *data, size_t len)
{
    struct wr_reply_ws *ws = conn->reply.ws;
    bool part = (item->flags & WEIR_ITEM_PART) != 0;
    if (part || ws->inside) { /* an overlong line in pieces: fragments of a binary message */
        unsigned opcode = ws->inside ? WR_WS_CONTINUATION : WR_WS_BINARY;
        ws->inside = part;
        return put_frame(ws, opcode | (part ? 0 : WR_WS_FIN), data, len);
    }
    unsigned opcode = wr_utf8_valid_bytes(data, len) == len ? WR_WS_TEXT : WR_WS_BINARY;
    return ws->deflater != NULL && len <= UINT32_MAX / 2
               ? put_packed(ws, opcode, data, len)
               : put_frame(ws, WR_WS_FIN | opcode, data, len);
}

int wr_reply_ws_begin(struct wr_conn *conn)
{
    struct wr_reply_ws *ws = conn->reply.ws;
    ws->conn = conn;
    wr_ws_init(&ws->reader, WR_WS_SERVER, &ws->terms, 0, true);
    if (wr_ws_can_deflate(&ws->terms) && (ws->deflater = wr_ws_deflater_new(&ws->terms)) == NULL) {
        return WEIR_ENOMEM;
    }
    /* Its reads notice a client that leaves. */
    conn->transport->ops->watch_hangup(conn->transport, NULL, NULL);
    ws->task = wr_task_hidden(conn->scope, "websocket reader", read_main, ws);
    conn->out.written = on_written;
    conn->out.written_ctx = ws;
    return ws->task != NULL ? 0 : WEIR_ENOMEM;
}

void wr_reply_ws_ends(struct wr_conn *conn)
{
    conn->out.written = NULL;
    conn->reply.ws->ending = true;
}

/* Send the close frame. False: the client has left, or does not read. */
static bool send_close(struct wr_reply_ws *ws, unsigned code, const char *reason)
{
    char frame[WR_WS_CONTROL_FRAME_MAX];
    if (ws->writing || (ws->conn->gone && !ws->over)) {
        return false;
    }
    size_t len = code == WR_WS_NO_CODE ? wr_ws_write_control(frame, WR_WS_CLOSE, "", 0, NULL)
                                       : wr_ws_write_close(frame, code, reason, NULL);
    return wr_out_put(&ws->conn->out, frame, len) == 0 && wr_out_drain(&ws->conn->out, false) == 0;
}

/* Wait until the task that reads has ended: for a moment, for the client's close frame; then end it. */
static void end_reader(struct wr_reply_ws *ws, int64_t limit_ms)
{
    struct wr_conn *conn = ws->conn;
    struct wr_limit limit;
    int rc = 0;
    wr_limit_start(conn->server->loop, &limit, limit_ms);
    ws->waited_for = true;
    while (ws->task != NULL && rc == 0 && limit_ms > 0) {
        rc = wr_wait_limited(&limit, "its client to close", &conn->object);
    }
    wr_limit_stop(&limit);
    if (ws->task != NULL) {
        wr_task_cancel(ws->task);
    }
    while (ws->task != NULL) {
        (void)wr_park_for_task(conn->server->loop, "its client", &conn->object);
    }
}

enum wr_step wr_reply_ws_close(struct wr_conn *conn, int code)
{
    struct wr_reply_ws *ws = conn->reply.ws;
    bool asked = ws->over;
    unsigned close = asked                    ? ws->close
                     : code < 0               ? WR_WS_INTERNAL
                     : conn->server->stopping ? WR_WS_GOING_AWAY
                                              : WR_WS_NORMAL;
    bool sent = send_close(ws, close, !asked && code < 0 ? wr_code_text(code) : "");
    end_reader(ws, sent && !asked ? CLOSE_MS : 0);
    conn->gone = !sent;
    return sent ? WR_STEP_CLOSE : WR_STEP_CUT;
}
