/*
 * flow_state_sink.c - the sinks of a state: their lengths at a commit, and whether they are cut.
 *
 * If a file is longer than the record says, a run wrote to it and died before it could save. The
 * bytes after the stored length are cut off only when every source with a position has shown that
 * it gives those items again. Items without a position end all cutting: they could not be given
 * again after a cut, so a record without a length is on the disk before the first of them is
 * written. If no source has a position nothing is saved, and an older record is removed.
 *
 * Sinks call this file from the task that puts, commits or ends; may_cut, begin and before_put
 * suspend.
 */
#include "flow_state_inside.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base_alloc.h"
#include "bytes_receipt.h"
#include "loop_wait.h"

/* ---- sinks */

/* NULL: no memory. */
static struct wr_state_sink *add_sink(struct weir_state *state, const char *name)
{
    struct wr_state_sink *sink = wr_zalloc(sizeof *sink);
    if (sink == NULL || (sink->name = wr_strdup(name)) == NULL ||
        !wr_grow(&state->sinks, sizeof *state->sinks, state->sinks_count, &state->sinks_cap)) {
        if (sink != NULL) {
            wr_free(sink->name);
        }
        wr_free(sink);
        return NULL;
    }
    sink->state = state;
    sink->stored = sink->length = sink->kept = sink->before = sink->synced = -1;
    sink->fd = sink->folder = sink->moved = -1;
    state->sinks[state->sinks_count++] = sink;
    return sink;
}

/* A sink of this name that is not from the record of an earlier run; NULL: no memory. */
static struct wr_state_sink *find_unknown(struct weir_state *state, const char *name)
{
    for (size_t i = 0; i < state->sinks_count; i++) {
        struct wr_state_sink *sink = state->sinks[i];
        if (!sink->known && strcmp(sink->name, name) == 0) {
            return sink;
        }
    }
    return add_sink(state, name);
}

int wr_state_adopt_sinks(struct weir_state *state, const struct wr_record *record)
{
    for (size_t i = 0; i < record->sinks_count; i++) {
        struct wr_state_sink *sink = find_unknown(state, record->sinks[i].name);
        if (sink == NULL) {
            return WEIR_ENOMEM;
        }
        sink->stored = sink->kept = record->sinks[i].length;
        sink->before = record->sinks[i].before;
        sink->known = true;
        state->half = state->half || sink->before >= 0;
    }
    return 0;
}

static void forget_folders(struct wr_state_sink *sink)
{
    const struct wr_disk *disk = sink->state->loop->disk;
    if (sink->folder >= 0) {
        (void)disk->close(sink->folder);
    }
    if (sink->moved >= 0) {
        (void)disk->close(sink->moved);
    }
    sink->folder = sink->moved = -1;
}

void wr_state_sinks_fini(struct weir_state *state)
{
    for (size_t i = 0; i < state->sinks_count; i++) {
        struct wr_state_sink *sink = state->sinks[i];
        forget_folders(sink);
        wr_free(sink->name);
        wr_free(sink);
    }
    while (state->beside != NULL) {
        struct wr_state_sink *sink = state->beside;
        state->beside = sink->next;
        forget_folders(sink);
        wr_free(sink);
    }
    wr_free(state->sinks);
    state->sinks = NULL;
    state->sinks_count = state->sinks_cap = 0;
}

void wr_state_put_sinks(const struct weir_state *state, struct wr_growing *to, bool half)
{
    for (size_t i = 0; i < state->sinks_count; i++) {
        const struct wr_state_sink *sink = state->sinks[i];
        if (sink->attached || sink->known) {
            wr_record_sink(to, &(struct wr_record_sink){.name = sink->name,
                                                        .length = state->lossy ? -1 : sink->kept,
                                                        .before = half ? sink->before : -1});
        }
    }
}

/* Of several sinks with the same name, the first free one; NULL: none. */
static struct wr_state_sink *find_sink(const struct weir_state *state, const char *name,
                                       bool expected)
{
    for (size_t i = 0; i < state->sinks_count; i++) {
        struct wr_state_sink *sink = state->sinks[i];
        if (!(expected ? sink->expected : sink->attached) && strcmp(sink->name, name) == 0) {
            return sink;
        }
    }
    return NULL;
}

struct wr_state_sink *wr_state_expect_sink(struct weir_state *state, const char *name, int word,
                                           const char *promise)
{
    struct wr_state_sink *sink = NULL;
    if (state->failure.code == 0) {
        sink = find_sink(state, name, true);
        sink = sink != NULL ? sink : add_sink(state, name);
    }
    if (sink != NULL) {
        sink->expected = true;
        sink->word = (uint8_t)word;
        sink->promise = promise;
    }
    return sink;
}

