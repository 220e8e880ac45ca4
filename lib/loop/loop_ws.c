/*
 * loop_ws.c - a connection whose records are sent as messages of a WebSocket, after the handshake
 * (loop_ws_handshake.c).
 *
 * States: open, closing (our close frame is in the output), over (the
 * server has closed, or has broken the protocol; `code` says how).
 *
 * A write makes frames of what it is given and puts them into `out`, then writes this to the
 * connection. A record that does not come as a whole becomes a message in fragments, so after each
 * write the output ends at the border of a frame, and a control frame may follow. As long as some of
 * the output is left, the last byte given counts as not taken (`ahead`): so the user comes again.
 *
 * What the server sends is read in `read`: pongs move `acked`, pings are answered, messages are
 * dropped. Only wait suspends. A timer sends a ping after a long silence.
 */
#include "loop_ws.h"

#include <stdio.h>
#include <string.h>

#include "base_alloc.h"
#include "base_print.h"
#include "codec_ws.h"
#include "loop_wait.h"

enum {
    OUT_BYTES = 32 * 1024,
    CONTROLS_BYTES = 3 * WR_WS_CONTROL_FRAME_MAX, /* a pong, a ping and a close frame */
    LEN32_BYTES = 4,
    COUNT_BYTES = 8, /* the payload of a ping */
    READS = 16,
    KEYS = 32
};

struct ws {
    struct wr_transport transport;
    struct wr_transport *inner;
    struct wr_ws reader;
    bool binary, closing, over, is_reset;
    bool inside;     /* a message has fragments that are sent, and is not complete */
    bool ping_waits; /* a ping is without an answer */
    int code;        /* once it is over */
    uint8_t head[LEN32_BYTES], head_len;
    uint32_t left;                     /* bytes of the record that are not in frames */
    uint64_t accepted, encoded, acked; /* bytes of records */
    size_t ahead;                      /* of `encoded`, not accepted */
    size_t start, len;                 /* of the output */
    size_t keys_left;
    uint8_t keys[KEYS][WR_WS_KEY_BYTES];
    int64_t ping_ms;
    struct wr_timer timer;
    char text[200]; /* why it is over */
    char out[OUT_BYTES + CONTROLS_BYTES];
};

static struct ws *ws_of(const struct wr_transport *transport)
{
    return WR_OWNER((uintptr_t)transport, struct ws, transport);
}

static const uint8_t *next_key(struct ws *ws)
{
    if (ws->keys_left == 0) {
        if (!wr_ws_random(ws->keys, sizeof ws->keys)) {
            return NULL;
        }
        ws->keys_left = KEYS;
    }
    return ws->keys[--ws->keys_left];
}

static int fail_by_inner(struct ws *ws, int64_t code)
{
    ws->transport.detail = ws->inner->detail;
    ws->transport.reason = ws->inner->reason;
    return (int)code;
}

/* ---- output */

/* 0: all is written; WR_AGAIN; or a failure. */
static int64_t flush(struct ws *ws)
{
    while (ws->start < ws->len) {
        struct iovec rest = {ws->out + ws->start, ws->len - ws->start};
        int64_t n = ws->inner->ops->write(ws->inner, &rest, 1);
        if (n < 0) {
            return n == WR_AGAIN ? n : fail_by_inner(ws, n);
        }
        ws->start += (size_t)n;
    }
    ws->start = ws->len = 0;
    return 0;
}

/* Add a control frame, if there is room. */
static bool put_control(struct ws *ws, unsigned opcode, const char *data, size_t len)
{
    const uint8_t *key = next_key(ws);
    if (key == NULL || sizeof ws->out - ws->len < WR_WS_CONTROL_FRAME_MAX) {
        return false;
    }
    ws->len += wr_ws_write_control(ws->out + ws->len, opcode, data, len, key);
    return true;
}

static void put_ping(struct ws *ws)
{
    char count[COUNT_BYTES];
    for (int i = 0; i < COUNT_BYTES; i++) {
        count[i] = (char)(ws->encoded >> (8 * i));
    }
    ws->ping_waits = ws->ping_waits || put_control(ws, WR_WS_PING, count, sizeof count);
}

