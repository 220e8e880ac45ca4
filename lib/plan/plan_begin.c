/*
 * plan_begin.c - whether the source of a plan can begin, and stop, where it is asked to. Opens
 * nothing: what a source obeys is said in its descriptor (weir_component.begins).
 */
#include <string.h>

#include "base_error.h"
#include "plan_open.h"

static const struct {
    uint32_t kind;
    const char *place;
} places[] = {
    {WEIR_BEGIN_BEGINNING, "the beginning"}, {WEIR_BEGIN_END, "the end"}, {WEIR_BEGIN_ID, "an id"},
    {WEIR_BEGIN_OFFSET, "an offset"},        {WEIR_BEGIN_TIME, "a time"},
};
enum { PLACES = sizeof places / sizeof places[0] };

static const char *place_of(uint32_t kind)
{
    for (size_t i = 0; i < PLACES; i++) {
        if (places[i].kind == kind) {
            return places[i].place;
        }
    }
    return "?";
}

/* Which kinds the source obeys here: one that continues by ids, or may turn out to do so, has no
 * offsets, and without a framer that has ids, it has none. */
static uint32_t begins(const struct wr_plan_step *step)
{
    uint32_t kinds = step->component->begins;
    if ((step->component->traits & WEIR_TRAIT_BY_ID) == 0) {
        return kinds;
    }
    uint32_t traits = step->framer != NULL ? step->framer->traits : 0;
    uint32_t not =
        (traits & (WEIR_TRAIT_BY_ID | WEIR_TRAIT_ON_DEMAND)) != 0 ? WEIR_BEGIN_OFFSET : 0;
    return kinds & ~(not | ((traits & WEIR_TRAIT_BY_ID) == 0 ? WEIR_BEGIN_ID : 0));
}

static int refuse_place(const char *name, uint32_t kinds, uint32_t kind, weir_error *error)
{
    char text[160];
    struct wr_print out;
    size_t count = 0;
    wr_print_to(&out, text, sizeof text);
    for (size_t i = 0; i < PLACES; i++) {
        if ((kinds & places[i].kind) != 0) {
            wr_printf(&out, "%s%s", count++ > 0 ? ", or at " : "; it can begin at ",
                      places[i].place);
        }
    }
    return wr_error_set(error, WEIR_EINVAL, 0, "pipeline", "'%s' cannot begin at %s%s", name,
                        place_of(kind), count > 0 ? text : ": it gives what comes");
}

/* Does it end by itself? */
static bool ends(const struct wr_plan_step *step, const weir_plan_options *options)
{
    if ((step->component->traits & WEIR_TRAIT_ENDLESS) != 0) {
        return false;
    }
    if ((step->component->traits & WEIR_TRAIT_BY_ID) == 0) {
        return true;
    }
    bool by_id = step->framer != NULL &&
                 (step->framer->traits & (WEIR_TRAIT_BY_ID | WEIR_TRAIT_ON_DEMAND)) != 0;
    return !by_id && (options->http == NULL || options->http->follow == 0);
}

static int refuse_end(const struct wr_plan_step *step, const weir_plan_options *options,
                      weir_error *error)
{
    const char *name = step->component->name;
    if (ends(step, options)) {
        return wr_error_set(error, WEIR_EINVAL, 0, "pipeline",
                            "to stop at the end has no effect: '%s' ends by itself", name);
    }
    if ((step->component->begins & WEIR_BEGIN_STOPS) == 0) {
        return wr_error_set(error, WEIR_EINVAL, 0, "pipeline",
                            "'%s' cannot stop at the end: what it gives has no end that is known",
                            name);
    }
    return 0;
}

int wr_plan_refuse_begin(const weir_plan *plan, const weir_plan_options *options, weir_error *error)
{
    struct wr_plan_step implied = {.arg_spans = NULL};
    const struct wr_plan_step *step = &implied;
    if (options->begin == NULL && options->to_end == 0) {
        return 0;
    }
    if (weir_plan_has_source(plan)) {
        step = &plan->root.steps[0];
    } else {
        bool file = options->files_count > 0 && strcmp(options->files[0], "-") != 0;
        implied.component = wr_plan_find_scheme(WEIR_KIND_SOURCE, file ? "/" : "-", 1);
    }
    if (options->to_end != 0) {
        int rc = refuse_end(step, options, error);
        if (rc < 0) {
            return rc;
        }
    }
    uint32_t kind = options->begin != NULL ? (uint32_t)options->begin->kind : 0;
    uint32_t kinds = begins(step);
    if (kind == WEIR_BEGIN_OFFSET && options->files_count > 1) {
        return wr_error_set(error, WEIR_EINVAL, 0, "pipeline", "%s",
                            "an offset is of one file, not of several");
    }
    return kind == 0 || (kinds & kind & ~(uint32_t)WEIR_BEGIN_STOPS) != 0
               ? 0
               : refuse_place(step->component->name, kinds, kind, error);
}
