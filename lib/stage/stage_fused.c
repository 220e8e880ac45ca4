/*
 * stage_fused.c - stages that are expressions, run as one generator (stage_expr.h).
 *
 * Each stage is a member: a generator, with the program of its expression. The last member in a row
 * has the run, and does the work of all when it is pulled; the others pass on what they read. So
 * the pull, stopping, failures and closing go through all generators as they would if each worked by
 * itself, and what an expression does is counted and reported at the generator of its stage.
 *
 * The run pulls as many items as its reader requested, at most INPUTS_MAX, and takes one after the
 * other through the members. A member is asked for its next output when there is room for one in the
 * reader's array, and all that follow it are done with the output before. So an expression that gives
 * endlessly many is run as long as somebody reads. The items of a pull stay lent from upstream until
 * all outputs of all of them have been given: their receipts settle after that.
 *
 * A value goes to the next member as it is. Only what would not be the same after writing and
 * reading it (wr_value_keeps) is written and read again. So a value whose text would be too long is a
 * mistake only where the text is needed. An item is rejected as it reached its member. An item that all members pass on is given
 * untouched; other outputs are written into one block for each call, which is lent until the next
 * call. An output for which the block or the budget has no room waits in the memory of the run.
 *
 * What an item needs beside its bytes (tokens, the memory of the machines) counts as scratch of the
 * last member. It suspends at the pull, while it waits for the budget, and to let other tasks run.
 */
#include "stage_expr.h"

#include <stdio.h>
#include <string.h>

#include "base_alloc.h"
#include "base_error.h"
#include "bytes_block.h"
#include "bytes_item.h"
#include "flow_dead.h"

enum { INPUTS_MAX = 64, WHY_BYTES = 512 };
static const size_t machine_bytes_max = (size_t)64 << 20;

struct member {
    struct weir_gen gen;
    weir_fused *fused; /* of the last member, which owns it; NULL in the others */
    wr_program *program;
    struct wr_names *names; /* that it reads; NULL: none */
    wr_machine *run;
    enum wr_fused_gives gives;
    bool running; /* on `input` */
    bool gave;    /* ... and has given an output */
    bool as_came; /* `input` is the item, unchanged */
    bool written; /* ... or was written, and read by `again` */
    struct wr_value input;
    struct wr_item_input again; /* for an input that was written and is read again */
};

struct weir_fused {
    struct member **members;
    size_t count, room;
    size_t at; /* the member that goes on */
    struct wr_item_input input;
    struct wr_json_looks looks; /* of all members */
    uint32_t uses;              /* ... into their input: for one alone it does not pay */
    weir_item in[INPUTS_MAX];
    size_t in_at, in_count;
    size_t ahead;             /* in[.. ahead) are in the window of the input */
    struct weir_gen *filters; /* has filtered in[in_at - filtered .. in_at), which is not told */
    size_t filtered;
    bool begun;                 /* the members run on in[in_at] */
    const weir_type *type;      /* of what is given, if `makes` */
    bool makes;                 /* a member does not only test */
    bool failed;                /* a member has failed */
    bool waits;                 /* an output is not given yet: ... */
    bool as_it_came;            /* ... the item itself, or ... */
    struct wr_text_writer text; /* ... its text */
    struct weir_block *block;   /* of this call; NULL: none */
};

static struct member *last_of(const weir_fused *fused)
{
    return fused->members[fused->count - 1];
}

static int no_memory(struct member *member)
{
    return wr_gen_fail(&member->gen, WEIR_ENOMEM, 0, -1, "no memory for an expression");
}

/* ---- scratch */

static void charge_scratch(weir_fused *fused)
{
    size_t bytes = wr_item_input_bytes(&fused->input);
    for (size_t i = 0; i < fused->count; i++) {
        bytes += wr_machine_bytes(fused->members[i]->run) +
                 wr_item_input_bytes(&fused->members[i]->again);
    }
    wr_gen_scratch(&last_of(fused)->gen, bytes);
}

