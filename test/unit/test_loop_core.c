/*
 * test_loop_core.c - tasks, scopes, timers and the loop's two ways of running.
 * Labels: thread
 *
 * The test itself is the loop's outer task, so it waits like any other. What tasks do is written to
 * a trace, one letter a step. Time is virtual unless a test is about a thread.
 */
#include <stdio.h>
#include <string.h>
#include <uv.h>

#include <weir/loop.h>

#include "base_fault.h"
#include "loop_core.h"
#include "loop_scope.h"
#include "loop_transport.h"
#include "loop_work.h"
#include "support_check.h"

static char trace[256];

static void note(char step)
{
    size_t len = strlen(trace);
    if (len + 1 < sizeof trace) {
        trace[len] = step;
        trace[len + 1] = '\0';
    }
}

static weir_loop *start(void)
{
    weir_loop *loop = weir_loop_new(NULL);
    ck_assert_ptr_nonnull(loop);
    wr_loop_virtual_clock(loop, 1700000000000000000);
    trace[0] = '\0';
    return loop;
}

struct step {
    char letter;
    int64_t sleep_ms;
    int rc;
};

static int step_task(weir_scope *scope, void *args)
{
    struct step *step = args;
    if (step->sleep_ms > 0 && !weir_sleep(scope, step->sleep_ms)) {
        note('!');
        return WEIR_ECANCELED;
    }
    note(step->letter);
    return step->rc;
}

static void spawn(weir_scope *scope, char letter, int64_t sleep_ms, int rc)
{
    struct step step = {letter, sleep_ms, rc};
    weir_spawn(scope, (char[]){letter, '\0'}, step_task, &step, sizeof step);
}

static int wait_for(weir_scope *scope)
{
    weir_error error;
    int rc = weir_scope_wait(scope, &error);
    ck_assert_int_eq(rc, error.code);
    return rc;
}

TEST(tasks_start_in_the_order_of_their_spawning)
{
    weir_loop *loop = start();
    weir_scope *scope = weir_scope_new(weir_root(loop), NULL);

    spawn(scope, 'a', 0, 0);
    spawn(scope, 'b', 0, 0);
    spawn(scope, 'c', 0, 0);
    note('-');
    ck_assert_int_eq(wait_for(scope), 0);

    ck_assert_str_eq(trace, "-abc");
    weir_loop_free(loop);
}

TEST(a_loop_without_tasks_is_freed)
{
    weir_loop_free(start());
    weir_loop_free(NULL);
}

struct parker {
    struct wr_task **out;
    int *got;
};

static int park_task(weir_scope *scope, void *args)
{
    struct parker *parker = args;
    *parker->out = wr_task_now(scope->loop, "test");
    *parker->got = wr_wait(scope->loop, "a test", NULL);
    note('w');
    return 0;
}

TEST(a_parked_task_returns_what_it_is_woken_with)
{
    weir_loop *loop = start();
    struct wr_task *task = NULL;
    int got = 1;
    struct parker parker = {&task, &got};

    weir_spawn(weir_root(loop), "parker", park_task, &parker, sizeof parker);
    wr_loop_settle(loop);
    ck_assert_ptr_nonnull(task);
    ck_assert_str_eq(task->why, "a test");
    wr_wake(task, -77);
    wr_wake(task, -78); /* not parked any more: nothing */
    wr_loop_settle(loop);

    ck_assert_int_eq(got, -77);
    ck_assert_str_eq(trace, "w");
    weir_loop_free(loop);
}

TEST(sleeps_end_in_the_order_of_their_times)
{
    weir_loop *loop = start();
    weir_scope *scope = weir_scope_new(weir_root(loop), NULL);
    int64_t began = wr_now_ns(loop);

    spawn(scope, 'c', 300, 0);
    spawn(scope, 'a', 100, 0);
    spawn(scope, 'b', 200, 0);
    spawn(scope, 'B', 200, 0);
    ck_assert_int_eq(wait_for(scope), 0);

    ck_assert_str_eq(trace, "abBc");
    ck_assert_int_eq((wr_now_ns(loop) - began) / 1000000, 300);
    weir_loop_free(loop);
}

