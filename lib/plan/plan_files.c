/*
 * plan_files.c - opens what stands for a source that is not written: files, or standard input.
 *
 * Several files are one generator with a body. It opens one file after another, with what decodes
 * this file and with the framer of the text, so that each file has its own header and its own end.
 * It holds a reference to the plan and to the dead sink until the last file is read. Called by
 * weir_plan_open; between two files it does not suspend.
 */
#include <string.h>
#include <weir/stage.h>

#include "base_alloc.h"
#include "flow_gen.h"
#include "plan_open.h"

/* Open the source for a path: that of files, or that of standard input for "-". */
static weir_gen *open_source(const weir_opening *opening, const char *path)
{
    bool stdin_too = strcmp(path, "-") == 0;
    const weir_component *component =
        wr_plan_find_scheme(WEIR_KIND_SOURCE, stdin_too ? "-" : "/", 1);
    if (stdin_too) {
        return component->open(opening, NULL, NULL);
    }
    void *args = wr_zalloc(component->args_size);
    if (args == NULL) {
        return wr_gen_made(NULL, NULL);
    }
    memcpy((char *)args + component->args[0].offset, &path, sizeof path);
    weir_gen *gen = component->open(opening, NULL, args);
    wr_free(args);
    return gen;
}

/* How the files are read. */
struct reading {
    const weir_plan *plan;
    const weir_component *source;       /* to name its object; NULL: another object has the name */
    const struct wr_plan_step *framer;  /* cuts each file; NULL: none */
    struct wr_plan_rejecting rejecting; /* of the framer */
    struct wr_plan_rejecting inserted;  /* of what decodes a file, if it rejects items */
};

/* Open a step that reads a file, or what the step before it gives. */
static weir_gen *open_step(const weir_opening *opening, const struct wr_plan_step *step,
                           const struct reading *reading, weir_gen *up)
{
    static const struct wr_plan_rejecting none = {.on_error = WR_ON_ERROR_SKIP};
    bool rejects = (wr_plan_traits(step) & WEIR_TRAIT_REJECTS) != 0;
    struct wr_plan_rejecting rejecting = step == reading->framer ? reading->rejecting
                                         : rejects               ? reading->inserted
                                                                 : none;
    weir_opening own = *opening;
    own.shape = step == reading->framer && !own.joined ? (uint32_t)WEIR_SHAPE_BYTES : step->shape;
    own.looked = step->looked;
    weir_gen *gen = wr_plan_open_with(&own, step, up, rejecting);
    wr_plan_label(gen, step->component, wr_plan_part_of(reading->plan, step));
    return gen;
}

/* The source for a path, followed by what decodes it (NULL: nothing) and by the framer. */
static weir_gen *open_path(const weir_opening *opening, const char *path,
                           const struct weir_chain *decoding, const struct reading *reading)
{
    weir_opening own = *opening;
    bool decoded = decoding != NULL && decoding->count > 0;
    own.joined = decoded ? decoding->steps[0].joined : reading->framer != NULL;
    weir_gen *source = open_source(&own, path), *gen = source;
    for (size_t i = 0; decoded && i < decoding->count; i++) {
        const struct wr_plan_step *step = &decoding->steps[i];
        own.joined = step->joined;
        gen = step->passes ? gen : open_step(&own, step, reading, gen);
    }
    if (reading->framer != NULL) {
        own.joined = !decoded;
        gen = open_step(&own, reading->framer, reading, gen);
    }
    if (reading->source != NULL) {
        wr_plan_label(source, reading->source, -1);
    } else if (source != &wr_gen_no_memory) { /* shared by all threads */
        source->named = true;
    }
    return gen;
}

/* The files that are read instead of the source: the arguments of their generator's body. */
struct files {
    char **paths; /* in one allocation with the texts */
    size_t count;
    weir_opening opening;
    weir_http_options http;
    struct reading reading;
    weir_plan *plan; /* which is used meanwhile */
};

static int end_line(const weir_item *in, weir_item *out, void *args)
{
    (void)args;
    out->flags = in->flags & ~(uint32_t)WEIR_ITEM_NO_EOL;
    return 0;
}

/* What decodes one of the files; NULL: nothing of its own. */
static const struct weir_chain *decoding_of(const weir_plan *plan, size_t index)
{
    return plan->decodings_count > 0 ? &plan->decodings[plan->files[index]].chain : NULL;
}

