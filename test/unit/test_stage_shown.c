/*
 * test_stage_shown.c - items as texts for people: raw strings, indentation, envelopes, formats; items
 * that need no change pass as they came.
 */
#include <stdlib.h>

#include "support_flow.h"
#include "support_stage.h"

#define TEXT(text)            \
    {                         \
        text, sizeof text - 1 \
    }

/* JSON values, then the end. */
WEIR_SOURCE(values, weir_slice)
{
    for (int i = 0; i < 2; i++) {
        weir_item item = weir_bytes(args->data, args->len);
        item.type = &weir_json_type;
        if (!weir_yield(self, &item)) {
            break;
        }
    }
    return 0;
}

WEIR_SOURCE(lines, weir_slice)
{
    weir_item item = weir_bytes(args->data, args->len);
    item.flags = WEIR_ITEM_CRLF;
    (void)!weir_yield(self, &item);
    return 0;
}

WEIR_SOURCE(events, weir_event)
{
    weir_item item = weir_event_item(args);
    (void)!weir_yield(self, &item);
    return 0;
}

/* The first item behind weir_shown, and its flags. */
static void check(weir_loop *loop, weir_gen *up, const weir_show_options *options,
                  const char *expected, uint32_t flags)
{
    weir_item item;
    weir_gen *gen = weir_shown(up, options);
    ck_assert(weir_next(gen, &item));
    ck_assert_msg(item.len == strlen(expected) && memcmp(item.data, expected, item.len) == 0,
                  "%.*s instead of %s", (int)item.len, item.data, expected);
    ck_assert_uint_eq(item.flags, flags);
    while (weir_next(gen, &item)) {}
    ck_assert_int_eq(weir_finish(gen, NULL), 0);
    weir_loop_free(loop);
}

static void check_value(weir_slice text, const weir_show_options *options, const char *expected)
{
    weir_loop *loop = test_loop();
    check(loop, values(weir_root(loop), text), options, expected, 0);
}

#define HOW(...) WEIR_OPTIONS(weir_show_options, __VA_ARGS__)

TEST(of_json_strings_the_text_is_given)
{
    check_value((weir_slice)TEXT("\"a\\n\\u00e9\""), HOW(.raw = 1), "a\n\xc3\xa9");
    check_value((weir_slice)TEXT("\"plain\""), HOW(.raw = 1), "plain");
    check_value((weir_slice)TEXT("\"\""), HOW(.raw = 1), "");
    check_value((weir_slice)TEXT("{\"a\": 1}"), HOW(.raw = 1), "{\"a\": 1}");
    check_value((weir_slice)TEXT("[\"a\"]"), HOW(.raw = 1, .pretty = 1), "[\n  \"a\"\n]");
    check_value((weir_slice)TEXT("\"a\\u001b\""), HOW(.raw = 1, .harmless = 1), "a\\x1b");
}

TEST(what_is_not_json_passes_as_it_came)
{
    static const weir_slice text = TEXT("{\"a\": ");
    check_value(text, HOW(.pretty = 1, .raw = 1), "{\"a\": ");
    weir_loop *loop = test_loop();
    check(loop, lines(weir_root(loop), text), HOW(.pretty = 1), "{\"a\": ", WEIR_ITEM_CRLF);
    loop = test_loop();
    check(loop, lines(weir_root(loop), (weir_slice)TEXT("a\x1b[2J")), HOW(.harmless = 1),
          "a\\x1b[2J", WEIR_ITEM_CRLF);
}

TEST(an_envelope_has_what_came_with_an_item)
{
    static const weir_slice names[] = {TEXT("event"), TEXT("n")};
    static const weir_slice fields[] = {TEXT("login"), TEXT("5")};
    static const uint8_t kinds[] = {WEIR_VALUE_STRING, WEIR_VALUE_NUMBER};
    weir_event event = {.body = TEXT("{\"n\": [5]}"),
                        .body_type = &weir_json_type,
                        .names = names,
                        .values = fields,
                        .kinds = kinds,
                        .fields_count = 2,
                        .key = TEXT("k"),
                        .id = TEXT("7")};
    weir_loop *loop = test_loop();
    weir_item item;
    weir_gen *gen = weir_shown(events(weir_root(loop), event), HOW(.envelope = 1));
    ck_assert(weir_next(gen, &item));
    char text[500];
    snprintf(text, sizeof text, "%.*s", (int)item.len, item.data);
    ck_assert_ptr_nonnull(strstr(text, "\"number\":1,\"position\":null,\"time\":\""));
    ck_assert_str_eq(
        strstr(text, ",\"key\""),
        ",\"key\":\"k\",\"id\":\"7\",\"fields\":{\"event\":\"login\",\"n\":5},\"body\":"
        "{\"n\":[5]}}");
    weir_discard(gen);
    weir_loop_free(loop);

    loop = test_loop();
    gen = weir_shown(lines(weir_root(loop), (weir_slice)TEXT("\xff")),
                     HOW(.envelope = 1, .pretty = 1));
    ck_assert(weir_next(gen, &item));
    ck_assert_uint_eq(item.flags,
                      0); /* its line ends as any other, whatever that of the item was */
    snprintf(text, sizeof text, "%.*s", (int)item.len, item.data);
    ck_assert_ptr_nonnull(strstr(text, "\n  \"body64\": \"/w==\"\n}"));
    weir_discard(gen);
    weir_loop_free(loop);
}

