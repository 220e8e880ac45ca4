/*
 * loop_tls_handshake.c - how a TLS connection starts: OpenSSL's BIO on the lower transport, and the
 * handshake.
 *
 * The BIO's functions run under OpenSSL's frames. They only try the lower transport, directly into
 * and out of OpenSSL's buffers. The handshake alternates between a call into OpenSSL on the loop's
 * stack and a wait of the caller's task for the lower transport. It may suspend only in that wait.
 */
#include "loop_tls_parts.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>

#include "base_fault.h"

/* ---- the BIO: tries of the lower transport, under OpenSSL's frames */

static int below_failed(struct wr_tls_transport *self, BIO *bio, int64_t n, int retry)
{
    if (n == WR_AGAIN) {
        BIO_set_flags(bio, retry | BIO_FLAGS_SHOULD_RETRY);
    } else {
        self->lower_code = (int)n;
    }
    return -1;
}

static int below_read(BIO *bio, char *to, int cap)
{
    struct wr_tls_transport *self = BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    int64_t n = self->lower->ops->read(self->lower, to, (size_t)cap);
    self->lower_ended = n == 0;
    return n >= 0 ? (int)n : below_failed(self, bio, n, BIO_FLAGS_READ);
}

static int below_write(BIO *bio, const char *from, int len)
{
    struct wr_tls_transport *self = BIO_get_data(bio);
    struct iovec piece = {(void *)(uintptr_t)from, (size_t)len};
    BIO_clear_retry_flags(bio);
    int64_t n = self->lower->ops->write(self->lower, &piece, 1);
    return n >= 0 ? (int)n : below_failed(self, bio, n, BIO_FLAGS_WRITE);
}

static long below_ctrl(BIO *bio, int command, long number, void *pointer)
{
    const struct wr_tls_transport *self = BIO_get_data(bio);
    (void)number;
    (void)pointer;
    switch (command) {
    case BIO_CTRL_EOF: return self->lower_ended;
    case BIO_CTRL_FLUSH: return 1;
    default: return 0;
    }
}

static uv_once_t method_once = UV_ONCE_INIT;
static BIO_METHOD *method; /* one for the process: lives as long as OpenSSL */

static void make_method(void)
{
    method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "weir transport");
    if (method != NULL) {
        BIO_meth_set_read(method, below_read);
        BIO_meth_set_write(method, below_write);
        BIO_meth_set_ctrl(method, below_ctrl);
    }
}

/* Runs under OpenSSL's frame, like the BIO's functions. */
static void on_info(const SSL *ssl, int where, int what)
{
    if (where == SSL_CB_READ_ALERT && (what & 0xff) == SSL_AD_CLOSE_NOTIFY) {
        struct wr_tls_transport *self = SSL_get_app_data(ssl);
        self->got_end = true;
    }
}

void wr_tls_prepare(void)
{
    uv_once(&method_once, make_method);
}

static bool set_bio(struct wr_tls_transport *self)
{
    wr_tls_prepare();
    BIO *bio = method == NULL || wr_fault("BIO_new") ? NULL : BIO_new(method);
    if (bio == NULL) {
        return false;
    }
    BIO_set_data(bio, self);
    BIO_set_init(bio, 1);
    SSL_set_bio(self->ssl, bio, bio);
    return true;
}

/* ---- the handshake */

struct starting {
    struct wr_tls_transport *self;
    const char *name;   /* NULL: a server */
    const char *advice; /* what to type, or "" */
    int code;
    int wants;
};

/* Set the name that the certificate must be for. A name is sent to the server, an address is not
 * (RFC 6066, 3). */
static bool expect(SSL *ssl, const char *name)
{
    char plain[256];
    size_t len = strlen(name);
    SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    if (X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), name) == 1) {
        return true;
    }
    if (len >= sizeof plain) {
        return false;
    }
    memcpy(plain, name, len + 1);
    if (len > 0 && plain[len - 1] == '.') {
        plain[len - 1] = '\0';
    }
    return SSL_set1_host(ssl, plain) == 1 && SSL_set_tlsext_host_name(ssl, plain) == 1;
}

