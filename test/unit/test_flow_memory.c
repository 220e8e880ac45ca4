/*
 * Generators and sinks that could not be made for want of memory: what stands for them fails, and
 * goes on failing for everybody.
 */
#include "base_fault.h"
#include "support_flow.h"

static weir_gen *not_made(weir_loop *loop)
{
    wr_fault_set(1, false);
    weir_gen *gen = weir_count(weir_root(loop), 1, 5);
    wr_fault_set(0, false);
    return gen;
}

TEST(one_that_could_not_be_made_fails_with_enomem)
{
    weir_loop *loop = test_loop();
    weir_gen *gen = not_made(loop);
    weir_item item;
    weir_error error;
    ck_assert(!weir_next(gen, &item));
    ck_assert_int_eq(weir_next_within(gen, &item, 10), WEIR_GOT_OVER);
    ck_assert_int_eq(weir_throw(gen, WEIR_EUSER, NULL, &item), WEIR_GOT_OVER);
    ck_assert_int_eq(weir_finish(gen, &error), WEIR_ENOMEM);
    ck_assert_int_eq(error.code, WEIR_ENOMEM);
    weir_loop_free(loop);
}

TEST(one_that_could_not_be_made_is_told_and_not_taken_by_catch)
{
    weir_loop *loop = test_loop();
    weir_gen *gen = not_made(loop);
    weir_error error;

    ck_assert(!weir_catch(gen, WEIR_ANY, &error));

    ck_assert_int_eq(error.code, WEIR_ENOMEM);
    ck_assert_int_eq(weir_finish(gen, NULL), WEIR_ENOMEM);
    ck_assert_int_eq(weir_finish(not_made(loop), NULL), WEIR_ENOMEM); /* nor is the next one's */
    weir_loop_free(loop);
}

TEST(one_that_could_not_be_made_leaves_what_it_should_adopt_to_its_scope)
{
    weir_loop *loop = test_loop();
    weir_scope *scope = weir_scope_new(weir_root(loop), NULL);
    weir_gen *gen = not_made(loop);

    weir_adopt(gen, count_to(scope, 3));
    weir_adopt(gen, count_to(scope, 3));

    ck_assert_int_eq(weir_finish(gen, NULL), WEIR_ENOMEM);
    ck_assert_int_eq(weir_scope_wait(scope, NULL), 0);
    weir_loop_free(loop);
}

TEST(one_that_could_not_be_made_fails_who_adopts_it)
{
    weir_loop *loop = test_loop();
    weir_gen *gen = count_to(weir_root(loop), 3);
    weir_item item;
    weir_adopt(gen, not_made(loop));
    ck_assert(!weir_next(gen, &item));
    ck_assert_int_eq(weir_finish(gen, NULL), WEIR_ENOMEM);
    weir_loop_free(loop);
}

MAIN("flow/memory")
