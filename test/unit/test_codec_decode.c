/*
 * test_codec_decode.c - decompression: at every chunking of input and output, cut, damaged, and as
 * a bomb.
 */
#include <lz4frame.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>

#include <weir/error.h>

#include "base_error.h"
#include "base_fault.h"
#include "codec_decode.h"
#include "support_check.h"

struct bytes {
    unsigned char *data;
    size_t len;
};

#define LIMITS(...) (&(struct wr_decode_limits){__VA_ARGS__})
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

static struct unpacked unpack_with(struct wr_decoder *g, const struct bytes *in, size_t in_step,
                                   size_t out_step)
{
    struct unpacked u = {0};
    unsigned char *room = malloc(out_step);
    size_t at = 0;
    int rc = WR_DECODE_NEED_INPUT;
    while (rc >= 0 && (at < in->len || rc == WR_DECODE_MORE_OUTPUT)) {
        size_t len = in_step < in->len - at ? in_step : in->len - at;
        unsigned char *piece = malloc(len);
        memcpy(piece, in->data + at, len);
        size_t used;
        size_t made;
        rc = wr_decoder_step(g, piece, len, &used, room, out_step, &made);
        ck_assert(used <= len && made <= out_step && (rc != WR_DECODE_NEED_INPUT || used == len));
        append(&u.out, room, made);
        at += used;
        free(piece);
    }
    free(room);
    u.rc = rc < 0 ? rc : wr_decoder_finish(g);
    u.in_used = at;
    return u;
}

static struct unpacked unpack(const struct bytes *in, const struct wr_coding *coding,
                              size_t in_step, size_t out_step, uint64_t limit)
{
    struct wr_decoder g;
    ck_assert_int_eq(wr_decoder_init(&g, coding, LIMITS(.out_bytes_max = limit)), 0);
    struct unpacked u = unpack_with(&g, in, in_step, out_step);
    wr_decoder_fini(&g);
    return u;
}

