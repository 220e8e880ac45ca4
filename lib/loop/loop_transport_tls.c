/*
 * loop_transport_tls.c - a transport that encrypts what goes through another one.
 *
 * States: handshake (wr_tls_start), open, ended by the peer (close_notify has come: read
 * returns the end), shut by us (close_notify is pending or sent), broken (after a failure
 * every call fails).
 *
 * OpenSSL reads and writes through our BIO. Its calls are tries of the lower transport, directly
 * into and out of OpenSSL's buffers; nothing is queued here. If the lower transport takes only a
 * part of a record, OpenSSL keeps the rest until the same write is tried again, and the try returns
 * WR_AGAIN. OpenSSL decides for which direction of the lower transport to wait. It may differ from
 * the direction of the try: a key update makes a read write. So the reader and the writer may want
 * to wait for the same direction, but only one can: the other one waits for its turn.
 *
 * Tries do not suspend, so no task is ever parked under a frame of OpenSSL. These frames are on the
 * loop's stack, because each task would keep the stack memory that they need.
 */
#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>

#include "base_alloc.h"
#include "base_fault.h"
#include "loop_tls.h"

struct tls_transport {
    struct wr_transport base;
    struct wr_transport *lower;
    struct wr_tls *tls;
    SSL *ssl;
    int lower_code; /* code of a failed try below since the last call into OpenSSL began */
    bool lower_ended;
    int failure;   /* permanent; base.detail and base.reason give more */
    bool told_end; /* close_notify has come */
    int read_wants, write_wants;
    bool read_again;         /* the last read found no bytes */
    bool shutting;           /* close_notify is not completely sent yet */
    void (*gone)(void *ctx); /* watch_broken: a failure of TLS breaks the connection, too */
    void *gone_ctx;
    struct wr_deferred broken;
    struct wr_task *waiters[2]; /* tasks that wait for the lower one to be readable, writable */
    struct wr_task *turn[2];    /* tasks that wait for their turn to do so */
};

enum { READ_TURN = 128 * 1024 }; /* bytes of one try: one block */

static struct tls_transport *of_base(struct wr_transport *transport)
{
    return WR_OWNER(transport, struct tls_transport, base);
}

/* ---- the BIO: tries of the lower transport, under OpenSSL's frames */

static int below_failed(struct tls_transport *self, BIO *bio, int64_t n, int retry)
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
    struct tls_transport *self = BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    int64_t n = self->lower->ops->read(self->lower, to, (size_t)cap);
    self->lower_ended = n == 0;
    return n >= 0 ? (int)n : below_failed(self, bio, n, BIO_FLAGS_READ);
}

static int below_write(BIO *bio, const char *from, int len)
{
    struct tls_transport *self = BIO_get_data(bio);
    struct iovec piece = {(void *)(uintptr_t)from, (size_t)len};
    BIO_clear_retry_flags(bio);
    int64_t n = self->lower->ops->write(self->lower, &piece, 1);
    return n >= 0 ? (int)n : below_failed(self, bio, n, BIO_FLAGS_WRITE);
}

static long below_ctrl(BIO *bio, int command, long number, void *pointer)
{
    const struct tls_transport *self = BIO_get_data(bio);
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
        struct tls_transport *self = SSL_get_app_data(ssl);
        self->told_end = true;
    }
}

static bool set_bio(struct tls_transport *self)
{
    uv_once(&method_once, make_method);
    BIO *bio = method == NULL || wr_fault("BIO_new") ? NULL : BIO_new(method);
    if (bio == NULL) {
        return false;
    }
    BIO_set_data(bio, self);
    BIO_set_init(bio, 1);
    SSL_set_bio(self->ssl, bio, bio);
    return true;
}

/* ---- calls into OpenSSL, on the loop's stack */

static int fail(struct tls_transport *self, int code, int detail, const char *reason)
{
    self->failure = code;
    self->base.detail = detail;
    self->base.reason = reason;
    if (self->gone != NULL) {
        wr_defer(self->base.loop, &self->broken);
    }
    return code;
}