static void set_up_here(void *arg)
{
    struct starting *starting = arg;
    struct wr_tls_transport *self = starting->self;
    ERR_clear_error();
    self->ssl = wr_tls_connection(self->tls);
    if (self->ssl == NULL || !set_bio(self) || SSL_set_app_data(self->ssl, self) != 1 ||
        (starting->name != NULL && !expect(self->ssl, starting->name))) {
        starting->code = WEIR_ENOMEM;
        return;
    }
    SSL_set_info_callback(self->ssl, on_info);
    if (wr_tls_role(self->tls) == WR_TLS_CLIENT) {
        SSL_set_connect_state(self->ssl);
    } else {
        SSL_set_accept_state(self->ssl);
    }
}

/* What the user can do when a client does not accept the peer's certificate. */
static const char *advise(long verified)
{
    if (verified == X509_V_ERR_HOSTNAME_MISMATCH || verified == X509_V_ERR_IP_ADDRESS_MISMATCH) {
        return "; name the host that the certificate is for with weir_socket_options.server_name";
    }
    return "; if this is your own server, trust its CA certificate with "
           "weir_socket_options.ca_file, or any certificate with weir_socket_options.tls";
}

static void shake_here(void *arg)
{
    struct starting *starting = arg;
    struct wr_tls_transport *self = starting->self;
    wr_tls_begin(self);
    int rc = SSL_do_handshake(self->ssl);
    starting->code = rc == 1 ? 0 : wr_tls_why_not(self, rc, &starting->wants);
    if (rc != 1 && (starting->code == 0 || starting->code == WEIR_ETRUNCATED)) {
        starting->code = wr_tls_fail(self, WEIR_ETLS, ECONNRESET,
                                     "the peer closed the connection during the handshake");
    }
    long verified = starting->code == WEIR_ETLS ? SSL_get_verify_result(self->ssl) : X509_V_OK;
    if (verified != X509_V_OK) {
        self->base.reason = X509_verify_cert_error_string(verified);
        starting->advice = wr_tls_role(self->tls) == WR_TLS_CLIENT ? advise(verified) : "";
    }
}

int wr_tls_shake_hands(struct wr_tls_transport *self, const char *name, const char *peer,
                       int64_t limit_ms, struct wr_object *of, weir_error *error)
{
    static const char why[] = "a TLS handshake";
    struct starting starting = {.self = self, .name = name, .advice = ""};
    struct weir_loop *loop = self->base.loop;
    int64_t until_ns = limit_ms < 0 ? INT64_MAX : wr_now_ns(loop) + limit_ms * 1000000;
    int rc = 0;
    wr_on_loop_stack(loop, set_up_here, &starting);
    while (rc == 0 && starting.code == 0) {
        wr_on_loop_stack(loop, shake_here, &starting);
        if (starting.code == 0) {
            return 0;
        }
        if (starting.code != WR_AGAIN) {
            break;
        }
        starting.code = 0;
        int64_t left_ms =
            limit_ms < 0 ? -1 : WR_MAX(until_ns - wr_now_ns(loop) + 999999, 0) / 1000000;
        rc = self->lower->ops->wait(self->lower, starting.wants, left_ms, why, of);
    }
    const char *reason = rc == 0 && self->failure < 0 ? self->base.reason : NULL;
    int code = rc < 0 ? rc : starting.code;
    if (reason == NULL) {
        reason = code == WEIR_ERESET && self->base.detail != 0 ? strerror(self->base.detail)
                                                               : wr_code_text(code);
    }
    char origin[64];
    snprintf(origin, sizeof origin, "tls(%.50s)", peer);
    wr_error_set(error, code, self->base.detail, origin, "TLS with %s: %s%s", peer, reason,
                 starting.advice);
    return code;
}
