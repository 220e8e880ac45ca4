/*
 * <weir/extend.h>: sources and stages that wait: with a limit, until a stop, and what
 * they say of it.
 */
#include <stdio.h>
#include <unistd.h>

#include <weir/extend.h>
#include <weir/wait.h>

#include "flow_gen.h"
#include "support_flow.h"

/* ---- time */

/* Gives an item every 100 ms, and knows how to wait for less. */
static size_t slow_within(weir_gen *gen, void *self, weir_item *items, size_t max, int64_t wait_ms,
                          bool *late)
{
    int64_t *left_ms = self;
    (void)max;
    int64_t ms = wait_ms < 0 || *left_ms <= wait_ms ? *left_ms : wait_ms;
    if (!weir_sleep(weir_gen_scope(gen), ms)) {
        return 0;
    }
    *left_ms -= ms;
    if (*left_ms > 0) {
        *late = true;
        return 0;
    }
    *left_ms = 100;
    items[0] = weir_bytes("7", 1);
    return weir_give(gen, items, 1);
}

static size_t slow_next(weir_gen *gen, void *self, weir_item *items, size_t max)
{
    bool late = false;
    return slow_within(gen, self, items, max, -1, &late);
}

static void next_within_is_late(const weir_gen_ops *ops, bool in_task)
{
    weir_loop *loop = test_loop();
    weir_scope *root = weir_root(loop);
    int64_t left_ms = 100, began = weir_now(root);
    weir_gen *gen = weir_source_new(root, ops, &left_ms, sizeof left_ms);
    weir_item item;

    ck_assert_int_eq(weir_next_within(gen, &item, 40), WEIR_GOT_LATE);
    ck_assert_int_eq((weir_now(root) - began) / 1000000, 40);
    ck_assert_int_eq(weir_next_within(gen, &item, 40), WEIR_GOT_LATE);
    ck_assert_int_eq(weir_next_within(gen, &item, 40), WEIR_GOT_ITEM);
    ck_assert_int_eq((weir_now(root) - began) / 1000000, 100);
    ck_assert_int_eq(gen->puller != NULL, in_task);
    ck_assert(weir_next(gen, &item));
    ck_assert_int_eq((weir_now(root) - began) / 1000000, 200);

    weir_discard(gen);
    weir_loop_free(loop);
}

TEST(next_within_is_the_programs_own)
{
    static const weir_gen_ops ops = {
        .struct_size = sizeof ops, .next_many = slow_next, .next_within = slow_within};
    next_within_is_late(&ops, false);
}

TEST(next_within_has_a_task_without_a_function_for_it)
{
    static const weir_gen_ops ops = {.struct_size = sizeof ops, .next_many = slow_next};
    next_within_is_late(&ops, true);
}

static size_t patient_next(weir_gen *gen, void *self, weir_item *items, size_t max)
{
    int *lates = *(int **)self;
    for (;;) {
        bool late;
        size_t n = weir_pull_within(gen, items, max, 30, &late);
        if (n > 0 || !late) {
            return n;
        }
        ++*lates;
    }
}

TEST(stage_waits_for_its_upstream_with_a_limit)
{
    static const weir_gen_ops ops = {.struct_size = sizeof ops, .next_many = patient_next};
    weir_loop *loop = test_loop();
    weir_scope *root = weir_root(loop);
    int lates = 0, *where = &lates;
    weir_gen *up = numbers(root, (struct numbers_args){3, 0, 100, root});
    weir_gen *gen = weir_stage_new(up, &ops, &where, sizeof where);

    ck_assert_int_eq(sum_of(gen, NULL), 6);

    ck_assert_int_eq(lates, 9);
    weir_loop_free(loop);
}

struct sharing {
    int32_t in_time, negative;
};

static size_t sharing_within(weir_gen *gen, void *self, weir_item *items, size_t max,
                             int64_t wait_ms, bool *late)
{
    struct sharing *sharing = *(struct sharing **)self;
    size_t n = weir_pull_within(gen, items, max, wait_ms, late);
    sharing->in_time += n > 0;
    sharing->negative += wait_ms < 0;
    return n;
}

