/*
 * curl_bridge_fds.c - libcurl's descriptors on libuv.
 *
 * States of an entry, one for each descriptor number: unused; wanted and watched; wanted and
 * stopped by libuv (POLLERR, which is a negative status), until it has been served; wanted and
 * muted, because it fires without end beside a paused transfer, until something is unpaused.
 *
 * wr_curl_on_socket comes from libcurl at any time, also under curl_multi_remove_handle, so it only
 * touches this table. An entry keeps its uv_poll for the life of the bridge: libcurl reuses
 * numbers, and a pause, too, is a stop. It is stopped before libcurl closes the descriptor, since
 * an epoll set with a closed descriptor aborts the process inside libuv. What has fired is noted
 * and listed for the bridge's deferred work.
 */
#include <string.h>

#include "base_alloc.h"
#include "base_fault.h"
#include "curl_bridge_parts.h"

static void on_poll(uv_poll_t *poll, int status, int events)
{
    struct curl_fd *entry = poll->data;
    struct wr_curl *curl = entry->curl;
    if (status < 0) {
        entry->watched = false;
        entry->failed = true;
    }
    entry->events |= ((events & UV_READABLE) ? CURL_CSELECT_IN : 0) |
                     ((events & UV_WRITABLE) ? CURL_CSELECT_OUT : 0);
    if (wr_list_empty(&entry->ready_link)) {
        wr_list_append(&curl->ready, &entry->ready_link);
    }
    wr_defer(curl->loop, &curl->work);
}

static int watch(struct curl_fd *entry)
{
    if (wr_fault("uv_poll_start") || uv_poll_start(&entry->poll, entry->wanted, on_poll) < 0) {
        entry->watched = false;
        return -1;
    }
    entry->watched = true;
    return 0;
}

static void unwatch(struct curl_fd *entry)
{
    uv_poll_stop(&entry->poll);
    entry->watched = false;
    entry->muted = false;
    entry->wanted = 0;
    entry->events = 0;
    entry->failed = false;
    entry->barren = 0;
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
        if (entry == NULL || wr_fault("uv_poll_init") ||
            uv_poll_init(curl->loop->uv, &entry->poll, fd) < 0) {
            wr_free(entry);
            return NULL;
        }
        uv_unref((uv_handle_t *)&entry->poll);
        entry->poll.data = entry;
        entry->curl = curl;
        entry->fd = fd;
        wr_list_init(&entry->ready_link);
        curl->fds[at] = entry;
    }
    return curl->fds[at];
}

int wr_curl_on_socket(CURL *easy, curl_socket_t fd, int what, void *ctx, void *assigned)
{
    struct wr_curl *curl = ctx;
    (void)easy; /* may be one of libcurl's own */
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
    int wanted =
        ((what & CURL_POLL_IN) ? UV_READABLE : 0) | ((what & CURL_POLL_OUT) ? UV_WRITABLE : 0);
    if (entry->watched && entry->wanted == wanted) {
        return 0;
    }
    entry->wanted = wanted;
    return watch(entry);
}

int wr_curl_fd_served(struct curl_fd *entry, bool failed)
{
    const struct wr_curl *curl = entry->curl;
    if (curl->paused == 0 || entry->progress != curl->progress) {
        entry->barren = 0;
        entry->progress = curl->progress;
    } else if (++entry->barren > WR_CURL_BARREN_MAX && entry->watched) {
        uv_poll_stop(&entry->poll);
        entry->watched = false;
        entry->muted = true;
        return 0;
    }
    return failed && entry->wanted != 0 && !entry->watched && !entry->muted ? watch(entry) : 0;
}

int wr_curl_fds_unmute(struct wr_curl *curl)
{
    int rc = 0;
    for (size_t i = 0; i < curl->fds_count; i++) {
        struct curl_fd *entry = curl->fds[i];
        if (entry != NULL && entry->muted) {
            entry->muted = false;
            entry->barren = 0;
            rc = watch(entry) < 0 ? -1 : rc;
        }
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

size_t wr_curl_fds_close(struct wr_curl *curl, uv_close_cb closed)
{
    size_t count = 0;
    for (size_t i = 0; i < curl->fds_count; i++) {
        if (curl->fds[i] != NULL) {
            unwatch(curl->fds[i]);
            uv_close((uv_handle_t *)&curl->fds[i]->poll, closed);
            count++;
        }
    }
    return count;
}

void wr_curl_fds_free(struct wr_curl *curl)
{
    for (size_t i = 0; i < curl->fds_count; i++) {
        wr_free(curl->fds[i]);
    }
    wr_free(curl->fds);
}
