/*
 * loop_redial.h - a connection to write to that is made again when it is lost. Internal.
 *
 * It is a transport around the transport of one connection after another. It keeps the bytes that
 * the peer has not acknowledged, at most WR_REDIAL_KEPT_MAX, from the beginning of a record. When the
 * connection is lost, `write` returns WR_AGAIN. The wait for room then pauses, connects again, and
 * sends these bytes first. So its user sees a peer that takes nothing for a while, and what it has
 * written is written once. How much of it a peer has read that was lost is not known: records may be
 * sent again, and what the peer's kernel had acknowledged and the peer had not read is lost.
 *
 * A connection that breaks while nobody waits is reported by watch_broken. If there are bytes to send
 * again (`heals`), its user should wait for room soon. It reads and drops what the peer sends.
 *
 * After `retries` attempts in a row, when TLS fails, or when a WebSocket is refused, it stays broken: the wait returns a code, and
 * `reason` is the text.
 */
#ifndef WR_LOOP_REDIAL_H
#define WR_LOOP_REDIAL_H

#include "loop_dial.h"

enum { WR_REDIAL_KEPT_MAX = 512 * 1024 };

struct wr_redial_options {
    const struct wr_dial *dial; /* how to connect; must stay */
    const char *name;           /* of the user, for the log; must stay */
    int32_t frame;              /* WEIR_FRAME_...: where a record begins */
    int32_t retries;            /* attempts in a row without a byte that the peer acknowledges;
                                   negative: no limit */
};

/* Around `first`, which is connected; or NULL, and *failed says why: the first wait for room connects.
 * NULL: out of memory, and `first` is freed. */
struct wr_transport *wr_redial_transport(struct weir_loop *loop, struct wr_transport *first,
                                         const weir_error *failed,
                                         const struct wr_redial_options *options);
/* Wait until the peer has acknowledged all that was written, connecting again if need be. limit_ms:
 * how long it may acknowledge no byte; negative: no limit. Suspends. 0; WEIR_ETIMEDOUT, or why the
 * wait has failed. Does nothing with any other transport. */
int wr_redial_settle(struct wr_transport *transport, int64_t limit_ms, struct wr_object *of);

#endif
