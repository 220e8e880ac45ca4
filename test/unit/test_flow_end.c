/*
 * The end of a scope while something still begins in it: tasks and scopes made by clean-up code,
 * somebody who waits for a scope beneath, a task of another scope that is inside of its sink.
 */
#include "support_flow.h"

#include "loop_scope.h"

static int ended;

static int sleep_then_end(weir_scope *scope, void *args)
{
    (void)!weir_sleep(scope, *(int64_t *)args);
    ended++;
    return 0;
}

/* A source whose clean-up spawns into its own scope, and opens a scope there. */
static int spawns_when_closed(weir_gen *self, weir_gen *up, void *args)
{
    long one = 1;
    weir_item item = number_item(&one);
    (void)up;
    (void)args;
    if (!weir_yield(self, &item)) {
        int64_t ms = 100;
        weir_scope *scope = weir_scope_new(weir_gen_scope(self), NULL);
        weir_spawn(weir_gen_scope(self), "late", sleep_then_end, &ms, sizeof ms);
        weir_spawn(scope, "later", sleep_then_end, &ms, sizeof ms);
    }
    return 0;
}

TEST(end_of_a_scope_waits_for_what_a_clean_up_has_spawned)
{
    weir_loop *loop = test_loop();
    weir_scope *scope = weir_scope_new(weir_root(loop), NULL);
    weir_item item;
    weir_gen *gen = weir_gen_new(scope, spawns_when_closed, NULL, 0, NULL);
    ck_assert(weir_next(gen, &item));

    ck_assert_int_eq(weir_scope_wait(scope, NULL), 0);

    ck_assert_int_eq(ended, 2);
    weir_loop_free(loop);
}

static int leaves_one(weir_scope *scope, void *args)
{
    weir_item item;
    (void)args;
    (void)!weir_next(weir_gen_new(scope, spawns_when_closed, NULL, 0, NULL), &item);
    return 0;
}

TEST(end_of_a_tasks_scope_waits_for_what_a_clean_up_has_spawned)
{
    weir_loop *loop = test_loop();
    weir_scope *scope = weir_scope_new(weir_root(loop), NULL);
    weir_spawn(scope, "leaver", leaves_one, NULL, 0);

    ck_assert_int_eq(weir_scope_wait(scope, NULL), 0);

    ck_assert_int_eq(ended, 2);
    weir_loop_free(loop);
}

TEST(end_of_a_loop_waits_for_what_a_clean_up_has_spawned)
{
    weir_loop *loop = test_loop();
    weir_item item;
    ck_assert(weir_next(weir_gen_new(weir_root(loop), spawns_when_closed, NULL, 0, NULL), &item));

    weir_loop_free(loop);

    ck_assert_int_eq(ended, 2);
}

/* ---- somebody waits for a scope beneath */

struct slow_end {
    int64_t ms;
};
WEIR_SOURCE(slow_end, struct slow_end)
{
    long one = 1;
    weir_item item = number_item(&one);
    if (!weir_yield(self, &item)) {
        (void)!weir_sleep(weir_gen_scope(self), args->ms);
        ended++;
    }
    return 0;
}

static int waits_for(weir_scope *scope, void *args)
{
    (void)scope;
    return weir_scope_wait(*(weir_scope **)args, NULL);
}

TEST(end_of_a_scope_waits_for_who_waits_for_one_beneath)
{
    weir_loop *loop = test_loop();
    weir_scope *waiter = weir_scope_new(weir_root(loop), NULL);
    weir_scope *outer = weir_scope_new(weir_root(loop), NULL), *inner = weir_scope_new(outer, NULL);
    weir_item item;
    ck_assert(weir_next(slow_end(inner, (struct slow_end){100}), &item));
    weir_spawn(waiter, "waiter", waits_for, &inner, sizeof(weir_scope *));
    wr_loop_settle(loop);

    ck_assert_int_eq(weir_scope_wait(outer, NULL), 0);

    ck_assert_int_eq(ended, 1);
    ck_assert_int_eq(weir_scope_wait(waiter, NULL), 0);
    weir_loop_free(loop);
}

/* ---- a task of another scope is inside of its sink */

struct putting {
    weir_sink *to;
    int *rc;
};

static int puts_until_false(weir_scope *scope, void *args)
{
    struct putting *putting = args;
    weir_item item = weir_bytes("x", 1);
    (void)scope;
    while (weir_put(putting->to, &item)) {}
    *putting->rc = weir_sink_finish(putting->to, NULL);
    return 0;
}

