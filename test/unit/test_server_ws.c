/*
 * test_server_ws.c - replies that are WebSockets: the handshake, messages, what the client sends, and
 * every way in which they end.
 */
#include <string.h>

#include "codec_ws_handshake.h"
#include "loop_scope.h"
#include "server_conn.h"
#include "support_server.h"
#include "support_ws.h"

#define UPGRADE                                           \
    "Upgrade: websocket\r\nConnection: keep, Upgrade\r\n" \
    "Sec-WebSocket-Version: 13\r\n"
#define KEY "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
#define ASK(path) "GET " path " HTTP/1.1\r\n" HOST UPGRADE KEY
#define OFFER "Sec-WebSocket-Extensions: " WR_WS_OFFER "\r\n\r\n"
#define ACCEPTED "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"

static const struct ws_how as_client = {.role = WR_WS_CLIENT};

static void say_frames(struct wr_transport *client, struct frames *f)
{
    struct iovec piece = {f->data, f->len};
    ck_assert_int_eq(client->ops->write(client, &piece, 1), (int64_t)f->len);
    frames_free(f);
}

/* All frames after the head, as text; to be freed. */
static char *frames_got(const struct ws_how *how)
{
    const char *head_end = strstr(got, "\r\n\r\n");
    size_t len;
    ck_assert_ptr_nonnull(head_end);
    head_end += 4;
    struct frames f = {.data = (char *)(uintptr_t)head_end,
                       .len = got_len - (size_t)(head_end - got)};
    return ws_read_cut(how, &f, (struct ws_cut){SIZE_MAX, SIZE_MAX}, &len);
}

static void check_frames(const char *expected)
{
    char *text = frames_got(&as_client);
    ck_assert_str_eq(text, expected);
    free(text);
}

/* Ask, and read until the close frame; to be freed. */
static char *ask_for(const char *request, const struct ws_how *how)
{
    struct wr_transport *client = visit(request);
    char *text = NULL;
    ck_assert(hear(client, "\r\n\r\n"));
    while (text = frames_got(how), strstr(text, "close:") == NULL) {
        int64_t n = client->ops->read(client, got + got_len, sizeof got - 1 - got_len);
        free(text);
        if (n == WR_AGAIN) {
            wait_bytes(client);
        } else {
            ck_assert_int_gt(n, 0);
            got_len += (size_t)n;
        }
    }
    hang_up(client);
    return text;
}

static void check_asked(const char *request, const char *expected)
{
    char *text = ask_for(request, &as_client);
    ck_assert_str_eq(text, expected);
    free(text);
}

/* Until so many bytes of frames have come. */
static void hear_frames(struct wr_transport *client, size_t bytes)
{
    ck_assert(hear(client, "\r\n\r\n"));
    size_t head = (size_t)(strstr(got, "\r\n\r\n") + 4 - got);
    while (got_len < head + bytes) {
        int64_t n = client->ops->read(client, got + got_len, sizeof got - 1 - got_len);
        if (n == WR_AGAIN) {
            wait_bytes(client);
            continue;
        }
        ck_assert_int_gt(n, 0);
        got_len += (size_t)n;
    }
}

TEST(items_are_messages_and_the_end_is_a_close_frame)
{
    start();
    check_asked(ASK("/ws/lines?n=3") "\r\n", "t:line 1|t:line 2|t:line 3|close:1000|");
    ck_assert(begins(got, "HTTP/1.1 101 Switching Protocols\r\n"));
    ck_assert_ptr_nonnull(strstr(got, ACCEPTED));
    ck_assert_ptr_nonnull(strstr(got, "X-Test: yes\r\n"));
    ck_assert_ptr_null(strstr(got, "Content-"));
    finish();
}

TEST(what_is_not_text_is_binary_and_a_line_in_pieces_one_message)
{
    start();
    check_asked(ASK("/ws/parts") "\r\n", "t:text|b:\xff|b:onetwoend|close:1000|");
    finish();
}