static const char cut[] = "the connection was cut: it ended without the TLS close_notify";

/* The peer sends no more. 0: a proper end; else the code. What we write may still arrive. */
static int ended(struct tls_transport *self)
{
    if (self->told_end) {
        return 0;
    }
    self->base.detail = 0;
    self->base.reason = cut;
    return WEIR_ETRUNCATED;
}

/* A call has returned rc <= 0. Returns WR_AGAIN and the direction to wait for; or the peer's end;
 * or a failure. */
static int why_not(struct tls_transport *self, int rc, int *wants)
{
    switch (SSL_get_error(self->ssl, rc)) {
    case SSL_ERROR_WANT_READ: *wants = WR_READABLE; return WR_AGAIN;
    case SSL_ERROR_WANT_WRITE: *wants = WR_WRITABLE; return WR_AGAIN;
    case SSL_ERROR_ZERO_RETURN: return ended(self);
    default: break;
    }
    /* OpenSSL's own error comes first: the alert that it then sends may also fail below. */
    unsigned long error = ERR_peek_error();
    if (error == 0 && self->lower_code < 0) {
        return fail(self, self->lower_code, self->lower->detail, self->lower->reason);
    }
    if (ERR_GET_REASON(error) == ERR_R_MALLOC_FAILURE) {
        return fail(self, WEIR_ENOMEM, 0, "no memory for TLS");
    }
    return fail(self, WEIR_ETLS, 0, wr_tls_reason());
}

static void begin(struct tls_transport *self)
{
    ERR_clear_error();
    self->lower_code = 0;
}

struct reading {
    struct tls_transport *self;
    char *to;
    size_t cap;
    int64_t got; /* bytes, or as read() */
};

static bool send_end(struct tls_transport *self);

static void read_here(void *arg)
{
    struct reading *reading = arg;
    struct tls_transport *self = reading->self;
    size_t len = 0, cap = WR_MIN(reading->cap, (size_t)READ_TURN);
    int rc = 1;
    begin(self);
    if (self->shutting && !send_end(self)) {
        self->read_again = true;
        reading->got = self->failure < 0 ? self->failure : WR_AGAIN;
        return;
    }
    while (len < cap && rc > 0) {
        size_t n = 0;
        rc = SSL_read_ex(self->ssl, reading->to + len, cap - len, &n);
        len += n;
    }
    int64_t code = rc > 0 ? 0 : why_not(self, rc, &self->read_wants);
    self->read_again = code == WR_AGAIN && len == 0;
    reading->got = len > 0 ? (int64_t)len : code;
}

struct writing {
    struct tls_transport *self;
    const struct iovec *iov;
    int count;
    int64_t put; /* bytes, or as write() */
};

/* The peer has gone. If it has sent the reason (an alert), that is the failure. */
static void last_words(void *arg)
{
    struct tls_transport *self = arg;
    char byte;
    size_t n;
    begin(self);
    int rc = SSL_peek_ex(self->ssl, &byte, 1, &n);
    if (rc <= 0 && SSL_get_error(self->ssl, rc) == SSL_ERROR_SSL &&
        ERR_GET_REASON(ERR_peek_error()) >= SSL_AD_REASON_OFFSET) {
        (void)fail(self, WEIR_ETLS, 0, wr_tls_reason());
    }
}

/* The bytes of the next record: the piece itself, or several small pieces copied together. */
static size_t gather(struct tls_transport *self, const struct iovec *iov, int count, size_t skip,
                     const char **bytes)
{
    size_t first = iov->iov_len - skip;
    *bytes = (const char *)iov->iov_base + skip;
    if (count == 1 || first >= WR_TLS_RECORD) {
        return first;
    }
    char *to = wr_tls_scratch(self->tls);
    size_t len = 0;
    for (int i = 0; i < count && len < WR_TLS_RECORD; i++, skip = 0) {
        size_t n = WR_MIN(iov[i].iov_len - skip, WR_TLS_RECORD - len);
        memcpy(to + len, (const char *)iov[i].iov_base + skip, n);
        len += n;
    }
    *bytes = to;
    return len;
}

