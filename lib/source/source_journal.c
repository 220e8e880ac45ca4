/*
 * source_journal.c - the entries of the systemd journal, through journalctl.
 *
 * The program is `journalctl --output=export --follow`, read as any command is (source_exec.c). Its
 * output is cut into entries (codec_journal.c), and each one becomes a record here: the items of one
 * take are records in one block, which lives until the next take.
 *
 * A position is the cursor of an entry. A start within a run, and one with a stored position, asks
 * for what comes after the cursor. journalctl does not say whether that entry is still there, so the
 * proof is weak (flow_state.h).
 */
#include <weir/module.h>

#include <stdio.h>
#include <string.h>

#include "base_alloc.h"
#include "base_option.h"
#include "bytes_item.h"
#include "codec_journal.h"
#include "source_exec_parts.h"

enum { CURSOR_MAX = 512, FIXED_ARGS = 8 };
static const char WORD[] = "cursor";

struct journal {
    struct wr_exec_source exec;
    struct wr_texts *cursors; /* the origin's; NULL: no state */
    struct wr_fields fields;  /* of the entry that is read */
    struct weir_block *block; /* of the last records */
    const char **words;       /* the arguments that never change; ends with NULL */
    int64_t last;
    bool to_end;
    char *since;
    char cursor[CURSOR_MAX]; /* of the last entry that was given; "": none */
};

static struct journal *journal_of(struct wr_exec_source *source)
{
    return WR_OWNER(source, struct journal, exec);
}

static int no_memory(struct wr_exec_source *source)
{
    return wr_gen_fail(&source->gen, WEIR_ENOMEM, 0, -1, "no memory for the journal");
}

/* ---- the program */

/* journalctl follows without the lines before only if it is told how many there are. */
static int prepare(struct wr_exec_source *source)
{
    struct journal *self = journal_of(source);
    char from[CURSOR_MAX + 32];
    size_t count = 0, at = 0;
    while (self->words[count] != NULL) {
        count++;
    }
    const char **argv = wr_alloc((count + FIXED_ARGS) * sizeof *argv);
    if (argv == NULL) {
        return no_memory(source);
    }
    argv[at++] = "journalctl";
    argv[at++] = "--output=export";
    argv[at++] = "--no-pager";
    argv[at++] = self->to_end ? "--quiet" : "--follow";
    if (self->cursor[0] != '\0') {
        snprintf(from, sizeof from, "--after-cursor=%s", self->cursor);
        argv[at++] = "--no-tail";
    } else if (self->since != NULL) {
        snprintf(from, sizeof from, "--since=%.*s", CURSOR_MAX, self->since);
        argv[at++] = "--no-tail";
    } else {
        snprintf(from, sizeof from, "--lines=%lld", (long long)self->last);
    }
    argv[at++] = from;
    memcpy(argv + at, self->words, (count + 1) * sizeof *argv);
    wr_free((void *)(uintptr_t)source->argv);
    source->argv = wr_exec_argv(argv);
    wr_free((void *)(uintptr_t)argv);
    return source->argv != NULL ? 0 : no_memory(source);
}

static void how_it_continues(const struct wr_exec_source *source, char *to, size_t cap)
{
    const struct journal *self = WR_OWNER((uintptr_t)source, struct journal, exec);
    snprintf(to, cap, self->cursor[0] != '\0' ? "resume after entry %llu" : "from now on",
             (unsigned long long)source->gen.origin->given);
}

/* ---- the state */

static int attach(struct wr_exec_source *source)
{
    struct journal *self = journal_of(source);
    weir_error error;
    if (wr_state_attach_source(source->state, source->shown, source->gen.origin, &source->slot,
                               &error) < 0) {
        return wr_gen_fail_error(&source->gen, &error);
    }
    const char *stored = source->slot->stored;
    const char *cursor = stored != NULL ? wr_texts_read(stored, WORD) : self->cursor;
    if (cursor == NULL || strlen(cursor) >= sizeof self->cursor) {
        (void)wr_state_bad_position(source->slot, &error);
        return wr_gen_fail_error(&source->gen, &error);
    }
    if (stored != NULL) {
        snprintf(self->cursor, sizeof self->cursor, "%s", cursor);
    }
    self->cursors = wr_texts_keep(source->gen.origin, &source->gen.loop->budget, WORD,
                                  wr_text_of(self->cursor));
    if (self->cursors == NULL) {
        return no_memory(source);
    }
    wr_inbox_keep_ends(&source->inbox, NULL);
    wr_state_prove(source->slot, WR_PROOF_WEAK);
    return 0;
}