/* Decodes to `want` at every chunking, with the verdict rc. */
static void decodes(const struct bytes *in, const struct wr_coding *coding, const char *want,
                    size_t want_len, int rc)
{
    static const size_t steps[] = {1, 2, 3, 7, 64, 100000};
    /* Where a failing call strikes does not depend on the chunking: a sweep needs one. */
    size_t from = wr_test_sweeps() ? 5 : 0;
    for (size_t i = from; i < 6; i++) {
        for (size_t o = from; o < 6; o++) {
            struct unpacked u = unpack(in, coding, steps[i], steps[o], 0);
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

/* brotli of TEXT, made by brotli(1) */
static const char BROTLI[] =
    "\x1f\x49\x00\x00\x44\x6f\xf8\xef\xb9\xdc\xaf\x63\x45\x31\x05\xc7\x38\x60\x7f\x1b\xec\x26"
    "\xbe\x26\x1e\x3c\x64\x33\x59\xbb\x22\x44\x3d\xa2\x55\x8a\xd8\xc9\xcc\x59\x54\xd4\xaf\x67"
    "\x89\x41\xd8\x19\x1f\x8a\xdf\x5b\x00";

/* One member or frame of each coding, with a checksum where the format has one. */
static void pack_as(const struct wr_coding *coding, struct bytes *to, const void *text, size_t len)
{
    char out[4096];
    size_t made = sizeof out;
    if (coding == &wr_coding_gzip || coding == &wr_coding_deflate) {
        pack(to, text, len, coding == &wr_coding_gzip ? GZIP_BITS : ZLIB_BITS, 9);
        return;
    }
    if (coding == &wr_coding_zstd) {
        ZSTD_CCtx *context = ZSTD_createCCtx();
        ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, 1);
        made = ZSTD_compress2(context, out, sizeof out, text, len);
        ZSTD_freeCCtx(context);
        ck_assert(!ZSTD_isError(made));
    } else if (coding == &wr_coding_brotli) {
        ck_assert(text == TEXT && len == TEXT_LEN);
        append(to, BROTLI, sizeof BROTLI - 1);
        return;
    } else {
        LZ4F_preferences_t checked = {.frameInfo.contentChecksumFlag = LZ4F_contentChecksumEnabled};
        made = LZ4F_compressFrame(out, sizeof out, text, len, &checked);
        ck_assert(!LZ4F_isError(made));
    }
    append(to, out, made);
}

static const struct wr_coding *const CODINGS[] = {&wr_coding_gzip, &wr_coding_zstd, &wr_coding_lz4,
                                                  &wr_coding_brotli, &wr_coding_deflate};
enum { CODINGS_COUNT = 5, SEVERAL = 3 /* the first ones: members may follow each other */ };

TEST(every_coding_decodes_at_every_chunking)
{
    for (size_t i = 0; i < CODINGS_COUNT; i++) {
        struct bytes b = {0};
        pack_as(CODINGS[i], &b, TEXT, TEXT_LEN);
        decodes(&b, CODINGS[i], TEXT, TEXT_LEN, 0);
        free(b.data);
    }
}

TEST(every_coding_decodes_all_members)
{
    for (size_t i = 0; i < SEVERAL; i++) {
        struct bytes b = {0};
        pack_as(CODINGS[i], &b, TEXT, 9);
        pack_as(CODINGS[i], &b, "", 0);
        pack_as(CODINGS[i], &b, TEXT + 9, TEXT_LEN - 9);
        decodes(&b, CODINGS[i], TEXT, TEXT_LEN, 0);
        append(&b, "garbage", 7);
        decodes(&b, CODINGS[i], TEXT, TEXT_LEN, WEIR_EPARSE);
        free(b.data);
    }
}

TEST(skippable_frames_have_no_content)
{
    static const char frame[] = "\x50\x2a\x4d\x18\3\0\0\0abc";
    for (size_t i = 1; i < SEVERAL; i++) {
        struct bytes b = {0};
        append(&b, frame, sizeof frame - 1);
        pack_as(CODINGS[i], &b, TEXT, TEXT_LEN);
        append(&b, frame, sizeof frame - 1);
        decodes(&b, CODINGS[i], TEXT, TEXT_LEN, 0);
        free(b.data);
    }
}

/* One that is longer than the limit needs an option. */
TEST(a_skippable_frame_may_be_long)
{
    enum { LONG = 17 * 1024 * 1024 };
    if (wr_test_sweeps()) {
        return; /* megabytes for each point, and the allocations of the other tests */
    }
    char *skipped = calloc(1, LONG);
    memcpy(skipped, "\x50\x2a\x4d\x18\xf8\xff\x0f\x01", 8); /* LONG - 8 bytes */
    for (size_t i = 1; i < SEVERAL; i++) {
        struct bytes b = {0};
        append(&b, skipped, LONG);
        pack_as(CODINGS[i], &b, TEXT, TEXT_LEN);
        for (int more = 0; more <= 1; more++) {
            struct wr_decoder d;
            ck_assert_int_eq(
                wr_decoder_init(&d, CODINGS[i], LIMITS(.vain_bytes_max = more ? 2 * LONG : 0)), 0);
            struct unpacked u = unpack_with(&d, &b, 65536, 65536);
            ck_assert_int_eq(u.rc, more ? 0 : WEIR_EPARSE);
            ck_assert_uint_eq(u.out.len, more ? TEXT_LEN : 0);
            wr_decoder_fini(&d);
            free(u.out.data);
        }
        free(b.data);
    }
    free(skipped);
}

TEST(one_stream_only_is_read_of_brotli)
{
    struct bytes b = {0};
    pack_as(&wr_coding_brotli, &b, TEXT, TEXT_LEN);
    pack_as(&wr_coding_brotli, &b, TEXT, TEXT_LEN);
    decodes(&b, &wr_coding_brotli, TEXT, TEXT_LEN, WEIR_EPARSE);
    free(b.data);
}

TEST(every_coding_reports_input_that_is_cut_anywhere)
{
    for (size_t i = 0; i < CODINGS_COUNT; i++) {
        struct bytes b = {0};
        pack_as(CODINGS[i], &b, TEXT, TEXT_LEN);
        struct bytes cut = {b.data, 1};
        for (; cut.len < b.len; cut.len += wr_test_sweeps() ? 40 : 1) {
            struct unpacked u = unpack(&cut, CODINGS[i], 3, 5, 0);
            ck_assert_msg(u.rc == WEIR_ETRUNCATED, "%s: %zu bytes: %d", CODINGS[i]->name, cut.len,
                          u.rc);
            ck_assert_mem_eq(u.out.data, TEXT, u.out.len);
            free(u.out.data);
        }
        free(b.data);
    }
}

TEST(every_coding_reports_another_format)
{
    for (size_t i = 0; i < CODINGS_COUNT; i++) {
        struct wr_decoder d;
        size_t used, made;
        char out[64], text[256];
        ck_assert_int_eq(wr_decoder_init(&d, CODINGS[i], NULL), 0);
        int rc = wr_decoder_step(&d, "\xff this is a text", 16, &used, out, sizeof out, &made);
        ck_assert_msg(rc == WEIR_EPARSE, "%s: %d", CODINGS[i]->name, rc);
        ck_assert_uint_gt(wr_decoder_text(&d, "input", text, sizeof text), 0);
        ck_assert_ptr_nonnull(strstr(text, CODINGS[i]->name));
        wr_decoder_fini(&d);
    }
}

TEST(every_coding_reports_damage_that_its_checksum_shows)
{
    for (size_t i = 0; i < SEVERAL; i++) {
        struct bytes b = {0};
        pack_as(CODINGS[i], &b, TEXT, TEXT_LEN);
        for (size_t at = 10; at < b.len; at += wr_test_sweeps() ? 40 : 1) {
            b.data[at] ^= 0x55;
            struct unpacked u = unpack(&b, CODINGS[i], 5, 9, 0);
            ck_assert_msg(u.rc < 0, "%s: byte %zu", CODINGS[i]->name, at);
            free(u.out.data);
            b.data[at] ^= 0x55;
        }
        free(b.data);
    }
}

TEST(every_coding_stops_exactly_at_the_limit_of_its_output)
{
    if (wr_test_sweeps()) {
        return;
    }
    for (size_t i = 0; i < CODINGS_COUNT; i++) {
        struct bytes b = {0};
        pack_as(CODINGS[i], &b, TEXT, TEXT_LEN);
        for (size_t limit = TEXT_LEN - 1; limit <= TEXT_LEN + 1; limit++) {
            struct unpacked u = unpack(&b, CODINGS[i], 7, 11, limit);
            ck_assert_int_eq(u.rc, limit < TEXT_LEN ? WEIR_ETOOLONG : 0);
            ck_assert_uint_eq(u.out.len, limit < TEXT_LEN ? limit : TEXT_LEN);
            free(u.out.data);
        }
        free(b.data);
    }
}

/* gzip(1) decodes what is before it. */
TEST(garbage_after_gzip_may_be_left_out)
{
    static const struct {
        const char *bytes;
        size_t len;
        int rc;
    } tails[] = {{"garbage", 7, 0},
                 {"\x1f", 1, 0},
                 {"\x1f\x8c", 2, 0},
                 {"\0\0x", 3, 0},
                 {"\x1f\x8b\x08", 3, WEIR_ETRUNCATED},
                 {"\x1f\x8b\xff\xff", 4, WEIR_EPARSE}};
    for (size_t i = 0; i < sizeof tails / sizeof *tails; i++) {
        for (size_t step = 1; step < 200; step += 66) {
            struct wr_decoder d;
            struct bytes b = packed(GZIP_BITS);
            size_t len = b.len;
            append(&b, tails[i].bytes, tails[i].len);
            ck_assert_int_eq(wr_decoder_init(&d, &wr_coding_gzip, NULL), 0);
            d.ignores_garbage = true;
            struct unpacked u = unpack_with(&d, &b, step, 50);
            ck_assert_msg(u.rc == tails[i].rc, "tail %zu: %d", i, u.rc);
            ck_assert(u.out.len == TEXT_LEN && d.met_garbage == (u.rc == 0));
            ck_assert(!d.met_garbage || d.garbage_at == len + (i == 3 ? 2 : 0));
            wr_decoder_fini(&d);
            free(u.out.data);
            free(b.data);
        }
    }
}

/* The frame says how large a window it needs: 2^27 bytes. */
TEST(zstd_window_over_the_limit_is_refused_and_named)
{
    static const char frame[] = "\x28\xb5\x2f\xfd\x00\x88";
    struct wr_decoder d;
    char out[64], text[256];
    for (size_t step = 1; step <= sizeof frame - 1; step++) {
        int rc = 0;
        ck_assert_int_eq(wr_decoder_init(&d, &wr_coding_zstd, NULL), 0);
        for (size_t at = 0; rc >= 0 && at < sizeof frame - 1;) {
            size_t used, made, len = WR_MIN(step, sizeof frame - 1 - at);
            rc = wr_decoder_step(&d, frame + at, len, &used, out, sizeof out, &made);
            at += used;
        }
        ck_assert_int_eq(rc, WEIR_ETOOLONG);
        ck_assert_uint_gt(wr_decoder_text(&d, "input", text, sizeof text), 0);
        ck_assert_ptr_nonnull(strstr(text, "a window of 134217728 bytes, the limit is 8388608"));
        wr_decoder_fini(&d);
    }
}

TEST(memory_of_a_decoder_is_counted_and_limited)
{
    for (size_t i = 0; i < CODINGS_COUNT; i++) {
        struct wr_decoder d;
        struct bytes b = {0};
        pack_as(CODINGS[i], &b, TEXT, TEXT_LEN);
        ck_assert_int_eq(wr_decoder_init(&d, CODINGS[i], NULL), 0);
        struct unpacked u = unpack_with(&d, &b, 10, 10);
        ck_assert_int_eq(u.rc, 0);
        ck_assert_uint_gt(d.memory.used_bytes, 1000);
        wr_decoder_fini(&d);
        ck_assert_uint_eq(d.memory.used_bytes, 0);
        free(u.out.data);

        u = (struct unpacked){0};
        int rc = wr_decoder_init(&d, CODINGS[i], LIMITS(.memory_bytes_max = 500));
        if (rc == 0) {
            u = unpack_with(&d, &b, 10, 10);
            rc = u.rc;
        }
        ck_assert_msg(rc == WEIR_EBUDGET, "%s: %d", CODINGS[i]->name, rc);
        wr_decoder_fini(&d);
        free(u.out.data);
        free(b.data);
    }
}

TEST(codings_are_found_by_their_names_in_a_header)
{
    ck_assert_ptr_eq(wr_coding_of("GZip", 4), &wr_coding_gzip);
    ck_assert_ptr_eq(wr_coding_of("x-gzip", 6), &wr_coding_gzip);
    ck_assert_ptr_eq(wr_coding_of("deflate", 7), &wr_coding_deflate);
    ck_assert_ptr_eq(wr_coding_of("br", 2), &wr_coding_brotli);
    ck_assert_ptr_eq(wr_coding_of("ZSTD", 4), &wr_coding_zstd);
    ck_assert_ptr_null(wr_coding_of("lz4", 3));
    ck_assert_ptr_null(wr_coding_of("gzipx", 5));
}

TEST(gzip_tolerates_zeros_at_the_end)
{
    struct bytes b = packed(GZIP_BITS);
    append(&b, "\0\0\0\0\0", 5);
    decodes(&b, &wr_coding_gzip, TEXT, TEXT_LEN, 0);
    append(&b, "x", 1);
    decodes(&b, &wr_coding_gzip, TEXT, TEXT_LEN, WEIR_EPARSE);
    free(b.data);
}

TEST(deflate_is_wrapped_or_raw)
{
    static const int bits[] = {ZLIB_BITS, RAW_BITS, 9, -9};
    for (size_t i = 0; i < 4; i++) {
        struct bytes b = packed(bits[i]);
        decodes(&b, &wr_coding_deflate, TEXT, TEXT_LEN, 0);
        append(&b, "x", 1);
        decodes(&b, &wr_coding_deflate, TEXT, TEXT_LEN, WEIR_EPARSE);
        free(b.data);
    }
}

TEST(deflate_of_nothing_decodes_to_nothing)
{
    static const int bits[] = {ZLIB_BITS, RAW_BITS};
    for (size_t i = 0; i < 2; i++) {
        struct bytes b = {0};
        pack(&b, "", 0, bits[i], 9);
        decodes(&b, &wr_coding_deflate, "", 0, 0);
        free(b.data);
    }
}

TEST(deflate_stored_raw_decodes)
{
    struct bytes b = {0};
    pack(&b, TEXT, TEXT_LEN, RAW_BITS, 0);
    decodes(&b, &wr_coding_deflate, TEXT, TEXT_LEN, 0);
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
                    unpack(&cut, i == 0 ? &wr_coding_gzip : &wr_coding_deflate, step, step, 0);
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
    decodes(&b, &wr_coding_gzip, TEXT, TEXT_LEN, WEIR_ETRUNCATED);
    free(b.data);
}

TEST(empty_body_is_empty)
{
    struct bytes none = {0};
    struct unpacked u = unpack(&none, &wr_coding_gzip, 1, 1, 0);
    ck_assert(u.rc == 0 && u.out.len == 0);
}

/* A checksum or a length that is wrong, and whatever else one changed byte may do: never the text
 * and no error. The bytes 4 to 9 of the header (time, flags, system) mean nothing here. */
TEST(damage_of_a_byte_does_not_pass)
{
    struct bytes b = packed(GZIP_BITS);
    for (size_t i = 0; i < b.len; i += i == 3 ? 7 : wr_test_sweeps() ? 40 : 1) {
        b.data[i] ^= 0x55;
        struct unpacked u = unpack(&b, &wr_coding_gzip, 5, 9, 0);
        ck_assert_msg(u.rc < 0, "byte %zu", i);
        free(u.out.data);
        b.data[i] ^= 0x55;
    }
    free(b.data);
}

TEST(failure_stays)
{
    struct wr_decoder g;
    size_t used;
    size_t made;
    char out[10];
    struct bytes b = packed(GZIP_BITS);
    ck_assert_int_eq(wr_decoder_init(&g, &wr_coding_gzip, NULL), 0);
    ck_assert_int_eq(wr_decoder_step(&g, "no gzip", 7, &used, out, 10, &made), WEIR_EPARSE);
    ck_assert_int_eq(wr_decoder_step(&g, b.data, b.len, &used, out, 10, &made), WEIR_EPARSE);
    ck_assert(used == 0 && made == 0 && g.reason[0] != '\0');
    ck_assert_int_eq(wr_decoder_finish(&g), WEIR_EPARSE);
    wr_decoder_fini(&g);
    wr_decoder_fini(&g);
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
    struct wr_decoder g;
    ck_assert_int_eq(
        wr_decoder_init(&g, &wr_coding_gzip, LIMITS(.ratio_max = 100, .grace_bytes = 50000)), 0);
    struct unpacked u = unpack_with(&g, &b, 16, 4096);
    ck_assert_int_eq(u.rc, WEIR_ETOOLONG);
    ck_assert_uint_ge(u.out.len, 50000);
    ck_assert_uint_le(u.out.len, 50000 + 4096);
    wr_decoder_fini(&g);
    free(u.out.data);
    free(b.data);
}

TEST(ratio_has_a_default)
{
    if (wr_test_sweeps()) {
        return; /* megabytes for each point, and the allocations of the other tests */
    }
    struct bytes b = zeros_packed(11 << 20);
    struct unpacked u = unpack(&b, &wr_coding_gzip, 4096, 65536, 0);
    ck_assert_int_eq(u.rc, WEIR_ETOOLONG);
    ck_assert_uint_ge(u.out.len, WR_DECODE_GRACE_BYTES);
    free(u.out.data);
    free(b.data);
}

TEST(ratio_spares_what_is_within_the_grace)
{
    if (wr_test_sweeps()) {
        return; /* megabytes for each point, and the allocations of the other tests */
    }
    struct bytes b = zeros_packed(9 << 20);
    struct unpacked u = unpack(&b, &wr_coding_gzip, 4096, 65536, 0);
    ck_assert(u.rc == 0 && u.out.len == 9 << 20);
    free(u.out.data);
    free(b.data);
}

/* Feed `piece` again and again, until the decoder fails or has taken `bytes`; 0 or its failure. */
static int feed(struct wr_decoder *g, const struct bytes *piece, size_t bytes)
{
    unsigned char room[64];
    int rc = WR_DECODE_NEED_INPUT;
    for (size_t fed = 0; rc >= 0 && fed < bytes; fed += piece->len) {
        size_t used = 0, made = 0;
        rc = wr_decoder_step(g, piece->data, piece->len, &used, room, sizeof room, &made);
        ck_assert(rc < 0 || used == piece->len);
    }
    return rc < 0 ? rc : 0;
}

TEST(input_without_end_and_content_is_stopped)
{
    struct bytes empty = {0}, full = {0}, zeros = {NULL, 65536};
    struct wr_decoder g;
    if (wr_test_sweeps()) {
        return; /* millions of calls of inflate, and each may fail */
    }
    zeros.data = calloc(1, zeros.len);
    for (int i = 0; i < 3000; i++) {
        pack(&empty, "", 0, GZIP_BITS, 1);
    }
    pack(&full, "x", 1, GZIP_BITS, 1);
    if (wr_decoder_init(&g, &wr_coding_gzip, NULL) == 0) {
        ck_assert_int_eq(feed(&g, &empty, 15000000), 0);
        ck_assert_int_eq(feed(&g, &full, full.len), 0);
        ck_assert_int_eq(feed(&g, &empty, 15000000), 0);

        ck_assert_int_eq(feed(&g, &empty, 3000000), WEIR_EPARSE);
        ck_assert_ptr_nonnull(strstr(g.reason, "no content"));
    }
    wr_decoder_fini(&g);

    if (wr_decoder_init(&g, &wr_coding_gzip, NULL) == 0) {
        ck_assert_int_eq(feed(&g, &full, full.len), 0);
        ck_assert_int_eq(feed(&g, &zeros, 18000000), WEIR_EPARSE);
    }
    wr_decoder_fini(&g);
    free(empty.data);
    free(full.data);
    free(zeros.data);
}

TEST(out_of_memory_is_told_wherever_it_happens)
{
    for (size_t i = 0; i < CODINGS_COUNT; i++) {
        struct bytes b = {0};
        bool fired = true;
        pack_as(CODINGS[i], &b, TEXT, TEXT_LEN);
        for (uint64_t k = 1; fired; k++) {
            struct wr_decoder g;
            struct unpacked u = {0};
            wr_fault_set(k, false);
            u.rc = wr_decoder_init(&g, CODINGS[i], NULL);
            if (u.rc == 0) {
                u = unpack_with(&g, &b, 10, 10);
            }
            wr_decoder_fini(&g);
            fired = wr_fault_fired() > 0;
            wr_fault_set(0, false);
            ck_assert_int_eq(u.rc, fired ? WEIR_ENOMEM : 0);
            free(u.out.data);
            ck_assert_uint_lt(k, 1000);
        }
        free(b.data);
    }
}

MAIN("codec/decode")
