/*
 * codec_gzip.c - gzip and deflate over zlib's inflate.
 *
 * The first two bytes of deflate are kept in `peek` until both are available and show whether there
 * is a zlib wrapper; then inflate gets them before the caller's input.
 *
 * About 7 KiB, and 32 KiB more at the first output.
 */
#define ZLIB_CONST
#include <zlib.h>

#include <weir/error.h>

#include "base_error.h"
#include "base_fault.h"
#include "codec_decode.h"

enum { PIECE_MAX = 1 << 30 }; /* zlib counts a call's bytes in an unsigned int */

struct gzip {
    z_stream z;
    uint8_t peek[2];
    uint8_t peek_len;
};

static bool begin(struct wr_decoder *d, int bits)
{
    struct gzip *gzip = wr_codec_alloc(&d->memory, sizeof *gzip);
    if (gzip == NULL) {
        return false;
    }
    *gzip = (struct gzip){
        .z = {.zalloc = wr_codec_alloc_items, .zfree = wr_codec_free, .opaque = &d->memory}};
    if (wr_fault("inflateInit2") || inflateInit2(&gzip->z, bits) != Z_OK) {
        wr_codec_free(&d->memory, gzip);
        return false;
    }
    d->state = gzip;
    return true;
}

static bool gzip_init(struct wr_decoder *d)
{
    return begin(d, MAX_WBITS + 16); /* 16: gzip only */
}

static bool deflate_init(struct wr_decoder *d)
{
    return begin(d, MAX_WBITS);
}

static void gzip_fini(struct wr_decoder *d)
{
    struct gzip *gzip = d->state;
    if (gzip != NULL) {
        inflateEnd(&gzip->z);
        wr_codec_free(&d->memory, gzip);
        d->state = NULL;
    }
}

static void gzip_again(struct wr_decoder *d)
{
    inflateReset(&((struct gzip *)d->state)->z);
}

static int gzip_decode(struct wr_decoder *d, const uint8_t *in, size_t len, size_t *used,
                       uint8_t *out, size_t cap, size_t *made)
{
    z_stream *z = &((struct gzip *)d->state)->z;
    z->next_in = in;
    z->avail_in = (unsigned)WR_MIN(len, (size_t)PIECE_MAX);
    z->next_out = out;
    z->avail_out = (unsigned)WR_MIN(cap, (size_t)PIECE_MAX);
    int rc = wr_fault("inflate") ? Z_MEM_ERROR : inflate(z, Z_NO_FLUSH);
    *used = (size_t)(z->next_in - in);
    *made = (size_t)(z->next_out - out);
    switch (rc) {
    case Z_STREAM_END: return 1;
    case Z_OK:
    case Z_BUF_ERROR: /* no progress is possible with this input and room */ return 0;
    case Z_MEM_ERROR: d->memory.failed = true; return wr_decode_bad(d, WEIR_ENOMEM, "no memory");
    case Z_NEED_DICT: return wr_decode_bad(d, WEIR_EPARSE, "needs a dictionary");
    default:
        if (d->coding->magic_bytes > 0 && d->member_bytes + *used <= d->coding->magic_bytes) {
            return wr_decode_bad_start(d);
        }
        return wr_decode_bad(d, WEIR_EPARSE, "%s", z->msg != NULL ? z->msg : "bad compressed data");
    }
}

/* RFC 1950: method 8, window at most 32 KiB, the two bytes are a multiple of 31. A raw stream that
 * begins in this way by chance is a stored block with reserved bits, or a fixed block that encoders
 * hardly ever write. */
static bool looks_like_zlib(const uint8_t *peek)
{
    return (peek[0] & 15) == 8 && peek[0] >> 4 <= 7 && (peek[0] << 8 | peek[1]) % 31 == 0;
}

static int deflate_decode(struct wr_decoder *d, const uint8_t *in, size_t len, size_t *used,
                          uint8_t *out, size_t cap, size_t *made)
{
    struct gzip *gzip = d->state;
    size_t peeked = 0;
    if (gzip->peek_len == 2) {
        return gzip_decode(d, in, len, used, out, cap, made);
    }
    while (gzip->peek_len < 2 && peeked < len) {
        gzip->peek[gzip->peek_len++] = in[peeked++];
    }
    *used = peeked;
    if (gzip->peek_len < 2) {
        return 0;
    }
    if (!looks_like_zlib(gzip->peek)) {
        inflateReset2(&gzip->z, -MAX_WBITS);
    }
    /* No stream ends or gives output before its second byte is read, so inflate takes both bytes
     * without any room. */
    size_t taken = 0;
    int rc = gzip_decode(d, gzip->peek, 2, &taken, out, 0, made);
    WR_ASSERT(rc < 0 || taken == 2, "inflate left a byte of the header");
    if (rc == 0) {
        rc = gzip_decode(d, in + peeked, len - peeked, &taken, out, cap, made);
        *used += taken;
    }
    return rc;
}

const struct wr_coding wr_coding_gzip = {.name = "gzip",
                                         .init = gzip_init,
                                         .fini = gzip_fini,
                                         .decode = gzip_decode,
                                         .again = gzip_again,
                                         .zeros_end = true,
                                         .magic_bytes = 2};
const struct wr_coding wr_coding_deflate = {
    .name = "deflate", .init = deflate_init, .fini = gzip_fini, .decode = deflate_decode};