static size_t sharing_next(weir_gen *gen, void *self, weir_item *items, size_t max)
{
    (void)self;
    return weir_pull(gen, items, max);
}

/* What it reads is at hand: its limit costs no round of the loop, and is never less than nought. */
TEST(stage_with_a_limit_is_given_what_is_at_hand_at_once)
{
    enum { COUNT = 1000 };
    static const weir_gen_ops ops = {
        .struct_size = sizeof ops, .next_many = sharing_next, .next_within = sharing_within};
    weir_loop *loop = test_loop();
    weir_scope *root = weir_root(loop);
    struct sharing sharing = {0}, *where = &sharing;
    weir_gen *gen = weir_stage_new(weir_count(root, 1, COUNT), &ops, &where, sizeof where);
    weir_item item;
    uint64_t before = loop->turns;
    for (int i = 0; i < COUNT; i++) {
        ck_assert_int_eq(weir_next_within(gen, &item, i % 3 - 1), WEIR_GOT_ITEM);
    }
    ck_assert_int_eq(sharing.in_time, COUNT);
    ck_assert_int_eq(sharing.negative, 0);
    ck_assert_uint_le(loop->turns - before, COUNT / 50);
    weir_discard(gen);
    weir_loop_free(loop);
}

static size_t ending_next(weir_gen *gen, void *self, weir_item *items, size_t max)
{
    size_t n = weir_pull(gen, items, max);
    if (n == 0) {
        **(int **)self = weir_end_code(gen);
    }
    return n;
}

static const weir_gen_ops ending_ops = {.struct_size = sizeof ending_ops, .next_many = ending_next};

TEST(stage_is_told_whether_the_stream_has_ended_or_failed)
{
    weir_loop *loop = test_loop();
    int code = 1, *where = &code;
    weir_gen *up = count_to(weir_root(loop), 3);
    weir_gen *gen = weir_stage_new(up, &ending_ops, &where, sizeof where);
    ck_assert_int_eq(sum_of(gen, NULL), 6);
    ck_assert_int_eq(code, 0);

    up = numbers(weir_root(loop), (struct numbers_args){.count = 3, .fail_at = 2});
    gen = weir_stage_new(up, &ending_ops, &where, sizeof where);
    ck_assert_int_eq(sum_of(gen, NULL), -1);
    ck_assert_int_eq(code, WEIR_EPARSE);
    weir_loop_free(loop);
}

TEST(stage_is_told_that_a_stop_has_ended_the_stream)
{
    weir_loop *loop = test_loop();
    weir_scope *scope = weir_scope_new(weir_root(loop), NULL);
    int code = 1, *where = &code;
    weir_item item;
    weir_gen *buffer = weir_buffer(weir_count(scope, 1, 1000), NULL);
    weir_gen *gen = weir_stage_new(buffer, &ending_ops, &where, sizeof where);
    ck_assert(weir_next(gen, &item));

    weir_scope_stop(scope);
    while (weir_next(gen, &item)) {}

    ck_assert_int_eq(code, WEIR_ECLOSED);
    ck_assert_int_eq(weir_finish(gen, NULL), 0);
    ck_assert_int_eq(weir_scope_wait(scope, NULL), 0);
    weir_loop_free(loop);
}

struct saved {
    int *code;
};

WEIR_STAGE(ending_body, struct saved)
{
    weir_item item;
    while (weir_next(up, &item) && weir_yield(self, &item)) {}
    *args->code = weir_end_code(self);
    return 0;
}

TEST(body_is_told_why_it_is_over)
{
    weir_loop *loop = test_loop();
    int code = 1;
    weir_item item;
    weir_gen *gen = ending_body(count_to(weir_root(loop), 3), (struct saved){&code});
    ck_assert_int_eq(sum_of(gen, NULL), 6);
    ck_assert_int_eq(code, 0);

    gen = ending_body(count_to(weir_root(loop), 3), (struct saved){&code});
    ck_assert(weir_next(gen, &item));
    ck_assert_int_eq(weir_finish(gen, NULL), 0);
    ck_assert_int_eq(code, WEIR_ECLOSED);
    weir_loop_free(loop);
}

