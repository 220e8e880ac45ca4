/*
 * test_source_ws.c - messages of a WebSocket, from a server in a task of the same loop: what is read,
 * what is sent, the end, and a connection that is made again.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "codec_ws_handshake.h"
#include "loop_transport.h"
#include "support_flow.h"
#include "support_ws.h"

/* What the server does on each connection: it sends these frames, and keeps what comes. */
struct play {
    struct wr_listener *listener;
    const struct frames *connections;
    size_t count;
    const char *more; /* header lines of the answer; NULL: none */
};

static const char *first; /* a message to send; NULL: none */
/* Whatever proxy the environment names. */
__attribute__((constructor)) static void use_no_proxy(void)
{
    setenv("no_proxy", "*", 1);
}

static char came[4096];
static size_t came_len;

/* Read more of what the client sends. False: its end. */
static bool more(struct wr_transport *t)
{
    for (;;) {
        int64_t n = t->ops->read(t, came + came_len, sizeof came - 1 - came_len);
        if (n == WR_AGAIN) {
            if (t->ops->wait(t, WR_READABLE, 5000, "a client", NULL) < 0) {
                return false;
            }
            continue;
        }
        came_len += n > 0 ? (size_t)n : 0;
        came[came_len] = '\0';
        return n > 0;
    }
}

static void give(struct wr_transport *t, const char *data, size_t len)
{
    struct iovec iov = {(void *)(uintptr_t)data, len};
    ck_assert_int_eq((int)t->ops->write(t, &iov, 1), (int)len);
}

static void serve_one(struct wr_transport *t, const struct frames *frames, const char *lines)
{
    char head[512], accept[WR_WS_ACCEPT_CHARS + 1];
    static const char name[] = "Sec-WebSocket-Key: ";
    came_len = 0;
    while (wr_ws_head_bytes(came, came_len) == 0) {
        if (!more(t)) {
            return;
        }
    }
    const char *key = strstr(came, name) + sizeof name - 1;
    if (wr_ws_write_accept((struct wr_text){key, WR_WS_NONCE_CHARS}, accept) < 0) {
        return;
    }
    int len = snprintf(head, sizeof head,
                       "HTTP/1.1 101 S\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                       "Sec-WebSocket-Accept: %s\r\n%s\r\n",
                       accept, lines != NULL ? lines : "");
    give(t, head, (size_t)len);
    came_len = 0;
    give(t, frames->data, frames->len);
    /* Until the client's close frame has come, or it has gone. */
    while (came_len < 8 && more(t)) {}
}

static int serve(weir_scope *scope, void *args)
{
    const struct play *play = args;
    weir_error error;
    (void)scope;
    for (size_t i = 0; i < play->count; i++) {
        struct wr_transport *t = wr_accept(play->listener, NULL, &error);
        if (t == NULL) {
            break;
        }
        serve_one(t, &play->connections[i], play->more);
        t->ops->free(t);
    }
    return 0;
}

/* All messages that come from these connections, and the result. */
static char *read_from(const struct frames *connections, size_t count, weir_error *result)
{
    /* In a sweep a failure may use up the connection, and there is no other one. */
    const weir_http_options once = {
        .struct_size = sizeof once, .retries = WEIR_NONE, .first_byte_ms = 1000, .idle_ms = 1000};
    const weir_ws_options options = {.struct_size = sizeof options,
                                     .http = &once,
                                     .messages = &first,
                                     .messages_count = first != NULL,
                                     .files = 1};
    weir_error error;
    char url[64], *text;
    size_t len;
    weir_loop *loop = weir_loop_new(NULL);
    FILE *out = open_memstream(&text, &len);
    struct play play = {.connections = connections, .count = count};
    wr_fault_pause(true);
    play.listener = loop != NULL ? wr_listen(loop, "127.0.0.1:0", &error) : NULL;
    wr_fault_pause(false);
    ck_assert_ptr_nonnull(play.listener);
    snprintf(url, sizeof url, "ws://127.0.0.1:%d/", wr_listener_port(play.listener));
    weir_scope *scope = weir_scope_new(weir_root(loop), NULL);
    weir_spawn(scope, "server", serve, &play, sizeof play);
    weir_gen *gen = weir_ws_messages(weir_root(loop), url, &options);
    weir_item item;
    while (weir_next(gen, &item)) {
        const weir_event *event = weir_event_of(&item);
        MUST(event != NULL && event->fields_count == 1);
        fprintf(out, "%c:%.*s|", event->values[0].data[0], (int)event->body.len, event->body.data);
    }
    (void)!weir_finish(gen, result);
    weir_scope_cancel(scope);
    (void)!weir_scope_wait(scope, &error);
    wr_listener_free(play.listener);
    weir_loop_free(loop);
    fclose(out);
    return text;
}

