/*
 * loop_fd.h - waiting for a descriptor. Internal.
 *
 * Reads and writes are weir's own non-blocking system calls, made by the task that wants the bytes;
 * libuv only tells when to try again. So nothing is ever read that nobody asked for: not reading is
 * the brake. The watcher is left on after it has fired, and is stopped before the next poll only if
 * nobody waits any more: a stream that is read as fast as it comes costs no epoll_ctl.
 */
#ifndef WR_LOOP_FD_H
#define WR_LOOP_FD_H

#include "loop_wait.h"

enum { WR_READABLE = 1, WR_WRITABLE = 2 };

struct wr_fd;

enum wr_fd_ownership {
    WR_FD_OWN = 0, /* ours: made non-blocking, closed by wr_fd_free */
    WR_FD_BORROW   /* the caller's: its flags are not changed (it is watched through an epoll
                      descriptor of its own) */
};

/* NULL: *why is WEIR_ENOMEM, or WEIR_EIO with errno in *detail (EPERM: a regular file, which is
 * always ready). An owned descriptor is closed on failure, too. */
struct wr_fd *wr_fd_new(struct weir_loop *loop, int number, enum wr_fd_ownership ownership,
                        int *why, int *detail);
/* Stops watching, closes an owned descriptor. Nobody may wait. NULL is allowed. */
void wr_fd_free(struct wr_fd *fd);
int wr_fd_number(const struct wr_fd *fd);
/* Wait until a try may succeed (also when the peer has gone: then the try says so). One reader and
 * one writer at a time. limit_ms < 0: no limit. 0, WEIR_ETIMEDOUT, or as wr_wait. */
int wr_fd_wait(struct wr_fd *fd, int events, int64_t limit_ms, const char *why,
               struct wr_object *of);
/* Call `gone` (on the scheduler's stack, once) when the far end has hung up, without reading: for a
 * sink whose reader leaves while the feed is idle. A descriptor of ours: also when it will send no
 * more. A borrowed one: when it is closed both ways, since a peer that only sends no more may still
 * read; a TCP peer that has closed looks the same until something is sent to it. NULL switches it
 * off. */
void wr_fd_watch_hangup(struct wr_fd *fd, void (*gone)(void *ctx), void *ctx);
/* The same, but only once nothing goes through in either direction: a far end that has ended its
 * half and still reads is not gone. Each replaces the other. */
void wr_fd_watch_broken(struct wr_fd *fd, void (*gone)(void *ctx), void *ctx);
/* Call `came` (on the scheduler's stack) each time a read may succeed, until it is switched off with
 * NULL; it must read, or switch it off. A descriptor of ours, of which nobody waits to read. */
void wr_fd_watch_input(struct wr_fd *fd, void (*came)(void *ctx), void *ctx);

#endif
