/*
 * http_curl.c - the wire: one libcurl transfer for each request.
 *
 * Each request has its own handle, which is freed with it. Its connection is not reused, because a
 * stream holds its connection as long as it lasts. The exception is short requests whose user wants
 * it (keeps_connection): their connections stay in libcurl's pool, and a stream never gets one of
 * them. libcurl only sends and receives: it follows no redirect, decodes no content, and applies
 * none of weir's timeouts. This file translates its errors to weir's codes and texts.
 *
 * The callbacks run inside libcurl's calls; `done` runs on the scheduler's stack.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base_alloc.h"
#include "base_fault.h"
#include "codec_secret.h"
#include "curl_bridge.h"
#include "http.h"

enum { FOR_EVER_S = 24 * 3600 };

struct http_curl {
    struct wr_transfer transfer;
    struct wr_http *http;
    struct curl_slist *headers;
    CURLcode result;
    int no_socket; /* errno of a failed socket() */
    char text[CURL_ERROR_SIZE];
};

static struct http_curl *curl_of(const struct wr_http *http)
{
    return http->wire_own;
}

static struct wr_http *http_of(struct wr_transfer *transfer)
{
    return WR_OWNER(transfer, struct http_curl, transfer)->http;
}

static void on_connected(struct wr_transfer *transfer)
{
    wr_http_on_connected(http_of(transfer));
}

static size_t on_send(struct wr_transfer *transfer, char *to, size_t cap)
{
    return wr_http_on_send(http_of(transfer), to, cap);
}

/* libcurl sends the same body again after it has answered a challenge. */
static bool on_rewind(struct wr_transfer *transfer, int64_t at)
{
    struct wr_http *http = http_of(transfer);
    http->out_at = (size_t)at;
    return at >= 0 && (uint64_t)at <= http->out_len;
}

static bool on_header(struct wr_transfer *transfer, const char *line, size_t len)
{
    const struct wr_http *http = http_of(transfer);
    if (http->keeps_connection && http->reply.head_bytes == 0) {
        wr_transfer_acknowledge(transfer);
    }
    return wr_http_on_header(http_of(transfer), line, len);
}

static size_t on_write(struct wr_transfer *transfer, const char *data, size_t len)
{
    switch (wr_http_on_body(http_of(transfer), data, len)) {
    case WR_HTTP_TAKEN: return len;
    case WR_HTTP_PAUSE: return CURL_WRITEFUNC_PAUSE;
    default: return 0;
    }
}

static curl_socket_t on_socket(void *ctx, curlsocktype purpose, struct curl_sockaddr *address)
{
    struct http_curl *curl = ctx;
    (void)purpose;
    int fd = wr_fault("socket")
                 ? (errno = EMFILE, -1)
                 : socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
    curl->no_socket = fd < 0 ? errno : 0;
    return fd < 0 ? CURL_SOCKET_BAD : fd;
}

static void on_done(struct wr_transfer *transfer, CURLcode code)
{
    struct http_curl *curl = WR_OWNER(transfer, struct http_curl, transfer);
    curl->result = code;
    wr_http_on_end(curl->http, code == CURLE_OK);
}

/* ---- the request */

/* The unix socket leads to the host of the caller's URL, and to no other. */
static bool uses_unix_socket(const struct wr_http *http)
{
    return http->unix_socket != NULL && wr_http_is_own(http);
}

static int add_headers(struct http_curl *curl)
{
    const struct wr_http *http = curl->http;
    for (size_t at = 0; at < http->sent_len; at += strlen(http->sent + at) + 1) {
        struct curl_slist *longer = wr_fault("curl_slist_append")
                                        ? NULL
                                        : curl_slist_append(curl->headers, http->sent + at);
        if (longer == NULL) {
            return WEIR_ENOMEM;
        }
        curl->headers = longer;
    }
    return 0;
}

static bool shows_certificate(const struct wr_http *http)
{
    return http->cert_file != NULL && wr_http_is_own(http);
}

/* The password is empty: without one OpenSSL would ask for it on the terminal. */
static bool set_certificate(const struct wr_http *http, CURL *easy)
{
    const char *key = http->key_file != NULL ? http->key_file : http->cert_file;
    return curl_easy_setopt(easy, CURLOPT_SSLCERT, http->cert_file) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_SSLKEY, key) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_KEYPASSWD, "") == CURLE_OK;
}

