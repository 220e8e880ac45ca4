/*
 * server_core.c - the server: making and ending it, its routes, and the task that accepts.
 *
 * A server is an object of the scope it was made in. Below that it has its own scope for the
 * accepting task and one task per connection. Accepting stops at connections_max until a connection
 * ends: further clients wait in the kernel's backlog. When a client waits there, a connection that
 * only waits for its own client is closed, one at a time. So clients that are slow on purpose do
 * not keep other clients out. There is a list of connections for each phase, in the order in which
 * they entered it.
 *
 * Ending: a gentle stop closes the listener and wakes the idle connections; current requests
 * continue. A cancel reaches the tasks through their scope. If the outer scope ends first, the
 * tasks and their scope have ended before the object is discarded: only memory is left to free.
 */
#include <stdio.h>
#include <string.h>

#include "base_alloc.h"
#include "server_conn.h"

enum {
    HEAD_MS = 60 * 1000,
    IDLE_MS = 5 * 1000,
    STALL_MS = 60 * 1000,
    BODY_BYTES_MAX = 1024 * 1024,
    CONNECTIONS_MAX = 1000,
    ROUTES_STEP = 8,
    LEAVING_MS = 1000,
    ASKING_MS = 1000,      /* a client that has not asked for this long is slow */
    STALLED_MS = 2000,     /* a client that stalls for this long may be closed ... */
    READ_BYTES_MIN = 1024, /* ... if it has read less than this per second */
};

/* The result of weir_server_new without memory for a server. */
static struct weir_server no_memory = {.port = WEIR_ENOMEM,
                                       .failure = {.code = WEIR_ENOMEM,
                                                   .offset = -1,
                                                   .origin = "server",
                                                   .message = "no memory for a server"}};

/* ---- the server as an object of its scope */

static struct weir_server *server_of(struct wr_object *object)
{
    return WR_OWNER(object, struct weir_server, object);
}

static void stop_accepting(struct weir_server *server)
{
    server->stopping = true;
    (void)wr_object_abort(&server->object, WEIR_ECLOSED);
}

static void object_stop(struct wr_object *object)
{
    struct weir_server *server = server_of(object);
    stop_accepting(server);
    for (size_t phase = 0; phase < WR_CONN_PHASES; phase++) {
        struct wr_list *all = &server->conns[phase];
        for (struct wr_list *node = all->next; node != all; node = node->next) {
            struct wr_conn *conn = WR_OWNER(node, struct wr_conn, link);
            if (conn->idle) {
                (void)wr_object_abort(&conn->object, WEIR_ECLOSED);
            }
        }
    }
}

static void object_cancel(struct wr_object *object, int code)
{
    (void)code;
    stop_accepting(server_of(object));
}

static void server_free(struct weir_server *server)
{
    wr_object_fini(&server->object);
    wr_listener_free(server->listener);
    wr_tls_unref(server->tls);
    for (size_t i = 0; i < server->routes_count; i++) {
        wr_free(server->routes[i].path);
    }
    wr_free(server->routes);
    wr_free(server);
}

static void object_discard(struct wr_object *object)
{
    server_free(server_of(object));
}

static size_t object_why(const struct wr_object *object, char *text, size_t cap)
{
    const struct weir_server *server =
        (const struct weir_server *)(const void *)((const char *)object -
                                                   offsetof(struct weir_server, object));
    int len =
        snprintf(text, cap, "serves %zu connections on port %d", server->conns_count, server->port);
    return len > 0 ? (size_t)len : 0;
}

/* A connection ends with its task, before their scope ends, so it needs no operations. */
static const struct wr_object_ops conn_object_ops = {.kind = "connection"};

static const struct wr_object_ops server_object_ops = {.kind = "server",
                                                       .cancel = object_cancel,
                                                       .stop = object_stop,
                                                       .discard = object_discard,
                                                       .why = object_why};

/* ---- accepting */

/* There may be room now, or a connection that can be closed to make room. */
static void tell_news(struct weir_server *server)
{
    server->news = true;
    if (server->full) {
        wr_object_wake(&server->object);
    }
}

void wr_server_conn_phase(struct wr_conn *conn, enum wr_conn_phase phase)
{
    conn->phase = phase;
    conn->since_ns = wr_now_ns(conn->server->loop);
    wr_list_remove(&conn->link);
    wr_list_append(&conn->server->conns[phase], &conn->link);
    tell_news(conn->server);
}

