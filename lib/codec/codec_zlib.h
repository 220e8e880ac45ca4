/*
 * codec_zlib.h - lets zlib use weir's allocator. For the files that include zlib.h.
 */
#ifndef WR_CODEC_ZLIB_H
#define WR_CODEC_ZLIB_H

#include <stddef.h>
#include <stdint.h>

#include "base_alloc.h"

static inline void *wr_zlib_alloc(void *opaque, unsigned items, unsigned bytes)
{
    (void)opaque;
    if (bytes != 0 && items > SIZE_MAX / bytes) {
        return NULL;
    }
    return wr_alloc((size_t)items * bytes);
}

static inline void wr_zlib_free(void *opaque, void *memory)
{
    (void)opaque;
    wr_free(memory);
}

#endif
