/*
 * base_hash.h - FNV-1a in 64 bits: for telling texts apart where nobody chooses them to collide.
 */
#ifndef WR_BASE_HASH_H
#define WR_BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

static inline uint64_t wr_hash(const void *bytes, size_t len)
{
    const unsigned char *at = bytes;
    uint64_t hash = 14695981039346656037u;
    for (size_t i = 0; i < len; i++) {
        hash = (hash ^ at[i]) * 1099511628211u;
    }
    return hash;
}

#endif
