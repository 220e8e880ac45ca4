/*
 * socket.h - a connection that is written and read: a source and a sink of one socket.
 *
 * The idea. A protocol of requests and answers needs both directions of one connection. A
 * weir_socket is that connection. The functions that make sources and sinks accept it in place of
 * an address:
 *
 *     weir_socket *socket = weir_socket_new(scope, "tcp://127.0.0.1:6379", NULL);
 *     const weir_socket_options both = {.struct_size = sizeof both, .socket = socket};
 *     weir_sink *requests = weir_socket_sink(scope, NULL, &both);
 *     weir_gen *answers = weir_socket_lines(scope, NULL, &both);
 *
 * The first put or pull connects. What was put is sent when the program waits for the answer; no
 * flush is needed. The two ends may belong to one task or to two.
 *
 * The end. Each end is finished separately, in any order. weir_sink_finish while the source is open
 * tells the peer that no more will be written (a half-close; over TLS a close_notify, which many
 * peers treat as the end of both directions). It returns without waiting for the peer, and the
 * source continues until the peer's own end. weir_finish of the source while the sink is open only
 * stops reading: data that still comes is dropped, and the sink continues. The end that is finished
 * last waits until the peer has taken all that was written, as weir_socket_sink describes, and
 * reports a loss (WEIR_ELOST), also when it is the source. An end that has failed or was discarded
 * sends nothing; the connection is closed with the other end.
 *
 * Lifetime.  A weir_socket belongs to its scope until both ends are made, then to its ends. It must
 *            not be used after that. If only one end was made, it is freed with its scope and that
 *            end. The ends may be in other scopes of the same loop.
 *            A source that listens is as all sources.
 * Failure.   Never NULL. Errors in the address, the options or the connection are reported by its
 *            ends.
 * Threads.   The loop's thread (asserted).
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
 * Make a socket. It does not connect yet. Does not suspend.
 *
 * address  "tcp://HOST:PORT", "tls://HOST:PORT", "unix:PATH" or "unix://PATH". Copied. NULL aborts.
 * options  how to connect: connect_ms and the options of TLS. Copied, with all texts. NULL: the
 *          defaults. The options for reading and writing (frame, stall_ms, line_bytes_max,
 *          overlong) are given to weir_socket_lines, weir_socket_bytes and weir_socket_sink. Each
 *          socket has at most one source (lines or bytes) and one sink. A second source or sink
 *          fails with WEIR_EINVAL; so do an address, or options to connect, that are given together
 *          with the socket.
 */
WEIR_API weir_socket *weir_socket_new(weir_scope *scope, const char *address,
                                      const weir_socket_options *options);

/* ---- datagrams */

typedef struct weir_udp_options {
    size_t struct_size;
    const char *group;     /* a multicast address to join, "239.1.2.3" or "ff02::123"; the datagrams
                              that are sent to it are received. default: none */
    const char *interface; /* the name of an interface, "eth0": only what comes there is received,
                              and a group is joined there. default: any; for a group the one that the
                              routes say */
    int64_t buffer_bytes;  /* of the kernel's buffer for the socket; default 4 MiB. The kernel's
                              limit is net.core.rmem_max; when it gives less, that is logged */
    int64_t datagram_bytes_max; /* default and maximum: 65,535, and half of the loop's budget */
    int32_t overlong;           /* WEIR_LONG_SKIP (default), WEIR_LONG_CUT, WEIR_LONG_FAILS */
    int32_t reserved;
    int64_t connect_ms; /* sink: for the lookup of the name; default 10 s; WEIR_NONE: no limit. The
                           sink does not use the options before it */
    const char *source; /* with group: receive only what this address sends to it, "192.0.2.7"
                           (source-specific multicast, as in 232.0.0.0/8 and ff3x::). default: any */
} weir_udp_options;

