/*
 * http_client.c - the request's options, and what the user's task does between its waits.
 *
 * Phases: CLOSED -> (TOKEN ->) CONNECTING -> ASKED (connected, waits for the head) -> BODY ->
 * CLOSED ..., with BACKOFF before another attempt when the user wants one. The wire's callbacks
 * append bytes to the inbox and wake the user's task. That task makes the decisions, here and in
 * its own code.
 *
 * Backpressure: when WR_HTTP_HIGH_BYTES are unread, bytes are refused at the end of what the wire
 * has received, and it stops reading. It continues when WR_HTTP_LOW_BYTES are left. Bytes of an
 * unfinished item do not count (`stale`), so that a long item cannot block itself.
 *
 * The timeouts run only while the user waits, so they stand still when its reader is slow: they
 * measure the server. Between two waits the wire calls nothing. When a wait returns, anything may
 * have changed.
 */
#include <inttypes.h>
#include <string.h>

#include "base_alloc.h"
#include "base_option.h"
#include "base_print.h"
#include "http.h"

enum {
    CONNECT_MS = 10 * 1000,
    FIRST_BYTE_MS = 30 * 1000,
    EXCERPT_MS = 2000,
    RETRY_AFTER_MAX_MS = 3600 * 1000
};

/* ---- the request's options */

static int header_wrong(struct wr_http *http, const char *line, size_t number, weir_error *error)
{
    struct wr_text text = wr_text_of(line), rest = text;
    bool good = true;
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.data[i];
        good = good && (c >= ' ' || c == '\t') && c != 0x7f; /* a line end begins a new header */
    }
    http->own_range = http->own_range || wr_text_take(&rest, "Range:");
    size_t name = 0;
    while (name < text.len && wr_is_token_char(text.data[name])) {
        name++;
    }
    if (good && name > 0 && name < text.len && (text.data[name] == ':' || text.data[name] == ';')) {
        return 0;
    }
    return wr_error_set(error, WEIR_EINVAL, 0, http->name,
                        "header %zu is not of the form 'Name: value'", number);
}

/* Decode %XX, except %00: a NUL would cut the login short. NULL: out of memory. */
static char *unescape(struct wr_text text)
{
    char *plain = wr_alloc(text.len + 1);
    size_t len = 0;
    for (size_t i = 0; plain != NULL && i < text.len; i++) {
        int high = text.data[i] == '%' && i + 2 < text.len ? wr_hex_value(text.data[i + 1]) : -1;
        int low = high >= 0 ? wr_hex_value(text.data[i + 2]) : -1;
        bool escaped = low >= 0 && (high > 0 || low > 0);
        plain[len++] = escaped ? (char)(high * 16 + low) : text.data[i];
        i += escaped ? 2 : 0;
    }
    if (plain != NULL) {
        plain[len] = '\0';
    }
    return plain;
}

/* Copy "https://user:password@host/..." without the userinfo. That is the login, unless the options
 * name one. */
static int copy_url(struct wr_http *http, const char *text, const struct wr_url *url)
{
    size_t len = strlen(text);
    struct wr_text userinfo = url->userinfo;
    http->url = wr_alloc(len + 1);
    if (http->url == NULL) {
        return WEIR_ENOMEM;
    }
    memcpy(http->url, text, len + 1);
    if (userinfo.data == NULL) {
        return 0;
    }
    size_t at = (size_t)(userinfo.data - text);
    memmove(http->url + at, text + at + userinfo.len + 1, len - at - userinfo.len);
    if (http->login == NULL && userinfo.len > 0) {
        http->login = unescape(userinfo);
        return http->login != NULL ? 0 : WEIR_ENOMEM;
    }
    return 0;
}

static int copy_text(char **to, const char *from)
{
    *to = wr_strdup(from);
    return from != NULL && *to == NULL ? WEIR_ENOMEM : 0;
}

static int64_t or_default(int64_t value, int64_t preset)
{
    return value == 0 ? preset : value;
}

