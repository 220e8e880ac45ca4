/*
 * flow_state_beside.c - files of a state that are not simply one sink with one length: files that
 * are synced before each record and have no length in it, and a sink whose file is replaced by
 * another one during the run.
 *
 * A file beside the record holds items that have settled in another way than by the sinks: rejected
 * ones. Their positions may be saved only when the file is on the disk. The list of these files is
 * walked by the worker, so it changes only while no save runs.
 *
 * A sink's file that was renamed (a log that is rotated) is complete when a record says that all
 * that was written to it is delivered. That record has the length of the next file in its place, and
 * is saved before the next file is made, and after the renaming is on the disk: else a power cut could
 * give the old file its name back, and the next run would cut it. So at no moment does a record have the length of one file
 * while the name is that of the other, except between the renaming and this record.
 *
 * wr_state_sink_beside and wr_state_beside_over suspend.
 */
#include "flow_state_inside.h"

#include "base_alloc.h"

int wr_state_sink_beside(struct weir_state *state, int fd, const char *path,
                         struct wr_state_sink **sink, weir_error *error)
{
    *sink = NULL;
    int rc = wr_state_usable(state, error);
    if (rc < 0) {
        return rc;
    }
    struct wr_state_sink *beside = wr_zalloc(sizeof *beside);
    if (beside == NULL) {
        return wr_error_set(error, WEIR_ENOMEM, 0, "state", "no memory for a file to be synced");
    }
    beside->state = state;
    beside->fd = beside->folder = beside->moved = -1;
    wr_state_wait(state);
    wr_state_sink_file(beside, fd, path);
    beside->next = state->beside;
    state->beside = beside;
    *sink = beside;
    return 0;
}

int wr_state_beside_over(struct wr_state_sink *sink, weir_error *error)
{
    struct weir_state *state = sink->state;
    int rc = wr_state_sink_closes(sink, error);
    wr_state_wait(state);
    struct wr_state_sink **at = &state->beside;
    while (*at != sink) {
        at = &(*at)->next;
    }
    *at = sink->next;
    if (sink->folder >= 0) { /* nothing was saved */
        (void)state->loop->disk->close(sink->folder);
    }
    wr_free(sink);
    return rc;
}

/* Does the kept moment of a source stand before half an item that was written? Then the next run may
 * have to cut that half off the file where it is. */
static bool holds_half(const struct weir_state *state)
{
    bool half = false;
    for (size_t i = 0; i < state->slots_count; i++) {
        half = half || wr_state_is_half(state->slots[i]);
    }
    return half;
}

bool wr_state_sink_renews(struct wr_state_sink *sink, const char *path, int64_t length)
{
    struct weir_state *state = sink->state;
    if (wr_state_worth_saving(state) && !state->lossy) {
        wr_state_look(state);
        if (sink->kept != sink->length || holds_half(state)) {
            return false;
        }
    }
    sink->length = sink->kept = length;
    sink->before = -1;
    if (sink->moved < 0) {
        sink->moved = wr_state_folder_of(state->loop->disk, path);
    }
    state->is_ahead = false;
    wr_state_save_soon(state);
    return true;
}

void wr_state_sink_wants_next(struct wr_state_sink *sink, void (*fn)(void *ctx), void *ctx)
{
    sink->renew = fn;
    sink->renew_ctx = ctx;
    sink->state->wants_next = true;
}

void wr_state_offer_next(struct weir_state *state)
{
    state->wants_next = false;
    for (size_t i = 0; i < state->sinks_count; i++) {
        struct wr_state_sink *sink = state->sinks[i];
        if (sink->renew != NULL) {
            sink->renew(sink->renew_ctx);
            state->wants_next = state->wants_next || sink->renew != NULL;
        }
    }
}
