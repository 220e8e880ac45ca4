/*
 * codec_gzip.c - the decoder over zlib's inflate.
 *
 * States: START (no byte yet) -> MEMBER (inside a stream) -> BETWEEN (a member has ended) -> MEMBER
 * again for the next gzip member, or PADDING (only zeros may follow). For deflate the first two
 * bytes are kept in `peek` until both are available and show whether there is a zlib wrapper; then
 * inflate gets them before the caller's input.
 *
 * A step calls inflate until the output room is full or the input is used. inflate may hold output
 * back when the room is full, so a step returns NEED_INPUT only when room is left. At the output
 * limit, one byte of scratch shows whether there is more output: exactly the limit is allowed.
 */
#define ZLIB_CONST
#include <zlib.h>

#include <weir/error.h>

#include "base_error.h"
#include "base_fault.h"
#include "codec_gzip.h"
#include "codec_zlib.h"

enum { START, MEMBER, BETWEEN, PADDING };
enum { PIECE_MAX = 1 << 30 }; /* zlib counts a call's bytes in an unsigned int */

static int fail(struct wr_gunzip *g, int code, const char *reason)
{
    g->failure = code;
    g->reason = reason;
    return code;
}

int wr_gunzip_init(struct wr_gunzip *gunzip, enum wr_gunzip_kind kind, uint64_t out_bytes_max,
                   uint64_t ratio_max, uint64_t grace_bytes)
{
    *gunzip =
        (struct wr_gunzip){.kind = kind,
                           .out_bytes_max = out_bytes_max,
                           .ratio_max = ratio_max != 0 ? ratio_max : WR_GUNZIP_RATIO_MAX,
                           .grace_bytes = grace_bytes != 0 ? grace_bytes : WR_GUNZIP_GRACE_BYTES,
                           .reason = ""};
    z_stream *z = wr_zalloc(sizeof *z);
    if (z == NULL) {
        return fail(gunzip, WEIR_ENOMEM, "out of memory");
    }
    z->zalloc = wr_zlib_alloc;
    z->zfree = wr_zlib_free;
    /* 16: gzip only. Negative bits mean raw; they are set when a deflate stream has no wrapper. */
    int bits = kind == WR_GUNZIP_GZIP ? MAX_WBITS + 16 : MAX_WBITS;
    if (wr_fault("inflateInit2") || inflateInit2(z, bits) != Z_OK) {
        wr_free(z);
        return fail(gunzip, WEIR_ENOMEM, "out of memory");
    }
    gunzip->zlib = z;
    return 0;
}

void wr_gunzip_fini(struct wr_gunzip *gunzip)
{
    if (gunzip->zlib != NULL) {
        inflateEnd(gunzip->zlib);
        wr_free(gunzip->zlib);
        gunzip->zlib = NULL;
    }
}

/* RFC 1950: method 8, window at most 32 KiB, the two bytes are a multiple of 31. A raw stream that
 * begins in this way by chance is a stored block with reserved bits, or a fixed block that encoders
 * hardly ever write. */
static bool looks_like_zlib(const uint8_t *peek)
{
    return (peek[0] & 15) == 8 && peek[0] >> 4 <= 7 && (peek[0] << 8 | peek[1]) % 31 == 0;
}

static int after_inflate(struct wr_gunzip *g, int rc)
{
    switch (rc) {
    case Z_STREAM_END: g->state = BETWEEN; return 0;
    case Z_OK:
    case Z_BUF_ERROR: /* no progress is possible with this input and room */ return 0;
    case Z_MEM_ERROR: return fail(g, WEIR_ENOMEM, "out of memory");
    case Z_NEED_DICT: return fail(g, WEIR_EPARSE, "needs a dictionary");
    default:
        return fail(g, WEIR_EPARSE, g->zlib->msg != NULL ? g->zlib->msg : "bad compressed data");
    }
}

/* Count input, and the output that it gave. */
static int count_vain(struct wr_gunzip *g, size_t used, size_t made)
{
    g->vain_bytes = made > 0 ? 0 : g->vain_bytes + used;
    return g->vain_bytes <= WR_GUNZIP_VAIN_BYTES
               ? 0
               : fail(g, WEIR_EPARSE, "16 MiB of it have no content");
}

static int check_limits(struct wr_gunzip *g)
{
    if (g->out_bytes_max != 0 && g->out_bytes > g->out_bytes_max) {
        return fail(g, WEIR_ETOOLONG, "the decoded data is over the limit");
    }
    if (g->out_bytes > g->grace_bytes && g->out_bytes / g->ratio_max > g->in_bytes) {
        return fail(g, WEIR_ETOOLONG, "compression ratio too high (possible decompression bomb)");
    }
    return 0;
}

