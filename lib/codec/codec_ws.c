/*
 * codec_ws.c - reading WebSocket frames.
 *
 *     HEAD     collects the 2 to 14 bytes of a frame's head
 *     CONTROL  collects the payload of a control frame
 *     DATA     gives the payload of a data frame, unmasked and decompressed
 *     TAIL     the last frame of a compressed message is used up: its last four bytes, which are not
 *              sent, go to the decompressor
 *     OVER     a close frame has come: all input is ignored
 *
 * A byte of the payload is used up only when what it becomes fits into the caller's room. So the
 * caller may stop after each call, and the result does not depend on how the input or the room is
 * cut. What is dropped goes to a small scratch and is still checked and decompressed, because later
 * messages may refer to it.
 *
 * Nothing here allocates but the decompressor.
 */
#include "codec_ws.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <weir/error.h>

#include "base_error.h"
#include "codec_decode.h"
#include "codec_utf8.h"

enum { HEAD = 0, CONTROL, DATA, TAIL, OVER };
/* Of a step, beside enum wr_ws_got and the failures: do the next one. */
enum { GO_ON = 100 };
enum { SCRATCH = 1024, TAIL_BYTES = 4, LEN_16 = 126, LEN_64 = 127, MASK_BIT = 0x80 };

static const char tail[TAIL_BYTES] = {'\0', '\0', '\xff', '\xff'};

/* The input and the room of one call. */
struct cursor {
    const char *in;
    size_t len, used;
    char *out;
    size_t cap, made;
};

void wr_ws_init(struct wr_ws *ws, enum wr_ws_role role, const struct wr_ws_terms *terms,
                uint64_t message_bytes_max, bool drops)
{
    *ws = (struct wr_ws){
        .role = (uint8_t)role, .message_bytes_max = message_bytes_max, .drops = drops};
    if (terms != NULL) {
        ws->terms = *terms;
    }
}

void wr_ws_fini(struct wr_ws *ws)
{
    wr_ws_inflater_free(ws->inflater);
    ws->inflater = NULL;
}

size_t wr_ws_held(const struct wr_ws *ws)
{
    return ws->inflater != NULL ? wr_ws_inflate_held(ws->inflater) : 0;
}

static int WEIR_PRINTF(4, 5)
    fail(struct wr_ws *ws, int code, unsigned close, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    (void)vsnprintf(ws->reason, sizeof ws->reason, format, args);
    va_end(args);
    ws->fail_close = (uint16_t)close;
    ws->failure = code;
    return code;
}

static int fail_protocol(struct wr_ws *ws, const char *what)
{
    return fail(ws, WEIR_EPARSE, WR_WS_PROTOCOL, "%s", what);
}

static int fail_long(struct wr_ws *ws)
{
    ws->over = true;
    return fail(ws, WEIR_ETOOLONG, WR_WS_TOO_BIG,
                "a message is longer than the limit of %llu bytes",
                (unsigned long long)ws->message_bytes_max);
}

/* ---- text */

/* Check the next bytes of a text; a character may be incomplete at their end. */
static bool is_text(struct wr_ws *ws, const char *data, size_t len)
{
    uint32_t code;
    while (ws->carry_len > 0 && len > 0) {
        ws->carry[ws->carry_len++] = *data++;
        len--;
        if (wr_utf8_decode(ws->carry, ws->carry_len, &code) != 0) {
            ws->carry_len = 0;
        } else if (!wr_utf8_may_begin(ws->carry, ws->carry_len)) {
            return false;
        }
    }
    size_t whole = wr_utf8_valid_bytes(data, len), rest = len - whole;
    if (rest > 0) {
        if (!wr_utf8_may_begin(data + whole, rest)) {
            return false;
        }
        memcpy(ws->carry, data + whole, rest);
        ws->carry_len = (uint8_t)rest;
    }
    return true;
}

/* Bytes of the message: count and check them. dropped: they are not given. 0 or a failure. */
static int came(struct wr_ws *ws, const char *data, size_t len, bool dropped)
{
    if (dropped) {
        ws->dropped += len;
    } else {
        ws->bytes += len;
    }
    return ws->message == WR_WS_TEXT && !is_text(ws, data, len)
               ? fail(ws, WEIR_EPARSE, WR_WS_BAD_DATA, "a text message is not UTF-8")
               : 0;
}

/* ---- the head of a frame */

