/*
 * codec_lines.h - the framers of lines and of what NUL ends (codec_framer.h); ways of searching.
 */
#ifndef WR_CODEC_LINES_H
#define WR_CODEC_LINES_H

#include "codec_framer.h"

extern const struct wr_framer_ops wr_lines_framer, wr_nul_framer;

/*
 * How many ways of searching this machine has, from the plainest to the best, which is used unless
 * a test says otherwise. They differ in speed only.
 */
unsigned wr_lines_ways(void);
void wr_lines_use(unsigned way);

#endif
