/*
 * loop_tls.h - TLS over any transport (OpenSSL 3, TLS 1.2 and 1.3). Internal.
 *
 * A context holds what many connections share: certificates, keys and the trusted authorities.
 * wr_tls_start makes a TLS transport on top of another transport. It does the handshake; after that
 * the bytes that go through the lower transport are encrypted. The TLS transport is used like any
 * other one, with these differences:
 *
 * - A stream that ends without the end of TLS (close_notify) was cut on the way: read returns
 *   WEIR_ETRUNCATED, not an end. shut() sends close_notify; free() alone does not, so that a peer
 *   can tell a failed sink from one that is done.
 * - A refusal may come late: in TLS 1.3 a client learns only from its first read that the server
 *   does not accept its certificate. transport->reason has the text.
 * - After WR_AGAIN the next write must begin with the same bytes (more may follow them), or there
 *   is no next write. All users of transports do this.
 */
#ifndef WR_LOOP_TLS_H
#define WR_LOOP_TLS_H

#include "loop_transport.h"

struct wr_tls;

enum wr_tls_role { WR_TLS_CLIENT = 0, WR_TLS_SERVER };

/* Names of PEM files. */
struct wr_tls_options {
    const char *ca_file; /* trusted certificates. NULL: a client trusts those of the system, or
                            those that SSL_CERT_FILE and SSL_CERT_DIR name; a server asks for no
                            certificate. If set, a server accepts only clients that have one. */
    const char
        *cert_file;       /* our own certificate, and the intermediate ones up to its root; required
                             for a server. NULL: none */
    const char *key_file; /* its key, not encrypted. NULL: it is in cert_file */
    bool trust_anybody;   /* a client: accept any certificate of the server */
    const char *ca_folder; /* also trusted, by hash (openssl rehash). NULL: as ca_file */
};

/* False: out of memory; the caller must still free the copy. */
bool wr_tls_options_copy(struct wr_tls_options *to, const struct wr_tls_options *from);
void wr_tls_options_free(struct wr_tls_options *options);

/* Get a context. Calls with the same options in one loop share one context while it is in use.
 * NULL: *error (WEIR_EINVAL: a file cannot be used; WEIR_ENOMEM). */
struct wr_tls *wr_tls_new(struct weir_loop *loop, enum wr_tls_role role,
                          const struct wr_tls_options *options, weir_error *error);
/* Its connections keep it alive. NULL is allowed. */
void wr_tls_unref(struct wr_tls *tls);

/*
 * Do the handshake. Suspends. OpenSSL itself runs on the loop's stack, never on the task's.
 *
 * lower    this takes ownership, also on failure
 * name     a client: the name or the numeric address that the server's certificate must be for; a
 *          name is sent to the server (SNI). A server: NULL
 * peer     for messages
 * Returns  NULL: *error. WEIR_ETLS: the peer or its certificate is refused, or the peer refuses us;
 *          WEIR_ERESET; WEIR_ETIMEDOUT; WEIR_ENOMEM; or as wr_wait.
 */
struct wr_transport *wr_tls_start(struct wr_tls *tls, struct wr_transport *lower, const char *name,
                                  const char *peer, int64_t limit_ms, struct wr_object *of,
                                  weir_error *error);

/* Make what a process keeps for all of its TLS; else the first handshake does. Any thread. */
void wr_tls_prepare(void);

/* ---- between the files of TLS */

struct ssl_st;

/* The text of the error that OpenSSL has just reported: static. "" if there is none. */
const char *wr_tls_reason(void);
/* A connection of this context, without a BIO; NULL: out of memory. */
struct ssl_st *wr_tls_connection(struct wr_tls *tls);
enum wr_tls_role wr_tls_role(const struct wr_tls *tls);
void wr_tls_ref(struct wr_tls *tls);
/* A scratch buffer of 16 KiB for any code on the loop; valid until the next suspension. */
enum { WR_TLS_RECORD = 16 * 1024 };
char *wr_tls_scratch(struct wr_tls *tls);

#endif
