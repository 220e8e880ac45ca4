/*
 * plan_promise.c - what a pipeline promises, from the traits of its components: whether it may reject
 * items, what it counts over runs, and the word of delivery.
 *
 * Pure functions of a plan: nothing is opened, and no far end is asked. A promise that depends on
 * the far end is given with its condition.
 */
#include "plan_text.h"

#include <string.h>

#include "base_error.h"

bool wr_plan_each_step(const struct weir_chain *chain, size_t depth,
                       bool (*fn)(const struct wr_plan_step *step, size_t depth, void *arg),
                       void *arg)
{
    for (size_t i = 0; i < chain->count; i++) {
        const struct wr_plan_step *step = &chain->steps[i];
        if (!fn(step, depth, arg)) {
            return false;
        }
        for (size_t j = 0; j < step->component->args_count; j++) {
            size_t count;
            struct weir_chain *const *chains = wr_plan_chains(step, j, &count);
            for (size_t k = 0; k < count; k++) {
                if (!wr_plan_each_step(chains[k], depth + 1, fn, arg)) {
                    return false;
                }
            }
        }
    }
    return true;
}

/* ---- rejected items */

static bool never_rejects(const struct wr_plan_step *step, size_t depth, void *arg)
{
    (void)depth;
    (void)arg;
    return (wr_plan_traits(step) & WEIR_TRAIT_REJECTS) == 0;
}

bool weir_plan_rejects(const weir_plan *plan)
{
    WR_GIVEN(plan);
    bool never = wr_plan_each_step(&plan->root, 0, never_rejects, NULL);
    for (size_t i = 0; i < plan->decodings_count; i++) {
        never = never && wr_plan_each_step(&plan->decodings[i].chain, 0, never_rejects, NULL);
    }
    return !never;
}

/* ---- runs with a state */

/* Find a component that counts over runs, after one in the same chain whose items cannot be counted
 * from the position of the source. */
static bool find_recount(const struct weir_chain *chain, const weir_component **counts,
                         const weir_component **behind)
{
    const weir_component *before = NULL;
    for (size_t i = 0; i < chain->count; i++) {
        const struct wr_plan_step *step = &chain->steps[i];
        uint32_t traits = wr_plan_traits(step);
        if (step->component->kind != WEIR_KIND_STAGE) {
            continue;
        }
        if ((traits & WEIR_TRAIT_COUNTS) != 0 && before != NULL) {
            *counts = step->component;
            *behind = before;
            return true;
        }
        if ((traits & WEIR_TRAIT_STATE_REPLAYS) != 0) {
            before = NULL; /* its items are counted */
        } else if ((traits & (WEIR_TRAIT_COUNTS | WEIR_TRAIT_ONE_TO_ONE)) == 0) {
            before = step->component;
        }
    }
    return false;
}

bool weir_plan_recounts(const weir_plan *plan, const weir_component **counts,
                        const weir_component **behind)
{
    WR_GIVEN(plan);
    WR_GIVEN(counts);
    WR_GIVEN(behind);
    return find_recount(&plan->root, counts, behind);
}

/* ---- delivery */

/* By enum weir_delivery. */
const char *const wr_plan_delivery_words[] = {"best-effort", "at-least-once",
                                              "exactly-once-effect"};

struct promise {
    int word;                    /* enum weir_delivery: the weakest so far */
    const weir_component *limit; /* the component that is the reason; NULL: none */
    const char *why;             /* the reason in words */
    size_t sinks;
    bool transacts; /* a sink stores the positions itself */
    const char *conditions[4];
    size_t conditions_count;
};

static void weaken(struct promise *promise, int word, const weir_component *component,
                   const char *why)
{
    if (word < promise->word) {
        promise->word = word;
        promise->limit = component;
        promise->why = why;
    }
}

static void add_condition(struct promise *promise, const char *condition)
{
    for (size_t i = 0; i < promise->conditions_count; i++) {
        if (promise->conditions[i] == condition) {
            return;
        }
    }
    if (condition != NULL &&
        promise->conditions_count < sizeof promise->conditions / sizeof promise->conditions[0]) {
        promise->conditions[promise->conditions_count++] = condition;
    }
}

/* Does a source continue by the ids of the items that its framer cuts? */
static bool goes_on_by_id(const struct wr_plan_step *step)
{
    const weir_component *framer = step->framer;
    return framer != NULL && (wr_plan_traits(step) & framer->traits & WEIR_TRAIT_BY_ID) != 0;
}

const weir_component *wr_plan_goes_on_by(const struct wr_plan_step *step)
{
    const weir_component *framer = step->framer;
    bool on_demand = framer != NULL && (framer->traits & WEIR_TRAIT_ON_DEMAND) != 0 &&
                     (wr_plan_traits(step) & WEIR_TRAIT_PROVES) != 0;
    return on_demand || goes_on_by_id(step) ? framer : step->component;
}

