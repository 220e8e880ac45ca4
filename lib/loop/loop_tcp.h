/*
 * loop_tcp.h - what the kernel counts of a TCP connection, and when it takes the peer for gone.
 * Internal.
 */
#ifndef WR_LOOP_TCP_H
#define WR_LOOP_TCP_H

#include <stdint.h>

/* Bytes that were read from the connection; 0: it is none, or the kernel does not say. */
uint64_t wr_tcp_bytes_read(int fd);
/* Ask a peer that says nothing whether it is still there: after 30 s, then every 10 s; three
 * questions without an answer end the connection. Harmless where it is no TCP connection. */
void wr_tcp_keep_alive(int fd);
/* Of a connection that is only read: what it sends is acknowledged within as long, or the peer is
 * gone. One that is written to has no such limit: a peer that is there and does not read would be
 * cut off. */
void wr_tcp_limit_silence(int fd);
/* Acknowledge what has come, and the next that comes, at once. */
void wr_tcp_acknowledge(int fd);

#endif
