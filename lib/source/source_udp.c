/*
 * source_udp.c - datagrams as events: the body, and the address of the sender.
 *
 * Between two pulls up to WR_UDP_BATCH datagrams may be received and not given (source_udp_mail.c). A
 * pull suspends while there is no datagram, or no budget. Before it waits for a datagram, it releases
 * a block of which nothing is kept. After a gentle stop it gives what was in the socket's buffer then.
 *
 * The kernel's count of drops is read after each receive, and at the end. Drops get numbers of the
 * source before the datagrams that are given next.
 */
#define _GNU_SOURCE /* mmsghdr */
#include <inttypes.h>
#include <string.h>

#include <weir/module.h>

#include "base_alloc.h"
#include "base_option.h"
#include "base_print.h"
#include "source_udp_parts.h"

enum { DATAGRAM_BYTES = 65535, BUFFER_BYTES = 4 * 1024 * 1024 };

static struct wr_udp *udp_of(const struct weir_gen *gen)
{
    return WR_OWNER((uintptr_t)gen, struct wr_udp, gen);
}

/* ---- opening */

static void tell_opened(struct wr_udp *udp)
{
    struct wr_log *log = &udp->gen.loop->log;
    size_t got = udp->socket->buffer_bytes, at, len;
    char text[WR_PEER_TEXT];
    (void)wr_peer_text(&udp->socket->local, text, &at, &len);
    wr_log(log, WR_LOG_INFO, udp->gen.name, "receives datagrams at %s", text);
    if (got < udp->buffer_bytes) {
        wr_log(log, udp->buffer_asked ? WR_LOG_WARNING : WR_LOG_INFO, udp->gen.name,
               "the kernel gives the socket a buffer of %zu bytes, not %zu: sysctl -w "
               "net.core.rmem_max=%zu raises its limit",
               got, udp->buffer_bytes, udp->buffer_bytes);
    }
}

/* Its own, or with the port that another source has got. */
static const char *address_of(const struct wr_udp *udp, char *to, size_t cap)
{
    if (udp->port == NULL || udp->port->text[0] == '\0') {
        return udp->address;
    }
    const char *colon = strrchr(udp->address, ':');
    int host_len = colon != NULL ? (int)(colon - udp->address) : (int)strlen(udp->address);
    (void)wr_print_text(to, cap, "%.*s%s", host_len, udp->address, udp->port->text);
    return to;
}

/* False: the source has failed. */
static bool open_socket(struct wr_udp *udp)
{
    struct weir_gen *gen = &udp->gen;
    char text[512];
    struct wr_datagram_bind to = {.address = address_of(udp, text, sizeof text),
                                  .group = udp->group,
                                  .interface = udp->interface,
                                  .source = udp->source,
                                  .buffer_bytes = udp->buffer_bytes};
    weir_error error;
    if (!wr_udp_mail_make(udp)) {
        wr_gen_fail(gen, WEIR_ENOMEM, 0, -1, "no memory to receive datagrams");
        return false;
    }
    udp->socket = udp->open(gen->loop, &to, &error);
    if (udp->socket == NULL) {
        wr_gen_fail_error(gen, &error);
        return false;
    }
    udp->counter = udp->socket->ops->dropped(udp->socket);
    tell_opened(udp);
    return true;
}

/* ---- what is lost */

/* Items that no reader gets: the next numbers are theirs. They settle when what is lent does. */
static void settle_lost(struct wr_udp *udp, uint64_t count, enum wr_act act)
{
    struct wr_origin *origin = udp->gen.origin;
    uint64_t first = origin->given + 1;
    origin->given += count;
    wr_origin_tell_all(origin, first, origin->given, act);
}

static void count_dropped(struct wr_udp *udp)
{
    uint32_t counter = udp->socket->ops->dropped(udp->socket);
    uint32_t more = counter - udp->counter;
    if (WR_LIKELY(more == 0)) {
        return;
    }
    udp->counter = counter;
    if (udp->dropped == 0) {
        wr_log(&udp->gen.loop->log, WR_LOG_WARNING, udp->gen.name,
               "the kernel drops datagrams (%" PRIu32 " so far): they come faster than they are "
               "taken, and the buffer of %zu bytes was full",
               more, udp->socket->buffer_bytes);
    }
    udp->dropped += more;
    udp->gen.dropped += more;
    udp->gen.loop->stats.unread += more;
    settle_lost(udp, more, WR_ACT_DROP);
}