/* ---- entries become records */

static bool find_field(const struct wr_fields *fields, const char *name, weir_slice *value)
{
    size_t len = strlen(name);
    for (size_t i = 0; i < fields->count; i++) {
        if (fields->names[i].len == len && memcmp(fields->names[i].data, name, len) == 0) {
            *value = fields->values[i];
            return true;
        }
    }
    return false;
}

/* Bytes of the block for a record of `count` fields. */
static size_t record_bytes(size_t count, size_t text_len, size_t made_len)
{
    return wr_item_padded(sizeof(weir_event) + count * (2 * sizeof(weir_slice) + 1) + text_len +
                          made_len);
}

/* A slice of the text, or of what was made of it, where these have been copied to. */
static weir_slice moved(weir_slice slice, weir_slice text, const char *text_to,
                        const struct wr_fields *fields, const char *made_to)
{
    uintptr_t at = (uintptr_t)slice.data;
    if (at - (uintptr_t)text.data < text.len) {
        slice.data = text_to + (at - (uintptr_t)text.data);
    } else if (fields->made_len > 0 && at - (uintptr_t)fields->made < fields->made_len) {
        slice.data = made_to + (at - (uintptr_t)fields->made);
    } else {
        slice.data = text_to;
    }
    return slice;
}

/* The item's entry, which was read into the fields, becomes a record at the end of the block. Its
 * body is the message. */
static void build(struct weir_block *block, const struct wr_fields *fields, weir_item *item)
{
    weir_slice text = {item->data, item->len}, message = {"", 0};
    size_t count = fields->count;
    weir_event *event = (weir_event *)(void *)(block->data + block->len);
    weir_slice *values = (weir_slice *)(void *)(event + 1), *names = values + count;
    uint8_t *kinds = (uint8_t *)(names + count);
    char *text_to = (char *)kinds + count, *made_to = text_to + text.len;
    memcpy(text_to, text.data, text.len);
    if (fields->made_len > 0) {
        memcpy(made_to, fields->made, fields->made_len);
    }
    for (size_t i = 0; i < count; i++) {
        names[i] = moved(fields->names[i], text, text_to, fields, made_to);
        values[i] = moved(fields->values[i], text, text_to, fields, made_to);
        kinds[i] =
            fields->typed && fields->kinds[i] != 0 ? fields->kinds[i] : (uint8_t)WEIR_VALUE_STRING;
    }
    if (find_field(fields, "MESSAGE", &message)) {
        message = moved(message, text, text_to, fields, made_to);
    }
    *event = (weir_event){.body = message,
                          .names = names,
                          .values = values,
                          .kinds = kinds,
                          .fields_count = (uint32_t)count,
                          .kind = WEIR_EVENT_RECORD};
    block->len += (uint32_t)record_bytes(count, text.len, fields->made_len);
    item->data = (const char *)event;
    item->len = message.len;
    item->type = &weir_event_type;
    item->block = block;
}

static int keep_cursor(struct wr_exec_source *source, const weir_item *item)
{
    struct journal *self = journal_of(source);
    weir_slice cursor;
    if (!find_field(&self->fields, "__CURSOR", &cursor) || cursor.len == 0 ||
        cursor.len >= CURSOR_MAX || memchr(cursor.data, '\0', cursor.len) != NULL ||
        memchr(cursor.data, '\n', cursor.len) != NULL) {
        return 0; /* it has no position: a restart continues after the entry before it */
    }
    memcpy(self->cursor, cursor.data, cursor.len);
    self->cursor[cursor.len] = '\0';
    return self->cursors == NULL
               ? 0
               : wr_texts_add(self->cursors, wr_origin_number(source->gen.origin, item->seq),
                              wr_text_of(self->cursor));
}

