/*
 * codec_gzip.h - content decoding: gzip and deflate, sans-I/O, pull-driven, bounded.
 *
 * The idea. The caller gives input it has and room it has; nothing is produced that was not asked
 * for, so a reader that stops also stops the decoder. A bomb is recognised by its output: an
 * absolute limit, and a ratio of output to input once a stretch of grace is over. Several encodings
 * on top of each other are several decoders, chained by the caller.
 *
 * Lifetime.  init allocates about 7 KiB, the first output 32 KiB more; both until fini.
 * Failure.   A failed decoder stays failed.
 */
#ifndef WR_CODEC_GZIP_H
#define WR_CODEC_GZIP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum wr_gunzip_kind {
    WR_GUNZIP_GZIP, /* "gzip", "x-gzip": one member after another, zero padding behind the last one
                     */
    WR_GUNZIP_DEFLATE /* "deflate": in a zlib wrapper, or raw as some servers send it; told by the
                         first two bytes */
};

enum {
    WR_GUNZIP_RATIO_MAX = 1000, /* deflate itself reaches 1032 */
    WR_GUNZIP_GRACE_BYTES = 10 * 1024 * 1024
};

struct wr_gunzip {
    enum wr_gunzip_kind kind;
    struct z_stream_s *zlib;
    uint64_t out_bytes_max; /* 0: none */
    uint64_t ratio_max;
    uint64_t grace_bytes;         /* of output, before the ratio counts */
    uint64_t in_bytes, out_bytes; /* so far */
    int state;
    int failure;     /* 0, or the code that step goes on to return */
    uint8_t peek[2]; /* the first bytes of a deflate stream, until its kind is clear */
    uint8_t peek_len;
    const char *reason; /* of the failure, for messages */
};

enum {
    WR_GUNZIP_MORE_OUTPUT = 0, /* the room was used up, more may come: call again */
    WR_GUNZIP_NEED_INPUT = 1   /* all input was used; what it holds has been given */
};

/* ratio_max 0: WR_GUNZIP_RATIO_MAX; grace_bytes 0: WR_GUNZIP_GRACE_BYTES. 0 or WEIR_ENOMEM; fini is
 * allowed after both. */
int wr_gunzip_init(struct wr_gunzip *gunzip, enum wr_gunzip_kind kind, uint64_t out_bytes_max,
                   uint64_t ratio_max, uint64_t grace_bytes);
/* Does nothing to a zeroed one. */
void wr_gunzip_fini(struct wr_gunzip *gunzip);

/*
 * Decode some. Output that was produced counts also when an error is returned with it.
 *
 * out_cap  at least 1.
 * Returns  MORE_OUTPUT, NEED_INPUT, WEIR_EPARSE (bad data, or something other than zeros behind the
 * end), WEIR_ETOOLONG (a limit), WEIR_ENOMEM.
 */
int wr_gunzip_step(struct wr_gunzip *gunzip, const void *in, size_t in_len, size_t *in_used,
                   void *out, size_t out_cap, size_t *out_used);

/* The input has ended, and step has asked for more. 0: at the end of a member, or there was no
 * input at all (an empty body is sent as such); WEIR_ETRUNCATED; after a failure, its code. */
int wr_gunzip_finish(const struct wr_gunzip *gunzip);

#endif
