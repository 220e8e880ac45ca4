/*
 * test_stage_csv.c - csv and tsv as a text has them: the suite for stages behind bytes and lines,
 * names, ragged rows.
 */
#include "support_records.h"
#include "support_stage.h"

#define TEXT(text)            \
    {                         \
        text, sizeof text - 1 \
    }
static const weir_slice rows[] = {
    TEXT("id,name"), TEXT("1,\"a \"\"b\"\"\""), TEXT(""), TEXT("2"), TEXT("3,\"x"), TEXT("4,|;"),
};
static const weir_slice pieces[] = {
    TEXT("id,na"), TEXT("me\n1,\"a\n"), TEXT("b\"\r\n2\n"), TEXT("3,\"x\n4,\"\"\"\"\n5,"),
    TEXT("y"),
};
static const struct wr_stage_kit kits[] = {
    {.text = "csv header ragged=keep",
     .shape = WEIR_SHAPE_BYTES,
     .items = pieces,
     .items_count = sizeof pieces / sizeof *pieces},
    {.text = "csv header", .items = rows, .items_count = sizeof rows / sizeof *rows},
    {.text = "csv header",
     .shape = WEIR_SHAPE_BYTES,
     .items = pieces,
     .items_count = sizeof pieces / sizeof *pieces},
};
/* The first one has the framer and the stage: enough for a sweep. */
__attribute__((constructor)) static void add_suite(void)
{
    for (size_t i = 0; i < (wr_test_sweeps() ? 1 : sizeof kits / sizeof *kits); i++) {
        wr_suite_add(wr_stage_suite, kits[i].text, &kits[i]);
    }
}

TEST(the_header_names_the_values)
{
    records_are("csv header", LINES("a,b", "1,2", "3,\"4,\"\"\""), "a=1|b=2|;a=3|b=4,\"|;");
    records_are("csv header",
                LINES("",
                      "\xef\xbb\xbf"
                      "a,,b",
                      "1,2,3"),
                "a=1|2=2|b=3|;");
}

TEST(without_a_header_columns_have_numbers)
{
    records_are("csv", LINES("a,b", "1", "1,2,3", "x,y"), "1=a|2=b|;1=1|;1=1|2=2|3=3|;1=x|2=y|;");
    records_are("csv delim=\";\"", LINES("a,b;c"), "1=a,b|2=c|;");
    records_are("tsv", LINES("a\tb c"), "1=a|2=b c|;");
    records_are("tsv header", LINES("a\tb", "1\t2"), "a=1|b=2|;");
}

TEST(ragged_rows_are_rejected_unless_told)
{
    records_are("csv header", LINES("a,b", "1", "1,2,3", "4,5"), "a=4|b=5|;");
    records_are("csv header ragged=keep", LINES("a,b", "1", "1,2,3", "4,5", "1,2,3,4"),
                "a=1|;a=1|b=2|3=3|;a=4|b=5|;a=1|b=2|3=3|4=4|;");
    records_are("csv header on-error=stop", LINES("a,b", "1"),
                "<item 2: the row has fewer values than the header\n  1\n  ^>");
}

TEST(a_malformed_row_leaves_the_next_one_intact)
{
    records_are("csv header", LINES("a,b", "1,\"x", "2,y"), "a=2|b=y|;");
}

MAIN("stage/csv")
