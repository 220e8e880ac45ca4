/*
 * base_sort.c - a merge sort (base_sort.h). Each pass merges pairs of runs from one array into the
 * other.
 */
#include "base_sort.h"

#include <string.h>

#include "base_error.h"

static void merge(const uint32_t *from, uint32_t *to, size_t middle, size_t count, wr_order *order,
                  const void *of)
{
    size_t left = 0, right = middle;
    for (size_t i = 0; i < count; i++) {
        bool first = right == count || (left < middle && order(of, from[left], from[right]) <= 0);
        to[i] = first ? from[left++] : from[right++];
    }
}

void wr_sort_indices(uint32_t *indices, uint32_t *spare, size_t count, wr_order *order,
                     const void *of)
{
    uint32_t *from = indices, *to = spare;
    for (size_t run = 1; run < count; run *= 2) {
        for (size_t low = 0; low < count; low += 2 * run) {
            size_t left = count - low;
            merge(from + low, to + low, WR_MIN(run, left), WR_MIN(2 * run, left), order, of);
        }
        uint32_t *swap = from;
        from = to;
        to = swap;
    }
    if (from != indices) {
        memcpy(indices, from, count * sizeof *indices);
    }
}
