/*
 * plan_open.c - makes the generators and the sink of a plan.
 *
 * First it does everything that may be refused or run out of memory (such as the check of the
 * options against the text). Then it opens the components in the order of the text, which cannot
 * fail: a failed maker gives an object that fails. So after a failure nothing was made. No maker
 * connects or suspends; the first pull does. A block is opened by its component (weir_chain_open),
 * in the same way. plan_files.c opens what stands for a source that is not written.
 */
#include "plan_open.h"

#include <string.h>
#include <sys/stat.h>
#include <weir/extend.h>
#include <weir/stage.h>

#include "base_error.h"
#include "flow_gen.h"
#include "flow_sink.h"
#include "flow_state.h"
#include "sink_file_parts.h"
#include "stage_expr.h"

weir_gen *wr_plan_open_with(const weir_opening *opening, const struct wr_plan_step *step,
                            weir_gen *up, struct wr_plan_rejecting rejecting)
{
    if (rejecting.on_error == WR_ON_ERROR_DEAD && up != NULL) {
        up = wr_dead_gate(up, rejecting.dead);
    }
    weir_gen *gen = step->fused ? wr_fused_join(opening, up, step->component->name,
                                                step->component->compile, step->args)
                                : step->component->open(opening, up, step->args);
    if ((wr_plan_traits(step) & WEIR_TRAIT_REJECTS) != 0) {
        wr_gen_on_error(gen, up, rejecting.on_error, rejecting.dead, step->component->name);
    }
    return gen;
}

static void label(struct wr_counts *counts, const weir_component *component, int part)
{
    if (counts->component == NULL) {
        counts->component = component->name;
        counts->part = part;
    }
}

void wr_plan_label(weir_gen *gen, const weir_component *component, int part)
{
    if (gen != &wr_gen_no_memory) { /* shared by all threads */
        label(&gen->counts, component, part);
    }
}

static void label_sink(weir_sink *sink, const weir_component *component, int part)
{
    if (sink->loop != NULL) {
        label(&sink->counts, component, part);
    }
}

int wr_plan_part_of(const weir_plan *plan, const struct wr_plan_step *step)
{
    for (size_t i = 0; i < plan->parts_count; i++) {
        if (plan->parts[i].step == step) {
            return (int)i;
        }
    }
    return -1; /* inserted by the plan */
}

struct wr_plan_rejecting wr_plan_rejecting_of(const struct wr_plan_step *step,
                                              const struct wr_plan_opening *mine)
{
    static const enum wr_on_error policies[] = {
        [WR_PLAN_SKIP] = WR_ON_ERROR_SKIP,
        [WR_PLAN_STOP] = WR_ON_ERROR_STOP,
        [WR_PLAN_DEAD] = WR_ON_ERROR_DEAD,
    };
    return (struct wr_plan_rejecting){policies[wr_plan_policy(step, &mine->options)], mine->dead};
}

/* ---- chains */

/* Set the HTTP options of a component: the program's headers and user are for the first component
 * that takes a URL. */
static void set_http(weir_opening *opening, const weir_component *component)
{
    struct wr_plan_opening *mine = (struct wr_plan_opening *)(uintptr_t)opening->plan;
    opening->http = &mine->limits;
    for (size_t i = 0; i < component->args_count && !mine->http_given; i++) {
        if (component->args[i].type == WEIR_ARGTYPE_URL) {
            opening->http = &mine->http;
            mine->http_given = true;
        }
    }
}

/* Whether a framer at `index` makes the source before it cut its bytes. */
static bool is_joined(const struct weir_chain *chain, size_t index)
{
    return index < chain->count && chain->steps[index].joined;
}

/* What a step does with an item that it rejects. */
int wr_plan_policy(const struct wr_plan_step *step, const weir_plan_options *options)
{
    if ((wr_plan_traits(step) & WEIR_TRAIT_REJECTS) == 0) {
        return WR_PLAN_SKIP;
    }
    int32_t given = step->on_error;
    if (options->strict != 0 && given != WR_PLAN_DEAD) {
        return WR_PLAN_STOP;
    }
    if (given < 0 && step->component->stops != 0) {
        return WR_PLAN_STOP;
    }
    return given >= 0 ? given : options->dead != NULL ? WR_PLAN_DEAD : WR_PLAN_SKIP;
}