/* What the budget holds after the first message of a connection. */
static int64_t held_after_one(const struct frames *connection, const char *more)
{
    weir_error error;
    weir_item item;
    char url[64];
    weir_loop *loop = test_loop();
    struct play play = {.connections = connection, .count = 1, .more = more};
    wr_fault_pause(true);
    play.listener = wr_listen(loop, "127.0.0.1:0", &error);
    ck_assert_ptr_nonnull(play.listener);
    snprintf(url, sizeof url, "ws://127.0.0.1:%d/", wr_listener_port(play.listener));
    weir_scope *scope = weir_scope_new(weir_root(loop), NULL);
    weir_spawn(scope, "server", serve, &play, sizeof play);
    weir_gen *gen = weir_ws_messages(weir_root(loop), url, NULL);
    ck_assert(weir_next(gen, &item));
    int64_t held = loop->budget.used;
    weir_discard(gen);
    ck_assert_int_eq(loop->budget.used, 0);
    weir_scope_cancel(scope);
    (void)!weir_scope_wait(scope, &error);
    wr_listener_free(play.listener);
    weir_loop_free(loop);
    wr_fault_pause(false);
    return held;
}

TEST(the_memory_of_decompression_is_charged)
{
    struct frames plain = {.masks = false}, small = {.masks = false};
    FRAME(&plain, FIN | WR_WS_TEXT, "Hello");
    FRAME(&small, FIN | WR_WS_RSV1 | WR_WS_TEXT, "\xf2\x48\xcd\xc9\xc9\x07\x00");

    int64_t without = held_after_one(&plain, NULL);
    int64_t with = held_after_one(&small, "Sec-WebSocket-Extensions: permessage-deflate\r\n");

    ck_assert_int_ge(with, without + 4096); /* zlib's state */
    frames_free(&plain);
    frames_free(&small);
}

/* The bytes of a client's close frame. */
static unsigned close_code(void)
{
    char payload[2];
    if (came_len < 8 || (unsigned char)came[0] != (FIN | WR_WS_CLOSE)) {
        return 0;
    }
    wr_ws_mask(payload, came + 6, 2, (const uint8_t *)came + 2, 0);
    return (unsigned)(unsigned char)payload[0] << 8 | (unsigned char)payload[1];
}

TEST(messages_come_with_their_opcode_until_the_server_closes)
{
    struct frames f = {.masks = false};
    weir_error result;
    FRAME(&f, FIN | WR_WS_TEXT, "one");
    FRAME(&f, WR_WS_BINARY, "t");
    FRAME(&f, FIN | WR_WS_CONTINUATION, "wo");
    FRAME(&f, FIN | WR_WS_CLOSE, "\x03\xe8");

    char *text = read_from(&f, 1, &result);

    ck_assert_int_eq(result.code, 0);
    ck_assert_str_eq(text, "t:one|b:two|");
    ck_assert_uint_eq(close_code(), WR_WS_NORMAL);
    free(text);
    frames_free(&f);
}

TEST(a_broken_rule_fails_and_is_told_to_the_server)
{
    struct frames f = {.masks = false};
    weir_error result;
    FRAME(&f, FIN | WR_WS_TEXT, "one");
    FRAME(&f, FIN | WR_WS_TEXT, "\xff");

    char *text = read_from(&f, 1, &result);

    ck_assert_str_eq(text, "t:one|");
    ck_assert_int_eq(result.code, WEIR_EPARSE);
    ck_assert_ptr_nonnull(
        strstr(result.message, "message 2 (at byte 8): a text message is not UTF-8"));
    ck_assert_uint_eq(close_code(), WR_WS_BAD_DATA);
    free(text);
    frames_free(&f);
}

TEST(a_code_of_the_program_is_final)
{
    struct frames f = {.masks = false};
    weir_error result;
    FRAME(&f, FIN | WR_WS_CLOSE, "\x0f\xa1no such feed");

    char *text = read_from(&f, 1, &result);

    ck_assert_int_eq(result.code, WEIR_EHTTP);
    ck_assert_int_eq(result.detail, 4001);
    ck_assert_ptr_nonnull(strstr(result.message, "code 4001: no such feed"));
    free(text);
    frames_free(&f);
}

TEST(a_ping_is_answered)
{
    struct frames f = {.masks = false};
    weir_error result;
    char pong[3];
    FRAME(&f, FIN | WR_WS_PING, "abc");
    FRAME(&f, FIN | WR_WS_CLOSE, "");

    char *text = read_from(&f, 1, &result);

    ck_assert_uint_ge(came_len, 9);
    ck_assert_int_eq((unsigned char)came[0], FIN | WR_WS_PONG);
    wr_ws_mask(pong, came + 6, 3, (const uint8_t *)came + 2, 0);
    ck_assert_mem_eq(pong, "abc", 3);
    free(text);
    frames_free(&f);
}

