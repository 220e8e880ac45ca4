/*
 * source_http_ws.c - what is different when the body is a WebSocket's stream of messages (RFC 6455).
 *
 * The connection is made, retried and followed as that of any HTTP source. Messages cannot be
 * requested again, so there is no position, and after a lost connection a gap or repeats are
 * possible. The server ends the stream by a close frame: with 1000, or without a code, it is a proper
 * end; 1001 and 1011 to 1014 say that another connection may succeed; all other codes are final.
 *
 * Control frames are answered as far as the stream is read: a reader that is slow answers late.
 */
#include <stdio.h>
#include <string.h>

#include <weir/module.h>

#include "base_alloc.h"
#include "base_option.h"
#include "codec_ws_handshake.h"
#include "source_http_ws.h"

enum { PING_MS = 30 * 1000, PONG_MS = 10 * 1000, LAST_AGAIN = 1014, HEADERS_MAX = 90 };

static struct wr_framer *framer_of(struct wr_http_source *source)
{
    return &source->inbox.framer;
}

enum wr_http_verdict wr_http_source_judge_ws(struct wr_http_source *source)
{
    source->http.idle_ms = source->idle_ms != 0 ? source->idle_ms : WEIR_NONE;
    return wr_http_ws_judge(&source->http);
}

int wr_http_source_begin_ws(struct wr_http_source *source)
{
    wr_ws_messages_begin(framer_of(source), WR_WS_CLIENT, wr_http_ws_terms(&source->http));
    return wr_http_source_send_first(source);
}

/* The server has closed the connection. 1, or the generator has failed. */
static int closed(struct wr_http_source *source)
{
    const struct wr_ws *reader = wr_ws_messages_reader(framer_of(source));
    struct wr_http *http = &source->http;
    unsigned code = reader->closes;
    bool good = code == WR_WS_NORMAL || code == WR_WS_NO_CODE;
    wr_http_ws_close(http, code);
    if (good) {
        wr_http_stop(http);
        source->finished = !source->follow;
        wr_inbox_end(&source->inbox);
        return 1;
    }
    wr_http_refuse(&http->failure, WEIR_EHTTP, (int)code,
                   "the server has closed the connection with code %u%s%.*s", code,
                   reader->control_len > 0 ? ": " : "", (int)reader->control_len, reader->control);
    http->failure.retry =
        code == WR_WS_GOING_AWAY || (code >= WR_WS_INTERNAL && code <= LAST_AGAIN);
    wr_http_stop(http);
    int rc = wr_http_source_ended(source);
    return rc < 0 ? rc : 1;
}

int wr_http_source_tend_ws(struct wr_http_source *source, size_t given)
{
    const char *data;
    size_t len;
    wr_budget_follow(&source->gen.loop->budget, &source->ws_charged_bytes,
                     wr_ws_held(wr_ws_messages_reader(framer_of(source))));
    if (wr_ws_messages_ping(framer_of(source), &data, &len) &&
        wr_http_ws_send(&source->http, WR_WS_PONG, data, len) < 0) {
        return wr_gen_fail(&source->gen, WEIR_ENOMEM, 0, -1, "no memory to answer a ping");
    }
    bool over = given == 0 && !source->inbox.end && source->http.wire_own != NULL &&
                wr_ws_messages_reader(framer_of(source))->closed;
    return over ? closed(source) : 0;
}

void wr_http_source_leave_ws(struct wr_http_source *source)
{
    unsigned code = WR_WS_NORMAL;
    if (source->inbox.framer.ws != NULL && source->gen.failure != NULL) {
        code = wr_ws_messages_reader(framer_of(source))->fail_close;
    }
    wr_http_ws_close(&source->http, code != 0 ? code : WR_WS_GOING_AWAY);
    wr_budget_follow(&source->gen.loop->budget, &source->ws_charged_bytes, 0);
}

