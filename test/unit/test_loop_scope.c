/*
 * test_loop_scope.c - cancels, deadlines, failures and the order in which a tree of tasks ends.
 * Labels: thread
 */
#include <weir/loop.h>
#include <weir/metrics.h>

#include "base_fault.h"
#include "loop_core.h"
#include "loop_scope.h"
#include "support_loop.h"

TEST(a_cancel_fails_the_wait_under_way_and_no_later_one)
{
    weir_loop *loop = start();
    weir_scope *scope = weir_scope_new(weir_root(loop), NULL);

    weir_spawn(scope, "twice", twice_task, NULL, 0);
    ck_assert(weir_sleep(weir_root(loop), 10));
    weir_scope_cancel(scope);
    weir_scope_cancel(scope);
    ck_assert_int_eq(wait_for(scope), 0);

    ck_assert_str_eq(trace, "!2");
    weir_loop_free(loop);
}

TEST(a_task_spawned_in_a_canceled_scope_runs_and_its_first_wait_fails)
{
    weir_loop *loop = start();
    weir_scope *scope = weir_scope_new(weir_root(loop), NULL);

    weir_scope_cancel(scope);
    weir_spawn(scope, "twice", twice_task, NULL, 0);
    ck_assert_int_eq(wait_for(scope), 0);

    ck_assert_str_eq(trace, "!2");
    weir_loop_free(loop);
}

static int stubborn_task(weir_scope *scope, void *args)
{
    (void)args;
    for (int i = 0; i < 5; i++) {
        note(weir_sleep(scope, 60) ? '.' : '!');
    }
    return 0;
}

TEST(after_the_grace_each_wait_fails)
{
    weir_loop *loop = start();
    weir_scope_options options = {.struct_size = sizeof options, .grace_ms = 100};
    weir_scope *scope = weir_scope_new(weir_root(loop), &options);

    weir_spawn(scope, "stubborn", stubborn_task, NULL, 0);
    ck_assert(weir_sleep(weir_root(loop), 70));
    weir_scope_cancel(scope);
    ck_assert_int_eq(wait_for(scope), 0);

    ck_assert_str_eq(trace, ".!.!!");
    weir_loop_free(loop);
}

static weir_scope *seen_scope;

static int show_scope_task(weir_scope *scope, void *args)
{
    seen_scope = scope;
    return stubborn_task(scope, args);
}

TEST(the_grace_of_a_canceled_task_scope_reaches_the_task_itself)
{
    weir_loop *loop = start();
    weir_scope *scope = weir_scope_new(weir_root(loop), NULL);

    weir_spawn(scope, "own", show_scope_task, NULL, 0);
    wr_loop_settle(loop);
    ck_assert_ptr_nonnull(seen_scope);
    int64_t began = wr_now_ns(loop);
    seen_scope->grace_ms = 100;
    weir_scope_cancel(seen_scope);
    ck_assert_int_eq(wait_for(scope), 0);

    ck_assert_str_eq(trace, "!.!!!");
    ck_assert_int_eq((wr_now_ns(loop) - began) / 1000000, 100); /* the wait under way failed */
    weir_loop_free(loop);
}

TEST(a_deadline_cancels_and_is_the_failure)
{
    weir_loop *loop = start();
    weir_scope_options options = {
        .struct_size = sizeof options, .name = "work", .deadline_ms = 250};
    weir_scope *scope = weir_scope_new(weir_root(loop), &options);
    weir_error error;

    spawn(scope, 'a', 100, 0);
    spawn(scope, 'b', 1000, 0);
    int rc = weir_scope_wait(scope, &error);

    ck_assert_int_eq(rc, WEIR_ETIMEDOUT);
    ck_assert_str_eq(error.origin, "work");
    ck_assert_str_eq(trace, "a!");
    weir_loop_free(loop);
}

TEST(the_first_failure_in_time_is_told_and_cancels_the_rest)
{
    weir_loop *loop = start();
    weir_scope *scope = weir_scope_new(weir_root(loop), NULL);
    weir_error error;

    spawn(scope, 'a', 300, -1001);
    spawn(scope, 'b', 100, -1002);
    spawn(scope, 'c', 900, 0);
    int rc = weir_scope_wait(scope, &error);

    ck_assert_int_eq(rc, -1002);
    ck_assert_str_eq(error.origin, "b");
    ck_assert_str_eq(trace, "b!!");
    weir_loop_free(loop);
}

