/*
 * plan_decode.c - decoding on demand: where a chain begins with a source and uses the values in what
 * it gives, but nothing says how they are written, the plan inserts what decodes them, directly
 * behind the source.
 *
 * A file is decoded by the ending of its name: the components that decode such a file have the ending
 * in their descriptors (weir_ending). Of several endings (.csv.gz) the last one is decoded first.
 * Behind that, and behind all other sources, stands the component that acts ON_DEMAND, which makes
 * JSON of what comes; a user may have written it himself. A component that is written and that cuts
 * or decodes what the source gives says itself what it is. Before that, and before a component that
 * looks at lines, a compressed file is only decompressed. Where nothing is looked at nothing is
 * inserted, nor before what takes bytes alone (gunzip, raw, len32). Pure functions of the tree;
 * nothing suspends.
 */
#include "plan_text.h"

#include <string.h>
#include <strings.h>

#include "base_error.h"
#include "base_print.h"

/* What a step looks at in its items. *decides: after it they are others. */
static enum wr_plan_use use_by(const struct wr_plan_step *step, bool *decides)
{
    const weir_component *component = step->component;
    bool lines = (component->takes & WEIR_SHAPE_LINE) != 0, blocks = false;
    enum wr_plan_use use = WR_USE_NOTHING;
    *decides = (component->traits & WEIR_TRAIT_FRAMES) != 0 || component->gives != WEIR_SHAPE_SAME;
    if ((component->traits & WEIR_TRAIT_VALUES) != 0 ||
        (component->takes & (WEIR_SHAPE_BYTES | WEIR_SHAPE_LINE)) == 0) {
        return WR_USE_VALUES;
    }
    for (size_t i = 0; i < component->args_count; i++) {
        size_t count = 0;
        struct weir_chain *const *chains = wr_plan_chains(step, i, &count);
        bool source = (component->args[i].flags & WEIR_ARG_WITH_SOURCE) != 0;
        for (size_t j = 0; j < count && !source; j++) {
            enum wr_plan_use inside = wr_plan_use_of(chains[j], 0, WR_USE_NOTHING);
            use = WR_MAX(use, inside);
            blocks = true;
        }
    }
    bool looks = lines && !blocks && (component->traits & WEIR_TRAIT_PIECES) == 0;
    return looks ? WR_USE_LINES : use;
}

enum wr_plan_use wr_plan_use_of(const struct weir_chain *chain, size_t from, enum wr_plan_use use)
{
    enum wr_plan_use all = WR_USE_NOTHING;
    bool decides = false;
    for (size_t i = from; i < chain->count && !decides && all < WR_USE_VALUES; i++) {
        enum wr_plan_use by = use_by(&chain->steps[i], &decides);
        all = WR_MAX(all, by);
    }
    return decides ? all : WR_MAX(all, use);
}

/* The decoder for a name of `len` bytes. NULL: there is none. */
static const weir_component *find_decoder(const char *name, size_t len, const weir_ending **found)
{
    const weir_component *component;
    for (size_t i = 0; (component = weir_component_at(i)) != NULL; i++) {
        const weir_ending *ending = component->endings;
        for (; ending != NULL && ending->ending != NULL; ending++) {
            size_t end = strlen(ending->ending);
            if (len > end && strncasecmp(name + len - end, ending->ending, end) == 0) {
                *found = ending;
                return component;
            }
        }
    }
    return NULL;
}

static const weir_component *find_on_demand(void)
{
    const weir_component *component;
    for (size_t i = 0; (component = weir_component_at(i)) != NULL; i++) {
        if ((component->traits & WEIR_TRAIT_ON_DEMAND) != 0 && component->kind == WEIR_KIND_STAGE) {
            return component;
        }
    }
    return NULL;
}

