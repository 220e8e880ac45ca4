/*
 * plan_read.c - reads a text into a plan: option lines, then the pipeline.
 *
 * Called by weir_plan_read and, for the long form of its mistakes, by weir_plan_error_text and
 * weir_plan_error_at. All read the text from the start and keep nothing between calls. The steps:
 * option lines (files only), then the chain of the pipeline (plan_step.c), then the check of it
 * (plan_check.c). The first mistake is the one that counts; a later one is looked for only on
 * request, and only while the chain is read, because the check of a chain needs all of its
 * components. Suspends nothing and opens nothing except modules.
 */
#include "plan_text.h"

#include <string.h>

#include "base_alloc.h"
#include "base_error.h"
#include "expr_input.h"
#include "expr_tree.h"

static int read_size(struct wr_plan_reading *reading, const struct wr_plan_token *value)
{
    struct wr_plan_error *error = &reading->error;
    int rc = wr_plan_size_read(reading->clean + value->value.at, value->value.len,
                               &reading->plan->mem_bytes);
    if (rc == 0 && reading->plan->mem_bytes >= WEIR_PLAN_MEM_BYTES_MIN) {
        return 0;
    }
    if (rc == 0 && reading->plan->mem_bytes > 0) {
        return wr_plan_fail(error, value->all, "@mem must be at least 128KiB");
    }
    (void)wr_plan_fail(error, value->all, "@mem: '%.*s' is not a valid size",
                       (int)WR_MIN(value->all.len, (size_t)WR_PLAN_SHOWN_MAX),
                       reading->clean + value->all.at);
    return wr_plan_hint(error, "for example 64MiB");
}

/* Read one line `@option value`, [at, end). */
static int read_option(struct wr_plan_reading *reading, size_t at, size_t end)
{
    static const struct {
        const char *name, *value;
    } options[] = {{"@state", "folder"}, {"@mem", "size"}, {"@name", "name"}};
    enum { OPTIONS = sizeof options / sizeof *options };
    struct wr_plan_error *error = &reading->error;
    struct wr_plan_token name;
    struct wr_plan_token value;
    struct wr_plan_token rest;
    if (wr_plan_token_next(reading->clean, &at, end, &name, error) != 0 ||
        wr_plan_token_next(reading->clean, &at, end, &value, error) != 0 ||
        wr_plan_token_next(reading->clean, &at, end, &rest, error) != 0) {
        return error->code;
    }
    const char *text = reading->clean + name.all.at;
    size_t i = 0;
    while (i < OPTIONS && (strlen(options[i].name) != name.all.len ||
                           memcmp(text, options[i].name, name.all.len) != 0)) {
        i++;
    }
    if (reading->name == NULL) {
        return wr_plan_fail(error, name.all, "lines with @ are for a pipeline in a file");
    }
    if (i == OPTIONS) {
        (void)wr_plan_fail(error, name.all, "unknown option '%.*s'",
                           (int)WR_MIN(name.all.len, (size_t)WR_PLAN_SHOWN_MAX), text);
        return wr_plan_hint(error, "the options are @state DIR, @name NAME and @mem SIZE");
    }
    if (value.all.len == 0) {
        return wr_plan_fail(error, name.all, "%s: the %s is missing", options[i].name,
                            options[i].value);
    }
    if (rest.all.len > 0) {
        return wr_plan_fail(error, rest.all, "%s takes only one value", options[i].name);
    }
    value.value = value.name.len > 0 ? value.all : value.value;
    if (i == 1) {
        return read_size(reading, &value);
    }
    const char **to = i == 0 ? &reading->plan->state_folder : &reading->plan->state_name;
    *to = wr_plan_token_text(reading, &value);
    if (error->code == 0 && **to == '\0') {
        (void)wr_plan_fail(error, value.all, "%s: the %s is missing", options[i].name,
                           options[i].value);
    }
    return error->code;
}

