/*
 * source_tail.c - the lines of files that grow, over their rotations.
 *
 * source_tail_find.c knows which files there are, source_tail_file.c reads one of them. Here is
 * whose turn it is. A file keeps its turn until the bytes in memory are given, so each gives about
 * one block when several have more. A file that was rotated away comes before all others until its
 * end was reached once: its lines are older than those of its successor.
 *
 * When no file has more, the pull waits for a hint (loop_notify.h), at most until the next look.
 * Hints may be lost, and a look finds what they would have said. With a state each file has a slot,
 * and one slot says that a run has begun: in a later run a file without a slot is new, and is read
 * from its start. A file that comes in the middle of a run is saved before its first line is given,
 * because it may have another name at the next start.
 *
 * Between two suspensions of a pull nothing is lent.
 */
#include <weir/module.h>

#include <stdio.h>
#include <string.h>

#include "base_alloc.h"
#include "base_option.h"
#include "base_print.h"
#include "source_opening.h"
#include "source_tail.h"

enum { ROTATE_WAIT_MS = 5000 };
static const int64_t LAST_MAX = 1000000;

static struct wr_tail *tail_of(const struct weir_gen *gen)
{
    return WR_OWNER((uintptr_t)gen, struct wr_tail, gen);
}

bool wr_tail_others_wait(const struct wr_tail *tail, const struct wr_tail_file *file)
{
    for (size_t i = 0; i < tail->files_count; i++) {
        if (tail->files[i] != file && tail->files[i]->more) {
            return true;
        }
    }
    return false;
}

static bool left_before(const struct wr_tail_file *a, const struct wr_tail_file *b)
{
    return a->left_ns != b->left_ns ? a->left_ns < b->left_ns : a->made_ns < b->made_ns;
}

/* The file whose turn it is; NULL: none has more. */
static struct wr_tail_file *choose(struct wr_tail *tail)
{
    struct wr_tail_file *chosen = tail->current;
    size_t count = tail->files_count;
    if (chosen != NULL) {
        return chosen;
    }
    for (size_t i = 0; i < count; i++) {
        struct wr_tail_file *file = tail->files[i];
        if (file->gone && !file->drained && file->more &&
            (chosen == NULL || left_before(file, chosen))) {
            chosen = file;
        }
    }
    for (size_t i = 0; i < count && chosen == NULL; i++) {
        size_t at = (tail->turn + i) % count;
        if (tail->files[at]->more) {
            chosen = tail->files[at];
            tail->turn = at + 1;
        }
    }
    if (chosen != NULL) {
        chosen->gave = false;
    }
    return chosen;
}

static bool must_look(const struct wr_tail *tail)
{
    int64_t now_ns = wr_now_ns(tail->gen.loop);
    return now_ns >= tail->look_ns || (tail->look && now_ns >= tail->look_soonest_ns);
}

/* Wait for hints. False: stopped, or failed. */
static bool wait(struct wr_tail *tail)
{
    static const char why[] = "more lines in the files";
    struct weir_gen *gen = &tail->gen;
    int64_t until_ns = tail->look ? tail->look_soonest_ns : tail->look_ns;
    int64_t left_ms = WR_MAX((until_ns - wr_now_ns(gen->loop) + 999999) / 1000000, INT64_C(1));
    int rc = tail->notify != NULL ? wr_notify_wait(tail->notify, left_ms, why, &gen->object)
                                  : wr_sleep(gen->loop, left_ms, why, &gen->object);
    if (gen->stopping) {
        return false;
    }
    if (rc < 0 && rc != WEIR_ETIMEDOUT) {
        wr_gen_fail(gen, rc, 0, -1, "%s", wr_code_text(rc));
        return false;
    }
    return true;
}

/* The record must name a file before its first line is given. If it cannot be saved, the state has
 * logged it, and tries again. */
static void save(struct wr_tail *tail)
{
    weir_error error;
    tail->unsaved = false;
    (void)wr_state_save_start(tail->state, &error);
}

static void over_loan(struct wr_tail *tail)
{
    if (tail->lent != NULL) {
        wr_inbox_over_loan(&tail->lent->inbox, tail->lent->origin);
        tail->lent = NULL;
    }
}

