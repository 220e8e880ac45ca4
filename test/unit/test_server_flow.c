/*
 * test_server_flow.c - the pace of a reply: backpressure, clients that leave or stall, limits of
 * time.
 */
#include <stdio.h>
#include <string.h>

#include "support_server.h"

/* ---- backpressure and leaving */

TEST(a_client_that_does_not_read_stops_the_generator)
{
    start();
    struct wr_transport *client = visit("GET /flood HTTP/1.1\r\n" HOST "\r\n");
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
    leave(client);
    ck_assert(feed_ended);
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
        (void)wr_pause(loop);
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
    leave(client);
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
    pass(3001);
    ck_assert(feed_ended);
    leave(client);
}

MAIN("server/flow")
