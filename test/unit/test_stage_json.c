/*
 * test_stage_json.c - json and ndjson: what is passed on as it came, what is written anew, and what
 * is rejected.
 */
#include <stdlib.h>

#include "support_flow.h"
#include "support_stage.h"

#define TEXT(text)            \
    {                         \
        text, sizeof text - 1 \
    }

static const weir_slice lines[] = {
    TEXT("{\"a\": 1}"), TEXT(""), TEXT("[1,"), TEXT(" 2 "), TEXT("{\"a\":\n1}"), TEXT("\"\xff\""),
};
static const struct wr_stage_kit kits[] = {
    {.text = "json", .items = lines, .items_count = sizeof lines / sizeof *lines},
    {.text = "ndjson",
     .shape = WEIR_SHAPE_JSON,
     .items = lines,
     .items_count = sizeof lines / sizeof *lines},
};
WR_STAGE_SUITE(kits);

/* Items of one shape, then the end. */
struct texts {
    const weir_slice *list;
    size_t count;
    const weir_type *type;
};
WEIR_SOURCE(texts, struct texts)
{
    for (size_t i = 0; i < args->count; i++) {
        weir_item item = weir_bytes(args->list[i].data, args->list[i].len);
        item.type = args->type;
        if (!weir_yield(self, &item)) {
            break;
        }
    }
    return 0;
}

static void gives(weir_gen *gen, const char *expected)
{
    char *shown;
    size_t len;
    weir_item item;
    FILE *out = open_memstream(&shown, &len);
    while (weir_next(gen, &item)) {
        ck_assert_ptr_eq(item.type, &weir_json_type);
        fprintf(out, "%.*s|", (int)item.len, item.data);
    }
    fclose(out);
    ck_assert_int_eq(weir_finish(gen, NULL), 0);
    ck_assert_str_eq(shown, expected);
    free(shown);
}

TEST(a_line_is_one_value_and_stays_as_it_came)
{
    weir_loop *loop = test_loop();
    weir_gen *up = texts(weir_root(loop), (struct texts){lines, 6, NULL});
    gives(weir_parse(weir_root(loop), up, "json", NULL), "{\"a\": 1}| 2 |{\"a\":1}|");
    weir_ledger ledger = ledger_of(weir_root(loop));
    ck_assert_uint_eq(ledger.delivered, 3);
    ck_assert_uint_eq(ledger.filtered, 1); /* the empty line */
    ck_assert_uint_eq(ledger.rejected, 2);
    weir_loop_free(loop);
}

static void rejects(weir_slice text, const char *message)
{
    weir_item item;
    weir_error error;
    weir_loop *loop = test_loop();
    weir_gen *up = texts(weir_root(loop), (struct texts){&text, 1, NULL});
    weir_gen *gen = weir_parse(weir_root(loop), up, "json on-error=stop", NULL);
    ck_assert(!weir_next(gen, &item));
    ck_assert_int_eq(weir_finish(gen, &error), WEIR_EPARSE);
    ck_assert_str_eq(error.origin, "json");
    ck_assert_str_eq(error.message, message);
    weir_loop_free(loop);
}

TEST(a_rejection_says_what_is_wrong_and_where)
{
    rejects((weir_slice)TEXT("{\"user\":\"bob\" \"type\":\"login\"}"),
            "item 1: expected ',' or '}' after a member\n"
            "  {\"user\":\"bob\" \"type\":\"login\"}\n"
            "                ^");
    rejects((weir_slice)TEXT("{\"a\":"),
            "item 1: the text ends inside an object\n  {\"a\":\n       ^");
    rejects((weir_slice)TEXT("\"a\xff\""), "item 1: invalid UTF-8\n  \"a?\"\n    ^");
}

static const weir_slice names[] = {TEXT("level"), TEXT("msg")};
static const weir_slice values[] = {TEXT("info"), TEXT("say \"\xff\"\n")};

WEIR_SOURCE(events, struct texts)
{
    weir_event event = {.body = args->list[0],
                        .body_type = args->type,
                        .id = args->list[1],
                        .key = args->list[2],
                        .names = names,
                        .values = values,
                        .fields_count = 2,
                        .kind = args->count == 3 ? WEIR_EVENT_MESSAGE : WEIR_EVENT_RECORD};
    weir_item item = weir_event_item(&event);
    (void)!weir_yield(self, &item);
    return 0;
}

static void event_gives(const char *text, bool message, const weir_type *type,
                        const weir_slice parts[3], const char *expected)
{
    weir_loop *loop = test_loop();
    weir_gen *up = events(weir_root(loop), (struct texts){parts, message ? 3 : 2, type});
    gives(weir_parse(weir_root(loop), up, text, NULL), expected);
    weir_loop_free(loop);
}

TEST(of_a_message_json_reads_the_body)
{
    static const weir_slice parts[3] = {TEXT("{\"a\":\n [1]}"), TEXT("7"), TEXT("")};
    event_gives("json", true, NULL, parts, "{\"a\":[1]}|");
}