/*
 * Receive datagrams (UDP). Each one is an event (weir_event_of) whose body is the datagram, which may
 * be empty, with the fields `peer` ("192.0.2.7:514", "[2001:db8::7]:514") and `host` (the same
 * without the port), for its sender. The first pull binds the socket.
 *
 * The sender is not slowed down. While the reader is slow, datagrams stay in the kernel's buffer;
 * when it is full, the kernel drops further ones and counts them. These are in the ledger as dropped,
 * get numbers (seq) of their own, and are logged. What the network loses is not known here.
 *
 * There is no end; after a gentle stop of its scope, what is in the kernel's buffer at that moment is
 * still given. Datagrams cannot be requested again: with a state the pipeline is best-effort.
 *
 * address  "udp://HOST:PORT", with the address of an interface as the host, as 192.0.2.1 or [::1].
 *          ":PORT" and "localhost:PORT" are 127.0.0.1; 0.0.0.0 and [::] are all interfaces, so that
 *          other machines reach it. Port 0: one that is free, which is logged (info). With a group
 *          and no host, only what is sent to the group is received, and other processes may receive
 *          it, too. Copied.
 * options  NULL: the defaults. Copied, with all texts.
 * Fails    WEIR_EINVAL: the address, the group, the interface or another option. WEIR_EIO, detail
 *          errno: the socket cannot be made or bound (EADDRINUSE, EACCES), or receiving has failed.
 *          WEIR_ETOOLONG: a datagram, with WEIR_LONG_FAILS. WEIR_EBUDGET, WEIR_ENOMEM.
 */
WEIR_API weir_gen *weir_udp_messages(weir_scope *scope, const char *address,
                                     const weir_udp_options *options);
/*
 * Send datagrams (UDP): the text of each item is one, without a line end, of a batch the text of each
 * part. The first put looks up the name, and waits for that.
 *
 * A put waits while the socket has no room, so a sender is not faster than its network interface. A
 * receiver that is too slow is not noticed, nor is a datagram that is lost on the way: an item counts
 * as delivered when the kernel has taken it. If the receiver's machine reports that nobody listens,
 * that is logged and counted, and sending goes on. A datagram of more than 65,507 bytes (65,527 with
 * IPv6), or for which there is no route, is rejected.
 *
 * address  "udp://HOST:PORT". Copied.
 * options  NULL: the defaults. Copied.
 * Fails    WEIR_EINVAL: the address. WEIR_ERESOLVE, WEIR_ETIMEDOUT: the name. WEIR_ECONNECT, detail
 *          errno: no address of it has a route. WEIR_EIO, detail errno. WEIR_ENOMEM.
 */
WEIR_API weir_sink *weir_udp_sink(weir_scope *scope, const char *address,
                                  const weir_udp_options *options);

/* For weir_ws_sink. Texts are copied. */
typedef struct weir_ws_sink_options {
    size_t struct_size;
    const char *protocols;      /* subprotocols to offer, "a, b"; default: none */
    const char *const *headers; /* "Name: value", of the handshake */
    size_t headers_count;
    const char *user;   /* "name:password", for Basic (RFC 7617); used instead of the URL's own */
    int32_t binary;     /* 1: binary messages; default: text */
    int32_t retries;    /* as in weir_socket_options: attempts in a row to connect again when the
                           connection is lost. default 0: none; WEIR_NONE: no limit */
    int64_t connect_ms; /* with the handshake; default 10 s; WEIR_NONE: no limit */
    int64_t ping_ms; /* how often an idle connection gets a ping; default 30 s; WEIR_NONE: never */
    int32_t tls;     /* for wss://: WEIR_TLS_VERIFY (default) or WEIR_TLS_TRUST_ANYBODY */
    int32_t reserved;
    const char *ca_file, *ca_folder;  /* ... as in weir_socket_options */
    const char *cert_file, *key_file; /* ... */
} weir_ws_sink_options;

/*
 * Send each item as a message of a WebSocket (RFC 6455), as client; of a batch each part. Without
 * compression, and without a proxy.
 *
 * A text that is not UTF-8 is rejected, and so is a message of more than 524,284 bytes. A put waits
 * while the server reads nothing. Messages of the server are dropped, and its pings answered.
 *
 * With a state the pipeline is at-least-once: an item counts as delivered when the server has answered
 * a ping that was sent after it, since it answers only after it has read what came before. What its
 * program does with it is its own.
 *
 * A lost connection, and one that the server closes with 1000, 1001, 1011 to 1014 or without a code,
 * is made again as weir_socket_sink does with `retries`, and what was not answered is sent again from
 * the start of a message: messages may come twice. Other close codes, a server that breaks the
 * protocol, and an answer that refuses the WebSocket (but for 408, 425, 429 and 5xx) are final. At the
 * end the sink waits, at most the drain_ms of the scope without progress, until all is read; then it
 * closes with 1000 and gives the server a second to close, too.
 *
 * url      ws:// or wss://. Copied.
 * options  NULL: the defaults. Copied, with all texts.
 * Fails    WEIR_EINVAL: the URL or an option. WEIR_ERESOLVE, WEIR_ECONNECT, WEIR_ETIMEDOUT, WEIR_ETLS:
 *          no connection. WEIR_EHTTP: refused, or closed for good. WEIR_ELOST: the connection is lost
 *          with messages that were not read, and no attempts are left. WEIR_ENOMEM.
 */
