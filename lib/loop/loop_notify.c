/*
 * loop_notify.c - inotify, read by the task that waits for it.
 *
 * libuv has a watcher of its own on inotify, which reports neither lost events nor the end of a
 * watch. Here the descriptor is an ordinary one (loop_fd.h): the task waits for it and reads the
 * reports itself. The kernel merges a report that equals the last one in its queue, so a file that
 * is written without a pause makes few of them. A read takes what is there, at most READS buffers;
 * what remains comes at the next one. Only wr_notify_wait suspends. It is a wait for time that a
 * report ends early: a virtual clock does not stand still for it.
 */
#include "loop_notify.h"

#include <errno.h>
#include <limits.h>
#include <sys/inotify.h>

#include "base_alloc.h"
#include "base_call.h"
#include "loop_fd.h"

enum { READS = 16, BUFFER_BYTES = 4096 };
_Static_assert(BUFFER_BYTES >= sizeof(struct inotify_event) + NAME_MAX + 1, "room for one report");

static const uint32_t NAMES =
    IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_ATTRIB | IN_DELETE_SELF | IN_MOVE_SELF;

struct wr_notify {
    struct weir_loop *loop;
    struct wr_fd *fd;
    struct wr_task *waiter; /* NULL: none */
    bool came;
    _Alignas(struct inotify_event) char buffer[BUFFER_BYTES];
};

struct wr_notify *wr_notify_new(struct weir_loop *loop, int *why, int *detail)
{
    struct wr_notify *notify = wr_zalloc(sizeof *notify);
    int number;
    *why = WEIR_ENOMEM;
    *detail = 0;
    if (notify == NULL) {
        return NULL;
    }
    WR_CALL(number, "inotify_init1", EMFILE, inotify_init1(IN_NONBLOCK | IN_CLOEXEC));
    if (number < 0) {
        *why = WEIR_EIO;
        *detail = errno;
        wr_free(notify);
        return NULL;
    }
    notify->loop = loop;
    notify->fd = wr_fd_new(loop, number, WR_FD_OWN, why, detail);
    if (notify->fd == NULL) {
        wr_free(notify);
        return NULL;
    }
    return notify;
}

void wr_notify_free(struct wr_notify *notify)
{
    if (notify != NULL) {
        wr_fd_free(notify->fd);
        wr_free(notify);
    }
}

int wr_notify_watch(struct wr_notify *notify, const char *folder)
{
    int rc;
    WR_CALL(rc, "inotify_add_watch", ENOSPC,
            inotify_add_watch(wr_fd_number(notify->fd), folder, IN_MODIFY | IN_ONLYDIR | NAMES));
    return rc < 0 ? errno : 0;
}

static enum wr_notify_what what_of(const struct inotify_event *event)
{
    bool lost = (event->mask &
                 (IN_Q_OVERFLOW | IN_IGNORED | IN_UNMOUNT | IN_DELETE_SELF | IN_MOVE_SELF)) != 0;
    return lost ? WR_NOTIFY_LOST : (event->mask & NAMES) != 0 ? WR_NOTIFY_NAMES : WR_NOTIFY_BYTES;
}

void wr_notify_read(struct wr_notify *notify, wr_notify_fn *fn, void *ctx)
{
    for (int i = 0; i < READS; i++) {
        ssize_t n;
        WR_CALL(n, "read", EAGAIN, read(wr_fd_number(notify->fd), notify->buffer, BUFFER_BYTES));
        for (ssize_t at = 0; at < n;) {
            const struct inotify_event *event = (const void *)(notify->buffer + at);
            fn(ctx, what_of(event), event->len > 0 ? event->name : "");
            at += (ssize_t)(sizeof *event + event->len);
        }
        if (n <= 0) {
            return;
        }
    }
}

static void came(void *ctx)
{
    struct wr_notify *notify = ctx;
    notify->came = true;
    wr_fd_watch_input(notify->fd, NULL, NULL);
    wr_wake(notify->waiter, 0);
}

int wr_notify_wait(struct wr_notify *notify, int64_t limit_ms, const char *why,
                   struct wr_object *of)
{
    struct wr_limit limit;
    int rc = 0;
    wr_limit_start(notify->loop, &limit, limit_ms);
    notify->waiter = limit.task;
    notify->came = false;
    wr_fd_watch_input(notify->fd, came, notify);
    while (!notify->came && rc == 0) {
        rc = wr_wait_limited(&limit, why, of);
    }
    wr_fd_watch_input(notify->fd, NULL, NULL);
    wr_limit_stop(&limit);
    return rc;
}
