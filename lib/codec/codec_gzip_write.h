/*
 * codec_gzip_write.h - writing gzip. Sans-I/O, pull-driven.
 *
 * The idea. As in codec_decode.h, the caller gives the room that it has; the input is whole. It
 * becomes one member. The window is small: the input is lines, which are similar to their
 * neighbours, and many requests may be packed at a time.
 *
 * Lifetime.  init allocates about 40 KiB; until fini. It must not move in between.
 */
#ifndef WR_CODEC_GZIP_WRITE_H
#define WR_CODEC_GZIP_WRITE_H

#include <stdbool.h>
#include <stddef.h>

#include "codec_memory.h"

struct wr_gzip {
    struct z_stream_s *zlib;
    struct wr_codec_memory memory;
};

/* 0 or WEIR_ENOMEM; fini is allowed after both, and for a zeroed one. */
int wr_gzip_init(struct wr_gzip *gzip);
void wr_gzip_fini(struct wr_gzip *gzip);
/* Encode the rest of the input, as far as there is room; out_cap is at least 1. True: the member is
 * complete. False: call again with what is left of the input, also if that is nothing. */
bool wr_gzip_step(struct wr_gzip *gzip, const void *in, size_t in_len, size_t *in_used, void *out,
                  size_t out_cap, size_t *out_used);

#endif
