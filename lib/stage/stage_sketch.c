/*
 * stage_sketch.c - quantiles and the number of different texts (stage_sketch.h). It suspends nowhere.
 */
#include "stage_sketch.h"

#include <float.h>
#include <math.h>
#include <string.h>

#include "base_error.h"

enum {
    BUCKETS_FIRST = 8,
    BUCKETS_MAX = 2048,
    PLACES_FIRST = 8,
    INDEX_BITS = 12,
    REGISTERS = 1 << INDEX_BITS
};

/* ---- quantiles */

/* log((1 + 0.01) / (1 - 0.01)): from one border to the next. */
static const double log_border = 0.020000666706669543;

static int32_t bucket_of(double size)
{
    return (int32_t)ceil(log(size) / log_border);
}

/* The number of a bucket that is relatively as far from its lowest as from its highest number. */
static double bucket_middle(int32_t bucket)
{
    return exp(bucket * log_border) * (1 - 0.01);
}

/* The highest and the lowest bucket that something was counted in. */
static void used(const struct wr_buckets *buckets, int32_t *low, int32_t *high)
{
    uint32_t from = 0, to = buckets->count;
    while (from < to && buckets->counts[from] == 0) {
        from++;
    }
    while (to > from && buckets->counts[to - 1] == 0) {
        to--;
    }
    *low = buckets->first + (int32_t)from;
    *high = buckets->first + (int32_t)to - 1;
}

/* Move the counts so that the buckets begin at `first`: what lies below counts there. */
static void move(const struct wr_buckets *from, uint64_t *to, uint32_t count, int32_t first)
{
    int32_t by = from->first - first;
    if (by > 0) { /* up, from the highest: `to` may be the same */
        for (uint32_t i = count; i-- > 0;) {
            int32_t at = (int32_t)i - by;
            to[i] = at >= 0 && at < (int32_t)from->count ? from->counts[at] : 0;
        }
        return;
    }
    uint64_t below = 0;
    for (int32_t i = 0; i < -by && i < (int32_t)from->count; i++) {
        below += from->counts[i];
    }
    for (uint32_t i = 0; i < count; i++) {
        int64_t at = (int64_t)i - by;
        to[i] = at < (int64_t)from->count ? from->counts[at] : 0;
    }
    to[0] += below;
}

/* Make room for a bucket that is none of them, so that at most BUCKETS_MAX from the highest down are
 * told apart. */
static bool reach(struct wr_buckets *buckets, struct wr_arena *arena, int32_t bucket)
{
    int32_t low = bucket, high = bucket;
    if (buckets->count > 0) {
        used(buckets, &low, &high);
    }
    bool lower = bucket < low;
    low = WR_MIN(low, bucket);
    high = WR_MAX(high, bucket);
    low = WR_MAX(low, high - BUCKETS_MAX + 1);
    uint32_t need = (uint32_t)(high - low) + 1;
    uint32_t count = WR_MIN(WR_MAX(need, WR_MAX(buckets->count * 2, BUCKETS_FIRST)), BUCKETS_MAX);
    uint64_t *counts =
        count > buckets->count ? wr_arena_alloc(arena, count * sizeof *counts) : buckets->counts;
    if (counts == NULL) {
        return false;
    }
    int32_t first = lower ? high - (int32_t)count + 1 : low; /* spare ones where it grows */
    move(buckets, counts, count, first);
    *buckets = (struct wr_buckets){counts, first, count};
    return true;
}

static bool count_in(struct wr_buckets *buckets, struct wr_arena *arena, int32_t bucket)
{
    int32_t place = bucket - buckets->first;
    if (place < 0 || place >= (int32_t)buckets->count) {
        int32_t low, high = bucket;
        if (buckets->count == BUCKETS_MAX) {
            used(buckets, &low, &high);
        }
        bucket = WR_MAX(bucket, high - BUCKETS_MAX + 1);
        place = bucket - buckets->first;
        if ((place < 0 || place >= (int32_t)buckets->count) && !reach(buckets, arena, bucket)) {
            return false;
        }
        place = bucket - buckets->first;
    }
    buckets->counts[place]++;
    return true;
}

bool wr_quantiles_add(struct wr_quantiles *quantiles, struct wr_arena *arena, double number)
{
    number = fmin(fmax(number, -DBL_MAX), DBL_MAX);
    if (number == 0) {
        quantiles->zeros++;
    } else if (!count_in(number > 0 ? &quantiles->above : &quantiles->below, arena,
                         bucket_of(fabs(number)))) {
        return false;
    }
    bool first = quantiles->total++ == 0;
    quantiles->least = first ? number : fmin(quantiles->least, number);
    quantiles->most = first ? number : fmax(quantiles->most, number);
    return true;
}

