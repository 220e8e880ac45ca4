/*
 * codec_ws_deflate.c - permessage-deflate (RFC 7692) over zlib.
 *
 * A message is a deflate stream that ends at a byte border with an empty block, whose last four
 * bytes are not sent. Reading goes through wr_decoder, with its limits against bombs, as all other
 * decoders do; they count over the whole connection. A window stays from one message to the next
 * unless no_context_takeover was agreed on. A sender may also end its deflate stream within a
 * message (7.2.3.4): the next one begins with the same window.
 *
 * The window for reading has the size that was agreed on. zlib refuses a reference beyond it only if
 * the bytes there were given by an earlier call; a peer that sends one breaks the agreement.
 *
 * Reading takes about 7 KiB and the window, writing up to 260 KiB.
 */
#define ZLIB_CONST
#include <zlib.h>

#include <weir/error.h>

#include "base_alloc.h"
#include "base_error.h"
#include "base_fault.h"
#include "codec_decode.h"
#include "codec_ws.h"

enum { WINDOW_MAX = 1 << WR_WS_BITS_MAX, BOUND_SLACK = 64, TAIL_BYTES = 4 };

/* ---- reading */

struct wr_ws_inflater {
    struct wr_decoder decoder;
};

static bool raw_init(struct wr_decoder *d)
{
    int bits = WR_WS_BITS_MIN;
    while ((uint64_t)1 << bits < d->limits.window_bytes_max) {
        bits++;
    }
    z_stream *z = wr_codec_alloc(&d->memory, sizeof *z);
    if (z == NULL) {
        return false;
    }
    *z = (z_stream){.zalloc = wr_codec_alloc_items, .zfree = wr_codec_free, .opaque = &d->memory};
    if (wr_fault("inflateInit2") || inflateInit2(z, -bits) != Z_OK) {
        wr_codec_free(&d->memory, z);
        return false;
    }
    d->state = z;
    return true;
}

static void raw_fini(struct wr_decoder *d)
{
    if (d->state != NULL) {
        inflateEnd(d->state);
        wr_codec_free(&d->memory, d->state);
        d->state = NULL;
    }
}

/* The deflate stream has ended within a message: another one begins, which may refer to the bytes
 * before it. */
static int begin_stream(struct wr_decoder *d)
{
    unsigned len = 0;
    Bytef *window = wr_codec_alloc(&d->memory, WINDOW_MAX);
    if (window == NULL) {
        return wr_decode_bad(d, WEIR_ENOMEM, "no memory");
    }
    inflateGetDictionary(d->state, window, &len);
    inflateReset(d->state);
    inflateSetDictionary(d->state, window, len);
    wr_codec_free(&d->memory, window);
    return 0;
}

static int raw_decode(struct wr_decoder *d, const uint8_t *in, size_t len, size_t *used,
                      uint8_t *out, size_t cap, size_t *made)
{
    z_stream *z = d->state;
    z->next_in = in;
    z->avail_in = (unsigned)WR_MIN(len, (size_t)UINT32_MAX);
    z->next_out = out;
    z->avail_out = (unsigned)WR_MIN(cap, (size_t)UINT32_MAX);
    int rc = wr_fault("inflate") ? Z_MEM_ERROR : inflate(z, Z_NO_FLUSH);
    *used = (size_t)(z->next_in - in);
    *made = (size_t)(z->next_out - out);
    switch (rc) {
    case Z_STREAM_END: return begin_stream(d);
    case Z_OK:
    case Z_BUF_ERROR: /* no progress is possible with this input and room */ return 0;
    case Z_MEM_ERROR: d->memory.failed = true; return wr_decode_bad(d, WEIR_ENOMEM, "no memory");
    default:
        return wr_decode_bad(d, WEIR_EPARSE, "%s", z->msg != NULL ? z->msg : "bad compressed data");
    }
}

static const struct wr_coding raw_coding = {
    .name = "permessage-deflate", .init = raw_init, .fini = raw_fini, .decode = raw_decode};

