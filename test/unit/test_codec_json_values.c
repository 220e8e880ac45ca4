/*
 * test_codec_json_values.c - streams of JSON values, at every chunking: where values begin and end,
 * and where reading goes on after a mistake.
 */
#include "support_framer.h"
#include "support_jsonl.h"

#define INPUT(text) text, sizeof(text) - 1

static const struct framing json = {WEIR_FRAME_JSON, WEIR_LONG_SKIP, 1 << 20, 0, NULL};

TEST(one_value_on_each_line)
{
    frames_as(&json, INPUT("{\"a\":1}\n[2]\n\"x\"\n4\ntrue\r\n null \n"),
              "{\"a\":1}|[2]|\"x\"|4|true|null|");
    frames_as(&json, INPUT(""), "");
    frames_as(&json, INPUT(" \n\r\n\t"), "");
}

TEST(values_over_several_lines)
{
    frames_as(&json, INPUT("{\n  \"a\": [\n    1,\n    2\n  ]\n}\n{\n  \"b\": {}\n}\n[\n]\n"),
              "{\n  \"a\": [\n    1,\n    2\n  ]\n}|{\n  \"b\": {}\n}|[\n]|");
}

TEST(several_values_on_a_line)
{
    frames_as(&json, INPUT("1 2 {\"a\":1} [3]\t\"x\"\n{}{}[1][2]\"a\"\"b\"1{}null[]\n7"),
              "1|2|{\"a\":1}|[3]|\"x\"|{}|{}|[1]|[2]|\"a\"|\"b\"|1|{}|null|[]|7|");
    frames_as(&json, INPUT("{\"a\":\"}\\\"]\"}{\"b\":\"\\\\\"}"),
              "{\"a\":\"}\\\"]\"}|{\"b\":\"\\\\\"}|");
}

TEST(a_byte_order_mark_begins_no_value)
{
    frames_as(&json, INPUT("\xef\xbb\xbf{\"a\":1}\n2\n"), "{\"a\":1}|2|");
    frames_as(&json, INPUT("\xef\xbb\xbf"), "");
    frames_as(&json, INPUT("1\n\xef\xbb\xbf{}\n2\n"), "1|!\xef\xbb\xbf{}|2|");
}

TEST(after_a_mistake_the_next_line_is_read)
{
    frames_as(&json, INPUT("{\"a\":1}\n{\"a\" 2}\n{\"a\":3}\n"), "{\"a\":1}|!{\"a\" 2}|{\"a\":3}|");
    frames_as(&json, INPUT("{\"user\":\"bob\" \"type\":\"x\"} {\"b\":1}\r\n[1]\n"),
              "!{\"user\":\"bob\" \"type\":\"x\"} {\"b\":1}|[1]|");
    frames_as(&json, INPUT("tru\n1\n01 2\n3\n}\n4\n,5\n6\n"), "!tru|1|!01 2|3|!}|4|!,5|6|");
    frames_as(&json, INPUT("1,2\n3\n"), "1|!,2|3|");
    frames_as(&json, INPUT("{\"a\":1} rest\n2\n"), "{\"a\":1}|!rest|2|");
    frames_as(&json, INPUT("\"a\\x\" 1\n2\n"), "!\"a\\x\" 1|2|");
    frames_as(&json, INPUT("[\"\xff\"]\n2\n"), "![\"\xff\"]|2|");
    frames_as(&json, INPUT("\0\n2\n"), "!\0|2|");
    frames_as(&json, INPUT("1\n4\x1a\n2\n"), "1|!4\x1a|2|");
    frames_as(&json,
              INPUT("1\nnull\x0c"
                    "5\n2\n"),
              "1|!null\x0c"
              "5|2|");
}

