/*
 * test_stage_grep.c - grep as a text has it: the suite for stages with items that are left out, that
 * hold any byte, and of which none or all match; then what grep does besides.
 */
#include "support_flow.h"
#include "support_stage.h"

static const weir_slice lines[] = {
    {"one", 3}, {"", 0}, {"o\0ne|two,", 9}, {"t\\", 2}, {"\xff\xfe", 2}, {"none", 4},
};
/* The last one takes more steps than a match may. */
static const weir_slice for_pattern[] = {{"one", 3},
                                         {"", 0},
                                         {"aaa", 3},
                                         {"o\0ne|two,", 9},
                                         {"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab", 41}};

#define KIT(stage)                                                                   \
    {                                                                                \
        .text = (stage), .items = lines, .items_count = sizeof lines / sizeof *lines \
    }
static const struct wr_stage_kit kits[] = {
    KIT("grep \"one\""),
    KIT("grep \"zzz\""),
    KIT("grep -v \"zzz\""),
    {.text = "grep \"1\"", .shape = WEIR_SHAPE_JSON},
    {.text = "grep -E `^(a+)+$|one`", .items = for_pattern, .items_count = 5},
    KIT("grep -i \"ONE|\""),
    KIT("grep -vi \"ONE\""),
};
WR_STAGE_SUITE(kits);

WEIR_SOURCE(line_with_nul)
{
    weir_item line = weir_bytes("a\0b", 3);
    (void)!weir_yield(self, &line);
    return 0;
}

TEST(grep_looks_behind_a_nul)
{
    weir_loop *loop = test_loop();
    weir_item got;
    weir_gen *gen = weir_parse(weir_root(loop), line_with_nul(weir_root(loop)), "grep \"b\"", NULL);

    ck_assert(weir_next(gen, &got));
    ck_assert_uint_eq(got.len, 3);
    ck_assert(!weir_next(gen, &got));
    ck_assert_int_eq(weir_finish(gen, NULL), 0);
    weir_loop_free(loop);
}

TEST(grep_shows_where_a_pattern_is_wrong)
{
    char told[400];
    (void)weir_plan_error_text("gen 1.. | grep -E `a(b`", NULL, told, sizeof told);
    ck_assert_str_eq(told, "grep: missing closing parenthesis, at byte 3 of the pattern\n"
                           "  gen 1.. | grep -E `a(b`\n"
                           "                    ^^^^^");
}

/* All of for_pattern in one pull. */
WEIR_SOURCE(lines_for_pattern)
{
    weir_item items[5];
    for (size_t i = 0; i < 5; i++) {
        items[i] = weir_bytes(for_pattern[i].data, for_pattern[i].len);
    }
    (void)!weir_yield_many(self, items, 5);
    return 0;
}

TEST(the_items_before_a_failure_are_given)
{
    weir_loop *loop = test_loop();
    weir_item got[8];
    weir_error error;
    weir_gen *gen = weir_parse(weir_root(loop), lines_for_pattern(weir_root(loop)),
                               "grep -E `^(a+)+$|one` on-error=stop", NULL);

    ck_assert_uint_eq(weir_next_many(gen, got, 8), 2);
    ck_assert(!weir_next(gen, got));
    ck_assert_int_eq(weir_finish(gen, &error), WEIR_EPARSE);
    weir_loop_free(loop);
}

TEST(only_a_pattern_can_reject_an_item)
{
    weir_error error;
    static const char *const texts[] = {"gen 1.. | grep a", "gen 1.. | grep -E a"};
    for (int i = 0; i < 2; i++) {
        weir_plan *plan = weir_plan_read(texts[i], NULL, &error);
        ck_assert_ptr_nonnull(plan);
        ck_assert_int_eq(weir_plan_rejects(plan), i == 1);
        weir_plan_free(plan);
    }
}

MAIN("stage/grep")
