/*
 * flow_state_ahead.c - a moment for a file that is ahead of the reader of a stream.
 *
 * A pipe's items settle when its reader has read them (wr_state_sink_samples). A file beside it
 * commits the same items much earlier, so the file's length and the positions hardly ever fit
 * together. So a moment is noted ahead: all lengths, and the positions that would be reached if the
 * streams' readers had read everything. It becomes the kept moment when they have. Only then the
 * next one is noted. Later items may have been written by then: the next run cuts them off the file
 * and reads them again.
 *
 * It is noted at a pull, when no item of the source is lent. Nothing here suspends.
 */
#include "flow_state_inside.h"

#include "base_alloc.h"

static bool counts(const struct wr_state_slot *slot)
{
    return slot->origin != NULL && slot->proof != WR_PROOF_NONE;
}

/* What the readers of all streams have not read. 0 or WEIR_ENOMEM. */
static int list_unread(const struct weir_state *state, struct wr_runs *flat)
{
    struct wr_runs unread = {.all = NULL};
    int rc = 0;
    for (size_t i = 0; i < state->sinks_count && rc == 0; i++) {
        const struct wr_state_sink *sink = state->sinks[i];
        rc = sink->sample != NULL ? sink->unread(sink->sample_ctx, &unread) : 0;
    }
    rc = rc == 0 ? wr_runs_flatten(&unread, flat) : rc;
    wr_free(unread.all); /* it holds no references */
    return rc;
}

/* Note the moment of each slot. False: a file is ahead of it, or there is no memory. */
static bool note_slots(struct weir_state *state, const struct wr_runs *flat)
{
    for (size_t i = 0; i < state->slots_count; i++) {
        struct wr_state_slot *slot = state->slots[i];
        slot->ahead_done = 0;
        if (wr_state_see_without(slot, flat, &slot->ahead, &slot->ahead_done) < 0 ||
            (counts(slot) && !slot->again && slot->origin->committed > slot->ahead_done)) {
            return false;
        }
    }
    return true;
}

void wr_state_note_ahead(struct weir_state *state)
{
    struct wr_runs flat = {.all = NULL};
    if (!state->wants_ahead || list_unread(state, &flat) < 0) {
        return;
    }
    if (note_slots(state, &flat)) {
        state->wants_ahead = false;
        state->is_ahead = true;
        for (size_t i = 0; i < state->sinks_count; i++) {
            struct wr_state_sink *sink = state->sinks[i];
            sink->ahead = sink->length >= 0 ? sink->length : sink->stored;
        }
    }
    wr_free(flat.all);
}

bool wr_state_reaches_ahead(struct weir_state *state)
{
    for (size_t i = 0; i < state->slots_count && state->is_ahead; i++) {
        struct wr_state_slot *slot = state->slots[i];
        if (!counts(slot) || slot->again) {
            continue;
        }
        wr_origin_sync(slot->origin);
        if (!slot->ahead.known) {
            state->is_ahead = false; /* the source has attached since */
        } else if (slot->origin->done < slot->ahead_done) {
            return false;
        }
    }
    return state->is_ahead;
}

void wr_state_take_ahead(struct weir_state *state)
{
    state->is_ahead = false;
    for (size_t i = 0; i < state->sinks_count; i++) {
        state->sinks[i]->kept = state->sinks[i]->ahead;
    }
    for (size_t i = 0; i < state->slots_count; i++) {
        state->slots[i]->kept = state->slots[i]->ahead;
        wr_state_forget(state->slots[i]);
    }
    wr_state_drop_retired(state);
}