static int check_opcode(struct wr_ws *ws, unsigned first, unsigned second)
{
    unsigned opcode = first & 15, length = second & LEN_64;
    bool control = opcode >= WR_WS_CLOSE, fin = (first & WR_WS_FIN) != 0;
    bool starts = opcode == WR_WS_TEXT || opcode == WR_WS_BINARY;
    if ((opcode > WR_WS_BINARY && opcode < WR_WS_CLOSE) || opcode > WR_WS_PONG) {
        return fail(ws, WEIR_EPARSE, WR_WS_PROTOCOL, "the opcode %u is reserved", opcode);
    }
    if ((first & 0x30) != 0 || ((first & WR_WS_RSV1) != 0 && !(starts && ws->terms.deflate))) {
        return fail_protocol(ws,
                             "a reserved bit is set, but no extension that uses it was agreed on");
    }
    if (control && (!fin || length > WR_WS_CONTROL_MAX)) {
        return fail_protocol(ws, !fin ? "a control frame is a fragment"
                                      : "a control frame has more than 125 bytes");
    }
    if (starts && ws->message != 0) {
        return fail_protocol(ws, "a message begins before the last one has ended");
    }
    if (opcode == WR_WS_CONTINUATION && ws->message == 0) {
        return fail_protocol(ws, "a fragment continues a message that has not begun");
    }
    if (((second & MASK_BIT) != 0) != (ws->role == WR_WS_SERVER)) {
        return fail_protocol(ws, ws->role == WR_WS_SERVER ? "a frame of a client is not masked"
                                                          : "a frame of a server is masked");
    }
    return 0;
}

/* The length of the head whose first two bytes are known. */
static size_t head_bytes(const uint8_t *head)
{
    unsigned length = head[1] & LEN_64;
    return 2u +
           (length == LEN_64   ? 8
            : length == LEN_16 ? 2
                               : 0) +
           ((head[1] & MASK_BIT) != 0 ? WR_WS_KEY_BYTES : 0);
}

static int begin_data(struct wr_ws *ws, unsigned first)
{
    if (ws->opcode != WR_WS_CONTINUATION) {
        ws->message = ws->opcode;
        ws->compressed = (first & WR_WS_RSV1) != 0;
        ws->over = false;
        ws->bytes = ws->dropped = 0;
        ws->vain = 0;
    }
    ws->vain = ws->left > 0 ? 0 : ws->vain + 1;
    if (ws->vain > WR_WS_VAIN_FRAMES) {
        return fail(ws, WEIR_EPARSE, WR_WS_POLICY,
                    "a message has more than %d fragments in a row without content",
                    WR_WS_VAIN_FRAMES);
    }
    if (!ws->compressed && !ws->drops && ws->left > ws->message_bytes_max - ws->bytes) {
        return fail_long(ws);
    }
    ws->phase = DATA;
    return 0;
}

/* The head is complete. */
static int begin_frame(struct wr_ws *ws)
{
    const uint8_t *head = ws->head;
    unsigned bytes = (head[1] & LEN_64) == LEN_64 ? 8 : (head[1] & LEN_64) == LEN_16 ? 2 : 0;
    uint64_t length = bytes == 0 ? head[1] & LEN_64 : 0;
    for (unsigned i = 0; i < bytes; i++) {
        length = length << 8 | head[2 + i];
    }
    if ((bytes == 2 && length < LEN_16) || (bytes == 8 && length <= UINT16_MAX) ||
        length > INT64_MAX) {
        return fail_protocol(ws, length > INT64_MAX
                                     ? "the length of a frame has more than 63 bits"
                                     : "the length of a frame is not written in its shortest form");
    }
    ws->masked = (head[1] & MASK_BIT) != 0;
    if (ws->masked) {
        memcpy(ws->key, head + 2 + bytes, sizeof ws->key);
    }
    ws->opcode = head[0] & 15;
    ws->fin = (head[0] & WR_WS_FIN) != 0;
    ws->left = length;
    ws->mask_at = 0;
    ws->head_len = 0;
    if (ws->opcode >= WR_WS_CLOSE) {
        ws->control_len = 0;
        ws->phase = CONTROL;
        return 0;
    }
    return begin_data(ws, head[0]);
}

/* 1: the frame has begun; 0: more input is needed; or a failure. */
static int read_head(struct wr_ws *ws, struct cursor *c)
{
    size_t need = ws->head_len < 2 ? 2 : head_bytes(ws->head);
    for (;;) {
        while (ws->head_len < need && c->used < c->len) {
            ws->head[ws->head_len++] = (uint8_t)c->in[c->used++];
        }
        if (ws->head_len < need) {
            return 0;
        }
        if (need == 2) {
            int rc = check_opcode(ws, ws->head[0], ws->head[1]);
            if (rc < 0) {
                return rc;
            }
            need = head_bytes(ws->head);
        }
        if (ws->head_len == need) {
            int rc = begin_frame(ws);
            return rc < 0 ? rc : 1;
        }
    }
}

