/*
 * test_expr_fn_string.c - functions on strings, with the results of jq.
 */
#include "support_run.h"

TEST(places_in_strings_and_arrays_are_counted_in_characters_and_elements)
{
    static const struct wr_run_case cases[] = {
        {"indices(\"aa\")", "\"aaa\"", "[0] "},
        {"indices(\", \")", "\"a,b, cd, efg\"", "[3,7] "},
        {"index(\"\"), rindex(\"\")", "\"abc\"", "null null "},
        {"index(\",\"), rindex(\",\"), index(\"x\")", "\"a,b,c\"", "1 3 null "},
        {"indices(1), indices([1,2]), indices([]), index(1), rindex(1)", "[0,1,2,1,3,1,2]",
         "[1,3,5] [1,5] [] 1 5 "},
        {"indices(\"a\")", "null", "null "},
        {"indices(1)", "\"abc\"", "! Cannot determine the indices of number in string"},
        {"indices(\",\")", "\"\xc3\xa9,\xe2\x82\xac,\"", "[1,3] "},
        {"indices(\"aba\")", "\"ababa\"", "[0] "},
    };
    CHECK_RUNS(cases);
}

TEST(a_string_is_split_and_joined)
{
    static const struct wr_run_case cases[] = {
        {"split(\",\")", "\"\"", "[] "},
        {"split(\"\")", "\"abc\"", "[\"a\",\"b\",\"c\"] "},
        {"split(\",\"), split(\", \")", "\"a, b,c,\"",
         "[\"a\",\" b\",\"c\",\"\"] [\"a\",\"b,c,\"] "},
        {"join(\"-\")", "[1,null,\"a\",true]", "\"1--a-true\" "},
        {"join(1)", "[]", "\"\" "},
        {"join(\",\")", "[[1]]", "! array ([1]) cannot be joined to a string"},
        {"join(1)", "[\"a\"]", "\"a\" "},
        {"join(null)", "[\"a\",\"b\"]", "\"ab\" "},
        {"join(1)", "[\"a\",\"b\"]", "! number (1) cannot be joined to a string"},
    };
    CHECK_RUNS(cases);
}

TEST(containment_is_that_of_parts)
{
    static const struct wr_run_case cases[] = {
        {"contains(\"\")", "\"x\"", "true "},
        {"contains({\"a\":[{\"b\":\"bar\"}]}), contains({\"a\":[{\"b\":\"x\"}]}), contains({})",
         "{\"a\":[1,{\"b\":\"foobar\"}],\"c\":1}", "true false true "},
        {"contains(true)", "true", "true "},
        {"contains(1), contains(2)", "1", "true false "},
        {"contains(false)", "true",
         "! boolean (true) and boolean (false) cannot have their containment checked"},
        {"contains([1,\"b\"])", "[1,\"a\"]", "false "},
        {"contains([\"baz\",\"bar\"]), contains([]), contains([\"bazz\"])", "[\"foobar\",\"baz\"]",
         "true true false "},
        {"contains({\"b\":null})", "{\"a\":1}", "false "},
        {"contains({\"a\":\"x\"})", "{\"a\":1}", "false "},
        {"contains({\"a\":{\"b\":[2,[\"x\"]]}}), contains({\"a\":{\"b\":[[\"y\"]]}})",
         "{\"a\":{\"b\":[[\"x1\"],2]}}", "true false "},
        {"contains([[3],[2]]), contains([[1,3]])", "[[1,2],[3]]", "true false "},
        {"contains(1)", "[1,2]",
         "! array ([1,2]) and number (1) cannot have their containment checked"},
        {"inside(\"abc\"), inside(\"x\")", "\"a\"", "true false "},
        {"inside([\"b\",\"abc\"])", "[\"a\"]", "true "},
    };
    CHECK_RUNS(cases);
}

TEST(letters_and_code_points_are_converted)
{
    static const struct wr_run_case cases[] = {
        {"implode", "[65,233,8364,128512]", "\"A\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\" "},
        {"implode", "[55296]", "\"\xef\xbf\xbd\" "},
        {"implode", "[-1]", "\"\xef\xbf\xbd\" "},
        {"implode", "[\"a\"]", "! string (\"a\") cannot be imploded, it is not a code point"},
        {"implode", "\"a\"", "! implode input must be an array"},
        {"ascii_downcase, ascii_upcase", "\"aAzZ@[`{\xc3\xa9\"",
         "\"aazz@[`{\xc3\xa9\" \"AAZZ@[`{\xc3\xa9\" "},
        {"ascii_downcase", "1", "! ascii_downcase input must be a string"},
        {"explode, (explode|implode), utf8bytelength", "\"a\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\"",
         "[97,233,8364,128512] \"a\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\" 10 "},
        {"explode", "{}", "! explode input must be a string"},
        {"map(ascii)", "[65,97,48]", "[\"A\",\"a\",\"0\"] "},
        {"implode", "[65,1114112]", "\"A\xef\xbf\xbd\" "},
    };
    CHECK_RUNS(cases);
}

TEST(both_ends_of_a_string_are_compared_and_cut)
{
    static const struct wr_run_case cases[] = {
        {"ltrimstr(\"a\")", "1", "1 "},
        {"ltrimstr(\"a\"), rtrimstr(\"a\"), startswith(\"a\"), endswith(\"b\"), ltrimstr(1), "
         "rtrimstr(\"aXa\"), startswith(\"aXaa\"), endswith(\"\")",
         "\"aXa\"", "\"Xa\" \"aX\" true false \"aXa\" \"\" false true "},
        {"startswith(1)", "\"a\"", "! startswith() requires string inputs"},
        {"endswith(\"a\")", "1", "! endswith() requires string inputs"},
        {"trim, ltrim, rtrim", "\" \\t a b\\r\\n\"", "\"a b\" \"a b\\r\\n\" \" \\t a b\" "},
        {"trim", "\"\"", "\"\" "},
        {"trim", "\" \\n\"", "\"\" "},
        {"trim", "5", "! number (5) cannot be trimmed"},
        {"ltrim", "null", "! null (null) cannot be trimmed"},
    };
    CHECK_RUNS(cases);
}

TEST(deep_values_are_compared_on_a_bounded_part_of_the_stack)
{
    enum { DEPTH = 1000 };
    char document[2 * DEPTH + 1];
    memset(document, '[', DEPTH);
    memset(document + DEPTH, ']', DEPTH);
    document[2 * DEPTH] = '\0';
    wr_fault_pause(true);
    wr_run_gives(". as $x | contains($x)", document, "true ");
    wr_run_gives("flatten", document, "[] ");
    wr_run_gives("walk(.) == .", document, "true ");
    wr_fault_pause(false);
}

TEST(a_join_that_needs_more_memory_than_an_expression_may_is_refused)
{
    const struct wr_machine_options options = {.bytes_max = 4096};
    const struct wr_run_case one = {"[range(2000) | \"0123456789\"] | join(\",\")", "null",
                                    "! the expression needs too much memory: more than 4096 bytes"};
    wr_fault_pause(true);
    wr_check_run(&one, 0, &options);
    wr_fault_pause(false);
}

TEST(every_allocation_of_strings_may_fail)
{
    wr_run_gives(
        "split(\",\") | map(ascii_upcase, explode) | tojson | indices(\"A\"), contains(\"B\")",
        "\"a,b\"", "[2] true ");
}

MAIN("expr/fn_string")
