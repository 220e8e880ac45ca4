/*
 * support_positions.h - positions whose text is their number.
 */
#ifndef WR_SUPPORT_POSITIONS_H
#define WR_SUPPORT_POSITIONS_H

#include <stdio.h>

#include "bytes_origin.h"

static inline size_t wr_test_positions_text(struct wr_positions *positions, uint64_t number,
                                            char *to, size_t cap)
{
    (void)positions;
    return (size_t)snprintf(to, cap, "at %llu", (unsigned long long)number);
}

static inline void wr_test_positions_drop(struct wr_positions *positions)
{
    (void)positions;
}

static inline void wr_test_keep_positions(struct wr_origin *origin, uint64_t start)
{
    static const struct wr_positions_ops ops = {.text = wr_test_positions_text,
                                                .drop = wr_test_positions_drop};
    static struct wr_positions positions = {.ops = &ops};
    wr_origin_keep_positions(origin, &positions, start);
}

#endif
