/*
 * http_ws_parts.h - what the files of the WebSocket wire share. Private to them.
 *
 *   http_ws.c       the attempt: connect, read, ping, close; the wire's operations
 *   http_ws_proxy.c the proxy
 *   http_ws_send.c  the request, frames, and the buffer of what is to be sent
 */
#ifndef WR_HTTP_WS_PARTS_H
#define WR_HTTP_WS_PARTS_H

#include "codec_ws_handshake.h"
#include "http.h"
#include "loop_dial.h"
#include "loop_tunnel.h"

enum { WR_WS_KEYS = 64 };

struct wr_ws_wire {
    struct wr_http *http;
    struct wr_task *task, *out_task; /* NULL: not running */
    struct wr_dial dial;
    struct wr_tunnel tunnel;        /* its proxy */
    struct wr_transport *transport; /* NULL: not connected */
    char *request;                  /* NULL: sent; it may hold secrets */
    size_t request_len;
    char accept[WR_WS_ACCEPT_CHARS + 1]; /* the expected one */
    char *in;                            /* received, not delivered: [at, len) */
    size_t at, len;
    char *out;
    size_t out_len, out_cap;
    struct wr_ws_answer answer; /* its texts are valid while it is judged */
    bool upgraded;              /* the server has accepted the connection */
    bool paused;
    bool closing;
    bool pinged;         /* a ping was sent, and nothing has come since */
    uint16_t close_code; /* 0: none is sent */
    int64_t heard_ns;    /* when the last bytes came */
    weir_error error;    /* why the connection has ended; code 0: the server has closed it */
    size_t keys_left;
    uint8_t keys[WR_WS_KEYS][WR_WS_KEY_BYTES];
};

static inline struct wr_ws_wire *wr_ws_wire_of(const struct wr_http *http)
{
    return http->wire_own;
}

/* http_ws.c: the first failure counts. */
void wr_ws_fail(struct wr_ws_wire *wire, int code, int detail, const char *text);
void wr_ws_fail_transport(struct wr_ws_wire *wire, int code);

/* http_ws_proxy.c: connect through the proxy of the environment, if there is one for this URL. 0, or a
 * code; WEIR_EINVAL has set the failure. */
int wr_ws_set_proxy(struct wr_ws_wire *wire, const struct wr_url *url);

/* http_ws_send.c */
/* Write the request into its buffer. False: no memory, or no random bytes. */
bool wr_ws_make_request(struct wr_ws_wire *wire, const struct wr_url *url);
/* Send it, and forget it. False: failed. May suspend. */
bool wr_ws_send_request(struct wr_ws_wire *wire);
void wr_ws_forget_request(struct wr_ws_wire *wire);
/* Add a close frame with close_code to what is to be sent. False: no memory, or no random bytes. */
bool wr_ws_put_close(struct wr_ws_wire *wire);
/* Wait until all is written. False: it is not by then, or the connection has failed. */
bool wr_ws_write_until(struct wr_ws_wire *wire, int64_t end_ns);

#endif
