/*
 * What a program may not do with generators: each of these ends with a message, in all builds.
 */
#include "support_flow.h"

#include <uv.h>

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

TEST_ABORTS(misuse_a_generator_that_a_stage_has_taken)
{
    weir_loop *loop = test_loop();
    weir_item item;
    weir_gen *numbers = weir_count(weir_root(loop), 1, 5);
    (void)weir_head(numbers, 1);
    (void)!weir_next(numbers, &item);
}

/* A body that has begun, and that a stage, or another body, reads. */
static weir_gen *begun_behind_a_stage(void)
{
    weir_loop *loop = test_loop();
    weir_item item;
    weir_gen *gen = count_to(weir_root(loop), 9);
    ck_assert(weir_next(weir_head(gen, 5), &item));
    return gen;
}

static weir_gen *begun_behind_a_body(void)
{
    weir_loop *loop = test_loop();
    weir_item item;
    weir_gen *gen = count_to(weir_root(loop), 9);
    ck_assert(weir_next(same(gen), &item));
    return gen;
}

TEST_ABORTS(misuse_next_of_what_a_stage_reads)
{
    weir_item item;
    (void)!weir_next(begun_behind_a_stage(), &item);
}

TEST_ABORTS(misuse_next_of_what_a_body_reads)
{
    weir_item item;
    (void)!weir_next(begun_behind_a_body(), &item);
}

TEST_ABORTS(misuse_send_to_what_a_stage_reads)
{
    weir_item item = weir_bytes("x", 1);
    (void)!weir_send(begun_behind_a_stage(), &item, &item);
}

TEST_ABORTS(misuse_send_to_what_a_body_reads)
{
    weir_item item = weir_bytes("x", 1);
    (void)!weir_send(begun_behind_a_body(), &item, &item);
}

TEST_ABORTS(misuse_throw_at_what_a_stage_reads)
{
    weir_item item;
    (void)!weir_throw(begun_behind_a_stage(), WEIR_EPARSE, NULL, &item);
}

TEST_ABORTS(misuse_finish_of_what_a_stage_reads)
{
    (void)!weir_finish(begun_behind_a_stage(), NULL);
}

TEST_ABORTS(misuse_discard_of_what_a_body_reads)
{
    weir_discard(begun_behind_a_body());
}

TEST_ABORTS(misuse_a_pump_from_what_a_stage_reads)
{
    weir_gen *gen = begun_behind_a_stage();
    (void)!weir_pump(gen, weir_null_sink(weir_gen_scope(gen)), NULL);
}

static int sleeps_and_reads(weir_gen *self, weir_gen *up, void *args)
{
    weir_item item;
    (void)args;
    while (weir_next(up, &item) && weir_sleep(weir_gen_scope(self), 1000) &&
           weir_yield(self, &item)) {}
    return 0;
}

