/*
 * stage_aggregate.h - one total for each group of items: what count, sum, p99 and the like are made of.
 * Internal.
 *
 * Such a stage is two generators. The first one is an expression, which runs as one with those before
 * it (stage_fused.c): it makes of each item the text [VALUE,KEY...] that stage_groups.h reads. The
 * second one adds them up.
 */
#ifndef WR_STAGE_AGGREGATE_H
#define WR_STAGE_AGGREGATE_H

#include "stage_groups.h"
#include "stage_values.h"

struct wr_aggregate_kind {
    const char *name; /* of the component, and of the total in what it gives */
    enum wr_total total;
    double share; /* of QUANTILE */
};

struct wr_aggregate_args {
    const char *value; /* an expression; NULL: COUNT */
    weir_texts by;
    int64_t every_ms; /* 0: one total, at the end */
    int64_t groups_max;
};

/* Does it only count items, whatever they are? */
static inline bool wr_aggregate_counts(const struct wr_aggregate_args *args)
{
    return args->value == NULL && args->by.count == 0;
}

int wr_aggregate_check(const struct wr_aggregate_kind *kind, const weir_opening *opening,
                       const struct wr_aggregate_args *args, weir_mistake *mistake);
struct weir_gen *wr_aggregate_open(const struct wr_aggregate_kind *kind,
                                   const weir_opening *opening, WEIR_TAKES struct weir_gen *up,
                                   const struct wr_aggregate_args *args);

#endif
