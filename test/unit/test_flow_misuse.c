/*
 * What a program may not do with generators: each of these ends with a message, in all builds.
 */
#include "support_flow.h"

#include <uv.h>

struct none {
    char unused;
};

WEIR_STAGE(same, struct none)
{
    weir_item item;
    (void)args;
    while (weir_next(up, &item)) {
        if (!weir_yield(self, &item)) {
            break;
        }
    }
    return 0;
}

static int calls_itself(weir_gen *self, weir_gen *up, void *args)
{
    weir_item item;
    (void)up;
    (void)args;
    bool got = weir_next(self, &item);
    return got ? 1 : 0;
}

TEST_ABORTS(misuse_a_generator_that_pulls_itself)
{
    weir_loop *loop = test_loop();
    weir_item item;
    (void)!weir_next(weir_gen_new(weir_root(loop), calls_itself, NULL, 0, NULL), &item);
}

static int second_reader(weir_scope *scope, void *args)
{
    weir_item item;
    (void)scope;
    (void)!weir_next(*(weir_gen **)args, &item);
    return 0;
}

TEST_ABORTS(misuse_a_second_reader)
{
    weir_loop *loop = test_loop();
    weir_scope *root = weir_root(loop);
    weir_gen *gen = numbers(root, (struct numbers_args){5, 0, 100, root});
    weir_spawn(root, "a", second_reader, &gen, sizeof gen);
    weir_spawn(root, "b", second_reader, &gen, sizeof gen);
    wr_loop_settle(loop);
}

TEST_ABORTS(misuse_a_thousand_pulls_past_the_end)
{
    weir_loop *loop = test_loop();
    weir_gen *gen = count_to(weir_root(loop), 1);
    weir_item item;
    for (int i = 0; i < 1002; i++) {
        (void)!weir_next(gen, &item);
    }
}

TEST(a_few_pulls_past_the_end_stay_false)
{
    weir_loop *loop = test_loop();
    weir_gen *gen = count_to(weir_root(loop), 1);
    weir_item item;
    ck_assert(weir_next(gen, &item));
    for (int i = 0; i < 900; i++) {
        ck_assert(!weir_next(gen, &item));
    }
    weir_discard(gen);
    weir_loop_free(loop);
}

WEIR_SOURCE(yields_for_ever, struct none)
{
    long one = 1;
    weir_item item = number_item(&one);
    (void)args;
    for (;;) {
        (void)!weir_yield(self, &item);
    }
    return 0;
}

TEST_ABORTS(misuse_a_body_that_never_hears_false)
{
    weir_loop *loop = test_loop();
    weir_gen *gen = yields_for_ever(weir_root(loop), (struct none){0});
    weir_item item;
    (void)!weir_next(gen, &item);
    weir_discard(gen);
}

TEST_ABORTS(misuse_next_outside_a_task_on_an_attached_loop)
{
    uv_loop_t uv;
    weir_item item;
    uv_loop_init(&uv);
    weir_loop *loop = weir_loop_attach(&uv, NULL);
    (void)!weir_next(count_to(weir_root(loop), 1), &item);
}

TEST_ABORTS(misuse_next_twice_outside_a_task_on_an_attached_loop)
{
    uv_loop_t uv;
    weir_item items[2];
    uv_loop_init(&uv);
    weir_loop *loop = weir_loop_attach(&uv, NULL);
    (void)!weir_next_many(weir_count(weir_root(loop), 1, 5), items, 2);
}

TEST_ABORTS(misuse_adopt_twice)
{
    weir_loop *loop = test_loop();
    weir_gen *one = count_to(weir_root(loop), 1), *two = count_to(weir_root(loop), 1);
    weir_gen *more = count_to(weir_root(loop), 1);
    weir_adopt(one, more);
    weir_adopt(two, more);
}

TEST_ABORTS(misuse_a_generator_made_to_read_itself)
{
    weir_loop *loop = test_loop();
    weir_gen *one = count_to(weir_root(loop), 1);
    weir_adopt(one, one);
}

TEST_ABORTS(misuse_two_stages_over_one_generator)
{
    weir_loop *loop = test_loop();
    weir_gen *one = count_to(weir_root(loop), 1);
    (void)same(one, (struct none){0});
    (void)same(one, (struct none){0});
}

TEST_ABORTS(misuse_a_yield_from_outside_the_body)
{
    weir_loop *loop = test_loop();
    weir_gen *gen = count_to(weir_root(loop), 3);
    weir_item item;
    (void)!weir_next(gen, &item);
    (void)!weir_yield(gen, &item);
}

TEST_ABORTS(misuse_a_thrown_code_that_is_none)
{
    weir_loop *loop = test_loop();
    weir_gen *gen = count_to(weir_root(loop), 3);
    weir_item item;
    (void)!weir_next(gen, &item);
    (void)!weir_throw(gen, 5, "five", &item);
}

static int ends_itself(weir_gen *self, weir_gen *up, void *args)
{
    (void)up;
    (void)args;
    weir_discard(self);
    return 0;
}

TEST_ABORTS(misuse_a_body_that_ends_its_own_generator)
{
    weir_loop *loop = test_loop();
    weir_item item;
    (void)!weir_next(weir_gen_new(weir_root(loop), ends_itself, NULL, 0, NULL), &item);
}

TEST_ABORTS(misuse_no_room_for_an_item)
{
    weir_loop *loop = test_loop();
    weir_item item;
    (void)!weir_next_many(count_to(weir_root(loop), 3), &item, 0);
}

MAIN("flow/misuse")
