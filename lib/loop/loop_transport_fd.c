/*
 * loop_transport_fd.c - a descriptor as a transport: sockets, pipes, terminals, files.
 *
 * The way to keep a try from blocking depends on the kind of descriptor and on its owner. A socket:
 * MSG_DONTWAIT, with any owner. An owned pipe or terminal: O_NONBLOCK, set by uv_poll. A borrowed
 * one shares its open file with the shell or with other programs, and O_NONBLOCK belongs to the
 * open file. So it is opened again through /proc/self/fd, and the new open file is ours. If that is
 * refused (another user's terminal, no /proc), each try calls poll(2) first and moves at most
 * PIPE_BUF bytes, which a writable pipe takes without blocking. A file does not block in a way that
 * poll could wait for: every try is made at once.
 *
 * Sources, sinks and the server call it from their tasks. Nothing is buffered here: between two
 * suspensions the only state is that of the descriptor.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base_alloc.h"
#include "base_fault.h"
#include "loop_tcp.h"
#include "loop_transport.h"

struct fd_transport {
    struct wr_transport base;
    struct wr_fd *fd; /* NULL: a file */
    int number;
    bool close_file; /* an owned file: there is no wr_fd whose wr_fd_free closes it */
    bool polled;     /* may block: call poll(2) before each try */
};

static struct fd_transport *of_base(struct wr_transport *transport)
{
    return WR_OWNER(transport, struct fd_transport, base);
}

static int64_t failed(struct wr_transport *transport, bool writing)
{
    int number = errno;
    if (number == EAGAIN || number == EWOULDBLOCK) {
        return WR_AGAIN;
    }
    transport->detail = number;
    if (number == EPIPE || number == ECONNRESET) {
        return writing ? WEIR_ECLOSED : WEIR_ERESET;
    }
    return number == ETIMEDOUT && !writing ? WEIR_ERESET : WEIR_EIO;
}

/* False, with errno set: the fault point says that the call must fail. */
static bool allowed(const char *point)
{
    if (wr_fault(point)) {
        errno = EIO;
        return false;
    }
    return true;
}

static int64_t socket_read(struct wr_transport *transport, void *to, size_t cap)
{
    ssize_t n;
    do {
        n = allowed("recv") ? recv(of_base(transport)->number, to, cap, MSG_DONTWAIT) : -1;
    } while (n < 0 && errno == EINTR);
    return n >= 0 ? n : failed(transport, false);
}

static int64_t socket_write(struct wr_transport *transport, const struct iovec *iov, int count)
{
    struct msghdr message = {.msg_iovlen = (size_t)count};
    /* sendmsg does not write to the vector; the type is not const because recvmsg also uses it. */
    memcpy(&message.msg_iov, &iov, sizeof iov);
    ssize_t n;
    do {
        n = allowed("sendmsg")
                ? sendmsg(of_base(transport)->number, &message, MSG_DONTWAIT | MSG_NOSIGNAL)
                : -1;
    } while (n < 0 && errno == EINTR);
    return n >= 0 ? n : failed(transport, true);
}

static bool ready(const struct fd_transport *self, short events)
{
    struct pollfd asked = {.fd = self->number, .events = events};
    return !self->polled || poll(&asked, 1, 0) > 0;
}

static int64_t plain_read(struct wr_transport *transport, void *to, size_t cap)
{
    struct fd_transport *self = of_base(transport);
    if (!ready(self, POLLIN)) {
        return WR_AGAIN;
    }
    ssize_t n;
    do {
        n = allowed("read") ? read(self->number, to, cap) : -1;
    } while (n < 0 && errno == EINTR);
    return n >= 0 ? n : failed(transport, false);
}

/* Write as much of the vector as a writable pipe takes without blocking. */
static ssize_t write_piece(int number, const struct iovec *iov, int count)
{
    struct iovec piece[8];
    size_t room = PIPE_BUF;
    int n = 0;
    for (; n < count && n < 8 && room > 0; n++) {
        piece[n] = iov[n];
        piece[n].iov_len = WR_MIN(iov[n].iov_len, room);
        room -= piece[n].iov_len;
    }
    return writev(number, piece, n);
}

