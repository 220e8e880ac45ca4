/*
 * test_server_half.c - clients that stop sending behind their request and go on reading, as `nc -N`
 * does, and how they are told from those that have left.
 */
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "support_server.h"

/* Say it and send no more. */
static struct wr_transport *visit_once(const char *text)
{
    struct wr_transport *client = visit(text);
    client->ops->shut(client);
    wr_loop_settle(loop);
    return client;
}

TEST(a_client_that_sends_no_more_gets_a_reply_of_known_length)
{
    start();
    struct wr_transport *client = visit_once("GET /late HTTP/1.1\r\n" HOST "\r\n");
    pass(1001);
    ck_assert(hear(client, NULL));
    ck_assert(begins(got, "HTTP/1.1 200 OK\r\n"));
    ck_assert_str_eq(body(), alphabet);
    leave(client);
}

TEST(a_client_that_sends_no_more_gets_all_of_a_long_reply)
{
    int64_t sum = 0, n;
    start();
    struct wr_transport *client = visit_once("GET /lines?n=200000 HTTP/1.0\r\n\r\n");
    while ((n = client->ops->read(client, got, sizeof got - 1)) != 0) {
        ck_assert(n > 0 || n == WR_AGAIN);
        if (n == WR_AGAIN) {
            wait_bytes(client);
        } else {
            sum += n;
            got[n] = '\0';
        }
    }
    ck_assert_int_gt(sum, 200000 * 10);
    ck_assert_ptr_nonnull(strstr(got, "line 200000\n"));
    leave(client);
}

TEST(a_client_that_sends_no_more_gets_all_it_has_asked_for)
{
    start();
    struct wr_transport *client = visit_once("GET /letters HTTP/1.1\r\n" HOST "\r\n"
                                             "GET /lines?n=1 HTTP/1.1\r\n" HOST "\r\n");
    ck_assert(hear(client, NULL));
    ck_assert_ptr_nonnull(strstr(got, alphabet));
    ck_assert_ptr_nonnull(strstr(got, "line 1\n"));
    leave(client);
}

/* Take one chunk of a body off the front; its data, or NULL when it is not whole. */
static char *take_chunk(char **at, size_t *len)
{
    char *data;
    *len = strtoul(*at, &data, 16);
    ck_assert_mem_eq(data, "\r\n", 2);
    data += 2;
    ck_assert_mem_eq(data + *len, "\r\n", 2);
    *at = data + *len + 2;
    return data;
}

TEST(a_client_that_sends_no_more_gets_a_feed_in_good_chunks)
{
    size_t len;
    start();
    struct wr_transport *client = visit("GET /feed HTTP/1.1\r\n" HOST "\r\n");
    ck_assert(hear(client, "\r\n\r\n"));
    let_feed_go();
    ck_assert(hear(client, "tick\n"));
    client->ops->shut(client);
    pass(1000);
    ck_assert(!feed_ended);
    let_feed_go();
    wr_loop_settle(loop);
    weir_scope_stop(weir_root(loop));
    let_feed_go();
    ck_assert(hear(client, NULL));
    char *at = got + (body() - got);
    for (int i = 0; i < 3; i++) {
        ck_assert_mem_eq(take_chunk(&at, &len), "tick\n", 5);
        ck_assert_uint_eq(len, 5);
    }
    (void)take_chunk(&at, &len);
    ck_assert_uint_eq(len, 0);
    ck_assert_ptr_eq(at, got + got_len);
    leave(client);
}

TEST(a_client_that_leaves_later_ends_its_feed)
{
    start();
    struct wr_transport *client = visit("GET /feed HTTP/1.1\r\n" HOST "\r\n");
    ck_assert(hear(client, "\r\n\r\n"));
    client->ops->shut(client);
    wr_loop_settle(loop);
    ck_assert(!feed_ended);
    client->ops->reset(client);
    hang_up(client);
    await_end();
    finish();
}

TEST(a_client_that_leaves_while_its_line_is_on_the_way_ends_its_feed)
{
    start();
    struct wr_transport *client = visit("GET /feed HTTP/1.0\r\n\r\n");
    ck_assert(hear(client, "\r\n\r\n"));
    hang_up(client); /* nothing can be sent that would find out, until there is a line */
    pass(1000);
    let_feed_go();
    wr_loop_settle(loop);
    for (int i = 0; i < 100 && !feed_ended; i++) {
        if (feed_waiter != NULL) {
            let_feed_go();
        }
        (void)wr_pause(loop, NULL);
    }
    ck_assert(feed_ended);
    finish();
}

TEST(a_refusal_to_who_sends_no_more_is_whole)
{
    start();
    struct wr_transport *client = visit_once("GET /nowhere HTTP/1.1\r\n" HOST "\r\n");
    ck_assert(hear(client, NULL));
    ck_assert_str_eq(body(), "404 Not Found: no route for this path\n");
    hang_up(client);
    client = visit_once("GET /lines?n=0&code=1001 HTTP/1.1\r\n" HOST "\r\n");
    ck_assert(hear(client, NULL));
    ck_assert(begins(got, "HTTP/1.1 500 "));
    leave(client);
}

/* The descriptor at the server's end of its only connection. */
static int accepted(void)
{
    for (int fd = 3; fd < 100; fd++) {
        struct sockaddr_in own, peer;
        socklen_t own_len = sizeof own, peer_len = sizeof peer;
        if (getpeername(fd, (struct sockaddr *)&peer, &peer_len) == 0 &&
            getsockname(fd, (struct sockaddr *)&own, &own_len) == 0 &&
            ntohs(own.sin_port) == weir_server_port(server)) {
            return fd;
        }
    }
    return -1;
}

TEST(a_client_that_vanishes_without_a_word_is_asked_for_by_the_kernel)
{
    int on = 0, idle_s = 0;
    socklen_t on_len = sizeof on, idle_len = sizeof idle_s;
    start();
    struct wr_transport *client = visit("GET /feed HTTP/1.1\r\n" HOST "\r\n");
    ck_assert(hear(client, "\r\n\r\n"));
    ck_assert_int_eq(getsockopt(accepted(), SOL_SOCKET, SO_KEEPALIVE, &on, &on_len), 0);
    ck_assert_int_eq(getsockopt(accepted(), IPPROTO_TCP, TCP_KEEPIDLE, &idle_s, &idle_len), 0);
    ck_assert_int_eq(on, 1);
    ck_assert_int_eq(idle_s, 30);
    leave(client);
}

MAIN("server/half")
