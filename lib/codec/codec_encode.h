/*
 * codec_encode.h - compression: gzip and zstd behind one interface. Sans-I/O, pull-driven.
 *
 * The idea. As in codec_decode.h, the caller gives the input and the room that it has. What was
 * given so far can be flushed, so that a reader can decode all of it, and a member or frame can be
 * ended; the next input then begins another one, and readers take them as one stream.
 *
 *     gzip   codec_gzip_write.c
 *     zstd   codec_zstd_write.c
 *
 * Lifetime.  init allocates gzip's memory, the first input zstd's; both until fini. An encoder must
 *            not move between them.
 */
#ifndef WR_CODEC_ENCODE_H
#define WR_CODEC_ENCODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "codec_memory.h"

enum wr_encode_how {
    WR_ENCODE_GO_ON = 0, /* more input follows: it may be held back */
    WR_ENCODE_FLUSH,     /* all of it so far becomes output */
    WR_ENCODE_END        /* ... and the member ends */
};

struct wr_encoder;

/* How one format is encoded. */
struct wr_encoding {
    const char *name;
    int level_max, level; /* from 1; the default */
    /* small: use little memory. False: no memory. */
    bool (*init)(struct wr_encoder *encoder, int level, bool small);
    /* Also after a failed init. */
    void (*fini)(struct wr_encoder *encoder);
    int (*encode)(struct wr_encoder *encoder, enum wr_encode_how how, const uint8_t *in, size_t len,
                  size_t *used, uint8_t *out, size_t cap, size_t *made);
};

extern const struct wr_encoding wr_encoding_gzip, wr_encoding_zstd;

struct wr_encoder {
    const struct wr_encoding *encoding;
    void *state; /* the encoding's own */
    struct wr_codec_memory memory;
};

/* level 0: the default. memory_bytes_max 0: no limit. 0; WEIR_ENOMEM; WEIR_EBUDGET: the limit. fini is
 * allowed after all of them, and for a zeroed one. */
int wr_encoder_init(struct wr_encoder *encoder, const struct wr_encoding *encoding, int level,
                    bool small, size_t memory_bytes_max);
void wr_encoder_fini(struct wr_encoder *encoder);
/*
 * Encode some input, as far as there is room; out_cap is at least 1, and to flush at least 16.
 *
 * Returns  1: all input is used, and what `how` asks for is done. 0: call again with what is left of
 *          the input, also if that is nothing, and the same `how`. WEIR_ENOMEM, WEIR_EBUDGET.
 */
int wr_encoder_step(struct wr_encoder *encoder, enum wr_encode_how how, const void *in,
                    size_t in_len, size_t *in_used, void *out, size_t out_cap, size_t *out_used);

#endif