/* ---- control frames */

static int end_close(struct wr_ws *ws)
{
    const uint8_t *code = (const uint8_t *)ws->control;
    ws->closed = true;
    ws->closes = WR_WS_NO_CODE;
    if (ws->control_len == 0) {
        return 0;
    }
    if (ws->control_len == 1) {
        return fail_protocol(ws, "a close frame has one byte");
    }
    ws->closes = (uint16_t)(code[0] << 8 | code[1]);
    if (!wr_ws_close_code_fits(ws->closes)) {
        return fail(ws, WEIR_EPARSE, WR_WS_PROTOCOL, "a close frame has the invalid code %u",
                    ws->closes);
    }
    ws->control_len -= 2;
    memmove(ws->control, ws->control + 2, ws->control_len);
    if (wr_utf8_valid_bytes(ws->control, ws->control_len) != ws->control_len) {
        return fail(ws, WEIR_EPARSE, WR_WS_BAD_DATA, "the reason in a close frame is not UTF-8");
    }
    return 0;
}

/* As read_head. */
static int read_control(struct wr_ws *ws, struct cursor *c)
{
    size_t n = (size_t)WR_MIN(ws->left, (uint64_t)(c->len - c->used));
    if (ws->masked) {
        wr_ws_mask(ws->control + ws->control_len, c->in + c->used, n, ws->key, ws->control_len);
    } else if (n > 0) {
        memcpy(ws->control + ws->control_len, c->in + c->used, n);
    }
    ws->control_len += (uint8_t)n;
    ws->left -= n;
    c->used += n;
    if (ws->left > 0) {
        return 0;
    }
    int rc = ws->opcode == WR_WS_CLOSE ? end_close(ws) : 0;
    ws->phase = ws->closed ? OVER : HEAD;
    return rc < 0 ? rc : 1;
}

/* ---- data */

/* Mark the message as over the limit, or fail. */
static int go_over(struct wr_ws *ws)
{
    if (!ws->drops) {
        return fail_long(ws);
    }
    ws->over = true;
    return 0;
}

static void use(struct wr_ws *ws, struct cursor *c, size_t bytes)
{
    c->used += bytes;
    ws->left -= bytes;
    ws->mask_at = (ws->mask_at + bytes) % WR_WS_KEY_BYTES;
}

/* Some payload of a message that is not compressed. 1: done; 0: there is no room; or a failure. */
static int read_plain(struct wr_ws *ws, struct cursor *c)
{
    char scratch[SCRATCH];
    const char *from = c->in + c->used;
    size_t n = (size_t)WR_MIN(ws->left, (uint64_t)(c->len - c->used));
    if (n > 0 && !ws->over && ws->bytes == ws->message_bytes_max && go_over(ws) < 0) {
        return ws->failure;
    }
    if (ws->over) {
        n = ws->masked ? WR_MIN(n, sizeof scratch) : n;
    } else {
        n = (size_t)WR_MIN((uint64_t)n, ws->message_bytes_max - ws->bytes);
        if (n > 0 && c->cap == c->made) {
            return 0;
        }
        n = WR_MIN(n, c->cap - c->made);
    }
    if (n == 0) {
        return 1;
    }
    char *to = ws->over ? scratch : c->out + c->made;
    if (ws->masked) {
        wr_ws_mask(to, from, n, ws->key, ws->mask_at);
    } else if (!ws->over) {
        memcpy(to, from, n);
    }
    use(ws, c, n);
    c->made += ws->over ? 0 : n;
    int rc = came(ws, ws->masked || !ws->over ? to : from, n, ws->over);
    return rc < 0 ? rc : 1;
}

static int fail_inflate(struct wr_ws *ws, int code)
{
    unsigned close = code == WEIR_ETOOLONG ? WR_WS_TOO_BIG
                     : code == WEIR_EPARSE ? WR_WS_BAD_DATA
                                           : WR_WS_INTERNAL;
    return fail(ws, code, close, "a compressed message cannot be decoded: %s",
                wr_ws_inflate_reason(ws->inflater));
}

/* Decompress [in, in+len). 1: all of it is used and all of its output given; 0: there is no room; or
 * a failure. */
