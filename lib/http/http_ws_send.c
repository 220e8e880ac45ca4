/*
 * http_ws_send.c - what a WebSocket connection sends (http_ws_parts.h): the request of the handshake,
 * then frames.
 *
 * What is to be sent goes to a buffer. A send writes at once what the transport takes; the rest is
 * written by a second task, which lives until the buffer is empty. Only one of them writes at a time.
 *
 * The mask of each frame comes from getrandom, in portions.
 */
#include <string.h>
#include <sys/random.h>

#include "base_alloc.h"
#include "base_fault.h"
#include "codec_base64.h"
#include "codec_out.h"
#include "http_ws_parts.h"

enum { OUT_MIN = 512, HEADERS_MAX = 100 };

static bool fill_random(void *to, size_t len)
{
    return !wr_fault("getrandom") && getrandom(to, len, 0) == (ssize_t)len;
}

/* A new key; NULL: the system gives no random bytes. */
static const uint8_t *next_key(struct wr_ws_wire *wire)
{
    if (wire->keys_left == 0) {
        if (!fill_random(wire->keys, sizeof wire->keys)) {
            return NULL;
        }
        wire->keys_left = WR_WS_KEYS;
    }
    return wire->keys[--wire->keys_left];
}

/* ---- the request */

/* A text that holds a secret; NULL is allowed. */
static void forget(char *secret)
{
    if (secret != NULL) {
        memset(secret, 0, strlen(secret));
        wr_free(secret);
    }
}

/* The header of a login, "name:password"; NULL: out of memory. */
static char *make_login(const char *user)
{
    static const char begin[] = "Authorization: Basic ";
    size_t len = strlen(user), at = sizeof begin - 1, encoded = wr_base64_len(len);
    char *line = wr_alloc(at + encoded + 1);
    if (line != NULL) {
        memcpy(line, begin, at);
        wr_base64_write(user, len, line + at);
        line[at + encoded] = '\0';
    }
    return line;
}

bool wr_ws_make_request(struct wr_ws_wire *wire, const struct wr_url *url)
{
    struct wr_http *http = wire->http;
    const char *at = http->sent, *end = http->sent + http->sent_len;
    char nonce[WR_WS_NONCE_CHARS + 1], *login = NULL, *lines[HEADERS_MAX];
    uint8_t random[WR_WS_NONCE_BYTES];
    size_t count = 0;
    for (; at < end && count < HEADERS_MAX; at += strlen(at) + 1) {
        lines[count++] = (char *)(uintptr_t)at;
    }
    if (!fill_random(random, sizeof random)) {
        return false;
    }
    wr_ws_write_nonce(random, nonce);
    if (wr_ws_write_accept(wr_text_of(nonce), wire->accept) < 0) {
        return false;
    }
    if (http->login != NULL && (login = make_login(http->login)) == NULL) {
        return false;
    }
    /* From the host to the path: with the port, if the URL has one. */
    const char *host = url->host.data, *rest = url->path.data;
    struct wr_text target = {rest, url->path.len};
    if (url->query.data != NULL) {
        target.len = (size_t)(url->query.data + url->query.len - rest);
    }
    struct wr_ws_request request = {.host = {host, (size_t)(rest - host)},
                                    .target = target,
                                    .nonce = nonce,
                                    .protocols = http->ws->protocols,
                                    .deflate = http->ws->deflate,
                                    .headers = lines,
                                    .headers_count = count,
                                    .more = login};
    struct wr_out out = {NULL, 0, 0};
    wr_ws_write_request(&out, &request);
    wire->request = wr_alloc(out.len);
    wire->request_len = out.len;
    if (wire->request != NULL) {
        out = (struct wr_out){wire->request, out.len, 0};
        wr_ws_write_request(&out, &request);
    }
    forget(login);
    return wire->request != NULL;
}

void wr_ws_forget_request(struct wr_ws_wire *wire)
{
    if (wire->request != NULL) {
        memset(wire->request, 0, wire->request_len);
        wr_free(wire->request);
        wire->request = NULL;
    }
}

