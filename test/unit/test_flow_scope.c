/*
 * Scopes and the generators in them: cancel and end while somebody reads, also from a task of
 * another scope; the gentle stop; what is left over.
 */
#include <stdio.h>

#include "support_flow.h"

struct marks {
    int ended, caught;
};

/* Gives one number, then sleeps for long; says how its sleep ended. */
struct sleepy {
    struct marks *marks;
    weir_scope *scope;
};
WEIR_SOURCE(sleepy, struct sleepy)
{
    long one = 1;
    weir_item item = number_item(&one);
    if (!weir_yield(self, &item)) {
        args->marks->ended++;
        return 0;
    }
    if (!weir_sleep(args->scope, 1000000)) {
        weir_error error;
        (void)!weir_catch(self, WEIR_ANY, &error);
        args->marks->caught = error.code;
        (void)!weir_sleep(args->scope, 10);
    }
    args->marks->ended++;
    return 0;
}

struct reading {
    weir_gen *gen;
    int *rc;
    long *read;
    char *origin;
};

static int read_all(weir_scope *scope, void *args)
{
    struct reading *reading = args;
    weir_item item;
    weir_error error;
    (void)scope;
    while (weir_next(reading->gen, &item)) {
        *reading->read += 1;
    }
    *reading->rc = weir_finish(reading->gen, &error);
    return 0;
}

TEST(scope_cancel_ends_a_chain_that_waits_in_a_bodys_sleep)
{
    weir_loop *loop = test_loop();
    weir_scope *scope = weir_scope_new(weir_root(loop), NULL);
    struct marks marks = {0};
    int rc = 1;
    long read = 0;
    weir_gen *gen = same(same(sleepy(scope, (struct sleepy){&marks, scope})));
    struct reading reading = {gen, &rc, &read, NULL};
    weir_spawn(scope, "reader", read_all, &reading, sizeof reading);
    wr_loop_settle(loop);

    weir_scope_cancel(scope);

    ck_assert_int_eq(weir_scope_wait(scope, NULL), 0);
    ck_assert_int_eq(read, 1);
    ck_assert_int_eq(rc, WEIR_ECANCELED);
    ck_assert_int_eq(marks.ended, 1);
    ck_assert_int_eq(marks.caught, WEIR_ECANCELED);
    weir_loop_free(loop);
}

TEST(scope_cancel_fails_its_objects_for_readers_elsewhere)
{
    weir_loop *loop = test_loop();
    weir_scope *scope = weir_scope_new(weir_root(loop), NULL),
               *other = weir_scope_new(weir_root(loop), NULL);
    struct marks marks = {0};
    int rc = 1;
    long read = 0;
    weir_gen *gen = same(sleepy(scope, (struct sleepy){&marks, scope}));
    struct reading reading = {gen, &rc, &read, NULL};
    weir_spawn(other, "reader", read_all, &reading, sizeof reading);
    wr_loop_settle(loop);
    int64_t before = wr_now_ns(loop);

    weir_scope_cancel(scope);

    ck_assert_int_eq(weir_scope_wait(other, NULL), 0);
    ck_assert_int_lt(wr_now_ns(loop) - before, 1000000000);
    ck_assert_int_eq(rc, WEIR_ECANCELED);
    ck_assert_int_eq(marks.caught, WEIR_ECANCELED);
    ck_assert_int_eq(marks.ended, 1);
    ck_assert_int_eq(weir_scope_wait(scope, NULL), 0);
    weir_loop_free(loop);
}

WEIR_STAGE(outlives_its_upstream)
{
    weir_item item;
    weir_error error;
    while (weir_next(up, &item)) {
        if (!weir_yield(self, &item)) {
            return 0;
        }
    }
    (void)!weir_catch(up, WEIR_ANY, &error);
    long value = error.code;
    weir_item out = number_item(&value);
    (void)!weir_yield(self, &out);
    (void)!weir_finish(up, NULL);
    return 0;
}

TEST(scope_cancel_is_a_failure_of_the_upstream_for_a_body_elsewhere)
{
    weir_loop *loop = test_loop();
    weir_scope *root = weir_root(loop), *scope = weir_scope_new(root, NULL),
               *other = weir_scope_new(root, NULL);
    struct marks marks = {0};
    int rc = 1;
    long read = 0;
    weir_gen *up = sleepy(scope, (struct sleepy){&marks, scope});
    weir_gen *gen = weir_gen_new(other, outlives_its_upstream_enter, NULL, 0, NULL);
    weir_adopt(gen, up);
    struct reading reading = {gen, &rc, &read, NULL};
    weir_spawn(other, "reader", read_all, &reading, sizeof reading);
    wr_loop_settle(loop);

    weir_scope_cancel(scope);

    ck_assert_int_eq(weir_scope_wait(other, NULL), 0);
    ck_assert_int_eq(read, 2);
    ck_assert_int_eq(rc, 0);
    ck_assert_int_eq(weir_scope_wait(scope, NULL), 0);
    weir_loop_free(loop);
}

