/*
 * loop_transport.h - bytes in and out: tcp, unix, pipe, file, memory. Internal.
 *
 * A transport is a handful of non-blocking tries and one wait. Sources read straight into their
 * block, sinks write straight from theirs; nothing is read that nobody asked for, and nothing is
 * queued inside: backpressure is not calling read. Tests put scripted peers and memory pairs behind
 * the same functions.
 *
 * A try that gives WR_AGAIN is followed by wait() in the same direction, in a loop: a wait may end
 * before a try succeeds.
 *
 *     while ((n = transport->ops->read(transport, to, cap)) == WR_AGAIN) {
 *         rc = transport->ops->wait(transport, WR_READABLE, -1, "bytes", of);
 *         ...
 *     }
 *
 * One task reads and one writes at a time; they may be two. free() is for when neither waits.
 */
#ifndef WR_LOOP_TRANSPORT_H
#define WR_LOOP_TRANSPORT_H

#include <sys/uio.h>

#include "loop_fd.h"

enum { WR_AGAIN = -2000 }; /* not now: wait(), then try again */

struct addrinfo;
struct wr_transport;

struct wr_transport_ops {
    const char *kind; /* "tcp", "unix", "socket", "pipe", "terminal", "file", "memory" */
    /* Bytes read; 0 at the end of the stream; WR_AGAIN; or a negative WEIR_E code (WEIR_ERESET,
     * WEIR_EIO) with errno in transport->detail. cap is above 0. */
    int64_t (*read)(struct wr_transport *transport, void *to, size_t cap);
    /* Bytes taken (may be fewer than given); WR_AGAIN; or negative: WEIR_ECLOSED when the far end
     * has gone (EPIPE, ECONNRESET), else WEIR_EIO. Never raises SIGPIPE where the system lets us
     * say so: sockets and memory, not pipes. */
    int64_t (*write)(struct wr_transport *transport, const struct iovec *iov, int count);
    /* As wr_fd_wait. A file is always ready. */
    int (*wait)(struct wr_transport *transport, int events, int64_t limit_ms, const char *why,
                struct wr_object *of);
    /* No more writes: the peer reads an end. A pipe or file ends when it is freed. */
    void (*shut)(struct wr_transport *transport);
    /* As wr_fd_watch_hangup: the far end has gone or, but for a borrowed descriptor, will send no
     * more. Never called for a file. */
    void (*watch_hangup)(struct wr_transport *transport, void (*gone)(void *ctx), void *ctx);
    /* As wr_fd_watch_broken. NULL: cannot. */
    void (*watch_broken)(struct wr_transport *transport, void (*gone)(void *ctx), void *ctx);
    /* As wr_fd_watch_input. NULL: cannot. */
    void (*watch_input)(struct wr_transport *transport, void (*came)(void *ctx), void *ctx);
    /* Bytes written that the far end has not taken yet: what its kernel has not acknowledged (tcp),
     * what it has not read (memory, pipe; unix: the memory that this takes, which is more). NULL or
     * negative: unknown. */
    int64_t (*unread)(struct wr_transport *transport);
    /* Those of them that have not even been sent, because the far end has no room for them. NULL or
     * negative: unknown. */
    int64_t (*unsent)(struct wr_transport *transport);
    /* The far end has gone, so that what `unread` has said before may be wrong: what it had not read
     * is thrown away with it. NULL: cannot. */
    bool (*hung_up)(struct wr_transport *transport);
    /* The errno that the connection has broken with; 0: it has not. NULL: cannot. */
    int (*broken)(const struct wr_transport *transport);
    /* From now on free() does not end the stream but resets it, so that the peer cannot take what
     * it has for the whole; what is not sent yet may be lost. NULL: cannot. */
    void (*reset)(struct wr_transport *transport);
    /* It is only read: see wr_tcp_limit_silence. NULL: nothing to do. */
    void (*limit_silence)(struct wr_transport *transport);
    void (*free)(struct wr_transport *transport);
};

struct wr_transport {
    const struct wr_transport_ops *ops;
    struct weir_loop *loop;
    int detail;         /* errno of the last failure */
    const char *reason; /* its words, static; NULL: errno's, or the code's */
};

/* Connect. Suspends; NULL: *error says ERESOLVE, ECONNECT, ETIMEDOUT, ENOMEM or ECANCELED. limit_ms
 * < 0: none; it holds for resolving and all tries together. Every address of the name is tried, IPv6
 * and IPv4 in turn: the next when the one before has failed or has not answered for 250 ms. */
struct wr_transport *wr_tcp_connect(struct weir_loop *loop, const char *host, const char *port,
                                    int64_t limit_ms, struct wr_object *of, weir_error *error);
/* The same with the addresses that getaddrinfo has given; at least one. peer: for messages. */
struct wr_transport *wr_tcp_connect_any(struct weir_loop *loop, const struct addrinfo *all,
                                        const char *peer, int64_t limit_ms, struct wr_object *of,
                                        weir_error *error);
struct wr_transport *wr_unix_connect(struct weir_loop *loop, const char *path, int64_t limit_ms,
                                     struct wr_object *of, weir_error *error);
/* "tcp://HOST:PORT", "tcp://[::1]:9", "unix:PATH", "unix://PATH": split and connect. WEIR_EINVAL
 * for anything else. */
struct wr_transport *wr_connect(struct weir_loop *loop, const char *address, int64_t limit_ms,
                                struct wr_object *of, weir_error *error);
/* A descriptor: pipe, socket, terminal or file. A borrowed pipe or terminal is reopened through
 * /proc/self/fd so that its flags stay as they are; where that fails, it is polled and written in
 * pieces of at most PIPE_BUF; sockets use MSG_DONTWAIT; files are always ready. NULL: *error; an
 * owned descriptor is closed then. */
struct wr_transport *wr_fd_transport(struct weir_loop *loop, int fd, enum wr_fd_ownership ownership,
                                     weir_error *error);
/* A socket that is ours, under a name of its own: `kind` is static. For connectors and listeners.
 */
struct wr_transport *wr_socket_transport(struct weir_loop *loop, struct wr_fd *fd,
                                         const char *kind);
/* Two ends of a pipe in memory, each direction bounded by cap bytes (cap > 0). For tests and for
 * serving without a socket. 0 or WEIR_ENOMEM. */
int wr_memory_pair(struct weir_loop *loop, size_t cap, struct wr_transport *ends[2]);

/* ---- accepting */

struct wr_listener;

enum {
    WR_UNSENT_MAX = 256 * 1024
}; /* an accepted connection takes no more while so much is unsent */

/* address: "127.0.0.1:0", "[::1]:8080", "localhost:80", ":8080" (loopback); to be reached from
 * elsewhere is asked for by "0.0.0.0:80", "[::]:80" or the number of an interface. NULL: *error
 * (EINVAL, EIO with errno in detail, ENOMEM). */
struct wr_listener *wr_listen(struct weir_loop *loop, const char *address, weir_error *error);
/* The port that was really taken. */
int wr_listener_port(const struct wr_listener *listener);
/* Suspends until somebody connects; NULL: canceled or failed: *error. Out of descriptors
 * or memory it waits and tries again. */
struct wr_transport *wr_accept(struct wr_listener *listener, struct wr_object *of,
                               weir_error *error);
/* Suspends until somebody has connected who can be accepted; 0, or why not, as wr_accept. */
int wr_listener_wait(struct wr_listener *listener, struct wr_object *of);
/* Nobody may be in wr_accept. NULL is allowed. */
void wr_listener_free(struct wr_listener *listener);

#endif
