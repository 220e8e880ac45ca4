/*
 * test_server_core.c - the server as a client sees it.
 *
 * Client and server share the loop; the client writes a request as text and looks at what comes
 * back. The clock is virtual, and stands still while somebody waits for a socket.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <weir/loop.h>
#include <weir/server.h>

#include "base_fault.h"
#include "loop_scope.h"
#include "loop_transport.h"
#include "support_check.h"

static weir_loop *loop;
static weir_server *server;
static weir_error error;
static char got[1 << 20]; /* what the last client has read */
static size_t got_len;

/* ---- generators to serve */

struct lines {
    int64_t first, count;
    int code; /* to fail with at the end; 0: none */
};

WEIR_SOURCE(numbered, struct lines)
{
    for (int64_t i = args->first; i < args->first + args->count; i++) {
        char line[32];
        int len = snprintf(line, sizeof line, "line %lld", (long long)i);
        weir_item item = weir_bytes(line, (size_t)len);
        if (!weir_yield(self, &item)) {
            return 0;
        }
    }
    return args->code == 0 ? 0 : weir_fail(self, args->code, "as asked");
}

static int pulls;
static bool feed_ended, feed_may_go;
static struct wr_task *feed_waiter;

/* Gives a line whenever the test says so. */
WEIR_SOURCE(feed, int)
{
    (void)args;
    weir_loop *on = loop;
    weir_item item = weir_bytes("tick", 4);
    bool more = true;
    while (more) {
        feed_waiter = wr_task_now(on, "feed");
        while (!feed_may_go && wr_wait(on, "the test", NULL) == 0) {}
        feed_waiter = NULL;
        feed_may_go = false;
        pulls++;
        more = weir_yield(self, &item);
    }
    feed_ended = true;
    return 0;
}

static void let_feed_go(void)
{
    ck_assert_ptr_nonnull(feed_waiter);
    feed_may_go = true;
    wr_wake(feed_waiter, 0);
}

/* Lines of 1000 bytes without end. */
WEIR_SOURCE(flood, int)
{
    char line[1000];
    memset(line, 'x', sizeof line);
    weir_item item = weir_bytes(line, sizeof line);
    (void)args;
    do {
        pulls++;
    } while (weir_yield(self, &item));
    feed_ended = true;
    return 0;
}

/* So many lines of 1000 bytes, and then the feed. */
WEIR_SOURCE(burst, int64_t)
{
    static char line[1000];
    memset(line, 'x', sizeof line);
    weir_item item = weir_bytes(line, sizeof line);
    for (int64_t i = 0; i < *args; i++) {
        if (!weir_yield(self, &item)) {
            return 0;
        }
    }
    int none = 0;
    return feed_body(self, &none);
}

static const char alphabet[] = "abcdefghijklmnopqrstuvwxyz";

struct part {
    int64_t first, count;
};

WEIR_SOURCE(letters, struct part)
{
    weir_item item = weir_bytes(alphabet + args->first, (size_t)args->count);
    return weir_yield(self, &item) ? 0 : WEIR_ECLOSED;
}

/* ---- routes */

static weir_gen *on_lines(weir_scope *scope, const weir_request *request, weir_reply *reply,
                          void *ctx)
{
    int64_t length = weir_request_number(request, "length", -1);
    (void)ctx;
    weir_reply_length(reply, length);
    weir_reply_header(reply, "X-Test", "yes");
    return numbered(scope, (struct lines){1, weir_request_number(request, "n", 2),
                                          (int)-weir_request_number(request, "code", 0)});
}

static weir_gen *on_feed(weir_scope *scope, const weir_request *request, weir_reply *reply,
                         void *ctx)
{
    (void)request;
    (void)ctx;
    weir_reply_type(reply, "application/x-ndjson");
    return feed(scope, 0);
}

static weir_gen *on_flood(weir_scope *scope, const weir_request *request, weir_reply *reply,
                          void *ctx)
{
    (void)request;
    (void)reply;
    (void)ctx;
    return flood(scope, 0);
}