TEST(a_failure_is_told_with_its_code)
{
    start();
    char *text = ask_for(ASK("/ws/lines?n=1&code=5") "\r\n", &as_client);
    ck_assert(begins(text, "t:line 1|close:1011 "));
    free(text);
    finish();
}

TEST(messages_are_compressed_where_the_client_offers_it)
{
    static const struct wr_ws_terms terms = {
        .deflate = true, .in_bits = WR_WS_BITS_MAX, .out_bits = WR_WS_BITS_MAX};
    static const struct ws_how how = {.role = WR_WS_CLIENT, .terms = &terms};
    start();
    char *text = ask_for(ASK("/ws/lines?n=2") OFFER, &how);
    ck_assert_ptr_nonnull(strstr(got, "Sec-WebSocket-Extensions: permessage-deflate\r\n"));
    ck_assert_uint_eq((unsigned char)body()[0], FIN | WR_WS_RSV1 | WR_WS_TEXT);
    ck_assert_str_eq(text, "t:line 1|t:line 2|close:1000|");
    free(text);
    wr_loop_settle(loop);
    ck_assert_int_eq(loop->budget.used, 0);

    loop->budget.limit = 256 * 1024;
    check_asked(ASK("/ws/lines?n=1") OFFER, "t:line 1|close:1000|");
    ck_assert_ptr_null(strstr(got, "Extensions")); /* not enough memory for it */
    finish();
}

TEST(a_request_that_is_no_handshake_is_refused)
{
    start();
    (void)ask("GET /ws/lines HTTP/1.1\r\n" LAST);
    ck_assert(begins(got, "HTTP/1.1 426 Upgrade Required\r\n"));
    ck_assert_ptr_nonnull(strstr(got, "Upgrade: websocket\r\n"));
    ck_assert_ptr_nonnull(strstr(got, "Sec-WebSocket-Version: 13\r\n"));
    ck_assert_ptr_nonnull(strstr(got, "426 Upgrade Required: this is a WebSocket: use ws://\n"));
    (void)ask("GET /ws/lines HTTP/1.1\r\n" HOST KEY
              "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 8\r\n\r\n");
    ck_assert(begins(got, "HTTP/1.1 426 "));
    (void)ask("GET /ws/lines HTTP/1.1\r\n" HOST UPGRADE "Sec-WebSocket-Key: short\r\n\r\n");
    ck_assert(begins(got, "HTTP/1.1 400 "));
    (void)ask("GET /ws/lines HTTP/1.1\r\n" HOST UPGRADE "\r\n");
    ck_assert(begins(got, "HTTP/1.1 400 "));
    (void)ask("HEAD /ws/lines HTTP/1.1\r\n" HOST UPGRADE KEY "\r\n");
    ck_assert(begins(got, "HTTP/1.1 400 "));
    (void)ask("GET /ws/lines HTTP/1.0\r\n" UPGRADE KEY "\r\n");
    ck_assert(begins(got, "HTTP/1.1 400 "));
    finish();
}

TEST(pings_are_answered_and_messages_are_dropped)
{
    struct frames f = {.masks = true};
    start();
    struct wr_transport *client = visit(ASK("/ws/feed") "\r\n");
    ck_assert(hear(client, "\r\n\r\n"));
    FRAME(&f, FIN | WR_WS_TEXT, "unheard");
    FRAME(&f, FIN | WR_WS_PING, "abc");
    say_frames(client, &f);
    hear_frames(client, 5);
    check_frames("pong:abc|");
    let_feed_go();
    hear_frames(client, 5 + 6);
    check_frames("pong:abc|t:tick|");
    leave(client);
    ck_assert(feed_ended);
}

TEST(frames_that_come_with_the_request_count)
{
    struct frames f = {.masks = true};
    start();
    struct wr_transport *client = dial();
    frames_put(&f, ASK("/ws/feed") "\r\n", sizeof ASK("/ws/feed") + 1);
    FRAME(&f, FIN | WR_WS_PING, "early");
    say_frames(client, &f);
    hear_frames(client, 7);
    check_frames("pong:early|");
    leave(client);
}

