/*
 * codec_scan.h - searching many LFs at once, in the ways that this machine has. Internal to the
 * framer of lines.
 */
#ifndef WR_CODEC_SCAN_H
#define WR_CODEC_SCAN_H

#include "codec_framer.h"

/* Bytes a step, and positions a call. */
enum { WR_SCAN_BLOCK = 64, WR_FOUND_MAX = 128 };

struct wr_found {
    /* Of LFs, from the segment's start. Four full blocks may overshoot the batch, and stores come
     * in fours. */
    uint32_t positions[WR_FOUND_MAX + 4 * WR_SCAN_BLOCK + 8];
    size_t count;
    size_t searched; /* bytes from the segment's start */
};

/* Search [base, base+len), len >= WR_SCAN_BLOCK, until `want` LFs are found or the end is reached. */
typedef void wr_scan(const char *base, size_t len, size_t want, struct wr_found *found);

/*
 * Make lines of positions[0 .. count), four at a time, as long as none is over `limit`; `end` is
 * the offset of the byte after `origin` in the whole input. The position before the first one is
 * that of the LF before its line. Gives how many lines were made.
 */
typedef size_t wr_fours(const char *origin, const uint32_t *positions, size_t count, size_t limit,
                        uint64_t end, struct wr_frame *out);

struct wr_ways { /* of doing it on this machine */
    wr_scan *scan;
    wr_fours *fours; /* NULL: line by line */
};

/* The best that there is, unless a test has chosen another. */
const struct wr_ways *wr_ways_here(void);

#endif
