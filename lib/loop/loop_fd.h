/*
 * loop_fd.h - waiting for a descriptor. Internal.
 *
 * Reads and writes are weir's own non-blocking system calls, made by the task that wants the bytes.
 * libuv only reports when to try again. So nothing is read before a task asks for it: not reading
 * is the backpressure. The watcher stays on after it has fired. It is stopped before the next poll
 * only if no task waits any more, so a stream that is read as fast as it comes costs no epoll_ctl.
 */
#ifndef WR_LOOP_FD_H
#define WR_LOOP_FD_H

#include "loop_wait.h"

enum { WR_READABLE = 1, WR_WRITABLE = 2 };

struct wr_fd;

enum wr_fd_ownership {
    WR_FD_OWN = 0, /* ours: made non-blocking, closed by wr_fd_free */
    WR_FD_BORROW   /* the caller's: its flags are not changed (it is watched through a
                      separate epoll descriptor) */
};

/* NULL: *why is WEIR_ENOMEM, or WEIR_EIO with errno in *detail (EPERM: a regular file, which is
 * always ready). An owned descriptor is closed on failure, too. */
struct wr_fd *wr_fd_new(struct weir_loop *loop, int number, enum wr_fd_ownership ownership,
                        int *why, int *detail);
/* Stops watching, closes an owned descriptor. No task may wait. NULL is allowed. */
void wr_fd_free(struct wr_fd *fd);
int wr_fd_number(const struct wr_fd *fd);
/* Wait until a try may succeed. The wait also ends when the peer has gone: then the try
 * reports that. One reader and one writer at a time. limit_ms < 0: no limit. 0,
 * WEIR_ETIMEDOUT, or as wr_wait. */
int wr_fd_wait(struct wr_fd *fd, int events, int64_t limit_ms, const char *why,
               struct wr_object *of);
/* Call `gone` (on the scheduler's stack, once) when the far end has hung up, without reading: for a
 * sink whose reader leaves while the feed is idle. For an owned descriptor: also when the far end
 * will send no more. For a borrowed one: only when it is closed in both directions, because a peer
 * that sends no more may still read; a TCP peer that has closed looks the same until something is
 * sent to it. NULL switches it off. */
void wr_fd_watch_hangup(struct wr_fd *fd, void (*gone)(void *ctx), void *ctx);
/* The same, but only when neither direction works any more: a far end that has ended its half and
 * still reads is not gone. Each of the two watches replaces the other. */
void wr_fd_watch_broken(struct wr_fd *fd, void (*gone)(void *ctx), void *ctx);
/* Call `came` (on the scheduler's stack) each time a read may succeed, until it is switched off
 * with NULL. `came` must read, or switch it off. Only for an owned descriptor from which no task
 * waits to read. */
void wr_fd_watch_input(struct wr_fd *fd, void (*came)(void *ctx), void *ctx);

#endif