/* Open a sink that takes the items of *gen. */
static weir_sink *open_sink(const weir_opening *opening, const struct wr_plan_step *step,
                            weir_gen **gen)
{
    const struct wr_plan_opening *mine = opening->plan;
    struct wr_plan_rejecting rejecting = wr_plan_rejecting_of(step, mine);
    if (rejecting.on_error == WR_ON_ERROR_DEAD && *gen != NULL) {
        *gen = wr_dead_gate(*gen, rejecting.dead);
    }
    weir_sink *sink = step->component->open_sink(opening, step->args);
    if ((wr_plan_traits(step) & WEIR_TRAIT_REJECTS) != 0) {
        wr_sink_on_error(sink, rejecting.on_error, rejecting.dead, step->component->name);
    }
    label_sink(sink, step->component, wr_plan_part_of(mine->plan, step));
    return sink;
}

/* A component that keeps data across items is opened with a state. Returns gen, or what reads it. */
static weir_gen *keep_data(const weir_opening *opening, const struct wr_plan_step *step,
                           weir_gen *gen)
{
    uint32_t traits = wr_plan_traits(step);
    if ((traits & WEIR_TRAIT_STATE_RESTARTS) != 0 && wr_state_goes_on(opening->state)) {
        weir_log(opening->scope, WEIR_LOG_WARNING, step->component->name,
                 "it starts empty: what it held when the last run ended is lost");
    }
    bool replays = (traits & WEIR_TRAIT_STATE_REPLAYS) != 0 && gen->ops->begins_again == NULL;
    return replays ? weir_replayed(gen) : gen;
}

/* Open a source, or a stage that reads `up`. */
static weir_gen *open_step(const weir_opening *opening, const struct wr_plan_step *step,
                           weir_gen *up)
{
    const struct wr_plan_opening *mine = opening->plan;
    weir_gen *gen = wr_plan_open_with(opening, step, up, wr_plan_rejecting_of(step, mine));
    if (opening->state != NULL) {
        gen = keep_data(opening, step, gen);
    }
    wr_plan_label(gen, step->component, wr_plan_part_of(mine->plan, step));
    return gen;
}

void weir_chain_open(const weir_opening *opening, const weir_chain *chain, weir_gen *up,
                     weir_gen **gen, weir_sink **sink)
{
    wr_scope_given(opening->scope, "weir_chain_open");
    *gen = up;
    *sink = NULL;
    for (size_t i = 0; i < chain->count; i++) {
        const struct wr_plan_step *step = &chain->steps[i];
        weir_opening mine = *opening;
        mine.struct_size = sizeof mine;
        mine.shape = step->shape;
        mine.joined = step->joined;
        mine.looked = step->looked;
        set_http(&mine, step->component);
        if (step->component->kind == WEIR_KIND_SOURCE) {
            mine.joined = is_joined(chain, i + 1);
            *gen = open_step(&mine, step, NULL);
        } else if (step->component->kind == WEIR_KIND_SINK) {
            *sink = open_sink(&mine, step, gen);
        } else if (!step->passes && (i > 0 || !step->joined)) { /* else the implied source has it */
            *gen = open_step(&mine, step, *gen);
        }
    }
}

/* Open a whole plan. up NULL: use its own source, or the one that is used when none is written. */
static void open_root(const weir_plan *plan, const weir_opening *opening, weir_gen *up,
                      weir_gen **gen, weir_sink **sink)
{
    if (up == NULL && !weir_plan_has_source(plan)) {
        weir_opening mine = *opening;
        mine.joined = is_joined(&plan->root, 0);
        up = wr_plan_open_files(&mine, mine.joined ? &plan->root.steps[0] : NULL);
    }
    weir_chain_open(opening, &plan->root, up, gen, sink);
}

/* ---- options */

/* Copy options of another version of this struct: the fields that it has, and zeros for the
 * rest. */
static void copy_options(void *to, size_t to_size, const void *from, size_t from_size)
{
    memset(to, 0, to_size);
    if (from != NULL) {
        memcpy(to, from, WR_MIN(from_size, to_size));
    }
    memcpy(to, &to_size, sizeof to_size); /* struct_size comes first */
}

