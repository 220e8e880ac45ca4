/*
 * codec_framer.h - framers: received bytes to items, sans-I/O.
 *
 * The caller keeps a window of bytes that begins where the last call said (`used`), and calls again
 * when more have been appended, or at the end of the input. A frame is a slice of the window:
 * nothing is copied. A framer that makes values of the bytes (sse) gives items instead, each in a
 * block of its own, and uses up all bytes at once.
 *
 *     lines     codec_lines.c    up to LF, one CR before it taken away
 *     nul       codec_records.c  up to NUL
 *     raw                        what is there, cut anywhere: each frame with WEIR_ITEM_BYTES
 *     len32                      4 bytes of length, big-endian, then so many
 *     varint                     a length as protobuf writes it, then so many
 *     fixed                      record_bytes each
 *     sse       codec_sse.c      events, as WHATWG HTML 9.2 reads them
 *
 * Limit. item_bytes_max counts an item without its end or length. What is longer is, by policy,
 * skipped and counted (SKIP), cut to the limit with the rest dropped (CUT), a failure (FAILS), or
 * given in pieces, each but the last with WEIR_ITEM_PART (PARTS).
 *
 * Promises. Items and counters do not depend on how the input was cut into windows; only where raw
 * and PARTS cut does. The raw_len of all frames and overlong_bytes add up to the input. No byte
 * outside the window is read. A byte is looked at a bounded number of times.
 */
#ifndef WR_CODEC_FRAMER_H
#define WR_CODEC_FRAMER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <weir/source.h>

#include "bytes_block.h"

struct wr_frame {
    const char *data; /* in the window */
    size_t len;       /* without line end or length */
    uint32_t flags;   /* WEIR_ITEM_CRLF, _NO_EOL, _TRUNCATED, _PART, _BYTES */
    uint32_t raw_len; /* bytes of the input that it took (of a cut one: what was kept) */
    /* Offset in the whole input of the byte after it. Of a cut line: after what was kept, as its
     * line end may not have come yet; who starts there again sets `dropping` after init. */
    uint64_t end;
};

struct wr_framer;
struct wr_sse;

struct wr_framer_ops {
    const char *item; /* "line": for messages */
    /* Cut the window [data, data+len). eof: nothing follows the window.
     * Fills up to max frames, in order; *used is how many bytes of the window are done with (the
     * next window begins there: data + *used, or the same bytes moved elsewhere). With eof, call
     * again until it gives 0 frames and used == len.
     *
     * Returns the number of frames, or a negative code, again on each later call: WEIR_ETOOLONG (by
     * policy; overlong_start says where), WEIR_EPARSE, WEIR_ETRUNCATED (`problem` says what). The
     * frames before it have been given by an earlier return. */
    long (*split)(struct wr_framer *framer, const char *data, size_t len, bool eof,
                  struct wr_frame *out, size_t max, size_t *used);
    /* In place of split, for one that makes values: each item has data, len, type, flags, and one
     * reference to its block, which the caller takes; ends[i] is the offset after it. Also
     * WEIR_ENOMEM and WEIR_EBUDGET: nothing is lost, call again. */
    long (*decode)(struct wr_framer *framer, struct wr_block_pool *pool, const char *data,
                   size_t len, bool eof, weir_item *out, uint64_t *ends, size_t max, size_t *used);
    /* How many of the window's first bytes make up whole items: what is behind them may have to
     * move to go on. looked: it is the window of the last call, with bytes appended. */
    size_t (*whole)(const struct wr_framer *framer, const char *data, size_t len, bool looked);
    /* At the end of the input what has no end of its own is an item all the same. */
    bool gives_half;
    /* Inside an item that is dropped a restart goes on where the bytes went, with `dropping` set;
     * else it begins again before that item. */
    bool restarts_inside;
};

struct wr_framer {
    const struct wr_framer_ops *ops;
    size_t item_bytes_max; /* SIZE_MAX: none but what a window can hold */
    int32_t overlong;      /* WEIR_LONG_... */
    bool dropping;         /* inside an overlong item, dropping what is left of it */
    bool open;             /* the last frame was a piece of an item that goes on */
    size_t scanned;        /* bytes of the window already looked at, without the end of an item */
    size_t need;     /* so many bytes of the window the item at its begin takes; 0: not known yet */
    uint64_t offset; /* of the window's first byte in the whole input */
    uint64_t left;   /* len32, varint: bytes of the record that is dropped or given in pieces */
    size_t record_bytes; /* fixed */
    size_t mean_len;     /* lines: running mean of the lengths, picks the search */
    struct wr_sse *sse;
    int failed;               /* the code that it has failed with */
    const char *problem;      /* ... and what is wrong; "the input ends inside a record" */
    uint64_t overlong_start;  /* offset of the overlong item being dropped, or last dropped */
    uint64_t overlong_count;  /* overlong items so far */
    uint64_t overlong_bytes;  /* bytes dropped with them, line ends and lengths included */
    uint64_t overlong_before; /* ... before the latest of them */
    uint64_t overlong_extra;  /* of the latest: those of its line end or length */
};

/*
 * item_bytes_max 0 is a limit of 0; SIZE_MAX none. record_bytes: for fixed, at least 1. offset:
 * where in the whole input the first byte lies.
 *
 * Returns 0 or WEIR_ENOMEM (sse): it gives nothing then but may be given to wr_framer_fini.
 */
int wr_framer_init(struct wr_framer *framer, int32_t kind, size_t item_bytes_max, int32_t overlong,
                   size_t record_bytes, uint64_t offset);
void wr_framer_fini(struct wr_framer *framer);
/* The bytes go on at `offset`, as a new window. same: it is where the last window's unused bytes
 * began, so an item that is dropped or given in pieces goes on; else a new item begins there. */
void wr_framer_restart(struct wr_framer *framer, uint64_t offset, bool same);
/* Where a restart has to begin: the offset of the window, or, where bytes of an unfinished value were
 * used up, of that value's begin. */
uint64_t wr_framer_restart_at(const struct wr_framer *framer);
/* What it holds beside the window: the value that is being made; NULL: none. */
struct weir_block *wr_framer_block(const struct wr_framer *framer);

#endif