/* With to_end, when no file has more in memory or by a hint: has one grown all the same? Else what is
 * left is unfinished lines. */
static bool has_more(struct wr_tail *tail)
{
    struct wr_log *log = &tail->gen.loop->log;
    const struct wr_disk *disk = tail->gen.loop->disk;
    if (tail->ends) {
        for (size_t i = 0; i < tail->files_count; i++) {
            const struct wr_tail_file *file = tail->files[i];
            struct stat info;
            bool known = file->packed == NULL && disk->stat(file->fd, &info) == 0;
            int64_t left = known ? info.st_size - (int64_t)file->inbox.given_end : 0;
            if (left > 0) {
                wr_log(log, WR_LOG_INFO, "tail",
                       "'%s' ends inside a line: its last %llu bytes are not given", file->path,
                       (unsigned long long)left);
            }
        }
        return false;
    }
    tail->ends = tail->look = true; /* one look more */
    tail->look_ns = tail->look_soonest_ns = 0;
    return true;
}

static size_t tail_next_many(struct weir_gen *gen, weir_item *items, size_t max)
{
    struct wr_tail *tail = tail_of(gen);
    over_loan(tail);
    if (!tail->opened) {
        tail->opened = true;
        if (wr_tail_find_first(tail) < 0) {
            return 0;
        }
    }
    while (!gen->stopping && gen->failure == NULL) {
        if (tail->state != NULL) {
            wr_state_pulled(tail->state);
        }
        if (tail->notify != NULL) {
            wr_notify_read(tail->notify, wr_tail_hint, tail);
        }
        if (must_look(tail) && wr_tail_look(tail) < 0) {
            return 0;
        }
        if (tail->unsaved) {
            save(tail);
            continue;
        }
        struct wr_tail_file *file = choose(tail);
        size_t n = file != NULL ? wr_tail_file_take(tail, file, items, max) : 0;
        if (n > 0) {
            tail->lent = file;
            return n;
        }
        if (file == NULL && (tail->to_end ? !has_more(tail) : !wait(tail))) {
            return 0;
        }
    }
    return 0;
}

static void tail_close(struct weir_gen *gen)
{
    struct wr_tail *tail = tail_of(gen);
    over_loan(tail);
    while (tail->files_count > 0) {
        wr_tail_file_free(tail, tail->files[tail->files_count - 1], false);
    }
    wr_free(tail->files);
    tail->files = NULL;
    wr_tail_forget_missed(tail);
    wr_free(tail->seen);
    tail->seen = NULL;
    wr_free(tail->keys);
    tail->keys = NULL;
    if (tail->begun != NULL) {
        wr_state_detach_source(tail->begun, false);
        tail->begun = NULL;
    }
    wr_tail_forget_troubles(tail);
    wr_notify_free(tail->notify);
    tail->notify = NULL;
}

static void tail_stop(struct weir_gen *gen)
{
    (void)wr_object_abort(&gen->object, WEIR_ECLOSED);
}

static void tail_free(struct weir_gen *gen)
{
    struct wr_tail *tail = tail_of(gen);
    for (size_t i = 0; i < tail->paths_count; i++) {
        wr_free(tail->paths[i]);
    }
    wr_free(tail->paths);
    wr_free(tail->name);
}

static int64_t tail_held(const struct weir_gen *gen, uint32_t mark)
{
    const struct wr_tail *tail = tail_of(gen);
    return tail->current != NULL ? wr_inbox_held(&tail->current->inbox, mark) : 0;
}

static bool tail_frame(struct weir_gen *gen, const weir_framing *framing)
{
    struct wr_tail *tail = tail_of(gen);
    bool raw = tail->framing.kind == WEIR_FRAME_NONE;
    tail->framing = raw ? *framing : tail->framing;
    return raw;
}

/* How many items the files of earlier runs have given is not known: some are gone. */
static bool tail_given_before(const struct weir_gen *gen, uint64_t *count)
{
    (void)gen;
    (void)count;
    return false;
}

