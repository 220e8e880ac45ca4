/*
 * loop_socket.c - the end of a connection that something was written to.
 *
 * States: connected -> shut (the peer was sent our end) -> closed. While nobody reads, a watch of the
 * descriptor drops what comes, on the scheduler's stack.
 *
 * There is no event for bytes that the peer takes, so wr_socket_finish looks again and again, first
 * soon and then at most every LOOK_MS; what comes meanwhile wakes it. Tcp knows what the peer's system
 * has acknowledged, a unix socket what the peer itself has not read. Neither tells whether a program
 * has read what its system has acknowledged: one that closes without reading it resets the connection,
 * for which QUIET_MS are waited, unless the peer's own end says that it has seen ours.
 */
#include "loop_socket.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base_alloc.h"
#include "base_error.h"

enum {
    DROP_BYTES = 16 * 1024,
    DROP_READS = 16, /* in a row, then the others have their turn */
    LOOK_MS = 20,
    QUIET_MS = 1000
};

/* Read and drop what is there. */
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
    /* What TLS calls a cut of what the peer sends is an answer to our end all the same. */
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

/* What is known of how far the peer has come. */
struct progress {
    int64_t left;    /* bytes that it has not taken */
    int64_t fell_ns; /* when that has become less */
};

int wr_socket_lost(const struct wr_transport *transport, int64_t unread, uint64_t written,
                   int broken, weir_error *error, const char *what)
{
    bool exact = strcmp(transport->ops->kind, "tcp") == 0;
    uint64_t left = WR_MIN((uint64_t)unread, written);
    if (left == 0) {
        return wr_error_set(error, WEIR_ELOST, broken, "socket",
                            "%s; of %" PRIu64 " bytes written it may have read none", what,
                            written);
    }
    return wr_error_set(error, WEIR_ELOST, broken, "socket",
                        "%s; %s%" PRIu64 " of %" PRIu64 " bytes written did not arrive", what,
                        exact ? "" : "up to ", left, written);
}

/* 1: all has arrived, as far as can be known; 0: not yet; negative: lost. */
static int look(struct wr_socket *socket, struct progress *progress, uint64_t written,
                int64_t drain_ms, weir_error *error)
{
    const struct wr_transport_ops *ops = socket->transport->ops;
    char what[64];
    int64_t now = wr_now_ns(socket->loop);
    if (!socket->input_over) {
        drop(socket);
    }
    if (socket->refused) { /* it has closed, too, which may have been a reset */
        return wr_error_set(error, WEIR_ETLS, 0, "socket",
                            "TLS: %s; of %" PRIu64 " bytes written the peer may have read none",
                            socket->transport->reason, written);
    }
    int broken = socket->broken != 0 ? socket->broken : ops->broken(socket->transport);
    if (broken != 0) { /* what was left before counts: a unix socket has none any more */
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
        snprintf(what, sizeof what, "the peer has taken nothing for %" PRId64 ".%" PRId64 " s",
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
                                                       error, "not waited any longer for the peer");
        }
        ops->shut(socket->transport); /* what TLS ends with may have found no room */
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
