/*
 * test_stage_regex.c - regex as a text has it: the suite for stages, and which fields come.
 */
#include "support_records.h"
#include "support_stage.h"

#define TEXT(text)            \
    {                         \
        text, sizeof text - 1 \
    }
static const weir_slice lines[] = {
    TEXT("GET 200"), TEXT(""), TEXT("x"), TEXT("GET 404 12"), TEXT("\xff GET 500|,"),
};
static const struct wr_stage_kit kits[] = {
    {.text = "regex `(?<method>GET) (?<status>\\d+)(?: (?<bytes>\\d+))?`",
     .items = lines,
     .items_count = sizeof lines / sizeof *lines},
};
WR_STAGE_SUITE(kits);

TEST(named_groups_are_the_fields)
{
    records_are("regex `(?<b>\\w+) (\\w+) (?<a>\\w+)`", LINES("one two three"), "b=one|a=three|;");
}

TEST(a_group_that_took_no_part_is_left_out)
{
    records_are("regex `(?<a>x)?(?<longer_than_the_text>y)(?<c>z)?`", LINES("y", "xyz"),
                "longer_than_the_text=y|;a=x|longer_than_the_text=y|c=z|;");
    records_are("regex `(?<a>x?)y`", LINES("y"), "a=|;");
}

TEST(a_line_that_does_not_match_gives_nothing)
{
    records_are("regex `(?<a>x)`", LINES("y", "x"), "a=x|;");
    records_are("regex `^(?<a>(x+)+)$`",
                LINES("xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxy", "x"), "a=x|;");
}

MAIN("stage/regex")
