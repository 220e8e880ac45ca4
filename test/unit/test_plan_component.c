/*
 * test_plan_component.c - descriptors: those of the library are complete, and what is wrong with one
 * of a module is said before a text can use it.
 */
#include <string.h>

#include <weir/weir.h>

#include "plan_text.h"
#include "support_check.h"

struct values {
    int64_t n;
    const weir_chain *chain;
    bool flag;
};

static weir_gen *open_nothing(const weir_opening *opening, weir_gen *up, const void *args)
{
    (void)opening;
    (void)args;
    return up;
}

static const weir_arg good_arg = WEIR_ARG_COUNT(struct values, n, .name = "N", .help = "a number");
static const weir_component good = {.struct_size = sizeof good,
                                    .name = "good",
                                    .kind = WEIR_KIND_STAGE,
                                    .takes = WEIR_SHAPES_ALL,
                                    .gives = WEIR_SHAPE_SAME,
                                    .args_size = sizeof(struct values),
                                    .help = "A good one.",
                                    .example = "gen 1..3 | good",
                                    .open = open_nothing};

static void check_refused(const weir_component *component, const char *expected)
{
    char why[200];
    struct wr_print out;
    wr_print_to(&out, why, sizeof why);
    ck_assert(!wr_plan_component_ok(component, &out));
    ck_assert_msg(strstr(why, expected) != NULL, "%s", why);
}

static void check_arg_refused(weir_arg arg, const char *expected)
{
    weir_component with_arg = good;
    with_arg.args = &arg;
    with_arg.args_count = 1;
    check_refused(&with_arg, expected);
}

TEST(the_components_of_the_library_are_complete)
{
    const weir_component *component;
    for (size_t i = 0; (component = weir_component_at(i)) != NULL; i++) {
        char why[200] = "";
        struct wr_print out;
        wr_print_to(&out, why, sizeof why);
        ck_assert_msg(!test_is_built(component) || wr_plan_component_ok(component, &out), "%s",
                      why);
    }
}

TEST(a_component_with_a_count_is_good)
{
    weir_component with_arg = good;
    struct wr_print out;
    wr_print_to(&out, NULL, 0);
    with_arg.args = &good_arg;
    with_arg.args_count = 1;
    ck_assert(wr_plan_component_ok(&good, &out));
    ck_assert(wr_plan_component_ok(&with_arg, &out));
}

TEST(a_component_needs_its_parts)
{
    static const char *const no_schemes[] = {NULL};
    weir_component bad = good;
    bad.struct_size--;
    check_refused(&bad, "struct_size");
    bad = good, bad.name = NULL;
    check_refused(&bad, "its name");
    bad = good, bad.name = "Good";
    check_refused(&bad, "its name");
    bad = good, bad.kind = 3;
    check_refused(&bad, "its kind");
    bad = good, bad.open = NULL;
    check_refused(&bad, "no open");
    bad = good, bad.kind = WEIR_KIND_SINK;
    check_refused(&bad, "no open_sink");
    bad = good, bad.help = NULL;
    check_refused(&bad, "no help");
    bad = good, bad.example = NULL;
    check_refused(&bad, "no example");
    bad = good, bad.args_count = 1;
    check_refused(&bad, "no args");
    bad = good, bad.schemes = no_schemes;
    check_refused(&bad, "schemes is empty");
}

static uint32_t gives_lines(const void *args, uint32_t shape)
{
    (void)args;
    (void)shape;
    return WEIR_SHAPE_LINE;
}

TEST(a_component_with_gives_of_has_the_set_of_all_shapes)
{
    weir_component bad = good;
    bad.gives_of = gives_lines;
    check_refused(&bad, "its gives is not the set of all that it may give");
}

TEST(a_source_with_a_scheme_has_its_address_as_first_argument)
{
    static const char *const schemes[] = {"good", NULL};
    weir_component bad = good;
    bad.kind = WEIR_KIND_SOURCE;
    bad.schemes = schemes;
    check_refused(&bad, "not the address");
}

TEST(an_argument_needs_its_parts)
{
    weir_arg bad = good_arg;
    bad.name = NULL;
    check_arg_refused(bad, "argument 1: it has no name");
    bad.name = "";
    check_arg_refused(bad, "no name");
    bad = good_arg, bad.help = NULL;
    check_arg_refused(bad, "argument 1 (N): it has no help");
    bad = good_arg, bad.type = WEIR_ARGTYPE_CHOICE;
    check_arg_refused(bad, "no choices");
    bad = good_arg, bad.type = WEIR_ARGTYPE_CHAIN + 1;
    check_arg_refused(bad, "unknown");
    bad = good_arg, bad.form = WEIR_FORM_BLOCK;
    check_arg_refused(bad, "block");
    bad = good_arg, bad.form = WEIR_FORM_FLAG;
    check_arg_refused(bad, "flag");
    bad = good_arg, bad.flags = WEIR_ARG_REPEATS;
    check_arg_refused(bad, "repeated");
    bad = (weir_arg)WEIR_ARG_FLAG(struct values, flag, .name = "f", .help = "a flag",
                                  .flags = WEIR_ARG_HOLDS);
    check_arg_refused(bad, "a count, a size or a choice");
}

TEST(a_block_without_a_keyword_has_a_name_for_the_help)
{
    weir_arg bad = WEIR_ARG_CHAIN(struct values, chain, .help = "what to run");
    check_arg_refused(bad, "no name");
}

TEST(an_argument_lies_inside_the_struct_of_its_component)
{
    weir_arg bad = good_arg;
    bad.offset = sizeof(struct values) - 7;
    check_arg_refused(bad, "outside");
    bad.offset = UINT32_MAX;
    check_arg_refused(bad, "outside");
}

MAIN("plan/component")
