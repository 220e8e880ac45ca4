/*
 * loop_transport_memory.c - two connected transports without a descriptor; each is the far end
 * of the other.
 *
 * Each direction is a ring of cap bytes with two flags: its writer has ended (the reader gets the
 * bytes, then the end), and its reader has gone (the writer gets WEIR_ECLOSED). To free an end sets
 * both. The pair is freed with its second end.
 *
 * A wait parks the task in the ring, and a try of the other end wakes it. Nothing here counts as a
 * descriptor, so a virtual clock stands still only while bytes can move. `gone` is deferred to the
 * scheduler's stack, as for a real descriptor, although the far end's task has caused it.
 */
#include <errno.h>
#include <string.h>

#include "base_alloc.h"
#include "loop_transport.h"

struct memory_way {
    char *bytes;
    size_t start, len, cap;
    bool ended;  /* no more bytes will come */
    bool broken; /* the reader has gone */
    struct wr_task *reader, *writer;
};

struct memory_end {
    struct wr_transport base;
    struct memory_pair *pair;
    struct memory_way *in, *out;
    struct memory_end *peer;
    bool freed;
    struct wr_deferred hangup;
    void (*gone)(void *ctx);
    void *gone_ctx;
    struct wr_deferred input;
    void (*came)(void *ctx);
    void *came_ctx;
};

struct memory_pair {
    struct memory_end ends[2];
    struct memory_way ways[2];
    char bytes[];
};

static struct memory_end *of_base(struct wr_transport *transport)
{
    return WR_OWNER(transport, struct memory_end, base);
}

static void wake(struct wr_task *task)
{
    if (task != NULL) {
        wr_wake(task, 0);
    }
}

static int64_t memory_read(struct wr_transport *transport, void *to, size_t cap)
{
    struct memory_way *way = of_base(transport)->in;
    size_t n = WR_MIN(cap, way->len);
    if (n == 0) {
        return way->ended ? 0 : WR_AGAIN;
    }
    size_t first = WR_MIN(n, way->cap - way->start);
    memcpy(to, way->bytes + way->start, first);
    memcpy((char *)to + first, way->bytes, n - first);
    way->start = (way->start + n) % way->cap;
    way->len -= n;
    wake(way->writer);
    return (int64_t)n;
}

static size_t append(struct memory_way *way, const char *bytes, size_t len)
{
    size_t n = WR_MIN(len, way->cap - way->len);
    size_t at = (way->start + way->len) % way->cap;
    size_t first = WR_MIN(n, way->cap - at);
    memcpy(way->bytes + at, bytes, first);
    memcpy(way->bytes, bytes + first, n - first);
    way->len += n;
    return n;
}

static void tell_input(struct memory_end *end)
{
    if (end->came != NULL && (end->in->len > 0 || end->in->ended)) {
        wr_defer(end->base.loop, &end->input);
    }
}

/* As long as it is on and there is something to read, it is called again. */
static void run_input(struct wr_deferred *deferred)
{
    struct memory_end *end = WR_OWNER(deferred, struct memory_end, input);
    if (end->came != NULL) {
        end->came(end->came_ctx);
    }
    tell_input(end);
}

static void memory_watch_input(struct wr_transport *transport, void (*came)(void *ctx), void *ctx)
{
    struct memory_end *end = of_base(transport);
    end->came = came;
    end->came_ctx = ctx;
    tell_input(end);
}

static int64_t memory_write(struct wr_transport *transport, const struct iovec *iov, int count)
{
    struct memory_way *way = of_base(transport)->out;
    if (way->broken || way->ended) {
        transport->detail = EPIPE;
        return WEIR_ECLOSED;
    }
    size_t taken = 0, given = 0;
    for (int i = 0; i < count; i++) {
        given += iov[i].iov_len;
        taken += append(way, iov[i].iov_base, iov[i].iov_len);
    }
    if (taken > 0) {
        wake(way->reader);
        tell_input(of_base(transport)->peer);
    }
    return taken > 0 || given == 0 ? (int64_t)taken : WR_AGAIN;
}

