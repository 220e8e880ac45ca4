/*
 * Generators with bodies, beyond the protocol that the semantics suite compares with CPython:
 * several items a call, demand, contagion, and a million of them.
 */
#include "support_flow.h"

#include <stdio.h>

/* ---- several items a call */

TEST(many_over_a_body_gives_one_a_call)
{
    weir_loop *loop = test_loop();
    weir_gen *gen = count_to(weir_root(loop), 3);
    weir_item items[8];
    for (long i = 1; i <= 3; i++) {
        ck_assert_uint_eq(weir_next_many(gen, items, 8), 1);
        ck_assert_int_eq(*number_of(&items[0]), i);
    }
    ck_assert_uint_eq(weir_next_many(gen, items, 8), 0);
    ck_assert_int_eq(weir_finish(gen, NULL), 0);
    weir_loop_free(loop);
}

WEIR_SOURCE(ten_at_once)
{
    long values[10];
    weir_item items[10];
    for (long i = 0; i < 10; i++) {
        values[i] = i + 1;
        items[i] = number_item(&values[i]);
    }
    (void)!weir_yield_many(self, items, 10);
    return 0;
}

TEST(many_yielded_are_taken_in_the_readers_portions)
{
    weir_loop *loop = test_loop();
    weir_gen *gen = ten_at_once(weir_root(loop));
    weir_item items[16];
    ck_assert_uint_eq(weir_next_many(gen, items, 4), 4);
    ck_assert_int_eq(*number_of(&items[3]), 4);
    ck_assert(weir_next(gen, &items[0]));
    ck_assert_int_eq(*number_of(&items[0]), 5);
    ck_assert_uint_eq(weir_next_many(gen, items, 16), 5);
    ck_assert_int_eq(*number_of(&items[4]), 10);
    ck_assert_uint_eq(weir_next_many(gen, items, 16), 0);
    ck_assert_int_eq(weir_finish(gen, NULL), 0);
    ck_assert_uint_eq(ledger_of(weir_root(loop)).delivered, 10);
    weir_loop_free(loop);
}

WEIR_STAGE(pairs)
{
    weir_item items[2];
    size_t n;
    while ((n = weir_next_many(up, items, 2)) > 0) {
        if (!weir_yield_many(self, items, n)) {
            break;
        }
    }
    return 0;
}

TEST(many_passed_on_by_a_body_are_all_delivered)
{
    weir_loop *loop = test_loop();
    weir_scope *root = weir_root(loop);
    weir_gen *gen = pairs(ten_at_once(root));
    weir_item items[16];
    long sum = 0;
    for (size_t n; (n = weir_next_many(gen, items, 16)) > 0;) {
        ck_assert_uint_eq(n, 2);
        sum += *number_of(&items[0]) + *number_of(&items[1]);
    }
    ck_assert_int_eq(sum, 55);
    ck_assert_int_eq(weir_finish(gen, NULL), 0);
    ck_assert_uint_eq(ledger_of(root).delivered, 10);
    weir_loop_free(loop);
}

/* ---- demand */

struct counting {
    long *made;
};
WEIR_SOURCE(counting, struct counting)
{
    for (long i = 1;; i++) {
        *args->made = i;
        weir_item item = number_item(&i);
        if (!weir_yield(self, &item)) {
            return 0;
        }
    }
}

static bool always(const weir_item *item, const void *args)
{
    (void)item;
    (void)args;
    return true;
}

TEST(demand_of_head_is_exact)
{
    weir_loop *loop = test_loop();
    long made = 0;
    weir_gen *gen = counting(weir_root(loop), (struct counting){&made});
    gen = same(weir_head(weir_filter(same(gen), "all", always, NULL, 0), 5));
    weir_error error;
    ck_assert_int_eq(made, 0);
    ck_assert_int_eq(sum_of(gen, &error), 15);
    ck_assert_int_eq(made, 5);
    weir_loop_free(loop);
}

TEST(demand_of_a_batch_is_its_size)
{
    weir_loop *loop = test_loop();
    long made = 0;
    weir_gen *gen =
        weir_batch(counting(weir_root(loop), (struct counting){&made}),
                   WEIR_OPTIONS(weir_batch_options, .items_max = 7, .wait_ms = WEIR_NONE));
    weir_item item;
    ck_assert(weir_next(gen, &item));
    ck_assert_int_eq(made, 7);
    ck_assert(weir_next(gen, &item));
    ck_assert_int_eq(made, 14);
    weir_discard(gen);
    weir_loop_free(loop);
}

