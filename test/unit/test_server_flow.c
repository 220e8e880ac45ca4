/*
 * test_server_flow.c - the pace of a reply: backpressure, clients that leave or stall, limits of
 * time.
 */
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <weir/scope.h>

#include "loop_scope.h"
#include "server_conn.h"
#include "support_clock.h"
#include "support_server.h"

/* ---- backpressure and leaving */

TEST(a_client_that_does_not_read_stops_the_generator)
{
    start();
    struct wr_transport *client = visit("GET /flood HTTP/1.1\r\n" HOST "\r\n");
    int before = await_calm();
    ck_assert_int_gt(pulls, 64);
    ck_assert_int_lt(pulls, 8000); /* what the client's socket takes, and 256 KiB */
    ck_assert_int_le(loop->budget.used, 4 * 1024);

    ck_assert(hear(client, "xxx"));
    while (pulls < before + 100 && got_len + 300000 < sizeof got) {
        int64_t n = client->ops->read(client, got, sizeof got);
        ck_assert(n > 0 || n == WR_AGAIN);
        (void)wr_pause(loop, NULL);
    }
    leave(client);
    ck_assert(feed_ended);
}

TEST(a_fast_client_gets_a_piece_at_each_turn)
{
    struct slow_clock clock;
    start();
    slow_clock_begin(loop, &clock, WR_TURN_NS);
    struct wr_transport *client = visit("GET /flood HTTP/1.1\r\n" HOST "\r\n");
    for (int turn = 0, before; turn < 50; turn++) {
        before = pulls;
        (void)wr_pause(loop, NULL);
        ck_assert_int_le(pulls - before, 2 * 64 * 1024 / 1000); /* one piece out, and the next */
        while (client->ops->read(client, got, sizeof got) > 0) {}
    }
    ck_assert_int_gt(pulls, 1000);
    leave(client);
}

TEST(clients_are_accepted_a_few_at_each_turn)
{
    enum { CLIENTS = 100 };
    int clients[CLIENTS];
    if (wr_test_sweeps()) {
        return; /* a hundred times the same points */
    }
    struct slow_clock clock;
    start();
    slow_clock_begin(loop, &clock, WR_TURN_NS / 2);
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    to.sin_port = htons((uint16_t)weir_server_port(server));
    for (int i = 0; i < CLIENTS; i++) {
        clients[i] = socket(AF_INET, SOCK_STREAM, 0);
        ck_assert_int_eq(connect(clients[i], (struct sockaddr *)&to, sizeof to), 0);
    }
    for (size_t before = 0; server->conns_count < CLIENTS; before = server->conns_count) {
        (void)wr_pause(loop, NULL);
        ck_assert_uint_le(server->conns_count - before, 16);
    }
    for (int i = 0; i < CLIENTS; i++) {
        close(clients[i]);
    }
    finish();
}

TEST(clients_that_get_little_hold_little)
{
    enum { CLIENTS = 20 };
    struct wr_transport *clients[CLIENTS];
    if (wr_test_sweeps()) {
        return; /* twenty times the same points */
    }
    start();
    for (int i = 0; i < CLIENTS; i++) {
        clients[i] = visit("GET /sleepy HTTP/1.1\r\n" HOST "\r\n");
    }
    wr_loop_settle(loop);
    ck_assert_int_eq(pulls, CLIENTS);
    ck_assert_int_le(loop->budget.used, CLIENTS * 4 * 1024);
    for (int i = 0; i < CLIENTS; i++) {
        hang_up(clients[i]);
    }
    finish();
}

TEST(clients_that_do_not_read_hold_little)
{
    enum { CLIENTS = 8 };
    struct wr_transport *clients[CLIENTS];
    if (wr_test_sweeps()) {
        return; /* megabytes for each client, each time */
    }
    start();
    for (int i = 0; i < CLIENTS; i++) {
        clients[i] = visit("GET /flood HTTP/1.1\r\n" HOST "\r\n");
    }
    (void)await_calm();
    ck_assert_int_gt(pulls, CLIENTS * 128); /* each has filled its sockets */
    ck_assert_int_ge(loop->budget.peak, 64 * 1024);
    ck_assert_int_le(loop->budget.used, CLIENTS * 4 * 1024);
    ck_assert(hear(clients[CLIENTS - 1], "xxx"));
    for (int i = 0; i < CLIENTS; i++) {
        hang_up(clients[i]);
    }
    finish();
}

