/*
 * loop_redial.c - a connection to write to that is made again when it is lost.
 *
 * States: connected; lost (inner is NULL, or is dead and is freed by the next call outside its own
 * callbacks); given up (transport.reason says why). `written` counts the bytes that the user has
 * written. The last kept.len of them are kept; from `acked` on the peer has not acknowledged them. The
 * first kept byte begins a record, or lies in the first record that is not acknowledged as a whole. On
 * a new connection the kept bytes are sent before any others: `again` of them are sent, and while it is
 * less than kept.len, `write` takes nothing.
 *
 * How much is acknowledged is looked at LOOK_MS after a write, when many bytes are kept, and when the
 * user asks. A look counts only if the connection works after it, because after a reset the kernel
 * reports nothing as unread.
 *
 * A write that would keep too much takes less, or nothing; the wait then looks again and again, as no
 * event says that bytes were acknowledged.
 *
 * Only wait, wr_redial_settle and the pauses in them suspend. Between two suspensions the user's other
 * calls may find the connection lost, but only the task in the wait connects.
 */
#include "loop_redial.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base_alloc.h"
#include "base_error.h"
#include "base_print.h"
#include "loop_kept.h"
#include "loop_wait.h"

enum {
    LOOK_MS = 100,
    LOOK_PAUSE_MAX_MS = 20,
    LOOK_BYTES = 128 * 1024,
    HEALTHY_MS = 30 * 1000, /* after so long the pauses begin anew */
    DROP_BYTES = 1024
};

struct redial {
    struct wr_transport transport;
    struct wr_redial_options o;
    struct wr_transport *inner; /* NULL: not connected */
    bool dead;                  /* inner does not work any more */
    bool shut;
    bool input_over; /* the peer has ended its side, before we have ended ours */
    bool given_up;
    int code; /* once given up */
    struct wr_kept kept;
    size_t again; /* of the kept bytes, sent on this connection */
    uint64_t written, acked;
    uint64_t begin; /* the first byte that was sent on this connection, counted as `written` */
    int tries, pauses;
    int64_t connected_ns, lost_ns;
    struct wr_timer look;
    void (*gone)(void *ctx);
    void *gone_ctx;
    char why[160]; /* why the last connection or attempt has failed */
};

static struct redial *of_base(const struct wr_transport *transport)
{
    return WR_OWNER((uintptr_t)transport, struct redial, transport);
}

static bool works(const struct redial *r)
{
    return r->inner != NULL && !r->dead;
}

static uint64_t kept_from(const struct redial *r)
{
    return r->written - r->kept.len;
}

/* See what the peer has acknowledged. */
static void look(struct redial *r)
{
    const struct wr_transport_ops *ops = r->inner->ops;
    if (!works(r) || r->again < r->kept.len) {
        return; /* while the kept bytes are sent again, they are all kept */
    }
    int64_t unread = ops->unread(r->inner);
    if (unread < 0 || ops->hung_up(r->inner)) {
        return;
    }
    uint64_t sent = r->written - r->begin;
    uint64_t acked = r->begin + sent - WR_MIN((uint64_t)unread, sent);
    if (acked > r->acked) {
        r->acked = acked;
        r->tries = 0;
        wr_kept_forget(&r->kept, (size_t)(acked - kept_from(r)));
        r->again = r->kept.len;
    }
}

static void on_look(struct wr_timer *timer)
{
    struct redial *r = WR_OWNER(timer, struct redial, look);
    if (!works(r)) {
        return;
    }
    look(r);
    if (r->acked < r->written) {
        wr_timer_start(r->transport.loop, &r->look, LOOK_MS);
    }
}

/* Room to keep up to `want` more bytes; returns for how many there is room. */
static size_t keep_room(struct redial *r, size_t want)
{
    if (r->kept.len + want > LOOK_BYTES) {
        look(r);
    }
    return wr_kept_room(&r->kept, &r->transport.loop->budget, want);
}

/* ---- losing the connection */

static void unwatch(struct redial *r)
{
    r->inner->ops->watch_broken(r->inner, NULL, NULL);
    r->inner->ops->watch_input(r->inner, NULL, NULL);
}

