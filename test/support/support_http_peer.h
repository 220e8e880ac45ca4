/*
 * support_http_peer.h - an HTTP server that does what a script says: in a thread of its own, on a
 * port that the system picks, one connection after another.
 */
#ifndef WR_SUPPORT_HTTP_PEER_H
#define WR_SUPPORT_HTTP_PEER_H

#include <stdbool.h>
#include <stddef.h>

enum http_after {
    HTTP_CLOSE = 0, /* close in order */
    HTTP_RESET,     /* RST */
    HTTP_HOLD       /* keep it open until the client goes */
};

/* One connection: read a request head, send `text` (len 0: its string length), then act. */
struct http_answer {
    const char *text;
    size_t len;
    enum http_after after;
    bool byte_by_byte;
};

struct http_peer;

/* Answers must outlive the peer; connections beyond them are not accepted. Aborts the test when
 * there is no socket. */
struct http_peer *http_peer_new(const struct http_answer *answers, size_t count);
/* "http://127.0.0.1:PORT" + path, until the next call. */
const char *http_peer_url(struct http_peer *peer, const char *path);
/* The head of the i-th request; "" when none came. Stable after http_peer_join. */
const char *http_peer_request(const struct http_peer *peer, size_t i);
size_t http_peer_requests(const struct http_peer *peer);
/* Wait until the script has been played, held connections included. */
void http_peer_join(struct http_peer *peer);
/* Cut everything and end. */
void http_peer_free(struct http_peer *peer);

#endif
