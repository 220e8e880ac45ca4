/*
 * plan_text.c - texts and numbers of a plan: its parts, its normalised text, the number that
 * identifies it.
 *
 * The normalised text is the user's text without comments and with one space between words, so two
 * texts that differ only in layout have one state. In it secrets are shown as ***, and they do not
 * change the number: passwords in URLs, query values whose names say that they are secret, and
 * arguments that are declared secret. These texts are written to logs, and a state stays valid when
 * a password changes.
 */
#include "plan_text.h"

#include <string.h>

#include "base_alloc.h"
#include "base_error.h"
#include "base_hash.h"
#include "codec_secret.h"

struct weir_chain *const *wr_plan_chains(const struct wr_plan_step *step, size_t index,
                                         size_t *count)
{
    const weir_arg *arg = wr_plan_arg(step->component, index);
    void *field = wr_plan_field(step, index);
    struct weir_chain *const *list = field;
    *count = 0;
    if (arg->type == WEIR_ARGTYPE_CHAIN && (arg->flags & WEIR_ARG_REPEATS) != 0) {
        weir_chains chains;
        memcpy(&chains, field, sizeof chains);
        *count = chains.count;
        memcpy(&list, &chains.list, sizeof list);
    } else if (arg->type == WEIR_ARGTYPE_CHAIN && *list != NULL) {
        *count = 1;
    }
    return list;
}

enum wr_plan_place wr_plan_place_of(const weir_arg *arg)
{
    bool source = (arg->flags & WEIR_ARG_WITH_SOURCE) != 0;
    bool sink = (arg->flags & WEIR_ARG_WITH_SINK) != 0;
    return source ? (sink ? WR_PLAN_SOURCE_TO_SINK : WR_PLAN_SOURCE_ONLY)
           : sink ? WR_PLAN_SINK_ONLY
                  : WR_PLAN_STAGES_ONLY;
}

/* The chain that was read from the block with this inside; NULL: it is not a block. */
static struct weir_chain *chain_at(const struct wr_plan_step *step, struct wr_plan_span inside)
{
    for (size_t i = 0; i < step->component->args_count; i++) {
        size_t count;
        struct weir_chain *const *chains = wr_plan_chains(step, i, &count);
        for (size_t j = 0; j < count; j++) {
            size_t at = chains[j]->steps[0].where.at;
            if (at >= inside.at && at < inside.at + inside.len) {
                return chains[j];
            }
        }
    }
    return NULL;
}

/* Whether the brackets in these bytes are balanced when the text is read. */
static bool balances(const char *bytes, size_t len)
{
    char open[WR_PLAN_DEPTH_MAX];
    size_t depth = 0;
    for (size_t i = 0; i < len; i++) {
        const char *opener = memchr("([{", bytes[i], 3);
        const char *closer = memchr(")]}", bytes[i], 3);
        if (opener != NULL && depth < sizeof open) {
            open[depth++] = ")]}"[opener - "([{"];
        } else if (closer != NULL && (depth == 0 || open[--depth] != bytes[i])) {
            return false;
        }
    }
    return depth == 0;
}

/* May it be an address that was written wrongly? An absolute path, ./x and ../x are paths. */
static bool may_be_address(const char *path, size_t len)
{
    path += path[0] == '"' || path[0] == '`' || path[0] == '\'';
    return path[0] != '.' && (path[0] != '/' || (len > 1 && path[1] == '/'));
}

/* Write an address, or a path that may be a mistyped address, without its secrets. A replaced secret
 * must not open or close a bracket or quote: of a URL the rest is replaced, too, and in a path it is
 * no secret. */
static void write_address(struct wr_print *out, const char *word, size_t len, bool path)
{
    size_t at, secret_len;
    size_t done = 0, from = 0;
    bool quoted = word[0] == '"' || word[0] == '`' || word[0] == '\'';
    bool escapes = memchr(word, '\\', len) != NULL;
    while (wr_secret_find((struct wr_text){word, len}, from, &at, &secret_len)) {
        if (path && !quoted && !balances(word + at, secret_len)) {
            from = at + secret_len;
            continue;
        }
        if ((quoted && escapes) || (!quoted && !balances(word + at, secret_len))) {
            secret_len = len - quoted - at;
        }
        wr_print_bytes(out, word + done, at - done);
        wr_print_bytes(out, "***", 3);
        done = from = at + secret_len;
    }
    wr_print_bytes(out, word + done, len - done);
}

/* The argument whose value is in this word; the count of arguments: none. */
static size_t arg_in(const struct wr_plan_step *step, struct wr_plan_span word)
{
    size_t i = 0;
    size_t count = wr_plan_args_count(step->component);
    while (i < count && (step->arg_spans[i].len == 0 || step->arg_spans[i].at < word.at ||
                         step->arg_spans[i].at >= word.at + word.len)) {
        i++;
    }
    return i;
}

