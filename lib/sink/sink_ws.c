/*
 * sink_ws.c - each item as a message of a WebSocket, as client.
 *
 * It is a socket sink (sink_socket.c) whose connection is a WebSocket (loop_ws.c): the items go there
 * as records with their lengths. A lost connection is made again, and what the server had not read is
 * sent again (loop_redial.c). Before a text is written, it is checked: a WebSocket takes only UTF-8
 * as text, and a record must fit into what is kept for a new connection. Other items are rejected.
 *
 * sink_stream.c says how bytes are written and what may happen between two suspensions.
 */
#include <stdio.h>
#include <string.h>

#include <weir/module.h>
#include <weir/socket.h>

#include "base_alloc.h"
#include "base_option.h"
#include "base_print.h"
#include "codec_base64.h"
#include "codec_url.h"
#include "codec_utf8.h"
#include "codec_ws_handshake.h"
#include "flow_dead.h"
#include "http.h"
#include "loop_redial.h"
#include "loop_ws.h"
#include "sink_socket.h"

enum { PING_MS = 30 * 1000, MESSAGE_BYTES_MAX = WR_REDIAL_KEPT_MAX - 4, HEADERS_MAX = 90 };

struct sink_ws {
    struct wr_socket_sink base;
    struct wr_ws_dial dial;
    char *texts; /* of the dial; they may hold secrets */
    size_t texts_len;
    char **headers;
};

static struct sink_ws *ws_of(const struct weir_sink *sink)
{
    return WR_OWNER((uintptr_t)sink, struct sink_ws, base.stream.sink);
}

/* ---- items */

static int judge(struct wr_gather *gather, const weir_item *text)
{
    const struct sink_ws *self = ws_of(gather->sink);
    char why[160];
    int rc;
    if (text->len > MESSAGE_BYTES_MAX) {
        (void)wr_print_text(why, sizeof why, "%zu bytes: a message has at most %d", text->len,
                            MESSAGE_BYTES_MAX);
        rc = wr_sink_reject(gather->sink, gather->whole, gather->part, 1, WEIR_ETOOLONG, why);
        return rc < 0 ? rc : 1;
    }
    if (self->dial.binary || wr_utf8_valid_bytes(text->data, text->len) == text->len) {
        return 0;
    }
    rc = wr_sink_reject(gather->sink, gather->whole, gather->part, 1, WEIR_EPARSE,
                        "not UTF-8: to send it, write `binary`");
    return rc < 0 ? rc : 1;
}

static void ws_close(struct weir_sink *sink, const weir_error *failure)
{
    struct sink_ws *self = ws_of(sink);
    wr_socket_sink_close(sink, failure);
    if (self->texts != NULL) {
        memset(self->texts, 0, self->texts_len);
    }
    wr_free(self->texts);
    wr_free(self->headers);
    self->texts = NULL;
    self->headers = NULL;
}

static int ws_promise(const struct weir_sink *sink, const char **why)
{
    (void)sink;
    return wr_stream_promise(WR_FAR_ANSWERS, why);
}

static const struct wr_sink_ops ws_ops = {.kind = "ws",
                                          .put_many = wr_stream_put_many,
                                          .flush = wr_stream_flush,
                                          .wait = wr_stream_wait,
                                          .promise = ws_promise,
                                          .begun = wr_stream_begun,
                                          .release = wr_stream_release,
                                          .drain = wr_socket_sink_drain,
                                          .close = ws_close,
                                          .why = wr_socket_sink_why};

/* ---- making */

/* A copy in self->texts, terminated. */
static const char *keep(struct sink_ws *self, size_t *at, const char *text, size_t len)
{
    char *to = self->texts + *at;
    memcpy(to, text, len);
    to[len] = '\0';
    *at += len + 1;
    return to;
}

static const char *keep_login(struct sink_ws *self, size_t *at, const char *user, size_t len)
{
    static const char begin[] = "Authorization: Basic ";
    char *to = self->texts + *at;
    memcpy(to, begin, sizeof begin - 1);
    wr_base64_write(user, len, to + sizeof begin - 1);
    size_t all = sizeof begin - 1 + wr_base64_len(len);
    to[all] = '\0';
    *at += all + 1;
    return to;
}

/* Percent-decode a login in place; returns its length. */
static size_t unescape(char *text, size_t len)
{
    size_t to = 0;
    for (size_t i = 0; i < len; i++) {
        int high = text[i] == '%' && i + 2 < len ? wr_hex_value(text[i + 1]) : -1;
        int low = high >= 0 ? wr_hex_value(text[i + 2]) : -1;
        if (low >= 0 && high * 16 + low != 0) {
            text[to++] = (char)(high * 16 + low);
            i += 2;
        } else {
            text[to++] = text[i];
        }
    }
    return to;
}