/* Not called from the callbacks of inner. */
static void drop_inner(struct redial *r)
{
    if (r->inner != NULL) {
        r->inner->ops->free(r->inner);
        r->inner = NULL;
    }
}

static int give_up(struct redial *r, int code)
{
    r->given_up = true;
    r->code = code;
    r->transport.reason = r->why;
    return code;
}

static int fail_at_last(struct redial *r, int code)
{
    char why[sizeof r->why], tries[48] = "";
    memcpy(why, r->why, sizeof why);
    if (r->tries > 0) {
        snprintf(tries, sizeof tries, "; gave up after %d %s", r->tries,
                 r->tries == 1 ? "retry" : "retries");
    }
    (void)wr_print_text(r->why, sizeof r->why, "%.90s%s; %" PRIu64 " bytes were not delivered", why,
                        tries, r->written - r->acked);
    return give_up(r, code);
}

/* The connection does not work any more. */
static void lose(struct redial *r, int code)
{
    const char *reason = r->inner->reason;
    bool tls = reason != NULL && strcmp(r->inner->ops->kind, "ws") != 0;
    int detail = r->inner->detail != 0 ? r->inner->detail : r->inner->ops->broken(r->inner);
    look(r); /* a WebSocket knows what was read before */
    r->dead = true;
    r->lost_ns = wr_now_ns(r->transport.loop);
    unwatch(r);
    /* Only our side may have failed: this ends a wait for the peer. What the peer reads is no end. */
    r->inner->ops->reset(r->inner);
    r->inner->ops->shut(r->inner);
    wr_timer_stop(r->transport.loop, &r->look);
    snprintf(r->why, sizeof r->why, "%s%s", tls ? "TLS: " : "",
             reason != NULL ? reason
             : detail != 0  ? strerror(detail)
                            : wr_code_text(code));
    r->transport.detail = detail;
    if (code == WEIR_ETLS) {
        (void)wr_print_text(r->why, sizeof r->why,
                            "TLS: %s; the peer may have read none of the %" PRIu64 " bytes written",
                            reason != NULL ? reason : wr_code_text(code), r->written);
        (void)give_up(r, code);
    } else if (code == WEIR_EHTTP || r->o.retries == 0) {
        (void)fail_at_last(r, code != WEIR_EHTTP && r->written > r->acked ? WEIR_ELOST : code);
    }
    if (r->lost_ns - r->connected_ns >= (int64_t)HEALTHY_MS * 1000000) {
        r->pauses = 0;
    }
}

/* While nobody writes. */
static void lose_idle(struct redial *r, int code)
{
    lose(r, code);
    if (r->kept.len == 0 && !r->given_up) {
        wr_log(&r->transport.loop->log, WR_LOG_INFO, r->o.name,
               "%s; connects again for the next item", r->why);
    }
    if (r->gone != NULL) {
        r->gone(r->gone_ctx);
    }
}

static void inner_broken(void *ctx)
{
    struct redial *r = ctx;
    lose_idle(r, r->inner->reason != NULL ? WEIR_ETLS : WEIR_ERESET);
}

/* What the peer sends is dropped. */
static void inner_input(void *ctx)
{
    struct redial *r = ctx;
    char dropped[DROP_BYTES];
    int64_t n = r->inner->ops->read(r->inner, dropped, sizeof dropped);
    if (n == 0 || n == WEIR_ETRUNCATED) {
        r->input_over = true;
        r->inner->ops->watch_input(r->inner, NULL, NULL);
    } else if (n < 0 && n != WR_AGAIN) {
        lose_idle(r, (int)n);
    }
}

/* ---- connecting again */

static void take(struct redial *r, struct wr_transport *inner)
{
    r->inner = inner;
    r->dead = r->input_over = false;
    r->again = 0;
    r->begin = kept_from(r);
    r->connected_ns = wr_now_ns(r->transport.loop);
    inner->ops->watch_broken(inner, inner_broken, r);
    inner->ops->watch_input(inner, inner_input, r);
}

