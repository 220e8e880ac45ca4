/*
 * loop_writer.h - writing to a transport without blocking: what sinks and the server's replies have
 * in common. Internal.
 *
 * The owner keeps the bytes, and says which come next (pending). It calls wr_writer_flush before
 * the loop polls. What the transport does not take then is written by a task of the writer, as the
 * far end takes it. So the last bytes of a burst are sent even if the owner's task waits for hours.
 *
 *     owner's task --put--> owner's buffer --pending--> wr_writer_flush --> transport
 *                                                    `-> writer's task  --> transport
 *
 * Only one of the two uses the transport at a time. While the writer's task runs, a flush does
 * nothing, and the owner's task waits for it. A failure of the transport is sticky. If no task of
 * the owner waits when it happens, `gone` reports it.
 */
#ifndef WR_LOOP_WRITER_H
#define WR_LOOP_WRITER_H

#include "loop_transport.h"

struct wr_writer;

struct wr_writer_ops {
    /* The bytes to write next; iov_len 0: none. */
    struct iovec (*pending)(struct wr_writer *writer);
    /* Of these, or (direct) of wr_writer_write's, so many are written. */
    void (*wrote)(struct wr_writer *writer, size_t bytes, bool direct);
    /* The transport takes no more: wait until it does. The owner sets the limit. 0, or a code. */
    int (*wait)(struct wr_writer *writer);
    /* A write has failed with `code`; writer->transport has the details. May be NULL. */
    void (*failed)(struct wr_writer *writer, int code);
    /* Call wr_writer_flush before the loop polls: the writer's task has ended, or there was no
     * memory for it. */
    void (*enrol)(struct wr_writer *writer);
    /* The writer's task has failed, and no task of the owner waits. */
    void (*gone)(struct wr_writer *writer);
};

struct wr_writer {
    const struct wr_writer_ops *ops;
    struct weir_loop *loop;
    struct wr_transport *transport; /* set before the first flush or write */
    struct weir_scope *scope;       /* of the writer's task */
    struct wr_object *of;           /* what the tasks wait in */
    const char *why;                /* what the far end has to do, for messages */
    uint64_t written;               /* bytes */
    int failure;                    /* sticky; 0: none */
    bool waits;                     /* a task waits for the transport */
    bool closing;
    struct wr_task *task;  /* writes what is pending; NULL: none */
    struct wr_timer again; /* enrol, when there was no memory for the task */
};

void wr_writer_init(struct wr_writer *writer, const struct wr_writer_ops *ops,
                    struct weir_scope *scope, struct wr_object *of, const char *why);
/* Write what is pending, without waiting. 0: all; 1: some is left; negative: the failure. When some
 * is left and no task of the loop runs, the writer's task begins. */
int wr_writer_flush(struct wr_writer *writer);
/* Begin the writer's task, which waits for the transport, though nothing may be pending: the
 * transport has something to do of its own. */
void wr_writer_start(struct wr_writer *writer);
/* Wait for the transport, or for the writer's task if it runs. 0: flush or write again. Suspends. */
int wr_writer_wait(struct wr_writer *writer);
/* Wait until the writer's task has ended. 0, or a code: the wait or the writer has failed. */
int wr_writer_idle(struct wr_writer *writer);
/* Write all parts, in order; the parts are changed. The pending bytes must be empty or among these.
 * Suspends. 0, or a code. */
int wr_writer_write(struct wr_writer *writer, struct iovec *iov, int count);
/* End the writer's task. Suspends until it has ended. The transport remains the owner's, and the
 * writer may be used again. */
void wr_writer_close(struct wr_writer *writer);

/* Skip `bytes` of a vector; returns how many of its parts are completely done. */
int wr_iov_skip(struct iovec *iov, int count, size_t bytes);

#endif
