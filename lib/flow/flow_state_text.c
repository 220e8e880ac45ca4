/*
 * flow_state_text.c - a record that a sink keeps by itself, in one transaction with what it writes.
 *
 * When such a sink commits, the items put to it since its last commit have not settled yet. So the
 * text describes the moment as if they had: the references that the sink holds are removed from a
 * copy of each origin's records of items. Items that are also held elsewhere stay pending and limit
 * the positions. So do lent items, since a body may still make more items of them: weir_pump asks
 * for the next items before it commits such a sink, and waits with that until the positions cover
 * everything that was put (wr_sink_text_fits).
 *
 * Nothing here suspends.
 */
#include <string.h>

#include "base_alloc.h"
#include "flow_sink.h"
#include "flow_state_inside.h"

static bool compose(struct weir_state *state, const struct wr_runs *flat)
{
    struct wr_growing *to = &state->given;
    wr_record_begin(to, state->place.name, state->text);
    wr_state_put_sinks(state, to, state->half);
    for (size_t i = 0; i < state->slots_count; i++) {
        struct wr_state_moment moment;
        uint64_t done;
        if (wr_state_see_without(state->slots[i], flat, &moment, &done) < 0) {
            return false;
        }
        wr_state_put_slot(state, to, state->slots[i], &moment, state->half);
    }
    wr_record_end(to, state->loop->now_unix_ns / 1000000);
    return !to->failed;
}

/* Would the slot's position cover all of its items in `flat`? Also true without memory to know. */
static bool covers(const struct wr_state_slot *slot, const struct wr_runs *flat)
{
    struct wr_state_moment moment;
    uint64_t done = 0;
    if (slot->origin == NULL || slot->again ||
        wr_state_see_without(slot, flat, &moment, &done) < 0 || !moment.known) {
        return true;
    }
    for (size_t i = 0; i < flat->count; i++) {
        const struct wr_run *run = &flat->all[i];
        if (run->receipt == &slot->origin->receipt && run->bits != 0 && wr_run_last(run) > done) {
            return false;
        }
    }
    return true;
}

bool wr_sink_text_fits(struct weir_sink *sink)
{
    struct wr_runs flat;
    if (sink->state == NULL || sink->state->sinks_count > 1 ||
        wr_runs_flatten(&sink->runs, &flat) < 0) {
        return true;
    }
    bool fits = true;
    for (size_t i = 0; i < flat.count; i++) { /* a group that is left is held elsewhere, too */
        fits = fits && (flat.all[i].bits == 0 || flat.all[i].receipt->kind == WR_RECEIPT_ORIGIN);
    }
    for (size_t i = 0; fits && i < sink->state->slots_count; i++) {
        fits = covers(sink->state->slots[i], &flat);
    }
    wr_free(flat.all);
    return fits;
}

const char *weir_state_text(weir_sink *sink, size_t *len)
{
    struct wr_runs flat;
    weir_error error;
    *len = 0;
    wr_sink_given(sink, "weir_state_text");
    WR_ASSERT(sink->state != NULL, "sink '%s' has no state: call weir_sink_keep_state first",
              sink->name);
    if (wr_state_usable(sink->state, &error) < 0) {
        wr_sink_set_error(sink, error.code, error.detail, "%s", error.message);
        return NULL;
    }
    int rc = wr_runs_flatten(&sink->runs, &flat);
    bool composed = rc == 0 && compose(sink->state, &flat);
    wr_free(flat.all);
    if (!composed) {
        wr_sink_set_error(sink, WEIR_ENOMEM, 0, "no memory for the positions");
        return NULL;
    }
    *len = sink->state->given.len;
    return sink->state->given.data;
}

/* ---- restoring */

static bool has_begun(const struct weir_state *state)
{
    bool begun = state->decided;
    for (size_t i = 0; i < state->slots_count; i++) {
        begun = begun || state->slots[i]->attached;
    }
    return begun;
}

static int adopt(struct weir_state *state, struct wr_record *record, weir_error *error)
{
    if (strcmp(record->name, state->place.name) != 0) {
        return wr_error_set(error, WEIR_EINVAL, 0, "state",
                            "the state text for '%s' belongs to another pipeline ('%s')",
                            state->place.name, record->name);
    }
    if (wr_state_adopt_sinks(state, record) < 0 || wr_state_adopt_sources(state, record) < 0) {
        return wr_error_set(error, WEIR_ENOMEM, 0, "state", "no memory to read the state");
    }
    return 0;
}

int weir_state_restore(weir_state *state, const char *text, size_t len, weir_error *error)
{
    weir_error local;
    struct wr_record record = {.bytes = NULL};
    struct wr_growing bytes = {.data = NULL};
    wr_state_given(state, "weir_state_restore");
    error = error != NULL ? error : &local;
    int rc = wr_state_usable(state, error);
    if (rc < 0) {
        return rc;
    }
    WR_ASSERT(!has_begun(state), "weir_state_restore: the sources of '%s' have already started",
              state->place.name);
    wr_state_forget_stored(state);
    if (text == NULL) {
        return 0;
    }
    wr_growing_bytes(&bytes, text, len);
    const char *why = bytes.failed ? NULL : wr_record_read(&record, &bytes);
    if (bytes.failed) {
        rc = wr_error_set(error, WEIR_ENOMEM, 0, "state", "no memory to read the state");
    } else if (why != NULL) {
        rc = wr_error_set(error, WEIR_EINVAL, 0, "state", "the state text for '%s' is damaged: %s",
                          state->place.name, why);
    } else {
        rc = adopt(state, &record, error);
    }
    wr_record_free(&record);
    wr_growing_free(&bytes);
    if (rc < 0) {
        state->failure = *error; /* no source may continue from a wrong position */
    }
    return rc;
}
