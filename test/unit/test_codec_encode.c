/*
 * test_codec_encode.c - what is written is what the decoders read, whatever the room: all of it after
 * a flush, and one member after another.
 */
#include <string.h>

#include <weir/error.h>

#include "base_error.h"
#include "base_fault.h"
#include "codec_decode.h"
#include "codec_encode.h"
#include "support_check.h"

static char plain[20000], packed[40000], back[20001];

static const struct {
    const struct wr_encoding *encoding;
    const struct wr_coding *coding;
} pairs[] = {{&wr_encoding_gzip, &wr_coding_gzip}, {&wr_encoding_zstd, &wr_coding_zstd}};
enum { PAIRS = 2 };

static void fill(void)
{
    for (size_t i = 0; i < sizeof plain; i++) {
        plain[i] = (char)('a' + i * i % 13);
    }
}

/* Pack [from, to) of `plain` behind the packed_len bytes that are there, in rooms of `step` bytes.
 * Their number then, or a code. */
static int pack(struct wr_encoder *encoder, enum wr_encode_how how, size_t from, size_t to,
                size_t packed_len, size_t step)
{
    int rc = 0;
    while (rc == 0) {
        size_t used, made, room = WR_MIN(sizeof packed - packed_len, step);
        ck_assert_uint_gt(room, 0);
        rc = wr_encoder_step(encoder, how, plain + from, to - from, &used, packed + packed_len,
                             room, &made);
        from += used;
        packed_len += made;
    }
    ck_assert(rc < 0 || from == to);
    return rc < 0 ? rc : (int)packed_len;
}

/* `packed` unpacks to the first `want` bytes of `plain`; whole: and its last member has ended. */
static void unpacks_to(const struct wr_coding *coding, size_t len, size_t want, bool whole)
{
    struct wr_decoder decoder;
    size_t used, made;
    ck_assert_int_eq(wr_decoder_init(&decoder, coding, NULL), 0);
    int rc = wr_decoder_step(&decoder, packed, len, &used, back, sizeof back, &made);
    int end = wr_decoder_finish(&decoder);
    wr_decoder_fini(&decoder);
    ck_assert_int_eq(rc, WR_DECODE_NEED_INPUT);
    ck_assert_int_eq(end, whole ? 0 : WEIR_ETRUNCATED);
    ck_assert_uint_eq(made, want);
    ck_assert_mem_eq(back, plain, want);
}

static void begin(struct wr_encoder *encoder, size_t pair, int level, bool small)
{
    fill();
    ck_assert_int_eq(wr_encoder_init(encoder, pairs[pair].encoding, level, small, 0), 0);
}

TEST(a_member_is_smaller_and_unpacks_at_every_room)
{
    static const size_t steps[] = {1, 2, 3, 7, 100, 4096, sizeof plain};
    for (size_t p = 0; p < PAIRS; p++) {
        for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
            struct wr_encoder encoder;
            begin(&encoder, p, 1, i % 2 == 0);
            int len = pack(&encoder, WR_ENCODE_END, 0, sizeof plain, 0, steps[i]);
            ck_assert_int_gt(len, 0);
            ck_assert_int_lt(len, (int)sizeof plain / 2);
            unpacks_to(pairs[p].coding, (size_t)len, sizeof plain, true);
            wr_encoder_fini(&encoder);
        }
    }
}

TEST(a_member_may_be_empty)
{
    for (size_t p = 0; p < PAIRS; p++) {
        struct wr_encoder encoder;
        begin(&encoder, p, 0, false);
        unpacks_to(pairs[p].coding, (size_t)pack(&encoder, WR_ENCODE_END, 0, 0, 0, 7), 0, true);
        wr_encoder_fini(&encoder);
    }
}

TEST(what_was_flushed_unpacks_before_the_end)
{
    for (size_t p = 0; p < PAIRS; p++) {
        for (size_t step = 16; step < sizeof packed; step = step * 5 + 1) {
            struct wr_encoder encoder;
            int len = 0;
            begin(&encoder, p, 0, false);
            for (size_t at = 0; at < 300; at += 60) {
                len = pack(&encoder, WR_ENCODE_GO_ON, at, at + 20, (size_t)len, step);
                ck_assert_int_ge(len, 0);
                len = pack(&encoder, WR_ENCODE_FLUSH, at + 20, at + 60, (size_t)len, step);
                ck_assert_int_gt(len, 0);
                unpacks_to(pairs[p].coding, (size_t)len, at + 60, false);
            }
            len = pack(&encoder, WR_ENCODE_END, 300, 300, (size_t)len, step);
            ck_assert_int_gt(len, 0);
            unpacks_to(pairs[p].coding, (size_t)len, 300, true);
            wr_encoder_fini(&encoder);
        }
    }
}

TEST(members_follow_each_other)
{
    for (size_t p = 0; p < PAIRS; p++) {
        struct wr_encoder encoder;
        int len = 0;
        begin(&encoder, p, 0, false);
        for (size_t at = 0; at < 300; at += 100) {
            len = pack(&encoder, WR_ENCODE_END, at, at + 100, (size_t)len, 64);
            ck_assert_int_gt(len, 0);
            unpacks_to(pairs[p].coding, (size_t)len, at + 100, true);
        }
        wr_encoder_fini(&encoder);
    }
}

TEST(out_of_memory_is_told_wherever_it_happens)
{
    for (size_t p = 0; p < PAIRS; p++) {
        bool fired = true;
        for (uint64_t k = 1; fired; k++) {
            struct wr_encoder encoder;
            fill();
            wr_fault_set(k, false);
            int rc = wr_encoder_init(&encoder, pairs[p].encoding, 0, false, 0);
            rc = rc == 0 ? pack(&encoder, WR_ENCODE_END, 0, 1000, 0, 64) : rc;
            wr_encoder_fini(&encoder);
            fired = wr_fault_fired() > 0;
            wr_fault_set(0, false);
            ck_assert_uint_eq(encoder.memory.used_bytes, 0);
            ck_assert(fired ? rc == WEIR_ENOMEM : rc > 0);
            ck_assert_uint_lt(k, 100);
        }
    }
}

TEST(memory_has_a_limit)
{
    for (size_t p = 0; p < PAIRS; p++) {
        struct wr_encoder encoder;
        fill();
        int rc = wr_encoder_init(&encoder, pairs[p].encoding, 0, false, 10000);
        rc = rc == 0 ? pack(&encoder, WR_ENCODE_END, 0, 1000, 0, 64) : rc;
        ck_assert_int_eq(rc, WEIR_EBUDGET);
        wr_encoder_fini(&encoder);
    }
}

MAIN("codec/encode")
