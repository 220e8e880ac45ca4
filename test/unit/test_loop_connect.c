/*
 * test_loop_connect.c - making connections: names, addresses, refusals, accepting.
 */
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <weir/loop.h>

#include "base_fault.h"
#include "loop_scope.h"
#include "loop_transport.h"
#include "support_check.h"
#include "texts_sockets.h"

static weir_loop *loop;
static struct wr_transport *near, *far;
static weir_error error;

static void start(void)
{
    loop = weir_loop_new(NULL);
    ck_assert_ptr_nonnull(loop);
}

/* A listener whose address is put together in `url`. */
static struct wr_listener *listen_at(char url[64])
{
    struct wr_listener *listener = wr_listen(loop, "127.0.0.1:0", &error);
    ck_assert_ptr_nonnull(listener);
    snprintf(url, 64, "tcp://127.0.0.1:%d", wr_listener_port(listener));
    return listener;
}

static void free_pair(void)
{
    if (near != NULL) {
        near->ops->free(near);
    }
    if (far != NULL) {
        far->ops->free(far);
    }
    near = far = NULL;
}

TEST(a_name_is_resolved)
{
    start();
    struct wr_listener *listener = wr_listen(loop, ":0", &error);
    ck_assert_ptr_nonnull(listener);
    char peer[32];
    snprintf(peer, sizeof peer, "localhost:%d", wr_listener_port(listener));

    near = wr_tcp_connect(loop, peer, 5000, NULL, &error);
    ck_assert_msg(near != NULL, "%s", error.message);
    ck_assert_str_eq(near->ops->kind, "tcp");

    free_pair();
    wr_listener_free(listener);
    weir_loop_free(loop);
}

/* ---- several addresses */

struct name {
    struct addrinfo entries[4];
    struct sockaddr_in addresses[4];
    int held[4];
};

