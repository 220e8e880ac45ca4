/*
 * weir_tee and weir_pump_all: several sinks for one generator, and what becomes of the others when
 * one fails.
 */
#include "support_flow.h"

#include <stdio.h>

/* A sink of the test's own, which adds up what it is given. */
struct adds {
    long sum, committed;
    long fails_at; /* this number; 0: never */
    int commits, finishes;
};

static int adds_put(weir_sink *sink, void *self, const weir_item *items, size_t count)
{
    struct adds *adds = *(struct adds **)self;
    for (size_t i = 0; i < count; i++) {
        if (*number_of(&items[i]) == adds->fails_at) {
            return weir_sink_error(sink, WEIR_EUSER, 0, "no %ld", adds->fails_at);
        }
        adds->sum += *number_of(&items[i]);
    }
    return 0;
}

static int adds_commit(weir_sink *sink, void *self)
{
    struct adds *adds = *(struct adds **)self;
    (void)sink;
    adds->committed = adds->sum;
    adds->commits++;
    return 0;
}

static int adds_finish(weir_sink *sink, void *self)
{
    struct adds *adds = *(struct adds **)self;
    (void)sink;
    adds->finishes++;
    return 0;
}

static weir_sink *adds_into(weir_scope *scope, struct adds *adds)
{
    static const weir_sink_ops ops = {.struct_size = sizeof ops,
                                      .name = "adds",
                                      .put_many = adds_put,
                                      .commit = adds_commit,
                                      .finish = adds_finish};
    return weir_sink_new(scope, &ops, &adds, sizeof adds);
}

static const weir_tee_options go_on = {.struct_size = sizeof go_on, .on_failure = WEIR_GO_ON};

TEST(tee_gives_each_item_on_and_to_every_sink)
{
    weir_loop *loop = test_loop();
    weir_scope *root = weir_root(loop);
    struct adds one = {0}, two = {0};
    weir_sink *sinks[] = {adds_into(root, &one), adds_into(root, &two)};

    long sum = sum_of(weir_tee(count_to(root, 100), sinks, 2, NULL), NULL);

    ck_assert_int_eq(sum, 5050);
    ck_assert_int_eq(one.committed, 5050);
    ck_assert_int_eq(two.committed, 5050);
    ck_assert_int_eq(one.finishes + two.finishes, 2);
    ck_assert_uint_eq(ledger_of(root).delivered, 100);
    weir_loop_free(loop);
}

/* Takes two items at a time; records in which order the sinks are put to and committed. */
static char order[64];

static int traced(weir_sink *sink, void *self)
{
    (void)sink;
    (void)strcat(order, *(const char **)self);
    (void)strcat(order, "! ");
    return 0;
}

static int trace(weir_sink *sink, void *self, const weir_item *items, size_t count)
{
    (void)sink;
    (void)items;
    (void)strcat(order, *(const char **)self);
    (void)strcat(order, count == 1 ? "1 " : count == 2 ? "2 " : "? ");
    return 0;
}

static size_t two(weir_sink *sink, void *self)
{
    (void)sink;
    (void)self;
    return 2;
}

static weir_sink *traces(weir_scope *scope, const char *name, bool narrow)
{
    weir_sink_ops ops = {.struct_size = sizeof ops,
                         .name = "traces",
                         .put_many = trace,
                         .commit = traced,
                         .room = narrow ? two : NULL};
    return weir_sink_new(scope, &ops, &name, sizeof name);
}

TEST(tee_puts_to_every_sink_before_it_commits_one)
{
    weir_loop *loop = test_loop();
    weir_scope *root = weir_root(loop);
    weir_sink *sinks[] = {traces(root, "a", false), traces(root, "b", false)};
    weir_gen *gen = weir_tee(count_to(root, 10), sinks, 2, NULL);
    weir_item item;

    ck_assert(weir_next(gen, &item));

    ck_assert_str_eq(order, "a1 b1 a! b! ");
    weir_discard(gen);
    weir_loop_free(loop);
}

TEST(tee_pulls_no_more_than_every_sink_has_room_for)
{
    weir_loop *loop = test_loop();
    weir_scope *root = weir_root(loop);
    weir_sink *sinks[] = {traces(root, "a", false), traces(root, "b", true)};
    weir_gen *gen = weir_tee(weir_count(root, 1, 100), sinks, 2, NULL);
    weir_item items[10];

    ck_assert_uint_eq(weir_next_many(gen, items, 10), 2);

    ck_assert_str_eq(order,
                     "a2 b2 a! "); /* b has as many as it has room for: more may be at hand */
    ck_assert_uint_eq(ledger_of(root).in, 2);
    weir_discard(gen);
    weir_loop_free(loop);
}