TEST(what_was_never_closed_ends_where_it_cannot_go_on)
{
    frames_as(&json, INPUT("{\"a\":[1,2}\n{\"a\":3}\n"), "!{\"a\":[1,2}|{\"a\":3}|");
    frames_as(&json, INPUT("{\"a\":\"never closed}\n{\"a\":3}\n"),
              "!{\"a\":\"never closed}|{\"a\":3}|");
    frames_as(&json, INPUT("{\"a\":1\n{\"a\":2}\n{\"a\":3}\n"), "!{\"a\":1|{\"a\":2}|{\"a\":3}|");
    frames_as(&json, INPUT("{\"a\":[1,\r\n[2]\r\n[3]\r\n{\"b\":\n [4]\n [5]\n6\n"),
              "!{\"a\":[1,\r\n[2]|[3]|!{\"b\":\n [4]\n [5]|6|");
    frames_as(&json, INPUT("{\n\"a\": 1,\n}\n{\"a\":2}\n"), "!{\n\"a\": 1,\n}|{\"a\":2}|");
    frames_as(&json, INPUT("{\"a\":1}\n{\"b\":"), "{\"a\":1}|!{\"b\":|");
    frames_as(&json, INPUT("[1,\n2"), "![1,\n2|");
    frames_as(&json, INPUT("\"abc"), "!\"abc|");
    frames_as(&json, INPUT("\"abc\\"), "!\"abc\\|");
}

static const struct framing rows = {WEIR_FRAME_JSON, WEIR_LONG_SKIP, 1 << 20, 0, ".data.\"r s\""};

TEST(the_elements_of_an_array_are_given_one_by_one)
{
    frames_as(&rows,
              INPUT("\xef\xbb\xbf{\"meta\": {\"r s\": [1,{\"data\":2}], \"data\": \"]}\\\"\"},\n "
                    "\"data\": {"
                    "\"n\": -3, \"\\u0072 s\" : [ {\"a\": 1}, [2, 3] ,\"x]\",4,\n {\"b\":\n2} ]"
                    ", \"more\": [5]}, \"z\": null}"),
              "{\"a\": 1}|[2, 3]|\"x]\"|4|{\"b\":\n2}|");
    frames_as(&rows,
              INPUT("{\"data\":{\"r s\":[1]}} {\"data\":{\"r s\":[]}}\n"
                    "{\"data\":{\"r s\":[2,3],\"r s\":[4]}}"),
              "1|2|3|4|");
    frames_as(&rows, INPUT(" \n"), "");
    static const struct framing whole = {WEIR_FRAME_JSON, WEIR_LONG_SKIP, 1 << 20, 0, "."};
    frames_as(&whole, INPUT("[1,[2],{}]\n[] [\"a\"]"), "1|[2]|{}|\"a\"|");
}

TEST(an_element_that_is_not_valid_is_given_as_such)
{
    frames_as(&rows, INPUT("{\"data\":{\"r s\":[1, 01, tru, \"\\x\", [\"\xff\"], 5]}}"),
              "1|!01|!tru|!\"\\x\"|![\"\xff\"]|5|");
}

#define NONE "there is no array at .data.\"r s\": "
TEST(a_text_without_the_array_is_rejected)
{
    frames_as(&rows, INPUT("{\"data\":{\"r\":[1]}}"),
              "!{\"data\":{\"r\":[1]}}(" NONE ".data is an object without .\"r s\" at 16)|");
    frames_as(&rows, INPUT(" {}\n"), "!{}(" NONE "the text is an object without .data at 1)|");
    frames_as(&rows, INPUT("{\"data\":[1]}"), "!{\"data\":[1]}(" NONE ".data is an array at 8)|");
    frames_as(&rows, INPUT("{\"data\":{\"r s\":-7}, \"x\":{}}"),
              "!{\"data\":{\"r s\":-7}, \"x\":{}}(" NONE ".data.\"r s\" is a number at 15)|");
    frames_as(&rows, INPUT("[1]"), "![1](" NONE "the text is an array at 0)|");
    frames_as(&rows, INPUT("null"), "!null(" NONE "the text is null at 0)|");
    static const struct framing whole = {WEIR_FRAME_JSON, WEIR_LONG_SKIP, 1 << 20, 0, "."};
    frames_as(&whole, INPUT("{\"a\":[1]} [2]"),
              "!{\"a\":[1]}(there is no array at .: the text is an object at 0)|2|");
}

TEST(after_a_text_without_the_array_the_next_one_is_read)
{
    frames_as(&rows, INPUT("{\"data\":{\"r s\":[1]}}{}true {\"data\":{\"r s\":[2]}}"),
              "1|!{}(" NONE "the text is an object without .data at 1)|"
              "!true(" NONE "the text is a boolean at 0)|2|");
    frames_as(&rows, INPUT("{\"data\":null,\"data\":{\"r s\":[1]}}\n{\"data\":{\"r s\":[2]}}"),
              "!{\"data\":null,\"data\":{\"r s\":[1]}}(" NONE ".data is null at 8)|2|");
}