bool wr_http_options_wrong(const weir_http_options *o, const char *name, weir_error *error)
{
    if (o->key_file != NULL && o->cert_file == NULL) {
        wr_error_set(error, WEIR_EINVAL, 0, name, "key_file is set, but not cert_file");
        return true;
    }
    return wr_choice_wrong(error, name, "tls", o->tls, WEIR_TLS_TRUST_ANYBODY) ||
           wr_limit_wrong(error, name, "retries", o->retries) ||
           wr_limit_wrong(error, name, "connect_ms", o->connect_ms) ||
           wr_limit_wrong(error, name, "first_byte_ms", o->first_byte_ms) ||
           wr_limit_wrong(error, name, "idle_ms", o->idle_ms) ||
           wr_limit_wrong(error, name, "decoded_bytes_max", o->decoded_bytes_max) ||
           wr_limit_wrong(error, name, "decoded_ratio_max", o->decoded_ratio_max) ||
           wr_limit_wrong(error, name, "retry_after_max_ms", o->retry_after_max_ms) ||
           wr_choice_wrong(error, name, "raw", o->raw, 1);
}

static int copy_options(struct wr_http *http, const char *url_text, const struct wr_url *url,
                        weir_error *error)
{
    const weir_http_options *o = &http->o;
    if (copy_text(&http->login, o->user) < 0 || copy_text(&http->bearer_file, o->bearer_file) < 0 ||
        copy_text(&http->ca_file, o->ca_file) < 0 ||
        copy_text(&http->ca_folder, o->ca_folder) < 0 ||
        copy_text(&http->cert_file, o->cert_file) < 0 ||
        copy_text(&http->key_file, o->key_file) < 0 ||
        copy_text(&http->unix_socket, o->unix_socket) < 0 || copy_url(http, url_text, url) < 0) {
        return WEIR_ENOMEM;
    }
    http->headers =
        o->headers_count > 0 ? wr_zalloc(o->headers_count * sizeof *http->headers) : NULL;
    for (size_t i = 0; i < o->headers_count; i++) {
        if (http->headers == NULL || copy_text(&http->headers[i], o->headers[i]) < 0) {
            return WEIR_ENOMEM;
        }
        if (header_wrong(http, o->headers[i], i + 1, error) < 0) {
            return WEIR_EINVAL;
        }
    }
    return 0;
}

int wr_http_init(struct wr_http *http, struct weir_loop *loop, const char *url_text,
                 const struct wr_url *url, const weir_http_options *options, weir_error *error)
{
    http->loop = loop;
    http->wire = loop->http_wire != NULL ? loop->http_wire : &wr_http_curl;
    http->o = *options;
    http->o.connect_ms = or_default(options->connect_ms, CONNECT_MS);
    http->o.first_byte_ms = or_default(options->first_byte_ms, FIRST_BYTE_MS);
    http->o.retry_after_max_ms = or_default(options->retry_after_max_ms, RETRY_AFTER_MAX_MS);
    http->idle_ms = WEIR_NONE;
    int rc = copy_options(http, url_text, url, error);
    if (rc == WEIR_ENOMEM) {
        wr_error_set(error, rc, 0, http->name, "no memory for a request");
    }
    return rc;
}

static void wipe(char *secret)
{
    if (secret != NULL) {
        memset(secret, 0, strlen(secret));
    }
    wr_free(secret);
}

void wr_http_fini(struct wr_http *http)
{
    for (size_t i = 0; http->headers != NULL && i < http->o.headers_count; i++) {
        wipe(http->headers[i]);
    }
    wr_free(http->headers);
    wipe(http->login);
    wr_free(http->url);
    wr_free(http->bearer_file);
    wr_free(http->ca_file);
    wr_free(http->ca_folder);
    wr_free(http->cert_file);
    wr_free(http->key_file);
    wr_free(http->unix_socket);
    wr_http_redirect_none(http);
    wr_http_reply_fini(&http->reply);
    wr_http_failure_fini(&http->failure);
}

void wr_http_shown(const struct wr_http *http, char *to, size_t cap)
{
    wr_url_redact(wr_text_of(http->url), to, cap);
}

/* ---- waiting */

/* The time left for this phase in ms; negative: no limit. */
static int64_t limit_of(const struct wr_http *http)
{
    int64_t spent_ms = (wr_now_ns(http->loop) - http->phase_ns) / 1000000;
    if (http->play != NULL && http->phase != WR_HTTP_BACKOFF) {
        return -1; /* what was late then is in the recording */
    }
    switch (http->phase) {
    case WR_HTTP_TOKEN:
    case WR_HTTP_CONNECTING:
        return http->o.connect_ms < 0 ? -1 : WR_MAX(http->o.connect_ms - spent_ms, 0);
    case WR_HTTP_ASKED:
        return http->o.first_byte_ms < 0 ? -1 : WR_MAX(http->o.first_byte_ms - spent_ms, 0);
    case WR_HTTP_BACKOFF: return WR_MAX(-spent_ms, 0);
    default:
        return http->verdict == WR_HTTP_REFUSED ? WR_MAX(EXCERPT_MS - spent_ms, 0) : http->idle_ms;
    }
}