static weir_gen *on_burst(weir_scope *scope, const weir_request *request, weir_reply *reply,
                          void *ctx)
{
    (void)reply;
    (void)ctx;
    return burst(scope, weir_request_number(request, "n", 0));
}

/* Takes an hour over its reply. */
static weir_gen *on_sleepy(weir_scope *scope, const weir_request *request, weir_reply *reply,
                           void *ctx)
{
    (void)request;
    (void)reply;
    (void)ctx;
    pulls++;
    feed_ended = !weir_sleep(scope, 3600 * 1000);
    return NULL;
}

static weir_gen *on_letters(weir_scope *scope, const weir_request *request, weir_reply *reply,
                            void *ctx)
{
    struct part part;
    (void)request;
    (void)ctx;
    weir_reply_body(reply, WEIR_BODY_BYTES);
    weir_reply_length(reply, 26);
    weir_reply_etag(reply, "v1");
    if (weir_reply_range(reply, &part.first, &part.count) == 416) {
        return NULL;
    }
    return letters(scope, part);
}

/* Tells what it was asked. */
static weir_gen *on_echo(weir_scope *scope, const weir_request *request, weir_reply *reply,
                         void *ctx)
{
    char q[64], h[64], text[256];
    (void)scope;
    int64_t q_len = weir_request_query(request, "q", q, sizeof q);
    int64_t h_len = weir_request_header(request, "x-thing", h, sizeof h);
    snprintf(text, sizeof text, "%s %s q=%s(%lld) h=%s(%lld) %s", weir_request_method(request),
             weir_request_path(request), q, (long long)q_len, h, (long long)h_len,
             (const char *)ctx);
    return weir_reply_refuse(reply, 409, "%s", text);
}

static weir_gen *on_empty(weir_scope *scope, const weir_request *request, weir_reply *reply,
                          void *ctx)
{
    (void)scope;
    (void)ctx;
    weir_reply_status(reply, (int)weir_request_number(request, "status", 204));
    return NULL;
}

static weir_gen *on_faulty(weir_scope *scope, const weir_request *request, weir_reply *reply,
                           void *ctx)
{
    (void)request;
    (void)ctx;
    weir_reply_header(reply, "Content-Length", "7");
    return feed(scope, 0);
}

static void start_with(const weir_server_options *options)
{
    static char first[] = "first", second[] = "second";
    loop = weir_loop_new(NULL);
    ck_assert_ptr_nonnull(loop);
    wr_loop_virtual_clock(loop, 1700000000000000000);
    feed_ended = feed_may_go = false;
    pulls = 0;
    server = weir_server_new(weir_root(loop), "127.0.0.1:0", options);
    ck_assert_int_gt(weir_server_port(server), 0);
    ck_assert_int_eq(weir_server_route(server, "GET /lines", on_lines, NULL), 0);
    ck_assert_int_eq(weir_server_route(server, "GET /feed", on_feed, NULL), 0);
    ck_assert_int_eq(weir_server_route(server, "GET /flood", on_flood, NULL), 0);
    ck_assert_int_eq(weir_server_route(server, "GET /burst", on_burst, NULL), 0);
    ck_assert_int_eq(weir_server_route(server, "GET /sleepy", on_sleepy, NULL), 0);
    ck_assert_int_eq(weir_server_route(server, "GET /letters", on_letters, NULL), 0);
    ck_assert_int_eq(weir_server_route(server, "GET /echo/*", on_echo, first), 0);
    ck_assert_int_eq(weir_server_route(server, "GET /echo/deep/*", on_echo, second), 0);
    ck_assert_int_eq(weir_server_route(server, "GET /empty", on_empty, NULL), 0);
    ck_assert_int_eq(weir_server_route(server, "GET /faulty", on_faulty, NULL), 0);
}

static void start(void)
{
    start_with(NULL);
}

