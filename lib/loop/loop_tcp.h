/*
 * loop_tcp.h - the kernel's counters of a TCP connection, and when it treats the peer as gone.
 * Internal.
 */
#ifndef WR_LOOP_TCP_H
#define WR_LOOP_TCP_H

#include <stdint.h>

/* Bytes that were received on the connection; 0: not a TCP connection, or the kernel does
 * not report it. */
uint64_t wr_tcp_bytes_read(int fd);
/* Probe a silent peer (TCP keep-alive): after 30 s, then every 10 s. Three probes without an answer
 * end the connection. Harmless if it is not a TCP connection. */
void wr_tcp_keep_alive(int fd);
/* For a connection that is only read from: what we send must be acknowledged within 60 s, as long
 * as the probes take, or the peer is treated as gone. A connection that is written to has no such
 * limit: it would cut off a peer that is alive but does not read. */
void wr_tcp_limit_silence(int fd);
/* Acknowledge the received bytes, and the next ones that arrive, at once. */
void wr_tcp_acknowledge(int fd);

#endif
