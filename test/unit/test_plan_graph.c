/*
 * test_plan_graph.c - a plan as a graph: nodes in the order of the text, edges with shapes, blocks.
 */
#include <stdlib.h>
#include <string.h>
#include <weir/plan.h>

#include "support_check.h"
#include "support_language.h"

static char *graph_of(const char *text, const weir_plan_options *options)
{
    weir_error error;
    ck_assert(wr_language_add());
    weir_plan *plan = weir_plan_read(text, NULL, &error);
    ck_assert_msg(plan != NULL, "%s", error.message);
    size_t len = weir_plan_graph(plan, options, NULL, 0);
    char *graph = malloc(len + 1);
    ck_assert(graph != NULL);
    ck_assert_uint_eq(weir_plan_graph(plan, options, graph, len + 1), len);
    weir_plan_free(plan);
    return graph;
}

static void has(const char *graph, const char *line)
{
    ck_assert_msg(strstr(graph, line) != NULL, "'%s' is not in\n%s", line, graph);
}

TEST(graph_numbers_components_in_the_order_of_the_text)
{
    char *graph = graph_of("gen 1..9 | head 3 | null", NULL);
    ck_assert_str_eq(graph, "digraph weir {\n"
                            "    rankdir=LR;\n"
                            "    node [shape=box];\n"
                            "    n1 [label=\"gen 1..9\"];\n"
                            "    n2 [label=\"head 3\"];\n"
                            "    n3 [label=\"null\"];\n"
                            "    n1 -> n2 [label=\"lines\"];\n"
                            "    n2 -> n3 [label=\"lines\"];\n"
                            "}\n");
    free(graph);
}

TEST(graph_shows_what_the_text_does_not_name)
{
    const char *const files[] = {"a\"b\\c.log"};
    weir_plan_options options = {.struct_size = sizeof options, .files = files, .files_count = 1};
    char *graph = graph_of("head 3", &options);
    has(graph, "n0 [label=\"a\\\"b\\\\c.log\", style=dashed];");
    has(graph, "n0 -> n1");
    has(graph, "n2 [label=\"standard output\", style=dashed];");
    has(graph, "n1 -> n2");
    free(graph);
}

TEST(graph_frames_blocks_and_leads_to_and_from_them)
{
    char *graph =
        graph_of("merge { gen 1..3 } { gen 4..6 | head 1 } | par 2 { skip 1 } | null", NULL);
    has(graph, "n1 [label=\"merge\"];");
    has(graph, "    subgraph cluster_1 {\n        n2 [label=\"gen 1..3\"];\n    }\n");
    has(graph, "n2 -> n1;");
    has(graph, "n4 -> n1;");
    has(graph, "n5 [label=\"par 2\"];");
    has(graph, "n5 -> n6");
    has(graph, "n6 -> n5 [style=dashed];");
    has(graph, "n5 -> n7");
    free(graph);
}

TEST(graph_names_a_branch_by_its_keyword)
{
    char *graph = graph_of("gen 1..3 | route .a == {b: 1} { null } else { null }", NULL);
    has(graph, "[label=\"route .a == {b: 1}\"];");
    has(graph, "n3 -> n5 [label=\"else\"];");
    free(graph);
}

MAIN("plan/graph")
