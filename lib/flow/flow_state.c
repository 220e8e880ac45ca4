/*
 * flow_state.c - what is durable of a pipeline: positions of its sources and the length of its
 * sink, at one moment.
 *
 * Three copies of the numbers: the live ones (receipts and the sink), `taken` (the newest moment at
 * which they fitted together) and what a save under way or done has put on the disk. Moments are
 * taken at a sink's commit, and LOOK_MS after a pull, on the loop's thread; a save turns `taken`
 * into text and hands it to the worker, so that nothing that happens meanwhile is seen by it. Dirty
 * means that `taken` differs from the last text handed over, or that this one could not be written.
 *
 * A moment fits when no origin has had something committed beyond its settled prefix. What is
 * settled beyond the last commit without being written (filtered items) may count as done at any
 * time; what is written beyond the last commit is cut off again by the next run. So the length is
 * always the last commit's, while positions may be newer. Before the sink has begun it may not even
 * be the state's: then a moment counts only while nothing was delivered.
 *
 * The state holds each origin that is attached, by one of its `held` counts, until it ends itself:
 * a generator may be gone while its items are still in a queue.
 *
 * Items without a position end the cutting: the record then has no length, which is on the disk
 * before the first of them is written, since nobody could write them again after a cut. Where no
 * source has a position nothing is saved, and an older record is removed.
 *
 * Called by sources and the sink; begin, before_put, save and the end of the state suspend.
 */
#include "flow_state.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base_alloc.h"
#include "flow_state_file.h"
#include "loop_scope.h"
#include "loop_wait.h"
#include "loop_work.h"

enum { SAVE_MS = 100, LOOK_MS = 100 };

struct moment {
    int64_t sink_length;
    struct {
        uint64_t end, items; /* end: with WR_END_INSIDE */
        bool finished;
    } sources[WR_STATE_SOURCES_MAX];
};

struct weir_state {
    struct wr_object object;
    struct weir_loop *loop;
    weir_error failure; /* code 0: none */
    char name[WR_STATE_NAME_MAX + 1];
    int folder_fd, lock_fd;
    int sink_fd;     /* -1: none */
    int sink_folder; /* in which the file lies, until its name is synced; -1 */
    int sink_lost; /* errno of a sync of the file that has failed: what was written may be gone, and
                        a later sync would not say so; 0 */
    struct wr_state_slot slots[WR_STATE_SOURCES_MAX];
    size_t slots_count;
    int64_t sink_stored; /* -1: none */
    int64_t sink_length; /* committed in this run; -1: nothing begun */
    struct moment taken, handed;
    bool lossy;    /* something without a position is given: nothing is cut */
    bool cuttable; /* the record on the disk, or on its way there, has a length */
    bool expects;  /* a source was made that may have positions */
    bool dirty;
    bool early; /* saved before the sink has begun */
    struct wr_timer timer, look_timer;
    int64_t saved_ns; /* when the last save was started */
    /* The save: the worker's own while work.busy. */
    struct wr_work work;
    struct wr_state_record record;
    char text[WR_STATE_TEXT_MAX];
    size_t text_len;
    int error_number;
    const char *error_step;
    bool parent_synced;
    bool told; /* that saving fails */
};

static struct weir_state no_memory = {.failure = {.code = WEIR_ENOMEM,
                                                  .offset = -1,
                                                  .origin = "state",
                                                  .message = "no memory for a state"},
                                      .folder_fd = -1,
                                      .lock_fd = -1,
                                      .sink_fd = -1,
                                      .sink_folder = -1};

/* ---- moments */

/* Whether a record would hold a position. Those of an earlier run alone count only where the record
 * is to lose its length. */
static bool worth_saving(const struct weir_state *state)
{
    for (size_t i = 0; i < state->slots_count; i++) {
        const struct wr_state_slot *slot = &state->slots[i];
        if (!slot->lossy && (slot->attached || (slot->stored && state->lossy))) {
            return true;
        }
    }
    return false;
}