static void log_retry(const struct redial *r, int64_t ms)
{
    char kept[96] = "nothing is sent again";
    if (r->kept.len > 0) {
        snprintf(kept, sizeof kept, "%zu bytes are sent again, and a gap or repeats are possible",
                 r->kept.len);
    }
    wr_log(&r->transport.loop->log, WR_LOG_INFO, r->o.name,
           "%s; retry %d in %" PRId64 ".%" PRId64 " s (%s)", r->why, r->tries, ms / 1000,
           ms % 1000 / 100, kept);
}

static int pause_for(struct redial *r, int64_t ms, const char *why, struct wr_object *of)
{
    struct wr_limit limit;
    int rc = 0;
    wr_limit_start(r->transport.loop, &limit, ms);
    while (rc == 0) {
        rc = wr_wait_limited(&limit, why, of);
    }
    wr_limit_stop(&limit);
    return rc == WEIR_ETIMEDOUT ? 0 : rc;
}

/* After a pause. 0: connected, or the attempt has failed; negative: the wait has, or it gives up. */
static int connect_once(struct redial *r, int64_t pause_max_ms, struct wr_object *of)
{
    struct weir_loop *loop = r->transport.loop;
    weir_error error;
    drop_inner(r);
    if (r->o.retries >= 0 && r->tries >= r->o.retries) {
        return fail_at_last(r, r->written > r->acked ? WEIR_ELOST : WEIR_ECONNECT);
    }
    int64_t ms = WR_MIN(wr_backoff_ms(loop, r->pauses), pause_max_ms);
    r->tries++;
    r->pauses++;
    log_retry(r, ms);
    int rc = pause_for(r, ms, "time to connect again", of);
    if (rc < 0) {
        return rc;
    }
    struct wr_transport *inner = wr_dial(r->o.dial, loop, of, &error);
    if (inner == NULL && (error.code == WEIR_ECANCELED || error.code == WEIR_ECLOSED)) {
        return error.code;
    }
    if (inner == NULL) {
        (void)wr_print_text(r->why, sizeof r->why, "%s", error.message);
        bool refused =
            error.code == WEIR_ETLS && error.detail != ECONNRESET; /* closed: it may pass */
        return error.code == WEIR_EHTTP ? fail_at_last(r, WEIR_EHTTP)
               : refused                ? give_up(r, WEIR_ETLS)
                                        : 0;
    }
    take(r, inner);
    loop->stats.reconnects++;
    int64_t since_ms = (wr_now_ns(loop) - r->lost_ns) / 1000000;
    wr_log(&loop->log, WR_LOG_INFO, r->o.name, "connected again after %" PRId64 ".%" PRId64 " s",
           since_ms / 1000, since_ms % 1000 / 100);
    return 0;
}

/* 0: all is sent, or the connection is lost; negative: the wait has failed. */
static int send_again(struct redial *r, int64_t limit_ms, struct wr_object *of)
{
    while (works(r) && r->again < r->kept.len) {
        struct iovec rest = {r->kept.bytes + r->again, r->kept.len - r->again};
        int64_t n = r->inner->ops->write(r->inner, &rest, 1);
        if (n >= 0) {
            r->again += (size_t)n;
        } else if (n != WR_AGAIN) {
            lose(r, (int)n);
        } else {
            int rc = r->inner->ops->wait(r->inner, WR_WRITABLE, limit_ms, "the peer", of);
            if (rc < 0) {
                return rc;
            }
        }
    }
    if (works(r)) {
        wr_timer_start(r->transport.loop, &r->look, LOOK_MS);
    }
    return 0;
}

/* 0: connected, with all kept bytes sent. */
static int heal(struct redial *r, struct wr_object *of)
{
    int rc = r->given_up ? r->code : 0;
    while (rc == 0 && (!works(r) || r->again < r->kept.len)) {
        rc = works(r) ? send_again(r, -1, of) : connect_once(r, INT64_MAX, of);
        rc = r->given_up ? r->code : rc;
    }
    return rc;
}

/* ---- operations */