static void count_rejected(struct wr_udp *udp)
{
    if (WR_UNLIKELY(udp->rejected > 0)) {
        udp->gen.rejected += udp->rejected;
        settle_lost(udp, udp->rejected, WR_ACT_REJECT);
        udp->rejected = 0;
    }
}

/* ---- receiving */

void wr_udp_wait_failed(struct wr_udp *udp, int code)
{
    if (udp->gen.stopping && code == WEIR_ECLOSED) {
        return;
    }
    if (code == WEIR_EBUDGET) {
        wr_gen_fail_starved(&udp->gen, -1);
    } else {
        wr_gen_fail(&udp->gen, code, 0, -1, "%s", wr_code_text(code));
    }
}

/* While it stops: how many datagrams may be taken. */
static size_t left(struct wr_udp *udp)
{
    if (!udp->stop_counted) {
        udp->stop_counted = true;
        udp->stop_left = udp->socket->ops->waiting(udp->socket);
    }
    return udp->stop_left;
}

/* Receive, or wait. 1: something came; 0: look again; WEIR_ETIMEDOUT; another negative code: the end,
 * or the source has failed. */
static int receive(struct wr_udp *udp, int64_t wait_ms)
{
    struct weir_gen *gen = &udp->gen;
    struct wr_datagrams *socket = udp->socket;
    int rc = wr_turn(gen->loop, &gen->object);
    if (rc < 0 && !gen->stopping) {
        wr_udp_wait_failed(udp, rc);
        return rc;
    }
    if (gen->stopping && left(udp) == 0) {
        return WEIR_ECLOSED;
    }
    rc = wr_udp_mail_receive(udp);
    if (rc > 0) {
        count_dropped(udp);
        udp->stop_left -= WR_MIN(udp->stop_left, (size_t)rc);
        return 1;
    }
    if (rc == 0) {
        return WEIR_ECLOSED;
    }
    if (rc != WR_AGAIN) {
        return wr_gen_fail(gen, rc, socket->detail, -1, "receive: %s", strerror(socket->detail));
    }
    if (gen->stopping) {
        return WEIR_ECLOSED;
    }
    wr_udp_mail_rest(udp);
    rc = socket->ops->wait(socket, WR_READABLE, wait_ms, "a datagram", &gen->object);
    if (rc < 0 && rc != WEIR_ETIMEDOUT && !gen->stopping) {
        wr_udp_wait_failed(udp, rc);
    }
    return gen->stopping && rc == WEIR_ECLOSED ? 0 : rc;
}

static size_t udp_next_within(struct weir_gen *gen, weir_item *items, size_t max, int64_t wait_ms,
                              bool *late)
{
    struct wr_udp *udp = udp_of(gen);
    *late = false;
    wr_origin_lend(gen->origin, 0); /* the last loan is over, also while this call waits */
    wr_udp_mail_loan_over(udp);
    if (udp->socket == NULL && (gen->stopping || !open_socket(udp))) {
        return 0;
    }
    while (gen->failure == NULL) {
        count_rejected(udp);
        wr_origin_lend(gen->origin, 0);
        size_t n = wr_udp_mail_give(udp, items, max);
        if (n > 0 || gen->failure != NULL) {
            return n;
        }
        int rc = udp->given < udp->received ? 0 : receive(udp, wait_ms);
        if (rc < 0) {
            *late = rc == WEIR_ETIMEDOUT;
            return 0;
        }
    }
    return 0;
}

static size_t udp_next_many(struct weir_gen *gen, weir_item *items, size_t max)
{
    bool late;
    return udp_next_within(gen, items, max, -1, &late);
}

/* ---- the end */

static void udp_close(struct weir_gen *gen)
{
    struct wr_udp *udp = udp_of(gen);
    if (udp->socket != NULL) {
        count_rejected(udp);
        count_dropped(udp);
        udp->socket->ops->free(udp->socket);
        udp->socket = NULL;
    }
    if (udp->dropped > 0) {
        wr_log(&gen->loop->log, WR_LOG_WARNING, gen->name,
               "the kernel has dropped %" PRIu64 " datagrams in all", udp->dropped);
    }
    wr_udp_mail_free(udp);
}

static void udp_stop(struct weir_gen *gen)
{
    (void)wr_object_abort(&gen->object, WEIR_ECLOSED);
}

static void udp_free(struct weir_gen *gen)
{
    struct wr_udp *udp = udp_of(gen);
    wr_free(udp->address);
    wr_free(udp->group);
    wr_free(udp->interface);
    wr_free(udp->source);
    wr_udp_port_unref(udp->port);
}

