/*
 * test_stage_aggregate.c - totals of groups: the suite for stages; what each total is; periods; what
 * is rejected; what a restart counts again.
 */
#include <stdio.h>
#include <string.h>

#include <weir/plan.h>

#include "support_flow.h"
#include "support_folder.h"
#include "support_stage.h"

static const weir_slice values[] = {
    {"{\"a\":1,\"b\":\"x\"}", 15},    {"{\"a\":2.5,\"b\":\"y\"}", 17},
    {"{\"a\":null,\"b\":\"x\"}", 18}, {"{\"a\":\"7\",\"b\":[]}", 16},
    {"{\"b\":{\"c\":\",]\"}}", 16},   {"{\"a\":-3,\"b\":\"x\"}", 16},
};

#define KIT(stage)                                                  \
    {                                                               \
        .text = (stage), .shape = WEIR_SHAPE_JSON, .items = values, \
        .items_count = sizeof values / sizeof *values               \
    }
static const struct wr_stage_kit kits[] = {
    KIT("min .a by .b, .a"),
    KIT("avg .a by .b every 1000s | map .avg"),
    KIT("count every 1000s | map .count"),
    KIT("distinct .b"),
};
WR_STAGE_SUITE(kits);

static char shown[8192];

/* What a text gives, with a space behind each item. */
static const char *given_by(const char *text)
{
    weir_loop *loop = test_loop();
    weir_error error;
    weir_item item;
    size_t len = 0;
    weir_gen *gen = weir_parse(weir_root(loop), NULL, text, NULL);
    shown[0] = '\0';
    while (weir_next(gen, &item)) {
        len += (size_t)snprintf(shown + len, sizeof shown - len, "%.*s ", (int)item.len, item.data);
    }
    ck_assert_msg(weir_finish(gen, &error) == 0, "%s: %s", text, error.message);
    weir_loop_free(loop);
    return shown;
}

TEST(a_total_without_keys_is_one_row_also_of_no_items)
{
    ck_assert_str_eq(given_by("gen 1..4 | count"), "{\"count\":4} ");
    ck_assert_str_eq(given_by("gen 1..4 | head 0 | count"), "{\"count\":0} ");
    ck_assert_str_eq(given_by("gen 1..4 | head 0 | sum ."), "{\"sum\":0} ");
    ck_assert_str_eq(given_by("gen 1..4 | head 0 | avg ."), "{\"avg\":null} ");
    ck_assert_str_eq(given_by("gen 1..4 | head 0 | max ."), "{\"max\":null} ");
    ck_assert_str_eq(given_by("gen 1..4 | head 0 | p99 ."), "{\"p99\":null} ");
    ck_assert_str_eq(given_by("gen 1..4 | head 0 | distinct ."), "{\"distinct\":0} ");
    ck_assert_str_eq(given_by("gen 1..4 | head 0 | count by ."), "");
}

TEST(sums_are_exact)
{
    ck_assert_str_eq(given_by("gen 1..3 | sum . / 10"), "{\"sum\":0.6} ");
    ck_assert_str_eq(given_by("gen 1..2 | sum 9223372036854775807"),
                     "{\"sum\":18446744073709551614} ");
    ck_assert_str_eq(given_by("gen 1..3 | map (if . == 1 then 1e300 elif . == 2 then 1 else -1e300 "
                              "end) | sum ."),
                     "{\"sum\":1} ");
}

TEST(null_is_no_value_and_a_text_may_be_a_number)
{
    ck_assert_str_eq(given_by("gen 1..4 | map [null, \"2\", 3, null][. - 1] | avg ."),
                     "{\"avg\":2.5} ");
    ck_assert_str_eq(given_by("gen 1..3 | map [\"10\", \"9\", \"x\"][. - 1] | min ."),
                     "{\"min\":9} ");
    ck_assert_str_eq(given_by("gen 1..3 | map [\"10\", \"9\", \"x\\\"\"][. - 1] | max ."),
                     "{\"max\":\"x\\\"\"} ");
    ck_assert_str_eq(given_by("gen 1..3 | map [null, 1, \"1\"][. - 1] | distinct ."),
                     "{\"distinct\":2} ");
}

