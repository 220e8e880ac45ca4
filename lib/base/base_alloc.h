/*
 * base_alloc.h - the only way weir allocates memory.
 *
 * Every allocation of the library uses these functions, so that a program can supply its own
 * allocator (weir_use_allocator) and a test can make the k-th allocation fail (base_fault.h). NULL
 * means out of memory; every caller handles it. wr_free(NULL) is allowed. Stacks are mapped and
 * blocks are pooled elsewhere, with the same fault counter.
 */
#ifndef WR_BASE_ALLOC_H
#define WR_BASE_ALLOC_H

#include <stdbool.h>
#include <stddef.h>

void *wr_alloc(size_t bytes) __attribute__((malloc, alloc_size(1), warn_unused_result));
/* Zeroed. */
void *wr_zalloc(size_t bytes) __attribute__((malloc, alloc_size(1), warn_unused_result));
/* As realloc: on failure `old` is untouched. */
void *wr_realloc(void *old, size_t bytes) __attribute__((alloc_size(2), warn_unused_result));
/* NULL returns NULL and is not a failure: test the result only when `text` was not NULL. */
char *wr_strdup(const char *text) __attribute__((malloc, warn_unused_result));
void wr_free(void *memory);
/* Make room for one more element of `size` bytes in an array. `list` points to the pointer to the
 * array. False: out of memory, nothing changed. */
bool wr_grow(void *list, size_t size, size_t count, size_t *cap);

#endif