TEST(a_scope_that_goes_on_lets_the_others_end)
{
    weir_loop *loop = start();
    weir_scope_options options = {.struct_size = sizeof options, .on_failure = WEIR_GO_ON};
    weir_scope *scope = weir_scope_new(weir_root(loop), &options);

    spawn(scope, 'a', 300, -1001);
    spawn(scope, 'b', 100, -1002);
    ck_assert_int_eq(wait_for(scope), -1002);

    ck_assert_str_eq(trace, "ba");
    weir_loop_free(loop);
}

static int nest_task(weir_scope *scope, void *args)
{
    int depth = *(int *)args - 1;
    if (depth > 0) {
        weir_spawn(scope, "nest", nest_task, &depth, sizeof depth);
    }
    return weir_sleep(scope, 50 * depth) ? (note((char)('0' + depth)), 0)
                                         : (note('!'), WEIR_ECANCELED);
}

TEST(a_task_ends_after_its_children)
{
    weir_loop *loop = start();
    weir_scope *scope = weir_scope_new(weir_root(loop), NULL);
    int depth = 4;

    weir_spawn(scope, "nest", nest_task, &depth, sizeof depth);
    ck_assert(weir_sleep(weir_root(loop), 1));
    ck_assert_uint_eq(scope->live, 3); /* the innermost slept 0 ms and has ended */
    ck_assert_int_eq(wait_for(scope), 0);

    ck_assert_str_eq(trace, "0123");
    weir_loop_free(loop);
}

static int failing_parent(weir_scope *scope, void *args)
{
    (void)args;
    spawn(scope, 'c', 1000, -1009);
    return weir_sleep(scope, 10) ? -1005 : -1006;
}

TEST(a_failing_task_ends_its_children_and_its_failure_counts)
{
    weir_loop *loop = start();
    weir_scope *scope = weir_scope_new(weir_root(loop), NULL);
    int64_t began = wr_now_ns(loop);

    weir_spawn(scope, "parent", failing_parent, NULL, 0);
    ck_assert_int_eq(wait_for(scope), -1005);

    ck_assert_str_eq(trace, "!");
    ck_assert_int_eq((wr_now_ns(loop) - began) / 1000000, 10);
    weir_loop_free(loop);
}

TEST(a_cancel_reaches_nested_scopes_and_not_those_around)
{
    weir_loop *loop = start();
    weir_scope *outer = weir_scope_new(weir_root(loop), NULL);
    weir_scope *inner = weir_scope_new(outer, NULL);
    weir_scope *innermost = weir_scope_new(inner, NULL);

    spawn(outer, 'o', 100, 0);
    spawn(innermost, 'i', 100, 0);
    wr_loop_settle(loop);
    weir_scope_cancel(inner);
    ck_assert_int_eq(wait_for(innermost), 0);
    ck_assert_int_eq(wait_for(inner), 0);
    ck_assert_int_eq(wait_for(outer), 0);

    ck_assert_str_eq(trace, "!o");
    weir_loop_free(loop);
}

static int waiting_parent(weir_scope *scope, void *args)
{
    (void)args;
    weir_scope *inner = weir_scope_new(scope, NULL);
    spawn(inner, 'i', 500, 0);
    weir_error error;
    int rc = weir_scope_wait(inner, &error);
    note(rc == 0 ? 'w' : '?');
    note(weir_sleep(scope, 1) ? 's' : '!');
    return 0;
}

TEST(a_canceled_waiter_ends_what_it_waits_for_and_learns_of_it_next)
{
    weir_loop *loop = start();
    weir_scope *scope = weir_scope_new(weir_root(loop), NULL);

    weir_spawn(scope, "waiter", waiting_parent, NULL, 0);
    ck_assert(weir_sleep(weir_root(loop), 10));
    weir_scope_cancel(scope);
    ck_assert_int_eq(wait_for(scope), 0);

    ck_assert_str_eq(trace, "!w!");
    weir_loop_free(loop);
}

