/*
 * loop_work.c - the worker thread of a loop.
 *
 * Two lists under one lock: what waits for the thread, and what it has done. The thread takes one
 * piece at a time and signals the loop's async handle; the loop collects on its own thread. At the
 * end of the loop the thread finishes what was handed over, then is joined.
 */
#include "loop_work.h"

#include "base_alloc.h"
#include "base_fault.h"
#include "loop_wait.h"

struct wr_worker {
    struct weir_loop *loop;
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

static struct wr_worker *worker_make(struct weir_loop *loop)
{
    struct wr_worker *worker = wr_zalloc(sizeof *worker);
    if (worker == NULL) {
        return NULL;
    }
    worker->loop = loop;
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
    return worker;
}

void wr_work_start(struct weir_loop *loop, struct wr_work *work)
{
    wr_list_init(&work->link);
    work->busy = true;
    if (loop->worker == NULL) {
        loop->worker = worker_make(loop);
    }
    struct wr_worker *worker = loop->worker;
    if (worker == NULL) {
        work->run(work);
        work->busy = false;
        work->done(work);
        return;
    }
    loop->fds_waited++; /* it comes back by itself: a virtual clock stands still until then */
    uv_mutex_lock(&worker->lock);
    wr_list_append(&worker->todo, &work->link);
    uv_cond_signal(&worker->wake);
    uv_mutex_unlock(&worker->lock);
}

void wr_worker_collect(struct weir_loop *loop)
{
    struct wr_worker *worker = loop->worker;
    while (worker != NULL) {
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

void wr_worker_free(struct weir_loop *loop)
{
    struct wr_worker *worker = loop->worker;
    if (worker == NULL) {
        return;
    }
    uv_mutex_lock(&worker->lock);
    worker->stop = true;
    uv_cond_signal(&worker->wake);
    uv_mutex_unlock(&worker->lock);
    uv_thread_join(&worker->thread);
    wr_worker_collect(loop);
    uv_cond_destroy(&worker->wake);
    uv_mutex_destroy(&worker->lock);
    wr_free(worker);
    loop->worker = NULL;
}

struct waited_work {
    struct wr_work work;
    void (*fn)(void *arg);
    void *arg;
    struct wr_task *task;
    bool over;
};

static void waited_run(struct wr_work *work)
{
    struct waited_work *waited = WR_OWNER(work, struct waited_work, work);
    waited->fn(waited->arg);
}

static void waited_done(struct wr_work *work)
{
    struct waited_work *waited = WR_OWNER(work, struct waited_work, work);
    waited->over = true;
    wr_wake(waited->task, 0);
}

void wr_work_wait(struct weir_loop *loop, const char *why, void (*fn)(void *arg), void *arg)
{
    struct waited_work waited = {.work = {.run = waited_run, .done = waited_done},
                                 .fn = fn,
                                 .arg = arg,
                                 .task = wr_task_now(loop, why)};
    wr_work_start(loop, &waited.work);
    while (!waited.over) {
        (void)wr_park(loop, why, NULL);
    }
}
