/*
 * test_codec_clf.c - lines of access logs.
 */
#include "codec_clf.h"
#include "support_fields.h"

#define COMMON "192.0.2.7 - ann [10/Oct/2000:13:55:36 -0700] \"GET /a.gif HTTP/1.0\" 200 2326"
#define FIELDS                                                                        \
    "remote=192.0.2.7|user=ann|time=2000-10-10T13:55:36-07:00|method=GET|path=/a.gif" \
    "|protocol=HTTP/1.0|status=200|bytes=2326|"

static void clf_as(const char *text, const char *expected)
{
    fields_as(wr_clf_read, text, expected);
}

TEST(a_common_line_has_eight_fields)
{
    clf_as(COMMON, FIELDS);
}

TEST(a_combined_line_has_referer_and_agent)
{
    clf_as(COMMON " \"https://x/\" \"curl/8 (x; y)\"",
           FIELDS "referer=https://x/|agent=curl/8 (x; y)|");
    clf_as(COMMON " \"-\" \"-\"", FIELDS);
}

TEST(what_follows_is_the_rest)
{
    clf_as(COMMON " \"-\" \"curl\" \"10.0.0.1\" 0.003",
           FIELDS "agent=curl|rest=\"10.0.0.1\" 0.003|");
    clf_as(COMMON " 0.003", FIELDS "rest=0.003|");
    clf_as(COMMON " ", FIELDS);
}

TEST(a_hyphen_is_no_value)
{
    clf_as("::1 - - [01/Jan/2024:00:00:00 +0000] \"-\" 408 -",
           "remote=::1|time=2024-01-01T00:00:00Z|status=408|");
    clf_as("::1 id - [01/Jan/2024:00:00:00 +0000] \"\" 400 0",
           "remote=::1|ident=id|time=2024-01-01T00:00:00Z|status=400|bytes=0|");
}

TEST(a_day_is_one_of_its_month)
{
    static const char *const times[] = {
        "31/Feb/2000:00:00:00 +0000", "00/Feb/2000:00:00:00 +0000", "29/Feb/2023:00:00:00 +0000",
        "31/Apr/2024:00:00:00 +0000", "2024-02-30T00:00:00Z",       "2024-02-29",
    };
    char text[128], expected[256];
    for (size_t i = 0; i < sizeof times / sizeof *times; i++) {
        (void)snprintf(text, sizeof text, "h - - [%s] \"-\" 200 -", times[i]);
        (void)snprintf(expected, sizeof expected,
                       "<the time is not as in [10/Oct/2000:13:55:36 -0700], at byte 6: [%s] \"-\" "
                       "200 ->",
                       times[i]);
        clf_as(text, expected);
    }
    clf_as("h - - [29/Feb/2024:00:00:00 +0000] \"-\" 200 -",
           "remote=h|time=2024-02-29T00:00:00Z|status=200|");
    clf_as("h - - [9999-12-31T23:59:60Z] \"-\" 200 -",
           "remote=h|time=9999-12-31T23:59:60Z|status=200|");
}

TEST(a_user_may_have_blanks)
{
    clf_as("h - Ann Lee [01/Jan/2024:00:00:00 +0130] \"GET / HTTP/2.0\" 200 1",
           "remote=h|user=Ann Lee|time=2024-01-01T00:00:00+01:30|method=GET|path=/"
           "|protocol=HTTP/2.0|status=200|bytes=1|");
}

#define WITH(request) "h - - [01/Jan/2024:00:00:00 +0000] \"" request "\" 200 1"
#define GOT(request) "remote=h|time=2024-01-01T00:00:00Z|" request "|status=200|bytes=1|"