static void write_here(void *arg)
{
    struct writing *writing = arg;
    struct tls_transport *self = writing->self;
    const struct iovec *iov = writing->iov;
    int count = writing->count;
    size_t skip = 0, sum = 0;
    int64_t code = 0;
    begin(self);
    while (count > 0 && code == 0) {
        if (skip == iov->iov_len) {
            iov++;
            count--;
            skip = 0;
            continue;
        }
        const char *bytes;
        size_t n = 0, len = gather(self, iov, count, skip, &bytes);
        int rc = SSL_write_ex(self->ssl, bytes, len, &n);
        if (rc <= 0) {
            code = why_not(self, rc, &self->write_wants);
            if (code == WEIR_ECLOSED) {
                last_words(self);
                code = self->failure;
            }
        }
        sum += n;
        while (count > 0 && n >= iov->iov_len - skip) {
            n -= iov->iov_len - skip;
            iov++;
            count--;
            skip = 0;
        }
        skip += n;
    }
    writing->put = sum > 0 ? (int64_t)sum : code;
}

/* Send close_notify, then end the lower transport. False: not sent yet, or failed. */
static bool send_end(struct tls_transport *self)
{
    int rc = SSL_shutdown(self->ssl);
    if (rc < 0 && why_not(self, rc, &self->read_wants) == WR_AGAIN &&
        self->read_wants == WR_WRITABLE) {
        return false;
    }
    self->shutting = false;
    self->lower->ops->shut(self->lower);
    return self->failure == 0;
}

static void shut_here(void *arg)
{
    struct tls_transport *self = arg;
    begin(self);
    self->shutting = true;
    (void)send_end(self);
}

/* ---- the transport */

static int64_t tls_read(struct wr_transport *transport, void *to, size_t cap)
{
    struct reading reading = {.self = of_base(transport), .to = to, .cap = cap};
    if (reading.self->failure < 0) {
        return reading.self->failure;
    }
    wr_on_loop_stack(transport->loop, read_here, &reading);
    return reading.got;
}

static int64_t tls_write(struct wr_transport *transport, const struct iovec *iov, int count)
{
    struct writing writing = {.self = of_base(transport), .iov = iov, .count = count};
    if (writing.self->failure < 0) {
        return writing.self->failure;
    }
    wr_on_loop_stack(transport->loop, write_here, &writing);
    return writing.put;
}

/* Wait for the lower transport. If the other task of this transport already waits for the same
 * direction, its wake also wakes this task. */
static int wait_below(struct tls_transport *self, int events, int64_t limit_ms, const char *why,
                      struct wr_object *of)
{
    int way = events == WR_READABLE ? 0 : 1;
    int rc;
    if (self->waiters[way] != NULL) {
        struct wr_limit limit;
        self->turn[way] = wr_task_now(self->base.loop, why);
        wr_limit_start(self->base.loop, &limit, limit_ms);
        rc = wr_wait_limited(&limit, why, of);
        wr_limit_stop(&limit);
        self->turn[way] = NULL;
        return rc;
    }
    self->waiters[way] = wr_task_now(self->base.loop, why);
    rc = self->lower->ops->wait(self->lower, events, limit_ms, why, of);
    self->waiters[way] = NULL;
    if (self->turn[way] != NULL) {
        wr_wake(self->turn[way], 0);
    }
    return rc;
}

static int tls_wait(struct wr_transport *transport, int events, int64_t limit_ms, const char *why,
                    struct wr_object *of)
{
    struct tls_transport *self = of_base(transport);
    bool reads = events == WR_READABLE;
    if (self->failure < 0 || (reads && !self->read_again && SSL_has_pending(self->ssl))) {
        return 0; /* the next try reports it */
    }
    return wait_below(self, reads ? self->read_wants : self->write_wants, limit_ms, why, of);
}