/* Read the option lines before the pipeline; *at moves to the start of the pipeline. */
static int read_options(struct wr_plan_reading *reading, size_t *at, size_t end)
{
    char *clean = reading->clean;
    for (;;) {
        while (*at < end && wr_plan_is_space(clean[*at])) {
            (*at)++;
        }
        if (*at == end || (clean[*at] != '@' && clean[*at] != '#') ||
            wr_plan_is_format(clean + *at, end - *at)) {
            return 0;
        }
        size_t eol = *at;
        size_t stop = SIZE_MAX;
        while (eol < end && clean[eol] != '\n') {
            if (clean[eol] == '#' && (eol == *at || wr_plan_is_space(clean[eol - 1])) &&
                stop == SIZE_MAX) {
                stop = eol;
            }
            eol++;
        }
        if (stop != SIZE_MAX) {
            memset(clean + stop, ' ', eol - stop);
        }
        if (clean[*at] == '@') {
            /* A quote that is not closed on this line must not include the next line. */
            struct weir_chain line = {.count = 0};
            if (wr_plan_steps_find(reading, (struct wr_plan_span){*at, eol - *at}, &line) != 0 ||
                read_option(reading, *at, eol) != 0) {
                return reading->error.code;
            }
        }
        *at = eol;
    }
}

/* The allocations of a plan, newest first. */
struct memory {
    struct memory *next;
    max_align_t data[];
};

void *wr_plan_alloc(struct wr_plan_reading *reading, size_t bytes)
{
    struct memory *memory = wr_zalloc(sizeof *memory + bytes);
    if (memory == NULL) {
        (void)wr_plan_no_memory(&reading->error);
        return NULL;
    }
    memory->next = reading->plan->memory;
    reading->plan->memory = memory;
    return memory->data;
}

static int read_all(struct wr_plan_reading *reading)
{
    weir_plan *plan = reading->plan;
    size_t len = strlen(reading->text);
    size_t at = 0;
    if (read_options(reading, &at, len) != 0) {
        return reading->error.code;
    }
    if (at == len) {
        (void)wr_plan_fail(&reading->error, (struct wr_plan_span){0, 1}, "the text is empty");
        return wr_plan_hint(&reading->error, "as in weir 'https://example.org/feed | head 3'");
    }
    if (wr_plan_chain_read(reading, (struct wr_plan_span){at, len - at}, WR_PLAN_ROOT,
                           &plan->root) != 0 ||
        wr_plan_chain_check(reading, &plan->root, WR_PLAN_ROOT,
                            reading->behind ? WEIR_SHAPES_ALL : 0, WR_USE_NOTHING) != 0) {
        return reading->error.code;
    }
    return wr_plan_texts_write(reading);
}

/* Copy the values of the options into the plan. */
static int take_values(struct wr_plan_reading *reading, const weir_text_options *options)
{
    char why[WR_NAMES_WHY] = "";
    const char *which;
    if (options == NULL) {
        return 0;
    }
    int rc = wr_names_of(options->variables, options->variables_count, &reading->plan->names,
                         &which, why);
    if (rc == WEIR_EINVAL) {
        (void)wr_plan_fail(&reading->error, (struct wr_plan_span){0, 0}, "the value $%.*s: %s",
                           WR_PLAN_SHOWN_MAX, which, why);
        reading->error.code = rc;
    }
    return rc == WEIR_ENOMEM ? wr_plan_no_memory(&reading->error) : rc;
}

const char *wr_plan_text_name(const weir_text_options *options)
{
    WR_ASSERT(options == NULL || options->struct_size >= sizeof *options,
              "the options have no struct_size; initialize them with WEIR_OPTIONS");
    return options != NULL ? options->name : NULL;
}

/* Read a text, and behind a mistake look for more if mistakes is not NULL. It has room for
 * WR_PLAN_MISTAKES_MAX. */
