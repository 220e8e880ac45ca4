/*
 * loop_peer.h - the address of a socket: read from a text, and written as one. Internal.
 */
#ifndef WR_LOOP_PEER_H
#define WR_LOOP_PEER_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

union wr_peer {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
};

/* Room for the text of an address, with its NUL: "[fe80::1%4294967295]:65535". */
enum { WR_PEER_TEXT = 64 };

/* Read an address to listen at: "127.0.0.1:80", "[::1]:80"; "localhost:80" and ":80" are 127.0.0.1.
 * Other names are not looked up. Returns the length of the address; 0: it is none. */
socklen_t wr_peer_read(const char *text, union wr_peer *to);
/* Does it mean this machine only? */
bool wr_peer_is_loopback(const union wr_peer *peer);
/*
 * Write "192.0.2.7:514" or "[2001:db8::1]:514". An IPv4 address that came over IPv6 is written as
 * IPv4. Terminated.
 *
 * host_at, host_len  [out] the part of `to` without brackets and port: "192.0.2.7".
 * Returns            the length.
 */
size_t wr_peer_text(const union wr_peer *peer, char to[WR_PEER_TEXT], size_t *host_at,
                    size_t *host_len);

#endif
