/*
 * source_listen_peer.c - one peer of a listening source: its turns, and its end.
 *
 * A turn: the items that are in memory, one read, and the items that it completes. So a peer that
 * sends without pause gives about one block, then the next one has its turn. A peer keeps no block
 * between two turns, except for an unfinished item, in a block of about its size: ten thousand
 * connections with half a line each need no more than that.
 *
 * Unfinished items cannot settle, so they could use up the budget and stop everything. Then the peer
 * with the longest one is closed, and that item counts as rejected.
 *
 * The end of a peer's stream, a reset and bytes that its framer cannot read end this peer only. With
 * WEIR_LONG_FAILS what the framer refuses fails the source.
 *
 * States: ready (in its turn or before it), idle (watched; came() makes it ready). Between two
 * suspensions nothing is lent, and only the reader's task frees a peer.
 */
#include <stdio.h>
#include <string.h>

#include "base_alloc.h"
#include "source_listen.h"

/* On the scheduler's stack: there is something to read. */
static void came(void *ctx)
{
    struct wr_listen_peer *peer = ctx;
    struct wr_listen *listen = peer->listen;
    peer->transport->ops->watch_input(peer->transport, NULL, NULL);
    wr_list_remove(&peer->link);
    wr_list_append(&listen->ready, &peer->link);
    wr_object_wake(&listen->gen.object);
}

void wr_listen_peer_rest(struct wr_listen_peer *peer)
{
    struct wr_listen *listen = peer->listen;
    peer->since_ns = wr_now_ns(listen->gen.loop);
    peer->has_read = false;
    wr_list_remove(&peer->link);
    wr_list_append(&listen->idle, &peer->link);
    peer->transport->ops->watch_input(peer->transport, came, peer);
}

struct wr_listen_peer *wr_listen_peer_new(struct wr_listen *listen, struct wr_transport *transport,
                                          const char *name)
{
    struct wr_listen_peer *peer = wr_zalloc(sizeof *peer);
    if (peer == NULL || wr_inbox_init(&peer->inbox, &listen->gen, &listen->framing, 0) < 0) {
        if (peer != NULL) {
            wr_inbox_fini(&peer->inbox);
        }
        wr_free(peer);
        transport->ops->free(transport);
        return NULL;
    }
    peer->listen = listen;
    peer->transport = transport;
    peer->inbox.quiet = true;
    peer->inbox.failure = listen->framing.overlong == WEIR_LONG_FAILS ? NULL : &peer->failure;
    wr_list_init(&peer->link);
    (void)wr_copy_text(peer->name, sizeof peer->name, name);
    if (transport->ops->limit_silence != NULL) {
        transport->ops->limit_silence(transport);
    }
    listen->peers++;
    return peer;
}

void wr_listen_peer_free(struct wr_listen_peer *peer)
{
    struct wr_listen *listen = peer->listen;
    wr_list_remove(&peer->link);
    if (listen->lent == peer) {
        listen->lent = NULL;
    }
    if (peer->origin != NULL) {
        wr_origin_leave(peer->origin);
        listen->left++;
    }
    wr_inbox_fini(&peer->inbox);
    if (peer->transport != NULL) {
        peer->transport->ops->free(peer->transport);
    }
    wr_free(peer);
    listen->peers--;
    if (listen->full) {
        wr_object_wake(&listen->accepting);
    }
}

/* An item that was received and cannot be given. */
static void count_rejected(struct wr_listen_peer *peer)
{
    struct weir_gen *gen = &peer->listen->gen;
    struct wr_origin *origin = peer->origin;
    uint64_t number = ++origin->given;
    gen->rejected++;
    wr_origin_tell_all(origin, number, number, WR_ACT_REJECT);
}