static int64_t plain_write(struct wr_transport *transport, const struct iovec *iov, int count)
{
    struct fd_transport *self = of_base(transport);
    ssize_t n;
    if (!ready(self, POLLOUT)) {
        return WR_AGAIN;
    }
    do {
        if (!allowed("write")) {
            n = -1;
        } else if (self->polled) {
            n = write_piece(self->number, iov, count);
        } else {
            n = writev(self->number, iov, count);
        }
    } while (n < 0 && errno == EINTR);
    return n >= 0 ? n : failed(transport, true);
}

static int fd_wait(struct wr_transport *transport, int events, int64_t limit_ms, const char *why,
                   struct wr_object *of)
{
    struct fd_transport *self = of_base(transport);
    return self->fd != NULL ? wr_fd_wait(self->fd, events, limit_ms, why, of) : 0;
}

static void socket_shut(struct wr_transport *transport)
{
    shutdown(of_base(transport)->number, SHUT_WR);
}

static void socket_reset(struct wr_transport *transport)
{
    struct linger at_once = {.l_onoff = 1};
    (void)setsockopt(of_base(transport)->number, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
}

static void socket_limit_silence(struct wr_transport *transport)
{
    wr_tcp_limit_silence(of_base(transport)->number);
}

static int64_t socket_unread(struct wr_transport *transport)
{
    int number = of_base(transport)->number, bytes = 0;
    struct tcp_info info = {0};
    socklen_t len = sizeof info;
    if (ioctl(number, SIOCOUTQ, &bytes) < 0) {
        return -1;
    }
    /* The end that a shut sends after the bytes counts as one byte until it is acknowledged. */
    bool end = bytes > 0 && getsockopt(number, IPPROTO_TCP, TCP_INFO, &info, &len) == 0 &&
               (info.tcpi_state == TCP_FIN_WAIT1 || info.tcpi_state == TCP_CLOSING ||
                info.tcpi_state == TCP_LAST_ACK);
    return bytes - end;
}

static int64_t socket_unsent(struct wr_transport *transport)
{
    int bytes = 0;
    return ioctl(of_base(transport)->number, SIOCOUTQNSD, &bytes) == 0 ? bytes : -1;
}

static int64_t pipe_unread(struct wr_transport *transport)
{
    int bytes = 0;
    return ioctl(of_base(transport)->number, FIONREAD, &bytes) == 0 ? bytes : -1;
}

static bool fd_hung_up(struct wr_transport *transport)
{
    struct pollfd asked = {.fd = of_base(transport)->number};
    return poll(&asked, 1, 0) > 0; /* POLLERR and POLLHUP are always reported */
}

static void plain_shut(struct wr_transport *transport)
{
    (void)transport;
}

static void fd_watch_hangup(struct wr_transport *transport, void (*gone)(void *ctx), void *ctx)
{
    if (of_base(transport)->fd != NULL) {
        wr_fd_watch_hangup(of_base(transport)->fd, gone, ctx);
    }
}

static void socket_watch_broken(struct wr_transport *transport, void (*gone)(void *ctx), void *ctx)
{
    wr_fd_watch_broken(of_base(transport)->fd, gone, ctx);
}

static void socket_watch_input(struct wr_transport *transport, void (*came)(void *ctx), void *ctx)
{
    wr_fd_watch_input(of_base(transport)->fd, came, ctx);
}

static int socket_broken(const struct wr_transport *transport)
{
    int number = WR_OWNER((uintptr_t)transport, struct fd_transport, base)->number, error = 0;
    socklen_t len = sizeof error;
    return getsockopt(number, SOL_SOCKET, SO_ERROR, &error, &len) == 0 ? error : errno;
}

static void fd_free(struct wr_transport *transport)
{
    struct fd_transport *self = of_base(transport);
    wr_fd_free(self->fd);
    if (self->close_file) {
        close(self->number);
    }
    wr_free(self);
}

#define SOCKET_OPS(name, exact)                                                                 \
    {                                                                                           \
        .kind = (name), .unread_exact = (exact), .read = socket_read, .write = socket_write,    \
        .wait = fd_wait, .shut = socket_shut, .unread = socket_unread, .unsent = socket_unsent, \
        .hung_up = fd_hung_up, .reset = socket_reset, .limit_silence = socket_limit_silence,    \
        .watch_hangup = fd_watch_hangup, .watch_broken = socket_watch_broken,                   \
        .watch_input = socket_watch_input, .broken = socket_broken, .free = fd_free             \
    }
#define PLAIN_OPS(name, ...)                                                              \
    {                                                                                     \
        .kind = (name), .read = plain_read, .write = plain_write, .wait = fd_wait,        \
        .shut = plain_shut, .watch_hangup = fd_watch_hangup, .free = fd_free, __VA_ARGS__ \
    }

static const struct wr_transport_ops tcp_ops = SOCKET_OPS("tcp", true),
                                     unix_ops = SOCKET_OPS("unix", false),
                                     socket_ops = SOCKET_OPS("socket", false);
static const struct wr_transport_ops pipe_ops = PLAIN_OPS("pipe", .unread = pipe_unread,
                                                          .hung_up = fd_hung_up),
                                     terminal_ops = PLAIN_OPS("terminal", .unread = NULL),
                                     file_ops = PLAIN_OPS("file", .unread = NULL);

struct wr_transport *wr_socket_transport(struct weir_loop *loop, struct wr_fd *fd,
                                         enum wr_socket_kind kind)
{
    struct fd_transport *self = wr_zalloc(sizeof *self);
    if (self == NULL) {
        return NULL;
    }
    self->base.ops = kind == WR_SOCKET_TCP ? &tcp_ops : &unix_ops;
    self->base.loop = loop;
    self->fd = fd;
    self->number = wr_fd_number(fd);
    return &self->base;
}

/* Can epoll watch it? Regular files, folders and /dev/null cannot be watched, and never block
 * either. */
static bool watchable(int fd)
{
    struct epoll_event event = {.events = EPOLLIN};
    int set = wr_fault("epoll_create1") ? -1 : epoll_create1(EPOLL_CLOEXEC);
    bool can = set >= 0 && epoll_ctl(set, EPOLL_CTL_ADD, fd, &event) == 0;
    bool cannot = set >= 0 && !can && errno == EPERM;
    if (set >= 0) {
        close(set);
    }
    return !cannot;
}

static const struct wr_transport_ops *ops_for(int fd, const struct stat *info)
{
    if (S_ISSOCK(info->st_mode)) {
        return &socket_ops;
    }
    if (S_ISFIFO(info->st_mode)) {
        return &pipe_ops;
    }
    if (S_ISREG(info->st_mode) || S_ISDIR(info->st_mode) || S_ISBLK(info->st_mode) ||
        !watchable(fd)) {
        return &file_ops;
    }
    return isatty(fd) ? &terminal_ops : &pipe_ops;
}

/* A second open file for what `fd` shows, whose flags are ours; -1 where the system refuses. */
static int reopen(int fd)
{
    char path[40];
    int flags = fcntl(fd, F_GETFL);
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    if (flags < 0 || wr_fault("reopen")) {
        return -1;
    }
    return open(path, (flags & O_ACCMODE) | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
}

static struct wr_transport *refuse(struct fd_transport *self, int code, int detail,
                                   weir_error *error)
{
    wr_free(self);
    wr_error_set(error, code, detail, "descriptor", "%s",
                 code == WEIR_ENOMEM ? "no memory for a descriptor" : strerror(detail));
    return NULL;
}

struct wr_transport *wr_fd_transport(struct weir_loop *loop, int fd, enum wr_fd_ownership ownership,
                                     weir_error *error)
{
    struct stat info;
    bool own = ownership == WR_FD_OWN;
    wr_error_clear(error);
    struct fd_transport *self = wr_zalloc(sizeof *self);
    if (self == NULL || (wr_fault("fstat") ? (errno = EIO, true) : fstat(fd, &info) < 0)) {
        int detail = self == NULL ? ENOMEM : errno;
        if (own) {
            close(fd);
        }
        return refuse(self, self == NULL ? WEIR_ENOMEM : WEIR_EIO, detail, error);
    }
    self->base.loop = loop;
    self->base.ops = ops_for(fd, &info);
    self->number = fd;
    if (self->base.ops == &file_ops) {
        self->close_file = own;
        return &self->base;
    }
    if (!own && self->base.ops != &socket_ops) {
        int again = reopen(fd);
        if (again >= 0) {
            self->number = again;
            ownership = WR_FD_OWN;
        } else {
            self->polled = true;
        }
    }
    int why, detail;
    self->fd = wr_fd_new(loop, self->number, ownership, &why, &detail);
    return self->fd != NULL ? &self->base : refuse(self, why, detail, error);
}