static int64_t redial_read(struct wr_transport *transport, void *to, size_t cap)
{
    struct redial *r = of_base(transport);
    if (!works(r)) {
        return WR_AGAIN;
    }
    if (r->input_over) {
        return r->shut ? 0 : WR_AGAIN;
    }
    int64_t n = r->inner->ops->read(r->inner, to, cap);
    transport->detail = r->inner->detail;
    return n;
}

static int64_t redial_write(struct wr_transport *transport, const struct iovec *iov, int count)
{
    struct redial *r = of_base(transport);
    struct iovec part[16];
    size_t want = 0, room;
    int n = 0;
    if (r->given_up) {
        return r->code;
    }
    if (!works(r) || r->again < r->kept.len) {
        return WR_AGAIN;
    }
    for (; n < count && n < 16; n++) {
        want += iov[n].iov_len;
    }
    room = keep_room(r, want);
    if (room == 0 && want > 0) {
        return WR_AGAIN;
    }
    for (n = 0; n < count && n < 16 && room > 0; n++) {
        part[n] = iov[n];
        part[n].iov_len = WR_MIN(iov[n].iov_len, room);
        room -= part[n].iov_len;
    }
    int64_t done = r->inner->ops->write(r->inner, part, n);
    if (done >= 0) {
        r->written += (uint64_t)done;
        wr_kept_add(&r->kept, iov, (size_t)done);
        r->again = r->kept.len;
        if (!r->look.active) {
            wr_timer_start(transport->loop, &r->look, LOOK_MS);
        }
    } else if (done != WR_AGAIN) {
        lose(r, (int)done);
        done = r->given_up ? r->code : WR_AGAIN;
    }
    return done;
}

/* Wait until the peer has acknowledged something. */
static int wait_for_room(struct redial *r, struct wr_object *of)
{
    int64_t pause_ms = 1;
    int rc = 0;
    while (rc == 0 && works(r) && r->kept.len >= WR_REDIAL_KEPT_MAX) {
        rc = pause_for(r, pause_ms, "the peer to acknowledge", of);
        pause_ms = WR_MIN(2 * pause_ms, (int64_t)LOOK_PAUSE_MAX_MS);
        if (r->inner != NULL) {
            look(r);
        }
    }
    return rc;
}

static int redial_wait(struct wr_transport *transport, int events, int64_t limit_ms,
                       const char *why, struct wr_object *of)
{
    struct redial *r = of_base(transport);
    if (r->given_up || !works(r) || r->again < r->kept.len) {
        return heal(r, of);
    }
    if (r->kept.len >= WR_REDIAL_KEPT_MAX) {
        return wait_for_room(r, of);
    }
    return r->inner->ops->wait(r->inner, events, limit_ms, why, of);
}

static void redial_shut(struct wr_transport *transport)
{
    struct redial *r = of_base(transport);
    r->shut = true;
    if (works(r)) {
        r->inner->ops->watch_broken(r->inner, NULL, NULL); /* both sides may have ended */
        r->inner->ops->shut(r->inner);
    }
}

static void redial_watch_broken(struct wr_transport *transport, void (*gone)(void *ctx), void *ctx)
{
    of_base(transport)->gone = gone;
    of_base(transport)->gone_ctx = ctx;
}

/* At the end, when our side is shut, its user looks for the peer's own end. */
static void redial_watch_input(struct wr_transport *transport, void (*came)(void *ctx), void *ctx)
{
    struct redial *r = of_base(transport);
    if (r->shut && works(r) && !r->input_over) {
        r->inner->ops->watch_input(r->inner, came, ctx);
    }
}

static int64_t redial_unread(struct wr_transport *transport)
{
    struct redial *r = of_base(transport);
    if (r->inner != NULL) {
        look(r);
    }
    return (int64_t)(r->written - r->acked);
}

static int64_t redial_unsent(struct wr_transport *transport)
{
    struct redial *r = of_base(transport);
    return works(r) ? r->inner->ops->unsent(r->inner) : -1;
}

static bool redial_hung_up(struct wr_transport *transport)
{
    (void)transport;
    return false;
}

static int redial_broken(const struct wr_transport *transport)
{
    const struct redial *r = of_base(transport);
    return r->shut && works(r) ? r->inner->ops->broken(r->inner) : 0;
}

