/*
 * test_server_core.c - routes, refusals, many connections, and the end of a server.
 */
#include <stdio.h>
#include <string.h>

#include "support_server.h"

static weir_gen *on_nothing(weir_scope *scope, const weir_request *request, weir_reply *reply,
                            void *ctx)
{
    (void)scope;
    (void)request;
    (void)reply;
    (void)ctx;
    return NULL;
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
        {"GET /lines HTTP/1.1\r\n" HOST "Content-Length: 99999999\r\n\r\n",
         "413 Content Too Large"},
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

TEST(what_cannot_be_sent_is_a_500_however_it_is_asked_for)
{
    char text[100];
    start();
    int most = wr_test_sweeps() ? 0 : 9; /* each takes the same way */
    for (int how = 0; how <= most; how++) {
        for (int kind = 0; kind < 4; kind++) {
            snprintf(text, sizeof text, "%s /faulty?how=%d&body=%d HTTP/1.1\r\n" LAST,
                     kind % 2 == 0 ? "GET" : "HEAD", how, kind / 2);
            ask(text);
            ck_assert_msg(begins(got, "HTTP/1.1 500 "), "%s: %s", text, got);
            ck_assert_ptr_null(strstr(got, "Cookie"));
        }
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

/* A client that keeps its connection for another request. */
static struct wr_transport *keep(const char *request)
{
    struct wr_transport *client = dial();
    say(client, request);
    ck_assert(hear(client, alphabet));
    forget();
    return client;
}

TEST(at_the_most_connections_the_one_that_is_idle_longest_makes_room)
{
    weir_server_options options = {.struct_size = sizeof options, .connections_max = 2};
    start_with(&options);
    struct wr_transport *young = keep("GET /letters HTTP/1.1\r\n" HOST "\r\n");
    struct wr_transport *old = keep("GET /letters HTTP/1.1\r\n" HOST "\r\n");
    say(young, "GET /letters HTTP/1.1\r\n" HOST "\r\n");
    ck_assert(hear(young, alphabet));

    struct wr_transport *third = visit("GET /letters HTTP/1.1\r\n" LAST);

    ck_assert(hear(third, NULL));
    ck_assert_str_eq(body(), alphabet);
    forget();
    ck_assert(hear(old, NULL));
    ck_assert_uint_eq(got_len, 0);
    say(young, "GET /letters HTTP/1.1\r\n" LAST);
    ck_assert(hear(young, alphabet));
    hang_up(old);
    hang_up(young);
    hang_up(third);
    finish();
}

TEST(a_connection_that_becomes_idle_makes_room_for_who_waits)
{
    weir_server_options options = {.struct_size = sizeof options, .connections_max = 1};
    start_with(&options);
    struct wr_transport *first = dial();
    say(first, "GET /late HTTP/1.1\r\n" HOST "\r\n");
    wr_loop_settle(loop);
    struct wr_transport *second = visit("GET /letters HTTP/1.1\r\n" LAST);
    wr_loop_settle(loop);
    ck_assert_int_eq(second->ops->read(second, got, 1), WR_AGAIN);

    pass(1000);
    ck_assert(hear(first, alphabet));
    ck_assert(hear(first, NULL));
    forget();
    ck_assert(hear(second, alphabet));
    hang_up(first);
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

TEST(a_request_that_has_arrived_before_the_stop_is_answered)
{
    start();
    struct wr_transport *fresh = dial();
    wr_loop_settle(loop);
    say(fresh, "GET /letters HTTP/1.1\r\n" HOST "\r\n"); /* nobody has read it yet */
    weir_scope_stop(weir_root(loop));
    ck_assert(hear(fresh, NULL));
    ck_assert_str_eq(body(), alphabet);
    ck_assert_ptr_nonnull(strstr(got, "Connection: close\r\n"));
    leave(fresh);
}

TEST(discarding_cancels_what_is_at_hand)
{
    start();
    struct wr_transport *client = visit("GET /feed HTTP/1.1\r\n" HOST "\r\n");
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
    struct wr_transport *client = visit("GET /feed HTTP/1.1\r\n" HOST "\r\n");
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
    ck_assert_int_eq(weir_server_route(third, "GET /", on_nothing, NULL), WEIR_EINVAL);
    ck_assert_int_eq(weir_server_finish(second, &error), WEIR_EIO);
    ck_assert_int_eq(weir_server_finish(third, &error), WEIR_EINVAL);
    finish();
}

TEST(routes_that_are_none_are_refused)
{
    start();
    ck_assert_int_eq(weir_server_route(server, "PUT /x", on_nothing, NULL), WEIR_EINVAL);
    ck_assert_int_eq(weir_server_route(server, "POST /lines", on_nothing, NULL), 0);
    ck_assert_int_eq(weir_server_route(server, "POST /lines", on_nothing, NULL), WEIR_EINVAL);
    ck_assert_int_eq(weir_server_route(server, "GET x", on_nothing, NULL), WEIR_EINVAL);
    ck_assert_int_eq(weir_server_route(server, "GET /lines", on_nothing, NULL), WEIR_EINVAL);
    ck_assert_int_eq(weir_server_route(server, "GET /", on_nothing, NULL), 0);
    ck_assert_int_eq(weir_server_route(server, "GET /*", on_nothing, NULL), 0);
    finish();
}

MAIN("server/core")