/* False: failed. */
bool wr_ws_send_request(struct wr_ws_wire *wire)
{
    struct iovec iov = {wire->request, wire->request_len};
    while (iov.iov_len > 0) {
        int64_t n = wire->transport->ops->write(wire->transport, &iov, 1);
        if (n == WR_AGAIN) {
            int rc = wire->transport->ops->wait(wire->transport, WR_WRITABLE, -1,
                                                "the server to read", NULL);
            if (rc < 0) {
                return false;
            }
        } else if (n < 0) {
            wr_ws_fail_transport(wire, (int)n);
            return false;
        } else {
            iov.iov_base = (char *)iov.iov_base + n;
            iov.iov_len -= (size_t)n;
        }
    }
    wr_ws_forget_request(wire);
    return true;
}

/* ---- frames */

/* 0: all is written; 1: some is left; or a failure. */
static int write_out(struct wr_ws_wire *wire)
{
    while (wire->out_len > 0) {
        struct iovec iov = {wire->out, wire->out_len};
        int64_t n = wire->transport->ops->write(wire->transport, &iov, 1);
        if (n == WR_AGAIN) {
            return 1;
        }
        if (n < 0) {
            wr_ws_fail_transport(wire, (int)n);
            return (int)n;
        }
        wire->out_len -= (size_t)n;
        memmove(wire->out, wire->out + n, wire->out_len);
    }
    return 0;
}

/* Write all that is left. 0, or the code of a failure or of a failed wait. */
static int write_rest(struct wr_ws_wire *wire)
{
    int rc;
    while ((rc = write_out(wire)) > 0) {
        rc = wire->transport->ops->wait(wire->transport, WR_WRITABLE, -1, "the server to read",
                                        NULL);
        if (rc < 0) {
            return rc;
        }
    }
    return rc;
}

static void out_main(struct wr_task *task, void *arg)
{
    struct wr_ws_wire *wire = arg;
    (void)task;
    (void)write_rest(wire);
    wire->out_task = NULL;
    wr_http_wake(wire->http);
}

static int reserve_out(struct wr_ws_wire *wire, size_t more)
{
    size_t need = wire->out_len + more;
    if (need > wire->out_cap) {
        size_t cap = WR_MAX(need, WR_MAX(wire->out_cap * 2, (size_t)OUT_MIN));
        char *out = wr_realloc(wire->out, cap);
        if (out == NULL) {
            return WEIR_ENOMEM;
        }
        wire->out = out;
        wire->out_cap = cap;
    }
    return 0;
}

int wr_http_ws_send(struct wr_http *http, unsigned opcode, const char *data, size_t len)
{
    struct wr_ws_wire *wire = wr_ws_wire_of(http);
    if (wire == NULL || !wire->upgraded || wire->closing || wire->error.code != 0) {
        return 0; /* the end of the attempt reports why */
    }
    const uint8_t *key = next_key(wire);
    if (key == NULL || reserve_out(wire, WR_WS_HEAD_MAX + len) < 0) {
        return WEIR_ENOMEM;
    }
    char *to = wire->out + wire->out_len;
    size_t head = wr_ws_write_head(to, WR_WS_FIN | opcode, len, key);
    wr_ws_mask(to + head, data, len, key, 0);
    wire->out_len += head + len;
    if (wire->out_task != NULL || write_out(wire) <= 0) {
        return 0;
    }
    wire->out_task = wr_task_hidden(http->of->scope, "websocket writer", out_main, wire);
    return wire->out_task != NULL ? 0 : WEIR_ENOMEM;
}

bool wr_ws_put_close(struct wr_ws_wire *wire)
{
    const uint8_t *key = next_key(wire);
    if (key == NULL || reserve_out(wire, WR_WS_CONTROL_FRAME_MAX) < 0) {
        return false;
    }
    char *to = wire->out + wire->out_len;
    wire->out_len += wire->close_code == WR_WS_NO_CODE
                         ? wr_ws_write_control(to, WR_WS_CLOSE, "", 0, key)
                         : wr_ws_write_close(to, wire->close_code, "", key);
    return true;
}

bool wr_ws_write_until(struct wr_ws_wire *wire, int64_t end_ns)
{
    int rc;
    while ((rc = write_out(wire)) > 0) {
        int64_t left_ms = (end_ns - wr_now_ns(wire->http->loop)) / 1000000;
        if (left_ms <= 0 || wire->transport->ops->wait(wire->transport, WR_WRITABLE, left_ms,
                                                       "the server to read", NULL) < 0) {
            return false;
        }
    }
    return rc == 0;
}
