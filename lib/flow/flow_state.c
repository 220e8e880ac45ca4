/*
 * flow_state.c - the durable state of a pipeline: positions of its sources and the length of its
 * sink, at one moment.
 *
 * A moment fits if no origin has an item committed beyond its settled prefix: only then does the
 * length of a file hold nothing that the next run gives again. Where no sink has a length, any moment
 * fits: the settled prefix is delivered, whatever else is. Items that settle after the last commit
 * without being written (filtered items) may count as done at any time. Bytes written after the last
 * commit are cut off by the next run. So the length is always that of the last commit, while positions
 * may be newer. Before the sink has begun, it is not known whether it uses this state at all: then a
 * moment counts only while nothing was delivered.
 *
 * The numbers are looked at when they may be saved: at a commit, and LOOK_MS after a pull. If the
 * last save is less than SAVE_MS ago, the look waits until then. A moment that fits is kept. If it
 * does not fit, the previous one stays, or the one that was noted ahead (flow_state_ahead.c), and
 * the next commit looks again. The kept moment is made
 * into text on the loop's thread, and only a text that differs from the last one goes to the
 * worker. So the worker does not see later changes.
 *
 * The state holds each attached origin, by one of its `held` counts, until the state itself ends: a
 * generator may be gone while its items are still in a queue.
 *
 * Sources and the sink call this file; save and the end of the state suspend.
 */
#include "flow_state_inside.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base_alloc.h"
#include "loop_wait.h"

enum { SAVE_MS = 100, LOOK_MS = 100 };

struct weir_state wr_state_no_memory = {.failure = {.code = WEIR_ENOMEM,
                                                    .offset = -1,
                                                    .origin = "state",
                                                    .message = "no memory for a state"},
                                        .place = {.folder_fd = -1, .lock_fd = -1}};

/* ---- moments */

bool wr_state_worth_saving(const struct weir_state *state)
{
    for (size_t i = 0; i < state->slots_count; i++) {
        const struct wr_state_slot *slot = state->slots[i];
        if (slot->proof != WR_PROOF_NONE &&
            (slot->attached || (slot->stored != NULL && state->lossy))) {
            return true;
        }
    }
    return false;
}

bool wr_state_begun(const struct weir_state *state)
{
    bool begun = false;
    for (size_t i = 0; i < state->sinks_count; i++) {
        begun = begun || state->sinks[i]->length >= 0;
    }
    return begun;
}

/* Was no item delivered? *settled: how many have settled all the same. */
static bool none_delivered(const struct weir_state *state, uint64_t *settled)
{
    *settled = 0;
    for (size_t i = 0; i < state->slots_count; i++) {
        uint64_t counts[WR_OUTCOMES];
        struct wr_origin *origin = state->slots[i]->origin;
        if (origin == NULL || state->slots[i]->proof == WR_PROOF_NONE || state->slots[i]->again) {
            continue;
        }
        wr_origin_counts(origin, counts);
        if (counts[WR_DELIVERED] > 0 || origin->committed > 0) {
            return false;
        }
        *settled += origin->done;
    }
    return true;
}

/* Have some items settled, and all of them as filtered? */
static bool filtered_only(const struct weir_state *state)
{
    uint64_t settled;
    return none_delivered(state, &settled) && settled > 0;
}

/* Record how far the slot's source is done. False: an item beyond that is committed. */
static bool see_slot(struct wr_state_slot *slot)
{
    struct wr_origin *origin = slot->origin;
    if (origin == NULL || slot->proof == WR_PROOF_NONE) {
        return true;
    }
    slot->seen = (struct wr_state_moment){
        .known = true, .number = wr_origin_start(origin), .items = slot->items};
    if (slot->again) {
        return true;
    }
    slot->seen.number = wr_origin_done_end(origin);
    slot->seen.items = slot->items + origin->done - origin->left_out_done;
    slot->seen.finished = slot->read_to_end && origin->done == origin->given;
#ifdef WR_BREAK_SAVE_EARLY
    /* A build that is wrong on purpose, to test the torture test: it saves the position of what was
     * read, not of what was committed. */
    const struct wr_positions *kept = origin->positions;
    if (kept != NULL && kept->ends_count > 0) {
        slot->seen.number = kept->ends[kept->ends_head + kept->ends_count - 1] & ~WR_END_LEFT_OUT;
    }
    return true;
#else
    return origin->committed <= origin->done;
#endif
}