TEST(tee_without_sinks_passes_on)
{
    weir_loop *loop = test_loop();
    ck_assert_int_eq(sum_of(weir_tee(count_to(weir_root(loop), 10), NULL, 0, NULL), NULL), 55);
    weir_loop_free(loop);
}

TEST(tee_asks_for_no_more_than_it_is_asked_for)
{
    weir_loop *loop = test_loop();
    weir_scope *root = weir_root(loop);
    struct adds adds = {0};
    weir_sink *sink = adds_into(root, &adds);
    weir_gen *gen = weir_tee(weir_count(root, 1, 100), &sink, 0, NULL);
    weir_item items[3];

    ck_assert_uint_eq(weir_next_many(gen, items, 3), 3);

    ck_assert_uint_eq(ledger_of(root).in, 3);
    weir_discard(gen);
    weir_sink_discard(sink);
    weir_loop_free(loop);
}

TEST(tee_commits_when_its_upstream_has_nothing_more_at_hand)
{
    weir_loop *loop = test_loop();
    weir_scope *root = weir_root(loop);
    struct adds adds = {0};
    weir_sink *sink = adds_into(root, &adds);
    weir_gen *gen =
        weir_tee(numbers(root, (struct numbers_args){9, 0, 1000, root}), &sink, 1, NULL);
    weir_item item;

    ck_assert(weir_next(gen, &item));

    ck_assert_int_eq(adds.committed, 1);
    weir_discard(gen);
    weir_loop_free(loop);
}

TEST(tee_that_its_reader_closes_finishes_its_sinks)
{
    weir_loop *loop = test_loop();
    weir_scope *root = weir_root(loop);
    struct adds adds = {0};
    weir_sink *in, *sinks[] = {NULL, adds_into(root, &adds)};
    weir_gen *queue = weir_queue(root, NULL, &in);
    sinks[0] = in;

    long sum = sum_of(weir_head(weir_tee(count_to(root, -1), sinks, 2, NULL), 3), NULL);

    ck_assert_int_eq(sum, 6);
    ck_assert_int_eq(adds.committed, 6);
    ck_assert_int_eq(sum_of(queue, NULL), 6); /* and a plain end */
    weir_loop_free(loop);
}

TEST(tee_tells_its_sinks_of_the_failure_of_its_upstream)
{
    weir_loop *loop = test_loop();
    weir_scope *root = weir_root(loop);
    struct adds adds = {0};
    weir_error error;
    weir_sink *in, *sinks[] = {NULL, adds_into(root, &adds)};
    weir_gen *queue = weir_queue(root, NULL, &in);
    sinks[0] = in;
    weir_gen *up = numbers(root, (struct numbers_args){.count = 9, .fail_at = 4});

    ck_assert_int_eq(sum_of(weir_tee(up, sinks, 2, NULL), &error), -1);

    ck_assert_str_eq(error.message, "number 4");
    ck_assert_int_eq(adds.committed, 6);
    ck_assert_int_eq(sum_of(queue, &error), -1);
    ck_assert_str_eq(error.message, "number 4");
    weir_loop_free(loop);
}

TEST(tee_ends_with_the_failure_of_a_sink)
{
    weir_loop *loop = test_loop();
    weir_scope *root = weir_root(loop);
    struct adds good = {0}, bad = {.fails_at = 5};
    weir_sink *sinks[] = {adds_into(root, &good), adds_into(root, &bad)};
    weir_error error;

    long sum = sum_of(weir_tee(count_to(root, 100), sinks, 2, NULL), &error);

    ck_assert_int_eq(sum, -1);
    ck_assert_int_eq(error.code, WEIR_EUSER);
    ck_assert_str_eq(error.origin, "adds");
    ck_assert_str_eq(error.message, "no 5");
    ck_assert_int_eq(good.committed, 15);
    ck_assert_int_eq(good.finishes + bad.finishes, 2);
    weir_loop_free(loop);
}