#define LEFT ": the rest of this text is not read at "
TEST(a_mistake_between_elements_rejects_the_rest_of_the_text)
{
    frames_as(&rows, INPUT("{\"data\":{\"r s\":[1,]}}"), "1|!]}}(invalid JSON" LEFT "0)|");
    frames_as(&rows, INPUT("{\"data\":{\"r s\":[1,{\"a\" 2},3]}}"),
              "1|!{\"a\" 2},3]}}(invalid JSON" LEFT "5)|");
    frames_as(&rows, INPUT("{\"x\":[1}"), "!{\"x\":[1}(invalid JSON" LEFT "7)|");
    frames_as(&rows, INPUT("{\"data\":{\"r s\":[1 2]}}"),
              "1|! 2]}}(expected ',' or ']' after an element" LEFT "1)|");
    frames_as(&rows, INPUT("{\"data\" {}"), "!{\"data\" {}(expected ':' after a key" LEFT "8)|");
    frames_as(&rows, INPUT("{\"x\":1 \"data\":2}"),
              "!{\"x\":1 \"data\":2}(expected ',' or '}' after a member" LEFT "7)|");
    frames_as(&rows, INPUT("{x"), "!{x(expected a key in double quotes" LEFT "1)|");
    frames_as(&rows, INPUT("{\"\\x\":1}"),
              "!{\"\\x\":1}(a key is not a valid JSON string" LEFT "1)|");
    frames_as(&rows, INPUT("{\"a\nb\":1}"), "!{\"a\nb\":1}(invalid JSON in a key" LEFT "3)|");
    frames_as(&rows, INPUT("{\"data\":}"), "!{\"data\":}(expected a JSON value" LEFT "8)|");
    frames_as(&rows, INPUT(",1"), "!,1(expected a JSON value" LEFT "0)|");
    static const struct framing small = {WEIR_FRAME_JSON, WEIR_LONG_SKIP, 8, 0, ".a"};
    frames_as(&small, INPUT("{\"12345678\":1}"),
              "!{\"12345678\":1}(a key is longer than the limit of an element" LEFT "1)|");
}

TEST(after_a_mistake_a_text_begins_in_the_first_column)
{
    frames_as(&rows, INPUT("{\"data\":{\"r s\":[1,2\n{\"data\":{\"r s\":[3]}}\n"),
              "1|2|!(expected ',' or ']' after an element" LEFT "0)|3|");
    frames_as(
        &rows,
        INPUT("{\"x\": [1 2],\n  \"data\": {\n    \"r s\": [\n      {\"data\":1}]}}\r\n"
              "{\"data\":{\"r s\":[3]}}\n"),
        "!{\"x\": [1 2],\n  \"data\": {\n    \"r s\": [\n      {\"data\":1}]}}(invalid JSON" LEFT
        "9)|3|");
    frames_as(&rows, INPUT("{\"data\":7,,\n[1]\n7\n{\"data\":{\"r s\":[3]}}\n"),
              "!{\"data\":7,,\n[1]\n7(" NONE ".data is a number at 8)|3|");
    static const struct framing whole = {WEIR_FRAME_JSON, WEIR_LONG_SKIP, 1 << 20, 0, "."};
    frames_as(&whole, INPUT("[1,\n 2 3\n]\n{}\n[4]"),
              "1|2|! 3\n]\n{}(expected ',' or ']' after an element" LEFT "1)|4|");
}

/* A rejection shows the first 4096 bytes of a text, or of what follows a mistake behind them. */
TEST(a_long_text_that_is_rejected_is_cut)
{
    static const struct {
        int before, behind;
        size_t shown;
        bool cut;
    } cases[] = {{4079, 1, 4095, false},  {4080, 1, 4096, true}, {10, 9000, 4096, true},
                 {4088, 1, 4096, true},   {4089, 1, 8, false},   {9000, 1, 8, false},
                 {9000, 5000, 4096, true}};
    static const size_t steps[] = {SIZE_MAX, 1, 97, 4095};
    char text[20000];
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int len = sprintf(text, "{\"a\":\"%0*d\",,\"b\": %0*d}\n{\"data\":{\"r s\":[1]}}",
                          cases[i].before, 0, cases[i].behind, 0);
        for (size_t s = 0; s < sizeof steps / sizeof *steps; s++) {
            struct framed got =
                frame_input(&rows, text, (size_t)len, (struct cut){steps[s], steps[s], 1, 0});
            const char *why = strstr(got.text, "(expected a key");
            ck_assert_ptr_nonnull(why);
            ck_assert_uint_eq((size_t)(why - got.text) - 1, cases[i].shown);
            ck_assert_int_eq(strstr(why, ")~|1|") != NULL, cases[i].cut);
            ck_assert_int_eq(strstr(why, ")|1|") != NULL, !cases[i].cut);
            free(got.text);
        }
    }
}