void wr_state_look(struct weir_state *state)
{
    if (wr_state_sample(state) && !state->look_timer.active) {
        wr_timer_start(state->loop, &state->look_timer, LOOK_MS);
    }
    if (wr_state_reaches_ahead(state)) {
        wr_state_take_ahead(state);
    }
    for (size_t i = 0; i < state->slots_count; i++) {
        if (!see_slot(state->slots[i]) && state->measures) {
            state->wants_ahead = !state->is_ahead;
            return;
        }
    }
    state->news = state->is_ahead = state->wants_ahead = false;
    for (size_t i = 0; i < state->sinks_count; i++) {
        struct wr_state_sink *sink = state->sinks[i];
        sink->kept = sink->length >= 0 ? sink->length : sink->stored;
    }
    for (size_t i = 0; i < state->slots_count; i++) {
        state->slots[i]->kept = state->slots[i]->seen;
        wr_state_forget(state->slots[i]);
    }
    wr_state_drop_retired(state);
}

/* Make state->fresh the record of the kept moment, without the time of saving and the checksum.
 * False: no memory. */
static bool compose(struct weir_state *state)
{
    struct wr_growing *to = &state->fresh;
    bool half = false;
    for (size_t i = 0; i < state->slots_count; i++) {
        half = half || wr_state_is_half(state->slots[i]);
    }
    wr_record_begin(to, state->place.name, state->text);
    wr_state_put_sinks(state, to, half);
    for (size_t i = 0; i < state->slots_count; i++) {
        wr_state_put_slot(state, to, state->slots[i], &state->slots[i]->kept, half);
    }
    return wr_growing_room(to, WR_RECORD_END_MAX);
}

/* ---- saving */

static void save_run(struct wr_work *work)
{
    struct weir_state *state = WR_OWNER(work, struct weir_state, work);
    state->error_step = "sync the sink for";
    state->error_number = state->sync_number = wr_state_sync_sinks(state);
    if (state->error_number == 0 && !state->parent_synced) {
        state->error_step = "sync the folder of";
        state->error_number = wr_state_sync_parent(&state->place);
        state->parent_synced = state->error_number == 0;
    }
    if (state->error_number == 0) {
        state->error_number = wr_state_store(&state->place, &state->handed, &state->error_step);
    }
}

static void save_done(struct wr_work *work)
{
    struct weir_state *state = WR_OWNER(work, struct weir_state, work);
    state->sink_lost = state->sink_lost != 0 ? state->sink_lost : state->sync_number;
    if (state->error_number != 0) {
        state->handed_same = 0;
        state->news = true;
        if (!state->failure_logged) {
            wr_log(&state->loop->log, WR_LOG_WARNING, "state", "%s '%s.weir': %s",
                   state->error_step, state->place.name, strerror(state->error_number));
        }
    }
    state->failure_logged = state->error_number != 0;
    bool worth = wr_state_worth_saving(state);
    if (!worth) {
        wr_state_remove(&state->place);
    }
    wr_object_wake(&state->object);
    if (state->news && worth && state->sink_lost == 0) {
        wr_timer_start(state->loop, &state->timer, SAVE_MS);
    }
}

/* Make a record of the kept moment, and hand it to the worker if it differs from the last one. 1:
 * the save has started; 0: it does not differ; or WEIR_ENOMEM. */
static int start_save(struct weir_state *state)
{
    struct wr_growing *fresh = &state->fresh, *handed = &state->handed;
    if (!compose(state)) {
        return WEIR_ENOMEM;
    }
    if (fresh->len == state->handed_same && memcmp(fresh->data, handed->data, fresh->len) == 0) {
        return 0;
    }
    wr_timer_stop(state->loop, &state->timer);
    state->handed_same = fresh->len;
    wr_record_end(fresh, state->loop->now_unix_ns / 1000000);
    struct wr_growing spare = *handed;
    *handed = *fresh;
    *fresh = spare;
    state->cuttable = !state->lossy;
    wr_state_hand_sinks(state);
    state->saved_ns = wr_now_ns(state->loop);
    state->early = state->early || !wr_state_begun(state);
    wr_work_start(state->loop, &state->work);
    return 1;
}

