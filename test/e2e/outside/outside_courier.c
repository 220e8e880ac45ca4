/*
 * outside_courier.c - a sink on a library that calls back from a thread of its own.
 *
 * put_many hands lines to the courier and parks on a waker while the courier has no room; each
 * callback counts and wakes. commit waits until all that was sent is written: only then do the
 * receipts settle, so a line that could not be written never counts as delivered.
 */
#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "courier.h"
#include "outside.h"

struct state {
    weir_waker waker;
    atomic_size_t done;
    atomic_int error; /* errno of the first line that failed */
    size_t sent;
    struct courier *courier; /* NULL: not opened yet */
    weir_scratch scratch;
    char path[];
};

static void on_done(void *ctx, int error)
{
    struct state *state = ctx;
    int none = 0;
    if (error != 0) {
        (void)atomic_compare_exchange_strong(&state->error, &none, error);
    }
    atomic_fetch_add(&state->done, 1);
    weir_wake_remote(&state->waker);
}

/* Fail if what the courier has done so far has failed. */
static int look(weir_sink *sink, struct state *state)
{
    int error = atomic_load(&state->error);
    if (error != 0) {
        return weir_sink_error(sink, WEIR_EIO, error, "write: %s", strerror(error));
    }
    return 0;
}

/* Wait until the courier has done something more. */
static int wait_for_it(weir_sink *sink, struct state *state)
{
    int rc = weir_park(&state->waker, WEIR_NONE, "the courier");
    int failed = look(sink, state);
    return failed < 0 ? failed : rc;
}

static int send_one(weir_sink *sink, struct state *state, const weir_item *item)
{
    weir_slice text;
    int rc = weir_item_text(item, &text, &state->scratch);
    if (rc < 0) {
        return weir_sink_error(sink, rc, 0, "the item has no text");
    }
    while (courier_send(state->courier, text.data, text.len) == EAGAIN) {
        rc = wait_for_it(sink, state);
        if (rc < 0) {
            return rc;
        }
    }
    state->sent++;
    return 0;
}

static int put_many(weir_sink *sink, void *self, const weir_item *items, size_t count)
{
    struct state *state = *(struct state **)self;
    if (state == NULL) {
        return weir_sink_error(sink, WEIR_ENOMEM, 0, "out of memory");
    }
    if (state->courier == NULL) {
        weir_waker_init(&state->waker, weir_sink_scope(sink));
        state->courier = courier_open(state->path, on_done, state);
        if (state->courier == NULL) {
            int rc = weir_sink_error(sink, WEIR_EIO, errno, "open: %s", strerror(errno));
            weir_waker_fini(&state->waker);
            return rc;
        }
    }
    for (size_t i = 0; i < count; i++) {
        int rc = send_one(sink, state, &items[i]);
        if (rc < 0) {
            return rc;
        }
    }
    return 0;
}

static int commit(weir_sink *sink, void *self)
{
    struct state *state = *(struct state **)self;
    while (state != NULL && atomic_load(&state->done) < state->sent) {
        int rc = wait_for_it(sink, state);
        if (rc < 0) {
            return rc;
        }
    }
    return state != NULL ? look(sink, state) : 0;
}

/* The thread is joined here, so no callback comes after the waker's end. */
static int finish(weir_sink *sink, void *self)
{
    struct state *state = *(struct state **)self;
    (void)sink;
    if (state != NULL && state->courier != NULL) {
        courier_close(state->courier);
        weir_waker_fini(&state->waker);
    }
    if (state != NULL) {
        weir_scratch_free(&state->scratch);
    }
    free(state);
    return 0;
}

static const weir_sink_ops ops = {.struct_size = sizeof ops,
                                  .name = "courier",
                                  .put_many = put_many,
                                  .commit = commit,
                                  .finish = finish};

/* The state has an address of its own, since the courier's thread knows it. */
weir_sink *outside_courier(weir_scope *scope, const char *path)
{
    struct state *state = calloc(1, sizeof *state + strlen(path) + 1);
    if (state != NULL) {
        strcpy(state->path, path);
    }
    return weir_sink_new(scope, &ops, &state, sizeof state);
}

struct courier_args {
    const char *path;
};

static weir_sink *open_courier(const weir_opening *opening, const void *args)
{
    return outside_courier(opening->scope, ((const struct courier_args *)args)->path);
}

static const weir_arg args[] = {
    WEIR_ARG_PATH(struct courier_args, path, .name = "PATH", .flags = WEIR_ARG_REQUIRED,
                  .help = "where the courier takes the lines"),
};

static const weir_component component = {
    .struct_size = sizeof component,
    .name = "courier",
    .kind = WEIR_KIND_SINK,
    .takes = WEIR_SHAPE_LINE,
    .traits = WEIR_TRAIT_IO | WEIR_TRAIT_ACKNOWLEDGES,
    .args = args,
    .args_count = 1,
    .args_size = sizeof(struct courier_args),
    .help = "Lines to a file, by the courier.",
    .example = "gen 1..3 | ./courier.so out.txt",
    .open_sink = open_courier,
};

WEIR_MODULE(&component);
