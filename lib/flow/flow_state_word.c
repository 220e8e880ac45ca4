/*
 * flow_state_word.c - what a state promises: the weakest word of its sources and its sinks.
 *
 * The word is known when each source that was made has reported where it continues. It is
 * best-effort as soon as one source or sink makes it so. The word is reported when it is known, and
 * again whenever it changes. Nothing here suspends, except what the program does in its watch
 * function.
 */
#include "flow_state_inside.h"

#include <stdio.h>
#include <string.h>

/* A word, and the reason why it is not stronger. */
struct promise {
    int word;
    const char *who, *why; /* who: may be NULL */
};

static void lower(struct promise *promise, int word, const char *who, const char *why)
{
    if (word < promise->word) {
        *promise = (struct promise){word, who, why};
    }
}

/* False: it is not known yet. */
static bool sources_promise(const struct weir_state *state, struct promise *promise)
{
    bool known = true;
    if (state->lossy || !state->expects) {
        lower(promise, WEIR_BEST_EFFORT, state->lossy ? state->lossy_name : "the source",
              " has no position from which a restart can continue; nothing is cut");
        return true;
    }
    for (size_t i = 0; i < state->slots_count; i++) {
        const struct wr_state_slot *slot = state->slots[i];
        if (slot->proof == WR_PROOF_WEAK) {
            lower(promise, WEIR_AT_LEAST_ONCE, slot->name,
                  " cannot show that it continues where the last run ended");
        }
        known = known && (slot->proof != WR_PROOF_PENDING || (!slot->expected && !slot->attached));
    }
    return known;
}

static void sinks_promise(const struct weir_state *state, struct promise *promise)
{
    for (size_t i = 0; i < state->sinks_count; i++) {
        const struct wr_state_sink *sink = state->sinks[i];
        if (sink->promise != NULL && sink->word <= promise->word) {
            *promise = (struct promise){sink->word, NULL, sink->promise};
        }
        if (sink->transacts && state->sinks_count > 1) {
            lower(promise, WEIR_AT_LEAST_ONCE, sink->name, " is not the only sink");
        }
    }
}

static const char *const words[] = {"best-effort", "at-least-once", "exactly-once-effect"};

static struct promise promise_of(const struct weir_state *state, bool *known)
{
    struct promise promise = {WEIR_EXACTLY_ONCE, NULL, "positions and output are saved together"};
    *known = sources_promise(state, &promise);
    sinks_promise(state, &promise);
    *known = *known || promise.word == WEIR_BEST_EFFORT;
    return promise;
}

/* Has this run made something that promises? What is only in the record does not count. */
static bool is_used(const struct weir_state *state)
{
    bool used = state->lossy || state->expects;
    for (size_t i = 0; i < state->sinks_count && !used; i++) {
        used = state->sinks[i]->expected || state->sinks[i]->attached;
    }
    return used;
}

void wr_state_tell(struct weir_state *state)
{
    bool known;
    char text[300];
    struct promise promise = promise_of(state, &known);
    if (!known || !is_used(state) || promise.word == state->word) {
        return;
    }
    state->word = promise.word;
    snprintf(text, sizeof text, "%s: %s%s", words[promise.word],
             promise.who != NULL ? promise.who : "", promise.why);
    if (state->watch != NULL) {
        state->watch(state->watch_ctx, promise.word, text);
    } else {
        wr_log(&state->loop->log, promise.word == WEIR_BEST_EFFORT ? WR_LOG_WARNING : WR_LOG_INFO,
               "state", "%s", text);
    }
}

int wr_state_short_of(const struct weir_state *state, weir_error *error)
{
    bool known;
    struct promise promise = promise_of(state, &known);
    wr_error_clear(error);
    return known && promise.word < state->required
               ? wr_error_set(error, WEIR_EINVAL, 0, "state", "%s: %s%s; %s is required",
                              words[promise.word], promise.who != NULL ? promise.who : "",
                              promise.why, words[state->required])
               : 0;
}

void weir_state_watch(weir_state *state, void (*fn)(void *ctx, int delivery, const char *text),
                      void *ctx)
{
    wr_state_given(state, "weir_state_watch");
    if (state->loop != NULL) {
        state->watch = fn;
        state->watch_ctx = ctx;
        state->word = -1;
        wr_state_tell(state);
    }
}

void weir_state_require(weir_state *state, int delivery)
{
    wr_state_given(state, "weir_state_require");
    WR_ASSERT(delivery >= WEIR_BEST_EFFORT && delivery <= WEIR_EXACTLY_ONCE,
              "weir_state_require: %d is not a valid delivery", delivery);
    if (state->loop != NULL) {
        state->required = delivery;
    }
}