TEST(a_spawn_without_memory_is_the_failure_of_its_scope)
{
    weir_loop *loop = start();
    for (uint64_t k = 1; k <= 2; k++) {
        weir_scope *scope = weir_scope_new(weir_root(loop), NULL);
        wr_fault_set(k, false); /* the task's scope, then the task */
        spawn(scope, 'a', 0, 0);
        wr_fault_set(0, false);
        ck_assert_int_eq(wait_for(scope), WEIR_ENOMEM);
    }
    ck_assert_str_eq(trace, "");
    weir_loop_free(loop);
}

TEST(a_scope_without_memory_stands_for_its_parent_and_fails)
{
    weir_loop *loop = start();

    wr_fault_set(1, false);
    weir_scope *scope = weir_scope_new(weir_root(loop), NULL);
    wr_fault_set(0, false);
    weir_error error;

    ck_assert_ptr_eq(scope, weir_root(loop));
    ck_assert_int_eq(weir_scope_wait(scope, &error), WEIR_ENOMEM);
    weir_loop_free(loop);
}

TEST(a_freed_loop_waits_for_its_tasks_to_clean_up)
{
    weir_loop *loop = start();

    weir_spawn(weir_root(loop), "twice", twice_task, NULL, 0);
    wr_loop_settle(loop);
    weir_loop_free(loop);

    ck_assert_str_eq(trace, "!2");
}

/* Cleans up for as long as it may. */
static int cleans_for_ever(weir_scope *scope, void *args)
{
    (void)args;
    (void)!weir_sleep(scope, 1000 * 1000);
    while (weir_sleep(scope, 10)) {}
    note('e');
    return 0;
}

static int64_t cancel_takes_ms(int64_t outer_ms, int64_t inner_ms)
{
    weir_loop *loop = start();
    weir_scope *outer =
        weir_scope_new(weir_root(loop), WEIR_OPTIONS(weir_scope_options, .grace_ms = outer_ms));
    weir_scope *inner =
        weir_scope_new(outer, WEIR_OPTIONS(weir_scope_options, .grace_ms = inner_ms));
    weir_spawn(inner, "cleaner", cleans_for_ever, NULL, 0);
    wr_loop_settle(loop);
    int64_t began = wr_now_ns(loop);

    weir_scope_cancel(outer);
    ck_assert_int_eq(wait_for(outer), 0);

    ck_assert_str_eq(trace, "e");
    int64_t took_ms = (wr_now_ns(loop) - began) / 1000000;
    weir_loop_free(loop);
    return took_ms;
}

TEST(a_shorter_grace_counts_when_the_scope_around_is_canceled)
{
    ck_assert_int_eq(cancel_takes_ms(5000, 200), 200);
    ck_assert_int_eq(cancel_takes_ms(WEIR_NONE, 200), 200);
}

TEST(a_longer_grace_ends_with_that_of_the_scope_around)
{
    ck_assert_int_eq(cancel_takes_ms(300, 5000), 300);
    ck_assert_int_eq(cancel_takes_ms(300, WEIR_NONE), 300);
}

static int opens_many_scopes(weir_scope *scope, void *args)
{
    weir_scope *inner = scope;
    int depth = *(int *)args;
    for (int i = 0; i < depth; i++) {
        inner = weir_scope_new(inner, NULL);
    }
    spawn(inner, 'i', 1000 * 1000, 0);
    (void)!weir_sleep(scope, 1);
    weir_scope_stop(scope);
    weir_scope_cancel(scope);
    return weir_sleep(scope, 1) ? 0 : WEIR_ECANCELED;
}

TEST(scopes_nest_deeper_than_a_stack)
{
    weir_loop *loop = start();
    weir_scope *scope = weir_scope_new(weir_root(loop), NULL);
    int depth = wr_test_sweeps() ? 3 : 100000;
    weir_ledger ledger;

    weir_spawn(scope, "opener", opens_many_scopes, &depth, sizeof depth);
    wr_loop_settle(loop);
    weir_scope_ledger(scope, &ledger);
    ck_assert_int_eq(wait_for(scope), 0);

    ck_assert_str_eq(trace, "!");
    weir_loop_free(loop);
}

MAIN("loop/scope")