/* One more address of the name. 127.0.0.1 and a port. */
static void add_address(struct name *name, size_t i, int port)
{
    name->addresses[i] = (struct sockaddr_in){.sin_family = AF_INET,
                                              .sin_port = htons((uint16_t)port),
                                              .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    name->entries[i] = (struct addrinfo){.ai_family = AF_INET,
                                         .ai_socktype = SOCK_STREAM,
                                         .ai_addr = (struct sockaddr *)&name->addresses[i],
                                         .ai_addrlen = sizeof name->addresses[i]};
    if (i > 0) {
        name->entries[i - 1].ai_next = &name->entries[i];
    }
}

/* A port that does not answer: its backlog is full, and the kernel drops what asks for more. */
static int silent_port(int held[3])
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof to;
    held[0] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_eq(bind(held[0], (struct sockaddr *)&to, len), 0);
    ck_assert_int_eq(listen(held[0], 0), 0);
    ck_assert_int_eq(getsockname(held[0], (struct sockaddr *)&to, &len), 0);
    for (int i = 1; i < 3; i++) {
        held[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        (void)connect(held[i], (struct sockaddr *)&to, len);
    }
    return ntohs(to.sin_port);
}

static void let_go(const int held[3])
{
    for (int i = 0; i < 3; i++) {
        close(held[i]);
    }
}

static const struct wr_object_ops thing_ops = {.kind = "thing"};
static struct wr_object thing;
static struct wr_counts counts;

static int connecting_any(weir_scope *scope, void *args)
{
    const struct name *name = *(struct name **)args;
    counts = (struct wr_counts){.part = -1};
    wr_object_init(&thing, &thing_ops, weir_root(scope->loop), "thing");
    thing.counts = &counts;
    near = wr_tcp_connect_any(scope->loop, name->entries, "a name", 10000, &thing, &error);
    wr_object_fini(&thing);
    return near != NULL ? 0 : error.code;
}

TEST(beside_an_address_that_is_silent_the_next_is_tried)
{
    struct name name, *at = &name;
    int held[3];
    start();
    wr_loop_virtual_clock(loop, 0);
    struct wr_listener *listener = wr_listen(loop, "127.0.0.1:0", &error);
    ck_assert_ptr_nonnull(listener);
    add_address(&name, 0, silent_port(held));
    add_address(&name, 1, wr_listener_port(listener));
    weir_scope *scope = weir_scope_new(weir_root(loop), NULL);
    weir_spawn(scope, "connecting", connecting_any, &at, sizeof at);
    int64_t from = wr_now_ns(loop);

    wr_loop_settle(loop);
    wr_clock_advance(loop, 249);
    wr_loop_settle(loop);
    ck_assert_uint_eq(scope->live, 1);
    wr_clock_advance(loop, 1);
    while (scope->live > 0 && !wr_test_sweeps()) {
        (void)wr_pause(loop, NULL);
    }
    ck_assert_int_le(counts.waited_ns, wr_now_ns(loop) - from); /* once, and not for each try */
    wr_clock_advance(loop, 10000);
    if (weir_scope_wait(scope, &error) == 0) {
        ck_assert_ptr_nonnull(near);
    }

    ck_assert_uint_eq(loop->stats.connects, near != NULL ? 1 : 0);
    free_pair();
    wr_listener_free(listener);
    let_go(held);
    weir_loop_free(loop);
}

TEST(an_address_that_refuses_does_not_hold_up_the_next)
{
    struct name name;
    char url[64];
    start();
    struct wr_listener *closed = listen_at(url), *listener = listen_at(url);
    add_address(&name, 0, wr_listener_port(closed));
    add_address(&name, 1, wr_listener_port(listener));
    wr_listener_free(closed);
    wr_loop_virtual_clock(loop, 0); /* time would not pass */

    near = wr_tcp_connect_any(loop, name.entries, "a name", -1, NULL, &error);

    ck_assert_msg(near != NULL, "%s", error.message);
    free_pair();
    wr_listener_free(listener);
    weir_loop_free(loop);
}

TEST(a_name_all_of_whose_addresses_refuse_is_told)
{
    struct name name;
    char url[64];
    start();
    for (size_t i = 0; i < 3; i++) {
        struct wr_listener *closed = listen_at(url);
        add_address(&name, i, wr_listener_port(closed));
        wr_listener_free(closed);
    }

    ck_assert_ptr_null(wr_tcp_connect_any(loop, name.entries, "a name", 2000, NULL, &error));

    ck_assert_int_eq(error.code, WEIR_ECONNECT);
    ck_assert_int_eq(error.detail, ECONNREFUSED);
    ck_assert_str_eq(error.message, TEXT_SOCKETS_REFUSED);
    weir_loop_free(loop);
}

TEST(nobody_listening_is_a_refused_connection)
{
    start();
    char address[64];
    struct wr_listener *listener = listen_at(address);
    wr_listener_free(listener);

    ck_assert_ptr_null(wr_connect(loop, address, 2000, NULL, &error));
    ck_assert_int_eq(error.code, WEIR_ECONNECT);
    ck_assert_int_eq(error.detail, ECONNREFUSED);
    ck_assert_ptr_nonnull(strstr(error.message, "127.0.0.1"));
    weir_loop_free(loop);
}

TEST(an_unknown_name_is_told)
{
    start();
    /* A label of 64 bytes is refused before any server is asked. */
    const char *address =
        "tcp://0123456789012345678901234567890123456789012345678901234567890123.invalid:1";
    ck_assert_ptr_null(wr_connect(loop, address, 5000, NULL, &error));
    ck_assert_int_eq(error.code, WEIR_ERESOLVE);
    weir_loop_free(loop);
}

TEST(other_addresses_are_invalid)
{
    static const char *const bad[] = {
        "tcp://host", "tcp://:80", "tcp://::1:80", "tcp://[::1]80", "tcp://a:1/x", "udp://a:1",
        "",           "tcp://a:",  "tcp://u@h:80", "host:80",       "unix:",       "tcp://[]:1"};
    start();
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        ck_assert_ptr_null(wr_connect(loop, bad[i], 100, NULL, &error));
        ck_assert_msg(error.code == WEIR_EINVAL, "%s: %d", bad[i], error.code);
    }
    weir_loop_free(loop);
}

static int unix_listener(struct sockaddr_un *address)
{
    address->sun_family = AF_UNIX;
    char name[96];
    wr_temp_name(name, sizeof name, "socket");
    ck_assert_ptr_nonnull(mkdtemp(name));
    snprintf(address->sun_path, sizeof address->sun_path, "%s/socket", name);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_eq(bind(fd, (const struct sockaddr *)(const void *)address, sizeof *address), 0);
    ck_assert_int_eq(listen(fd, 0), 0);
    return fd;
}

static void remove_listener(const struct sockaddr_un *address, int fd)
{
    char folder[sizeof address->sun_path];
    close(fd);
    unlink(address->sun_path);
    snprintf(folder, sizeof folder, "%s", address->sun_path);
    *strrchr(folder, '/') = '\0';
    rmdir(folder);
}