static weir_plan *read_text(const char *text, const weir_text_options *options, bool behind,
                            struct wr_plan_error *error, struct wr_plan_mistakes *mistakes)
{
    struct wr_plan_reading *reading = wr_zalloc(sizeof *reading);
    weir_plan *plan = NULL;
    memset(error, 0, sizeof *error);
    if (reading == NULL) {
        (void)wr_plan_no_memory(error);
        return NULL;
    }
    reading->text = text;
    reading->name = wr_plan_text_name(options);
    reading->behind = behind;
    reading->mistakes = mistakes;
    reading->files = options != NULL ? options->files : NULL;
    reading->files_count = options != NULL ? options->files_count : 0;
    reading->clean = strlen(text) <= WR_PLAN_TEXT_BYTES_MAX ? wr_strdup(text) : NULL;
    reading->plan = wr_zalloc(sizeof *reading->plan);
    if (strlen(text) > WR_PLAN_TEXT_BYTES_MAX) {
        (void)wr_plan_too_long(&reading->error);
    } else if (reading->clean == NULL || reading->plan == NULL) {
        (void)wr_plan_no_memory(&reading->error);
    } else {
        atomic_init(&reading->plan->references, 1);
        if (take_values(reading, options) == 0) {
            (void)read_all(reading);
        }
    }
    plan = reading->plan;
    *error = reading->error;
    if (error->code != 0) {
        weir_plan_free(plan);
        plan = NULL;
    }
    wr_free(reading->clean);
    wr_free(reading);
    return plan;
}

weir_plan *wr_plan_read(const char *text, const weir_text_options *options, bool behind,
                        struct wr_plan_error *error)
{
    return read_text(text, options, behind, error, NULL);
}

weir_plan *weir_plan_read(const char *text, const weir_text_options *options, weir_error *error)
{
    struct wr_plan_error mistake;
    WR_ASSERT(text != NULL, "text is NULL");
    weir_plan *plan = wr_plan_read(text, options, false, &mistake);
    wr_error_clear(error);
    if (plan == NULL) {
        wr_plan_error_give(&mistake, text, wr_plan_text_name(options), error);
    }
    return plan;
}

size_t weir_plan_error_text(const char *text, const weir_text_options *options, char *to,
                            size_t cap)
{
    struct wr_plan_error mistake;
    WR_ASSERT(text != NULL, "text is NULL");
    weir_plan *plan = wr_plan_read(text, options, false, &mistake);
    if (plan == NULL) {
        return wr_plan_error_print(&mistake, text, wr_plan_text_name(options), to, cap);
    }
    weir_plan_free(plan);
    if (cap > 0) {
        to[0] = '\0';
    }
    return 0;
}

size_t weir_plan_mistake_at(const char *text, const weir_text_options *options, size_t index,
                            weir_error *error, char *to, size_t cap)
{
    struct wr_plan_error first;
    const struct wr_plan_error *found = NULL;
    size_t len = 0;
    WR_ASSERT(text != NULL, "text is NULL");
    wr_error_clear(error);
    if (cap > 0) {
        to[0] = '\0';
    }
    struct wr_plan_mistakes *mistakes = wr_zalloc(sizeof *mistakes);
    weir_plan *plan = read_text(text, options, false, &first, mistakes);
    if (plan == NULL && index == 0) {
        found = &first;
    } else if (plan == NULL && mistakes != NULL && index < mistakes->count) {
        found = &mistakes->list[index];
    }
    if (found != NULL) {
        const char *name = wr_plan_text_name(options);
        wr_plan_error_give(found, text, name, error);
        len = wr_plan_error_print(found, text, name, to, cap);
    }
    weir_plan_free(plan);
    wr_free(mistakes);
    return len;
}

void weir_plan_free(weir_plan *plan)
{
    if (plan == NULL || atomic_fetch_sub(&plan->references, 1) > 1) {
        return;
    }
    wr_names_unref(plan->names);
    for (struct memory *memory = plan->memory; memory != NULL;) {
        struct memory *next = memory->next;
        wr_free(memory);
        memory = next;
    }
    wr_free(plan);
}
