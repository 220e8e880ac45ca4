/*
 * source_listen.c - weir listens, and the items of all peers come as one stream.
 *
 * There is no queue between the peers and the reader. A pull takes the items of the peer whose turn
 * it is, and reads its socket for that; then the next peer that has something has its turn
 * (source_listen_peer.c). So nothing is read that the reader has not asked for, and a peer who sends
 * without pause cannot keep another one waiting for longer than one block. A peer that is idle costs a
 * watch and some hundred bytes.
 *
 * A stop ends accepting and reading. What was received is given, then the source ends. Half an item
 * that is left then is reported.
 *
 * Between two suspensions of a pull nothing is lent. Callbacks move peers from `idle` to `ready`; the
 * tasks of source_listen_accept.c add peers, and free those whose handshake has failed.
 */
#include "source_listen.h"

#include <stdarg.h>
#include <string.h>

#include "base_alloc.h"
#include "base_option.h"
#include "base_print.h"

enum { PEERS_MAX = 1024, HANDSHAKE_MS = 10 * 1000, UNIX_MODE = 0600, LEFT_MIN = 64 };

static struct wr_listen *listen_of(const struct weir_gen *gen)
{
    return WR_OWNER((uintptr_t)gen, struct wr_listen, gen);
}

void wr_listen_report(struct wr_listen *listen, enum wr_listen_event event, const char *format, ...)
{
    enum { EACH = 3 };
    uint64_t count = ++listen->events[event], round = 10;
    char text[256];
    while (round < count) {
        round *= 10;
    }
    if (count > EACH && count != round) {
        return;
    }
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (count > 1) {
        wr_log(&listen->gen.loop->log, WR_LOG_WARNING, listen->gen.name, "%s (the %lluth time)",
               text, (unsigned long long)count);
    } else {
        wr_log(&listen->gen.loop->log, WR_LOG_WARNING, listen->gen.name, "%s", text);
    }
}

static void over_loan(struct wr_listen *listen)
{
    struct wr_listen_peer *peer = listen->lent;
    if (peer != NULL) {
        wr_inbox_over_loan(&peer->inbox, peer->origin);
        listen->lent = NULL;
    }
    /* To find one of them means to look at all, so this is done for many at once. */
    if (listen->left >= LEFT_MIN + listen->peers / 2) {
        wr_gen_loans_over(&listen->gen);
        listen->left = 0;
    }
}

/* Close the peers that have been silent for idle_ms. Returns when to look again, in ms; < 0: not. */
static int64_t drop_silent(struct wr_listen *listen)
{
    while (listen->idle_ms >= 0 && !wr_list_empty(&listen->idle)) {
        struct wr_listen_peer *peer = WR_OWNER(listen->idle.next, struct wr_listen_peer, link);
        int64_t silent_ns = wr_now_ns(listen->gen.loop) - peer->since_ns;
        int64_t left_ns = listen->idle_ms * 1000000 - silent_ns;
        if (left_ns > 0) {
            return (left_ns + 999999) / 1000000;
        }
        size_t rest = wr_inbox_pending(&peer->inbox);
        wr_listen_report(listen, WR_LISTEN_SILENT,
                         "%s: no data for %lld ms, %zu bytes of an unfinished %s: the connection "
                         "is closed",
                         peer->name, (long long)listen->idle_ms, rest,
                         peer->inbox.framer.ops->item);
        wr_listen_peer_free(peer);
    }
    return -1;
}

static bool has_ready(void *arg)
{
    const struct wr_listen *listen = arg;
    return !wr_list_empty(&listen->ready) || listen->failure.code != 0 || listen->look;
}

/* Wait for bytes of a peer. False: failed, or canceled. */
static bool wait(struct wr_listen *listen)
{
    struct weir_gen *gen = &listen->gen;
    int64_t silent_ms = drop_silent(listen);
    listen->look = false;
    int rc =
        wr_wait_until(gen->loop, has_ready, listen, silent_ms, "bytes of a peer", &gen->object);
    if (rc == 0 || rc == WEIR_ETIMEDOUT || (gen->stopping && rc == WEIR_ECLOSED)) {
        return true;
    }
    wr_gen_fail(gen, rc, 0, -1, "%s", wr_code_text(rc));
    return false;
}

/* Everything that was received has been given. */
static void report_unfinished(struct wr_listen *listen)
{
    while (!wr_list_empty(&listen->idle)) {
        struct wr_listen_peer *peer = WR_OWNER(listen->idle.next, struct wr_listen_peer, link);
        size_t rest = wr_inbox_pending(&peer->inbox);
        listen->unfinished += rest > 0;
        listen->unfinished_bytes += rest;
        wr_listen_peer_free(peer);
    }
    if (listen->unfinished > 0) {
        wr_log(&listen->gen.loop->log, WR_LOG_WARNING, listen->gen.name,
               "stopped while %llu peers were inside an item: %llu bytes were not given",
               (unsigned long long)listen->unfinished,
               (unsigned long long)listen->unfinished_bytes);
    }
}

