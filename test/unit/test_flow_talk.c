/*
 * Sends, throws and delegation where they meet what the protocol of CPython does not have: pulls
 * that are late, scopes that are canceled, receipts, and delegation deeper than a stack.
 */
#include "support_flow.h"

struct none {
    char unused;
};

/* ---- delegating to one with a pull under way */

static int late_then_delegates(weir_gen *self, weir_gen *up, void *args)
{
    weir_item item;
    weir_gen *inner = numbers(weir_gen_scope(self), *(struct numbers_args *)args);
    (void)up;
    if (weir_next_within(inner, &item, 10) != WEIR_GOT_LATE) {
        weir_discard(inner);
        return weir_fail(self, WEIR_EUSER, "not late");
    }
    (void)!weir_yield_from(self, inner, NULL);
    return 0;
}

TEST(delegate_with_a_late_pull_gives_all_its_items)
{
    weir_loop *loop = test_loop();
    weir_scope *root = weir_root(loop);
    weir_error error;
    struct numbers_args args = {4, 0, 100, root};
    weir_gen *gen = weir_gen_new(root, late_then_delegates, &args, sizeof args, NULL);
    ck_assert_int_eq(sum_of(gen, &error), 10);
    weir_loop_free(loop);
}

TEST(delegate_with_a_late_pull_is_closed_while_it_waits)
{
    weir_loop *loop = test_loop();
    weir_scope *root = weir_root(loop);
    weir_item item;
    struct numbers_args args = {4, 0, 100, root};
    weir_gen *gen = weir_gen_new(root, late_then_delegates, &args, sizeof args, NULL);
    ck_assert_int_eq(weir_next_within(gen, &item, 50), WEIR_GOT_LATE);
    ck_assert_int_eq(weir_finish(gen, NULL), 0);
    weir_loop_free(loop);
}

/* ---- throwing */

static int catches_all(weir_gen *self, weir_gen *up, void *args)
{
    (void)up;
    (void)args;
    for (long i = 1;; i++) {
        weir_item item = number_item(&i);
        if (!weir_yield(self, &item) && !weir_catch(self, WEIR_ANY, NULL)) {
            return 0;
        }
    }
}

TEST(throw_into_a_generator_of_a_canceled_scope_ends_it)
{
    weir_loop *loop = test_loop();
    weir_scope *scope = weir_scope_new(weir_root(loop), NULL);
    weir_gen *gen = weir_gen_new(scope, catches_all, NULL, 0, NULL);
    weir_item item;
    ck_assert(weir_next(gen, &item));
    ck_assert_int_eq(weir_throw(gen, WEIR_EUSER, NULL, &item), WEIR_GOT_ITEM);

    weir_scope_cancel(scope);

    ck_assert_int_eq(weir_throw(gen, WEIR_EUSER, NULL, &item), WEIR_GOT_OVER);
    ck_assert_int_eq(weir_finish(gen, NULL), WEIR_ECANCELED);
    ck_assert_int_eq(weir_scope_wait(scope, NULL), 0);
    weir_loop_free(loop);
}

/* Pulls one, throws for the next, gives one for both. */
WEIR_STAGE(throws_for_the_second, struct none)
{
    weir_item first, second;
    (void)args;
    if (weir_next(up, &first) && weir_throw(up, WEIR_EUSER, NULL, &second) == WEIR_GOT_ITEM) {
        (void)!weir_yield(self, &second);
    }
    return 0;
}

TEST(throw_by_a_body_keeps_what_it_has_pulled_before_in_flight)
{
    weir_loop *loop = test_loop();
    weir_scope *root = weir_root(loop);
    weir_item item;
    weir_gen *gen =
        throws_for_the_second(weir_gen_new(root, catches_all, NULL, 0, NULL), (struct none){0});
    ck_assert(weir_next(gen, &item));
    ck_assert_uint_eq(ledger_of(root).in, 2);
    ck_assert_uint_eq(ledger_of(root).in_flight, 2);
    weir_discard(gen);
    weir_loop_free(loop);
}

/* ---- depth */

struct depth {
    int left;
};

static int delegates_deeper(weir_gen *self, weir_gen *up, void *args)
{
    struct depth *depth = args;
    long one = 1;
    weir_item item = number_item(&one);
    (void)up;
    if (depth->left == 0) {
        return weir_yield(self, &item) ? weir_return(self, &item) : 0;
    }
    struct depth next = {depth->left - 1};
    weir_gen *inner = weir_gen_new(weir_gen_scope(self), delegates_deeper, &next, sizeof next,
                                   WEIR_OPTIONS(weir_gen_options, .stack_bytes = 16 * 1024));
    const weir_item *result;
    return weir_yield_from(self, inner, &result) && result != NULL ? weir_return(self, result)
                                                                   : WEIR_EUSER;
}

static int reads_deep(weir_scope *scope, void *args)
{
    struct depth depth = {*(int *)args};
    weir_item item;
    weir_gen *gen = weir_gen_new(scope, delegates_deeper, &depth, sizeof depth, NULL);
    bool got = weir_next(gen, &item) && !weir_next(gen, &item) && weir_result(gen) != NULL;
    int rc = weir_finish(gen, NULL);
    return rc < 0 ? rc : got ? 0 : WEIR_EUSER;
}

TEST_WITHIN(delegates_end_deeper_than_a_stack, 30)
{
    weir_loop *loop = test_loop();
    weir_scope *scope = weir_scope_new(weir_root(loop), NULL);
    int depth = wr_test_sweeps() ? 3 : 5000;
    weir_spawn(scope, "reader", reads_deep, &depth, sizeof depth);
    ck_assert_int_eq(weir_scope_wait(scope, NULL), 0);
    weir_loop_free(loop);
}

MAIN("flow/talk")
