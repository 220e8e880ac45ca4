/*
 * loop_datagram.h - datagrams in and out: UDP sockets, and a scripted one for tests. Internal.
 *
 * It works as loop_transport.h does: non-blocking tries of many datagrams at once, and one wait.
 * Nothing is read before a task asks for it: while nobody receives, the kernel keeps datagrams in
 * the socket's buffer, and drops those that do not fit. It counts them: `dropped`.
 *
 *     while ((n = socket->ops->receive(socket, messages, count)) == WR_AGAIN) {
 *         rc = socket->ops->wait(socket, WR_READABLE, -1, "a datagram", of);
 *         ...
 *     }
 *
 * At most one task receives and one task sends at a time. Call free() only when no task waits.
 */
#ifndef WR_LOOP_DATAGRAM_H
#define WR_LOOP_DATAGRAM_H

#include "loop_peer.h"
#include "loop_transport.h"

struct mmsghdr;
struct wr_datagrams;

struct wr_datagrams_ops {
    const char *kind; /* "udp", "memory" */
    /* As recvmmsg(2) with MSG_TRUNC: the number of datagrams that came; msg_len is the real length
     * of each, also if it was longer than its room (MSG_TRUNC in msg_flags). WR_AGAIN; or a negative
     * code with errno in socket->detail. */
    int (*receive)(struct wr_datagrams *socket, struct mmsghdr *messages, unsigned count);
    /* As sendmmsg(2): the number of datagrams that were sent, at least 1; WR_AGAIN; or a negative
     * code, for the first datagram. detail is ECONNREFUSED when the peer's machine has refused an
     * earlier one: none was sent, and the next try may succeed. */
    int (*send)(struct wr_datagrams *socket, struct mmsghdr *messages, unsigned count);
    /* As wr_fd_wait. */
    int (*wait)(struct wr_datagrams *socket, int events, int64_t limit_ms, const char *why,
                struct wr_object *of);
    /* How many datagrams the kernel has dropped because the socket's buffer was full. It counts to
     * UINT32_MAX and begins again. */
    uint32_t (*dropped)(struct wr_datagrams *socket);
    /* At most so many datagrams are in the socket's buffer now. */
    size_t (*waiting)(struct wr_datagrams *socket);
    void (*free)(struct wr_datagrams *socket);
};

struct wr_datagrams {
    const struct wr_datagrams_ops *ops;
    struct weir_loop *loop;
    int detail;          /* errno of the last failure */
    size_t buffer_bytes; /* of the socket's buffer, as the kernel has set it */
    union wr_peer local;
};

struct wr_datagram_bind {
    const char *address;   /* as wr_peer_read; with a group and no host: the group's */
    const char *group;     /* a multicast address to join, without a port; NULL: none */
    const char *interface; /* receive only here, and join the group here; NULL: any */
    const char *source;    /* who sends to the group, an address without a port; NULL: anybody */
    size_t buffer_bytes;   /* to ask the kernel for */
};

/* Receive at an address. Does not suspend. NULL: *error (EINVAL, EIO with errno in detail,
 * ENOMEM). */
struct wr_datagrams *wr_datagram_bind(struct weir_loop *loop, const struct wr_datagram_bind *to,
                                      weir_error *error);

/* Send to "HOST:PORT": resolve the name, and connect to its first address that has a route. Suspends.
 * limit_ms < 0: no limit. NULL: *error (EINVAL, ERESOLVE, ECONNECT, EIO with errno in detail,
 * ETIMEDOUT, ENOMEM, ECANCELED). */
struct wr_datagrams *wr_datagram_connect(struct weir_loop *loop, const char *peer, int64_t limit_ms,
                                         struct wr_object *of, weir_error *error);

/* ---- for tests */

/* A socket without a descriptor. Its buffer holds `cap` datagrams. NULL: no memory. */
struct wr_datagrams *wr_datagram_memory(struct weir_loop *loop, size_t cap);
/* A datagram comes from this address. False: it was dropped, the buffer is full. */
bool wr_datagram_memory_came(struct wr_datagrams *socket, const char *from, const void *data,
                             size_t len);
/* What is sent is written to `to`, each datagram with a '|' behind it; terminated. */
void wr_datagram_memory_record(struct wr_datagrams *socket, char *to, size_t cap);
/* The next try to send fails with this errno; after it those of further calls, at most 8. */
void wr_datagram_memory_fails(struct wr_datagrams *socket, int number);

#endif
