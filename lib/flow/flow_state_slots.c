/*
 * flow_state_slots.c - the sources of a state: where each continues, and how far it is done.
 *
 * A slot is made when a source is made (expected), by the record of the last run (stored), or at
 * the source's first pull (attached). The three find each other by the source's name; of several
 * slots with the same name the first free one is used. After attaching, the origin's numbers are
 * the slot's numbers, and the origin's positions give their meaning. A slot whose source has no
 * position keeps the name and is not saved. Nothing here suspends.
 */
#include "flow_state_inside.h"

#include <string.h>

#include "base_alloc.h"
#include "loop_wait.h"

enum { FIRST_TEXT = 256 };

/* ---- slots */

/* NULL: no memory. */
static struct wr_state_slot *add_slot(struct weir_state *state, const char *name)
{
    struct wr_state_slot *slot = wr_zalloc(sizeof *slot);
    if (slot == NULL || (slot->name = wr_strdup(name)) == NULL ||
        !wr_grow(&state->slots, sizeof *state->slots, state->slots_count, &state->slots_cap)) {
        if (slot != NULL) {
            wr_free(slot->name);
        }
        wr_free(slot);
        return NULL;
    }
    slot->state = state;
    state->slots[state->slots_count++] = slot;
    return slot;
}

static void free_slot(struct wr_state_slot *slot)
{
    struct wr_origin *origin = slot->origin;
    if (origin != NULL) {
        origin->held--;
        if (origin->ended) {
            wr_origin_end(origin);
        }
    }
    wr_free(slot->name);
    wr_free(slot->stored);
    wr_free(slot->before);
    wr_free(slot);
}

void wr_state_slots_fini(struct weir_state *state)
{
    for (size_t i = 0; i < state->slots_count; i++) {
        free_slot(state->slots[i]);
    }
    wr_free(state->slots);
    state->slots = NULL;
    state->slots_count = state->slots_cap = 0;
}

struct wr_state_slot *wr_state_next_slot(struct weir_state *state, const char *name,
                                         const struct wr_state_slot *after)
{
    bool behind = after == NULL;
    for (size_t i = 0; i < state->slots_count; i++) {
        struct wr_state_slot *slot = state->slots[i];
        if (behind && !slot->attached && !slot->retired && strcmp(slot->name, name) == 0) {
            return slot;
        }
        behind = behind || slot == after;
    }
    return NULL;
}

/* A free slot of this name without a stored position; NULL: no memory. */
static struct wr_state_slot *free_slot_of(struct weir_state *state, const char *name)
{
    struct wr_state_slot *slot = wr_state_next_slot(state, name, NULL);
    while (slot != NULL && slot->stored != NULL) {
        slot = wr_state_next_slot(state, name, slot);
    }
    return slot != NULL ? slot : add_slot(state, name);
}

int wr_state_adopt_sources(struct weir_state *state, const struct wr_record *record)
{
    for (size_t i = 0; i < record->sources_count; i++) {
        const struct wr_record_source *from = &record->sources[i];
        struct wr_state_slot *slot = free_slot_of(state, from->name);
        if (slot == NULL || (slot->stored = wr_strdup(from->position)) == NULL ||
            (from->before != NULL && (slot->before = wr_strdup(from->before)) == NULL)) {
            return WEIR_ENOMEM;
        }
        slot->items = from->items;
        slot->finished = from->finished;
        slot->before_items = from->before_items;
        state->half = state->half || from->before != NULL;
    }
    return 0;
}

void wr_state_forget_stored(struct weir_state *state)
{
    for (size_t i = 0; i < state->slots_count; i++) {
        struct wr_state_slot *slot = state->slots[i];
        wr_free(slot->stored);
        wr_free(slot->before);
        slot->stored = slot->before = NULL;
        slot->items = slot->before_items = 0;
        slot->finished = false;
    }
    for (size_t i = 0; i < state->sinks_count; i++) {
        struct wr_state_sink *sink = state->sinks[i];
        sink->known = false;
        sink->stored = sink->kept = sink->before = -1;
    }
    state->half = false;
}

/* ---- sources */