static void finish(void)
{
    ck_assert_int_eq(weir_server_finish(server, &error), 0);
    weir_loop_free(loop);
}

/* ---- the client */

static struct wr_transport *dial(void)
{
    char address[64];
    snprintf(address, sizeof address, "tcp://127.0.0.1:%d", weir_server_port(server));
    struct wr_transport *client = wr_connect(loop, address, -1, NULL, &error);
    ck_assert_msg(client != NULL, "%s", error.message);
    got_len = 0;
    got[0] = '\0';
    return client;
}

static void say(struct wr_transport *client, const char *text)
{
    struct iovec piece = {(void *)(uintptr_t)text, strlen(text)};
    ck_assert_int_eq(client->ops->write(client, &piece, 1), (int64_t)strlen(text));
}

/* Until there may be bytes. In a sweep somebody may be waiting for time to pass instead. */
static void wait_bytes(struct wr_transport *client)
{
    if (wr_test_sweeps()) {
        wr_clock_advance(loop, 10);
        (void)wr_pause(loop);
    } else {
        ck_assert_int_eq(client->ops->wait(client, WR_READABLE, -1, "the server", NULL), 0);
    }
}

/* Read until `text` has come, or, NULL, until the end. False: the end came first. */
static bool hear(struct wr_transport *client, const char *text)
{
    while (text == NULL || strstr(got, text) == NULL) {
        int64_t n = client->ops->read(client, got + got_len, sizeof got - 1 - got_len);
        if (n == WR_AGAIN) {
            wait_bytes(client);
            continue;
        }
        if (n <= 0) {
            return n == 0 && text == NULL;
        }
        got_len += (size_t)n;
        got[got_len] = '\0';
    }
    return true;
}

static void hang_up(struct wr_transport *client)
{
    client->ops->free(client);
}

/* One request on a connection of its own, read to the end. */
static const char *ask(const char *text)
{
    struct wr_transport *client = dial();
    say(client, text);
    ck_assert(hear(client, NULL));
    hang_up(client);
    return got;
}

static bool begins(const char *text, const char *with)
{
    return strncmp(text, with, strlen(with)) == 0;
}

static const char *body(void)
{
    const char *end = strstr(got, "\r\n\r\n");
    ck_assert_ptr_nonnull(end);
    return end + 4;
}

#define HOST "Host: a\r\n"
#define LAST "Host: a\r\nConnection: close\r\n\r\n"

/* ---- replies */

TEST(lines_come_chunked)
{
    start();
    ask("GET /lines?n=3 HTTP/1.1\r\n" LAST);

    ck_assert(begins(got, "HTTP/1.1 200 OK\r\nDate: Tue, 14 Nov 2023 22:13:20 GMT\r\n"));
    ck_assert_ptr_nonnull(strstr(got, "Content-Type: text/plain; charset=utf-8\r\n"));
    ck_assert_ptr_nonnull(strstr(got, "Transfer-Encoding: chunked\r\n"));
    ck_assert_ptr_nonnull(strstr(got, "X-Test: yes\r\n"));
    ck_assert_ptr_nonnull(strstr(got, "Connection: close\r\n"));
    ck_assert_str_eq(body(), "00015\r\nline 1\nline 2\nline 3\n\r\n0\r\n\r\n");
    finish();
}

TEST(a_known_length_is_told)
{
    start();
    ask("GET /lines?n=2&length=14 HTTP/1.1\r\n" LAST);

    ck_assert_ptr_nonnull(strstr(got, "Content-Length: 14\r\n"));
    ck_assert_ptr_null(strstr(got, "chunked"));
    ck_assert_str_eq(body(), "line 1\nline 2\n");
    finish();
}

TEST(http_1_0_gets_the_end_of_the_connection)
{
    start();
    ask("GET /lines HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");

    ck_assert_ptr_null(strstr(got, "chunked"));
    ck_assert_ptr_nonnull(strstr(got, "Connection: close\r\n"));
    ck_assert_str_eq(body(), "line 1\nline 2\n");
    finish();
}

