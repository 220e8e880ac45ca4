/*
 * loop_tls_parts.h - what the files of a TLS connection share. Internal.
 *
 * loop_tls.c           contexts: certificates, keys, trusted authorities
 * loop_tls_handshake.c one connection's start: its BIO and the handshake
 * loop_transport_tls.c the connection as a transport
 */
#ifndef WR_LOOP_TLS_PARTS_H
#define WR_LOOP_TLS_PARTS_H

#include <openssl/ssl.h>

#include "loop_tls.h"

struct wr_tls_transport {
    struct wr_transport base;
    struct wr_transport *lower;
    struct wr_tls *tls;
    SSL *ssl;
    int lower_code; /* code of a failed try below since the last call into OpenSSL began */
    bool lower_ended;
    int failure;  /* permanent; base.detail and base.reason give more */
    bool got_end; /* close_notify has come */
    int read_wants, write_wants;
    bool read_again;         /* the last read found no bytes */
    bool shutting;           /* close_notify is not completely sent yet */
    void (*gone)(void *ctx); /* watch_broken: a failure of TLS breaks the connection, too */
    void *gone_ctx;
    struct wr_deferred broken;
    struct wr_task *waiters[2]; /* tasks that wait for the lower one to be readable, writable */
    struct wr_task *turn[2];    /* tasks that wait for their turn to do so */
};

/* Before each call into OpenSSL, which is on the loop's stack. */
void wr_tls_begin(struct wr_tls_transport *self);
/* Set the failure and return its code. reason: static; NULL: the text of the code. */
int wr_tls_fail(struct wr_tls_transport *self, int code, int detail, const char *reason);
/* A call into OpenSSL has returned rc <= 0. Returns WR_AGAIN and the direction to wait for; 0 or
 * WEIR_ETRUNCATED: the peer's end; or a failure. */
int wr_tls_why_not(struct wr_tls_transport *self, int rc, int *wants);
/* Do the handshake over self->lower. Suspends. 0, or a code with *error: as wr_tls_start. */
int wr_tls_shake_hands(struct wr_tls_transport *self, const char *name, const char *peer,
                       int64_t limit_ms, struct wr_object *of, weir_error *error);

#endif
