/*
 * loop_life.c - making and freeing a loop.
 *
 * A loop that weir owns has a libuv loop and a stack for its scheduler, and the program's own stack
 * becomes a task (loop->outer). An attached loop uses the program's libuv loop. Everything that can
 * fail, fails in weir_loop_new, before anything runs.
 *
 * Freeing: cancel the root, wait for the tasks, end the objects, close the handles; only then is
 * the memory freed. On an attached loop a separate task does this, because the program's uv_run
 * must continue. The last handle's close callback then frees the memory.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "base_alloc.h"
#include "base_fault.h"
#include "loop_file.h"
#include "loop_process.h"
#include "loop_scope.h"
#include "loop_service.h"
#include "loop_wait.h"

enum {
    SCHEDULER_STACK_BYTES = 1024 * 1024,
    ENDING_RETRY_MS = 10,
    CORE_HANDLES = 5, /* async, timer, prepare, check, idle */
    ABORTING_FDS = 4  /* in libuv 1.50: epoll, its ring, both ends of the signal pipe */
};

static int64_t read_clock(clockid_t id)
{
    struct timespec now;
    clock_gettime(id, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static int64_t real_monotonic(void *ctx)
{
    (void)ctx;
    return read_clock(CLOCK_MONOTONIC);
}

static int64_t real_unix(void *ctx)
{
    (void)ctx;
    return read_clock(CLOCK_REALTIME);
}

static int64_t real_starved(void *ctx)
{
    (void)ctx;
    char text[96] = "";
    long long ns = 0;
    int fd = open("/proc/thread-self/schedstat", O_RDONLY | O_CLOEXEC);
    if (fd >= 0) {
        ssize_t len = read(fd, text, sizeof text - 1);
        close(fd);
        return len > 0 && sscanf(text, "%*d %lld", &ns) == 1 ? ns : 0;
    }
    return 0;
}

/* Are there enough free descriptors? uv_loop_init aborts the process without them
 * (uv__signal_global_init). */
static bool descriptors_left(void)
{
    int fds[ABORTING_FDS], count = 0;
    while (count < ABORTING_FDS && (fds[count] = eventfd(0, EFD_CLOEXEC)) >= 0) {
        count++;
    }
    for (int i = 0; i < count; i++) {
        close(fds[i]);
    }
    return count == ABORTING_FDS;
}

/* Make libuv's handles. 0, or a negative UV_ code after the handles made so far are closed. */
static int init_handles(struct weir_loop *loop)
{
    if (wr_fault("uv_async_init")) {
        return UV_ENOMEM;
    }
    int rc = uv_mutex_init(&loop->post_lock);
    if (rc < 0) {
        return rc;
    }
    rc = uv_async_init(loop->uv, &loop->async, wr_on_async);
    if (rc < 0) {
        uv_mutex_destroy(&loop->post_lock);
        return rc;
    }
    loop->async.data = loop;
    wr_poll_handles_init(loop);
    wr_loop_keepalive(loop);
    return 0;
}

static void init_fields(struct weir_loop *loop, const weir_loop_options *o)
{
    wr_list_init(&loop->ready);
    wr_list_init(&loop->paused);
    wr_list_init(&loop->before_poll);
    wr_list_init(&loop->reopeners);
    wr_list_init(&loop->deferred);
    wr_list_init(&loop->tasks);
    wr_list_init(&loop->idle_fds);
    wr_list_init(&loop->tls);
    wr_list_init(&loop->services);
    wr_list_init(&loop->posts);
    wr_list_init(&loop->remotes);
    wr_list_init(&loop->budget_waiters);
    loop->disk = &wr_disk_real;
    loop->programs = &wr_programs_real;
    loop->clock = (struct wr_clock){real_monotonic, real_unix, real_starved, NULL};
    loop->budget.limit = o->budget_bytes > 0    ? o->budget_bytes
                         : o->budget_bytes == 0 ? 64 * 1024 * 1024
                                                : INT64_MAX / 2;
    loop->budget.freed = wr_budget_freed;
    wr_block_pool_init(&loop->blocks, &loop->budget);
    loop->blocks.thread = &loop->thread;
    loop->log = (struct wr_log){.fn = o->log, .ctx = o->log_ctx};
    loop->blocked_ms = o->blocked_ms == 0 ? 100 : o->blocked_ms;
    wr_time_update(loop);
    wr_random_seed(loop, o->seed != 0 ? o->seed
                                      : (uint64_t)loop->now_unix_ns ^ (uint64_t)(uintptr_t)loop);
    if (o->virtual_ns > 0) {
        wr_loop_virtual_clock(loop, o->virtual_ns);
    }
}

static struct weir_loop *loop_make(uv_loop_t *uv, const weir_loop_options *options)
{
    weir_loop_options o = WEIR_ZERO;
    if (options != NULL) {
        WR_TAKE_OPTIONS(o, options);
    }
    WR_ASSERT(o.budget_bytes >= WEIR_NONE && o.blocked_ms >= WEIR_NONE,
              "budget_bytes or blocked_ms is negative but not WEIR_NONE");
    WR_ASSERT(o.stack_bytes >= 0 && o.virtual_ns >= 0, "stack_bytes or virtual_ns is negative");
    struct weir_loop *loop = wr_zalloc(sizeof *loop);
    if (loop == NULL) {
        return NULL;
    }
    init_fields(loop, &o);
    loop->owned = uv == NULL;
    loop->uv = uv != NULL ? uv : &loop->own_uv;
    loop->stacks = wr_stack_pool_new(o.stack_bytes > 0 ? (size_t)o.stack_bytes : 256 * 1024);
    loop->root = wr_scope_make(loop, NULL, "root");
    if (loop->stacks == NULL || loop->root == NULL) {
        goto fail;
    }
    if (loop->owned) {
        loop->scheduler_stack = wr_stack_map(loop->stacks, SCHEDULER_STACK_BYTES);
        if (loop->scheduler_stack == NULL || !descriptors_left() || wr_fault("uv_loop_init") ||
            uv_loop_init(loop->uv) < 0) {
            goto fail;
        }
        if (init_handles(loop) < 0) {
            uv_loop_close(loop->uv);
            goto fail;
        }
        wr_co_init(&loop->scheduler, loop->scheduler_stack, wr_scheduler_main, loop, NULL);
        struct wr_task *outer = &loop->outer;
        wr_co_init_thread(&outer->fiber.co);
        outer->leaf = &outer->fiber;
        outer->loop = loop;
        outer->scope = outer->parent = loop->root;
        outer->state = WR_TASK_RUNNING;
        outer->turn_step = 1;
        memcpy(outer->name, "main", sizeof "main");
        wr_list_init(&outer->run_link);
        wr_list_init(&outer->task_link);
        wr_list_init(&outer->all_link);
        loop->root->owner = outer;
        loop->task = outer;
        loop->running = &outer->fiber;
    } else {
        wr_co_init_thread(&loop->scheduler);
        if (init_handles(loop) < 0) {
            goto fail;
        }
    }
    return loop;
fail:
    if (loop->scheduler_stack != NULL) {
        wr_stack_give(loop->scheduler_stack);
    }
    if (loop->root != NULL) {
        wr_scope_free(loop->root);
    }
    wr_stack_pool_free(loop->stacks);
    wr_free(loop);
    return NULL;
}

void weir_log_stderr(void *program, int level, const char *origin, const char *text)
{
    const char *name = program;
    if (level <= WR_LOG_INFO) {
        fprintf(stderr, "%s%s%s%s%s\n", name != NULL ? name : "", name != NULL ? ": " : "",
                origin != NULL ? origin : "", origin != NULL ? ": " : "", text);
    }
}

weir_loop *weir_loop_new(const weir_loop_options *options)
{
    return loop_make(NULL, options);
}

weir_loop *weir_loop_attach(struct uv_loop_s *uv, const weir_loop_options *options)
{
    WR_ASSERT(uv != NULL, "the libuv loop to attach to is NULL");
    return loop_make(uv, options);
}

weir_scope *weir_root(weir_loop *loop)
{
    wr_loop_given(loop, "weir_root");
    return loop->root;
}

void weir_loop_reopen_files(weir_loop *loop)
{
    wr_loop_given(loop, "weir_loop_reopen_files");
    loop->reopenings++;
    for (struct wr_list *at = loop->reopeners.next, *next; at != &loop->reopeners; at = next) {
        struct wr_reopener *reopener = WR_OWNER(at, struct wr_reopener, link);
        next = at->next;
        reopener->run(reopener);
    }
}

struct uv_loop_s *weir_loop_uv(weir_loop *loop)
{
    wr_loop_given(loop, "weir_loop_uv");
    loop->callbacks++;
    return loop->uv;
}

static void free_memory(struct weir_loop *loop)
{
    wr_co_fini(&loop->scheduler);
    if (loop->scheduler_stack != NULL) {
        wr_co_fini(&loop->outer.fiber.co);
        wr_free(loop->outer.reported);
        wr_stack_give(loop->scheduler_stack);
    }
    wr_scope_free(loop->root);
    wr_block_pool_fini(&loop->blocks);
    wr_stack_pool_free(loop->stacks);
    uv_mutex_destroy(&loop->post_lock);
    wr_free(loop);
}

static void on_closed(uv_handle_t *handle)
{
    struct weir_loop *loop = handle->data;
    if (--loop->closing == 0 && !loop->owned) {
        free_memory(loop);
    }
}

/* Called when no task runs any more and the objects have ended. */
static void close_handles(struct weir_loop *loop)
{
    wr_services_end(loop);
    wr_posts_free(loop);
    wr_signals_free(loop->root);
    loop->closing = CORE_HANDLES;
    uv_close((uv_handle_t *)&loop->async, on_closed);
    uv_close((uv_handle_t *)&loop->timer, on_closed);
    uv_close((uv_handle_t *)&loop->prepare, on_closed);
    uv_close((uv_handle_t *)&loop->check, on_closed);
    uv_close((uv_handle_t *)&loop->idle, on_closed);
}

static void end_everything(struct weir_loop *loop, struct wr_task *task)
{
    wr_posts_run(loop);
    weir_scope_cancel(loop->root);
    task->cancel_due = false;
    while (loop->root->live > 0) {
        loop->root->waiter = task;
        (void)wr_park_for_task(loop, "the loop's tasks to end", NULL);
        loop->root->waiter = NULL;
        task->cancel_due = false;
    }
    wr_scope_end_objects(loop->root);
    wr_scope_log_failure(loop->root);
}

static void close_attached(struct wr_deferred *deferred)
{
    struct weir_loop *loop = WR_OWNER(deferred, struct weir_loop, closer);
    close_handles(loop);
}

static void end_attached(struct wr_task *task, void *arg)
{
    struct weir_loop *loop = arg;
    end_everything(loop, task);
    wr_deferred_init(&loop->closer, close_attached);
    wr_defer(loop, &loop->closer);
}

/* Start the task that ends the loop. If there is no memory for it, try again later. */
static void start_ending(struct wr_timer *timer)
{
    struct weir_loop *loop = WR_OWNER(timer, struct weir_loop, ending);
    if (wr_task_hidden(loop->root, "free", end_attached, loop) == NULL) {
        weir_scope_cancel(loop->root);
        wr_timer_init(timer, start_ending);
        wr_timer_start(loop, timer, ENDING_RETRY_MS);
    }
}

void weir_loop_free(weir_loop *loop)
{
    if (loop == NULL) {
        return;
    }
    wr_loop_given(loop, "weir_loop_free");
    WR_ASSERT(!loop->freeing, "the loop is being freed already");
    loop->freeing = true;
    if (loop->owned) {
        WR_ASSERT(loop->task == &loop->outer && loop->running == &loop->outer.fiber,
                  "only the program's own stack may free a loop, not a task");
        end_everything(loop, &loop->outer);
        close_handles(loop);
        while (uv_run(loop->uv, UV_RUN_DEFAULT) != 0) {}
        int rc = uv_loop_close(loop->uv);
        WR_ASSERT(rc == 0, "a handle of the loop is still open");
        free_memory(loop);
        return;
    }
    wr_loop_keepalive(loop);
    start_ending(&loop->ending);
}
