/*
 * fuzz_ws.c - WebSocket: the reader of frames in both roles, with and without compression; the answer
 * of a handshake; the negotiation. Invariants: any two cuts of the input and of the room give the
 * same messages, control frames and failure; nothing outside a window is read or written; a message
 * is not longer than its limit; an offer that a server accepts, its answer gives the client the same
 * terms.
 *
 * The first four bytes pick the target and role, the limit, and the two cuts.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "codec_ws_handshake.h"

struct seen {
    uint64_t count, hash, message;
    int failed;
    unsigned close;
};

static void require(int holds)
{
    if (!holds) {
        abort();
    }
}

static void mix(uint64_t *hash, const void *data, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        *hash = (*hash ^ ((const unsigned char *)data)[i]) * UINT64_C(0x100000001b3);
    }
}

static void see(struct seen *seen, const struct wr_ws *ws, int got)
{
    uint8_t head[4] = {(uint8_t)got, ws->opcode, ws->ended, ws->over};
    if (got == WR_WS_MESSAGE) {
        require(ws->bytes <= ws->message_bytes_max);
        head[1] = 0;
        mix(&seen->hash, &seen->message, sizeof seen->message);
        seen->message = 0;
    } else {
        head[2] = head[3] = 0;
        require(ws->control_len <= WR_WS_CONTROL_MAX);
        mix(&seen->hash, ws->control, ws->control_len);
        mix(&seen->hash, &ws->closes, sizeof ws->closes);
    }
    mix(&seen->hash, head, sizeof head);
    seen->count++;
}

static struct seen read_all(const uint8_t *how, const char *data, size_t len, size_t step,
                            size_t room)
{
    static const struct wr_ws_terms deflate = {.deflate = true, .in_bits = 15, .out_bits = 15};
    struct wr_ws_terms terms = deflate;
    terms.in_fresh = (how[0] & 8) != 0;
    struct seen seen = {0};
    struct wr_ws ws;
    size_t at = 0, end = 0;
    int got = 0;
    wr_ws_init(&ws, how[0] & 1 ? WR_WS_SERVER : WR_WS_CLIENT, how[0] & 2 ? &terms : NULL,
               how[1] < 200 ? how[1] * 4u : UINT64_MAX, (how[0] & 4) != 0);
    while (got >= 0 && (end < len || got != WR_WS_NEED_INPUT)) {
        end = got == WR_WS_NEED_INPUT ? (step < len - end ? end + step : len) : end;
        size_t used, made;
        char *window = malloc(end - at + 1), *to = malloc(room);
        require(window != NULL && to != NULL);
        memcpy(window, data + at, end - at);
        got = wr_ws_read(&ws, window, end - at, &used, to, room, &made);
        require(used <= end - at && made <= room);
        require(got != WR_WS_NEED_INPUT || used == end - at);
        mix(&seen.message, to, made);
        at += used;
        free(window);
        free(to);
        if (got == WR_WS_MESSAGE || got == WR_WS_CONTROL) {
            see(&seen, &ws, got);
        }
    }
    seen.failed = ws.failure;
    seen.close = ws.fail_close;
    require((ws.failure < 0) == (ws.fail_close != 0));
    wr_ws_fini(&ws);
    return seen;
}

static void negotiate(const char *data, size_t len)
{
    struct wr_ws_answer answer;
    struct wr_ws_terms server, client = {.deflate = false};
    char text[WR_WS_TERMS_CHARS];
    size_t head = wr_ws_head_bytes(data, len);
    unsigned close;
    require(head <= len);
    if (wr_ws_answer_read(&answer, data, head, true, 0, 1000)) {
        require(answer.status >= 100 && answer.status <= 999);
        require(answer.retry_after_ms >= -1 && answer.retry_after_ms <= 1000);
        (void)wr_ws_answer_wrong(&answer, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=", "a, b", &close);
    }
    if (wr_ws_terms_choose((struct wr_text){data, len}, &server, text)) {
        require(wr_ws_terms_answered(wr_text_of(text), &client) == NULL && client.deflate);
        require(client.in_bits == server.out_bits && client.out_bits == server.in_bits);
        require(client.in_fresh == server.out_fresh && client.out_fresh == server.in_fresh);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    if (len < 4) {
        return 0;
    }
    const char *input = (const char *)data + 4;
    if (data[0] >= 200) {
        negotiate(input, len - 4);
        return 0;
    }
    struct seen whole = read_all(data, input, len - 4, SIZE_MAX, 1 << 16);
    struct seen parts = read_all(data, input, len - 4, data[2] % 40 + 1u, data[3] % 60 + 1u);
    require(whole.count == parts.count && whole.hash == parts.hash);
    require(whole.failed == parts.failed && whole.close == parts.close);
    return 0;
}
