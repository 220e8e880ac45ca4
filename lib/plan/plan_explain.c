/*
 * plan_explain.c - explains what a pipeline does and promises, from the traits of its components.
 *
 * Pure functions of a plan: nothing is opened, and no far end is asked. A promise that depends on
 * the far end is given with its condition.
 */
#include "plan_text.h"

#include <stdio.h>
#include <string.h>

#include "base_error.h"

#define MEMORY_BYTES ((int64_t)64 << 20) /* the default of weir_loop_options.budget_bytes */

struct explaining {
    struct wr_print *out;
    const weir_plan_options *options;
    double memory;     /* bytes that the loop may hold */
    size_t number;     /* of the component */
    char queues[64];   /* numbers of components that read ahead */
    const char *brake; /* the last component that takes items at any speed; NULL: none */
};

/* Print the values of arguments that the user has not written. */
static void print_defaults(struct wr_print *out, const struct wr_plan_step *step)
{
    bool first = true;
    for (size_t i = 0; i < step->component->args_count; i++) {
        const weir_arg *arg = &step->component->args[i];
        if (arg->preset != NULL && step->arg_spans[i].len == 0 &&
            (arg->flags & WEIR_ARG_HOLDS) == 0) {
            wr_printf(out, "%s%s %s", first ? "; by default " : ", ", arg->name, arg->preset);
            first = false;
        }
    }
}

static void print_bytes(struct wr_print *out, int64_t bytes)
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB"};
    double size = (double)bytes;
    size_t unit = 0;
    for (; size >= 1024 && unit < 3; unit++) {
        size /= 1024;
    }
    wr_printf(out, "%.4g %s", size, units[unit]);
}

/* Print how much a component may hold, as its arguments say, and what it does then. */
static void print_held(struct explaining *e, const struct wr_plan_step *step, size_t depth)
{
    bool first = true;
    for (size_t i = 0; i < step->component->args_count; i++) {
        const weir_arg *arg = &step->component->args[i];
        const void *field = wr_plan_field(step, i);
        if ((arg->flags & WEIR_ARG_HOLDS) == 0) {
            continue;
        }
        if (arg->type == WEIR_ARGTYPE_CHOICE) {
            wr_printf(e->out, "; %s=%s", arg->name, arg->choices[*(const int32_t *)field]);
            continue;
        }
        int64_t most = *(const int64_t *)field;
        if (first) {
            wr_printf(e->out, "%*sholds at most ", (int)(4 * depth + 6), "");
        }
        wr_printf(e->out, "%s", first ? "" : " and ");
        if (arg->type == WEIR_ARGTYPE_SIZE) {
            print_bytes(e->out, most);
            wr_printf(e->out, ", %.2g %% of the memory", 100 * (double)most / e->memory);
        } else {
            wr_printf(e->out, "%lld item%s", (long long)most, most == 1 ? "" : "s");
        }
        first = false;
    }
    wr_printf(e->out, "%s", first ? "" : "\n");
}

static void print_line(struct explaining *e, size_t depth, const char *text)
{
    wr_printf(e->out, "%*s%s\n", (int)(4 * depth + 6), "", text);
}

/* Print what happens to a rejected item. */
static void print_rejects(struct explaining *e, const struct wr_plan_step *step, size_t depth)
{
    wr_printf(e->out, "%*san item that it rejects ", (int)(4 * depth + 6), "");
    switch (wr_plan_policy(step, e->options)) {
    case WR_PLAN_STOP: wr_printf(e->out, "ends the run (on-error=stop)\n"); break;
    case WR_PLAN_DEAD:
        wr_printf(e->out, "is written to '%s' (on-error=dead)\n",
                  e->options->dead != NULL ? e->options->dead : "the dead sink");
        break;
    default: wr_printf(e->out, "is skipped, counted and logged (on-error=skip)\n"); break;
    }
}

static void print_traits(struct explaining *e, const struct wr_plan_step *step, size_t depth)
{
    static const struct {
        uint32_t trait;
        const char *text;
    } texts[] = {
        {WEIR_TRAIT_HOLDS_BACK, "may hold an item until more items arrive; at SIGTERM it gives "
                                "what it holds"},
        {WEIR_TRAIT_READS_AHEAD, "reads ahead of its reader, in a task of its own"},
        {WEIR_TRAIT_CHANGES_OUTCOMES, "drops items when it is full, and counts them"},
        {WEIR_TRAIT_STATE_RESTARTS, "starts empty after a restart: what it held is lost"},
        {WEIR_TRAIT_STATE_REPLAYS, "after a restart it reads its input from the beginning, and "
                                   "leaves out the items that have settled"},
        {WEIR_TRAIT_ENDLESS, "does not end by itself"},
    };
    uint32_t traits = wr_plan_traits(step);
    print_held(e, step, depth);
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        if ((traits & texts[i].trait) != 0) {
            print_line(e, depth, texts[i].text);
        }
    }
    if ((traits & WEIR_TRAIT_REJECTS) != 0) {
        print_rejects(e, step, depth);
    }
    if (wr_plan_durable(e->options) && step->component->durable != NULL) {
        wr_printf(e->out, "%*sfor power cuts: %s\n", (int)(4 * depth + 6), "",
                  step->component->durable);
    }
    const char *on_break = wr_plan_goes_on_by(step)->on_break;
    if (on_break != NULL && step->component->kind != WEIR_KIND_STAGE) {
        wr_printf(e->out, "%*swhen the far end is lost: %s\n", (int)(4 * depth + 6), "", on_break);
    }
}

