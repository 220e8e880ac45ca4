/*
 * metrics_walk.h - what there is to tell about one thing of a loop: the one source of weir_walk,
 * weir_why and weir_dump. Internal.
 */
#ifndef WR_METRICS_WALK_H
#define WR_METRICS_WALK_H

#include <weir/metrics.h>

#include "flow_gen.h"
#include "flow_sink.h"

/* A node while it is visited, with what is not public. */
struct wr_seen {
    weir_node node;
    bool own_words; /* why is what it says of itself, and not what a wait is for */
    const struct wr_task *task;
    char words[640]; /* where why lies */
};

void wr_see_gen(struct wr_seen *seen, const struct weir_gen *gen);
void wr_see_sink(struct wr_seen *seen, const struct weir_sink *sink);
/* What `gen` reads and waits for; NULL: nothing of that. */
const struct weir_gen *wr_waits_upstream(const struct weir_gen *gen);

#endif