static void write_word(struct wr_print *out, const struct wr_plan_step *step,
                       struct wr_plan_span word, const char *clean)
{
    size_t index = arg_in(step, word);
    if (index == wr_plan_args_count(step->component)) {
        wr_print_bytes(out, clean + word.at, word.len);
        return;
    }
    const weir_arg *arg = wr_plan_arg(step->component, index);
    struct wr_plan_span value = step->arg_spans[index];
    wr_print_bytes(out, clean + word.at, value.at - word.at);
    size_t len = word.at + word.len - value.at;
    if ((arg->flags & WEIR_ARG_SECRET) != 0 ||
        (index == 0 && (step->component->traits & WEIR_TRAIT_SECRET_ADDRESS) != 0)) {
        wr_print_bytes(out, "***", 3);
    } else if (arg->type == WEIR_ARGTYPE_URL || arg->type == WEIR_ARGTYPE_ADDRESS ||
               (arg->type == WEIR_ARGTYPE_PATH && may_be_address(clean + value.at, len))) {
        write_address(out, clean + value.at, len, arg->type == WEIR_ARGTYPE_PATH);
    } else {
        wr_print_bytes(out, clean + value.at, len);
    }
}

static void write_chain(const struct wr_plan_reading *reading, const struct weir_chain *chain,
                        struct wr_print *out);

/* The chain of the block that begins at `at`; NULL: none. */
static struct weir_chain *block_at(const char *clean, const struct wr_plan_step *step, size_t at,
                                   size_t end, struct wr_plan_span *inside)
{
    return wr_plan_block_at(clean, at, end, inside) ? chain_at(step, *inside) : NULL;
}

/* Write the words of a step with one space between them; text in brackets is not changed. */
static void write_step(const struct wr_plan_reading *reading, const struct wr_plan_step *step,
                       struct wr_print *out)
{
    const char *clean = reading->clean;
    struct wr_plan_span inside;
    size_t end = step->where.at + step->where.len;
    for (size_t at = step->where.at; at < end;) {
        struct weir_chain *chain = block_at(clean, step, at, end, &inside);
        size_t from = at;
        wr_print_bytes(out, " ", at > step->where.at ? 1 : 0);
        if (chain != NULL) {
            wr_print_bytes(out, "{ ", 2);
            write_chain(reading, chain, out);
            wr_print_bytes(out, " }", 2);
            at = inside.at + inside.len + 1;
        }
        while (chain == NULL && at < end && !wr_plan_is_space(clean[at]) &&
               (at == from || block_at(clean, step, at, end, &inside) == NULL)) {
            at = strchr("\"`'([{", clean[at]) != NULL ? wr_plan_skip(clean, at, end) : at + 1;
        }
        if (chain == NULL) {
            write_word(out, step, (struct wr_plan_span){from, at - from}, clean);
        }
        while (at < end && wr_plan_is_space(clean[at])) {
            at++;
        }
    }
}

static void write_chain(const struct wr_plan_reading *reading, const struct weir_chain *chain,
                        struct wr_print *out)
{
    bool first = true;
    for (size_t i = 0; i < chain->count; i++) {
        if (chain->steps[i].implied) {
            continue;
        }
        wr_print_bytes(out, " | ", first ? 0 : 3);
        write_step(reading, &chain->steps[i], out);
        first = false;
    }
}

/* Make a text with `write`, in the plan's memory. It is longer than the original by a limited
 * amount: *** for a secret, the spaces around | and brackets. */
static char *write_text(struct wr_plan_reading *reading, const struct weir_chain *chain,
                        const struct wr_plan_step *step)
{
    struct wr_print out;
    wr_print_to(&out, NULL, 0);
    for (char *text = NULL;; wr_print_to(&out, text, out.len + 1)) {
        if (step != NULL) {
            write_step(reading, step, &out);
        } else {
            write_chain(reading, chain, &out);
        }
        if (text != NULL) {
            return text;
        }
        text = wr_plan_alloc(reading, out.len + 1);
        if (text == NULL) {
            return NULL;
        }
    }
}

/* Add the components of a chain as parts, in the order of the text. */
static int write_parts(struct wr_plan_reading *reading, struct weir_chain *chain, size_t depth,
                       struct wr_plan_part *parts, size_t *count)
{
    for (size_t i = 0; i < chain->count; i++) {
        struct wr_plan_step *step = &chain->steps[i];
        if (step->implied) {
            continue;
        }
        if (parts != NULL) {
            step->text = write_text(reading, NULL, step);
            if (step->text == NULL) {
                return reading->error.code;
            }
            parts[*count] = (struct wr_plan_part){step, depth};
        }
        ++*count;
        for (size_t j = 0; j < step->component->args_count; j++) {
            size_t chains_count;
            struct weir_chain *const *chains = wr_plan_chains(step, j, &chains_count);
            for (size_t k = 0; k < chains_count; k++) {
                int rc = write_parts(reading, chains[k], depth + 1, parts, count);
                if (rc != 0) {
                    return rc;
                }
            }
        }
    }
    return 0;
}

