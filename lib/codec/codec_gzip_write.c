/*
 * codec_gzip_write.c - the encoder over zlib's deflate.
 *
 * A window of 4 KiB and the fastest level: lines near each other are similar, and
 * packing must not hold up the loop. deflate allocates only in init and cannot fail after
 * it, so a step has no failure to report. One task calls it at a time; only zlib's own state is
 * kept between two calls.
 */
#define ZLIB_CONST
#include "codec_gzip_write.h"

#include <zlib.h>

#include <weir/error.h>

#include "base_error.h"
#include "base_fault.h"

enum { WINDOW_BITS = 12, GZIP_WRAPPER = 16, MEMORY_LEVEL = 5 };
enum { PIECE_MAX = 1 << 30 }; /* zlib counts a call's bytes in an unsigned int */

int wr_gzip_init(struct wr_gzip *gzip)
{
    *gzip = (struct wr_gzip){.zlib = NULL};
    z_stream *z = wr_codec_alloc(&gzip->memory, sizeof *z);
    if (z == NULL) {
        return WEIR_ENOMEM;
    }
    *z =
        (z_stream){.zalloc = wr_codec_alloc_items, .zfree = wr_codec_free, .opaque = &gzip->memory};
    if (wr_fault("deflateInit2") ||
        deflateInit2(z, Z_BEST_SPEED, Z_DEFLATED, WINDOW_BITS + GZIP_WRAPPER, MEMORY_LEVEL,
                     Z_DEFAULT_STRATEGY) != Z_OK) {
        wr_codec_free(&gzip->memory, z);
        return WEIR_ENOMEM;
    }
    gzip->zlib = z;
    return 0;
}

void wr_gzip_fini(struct wr_gzip *gzip)
{
    if (gzip->zlib != NULL) {
        (void)deflateEnd(gzip->zlib);
        wr_codec_free(&gzip->memory, gzip->zlib);
        gzip->zlib = NULL;
    }
}

bool wr_gzip_step(struct wr_gzip *gzip, const void *in, size_t in_len, size_t *in_used, void *out,
                  size_t out_cap, size_t *out_used)
{
    z_stream *z = gzip->zlib;
    bool whole = in_len <= PIECE_MAX;
    z->next_in = in;
    z->avail_in = (uInt)WR_MIN(in_len, (size_t)PIECE_MAX);
    z->next_out = out;
    z->avail_out = (uInt)WR_MIN(out_cap, (size_t)PIECE_MAX);
    size_t in_given = z->avail_in, out_given = z->avail_out;
    int rc = deflate(z, whole ? Z_FINISH : Z_NO_FLUSH);
    WR_ASSERT(rc == Z_OK || rc == Z_STREAM_END || rc == Z_BUF_ERROR, "deflate was misused");
    *in_used = in_given - z->avail_in;
    *out_used = out_given - z->avail_out;
    return rc == Z_STREAM_END;
}
