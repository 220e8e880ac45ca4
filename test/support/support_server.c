/*
 * support_server.c - a server with routes that do what its tests need, and a client that writes
 * requests as text.
 *
 * Client and server share the loop, and the test's task is the client: a read that finds nothing
 * parks it, and the server runs meanwhile.
 */
#include "support_server.h"

#include <stdio.h>
#include <string.h>

#include "base_fault.h"
#include "loop_scope.h"
#include "support_check.h"

weir_loop *loop;
weir_server *server;
weir_error error;
char got[1 << 21];
size_t got_len;
int pulls;
bool feed_ended;
struct wr_task *feed_waiter;

static bool feed_may_go;

/* ---- generators to serve */

struct lines {
    int64_t first, count;
    int code; /* to fail with at the end; 0: none */
};

WEIR_SOURCE(numbered, struct lines)
{
    for (int64_t i = args->first; i < args->first + args->count; i++) {
        char line[32];
        int len = snprintf(line, sizeof line, "line %lld", (long long)i);
        weir_item item = weir_bytes(line, (size_t)len);
        if (!weir_yield(self, &item)) {
            return 0;
        }
    }
    return args->code == 0 ? 0 : weir_fail(self, args->code, "as asked");
}

/* Gives a line whenever the test says so. */
WEIR_SOURCE(feed, int)
{
    (void)args;
    weir_loop *on = loop;
    weir_item item = weir_bytes("tick", 4);
    bool more = true;
    while (more) {
        feed_waiter = wr_task_now(on, "feed");
        while (!feed_may_go && wr_wait(on, "the test", NULL) == 0) {}
        feed_waiter = NULL;
        feed_may_go = false;
        pulls++;
        more = weir_yield(self, &item);
    }
    feed_ended = true;
    return 0;
}

void let_feed_go(void)
{
    ck_assert_ptr_nonnull(feed_waiter);
    feed_may_go = true;
    wr_wake(feed_waiter, 0);
}

/* Lines of 1000 bytes without end. */
WEIR_SOURCE(flood, int)
{
    char line[1000];
    memset(line, 'x', sizeof line);
    weir_item item = weir_bytes(line, sizeof line);
    (void)args;
    do {
        pulls++;
    } while (weir_yield(self, &item));
    feed_ended = true;
    return 0;
}

/* Lines of 1000 bytes until nobody wants them, and then a second of clean-up. */
WEIR_SOURCE(careful, int)
{
    static const char line[1000] = "xxx";
    weir_item item = weir_bytes(line, sizeof line);
    (void)args;
    while (weir_yield(self, &item)) {}
    pulls++;
    feed_ended = weir_sleep(weir_gen_scope(self), 1000);
    return 0;
}

/* So many lines of 1000 bytes, and then the feed. */
WEIR_SOURCE(burst, int64_t)
{
    static char line[1000];
    memset(line, 'x', sizeof line);
    weir_item item = weir_bytes(line, sizeof line);
    for (int64_t i = 0; i < *args; i++) {
        if (!weir_yield(self, &item)) {
            return 0;
        }
    }
    int none = 0;
    return feed_body(self, &none);
}

const char alphabet[] = "abcdefghijklmnopqrstuvwxyz";

struct part {
    int64_t first, count;
};

WEIR_SOURCE(letters, struct part)
{
    weir_item item = weir_bytes(alphabet + args->first, (size_t)args->count);
    return weir_yield(self, &item) ? 0 : WEIR_ECLOSED;
}

/* ---- routes */

static weir_gen *on_lines(weir_scope *scope, const weir_request *request, weir_reply *reply,
                          void *ctx)
{
    int64_t length = weir_request_number(request, "length", -1);
    (void)ctx;
    weir_reply_length(reply, length);
    weir_reply_header(reply, "X-Test", "yes");
    return numbered(scope, (struct lines){1, weir_request_number(request, "n", 2),
                                          (int)-weir_request_number(request, "code", 0)});
}

static weir_gen *on_feed(weir_scope *scope, const weir_request *request, weir_reply *reply,
                         void *ctx)
{
    (void)request;
    (void)ctx;
    weir_reply_type(reply, "application/x-ndjson");
    return feed(scope, 0);
}

static weir_gen *on_flood(weir_scope *scope, const weir_request *request, weir_reply *reply,
                          void *ctx)
{
    (void)request;
    (void)reply;
    (void)ctx;
    return flood(scope, 0);
}

static weir_gen *on_burst(weir_scope *scope, const weir_request *request, weir_reply *reply,
                          void *ctx)
{
    (void)reply;
    (void)ctx;
    return burst(scope, weir_request_number(request, "n", 0));
}

/* Takes an hour over its reply. */
static weir_gen *on_sleepy(weir_scope *scope, const weir_request *request, weir_reply *reply,
                           void *ctx)
{
    (void)request;
    (void)reply;
    (void)ctx;
    pulls++;
    feed_ended = !weir_sleep(scope, 3600 * 1000);
    return NULL;
}