void wr_server_conn_over(struct wr_conn *conn)
{
    struct weir_server *server = conn->server;
    wr_list_remove(&conn->link);
    wr_object_fini(&conn->object);
    wr_free(conn);
    server->conns_count--;
    tell_news(server);
}

static void start_conn(struct weir_server *server, struct wr_transport *transport)
{
    struct wr_conn *conn = wr_zalloc(sizeof *conn);
    size_t live = server->scope->live;
    if (conn != NULL) {
        conn->server = server;
        conn->transport = transport;
        wr_object_init(&conn->object, &conn_object_ops, server->scope, "connection");
        wr_list_init(&conn->link);
        wr_server_conn_phase(conn, WR_CONN_ASKING);
        server->conns_count++;
        weir_spawn(server->scope, "connection", wr_conn_main, &conn, sizeof conn);
        if (server->scope->live > live) {
            return;
        }
        wr_server_conn_over(conn);
    }
    transport->ops->free(transport);
    wr_log(&server->loop->log, WR_LOG_WARNING, server->name, "no memory for a connection");
}

static struct wr_conn *first_of(struct weir_server *server, enum wr_conn_phase phase)
{
    struct wr_list *all = &server->conns[phase];
    return wr_list_empty(all) ? NULL : WR_OWNER(all->next, struct wr_conn, link);
}

static int64_t age_of(const struct wr_conn *conn)
{
    return (wr_now_ns(conn->server->loop) - conn->since_ns) / 1000000;
}

/* The client that has stalled longest. One that has read enough meanwhile starts a new stall.
 * *retry_ms: when there may be one; -1: no client stalls. */
static struct wr_conn *longest_stalled(struct weir_server *server, int64_t *retry_ms)
{
    struct wr_conn *conn;
    *retry_ms = -1;
    while ((conn = first_of(server, WR_CONN_STALLED)) != NULL) {
        int64_t age_ms = age_of(conn);
        if (age_ms < STALLED_MS) {
            *retry_ms = STALLED_MS - age_ms;
            return NULL;
        }
        int64_t unread = wr_out_unread(&conn->out);
        if (conn->unread - unread < age_ms * READ_BYTES_MIN / 1000) {
            return conn;
        }
        conn->unread = unread;
        wr_server_conn_phase(conn, WR_CONN_STALLED);
    }
    return NULL;
}

/* Close a connection that waits only for its own client. One that has just been accepted is closed
 * after those that stall, since its request may be on the way. Nothing is closed if one was closed
 * less than LEAVING_MS ago and has not ended (the clean-up of its generator may take long).
 * *retry_ms: when to try again, if nothing changes before; -1: only after a change. */
static void make_room(struct weir_server *server, int64_t *retry_ms)
{
    const struct wr_list *leaving = &server->conns[WR_CONN_LEAVING];
    struct wr_conn *conn = NULL;
    if (!wr_list_empty(leaving)) {
        int64_t age_ms = age_of(WR_OWNER(leaving->prev, struct wr_conn, link));
        if (age_ms < LEAVING_MS) {
            *retry_ms = LEAVING_MS - age_ms;
            return;
        }
    }
    *retry_ms = -1;
    for (int phase = WR_CONN_KEPT; phase <= WR_CONN_LINGERING && conn == NULL; phase++) {
        conn = first_of(server, (enum wr_conn_phase)phase);
    }
    if (conn == NULL) {
        struct wr_conn *asking = first_of(server, WR_CONN_ASKING);
        bool slow = asking != NULL && age_of(asking) >= ASKING_MS;
        conn = slow ? NULL : longest_stalled(server, retry_ms);
        conn = conn != NULL ? conn : asking;
    }
    if (conn != NULL) {
        conn->leaving = true;
        wr_server_conn_phase(conn, WR_CONN_LEAVING);
        (void)wr_object_abort(&conn->object, WEIR_ECLOSED);
    }
}

static bool is_full(const struct weir_server *server)
{
    return !server->stopping && server->conns_count >= server->conns_max;
}

static bool has_news(void *arg)
{
    const struct weir_server *server = arg;
    return server->news || !is_full(server);
}