TEST(a_client_that_closes_gets_its_code_back)
{
    struct frames f = {.masks = true};
    start();
    struct wr_transport *client = visit(ASK("/ws/feed") "\r\n");
    ck_assert(hear(client, "\r\n\r\n"));
    FRAME(&f, FIN | WR_WS_CLOSE, "\x03\xe9");
    say_frames(client, &f);
    ck_assert(hear(client, NULL));
    check_frames("close:1001|");
    ck_assert(feed_ended);
    leave(client);
}

TEST(a_client_may_close_without_a_code)
{
    struct frames f = {.masks = true};
    start();
    struct wr_transport *client = visit(ASK("/ws/feed") "\r\n");
    ck_assert(hear(client, "\r\n\r\n"));
    FRAME(&f, FIN | WR_WS_CLOSE, "");
    say_frames(client, &f);
    ck_assert(hear(client, NULL));
    check_frames("close:1005|");
    leave(client);
}

TEST(a_client_that_breaks_the_protocol_is_told_so)
{
    struct frames f = {.masks = false};
    start();
    struct wr_transport *client = visit(ASK("/ws/feed") "\r\n");
    ck_assert(hear(client, "\r\n\r\n"));
    FRAME(&f, FIN | WR_WS_TEXT, "not masked");
    say_frames(client, &f);
    ck_assert(hear(client, NULL));
    check_frames("close:1002|");
    ck_assert(feed_ended);
    leave(client);
}

TEST(a_client_that_does_not_answer_a_close_frame_is_left)
{
    start();
    struct wr_transport *client = visit(ASK("/ws/lines?n=1") "\r\n");
    hear_frames(client, 8 + 4);
    check_frames("t:line 1|close:1000|");
    pass(1001);
    ck_assert(hear(client, NULL));
    leave(client);
}

TEST(a_client_that_leaves_ends_the_generator)
{
    start();
    struct wr_transport *client = visit(ASK("/ws/feed") "\r\n");
    ck_assert(hear(client, "\r\n\r\n"));
    hang_up(client);
    await_end();
    ck_assert(feed_ended);
    finish();
}

TEST(a_server_that_stops_says_that_it_goes_away)
{
    if (wr_test_sweeps()) {
        return; /* megabytes each time */
    }
    start();
    struct wr_transport *client = visit(ASK("/ws/flood") "\r\n");
    ck_assert(hear(client, "xxx"));
    weir_scope_stop(weir_root(loop));
    while (!feed_ended) {
        int64_t n = client->ops->read(client, got, 4096);
        ck_assert(n > 0 || n == WR_AGAIN);
        (void)wr_pause(loop, NULL);
    }
    while (got_len < 4 || memcmp(got + got_len - 4, "\x88\x02\x03\xe9", 4) != 0) {
        int64_t n = client->ops->read(client, got, 4096);
        ck_assert(n > 0 || n == WR_AGAIN);
        got_len = n > 0 ? (size_t)n : got_len;
        (void)wr_pause(loop, NULL);
    }
    leave(client);
}

TEST(a_client_that_does_not_read_stops_the_generator_and_gets_its_pong)
{
    struct frames f = {.masks = true};
    if (wr_test_sweeps()) {
        return; /* megabytes each time */
    }
    start();
    struct wr_transport *client = visit(ASK("/ws/flood") "\r\n");
    int before = await_calm();
    ck_assert_int_gt(pulls, 64);
    ck_assert_int_lt(pulls, 8000);
    FRAME(&f, FIN | WR_WS_PING, "still here");
    say_frames(client, &f);
    (void)await_calm();
    ck_assert_int_eq(pulls, before);
    static const char pong[] = "\x8a\x0astill here";
    while (memmem(got, got_len, pong, sizeof pong - 1) == NULL) {
        int64_t n = client->ops->read(client, got, sizeof got - 1);
        ck_assert(n > 0 || n == WR_AGAIN);
        got_len = n > 0 ? (size_t)n : 0;
        (void)wr_pause(loop, NULL);
    }
    leave(client);
}

MAIN("server/ws")
