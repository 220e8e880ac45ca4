/*
 * codec_memory.c - memory for compression libraries.
 *
 * Each allocation has its size before it, because most of the libraries do not say it when they
 * free. Nothing here suspends.
 */
#include "codec_memory.h"

#include <stdint.h>

#include "base_alloc.h"

struct piece {
    _Alignas(max_align_t) size_t bytes;
    _Alignas(max_align_t) char data[];
};

void *wr_codec_alloc(void *opaque, size_t bytes)
{
    struct wr_codec_memory *memory = opaque;
    bool fits = memory->max_bytes == 0 ||
                (bytes <= memory->max_bytes && memory->used_bytes <= memory->max_bytes - bytes);
    struct piece *piece =
        fits && bytes <= SIZE_MAX - sizeof *piece ? wr_alloc(sizeof *piece + bytes) : NULL;
    if (piece == NULL) {
        memory->failed = true;
        memory->asked_bytes = fits ? 0 : bytes;
        return NULL;
    }
    piece->bytes = bytes;
    memory->used_bytes += bytes;
    return piece->data;
}

void *wr_codec_alloc_items(void *opaque, unsigned items, unsigned bytes)
{
    return wr_codec_alloc(opaque, (size_t)items * bytes);
}

void wr_codec_free(void *opaque, void *data)
{
    struct wr_codec_memory *memory = opaque;
    if (data != NULL) {
        struct piece *piece = (struct piece *)((char *)data - offsetof(struct piece, data));
        memory->used_bytes -= piece->bytes;
        wr_free(piece);
    }
}
