/*
 * loop_transport_connect.c - connecting: resolve the name, then try its addresses.
 *
 * A numeric address needs no resolver; names go to loop_resolve.c. A try is a non-blocking
 * connect(2), a wait for writability, then SO_ERROR. Several addresses race (RFC 8305): IPv6 and IPv4
 * in turn, beginning with the resolver's first address. The next try starts when the previous one has
 * failed or has run for 250 ms. The first address that answers is taken. If none does, the error of
 * the last one is reported.
 *
 * A cancel may come at each wait. The limit is one deadline for all steps. For many tasks this is
 * their deepest stack. So nothing is formatted before something fails, and `peer` is the caller's.
 */
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base_alloc.h"
#include "base_fault.h"
#include "codec_address.h"
#include "loop_race.h"
#include "loop_resolve.h"
#include "loop_tcp.h"
#include "loop_transport.h"

enum { HOST_MAX = 256, UNIX_RETRY_MS = 10, NEXT_ADDRESS_MS = 250 };

#define NOT_AN_ADDRESS "'%s%s' is not tcp://HOST:PORT, tls://HOST:PORT or unix:PATH"

/* ---- one attempt to connect: its target and its deadline */

struct attempt {
    struct weir_loop *loop;
    struct wr_object *of;
    weir_error *error;
    int64_t until_ns; /* INT64_MAX: no limit */
    enum wr_socket_kind kind;
    const char *peer; /* for messages */
};

static void attempt_init(struct attempt *a, struct weir_loop *loop, enum wr_socket_kind kind,
                         const char *peer, int64_t limit_ms, struct wr_object *of,
                         weir_error *error)
{
    wr_error_clear(error);
    wr_time_update(loop);
    *a = (struct attempt){.loop = loop, .of = of, .error = error, .kind = kind, .peer = peer};
    int64_t now = wr_now_ns(loop);
    bool limited = limit_ms >= 0 && limit_ms < (INT64_MAX - now) / 1000000;
    a->until_ns = limited ? now + limit_ms * 1000000 : INT64_MAX;
}

/* Milliseconds left, rounded up; -1: no limit. */
static int64_t left_ms(const struct attempt *a)
{
    if (a->until_ns == INT64_MAX) {
        return -1;
    }
    return WR_MAX(a->until_ns - wr_now_ns(a->loop) + 999999, 0) / 1000000;
}

static void say(struct attempt *a, int code, int detail, const char *what, const char *reason)
{
    char origin[64];
    snprintf(origin, sizeof origin, "%s(%.50s)", a->kind == WR_SOCKET_TCP ? "tcp" : "unix",
             a->peer);
    wr_error_set(a->error, code, detail, origin, "%s %s: %s", what, a->peer, reason);
}

static void say_no_socket(struct attempt *a, int number)
{
    char reason[80];
    snprintf(reason, sizeof reason, "%s%s", strerror(number),
             number == EMFILE ? " (ulimit -n)" : "");
    say(a, WEIR_EIO, number, "cannot create a socket for", reason);
}

/* Report that a wait returned rc. */
static void say_wait(struct attempt *a, int rc, const char *what)
{
    say(a, rc, 0, what, wr_code_text(rc));
}

/* ---- one address */

static struct wr_transport *finish_connect(struct attempt *a, struct wr_fd *fd)
{
    struct wr_transport *transport = wr_socket_transport(a->loop, fd, a->kind);
    if (transport == NULL) {
        wr_fd_free(fd);
        say_wait(a, WEIR_ENOMEM, "connect to");
    }
    return transport;
}

/* Count and return the connection that is used. */
static struct wr_transport *connected(struct attempt *a, struct wr_transport *transport)
{
    if (transport != NULL) {
        a->loop->stats.connects++;
        wr_error_clear(a->error);
    }
    return transport;
}

/* connect(2) is pending: wait for its result. 0, or the code of a failure that is in the error. */
static int await_connect(struct attempt *a, struct wr_fd *fd)
{
    int number = 0;
    socklen_t len = sizeof number;
    int rc = wr_fd_wait(fd, WR_WRITABLE, left_ms(a), "a connection", a->of);
    if (rc < 0) {
        say_wait(a, rc, "connect to");
        return rc;
    }
    if (getsockopt(wr_fd_number(fd), SOL_SOCKET, SO_ERROR, &number, &len) < 0) {
        number = errno;
    }
    if (number != 0) {
        say(a, WEIR_ECONNECT, number, "connect to", strerror(number));
        return WEIR_ECONNECT;
    }
    return 0;
}

