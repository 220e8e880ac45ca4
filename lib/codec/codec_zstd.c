/*
 * codec_zstd.c - zstd frames over libzstd.
 *
 * The window is the decoder's memory: a frame says in its first bytes how large a one it needs, up
 * to 2 GiB, and one over the limit is refused before it is allocated. These bytes are kept, so that
 * the message can name the size.
 *
 * The functions that take an allocator are libzstd's "static" part, which its shared library has
 * too.
 */
#define ZSTD_STATIC_LINKING_ONLY
#include <string.h>
#include <zstd.h>
#include <zstd_errors.h>

#include <weir/error.h>

#include "base_error.h"
#include "base_fault.h"
#include "codec_decode.h"

struct zstd {
    ZSTD_DCtx *context;
    uint8_t head[ZSTD_FRAMEHEADERSIZE_MAX]; /* of the current frame */
};

static bool zstd_init(struct wr_decoder *d)
{
    ZSTD_customMem memory = {wr_codec_alloc, wr_codec_free, &d->memory};
    int log = ZSTD_WINDOWLOG_MIN;
    struct zstd *zstd = wr_codec_alloc(&d->memory, sizeof *zstd);
    if (zstd == NULL) {
        return false;
    }
    d->state = zstd;
    zstd->context = wr_fault("ZSTD_createDCtx") ? NULL : ZSTD_createDCtx_advanced(memory);
    while (log < ZSTD_WINDOWLOG_MAX && UINT64_C(2) << log <= d->limits.window_bytes_max) {
        log++;
    }
    return zstd->context != NULL &&
           !ZSTD_isError(ZSTD_DCtx_setParameter(zstd->context, ZSTD_d_windowLogMax, log));
}

static void zstd_fini(struct wr_decoder *d)
{
    struct zstd *zstd = d->state;
    if (zstd != NULL) {
        ZSTD_freeDCtx(zstd->context);
        wr_codec_free(&d->memory, zstd);
        d->state = NULL;
    }
}

static void zstd_again(struct wr_decoder *d)
{
    (void)d; /* libzstd begins the next frame by itself */
}

static int too_large(struct wr_decoder *d)
{
    const struct zstd *zstd = d->state;
    ZSTD_frameHeader header = {.windowSize = 0};
    (void)ZSTD_getFrameHeader(&header, zstd->head, sizeof zstd->head);
    return wr_decode_beyond(d, WEIR_ETOOLONG, WR_DECODE_WINDOW,
                            "it needs a window of %llu bytes, the limit is %llu", header.windowSize,
                            (unsigned long long)d->limits.window_bytes_max);
}

static int zstd_decode(struct wr_decoder *d, const uint8_t *in, size_t len, size_t *used,
                       uint8_t *out, size_t cap, size_t *made)
{
    struct zstd *zstd = d->state;
    ZSTD_inBuffer from = {in, len, 0};
    ZSTD_outBuffer to = {out, cap, 0};
    if (d->member_bytes < sizeof zstd->head && len > 0) {
        size_t at = (size_t)d->member_bytes;
        memcpy(zstd->head + at, in, WR_MIN(len, sizeof zstd->head - at));
    }
    size_t rc = wr_fault("ZSTD_decompressStream")
                    ? (size_t)-ZSTD_error_memory_allocation
                    : ZSTD_decompressStream(zstd->context, &to, &from);
    *used = from.pos;
    *made = to.pos;
    if (!ZSTD_isError(rc)) {
        return rc == 0;
    }
    switch (ZSTD_getErrorCode(rc)) {
    case ZSTD_error_memory_allocation:
        d->memory.failed = true;
        return wr_decode_bad(d, WEIR_ENOMEM, "out of memory");
    case ZSTD_error_frameParameter_windowTooLarge: return too_large(d);
    case ZSTD_error_prefix_unknown: return wr_decode_bad_start(d);
    default: return wr_decode_bad(d, WEIR_EPARSE, "%s", ZSTD_getErrorName(rc));
    }
}

const struct wr_coding wr_coding_zstd = {.name = "zstd",
                                         .init = zstd_init,
                                         .fini = zstd_fini,
                                         .decode = zstd_decode,
                                         .again = zstd_again};