struct wr_ws_inflater *wr_ws_inflater_new(const struct wr_ws_terms *terms)
{
    const struct wr_decode_limits limits = {.window_bytes_max = (uint64_t)1 << terms->in_bits};
    struct wr_ws_inflater *inflater = wr_alloc(sizeof *inflater);
    if (inflater != NULL && wr_decoder_init(&inflater->decoder, &raw_coding, &limits) < 0) {
        wr_ws_inflater_free(inflater);
        inflater = NULL;
    }
    return inflater;
}

void wr_ws_inflater_free(struct wr_ws_inflater *inflater)
{
    if (inflater != NULL) {
        wr_decoder_fini(&inflater->decoder);
        wr_free(inflater);
    }
}

int wr_ws_inflate(struct wr_ws_inflater *inflater, const char *in, size_t len, size_t *used,
                  char *out, size_t cap, size_t *made)
{
    return wr_decoder_step(&inflater->decoder, in, len, used, out, cap, made);
}

void wr_ws_inflate_over(struct wr_ws_inflater *inflater, bool fresh)
{
    if (fresh) {
        inflateReset(inflater->decoder.state);
    }
}

const char *wr_ws_inflate_reason(const struct wr_ws_inflater *inflater)
{
    return inflater->decoder.reason;
}

size_t wr_ws_inflate_held(const struct wr_ws_inflater *inflater)
{
    return inflater->decoder.memory.used_bytes;
}

/* ---- writing */

struct wr_ws_deflater {
    z_stream z;
    struct wr_codec_memory memory;
    bool fresh;
};

struct wr_ws_deflater *wr_ws_deflater_new(const struct wr_ws_terms *terms)
{
    enum { MEMORY_LEVEL = 8 };
    struct wr_ws_deflater *deflater = wr_zalloc(sizeof *deflater);
    if (deflater == NULL) {
        return NULL;
    }
    deflater->z.zalloc = wr_codec_alloc_items;
    deflater->z.zfree = wr_codec_free;
    deflater->z.opaque = &deflater->memory;
    deflater->fresh = terms->out_fresh;
    if (wr_fault("deflateInit2") ||
        deflateInit2(&deflater->z, Z_DEFAULT_COMPRESSION, Z_DEFLATED, -(int)terms->out_bits,
                     MEMORY_LEVEL, Z_DEFAULT_STRATEGY) != Z_OK) {
        wr_free(deflater);
        return NULL;
    }
    return deflater;
}

void wr_ws_deflater_free(struct wr_ws_deflater *deflater)
{
    if (deflater != NULL) {
        deflateEnd(&deflater->z);
        wr_free(deflater);
    }
}

/* zlib's bound is that of a stream that ends; a flush takes a few bytes more. */
size_t wr_ws_deflate_bound(struct wr_ws_deflater *deflater, size_t len)
{
    return deflateBound(&deflater->z, len) + BOUND_SLACK;
}

size_t wr_ws_deflate(struct wr_ws_deflater *deflater, const char *data, size_t len, char *to,
                     size_t cap)
{
    z_stream *z = &deflater->z;
    WR_ASSERT(len <= UINT32_MAX && cap <= UINT32_MAX, "a message is too long to be compressed");
    z->next_in = (const Bytef *)data;
    z->avail_in = (unsigned)len;
    z->next_out = (Bytef *)to;
    z->avail_out = (unsigned)cap;
    int rc = deflate(z, Z_SYNC_FLUSH);
    size_t made = cap - z->avail_out;
    /* Without new input zlib adds no second flush: an empty message is an empty block. */
    if (rc == Z_BUF_ERROR || made == 0) {
        to[0] = '\0';
        return 1;
    }
    WR_ASSERT(rc == Z_OK && z->avail_in == 0 && z->avail_out > 0 && made >= TAIL_BYTES,
              "a compressed message is longer than its bound");
    if (deflater->fresh) {
        deflateReset(z);
    }
    return made - TAIL_BYTES;
}