TEST(demand_of_a_timed_batch_is_its_size)
{
    weir_loop *loop = test_loop();
    long made = 0;
    weir_gen *gen = weir_batch(counting(weir_root(loop), (struct counting){&made}),
                               WEIR_OPTIONS(weir_batch_options, .items_max = 7));
    weir_item item;
    ck_assert(weir_next(gen, &item));
    wr_loop_settle(loop);
    ck_assert_int_eq(made, 7);
    weir_discard(gen);
    weir_loop_free(loop);
}

TEST(demand_of_a_buffer_is_its_size)
{
    weir_loop *loop = test_loop();
    long made = 0;
    weir_gen *gen = weir_buffer(counting(weir_root(loop), (struct counting){&made}),
                                WEIR_OPTIONS(weir_queue_options, .items_max = 3));
    weir_item item;
    wr_loop_settle(loop);
    ck_assert_int_eq(made, 0);
    ck_assert(weir_next(gen, &item));
    wr_loop_settle(loop);
    ck_assert_int_ge(made, 3);
    ck_assert_int_le(made, 4); /* the one given, and three that wait */
    weir_discard(gen);
    weir_loop_free(loop);
}

struct pumping {
    weir_gen *gen;
    weir_sink *to;
};
static int pump_task(weir_scope *scope, void *args)
{
    struct pumping *pumping = args;
    (void)scope;
    return weir_pump(pumping->gen, pumping->to, NULL);
}

TEST(demand_of_a_pump_into_a_queue_is_its_bound)
{
    weir_loop *loop = test_loop();
    weir_scope *root = weir_root(loop);
    long made = 0;
    struct pumping pumping = {counting(root, (struct counting){&made}), NULL};
    weir_gen *gen = weir_queue(root, WEIR_OPTIONS(weir_queue_options, .items_max = 4), &pumping.to);
    weir_spawn(root, "pump", pump_task, &pumping, sizeof pumping);
    wr_loop_settle(loop);
    ck_assert_int_eq(made, 4);
    weir_discard(gen);
    wr_loop_settle(loop);
    ck_assert_int_eq(made, 4);
    weir_loop_free(loop);
}

/* ---- args */

static int drops;
static void count_drop(void *args)
{
    (void)args;
    drops++;
}

static int idle_body(weir_gen *self, weir_gen *up, void *args)
{
    weir_item item;
    (void)args;
    while (up != NULL && weir_next(up, &item)) {
        if (!weir_yield(self, &item)) {
            break;
        }
    }
    return 0;
}

TEST(args_are_dropped_once_with_and_without_a_run)
{
    weir_loop *loop = test_loop();
    weir_gen_options options = {.struct_size = sizeof options, .drop = count_drop};
    weir_gen *gen = weir_gen_new(weir_root(loop), idle_body, "args", 5, &options);
    weir_item item;
    weir_discard(gen);
    MUST(drops == 1);
    gen = weir_gen_new(weir_root(loop), idle_body, "args", 5, &options);
    ck_assert(!weir_next(gen, &item));
    MUST(drops == 2);
    weir_discard(gen);
    weir_loop_free(loop);
    MUST(drops == 2);
}

TEST(args_of_a_stage_over_a_failed_maker_are_dropped)
{
    weir_loop *loop = test_loop();
    weir_gen_options options = {.struct_size = sizeof options, .drop = count_drop};
    weir_gen *gen = weir_stage(count_to(weir_root(loop), 3), idle_body, "args", 5, &options);
    weir_discard(gen);
    weir_loop_free(loop);
    MUST(drops == 1);
}

/* ---- contagion */

static int fails_when_closed(weir_gen *self, weir_gen *up, void *args)
{
    long one = 1;
    weir_item item = number_item(&one);
    (void)up;
    if (!weir_yield(self, &item)) {
        return weir_fail(self, *(int *)args, "clean-up %d", *(int *)args);
    }
    return 0;
}