static int start_connect(struct attempt *a, int number, const struct sockaddr *address,
                         socklen_t len)
{
    for (;;) {
        if (wr_fault("connect")) {
            return ECONNREFUSED;
        }
        if (connect(number, address, len) == 0) {
            return 0;
        }
        if (errno != EAGAIN || address->sa_family != AF_UNIX) {
            return errno == EINTR ? EINPROGRESS : errno;
        }
        /* A unix listener's backlog is full; there is no event for free space. */
        if (left_ms(a) == 0) {
            return ETIMEDOUT;
        }
        if (!weir_sleep(a->loop->root, UNIX_RETRY_MS)) {
            return ECANCELED;
        }
    }
}

static struct wr_transport *try_address(struct attempt *a, const struct sockaddr *address,
                                        socklen_t len)
{
    int number = wr_fault("socket")
                     ? (errno = EMFILE, -1)
                     : socket(address->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (number < 0) {
        say_no_socket(a, errno);
        return NULL;
    }
    int one = 1, why, detail;
    if (address->sa_family != AF_UNIX) {
        (void)setsockopt(number, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        wr_tcp_keep_alive(number);
    }
    int failure = start_connect(a, number, address, len);
    if (failure != 0 && failure != EINPROGRESS) {
        close(number);
        int code = failure == ECANCELED   ? WEIR_ECANCELED
                   : failure == ETIMEDOUT ? WEIR_ETIMEDOUT
                                          : WEIR_ECONNECT;
        say(a, code, failure, "connect to", strerror(failure));
        return NULL;
    }
    struct wr_fd *fd = wr_fd_new(a->loop, number, WR_FD_OWN, &why, &detail);
    if (fd == NULL) {
        say(a, why, detail, "connect to", wr_code_text(why));
        return NULL;
    }
    if (failure == EINPROGRESS && await_connect(a, fd) < 0) {
        wr_fd_free(fd);
        return NULL;
    }
    return finish_connect(a, fd);
}

/* ---- several addresses */

struct addresses {
    struct attempt *attempt;
    const struct addrinfo *in_order[];
};

static int try_one_of(void *ctx, size_t index, void **got)
{
    const struct addresses *addresses = ctx;
    const struct addrinfo *one = addresses->in_order[index];
    struct attempt a = *addresses->attempt; /* all tries share the error: the last failure stays */
    a.of = NULL;                            /* the wait of the racing task is the object's */
    *got = try_address(&a, one->ai_addr, one->ai_addrlen);
    return *got != NULL ? 0 : a.error->code;
}

static void drop_transport(void *got)
{
    struct wr_transport *transport = got;
    transport->ops->free(transport);
}

/* The first address from `at` on that is (or is not) of this family. */
static const struct addrinfo *of_family(const struct addrinfo *at, int family, bool is)
{
    while (at != NULL && (at->ai_family == family) != is) {
        at = at->ai_next;
    }
    return at;
}

/* Order the addresses: the families in turn, each in the resolver's order. */
static void put_in_order(const struct addrinfo *all, struct addresses *to)
{
    int family = all->ai_family;
    const struct addrinfo *next[2] = {all, of_family(all, family, false)};
    for (size_t i = 0; next[0] != NULL || next[1] != NULL; i++) {
        size_t which = next[i % 2] != NULL ? i % 2 : (i + 1) % 2;
        to->in_order[i] = next[which];
        next[which] = of_family(next[which]->ai_next, family, which == 0);
    }
}

static struct wr_transport *try_all(struct attempt *a, const struct addrinfo *all)
{
    size_t count = 0;
    void *transport = NULL;
    for (const struct addrinfo *one = all; one != NULL; one = one->ai_next) {
        count++;
    }
    if (count == 1) {
        return try_address(a, all->ai_addr, all->ai_addrlen);
    }
    struct addresses *addresses = wr_alloc(sizeof *addresses + count * sizeof *addresses->in_order);
    if (addresses == NULL) {
        say_wait(a, WEIR_ENOMEM, "connect to");
        return NULL;
    }
    addresses->attempt = a;
    put_in_order(all, addresses);
    struct wr_race race = {.loop = a->loop,
                           .count = count,
                           .delay_ms = NEXT_ADDRESS_MS,
                           .try = try_one_of,
                           .drop = drop_transport,
                           .ctx = addresses};
    int rc = wr_race(&race, "a connection", a->of, &transport);
    if (rc < 0 && a->error->code != rc) {
        say_wait(a, rc, "connect to");
    }
    wr_free(addresses);
    return transport;
}

/* ---- names */

/* The addresses; the caller frees them with uv_freeaddrinfo. NULL: the error is set. */
static struct addrinfo *resolve(struct attempt *a, const char *host, const char *port)
{
    struct addrinfo *found = NULL;
    int detail = 0;
    int rc = wr_resolve(a->loop, host, port, SOCK_STREAM, left_ms(a), a->of, &found, &detail);
    if (rc == WEIR_ERESOLVE) {
        say(a, rc, detail, "resolve", uv_strerror(detail));
    } else if (rc == WEIR_EIO) {
        say_no_socket(a, detail);
    } else if (rc < 0) {
        say_wait(a, rc, "resolve");
    }
    return found;
}

/* True: the host is a numeric address; it is stored in *to. */
static bool in_numbers(const char *host, uint16_t port, struct sockaddr_in6 *to, socklen_t *len)
{
    if (uv_ip4_addr(host, port, (struct sockaddr_in *)(void *)to) == 0) {
        *len = sizeof(struct sockaddr_in);
        return true;
    }
    *len = sizeof(struct sockaddr_in6);
    return uv_ip6_addr(host, port, to) == 0;
}

struct wr_transport *wr_tcp_connect(struct weir_loop *loop, const char *peer, int64_t limit_ms,
                                    struct wr_object *of, weir_error *error)
{
    struct attempt a;
    struct sockaddr_in6 numbers; /* or a sockaddr_in, which is smaller */
    socklen_t len;
    struct wr_text name;
    uint16_t port;
    char host[HOST_MAX];
    attempt_init(&a, loop, WR_SOCKET_TCP, peer, limit_ms, of, error);
    if (!wr_address_split(wr_text_of(peer), &name, &port) || name.len == 0 ||
        name.len >= sizeof host) {
        wr_error_set(error, WEIR_EINVAL, 0, "address", NOT_AN_ADDRESS, "tcp://", peer);
        return NULL;
    }
    memcpy(host, name.data, name.len);
    host[name.len] = '\0';
    if (in_numbers(host, port, &numbers, &len)) {
        return connected(&a, try_address(&a, (const struct sockaddr *)(const void *)&numbers, len));
    }
    struct addrinfo *all = resolve(&a, host, strrchr(peer, ':') + 1);
    struct wr_transport *transport = all != NULL ? connected(&a, try_all(&a, all)) : NULL;
    uv_freeaddrinfo(all);
    return transport;
}

struct wr_transport *wr_tcp_connect_any(struct weir_loop *loop, const struct addrinfo *all,
                                        const char *peer, int64_t limit_ms, struct wr_object *of,
                                        weir_error *error)
{
    struct attempt a;
    attempt_init(&a, loop, WR_SOCKET_TCP, peer, limit_ms, of, error);
    return connected(&a, try_all(&a, all));
}

static struct wr_transport *unix_connect(struct weir_loop *loop, const char *path, int64_t limit_ms,
                                         struct wr_object *of, weir_error *error)
{
    struct attempt a;
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    size_t len = strlen(path);
    attempt_init(&a, loop, WR_SOCKET_UNIX, path, limit_ms, of, error);
    if (len == 0 || len >= sizeof address.sun_path) {
        say(&a, WEIR_EINVAL, 0, "connect to", "the path is empty or longer than 107 bytes");
        return NULL;
    }
    memcpy(address.sun_path, path, len);
    return connected(
        &a, try_address(&a, (const struct sockaddr *)(const void *)&address, sizeof address));
}

struct wr_transport *wr_connect(struct weir_loop *loop, const char *address, int64_t limit_ms,
                                struct wr_object *of, weir_error *error)
{
    if (strncmp(address, "tcp://", 6) == 0) {
        return wr_tcp_connect(loop, address + 6, limit_ms, of, error);
    }
    if (strncmp(address, "unix:", 5) == 0) {
        const char *path = address + 5;
        return unix_connect(loop, strncmp(path, "//", 2) == 0 ? path + 2 : path, limit_ms, of,
                            error);
    }
    wr_error_set(error, WEIR_EINVAL, 0, "address", NOT_AN_ADDRESS, "", address);
    return NULL;
}
