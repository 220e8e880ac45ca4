/*
 * codec_lz4.c - lz4 frames over liblz4's LZ4F_decompress.
 *
 * A frame has blocks of at most 4 MiB; one of them, and 128 KiB of history, are the decoder's
 * memory. Content and block checksums are checked. The legacy format (lz4 -l) is not decoded.
 *
 * The function that takes an allocator is liblz4's "static" part, which its shared library has too.
 */
#define LZ4F_STATIC_LINKING_ONLY
#include <lz4frame.h>
#include <string.h>

#include <weir/error.h>

#include "base_fault.h"
#include "codec_decode.h"

static void *alloc_zeroed(void *memory, size_t bytes)
{
    void *data = wr_codec_alloc(memory, bytes);
    return data != NULL ? memset(data, 0, bytes) : NULL;
}

static bool lz4_init(struct wr_decoder *d)
{
    LZ4F_CustomMem memory = {wr_codec_alloc, alloc_zeroed, wr_codec_free, &d->memory};
    d->state = wr_fault("LZ4F_createDecompressionContext")
                   ? NULL
                   : LZ4F_createDecompressionContext_advanced(memory, LZ4F_VERSION);
    return d->state != NULL;
}

static void lz4_fini(struct wr_decoder *d)
{
    if (d->state != NULL) {
        LZ4F_freeDecompressionContext(d->state);
        d->state = NULL;
    }
}

static void lz4_again(struct wr_decoder *d)
{
    (void)d; /* liblz4 begins the next frame by itself */
}

static int lz4_decode(struct wr_decoder *d, const uint8_t *in, size_t len, size_t *used,
                      uint8_t *out, size_t cap, size_t *made)
{
    *used = len;
    *made = cap;
    size_t rc = LZ4F_decompress(d->state, out, made, in, used, NULL);
    if (!LZ4F_isError(rc)) {
        return rc == 0;
    }
    *used = *made = 0;
    if (LZ4F_getErrorCode(rc) == LZ4F_ERROR_frameType_unknown) {
        return wr_decode_bad_start(d);
    }
    return wr_decode_bad(d, WEIR_EPARSE, "invalid data (%s)", LZ4F_getErrorName(rc));
}

const struct wr_coding wr_coding_lz4 = {
    .name = "lz4", .init = lz4_init, .fini = lz4_fini, .decode = lz4_decode, .again = lz4_again};