TEST(http_1_0_keeps_a_connection_whose_replies_have_a_length)
{
    start();
    struct wr_transport *client = dial();
    for (int i = 0; i < 2; i++) {
        got_len = 0;
        got[0] = '\0';
        say(client, "GET /lines?length=14 HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
        ck_assert(hear(client, "line 2\n"));
        ck_assert_ptr_nonnull(strstr(got, "Connection: keep-alive\r\n"));
    }
    hang_up(client);
    finish();
}

TEST(head_has_the_head_only_and_pulls_nothing)
{
    start();
    ask("HEAD /flood HTTP/1.1\r\n" LAST);

    ck_assert(begins(got, "HTTP/1.1 200 OK\r\n"));
    ck_assert_ptr_nonnull(strstr(got, "Transfer-Encoding: chunked\r\n"));
    ck_assert_str_eq(body(), "");
    ck_assert_int_eq(pulls, 0);
    ask("HEAD /nowhere HTTP/1.1\r\n" LAST);
    ck_assert(begins(got, "HTTP/1.1 404"));
    ck_assert_str_eq(body(), "");
    finish();
}

TEST(a_connection_serves_one_request_after_another)
{
    start();
    struct wr_transport *client = dial();
    say(client, "GET /lines?n=1 HTTP/1.1\r\n" HOST "\r\n");
    ck_assert(hear(client, "0\r\n\r\n"));
    ck_assert_ptr_null(strstr(got, "Connection:"));
    got_len = 0;
    say(client, "GET /letters HTTP/1.1\r\n" HOST "\r\n");
    ck_assert(hear(client, "xyz"));
    hang_up(client);
    finish();
}

TEST(pipelined_requests_are_answered_in_order)
{
    start();
    ask("GET /lines?n=1 HTTP/1.1\r\n" HOST "\r\n"
        "GET /nowhere HTTP/1.1\r\n" HOST "\r\n"
        "GET /letters HTTP/1.1\r\n" LAST);

    const char *first = strstr(got, "HTTP/1.1 200"), *second = strstr(got, "HTTP/1.1 404");
    ck_assert(first != NULL && second != NULL && first < second);
    ck_assert_ptr_null(strstr(got, "abc")); /* an error ends the connection */
    finish();
}

TEST(a_request_in_pieces_is_one_request)
{
    static const char text[] = "GET /letters HTTP/1.1\r\n" LAST;
    start();
    struct wr_transport *client = dial();
    for (size_t i = 0; i < sizeof text - 1; i++) {
        char piece[2] = {text[i], '\0'};
        say(client, piece);
        wr_loop_settle(loop);
    }
    ck_assert(hear(client, NULL));
    ck_assert_str_eq(body(), alphabet);
    hang_up(client);
    finish();
}

TEST(a_line_is_sent_when_it_comes)
{
    start();
    struct wr_transport *client = dial();
    say(client, "GET /feed HTTP/1.1\r\n" HOST "\r\n");
    ck_assert(hear(client, "\r\n\r\n"));
    ck_assert_str_eq(body(), "");
    for (int i = 1; i <= 3; i++) {
        got_len = 0;
        got[0] = '\0';
        let_feed_go();
        ck_assert(hear(client, "tick"));
        ck_assert_str_eq(got, "00005\r\ntick\n\r\n");
        ck_assert_int_eq(pulls, i);
    }
    hang_up(client);
    finish();
}

TEST(a_reply_without_a_body)
{
    start();
    ask("GET /empty HTTP/1.1\r\n" LAST);
    ck_assert(begins(got, "HTTP/1.1 204 No Content\r\n"));
    ck_assert_ptr_null(strstr(got, "Content-"));
    ask("GET /empty?status=202 HTTP/1.1\r\n" LAST);
    ck_assert_ptr_nonnull(strstr(got, "Content-Length: 0\r\n"));
    finish();
}

/* ---- parts */

static void check_range(const char *headers, const char *status, const char *range,
                        const char *text)
{
    char request[256];
    snprintf(request, sizeof request, "GET /letters HTTP/1.1\r\n%s" LAST, headers);
    ask(request);
    ck_assert_msg(begins(got + 9, status), "%s: %s", headers, got);
    ck_assert_ptr_nonnull(strstr(got, range));
    ck_assert_ptr_nonnull(strstr(got, "ETag: \"v1\"\r\n"));
    ck_assert(text == NULL || strcmp(body(), text) == 0);
}

TEST(a_range_is_a_part)
{
    start();
    check_range("Range: bytes=3-5\r\n", "206", "Content-Range: bytes 3-5/26\r\n", "def");
    check_range("Range: bytes=23-\r\n", "206", "Content-Range: bytes 23-25/26\r\n", "xyz");
    check_range("Range: bytes=-2\r\n", "206", "Content-Range: bytes 24-25/26\r\n", "yz");
    check_range("Range: bytes=26-\r\n", "416", "Content-Range: bytes */26\r\n", NULL);
    check_range("Range: bytes=1-2,4-5\r\n", "200", "Accept-Ranges: bytes\r\n", alphabet);
    check_range("Range: lines=1-2\r\n", "200", "Content-Length: 26\r\n", alphabet);
    finish();
}

TEST(a_range_counts_only_while_the_thing_is_the_same)
{
    start();
    check_range("Range: bytes=3-5\r\nIf-Range: \"v1\"\r\n", "206", "Content-Length: 3\r\n", "def");
    check_range("Range: bytes=3-5\r\nIf-Range: \"v2\"\r\n", "200", "Content-Length: 26\r\n",
                alphabet);
    check_range("Range: bytes=3-5\r\nIf-Range: W/\"v1\"\r\n", "200", "Content-Length: 26\r\n",
                alphabet);
    finish();
}

/* ---- what a handler asks */

TEST(a_handler_sees_path_query_and_headers)
{
    start();
    ask("GET /echo/a%20b?x=1&q=c%26+d&q=2 HTTP/1.1\r\nX-Thing:  some \r\n" LAST);
    ck_assert_str_eq(body(), "409 Conflict: GET /echo/a b q=c& d(4) h=some(4) first\n");
    ask("GET /echo/deep/er?qq=1 HTTP/1.1\r\n" LAST);
    ck_assert_str_eq(body(), "409 Conflict: GET /echo/deep/er q=(-1) h=(-1) second\n");
    finish();
}

TEST(a_path_that_cannot_be_decoded_is_a_bad_request)
{
    start();
    ck_assert(begins(ask("GET /echo/%zz HTTP/1.1\r\n" LAST), "HTTP/1.1 400"));
    ck_assert(begins(ask("GET /echo/%00 HTTP/1.1\r\n" LAST), "HTTP/1.1 400"));
    finish();
}

/* ---- refusals */

TEST(errors_are_told_and_end_the_connection)
{
    static const char *const cases[][2] = {
        {"GET /nowhere HTTP/1.1\r\n" HOST "\r\n", "404 Not Found"},
        {"POST /lines HTTP/1.1\r\n" HOST "Content-Length: 2\r\n\r\nab", "405 Method Not Allowed"},
        {"GET /lines HTTP/1.1\r\n\r\n", "400 Bad Request"},
        {"GET /lines HTTP/2.0\r\n" HOST "\r\n", "505 HTTP Version Not Supported"},
        {"FROB /lines HTTP/1.1\r\n" HOST "\r\n", "501 Not Implemented"},
        {"POST /lines HTTP/1.1\r\n" HOST "Content-Length: 99999999\r\n\r\n",
         "413 Content Too Large"},
        {"POST /lines HTTP/1.1\r\n" HOST "Content-Length: 9\r\nExpect: 100-continue\r\n\r\n",
         "417 Expectation Failed"},
        {"GET /faulty HTTP/1.1\r\n" HOST "\r\n", "500 Internal Server Error"}};
    start();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ask(cases[i][0]);
        ck_assert_msg(begins(got + 9, cases[i][1]), "%s: %s", cases[i][0], got);
        ck_assert_ptr_nonnull(strstr(got, "Connection: close\r\n"));
        ck_assert(begins(body(), cases[i][1]));
        ck_assert((strstr(got, "Allow: GET, HEAD\r\n") != NULL) ==
                  (cases[i][1][2] == '5' && i == 1));
    }
    ck_assert_int_eq(pulls, 0);
    finish();
}