/* A sink of the record that is not in this run; NULL: none. */
static const struct wr_state_sink *stranger(const struct weir_state *state)
{
    for (size_t i = 0; i < state->sinks_count; i++) {
        const struct wr_state_sink *sink = state->sinks[i];
        if (sink->known && !sink->attached && !sink->expected) {
            return sink;
        }
    }
    return NULL;
}

int wr_state_attach_sink(struct weir_state *state, const char *name, struct wr_state_sink **sink,
                         weir_error *error)
{
    *sink = NULL;
    int rc = wr_state_usable(state, error);
    if (rc < 0) {
        return rc;
    }
    struct wr_state_sink *found = find_sink(state, name, false);
    const struct wr_state_sink *other = found == NULL || !found->known ? stranger(state) : NULL;
    if (other != NULL && wr_state_worth_saving(state)) {
        return wr_error_set(
            error, WEIR_EINVAL, 0, "state",
            "the state '%s' belongs to another pipeline: that one writes to '%s', not to '%s'",
            state->place.name, other->name, name);
    }
    found = found != NULL ? found : add_sink(state, name);
    if (found == NULL) {
        return wr_error_set(error, WEIR_ENOMEM, 0, "state", "no memory for the name of a sink");
    }
    found->attached = true;
    if (state->lossy || !wr_state_worth_saving(state)) {
        found->stored = -1;
    }
    *sink = found;
    return 0;
}

void wr_state_sink_samples(struct wr_state_sink *sink, bool (*sample)(void *ctx),
                           int (*unread)(void *ctx, struct wr_runs *to), void *ctx)
{
    sink->sample = sample;
    sink->unread = unread;
    sink->sample_ctx = ctx;
}

bool wr_state_sample(const struct weir_state *state)
{
    bool left = false;
    for (size_t i = 0; i < state->sinks_count; i++) {
        const struct wr_state_sink *sink = state->sinks[i];
        left |= sink->sample != NULL && sink->sample(sink->sample_ctx);
    }
    return left;
}

void wr_state_promise(struct wr_state_sink *sink, int word, const char *promise)
{
    sink->word = (uint8_t)word;
    sink->promise = promise;
    wr_state_tell(sink->state);
}

/* ---- files */

int wr_state_folder_of(const struct wr_disk *disk, const char *path)
{
    char *folder = wr_strdup(path);
    char *slash = folder != NULL ? strrchr(folder, '/') : NULL;
    if (slash != NULL) {
        slash[slash == folder] = '\0';
    }
    const char *name = slash != NULL ? folder : ".";
    int fd = folder != NULL ? disk->open(AT_FDCWD, name, O_RDONLY | O_DIRECTORY, 0) : -1;
    wr_free(folder);
    return fd;
}

void wr_state_sink_file(struct wr_state_sink *sink, int fd, const char *path)
{
    const struct wr_disk *disk = sink->state->loop->disk;
    forget_folders(sink);
    sink->fd = fd;
    sink->folder = path != NULL ? wr_state_folder_of(disk, path) : -1;
}

/* The bytes that a record counts, and the file's name, must be on the disk before the record. */
static int sync_sink(const struct wr_disk *disk, struct wr_state_sink *sink)
{
    int64_t length = sink->handed;
    if (disk->sync_data(sink->fd) < 0 &&
        errno != EINVAL) { /* EINVAL: a device, with nothing to sync */
        return errno;
    }
    int number = sink->folder >= 0 ? wr_disk_sync_folder(disk, sink->folder) : 0;
    if (sink->folder >= 0) {
        (void)disk->close(sink->folder);
        sink->folder = -1;
    }
    sink->synced = number == 0 ? length : sink->synced;
    return number;
}

int wr_state_sync_sinks(struct weir_state *state)
{
    int number = 0;
    for (size_t i = 0; i < state->sinks_count && number == 0; i++) {
        if (state->sinks[i]->fd >= 0) {
            number = sync_sink(state->loop->disk, state->sinks[i]);
        }
    }
    for (struct wr_state_sink *sink = state->beside; sink != NULL && number == 0;
         sink = sink->next) {
        number = sink->fd >= 0 ? sync_sink(state->loop->disk, sink) : 0;
    }
    return number;
}

void wr_state_hand_sinks(struct weir_state *state)
{
    for (size_t i = 0; i < state->sinks_count; i++) {
        struct wr_state_sink *sink = state->sinks[i];
        sink->handed = sink->length;
        if (sink->moved >= 0 && sink->folder < 0) {
            sink->folder = sink->moved;
            sink->moved = -1;
        }
    }
    for (struct wr_state_sink *sink = state->beside; sink != NULL; sink = sink->next) {
        sink->handed = sink->length;
    }
}

struct last_sync {
    struct wr_state_sink *sink;
    int number;
};

static void sync_at_end(void *arg)
{
    struct last_sync *last = arg;
    last->number = sync_sink(last->sink->state->loop->disk, last->sink);
}

