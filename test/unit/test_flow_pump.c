/*
 * weir_pump: which failure is told, and how both ends end; weir_each: callbacks for callers without
 * coroutines.
 */
#include <uv.h>

#include "flow_sink.h"
#include "support_flow.h"
#include "texts_flow.h"

struct counter {
    long *items;
    long fail_at;
    int *finished;
};

static int counter_put(weir_sink *sink, void *self, const weir_item *items, size_t count)
{
    struct counter *counter = self;
    (void)items;
    *counter->items += (long)count;
    if (counter->fail_at > 0 && *counter->items >= counter->fail_at) {
        return weir_sink_error(sink, WEIR_EIO, 5, "cannot take item %ld", *counter->items);
    }
    return 0;
}

static int counter_finish(weir_sink *sink, void *self)
{
    (void)sink;
    *((struct counter *)self)->finished += 1;
    return 0;
}

static weir_sink *counting_sink(weir_scope *scope, long *items, int *finished, long fail_at)
{
    weir_sink_ops ops = {.struct_size = sizeof ops,
                         .name = "counter",
                         .put_many = counter_put,
                         .finish = counter_finish};
    struct counter counter = {items, fail_at, finished};
    return weir_sink_new(scope, &ops, &counter, sizeof counter);
}

TEST(pump_moves_all_and_ends_both)
{
    weir_loop *loop = test_loop();
    weir_scope *root = weir_root(loop);
    long items = 0;
    int finished = 0;
    weir_error error;
    ck_assert_int_eq(
        weir_pump(count_to(root, 1000), counting_sink(root, &items, &finished, 0), &error), 0);
    ck_assert_int_eq(error.code, 0);
    ck_assert_int_eq(items, 1000);
    ck_assert_int_eq(finished, 1);
    weir_loop_free(loop);
}

TEST(pump_tells_the_generators_failure)
{
    weir_loop *loop = test_loop();
    weir_scope *root = weir_root(loop);
    long items = 0;
    int finished = 0;
    weir_error error;
    weir_gen *gen = numbers(root, (struct numbers_args){.count = 9, .fail_at = 5});
    ck_assert_int_eq(weir_pump(gen, counting_sink(root, &items, &finished, 0), &error),
                     WEIR_EPARSE);
    ck_assert_str_eq(error.origin, "numbers");
    ck_assert_int_eq(items, 4);
    ck_assert_int_eq(finished, 1);
    ck_assert_uint_eq(ledger_of(root).delivered, 4);
    weir_loop_free(loop);
}

TEST(pump_tells_the_sinks_failure)
{
    weir_loop *loop = test_loop();
    weir_scope *root = weir_root(loop);
    long items = 0;
    int finished = 0;
    weir_error error;
    ck_assert_int_eq(
        weir_pump(count_to(root, -1), counting_sink(root, &items, &finished, 3), &error), WEIR_EIO);
    ck_assert_str_eq(error.origin, "counter");
    ck_assert_str_eq(error.message, "cannot take item 3");
    ck_assert_int_eq(finished, 1);
    weir_loop_free(loop);
}

static int fails_on_close(weir_gen *self, weir_gen *up, void *args)
{
    long i = 1;
    weir_item item = number_item(&i);
    (void)up;
    (void)args;
    while (weir_yield(self, &item)) {}
    return weir_fail(self, WEIR_EUSER - 4, "clean-up");
}

TEST(pump_of_two_failures_tells_the_first_in_time)
{
    weir_loop *loop = test_loop();
    weir_scope *root = weir_root(loop);
    long items = 0;
    int finished = 0;
    weir_error error;
    weir_gen *gen = weir_gen_new(root, fails_on_close, NULL, 0, NULL);
    ck_assert_int_eq(weir_pump(gen, counting_sink(root, &items, &finished, 3), &error), WEIR_EIO);
    ck_assert_str_eq(error.origin, "counter");
    weir_loop_free(loop);
}

TEST(pump_tells_a_queues_reader_of_the_failure)
{
    weir_loop *loop = test_loop();
    weir_scope *root = weir_root(loop);
    weir_sink *in;
    weir_item item;
    weir_error error;
    weir_gen *out = weir_queue(root, NULL, &in);
    weir_gen *gen = numbers(root, (struct numbers_args){.count = 9, .fail_at = 3});
    ck_assert_int_eq(weir_pump(gen, in, NULL), WEIR_EPARSE);
    ck_assert(weir_next(out, &item));
    ck_assert(weir_next(out, &item));
    ck_assert(!weir_next(out, &item));
    ck_assert_int_eq(weir_finish(out, &error), WEIR_EPARSE);
    ck_assert_str_eq(error.origin, "numbers");
    weir_loop_free(loop);
}

struct pumping {
    weir_gen *gen;
    weir_sink *sink;
    int *rc;
};

static int pump_task(weir_scope *scope, void *args)
{
    struct pumping *pumping = args;
    (void)scope;
    *pumping->rc = weir_pump(pumping->gen, pumping->sink, NULL);
    return 0;
}