static void take_options(struct wr_plan_opening *mine, weir_opening *opening, weir_scope *scope,
                         const weir_plan_options *options)
{
    copy_options(&mine->options, sizeof mine->options, options,
                 options != NULL ? options->struct_size : 0);
    const weir_http_options *http = mine->options.http;
    copy_options(&mine->http, sizeof mine->http, http, http != NULL ? http->struct_size : 0);
    if (mine->options.user != NULL) {
        mine->http.user = mine->options.user;
    }
    mine->limits = mine->http;
    mine->limits.headers = NULL;
    mine->limits.headers_count = 0;
    mine->limits.user = NULL;
    mine->limits.bearer_file = NULL;
    mine->limits.unix_socket = NULL;
    mine->limits.cert_file = NULL;
    mine->limits.key_file = NULL;
    mine->options.stdout_fd = mine->options.stdout_fd == 0 ? 1 : mine->options.stdout_fd;
    *opening = (weir_opening){.struct_size = sizeof *opening,
                              .scope = scope,
                              .state = mine->options.state,
                              .http = &mine->http,
                              .connect_ms = mine->http.connect_ms,
                              .idle_ms = mine->http.idle_ms,
                              .stdin_fd = mine->options.stdin_fd,
                              .stdout_fd = mine->options.stdout_fd,
                              .strict = mine->options.strict,
                              .meta = mine->plan->reads_meta,
                              .durable = mine->options.durable,
                              .begin = mine->options.begin,
                              .to_end = mine->options.to_end,
                              .plan = mine,
                              .names = mine->plan->names};
}

static int refuse(weir_error *error, const char *what)
{
    return wr_error_set(error, WEIR_EINVAL, 0, "pipeline", "%s", what);
}

/* ---- a sink that is the source */

/* Look up the regular file of a path, or of a descriptor when path is NULL or "-". true if it is
 * not empty. An error here is reported later, when the file is opened. */
static bool look_at(const char *path, int fd, struct stat *info)
{
    bool named = path != NULL && strcmp(path, "-") != 0;
    return (named ? stat(path, info) : fstat(fd, info)) == 0 && S_ISREG(info->st_mode) &&
           info->st_size > 0;
}

const char *wr_plan_path(const struct wr_plan_step *step)
{
    const char *path = NULL;
    if (wr_plan_has_scheme(step->component, "-", 1)) {
        return "-";
    }
    if (wr_plan_has_scheme(step->component, "/", 1)) {
        memcpy(&path, wr_plan_field(step, 0), sizeof path);
    }
    return path;
}

/* Refuse a plan that reads and writes the same file: it would read its own output until the disk is
 * full. */
static int refuse_circle(const weir_plan *plan, const weir_plan_options *options, weir_error *error)
{
    const struct wr_plan_step *first = &plan->root.steps[0];
    const struct wr_plan_step *last = &plan->root.steps[plan->root.count - 1];
    struct stat in, out;
    const char *to = weir_plan_has_sink(plan) ? wr_plan_path(last) : "-";
    const char *own = weir_plan_has_source(plan) ? wr_plan_path(first) : "-";
    if (to == NULL || own == NULL || !look_at(to, options->stdout_fd, &out)) {
        return 0;
    }
    for (size_t i = 0; i < WR_MAX(options->files_count, (size_t)1); i++) {
        const char *path = options->files_count > 0 ? options->files[i] : own;
        if (look_at(path, options->stdin_fd, &in) && in.st_dev == out.st_dev &&
            in.st_ino == out.st_ino) {
            return wr_error_set(error, WEIR_EINVAL, 0, "pipeline",
                                "%s is both source and sink: it would read its own output without "
                                "end",
                                strcmp(path, "-") != 0 ? path : "standard input");
        }
    }
    return 0;
}

/* The first step of a chain, including blocks, that must write to the dead sink; NULL: none. */
static const struct wr_plan_step *find_dead_in(const struct weir_chain *chain,
                                               const weir_plan_options *options)
{
    const struct wr_plan_step *found = NULL;
    for (size_t i = 0; i < chain->count && found == NULL; i++) {
        const struct wr_plan_step *step = &chain->steps[i];
        if (wr_plan_policy(step, options) == WR_PLAN_DEAD) {
            return step;
        }
        for (size_t j = 0; j < step->component->args_count; j++) {
            size_t count;
            struct weir_chain *const *chains = wr_plan_chains(step, j, &count);
            for (size_t k = 0; k < count && found == NULL; k++) {
                found = find_dead_in(chains[k], options);
            }
        }
    }
    return found;
}

