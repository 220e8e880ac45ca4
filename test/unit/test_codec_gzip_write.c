/*
 * test_codec_gzip_write.c - what is written is what the decoder reads, at every chunking.
 */
#include <string.h>

#include <weir/error.h>

#include "base_fault.h"
#include "codec_gzip.h"
#include "codec_gzip_write.h"
#include "support_check.h"

static char plain[20000], packed[40000], back[20001];

static void fill(void)
{
    for (size_t i = 0; i < sizeof plain; i++) {
        plain[i] = (char)('a' + i * i % 13);
    }
}

/* Append one member with plain[from, to) to `packed`, in pieces and rooms of `step` bytes. */
static size_t add_member(struct wr_gzip *gzip, size_t len, size_t from, size_t to, size_t step)
{
    enum wr_gzip_got got;
    do {
        size_t n = to - from < step ? to - from : step, used, made;
        size_t room = sizeof packed - len < step ? sizeof packed - len : step;
        ck_assert_uint_gt(room, 0);
        got = wr_gzip_step(gzip, from + n == to ? WR_GZIP_LAST : WR_GZIP_MORE_COMES, plain + from,
                           n, &used, packed + len, room, &made);
        from += used;
        len += made;
    } while (got != WR_GZIP_MEMBER_DONE);
    ck_assert_uint_eq(from, to);
    return len;
}

static void unpacks_to(size_t len, size_t want)
{
    struct wr_gunzip gunzip;
    size_t used, made;
    ck_assert_int_eq(wr_gunzip_init(&gunzip, WR_GUNZIP_GZIP, 0, 0, 0), 0);
    int rc = wr_gunzip_step(&gunzip, packed, len, &used, back, sizeof back, &made);
    int end = wr_gunzip_finish(&gunzip);
    wr_gunzip_fini(&gunzip);
    ck_assert_int_eq(rc, WR_GUNZIP_NEED_INPUT);
    ck_assert_int_eq(end, 0);
    ck_assert_uint_eq(made, want);
    ck_assert_mem_eq(back, plain, want);
}

TEST(a_member_is_smaller_and_unpacks_at_every_chunking)
{
    static const size_t steps[] = {1, 2, 3, 7, 100, 4096, sizeof plain};
    fill();
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        struct wr_gzip gzip;
        ck_assert_int_eq(wr_gzip_init(&gzip), 0);
        size_t len = add_member(&gzip, 0, 0, sizeof plain, steps[i]);
        wr_gzip_fini(&gzip);
        ck_assert_uint_lt(len, sizeof plain / 2);
        unpacks_to(len, sizeof plain);
    }
}

TEST(members_follow_each_other_and_may_be_empty)
{
    struct wr_gzip gzip;
    fill();
    ck_assert_int_eq(wr_gzip_init(&gzip), 0);
    size_t len = add_member(&gzip, 0, 0, 5000, 1000);
    wr_gzip_next(&gzip);
    len = add_member(&gzip, len, 5000, 5000, 1000);
    wr_gzip_next(&gzip);
    len = add_member(&gzip, len, 5000, 9000, 1000);
    wr_gzip_fini(&gzip);
    unpacks_to(len, 9000);
}

TEST(without_memory_there_is_no_encoder)
{
    struct wr_gzip gzip;
    for (uint64_t k = 1; k <= 3; k++) {
        wr_fault_set(k, false);
        ck_assert_int_eq(wr_gzip_init(&gzip), WEIR_ENOMEM);
        wr_gzip_fini(&gzip);
    }
    wr_fault_set(0, false);
}

MAIN("codec/gzip_write")
