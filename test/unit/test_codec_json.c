/*
 * test_codec_json.c - JSON texts: what is valid, where an error lies, and what is found in place.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include <weir/error.h>

#include "base_fault.h"
#include "codec_json.h"
#include "support_check.h"
#include "support_json.h"
#include "support_jsonl.h"

static struct wr_json json;

static int index_of(const char *text)
{
    return wr_json_index(&json, text, strlen(text));
}

static void indexes(const char *text)
{
    ck_assert_msg(index_of(text) == 0, "%s: %s", text, json.error);
}

/* The verdict is the reference's, and an error has a place. */
static void agrees(const char *text, size_t len)
{
    int code = wr_json_index(&json, text, len);
    ck_assert_int_ne(code, WEIR_ENOMEM);
    ck_assert_msg((code == 0) == json_valid(text, len), "%.*s: %s", (int)len, text,
                  code == 0 ? "accepted" : json.error);
    if (code != 0) {
        ck_assert_int_eq(code, WEIR_EPARSE);
        ck_assert_ptr_nonnull(json.error);
        ck_assert_uint_le(json.error_at, len);
    }
}

static const char *const samples[] = {
    "{\"ts\":\"2026-03-01T12:00:00Z\",\"user\":{\"name\":\"a\\\"b\",\"id\":-12.5e+3},\"ok\":true}",
    "[1, 20, 300, 4000, 12345678, 123456789, 0, -0, 0.0, 1e5, null, false, [], {}, [[{}]]]",
    " { \"a\\u00e9\\ud83d\\ude00\" : [ \"\" , \"\\\\\" , \"\xc3\xa9\xf0\x9f\x98\x80\" ] } \r\n\t",
    "\"only a string\"",
    "-0.25E-7",
};
enum { SAMPLES = sizeof samples / sizeof samples[0] };

/* What JSONTestSuite leaves open and weir accepts: numbers of any size, escaped surrogates without
 * their other half, 500 brackets. It rejects what is not UTF-8, and a byte order mark. */
static bool accepts_free_case(const char *id)
{
    static const char *const accepted[] = {"i_number_",
                                           "i_object_key_lone_2nd_surrogate",
                                           "i_string_1st_",
                                           "i_string_incomplete_surrogate",
                                           "i_string_invalid_lonely_surrogate",
                                           "i_string_invalid_surrogate",
                                           "i_string_inverted_surrogates",
                                           "i_string_lone_second_surrogate",
                                           "i_structure_500_nested_arrays"};
    for (size_t i = 0; i < sizeof accepted / sizeof accepted[0]; i++) {
        if (strstr(id, accepted[i]) != NULL) {
            return true;
        }
    }
    return false;
}

TEST(the_cases_of_the_json_test_suite_are_judged_as_it_says)
{
    struct jsonl *cases = jsonl_load("json.jsonl");
    size_t count = 0, free_cases = 0;
    for (const struct jsonl *c = cases; c != NULL; c = c->next, count++) {
        size_t len;
        char *text = jsonl_base64(c, "data", &len);
        const char *verdict = jsonl_text(c, "verdict");
        const char *id = jsonl_text(c, "id");
        bool either = strcmp(verdict, "either") == 0;
        bool valid = wr_json_index(&json, text, len) == 0;
        ck_assert_msg(valid == (either ? accepts_free_case(id) : strcmp(verdict, "accept") == 0),
                      "%s: %s", id, valid ? "accepted" : json.error);
        free_cases += either;
        free(text);
    }
    ck_assert_uint_eq(count, 317);
    ck_assert_uint_eq(free_cases, 35);
    jsonl_free(cases);
    wr_json_fini(&json);
}

TEST(every_truncation_and_every_changed_byte_is_judged_right)
{
    static const char bytes[] = "\"\\{}[]:,0129-+.eEtfnu \n\x01\x00\x0c\x1a\x7f\x80\xc3\xff/";
    for (size_t s = 0; s < SAMPLES; s++) {
        size_t len = strlen(samples[s]);
        char *copy = malloc(len);
        for (size_t cut = 0; cut <= len; cut++) {
            memcpy(copy, samples[s], cut);
            agrees(copy, cut);
        }
        for (size_t at = 0; at < len && !wr_test_sweeps(); at++) {
            for (size_t b = 0; b < sizeof bytes; b++) {
                copy[at] = bytes[b];
                agrees(copy, len);
            }
            copy[at] = samples[s][at];
        }
        free(copy);
    }
    wr_json_fini(&json);
}

