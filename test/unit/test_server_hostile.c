/*
 * test_server_hostile.c - clients that mean harm: slow ones, floods, two requests in one, and too
 * many of them.
 */
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "support_server.h"
#include "texts_sockets.h"

static size_t replies(void)
{
    size_t count = 0;
    for (const char *at = got; (at = strstr(at, "HTTP/1.1 ")) != NULL; at++) {
        count++;
    }
    return count;
}

/* The only reply to `text` is of this status, and ends the connection. */
static void refuses(const char *status, const char *text)
{
    ask(text);
    ck_assert_msg(begins(got + 9, status), "%s, not %.60s: %.90s", status, got, text);
    ck_assert_ptr_nonnull(strstr(got, "Connection: close\r\n"));
    ck_assert_uint_eq(replies(), 1);
}

/* ---- slowly */

TEST(a_head_in_drops_has_one_limit_for_all_of_it)
{
    start();
    struct wr_transport *client = visit("G");
    for (int s = 0; s < 59; s++) {
        pass(1000);
        say(client, s == 0 ? "ET /lines HTTP/1.1\r\nX: " : "x");
    }
    ck_assert_int_eq(client->ops->read(client, got, sizeof got), WR_AGAIN);
    pass(1001);
    ck_assert(hear(client, NULL));
    ck_assert(begins(got, "HTTP/1.1 408"));
    leave(client);
}

TEST(a_body_in_drops_has_the_limit_of_its_head)
{
    start();
    struct wr_transport *client =
        visit("GET /lines HTTP/1.1\r\n" HOST "Content-Length: 1000\r\n\r\n");
    for (int s = 0; s < 59; s++) {
        pass(1000);
        say(client, "x");
    }
    pass(1001);
    ck_assert(hear(client, NULL));
    ck_assert(begins(got, "HTTP/1.1 408"));
    leave(client);
}

TEST(blank_lines_do_not_make_time)
{
    start();
    struct wr_transport *client = dial();
    for (int s = 0; s < 59; s++) {
        pass(1000);
        say(client, "\r\n");
    }
    pass(1001);
    ck_assert(hear(client, NULL));
    ck_assert(begins(got, "HTTP/1.1 408"));
    leave(client);
}

TEST(a_client_that_says_nothing_is_closed)
{
    start();
    struct wr_transport *client = dial();
    pass(59999);
    ck_assert_int_eq(client->ops->read(client, got, sizeof got), WR_AGAIN);
    pass(2);
    ck_assert(hear(client, NULL));
    ck_assert_uint_eq(got_len, 0);
    leave(client);
}

/* What is sent behind a refusal is read away, but not for ever. */
TEST(a_client_that_goes_on_sending_is_cut)
{
    start();
    struct wr_transport *client = visit("nonsense\r\n\r\n");
    for (int tenth = 0; tenth < 12; tenth++) {
        struct iovec more = {got, 10};
        (void)client->ops->write(client, &more, 1);
        pass(100);
    }
    struct iovec piece = {got, 10};
    wr_loop_settle(loop);
    ck_assert_int_lt(client->ops->write(client, &piece, 1), 0);
    leave(client);
}

TEST(slow_clients_do_not_slow_down_a_good_one)
{
    enum { SLOW = 100 };
    struct wr_transport *slow[SLOW];
    if (wr_test_sweeps()) {
        return; /* a hundred times the same points */
    }
    start();
    for (int i = 0; i < SLOW; i++) {
        slow[i] = visit("GET /lines HTTP/1.1\r\nX: ");
    }
    pass(30 * 1000);
    int64_t before = wr_now_ns(loop);
    ask("GET /letters HTTP/1.1\r\n" LAST);
    ck_assert_str_eq(body(), alphabet);
    ck_assert_int_eq(wr_now_ns(loop), before);
    for (int i = 0; i < SLOW; i++) {
        hang_up(slow[i]);
    }
    finish();
}

TEST(what_is_refused_is_answered_before_its_body)
{
    static const char *const heads[][2] = {{"POST /lines", "405"}, {"GET /nowhere", "404"}};
    char text[200];
    start();
    for (size_t i = 0; i < sizeof heads / sizeof *heads; i++) {
        snprintf(text, sizeof text, "%s HTTP/1.1\r\n" HOST "Content-Length: 1000\r\n\r\nx",
                 heads[i][0]);
        struct wr_transport *client = visit(text);
        ck_assert(hear(client, "\r\n\r\n"));
        ck_assert(begins(got + 9, heads[i][1]));
        hang_up(client);
    }
    finish();
}

/* ---- floods */

TEST(headers_without_end_are_refused_before_they_end)
{
    char text[8000] = "GET /lines HTTP/1.1\r\n" HOST;
    start();
    for (int i = 0; i < 101; i++) {
        strcat(text, "A: b\r\n");
    }
    refuses("431", text);
    snprintf(text, sizeof text, "GET /lines HTTP/1.1\r\n" HOST "A: %07000d\r\n", 0);
    struct wr_transport *client = visit(text);
    say(client, text + 30);
    say(client, text + 30);
    ck_assert(hear(client, NULL));
    ck_assert(begins(got, "HTTP/1.1 431"));
    leave(client);
}

TEST(a_request_line_without_end_is_refused)
{
    char text[8200];
    start();
    snprintf(text, sizeof text, "GET /%08100d", 0);
    struct wr_transport *client = visit(text);
    say(client, text + 10);
    say(client, text + 10);
    ck_assert(hear(client, NULL));
    ck_assert(begins(got, "HTTP/1.1 414"));
    leave(client);
}