TEST(a_unix_socket_is_connected_to_and_a_full_one_waited_for)
{
    struct sockaddr_un address;
    int fd = unix_listener(&address);
    char url[200];
    start();

    snprintf(url, sizeof url, "unix:%s", address.sun_path);
    near = wr_connect(loop, url, 1000, NULL, &error);
    ck_assert_msg(near != NULL, "%s", error.message);
    snprintf(url, sizeof url, "unix://%s", address.sun_path);
    far = wr_connect(loop, url, 30, NULL, &error); /* the backlog holds one */
    ck_assert(far != NULL || error.code == WEIR_ETIMEDOUT);

    free_pair();
    remove_listener(&address, fd);
    ck_assert_ptr_null(wr_connect(loop, url, 30, NULL, &error));
    ck_assert_int_eq(error.detail, ENOENT);
    weir_loop_free(loop);
}

static int connecting_task(weir_scope *scope, void *args)
{
    (void)args;
    weir_error own;
    struct wr_transport *t = wr_tcp_connect(scope->loop, "localhost:1", -1, NULL, &own);
    ck_assert_ptr_null(t);
    return own.code;
}

TEST(without_a_free_descriptor_that_is_the_failure_and_no_refusal)
{
    static const char *const urls[] = {"tcp://127.0.0.1:1", "tcp://localhost:1", "unix:/nowhere"};
    struct rlimit before, none;
    start();
    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &before), 0);
    int next = dup(STDERR_FILENO);
    ck_assert_int_ge(next, 0);
    close(next);
    none = before;
    none.rlim_cur = (rlim_t)next;
    for (size_t i = 0; i < sizeof urls / sizeof *urls; i++) {
        ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
        ck_assert_ptr_null(wr_connect(loop, urls[i], 1000, NULL, &error));
        ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &before), 0);
        ck_assert_int_eq(error.code, WEIR_EIO);
        ck_assert_int_eq(error.detail, EMFILE);
        ck_assert_ptr_nonnull(strstr(error.message, TEXT_SOCKETS_TOO_MANY_FILES));
    }
    weir_loop_free(loop);
}

TEST(a_canceled_lookup_is_left_behind)
{
    start();
    weir_scope *scope = weir_scope_new(weir_root(loop), NULL);
    weir_spawn(scope, "connecting", connecting_task, NULL, 0);
    (void)wr_pause(loop, NULL);
    weir_scope_cancel(scope);
    ck_assert_int_eq(weir_scope_wait(scope, &error), 0);
    weir_loop_free(loop);
}

TEST(addresses_to_listen_on)
{
    static const char *const good[] = {"127.0.0.1:0", ":0", "localhost:0", "0.0.0.0:0"};
    static const char *const bad[] = {"127.0.0.1", "name:0", "::1:0", ":", ":99999", ":1x", ""};
    start();
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        struct wr_listener *listener = wr_listen(loop, good[i], &error);
        ck_assert_msg(listener != NULL, "%s", error.message);
        ck_assert_int_gt(wr_listener_port(listener), 0);
        wr_listener_free(listener);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        ck_assert_ptr_null(wr_listen(loop, bad[i], &error));
        ck_assert_int_eq(error.code, WEIR_EINVAL);
    }
    weir_loop_free(loop);
}

TEST(a_taken_port_is_told)
{
    start();
    char address[64];
    struct wr_listener *first = listen_at(address);
    ck_assert_ptr_null(wr_listen(loop, strstr(address, "127"), &error));
    ck_assert_int_eq(error.code, WEIR_EIO);
    ck_assert_int_eq(error.detail, EADDRINUSE);
    wr_listener_free(first);
    weir_loop_free(loop);
}

TEST(accepting_goes_on_after_running_out_of_descriptors)
{
    start();
    wr_loop_virtual_clock(loop, 0);
    char address[64];
    struct wr_listener *listener = listen_at(address);
    near = wr_connect(loop, address, 1000, NULL, &error);
    ck_assert_ptr_nonnull(near);

    wr_fault_set(1, false);
    far = wr_accept(listener, NULL, &error);
    ck_assert_str_eq(wr_fault_name(), "accept4");
    wr_fault_set(0, false);

    ck_assert_ptr_nonnull(far);
    free_pair();
    wr_listener_free(listener);
    weir_loop_free(loop);
}

MAIN("loop/connect")
