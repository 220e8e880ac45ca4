/*
 * test_loop_datagram.c - UDP sockets of the kernel: where they are bound, what they receive, and what
 * is dropped.
 */
#define _GNU_SOURCE /* mmsghdr */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <weir/loop.h>

#include "base_fault.h"
#include "loop_datagram.h"
#include "loop_scope.h"
#include "support_check.h"

static weir_loop *loop;
static weir_error error;

static struct wr_datagrams *bound(const char *address, const char *group, const char *interface)
{
    const struct wr_datagram_bind to = {
        .address = address, .group = group, .interface = interface, .buffer_bytes = 64 * 1024};
    loop = loop != NULL ? loop : weir_loop_new(NULL);
    ck_assert_ptr_nonnull(loop);
    return wr_datagram_bind(loop, &to, &error);
}

static void end(struct wr_datagrams *socket)
{
    if (socket != NULL) {
        socket->ops->free(socket);
    }
    weir_loop_free(loop);
    loop = NULL;
}

/* A socket of the test that is connected to this address. */
static int sender(const union wr_peer *to)
{
    socklen_t len = to->any.sa_family == AF_INET6 ? sizeof to->v6 : sizeof to->v4;
    int fd = socket(to->any.sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(connect(fd, &to->any, len), 0);
    return fd;
}

/* Receive one datagram. Returns its length, or a code. */
static int get(struct wr_datagrams *from, char *to, size_t cap, union wr_peer *peer, int *flags)
{
    struct iovec part = {to, cap};
    struct mmsghdr message = {
        .msg_hdr = {
            .msg_iov = &part, .msg_iovlen = 1, .msg_name = peer, .msg_namelen = sizeof *peer}};
    int n;
    while ((n = from->ops->receive(from, &message, 1)) == WR_AGAIN) {
        int rc = from->ops->wait(from, WR_READABLE, 2000, "a datagram", NULL);
        if (rc < 0) {
            return rc;
        }
    }
    *flags = message.msg_hdr.msg_flags;
    return n < 0 ? n : (int)message.msg_len;
}

static void check_one(const char *address, const char *group, const char *interface,
                      const char *expected)
{
    struct wr_datagrams *socket = bound(address, group, interface);
    union wr_peer peer;
    char data[16], text[WR_PEER_TEXT];
    size_t at, len;
    int flags;
    ck_assert_msg(socket != NULL, "%s: %s", address, error.message);
    int fd = sender(&socket->local);
    ck_assert_int_eq(send(fd, "hello", 5, 0), 5);

    ck_assert_int_eq(get(socket, data, sizeof data, &peer, &flags), 5);

    ck_assert_mem_eq(data, "hello", 5);
    (void)wr_peer_text(&peer, text, &at, &len);
    ck_assert_uint_eq(len, strlen(expected));
    ck_assert_mem_eq(text + at, expected, len);
    close(fd);
    end(socket);
}

TEST(receives_over_ipv4_and_ipv6)
{
    check_one(":0", NULL, NULL, "127.0.0.1");
    check_one("127.0.0.1:0", NULL, NULL, "127.0.0.1");
    check_one("localhost:0", NULL, NULL, "127.0.0.1");
    check_one("0.0.0.0:0", NULL, NULL, "127.0.0.1");
    check_one("[::1]:0", NULL, NULL, "::1");
    check_one("127.0.0.1:0", NULL, "lo", "127.0.0.1");
}

TEST(no_host_means_loopback)
{
    struct wr_datagrams *socket = bound(":0", NULL, NULL);
    ck_assert_ptr_nonnull(socket);
    ck_assert(wr_peer_is_loopback(&socket->local));
    end(socket);
}

TEST(joins_a_group)
{
    struct wr_datagrams *socket = bound(":0", "239.1.2.3", "lo");
    struct in_addr by = {htonl(INADDR_LOOPBACK)};
    union wr_peer peer;
    char data[16];
    int flags;
    ck_assert_msg(socket != NULL, "%s", error.message);
    int fd = sender(&(union wr_peer){.v4 = {.sin_family = AF_INET}});
    ck_assert_int_eq(setsockopt(fd, IPPROTO_IP, IP_MULTICAST_IF, &by, sizeof by), 0);
    ck_assert_int_eq(sendto(fd, "all", 3, 0, &socket->local.any, sizeof socket->local.v4), 3);

    ck_assert_int_eq(get(socket, data, sizeof data, &peer, &flags), 3);

    ck_assert_mem_eq(data, "all", 3);
    close(fd);
    end(socket);
}

/* From an address of loopback, to the group that the socket is bound to. */
static void send_to_group(const struct wr_datagrams *to, uint32_t from, const char *text)
{
    struct in_addr by = {htonl(INADDR_LOOPBACK)};
    struct sockaddr_in me = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(from)};
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    int rc = setsockopt(fd, IPPROTO_IP, IP_MULTICAST_IF, &by, sizeof by);
    rc = rc == 0 ? bind(fd, (const struct sockaddr *)(const void *)&me, sizeof me) : rc;
    ssize_t n =
        rc == 0 ? sendto(fd, text, strlen(text), 0, &to->local.any, sizeof to->local.v4) : -1;
    close(fd);
    ck_assert_int_eq(n, (ssize_t)strlen(text));
}

