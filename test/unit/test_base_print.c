/*
 * test_base_print.c - printing into a buffer that may be too small.
 */
#include "base_print.h"
#include "support_check.h"

TEST(steps_follow_each_other)
{
    char text[32];
    struct wr_print print;
    wr_print_to(&print, text, sizeof text);
    ck_assert_str_eq(text, "");

    wr_printf(&print, "%d of", 3);
    wr_print_bytes(&print, " 17 lines", 3);

    ck_assert_str_eq(text, "3 of 17");
    ck_assert_uint_eq(print.len, 7);
}

TEST(what_does_not_fit_is_counted_and_left_out)
{
    for (size_t cap = 1; cap <= 9; cap++) {
        char text[10] = "#########", expected[10] = "";
        struct wr_print print;
        wr_print_to(&print, text, cap);

        wr_printf(&print, "%s", "abc");
        wr_print_bytes(&print, "def", 3);
        wr_printf(&print, "%s", "gh");

        memcpy(expected, "abcdefgh", cap - 1);
        ck_assert_str_eq(text, expected);
        ck_assert_uint_eq(print.len, 8);
        ck_assert(cap == 9 || text[cap] == '#');
    }
}

TEST(no_room_is_not_written_to)
{
    struct wr_print print;
    wr_print_to(&print, NULL, 0);

    wr_printf(&print, "%s", "abc");
    wr_print_bytes(&print, "de", 2);
    wr_print_string(&print, "f");

    ck_assert_uint_eq(print.len, 6);
    ck_assert_uint_eq(wr_print_text(NULL, 0, "%s", "abc"), 3);
}

TEST(one_step_returns_the_length_of_the_whole_text)
{
    char text[4];

    ck_assert_uint_eq(wr_print_text(text, sizeof text, "%d", 12345), 5);

    ck_assert_str_eq(text, "123");
}

MAIN("base/print")