static int set_up(struct http_curl *curl)
{
    struct wr_http *http = curl->http;
    CURL *easy = curl->transfer.easy;
    const char *login = wr_http_is_own(http) ? http->login : NULL;
    bool good = add_headers(curl) == 0 &&
                curl_easy_setopt(easy, CURLOPT_URL, wr_http_target(http)) == CURLE_OK &&
                curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https") == CURLE_OK &&
                curl_easy_setopt(easy, CURLOPT_HTTPHEADER, curl->headers) == CURLE_OK &&
                curl_easy_setopt(easy, CURLOPT_USERAGENT, WR_HTTP_AGENT) == CURLE_OK &&
                (login == NULL || curl_easy_setopt(easy, CURLOPT_USERPWD, login) == CURLE_OK) &&
                (http->ca_file == NULL ||
                 curl_easy_setopt(easy, CURLOPT_CAINFO, http->ca_file) == CURLE_OK) &&
                (http->ca_folder == NULL ||
                 curl_easy_setopt(easy, CURLOPT_CAPATH, http->ca_folder) == CURLE_OK) &&
                (!shows_certificate(http) || set_certificate(http, easy)) &&
                (!uses_unix_socket(http) ||
                 curl_easy_setopt(easy, CURLOPT_UNIX_SOCKET_PATH, http->unix_socket) == CURLE_OK);
    if (!good) {
        return WEIR_ENOMEM;
    }
    if (http->out != NULL) {
        curl->transfer.send = on_send;
        curl->transfer.rewind = on_rewind;
        curl_easy_setopt(easy, CURLOPT_POST, 1L);
        curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)http->out_len);
    }
    curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(easy, CURLOPT_HTTP_CONTENT_DECODING, 0L);
    curl_easy_setopt(easy, CURLOPT_HTTP09_ALLOWED, 1L); /* to report a response that is not HTTP */
    curl_easy_setopt(easy, CURLOPT_FORBID_REUSE, http->keeps_connection ? 0L : 1L);
    curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, http->keeps_connection ? 0L : 1L);
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT, (long)FOR_EVER_S); /* weir has its own clock */
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, curl->text);
    curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, on_socket);
    curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, (void *)curl);
    wr_transfer_watch_tls(&curl->transfer);
    if (http->o.tls == WEIR_TLS_TRUST_ANYBODY) {
        curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 0L);
        curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 0L);
    }
    int refused = http->o.setup != NULL ? http->o.setup(http->o.setup_ctx, easy) : 0;
    return refused == 0 ? 0
                        : wr_http_refuse(&http->failure, WEIR_EINVAL, refused,
                                         "the setup of the request was refused (%d)", refused);
}

static void stop(struct wr_http *http)
{
    struct http_curl *curl = curl_of(http);
    wr_transfer_stop(&curl->transfer);
    curl_easy_cleanup(curl->transfer.easy);
    curl_slist_free_all(curl->headers);
    wr_transfer_forget_tls(&curl->transfer);
    wr_free(curl);
    http->wire_own = NULL;
}

static int start(struct wr_http *http)
{
    struct http_curl *curl = wr_zalloc(sizeof *curl);
    if (curl == NULL) {
        return WEIR_ENOMEM;
    }
    http->wire_own = curl;
    curl->http = http;
    wr_transfer_init(&curl->transfer);
    curl->transfer.header = on_header;
    curl->transfer.write = on_write;
    curl->transfer.connected = on_connected;
    curl->transfer.done = on_done;
    curl->transfer.easy = wr_fault("curl_easy_init") ? NULL : curl_easy_init();
    int rc = curl->transfer.easy == NULL ? WEIR_ENOMEM : set_up(curl);
    rc = rc == 0 ? wr_transfer_start(http->loop, &curl->transfer) : rc;
    if (rc < 0) {
        stop(http);
    }
    return rc;
}

static void go_on(struct wr_http *http)
{
    wr_transfer_unpause(&curl_of(http)->transfer);
}

static bool is_paused(const struct wr_http *http)
{
    return curl_of(http)->transfer.paused;
}

static bool was_cut(const struct wr_http *http)
{
    const struct http_curl *curl = curl_of(http);
    return wr_transfer_was_cut(&curl->transfer, CURLE_OK, curl->text);
}

/* ---- failures */

/* libcurl's text without secrets: it may contain a URL with a password. */
static void say(const struct http_curl *curl, char *to, size_t cap)
{
    wr_secret_hide(curl->text[0] != '\0' ? curl->text : curl_easy_strerror(curl->result), to, cap);
}

static bool explain_broken_tls(struct http_curl *curl);

