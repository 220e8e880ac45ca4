/*
 * Pulls the fast way, through built-in stages and from bodies: what keeps a generator from being
 * pulled is seen at the next pull, as it is by the slow way, and no more is asked for than was.
 */
#include "flow_gen.h"
#include "support_flow.h"

enum { ENDLESS = 1000000 };

/* A built-in source of numbers that says what it was asked for. */
struct counted {
    struct weir_gen gen;
    long number, fails_at;
};

static long pulls;
static size_t most; /* items that were asked for in one pull */

static size_t counted_next_many(struct weir_gen *gen, weir_item *items, size_t max)
{
    struct counted *self = WR_OWNER(gen, struct counted, gen);
    pulls++;
    most = WR_MAX(most, max);
    items[0] = number_item(&self->number);
    wr_source_give(gen, items, 1);
    if (++self->number == self->fails_at) {
        wr_gen_fail(gen, WEIR_EIO, 0, -1, "as asked"); /* the item comes first */
    }
    return 1;
}

static const struct wr_gen_ops counted_ops = {
    .kind = "counted", .next_many = counted_next_many, .is_source = true};

static weir_gen *count_in(weir_scope *scope, long fails_at)
{
    struct counted *counted = wr_gen_alloc(scope, sizeof *counted, &counted_ops, "counted");
    ck_assert_ptr_nonnull(counted);
    counted->fails_at = fails_at;
    pulls = 0;
    most = 0;
    return wr_gen_made(&counted->gen, NULL);
}

static weir_gen *stages(weir_gen *gen, int count)
{
    for (int i = 0; i < count; i++) {
        gen = weir_head(gen, ENDLESS);
    }
    return gen;
}

/* The generator that the test reads: the counted one itself, behind built-in stages, or read by a
 * body. */
static weir_gen *variant(int i, weir_gen *gen)
{
    return i == 3 ? stages(same(gen), 1) : stages(gen, i);
}

#define EACH_VARIANT(i) for (int i = 0; i < 4; i++)

static void pull(weir_gen *gen, int count)
{
    weir_item item;
    for (int i = 0; i < count; i++) {
        ck_assert(weir_next(gen, &item));
    }
}

TEST(pull_of_one_item_is_one_item_all_the_way)
{
    EACH_VARIANT(i)
    {
        weir_loop *loop = test_loop();
        weir_gen *gen = variant(i, count_in(weir_root(loop), 0));
        pull(gen, 10);
        ck_assert_int_eq(pulls, 10);
        ck_assert_uint_eq(most, 1);
        weir_discard(gen);
        weir_loop_free(loop);
    }
}

TEST(pull_after_a_failure_that_came_with_an_item_finds_it)
{
    EACH_VARIANT(i)
    {
        weir_loop *loop = test_loop();
        weir_item item;
        weir_error error;
        weir_gen *gen = variant(i, count_in(weir_root(loop), 5));
        pull(gen, 5);
        ck_assert(!weir_next(gen, &item));
        ck_assert_int_eq(pulls, 5);
        ck_assert_int_eq(weir_finish(gen, &error), WEIR_EIO);
        ck_assert_str_eq(error.origin, "counted");
        weir_loop_free(loop);
    }
}

TEST(pull_after_a_cancel_of_the_scope_fails)
{
    EACH_VARIANT(i)
    {
        weir_loop *loop = test_loop();
        weir_item item;
        weir_scope *scope = weir_scope_new(weir_root(loop), NULL);
        weir_gen *gen = variant(i, count_in(scope, 0));
        pull(gen, 5);
        weir_scope_cancel(scope);
        ck_assert(!weir_next(gen, &item));
        ck_assert_int_eq(pulls, 5);
        ck_assert_int_eq(weir_finish(gen, NULL), WEIR_ECANCELED);
        weir_loop_free(loop);
    }
}

TEST(pull_after_a_stop_of_the_scope_is_the_end)
{
    EACH_VARIANT(i)
    {
        weir_loop *loop = test_loop();
        weir_item item;
        weir_scope *scope = weir_scope_new(weir_root(loop), NULL);
        weir_gen *gen = variant(i, count_in(scope, 0));
        pull(gen, 5);
        weir_scope_stop(scope);
        ck_assert(!weir_next(gen, &item));
        ck_assert_int_eq(pulls, 5);
        ck_assert_int_eq(weir_finish(gen, NULL), 0);
        weir_loop_free(loop);
    }
}

TEST(pull_while_one_within_a_time_is_under_way_takes_that_up)
{
    weir_loop *loop = test_loop();
    weir_item item;
    weir_gen *gen = stages(weir_ticker(weir_root(loop), 10), 2);
    ck_assert_int_eq(weir_next_within(gen, &item, 1), WEIR_GOT_LATE);
    int64_t before = wr_now_ns(loop);
    pull(gen, 1);
    ck_assert_int_le(wr_now_ns(loop) - before, 10 * 1000000);
    pull(gen, 3);
    weir_discard(gen);
    weir_loop_free(loop);
}

static int pulls_what_is_taken(weir_scope *scope, void *args)
{
    weir_item item;
    (void)scope;
    (void)!weir_next(*(weir_gen **)args, &item);
    return 0;
}

TEST_ABORTS(misuse_a_pull_of_what_a_built_in_stage_reads)
{
    weir_loop *loop = test_loop();
    weir_gen *up = count_in(weir_root(loop), 0), *gen = stages(up, 1);
    pull(gen, 2);
    weir_spawn(weir_root(loop), "other", pulls_what_is_taken, &up, sizeof up);
    wr_loop_settle(loop);
}

/* ---- what it gives is counted once */

TEST(pull_by_a_body_of_several_from_a_built_in_source_keeps_their_receipts)
{
    weir_loop *loop = test_loop();
    weir_scope *scope = weir_scope_new(weir_root(loop), NULL);
    weir_ledger ledger;
    weir_gen *gen = variant(3, count_in(scope, 100));
    weir_error error;
    ck_assert_int_eq(weir_pump(gen, weir_null_sink(scope), &error), WEIR_EIO);
    weir_scope_ledger(scope, &ledger);
    ck_assert_uint_eq(ledger.in, 100);
    ck_assert_uint_eq(ledger.delivered, 100);
    (void)!weir_scope_wait(scope, NULL);
    weir_loop_free(loop);
}

MAIN("flow/pull")