TEST_ABORTS(misuse_next_of_what_a_body_that_waits_reads)
{
    weir_loop *loop = test_loop();
    weir_item item;
    weir_gen *gen = count_to(weir_root(loop), 9);
    weir_gen *reader = weir_stage(gen, sleeps_and_reads, NULL, 0, NULL);
    ck_assert_int_eq(weir_next_within(reader, &item, 10), WEIR_GOT_LATE);
    (void)!weir_next(gen, &item);
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

WEIR_SOURCE(yields_for_ever)
{
    long one = 1;
    weir_item item = number_item(&one);
    for (;;) {
        (void)!weir_yield(self, &item);
    }
    return 0;
}

TEST_ABORTS(misuse_a_body_that_never_hears_false)
{
    weir_loop *loop = test_loop();
    weir_gen *gen = yields_for_ever(weir_root(loop));
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
    (void)same(one);
    (void)same(one);
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

/* ---- NULL */

TEST_ABORTS(misuse_next_of_no_generator)
{
    weir_loop *loop = test_loop();
    weir_item item;
    (void)loop;
    (void)!weir_next(NULL, &item);
}

TEST_ABORTS(misuse_next_into_no_item)
{
    weir_loop *loop = test_loop();
    (void)!weir_next(count_to(weir_root(loop), 3), NULL);
}

TEST_ABORTS(misuse_next_many_of_no_generator)
{
    weir_item items[2];
    (void)!weir_next_many(NULL, items, 2);
}

TEST_ABORTS(misuse_next_many_into_no_items)
{
    weir_loop *loop = test_loop();
    (void)!weir_next_many(weir_count(weir_root(loop), 1, 5), NULL, 2);
}

TEST_ABORTS(misuse_next_within_of_no_generator)
{
    weir_item item;
    (void)!weir_next_within(NULL, &item, 1);
}

TEST_ABORTS(misuse_send_to_no_generator)
{
    weir_item item;
    (void)!weir_send(NULL, NULL, &item);
}

TEST_ABORTS(misuse_finish_of_no_generator)
{
    (void)!weir_finish(NULL, NULL);
}

TEST_ABORTS(misuse_a_stage_over_no_generator)
{
    (void)same(NULL);
}

TEST_ABORTS(misuse_a_built_in_stage_over_no_generator)
{
    (void)weir_head(NULL, 3);
}

TEST_ABORTS(misuse_a_source_in_no_scope)
{
    (void)weir_count(NULL, 1, 3);
}

TEST_ABORTS(misuse_a_merge_with_no_generator_in_it)
{
    weir_loop *loop = test_loop();
    weir_gen *gens[2] = {count_to(weir_root(loop), 1), NULL};
    (void)weir_merge(weir_root(loop), gens, 2);
}

TEST_ABORTS(misuse_a_pump_from_no_generator)
{
    weir_loop *loop = test_loop();
    (void)!weir_pump(NULL, weir_null_sink(weir_root(loop)), NULL);
}

TEST_ABORTS(misuse_a_pump_into_no_sink)
{
    weir_loop *loop = test_loop();
    (void)!weir_pump(count_to(weir_root(loop), 1), NULL, NULL);
}

static int yields_nothing(weir_gen *self, weir_gen *up, void *args)
{
    (void)up;
    (void)args;
    return weir_yield(self, NULL) ? 0 : 1;
}

TEST_ABORTS(misuse_a_yield_of_no_item)
{
    weir_loop *loop = test_loop();
    weir_item item;
    (void)!weir_next(weir_gen_new(weir_root(loop), yields_nothing, NULL, 0, NULL), &item);
}

static int yields_as_nobody(weir_gen *self, weir_gen *up, void *args)
{
    weir_item item = weir_bytes("x", 1);
    (void)self;
    (void)up;
    (void)args;
    return weir_yield(NULL, &item) ? 1 : 0;
}

TEST_ABORTS(misuse_a_yield_of_no_generator)
{
    weir_loop *loop = test_loop();
    weir_item item;
    (void)!weir_next(weir_gen_new(weir_root(loop), yields_as_nobody, NULL, 0, NULL), &item);
}

static int yields_no_bytes(weir_gen *self, weir_gen *up, void *args)
{
    weir_item item = weir_bytes(NULL, 5);
    (void)up;
    (void)args;
    return weir_yield(self, &item) ? 1 : 0;
}

TEST_ABORTS(misuse_a_yield_of_no_bytes)
{
    weir_loop *loop = test_loop();
    weir_item item;
    (void)!weir_next(weir_gen_new(weir_root(loop), yields_no_bytes, NULL, 0, NULL), &item);
}

TEST_ABORTS(misuse_a_put_of_no_bytes)
{
    weir_loop *loop = test_loop();
    weir_item item = weir_bytes(NULL, 5);
    (void)!weir_put(weir_null_sink(weir_root(loop)), &item);
}

static void drop_nothing(void *value)
{
    (void)value;
}

TEST_ABORTS(misuse_a_kept_value_with_drop_and_without_copy)
{
    static const weir_type type = {.struct_size = sizeof(weir_type),
                                   .name = "half",
                                   .value_size = sizeof(long),
                                   .drop = drop_nothing};
    long value = 1;
    weir_item item = weir_bytes(&value, sizeof value), kept;
    item.type = &type;
    (void)!weir_item_keep(&kept, &item);
}

TEST_ABORTS(misuse_a_pump_from_one_loop_to_another)
{
    weir_gen *gen = count_to(weir_root(test_loop()), 3);
    (void)!weir_pump(gen, weir_null_sink(weir_root(test_loop())), NULL);
}

TEST_ABORTS(misuse_a_merge_of_two_loops)
{
    weir_loop *loop = test_loop();
    weir_gen *gens[] = {count_to(weir_root(loop), 3), count_to(weir_root(test_loop()), 3)};
    (void)weir_merge(weir_root(loop), gens, 2);
}

static void pull_elsewhere(void *arg)
{
    weir_item item;
    (void)!weir_next(arg, &item);
}

static int task_with_a_thread(weir_scope *scope, void *args)
{
    uv_thread_t thread;
    (void)scope;
    ck_assert_int_eq(uv_thread_create(&thread, pull_elsewhere, *(weir_gen **)args), 0);
    uv_thread_join(&thread);
    return 0;
}

TEST_ABORTS(misuse_a_wait_in_another_thread)
{
    weir_loop *loop = test_loop();
    weir_sink *in;
    weir_gen *queue = weir_queue(weir_root(loop), NULL, &in);
    weir_spawn(weir_root(loop), "task", task_with_a_thread, &queue, sizeof queue);
    wr_loop_settle(loop);
}

TEST_ABORTS(misuse_a_put_to_no_sink)
{
    weir_item item = weir_bytes("x", 1);
    (void)!weir_put(NULL, &item);
}

TEST_ABORTS(misuse_a_put_of_no_item)
{
    weir_loop *loop = test_loop();
    (void)!weir_put(weir_null_sink(weir_root(loop)), NULL);
}

TEST_ABORTS(misuse_a_finish_of_no_sink)
{
    (void)!weir_sink_finish(NULL, NULL);
}

TEST_ABORTS(misuse_a_queue_without_a_place_for_its_end)
{
    weir_loop *loop = test_loop();
    (void)weir_queue(weir_root(loop), NULL, NULL);
}

/* ---- what has ended */

TEST_ABORTS_UNLESS_SANITIZED(misuse_next_after_finish)
{
    weir_loop *loop = test_loop();
    weir_gen *gen = count_to(weir_root(loop), 3);
    weir_item item;
    (void)!weir_next(gen, &item);
    (void)!weir_finish(gen, NULL);
    (void)!weir_next(gen, &item);
}

TEST_ABORTS_UNLESS_SANITIZED(misuse_next_of_a_built_in_after_discard)
{
    weir_loop *loop = test_loop();
    weir_gen *gen = weir_count(weir_root(loop), 1, 5);
    weir_item item;
    (void)!weir_next(gen, &item);
    weir_discard(gen);
    (void)!weir_next(gen, &item);
}

TEST_ABORTS_UNLESS_SANITIZED(misuse_next_after_the_pump)
{
    weir_loop *loop = test_loop();
    weir_gen *gen = count_to(weir_root(loop), 3);
    weir_item item;
    (void)!weir_pump(gen, weir_null_sink(weir_root(loop)), NULL);
    (void)!weir_next(gen, &item);
}

TEST_ABORTS_UNLESS_SANITIZED(misuse_finish_twice)
{
    weir_loop *loop = test_loop();
    weir_gen *gen = count_to(weir_root(loop), 3);
    (void)!weir_finish(gen, NULL);
    (void)!weir_finish(gen, NULL);
}

TEST_ABORTS_UNLESS_SANITIZED(misuse_discard_after_finish)
{
    weir_loop *loop = test_loop();
    weir_gen *gen = count_to(weir_root(loop), 3);
    (void)!weir_finish(gen, NULL);
    weir_discard(gen);
}

TEST_ABORTS_UNLESS_SANITIZED(misuse_sink_finish_twice)
{
    weir_loop *loop = test_loop();
    weir_sink *sink = weir_null_sink(weir_root(loop));
    (void)!weir_sink_finish(sink, NULL);
    (void)!weir_sink_finish(sink, NULL);
}

TEST_ABORTS_UNLESS_SANITIZED(misuse_put_after_the_pump)
{
    weir_loop *loop = test_loop();
    weir_sink *sink = weir_null_sink(weir_root(loop));
    weir_item item = weir_bytes("x", 1);
    (void)!weir_pump(count_to(weir_root(loop), 3), sink, NULL);
    (void)!weir_put(sink, &item);
}

TEST_ABORTS_UNLESS_SANITIZED(misuse_put_to_a_queue_after_its_end)
{
    weir_loop *loop = test_loop();
    weir_sink *in;
    weir_item item = weir_bytes("x", 1);
    weir_gen *gen = weir_queue(weir_root(loop), NULL, &in);
    (void)gen;
    (void)!weir_put(in, &item);
    (void)!weir_sink_finish(in, NULL);
    (void)!weir_put(in, &item);
}

static int delegates_to_itself(weir_gen *self, weir_gen *up, void *args)
{
    (void)up;
    (void)args;
    (void)!weir_yield_from(self, self, NULL);
    return 0;
}

TEST_ABORTS(misuse_a_generator_that_delegates_to_itself)
{
    weir_loop *loop = test_loop();
    weir_item item;
    (void)!weir_next(weir_gen_new(weir_root(loop), delegates_to_itself, NULL, 0, NULL), &item);
}

static int delegates_to_its_reader(weir_gen *self, weir_gen *up, void *args)
{
    (void)up;
    (void)!weir_yield_from(self, **(weir_gen ***)args, NULL);
    return 0;
}

TEST_ABORTS(misuse_a_generator_that_delegates_to_who_reads_it)
{
    weir_loop *loop = test_loop();
    weir_item item;
    weir_gen *reader, **where = &reader;
    weir_gen *gen =
        weir_gen_new(weir_root(loop), delegates_to_its_reader, &where, sizeof where, NULL);
    reader = same(gen);
    (void)!weir_next(reader, &item);
}

TEST_ABORTS(misuse_a_generator_that_adopts_who_reads_it)
{
    weir_loop *loop = test_loop();
    weir_gen *gen = count_to(weir_root(loop), 3);
    weir_adopt(gen, same(same(gen)));
}

TEST_ABORTS(misuse_an_adoption_by_what_is_no_body)
{
    weir_loop *loop = test_loop();
    weir_scope *root = weir_root(loop);
    weir_adopt(weir_count(root, 1, 2), count_to(root, 3));
}

TEST_ABORTS(misuse_received_by_what_is_no_body)
{
    weir_loop *loop = test_loop();
    (void)weir_received(weir_count(weir_root(loop), 1, 2));
}

TEST_ABORTS(misuse_a_value_of_what_is_no_body)
{
    weir_loop *loop = test_loop();
    weir_item item = weir_bytes("x", 1);
    (void)weir_return(weir_count(weir_root(loop), 1, 2), &item);
}

static int reads_within(weir_scope *scope, void *args)
{
    weir_item item;
    (void)scope;
    (void)!weir_next_within(*(weir_gen **)args, &item, 1000);
    return 0;
}

TEST_ABORTS(misuse_a_second_reader_of_a_pull_that_may_be_late)
{
    weir_loop *loop = test_loop();
    weir_scope *root = weir_root(loop);
    weir_gen *gen = numbers(root, (struct numbers_args){5, 0, 100, root});
    weir_spawn(root, "a", reads_within, &gen, sizeof gen);
    weir_spawn(root, "b", reads_within, &gen, sizeof gen);
    wr_loop_settle(loop);
}

static void finish_while_read(bool within)
{
    weir_loop *loop = test_loop();
    weir_scope *root = weir_root(loop);
    weir_item item;
    weir_gen *gen = numbers(root, (struct numbers_args){5, 0, 100, root});
    (void)!weir_next_within(gen, &item, 200);
    weir_spawn(root, "reader", within ? reads_within : second_reader, &gen, sizeof gen);
    wr_loop_settle(loop);
    weir_discard(gen);
}

TEST_ABORTS(misuse_an_end_while_another_reads)
{
    finish_while_read(false);
}

TEST_ABORTS(misuse_an_end_while_another_reads_within)
{
    finish_while_read(true);
}

MAIN("flow/misuse")