#define CHUNKED "GET /lines HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n"

TEST(chunks_are_counted_with_all_their_framing)
{
    char text[20000];
    start();
    snprintf(text, sizeof text, CHUNKED "1;%017000d\r\n", 0);
    refuses("413", text);
    refuses("413", CHUNKED "10001\r\n");
    refuses("400", CHUNKED "0x5\r\nhello\r\n0\r\n\r\n");
    refuses("400", CHUNKED "1_0\r\nhello\r\n0\r\n\r\n");
    refuses("400", CHUNKED "+5\r\nhello\r\n0\r\n\r\n");
    refuses("400", CHUNKED "5 \r\nhello\r\n0\r\n\r\n");
    refuses("400", CHUNKED "5\r\nhelloGET\r\n0\r\n\r\n");
    refuses("400", CHUNKED "ffffffffffffffff5\r\nhello\r\n0\r\n\r\n");
    finish();
}

TEST(a_body_of_many_tiny_chunks_is_read_away)
{
    static char text[24000] =
        "GET /letters HTTP/1.1\r\n" HOST "Connection: close\r\nTransfer-Encoding: chunked\r\n\r\n";
    char *end = text + strlen(text);
    for (int i = 0; i < 3000; i++, end += 6) {
        memcpy(end, "1\r\nx\r\n", 7);
    }
    memcpy(end, "0\r\n\r\n", 6);
    start();
    ask(text);
    ck_assert_str_eq(body(), alphabet);
    finish();
}

/* ---- two requests in one */

#define SECOND "GET /letters HTTP/1.1\r\n" LAST

TEST(what_two_servers_could_read_differently_is_refused)
{
    static const char *const heads[] = {
        HOST "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
        HOST "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
        HOST "Content-Length: 5\r\nContent-Length: 5\r\n",
        HOST "Content-Length: 5\r\nContent-Length: 6\r\n",
        HOST "Content-Length: 5, 5\r\n",
        HOST "Content-Length : 5\r\n",
        HOST "Content-Length: +5\r\n",
        HOST "Content-Length: 5a\r\n",
        HOST "Transfer-Encoding : chunked\r\n",
        HOST "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
        HOST "Transfer-Encoding: chunked, identity\r\n",
        HOST "Transfer-Encoding: chunked\t\r\n",
        HOST "Transfer-Encoding:\r\n chunked\r\n",
        HOST " Content-Length: 41\r\n",
        HOST "X: y\rTransfer-Encoding: chunked\r\n",
        HOST "X: y\nContent-Length: 5\r\n",
        HOST "X: y\r\n: z\r\n",
        HOST HOST,
        HOST "Host: b\r\n",
        "",
        "Host: a/b\r\n",
    };
    char text[400];
    start();
    for (size_t i = 0; i < sizeof heads / sizeof *heads; i++) {
        snprintf(text, sizeof text, "POST /lines HTTP/1.1\r\n%s\r\n0\r\n\r\n" SECOND, heads[i]);
        refuses("400", text);
    }
    refuses("400", "GET /lines HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" SECOND);
    refuses("501",
            "POST /lines HTTP/1.1\r\n" HOST "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n" SECOND);
    refuses("505", "GET /lines HTTP/0.9\r\n\r\n" SECOND);
    finish();
}

TEST(nothing_behind_a_last_request_is_served)
{
    start();
    ask("GET /letters HTTP/1.1\r\n" LAST SECOND);
    ck_assert_uint_eq(replies(), 1);
    ask("GET /letters HTTP/1.0\r\n\r\n" SECOND);
    ck_assert_uint_eq(replies(), 1);
    finish();
}

/* ---- too many */

static int warnings;

static void count_warnings(void *ctx, int level, const char *origin, const char *text)
{
    (void)ctx;
    (void)level;
    (void)origin;
    warnings += strstr(text, TEXT_SOCKETS_CANNOT_ACCEPT) != NULL;
}

/* No descriptor beyond those that are open; the limit to go back to. */
static struct rlimit use_up_descriptors(void)
{
    struct rlimit old, none;
    int next = dup(0);
    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &old), 0);
    none = (struct rlimit){(rlim_t)next, old.rlim_max};
    close(next);
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
    return old;
}

TEST(without_descriptors_accepting_waits_and_goes_on)
{
    static const char text[] = "GET /letters HTTP/1.1\r\n" LAST;
    if (wr_test_sweeps()) {
        return; /* nobody else could open anything either */
    }
    start();
    loop->log.fn = count_warnings;
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    to.sin_port = htons((uint16_t)weir_server_port(server));
    int client = socket(AF_INET, SOCK_STREAM, 0);
    struct rlimit old = use_up_descriptors();
    ck_assert_int_eq(connect(client, (struct sockaddr *)&to, sizeof to), 0);
    ck_assert_int_eq(send(client, text, sizeof text - 1, 0), sizeof text - 1);
    for (int i = 0; i < 20; i++) {
        pass(50);
    }
    ck_assert_int_eq(warnings, 1); /* not one for each try */
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &old), 0);
    pass(101);
    ck_assert_int_gt(recv(client, got, sizeof got, MSG_DONTWAIT), 0);
    ck_assert_ptr_nonnull(strstr(got, alphabet));
    close(client);
    finish();
}

MAIN("server/hostile")