TEST(end_of_a_scope_turns_out_who_puts_to_its_queue)
{
    weir_loop *loop = test_loop();
    weir_scope *made = weir_scope_new(weir_root(loop), NULL);
    weir_scope *user = weir_scope_new(weir_root(loop), NULL);
    int rc = 0;
    struct putting putting = {NULL, &rc};
    (void)weir_queue(made, NULL, &putting.to);
    weir_spawn(user, "writer", puts_until_false, &putting, sizeof putting);
    wr_loop_settle(loop);

    ck_assert_int_eq(weir_scope_wait(made, NULL), 0);

    ck_assert_int_eq(weir_scope_wait(user, NULL), 0);
    ck_assert_int_eq(rc, WEIR_ECLOSED);
    weir_loop_free(loop);
}

static int puts_slowly(weir_sink *sink, void *self, const weir_item *items, size_t count)
{
    (void)sink;
    (void)items;
    (void)count;
    return weir_sleep(*(weir_scope **)self, 1000000) ? 0 : WEIR_ECANCELED;
}

TEST(end_of_a_scope_turns_out_who_puts_to_its_sink)
{
    weir_loop *loop = test_loop();
    weir_scope *root = weir_root(loop);
    weir_scope *made = weir_scope_new(root, NULL), *user = weir_scope_new(root, NULL);
    int rc = 0;
    weir_sink_ops ops = {.struct_size = sizeof ops, .put_many = puts_slowly};
    struct putting putting = {weir_sink_new(made, &ops, &root, sizeof(weir_scope *)), &rc};
    weir_spawn(user, "writer", puts_until_false, &putting, sizeof putting);
    wr_loop_settle(loop);
    int64_t before = wr_now_ns(loop);

    ck_assert_int_eq(weir_scope_wait(made, NULL), 0);

    ck_assert_int_eq(weir_scope_wait(user, NULL), 0);
    ck_assert_int_eq(rc, WEIR_ECLOSED);
    ck_assert_int_lt((wr_now_ns(loop) - before) / 1000000, 1000);
    weir_loop_free(loop);
}

/* Takes its time for each item. */
static int puts_late(weir_sink *sink, void *self, const weir_item *items, size_t count)
{
    (void)sink;
    (void)items;
    (void)count;
    return weir_sleep(*(weir_scope **)self, 100) ? 0 : WEIR_ECANCELED;
}

struct moving {
    weir_gen *from;
    weir_sink *to;
};

static int moves_one(weir_scope *scope, void *args)
{
    struct moving *moving = args;
    weir_item item;
    (void)scope;
    if (weir_next(moving->from, &item)) {
        (void)!weir_put(moving->to, &item);
    }
    return weir_sink_finish(moving->to, NULL);
}

static int pumps(weir_scope *scope, void *args)
{
    struct moving *moving = args;
    weir_error error;
    (void)scope;
    ck_assert_int_eq(weir_pump(moving->from, moving->to, &error), WEIR_ECLOSED);
    return 0;
}

/* The scope of the source ends in the midst of a put. */
static void end_of_the_source(weir_task *mover)
{
    weir_loop *loop = test_loop();
    weir_scope *root = weir_root(loop), *user = weir_scope_new(root, NULL);
    weir_scope *made = weir_scope_new(root, NULL);
    weir_sink_ops ops = {.struct_size = sizeof ops, .put_many = puts_late};
    struct moving moving = {weir_count(made, 1, 1000),
                            weir_sink_new(user, &ops, &root, sizeof(weir_scope *))};
    weir_spawn(user, "mover", mover, &moving, sizeof moving);
    wr_loop_settle(loop);

    ck_assert_int_eq(weir_scope_wait(made, NULL), 0);

    ck_assert_int_eq(weir_scope_wait(user, NULL), 0);
    weir_loop_free(loop);
}

TEST(end_of_a_scope_while_an_item_of_its_source_is_put_leaves_the_put_alone)
{
    end_of_the_source(moves_one);
}

TEST(end_of_a_scope_while_an_item_of_its_source_is_pumped_is_told_by_the_pump)
{
    end_of_the_source(pumps);
}

