/*
 * loop_datagram.c - UDP sockets: bind, multicast, the size of the buffer, what the kernel drops.
 *
 * The drop counter is read by SO_MEMINFO (Linux 4.12), not from SO_RXQ_OVFL. That option reports
 * the counter with a datagram that came after a drop, so drops at the end of a flood are never seen;
 * and it costs time for each datagram. SO_MEMINFO gives the same counter at any time.
 *
 * A socket for a group is bound to the group's address, so that it receives nothing else, and
 * shares its port with the other receivers on this machine. Only wait() and the lookup of a name
 * suspend.
 */
#define _GNU_SOURCE /* recvmmsg */
#include "loop_datagram.h"

#include <errno.h>
#include <limits.h>
#include <linux/sock_diag.h>
#include <net/if.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base_alloc.h"
#include "base_call.h"
#include "codec_address.h"
#include "loop_resolve.h"

/* The kernel charges at least this for a datagram, however short. */
enum { DATAGRAM_COST_MIN = 512, HOST_MAX = 256 };

struct udp {
    struct wr_datagrams base;
    struct wr_fd *fd;
};

static struct udp *udp_of(struct wr_datagrams *socket)
{
    return WR_OWNER(socket, struct udp, base);
}

/* ---- the operations */

static int failed(struct wr_datagrams *socket)
{
    socket->detail = errno;
    return errno == EAGAIN || errno == EWOULDBLOCK ? WR_AGAIN : WEIR_EIO;
}

static int udp_receive(struct wr_datagrams *socket, struct mmsghdr *messages, unsigned count)
{
    int n;
    WR_CALL(n, "recvmmsg", ENOMEM,
            recvmmsg(wr_fd_number(udp_of(socket)->fd), messages, count, MSG_DONTWAIT | MSG_TRUNC,
                     NULL));
    return n > 0 ? n : n == 0 ? WR_AGAIN : failed(socket);
}

static int udp_send(struct wr_datagrams *socket, struct mmsghdr *messages, unsigned count)
{
    int n;
    WR_CALL(
        n, "sendmmsg", ENOMEM,
        sendmmsg(wr_fd_number(udp_of(socket)->fd), messages, count, MSG_DONTWAIT | MSG_NOSIGNAL));
    return n >= 0 ? n : failed(socket);
}

static int udp_wait(struct wr_datagrams *socket, int events, int64_t limit_ms, const char *why,
                    struct wr_object *of)
{
    return wr_fd_wait(udp_of(socket)->fd, events, limit_ms, why, of);
}

static uint32_t memory_info(struct wr_datagrams *socket, int which)
{
    uint32_t info[SK_MEMINFO_VARS] = {0};
    socklen_t len = sizeof info;
    (void)getsockopt(wr_fd_number(udp_of(socket)->fd), SOL_SOCKET, SO_MEMINFO, info, &len);
    return info[which];
}

static uint32_t udp_dropped(struct wr_datagrams *socket)
{
    return memory_info(socket, SK_MEMINFO_DROPS);
}

static size_t udp_waiting(struct wr_datagrams *socket)
{
    return memory_info(socket, SK_MEMINFO_RMEM_ALLOC) / DATAGRAM_COST_MIN + 1;
}

static void udp_free(struct wr_datagrams *socket)
{
    wr_fd_free(udp_of(socket)->fd);
    wr_free(udp_of(socket));
}

static const struct wr_datagrams_ops udp_ops = {.kind = "udp",
                                                .receive = udp_receive,
                                                .send = udp_send,
                                                .wait = udp_wait,
                                                .dropped = udp_dropped,
                                                .waiting = udp_waiting,
                                                .free = udp_free};

/* ---- opening */

/* A new socket of this family: it owns `number`, also when there is no memory. */
static struct wr_datagrams *udp_new(struct weir_loop *loop, int number, weir_error *error)
{
    int why, detail;
    struct udp *udp = wr_zalloc(sizeof *udp);
    if (udp == NULL) {
        close(number);
        wr_error_set(error, WEIR_ENOMEM, 0, "udp", "no memory for a socket");
        return NULL;
    }
    udp->fd = wr_fd_new(loop, number, WR_FD_OWN, &why, &detail);
    if (udp->fd == NULL) {
        wr_free(udp);
        wr_error_set(error, why, detail, "udp", "cannot watch a socket: %s",
                     detail != 0 ? strerror(detail) : wr_code_text(why));
        return NULL;
    }
    udp->base.ops = &udp_ops;
    udp->base.loop = loop;
    return &udp->base;
}