/* Nothing but what was filtered has settled, and something was. */
static bool filtered_only(struct weir_state *state)
{
    uint64_t settled = 0;
    for (size_t i = 0; i < state->slots_count; i++) {
        uint64_t counts[WR_WORDS];
        struct wr_origin *origin = state->slots[i].origin;
        if (origin == NULL || state->slots[i].lossy) {
            continue;
        }
        wr_origin_counts(origin, counts);
        if (counts[WR_DELIVERED] > 0 || origin->committed > 0) {
            return false;
        }
        settled += origin->done;
    }
    return settled > 0;
}

/* The live numbers, if they fit together; false: they do not. */
static bool look(struct weir_state *state, struct moment *now)
{
    memset(now, 0, sizeof *now);
    now->sink_length = state->lossy              ? -1
                       : state->sink_length >= 0 ? state->sink_length
                                                 : state->sink_stored;
    for (size_t i = 0; i < state->slots_count; i++) {
        const struct wr_state_slot *slot = &state->slots[i];
        struct wr_origin *origin = slot->origin;
        now->sources[i].end = wr_state_end(slot);
        now->sources[i].items = slot->items;
        now->sources[i].finished = slot->finished;
        if (origin == NULL || slot->lossy) {
            continue;
        }
        uint64_t end = wr_origin_done_end(origin);
#ifdef WR_BREAK_SAVE_EARLY
        /* A build that is wrong on purpose, for a test of the torture test: it saves what was read,
         * not what was committed. */
        if (origin->ends_count > 0) {
            now->sources[i].end =
                origin->ends[origin->ends_head + origin->ends_count - 1] & ~WR_END_LEFT_OUT;
            continue;
        }
#endif
        if (origin->committed > origin->done) {
            return false;
        }
        if (origin->keeps_ends) {
            now->sources[i].end = end;
        }
        now->sources[i].items += origin->done - origin->left_out_done;
        now->sources[i].finished = slot->read_to_end && origin->done == origin->given;
    }
    return true;
}

static bool same_moment(const struct moment *a, const struct moment *b)
{
    bool same = a->sink_length == b->sink_length;
    for (size_t i = 0; same && i < WR_STATE_SOURCES_MAX; i++) {
        same = a->sources[i].end == b->sources[i].end &&
               a->sources[i].items == b->sources[i].items &&
               a->sources[i].finished == b->sources[i].finished;
    }
    return same;
}

static void take(struct weir_state *state)
{
    struct moment now;
    if (worth_saving(state) && (state->sink_length >= 0 || filtered_only(state)) &&
        look(state, &now)) {
        state->taken = now;
        state->dirty = state->dirty || !same_moment(&now, &state->handed);
    }
}

/* ---- saving */

/* The record must not be on the disk before the bytes that it counts, nor the file's name. */
static int sync_sink(struct weir_state *state)
{
    const struct wr_disk *disk = state->loop->disk;
    if (state->sink_lost == 0 && disk->sync_data(state->sink_fd) < 0 && errno != EINVAL) {
        state->sink_lost = errno; /* EINVAL: a device, which has nothing to sync */
    }
    if (state->sink_lost == 0 && state->sink_folder >= 0) {
        state->sink_lost = wr_disk_sync_folder(disk, state->sink_folder);
        (void)disk->close(state->sink_folder);
        state->sink_folder = -1;
    }
    return state->sink_lost;
}

static void save_run(struct wr_work *work)
{
    struct weir_state *state = WR_OWNER(work, struct weir_state, work);
    state->error_step = "sync the sink for";
    state->error_number = state->sink_fd >= 0 ? sync_sink(state) : 0;
    if (state->error_number == 0 && !state->parent_synced) {
        state->error_step = "sync the folder of";
        state->error_number = wr_state_sync_parent(state->loop->disk, state->folder_fd);
        state->parent_synced = state->error_number == 0;
    }
    if (state->error_number == 0) {
        state->error_number = wr_state_store(state->loop->disk, state->folder_fd, state->name,
                                             state->text, state->text_len, &state->error_step);
    }
}

