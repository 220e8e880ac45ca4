/*
 * test_codec_http1_write.c - response heads, chunk lines and ranges.
 */
#include <string.h>
#include <weir/error.h>

#include "codec_http1.h"
#include "support_check.h"

TEST(response_head_is_written_whole_or_not)
{
    const struct wr_http1_header headers[] = {{{"A", 1}, {"b c", 3}}, {{"Empty", 5}, {"", 0}}};
    const char *want = "HTTP/1.1 404 Not Found\r\nA: b c\r\nEmpty: \r\n\r\n";
    char to[100];
    for (size_t cap = 0; cap < sizeof to; cap++) {
        long len = wr_http1_write_head(to, cap, 404, headers, 2);
        ck_assert_int_eq(len, cap < strlen(want) ? (long)WEIR_ETOOLONG : (long)strlen(want));
    }
    ck_assert_mem_eq(to, want, strlen(want));
}

TEST(response_head_cannot_be_split)
{
    static const char *const bad[] = {"a\r\nb", "a\n", "\r"};
    char to[100];
    for (size_t i = 0; i < 3; i++) {
        struct wr_http1_header value = {{"A", 1}, wr_text_of(bad[i])};
        struct wr_http1_header name = {wr_text_of(bad[i]), {"b", 1}};
        ck_assert_int_eq(wr_http1_write_head(to, sizeof to, 200, &value, 1), WEIR_EINVAL);
        ck_assert_int_eq(wr_http1_write_head(to, sizeof to, 200, &name, 1), WEIR_EINVAL);
    }
    struct wr_http1_header nul = {{"A", 1}, {"a\0b", 3}};
    ck_assert_int_eq(wr_http1_write_head(to, sizeof to, 200, &nul, 1), WEIR_EINVAL);
    ck_assert_int_eq(wr_http1_write_head(to, sizeof to, 20, NULL, 0), WEIR_EINVAL);
}

TEST(range_is_judged_against_the_length)
{
    static const struct {
        const char *text;
        enum wr_range range;
        int64_t first, last;
    } cases[] = {
        {"bytes=0-9", WR_RANGE_PART, 0, 9},           {"bytes=90-", WR_RANGE_PART, 90, 99},
        {"bytes=-10", WR_RANGE_PART, 90, 99},         {"bytes=-200", WR_RANGE_PART, 0, 99},
        {"bytes=50-500", WR_RANGE_PART, 50, 99},      {"Bytes= 5-5 ", WR_RANGE_PART, 5, 5},
        {"bytes=100-", WR_RANGE_UNSATISFIABLE, 0, 0}, {"bytes=-0", WR_RANGE_UNSATISFIABLE, 0, 0},
        {"bytes=9-5", WR_RANGE_WHOLE, 0, 0},          {"bytes=0-1,5-6", WR_RANGE_WHOLE, 0, 0},
        {"lines=0-1", WR_RANGE_WHOLE, 0, 0},          {"bytes=-", WR_RANGE_WHOLE, 0, 0},
        {"bytes=a-b", WR_RANGE_WHOLE, 0, 0},          {"", WR_RANGE_WHOLE, 0, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int64_t first = 0;
        int64_t last = 0;
        ck_assert_msg(wr_range_parse(wr_text_of(cases[i].text), 100, &first, &last) ==
                          cases[i].range,
                      "%s", cases[i].text);
        ck_assert(first == cases[i].first && last == cases[i].last);
    }
    int64_t none;
    ck_assert_int_eq(wr_range_parse((struct wr_text){NULL, 0}, 100, &none, &none), WR_RANGE_WHOLE);
}

MAIN("codec/http1_write")