/* Wait for room. 0: there is room for one more; negative: canceled. */
static int wait_for_room(struct weir_server *server)
{
    int rc = 0;
    while (rc == 0 && is_full(server)) {
        rc = wr_listener_wait(server->listener, &server->object);
        if (rc < 0 || !is_full(server)) {
            break;
        }
        int64_t retry_ms;
        make_room(server, &retry_ms);
        server->news = false;
        server->full = true;
        rc = wr_wait_until(server->loop, has_news, server, retry_ms, "a connection to close",
                           &server->object);
        server->full = false;
        rc = rc == WEIR_ETIMEDOUT ? 0 : rc;
    }
    return rc;
}

static int accept_main(weir_scope *scope, void *args)
{
    struct weir_server *server = *(struct weir_server **)args;
    weir_error error;
    (void)scope;
    while (wait_for_room(server) == 0 && !server->stopping) {
        struct wr_transport *transport = wr_accept(server->listener, &server->object, &error);
        if (transport != NULL) {
            start_conn(server, transport);
            if (wr_turn(server->loop, &server->object) < 0) {
                break;
            }
            continue;
        }
        if (error.code != WEIR_ECANCELED && error.code != WEIR_ECLOSED) {
            server->failure = error;
            wr_log_failure(server->loop, &error);
        }
        break;
    }
    wr_listener_free(server->listener);
    server->listener = NULL;
    return 0;
}

static void server_given(const weir_server *server, const char *verb)
{
    WR_ASSERT(server != NULL, "%s: the server is NULL", verb);
    if (server->loop != NULL) { /* no_memory has no loop */
        wr_loop_given(server->loop, verb);
    }
}

/* ---- routes */

int weir_server_route(weir_server *server, const char *route, weir_handler *handler, void *ctx)
{
    WR_GIVEN(route);
    server_given(server, "weir_server_route");
    if (server->failure.code != 0) {
        return server->failure.code;
    }
    bool posts = strncmp(route, "POST /", 6) == 0;
    if ((!posts && strncmp(route, "GET /", 5) != 0) || handler == NULL) {
        return WEIR_EINVAL;
    }
    const char *path = strchr(route, '/');
    struct wr_route added = {.len = strlen(path), .posts = posts, .handler = handler, .ctx = ctx};
    added.prefix = added.len >= 2 && strcmp(path + added.len - 2, "/*") == 0;
    added.len -= added.prefix ? 1 : 0;
    for (size_t i = 0; i < server->routes_count; i++) {
        const struct wr_route *other = &server->routes[i];
        if (other->posts == posts && other->prefix == added.prefix && other->len == added.len &&
            memcmp(other->path, path, added.len) == 0) {
            return WEIR_EINVAL;
        }
    }
    if (server->routes_count % ROUTES_STEP == 0) {
        struct wr_route *more = wr_realloc(server->routes, (server->routes_count + ROUTES_STEP) *
                                                               sizeof *server->routes);
        if (more == NULL) {
            return WEIR_ENOMEM;
        }
        server->routes = more;
    }
    added.path = wr_strdup(path);
    if (added.path == NULL) {
        return WEIR_ENOMEM;
    }
    server->routes[server->routes_count++] = added;
    return 0;
}

const struct wr_route *wr_server_find(const struct weir_server *server, const char *path,
                                      bool posts)
{
    const struct wr_route *best = NULL;
    size_t len = strlen(path);
    for (size_t i = 0; i < server->routes_count; i++) {
        const struct wr_route *route = &server->routes[i];
        if (route->posts != posts || memcmp(route->path, path, WR_MIN(route->len, len + 1)) != 0) {
            continue;
        }
        if (!route->prefix && route->len == len) {
            return route;
        }
        if (route->prefix && route->len <= len && (best == NULL || route->len > best->len)) {
            best = route;
        }
    }
    return best;
}

const char *wr_server_date(struct weir_server *server)
{
    int64_t now_s = server->loop->now_unix_ns / 1000000000;
    if (now_s != server->date_s || server->date[0] == '\0') {
        server->date_s = now_s;
        wr_http_date_write(now_s, server->date);
    }
    return server->date;
}

/* ---- making and ending */

static int64_t limit(int64_t given, int64_t otherwise)
{
    return given == 0 ? otherwise : given;
}

