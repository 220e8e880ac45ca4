/*
 * loop_foreign.c - the epoll set of descriptors that belong to other libraries.
 *
 * An entry is armed for the events of all its watchers (EPOLLONESHOT). The kernel disarms it when
 * it fires, so a descriptor that no watcher waits for any more costs nothing and may be closed.
 * Fired entries are put on a list under libuv's callback. The loop's deferred work reports them,
 * because functions of the program may run there; then they are armed again for the remaining
 * watchers. The kernel forgets a descriptor when it is closed, and may know another one by the same
 * number. So each call also accepts the other case: to arm is MOD, else ADD; to disarm is DEL,
 * which may find no entry.
 */
#include "loop_foreign.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <weir/wait.h>

#include "base_alloc.h"
#include "base_fault.h"
#include "loop_service.h"

enum { EVENTS_MAX = 64 };

struct foreign_fd {
    struct wr_foreign *set;
    int fd;
    uint32_t armed; /* EPOLL bits; 0: not armed, or fired */
    uint32_t fired; /* not reported yet */
    bool known;     /* to the kernel, unless it was closed since */
    struct wr_list watchers;
    struct wr_list ready_link;
};

struct wr_foreign {
    struct wr_service service;
    struct weir_loop *loop;
    int epoll;
    uv_poll_t poll;          /* of the set */
    struct foreign_fd **fds; /* by number */
    size_t fds_count;
    struct wr_list ready;
    struct wr_deferred work;
};

/* ---- the kernel's side */

static int control(const struct foreign_fd *entry, int operation, uint32_t events)
{
    struct epoll_event event = {.events = events | EPOLLONESHOT, .data.fd = entry->fd};
    if (wr_fault("epoll_ctl")) {
        return -ENOMEM;
    }
    return epoll_ctl(entry->set->epoll, operation, entry->fd, &event) < 0 ? -errno : 0;
}

/* 0 or a negative errno. */
static int arm(struct foreign_fd *entry)
{
    uint32_t wanted = 0;
    for (struct wr_list *node = entry->watchers.next; node != &entry->watchers; node = node->next) {
        int events = WR_OWNER(node, struct wr_watcher, link)->events;
        wanted |=
            ((events & WEIR_READABLE) ? EPOLLIN : 0u) | ((events & WEIR_WRITABLE) ? EPOLLOUT : 0u);
    }
    if (wanted == entry->armed) {
        return 0;
    }
    int rc = 0;
    if (wanted == 0) {
        (void)control(entry, EPOLL_CTL_DEL, 0);
        entry->known = false;
    } else {
        rc = control(entry, entry->known ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, wanted);
        if (rc == -ENOENT || rc == -EEXIST) {
            rc = control(entry, rc == -ENOENT ? EPOLL_CTL_ADD : EPOLL_CTL_MOD, wanted);
        }
        entry->known = rc == 0;
    }
    entry->armed = rc == 0 ? wanted : 0;
    return rc;
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
    struct wr_foreign *set = poll->data;
    struct epoll_event fired[EVENTS_MAX];
    (void)status;
    (void)events;
    int count = epoll_wait(set->epoll, fired, EVENTS_MAX, 0);
    for (int i = 0; i < count; i++) {
        struct foreign_fd *entry = set->fds[fired[i].data.fd];
        entry->armed = 0;
        entry->fired |= fired[i].events;
        if (wr_list_empty(&entry->ready_link)) {
            wr_list_append(&set->ready, &entry->ready_link);
        }
    }
    wr_defer(set->loop, &set->work);
}

/* ---- reporting */

static void tell(struct foreign_fd *entry)
{
    uint32_t fired = entry->fired;
    int ready = ((fired & EPOLLIN) ? WEIR_READABLE : 0) | ((fired & EPOLLOUT) ? WEIR_WRITABLE : 0);
    struct wr_list pending;
    entry->fired = 0;
    if ((fired & (EPOLLHUP | EPOLLERR)) != 0) {
        ready = WEIR_READABLE | WEIR_WRITABLE;
    }
    wr_list_init(&pending);
    for (struct wr_list *node; (node = wr_list_take(&entry->watchers)) != NULL;) {
        wr_list_append(&pending, node);
    }
    for (struct wr_list *node; (node = wr_list_take(&pending)) != NULL;) {
        struct wr_watcher *watcher = WR_OWNER(node, struct wr_watcher, link);
        wr_list_append(&entry->watchers, node);
        if ((watcher->events & ready) != 0) {
            watcher->fire(watcher, watcher->events & ready);
        }
    }
    (void)arm(entry); /* failure: it was closed meanwhile, nothing more to report */
}