static void save_done(struct wr_work *work)
{
    struct weir_state *state = WR_OWNER(work, struct weir_state, work);
    if (state->error_number != 0) {
        state->dirty = true;
        if (!state->told) {
            wr_log(&state->loop->log, WR_LOG_WARNING, "state", "%s '%s.weir': %s",
                   state->error_step, state->name, strerror(state->error_number));
        }
        state->told = true;
    } else {
        state->told = false;
    }
    if (!worth_saving(state)) {
        wr_state_remove(state->loop->disk, state->folder_fd, state->name);
    }
    wr_object_wake(&state->object);
    if (state->dirty && worth_saving(state) && state->sink_lost == 0) {
        wr_timer_start(state->loop, &state->timer, SAVE_MS);
    }
}

static void start_save(struct weir_state *state)
{
    struct wr_state_record *record = &state->record;
    wr_timer_stop(state->loop, &state->timer);
    memcpy(record->name, state->name, sizeof record->name);
    record->saved_ms = state->loop->now_unix_ns / 1000000;
    record->sink_length = state->lossy ? -1 : state->taken.sink_length;
    state->cuttable = record->sink_length >= 0;
    record->sources_count = state->slots_count;
    for (size_t i = 0; i < state->slots_count; i++) {
        struct wr_state_source *to = &record->sources[i];
        to->offset = state->taken.sources[i].end & ~WR_END_INSIDE;
        to->inside = (state->taken.sources[i].end & WR_END_INSIDE) != 0;
        to->items = state->taken.sources[i].items;
        to->finished = state->taken.sources[i].finished;
        memcpy(to->validator, state->slots[i].validator, sizeof to->validator);
        memcpy(to->name, state->slots[i].name, sizeof to->name);
    }
    state->text_len = wr_state_encode(record, state->text);
    state->handed = state->taken;
    state->dirty = false;
    state->saved_ns = wr_now_ns(state->loop);
    state->early = state->early || state->sink_length < 0;
    wr_work_start(state->loop, &state->work);
}

static void timer_fired(struct wr_timer *timer)
{
    struct weir_state *state = WR_OWNER(timer, struct weir_state, timer);
    if (state->dirty && worth_saving(state) && !state->work.busy) {
        start_save(state);
    }
}

/* Something new was taken: save it now, or SAVE_MS after the last time. */
static void save_soon(struct weir_state *state)
{
    if (!state->dirty || state->work.busy || state->timer.active || state->sink_lost != 0) {
        return;
    }
    int64_t since_ms = (wr_now_ns(state->loop) - state->saved_ns) / 1000000;
    if (since_ms >= SAVE_MS) {
        start_save(state);
    } else {
        wr_timer_start(state->loop, &state->timer, SAVE_MS - since_ms);
    }
}

static void look_timer_fired(struct wr_timer *timer)
{
    struct weir_state *state = WR_OWNER(timer, struct weir_state, look_timer);
    take(state);
    save_soon(state);
}

void wr_state_pulled(struct weir_state *state)
{
    if (!state->look_timer.active && state->failure.code == 0 && worth_saving(state)) {
        wr_timer_start(state->loop, &state->look_timer, LOOK_MS);
    }
}

static void wait_for_save(struct weir_state *state)
{
    while (state->work.busy) {
        (void)wr_park(state->loop, "the state to be saved", &state->object);
    }
}

int wr_state_save(struct weir_state *state, weir_error *error)
{
    if (state->failure.code != 0) {
        *error = state->failure;
        return error->code;
    }
    wr_error_clear(error);
    wait_for_save(state);
    if (state->sink_length < 0 || !worth_saving(state)) {
        return 0;
    }
    take(state);
    if (!state->dirty) {
        return 0;
    }
    start_save(state);
    wait_for_save(state);
    wr_timer_stop(state->loop, &state->timer);
    if (state->error_number == 0) {
        return 0;
    }
    return wr_error_set(error, WEIR_EIO, state->error_number, "state", "%s '%s.weir': %s",
                        state->error_step, state->name, strerror(state->error_number));
}

/* ---- the sink */