TEST(each_group_has_a_row_in_the_order_of_its_first_item)
{
    ck_assert_str_eq(
        given_by("gen 1..6 | {u: {n: (. % 3)}, v: [.,\",\"]} | count by .u.n, .v[1]"),
        "{\"u.n\":1,\"v[1]\":\",\",\"count\":2} {\"u.n\":2,\"v[1]\":\",\",\"count\":2} "
        "{\"u.n\":0,\"v[1]\":\",\",\"count\":2} ");
    ck_assert_str_eq(given_by("gen 1..2 | {u: {n: [1, \"]\"]}} | sum .u.n[0] by .u, .none"),
                     "{\"u\":{\"n\":[1,\"]\"]},\"none\":null,\"sum\":2} ");
    ck_assert_str_eq(given_by("gen 1..2 | {\"a \\\"b\": .} | count by .\"a \\\"b\""),
                     "{\"a \\\"b\":1,\"count\":1} {\"a \\\"b\":2,\"count\":1} ");
}

TEST(a_key_that_is_the_whole_value_is_called_value)
{
    ck_assert_str_eq(given_by("gen 1..1 | count by ."), "{\"value\":1,\"count\":1} ");
}

TEST(an_expression_may_have_several_values_or_none)
{
    ck_assert_str_eq(given_by("gen 1..3 | [., .] | sum .[]"), "{\"sum\":12} ");
    ck_assert_str_eq(given_by("gen 1..3 | where . != 2 | sum . * 2"), "{\"sum\":8} ");
    ck_assert_str_eq(given_by("gen 1..3 | {t: [range(0; .)], n: .} | sum .n by .t[]"),
                     "{\"t\":0,\"sum\":6} {\"t\":1,\"sum\":5} {\"t\":2,\"sum\":3} ");
}

TEST(what_is_no_number_is_rejected_and_the_rest_is_added)
{
    ck_assert_str_eq(given_by("gen 1..3 | map [1, \"x\", 2][. - 1] | sum ."), "{\"sum\":3} ");
    ck_assert_str_eq(given_by("gen 1..3 | map [1, true, 2][. - 1] | max ."), "{\"max\":2} ");
}

TEST(items_of_more_groups_than_allowed_are_rejected)
{
    ck_assert_str_eq(given_by("gen 1..9 | {g: (. % 4)} | count by .g groups=2"),
                     "{\"g\":1,\"count\":3} {\"g\":2,\"count\":2} ");
}

TEST(groups_that_need_too_much_memory_are_rejected)
{
    if (wr_test_sweeps()) {
        return; /* there are too many points */
    }
    weir_loop *loop = weir_loop_new(WEIR_OPTIONS(weir_loop_options, .budget_bytes = 1024 * 1024));
    weir_item item;
    ck_assert_ptr_nonnull(loop);
    weir_gen *gen = weir_parse(weir_root(loop), NULL, "gen 1..20000 | count by . | count", NULL);
    ck_assert(weir_next(gen, &item));
    int groups = 0;
    ck_assert_int_eq(sscanf(item.data, "{\"count\":%d}", &groups), 1);
    ck_assert_int_gt(groups, 1000);
    ck_assert_int_lt(groups, 10000);
    weir_discard(gen);
    weir_loop_free(loop);
}

/* One number each second, on the virtual clock. */
WEIR_SOURCE(seconds, weir_scope *)
{
    for (int i = 1; weir_sleep(*args, 1000); i++) {
        char text[16];
        weir_item item = weir_bytes(text, (size_t)snprintf(text, sizeof text, "%d", i));
        if (!weir_yield(self, &item)) {
            break;
        }
    }
    return 0;
}

/* The next rows of a text behind that source, until the given time. */
static const char *rows_until(const char *text, int64_t until_ms)
{
    weir_loop *loop = test_loop();
    weir_scope *root = weir_root(loop);
    weir_item item;
    size_t len = 0;
    weir_gen *gen = weir_parse(root, seconds(root, root), text, NULL);
    int64_t begin_ns = wr_now_ns(loop);
    shown[0] = '\0';
    while (wr_now_ns(loop) - begin_ns < until_ms * 1000000 && weir_next(gen, &item)) {
        len += (size_t)snprintf(shown + len, sizeof shown - len, "%lld: %.*s ",
                                (long long)((wr_now_ns(loop) - begin_ns) / 1000000), (int)item.len,
                                item.data);
    }
    weir_discard(gen);
    weir_loop_free(loop);
    return shown;
}