static void save_now(struct weir_state *state)
{
    if (!wr_state_worth_saving(state) || state->sink_lost != 0 ||
        (!wr_state_begun(state) && !filtered_only(state))) {
        return;
    }
    wr_state_look(state);
    if (start_save(state) < 0 && !state->failure_logged) {
        state->failure_logged = true;
        wr_log(&state->loop->log, WR_LOG_WARNING, "state", "no memory to save '%s'",
               state->place.name);
    }
}

static void timer_fired(struct wr_timer *timer)
{
    struct weir_state *state = WR_OWNER(timer, struct weir_state, timer);
    if (!state->work.busy) {
        save_now(state);
    }
}

void wr_state_save_soon(struct weir_state *state)
{
    state->news = true;
    if (state->place.folder == NULL) {
        wr_state_look(state);
        return;
    }
    if (state->work.busy || state->timer.active || state->sink_lost != 0) {
        return;
    }
    int64_t since_ms = (wr_now_ns(state->loop) - state->saved_ns) / 1000000;
    if (since_ms >= SAVE_MS) {
        save_now(state);
    } else {
        wr_timer_start(state->loop, &state->timer, SAVE_MS - since_ms);
    }
}

static void look_timer_fired(struct wr_timer *timer)
{
    wr_state_save_soon(WR_OWNER(timer, struct weir_state, look_timer));
}

void wr_state_pulled(struct weir_state *state)
{
    if (WR_UNLIKELY(state->wants_ahead)) {
        wr_state_note_ahead(state);
    }
    if (WR_UNLIKELY(state->wants_next)) {
        wr_state_offer_next(state);
    }
    if (!state->look_timer.active && state->failure.code == 0 && wr_state_worth_saving(state)) {
        wr_timer_start(state->loop, &state->look_timer, LOOK_MS);
    }
}

void wr_state_wait(struct weir_state *state)
{
    while (state->work.busy) {
        (void)wr_park(state->loop, "the state to be saved", &state->object);
    }
}

int wr_state_usable(const struct weir_state *state, weir_error *error)
{
    if (state->failure.code != 0) {
        *error = state->failure;
        return error->code;
    }
    wr_error_clear(error);
    return 0;
}

static int save(struct weir_state *state, bool early, weir_error *error)
{
    uint64_t settled;
    int rc = wr_state_usable(state, error);
    if (rc < 0) {
        return rc;
    }
    wr_state_wait(state);
    bool begun = wr_state_begun(state) || (early && none_delivered(state, &settled));
    if (!begun || !wr_state_worth_saving(state) || state->place.folder == NULL) {
        return 0;
    }
    if (state->sink_lost != 0) {
        return wr_state_lost(state, error);
    }
    wr_state_look(state);
    rc = start_save(state);
    if (rc <= 0) {
        return rc == 0 ? 0
                       : wr_error_set(error, rc, 0, "state", "no memory to save '%s'",
                                      state->place.name);
    }
    wr_state_wait(state);
    wr_timer_stop(state->loop, &state->timer);
    if (state->error_number == 0) {
        return 0;
    }
    return wr_error_set(error, WEIR_EIO, state->error_number, "state", "%s '%s.weir': %s",
                        state->error_step, state->place.name, strerror(state->error_number));
}

int wr_state_save(struct weir_state *state, weir_error *error)
{
    return save(state, false, error);
}

int wr_state_save_start(struct weir_state *state, weir_error *error)
{
    return save(state, true, error);
}

/* ---- life */

void wr_state_given(const struct weir_state *state, const char *verb)
{
    WR_ASSERT(state != NULL, "%s: the state is NULL", verb);
    if (state->loop != NULL && !wr_loop_is_here(state->loop)) {
        wr_thread_is_another(verb);
    }
}

const weir_error *wr_state_failure(const struct weir_state *state)
{
    return state->failure.code != 0 ? &state->failure : NULL;
}

const struct wr_disk *wr_state_disk(const struct weir_state *state)
{
    return state->loop->disk;
}

static bool saves(const struct weir_state *state)
{
    return state->failure.code == 0 && wr_state_worth_saving(state);
}