static void explain_tls(struct http_curl *curl)
{
    struct wr_http *http = curl->http;
    CURLcode result = curl->result;
    bool identity = result == CURLE_PEER_FAILED_VERIFICATION ||
                    result == CURLE_SSL_CACERT_BADFILE ||
                    result == CURLE_SSL_PINNEDPUBKEYNOTMATCH || result == CURLE_SSL_ISSUER_ERROR;
    char text[WR_HTTP_TEXT_MAX];
    if (strstr(curl->text, " alert ") != NULL && explain_broken_tls(curl)) {
        return;
    }
    if (result == CURLE_SSL_CERTPROBLEM) {
        wr_http_refuse(
            &http->failure, WEIR_ETLS, (int)result,
            "TLS: the client certificate '%s' cannot be used; it and its key must be PEM, "
            "and the key without a password",
            http->cert_file);
        return;
    }
    say(curl, text, sizeof text);
    const char *hint = "";
    if (strstr(text, "wrong version number") != NULL) {
        hint = "; the server does not use TLS on this port: did you mean http://?";
    } else if (strstr(text, "subject name") != NULL) {
        hint = "; use a name that the certificate is for, or trust any certificate with "
               "weir_http_options.tls";
    } else if (result == CURLE_SSL_CACERT_BADFILE && http->ca_file == NULL) {
        hint = "; install Debian's package ca-certificates, or use weir_http_options.ca_file";
    } else if (result == CURLE_SSL_CACERT_BADFILE) {
        hint = "; it must be a PEM file of certificates";
    } else if (result == CURLE_PEER_FAILED_VERIFICATION) {
        hint = "; if this is your own server, trust its CA certificate with "
               "weir_http_options.ca_file, or any certificate with weir_http_options.tls";
    }
    wr_http_refuse(&http->failure, WEIR_ETLS, (int)result, "TLS: %.150s%s", text, hint);
    http->failure.retry = !identity;
}

struct cause {
    CURLcode result;
    int code;
    bool retry;
    const char *text; /* NULL: libcurl's */
};

static const struct cause causes[] = {
    {CURLE_COULDNT_RESOLVE_HOST, WEIR_ERESOLVE, true, "the name of the host cannot be resolved"},
    {CURLE_COULDNT_RESOLVE_PROXY, WEIR_ERESOLVE, true, "the name of the proxy cannot be resolved"},
    {CURLE_COULDNT_CONNECT, WEIR_ECONNECT, true, NULL},
    {CURLE_PROXY, WEIR_ECONNECT, true, NULL},
    {CURLE_OPERATION_TIMEDOUT, WEIR_ETIMEDOUT, true, "timed out"},
    {CURLE_GOT_NOTHING, WEIR_ERESET, true, "the server closed the connection without a response"},
    {CURLE_RECV_ERROR, WEIR_ERESET, true, NULL},
    {CURLE_SEND_ERROR, WEIR_ERESET, true, NULL},
    {CURLE_PARTIAL_FILE, WEIR_ETRUNCATED, true,
     "the server closed the connection before the end of the body"},
    {CURLE_OUT_OF_MEMORY, WEIR_ENOMEM, false, "out of memory"},
    {CURLE_ABORTED_BY_CALLBACK, WEIR_EIO, true, "the event loop has lost track of the connection"},
    {CURLE_URL_MALFORMAT, WEIR_EINVAL, false, NULL},
    {CURLE_UNSUPPORTED_PROTOCOL, WEIR_EHTTP, false, NULL},
    {CURLE_WEIRD_SERVER_REPLY, WEIR_EHTTP, false, "the response is not HTTP"},
    /* 7.88: bad head */
    {CURLE_BAD_FUNCTION_ARGUMENT, WEIR_EHTTP, false, "the response is not HTTP"},
    {CURLE_BAD_CONTENT_ENCODING, WEIR_EHTTP, false, NULL}, /* libcurl 8: a transfer coding */
};

static bool is_tls(CURLcode result)
{
    return result == CURLE_SSL_CONNECT_ERROR || result == CURLE_SSL_ENGINE_NOTFOUND ||
           result == CURLE_SSL_CERTPROBLEM || result == CURLE_SSL_CLIENTCERT ||
           result == CURLE_SSL_CIPHER || result == CURLE_PEER_FAILED_VERIFICATION ||
           result == CURLE_USE_SSL_FAILED || result == CURLE_SSL_CACERT_BADFILE ||
           result == CURLE_SSL_CRL_BADFILE || result == CURLE_SSL_PINNEDPUBKEYNOTMATCH ||
           result == CURLE_SSL_ISSUER_ERROR;
}

/* The TLS connection was cut. libcurl 7.88 reports this as a normal end, other versions as an
 * error. Returns the code of 7.88. */