#define ENDS "<25 the input ends inside a JSON text>"
TEST(an_end_inside_a_text_is_a_failure)
{
    frames_as(&rows, INPUT("{\"data\":{\"r s\":[1, 2"), "1|2|" ENDS);
    frames_as(&rows, INPUT("{\"data\":{\"r s\":[1, [2"), "1|" ENDS);
    frames_as(&rows, INPUT("{\"data\":{\"r s\":[1]}"), "1|" ENDS);
    frames_as(&rows, INPUT("{\"da"), ENDS);
    frames_as(&rows, INPUT("{\"x\":\"da"), ENDS);
    frames_as(&rows, INPUT("{\"data\":7, \"x\":[1"),
              "!{\"data\":7, \"x\":[1(" NONE ".data is a number at 8)|");
}

TEST(an_element_over_the_limit_is_skipped_or_a_failure)
{
    static const char input[] =
        "{\"x\":\"as long as it is\",\"a\":[1,\"12345678\",[2],[1,2,3,4,5,6]]}";
    static const struct framing skips = {WEIR_FRAME_JSON, WEIR_LONG_SKIP, 8, 0, ".a"};
    static const struct framing fails = {WEIR_FRAME_JSON, WEIR_LONG_FAILS, 8, 0, ".a"};
    struct wr_framer at = frames_as(&skips, INPUT(input), "1|[2]|");
    ck_assert_uint_eq(at.overlong_count, 2);
    ck_assert_uint_eq(at.overlong_bytes, 10 + 13);
    frames_as(&fails, INPUT(input), "1|<40>");
}

TEST(a_path_is_names)
{
    static const char *const wrong[] = {"",    "a",    ".a[0]", ".[]",     "..",
                                        ".a.", ".\"a", ".a b",  ".a | .b", ".\"\\x\""};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct wr_json_items *items;
        ck_assert_msg(wr_json_items_new(wrong[i], &items) == WEIR_EINVAL, "%s", wrong[i]);
        ck_assert_ptr_null(items);
    }
}

/* The text of a case alone: valid as one value, or a mistake somewhere. */
TEST(the_cases_of_the_json_test_suite_are_cut)
{
    struct jsonl *cases = jsonl_load("json.jsonl");
    for (const struct jsonl *c = cases; c != NULL; c = c->next) {
        size_t len;
        char *text = jsonl_base64(c, "data", &len);
        if (strcmp(jsonl_text(c, "verdict"), "accept") == 0 && len < 3000) {
            struct framed got = frame_every_way(&json, text, len);
            ck_assert_msg(got.count == 1 && got.text[0] != '!', "%s", jsonl_text(c, "id"));
            free(got.text);
        } else if (len < 3000) {
            free(frame_every_way(&json, text, len).text);
        }
        free(text);
    }
    jsonl_free(cases);
}

TEST(brackets_nest_up_to_a_limit)
{
    char text[3000];
    size_t len = 0;
    memset(text, '[', 1025);
    memset(text + 1025, ']', 1025);
    memcpy(text + 2050, "\n1\n", 3);
    struct framed got = frame_input(&json, text, 2053, (struct cut){SIZE_MAX, SIZE_MAX, 64, 0});
    ck_assert_str_eq(got.text + got.text_len - 3, "|1|");
    ck_assert_int_eq(got.text[0], '!');
    free(got.text);
    len = 1024;
    got = frame_input(&json, text + 1, 2 * len, (struct cut){7, 7, 64, 0});
    ck_assert_uint_eq(got.count, 1);
    ck_assert_int_eq(got.text[0], '[');
    free(got.text);
}

