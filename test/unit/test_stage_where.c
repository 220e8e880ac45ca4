/*
 * test_stage_where.c - stages that run an expression: where, map, fields, set, del, rename, explode,
 * flatten and text. What passes is as it came, what is made is on one line, and what fails is rejected
 * with its reason.
 */
#include <stdlib.h>

#include "support_stage.h"
#include "support_texts.h"

static const weir_slice values[] = {
    TEXT("{\"a\": 1, \"b\": [1, 2]}"), TEXT(""), TEXT("[1,"), TEXT("{\"b\":\n [3]}"), TEXT(" 2 "),
    TEXT("{\"a\":null,\"b\":[]}"),
};
enum { VALUES = sizeof values / sizeof *values };

#define KIT(stage)                                            \
    {                                                         \
        .text = stage, .items = values, .items_count = VALUES \
    }
static const struct wr_stage_kit kits[] = {KIT("where .b[] > 1"), KIT("set .b += [length]"),
                                           KIT("flatten"), KIT("text \"\\(.a?)\"")};
WR_STAGE_SUITE(kits);

/* What a chain behind the values gives, each with a | behind it. */
static void check_gives(const char *text, const char *expected)
{
    int rc;
    weir_loop *loop = test_loop();
    weir_gen *up = texts(weir_root(loop), (struct texts){values, VALUES, NULL});
    char *shown = gives_of(weir_parse(weir_root(loop), up, text, NULL), &rc, NULL);
    ck_assert_int_eq(rc, 0);
    ck_assert_msg(strcmp(shown, expected) == 0, "%s: %s instead of %s", text, shown, expected);
    free(shown);
    weir_loop_free(loop);
}

TEST(where_passes_items_as_they_came)
{
    check_gives("where .a", "{\"a\": 1, \"b\": [1, 2]}|");
    check_gives("where .b? | where (.b | length) == 1", "{\"b\":\n [3]}|");
    check_gives("where .b[]? > 1", "{\"a\": 1, \"b\": [1, 2]}|{\"b\":\n [3]}|");
    check_gives("select(. == 2)", " 2 |");
    check_gives("where empty", "");
}

TEST(map_gives_all_outputs)
{
    check_gives("map .b[]?", "1|2|3|");
    check_gives(".a?, 0", "1|0|null|0|0|null|0|");
    check_gives("map .", "{\"a\": 1, \"b\": [1, 2]}|{\"b\":[3]}|2|{\"a\":null,\"b\":[]}|");
    check_gives("objects | {x: .b, (\"k\" * 2): .a}",
                "{\"x\":[1,2],\"kk\":1}|{\"x\":[3],\"kk\":null}|{\"x\":[],\"kk\":null}|");
    check_gives("repeat(1) | head 3", "{\"a\": 1, \"b\": [1, 2]}|1|1|");
}

TEST(now_is_the_time_of_the_loop)
{
    check_gives("numbers | now > 1e9", "true|");
    check_gives("numbers | (now | todate | length)", "20|");
}

TEST(values_are_changed_at_their_paths)
{
    check_gives("objects | fields .a, .b[0]", "{\"a\":1,\"b\":[1]}|{\"a\":null,\"b\":[3]}|"
                                              "{\"a\":null,\"b\":[null]}|");
    check_gives("objects | del .b", "{\"a\":1}|{}|{\"a\":null}|");
    check_gives("objects | set .a = .b[0]", "{\"a\":1,\"b\":[1,2]}|{\"b\":[3],\"a\":3}|"
                                            "{\"a\":null,\"b\":[]}|");
    check_gives("objects | set .b[] |= . * 2 | map .b", "[2,4]|[6]|[]|");
    check_gives("objects | set .b += [.a] | map .b", "[1,2,1]|[3,null]|[null]|");
    check_gives("objects | set .a //= 7 | map .a", "1|7|7|");
}

TEST(a_field_that_is_not_there_is_not_renamed)
{
    check_gives("objects | rename .c.d = .a", "{\"b\":[1,2],\"c\":{\"d\":1}}|{\"b\":[3]}|"
                                              "{\"b\":[],\"c\":{\"d\":null}}|");
    check_gives("objects | rename .b = .a", "{\"b\":1}|{\"b\":[3]}|{\"b\":null}|");
    check_gives("objects | rename .b = .a.c?", "{\"a\": 1, \"b\": [1, 2]}|{\"b\":[3]}|"
                                               "{\"a\":null,\"b\":[]}|");
    check_gives("objects | rename .c = .b[1] | del .a",
                "{\"b\":[1],\"c\":2}|{\"b\":[3]}|{\"b\":[]}|");
    check_gives("objects | rename .c = . | map .c.b[0]", "1|3|null|");
}