TEST(main_sleeps_without_a_task_of_its_own)
{
    weir_loop *loop = start();
    int64_t began = wr_now_ns(loop);

    ck_assert(weir_sleep(weir_root(loop), 3600 * 1000));

    ck_assert_int_eq((wr_now_ns(loop) - began) / 1000000, 3600 * 1000);
    weir_loop_free(loop);
}

struct clocked {
    struct wr_timer timer;
    char letter;
};

static void on_clocked(struct wr_timer *timer)
{
    note(WR_OWNER(timer, struct clocked, timer)->letter);
}

TEST(timers_fire_by_time_then_by_start_and_not_when_stopped)
{
    static const int64_t due_ms[8] = {70, 10, 50, 10, 30, 0, 90, 50};
    weir_loop *loop = start();
    struct clocked timers[8];

    for (int i = 0; i < 8; i++) {
        timers[i].letter = (char)('a' + i);
        wr_timer_init(&timers[i].timer, on_clocked);
        wr_timer_start(loop, &timers[i].timer, due_ms[i]);
    }
    wr_timer_stop(loop, &timers[4].timer);
    wr_timer_start(loop, &timers[6].timer, 5);
    ck_assert(weir_sleep(weir_root(loop), 1000));

    ck_assert_str_eq(trace, "fgbdcha");
    weir_loop_free(loop);
}

static int twice_task(weir_scope *scope, void *args)
{
    (void)args;
    note(weir_sleep(scope, 1000) ? '1' : '!');
    note(weir_sleep(scope, 1000) ? '2' : '!');
    return 0;
}

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

static int pausing_task(weir_scope *scope, void *args)
{
    int turns = *(int *)args;
    while (turns-- > 0 && wr_pause(scope->loop) == 0) {
        note('p');
    }
    return 0;
}

struct hooked {
    struct wr_before_poll hook;
    int runs;
};

static void on_hook(struct wr_before_poll *hook)
{
    WR_OWNER(hook, struct hooked, hook)->runs++;
    note('h');
}

TEST(hooks_run_before_the_poll_also_beside_a_task_that_only_pauses)
{
    weir_loop *loop = start();
    struct hooked hooked = {.runs = 0};
    int turns = 3;

    weir_spawn(weir_root(loop), "pausing", pausing_task, &turns, sizeof turns);
    wr_before_poll_init(&hooked.hook, on_hook);
    wr_before_poll_enrol(loop, &hooked.hook);
    wr_before_poll_enrol(loop, &hooked.hook);
    wr_loop_settle(loop);

    ck_assert_int_eq(hooked.runs, 1);
    ck_assert_str_eq(trace, "hppp");
    weir_loop_free(loop);
}

static void on_loop_stack(void *arg)
{
    weir_loop *loop = *(weir_loop **)arg;
    note(loop->task == NULL ? 'L' : '?');
}

static int calling_task(weir_scope *scope, void *args)
{
    (void)args;
    weir_loop *loop = scope->loop;
    wr_call_on_loop_stack(loop, on_loop_stack, &loop);
    note('t');
    return 0;
}

TEST(a_call_on_the_loop_stack_comes_back_to_its_task)
{
    weir_loop *loop = start();
    weir_scope *scope = weir_scope_new(weir_root(loop), NULL);

    wr_call_on_loop_stack(loop, on_loop_stack, &loop); /* before the scheduler has ever run */
    note('m');
    weir_spawn(scope, "calling", calling_task, NULL, 0);
    wr_call_on_loop_stack(loop, on_loop_stack, &loop);
    note('m');
    ck_assert_int_eq(wait_for(scope), 0);

    ck_assert_str_eq(trace, "LmLmLt");
    weir_loop_free(loop);
}

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
    int rc = wr_wait_until(loop, all_posted, NULL, wr_test_sweeps() ? 50 : 5000, "posts", NULL);
    uv_thread_join(&thread);

    ck_assert_int_eq(rc, 0);
    ck_assert_int_eq(poster.failures, 0);
    weir_loop_free(loop);
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
        (void)wr_pause(loop);
    }
    uv_thread_join(&thread);

    ck_assert_int_eq(rc, 0);
    weir_loop_free(loop);
}