static weir_gen *on_careful(weir_scope *scope, const weir_request *request, weir_reply *reply,
                            void *ctx)
{
    (void)request;
    (void)reply;
    (void)ctx;
    return careful(scope, 0);
}

static weir_gen *on_letters(weir_scope *scope, const weir_request *request, weir_reply *reply,
                            void *ctx)
{
    struct part part;
    int64_t modified_s = weir_request_number(request, "modified", -1);
    (void)ctx;
    weir_reply_body(reply, WEIR_BODY_BYTES);
    weir_reply_length(reply, 26);
    weir_reply_header(reply, "Vary", "Accept");
    weir_reply_header(reply, "Content-Language", "la");
    if (weir_request_number(request, "tag", 1) != 0) {
        weir_reply_etag(reply, "v1");
    }
    if (modified_s >= 0) {
        weir_reply_modified(reply, modified_s);
    }
    if (weir_reply_range(reply, &part.first, &part.count) == 416) {
        return NULL;
    }
    return letters(scope, part);
}

static weir_gen *on_late(weir_scope *scope, const weir_request *request, weir_reply *reply,
                         void *ctx)
{
    return weir_sleep(scope, 1000) ? on_letters(scope, request, reply, ctx) : NULL;
}

/* Tells what it was asked. */
static weir_gen *on_echo(weir_scope *scope, const weir_request *request, weir_reply *reply,
                         void *ctx)
{
    char q[64], h[64], text[256];
    (void)scope;
    int64_t q_len = weir_request_query(request, "q", q, sizeof q);
    int64_t h_len = weir_request_header(request, "x-thing", h, sizeof h);
    snprintf(text, sizeof text, "%s %s q=%s(%lld) h=%s(%lld) %s", weir_request_method(request),
             weir_request_path(request), q, (long long)q_len, h, (long long)h_len,
             (const char *)ctx);
    return weir_reply_refuse(reply, 409, "%s", text);
}

static weir_gen *on_empty(weir_scope *scope, const weir_request *request, weir_reply *reply,
                          void *ctx)
{
    (void)scope;
    (void)ctx;
    weir_reply_status(reply, (int)weir_request_number(request, "status", 204));
    return NULL;
}

static weir_gen *on_faulty(weir_scope *scope, const weir_request *request, weir_reply *reply,
                           void *ctx)
{
    (void)ctx;
    switch (weir_request_number(request, "how", 0)) {
    case 0: weir_reply_header(reply, "Content-Length", "7"); break;
    case 1: weir_reply_header(reply, "X-Thing", "a\r\nSet-Cookie: b"); break;
    case 2: weir_reply_header(reply, "X Thing", "a"); break;
    case 3: weir_reply_type(reply, "text/html\r\nSet-Cookie: b"); break;
    case 4: weir_reply_etag(reply, "a\" b"); break;
    case 5: weir_reply_etag(reply, "a b"); break;
    case 6: weir_reply_status(reply, 206); break;
    case 7: weir_reply_status(reply, 100); break;
    case 8: weir_reply_header(reply, "", "a"); break;
    default: weir_reply_header(reply, "X-Thing", "\x7f"); break;
    }
    return weir_request_number(request, "body", 1) != 0 ? feed(scope, 0) : NULL;
}

struct value {
    int n;
};

static size_t value_print(const void *value, char *to, size_t cap)
{
    int n = snprintf(to, cap, "value %d", ((const struct value *)value)->n);
    return n > 0 ? (size_t)n : 0;
}

static int values_body(weir_gen *self, weir_gen *up, void *args)
{
    static const weir_type printed = {.struct_size = sizeof(weir_type),
                                      .name = "value",
                                      .value_size = sizeof(struct value),
                                      .print = value_print};
    static const weir_type mute = {
        .struct_size = sizeof(weir_type), .name = "mute", .value_size = sizeof(struct value)};
    const weir_event event = {.body = {"body", 4}};
    const struct value value = {1};
    weir_item items[] = {weir_bytes(&value, sizeof value), weir_event_item(&event),
                         weir_bytes("any", 3), weir_bytes("thing", 5)};
    (void)up;
    items[0].type = *(int *)args != 0 ? &printed : &mute;
    items[2].flags = WEIR_ITEM_BYTES;
    return weir_yield_many(self, items, 4) ? 0 : WEIR_ECLOSED;
}

static weir_gen *on_values(weir_scope *scope, const weir_request *request, weir_reply *reply,
                           void *ctx)
{
    int print = (int)weir_request_number(request, "print", 1);
    (void)reply;
    (void)ctx;
    return weir_gen_new(scope, values_body, &print, sizeof print, NULL);
}

/* A text, one that is not UTF-8, a line in pieces. */
WEIR_SOURCE(pieces, int)
{
    weir_item items[] = {weir_bytes("text", 4), weir_bytes("\xff", 1), weir_bytes("one", 3),
                         weir_bytes("two", 3), weir_bytes("end", 3)};
    (void)args;
    items[2].flags = items[3].flags = WEIR_ITEM_PART;
    return weir_yield_many(self, items, 5) ? 0 : WEIR_ECLOSED;
}

