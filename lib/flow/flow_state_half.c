/*
 * flow_state_half.c - half an item at the end of an input that may grow.
 *
 * A line without a line end, at the end of a file that another process may still write to, is given
 * like any other line. But if the line is longer by the next run, the whole line must be given, and
 * the output of its first half must be removed from the sinks. So the moment before it is kept
 * (`before` in each slot and sink). While such an item is the last one given, the record holds two
 * moments: the one before it, and the newest. The next run asks each source whether its input still
 * ends there. If all inputs do, the run continues from the newest moment, and the half item is not
 * given again. If one does not, every source and every sink goes back to the moment before.
 *
 * Nothing here suspends.
 */
#include "flow_state_inside.h"

#include "base_alloc.h"

void wr_state_decide(struct weir_state *state)
{
    bool still = true;
    if (state->decided) {
        return;
    }
    state->decided = true;
    for (size_t i = 0; i < state->slots_count; i++) {
        const struct wr_state_slot *slot = state->slots[i];
        if (slot->stored != NULL && slot->still != NULL) {
            still = still && slot->still(state, slot->name, slot->stored);
        }
    }
    if (still) {
        return;
    }
    wr_log(&state->loop->log, WR_LOG_INFO, "state",
           "'%s': the input of the last run ended inside a line and has changed since: the whole "
           "line is read again",
           state->place.name);
    for (size_t i = 0; i < state->slots_count; i++) {
        struct wr_state_slot *slot = state->slots[i];
        wr_free(slot->stored);
        slot->stored = slot->before;
        slot->before = NULL;
        slot->items = slot->before_items;
        slot->finished = false;
    }
    for (size_t i = 0; i < state->sinks_count; i++) {
        struct wr_state_sink *sink = state->sinks[i];
        sink->stored = sink->kept = sink->before;
        sink->before = -1;
    }
    state->half = false;
}

uint64_t wr_state_given_before(const struct wr_state_slot *slot)
{
    if (slot == NULL) {
        return 0;
    }
    wr_state_decide(slot->state);
    return slot->stored != NULL ? slot->items : 0;
}

int wr_state_before_half(struct weir_state *state)
{
    wr_state_look(state);
    for (size_t i = 0; i < state->slots_count; i++) {
        if (wr_state_is_half(state->slots[i])) {
            return 0; /* of several half items, go back to the moment before the first */
        }
    }
    for (size_t i = 0; i < state->slots_count; i++) {
        struct wr_state_slot *slot = state->slots[i];
        const char *position =
            slot->proof != WR_PROOF_NONE ? wr_state_position(state, slot, &slot->kept) : NULL;
        wr_free(slot->before);
        slot->before = wr_strdup(position);
        slot->before_items = slot->kept.known ? slot->kept.items : slot->items;
        if (state->scratch.failed || (position != NULL && slot->before == NULL)) {
            return WEIR_ENOMEM;
        }
    }
    for (size_t i = 0; i < state->sinks_count; i++) {
        state->sinks[i]->before = state->sinks[i]->kept;
    }
    state->half = true;
    return 0;
}
