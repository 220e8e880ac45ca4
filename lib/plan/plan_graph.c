/*
 * plan_graph.c - a pipeline as a graph in the DOT language of Graphviz.
 *
 * The components are numbered in the order of the text, as weir_plan_explain does it. The chain is
 * walked twice: once for the nodes, with a frame around the chain of each block, and once for the
 * edges, because an edge that is written inside of a frame would draw both of its ends into it.
 * Pure functions of a plan: nothing is opened. The recursion is bounded by the nesting of blocks.
 */
#include "plan_text.h"

#include <string.h>

#include "base_error.h"
#include "base_print.h"

/* The numbers of the nodes that are not in the text. */
enum { NO_NODE = -1, INPUT = 0 };

struct graph {
    struct wr_print *out;
    bool edges;
    int number; /* of the last component */
    int frames;
};

static void print_indent(struct graph *graph, size_t depth)
{
    wr_printf(graph->out, "%*s", (int)(4 * depth + 4), "");
}

/* A text inside of "...". */
static void print_quoted(struct graph *graph, const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (text[i] == '"' || text[i] == '\\') {
            wr_print_bytes(graph->out, "\\", 1);
        }
        wr_print_bytes(graph->out, text[i] == '\n' ? " " : text + i, 1);
    }
}

/* The length of a step's text up to its blocks, which are at its end. An object of an expression
 * before them may look like one. */
static size_t own_len(const struct wr_plan_step *step)
{
    const char *text = step->text;
    size_t len = strlen(text);
    size_t chains = 0, blocks = 0;
    for (size_t i = 0; i < step->component->args_count; i++) {
        size_t count;
        (void)wr_plan_chains(step, i, &count);
        chains += count;
    }
    /* First count what looks like a block, then find the first of the last `chains` ones. */
    for (int pass = 0; chains > 0 && pass < 2; pass++) {
        for (size_t i = 0; i < len;) {
            struct wr_plan_span inside;
            if (i > 0 && text[i - 1] == ' ' && wr_plan_block_at(text, i, len, &inside)) {
                if (pass == 1 && blocks == chains) {
                    return i - 1;
                }
                blocks = pass == 0 ? blocks + 1 : blocks - 1;
            }
            i = strchr("\"`'([{", text[i]) != NULL ? wr_plan_skip(text, i, len) : i + 1;
        }
    }
    return len;
}

static void print_node(struct graph *graph, const struct wr_plan_step *step, size_t depth)
{
    if (graph->edges) {
        return;
    }
    print_indent(graph, depth);
    wr_printf(graph->out, "n%d [label=\"", graph->number);
    if (step->text != NULL) {
        print_quoted(graph, step->text, own_len(step));
        wr_printf(graph->out, "\"%s];\n", step->implied ? ", style=dashed" : "");
    } else {
        wr_printf(graph->out, "%s\", style=dashed];\n", step->component->name);
    }
}

static void print_edge(struct graph *graph, int from, int to, const char *label, bool back)
{
    if (!graph->edges || from == NO_NODE) {
        return;
    }
    wr_printf(graph->out, "    n%d -> n%d", from, to);
    if (label[0] != '\0' || back) {
        wr_printf(graph->out, " [%s%s%s%s%s]", label[0] != '\0' ? "label=\"" : "", label,
                  label[0] != '\0' ? "\"" : "", label[0] != '\0' && back ? ", " : "",
                  back ? "style=dashed" : "");
    }
    wr_printf(graph->out, ";\n");
}

/* The last node of a chain, or NO_NODE if it ends with a sink. `from`: the node that it reads. */
static int print_chain(struct graph *graph, const struct weir_chain *chain, int from,
                       const char *label, size_t depth);

