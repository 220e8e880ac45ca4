/*
 * test_codec_rows.c - what the encoders of csv, logfmt, kv and prom write, and that it is read back;
 * the members of JSON values as rows.
 */
#include "base_fault.h"
#include "support_check.h"
#include "support_rows.h"

#define TEXT(text)            \
    {                         \
        text, sizeof text - 1 \
    }

typedef int writer(struct wr_out *out, struct wr_fields *fields, const struct wr_row *row);

/* The text that a writer makes of the members of a JSON value, or <the reason>. */
static void written(writer *write, const char *json_text, const char *expected)
{
    char got[512];
    struct wr_json json;
    struct wr_fields fields = {0};
    struct wr_row row;
    struct wr_out out = {got, sizeof got - 1, 0};
    wr_fault_pause(true); /* what is written is compared; the stages are swept */
    wr_json_init(&json);
    MUST(wr_json_index(&json, json_text, strlen(json_text)) == 0);
    int rc = wr_row_of_json(&fields, &json, &row);
    rc = rc == 0 ? write(&out, &fields, &row) : rc;
    if (rc < 0) {
        struct wr_fault fault = wr_fields_fault(&fields, row.text);
        wr_fault_reason(&fault, got);
        out.len = strlen(got);
    }
    got[out.len] = '\0';
    ck_assert_str_eq(got, expected);
    wr_fields_fini(&fields);
    wr_json_fini(&json);
    wr_fault_pause(false);
}

TEST(a_value_is_quoted_where_it_must_be)
{
    written(write_commas, "[1,\"a b\",\"a,b\",\"a\\\"b\",\"a\\nb\",\"a\\rb\",\"\",null,true]",
            "1,a b,\"a,b\",\"a\"\"b\",\"a\nb\",\"a\rb\",,,true");
    written(write_tabs, "[\"a,b\",\"a\\tb\"]", "a,b\t\"a\tb\"");
    written(write_all_quoted, "[1,\"a\",null]", "\"1\";\"a\";\"\"");
    written(write_texts_quoted, "[1,-2.5e3,\"1\",null,true,[1]]",
            "1,-2.5e3,\"1\",,\"true\",\"[1]\"");
}

/* Which of the values get the kind of a number: a 1 for each, else a 0. */
static void typed(const char *const *values, const char *expected)
{
    char got[32] = "";
    struct wr_fields fields = {0};
    size_t count = strlen(expected);
    wr_fault_pause(true);
    MUST(wr_fields_begin(&fields, 0) == 0);
    for (size_t i = 0; i < count; i++) {
        MUST(wr_fields_add(&fields, (weir_slice){"x", 1},
                           (weir_slice){values[i], strlen(values[i])}) == 0);
    }
    wr_fields_type_numbers(&fields);
    for (size_t i = 0; i < count; i++) {
        strcat(got, fields.kinds[i] == WEIR_VALUE_NUMBER ? "1" : "0");
    }
    ck_assert_str_eq(got, expected);
    ck_assert(fields.typed == (strchr(expected, '1') != NULL));
    wr_fields_fini(&fields);
    wr_fault_pause(false);
}

TEST(only_what_json_writes_as_a_number_becomes_one)
{
    typed((const char *const[]){"0", "-0", "12", "-3.50", "1e5", "1.5E-7", "0.0", "-0.1e+2"},
          "11111111");
    typed((const char *const[]){"", "007", "+1", ".5", "5.", "-", "1e", "0x1", "1 ", "NaN", "1,5",
                                "-01", "1.e5", "12a"},
          "00000000000000");
    typed((const char *const[]){"a", "1", "b"}, "010");
}

TEST(a_row_is_never_an_empty_line_and_does_not_begin_with_a_byte_order_mark)
{
    written(write_commas, "[\"\"]", "\"\"");
    written(write_commas, "[null]", "\"\"");
    written(write_commas, "[\"\xef\xbb\xbf\",\"\xef\xbb\xbf\"]", "\"\xef\xbb\xbf\",\xef\xbb\xbf");
}

TEST(nested_values_are_their_json)
{
    written(write_commas, "{\"a\": {\"b\" : [1, 2]}, \"c\": [ ]}", "\"{\"\"b\"\":[1,2]}\",[]");
    written(wr_logfmt_write, "{\"a\":{\"b\":[1,\"x\"]}}", "a=\"{\\\"b\\\":[1,\\\"x\\\"]}\"");
}

TEST(of_equal_names_the_last_one_counts)
{
    written(wr_logfmt_write, "{\"a\":1,\"b\":2,\"a\":3,\"\\u0062\":4}", "a=3 b=4");
}

TEST(a_formula_is_made_harmless)
{
    const struct wr_csv_style style = {.delim = ',', .safe = true};
    static const weir_slice values[] = {TEXT("=1+1"), TEXT("-5"),    TEXT("-5+x"), TEXT("@a"),
                                        TEXT("+1e5"), TEXT("\t=a,"), TEXT("a=b"),  TEXT("")};
    char got[128];
    struct wr_fields fields = {0};
    struct wr_out out = {got, sizeof got, 0};
    struct wr_row row = {.names = values, .values = values, .count = 8};
    wr_fault_pause(true);
    MUST(wr_csv_write(&out, &fields, &style, &(struct wr_csv_columns){.names = values, .count = 8},
                      &row) == 0);
    ck_assert_uint_lt(out.len, sizeof got);
    got[out.len] = '\0';
    ck_assert_str_eq(got, "'=1+1,-5,'-5+x,'@a,+1e5,\"'\t=a,\",a=b,");
    wr_fault_pause(false);
}