/* One call of inflate over [in, in+len) into [out, out+cap). */
static int inflate_some(struct wr_gunzip *g, const uint8_t *in, size_t len, size_t *in_used,
                        uint8_t *out, size_t cap, size_t *out_used)
{
    z_stream *z = g->zlib;
    uint8_t scratch;
    bool at_limit = g->out_bytes_max != 0 && g->out_bytes == g->out_bytes_max;
    if (at_limit) {
        out = &scratch;
        cap = 1;
    } else if (g->out_bytes_max != 0) {
        cap = (size_t)WR_MIN((uint64_t)cap, g->out_bytes_max - g->out_bytes);
    }
    z->next_in = in;
    z->avail_in = (unsigned)WR_MIN(len, (size_t)PIECE_MAX);
    z->next_out = out;
    z->avail_out = (unsigned)WR_MIN(cap, (size_t)PIECE_MAX);
    int rc = wr_fault("inflate") ? Z_MEM_ERROR : inflate(z, Z_NO_FLUSH);
    size_t made = (size_t)(z->next_out - out);
    *in_used = (size_t)(z->next_in - in);
    *out_used = at_limit ? 0 : made;
    g->in_bytes += *in_used;
    g->out_bytes += made;
    /* The limit first: the same call may also have found bad data after it. */
    int failed = check_limits(g);
    failed = failed == 0 ? count_vain(g, *in_used, made) : failed;
    return failed < 0 ? failed : after_inflate(g, rc);
}

/* Keep the first two bytes of a deflate stream, then choose the kind. True: continue; false: more
 * input is needed. */
static bool peek(struct wr_gunzip *g, const uint8_t *in, size_t len, size_t *in_used)
{
    while (g->peek_len < 2 && *in_used < len) {
        g->peek[g->peek_len++] = in[(*in_used)++];
    }
    if (g->peek_len < 2) {
        return false;
    }
    if (!looks_like_zlib(g->peek)) {
        inflateReset2(g->zlib, -MAX_WBITS);
    }
    size_t used = 0;
    size_t none = 0;
    uint8_t scratch;
    /* No stream ends or gives output before its second byte is read, so inflate takes both bytes
     * without any room. */
    int failed = inflate_some(g, g->peek, 2, &used, &scratch, 0, &none);
    WR_ASSERT(failed < 0 || used == 2, "inflate left a byte of the header");
    return true;
}

/* After a member: the next one, or zeros to the end. */
static void between(struct wr_gunzip *g, const uint8_t *in, size_t len, size_t *in_used)
{
    if (g->kind == WR_GUNZIP_GZIP && g->state == BETWEEN && in[*in_used] != 0) {
        inflateReset(g->zlib);
        g->state = MEMBER; /* inflate itself reports an invalid header */
        return;
    }
    g->state = PADDING;
    size_t from = *in_used;
    while (*in_used < len) {
        if (in[*in_used] != 0) {
            fail(g, WEIR_EPARSE, "unexpected data after the compressed data");
            return;
        }
        ++*in_used;
    }
    (void)count_vain(g, *in_used - from, 0);
}

int wr_gunzip_step(struct wr_gunzip *gunzip, const void *in, size_t in_len, size_t *in_used,
                   void *out, size_t out_cap, size_t *out_used)
{
    const uint8_t *from = in;
    uint8_t *to = out;
    WR_ASSERT(out_cap > 0, "no room for output");
    *in_used = 0;
    *out_used = 0;
    while (gunzip->failure == 0) {
        size_t used = 0;
        size_t made = 0;
        if (gunzip->state == START && *in_used == in_len) {
            return WR_GUNZIP_NEED_INPUT;
        }
        if (gunzip->state == BETWEEN || gunzip->state == PADDING) {
            if (*in_used == in_len) {
                return WR_GUNZIP_NEED_INPUT;
            }
            between(gunzip, from, in_len, in_used);
            continue;
        }
        if (gunzip->kind == WR_GUNZIP_DEFLATE && gunzip->peek_len < 2) {
            gunzip->state = MEMBER;
            if (!peek(gunzip, from, in_len, in_used)) {
                return WR_GUNZIP_NEED_INPUT;
            }
            continue;
        }
        gunzip->state = MEMBER;
        if (*out_used == out_cap) {
            return WR_GUNZIP_MORE_OUTPUT;
        }
        inflate_some(gunzip, from + *in_used, in_len - *in_used, &used, to + *out_used,
                     out_cap - *out_used, &made);
        *in_used += used;
        *out_used += made;
        if (gunzip->failure == 0 && gunzip->state == MEMBER && *in_used == in_len &&
            *out_used < out_cap) {
            bool at_limit =
                gunzip->out_bytes_max != 0 && gunzip->out_bytes == gunzip->out_bytes_max;
            if (!at_limit || (used == 0 && made == 0)) {
                return WR_GUNZIP_NEED_INPUT;
            }
        }
    }
    return gunzip->failure;
}

int wr_gunzip_finish(const struct wr_gunzip *gunzip)
{
    if (gunzip->failure != 0) {
        return gunzip->failure;
    }
    return gunzip->state == MEMBER ? WEIR_ETRUNCATED : 0;
}
