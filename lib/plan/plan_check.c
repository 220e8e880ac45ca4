/*
 * plan_check.c - checks that the components of a chain are in allowed places, and that the output
 * of each one matches the next one.
 *
 * One walk from left to right over each chain, including blocks, computes the set of shapes at each
 * step. A framer directly after a source that can use it is joined to it. When shapes do not match,
 * a component that converts exactly these is inserted, if there is one; the plan shows it as a step
 * of its own, as it does with what decodes the source (plan_decode.c). The component's own check is
 * called last. The first mistake ends the walk. Opens nothing.
 */
#include "plan_text.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base_error.h"

struct weir_mistake {
    struct wr_plan_reading *reading;
    const struct wr_plan_step *step;
};

/* What its component reads: a framer that is joined to a source reads the source's bytes. */
static uint32_t reads(const struct wr_plan_step *step)
{
    return step->joined ? (uint32_t)WEIR_SHAPE_BYTES : step->shape;
}

uint32_t wr_plan_traits(const struct wr_plan_step *step)
{
    const weir_component *component = step->component;
    if (step->passes) {
        return WEIR_TRAIT_PURE | WEIR_TRAIT_ONE_TO_ONE;
    }
    uint32_t traits = component->traits_of != NULL ? component->traits_of(step->args, reads(step))
                                                   : component->traits;
    /* A framer that is not joined to a source cannot continue in the middle of its input, and behind
     * other items nothing says again what the first one said. */
    bool cuts = (traits & WEIR_TRAIT_FRAMES) != 0 && step->shape == WEIR_SHAPE_BYTES;
    bool begins = cuts || (traits & WEIR_TRAIT_HEADER) != 0;
    return begins && !step->joined ? traits | WEIR_TRAIT_STATE_REPLAYS : traits;
}

uint32_t wr_plan_gives(const struct wr_plan_step *step)
{
    const weir_component *component = step->component;
    return step->passes                  ? (uint32_t)WEIR_SHAPE_SAME
           : component->gives_of != NULL ? component->gives_of(step->args, reads(step))
                                         : component->gives;
}

/* The place of an argument; of the whole component if arg is NULL or not written. *type: of the
 * argument, enum weir_arg_type; -1: none. */
static struct wr_plan_span arg_span(const struct wr_plan_step *step, const char *arg, int *type)
{
    struct wr_plan_span where = step->where;
    *type = -1;
    for (size_t i = 0; arg != NULL && i < step->component->args_count; i++) {
        if (strcmp(step->component->args[i].name, arg) == 0 && step->arg_spans[i].len > 0) {
            where = step->arg_spans[i];
            *type = step->component->args[i].type;
        }
    }
    return where;
}

/* The place of `len` bytes at `at` of an argument. */
static struct wr_plan_span inside_span(const weir_mistake *mistake, const char *arg, size_t at,
                                       size_t len)
{
    int type;
    struct wr_plan_span whole = arg_span(mistake->step, arg, &type);
    const char *text = mistake->reading->clean + whole.at;
    if (type == WEIR_ARGTYPE_TEXT && (text[0] == '"' || text[0] == '`' || text[0] == '\'')) {
        if (text[0] == '"' && memchr(text, '\\', whole.len) != NULL) {
            return whole;
        }
        at++;
    }
    return (struct wr_plan_span){whole.at + WR_MIN(at, whole.len), WR_MAX(len, (size_t)1)};
}

static WEIR_PRINTF(3, 0) int tell(weir_mistake *mistake, struct wr_plan_span where,
                                  const char *format, va_list args)
{
    char text[256];
    (void)vsnprintf(text, sizeof text, format, args);
    return wr_plan_fail(&mistake->reading->error, where, "%s: %s", mistake->step->component->name,
                        text);
}

