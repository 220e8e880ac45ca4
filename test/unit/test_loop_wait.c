/*
 * Waiting for an object: several tasks at once, failing their waits, limits.
 */
#include "support_loop.h"

static const struct wr_object_ops thing_ops = {.kind = "thing", .discard = wr_object_fini};

struct waiting {
    weir_loop *loop;
    struct wr_object thing;
    bool ready;
};

static void set_up(struct waiting *w)
{
    w->loop = start();
    w->ready = false;
    wr_object_init(&w->thing, &thing_ops, weir_scope_new(weir_root(w->loop), NULL), "thing");
}

struct waiter {
    struct waiting *w;
    char letter;
    int64_t limit_ms;
};

static int wait_task(weir_scope *scope, void *args)
{
    const struct waiter *waiter = args;
    struct waiting *w = waiter->w;
    struct wr_limit limit;
    int rc = 0;
    (void)scope;
    wr_limit_start(w->loop, &limit, waiter->limit_ms);
    while (!w->ready && rc == 0) {
        rc = wr_wait_limited(&limit, "the thing", &w->thing);
    }
    wr_limit_stop(&limit);
    note(rc == 0 ? waiter->letter : rc == WEIR_ETIMEDOUT ? 'L' : '!');
    return rc;
}

static weir_scope *wait_in(struct waiting *w, weir_scope *scope, char letter, int64_t limit_ms)
{
    struct waiter waiter = {w, letter, limit_ms};
    weir_spawn(scope, (char[]){letter, '\0'}, wait_task, &waiter, sizeof waiter);
    return scope;
}

static weir_scope *new_scope(const struct waiting *w)
{
    return weir_scope_new(weir_root(w->loop),
                          WEIR_OPTIONS(weir_scope_options, .on_failure = WEIR_GO_ON));
}

TEST(wait_of_two_tasks_on_one_object_both_end)
{
    struct waiting w;
    set_up(&w);
    weir_scope *scope = new_scope(&w);
    wait_in(&w, scope, 'a', -1);
    wait_in(&w, scope, 'b', -1);
    wr_loop_settle(w.loop);
    ck_assert_str_eq(wr_object_waiter(&w.thing)->name, "a");

    w.ready = true;
    wr_object_wake(&w.thing);

    ck_assert_int_eq(wait_for(scope), 0);
    ck_assert_str_eq(trace, "ab");
    ck_assert_ptr_null(wr_object_waiter(&w.thing));
    weir_loop_free(w.loop);
}

TEST(wait_woken_in_vain_goes_on)
{
    struct waiting w;
    set_up(&w);
    weir_scope *scope = wait_in(&w, new_scope(&w), 'a', -1);
    wr_loop_settle(w.loop);

    wr_object_wake(&w.thing);
    wr_loop_settle(w.loop);

    ck_assert_str_eq(trace, "");
    weir_scope_cancel(scope);
    ck_assert_int_eq(wait_for(scope), 0);
    weir_loop_free(w.loop);
}

TEST(wait_for_an_object_fails_when_its_scope_is_canceled)
{
    struct waiting w;
    set_up(&w);
    weir_scope *scope = new_scope(&w);
    wait_in(&w, scope, 'a', -1);
    wait_in(&w, scope, 'b', -1);
    wr_loop_settle(w.loop);

    weir_scope_cancel(w.thing.scope);

    ck_assert_int_eq(wait_for(scope), WEIR_ECANCELED);
    ck_assert_str_eq(trace, "!!");
    weir_loop_free(w.loop);
}

TEST(wait_for_an_object_fails_when_its_scope_ends)
{
    struct waiting w;
    set_up(&w);
    weir_scope *scope = new_scope(&w);
    wait_in(&w, scope, 'a', -1);
    wait_in(&w, scope, 'b', -1);
    wr_loop_settle(w.loop);

    ck_assert_int_eq(wait_for(w.thing.scope), 0);

    ck_assert_str_eq(trace, "!!");
    ck_assert_int_eq(wait_for(scope), WEIR_ECLOSED);
    weir_loop_free(w.loop);
}

TEST(wait_that_was_woken_can_still_be_failed)
{
    struct waiting w;
    set_up(&w);
    weir_scope *scope = wait_in(&w, new_scope(&w), 'a', -1);
    wr_loop_settle(w.loop);

    wr_object_wake(&w.thing);
    ck_assert(wr_object_abort(&w.thing, WEIR_ERESET));

    ck_assert_int_eq(wait_for(scope), WEIR_ERESET);
    ck_assert(!wr_object_abort(&w.thing, WEIR_ERESET));
    weir_loop_free(w.loop);
}

TEST(wait_with_a_limit_ends_with_it)
{
    struct waiting w;
    set_up(&w);
    int64_t began_ns = wr_now_ns(w.loop);
    weir_scope *scope = wait_in(&w, new_scope(&w), 'a', 70);

    ck_assert_int_eq(wait_for(scope), WEIR_ETIMEDOUT);

    ck_assert_int_eq((wr_now_ns(w.loop) - began_ns) / 1000000, 70);
    weir_loop_free(w.loop);
}

TEST(wait_that_ends_in_time_leaves_no_timer)
{
    struct waiting w;
    set_up(&w);
    weir_scope *scope = wait_in(&w, new_scope(&w), 'a', 70);
    wr_loop_settle(w.loop);

    w.ready = true;
    wr_object_wake(&w.thing);

    ck_assert_int_eq(wait_for(scope), 0);
    ck_assert_int_eq(wr_timers_next(&w.loop->timers), INT64_MAX);
    weir_loop_free(w.loop);
}

/* It finds the limit passed when it gets its turn, and what it waits for there. */
TEST(wait_whose_limit_passes_after_its_wake_is_in_time)
{
    struct waiting w;
    set_up(&w);
    weir_scope *scope = wait_in(&w, new_scope(&w), 'a', 70);
    wr_loop_settle(w.loop);

    w.ready = true;
    wr_object_wake(&w.thing);
    wr_clock_advance(w.loop, 100);

    ck_assert_int_eq(wait_for(scope), 0);
    ck_assert_str_eq(trace, "a");
    weir_loop_free(w.loop);
}

static bool is_ready(void *arg)
{
    return *(bool *)arg;
}

TEST(wait_until_something_is_there_does_not_wait_when_it_is)
{
    struct waiting w;
    set_up(&w);
    bool yes = true, no = false;

    ck_assert_int_eq(wr_wait_until(w.loop, is_ready, &yes, 0, "the thing", &w.thing), 0);
    ck_assert_int_eq(wr_wait_until(w.loop, is_ready, &no, 30, "the thing", &w.thing),
                     WEIR_ETIMEDOUT);

    weir_loop_free(w.loop);
}

static int pausing_task(weir_scope *scope, void *args)
{
    struct waiting *w = *(struct waiting **)args;
    (void)scope;
    int rc = 0;
    for (int i = 0; i < 1000 && rc == 0; i++) {
        rc = wr_pause(w->loop, &w->thing);
    }
    return rc;
}

TEST(wait_for_a_turn_can_be_failed)
{
    struct waiting w, *args = &w;
    set_up(&w);
    weir_scope *scope = new_scope(&w);
    weir_spawn(scope, "pausing", pausing_task, &args, sizeof args);
    (void)wr_pause(w.loop, NULL);

    weir_scope_cancel(w.thing.scope);

    ck_assert_int_eq(wait_for(scope), WEIR_ECANCELED);
    weir_loop_free(w.loop);
}

MAIN("loop/wait")
