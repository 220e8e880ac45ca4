/*
 * loop_watch.c - the functions of <weir/wait.h> for descriptors and time: weir_wait_fd, and the
 * watches and timers for client libraries that use callbacks.
 *
 * A wait is a watcher on the stack of its task. A watch or a timer is an object of its scope. A
 * cancel of the scope does not affect it, only the end of the scope ends it: a library's clean-up
 * after a cancel needs its callbacks. The callbacks run on the scheduler's stack, from the loop's
 * deferred work and its timers. There they may end their own watch or timer and others.
 */
#include <errno.h>
#include <poll.h>

#include <weir/wait.h>

#include "base_alloc.h"
#include "loop_foreign.h"
#include "loop_scope.h"
#include "loop_wait.h"

/* The WEIR_E code for the errno of a watcher. */
static int code_of(int rc)
{
    return rc == -EBADF || rc == -EPERM ? WEIR_EINVAL : rc == -ENOMEM ? WEIR_ENOMEM : WEIR_EIO;
}

static void check_events(int events, const char *verb)
{
    if ((events & ~(WEIR_READABLE | WEIR_WRITABLE)) != 0) {
        wr_misuse(verb, "events are bits of WEIR_READABLE and WEIR_WRITABLE, not %d", events);
    }
}

/* ---- weir_wait_fd */

struct fd_wait {
    struct wr_watcher watcher;
    struct wr_task *task;
    int ready;
};

static void wait_fired(struct wr_watcher *watcher, int events)
{
    struct fd_wait *wait = WR_OWNER(watcher, struct fd_wait, watcher);
    wait->ready = events;
    watcher->events = 0;
    wr_wake(wait->task, 0);
}

static int look(int fd, int events)
{
    struct pollfd asked = {.fd = fd,
                           .events = (short)(((events & WEIR_READABLE) ? POLLIN : 0) |
                                             ((events & WEIR_WRITABLE) ? POLLOUT : 0))};
    if (poll(&asked, 1, 0) <= 0) {
        return WEIR_ETIMEDOUT;
    }
    if ((asked.revents & POLLNVAL) != 0) {
        return WEIR_EINVAL;
    }
    if ((asked.revents & (POLLHUP | POLLERR)) != 0) {
        return events;
    }
    return ((asked.revents & POLLIN) ? WEIR_READABLE : 0) |
           ((asked.revents & POLLOUT) ? WEIR_WRITABLE : 0);
}

int weir_wait_fd(weir_scope *scope, int fd, int events, int64_t ms, const char *why)
{
    wr_scope_given(scope, "weir_wait_fd");
    check_events(events, "weir_wait_fd");
    WR_ASSERT(events != 0, "events is 0: there is nothing to wait for");
    struct weir_loop *loop = scope->loop;
    struct fd_wait wait = {
        .task = wr_task_now(loop, "weir_wait_fd"),
        .watcher = {.loop = loop, .fd = fd, .events = events, .fire = wait_fired}};
    if (ms == 0) {
        return look(fd, events);
    }
    int rc = wr_watcher_on(&wait.watcher);
    if (rc < 0) {
        return rc == -EPERM ? events : code_of(rc);
    }
    struct wr_limit limit;
    wr_limit_start(loop, &limit, ms);
    loop->fds_waited++;
    do {
        rc = wr_wait_stoppable(&limit, why != NULL ? why : "a descriptor", NULL);
    } while (rc == 0 && wait.ready == 0);
    loop->fds_waited--;
    wr_limit_stop(&limit);
    wr_watcher_off(&wait.watcher);
    return wait.ready != 0 && (rc == 0 || rc == WEIR_ETIMEDOUT) ? wait.ready : rc;
}

/* ---- weir_watch */

struct weir_watch {
    struct wr_object object;
    struct wr_watcher watcher;
    void (*fn)(void *ctx, int fd, int events);
    void *ctx;
};

static void watch_fired(struct wr_watcher *watcher, int events)
{
    struct weir_watch *watch = WR_OWNER(watcher, struct weir_watch, watcher);
    watch->fn(watch->ctx, watcher->fd, events);
}