static void on_timer(struct wr_timer *timer)
{
    struct ws *ws = WR_OWNER(timer, struct ws, timer);
    if (!ws->over && !ws->closing) {
        put_ping(ws);
        (void)flush(ws); /* what has failed is found by others */
        wr_timer_start(ws->transport.loop, timer, ws->ping_ms);
    }
}

/* Take the length of the next record. False: it is not complete. */
static bool take_head(struct ws *ws, const char **data, size_t *len)
{
    while (ws->head_len<LEN32_BYTES && * len> 0) {
        ws->head[ws->head_len++] = (uint8_t) * (*data)++;
        (*len)--;
        ws->encoded++;
    }
    if (ws->head_len < LEN32_BYTES) {
        return false;
    }
    ws->left = (uint32_t)ws->head[0] << 24 | (uint32_t)ws->head[1] << 16 |
               (uint32_t)ws->head[2] << 8 | ws->head[3];
    return true;
}

/* Make frames of these bytes, as far as there is room. Returns how many are used; negative: there is
 * no key. */
static int64_t encode(struct ws *ws, const char *data, size_t len)
{
    size_t all = len;
    while (ws->len + WR_WS_HEAD_MAX < OUT_BYTES) {
        bool begins = ws->head_len < LEN32_BYTES;
        if (begins && !take_head(ws, &data, &len)) {
            break;
        }
        size_t n = WR_MIN((size_t)ws->left, WR_MIN(len, OUT_BYTES - WR_WS_HEAD_MAX - ws->len));
        if (n == 0 && ws->left > 0) {
            break; /* a frame without content would say nothing */
        }
        const uint8_t *key = next_key(ws);
        if (key == NULL) {
            return WEIR_EIO;
        }
        unsigned opcode = ws->inside ? WR_WS_CONTINUATION : ws->binary ? WR_WS_BINARY : WR_WS_TEXT;
        bool last = n == ws->left;
        ws->len += wr_ws_write_head(ws->out + ws->len, opcode | (last ? WR_WS_FIN : 0u), n, key);
        wr_ws_mask(ws->out + ws->len, data, n, key, 0);
        ws->len += n;
        ws->encoded += n;
        ws->left -= (uint32_t)n;
        data += n;
        len -= n;
        ws->inside = !last;
        ws->head_len = last ? 0 : ws->head_len;
    }
    return (int64_t)(all - len);
}

static int64_t ws_write(struct wr_transport *transport, const struct iovec *iov, int count)
{
    struct ws *ws = ws_of(transport);
    size_t skip = ws->ahead, taken = 0;
    if (ws->over || ws->closing) {
        return ws->over ? ws->code : WEIR_ECLOSED;
    }
    int64_t rc = flush(ws);
    if (rc < 0) {
        return rc;
    }
    for (int i = 0; i < count; i++) {
        size_t past = WR_MIN(skip, iov[i].iov_len);
        skip -= past;
        int64_t n = encode(ws, (const char *)iov[i].iov_base + past, iov[i].iov_len - past);
        if (n < 0) {
            transport->reason = "no random bytes for a mask";
            return n;
        }
        taken += past + (size_t)n;
        if ((size_t)n < iov[i].iov_len - past) {
            break;
        }
    }
    if (!ws->ping_waits && ws->encoded > ws->acked) {
        put_ping(ws);
    }
    rc = flush(ws);
    if (rc < 0 && rc != WR_AGAIN) {
        return rc;
    }
    ws->ahead = rc == WR_AGAIN && taken > 0 ? 1 : 0;
    taken -= ws->ahead;
    ws->accepted += taken;
    return taken > 0 || rc == 0 ? (int64_t)taken : WR_AGAIN;
}

/* ---- input */

static void take_pong(struct ws *ws)
{
    uint64_t count = 0;
    if (ws->reader.control_len != COUNT_BYTES || !ws->ping_waits) {
        return; /* not an answer to our ping */
    }
    for (int i = 0; i < COUNT_BYTES; i++) {
        count |= (uint64_t)(uint8_t)ws->reader.control[i] << (8 * i);
    }
    if (count < ws->acked || count > ws->encoded) {
        return;
    }
    ws->acked = count;
    ws->ping_waits = false;
    if (ws->encoded > ws->acked) {
        put_ping(ws);
    }
}