TEST(a_value_over_the_limit_is_skipped_to_its_end)
{
    static const struct framing small = {WEIR_FRAME_JSON, WEIR_LONG_SKIP, 8, 0, NULL};
    struct wr_framer at =
        frames_as(&small, INPUT("[1]\n{\"a\":\n  [1,2]}[4] \"12345678\"[5]\n"), "[1]|[4]|[5]|");
    ck_assert_uint_eq(at.overlong_count, 2);
    ck_assert_uint_eq(at.overlong_start, 22);
    ck_assert_uint_eq(at.overlong_bytes, 14 + 10);
    frames_as(&small, INPUT("[\"1234\"]\n[12345678\n2]\n1\n"), "[\"1234\"]|1|");
    frames_as(&small, INPUT("{\"a\":123\n[1]\n{\"a\":1\n[2]\n"), "[1]|!{\"a\":1|[2]|");
    frames_as(&small, INPUT("tru and more on this line\n[1]\n"), "[1]|");
    frames_as(&small, INPUT("[1]\n{\"abcdefg"), "[1]|");
    frames_as(&small, INPUT("123456789"), "");
}

TEST(a_value_over_the_limit_is_a_failure_by_policy)
{
    static const struct framing small = {WEIR_FRAME_JSON, WEIR_LONG_FAILS, 8, 0, NULL};
    struct wr_framer at =
        frames_as(&small, INPUT("[1] [2]\n{\"a\":123456}\n[3]\n"), "[1]|[2]|<40>");
    ck_assert_uint_eq(at.overlong_start, 8);
}

TEST(whole_values_at_the_begin_of_a_window_are_known)
{
    static const struct {
        const char *data;
        size_t whole;
    } cases[] = {{"1 2", 2}, {"{}\n[1] {\"a\":", 7}, {"{\n}\n", 4},
                 {"tru", 0}, {"tru\n[", 4},          {"\"123456789 ", 11}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct wr_framer framer;
        ck_assert_int_eq(wr_framer_init(&framer, WEIR_FRAME_JSON, 8, WEIR_LONG_SKIP, 0, 0), 0);
        size_t len = strlen(cases[i].data);
        ck_assert_uint_eq(framer.ops->whole(&framer, cases[i].data, len, true), cases[i].whole);
        ck_assert_uint_eq(framer.ops->whole(&framer, cases[i].data, len, false), cases[i].whole);
        wr_framer_fini(&framer);
    }
}

/* Some 40 KB of values of all kinds, more than are looked at at once. */
static char *many_values(size_t *len)
{
    static const char *const kinds[] = {"{\"n\":1,\"s\":\"abc\"}\n",
                                        "[1,2] {\"a\":{}}\n",
                                        "{\n \"a\": [1,\n  2]\n}\n",
                                        "17\r\n",
                                        "{\"a\":1\n",
                                        "\"\\u00e9\\\"\"  \n",
                                        "\n",
                                        "nul\n",
                                        "{\"a\":\"b\\\\\"} rest\n",
                                        "{\"a\":\"open\n",
                                        "[\"\xff\"]\n",
                                        "[[[]]]\n{}{}\n"};
    char *text;
    FILE *to = open_memstream(&text, len);
    uint32_t seed = 5;
    for (size_t i = 0; i < 4000; i++) {
        seed = seed * 1664525 + 1013904223;
        /* The last two are refused for all that is looked at with them. */
        fputs(kinds[i == 100 ? 9 : i == 200 ? 10 : (seed >> 16) % 9], to);
    }
    fprintf(to, "[%0*d]\n{\"last\":1}", 20000, 1);
    fclose(to);
    return text;
}

TEST(long_streams_are_cut_the_same_at_every_chunking)
{
    static const size_t steps[] = {97, 1009, 20011};
    size_t len;
    char *text = many_values(&len);
    struct framed want = frame_input(&json, text, len, (struct cut){SIZE_MAX, SIZE_MAX, 64, 0});
    for (size_t i = 0; i < 3 && !wr_test_sweeps(); i++) {
        struct framed got = frame_input(&json, text, len, (struct cut){steps[i], steps[i], 3, 0});
        same_framed(&want, &got);
        free(got.text);
    }
    free(want.text);
    free(text);
}