/* The estimate for the number at a rank, from 1. */
static double at_rank(const struct wr_quantiles *quantiles, uint64_t rank)
{
    uint64_t seen = 0;
    const struct wr_buckets *below = &quantiles->below;
    const struct wr_buckets *above = &quantiles->above;
    for (uint32_t i = below->count; i-- > 0;) { /* the largest sizes are the lowest numbers */
        seen += below->counts[i];
        if (seen >= rank) {
            return -bucket_middle(below->first + (int32_t)i);
        }
    }
    seen += quantiles->zeros;
    for (uint32_t i = 0; seen < rank && i < above->count; i++) {
        seen += above->counts[i];
        if (seen >= rank) {
            return bucket_middle(above->first + (int32_t)i);
        }
    }
    return 0;
}

double wr_quantiles_at(const struct wr_quantiles *quantiles, double share)
{
    double place = ceil(share * (double)quantiles->total);
    uint64_t rank = place < 1 ? 1 : (uint64_t)place;
    double number = at_rank(quantiles, WR_MIN(rank, quantiles->total));
    return fmin(fmax(number, quantiles->least), quantiles->most);
}

/* ---- different ones */

static void put_hash(uint64_t *hashes, uint32_t places, uint64_t hash, uint32_t *count)
{
    uint32_t place = (uint32_t)hash & (places - 1);
    while (hashes[place] != 0 && hashes[place] != hash) {
        place = (place + 1) & (places - 1);
    }
    *count += hashes[place] == 0;
    hashes[place] = hash;
}

static bool grow_hashes(struct wr_distinct *distinct, struct wr_arena *arena)
{
    uint32_t places = distinct->places > 0 ? distinct->places * 2 : PLACES_FIRST;
    uint64_t *hashes = wr_arena_alloc(arena, places * sizeof *hashes);
    uint32_t count = 0;
    if (hashes == NULL) {
        return false;
    }
    memset(hashes, 0, places * sizeof *hashes);
    for (uint32_t i = 0; i < distinct->places; i++) {
        if (distinct->hashes[i] != 0) {
            put_hash(hashes, places, distinct->hashes[i], &count);
        }
    }
    distinct->hashes = hashes;
    distinct->places = places;
    return true;
}

/* The register of a hash keeps how many zeros the rest of a hash has begun with at most, and one. */
static void note(uint8_t *registers, uint64_t hash)
{
    uint64_t rest = hash << INDEX_BITS | (UINT64_C(1) << (INDEX_BITS - 1));
    uint8_t zeros = (uint8_t)(__builtin_clzll(rest) + 1);
    uint8_t *at = &registers[hash >> (64 - INDEX_BITS)];
    *at = WR_MAX(*at, zeros);
}

static bool begin_registers(struct wr_distinct *distinct, struct wr_arena *arena)
{
    uint8_t *registers = wr_arena_alloc(arena, REGISTERS);
    if (registers == NULL) {
        return false;
    }
    memset(registers, 0, REGISTERS);
    for (uint32_t i = 0; i < distinct->places; i++) {
        if (distinct->hashes[i] != 0) {
            note(registers, distinct->hashes[i]);
        }
    }
    distinct->registers = registers;
    return true;
}

bool wr_distinct_add(struct wr_distinct *distinct, struct wr_arena *arena, uint64_t hash)
{
    hash += hash == 0;
    if (distinct->registers != NULL) {
        note(distinct->registers, hash);
        return true;
    }
    if (distinct->count * 2 >= distinct->places && !grow_hashes(distinct, arena)) {
        return false;
    }
    put_hash(distinct->hashes, distinct->places, hash, &distinct->count);
    if (distinct->count > WR_DISTINCT_EXACT) {
        (void)begin_registers(distinct, arena); /* without memory for them it stays exact */
    }
    return true;
}

uint64_t wr_distinct_count(const struct wr_distinct *distinct)
{
    double sum = 0;
    uint32_t empty = 0;
    if (distinct->registers == NULL) {
        return distinct->count;
    }
    for (uint32_t i = 0; i < REGISTERS; i++) {
        sum += ldexp(1, -distinct->registers[i]);
        empty += distinct->registers[i] == 0;
    }
    double count = 0.7213 / (1 + 1.079 / REGISTERS) * REGISTERS * REGISTERS / sum;
    if (count <= 2.5 * REGISTERS && empty > 0) { /* few: told by what is empty */
        count = REGISTERS * log((double)REGISTERS / empty);
    }
    return (uint64_t)llround(count);
}