/* All items of the pull are done: give back what a large one has needed. */
static void release_scratch(weir_fused *fused)
{
    charge_scratch(fused);
    if (last_of(fused)->gen.scratch_charged == 0) {
        return;
    }
    wr_item_input_trim(&fused->input);
    for (size_t i = 0; i < fused->count; i++) {
        wr_machine_begin(fused->members[i]->run);
        wr_item_input_trim(&fused->members[i]->again);
    }
    charge_scratch(fused);
}

/* ---- from member to member */

static void begin(struct member *member)
{
    wr_machine_begin(member->run);
    wr_machine_clock(member->run, member->gen.loop->now_unix_ns);
}

/* 0 or a code: the member has failed. It does not run if the item was rejected. */
static int enter(weir_fused *fused, size_t at, struct wr_value input, bool as_came)
{
    struct member *member = fused->members[at];
    int rc = wr_program_reads_meta(member->program)
                 ? wr_item_input_meta(&member->gen, member->run, &fused->in[fused->in_at], as_came)
                 : 1;
    if (rc <= 0) {
        return rc;
    }
    fused->at = at;
    member->running = true;
    member->gave = false;
    member->as_came = as_came;
    member->written = false;
    member->input = input;
    wr_machine_input(member->run, input);
    return 0;
}

/* The item that runs, with another text. */
static weir_item item_of(const weir_fused *fused, const struct wr_text_writer *text)
{
    weir_item item = fused->in[fused->in_at];
    item.data = text->data;
    item.len = text->len;
    item.type = &weir_json_type;
    item.flags = 0;
    return item;
}

/* Write the input of a member that has stopped. The memory of its run may be full: of no use but for
 * *why, it is given back then. */
static struct wr_text_writer written_input(struct member *member, const char **why,
                                           char copy[WHY_BYTES])
{
    struct wr_text_writer text = {.arena = wr_machine_arena(member->run)};
    wr_write_json(&text, member->input);
    if (text.failed) {
        snprintf(copy, WHY_BYTES, "%s", *why);
        *why = copy;
        wr_machine_begin(member->run);
        text = (struct wr_text_writer){.arena = wr_machine_arena(member->run)};
        wr_write_json(&text, member->input);
    }
    return text;
}

/* Reject the input of the member that goes on, as it reached the member, and wait if the dead sink is
 * full. 0 or a code: the member has failed. */
static int reject(const weir_fused *fused, struct member *member, int code, const char *why)
{
    weir_item item = fused->in[fused->in_at];
    char copy[WHY_BYTES];
    member->running = false;
    if (member->written) {
        const struct wr_json *json = &member->again.json;
        struct wr_text_writer text = {.data = (char *)(uintptr_t)json->text, .len = json->len};
        item = item_of(fused, &text);
    } else if (!member->as_came) {
        struct wr_text_writer text = written_input(member, &why, copy);
        item = text.failed ? item : item_of(fused, &text);
    }
    int rc = wr_gen_reject(&member->gen, &item, code, why);
    return rc < 0 || fused->at == 0 ? rc : wr_dead_gate_wait(member->gen.up);
}

static int reject_long(const weir_fused *fused, struct member *member)
{
    char why[WHY_BYTES];
    if (!wr_machine_arena(member->run)->full) {
        return no_memory(member);
    }
    (void)snprintf(why, sizeof why,
                   "the output is too long: more than %zu bytes of memory (half of --mem, but at "
                   "least 256 KiB and at most 64 MiB)",
                   wr_machine_arena(member->run)->bytes_max);
    return reject(fused, member, WEIR_ETOOLONG, why);
}

