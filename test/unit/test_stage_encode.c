/*
 * test_stage_encode.c - weir_encoded and its components: what comes out of them is decoded again to
 * what went in. The suite for stages (test_plan_stages.c) runs them, too.
 */
#include <weir/plan.h>

#include "support_suites.h"

#define ENCODING(...) WEIR_OPTIONS(weir_encoding, __VA_ARGS__)

/* Read gen to its end; the result. Its bytes follow each other in *text. */
static int read_all(weir_gen *gen, char *text, size_t cap, weir_error *error)
{
    weir_item item;
    size_t len = 0;
    while (weir_next(gen, &item)) {
        ck_assert_uint_lt(len + item.len, cap);
        ck_assert_uint_eq(item.flags, WEIR_ITEM_BYTES);
        memcpy(text + len, item.data, item.len);
        len += item.len;
    }
    text[len] = '\0';
    return weir_finish(gen, error);
}

static weir_gen *decoded(weir_gen *gen, int32_t coding)
{
    return weir_decoded(gen, WEIR_OPTIONS(weir_decoding, .coding = coding));
}

static const char LINES[] = "one\ntwo\r\n\nlast";

TEST(lines_come_out_with_their_ends)
{
    for (int32_t coding = 0; coding <= WEIR_CODING_ZSTD; coding++) {
        for (int32_t members = 0; members <= 1; members++) {
            char text[64];
            weir_loop *loop = test_loop();
            weir_gen *gen = weir_encoded(wr_lines_of(weir_root(loop), LINES),
                                         ENCODING(.coding = coding, .members = members));
            ck_assert_int_eq(read_all(decoded(gen, coding), text, sizeof text, NULL), 0);
            ck_assert_str_eq(text, "one\ntwo\r\n\nlast");
            weir_loop_free(loop);
        }
    }
}

TEST(nothing_becomes_an_empty_member)
{
    for (int32_t coding = 0; coding <= WEIR_CODING_ZSTD; coding++) {
        char text[64];
        weir_loop *loop = test_loop();
        weir_gen *gen = weir_encoded(wr_lines_of(weir_root(loop), ""), ENCODING(.coding = coding));
        ck_assert_int_eq(read_all(decoded(gen, coding), text, sizeof text, NULL), 0);
        ck_assert_str_eq(text, "");
        weir_loop_free(loop);
    }
}

/* Gives a line, then nothing for an hour. */
WEIR_SOURCE(slow_lines, weir_scope *)
{
    weir_item line = weir_bytes("one", 3);
    if (weir_yield(self, &line) && weir_sleep(*args, 3600 * 1000)) {
        (void)!weir_yield(self, &line);
    }
    return 0;
}

TEST(a_line_is_not_held_back_while_no_other_comes)
{
    for (int32_t coding = 0; coding <= WEIR_CODING_ZSTD; coding++) {
        weir_item item;
        weir_loop *loop = test_loop();
        weir_gen *lines = slow_lines(weir_root(loop), weir_root(loop));
        weir_gen *gen = decoded(weir_encoded(lines, ENCODING(.coding = coding)), coding);
        ck_assert_int_eq(weir_next_within(gen, &item, 10), WEIR_GOT_ITEM);
        ck_assert_uint_eq(item.len, 4);
        ck_assert_mem_eq(item.data, "one\n", 4);
        weir_discard(gen);
        weir_loop_free(loop);
    }
}

WEIR_SOURCE(failing_lines)
{
    weir_item line = weir_bytes("one", 3);
    return weir_yield(self, &line) ? weir_fail(self, WEIR_ERESET, "cut") : 0;
}

TEST(after_a_failure_the_end_is_missing)
{
    char text[256];
    weir_error error;
    weir_loop *loop = test_loop();
    weir_gen *gen = weir_encoded(failing_lines(weir_root(loop)), NULL);
    ck_assert_int_eq(read_all(gen, text, sizeof text, &error), WEIR_ERESET);
    ck_assert_str_eq(error.origin, "failing_lines");
    weir_loop_free(loop);
}

struct big {
    size_t count, len;
};

WEIR_SOURCE(big_items, struct big)
{
    static char bytes[1024 * 1024];
    uint32_t x = 1;
    for (size_t i = 0; i < sizeof bytes; i++) {
        x = x * 1664525 + 1013904223;
        bytes[i] = (char)(x >> 24);
    }
    for (size_t i = 0; i < args->count; i++) {
        weir_item item = weir_bytes(bytes, args->len);
        if (!weir_yield(self, &item)) {
            break;
        }
    }
    return 0;
}

TEST(items_of_any_length_come_through_in_bounded_memory)
{
    enum { COUNT = 12, LEN = 1024 * 1024 };
    if (wr_test_sweeps()) {
        return;
    }
    for (int32_t coding = 0; coding <= WEIR_CODING_ZSTD; coding++) {
        weir_item item;
        uint64_t bytes = 0;
        weir_loop *loop = test_loop();
        weir_gen *up = big_items(weir_root(loop), (struct big){COUNT, LEN});
        weir_gen *gen = decoded(weir_encoded(up, ENCODING(.coding = coding, .level = 1)), coding);
        while (weir_next(gen, &item)) {
            bytes += item.len;
        }
        ck_assert_int_eq(weir_finish(gen, NULL), 0);
        ck_assert_uint_eq(bytes, (uint64_t)COUNT * (LEN + 1));
        ck_assert_int_lt(loop->budget.peak, 8 * 1024 * 1024);
        ck_assert_int_eq(loop->budget.used, 0);
        weir_loop_free(loop);
    }
}

TEST(a_level_that_needs_more_than_half_of_the_budget_fails)
{
    char text[64];
    weir_error error;
    weir_loop *loop = weir_loop_new(WEIR_OPTIONS(weir_loop_options, .budget_bytes = 64 * 1024));
    ck_assert_ptr_nonnull(loop);
    weir_gen *gen = weir_encoded(wr_lines_of(weir_root(loop), LINES),
                                 ENCODING(.coding = WEIR_CODING_ZSTD, .level = 19));
    ck_assert_int_eq(read_all(gen, text, sizeof text, &error), WEIR_EBUDGET);
    ck_assert_ptr_nonnull(strstr(error.message, "level 19 needs"));
    weir_loop_free(loop);
}

TEST(options_that_cannot_be_are_refused)
{
    static const weir_encoding wrong[] = {{.coding = WEIR_CODING_BROTLI},
                                          {.level = 10},
                                          {.level = -1},
                                          {.coding = WEIR_CODING_ZSTD, .level = 20},
                                          {.members = 2}};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        char text[64];
        weir_encoding encoding = wrong[i];
        weir_loop *loop = test_loop();
        encoding.struct_size = sizeof encoding;
        weir_gen *gen = weir_encoded(count_to(weir_root(loop), 3), &encoding);
        ck_assert_int_eq(read_all(gen, text, sizeof text, NULL), WEIR_EINVAL);
        weir_loop_free(loop);
    }
}

MAIN("stage/encode")
