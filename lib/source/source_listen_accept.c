/*
 * source_listen_accept.c - listening: the task that accepts, and a task for each TLS handshake.
 *
 * The tasks belong to the generator, not to its scope, and end when it closes. They go on while the
 * reader is busy elsewhere, so that peers do not time out in a handshake. A plain connection needs no
 * task.
 *
 * With peers_max connections accepting stops: others wait in the kernel's backlog. If one waits
 * there, a peer that is in its handshake for a second makes place for it. So those who connect and
 * say nothing do not keep others out for long.
 *
 * All waits are for listen->accepting, and a stop or a close fails them.
 */
#include <stdio.h>
#include <string.h>

#include "base_alloc.h"
#include "source_listen.h"

enum { SHAKING_MS = 1000 };

static bool is_full(const struct wr_listen *listen)
{
    return !listen->ending && listen->peers >= listen->peers_max;
}

static void task_over(struct wr_listen *listen)
{
    listen->tasks--;
    if (listen->ending && listen->tasks == 0) {
        wr_object_wake_all(&listen->gen.object);
    }
}

/* ---- a handshake */

static void shake_main(struct wr_task *task, void *arg)
{
    struct wr_listen_peer *peer = arg;
    struct wr_listen *listen = peer->listen;
    struct wr_transport *lower = peer->transport;
    weir_error error;
    (void)task;
    peer->transport = NULL;
    peer->transport = wr_tls_start(listen->tls, lower, NULL, peer->name, listen->handshake_ms,
                                   &listen->accepting, &error);
    if (peer->transport == NULL || listen->ending) {
        if (!listen->ending && error.code != WEIR_ECANCELED) {
            wr_listen_report(listen, WR_LISTEN_SHAKE, "%s", error.message);
        }
        wr_listen_peer_free(peer);
    } else {
        wr_list_remove(&peer->link);
        wr_list_append(&listen->ready, &peer->link);
        wr_object_wake(&listen->gen.object);
    }
    task_over(listen);
}

static void begin_peer(struct wr_listen *listen, struct wr_transport *transport)
{
    struct wr_listen_peer *peer =
        wr_listen_peer_new(listen, transport, wr_listener_peer(listen->listener));
    if (peer == NULL) {
        wr_log(&listen->gen.loop->log, WR_LOG_WARNING, listen->gen.name,
               "no memory for a connection: it is closed");
        return;
    }
    if (listen->tls == NULL) {
        wr_listen_peer_rest(peer);
        listen->look = listen->idle_ms >= 0;
        if (listen->look) {
            wr_object_wake(&listen->gen.object);
        }
        return;
    }
    peer->since_ns = wr_now_ns(listen->gen.loop);
    wr_list_append(&listen->shaking, &peer->link);
    peer->task = wr_task_hidden(listen->gen.object.scope, "handshake", shake_main, peer);
    if (peer->task == NULL) {
        wr_log(&listen->gen.loop->log, WR_LOG_WARNING, listen->gen.name,
               "no memory for a handshake: the connection is closed");
        wr_listen_peer_free(peer);
        return;
    }
    listen->tasks++;
}

/* ---- accepting */

/* The oldest handshake ends, if it has taken long. Returns when to look again, in ms; < 0: when a
 * peer leaves. */
static int64_t make_place(struct wr_listen *listen)
{
    if (wr_list_empty(&listen->shaking)) {
        return -1;
    }
    struct wr_listen_peer *peer = WR_OWNER(listen->shaking.next, struct wr_listen_peer, link);
    int64_t age_ms = (wr_now_ns(listen->gen.loop) - peer->since_ns) / 1000000;
    if (age_ms < SHAKING_MS) {
        return SHAKING_MS - age_ms;
    }
    wr_list_remove(&peer->link); /* the next look is for another one */
    wr_wake(peer->task, WEIR_ETIMEDOUT);
    return SHAKING_MS;
}

static bool has_place(void *arg)
{
    return !is_full(arg);
}

/* 0: there is a place for one more, or the source ends. Negative: canceled. */
static int wait_for_place(struct wr_listen *listen)
{
    int rc = 0;
    while (rc == 0 && is_full(listen)) {
        rc = wr_listener_wait(listen->listener, &listen->accepting);
        if (rc < 0 || !is_full(listen)) {
            break;
        }
        wr_listen_report(
            listen, WR_LISTEN_FULL,
            "%zu peers are connected, which is the limit: others wait until one leaves",
            listen->peers);
        int64_t again_ms = make_place(listen);
        listen->full = true;
        rc = wr_wait_until(listen->gen.loop, has_place, listen, again_ms, "a peer to leave",
                           &listen->accepting);
        listen->full = false;
        rc = rc == WEIR_ETIMEDOUT ? 0 : rc;
    }
    return rc;
}