TEST(end_of_a_scope_while_its_sink_is_fed_is_told_by_the_pump)
{
    weir_loop *loop = test_loop();
    weir_scope *user = weir_scope_new(weir_root(loop), NULL);
    weir_scope *made = weir_scope_new(weir_root(loop), NULL);
    struct moving moving = {weir_ticker(user, 100), weir_null_sink(made)};
    weir_spawn(user, "mover", pumps, &moving, sizeof moving);
    wr_loop_settle(loop);

    ck_assert_int_eq(weir_scope_wait(made, NULL), 0);

    ck_assert_int_eq(weir_scope_wait(user, NULL), 0);
    weir_loop_free(loop);
}

static int puts_one(weir_scope *scope, void *args)
{
    struct putting *putting = args;
    weir_item item = weir_bytes("x", 1);
    (void)scope;
    *putting->rc = weir_put(putting->to, &item) ? 1 : -1;
    return 0;
}

/* Three tasks wait in one end of a queue. */
static void several_put(void (*end)(weir_scope *made))
{
    weir_loop *loop = test_loop();
    weir_scope *made = weir_scope_new(weir_root(loop), NULL);
    weir_scope *user = weir_scope_new(weir_root(loop), NULL);
    int rc[3] = {0, 0, 0};
    struct putting putting = {0};
    weir_item item = weir_bytes("x", 1);
    (void)weir_queue(made, WEIR_OPTIONS(weir_queue_options, .items_max = 1), &putting.to);
    ck_assert(weir_put(putting.to, &item));
    for (int i = 0; i < 3; i++) {
        putting.rc = &rc[i];
        weir_spawn(user, "writer", puts_one, &putting, sizeof putting);
    }
    wr_loop_settle(loop);

    end(made);
    wr_loop_settle(loop);

    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(rc[i], -1);
    }
    ck_assert_int_eq(weir_scope_wait(user, NULL), 0);
    weir_loop_free(loop);
}

static void wait_for_scope(weir_scope *scope)
{
    ck_assert_int_eq(weir_scope_wait(scope, NULL), 0);
}

TEST(end_of_a_scope_turns_out_all_who_put_to_one_end_of_its_queue)
{
    several_put(wait_for_scope);
}

TEST(cancel_of_a_scope_reaches_all_who_put_to_one_end_of_its_queue)
{
    several_put(weir_scope_cancel);
}

TEST(cancel_of_a_scope_reaches_who_waits_in_an_operation_of_its_sink)
{
    weir_loop *loop = test_loop();
    weir_scope *root = weir_root(loop);
    weir_scope *made = weir_scope_new(root, NULL), *user = weir_scope_new(root, NULL);
    int rc = 0;
    weir_sink_ops ops = {.struct_size = sizeof ops, .put_many = puts_slowly};
    struct putting putting = {weir_sink_new(made, &ops, &root, sizeof(weir_scope *)), &rc};
    weir_spawn(user, "writer", puts_until_false, &putting, sizeof putting);
    wr_loop_settle(loop);
    int64_t before = wr_now_ns(loop);

    weir_scope_cancel(made);

    ck_assert_int_eq(weir_scope_wait(user, NULL), 0);
    ck_assert_int_eq(rc, WEIR_ECANCELED);
    ck_assert_int_lt((wr_now_ns(loop) - before) / 1000000, 1000);
    weir_loop_free(loop);
}

/* Clean-up without end in the operation of a sink. */
static int never_comes_out(weir_sink *sink, void *self, const weir_item *items, size_t count)
{
    int rc = puts_slowly(sink, self, items, count);
    for (int i = 0; i < 3; i++) {
        ended += weir_sleep(*(weir_scope **)self, 1000000000);
    }
    return rc;
}

TEST(end_of_the_grace_reaches_who_waits_in_an_operation_of_a_sink)
{
    weir_loop *loop = test_loop();
    weir_scope *root = weir_root(loop);
    weir_scope *made = weir_scope_new(root, NULL), *user = weir_scope_new(root, NULL);
    int rc = 0;
    weir_sink_ops ops = {.struct_size = sizeof ops, .put_many = never_comes_out};
    struct putting putting = {weir_sink_new(made, &ops, &root, sizeof(weir_scope *)), &rc};
    weir_spawn(user, "writer", puts_until_false, &putting, sizeof putting);
    wr_loop_settle(loop);
    int64_t before = wr_now_ns(loop);
    weir_scope_cancel(made);

    ck_assert_int_eq(weir_scope_wait(made, NULL), 0);

    ck_assert_int_eq(ended, 0);
    ck_assert_int_ge((wr_now_ns(loop) - before) / 1000000, 4999);
    ck_assert_int_lt((wr_now_ns(loop) - before) / 1000000, 6000);
    ck_assert_int_eq(weir_scope_wait(user, NULL), 0);
    ck_assert_int_eq(rc, WEIR_ECANCELED);
    weir_loop_free(loop);
}