int wr_state_attach_sink(struct weir_state *state, int64_t *stored_length, weir_error *error)
{
    *stored_length = -1;
    wr_error_clear(error);
    if (state->failure.code != 0) {
        *error = state->failure;
        return error->code;
    }
    *stored_length = state->lossy || !worth_saving(state) ? -1 : state->sink_stored;
    return 0;
}

/* The folder in which a file lies; -1: it cannot be opened, as one that may not be read. */
static int open_folder_of(const struct wr_disk *disk, const char *path)
{
    char *folder = wr_strdup(path);
    char *slash = folder != NULL ? strrchr(folder, '/') : NULL;
    if (slash != NULL) {
        slash[slash == folder] = '\0';
    }
    int fd = folder == NULL
                 ? -1
                 : disk->open(AT_FDCWD, slash != NULL ? folder : ".", O_RDONLY | O_DIRECTORY, 0);
    wr_free(folder);
    return fd;
}

void wr_state_sink_file(struct weir_state *state, int fd, const char *path)
{
    if (state->failure.code != 0) {
        return;
    }
    wait_for_save(state);
    state->sink_fd = fd;
    if (state->sink_folder >= 0) {
        (void)state->loop->disk->close(state->sink_folder);
    }
    state->sink_folder = fd >= 0 ? open_folder_of(state->loop->disk, path) : -1;
}

int wr_state_begin(struct weir_state *state, int64_t length, weir_error *error)
{
    if (state->failure.code != 0) {
        *error = state->failure;
        return error->code;
    }
    wr_error_clear(error);
    state->sink_length = length;
    if (!worth_saving(state)) {
        if (state->lossy) {
            wait_for_save(state);
            wr_state_remove(state->loop->disk, state->folder_fd, state->name);
        }
        return 0;
    }
    take(state);
    state->dirty = true;
    return wr_state_save(state, error);
}

/* From now on nothing is cut. who: gives items without a position. */
static void end_cutting(struct weir_state *state, const char *who)
{
    if (!state->lossy) {
        state->lossy = true;
        wr_log(&state->loop->log, WR_LOG_WARNING, "state",
               "best-effort: %s has no position that a restart could go on from; nothing is cut",
               who);
    }
}

static void look_for_unplaced(struct weir_state *state, const weir_item *items, size_t count)
{
    for (size_t i = 0; i < count && !state->lossy; i++) {
        const struct weir_receipt *receipt = items[i].receipt;
        if (i > 0 && receipt == items[i - 1].receipt) {
            continue;
        }
        const struct wr_origin *unplaced = receipt != NULL ? wr_receipt_unplaced(receipt) : NULL;
        if (receipt == NULL || unplaced != NULL) {
            end_cutting(state, unplaced != NULL ? unplaced->name : "an item without a source");
        }
    }
}

static int lost(const struct weir_state *state, weir_error *error)
{
    return wr_error_set(error, WEIR_EIO, state->sink_lost, "state",
                        "sync the sink: %s; what was written since the last save may be lost, and "
                        "the next run writes it again",
                        strerror(state->sink_lost));
}

int wr_state_before_put(struct weir_state *state, const weir_item *items, size_t count,
                        weir_error *error)
{
    if (state->failure.code != 0) {
        *error = state->failure;
        return error->code;
    }
    wr_error_clear(error);
    if (state->sink_lost != 0) {
        return lost(state, error);
    }
    look_for_unplaced(state, items, count);
    if (!state->lossy || !state->cuttable || state->sink_length < 0) {
        return 0; /* before the sink begins wr_state_begin does it */
    }
    if (worth_saving(state)) {
        state->dirty = true;
        return wr_state_save(state, error);
    }
    wait_for_save(state);
    wr_state_remove(state->loop->disk, state->folder_fd, state->name);
    state->cuttable = false;
    return 0;
}

bool wr_state_cuts(const struct weir_state *state)
{
    return state->failure.code == 0 && !state->lossy;
}

void wr_state_committed(struct weir_state *state, int64_t length)
{
    if (state->failure.code != 0 || state->sink_length < 0) {
        return;
    }
    state->sink_length = length;
    take(state);
    save_soon(state);
}

/* ---- the sources */