/* The output of a member goes to the next one. 0 or a code: a member has failed. */
static int hand_on(weir_fused *fused, struct member *member, struct wr_value value, bool as_came)
{
    size_t at = fused->at + 1;
    struct member *next = fused->members[at];
    begin(next);
    if (!as_came && (fused->input.record || !wr_value_keeps(value))) {
        struct wr_text_writer text = {.arena = wr_machine_arena(member->run)};
        wr_write_json(&text, value);
        if (text.failed) {
            return reject_long(fused, member);
        }
        member->gen.items++;
        weir_item item = item_of(fused, &text);
        int rc = wr_item_input_read(&next->again, &next->gen, &item);
        rc = rc > 0 ? wr_item_input_value(&next->again, &next->gen, next->run, &item, &value) : rc;
        if (rc <= 0) {
            return rc < 0 ? rc : wr_dead_gate_wait(next->gen.up);
        }
        rc = enter(fused, at, value, false);
        next->written = true;
        return rc;
    }
    member->gen.items++;
    return enter(fused, at, value, as_came);
}

/* Whether the output of a member is the item, which may go on as it is. */
static bool is_item(const weir_fused *fused, const struct member *member, struct wr_value output)
{
    const weir_item *item = &fused->in[fused->in_at];
    return member->as_came &&
           (member->gives == WR_FUSED_TEST ||
            (output.kind >= WR_JSON_ARRAY && output.form == WR_FORM_NODE &&
             output.as.json == &fused->input.json && output.len == WR_JSON_ROOT &&
             (item->type == NULL || item->type == &weir_json_type) &&
             memchr(item->data, '\n', item->len) == NULL));
}

/* Keep the output of the last member until it has been given, or reject its input. 0 or a code: it
 * has failed. */
static int keep_output(weir_fused *fused, struct member *member, struct wr_value output)
{
    bool string = member->gives == WR_FUSED_STRINGS && output.kind == WR_JSON_STRING;
    fused->as_it_came = !string && is_item(fused, member, output);
    fused->text = (struct wr_text_writer){.arena = wr_machine_arena(member->run)};
    if (string) {
        wr_write_bytes(&fused->text, output.as.text, output.len);
    } else if (!fused->as_it_came) {
        wr_write_json(&fused->text, output);
    }
    if (fused->text.failed) {
        return reject_long(fused, member);
    }
    fused->waits = true;
    return 0;
}

/* A member has an output. 0 or a code: a member has failed. */
static int take_output(weir_fused *fused, struct member *member, struct wr_value output)
{
    if (member->gives == WR_FUSED_TEST) {
        if (!wr_value_true(output)) {
            return 0;
        }
        output = member->input;
        member->running = false;
    }
    member->gave = true;
    return fused->at + 1 == fused->count
               ? keep_output(fused, member, output)
               : hand_on(fused, member, output, is_item(fused, member, output));
}

/* Let other tasks run, if this one has run for long. 0 or a code: a member has failed. */
static int take_turn(weir_fused *fused)
{
    struct weir_gen *gen = &last_of(fused)->gen;
    int rc = wr_turn(gen->loop, &gen->object);
    return rc < 0 ? wr_gen_fail(gen, rc, 0, -1, "%s", wr_code_text(rc)) : 0;
}

/* Let the member that goes on do one pull of its program. 0 or a code: a member has failed. */
static int step(weir_fused *fused)
{
    struct member *member = fused->members[fused->at];
    struct wr_value output;
    switch (wr_machine_next(member->run, &output)) {
    case WR_MACHINE_OUTPUT: return take_output(fused, member, output);
    case WR_MACHINE_END:
        member->running = false;
        if (!member->gave) {
            wr_gen_filter(&member->gen, &fused->in[fused->in_at], 1);
        }
        return 0;
    case WR_MACHINE_BUSY: charge_scratch(fused); return take_turn(fused);
    case WR_MACHINE_FAILED:
    case WR_MACHINE_LIMIT: return reject(fused, member, WEIR_EPARSE, wr_machine_error(member->run));
    case WR_MACHINE_NO_MEMORY: break;
    }
    return no_memory(member);
}

/* Items that one member has filtered one after another are told together. */
static void tell_filtered(weir_fused *fused)
{
    if (fused->filtered > 0) {
        wr_gen_filter(fused->filters, &fused->in[fused->in_at - fused->filtered], fused->filtered);
        fused->filtered = 0;
    }
}

static void filter(weir_fused *fused, struct weir_gen *by)
{
    if (fused->filters != by) {
        tell_filtered(fused);
        fused->filters = by;
    }
    fused->filtered++;
    fused->in_at++;
}

