/*
 * stage_sketch.h - what is known of many numbers or texts in little memory: quantiles, and how many
 * are different. Internal.
 *
 * Quantiles: numbers are counted in buckets whose borders grow by 2 %, so a quantile is at most 1 % away
 * from the number that a sorted list has at its place. The buckets reach from the largest number down
 * by a factor of 10^17; what is smaller counts as the smallest bucket. (Masson, Rim, Lee: DDSketch,
 * 2019.)
 *
 * Different ones: up to WR_DISTINCT_EXACT exactly, then by 4,096 registers with a standard error of
 * 1.6 %. (Flajolet and others: HyperLogLog, 2007.)
 *
 * All memory is the arena's: it is given back with it.
 */
#ifndef WR_STAGE_SKETCH_H
#define WR_STAGE_SKETCH_H

#include <stdint.h>

#include "expr_arena.h"

struct wr_buckets {
    uint64_t *counts; /* of the buckets first, first + 1 ... */
    int32_t first;
    uint32_t count;
};

/* Zeroed: empty. */
struct wr_quantiles {
    uint64_t total, zeros;
    double least, most;
    struct wr_buckets above, below; /* 0 */
};

/* false: no memory; nothing has changed. */
bool wr_quantiles_add(struct wr_quantiles *quantiles, struct wr_arena *arena, double number);
/* The number with `share` of all numbers at or below it; there is at least one. */
double wr_quantiles_at(const struct wr_quantiles *quantiles, double share);

enum { WR_DISTINCT_EXACT = 512 };

/* Zeroed: empty. */
struct wr_distinct {
    uint64_t *hashes; /* a table with a power of two of places, 0: free */
    uint32_t count, places;
    uint8_t *registers; /* not NULL: there are no hashes any more */
};

/* hash: of the text, in which all bits depend on all of it. false: no memory; nothing has changed. */
bool wr_distinct_add(struct wr_distinct *distinct, struct wr_arena *arena, uint64_t hash);
uint64_t wr_distinct_count(const struct wr_distinct *distinct);

#endif