TEST(tee_goes_on_without_a_sink_that_fails_and_tells_it_at_the_end)
{
    weir_loop *loop = test_loop();
    weir_scope *root = weir_root(loop);
    struct adds good = {0}, bad = {.fails_at = 5};
    weir_sink *sinks[] = {adds_into(root, &bad), adds_into(root, &good)};
    weir_error error;
    weir_gen *gen = weir_tee(count_to(root, 100), sinks, 2, &go_on);
    weir_item item;
    long sum = 0;

    while (weir_next(gen, &item)) {
        sum += *number_of(&item);
    }
    ck_assert_int_eq(weir_finish(gen, &error), WEIR_EUSER);

    ck_assert_str_eq(error.message, "no 5");
    ck_assert_int_eq(sum, 5050);
    ck_assert_int_eq(good.committed, 5050);
    ck_assert_int_eq(bad.committed, 10);
    ck_assert_uint_eq(ledger_of(root).in_flight, 0); /* so a saved position moves on */
    weir_loop_free(loop);
}

/* Gives 1, leaves 2 out, rejects 3. */
WEIR_STAGE(judges)
{
    weir_item item;
    while (weir_next(up, &item)) {
        if (*number_of(&item) == 3) {
            weir_reject(self, &item, "a three");
        } else if (*number_of(&item) == 1 && !weir_yield(self, &item)) {
            break;
        }
    }
    return 0;
}

TEST(tee_leaves_the_strongest_outcome_of_its_branches_to_each_item)
{
    weir_loop *loop = test_loop();
    weir_scope *root = weir_root(loop);
    weir_sink *sink = weir_null_sink(root);
    weir_gen *gen = judges(weir_tee(count_to(root, 3), &sink, 1, NULL));

    ck_assert_int_eq(weir_pump(gen, weir_null_sink(root), NULL), 0);

    ck_assert_uint_eq(ledger_of(root).delivered, 2);
    ck_assert_uint_eq(ledger_of(root).rejected, 1);
    ck_assert_uint_eq(ledger_of(root).filtered, 0);
    weir_loop_free(loop);
}

TEST(pump_all_moves_each_item_into_every_sink)
{
    weir_loop *loop = test_loop();
    weir_scope *root = weir_root(loop);
    struct adds one = {0}, two = {0};
    weir_sink *sinks[] = {adds_into(root, &one), adds_into(root, &two)};
    weir_error error;

    ck_assert_int_eq(weir_pump_all(count_to(root, 1000), sinks, 2, NULL, &error), 0);

    ck_assert_int_eq(error.code, 0);
    ck_assert_int_eq(one.committed, 500500);
    ck_assert_int_eq(two.committed, 500500);
    weir_loop_free(loop);
}

TEST(pump_all_ends_with_the_first_sink_that_fails)
{
    weir_loop *loop = test_loop();
    weir_scope *root = weir_root(loop);
    struct adds good = {0}, bad = {.fails_at = 70};
    weir_sink *sinks[] = {adds_into(root, &good), adds_into(root, &bad)};
    weir_error error;

    ck_assert_int_eq(weir_pump_all(count_to(root, -1), sinks, 2, NULL, &error), WEIR_EUSER);

    ck_assert_str_eq(error.origin, "adds");
    ck_assert_int_gt(good.finishes, 0);
    weir_loop_free(loop);
}

TEST(pump_all_goes_on_until_the_last_sink_has_failed)
{
    weir_loop *loop = test_loop();
    weir_scope *root = weir_root(loop);
    struct adds one = {.fails_at = 70}, two = {.fails_at = 900};
    weir_sink *sinks[] = {adds_into(root, &one), adds_into(root, &two)};
    weir_error error;

    ck_assert_int_eq(weir_pump_all(count_to(root, -1), sinks, 2, &go_on, &error), WEIR_EUSER);

    ck_assert_str_eq(error.message, "no 70");
    ck_assert_int_eq(one.finishes + two.finishes, 2);
    ck_assert_int_eq(two.sum, 899 * 900 / 2);
    weir_loop_free(loop);
}

TEST(pump_all_into_nothing_moves_nothing)
{
    weir_loop *loop = test_loop();
    weir_scope *root = weir_root(loop);
    ck_assert_int_eq(weir_pump_all(count_to(root, -1), NULL, 0, NULL, NULL), 0);
    ck_assert_uint_eq(ledger_of(root).in, 0);
    weir_loop_free(loop);
}

static int reads_two(weir_scope *scope, void *args)
{
    weir_gen *queue = *(weir_gen **)args;
    weir_item item;
    ck_assert(weir_next(queue, &item));
    ck_assert(weir_next(queue, &item));
    ck_assert(weir_sleep(scope, 10));
    weir_discard(queue);
    return 0;
}

