/*
 * test_codec_regex.c - regular expressions: names, groups, limits, bytes and characters.
 */
#include "codec_regex.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base_error.h"
#include "base_fault.h"
#include "support_check.h"

static struct wr_regex *regex_of(const char *pattern, uint32_t flags)
{
    int code;
    struct wr_regex_mistake mistake;
    wr_fault_pause(true); /* the stage is swept */
    struct wr_regex *regex =
        wr_regex_new((weir_slice){pattern, strlen(pattern)}, flags, &code, &mistake);
    wr_fault_pause(false);
    ck_assert_ptr_nonnull(regex);
    ck_assert_int_eq(code, 0);
    return regex;
}

/* The groups of the first match, "a|b|", one that took no part as "-"; or the problem, or "". */
static const char *match_in(struct wr_regex *regex, weir_slice text, size_t from,
                            enum wr_regex_where where)
{
    static char shown[256];
    const char *problem = NULL;
    size_t len = 0;
    char *copy = malloc(text.len > 0 ? text.len : 1);
    memcpy(copy, text.data, text.len);
    wr_fault_pause(true);
    int rc = wr_regex_match(regex, (weir_slice){copy, text.len}, from, where, &problem);
    wr_fault_pause(false);
    shown[0] = '\0';
    if (rc == WEIR_EPARSE) {
        (void)snprintf(shown, sizeof shown, "%s", problem);
    }
    for (size_t i = 1; rc == 1 && i <= wr_regex_groups(regex); i++) {
        size_t at = 0, to = 0;
        bool in = wr_regex_group(regex, i, &at, &to);
        len += (size_t)snprintf(shown + len, sizeof shown - len, "%.*s|", in ? (int)(to - at) : 1,
                                in ? copy + at : "-");
    }
    free(copy);
    return shown;
}

static void matches_as(const char *pattern, uint32_t flags, const char *text, const char *expected)
{
    struct wr_regex *regex = regex_of(pattern, flags);
    ck_assert_str_eq(match_in(regex, (weir_slice){text, strlen(text)}, 0, WR_REGEX_ANYWHERE),
                     expected);
    wr_regex_free(regex);
}

TEST(the_first_match_anywhere_is_found)
{
    matches_as("(\\d+)-(\\d+)", 0, "a 1-2 3-4", "1|2|");
    matches_as("(\\d+)-(\\d+)", 0, "a", "");
    matches_as("^(.*)$", 0, "", "|");
    matches_as("(A)", 0, "a", "");
    matches_as("(A)", WR_REGEX_IGNORE_CASE, "a", "a|");
    matches_as("( a ) # comment", WR_REGEX_EXTENDED, "a", "a|");
}

TEST(a_group_may_take_no_part)
{
    matches_as("(?:(a)|(b))(c)?", 0, "b", "-|b|-|");
}

TEST(a_match_can_begin_later)
{
    struct wr_regex *regex = regex_of("(a*)", 0);
    weir_slice text = {"baa", 3};
    ck_assert_str_eq(match_in(regex, text, 0, WR_REGEX_ANYWHERE), "|");
    ck_assert_str_eq(match_in(regex, text, 0, WR_REGEX_HERE_NOT_EMPTY), "");
    ck_assert_str_eq(match_in(regex, text, 1, WR_REGEX_HERE_NOT_EMPTY), "aa|");
    ck_assert_str_eq(match_in(regex, text, 3, WR_REGEX_ANYWHERE), "|");
    wr_regex_free(regex);
}

TEST(names_come_in_the_order_of_the_groups)
{
    size_t group;
    struct wr_regex *regex = regex_of("(?<zz>a)(b)(?P<a1>c)(?'m'd)", 0);
    ck_assert_uint_eq(wr_regex_groups(regex), 4);
    ck_assert_uint_eq(wr_regex_names(regex), 3);
    static const struct {
        const char *name;
        size_t group;
    } expected[] = {{"zz", 1}, {"a1", 3}, {"m", 4}};
    for (size_t i = 0; i < 3; i++) {
        weir_slice name = wr_regex_name(regex, i, &group);
        ck_assert_uint_eq(name.len, strlen(expected[i].name));
        ck_assert_mem_eq(name.data, expected[i].name, name.len);
        ck_assert_uint_eq(group, expected[i].group);
    }
    wr_regex_free(regex);
}

TEST(ascii_patterns_match_bytes_unless_told)
{
    matches_as("^(.)", 0, "\xc3\xa9", "\xc3|");
    matches_as("^(.)", WR_REGEX_UTF, "\xc3\xa9", "\xc3\xa9|");
    matches_as("(*UTF)^(.)", 0, "\xc3\xa9", "\xc3\xa9|");
    matches_as("([\xc3\xa9])", 0, "\xc3\xa8\xc3\xa9", "\xc3\xa9|");
}

TEST(what_is_no_utf_8_is_no_character)
{
    matches_as("(.)x", WR_REGEX_UTF, "\xffx ax", "a|");
    matches_as("(\\w+)$", WR_REGEX_UTF, "\xff\xfe ok", "ok|");
}

TEST(an_expression_that_explodes_is_stopped)
{
    matches_as("^(a+)+$", 0, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!",
               "the regular expression needs more than 1000000 steps");
}

