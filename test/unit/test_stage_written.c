/*
 * test_stage_written.c - records and JSON values to rows and pairs, as a text has it: the suite for
 * stages, the header and the columns, what is rejected, what is read where nothing is written.
 */
#include "support_records.h"
#include "support_stage.h"

#define TEXT(text)            \
    {                         \
        text, sizeof text - 1 \
    }
static const weir_slice values[] = {
    TEXT("{\"a\":1,\"b\":\"x,y\"}"),
    TEXT("{\"b\":null}"),
    TEXT("7"),
    TEXT("{\"a\":[1, 2]}"),
    TEXT("{\"a\":3,\"c\":1}"),
    TEXT("{\"a\":\"\\n\""),
    TEXT("{\"a\":\"\"}"),
    TEXT("[1]"),
};
#define KIT(stage)                                                                      \
    {                                                                                   \
        .text = stage, .shape = WEIR_SHAPE_JSON, .items = values,                       \
        .items_count = sizeof values / sizeof *values, .several = true /* the header */ \
    }
static const struct wr_stage_kit kits[] = {
    KIT("csv header"), KIT("csv"), KIT("csv columns=\"a,b\" ragged=keep"), KIT("logfmt"), KIT("kv"),
};
__attribute__((constructor)) static void add_suite(void)
{
    for (size_t i = 0; i < (wr_test_sweeps() ? 1 : sizeof kits / sizeof *kits); i++) {
        wr_suite_add(wr_stage_suite, kits[i].text, &kits[i]);
    }
}

/* The texts that come out of a pipeline, a | after each; `max` items a pull. */
static void texts_of(const char *pipeline, const char *const *lines, size_t max, char *to,
                     size_t cap)
{
    size_t len = 0, n;
    weir_item items[64];
    weir_error error;
    weir_loop *loop = test_loop();
    weir_gen *gen = weir_parse(
        weir_root(loop), texts(weir_root(loop), (struct texts_args){lines, false}), pipeline, NULL);
    to[0] = '\0';
    while ((n = weir_next_many(gen, items, max)) > 0) {
        for (size_t i = 0; i < n; i++) {
            weir_slice text = {"(a record)", 10};
            if (weir_event_of(&items[i]) == NULL) {
                ck_assert_int_eq(weir_item_text(&items[i], &text, NULL), 0);
            }
            len += (size_t)snprintf(to + len, cap - len, "%.*s%s|", (int)text.len, text.data,
                                    (items[i].flags & WEIR_ITEM_CRLF) != 0 ? "\\r" : "");
        }
    }
    if (weir_finish(gen, &error) < 0) {
        (void)snprintf(to + len, cap - len, "<%s>", error.message);
    }
    weir_loop_free(loop);
}

static void becomes(const char *pipeline, const char *const *lines, const char *expected)
{
    for (size_t max = 1; max <= (wr_test_sweeps() ? 1 : 4); max++) {
        char got[1024];
        texts_of(pipeline, lines, max, got, sizeof got);
        ck_assert_str_eq(got, expected);
    }
}

TEST(the_header_stands_before_the_first_row)
{
    becomes("json | csv header", LINES("{\"a\":1,\"b\":2}", "{\"b\":4,\"a\":3}"), "a,b|1,2|3,4|");
    becomes("json | csv header crlf", LINES("{\"a\":1}"), "a\\r|1\\r|");
    becomes("json | csv", LINES("{\"a\":1,\"b\":2}", "{\"b\":4}"), "1,2|,4|");
    becomes("json | csv header", LINES(""), "");
}

TEST(records_are_written_too)
{
    becomes("logfmt | csv header", LINES("a=1 b=\"x,y\"", "b=2"), "a,b|1,\"x,y\"|,2|");
    becomes("csv header | logfmt", LINES("a,b", "1,x y"), "a=1 b=\"x y\"|");
    becomes("csv header | tsv header", LINES("a,b", "1,x y"), "a\tb|1\tx y|");
    becomes("prom | csv header quote=nonnumeric", LINES("a{b=\"1\"} 2"),
            "\"name\",\"b\",\"value\"|\"a\",\"1\",2|");
    becomes("prom | prom", LINES("a { b = \"1\" , } .5 7"), "a{b=\"1\"} 0.5 7|");
}

TEST(values_that_are_numbers_may_be_numbers)
{
    becomes("kv numbers | map .", LINES("a=1 b=x c=07"), "{\"a\":1,\"b\":\"x\",\"c\":\"07\"}|");
    becomes("logfmt numbers | map .", LINES("a=-1.50 b=\"2\""), "{\"a\":-1.50,\"b\":2}|");
    becomes("csv header numbers | where .n > 9 | map .", LINES("n,s", "10,a", "9,b", ",c"),
            "{\"n\":10,\"s\":\"a\"}|{\"n\":\"\",\"s\":\"c\"}|");
    becomes("csv numbers | csv quote=nonnumeric", LINES("1,x", "x,2"), "1,\"x\"|\"x\",2|");
}