static bool add_step(const struct wr_plan_step *step, size_t depth, void *arg)
{
    struct promise *promise = arg;
    uint32_t traits = wr_plan_traits(step);
    (void)depth;
    if (step->component->kind == WEIR_KIND_SOURCE && step->component->gives != WEIR_SHAPE_SAME) {
        const weir_component *by = wr_plan_goes_on_by(step);
        if ((traits & WEIR_TRAIT_RESUMES) == 0) {
            weaken(promise, WEIR_BEST_EFFORT, step->component,
                   "has no position from which a restart can continue");
        } else if ((traits & WEIR_TRAIT_PROVES) == 0 || goes_on_by_id(step)) {
            weaken(promise, WEIR_AT_LEAST_ONCE, by,
                   "cannot prove that it continues at the saved position");
        }
        if ((traits & WEIR_TRAIT_PROVES) != 0) {
            add_condition(promise, by->condition);
        }
    }
    if ((traits & WEIR_TRAIT_CHANGES_OUTCOMES) != 0) {
        weaken(promise, WEIR_BEST_EFFORT, step->component, "may drop items");
    }
    if ((traits & WEIR_TRAIT_STATE_RESTARTS) != 0) {
        weaken(promise, WEIR_BEST_EFFORT, step->component, "loses what it holds at a restart");
    }
    if (step->component->kind == WEIR_KIND_SINK) {
        promise->sinks++;
        promise->transacts = promise->transacts || (traits & WEIR_TRAIT_TRANSACTS) != 0;
        if ((traits & (WEIR_TRAIT_CUTS_BACK | WEIR_TRAIT_TRANSACTS)) != 0) {
            add_condition(promise, step->component->condition);
        } else if ((traits & WEIR_TRAIT_ACKNOWLEDGES) != 0) {
            weaken(promise, WEIR_AT_LEAST_ONCE, step->component,
                   "cannot remove what was not saved: it is written again");
        } else {
            weaken(promise, WEIR_BEST_EFFORT, step->component,
                   "gets no confirmation from its peer: data acknowledged by the peer's kernel is "
                   "lost with the peer");
        }
    }
    return true;
}

/* Can a chain, up to a step, be read again from its beginning in each run? */
static bool begins_again(const struct wr_plan_step *step, bool before)
{
    const weir_component *component = step->component;
    uint32_t traits = wr_plan_traits(step);
    bool blocks = false;
    for (size_t i = 0; i < component->args_count; i++) {
        blocks = blocks || component->args[i].type == WEIR_ARGTYPE_CHAIN;
    }
    if (component->kind == WEIR_KIND_SOURCE) {
        return (traits & WEIR_TRAIT_PROVES) != 0 && !goes_on_by_id(step) && !blocks;
    }
    return before && !blocks && (traits & WEIR_TRAIT_CHANGES_OUTCOMES) == 0;
}

/* Components that continue only from the beginning of their input. again: it can be read again. */
static void add_replays(struct promise *promise, const struct weir_chain *chain, bool again)
{
    for (size_t i = 0; i < chain->count; i++) {
        const struct wr_plan_step *step = &chain->steps[i];
        if ((wr_plan_traits(step) & WEIR_TRAIT_STATE_REPLAYS) != 0 && !again) {
            weaken(promise, WEIR_BEST_EFFORT, step->component,
                   "needs its input from the beginning, which cannot be read again");
        }
        again = begins_again(step, again);
        for (size_t j = 0; j < step->component->args_count; j++) {
            size_t count;
            struct weir_chain *const *chains = wr_plan_chains(step, j, &count);
            for (size_t k = 0; k < count; k++) {
                add_replays(promise, chains[k], false);
            }
        }
    }
}

/* Add the source or the sink that is used when none is written. */
static void add_implied(const weir_plan *plan, const weir_plan_options *options,
                        struct promise *promise)
{
    bool again = false;
    size_t files = options != NULL ? options->files_count : 0;
    const char *path = files == 1 ? options->files[0] : "-";
    struct wr_plan_step step = {.arg_spans = NULL};
    if (!weir_plan_has_source(plan)) {
        step.component =
            wr_plan_find_scheme(WEIR_KIND_SOURCE, strcmp(path, "-") == 0 ? "-" : "/", 1);
        (void)add_step(&step, 0, promise);
        again = begins_again(&step, false);
    }
    if (files > 1) {
        promise->limit = NULL;
        promise->why = "a state works with one file, not with several";
    }
    add_replays(promise, &plan->root, again);
    if (!weir_plan_has_sink(plan)) {
        step.component = wr_plan_find_scheme(WEIR_KIND_SINK, "-", 1);
        (void)add_step(&step, 0, promise);
    }
}

bool wr_plan_durable(const weir_plan_options *options)
{
    enum { HAS_IT = offsetof(weir_plan_options, durable) + sizeof(int32_t) };
    return options != NULL && options->struct_size >= HAS_IT && options->durable != 0;
}

int weir_plan_delivery(const weir_plan *plan, const weir_plan_options *options, char *text,
                       size_t cap)
{
    WR_GIVEN(plan);
    struct promise promise = {.word = WEIR_EXACTLY_ONCE};
    struct wr_print out;
    add_implied(plan, options, &promise);
    (void)wr_plan_each_step(&plan->root, 0, add_step, &promise);
    if (promise.sinks > 1 && promise.transacts) {
        weaken(&promise, WEIR_AT_LEAST_ONCE, NULL, "several sinks do not commit together");
    }
    wr_print_to(&out, text, cap);
    wr_printf(&out, "%s%s", wr_plan_delivery_words[promise.word],
              wr_plan_durable(options) && promise.word > WEIR_BEST_EFFORT
                  ? ", also after a power cut,"
                  : "");
    for (size_t i = 0; promise.word > WEIR_BEST_EFFORT && i < promise.conditions_count; i++) {
        wr_printf(&out, "%s %s", i == 0 ? " if" : " and", promise.conditions[i]);
    }
    if (promise.word > WEIR_BEST_EFFORT && promise.conditions_count > 0) {
        wr_printf(&out, ", otherwise best-effort");
    }
    if (promise.why != NULL && promise.limit != NULL) {
        const weir_component *counts = NULL, *behind = NULL;
        wr_printf(&out, ": '%s' %s", promise.limit->name, promise.why);
        if (weir_plan_recounts(plan, &counts, &behind) && behind == promise.limit) {
            wr_printf(&out, ", and '%s' after it counts from 0 in each run", counts->name);
        }
    } else if (promise.why != NULL) {
        wr_printf(&out, ": %s", promise.why);
    }
    return promise.word;
}