struct wr_state_slot *wr_state_expect_source(struct weir_state *state, const char *name,
                                             wr_state_still *still)
{
    if (state->failure.code != 0) {
        return NULL;
    }
    state->expects = true;
    struct wr_state_slot *slot = wr_state_next_slot(state, name, NULL);
    while (slot != NULL && slot->expected) {
        slot = wr_state_next_slot(state, name, slot);
    }
    if (slot == NULL) {
        slot = add_slot(state, name);
    }
    if (slot != NULL) {
        slot->expected = true;
        slot->still = still;
    }
    return slot;
}

bool wr_state_goes_on(const struct weir_state *state)
{
    bool on = false;
    for (size_t i = 0; i < state->slots_count; i++) {
        on = on || (state->slots[i]->stored != NULL && !state->slots[i]->finished);
    }
    return on;
}

/* Was a source of this name made in this run? */
static bool is_made(const struct weir_state *state, const char *name)
{
    bool made = false;
    for (size_t i = 0; i < state->slots_count && !made; i++) {
        const struct wr_state_slot *slot = state->slots[i];
        made = (slot->attached || slot->expected) && strcmp(slot->name, name) == 0;
    }
    return made;
}

/* A slot with a stored position whose source was not made in this run; NULL: none. */
static const struct wr_state_slot *stranger(const struct weir_state *state)
{
    for (size_t i = 0; i < state->slots_count; i++) {
        const struct wr_state_slot *slot = state->slots[i];
        if (slot->stored != NULL && !slot->attached && !is_made(state, slot->name)) {
            return slot;
        }
    }
    return NULL;
}

int wr_state_attach_slot(struct weir_state *state, struct wr_state_slot **slot, const char *name,
                         struct wr_origin *origin, weir_error *error)
{
    int rc = wr_state_usable(state, error);
    if (rc < 0) {
        return rc;
    }
    if (*slot == NULL) {
        *slot = free_slot_of(state, name);
    }
    if (*slot == NULL) {
        return wr_error_set(error, WEIR_ENOMEM, 0, "state", "no memory for the position of %s",
                            name);
    }
    (*slot)->attached = true;
    (*slot)->origin = origin;
    origin->held++;
    wr_state_tell(state);
    return 0;
}

int wr_state_begin_source(struct weir_state *state, const char *name, weir_error *error)
{
    int rc = wr_state_usable(state, error);
    if (rc < 0) {
        return rc;
    }
    wr_state_decide(state);
    const struct wr_state_slot *slot = wr_state_next_slot(state, name, NULL);
    /* The beginning of a source that a stage has read again in each run is not its position. */
    bool known = slot != NULL && slot->stored != NULL && (slot->items > 0 || slot->again);
    const struct wr_state_slot *other = known ? NULL : stranger(state);
    return other == NULL ? 0 : wr_state_of_another(other, name, error);
}

int wr_state_of_another(const struct wr_state_slot *has, const char *lacks, weir_error *error)
{
    return wr_error_set(error, WEIR_EINVAL, 0, "state",
                        "the state '%s' belongs to another pipeline: it has a position for '%s', "
                        "but none for '%s'",
                        has->state->place.name, has->name, lacks);
}

int wr_state_attach_source(struct weir_state *state, const char *name, struct wr_origin *origin,
                           struct wr_state_slot **slot, weir_error *error)
{
    *slot = NULL;
    int rc = wr_state_begin_source(state, name, error);
    if (rc < 0) {
        return rc;
    }
    *slot = wr_state_next_slot(state, name, NULL);
    return wr_state_attach_slot(state, slot, name, origin, error);
}

/* Is it a retired slot with no pending items: all that was given has settled? A weak one counts until
 * it is decided whether the sink is cut. */
static bool is_over(const struct wr_state_slot *slot)
{
    const struct wr_origin *origin = slot->origin;
    bool decided = slot->proof != WR_PROOF_WEAK || wr_state_begun(slot->state);
    return slot->retired && decided && (origin == NULL || origin->done == origin->given);
}

void wr_state_retire(struct wr_state_slot *slot)
{
    slot->retired = true;
    wr_state_save_soon(slot->state);
}

void wr_state_drop_retired(struct weir_state *state)
{
    size_t kept = 0;
    for (size_t i = 0; i < state->slots_count; i++) {
        if (is_over(state->slots[i])) {
            free_slot(state->slots[i]);
        } else {
            state->slots[kept++] = state->slots[i];
        }
    }
    state->slots_count = kept;
}