/* Read the entry of an item. `rest`: the bytes of the entries after it, for a new block. */
static int read_entry(struct wr_exec_source *source, weir_item *item, size_t rest)
{
    struct journal *self = journal_of(source);
    struct wr_fields *fields = &self->fields;
    int why = 0, rc = wr_fields_begin(fields, item->len);
    rc = rc == 0 ? wr_journal_read(fields, (weir_slice){item->data, item->len}) : rc;
    rc = rc == 0 || rc == WR_FIELDS_NONE ? keep_cursor(source, item) : rc;
    if (rc < 0) {
        return rc == WEIR_EPARSE ? wr_gen_fail(&source->gen, rc, 0, -1,
                                               "an entry of the journal: %s", fields->problem)
                                 : no_memory(source);
    }
    size_t need = record_bytes(fields->count, item->len, fields->made_len);
    struct weir_block *block = self->block;
    if (block == NULL || block->cap - block->len < need) {
        /* Over the budget it is not charged: no more than what was taken is in it. */
        block = wr_block_new(&source->gen.loop->blocks, need + rest * 2, &why);
        block = block == NULL ? wr_block_new(NULL, need, &why) : block;
        if (block == NULL) {
            return no_memory(source);
        }
        block->next = self->block;
        self->block = block;
    }
    build(block, fields, item);
    return 0;
}

static void let_go(struct journal *self)
{
    while (self->block != NULL) {
        struct weir_block *block = self->block;
        self->block = block->next;
        wr_block_unref(block, 1);
    }
}

static int given(struct wr_exec_source *source, const weir_item *items, size_t count)
{
    weir_item *own = (weir_item *)(uintptr_t)items;
    size_t rest = 0;
    let_go(journal_of(source));
    for (size_t i = 0; i < count; i++) {
        rest += items[i].len;
    }
    for (size_t i = 0; i < count; i++) {
        rest -= items[i].len;
        if (read_entry(source, &own[i], rest) < 0) {
            return source->gen.failure->code;
        }
    }
    return 0;
}

static void journal_free(struct wr_exec_source *source)
{
    struct journal *self = journal_of(source);
    let_go(self);
    wr_fields_fini(&self->fields);
    wr_free((void *)(uintptr_t)self->words);
    wr_free(self->since);
}

static const struct wr_exec_kind of_the_journal = {
    .attach = attach,
    .prepare = prepare,
    .given = given,
    .how = how_it_continues,
    .first_is_final = true,
    .hint =
        "to see what it says: journalctl -o export -n 1 (for the system's journal weir's user must "
        "be in the group systemd-journal)",
    .hint_not_found = "it is a part of systemd: weir runs it from PATH",
    .free = journal_free};

/* ---- making */

/* The arguments that never change, in `words`; their texts are in `texts`, one after another. */
static bool choose(struct journal *self, const weir_journal_options *o)
{
    size_t count = o->units_count + o->matches_count + 2, len = 1, at = 0;
    for (size_t i = 0; i < o->units_count; i++) {
        len += strlen(o->units[i]) + sizeof "--unit=";
    }
    const char **words = wr_alloc(count * sizeof *words);
    char *texts = wr_alloc(len), *to = texts;
    for (size_t i = 0; words != NULL && texts != NULL && i < o->units_count; i++) {
        int n = sprintf(to, "--unit=%s", o->units[i]);
        words[at++] = to;
        to += n + 1;
    }
    for (size_t i = 0; words != NULL && i < o->matches_count; i++) {
        words[at++] = o->matches[i];
    }
    if (words != NULL && texts != NULL) {
        words[at] = NULL;
        self->words = wr_exec_argv(words);
    }
    self->since = wr_strdup(o->since);
    wr_free((void *)(uintptr_t)words);
    wr_free(texts);
    return self->words != NULL && (o->since == NULL || self->since != NULL);
}