static void check_first(const char *content, const char *failure)
{
    struct frames f = {.masks = false};
    weir_error result;
    char path[128], message[130], got[8];
    wr_temp_name(path, sizeof path, "message");
    int fd = mkstemp(path);
    ck_assert_int_eq(write(fd, content, strlen(content)), (ssize_t)strlen(content));
    close(fd);
    snprintf(message, sizeof message, "@%s", path);
    first = message;
    FRAME(&f, FIN | WR_WS_CLOSE, "\x03\xe8");

    char *text = read_from(&f, 1, &result);

    if (failure != NULL) {
        ck_assert_int_eq(result.code, WEIR_EIO);
        ck_assert_ptr_nonnull(strstr(result.message, failure));
    } else if (!wr_test_faulty()) {
        ck_assert_int_eq(result.code, 0);
        ck_assert_uint_eq((unsigned char)came[0], FIN | WR_WS_TEXT);
        wr_ws_mask(got, came + 6, 3, (const uint8_t *)came + 2, 0);
        ck_assert_mem_eq(got, "abc", 3);
    }
    first = NULL;
    free(text);
    frames_free(&f);
}

TEST(a_first_message_may_be_in_a_file)
{
    check_first("abc\n", NULL);
}

TEST(a_file_that_is_no_text_is_not_sent)
{
    if (!wr_test_sweeps()) {
        check_first("\xff", "it is not UTF-8");
    }
}

/* It is stopped at its first wait, at its second one and so on. */
TEST(a_connection_that_is_being_made_can_be_left)
{
    for (int turns = 0; turns < 4; turns++) {
        char url[64];
        weir_error error;
        weir_item item;
        weir_loop *loop = test_loop();
        wr_fault_pause(true);
        struct wr_listener *listener = wr_listen(loop, "127.0.0.1:0", &error);
        wr_fault_pause(false);
        ck_assert_ptr_nonnull(listener);
        snprintf(url, sizeof url, "ws://127.0.0.1:%d/", wr_listener_port(listener));
        weir_gen *gen = weir_ws_messages(weir_root(loop), url, NULL);

        for (int i = 0; i < turns; i++) {
            ck_assert_int_eq(weir_next_within(gen, &item, 0), WEIR_GOT_LATE);
            wr_loop_settle(loop);
        }
        weir_discard(gen);

        wr_listener_free(listener);
        weir_loop_free(loop);
    }
}

/* The result of a source with this proxy in the environment. */
static int with_proxy(const char *proxy, weir_error *result)
{
    const weir_http_options once = {.struct_size = sizeof once, .retries = WEIR_NONE};
    const weir_ws_options options = {.struct_size = sizeof options, .http = &once};
    weir_item item;
    weir_loop *loop = weir_loop_new(NULL);
    ck_assert_ptr_nonnull(loop);
    setenv("http_proxy", proxy, 1);
    setenv("no_proxy", "127.0.0.2", 1);
    weir_gen *gen = weir_ws_messages(weir_root(loop), "ws://127.0.0.1:1/", &options);
    ck_assert(!weir_next(gen, &item));
    int rc = weir_finish(gen, result);
    weir_loop_free(loop);
    return rc;
}

TEST(the_proxy_of_the_environment_is_asked)
{
    weir_error result;
    int rc = with_proxy("http://me:p%40ss@127.0.0.1:1", &result);
    if (!wr_test_faulty()) {
        ck_assert_int_eq(rc, WEIR_ECONNECT);
        ck_assert_msg(strstr(result.message, "the proxy 127.0.0.1:1: ") != NULL, "%s",
                      result.message);
        ck_assert_int_eq(with_proxy("socks5://127.0.0.1:1", &result), WEIR_EINVAL);
        ck_assert_ptr_nonnull(strstr(result.message, "a WebSocket needs an HTTP proxy"));
    }
}

TEST(headers_of_the_handshake_cannot_be_set)
{
    const char *headers[] = {"Upgrade: h2c"};
    const weir_http_options http = {
        .struct_size = sizeof http, .headers = headers, .headers_count = 1};
    const weir_ws_options options = {.struct_size = sizeof options, .http = &http};
    weir_loop *loop = weir_loop_new(NULL);
    weir_error result;
    weir_item item;
    ck_assert_ptr_nonnull(loop);
    weir_gen *gen = weir_ws_messages(weir_root(loop), "ws://127.0.0.1:1/", &options);
    ck_assert(!weir_next(gen, &item));
    ck_assert_int_eq(weir_finish(gen, &result), WEIR_EINVAL);
    gen = weir_ws_messages(weir_root(loop), "http://127.0.0.1:1/", NULL);
    ck_assert(!weir_next(gen, &item));
    ck_assert_int_eq(weir_finish(gen, &result), WEIR_EINVAL);
    weir_loop_free(loop);
}

MAIN("source/ws")
