/*
 * codec_address.h - HOST:PORT, as it is written for sockets. Sans-I/O.
 */
#ifndef WR_CODEC_ADDRESS_H
#define WR_CODEC_ADDRESS_H

#include "codec_text.h"

/*
 * Split "host:80", "[::1]:80" or ":80". A host that has colons needs the brackets.
 *
 * host     [out] without brackets; may be empty.
 * Returns  false: it is not of this form, or the port is not a number up to 65535.
 */
bool wr_address_split(struct wr_text text, struct wr_text *host, uint16_t *port);
/* What somebody meant who wrote "localhost:8080/feed", "https:/x" or "tcp:1.2.3.4:5": the address in
 * full. False: none that is known here. */
bool wr_address_meant(struct wr_text text, char *to, size_t cap);

#endif