TEST(values_stand_in_the_order_of_the_columns)
{
    static const weir_slice columns[] = {TEXT("c"), TEXT("a"), TEXT("b")};
    static const weir_slice names[] = {TEXT("a"), TEXT("x"), TEXT("c")};
    static const weir_slice values[] = {TEXT("1"), TEXT("2"), TEXT("3")};
    struct wr_csv_style style = {.delim = ',', .others = true};
    struct wr_csv_columns all = {.names = columns, .count = 3};
    const struct wr_row row = {.names = names, .values = values, .count = 3, .text = names[1]};
    char got[16];
    struct wr_fields fields = {0};
    struct wr_out out = {got, sizeof got, 0};
    wr_fault_pause(true);
    MUST(wr_csv_write(&out, &fields, &style, &all, &row) == 0);
    ck_assert_uint_eq(out.len, 4);
    ck_assert_mem_eq(got, "3,1,", 4);
    style.others = false;
    ck_assert_int_eq(wr_csv_write(&out, &fields, &style, &all, &row), WEIR_EPARSE);
    ck_assert_str_eq(fields.problem, "a member that is no column");
    wr_csv_columns_fini(&all);
    wr_fault_pause(false);
}

TEST(members_with_equal_names_belong_to_the_columns_in_their_order)
{
    static const weir_slice columns[] = {TEXT("a"), TEXT("b"), TEXT("a"), TEXT("a"), TEXT("c")};
    static const weir_slice names[] = {TEXT("c"), TEXT("a"), TEXT("a"), TEXT("b")};
    static const weir_slice values[] = {TEXT("1"), TEXT("2"), TEXT("3"), TEXT("4")};
    const struct wr_csv_style style = {.delim = ','};
    struct wr_csv_columns all = {.names = columns, .count = 5};
    const struct wr_row row = {.names = names, .values = values, .count = 4, .text = names[1]};
    char got[16];
    struct wr_fields fields = {0};
    struct wr_out out = {got, sizeof got, 0};
    wr_fault_pause(true);
    MUST(wr_csv_write(&out, &fields, &style, &all, &row) == 0);
    ck_assert_uint_eq(out.len, 9);
    ck_assert_mem_eq(got, "2,4,3,3,1", 9);
    wr_csv_columns_fini(&all);
    wr_fault_pause(false);
}

TEST(pairs_are_quoted_where_they_must_be)
{
    written(
        wr_logfmt_write,
        "{\"a\":1,\"b\":\"x y\",\"c\":\"\",\"d\":\"q\\\"\\\\\",\"e\":\"\\u0001\\n\",\"f\":null}",
        "a=1 b=\"x y\" c= d=\"q\\\"\\\\\" e=\"\\u0001\\n\" f=");
    written(write_pairs, "{\"a b\":\"x, y\",\"c\":\" z\",\"d\":\"e: f\"}",
            "a b: \"x, y\", c: \" z\", d: e: f");
    written(write_words, "{\"a\":\"x\\\"\",\"b\":\"y z\"}", "a=\"x\\\"\" b=\"y z\"");
}

TEST(what_pairs_cannot_hold_is_rejected_with_its_place)
{
    written(wr_logfmt_write, "{\"a\":1,\"b c\":2}",
            "a name that logfmt cannot hold, at byte 8: b c\":2}");
    written(wr_logfmt_write, "{}", "there are no members, at byte 0: {}");
    written(write_words, "{\"a b\":1}", "a name that these pairs cannot hold, at byte 2: a b\":1}");
    written(write_words, "{\"a\":\"x\\ny\"}",
            "a value with a line end, for which there is no escape, at byte 0: {\"a\":\"x\\ny\"}");
    written(write_words, "7", "the value is neither an object nor an array, at byte 0: 7");
}

TEST(a_sample_has_name_labels_value_and_time)
{
    written(wr_prom_write,
            "{\"code\":200,\"name\":\"a:b\",\"path\":\"\\\"\\\\\\n\",\"value\":1.5e3,\"none\":null,"
            "\"time\":12}",
            "a:b{code=\"200\",path=\"\\\"\\\\\\n\"} 1.5e3 12");
    written(wr_prom_write, "{\"name\":\"up\",\"value\":\"+Inf\",\"time\":null}", "up +Inf");
    written(wr_prom_write, "{\"value\":1}", "a member .name is missing, at byte 0: {\"value\":1}");
    written(wr_prom_write, "{\"name\":\"a\"}",
            "a member .value is missing, at byte 0: {\"name\":\"a\"}");
    written(wr_prom_write, "{\"name\":\"a-b\",\"value\":1}",
            "no name of a metric, at byte 9: a-b\",\"value\":1}");
    written(wr_prom_write, "{\"name\":\"a\",\"1\":2,\"value\":1}",
            "no name of a label, at byte 13: 1\":2,\"value\":1}");
    written(wr_prom_write, "{\"name\":\"a\",\"value\":\"x\"}",
            "the value is no number, at byte 21: x\"}");
    written(wr_prom_write, "{\"name\":\"a\",\"value\":1,\"time\":\"x\"}",
            "the time is no number, at byte 30: x\"}");
}