static bool redial_heals(const struct wr_transport *transport)
{
    const struct redial *r = of_base(transport);
    return !r->given_up && !works(r) && r->kept.len > 0;
}

static void redial_reset(struct wr_transport *transport)
{
    struct redial *r = of_base(transport);
    if (r->inner != NULL) {
        r->inner->ops->reset(r->inner);
    }
}

static void redial_free(struct wr_transport *transport)
{
    struct redial *r = of_base(transport);
    wr_timer_stop(transport->loop, &r->look);
    if (works(r)) {
        unwatch(r);
    }
    drop_inner(r);
    wr_kept_fini(&r->kept, &transport->loop->budget);
    wr_free(r);
}

#define REDIAL_OPS(name, exact)                                                              \
    {                                                                                        \
        .kind = (name), .unread_exact = (exact), .read = redial_read, .write = redial_write, \
        .wait = redial_wait, .shut = redial_shut, .unread = redial_unread,                   \
        .unsent = redial_unsent, .hung_up = redial_hung_up, .reset = redial_reset,           \
        .watch_hangup = redial_watch_broken, .watch_broken = redial_watch_broken,            \
        .watch_input = redial_watch_input, .broken = redial_broken, .heals = redial_heals,   \
        .free = redial_free                                                                  \
    }

static const struct wr_transport_ops tcp_ops = REDIAL_OPS("tcp", true),
                                     unix_ops = REDIAL_OPS("unix", false),
                                     tls_ops = REDIAL_OPS("tls", false),
                                     ws_ops = REDIAL_OPS("ws", true);

/* By the address that is connected to. */
static const struct wr_transport_ops *ops_for(const struct wr_dial *dial)
{
    const char *address = dial->address;
    return dial->ws != NULL                    ? &ws_ops
           : strncmp(address, "unix:", 5) == 0 ? &unix_ops
           : strncmp(address, "tls:", 4) == 0  ? &tls_ops
                                               : &tcp_ops;
}

struct wr_transport *wr_redial_transport(struct weir_loop *loop, struct wr_transport *first,
                                         const weir_error *failed,
                                         const struct wr_redial_options *options)
{
    struct redial *r = wr_zalloc(sizeof *r);
    if (r == NULL) {
        if (first != NULL) {
            first->ops->free(first);
        }
        return NULL;
    }
    r->transport.ops = ops_for(options->dial);
    r->transport.loop = loop;
    r->o = *options;
    r->kept.frame = options->frame;
    r->kept.max = WR_REDIAL_KEPT_MAX;
    wr_timer_init(&r->look, on_look);
    if (first != NULL) {
        take(r, first);
    } else {
        r->lost_ns = wr_now_ns(loop);
        (void)wr_print_text(r->why, sizeof r->why, "%s", failed->message);
    }
    return &r->transport;
}

int wr_redial_settle(struct wr_transport *transport, int64_t limit_ms, struct wr_object *of)
{
    if (transport->ops->heals == NULL) {
        return 0;
    }
    struct redial *r = of_base(transport);
    struct weir_loop *loop = transport->loop;
    int64_t fell_ns = wr_now_ns(loop), pause_ms = 1;
    uint64_t acked = r->acked;
    int rc = 0;
    while (redial_unread(transport) > 0 && rc == 0) {
        int64_t left_ms = INT64_MAX;
        if (r->acked > acked) {
            acked = r->acked;
            fell_ns = wr_now_ns(loop);
        }
        if (limit_ms >= 0) {
            left_ms = limit_ms - (wr_now_ns(loop) - fell_ns) / 1000000;
        }
        if (left_ms <= 0) {
            return WEIR_ETIMEDOUT;
        }
        if (!works(r)) {
            rc = connect_once(r, left_ms, of);
        } else if (r->again < r->kept.len) {
            rc = send_again(r, limit_ms < 0 ? -1 : left_ms, of);
        } else {
            rc = pause_for(r, pause_ms, "the peer to acknowledge", of);
            pause_ms = WR_MIN(2 * pause_ms, (int64_t)LOOK_PAUSE_MAX_MS);
        }
        rc = r->given_up ? r->code : rc;
    }
    return rc;
}
