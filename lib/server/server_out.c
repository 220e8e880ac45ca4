/*
 * server_out.c - output to a client, with at most one buffer of bytes.
 *
 * The connection has a small buffer. If more comes than fits, and the socket has room for it, the
 * loop lends a large buffer until it has been written. So a client that does not read holds little
 * memory. The buffer holds bytes that can be sent ([start, sealed)), then the open chunk
 * ([sealed, len)). The open chunk begins with room for its size, and is sealed before a write.
 *
 * The connection's task writes when the buffer is full or the reply ends. The hook before the loop
 * polls writes, so that a single item is sent alone and a thousand items that came together are sent
 * together. What the socket does not take then is sent by the writer's task (loop_writer.c), because
 * the connection's task waits for its generator.
 *
 * A failure is sticky. If the hook or the writer's task finds it, gone() reports it, because the
 * generator may give no item for hours.
 */
#include <string.h>

#include "base_alloc.h"
#include "server_conn.h"

enum { TAIL = 2 /* CRLF after a chunk */, ROOM_MIN = 2048 };

static const char last_chunk[] = WR_HTTP1_LAST_CHUNK;

/* Give the large buffer back once the small one holds what is left. */
static void shrink(struct wr_out *out)
{
    size_t left = out->len - out->start;
    if (out->large == NULL || left > WR_OUT_BYTES_SMALL / 2) {
        return;
    }
    memcpy(out->small, out->bytes + out->start, left);
    out->sealed -= out->start;
    out->len = left;
    out->start = 0;
    wr_block_unref(out->large, 1);
    out->large = NULL;
    out->bytes = out->small;
    out->cap = WR_OUT_BYTES_SMALL;
}

static void reset(struct wr_out *out)
{
    out->start = out->sealed = out->len = 0;
    shrink(out);
}

int wr_out_open(struct wr_out *out)
{
    if (!wr_budget_charge(&out->writer.loop->budget, WR_OUT_BYTES_SMALL)) {
        return WEIR_ENOMEM; /* too small for a wait that may never end */
    }
    out->small = wr_alloc(WR_OUT_BYTES_SMALL);
    if (out->small == NULL) {
        wr_budget_release(&out->writer.loop->budget, WR_OUT_BYTES_SMALL);
        return WEIR_ENOMEM;
    }
    out->bytes = out->small;
    out->cap = WR_OUT_BYTES_SMALL;
    out->put = 0;
    out->sent = out->chunked = out->headed = out->probed_head = false;
    reset(out);
    return 0;
}

void wr_out_close(struct wr_out *out)
{
    wr_writer_close(&out->writer);
    wr_list_remove(&out->hook.link);
    if (out->small != NULL) {
        reset(out);
        wr_budget_release(&out->writer.loop->budget, WR_OUT_BYTES_SMALL);
        wr_free(out->small);
        out->small = NULL;
    }
}

char *wr_out_head(struct wr_out *out, size_t *cap)
{
    *cap = out->cap - out->len;
    return out->bytes + out->len;
}

void wr_out_wrote_head(struct wr_out *out, size_t len, bool chunked)
{
    out->start = out->len + (out->probed_head ? 1 : 0);
    out->len += len;
    out->sealed = out->len;
    out->chunked = chunked;
    out->headed = true;
    wr_before_poll_enrol(out->writer.loop, &out->hook);
}

bool wr_out_rewind(struct wr_out *out)
{
    if (out->put > 0 || out->sent || out->writer.failure < 0 || out->writer.task != NULL) {
        return false;
    }
    wr_list_remove(&out->hook.link);
    out->chunked = out->headed = false;
    reset(out);
    return true;
}