TEST(pump_ends_when_its_sink_goes_while_the_source_is_idle)
{
    weir_loop *loop = test_loop();
    weir_scope *root = weir_root(loop);
    long items = 0;
    int finished = 0, rc = 1;
    weir_sink *sink = counting_sink(root, &items, &finished, 0);
    struct pumping pumping = {numbers(root, (struct numbers_args){9, 0, 1000000, root}), sink, &rc};
    weir_spawn(root, "pump", pump_task, &pumping, sizeof pumping);
    (void)!weir_sleep(root, 1);
    int64_t before = wr_now_ns(loop);

    ck_assert_int_eq(finished, 0);
    wr_sink_set_error(sink, WEIR_ERESET, 0, "the peer has gone");
    wr_sink_gone(sink);
    (void)!weir_sleep(root, 1);

    ck_assert_int_eq(rc, WEIR_ERESET);
    ck_assert_int_le(wr_now_ns(loop) - before, 1000000);
    ck_assert_int_eq(finished, 1);
    weir_loop_free(loop);
}

TEST(pump_ends_when_its_queues_reader_goes_while_the_source_is_idle)
{
    weir_loop *loop = test_loop();
    weir_scope *root = weir_root(loop);
    int rc = 1;
    struct pumping pumping = {numbers(root, (struct numbers_args){9, 0, 1000000, root}), NULL, &rc};
    weir_gen *out = weir_queue(root, NULL, &pumping.sink);
    weir_spawn(root, "pump", pump_task, &pumping, sizeof pumping);
    (void)!weir_sleep(root, 1);
    int64_t before = wr_now_ns(loop);

    weir_discard(out);
    (void)!weir_sleep(root, 1);

    ck_assert_int_eq(rc, WEIR_ECLOSED);
    ck_assert_int_le(wr_now_ns(loop) - before, 1000000);
    weir_loop_free(loop);
}

/* ---- weir_each */

struct heard {
    long items, last, stop_at;
    weir_gen *pauses; /* itself, after each item; NULL: not so */
    int overs, rc;
    weir_error error;
};

static bool on_item(void *ctx, const weir_item *item)
{
    struct heard *heard = ctx;
    MUST(heard->overs == 0);
    MUST(*number_of(item) == heard->last + 1);
    heard->last = *number_of(item);
    heard->items++;
    if (heard->pauses != NULL) {
        weir_each_pause(heard->pauses);
    }
    return heard->last != heard->stop_at;
}

static void on_over(void *ctx, int rc, const weir_error *error)
{
    struct heard *heard = ctx;
    heard->overs++;
    heard->rc = rc;
    heard->error = *error;
}

static void each_and_settle(weir_loop *loop, weir_gen *gen, struct heard *heard)
{
    weir_each(gen, on_item, on_over, heard);
    wr_loop_settle(loop);
    weir_loop_free(loop);
    MUST(heard->overs == 1);
}

TEST(each_hears_all_items_in_order_and_the_end_once)
{
    weir_loop *loop = test_loop();
    struct heard heard = {0};
    each_and_settle(loop, count_to(weir_root(loop), 100), &heard);
    ck_assert_int_eq(heard.items, 100);
    ck_assert_int_eq(heard.rc, 0);
}

TEST(each_stops_by_false)
{
    weir_loop *loop = test_loop();
    struct heard heard = {.stop_at = 5};
    each_and_settle(loop, count_to(weir_root(loop), -1), &heard);
    ck_assert_int_eq(heard.items, 5);
    ck_assert_int_eq(heard.rc, 0);
}

TEST(each_of_one_that_never_waits_lets_the_others_have_a_turn)
{
    weir_loop *loop = test_loop();
    weir_scope *scope = weir_scope_new(weir_root(loop), NULL);
    struct heard heard = {0};
    weir_each(count_to(scope, -1), on_item, on_over, &heard);
    ck_assert(weir_sleep(weir_root(loop), 0));
    ck_assert_int_gt(heard.items, 0);

    weir_scope_cancel(scope);

    ck_assert_int_eq(weir_scope_wait(scope, NULL), 0);
    ck_assert_int_eq(heard.overs, 1);
    ck_assert_int_eq(heard.rc, WEIR_ECANCELED);
    weir_loop_free(loop);
}

TEST(each_hears_the_failure)
{
    weir_loop *loop = test_loop();
    struct heard heard = {0};
    each_and_settle(loop, numbers(weir_root(loop), (struct numbers_args){.count = 9, .fail_at = 4}),
                    &heard);
    ck_assert_int_eq(heard.items, 3);
    ck_assert_int_eq(heard.rc, WEIR_EPARSE);
    ck_assert_str_eq(heard.error.message, "number 4");
}

