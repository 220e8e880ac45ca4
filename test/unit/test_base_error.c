/*
 * test_base_error.c - error records are filled, cut and made harmless; misuse aborts; log records.
 */
#include <stdio.h>
#include <string.h>

#include "base_error.h"
#include "base_log.h"
#include "support_check.h"

TEST(record_tells_code_detail_origin_and_message)
{
    weir_error error;

    int rc = wr_error_set(&error, WEIR_EHTTP, 503, "http(feed)", "status %d", 503);

    ck_assert_int_eq(rc, WEIR_EHTTP);
    ck_assert_int_eq(error.code, WEIR_EHTTP);
    ck_assert_int_eq(error.detail, 503);
    ck_assert_int_eq(error.offset, -1);
    ck_assert_uint_eq(error.seq, 0);
    ck_assert_str_eq(error.origin, "http(feed)");
    ck_assert_str_eq(error.message, "status 503");
}

TEST(clear_record_is_no_failure)
{
    weir_error error;
    memset(&error, 'x', sizeof error);

    wr_error_clear(&error);
    wr_error_clear(NULL);

    ck_assert_int_eq(error.code, WEIR_OK);
    ck_assert_int_eq(error.offset, -1);
    ck_assert_str_eq(error.message, "");
}

TEST(record_and_origin_may_be_null)
{
    weir_error error;

    ck_assert_int_eq(wr_error_set(NULL, WEIR_EIO, 5, "x", "y"), WEIR_EIO);
    wr_error_set(&error, WEIR_EIO, 5, NULL, "y");

    ck_assert_str_eq(error.origin, "");
}

TEST(failure_can_be_wrapped_in_its_own_record)
{
    weir_error error;
    wr_error_set(&error, WEIR_EIO, 5, "disk", "read failed");

    wr_error_set(&error, error.code, error.detail, error.origin, "state: %s", error.message);

    ck_assert_str_eq(error.origin, "disk");
    ck_assert_str_eq(error.message, "state: read failed");
}

TEST(long_texts_are_cut_and_terminated)
{
    char text[1000];
    memset(text, 'a', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    weir_error error;

    wr_error_set(&error, WEIR_EPARSE, 0, text, "%s", text);

    ck_assert_uint_eq(strlen(error.origin), sizeof error.origin - 1);
    ck_assert_uint_eq(strlen(error.message), sizeof error.message - 1);
}

TEST(cut_falls_between_two_characters)
{
    weir_error error;

    /* 62 bytes, then a character of 2, 3 or 4: 63 fit */
    static const char *const last[] = {"\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x92\xa7"};
    for (size_t i = 0; i < 3; i++) {
        char text[80];
        snprintf(text, sizeof text, "%062d%s", 0, last[i]);
        wr_error_set(&error, WEIR_EPARSE, 0, text, "m");
        ck_assert_uint_eq(strlen(error.origin), 62);
    }
    char fits[80];
    snprintf(fits, sizeof fits, "%061d%s%s", 0, last[0], last[0]);
    wr_error_set(&error, WEIR_EPARSE, 0, fits, "m");
    ck_assert_uint_eq(strlen(error.origin), 63);
}

TEST(control_bytes_do_not_reach_a_terminal)
{
    weir_error error;

    wr_error_set(&error, WEIR_EHTTP, 400, "a\x1b[31m",
                 "one\r\ntwo\x07 \xc2\x9b"
                 "31m \xc3\xa9 \x7f");

    ck_assert_str_eq(error.origin, "a?[31m");
    ck_assert_str_eq(error.message, "one  two? ??31m \xc3\xa9 ?");
    wr_error_set(&error, WEIR_EHTTP, 400, "a",
                 "\xe2\x80\x8e \xe2\x80\x8f \xe2\x80\xaa \xe2\x80\xae \xe2\x81\xa6 "
                 "\xe2\x81\xa9 \xe2\x80\x90 \xe2\x80\xaf");
    ck_assert_str_eq(error.message, "??? ??? ??? ??? ??? ??? \xe2\x80\x90 \xe2\x80\xaf");
}

TEST(each_code_has_a_word)
{
    ck_assert_str_eq(wr_code_text(WEIR_ETIMEDOUT), "timed out");
    ck_assert_str_eq(wr_code_text(WEIR_ERESET), "connection reset");
    ck_assert_str_eq(wr_code_text(WEIR_EUSER - 7), "error");
}

TEST_ABORTS(misuse_aborts)
{
    WR_ASSERT(1 + 1 == 3, "sums are off by %d", 1);
}

struct heard {
    int level;
    char origin[64], text[512];
};

static void hear(void *ctx, int level, const char *origin, const char *text)
{
    struct heard *heard = ctx;
    heard->level = level;
    snprintf(heard->origin, sizeof heard->origin, "%s", origin);
    snprintf(heard->text, sizeof heard->text, "%s", text);
}

TEST(log_record_is_one_harmless_line)
{
    struct heard heard = {0};
    struct wr_log log = {hear, &heard};

    wr_log(&log, WR_LOG_WARNING, "loop", "held for %d ms\n", 120);

    ck_assert_int_eq(heard.level, WR_LOG_WARNING);
    ck_assert_str_eq(heard.origin, "loop");
    ck_assert_str_eq(heard.text, "held for 120 ms ");
}

TEST(log_without_a_listener_writes_nothing)
{
    struct wr_log nobody = {NULL, NULL};

    wr_log(&nobody, WR_LOG_ERROR, "loop", "x");
    wr_log(NULL, WR_LOG_ERROR, NULL, "x");
}

MAIN("base/error")