TEST(columns_may_be_given)
{
    becomes("json | csv header columns=\"b,a\"", LINES("{\"a\":1}", "{\"b\":2}"), "b,a|,1|2,|");
    becomes("csv columns=\"x,y\" | logfmt", LINES("1,2"), "x=1 y=2|");
    becomes("csv header columns=\"x,y\" | logfmt", LINES("a,b", "1,2"), "x=1 y=2|");
    becomes("json | csv header columns=\"x,y\"", LINES("[1,2]", "[3]", "{\"y\":5}"),
            "x,y|1,2|3,|,5|");
    becomes("json | csv columns=\"x,y\"", LINES("[1,2,3]", "[4]"), "4,|");
    becomes("json | csv columns=\"x,y\" ragged=keep", LINES("[1,2,3]", "[4]"), "1,2|4,|");
    becomes("csv columns=\"x,x\"", LINES("1"), "<csv: columns has a name twice>");
    becomes("csv columns=\"\\\"x\"", LINES("1"), "<csv: columns: a quoted value does not end>");
}

TEST(a_member_that_is_no_column_is_rejected_unless_told)
{
    static const char first[] = "{\"a\":1}", other[] = "{\"a\":2,\"b\":3}";
    becomes("json | csv", LINES(first, other, first), "1|1|");
    becomes("json | csv ragged=keep", LINES(first, other), "1|2|");
    becomes("json | csv on-error=stop", LINES(first, other),
            "1|<item 2: a member that is no column\n  {\"a\":2,\"b\":3}\n          ^>");
}

TEST(what_has_no_members_is_rejected_and_the_next_item_is_tried)
{
    becomes("json | csv header", LINES("1", "{}", "{\"a\":1}"), "a|1|");
    becomes("json | csv header on-error=stop", LINES("{}"),
            "<item 1: the first item has no members, so there are no columns\n  {}\n  ^>");
    becomes("json | logfmt", LINES("\"x\"", "{\"a b\":1}", "{\"a\":1}"), "a=1|");
}

/* Also for the sweep, in which the suite goes through one writer. */
TEST(each_writer_takes_escapes_and_rejects_what_it_cannot_hold)
{
    static const char row[] = "{\"name\":\"m\",\"value\":1.5,\"host\":\"a\\u0020b\"}";
    static const char nested[] = "{\"name\":\"m\",\"value\":[1],\"host\":{}}", no_object[] = "7";
    becomes("json | csv", LINES(row, no_object, row), "m,1.5,a b|m,1.5,a b|");
    becomes("json | tsv header", LINES(row, no_object, row),
            "name\tvalue\thost|m\t1.5\ta b|m\t1.5\ta b|");
    becomes("json | logfmt", LINES(row, no_object, nested),
            "name=m value=1.5 host=\"a b\"|name=m value=[1] host={}|");
    becomes("json | kv sep=\";\"", LINES(row, no_object, row),
            "name;m value;1.5 host;\"a b\"|name;m value;1.5 host;\"a b\"|");
    becomes("json | prom", LINES(row, no_object, nested, row),
            "m{host=\"a b\"} 1.5|m{host=\"a b\"} 1.5|");
}

/* The members of an object are searched one by one where their order is not that of the columns. */
TEST(rows_that_are_slow_to_write_let_other_tasks_run)
{
    enum { MEMBERS = 4096, ROWS = 40 };
    static char first[MEMBERS * 9 + 2], other[MEMBERS * 9 + 2];
    const char *lines[ROWS + 2] = {first};
    weir_item items[64];
    if (wr_test_sweeps()) {
        return;
    }
    for (size_t i = 0; i < MEMBERS; i++) {
        (void)snprintf(first + 9 * i, 10, "%c\"%04zx\":1", i == 0 ? '{' : ',', i);
        (void)snprintf(other + 9 * i, 10, "%c\"%04zx\":1", i == 0 ? '{' : ',', MEMBERS - 1 - i);
    }
    first[MEMBERS * 9] = other[MEMBERS * 9] = '}';
    for (size_t i = 1; i <= ROWS; i++) {
        lines[i] = other;
    }
    weir_loop *loop = weir_loop_new(NULL);
    weir_scope_options soon = {.struct_size = sizeof soon, .deadline_ms = 1};
    weir_scope *scope = weir_scope_new(weir_root(loop), &soon);
    weir_gen *up = texts(scope, (struct texts_args){lines, false});
    weir_gen *gen = weir_parse(scope, up, "json | csv", NULL);
    while (weir_next_many(gen, items, 64) > 0) {}
    ck_assert_int_lt(weir_finish(gen, NULL), 0);
    ck_assert_int_eq(weir_scope_wait(scope, NULL), WEIR_ETIMEDOUT);
    weir_loop_free(loop);
}

TEST(arguments_of_the_other_direction_are_refused)
{
    weir_error error;
    ck_assert_ptr_null(weir_plan_read("./a | csv safe", NULL, &error));
    ck_assert_ptr_nonnull(strstr(error.message, "are for rows that are written"));
    ck_assert_ptr_null(weir_plan_read("./a | json | logfmt numbers", NULL, &error));
    ck_assert_ptr_nonnull(strstr(error.message, "numbers is for lines that are read"));
    ck_assert_ptr_null(weir_plan_read("./a | json | tsv numbers", NULL, &error));
    ck_assert_ptr_nonnull(strstr(error.message, "numbers is for rows that are read"));
    ck_assert_ptr_null(weir_plan_read("./a | json | csv max=1KiB", NULL, &error));
    ck_assert_ptr_nonnull(strstr(error.message, "are for rows that are read"));
}

MAIN("stage/written")
