/*
 * sink_socket.h - a sink on a connection: shared by the socket and the WebSocket sinks. Internal.
 */
#ifndef WR_SINK_SOCKET_H
#define WR_SINK_SOCKET_H

#include "loop_duplex.h"
#include "sink_stream.h"

struct wr_socket_sink {
    struct wr_stream_sink stream;
    struct weir_socket *socket; /* NULL: refused, or ended */
};

/* Set up a sink that wr_stream_sink_alloc has made: its end of the connection. NULL address: that of
 * options->socket. A mistake is the sink's failure. */
void wr_socket_sink_init(struct wr_socket_sink *self, const char *address,
                         const weir_socket_options *options);
/* For wr_sink_ops. */
void wr_socket_sink_drain(struct weir_sink *sink);
void wr_socket_sink_close(struct weir_sink *sink, const weir_error *failure);
size_t wr_socket_sink_why(const struct weir_sink *sink, char *text, size_t cap);

#endif