void wr_http_source_free_ws(struct wr_http_source *source)
{
    struct wr_http_ws *ws = source->ws;
    if (ws == NULL) {
        return;
    }
    for (size_t i = 0; ws->messages != NULL && i < ws->messages_count; i++) {
        if (ws->messages[i] != NULL) {
            memset(ws->messages[i], 0, strlen(ws->messages[i])); /* they may hold secrets */
        }
        wr_free(ws->messages[i]);
    }
    wr_free(ws->messages);
    wr_free(ws->protocols);
    wr_free(ws);
    source->ws = NULL;
}

/* ---- making */

static int refuse(weir_error *error, const char *name, const char *what)
{
    return wr_error_set(error, WEIR_EINVAL, 0, name, "%s", what);
}

static int check(const weir_ws_options *o, const weir_http_options *http, const char *name,
                 weir_error *error)
{
    for (size_t i = 0; i < http->headers_count; i++) {
        struct wr_text line = wr_text_of(http->headers[i]);
        line.len = strcspn(line.data, ":;");
        if (wr_ws_is_own_header(line)) {
            return wr_error_set(error, WEIR_EINVAL, 0, name,
                                "the header %.*s belongs to the handshake: it cannot be set",
                                (int)line.len, line.data);
        }
    }
    if (http->headers_count > HEADERS_MAX) {
        return refuse(error, name, "there are more than 90 headers");
    }
    if (o->protocols != NULL && !wr_ws_is_list(o->protocols)) {
        return refuse(error, name, "protocols is not a list of names, as in \"a, b\"");
    }
    return wr_limit_wrong(error, name, "ping_ms", o->ping_ms) ||
                   wr_limit_wrong(error, name, "pong_ms", o->pong_ms) ||
                   wr_choice_wrong(error, name, "binary", o->binary, 1) ||
                   wr_choice_wrong(error, name, "files", o->files, 1) ||
                   wr_choice_wrong(error, name, "deflate", o->deflate, WEIR_WS_PLAIN)
               ? error->code
               : 0;
}

static int copy(struct wr_http_ws *ws, const weir_ws_options *o)
{
    ws->protocols = wr_strdup(o->protocols);
    if (o->protocols != NULL && ws->protocols == NULL) {
        return WEIR_ENOMEM;
    }
    if (o->messages_count == 0) {
        return 0;
    }
    ws->messages = wr_zalloc(o->messages_count * sizeof *ws->messages);
    ws->messages_count = ws->messages != NULL ? o->messages_count : 0;
    for (size_t i = 0; i < ws->messages_count; i++) {
        ws->messages[i] = wr_strdup(o->messages[i]);
        if (ws->messages[i] == NULL) {
            return WEIR_ENOMEM;
        }
    }
    return ws->messages != NULL ? 0 : WEIR_ENOMEM;
}

int wr_http_source_set_ws(struct wr_http_source *source, const weir_ws_options *o,
                          const weir_http_options *http, weir_error *error)
{
    int rc = check(o, http, source->gen.name, error);
    if (rc < 0) {
        return rc;
    }
    source->ws = wr_zalloc(sizeof *source->ws);
    if (source->ws == NULL || copy(source->ws, o) < 0) {
        return wr_error_set(error, WEIR_ENOMEM, 0, source->gen.name, "no memory for options");
    }
    source->ws->binary = o->binary != 0;
    source->ws->from_files = o->files != 0;
    source->ws->settings =
        (struct wr_ws_settings){.protocols = source->ws->protocols,
                                .deflate = o->deflate != WEIR_WS_PLAIN,
                                .ping_ms = o->ping_ms != 0 ? o->ping_ms : PING_MS,
                                .pong_ms = o->pong_ms != 0 ? o->pong_ms : PONG_MS};
    source->http.ws = &source->ws->settings;
    return 0;
}

/* ---- the component */

struct ws_args {
    const char *url, *protocols;
    weir_texts headers, messages;
    int64_t ping_ms, pong_ms;
    bool binary, plain;
};

static int ws_check(const weir_opening *opening, const void *args, weir_mistake *mistake)
{
    const struct ws_args *a = args;
    (void)opening;
    return wr_ws_check(a->url, a->headers.list, a->headers.count, a->protocols, mistake);
}