static void key_of(char key[WR_STATE_SOURCE_NAME_MAX], const char *name)
{
    int len = snprintf(key, WR_STATE_SOURCE_NAME_MAX, "%s", name);
    if ((size_t)len >= WR_STATE_SOURCE_NAME_MAX) {
        snprintf(key + WR_STATE_SOURCE_NAME_MAX - 10, 10, "~%08x",
                 (unsigned)wr_crc32c(0, name, (size_t)len));
    }
}

/* Of several with one name the first that is free. */
static struct wr_state_slot *slot_for(struct weir_state *state, const char *key, bool expected)
{
    for (size_t i = 0; i < state->slots_count; i++) {
        struct wr_state_slot *slot = &state->slots[i];
        if (!(expected ? slot->expected : slot->attached) && strcmp(slot->name, key) == 0) {
            return slot;
        }
    }
    return NULL;
}

const struct wr_state_slot *wr_state_expect_source(struct weir_state *state, const char *name)
{
    char key[WR_STATE_SOURCE_NAME_MAX];
    key_of(key, name);
    struct wr_state_slot *slot = slot_for(state, key, true);
    state->expects = state->expects || state != &no_memory;
    if (slot != NULL) {
        slot->expected = true;
    }
    return slot;
}

bool wr_state_expects(const struct weir_state *state)
{
    return state->expects;
}

/* The record has a position for a source that nobody has made in this run. */
static bool has_stranger(const struct weir_state *state)
{
    for (size_t i = 0; i < state->slots_count; i++) {
        const struct wr_state_slot *slot = &state->slots[i];
        if (slot->stored && !slot->attached && !slot->expected) {
            return true;
        }
    }
    return false;
}

int wr_state_attach_source(struct weir_state *state, const char *name, struct wr_origin *origin,
                           struct wr_state_slot **slot, weir_error *error)
{
    char key[WR_STATE_SOURCE_NAME_MAX];
    *slot = NULL;
    wr_error_clear(error);
    if (state->failure.code != 0) {
        *error = state->failure;
        return error->code;
    }
    key_of(key, name);
    struct wr_state_slot *found = slot_for(state, key, false);
    if (found == NULL && has_stranger(state)) {
        return wr_error_set(error, WEIR_EINVAL, 0, "state",
                            "the state '%s' knows no source '%s': it is "
                            "another pipeline's",
                            state->name, key);
    }
    if (found == NULL) {
        if (state->slots_count == WR_STATE_SOURCES_MAX) {
            return wr_error_set(error, WEIR_EINVAL, 0, "state",
                                "more than %d sources share the state '%s'", WR_STATE_SOURCES_MAX,
                                state->name);
        }
        found = &state->slots[state->slots_count++];
        memcpy(found->name, key, sizeof key);
    }
    found->attached = true;
    found->origin = origin;
    origin->held++;
    *slot = found;
    return 0;
}

void wr_state_set_validator(struct weir_state *state, struct wr_state_slot *slot,
                            const char *validator)
{
    size_t len = validator != NULL ? strlen(validator) : 0;
    if (len > 0 && len < sizeof slot->validator) {
        memcpy(slot->validator, validator, len + 1);
        return;
    }
    slot->lossy = true;
    slot->stored = slot->finished = slot->inside = false;
    slot->offset = slot->items = 0;
    slot->validator[0] = '\0';
    end_cutting(state, slot->name);
    if ((state->sink_length >= 0 || state->early) && !state->work.busy && !worth_saving(state)) {
        wr_state_remove(state->loop->disk, state->folder_fd, state->name);
    }
}

void wr_state_detach_source(struct weir_state *state, struct wr_state_slot *slot, bool finished)
{
    (void)state;
    slot->read_to_end = finished;
}

const weir_error *wr_state_failure(const struct weir_state *state)
{
    return state->failure.code != 0 ? &state->failure : NULL;
}

bool wr_state_durable(const struct weir_state *state)
{
    return state->failure.code == 0 && worth_saving(state);
}

/* ---- life */

