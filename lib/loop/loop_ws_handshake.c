/*
 * loop_ws_handshake.c - the request and the answer that open a WebSocket on a connection.
 *
 * All functions that read or write suspend; between, nobody else has the connection. Only a status
 * that may be another one next time leaves a later attempt a chance.
 */
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "base_alloc.h"
#include "base_fault.h"
#include "codec_out.h"
#include "codec_ws_handshake.h"
#include "loop_wait.h"
#include "loop_ws.h"

bool wr_ws_random(void *to, size_t len)
{
    return !wr_fault("getrandom") && getrandom(to, len, 0) == (ssize_t)len;
}

struct handshake {
    struct wr_transport *inner;
    const struct wr_ws_dial *dial;
    struct wr_object *of;
    weir_error *error;
    char accept[WR_WS_ACCEPT_CHARS + 1];
    char *in; /* WR_WS_ANSWER_BYTES_MAX */
    size_t len;
};

static int refuse(struct handshake *h, int code, const char *what)
{
    return wr_error_set(h->error, code, 0, "ws", "%s", what);
}

static int64_t left_ms(const struct handshake *h, int64_t end_ns)
{
    return end_ns == INT64_MAX ? -1
                               : WR_MAX(end_ns - wr_now_ns(h->inner->loop), (int64_t)0) / 1000000;
}

/* The connection has failed. */
static int fail(struct handshake *h, int code)
{
    const char *reason = h->inner->reason;
    int detail = h->inner->detail;
    if (code == WEIR_ECANCELED || code == WEIR_ECLOSED) {
        return refuse(h, code, wr_code_text(code));
    }
    return wr_error_set(h->error, code == WEIR_ETLS ? code : WEIR_ECONNECT, detail, "ws",
                        "the handshake: %s",
                        code == WEIR_ETIMEDOUT ? "no answer in time"
                        : reason != NULL       ? reason
                        : detail != 0          ? strerror(detail)
                                               : wr_code_text(code));
}

static int send_request(struct handshake *h, int64_t end_ns)
{
    char nonce[WR_WS_NONCE_CHARS + 1];
    uint8_t random[WR_WS_NONCE_BYTES];
    if (!wr_ws_random(random, sizeof random)) {
        return refuse(h, WEIR_EIO, "no random bytes for a key");
    }
    wr_ws_write_nonce(random, nonce);
    const struct wr_ws_request request = {.host = wr_text_of(h->dial->host),
                                          .target = wr_text_of(h->dial->target),
                                          .nonce = nonce,
                                          .protocols = h->dial->protocols,
                                          .headers = h->dial->headers,
                                          .headers_count = h->dial->headers_count,
                                          .more = h->dial->login};
    struct wr_out out = {NULL, 0, 0};
    wr_ws_write_request(&out, &request);
    size_t len = out.len, done = 0;
    char *text = wr_alloc(len);
    if (text == NULL || wr_ws_write_accept(wr_text_of(nonce), h->accept) < 0) {
        wr_free(text);
        return refuse(h, WEIR_ENOMEM, "no memory for a request");
    }
    out = (struct wr_out){text, len, 0};
    wr_ws_write_request(&out, &request);
    int64_t n = 0;
    while (n >= 0 && done < len) {
        struct iovec rest = {text + done, len - done};
        n = h->inner->ops->write(h->inner, &rest, 1);
        done += n > 0 ? (size_t)n : 0;
        if (n == WR_AGAIN) {
            n = h->inner->ops->wait(h->inner, WR_WRITABLE, left_ms(h, end_ns), "the server to read",
                                    h->of);
        }
    }
    memset(text, 0, len); /* it may hold secrets */
    wr_free(text);
    return n < 0 ? fail(h, (int)n) : 0;
}

