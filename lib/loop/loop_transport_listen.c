/*
 * loop_transport_listen.c - a listening socket, TCP or unix, and accepting its connections one by
 * one.
 *
 * Each call of wr_accept takes one connection. Not to call it is backpressure: the kernel's backlog
 * fills and further peers wait. When there are no descriptors or no memory, wr_accept tries again
 * after a pause: the open connections will release some, and the backlog is still there. An address
 * without a host means loopback, so that a missing host never serves to the network.
 *
 * The file of a unix socket outlives a process that was killed. Such a file refuses connections: it
 * is replaced. A file on which somebody listens, and one that is no socket, is not touched. The file
 * is removed with the listener, unless another one has taken its place.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
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
    bool full;  /* the log says already that no connection can be accepted for now */
    char *path; /* of a unix socket; NULL: TCP */
    dev_t device;
    ino_t inode;             /* of that file */
    char peer[WR_PEER_NAME]; /* of the connection that was accepted last */
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

bool wr_listen_can(const char *address)
{
    union listen_address to = {.any = {0}};
    return parse(address, &to) > 0;
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

/* Watch the socket `number`, which is taken. NULL: *error, and the listener is freed. */
static struct wr_listener *begin(struct wr_listener *listener, struct weir_loop *loop, int number,
                                 const char *address, weir_error *error)
{
    int why, detail;
    listener->loop = loop;
    listener->fd = wr_fd_new(loop, number, WR_FD_OWN, &why, &detail);
    if (listener->fd != NULL) {
        return listener;
    }
    wr_error_set(error, why, detail, "listen", "listen on %s: %s", address, wr_code_text(why));
    wr_listener_free(listener);
    return NULL;
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
    return begin(listener, loop, number, address, error);
}

/* ---- unix */

/* May the file be replaced? It is a socket on which nobody listens. */
static bool is_stale(const struct sockaddr_un *where, socklen_t len, struct stat *info)
{
    bool refused = false;
    if (lstat(where->sun_path, info) < 0 || !S_ISSOCK(info->st_mode)) {
        return false;
    }
    int number = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (number >= 0) {
        refused = connect(number, (const struct sockaddr *)(const void *)where, len) < 0 &&
                  errno == ECONNREFUSED;
        close(number);
    }
    return refused;
}

static int bind_path(int number, const struct sockaddr_un *where, socklen_t len)
{
    const struct sockaddr *any = (const struct sockaddr *)(const void *)where;
    struct stat old, now;
    if (wr_fault("bind")) {
        errno = EADDRINUSE;
        return -1;
    }
    if (bind(number, any, len) == 0) {
        return 0;
    }
    if (errno != EADDRINUSE || !is_stale(where, len, &old) || lstat(where->sun_path, &now) < 0 ||
        now.st_ino != old.st_ino || unlink(where->sun_path) < 0) {
        errno = EADDRINUSE;
        return -1;
    }
    return bind(number, any, len);
}

/* The mode is set before the file is there, so that it is never open to others. */
static int listen_path(struct wr_listener *listener, const struct sockaddr_un *where, socklen_t len,
                       unsigned mode)
{
    struct stat info;
    int number = wr_fault("socket")
                     ? (errno = EMFILE, -1)
                     : socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (number < 0) {
        return -1;
    }
    if (fchmod(number, mode) == 0 && bind_path(number, where, len) == 0 &&
        chmod(where->sun_path, mode) == 0 && listen(number, BACKLOG) == 0 &&
        lstat(where->sun_path, &info) == 0) {
        listener->device = info.st_dev;
        listener->inode = info.st_ino;
        return number;
    }
    int failure = errno;
    close(number);
    errno = failure;
    return -1;
}

static const char *path_problem(const char *path, int number)
{
    struct stat info;
    if (number != EADDRINUSE) {
        return strerror(number);
    }
    return lstat(path, &info) == 0 && !S_ISSOCK(info.st_mode)
               ? "there is a file of this name, which is no socket"
               : "another process listens there";
}

struct wr_listener *wr_listen_unix(struct weir_loop *loop, const char *path, unsigned mode,
                                   weir_error *error)
{
    struct sockaddr_un where = {.sun_family = AF_UNIX};
    size_t len = strlen(path);
    wr_error_clear(error);
    if (len == 0 || len >= sizeof where.sun_path) {
        wr_error_set(error, WEIR_EINVAL, 0, "listen",
                     "the path of a socket must have 1 to %zu bytes, not %zu",
                     sizeof where.sun_path - 1, len);
        return NULL;
    }
    memcpy(where.sun_path, path, len + 1);
    struct wr_listener *listener = wr_zalloc(sizeof *listener);
    char *copy = wr_strdup(path);
    if (listener == NULL || copy == NULL) {
        wr_free(listener);
        wr_free(copy);
        wr_error_set(error, WEIR_ENOMEM, 0, "listen", "no memory to listen");
        return NULL;
    }
    int number = listen_path(listener, &where, (socklen_t)sizeof where, mode);
    if (number < 0) {
        int detail = errno;
        wr_error_set(error, WEIR_EIO, detail, "listen", "listen on '%s': %s", path,
                     path_problem(path, detail));
        wr_free(listener);
        wr_free(copy);
        return NULL;
    }
    listener->path = copy;
    return begin(listener, loop, number, path, error);
}

/* Remove the file, if it is still ours. */
static void remove_path(const struct wr_listener *listener)
{
    struct stat info;
    if (lstat(listener->path, &info) == 0 && info.st_dev == listener->device &&
        info.st_ino == listener->inode) {
        (void)unlink(listener->path);
    }
}

/* ---- accepting */

int wr_listener_port(const struct wr_listener *listener)
{
    return listener->port;
}

const char *wr_listener_peer(const struct wr_listener *listener)
{
    return listener->peer;
}

static struct wr_transport *wrap_unix(struct weir_loop *loop, int number)
{
    int why, detail;
    struct wr_fd *fd = wr_fd_new(loop, number, WR_FD_OWN, &why, &detail);
    struct wr_transport *transport =
        fd != NULL ? wr_socket_transport(loop, fd, WR_SOCKET_UNIX) : NULL;
    if (transport == NULL) {
        wr_fd_free(fd);
    }
    return transport;
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

union peer_address {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
    struct sockaddr_storage all;
};

/* "192.0.2.1:5000", "[2001:db8::1]:5000"; of a unix socket "pid 77 uid 1000". */
static void name_peer(struct wr_listener *listener, int number, const union peer_address *from)
{
    char host[INET6_ADDRSTRLEN] = "?";
    char *to = listener->peer;
    if (listener->path != NULL) {
        struct ucred who = {.pid = 0};
        socklen_t len = sizeof who;
        (void)getsockopt(number, SOL_SOCKET, SO_PEERCRED, &who, &len);
        snprintf(to, WR_PEER_NAME, "pid %ld uid %lu", (long)who.pid, (unsigned long)who.uid);
    } else if (from->any.sa_family == AF_INET6 && IN6_IS_ADDR_V4MAPPED(&from->v6.sin6_addr)) {
        (void)inet_ntop(AF_INET, &from->v6.sin6_addr.s6_addr[12], host, sizeof host);
        snprintf(to, WR_PEER_NAME, "%s:%d", host, ntohs(from->v6.sin6_port));
    } else if (from->any.sa_family == AF_INET6) {
        (void)inet_ntop(AF_INET6, &from->v6.sin6_addr, host, sizeof host);
        snprintf(to, WR_PEER_NAME, "[%s]:%d", host, ntohs(from->v6.sin6_port));
    } else {
        (void)inet_ntop(AF_INET, &from->v4.sin_addr, host, sizeof host);
        snprintf(to, WR_PEER_NAME, "%s:%d", host, ntohs(from->v4.sin_port));
    }
}

static int try_accept(struct wr_listener *listener)
{
    union peer_address from = {.all = {0}};
    socklen_t len = sizeof from;
    if (wr_fault("accept4")) {
        errno = EMFILE;
        return -1;
    }
    int number = accept4(wr_fd_number(listener->fd), &from.any, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (number >= 0) {
        name_peer(listener, number, &from);
    }
    return number;
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
        int number = try_accept(listener);
        if (number >= 0) {
            struct wr_transport *transport =
                listener->path != NULL ? wrap_unix(loop, number) : wrap(loop, number);
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
        if (listener->path != NULL) {
            remove_path(listener);
        }
        wr_free(listener->path);
        wr_fd_free(listener->fd);
        wr_free(listener);
    }
}