/* What the first members tell of in[in_at] without a run. */
enum told { TOLD_FILTERED, TOLD_PASSED, TOLD_UNKNOWN };

/* Sets `at` to the member to go on with, if that is not known. */
static enum told test(weir_fused *fused, size_t *at)
{
    *at = 0;
    for (;
         *at < fused->count && fused->members[*at]->gives == WR_FUSED_TEST && !fused->input.record;
         ++*at) {
        struct weir_gen *gen = &fused->members[*at]->gen;
        enum wr_tested tested = wr_program_test(fused->members[*at]->program, &fused->input.json);
        if (tested == WR_TEST_UNKNOWN) {
            return TOLD_UNKNOWN;
        }
        if (tested == WR_TEST_FALSE) {
            filter(fused, gen);
            return TOLD_FILTERED;
        }
        gen->items += *at + 1 < fused->count; /* what the last one gives is counted by the pull */
    }
    return *at < fused->count ? TOLD_UNKNOWN : TOLD_PASSED;
}

/* Read in[in_at]. 1; 0: it is rejected; negative: a member has failed. */
static int read_item(weir_fused *fused)
{
    struct weir_gen *first = &fused->members[0]->gen;
    const weir_item *item = &fused->in[fused->in_at];
    if (fused->in_at >= fused->ahead && fused->input.shared == NULL) {
        fused->ahead =
            fused->in_at + wr_item_input_ahead(&fused->input, item, fused->in_count - fused->in_at);
    }
    if (fused->in_at >= fused->ahead) {
        tell_filtered(fused);
        return wr_item_input_read(&fused->input, first, item);
    }
    fused->input.record = false;
    int rc = wr_json_index_next(&fused->input.json, item->data, item->len);
    if (WR_LIKELY(rc == 0)) {
        return 1;
    }
    tell_filtered(fused);
    return wr_item_input_refuse(&fused->input, first, item, (weir_slice){item->data, item->len},
                                rc);
}

/* Begin with in[in_at]. 0 or a code: a member has failed. */
static int begin_item(weir_fused *fused)
{
    struct wr_value value;
    size_t at;
    int rc = read_item(fused);
    if (rc <= 0) {
        fused->in_at += rc == 0;
        return rc;
    }
    enum told told = test(fused, &at);
    if (told == TOLD_FILTERED) {
        return 0;
    }
    fused->begun = true;
    fused->at = 0;
    if (told == TOLD_PASSED) {
        fused->waits = fused->as_it_came = true;
        return 0;
    }
    struct member *member = fused->members[at];
    tell_filtered(fused);
    begin(member);
    rc = wr_item_input_value(&fused->input, &member->gen, member->run, &fused->in[fused->in_at],
                             &value);
    return rc <= 0 ? rc : enter(fused, at, value, true);
}

/* Run until there is an output or all items of the pull are done. 0 or a code: a member has
 * failed. */
static int run(weir_fused *fused)
{
    int rc = 0;
    while (rc == 0 && !fused->waits && fused->in_at < fused->in_count) {
        if (!fused->begun) {
            rc = begin_item(fused);
        } else if (fused->members[fused->at]->running) {
            rc = step(fused);
        } else if (fused->at > 0) {
            /* A member may have any number of outputs that come to nothing. */
            fused->at--;
            rc = take_turn(fused);
        } else {
            fused->begun = false;
            fused->in_at++;
        }
    }
    tell_filtered(fused);
    fused->failed = rc < 0;
    return rc;
}

/* ---- outputs */

static void let_go(weir_fused *fused)
{
    if (fused->block != NULL) {
        wr_block_unref(fused->block, 1);
        fused->block = NULL;
    }
}

