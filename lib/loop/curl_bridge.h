/*
 * curl_bridge.h - libcurl's transfers on the loop. Internal.
 *
 * One multi handle a loop, driven by socket events. The caller makes an easy handle and sets what
 * it asks for; the bridge sets what concerns the loop (callbacks, signals, buffers, keep-alive) and
 * drives it. The callbacks of a transfer run under libcurl's frame: they copy bytes and wake tasks,
 * and call nothing else. `done` runs on the scheduler's stack, outside libcurl.
 */
#ifndef WR_LOOP_CURL_BRIDGE_H
#define WR_LOOP_CURL_BRIDGE_H

#include <curl/curl.h>

#include "loop_core.h"

struct wr_curl;
struct wr_tls_end;

struct wr_transfer {
    CURL *easy;
    /* One header line with its line end; false: the transfer ends with CURLE_WRITE_ERROR. */
    bool (*header)(struct wr_transfer *transfer, const char *line, size_t len);
    /* Body bytes, at most 16 KiB: len when they are taken, CURL_WRITEFUNC_PAUSE to be given the
     * same again after wr_transfer_unpause, anything else ends the transfer with CURLE_WRITE_ERROR.
     */
    size_t (*write)(struct wr_transfer *transfer, const char *data, size_t len);
    /* The next bytes of the body of a request, 0 behind the last, and where to go on from instead.
     * NULL: it has none. */
    size_t (*send)(struct wr_transfer *transfer, char *to, size_t cap);
    bool (*rewind)(struct wr_transfer *transfer, int64_t at);
    /* The connection stands, the request is about to be sent. NULL. */
    void (*connected)(struct wr_transfer *transfer);
    /* It has ended by itself and is out of the multi handle already. */
    void (*done)(struct wr_transfer *transfer, CURLcode code);
    /* The bridge's own. */
    struct wr_curl *curl;       /* NULL: not started, or over */
    struct wr_tls_end *tls_end; /* NULL: no TLS, or one that is not listened to */
    struct wr_list link;
    struct wr_list unpause_link;
    bool queued;  /* waits for its turn to resolve and connect */
    bool opening; /* has not got a socket yet */
    bool paused, counted;
    bool vain; /* ended, since bytes came and came and held nothing */
};

void wr_transfer_init(struct wr_transfer *transfer);
/* From a task. 0, or WEIR_ENOMEM: then nothing was started. */
int wr_transfer_start(struct weir_loop *loop, struct wr_transfer *transfer);
/* From a task: take it out now; an unfinished connection is closed at once. `done` is not called.
 * Harmless when over. */
void wr_transfer_stop(struct wr_transfer *transfer);
/* Soon: the refused bytes come again, and then more. */
void wr_transfer_unpause(struct wr_transfer *transfer);
/* Acknowledge what has just come. A server that sends the head and the body of an answer by themselves
 * waits for the head's acknowledgement (RFC 896), which the system may hold back for 40 ms on a
 * connection that is used again (RFC 1122, 4.2.3.2). From `header`. */
void wr_transfer_acknowledge(struct wr_transfer *transfer);
static inline bool wr_transfer_active(const struct wr_transfer *transfer)
{
    return transfer->curl != NULL;
}

/* Between the making of the easy handle and the user's own options: listen for the alert that a TLS
 * connection ends with (curl_bridge_tls.c). A user who sets CURLOPT_SSL_CTX_FUNCTION takes its
 * place. */
void wr_transfer_watch_tls(struct wr_transfer *transfer);
void wr_transfer_forget_tls(struct wr_transfer *transfer);
/* Of a transfer that has ended with `result` and libcurl's text, and of which nothing else says
 * where it ends: has its TLS connection ended without that alert? */
bool wr_transfer_was_cut(const struct wr_transfer *transfer, CURLcode result, const char *text);

/* "libcurl/7.88.1 OpenSSL/3.0.15 ...", as found at run time. */
const char *wr_curl_version(void);

#endif
