/*
 * socket.h - a connection that is written and read: a source and a sink of one socket.
 *
 * The idea. A protocol of requests and answers needs both directions of one connection. A weir_socket
 * is that connection; the makers of sources and sinks take it in place of an address:
 *
 *     weir_socket *socket = weir_socket_new(scope, "tcp://127.0.0.1:6379", NULL);
 *     const weir_socket_options both = {.struct_size = sizeof both, .socket = socket};
 *     weir_sink *requests = weir_socket_sink(scope, NULL, &both);
 *     weir_gen *answers = weir_socket_lines(scope, NULL, &both);
 *
 * The first put or pull connects. A put leaves when the program waits for the answer, without a flush.
 * The two ends may belong to one task or to two.
 *
 * The end. Each end is finished by itself, in any order. weir_sink_finish while the source is open
 * sends the peer the end of what was written (a half-close; over TLS a close_notify, which many peers
 * take for the end of both directions), and returns without waiting for the peer: the source goes on,
 * until the peer's own end. weir_finish of the source while the sink is open only reads no more: what
 * still comes is dropped, and the sink goes on. The one that ends last waits until the peer has taken
 * all that was written, as weir_socket_sink says, and tells a loss (WEIR_ELOST), the source, too. An end
 * that has failed or was discarded sends nothing; the connection is closed with the other.
 *
 * Lifetime.  A weir_socket belongs to its scope until both ends are made, then to its ends; it must not
 *            be used from then on. One of which only one end was made goes with its scope and that end.
 *            The ends may live in other scopes of the same loop.
 * Failure.   Never NULL. What is wrong with the address, the options or the connection, its ends tell.
 * Threads.   On the loop's thread (asserted).
 */
#ifndef WEIR_SOCKET_H
#define WEIR_SOCKET_H

#include <weir/gen.h>
#include <weir/scope.h>
#include <weir/sink.h>
#include <weir/source.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Make a socket, which does not connect yet. Does not suspend.
 *
 * address  "tcp://HOST:PORT", "tls://HOST:PORT", "unix:PATH" or "unix://PATH". Copied. NULL aborts.
 * options  how to connect: connect_ms and the options of TLS. Copied, with all texts. NULL: the
 *          defaults. How it is read and written (frame, stall_ms, line_bytes_max, overlong) is said to
 *          weir_socket_lines, weir_socket_bytes and weir_socket_sink, each of which is called once at
 *          most, and one of the first two; a second end of one kind, an address besides, or options
 *          of connecting fail with WEIR_EINVAL.
 */
WEIR_API weir_socket *weir_socket_new(weir_scope *scope, const char *address,
                                      const weir_socket_options *options);

#ifdef __cplusplus
}
#endif

#endif