static CURLcode end_as_result(const struct wr_http *http)
{
    const struct wr_http_reply *reply = &http->reply;
    if (http->phase == WR_HTTP_BODY) {
        return wr_http_is_delimited(reply) ? CURLE_PARTIAL_FILE : CURLE_OK;
    }
    return reply->head_bytes > 0 ? CURLE_OK : CURLE_GOT_NOTHING;
}

/* An invalid chunk size: each version of libcurl reports it in its own way. */
static bool breaks_chunks(const struct http_curl *curl, CURLcode result)
{
    if (result == CURLE_RECV_ERROR) {
        return strstr(curl->text, "chunk") != NULL;
    }
    return curl->http->phase == WR_HTTP_BODY && curl->http->reply.chunked &&
           (result == CURLE_BAD_FUNCTION_ARGUMENT || result == CURLE_WEIRD_SERVER_REPLY);
}

static void explain_as(struct http_curl *curl, int code, int detail, bool retry, const char *text)
{
    struct wr_http_failure *failure = &curl->http->failure;
    wr_http_refuse(failure, code, detail, "%.200s", text);
    failure->retry = retry;
}

/* " to the proxy NAME port 3128", if the unreachable host is not the target's own. */
static void name_proxy(const struct http_curl *curl, char *to, size_t cap)
{
    static const char start[] = "Failed to connect to ";
    struct wr_url url;
    const char *name = curl->text + sizeof start - 1, *via = strstr(curl->text, " via ");
    if (strncmp(curl->text, start, sizeof start - 1) != 0 ||
        wr_url_parse(wr_text_of(wr_http_target(curl->http)), &url) < 0) {
        return;
    }
    if (via != NULL) {
        snprintf(to, cap, " to the proxy %.*s", (int)strcspn(via + 5, " "), via + 5);
        return;
    }
    struct wr_text host = {name, strcspn(name, " ")};
    char port[16];
    int len = snprintf(port, sizeof port, " port %u ", (unsigned)url.port);
    bool bracketed = url.host.len > 1 && url.host.data[0] == '[';
    url.host.data += bracketed;
    url.host.len -= bracketed ? 2 : 0;
    if (!wr_text_same(host, url.host) || strncmp(name + host.len, port, (size_t)len) != 0) {
        size_t shown = host.len + strcspn(name + host.len, "0123456789");
        shown += strspn(name + shown, "0123456789");
        snprintf(to, cap, " to the proxy %.*s", (int)shown, name);
    }
}

static bool explain_unreached(struct http_curl *curl)
{
    struct wr_http_failure *failure = &curl->http->failure;
    char proxy[80] = "";
    long number = 0;
    if (curl->no_socket != 0) {
        wr_http_refuse(failure, WEIR_EIO, curl->no_socket, "cannot create a socket: %s%s",
                       strerror(curl->no_socket), curl->no_socket == EMFILE ? " (ulimit -n)" : "");
        failure->retry = true;
        return true;
    }
    if (curl_easy_getinfo(curl->transfer.easy, CURLINFO_OS_ERRNO, &number) != CURLE_OK ||
        number == 0) {
        return false;
    }
    name_proxy(curl, proxy, sizeof proxy);
    if (uses_unix_socket(curl->http)) {
        wr_http_refuse(failure, WEIR_ECONNECT, (int)number,
                       "cannot connect to the socket '%.150s': %s", curl->http->unix_socket,
                       strerror((int)number));
    } else {
        wr_http_refuse(failure, WEIR_ECONNECT, (int)number, "cannot connect%s: %s", proxy,
                       strerror((int)number));
    }
    failure->retry = true;
    return true;
}

static bool is_lost(CURLcode result)
{
    return result == CURLE_RECV_ERROR || result == CURLE_SEND_ERROR;
}

/* TLS itself ended the connection: the server sent an alert or a damaged record. In TLS 1.3 a
 * server also refuses a client's certificate by an alert, after the handshake. */
static bool explain_broken_tls(struct http_curl *curl)
{
    static const char mark[] = "SSL routines::";
    struct wr_http_failure *failure = &curl->http->failure;
    const char *words = strstr(curl->text, mark), *sent = wr_transfer_alert(&curl->transfer);
    words = words != NULL ? words + sizeof mark - 1 : sent;
    if (words == NULL || strstr(words, "unexpected eof") != NULL) {
        return false;
    }
    const char *alert = strstr(words, " alert "), *text = alert != NULL ? alert + 7 : words;
    bool certificate = alert != NULL && (strstr(text, "certificate") || strstr(text, "unknown ca"));
    bool refused =
        certificate ||
        (alert != NULL && (strstr(text, "handshake failure") || strstr(text, "access denied")));
    const char *after = "'";
    if (alert == NULL) {
        after = ")";
    } else if (certificate) {
        after = shows_certificate(curl->http)
                    ? "': it does not accept the client certificate"
                    : "': it requires a client certificate; weir_http_options.cert_file names one";
    }
    wr_http_refuse(failure, WEIR_ETLS, (int)curl->result, "TLS: the server %s%.*s%s",
                   alert != NULL ? "sends the alert '" : "sends a damaged record (",
                   (int)strcspn(text, ",("), text, after);
    failure->retry = !refused;
    return true;
}

