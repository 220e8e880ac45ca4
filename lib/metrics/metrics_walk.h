/*
 * metrics_walk.h - the description of one object of a loop, which weir_walk, weir_why and weir_dump
 * share. Internal.
 */
#ifndef WR_METRICS_WALK_H
#define WR_METRICS_WALK_H

#include <weir/metrics.h>

#include "flow_gen.h"
#include "flow_sink.h"

/* A node during its visit, with its private data. */
struct wr_seen {
    weir_node node;
    bool own_words; /* `why` is the object's own text, not what a task waits for */
    const struct wr_task *task;
    char words[640]; /* the memory of `why` */
};

void wr_see_gen(struct wr_seen *seen, const struct weir_gen *gen);
void wr_see_sink(struct wr_seen *seen, const struct weir_sink *sink);
/* The tasks that weir_walk visits in a scope and below it. */
size_t wr_tasks_seen(const struct weir_scope *top);
/* The upstream that `gen` waits for; NULL: none. */
const struct weir_gen *wr_waits_upstream(const struct weir_gen *gen);

#endif
