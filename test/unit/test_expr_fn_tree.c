/*
 * test_expr_fn_tree.c - functions on whole trees, with the results of jq.
 */
#include "support_run.h"

TEST(all_values_are_replaced_from_the_inside_out)
{
    static const struct wr_run_case cases[] = {
        {"walk(if type==\"number\" then .+1 else . end)", "[[1,{\"b\":2,\"a\":1}]]",
         "[[2,{\"b\":3,\"a\":2}]] "},
        {"walk(if type==\"number\" then (.,.) else . end)", "[1,2]", "[1,1,2,2] "},
        {"walk(.), walk(if type==\"object\" then keys else . end)",
         "{\"b\":1,\"a\":[2,{\"c\":{}}]}", "{\"b\":1,\"a\":[2,{\"c\":{}}]} [\"a\",\"b\"] "},
        {"[walk(.,1)]", "[1,[2,[]],{}]", "[[1,1,[2,1,[],1],1,{},1],1] "},
        {"walk(if type==\"array\" then sort else . end), walk(if type==\"array\" then add? // . "
         "else . end)",
         "[3,[1,2],\"x\"]", "[3,\"x\",[1,2]] [3,3,\"x\"] "},
        {"[walk(.,6)]", "5", "[5,6] "},
        {"try walk(if type==\"string\" then error(\"e\") else . end) catch .", "[1,\"a\"]",
         "\"e\" "},
        {"[walk(if type==\"array\" then length else empty end)]", "[[1,2],[3,[4]]]", "[2] "},
    };
    CHECK_RUNS(cases);
}

TEST(an_object_takes_the_first_output_for_each_member)
{
    static const struct wr_run_case cases[] = {
        {"walk(if type == \"number\" then (., 2) else . end)", "{\"a\":1}", "{\"a\":1} "},
        {"walk(if type == \"number\" then empty else . end)", "{\"a\":1,\"b\":\"x\"}",
         "{\"b\":\"x\"} "},
        {"[walk(if . == 1 then empty elif type == \"array\" then length else . end)]", "[[1,2],1]",
         "[1] "},
    };
    CHECK_RUNS(cases);
}

TEST(arrays_in_arrays_are_flattened_and_transposed)
{
    static const struct wr_run_case cases[] = {
        {"flatten, flatten(1), flatten(0)", "[1,[2,[3,{\"a\":4}]]]",
         "[1,2,3,{\"a\":4}] [1,2,[3,{\"a\":4}]] [1,[2,[3,{\"a\":4}]]] "},
        {"flatten", "{\"a\":[1],\"b\":2}", "[1,2] "},
        {"flatten(-1)", "[1]", "! flatten depth must not be negative"},
        {"flatten", "1", "! Cannot iterate over number (1)"},
        {"flatten", "[[[]]]", "[] "},
        {"transpose", "[[1],[2,3]]", "[[1,2],[null,3]] "},
        {"transpose", "[]", "[] "},
        {"flatten(\"a\")", "[]", "! flatten depth must be a number"},
    };
    CHECK_RUNS(cases);
}

TEST(paths_are_picked)
{
    static const struct wr_run_case cases[] = {
        {"pick(.a, .b.c)", "{\"a\":1,\"b\":{\"c\":2,\"d\":3},\"e\":4}",
         "{\"a\":1,\"b\":{\"c\":2}} "},
        {"pick(.[1])", "[1,2,3]", "[null,2] "},
        {"pick(.x)", "{}", "{\"x\":null} "},
    };
    CHECK_RUNS(cases);
}

TEST(every_allocation_of_trees_may_fail)
{
    wr_run_gives("walk(if type == \"number\" then . + 1 else . end), flatten",
                 "[1,[2,{\"a\":[3]}]]", "[2,[3,{\"a\":[4]}]] [1,2,{\"a\":[3]}] ");
}

MAIN("expr/fn_tree")