TEST(short_texts_of_all_kinds_are_judged_right)
{
    static const char bytes[] = "\"\\{}[]:,01-.e u";
    enum { KINDS = sizeof bytes - 1, LEN = 4 };
    char text[LEN];
    size_t all = 1;
    for (size_t len = 1; len <= (wr_test_sweeps() ? 1u : LEN); len++) {
        all *= KINDS;
        for (size_t n = 0; n < all; n++) {
            size_t rest = n;
            for (size_t i = 0; i < len; i++, rest /= KINDS) {
                text[i] = bytes[rest % KINDS];
            }
            agrees(text, len);
        }
    }
    wr_json_fini(&json);
}

TEST(a_text_may_lie_anywhere_in_the_blocks_of_the_first_pass)
{
    for (size_t s = 0; s < SAMPLES; s++) {
        size_t len = strlen(samples[s]);
        indexes(samples[s]);
        uint32_t count = json.count;
        uint32_t first = json.at[0];
        for (size_t pad = 0; pad <= 130; pad++) {
            char *text = malloc(pad + len);
            memset(text, ' ', pad);
            memcpy(text + pad, samples[s], len);
            ck_assert_int_eq(wr_json_index(&json, text, pad + len), 0);
            ck_assert_uint_eq(json.count, count);
            ck_assert_uint_eq(json.at[0], first + pad);
            free(text);
        }
    }
    wr_json_fini(&json);
}

/* A second reader finds the lines that are JSON as the first one does. */
static void check_shared(struct wr_json *window, const char *text, size_t len)
{
    struct wr_json reader;
    wr_json_init(&reader);
    for (const char *line = text; line <= text + len;) {
        size_t line_len = (size_t)(strchrnul(line, '\n') - line);
        int code = wr_json_index(&json, line, line_len);
        ck_assert(!wr_json_share(&reader, window, line, line_len + 1));
        bool shares = wr_json_share(&reader, window, line, line_len);
        ck_assert(!shares || code == 0);
        if (shares) {
            struct wr_text a = wr_json_text(&reader, WR_JSON_ROOT);
            struct wr_text b = wr_json_text(&json, WR_JSON_ROOT);
            ck_assert_uint_eq(reader.count, json.count);
            ck_assert(a.data == b.data && a.len == b.len);
        }
        line += line_len + 1;
    }
    ck_assert_uint_eq(window->kept_next, window->kept_count);
    ck_assert(!wr_json_share(&reader, window, text, len));
}

/* Lines in a window, one after the other, are what each is by itself. */
static void check_window(const char *text)
{
    static struct wr_json window;
    size_t len = strlen(text);
    wr_json_forget(&window);
    window.keeps = true;
    ck_assert(wr_json_ahead(&window, text, len));
    for (const char *line = text; line <= text + len;) {
        const char *end = strchrnul(line, '\n');
        size_t line_len = (size_t)(end - line);
        int code = wr_json_index(&json, line, line_len);
        ck_assert_msg(wr_json_index_next(&window, line, line_len) == code, "%s: %s", text, line);
        if (code == 0) {
            ck_assert_uint_eq(window.count, json.count);
            ck_assert_ptr_eq(window.text + window.at[0], json.text + json.at[0]);
            struct wr_text a = wr_json_text(&window, WR_JSON_ROOT);
            struct wr_text b = wr_json_text(&json, WR_JSON_ROOT);
            ck_assert(a.data == b.data && a.len == b.len);
        } else {
            ck_assert_uint_eq(window.error_at, json.error_at);
            ck_assert_str_eq(window.error, json.error);
        }
        line = end + 1;
    }
    check_shared(&window, text, len);
}