/* A sweep lets them fail as it does the library's own. */
/* ---- stop */

struct idle {
    int fds[2];
    weir_waker *waker; /* NULL: waits for the descriptor */
    bool fails;
};

static size_t idle_next(weir_gen *gen, void *self, weir_item *items, size_t max)
{
    const struct idle *idle = self;
    weir_scope *scope = weir_gen_scope(gen);
    (void)items;
    (void)max;
    int rc = idle->waker != NULL
                 ? weir_park(idle->waker, WEIR_NONE, "a stop")
                 : weir_wait_fd(scope, idle->fds[0], WEIR_READABLE, WEIR_NONE, "its peer");
    if (rc < 0 && idle->fails) {
        weir_gen_error(gen, rc, 0, "the wait has failed");
    }
    return 0;
}

static void idle_stop(weir_gen *gen, void *self)
{
    const struct idle *idle = self;
    (void)gen;
    weir_wake(idle->waker);
}

static int pumps(weir_scope *scope, void *args)
{
    return weir_pump(*(weir_gen **)args, weir_null_sink(scope), NULL);
}

static void source_is_stopped(const weir_gen_ops *ops, struct idle *idle)
{
    weir_loop *loop = test_loop();
    weir_scope *scope = weir_scope_new(weir_root(loop), NULL);
    weir_waker waker;
    ck_assert_int_eq(pipe(idle->fds), 0);
    weir_waker_init(&waker, weir_root(loop));
    idle->waker = ops->stop != NULL ? &waker : NULL;
    weir_gen *gen = weir_source_new(scope, ops, idle, sizeof *idle);
    weir_spawn(scope, "pump", pumps, &gen, sizeof gen);
    wr_loop_settle(loop);

    weir_scope_stop(scope);

    ck_assert_int_eq(weir_scope_wait(scope, NULL), 0);
    weir_waker_fini(&waker);
    close(idle->fds[0]);
    close(idle->fds[1]);
    weir_loop_free(loop);
}

TEST(stop_ends_a_source_that_waits)
{
    static const weir_gen_ops ops = {.struct_size = sizeof ops, .next_many = idle_next};
    source_is_stopped(&ops, &(struct idle){.fails = false});
}

TEST(stop_is_no_failure_of_a_source_that_tells_of_its_wait)
{
    static const weir_gen_ops ops = {.struct_size = sizeof ops, .next_many = idle_next};
    source_is_stopped(&ops, &(struct idle){.fails = true});
}

TEST(stop_is_told_to_a_source_that_wants_to_know)
{
    static const weir_gen_ops ops = {
        .struct_size = sizeof ops, .next_many = idle_next, .stop = idle_stop};
    source_is_stopped(&ops, &(struct idle){.fails = true});
}

static size_t own_why(const weir_gen *gen, const void *self, char *text, size_t cap)
{
    (void)gen;
    (void)self;
    return (size_t)snprintf(text, cap, "asks the oracle");
}

TEST(why_is_told_in_the_programs_own_words)
{
    static const weir_gen_ops ops = {
        .struct_size = sizeof ops, .name = "idle", .next_many = idle_next, .why = own_why};
    weir_loop *loop = test_loop();
    struct idle idle = {.fails = false};
    weir_waker waker;
    weir_item item;
    char why[100] = "";
    weir_waker_init(&waker, weir_root(loop));
    idle.waker = &waker;
    weir_gen *gen = weir_source_new(weir_root(loop), &ops, &idle, sizeof idle);
    ck_assert_int_eq(weir_next_within(gen, &item, 10), WEIR_GOT_LATE);

    weir_why(gen, why, sizeof why);

    ck_assert_str_eq(why, "idle: asks the oracle");
    weir_discard(gen);
    weir_waker_fini(&waker);
    weir_loop_free(loop);
}

MAIN("flow/extend_time")
