/*
 * loop_socket.c - the end of a connection that something was written to.
 *
 * States: connected -> shut (our end was sent to the peer) -> closed. While no task reads, a watch
 * of the descriptor drops the input, on the scheduler's stack.
 *
 * There is no event for bytes that the peer takes, so wr_socket_finish checks repeatedly: first
 * soon, then every LOOK_MS at most. Input wakes it earlier. TCP knows what the peer's system has
 * acknowledged; a unix socket knows what the peer itself has not read. Neither shows whether the
 * program has read what its system has acknowledged. A program that closes without reading it
 * resets the connection. So wr_socket_finish waits QUIET_MS for a reset, unless the peer's own end
 * shows that it has seen ours.
 */
#include "loop_socket.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base_alloc.h"
#include "base_error.h"

enum {
    DROP_BYTES = 16 * 1024,
    DROP_READS = 16, /* in a row, then other tasks have a turn */
    LOOK_MS = 20,
    QUIET_MS = 1000
};

/* Read and drop the available input. */
static void drop(struct wr_socket *socket)
{
    struct wr_transport *transport = socket->transport;
    char few[512], *many = wr_alloc(DROP_BYTES);
    char *to = many != NULL ? many : few;
    size_t cap = many != NULL ? (size_t)DROP_BYTES : sizeof few;
    int64_t n = 1;
    for (int i = 0; i < DROP_READS && n > 0; i++) {
        n = transport->ops->read(transport, to, cap);
    }
    wr_free(many);
    if (n > 0 || n == WR_AGAIN) {
        return;
    }
    socket->input_over = true;
    /* Even an end that TLS reports as a cut is an answer to our end. */
    socket->answered = (n == 0 || n == WEIR_ETRUNCATED) && socket->shut;
    socket->broken = n < 0 ? transport->detail : 0;
    socket->refused = n == WEIR_ETLS;
    if (socket->drops) {
        transport->ops->watch_input(transport, NULL, NULL);
    }
}

static void input_came(void *ctx)
{
    struct wr_socket *socket = ctx;
    drop(socket);
    if (socket->shut && socket->input_over) {
        wr_object_wake(socket->of);
    }
}

void wr_socket_drop_input(struct wr_socket *socket)
{
    if (!socket->drops && !socket->input_over) {
        socket->drops = true;
        socket->transport->ops->watch_input(socket->transport, input_came, socket);
    }
}

/* How far the peer has read, as far as known. */
struct progress {
    int64_t left;    /* bytes that it has not taken */
    int64_t fell_ns; /* when `left` last became less */
};

int wr_socket_lost(const struct wr_transport *transport, int64_t unread, uint64_t written,
                   int broken, weir_error *error, const char *what)
{
    uint64_t left = WR_MIN((uint64_t)unread, written);
    if (left == 0) {
        return wr_error_set(error, WEIR_ELOST, broken, "socket",
                            "%s; the peer may have read none of the %" PRIu64 " bytes written",
                            what, written);
    }
    return wr_error_set(error, WEIR_ELOST, broken, "socket",
                        "%s; %s%" PRIu64 " of %" PRIu64 " bytes written were not delivered", what,
                        transport->ops->unread_exact ? "" : "up to ", left, written);
}

/* 1: everything has arrived, as far as can be known; 0: not yet; negative: lost. */
static int look(struct wr_socket *socket, struct progress *progress, uint64_t written,
                int64_t drain_ms, weir_error *error)
{
    const struct wr_transport_ops *ops = socket->transport->ops;
    char what[64];
    int64_t now = wr_now_ns(socket->loop);
    if (!socket->input_over) {
        drop(socket);
    }
    if (socket->refused) { /* it has also closed, possibly with a reset */
        return wr_error_set(error, WEIR_ETLS, 0, "socket",
                            "TLS: %s; the peer may have read none of the %" PRIu64 " bytes written",
                            socket->transport->reason, written);
    }
    int broken = socket->broken != 0 ? socket->broken : ops->broken(socket->transport);
    if (broken != 0) { /* use the earlier `left`: a unix socket now shows 0 */
        return wr_socket_lost(socket->transport, progress->left, written, broken, error,
                              WR_SOCKET_RESET);
    }
    int64_t left = wr_socket_left(socket);
    if (left < progress->left) {
        progress->left = left;
        progress->fell_ns = now;
    }
    int64_t since_ms = (now - progress->fell_ns) / 1000000;
    if (left > 0 && (drain_ms < 0 || since_ms < drain_ms)) {
        return 0;
    }
    if (left > 0) {
        snprintf(what, sizeof what, "the peer has accepted no bytes for %" PRId64 ".%" PRId64 " s",
                 since_ms / 1000, since_ms % 1000 / 100);
        return wr_socket_lost(socket->transport, progress->left, written, 0, error, what);
    }
    return socket->answered || since_ms >= QUIET_MS;
}

int wr_socket_finish(struct wr_socket *socket, uint64_t written, int64_t drain_ms,
                     weir_error *error)
{
    const struct wr_transport_ops *ops = socket->transport->ops;
    struct progress progress = {wr_socket_left(socket), wr_now_ns(socket->loop)};
    int64_t pause_ms = 1;
    int rc;
    wr_error_clear(error);
    socket->shut = true;
    ops->shut(socket->transport);
    while ((rc = look(socket, &progress, written, drain_ms, error)) == 0) {
        struct wr_limit limit;
        wr_limit_start(socket->loop, &limit, pause_ms);
        rc = wr_wait_limited(&limit, "the peer to take the rest", socket->of);
        wr_limit_stop(&limit);
        if (rc < 0 && rc != WEIR_ETIMEDOUT) {
            return progress.left == 0 ? 0
                                      : wr_socket_lost(socket->transport, progress.left, written, 0,
                                                       error, "stopped waiting for the peer");
        }
        ops->shut(socket->transport); /* close_notify of TLS may have found no room before */
        pause_ms = WR_MIN(pause_ms * 2, (int64_t)LOOK_MS);
    }
    return WR_MIN(rc, 0);
}

void wr_socket_close(struct wr_socket *socket)
{
    if (socket->transport != NULL) {
        socket->transport->ops->free(socket->transport);
        socket->transport = NULL;
    }
}