TEST(a_request_is_split_where_it_is_one)
{
    clf_as(WITH("GET /a b HTTP/1.1"), GOT("method=GET|path=/a b|protocol=HTTP/1.1"));
    clf_as(WITH("GET /"), GOT("method=GET|path=/"));
    clf_as(WITH("M-SEARCH * HTTP/1.1"), GOT("method=M-SEARCH|path=*|protocol=HTTP/1.1"));
    clf_as(WITH("hello"), GOT("request=hello"));
    clf_as(WITH("a b c"), GOT("request=a b c"));
    clf_as(WITH("GET  HTTP/1.1"), GOT("request=GET  HTTP/1.1"));
    clf_as(WITH("\\x16\\x03 \\x01"), GOT("request=\x16\x03 \x01"));
}

TEST(escapes_of_the_server_are_removed)
{
    clf_as(WITH("GET /\\\"q\\\" HTTP/1.1"), GOT("method=GET|path=/\"q\"|protocol=HTTP/1.1"));
    clf_as(COMMON " \"-\" \"a\\\\\"", FIELDS "agent=a\\|");
    clf_as(COMMON " \"-\" \"a \\q\"", FIELDS "agent=a \\q|");
}

TEST(a_time_of_rfc_3339_stays)
{
    clf_as("h - - [2024-05-01T12:00:00+02:00] \"GET / HTTP/1.1\" 200 1",
           "remote=h|time=2024-05-01T12:00:00+02:00|method=GET|path=/|protocol=HTTP/1.1"
           "|status=200|bytes=1|");
}

TEST(what_is_no_access_log_is_rejected_with_its_place)
{
    clf_as("", "<a word is missing, at byte 0>");
    clf_as("h", "<a word is missing, at byte 1, after: h>");
    clf_as("h - - x", "<a time in brackets is missing, at byte 4: - x>");
    clf_as("h - - [x", "<the time in brackets does not end, at byte 6: [x>");
    clf_as("h - - [x]", "<the time is not as in [10/Oct/2000:13:55:36 -0700], at byte 6: [x]>");
    clf_as("h - - [10/Okt/2000:13:55:36 -0700] ",
           "<the time is not as in [10/Oct/2000:13:55:36 -0700], at byte 6: "
           "[10/Okt/2000:13:55:36 -0700] >");
    clf_as("h - - [10/Oct/2000:24:55:36 -0700]",
           "<the time is not as in [10/Oct/2000:13:55:36 -0700], at byte 6: "
           "[10/Oct/2000:24:55:36 -0700]>");
    clf_as("h - - [10/Oct/2000:13:55:36 -0700] GET",
           "<a text in quotes is missing, at byte 34:  GET>");
    clf_as("h - - [10/Oct/2000:13:55:36 -0700] \"GET",
           "<a text in quotes does not end, at byte 34:  \"GET>");
    clf_as("h - - [10/Oct/2000:13:55:36 -0700] \"GET\\\" 200 1",
           "<a text in quotes does not end, at byte 34:  \"GET\\\" 200 1>");
    clf_as("h - - [10/Oct/2000:13:55:36 -0700] \"\"x", "<a status is missing, at byte 37: x>");
    clf_as("h - - [10/Oct/2000:13:55:36 -0700] \"\" 20 1",
           "<a status has three digits, at byte 38: 20 1>");
    clf_as("h - - [10/Oct/2000:13:55:36 -0700] \"\" 200 x",
           "<a number of bytes is missing, at byte 42: x>");
    clf_as("h - - [10/Oct/2000:13:55:36 -0700] \"\" 200 1234567890x",
           "<a number of bytes is missing, at byte 42: 1234567890x>");
    clf_as(COMMON " \"a\"b", "<a text in quotes is followed by text, at byte 79: b>");
}

TEST(no_byte_behind_the_text_is_read)
{
    every_beginning(wr_clf_read, COMMON " \"https://x/\\\"\" \"curl\\x20\" \"more\"");
    every_beginning(wr_clf_read, WITH("GET /\\\\"));
}

TEST(status_and_bytes_are_numbers)
{
    kinds_as(wr_clf_read, "h - - [10/Oct/2000:13:55:36 +0000] \"-\" 200 5", "ssnn");
    kinds_as(wr_clf_read, "h - - [10/Oct/2000:13:55:36 +0000] \"-\" 404 -", "ssn");
}

MAIN("codec/clf")
