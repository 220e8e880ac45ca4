/*
 * loop_duplex.h - a connection and its ends: which end connects it, and which one ends last.
 * Internal.
 *
 * Each source and each sink on a socket is an end of a weir_socket. It is the only end, or one of
 * two if the program has made the weir_socket.
 */
#ifndef WR_LOOP_DUPLEX_H
#define WR_LOOP_DUPLEX_H

#include "loop_dial.h"
#include "loop_object.h"
#include "loop_socket.h"

enum wr_end { WR_END_READS = 0, WR_END_WRITES };

struct weir_socket {
    struct weir_loop *loop;
    struct wr_dial dial;
    struct wr_socket socket;
    weir_error *failure;       /* of the address, the options or connecting; NULL: none */
    size_t refs;               /* the ends, and the scope */
    struct wr_object *ends[2]; /* what waits for it; NULL: not made, or ended */
    bool made[2];
    bool open; /* a struct program_socket (loop_duplex.c) that is in its scope */
    bool connecting;
    uint64_t written; /* bytes, by the writing end; set when it ends */
    int32_t retries;  /* of a sink alone: WEIR_NONE, or how often it connects again */
    int32_t frame;
};

/*
 * Make an end of options->socket, or, if that is NULL, of a new connection to `address`.
 *
 * of       what waits for it.
 * Returns  NULL: *error. Else the caller must end it with wr_duplex_end.
 */
struct weir_socket *wr_duplex_take(struct weir_loop *loop, enum wr_end end, const char *address,
                                   const weir_socket_options *options, struct wr_object *of,
                                   weir_error *error);
/* The name of the end: its address. */
const char *wr_duplex_name(const char *address, const weir_socket_options *options);
/* Connect, unless the other end has done so. Suspends. NULL: *error, as wr_dial. */
struct wr_transport *wr_duplex_open(struct weir_socket *socket, enum wr_end end, weir_error *error);
/* Close the connection of a source or a sink alone: its next wr_duplex_open connects again. */
void wr_duplex_drop(struct weir_socket *socket);
/*
 * End this end of the connection. The first end leaves the connection to the other. The last
 * end closes it; if it and the writing end were `proper`, it first completes what was
 * written (wr_socket_finish). Suspends.
 *
 * proper   the end has not failed and was not discarded.
 * written  bytes, by the end that writes.
 * Returns  0; WEIR_ELOST, WEIR_ETLS with *error.
 */
int wr_duplex_end(struct weir_socket *socket, enum wr_end end, bool proper, uint64_t written,
                  weir_error *error);

#endif