/* Codes after which another connection may be accepted. */
static bool is_passing(unsigned code)
{
    return code == WR_WS_NORMAL || code == WR_WS_GOING_AWAY || code == WR_WS_NO_CODE ||
           (code >= WR_WS_INTERNAL && code <= 1014);
}

static int end(struct ws *ws, int code)
{
    ws->over = true;
    ws->code = code;
    ws->transport.reason = ws->text;
    ws->transport.detail = 0;
    (void)flush(ws);
    return code;
}

static int end_by_close(struct ws *ws)
{
    const struct wr_ws *reader = &ws->reader;
    char code[2] = {(char)(reader->closes >> 8), (char)reader->closes};
    if (ws->closing) {
        ws->over = true;
        return 0;
    }
    (void)put_control(ws, WR_WS_CLOSE, code, reader->closes == WR_WS_NO_CODE ? 0 : sizeof code);
    (void)wr_print_text(ws->text, sizeof ws->text,
                        "the server has closed the connection with code %u%s%.*s", reader->closes,
                        reader->control_len > 0 ? ": " : "", (int)reader->control_len,
                        reader->control);
    return end(ws, is_passing(reader->closes) ? WEIR_ERESET : WEIR_EHTTP);
}

static int end_by_failure(struct ws *ws)
{
    char code[2] = {(char)(ws->reader.fail_close >> 8), (char)ws->reader.fail_close};
    (void)put_control(ws, WR_WS_CLOSE, code, sizeof code);
    (void)wr_print_text(ws->text, sizeof ws->text, "the server has broken the protocol: %s",
                        ws->reader.reason);
    return end(ws, WEIR_EHTTP);
}

/* Use what has come. 1: go on; 0: the end; or a failure. */
static int take(struct ws *ws, const char *data, size_t len)
{
    size_t used, made;
    int got;
    while ((got = wr_ws_read(&ws->reader, data, len, &used, NULL, 0, &made)) > WR_WS_NEED_ROOM) {
        data += used;
        len -= used;
        if (got == WR_WS_CONTROL && ws->reader.opcode == WR_WS_PING) {
            (void)put_control(ws, WR_WS_PONG, ws->reader.control, ws->reader.control_len);
        } else if (got == WR_WS_CONTROL && ws->reader.opcode == WR_WS_PONG) {
            take_pong(ws);
        } else if (ws->reader.closed) {
            return end_by_close(ws);
        }
    }
    return got < 0 ? end_by_failure(ws) : 1;
}

static int end_of_input(struct ws *ws, int64_t n)
{
    if (ws->closing && (n == 0 || n == WEIR_ETRUNCATED)) {
        ws->over = true;
        return 0;
    }
    if (n == 0) {
        (void)wr_print_text(ws->text, sizeof ws->text,
                            "the server has closed the connection without a close frame");
        return end(ws, WEIR_ERESET);
    }
    ws->over = true;
    ws->code = fail_by_inner(ws, n);
    return ws->code;
}

static int64_t ws_read(struct wr_transport *transport, void *to, size_t cap)
{
    struct ws *ws = ws_of(transport);
    char in[1024];
    int64_t rc = 1;
    (void)to;
    (void)cap;
    for (int i = 0; i < READS && rc == 1 && !ws->over; i++) {
        int64_t n = ws->inner->ops->read(ws->inner, in, sizeof in);
        rc = n > 0 ? take(ws, in, (size_t)n) : n == WR_AGAIN ? n : end_of_input(ws, n);
    }
    if (rc == 1 || rc == WR_AGAIN) {
        rc = ws->over ? ws->code : flush(ws);
        rc = rc == 0 && !ws->over ? WR_AGAIN : rc;
    }
    return rc;
}

/* ---- the other operations */

static int ws_wait(struct wr_transport *transport, int events, int64_t limit_ms, const char *why,
                   struct wr_object *of)
{
    struct ws *ws = ws_of(transport);
    int rc = ws->over ? ws->code : ws->inner->ops->wait(ws->inner, events, limit_ms, why, of);
    return rc < 0 && !ws->over ? fail_by_inner(ws, rc) : rc;
}

