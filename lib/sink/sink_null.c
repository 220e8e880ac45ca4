/*
 * sink_null.c - takes and forgets: for measuring, and for pipelines that run for their side
 * effects.
 *
 * Nothing is buffered, so each put is its own commit, and nothing here suspends.
 */
#include "flow_sink.h"

static int null_put_many(struct weir_sink *sink, const weir_item *items, size_t count)
{
    (void)sink;
    (void)items;
    (void)count;
    return 0;
}

static const struct wr_sink_ops null_ops = {.kind = "null", .put_many = null_put_many};

weir_sink *weir_null_sink(weir_scope *scope)
{
    return wr_sink_made(wr_sink_alloc(scope, sizeof(struct weir_sink), &null_ops, "null"));
}