static uint32_t next_random(uint32_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 17;
    *seed ^= *seed << 5;
    return *seed;
}

/* A text of bytes that matter to some format. */
static weir_slice random_text(uint32_t *seed, char *to, size_t most)
{
    static const char bytes[] = "ab1 \t,;=:\"\"\\\\\n\r{}#'-+.\xef\xbb\xbf\xff\x01\x7f";
    weir_slice text = {to, next_random(seed) % (most + 1)};
    for (size_t i = 0; i < text.len; i++) {
        to[i] = bytes[next_random(seed) % (sizeof bytes - 1)];
    }
    return text;
}

TEST(what_is_written_is_read_back)
{
    uint32_t seed = 7;
    wr_fault_pause(true); /* what is read is compared; the stages are swept */
    size_t held[ROWS_FORMATS] = {0};
    for (int round = 0; round < 5000; round++) {
        char bytes[2 * ROW_MAX][8];
        weir_slice names[ROW_MAX], values[ROW_MAX];
        size_t count = next_random(&seed) % ROW_MAX + 1;
        for (size_t i = 0; i < count; i++) {
            bool simple = next_random(&seed) % 2 == 0; /* so that each format can hold some */
            names[i] = random_text(&seed, bytes[i] + 1, 6);
            bytes[i][0] = (char)('a' + i); /* no two are equal */
            names[i] = (weir_slice){bytes[i], simple ? 1 : names[i].len + 1};
            values[i] = random_text(&seed, bytes[ROW_MAX + i], 8);
        }
        const struct wr_row row = {.names = names, .values = values, .count = count};
        for (size_t i = 0; i < ROWS_FORMATS; i++) {
            int rc = rows_there_and_back(&rows_formats[i], &row);
            ck_assert_msg(rc >= 0, "%s, round %d", rows_formats[i].name, round);
            held[i] += rc == 1;
        }
    }
    for (size_t i = 0; i + 1 < ROWS_FORMATS; i++) { /* no row has the members of a metric */
        ck_assert_msg(held[i] > 250, "%s: %zu", rows_formats[i].name, held[i]);
    }
    wr_fault_pause(false);
}

TEST(samples_are_read_back)
{
    uint32_t seed = 5;
    wr_fault_pause(true);
    for (int round = 0; round < 2000; round++) {
        char bytes[2][8];
        const weir_slice names[] = {TEXT("name"), TEXT("a"), TEXT("b_1"), TEXT("value")};
        const weir_slice values[] = {TEXT("m:x"), random_text(&seed, bytes[0], 8),
                                     random_text(&seed, bytes[1], 8), TEXT("1")};
        const struct wr_row row = {.names = names, .values = values, .count = 4};
        ck_assert_int_eq(rows_there_and_back(&rows_formats[ROWS_FORMATS - 1], &row), 1);
    }
    wr_fault_pause(false);
}

TEST(the_elements_of_an_array_have_numbers)
{
    struct wr_json json;
    struct wr_fields fields = {0};
    struct wr_row row;
    static const char text[] = "[\"a\", 2, null]";
    wr_fault_pause(true);
    wr_json_init(&json);
    MUST(wr_json_index(&json, text, sizeof text - 1) == 0);
    MUST(wr_row_of_json(&fields, &json, &row) == 0);
    ck_assert_uint_eq(row.count, 3);
    ck_assert_mem_eq(row.names[2].data, "3", 1);
    ck_assert_uint_eq(row.kinds[0], WEIR_VALUE_STRING);
    ck_assert_uint_eq(row.kinds[1], WEIR_VALUE_NUMBER);
    ck_assert_uint_eq(row.kinds[2], WEIR_VALUE_NULL);
    wr_fields_fini(&fields);
    wr_json_fini(&json);
    wr_fault_pause(false);
}

TEST(more_members_than_a_record_may_have_are_rejected)
{
    static char text[8 * WR_FIELDS_MAX];
    struct wr_json json;
    struct wr_fields fields = {0};
    struct wr_row row;
    size_t len = 1;
    text[0] = '[';
    for (int i = 0; i <= WR_FIELDS_MAX; i++) {
        memcpy(text + len, "7,", 2);
        len += 2;
    }
    text[len - 1] = ']';
    wr_fault_pause(true);
    wr_json_init(&json);
    MUST(wr_json_index(&json, text, len) == 0);
    ck_assert_int_eq(wr_row_of_json(&fields, &json, &row), WEIR_EPARSE);
    ck_assert_str_eq(fields.problem, "more than 4096 fields");
    wr_fields_fini(&fields);
    wr_json_fini(&json);
    wr_fault_pause(false);
}

MAIN("codec/rows")