void wr_state_prove(struct wr_state_slot *slot, enum wr_proof proof)
{
    struct weir_state *state = slot->state;
    slot->proof = (uint8_t)proof;
    wr_object_wake(&state->object); /* for wr_state_may_cut */
    if (proof == WR_PROOF_NONE) {
        wr_free(slot->stored);
        slot->stored = NULL;
        slot->items = 0;
        slot->finished = false;
        wr_state_end_cutting(state, slot->name);
        if ((wr_state_begun(state) || state->early) && !state->work.busy &&
            !wr_state_worth_saving(state)) {
            wr_state_remove(&state->place);
        }
    }
    wr_state_tell(state);
}

int wr_state_bad_position(const struct wr_state_slot *slot, weir_error *error)
{
    return wr_error_set(error, WEIR_EINVAL, 0, "state",
                        "the state '%s' has an invalid position for '%s': %.100s",
                        slot->state->place.name, slot->name, slot->stored);
}

void wr_state_detach_source(struct wr_state_slot *slot, bool finished)
{
    slot->read_to_end = finished;
    slot->detached = true;
    wr_object_wake(&slot->state->object); /* for wr_state_may_cut */
}

/* ---- into a record */

bool wr_state_is_half(const struct wr_state_slot *slot)
{
    return slot->kept.known && (slot->kept.number & WR_END_HALF) != 0;
}

char *wr_state_position(struct weir_state *state, const struct wr_state_slot *slot,
                        const struct wr_state_moment *moment)
{
    struct wr_positions *positions = slot->origin != NULL ? slot->origin->positions : NULL;
    struct wr_growing *to = &state->scratch;
    to->failed = false;
    bool new = slot->stored == NULL;
    if (!moment->known || positions == NULL || (new && slot->proof == WR_PROOF_PENDING)) {
        return slot->stored;
    }
    size_t len = FIRST_TEXT;
    for (int i = 0; i < 2; i++) {
        to->len = 0;
        if (!wr_growing_room(to, len + 1)) {
            return NULL;
        }
        len = positions->ops->text(positions, moment->number, to->data, to->cap);
        if (len < to->cap) {
            return to->data;
        }
    }
    return NULL;
}

int wr_state_keep_start(struct wr_state_slot *slot)
{
    const struct wr_state_moment start = {.known = true, .number = wr_origin_start(slot->origin)};
    const char *position = wr_state_position(slot->state, slot, &start);
    char *copy = wr_strdup(position);
    if (copy == NULL) {
        return WEIR_ENOMEM;
    }
    wr_free(slot->stored);
    slot->stored = copy;
    return 0;
}

int wr_state_see_without(const struct wr_state_slot *slot, const struct wr_runs *flat,
                         struct wr_state_moment *moment, uint64_t *done)
{
    struct wr_origin *origin = slot->origin;
    uint64_t left_out;
    *moment = (struct wr_state_moment){.known = false};
    if (origin == NULL || slot->proof == WR_PROOF_NONE) {
        return 0;
    }
    if (slot->again) {
        *moment = (struct wr_state_moment){
            .known = true, .number = wr_origin_start(origin), .items = slot->items};
        return 0;
    }
    if (wr_origin_done_without(origin, flat, done) < 0) {
        return WEIR_ENOMEM;
    }
    moment->known = true;
    moment->number = wr_origin_number_at(origin, *done, &left_out);
    moment->items = slot->items + *done - left_out;
    moment->finished = slot->read_to_end && *done == origin->given;
    return 0;
}

void wr_state_put_slot(struct weir_state *state, struct wr_growing *to,
                       const struct wr_state_slot *slot, const struct wr_state_moment *moment,
                       bool half)
{
    if (slot->proof == WR_PROOF_NONE) {
        return;
    }
    struct wr_record_source source = {.name = slot->name,
                                      .position = wr_state_position(state, slot, moment),
                                      .before = half ? slot->before : NULL,
                                      .before_items = slot->before_items,
                                      .items = moment->known ? moment->items : slot->items,
                                      .finished =
                                          moment->known ? moment->finished : slot->finished};
    if (source.position != NULL) {
        wr_record_source(to, &source);
    }
    to->failed = to->failed || state->scratch.failed;
}

void wr_state_forget(const struct wr_state_slot *slot)
{
    struct wr_positions *positions = slot->origin != NULL ? slot->origin->positions : NULL;
    if (positions != NULL && positions->ops->forget != NULL) {
        positions->ops->forget(positions, slot->kept.number);
    }
}