bool weir_state_saves(const weir_state *state)
{
    wr_state_given(state, "weir_state_saves");
    return saves(state);
}

void weir_state_describe(weir_state *state, const char *text)
{
    wr_state_given(state, "weir_state_describe");
    if (state == &wr_state_no_memory) {
        return;
    }
    if (state->text != NULL && text != NULL && strcmp(state->text, text) != 0) {
        wr_log(&state->loop->log, WR_LOG_INFO, "state",
               "'%s' was saved by a pipeline with another text; its sources and sinks must be the "
               "same: %s",
               state->place.name, state->text);
    }
    wr_free(state->text);
    state->text = wr_strdup(text); /* if out of memory, the record has no text */
}

/* Were items of its sources delivered although no sink uses this state? */
static bool without_sink(const struct weir_state *state)
{
    uint64_t counts[WR_OUTCOMES], delivered = 0;
    for (size_t i = 0; i < state->slots_count; i++) {
        if (state->slots[i]->origin != NULL) {
            wr_origin_counts(state->slots[i]->origin, counts);
            delivered += counts[WR_DELIVERED];
        }
    }
    return !wr_state_begun(state) && saves(state) && delivered > 0;
}

static void free_all(struct weir_state *state)
{
    wr_state_slots_fini(state);
    wr_state_sinks_fini(state);
    wr_state_unlock(&state->place);
    wr_free(state->place.folder);
    wr_free(state->text);
    wr_growing_free(&state->fresh);
    wr_growing_free(&state->handed);
    wr_growing_free(&state->scratch);
    wr_growing_free(&state->given);
    wr_free(state);
}

static void object_discard(struct wr_object *object)
{
    struct weir_state *state = WR_OWNER(object, struct weir_state, object);
    if (without_sink(state)) {
        wr_log(&state->loop->log, WR_LOG_WARNING, "state",
               "'%s' has saved no position: its sources use this state, but their sink does not "
               "(weir_file_options, weir_sink_keep_state)",
               state->place.name);
    }
    wr_timer_stop(state->loop, &state->look_timer);
    wr_timer_stop(state->loop, &state->timer);
    wr_state_wait(state);
    wr_timer_stop(state->loop, &state->timer);
    wr_object_fini(object);
    free_all(state);
}

/* No cancel operation: after a cancel, committed items are still saved. */
static const struct wr_object_ops object_ops = {.kind = "state", .discard = object_discard};

/* Load the record of the last run. A failure becomes the state's failure. */
static void load(struct weir_state *state)
{
    struct wr_record record = {.bytes = NULL};
    if (wr_state_lock(&state->place, &state->failure) < 0 ||
        wr_state_load(&state->place, &record, &state->failure) <= 0) {
        return;
    }
    state->text = wr_strdup(record.text);
    if (wr_state_adopt_sinks(state, &record) < 0 || wr_state_adopt_sources(state, &record) < 0) {
        wr_error_set(&state->failure, WEIR_ENOMEM, 0, "state", "no memory to read the state");
    }
    wr_record_free(&record);
}

weir_state *weir_state_open(weir_scope *scope, const char *folder, const char *name)
{
    WR_GIVEN(name);
    wr_scope_given(scope, "weir_state_open");
    struct weir_state *state = wr_zalloc(sizeof *state);
    if (state == NULL) {
        return &wr_state_no_memory;
    }
    state->loop = scope->loop;
    state->place = (struct wr_state_place){
        .disk = scope->loop->disk, .folder = wr_strdup(folder), .folder_fd = -1, .lock_fd = -1};
    state->word = -1;
    state->saved_ns = wr_now_ns(state->loop) - (int64_t)SAVE_MS * 1000000;
    state->work.run = save_run;
    state->work.done = save_done;
    wr_timer_init(&state->timer, timer_fired);
    wr_timer_init(&state->look_timer, look_timer_fired);
    wr_object_init(&state->object, &object_ops, scope, "state");
    if (wr_state_name(&state->place, name, &state->failure) == 0 && folder != NULL) {
        if (state->place.folder != NULL) {
            load(state);
        } else {
            state->failure = wr_state_no_memory.failure;
        }
    }
    return state;
}