int weir_mistake_at(weir_mistake *mistake, const char *arg, const char *format, ...)
{
    int type;
    va_list args;
    va_start(args, format);
    int rc = tell(mistake, arg_span(mistake->step, arg, &type), format, args);
    va_end(args);
    return rc;
}

int weir_mistake_inside(weir_mistake *mistake, const char *arg, size_t at, size_t len,
                        const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int rc = tell(mistake, inside_span(mistake, arg, at, len), format, args);
    va_end(args);
    return rc;
}

int weir_mistake_hint(weir_mistake *mistake, const char *format, ...)
{
    char text[512];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    return wr_plan_hint(&mistake->reading->error, "%s", text);
}

void weir_mistake_warn(weir_mistake *mistake, const char *text)
{
    weir_plan *plan = mistake->reading->plan;
    plan->warning = plan->warning == NULL ? text : plan->warning;
}

/* The shapes of a set, as text. */
const char *wr_plan_shapes_text(uint32_t shapes, char to[64])
{
    static const char *const names[] = {"bytes", "lines", "json", "messages", "batches", "records"};
    struct wr_print out;
    uint32_t all = shapes | WEIR_SHAPE_BYTES; /* which are cut into lines when necessary */
    if (all == WEIR_SHAPES_ALL || all == WEIR_SHAPES_TEXT) {
        return all == WEIR_SHAPES_ALL ? "any items" : "text";
    }
    wr_print_to(&out, to, 64);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        bool both = (shapes & WEIR_SHAPE_EVENT) == WEIR_SHAPE_EVENT;
        bool message = 1u << i == WEIR_SHAPE_MESSAGE, record = 1u << i == WEIR_SHAPE_RECORD;
        if ((shapes & 1u << i) != 0 && !(both && record)) {
            wr_printf(&out, "%s%s", out.len > 0 ? " or " : "",
                      both && message ? "events" : names[i]);
        }
    }
    return to;
}

static int check_places(struct wr_plan_reading *reading, const struct weir_chain *chain,
                        enum wr_plan_place place, size_t index)
{
    struct wr_plan_error *error = &reading->error;
    const struct wr_plan_step *step = &chain->steps[index];
    const weir_component *component = step->component;
    bool reads = place == WR_PLAN_STAGES_ONLY || place == WR_PLAN_SINK_ONLY || reading->behind;
    bool gives = place == WR_PLAN_STAGES_ONLY || place == WR_PLAN_SOURCE_ONLY;
    bool last = index + 1 == chain->count;
    if (component->kind == WEIR_KIND_SOURCE && index > 0) {
        (void)wr_plan_fail(error, step->name, "'%s' is a source and must be first",
                           component->name);
    } else if (component->kind == WEIR_KIND_SINK && !last) {
        (void)wr_plan_fail(error, step->name, "'%s' is a sink and must be last", component->name);
    } else if (component->kind == WEIR_KIND_SOURCE && reads) {
        return wr_plan_fail(error, step->name,
                            "'%s' is a source, but this chain gets its items from outside",
                            component->name);
    } else if (component->kind == WEIR_KIND_SINK && gives) {
        return wr_plan_fail(error, step->name,
                            "'%s' is a sink, but the component before the { } reads this chain",
                            component->name);
    } else if (index == 0 && component->kind != WEIR_KIND_SOURCE &&
               (place == WR_PLAN_SOURCE_ONLY || place == WR_PLAN_SOURCE_TO_SINK)) {
        return wr_plan_fail(error, step->name, "this chain must begin with a source");
    } else if (last && component->kind != WEIR_KIND_SINK &&
               (place == WR_PLAN_SINK_ONLY || place == WR_PLAN_SOURCE_TO_SINK)) {
        return wr_plan_fail(error, step->name, "this chain must end with a sink");
    }
    return error->code != 0 && component->misplaced != NULL
               ? wr_plan_hint(error, "%s", component->misplaced)
               : error->code;
}

