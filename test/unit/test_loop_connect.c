/*
 * test_loop_connect.c - making connections: names, addresses, refusals, accepting.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <weir/loop.h>

#include "base_fault.h"
#include "loop_scope.h"
#include "loop_transport.h"
#include "support_check.h"

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
    char port[16];
    snprintf(port, sizeof port, "%d", wr_listener_port(listener));

    near = wr_tcp_connect(loop, "localhost", port, 5000, NULL, &error);
    ck_assert_msg(near != NULL, "%s", error.message);
    ck_assert_str_eq(near->ops->kind, "tcp");

    free_pair();
    wr_listener_free(listener);
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
    struct wr_transport *t = wr_tcp_connect(scope->loop, "localhost", "1", -1, NULL, &own);
    ck_assert_ptr_null(t);
    return own.code;
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
