/*
 * test_server_reply.c - what a client gets for a request: heads, bodies, parts.
 */
#include <stdio.h>
#include <string.h>

#include "support_server.h"

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

TEST(events_values_and_bytes_are_sent_as_their_texts)
{
    start();
    ask("GET /values HTTP/1.0\r\n" LAST);
    ck_assert_str_eq(body(), "value 1\nbody\nanything\n");
    finish();
}

TEST(a_value_without_a_text_is_an_error)
{
    start();
    ask("GET /values?print=0 HTTP/1.0\r\n" LAST);
    ck_assert(begins(got, "HTTP/1.1 500 "));
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
        forget();
        say(client, "GET /lines?length=14 HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
        ck_assert(hear(client, "line 2\n"));
        ck_assert_ptr_nonnull(strstr(got, "Connection: keep-alive\r\n"));
    }
    leave(client);
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
    struct wr_transport *client = visit("GET /lines?n=1 HTTP/1.1\r\n" HOST "\r\n");
    ck_assert(hear(client, "0\r\n\r\n"));
    ck_assert_ptr_null(strstr(got, "Connection:"));
    got_len = 0;
    say(client, "GET /letters HTTP/1.1\r\n" HOST "\r\n");
    ck_assert(hear(client, "xyz"));
    leave(client);
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
    leave(client);
}

TEST(a_line_is_sent_when_it_comes)
{
    start();
    struct wr_transport *client = visit("GET /feed HTTP/1.1\r\n" HOST "\r\n");
    ck_assert(hear(client, "\r\n\r\n"));
    ck_assert_str_eq(body(), "");
    for (int i = 1; i <= 3; i++) {
        forget();
        let_feed_go();
        ck_assert(hear(client, "tick"));
        ck_assert_str_eq(got, "00005\r\ntick\n\r\n");
        ck_assert_int_eq(pulls, i);
    }
    leave(client);
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

MAIN("server/reply")
