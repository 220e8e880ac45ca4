/*
 * curl_bridge_fds.c - libcurl's descriptors on libuv.
 *
 * They are in a separate epoll set of the bridge, and one uv_poll watches the set. libcurl closes
 * descriptors at any time and does not say which of its removals is the last. With a uv_poll for
 * each descriptor, a later stop or close would remove from libuv's set any new descriptor that has
 * the same number by then. And a closed descriptor in libuv's set aborts the process.
 *
 * States of an entry, one for each descriptor number: unused; wanted and watched (in the set);
 * wanted and muted, because it fires endlessly while a transfer is paused. It is muted until a
 * transfer is unpaused. libcurl may call wr_curl_on_socket at any time, also under
 * curl_multi_remove_handle, so it only touches this table and the set. Fired events are stored and
 * listed for the bridge's deferred work. An error (EPOLLERR) is passed on without event bits, so
 * that libcurl checks the descriptor itself and finds the real error.
 */
#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base_alloc.h"
#include "base_fault.h"
#include "curl_bridge_parts.h"
#include "loop_tcp.h"

enum { EVENTS_MAX = 64 };

static void note(struct curl_fd *entry, uint32_t events)
{
    struct wr_curl *curl = entry->curl;
    if (events & EPOLLHUP) {
        events |= entry->wanted;
    }
    entry->failed |= (events & EPOLLERR) != 0;
    entry->events |=
        ((events & EPOLLIN) ? CURL_CSELECT_IN : 0) | ((events & EPOLLOUT) ? CURL_CSELECT_OUT : 0);
    if (wr_list_empty(&entry->ready_link)) {
        wr_list_append(&curl->ready, &entry->ready_link);
    }
}

/* The set is level-triggered: events that do not fit come again at the next poll. */
static void on_poll(uv_poll_t *poll, int status, int events)
{
    struct wr_curl *curl = poll->data;
    struct epoll_event fired[EVENTS_MAX];
    (void)status;
    (void)events;
    int count = epoll_wait(curl->set, fired, EVENTS_MAX, 0);
    for (int i = 0; i < count; i++) {
        note(curl->fds[fired[i].data.fd], fired[i].events);
    }
    wr_defer(curl->loop, &curl->work);
}

static int watch(struct curl_fd *entry)
{
    struct epoll_event event = {.events = entry->wanted, .data.fd = entry->fd};
    int set = entry->curl->set;
    if (wr_fault("epoll_ctl") ||
        (epoll_ctl(set, EPOLL_CTL_ADD, entry->fd, &event) < 0 &&
         (errno != EEXIST || epoll_ctl(set, EPOLL_CTL_MOD, entry->fd, &event) < 0))) {
        entry->watched = false;
        return -1;
    }
    entry->watched = true;
    return 0;
}

/* If libcurl has closed the descriptor meanwhile, the kernel has already removed it from the set,
 * and the call fails. */
static void stop(struct curl_fd *entry)
{
    if (entry->watched) {
        (void)epoll_ctl(entry->curl->set, EPOLL_CTL_DEL, entry->fd, NULL);
        entry->watched = false;
    }
}

static void unwatch(struct curl_fd *entry)
{
    stop(entry);
    wr_list_remove(&entry->muted_link);
    entry->wanted = 0;
    entry->events = 0;
    entry->failed = false;
    entry->useless = 0;
    wr_list_remove(&entry->ready_link);
}

static struct curl_fd *entry_of(struct wr_curl *curl, int fd)
{
    size_t at = (size_t)fd;
    if (at >= curl->fds_count) {
        size_t count = WR_MAX(at + 1, curl->fds_count * 2);
        struct curl_fd **fds = wr_realloc(curl->fds, count * sizeof *fds);
        if (fds == NULL) {
            return NULL;
        }
        memset(fds + curl->fds_count, 0, (count - curl->fds_count) * sizeof *fds);
        curl->fds = fds;
        curl->fds_count = count;
    }
    if (curl->fds[at] == NULL) {
        struct curl_fd *entry = wr_zalloc(sizeof *entry);
        if (entry == NULL) {
            return NULL;
        }
        entry->curl = curl;
        entry->fd = fd;
        wr_list_init(&entry->ready_link);
        wr_list_init(&entry->muted_link);
        curl->fds[at] = entry;
    }
    return curl->fds[at];
}