TEST(ndjson_makes_an_object_of_an_event)
{
    static const weir_slice parts[3] = {TEXT("{\"a\":\n [1]}"), TEXT("7"), TEXT("k")};
    static const weir_slice bare[3] = {TEXT(""), TEXT(""), TEXT("")};
#define FIELDS "\"level\":\"info\",\"msg\":\"say \\\"\xef\xbf\xbd\\\"\\n\"}|"
    event_gives("ndjson", false, NULL, parts, "{" FIELDS);
    event_gives("ndjson", true, NULL, parts,
                "{\"body\":\"{\\\"a\\\":\\n [1]}\",\"key\":\"k\",\"id\":\"7\"," FIELDS);
    event_gives("ndjson", true, &weir_json_type, parts,
                "{\"body\":{\"a\":[1]},\"key\":\"k\",\"id\":\"7\"," FIELDS);
    event_gives("ndjson", true, NULL, bare, "{\"body\":\"\"," FIELDS);
}

TEST(ndjson_passes_on_values_and_rejects_what_is_none)
{
    weir_loop *loop = test_loop();
    weir_gen *up = texts(weir_root(loop), (struct texts){lines, 6, &weir_json_type});
    gives(weir_parse(weir_root(loop), up, "ndjson", NULL), "{\"a\": 1}| 2 |{\"a\":1}|");
    ck_assert_uint_eq(ledger_of(weir_root(loop)).rejected, 3);
    weir_loop_free(loop);
}

/* Records that share a list of names, given together. */
struct table {
    const weir_slice *names, *values; /* values: `columns` for each record */
    const uint8_t *kinds;             /* of a record; NULL: all are strings */
    size_t columns, records;
};
WEIR_SOURCE(table, struct table)
{
    weir_event events[8];
    weir_item items[8];
    ck_assert_uint_le(args->records, 8);
    for (size_t i = 0; i < args->records; i++) {
        events[i] = (weir_event){.names = args->names,
                                 .values = args->values + i * args->columns,
                                 .kinds = args->kinds,
                                 .fields_count = (uint32_t)args->columns,
                                 .kind = WEIR_EVENT_RECORD};
        items[i] = weir_event_item(&events[i]);
    }
    (void)!weir_yield_many(self, items, args->records);
    return 0;
}

static void table_becomes(const struct table *rows, const char *expected)
{
    for (size_t max = 1; max <= 8; max++) {
        size_t n, len = 0;
        char got[4096];
        weir_item items[8];
        weir_loop *loop = test_loop();
        weir_gen *gen = weir_parse(weir_root(loop), table(weir_root(loop), *rows), "ndjson", NULL);
        while ((n = weir_next_many(gen, items, max)) > 0) {
            for (size_t i = 0; i < n; i++) {
                ck_assert_uint_lt(len + items[i].len + 1, sizeof got);
                memcpy(got + len, items[i].data, items[i].len);
                len += items[i].len;
                got[len++] = '|';
            }
        }
        got[len] = '\0';
        ck_assert_int_eq(weir_finish(gen, NULL), 0);
        weir_loop_free(loop);
        ck_assert_str_eq(got, expected);
    }
}

TEST(ndjson_writes_records_that_share_their_names)
{
    static const weir_slice columns[] = {TEXT("a"), TEXT("a \"long\" name of a column"), TEXT("")};
    static const weir_slice cells[] = {
        TEXT("1"),
        TEXT(""),
        TEXT("plain text of some length"),
        TEXT("2"),
        TEXT("say \"x\""),
        TEXT("\n"),
        TEXT("3"),
        TEXT("\xc3\xa9t\xc3\xa9"),
        TEXT("\xff"),
        TEXT("4"),
        TEXT("abcdefgh"),
        TEXT("end"),
    };
    static const uint8_t kinds[] = {WEIR_VALUE_NUMBER, WEIR_VALUE_STRING, WEIR_VALUE_STRING};
#define NAMED(a, b, c) "{\"a\":" a ",\"a \\\"long\\\" name of a column\":" b ",\"\":" c "}|"
    table_becomes(&(struct table){columns, cells, kinds, 3, 4},
                  NAMED("1", "\"\"", "\"plain text of some length\"")
                      NAMED("2", "\"say \\\"x\\\"\"", "\"\\n\"")
                          NAMED("3", "\"\xc3\xa9t\xc3\xa9\"", "\"\xef\xbf\xbd\"")
                              NAMED("4", "\"abcdefgh\"", "\"end\""));
    table_becomes(&(struct table){columns, cells, NULL, 1, 3},
                  "{\"a\":\"1\"}|{\"a\":\"\"}|{\"a\":\"plain text of some length\"}|");
    table_becomes(&(struct table){columns, cells, NULL, 0, 3}, "{}|{}|{}|");
}

MAIN("stage/json")
