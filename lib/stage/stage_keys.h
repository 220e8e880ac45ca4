/*
 * stage_keys.h - a bounded memory of keys: whether one was seen, among the last N or the last while.
 * Internal.
 *
 * The oldest key is forgotten first, when there are more than keys_max, when it is older than
 * within_ns, or when the keys need more than bytes_max. All bytes are charged to the loop's budget.
 */
#ifndef WR_STAGE_KEYS_H
#define WR_STAGE_KEYS_H

#include "bytes_block.h"

struct wr_keys_chunk;
struct wr_key;

struct wr_keys {
    size_t keys_max;   /* SIZE_MAX: no limit */
    int64_t within_ns; /* 0: no limit */
    size_t bytes_max;
    uint64_t secret[2];        /* for the hash: whoever chooses the keys must not know it */
    struct wr_budget *budget;  /* that is charged */
    struct wr_key **slots;     /* an open hash table, at most half full */
    size_t slots_count, count; /* keys in it */
    size_t bytes;              /* charged */
    uint64_t crowded_out;      /* keys that were forgotten because of bytes_max or the budget */
    struct wr_keys_chunk *oldest, *newest;
};

/* 1: the key is there. 0: it is new, and remembered from now on, even where only it fits.
 * WEIR_ENOMEM. */
int wr_keys_add(struct wr_keys *keys, const char *bytes, size_t len, int64_t now_ns);
void wr_keys_fini(struct wr_keys *keys);

#endif