TEST(replies_leave_half_of_the_budget_to_others)
{
    start();
    loop->budget.limit = 255 * 1024;
    struct wr_transport *client = visit("GET /flood HTTP/1.1\r\n" HOST "\r\n");
    (void)await_calm();
    ck_assert_int_gt(pulls, 128);
    ck_assert_int_le(loop->budget.peak, 128 * 1024);
    leave(client);
}

TEST(a_client_that_leaves_ends_an_idle_feed)
{
    start();
    struct wr_transport *client = visit("GET /feed HTTP/1.1\r\n" HOST "\r\n");
    ck_assert(hear(client, "\r\n\r\n"));
    let_feed_go();
    ck_assert(hear(client, "tick"));
    hang_up(client);
    await_end();
    ck_assert_int_eq(loop->budget.used, 0);
    finish();
}

TEST(a_client_that_leaves_a_full_connection_ends_the_generator)
{
    start();
    struct wr_transport *client = visit("GET /flood HTTP/1.1\r\n" HOST "\r\n");
    ck_assert(hear(client, "xxx"));
    hang_up(client);
    await_end();
    finish();
}

TEST(a_client_that_leaves_a_waiting_handler_ends_it)
{
    start();
    struct wr_transport *client = visit("GET /sleepy HTTP/1.1\r\n" HOST "\r\n");
    for (int i = 0; i < 1000 && pulls == 0; i++) {
        (void)wr_pause(loop, NULL);
    }
    hang_up(client);
    await_end();
    finish();
}

