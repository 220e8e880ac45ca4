/*
 * curl_bridge.h - libcurl's transfers on the loop. Internal.
 *
 * One multi handle for each loop, driven by socket events. The caller makes an easy handle and sets
 * the options of the request. The bridge sets the options that concern the loop (callbacks,
 * signals, buffers, keep-alive) and drives the transfer. The callbacks of a transfer run under
 * libcurl's frame: they copy bytes and wake tasks, and call nothing else. `done` runs on the
 * scheduler's stack, outside libcurl.
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
    /* Body bytes, at most 16 KiB. Return len when they are taken; CURL_WRITEFUNC_PAUSE to get the
     * same bytes again after wr_transfer_unpause; anything else ends the transfer with
     * CURLE_WRITE_ERROR. */
    size_t (*write)(struct wr_transfer *transfer, const char *data, size_t len);
    /* send: the next bytes of the request's body, 0 after the last. rewind: continue from offset
     * `at`. NULL: the request has no body. */
    size_t (*send)(struct wr_transfer *transfer, char *to, size_t cap);
    bool (*rewind)(struct wr_transfer *transfer, int64_t at);
    /* The connection is established; the request is sent next. May be NULL. */
    void (*connected)(struct wr_transfer *transfer);
    /* The transfer has ended by itself and was already removed from the multi handle. */
    void (*done)(struct wr_transfer *transfer, CURLcode code);
    /* The rest is private to the bridge. */
    struct wr_curl *curl;       /* NULL: not started, or ended */
    struct wr_tls_end *tls_end; /* NULL: no TLS, or TLS that is not watched */
    struct wr_list link;
    struct wr_list unpause_link;
    bool queued;  /* waits for its turn to resolve and connect */
    bool opening; /* has no socket yet */
    bool paused, counted;
    bool vain; /* ended, because many bytes came without any content */
};

void wr_transfer_init(struct wr_transfer *transfer);
/* From a task. 0, or WEIR_ENOMEM: nothing was started. */
int wr_transfer_start(struct weir_loop *loop, struct wr_transfer *transfer);
/* From a task: take it out now; an unfinished connection is closed at once. `done` is not called.
 * Harmless when it has ended. */
void wr_transfer_stop(struct wr_transfer *transfer);
/* Soon after this the refused bytes come again, then more. */
void wr_transfer_unpause(struct wr_transfer *transfer);
/* Acknowledge the bytes that have just arrived. A server that sends the head and the body of a
 * response separately waits for the acknowledgement of the head (RFC 896). The system may delay
 * that by 40 ms on a connection that is used again (RFC 1122, 4.2.3.2). Call it from `header`. */
void wr_transfer_acknowledge(struct wr_transfer *transfer);
static inline bool wr_transfer_active(const struct wr_transfer *transfer)
{
    return transfer->curl != NULL;
}

/* Watch for the alerts that end a TLS connection (curl_bridge_tls.c). Call it after the easy handle
 * is made and before the user's own options are set. If the user sets CURLOPT_SSL_CTX_FUNCTION,
 * that replaces this watch. */
void wr_transfer_watch_tls(struct wr_transfer *transfer);
/* Make what a process keeps for that; else the first transfer does. Any thread. */
void wr_transfer_prepare_tls(void);
void wr_transfer_forget_tls(struct wr_transfer *transfer);
/* For a transfer that has ended with `result` and libcurl's text, and whose length nothing else
 * gives: did its TLS connection end without that alert? */
bool wr_transfer_was_cut(const struct wr_transfer *transfer, CURLcode result, const char *text);
/* The fatal alert that the peer has sent, in OpenSSL's words ("tlsv1 alert unknown ca"), which is
 * all that is known where libcurl reports a failed write. NULL: none. */
const char *wr_transfer_alert(const struct wr_transfer *transfer);

/* "libcurl/7.88.1 OpenSSL/3.0.15 ...", as found at run time. */
const char *wr_curl_version(void);

#endif
