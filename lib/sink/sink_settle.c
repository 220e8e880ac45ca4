/*
 * sink_settle.c - settles the items of a stream when its reader has read them.
 *
 * Without a state, written items are delivered. With a state this is not enough: bytes that are in
 * a pipe or a socket when this process or the reader dies are lost, and the next run would skip
 * their items. So an item settles when its last byte has left the kernel's buffer: the reader has
 * the bytes written minus the unread ones. This is checked before each save, when the list of marks
 * is full, and at the end. At the end the sink waits for its reader; a commit never waits. A check
 * counts only if the far end is still there after it, because a discarded buffer looks empty. If
 * the kernel does not know the number (a terminal, a device), or nothing is saved, written items
 * settle.
 *
 * wr_stream_drain suspends. sample does not; it may be called anywhere on the loop's thread.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "flow_state.h"
#include "loop_file.h"
#include "sink_stream.h"

enum { LOOK_MS = 20, DRAIN_MS = 10000 };

static struct wr_stream_sink *stream_of(const struct weir_sink *sink)
{
    return WR_OWNER((uintptr_t)sink, struct wr_stream_sink, sink);
}

/* ---- what is promised */

int wr_stream_promise(enum wr_stream_far far, const char **why)
{
    *why = far == WR_FAR_LOCAL     ? "up to what the reader had read"
           : far == WR_FAR_ANSWERS ? "up to what the server had read, by its answers to pings"
           : far == WR_FAR_REMOTE  ? "data acknowledged by the peer's kernel is lost with the peer"
                                   : "items that were written but not saved before a crash "
                                     "are written again";
    return far == WR_FAR_REMOTE ? WEIR_BEST_EFFORT : WEIR_AT_LEAST_ONCE;
}

enum wr_stream_far wr_stream_far_of(const struct weir_loop *loop, int fd)
{
    struct stat info;
    int domain = AF_UNIX;
    socklen_t len = sizeof domain;
    if (loop->disk->stat(fd, &info) < 0 || (!S_ISFIFO(info.st_mode) && !S_ISSOCK(info.st_mode))) {
        return WR_FAR_KNOWS_NOTHING;
    }
    bool remote = S_ISSOCK(info.st_mode) &&
                  (getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &len) < 0 || domain != AF_UNIX);
    return remote ? WR_FAR_REMOTE : WR_FAR_LOCAL;
}

/* ---- settling */

/* Is the number of unread bytes known, and is it needed? */
static bool counts(const struct wr_stream_sink *stream)
{
    return stream->transport != NULL && stream->transport->ops->unread != NULL &&
           weir_state_saves(stream->kept->state);
}

static bool hung_up(const struct wr_stream_sink *stream)
{
    const struct wr_transport_ops *ops = stream->transport->ops;
    return ops->hung_up != NULL && ops->hung_up(stream->transport);
}

static bool sample(void *ctx)
{
    struct wr_stream_sink *stream = ctx;
    uint64_t taken = stream->writer.written;
    if (stream->marks.count == 0 || stream->transport == NULL) {
        return false;
    }
    if (counts(stream)) {
        int64_t unread = stream->transport->ops->unread(stream->transport);
        if (unread < 0 || hung_up(stream)) {
            return false; /* and no later check counts */
        }
        taken -= WR_MIN((uint64_t)unread, taken);
    }
    wr_marks_settle(&stream->marks, taken);
    return stream->marks.count > 0;
}

static int unread(void *ctx, struct wr_runs *to)
{
    const struct wr_stream_sink *stream = ctx;
    return wr_marks_list(&stream->marks, to);
}

static int mark(struct weir_sink *sink, const weir_item *item)
{
    struct wr_stream_sink *stream = stream_of(sink);
    if (wr_marks_full(&stream->marks)) {
        (void)sample(stream);
    }
    if (wr_marks_add(&stream->marks, item,
                     stream->writer.written + wr_gather_held(&stream->gather)) < 0) {
        return wr_sink_set_error(sink, WEIR_ENOMEM, 0, "no memory for receipts");
    }
    sink->held_of_put++;
    return 0;
}

void wr_stream_settles(struct wr_stream_sink *stream, struct wr_state_sink *kept)
{
    stream->kept = kept;
    stream->gather.mark = mark;
    wr_sink_hold_items(&stream->sink);
    wr_state_sink_samples(kept, sample, unread, stream);
}

void wr_stream_begun(struct weir_sink *sink)
{
    wr_stream_settles(stream_of(sink), sink->kept);
}

void wr_stream_release(struct weir_sink *sink, enum wr_act act)
{
    struct wr_stream_sink *stream = stream_of(sink);
    wr_marks_let_go(&stream->marks, act);
}

/* ---- the end */

static void not_read(struct wr_stream_sink *stream, const char *what)
{
    wr_sink_set_error(&stream->sink, WEIR_ELOST, 0,
                      "%s; %" PRIu64 " of %" PRIu64
                      " bytes written were not read; the next run sends them again",
                      what, stream->unread, stream->writer.written);
}

/* 0: check again; any other value: stop waiting. */
static int look(struct wr_stream_sink *stream, int64_t drain_ms, int64_t *fell_ns)
{
    char what[64];
    int64_t now = wr_now_ns(stream->sink.loop);
    int64_t unread = stream->transport->ops->unread(stream->transport);
    if (stream->sink.failure != NULL) {
        return -1; /* the watch has seen the reader go */
    }
    if (hung_up(stream)) {
        return wr_stream_gone(stream);
    }
    if (unread <= 0) {
        return 1;
    }
    if ((uint64_t)unread < stream->unread) {
        *fell_ns = now;
    }
    stream->unread = (uint64_t)unread;
    int64_t since_ms = (now - *fell_ns) / 1000000;
    if (drain_ms < 0 || since_ms < drain_ms) {
        return 0;
    }
    snprintf(what, sizeof what, "the reader has read nothing for %" PRId64 ".%" PRId64 " s",
             since_ms / 1000, since_ms % 1000 / 100);
    not_read(stream, what);
    return -1;
}

static void wait_until_read(struct wr_stream_sink *stream)
{
    struct weir_sink *sink = &stream->sink;
    int64_t drain_ms = wr_scope_drain_ms(sink->object.scope), pause_ms = 1;
    int64_t fell_ns = wr_now_ns(sink->loop);
    stream->unread = UINT64_MAX;
    while (look(stream, drain_ms != 0 ? drain_ms : DRAIN_MS, &fell_ns) == 0) {
        struct wr_limit limit;
        wr_limit_start(sink->loop, &limit, pause_ms);
        int rc = wr_wait_limited(&limit, "the sink's reader to read the rest", &sink->object);
        wr_limit_stop(&limit);
        if (rc < 0 && rc != WEIR_ETIMEDOUT) {
            not_read(stream, "stopped waiting for the reader");
            break;
        }
        pause_ms = WR_MIN(pause_ms * 2, (int64_t)LOOK_MS);
    }
}

void wr_stream_drain(struct weir_sink *sink)
{
    struct wr_stream_sink *stream = stream_of(sink);
    if (stream->kept == NULL) {
        return;
    }
    if (counts(stream)) {
        wait_until_read(stream);
    }
    if (sink->failure == NULL) {
        wr_stream_all_read(stream);
    }
}

void wr_stream_all_read(struct wr_stream_sink *stream)
{
    stream->unread = 0;
    wr_marks_settle(&stream->marks, stream->writer.written);
}
