/*
 * test_server_room.c - a server with as many connections as it may have: who makes way for the next
 * client, and who keeps its place.
 */
#include <stdio.h>
#include <string.h>

#include "server_conn.h"
#include "support_server.h"

#define ASK "GET /letters HTTP/1.1\r\n" LAST

static void start_full(int32_t most)
{
    weir_server_options options = {.struct_size = sizeof options, .connections_max = most};
    start_with(&options);
}

/* A client of a flood whose sockets are full. */
static struct wr_transport *stuck(void)
{
    struct wr_transport *client = visit("GET /flood HTTP/1.1\r\n" HOST "\r\n");
    (void)await_calm();
    return client;
}

/* A new client asks and is answered without time passing. */
static void is_served(void)
{
    int64_t before = wr_now_ns(loop);
    ask(ASK);
    ck_assert_str_eq(body(), alphabet);
    ck_assert(wr_now_ns(loop) == before || wr_test_sweeps());
}

/* A new client asks and is not accepted. */
static struct wr_transport *waits(void)
{
    struct wr_transport *client = visit(ASK);
    wr_loop_settle(loop);
    ck_assert_int_eq(client->ops->read(client, got, 1), WR_AGAIN);
    return client;
}

/* What is still to come ends by a reset, and not as the whole. */
static bool is_cut(struct wr_transport *client)
{
    int64_t n;
    wr_loop_settle(loop);
    while ((n = client->ops->read(client, got, sizeof got)) > 0) {}
    return n == WEIR_ERESET;
}

static bool is_open(struct wr_transport *client)
{
    wr_loop_settle(loop);
    return client->ops->read(client, got, 1) == WR_AGAIN;
}

/* ---- who has not asked */

TEST(the_oldest_that_says_nothing_makes_way)
{
    start_full(2);
    struct wr_transport *old = dial();
    wr_loop_settle(loop);
    struct wr_transport *young = dial();
    wr_loop_settle(loop);

    is_served();

    ck_assert(!is_open(old));
    ck_assert(is_open(young));
    hang_up(old);
    hang_up(young);
    finish();
}

TEST(a_head_that_is_not_complete_makes_way_and_is_told)
{
    start_full(1);
    struct wr_transport *slow = visit("GET /letters HTTP/1.1\r\nX: ");
    wr_loop_settle(loop);

    is_served();

    forget();
    ck_assert(hear(slow, NULL));
    ck_assert(begins(got, "HTTP/1.1 503"));
    hang_up(slow);
    finish();
}

TEST(a_body_that_is_not_complete_makes_way)
{
    start_full(1);
    struct wr_transport *slow =
        visit("GET /letters HTTP/1.1\r\n" HOST "Content-Length: 1000\r\n\r\nx");
    wr_loop_settle(loop);

    is_served();

    ck_assert(!is_open(slow) || begins(got, "H"));
    hang_up(slow);
    finish();
}

TEST(one_that_is_refused_and_does_not_close_makes_way)
{
    start_full(1);
    struct wr_transport *slow =
        visit("POST /letters HTTP/1.1\r\n" HOST "Content-Length: 1000\r\n\r\nx");
    ck_assert(hear(slow, "405"));

    is_served();

    hang_up(slow);
    finish();
}

TEST(one_that_is_kept_makes_way_before_one_that_has_not_asked)
{
    start_full(2);
    struct wr_transport *fresh = dial();
    wr_loop_settle(loop);
    struct wr_transport *kept = visit("GET /letters HTTP/1.1\r\n" HOST "\r\n");
    ck_assert(hear(kept, alphabet));

    is_served();

    ck_assert(is_open(fresh));
    ck_assert(!is_open(kept));
    hang_up(fresh);
    hang_up(kept);
    finish();
}

TEST(a_request_that_came_before_the_turn_to_make_way_is_served)
{
    start_full(1);
    struct wr_transport *first = dial();
    wr_loop_settle(loop);
    struct wr_transport *second = dial();
    say(first, "GET /letters HTTP/1.1\r\n" HOST "\r\n");
    say(second, ASK);
    ck_assert(hear(first, alphabet));
    ck_assert(hear(first, NULL)); /* and makes way then */
    forget();
    ck_assert(hear(second, alphabet));
    hang_up(first);
    hang_up(second);
    finish();
}

