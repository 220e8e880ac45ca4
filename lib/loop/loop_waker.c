/*
 * loop_waker.c - weir_waker: a task parks, a callback or another thread wakes it.
 *
 * A wake is one bit that a park clears. So a wake from a callback that runs before its task has
 * parked is not lost, and many wakes between two parks count as one. The waker is an object of its
 * scope; the scope's cancel and end reach the task that is parked here, in whatever scope that task
 * is. A wake from another thread uses the loop's remotes, which run under libuv's async callback
 * and only set the bit.
 */
#include <weir/wait.h>

#include "loop_scope.h"
#include "loop_wait.h"

enum { WAKER_ALIVE = 0x77776172 };

struct waker {
    struct wr_object object;
    struct wr_remote remote;
    struct weir_loop *loop;
    uint32_t alive;
    bool woken;
    bool over; /* its scope has ended */
};

_Static_assert(sizeof(struct waker) <= sizeof(weir_waker), "there is room in the public struct");

static struct waker *waker_given(weir_waker *waker, const char *verb)
{
    struct waker *own = (struct waker *)(void *)waker;
    if (own == NULL || own->alive != WAKER_ALIVE) {
        wr_misuse(verb,
                  own == NULL
                      ? "the waker is NULL"
                      : "the waker was not initialized with weir_waker_init, or it has ended");
    }
    return own;
}

static struct waker *waker_here(weir_waker *waker, const char *verb)
{
    struct waker *own = waker_given(waker, verb);
    wr_loop_given(own->loop, verb);
    return own;
}

static void wake(struct waker *waker)
{
    waker->woken = true;
    wr_object_wake(&waker->object);
}

static void remote_wake(struct wr_remote *remote)
{
    wake(WR_OWNER(remote, struct waker, remote));
}

/* A cancel only fails the parked task. The end of the scope while a task is parked is final. */
static void object_cancel(struct wr_object *object, int code)
{
    WR_OWNER(object, struct waker, object)->over = code != WEIR_ECANCELED;
}

static void object_discard(struct wr_object *object)
{
    WR_OWNER(object, struct waker, object)->over = true;
    wr_object_fini(object);
}

static const struct wr_object_ops waker_ops = {
    .kind = "waker", .cancel = object_cancel, .discard = object_discard};

void weir_waker_init(weir_waker *waker, weir_scope *scope)
{
    struct waker *own = (struct waker *)(void *)waker;
    wr_scope_given(scope, "weir_waker_init");
    WR_ASSERT(own != NULL, "the waker is NULL");
    *own = (struct waker){.loop = scope->loop, .alive = WAKER_ALIVE};
    wr_remote_init(&own->remote, remote_wake);
    wr_object_init(&own->object, &waker_ops, scope, "waker");
}

int weir_park(weir_waker *waker, int64_t ms, const char *why)
{
    struct waker *own = waker_here(waker, "weir_park");
    struct wr_limit limit;
    int rc = 0;
    (void)wr_task_now(own->loop, "weir_park");
    wr_limit_start(own->loop, &limit, ms == 0 ? WEIR_NONE : ms);
    while (!own->woken && !own->over && rc == 0) {
        rc = ms == 0 ? WEIR_ETIMEDOUT
                     : wr_wait_stoppable(&limit, why != NULL ? why : "a wake", &own->object);
    }
    wr_limit_stop(&limit);
    if (own->woken && (rc == 0 || rc == WEIR_ETIMEDOUT)) {
        own->woken = false;
        return 0;
    }
    return rc == 0 ? WEIR_ECLOSED : rc;
}

void weir_wake(weir_waker *waker)
{
    wake(waker_here(waker, "weir_wake"));
}

void weir_wake_remote(weir_waker *waker)
{
    struct waker *own = waker_given(waker, "weir_wake_remote");
    wr_remote_send(own->loop, &own->remote);
}

void weir_waker_fini(weir_waker *waker)
{
    struct waker *own = waker_here(waker, "weir_waker_fini");
    WR_ASSERT(wr_object_waiter(&own->object) == NULL, "a task is still parked on the waker");
    wr_remote_stop(own->loop, &own->remote);
    wr_object_fini(&own->object);
    own->alive = 0;
}