/* Print which branches of a step can delay the others. */
static void print_branches(struct explaining *e, const struct wr_plan_step *step, size_t depth)
{
    for (size_t i = 0; i < step->component->args_count; i++) {
        size_t count;
        struct weir_chain *const *chains = wr_plan_chains(step, i, &count);
        bool fed = (step->component->args[i].flags & WEIR_ARG_WITH_SOURCE) == 0;
        for (size_t j = 0; fed && count > 1 && j < count; j++) {
            const char *brake = NULL;
            for (size_t k = 0; k < chains[j]->count && brake == NULL; k++) {
                bool never = (wr_plan_traits(&chains[j]->steps[k]) & WEIR_TRAIT_NEVER_FULL) != 0;
                brake = never ? chains[j]->steps[k].component->name : NULL;
            }
            if (brake != NULL) {
                wr_printf(e->out, "%*sbranch %zu never delays the others: '%s' takes all items\n",
                          (int)(4 * depth + 6), "", j + 1, brake);
            } else {
                wr_printf(e->out, "%*sbranch %zu delays the others while it is full\n",
                          (int)(4 * depth + 6), "", j + 1);
            }
        }
    }
}

/* Note the number of a component that reads ahead. */
static void add_queue(struct explaining *e)
{
    size_t len = strlen(e->queues);
    struct wr_print out;
    wr_print_to(&out, e->queues + len, sizeof e->queues - len);
    wr_printf(&out, len > 0 ? ", %zu" : "%zu", e->number);
}

/* Print what holds for the whole plan. */
static void print_whole(struct explaining *e)
{
    if (e->queues[0] != '\0') {
        wr_printf(
            e->out,
            "queues    in %s; any other component takes an item when the next one asks for it\n",
            e->queues);
    } else {
        wr_printf(e->out,
                  "queues    none: each component takes an item when the next one asks for it\n");
    }
    if (e->brake != NULL) {
        wr_printf(e->out,
                  "full      '%s' takes items at any speed: the components before it never wait\n",
                  e->brake);
    } else {
        wr_printf(e->out, "full      when the output is slow, everything before it waits, back to "
                          "the far end of the source\n");
    }
    wr_printf(e->out, "memory    all buffers together hold at most ");
    print_bytes(e->out, (int64_t)e->memory);
    wr_printf(e->out, "\nSIGTERM   sources stop, and pending items are still delivered\n");
}

/* Print what a step is, and why it is there. */
static void print_name(struct explaining *e, const struct wr_plan_step *step, size_t depth)
{
    const weir_component *component = step->component;
    const char *text = step->text != NULL ? step->text : component->name;
    /* A decoder makes the source give bytes, and is no part of it. */
    bool part = step->joined && (component->traits & WEIR_TRAIT_STATE_REPLAYS) == 0;
    weir_opening opening = {
        .struct_size = sizeof opening, .shape = step->shape, .joined = step->joined};
    const char *says = component->says != NULL ? component->says(&opening, step->args) : NULL;
    wr_printf(e->out, "%*s%2zu  %s", (int)(4 * depth), "", ++e->number, text);
    if (step->ending != NULL) {
        wr_printf(e->out, "   (auto, inserted by the plan: the file's name ends in %s)\n",
                  step->ending);
    } else {
        wr_printf(e->out, "%s\n",
                  step->implied ? "   (inserted by the plan)"
                  : part        ? "   (part of the source)"
                                : "");
    }
    print_line(e, depth, component->help);
    if (says != NULL) {
        wr_printf(e->out, "%*shere: %s\n", (int)(4 * depth + 6), "", says);
    }
}

