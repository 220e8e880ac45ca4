/*
 * sink_stream.c - a sink on a transport: it writes, waits for the far end, and notices when the far
 * end has gone.
 *
 * The putting task writes what is big or does not fit into the buffer. It waits while the far end
 * takes no more: this slows the source down. The flush before the poll writes as much of the buffer
 * as the far end takes; the rest is written by the writer's task (loop_writer.c). A put that has to
 * write while that task runs waits for it to end; so does the close.
 *
 * Between two suspensions of a put only that put uses the buffer (gather.busy). A failure while no
 * task puts is stored in the sink, and wakes the pump that waits for items.
 */
#include "sink_stream.h"

#include <errno.h>
#include <string.h>

#include "base_print.h"
#include "flow_state.h"
#include "loop_socket.h"

enum { STALL_MS = 60 * 1000 }; /* a peer that takes nothing for this long gets a warning */

static struct wr_stream_sink *stream_of(const struct weir_sink *sink)
{
    return WR_OWNER((uintptr_t)sink, struct wr_stream_sink, sink);
}

static int64_t unread(const struct wr_stream_sink *stream)
{
    const struct wr_transport_ops *ops = stream->transport->ops;
    return ops->unread != NULL ? WR_MAX(ops->unread(stream->transport), 0) : 0;
}

/* The reader has gone. idle: it had taken all that was put. If not, what a socket sink has written
 * is lost, and the error contains the number of bytes. */
static int gone(struct wr_stream_sink *stream, bool idle)
{
    int detail = stream->transport->detail;
    if (!idle && stream->watches == WR_WATCHES_BROKEN && stream->writer.written > 0) {
        weir_error error;
        (void)wr_socket_lost(stream->transport, unread(stream), stream->writer.written, detail,
                             &error, WR_SOCKET_RESET);
        return wr_sink_set_error(&stream->sink, error.code, detail, "%s", error.message);
    }
    const char *path = stream->path != NULL ? stream->path : "";
    const char *quote = stream->path != NULL ? "'" : "";
    return wr_sink_set_error(&stream->sink, WEIR_ECLOSED, detail,
                             "the reader%s%s%s%s left after %llu bytes",
                             stream->path != NULL ? " of " : "", quote, path, quote,
                             (unsigned long long)stream->writer.written);
}

int wr_stream_gone(struct wr_stream_sink *stream)
{
    stream->transport->detail = EPIPE;
    return gone(stream, false);
}

/* A transport that connects again does so no more. */
static bool gave_up(const struct wr_stream_sink *stream)
{
    return stream->transport->ops->heals != NULL && stream->transport->reason != NULL;
}

static int failed(struct wr_stream_sink *stream, int code)
{
    int detail = stream->transport->detail;
    const char *path = stream->path != NULL ? stream->path : "";
    const char *quote = stream->path != NULL ? "'" : "";
    if (gave_up(stream)) {
        return wr_sink_set_error(&stream->sink, code, detail, "%s", stream->transport->reason);
    }
    if (code == WEIR_ECLOSED) {
        return gone(stream, false);
    }
    if (code == WEIR_ETLS) {
        return wr_sink_set_error(&stream->sink, code, 0,
                                 "TLS: %s; the peer may have read none of the %llu bytes written",
                                 stream->transport->reason,
                                 (unsigned long long)stream->writer.written);
    }
    return wr_sink_set_error(&stream->sink, code, detail, "write%s%s%s%s: %s",
                             stream->path != NULL ? " " : "", quote, path, quote, strerror(detail));
}

static int wait_failed(struct wr_stream_sink *stream, int code)
{
    if (gave_up(stream)) {
        return failed(stream, code);
    }
    if (code == WEIR_ETIMEDOUT) {
        return wr_sink_set_error(&stream->sink, code, 0,
                                 "the reader has accepted no bytes for %lld ms",
                                 (long long)stream->stall_ms);
    }
    return wr_sink_set_error(&stream->sink, code, 0, "%s", wr_code_text(code));
}

static int wait_for(struct wr_stream_sink *stream, int64_t limit_ms)
{
    return stream->transport->ops->wait(stream->transport, WR_WRITABLE, limit_ms,
                                        "the sink's reader", &stream->sink.object);
}