static void report_overlong(struct wr_listen_peer *peer)
{
    const struct wr_framer *framer = &peer->inbox.framer;
    bool cut = framer->overlong == WEIR_LONG_CUT;
    while (peer->overlong < framer->overlong_count) {
        peer->overlong++;
        wr_listen_report(peer->listen, WR_LISTEN_OVERLONG,
                         "%s: the %s at byte %llu is longer than the limit of %llu bytes: %s",
                         peer->name, framer->ops->item, (unsigned long long)framer->overlong_start,
                         (unsigned long long)framer->item_bytes_max, cut ? "cut" : "skipped");
    }
}

/* ---- the end of a peer */

/* Its stream has ended, or its framer has failed. */
static void leave(struct wr_listen_peer *peer)
{
    if (peer->failure.code != 0) {
        count_rejected(peer);
        wr_listen_report(peer->listen, WR_LISTEN_BROKEN, "%s: %s: the connection is closed",
                         peer->name, peer->failure.message);
    }
    wr_listen_peer_free(peer);
}

/* The connection has failed. */
static void lost(struct wr_listen_peer *peer, int code)
{
    const struct wr_transport *transport = peer->transport;
    size_t rest = wr_inbox_pending(&peer->inbox);
    const char *what = transport->reason != NULL ? transport->reason
                       : transport->detail != 0  ? strerror(transport->detail)
                                                 : wr_code_text(code);
    char unfinished[96] = "";
    if (rest > 0) {
        snprintf(unfinished, sizeof unfinished, "; an unfinished %s of %zu bytes was not given",
                 peer->inbox.framer.ops->item, rest);
    }
    wr_listen_report(peer->listen, WR_LISTEN_LOST, "%s: %s after %llu bytes%s", peer->name, what,
                     (unsigned long long)peer->inbox.bytes, unfinished);
    wr_listen_peer_free(peer);
}

/* After a stop, when all its complete items are given. */
static void stopped(struct wr_listen_peer *peer)
{
    size_t rest = wr_inbox_pending(&peer->inbox);
    peer->listen->unfinished += rest > 0;
    peer->listen->unfinished_bytes += rest;
    wr_listen_peer_free(peer);
}

/* ---- room for its bytes */

static size_t longest_in(const struct wr_list *all, struct wr_listen_peer **longest, size_t most)
{
    for (struct wr_list *node = all->next; node != all; node = node->next) {
        struct wr_listen_peer *peer = WR_OWNER(node, struct wr_listen_peer, link);
        size_t rest = wr_inbox_pending(&peer->inbox);
        if (rest > most) {
            most = rest;
            *longest = peer;
        }
    }
    return most;
}

/* Only unfinished items have the budget: give up the longest one. False: there is none. */
static bool give_up_longest(struct wr_listen *listen)
{
    struct wr_listen_peer *peer = NULL;
    size_t rest = longest_in(&listen->idle, &peer, longest_in(&listen->ready, &peer, 0));
    if (peer == NULL) {
        return false;
    }
    count_rejected(peer);
    wr_listen_report(listen, WR_LISTEN_HOARD,
                     "%s: the byte budget is used up, and its unfinished %s of %zu bytes is the "
                     "longest: the connection is closed",
                     peer->name, peer->inbox.framer.ops->item, rest);
    wr_listen_peer_free(peer);
    return true;
}

static bool wait_failed(struct wr_listen *listen, int code)
{
    if (!listen->gen.stopping || code != WEIR_ECLOSED) {
        wr_gen_fail(&listen->gen, code, 0, -1, "%s", wr_code_text(code));
    }
    return false;
}

/* Is this peer, which has its turn, still there? */
static bool is_first(const struct wr_listen *listen, const struct wr_listen_peer *peer)
{
    return listen->ready.next == &peer->link;
}

