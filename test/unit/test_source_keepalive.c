/*
 * test_source_keepalive.c - what the kernel is told of every connection that weir makes: when it asks
 * a silent peer whether it is there, and, of those that are only read, when it gives it up.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base_fault.h"
#include "support_flow.h"

static int listener;
static unsigned port;
static char address[64];

static const char *listen_for(const char *scheme)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t len = sizeof at;
    wr_fault_pause(true);
    listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_eq(bind(listener, (const struct sockaddr *)(const void *)&at, sizeof at), 0);
    ck_assert_int_eq(listen(listener, 8), 0);
    ck_assert_int_eq(getsockname(listener, (struct sockaddr *)(void *)&at, &len), 0);
    wr_fault_pause(false);
    port = ntohs(at.sin_port);
    snprintf(address, sizeof address, "%s://127.0.0.1:%u", scheme, port);
    return address;
}

/* The descriptor at weir's end of its only connection. */
static int made(void)
{
    for (int fd = 3; fd < 100; fd++) {
        struct sockaddr_in peer;
        socklen_t len = sizeof peer;
        if (getpeername(fd, (struct sockaddr *)(void *)&peer, &len) == 0 &&
            peer.sin_family == AF_INET && ntohs(peer.sin_port) == port) {
            return fd;
        }
    }
    return -1;
}

static int option(int level, int name)
{
    int value = -1;
    socklen_t len = sizeof value;
    ck_assert_int_eq(getsockopt(made(), level, name, &value, &len), 0);
    return value;
}

static void check(weir_loop *loop, int silence_ms)
{
    for (int i = 0; i < 20000 && made() < 0; i++) {
        wr_loop_settle(loop);
    }
    for (int i = 0; i < 50; i++) {
        wr_loop_settle(loop);
    }
    ck_assert_int_eq(option(SOL_SOCKET, SO_KEEPALIVE), 1);
    ck_assert_int_eq(option(IPPROTO_TCP, TCP_KEEPIDLE), 30);
    ck_assert_int_eq(option(IPPROTO_TCP, TCP_KEEPINTVL), 10);
    ck_assert_int_eq(option(IPPROTO_TCP, TCP_KEEPCNT), 3);
    ck_assert_int_eq(option(IPPROTO_TCP, TCP_USER_TIMEOUT), silence_ms);
    weir_scope_cancel(weir_root(loop));
    for (int i = 0; i < 20; i++) {
        wr_loop_settle(loop);
        wr_clock_advance(loop, 100);
    }
    weir_loop_free(loop);
    close(listener);
}

static int read_main(weir_scope *scope, void *args)
{
    weir_item item;
    weir_gen *gen = *(weir_gen **)args;
    (void)scope;
    bool more = weir_next(gen, &item);
    weir_discard(gen);
    return more ? 0 : WEIR_ECANCELED;
}

static void check_source(weir_loop *loop, weir_gen *gen)
{
    weir_spawn(weir_root(loop), "reader", read_main, &gen, sizeof gen);
    check(loop, 60000);
}

static int write_main(weir_scope *scope, void *args)
{
    weir_sink *sink = *(weir_sink **)args;
    weir_item item = weir_bytes("x", 1);
    bool taken = weir_put(sink, &item) && weir_commit(sink) && weir_sleep(scope, 100000);
    weir_sink_discard(sink);
    return taken ? 0 : WEIR_ECANCELED;
}

static void check_sink(weir_loop *loop, weir_sink *sink)
{
    weir_spawn(weir_root(loop), "writer", write_main, &sink, sizeof sink);
    check(loop, 0);
}

TEST(a_socket_that_is_read_is_asked_for_and_given_up)
{
    weir_loop *loop = test_loop();
    check_source(loop, weir_socket_lines(weir_root(loop), listen_for("tcp"), NULL));
}

TEST(a_response_that_is_read_is_asked_for_and_given_up)
{
    weir_loop *loop = test_loop();
    check_source(loop, weir_http_lines(weir_root(loop), listen_for("http"), NULL));
}

TEST(a_socket_that_is_written_is_asked_for)
{
    weir_loop *loop = test_loop();
    check_sink(loop, weir_socket_sink(weir_root(loop), listen_for("tcp"), NULL));
}

TEST(a_server_that_is_posted_to_is_asked_for)
{
    weir_loop *loop = test_loop();
    check_sink(loop, weir_http_sink(weir_root(loop), listen_for("http"), NULL));
}

MAIN("source/keepalive")