TEST(receives_from_one_source_of_a_group)
{
    const struct wr_datagram_bind to = {.address = ":0",
                                        .group = "232.1.2.3",
                                        .interface = "lo",
                                        .source = "127.0.0.2",
                                        .buffer_bytes = 64 * 1024};
    union wr_peer peer;
    char data[16];
    int flags;
    loop = weir_loop_new(NULL);
    ck_assert_ptr_nonnull(loop);
    struct wr_datagrams *socket = wr_datagram_bind(loop, &to, &error);
    ck_assert_msg(socket != NULL, "%s", error.message);

    send_to_group(socket, INADDR_LOOPBACK, "other");
    send_to_group(socket, INADDR_LOOPBACK + 1, "mine");

    ck_assert_int_eq(get(socket, data, sizeof data, &peer, &flags), 4);
    ck_assert_mem_eq(data, "mine", 4);
    end(socket);
}

TEST(a_source_that_cannot_be_is_refused)
{
    static const char *const groups[] = {NULL, "232.1.2.3", "232.1.2.3"};
    static const char *const sources[] = {"127.0.0.2", "::1", "nobody"};
    loop = weir_loop_new(NULL);
    ck_assert_ptr_nonnull(loop);
    for (size_t i = 0; i < 3; i++) {
        const struct wr_datagram_bind to = {
            .address = ":0", .group = groups[i], .source = sources[i], .buffer_bytes = 4096};
        ck_assert_ptr_null(wr_datagram_bind(loop, &to, &error));
        ck_assert_int_eq(error.code, WEIR_EINVAL);
    }
    end(NULL);
}

TEST(two_receive_from_one_group)
{
    struct wr_datagrams *first = bound(":0", "239.1.2.4", "lo");
    char address[32];
    ck_assert_msg(first != NULL, "%s", error.message);
    snprintf(address, sizeof address, ":%d", ntohs(first->local.v4.sin_port));

    struct wr_datagrams *second = bound(address, "239.1.2.4", "lo");

    ck_assert_msg(second != NULL, "%s", error.message);
    first->ops->free(first);
    end(second);
}

TEST(cut_datagram_has_its_real_length)
{
    struct wr_datagrams *socket = bound(":0", NULL, NULL);
    union wr_peer peer;
    char data[4];
    int flags;
    ck_assert_ptr_nonnull(socket);
    int fd = sender(&socket->local);
    ck_assert_int_eq(send(fd, "0123456789", 10, 0), 10);
    ck_assert_int_eq(send(fd, "", 0, 0), 0);

    ck_assert_int_eq(get(socket, data, sizeof data, &peer, &flags), 10);
    ck_assert_int_ne(flags & MSG_TRUNC, 0);
    ck_assert_int_eq(get(socket, data, sizeof data, &peer, &flags), 0);
    ck_assert_int_eq(flags & MSG_TRUNC, 0);
    close(fd);
    end(socket);
}

