/*
 * loop_transport.h - bytes in and out: tcp, unix, pipe, file, memory. Internal.
 *
 * A transport is a few non-blocking tries and one wait. A source reads directly into its block,
 * a sink writes directly from its block. A transport reads nothing on its own and queues
 * nothing: to apply backpressure, do not call read. Tests use the same functions for scripted
 * peers and memory pairs.
 *
 * After a try that returns WR_AGAIN, call wait() in the same direction, in a loop: a wait may end
 * before a try can succeed.
 *
 *     while ((n = transport->ops->read(transport, to, cap)) == WR_AGAIN) {
 *         rc = transport->ops->wait(transport, WR_READABLE, -1, "bytes", of);
 *         ...
 *     }
 *
 * At most one task reads and one task writes at a time; these may be two different tasks. Call
 * free() only when no task waits.
 */
#ifndef WR_LOOP_TRANSPORT_H
#define WR_LOOP_TRANSPORT_H

#include <sys/uio.h>

#include "loop_fd.h"

enum { WR_AGAIN = -2000 }; /* not possible now: wait(), then try again */

struct addrinfo;
struct wr_transport;

struct wr_transport_ops {
    /* For messages and tests: "tcp", "unix", "socket", "pipe", "terminal", "file", "memory", "tls". */
    const char *kind;
    bool unread_exact; /* `unread` counts bytes; if not, it may be more than that */
    /* Bytes read; 0 at the end of the stream; WR_AGAIN; or a negative WEIR_E code (WEIR_ERESET,
     * WEIR_EIO) with errno in transport->detail. cap is above 0. */
    int64_t (*read)(struct wr_transport *transport, void *to, size_t cap);
    /* Bytes taken (may be fewer than given); WR_AGAIN; or negative: WEIR_ECLOSED when the far end
     * has gone (EPIPE, ECONNRESET), else WEIR_EIO. Does not raise SIGPIPE where the system allows
     * that: for sockets and memory, not for pipes. */
    int64_t (*write)(struct wr_transport *transport, const struct iovec *iov, int count);
    /* As wr_fd_wait. A file is always ready. */
    int (*wait)(struct wr_transport *transport, int events, int64_t limit_ms, const char *why,
                struct wr_object *of);
    /* No more writes follow: the peer reads the end. A pipe or file ends when it is freed. */
    void (*shut)(struct wr_transport *transport);
    /* As wr_fd_watch_hangup: the far end has gone or will send no more (the latter is not reported
     * for a borrowed descriptor). `gone` is never called for a file. */
    void (*watch_hangup)(struct wr_transport *transport, void (*gone)(void *ctx), void *ctx);
    /* As wr_fd_watch_broken. NULL: not supported. */
    void (*watch_broken)(struct wr_transport *transport, void (*gone)(void *ctx), void *ctx);
    /* As wr_fd_watch_input. NULL: not supported. */
    void (*watch_input)(struct wr_transport *transport, void (*came)(void *ctx), void *ctx);
    /* Bytes written that the far end has not taken yet: not acknowledged by its kernel (tcp),
     * or not read (memory, pipe; unix: the memory that these bytes use, which is more). NULL
     * or negative: unknown. */
    int64_t (*unread)(struct wr_transport *transport);
    /* The part of these bytes that is not even sent, because the far end has no room for it. NULL
     * or negative: unknown. */
    int64_t (*unsent)(struct wr_transport *transport);
    /* The far end has gone, so earlier results of `unread` may be wrong: bytes that it had not read
     * are lost. NULL: not supported. */
    bool (*hung_up)(struct wr_transport *transport);
    /* The errno with which the connection has failed; 0: it has not failed. NULL: not supported. A
     * unix socket fails with ECONNRESET exactly when its peer closes with unread bytes. */
    int (*broken)(const struct wr_transport *transport);
    /* From now on free() resets the stream and does not end it normally, so that the peer
     * cannot take its bytes for the whole stream. Bytes that are not sent yet may be lost.
     * NULL: not supported. */
    void (*reset)(struct wr_transport *transport);
    /* The connection is lost with bytes that must be sent again: a wait for room connects and sends
     * them. NULL: a lost connection stays lost. */
    bool (*heals)(const struct wr_transport *transport);
    /* It is only read from: see wr_tcp_limit_silence. NULL: nothing to do. */
    void (*limit_silence)(struct wr_transport *transport);
    void (*free)(struct wr_transport *transport);
};

