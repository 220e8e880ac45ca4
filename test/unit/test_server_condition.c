/*
 * test_server_condition.c - conditional requests, in the order of RFC 9110 13.2.2.
 *
 * The clock of the tests stands at Tue, 14 Nov 2023 22:13:20 GMT; the thing was changed 320 s
 * before, at 22:08:00.
 */
#include <stdio.h>
#include <string.h>

#include "support_server.h"

#define TAGGED "/letters"
#define DATED "/letters?tag=0&modified=1699999680"
#define BOTH "/letters?modified=1699999680"
#define NEITHER "/letters?tag=0"

#define THEN "Tue, 14 Nov 2023 22:08:00 GMT"
#define BEFORE "Tue, 14 Nov 2023 22:07:59 GMT"
#define AFTER "Tue, 14 Nov 2023 22:08:01 GMT"

static void gives(int status, const char *target, const char *headers)
{
    char request[600], want[8];
    snprintf(request, sizeof request, "GET %s HTTP/1.1\r\n%s" LAST, target, headers);
    snprintf(want, sizeof want, "%d ", status);
    ask(request);
    ck_assert_msg(begins(got + 9, want), "%d, not %.30s: %s %s", status, got, target, headers);
    if (status == 200) {
        ck_assert_str_eq(body(), alphabet);
    }
}

TEST(a_copy_that_is_still_good_is_not_sent_again)
{
    start();
    gives(304, TAGGED, "If-None-Match: \"v1\"\r\n");
    gives(304, TAGGED, "If-None-Match: W/\"v1\"\r\n");
    gives(304, TAGGED, "If-None-Match: *\r\n");
    gives(304, TAGGED, "If-None-Match: \"a,\", W/\"b\" ,,\t\"v1\"\r\n");
    gives(304, TAGGED, "If-None-Match: \"a\"\r\nIf-None-Match: \"v1\"\r\n");
    gives(200, TAGGED, "If-None-Match: \"v2\"\r\n");
    gives(200, TAGGED, "If-None-Match: v1\r\n");
    gives(200, TAGGED, "If-None-Match: \"v1\r\n");
    gives(200, TAGGED, "If-None-Match:\r\n");
    gives(200, NEITHER, "If-None-Match: \"v1\"\r\n");
    gives(200, NEITHER, "If-None-Match: \"\"\r\n");
    finish();
}

TEST(a_304_tells_the_version_and_nothing_of_a_body)
{
    start();
    struct wr_transport *client =
        visit("GET " BOTH " HTTP/1.1\r\n" HOST "If-None-Match: \"v1\"\r\n\r\n");
    ck_assert(hear(client, "\r\n\r\n"));
    ck_assert(begins(got, "HTTP/1.1 304 Not Modified\r\n"));
    ck_assert_ptr_nonnull(strstr(got, "ETag: \"v1\"\r\n"));
    ck_assert_ptr_nonnull(strstr(got, "Last-Modified: " THEN "\r\n"));
    ck_assert_ptr_nonnull(strstr(got, "Vary: Accept\r\n"));
    ck_assert_ptr_null(strstr(got, "Content-"));
    ck_assert_ptr_null(strstr(got, "Connection:"));
    ck_assert_str_eq(body(), "");
    forget();
    say(client, "GET /letters HTTP/1.1\r\n" LAST); /* the connection goes on */
    ck_assert(hear(client, NULL));
    ck_assert_str_eq(body(), alphabet);
    leave(client);
}

TEST(a_copy_as_old_as_the_thing_is_still_good)
{
    start();
    gives(304, DATED, "If-Modified-Since: " THEN "\r\n");
    gives(304, DATED, "If-Modified-Since: " AFTER "\r\n");
    gives(304, DATED, "If-Modified-Since: Tuesday, 14-Nov-23 22:08:00 GMT\r\n");
    gives(304, DATED, "If-Modified-Since: Tue Nov 14 22:08:00 2023\r\n");
    gives(200, DATED, "If-Modified-Since: " BEFORE "\r\n");
    gives(200, DATED, "If-Modified-Since: yesterday\r\n");
    gives(200, DATED, "If-Modified-Since: " THEN "\r\nIf-Modified-Since: " THEN "\r\n");
    gives(200, TAGGED, "If-Modified-Since: " AFTER "\r\n");
    finish();
}

TEST(who_wants_one_version_gets_no_other)
{
    start();
    gives(200, TAGGED, "If-Match: \"v1\"\r\n");
    gives(200, TAGGED, "If-Match: \"v0\", \"v1\"\r\n");
    gives(200, TAGGED, "If-Match: *\r\n");
    gives(412, TAGGED, "If-Match: \"v2\"\r\n");
    gives(412, TAGGED, "If-Match: W/\"v1\"\r\n");
    gives(412, NEITHER, "If-Match: \"v1\"\r\n");
    gives(200, DATED, "If-Unmodified-Since: " THEN "\r\n");
    gives(200, DATED, "If-Unmodified-Since: " AFTER "\r\n");
    gives(412, DATED, "If-Unmodified-Since: " BEFORE "\r\n");
    gives(200, DATED, "If-Unmodified-Since: never\r\n");
    gives(200, TAGGED, "If-Unmodified-Since: " BEFORE "\r\n");
    finish();
}