int wr_plan_texts_write(struct wr_plan_reading *reading)
{
    weir_plan *plan = reading->plan;
    size_t count = 0;
    (void)write_parts(reading, &plan->root, 0, NULL, &count);
    plan->parts = wr_plan_alloc(reading, count * sizeof *plan->parts);
    if (plan->parts == NULL ||
        write_parts(reading, &plan->root, 0, plan->parts, &plan->parts_count) != 0) {
        return reading->error.code;
    }
    plan->text = write_text(reading, &plan->root, NULL);
    return reading->error.code;
}

/* ---- properties of a plan */

static const struct wr_plan_step *first_of(const weir_plan *plan)
{
    return &plan->root.steps[0];
}

static const struct wr_plan_step *last_of(const weir_plan *plan)
{
    return &plan->root.steps[plan->root.count - 1];
}

static const struct wr_plan_part *part_at(const weir_plan *plan, size_t index)
{
    return index < plan->parts_count ? &plan->parts[index] : NULL;
}

const char *weir_plan_text(const weir_plan *plan)
{
    WR_GIVEN(plan);
    return plan->text;
}

bool weir_plan_has_source(const weir_plan *plan)
{
    WR_GIVEN(plan);
    return first_of(plan)->component->kind == WEIR_KIND_SOURCE;
}

const char *weir_plan_source(const weir_plan *plan)
{
    WR_GIVEN(plan);
    return weir_plan_has_source(plan) ? first_of(plan)->component->name : NULL;
}

const char *weir_plan_source_address(const weir_plan *plan)
{
    WR_GIVEN(plan);
    const struct wr_plan_step *step = first_of(plan);
    const char *address = NULL;
    if (!wr_plan_by_name(step->component)) {
        memcpy(&address, wr_plan_field(step, 0), sizeof address);
    }
    return address;
}

bool weir_plan_has_sink(const weir_plan *plan)
{
    WR_GIVEN(plan);
    return last_of(plan)->component->kind == WEIR_KIND_SINK;
}

bool weir_plan_writes_stdout(const weir_plan *plan)
{
    WR_GIVEN(plan);
    return !weir_plan_has_sink(plan) || wr_plan_has_scheme(last_of(plan)->component, "-", 1);
}

size_t weir_plan_count(const weir_plan *plan)
{
    WR_GIVEN(plan);
    return plan->parts_count;
}

const weir_component *weir_plan_part(const weir_plan *plan, size_t index)
{
    WR_GIVEN(plan);
    const struct wr_plan_part *part = part_at(plan, index);
    return part != NULL ? part->step->component : NULL;
}

size_t weir_plan_part_depth(const weir_plan *plan, size_t index)
{
    WR_GIVEN(plan);
    const struct wr_plan_part *part = part_at(plan, index);
    return part != NULL ? part->depth : 0;
}

const char *weir_plan_part_text(const weir_plan *plan, size_t index)
{
    WR_GIVEN(plan);
    const struct wr_plan_part *part = part_at(plan, index);
    return part != NULL ? part->step->text : NULL;
}

uint32_t weir_plan_part_traits(const weir_plan *plan, size_t index)
{
    WR_GIVEN(plan);
    const struct wr_plan_part *part = part_at(plan, index);
    return part != NULL ? wr_plan_traits(part->step) : 0;
}

const char *weir_plan_warning(const weir_plan *plan, size_t index)
{
    WR_GIVEN(plan);
    return index == 0 ? plan->warning : NULL;
}

const char *weir_plan_state_folder(const weir_plan *plan)
{
    WR_GIVEN(plan);
    return plan->state_folder;
}

const char *weir_plan_state_name(const weir_plan *plan)
{
    WR_GIVEN(plan);
    return plan->state_name;
}

int64_t weir_plan_mem_bytes(const weir_plan *plan)
{
    WR_GIVEN(plan);
    return plan->mem_bytes;
}

uint64_t weir_plan_hash(const weir_plan *plan, const weir_plan_options *options)
{
    WR_GIVEN(plan);
    /* Including the terminators, so that "a" "b" differs from "ab". */
    uint64_t hash = wr_hash(plan->text, strlen(plan->text) + 1);
    for (size_t i = 0; options != NULL && i < options->files_count; i++) {
        hash = wr_hash_add(hash, options->files[i], strlen(options->files[i]) + 1);
    }
    return plan->names != NULL ? hash + plan->names->hash : hash;
}

uint32_t weir_plan_output(const weir_plan *plan)
{
    WR_GIVEN(plan);
    const struct wr_plan_step *last = &plan->root.steps[plan->root.count - 1];
    return weir_plan_has_sink(plan) ? last->shape : plan->root.gives;
}

bool weir_plan_reads_variable(const weir_plan *plan, const char *name)
{
    WR_GIVEN(plan);
    WR_GIVEN(name);
    return wr_names_used(plan->names, name);
}
