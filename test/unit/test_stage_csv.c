/*
 * test_stage_csv.c - csv and tsv as a text has them: the suite for stages behind bytes and lines,
 * names, ragged rows.
 */
#include "bytes_origin.h"
#include "loop_core.h"
#include "loop_scope.h"
#include "stage_csv_header.h"
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

/* ---- the header of each file or connection */

TEST(each_source_has_its_own_header)
{
    char got[512];
    weir_loop *loop = test_loop();
    weir_gen *gens[] = {
        texts(weir_root(loop), (struct texts_args){LINES("a,b", "1,2", "3,4", "5,6"), false}),
        texts(weir_root(loop), (struct texts_args){LINES("x,y", "7,8", "9,0"), false}),
    };
    weir_gen *both = weir_merge(weir_root(loop), gens, 2);
    records_show(weir_parse(weir_root(loop), both, "csv header", NULL), 1, got, sizeof got);
    weir_loop_free(loop);
    ck_assert_str_eq(got, "a=1|b=2|;x=7|y=8|;a=3|b=4|;x=9|y=0|;a=5|b=6|;");
}

TEST(columns_are_those_of_all_sources)
{
    char got[512];
    weir_loop *loop = test_loop();
    weir_gen *gens[] = {
        texts(weir_root(loop), (struct texts_args){LINES("a,b", "1,2", "3,4"), false}),
        texts(weir_root(loop), (struct texts_args){LINES("x,y", "7,8"), false}),
    };
    weir_gen *both = weir_merge(weir_root(loop), gens, 2);
    records_show(weir_parse(weir_root(loop), both, "csv header columns=\"n,m\"", NULL), 1, got,
                 sizeof got);
    weir_loop_free(loop);
    ck_assert_str_eq(got, "n=1|m=2|;n=7|m=8|;n=3|m=4|;");
}

TEST(headers_of_sources_that_are_over_are_forgotten)
{
    static const weir_slice name = WR_SLICE("id");
    struct wr_csv_headers headers = {.list = NULL};
    weir_loop *loop = test_loop();
    struct wr_origin *stays = wr_scope_origin(weir_root(loop), "stays");
    ck_assert_ptr_nonnull(stays);
    struct wr_csv_header *first = wr_csv_header_of(&headers, loop, stays->id);
    ck_assert_ptr_nonnull(first);
    ck_assert_int_eq(wr_csv_header_set(&headers, first, &name, 1, 1), 0);
    int count = wr_test_sweeps() ? 10 : 1000; /* each is a point that can fail */
    for (int i = 0; i < count; i++) {
        struct wr_origin *origin = wr_scope_origin(weir_root(loop), "leaves");
        ck_assert_ptr_nonnull(origin);
        struct wr_csv_header *header = wr_csv_header_of(&headers, loop, origin->id);
        int rc = header != NULL ? wr_csv_header_set(&headers, header, &name, 1, 1) : WEIR_ENOMEM;
        wr_origin_end(origin);
        ck_assert_int_eq(rc, 0);
    }

    ck_assert_uint_lt(headers.cap, 64);
    ck_assert_uint_lt(headers.bytes, 4096);
    first = wr_csv_header_of(&headers, loop, stays->id);
    ck_assert_uint_eq(first->count, 1);
    wr_csv_headers_fini(&headers);
    wr_origin_end(stays);
    weir_loop_free(loop);
}

MAIN("stage/csv")
