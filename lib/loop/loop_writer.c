/*
 * loop_writer.c - a writer's flush, its task, and waiting for it.
 *
 * Callers are the owner's task (flush, write, wait), the hook before the poll (flush, on the
 * scheduler's stack), and the writer's own task. Between two suspensions of wr_writer_write only
 * that call uses the transport: the owner does not flush meanwhile. Between two suspensions of the
 * writer's task the owner may add bytes, and may close the writer.
 */
#include "loop_writer.h"

#include "loop_scope.h"

enum { AGAIN_MS = 20 };

int wr_iov_skip(struct iovec *iov, int count, size_t bytes)
{
    int done = 0;
    while (done < count && bytes >= iov[done].iov_len) {
        bytes -= iov[done++].iov_len;
    }
    if (done < count) {
        iov[done].iov_base = (char *)iov[done].iov_base + bytes;
        iov[done].iov_len -= bytes;
    }
    return done;
}

static void on_again(struct wr_timer *timer)
{
    struct wr_writer *writer = WR_OWNER(timer, struct wr_writer, again);
    writer->ops->enrol(writer);
}

void wr_writer_init(struct wr_writer *writer, const struct wr_writer_ops *ops,
                    struct weir_scope *scope, struct wr_object *of, const char *why)
{
    *writer =
        (struct wr_writer){.ops = ops, .loop = scope->loop, .scope = scope, .of = of, .why = why};
    wr_timer_init(&writer->again, on_again);
}

/* One try: the bytes written, WR_AGAIN, or the failure. */
static int64_t write_some(struct wr_writer *writer, const struct iovec *iov, int count, bool direct)
{
    int64_t n = writer->transport->ops->write(writer->transport, iov, count);
    if (n >= 0) {
        writer->written += (uint64_t)n;
        writer->ops->wrote(writer, (size_t)n, direct);
    } else if (n != WR_AGAIN) {
        writer->failure = (int)n;
        if (writer->ops->failed != NULL) {
            writer->ops->failed(writer, (int)n);
        }
    }
    return n;
}

/* 0: all is written; 1: some is left; negative: the failure. */
static int write_pending(struct wr_writer *writer)
{
    while (writer->failure == 0) {
        struct iovec piece = writer->ops->pending(writer);
        if (piece.iov_len == 0) {
            return 0;
        }
        if (write_some(writer, &piece, 1, false) == WR_AGAIN) {
            return 1;
        }
    }
    return writer->failure;
}

static int wait_for_transport(struct wr_writer *writer)
{
    writer->waits = true;
    int rc = writer->ops->wait(writer);
    writer->waits = false;
    if (rc < 0 && rc != WEIR_ECANCELED && writer->failure == 0) {
        writer->failure = rc;
    }
    return rc;
}

static void writer_main(struct wr_task *task, void *arg)
{
    struct wr_writer *writer = arg;
    int rc = 1;
    (void)task;
    while (rc > 0 && !writer->closing) {
        rc = wait_for_transport(writer);
        if (rc == 0 && !writer->closing) {
            rc = write_pending(writer);
            wr_object_wake(writer->of); /* there may be room again */
        }
    }
    bool waited = wr_object_waiter(writer->of) != NULL;
    writer->task = NULL;
    if (waited) {
        wr_object_wake(writer->of);
    }
    if (writer->closing) {
        return;
    }
    if (rc == 0) {
        writer->ops->enrol(writer);
    } else if (!waited) {
        writer->ops->gone(writer);
    }
}

static void begin_task(struct wr_writer *writer)
{
    writer->task = wr_task_hidden(writer->scope, "writer", writer_main, writer);
    if (writer->task == NULL) {
        wr_timer_start(writer->loop, &writer->again, AGAIN_MS);
    }
}

int wr_writer_flush(struct wr_writer *writer)
{
    if (writer->task != NULL || writer->waits) {
        return 1;
    }
    int rc = write_pending(writer);
    if (rc > 0 && writer->loop->running == NULL) {
        begin_task(writer);
    }
    return rc;
}

void wr_writer_start(struct wr_writer *writer)
{
    if (writer->task == NULL && !writer->waits && !writer->closing) {
        begin_task(writer);
    }
}

int wr_writer_wait(struct wr_writer *writer)
{
    if (writer->task == NULL) {
        return wait_for_transport(writer);
    }
    int rc = wr_wait(writer->loop, writer->why, writer->of);
    return rc < 0 ? rc : writer->failure;
}

int wr_writer_idle(struct wr_writer *writer)
{
    int rc = writer->failure;
    while (rc == 0 && writer->task != NULL) {
        rc = wr_writer_wait(writer);
    }
    return rc;
}

int wr_writer_write(struct wr_writer *writer, struct iovec *iov, int count)
{
    int64_t rc = wr_writer_idle(writer);
    while (rc >= 0 && count > 0) {
        rc = write_some(writer, iov, count, true);
        if (rc == WR_AGAIN) {
            rc = wait_for_transport(writer);
        } else if (rc > 0) {
            int done = wr_iov_skip(iov, count, (size_t)rc);
            iov += done;
            count -= done;
        }
    }
    return rc < 0 ? (int)rc : 0;
}

void wr_writer_close(struct wr_writer *writer)
{
    writer->closing = true;
    wr_timer_stop(writer->loop, &writer->again);
    while (writer->task != NULL) {
        (void)wr_object_abort(writer->of, WEIR_ECLOSED);
        (void)wr_park(writer->loop, "its writer to end", writer->of);
    }
    writer->closing = false;
}