static int inflate_some(struct wr_ws *ws, struct cursor *c, const char *in, size_t len,
                        size_t *used)
{
    char scratch[SCRATCH];
    *used = 0;
    for (;;) {
        size_t some = 0, made = 0;
        bool probes = !ws->over && ws->bytes == ws->message_bytes_max;
        bool aside = ws->over || probes;
        if (!aside && c->cap == c->made) {
            return 0;
        }
        char *out = aside ? scratch : c->out + c->made;
        size_t cap =
            aside ? sizeof scratch
                  : (size_t)WR_MIN((uint64_t)(c->cap - c->made), ws->message_bytes_max - ws->bytes);
        int rc = wr_ws_inflate(ws->inflater, in + *used, len - *used, &some, out, cap, &made);
        *used += some;
        if (probes && made > 0 && go_over(ws) < 0) {
            return ws->failure;
        }
        c->made += aside ? 0 : made;
        if (came(ws, out, made, aside) < 0) {
            return ws->failure;
        }
        if (rc < 0) {
            return fail_inflate(ws, rc);
        }
        if (rc == WR_DECODE_NEED_INPUT) {
            return 1;
        }
    }
}

/* As read_plain. */
static int read_compressed(struct wr_ws *ws, struct cursor *c)
{
    char plain[SCRATCH];
    const char *from = c->in + c->used;
    size_t n = (size_t)WR_MIN(ws->left, (uint64_t)(c->len - c->used)), used;
    if (ws->inflater == NULL && (ws->inflater = wr_ws_inflater_new(&ws->terms)) == NULL) {
        return fail(ws, WEIR_ENOMEM, WR_WS_INTERNAL, "no memory to decompress a message");
    }
    if (ws->masked) {
        n = WR_MIN(n, sizeof plain);
        wr_ws_mask(plain, from, n, ws->key, ws->mask_at);
        from = plain;
    }
    int rc = inflate_some(ws, c, from, n, &used);
    use(ws, c, used);
    return rc;
}

/* The message has ended. */
static int end_message(struct wr_ws *ws)
{
    if (ws->message == WR_WS_TEXT && ws->carry_len > 0) {
        return fail(ws, WEIR_EPARSE, WR_WS_BAD_DATA,
                    "a text message ends inside a character of UTF-8");
    }
    if (ws->compressed) {
        wr_ws_inflate_over(ws->inflater, ws->terms.in_fresh);
    }
    ws->ended = ws->message;
    ws->message = 0;
    ws->phase = HEAD;
    return WR_WS_MESSAGE;
}

/* Payload, and the end of the frame. */
static int read_data(struct wr_ws *ws, struct cursor *c)
{
    int rc = ws->compressed ? read_compressed(ws, c) : read_plain(ws, c);
    if (rc <= 0) {
        return rc < 0 ? rc : WR_WS_NEED_ROOM;
    }
    if (ws->left > 0) {
        return c->used == c->len ? WR_WS_NEED_INPUT : GO_ON;
    }
    if (!ws->fin) {
        ws->phase = HEAD;
        return GO_ON;
    }
    if (!ws->compressed) {
        return end_message(ws);
    }
    ws->tail_at = 0;
    ws->phase = TAIL;
    return GO_ON;
}

static int read_tail(struct wr_ws *ws, struct cursor *c)
{
    size_t used;
    int rc = inflate_some(ws, c, tail + ws->tail_at, (size_t)(TAIL_BYTES - ws->tail_at), &used);
    ws->tail_at += (uint8_t)used;
    return rc < 0 ? rc : rc == 0 ? WR_WS_NEED_ROOM : end_message(ws);
}

int wr_ws_read(struct wr_ws *ws, const char *in, size_t len, size_t *used, char *out, size_t cap,
               size_t *made)
{
    struct cursor c = {.in = in, .len = len, .out = out, .cap = cap};
    int rc = ws->failure < 0 ? ws->failure : GO_ON;
    while (rc == GO_ON) {
        int got;
        switch (ws->phase) {
        case HEAD:
            got = read_head(ws, &c);
            rc = got < 0 ? got : got == 0 ? WR_WS_NEED_INPUT : GO_ON;
            break;
        case CONTROL:
            got = read_control(ws, &c);
            rc = got < 0 ? got : got == 0 ? WR_WS_NEED_INPUT : WR_WS_CONTROL;
            break;
        case DATA: rc = read_data(ws, &c); break;
        case TAIL: rc = read_tail(ws, &c); break;
        default:
            c.used = c.len;
            rc = WR_WS_NEED_INPUT;
            break;
        }
    }
    *used = c.used;
    *made = c.made;
    return rc;
}
