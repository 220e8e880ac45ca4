/*
 * codec_lines.h - the framers of lines and of texts that end with NUL (codec_framer.h); the ways of
 * searching.
 */
#ifndef WR_CODEC_LINES_H
#define WR_CODEC_LINES_H

#include "codec_framer.h"

extern const struct wr_framer_ops wr_lines_framer, wr_nul_framer;

/*
 * The number of ways of searching on this machine, from the simplest to the fastest. The fastest is
 * used unless a test selects another. They differ in speed only.
 */
unsigned wr_lines_ways(void);
void wr_lines_use(unsigned way);

#endif