/* Close the open chunk, so that it can be sent. */
static void seal(struct wr_out *out)
{
    if (out->chunked && out->len > out->sealed) {
        static const char hex[] = "0123456789abcdef";
        size_t n = out->len - out->sealed - WR_OUT_CHUNK_HEAD;
        char *head = out->bytes + out->sealed;
        for (int i = 0; i < 5; i++) {
            head[i] = hex[n >> (4 * (4 - i)) & 15];
        }
        memcpy(head + 5, "\r\n", 2);
        memcpy(out->bytes + out->len, "\r\n", TAIL);
        out->len += TAIL;
    }
    out->sealed = out->len;
}

static void tell_gone(struct wr_out *out)
{
    void (*gone)(void *ctx) = out->gone;
    if (gone != NULL) {
        out->gone = NULL;
        gone(out->ctx);
    }
}

int64_t wr_out_unread(const struct wr_out *out)
{
    const struct wr_transport_ops *ops = out->writer.transport->ops;
    return ops->unread != NULL ? ops->unread(out->writer.transport) : -1;
}

void wr_out_probe(struct wr_out *out)
{
    /* A chunk's length may begin with any number of zeros; the last chunk's is only zeros. */
    char next = out->headed ? '0' : 'H';
    struct iovec piece = {&next, 1};
    if (out->small == NULL || out->len > 0 || out->writer.failure < 0 ||
        (out->headed && !out->chunked) || out->probed_head) {
        return;
    }
    int64_t n = out->writer.transport->ops->write(out->writer.transport, &piece, 1);
    if (n < 0 && n != WR_AGAIN) {
        out->writer.failure = (int)n;
        tell_gone(out);
    } else if (n == 1) {
        out->probed_head = !out->headed;
    }
}

/* A socket becomes writable only when a large part of its buffer is free. A client that has read a
 * smaller part before the timeout is slow, and has not stalled. */
static int wait_writable(struct wr_writer *writer)
{
    struct wr_out *out = WR_OWNER(writer, struct wr_out, writer);
    struct wr_transport *transport = writer->transport;
    int64_t unread = wr_out_unread(out);
    out->stalls(out->ctx, true);
    int rc = transport->ops->wait(transport, WR_WRITABLE, out->stall_ms, writer->why, writer->of);
    out->stalls(out->ctx, false);
    return rc == WEIR_ETIMEDOUT && wr_out_unread(out) < unread ? 0 : rc;
}

static struct wr_out *out_of(struct wr_writer *writer)
{
    return WR_OWNER(writer, struct wr_out, writer);
}

static struct iovec pending(struct wr_writer *writer)
{
    struct wr_out *out = out_of(writer);
    seal(out);
    return (struct iovec){out->bytes + out->start, out->sealed - out->start};
}

static void wrote(struct wr_writer *writer, size_t bytes, bool direct)
{
    struct wr_out *out = out_of(writer);
    (void)direct;
    out->sent = true;
    out->start += bytes;
    if (out->start == out->sealed) {
        reset(out);
        if (out->written != NULL) {
            out->written(out->written_ctx);
        }
    }
}

static void enrol(struct wr_writer *writer)
{
    struct wr_out *out = out_of(writer);
    wr_before_poll_enrol(writer->loop, &out->hook);
}

static void writer_gone(struct wr_writer *writer)
{
    if (writer->failure < 0) { /* else it was canceled, and so is the connection's task */
        tell_gone(out_of(writer));
    }
}

static const struct wr_writer_ops writer_ops = {
    .pending = pending, .wrote = wrote, .wait = wait_writable, .enrol = enrol, .gone = writer_gone};

static void on_before_poll(struct wr_before_poll *hook)
{
    struct wr_out *out = WR_OWNER(hook, struct wr_out, hook);
    if (out->small != NULL && wr_writer_flush(&out->writer) < 0) {
        tell_gone(out);
    }
}

void wr_out_init(struct wr_out *out, struct wr_transport *transport, struct weir_scope *scope,
                 struct wr_object *of)
{
    *out = (struct wr_out){.stall_ms = -1};
    wr_writer_init(&out->writer, &writer_ops, scope, of, "the client to read");
    out->writer.transport = transport;
    wr_before_poll_init(&out->hook, on_before_poll);
}

