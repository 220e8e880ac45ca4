/*
 * source_udp.h - a source of datagrams over any socket. Internal.
 */
#ifndef WR_SOURCE_UDP_H
#define WR_SOURCE_UDP_H

#include <weir/socket.h>

#include "loop_datagram.h"

/* As weir_udp_messages, but the socket is made by `open` at the first pull, and belongs to the source
 * then. open returns NULL with *error. For tests. */
typedef struct wr_datagrams *wr_udp_open(struct weir_loop *loop, const struct wr_datagram_bind *to,
                                         weir_error *error);
struct weir_gen *wr_udp_source(struct weir_scope *scope, const char *address,
                               const weir_udp_options *options, wr_udp_open *open);
/* A port that another source gets first: the datagrams are received at it, too. Both sources hold it,
 * since either may end before the other is pulled. */
struct wr_udp_port {
    size_t refs;
    char text[16]; /* ":5514"; empty: not known, and the source's own is used */
};
/* gen refers to it from now on. Before its first pull. */
void wr_udp_share_port(struct weir_gen *gen, struct wr_udp_port *port);
void wr_udp_port_unref(void *port);

#endif