TEST(texts_in_a_window_are_indexed_as_each_alone)
{
    static const char *const lines[] = {
        "{\"a\":[1,{\"b\":\"x\\\"y\"}]}",
        "17",
        " [ ] ",
        "",
        "\"s\"",
        "{\"a\":",
        "1}",
        "]",
        "[1,",
        "2]",
        "nul",
        "true",
        "{} {}",
        "\"\\q\"",
        "-1.5e3",
        "[\"\\u00e9\"]",
    };
    enum { LINES = sizeof lines / sizeof *lines };
    char text[200];
    for (size_t i = 0; i < (size_t)LINES * LINES * LINES; i++) {
        snprintf(text, sizeof text, "%s\n%s\n%s", lines[i % LINES], lines[i / LINES % LINES],
                 lines[i / LINES / LINES]);
        if (strspn(text, " \n") < strlen(text)) {
            check_window(text);
        }
    }
}

TEST(a_window_is_refused_when_a_string_does_not_end_in_its_line)
{
    static const char open_string[] = "[\"a\n\"]";
    static const char not_utf8[] = "[1]\n\"\xff\"\n";
    ck_assert(!wr_json_ahead(&json, open_string, sizeof open_string - 1));
    ck_assert(!wr_json_ahead(&json, not_utf8, sizeof not_utf8 - 1));
    indexes("[1]");
}

TEST(no_byte_outside_the_text_is_read)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    char *pages = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    ck_assert_ptr_ne(pages, MAP_FAILED);
    ck_assert_int_eq(mprotect(pages + page, page, PROT_NONE), 0);
    for (size_t s = 0; s < SAMPLES; s++) {
        size_t len = strlen(samples[s]);
        for (size_t cut = 0; cut <= len; cut++) {
            char *text = pages + page - cut;
            memcpy(text, samples[s], cut);
            (void)wr_json_index(&json, text, cut);
        }
    }
    for (size_t len = 1; len <= 300; len++) {
        char *text = pages + page - len;
        memset(text, '7', len);
        ck_assert_int_eq(wr_json_index(&json, text, len), 0);
    }
    munmap(pages, 2 * page);
    wr_json_fini(&json);
}