TEST(drops_are_counted)
{
    struct wr_datagrams *socket = bound(":0", NULL, NULL);
    union wr_peer peer;
    char data[2000] = {0};
    int flags, sent = 300, got = 0;
    struct iovec part = {data, sizeof data};
    struct mmsghdr message = {.msg_hdr = {.msg_iov = &part, .msg_iovlen = 1}};
    (void)peer;
    (void)flags;
    ck_assert_ptr_nonnull(socket);
    int fd = sender(&socket->local);
    for (int i = 0; i < sent; i++) {
        ck_assert_int_eq(send(fd, data, sizeof data, 0), sizeof data);
    }

    size_t waiting = socket->ops->waiting(socket);
    while (socket->ops->receive(socket, &message, 1) == 1) {
        got++;
    }

    ck_assert_int_gt(got, 0);
    ck_assert_int_lt(got, sent);
    ck_assert_uint_ge(waiting, (size_t)got);
    ck_assert_uint_eq(socket->ops->dropped(socket), (uint32_t)(sent - got));
    close(fd);
    end(socket);
}

TEST(size_of_the_buffer_is_read_back)
{
    const struct wr_datagram_bind to = {.address = ":0", .buffer_bytes = SIZE_MAX};
    loop = weir_loop_new(NULL);
    ck_assert_ptr_nonnull(loop);
    struct wr_datagrams *socket = wr_datagram_bind(loop, &to, &error);
    ck_assert_ptr_nonnull(socket);
    ck_assert_uint_ge(socket->buffer_bytes, 2048);
    ck_assert_uint_le(socket->buffer_bytes, INT32_MAX / 2);
    end(socket);
}

TEST(wrong_addresses_are_refused)
{
    static const struct {
        const char *address, *group, *interface;
        int code;
    } wrong[] = {
        {"host.example:5", NULL, NULL, WEIR_EINVAL}, {"127.0.0.1", NULL, NULL, WEIR_EINVAL},
        {":0", "127.0.0.1", NULL, WEIR_EINVAL},      {":0", "::1", NULL, WEIR_EINVAL},
        {":0", "239.1.2.3:5", NULL, WEIR_EINVAL},    {"[::]:0", "239.1.2.3", NULL, WEIR_EINVAL},
        {":0", NULL, "no-such-if", WEIR_EINVAL},     {"203.0.113.9:0", NULL, NULL, WEIR_EIO},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct wr_datagrams *socket = bound(wrong[i].address, wrong[i].group, wrong[i].interface);
        ck_assert_msg(socket == NULL, "%s %s", wrong[i].address, wrong[i].group);
        ck_assert_int_eq(error.code, wrong[i].code);
    }
    end(NULL);
}

TEST(port_in_use_is_told)
{
    struct wr_datagrams *first = bound(":0", NULL, NULL);
    char address[32];
    ck_assert_ptr_nonnull(first);
    snprintf(address, sizeof address, ":%d", ntohs(first->local.v4.sin_port));

    ck_assert_ptr_null(bound(address, NULL, NULL));

    ck_assert_int_eq(error.code, WEIR_EIO);
    ck_assert_int_eq(error.detail, EADDRINUSE);
    end(first);
}

TEST(addresses_are_written_as_they_are_read)
{
    static const char *const texts[] = {"0.0.0.0:0", "255.255.255.255:65535", "192.0.2.10:514",
                                        "[::]:1",    "[2001:db8::1]:514",     "[fe80::1]:9"};
    union wr_peer peer;
    char text[WR_PEER_TEXT];
    size_t at, len;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        ck_assert_uint_gt(wr_peer_read(texts[i], &peer), 0);
        ck_assert_uint_eq(wr_peer_text(&peer, text, &at, &len), strlen(texts[i]));
        ck_assert_str_eq(text, texts[i]);
        ck_assert_mem_eq(text + at, texts[i] + at, len);
    }
    (void)wr_peer_read("[fe80::1]:9", &peer);
    peer.v6.sin6_scope_id = UINT32_MAX;
    ck_assert_uint_lt(wr_peer_text(&peer, text, &at, &len), sizeof text);
    ck_assert_str_eq(text, "[fe80::1%4294967295]:9");
}

MAIN("loop/datagram")