static weir_gen *on_ws(weir_scope *scope, const weir_request *request, weir_reply *reply, void *ctx)
{
    const char *what = weir_request_path(request) + sizeof "/ws/" - 1;
    if (weir_reply_websocket(reply) != 101) {
        return NULL;
    }
    return strcmp(what, "feed") == 0    ? feed(scope, 0)
           : strcmp(what, "flood") == 0 ? flood(scope, 0)
           : strcmp(what, "parts") == 0 ? pieces(scope, 0)
                                        : on_lines(scope, request, reply, ctx);
}

void make_loop(void)
{
    loop = weir_loop_new(NULL);
    ck_assert_ptr_nonnull(loop);
    wr_loop_virtual_clock(loop, 1700000000000000000);
}

void start_with(const weir_server_options *options)
{
    static char first[] = "first", second[] = "second";
    static const struct {
        const char *route;
        weir_handler *handler;
        void *ctx;
    } routes[] = {{"GET /lines", on_lines, NULL},     {"GET /feed", on_feed, NULL},
                  {"GET /flood", on_flood, NULL},     {"GET /careful", on_careful, NULL},
                  {"GET /burst", on_burst, NULL},     {"GET /sleepy", on_sleepy, NULL},
                  {"GET /letters", on_letters, NULL}, {"GET /late", on_late, NULL},
                  {"GET /echo/*", on_echo, first},    {"GET /echo/deep/*", on_echo, second},
                  {"GET /empty", on_empty, NULL},     {"GET /faulty", on_faulty, NULL},
                  {"GET /values", on_values, NULL},   {"GET /ws/*", on_ws, NULL}};
    make_loop();
    feed_ended = feed_may_go = false;
    pulls = 0;
    server = weir_server_new(weir_root(loop), "127.0.0.1:0", options);
    ck_assert_int_gt(weir_server_port(server), 0);
    for (size_t i = 0; i < sizeof routes / sizeof *routes; i++) {
        ck_assert_int_eq(
            weir_server_route(server, routes[i].route, routes[i].handler, routes[i].ctx), 0);
    }
}

void start(void)
{
    start_with(NULL);
}

void finish(void)
{
    ck_assert_int_eq(weir_server_finish(server, &error), 0);
    weir_loop_free(loop);
}

/* ---- the client */

void forget(void)
{
    got_len = 0;
    got[0] = '\0';
}

struct wr_transport *dial(void)
{
    char address[64];
    snprintf(address, sizeof address, "tcp://127.0.0.1:%d", weir_server_port(server));
    struct wr_transport *client = wr_connect(loop, address, -1, NULL, &error);
    ck_assert_msg(client != NULL, "%s", error.message);
    forget();
    return client;
}

void say(struct wr_transport *client, const char *text)
{
    struct iovec piece = {(void *)(uintptr_t)text, strlen(text)};
    ck_assert_int_eq(client->ops->write(client, &piece, 1), (int64_t)strlen(text));
}

struct wr_transport *visit(const char *text)
{
    struct wr_transport *client = dial();
    say(client, text);
    return client;
}

void wait_bytes(struct wr_transport *client)
{
    if (wr_test_sweeps()) {
        wr_clock_advance(loop, 10);
        (void)wr_pause(loop, NULL);
    } else {
        ck_assert_int_eq(client->ops->wait(client, WR_READABLE, -1, "the server", NULL), 0);
    }
}

bool hear(struct wr_transport *client, const char *text)
{
    while (text == NULL || strstr(got, text) == NULL) {
        int64_t n = client->ops->read(client, got + got_len, sizeof got - 1 - got_len);
        if (n == WR_AGAIN) {
            wait_bytes(client);
            continue;
        }
        if (n <= 0) {
            return n == 0 && text == NULL;
        }
        got_len += (size_t)n;
        got[got_len] = '\0';
    }
    return true;
}

void hang_up(struct wr_transport *client)
{
    client->ops->free(client);
}

void leave(struct wr_transport *client)
{
    hang_up(client);
    finish();
}

const char *ask(const char *text)
{
    struct wr_transport *client = visit(text);
    ck_assert(hear(client, NULL));
    hang_up(client);
    return got;
}

bool begins(const char *text, const char *with)
{
    return strncmp(text, with, strlen(with)) == 0;
}

const char *body(void)
{
    const char *end = strstr(got, "\r\n\r\n");
    ck_assert_ptr_nonnull(end);
    return end + 4;
}

int await_calm(void)
{
    int before = -1;
    for (int calm = 0; calm < 50; calm = pulls == before ? calm + 1 : 0) {
        before = pulls;
        (void)wr_pause(loop, NULL);
    }
    return before;
}

void await_end(void)
{
    for (int i = 0; i < 1000 && !feed_ended; i++) {
        (void)wr_pause(loop, NULL);
    }
    ck_assert(feed_ended);
}

void pass(int64_t ms)
{
    wr_loop_settle(loop);
    wr_clock_advance(loop, ms);
    wr_loop_settle(loop);
}

void pass_stalled(int64_t ms)
{
    for (int i = 0; i < 10 && !feed_ended; i++) {
        pass(ms);
    }
}