/* "journal unit=a _UID=0": what it reads, for messages and the state. */
static char *name_of(const weir_journal_options *o)
{
    size_t len = sizeof "journal";
    for (size_t i = 0; i < o->units_count; i++) {
        len += strlen(o->units[i]) + sizeof " unit=";
    }
    for (size_t i = 0; i < o->matches_count; i++) {
        len += strlen(o->matches[i]) + 1;
    }
    char *name = wr_alloc(len);
    size_t at = name != NULL ? (size_t)snprintf(name, len, "journal") : 0;
    for (size_t i = 0; name != NULL && i < o->units_count; i++) {
        at += (size_t)snprintf(name + at, len - at, " unit=%s", o->units[i]);
    }
    for (size_t i = 0; name != NULL && i < o->matches_count; i++) {
        at += (size_t)snprintf(name + at, len - at, " %s", o->matches[i]);
    }
    return name;
}

/* NAME=VALUE, so that it is no option of journalctl's. */
static bool is_match(const char *match)
{
    const char *equals = strchr(match, '=');
    return match[0] != '-' && match[0] != '/' && equals != NULL && equals != match;
}

static bool options_wrong(weir_error *error, const weir_journal_options *o)
{
    for (size_t i = 0; i < o->matches_count; i++) {
        if (!is_match(o->matches[i])) {
            wr_error_set(error, WEIR_EINVAL, 0, "journal", "'%s' is no match: NAME=VALUE",
                         o->matches[i]);
            return true;
        }
    }
    if (o->cursor != NULL && strlen(o->cursor) >= CURSOR_MAX) {
        wr_error_set(error, WEIR_EINVAL, 0, "journal", "the cursor is too long");
        return true;
    }
    return wr_choice_wrong(error, "journal", "last_entries", o->last_entries, INT32_MAX);
}

weir_gen *weir_journal_entries(weir_scope *scope, const weir_journal_options *options)
{
    weir_journal_options o = WEIR_ZERO;
    weir_error error;
    if (options != NULL) {
        WR_TAKE_OPTIONS(o, options);
    }
    WR_COPIED_GIVEN(o.units, o.units_count);
    WR_COPIED_GIVEN(o.matches, o.matches_count);
    const weir_framing framing = {
        .kind = WR_FRAME_JOURNAL, .overlong = o.overlong, .item_bytes_max = o.entry_bytes_max};
    const weir_exec_options exec = {.struct_size = sizeof exec,
                                    .line_bytes_max = o.entry_bytes_max,
                                    .overlong = o.overlong,
                                    .restart = o.to_end != 0 ? WEIR_RESTART_ON_FAILURE
                                                             : WEIR_RESTART_ALWAYS,
                                    .retries = o.retries,
                                    .state = o.state};
    char *name = name_of(&o);
    struct wr_exec_source *source =
        name != NULL ? wr_exec_source_alloc(scope, "journal", &of_the_journal,
                                            sizeof(struct journal), NULL, name, &framing, &exec)
                     : NULL;
    wr_free(name);
    if (source == NULL) {
        return wr_gen_made(NULL, NULL);
    }
    struct journal *self = journal_of(source);
    self->last = o.last_entries;
    self->to_end = o.to_end != 0;
    if (o.cursor != NULL && strlen(o.cursor) < sizeof self->cursor) {
        snprintf(self->cursor, sizeof self->cursor, "%s", o.cursor);
    }
    if (options_wrong(&error, &o)) {
        wr_gen_fail_error(&source->gen, &error);
    } else if (!choose(self, &o) || source->shown == NULL) {
        (void)no_memory(source);
    } else if (o.state != NULL) {
        (void)wr_state_expect_source(o.state, source->shown, NULL);
    }
    return wr_gen_made(&source->gen, NULL);
}

/* ---- the component */

struct journal_args {
    weir_texts units, matches;
    const char *since;
    int64_t last, retries;
};

