/*
 * test_base_sort.c - indices in the order of what they are indices of.
 */
#include "base_sort.h"
#include "support_check.h"

/* By the tens: equal ones must stay in their order. */
static int by_tens(const void *of, uint32_t a, uint32_t b)
{
    const unsigned *values = of;
    return (int)(values[a] / 10) - (int)(values[b] / 10);
}

TEST(equal_ones_stay_in_their_order)
{
    static const unsigned values[] = {31, 10, 35, 12, 90, 1, 11};
    uint32_t indices[] = {0, 1, 2, 3, 4, 5, 6}, spare[7];
    static const uint32_t sorted[] = {5, 1, 3, 6, 0, 2, 4};
    wr_sort_indices(indices, spare, 7, by_tens, values);
    ck_assert_mem_eq(indices, sorted, sizeof sorted);
}

TEST(any_number_of_indices_is_sorted)
{
    unsigned values[70];
    for (uint32_t count = 0; count <= 70; count++) {
        uint32_t indices[70], spare[70];
        for (uint32_t i = 0; i < count; i++) {
            values[i] = i * 7919 % 71 * 10;
            indices[i] = i;
        }
        wr_sort_indices(indices, spare, count, by_tens, values);
        for (uint32_t i = 1; i < count; i++) {
            ck_assert_uint_lt(values[indices[i - 1]], values[indices[i]]);
        }
    }
}

MAIN("base/sort")
