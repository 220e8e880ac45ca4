/*
 * <weir/wait.h>: wakers, and blocking calls on other threads.
 * Labels: thread
 */
#include <semaphore.h>
#include <time.h>
#include <unistd.h>
#include <uv.h>

#include <weir/wait.h>

#include "loop_work.h"
#include "support_loop.h"

/* ---- weir_waker */

struct parked {
    weir_waker *waker;
    int64_t ms;
    int result;
};

static int parks(weir_scope *scope, void *args)
{
    struct parked *parked = *(struct parked **)args;
    (void)scope;
    parked->result = weir_park(parked->waker, parked->ms, "the test");
    note('p');
    return 0;
}

static void spawn_parked(weir_scope *scope, struct parked *parked)
{
    weir_spawn(scope, "parks", parks, &parked, sizeof parked);
    wr_loop_settle(scope->loop);
}

TEST(waker_wakes_the_task_that_is_parked)
{
    weir_loop *loop = start();
    weir_scope *root = weir_root(loop), *scope = weir_scope_new(root, NULL);
    weir_waker waker;
    weir_waker_init(&waker, root);
    struct parked parked = {&waker, WEIR_NONE, 1};
    spawn_parked(scope, &parked);
    ck_assert_str_eq(trace, "");

    weir_wake(&waker);

    ck_assert_int_eq(weir_scope_wait(scope, NULL), 0);
    ck_assert_int_eq(parked.result, 0);
    weir_waker_fini(&waker);
    weir_loop_free(loop);
}

TEST(waker_keeps_one_wake_that_came_before_the_park)
{
    weir_loop *loop = start();
    weir_waker waker;
    weir_waker_init(&waker, weir_root(loop));
    weir_wake(&waker);
    weir_wake(&waker);

    ck_assert_int_eq(weir_park(&waker, WEIR_NONE, "a wake"), 0);
    ck_assert_int_eq(weir_park(&waker, 0, "a wake"), WEIR_ETIMEDOUT);
    ck_assert_int_eq(weir_park(&waker, 100, "a wake"), WEIR_ETIMEDOUT);

    weir_waker_fini(&waker);
    weir_loop_free(loop);
}

TEST(waker_lets_one_of_several_tasks_go_on)
{
    weir_loop *loop = start();
    weir_scope *root = weir_root(loop), *scope = weir_scope_new(root, NULL);
    weir_waker waker;
    weir_waker_init(&waker, root);
    struct parked one = {&waker, WEIR_NONE, 1}, two = one;
    spawn_parked(scope, &one);
    spawn_parked(scope, &two);

    weir_wake(&waker);
    wr_loop_settle(loop);
    ck_assert_str_eq(trace, "p");
    weir_wake(&waker);

    ck_assert_int_eq(weir_scope_wait(scope, NULL), 0);
    ck_assert_str_eq(trace, "pp");
    weir_waker_fini(&waker);
    weir_loop_free(loop);
}

TEST(waker_fails_a_park_in_a_task_that_is_canceled_and_keeps_the_wake)
{
    weir_loop *loop = start();
    weir_scope *root = weir_root(loop), *scope = weir_scope_new(root, NULL);
    weir_waker waker;
    weir_waker_init(&waker, root);
    struct parked parked = {&waker, WEIR_NONE, 1};
    spawn_parked(scope, &parked);

    weir_wake(&waker);
    weir_scope_cancel(scope);
    ck_assert_int_eq(weir_scope_wait(scope, NULL), 0);

    ck_assert_int_eq(parked.result, WEIR_ECANCELED);
    ck_assert_int_eq(weir_park(&waker, 0, "a wake"), 0);
    weir_waker_fini(&waker);
    weir_loop_free(loop);
}

TEST(waker_fails_for_tasks_elsewhere_when_its_scope_is_canceled)
{
    weir_loop *loop = start();
    weir_scope *root = weir_root(loop), *of_waker = weir_scope_new(root, NULL),
               *scope = weir_scope_new(root, NULL);
    weir_waker waker;
    weir_waker_init(&waker, of_waker);
    struct parked parked = {&waker, WEIR_NONE, 1};
    spawn_parked(scope, &parked);

    weir_scope_cancel(of_waker);

    ck_assert_int_eq(weir_scope_wait(scope, NULL), 0);
    ck_assert_int_eq(parked.result, WEIR_ECANCELED);
    weir_waker_fini(&waker);
    weir_loop_free(loop);
}