static void accept_main(struct wr_task *task, void *arg)
{
    struct wr_listen *listen = arg;
    (void)task;
    while (!listen->ending && wait_for_place(listen) == 0 && !listen->ending) {
        weir_error error;
        struct wr_transport *transport = wr_accept(listen->listener, &listen->accepting, &error);
        if (transport == NULL) {
            if (error.code != WEIR_ECANCELED && error.code != WEIR_ECLOSED) {
                listen->failure = error;
                wr_object_wake(&listen->gen.object);
            }
            break;
        }
        begin_peer(listen, transport);
        if (wr_turn(listen->gen.loop, &listen->accepting) < 0) {
            break;
        }
    }
    wr_listener_free(listen->listener);
    listen->listener = NULL;
    task_over(listen);
}

/* ---- beginning and ending */

static struct wr_object *accepting_whole(struct wr_object *object)
{
    struct wr_listen *listen = WR_OWNER(object, struct wr_listen, accepting);
    return wr_gen_object_ops.whole(&listen->gen.object);
}

static const struct wr_object_ops accepting_ops = {.kind = "listener", .whole = accepting_whole};

static const char *place_of(const char *address)
{
    if (strncmp(address, "unix:", 5) == 0) {
        return address + (strncmp(address, "unix://", 7) == 0 ? 7 : 5);
    }
    return address + strlen("tcp://"); /* or tls:// */
}

/* Tell where it listens: with port 0 nobody knows it yet. */
static void tell(const struct wr_listen *listen)
{
    char text[256];
    const char *place = place_of(listen->address);
    const char *colon = strrchr(place, ':');
    if (strncmp(listen->address, "unix:", 5) == 0 || colon == NULL) {
        snprintf(text, sizeof text, "%s", place);
    } else {
        snprintf(text, sizeof text, "%.*s:%d", colon > place ? (int)(colon - place) : 9,
                 colon > place ? place : "127.0.0.1", wr_listener_port(listen->listener));
    }
    wr_log(&listen->gen.loop->log, WR_LOG_INFO, listen->gen.name, "listening on %s", text);
    if (listen->listening != NULL) {
        listen->listening(listen->ctx, text);
    }
}

static int begin(struct wr_listen *listen, weir_error *error)
{
    struct weir_gen *gen = &listen->gen;
    const char *place = place_of(listen->address);
    if (listen->encrypted) {
        listen->tls = wr_tls_new(gen->loop, WR_TLS_SERVER, &listen->tls_options, error);
        if (listen->tls == NULL) {
            return error->code;
        }
    }
    listen->listener = strncmp(listen->address, "unix:", 5) == 0
                           ? wr_listen_unix(gen->loop, place, listen->mode, error)
                           : wr_listen(gen->loop, place, error);
    if (listen->listener == NULL) {
        return error->code;
    }
    if (wr_task_hidden(gen->object.scope, "accept", accept_main, listen) == NULL) {
        return wr_error_set(error, WEIR_ENOMEM, 0, gen->name, "no memory to accept connections");
    }
    listen->tasks++;
    return 0;
}

int wr_listen_begin(struct wr_listen *listen)
{
    weir_error error;
    wr_object_init(&listen->accepting, &accepting_ops, listen->gen.object.scope, listen->gen.name);
    listen->opened = true;
    if (listen->address == NULL) {
        return 0;
    }
    int rc = begin(listen, &error);
    if (rc < 0) {
        return wr_gen_fail(&listen->gen, rc, error.detail, -1, "%s", error.message);
    }
    tell(listen);
    return 0;
}

void wr_listen_end(struct wr_listen *listen)
{
    if (!listen->opened) {
        return;
    }
    listen->ending = true;
    while (listen->tasks > 0) {
        (void)wr_object_abort(&listen->accepting, WEIR_ECLOSED);
        (void)wr_park_for_task(listen->gen.loop, "its accepting tasks to end", &listen->gen.object);
    }
    wr_listener_free(listen->listener);
    listen->listener = NULL;
    wr_tls_unref(listen->tls);
    listen->tls = NULL;
    wr_object_fini(&listen->accepting);
}