static int64_t udp_held(const struct weir_gen *gen, uint32_t mark)
{
    const struct wr_udp *udp = udp_of(gen);
    int64_t held = wr_block_mark(udp->block, mark);
    for (struct weir_block *block = udp->large; block != NULL; block = block->next) {
        held += wr_block_mark(block, mark);
    }
    return held;
}

static size_t udp_label(const struct weir_gen *gen, char *text, size_t cap)
{
    const struct wr_udp *udp = udp_of(gen);
    return wr_print_text(text, cap, "udp(%s)", udp->address);
}

static size_t udp_why(const struct weir_gen *gen, char *text, size_t cap)
{
    const struct wr_udp *udp = udp_of(gen);
    return udp->dropped == 0
               ? wr_print_text(text, cap, "waits for a datagram at %s", udp->address)
               : wr_print_text(text, cap,
                               "waits for a datagram at %s; the kernel has dropped %" PRIu64,
                               udp->address, udp->dropped);
}

static const struct wr_gen_ops udp_ops = {.kind = "udp",
                                          .next_many = udp_next_many,
                                          .next_within = udp_next_within,
                                          .close = udp_close,
                                          .stop = udp_stop,
                                          .free = udp_free,
                                          .held = udp_held,
                                          .label = udp_label,
                                          .why = udp_why,
                                          .is_source = true};

/* ---- making */

static bool is_wrong(const weir_udp_options *o, weir_error *error)
{
    return wr_limit_wrong(error, "udp", "buffer_bytes", o->buffer_bytes) ||
           wr_limit_wrong(error, "udp", "datagram_bytes_max", o->datagram_bytes_max) ||
           wr_choice_wrong(error, "udp", "overlong", o->overlong, WEIR_LONG_FAILS);
}

struct weir_gen *wr_udp_source(struct weir_scope *scope, const char *address,
                               const weir_udp_options *options, wr_udp_open *open)
{
    weir_udp_options o = WEIR_ZERO;
    weir_error error;
    if (options != NULL) {
        WR_TAKE_OPTIONS(o, options);
    }
    struct wr_udp *udp = wr_gen_alloc(scope, sizeof *udp, &udp_ops, "udp");
    if (udp == NULL) {
        return wr_gen_made(NULL, NULL);
    }
    address += strncmp(address, "udp://", 6) == 0 ? 6 : 0;
    udp->open = open;
    udp->address = wr_strdup(address);
    udp->group = wr_strdup(o.group);
    udp->interface = wr_strdup(o.interface);
    udp->source = wr_strdup(o.source);
    udp->policy = o.overlong;
    udp->buffer_asked = o.buffer_bytes > 0;
    udp->buffer_bytes = o.buffer_bytes > 0 ? (size_t)o.buffer_bytes : BUFFER_BYTES;
    udp->datagram_bytes_max = o.datagram_bytes_max > 0
                                  ? WR_MIN((size_t)o.datagram_bytes_max, (size_t)DATAGRAM_BYTES)
                                  : DATAGRAM_BYTES;
    if (udp->address == NULL || (o.group != NULL && udp->group == NULL) ||
        (o.interface != NULL && udp->interface == NULL) ||
        (o.source != NULL && udp->source == NULL)) {
        wr_gen_fail(&udp->gen, WEIR_ENOMEM, 0, -1, "no memory for options");
    } else if (is_wrong(&o, &error)) {
        wr_gen_fail_error(&udp->gen, &error);
    }
    return wr_gen_made(&udp->gen, NULL);
}

void wr_udp_port_unref(void *port)
{
    struct wr_udp_port *shared = port;
    if (shared != NULL && --shared->refs == 0) {
        wr_free(shared);
    }
}

void wr_udp_share_port(struct weir_gen *gen, struct wr_udp_port *port)
{
    if (gen != &wr_gen_no_memory) {
        udp_of(gen)->port = port;
        port->refs++;
    }
}

weir_gen *weir_udp_messages(weir_scope *scope, const char *address, const weir_udp_options *options)
{
    WR_GIVEN(address);
    return wr_udp_source(scope, address, options, wr_datagram_bind);
}

/* ---- the component */

struct udp_args {
    const char *address, *group, *interface, *source;
    int64_t buffer_bytes, bytes_max;
    int32_t overlong; /* an index of long_choices */
};

