/*
 * loop_fd.c - descriptors on uv_poll.
 *
 * States of the watcher: off; on, and a task waits; on, fired, and no task waits (in
 * loop->idle_fds, stopped before the next poll). uv_poll sets O_NONBLOCK on its descriptor, and
 * descriptors 0 and 1 are shared with the shell. So a borrowed descriptor is put into a separate
 * epoll set, and the set is watched. libuv turns POLLERR into EBADF and stops the watcher by
 * itself. The waiter is woken anyway, and its system call reports the real error. The uv_poll_t
 * lives until its close callback, longer than the user of the struct.
 */
#include "loop_fd.h"

#include <errno.h>
#include <poll.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base_alloc.h"
#include "base_fault.h"

struct wr_fd {
    uv_poll_t poll;
    struct weir_loop *loop;
    int fd, epoll; /* epoll: -1 for an owned descriptor */
    int watched;   /* events that the watcher is on for */
    bool own;
    bool readable, writable; /* fired since the wait began */
    bool broken_only;        /* gone() does not report a far end that has ended its half */
    struct wr_task *reader, *writer;
    struct wr_list idle_link;
    void (*gone)(void *ctx);
    void *gone_ctx;
    void (*came)(void *ctx);
    void *came_ctx;
};

static int uv_events(const struct wr_fd *fd)
{
    return (fd->reader != NULL || fd->came != NULL ? UV_READABLE : 0) |
           (fd->writer != NULL ? UV_WRITABLE : 0) |
           (fd->gone == NULL  ? 0
            : fd->broken_only ? UV_PRIORITIZED /* errors are reported for any requested event */
                              : UV_DISCONNECT);
}

static void on_poll(uv_poll_t *poll, int status, int events);

static void watch(struct wr_fd *fd)
{
    int events = uv_events(fd);
    if ((fd->watched & events) == events && fd->watched != 0) {
        return;
    }
    if (fd->epoll >= 0) {
        /* EPOLLHUP and EPOLLERR are always reported, and are all that a hangup needs here. */
        struct epoll_event event = {.events = ((events & UV_READABLE) ? EPOLLIN : 0u) |
                                              ((events & UV_WRITABLE) ? EPOLLOUT : 0u)};
        epoll_ctl(fd->epoll, EPOLL_CTL_MOD, fd->fd, &event);
    }
    fd->watched = events;
    uv_poll_start(&fd->poll, fd->epoll >= 0 ? UV_READABLE : events, on_poll);
}

static void unwatch(struct wr_fd *fd)
{
    if (fd->watched != 0) {
        uv_poll_stop(&fd->poll);
        fd->watched = 0;
    }
}

/* Urgent data also wakes a watch for errors, and is not used here. */
static bool is_gone(const struct wr_fd *fd)
{
    struct pollfd asked = {.fd = fd->fd};
    return !fd->broken_only ||
           (poll(&asked, 1, 0) > 0 && (asked.revents & (POLLERR | POLLHUP)) != 0);
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
    struct wr_fd *fd = poll->data;
    if (status < 0) {
        fd->watched = 0; /* libuv has stopped it */
        events = UV_READABLE | UV_WRITABLE | UV_DISCONNECT;
    } else if (fd->epoll >= 0) {
        struct epoll_event event = {0};
        if (epoll_wait(fd->epoll, &event, 1, 0) <= 0) {
            return;
        }
        bool hup = (event.events & (EPOLLHUP | EPOLLERR)) != 0;
        events = ((event.events & EPOLLIN) || hup ? UV_READABLE : 0) |
                 ((event.events & EPOLLOUT) || hup ? UV_WRITABLE : 0) | (hup ? UV_DISCONNECT : 0);
    }
    if ((events & (UV_READABLE | UV_DISCONNECT)) && fd->reader != NULL) {
        fd->readable = true;
        wr_wake(fd->reader, 0);
    }
    if ((events & (UV_READABLE | UV_DISCONNECT)) && fd->came != NULL) {
        fd->came(fd->came_ctx);
    }
    if ((events & (UV_WRITABLE | UV_DISCONNECT)) && fd->writer != NULL) {
        fd->writable = true;
        wr_wake(fd->writer, 0);
    }
    if ((events & (UV_DISCONNECT | UV_PRIORITIZED)) && fd->gone != NULL && is_gone(fd)) {
        void (*gone)(void *ctx) = fd->gone;
        fd->gone = NULL;
        gone(fd->gone_ctx);
    }
    /* It has fired: it is stopped before the next poll, unless a task waits for it again by
     * then. */
    if (fd->watched != 0 && wr_list_empty(&fd->idle_link)) {
        wr_list_append(&fd->loop->idle_fds, &fd->idle_link);
    }
}

void wr_fd_stop_idle(struct weir_loop *loop)
{
    for (struct wr_list *node; (node = wr_list_take(&loop->idle_fds)) != NULL;) {
        struct wr_fd *fd = WR_OWNER(node, struct wr_fd, idle_link);
        int wanted = uv_events(fd);
        if (wanted == 0) {
            unwatch(fd);
        } else if (wanted != fd->watched) {
            fd->watched = 0;
            watch(fd);
        }
    }
}

