/*
 * codec_gzip_write.c - the gzip encoder over zlib's deflate.
 *
 * A small one has a window of 4 KiB: lines near each other are similar, and many requests may be
 * packed at a time. deflate allocates only in init and cannot fail after it.
 */
#define ZLIB_CONST
#include <zlib.h>

#include "base_error.h"
#include "base_fault.h"
#include "codec_encode.h"

enum { GZIP_WRAPPER = 16, SMALL_BITS = 12, MEMORY_LEVEL = 8, SMALL_MEMORY_LEVEL = 5 };
enum { PIECE_MAX = 1 << 30 }; /* zlib counts a call's bytes in an unsigned int */

static bool gzip_init(struct wr_encoder *encoder, int level, bool small)
{
    z_stream *z = wr_codec_alloc(&encoder->memory, sizeof *z);
    if (z == NULL) {
        return false;
    }
    *z = (z_stream){
        .zalloc = wr_codec_alloc_items, .zfree = wr_codec_free, .opaque = &encoder->memory};
    if (wr_fault("deflateInit2") ||
        deflateInit2(z, level, Z_DEFLATED, (small ? SMALL_BITS : MAX_WBITS) + GZIP_WRAPPER,
                     small ? SMALL_MEMORY_LEVEL : MEMORY_LEVEL, Z_DEFAULT_STRATEGY) != Z_OK) {
        wr_codec_free(&encoder->memory, z);
        return false;
    }
    encoder->state = z;
    return true;
}

static void gzip_fini(struct wr_encoder *encoder)
{
    if (encoder->state != NULL) {
        (void)deflateEnd(encoder->state);
        wr_codec_free(&encoder->memory, encoder->state);
        encoder->state = NULL;
    }
}

static int gzip_encode(struct wr_encoder *encoder, enum wr_encode_how how, const uint8_t *in,
                       size_t len, size_t *used, uint8_t *out, size_t cap, size_t *made)
{
    static const int flushes[] = {[WR_ENCODE_GO_ON] = Z_NO_FLUSH,
                                  [WR_ENCODE_FLUSH] = Z_SYNC_FLUSH,
                                  [WR_ENCODE_END] = Z_FINISH};
    z_stream *z = encoder->state;
    bool whole = len <= PIECE_MAX;
    z->next_in = in;
    z->avail_in = (uInt)WR_MIN(len, (size_t)PIECE_MAX);
    z->next_out = out;
    z->avail_out = (uInt)WR_MIN(cap, (size_t)PIECE_MAX);
    int rc = deflate(z, whole ? flushes[how] : Z_NO_FLUSH);
    WR_ASSERT(rc == Z_OK || rc == Z_STREAM_END || rc == Z_BUF_ERROR, "deflate was misused");
    *used = (size_t)(z->next_in - in);
    *made = (size_t)(z->next_out - out);
    if (rc == Z_STREAM_END) {
        (void)deflateReset(z);
        return 1;
    }
    /* With room left, deflate has done what it was asked for. */
    return how != WR_ENCODE_END && whole && z->avail_in == 0 && z->avail_out > 0;
}

const struct wr_encoding wr_encoding_gzip = {.name = "gzip",
                                             .level_max = 9,
                                             .level = 6,
                                             .init = gzip_init,
                                             .fini = gzip_fini,
                                             .encode = gzip_encode};
