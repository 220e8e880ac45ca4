/*
 * loop_work.c - the worker threads of a loop.
 *
 * A worker is a service of the loop, found by its lane. It has two lists under one lock: the work
 * that waits for the thread, and the work that is done. The thread takes one piece at a time and
 * signals the loop's async handle; the loop collects on its own thread. When the loop ends, the
 * thread finishes the work that it already has, then is joined.
 */
#include "loop_work.h"

#include <string.h>
#include <weir/wait.h>

#include "base_alloc.h"
#include "base_fault.h"
#include "loop_scope.h"
#include "loop_service.h"
#include "loop_wait.h"

const struct wr_lane wr_lane_state = {"state", false}, wr_lane_files = {"files", false};

struct wr_worker {
    struct wr_service service;
    struct weir_loop *loop;
    char lane[32];
    bool programs; /* its lane is the program's */
    uv_thread_t thread;
    uv_mutex_t lock;
    uv_cond_t wake;
    struct wr_list todo, done;
    bool stop;
};

static void worker_main(void *arg)
{
    struct wr_worker *worker = arg;
    uv_mutex_lock(&worker->lock);
    for (;;) {
        struct wr_list *node = wr_list_take(&worker->todo);
        if (node == NULL) {
            if (worker->stop) {
                break;
            }
            uv_cond_wait(&worker->wake, &worker->lock);
            continue;
        }
        uv_mutex_unlock(&worker->lock);
        struct wr_work *work = WR_OWNER(node, struct wr_work, link);
        work->run(work);
        uv_mutex_lock(&worker->lock);
        wr_list_append(&worker->done, &work->link);
        uv_async_send(&worker->loop->async);
    }
    uv_mutex_unlock(&worker->lock);
}

static void collect(struct weir_loop *loop, struct wr_service *service)
{
    struct wr_worker *worker = WR_OWNER(service, struct wr_worker, service);
    for (;;) {
        uv_mutex_lock(&worker->lock);
        struct wr_list *node = wr_list_take(&worker->done);
        uv_mutex_unlock(&worker->lock);
        if (node == NULL) {
            break;
        }
        struct wr_work *work = WR_OWNER(node, struct wr_work, link);
        loop->fds_waited--;
        work->busy = false;
        work->done(work);
    }
}

static void worker_end(struct weir_loop *loop, struct wr_service *service)
{
    struct wr_worker *worker = WR_OWNER(service, struct wr_worker, service);
    uv_mutex_lock(&worker->lock);
    worker->stop = true;
    uv_cond_signal(&worker->wake);
    uv_mutex_unlock(&worker->lock);
    uv_thread_join(&worker->thread);
    collect(loop, service);
    uv_cond_destroy(&worker->wake);
    uv_mutex_destroy(&worker->lock);
    wr_free(worker);
}

static struct wr_worker *worker_make(struct weir_loop *loop, const struct wr_lane *lane)
{
    struct wr_worker *worker = wr_zalloc(sizeof *worker);
    if (worker == NULL) {
        return NULL;
    }
    worker->loop = loop;
    worker->service = (struct wr_service){.end = worker_end, .collect = collect};
    worker->programs = lane->programs;
    (void)wr_copy_text(worker->lane, sizeof worker->lane, lane->name);
    wr_list_init(&worker->todo);
    wr_list_init(&worker->done);
    if (uv_mutex_init(&worker->lock) < 0) {
        wr_free(worker);
        return NULL;
    }
    if (uv_cond_init(&worker->wake) < 0) {
        uv_mutex_destroy(&worker->lock);
        wr_free(worker);
        return NULL;
    }
    if (wr_fault("uv_thread_create") ||
        uv_thread_create(&worker->thread, worker_main, worker) < 0) {
        uv_cond_destroy(&worker->wake);
        uv_mutex_destroy(&worker->lock);
        wr_free(worker);
        return NULL;
    }
    wr_service_add(loop, &worker->service);
    return worker;
}

/* The worker of a lane, started if needed. NULL: no thread can be started. */
static struct wr_worker *worker_of(struct weir_loop *loop, const struct wr_lane *lane)
{
    struct wr_service *found = wr_service_find(loop, worker_end);
    for (; found != NULL; found = wr_service_next(loop, found)) {
        struct wr_worker *worker = WR_OWNER(found, struct wr_worker, service);
        if (worker->programs == lane->programs &&
            strncmp(worker->lane, lane->name, sizeof worker->lane - 1) == 0) {
            return worker;
        }
    }
    return worker_make(loop, lane);
}

void wr_work_start(struct weir_loop *loop, struct wr_work *work)
{
    wr_list_init(&work->link);
    work->busy = true;
    struct wr_worker *worker = worker_of(loop, work->lane != NULL ? work->lane : &wr_lane_state);
    work->worker = worker;
    if (worker == NULL) {
        work->run(work);
        work->busy = false;
        work->done(work);
        return;
    }
    loop->fds_waited++; /* the work finishes by itself: a virtual clock stands still until then */
    uv_mutex_lock(&worker->lock);
    wr_list_append(&worker->todo, &work->link);
    uv_cond_signal(&worker->wake);
    uv_mutex_unlock(&worker->lock);
}

bool wr_work_take_back(struct weir_loop *loop, struct wr_work *work)
{
    struct wr_worker *worker = work->worker;
    bool waits = false;
    uv_mutex_lock(&worker->lock);
    for (struct wr_list *node = worker->todo.next; node != &worker->todo && !waits;
         node = node->next) {
        waits = node == &work->link;
    }
    if (waits) {
        wr_list_remove(&work->link);
    }
    uv_mutex_unlock(&worker->lock);
    if (waits) {
        loop->fds_waited--;
        work->busy = false;
    }
    return waits;
}

bool wr_work_beside(void (*fn)(void *arg), void *arg)
{
    uv_thread_t thread;
    if (wr_fault("uv_thread_create") || uv_thread_create(&thread, fn, arg) < 0) {
        return false;
    }
    uv_thread_join(&thread);
    return true;
}