/* Copy what the handshake says. */
static int copy(struct sink_ws *self, const struct wr_url *url, const weir_ws_sink_options *o)
{
    const char *user = o->user != NULL ? o->user : url->userinfo.data;
    size_t user_len = o->user != NULL ? strlen(o->user) : url->userinfo.len;
    size_t target_len = url->query.data != NULL
                            ? (size_t)(url->query.data + url->query.len - url->path.data)
                            : url->path.len;
    size_t host_len = (size_t)(url->path.data - url->host.data), at = 0;
    size_t len = host_len + target_len + 2 * user_len + 64;
    len += o->protocols != NULL ? strlen(o->protocols) + 1 : 0;
    for (size_t i = 0; i < o->headers_count; i++) {
        len += strlen(o->headers[i]) + 1;
    }
    self->texts = wr_alloc(len + user_len + 1);
    self->headers = wr_zalloc((o->headers_count + 1) * sizeof *self->headers);
    if (self->texts == NULL || self->headers == NULL) {
        wr_free(self->texts);
        self->texts = NULL;
        return WEIR_ENOMEM;
    }
    self->texts_len = len + user_len + 1;
    self->dial.host = keep(self, &at, url->host.data, host_len);
    self->dial.target = keep(self, &at, url->path.data, target_len);
    if (o->protocols != NULL) {
        self->dial.protocols = keep(self, &at, o->protocols, strlen(o->protocols));
    }
    for (size_t i = 0; i < o->headers_count; i++) {
        self->headers[i] = self->texts + at;
        (void)keep(self, &at, o->headers[i], strlen(o->headers[i]));
    }
    self->dial.headers = self->headers;
    self->dial.headers_count = o->headers_count;
    if (user != NULL) {
        char *plain = self->texts + len; /* at the end, behind all others */
        memcpy(plain, user, user_len);
        user_len = o->user != NULL ? user_len : unescape(plain, user_len);
        self->dial.login = keep_login(self, &at, plain, user_len);
    }
    return 0;
}

static int check(const weir_ws_sink_options *o, weir_error *error)
{
    if (o->headers_count > HEADERS_MAX) {
        return wr_error_set(error, WEIR_EINVAL, 0, "ws", "there are more than 90 headers");
    }
    for (size_t i = 0; i < o->headers_count; i++) {
        const char *line = o->headers[i];
        struct wr_text name = {line, strcspn(line, ":")};
        if (line[name.len] == '\0' || strpbrk(line, "\r\n") != NULL) {
            return wr_error_set(error, WEIR_EINVAL, 0, "ws", "a header is one line with a colon");
        }
        if (wr_ws_is_own_header(name)) {
            return wr_error_set(error, WEIR_EINVAL, 0, "ws",
                                "the header %.*s belongs to the handshake: it cannot be set",
                                (int)name.len, name.data);
        }
    }
    if (o->protocols != NULL && !wr_ws_is_list(o->protocols)) {
        return wr_error_set(error, WEIR_EINVAL, 0, "ws",
                            "protocols is not a list of names, as in \"a, b\"");
    }
    return wr_limit_wrong(error, "ws", "ping_ms", o->ping_ms) ||
                   wr_choice_wrong(error, "ws", "binary", o->binary, 1)
               ? error->code
               : 0;
}

/* Its address as a socket's. */
static void begin(struct sink_ws *self, const struct wr_url *url, const weir_ws_sink_options *o)
{
    struct weir_sink *sink = &self->base.stream.sink;
    weir_socket_options options = {.struct_size = sizeof options,
                                   .connect_ms = o->connect_ms,
                                   .retries = o->retries,
                                   .frame = WEIR_FRAME_LEN32};
    if (url->secure) {
        options.tls = o->tls;
        options.ca_file = o->ca_file;
        options.ca_folder = o->ca_folder;
        options.cert_file = o->cert_file;
        options.key_file = o->key_file;
    }
    char *address = wr_alloc(url->host.len + 16);
    if (address == NULL || copy(self, url, o) < 0) {
        wr_free(address);
        wr_sink_set_error(sink, WEIR_ENOMEM, 0, "no memory for an address");
        return;
    }
    (void)snprintf(address, url->host.len + 16, "%s://%.*s:%u", url->secure ? "tls" : "tcp",
                   (int)url->host.len, url->host.data, url->port);
    wr_socket_sink_init(&self->base, address, &options);
    wr_free(address);
    self->dial.binary = o->binary != 0;
    self->dial.ping_ms = o->ping_ms != 0 ? o->ping_ms : PING_MS;
    self->base.stream.gather.judge = judge;
    if (self->base.socket != NULL) {
        self->base.socket->dial.ws = &self->dial;
    }
}