/* Bytes that can be put now. */
static size_t room(const struct wr_out *out)
{
    size_t used = out->len + TAIL + sizeof last_chunk;
    if (out->chunked && out->len == out->sealed) {
        used += WR_OUT_CHUNK_HEAD;
    }
    return used < out->cap ? out->cap - used : 0;
}

static void compact(struct wr_out *out)
{
    if (out->start > 0) {
        memmove(out->bytes, out->bytes + out->start, out->len - out->start);
        out->len -= out->start;
        out->sealed -= out->start;
        out->start = 0;
    }
}

/* One step to get room: 0, or a failure. It always ends with a turn of the loop: without it a
 * client that reads as fast as the server writes would block the other tasks. */
static int make_way(struct wr_out *out)
{
    wr_list_remove(&out->hook.link); /* this task writes now, or waits for the writer's */
    int rc = wr_writer_flush(&out->writer);
    if (rc == 1) {
        rc = wr_writer_wait(&out->writer);
    }
    return rc == 0 ? wr_turn(out->writer.loop, out->writer.of) : rc;
}

static int wait_room(struct wr_out *out)
{
    int rc = 0;
    while (rc == 0 && room(out) < ROOM_MIN) {
        rc = make_way(out);
        shrink(out);
        if (out->start > out->cap / 2) {
            compact(out);
        }
    }
    return rc;
}

/* Can the socket take a complete large buffer? The rest would stay in our memory while the client
 * does not read. */
static bool takes_much(const struct wr_out *out)
{
    const struct wr_transport_ops *ops = out->writer.transport->ops;
    int64_t unsent = ops->unsent != NULL ? ops->unsent(out->writer.transport) : -1;
    return unsent >= 0 && unsent <= WR_UNSENT_MAX - 2 * WR_OUT_BYTES;
}

/* More comes at once than the small buffer holds: use a large one for larger writes. Half of the
 * budget is left for the generators. */
static bool grow(struct wr_out *out)
{
    const struct wr_budget *budget = &out->writer.loop->budget;
    int why;
    if (out->large != NULL || budget->used + WR_BLOCK_BYTES > budget->limit / 2 ||
        !takes_much(out)) {
        return false;
    }
    out->large = wr_block_new(&out->writer.loop->blocks, 0, &why);
    if (out->large == NULL) {
        return false;
    }
    memcpy(out->large->data, out->bytes, out->len);
    out->bytes = out->large->data;
    out->cap = WR_OUT_BYTES;
    return true;
}

int wr_out_put(struct wr_out *out, const char *data, size_t len)
{
    while (len > 0) {
        if (out->writer.failure < 0) {
            return out->writer.failure;
        }
        size_t n = WR_MIN(len, room(out));
        if (n < len && n < ROOM_MIN) {
            int rc = grow(out) ? 0 : wait_room(out);
            if (rc < 0) {
                return rc;
            }
            continue;
        }
        if (out->chunked && out->len == out->sealed) {
            out->len += WR_OUT_CHUNK_HEAD;
        }
        memcpy(out->bytes + out->len, data, n);
        out->len += n;
        out->put += n;
        data += n;
        len -= n;
        wr_before_poll_enrol(out->writer.loop, &out->hook);
    }
    return 0;
}

bool wr_out_put_now(struct wr_out *out, const char *data, size_t len)
{
    return room(out) >= len && wr_out_put(out, data, len) == 0;
}

int wr_out_drain(struct wr_out *out, bool last)
{
    if (last && out->chunked && out->writer.failure == 0) {
        seal(out);
        memcpy(out->bytes + out->len, last_chunk, sizeof last_chunk - 1);
        out->len += sizeof last_chunk - 1;
        out->sealed = out->len;
        out->chunked = false;
    }
    int rc = out->writer.failure;
    while (rc == 0 && out->len > 0) {
        rc = make_way(out);
    }
    wr_list_remove(&out->hook.link);
    return rc;
}
