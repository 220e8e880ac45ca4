/*
 * test_codec_gzip.c - content decoding: at every chunking of input and output, cut, damaged, and as
 * a bomb.
 */
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include <weir/error.h>

#include "base_fault.h"
#include "codec_gzip.h"
#include "support_check.h"

struct bytes {
    unsigned char *data;
    size_t len;
};

enum { GZIP_BITS = 31, ZLIB_BITS = 15, RAW_BITS = -15 };

static void append(struct bytes *to, const void *data, size_t len)
{
    to->data = realloc(to->data, to->len + len + 1);
    memcpy(to->data + to->len, data, len);
    to->len += len;
}

/* Compress `text` and append it. */
static void pack(struct bytes *to, const void *text, size_t len, int bits, int level)
{
    z_stream z = {0};
    ck_assert_int_eq(deflateInit2(&z, level, Z_DEFLATED, bits, 8, Z_DEFAULT_STRATEGY), Z_OK);
    uLong bound = deflateBound(&z, (uLong)len);
    unsigned char *out = malloc(bound);
    unsigned char *in = malloc(len + 1);
    memcpy(in, text, len);
    z.next_in = in;
    z.avail_in = (unsigned)len;
    z.next_out = out;
    z.avail_out = (unsigned)bound;
    ck_assert_int_eq(deflate(&z, Z_FINISH), Z_STREAM_END);
    append(to, out, z.total_out);
    deflateEnd(&z);
    free(out);
    free(in);
}

struct unpacked {
    struct bytes out;
    int rc; /* of step, or of finish when the input was used up */
    uint64_t in_used;
};

static struct unpacked unpack_with(struct wr_gunzip *g, const struct bytes *in, size_t in_step,
                                   size_t out_step)
{
    struct unpacked u = {0};
    unsigned char *room = malloc(out_step);
    size_t at = 0;
    int rc = WR_GUNZIP_NEED_INPUT;
    while (rc >= 0 && (at < in->len || rc == WR_GUNZIP_MORE_OUTPUT)) {
        size_t len = in_step < in->len - at ? in_step : in->len - at;
        unsigned char *piece = malloc(len);
        memcpy(piece, in->data + at, len);
        size_t used;
        size_t made;
        rc = wr_gunzip_step(g, piece, len, &used, room, out_step, &made);
        ck_assert(used <= len && made <= out_step && (rc != WR_GUNZIP_NEED_INPUT || used == len));
        append(&u.out, room, made);
        at += used;
        free(piece);
    }
    free(room);
    u.rc = rc < 0 ? rc : wr_gunzip_finish(g);
    u.in_used = at;
    return u;
}

static struct unpacked unpack(const struct bytes *in, enum wr_gunzip_kind kind, size_t in_step,
                              size_t out_step, uint64_t limit)
{
    struct wr_gunzip g;
    ck_assert_int_eq(wr_gunzip_init(&g, kind, limit, 0, 0), 0);
    struct unpacked u = unpack_with(&g, in, in_step, out_step);
    wr_gunzip_fini(&g);
    return u;
}

/* Decodes to `want` at every chunking, with the verdict rc. */
static void decodes(const struct bytes *in, enum wr_gunzip_kind kind, const char *want,
                    size_t want_len, int rc)
{
    static const size_t steps[] = {1, 2, 3, 7, 64, 100000};
    /* Where a failing call strikes does not depend on the chunking: a sweep needs one. */
    size_t from = wr_test_sweeps() ? 5 : 0;
    for (size_t i = from; i < 6; i++) {
        for (size_t o = from; o < 6; o++) {
            struct unpacked u = unpack(in, kind, steps[i], steps[o], 0);
            ck_assert_int_eq(u.rc, rc);
            ck_assert_uint_eq(u.out.len, want_len);
            ck_assert_mem_eq(u.out.data, want, want_len);
            free(u.out.data);
        }
    }
}

static const char TEXT[] =
    "one line\nanother line, and one more line, and one line more\nthe last line\n";