static void tell_all(struct wr_deferred *work)
{
    struct wr_foreign *set = WR_OWNER(work, struct wr_foreign, work);
    for (struct wr_list *node; (node = wr_list_take(&set->ready)) != NULL;) {
        tell(WR_OWNER(node, struct foreign_fd, ready_link));
    }
}

/* ---- watchers */

static void on_closed(uv_handle_t *handle)
{
    wr_free(handle->data);
}

static void foreign_end(struct weir_loop *loop, struct wr_service *service)
{
    struct wr_foreign *set = WR_OWNER(service, struct wr_foreign, service);
    (void)loop;
    wr_list_remove(&set->work.link);
    uv_close((uv_handle_t *)&set->poll, on_closed);
    close(set->epoll);
    for (size_t i = 0; i < set->fds_count; i++) {
        wr_free(set->fds[i]);
    }
    wr_free(set->fds);
}

static struct wr_foreign *set_there(const struct weir_loop *loop)
{
    struct wr_service *found = wr_service_find(loop, foreign_end);
    return found != NULL ? WR_OWNER(found, struct wr_foreign, service) : NULL;
}

/* NULL: *why is a negative errno. */
static struct wr_foreign *set_of(struct weir_loop *loop, int *why)
{
    struct wr_foreign *set = set_there(loop);
    if (set != NULL) {
        return set;
    }
    set = wr_zalloc(sizeof *set);
    *why = -ENOMEM;
    if (set == NULL) {
        return NULL;
    }
    set->loop = loop;
    wr_list_init(&set->ready);
    wr_deferred_init(&set->work, tell_all);
    set->epoll = wr_fault("epoll_create1") ? (errno = EMFILE, -1) : epoll_create1(EPOLL_CLOEXEC);
    if (set->epoll < 0) {
        *why = -errno;
        wr_free(set);
        return NULL;
    }
    int rc = wr_fault("uv_poll_init") ? UV_ENOMEM : uv_poll_init(loop->uv, &set->poll, set->epoll);
    if (rc < 0) {
        *why = rc;
        close(set->epoll);
        wr_free(set);
        return NULL;
    }
    set->poll.data = set;
    uv_unref((uv_handle_t *)&set->poll);
    uv_poll_start(&set->poll, UV_READABLE, on_poll);
    set->service.end = foreign_end;
    wr_service_add(loop, &set->service);
    return set;
}

static struct foreign_fd *entry_of(struct wr_foreign *set, int fd)
{
    size_t at = (size_t)fd;
    if (at >= set->fds_count) {
        size_t count = WR_MAX(at + 1, set->fds_count * 2);
        struct foreign_fd **fds = wr_realloc(set->fds, count * sizeof *fds);
        if (fds == NULL) {
            return NULL;
        }
        memset(fds + set->fds_count, 0, (count - set->fds_count) * sizeof *fds);
        set->fds = fds;
        set->fds_count = count;
    }
    if (set->fds[at] == NULL) {
        struct foreign_fd *entry = wr_zalloc(sizeof *entry);
        if (entry == NULL) {
            return NULL;
        }
        entry->set = set;
        entry->fd = fd;
        wr_list_init(&entry->watchers);
        wr_list_init(&entry->ready_link);
        set->fds[at] = entry;
    }
    return set->fds[at];
}

int wr_watcher_on(struct wr_watcher *watcher)
{
    int why = -EBADF;
    wr_list_init(&watcher->link);
    struct wr_foreign *set = watcher->fd >= 0 ? set_of(watcher->loop, &why) : NULL;
    struct foreign_fd *entry = set != NULL ? entry_of(set, watcher->fd) : NULL;
    if (entry == NULL) {
        return set != NULL ? -ENOMEM : why;
    }
    watcher->set = set;
    wr_list_append(&entry->watchers, &watcher->link);
    int rc = arm(entry);
    if (rc < 0) {
        wr_watcher_off(watcher);
    }
    return rc;
}

int wr_watcher_change(struct wr_watcher *watcher)
{
    struct foreign_fd *entry = watcher->set->fds[watcher->fd];
    return entry->fired != 0 ? 0 : arm(entry); /* else it is armed after the report */
}

void wr_watcher_off(struct wr_watcher *watcher)
{
    struct foreign_fd *entry = watcher->set->fds[watcher->fd];
    wr_list_remove(&watcher->link);
    if (entry->armed != 0) {
        (void)arm(entry);
    }
}