TEST(a_format_ends_no_line)
{
    weir_loop *loop = test_loop();
    check(loop, lines(weir_root(loop), (weir_slice)TEXT("abc")), HOW(.format = "%n %s %S\\n"),
          "1 abc 3\n", WEIR_ITEM_BYTES);
}

TEST(a_batch_is_a_line_for_each_part)
{
    weir_loop *loop = test_loop();
    weir_batch_options two = {.struct_size = sizeof two, .items_max = 2};
    check(loop, weir_batch(values(weir_root(loop), (weir_slice)TEXT("\"a\"")), &two), HOW(.raw = 1),
          "a\na", 0);
}

/* Pieces of one text, cut at every place, and what follows the last one. */
struct cut {
    size_t at;
    uint32_t flags; /* of the pieces but the last, and of all if it is BYTES */
};
static const char euro[] = "a\xe2\x82\xac\xf0\x9f\x98\x80\x1b!";
WEIR_SOURCE(cut_text, struct cut)
{
    bool bytes = args->flags == (uint32_t)WEIR_ITEM_BYTES;
    for (size_t from = 0; from < sizeof euro - 1; from += args->at) {
        size_t left = sizeof euro - 1 - from;
        weir_item item = weir_bytes(euro + from, left < args->at ? left : args->at);
        item.flags = bytes || left > args->at ? args->flags : 0;
        if (!weir_yield(self, &item)) {
            break;
        }
    }
    return 0;
}

TEST(a_character_that_is_cut_between_two_pieces_is_one_character)
{
    const uint32_t flags[] = {(uint32_t)WEIR_ITEM_PART, (uint32_t)WEIR_ITEM_BYTES};
    for (size_t i = 0; i < 2 * (sizeof euro - 1); i++) {
        char got[100];
        size_t len = 0;
        weir_item item;
        weir_loop *loop = test_loop();
        weir_gen *gen = cut_text(weir_root(loop), (struct cut){i / 2 + 1, flags[i % 2]});
        gen = weir_shown(gen, WEIR_OPTIONS(weir_show_options, .harmless = 1));
        while (weir_next(gen, &item)) {
            ck_assert_uint_lt(len + item.len, sizeof got);
            memcpy(got + len, item.data, item.len);
            len += item.len;
        }
        got[len] = '\0';
        ck_assert_int_eq(weir_finish(gen, NULL), 0);
        ck_assert_str_eq(got, "a\xe2\x82\xac\xf0\x9f\x98\x80\\x1b!");
        weir_loop_free(loop);
    }
}

WEIR_SOURCE(ended_bytes, const char *)
{
    weir_item item = weir_bytes(*args, strlen(*args));
    item.flags = WEIR_ITEM_BYTES;
    (void)!weir_yield(self, &item);
    return 0;
}

/* The end of the input completes no character. */
static void check_end(const char *text, const char *expected)
{
    char got[100];
    size_t len = 0;
    weir_item item;
    weir_loop *loop = test_loop();
    weir_gen *gen = ended_bytes(weir_root(loop), text);
    gen = weir_shown(gen, WEIR_OPTIONS(weir_show_options, .harmless = 1));
    while (weir_next(gen, &item)) {
        ck_assert_uint_lt(len + item.len, sizeof got);
        memcpy(got + len, item.data, item.len);
        len += item.len;
    }
    got[len] = '\0';
    ck_assert_int_eq(weir_finish(gen, NULL), 0);
    ck_assert_str_eq(got, expected);
    weir_loop_free(loop);
}

TEST(a_character_that_the_end_cuts_is_escaped)
{
    check_end("x\xf0\x9f\x98", "x\\xf0\\x9f\\x98");
    check_end("\xe2", "\\xe2");
    check_end("\xe2z", "\\xe2z");
}

TEST(wrong_options_are_a_failure)
{
    static const weir_show_options wrong[] = {
        {.struct_size = sizeof(weir_show_options), .format = "%p"},
        {.struct_size = sizeof(weir_show_options), .format = "%s", .pretty = 1},
        {.struct_size = sizeof(weir_show_options), .envelope = 1, .raw = 1},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        weir_loop *loop = test_loop();
        weir_item item;
        weir_error error;
        weir_gen *gen = weir_shown(values(weir_root(loop), (weir_slice)TEXT("1")), &wrong[i]);
        ck_assert(!weir_next(gen, &item));
        (void)!weir_finish(gen, &error);
        ck_assert_int_eq(error.code, WEIR_EINVAL);
        weir_loop_free(loop);
    }
}

MAIN("stage/shown")