WEIR_API weir_sink *weir_ws_sink(weir_scope *scope, const char *url,
                                 const weir_ws_sink_options *options);

/* ---- listening */

/* For sources that listen. */
typedef struct weir_listen_options {
    size_t struct_size;
    int64_t
        peers_max;   /* connections at once; others wait until one leaves; default 1024; WEIR_NONE:
                          no limit */
    int64_t idle_ms; /* a peer that sends nothing for so long, while the source is pulled, is
                          closed; default: never */
    int64_t handshake_ms;   /* of TLS; default 10 s; WEIR_NONE: no limit */
    int64_t line_bytes_max; /* as in weir_lines_options */
    int32_t overlong;       /* as in weir_lines_options; WEIR_LONG_PARTS is as WEIR_LONG_SKIP, since
                               the lines of others would come between the pieces. With
                               WEIR_LONG_FAILS whatever a peer sends that the framer refuses fails
                               the source; else it ends that connection */
    int32_t mode;           /* of the file of a unix socket; default 0600 */
    /* For tls:// (TLS 1.2 and 1.3), with others WEIR_EINVAL. PEM files, read by the first pull. */
    const char *cert_file;      /* the certificate and the intermediate ones; required */
    const char *key_file;       /* its key, without a password; default: it is in cert_file */
    const char *client_ca_file; /* accept only clients with a certificate of these authorities;
                                   default: all */
    /* Called once, when it listens, with the address: "127.0.0.1:40123", or the path. Runs on the
     * pulling task, and must not suspend. NULL: not called. It is logged (info), too. */
    void (*listening)(void *ctx, const char *address);
    void *ctx;
} weir_listen_options;
/*
 * Listen, and read the lines of all who connect, without end. The first pull listens.
 *
 * The lines of one peer come in their order. Peers take turns: each gives about one block (128 KiB)
 * at most, so a peer that sends without pause does not keep others waiting. A socket is read only
 * when the source is pulled, so a slow reader slows all peers down. A peer that leaves without a line
 * end gives its last line with WEIR_ITEM_NO_EOL. weir_item_peer says who has sent an item, and items
 * of different peers have different origins.
 *
 * A reset, a failed TLS handshake, an end without TLS's close_notify, and a framer that cannot read a
 * peer's bytes (which counts as rejected) end this connection only. They are logged: the first ones,
 * then each 10th, 100th ... With peers_max connections no more are accepted: others wait in the
 * kernel's backlog, and a peer in a TLS handshake makes place for them after a second. Without
 * descriptors (EMFILE) accepting waits, too. If unfinished lines use up the loop's byte budget, the
 * peer with the longest one is closed, and that line counts as rejected.
 *
 * A gentle stop (weir_scope_stop) ends accepting and reading; what was received is given. Nothing can
 * be requested again, so a pipeline behind it is best-effort.
 *
 * address  "tcp://HOST:PORT", "tls://HOST:PORT", "unix:PATH" or "unix://PATH". HOST is an address of
 *          this machine, localhost, or missing: then only this machine can connect. "0.0.0.0" and
 *          "[::]" are all addresses. Port 0: a free one. A PATH on which nobody listens any more is
 *          replaced; the file is removed at the end. Copied. NULL aborts.
 * options  NULL: the defaults. Copied, with all texts.
 * Fails    WEIR_EINVAL: the address, the options, or a TLS file. WEIR_EIO, detail errno: it cannot
 *          listen (EADDRINUSE, EACCES ...). WEIR_ETOOLONG, WEIR_EPARSE, WEIR_ETRUNCATED: with
 *          WEIR_LONG_FAILS. WEIR_EBUDGET. WEIR_ENOMEM.
 */
WEIR_API weir_gen *weir_listen_lines(weir_scope *scope, const char *address,
                                     const weir_listen_options *options);
/* The same for a framer: weir_framed directly after it cuts each peer's bytes. Without one it needs
 * peers_max = 1, since the bytes of several peers would be mixed (WEIR_EINVAL). */
WEIR_API weir_gen *weir_listen_bytes(weir_scope *scope, const char *address,
                                     const weir_listen_options *options);

#ifdef __cplusplus
}
#endif

#endif