/* The same for a plan. */
static const struct wr_plan_step *find_dead(const weir_plan *plan, const weir_plan_options *options)
{
    const struct wr_plan_step *found = find_dead_in(&plan->root, options);
    for (size_t i = 0; i < plan->decodings_count && found == NULL; i++) {
        found = find_dead_in(&plan->decodings[i].chain, options);
    }
    return found;
}

/* Refuse a plan with a step that needs a dead sink when there is none. */
static int refuse_dead(const weir_plan *plan, const weir_plan_options *options, weir_error *error)
{
    const struct wr_plan_step *dead = find_dead(plan, options);
    return dead == NULL || options->dead != NULL
               ? 0
               : wr_error_set(error, WEIR_EINVAL, WEIR_PLAN_NO_DEAD, "pipeline",
                              "%s: on-error=dead needs a file for rejected items",
                              dead->component->name);
}

static weir_sink *make_dead(weir_scope *scope, const char *path, weir_state *syncs)
{
    static const weir_component dead = {.name = "dead"};
    weir_sink *sink = wr_file_sink_beside(scope, path, syncs);
    label_sink(sink, &dead, -1);
    return sink;
}

/* A sink that cannot be durable ends the walk. */
static bool can_be_durable(const struct wr_plan_step *step, size_t depth, void *arg)
{
    (void)depth;
    *(const weir_component **)arg = step->component;
    return step->component->kind != WEIR_KIND_SINK || step->component->durable != NULL;
}

/* Refuse a plan that is to be durable, with a sink that cannot be. */
static int refuse_durable(const weir_plan *plan, const weir_plan_options *options,
                          weir_error *error)
{
    const weir_component *last = NULL;
    return options->durable == 0 || wr_plan_each_step(&plan->root, 0, can_be_durable, &last)
               ? 0
               : wr_error_set(error, WEIR_EINVAL, 0, "pipeline",
                              "'%s' cannot say that what it has written is safe from a power cut; "
                              "'file' and 'post' can",
                              last->name);
}

/* Check everything that may be refused. */
static int check_options(const weir_plan *plan, const weir_plan_options *options, bool with_sink,
                         weir_error *error)
{
    if (!with_sink && weir_plan_has_sink(plan)) {
        return refuse(error, "the text ends with a sink, but only a generator was requested");
    }
    if (options->files_count > 0 && weir_plan_has_source(plan)) {
        return wr_error_set(
            error, WEIR_EINVAL, 0, "pipeline",
            "the text already has a source, '%s': files are only for a text without a source",
            plan->parts[0].step->text);
    }
    if (wr_plan_other_files(plan, options)) {
        return refuse(error, "the files are not those that the text was read with");
    }
    if (options->files_count > 1 && options->state != NULL) {
        return refuse(error,
                      "a state works with one source: several files cannot be used with a state");
    }
    int rc = refuse_dead(plan, options, error);
    rc = rc == 0 && with_sink ? refuse_durable(plan, options, error) : rc;
    rc = rc == 0 ? wr_plan_refuse_begin(plan, options, error) : rc;
    return rc == 0 && with_sink ? refuse_circle(plan, options, error) : rc;
}

bool weir_plan_takes_pieces(const weir_plan *plan)
{
    WR_GIVEN(plan);
    bool has_source = weir_plan_has_source(plan);
    /* A message is never in pieces. */
    bool all = !has_source || plan->root.steps[0].component->gives != WEIR_SHAPE_MESSAGE;
    for (size_t i = has_source ? 1 : 0; i < plan->root.count; i++) {
        all = all && (wr_plan_traits(&plan->root.steps[i]) & WEIR_TRAIT_PIECES) != 0;
    }
    return all && plan->decodings_count == 0;
}

int weir_plan_check(const weir_plan *plan, const weir_plan_options *options, weir_error *error)
{
    weir_plan_options mine;
    WR_ASSERT(plan != NULL, "no plan to check");
    WR_ASSERT(options == NULL || options->struct_size > 0,
              "the options have no struct_size; initialize them with WEIR_OPTIONS");
    wr_error_clear(error);
    copy_options(&mine, sizeof mine, options, options != NULL ? options->struct_size : 0);
    mine.stdout_fd = mine.stdout_fd == 0 ? 1 : mine.stdout_fd;
    return check_options(plan, &mine, true, error);
}