/* The connection was lost. False: use libcurl's text. */
static bool explain_lost(struct http_curl *curl)
{
    const char *text = curl->text;
    if (curl->transfer.vain) {
        explain_as(curl, WEIR_EHTTP, 0, true,
                   "the server sends no data (a chunk extension that does not end)");
        return true;
    }
    if (explain_broken_tls(curl)) {
        return true;
    }
    if (text[0] != '\0' && strstr(text, "reset by peer") == NULL &&
        strstr(text, "Broken pipe") == NULL && strstr(text, "getpeername()") == NULL) {
        return false;
    }
    explain_as(curl, WEIR_ERESET, (int)curl->result, true, "connection reset");
    return true;
}

/* False: libcurl does not name the proxy. */
static bool explain_unresolved_proxy(struct http_curl *curl)
{
    static const char start[] = "Could not resolve proxy: ";
    char text[WR_HTTP_TEXT_MAX];
    say(curl, text, sizeof text);
    if (strncmp(text, start, sizeof start - 1) != 0) {
        return false;
    }
    wr_http_refuse(&curl->http->failure, WEIR_ERESOLVE, (int)curl->result,
                   "the name of the proxy '%.150s' cannot be resolved", text + sizeof start - 1);
    curl->http->failure.retry = true;
    return true;
}

/* Failures whose cause is not clear from libcurl's code alone. False: it is clear. */
static bool explain_special(struct http_curl *curl, CURLcode result)
{
    const struct wr_http *http = curl->http;
    if (result == CURLE_OK) {
        explain_as(curl, WEIR_ERESET, 0, true,
                   "the server closed the connection before the end of the response's head");
        return true;
    }
    if (result == CURLE_OUT_OF_MEMORY && http->phase == WR_HTTP_ASKED) {
        explain_as(curl, WEIR_ENOMEM, 0, false,
                   "out of memory, or the head of the response has a line that is longer than "
                   "libcurl takes (100 KiB)");
        return true;
    }
    if (result == CURLE_URL_MALFORMAT && http->target != NULL) {
        explain_as(curl, WEIR_EHTTP, (int)result, false,
                   "the redirect's target is not an http or https address");
        return true;
    }
    if (http->phase == WR_HTTP_CONNECTING && http->reply.status >= 300) {
        wr_http_judge_proxy(curl->http);
        return true;
    }
    if (breaks_chunks(curl, result)) {
        explain_as(curl, WEIR_EHTTP, (int)result, true,
                   "the server breaks the chunked encoding of the body");
        return true;
    }
    return result == CURLE_COULDNT_CONNECT         ? explain_unreached(curl)
           : result == CURLE_COULDNT_RESOLVE_PROXY ? explain_unresolved_proxy(curl)
           : is_lost(result)                       ? explain_lost(curl)
                                                   : false;
}

static void explain(struct wr_http *http)
{
    struct http_curl *curl = curl_of(http);
    CURLcode result = curl->result;
    if (is_tls(result)) {
        explain_tls(curl);
        return;
    }
    if (result == CURLE_RECV_ERROR && wr_transfer_was_cut(&curl->transfer, result, curl->text)) {
        result = end_as_result(http);
        if (result == CURLE_OK && http->phase == WR_HTTP_BODY) {
            (void)wr_http_judge_cut(http);
            return;
        }
    }
    if (explain_special(curl, result)) {
        return;
    }
    char text[WR_HTTP_TEXT_MAX];
    say(curl, text, sizeof text);
    for (size_t i = 0; i < sizeof causes / sizeof *causes; i++) {
        if (causes[i].result == result) {
            explain_as(curl, causes[i].code, (int)result, causes[i].retry,
                       causes[i].text != NULL ? causes[i].text : text);
            return;
        }
    }
    explain_as(curl, WEIR_EIO, (int)result, false, text);
}

const struct wr_http_wire wr_http_curl = {.start = start,
                                          .stop = stop,
                                          .go_on = go_on,
                                          .is_paused = is_paused,
                                          .explain = explain,
                                          .was_cut = was_cut};