/* Values are the same however many are asked for, and a second reader need not parse them. */
TEST(values_of_a_stream_are_shared_with_another_reader)
{
    static const size_t maxes[] = {1, 3, 64};
    size_t len;
    char *text = many_values(&len);
    struct framed want = frame_input(&json, text, len, (struct cut){97, 97, 1, 0});
    for (size_t m = 0; m < 3 && !wr_test_sweeps(); m++) {
        struct wr_framer framer;
        struct wr_json reader;
        struct wr_json alone;
        struct wr_frame frames[64];
        size_t count = 0;
        size_t shared = 0;
        size_t at = 0;
        size_t used;
        long n;
        ck_assert_int_eq(wr_framer_init(&framer, WEIR_FRAME_JSON, 1 << 20, WEIR_LONG_SKIP, 0, 0),
                         0);
        wr_json_init(&reader);
        wr_json_init(&alone);
        while ((n = framer.ops->split(&framer, text + at, len - at, true, frames, maxes[m],
                                      &used)) > 0) {
            for (long i = 0; i < n; i++) {
                struct wr_frame *f = &frames[i];
                bool shares = wr_json_share(&reader, wr_json_values_of(&framer), f->data, f->len);
                ck_assert(!shares || (f->flags & WR_FRAME_BAD) == 0);
                if (shares) {
                    ck_assert_int_eq(wr_json_index(&alone, f->data, f->len), 0);
                    ck_assert_uint_eq(reader.count, alone.count);
                    ck_assert_ptr_eq(wr_json_text(&reader, WR_JSON_ROOT).data, f->data);
                }
                shared += shares;
            }
            wr_json_values_forget(&framer);
            count += (size_t)n;
            at += used;
        }
        ck_assert_uint_eq(count, want.count);
        ck_assert_uint_gt(shared, count / 4);
        wr_json_fini(&reader);
        wr_json_fini(&alone);
        wr_framer_fini(&framer);
    }
    free(want.text);
    free(text);
}

/* Cut `input` with a restart at the offset `cut`, where a reconnect goes on. */
TEST(reading_goes_on_after_a_restart)
{
    static const char input[] = "{\"a\":\n1} [\"dropped as too long\"] [2]";
    size_t len = sizeof input - 1;
    for (size_t cut = 0; cut <= len; cut++) {
        struct wr_framer framer;
        struct wr_frame frames[8];
        size_t used;
        ck_assert_int_eq(wr_framer_init(&framer, WEIR_FRAME_JSON, 8, WEIR_LONG_SKIP, 0, 0), 0);
        long n = framer.ops->split(&framer, input, cut, false, frames, 8, &used);
        ck_assert_int_ge(n, 0);
        wr_framer_restart(&framer, used, true);
        size_t more;
        n += framer.ops->split(&framer, input + used, len - used, true, frames + n, 8, &more);
        ck_assert_int_eq(n, 2);
        ck_assert_uint_eq(frames[0].end, 8);
        ck_assert_uint_eq(frames[1].end, len);
        ck_assert_uint_eq(used + more, len);
        wr_framer_fini(&framer);
    }
}

TEST(memory_that_is_missing_loses_nothing)
{
    static const char *const inputs[] = {"{\"a\":1}\n", "{\n}", "tru\n"};
    if (wr_test_sweeps()) {
        return;
    }
    for (size_t i = 0; i < 3; i++) {
        for (uint64_t k = 1; k <= 6; k++) {
            struct wr_framer framer;
            struct wr_frame frame;
            size_t used;
            bool all = k % 2 == 0; /* a single failure may have no effect: there is another way */
            ck_assert_int_eq(wr_framer_init(&framer, WEIR_FRAME_JSON, 8, WEIR_LONG_SKIP, 0, 0), 0);
            wr_fault_set((k + 1) / 2, all);
            long n =
                framer.ops->split(&framer, inputs[i], strlen(inputs[i]), true, &frame, 1, &used);
            ck_assert(n == WEIR_ENOMEM || (n == 1 && (!all || k > 2)));
            wr_fault_set(0, false);
            if (n < 0) {
                n = framer.ops->split(&framer, inputs[i] + used, strlen(inputs[i]) - used, true,
                                      &frame, 1, &used);
            }
            ck_assert_int_eq(n, 1);
            ck_assert_uint_eq(frame.len, strlen(inputs[i]) - (inputs[i][frame.len] == '\n'));
            wr_framer_fini(&framer);
        }
    }
}

MAIN("codec/json_values")