TEST(scope_end_waits_for_a_pull_of_its_generator_from_elsewhere)
{
    weir_loop *loop = test_loop();
    weir_scope *root = weir_root(loop), *scope = weir_scope_new(root, NULL),
               *other = weir_scope_new(root, NULL);
    struct marks marks = {0};
    int rc = 1;
    long read = 0;
    weir_gen *gen = weir_gen_new(other, same_enter, NULL, 0, NULL);
    weir_adopt(gen, sleepy(scope, (struct sleepy){&marks, scope}));
    struct reading reading = {gen, &rc, &read, NULL};
    weir_spawn(other, "reader", read_all, &reading, sizeof reading);
    wr_loop_settle(loop);

    ck_assert_int_eq(weir_scope_wait(scope, NULL), 0);

    ck_assert_int_eq(marks.ended, 1);
    ck_assert_int_eq(weir_scope_wait(other, NULL), 0);
    ck_assert_int_eq(read, 1);
    ck_assert_int_ne(rc, 0);
    weir_loop_free(loop);
}

TEST(scope_end_closes_a_generator_at_rest_that_is_read_elsewhere)
{
    weir_loop *loop = test_loop();
    weir_scope *root = weir_root(loop), *scope = weir_scope_new(root, NULL);
    struct marks marks = {0};
    weir_gen *gen = weir_gen_new(root, same_enter, NULL, 0, NULL);
    weir_item item;
    weir_adopt(gen, sleepy(scope, (struct sleepy){&marks, scope}));
    ck_assert(weir_next(gen, &item));

    ck_assert_int_eq(weir_scope_wait(scope, NULL), 0);

    ck_assert_int_eq(marks.ended, 1);
    ck_assert(!weir_next(gen, &item));
    ck_assert_int_eq(weir_finish(gen, NULL), WEIR_ECLOSED);
    weir_loop_free(loop);
}

TEST(scope_cancel_wakes_a_reader_of_its_queue_elsewhere)
{
    weir_loop *loop = test_loop();
    weir_scope *root = weir_root(loop), *scope = weir_scope_new(root, NULL),
               *other = weir_scope_new(root, NULL);
    int rc = 1;
    long read = 0;
    weir_sink *in;
    struct reading reading = {weir_queue(scope, NULL, &in), &rc, &read, NULL};
    weir_spawn(other, "reader", read_all, &reading, sizeof reading);
    wr_loop_settle(loop);

    weir_scope_cancel(scope);

    ck_assert_int_eq(weir_scope_wait(other, NULL), 0);
    ck_assert_int_eq(rc, WEIR_ECANCELED);
    weir_sink_discard(in);
    ck_assert_int_eq(weir_scope_wait(scope, NULL), 0);
    weir_loop_free(loop);
}

TEST(scope_cancel_fails_the_next_pull_of_a_generator_at_rest)
{
    weir_loop *loop = test_loop();
    weir_scope *scope = weir_scope_new(weir_root(loop), NULL);
    weir_gen *gen = same(count_to(scope, 10));
    weir_item item;
    weir_error error;
    ck_assert(weir_next(gen, &item));

    weir_scope_cancel(scope);

    ck_assert(!weir_next(gen, &item));
    ck_assert_int_eq(weir_finish(gen, &error), WEIR_ECANCELED);
    ck_assert_int_eq(weir_scope_wait(scope, NULL), 0);
    weir_loop_free(loop);
}

TEST(scope_stop_ends_sources_after_the_item_at_hand)
{
    weir_loop *loop = test_loop();
    weir_scope *scope = weir_scope_new(weir_root(loop), NULL);
    weir_gen *gen = same(count_to(scope, -1));
    weir_item item;
    weir_error error;
    ck_assert(weir_next(gen, &item));
    ck_assert(weir_next(gen, &item));

    weir_scope_stop(scope);

    ck_assert(!weir_next(gen, &item));
    ck_assert_int_eq(weir_finish(gen, &error), 0);
    weir_ledger ledger = ledger_of(scope);
    ck_assert_uint_eq(ledger.in, 2);
    ck_assert_uint_eq(ledger.delivered, 2);
    ck_assert_int_eq(weir_scope_wait(scope, NULL), 0);
    weir_loop_free(loop);
}

TEST(scope_stop_lets_the_rest_drain)
{
    weir_loop *loop = test_loop();
    weir_scope *scope = weir_scope_new(weir_root(loop), NULL);
    weir_gen *gen =
        weir_buffer(count_to(scope, -1), WEIR_OPTIONS(weir_queue_options, .items_max = 8));
    weir_item item;
    long last = 0;
    ck_assert(weir_next(gen, &item));

    weir_scope_stop(scope);

    while (weir_next(gen, &item)) {
        last = *number_of(&item);
    }
    ck_assert_int_ge(last, 8);
    ck_assert_int_le(last, 20);
    ck_assert_int_eq(weir_finish(gen, NULL), 0);
    ck_assert_uint_eq(ledger_of(scope).in_flight, 0);
    ck_assert_int_eq(weir_scope_wait(scope, NULL), 0);
    weir_loop_free(loop);
}

