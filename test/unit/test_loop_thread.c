/*
 * test_loop_thread.c - the loop's worker, posts from another thread, loops beside each other.
 * Labels: thread
 */
#include <string.h>
#include <uv.h>

#include <weir/loop.h>

#include "base_fault.h"
#include "loop_core.h"
#include "loop_scope.h"
#include "loop_transport.h"
#include "loop_work.h"
#include "support_loop.h"

static void slow_work(void *arg)
{
    uv_thread_t *thread = arg;
    *thread = uv_thread_self();
}

TEST(work_is_done_on_another_thread_while_the_task_waits)
{
    weir_loop *loop = start();
    uv_thread_t here = uv_thread_self(), there = here;

    wr_work_wait(loop, "work", slow_work, &there);
    wr_work_wait(loop, "work", slow_work, &there);

    ck_assert(!uv_thread_equal(&here, &there));
    weir_loop_free(loop);
}

TEST(work_without_a_thread_is_done_here)
{
    weir_loop *loop = start();
    uv_thread_t here = uv_thread_self(), there;

    wr_fault_set(2, false); /* the worker's memory, then its thread */
    wr_work_wait(loop, "work", slow_work, &there);
    wr_fault_set(0, false);

    ck_assert(uv_thread_equal(&here, &there));
    weir_loop_free(loop);
}

struct poster {
    weir_loop *loop;
    int failures;
};

static int posted_task(weir_scope *scope, void *args)
{
    struct wr_task **waiter = *(struct wr_task ***)args;
    (void)scope;
    note('p');
    wr_wake(*waiter, 0);
    return 0;
}

static struct wr_task *post_waiter;

static void post_main(void *arg)
{
    struct poster *poster = arg;
    struct wr_task **where = &post_waiter;
    for (int i = 0; i < 3; i++) {
        poster->failures += weir_post(poster->loop, posted_task, &where, sizeof where) != 0;
    }
}

static bool all_posted(void *arg)
{
    (void)arg;
    return strcmp(trace, "ppp") == 0;
}

TEST(another_thread_posts_tasks)
{
    weir_loop *loop = start();
    struct poster poster = {loop, 0};
    uv_thread_t thread;

    loop->virtual_clock = false;
    wr_time_update(loop);
    post_waiter = wr_task_now(loop, "test");
    ck_assert_int_eq(uv_thread_create(&thread, post_main, &poster), 0);
    int rc = wr_wait_until(loop, all_posted, NULL, wr_test_faulty() ? 50 : 5000, "posts", NULL);
    uv_thread_join(&thread);

    ck_assert_int_eq(rc, 0);
    ck_assert_int_eq(poster.failures, 0);
    weir_loop_free(loop);
}

static int counts_task(weir_scope *scope, void *args)
{
    **(int **)args += weir_sleep(scope, 1000 * 1000) ? 0 : 1;
    return 0;
}

TEST(what_was_posted_before_the_loop_is_freed_runs)
{
    weir_loop *loop = start();
    int ran = 0, *where = &ran, posted = 0;
    for (int i = 0; i < 3; i++) {
        posted += weir_post(loop, counts_task, &where, sizeof where) == 0;
    }

    weir_loop_free(loop);

    ck_assert_int_eq(posted, 3);
    ck_assert_int_eq(ran, posted);
}

static void second_loop(void *arg)
{
    weir_loop *loop = weir_loop_new(NULL);
    if (loop == NULL) {
        return;
    }
    weir_scope *scope = weir_scope_new(weir_root(loop), NULL);
    struct step step = {'2', 1, 0};
    weir_spawn(scope, "second", twice_task, &step, 0);
    weir_scope_cancel(scope);
    weir_error error;
    *(int *)arg = weir_scope_wait(scope, &error);
    weir_loop_free(loop);
}

TEST(two_loops_in_two_threads_know_nothing_of_each_other)
{
    weir_loop *loop = start();
    uv_thread_t thread;
    int rc = 1;

    ck_assert_int_eq(uv_thread_create(&thread, second_loop, &rc), 0);
    for (int i = 0; i < 100; i++) {
        (void)wr_pause(loop, NULL);
    }
    uv_thread_join(&thread);

    ck_assert_int_eq(rc, 0);
    weir_loop_free(loop);
}

MAIN("loop/thread")
