/*
 * support_sink_play.h - what the suite for sinks is made of: a sink opened with its far end, what
 * has come there, and a task that fills it. support_suite_sinks.c and support_suite_sink_traits.c
 * use it.
 */
#ifndef WR_SUPPORT_SINK_PLAY_H
#define WR_SUPPORT_SINK_PLAY_H

#include "support_suites.h"

const weir_plan_options *wr_play_options(const struct wr_sink_play *play);
/* Open the kit's sink in a scope of its own. */
weir_sink *wr_play_begins(const struct wr_sink_kit *kit, struct wr_sink_play *play);
void wr_play_ends(const struct wr_sink_kit *kit, struct wr_sink_play *play);
/* All that is there now, terminated. */
size_t wr_play_take(const struct wr_sink_kit *kit, struct wr_sink_play *play, char *to, size_t cap,
                    bool *end);
/* The bytes of a long run. */
size_t wr_kit_big_bytes(const struct wr_sink_kit *kit);

struct wr_filling {
    weir_sink *sink;
    uint64_t *put;
    uint64_t limit;
    int *rc;
    size_t item_bytes;
};

/* A task that puts lines, until the limit or the end of the sink. args: struct wr_filling. */
int wr_fill_main(weir_scope *scope, void *args);

/* The test of a kit that its sink is what its descriptor says: support_suite_sink_traits.c. */
void wr_sink_is_as_its_traits_say(const void *kit);

#endif
