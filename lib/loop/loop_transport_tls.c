/*
 * loop_transport_tls.c - a transport that encrypts what goes through another one.
 *
 * States: handshake (wr_tls_start), open, ended by the peer (close_notify has come: read
 * returns the end), shut by us (close_notify is pending or sent), broken (after a failure
 * every call fails).
 *
 * OpenSSL reads and writes through our BIO (loop_tls_handshake.c). Its calls are tries of the lower
 * transport, directly into and out of OpenSSL's buffers; nothing is queued here. If the lower transport takes only a
 * part of a record, OpenSSL keeps the rest until the same write is tried again, and the try returns
 * WR_AGAIN. OpenSSL decides for which direction of the lower transport to wait. It may differ from
 * the direction of the try: a key update makes a read write. So the reader and the writer may want
 * to wait for the same direction, but only one can: the other one waits for its turn.
 *
 * Tries do not suspend, so no task is ever parked under a frame of OpenSSL. These frames are on the
 * loop's stack, because each task would keep the stack memory that they need.
 */
#include "loop_tls_parts.h"

#include <openssl/err.h>
#include <string.h>

#include "base_alloc.h"

enum { READ_TURN = 128 * 1024 }; /* bytes of one try: one block */

static struct wr_tls_transport *of_base(struct wr_transport *transport)
{
    return WR_OWNER(transport, struct wr_tls_transport, base);
}

/* ---- calls into OpenSSL, on the loop's stack */

int wr_tls_fail(struct wr_tls_transport *self, int code, int detail, const char *reason)
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
static int ended(struct wr_tls_transport *self)
{
    if (self->got_end) {
        return 0;
    }
    self->base.detail = 0;
    self->base.reason = cut;
    return WEIR_ETRUNCATED;
}

int wr_tls_why_not(struct wr_tls_transport *self, int rc, int *wants)
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
        return wr_tls_fail(self, self->lower_code, self->lower->detail, self->lower->reason);
    }
    if (ERR_GET_REASON(error) == ERR_R_MALLOC_FAILURE) {
        return wr_tls_fail(self, WEIR_ENOMEM, 0, "no memory for TLS");
    }
    return wr_tls_fail(self, WEIR_ETLS, 0, wr_tls_reason());
}

void wr_tls_begin(struct wr_tls_transport *self)
{
    ERR_clear_error();
    self->lower_code = 0;
}

struct reading {
    struct wr_tls_transport *self;
    char *to;
    size_t cap;
    int64_t got; /* bytes, or as read() */
};

static bool send_end(struct wr_tls_transport *self);

static void read_here(void *arg)
{
    struct reading *reading = arg;
    struct wr_tls_transport *self = reading->self;
    size_t len = 0, cap = WR_MIN(reading->cap, (size_t)READ_TURN);
    int rc = 1;
    wr_tls_begin(self);
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
    int64_t code = rc > 0 ? 0 : wr_tls_why_not(self, rc, &self->read_wants);
    self->read_again = code == WR_AGAIN && len == 0;
    reading->got = len > 0 ? (int64_t)len : code;
}

struct writing {
    struct wr_tls_transport *self;
    const struct iovec *iov;
    int count;
    int64_t put; /* bytes, or as write() */
};

/* The peer has gone. If it has sent the reason (an alert), that is the failure. */
static void last_words(void *arg)
{
    struct wr_tls_transport *self = arg;
    char byte;
    size_t n;
    wr_tls_begin(self);
    int rc = SSL_peek_ex(self->ssl, &byte, 1, &n);
    if (rc <= 0 && SSL_get_error(self->ssl, rc) == SSL_ERROR_SSL &&
        ERR_GET_REASON(ERR_peek_error()) >= SSL_AD_REASON_OFFSET) {
        (void)wr_tls_fail(self, WEIR_ETLS, 0, wr_tls_reason());
    }
}

/* The bytes of the next record: the piece itself, or several small pieces copied together. */
static size_t gather(struct wr_tls_transport *self, const struct iovec *iov, int count, size_t skip,
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
    struct wr_tls_transport *self = writing->self;
    const struct iovec *iov = writing->iov;
    int count = writing->count;
    size_t skip = 0, sum = 0;
    int64_t code = 0;
    wr_tls_begin(self);
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
            code = wr_tls_why_not(self, rc, &self->write_wants);
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
static bool send_end(struct wr_tls_transport *self)
{
    int rc = SSL_shutdown(self->ssl);
    if (rc < 0 && wr_tls_why_not(self, rc, &self->read_wants) == WR_AGAIN &&
        self->read_wants == WR_WRITABLE) {
        return false;
    }
    self->shutting = false;
    self->lower->ops->shut(self->lower);
    return self->failure == 0;
}

static void shut_here(void *arg)
{
    struct wr_tls_transport *self = arg;
    wr_tls_begin(self);
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
static int wait_below(struct wr_tls_transport *self, int events, int64_t limit_ms, const char *why,
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
    struct wr_tls_transport *self = of_base(transport);
    bool reads = events == WR_READABLE;
    if (self->failure < 0 || (reads && !self->read_again && SSL_has_pending(self->ssl))) {
        return 0; /* the next try reports it */
    }
    return wait_below(self, reads ? self->read_wants : self->write_wants, limit_ms, why, of);
}

static void tls_shut(struct wr_transport *transport)
{
    struct wr_tls_transport *self = of_base(transport);
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
    struct wr_tls_transport *self = of_base(transport);
    self->gone = NULL; /* each watch replaces the other */
    self->lower->ops->watch_hangup(self->lower, gone, ctx);
}

static void tell_broken(void *ctx)
{
    struct wr_tls_transport *self = ctx;
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
    tell_broken(WR_OWNER(deferred, struct wr_tls_transport, broken));
}

static void tls_watch_broken(struct wr_transport *transport, void (*gone)(void *ctx), void *ctx)
{
    struct wr_tls_transport *self = of_base(transport);
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
        WR_OWNER((uintptr_t)transport, struct wr_tls_transport, base)->lower;
    return lower->ops->broken != NULL ? lower->ops->broken(lower) : 0;
}

static void free_here(void *arg)
{
    struct wr_tls_transport *self = arg;
    wr_tls_begin(self);
    if (self->shutting && self->failure == 0) {
        (void)send_end(self);
    }
    SSL_free(self->ssl);
}

static void tls_free(struct wr_transport *transport)
{
    struct wr_tls_transport *self = of_base(transport);
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

struct wr_transport *wr_tls_start(struct wr_tls *tls, struct wr_transport *lower, const char *name,
                                  const char *peer, int64_t limit_ms, struct wr_object *of,
                                  weir_error *error)
{
    struct wr_tls_transport *self = wr_zalloc(sizeof *self);
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
    if (wr_tls_shake_hands(self, name, peer, limit_ms, of, error) < 0) {
        tls_free(&self->base);
        return NULL;
    }
    return &self->base;
}