static void print_blocks(struct graph *graph, const struct wr_plan_step *step, size_t depth)
{
    int opener = graph->number;
    for (size_t i = 0; i < step->component->args_count; i++) {
        const weir_arg *arg = &step->component->args[i];
        size_t count;
        struct weir_chain *const *chains = wr_plan_chains(step, i, &count);
        bool keyword = arg->name[0] >= 'a' && arg->name[0] <= 'z';
        for (size_t j = 0; j < count; j++) {
            bool own_source = wr_plan_place_of(arg) == WR_PLAN_SOURCE_ONLY ||
                              wr_plan_place_of(arg) == WR_PLAN_SOURCE_TO_SINK;
            if (!graph->edges) {
                print_indent(graph, depth);
                wr_printf(graph->out, "subgraph cluster_%d {\n", ++graph->frames);
            }
            int last = print_chain(graph, chains[j], own_source ? NO_NODE : opener,
                                   keyword ? arg->name : "", depth + 1);
            if (!graph->edges) {
                print_indent(graph, depth);
                wr_printf(graph->out, "}\n");
            }
            if (last != NO_NODE) {
                print_edge(graph, last, opener, "", !own_source);
            }
        }
    }
}

static int print_chain(struct graph *graph, const struct weir_chain *chain, int from,
                       const char *label, size_t depth)
{
    for (size_t i = 0; i < chain->count; i++) {
        const struct wr_plan_step *step = &chain->steps[i];
        char shapes[64];
        bool known = step->shape != 0 && step->shape != WEIR_SHAPES_ALL;
        int number = ++graph->number;
        print_node(graph, step, depth);
        print_edge(graph, from, number,
                   label[0] != '\0' ? label
                   : known          ? wr_plan_shapes_text(step->shape, shapes)
                                    : "",
                   false);
        print_blocks(graph, step, depth);
        label = "";
        from = step->component->kind == WEIR_KIND_SINK ? NO_NODE : number;
    }
    return from;
}

/* Print the chains that decode the files, each from the input to the root, and the root. */
static int print_root(struct graph *graph, const weir_plan *plan, bool source)
{
    int root = 1;
    bool direct = plan->decodings_count == 0;
    for (size_t i = 0; i < plan->decodings_count; i++) {
        root += (int)plan->decodings[i].chain.count; /* they have no blocks */
    }
    for (size_t i = 0; i < plan->decodings_count; i++) {
        const struct wr_plan_decoding *decoding = &plan->decodings[i];
        char shapes[64];
        int from = print_chain(graph, &decoding->chain, INPUT, "", 0);
        print_edge(graph, from, root, wr_plan_shapes_text(decoding->chain.gives, shapes), false);
    }
    return print_chain(graph, &plan->root, direct && !source ? INPUT : NO_NODE, "", 0);
}

static void print_all(struct graph *graph, const weir_plan *plan, const char *input)
{
    bool source = weir_plan_has_source(plan);
    graph->number = 0;
    if (!source && !graph->edges) {
        wr_printf(graph->out, "    n%d [label=\"", INPUT);
        print_quoted(graph, input, strlen(input));
        wr_printf(graph->out, "\", style=dashed];\n");
    }
    int last = print_root(graph, plan, source);
    if (last != NO_NODE && !graph->edges) {
        wr_printf(graph->out, "    n%d [label=\"standard output\", style=dashed];\n",
                  graph->number + 1);
    }
    if (last != NO_NODE) {
        char shapes[64];
        print_edge(graph, last, graph->number + 1, wr_plan_shapes_text(plan->root.gives, shapes),
                   false);
    }
}

size_t weir_plan_graph(const weir_plan *plan, const weir_plan_options *options, char *to,
                       size_t cap)
{
    WR_GIVEN(plan);
    struct wr_print out;
    struct graph graph = {.out = &out};
    char many[32];
    size_t files = options != NULL ? options->files_count : 0;
    const char *input =
        files == 0 || strcmp(options->files[0], "-") == 0 ? "standard input" : options->files[0];
    if (files > 1) {
        wr_print_text(many, sizeof many, "%zu files", files);
        input = many;
    }
    wr_print_to(&out, to, cap);
    wr_printf(&out, "digraph weir {\n    rankdir=LR;\n    node [shape=box];\n");
    print_all(&graph, plan, input);
    graph.edges = true;
    print_all(&graph, plan, input);
    wr_printf(&out, "}\n");
    return out.len;
}