TEST(tags_come_before_dates_and_whole_versions_before_copies)
{
    start();
    gives(200, BOTH, "If-Match: \"v1\"\r\nIf-Unmodified-Since: " BEFORE "\r\n");
    gives(412, BOTH, "If-Match: \"v2\"\r\nIf-Unmodified-Since: " AFTER "\r\n");
    gives(412, BOTH, "If-Match: \"v2\"\r\nIf-None-Match: \"v1\"\r\n");
    gives(412, BOTH, "If-Unmodified-Since: " BEFORE "\r\nIf-None-Match: \"v1\"\r\n");
    gives(304, BOTH, "If-Match: \"v1\"\r\nIf-None-Match: \"v1\"\r\n");
    gives(200, BOTH, "If-None-Match: \"v2\"\r\nIf-Modified-Since: " AFTER "\r\n");
    gives(304, BOTH, "If-None-Match: \"v1\"\r\nIf-Modified-Since: " BEFORE "\r\n");
    finish();
}

TEST(a_range_comes_last)
{
    start();
    gives(304, TAGGED, "If-None-Match: \"v1\"\r\nRange: bytes=0-1\r\n");
    gives(304, TAGGED, "If-None-Match: \"v1\"\r\nRange: bytes=99-\r\n");
    gives(412, TAGGED, "If-Match: \"v2\"\r\nRange: bytes=0-1\r\n");
    gives(412, TAGGED, "If-Match: \"v2\"\r\nRange: bytes=99-\r\n");
    gives(206, TAGGED, "If-Match: \"v1\"\r\nRange: bytes=0-1\r\n");
    gives(206, TAGGED, "If-None-Match: \"v2\"\r\nRange: bytes=0-1\r\n");
    finish();
}

TEST(if_range_asks_for_the_very_same_version)
{
    start();
    gives(206, TAGGED, "Range: bytes=0-1\r\nIf-Range: \"v1\"\r\n");
    gives(200, TAGGED, "Range: bytes=0-1\r\nIf-Range: W/\"v1\"\r\n");
    gives(200, TAGGED, "Range: bytes=0-1\r\nIf-Range: \"v2\"\r\n");
    gives(200, TAGGED, "Range: bytes=0-1\r\nIf-Range: v1\r\n");
    gives(200, TAGGED, "Range: bytes=0-1\r\nIf-Range: *\r\n");
    gives(200, TAGGED, "Range: bytes=0-1\r\nIf-Range: " THEN "\r\n");
    gives(200, NEITHER, "Range: bytes=0-1\r\nIf-Range: \"\"\r\n");
    gives(206, DATED, "Range: bytes=0-1\r\nIf-Range: " THEN "\r\n");
    gives(200, DATED, "Range: bytes=0-1\r\nIf-Range: " AFTER "\r\n");
    gives(200, DATED, "Range: bytes=0-1\r\nIf-Range: " BEFORE "\r\n");
    /* Changed in this very second: it may change once more in it. */
    gives(200, "/letters?tag=0&modified=1700000000",
          "Range: bytes=0-1\r\nIf-Range: Tue, 14 Nov 2023 22:13:20 GMT\r\n");
    finish();
}

TEST(several_ranges_are_given_as_the_whole)
{
    start();
    gives(200, TAGGED, "Range: bytes=0-1,4-5\r\n");
    gives(200, TAGGED, "Range: bytes=0-1\r\nRange: bytes=4-5\r\n");
    gives(200, TAGGED, "Range: bytes=5-4\r\n");
    gives(416, TAGGED, "Range: bytes=26-\r\n");
    finish();
}

TEST(errors_take_no_notice_of_conditions)
{
    start();
    gives(404, "/nowhere", "If-None-Match: *\r\n");
    gives(409, "/echo/", "If-Match: \"v1\"\r\n");
    finish();
}

/* What GET and HEAD have in common: all but the body. */
TEST(head_is_get_without_a_body)
{
    static const char *const targets[] = {
        "/letters HTTP/1.1\r\n",
        BOTH " HTTP/1.1\r\nIf-None-Match: \"v1\"\r\n",
        BOTH " HTTP/1.1\r\nIf-Match: \"v2\"\r\n",
        "/lines HTTP/1.1\r\n",
        "/lines?length=14 HTTP/1.1\r\n",
        "/lines HTTP/1.0\r\n",
        "/empty HTTP/1.1\r\n",
        "/empty?status=200 HTTP/1.1\r\n",
        "/nowhere HTTP/1.1\r\n",
        "/faulty HTTP/1.1\r\n",
    };
    start();
    for (size_t i = 0; i < sizeof targets / sizeof *targets; i++) {
        char request[200], whole[1000];
        snprintf(request, sizeof request, "GET %s" LAST, targets[i]);
        ask(request);
        snprintf(whole, sizeof whole, "%.*s", (int)(body() - got), got);
        snprintf(request, sizeof request, "HEAD %s" LAST, targets[i]);
        ck_assert_str_eq(ask(request), whole);
    }
    ask("HEAD /letters HTTP/1.1\r\nRange: bytes=0-1\r\n" LAST); /* parts are for GET */
    ck_assert(begins(got, "HTTP/1.1 200"));
    ck_assert_ptr_nonnull(strstr(got, "Content-Length: 26\r\n"));
    finish();
}

MAIN("server/condition")