TEST(a_head_that_is_too_long_is_refused)
{
    static char text[20000];
    start();
    int len = snprintf(text, sizeof text, "GET /lines HTTP/1.1\r\n" HOST "X: ");
    memset(text + len, 'y', sizeof text - 1 - (size_t)len);
    ck_assert(begins(ask(text), "HTTP/1.1 431"));
    finish();
}

TEST(a_generator_that_fails_first_of_all_is_a_500)
{
    start();
    ask("GET /lines?n=0&code=1001 HTTP/1.1\r\n" LAST);
    ck_assert(begins(got, "HTTP/1.1 500"));
    finish();
}

TEST(a_generator_that_fails_later_cuts_the_body)
{
    start();
    ask("GET /lines?n=9000&code=1001 HTTP/1.1\r\n" LAST);
    ck_assert(begins(got, "HTTP/1.1 200"));
    ck_assert_ptr_nonnull(strstr(got, "line 9000\n")); /* what came before is given */
    ck_assert_ptr_null(strstr(got, "\r\n0\r\n\r\n"));
    finish();
}

TEST(a_body_of_another_length_than_promised_is_cut)
{
    start();
    ask("GET /lines?n=9000&length=70000 HTTP/1.1\r\n" LAST);
    ck_assert_ptr_nonnull(strstr(got, "Content-Length: 70000\r\n"));
    ck_assert_uint_le(strlen(body()), 70000);
    ask("GET /lines?n=9000&length=900000 HTTP/1.1\r\n" LAST);
    ck_assert_uint_lt(strlen(body()), 900000);
    finish();
}

