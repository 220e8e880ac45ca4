/*
 * loop_foreign.h - descriptors that belong to other libraries. Internal.
 *
 * weir is not notified when such a descriptor is closed, so libuv must not watch it directly
 * (curl_bridge_fds.c gives the reasons). These descriptors are in a separate epoll set of the
 * loop, and one uv_poll watches the set. There is one entry for each descriptor number, with
 * all its watchers.
 */
#ifndef WR_LOOP_FOREIGN_H
#define WR_LOOP_FOREIGN_H

#include "loop_core.h"

struct wr_foreign;

struct wr_watcher {
    struct wr_list link;
    struct weir_loop *loop;
    struct wr_foreign *set; /* set by wr_watcher_on */
    int fd;
    int events; /* enum weir_events; 0: none for now */
    /* Called on the scheduler's stack, never under libuv, with those of `events` that are ready.
     * May take any watcher off. */
    void (*fire)(struct wr_watcher *watcher, int events);
};

/* The caller has set loop, fd, events and fire. 0 or a negative errno; EPERM: it is always
 * ready. */
int wr_watcher_on(struct wr_watcher *watcher);
/* Its events have changed. Returns as wr_watcher_on. */
int wr_watcher_change(struct wr_watcher *watcher);
void wr_watcher_off(struct wr_watcher *watcher);

#endif
