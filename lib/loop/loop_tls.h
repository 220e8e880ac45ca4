/*
 * loop_tls.h - TLS over any transport (OpenSSL 3, TLS 1.2 and 1.3). Internal.
 *
 * A context holds what many connections share: certificates, keys, whom to trust. wr_tls_start
 * makes a transport of a transport: it shakes hands, and what is read from and written to it from
 * then on is encrypted below. It is used like any other transport, with these differences:
 *
 * - A stream that ends without TLS's own end (close_notify) was cut by somebody: read gives
 *   WEIR_ETRUNCATED, not an end. shut() sends that end; free() alone does not, so that a peer can
 *   tell a sink that has failed from one that is done.
 * - A refusal may come late: in TLS 1.3 a client learns from its first read that the server does
 *   not take its certificate. transport->reason has the words.
 * - After WR_AGAIN the next write begins with the same bytes (there may be more behind them), as the
 *   callers of all transports do; or there is none.
 */
#ifndef WR_LOOP_TLS_H
#define WR_LOOP_TLS_H

#include "loop_transport.h"

struct wr_tls;

enum wr_tls_role { WR_TLS_CLIENT = 0, WR_TLS_SERVER };

/* Names of PEM files. */
struct wr_tls_options {
    const char *ca_file; /* whom to trust. NULL: a client trusts whom the system does, or what
                              SSL_CERT_FILE and SSL_CERT_DIR name; a server asks for no certificate.
                              With it a server accepts only clients that have one. */
    const char
        *cert_file;       /* our own certificate, and those between it and its root; a server's must
                              be given. NULL: none */
    const char *key_file; /* its key, not encrypted. NULL: in cert_file, too */
    bool trust_anybody;   /* a client: whatever certificate the server has */
    const char *ca_folder; /* whom to trust besides, by hash (openssl rehash). NULL: as ca_file */
};

/* False: out of memory; free what was copied all the same. */
bool wr_tls_options_copy(struct wr_tls_options *to, const struct wr_tls_options *from);
void wr_tls_options_free(struct wr_tls_options *options);

/* A context. What has the same options in one loop is one context, as long as it is used. NULL:
 * *error (WEIR_EINVAL: a file that cannot be used; WEIR_ENOMEM). */
struct wr_tls *wr_tls_new(struct weir_loop *loop, enum wr_tls_role role,
                          const struct wr_tls_options *options, weir_error *error);
/* Its connections keep it alive. NULL is allowed. */
void wr_tls_unref(struct wr_tls *tls);

/*
 * Shake hands. Suspends. OpenSSL itself runs on the loop's stack, never on the task's.
 *
 * lower    taken, also on failure
 * name     a client: the name or the address in numbers that the server's certificate must be for;
 *          names are sent (SNI). A server: NULL
 * peer     for messages
 * Returns  NULL: *error. WEIR_ETLS: the peer or its certificate is refused, or we are; WEIR_ERESET;
 *          WEIR_ETIMEDOUT; WEIR_ENOMEM; or as wr_wait.
 */
struct wr_transport *wr_tls_start(struct wr_tls *tls, struct wr_transport *lower, const char *name,
                                  const char *peer, int64_t limit_ms, struct wr_object *of,
                                  weir_error *error);

/* ---- between the files of TLS */

struct ssl_st;

/* What is said of the error that OpenSSL has just met: static. "" when it has met none. */
const char *wr_tls_reason(void);
/* A connection of this context, without a BIO; NULL: out of memory. */
struct ssl_st *wr_tls_connection(struct wr_tls *tls);
enum wr_tls_role wr_tls_role(const struct wr_tls *tls);
void wr_tls_ref(struct wr_tls *tls);
/* Scratch of 16 KiB for whoever runs on the loop, between two suspensions. */
enum { WR_TLS_RECORD = 16 * 1024 };
char *wr_tls_scratch(struct wr_tls *tls);

#endif
