/*
 * sink_udp.c - an item is a datagram.
 *
 * A put sends its items in portions of up to BATCH, and waits while the socket has no room; so
 * nothing is kept after it. The sink resolves the name and connects at the first put. UDP tells
 * nothing of what arrives. If nobody listens, the peer's machine may refuse a datagram: the kernel
 * reports this at a later call, and it is logged and counted. A datagram that cannot be sent at all,
 * because it is too large or there is no route, is rejected.
 *
 * It suspends at the first put, while the socket is full, and when it has run for long. Then the items
 * of the put are lent.
 */
#define _GNU_SOURCE /* mmsghdr */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include <weir/module.h>
#include <weir/socket.h>

#include "base_alloc.h"
#include "base_option.h"
#include "base_print.h"
#include "flow_dead.h"
#include "flow_sink.h"
#include "sink_udp.h"

enum { BATCH = 64, DATAGRAM_BYTES_MAX = 65507, FULL_MS = 10, CONNECT_MS = 10 * 1000 };

struct sink_udp {
    struct weir_sink sink;
    wr_udp_connect *connect;
    char *address;
    int64_t connect_ms;
    struct wr_datagrams *socket; /* NULL: not connected */
    uint64_t refused;
    weir_scratch scratch;
    /* The portion: of each datagram its item, and the part that it is. */
    unsigned count;
    struct mmsghdr messages[BATCH];
    struct iovec texts[BATCH];
    const weir_item *items[BATCH], *parts[BATCH];
};

static struct sink_udp *udp_of(const struct weir_sink *sink)
{
    return WR_OWNER((uintptr_t)sink, struct sink_udp, sink);
}

/* ---- sending */

static int connect_socket(struct sink_udp *udp)
{
    struct weir_sink *sink = &udp->sink;
    weir_error error;
    udp->socket = udp->connect(sink->loop, udp->address, udp->connect_ms, &sink->object, &error);
    if (udp->socket == NULL) {
        return wr_sink_set_error(sink, error.code, error.detail, "%s", error.message);
    }
    return 0;
}

/* The peer's machine has refused a datagram. */
static void count_refused(struct sink_udp *udp)
{
    if (udp->refused++ == 0) {
        wr_log(&udp->sink.loop->log, WR_LOG_WARNING, udp->sink.name,
               "%s: a datagram was refused, nobody listens there; sending goes on", udp->address);
    }
}

/* Wait until a datagram may be taken. 0, or a code and the sink has failed. */
static int wait_for_room(struct sink_udp *udp, int failure)
{
    struct weir_sink *sink = &udp->sink;
    /* ENOBUFS is a full queue of the interface, for which there is no event. */
    int rc = failure == ENOBUFS
                 ? wr_sleep(sink->loop, FULL_MS, "room in the interface's queue", &sink->object)
                 : udp->socket->ops->wait(udp->socket, WR_WRITABLE, -1, "room in the socket",
                                          &sink->object);
    return rc == 0 ? 0 : wr_sink_set_error(sink, rc, 0, "%s", wr_code_text(rc));
}

/* This datagram cannot be sent. 0, or a code and the sink has failed. */
static int reject(struct sink_udp *udp, unsigned index, int failure)
{
    char why[128];
    size_t len = udp->texts[index].iov_len;
    if (failure == EMSGSIZE) {
        (void)wr_print_text(why, sizeof why, "%zu bytes: a datagram has at most %d", len,
                            DATAGRAM_BYTES_MAX);
    } else {
        (void)wr_print_text(why, sizeof why, "cannot be sent: %s", strerror(failure));
    }
    return wr_sink_reject(&udp->sink, udp->items[index], udp->parts[index], 1, WEIR_EIO, why);
}

static void sent(struct sink_udp *udp, unsigned from, unsigned count)
{
    uint64_t bytes = 0;
    for (unsigned i = from; i < from + count; i++) {
        bytes += udp->texts[i].iov_len;
    }
    wr_sink_wrote(&udp->sink, bytes);
}

/* Send the portion. 0, or a code and the sink has failed. */
static int send_portion(struct sink_udp *udp)
{
    int rc = wr_turn(udp->sink.loop, &udp->sink.object); /* the socket may never be full */
    if (rc < 0) {
        return wr_sink_set_error(&udp->sink, rc, 0, "%s", wr_code_text(rc));
    }
    for (unsigned at = 0; at < udp->count && rc >= 0;) {
        int n = udp->socket->ops->send(udp->socket, udp->messages + at, udp->count - at);
        int failure = udp->socket->detail;
        if (n > 0) {
            sent(udp, at, (unsigned)n);
            at += (unsigned)n;
        } else if (n == WR_AGAIN || failure == ENOBUFS) {
            rc = wait_for_room(udp, n == WR_AGAIN ? EAGAIN : failure);
        } else if (failure == ECONNREFUSED) {
            count_refused(udp);
        } else if (failure == EMSGSIZE || failure == ENETUNREACH || failure == EHOSTUNREACH ||
                   failure == EPERM || failure == ENETDOWN) {
            rc = reject(udp, at++, failure);
        } else {
            rc = wr_sink_set_error(&udp->sink, WEIR_EIO, failure, "send to %s: %s", udp->address,
                                   strerror(failure));
        }
    }
    udp->count = 0;
    return rc;
}