static void on_closed(uv_handle_t *handle)
{
    wr_free(handle->data);
}

struct wr_fd *wr_fd_new(struct weir_loop *loop, int number, enum wr_fd_ownership ownership,
                        int *why, int *detail)
{
    struct wr_fd *fd = wr_zalloc(sizeof *fd);
    *why = WEIR_ENOMEM;
    *detail = 0;
    if (fd == NULL) {
        if (ownership == WR_FD_OWN) {
            close(number);
        }
        return NULL;
    }
    fd->loop = loop;
    fd->fd = number;
    fd->own = ownership == WR_FD_OWN;
    fd->epoll = -1;
    wr_list_init(&fd->idle_link);
    int watched = number;
    *why = WEIR_EIO;
    if (!fd->own) {
        struct epoll_event event = {.events = 0};
        fd->epoll = wr_fault("epoll_create1") ? (errno = EMFILE, -1) : epoll_create1(EPOLL_CLOEXEC);
        if (fd->epoll < 0 || epoll_ctl(fd->epoll, EPOLL_CTL_ADD, number, &event) < 0) {
            *detail = errno;
            if (fd->epoll >= 0) {
                close(fd->epoll);
            }
            wr_free(fd);
            return NULL;
        }
        watched = fd->epoll;
    }
    int rc = wr_fault("uv_poll_init") ? UV_ENOMEM : uv_poll_init(loop->uv, &fd->poll, watched);
    if (rc < 0) {
        *detail = -rc;
        if (fd->own || fd->epoll >= 0) {
            close(watched);
        }
        wr_free(fd);
        return NULL;
    }
    fd->poll.data = fd;
    return fd;
}

void wr_fd_free(struct wr_fd *fd)
{
    if (fd == NULL) {
        return;
    }
    WR_ASSERT(fd->reader == NULL && fd->writer == NULL,
              "a descriptor is closed while a task waits for it");
    wr_list_remove(&fd->idle_link);
    /* Close the handle before its descriptor. uv_close removes the number from libuv's epoll set.
     * If the descriptor were closed first, this would abort the process, or remove a descriptor
     * that another thread has opened with the same number. */
    uv_close((uv_handle_t *)&fd->poll, on_closed);
    if (fd->own) {
        close(fd->fd);
    }
    if (fd->epoll >= 0) {
        close(fd->epoll);
    }
}

int wr_fd_number(const struct wr_fd *fd)
{
    return fd->fd;
}

int wr_fd_wait(struct wr_fd *fd, int events, int64_t limit_ms, const char *why,
               struct wr_object *of)
{
    struct weir_loop *loop = fd->loop;
    bool reads = (events & WR_READABLE) != 0;
    struct wr_task **waiter = reads ? &fd->reader : &fd->writer;
    bool *ready = reads ? &fd->readable : &fd->writable;
    struct wr_limit limit;
    int rc = 0;
    WR_ASSERT(*waiter == NULL, "two tasks wait for the same direction of one descriptor");
    *waiter = wr_task_now(loop, why);
    *ready = false;
    watch(fd);
    wr_limit_start(loop, &limit, limit_ms);
    loop->fds_waited++;
    while (!*ready && rc == 0) {
        rc = wr_wait_limited(&limit, why, of);
    }
    loop->fds_waited--;
    wr_limit_stop(&limit);
    *waiter = NULL;
    /* Level-triggered: a watcher that is left on without a waiter would fire in each poll. */
    if (wr_list_empty(&fd->idle_link) && fd->watched != 0) {
        wr_list_append(&loop->idle_fds, &fd->idle_link);
    }
    return rc;
}

/* A watch was switched on or off. */
static void watch_changed(struct wr_fd *fd, bool on)
{
    if (on) {
        watch(fd);
    } else if (fd->watched != 0 && wr_list_empty(&fd->idle_link)) {
        wr_list_append(&fd->loop->idle_fds, &fd->idle_link);
    }
}

static void watch_gone(struct wr_fd *fd, void (*gone)(void *ctx), void *ctx)
{
    fd->gone = gone;
    fd->gone_ctx = ctx;
    watch_changed(fd, gone != NULL);
}

void wr_fd_watch_input(struct wr_fd *fd, void (*came)(void *ctx), void *ctx)
{
    fd->came = came;
    fd->came_ctx = ctx;
    watch_changed(fd, came != NULL);
}

void wr_fd_watch_hangup(struct wr_fd *fd, void (*gone)(void *ctx), void *ctx)
{
    fd->broken_only = false;
    watch_gone(fd, gone, ctx);
}

void wr_fd_watch_broken(struct wr_fd *fd, void (*gone)(void *ctx), void *ctx)
{
    fd->broken_only = true;
    watch_gone(fd, gone, ctx);
}
