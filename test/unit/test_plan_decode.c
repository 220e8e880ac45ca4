/*
 * test_plan_decode.c - which decoders the plan inserts behind a file, by its ending.
 */
#include <string.h>

#include "base_print.h"
#include "plan_text.h"
#include "support_check.h"
#include "support_language.h"

static void print_chain(struct wr_print *out, const struct weir_chain *chain)
{
    for (size_t i = 0; i < chain->count; i++) {
        const struct wr_plan_step *step = &chain->steps[i];
        size_t count;
        wr_printf(out, "%s%s%s", i > 0 ? " " : "", step->implied ? "+" : "",
                  step->implied && step->text != NULL ? step->text : step->component->name);
        for (size_t j = 0; step->component->kind == WEIR_KIND_SOURCE && j < 1; j++) {
            struct weir_chain *const *chains = wr_plan_chains(step, j, &count);
            for (size_t k = 0; k < count; k++) {
                wr_printf(out, " {");
                print_chain(out, chains[k]);
                wr_printf(out, "}");
            }
        }
    }
}

static void plan_is(const char *text, const char *const *files, const char *expected)
{
    char got[200];
    weir_error error;
    struct wr_print out;
    size_t count = 0;
    while (files != NULL && files[count] != NULL) {
        count++;
    }
    ck_assert(wr_language_add());
    weir_plan *plan = weir_plan_read(
        text, WEIR_OPTIONS(weir_text_options, .files = files, .files_count = count), &error);
    ck_assert_msg(plan != NULL, "%s: %s", text, error.message);
    wr_print_to(&out, got, sizeof got);
    for (size_t i = 0; i < plan->decodings_count; i++) {
        wr_printf(&out, "[%s: ", plan->decodings[i].ending);
        print_chain(&out, &plan->decodings[i].chain);
        wr_printf(&out, "] ");
    }
    print_chain(&out, &plan->root);
    weir_plan_free(plan);
    ck_assert_str_eq(got, expected);
}

TEST(a_file_is_decoded_by_its_ending_where_values_are_used)
{
    plan_is("./a.json | where .x", NULL, "file +json where");
    plan_is("./a.csv | head 3 | where .x", NULL, "file +csv header +auto head where");
    plan_is("./a.tsv | .x", NULL, "file +tsv header +auto map");
    plan_is("./a.sse | where .x", NULL, "file +sse +auto where");
    plan_is("./a.csv | ndjson", NULL, "file +csv header +auto ndjson");
    plan_is("./a.json | flatten", NULL, "file +json flatten");
}

TEST(a_compressed_file_is_unpacked_first)
{
    plan_is("./a.json.gz | where .x", NULL, "file +gunzip +json where");
    plan_is("./a.csv.zst | where .x", NULL, "file +unzstd +csv header +auto where");
    plan_is("./a.sse.br | where .x", NULL, "file +unbrotli +sse +auto where");
    plan_is("./a.ndjson.lz4 | where .x", NULL, "file +unlz4 +lines +auto where");
    plan_is("./a.gz.gz | where .x", NULL, "file +gunzip +gunzip +lines +auto where");
}

TEST(of_anything_else_each_line_is_one_value)
{
    plan_is("./a.ndjson | where .x", NULL, "file +auto where");
    plan_is("./a.jsonl | where .x", NULL, "file +auto where");
    plan_is("./csv | where .x", NULL, "file +auto where");
    plan_is("./.csv | where .x", NULL, "file +csv header +auto where");
    plan_is("./A.CSV | where .x", NULL, "file +csv header +auto where");
    plan_is("where .x", NULL, "+auto where");
    plan_is("- | where .x", NULL, "stdin +auto where");
    plan_is("tcp://h:1 | where .x", NULL, "tcp +auto where");
}

TEST(where_nobody_looks_nothing_is_decoded)
{
    plan_is("./a.json.gz", NULL, "file");
    plan_is("./a.csv | head 3", NULL, "file head");
    plan_is("./a.csv.gz", NULL, "file");
    plan_is("grep x", NULL, "grep");
}

TEST(a_compressed_file_is_unpacked_where_lines_are_looked_at)
{
    plan_is("./a.json.gz | grep x", NULL, "file +gunzip +lines grep");
    plan_is("./a.csv.gz | head 3", NULL, "file +gunzip +lines head");
    plan_is("./a.csv.gz | csv header | .x", NULL, "file +gunzip csv map");
    plan_is("./a.csv.gz | head 3 | csv header", NULL, "file +gunzip +lines head csv");
    plan_is("./a.json.zst | lines | where .x", NULL, "file +unzstd lines where");
    plan_is("./a.gz | tee { grep x | null } | null", NULL, "file +gunzip tee null");
    plan_is("merge { ./a.gz } { ./b } | grep x", NULL, "merge {file +gunzip +lines} {file} grep");
    plan_is("./a.gz | raw | null", NULL, "file raw null");
    plan_is("./a.gz | len32", NULL, "file len32");
    plan_is("./a.gz | file b.gz", NULL, "file file");
    plan_is("./a.gz | tee { file b.gz } | null", NULL, "file tee null");
}