static size_t tail_label(const struct weir_gen *gen, char *text, size_t cap)
{
    const struct wr_tail *tail = tail_of(gen);
    struct wr_print print;
    wr_print_to(&print, text, cap);
    wr_print_string(&print, tail->name != NULL ? tail->name : "tail");
    return print.len;
}

static const struct wr_gen_ops tail_ops = {.kind = "tail",
                                           .label = tail_label,
                                           .next_many = tail_next_many,
                                           .close = tail_close,
                                           .stop = tail_stop,
                                           .free = tail_free,
                                           .held = tail_held,
                                           .frame = tail_frame,
                                           .given_before = tail_given_before,
                                           .begins_again = wr_gen_begins_once,
                                           .is_source = true};

/* ---- making */

/* "tail PATH ...". False: no memory. */
static bool take_paths(struct wr_tail *tail, const char *const *paths, size_t count)
{
    size_t len = sizeof "tail";
    tail->paths = wr_zalloc((count + 1) * sizeof *tail->paths);
    for (; tail->paths != NULL && tail->paths_count < count; tail->paths_count++) {
        const char *path = paths[tail->paths_count];
        tail->paths[tail->paths_count] = wr_strdup(path);
        if (tail->paths[tail->paths_count] == NULL) {
            return false;
        }
        len += 1 + strlen(path);
    }
    tail->name = tail->paths != NULL ? wr_alloc(len) : NULL;
    if (tail->name == NULL) {
        return false;
    }
    size_t at = (size_t)snprintf(tail->name, len, "tail");
    for (size_t i = 0; i < count; i++) {
        at += (size_t)snprintf(tail->name + at, len - at, " %s", paths[i]);
    }
    return true;
}

static bool options_wrong(weir_error *error, const weir_tail_options *options)
{
    return wr_limit_wrong(error, "tail", "line_bytes_max", options->line_bytes_max) ||
           wr_choice_wrong(error, "tail", "overlong", options->overlong, WEIR_LONG_FAILS) ||
           wr_choice_wrong(error, "tail", "from", options->from, WEIR_TAIL_START) ||
           wr_limit_wrong(error, "tail", "rotate_wait_ms", options->rotate_wait_ms) ||
           wr_choice_wrong(error, "tail", "last_lines", options->last_lines, LAST_MAX);
}

static weir_gen *tail_make(weir_scope *scope, const char *const *paths, size_t count,
                           const weir_tail_options *options, int32_t frame)
{
    weir_error error;
    weir_tail_options o = WEIR_ZERO;
    if (options != NULL) {
        WR_TAKE_OPTIONS(o, options);
    }
    WR_COPIED_GIVEN(paths, count);
    struct wr_tail *tail = wr_gen_alloc(scope, sizeof *tail, &tail_ops, "tail");
    if (tail == NULL) {
        return wr_gen_made(NULL, NULL);
    }
    tail->framing =
        (weir_framing){.kind = frame, .overlong = o.overlong, .item_bytes_max = o.line_bytes_max};
    tail->state = o.state;
    tail->from = o.from;
    tail->to_end = o.to_end != 0;
    tail->last = o.last_lines;
    tail->rotate_wait_ns = (o.rotate_wait_ms > 0    ? WR_MIN(o.rotate_wait_ms, INT64_C(1) << 40)
                            : o.rotate_wait_ms == 0 ? ROTATE_WAIT_MS
                                                    : 0) *
                           1000000;
    if (count == 0) {
        wr_gen_fail(&tail->gen, WEIR_EINVAL, 0, -1, "a tail needs a path");
    } else if (options_wrong(&error, &o)) {
        wr_gen_fail_error(&tail->gen, &error);
    } else if (!take_paths(tail, paths, count)) {
        wr_gen_fail(&tail->gen, WEIR_ENOMEM, 0, -1, "no memory for paths");
    } else if (tail->state != NULL) {
        (void)wr_state_expect_source(tail->state, tail->name, NULL);
    }
    return wr_gen_made(&tail->gen, NULL);
}

weir_gen *weir_tail_lines(weir_scope *scope, const char *const *paths, size_t count,
                          const weir_tail_options *options)
{
    return tail_make(scope, paths, count, options, WEIR_FRAME_LINES);
}

