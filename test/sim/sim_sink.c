/*
 * sim_sink.c - the sinks of a simulation.
 *
 *   a file      on the disk in memory, at "d/out0"
 *   a far end   has what was put at once, and acknowledges it in its commit, later; it may fail in
 *               between, so that what came again is there twice
 *   a table     has what was put, and the state's text with it, when its commit ends
 *
 * A machine that has stopped sends nothing, and hears nothing.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim.h"
#include "support_check.h"

static void add(char **to, size_t *to_len, size_t *cap, const char *data, size_t len)
{
    if (*to_len + len + 1 > *cap) {
        *cap = (*to_len + len + 1) * 2;
        *to = realloc(*to, *cap);
        ck_assert_ptr_nonnull(*to);
    }
    memcpy(*to + *to_len, data, len);
    *to_len += len;
}

void sim_sinks_forget(void)
{
    for (size_t i = 0; i < SIM_SINKS; i++) {
        free(sim.far[i].data);
        free(sim.far[i].waits);
        free(sim.far[i].text);
        sim.far[i] = (struct sim_far){.data = NULL};
    }
}

/* So many ms, or less when the scope is over; some calls take none. */
static bool take_time(weir_sink *sink)
{
    return sim_draw(3) > 0 || weir_sleep(weir_sink_scope(sink), (int64_t)sim_draw(300));
}

static int lost(weir_sink *sink)
{
    return weir_sink_error(sink, WEIR_EIO, 0, "the far end is lost");
}

static void take(struct sim_far *far, const weir_item *item, bool waits)
{
    const weir_item *parts;
    size_t count = weir_item_parts(item, &parts);
    for (size_t i = 0; i < count; i++) {
        char **to = waits ? &far->waits : &far->data;
        size_t *len = waits ? &far->waits_len : &far->len;
        size_t *cap = waits ? &far->waits_cap : &far->cap;
        add(to, len, cap, parts[i].data, parts[i].len);
        add(to, len, cap, "\n", 1);
    }
}

/* ---- a far end */

static int far_put(weir_sink *sink, void *self, const weir_item *items, size_t count)
{
    struct sim_far *far = *(struct sim_far **)self;
    if (!take_time(sink) || sim_stopped() || sim_fault(80)) {
        return lost(sink);
    }
    for (size_t i = 0; i < count; i++) {
        take(far, &items[i], false);
    }
    sim_note("far", far->len, count);
    return sim_fault(150) ? lost(sink) : 0;
}

static int far_commit(weir_sink *sink, void *self)
{
    (void)self;
    return !take_time(sink) || sim_stopped() || sim_fault(60) ? lost(sink) : 0;
}

/* ---- a table */

static int table_put(weir_sink *sink, void *self, const weir_item *items, size_t count)
{
    struct sim_far *far = *(struct sim_far **)self;
    if (!take_time(sink) || sim_stopped() || sim_fault(80)) {
        return lost(sink);
    }
    for (size_t i = 0; i < count; i++) {
        take(far, &items[i], true);
    }
    return 0;
}

static int table_commit(weir_sink *sink, void *self)
{
    struct sim_far *far = *(struct sim_far **)self;
    size_t len;
    const char *text = weir_state_text(sink, &len);
    char *copy = text != NULL ? strndup(text, len) : NULL;
    bool fails = copy == NULL || !take_time(sink) || sim_stopped() || sim_fault(40);
    if (fails) {
        free(copy);
        return lost(sink);
    }
    add(&far->data, &far->len, &far->cap, far->waits != NULL ? far->waits : "", far->waits_len);
    sim_note("table", far->len, far->waits_len);
    far->waits_len = 0;
    free(far->text);
    far->text = copy;
    return sim_fault(60) ? lost(sink) : 0;
}

weir_sink *sim_sink_open(size_t index)
{
    struct sim_far *far = &sim.far[index];
    char path[16];
    snprintf(path, sizeof path, "d/out%zu", index);
    if (sim.sinks[index] == SIM_OUT) {
        return weir_file_sink(sim.scope, path, WEIR_OPTIONS(weir_file_options, .state = sim.state));
    }
    const bool table = sim.sinks[index] == SIM_TABLE;
    far->waits_len = 0;
    weir_sink *sink = weir_sink_new(
        sim.scope,
        WEIR_OPTIONS(weir_sink_ops, .name = path, .put_many = table ? table_put : far_put,
                     .commit = table ? table_commit : far_commit, .transacts = table),
        &far, sizeof far);
    weir_sink_keep_state(sink, sim.state);
    return sink;
}

const char *sim_sink_lines(size_t index, size_t *len)
{
    char path[16];
    snprintf(path, sizeof path, "d/out%zu", index);
    if (sim.sinks[index] == SIM_OUT) {
        const char *bytes = wr_disk_get(path, len);
        if (bytes == NULL) {
            *len = 0;
        }
        return bytes;
    }
    *len = sim.far[index].len;
    return sim.far[index].data;
}