enum { TEXT_LEN = sizeof TEXT - 1 };

static struct bytes packed(int bits)
{
    struct bytes b = {0};
    pack(&b, TEXT, TEXT_LEN, bits, 9);
    return b;
}

TEST(gzip_decodes_at_every_chunking)
{
    struct bytes b = packed(GZIP_BITS);
    decodes(&b, WR_GUNZIP_GZIP, TEXT, TEXT_LEN, 0);
    free(b.data);
}

TEST(gzip_decodes_all_members)
{
    struct bytes b = {0};
    pack(&b, TEXT, 9, GZIP_BITS, 1);
    pack(&b, "", 0, GZIP_BITS, 9);
    pack(&b, TEXT + 9, TEXT_LEN - 9, GZIP_BITS, 0);
    decodes(&b, WR_GUNZIP_GZIP, TEXT, TEXT_LEN, 0);
    free(b.data);
}

TEST(gzip_tolerates_zeros_at_the_end)
{
    struct bytes b = packed(GZIP_BITS);
    append(&b, "\0\0\0\0\0", 5);
    decodes(&b, WR_GUNZIP_GZIP, TEXT, TEXT_LEN, 0);
    append(&b, "x", 1);
    decodes(&b, WR_GUNZIP_GZIP, TEXT, TEXT_LEN, WEIR_EPARSE);
    free(b.data);
}

TEST(gzip_with_garbage_at_the_end_fails)
{
    struct bytes b = packed(GZIP_BITS);
    append(&b, "garbage", 7);
    decodes(&b, WR_GUNZIP_GZIP, TEXT, TEXT_LEN, WEIR_EPARSE);
    free(b.data);
}

TEST(deflate_is_wrapped_or_raw)
{
    static const int bits[] = {ZLIB_BITS, RAW_BITS, 9, -9};
    for (size_t i = 0; i < 4; i++) {
        struct bytes b = packed(bits[i]);
        decodes(&b, WR_GUNZIP_DEFLATE, TEXT, TEXT_LEN, 0);
        append(&b, "x", 1);
        decodes(&b, WR_GUNZIP_DEFLATE, TEXT, TEXT_LEN, WEIR_EPARSE);
        free(b.data);
    }
}

TEST(deflate_of_nothing_decodes_to_nothing)
{
    static const int bits[] = {ZLIB_BITS, RAW_BITS};
    for (size_t i = 0; i < 2; i++) {
        struct bytes b = {0};
        pack(&b, "", 0, bits[i], 9);
        decodes(&b, WR_GUNZIP_DEFLATE, "", 0, 0);
        free(b.data);
    }
}

TEST(deflate_stored_raw_decodes)
{
    struct bytes b = {0};
    pack(&b, TEXT, TEXT_LEN, RAW_BITS, 0);
    decodes(&b, WR_GUNZIP_DEFLATE, TEXT, TEXT_LEN, 0);
    free(b.data);
}

TEST(input_cut_anywhere_is_told)
{
    static const int bits[] = {GZIP_BITS, ZLIB_BITS, RAW_BITS};
    for (size_t i = 0; i < 3; i++) {
        struct bytes b = packed(bits[i]);
        struct bytes cut = {malloc(b.len), 0};
        memcpy(cut.data, b.data, b.len);
        for (cut.len = 1; cut.len < b.len; cut.len += wr_test_sweeps() ? 40 : 1) {
            for (size_t step = 1; step < 200; step += 150) {
                struct unpacked u =
                    unpack(&cut, i == 0 ? WR_GUNZIP_GZIP : WR_GUNZIP_DEFLATE, step, step, 0);
                ck_assert_int_eq(u.rc, WEIR_ETRUNCATED);
                ck_assert_mem_eq(u.out.data, TEXT, u.out.len);
                free(u.out.data);
            }
        }
        free(cut.data);
        free(b.data);
    }
}