static weir_gen *ws_open(const weir_opening *opening, weir_gen *up, const void *args)
{
    const struct ws_args *a = args;
    weir_http_options http = *opening->http;
    size_t count = http.headers_count + a->headers.count;
    const char **headers = count > 0 ? wr_alloc(count * sizeof *headers) : NULL;
    (void)up;
    if (count > 0 && headers == NULL) {
        weir_error error;
        wr_error_set(&error, WEIR_ENOMEM, 0, "ws", "no memory for headers");
        return wr_gen_failed(opening->scope, &error);
    }
    for (size_t i = 0; i < count; i++) {
        headers[i] =
            i < http.headers_count ? http.headers[i] : a->headers.list[i - http.headers_count];
    }
    http.headers = headers;
    http.headers_count = count;
    http.state = opening->state;
    http.overlong = opening->strict ? WEIR_LONG_FAILS : WEIR_LONG_SKIP;
    const weir_ws_options options = {.struct_size = sizeof options,
                                     .http = &http,
                                     .protocols = a->protocols,
                                     .messages = a->messages.list,
                                     .messages_count = a->messages.count,
                                     .files = 1,
                                     .binary = a->binary,
                                     .deflate = a->plain ? WEIR_WS_PLAIN : WEIR_WS_DEFLATE,
                                     .ping_ms = a->ping_ms,
                                     .pong_ms = a->pong_ms};
    weir_gen *gen = weir_ws_messages(opening->scope, a->url, &options);
    wr_free(headers);
    return gen;
}

static const char *const ws_schemes[] = {"ws", "wss", NULL};
static const weir_arg ws_args[] = {
    WEIR_ARG_URL(struct ws_args, url, .name = "URL", .flags = WEIR_ARG_REQUIRED,
                 .help = "ws://HOST/PATH, or wss:// with TLS"),
    WEIR_ARG_TEXTS(struct ws_args, messages, WEIR_ARGTYPE_TEXT, WEIR_ARG_SECRET, .name = "send",
                   .form = WEIR_FORM_NAMED,
                   .help = "a message to send after each connect, as to subscribe; @FILE: what a "
                           "file holds (@@x: @x)"),
    WEIR_ARG_FLAG(struct ws_args, binary, .name = "binary",
                  .help = "send these messages as binary, not as text"),
    WEIR_ARG_TEXT(struct ws_args, protocols, .name = "subprotocol", .form = WEIR_FORM_NAMED,
                  .help = "subprotocols to offer, \"A, B\""),
    WEIR_ARG_TEXTS(struct ws_args, headers, WEIR_ARGTYPE_TEXT, WEIR_ARG_SECRET, .name = "header",
                   .form = WEIR_FORM_NAMED, .help = "a request header, \"NAME: VALUE\""),
    WEIR_ARG_TIME(struct ws_args, ping_ms, .name = "ping", .form = WEIR_FORM_NAMED, .min = 1,
                  .preset = "30s", .help = "silence after which a ping is sent"),
    WEIR_ARG_TIME(struct ws_args, pong_ms, .name = "pong", .form = WEIR_FORM_NAMED, .min = 1,
                  .preset = "10s", .help = "time to answer a ping, until it reconnects"),
    WEIR_ARG_FLAG(struct ws_args, plain, .name = "plain", .help = "offer no compression"),
};

const weir_component wr_component_ws = {
    .struct_size = sizeof wr_component_ws,
    .name = "ws",
    .schemes = ws_schemes,
    .kind = WEIR_KIND_SOURCE,
    .gives = WEIR_SHAPE_MESSAGE,
    .traits = WEIR_TRAIT_IO | WEIR_TRAIT_CONNECTS | WEIR_TRAIT_TLS,
    .args = ws_args,
    .args_count = sizeof ws_args / sizeof ws_args[0],
    .args_size = sizeof(struct ws_args),
    .help = "The messages of a WebSocket; reconnects.",
    .example = "wss://example.org/feed send=`{\"subscribe\":\"ticks\"}` | head 3",
    .on_break = "it reconnects; messages may be missing or repeated",
    .check = ws_check,
    .open = ws_open,
};