static bool explain_step(const struct wr_plan_step *step, size_t depth, void *arg)
{
    struct explaining *e = arg;
    const weir_component *component = step->component;
    uint32_t traits = wr_plan_traits(step);
    uint32_t gives = wr_plan_gives(step);
    gives = gives != WEIR_SHAPE_SAME ? gives : step->shape;
    gives = step->framer != NULL ? WEIR_SHAPE_BYTES : gives; /* a framer is joined to it */
    char shapes[64];
    print_name(e, step, depth);
    wr_printf(e->out, "%*s", (int)(4 * depth + 6), "");
    if (component->kind != WEIR_KIND_SOURCE) {
        wr_printf(e->out, "takes %s",
                  wr_plan_shapes_text(step->joined ? WEIR_SHAPE_BYTES : step->shape, shapes));
    }
    if (component->kind != WEIR_KIND_SINK) {
        wr_printf(e->out, "%sgives %s", component->kind != WEIR_KIND_SOURCE ? ", " : "",
                  gives != 0 ? wr_plan_shapes_text(gives, shapes) : "what its blocks give");
    }
    wr_printf(e->out, "%s%s", (traits & WEIR_TRAIT_CPU) != 0 ? "; uses CPU" : "",
              (traits & WEIR_TRAIT_IO) != 0 ? "; does I/O" : "");
    print_defaults(e->out, step);
    wr_printf(e->out, "\n");
    if (step->fused) {
        print_line(e, depth,
                   "runs as one with the stage before it: a value is parsed once and "
                   "written once");
    }
    if (step->parsed) {
        print_line(
            e, depth,
            "a value on one line, which the stage before it has parsed, is not parsed again");
    }
    print_traits(e, step, depth);
    print_branches(e, step, depth);
    if (depth == 0 && (traits & WEIR_TRAIT_NEVER_FULL) != 0) {
        e->brake = component->name;
    }
    if ((traits & WEIR_TRAIT_READS_AHEAD) != 0) {
        add_queue(e);
    }
    return true;
}

/* Print the names of some files, or how many there are when there are many. */
static void print_files(struct explaining *e, const weir_plan *plan,
                        const struct wr_plan_decoding *decoding)
{
    enum { SHOWN = 3 };
    const weir_plan_options *options = e->options;
    size_t all = decoding != NULL ? decoding->count : options->files_count;
    size_t shown = 0;
    for (size_t i = 0; i < options->files_count && shown < SHOWN; i++) {
        if (decoding != NULL && &plan->decodings[plan->files[i]] != decoding) {
            continue;
        }
        const char *path = options->files[i];
        wr_printf(e->out, "%s%s", shown++ > 0 ? ", " : "",
                  strcmp(path, "-") == 0 ? "standard input" : path);
    }
    if (all > shown) {
        wr_printf(e->out, " and %zu more", all - shown);
    }
}

/* Print what is read when the text has no source: the files, with what decodes each. */
static void print_input(struct explaining *e, const weir_plan *plan)
{
    bool each = plan->decodings_count > 0 && plan->files_count == e->options->files_count;
    if (e->options->files_count == 0) {
        wr_printf(e->out, "    (reads standard input)\n");
        return;
    }
    wr_printf(e->out, "    (reads ");
    print_files(e, plan, NULL);
    wr_printf(e->out, each ? ", one after another, each by the ending of its name)\n"
                      : e->options->files_count > 1 ? ", one after another)\n"
                                                    : ")\n");
    for (size_t i = 0; each && i < plan->decodings_count; i++) {
        const struct wr_plan_decoding *decoding = &plan->decodings[i];
        wr_printf(e->out, "    ");
        print_files(e, plan, decoding);
        wr_printf(e->out, decoding->chain.count == 0 ? ": its lines\n" : ":\n");
        (void)wr_plan_each_step(&decoding->chain, 1, explain_step, e);
    }
}

static int64_t memory_of(const weir_plan *plan, const weir_plan_options *options)
{
    enum { HAS_IT = offsetof(weir_plan_options, mem_bytes) + sizeof(int64_t) };
    int64_t bytes = options->struct_size >= HAS_IT ? options->mem_bytes : 0;
    bytes = bytes > 0 ? bytes : plan->mem_bytes;
    return bytes > 0 ? bytes : MEMORY_BYTES;
}

/* By enum weir_delivery. */
static const char *const delivery_meanings[] = {
    "items may be missing, and some may come twice",
    "the next run misses none, and some may come twice",
    "the next run leaves the output as if there had been no kill"};

static void print_meaning(struct wr_print *out, int word, bool durable)
{
    wr_printf(out, "          %s: after a kill%s %s\n", wr_plan_delivery_words[word],
              durable ? " or a power cut" : "", delivery_meanings[word]);
}

size_t weir_plan_explain(const weir_plan *plan, const weir_plan_options *options, char *to,
                         size_t cap)
{
    WR_GIVEN(plan);
    static const weir_plan_options none = {.struct_size = sizeof none};
    struct wr_print out;
    char delivery[512];
    struct explaining e = {.out = &out, .options = options != NULL ? options : &none};
    e.memory = (double)memory_of(plan, e.options);
    wr_print_to(&out, to, cap);
    if (!weir_plan_has_source(plan)) {
        print_input(&e, plan);
    }
    (void)wr_plan_each_step(&plan->root, 0, explain_step, &e);
    if (!weir_plan_has_sink(plan)) {
        wr_printf(&out, "    (writes to standard output)\n");
    }
    print_whole(&e);
    int word = weir_plan_delivery(plan, options, delivery, sizeof delivery);
    wr_printf(&out, "delivery  with a state %s;\n          without one best-effort\n", delivery);
    if (word != WEIR_BEST_EFFORT) {
        print_meaning(&out, word, wr_plan_durable(options));
    }
    print_meaning(&out, WEIR_BEST_EFFORT, false);
    return out.len;
}