TEST(a_period_ends_when_its_time_is_over_and_not_later)
{
    ck_assert_str_eq(rows_until("count every 2300ms | map .count", 9200),
                     "2300: 2 4600: 2 6900: 2 9200: 3 ");
    ck_assert_str_eq(rows_until("sum . every 2300ms | map .sum", 4600), "2300: 3 4600: 7 ");
}

TEST(a_period_without_items_has_no_row)
{
    ck_assert_str_eq(rows_until("where . == 3 | count every 2300ms | map .count", 4600),
                     "4600: 1 ");
    ck_assert_str_eq(rows_until("where . == 3 | count by . every 2300ms | map .count", 4600),
                     "4600: 1 ");
}

TEST(count_without_keys_counts_items_of_any_kind)
{
    ck_assert_str_eq(given_by("gen 1..5 | text \"no json: \\(.)\" | count"), "{\"count\":5} ");
}

TEST(a_row_of_a_period_has_the_time_of_its_end)
{
    const char *row = rows_until("count every 2500ms", 2500);
    int year = 0, n = 0;
    ck_assert_msg(sscanf(row,
                         "2500: {\"time\":\"%d-%*2d-%*2dT%*2d:%*2d:%*2d.%*3dZ\",\"count\":2}%n",
                         &year, &n) == 1 &&
                      n > 0,
                  "%s", row);
}

TEST(the_items_of_a_period_settle_with_its_row_and_not_before)
{
    weir_loop *loop = test_loop();
    weir_scope *root = weir_root(loop);
    weir_item item;
    weir_gen *gen = weir_parse(root, seconds(root, root), "count every 2300ms", NULL);
    ck_assert(weir_next(gen, &item));
    ck_assert_uint_eq(ledger_of(root).in_flight, 2);
    ck_assert(weir_next(gen, &item));
    ck_assert_uint_eq(ledger_of(root).delivered, 2);
    ck_assert_uint_eq(ledger_of(root).in_flight, 2);
    weir_discard(gen);
    weir_loop_free(loop);
}

TEST(periods_that_pass_while_nobody_reads_are_left_out)
{
    weir_loop *loop = test_loop();
    weir_scope *root = weir_root(loop);
    weir_item item;
    weir_gen *gen = weir_parse(root, seconds(root, root), "count every 1500ms | map .count", NULL);
    ck_assert(weir_next(gen, &item)); /* at 1.5 s */
    ck_assert_int_eq(item.data[0], '1');
    ck_assert(weir_sleep(root, 4000));
    int64_t before_ns = wr_now_ns(loop);
    ck_assert(weir_next(gen, &item));
    ck_assert_int_eq((wr_now_ns(loop) - before_ns) / 1000000, 500); /* at 6 s */
    weir_discard(gen);
    weir_loop_free(loop);
}

TEST(what_has_come_before_a_failure_is_counted)
{
    weir_loop *loop = test_loop();
    weir_error error;
    weir_item item;
    weir_gen *gen = weir_parse(
        weir_root(loop), NULL,
        "gen 1..9 | where (if . == 5 then error(\"x\") else . end) on-error=stop | count", NULL);
    ck_assert(weir_next(gen, &item));
    ck_assert_int_eq(memcmp(item.data, "{\"count\":4}", item.len), 0);
    ck_assert(!weir_next(gen, &item));
    ck_assert(weir_finish(gen, &error) < 0);
    weir_loop_free(loop);
}

TEST(keys_that_hide_the_total_are_refused)
{
    weir_error error;
    ck_assert_ptr_null(weir_plan_read("gen 1..2 | count by .count", NULL, &error));
    ck_assert_ptr_null(weir_plan_read("gen 1..2 | sum . by .time every 1s", NULL, &error));
    ck_assert_ptr_null(weir_plan_read("gen 1..2 | sum .[ by .a", NULL, &error));
}

MAIN("stage/aggregate")
