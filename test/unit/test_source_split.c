/*
 * weir_lines: bytes cut anywhere come out as the lines they hold.
 */
#include "support_suites.h"

struct pieces {
    const char *text;
    size_t len, step;
    bool fails;
};

/* The text, `step` bytes at a time. */
WEIR_SOURCE(pieces, struct pieces)
{
    for (size_t at = 0; at < args->len; at += args->step) {
        weir_item item = weir_bytes(args->text + at, WR_MIN(args->step, args->len - at));
        if (!weir_yield(self, &item)) {
            return 0;
        }
    }
    return args->fails ? weir_fail(self, WEIR_ERESET, "cut") : 0;
}

static const char text[] = "one\ntwo\r\n\nfour, which is longer\nlast";

static void reads(size_t step)
{
    static const char *const want[] = {"one", "two", "", "four, which is longer", "last"};
    weir_loop *loop = test_loop();
    weir_gen *gen =
        weir_lines(pieces(weir_root(loop), (struct pieces){text, sizeof text - 1, step, false}));
    weir_item item;
    size_t n = 0;
    while (weir_next(gen, &item)) {
        ck_assert_uint_lt(n, 5);
        ck_assert_uint_eq(item.len, strlen(want[n]));
        ck_assert_mem_eq(item.data, want[n], item.len);
        ck_assert_uint_eq(item.flags, n == 1 ? WEIR_ITEM_CRLF : n == 4 ? WEIR_ITEM_NO_EOL : 0);
        n++;
    }
    ck_assert_uint_eq(n, 5);
    ck_assert_int_eq(weir_finish(gen, NULL), 0);
    weir_loop_free(loop);
}

TEST(lines_are_the_same_however_the_bytes_are_cut)
{
    for (size_t step = 1; step < sizeof text; step++) {
        reads(step);
    }
}

TEST(lines_before_a_failure_are_given_and_the_unfinished_one_is_not)
{
    weir_loop *loop = test_loop();
    weir_gen *gen =
        weir_lines(pieces(weir_root(loop), (struct pieces){text, sizeof text - 1, 7, true}));
    weir_item item;
    weir_error error;
    int n = 0;
    while (weir_next(gen, &item)) {
        n++;
    }
    ck_assert_int_eq(n, 4);
    ck_assert_int_eq(weir_finish(gen, &error), WEIR_ERESET);
    ck_assert_str_eq(error.origin, "pieces");
    weir_loop_free(loop);
}

TEST(lines_of_a_batch_are_refused)
{
    weir_loop *loop = test_loop();
    weir_gen *gen = weir_lines(weir_batch(count_to(weir_root(loop), 3), NULL));
    weir_item item;
    ck_assert(!weir_next(gen, &item));
    ck_assert_int_eq(weir_finish(gen, NULL), WEIR_EINVAL);
    weir_loop_free(loop);
}

static weir_gen *lines_elsewhere(weir_loop *loop)
{
    weir_scope *scope = weir_scope_new(weir_root(loop), NULL);
    return weir_lines(pieces(scope, (struct pieces){text, sizeof text - 1, 7, false}));
}

TEST(lines_are_canceled_while_they_wait_for_memory)
{
    weir_loop *loop = test_loop();
    ck_assert_int_eq(wr_suite_read_without_memory(lines_elsewhere(loop), weir_scope_cancel),
                     WEIR_ECANCELED);
    weir_loop_free(loop);
}

TEST(lines_are_left_while_they_wait_for_memory)
{
    weir_loop *loop = test_loop();
    ck_assert_int_eq(wr_suite_read_without_memory(lines_elsewhere(loop), wr_suite_end_scope),
                     WEIR_ECLOSED);
    weir_loop_free(loop);
}

MAIN("source/split")