TEST(what_is_written_decides)
{
    plan_is("./a.json | lines | where .x", NULL, "file lines where");
    plan_is("./a.json | logfmt | where .x", NULL, "file logfmt where");
    plan_is("./a.gz | gunzip | json | where .x", NULL, "file gunzip json where");
    plan_is("gen 1..3 | where .x", NULL, "gen where");
}

TEST(auto_may_be_written)
{
    plan_is("./a.csv | auto", NULL, "file +csv header auto");
    plan_is("./a.csv | auto | where .x", NULL, "file +csv header auto where");
    plan_is("./a.csv | grep x | auto", NULL, "file +csv header +auto grep auto");
    plan_is("./a.json | auto", NULL, "file +json auto");
    plan_is("./a.log | auto", NULL, "file auto");
    plan_is("auto | where .x", NULL, "auto where");
    plan_is("gen 1..3 | auto", NULL, "gen auto");
}

TEST(blocks_count_with_the_chain_around_them)
{
    plan_is("./a.csv | tee { where .x | null } | null", NULL, "file +csv header +auto tee null");
    plan_is("./a.csv | tee { grep x | null } | null", NULL, "file tee null");
    plan_is("merge { ./a.csv } { ./b.json | head 3 } | where .x", NULL,
            "merge {file +csv header +auto} {file +json head} where");
    plan_is("merge { ./a.csv | lines } { ./b.json } | grep x", NULL,
            "merge {file lines} {file} grep");
    plan_is("merge { ./a.csv | where .x } { ./b.json } | grep x", NULL,
            "merge {file +csv header +auto where} {file} grep");
}

TEST(files_that_are_decoded_alike_are_decoded_in_the_root)
{
    static const char *const csv[] = {"a.csv", "B.CSV", NULL}, *const packed[] = {"a.csv.gz", NULL},
                             *const plain[] = {"a.log", "b.txt", NULL};
    plan_is("where .x", csv, "+csv header +auto where");
    plan_is("where .x", packed, "+gunzip +csv header +auto where");
    plan_is("where .x", plain, "+auto where");
    plan_is("grep x", csv, "grep");
}

TEST(each_of_several_files_is_decoded_by_its_own_ending)
{
    static const char *const mixed[] = {"a.csv", "b.json", "c.log", "d.csv", NULL},
                             *const packed[] = {"a.csv.gz", "b.csv.gz", NULL},
                             *const logs[] = {"a.log.gz", "b.log.gz", "-", NULL};
    plan_is("where .x", mixed, "[.csv: +csv header +auto] [.json: +json] [: +auto] where");
    plan_is("where .x", packed, "[.csv.gz: +gunzip +csv header +auto] where");
    plan_is("auto | where .x", packed, "[.csv.gz: +gunzip +csv header +auto] auto where");
    plan_is("grep x", packed, "[.gz: +gunzip +lines] grep");
    plan_is("grep x", logs, "[.gz: +gunzip +lines] [: ] grep");
    plan_is("head 3", logs, "[.gz: +gunzip +lines] [: ] head");
    plan_is("csv header", logs, "[.gz: +gunzip] [: ] csv");
    plan_is("null", logs, "null");
    plan_is("gunzip", logs, "gunzip");
}

TEST(lines_that_are_values_become_json_where_they_are_written_in_another_form)
{
    static const char *const mixed[] = {"a.csv", "b.ndjson", NULL};
    weir_error error;
    static const struct {
        const char *text;
        bool passes;
    } cases[] = {{"where .x", true}, {"where .x | csv", false}, {"where .x | head 3 | tsv", false}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        weir_plan *plan = weir_plan_read(cases[i].text, NULL, &error);
        ck_assert_ptr_nonnull(plan);
        ck_assert_int_eq(plan->root.steps[0].passes, cases[i].passes);
        weir_plan_free(plan);
        plan = weir_plan_read(cases[i].text,
                              WEIR_OPTIONS(weir_text_options, .files = mixed, .files_count = 2),
                              &error);
        ck_assert_ptr_nonnull(plan);
        ck_assert_int_eq(plan->decodings[1].chain.steps[0].passes, cases[i].passes);
        weir_plan_free(plan);
    }
}

TEST(files_that_are_decoded_one_by_one_are_those_that_are_opened)
{
    static const char *const files[] = {"a.csv", "b.json", "c"};
    weir_error error;
    weir_plan *plan = weir_plan_read(
        "where .x", WEIR_OPTIONS(weir_text_options, .files = files, .files_count = 2), &error);
    ck_assert_ptr_nonnull(plan);
    weir_plan_options options = {.struct_size = sizeof options, .files = files, .files_count = 3};
    ck_assert_int_eq(weir_plan_check(plan, &options, &error), WEIR_EINVAL);
    ck_assert_str_eq(error.message, "the files are not those that the text was read with");
    options.files_count = 2;
    ck_assert_int_eq(weir_plan_check(plan, &options, &error), 0);
    weir_plan_free(plan);
}

TEST(the_text_of_a_plan_has_only_what_was_written)
{
    weir_error error;
    weir_plan *plan = weir_plan_read("./a.csv.gz|where .x", NULL, &error);
    ck_assert_ptr_nonnull(plan);
    ck_assert_str_eq(weir_plan_text(plan), "./a.csv.gz | where .x");
    weir_plan_free(plan);
}

MAIN("plan/decode")
