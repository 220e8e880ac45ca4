/*
 * test_stage_utf8.c - utf8 and encode as a text has them: the suite for stages with lines that are no
 * UTF-8, then what they do besides.
 */
#include <weir/plan.h>

#include "support_flow.h"
#include "support_stage.h"

static const weir_slice lines[] = {
    {"plain", 5},        {"", 0},     {"gr\xc3\xbc\xc3\x9f", 6}, {"\xff\xfe", 2}, {"a\xc3", 2},
    {"\xed\xa0\x80", 3}, {"n\0l", 3}, {"\xf0\x9f\x8c\x8a", 4},
};
#define KIT(stage)                                                                   \
    {                                                                                \
        .text = (stage), .items = lines, .items_count = sizeof lines / sizeof *lines \
    }
static const struct wr_stage_kit kits[] = {KIT("utf8"), KIT("utf8 reject")};
WR_STAGE_SUITE(kits);

struct one_line {
    const char *data;
    size_t len;
    uint32_t flags;
};

WEIR_SOURCE(one_line, struct one_line)
{
    weir_item item = weir_bytes(args->data, args->len);
    item.flags = args->flags;
    (void)!weir_yield(self, &item);
    return 0;
}

static void gives(const char *stage, const char *data, size_t len, const char *want)
{
    weir_item got;
    weir_loop *loop = test_loop();
    weir_gen *gen = weir_parse(
        weir_root(loop), one_line(weir_root(loop), (struct one_line){data, len, WEIR_ITEM_CRLF}),
        stage, NULL);
    bool is_there = weir_next(gen, &got);
    ck_assert_msg(is_there == (want != NULL), "%s: %d", stage, is_there);
    if (is_there) {
        ck_assert_uint_eq(got.len, strlen(want));
        ck_assert_mem_eq(got.data, want, got.len);
        ck_assert_uint_eq(got.flags, WEIR_ITEM_CRLF);
        ck_assert(!weir_next(gen, &got));
    }
    ck_assert_int_eq(weir_finish(gen, NULL), 0);
    weir_loop_free(loop);
}

TEST(each_byte_that_is_no_utf8_is_replaced)
{
    gives("utf8", "gr\xc3\xbc\xc3\x9f", 6, "gr\xc3\xbc\xc3\x9f");
    gives("utf8",
          "a\xff"
          "b",
          3,
          "a\xef\xbf\xbd"
          "b");
    gives("utf8", "\xc3", 1, "\xef\xbf\xbd");
    gives("utf8", "\xed\xa0\x80", 3, "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"); /* a surrogate */
    gives("utf8", "\xc0\x80x", 3, "\xef\xbf\xbd\xef\xbf\xbdx");               /* overlong */
    gives("utf8", "\xf4\x90\x80\x80", 4,
          "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"); /* beyond U+10FFFF */
}

TEST(a_line_that_is_no_utf8_is_rejected_with_its_byte)
{
    weir_item got;
    weir_error error;
    weir_loop *loop = test_loop();
    weir_gen *up = one_line(weir_root(loop), (struct one_line){"ab\xff", 3, 0});
    weir_gen *gen = weir_parse(weir_root(loop), up, "utf8 reject on-error=stop", NULL);
    ck_assert(!weir_next(gen, &got));
    ck_assert_int_eq(weir_finish(gen, &error), WEIR_EPARSE);
    ck_assert_ptr_nonnull(strstr(error.message, "byte 2 of the line is 0xff"));
    weir_loop_free(loop);
    gives("utf8 reject", "ab\xff", 3, NULL);
    gives("utf8 reject", "gr\xc3\xbc", 4, "gr\xc3\xbc");
}

TEST(texts_are_encoded_with_their_line_ends_behind)
{
    gives("encode hex", "\0\xff", 2, "00ff");
    gives("encode base64", "\0\xff", 2, "AP8=");
    gives("encode base64", "", 0, "");
}

MAIN("stage/utf8")