TEST(second_member_cut_is_told)
{
    struct bytes b = packed(GZIP_BITS);
    pack(&b, TEXT, TEXT_LEN, GZIP_BITS, 9);
    b.len = b.len / 2 + 3;
    decodes(&b, WR_GUNZIP_GZIP, TEXT, TEXT_LEN, WEIR_ETRUNCATED);
    free(b.data);
}

TEST(empty_body_is_empty)
{
    struct bytes none = {0};
    struct unpacked u = unpack(&none, WR_GUNZIP_GZIP, 1, 1, 0);
    ck_assert(u.rc == 0 && u.out.len == 0);
}

/* A checksum or a length that is wrong, and whatever else one changed byte may do: never the text
 * and no error. The bytes 4 to 9 of the header (time, flags, system) mean nothing here. */
TEST(damage_of_a_byte_does_not_pass)
{
    struct bytes b = packed(GZIP_BITS);
    for (size_t i = 0; i < b.len; i += i == 3 ? 7 : wr_test_sweeps() ? 40 : 1) {
        b.data[i] ^= 0x55;
        struct unpacked u = unpack(&b, WR_GUNZIP_GZIP, 5, 9, 0);
        ck_assert_msg(u.rc < 0, "byte %zu", i);
        free(u.out.data);
        b.data[i] ^= 0x55;
    }
    free(b.data);
}

TEST(failure_stays)
{
    struct wr_gunzip g;
    size_t used;
    size_t made;
    char out[10];
    struct bytes b = packed(GZIP_BITS);
    ck_assert_int_eq(wr_gunzip_init(&g, WR_GUNZIP_GZIP, 0, 0, 0), 0);
    ck_assert_int_eq(wr_gunzip_step(&g, "no gzip", 7, &used, out, 10, &made), WEIR_EPARSE);
    ck_assert_int_eq(wr_gunzip_step(&g, b.data, b.len, &used, out, 10, &made), WEIR_EPARSE);
    ck_assert(used == 0 && made == 0 && g.reason[0] != '\0');
    ck_assert_int_eq(wr_gunzip_finish(&g), WEIR_EPARSE);
    wr_gunzip_fini(&g);
    wr_gunzip_fini(&g);
    free(b.data);
}

TEST(output_limit_is_exact)
{
    if (wr_test_sweeps()) {
        return; /* megabytes for each point, and the allocations of the other tests */
    }
    struct bytes b = packed(GZIP_BITS);
    for (size_t limit = TEXT_LEN - 1; limit <= TEXT_LEN + 1; limit++) {
        for (size_t step = 1; step < 200; step += 33) {
            struct unpacked u = unpack(&b, WR_GUNZIP_GZIP, step, 200 - step, limit);
            ck_assert_int_eq(u.rc, limit < TEXT_LEN ? WEIR_ETOOLONG : 0);
            ck_assert_uint_eq(u.out.len, limit < TEXT_LEN ? limit : TEXT_LEN);
            free(u.out.data);
        }
    }
    free(b.data);
}

static struct bytes zeros_packed(size_t len)
{
    struct bytes b = {0};
    void *zeros = calloc(1, len);
    pack(&b, zeros, len, GZIP_BITS, 9);
    free(zeros);
    return b;
}

TEST(bomb_is_stopped_by_its_ratio)
{
    if (wr_test_sweeps()) {
        return; /* megabytes for each point, and the allocations of the other tests */
    }
    struct bytes b = zeros_packed(1 << 20); /* deflate makes one byte of 1,029 */
    struct wr_gunzip g;
    ck_assert_int_eq(wr_gunzip_init(&g, WR_GUNZIP_GZIP, 0, 100, 50000), 0);
    struct unpacked u = unpack_with(&g, &b, 16, 4096);
    ck_assert_int_eq(u.rc, WEIR_ETOOLONG);
    ck_assert_uint_ge(u.out.len, 50000);
    ck_assert_uint_le(u.out.len, 50000 + 4096);
    wr_gunzip_fini(&g);
    free(u.out.data);
    free(b.data);
}