static int judge(struct handshake *h, const struct wr_ws_answer *answer)
{
    unsigned close;
    if (answer->status == 101) {
        const char *wrong = wr_ws_answer_wrong(answer, h->accept, h->dial->protocols, &close);
        return wrong == NULL ? 0
                             : wr_error_set(h->error, WEIR_EHTTP, 101, "ws",
                                            "the answer of the server is invalid: %s", wrong);
    }
    bool passing = answer->status == 408 || answer->status == 425 || answer->status == 429 ||
                   answer->status >= 500;
    return wr_error_set(h->error, passing ? WEIR_ECONNECT : WEIR_EHTTP, answer->status, "ws",
                        "%d %.*s: the server does not open a WebSocket at this address",
                        answer->status, (int)WR_MIN(answer->reason.len, (size_t)60),
                        answer->reason.data);
}

/* 1: more must come; 0: a head was used, which is not the last one; 2: the WebSocket is open; or a
 * failure. */
static int use_head(struct handshake *h)
{
    struct wr_ws_answer answer;
    size_t head = wr_ws_head_bytes(h->in, h->len);
    if (h->len > 0 && memcmp(h->in, "HTTP/", WR_MIN(h->len, (size_t)5)) != 0) {
        return refuse(h, WEIR_EHTTP, "the server does not speak HTTP");
    }
    if (head == 0) {
        return h->len < WR_WS_ANSWER_BYTES_MAX
                   ? 1
                   : refuse(h, WEIR_EHTTP, "the head of the answer is longer than 16 KiB");
    }
    if (!wr_ws_answer_read(&answer, h->in, head, false, 0, INT32_MAX)) {
        return refuse(h, WEIR_EHTTP, "the answer of the server is not HTTP/1.1");
    }
    bool last = answer.status == 101 || answer.status >= 200;
    int rc = last ? judge(h, &answer) : 0;
    h->len -= head;
    memmove(h->in, h->in + head, h->len);
    return rc < 0 ? rc : last ? 2 : 0;
}

static int read_answer(struct handshake *h, int64_t end_ns)
{
    int rc;
    while ((rc = use_head(h)) == 0 || rc == 1) {
        int64_t n = 0;
        if (rc == 0) {
            continue;
        }
        while ((n = h->inner->ops->read(h->inner, h->in + h->len,
                                        WR_WS_ANSWER_BYTES_MAX - h->len)) == WR_AGAIN) {
            n = h->inner->ops->wait(h->inner, WR_READABLE, left_ms(h, end_ns), "an answer", h->of);
            if (n < 0) {
                break;
            }
        }
        if (n <= 0) {
            return n < 0 ? fail(h, (int)n)
                         : refuse(h, WEIR_ECONNECT,
                                  "the server has closed the connection without an answer");
        }
        h->len += (size_t)n;
    }
    return rc < 0 ? rc : 0;
}

struct wr_transport *wr_ws_start(struct wr_transport *inner, const struct wr_ws_dial *dial,
                                 int64_t limit_ms, struct wr_object *of, weir_error *error)
{
    struct handshake h = {.inner = inner, .dial = dial, .of = of, .error = error};
    struct wr_transport *transport = NULL;
    int64_t end_ns =
        limit_ms < 0 ? INT64_MAX : wr_now_ns(inner->loop) + limit_ms * INT64_C(1000000);
    h.in = wr_alloc(WR_WS_ANSWER_BYTES_MAX);
    if (h.in == NULL) {
        (void)refuse(&h, WEIR_ENOMEM, "no memory for an answer");
    } else if (send_request(&h, end_ns) == 0 && read_answer(&h, end_ns) == 0) {
        transport = wr_ws_transport(inner, dial, h.in, h.len);
        if (transport == NULL) {
            (void)refuse(&h, WEIR_ENOMEM, "no memory for a connection");
        }
    }
    wr_free(h.in);
    if (transport == NULL) {
        inner->loop->stats.connects--; /* a connection without a handshake does not count */
        inner->ops->free(inner);
    }
    return transport;
}