/* Make room for the text that waits. 1; 0: there is none in this call; negative: gen has failed. */
static int reserve(weir_fused *fused, struct weir_gen *gen, size_t need, size_t given)
{
    int why = 0;
    if (fused->block != NULL) {
        return fused->block->cap - fused->block->len >= need;
    }
    size_t left = fused->in_count - fused->in_at;
    size_t all = left > 1 ? need / 8 * 9 * left : need; /* some are longer */
    while ((fused->block = wr_block_new(&gen->loop->blocks,
                                        WR_MAX(need, WR_MIN(all, (size_t)WR_BLOCK_BYTES)), &why)) ==
           NULL) {
        if (why != WEIR_EBUDGET) {
            return wr_gen_fail(gen, why, 0, -1, "no memory for a value");
        }
        if (all > need) {
            all = need;
            continue;
        }
        if (given > 0) {
            return 0;
        }
        charge_scratch(fused);
        why = wr_budget_wait(gen->loop, &gen->object);
        if (why < 0) {
            return why == WEIR_EBUDGET ? wr_gen_fail_starved(gen, -1)
                                       : wr_gen_fail(gen, why, 0, -1, "%s", wr_code_text(why));
        }
    }
    return 1;
}

/* Give the output that waits. 1; 0: not in this call; negative: gen has failed. */
static int give(weir_fused *fused, struct weir_gen *gen, weir_item *to, size_t given)
{
    const weir_item *item = &fused->in[fused->in_at];
    if (!fused->as_it_came) {
        size_t need = wr_item_padded(fused->text.len);
        int rc = reserve(fused, gen, need, given);
        if (rc <= 0) {
            return rc;
        }
        struct weir_block *block = fused->block;
        char *bytes = block->data + block->len;
        memcpy(bytes, fused->text.data, fused->text.len);
        block->len += (uint32_t)need;
        block->time_ns = item->time_ns;
        *to = *item;
        to->data = bytes;
        to->len = fused->text.len;
        to->block = block;
        to->flags = 0;
    } else {
        *to = *item;
    }
    to->type = fused->makes ? fused->type : to->type;
    fused->waits = false;
    return 1;
}

static size_t give_many(weir_fused *fused, struct weir_gen *gen, weir_item *items, size_t max)
{
    size_t given = 0;
    let_go(fused);
    if (fused->in_at < fused->in_count && !fused->failed) { /* this call may pull nothing */
        fused->failed = take_turn(fused) < 0;
    }
    while (given < max) {
        if (fused->failed || run(fused) < 0) {
            /* A pull that reaches the member that has failed ends the generators behind it. */
            return given > 0 || gen->failure != NULL ? given : wr_pull(gen->up, items, 1);
        }
        if (fused->waits) {
            int rc = give(fused, gen, &items[given], given);
            if (rc <= 0) {
                return given;
            }
            given++;
            continue;
        }
        if (given > 0) {
            return given;
        }
        if (fused->in_count > 0) {
            release_scratch(fused);
        }
        fused->in_at = fused->ahead = 0;
        fused->in_count = wr_pull(gen->up, fused->in, WR_MIN(max, (size_t)INPUTS_MAX));
        if (fused->in_count == 0) {
            return 0;
        }
        fused->input.shared = wr_gen_json(fused->members[0]->gen.up);
    }
    return given;
}

static size_t fused_next_many(struct weir_gen *gen, weir_item *items, size_t max)
{
    weir_fused *fused = WR_OWNER(gen, struct member, gen)->fused;
    if (fused == NULL) { /* what it gives is counted by the run */
        size_t n = wr_pull(gen->up, items, max);
        gen->items -= n;
        return n;
    }
    size_t given = give_many(fused, gen, items, max);
    if (given > 0) {
        charge_scratch(fused);
    }
    return given;
}

/* ---- opening and closing */

static void fused_free(weir_fused *fused)
{
    if (fused != NULL) {
        let_go(fused);
        wr_item_input_fini(&fused->input);
        wr_free(fused->members);
        wr_free(fused);
    }
}

static void fused_close(struct weir_gen *gen)
{
    struct member *member = WR_OWNER(gen, struct member, gen);
    fused_free(member->fused);
    member->fused = NULL;
    wr_machine_free(member->run);
    wr_program_free(member->program);
    wr_names_unref(member->names);
    wr_item_input_fini(&member->again);
    member->run = NULL;
    member->program = NULL;
    member->names = NULL;
}

