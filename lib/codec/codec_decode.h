/*
 * codec_decode.h - decompression: gzip, deflate, zstd, brotli and lz4 behind one interface, sans-I/O,
 * pull-driven, bounded.
 *
 * The idea. The caller gives the input and the room that it has. Nothing is produced without a
 * request, so a reader that stops also stops the decoder. A decompression bomb is recognised by its
 * output: an absolute limit, and a limit on the ratio of output to input, which applies after
 * grace_bytes of output. Input without end that gives no output (empty members, zeros) is stopped
 * after vain_bytes_max. The memory of a decoder is bounded: its window, and all of it. For
 * several encodings on top of each other the caller chains several decoders.
 *
 *     gzip     codec_gzip.c    one member after another; zeros after the last one
 *     deflate  codec_gzip.c    in a zlib wrapper, or raw as some servers send it
 *     zstd     codec_zstd.c    one frame after another, skippable ones too
 *     brotli   codec_brotli.c  one stream
 *     lz4      codec_lz4.c     one frame after another, skippable ones too
 *
 * Lifetime.  init allocates the small part, the first input the window; both until fini. A decoder
 *            must not move between them.
 * Failure.   A failed decoder stays failed.
 */
#ifndef WR_CODEC_DECODE_H
#define WR_CODEC_DECODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "codec_memory.h"

enum {
    WR_DECODE_RATIO_MAX = 1000, /* deflate itself reaches 1032 */
    WR_DECODE_GRACE_BYTES = 10 * 1024 * 1024,
    WR_DECODE_VAIN_BYTES = 16 * 1024 * 1024,
    /* What zstd uses up to level 19, and the limit of HTTP (RFC 9659). */
    WR_DECODE_WINDOW_BYTES = 8 * 1024 * 1024
};

struct wr_decode_limits {
    uint64_t out_bytes_max;    /* 0: none */
    uint64_t ratio_max;        /* 0: WR_DECODE_RATIO_MAX; UINT64_MAX: none */
    uint64_t grace_bytes;      /* of output, before the ratio counts; 0: WR_DECODE_GRACE_BYTES */
    uint64_t window_bytes_max; /* of zstd; 0: WR_DECODE_WINDOW_BYTES */
    uint64_t vain_bytes_max;   /* of input in a row without output; 0: WR_DECODE_VAIN_BYTES */
    size_t memory_bytes_max;   /* 0: none */
    /* What the caller's options for these limits are called, by enum wr_decode_option, for messages;
     * NULL: it has none. */
    const char *const *options;
};
enum wr_decode_option {
    WR_DECODE_OUT,
    WR_DECODE_RATIO,
    WR_DECODE_WINDOW,
    WR_DECODE_VAIN,
    WR_DECODE_OPTIONS
};

struct wr_coding;

struct wr_decoder {
    const struct wr_coding *coding;
    void *state; /* the coding's own */
    struct wr_codec_memory memory;
    struct wr_decode_limits limits;
    bool ignores_garbage;         /* what follows the last gzip member is left out, as gzip(1) does;
                                     the caller sets it after init */
    bool met_garbage;             /* ... and there was some, from garbage_at on */
    uint64_t garbage_at;          /* offset in the input */
    uint64_t in_bytes, out_bytes; /* so far */
    uint64_t vain_bytes;          /* of input since the last output */
    uint64_t member_bytes;        /* of input in the current member */
    uint64_t members;             /* that have ended */
    int phase;
    int failure; /* 0, or the code that each later step returns */
    char reason[224];
};

/* How one format is decoded. */
struct wr_coding {
    const char *name; /* "gzip": for messages */
    /* Allocate decoder->state from decoder->memory. False: no memory. */
    bool (*init)(struct wr_decoder *decoder);
    /* Also after a failed init. */
    void (*fini)(struct wr_decoder *decoder);
    /* Decode some of the input, as far as there is room; both may be empty. It uses all input, or
     * fills the room, or ends the member. member_bytes is what earlier calls have used of it.
     * Returns 1: the member has ended; 0: it continues; or the result of wr_decode_bad
     * or wr_decode_beyond. */
    int (*decode)(struct wr_decoder *decoder, const uint8_t *in, size_t len, size_t *used,
                  uint8_t *out, size_t cap, size_t *made);
    /* Begin the next member. NULL: there is only one. */
    void (*again)(struct wr_decoder *decoder);
    bool zeros_end;     /* after a member, zeros mean that no other one follows */
    size_t magic_bytes; /* with ignores_garbage: a later member that fails within them is garbage */
};

extern const struct wr_coding wr_coding_gzip, wr_coding_deflate, wr_coding_zstd, wr_coding_brotli,
    wr_coding_lz4;

/* The coding of a name in Content-Encoding, in any case: gzip, x-gzip, deflate, zstd, br. NULL:
 * another one. */
const struct wr_coding *wr_coding_of(const char *name, size_t len);

enum {
    WR_DECODE_MORE_OUTPUT = 0, /* the room is full, there may be more output: call again */
    WR_DECODE_NEED_INPUT = 1   /* all input is used and all of its output is returned */
};

/* limits NULL: the defaults. 0 or WEIR_ENOMEM; fini is allowed after both. */
int wr_decoder_init(struct wr_decoder *decoder, const struct wr_coding *coding,
                    const struct wr_decode_limits *limits);
/* Does nothing to a zeroed one. */
void wr_decoder_fini(struct wr_decoder *decoder);

/*
 * Decode some input. Output that was produced is valid even when an error is returned with it.
 *
 * out_cap  at least 1.
 * Returns  MORE_OUTPUT, NEED_INPUT, WEIR_EPARSE (bad data, or something after the end), WEIR_ETOOLONG
 * (a limit of output, ratio or window), WEIR_EBUDGET (memory_bytes_max), WEIR_ENOMEM.
 */
int wr_decoder_step(struct wr_decoder *decoder, const void *in, size_t in_len, size_t *in_used,
                    void *out, size_t out_cap, size_t *out_used);

/* Call this when the input has ended and step has asked for more. 0: at the end of a member, or
 * there was no input at all (servers send an empty body in this way): then in_bytes is 0.
 * WEIR_ETRUNCATED: inside a member. After a failure: its code. */
int wr_decoder_finish(struct wr_decoder *decoder);

/* After a failure: what is wrong with the input, which is called `what` ("body"). As snprintf. */
size_t wr_decoder_text(const struct wr_decoder *decoder, const char *what, char *to, size_t cap);

/* For a coding: the member is bad. Returns the code, or that of a failed allocation. */
int wr_decode_bad(struct wr_decoder *decoder, int code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* ... a limit is exceeded; the name of its option is added to the text. Returns the code. */
int wr_decode_beyond(struct wr_decoder *decoder, int code, enum wr_decode_option option,
                     const char *format, ...) __attribute__((format(printf, 4, 5)));
/* The member does not begin as the format has it. */
int wr_decode_bad_start(struct wr_decoder *decoder);

#endif
