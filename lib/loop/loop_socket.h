/*
 * loop_socket.h - one connection: who makes it, who reads what comes, and how it ends. Internal.
 *
 * Unread input makes close(2) reset a connection, and the kernel then throws away what its peer has
 * not read yet. So what nobody reads is read and dropped, and a connection that something was written
 * to is not closed before its peer has had the chance to take it.
 */
#ifndef WR_LOOP_SOCKET_H
#define WR_LOOP_SOCKET_H

#include "loop_transport.h"

struct wr_socket {
    struct weir_loop *loop;
    struct wr_transport *transport; /* NULL: not connected */
    struct wr_object *of;           /* what waits at its end for the peer */
    bool drops;                     /* what comes is read and dropped */
    bool input_over;                /* the peer's end has come, or the reset */
    int broken;                     /* errno of the reset; 0: none */
    bool refused;                   /* the peer has said by TLS that it does not want us */
    bool shut;                      /* the peer was sent the end */
    bool answered;                  /* ... and has sent its own behind it */
};

/* What comes is read and dropped from now on: nobody else reads. */
void wr_socket_drop_input(struct wr_socket *socket);
/* Send the end, and wait until the peer has taken all of the `written` bytes: its own end comes
 * behind ours, or a second passes without a reset after it has taken the last one. drain_ms: how long
 * it may take nothing; < 0: for ever. Suspends. 0; or WEIR_ELOST with *error, also when the wait was
 * canceled; WEIR_ETLS: the peer has refused us. */
int wr_socket_finish(struct wr_socket *socket, uint64_t written, int64_t drain_ms,
                     weir_error *error);
/* Bytes that its peer has not taken. */
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
