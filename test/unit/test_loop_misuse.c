/*
 * test_loop_misuse.c - what a program may not do with scopes: each of these ends with a message, in
 * all builds.
 * Labels: thread
 */
#include <uv.h>

#include <weir/loop.h>
#include <weir/metrics.h>

#include "loop_core.h"
#include "support_loop.h"

TEST_ABORTS_UNLESS_SANITIZED(misuse_a_scope_waited_for_twice)
{
    weir_loop *loop = start();
    weir_scope *scope = weir_scope_new(weir_root(loop), NULL);
    (void)!weir_scope_wait(scope, NULL);
    (void)!weir_scope_wait(scope, NULL);
}

TEST_ABORTS_UNLESS_SANITIZED(misuse_a_task_in_a_scope_that_has_ended)
{
    weir_loop *loop = start();
    weir_scope *scope = weir_scope_new(weir_root(loop), NULL);
    (void)!weir_scope_wait(scope, NULL);
    weir_spawn(scope, "late", twice_task, NULL, 0);
}

static int waits_for(weir_scope *scope, void *args)
{
    (void)scope;
    return weir_scope_wait(*(weir_scope **)args, NULL);
}

TEST_ABORTS(misuse_two_who_wait_for_a_scope)
{
    weir_loop *loop = start();
    weir_scope *scope = weir_scope_new(weir_root(loop), NULL);
    weir_spawn(scope, "twice", twice_task, NULL, 0);
    weir_spawn(weir_root(loop), "a", waits_for, &scope, sizeof scope);
    weir_spawn(weir_root(loop), "b", waits_for, &scope, sizeof scope);
    wr_loop_settle(loop);
}

TEST_ABORTS(misuse_a_wait_for_the_root)
{
    (void)!weir_scope_wait(weir_root(start()), NULL);
}

static int returns_one(weir_scope *scope, void *args)
{
    (void)scope;
    (void)args;
    return 1;
}

TEST_ABORTS(misuse_a_task_that_returns_a_positive_number)
{
    weir_loop *loop = start();
    weir_spawn(weir_root(loop), "one", returns_one, NULL, 0);
    wr_loop_settle(loop);
}

static int waits_from_inside(weir_scope *scope, void *args)
{
    (void)scope;
    return weir_scope_wait(*(weir_scope **)args, NULL);
}

TEST_ABORTS(misuse_a_wait_for_the_scope_one_runs_in)
{
    weir_loop *loop = start();
    weir_scope *scope = weir_scope_new(weir_root(loop), NULL);
    weir_spawn(scope, "inside", waits_from_inside, &scope, sizeof scope);
    wr_loop_settle(loop);
}

TEST_ABORTS(misuse_a_scope_in_no_scope)
{
    (void)weir_scope_new(NULL, NULL);
}

TEST_ABORTS(misuse_a_task_in_no_scope)
{
    weir_spawn(NULL, "nowhere", twice_task, NULL, 0);
}

TEST_ABORTS(misuse_a_task_that_is_no_function)
{
    weir_spawn(weir_root(start()), "nothing", NULL, NULL, 0);
}

TEST_ABORTS(misuse_the_root_of_no_loop)
{
    (void)weir_root(NULL);
}

TEST_ABORTS(misuse_a_cancel_of_no_scope)
{
    weir_scope_cancel(NULL);
}

TEST_ABORTS(misuse_the_ledger_of_no_scope)
{
    weir_ledger ledger;
    weir_scope_ledger(NULL, &ledger);
}

static void spawn_elsewhere(void *arg)
{
    weir_spawn(arg, "elsewhere", twice_task, NULL, 0);
}

static int task_with_a_thread(weir_scope *scope, void *args)
{
    uv_thread_t thread;
    (void)args;
    ck_assert_int_eq(uv_thread_create(&thread, spawn_elsewhere, scope), 0);
    uv_thread_join(&thread);
    return 0;
}

TEST_ABORTS(misuse_a_scope_of_another_thread)
{
    weir_loop *loop = start();
    weir_spawn(weir_root(loop), "task", task_with_a_thread, NULL, 0);
    wr_loop_settle(loop);
}

static void run_elsewhere(void *arg)
{
    ck_assert(weir_sleep(weir_root(arg), 10));
}

TEST(a_loop_that_does_not_run_may_change_its_thread)
{
    uv_thread_t thread;
    weir_loop *loop = start();
    ck_assert(weir_sleep(weir_root(loop), 10));
    ck_assert_int_eq(uv_thread_create(&thread, run_elsewhere, loop), 0);
    uv_thread_join(&thread);
    ck_assert(weir_sleep(weir_root(loop), 10));
    weir_loop_free(loop);
}

MAIN("loop/misuse")
