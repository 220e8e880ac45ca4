/*
 * test_loop_attached.c - a loop that lives on the program's own libuv loop. Time is real.
 * Labels: thread
 */
#include <uv.h>

#include <weir/loop.h>

#include "loop_core.h"
#include "support_loop.h"

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

static void on_own_timer(uv_timer_t *timer)
{
    note('t');
    uv_close((uv_handle_t *)timer, NULL);
}

TEST(a_loop_tells_the_libuv_loop_that_it_works_on)
{
    uv_loop_t uv;
    ck_assert_int_eq(uv_loop_init(&uv), 0);
    weir_loop *loop = weir_loop_attach(&uv, NULL);
    ck_assert_ptr_nonnull(loop);

    ck_assert_ptr_eq(weir_loop_uv(loop), &uv);

    weir_loop_free(loop);
    ck_assert_int_eq(uv_run(&uv, UV_RUN_DEFAULT), 0);
    ck_assert_int_eq(uv_loop_close(&uv), 0);
}

TEST(a_handle_of_the_programs_own_runs_on_a_loop_of_weirs)
{
    uv_timer_t timer;
    weir_loop *loop = weir_loop_new(NULL);
    ck_assert_ptr_nonnull(loop);
    trace[0] = '\0';
    uv_timer_init(weir_loop_uv(loop), &timer);
    uv_timer_start(&timer, on_own_timer, 1, 0);

    while (trace[0] == '\0') {
        ck_assert(weir_sleep(weir_root(loop), 1));
    }
    ck_assert(weir_sleep(weir_root(loop), 1)); /* the handle is closed by then */

    ck_assert_str_eq(trace, "t");
    weir_loop_free(loop);
}

MAIN("loop/attached")