static int make_socket(int family, weir_error *error)
{
    int number;
    WR_CALL(number, "socket", EMFILE, socket(family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (number < 0) {
        wr_error_set(error, WEIR_EIO, errno, "udp", "cannot create a socket: %s%s", strerror(errno),
                     errno == EMFILE ? " (ulimit -n)" : "");
    }
    return number;
}

/* The privileged option ignores net.core.rmem_max. The kernel doubles the value, for its own needs,
 * and returns the double. */
static size_t set_buffer(int number, size_t bytes)
{
    int want = (int)WR_MIN(bytes, (size_t)INT_MAX / 2), got = 0;
    socklen_t len = sizeof got;
    if (setsockopt(number, SOL_SOCKET, SO_RCVBUFFORCE, &want, sizeof want) < 0) {
        (void)setsockopt(number, SOL_SOCKET, SO_RCVBUF, &want, sizeof want);
    }
    (void)getsockopt(number, SOL_SOCKET, SO_RCVBUF, &got, &len);
    return (size_t)got / 2;
}

struct binding {
    const struct wr_datagram_bind *to;
    union wr_peer at, group, source;
    socklen_t at_len, group_len, source_len; /* 0: none */
    unsigned interface;                      /* 0: any */
};

/* An address without a port. 0: it is none. */
static socklen_t read_host(const char *host, union wr_peer *to)
{
    char text[WR_PEER_TEXT + 4];
    bool v6 = strchr(host, ':') != NULL;
    snprintf(text, sizeof text, v6 ? "[%.*s]:0" : "%.*s:0", WR_PEER_TEXT - 1, host);
    return wr_peer_read(text, to);
}

static int read_source(struct binding *b, weir_error *error)
{
    const char *source = b->to->source;
    if (b->to->group == NULL) {
        return wr_error_set(error, WEIR_EINVAL, 0, "udp",
                            "a source is of a group, but there is no group to join");
    }
    b->source_len = read_host(source, &b->source);
    return b->source_len > 0 && b->source.any.sa_family == b->group.any.sa_family
               ? 0
               : wr_error_set(error, WEIR_EINVAL, 0, "udp",
                              "the source '%s' is not an address of the kind of the group '%s'",
                              source, b->to->group);
}

static int read_group(struct binding *b, weir_error *error)
{
    const char *group = b->to->group;
    bool v6 = strchr(group, ':') != NULL;
    b->group_len = read_host(group, &b->group);
    bool multicast = b->group_len > 0 && (v6 ? IN6_IS_ADDR_MULTICAST(&b->group.v6.sin6_addr)
                                             : IN_MULTICAST(ntohl(b->group.v4.sin_addr.s_addr)));
    if (!multicast) {
        return wr_error_set(error, WEIR_EINVAL, 0, "udp",
                            "'%s' is not a multicast address, as 239.1.2.3 or ff02::123", group);
    }
    if (b->to->address[0] == ':') { /* no host: only what is sent to the group */
        in_port_t port = b->at.v4.sin_port;
        b->at = b->group;
        b->at_len = b->group_len;
        if (v6) {
            b->at.v6.sin6_port = port;
            b->at.v6.sin6_scope_id = b->interface;
        } else {
            b->at.v4.sin_port = port;
        }
    }
    return b->at.any.sa_family == b->group.any.sa_family
               ? 0
               : wr_error_set(error, WEIR_EINVAL, 0, "udp",
                              "the address '%s' and the group '%s' are of different kinds",
                              b->to->address, group);
}

static int read_binding(struct binding *b, weir_error *error)
{
    const struct wr_datagram_bind *to = b->to;
    b->at_len = wr_peer_read(to->address, &b->at);
    if (b->at_len == 0) {
        return wr_error_set(error, WEIR_EINVAL, 0, "udp",
                            "'%s' is not an address to receive at: 127.0.0.1:5514, [::1]:5514 or "
                            ":5514 for this machine, 0.0.0.0:5514 or [::]:5514 for all",
                            to->address);
    }
    if (to->interface != NULL) {
        b->interface = if_nametoindex(to->interface);
        if (b->interface == 0) {
            return wr_error_set(error, WEIR_EINVAL, errno, "udp", "no interface '%s': %s",
                                to->interface, strerror(errno));
        }
    }
    if (b->at.any.sa_family == AF_INET6 && IN6_IS_ADDR_LINKLOCAL(&b->at.v6.sin6_addr)) {
        b->at.v6.sin6_scope_id = b->interface;
    }
    int rc = to->group != NULL ? read_group(b, error) : 0;
    return rc == 0 && to->source != NULL ? read_source(b, error) : rc;
}

static int join(int number, const struct binding *b)
{
    struct group_req request = {.gr_interface = b->interface};
    struct group_source_req one = {.gsr_interface = b->interface};
    int rc, level = b->group.any.sa_family == AF_INET6 ? IPPROTO_IPV6 : IPPROTO_IP;
    if (b->source_len > 0) {
        memcpy(&one.gsr_group, &b->group, b->group_len);
        memcpy(&one.gsr_source, &b->source, b->source_len);
        WR_CALL(rc, "setsockopt", ENODEV,
                setsockopt(number, level, MCAST_JOIN_SOURCE_GROUP, &one, sizeof one));
        return rc;
    }
    memcpy(&request.gr_group, &b->group, b->group_len);
    WR_CALL(rc, "setsockopt", ENODEV,
            setsockopt(number, level, MCAST_JOIN_GROUP, &request, sizeof request));
    return rc;
}

/* Bind, restrict and join. -1: errno, and *what was not possible. */
static int bind_socket(int number, const struct binding *b, const char **what)
{
    int one = 1, zero = 0, rc;
    if (b->group_len > 0) {
        (void)setsockopt(number, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
        (void)setsockopt(number, IPPROTO_IP, IP_MULTICAST_ALL, &zero, sizeof zero);
    } else if (b->interface != 0) {
        const char *name = b->to->interface;
        *what = "receive at that interface only";
        if (setsockopt(number, SOL_SOCKET, SO_BINDTODEVICE, name, (socklen_t)strlen(name)) < 0) {
            return -1;
        }
    }
    *what = "receive there";
    WR_CALL(rc, "bind", EADDRINUSE, bind(number, &b->at.any, b->at_len));
    if (rc == 0 && b->group_len > 0) {
        *what = "join the group";
        rc = join(number, b);
    }
    return rc;
}

struct wr_datagrams *wr_datagram_bind(struct weir_loop *loop, const struct wr_datagram_bind *to,
                                      weir_error *error)
{
    struct binding b = {.to = to};
    const char *what = "";
    wr_error_clear(error);
    if (read_binding(&b, error) < 0) {
        return NULL;
    }
    int number = make_socket(b.at.any.sa_family, error);
    if (number < 0) {
        return NULL;
    }
    size_t buffer_bytes = set_buffer(number, to->buffer_bytes);
    if (bind_socket(number, &b, &what) < 0) {
        int failure = errno;
        close(number);
        wr_error_set(error, WEIR_EIO, failure, "udp", "cannot %s: %s: %s", what, to->address,
                     strerror(failure));
        return NULL;
    }
    struct wr_datagrams *socket = udp_new(loop, number, error);
    if (socket != NULL) {
        socklen_t len = sizeof socket->local;
        socket->buffer_bytes = buffer_bytes;
        (void)getsockname(number, &socket->local.any, &len);
    }
    return socket;
}

/* ---- to a peer */

static struct wr_datagrams *connect_to(struct weir_loop *loop, const struct addrinfo *to,
                                       const char *peer, weir_error *error)
{
    int rc, number = make_socket(to->ai_family, error);
    if (number < 0) {
        return NULL;
    }
    WR_CALL(rc, "connect", ENETUNREACH, connect(number, to->ai_addr, to->ai_addrlen));
    if (rc < 0) {
        int failure = errno;
        close(number);
        wr_error_set(error, WEIR_ECONNECT, failure, "udp", "send to %s: %s", peer,
                     strerror(failure));
        return NULL;
    }
    return udp_new(loop, number, error);
}

static struct wr_datagrams *connect_name(struct weir_loop *loop, const char *host, const char *peer,
                                         int64_t limit_ms, struct wr_object *of, weir_error *error)
{
    struct addrinfo *all;
    struct wr_datagrams *socket = NULL;
    int detail;
    int rc =
        wr_resolve(loop, host, strrchr(peer, ':') + 1, SOCK_DGRAM, limit_ms, of, &all, &detail);
    if (rc < 0) {
        wr_error_set(error, rc, detail, "udp", "resolve %s: %s", peer,
                     rc == WEIR_ERESOLVE ? uv_strerror(detail)
                     : detail != 0       ? strerror(detail)
                                         : wr_code_text(rc));
    }
    for (const struct addrinfo *one = all; one != NULL && socket == NULL; one = one->ai_next) {
        wr_error_clear(error);
        socket = connect_to(loop, one, peer, error);
    }
    uv_freeaddrinfo(all);
    return socket;
}

struct wr_datagrams *wr_datagram_connect(struct weir_loop *loop, const char *peer, int64_t limit_ms,
                                         struct wr_object *of, weir_error *error)
{
    union wr_peer at;
    struct wr_text name;
    uint16_t port;
    char host[HOST_MAX];
    wr_error_clear(error);
    if (!wr_address_split(wr_text_of(peer), &name, &port) || name.len == 0 || port == 0 ||
        name.len >= sizeof host) {
        wr_error_set(error, WEIR_EINVAL, 0, "udp", "'%s' is not an address: write HOST:PORT", peer);
        return NULL;
    }
    socklen_t len = wr_peer_read(peer, &at);
    if (len > 0) {
        struct addrinfo one = {
            .ai_family = at.any.sa_family, .ai_addr = &at.any, .ai_addrlen = len};
        return connect_to(loop, &one, peer, error);
    }
    memcpy(host, name.data, name.len);
    host[name.len] = '\0';
    return connect_name(loop, host, peer, limit_ms, of, error);
}
