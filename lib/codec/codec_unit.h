/*
 * codec_unit.h - what a number with a unit means that is written as people write it, "5min",
 * "10 megs", for messages that say what to type. Sans-I/O.
 */
#ifndef WR_CODEC_UNIT_H
#define WR_CODEC_UNIT_H

#include <stdbool.h>

#include "codec_text.h"

enum wr_unit { WR_UNIT_ANY, WR_UNIT_TIME, WR_UNIT_SIZE };

struct wr_unit_meant {
    enum wr_unit unit; /* TIME or SIZE */
    char number[32];   /* as a number, of seconds or of bytes: 300, 10485760 */
    char text[48];     /* as the pipeline language writes it: 5m, 10MiB */
};

/* Whether these bytes are a number with a unit, or several for a time: 1m30s. `unit`: which is wanted;
 * for ANY a lone m is minutes and a lone M is mebibytes. */
bool wr_unit_meant(struct wr_text text, enum wr_unit unit, struct wr_unit_meant *meant);

#endif
