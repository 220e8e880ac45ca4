/*
 * texts_sockets.h - what connections say, as far as a test pins the words: connecting and
 * listening, TLS and its certificates (at sources, sinks and the server), and sockets as sources
 * and sinks. Some words are those of the C library and of OpenSSL, which weir passes on.
 *
 * A text that a test compares stands here once, however many tests see it. Codes, details and
 * offsets are compared in the tests. Addresses, paths and names of options come from the test, and
 * stay there; so do the numbers that are parameters here, which are string literals.
 */
#ifndef WR_TEXTS_SOCKETS_H
#define WR_TEXTS_SOCKETS_H

/* ---- connecting */

#define TEXT_SOCKETS_REFUSED "connect to a name: Connection refused"
#define TEXT_SOCKETS_TOO_MANY_FILES "(ulimit -n)"
#define TEXT_SOCKETS_CANNOT_ACCEPT "accept"

/* ---- TLS */

#define TEXT_SOCKETS_OTHER_NAME "hostname mismatch"
#define TEXT_SOCKETS_OTHER_ADDRESS "IP address mismatch"
#define TEXT_SOCKETS_EXPIRED "certificate has expired"
#define TEXT_SOCKETS_SELF_SIGNED "self-signed certificate"
#define TEXT_SOCKETS_NO_ISSUER "unable to get local " TEXT_SOCKETS_ISSUER
#define TEXT_SOCKETS_ISSUER "issuer certificate"
#define TEXT_SOCKETS_ALERT "alert"
#define TEXT_SOCKETS_NO_CERTIFICATE "did not return a certificate"
#define TEXT_SOCKETS_CERTIFICATE_REQUIRED "certificate required"
#define TEXT_SOCKETS_MAY_BE_UNREAD \
    TEXT_SOCKETS_CERTIFICATE_REQUIRED "; the peer may have read none of the 4 bytes written"
#define TEXT_SOCKETS_NO_TLS "wrong version number"
#define TEXT_SOCKETS_CLOSED_IN_HANDSHAKE \
    "TLS with the server: the peer closed the connection during the handshake"
#define TEXT_SOCKETS_NO_CLOSE_NOTIFY "close_notify"

/* ---- options of TLS */

#define TEXT_SOCKETS_NO_FILE "No such file"
#define TEXT_SOCKETS_OTHER_KEY "mismatch"
#define TEXT_SOCKETS_SERVER_NEEDS "a server needs a certificate"
#define TEXT_SOCKETS_NEEDS_CERTIFICATE "cert_file is not set"
#define TEXT_SOCKETS_TLS_ADDRESS "tls://HOST:PORT"

/* ---- what was read or written when a connection ends */

#define TEXT_SOCKETS_UNFINISHED_LINE(bytes) "an unfinished line of " bytes " bytes"
#define TEXT_SOCKETS_CUT \
    TEXT_SOCKETS_NO_CLOSE_NOTIFY " after 11 bytes; " TEXT_SOCKETS_UNFINISHED_LINE("3")
#define TEXT_SOCKETS_NOT_DELIVERED "bytes written were not delivered"
#define TEXT_SOCKETS_RESET \
    "the peer has reset the connection; %llu of %llu " TEXT_SOCKETS_NOT_DELIVERED
#define TEXT_SOCKETS_ACCEPTED_NOTHING(time) "has accepted no bytes for " time
#define TEXT_SOCKETS_PEER_ACCEPTED_NOTHING(time) "the peer " TEXT_SOCKETS_ACCEPTED_NOTHING(time)
#define TEXT_SOCKETS_WRITTEN "7 bytes written"

/* ---- a socket with both ends */

#define TEXT_SOCKETS_BOTH_GIVEN "both an address and a socket"
#define TEXT_SOCKETS_NEITHER_GIVEN "neither an address nor a socket"
#define TEXT_SOCKETS_OPTION_OF_SOCKET "belong to weir_socket_new"
#define TEXT_SOCKETS_HAS_SOURCE "already has a source"

#endif
