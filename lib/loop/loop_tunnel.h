/*
 * loop_tunnel.h - a connection through an HTTP proxy (CONNECT; RFC 9110, 9.3.6). Internal.
 */
#ifndef WR_LOOP_TUNNEL_H
#define WR_LOOP_TUNNEL_H

#include "loop_transport.h"

struct wr_tunnel {
    char *proxy; /* "HOST:PORT" */
    char *login; /* a header line, with its end; NULL: none */
};

/* Frees the texts; accepts zeroed memory. */
void wr_tunnel_fini(struct wr_tunnel *tunnel);
/* Connect to "HOST:PORT" through the proxy. Suspends. limit_ms < 0: no limit. NULL: *error, as
 * wr_tcp_connect; or WEIR_EHTTP, detail its status: the proxy refuses (408, 429 and 5xx:
 * WEIR_ECONNECT). */
struct wr_transport *wr_tunnel_connect(struct weir_loop *loop, const struct wr_tunnel *tunnel,
                                       const char *peer, int64_t limit_ms, struct wr_object *of,
                                       weir_error *error);

#endif
