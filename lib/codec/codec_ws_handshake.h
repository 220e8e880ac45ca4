/*
 * codec_ws_handshake.h - how a WebSocket begins: an HTTP request, its answer (RFC 6455, 4), and the
 * negotiation of permessage-deflate (RFC 7692, 7.1). Sans-I/O.
 *
 * Lifetime.  Slices point into the caller's text; nothing is allocated.
 */
#ifndef WR_CODEC_WS_HANDSHAKE_H
#define WR_CODEC_WS_HANDSHAKE_H

#include "codec_text.h"
#include "codec_ws.h"

enum {
    WR_WS_NONCE_BYTES = 16,
    WR_WS_NONCE_CHARS = 24,            /* ... as base64 */
    WR_WS_ACCEPT_CHARS = 28,           /* of Sec-WebSocket-Accept */
    WR_WS_ANSWER_BYTES_MAX = 16 * 1024 /* of the head of an answer */
};

/* The value of Sec-WebSocket-Key, terminated. nonce: random, new for each connection. */
void wr_ws_write_nonce(const uint8_t nonce[WR_WS_NONCE_BYTES], char to[WR_WS_NONCE_CHARS + 1]);
/* The value of Sec-WebSocket-Accept for a key, terminated. 0, WEIR_EINVAL: it is not the key of a
 * client; WEIR_ENOMEM. */
int wr_ws_write_accept(struct wr_text key, char to[WR_WS_ACCEPT_CHARS + 1]);

struct wr_ws_request {
    struct wr_text host;   /* with the port, unless it is the scheme's */
    struct wr_text target; /* path and query; empty: "/" */
    const char *nonce;     /* wr_ws_write_nonce */
    const char *protocols; /* "a, b"; NULL: none */
    bool deflate;          /* offer permessage-deflate */
    char *const *headers;  /* "Name: value", more of them; a Host replaces the own one */
    size_t headers_count;
    const char *more; /* one more header line, for a login; NULL: none */
};
struct wr_out; /* codec_out.h */
void wr_ws_write_request(struct wr_out *out, const struct wr_ws_request *request);
/* True: a header that the request writes itself, or that would change its framing. */
bool wr_ws_is_own_header(struct wr_text name);

struct wr_ws_answer {
    int status;            /* 101 */
    struct wr_text reason; /* of the status line */
    struct wr_text upgrade, accept, protocol, location;
    bool connection;        /* Connection: upgrade */
    bool twice;             /* a header that may stand only once stands twice */
    int64_t retry_after_ms; /* -1: none */
    struct wr_ws_terms terms;
    const char *extension; /* what is wrong with the extensions; NULL: nothing */
};

/* The length of the head at the start of the data, with its empty line; 0: it is not complete. */
size_t wr_ws_head_bytes(const char *data, size_t len);
/* Read a complete head. False: it is not one of HTTP/1.1. max_ms: as wr_retry_after_ms. */
bool wr_ws_answer_read(struct wr_ws_answer *answer, const char *head, size_t len, bool deflate,
                       int64_t now_s, int64_t max_ms);
/* Check an answer with the status 101. NULL, or what is wrong with it; then *close is the close code
 * to send, 0: none.
 *
 * accept     the expected Sec-WebSocket-Accept.
 * protocols  that were offered; NULL: none. */
const char *wr_ws_answer_wrong(const struct wr_ws_answer *answer, const char *accept,
                               const char *protocols, unsigned *close);
/* Is it a list of names, to offer as subprotocols? */
bool wr_ws_is_list(const char *protocols);
/* Is `name` one of the names in a list as "a, b"? */
bool wr_ws_list_has(struct wr_text list, struct wr_text name);

/* ---- permessage-deflate */

/* The client's offer. The server may set the window of both. */
#define WR_WS_OFFER "permessage-deflate; client_max_window_bits"
/* Read the value of Sec-WebSocket-Extensions in an answer to that offer. NULL, or what is wrong. */
const char *wr_ws_terms_answered(struct wr_text value, struct wr_ws_terms *terms);
enum { WR_WS_TERMS_CHARS = 160 };
/* For a server: accept the first usable offer in the value of that header, and write the value of the
 * answer's. False: there is none. */
bool wr_ws_terms_choose(struct wr_text offers, struct wr_ws_terms *terms,
                        char answer[WR_WS_TERMS_CHARS]);

#endif
