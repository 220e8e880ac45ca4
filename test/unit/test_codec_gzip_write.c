/*
 * test_codec_gzip_write.c - what is written is what the decoder reads, whatever the room.
 */
#include <string.h>

#include <weir/error.h>

#include "base_fault.h"
#include "codec_decode.h"
#include "codec_gzip_write.h"
#include "support_check.h"

static char plain[20000], packed[40000], back[20001];

static void fill(void)
{
    for (size_t i = 0; i < sizeof plain; i++) {
        plain[i] = (char)('a' + i * i % 13);
    }
}

/* Pack the first `len` bytes of `plain`, in rooms of `step` bytes. */
static size_t pack(size_t len, size_t step)
{
    struct wr_gzip gzip;
    size_t at = 0, packed_len = 0, used, made;
    bool done = false;
    ck_assert_int_eq(wr_gzip_init(&gzip), 0);
    while (!done) {
        size_t room = sizeof packed - packed_len < step ? sizeof packed - packed_len : step;
        ck_assert_uint_gt(room, 0);
        done = wr_gzip_step(&gzip, plain + at, len - at, &used, packed + packed_len, room, &made);
        at += used;
        packed_len += made;
    }
    wr_gzip_fini(&gzip);
    ck_assert_uint_eq(at, len);
    return packed_len;
}

static void unpacks_to(size_t len, size_t want)
{
    struct wr_decoder gunzip;
    size_t used, made;
    ck_assert_int_eq(wr_decoder_init(&gunzip, &wr_coding_gzip, NULL), 0);
    int rc = wr_decoder_step(&gunzip, packed, len, &used, back, sizeof back, &made);
    int end = wr_decoder_finish(&gunzip);
    wr_decoder_fini(&gunzip);
    ck_assert_int_eq(rc, WR_DECODE_NEED_INPUT);
    ck_assert_int_eq(end, 0);
    ck_assert_uint_eq(made, want);
    ck_assert_mem_eq(back, plain, want);
}

TEST(a_member_is_smaller_and_unpacks_at_every_room)
{
    static const size_t steps[] = {1, 2, 3, 7, 100, 4096, sizeof plain};
    fill();
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        size_t len = pack(sizeof plain, steps[i]);
        ck_assert_uint_lt(len, sizeof plain / 2);
        unpacks_to(len, sizeof plain);
    }
}

TEST(a_member_may_be_empty)
{
    unpacks_to(pack(0, 7), 0);
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