static int attached_task(weir_scope *scope, void *args)
{
    (void)args;
    note('a');
    note(weir_sleep(scope, 5) ? 'b' : '!');
    return 0;
}

static int endless_task(weir_scope *scope, void *args)
{
    (void)args;
    while (weir_sleep(scope, 1000 * 1000)) {}
    note('e');
    return 0;
}

TEST(an_attached_loop_runs_until_its_tasks_have_ended)
{
    uv_loop_t uv;
    ck_assert_int_eq(uv_loop_init(&uv), 0);
    trace[0] = '\0';
    weir_loop *loop = weir_loop_attach(&uv, NULL);
    ck_assert_ptr_nonnull(loop);

    ck_assert_int_eq(uv_run(&uv, UV_RUN_DEFAULT), 0); /* nothing to do: returns */
    weir_spawn(weir_root(loop), "attached", attached_task, NULL, 0);
    note('-');
    ck_assert_int_eq(uv_run(&uv, UV_RUN_DEFAULT), 0);
    ck_assert_str_eq(trace, "-ab");

    weir_loop_free(loop);
    ck_assert_int_eq(uv_run(&uv, UV_RUN_DEFAULT), 0);
    ck_assert_int_eq(uv_loop_close(&uv), 0);
}

TEST(freeing_an_attached_loop_cancels_its_tasks_first)
{
    uv_loop_t uv;
    ck_assert_int_eq(uv_loop_init(&uv), 0);
    trace[0] = '\0';
    weir_loop *loop = weir_loop_attach(&uv, NULL);
    ck_assert_ptr_nonnull(loop);

    weir_spawn(weir_root(loop), "endless", endless_task, NULL, 0);
    uv_run(&uv, UV_RUN_NOWAIT);
    weir_loop_free(loop);
    ck_assert_int_eq(uv_run(&uv, UV_RUN_DEFAULT), 0);

    ck_assert_str_eq(trace, "e");
    ck_assert_int_eq(uv_loop_close(&uv), 0);
}

static int counting_task(weir_scope *scope, void *args)
{
    int *count = *(int **)args;
    bool slept = weir_sleep(scope, 10);
    *count += slept ? 1 : 0;
    return 0;
}

/* ThreadSanitizer's fibers are slow to make. */
#if defined(__SANITIZE_THREAD__)
enum { MANY = 500 };
#else
enum { MANY = 10000 };
#endif

TEST(ten_thousand_tasks_wait_at_once)
{
    if (wr_test_sweeps()) {
        return;
    }
    weir_loop *loop = start();
    weir_scope *scope = weir_scope_new(weir_root(loop), NULL);
    int count = 0, *where = &count;

    for (int i = 0; i < MANY; i++) {
        weir_spawn(scope, "counting", counting_task, &where, sizeof where);
    }
    ck_assert_int_eq(wait_for(scope), 0);

    ck_assert_int_eq(count, MANY);
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

TEST(a_loop_without_memory_is_null_or_works)
{
    bool fired = true;
    for (uint64_t k = 1; fired; k++) {
        wr_fault_set(k, false);
        weir_loop *loop = weir_loop_new(NULL);
        fired = wr_fault_fired() > 0;
        wr_fault_set(0, false);
        ck_assert(loop != NULL || fired);
        ck_assert(loop == NULL || weir_sleep(weir_root(loop), 0));
        weir_loop_free(loop);
    }
}

TEST(a_freed_loop_waits_for_its_tasks_to_clean_up)
{
    weir_loop *loop = start();

    weir_spawn(weir_root(loop), "twice", twice_task, NULL, 0);
    wr_loop_settle(loop);
    weir_loop_free(loop);

    ck_assert_str_eq(trace, "!2");
}

MAIN("loop/core")