static bool can_read(void *arg)
{
    const struct memory_way *way = arg;
    return way->len > 0 || way->ended;
}

static bool can_write(void *arg)
{
    const struct memory_way *way = arg;
    return way->len < way->cap || way->broken;
}

static int memory_wait(struct wr_transport *transport, int events, int64_t limit_ms,
                       const char *why, struct wr_object *of)
{
    struct memory_end *end = of_base(transport);
    bool reads = (events & WR_READABLE) != 0;
    struct memory_way *way = reads ? end->in : end->out;
    struct wr_task **waiter = reads ? &way->reader : &way->writer;
    WR_ASSERT(*waiter == NULL, "two tasks wait for the same direction of one end");
    *waiter = wr_task_now(transport->loop, why);
    int rc = wr_wait_until(transport->loop, reads ? can_read : can_write, way, limit_ms, why, of);
    *waiter = NULL;
    return rc;
}

static int64_t memory_unread(struct wr_transport *transport)
{
    return (int64_t)of_base(transport)->out->len;
}

static void run_hangup(struct wr_deferred *deferred)
{
    struct memory_end *end = WR_OWNER(deferred, struct memory_end, hangup);
    void (*gone)(void *ctx) = end->gone;
    end->gone = NULL;
    if (gone != NULL) {
        gone(end->gone_ctx);
    }
}

static void tell_hangup(struct memory_end *end)
{
    if (end->gone != NULL && end->in->ended) {
        wr_defer(end->base.loop, &end->hangup);
    }
}

static void memory_shut(struct wr_transport *transport)
{
    struct memory_end *end = of_base(transport);
    end->out->ended = true;
    wake(end->out->reader);
    tell_input(end->peer);
    tell_hangup(end->peer);
}

static void memory_watch_hangup(struct wr_transport *transport, void (*gone)(void *ctx), void *ctx)
{
    struct memory_end *end = of_base(transport);
    end->gone = gone;
    end->gone_ctx = ctx;
    tell_hangup(end);
}

static void memory_free(struct wr_transport *transport)
{
    struct memory_end *end = of_base(transport);
    WR_ASSERT(end->in->reader == NULL && end->out->writer == NULL,
              "a memory transport is freed while a task waits for it");
    end->gone = end->came = NULL;
    wr_list_remove(&end->hangup.link);
    wr_list_remove(&end->input.link);
    end->freed = true;
    if (end->peer->freed) {
        wr_free(end->pair);
        return;
    }
    end->in->broken = true;
    wake(end->in->writer);
    memory_shut(transport);
}

static const struct wr_transport_ops memory_ops = {.kind = "memory",
                                                   .read = memory_read,
                                                   .write = memory_write,
                                                   .wait = memory_wait,
                                                   .shut = memory_shut,
                                                   .unread = memory_unread,
                                                   .watch_hangup = memory_watch_hangup,
                                                   .watch_input = memory_watch_input,
                                                   .free = memory_free};

int wr_memory_pair(struct weir_loop *loop, size_t cap, struct wr_transport *ends[2])
{
    struct memory_pair *pair = wr_zalloc(sizeof *pair + 2 * cap);
    if (pair == NULL) {
        return WEIR_ENOMEM;
    }
    for (int i = 0; i < 2; i++) {
        struct memory_end *end = &pair->ends[i];
        pair->ways[i].bytes = pair->bytes + (size_t)i * cap;
        pair->ways[i].cap = cap;
        end->base.ops = &memory_ops;
        end->base.loop = loop;
        end->pair = pair;
        end->peer = &pair->ends[1 - i];
        end->in = &pair->ways[i];
        end->out = &pair->ways[1 - i];
        wr_deferred_init(&end->hangup, run_hangup);
        wr_deferred_init(&end->input, run_input);
        ends[i] = &end->base;
    }
    return 0;
}
