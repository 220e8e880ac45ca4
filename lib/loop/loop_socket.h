/*
 * loop_socket.h - one connection: what reads its input, and how it ends. Internal.
 *
 * If there is unread input, close(2) resets the connection, and the peer's kernel then discards
 * what the peer has not read yet. So input that no task reads is read and dropped here. A
 * connection that was written to is not closed before the peer has had time to take the bytes.
 */
#ifndef WR_LOOP_SOCKET_H
#define WR_LOOP_SOCKET_H

#include "loop_transport.h"

struct wr_socket {
    struct weir_loop *loop;
    struct wr_transport *transport; /* NULL: not connected */
    struct wr_object *of;           /* the object that waits for the peer at the end */
    bool drops;                     /* input is read and dropped */
    bool input_over;                /* the peer's end or a reset has come */
    int broken;                     /* errno of the reset; 0: none */
    bool refused;                   /* the peer has refused us with a TLS alert */
    bool shut;                      /* our end was sent to the peer */
    bool answered;                  /* ... and the peer has sent its own end after it */
};

/* Read and drop all input from now on. No other code may read. */
void wr_socket_drop_input(struct wr_socket *socket);
/* Send the end, and wait until the peer has taken all of the `written` bytes. That is so when its
 * own end comes after ours, or when one second passes without a reset after it has taken the last
 * byte. drain_ms: how long it may take no byte at all; < 0: no limit. Suspends. Returns 0;
 * WEIR_ELOST with *error, also when the wait was canceled; WEIR_ETLS: the peer has refused us. */
int wr_socket_finish(struct wr_socket *socket, uint64_t written, int64_t drain_ms,
                     weir_error *error);
/* Bytes that the peer has not taken yet. */
static inline int64_t wr_socket_left(const struct wr_socket *socket)
{
    return WR_MAX(socket->transport->ops->unread(socket->transport), 0);
}
/* Close it. Harmless when it is not connected. */
void wr_socket_close(struct wr_socket *socket);

/* The peer has not taken `unread` of the bytes written, because of `what`: WEIR_ELOST. */
#define WR_SOCKET_RESET "the peer has reset the connection"
int wr_socket_lost(const struct wr_transport *transport, int64_t unread, uint64_t written,
                   int broken, weir_error *error, const char *what);

#endif