weir_gen *weir_tail_bytes(weir_scope *scope, const char *const *paths, size_t count,
                          const weir_tail_options *options)
{
    return tail_make(scope, paths, count, options, WEIR_FRAME_NONE);
}

/* ---- the component */

struct tail_args {
    weir_texts paths;
    int32_t from;
    int64_t last, rotate_wait_ms;
};

static weir_gen *tail_open(const weir_opening *opening, weir_gen *up, const void *args)
{
    const struct tail_args *a = args;
    weir_tail_options options = WEIR_ZERO;
    (void)up;
    options.struct_size = sizeof options;
    options.overlong = opening->strict ? WEIR_LONG_FAILS : WEIR_LONG_SKIP;
    options.state = opening->state;
    options.from = a->from;
    options.last_lines = a->last;
    options.rotate_wait_ms = a->rotate_wait_ms;
    options.to_end = opening->to_end;
    if (opening->begin != NULL) {
        bool end = opening->begin->kind == WEIR_BEGIN_END;
        options.from = end ? WEIR_TAIL_END : WEIR_TAIL_START;
        options.last_lines = end ? options.last_lines : 0;
    }
    weir_gen *gen = opening->joined
                        ? weir_tail_bytes(opening->scope, a->paths.list, a->paths.count, &options)
                        : weir_tail_lines(opening->scope, a->paths.list, a->paths.count, &options);
    if (gen != &wr_gen_no_memory) {
        tail_of(gen)->places = opening->meta != 0;
    }
    return gen;
}

static const char *const tail_metas[] = {"path", "offset", NULL};
static const weir_example tail_more[] = {
    {"tail './logs/*.log' from=start | json | set .file = $meta.path | ndjson", NULL},
    {NULL, NULL},
};
static const char *const tail_from[] = {"end", "start", NULL};
static const weir_arg tail_args[] = {
    WEIR_ARG_TEXTS(struct tail_args, paths, WEIR_ARGTYPE_PATH,
                   WEIR_ARG_REQUIRED | WEIR_ARG_PATTERNS, .name = "PATH",
                   .help = "files; * ? [...] match names, also of files that come later"),
    WEIR_ARG_CHOICE(struct tail_args, from, .name = "from", .form = WEIR_FORM_NAMED,
                    .preset = "end", .choices = tail_from,
                    .help = "where a first run begins in the files that are there"),
    WEIR_ARG_COUNT(struct tail_args, last, .name = "last", .form = WEIR_FORM_NAMED, .min = 0,
                   .max = 1000000, .preset = "0",
                   .help = "with from=end: begin so many lines before the end"),
    WEIR_ARG_TIME(struct tail_args, rotate_wait_ms, .name = "wait", .form = WEIR_FORM_NAMED,
                  .min = 1, .preset = "5s",
                  .help = "how long a rotated file must be silent before it is closed"),
};

const weir_component wr_component_tail = {
    .struct_size = sizeof wr_component_tail,
    .name = "tail",
    .kind = WEIR_KIND_SOURCE,
    .gives = WEIR_SHAPE_LINE,
    .traits = WEIR_TRAIT_IO | WEIR_TRAIT_FRAMED | WEIR_TRAIT_RESUMES | WEIR_TRAIT_PROVES |
              WEIR_TRAIT_ENDLESS,
    .args = tail_args,
    .args_count = sizeof tail_args / sizeof tail_args[0],
    .args_size = sizeof(struct tail_args),
    .help = "The lines of files that grow, over their rotations; $meta.path and $meta.offset are "
            "the file of a line and where it begins there.",
    .example = "tail ./access.log last=10 | grep \"GET\" | head 2",
    .begins = WEIR_BEGIN_BEGINNING | WEIR_BEGIN_END | WEIR_BEGIN_STOPS,
    .condition = "files are rotated by renaming, and stay in their folder until they are read",
    .on_break = "a file that was rotated, truncated or deleted is read to its end, and its "
                "successor from its start",
    .open = tail_open,
    .more_examples = tail_more,
    .meta = tail_metas,
};