int wr_curl_on_socket(CURL *easy, curl_socket_t fd, int what, void *ctx, void *assigned)
{
    struct wr_curl *curl = ctx;
    (void)assigned;
    if (what == CURL_POLL_REMOVE) {
        if ((size_t)fd < curl->fds_count && curl->fds[fd] != NULL) {
            unwatch(curl->fds[fd]);
        }
        return 0;
    }
    struct curl_fd *entry = curl->loop != NULL ? entry_of(curl, fd) : NULL;
    if (entry == NULL) {
        return -1;
    }
    entry->easy = easy;
    uint32_t wanted =
        ((what & CURL_POLL_IN) ? EPOLLIN : 0u) | ((what & CURL_POLL_OUT) ? EPOLLOUT : 0u);
    if (entry->watched && entry->wanted == wanted) {
        return 0;
    }
    entry->wanted = wanted;
    return watch(entry);
}

void wr_curl_fd_served(struct curl_fd *entry)
{
    struct wr_curl *curl = entry->curl;
    if (curl->paused == 0 || entry->progress != curl->progress) {
        entry->useless = 0;
        entry->progress = curl->progress;
    } else if (++entry->useless > WR_CURL_USELESS_MAX && entry->watched) {
        stop(entry);
        wr_list_append(&curl->muted, &entry->muted_link);
    }
}

bool wr_curl_fd_is_vain(struct curl_fd *entry)
{
    uint64_t progress = entry->curl->progress;
    if (entry->vain_progress != progress) {
        entry->vain_progress = progress;
        entry->vain_from = wr_tcp_bytes_read(entry->fd);
        return false;
    }
    return wr_tcp_bytes_read(entry->fd) > entry->vain_from + WR_CURL_VAIN_MAX;
}

int wr_curl_fd_of(const struct wr_curl *curl, const CURL *easy)
{
    for (size_t i = 0; i < curl->fds_count; i++) {
        if (curl->fds[i] != NULL && curl->fds[i]->watched && curl->fds[i]->easy == easy) {
            return curl->fds[i]->fd;
        }
    }
    return -1;
}

int wr_curl_fds_unmute(struct wr_curl *curl)
{
    int rc = 0;
    struct wr_list *node;
    while ((node = wr_list_take(&curl->muted)) != NULL) {
        struct curl_fd *entry = WR_OWNER(node, struct curl_fd, muted_link);
        entry->useless = 0;
        rc = watch(entry) < 0 ? -1 : rc;
    }
    return rc;
}

void wr_curl_fds_unwatch(struct wr_curl *curl)
{
    for (size_t i = 0; i < curl->fds_count; i++) {
        if (curl->fds[i] != NULL) {
            unwatch(curl->fds[i]);
        }
    }
}

int wr_curl_fds_init(struct wr_curl *curl)
{
    curl->set = wr_fault("epoll_create1") ? -1 : epoll_create1(EPOLL_CLOEXEC);
    if (curl->set < 0) {
        return -1;
    }
    if (wr_fault("uv_poll_init") || uv_poll_init(curl->loop->uv, &curl->poll, curl->set) < 0) {
        close(curl->set);
        return -1;
    }
    curl->poll.data = curl;
    uv_unref((uv_handle_t *)&curl->poll);
    uv_poll_start(&curl->poll, UV_READABLE, on_poll);
    return 0;
}

void wr_curl_fds_close(struct wr_curl *curl, uv_close_cb closed)
{
    wr_curl_fds_unwatch(curl);
    uv_close((uv_handle_t *)&curl->poll, closed);
    close(curl->set);
    for (size_t i = 0; i < curl->fds_count; i++) {
        wr_free(curl->fds[i]);
    }
    wr_free(curl->fds);
    curl->fds = NULL;
    curl->fds_count = 0;
}