static int journal_check(const weir_opening *opening, const void *args, weir_mistake *mistake)
{
    const struct journal_args *a = args;
    (void)opening;
    for (size_t i = 0; i < a->matches.count; i++) {
        if (!is_match(a->matches.list[i])) {
            (void)weir_mistake_at(mistake, "match", "this is no match");
            return weir_mistake_hint(mistake, "as in match=_UID=0");
        }
    }
    return 0;
}

/* Where a first run begins, instead of what the arguments say. */
static void begin(const weir_begin *begin, weir_journal_options *options, char since[48])
{
    int64_t us = begin->kind == WEIR_BEGIN_TIME ? begin->number / 1000 : 0;
    options->since = begin->kind == WEIR_BEGIN_END ? NULL : since;
    options->last_entries = begin->kind == WEIR_BEGIN_END ? 0 : options->last_entries;
    options->cursor = begin->kind == WEIR_BEGIN_ID ? begin->id : NULL;
    snprintf(since, 48, "@%lld.%06lld", (long long)(us / 1000000), (long long)(us % 1000000));
}

static weir_gen *journal_open(const weir_opening *opening, weir_gen *up, const void *args)
{
    const struct journal_args *a = args;
    char since[48];
    weir_journal_options options = {.struct_size = sizeof options,
                                    .units = a->units.list,
                                    .units_count = a->units.count,
                                    .matches = a->matches.list,
                                    .matches_count = a->matches.count,
                                    .since = a->since,
                                    .last_entries = (int32_t)a->last,
                                    .retries = (int32_t)a->retries,
                                    .overlong = opening->strict ? WEIR_LONG_FAILS : WEIR_LONG_SKIP,
                                    .state = opening->state,
                                    .to_end = opening->to_end};
    (void)up;
    if (opening->begin != NULL) {
        begin(opening->begin, &options, since);
    }
    return weir_journal_entries(opening->scope, &options);
}

static const weir_arg journal_args[] = {
    WEIR_ARG_TEXTS(struct journal_args, units, WEIR_ARGTYPE_TEXT, 0, .name = "unit",
                   .form = WEIR_FORM_NAMED, .help = "of a unit of systemd, as for journalctl -u"),
    WEIR_ARG_TEXTS(struct journal_args, matches, WEIR_ARGTYPE_TEXT, 0, .name = "match",
                   .form = WEIR_FORM_NAMED, .help = "with this value of a field, NAME=VALUE"),
    WEIR_ARG_TEXT(struct journal_args, since, .name = "since", .form = WEIR_FORM_NAMED,
                  .help = "where a first run begins, as for journalctl -S: \"-10min\", yesterday"),
    WEIR_ARG_COUNT(struct journal_args, last, .name = "last", .form = WEIR_FORM_NAMED, .min = 0,
                   .max = 1000000, .preset = "0",
                   .help = "without since: how many entries before now it begins with"),
    WEIR_ARG_COUNT(struct journal_args, retries, .name = "retries", .form = WEIR_FORM_NAMED,
                   .min = 1, .max = 1000000,
                   .help = "restarts of journalctl in a row without a new entry; else no limit"),
};

const weir_component wr_component_journal = {
    .struct_size = sizeof wr_component_journal,
    .name = "journal",
    .kind = WEIR_KIND_SOURCE,
    .gives = WEIR_SHAPE_RECORD,
    .traits = WEIR_TRAIT_IO | WEIR_TRAIT_RESUMES | WEIR_TRAIT_ENDLESS,
    .args = journal_args,
    .args_count = sizeof journal_args / sizeof journal_args[0],
    .args_size = sizeof(struct journal_args),
    .help =
        "The entries of the systemd journal, through journalctl: records with its fields, whose "
        "text is MESSAGE.",
    .example = "journal unit=sshd since=yesterday | where .PRIORITY <= 4 | ndjson",
    .begins =
        WEIR_BEGIN_BEGINNING | WEIR_BEGIN_END | WEIR_BEGIN_ID | WEIR_BEGIN_TIME | WEIR_BEGIN_STOPS,
    .on_break = "journalctl is started again after the last entry",
    .check = journal_check,
    .open = journal_open,
};