const weir_component *wr_plan_converter(uint32_t shape, uint32_t needs)
{
    const weir_component *component;
    for (size_t i = 0; (component = weir_component_at(i)) != NULL; i++) {
        if ((component->traits & WEIR_TRAIT_CONVERTS) != 0 && (shape & ~component->takes) == 0 &&
            component->gives != WEIR_SHAPE_SAME && (component->gives & ~needs) == 0) {
            return component;
        }
    }
    return NULL;
}

int wr_plan_insert(struct wr_plan_reading *reading, struct weir_chain *chain, size_t index,
                   const weir_component *component)
{
    struct wr_plan_step *steps = wr_plan_alloc(reading, (chain->count + 1) * sizeof *steps);
    if (steps == NULL) {
        return reading->error.code;
    }
    if (chain->count > 0) {
        memcpy(steps, chain->steps, index * sizeof *steps);
        memcpy(steps + index + 1, chain->steps + index, (chain->count - index) * sizeof *steps);
    }
    bool last = index == chain->count; /* in a block whose reader uses the values */
    struct wr_plan_span near = {0, 0};
    if (chain->count > 0) {
        near = steps[last ? index - 1 : index + 1].where;
    }
    steps[index] = (struct wr_plan_step){.component = component,
                                         .where = {last ? near.at + near.len : near.at, 0},
                                         .on_error = -1,
                                         .implied = true};
    steps[index].name = steps[index].where;
    chain->steps = steps;
    chain->count++;
    return wr_plan_args_default(reading, &steps[index]);
}

/* The shapes do not match: insert a converter, or report what to move. */
static int refit(struct wr_plan_reading *reading, struct weir_chain *chain, size_t index,
                 uint32_t shape, const char *giver)
{
    const struct wr_plan_step *step = &chain->steps[index];
    const weir_component *converter = wr_plan_converter(shape, step->component->takes);
    char texts[2][64];
    if (converter != NULL) {
        return wr_plan_insert(reading, chain, index, converter);
    }
    const char *takes = wr_plan_shapes_text(step->component->takes, texts[0]);
    const char *gives = wr_plan_shapes_text(shape, texts[1]);
    if (giver == NULL) {
        return wr_plan_fail(&reading->error, step->name, "'%s' needs %s, but its input is %s",
                            step->component->name, takes, gives);
    }
    (void)wr_plan_fail(&reading->error, step->name, "%s after %s: '%s' needs %s, '%s' gives %s",
                       step->component->name, giver, step->component->name, takes, giver, gives);
    if (strcmp(step->component->name, giver) == 0) {
        return reading->error.code;
    }
    return index == 1 && chain->steps[0].component->kind == WEIR_KIND_SOURCE
               ? wr_plan_hint(&reading->error, "as in %s", step->component->example)
               : wr_plan_hint(&reading->error, "put '%s' before '%s'", step->component->name,
                              giver);
}

/* Check the chains of a step's blocks. *gives: the shapes of those that the component reads. */
static int check_blocks(struct wr_plan_reading *reading, struct wr_plan_step *step,
                        enum wr_plan_use use, uint32_t *gives)
{
    for (size_t i = 0; i < step->component->args_count; i++) {
        const weir_arg *arg = &step->component->args[i];
        size_t count = 0;
        struct weir_chain *const *chains = wr_plan_chains(step, i, &count);
        for (size_t j = 0; j < count; j++) {
            enum wr_plan_place place = wr_plan_place_of(arg);
            bool source = (arg->flags & WEIR_ARG_WITH_SOURCE) != 0;
            if (wr_plan_chain_check(reading, chains[j], place, source ? 0 : step->shape,
                                    place == WR_PLAN_SOURCE_ONLY ? use : WR_USE_NOTHING) != 0) {
                return reading->error.code;
            }
            *gives |= chains[j]->gives;
        }
    }
    return 0;
}