int wr_state_sink_closes(struct wr_state_sink *sink, weir_error *error)
{
    struct weir_state *state = sink->state;
    wr_error_clear(error);
    wr_state_wait(state);
    if (sink->fd >= 0 && state->sink_lost == 0 && sink->synced < sink->length &&
        wr_state_worth_saving(state)) {
        struct last_sync last = {.sink = sink};
        sink->handed = sink->length;
        wr_work_wait(state->loop, "the sink to be synced", sync_at_end, &last);
        state->sink_lost = state->sink_lost != 0 ? state->sink_lost : last.number;
        wr_state_wait(state); /* a save that began meanwhile syncs this file, too */
    }
    sink->fd = -1;
    return state->sink_lost == 0 ? 0 : wr_state_lost(state, error);
}

int wr_state_lost(const struct weir_state *state, weir_error *error)
{
    return wr_error_set(error, WEIR_EIO, state->sink_lost, "state",
                        "sync the sink: %s; what was written since the last save may be lost, and "
                        "the next run writes it again",
                        strerror(state->sink_lost));
}

/* ---- cutting */

/* Is there an attached source that has not reported yet where it continues? */
static bool source_pends(const struct weir_state *state)
{
    for (size_t i = 0; i < state->slots_count; i++) {
        const struct wr_state_slot *slot = state->slots[i];
        if (slot->attached && !slot->detached && slot->proof == WR_PROOF_PENDING) {
            return true;
        }
    }
    return false;
}

/* Is there a source that was made and has not attached yet? */
static bool source_expected(const struct weir_state *state)
{
    for (size_t i = 0; i < state->slots_count; i++) {
        if (state->slots[i]->expected && !state->slots[i]->attached) {
            return true;
        }
    }
    return false;
}

int wr_state_may_cut(struct weir_state *state, const char **who, weir_error *error)
{
    int rc = 0;
    *who = NULL;
    if (source_expected(state)) {
        rc = wr_pause(state->loop, &state->object); /* its task may not have run yet */
    }
    while (rc == 0 && source_pends(state)) {
        rc = wr_wait(state->loop, "the sources to report where they continue", &state->object);
    }
    if (rc < 0) {
        return wr_error_set(error, rc, 0, "state", "%s", wr_code_text(rc));
    }
    enum wr_cut cut = state->lossy ? WR_CUT_NOT : WR_CUT_YES;
    *who = state->lossy ? state->lossy_name : NULL;
    for (size_t i = 0; i < state->slots_count && cut != WR_CUT_NOT; i++) {
        const struct wr_state_slot *slot = state->slots[i];
        if (slot->proof == WR_PROOF_WEAK) {
            cut = WR_CUT_IF_SAME;
            *who = slot->name;
        } else if (slot->stored != NULL && slot->proof != WR_PROOF_EXACT) {
            cut = WR_CUT_NOT;
            *who = slot->name;
        }
    }
    return (int)cut;
}

void wr_state_end_cutting(struct weir_state *state, const char *who)
{
    if (!state->lossy) {
        state->lossy = true;
        snprintf(state->lossy_name, sizeof state->lossy_name, "%s", who);
        wr_state_tell(state);
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
            wr_state_end_cutting(state,
                                 unplaced != NULL ? unplaced->name : "an item without a source");
        }
    }
}

/* ---- writing */

int wr_state_begin(struct wr_state_sink *sink, int64_t length, weir_error *error)
{
    struct weir_state *state = sink->state;
    sink->length = length;
    state->measures = state->measures || length > 0;
    if (state->half && sink->before < 0) {
        sink->before = length;
    }
    int rc = wr_state_short_of(state, error);
    if (rc < 0) {
        return rc;
    }
    if (!wr_state_worth_saving(state)) {
        if (state->lossy) {
            wr_state_wait(state);
            wr_state_remove(&state->place);
        }
        return 0;
    }
    return wr_state_save(state, error);
}

int wr_state_before_put(struct weir_state *state, const weir_item *items, size_t count,
                        weir_error *error)
{
    int rc = wr_state_usable(state, error);
    if (rc < 0) {
        return rc;
    }
    if (state->sink_lost != 0) {
        return wr_state_lost(state, error);
    }
    look_for_unplaced(state, items, count);
    rc = wr_state_short_of(state, error);
    if (rc < 0 || !state->lossy || !state->cuttable || !wr_state_begun(state)) {
        return rc; /* before a sink has begun, wr_state_begin does the rest */
    }
    if (wr_state_worth_saving(state)) {
        return wr_state_save(state, error);
    }
    wr_state_wait(state);
    wr_state_remove(&state->place);
    state->cuttable = false;
    return 0;
}

bool wr_state_cuts(const struct weir_state *state)
{
    return state->failure.code == 0 && !state->lossy;
}

void wr_state_committed(struct wr_state_sink *sink, int64_t length)
{
    sink->length = length;
    sink->state->measures = sink->state->measures || length > 0; /* a stream's is 0 */
    wr_state_save_soon(sink->state);
}
