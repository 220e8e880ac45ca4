/*
 * support_positions.h - positions whose text is their number.
 */
#ifndef WR_SUPPORT_POSITIONS_H
#define WR_SUPPORT_POSITIONS_H

#include <stdio.h>
#include <stdlib.h>

#include "bytes_origin.h"
#include "support_check.h"

static inline size_t wr_test_positions_text(struct wr_positions *positions, uint64_t number,
                                            char *to, size_t cap)
{
    (void)positions;
    return (size_t)snprintf(to, cap, "at %llu", (unsigned long long)number);
}

static inline void wr_test_positions_drop(struct wr_positions *positions)
{
    free(positions);
}

static inline void wr_test_keep_positions(struct wr_origin *origin, uint64_t start)
{
    static const struct wr_positions_ops ops = {.text = wr_test_positions_text,
                                                .drop = wr_test_positions_drop};
    struct wr_positions *positions = calloc(1, sizeof *positions);
    ck_assert_ptr_nonnull(positions);
    positions->ops = &ops;
    wr_origin_keep_positions(origin, positions, start);
}

#endif