TEST(waker_fails_for_tasks_elsewhere_when_its_scope_ends)
{
    weir_loop *loop = start();
    weir_scope *root = weir_root(loop), *of_waker = weir_scope_new(root, NULL),
               *scope = weir_scope_new(root, NULL);
    weir_waker waker;
    weir_waker_init(&waker, of_waker);
    struct parked parked = {&waker, WEIR_NONE, 1};
    spawn_parked(scope, &parked);

    ck_assert_int_eq(weir_scope_wait(of_waker, NULL), 0);

    ck_assert_int_eq(weir_scope_wait(scope, NULL), 0);
    ck_assert_int_eq(parked.result, WEIR_ECLOSED);
    ck_assert_int_eq(weir_park(&waker, WEIR_NONE, "a wake"), WEIR_ECLOSED);
    weir_waker_fini(&waker);
    weir_loop_free(loop);
}

TEST(waker_park_ends_at_the_deadline_of_its_scope)
{
    weir_loop *loop = start();
    weir_scope *root = weir_root(loop);
    weir_scope *scope = weir_scope_new(root, WEIR_OPTIONS(weir_scope_options, .deadline_ms = 50));
    int64_t began = weir_now(root);
    weir_waker waker;
    weir_waker_init(&waker, root);
    struct parked parked = {&waker, WEIR_NONE, 1};
    spawn_parked(scope, &parked);

    ck_assert_int_eq(weir_scope_wait(scope, NULL), WEIR_ETIMEDOUT);

    ck_assert_int_eq(parked.result, WEIR_ECANCELED);
    ck_assert_int_eq((weir_now(root) - began) / 1000000, 50);
    weir_waker_fini(&waker);
    weir_loop_free(loop);
}

static void wakes_from_afar(void *arg)
{
    for (int i = 0; i < 100; i++) {
        weir_wake_remote(arg);
    }
}

TEST(waker_is_woken_from_another_thread)
{
    weir_loop *loop = start();
    loop->virtual_clock = false;
    weir_waker waker;
    uv_thread_t thread;
    weir_waker_init(&waker, weir_root(loop));
    ck_assert_int_eq(uv_thread_create(&thread, wakes_from_afar, &waker), 0);

    int rc = weir_park(&waker, wr_test_faulty() ? 50 : 5000, "another thread");
    uv_thread_join(&thread);

    ck_assert_int_eq(rc, 0);
    weir_waker_fini(&waker);
    weir_loop_free(loop);
}

TEST(waker_ends_while_a_wake_from_another_thread_is_on_its_way)
{
    weir_loop *loop = start();
    weir_waker waker;
    weir_waker_init(&waker, weir_root(loop));
    weir_wake_remote(&waker);

    weir_waker_fini(&waker);
    memset(&waker, 0xee, sizeof waker);

    for (int i = 0; i < 20; i++) {
        wr_loop_settle(loop);
    }
    weir_loop_free(loop);
}

TEST_ABORTS(misuse_a_waker_that_was_not_prepared)
{
    weir_waker waker = {{NULL}};
    weir_wake(&waker);
}

TEST_ABORTS(misuse_a_waker_that_ends_under_a_parked_task)
{
    weir_loop *loop = start();
    weir_waker waker;
    weir_waker_init(&waker, weir_root(loop));
    struct parked parked = {&waker, WEIR_NONE, 1};
    spawn_parked(weir_root(loop), &parked);
    weir_waker_fini(&waker);
}

static void parks_in_a_callback(void *ctx)
{
    (void)!weir_park(ctx, WEIR_NONE, "a wake");
}

TEST_ABORTS(misuse_a_park_on_the_stack_of_the_loop)
{
    weir_loop *loop = start();
    weir_waker waker;
    weir_waker_init(&waker, weir_root(loop));
    weir_timer *timer = weir_timer_new(weir_root(loop), parks_in_a_callback, &waker);
    weir_timer_start(timer, 1);
    (void)!weir_sleep(weir_root(loop), 10);
}

/* ---- weir_work */

struct blocking {
    uv_thread_t thread;
    sem_t begun, go_on;
    int result, ran;
    weir_scope *cancels;
};