/* ---- backpressure and leaving */

/* Until nothing is pulled any more; how many were. */
static int await_calm(void)
{
    int before = -1;
    for (int calm = 0; calm < 50; calm = pulls == before ? calm + 1 : 0) {
        before = pulls;
        (void)wr_pause(loop);
    }
    return before;
}

TEST(a_client_that_does_not_read_stops_the_generator)
{
    start();
    struct wr_transport *client = dial();
    say(client, "GET /flood HTTP/1.1\r\n" HOST "\r\n");
    int before = await_calm();
    ck_assert_int_gt(pulls, 64);
    ck_assert_int_lt(pulls, 20000); /* the sockets' own buffers, and 64 KiB */
    ck_assert_int_le(loop->budget.used, 64 * 1024);

    ck_assert(hear(client, "xxx"));
    while (pulls < before + 100 && got_len + 300000 < sizeof got) {
        int64_t n = client->ops->read(client, got, sizeof got);
        ck_assert(n > 0 || n == WR_AGAIN);
        (void)wr_pause(loop);
    }
    hang_up(client);
    finish();
    ck_assert(feed_ended);
}

TEST(a_client_that_leaves_ends_an_idle_feed)
{
    start();
    struct wr_transport *client = dial();
    say(client, "GET /feed HTTP/1.1\r\n" HOST "\r\n");
    ck_assert(hear(client, "\r\n\r\n"));
    let_feed_go();
    ck_assert(hear(client, "tick"));
    hang_up(client);
    for (int i = 0; i < 1000 && !feed_ended; i++) {
        (void)wr_pause(loop);
    }
    ck_assert(feed_ended);
    ck_assert_int_eq(loop->budget.used, 0);
    finish();
}

