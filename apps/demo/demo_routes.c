/*
 * demo_routes.c - the routes of `weir demo`.
 *
 * Each route is a generator that makes its bytes on demand, in its own buffer. The file routes give
 * pieces of the file and keep nothing of the previous pieces. The feed follows the clock and does
 * not count its sleeps, so a reader that was slow for a moment gets what it missed. /flaky fails at
 * an offset that depends on the file: the server then cuts the reply, and resets the connection if
 * the failure is a reset.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "demo.h"

enum { PIECE = 2 * 1024 }; /* of the plain file: small, for a thousand clients */

/* ---- the file, plain */

struct file_args {
    struct demo_file file;
    int64_t first, count;
    int64_t drop; /* offset to fail at; INT64_MAX: never */
    bool resets;
    struct demo_control *control;
};

WEIR_SOURCE(demo_file, struct file_args)
{
    size_t cap = DEMO_MAX(demo_room(&args->file), (size_t)PIECE);
    char *buffer = malloc(cap);
    int64_t at = args->first, end = args->first + args->count;
    int rc = 0;
    if (buffer == NULL) {
        return weir_fail(self, WEIR_ENOMEM, "no memory for a piece of the file");
    }
    while (rc == 0 && at < end) {
        const char *bytes;
        size_t len = demo_bytes(&args->file, at, DEMO_MIN(end, args->drop), buffer, cap, &bytes);
        weir_item item = weir_bytes(bytes, len);
        if (!weir_yield(self, &item)) {
            break;
        }
        at += (int64_t)len;
        args->control->served += len;
        if (at == args->drop && at < end) {
            rc = weir_fail(self, args->resets ? WEIR_ERESET : WEIR_ETRUNCATED,
                           "dropped at byte %" PRId64 ", as requested", at);
        }
    }
    free(buffer);
    return rc;
}

/* "seed-lines-size", then the suffix. */
void demo_set_etag(weir_reply *reply, const struct demo_file *file, const char *suffix)
{
    const uint64_t numbers[3] = {file->seed, (uint64_t)file->lines, (uint64_t)file->size};
    char etag[3 * (DEMO_DIGITS_MAX + 1) + 32];
    size_t len = 0;
    for (int i = 0; i < 3; i++) {
        len += demo_digits(etag + len, numbers[i]);
        etag[len++] = '-';
    }
    memcpy(etag + len - 1, suffix, strlen(suffix) + 1); /* at most 30 bytes */
    weir_reply_etag(reply, etag);
}

bool demo_asked_file(const weir_request *request, weir_reply *reply, struct demo_file *file)
{
    int64_t seed = weir_request_number(request, "seed", 1);
    int64_t lines = weir_request_number(request, "n", 1000);
    int64_t size = weir_request_number(request, "size", 0);
    if (!demo_file_init(file, (uint64_t)seed, lines, size)) {
        (void)weir_reply_refuse(reply, 400, "at most %" PRId64 " lines of at most %d bytes",
                                DEMO_LINES_MAX, (int)DEMO_LINE_MAX);
        return false;
    }
    weir_reply_body(reply, WEIR_BODY_BYTES);
    return true;
}

/* args is scratch memory of the caller: its table is large for a coroutine's stack. */
static weir_gen *make_file(weir_scope *scope, const weir_request *request, weir_reply *reply,
                           int64_t every, struct file_args *args)
{
    if (!demo_asked_file(request, reply, &args->file)) {
        return NULL;
    }
    demo_set_etag(reply, &args->file, "");
    args->drop = INT64_MAX;
    weir_reply_length(reply, demo_offset(&args->file, args->file.lines + 1));
    if (weir_reply_range(reply, &args->first, &args->count) == 416) {
        return NULL;
    }
    if (every > 0 && !args->control->calm) {
        args->drop = demo_drop(&args->file, every, args->first, &args->resets);
    }
    weir_gen_options options = {.struct_size = sizeof options, .name = "demo_file"};
    return weir_gen_new(scope, demo_file_enter, args, sizeof *args, &options);
}

/* every: 0: the transfer is not dropped. */
static weir_gen *serve_file(weir_scope *scope, const weir_request *request, weir_reply *reply,
                            int64_t every, struct demo_control *control)
{
    struct file_args *args = calloc(1, sizeof *args);
    if (args == NULL) {
        return weir_reply_refuse(reply, 503, "out of memory");
    }
    args->control = control;
    weir_gen *gen = make_file(scope, request, reply, every, args);
    free(args);
    return gen;
}