TEST(one_that_is_being_served_keeps_its_place)
{
    start_full(1);
    struct wr_transport *feed = visit("GET /feed HTTP/1.1\r\n" HOST "\r\n");
    ck_assert(hear(feed, "\r\n\r\n"));
    struct wr_transport *next = waits();
    pass(3600 * 1000);
    ck_assert_int_eq(next->ops->read(next, got, 1), WR_AGAIN);
    let_feed_go();
    forget();
    ck_assert(hear(feed, "tick"));
    hang_up(feed);
    forget();
    ck_assert(hear(next, alphabet));
    hang_up(next);
    finish();
}

/* ---- who does not read */

TEST(one_that_has_not_read_for_two_seconds_makes_way)
{
    if (wr_test_sweeps()) {
        return; /* megabytes each time */
    }
    start_full(1);
    struct wr_transport *slow = stuck();
    struct wr_transport *next = waits();
    pass(1900);
    ck_assert_int_eq(next->ops->read(next, got, 1), WR_AGAIN);
    ck_assert(!feed_ended);
    pass_stalled(2001);
    ck_assert(feed_ended);
    ck_assert(hear(next, alphabet));
    hang_up(slow);
    hang_up(next);
    finish();
}

TEST(one_that_has_just_come_keeps_its_place_if_another_has_stalled)
{
    if (wr_test_sweeps()) {
        return; /* megabytes each time */
    }
    start_full(2);
    struct wr_transport *slow = stuck();
    struct wr_transport *silent = dial();
    wr_loop_settle(loop);
    pass(2001);
    is_served(); /* the silent one has had its time */
    ck_assert(!is_open(silent));
    pass_stalled(2001); /* nobody waits for its place yet */
    struct wr_transport *fresh = dial();
    wr_loop_settle(loop);

    is_served();

    ck_assert(feed_ended);
    forget();
    say(fresh, ASK);
    ck_assert(hear(fresh, alphabet));
    hang_up(slow);
    hang_up(silent);
    hang_up(fresh);
    finish();
}

TEST(no_more_make_way_than_clients_wait)
{
    if (wr_test_sweeps()) {
        return; /* megabytes each time */
    }
    start_full(2);
    struct wr_transport *one = stuck(), *other = stuck();
    struct wr_transport *next = visit(ASK);
    pass_stalled(2001);
    ck_assert(hear(next, alphabet));
    hang_up(next);
    pass(60);
    ck_assert_uint_eq(server->conns_count, 1);
    ck_assert(is_cut(one) != is_cut(other));
    hang_up(one);
    hang_up(other);
    finish();
}

/* Read what is there: enough for the kernel to tell the server's. On a loaded machine the kernel
 * may deliver it late. */
static void read_some(struct wr_transport *client)
{
    int64_t sum = 0, n;
    while ((n = client->ops->read(client, got, sizeof got)) > 0 || (n == WR_AGAIN && sum == 0)) {
        sum += n > 0 ? n : 0;
    }
    ck_assert_int_gt(sum, 0);
    ck_assert_int_eq(n, WR_AGAIN);
}

TEST(one_that_reads_slowly_keeps_its_place)
{
    if (wr_test_sweeps()) {
        return; /* megabytes each time */
    }
    start_full(1);
    struct wr_transport *slow = stuck();
    struct wr_transport *next = waits();
    for (int i = 0; i < 4; i++) {
        read_some(slow);
        pass(1999);
    }
    ck_assert(!feed_ended);
    hang_up(slow);
    forget();
    ck_assert(hear(next, alphabet));
    hang_up(next);
    finish();
}

/* ---- without anybody who waits */

TEST(a_client_that_takes_nothing_for_a_minute_is_dropped)
{
    if (wr_test_sweeps()) {
        return; /* megabytes each time */
    }
    start();
    struct wr_transport *slow = stuck();
    pass(59 * 1000);
    ck_assert(!feed_ended);
    pass(1001);
    pass_stalled(60 * 1000 + 1);
    ck_assert(feed_ended);
    ck_assert(is_cut(slow));
    hang_up(slow);
    finish();
}

TEST(a_client_that_takes_a_little_each_minute_is_not)
{
    if (wr_test_sweeps()) {
        return; /* megabytes each time */
    }
    start();
    struct wr_transport *slow = stuck();
    for (int minute = 0; minute < 10; minute++) {
        read_some(slow);
        pass(59 * 1000);
    }
    ck_assert(!feed_ended);
    hang_up(slow);
    finish();
}

MAIN("server/room")
