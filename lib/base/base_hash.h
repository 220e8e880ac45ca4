/*
 * base_hash.h - FNV-1a in 64 bits: tells texts apart where no attacker chooses them to collide.
 */
#ifndef WR_BASE_HASH_H
#define WR_BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

#define WR_HASH_BEGIN UINT64_C(14695981039346656037)

/* Add more bytes to a hash. */
static inline uint64_t wr_hash_add(uint64_t hash, const void *bytes, size_t len)
{
    const unsigned char *at = bytes;
    for (size_t i = 0; i < len; i++) {
        hash = (hash ^ at[i]) * 1099511628211u;
    }
    return hash;
}

static inline uint64_t wr_hash(const void *bytes, size_t len)
{
    return wr_hash_add(WR_HASH_BEGIN, bytes, len);
}

#endif