TEST(a_client_that_leaves_a_full_connection_ends_the_generator)
{
    start();
    struct wr_transport *client = dial();
    say(client, "GET /flood HTTP/1.1\r\n" HOST "\r\n");
    ck_assert(hear(client, "xxx"));
    hang_up(client);
    for (int i = 0; i < 1000 && !feed_ended; i++) {
        (void)wr_pause(loop);
    }
    ck_assert(feed_ended);
    finish();
}

TEST(a_client_that_leaves_a_waiting_handler_ends_it)
{
    start();
    struct wr_transport *client = dial();
    say(client, "GET /sleepy HTTP/1.1\r\n" HOST "\r\n");
    for (int i = 0; i < 1000 && pulls == 0; i++) {
        (void)wr_pause(loop);
    }
    hang_up(client);
    for (int i = 0; i < 1000 && !feed_ended; i++) {
        (void)wr_pause(loop);
    }
    ck_assert(feed_ended);
    finish();
}

TEST(what_a_waiting_feed_has_given_goes_out_as_the_client_reads)
{
    char request[80];
    start();
    struct wr_transport *client = dial();
    say(client, "GET /flood HTTP/1.1\r\n" HOST "\r\n");
    int lines = await_calm() - 30; /* the last of them do not fit into the sockets */
    hang_up(client);

    client = dial();
    snprintf(request, sizeof request, "GET /burst?n=%d HTTP/1.1\r\n" HOST "\r\n", lines);
    say(client, request);
    for (int i = 0; i < 1000 && feed_waiter == NULL; i++) {
        (void)wr_pause(loop);
    }
    ck_assert_ptr_nonnull(feed_waiter);
    for (int64_t sum = 0; sum < (int64_t)lines * 1001;) {
        int64_t n = client->ops->read(client, got, sizeof got);
        if (n == WR_AGAIN) {
            wait_bytes(client);
        } else {
            ck_assert_int_gt(n, 0);
            sum += n;
        }
    }
    hang_up(client);
    finish();
}

/* ---- time */

static void pass(int64_t ms)
{
    wr_loop_settle(loop);
    wr_clock_advance(loop, ms);
    wr_loop_settle(loop);
}

TEST(a_head_that_takes_too_long_is_told)
{
    start();
    struct wr_transport *client = dial();
    say(client, "GET /lines HTT");
    pass(59 * 1000);
    say(client, "P/1.1\r\n");
    pass(1001);
    ck_assert(hear(client, NULL));
    ck_assert(begins(got, "HTTP/1.1 408 Request Timeout\r\n"));
    hang_up(client);
    finish();
}

TEST(a_second_head_has_its_own_time)
{
    start();
    struct wr_transport *client = dial();
    say(client, "GET /letters HTTP/1.1\r\n" HOST "\r\n");
    ck_assert(hear(client, "xyz"));
    got_len = 0;
    say(client, "GET /lines HTT");
    pass(30 * 1000); /* longer than a connection may be idle */
    say(client, "P/1.1\r\n" LAST);
    ck_assert(hear(client, NULL));
    ck_assert(begins(got, "HTTP/1.1 200 OK\r\n"));
    hang_up(client);
    finish();
}

TEST(an_idle_connection_is_closed_without_a_word)
{
    start();
    struct wr_transport *client = dial();
    say(client, "GET /letters HTTP/1.1\r\n" HOST "\r\n");
    ck_assert(hear(client, "xyz"));
    size_t before = got_len;
    pass(5001);
    ck_assert(hear(client, NULL));
    ck_assert_uint_eq(got_len, before);
    hang_up(client);
    finish();
}

TEST(a_stalled_client_is_dropped_when_asked)
{
    weir_server_options options = {.struct_size = sizeof options, .stall_ms = 3000};
    start_with(&options);
    struct wr_transport *client = dial();
    say(client, "GET /flood HTTP/1.1\r\n" HOST "\r\n");
    (void)await_calm();
    ck_assert(!feed_ended);
    pass(3001);
    ck_assert(feed_ended);
    hang_up(client);
    finish();
}