static int check_own(struct wr_plan_reading *reading, const struct wr_plan_step *step,
                     bool all_text)
{
    static const weir_http_options http = {.struct_size = sizeof http};
    weir_mistake mistake = {reading, step};
    weir_opening opening = {.struct_size = sizeof opening,
                            .http = &http,
                            .shape = step->shape,
                            .joined = step->joined,
                            .meta = reading->meta,
                            .reads_meta = &reading->plan->reads_meta,
                            .all_text = all_text,
                            .names = reading->plan->names};
    if (step->component->check == NULL) {
        return 0;
    }
    int rc = step->component->check(&opening, step->args, &mistake);
    if (rc != 0 && reading->error.code == 0) {
        return weir_mistake_at(&mistake, NULL, "its arguments cannot be combined");
    }
    return reading->error.code;
}

/* Whether a framer at `index` can be joined to the source of the chain, including a source that is
 * not written. */
static bool can_join(const struct wr_plan_reading *reading, const struct weir_chain *chain,
                     enum wr_plan_place place, size_t index)
{
    const struct wr_plan_step *steps = chain->steps;
    if ((steps[index].component->traits & WEIR_TRAIT_ON_DEMAND) != 0) {
        return index == 1 && (steps[0].component->traits & WEIR_TRAIT_ON_DEMAND) != 0;
    }
    if ((steps[index].component->traits & WEIR_TRAIT_FRAMES) == 0) {
        return false;
    }
    return index == 1 ? steps[0].component->kind == WEIR_KIND_SOURCE &&
                            (steps[0].component->traits & WEIR_TRAIT_FRAMED) != 0
                      : index == 0 &&
                            ((place == WR_PLAN_ROOT && !reading->behind) || place == WR_PLAN_FILE);
}

bool wr_plan_cuts_implied(const struct wr_plan_reading *reading, const struct weir_chain *chain,
                          enum wr_plan_place place)
{
    return chain->steps[0].component->kind == WEIR_KIND_STAGE && can_join(reading, chain, place, 0);
}

/* Whether a step of this chain, or of that which reads it, writes values, but reads texts. Values
 * that are lines must be made JSON for it. */
static bool writes_values(const struct weir_chain *chain, size_t from)
{
    for (size_t i = from; i < chain->count; i++) {
        const struct wr_plan_step *step = &chain->steps[i];
        const weir_component *component = step->component;
        if (component->gives_of != NULL && component->gives_of(step->args, WEIR_SHAPE_LINE) !=
                                               component->gives_of(step->args, WEIR_SHAPE_JSON)) {
            return true;
        }
        if (component->gives != WEIR_SHAPE_SAME || component->kind == WEIR_KIND_SINK) {
            return false;
        }
    }
    return false;
}

/* Has a step that acts on demand nothing to do? It leaves lines to the component that reads their
 * values: the next one, or a later one if the plan has inserted the step. */
static void see_demand(const struct wr_plan_reading *reading, const struct weir_chain *chain,
                       size_t index)
{
    struct wr_plan_step *step = &chain->steps[index];
    if ((step->component->traits & WEIR_TRAIT_ON_DEMAND) == 0 ||
        step->component->kind == WEIR_KIND_SOURCE) {
        return;
    }
    step->looked =
        step->implied || (index + 1 < chain->count &&
                          (chain->steps[index + 1].component->traits & WEIR_TRAIT_VALUES) != 0);
    bool writes = writes_values(chain, index + 1) ||
                  (reading->behind_files != NULL && writes_values(reading->behind_files, 0));
    step->passes = !step->joined && (step->shape == WEIR_SHAPE_JSON ||
                                     (step->shape == WEIR_SHAPE_LINE && step->looked && !writes));
}

/* The shapes of what comes from the source that is used when none is written, or from files that are
 * decoded one by one. */
static uint32_t implied_shape(const weir_plan *plan)
{
    uint32_t shape = 0;
    for (size_t i = 0; i < plan->decodings_count; i++) {
        shape |= plan->decodings[i].chain.gives;
    }
    return shape != 0 ? shape : wr_plan_find_scheme(WEIR_KIND_SOURCE, "-", 1)->gives;
}

