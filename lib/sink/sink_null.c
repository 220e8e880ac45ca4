/*
 * sink_null.c - takes items and drops them: to measure, and for pipelines that run for their side
 * effects.
 *
 * Nothing is buffered, so each put is also a commit. Nothing here suspends.
 */
#include <weir/module.h>

#include "flow_sink.h"

static int null_put_many(struct weir_sink *sink, const weir_item *items, size_t count)
{
    (void)sink;
    (void)items;
    (void)count;
    return 0;
}

static const struct wr_sink_ops null_ops = {
    .kind = "null", .put_many = null_put_many, .at_once = true};

weir_sink *weir_null_sink(weir_scope *scope)
{
    return wr_sink_made(wr_sink_alloc(scope, sizeof(struct weir_sink), &null_ops, "null"));
}

static weir_sink *null_open(const weir_opening *opening, const void *args)
{
    (void)args;
    weir_sink *sink = weir_null_sink(opening->scope);
    weir_sink_keep_state(sink, opening->state);
    return sink;
}

const weir_component wr_component_null = {
    .struct_size = sizeof wr_component_null,
    .name = "null",
    .kind = WEIR_KIND_SINK,
    .takes = WEIR_SHAPES_ALL,
    .traits = WEIR_TRAIT_PURE | WEIR_TRAIT_ACKNOWLEDGES | WEIR_TRAIT_NEVER_FULL | WEIR_TRAIT_PIECES,
    .help = "Takes all items and drops them.",
    .example = "gen 1..10 | null",
    .prints = "",
    .open_sink = null_open,
};
