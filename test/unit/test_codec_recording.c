/*
 * test_codec_recording.c - the records of a recording: what is written is read again, at every cut, and
 * every damage is found.
 */
#include <stdio.h>
#include <stdlib.h>

#include <weir/error.h>

#include "codec_recording.h"
#include "support_check.h"

static size_t write(char *to, enum wr_record_kind kind, int64_t ns, const char *content)
{
    size_t len = strlen(content);
    wr_recorded_write(to, kind, ns, content, len);
    memcpy(to + WR_RECORD_HEAD_BYTES, content, len);
    return WR_RECORD_HEAD_BYTES + len;
}

TEST(a_record_is_read_as_it_was_written)
{
    char text[64];
    size_t need, len = write(text, WR_RECORD_DATA, 123456789012345, "data: x\n");
    struct wr_recorded record;

    ck_assert_int_eq(wr_recorded_read((struct wr_text){text, len}, &record, &need), (int64_t)len);

    ck_assert_int_eq(record.kind, WR_RECORD_DATA);
    ck_assert_int_eq(record.ns, 123456789012345);
    ck_assert_uint_eq(record.len, 8);
    ck_assert_int_eq(memcmp(record.data, "data: x\n", 8), 0);
}

TEST(a_record_without_content_is_one)
{
    char text[64];
    size_t need, len = write(text, WR_RECORD_CONNECTED, 0, "");
    struct wr_recorded record;

    ck_assert_int_eq(wr_recorded_read((struct wr_text){text, len}, &record, &need), 16);

    ck_assert_uint_eq(record.len, 0);
}

TEST(a_part_of_a_record_needs_more)
{
    char text[64];
    size_t need, len = write(text, WR_RECORD_HEAD_LINE, 5, "HTTP/1.1 200 OK\r\n");
    struct wr_recorded record;
    for (size_t cut = 0; cut < len; cut++) {
        char *part = malloc(cut > 0 ? cut : 1); /* of its exact length, for the sanitizer */
        memcpy(part, text, cut);
        ck_assert_int_eq(wr_recorded_read((struct wr_text){part, cut}, &record, &need), 0);
        ck_assert_uint_eq(need, cut < 16 ? 16 : len);
        free(part);
    }
}

TEST(every_bit_that_changes_is_found)
{
    char text[64];
    size_t need, len = write(text, WR_RECORD_DATA, 5, "data");
    struct wr_recorded record;
    for (size_t bit = 0; bit < len * 8; bit++) {
        text[bit / 8] = (char)(text[bit / 8] ^ (1 << bit % 8));
        int64_t n = wr_recorded_read((struct wr_text){text, len}, &record, &need);
        ck_assert(n == WEIR_EPARSE || (n == 0 && need > len));
        text[bit / 8] = (char)(text[bit / 8] ^ (1 << bit % 8));
    }
}

TEST(a_length_over_the_limit_is_damage)
{
    char text[16] = "D\xff\xff\xff";
    struct wr_recorded record;
    size_t need;

    ck_assert_int_eq(wr_recorded_read((struct wr_text){text, 16}, &record, &need), WEIR_EPARSE);
}

TEST(a_failure_is_read_as_it_was_written)
{
    char content[WR_RECORD_FAILURE_BYTES + 5];
    const struct wr_recorded_failure failure = {.code = WEIR_ERESET, .detail = 104, .retry = true};
    wr_recorded_failure_write(content, &failure);
    memcpy(content + WR_RECORD_FAILURE_BYTES, "reset", 5);
    struct wr_recorded record = {WR_RECORD_FAILURE, 0, content, sizeof content};
    struct wr_recorded_failure read;

    ck_assert(wr_recorded_failure_read(&record, &read));

    ck_assert_int_eq(read.code, WEIR_ERESET);
    ck_assert_int_eq(read.detail, 104);
    ck_assert(read.retry);
    ck_assert_uint_eq(read.text.len, 5);
    record.len = 8;
    ck_assert(!wr_recorded_failure_read(&record, &read));
}

TEST(the_header_names_its_lines)
{
    static const char text[] = "source http\naddress http://h/?a b\nsourcefoo x";
    const struct wr_recorded header = {WR_RECORD_HEADER, 0, text, sizeof text - 1};
    struct wr_text address = wr_recorded_header(&header, "address");

    ck_assert_uint_eq(address.len, 13);
    ck_assert_int_eq(memcmp(address.data, "http://h/?a b", 13), 0);
    ck_assert_uint_eq(wr_recorded_header(&header, "source").len, 4);
    ck_assert_uint_eq(wr_recorded_header(&header, "sourcefoo").len, 1);
    ck_assert_ptr_null(wr_recorded_header(&header, "foo").data);
}

MAIN("codec/recording")
