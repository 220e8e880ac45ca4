/*
 * plan_decode.c - decoding on demand: where a chain begins with a source and uses the values in what
 * it gives, but nothing says how they are written, the plan inserts what decodes them, directly
 * behind the source.
 *
 * A file is decoded by the ending of its name: the components that decode such a file have the ending
 * in their descriptors (weir_ending). Of several endings (.csv.gz) the last one is decoded first.
 * Of several files that stand for the source each is decoded by its own ending, in a chain of its
 * own; files that end alike share it. Where nothing is decompressed and all are decoded alike, that
 * stands in the root.
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
    /* What counts lines needs no whole ones, but lines. */
    bool counts = (component->traits & WEIR_TRAIT_COUNTS) != 0;
    bool looks = lines && !blocks && (counts || (component->traits & WEIR_TRAIT_PIECES) == 0);
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

/* ---- one chain */

/* Insert what decodes a file of this name, for this use, at *at, which moves behind it. *gives: the
 * shape of what comes from it. 0 or a code. */
static int insert_decoders(struct wr_plan_reading *reading, struct weir_chain *chain, size_t *at,
                           const char *name, enum wr_plan_use use, uint32_t *gives)
{
    const weir_component *component;
    const weir_ending *ending;
    *gives = WEIR_SHAPE_LINE;
    for (size_t len = strlen(name); (component = find_decoder(name, len, &ending)) != NULL &&
                                    (use == WR_USE_VALUES || component->gives == WEIR_SHAPE_BYTES);
         len -= strlen(ending->ending)) {
        if (insert(reading, chain, (*at)++, component, ending) != 0) {
            return reading->error.code;
        }
        *gives = component->gives;
        if (*gives != WEIR_SHAPE_BYTES) {
            break;
        }
    }
    return 0;
}

/* Insert what gives lines, or values, from what the decoders give. */
static int insert_reader(struct wr_plan_reading *reading, struct weir_chain *chain, size_t at,
                         enum wr_plan_use use, bool lines_too, uint32_t gives)
{
    if (use == WR_USE_LINES) {
        const weir_component *lines = wr_plan_converter(WEIR_SHAPE_BYTES, WEIR_SHAPE_LINE);
        return gives == WEIR_SHAPE_BYTES && lines_too && lines != NULL
                   ? wr_plan_insert(reading, chain, at, lines)
                   : 0;
    }
    const weir_component *on_demand = find_on_demand();
    bool there = at < chain->count && chain->steps[at].component == on_demand;
    return there || on_demand == NULL || gives == WEIR_SHAPE_JSON
               ? 0
               : wr_plan_insert(reading, chain, at, on_demand);
}

/* ---- several files */

/* What is decoded of a file of this name: the end of the name. */
static const char *decoded_ending(const char *name, enum wr_plan_use use)
{
    size_t len = strlen(name);
    const weir_component *component;
    const weir_ending *ending;
    while ((component = find_decoder(name, len, &ending)) != NULL &&
           (use == WR_USE_VALUES || component->gives == WEIR_SHAPE_BYTES)) {
        len -= strlen(ending->ending);
        if (component->gives != WEIR_SHAPE_BYTES) {
            break;
        }
    }
    return name + len;
}

/* Whether one chain, that of the root, reads all the files: none is decompressed, and what decodes
 * one decodes all. */
static bool are_alike(const struct wr_plan_reading *reading, enum wr_plan_use use)
{
    const char *ending = decoded_ending(reading->files[0], use);
    const weir_ending *found;
    for (size_t i = 0; i < reading->files_count; i++) {
        const char *name = reading->files[i], *own = decoded_ending(name, use);
        const weir_component *last = find_decoder(name, strlen(name), &found);
        bool packed = own[0] != '\0' && last->gives == WEIR_SHAPE_BYTES;
        if (packed || strcasecmp(own, ending) != 0) {
            return false;
        }
    }
    return true;
}

/* The decoding of files whose names end like this; it is added if there is none. NULL with the error
 * set. */
static struct wr_plan_decoding *decoding_of(struct wr_plan_reading *reading, const char *name,
                                            enum wr_plan_use use, bool framer)
{
    weir_plan *plan = reading->plan;
    const char *ending = decoded_ending(name, use);
    uint32_t gives;
    size_t at = 0, len = strlen(ending) + 1;
    for (size_t i = 0; i < plan->decodings_count; i++) {
        if (strcasecmp(plan->decodings[i].ending, ending) == 0) {
            return &plan->decodings[i];
        }
    }
    struct wr_plan_decoding *all =
        wr_plan_alloc(reading, (plan->decodings_count + 1) * sizeof *all);
    char *copy = all != NULL ? wr_plan_alloc(reading, len) : NULL;
    if (copy == NULL) {
        return NULL;
    }
    if (plan->decodings_count > 0) {
        memcpy(all, plan->decodings, plan->decodings_count * sizeof *all);
    }
    plan->decodings = all;
    struct wr_plan_decoding *decoding = &all[plan->decodings_count++];
    *decoding = (struct wr_plan_decoding){.ending = memcpy(copy, ending, len)};
    if (insert_decoders(reading, &decoding->chain, &at, name, use, &gives) != 0 ||
        (!framer && insert_reader(reading, &decoding->chain, at, use, true, gives) != 0)) {
        return NULL;
    }
    return decoding;
}

/* Fill in what decodes each of the files, and check it. chain: the root, whose first step cuts what
 * comes from each file if `framer`. */
static int decode_files(struct wr_plan_reading *reading, const struct weir_chain *chain,
                        enum wr_plan_use use, bool framer)
{
    weir_plan *plan = reading->plan;
    plan->files = wr_plan_alloc(reading, reading->files_count * sizeof *plan->files);
    if (plan->files == NULL) {
        return reading->error.code;
    }
    for (size_t i = 0; i < reading->files_count; i++) {
        struct wr_plan_decoding *decoding = decoding_of(reading, reading->files[i], use, framer);
        if (decoding == NULL) {
            return reading->error.code;
        }
        plan->files[plan->files_count++] = (size_t)(decoding - plan->decodings);
        decoding->first = decoding->count++ == 0 ? i : decoding->first;
    }
    reading->behind_files = chain;
    for (size_t i = 0; i < plan->decodings_count; i++) {
        struct weir_chain *own = &plan->decodings[i].chain;
        if (wr_plan_chain_check(reading, own, WR_PLAN_FILE, WEIR_SHAPE_LINE, WR_USE_NOTHING) != 0) {
            break;
        }
    }
    reading->behind_files = NULL;
    return reading->error.code;
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
    const char *name = written                    ? wr_plan_path(first)
                       : reading->files_count > 0 ? reading->files[0]
                                                  : NULL;
    uint32_t gives;
    if (!written && reading->files_count > 1 && !are_alike(reading, use)) {
        return decode_files(reading, chain, use, wr_plan_cuts_implied(reading, chain, place));
    }
    if (insert_decoders(reading, chain, &at, name != NULL ? name : "", use, &gives) != 0) {
        return reading->error.code;
    }
    /* In a block the bytes of several chains would be mixed. */
    bool lines_too = place == WR_PLAN_SOURCE_ONLY && at == chain->count;
    return insert_reader(reading, chain, at, use, lines_too, gives);
}