/* ---- many, and the end */

TEST(beyond_the_most_connections_clients_wait)
{
    weir_server_options options = {.struct_size = sizeof options, .connections_max = 1};
    start_with(&options);
    struct wr_transport *first = dial();
    say(first, "GET /feed HTTP/1.1\r\n" HOST "\r\n");
    ck_assert(hear(first, "\r\n\r\n"));
    struct wr_transport *second = dial();
    say(second, "GET /letters HTTP/1.1\r\n" LAST);
    wr_loop_settle(loop);
    ck_assert_int_eq(second->ops->read(second, got, 1), WR_AGAIN);
    hang_up(first);
    ck_assert(hear(second, NULL));
    ck_assert_str_eq(body(), alphabet);
    hang_up(second);
    finish();
}

TEST(finishing_closes_idle_connections_and_ends_feeds_gently)
{
    start();
    struct wr_transport *idle = dial(), *busy = dial();
    say(busy, "GET /feed HTTP/1.1\r\n" HOST "\r\n");
    wr_loop_settle(loop);
    let_feed_go();
    ck_assert(hear(busy, "tick"));
    weir_scope_stop(weir_root(loop));
    let_feed_go(); /* the item at hand is the last */
    ck_assert(hear(busy, NULL));
    ck_assert_ptr_nonnull(strstr(got, "0\r\n\r\n"));
    got_len = 0;
    ck_assert(hear(idle, NULL));
    hang_up(idle);
    hang_up(busy);
    finish();
}

TEST(discarding_cancels_what_is_at_hand)
{
    start();
    struct wr_transport *client = dial();
    say(client, "GET /feed HTTP/1.1\r\n" HOST "\r\n");
    ck_assert(hear(client, "\r\n\r\n"));
    weir_server_discard(server);
    ck_assert(feed_ended);
    hang_up(client);
    weir_server_discard(NULL);
    weir_loop_free(loop);
}

TEST(a_server_ends_with_its_scope)
{
    start();
    struct wr_transport *client = dial();
    say(client, "GET /feed HTTP/1.1\r\n" HOST "\r\n");
    ck_assert(hear(client, "\r\n\r\n"));
    hang_up(client);
    weir_loop_free(loop);
    ck_assert(feed_ended);
}

TEST(a_server_that_cannot_listen_fails)
{
    start();
    char address[64];
    snprintf(address, sizeof address, "127.0.0.1:%d", weir_server_port(server));
    weir_server *second = weir_server_new(weir_root(loop), address, NULL);
    weir_server *third = weir_server_new(weir_root(loop), "nonsense", NULL);
    ck_assert_int_eq(weir_server_port(second), WEIR_EIO);
    ck_assert_int_eq(weir_server_port(third), WEIR_EINVAL);
    ck_assert_int_eq(weir_server_route(third, "GET /", on_lines, NULL), WEIR_EINVAL);
    ck_assert_int_eq(weir_server_finish(second, &error), WEIR_EIO);
    ck_assert_int_eq(weir_server_finish(third, &error), WEIR_EINVAL);
    finish();
}

TEST(routes_that_are_none_are_refused)
{
    start();
    ck_assert_int_eq(weir_server_route(server, "POST /x", on_lines, NULL), WEIR_EINVAL);
    ck_assert_int_eq(weir_server_route(server, "GET x", on_lines, NULL), WEIR_EINVAL);
    ck_assert_int_eq(weir_server_route(server, "GET /lines", on_lines, NULL), WEIR_EINVAL);
    ck_assert_int_eq(weir_server_route(server, "GET /", on_lines, NULL), 0);
    ck_assert_int_eq(weir_server_route(server, "GET /*", on_echo, NULL), 0);
    finish();
}

MAIN("server/core")