TEST(an_error_says_where_and_what)
{
    static const struct {
        const char *text;
        size_t at;
        const char *error;
    } cases[] = {
        {"", 0, "there is no value"},
        {" \n", 2, "there is no value"},
        {"{\"a\":1", 6, "the text ends inside an object"},
        {"{\"a\"", 4, "the text ends inside an object"},
        {"{", 1, "the text ends inside an object"},
        {"[1,", 3, "the text ends inside an array"},
        {"[1 2]", 3, "expected ',' or ']' after an element"},
        {"{\"a\":1 \"b\":2}", 7, "expected ',' or '}' after a member"},
        {"{\"a\":1]", 6, "expected ',' or '}' after a member"},
        {"{a:1}", 1, "expected a key in double quotes"},
        {"{\"a\":1,}", 7, "expected a key in double quotes"},
        {"{\"a\" 1}", 5, "expected ':' after a key"},
        {"[1,]", 3, "expected a value"},
        {"[tru]", 1, "expected a value"},
        {"{\"a\": 'x'}", 6, "expected a value"},
        {"1 2", 2, "expected the end after the value"},
        {"[01]", 1, "a number must not begin with 0"},
        {"[1.]", 3, "expected a digit after '.'"},
        {"[1e+]", 4, "expected a digit in the exponent"},
        {"[12x]", 3, "invalid character in a number"},
        {"[\"a\\x\"]", 3, "invalid escape"},
        {"[\"\\u12g4\"]", 2, "\\u needs four hexadecimal digits"},
        {"[\"a\nb\"]", 3, "a line end inside a string"},
        {"[\"a\tb\"]", 3, "a control character inside a string"},
        {"[\"ok\", \"a\\\"b]", 7, "a string that does not end"},
        {"[\"a\xff\"]", 3, "invalid UTF-8"},
        {"\xef\xbb\xbf{}", 0, "expected a value"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        ck_assert_int_eq(index_of(cases[i].text), WEIR_EPARSE);
        ck_assert_str_eq(json.error, cases[i].error);
        ck_assert_msg(json.error_at == cases[i].at, "%s: at %zu", cases[i].text, json.error_at);
    }
    wr_json_fini(&json);
}

/* The node as it stands in the text. */
static const char *shown(uint32_t node)
{
    static char buffer[200];
    struct wr_text text = wr_json_text(&json, node);
    ck_assert_uint_lt(text.len, sizeof buffer);
    memcpy(buffer, text.data, text.len);
    buffer[text.len] = '\0';
    return buffer;
}

static uint32_t find(uint32_t object, const char *key)
{
    return wr_json_find(&json, object, wr_text_of(key));
}

TEST(members_and_elements_are_walked_in_place)
{
    indexes(" {\"a\": [1, \"x\", [], {\"b\" : null} ] , \"c\" : 2.50 } ");
    ck_assert_int_eq(wr_json_kind(&json, WR_JSON_ROOT), WR_JSON_OBJECT);
    uint32_t a = find(WR_JSON_ROOT, "a");
    ck_assert_int_eq(wr_json_kind(&json, a), WR_JSON_ARRAY);
    static const char *const elements[] = {"1", "\"x\"", "[]", "{\"b\" : null}"};
    static const enum wr_json_kind kinds[] = {WR_JSON_NUMBER, WR_JSON_STRING, WR_JSON_ARRAY,
                                              WR_JSON_OBJECT};
    size_t count = 0;
    for (uint32_t e = wr_json_first(&json, a); e != WR_JSON_NONE; e = wr_json_next(&json, e)) {
        ck_assert_uint_lt(count, 4);
        ck_assert_str_eq(shown(e), elements[count]);
        ck_assert_int_eq(wr_json_kind(&json, e), kinds[count++]);
    }
    ck_assert_uint_eq(count, 4);
    ck_assert_str_eq(shown(find(WR_JSON_ROOT, "c")), "2.50");
    ck_assert_uint_eq(find(WR_JSON_ROOT, "b"), WR_JSON_NONE);
    indexes("{}");
    ck_assert_uint_eq(wr_json_first(&json, WR_JSON_ROOT), WR_JSON_NONE);
    indexes("[]");
    ck_assert_uint_eq(wr_json_first(&json, WR_JSON_ROOT), WR_JSON_NONE);
    indexes(" 12345678901234567890.10 ");
    ck_assert_str_eq(shown(WR_JSON_ROOT), "12345678901234567890.10");
    indexes("false");
    ck_assert_int_eq(wr_json_kind(&json, WR_JSON_ROOT), WR_JSON_FALSE);
    ck_assert_str_eq(shown(WR_JSON_ROOT), "false");
    wr_json_fini(&json);
}

TEST(names_are_found_together_as_each_alone)
{
    static const char *const names[] = {
        "a",        "",   "type",     "tape",
        "b c",      "\"", "\xc3\xa9", "a name of more than sixteen bytes",
        "eight_by", "abc"};
    static const char *const texts[] = {
        "{\"a\":1,\"type\":{\"a\":2,\"a\":{\"abc\":[],\"\":0}},\"\":{\"\":{\"\":{\"\":{\"\":1,"
        "\"a\":2}}}}}",
        "{\"\\u0061\":1,\"a\":2,\"\\u0061\":3,\"\\\"\":{},\"\\u00e9\":[{\"a\":1}],\"b "
        "c\":{\"tape\":{}}}",
        "{\"a name of more than sixteen bytes\":1,\"a name of more than sixteen bytex\":2,"
        "\"eight_by\":3,\"eight_bx\":4,\"abd\":5,\"\xc3\xa9\":6}",
        "{}",
        "[{\"a\":1},{\"a\":2},{\"abc\":3,\"a\":4},{\"type\":5},{},{\"a\":6}]",
    };
    enum { NAMES = sizeof names / sizeof *names };
    struct wr_json_looks looks = {.count = 0};
    for (uint32_t i = 0; i < 2 * NAMES; i++) {
        ck_assert_uint_eq(wr_json_looks_add(&looks, wr_text_of(names[i % NAMES])), i % NAMES);
    }
    json.looks = &looks;
    for (size_t t = 0; t < sizeof texts / sizeof *texts; t++) {
        indexes(texts[t]);
        for (uint32_t i = 0; i < json.count * 2; i++) { /* again, in another order */
            uint32_t node = i < json.count ? i : 2 * json.count - 1 - i;
            for (uint32_t n = 0; n < NAMES && json.text[json.at[node]] == '{'; n++) {
                ck_assert_uint_eq(wr_json_look(&json, node, n),
                                  wr_json_find(&json, node, wr_text_of(names[n])));
            }
        }
    }
    wr_json_fini(&json);
}

TEST(names_that_are_found_together_are_limited)
{
    struct wr_json_looks looks = {.count = 0};
    char names[WR_JSON_NAMES_MAX + 1][4];
    for (uint32_t i = 0; i <= WR_JSON_NAMES_MAX; i++) {
        snprintf(names[i], sizeof names[i], "n%u", i);
        ck_assert_uint_eq(wr_json_looks_add(&looks, wr_text_of(names[i])),
                          i < WR_JSON_NAMES_MAX ? i : WR_JSON_NONE);
    }
}

TEST(a_value_is_written_without_white_space)
{
    static const char *const cases[][2] = {
        {" {\n  \"a b\" : [ 1 , -2.50e3 ,\r\n\ttrue , null ] , \"c\" : { } } \n",
         "{\"a b\":[1,-2.50e3,true,null],\"c\":{}}"},
        {" \"x \\n\" ", "\"x \\n\""},
        {"[ ]", "[]"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char to[100];
        indexes(cases[i][0]);
        size_t len = wr_json_compact(&json, WR_JSON_ROOT, to);
        ck_assert_uint_eq(len, strlen(cases[i][1]));
        ck_assert_mem_eq(to, cases[i][1], len);
    }
    wr_json_fini(&json);
}

TEST(of_equal_keys_the_last_counts)
{
    indexes("{\"a\":1,\"b\":{\"a\":2},\"a\":3,\"\\u0061\":4,\"ab\":5}");
    ck_assert_str_eq(shown(find(WR_JSON_ROOT, "a")), "4");
    ck_assert_str_eq(shown(find(find(WR_JSON_ROOT, "b"), "a")), "2");
    wr_json_fini(&json);
}

TEST(keys_are_found_however_they_are_written)
{
    indexes("{\"\":1,\"x\\ty\":2,\"\\ud83d\\ude00\":3,\"\\u0000\":4,\"\\\\\":5,\"a\\/b\":6}");
    ck_assert_str_eq(shown(find(WR_JSON_ROOT, "")), "1");
    ck_assert_str_eq(shown(find(WR_JSON_ROOT, "x\ty")), "2");
    ck_assert_str_eq(shown(find(WR_JSON_ROOT, "\xf0\x9f\x98\x80")), "3");
    ck_assert_str_eq(shown(wr_json_find(&json, WR_JSON_ROOT, (struct wr_text){"\0", 1})), "4");
    ck_assert_str_eq(shown(find(WR_JSON_ROOT, "\\")), "5");
    ck_assert_str_eq(shown(find(WR_JSON_ROOT, "a/b")), "6");
    ck_assert_uint_eq(find(WR_JSON_ROOT, "x\\ty"), WR_JSON_NONE);
    ck_assert_uint_eq(find(WR_JSON_ROOT, "x\ty2"), WR_JSON_NONE);
    ck_assert_uint_eq(find(WR_JSON_ROOT, "x"), WR_JSON_NONE);
    wr_json_fini(&json);
}

TEST(strings_are_decoded)
{
    static const struct {
        const char *text, *value;
        size_t len;
    } cases[] = {
        {"\"plain\"", "plain", 5},
        {"\"\"", "", 0},
        {"\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "\"\\/\b\f\n\r\t", 8},
        {"\"\\u0041\\u00e9\\u20ac\\ud83d\\ude00z\"", "A\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80z", 11},
        {"\"a\\u0000b\"", "a\0b", 3},
        {"\"\\ud800\"", "\xef\xbf\xbd", 3},
        {"\"\\ud800x\\udc00\"", "\xef\xbf\xbdx\xef\xbf\xbd", 7},
        {"\"\\ud800\\u0041\"",
         "\xef\xbf\xbd"
         "A",
         4},
        {"\"\\ud800\\ud800\\udc00\"", "\xef\xbf\xbd\xf0\x90\x80\x80", 7},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        indexes(cases[i].text);
        struct wr_text inside = wr_json_inside(&json, WR_JSON_ROOT);
        char *to = malloc(inside.len + 1);
        size_t len = wr_json_unescape(inside, to);
        ck_assert_uint_eq(len, cases[i].len);
        ck_assert_mem_eq(to, cases[i].value, len);
        ck_assert_int_eq(wr_json_escaped(&json, WR_JSON_ROOT),
                         memchr(cases[i].text, '\\', strlen(cases[i].text)) != NULL);
        ck_assert(
            wr_json_string_is(&json, WR_JSON_ROOT, (struct wr_text){cases[i].value, cases[i].len}));
        ck_assert(!wr_json_string_is(&json, WR_JSON_ROOT, wr_text_of("another")));
        free(to);
    }
    wr_json_fini(&json);
}

static int nested(size_t depth, const char *open, const char *close)
{
    char *text = malloc(depth * (strlen(open) + strlen(close)) + 2);
    char *to = text;
    for (size_t i = 0; i < depth; i++) {
        to = stpcpy(to, open);
    }
    *to++ = '1';
    for (size_t i = 0; i < depth; i++) {
        to = stpcpy(to, close);
    }
    int code = wr_json_index(&json, text, (size_t)(to - text));
    free(text);
    return code;
}

TEST(brackets_nest_up_to_a_limit)
{
    ck_assert_int_eq(nested(1024, "[", "]"), 0);
    ck_assert_int_eq(nested(1024, "{\"a\":", "}"), 0);
    ck_assert_int_eq(nested(1025, "[", "]"), WEIR_EPARSE);
    ck_assert_str_eq(json.error, "nested too deeply");
    ck_assert_uint_eq(json.error_at, 1024);
    ck_assert_int_eq(nested(1025, "{\"a\":", "}"), WEIR_EPARSE);
    ck_assert_int_eq(nested(3, "[", "],"), WEIR_EPARSE);
    wr_json_fini(&json);
}

TEST(a_string_may_be_long)
{
    size_t len = (size_t)8 << 20;
    char *text = malloc(len);
    memset(text, 'x', len);
    text[0] = text[len - 1] = '"';
    ck_assert_int_eq(wr_json_index(&json, text, len), 0);
    ck_assert_uint_eq(json.count, 1);
    ck_assert_uint_eq(wr_json_inside(&json, WR_JSON_ROOT).len, len - 2);
    text[len / 2] = '\0';
    ck_assert_int_eq(wr_json_index(&json, text, len), WEIR_EPARSE);
    ck_assert_uint_eq(json.error_at, len / 2);
    ck_assert_int_eq(wr_json_index(&json, text, (size_t)WR_JSON_BYTES_MAX + 1), WEIR_ETOOLONG);
    free(text);
    wr_json_fini(&json);
}

TEST(a_text_after_a_failure_is_read_as_any_other)
{
    ck_assert_int_eq(index_of("{\"a\":"), WEIR_EPARSE);
    indexes("{\"a\":7}");
    ck_assert_str_eq(shown(find(WR_JSON_ROOT, "a")), "7");
    wr_json_fini(&json);
}

TEST(memory_that_is_missing_is_reported_and_may_come_later)
{
    if (wr_test_sweeps()) {
        return;
    }
    for (uint64_t k = 1; k <= 3; k++) {
        wr_fault_set(k, false);
        ck_assert_int_eq(index_of("[1]"), WEIR_ENOMEM);
        wr_fault_set(0, false);
        indexes("[1]");
        wr_json_fini(&json);
    }
}

MAIN("codec/json")