static const char *why_of(const struct wr_http *http)
{
    switch (http->phase) {
    case WR_HTTP_TOKEN: return "the bearer token file";
    case WR_HTTP_CONNECTING: return "a connection";
    case WR_HTTP_ASKED: return "a response";
    case WR_HTTP_BACKOFF: return "time to try again";
    default: return "data";
    }
}

int wr_http_wait(struct wr_http *http)
{
    struct wr_limit limit;
    if (http->inbox != NULL) {
        wr_inbox_came(http->inbox, 0);
    }
    int64_t limit_ms = limit_of(http), began_ns = wr_now_ns(http->loop);
    bool body = http->inbox != NULL && http->phase == WR_HTTP_BODY;
    wr_limit_start(http->loop, &limit, body ? wr_inbox_wait_ms(http->inbox, limit_ms) : limit_ms);
    int rc = wr_wait_limited(&limit, why_of(http), http->of);
    wr_limit_stop(&limit);
    bool let_go = body && wr_inbox_waited(http->inbox, began_ns);
    if (rc != WEIR_ETIMEDOUT) {
        return rc;
    }
    if (let_go) {
        return 0;
    }
    if (http->phase == WR_HTTP_BACKOFF) {
        http->phase = WR_HTTP_CLOSED; /* the pause is over */
    } else if (http->phase == WR_HTTP_ASKED && limit_of(http) != 0) {
        return 0; /* bytes of the request were sent since then */
    } else if (!http->over) {
        wr_http_judge_late(http);
        http->over = true;
        if (http->recorder != NULL) {
            wr_http_record_failure(http, WR_RECORD_LATE);
        }
    }
    return 0;
}

void wr_http_pause(struct wr_http *http, int64_t ms)
{
    http->phase = WR_HTTP_BACKOFF;
    http->phase_ns = wr_now_ns(http->loop) + ms * 1000000;
}

const char *wr_http_missing(const struct wr_http *http)
{
    switch (http->phase) {
    case WR_HTTP_TOKEN: return "no bearer token from its file";
    case WR_HTTP_CONNECTING: return "no connection";
    case WR_HTTP_ASKED: return "no response";
    default: return "no data";
    }
}

size_t wr_http_why(const struct wr_http *http, char *to, size_t cap)
{
    const struct wr_task *waiter = wr_object_waiter(http->of);
    int64_t ms = (wr_now_ns(http->loop) - http->phase_ns) / 1000000;
    if (http->phase == WR_HTTP_BACKOFF) {
        return wr_print_text(to, cap, "tries again in %" PRId64 " s", WR_MAX(-ms, 0) / 1000);
    }
    if (waiter == NULL) {
        bool paused = http->wire_own != NULL && http->wire->is_paused(http);
        return wr_print_text(to, cap,
                             paused ? "paused by backpressure from its consumer"
                                    : "idle: its consumer has not asked for more");
    }
    if (http->phase == WR_HTTP_BODY && waiter->parked_ns > http->phase_ns) {
        ms = (wr_now_ns(http->loop) - waiter->parked_ns) / 1000000;
    }
    return wr_print_text(to, cap, "%s for %" PRId64 " s", wr_http_missing(http), ms / 1000);
}

/* ---- bytes */

int wr_http_find_room(struct wr_http *http)
{
    char *to;
    int rc = wr_inbox_room_for(http->inbox, WR_HTTP_PIECE_MAX, &to);
    if (rc == 0) {
        http->starved = false;
        http->wire->go_on(http);
    }
    return rc;
}

void wr_http_taken(struct wr_http *http, size_t items)
{
    size_t pending = wr_inbox_pending(http->inbox);
    http->stale = items > 0 ? 0 : pending;
    if (items > 0 && pending <= WR_HTTP_LOW_BYTES && http->wire_own != NULL) {
        http->wire->go_on(http);
    }
}