/* Add a part of an item to the portion. 0, or a code and the sink has failed. */
static int add(struct sink_udp *udp, const weir_item *item, const weir_item *part)
{
    weir_slice text;
    unsigned at = udp->count;
    int rc = weir_item_text(part, &text, &udp->scratch);
    if (rc < 0) {
        weir_error error;
        (void)wr_item_text_error(&error, rc, udp->sink.name, part);
        return wr_sink_set_error(&udp->sink, error.code, error.detail, "%s", error.message);
    }
    udp->texts[at] = (struct iovec){(char *)(uintptr_t)text.data, text.len};
    udp->messages[at] = (struct mmsghdr){.msg_hdr = {.msg_iov = &udp->texts[at], .msg_iovlen = 1}};
    udp->items[at] = item;
    udp->parts[at] = part;
    udp->count++;
    /* A text that was printed is overwritten by the next one. */
    bool printed = text.len > 0 && text.data == udp->scratch.data;
    return udp->count == BATCH || printed ? send_portion(udp) : 0;
}

static int udp_put_many(struct weir_sink *sink, const weir_item *items, size_t count)
{
    struct sink_udp *udp = udp_of(sink);
    int rc = udp->socket == NULL ? connect_socket(udp) : 0;
    for (size_t i = 0; i < count && rc >= 0; i++) {
        const weir_item *parts;
        size_t parts_count = weir_item_parts(&items[i], &parts);
        for (size_t k = 0; k < parts_count && rc >= 0; k++) {
            rc = add(udp, &items[i], &parts[k]);
        }
    }
    rc = rc >= 0 ? send_portion(udp) : rc;
    udp->count = 0;
    return rc < 0 ? rc : 0;
}

static void udp_close(struct weir_sink *sink, const weir_error *failure)
{
    struct sink_udp *udp = udp_of(sink);
    (void)failure;
    if (udp->socket != NULL) {
        udp->socket->ops->free(udp->socket);
        udp->socket = NULL;
    }
    if (udp->refused > 1) {
        wr_log(&sink->loop->log, WR_LOG_WARNING, sink->name,
               "%s: at least %" PRIu64 " datagrams were refused in all", udp->address,
               udp->refused);
    }
    weir_scratch_free(&udp->scratch);
    wr_free(udp->address);
    udp->address = NULL;
}

static int udp_promise(const struct weir_sink *sink, const char **why)
{
    (void)sink;
    *why = "a datagram that is lost on the way is not noticed";
    return WEIR_BEST_EFFORT;
}

static const struct wr_sink_ops udp_ops = {
    .kind = "udp", .put_many = udp_put_many, .promise = udp_promise, .close = udp_close};

struct weir_sink *wr_udp_sink(struct weir_scope *scope, const char *address, int64_t connect_ms,
                              wr_udp_connect *connect)
{
    weir_error error;
    struct sink_udp *udp = wr_sink_alloc(scope, sizeof *udp, &udp_ops, "udp");
    if (udp == NULL) {
        return wr_sink_made(NULL);
    }
    address += strncmp(address, "udp://", 6) == 0 ? 6 : 0;
    udp->connect = connect;
    udp->address = wr_strdup(address);
    udp->connect_ms = connect_ms == 0 ? CONNECT_MS : connect_ms < 0 ? -1 : connect_ms;
    if (udp->address == NULL) {
        wr_sink_set_error(&udp->sink, WEIR_ENOMEM, 0, "no memory for an address");
    } else if (wr_limit_wrong(&error, "udp", "connect_ms", connect_ms)) {
        wr_sink_set_error(&udp->sink, error.code, 0, "%s", error.message);
    }
    return wr_sink_made(&udp->sink);
}

weir_sink *weir_udp_sink(weir_scope *scope, const char *address, const weir_udp_options *options)
{
    weir_udp_options o = WEIR_ZERO;
    WR_GIVEN(address);
    if (options != NULL) {
        WR_TAKE_OPTIONS(o, options);
    }
    return wr_udp_sink(scope, address, o.connect_ms, wr_datagram_connect);
}

/* ---- the component */

struct udp_args {
    const char *address;
};

static weir_sink *udp_write(const weir_opening *opening, const void *args)
{
    const struct udp_args *a = args;
    const weir_udp_options options = {.struct_size = sizeof options,
                                      .connect_ms = opening->connect_ms};
    weir_sink *sink = weir_udp_sink(opening->scope, a->address, &options);
    weir_sink_keep_state(sink, opening->state);
    return sink;
}

static const char *const udp_schemes[] = {"udp", NULL};
static const weir_arg udp_args[] = {
    WEIR_ARG_ADDRESS(struct udp_args, address, .name = "HOST:PORT", .flags = WEIR_ARG_REQUIRED,
                     .help = "an IPv6 address in [ ]"),
};

const weir_component wr_component_udp_sink = {
    .struct_size = sizeof wr_component_udp_sink,
    .name = "udp",
    .schemes = udp_schemes,
    .kind = WEIR_KIND_SINK,
    .takes = WEIR_SHAPES_ALL,
    .traits = WEIR_TRAIT_IO | WEIR_TRAIT_CONNECTS | WEIR_TRAIT_REJECTS | WEIR_TRAIT_NEVER_FULL,
    .args = udp_args,
    .args_count = sizeof udp_args / sizeof udp_args[0],
    .args_size = sizeof(struct udp_args),
    .help = "Each item as a UDP datagram, without a line end. What is lost on the way is not "
            "noticed.",
    .example = "gen 1..3 | udp 127.0.0.1:5514",
    .on_break = "sending goes on, and what is refused is counted",
    .misplaced = "to receive datagrams, write udp://:PORT as the first part",
    .open_sink = udp_write,
};
