/*
 * sink_udp.h - a sink of datagrams over any socket. Internal.
 */
#ifndef WR_SINK_UDP_H
#define WR_SINK_UDP_H

#include <weir/sink.h>

#include "loop_datagram.h"

/* As weir_udp_sink, but the socket is made by `connect` at the first put, and belongs to the sink
 * then: as wr_datagram_connect. For tests. */
typedef struct wr_datagrams *wr_udp_connect(struct weir_loop *loop, const char *peer,
                                            int64_t limit_ms, struct wr_object *of,
                                            weir_error *error);
struct weir_sink *wr_udp_sink(struct weir_scope *scope, const char *address, int64_t connect_ms,
                              wr_udp_connect *connect);

#endif