TEST(pump_all_ends_when_a_reader_goes_while_there_is_nothing_to_put)
{
    weir_loop *loop = test_loop();
    weir_scope *root = weir_root(loop), *scope = weir_scope_new(root, NULL);
    struct adds adds = {0};
    weir_sink *in, *sinks[] = {NULL, adds_into(root, &adds)};
    weir_gen *queue = weir_queue(root, NULL, &in);
    sinks[0] = in;
    weir_spawn(scope, "reader", reads_two, &queue, sizeof queue);
    weir_gen *rare =
        numbers(root, (struct numbers_args){.count = 3, .pause_ms = 1000, .scope = root});
    int64_t began = weir_now(root);

    int rc = weir_pump_all(rare, sinks, 2, NULL, NULL);

    ck_assert_int_eq(rc, WEIR_ECLOSED);
    ck_assert_int_eq((weir_now(root) - began) / 1000000, 2010);
    ck_assert_int_eq(adds.committed, 3);
    ck_assert_int_eq(weir_scope_wait(scope, NULL), 0);
    weir_loop_free(loop);
}

TEST(tee_waits_for_its_slowest_sink)
{
    weir_loop *loop = test_loop();
    weir_scope *root = weir_root(loop);
    struct adds adds = {0};
    weir_sink *in, *sinks[] = {adds_into(root, &adds), NULL};
    weir_gen *queue = weir_queue(root, WEIR_OPTIONS(weir_queue_options, .items_max = 2), &in);
    sinks[1] = in;
    weir_gen *gen = weir_tee(count_to(root, 5), sinks, 2, NULL);
    weir_item item;

    ck_assert_int_eq(weir_next_within(gen, &item, 1000), WEIR_GOT_ITEM);
    ck_assert_int_eq(weir_next_within(gen, &item, 1000), WEIR_GOT_ITEM);
    ck_assert_int_eq(weir_next_within(gen, &item, 1000), WEIR_GOT_LATE);

    ck_assert(weir_next(queue, &item));
    ck_assert_int_eq(*number_of(&item), 1);
    ck_assert_int_eq(weir_next_within(gen, &item, 1000), WEIR_GOT_ITEM);
    ck_assert_int_eq(*number_of(&item), 3);
    weir_discard(gen);
    weir_discard(queue);
    weir_loop_free(loop);
}

TEST(tee_outlives_the_scope_in_which_its_sinks_were_made)
{
    weir_loop *loop = test_loop();
    weir_scope *root = weir_root(loop), *inner = weir_scope_new(root, NULL);
    struct adds adds = {0};
    weir_sink *sink = adds_into(inner, &adds);
    weir_gen *gen = weir_tee(count_to(root, 3), &sink, 1, NULL);

    ck_assert_int_eq(weir_scope_wait(inner, NULL), 0);

    ck_assert_int_eq(sum_of(gen, NULL), 6);
    ck_assert_int_eq(adds.committed, 6);
    weir_loop_free(loop);
}

TEST(tee_that_nobody_ends_ends_with_its_scope)
{
    weir_loop *loop = test_loop();
    weir_scope *scope = weir_scope_new(weir_root(loop), NULL);
    struct adds adds = {0};
    weir_sink *sink = adds_into(scope, &adds);
    weir_gen *gen = weir_tee(count_to(scope, 3), &sink, 1, NULL);
    weir_item item;
    ck_assert(weir_next(gen, &item));

    ck_assert_int_eq(weir_scope_wait(scope, NULL), 0);

    ck_assert_int_eq(adds.finishes, 1);
    weir_loop_free(loop);
}

static int pumps_all(weir_scope *scope, void *args)
{
    weir_sink *in = *(weir_sink **)args;
    int rc = weir_pump_all(count_to(scope, -1), &in, 1, NULL, NULL);
    ck_assert_int_eq(rc, WEIR_ECANCELED);
    return rc;
}

TEST(tee_that_waits_for_a_sink_is_canceled)
{
    weir_loop *loop = test_loop();
    weir_scope *root = weir_root(loop), *scope = weir_scope_new(root, NULL);
    weir_sink *in;
    weir_gen *queue = weir_queue(root, NULL, &in);
    weir_spawn(scope, "pump", pumps_all, &in, sizeof in);
    wr_loop_settle(loop);

    weir_scope_cancel(scope);

    ck_assert_int_eq(weir_scope_wait(scope, NULL), 0);
    weir_discard(queue);
    weir_loop_free(loop);
}

MAIN("stage/tee")