struct pull_first {
    weir_gen *more;
};
WEIR_STAGE(pulls_more_first, struct pull_first)
{
    weir_item item;
    weir_adopt(self, args->more);
    (void)!weir_next(args->more, &item);
    while (weir_next(up, &item)) {
        if (!weir_yield(self, &item)) {
            break;
        }
    }
    return 0;
}

TEST(contagion_the_first_failure_in_time_wins)
{
    weir_loop *loop = test_loop();
    weir_scope *root = weir_root(loop);
    int code = WEIR_EUSER - 7;
    weir_gen *more = weir_gen_new(root, fails_when_closed, &code, sizeof code, NULL);
    weir_gen *first = numbers(root, (struct numbers_args){.count = 10, .fail_at = 3});
    weir_gen *gen = pulls_more_first(first, (struct pull_first){more});
    weir_error error;

    ck_assert_int_eq(sum_of(gen, &error), -1);

    ck_assert_int_eq(error.code, WEIR_EPARSE); /* before the clean-up of the other one failed */
    ck_assert_str_eq(error.origin, "numbers");
    weir_loop_free(loop);
}

TEST(contagion_a_failure_on_close_is_told_when_there_is_no_other)
{
    weir_loop *loop = test_loop();
    weir_scope *root = weir_root(loop);
    int code = WEIR_EUSER - 7;
    weir_gen *more = weir_gen_new(root, fails_when_closed, &code, sizeof code,
                                  WEIR_OPTIONS(weir_gen_options, .name = "closer"));
    weir_gen *gen = pulls_more_first(count_to(root, 2), (struct pull_first){more});
    weir_error error;
    ck_assert_int_eq(sum_of(gen, &error), -1);
    ck_assert_int_eq(error.code, WEIR_EUSER - 7);
    ck_assert_str_eq(error.origin, "closer");
    weir_loop_free(loop);
}

TEST(contagion_tells_who_failed_not_who_noticed)
{
    weir_loop *loop = test_loop();
    weir_scope *root = weir_root(loop);
    weir_gen *gen = numbers(root, (struct numbers_args){.count = 10, .fail_at = 4});
    gen = weir_buffer(same(weir_head(same(gen), 9)), NULL);
    gen = weir_batch(same(gen), NULL);
    weir_item item;
    weir_error error;
    ck_assert(weir_next(gen, &item));
    ck_assert(!weir_next(gen, &item));
    ck_assert_int_eq(weir_finish(gen, &error), WEIR_EPARSE);
    ck_assert_str_eq(error.origin, "numbers");
    ck_assert_str_eq(error.message, "number 4");
    weir_loop_free(loop);
}

WEIR_STAGE(fails_by_itself)
{
    weir_item item;
    while (weir_next(up, &item)) {
        if (*number_of(&item) == 2) {
            return weir_fail(self, WEIR_EUSER - 1, "two");
        }
        if (!weir_yield(self, &item)) {
            break;
        }
    }
    return weir_fail(self, WEIR_EUSER - 2, "after the end");
}

TEST(contagion_own_failure_comes_before_what_the_close_finds)
{
    weir_loop *loop = test_loop();
    weir_scope *root = weir_root(loop);
    weir_error error;
    ck_assert_int_eq(sum_of(fails_by_itself(count_to(root, 5)), &error), -1);
    ck_assert_int_eq(error.code, WEIR_EUSER - 1);
    ck_assert_str_eq(error.origin, "fails_by_itself");
    weir_loop_free(loop);
}

TEST(contagion_upstreams_earlier_failure_wins_over_the_bodys_later_one)
{
    weir_loop *loop = test_loop();
    weir_scope *root = weir_root(loop);
    weir_error error;
    weir_gen *gen = numbers(root, (struct numbers_args){.count = 5, .fail_at = 1});
    ck_assert_int_eq(sum_of(fails_by_itself(gen), &error), -1);
    ck_assert_int_eq(error.code, WEIR_EPARSE);
    weir_loop_free(loop);
}

WEIR_STAGE(catches_upstream)
{
    weir_item item;
    weir_error error;
    while (weir_next(up, &item)) {
        if (!weir_yield(self, &item)) {
            return 0;
        }
    }
    if (weir_catch(up, WEIR_EPARSE, &error)) {
        long value = 1000;
        weir_item out = number_item(&value);
        (void)!weir_yield(self, &out);
    }
    return 0;
}