static const struct wr_gen_ops fused_ops = {
    .kind = "expression", .next_many = fused_next_many, .close = fused_close};

int wr_fused_expr(weir_fused *fused, const weir_opening *opening, const char *text,
                  enum wr_fused_gives gives)
{
    struct member *member = last_of(fused);
    struct wr_expr_read read = {.code = WEIR_ENOMEM};
    member->gives = gives;
    member->names = wr_names_ref(opening->names);
    if (gives != WR_FUSED_TEST) {
        fused->makes = true;
        fused->type = gives == WR_FUSED_VALUES ? &weir_json_type : NULL;
    }
    member->program = wr_item_expr_compile(text, member->names, &read);
    if (member->program == NULL && read.code != WEIR_ENOMEM) { /* in a program: no check was made */
        return wr_gen_fail(&member->gen, WEIR_EPARSE, 0, (int64_t)read.error_at, "%s%s%s",
                           read.message, read.hint[0] != '\0' ? "; " : "", read.hint);
    }
    if (member->program == NULL) {
        return no_memory(member);
    }
    fused->uses += wr_program_look(member->program, &fused->looks);
    fused->input.json.looks = fused->uses > 1 ? &fused->looks : NULL;
    struct wr_machine_options options = {
        .bytes_max = WR_MIN(wr_gen_scratch_max(&member->gen), machine_bytes_max)};
    member->run = wr_machine_new(member->program, &options);
    return member->run != NULL ? 0 : no_memory(member);
}

int wr_fused_made(weir_fused *fused, const weir_opening *opening, struct wr_made_expr made,
                  enum wr_fused_gives gives)
{
    int rc = made.text != NULL ? wr_fused_expr(fused, opening, made.text, gives)
                               : no_memory(last_of(fused));
    wr_free(made.text);
    return rc;
}

static weir_fused *fused_new(size_t scratch_max)
{
    weir_fused *fused = wr_zalloc(sizeof *fused);
    if (fused != NULL) {
        wr_item_input_init(&fused->input, scratch_max);
    }
    return fused;
}

/* Open a member at the end of the row that `before` ends; NULL: it is the first. */
static struct weir_gen *open_member(const weir_opening *opening, struct weir_gen *up,
                                    struct member *before, const char *name, wr_compile *compile,
                                    const void *args)
{
    struct member *member = wr_stage_alloc(up, sizeof *member, &fused_ops, name);
    if (member == NULL) {
        return wr_gen_made(NULL, up);
    }
    size_t scratch_max = wr_gen_scratch_max(&member->gen);
    wr_item_input_init(&member->again, scratch_max);
    member->fused = before != NULL ? before->fused : fused_new(scratch_max);
    weir_fused *fused = member->fused;
    if (fused == NULL ||
        !wr_grow(&fused->members, sizeof *fused->members, fused->count, &fused->room)) {
        member->fused = before != NULL ? NULL : fused;
        (void)no_memory(member);
        return wr_gen_made(&member->gen, up);
    }
    if (before != NULL) {
        before->fused = NULL;
    }
    fused->members[fused->count++] = member;
    (void)compile(fused, opening, args);
    return wr_gen_made(&member->gen, up);
}

struct weir_gen *wr_fused_open(const weir_opening *opening, struct weir_gen *up, const char *name,
                               wr_compile *compile, const void *args)
{
    return open_member(opening, up, NULL, name, compile, args);
}

struct weir_gen *wr_fused_join(const weir_opening *opening, struct weir_gen *up, const char *name,
                               wr_compile *compile, const void *args)
{
    struct weir_gen *before = wr_dead_gate_reads(up);
    struct member *member = before->ops == &fused_ops ? WR_OWNER(before, struct member, gen) : NULL;
    bool joins = member != NULL && member->fused != NULL && member->gives != WR_FUSED_STRINGS;
    return open_member(opening, up, joins ? member : NULL, name, compile, args);
}
