/*
 * curl_bridge_tls.c - how to tell the end of a TLS connection from a cut.
 *
 * TLS has its own end, the close_notify alert. Without it, an attacker on the network may have cut
 * the connection. Then a body that ends with the connection may be incomplete (RFC 8446, 6.1; RFC
 * 9112, 9.8). libcurl 7.88 treats both as an end: its BIO reports no end to OpenSSL, and it accepts
 * OpenSSL's "nothing read" as the end (ossl_recv). Later versions (bio_cf_ctrl with peer_closed)
 * end such a transfer with CURLE_RECV_ERROR and OpenSSL's text. libcurl with GnuTLS does the same,
 * with GnuTLS's text.
 *
 * A server may also refuse the client by an alert and reset the connection. If the reset arrives
 * before the request is written, libcurl reports only the failed write. When it then closes the
 * connection it reads once more, and so OpenSSL still sees the alert.
 *
 * So this file watches for alerts. libcurl offers the SSL_CTX of each connection before it is
 * used, and OpenSSL's info callback sees every alert that comes. The result is kept in a record
 * that the SSL_CTX and the transfer share; the last one frees it. Both callbacks run under
 * libcurl's frame and touch only that record.
 */
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <string.h>

#include "base_alloc.h"
#include "base_fault.h"
#include "curl_bridge.h"

struct wr_tls_end {
    int owners;
    int alert;    /* the first fatal alert; -1: none */
    bool got_end; /* close_notify has come */
};

static void release(struct wr_tls_end *end)
{
    if (end != NULL && --end->owners == 0) {
        wr_free(end);
    }
}

static uv_once_t index_once = UV_ONCE_INIT;
static int index_of_end = -1;

static void on_context_freed(void *context, void *end, CRYPTO_EX_DATA *data, int index, long argl,
                             void *argp)
{
    (void)context;
    (void)data;
    (void)index;
    (void)argl;
    (void)argp;
    release(end);
}

/* Does libcurl use the OpenSSL version that this file was compiled for? The SSL_CTX of any other
 * TLS library must not be used here. */
static bool same_openssl(void)
{
    char name[16];
    const char *theirs = curl_version_info(CURLVERSION_NOW)->ssl_version;
    int len = snprintf(name, sizeof name, "OpenSSL/%d.", OPENSSL_VERSION_MAJOR);
    return theirs != NULL && strncmp(theirs, name, (size_t)len) == 0;
}

/* Runs once in a process: libcurl needs more than a page of stack to report its version, and each
 * stream would keep that page. */
static void make_index(void)
{
    if (!same_openssl()) {
        return;
    }
    index_of_end = SSL_CTX_get_ex_new_index(0, NULL, NULL, NULL, on_context_freed);
}

static void on_info(const SSL *ssl, int where, int what)
{
    if (where != SSL_CB_READ_ALERT) {
        return;
    }
    struct wr_tls_end *end = SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), index_of_end);
    if ((what & 0xff) == SSL_AD_CLOSE_NOTIFY) {
        end->got_end = true;
    } else if (what >> 8 == SSL3_AL_FATAL && end->alert < 0) {
        end->alert = what & 0xff;
    }
}

static CURLcode on_context(CURL *easy, void *context, void *ctx)
{
    struct wr_transfer *transfer = ctx;
    struct wr_tls_end *end = wr_zalloc(sizeof *end);
    (void)easy;
    if (end == NULL || wr_fault("SSL_CTX_set_ex_data") ||
        SSL_CTX_set_ex_data(context, index_of_end, end) == 0) {
        wr_free(end);
        return CURLE_OUT_OF_MEMORY;
    }
    end->owners = 2;
    end->alert = -1;
    SSL_CTX_set_info_callback(context, on_info);
    release(transfer->tls_end); /* of a proxy, whose TLS is outside this one */
    transfer->tls_end = end;
    return CURLE_OK;
}

void wr_transfer_prepare_tls(void)
{
    uv_once(&index_once, make_index);
}

void wr_transfer_watch_tls(struct wr_transfer *transfer)
{
    wr_transfer_prepare_tls();
    if (index_of_end >= 0) {
        curl_easy_setopt(transfer->easy, CURLOPT_SSL_CTX_FUNCTION, on_context);
        curl_easy_setopt(transfer->easy, CURLOPT_SSL_CTX_DATA, (void *)transfer);
    }
}

void wr_transfer_forget_tls(struct wr_transfer *transfer)
{
    release(transfer->tls_end);
    transfer->tls_end = NULL;
}

bool wr_transfer_was_cut(const struct wr_transfer *transfer, CURLcode result, const char *text)
{
    if (result == CURLE_OK) {
        return transfer->tls_end != NULL && !transfer->tls_end->got_end;
    }
    return result == CURLE_RECV_ERROR && (strstr(text, "unexpected eof") != NULL ||
                                          strstr(text, "non-properly terminated") != NULL);
}

const char *wr_transfer_alert(const struct wr_transfer *transfer)
{
    const struct wr_tls_end *end = transfer->tls_end;
    return end != NULL && end->alert >= 0 ? ERR_reason_error_string(ERR_PACK(
                                                ERR_LIB_SSL, 0, SSL_AD_REASON_OFFSET + end->alert))
                                          : NULL;
}
