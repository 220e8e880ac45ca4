/*
 * codec_zstd_write.c - the zstd encoder over libzstd. Frames have a checksum, as those of zstd(1).
 *
 * libzstd allocates most of its memory at the first input, and more at a higher level; only that can
 * fail. The window is at most 8 MiB, which every decoder takes, and smaller where the memory has a
 * limit. The functions that take an allocator are libzstd's "static" part, which its shared library
 * has too.
 */
#define ZSTD_STATIC_LINKING_ONLY
#include <zstd.h>

#include "base_fault.h"
#include "codec_encode.h"

enum { WINDOW_MAX = 8 * 1024 * 1024, WINDOW_SMALL = 64 * 1024, WINDOW_MIN = 16 * 1024 };

static bool set(ZSTD_CCtx *context, ZSTD_cParameter parameter, unsigned value)
{
    return !ZSTD_isError(ZSTD_CCtx_setParameter(context, parameter, (int)value));
}

/* The parameters of a level, for the largest window that the memory allows. */
static bool tune(ZSTD_CCtx *context, int level, size_t window, size_t memory_max)
{
    ZSTD_compressionParameters p = ZSTD_getCParams(level, window, 0);
    while (window > WINDOW_MIN && memory_max > 0 &&
           ZSTD_estimateCStreamSize_usingCParams(p) > memory_max) {
        window /= 2;
        p = ZSTD_getCParams(level, window, 0);
    }
    return set(context, ZSTD_c_windowLog, p.windowLog) && set(context, ZSTD_c_hashLog, p.hashLog) &&
           set(context, ZSTD_c_chainLog, p.chainLog) &&
           set(context, ZSTD_c_searchLog, p.searchLog) &&
           set(context, ZSTD_c_minMatch, p.minMatch) &&
           set(context, ZSTD_c_targetLength, p.targetLength) &&
           set(context, ZSTD_c_strategy, (unsigned)p.strategy);
}

static bool zstd_init(struct wr_encoder *encoder, int level, bool small)
{
    ZSTD_customMem memory = {wr_codec_alloc, wr_codec_free, &encoder->memory};
    ZSTD_CCtx *context = wr_fault("ZSTD_createCCtx") ? NULL : ZSTD_createCCtx_advanced(memory);
    encoder->state = context;
    return context != NULL && set(context, ZSTD_c_checksumFlag, 1) &&
           tune(context, level, small ? WINDOW_SMALL : WINDOW_MAX, encoder->memory.max_bytes);
}

static void zstd_fini(struct wr_encoder *encoder)
{
    ZSTD_freeCCtx(encoder->state);
    encoder->state = NULL;
}

static int zstd_encode(struct wr_encoder *encoder, enum wr_encode_how how, const uint8_t *in,
                       size_t len, size_t *used, uint8_t *out, size_t cap, size_t *made)
{
    static const ZSTD_EndDirective directives[] = {[WR_ENCODE_GO_ON] = ZSTD_e_continue,
                                                   [WR_ENCODE_FLUSH] = ZSTD_e_flush,
                                                   [WR_ENCODE_END] = ZSTD_e_end};
    ZSTD_inBuffer from = {in, len, 0};
    ZSTD_outBuffer to = {out, cap, 0};
    size_t left = ZSTD_compressStream2(encoder->state, &to, &from, directives[how]);
    *used = from.pos;
    *made = to.pos;
    if (ZSTD_isError(left)) {
        return -1; /* no memory */
    }
    return from.pos == len && (how == WR_ENCODE_GO_ON || left == 0);
}

const struct wr_encoding wr_encoding_zstd = {.name = "zstd",
                                             .level_max = 19,
                                             .level = 3,
                                             .init = zstd_init,
                                             .fini = zstd_fini,
                                             .encode = zstd_encode};