TEST(ratio_has_a_default)
{
    if (wr_test_sweeps()) {
        return; /* megabytes for each point, and the allocations of the other tests */
    }
    struct bytes b = zeros_packed(11 << 20);
    struct unpacked u = unpack(&b, WR_GUNZIP_GZIP, 4096, 65536, 0);
    ck_assert_int_eq(u.rc, WEIR_ETOOLONG);
    ck_assert_uint_ge(u.out.len, WR_GUNZIP_GRACE_BYTES);
    free(u.out.data);
    free(b.data);
}

TEST(ratio_spares_what_is_within_the_grace)
{
    if (wr_test_sweeps()) {
        return; /* megabytes for each point, and the allocations of the other tests */
    }
    struct bytes b = zeros_packed(9 << 20);
    struct unpacked u = unpack(&b, WR_GUNZIP_GZIP, 4096, 65536, 0);
    ck_assert(u.rc == 0 && u.out.len == 9 << 20);
    free(u.out.data);
    free(b.data);
}

/* Feed `piece` again and again, until the decoder fails or has taken `bytes`; 0 or its failure. */
static int feed(struct wr_gunzip *g, const struct bytes *piece, size_t bytes)
{
    unsigned char room[64];
    int rc = WR_GUNZIP_NEED_INPUT;
    for (size_t fed = 0; rc >= 0 && fed < bytes; fed += piece->len) {
        size_t used = 0, made = 0;
        rc = wr_gunzip_step(g, piece->data, piece->len, &used, room, sizeof room, &made);
        ck_assert(rc < 0 || used == piece->len);
    }
    return rc < 0 ? rc : 0;
}

TEST(input_without_end_and_content_is_stopped)
{
    struct bytes empty = {0}, full = {0}, zeros = {NULL, 65536};
    struct wr_gunzip g;
    if (wr_test_sweeps()) {
        return; /* millions of calls of inflate, and each may fail */
    }
    zeros.data = calloc(1, zeros.len);
    for (int i = 0; i < 3000; i++) {
        pack(&empty, "", 0, GZIP_BITS, 1);
    }
    pack(&full, "x", 1, GZIP_BITS, 1);
    if (wr_gunzip_init(&g, WR_GUNZIP_GZIP, 0, 0, 0) == 0) {
        ck_assert_int_eq(feed(&g, &empty, 15000000), 0);
        ck_assert_int_eq(feed(&g, &full, full.len), 0);
        ck_assert_int_eq(feed(&g, &empty, 15000000), 0);

        ck_assert_int_eq(feed(&g, &empty, 3000000), WEIR_EPARSE);
        ck_assert_ptr_nonnull(strstr(g.reason, "no content"));
    }
    wr_gunzip_fini(&g);

    if (wr_gunzip_init(&g, WR_GUNZIP_GZIP, 0, 0, 0) == 0) {
        ck_assert_int_eq(feed(&g, &full, full.len), 0);
        ck_assert_int_eq(feed(&g, &zeros, 18000000), WEIR_EPARSE);
    }
    wr_gunzip_fini(&g);
    free(empty.data);
    free(full.data);
    free(zeros.data);
}

TEST(out_of_memory_is_told_wherever_it_happens)
{
    struct bytes b = packed(GZIP_BITS);
    bool fired = true;
    for (uint64_t k = 1; fired; k++) {
        struct wr_gunzip g;
        struct unpacked u = {0};
        wr_fault_set(k, false);
        u.rc = wr_gunzip_init(&g, WR_GUNZIP_GZIP, 0, 0, 0);
        if (u.rc == 0) {
            u = unpack_with(&g, &b, 10, 10);
        }
        wr_gunzip_fini(&g);
        fired = wr_fault_fired() > 0;
        wr_fault_set(0, false);
        ck_assert_int_eq(u.rc, fired ? WEIR_ENOMEM : 0);
        free(u.out.data);
        ck_assert_uint_lt(k, 1000);
    }
    free(b.data);
}

MAIN("codec/gzip")