static bool can_begin(struct wr_listen *listen)
{
    bool mixed = listen->framing.kind == WEIR_FRAME_NONE && listen->peers_max != 1;
    if (mixed) {
        wr_gen_fail(&listen->gen, WEIR_EINVAL, 0, -1,
                    "the bytes of several peers would be mixed: cut them by a framer directly "
                    "behind it (lines, len32, json ...), or accept one peer at a time (peers=1)");
    }
    return !mixed && wr_listen_begin(listen) == 0;
}

static size_t listen_next_many(struct weir_gen *gen, weir_item *items, size_t max)
{
    struct wr_listen *listen = listen_of(gen);
    over_loan(listen);
    if (!listen->opened && (gen->stopping || !can_begin(listen))) {
        return 0;
    }
    while (gen->failure == NULL) {
        if (listen->failure.code != 0) {
            wr_gen_fail_error(gen, &listen->failure);
            return 0;
        }
        if (wr_list_empty(&listen->ready)) {
            if (gen->stopping) {
                report_unfinished(listen);
                return 0;
            }
            if (!wait(listen)) {
                return 0;
            }
            continue;
        }
        struct wr_listen_peer *peer = WR_OWNER(listen->ready.next, struct wr_listen_peer, link);
        size_t n = wr_listen_peer_take(peer, items, max);
        if (n > 0) {
            listen->lent = peer;
            return n;
        }
    }
    return 0;
}

static void free_all(struct wr_list *all)
{
    while (!wr_list_empty(all)) {
        wr_listen_peer_free(WR_OWNER(all->next, struct wr_listen_peer, link));
    }
}

static void listen_close(struct weir_gen *gen)
{
    struct wr_listen *listen = listen_of(gen);
    wr_listen_end(listen);
    free_all(&listen->ready);
    free_all(&listen->idle);
}

static void listen_stop(struct weir_gen *gen)
{
    struct wr_listen *listen = listen_of(gen);
    if (listen->opened) {
        listen->ending = true;
        (void)wr_object_abort(&listen->accepting, WEIR_ECLOSED);
    }
    (void)wr_object_abort(&gen->object, WEIR_ECLOSED);
}

static void listen_free(struct weir_gen *gen)
{
    struct wr_listen *listen = listen_of(gen);
    wr_free(listen->address);
    wr_tls_options_free(&listen->tls_options);
    if (listen->drop != NULL) {
        listen->drop(listen->ctx);
    }
}

static int64_t held_in(const struct wr_list *all, uint32_t mark)
{
    int64_t held = 0;
    for (const struct wr_list *node = all->next; node != all; node = node->next) {
        const struct wr_listen_peer *peer = WR_OWNER((uintptr_t)node, struct wr_listen_peer, link);
        held += wr_inbox_held(&peer->inbox, mark);
    }
    return held;
}

static int64_t listen_held(const struct weir_gen *gen, uint32_t mark)
{
    const struct wr_listen *listen = listen_of(gen);
    return held_in(&listen->ready, mark) + held_in(&listen->idle, mark);
}

/* The lines of others would come between the pieces of a line. */
static void set_framing(struct wr_listen *listen, const weir_framing *framing)
{
    listen->framing = *framing;
    if (framing->overlong == WEIR_LONG_PARTS && framing->kind != WEIR_FRAME_NONE) {
        listen->framing.overlong = WEIR_LONG_SKIP;
    }
}

static bool listen_frame(struct weir_gen *gen, const weir_framing *framing)
{
    struct wr_listen *listen = listen_of(gen);
    bool raw = listen->framing.kind == WEIR_FRAME_NONE;
    if (raw) {
        set_framing(listen, framing);
    }
    return raw;
}

static size_t listen_label(const struct weir_gen *gen, char *text, size_t cap)
{
    const struct wr_listen *listen = listen_of(gen);
    const char *address = listen->address != NULL ? listen->address : "";
    const char *place = strstr(address, "://");
    struct wr_print print;
    wr_print_to(&print, text, cap);
    wr_printf(&print, "%.32s(", gen->name);
    wr_print_string(&print, place != NULL ? place + 3 : address);
    wr_print_string(&print, ")");
    return print.len;
}

static const struct wr_gen_ops listen_ops = {.kind = "listen",
                                             .label = listen_label,
                                             .next_many = listen_next_many,
                                             .close = listen_close,
                                             .stop = listen_stop,
                                             .free = listen_free,
                                             .held = listen_held,
                                             .frame = listen_frame,
                                             .begins_again = wr_gen_begins_once,
                                             .is_source = true};

/* ---- making */

static bool starts_with(const char *text, const char *with)
{
    return strncmp(text, with, strlen(with)) == 0;
}

static int refuse(weir_error *error, const char *name, const char *what)
{
    return wr_error_set(error, WEIR_EINVAL, 0, name, "%s", what);
}