int weir_plan_open(const weir_plan *plan, weir_scope *scope, const weir_plan_options *options,
                   weir_gen **gen, weir_sink **sink, weir_error *error)
{
    struct wr_plan_opening mine = {.http_given = false};
    weir_opening opening;
    weir_sink *own = NULL;
    WR_ASSERT(plan != NULL, "no plan to open");
    wr_scope_given(scope, "weir_plan_open");
    WR_GIVEN(gen);
    WR_ASSERT(options == NULL || options->struct_size > 0,
              "the options have no struct_size; initialize them with WEIR_OPTIONS");
    wr_error_clear(error);
    *gen = NULL;
    if (sink != NULL) {
        *sink = NULL;
    }
    mine.plan = plan;
    take_options(&mine, &opening, scope, options);
    int rc = check_options(plan, &mine.options, sink != NULL, error);
    if (rc != 0) {
        return rc;
    }
    if (mine.options.durable != 0 && opening.state == NULL) {
        return refuse(error, "a durable pipeline needs a state");
    }
    if (opening.state != NULL) {
        weir_state_describe(opening.state, weir_plan_text(plan));
    }
    if (find_dead(plan, &mine.options) != NULL) {
        mine.dead = wr_dead_new(scope, make_dead, mine.options.dead,
                                mine.options.durable != 0 ? opening.state : NULL);
        if (mine.dead == NULL) {
            return wr_error_set(error, WEIR_ENOMEM, 0, "pipeline", "out of memory");
        }
    }
    opening.pieces = sink != NULL && mine.options.whole_lines == 0 && weir_plan_takes_pieces(plan);
    opening.text = weir_plan_text(plan);
    open_root(plan, &opening, NULL, gen, &own);
    wr_dead_unref(mine.dead);
    if (sink != NULL && own == NULL) {
        const weir_component *component = wr_plan_find_scheme(WEIR_KIND_SINK, "-", 1);
        own = component->open_sink(&opening, NULL);
        label_sink(own, component, -1);
    }
    if (sink != NULL) {
        *sink = own;
    }
    return 0;
}

/* The body of a stage that only fails, and so ends its upstream. */
static int fail(weir_gen *self, weir_gen *up, void *args)
{
    const weir_error *why = args;
    (void)up;
    return weir_fail(self, why->code, "%s", why->message);
}

/* Read a text that continues `up`, or begins with its own source; NULL: *error has the reason. It
 * is a separate function, so that its frame does not use stack while a stage is made. */
static __attribute__((noinline)) weir_plan *read_chain(const char *text,
                                                       const weir_text_options *options,
                                                       bool behind, weir_error *error)
{
    struct wr_plan_error mistake;
    weir_plan *plan = wr_plan_read(text, options, behind, &mistake);
    wr_error_clear(error);
    if (plan == NULL) {
        wr_plan_error_give(&mistake, text, wr_plan_text_name(options), error);
    } else if (plan->state_folder != NULL || plan->state_name != NULL || plan->mem_bytes != 0) {
        (void)refuse(error, "lines with @ have no effect here; use weir_plan_read");
    } else if (weir_plan_has_sink(plan)) {
        (void)refuse(error, "the text ends with a sink, but only a generator was requested");
    } else {
        static const weir_plan_options none = {.struct_size = sizeof none};
        (void)refuse_dead(plan, &none, error);
    }
    if (error->code != 0) {
        weir_plan_free(plan);
        return NULL;
    }
    return plan;
}

weir_gen *weir_parse(weir_scope *scope, weir_gen *up, const char *text,
                     const weir_text_options *options)
{
    weir_error error;
    struct wr_plan_opening mine = {.http_given = false};
    weir_opening opening;
    weir_gen *gen = NULL;
    weir_sink *sink;
    wr_scope_given(scope, "weir_parse");
    WR_ASSERT(text != NULL, "text is NULL");
    weir_plan *plan = read_chain(text, options, up != NULL, &error);
    if (plan == NULL && up == NULL) {
        return wr_gen_failed(scope, &error);
    }
    if (plan == NULL) {
        weir_gen_options made = {.struct_size = sizeof made, .name = "pipeline"};
        return weir_stage(up, fail, &error, sizeof error, &made);
    }
    mine.plan = plan;
    take_options(&mine, &opening, scope, NULL);
    opening.text = weir_plan_text(plan);
    open_root(plan, &opening, up, &gen, &sink);
    weir_plan_free(plan);
    return gen;
}
