/*
 * loop_dial.h - connecting with the options of a socket: tcp, unix or TLS. Internal.
 *
 * A source, a sink or a duplex socket keeps its address and options here until it connects.
 */
#ifndef WR_LOOP_DIAL_H
#define WR_LOOP_DIAL_H

#include <weir/source.h>

#include "loop_transport.h"

struct wr_dial_tls;
struct wr_ws_dial;
struct wr_tunnel;

struct wr_dial {
    char *address;
    int64_t connect_ms;
    struct wr_dial_tls *tls;        /* for tls://; NULL: another kind of address */
    const struct wr_tunnel *tunnel; /* connect through this proxy; the user's, it must stay; not for
                                       unix; NULL: none */
    const struct wr_ws_dial *ws;    /* open a WebSocket on the connection; the user's, it must stay;
                                    NULL: none */
};

/* Copies what it needs of *options. 0; WEIR_EINVAL, WEIR_ENOMEM with *error. Call wr_dial_fini in
 * any case; it also accepts zeroed memory without init. */
int wr_dial_init(struct wr_dial *dial, const char *address, const weir_socket_options *options,
                 weir_error *error);
void wr_dial_fini(struct wr_dial *dial);
/* Connect, and do the TLS handshake if the address is tls://. Suspends. NULL: *error, as
 * wr_connect and wr_tls_start. */
struct wr_transport *wr_dial(const struct wr_dial *dial, struct weir_loop *loop,
                             struct wr_object *of, weir_error *error);

#endif
