/*
 * test_codec_response.c - header values a client acts on.
 */
#include <string.h>

#include <weir/error.h>

#include "codec_response.h"
#include "support_check.h"

enum { NOW = 784111777 }; /* Sun, 06 Nov 1994 08:49:37 GMT */

TEST(header_line_splits_into_name_and_value)
{
    struct wr_text name;
    struct wr_text value;
    ck_assert(wr_header_split(wr_text_of("Content-Type: \ttext/plain \r\n"), &name, &value));
    ck_assert(wr_text_is(name, "content-type"));
    ck_assert(wr_text_is(value, "text/plain"));
    ck_assert(wr_header_split(wr_text_of("A:"), &name, &value));
    ck_assert_uint_eq(value.len, 0);
}

TEST(header_line_that_is_none_is_refused)
{
    static const char *const bad[] = {"",    "\r\n",  "HTTP/1.1 200 OK", "A : b",
                                      ": b", " a: b", "A\xc3: b",        "A"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct wr_text name;
        struct wr_text value;
        ck_assert_msg(!wr_header_split(wr_text_of(bad[i]), &name, &value), "accepted: %s", bad[i]);
    }
}

TEST(content_range_is_read)
{
    struct wr_content_range r;
    ck_assert_int_eq(wr_content_range_parse(wr_text_of("bytes 10-99/200"), &r), 0);
    ck_assert(r.first == 10 && r.last == 99 && r.length == 200);
    ck_assert_int_eq(wr_content_range_parse(wr_text_of("Bytes 10-99/*"), &r), 0);
    ck_assert(r.first == 10 && r.last == 99 && r.length == -1);
    ck_assert_int_eq(wr_content_range_parse(wr_text_of("bytes */200"), &r), 0);
    ck_assert(r.first == -1 && r.last == -1 && r.length == 200);
}

TEST(content_range_that_contradicts_itself_is_refused)
{
    static const char *const bad[] = {"",
                                      "bytes",
                                      "bytes 1-2",
                                      "bytes 1-2/",
                                      "bytes 2-1/9",
                                      "bytes 1-9/9",
                                      "bytes -1/9",
                                      "bytes 1-/9",
                                      "bytes */*",
                                      "lines 1-2/9",
                                      "bytes 1-2/9x",
                                      "bytes 1-9223372036854775808/*",
                                      "bytes 1 - 2/9",
                                      "bytes=1-2/9"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct wr_content_range r;
        ck_assert_msg(wr_content_range_parse(wr_text_of(bad[i]), &r) == WEIR_EPARSE, "accepted: %s",
                      bad[i]);
    }
}

TEST(retry_after_is_seconds_or_a_date)
{
    ck_assert_int_eq(wr_retry_after_ms(wr_text_of(" 120 "), NOW, 1000000), 120000);
    ck_assert_int_eq(wr_retry_after_ms(wr_text_of("0"), NOW, 1000000), 0);
    ck_assert_int_eq(wr_retry_after_ms(wr_text_of("Sun, 06 Nov 1994 08:50:37 GMT"), NOW, 1000000),
                     60000);
}

TEST(retry_after_is_clamped)
{
    ck_assert_int_eq(wr_retry_after_ms(wr_text_of("Sun, 06 Nov 1994 08:00:00 GMT"), NOW, 1000000),
                     0);
    ck_assert_int_eq(wr_retry_after_ms(wr_text_of("1001"), NOW, 1000000), 1000000);
    ck_assert_int_eq(wr_retry_after_ms(wr_text_of("99999999999999999999999"), NOW, 1000000),
                     1000000);
    ck_assert_int_eq(wr_retry_after_ms(wr_text_of("9223372036854775807"), NOW, INT64_MAX),
                     INT64_MAX);
}

TEST(retry_after_that_is_neither_is_not_readable)
{
    ck_assert_int_eq(wr_retry_after_ms(wr_text_of("-5"), NOW, 1000000), -1);
    ck_assert_int_eq(wr_retry_after_ms(wr_text_of("5.5"), NOW, 1000000), -1);
    ck_assert_int_eq(wr_retry_after_ms(wr_text_of(""), NOW, 1000000), -1);
}

TEST(etag_is_strong_without_w)
{
    ck_assert(wr_etag_is_strong(wr_text_of("\"abc\"")));
    ck_assert(wr_etag_is_strong(wr_text_of("\"\"")));
    ck_assert(!wr_etag_is_strong(wr_text_of("W/\"abc\"")));
    ck_assert(!wr_etag_is_strong(wr_text_of("abc")));
    ck_assert(!wr_etag_is_strong(wr_text_of("\"")));
    ck_assert(!wr_etag_is_strong(wr_text_of("\"a\" \"b\"")));
}

MAIN("codec/response")
