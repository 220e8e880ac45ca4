/*
 * The bytes that are kept of a stream begin with a record.
 */
#include <string.h>

#include "bytes_block.h"
#include "loop_kept.h"
#include "support_check.h"

#include <weir/source.h>

static void adds(struct wr_kept *kept, const char *bytes, size_t len)
{
    struct iovec iov[2] = {{(char *)(uintptr_t)bytes, len / 2},
                           {(char *)(uintptr_t)bytes + len / 2, len - len / 2}};
    wr_kept_add(kept, iov, len);
}

/* Of these bytes `arrived` are there: what is kept. */
static void check_keeps(int32_t frame, const char *bytes, size_t len, size_t arrived,
                        const char *kept_bytes, size_t kept_len)
{
    struct wr_budget budget = {.limit = 1 << 20};
    struct wr_kept kept = {.max = 1000, .frame = frame};
    ck_assert_uint_eq(wr_kept_room(&kept, &budget, len), len);
    adds(&kept, bytes, len);
    wr_kept_forget(&kept, arrived);
    ck_assert_uint_eq(kept.len, kept_len);
    ck_assert_mem_eq(kept.bytes, kept_bytes, kept_len);
    wr_kept_fini(&kept, &budget);
    ck_assert_int_eq(budget.used, 0);
}

TEST(a_line_is_kept_until_its_end_has_arrived)
{
    check_keeps(WEIR_FRAME_LINES, "one\ntwo\nthree\n", 14, 0, "one\ntwo\nthree\n", 14);
    check_keeps(WEIR_FRAME_LINES, "one\ntwo\nthree\n", 14, 3, "one\ntwo\nthree\n", 14);
    check_keeps(WEIR_FRAME_LINES, "one\ntwo\nthree\n", 14, 4, "two\nthree\n", 10);
    check_keeps(WEIR_FRAME_LINES, "one\ntwo\nthree\n", 14, 13, "three\n", 6);
    check_keeps(WEIR_FRAME_LINES, "one\ntwo\nthree\n", 14, 14, "", 0);
}

TEST(a_record_with_a_length_is_kept_until_all_of_it_has_arrived)
{
    const char *bytes = "\0\0\0\1a\0\0\0\0\0\0\0\3bcd";
    check_keeps(WEIR_FRAME_LEN32, bytes, 16, 4, bytes, 16);
    check_keeps(WEIR_FRAME_LEN32, bytes, 16, 5, bytes + 5, 11);
    check_keeps(WEIR_FRAME_LEN32, bytes, 16, 8, bytes + 5, 11);
    check_keeps(WEIR_FRAME_LEN32, bytes, 16, 15, bytes + 9, 7);
    check_keeps(WEIR_FRAME_LEN32, bytes, 16, 16, bytes, 0);
}

TEST(without_frames_each_byte_counts)
{
    check_keeps(WEIR_FRAME_NONE, "abc", 3, 2, "c", 1);
}

TEST(there_is_room_up_to_the_maximum_and_it_is_charged)
{
    struct wr_budget budget = {.limit = 1 << 20};
    struct wr_kept kept = {.max = 10000};
    char bytes[6000] = "";
    ck_assert_uint_eq(wr_kept_room(&kept, &budget, sizeof bytes), sizeof bytes);
    adds(&kept, bytes, sizeof bytes);
    ck_assert_int_ge(budget.used, (int64_t)sizeof bytes);
    ck_assert_uint_eq(wr_kept_room(&kept, &budget, sizeof bytes), 4000);
    adds(&kept, bytes, 4000);
    ck_assert_uint_eq(wr_kept_room(&kept, &budget, 1), 0);
    wr_kept_fini(&kept, &budget);
    ck_assert_int_eq(budget.used, 0);
}

MAIN("loop/kept")
