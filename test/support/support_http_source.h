/*
 * support_http_source.h - what tests of the HTTP source have in common: a scripted server in a
 * thread, and reading from it to the end.
 *
 * The loop's clock is virtual unless a test measures a clock of the source: it stands still while a
 * transfer is under way and jumps over back-off pauses.
 */
#ifndef WR_SUPPORT_HTTP_SOURCE_H
#define WR_SUPPORT_HTTP_SOURCE_H

#include <stdio.h>
#include <stdlib.h>

#include "base_fault.h"
#include "support_flow.h"
#include "support_http_peer.h"

#define OK_HEAD "HTTP/1.1 200 OK\r\n"
#define ETAG "ETag: \"v1\"\r\n"
#define PLAY(...)                                       \
    const struct http_answer answers[] = {__VA_ARGS__}; \
    struct http_peer *peer = http_peer_new(answers, sizeof answers / sizeof *answers)

static char log_text[4096];

static inline void keep_log(void *ctx, int level, const char *origin, const char *text)
{
    size_t len = strlen(log_text);
    (void)ctx;
    (void)level;
    (void)origin;
    snprintf(log_text + len, sizeof log_text - len, "%s\n", text);
}

static inline weir_loop *logging_loop(void)
{
    log_text[0] = '\0';
    weir_loop_options options = {.struct_size = sizeof options, .log = keep_log};
    weir_loop *loop = weir_loop_new(&options);
    ck_assert_ptr_nonnull(loop);
    wr_loop_virtual_clock(loop, 1700000000000000000);
    return loop;
}

/* All lines joined by '|'; ends gen, rc is its result. */
static inline const char *read_all(weir_gen *gen, weir_error *error)
{
    static char out[65536];
    weir_item item;
    size_t at = 0;
    weir_error unused;
    while (weir_next(gen, &item)) {
        at += (size_t)snprintf(out + at, sizeof out - at, "%.*s|", (int)item.len, item.data);
    }
    out[at] = '\0';
    weir_error *told = error != NULL ? error : &unused;
    int rc = weir_finish(gen, told);
    ck_assert_int_eq(rc, told->code);
    return out;
}

#define HTTP(...) WEIR_OPTIONS(weir_http_options, __VA_ARGS__)
/* Of a stream that is followed. In a sweep a call that fails may use up an answer, and nobody would
 * ever end the tries to get another one. */
#define FOLLOW .follow = 1, .retries = wr_test_sweeps() ? 5 : 0

static inline const char *get(weir_loop *loop, struct http_peer *peer,
                              const weir_http_options *options, weir_error *error)
{
    return read_all(weir_http_lines(weir_root(loop), http_peer_url(peer, "/feed"), options), error);
}

/* As get, with what it must come to: the lines (NULL: whatever), and the code. The failure. */
static inline const weir_error *gives(weir_loop *loop, struct http_peer *peer,
                                      const weir_http_options *options, const char *lines, int code)
{
    static weir_error error;
    const char *text = get(loop, peer, options, &error);
    ck_assert_str_eq(text, lines != NULL ? lines : text);
    ck_assert_int_eq(error.code, code);
    return &error;
}

static inline void end(weir_loop *loop, struct http_peer *peer)
{
    weir_loop_free(loop);
    http_peer_free(peer);
}

enum { LINES = 40000, LEN = 99 };

/* An answer of LINES lines of LEN bytes that begin with a digit. */
static inline char *many_lines(size_t *at)
{
    size_t len = (size_t)LINES * (LEN + 1);
    char *text = malloc(len + 200);
    ck_assert_ptr_nonnull(text);
    *at = (size_t)sprintf(text, OK_HEAD ETAG "Content-Length: %zu\r\n\r\n", len);
    for (size_t i = 0; i < LINES; i++, *at += LEN + 1) {
        memset(text + *at, 'x', LEN);
        text[*at] = (char)('0' + i % 10);
        text[*at + LEN] = '\n';
    }
    return text;
}

#endif
