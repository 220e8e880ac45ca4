/*
 * test_server_expect.c - requests with Expect (RFC 9110, 10.1.1).
 */
#include <stdio.h>
#include <string.h>

#include "support_server.h"

#define CONTINUE "HTTP/1.1 100 Continue\r\n\r\n"

/* 200, with the length of the body that came. */
static weir_gen *on_take(weir_scope *scope, const weir_request *request, weir_reply *reply,
                         void *ctx)
{
    char text[32];
    (void)scope;
    (void)ctx;
    snprintf(text, sizeof text, "%zu", weir_request_body(request).len);
    weir_reply_header(reply, "Took", text);
    return NULL;
}

static void start_taking(void)
{
    start();
    ck_assert_int_eq(weir_server_route(server, "POST /take", on_take, NULL), 0);
}

TEST(a_body_that_is_taken_is_asked_for)
{
    start_taking();
    struct wr_transport *client =
        visit("POST /take HTTP/1.1\r\n" HOST "Content-Length: 5\r\nExpect: 100-continue\r\n\r\n");
    ck_assert(hear(client, CONTINUE));
    ck_assert_str_eq(got, CONTINUE);
    forget();
    say(client, "hello");
    ck_assert(hear(client, "\r\n\r\n"));
    ck_assert_msg(begins(got, "HTTP/1.1 200 OK\r\n"), "%s", got);
    ck_assert_ptr_nonnull(strstr(got, "Took: 5\r\n"));
    forget();
    /* and again on the same connection; the case of letters does not matter */
    say(client, "POST /take HTTP/1.1\r\n" HOST
                "Transfer-Encoding: chunked\r\nExpect: 100-Continue\r\n\r\n");
    ck_assert(hear(client, CONTINUE));
    say(client, "2\r\nab\r\n0\r\n\r\n");
    ck_assert(hear(client, "Took: 2\r\n"));
    leave(client);
}

TEST(a_body_that_is_dropped_is_asked_for_too)
{
    start_taking();
    struct wr_transport *client =
        visit("GET /letters HTTP/1.1\r\n" HOST "Content-Length: 5\r\nExpect: 100-continue\r\n\r\n");
    ck_assert(hear(client, CONTINUE));
    forget();
    say(client, "hello");
    ck_assert(hear(client, alphabet));
    leave(client);
}

TEST(a_body_that_has_come_is_not_asked_for)
{
    start_taking();
    ask("POST /take HTTP/1.1\r\nContent-Length: 5\r\nExpect: 100-continue\r\n" LAST "hello");
    ck_assert_msg(begins(got, "HTTP/1.1 200 OK\r\n"), "%s", got);
    ck_assert_ptr_nonnull(strstr(got, "Took: 5\r\n"));
    finish();
}

TEST(a_body_that_is_refused_is_not_asked_for)
{
    static const char *const cases[][2] = {
        {"POST /lines HTTP/1.1\r\nContent-Length: 5\r\n", "405"},
        {"POST /nowhere HTTP/1.1\r\nContent-Length: 5\r\n", "404"},
        {"POST /take HTTP/1.1\r\nContent-Length: 99999999\r\n", "413"},
        {"GET /lines HTTP/1.1\r\nContent-Length: 99999999\r\n", "413"},
    };
    char text[200];
    start_taking();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        snprintf(text, sizeof text, "%sExpect: 100-continue\r\n" LAST, cases[i][0]);
        ask(text);
        ck_assert_msg(begins(got, "HTTP/1.1 ") && begins(got + 9, cases[i][1]), "%s: %s", text,
                      got);
    }
    finish();
}

TEST(another_expectation_is_a_417)
{
    static const char *const values[] = {"200-ok", "100-continue, 200-ok", "200-ok, 100-continue",
                                         "100-continue; q=1", "100-continue=yes"};
    char text[200];
    start_taking();
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        for (int chars = 0; chars < 2; chars++) {
            snprintf(text, sizeof text, "%s\r\nExpect: %s\r\n" LAST,
                     chars == 0 ? "POST /take HTTP/1.1\r\nContent-Length: 5"
                                : "GET /lines HTTP/1.1",
                     values[i]);
            ask(text);
            ck_assert_msg(begins(got, "HTTP/1.1 417 Expectation Failed\r\n"), "%s: %s", text, got);
        }
    }
    finish();
}

TEST(an_expectation_without_a_body_or_of_http_1_0_has_no_effect)
{
    start_taking();
    ask("GET /letters HTTP/1.1\r\nExpect: 100-continue\r\n" LAST);
    ck_assert_msg(begins(got, "HTTP/1.1 200 OK\r\n"), "%s", got);
    ask("POST /take HTTP/1.1\r\nContent-Length: 0\r\nExpect: 100-continue\r\n" LAST);
    ck_assert_msg(begins(got, "HTTP/1.1 200 OK\r\n"), "%s", got);
    struct wr_transport *client =
        visit("POST /take HTTP/1.0\r\n" HOST "Content-Length: 5\r\nExpect: 100-continue\r\n\r\n");
    (void)await_calm();
    say(client, "hello");
    ck_assert(hear(client, NULL));
    ck_assert_msg(begins(got, "HTTP/1.1 200 OK\r\n"), "%s", got);
    leave(client);
}

TEST(a_client_that_waits_for_100_and_sends_nothing_gets_a_408)
{
    start_taking();
    struct wr_transport *client =
        visit("POST /take HTTP/1.1\r\n" HOST "Content-Length: 5\r\nExpect: 100-continue\r\n\r\n");
    ck_assert(hear(client, CONTINUE));
    forget();
    pass(61000);
    ck_assert(hear(client, NULL));
    ck_assert_msg(begins(got, "HTTP/1.1 408 "), "%s", got);
    leave(client);
}

MAIN("server/expect")
