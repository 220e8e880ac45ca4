/*
 * base_alloc.c - the allocator behind every wr_alloc, and the call that replaces it with the
 * program's own.
 *
 * The whole process has two states. Before the first allocation, the program may choose the
 * allocator (weir_use_allocator). After it the choice is final, because memory from one allocator
 * must not be freed by another. The first allocation sets `in_use`. Relaxed order is enough for
 * this flag: it is a mistake to choose an allocator while another thread already works in weir, and
 * no memory order can repair that.
 *
 * Called from every layer and thread; never suspends, never calls back into weir. An allocation
 * asks its fault point first; when the point fails, the caller sees "out of memory". A size above
 * PTRDIFF_MAX is out of memory too: no object can be that large, and pointer differences inside it
 * would overflow. An allocation of zero bytes allocates one byte, so that NULL always means
 * failure.
 */
#include "base_alloc.h"

#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <weir/loop.h>

#include "base_fault.h"

enum { FIRST_ELEMENTS = 4 };

static weir_allocator custom; /* allocate == NULL: the C library's */
static atomic_bool in_use;

int weir_use_allocator(const weir_allocator *allocator)
{
    if (allocator == NULL || allocator->struct_size < sizeof(weir_allocator) ||
        !allocator->allocate || !allocator->reallocate || !allocator->release) {
        return WEIR_EINVAL;
    }
    if (atomic_load_explicit(&in_use, memory_order_relaxed)) {
        return WEIR_EINVAL;
    }
    custom = *allocator;
    return WEIR_OK;
}

/* True when an allocation of this size may be tried. */
static bool may_allocate(size_t bytes)
{
    /* Store only the first time: a cache line that every thread writes would move between their
     * caches all the time. */
    if (__builtin_expect(!atomic_load_explicit(&in_use, memory_order_relaxed), 0)) {
        atomic_store_explicit(&in_use, true, memory_order_relaxed);
    }
    return bytes <= PTRDIFF_MAX && !wr_fault("alloc");
}

void *wr_alloc(size_t bytes)
{
    if (!may_allocate(bytes)) {
        return NULL;
    }
    bytes += bytes == 0;
    return custom.allocate != NULL ? custom.allocate(custom.ctx, bytes) : malloc(bytes);
}

void *wr_zalloc(size_t bytes)
{
    if (custom.allocate != NULL) {
        void *memory = wr_alloc(bytes);
        return memory != NULL ? memset(memory, 0, bytes) : NULL;
    }
    if (!may_allocate(bytes)) {
        return NULL;
    }
    return calloc(1, bytes + (bytes == 0));
}

void *wr_realloc(void *old, size_t bytes)
{
    if (!may_allocate(bytes)) {
        return NULL;
    }
    bytes += bytes == 0;
    return custom.allocate != NULL ? custom.reallocate(custom.ctx, old, bytes)
                                   : realloc(old, bytes);
}

char *wr_strdup(const char *text)
{
    if (text == NULL) {
        return NULL;
    }
    size_t bytes = strlen(text) + 1;
    char *copy = wr_alloc(bytes);
    return copy != NULL ? memcpy(copy, text, bytes) : NULL;
}

void wr_free(void *memory)
{
    if (memory == NULL) {
        return;
    }
    if (custom.allocate != NULL) {
        custom.release(custom.ctx, memory);
    } else {
        free(memory);
    }
}

bool wr_grow(void *list, size_t size, size_t count, size_t *cap)
{
    void *old;
    if (count < *cap) {
        return true;
    }
    size_t more = *cap == 0 ? FIRST_ELEMENTS : *cap * 2;
    memcpy(&old, list, sizeof old); /* a pointer to a pointer of any type */
    void *new = wr_realloc(old, more * size);
    if (new == NULL) {
        return false;
    }
    memcpy(list, &new, sizeof new);
    *cap = more;
    return true;
}
