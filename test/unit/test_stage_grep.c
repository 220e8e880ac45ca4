/*
 * test_stage_grep.c - grep as a text has it: the suite for stages with items that are left out, that
 * hold any byte, and of which none or all match; then what grep does besides.
 */
#include "support_flow.h"
#include "support_stage.h"

static const weir_slice lines[] = {
    {"one", 3}, {"", 0}, {"o\0ne|two,", 9}, {"t\\", 2}, {"\xff\xfe", 2}, {"none", 4},
};
#define KIT(stage)                                                                   \
    {                                                                                \
        .text = (stage), .items = lines, .items_count = sizeof lines / sizeof *lines \
    }
static const struct wr_stage_kit kits[] = {
    KIT("grep \"one\""),
    KIT("grep \"zzz\""),
    KIT("grep -v \"zzz\""),
    {.text = "grep \"1\"", .shape = WEIR_SHAPE_JSON},
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

MAIN("stage/grep")
