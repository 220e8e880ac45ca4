/*
 * weir_framed and weir_lines behind other stages: bytes cut anywhere come out as the items they
 * hold.
 */
#include "support_suites.h"
#include "texts_flow.h"

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
    for (size_t step = 1; step < sizeof text; step += wr_test_sweeps() ? 9 : 1) {
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

static const char *frames(const struct wr_framing_case *c, size_t step, size_t max)
{
    weir_loop *loop = test_loop();
    weir_framing framing = c->framing;
    framing.struct_size = sizeof framing;
    weir_gen *gen = weir_framed(
        pieces(weir_root(loop), (struct pieces){c->bytes, c->len, step, false}), &framing);
    const char *shown = wr_items_shown(gen, max);
    ck_assert_int_eq(weir_finish(gen, NULL), 0);
    weir_loop_free(loop);
    return shown;
}

TEST(every_framer_stands_behind_bytes)
{
    for (size_t i = 0; i < WR_FRAMING_CASES; i++) {
        const struct wr_framing_case *c = &wr_framing_cases[i];
        size_t first = wr_test_sweeps() ? c->len / 2 : 1; /* cut once is enough there */
        for (size_t step = first; step <= c->len; step += first) {
            ck_assert_str_eq(frames(c, step, 1), c->items);  /* one by one ... */
            ck_assert_str_eq(frames(c, step, 64), c->items); /* ... as many at once */
        }
    }
}

TEST(a_skipped_record_is_rejected_in_the_ledger)
{
    weir_loop *loop = test_loop();
    static const char bytes[] = "\0\0\0\1a\0\0\0\3bcd\0\0\0\1e";
    weir_gen *gen =
        weir_framed(pieces(weir_root(loop), (struct pieces){bytes, sizeof bytes - 1, 3, false}),
                    WEIR_OPTIONS(weir_framing, .kind = WEIR_FRAME_LEN32, .item_bytes_max = 2));

    ck_assert_str_eq(wr_items_shown(gen, 8), "a|e|");

    ck_assert_int_eq(weir_finish(gen, NULL), 0);
    ck_assert_uint_eq(ledger_of(weir_root(loop)).rejected, 1);
    weir_loop_free(loop);
}

TEST(bytes_that_are_no_framing_fail_with_their_place)
{
    weir_loop *loop = test_loop();
    weir_error error;
    static const char bytes[] = "\1a\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\1";
    weir_gen *gen =
        weir_framed(pieces(weir_root(loop), (struct pieces){bytes, sizeof bytes - 1, 3, false}),
                    WEIR_OPTIONS(weir_framing, .kind = WEIR_FRAME_VARINT));

    ck_assert_str_eq(wr_items_shown(gen, 8), "a|");

    ck_assert_int_eq(weir_finish(gen, &error), WEIR_EPARSE);
    ck_assert_int_eq(error.offset, 2);
    ck_assert_str_eq(error.origin, "varint");
    ck_assert_ptr_nonnull(strstr(error.message, TEXT_FLOW_BAD_RECORD));
    weir_loop_free(loop);
}

TEST(bytes_that_end_inside_a_record_are_truncated)
{
    weir_loop *loop = test_loop();
    weir_error error;
    weir_gen *gen =
        weir_framed(pieces(weir_root(loop), (struct pieces){"onetw", 5, 2, false}),
                    WEIR_OPTIONS(weir_framing, .kind = WEIR_FRAME_FIXED, .record_bytes = 3));

    ck_assert_str_eq(wr_items_shown(gen, 8), "one|");

    ck_assert_int_eq(weir_finish(gen, &error), WEIR_ETRUNCATED);
    ck_assert_int_eq(error.offset, 3);
    weir_loop_free(loop);
}

TEST(a_framing_that_cannot_be_is_refused)
{
    static const weir_framing wrong[] = {
        {sizeof *wrong, WEIR_FRAME_CSV + 1, 0, 0, 0, 0, 0},
        {sizeof *wrong, WEIR_FRAME_FIXED, 0, 0, 0, 0, 0},
        {sizeof *wrong, WEIR_FRAME_FIXED, 0, 100, 101, 0, 0},
        {sizeof *wrong, WEIR_FRAME_LINES, WEIR_LONG_PARTS + 1, 0, 0, 0, 0},
        {sizeof *wrong, WEIR_FRAME_LINES, 0, -2, 0, 0, 0},
        {sizeof *wrong, WEIR_FRAME_CSV, 0, 0, 0, '"', 0},
        {sizeof *wrong, WEIR_FRAME_CSV, 0, 0, 0, 200, 0}};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        weir_loop *loop = test_loop();
        weir_item item;
        weir_gen *gen = weir_framed(count_to(weir_root(loop), 3), &wrong[i]);
        ck_assert(!weir_next(gen, &item));
        ck_assert_int_eq(weir_finish(gen, NULL), WEIR_EINVAL);
        weir_loop_free(loop);
    }
}

/* Events lie in blocks of their own, beside the one that is received into: all of it is charged. */
TEST(an_event_beyond_the_budget_fails)
{
    weir_loop *loop = weir_loop_new(WEIR_OPTIONS(weir_loop_options, .budget_bytes = 16 * 1024));
    ck_assert_ptr_nonnull(loop);
    wr_loop_virtual_clock(loop, 1700000000000000000);
    static char bytes[64 * 1024];
    weir_error error;
    memset(bytes, 'x', sizeof bytes);
    memcpy(bytes, "data: a\n\ndata: ", 15);
    weir_gen *gen =
        weir_framed(pieces(weir_root(loop), (struct pieces){bytes, sizeof bytes, 1000, false}),
                    WEIR_OPTIONS(weir_framing, .kind = WEIR_FRAME_SSE, .item_bytes_max = 1 << 20));

    ck_assert_str_eq(wr_items_shown(gen, 8), "a|");

    ck_assert_int_eq(weir_finish(gen, &error), WEIR_EBUDGET);
    weir_loop_free(loop);
}

MAIN("stage/framed")
