/*
 * loop_service.h - what a loop has besides its tasks: libcurl's bridge, worker threads, the set of
 * foreign descriptors, watches of signals. Internal.
 *
 * A service is made at its first use and is found by its `end` function. Services end with their
 * loop, newest first: after the last task and the last object, and before the loop's own handles.
 * So the scheduler need not know them.
 *
 *     struct thing { struct wr_service service; ... };
 *     struct wr_service *found = wr_service_find(loop, thing_end);
 *     if (found == NULL) {
 *         ... thing->service.end = thing_end;
 *         wr_service_add(loop, &thing->service);
 *     }
 */
#ifndef WR_LOOP_SERVICE_H
#define WR_LOOP_SERVICE_H

#include "loop_core.h"

struct wr_service {
    struct wr_list link;
    /* Free it. No task waits any more. Handles of libuv are closed here; their memory is freed
     * later. */
    void (*end)(struct weir_loop *loop, struct wr_service *service);
    /* The loop's async handle was signaled, possibly by a thread of the service: collect the work
     * that the thread has done. Runs under libuv's frame. NULL: it has no thread. */
    void (*collect)(struct weir_loop *loop, struct wr_service *service);
};

void wr_service_add(struct weir_loop *loop, struct wr_service *service);
/* The newest service with this `end`; NULL: none. */
struct wr_service *wr_service_find(const struct weir_loop *loop,
                                   void (*end)(struct weir_loop *, struct wr_service *));
/* The next older one of the same kind. */
struct wr_service *wr_service_next(const struct weir_loop *loop, const struct wr_service *service);
void wr_services_collect(struct weir_loop *loop);
void wr_services_end(struct weir_loop *loop);

#endif
