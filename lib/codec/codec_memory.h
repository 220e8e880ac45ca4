/*
 * codec_memory.h - lets a compression library use weir's allocator, and counts what it holds.
 *
 * The libraries pass `opaque` back to the functions: it is the struct wr_codec_memory, which must
 * not move while they hold memory.
 */
#ifndef WR_CODEC_MEMORY_H
#define WR_CODEC_MEMORY_H

#include <stdbool.h>
#include <stddef.h>

struct wr_codec_memory {
    size_t used_bytes;  /* held now */
    size_t max_bytes;   /* 0: no limit */
    size_t asked_bytes; /* by the allocation that was over the limit; 0: none was */
    bool failed;        /* an allocation was refused */
};

/* For libraries that ask for bytes, and for those that ask for items. */
void *wr_codec_alloc(void *opaque, size_t bytes);
void *wr_codec_alloc_items(void *opaque, unsigned items, unsigned bytes);
/* data NULL: nothing to do. */
void wr_codec_free(void *opaque, void *data);

#endif