/* ---- what a body has made in its own scope, and ends */

struct places {
    weir_scope *scope;
};

WEIR_SOURCE(ends_its_own, struct places)
{
    weir_gen *mine = count_to(args->scope, 9);
    weir_sink *in;
    weir_gen *queue = weir_queue(args->scope, NULL, &in);
    weir_item item;
    while (weir_next(mine, &item) && weir_yield(self, &item)) {}
    weir_discard(mine);
    weir_sink_discard(in);
    weir_discard(queue);
    ended++;
    return 0;
}

TEST(end_of_a_scope_ends_a_body_before_what_it_has_made_there)
{
    weir_loop *loop = test_loop();
    weir_scope *scope = weir_scope_new(weir_root(loop), NULL);
    weir_item item;
    weir_gen *gen = ends_its_own(scope, (struct places){scope});
    ck_assert(weir_next(gen, &item));

    ck_assert_int_eq(weir_scope_wait(scope, NULL), 0);

    ck_assert_int_eq(ended, 1);
    weir_loop_free(loop);
}

/* It reads what lives in a scope that it opens for that, and ends both. */
WEIR_SOURCE(opens_a_scope, struct places)
{
    weir_scope *in = weir_scope_new(args->scope, NULL);
    weir_gen *gen = count_to(in, 9);
    weir_item item;
    while (weir_next(gen, &item) && weir_yield(self, &item)) {}
    weir_discard(gen);
    ended += weir_scope_wait(in, NULL) == 0;
    return 0;
}

TEST(end_of_a_scope_ends_a_body_before_the_scopes_that_it_has_opened_there)
{
    weir_loop *loop = test_loop();
    weir_scope *scope = weir_scope_new(weir_root(loop), NULL);
    weir_item item;
    weir_gen *gen = opens_a_scope(scope, (struct places){scope});
    ck_assert(weir_next(gen, &item));

    ck_assert_int_eq(weir_scope_wait(scope, NULL), 0);

    ck_assert_int_eq(ended, 1);
    weir_loop_free(loop);
}

WEIR_SOURCE(leaves_a_scope, struct places)
{
    weir_item item;
    weir_gen *gen = count_to(weir_scope_new(args->scope, NULL), 9);
    while (weir_next(gen, &item) && weir_yield(self, &item)) {}
    return 0;
}

TEST(end_of_a_scope_ends_a_scope_whose_body_has_ended)
{
    weir_loop *loop = test_loop();
    weir_scope *scope = weir_scope_new(weir_root(loop), NULL);
    weir_item item;
    weir_gen *first = leaves_a_scope(scope, (struct places){scope});
    weir_gen *second = leaves_a_scope(scope, (struct places){scope});
    ck_assert(weir_next(first, &item) && weir_next(second, &item));
    weir_discard(first);

    ck_assert_int_eq(weir_scope_wait(scope, NULL), 0);

    weir_loop_free(loop);
}

/* ---- stopped, and not ended yet */

static bool always(const weir_item *item, const void *args)
{
    (void)item;
    (void)args;
    return true;
}

TEST(stop_lets_what_is_in_a_queue_drain_through_a_stage_made_later)
{
    weir_loop *loop = test_loop();
    weir_scope *root = weir_root(loop);
    weir_sink *in;
    weir_error error;
    weir_gen *gen = weir_queue(root, NULL, &in);
    for (long i = 1; i <= 3; i++) {
        weir_item item = number_item(&i);
        ck_assert(weir_put(in, &item));
    }
    ck_assert_int_eq(weir_sink_finish(in, NULL), 0);

    weir_scope_stop(root);

    ck_assert_int_eq(sum_of(weir_filter(gen, NULL, always, NULL, 0), &error), 6);
    ck_assert_int_eq(sum_of(count_to(root, 3), &error), 0); /* a source made later gives nothing */
    weir_loop_free(loop);
}

MAIN("flow/end")
