/*
 * test_codec_excerpt.c - what is shown of a text around a mistake: one line, harmless, bounded, with
 * the caret below the right column.
 */
#include <string.h>

#include "codec_excerpt.h"
#include "codec_utf8.h"
#include "support_check.h"

static void shows(const char *text, size_t at, const char *expected)
{
    char got[WR_EXCERPT_BYTES];
    size_t len = wr_excerpt((weir_slice){text, strlen(text)}, at, got);
    ck_assert_str_eq(got, expected);
    ck_assert_uint_eq(len, strlen(expected));
}

TEST(the_caret_is_below_the_place)
{
    shows("{\"a\" 1}", 5, "\n  {\"a\" 1}\n       ^");
    shows("x", 0, "\n  x\n  ^");
    shows("abc", 3, "\n  abc\n     ^"); /* the text ends too early */
    shows("abc", 9, "\n  abc\n     ^");
}

TEST(only_the_line_of_the_place_is_shown)
{
    shows("[1,\n2 3,\r\n4]", 6, "\n  2 3,?\n    ^");
    shows("[1,\n2", 3, "\n  [1,\n     ^");
    shows("\n", 0, "");
    shows("", 0, "");
    shows("a\n\nb", 2, "");
}

TEST(what_would_change_a_terminal_is_a_question_mark)
{
    shows("\tA\033[31m\x7f\xc2\x9b", 1, "\n   A?[31m??\n   ^");
    shows("a\xe2\x80\xae"
          "b\xe2\x80\x8b",
          4, "\n  a?b?\n    ^");
    shows("a\xff\xc3[b\xe2", 3, "\n  a??[b?\n     ^");
    shows("ab\x01\x02\x03", 2, "");
}

TEST(columns_are_those_of_a_terminal)
{
    shows("\xc3\xa9\xc3\xa9!", 4, "\n  \xc3\xa9\xc3\xa9!\n    ^");
    shows("\xe6\x97\xa5\xe6\x9c\xac!", 6, "\n  \xe6\x97\xa5\xe6\x9c\xac!\n      ^");
    shows("e\xcc\x81!", 3, "\n  e\xcc\x81!\n   ^");
    shows("\xc3\xa9!", 1, "\n  \xc3\xa9!\n  ^"); /* inside a character */
}

TEST(secrets_are_stars)
{
    shows("{\"u\": \"http://joe:secret@h/?token=abc\" 1}", 40,
          "\n  …ttp://joe:******@h/?token=***\" 1}\n                                   ^");
}

TEST(a_long_line_is_cut_on_both_sides)
{
    char text[4000], got[WR_EXCERPT_BYTES];
    memset(text, 'x', sizeof text);
    text[2000] = '!';
    size_t len = wr_excerpt((weir_slice){text, sizeof text}, 2000, got);
    ck_assert_uint_lt(len, sizeof got);
    ck_assert_str_eq(got, "\n  …xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx!xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx…"
                          "\n                                   ^");
}

/* At every place of a text with characters of every length: valid, bounded, and the same character
 * is above the caret. */
TEST(every_place_of_a_text_is_shown)
{
    static const char text[] =
        "0123456789 \xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80 \xff 0123456789 0123456789 "
        "\xe6\x97\xa5\xe6\x9c\xac "
        "0123456789 0123456789 0123456789 \x01 0123456789 \xf0\x9f\x98\x80\xf0\x9f\x98\x80 end";
    for (size_t len = 1; len < sizeof text; len++) {
        for (size_t at = 0; at <= len; at++) {
            char got[WR_EXCERPT_BYTES];
            size_t got_len = wr_excerpt((weir_slice){text, len}, at, got);
            ck_assert_uint_gt(got_len, 0);
            ck_assert_uint_lt(got_len, sizeof got);
            ck_assert_uint_eq(wr_utf8_valid_bytes(got, got_len), got_len);
            ck_assert_int_eq(got[got_len - 1], '^');
            ck_assert_uint_lt(strlen(strrchr(got, '\n')), 40);
        }
    }
}

TEST(numbers_are_written_in_groups)
{
    char text[32];
    ck_assert_str_eq(wr_grouped(0, text), "0");
    ck_assert_str_eq(wr_grouped(999, text), "999");
    ck_assert_str_eq(wr_grouped(918233, text), "918 233");
    ck_assert_str_eq(wr_grouped(UINT64_MAX, text), "18 446 744 073 709 551 615");
}

MAIN("codec/excerpt")
