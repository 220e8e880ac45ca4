/*
 * loop_transport_listen.c - a listening socket, and accepting its connections one by one.
 *
 * Each call of wr_accept takes one connection. Not to call it is backpressure: the kernel's backlog
 * fills and further peers wait. When there are no descriptors or no memory, wr_accept tries again
 * after a pause: the open connections will release some, and the backlog is still there. An address
 * without a host means loopback, so that a missing host never serves to the network.
 */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base_alloc.h"
#include "base_fault.h"
#include "codec_address.h"
#include "loop_scope.h"
#include "loop_tcp.h"
#include "loop_transport.h"

enum { BACKLOG = 511, HOST_MAX = 64, FULL_PAUSE_MS = 100 };

struct wr_listener {
    struct weir_loop *loop;
    struct wr_fd *fd;
    int port;
    bool full; /* the log says already that no connection can be accepted for now */
};

union listen_address {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
};

/* Returns the length; 0: not an address to listen on. */
static socklen_t parse(const char *text, union listen_address *to)
{
    char host[HOST_MAX] = "127.0.0.1";
    struct wr_text name;
    uint16_t port;
    if (!wr_address_split(wr_text_of(text), &name, &port) || name.len >= HOST_MAX) {
        return 0;
    }
    if (name.len > 0 && !(name.len == 9 && memcmp(name.data, "localhost", 9) == 0)) {
        memcpy(host, name.data, name.len);
        host[name.len] = '\0';
    }
    if (text[0] == '[') {
        return uv_ip6_addr(host, port, &to->v6) == 0 ? sizeof to->v6 : 0;
    }
    return uv_ip4_addr(host, port, &to->v4) == 0 ? sizeof to->v4 : 0;
}

static int bind_listen(const union listen_address *address, socklen_t len)
{
    int one = 1;
    int number = wr_fault("socket") ? (errno = EMFILE, -1)
                                    : socket(address->any.sa_family,
                                             SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (number < 0) {
        return -1;
    }
    (void)setsockopt(number, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (wr_fault("bind")) {
        errno = EADDRINUSE;
    } else if (bind(number, &address->any, len) == 0 && listen(number, BACKLOG) == 0) {
        return number;
    }
    int failure = errno;
    close(number);
    errno = failure;
    return -1;
}

struct wr_listener *wr_listen(struct weir_loop *loop, const char *address, weir_error *error)
{
    union listen_address to = {.any = {0}};
    socklen_t len = parse(address, &to);
    wr_error_clear(error);
    if (len == 0) {
        wr_error_set(error, WEIR_EINVAL, 0, "listen",
                     "'%s' is not an address to listen on: 127.0.0.1:8080, [::1]:8080 or :8080",
                     address);
        return NULL;
    }
    int number = bind_listen(&to, len);
    if (number < 0) {
        wr_error_set(error, WEIR_EIO, errno, "listen", "listen on %s: %s", address,
                     strerror(errno));
        return NULL;
    }
    struct wr_listener *listener = wr_zalloc(sizeof *listener);
    if (listener == NULL) {
        close(number);
        wr_error_set(error, WEIR_ENOMEM, 0, "listen", "no memory to listen");
        return NULL;
    }
    (void)getsockname(number, &to.any, &len);
    listener->port = ntohs(to.any.sa_family == AF_INET ? to.v4.sin_port : to.v6.sin6_port);
    listener->loop = loop;
    int why, detail;
    listener->fd = wr_fd_new(loop, number, WR_FD_OWN, &why, &detail);
    if (listener->fd == NULL) {
        wr_error_set(error, why, detail, "listen", "listen on %s: %s", address, wr_code_text(why));
        wr_free(listener);
        return NULL;
    }
    return listener;
}

int wr_listener_port(const struct wr_listener *listener)
{
    return listener->port;
}

static struct wr_transport *wrap(struct weir_loop *loop, int number)
{
    int one = 1, unsent_max = WR_UNSENT_MAX, why, detail;
    (void)setsockopt(number, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    /* Without this limit each peer that does not read would take megabytes of the socket memory of
     * the whole machine. */
    (void)setsockopt(number, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &unsent_max, sizeof unsent_max);
    /* While a feed sends nothing, only keep-alive detects that the peer's machine is gone or that
     * the peer has left. */
    wr_tcp_keep_alive(number);
    struct wr_fd *fd = wr_fd_new(loop, number, WR_FD_OWN, &why, &detail);
    struct wr_transport *transport =
        fd != NULL ? wr_socket_transport(loop, fd, WR_SOCKET_TCP) : NULL;
    if (transport == NULL) {
        wr_fd_free(fd);
    }
    return transport;
}

static int try_accept(int number)
{
    if (wr_fault("accept4")) {
        errno = EMFILE;
        return -1;
    }
    return accept4(number, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
}

int wr_listener_wait(struct wr_listener *listener, struct wr_object *of)
{
    return wr_fd_wait(listener->fd, WR_READABLE, -1, "a connection", of);
}

struct wr_transport *wr_accept(struct wr_listener *listener, struct wr_object *of,
                               weir_error *error)
{
    struct weir_loop *loop = listener->loop;
    wr_error_clear(error);
    for (;;) {
        int rc = 0;
        int number = try_accept(wr_fd_number(listener->fd));
        if (number >= 0) {
            struct wr_transport *transport = wrap(loop, number);
            if (transport != NULL) {
                listener->full = false;
                return transport;
            }
            errno = ENOMEM;
        }
        if (errno == EAGAIN || errno == EWOULDBLOCK) {
            rc = wr_fd_wait(listener->fd, WR_READABLE, -1, "a connection", of);
        } else if (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS) {
            if (!listener->full) {
                listener->full = true;
                wr_log(&loop->log, WR_LOG_WARNING, "listen", "accept: %s; trying again every %d ms",
                       strerror(errno), FULL_PAUSE_MS);
            }
            rc = wr_sleep(loop, FULL_PAUSE_MS, "descriptors or memory for a connection", of);
        } else if (errno == EBADF || errno == EINVAL || errno == ENOTSOCK) {
            wr_error_set(error, WEIR_EIO, errno, "listen", "accept: %s", strerror(errno));
            return NULL;
        }
        /* Else the peer has left since it connected (ECONNABORTED and similar): take the next
         * one. */
        if (rc < 0) {
            wr_error_set(error, rc, 0, "listen", "accept: %s", wr_code_text(rc));
            return NULL;
        }
    }
}

void wr_listener_free(struct wr_listener *listener)
{
    if (listener != NULL) {
        wr_fd_free(listener->fd);
        wr_free(listener);
    }
}