static void tls_shut(struct wr_transport *transport)
{
    struct tls_transport *self = of_base(transport);
    if (self->failure < 0) {
        self->lower->ops->shut(self->lower);
    } else if (self->shutting || (SSL_get_shutdown(self->ssl) & SSL_SENT_SHUTDOWN) == 0) {
        wr_on_loop_stack(transport->loop, shut_here, self);
    }
}

static int64_t tls_unread(struct wr_transport *transport)
{
    struct wr_transport *lower = of_base(transport)->lower;
    return lower->ops->unread != NULL ? lower->ops->unread(lower) : -1;
}

static bool tls_hung_up(struct wr_transport *transport)
{
    struct wr_transport *lower = of_base(transport)->lower;
    return lower->ops->hung_up != NULL && lower->ops->hung_up(lower);
}

static int64_t tls_unsent(struct wr_transport *transport)
{
    struct wr_transport *lower = of_base(transport)->lower;
    return lower->ops->unsent != NULL ? lower->ops->unsent(lower) : -1;
}

static void tls_reset(struct wr_transport *transport)
{
    struct wr_transport *lower = of_base(transport)->lower;
    if (lower->ops->reset != NULL) {
        lower->ops->reset(lower);
    }
}

static void tls_watch_hangup(struct wr_transport *transport, void (*gone)(void *ctx), void *ctx)
{
    struct tls_transport *self = of_base(transport);
    self->gone = NULL; /* each watch replaces the other */
    self->lower->ops->watch_hangup(self->lower, gone, ctx);
}

static void tell_broken(void *ctx)
{
    struct tls_transport *self = ctx;
    void (*gone)(void *ctx) = self->gone;
    self->gone = NULL;
    if (self->failure == 0) {
        wr_on_loop_stack(self->base.loop, last_words, self);
    }
    if (gone != NULL) {
        gone(self->gone_ctx);
    }
}

static void run_broken(struct wr_deferred *deferred)
{
    tell_broken(WR_OWNER(deferred, struct tls_transport, broken));
}

static void tls_watch_broken(struct wr_transport *transport, void (*gone)(void *ctx), void *ctx)
{
    struct tls_transport *self = of_base(transport);
    struct wr_transport *lower = self->lower;
    self->gone = gone;
    self->gone_ctx = ctx;
    if (lower->ops->watch_broken != NULL) {
        lower->ops->watch_broken(lower, gone != NULL ? tell_broken : NULL, self);
    }
    if (gone != NULL && self->failure < 0) {
        wr_defer(transport->loop, &self->broken);
    }
}

static void tls_watch_input(struct wr_transport *transport, void (*came)(void *ctx), void *ctx)
{
    struct wr_transport *lower = of_base(transport)->lower;
    if (lower->ops->watch_input != NULL) {
        lower->ops->watch_input(lower, came, ctx);
    }
}

static int tls_broken(const struct wr_transport *transport)
{
    const struct wr_transport *lower =
        WR_OWNER((uintptr_t)transport, struct tls_transport, base)->lower;
    return lower->ops->broken != NULL ? lower->ops->broken(lower) : 0;
}

static void free_here(void *arg)
{
    struct tls_transport *self = arg;
    begin(self);
    if (self->shutting && self->failure == 0) {
        (void)send_end(self);
    }
    SSL_free(self->ssl);
}

static void tls_free(struct wr_transport *transport)
{
    struct tls_transport *self = of_base(transport);
    wr_list_remove(&self->broken.link);
    wr_on_loop_stack(transport->loop, free_here, self);
    wr_tls_unref(self->tls);
    self->lower->ops->free(self->lower);
    wr_free(self);
}

static void tls_limit_silence(struct wr_transport *transport)
{
    struct wr_transport *lower = of_base(transport)->lower;
    if (lower->ops->limit_silence != NULL) {
        lower->ops->limit_silence(lower);
    }
}