/* Read one file after another. A last line without a line end gets one, unless it is the last line
 * of all files. Otherwise the next file's first line would be joined to it. */
static int read_files(weir_gen *self, weir_gen *up, void *args)
{
    struct files *files = args;
    (void)up;
    files->opening.scope = weir_gen_scope(self);
    files->opening.http = &files->http;
    for (size_t i = 0; i < files->count; i++) {
        weir_gen *file = open_path(&files->opening, files->paths[i], decoding_of(files->plan, i),
                                   &files->reading);
        if (i + 1 < files->count) {
            file = weir_map(file, files->paths[i], end_line, NULL, 0);
        }
        if (!weir_yield_from(self, file, NULL)) {
            return 0;
        }
    }
    return 0;
}

static void drop_files(void *args)
{
    struct files *files = args;
    wr_free(files->paths);
    weir_plan_free(files->plan);
}

static char **copy_paths(const weir_plan_options *options)
{
    size_t pointers = options->files_count * sizeof(char *);
    size_t bytes = pointers;
    for (size_t i = 0; i < options->files_count; i++) {
        bytes += strlen(options->files[i]) + 1;
    }
    char **paths = wr_alloc(bytes);
    if (paths == NULL) {
        return NULL;
    }
    char *text = (char *)paths + pointers;
    for (size_t i = 0; i < options->files_count; i++) {
        size_t len = strlen(options->files[i]) + 1;
        paths[i] = memcpy(text, options->files[i], len);
        text += len;
    }
    return paths;
}

/* The first step of what decodes the files that may reject items; NULL: none. */
static const struct wr_plan_step *find_rejecting(const weir_plan *plan)
{
    for (size_t i = 0; i < plan->decodings_count; i++) {
        const struct weir_chain *chain = &plan->decodings[i].chain;
        for (size_t j = 0; j < chain->count; j++) {
            if ((wr_plan_traits(&chain->steps[j]) & WEIR_TRAIT_REJECTS) != 0) {
                return &chain->steps[j];
            }
        }
    }
    return NULL;
}

/* The dead sink stays open until the last file is read. */
static void hold_dead(weir_gen *gen, const struct wr_plan_step *step,
                      struct wr_plan_rejecting rejecting)
{
    if (step != NULL && rejecting.on_error != WR_ON_ERROR_SKIP) {
        wr_gen_on_error(gen, NULL, rejecting.on_error, rejecting.dead, step->component->name);
    }
}

bool wr_plan_other_files(const weir_plan *plan, const weir_plan_options *options)
{
    return plan->decodings_count > 0 && plan->files_count != options->files_count;
}

weir_gen *wr_plan_open_files(const weir_opening *opening, const struct wr_plan_step *framer)
{
    const struct wr_plan_opening *mine = opening->plan;
    const weir_plan *plan = mine->plan;
    const weir_plan_options *options = &mine->options;
    const char *path = options->files_count == 0 ? "-" : options->files[0];
    const struct wr_plan_step *inserted = find_rejecting(plan);
    struct reading reading = {.plan = plan, .framer = framer};
    if (framer != NULL) {
        reading.rejecting = wr_plan_rejecting_of(framer, mine);
    }
    if (inserted != NULL) {
        reading.inserted = wr_plan_rejecting_of(inserted, mine);
    }
    if (options->files_count <= 1) {
        const char *scheme = strcmp(path, "-") == 0 ? "-" : "/";
        reading.source = wr_plan_find_scheme(WEIR_KIND_SOURCE, scheme, 1);
        return open_path(opening, path, NULL, &reading);
    }
    struct files files = {.paths = copy_paths(options),
                          .count = options->files_count,
                          .opening = *opening,
                          .http = *opening->http,
                          .reading = reading,
                          .plan = (weir_plan *)(uintptr_t)plan};
    weir_gen_options made = {.struct_size = sizeof made, .name = "files", .drop = drop_files};
    if (files.paths == NULL) {
        return wr_gen_made(NULL, NULL);
    }
    files.opening.plan = NULL;
    atomic_fetch_add(&files.plan->references, 1);
    weir_gen *gen = weir_gen_new(opening->scope, read_files, &files, sizeof files, &made);
    hold_dead(gen, framer != NULL ? framer : inserted,
              framer != NULL ? reading.rejecting : reading.inserted);
    wr_plan_label(gen, wr_plan_find_scheme(WEIR_KIND_SOURCE, "/", 1), -1);
    return gen;
}