/* ---- the writer's operations */

static struct wr_stream_sink *stream_of_writer(struct wr_writer *writer)
{
    return WR_OWNER(writer, struct wr_stream_sink, writer);
}

static int wait_writable(struct wr_writer *writer)
{
    struct wr_stream_sink *stream = stream_of_writer(writer);
    int64_t limit_ms = stream->stall_ms;
    int rc = WEIR_ETIMEDOUT;
    stream->waited_ns = wr_now_ns(stream->sink.loop);
    if (stream->warns && (limit_ms < 0 || limit_ms > STALL_MS)) {
        rc = wait_for(stream, STALL_MS);
        if (rc == WEIR_ETIMEDOUT) {
            stream->warns = false;
            wr_log(&stream->sink.loop->log, WR_LOG_WARNING, stream->sink.name,
                   "the peer has accepted no bytes for %d s (%llu bytes written)", STALL_MS / 1000,
                   (unsigned long long)stream->writer.written);
        }
        limit_ms = limit_ms < 0 ? limit_ms : limit_ms - STALL_MS;
    }
    if (rc == WEIR_ETIMEDOUT) {
        rc = wait_for(stream, limit_ms);
    }
    return rc < 0 ? wait_failed(stream, rc) : 0;
}

static struct iovec pending(struct wr_writer *writer)
{
    struct wr_gather *gather = &stream_of_writer(writer)->gather;
    if (wr_gather_len(gather) == 0) {
        wr_gather_fini(gather);
    }
    return wr_gather_buffered(gather);
}

static void wrote(struct wr_writer *writer, size_t bytes, bool direct)
{
    struct wr_stream_sink *stream = stream_of_writer(writer);
    wr_sink_wrote(&stream->sink, bytes);
    if (!direct) {
        wr_gather_wrote(&stream->gather, bytes);
    }
}

static void write_failed(struct wr_writer *writer, int code)
{
    (void)failed(stream_of_writer(writer), code);
}

/* The flush finds nothing left, and settles. */
static void enrol(struct wr_writer *writer)
{
    wr_sink_dirty(&stream_of_writer(writer)->sink);
}

static void writer_gone(struct wr_writer *writer)
{
    wr_sink_gone(&stream_of_writer(writer)->sink);
}

static const struct wr_writer_ops writer_ops = {.pending = pending,
                                                .wrote = wrote,
                                                .wait = wait_writable,
                                                .failed = write_failed,
                                                .enrol = enrol,
                                                .gone = writer_gone};

/* ---- operations */

int wr_stream_out(struct weir_sink *sink, struct iovec *iov, int count)
{
    struct wr_stream_sink *stream = stream_of(sink);
    int rc = wr_writer_idle(&stream->writer);
    if (rc == 0 && sink->failure != NULL) {
        rc = sink->failure->code;
    }
    return rc < 0 ? rc : wr_writer_write(&stream->writer, iov, count);
}

static void reader_gone(void *ctx)
{
    struct wr_stream_sink *stream = ctx;
    const struct wr_transport_ops *ops = stream->transport->ops;
    if (ops->heals != NULL && !gave_up(stream)) {
        if (ops->heals(stream->transport)) {
            wr_writer_start(&stream->writer);
        }
        return;
    }
    if (gave_up(stream)) {
        /* It does not suspend then, and says why. */
        (void)failed(stream, ops->wait(stream->transport, WR_WRITABLE, 0, "nothing", NULL));
    } else if (stream->transport->reason != NULL) {
        (void)failed(stream, WEIR_ETLS);
    } else {
        /* After a reset, no unread bytes are shown, whatever the peer has read. A read may have taken
         * the error before. */
        int broken = 0;
        if (ops->broken != NULL) {
            broken = ops->broken(stream->transport);
            broken = broken != 0 ? broken : stream->transport->detail;
        }
        stream->transport->detail = broken != 0 ? broken : EPIPE;
        (void)gone(stream,
                   broken == 0 && unread(stream) == 0 && wr_gather_len(&stream->gather) == 0);
    }
    wr_sink_gone(&stream->sink);
}

