/*
 * Tasks that wait for the loop's byte budget: who is woken by a release, who fails where none can
 * come, and what is said of them.
 */
#include <weir/wait.h>

#include "bytes_block.h"
#include "loop_wait.h"
#include "support_flow.h"
#include "texts_flow.h"

struct waiting {
    weir_loop *loop;
    int id;
    int *told; /* its id, negative if it failed, behind those of the tasks before it */
    size_t *count;
};

static int wait_main(weir_scope *scope, void *args)
{
    const struct waiting *waiting = args;
    (void)scope;
    int rc = wr_budget_wait(waiting->loop, NULL);
    waiting->told[(*waiting->count)++] = rc == WEIR_EBUDGET ? -waiting->id : waiting->id;
    return 0;
}

/* A loop whose budget is used up, and tasks 1 and 2 that wait for it, in this order. */
struct starved {
    weir_loop *loop;
    weir_scope *scope;
    int64_t taken;
    int told[2];
    size_t count;
};

static void starve(struct starved *s)
{
    *s = (struct starved){.loop = test_loop()};
    s->scope = weir_scope_new(weir_root(s->loop), NULL);
    s->taken = s->loop->budget.limit;
    wr_budget_take(&s->loop->budget, (size_t)s->taken);
    for (int id = 1; id <= 2; id++) {
        struct waiting waiting = {s->loop, id, s->told, &s->count};
        weir_spawn(s->scope, "waiter", wait_main, &waiting, sizeof waiting);
    }
}

static void release(struct starved *s)
{
    wr_budget_release(&s->loop->budget, (size_t)s->taken);
    s->taken = 0;
}

TEST(budget_that_is_released_wakes_each_waiter)
{
    struct starved s;
    starve(&s);
    wr_loop_settle(s.loop);
    ck_assert_uint_eq(s.count, 0);
    ck_assert_uint_eq(s.loop->budget.waiters, 2);

    release(&s);
    wr_loop_settle(s.loop);

    ck_assert_uint_eq(s.count, 2);
    ck_assert_int_eq(s.told[0], 1);
    ck_assert_int_eq(s.told[1], 2);
    ck_assert_uint_eq(s.loop->budget.waiters, 0);
    weir_loop_free(s.loop);
}

TEST(budget_that_cannot_come_fails_the_waiters_one_by_one_the_last_first)
{
    struct starved s;
    starve(&s);

    ck_assert_int_eq(weir_scope_wait(s.scope, NULL), 0);

    ck_assert_uint_eq(s.count, 2);
    ck_assert_int_eq(s.told[0], -2);
    ck_assert_int_eq(s.told[1], -1);
    release(&s);
    weir_loop_free(s.loop);
}

/* The budget may be held by a task that waits for something outside the loop's tasks: here for a
 * wake that comes once every task is parked. */
struct holding {
    struct starved *s;
    weir_waker waker;
    struct wr_before_poll hook;
};

static void wake_from_outside(struct wr_before_poll *hook)
{
    weir_wake_remote(&WR_OWNER(hook, struct holding, hook)->waker);
}

static int hold_main(weir_scope *scope, void *args)
{
    struct holding *holding = *(struct holding **)args;
    (void)scope;
    wr_list_append(&holding->s->loop->before_poll, &holding->hook.link);
    int rc = weir_park(&holding->waker, WEIR_NONE, "what it is for");
    release(holding->s);
    return rc;
}

TEST(budget_may_be_held_by_a_task_that_waits_for_no_other_task)
{
    struct starved s;
    starve(&s);
    struct holding holding = {.s = &s}, *args = &holding;
    weir_waker_init(&holding.waker, weir_root(s.loop));
    wr_before_poll_init(&holding.hook, wake_from_outside);
    weir_spawn(s.scope, "holder", hold_main, &args, sizeof args);

    ck_assert_int_eq(weir_scope_wait(s.scope, NULL), 0);

    ck_assert_uint_eq(s.count, 2);
    ck_assert_int_eq(s.told[0], 1);
    ck_assert_int_eq(s.told[1], 2);
    weir_waker_fini(&holding.waker);
    weir_loop_free(s.loop);
}

/* ---- what is said */

struct holder {
    struct wr_object object;
    weir_loop *loop;
    struct weir_block *block;
};

static int64_t block_held(const struct wr_object *object, uint32_t mark)
{
    const struct holder *holder = WR_OWNER((uintptr_t)object, struct holder, object);
    return wr_block_mark(holder->block, mark);
}

static const struct wr_object_ops holder_ops = {.kind = "holder", .held = block_held};

static int wait_for_holder(weir_scope *scope, void *args)
{
    struct holder *holder = *(struct holder **)args;
    (void)scope;
    return wr_budget_wait(holder->loop, &holder->object) == 0 ? 0 : WEIR_EUSER;
}

TEST(budget_is_told_with_what_each_waiter_holds_and_what_others_hold)
{
    struct starved s;
    int why;
    char text[200];
    starve(&s);
    struct holder holder = {.loop = s.loop}, *args = &holder;
    wr_object_init(&holder.object, &holder_ops, weir_root(s.loop), "lines");
    s.loop->budget.limit += 5000;
    holder.block = wr_block_new(&s.loop->blocks, 1000, &why);
    ck_assert_ptr_nonnull(holder.block);
    weir_spawn(s.scope, "reader", wait_for_holder, &args, sizeof args);
    wr_loop_settle(s.loop);
    long long used = s.loop->budget.used, held = used - s.taken;

    for (int i = 0; i < 2; i++) { /* each time it is counted anew */
        char expected[200];
        snprintf(expected, sizeof expected, TEXT_FLOW_BUDGET_HELD, used,
                 (long long)s.loop->budget.limit, held, used - held);
        ck_assert_uint_eq(wr_budget_tell(s.loop, text, sizeof text), strlen(expected));
        ck_assert_str_eq(text, expected);
    }
    ck_assert_int_gt(held, 0);
    wr_block_unref(holder.block, 1);
    release(&s);
    ck_assert_int_eq(weir_scope_wait(s.scope, NULL), 0);
    wr_object_fini(&holder.object);
    weir_loop_free(s.loop);
}

MAIN("loop/budget")
