/*
 * test_codec_json_write.c - JSON texts are written so that any reader gives the same bytes back.
 */
#include <stdlib.h>
#include <string.h>

#include "codec_json_write.h"
#include "codec_utf8.h"
#include "support_check.h"

static const struct sample {
    const char *bytes;
    size_t len;
    const char *text, *base64;
    bool utf8;
} samples[] = {
    {"", 0, "\"\"", "\"\"", true},
    {"a b", 3, "\"a b\"", "\"YSBi\"", true},
    {"a\"b\\c", 5, "\"a\\\"b\\\\c\"", "\"YSJiXGM=\"", true},
    {"\n\r\t\b\f\x01\x7f", 7, "\"\\n\\r\\t\\b\\f\\u0001\\u007f\"", "\"Cg0JCAwBfw==\"", true},
    {"a\0b", 3, "\"a\\u0000b\"", "\"YQBi\"", true},
    {"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80", 9, "\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\"",
     "\"w6nigqzwn5iA\"", true},
    {"x\xffy", 3, "\"x\xef\xbf\xbdy\"", "\"eP95\"", false},
    {"\xc3", 1, "\"\xef\xbf\xbd\"", "\"ww==\"", false},
    {"\xc0\x80", 2, "\"\xef\xbf\xbd\xef\xbf\xbd\"", "\"wIA=\"", false},
    {"\xed\xa0\x80", 3, "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"", "\"7aCA\"", false},
    {"\xf4\x90\x80\x80", 4, "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"", "\"9JCAgA==\"",
     false},
    {"\x80", 1, "\"\xef\xbf\xbd\"", "\"gA==\"", false},
};

static size_t string_of(const char *bytes, size_t len, char to[100])
{
    struct wr_out out = {to, 100, 0};
    wr_json_string(&out, (struct wr_text){bytes, len});
    return out.len;
}

TEST(each_byte_is_written_as_alone_wherever_it_stands)
{
    enum { LEN = 19 };
    for (unsigned byte = 0; byte < 256; byte++) {
        char alone[100], c = (char)byte;
        size_t alone_len = string_of(&c, 1, alone) - 2; /* without the quotes */
        for (size_t at = 0; at < LEN; at++) {
            char text[LEN], to[100];
            memset(text, 'a', LEN);
            text[at] = c;
            ck_assert_uint_eq(string_of(text, LEN, to), LEN - 1 + alone_len + 2);
            ck_assert_mem_eq(to + 1 + at, alone + 1, alone_len);
            ck_assert_int_eq(to[at], at == 0 ? '"' : 'a');
            ck_assert_int_eq(to[1 + at + alone_len], at + 1 == LEN ? '"' : 'a');
        }
    }
}

TEST(any_bytes_are_written)
{
    for (size_t i = 0; i < sizeof samples / sizeof samples[0]; i++) {
        char to[100];
        struct wr_text bytes = {samples[i].bytes, samples[i].len};
        struct wr_out out = {to, sizeof to, 0};
        wr_json_string(&out, bytes);
        ck_assert_uint_eq(out.len, strlen(samples[i].text));
        ck_assert_mem_eq(to, samples[i].text, out.len);
        out.len = 0;
        wr_json_base64(&out, bytes);
        ck_assert_uint_eq(out.len, strlen(samples[i].base64));
        ck_assert_mem_eq(to, samples[i].base64, out.len);
        ck_assert_int_eq(wr_utf8_valid_bytes(bytes.data, bytes.len) == bytes.len, samples[i].utf8);
    }
}

TEST(what_does_not_fit_is_counted_and_cut)
{
    char to[4] = "...";
    struct wr_out out = {to, 3, 0};
    wr_out_string(&out, "{");
    wr_json_number(&out, 123456);
    wr_json_string(&out, (struct wr_text){NULL, 0});
    ck_assert_uint_eq(out.len, 11);
    ck_assert_str_eq(to, "{12");
}

TEST(plain_bytes_are_copied_and_others_are_seen_at_each_place)
{
    static const unsigned char others[] = {0, '\n', 0x1f, '"', '\\', 0x7f, 0x80, 0xff};
    for (size_t len = 0; len <= 40; len++) {
        char *from = malloc(len + 1), *to = malloc(len + 1);
        memset(from, '!', len);
        to[len] = '#';
        ck_assert(wr_json_copy_plain(to, from, len));
        ck_assert_mem_eq(to, from, len);
        for (size_t at = 0; at < len; at++) {
            for (int c = 0; c < 256; c++) {
                bool other = c < ' ' || c >= 0x7f || memchr(others, c, sizeof others) != NULL;
                from[at] = (char)c;
                ck_assert(wr_json_copy_plain(to, from, len) == !other);
            }
            from[at] = '~';
        }
        ck_assert_int_eq(to[len], '#');
        free(from);
        free(to);
    }
}

MAIN("codec/json_write")
