/*
 * fuzz_decode.c - decompression, and compression. Invariants: the cut of the input and the room for
 * output change neither the bytes nor the verdict; the output limit holds; all input is used unless it
 * failed; what is compressed, in pieces and in members, is decompressed to the same bytes.
 *
 * The first three bytes pick the kind and the limit, the input's pieces and the room.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "codec_decode.h"
#include "codec_encode.h"

enum { LIMIT = 100000, MEMORY_MAX = 40 * 1024 * 1024 };

struct seen {
    uint64_t count, hash;
    int rc;
};

static void require(int holds)
{
    if (!holds) {
        abort();
    }
}

static struct seen decode(const uint8_t *data, size_t len, const struct wr_coding *coding,
                          uint64_t limit, size_t step, size_t cap)
{
    struct seen seen = {0, 0, 0};
    struct wr_decoder g;
    struct wr_decode_limits limits = {.out_bytes_max = limit, .memory_bytes_max = MEMORY_MAX};
    uint8_t *room = malloc(cap);
    size_t at = 0;
    int rc = WR_DECODE_NEED_INPUT;
    require(room != NULL && wr_decoder_init(&g, coding, &limits) == 0);
    while (rc >= 0 && (at < len || rc == WR_DECODE_MORE_OUTPUT)) {
        size_t piece = step < len - at ? step : len - at;
        size_t used;
        size_t made;
        rc = wr_decoder_step(&g, data + at, piece, &used, room, cap, &made);
        require(used <= piece && made <= cap && (rc != WR_DECODE_NEED_INPUT || used == piece));
        for (size_t i = 0; i < made; i++) {
            seen.hash = (seen.hash ^ room[i]) * UINT64_C(0x100000001b3);
        }
        seen.count += made;
        at += used;
    }
    require(seen.count <= limit);
    require((rc < 0) == (g.failure != 0));
    seen.rc = wr_decoder_finish(&g);
    require(rc >= 0 || seen.rc == rc);
    wr_decoder_fini(&g);
    free(room);
    return seen;
}

static uint64_t hash_of(const uint8_t *data, size_t len)
{
    uint64_t hash = 0;
    for (size_t i = 0; i < len; i++) {
        hash = (hash ^ data[i]) * UINT64_C(0x100000001b3);
    }
    return hash;
}

/* The bits of `how` say which pieces are flushed, and which end a member. */
static void there_and_back(const uint8_t *data, size_t len, const struct wr_encoding *encoding,
                           const struct wr_coding *coding, uint8_t how, size_t step)
{
    struct wr_encoder encoder;
    size_t packed_len = 0, cap = 2 * len + 4096 + 64 * (len / step + 1);
    uint8_t *packed = malloc(cap);
    require(packed != NULL && wr_encoder_init(&encoder, encoding, 1, how & 1, 0) == 0);
    for (size_t at = 0, i = 0; at < len || i == 0; i++) {
        size_t piece = step < len - at ? step : len - at;
        enum wr_encode_how act = at + piece == len || (how >> i % 8 & 3) == 3 ? WR_ENCODE_END
                                 : how >> i % 8 & 1                           ? WR_ENCODE_FLUSH
                                                                              : WR_ENCODE_GO_ON;
        int rc = 0;
        for (size_t left = piece; rc == 0;) {
            size_t used, made, room = cap - packed_len < 32 ? cap - packed_len : 32;
            require(room >= 16);
            rc = wr_encoder_step(&encoder, act, data + at + piece - left, left, &used,
                                 packed + packed_len, room, &made);
            require(rc >= 0 && used <= left && made <= room && (rc == 0 || used == left));
            left -= used;
            packed_len += made;
        }
        at += piece;
    }
    wr_encoder_fini(&encoder);
    struct seen seen = decode(packed, packed_len, coding, UINT64_MAX, packed_len, 4096);
    require(seen.rc == 0 && seen.count == len && seen.hash == hash_of(data, len));
    free(packed);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    if (len < 3) {
        return 0;
    }
    static const struct wr_coding *const codings[] = {
        &wr_coding_gzip, &wr_coding_deflate, &wr_coding_zstd, &wr_coding_brotli, &wr_coding_lz4};
    if ((data[0] & 7) > 5) {
        int zstd = data[0] & 1;
        there_and_back(data + 3, len - 3, zstd ? &wr_encoding_zstd : &wr_encoding_gzip,
                       zstd ? &wr_coding_zstd : &wr_coding_gzip, data[1], data[2] + 1u);
        return 0;
    }
    const struct wr_coding *coding = codings[(data[0] & 7) % 5];
    uint64_t limit = data[0] & 8 ? LIMIT : (uint64_t)(data[0] >> 4) + 1;
    struct seen whole = decode(data + 3, len - 3, coding, limit, len, 65536);
    struct seen cut = decode(data + 3, len - 3, coding, limit, data[1] % 16 + 1u, data[2] + 1u);
    /* zstd, brotli and lz4 find some errors only after, or before, they give the last of the data. */
    bool whole_only = coding != &wr_coding_gzip && coding != &wr_coding_deflate && whole.rc < 0;
    require(whole_only ? cut.rc < 0
                       : whole.count == cut.count && whole.hash == cut.hash && whole.rc == cut.rc);
    return 0;
}