TEST(scope_end_ends_the_generators_left_over)
{
    weir_loop *loop = test_loop();
    weir_scope *scope = weir_scope_new(weir_root(loop), NULL);
    struct marks marks = {0};
    weir_gen *gen = same(sleepy(scope, (struct sleepy){&marks, scope}));
    weir_item item;
    ck_assert(weir_next(gen, &item));

    ck_assert_int_eq(weir_scope_wait(scope, NULL), 0);

    ck_assert_int_eq(marks.ended, 1);
    weir_loop_free(loop);
}

TEST(scope_end_ends_a_buffer_left_over)
{
    weir_loop *loop = test_loop();
    weir_scope *scope = weir_scope_new(weir_root(loop), NULL);
    weir_gen *gen = weir_batch(weir_buffer(count_to(scope, -1), NULL), NULL);
    weir_item item;
    ck_assert(weir_next(gen, &item));

    ck_assert_int_eq(weir_scope_wait(scope, NULL), 0);

    weir_loop_free(loop);
}

static int leaves_a_buffer(weir_scope *scope, void *args)
{
    weir_item item;
    (void)args;
    return weir_next(weir_buffer(count_to(scope, -1), NULL), &item) ? 0 : WEIR_EUSER;
}

TEST(scope_of_a_task_ends_a_buffer_left_over)
{
    weir_loop *loop = test_loop();
    weir_scope *scope = weir_scope_new(weir_root(loop), NULL);
    weir_spawn(scope, "leaver", leaves_a_buffer, NULL, 0);
    ck_assert_int_eq(weir_scope_wait(scope, NULL), 0);
    weir_loop_free(loop);
}

TEST(loop_free_ends_all_kinds_left_over)
{
    weir_loop *loop = test_loop();
    weir_scope *root = weir_root(loop);
    weir_sink *in;
    weir_gen *gens[2] = {count_to(root, -1),
                         numbers(root, (struct numbers_args){5, 0, 1000, root})};
    weir_gen *gen = weir_batch(weir_merge(root, gens, 2), NULL);
    weir_gen *buffer = weir_buffer(count_to(root, -1), NULL);
    weir_gen *queue = weir_queue(root, NULL, &in);
    weir_item item;
    (void)queue;
    ck_assert(weir_next(gen, &item));
    ck_assert(weir_next(buffer, &item));
    ck_assert_int_eq(
        weir_next_within(weir_head(numbers(root, (struct numbers_args){5, 0, 1000, root}), 2),
                         &item, 1),
        WEIR_GOT_LATE);
    weir_loop_free(loop);
}

/* ---- failures that nobody asks for */

static char logged[1024];

static void log_all(void *ctx, int level, const char *origin, const char *text)
{
    (void)ctx;
    (void)level;
    size_t len = strlen(logged);
    snprintf(logged + len, sizeof logged - len, "%s: %s\n", origin, text);
}

static int fails(weir_scope *scope, void *args)
{
    weir_error error;
    weir_gen *gen = numbers(scope, (struct numbers_args){.count = 3, .fail_at = 2});
    (void)args;
    return weir_pump(gen, weir_null_sink(scope), &error);
}

static weir_loop *logging_loop(void)
{
    logged[0] = '\0';
    weir_loop *loop = weir_loop_new(WEIR_OPTIONS(weir_loop_options, .log = log_all));
    ck_assert_ptr_nonnull(loop);
    return loop;
}

TEST(loop_free_logs_the_failure_of_a_task_in_the_root)
{
    weir_loop *loop = logging_loop();
    weir_spawn(weir_root(loop), "failing", fails, NULL, 0);
    wr_loop_settle(loop);

    weir_loop_free(loop);

    ck_assert_str_eq(logged, "numbers: number 2\n");
}

TEST(loop_free_logs_the_failure_of_a_scope_nobody_waited_for)
{
    weir_loop *loop = logging_loop();
    weir_spawn(weir_scope_new(weir_root(loop), NULL), "failing", fails, NULL, 0);
    wr_loop_settle(loop);

    weir_loop_free(loop);

    ck_assert_str_eq(logged, "numbers: number 2\n");
}

TEST(loop_free_logs_nothing_when_nothing_failed)
{
    weir_loop *loop = logging_loop();
    weir_scope *scope = weir_scope_new(weir_root(loop), NULL);
    weir_spawn(scope, "failing", fails, NULL, 0);
    ck_assert_int_eq(weir_scope_wait(scope, NULL), WEIR_EPARSE);

    weir_loop_free(loop);

    ck_assert_str_eq(logged, "");
}

MAIN("flow/scope")