struct wr_transport {
    const struct wr_transport_ops *ops;
    struct weir_loop *loop;
    int detail;         /* errno of the last failure */
    const char *reason; /* its text, static; NULL: the text of errno or of the code */
};

/* Connect to "HOST:PORT" or "[::1]:9". Suspends; NULL: *error says EINVAL, ERESOLVE, ECONNECT,
 * ETIMEDOUT, EIO, ENOMEM or ECANCELED. limit_ms < 0: no limit; it covers resolving and all tries
 * together. All addresses of the name are tried, IPv6 and IPv4 in turn. The next try starts when
 * the previous one has failed or has not answered for 250 ms. */
struct wr_transport *wr_tcp_connect(struct weir_loop *loop, const char *peer, int64_t limit_ms,
                                    struct wr_object *of, weir_error *error);
/* The same with addresses from getaddrinfo; at least one. peer: for messages. */
struct wr_transport *wr_tcp_connect_any(struct weir_loop *loop, const struct addrinfo *all,
                                        const char *peer, int64_t limit_ms, struct wr_object *of,
                                        weir_error *error);
/* "tcp://HOST:PORT", "tcp://[::1]:9", "unix:PATH", "unix://PATH": as above. WEIR_EINVAL for
 * anything else. */
struct wr_transport *wr_connect(struct weir_loop *loop, const char *address, int64_t limit_ms,
                                struct wr_object *of, weir_error *error);
/* A descriptor: pipe, socket, terminal or file. A borrowed pipe or terminal is reopened through
 * /proc/self/fd, so that its flags stay unchanged. If that fails, it is polled and written in
 * pieces of at most PIPE_BUF; sockets use MSG_DONTWAIT; files are always ready. NULL: *error; an
 * owned descriptor is closed then. */
struct wr_transport *wr_fd_transport(struct weir_loop *loop, int fd, enum wr_fd_ownership ownership,
                                     weir_error *error);
enum wr_socket_kind { WR_SOCKET_TCP, WR_SOCKET_UNIX };
/* A socket that we own. For connectors and listeners. */
struct wr_transport *wr_socket_transport(struct weir_loop *loop, struct wr_fd *fd,
                                         enum wr_socket_kind kind);
/* Two ends of a pipe in memory. Each direction holds at most cap bytes (cap > 0). For tests and for
 * serving without a socket. 0 or WEIR_ENOMEM. */
int wr_memory_pair(struct weir_loop *loop, size_t cap, struct wr_transport *ends[2]);

/* ---- accepting */

struct wr_listener;

enum {
    WR_UNSENT_MAX = 256 * 1024, /* an accepted connection takes no more bytes while this many are
                                   unsent */
    WR_PEER_NAME = 56           /* the size of a peer's name, with its NUL */
};

/* address: "127.0.0.1:0", "[::1]:8080", "localhost:80", ":8080" (loopback); to be reachable from
 * other machines, use "0.0.0.0:80", "[::]:80" or the address of an interface. NULL: *error (EINVAL,
 * EIO with errno in detail, ENOMEM). */
struct wr_listener *wr_listen(struct weir_loop *loop, const char *address, weir_error *error);
/* Is it of this form? */
bool wr_listen_can(const char *address);
/* The same on a unix socket, whose file gets this mode. A socket's file on which nobody listens is
 * replaced; any other file is not (EIO, EADDRINUSE). The file is removed with the listener. */
struct wr_listener *wr_listen_unix(struct weir_loop *loop, const char *path, unsigned mode,
                                   weir_error *error);
/* The port that is really in use; 0: a unix socket. */
int wr_listener_port(const struct wr_listener *listener);
/* Suspends until a peer connects. NULL: canceled or failed, with *error. When there are no
 * descriptors or no memory, it waits and tries again. */
struct wr_transport *wr_accept(struct wr_listener *listener, struct wr_object *of,
                               weir_error *error);
/* Of the connection that was accepted last: "192.0.2.1:5000", "[2001:db8::1]:5000", of a unix socket
 * "pid 77 uid 1000". Valid until the next one. */
const char *wr_listener_peer(const struct wr_listener *listener);
/* Suspends until a connection can be accepted. 0, or the reason of the failure, as wr_accept. */
int wr_listener_wait(struct wr_listener *listener, struct wr_object *of);
/* No task may be in wr_accept. NULL is allowed. */
void wr_listener_free(struct wr_listener *listener);

#endif
