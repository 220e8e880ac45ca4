/*
 * codec_gzip_write.h - writing gzip. Sans-I/O, pull-driven.
 *
 * The idea. As in codec_gzip.h, the caller gives the input and the room that it has. A stream is
 * one member or several; the caller begins and ends each of them. The window is small, so that a
 * thousand clients can have one encoder each: it is made for lines that are generated while they
 * are sent.
 *
 * Lifetime.  init allocates about 40 KiB; until fini.
 */
#ifndef WR_CODEC_GZIP_WRITE_H
#define WR_CODEC_GZIP_WRITE_H

#include <stdbool.h>
#include <stddef.h>

struct wr_gzip {
    struct z_stream_s *zlib;
};

enum wr_gzip_input { WR_GZIP_MORE_COMES, WR_GZIP_LAST };

enum wr_gzip_got {
    WR_GZIP_ROOM_USED,  /* the room is full: call again */
    WR_GZIP_INPUT_USED, /* all input is used; its output may come later */
    WR_GZIP_MEMBER_DONE /* after LAST: the member is complete */
};

/* 0 or WEIR_ENOMEM; fini is allowed after both, and for a zeroed one. */
int wr_gzip_init(struct wr_gzip *gzip);
void wr_gzip_fini(struct wr_gzip *gzip);
/* Encode some input. out_cap is at least 1. Repeat LAST until MEMBER_DONE. */
enum wr_gzip_got wr_gzip_step(struct wr_gzip *gzip, enum wr_gzip_input input, const void *in,
                              size_t in_len, size_t *in_used, void *out, size_t out_cap,
                              size_t *out_used);
/* After MEMBER_DONE: another member follows. */
void wr_gzip_next(struct wr_gzip *gzip);

#endif