/* Insert a decoder with the flag that it has for this ending. 0 or a code. */
static int insert(struct wr_plan_reading *reading, struct weir_chain *chain, size_t at,
                  const weir_component *component, const weir_ending *ending)
{
    if (wr_plan_insert(reading, chain, at, component) != 0) {
        return reading->error.code;
    }
    struct wr_plan_step *step = &chain->steps[at];
    step->ending = ending->ending;
    if (ending->flag == NULL) {
        return 0;
    }
    size_t cap = strlen(component->name) + strlen(ending->flag) + 2;
    char *text = wr_plan_alloc(reading, cap);
    if (text == NULL) {
        return reading->error.code;
    }
    (void)wr_print_text(text, cap, "%s %s", component->name, ending->flag);
    step->text = text;
    for (size_t i = 0; i < component->args_count; i++) {
        const weir_arg *arg = &component->args[i];
        if (arg->form == WEIR_FORM_FLAG && strcmp(arg->name, ending->flag) == 0) {
            memcpy((char *)step->args + arg->offset, &(bool){true}, sizeof(bool));
        }
    }
    return 0;
}

/* The name that says how the files are decoded that stand for the source; "": there are none, or
 * they differ. Bytes of several files are decoded as one stream, so a file within a compressed one
 * is not known. */
static const char *name_of_files(const struct wr_plan_reading *reading)
{
    const weir_ending *ending;
    const char *const *files = reading->files;
    if (reading->files_count == 0) {
        return "";
    }
    const weir_component *decoder = find_decoder(files[0], strlen(files[0]), &ending);
    for (size_t i = 1; i < reading->files_count; i++) {
        if (decoder == NULL || decoder->gives == WEIR_SHAPE_BYTES ||
            find_decoder(files[i], strlen(files[i]), &ending) != decoder) {
            return "";
        }
    }
    return files[0];
}

int wr_plan_decode(struct wr_plan_reading *reading, struct weir_chain *chain,
                   enum wr_plan_place place, enum wr_plan_use use)
{
    const struct wr_plan_step *first = &chain->steps[0];
    bool written = chain->count > 0 && first->component->kind == WEIR_KIND_SOURCE;
    size_t at = written ? 1 : 0;
    bool implied = place == WR_PLAN_ROOT && !reading->behind;
    bool reads = written ? (first->component->traits & WEIR_TRAIT_FRAMED) != 0 : implied;
    use = reads ? wr_plan_use_of(chain, at, use) : WR_USE_NOTHING;
    if (use == WR_USE_NOTHING) {
        return 0;
    }
    const char *path = written ? wr_plan_path(first) : name_of_files(reading);
    const char *name = path != NULL ? path : "";
    const weir_component *component;
    const weir_ending *ending;
    uint32_t gives = WEIR_SHAPE_LINE;
    for (size_t len = strlen(name); (component = find_decoder(name, len, &ending)) != NULL &&
                                    (use == WR_USE_VALUES || component->gives == WEIR_SHAPE_BYTES);
         len -= strlen(ending->ending)) {
        if (insert(reading, chain, at++, component, ending) != 0) {
            return reading->error.code;
        }
        gives = component->gives;
        if (gives != WEIR_SHAPE_BYTES) {
            break;
        }
    }
    if (use == WR_USE_LINES) {
        /* In a block the bytes of several chains would be mixed. */
        const weir_component *lines = wr_plan_converter(WEIR_SHAPE_BYTES, WEIR_SHAPE_LINE);
        return gives == WEIR_SHAPE_BYTES && place == WR_PLAN_SOURCE_ONLY && at == chain->count &&
                       lines != NULL
                   ? wr_plan_insert(reading, chain, at, lines)
                   : 0;
    }
    const weir_component *on_demand = find_on_demand();
    bool there = at < chain->count && chain->steps[at].component == on_demand;
    return there || on_demand == NULL || gives == WEIR_SHAPE_JSON
               ? 0
               : wr_plan_insert(reading, chain, at, on_demand);
}
