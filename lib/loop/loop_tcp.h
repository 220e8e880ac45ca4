/*
 * loop_tcp.h - what the kernel counts of a TCP connection. Internal.
 */
#ifndef WR_LOOP_TCP_H
#define WR_LOOP_TCP_H

#include <stdint.h>

/* Bytes that were read from the connection; 0: it is none, or the kernel does not say. */
uint64_t wr_tcp_bytes_read(int fd);

#endif
