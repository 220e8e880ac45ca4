/*
 * codec_address.h - HOST:PORT, the form used for sockets. Sans-I/O.
 */
#ifndef WR_CODEC_ADDRESS_H
#define WR_CODEC_ADDRESS_H

#include "codec_text.h"

/*
 * Split "host:80", "[::1]:80" or ":80". A host with colons needs the brackets.
 *
 * host     [out] without brackets; may be empty.
 * Returns  false: it is not of this form, or the port is not a number up to 65535.
 */
bool wr_address_split(struct wr_text text, struct wr_text *host, uint16_t *port);
/* The full address that a text such as "localhost:8080/feed", "https:/x" or "tcp:1.2.3.4:5"
 * probably means. `to` must not overlap the text. False: no such address is known. */
bool wr_address_meant(struct wr_text text, char *to, size_t cap);

#endif
