/*
 * test_plan_format.c - the usual layout of a text: it means the same, and is its own layout.
 */
#include <stdlib.h>
#include <string.h>
#include <weir/plan.h>

#include "support_check.h"

#define LONG "https://feeds.example.org/a/rather/long/path/to/a/feed.ndjson?with=a&query=too"

static const struct {
    const char *text, *layout;
} samples[] = {
    {"gen 1..10|head   3", "gen 1..10 | head 3"},
    {"  gen 1..10\n | skip 2\n | head 3 ", "gen 1..10 | skip 2 | head 3"},
    {"grep \"a  |  b\"  |  null", "grep \"a  |  b\" | null"},
    {"grep `a\nb`", "grep `a\nb`"},
    {"f.ndjson | set .a |=\n  . + 1", "f.ndjson | set .a |= . + 1"},
    {"./a(b  c).txt|head 1", "./a(b  c).txt | head 1"},
    {"unknown  stage | another{x}", "unknown stage | another{x}"},
    /* A long text: each stage in a line. */
    {LONG " | grep error | head 3", LONG "\n  | grep error\n  | head 3"},
    {LONG "|head 3", LONG "\n  | head 3"},
    /* Comments stay where they are. */
    {"https://h/f   # the feed\n  | json      # a \"comment | with a pipe\n  | head 10",
     "https://h/f  # the feed\n  | json  # a \"comment | with a pipe\n  | head 10"},
    {"# begin\nf.log\n# before head\n| head 3\n# end",
     "# begin\nf.log\n  # before head\n  | head 3\n"
     "  # end"},
    {"f.log | # one\n head 3", "f.log\n  |  # one\n      head 3"},
    {"f.log | where .a # one\n and .b", "f.log\n  | where .a  # one\n      and .b"},
    {"f.log | where (.a # one\n   and .b)", "f.log\n  | where (.a # one\n   and .b)"},
    /* Blocks, and objects of expressions. */
    {"merge {gen 1..3} {gen 4..6|head 1} | null",
     "merge { gen 1..3 } { gen 4..6 | head 1 } | null"},
    {"f.ndjson | route .kind == {a:   1}.a {file a.out} else {null}",
     "f.ndjson | route .kind == {a:   1}.a { file a.out } else { null }"},
    {"f.ndjson | {user: .u.name,   n}", "f.ndjson | {user: .u.name,   n}"},
    {"f.ndjson | where .a == {b:   1}", "f.ndjson | where .a == {b:   1}"},
    {"udp://:5514 | syslog | tee { where .severity <= 3 | file err.ndjson rotate=10MiB } { queue "
     "8MiB full=drop-oldest | post http://h/hook?a=b } | count every 10s",
     "udp://:5514\n  | syslog\n  | tee { where .severity <= 3 | file err.ndjson rotate=10MiB } {\n"
     "      queue 8MiB full=drop-oldest | post http://h/hook?a=b\n    }\n  | count every 10s"},
    {"f.ndjson | tee { " LONG " | head 3 }",
     "f.ndjson\n  | tee {\n      " LONG "\n        | head 3\n    }"},
    {"@base64d|.x", "@base64d | .x"},
    {"f.ndjson | tee { # one\n head 3 }", "f.ndjson\n  | tee {  # one\n      head 3\n    }"},
    {"f.ndjson | tee { head 3 # one\n }", "f.ndjson\n  | tee {\n      head 3  # one\n    }"},
};

enum { SAMPLES = sizeof samples / sizeof samples[0] };

static char *format(const char *text, const char *name)
{
    weir_error error;
    size_t len = weir_plan_format(text, name, NULL, 0, &error);
    char *to = malloc(len + 1);
    ck_assert(to != NULL);
    ck_assert_uint_eq(weir_plan_format(text, name, to, len + 1, &error), len);
    ck_assert_int_eq(error.code, 0);
    ck_assert_uint_eq(strlen(to), len);
    return to;
}

TEST(format_lays_out_a_text)
{
    for (size_t i = 0; i < SAMPLES; i++) {
        char *once = format(samples[i].text, "file.weir");
        ck_assert_str_eq(once, samples[i].layout);
        free(once);
    }
}

TEST(format_leaves_its_own_layout_unchanged)
{
    for (size_t i = 0; i < SAMPLES; i++) {
        char *once = format(samples[i].text, NULL);
        char *twice = format(once, NULL);
        ck_assert_str_eq(once, twice);
        free(once);
        free(twice);
    }
}

TEST(format_keeps_the_lines_with_options)
{
    char *text =
        format("# head\n@state  /x # why\n\n  @mem 64MiB\n\n# of the feed\ngen 1..3|head 1\n",
               "file.weir");
    ck_assert_str_eq(text, "# head\n@state  /x # why\n@mem 64MiB\n# of the feed\ngen 1..3\n"
                           "  | head 1");
    free(text);
}

TEST(format_hides_no_secret)
{
    char *text = format("https://user:secret@h/f|head 1", NULL);
    ck_assert_str_eq(text, "https://user:secret@h/f | head 1");
    free(text);
}

TEST(format_of_a_mistake_is_empty_and_names_it)
{
    static const char *const bad[] = {"gen 1..3 | grep \"a", "gen 1..3 | | head 1", "f | where (.a",
                                      "f | where .a)", ""};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        char to[20] = "before";
        weir_error error;
        ck_assert_uint_eq(weir_plan_format(bad[i], NULL, to, sizeof to, &error), 0);
        ck_assert_str_eq(to, "");
        ck_assert_int_eq(error.code, WEIR_EPARSE);
    }
}

TEST(format_that_does_not_fit_is_cut)
{
    char to[8];
    weir_error error;
    ck_assert_uint_eq(weir_plan_format("gen 1..10|head 3", NULL, to, sizeof to, &error), 18);
    ck_assert_str_eq(to, "gen 1..");
}

TEST(format_of_a_text_that_is_too_long_is_refused)
{
    size_t len = (1u << 20) + 1;
    char *text = malloc(len + 1);
    weir_error error;
    ck_assert(text != NULL);
    memset(text, 'a', len);
    text[len] = '\0';
    ck_assert_uint_eq(weir_plan_format(text, NULL, NULL, 0, &error), 0);
    ck_assert_int_eq(error.code, WEIR_EPARSE);
    free(text);
}

MAIN("plan/format")