static weir_gen *on_lines(weir_scope *scope, const weir_request *request, weir_reply *reply,
                          void *ctx)
{
    ((struct demo_control *)ctx)->counts[DEMO_LINES].requests++;
    return serve_file(scope, request, reply, 0, ctx);
}

static weir_gen *on_flaky(weir_scope *scope, const weir_request *request, weir_reply *reply,
                          void *ctx)
{
    int64_t every = weir_request_number(request, "every", 1024 * 1024);
    ((struct demo_control *)ctx)->counts[DEMO_FLAKY].requests++;
    if (every < 1 || every > INT64_MAX / 4) {
        return weir_reply_refuse(reply, 400, "every: a number of bytes");
    }
    return serve_file(scope, request, reply, every, ctx);
}

/* ---- the feed */

struct feed_args {
    int64_t rate, n;
    bool bad;
    struct demo_count *count;
};

WEIR_SOURCE(demo_feed, struct feed_args)
{
    char line[DEMO_EVENT_MAX];
    weir_scope *scope = weir_gen_scope(self);
    int64_t began_ns = weir_now(scope);
    for (int64_t i = 0; args->n < 0 || i < args->n; i++) {
        int64_t wait_ms =
            args->rate > 0 ? demo_due_ms(began_ns, args->rate, i, weir_now(scope)) : 0;
        if (wait_ms > 0 && !weir_sleep(scope, wait_ms)) {
            break;
        }
        int64_t unix_ms = weir_now_unix(scope) / 1000000;
        weir_item item = weir_bytes(line, demo_event(1, i + 1, unix_ms, args->bad, line));
        args->count->items++;
        args->count->bad += line[item.len - 1] != '}';
        if (!weir_yield(self, &item)) {
            break;
        }
    }
    return 0;
}

static weir_gen *serve_feed(weir_scope *scope, const weir_request *request, weir_reply *reply,
                            bool bad, struct demo_count *count)
{
    struct feed_args args = {.rate = weir_request_number(request, "rate", 10),
                             .n = weir_request_number(request, "n", -1),
                             .bad = bad,
                             .count = count};
    if (args.rate > 1000000) {
        return weir_reply_refuse(reply, 400, "rate: at most a million a second, 0 for no limit");
    }
    return demo_feed(scope, args);
}

static weir_gen *on_feed(weir_scope *scope, const weir_request *request, weir_reply *reply,
                         void *ctx)
{
    struct demo_count *count = &((struct demo_control *)ctx)->counts[DEMO_FEED];
    count->requests++;
    weir_reply_type(reply, "application/x-ndjson");
    return serve_feed(scope, request, reply, weir_request_number(request, "bad", 1) != 0, count);
}

static weir_gen *on_ws(weir_scope *scope, const weir_request *request, weir_reply *reply, void *ctx)
{
    struct demo_count *count = &((struct demo_control *)ctx)->counts[DEMO_WS];
    count->requests++;
    return weir_reply_websocket(reply) == 101 ? serve_feed(scope, request, reply, false, count)
                                              : NULL;
}

/* ---- slowly */

struct slow_args {
    int64_t n, ms;
    struct demo_count *count;
};

WEIR_SOURCE(demo_slow, struct slow_args)
{
    for (int64_t i = 1; i <= args->n; i++) {
        char line[32];
        weir_item item =
            weir_bytes(line, (size_t)snprintf(line, sizeof line, "slow line %" PRId64, i));
        args->count->items++;
        if (!weir_yield(self, &item) ||
            (i < args->n && !weir_sleep(weir_gen_scope(self), args->ms))) {
            break;
        }
    }
    return 0;
}

static weir_gen *on_slow(weir_scope *scope, const weir_request *request, weir_reply *reply,
                         void *ctx)
{
    struct slow_args args = {weir_request_number(request, "n", 10),
                             weir_request_number(request, "ms", 1000),
                             &((struct demo_control *)ctx)->counts[DEMO_SLOW]};
    int64_t head_ms = weir_request_number(request, "head_ms", 0);
    (void)reply;
    args.count->requests++;
    if (head_ms > 0 && !weir_sleep(scope, head_ms)) {
        return NULL;
    }
    return demo_slow(scope, args);
}

/* ---- the index */