static int udp_check(const weir_opening *opening, const void *args, weir_mistake *mistake)
{
    const struct udp_args *a = args;
    const char *address = a->address + strlen("udp://");
    union wr_peer at;
    (void)opening;
    if (a->source != NULL && a->group == NULL) {
        (void)weir_mistake_at(mistake, "source", "it says who sends to a group, but there is none");
        return weir_mistake_hint(mistake, "write group=ADDRESS, too, or where $meta.host == `%s`",
                                 a->source);
    }
    if (wr_peer_read(address, &at) == 0) {
        (void)weir_mistake_at(mistake, "HOST:PORT", "'%s' is not an address of this machine",
                              address);
        return weir_mistake_hint(mistake, "write udp://:5514 for this machine only, or "
                                          "udp://0.0.0.0:5514 to be reached by others");
    }
    return 0;
}

static const char *udp_says(const weir_opening *opening, const void *args)
{
    const struct udp_args *a = args;
    union wr_peer at;
    (void)opening;
    if (a->group != NULL) {
        return "receives what is sent to the group";
    }
    return wr_peer_read(a->address + strlen("udp://"), &at) > 0 && wr_peer_is_loopback(&at)
               ? "only this machine can send to it; udp://0.0.0.0:PORT is for others, too"
               : "other machines can send to it";
}

static weir_gen *udp_read(const weir_opening *opening, weir_gen *up, const void *args)
{
    const struct udp_args *a = args;
    const weir_udp_options options = {.struct_size = sizeof options,
                                      .group = a->group,
                                      .interface = a->interface,
                                      .source = a->source,
                                      .buffer_bytes = a->buffer_bytes,
                                      .datagram_bytes_max = a->bytes_max,
                                      .overlong = opening->strict ? WEIR_LONG_FAILS : a->overlong};
    (void)up;
    return weir_udp_messages(opening->scope, a->address, &options);
}

static const char *const udp_schemes[] = {"udp", NULL};
static const char *const long_choices[] = {"skip", "cut", "fail", NULL};
static const weir_arg udp_args[] = {
    WEIR_ARG_ADDRESS(struct udp_args, address, .name = "HOST:PORT",
                     .flags = WEIR_ARG_REQUIRED | WEIR_ARG_ANY_HOST,
                     .help = "where to receive: no host is 127.0.0.1, 0.0.0.0 or [::] any"),
    WEIR_ARG_TEXT(struct udp_args, group, .name = "group", .form = WEIR_FORM_NAMED,
                  .help = "a multicast address to join"),
    WEIR_ARG_TEXT(struct udp_args, interface, .name = "interface", .form = WEIR_FORM_NAMED,
                  .help = "receive at this one only, and join the group there"),
    WEIR_ARG_TEXT(struct udp_args, source, .name = "source", .form = WEIR_FORM_NAMED,
                  .help = "receive only what this address sends to the group"),
    WEIR_ARG_SIZE(struct udp_args, buffer_bytes, .name = "buffer", .form = WEIR_FORM_NAMED,
                  .min = 1, .max = 1 << 30,
                  .help = "of the kernel for the socket; 4MiB if not given"),
    WEIR_ARG_SIZE(struct udp_args, bytes_max, .name = "max", .form = WEIR_FORM_NAMED, .min = 1,
                  .max = DATAGRAM_BYTES, .help = "of a datagram; 64KiB if not given"),
    WEIR_ARG_CHOICE(struct udp_args, overlong, .name = "on-long", .form = WEIR_FORM_NAMED,
                    .choices = long_choices, .preset = "skip",
                    .help = "what to do with a longer one"),
};
static const weir_example udp_more[] = {
    {"udp://0.0.0.0:2055 | netflow | ndjson", NULL},
    {"udp://:5000 group=239.1.2.3 interface=eth0 | where $meta.host == `10.0.0.7`", NULL},
    {NULL, NULL},
};

const weir_component wr_component_udp = {
    .struct_size = sizeof wr_component_udp,
    .name = "udp",
    .schemes = udp_schemes,
    .kind = WEIR_KIND_SOURCE,
    .gives = WEIR_SHAPE_MESSAGE,
    .traits = WEIR_TRAIT_IO | WEIR_TRAIT_ENDLESS,
    .args = udp_args,
    .args_count = sizeof udp_args / sizeof udp_args[0],
    .args_size = sizeof(struct udp_args),
    .help = "UDP datagrams, one a message, with the sender in $meta.peer and $meta.host. What the "
            "kernel drops while they are read too slowly counts as dropped.",
    .example = "udp://:5514 | syslog | where .severity <= 3 | ndjson",
    .on_break = "a datagram that is lost on the way is not noticed",
    .check = udp_check,
    .open = udp_read,
    .more_examples = udp_more,
    .says = udp_says,
};
