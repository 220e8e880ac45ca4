/*
 * source_opening.h - what the components of sources read from a weir_opening. Internal.
 */
#ifndef WR_SOURCE_OPENING_H
#define WR_SOURCE_OPENING_H

#include <weir/module.h>

/* The byte at which the source is to begin. */
static inline int64_t wr_begin_at(const weir_opening *opening)
{
    const weir_begin *begin = opening->begin;
    return begin != NULL && begin->kind == WEIR_BEGIN_OFFSET ? begin->number : 0;
}

/* How lines are read when no framer follows the source. Lines are complete if a later component
 * reads their text; otherwise a long line may pass in pieces. */
static inline weir_lines_options wr_lines_of_opening(const weir_opening *opening)
{
    weir_lines_options options = WEIR_ZERO;
    options.struct_size = sizeof options;
    options.state = opening->state;
    options.overlong = opening->pieces   ? WEIR_LONG_PARTS
                       : opening->strict ? WEIR_LONG_FAILS
                                         : WEIR_LONG_SKIP;
    options.begin_at = wr_begin_at(opening);
    return options;
}

#endif