static void listen_and_accept(struct weir_server *server, const char *address)
{
    server->scope = wr_scope_make(server->loop, server->object.scope, server->name);
    if (server->scope == NULL) {
        wr_error_set(&server->failure, WEIR_ENOMEM, 0, server->name, "no memory for a scope");
        return;
    }
    server->scope->on_failure = WEIR_GO_ON;
    server->listener = wr_listen(server->loop, address, &server->failure);
    if (server->listener == NULL) {
        return;
    }
    server->port = wr_listener_port(server->listener);
    weir_spawn(server->scope, "accept", accept_main, &server, sizeof server);
    if (server->scope->live == 0) {
        wr_error_set(&server->failure, WEIR_ENOMEM, 0, server->name, "no memory for a task");
    }
}

static bool set_up_tls(struct weir_server *server, const weir_server_options *o)
{
    struct wr_tls_options tls = {
        .cert_file = o->cert_file, .key_file = o->key_file, .ca_file = o->client_ca_file};
    if (o->cert_file != NULL) {
        server->tls = wr_tls_new(server->loop, WR_TLS_SERVER, &tls, &server->failure);
        return server->tls != NULL;
    }
    if (o->key_file != NULL || o->client_ca_file != NULL) {
        wr_error_set(&server->failure, WEIR_EINVAL, 0, server->name,
                     "TLS needs a certificate: cert_file is not set");
        return false;
    }
    return true;
}

weir_server *weir_server_new(weir_scope *scope, const char *address,
                             const weir_server_options *options)
{
    WR_GIVEN(address);
    weir_server_options o = WEIR_ZERO;
    wr_scope_given(scope, "weir_server_new");
    if (options != NULL) {
        WR_TAKE_OPTIONS(o, options);
    }
    struct weir_server *server = wr_zalloc(sizeof *server);
    if (server == NULL) {
        return &no_memory;
    }
    server->loop = scope->loop;
    (void)wr_copy_text(server->name, sizeof server->name, o.name != NULL ? o.name : "server");
    wr_object_init(&server->object, &server_object_ops, scope, server->name);
    for (size_t phase = 0; phase < WR_CONN_PHASES; phase++) {
        wr_list_init(&server->conns[phase]);
    }
    server->head_ms = limit(o.head_ms, HEAD_MS);
    server->idle_ms = limit(o.idle_ms, IDLE_MS);
    server->stall_ms = limit(o.stall_ms, STALL_MS);
    server->body_bytes_max = o.body_bytes_max > 0   ? (size_t)o.body_bytes_max
                             : o.body_bytes_max < 0 ? SIZE_MAX / 16
                                                    : BODY_BYTES_MAX;
    server->conns_max = o.connections_max == 0  ? CONNECTIONS_MAX
                        : o.connections_max < 0 ? SIZE_MAX
                                                : (size_t)o.connections_max;
    wr_error_clear(&server->failure);
    if (set_up_tls(server, &o)) {
        listen_and_accept(server, address);
    }
    if (server->failure.code != 0) {
        server->port = server->failure.code;
    }
    return server;
}

int weir_server_port(const weir_server *server)
{
    server_given(server, "weir_server_port");
    return server->port;
}

static int end(weir_server *server, weir_error *error)
{
    if (server->scope != NULL) {
        weir_error ignored;
        int rc = weir_scope_wait(server->scope, &ignored);
        (void)rc; /* a connection had no memory; it was logged */
    }
    int code = server->failure.code;
    if (error != NULL) {
        *error = server->failure;
    }
    server_free(server);
    return code;
}

int weir_server_finish(weir_server *server, weir_error *error)
{
    server_given(server, "weir_server_finish");
    if (server == &no_memory) {
        if (error != NULL) {
            *error = no_memory.failure;
        }
        return WEIR_ENOMEM;
    }
    object_stop(&server->object);
    if (server->scope != NULL) {
        weir_scope_stop(server->scope);
    }
    return end(server, error);
}

void weir_server_discard(weir_server *server)
{
    if (server == NULL || server == &no_memory) {
        return;
    }
    server_given(server, "weir_server_discard");
    stop_accepting(server);
    if (server->scope != NULL) {
        weir_scope_cancel(server->scope);
    }
    (void)end(server, NULL);
}