/* 0 or the code of *error. */
static int check(const char *address, const weir_listen_options *o, const char *name,
                 weir_error *error)
{
    bool tls = starts_with(address, "tls://"), local = starts_with(address, "unix:");
    if (!tls && !local && !starts_with(address, "tcp://")) {
        return wr_error_set(error, WEIR_EINVAL, 0, name,
                            "'%s' is not an address to listen on: tcp://HOST:PORT, "
                            "tls://HOST:PORT or unix:PATH",
                            address);
    }
    if (tls && o->cert_file == NULL) {
        return refuse(error, name, "TLS needs a certificate: cert_file is not set");
    }
    if (!tls && (o->cert_file != NULL || o->key_file != NULL || o->client_ca_file != NULL)) {
        return refuse(error, name, "a certificate is set, but the address is not tls://");
    }
    if (o->mode < 0 || o->mode > 0777 || (o->mode != 0 && !local)) {
        return refuse(error, name, "mode is for the file of a unix socket: 1 to 0777");
    }
    return wr_limit_wrong(error, name, "peers_max", o->peers_max) ||
                   wr_limit_wrong(error, name, "idle_ms", o->idle_ms) ||
                   wr_limit_wrong(error, name, "handshake_ms", o->handshake_ms) ||
                   wr_limit_wrong(error, name, "line_bytes_max", o->line_bytes_max) ||
                   wr_choice_wrong(error, name, "overlong", o->overlong, WEIR_LONG_PARTS)
               ? error->code
               : 0;
}

static bool take_texts(struct wr_listen *listen, const char *address, const weir_listen_options *o)
{
    const struct wr_tls_options tls = {
        .cert_file = o->cert_file, .key_file = o->key_file, .ca_file = o->client_ca_file};
    listen->address = wr_strdup(address);
    listen->encrypted = address != NULL && starts_with(address, "tls://");
    return (listen->address != NULL || address == NULL) &&
           wr_tls_options_copy(&listen->tls_options, &tls);
}

static void take_options(struct wr_listen *listen, const weir_listen_options *o, int32_t frame)
{
    const weir_framing framing = {
        .kind = frame, .overlong = o->overlong, .item_bytes_max = o->line_bytes_max};
    set_framing(listen, &framing);
    listen->peers_max = o->peers_max > 0    ? (size_t)o->peers_max
                        : o->peers_max == 0 ? (size_t)PEERS_MAX
                                            : SIZE_MAX;
    listen->idle_ms = o->idle_ms > 0 ? WR_MIN(o->idle_ms, INT64_C(1) << 40) : -1;
    listen->handshake_ms = o->handshake_ms == 0 ? HANDSHAKE_MS : o->handshake_ms;
    listen->mode = o->mode != 0 ? (unsigned)o->mode : UNIX_MODE;
    listen->listening = o->listening;
    listen->ctx = o->ctx;
}

/* address NULL: for tests. */
static weir_gen *listen_make(weir_scope *scope, const char *address,
                             const weir_listen_options *options, int32_t frame)
{
    weir_error error;
    weir_listen_options o = WEIR_ZERO;
    const char *name = "listen";
    if (options != NULL) {
        WR_TAKE_OPTIONS(o, options);
    }
    if (address != NULL) {
        name = starts_with(address, "tls:")    ? "tls-listen"
               : starts_with(address, "unix:") ? "unix-listen"
                                               : "tcp-listen";
    }
    struct wr_listen *listen = wr_gen_alloc(scope, sizeof *listen, &listen_ops, name);
    if (listen == NULL) {
        return wr_gen_made(NULL, NULL);
    }
    wr_list_init(&listen->ready);
    wr_list_init(&listen->idle);
    wr_list_init(&listen->shaking);
    if (address != NULL && check(address, &o, name, &error) < 0) {
        wr_gen_fail_error(&listen->gen, &error);
    } else if (!take_texts(listen, address, &o)) {
        wr_gen_fail(&listen->gen, WEIR_ENOMEM, 0, -1, "no memory for an address");
    }
    take_options(listen, &o, frame);
    return wr_gen_made(&listen->gen, NULL);
}

weir_gen *weir_listen_lines(weir_scope *scope, const char *address,
                            const weir_listen_options *options)
{
    WR_GIVEN(address);
    return listen_make(scope, address, options, WEIR_FRAME_LINES);
}

weir_gen *weir_listen_bytes(weir_scope *scope, const char *address,
                            const weir_listen_options *options)
{
    WR_GIVEN(address);
    return listen_make(scope, address, options, WEIR_FRAME_NONE);
}

void wr_listen_own_ctx(struct weir_gen *gen, void *ctx, void (*drop)(void *ctx))
{
    if (gen == &wr_gen_no_memory) {
        drop(ctx);
    } else {
        listen_of(gen)->drop = drop;
    }
}

/* ---- for tests */

weir_gen *wr_listen_without_address(weir_scope *scope, const weir_listen_options *options,
                                    int32_t frame)
{
    return listen_make(scope, NULL, options, frame);
}

bool wr_listen_join(weir_gen *gen, struct wr_transport *transport, const char *name)
{
    struct wr_listen_peer *peer = wr_listen_peer_new(listen_of(gen), transport, name);
    if (peer != NULL) {
        wr_listen_peer_rest(peer);
    }
    return peer != NULL;
}