static const struct wr_transport_ops tls_ops = {.kind = "tls",
                                                .read = tls_read,
                                                .write = tls_write,
                                                .wait = tls_wait,
                                                .shut = tls_shut,
                                                .unread = tls_unread,
                                                .hung_up = tls_hung_up,
                                                .unsent = tls_unsent,
                                                .broken = tls_broken,
                                                .reset = tls_reset,
                                                .limit_silence = tls_limit_silence,
                                                .watch_hangup = tls_watch_hangup,
                                                .watch_broken = tls_watch_broken,
                                                .watch_input = tls_watch_input,
                                                .free = tls_free};

/* ---- the handshake */

struct starting {
    struct tls_transport *self;
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
    struct tls_transport *self = starting->self;
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
    struct tls_transport *self = starting->self;
    begin(self);
    int rc = SSL_do_handshake(self->ssl);
    starting->code = rc == 1 ? 0 : why_not(self, rc, &starting->wants);
    if (rc != 1 && (starting->code == 0 || starting->code == WEIR_ETRUNCATED)) {
        starting->code =
            fail(self, WEIR_ETLS, 0, "the peer closed the connection during the handshake");
    }
    long verified = starting->code == WEIR_ETLS ? SSL_get_verify_result(self->ssl) : X509_V_OK;
    if (verified != X509_V_OK) {
        self->base.reason = X509_verify_cert_error_string(verified);
        starting->advice = wr_tls_role(self->tls) == WR_TLS_CLIENT ? advise(verified) : "";
    }
}

/* 0, or a code with *error. */
static int shake_hands(struct starting *starting, const char *peer, int64_t limit_ms,
                       struct wr_object *of, weir_error *error)
{
    static const char why[] = "a TLS handshake";
    struct tls_transport *self = starting->self;
    struct weir_loop *loop = self->base.loop;
    int64_t until_ns = limit_ms < 0 ? INT64_MAX : wr_now_ns(loop) + limit_ms * 1000000;
    int rc = 0;
    wr_on_loop_stack(loop, set_up_here, starting);
    while (rc == 0 && starting->code == 0) {
        wr_on_loop_stack(loop, shake_here, starting);
        if (starting->code == 0) {
            return 0;
        }
        if (starting->code != WR_AGAIN) {
            break;
        }
        starting->code = 0;
        int64_t left_ms =
            limit_ms < 0 ? -1 : WR_MAX(until_ns - wr_now_ns(loop) + 999999, 0) / 1000000;
        rc = self->lower->ops->wait(self->lower, starting->wants, left_ms, why, of);
    }
    const char *reason = rc == 0 && self->failure < 0 ? self->base.reason : NULL;
    int code = rc < 0 ? rc : starting->code;
    if (reason == NULL) {
        reason = code == WEIR_ERESET && self->base.detail != 0 ? strerror(self->base.detail)
                                                               : wr_code_text(code);
    }
    char origin[64];
    snprintf(origin, sizeof origin, "tls(%.50s)", peer);
    wr_error_set(error, code, self->base.detail, origin, "TLS with %s: %s%s", peer, reason,
                 starting->advice);
    return code;
}

struct wr_transport *wr_tls_start(struct wr_tls *tls, struct wr_transport *lower, const char *name,
                                  const char *peer, int64_t limit_ms, struct wr_object *of,
                                  weir_error *error)
{
    struct tls_transport *self = wr_zalloc(sizeof *self);
    wr_error_clear(error);
    if (self == NULL) {
        lower->ops->free(lower);
        wr_error_set(error, WEIR_ENOMEM, 0, "tls", "no memory for TLS with %s", peer);
        return NULL;
    }
    self->base.ops = &tls_ops;
    self->base.loop = lower->loop;
    self->lower = lower;
    self->tls = tls;
    self->read_wants = WR_READABLE;
    self->write_wants = WR_WRITABLE;
    wr_deferred_init(&self->broken, run_broken);
    wr_tls_ref(tls);
    struct starting starting = {.self = self, .name = name, .advice = ""};
    if (shake_hands(&starting, peer, limit_ms, of, error) < 0) {
        tls_free(&self->base);
        return NULL;
    }
    return &self->base;
}