weir_sink *weir_ws_sink(weir_scope *scope, const char *url, const weir_ws_sink_options *options)
{
    weir_ws_sink_options o = WEIR_ZERO;
    struct wr_url parsed;
    weir_error error;
    char name[64];
    WR_GIVEN(url);
    if (options != NULL) {
        WR_TAKE_OPTIONS(o, options);
    }
    wr_url_redact(wr_text_of(url), name, sizeof name);
    struct sink_ws *self = wr_stream_sink_alloc(scope, sizeof *self, &ws_ops, name);
    if (self == NULL) {
        return wr_sink_made(NULL);
    }
    struct weir_sink *sink = &self->base.stream.sink;
    if (wr_url_parse_ws(wr_text_of(url), &parsed) < 0) {
        wr_sink_set_error(sink, WEIR_EINVAL, 0, "this is not a ws:// or wss:// URL");
    } else if (check(&o, &error) < 0) {
        wr_sink_set_error(sink, error.code, 0, "%s", error.message);
    } else {
        begin(self, &parsed, &o);
    }
    return wr_sink_made(sink);
}

/* ---- the component */

struct ws_args {
    const char *url, *protocols;
    weir_texts headers;
    int64_t ping_ms, retry;
    bool binary, once;
};

static int ws_check(const weir_opening *opening, const void *args, weir_mistake *mistake)
{
    const struct ws_args *a = args;
    (void)opening;
    return wr_ws_check(a->url, a->headers.list, a->headers.count, a->protocols, mistake);
}

static weir_sink *ws_write(const weir_opening *opening, const void *args)
{
    const struct ws_args *a = args;
    const weir_http_options *http = opening->http;
    const weir_ws_sink_options options = {
        .struct_size = sizeof options,
        .protocols = a->protocols,
        .headers = a->headers.list,
        .headers_count = a->headers.count,
        .user = http->user,
        .binary = a->binary,
        .retries = a->once        ? 0
                   : a->retry > 0 ? (int32_t)WR_MIN(a->retry, (int64_t)INT32_MAX)
                                  : WEIR_NONE,
        .connect_ms = opening->connect_ms,
        .ping_ms = a->ping_ms,
        .tls = http->tls,
        .ca_file = http->ca_file,
        .ca_folder = http->ca_folder,
        .cert_file = http->cert_file,
        .key_file = http->key_file};
    weir_sink *sink = weir_ws_sink(opening->scope, a->url, &options);
    weir_sink_keep_state(sink, opening->state);
    return sink;
}

static const char *const ws_schemes[] = {"ws", "wss", NULL};
static const weir_arg ws_args[] = {
    WEIR_ARG_URL(struct ws_args, url, .name = "URL", .flags = WEIR_ARG_REQUIRED,
                 .help = "ws://HOST/PATH, or wss:// with TLS"),
    WEIR_ARG_FLAG(struct ws_args, binary, .name = "binary",
                  .help = "binary messages, not text; then any bytes are sent"),
    WEIR_ARG_TEXT(struct ws_args, protocols, .name = "subprotocol", .form = WEIR_FORM_NAMED,
                  .help = "subprotocols to offer, \"A, B\""),
    WEIR_ARG_TEXTS(struct ws_args, headers, WEIR_ARGTYPE_TEXT, WEIR_ARG_SECRET, .name = "header",
                   .form = WEIR_FORM_NAMED, .help = "a request header, \"NAME: VALUE\""),
    WEIR_ARG_TIME(struct ws_args, ping_ms, .name = "ping", .form = WEIR_FORM_NAMED, .min = 1,
                  .preset = "30s", .help = "how often a ping keeps an idle connection"),
    WEIR_ARG_COUNT(struct ws_args, retry, .name = "retry", .form = WEIR_FORM_NAMED, .min = 1,
                   .help = "maximum consecutive attempts to connect again; default: no limit, but "
                           "a failed first connection is not retried"),
    WEIR_ARG_FLAG(struct ws_args, once, .name = "once",
                  .help = "a lost connection ends the pipeline"),
};

const weir_component wr_component_ws_sink = {
    .struct_size = sizeof wr_component_ws_sink,
    .name = "ws",
    .schemes = ws_schemes,
    .kind = WEIR_KIND_SINK,
    .takes = WEIR_SHAPES_ALL,
    .traits = WEIR_TRAIT_IO | WEIR_TRAIT_CONNECTS | WEIR_TRAIT_TLS | WEIR_TRAIT_REJECTS |
              WEIR_TRAIT_ACKNOWLEDGES,
    .args = ws_args,
    .args_count = sizeof ws_args / sizeof ws_args[0],
    .args_size = sizeof(struct ws_args),
    .help = "Each item as a message of a WebSocket.",
    .example = "gen 1..3 | ws ws://127.0.0.1:8080/in",
    .on_break = "it connects again, and sends again what the server had not read",
    .misplaced = "to read messages, write ws://HOST/PATH as the first part",
    .check = ws_check,
    .open_sink = ws_write,
};