TEST(an_array_is_exploded_into_an_item_for_each_element)
{
    check_gives("objects | explode .b", "{\"a\":1,\"b\":1}|{\"a\":1,\"b\":2}|{\"b\":3}|");
    check_gives("objects | {x: [{y: .b?}]} | explode .x[].y | .x[0].y", "1|2|3|");
    check_gives("objects | explode .a?", "");
    check_gives("objects | set .b = [1] | explode .b?", "{\"a\":1,\"b\":1}|{\"b\":1}|"
                                                        "{\"a\":null,\"b\":1}|");
}

TEST(objects_in_objects_are_flattened)
{
    static const char nested[] = "objects | where .a | {u: {n: .a, e: {}, l: .b}, \"k.k\": [], "
                                 "o: [[1, {z: 2}]]}";
    static const struct {
        const char *stage, *expected;
    } cases[] = {
        {"flatten", "{\"u.n\":1,\"u.e\":{},\"u.l.0\":1,\"u.l.1\":2,\"k.k\":[],\"o.0.0\":1,"
                    "\"o.0.1.z\":2}|"},
        {"flatten sep=\"__\" arrays=keep",
         "{\"u__n\":1,\"u__e\":{},\"u__l\":[1,2],\"k.k\":[],\"o\":[[1,{\"z\":2}]]}|"},
        {"flatten sep='\"' depth=1 arrays=json",
         "{\"u\\\"n\":1,\"u\\\"e\":{},\"u\\\"l\":\"[1,2]\",\"k.k\":\"[]\","
         "\"o\":\"[[1,{\\\"z\\\":2}]]\"}|"},
        {"flatten depth=1", "{\"u.n\":1,\"u.e\":{},\"u.l\":[1,2],\"k.k\":[],"
                            "\"o.0\":[1,{\"z\":2}]}|"},
        {"[.o] | flatten", "[1,{\"z\":2}]|"},
        {"[.o] | flatten depth=1", "[[1,{\"z\":2}]]|"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[300];
        snprintf(text, sizeof text, "%s | %s", nested, cases[i].stage);
        check_gives(text, cases[i].expected);
    }
    check_gives("objects | {a: {b: 1}, \"a.b\": 2} | flatten | head 1", "{\"a.b\":2}|");
}

TEST(a_text_is_a_line_and_a_value_never_makes_another)
{
    check_gives("objects | text \"\\(.a) of \\(.b)\"", "1 of [1,2]|null of [3]|null of []|");
    check_gives("where .a | {a: \"x\\ny\\r\"} | text \"1\\n\\(.a)\"", "1\nx\\ny\\r|");
    check_gives("where .a | text `\\(.a) \"b\"`", "\\(.a) \"b\"|");
    check_gives("where .a | text '\\d'", "\\d|");
    check_gives("where .a | text plain", "plain|");
    check_gives("where .a | text \"\\(.b[])\" | grep 2", "2|");
}

TEST(what_is_left_out_is_counted)
{
    weir_loop *loop = test_loop();
    weir_gen *up = texts(weir_root(loop), (struct texts){values, VALUES, NULL});
    weir_gen *gen = weir_parse(weir_root(loop), up, "where .a", NULL);
    weir_item item;
    while (weir_next(gen, &item)) {}
    ck_assert_int_eq(weir_finish(gen, NULL), 0);
    weir_ledger ledger = ledger_of(weir_root(loop));
    ck_assert_uint_eq(ledger.delivered, 1);
    ck_assert_uint_eq(ledger.filtered, 3); /* an empty line, and two that are not true */
    ck_assert_uint_eq(ledger.rejected, 2); /* [1, and the number, which has no .a */
    weir_loop_free(loop);
}

static void check_rejects(const char *text, weir_slice value, const char *message)
{
    weir_item item;
    weir_error error;
    weir_loop *loop = test_loop();
    weir_gen *up = texts(weir_root(loop), (struct texts){&value, 1, NULL});
    weir_gen *gen = weir_parse(weir_root(loop), up, text, NULL);
    ck_assert(!weir_next(gen, &item));
    ck_assert_int_lt(weir_finish(gen, &error), 0);
    ck_assert_msg(strstr(error.message, message) != NULL, "%s: %s", text, error.message);
    weir_loop_free(loop);
}

TEST(what_fails_is_rejected_with_its_reason)
{
    check_rejects("where .a on-error=stop", (weir_slice)TEXT("{\"a\": tru}"),
                  "expected a value\n  {\"a\": tru}\n        ^");
    check_rejects("where .a on-error=stop", (weir_slice)TEXT("7"),
                  "Cannot index number with \"a\"");
    check_rejects("map error(\"no\") on-error=stop", (weir_slice)TEXT("7"), "no");
    check_rejects("map [range(1e9)] on-error=stop", (weir_slice)TEXT("7"),
                  "the expression needs too much memory");
}

/* One event, then the end. */
WEIR_SOURCE(one_event, weir_event)
{
    weir_item item = weir_event_item(args);
    while (weir_yield(self, &item)) {
        break;
    }
    return 0;
}

static void check_event(const weir_event *event, const char *text, const char *expected)
{
    weir_item item;
    weir_loop *loop = test_loop();
    weir_gen *gen = weir_parse(weir_root(loop), one_event(weir_root(loop), *event), text, NULL);
    ck_assert(weir_next(gen, &item));
    weir_slice got;
    weir_scratch scratch = WEIR_ZERO;
    ck_assert_int_eq(weir_item_text(&item, &got, &scratch), 0);
    ck_assert_uint_eq(got.len, strlen(expected));
    ck_assert_mem_eq(got.data, expected, got.len);
    weir_scratch_free(&scratch);
    weir_discard(gen);
    weir_loop_free(loop);
}

TEST(of_a_record_the_fields_are_seen_and_of_a_message_the_body)
{
    static const weir_slice names[] = {TEXT("level"), TEXT("msg")};
    static const weir_slice fields[] = {TEXT("warn"), TEXT("a \"b\"")};
    weir_event event = {.body = TEXT("{\"n\": 5}"),
                        .names = names,
                        .values = fields,
                        .fields_count = 2,
                        .kind = WEIR_EVENT_RECORD};
    check_event(&event, "where .level == \"warn\"", "{\"n\": 5}");
    check_event(&event, "map {msg, n}", "{\"msg\":\"a \\\"b\\\"\",\"n\":null}");
    event.kind = WEIR_EVENT_MESSAGE;
    check_event(&event, "where .n == 5", "{\"n\": 5}");
    check_event(&event, "map .n", "5");
}

TEST(meta_is_what_comes_with_an_event)
{
    static const weir_slice names[] = {TEXT("event"), TEXT("retry")};
    static const weir_slice fields[] = {TEXT("login"), TEXT("5")};
    static const uint8_t kinds[] = {WEIR_VALUE_STRING, WEIR_VALUE_NUMBER};
    weir_event event = {.body = TEXT("{\"n\": 5}"),
                        .names = names,
                        .values = fields,
                        .kinds = kinds,
                        .fields_count = 2,
                        .key = TEXT("k"),
                        .id = TEXT("7")};
    check_event(&event, "map $meta",
                "{\"event\":\"login\",\"retry\":5,\"key\":\"k\",\"id\":"
                "\"7\",\"body\":\"{\\\"n\\\": 5}\"}");
    check_event(&event, "where $meta.event == \"login\" and .n == 5", "{\"n\": 5}");
    check_event(&event, "map (1 as $meta | $meta)", "1");
    event.kind = WEIR_EVENT_RECORD;
    event.key = (weir_slice){NULL, 0};
    check_event(&event, "map [$meta, .event]",
                "[{\"id\":\"7\",\"body\":\"{\\\"n\\\": 5}\"},"
                "\"login\"]");
}

TEST(a_record_has_numbers_and_logical_values)
{
    static const weir_slice names[] = {TEXT("n"), TEXT("ok"), TEXT("s")};
    static const weir_slice fields[] = {TEXT("9007199254740993"), TEXT("false"), TEXT("1")};
    static const uint8_t kinds[] = {WEIR_VALUE_NUMBER, WEIR_VALUE_BOOL, WEIR_VALUE_STRING};
    weir_event event = {.names = names,
                        .values = fields,
                        .kinds = kinds,
                        .fields_count = 3,
                        .kind = WEIR_EVENT_RECORD};
    check_event(&event, "map .", "{\"n\":9007199254740993,\"ok\":false,\"s\":\"1\"}");
    check_event(&event, "queue 2 | ndjson", "{\"n\":9007199254740993,\"ok\":false,\"s\":\"1\"}");
    check_event(&event, "where .n > 1 and (.ok | not) and .s == \"1\" | map .n + 1",
                "9007199254740994");
}

MAIN("stage/where")
