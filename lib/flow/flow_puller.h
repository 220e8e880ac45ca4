/*
 * flow_puller.h - a task that pulls a generator on behalf of its reader, so that the reader can
 * stop waiting (weir_next_within) while the pull continues. Internal to the flow layer.
 */
#ifndef WR_FLOW_PULLER_H
#define WR_FLOW_PULLER_H

#include "flow_gen.h"

enum { WR_PULLER_ITEMS = 256 };

enum wr_puller_state {
    WR_PULLER_RESTS = 0, /* nothing asked for */
    WR_PULLER_PULLS,     /* a pull is running */
    WR_PULLER_HAS,       /* a result waits to be taken */
    WR_PULLER_QUITS
};

struct wr_puller {
    struct weir_gen *gen;
    struct wr_task *task;
    uint8_t state;
    size_t want, got;
    struct wr_task *reader; /* parked in wr_pull_within, or in wr_puller_close */
    void (*on_ready)(void *ctx);
    void *ctx;
    size_t cap;
    weir_item
        *items; /* room for `cap` items: the largest request so far, at most WR_PULLER_ITEMS */
};

static inline bool wr_puller_busy(const struct weir_gen *gen)
{
    return gen->puller != NULL && gen->puller->state != WR_PULLER_RESTS;
}

/* After wr_puller_close. */
void wr_puller_free(struct weir_gen *gen);

#endif
