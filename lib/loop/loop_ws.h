/*
 * loop_ws.h - a connection whose records are sent as messages of a WebSocket (RFC 6455). Internal.
 *
 * It is a transport around a tcp or TLS transport. What is written to it are records with a length of
 * four bytes (WEIR_FRAME_LEN32); each one becomes a message. Nothing is read from it but its end.
 *
 * `unread` is exact, and means more than for tcp: a record counts as read when the server has answered
 * a ping that was sent after it, and a WebSocket answers a ping only after it has read what came
 * before. At most one ping is without an answer, so this costs one small frame per round trip.
 */
#ifndef WR_LOOP_WS_H
#define WR_LOOP_WS_H

#include "loop_transport.h"

/* What the handshake says; the texts must stay. */
struct wr_ws_dial {
    const char *host;   /* with the port, unless it is the scheme's */
    const char *target; /* path and query */
    const char *protocols;
    const char *login; /* a header line; NULL: none */
    char *const *headers;
    size_t headers_count;
    bool binary;
    int64_t ping_ms; /* silence after which a ping is sent; negative: none */
};

/* Open a WebSocket on a connection, which it takes. Suspends. limit_ms: for the handshake; negative:
 * no limit. NULL: *error; WEIR_EHTTP is final: the server does not want it. */
struct wr_transport *wr_ws_start(WEIR_TAKES struct wr_transport *inner,
                                 const struct wr_ws_dial *dial, int64_t limit_ms,
                                 struct wr_object *of, weir_error *error);

/* The same after the handshake; `data` is what came behind the answer. NULL: out of memory. */
struct wr_transport *wr_ws_transport(struct wr_transport *inner, const struct wr_ws_dial *dial,
                                     const char *data, size_t len);
/* Fill `to` with random bytes. False: the system gives none. */
bool wr_ws_random(void *to, size_t len);

#endif
