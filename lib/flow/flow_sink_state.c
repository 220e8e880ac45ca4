/*
 * flow_sink_state.c - a sink with a state: it attaches before its first item, or at its end if it
 * got none.
 *
 * Sinks of files keep their length, and do this themselves (sink_file.c). The first put suspends
 * until the record is on the disk.
 */
#include "flow_sink.h"
#include "flow_state.h"

void weir_sink_keep_state(weir_sink *sink, weir_state *state)
{
    wr_sink_given(sink, "weir_sink_keep_state");
    if (sink->loop == NULL || state == NULL) {
        return;
    }
    if (sink->ops->passes_on || sink->ops->keeps_length) {
        wr_sink_set_error(
            sink, WEIR_EINVAL, 0, "%s",
            sink->ops->passes_on
                ? "a queue's end cannot keep a state: use the sink that its reader feeds"
                : "set the state of a file in weir_file_options");
        return;
    }
    const char *why = "items that were written but not saved before a crash are written again";
    int word = sink->ops->promise != NULL ? sink->ops->promise(sink, &why) : WEIR_AT_LEAST_ONCE;
    if (sink->ops->transacts) {
        word = WEIR_EXACTLY_ONCE;
        why = "the positions are stored with what is written";
    }
    sink->state = state;
    struct wr_state_sink *expected = wr_state_expect_sink(state, sink->name, word, why);
    if (expected != NULL) {
        expected->transacts = sink->ops->transacts;
    }
}

int wr_sink_begin_state(struct weir_sink *sink)
{
    weir_error error;
    struct wr_state_sink *kept;
    if (sink->state == NULL || sink->kept != NULL) {
        return 0;
    }
    int rc = wr_state_attach_sink(sink->state, sink->name, &kept, &error);
    if (rc >= 0) {
        rc = wr_state_begin(kept, 0, &error);
    }
    if (rc < 0) {
        wr_sink_set_failure(sink, &error);
        return rc;
    }
    sink->kept = kept;
    if (sink->ops->begun != NULL) {
        sink->ops->begun(sink);
    }
    return 0;
}