/* A text of `len` times the byte, and then the text "axxy" from its byte 1 on. */
static void long_text_as(const char *pattern, uint32_t flags, size_t len, char byte,
                         const char *expected, const char *next)
{
    char *text = malloc(len);
    struct wr_regex *regex = regex_of(pattern, flags);
    memset(text, byte, len);
    ck_assert_str_eq(match_in(regex, (weir_slice){text, len}, 0, WR_REGEX_ANYWHERE), expected);
    ck_assert_str_eq(match_in(regex, (weir_slice){"axxy", 4}, 1, WR_REGEX_ANYWHERE), next);
    wr_regex_free(regex);
    free(text);
}

/* Without the limit, the first of these take minutes. */
TEST(loops_over_a_long_text_are_stopped)
{
    static const char late[] = "the regular expression takes too long for a text of this length";
    static const char steps[] = "the regular expression needs more than 1000000 steps";
    long_text_as("(x[xw]*x[xv]*)[yz]", 0, 900000, 'x', late, "xx|");
    long_text_as("(x[xw]*x[xv]*)[yz]", WR_REGEX_UTF, 900000, 'x', late, "xx|");
    long_text_as("(*NO_JIT)(x[xw]*x[xv]*)[yz]", 0, 900000, 'x', late, "xx|");
    long_text_as("((?:x[xw]*x[xv]*)+)[yz]", 0, 20000, 'x', steps, "xx|");
    long_text_as("(x)(?:[xw]*w\\1)?[yz]", 0, 900000, 'x', late, "x|");
}

TEST(a_long_text_is_matched)
{
    long_text_as("(x)[yz]", 0, 900000, 'x', "", "x|");
    long_text_as("(x+?)[^x]", 0, 2000, 'x', "", "xx|");
    long_text_as("([xa]).*?[y]", 0, 900000, '-', "", "x|");
    long_text_as("([xa])", 0, 900000, 'x', "x|", "x|");
    struct wr_regex *regex = regex_of("^.*?,.*?([0-9]+)$", 0);
    char *text = malloc(900003);
    memset(text, ',', 900000);
    memcpy(text + 900000, "123", 3);
    ck_assert_str_eq(match_in(regex, (weir_slice){text, 900003}, 0, WR_REGEX_ANYWHERE), "123|");
    wr_regex_free(regex);
    free(text);
}

/* It is too large to count in it. */
TEST(a_large_expression_is_matched_as_far_as_that_is_safe)
{
    char *pattern = malloc(20001);
    for (size_t i = 0; i < 20000; i += 2) {
        memcpy(pattern + i, "b|", 2);
    }
    memcpy(pattern + 19994, "(x+)y", 6);
    matches_as(pattern, 0, "axxy", "xx|");
    struct wr_regex *regex = regex_of(pattern, 0);
    char *text = malloc(900000);
    memset(text, '-', 900000);
    ck_assert_str_eq(match_in(regex, (weir_slice){text, 900000}, 0, WR_REGEX_ANYWHERE),
                     "the regular expression takes too long for a text of this length");
    wr_regex_free(regex);
    free(pattern);
    free(text);
}

TEST(an_expression_that_needs_much_memory_is_stopped)
{
    size_t len = 4000000;
    char *text = malloc(len);
    struct wr_regex *regex = regex_of("^(?:(a)|b)*$", 0);
    memset(text, 'a', len);
    const char *said = match_in(regex, (weir_slice){text, len}, 0, WR_REGEX_ANYWHERE);
    ck_assert_ptr_nonnull(strstr(said, "the regular expression needs more than"));
    /* ... and the next text is matched. */
    ck_assert_str_eq(match_in(regex, (weir_slice){"ab", 2}, 0, WR_REGEX_ANYWHERE), "a|");
    wr_regex_free(regex);
    free(text);
}

static void wrong(const char *pattern, size_t len, size_t at, const char *problem)
{
    int code = 0;
    struct wr_regex_mistake mistake;
    wr_fault_pause(true);
    ck_assert_ptr_null(wr_regex_new((weir_slice){pattern, len}, 0, &code, &mistake));
    wr_fault_pause(false);
    ck_assert_int_eq(code, WEIR_EPARSE);
    ck_assert_uint_eq(mistake.at, at);
    ck_assert_str_eq(mistake.problem, problem);
}

TEST(a_mistake_in_a_pattern_has_a_place)
{
    wrong("a(b", 3, 3, "missing closing parenthesis");
    wrong("a\\Cb", 4, 3, "using \\C is disabled by the application");
    char *pattern = malloc(WR_REGEX_PATTERN_MAX + 1);
    memset(pattern, 'a', WR_REGEX_PATTERN_MAX + 1);
    wrong(pattern, WR_REGEX_PATTERN_MAX + 1, WR_REGEX_PATTERN_MAX,
          "the pattern has more than 65536 bytes");
    free(pattern);
}

TEST(flags_say_what_a_dot_and_a_word_are_and_whether_a_match_may_be_empty)
{
    matches_as("(a.b)", 0, "a\nb", "");
    matches_as("(a.b)", WR_REGEX_DOT_ALL, "a\nb", "a\nb|");
    matches_as("(\\w+)", WR_REGEX_UTF, "\xc3\xa9", "");
    matches_as("(\\w+)", WR_REGEX_UTF | WR_REGEX_UNICODE, "\xc3\xa9t\xc3\xa9",
               "\xc3\xa9t\xc3\xa9|");
    matches_as("(x*)", 0, "ax", "|");
    matches_as("(x*)", WR_REGEX_NOT_EMPTY, "ax", "x|");
    matches_as("(x*)", WR_REGEX_NOT_EMPTY, "a", "");
}

MAIN("codec/regex")