/* Items of its sources have been delivered, and no sink has asked for a record of that. */
static bool without_sink(const struct weir_state *state)
{
    uint64_t counts[WR_WORDS], delivered = 0;
    for (size_t i = 0; i < state->slots_count; i++) {
        if (state->slots[i].origin != NULL) {
            wr_origin_counts(state->slots[i].origin, counts);
            delivered += counts[WR_DELIVERED];
        }
    }
    return state->sink_length < 0 && wr_state_durable(state) && delivered > 0;
}

static void object_discard(struct wr_object *object)
{
    struct weir_state *state = WR_OWNER(object, struct weir_state, object);
    if (without_sink(state)) {
        wr_log(&state->loop->log, WR_LOG_WARNING, "state",
               "'%s' has saved no position: its sources have it, their sink does not "
               "(weir_file_options, weir_sink_keep_state)",
               state->name);
    }
    wr_timer_stop(state->loop, &state->look_timer);
    wr_timer_stop(state->loop, &state->timer);
    wait_for_save(state);
    wr_timer_stop(state->loop, &state->timer);
    for (size_t i = 0; i < state->slots_count; i++) {
        struct wr_origin *origin = state->slots[i].origin;
        if (origin != NULL) {
            origin->held--;
            if (origin->ended) {
                wr_origin_end(origin);
            }
        }
    }
    if (state->lock_fd >= 0) {
        (void)state->loop->disk->close(
            state->lock_fd); /* the file stays: whoever waits for its lock holds the same one */
    }
    if (state->folder_fd >= 0) {
        (void)state->loop->disk->close(state->folder_fd);
    }
    wr_object_fini(object);
    wr_free(state);
}

/* A cancel changes nothing: what is committed stays to be saved. */
static const struct wr_object_ops object_ops = {.kind = "state", .discard = object_discard};

static void adopt_record(struct weir_state *state)
{
    const struct wr_state_record *record = &state->record;
    state->sink_stored = record->sink_length;
    state->slots_count = record->sources_count;
    for (size_t i = 0; i < record->sources_count; i++) {
        const struct wr_state_source *from = &record->sources[i];
        struct wr_state_slot *slot = &state->slots[i];
        /* A run that failed before it knew what it reads has left nothing to hold on to. */
        slot->stored = from->validator[0] != '\0' || from->offset > 0;
        slot->finished = from->finished;
        slot->offset = from->offset;
        slot->inside = from->inside;
        slot->items = from->items;
        memcpy(slot->validator, from->validator, sizeof slot->validator);
        memcpy(slot->name, from->name, sizeof slot->name);
    }
}

weir_state *weir_state_open(weir_scope *scope, const char *folder, const char *name)
{
    wr_scope_given(scope, "weir_state_open");
    struct weir_state *state = wr_zalloc(sizeof *state);
    if (state == NULL) {
        return &no_memory;
    }
    state->loop = scope->loop;
    state->folder_fd = state->lock_fd = state->sink_fd = state->sink_folder = -1;
    state->sink_stored = state->sink_length = -1;
    state->saved_ns = wr_now_ns(state->loop) - (int64_t)SAVE_MS * 1000000;
    state->work.run = save_run;
    state->work.done = save_done;
    wr_timer_init(&state->timer, timer_fired);
    wr_timer_init(&state->look_timer, look_timer_fired);
    snprintf(state->name, sizeof state->name, "%s", name);
    wr_object_init(&state->object, &object_ops, scope, state->name);
    wr_error_clear(&state->failure);
    if (*name == '\0' || *name == '.' || strchr(name, '/') != NULL ||
        strlen(name) > WR_STATE_NAME_MAX) {
        wr_error_set(&state->failure, WEIR_EINVAL, 0, "state",
                     "a state's name is a file name of 1 to %d bytes", WR_STATE_NAME_MAX);
    } else if (wr_state_lock(state->loop->disk, folder, name, &state->folder_fd, &state->lock_fd,
                             &state->failure) == 0 &&
               wr_state_load(state->loop->disk, state->folder_fd, folder, name, &state->record,
                             &state->failure) > 0) {
        adopt_record(state);
    }
    return state;
}
