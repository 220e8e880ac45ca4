/*
 * loop_tunnel.c - a connection through an HTTP proxy.
 *
 * The proxy is asked by CONNECT, and its answer is read up to the empty line. Nothing may come behind
 * it, because in what weir tunnels the client speaks first. It suspends in the waits; nobody else has
 * the connection meanwhile.
 */
#include "loop_tunnel.h"

#include <stdio.h>
#include <string.h>

#include "base_alloc.h"
#include "base_print.h"
#include "codec_ws_handshake.h"
#include "loop_wait.h"

enum { ANSWER_MAX = 8 * 1024 };

void wr_tunnel_fini(struct wr_tunnel *tunnel)
{
    if (tunnel->login != NULL) {
        memset(tunnel->login, 0, strlen(tunnel->login));
    }
    wr_free(tunnel->login);
    wr_free(tunnel->proxy);
    *tunnel = (struct wr_tunnel){.proxy = NULL};
}

struct ask {
    struct wr_transport *transport;
    const struct wr_tunnel *tunnel;
    struct wr_object *of;
    weir_error *error;
    int64_t end_ns; /* INT64_MAX: no limit */
    size_t len;
    char text[ANSWER_MAX];
};

static int64_t left_ms(const struct ask *ask)
{
    return ask->end_ns == INT64_MAX
               ? -1
               : WR_MAX(ask->end_ns - wr_now_ns(ask->transport->loop), (int64_t)0) / 1000000;
}

static int refuse(struct ask *ask, int code, int detail, const char *what)
{
    return wr_error_set(ask->error, code, detail, "proxy", "the proxy %.120s: %.200s",
                        ask->tunnel->proxy, what);
}

static int fail(struct ask *ask, int code)
{
    int detail = ask->transport->detail;
    if (code == WEIR_ECANCELED || code == WEIR_ECLOSED) {
        return wr_error_set(ask->error, code, 0, "proxy", "%s", wr_code_text(code));
    }
    return refuse(ask, code == WEIR_ETIMEDOUT ? code : WEIR_ECONNECT, detail,
                  code == WEIR_ETIMEDOUT ? "no answer in time"
                  : detail != 0          ? strerror(detail)
                                         : wr_code_text(code));
}

static int send_request(struct ask *ask, const char *peer)
{
    const struct wr_transport_ops *ops = ask->transport->ops;
    const char *login = ask->tunnel->login != NULL ? ask->tunnel->login : "";
    size_t cap = 2 * strlen(peer) + strlen(login) + 64, done = 0;
    char *text = wr_alloc(cap);
    int64_t n = 0;
    if (text == NULL) {
        return refuse(ask, WEIR_ENOMEM, 0, "no memory for a request");
    }
    int len = snprintf(text, cap, "CONNECT %s HTTP/1.1\r\nHost: %s\r\n%s\r\n", peer, peer, login);
    while (n >= 0 && done < (size_t)len) {
        struct iovec rest = {text + done, (size_t)len - done};
        n = ops->write(ask->transport, &rest, 1);
        done += n > 0 ? (size_t)n : 0;
        if (n == WR_AGAIN) {
            n = ops->wait(ask->transport, WR_WRITABLE, left_ms(ask), "the proxy to read", ask->of);
        }
    }
    memset(text, 0, cap); /* it may hold a secret */
    wr_free(text);
    return n < 0 ? fail(ask, (int)n) : 0;
}

/* The answer is complete. */
static int judge(struct ask *ask, size_t head)
{
    struct wr_ws_answer answer;
    char what[120];
    if (!wr_ws_answer_read(&answer, ask->text, head, false, 0, INT32_MAX)) {
        return refuse(ask, WEIR_EHTTP, 0, "it does not speak HTTP/1.1");
    }
    if (answer.status < 200 || answer.status > 299) {
        bool passing = answer.status == 408 || answer.status == 429 || answer.status >= 500;
        (void)wr_print_text(what, sizeof what, "it refuses the connection: %d %.*s%s",
                            answer.status, (int)WR_MIN(answer.reason.len, (size_t)60),
                            answer.reason.data,
                            answer.status == 407 ? ": it requires a login" : "");
        return refuse(ask, passing ? WEIR_ECONNECT : WEIR_EHTTP, answer.status, what);
    }
    return head == ask->len ? 0 : refuse(ask, WEIR_EHTTP, 0, "it sends more than its answer");
}

static int read_answer(struct ask *ask)
{
    const struct wr_transport_ops *ops = ask->transport->ops;
    size_t head;
    while ((head = wr_ws_head_bytes(ask->text, ask->len)) == 0) {
        if (ask->len == sizeof ask->text) {
            return refuse(ask, WEIR_EHTTP, 0, "its answer is longer than 8 KiB");
        }
        int64_t n = ops->read(ask->transport, ask->text + ask->len, sizeof ask->text - ask->len);
        if (n == WR_AGAIN) {
            int rc = ops->wait(ask->transport, WR_READABLE, left_ms(ask), "the proxy", ask->of);
            if (rc < 0) {
                return fail(ask, rc);
            }
        } else if (n <= 0) {
            return n < 0 ? fail(ask, (int)n)
                         : refuse(ask, WEIR_ECONNECT, 0, "it has closed the connection");
        } else {
            ask->len += (size_t)n;
        }
    }
    return judge(ask, head);
}

struct wr_transport *wr_tunnel_connect(struct weir_loop *loop, const struct wr_tunnel *tunnel,
                                       const char *peer, int64_t limit_ms, struct wr_object *of,
                                       weir_error *error)
{
    struct ask *ask = wr_alloc(sizeof *ask);
    if (ask == NULL) {
        wr_error_set(error, WEIR_ENOMEM, 0, "proxy", "no memory for a connection");
        return NULL;
    }
    wr_time_update(loop);
    ask->end_ns = limit_ms < 0 ? INT64_MAX : wr_now_ns(loop) + limit_ms * INT64_C(1000000);
    ask->tunnel = tunnel;
    ask->of = of;
    ask->error = error;
    ask->len = 0;
    struct wr_transport *transport = wr_tcp_connect(loop, tunnel->proxy, limit_ms, of, error);
    ask->transport = transport;
    if (transport == NULL) {
        if (error->code != WEIR_ECANCELED && error->code != WEIR_ECLOSED) {
            weir_error why = *error;
            (void)refuse(ask, why.code, why.detail, why.message);
        }
    } else if (send_request(ask, peer) < 0 || read_answer(ask) < 0) {
        loop->stats.connects--; /* a connection that leads nowhere does not count */
        transport->ops->free(transport);
        transport = NULL;
    }
    wr_free(ask);
    return transport;
}
