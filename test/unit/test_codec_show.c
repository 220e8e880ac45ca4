/*
 * test_codec_show.c - JSON is indented and coloured as by jq, nothing reaches a terminal that it would
 * obey, and a format of letters is filled with the parts of an item.
 */
#include <stdlib.h>
#include <string.h>

#include "codec_fill.h"
#include "codec_show.h"
#include "support_check.h"

/* The text that `write` gives, into exactly as much room as it says that it needs. */
#define SHOW(call)                         \
    struct wr_out out = {NULL, 0, 0};      \
    call;                                  \
    size_t need = out.len;                 \
    char *shown = malloc(need + 1);        \
    out = (struct wr_out){shown, need, 0}; \
    call;                                  \
    ck_assert_uint_eq(out.len, need);      \
    shown[need] = '\0'

static void check_json(const char *text, struct wr_show how, const char *expected)
{
    struct wr_json json;
    wr_json_init(&json);
    ck_assert_int_eq(wr_json_index(&json, text, strlen(text)), 0);
    SHOW(wr_show_json(&out, &json, &how));
    ck_assert_str_eq(shown, expected);
    free(shown);
    wr_json_fini(&json);
}

TEST(json_is_compact_or_indented_by_two_spaces)
{
    static const char text[] = " {\"a\" : [1, {\"b\":null}, [], { }],\"c\\n\": 1.50} ";
    check_json(text, (struct wr_show){.pretty = false},
               "{\"a\":[1,{\"b\":null},[],{}],\"c\\n\":1.50}");
    check_json(text, (struct wr_show){.pretty = true},
               "{\n  \"a\": [\n    1,\n    {\n      \"b\": null\n    },\n    [],\n    {}\n  ],\n"
               "  \"c\\n\": 1.50\n}");
    check_json("[ ]", (struct wr_show){.pretty = true}, "[]");
    check_json(" \"x\" ", (struct wr_show){.pretty = true}, "\"x\"");
}

TEST(colours_tell_keys_strings_and_null)
{
    check_json("{\"k\":\"v\",\"n\":null}", (struct wr_show){.colour = true},
               "\x1b[1;39m{\x1b[0m\x1b[34;1m\"k\"\x1b[0m\x1b[1;39m:\x1b[0m\x1b[0;32m\"v\"\x1b[0m"
               "\x1b[1;39m,\x1b[0m\x1b[34;1m\"n\"\x1b[0m\x1b[1;39m:\x1b[0m\x1b[1;30mnull\x1b[0m"
               "\x1b[1;39m}\x1b[0m");
    check_json("[true,-1e5]", (struct wr_show){.colour = true},
               "\x1b[1;39m[\x1b[0mtrue\x1b[1;39m,\x1b[0m-1e5\x1b[1;39m]\x1b[0m");
}

TEST(json_for_a_terminal_has_escapes_and_stays_the_same_value)
{
    check_json("[\"\x7f\xc2\x9b\xe2\x80\xae \xc3\xa9\\u001b\"]", (struct wr_show){.harmless = true},
               "[\"\\u007f\\u009b\\u202e \xc3\xa9\\u001b\"]");
}

TEST(what_a_terminal_would_obey_is_escaped)
{
    static const struct {
        const char *bytes;
        size_t len;
        const char *expected;
    } texts[] = {
        {"plain \xc3\xa9\tx\ny", 12, "plain \xc3\xa9\tx\ny"},
        {"\x1b[2J\r\0\x07", 7, "\\x1b[2J\\x0d\\x00\\x07"},
        {"\x9b\xff\xc2\x9b", 4, "\\x9b\\xff\\u009b"},
        {"a\xe2\x80\xae\xe2\x81\xa6z", 8, "a\\u202e\\u2066z"},
        {"\xe2\x80\x8e\xe2\x80\x8f", 6, "\\u200e\\u200f"},
        {"cut \xe2\x80", 6, "cut \\xe2\\x80"},
        {"", 0, ""},
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct wr_text text = {texts[i].bytes, texts[i].len};
        SHOW(wr_show_text(&out, text));
        ck_assert_str_eq(shown, texts[i].expected);
        ck_assert_int_eq(wr_show_obeyed(text), i > 0 && texts[i].len > 0);
        free(shown);
    }
}

static void check_fill(const char *format, const char *expected)
{
    static const weir_slice names[] = {{"a", 1}, {"b", 1}}, values[] = {{"1", 1}, {"\x1b", 1}};
    struct wr_fill parts = {.text = {"text", 4},
                            .key = {"key", 3},
                            .origin = {"file(f)", 7},
                            .position = {"81", 2},
                            .names = names,
                            .values = values,
                            .fields_count = 2,
                            .number = 7,
                            .time_ms = 1714564800123,
                            .write = wr_show_text};
    ck_assert_ptr_null(wr_fill_mistake(format));
    SHOW(wr_fill(&out, format, &parts));
    ck_assert_str_eq(shown, expected);
    free(shown);
}

TEST(a_format_is_filled_with_the_parts_of_an_item)
{
    check_fill("%s %o %k\\n", "text 81 key\n");
    check_fill("%S %K %i|%h|%t|%n|%T|100%%", "4 3 |a=1,b=\\x1b|file(f)|7|1714564800123|100%");
    check_fill("\\x41\\t\\r\\\\%s", "A\t\r\\text");
    check_fill("", "");
}

TEST(a_wrong_format_is_told_at_its_place)
{
    static const char *const wrong[] = {"a %p", "%", "x\\q", "\\", "\\x4", "\\xg0", "%s %"};
    static const size_t at[] = {2, 0, 1, 0, 0, 0, 3};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        ck_assert_ptr_eq(wr_fill_mistake(wrong[i]), wrong[i] + at[i]);
    }
}

MAIN("codec/show")