/* False: stopped, failed, or the peer is closed. */
static bool find_room(struct wr_listen *listen, struct wr_listen_peer *peer, char **to,
                      size_t *room)
{
    struct weir_gen *gen = &listen->gen;
    int rc = wr_turn(gen->loop, &gen->object);
    if (rc < 0) {
        return wait_failed(listen, rc);
    }
    while ((rc = wr_inbox_room(&peer->inbox, to, room)) == WEIR_EBUDGET) {
        if (wr_inbox_stuck(&peer->inbox) == NULL) {
            rc = wr_budget_wait(gen->loop, &gen->object);
        }
        if (rc == WEIR_EBUDGET && !give_up_longest(listen)) {
            wr_gen_fail_starved(gen, -1);
            return false;
        }
        if ((rc < 0 && rc != WEIR_EBUDGET) || gen->stopping) {
            return wait_failed(listen, rc < 0 ? rc : WEIR_ECLOSED);
        }
        if (!is_first(listen, peer)) {
            return false;
        }
    }
    if (rc < 0) {
        wr_gen_fail(gen, rc, 0, -1, "%s: no memory to read into", peer->name);
    }
    return rc == 0;
}

/* ---- reading */

/* The origin is made with the first byte: who only connects leaves nothing behind. */
static bool has_origin(struct wr_listen_peer *peer)
{
    struct weir_gen *gen = &peer->listen->gen;
    char label[WR_ORIGIN_NAME];
    if (peer->origin != NULL) {
        return true;
    }
    int before = snprintf(label, sizeof label, "%.32s(", gen->name);
    (void)snprintf(label + before, sizeof label - (size_t)before, "%s)", peer->name);
    peer->origin = wr_gen_add_origin(gen, label);
    if (peer->origin == NULL) {
        wr_gen_fail(gen, WEIR_ENOMEM, 0, -1, "no memory for a peer");
        return false;
    }
    wr_origin_set_peer(peer->origin, (size_t)before, strlen(peer->name));
    peer->inbox.origin = peer->origin;
    return true;
}

/* Read once. False: there is nothing to take. */
static bool read_more(struct wr_listen_peer *peer)
{
    struct wr_listen *listen = peer->listen;
    char *to;
    size_t room;
    if (!find_room(listen, peer, &to, &room) || !has_origin(peer)) {
        return false;
    }
    int64_t n = peer->transport->ops->read(peer->transport, to, room);
    if (n == WR_AGAIN) {
        wr_inbox_shrink(&peer->inbox);
        wr_listen_peer_rest(peer);
        return false;
    }
    if (n < 0) {
        lost(peer, (int)n);
        return false;
    }
    peer->has_read = true;
    /* OpenSSL may hold more bytes, of which the descriptor does not know. */
    peer->drained = (size_t)n < room && !listen->encrypted;
    if (n == 0) {
        wr_inbox_end(&peer->inbox);
    } else {
        wr_inbox_came(&peer->inbox, (size_t)n);
    }
    return true;
}

static void turn_over(struct wr_listen_peer *peer)
{
    struct wr_listen *listen = peer->listen;
    bool alone = wr_list_empty(&listen->idle) && listen->ready.prev == &peer->link;
    if (peer->drained || !alone) {
        wr_inbox_shrink(&peer->inbox);
    }
    if (peer->drained) {
        wr_listen_peer_rest(peer);
        return;
    }
    peer->has_read = false;
    wr_list_remove(&peer->link);
    wr_list_append(&listen->ready, &peer->link);
}

size_t wr_listen_peer_take(struct wr_listen_peer *peer, weir_item *items, size_t max)
{
    struct weir_gen *gen = &peer->listen->gen;
    bool over = false;
    for (;;) {
        if (peer->origin != NULL) {
            size_t n = wr_inbox_take(&peer->inbox, gen, items, max, &over);
            report_overlong(peer);
            if (n > 0 || gen->failure != NULL) {
                return n;
            }
        }
        if (over) {
            leave(peer);
            return 0;
        }
        if (gen->stopping) {
            stopped(peer);
            return 0;
        }
        if (peer->has_read) {
            turn_over(peer);
            return 0;
        }
        if (!read_more(peer)) {
            return 0;
        }
    }
}
