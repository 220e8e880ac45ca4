/*
 * support_ws.h - WebSocket frames written by hand, and a reader that is fed at any cut.
 *
 * What comes out is one text: `t:hello|` a text, `b:..|` binary, `t~hel|` over the limit, `ping:..|`,
 * `pong:..|`, `close:1000 bye|`, and at a failure `<1002 reason>`.
 */
#ifndef WR_SUPPORT_WS_H
#define WR_SUPPORT_WS_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base_fault.h"
#include "codec_ws.h"
#include "support_check.h"

/* Frames, as they are on the wire. */
struct frames {
    char *data;
    size_t len, cap;
    bool masks; /* from a client */
};

/* Not inlined, or gcc 12 invents a length of -1. */
static __attribute__((noinline, unused)) void frames_put(struct frames *f, const void *data,
                                                         size_t len)
{
    if (f->data == NULL || f->cap < f->len + len + 1) {
        f->cap = 2 * (f->len + len + 1);
        f->data = realloc(f->data, f->cap);
    }
    if (len > 0) {
        memcpy(f->data + f->len, data, len);
    }
    f->len += len;
}

static inline void frame(struct frames *f, unsigned first, const void *payload, size_t len)
{
    static const uint8_t key[WR_WS_KEY_BYTES] = {0x37, 0xfa, 0x21, 0x3d};
    char head[WR_WS_HEAD_MAX], *masked = malloc(len + 1);
    frames_put(f, head, wr_ws_write_head(head, first, len, f->masks ? key : NULL));
    if (f->masks) {
        wr_ws_mask(masked, payload, len, key, 0);
    } else if (len > 0) {
        memcpy(masked, payload, len);
    }
    frames_put(f, masked, len);
    free(masked);
}

#define FIN WR_WS_FIN
#define FRAME(f, first, text) frame(f, first, text, sizeof(text) - 1)

static inline void frames_free(struct frames *f)
{
    free(f->data);
    *f = (struct frames){.masks = f->masks};
}

struct ws_how {
    enum wr_ws_role role;
    const struct wr_ws_terms *terms;
    uint64_t limit; /* 0: none */
    bool drops;
};

struct ws_cut {
    size_t in, out; /* 0: of random length */
};

static inline size_t ws_piece(size_t step, size_t left, uint32_t *seed)
{
    *seed = *seed * 1664525u + 1013904223u;
    size_t piece = step != 0 ? step : (*seed >> 8) % 41;
    return piece < left ? piece : left;
}

/* Feed all frames, cut in this way; the text, which the caller frees. */
static inline char *ws_read_cut(const struct ws_how *how, const struct frames *f, struct ws_cut cut,
                                size_t *text_len)
{
    static const char *const controls[] = {"close", "ping", "pong"};
    char *text, *message = NULL;
    size_t message_len = 0, message_cap = 0, at = 0, end = 0;
    uint32_t seed = 7;
    struct wr_ws ws;
    FILE *out = open_memstream(&text, text_len);
    wr_fault_pause(true);
    wr_ws_init(&ws, how->role, how->terms, how->limit != 0 ? how->limit : UINT64_MAX, how->drops);
    int rc = 0;
    while (rc >= 0 && (at < f->len || end < f->len || rc != WR_WS_NEED_INPUT)) {
        end += rc == WR_WS_NEED_INPUT ? ws_piece(cut.in, f->len - end, &seed) : 0;
        size_t room = ws_piece(cut.out, 64 * 1024, &seed), used, made;
        char *window = malloc(end - at + 1), *to = malloc(room + 1);
        memcpy(window, f->data + at, end - at);
        /* At the end of its memory, so that a sanitizer sees a byte too many. */
        rc = wr_ws_read(&ws, window, end - at, &used, to, room, &made);
        MUST(used <= end - at && made <= room);
        MUST(rc != WR_WS_NEED_INPUT || used == end - at);
        at += used;
        if (message_cap < message_len + made + 1) {
            message_cap = 2 * (message_len + made + 1);
            message = realloc(message, message_cap);
        }
        memcpy(message + message_len, to, made);
        message_len += made;
        free(window);
        free(to);
        if (rc == WR_WS_MESSAGE) {
            fprintf(out, "%c%c", ws.ended == WR_WS_TEXT ? 't' : 'b', ws.over ? '~' : ':');
            fwrite(message, 1, message_len, out);
            fputc('|', out);
            message_len = 0;
        } else if (rc == WR_WS_CONTROL) {
            fprintf(out, "%s:", controls[ws.opcode - WR_WS_CLOSE]);
            if (ws.opcode == WR_WS_CLOSE) {
                fprintf(out, "%u%s", ws.closes, ws.control_len > 0 ? " " : "");
            }
            fwrite(ws.control, 1, ws.control_len, out);
            fputc('|', out);
        }
    }
    if (rc < 0) {
        fprintf(out, "<%u %s>", ws.fail_close, ws.reason);
        size_t used, made;
        MUST(wr_ws_read(&ws, "x", 1, &used, NULL, 0, &made) == rc); /* stays failed */
    }
    fclose(out);
    free(message);
    wr_ws_fini(&ws);
    wr_fault_pause(false);
    return text;
}

/* Whole, and at every chunking: what comes out. */
static inline char *ws_read_every_way(const struct ws_how *how, const struct frames *f, size_t *len)
{
    static const struct ws_cut cuts[] = {{1, 1},        {2, 3},        {3, 7},  {7, 1000},
                                         {1, SIZE_MAX}, {SIZE_MAX, 1}, {0, 16}, {0, 0}};
    char *want = ws_read_cut(how, f, (struct ws_cut){SIZE_MAX, SIZE_MAX}, len);
    for (size_t i = 0; i < sizeof cuts / sizeof *cuts; i++) {
        size_t text_bytes;
        if (f->len > 4096 && (cuts[i].out < 7 || cuts[i].out == SIZE_MAX)) {
            continue; /* that many copies of long windows take too long */
        }
        char *text = ws_read_cut(how, f, cuts[i], &text_bytes);
        ck_assert_uint_eq(text_bytes, *len);
        ck_assert_mem_eq(text, want, *len);
        free(text);
    }
    return want;
}

/* ... is this text. Frees the frames. */
static inline void ws_reads_as(const struct ws_how *how, struct frames *f, const char *expected)
{
    size_t len;
    char *text = ws_read_every_way(how, f, &len);
    ck_assert_str_eq(text, expected);
    free(text);
    frames_free(f);
}

#endif
