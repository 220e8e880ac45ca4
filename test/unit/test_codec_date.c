/*
 * test_codec_date.c - HTTP dates, there and back, and instants.
 */
#include <string.h>
#include <time.h>

#include "codec_date.h"
#include "support_check.h"

enum { NOW = 1700000000, THEN = 784111777 }; /* in 2023; in 1994 */

static int64_t parsed_at(int64_t now_s, const char *text)
{
    int64_t unix_s = -1;
    return wr_http_date_parse(wr_text_of(text), now_s, &unix_s) ? unix_s : -1;
}

static int64_t parsed(const char *text)
{
    return parsed_at(NOW, text);
}

TEST(a_date_is_written_in_the_preferred_form)
{
    char text[WR_HTTP_DATE_TEXT];
    wr_http_date_write(784111777, text);
    ck_assert_str_eq(text, "Sun, 06 Nov 1994 08:49:37 GMT");
    wr_http_date_write(0, text);
    ck_assert_str_eq(text, "Thu, 01 Jan 1970 00:00:00 GMT");
    wr_http_date_write(-1, text);
    ck_assert_str_eq(text, "Wed, 31 Dec 1969 23:59:59 GMT");
    wr_http_date_write(INT64_MAX, text);
    ck_assert_str_eq(text, "Fri, 31 Dec 9999 23:59:59 GMT");
    wr_http_date_write(INT64_MIN, text);
    ck_assert_str_eq(text, "Sat, 01 Jan 0000 00:00:00 GMT");
}

TEST(all_three_forms_are_read)
{
    ck_assert_int_eq(parsed("Sun, 06 Nov 1994 08:49:37 GMT"), 784111777);
    ck_assert_int_eq(parsed("Sunday, 06-Nov-94 08:49:37 GMT"), 784111777);
    ck_assert_int_eq(parsed("Sun Nov  6 08:49:37 1994"), 784111777);
    ck_assert_int_eq(parsed("Wed Nov 16 08:49:37 1994"), 784111777 + 10 * 86400);
    ck_assert_int_eq(parsed(" Tue, 29 Feb 2000 23:59:60 GMT "), 951868800);
    ck_assert_int_eq(parsed("Mon, 01 Mar 2100 00:00:00 GMT"), 4107542400);
}

TEST(two_digits_of_a_year_lie_at_most_fifty_years_ahead)
{
    ck_assert_int_eq(parsed("Sunday, 01-Jan-73 00:00:00 GMT"), parsed("Sun Jan  1 00:00:00 2073"));
    ck_assert_int_eq(parsed("Tuesday, 01-Jan-74 00:00:00 GMT"), parsed("Tue Jan  1 00:00:00 1974"));
    ck_assert_int_eq(parsed_at(THEN, "Friday, 01-Jan-44 00:00:00 GMT"), 2335219200); /* 2044 */
    ck_assert_int_eq(parsed_at(THEN, "Monday, 01-Jan-45 00:00:00 GMT"), -788918400); /* 1945 */
}

TEST(what_is_no_date_is_not_read)
{
    static const char *const texts[] = {"",
                                        "now",
                                        "784111777",
                                        "1994-11-06T08:49:37Z",
                                        "Sun, 06 Nov 1994 08:49:37",
                                        "Sun, 06 Nov 1994 08:49:37 CET",
                                        "Sun, 06 Nov 1994 08:49:37 GMT+1",
                                        "Sun, 6 Nov 1994 08:49:37 GMT",
                                        "Sun, 06 Nov 94 08:49:37 GMT",
                                        "Sun, 32 Nov 1994 08:49:37 GMT",
                                        "Sun, 31 Nov 1994 08:49:37 GMT",
                                        "Sun, 29 Feb 1900 08:49:37 GMT",
                                        "Sun, 00 Nov 1994 08:49:37 GMT",
                                        "Sun, 06 Nov 1994 24:00:00 GMT",
                                        "Sun, 06 Foo 1994 08:49:37 GMT",
                                        "Xyz, 06 Nov 1994 08:49:37 GMT",
                                        ", 06 Nov 1994 08:49:37 GMT",
                                        "Sunday, 06 Nov 1994 08:49:37 GMT",
                                        "Sun Nov 6 08:49:37 1994",
                                        "Sun, 06 Nov 1994 08:49:37 GMT, Sun, 06 Nov 1994"};
    int64_t unix_s;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        ck_assert_msg(parsed(texts[i]) == -1, "%s", texts[i]);
    }
    ck_assert(!wr_http_date_parse((struct wr_text){NULL, 0}, NOW, &unix_s));
}

