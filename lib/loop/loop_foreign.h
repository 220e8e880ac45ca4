/*
 * loop_foreign.h - descriptors that belong to other libraries. Internal.
 *
 * Nobody tells when such a descriptor is closed, so libuv must not know it (curl_bridge_fds.c has
 * the reasons): they are in an epoll set of the loop's own, and one uv_poll watches the set. There
 * is one entry for each descriptor number, with all who watch it.
 */
#ifndef WR_LOOP_FOREIGN_H
#define WR_LOOP_FOREIGN_H

#include "loop_core.h"

struct wr_foreign;

struct wr_watcher {
    struct wr_list link;
    struct weir_loop *loop;
    struct wr_foreign *set; /* from wr_watcher_on on */
    int fd;
    int events; /* enum weir_events; 0: none for now */
    /* Called on the scheduler's stack, never under libuv, with what of `events` it is ready for. May
     * take any watcher off. */
    void (*fire)(struct wr_watcher *watcher, int events);
};

/* loop, fd, events and fire are set. 0 or negative errno: EPERM: it is always ready. */
int wr_watcher_on(struct wr_watcher *watcher);
/* Its events have changed. As wr_watcher_on. */
int wr_watcher_change(struct wr_watcher *watcher);
void wr_watcher_off(struct wr_watcher *watcher);

#endif