/* A sweep may have taken away who posts. */
static void wait_for_post(sem_t *sem)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    if (wr_test_faulty()) {
        until.tv_nsec += 50 * 1000000;
        until.tv_sec += until.tv_nsec / 1000000000;
        until.tv_nsec %= 1000000000;
    } else {
        until.tv_sec += 60;
    }
    (void)sem_timedwait(sem, &until);
}

static void blocks(void *arg)
{
    struct blocking *blocking = arg;
    blocking->thread = uv_thread_self();
    sem_post(&blocking->begun);
    wait_for_post(&blocking->go_on);
    blocking->ran++;
}

static void lets_it_go_on(void *arg)
{
    struct blocking *blocking = arg;
    sem_post(&blocking->go_on);
}

static int works(weir_scope *scope, void *args)
{
    struct blocking *blocking = *(struct blocking **)args;
    blocking->result = weir_work(scope, blocks, blocking,
                                 WEIR_OPTIONS(weir_work_options, .interrupt = lets_it_go_on));
    return 0;
}

static void begin_blocking(struct blocking *blocking)
{
    memset(blocking, 0, sizeof *blocking);
    blocking->result = 1;
    sem_init(&blocking->begun, 0, 0);
    sem_init(&blocking->go_on, 0, 0);
}

TEST(work_runs_on_another_thread)
{
    weir_loop *loop = start();
    struct blocking blocking;
    uv_thread_t here = uv_thread_self();
    begin_blocking(&blocking);
    sem_post(&blocking.go_on);

    ck_assert_int_eq(weir_work(weir_root(loop), blocks, &blocking, NULL), 0);

    ck_assert_int_eq(blocking.ran, 1);
    ck_assert(!uv_thread_equal(&blocking.thread, &here));
    weir_loop_free(loop);
}

TEST(work_does_not_hold_up_a_save)
{
    weir_loop *loop = start();
    weir_scope *scope = weir_scope_new(weir_root(loop), NULL);
    struct blocking blocking, *arg = &blocking;
    int saved = 0;
    begin_blocking(&blocking);
    weir_spawn(scope, "works", works, &arg, sizeof arg);
    wr_loop_settle(loop);

    wr_work_wait(loop, "the disk", lets_it_go_on, &blocking); /* on a thread of its own */
    saved = 1;

    ck_assert_int_eq(weir_scope_wait(scope, NULL), 0);
    ck_assert_int_eq(blocking.ran + saved, 2);
    weir_loop_free(loop);
}

TEST(work_that_runs_is_interrupted_and_waited_for_when_its_task_is_canceled)
{
    weir_loop *loop = start();
    weir_scope *scope = weir_scope_new(weir_root(loop), NULL);
    struct blocking blocking, *arg = &blocking;
    begin_blocking(&blocking);
    weir_spawn(scope, "works", works, &arg, sizeof arg);
    wr_loop_settle(loop);
    ck_assert_int_eq(blocking.result, 1); /* else there was no thread for it */
    wait_for_post(&blocking.begun);

    weir_scope_cancel(scope);
    ck_assert_int_eq(weir_scope_wait(scope, NULL), 0);

    ck_assert_int_eq(blocking.ran, 1);
    ck_assert_int_eq(blocking.result, WEIR_ECANCELED);
    weir_loop_free(loop);
}

TEST(work_whose_turn_has_not_come_does_not_run_when_its_task_is_canceled)
{
    weir_loop *loop = start();
    weir_scope *root = weir_root(loop), *scope = weir_scope_new(root, NULL),
               *second = weir_scope_new(root, NULL);
    struct blocking blocking, later, *arg = &blocking;
    begin_blocking(&blocking);
    begin_blocking(&later);
    weir_spawn(scope, "works", works, &arg, sizeof arg);
    wr_loop_settle(loop);
    ck_assert_int_eq(blocking.result, 1);
    wait_for_post(&blocking.begun);
    arg = &later;
    weir_spawn(second, "later", works, &arg, sizeof arg);
    wr_loop_settle(loop);

    weir_scope_cancel(second);
    ck_assert_int_eq(weir_scope_wait(second, NULL), 0);
    sem_post(&blocking.go_on);
    ck_assert_int_eq(weir_scope_wait(scope, NULL), 0);

    ck_assert_int_eq(later.ran, 0);
    ck_assert_int_eq(later.result, WEIR_ECANCELED);
    ck_assert_int_eq(blocking.result, 0);
    weir_loop_free(loop);
}

MAIN("loop/waker")