TEST(each_hears_of_a_cancel)
{
    weir_loop *loop = test_loop();
    weir_scope *root = weir_root(loop), *scope = weir_scope_new(root, NULL);
    struct heard heard = {0};
    weir_each(numbers(scope, (struct numbers_args){9, 0, 1000, root}), on_item, on_over, &heard);
    wr_loop_settle(loop);
    weir_scope_cancel(scope);
    (void)!weir_scope_wait(scope, NULL);
    weir_loop_free(loop);
    MUST(heard.overs == 1);
    ck_assert_int_eq(heard.rc, WEIR_ECANCELED);
}

TEST(each_that_pauses_itself_hears_the_next_item_after_the_resume)
{
    weir_loop *loop = test_loop();
    weir_gen *gen = count_to(weir_root(loop), 3);
    struct heard heard = {.pauses = gen};
    weir_each(gen, on_item, on_over, &heard);
    for (int i = 1; i <= 3; i++) {
        wr_loop_settle(loop);
        ck_assert_int_eq(heard.items, i);
        ck_assert_int_eq(heard.overs, 0);
        weir_each_resume(gen);
    }
    wr_loop_settle(loop);
    ck_assert_int_eq(heard.items, 3);
    MUST(heard.overs == 1);
    ck_assert_int_eq(heard.rc, 0);
    weir_loop_free(loop);
}

TEST(each_that_is_paused_asks_its_source_no_more)
{
    weir_loop *loop = test_loop();
    weir_scope *root = weir_root(loop);
    weir_gen *gen = numbers(root, (struct numbers_args){9, 0, 1000, root});
    struct heard heard = {0};
    weir_each(gen, on_item, on_over, &heard);
    ck_assert(weir_sleep(root, 2500));
    ck_assert_int_eq(heard.items, 2);

    ck_assert_int_eq(heard.overs, 0); /* until then it may be paused */
    weir_each_pause(gen);
    weir_each_pause(gen);
    ck_assert(weir_sleep(root, 100 * 1000));
    ck_assert_int_eq(heard.overs, 0);
    ck_assert_int_eq(heard.items, 2); /* the third has come, and waits */
    ck_assert_uint_eq(ledger_of(root).in, 3);
    weir_each_resume(gen);
    wr_loop_settle(loop);
    ck_assert_int_eq(heard.items, 3);

    ck_assert(weir_sleep(root, 100 * 1000));
    ck_assert_int_eq(heard.items, 9);
    ck_assert_int_eq(heard.overs, 1);
    weir_loop_free(loop);
}

TEST(each_that_is_paused_before_it_begins_begins_at_the_resume)
{
    weir_loop *loop = test_loop();
    weir_gen *gen = count_to(weir_root(loop), 3);
    struct heard heard = {0};
    weir_each(gen, on_item, on_over, &heard);
    ck_assert_int_eq(heard.overs, 0);
    weir_each_pause(gen);
    wr_loop_settle(loop);
    ck_assert_int_eq(heard.items, 0);

    weir_each_resume(gen);
    wr_loop_settle(loop);

    ck_assert_int_eq(heard.items, 3);
    MUST(heard.overs == 1);
    weir_loop_free(loop);
}

TEST(each_that_is_paused_hears_of_a_cancel)
{
    weir_loop *loop = test_loop();
    weir_scope *scope = weir_scope_new(weir_root(loop), NULL);
    weir_gen *gen = count_to(scope, -1);
    struct heard heard = {.pauses = gen};
    weir_each(gen, on_item, on_over, &heard);
    wr_loop_settle(loop);
    ck_assert_int_eq(heard.overs, 0);
    char why[200];
    weir_why(gen, why, sizeof why);
    ck_assert_ptr_nonnull(strstr(why, TEXT_FLOW_EACH_RESUME));

    weir_scope_cancel(scope);

    ck_assert_int_eq(weir_scope_wait(scope, NULL), 0);
    MUST(heard.overs == 1);
    ck_assert_int_eq(heard.items, 1);
    ck_assert_int_eq(heard.rc, WEIR_ECANCELED);
    weir_loop_free(loop);
}

TEST_ABORTS(misuse_a_pause_of_what_weir_each_does_not_read)
{
    weir_loop *loop = test_loop();
    weir_each_pause(count_to(weir_root(loop), 3));
}

TEST(each_works_on_an_attached_loop)
{
    uv_loop_t uv;
    struct heard heard = {0};
    ck_assert_int_eq(uv_loop_init(&uv), 0);
    weir_loop *loop = weir_loop_attach(&uv, NULL);
    ck_assert_ptr_nonnull(loop);
    weir_each(count_to(weir_root(loop), 1000), on_item, on_over, &heard);
    ck_assert_int_eq(heard.items, 0);

    ck_assert_int_eq(uv_run(&uv, UV_RUN_DEFAULT), 0);

    ck_assert_int_eq(heard.items, 1000);
    ck_assert_int_eq(heard.overs, 1);
    weir_loop_free(loop);
    ck_assert_int_eq(uv_run(&uv, UV_RUN_DEFAULT), 0);
    ck_assert_int_eq(uv_loop_close(&uv), 0);
}

MAIN("flow/pump")
