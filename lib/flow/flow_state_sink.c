/*
 * flow_state_sink.c - the sink of a state: its length at a commit, and whether a restart cuts it.
 *
 * Items without a position end the cutting: the record then has no length, which is on the disk
 * before the first of them is written, since nobody could write them again after a cut. Where no
 * source has a position nothing is saved, and an older record is removed.
 *
 * Called by sinks from the task that puts, commits or ends; begin and before_put suspend.
 */
#include "flow_state_inside.h"

#include <string.h>

#include "base_alloc.h"
#include "bytes_receipt.h"

int wr_state_attach_sink(struct weir_state *state, const char *name, int64_t *stored_length,
                         weir_error *error)
{
    *stored_length = -1;
    int rc = wr_state_usable(state, error);
    if (rc < 0) {
        return rc;
    }
    bool known = state->sink_name != NULL && wr_state_worth_saving(state);
    if (known && strcmp(state->sink_name, name) != 0) {
        return wr_error_set(error, WEIR_EINVAL, 0, "state",
                            "the state '%s' is another pipeline's: its sink is '%s', not '%s'",
                            state->place.name, state->sink_name, name);
    }
    if (!known) {
        wr_free(state->sink_name);
        state->sink_name = wr_strdup(name);
        state->sink_stored = -1;
    }
    if (state->sink_name == NULL) {
        return wr_error_set(error, WEIR_ENOMEM, 0, "state", "no memory for the name of the sink");
    }
    *stored_length = state->lossy ? -1 : state->sink_stored;
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
    const char *name = slash != NULL ? folder : ".";
    int fd = folder != NULL ? disk->open(AT_FDCWD, name, O_RDONLY | O_DIRECTORY, 0) : -1;
    wr_free(folder);
    return fd;
}

void wr_state_sink_file(struct weir_state *state, int fd, const char *path)
{
    if (state->failure.code != 0) {
        return;
    }
    wr_state_wait(state);
    state->sink_fd = fd;
    if (state->sink_folder >= 0) {
        (void)state->loop->disk->close(state->sink_folder);
    }
    state->sink_folder = fd >= 0 ? open_folder_of(state->loop->disk, path) : -1;
}

int wr_state_begin(struct weir_state *state, int64_t length, weir_error *error)
{
    int rc = wr_state_usable(state, error);
    if (rc < 0) {
        return rc;
    }
    state->sink_length = length;
    if (!wr_state_worth_saving(state)) {
        if (state->lossy) {
            wr_state_wait(state);
            wr_state_remove(&state->place);
        }
        return 0;
    }
    return wr_state_save(state, error);
}

void wr_state_end_cutting(struct weir_state *state, const char *who)
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
            wr_state_end_cutting(state,
                                 unplaced != NULL ? unplaced->name : "an item without a source");
        }
    }
}

int wr_state_lost(const struct weir_state *state, weir_error *error)
{
    return wr_error_set(error, WEIR_EIO, state->sink_lost, "state",
                        "sync the sink: %s; what was written since the last save may be lost, and "
                        "the next run writes it again",
                        strerror(state->sink_lost));
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
    if (!state->lossy || !state->cuttable || state->sink_length < 0) {
        return 0; /* before the sink begins wr_state_begin does it */
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

void wr_state_committed(struct weir_state *state, int64_t length)
{
    if (state->failure.code != 0 || state->sink_length < 0) {
        return;
    }
    state->sink_length = length;
    wr_state_save_soon(state);
}
