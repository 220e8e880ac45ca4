/*
 * base_sort.h - sorts numbers, which are indices of what is compared: by merging runs of growing
 * length, stable, without recursion, in n log n comparisons whatever the input is.
 */
#ifndef WR_BASE_SORT_H
#define WR_BASE_SORT_H

#include <stddef.h>
#include <stdint.h>

/* Below, equal to or above 0, as a stands before b, is equal to it or stands behind it. */
typedef int wr_order(const void *of, uint32_t a, uint32_t b);

/* spare: room for `count` numbers, too. */
void wr_sort_indices(uint32_t *indices, uint32_t *spare, size_t count, wr_order *order,
                     const void *of);

#endif