TEST(what_a_waiting_feed_has_given_goes_out_as_the_client_reads)
{
    char request[80];
    start();
    struct wr_transport *client = visit("GET /flood HTTP/1.1\r\n" HOST "\r\n");
    int lines = await_calm() - 30; /* the last of them do not fit into the sockets */
    hang_up(client);

    client = dial();
    snprintf(request, sizeof request, "GET /burst?n=%d HTTP/1.1\r\n" HOST "\r\n", lines);
    say(client, request);
    for (int i = 0; i < 1000 && feed_waiter == NULL; i++) {
        (void)wr_pause(loop, NULL);
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
    leave(client);
}

/* Read all that is still to come, a piece at a time, with the others running between; how much it
 * was, or a failure. */
static int64_t read_slowly(struct wr_transport *client)
{
    int64_t sum = 0, n;
    while ((n = client->ops->read(client, got, 256 * 1024)) != 0) {
        if (n == WR_AGAIN) {
            wait_bytes(client);
        } else if (n < 0) {
            return n;
        } else {
            sum += n;
            got_len = (size_t)n;
            (void)wr_pause(loop, NULL);
        }
    }
    return sum;
}

TEST(a_stop_lets_a_reply_of_known_length_be_read_to_its_end)
{
    if (wr_test_sweeps()) {
        return; /* 24 MB each time */
    }
    start();
    struct wr_transport *client =
        visit("GET /lines?n=2000000&length=24888896 HTTP/1.1\r\n" HOST "\r\n");
    ck_assert(hear(client, "line 1\n"));
    int64_t head = body() - got, before = (int64_t)got_len;
    (void)await_calm();
    weir_scope_stop(weir_root(loop));
    ck_assert_int_eq(before + read_slowly(client) - head, 24888896);
    leave(client);
}

TEST(a_stop_that_has_waited_long_enough_cuts_a_reply_of_known_length)
{
    if (wr_test_sweeps()) {
        return; /* megabytes each time */
    }
    start();
    weir_root(loop)->drain_ms = 1000;
    struct wr_transport *client =
        visit("GET /lines?n=2000000&length=24888896 HTTP/1.1\r\n" HOST "\r\n");
    ck_assert(hear(client, "line 1\n"));
    pass(1);
    weir_scope_stop(weir_root(loop));
    pass(999);
    ck_assert_uint_eq(server->conns_count, 1);
    pass(2);
    ck_assert_uint_eq(server->conns_count, 0);
    leave(client);
}

TEST(a_stop_lets_a_reply_whose_handler_still_thinks_be_read_to_its_end)
{
    start();
    struct wr_transport *client = visit("GET /late HTTP/1.1\r\n" HOST "\r\n");
    wr_loop_settle(loop);
    weir_scope_stop(weir_root(loop));
    pass(1001);
    ck_assert(hear(client, NULL));
    ck_assert_str_eq(body(), alphabet);
    leave(client);
}

TEST(a_stop_ends_a_flood_and_the_client_gets_what_was_given)
{
    start();
    struct wr_transport *client = visit("GET /flood HTTP/1.1\r\n" HOST "\r\n");
    (void)await_calm();
    weir_scope_stop(weir_root(loop));
    ck_assert_int_ge(read_slowly(client), (int64_t)pulls * 1001);
    ck_assert_uint_ge(got_len, 5);
    ck_assert_mem_eq(got + got_len - 5, "0\r\n\r\n", 5);
    leave(client);
    ck_assert(feed_ended);
}

TEST(a_reset_in_the_middle_ends_the_generator_and_its_clean_up_is_waited_for)
{
    start();
    struct wr_transport *client = visit("GET /careful HTTP/1.1\r\n" HOST "\r\n");
    ck_assert(hear(client, "xxx"));
    client->ops->reset(client);
    hang_up(client);
    for (int i = 0; i < 1000 && pulls == 0; i++) {
        (void)wr_pause(loop, NULL);
    }
    ck_assert_int_eq(pulls, 1); /* its clean-up has begun, and sleeps */
    ck_assert(!feed_ended);
    ck_assert_int_gt(loop->budget.used, 0);
    pass(1001);
    ck_assert(feed_ended);
    ck_assert_int_eq(loop->budget.used, 0);
    finish();
}

/* ---- time */

TEST(a_head_that_takes_too_long_is_told)
{
    start();
    struct wr_transport *client = visit("GET /lines HTT");
    pass(59 * 1000);
    say(client, "P/1.1\r\n");
    pass(1001);
    ck_assert(hear(client, NULL));
    ck_assert(begins(got, "HTTP/1.1 408 Request Timeout\r\n"));
    leave(client);
}

TEST(a_second_head_has_its_own_time)
{
    start();
    struct wr_transport *client = visit("GET /letters HTTP/1.1\r\n" HOST "\r\n");
    ck_assert(hear(client, "xyz"));
    got_len = 0;
    say(client, "GET /lines HTT");
    pass(30 * 1000); /* longer than a connection may be idle */
    say(client, "P/1.1\r\n" LAST);
    ck_assert(hear(client, NULL));
    ck_assert(begins(got, "HTTP/1.1 200 OK\r\n"));
    leave(client);
}

TEST(an_idle_connection_is_closed_without_a_word)
{
    start();
    struct wr_transport *client = visit("GET /letters HTTP/1.1\r\n" HOST "\r\n");
    ck_assert(hear(client, "xyz"));
    size_t before = got_len;
    pass(5001);
    ck_assert(hear(client, NULL));
    ck_assert_uint_eq(got_len, before);
    leave(client);
}

TEST(a_stalled_client_is_dropped_when_asked)
{
    weir_server_options options = {.struct_size = sizeof options, .stall_ms = 3000};
    start_with(&options);
    struct wr_transport *client = visit("GET /flood HTTP/1.1\r\n" HOST "\r\n");
    (void)await_calm();
    ck_assert(!feed_ended);
    pass_stalled(3001);
    ck_assert(feed_ended);
    leave(client);
}

MAIN("server/flow")
