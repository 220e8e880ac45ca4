/*
 * fault_parts.c - a module with what the kill oracle needs beside weir's own components.
 *
 *     cursor PATH   the lines of a file whose positions are opaque words, as those of a journal: a
 *                   restart finds its place only by the word, and a word that is not there is an
 *                   error
 *     pace N T      a pause of T before each N items, so that a short stream lasts over several saves
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <weir/weir.h>

/* ---- cursor PATH */

enum { LINE_MAX_BYTES = 4096 };

struct cursor_args {
    const char *path;
};

/* The cursor of a line depends on its bytes and on all before it. */
struct place {
    uint64_t hash, number; /* of the last line; 0, 0: before the first */
};

struct cursor {
    char path[512];
    FILE *file;
    weir_part *part;
    struct place at;
    char line[LINE_MAX_BYTES];
};

/* What the numbers of given lines stand for. */
struct words {
    struct place *places; /* of line number 1, 2, ... */
    size_t count, cap;
};
static struct words words; /* of the process, which has one such source */

static bool note_place(struct place place)
{
    if (words.count == words.cap) {
        size_t cap = words.cap * 2 + 64;
        struct place *more = realloc(words.places, cap * sizeof *more);
        if (more == NULL) {
            return false;
        }
        words.places = more;
        words.cap = cap;
    }
    words.places[words.count++] = place;
    return true;
}

static size_t cursor_text(void *self, uint64_t number, char *to, size_t cap)
{
    (void)self;
    struct place place = number > 0 ? words.places[number - 1] : (struct place){0, 0};
    int len = snprintf(to, cap, "cursor s=%016" PRIx64 ";i=%" PRIx64, place.hash, place.number);
    return len > 0 ? (size_t)len : 0;
}

static void cursor_drop(void *self)
{
    (void)self;
    free(words.places);
    words = (struct words){NULL, 0, 0};
}

/* The next line; false: there is none. */
static bool read_line(struct cursor *cursor)
{
    if (fgets(cursor->line, sizeof cursor->line, cursor->file) == NULL) {
        return false;
    }
    for (const char *at = cursor->line; *at != '\0'; at++) {
        cursor->at.hash = (cursor->at.hash ^ (unsigned char)*at) * 0x100000001b3u;
    }
    cursor->at.number++;
    return note_place(cursor->at);
}

static bool cursor_begin(weir_gen *gen, struct cursor *cursor)
{
    static const weir_position_ops ops = {
        .struct_size = sizeof ops, .text = cursor_text, .drop = cursor_drop};
    struct place stored = {0, 0};
    const char *text = weir_part_stored(gen);
    if (text != NULL &&
        sscanf(text, "cursor s=%" SCNx64 ";i=%" SCNx64, &stored.hash, &stored.number) != 2) {
        weir_gen_error(gen, WEIR_EINVAL, 0, "invalid stored position: %s", text);
        return false;
    }
    cursor->file = fopen(cursor->path, "re");
    if (cursor->file == NULL) {
        weir_gen_error(gen, WEIR_EIO, 0, "%s cannot be opened", cursor->path);
        return false;
    }
    while (cursor->at.hash != stored.hash || cursor->at.number != stored.number) {
        if (!read_line(cursor)) {
            weir_gen_error(gen, WEIR_ECHANGED, 0, "the saved cursor is gone: %s", text);
            return false;
        }
    }
    cursor->part = weir_part_open(gen, WEIR_PROOF_EXACT, cursor->at.number, &ops, &cursor->at,
                                  sizeof(struct place));
    return cursor->part != NULL;
}

static size_t cursor_next(weir_gen *gen, void *self, weir_item *items, size_t max)
{
    struct cursor *cursor = self;
    (void)max;
    if ((cursor->part == NULL && !cursor_begin(gen, cursor)) || !read_line(cursor)) {
        return 0;
    }
    items[0] = weir_bytes(cursor->line, strcspn(cursor->line, "\n"));
    return weir_give_at(gen, cursor->part, items, &cursor->at.number, 1);
}

static void cursor_close(weir_gen *gen, void *self)
{
    struct cursor *cursor = self;
    (void)gen;
    if (cursor->file != NULL) {
        fclose(cursor->file);
    }
}

static weir_gen *cursor_open(const weir_opening *opening, weir_gen *up, const void *args)
{
    static const weir_gen_ops ops = {.struct_size = sizeof ops,
                                     .name = "cursor",
                                     .next_many = cursor_next,
                                     .close = cursor_close};
    struct cursor self = {.file = NULL};
    (void)up;
    snprintf(self.path, sizeof self.path, "%s", ((const struct cursor_args *)args)->path);
    weir_gen *gen = weir_source_new(opening->scope, &ops, &self, sizeof self);
    weir_gen_keep_state(gen, opening->state, "cursor");
    return gen;
}

static const weir_arg cursor_args[] = {
    WEIR_ARG_TEXT(struct cursor_args, path, .name = "PATH", .flags = WEIR_ARG_REQUIRED,
                  .help = "the file"),
};

static const weir_component cursor = {
    .struct_size = sizeof cursor,
    .name = "cursor",
    .kind = WEIR_KIND_SOURCE,
    .gives = WEIR_SHAPE_LINE,
    .traits = WEIR_TRAIT_RESUMES | WEIR_TRAIT_PROVES,
    .args = cursor_args,
    .args_count = 1,
    .args_size = sizeof(struct cursor_args),
    .help = "The lines of a file, by cursors.",
    .example = "./fault.so:cursor ./in",
    .open = cursor_open,
};

/* ---- pace N T */

struct pace_args {
    int64_t count, pause_ms;
};

WEIR_STAGE(pace_stage, struct pace_args)
{
    weir_item item;
    int64_t count = 0;
    while (weir_next(up, &item)) {
        if (count++ % args->count == 0 && !weir_sleep(weir_gen_scope(self), args->pause_ms)) {
            break;
        }
        if (!weir_yield(self, &item)) {
            break;
        }
    }
    return 0;
}

static weir_gen *pace_open(const weir_opening *opening, weir_gen *up, const void *args)
{
    (void)opening;
    return pace_stage(up, *(const struct pace_args *)args);
}

static const weir_arg pace_args[] = {
    WEIR_ARG_COUNT(struct pace_args, count, .name = "N", .flags = WEIR_ARG_REQUIRED, .min = 1,
                   .help = "how many"),
    WEIR_ARG_TIME(struct pace_args, pause_ms, .name = "T", .flags = WEIR_ARG_REQUIRED,
                  .help = "the pause"),
};

static const weir_component pace = {
    .struct_size = sizeof pace,
    .name = "pace",
    .kind = WEIR_KIND_STAGE,
    .takes = WEIR_SHAPES_ALL,
    .gives = WEIR_SHAPE_SAME,
    .traits = WEIR_TRAIT_PURE | WEIR_TRAIT_ONE_TO_ONE,
    .args = pace_args,
    .args_count = 2,
    .args_size = sizeof(struct pace_args),
    .help = "A pause before each N items.",
    .example = "gen 1..9 | pace 3 10ms",
    .open = pace_open,
};

WEIR_MODULE(&cursor, &pace);