static void watch_end(struct wr_object *object)
{
    weir_watch_free(WR_OWNER(object, struct weir_watch, object));
}

static const struct wr_object_ops watch_ops = {.kind = "watch", .discard = watch_end};

weir_watch *weir_watch_new(weir_scope *scope, int fd, int events,
                           void (*fn)(void *ctx, int fd, int events), void *ctx, int *why)
{
    wr_scope_given(scope, "weir_watch_new");
    check_events(events, "weir_watch_new");
    WR_ASSERT(fn != NULL, "the function is NULL");
    struct weir_watch *watch = wr_zalloc(sizeof *watch);
    int rc = -ENOMEM;
    if (watch != NULL) {
        watch->fn = fn;
        watch->ctx = ctx;
        watch->watcher = (struct wr_watcher){
            .loop = scope->loop, .fd = fd, .events = events, .fire = watch_fired};
        rc = wr_watcher_on(&watch->watcher);
    }
    if (rc < 0) {
        wr_free(watch);
        if (why != NULL) {
            *why = code_of(rc);
        }
        return NULL;
    }
    wr_object_init(&watch->object, &watch_ops, scope, "watch");
    scope->loop->callbacks++;
    return watch;
}

static void watch_given(const weir_watch *watch, const char *verb)
{
    if (watch == NULL) {
        wr_misuse(verb, "the watch is NULL");
    }
    wr_loop_given(watch->watcher.loop, verb);
}

int weir_watch_set(weir_watch *watch, int events)
{
    watch_given(watch, "weir_watch_set");
    check_events(events, "weir_watch_set");
    watch->watcher.events = events;
    int rc = wr_watcher_change(&watch->watcher);
    return rc < 0 ? code_of(rc) : 0;
}

void weir_watch_free(weir_watch *watch)
{
    if (watch == NULL) {
        return;
    }
    watch_given(watch, "weir_watch_free");
    watch->watcher.loop->callbacks--;
    wr_watcher_off(&watch->watcher);
    wr_object_fini(&watch->object);
    wr_free(watch);
}

/* ---- weir_timer */

struct weir_timer {
    struct wr_object object;
    struct wr_timer timer;
    void (*fn)(void *ctx);
    void *ctx;
};

static void timer_fired(struct wr_timer *timer)
{
    struct weir_timer *own = WR_OWNER(timer, struct weir_timer, timer);
    own->fn(own->ctx);
}

static void timer_end(struct wr_object *object)
{
    weir_timer_free(WR_OWNER(object, struct weir_timer, object));
}

static const struct wr_object_ops timer_ops = {.kind = "timer", .discard = timer_end};

weir_timer *weir_timer_new(weir_scope *scope, void (*fn)(void *ctx), void *ctx)
{
    wr_scope_given(scope, "weir_timer_new");
    WR_ASSERT(fn != NULL, "the function is NULL");
    struct weir_timer *timer = wr_zalloc(sizeof *timer);
    if (timer != NULL) {
        timer->fn = fn;
        timer->ctx = ctx;
        wr_timer_init(&timer->timer, timer_fired);
        wr_object_init(&timer->object, &timer_ops, scope, "timer");
    }
    return timer;
}

static struct weir_loop *timer_given(const weir_timer *timer, const char *verb)
{
    if (timer == NULL) {
        wr_misuse(verb, "the timer is NULL");
    }
    wr_loop_given(timer->object.scope->loop, verb);
    return timer->object.scope->loop;
}

void weir_timer_start(weir_timer *timer, int64_t ms)
{
    wr_timer_start(timer_given(timer, "weir_timer_start"), &timer->timer, ms);
}

void weir_timer_stop(weir_timer *timer)
{
    wr_timer_stop(timer_given(timer, "weir_timer_stop"), &timer->timer);
}

void weir_timer_free(weir_timer *timer)
{
    if (timer == NULL) {
        return;
    }
    wr_timer_stop(timer_given(timer, "weir_timer_free"), &timer->timer);
    wr_object_fini(&timer->object);
    wr_free(timer);
}