/* What a chain gives whose last step gives `shape`; 0: it ends with a sink. */
static uint32_t chain_gives(const struct weir_chain *chain, uint32_t shape)
{
    bool ends =
        chain->count > 0 && chain->steps[chain->count - 1].component->kind == WEIR_KIND_SINK;
    return ends ? 0 : shape;
}

/* Whether the fields of what a step gives are all texts, when those of what it takes are (`before`). */
static bool still_text(const struct wr_plan_step *step, bool before)
{
    const weir_component *component = step->component;
    return component->all_text != NULL
               ? component->all_text(step->args)
               : before && (wr_plan_gives(step) == WEIR_SHAPE_SAME ||
                            (wr_plan_traits(step) & WEIR_TRAIT_ON_DEMAND) != 0);
}

bool wr_plan_unfused;

/* What the step before an expression has done for it. */
static void see_before(struct wr_plan_step *step, bool behind)
{
    bool sees = behind && step->component->compile != NULL;
    uint32_t gives = sees ? wr_plan_gives(&step[-1]) : 0;
    step->fused = sees && step[-1].component->compile != NULL && !wr_plan_unfused &&
                  (gives == WEIR_SHAPE_SAME || (gives & WEIR_SHAPE_JSON) != 0);
    step->parsed = sees && (wr_plan_traits(&step[-1]) & WEIR_TRAIT_PARSES) != 0;
}

int wr_plan_chain_check(struct wr_plan_reading *reading, struct weir_chain *chain,
                        enum wr_plan_place place, uint32_t shape, enum wr_plan_use use)
{
    const char *giver = NULL;
    bool all_text = false; /* of the fields of the records that come */
    bool unsure = false;   /* what comes from outside decides which of `shape` it is */
    if (place != WR_PLAN_FILE && wr_plan_decode(reading, chain, place, use) != 0) {
        return reading->error.code;
    }
    if (place == WR_PLAN_ROOT && shape == 0) {
        shape = implied_shape(reading->plan);
    }
    reading->meta = reading->meta || reading->files_count > 0; /* each is the source's file */
    for (size_t i = 0; i < chain->count; i++) {
        struct wr_plan_step *step = &chain->steps[i];
        uint32_t takes = step->component->takes;
        uint32_t gives = 0;
        bool source = step->component->kind == WEIR_KIND_SOURCE;
        if (check_places(reading, chain, place, i) != 0) {
            return reading->error.code;
        }
        reading->meta = reading->meta || step->component->meta != NULL;
        step->joined = can_join(reading, chain, place, i);
        if (step->joined && i > 0) {
            chain->steps[i - 1].framer = step->component;
        }
        unsure = unsure || shape == WEIR_SHAPES_ALL;
        bool fits = (shape & ~takes) == 0 || (unsure && (shape & takes) != 0);
        if (!source && !step->joined && !fits && refit(reading, chain, i, shape, giver) != 0) {
            return reading->error.code;
        }
        step = &chain->steps[i];
        step->shape = source ? 0 : shape;
        see_demand(reading, chain, i);
        see_before(step, i > 0);
        enum wr_plan_use used = wr_plan_use_of(chain, i + 1, use);
        if (check_blocks(reading, step, used, &gives) != 0 ||
            check_own(reading, step, all_text) != 0) {
            return reading->error.code;
        }
        all_text = still_text(step, all_text);
        if (wr_plan_gives(step) != WEIR_SHAPE_SAME) {
            giver = step->component->name;
            shape = wr_plan_gives(step);
            unsure = unsure && step->component->gives_of != NULL;
        } else if (gives != 0) {
            giver = step->component->name;
            shape = gives;
        }
    }
    chain->gives = chain_gives(chain, shape);
    return 0;
}
