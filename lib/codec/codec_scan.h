/*
 * codec_scan.h - finds many LFs at once, in the ways that this machine has. Internal to the framer
 * of lines.
 */
#ifndef WR_CODEC_SCAN_H
#define WR_CODEC_SCAN_H

#include "codec_framer.h"

/* Bytes in a step, and positions in a call. */
enum { WR_SCAN_BLOCK = 64, WR_FOUND_MAX = 128 };

struct wr_found {
    /* Positions of LFs, from the segment's start. Four full blocks may give more than the batch,
     * and positions are stored four at a time. */
    uint32_t positions[WR_FOUND_MAX + 4 * WR_SCAN_BLOCK + 8];
    size_t count;
    size_t searched; /* bytes from the segment's start */
};

/* Search [base, base+len), len >= WR_SCAN_BLOCK, until `want` LFs are found or until the end. */
typedef void wr_scan(const char *base, size_t len, size_t want, struct wr_found *found);

/*
 * Make lines from positions[0 .. count), four at a time, until one is over `limit`. `end` is the
 * offset of the byte after `origin` in the whole input. positions[-1] is the LF before the first
 * line. Returns how many lines were made.
 */
typedef size_t wr_fours(const char *origin, const uint32_t *positions, size_t count, size_t limit,
                        uint64_t end, struct wr_frame *out);

struct wr_ways { /* one way of searching */
    wr_scan *scan;
    wr_fours *fours; /* NULL: line by line */
};

/* The fastest way of this machine, unless a test has selected another. */
const struct wr_ways *wr_ways_here(void);

#endif
