/*
 * loop_timer.c - the timer heap.
 *
 * A pairing heap: insert and meld are O(1), taking the earliest is O(log n) amortised, and nothing
 * is allocated, so a wait with a time limit cannot fail for want of memory. Times are the loop's
 * cached monotonic clock, which a test replaces. wr_timers_run fires only what was due when it
 * began, so that a timer that restarts itself at 0 ms does not keep the loop from polling.
 */
#include "loop_timer.h"

#include <stddef.h>

#include "loop_core.h"

static bool earlier(const struct wr_timer *a, const struct wr_timer *b)
{
    return a->due_ns != b->due_ns ? a->due_ns < b->due_ns : a->order < b->order;
}

static struct wr_timer *meld(struct wr_timer *a, struct wr_timer *b)
{
    if (a == NULL) {
        return b;
    }
    if (b == NULL) {
        return a;
    }
    if (earlier(b, a)) {
        struct wr_timer *swap = a;
        a = b;
        b = swap;
    }
    b->back = a;
    b->sibling = a->child;
    if (a->child != NULL) {
        a->child->back = b;
    }
    a->child = b;
    return a;
}

/* Meld a list of siblings, pair by pair and then from right to left, without recursion. */
static struct wr_timer *meld_all(struct wr_timer *list)
{
    struct wr_timer *pairs = NULL;
    while (list != NULL) {
        struct wr_timer *a = list, *b = list->sibling;
        list = b != NULL ? b->sibling : NULL;
        a->sibling = a->back = NULL;
        if (b != NULL) {
            b->sibling = b->back = NULL;
        }
        struct wr_timer *pair = meld(a, b);
        pair->sibling = pairs;
        pairs = pair;
    }
    struct wr_timer *root = NULL;
    while (pairs != NULL) {
        struct wr_timer *next = pairs->sibling;
        pairs->sibling = pairs->back = NULL;
        root = meld(root, pairs);
        pairs = next;
    }
    return root;
}

static void take_out(struct wr_timers *timers, struct wr_timer *timer)
{
    if (timer == timers->root) {
        timers->root = meld_all(timer->child);
    } else {
        if (timer->back->child == timer) {
            timer->back->child = timer->sibling;
        } else {
            timer->back->sibling = timer->sibling;
        }
        if (timer->sibling != NULL) {
            timer->sibling->back = timer->back;
        }
        timers->root = meld(timers->root, meld_all(timer->child));
    }
    timer->child = timer->sibling = timer->back = NULL;
    timer->active = false;
}

void wr_timer_init(struct wr_timer *timer, void (*fire)(struct wr_timer *timer))
{
    *timer = (struct wr_timer){.fire = fire};
}

void wr_timer_start(struct weir_loop *loop, struct wr_timer *timer, int64_t ms)
{
    wr_timer_stop(loop, timer);
    if (ms < 0) {
        ms = 0;
    }
    /* After a long run, or in a libuv callback right after a long poll, the cached time is old. */
    if (!loop->virtual_clock) {
        loop->now_ns = loop->clock.monotonic_ns(loop->clock.ctx);
    }
    int64_t now = wr_now_ns(loop);
    timer->due_ns = ms > (INT64_MAX - now) / 1000000 ? INT64_MAX : now + ms * 1000000;
    timer->order = ++loop->timers.order;
    timer->active = true;
    loop->timers.root = meld(loop->timers.root, timer);
}

void wr_timer_stop(struct weir_loop *loop, struct wr_timer *timer)
{
    if (timer->active) {
        take_out(&loop->timers, timer);
    }
}

int64_t wr_timers_next(const struct wr_timers *timers)
{
    return timers->root != NULL ? timers->root->due_ns : INT64_MAX;
}

void wr_timers_run(struct wr_timers *timers, int64_t now_ns)
{
    uint64_t newest = timers->order;
    while (timers->root != NULL && timers->root->due_ns <= now_ns &&
           timers->root->order <= newest) {
        struct wr_timer *timer = timers->root;
        take_out(timers, timer);
        timer->fire(timer);
    }
}
