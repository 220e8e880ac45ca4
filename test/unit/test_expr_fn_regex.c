/*
 * test_expr_fn_regex.c - functions with regular expressions, with the results of jq.
 */
#include "support_run.h"

TEST(patterns_match_characters)
{
    static const struct wr_run_case cases[] = {
        {"test(\"B\";\"i\"), test(\"B\"), test(\"^a.c$\")", "\"abc\"", "true false true "},
        {"test(\"^b\"), test(\"a$\"), test(\"a.b\"), test(\"a.b\";\"p\"), test(\"a.b\";\"s\"), "
         "test(\"a .b\";\"x\")",
         "\"a\\nb\"", "false false false true false false "},
        {"test(\"\\\\w\"), test(\"^\\\\w$\")", "\"\xc3\xa9\"", "true true "},
        {"test(\"a\")", "1", "! number (1) cannot be matched, as it is not a string"},
        {"test(1)", "\"a\"", "! number (1) cannot be a pattern, as it is not a string"},
        {"test([\"A\",\"i\"])", "\"a\"", "true "},
        {"test(\"a\";1)", "\"a\"", "! number (1) is not a string of flags"},
        {"test(\"\"), [match(\"x*\")], gsub(\"a\";\"b\")", "\"\"",
         "true [{\"offset\":0,\"length\":0,\"string\":\"\",\"captures\":[]}] \"\" "},
        {"\"a\" =~ \"A\", \"ab\" =~ \"b$\", (\"b\" as $p | \"abc\" =~ $p)", "null",
         "false true true "},
    };
    CHECK_RUNS(cases);
}

TEST(matches_are_described)
{
    static const struct wr_run_case cases[] = {
        {"[match(\"x\";\"gi\")]", "\"aXbxc\"",
         "[{\"offset\":1,\"length\":1,\"string\":\"X\",\"captures\":[]},{\"offset\":3,\"length\":1,"
         "\"string\":\"x\",\"captures\":[]}] "},
        {"match(\"(a)?x(?<n>y)\")", "\"xyz\"",
         "{\"offset\":0,\"length\":2,\"string\":\"xy\",\"captures\":[{\"offset\":-1,\"string\":"
         "null,\"length\":0,\"name\":null},{\"offset\":1,\"length\":1,\"string\":\"y\",\"name\":"
         "\"n\"}]} "},
        {"[match(\"\xc3\xa9\",\"\xe2\x82\xac\",\"b\";\"g\")|.offset,.length]",
         "\"a\xc3\xa9\xe2\x82\xac"
         "b\"",
         "[1,1,2,1,3,1] "},
        {"[match(\"[a-b]\";\"gi\").string]", "\"aAbB\"", "[\"a\",\"A\",\"b\",\"B\"] "},
        {"[match(\"t\";\"g\").offset]", "\"test\"", "[0,3] "},
        {"[match([\"foo\",\"ig\"]).offset], [match([\"foo\"]).offset], "
         "capture([\"(?<a>B)\",\"i\"]), [scan([\"o+\",\"g\"])]",
         "\"foo bar foo\"", "[0,8] [0] {\"a\":\"b\"} [\"oo\",\"oo\"] "},
        {"[match(\"X\";null)|.offset], [match(\"X\",\"a\")|.offset]", "\"aXbX\"", "[1] [1,0] "},
        {"[match(\"a*?\";\"gn\")|.length], [match(\"b*\";\"gn\")]", "\"aaa\"", "[1,1,1] [] "},
        {"[match(\"a|(b)\";\"g\")]", "\"xay\"",
         "[{\"offset\":1,\"length\":1,\"string\":\"a\",\"captures\":[{\"offset\":-1,\"string\":"
         "null,\"length\":0,\"name\":null}]}] "},
    };
    CHECK_RUNS(cases);
}

TEST(named_groups_become_objects)
{
    static const struct wr_run_case cases[] = {
        {"capture(\"(?<a>a)?x(?<n>y)\")", "\"xyz\"", "{\"a\":null,\"n\":\"y\"} "},
        {"capture(\"(?<y>\\\\d+)-(?<m>\\\\d+)\")", "\"2024-05-06\"",
         "{\"y\":\"2024\",\"m\":\"05\"} "},
    };
    CHECK_RUNS(cases);
}

TEST(all_matches_are_scanned_and_split_at)
{
    static const struct wr_run_case cases[] = {
        {"[scan(\"(t)(e)?\")]", "\"test\"", "[[\"t\",\"e\"],[\"t\",null]] "},
        {"[scan(\"c\")], [scan(\"bc\")]", "\"abcbc\"", "[\"c\",\"c\"] [\"bc\",\"bc\"] "},
        {"[splits(\", *\")], split(\", *\";null), split(\"B\";\"i\")", "\"ab, cd,ef\"",
         "[\"ab\",\"cd\",\"ef\"] [\"ab\",\"cd\",\"ef\"] [\"a\",\", cd,ef\"] "},
    };
    CHECK_RUNS(cases);
}