size_t wr_stream_room(struct weir_sink *sink)
{
    struct wr_stream_sink *stream = stream_of(sink);
    weir_error error;
    if (stream->transport != NULL) {
        return SIZE_MAX;
    }
    stream->transport = stream->open(stream, &error);
    if (stream->transport == NULL) {
        wr_sink_set_error(sink, error.code, error.detail, "%s", error.message);
        return 0;
    }
    stream->writer.transport = stream->transport;
    if (stream->watches == WR_WATCHES_HANGUP) {
        stream->transport->ops->watch_hangup(stream->transport, reader_gone, stream);
    } else {
        stream->transport->ops->watch_broken(stream->transport, reader_gone, stream);
    }
    return SIZE_MAX;
}

int wr_stream_put_many(struct weir_sink *sink, const weir_item *items, size_t count)
{
    struct wr_stream_sink *stream = stream_of(sink);
    if (wr_stream_room(sink) == 0) {
        return sink->failure->code;
    }
    int rc = wr_gather_put(&stream->gather, items, count);
    if (rc == 0) {
        wr_sink_dirty(sink);
    }
    return rc;
}

int wr_stream_flush(struct weir_sink *sink)
{
    struct wr_stream_sink *stream = stream_of(sink);
    if (stream->transport == NULL) {
        return 0;
    }
    stream->writer.scope = sink->object.scope;
    return stream->gather.busy ? 1 : wr_writer_flush(&stream->writer);
}

int wr_stream_wait(struct weir_sink *sink)
{
    return wr_writer_wait(&stream_of(sink)->writer);
}

void wr_stream_leave(struct weir_sink *sink)
{
    struct wr_stream_sink *stream = stream_of(sink);
    wr_writer_close(&stream->writer);
    if (stream->transport != NULL) {
        stream->transport->ops->watch_hangup(stream->transport, NULL, NULL);
    }
    wr_gather_fini(&stream->gather);
}

void wr_stream_close(struct weir_sink *sink, const weir_error *failure)
{
    struct wr_stream_sink *stream = stream_of(sink);
    (void)failure;
    wr_stream_leave(sink);
    if (stream->kept != NULL) {
        wr_state_sink_samples(stream->kept, NULL, NULL, NULL);
    }
    if (stream->kept != NULL && stream->durable) {
        weir_error error;
        if (wr_state_sink_closes(stream->kept, &error) < 0) {
            wr_sink_set_failure(sink, &error);
        }
    }
    if (stream->transport != NULL) {
        stream->transport->ops->free(stream->transport);
    }
}

size_t wr_stream_why(const struct weir_sink *sink, char *text, size_t cap)
{
    const struct wr_stream_sink *stream = stream_of(sink);
    size_t left = wr_gather_len(&stream->gather);
    if (stream->unread > 0) {
        return wr_print_text(text, cap, "its reader has not read the last %llu of %llu bytes yet",
                             (unsigned long long)stream->unread,
                             (unsigned long long)stream->writer.written);
    }
    if (left == 0 && !stream->writer.waits) {
        return 0;
    }
    int64_t s = stream->writer.waits
                    ? (wr_now_ns(sink->loop) - stream->waited_ns) / INT64_C(1000000000)
                    : 0;
    struct wr_print why;
    wr_print_to(&why, text, cap);
    if (s > 0) {
        wr_printf(&why, "its reader has accepted no bytes for %lld s", (long long)s);
    } else {
        wr_printf(&why, "its reader takes no more");
    }
    wr_printf(&why, " (%llu bytes written, %zu waiting)",
              (unsigned long long)stream->writer.written, left);
    return why.len;
}

void *wr_stream_sink_alloc(struct weir_scope *scope, size_t size, const struct wr_sink_ops *ops,
                           const char *name)
{
    struct wr_stream_sink *stream = wr_sink_alloc(scope, size, ops, name);
    if (stream != NULL) {
        stream->gather.sink = &stream->sink;
        stream->gather.out = wr_stream_out;
        stream->stall_ms = -1;
        wr_writer_init(&stream->writer, &writer_ops, scope, &stream->sink.object,
                       "the sink's reader");
    }
    return stream;
}