TEST(contagion_a_caught_failure_does_not_travel)
{
    weir_loop *loop = test_loop();
    weir_scope *root = weir_root(loop);
    weir_error error;
    weir_gen *gen = numbers(root, (struct numbers_args){.count = 5, .fail_at = 3});
    ck_assert_int_eq(sum_of(catches_upstream(gen), &error), 1003);
    weir_loop_free(loop);
}

struct said {
    int lines;
    char origin[64], text[424];
};
static void hear(void *ctx, int level, const char *origin, const char *text)
{
    struct said *said = ctx;
    (void)level;
    said->lines++;
    snprintf(said->origin, sizeof said->origin, "%s", origin);
    snprintf(said->text, sizeof said->text, "%s", text);
}

TEST(discard_logs_a_failure_that_nobody_asked_for)
{
    struct said said = {0};
    weir_loop *loop = weir_loop_new(WEIR_OPTIONS(weir_loop_options, .log = hear, .log_ctx = &said));
    ck_assert_ptr_nonnull(loop);
    weir_gen *gen = numbers(weir_root(loop), (struct numbers_args){.count = 5, .fail_at = 1});
    weir_item item;
    ck_assert(!weir_next(gen, &item));
    ck_assert_int_eq(said.lines, 0);
    weir_discard(gen);
    ck_assert_int_eq(said.lines, 1);
    ck_assert_str_eq(said.origin, "numbers");
    ck_assert_str_eq(said.text, "number 1");
    weir_loop_free(loop);
}

TEST(finish_of_a_closed_generator_is_no_failure)
{
    struct said said = {0};
    weir_loop *loop = weir_loop_new(WEIR_OPTIONS(weir_loop_options, .log = hear, .log_ctx = &said));
    ck_assert_ptr_nonnull(loop);
    weir_gen *gen = same(count_to(weir_root(loop), 5));
    weir_item item;
    weir_error error;
    ck_assert(weir_next(gen, &item));
    ck_assert_int_eq(weir_finish(gen, &error), 0);
    ck_assert_int_eq(error.code, 0);
    weir_discard(NULL);
    ck_assert_int_eq(said.lines, 0);
    weir_loop_free(loop);
}

static int tells(weir_scope *scope, void *args)
{
    weir_error error;
    (void)args;
    return weir_pump(numbers(scope, (struct numbers_args){.count = 5, .fail_at = 2}),
                     weir_null_sink(scope), &error);
}

TEST(a_tasks_return_code_finds_its_message_for_scope_wait)
{
    weir_loop *loop = test_loop();
    weir_scope *scope = weir_scope_new(weir_root(loop), NULL);
    weir_error error;
    weir_spawn(scope, "teller", tells, NULL, 0);
    ck_assert_int_eq(weir_scope_wait(scope, &error), WEIR_EPARSE);
    ck_assert_str_eq(error.message, "number 2");
    ck_assert_str_eq(error.origin, "numbers");
    weir_loop_free(loop);
}

/* ---- 1,000,000 */

#if __has_include(<valgrind/valgrind.h>)
#include <valgrind/valgrind.h>
#else
#define RUNNING_ON_VALGRIND 0
#endif

static long resident_pages(void)
{
    FILE *file = fopen("/proc/self/statm", "r");
    long size = 0, resident = 0;
    if (file == NULL || fscanf(file, "%ld %ld", &size, &resident) != 2) {
        resident = -1;
    }
    if (file != NULL) {
        fclose(file);
    }
    return resident;
}

TEST_WITHIN(a_million_generators_leave_nothing_behind, 60)
{
    weir_loop *loop = test_loop();
    weir_item item;
    long before = 0, steps = wr_test_sweeps() ? 2 : 1000000;
    for (long i = 0; i < steps; i++) {
        if (i == steps / 10) {
            before = resident_pages();
        }
        weir_gen *gen = count_to(weir_root(loop), 3);
        ck_assert(weir_next(gen, &item));
        weir_discard(gen);
    }
#if !defined(__SANITIZE_ADDRESS__) && !defined(__clang__)
    /* Under Valgrind the pages are its own, too. */
    ck_assert(RUNNING_ON_VALGRIND || resident_pages() - before < 256);
#else
    (void)before;
#endif
    weir_loop_free(loop);
}

MAIN("flow/gen")