TEST(matches_are_replaced)
{
    static const struct wr_run_case cases[] = {
        {"[sub(\"(?<x>a)\";\"\\(.x)1\",\"2\")], gsub(\"a\";\"b\"), "
         "gsub(\"(?<x>[ab])\";\"<\\(.x)>\"), sub(\"A\";\"x\"), sub(\"A\";\"x\";\"i\"), "
         "sub(\"b\";\"x\";\"g\")",
         "\"abab\"", "[\"a1bab\",\"2bab\"] \"bbbb\" \"<a><b><a><b>\" \"abab\" \"xbab\" \"axax\" "},
        {"sub(\"x\";1)", "\"x\"", "! number (1) cannot be added to a string"},
        {"sub(\"(?<a>x)|y\";\"\\(.)\")", "\"x\"", "\"{\\\"a\\\":\\\"x\\\"}\" "},
        {"gsub(\"(?<x>b)\";\"\\(.x)\\(.x)\";\"g\"), gsub(\"B\";\"x\";\"i\")", "\"abc\"",
         "\"abbc\" \"axc\" "},
        {"[gsub(\"b\";\"x\",\"y\")]", "\"abc\"", "[\"axc\",\"ayc\"] "},
        {"gsub(\"(?<l>[a-z])\";\"\\(.l|ascii_upcase)\")", "\"ab\"", "\"AB\" "},
        {"sub(\"a\";\"b\")", "null", "! null (null) cannot be matched, as it is not a string"},
    };
    CHECK_RUNS(cases);
}

TEST(after_an_empty_match_the_search_goes_on_at_the_next_character)
{
    static const struct wr_run_case cases[] = {
        {"[match(\"\";\"g\").offset]", "\"a\xc3\xa9\"", "[0,1,2] "},
        {"gsub(\"\";\"-\")", "\"a\xc3\xa9\"", "\"-a-\xc3\xa9-\" "},
        {"gsub(\"x*\";\"-\")", "\"axb\"", "\"-a--b-\" "},
        {"gsub(\"^\";\">\")", "\"ab\"", "\">ab\" "},
        {"[match(\"(?=b)\";\"g\").offset]", "\"abab\"", "[1,3] "},
    };
    CHECK_RUNS(cases);
}

TEST(several_replacements_give_one_result_each)
{
    static const struct wr_run_case cases[] = {
        {"[sub(\"(?<x>[ab])\"; \"1\", \"2\")]", "\"ab\"", "[\"1b\",\"2b\"] "},
        {"[gsub(\"(?<x>[ab])\"; (.x | ascii_upcase), \"2\")]", "\"ab\"", "[\"AB\",\"22\"] "},
        {"[gsub(\"a\"; empty)]", "\"aba\"", "[\"aba\"] "},
        {"[gsub(\"(?<x>.)\"; if .x == \"a\" then \"1\", \"2\" else \"3\" end)]", "\"ab\"",
         "[\"13\",\"2b\"] "},
    };
    CHECK_RUNS(cases);
}

TEST(a_mistake_in_a_pattern_is_found_when_the_expression_is_compiled)
{
    static const struct wr_run_case cases[] = {
        {"test(\"a(\")", "\"x\"",
         "? in the regular expression, at byte 3: missing closing parenthesis"},
        {". =~ \"[\"", "\"x\"",
         "? in the regular expression, at byte 2: missing terminating ] for character class"},
        {"gsub(\"(?<a\"; \"b\")", "\"x\"",
         "? in the regular expression, at byte 5: syntax error in subpattern name (missing "
         "terminator?)"},
        {"test(\"a\"; \"l\")", "\"x\"",
         "? there is no flag 'l' of regular expressions, only g, i, n, p, s and x"},
        {"test(\"a\"; \"q\")", "\"x\"",
         "? there is no flag 'q' of regular expressions, only g, i, n, p, s and x"},
        {"sub(\"a\"; \"b\"; \"gq\")", "\"x\"",
         "? there is no flag 'q' of regular expressions, only g, i, n, p, s and x"},
    };
    CHECK_RUNS(cases);
}

TEST(a_mistake_in_a_computed_pattern_fails_at_the_input)
{
    static const struct wr_run_case cases[] = {
        {"test(.)", "\"a(\"", "! missing closing parenthesis, at byte 2 of the pattern"},
        {"try test(.) catch \"no\"", "\"[\"", "\"no\" "},
        {"sub(\"x\"; \"y\"; .)", "\"z\"", "! z is not a valid modifier string"},
        {"match([\"a\", \"z\"])", "\"a\"", "! z is not a valid modifier string"},
    };
    CHECK_RUNS(cases);
}

TEST(a_pattern_that_explodes_is_refused_by_name)
{
    wr_fault_pause(true);
    wr_run_gives("test(\"^(a|aa|a?a)+$\")", "\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab\"",
                 "! the regular expression needs more than 1000000 steps");
    wr_fault_pause(false);
}

TEST(a_run_keeps_the_patterns_it_used_last)
{
    wr_fault_pause(true);
    wr_run_gives("[range(200) | tostring | . as $p | test($p)] | all", "null", "true ");
    wr_run_gives("[range(200) | \"x\" | sub(\"(?<a>x)\"; .a + \"y\")] | unique", "null",
                 "[\"xy\"] ");
    wr_fault_pause(false);
}

TEST(every_allocation_of_matches_may_fail)
{
    wr_run_gives("[match(\"(?<x>b)|(c)\"; \"g\").captures | length], gsub(\"(?<x>b)\"; .x + \"!\")",
                 "\"abc\"", "[2,2] \"ab!c\" ");
}

/* One match takes less than its limit, and all together take more than that of an item. */
TEST(all_matches_of_an_item_have_one_limit)
{
    wr_fault_pause(true);
    wr_run_gives("\"a\" * 26 + \"b\" | test(\"(a|aa)+$\")", "null", "false ");
    wr_run_gives("\"a\" * 26 + \"b\" | [range(60) as $i | test(\"(a|aa)+$\")]", "null",
                 "! the regular expression takes too long for a text of this length");
    wr_run_gives("\"a\" * 26 + \"b\" | [range(60) as $i | try test(\"(a|aa)+$\") catch 1] | "
                 "index(1) > 0, .[59]",
                 "null", "true 1 ");
    wr_fault_pause(false);
}

MAIN("expr/fn_regex")