TEST(dates_are_those_of_the_calendar)
{
    char text[WR_HTTP_DATE_TEXT], want[64];
    for (int64_t at = INT64_C(-2208988800); at < INT64_C(4102444800); at += 86400 * 13 + 12345) {
        time_t seconds = (time_t)at;
        struct tm tm;
        ck_assert_ptr_nonnull(gmtime_r(&seconds, &tm));
        strftime(want, sizeof want, "%a, %d %b %Y %H:%M:%S GMT", &tm);
        wr_http_date_write(at, text);
        ck_assert_str_eq(text, want);
        ck_assert_int_eq(parsed(text), at);
    }
}

#define NS INT64_C(1000000000)

TEST(an_instant_is_a_date_a_time_or_a_number)
{
    static const struct {
        const char *text;
        int64_t unix_ns;
    } samples[] = {
        {"1970-01-01", 0},
        {"2024-05-01", 1714521600 * NS},
        {"2024-05-01T12:00:00Z", 1714564800 * NS},
        {"2024-05-01T12:00:00", 1714564800 * NS},
        {"2024-05-01 12:00:00.25Z", 1714564800 * NS + 250000000},
        {"2024-05-01T12:00:00.000000001+02:00", 1714557600 * NS + 1},
        {"2024-05-01T12:00:00-00:30", 1714566600 * NS},
        {"2024-02-29", 1709164800 * NS},
        {"1969-12-31T23:59:59Z", -NS},
        {"@1714564800", 1714564800 * NS},
        {"@0.5", 500000000},
    };
    for (size_t i = 0; i < sizeof samples / sizeof samples[0]; i++) {
        int64_t unix_ns = 0;
        ck_assert_msg(wr_instant_parse(wr_text_of(samples[i].text), &unix_ns), "%s",
                      samples[i].text);
        ck_assert_int_eq(unix_ns, samples[i].unix_ns);
    }
}

TEST(a_date_with_a_time_is_one_of_any_year)
{
    static const char *const times[] = {"0000-01-01T00:00:00Z", "9999-12-31T23:59:60+23:59",
                                        "2024-02-29 12:00:00"};
    static const char *const others[] = {"",
                                         "2024-05-01",
                                         "2023-02-29T00:00:00Z",
                                         "@1714564800",
                                         "2024-05-01T12:00:00Zx",
                                         "2024-05-01T12:00Z"};
    for (size_t i = 0; i < sizeof times / sizeof times[0]; i++) {
        ck_assert_msg(wr_date_time_is(wr_text_of(times[i])), "%s", times[i]);
    }
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        ck_assert_msg(!wr_date_time_is(wr_text_of(others[i])), "%s", others[i]);
    }
}

TEST(what_is_no_instant_is_refused)
{
    static const char *const texts[] = {"",
                                        "2024",
                                        "2024-13-01",
                                        "2024-00-01",
                                        "2023-02-29",
                                        "2024-05-01T",
                                        "2024-05-01T24:00:00Z",
                                        "2024-05-01T12:00Z",
                                        "2024-05-01T12:00:00.Z",
                                        "2024-05-01T12:00:00.1234567891Z",
                                        "2024-05-01T12:00:00+2:00",
                                        "2024-05-01T12:00:00+25:00",
                                        "2024-05-01T12:00:00Zx",
                                        "@",
                                        "@x",
                                        "@-1",
                                        "@9223372036854775807",
                                        "9999-12-31T23:59:59Z"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        int64_t unix_ns;
        ck_assert_msg(!wr_instant_parse(wr_text_of(texts[i]), &unix_ns), "%s", texts[i]);
    }
}

MAIN("codec/date")
