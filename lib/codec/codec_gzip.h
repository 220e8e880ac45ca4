/*
 * codec_gzip.h - content decoding: gzip and deflate, sans-I/O, pull-driven, bounded.
 *
 * The idea. The caller gives the input and the room that it has. Nothing is produced without a
 * request, so a reader that stops also stops the decoder. A decompression bomb is recognised by its
 * output: an absolute limit, and a limit on the ratio of output to input, which applies after
 * grace_bytes of output. Input without end that gives no output (empty members, zeros) is stopped
 * after WR_GUNZIP_VAIN_BYTES. For several encodings on top of each other the caller chains several
 * decoders.
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
    WR_GUNZIP_GZIP,   /* "gzip", "x-gzip": one member after another, zero padding after the last */
    WR_GUNZIP_DEFLATE /* "deflate": in a zlib wrapper, or raw as some servers send it; the first two
                         bytes decide */
};

enum {
    WR_GUNZIP_RATIO_MAX = 1000, /* deflate itself reaches 1032 */
    WR_GUNZIP_GRACE_BYTES = 10 * 1024 * 1024,
    WR_GUNZIP_VAIN_BYTES = 16 * 1024 * 1024
};

struct wr_gunzip {
    enum wr_gunzip_kind kind;
    struct z_stream_s *zlib;
    uint64_t out_bytes_max; /* 0: none */
    uint64_t ratio_max;
    uint64_t grace_bytes;         /* of output, before the ratio counts */
    uint64_t in_bytes, out_bytes; /* so far */
    uint64_t vain_bytes;          /* of input since the last output */
    int state;
    int failure;     /* 0, or the code that each later step returns */
    uint8_t peek[2]; /* the first bytes of a deflate stream, until its kind is clear */
    uint8_t peek_len;
    const char *reason; /* of the failure, for messages */
};

enum {
    WR_GUNZIP_MORE_OUTPUT = 0, /* the room is full, there may be more output: call again */
    WR_GUNZIP_NEED_INPUT = 1   /* all input is used and all of its output is returned */
};

/* ratio_max 0: WR_GUNZIP_RATIO_MAX; grace_bytes 0: WR_GUNZIP_GRACE_BYTES. 0 or WEIR_ENOMEM; fini is
 * allowed after both. */
int wr_gunzip_init(struct wr_gunzip *gunzip, enum wr_gunzip_kind kind, uint64_t out_bytes_max,
                   uint64_t ratio_max, uint64_t grace_bytes);
/* Does nothing to a zeroed one. */
void wr_gunzip_fini(struct wr_gunzip *gunzip);

/*
 * Decode some input. Output that was produced is valid even when an error is returned with it.
 *
 * out_cap  at least 1.
 * Returns  MORE_OUTPUT, NEED_INPUT, WEIR_EPARSE (bad data, or something other than zeros after the
 * end), WEIR_ETOOLONG (a limit), WEIR_ENOMEM.
 */
int wr_gunzip_step(struct wr_gunzip *gunzip, const void *in, size_t in_len, size_t *in_used,
                   void *out, size_t out_cap, size_t *out_used);

/* Call this when the input has ended and step has asked for more. 0: at the end of a member, or
 * there was no input at all (servers send an empty body in this way). WEIR_ETRUNCATED: inside a
 * member. After a failure: its code. */
int wr_gunzip_finish(const struct wr_gunzip *gunzip);

#endif
