/*
 * source_listen.h - between the files of weir_listen_lines. Internal.
 *
 * source_listen.c        the generator: whose turn it is, making and ending
 * source_listen_peer.c   one peer: its bytes, its items, its end
 * source_listen_accept.c the task that accepts, and the TLS handshakes
 * source_listen_open.c   the components
 */
#ifndef WR_SOURCE_LISTEN_H
#define WR_SOURCE_LISTEN_H

#include <weir/socket.h>

#include "flow_gen.h"
#include "flow_inbox.h"
#include "loop_tls.h"

/* What happens to peers again and again: the first times are logged, then only some. */
enum wr_listen_event {
    WR_LISTEN_LOST = 0, /* a connection has failed */
    WR_LISTEN_BROKEN,   /* the framer cannot read its bytes */
    WR_LISTEN_OVERLONG, /* an item over the limit was skipped or cut */
    WR_LISTEN_SILENT,   /* nothing came for idle_ms */
    WR_LISTEN_SHAKE,    /* a TLS handshake has failed */
    WR_LISTEN_FULL,     /* there is no place for another peer */
    WR_LISTEN_HOARD,    /* its unfinished item has used up the budget */
    WR_LISTEN_EVENTS
};

struct wr_listen;

struct wr_listen_peer {
    struct wr_list link; /* in `ready`, `idle` or `shaking` */
    struct wr_listen *listen;
    struct wr_transport *transport; /* NULL: its handshake has failed */
    struct wr_inbox inbox;
    struct wr_origin *origin; /* of its items; NULL before its first byte */
    struct wr_task *task;     /* of its handshake */
    weir_error failure;       /* of its framer; code 0: none */
    int64_t since_ns;         /* in `idle` and `shaking`: when it came there */
    uint64_t overlong;        /* items, reported */
    bool has_read;            /* in its current turn */
    bool drained;             /* ... and then there was nothing more to read */
    char name[WR_PEER_NAME];
};

struct wr_listen {
    struct weir_gen gen;
    weir_framing framing;
    char *address;
    struct wr_tls_options tls_options;
    bool encrypted;
    unsigned mode; /* of a unix socket's file */
    size_t peers_max;
    int64_t idle_ms, handshake_ms; /* < 0: no limit */
    void (*listening)(void *ctx, const char *address);
    void *ctx;
    void (*drop)(void *ctx); /* when it is freed; NULL: ctx is not its own */
    bool opened, ending;
    struct wr_listener *listener; /* NULL: not listening */
    struct wr_tls *tls;
    struct wr_object accepting;  /* what the tasks below wait for */
    weir_error failure;          /* of accepting; code 0: none */
    size_t tasks;                /* that accept, or are in a handshake */
    bool full;                   /* accepting waits for a place */
    bool look;                   /* a peer has come to `idle`, and idle_ms counts for it */
    size_t peers;                /* in all three lists */
    struct wr_list ready;        /* have bytes; the first one has its turn */
    struct wr_list idle;         /* are watched; who was silent longest comes first */
    struct wr_list shaking;      /* in the TLS handshake, the oldest first */
    struct wr_listen_peer *lent; /* whose items are lent; NULL: none */
    size_t left;                 /* origins of peers that have left, not freed yet */
    uint64_t unfinished, unfinished_bytes; /* items that were not given, at a stop */
    uint64_t events[WR_LISTEN_EVENTS];
};

/* Log an event, if it is one of the first or a round number of them. */
void wr_listen_report(struct wr_listen *listen, enum wr_listen_event event, const char *format, ...)
    WEIR_PRINTF(3, 4);

/* The ctx of its options belongs to it: `drop` is called once, also when it could not be made. */
void wr_listen_own_ctx(struct weir_gen *gen, void *ctx, void (*drop)(void *ctx));

/* ---- source_listen_peer.c */

/* A peer that has connected. The transport is taken. NULL: no memory. */
struct wr_listen_peer *wr_listen_peer_new(struct wr_listen *listen, struct wr_transport *transport,
                                          const char *name);
/* It has nothing to read: wait for it, until its turn comes again. */
void wr_listen_peer_rest(struct wr_listen_peer *peer);
/* Up to max items of the first peer in `ready`. 0: its turn is over, it has left, or gen has failed.
 * After a stop it gives what has been received, and then the peer leaves. Suspends when the budget is
 * used up. */
size_t wr_listen_peer_take(struct wr_listen_peer *peer, weir_item *items, size_t max);
void wr_listen_peer_free(struct wr_listen_peer *peer);

/* ---- source_listen_accept.c */

/* Listen, and start to accept. 0 or the code of the failure, which gen has then. */
int wr_listen_begin(struct wr_listen *listen);
/* Accept no more, and wait until the tasks have ended. Suspends. */
void wr_listen_end(struct wr_listen *listen);

/* For tests: a source without an address, whose peers are added by hand. */
weir_gen *wr_listen_without_address(weir_scope *scope, const weir_listen_options *options,
                                    int32_t frame);
bool wr_listen_join(weir_gen *gen, struct wr_transport *transport, const char *name);

#endif