static void ws_shut(struct wr_transport *transport)
{
    struct ws *ws = ws_of(transport);
    static const char normal[2] = {(char)(WR_WS_NORMAL >> 8), (char)(WR_WS_NORMAL & 255)};
    if (ws->is_reset || ws->over) {
        ws->inner->ops->shut(ws->inner);
        return;
    }
    if (!ws->closing) {
        ws->closing = put_control(ws, WR_WS_CLOSE, normal, sizeof normal);
    }
    (void)flush(ws);
}

static void ws_watch_hangup(struct wr_transport *transport, void (*gone)(void *ctx), void *ctx)
{
    struct wr_transport *inner = ws_of(transport)->inner;
    inner->ops->watch_hangup(inner, gone, ctx);
}

static void ws_watch_broken(struct wr_transport *transport, void (*gone)(void *ctx), void *ctx)
{
    struct wr_transport *inner = ws_of(transport)->inner;
    inner->ops->watch_broken(inner, gone, ctx);
}

static void ws_watch_input(struct wr_transport *transport, void (*came)(void *ctx), void *ctx)
{
    struct wr_transport *inner = ws_of(transport)->inner;
    inner->ops->watch_input(inner, came, ctx);
}

static int64_t ws_unread(struct wr_transport *transport)
{
    struct ws *ws = ws_of(transport);
    if (ws->start < ws->len && !ws->over) {
        (void)flush(ws); /* a ping that found no room; its answer is waited for */
    }
    return (int64_t)(ws->accepted - WR_MIN(ws->acked, ws->accepted));
}

static int64_t ws_unsent(struct wr_transport *transport)
{
    struct wr_transport *inner = ws_of(transport)->inner;
    return inner->ops->unsent != NULL ? inner->ops->unsent(inner) : -1;
}

/* What was acknowledged stays so. */
static bool ws_hung_up(struct wr_transport *transport)
{
    (void)transport;
    return false;
}

static int ws_broken(const struct wr_transport *transport)
{
    const struct ws *ws = ws_of(transport);
    return ws->over ? 0 : ws->inner->ops->broken(ws->inner);
}

/* A close frame that is on its way is not lost by a reset. */
static void ws_reset(struct wr_transport *transport)
{
    struct ws *ws = ws_of(transport);
    ws->is_reset = true;
    if (!ws->over) {
        ws->inner->ops->reset(ws->inner);
    }
}

static void ws_free(struct wr_transport *transport)
{
    struct ws *ws = ws_of(transport);
    wr_timer_stop(transport->loop, &ws->timer);
    wr_budget_release(&transport->loop->budget, sizeof *ws);
    wr_ws_fini(&ws->reader);
    ws->inner->ops->free(ws->inner);
    wr_free(ws);
}

static const struct wr_transport_ops ws_ops = {.kind = "ws",
                                               .unread_exact = true,
                                               .read = ws_read,
                                               .write = ws_write,
                                               .wait = ws_wait,
                                               .shut = ws_shut,
                                               .watch_hangup = ws_watch_hangup,
                                               .watch_broken = ws_watch_broken,
                                               .watch_input = ws_watch_input,
                                               .unread = ws_unread,
                                               .unsent = ws_unsent,
                                               .hung_up = ws_hung_up,
                                               .broken = ws_broken,
                                               .reset = ws_reset,
                                               .free = ws_free};

/* ---- making it */

struct wr_transport *wr_ws_transport(struct wr_transport *inner, const struct wr_ws_dial *dial,
                                     const char *data, size_t len)
{
    struct ws *ws = wr_zalloc(sizeof *ws);
    if (ws == NULL) {
        return NULL;
    }
    ws->transport = (struct wr_transport){.ops = &ws_ops, .loop = inner->loop};
    ws->inner = inner;
    ws->binary = dial->binary;
    ws->ping_ms = dial->ping_ms;
    wr_budget_take(&inner->loop->budget, sizeof *ws);
    wr_ws_init(&ws->reader, WR_WS_CLIENT, NULL, 0, true);
    wr_timer_init(&ws->timer, on_timer);
    if (ws->ping_ms > 0) {
        wr_timer_start(inner->loop, &ws->timer, ws->ping_ms);
    }
    (void)take(ws, data, len); /* a failure is found at a write */
    return &ws->transport;
}