WEIR_SOURCE(demo_index, int)
{
    static const char text[] =
        "/feed.ndjson?rate=10&n=&bad=1     events, one JSON object a line, some malformed\n"
        "/feed.csv.gz?n=1000&coded=0       rows of values, in gzip\n"
        "/bomb.gz?size=1073741824&coded=0  zeros in gzip, some 1000 for each byte\n"
        "/feed.sse?rate=10&n=&ring=100&retry=1000&ignore=0   server-sent events; resumable\n"
        "/flaky/feed.sse?every=20          the same, with random disconnects\n"
        "/ws?rate=10&n=                    the events as messages of a WebSocket\n"
        "/lines?n=1000&size=0&seed=1       numbered lines; resumable\n"
        "/flaky?n=1000&size=0&every=1048576  the same, with random disconnects\n"
        "/gzip?n=1000&size=0&members=1     the same in gzip, in one member or several\n"
        "/slow?n=10&ms=1000&head_ms=0      lines with pauses\n"
        "POST /hook?status=503&every=3&after=1&lines=   accepts POST; every third is refused\n"
        "/hook, /hook/lines                counts, and the newest lines";
    weir_item item = weir_bytes(text, sizeof text - 1);
    (void)args;
    return weir_yield(self, &item) ? 0 : WEIR_ECLOSED;
}

static weir_gen *on_index(weir_scope *scope, const weir_request *request, weir_reply *reply,
                          void *ctx)
{
    (void)request;
    (void)reply;
    (void)ctx;
    return demo_index(scope, 0);
}

struct weir_server *demo_start(weir_scope *scope, const char *address, struct demo_control *control,
                               weir_error *error)
{
    static const struct {
        const char *route;
        weir_handler *handler;
    } routes[] = {{"GET /", on_index},
                  {"GET /feed.ndjson", on_feed},
                  {"GET /feed.sse", demo_on_sse},
                  {"GET /flaky/feed.sse", demo_on_flaky_sse},
                  {"GET /ws", on_ws},
                  {"GET /lines", on_lines},
                  {"GET /flaky", on_flaky},
                  {"GET /gzip", demo_on_gzip},
                  {"GET /feed.csv.gz", demo_on_csv},
                  {"GET /bomb.gz", demo_on_bomb},
                  {"GET /slow", on_slow},
                  {"POST /hook", demo_on_hook},
                  {"GET /hook", demo_on_hook_counts},
                  {"GET /hook/lines", demo_on_hook_lines}};
    weir_server_options options = {.struct_size = sizeof options, .name = "demo"};
    control->hook = demo_hook_new();
    weir_server *server = weir_server_new(scope, address, &options);
    int rc = control->hook != NULL ? 0 : WEIR_ENOMEM;
    control->began_ns = weir_now(scope);
    control->began_unix_ms = weir_now_unix(scope) / 1000000;
    for (size_t i = 0; rc == 0 && i < sizeof routes / sizeof *routes; i++) {
        rc = weir_server_route(server, routes[i].route, routes[i].handler, control);
    }
    if (rc == 0) {
        return server;
    }
    if (weir_server_finish(server, error) == 0) {
        error->code = rc;
        snprintf(error->origin, sizeof error->origin, "demo");
        snprintf(error->message, sizeof error->message, "no memory for the routes");
    }
    return NULL;
}

void demo_counts_print(const struct demo_control *control, FILE *to)
{
    static const struct {
        const char *path, *items;
    } routes[DEMO_ROUTES] = {
        [DEMO_FEED] = {"/feed.ndjson", "lines"},
        [DEMO_SSE] = {"/feed.sse", "events"},
        [DEMO_FLAKY_SSE] = {"/flaky/feed.sse", "events"},
        [DEMO_WS] = {"/ws", "messages"},
        [DEMO_LINES] = {"/lines", NULL},
        [DEMO_FLAKY] = {"/flaky", NULL},
        [DEMO_GZIP] = {"/gzip", NULL},
        [DEMO_CSV] = {"/feed.csv.gz", NULL},
        [DEMO_BOMB] = {"/bomb.gz", NULL},
        [DEMO_SLOW] = {"/slow", "lines"},
    };
    for (int i = 0; i < DEMO_ROUTES; i++) {
        const struct demo_count *count = &control->counts[i];
        if (count->requests == 0) {
            continue;
        }
        fprintf(to, "  %-16s  requests %" PRIu64, routes[i].path, count->requests);
        if (routes[i].items != NULL) {
            fprintf(to, "  %s %" PRIu64, routes[i].items, count->items);
        }
        if (count->bad > 0) {
            fprintf(to, "  malformed %" PRIu64, count->bad);
        }
        fputc('\n', to);
    }
}

void demo_fini(struct demo_control *control)
{
    demo_hook_free(control->hook);
    control->hook = NULL;
}
