/*
 * codec_brotli.c - a brotli stream over libbrotlidec.
 *
 * The format allows a window of up to 16 MiB (RFC 7932); large windows beyond it stay off. libbrotli
 * allocates as much of it as the stream has bytes.
 */
#include <brotli/decode.h>

#include <weir/error.h>

#include "base_fault.h"
#include "codec_decode.h"

static bool brotli_init(struct wr_decoder *d)
{
    d->state = wr_fault("BrotliDecoderCreateInstance")
                   ? NULL
                   : BrotliDecoderCreateInstance(wr_codec_alloc, wr_codec_free, &d->memory);
    return d->state != NULL;
}

static void brotli_fini(struct wr_decoder *d)
{
    if (d->state != NULL) {
        BrotliDecoderDestroyInstance(d->state);
        d->state = NULL;
    }
}

static int brotli_decode(struct wr_decoder *d, const uint8_t *in, size_t len, size_t *used,
                         uint8_t *out, size_t cap, size_t *made)
{
    const uint8_t *from = in;
    size_t in_left = len, out_left = cap;
    BrotliDecoderResult rc =
        BrotliDecoderDecompressStream(d->state, &in_left, &from, &out_left, &out, NULL);
    *used = len - in_left;
    *made = cap - out_left;
    if (rc == BROTLI_DECODER_RESULT_ERROR) {
        return wr_decode_bad(d, WEIR_EPARSE, "invalid data (%s)",
                             BrotliDecoderErrorString(BrotliDecoderGetErrorCode(d->state)));
    }
    return rc == BROTLI_DECODER_RESULT_SUCCESS;
}

const struct wr_coding wr_coding_brotli = {
    .name = "brotli", .init = brotli_init, .fini = brotli_fini, .decode = brotli_decode};
