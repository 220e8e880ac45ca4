/*
 * weir_record.c - what `weir record` says, and `weir check --shatter`.
 *
 * A recording is made by a run (weir_run.c) whose items are dropped. Shattering runs a pipeline over a
 * recording, or the bytes of a file, again and again, each time cut at other places, and compares: the
 * items, how the run ended, and how many items were rejected, filtered and dropped. All runs are on one
 * loop with a virtual clock, in scopes of their own. The items of the first run, which is not cut, are
 * kept; those of the others are only compared.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "weir_run.h"

enum {
    SPLITS = 1000,
    FILE_BYTES_MAX = 256 << 10,   /* so that all of it takes seconds */
    OUTPUT_BYTES_MAX = 256 << 20, /* of one run */
    SHOWN = 60
};

/* ---- record */

int record_check(const struct flags *flags, struct say *say, const weir_plan *plan)
{
    const char *folder =
        flags->state_folder != NULL ? flags->state_folder : weir_plan_state_folder(plan);
    if (folder != NULL) {
        say_wrong(say, "record keeps no state: leave --state out");
        return EXIT_USAGE;
    }
    if (weir_plan_has_sink(plan)) {
        say_wrong(say, "record takes a source, and no sink: its items are dropped");
        return EXIT_USAGE;
    }
    return 0;
}

int record_end(weir_recorder *recorder, struct say *say, const struct flags *flags,
               const weir_error *ended)
{
    char bytes[32], size[32];
    weir_error error;
    weir_recorded recorded = {.struct_size = sizeof recorded};
    int rc = weir_recorder_end(recorder, ended, &recorded, &error);
    if (rc < 0) {
        say_error(say, &error, NULL);
        return EXIT_FAILED;
    }
    if (!say->quiet) {
        say_line(say,
                 "recorded %s in %" PRIu64 " pieces, %" PRIu64 " %s, %" PRId64 ".%" PRId64
                 " s -> %s (%s)",
                 say_sized(recorded.bytes, bytes), recorded.pieces, recorded.requests,
                 recorded.requests == 1 ? "connection" : "connections", recorded.ms / 1000,
                 recorded.ms % 1000 / 100, flags->output, say_sized(recorded.file_bytes, size));
    }
    return 0;
}

/* ---- shatter */

struct item {
    size_t at, len;
};

/* What a run has given. */
struct given {
    char *text;
    size_t len, cap;
    struct item *items; /* of a stream of bytes, only one */
    size_t count, room;
};

struct shatter {
    const struct flags *flags;
    struct say say;
    weir_loop *loop;
    char *text;  /* the pipeline, behind the source */
    bool bytes;  /* its output is a stream of bytes */
    bool pieces; /* pieces of bytes are items of it, so their number says nothing */
    struct given whole;
    weir_ledger ledger;
    weir_error ended;
};

/* How a run differs. */
struct difference {
    bool found;
    size_t item, at; /* the first byte that differs, or the end of one of them */
    char got[SHOWN * 4 + 1];
};

static bool grow(void *list, size_t size, size_t need, size_t *cap)
{
    size_t more = *cap > 0 ? *cap : 64;
    while (more < need) {
        more *= 2;
    }
    void *larger = more > *cap ? realloc(*(void **)list, more * size) : *(void **)list;
    if (larger != NULL) {
        *(void **)list = larger;
        *cap = more;
    }
    return larger != NULL;
}

static bool keep(struct given *given, bool joined, weir_slice text)
{
    bool begins = !joined || given->count == 0;
    if (given->len + text.len > OUTPUT_BYTES_MAX ||
        !grow(&given->text, 1, given->len + text.len + 1, &given->cap) ||
        !grow(&given->items, sizeof *given->items, given->count + 1, &given->room)) {
        return false;
    }
    if (begins) {
        given->items[given->count++] = (struct item){given->len, 0};
    }
    if (text.len > 0) {
        memcpy(given->text + given->len, text.data, text.len);
    }
    given->items[given->count - 1].len += text.len;
    given->len += text.len;
    return true;
}

static void show(char *to, const char *text, size_t len)
{
    size_t out = 0;
    for (size_t i = 0; i < len && i < SHOWN; i++) {
        unsigned char c = (unsigned char)text[i];
        out += (size_t)snprintf(to + out, 5, c < 0x20 || c >= 0x7f ? "\\x%02x" : "%c", c);
    }
    to[out] = '\0';
}

/* Compare an item, or the next piece of a stream of bytes. done: items, or bytes, compared so far. */
static void compare(const struct shatter *shatter, size_t done, weir_slice text,
                    struct difference *to)
{
    const struct given *whole = &shatter->whole;
    size_t item = shatter->bytes ? 0 : done, from = shatter->bytes ? done : 0;
    const struct item none = {0, 0};
    const struct item *kept = item < whole->count ? &whole->items[item] : &none;
    size_t left = kept->len > from ? kept->len - from : 0, at = 0;
    const char *want = whole->text + kept->at + from;
    while (at < left && at < text.len && want[at] == text.data[at]) {
        at++;
    }
    bool same = shatter->bytes ? at == text.len : at == text.len && at == left;
    if (!to->found && (!same || item >= whole->count)) {
        to->found = true;
        to->item = item + 1;
        to->at = from + at;
        show(to->got, text.data + at, text.len - at);
    }
}

/* The text of one run. NULL: out of memory. */
static char *text_of_run(const struct shatter *shatter, int64_t split)
{
    const char *file = shatter->flags->shatter;
    size_t cap = strlen(shatter->text) + strlen(file) * 2 + 128;
    char *text = malloc(cap);
    if (text == NULL) {
        return NULL;
    }
    size_t at = (size_t)snprintf(text, cap, "replay \"");
    for (; *file != '\0'; file++) {
        if (*file == '"' || *file == '\\') {
            text[at++] = '\\';
        }
        text[at++] = *file;
    }
    snprintf(text + at, cap - at, "\" any speed=max split=%" PRId64 "%s%s", split,
             shatter->text[0] != '\0' ? " | " : "", shatter->text);
    return text;
}

/* NULL: after a message. */
static weir_plan *plan_of_run(struct shatter *shatter, int64_t split)
{
    weir_text_options given = text_given(shatter->flags);
    weir_error error;
    given.files = NULL;
    given.files_count = 0;
    char *text = text_of_run(shatter, split);
    weir_plan *plan = text != NULL ? weir_plan_read(text, &given, &error) : NULL;
    if (text != NULL && plan == NULL) {
        text_mistake(shatter->flags, &shatter->say, text, &error);
    }
    free(text);
    return plan;
}

/* Read all items: keep them (difference NULL), or compare. False: there are too many to keep. */
static bool read_all(struct shatter *shatter, weir_gen *gen, struct difference *difference)
{
    weir_item item;
    weir_slice text;
    weir_scratch scratch = {.data = NULL};
    size_t done = 0;
    bool fits = true;
    while (fits && weir_next(gen, &item)) {
        (void)!weir_item_text(&item, &text, &scratch);
        if (difference != NULL) {
            compare(shatter, done, text, difference);
        } else {
            fits = keep(&shatter->whole, shatter->bytes, text);
        }
        done += shatter->bytes ? text.len : 1;
    }
    if (!fits) {
        say_wrong(&shatter->say, "its output is too large to compare");
    }
    if (difference != NULL && !difference->found &&
        done < (shatter->bytes ? shatter->whole.len : shatter->whole.count)) {
        difference->found = true;
        difference->item = shatter->bytes ? 1 : done + 1;
        difference->at = shatter->bytes ? done : 0;
        snprintf(difference->got, sizeof difference->got, "(the end)");
    }
    weir_scratch_free(&scratch);
    return fits;
}

/* Run the pipeline once. split 0: not cut. False: it cannot run; after a message. */
static bool run_once(struct shatter *shatter, int64_t split, weir_ledger *ledger, weir_error *ended,
                     struct difference *difference)
{
    weir_http_options http;
    weir_plan_options options = text_options(shatter->flags, &http);
    weir_gen *gen;
    weir_error error;
    options.files = NULL;
    options.files_count = 0;
    options.whole_lines = 1;
    weir_plan *plan = plan_of_run(shatter, split);
    if (plan == NULL) {
        return false;
    }
    const weir_component *part;
    shatter->bytes = weir_plan_output(plan) == WEIR_SHAPE_BYTES;
    for (size_t i = 0; (part = weir_plan_part(plan, i)) != NULL; i++) {
        shatter->pieces = shatter->pieces || part->gives == WEIR_SHAPE_BYTES;
    }
    weir_scope *scope = weir_scope_new(weir_root(shatter->loop), NULL);
    bool good = weir_plan_open(plan, scope, &options, &gen, NULL, &error) == 0;
    weir_plan_free(plan);
    if (!good) {
        say_error(&shatter->say, &error, NULL);
    } else {
        good = read_all(shatter, gen, difference);
        (void)!weir_finish(gen, ended);
    }
    weir_scope_ledger(scope, ledger);
    (void)!weir_scope_wait(scope, &error);
    return good;
}

static bool ledgers_differ(const struct shatter *shatter, const weir_ledger *ledger)
{
    const weir_ledger *whole = &shatter->ledger;
    bool items =
        !shatter->pieces && (ledger->in != whole->in || ledger->delivered != whole->delivered ||
                             ledger->filtered != whole->filtered);
    return items || ledger->rejected != whole->rejected || ledger->dropped != whole->dropped;
}

/* Report a split that differs. */
static void tell(const struct shatter *shatter, int64_t split, const struct difference *difference,
                 const weir_ledger *ledger, const weir_error *ended)
{
    const struct given *whole = &shatter->whole;
    if (split == 1) {
        printf("differs when each byte comes alone:\n");
    } else {
        printf("differs with the random split %" PRId64 ":\n", split);
    }
    if (difference->found) {
        const struct item none = {0, 0};
        const struct item *kept =
            difference->item <= whole->count ? &whole->items[difference->item - 1] : &none;
        char want[SHOWN * 4 + 1];
        size_t at = difference->at < kept->len ? difference->at : kept->len;
        show(want, whole->text != NULL ? whole->text + kept->at + at : "", kept->len - at);
        printf("  item %zu, byte %zu\n    whole  %s\n    split  %s\n", difference->item,
               difference->at, difference->item > whole->count ? "(the end)" : want,
               difference->got);
    }
    if (ledgers_differ(shatter, ledger)) {
        const weir_ledger *was = &shatter->ledger;
        printf("  whole  %" PRIu64 " in, %" PRIu64 " filtered, %" PRIu64 " rejected, %" PRIu64
               " dropped\n  split  %" PRIu64 " in, %" PRIu64 " filtered, %" PRIu64
               " rejected, %" PRIu64 " dropped\n",
               was->in, was->filtered, was->rejected, was->dropped, ledger->in, ledger->filtered,
               ledger->rejected, ledger->dropped);
    }
    if (ended->code != shatter->ended.code) {
        printf("  whole  %s\n  split  %s\n",
               shatter->ended.code == 0 ? "ends" : shatter->ended.message,
               ended->code == 0 ? "ends" : ended->message);
    }
    printf("to see it:  weir 'replay %s any speed=max split=%" PRId64 "%s%s'\n",
           shatter->flags->shatter, split, shatter->text[0] != '\0' ? " | " : "", shatter->text);
}

static int shatter_all(struct shatter *shatter)
{
    char grouped[32];
    int64_t splits = shatter->flags->count >= 0 ? shatter->flags->count : SPLITS;
    /* In the first run nothing is cut, and the file may be any file. */
    if (!run_once(shatter, 0, &shatter->ledger, &shatter->ended, NULL)) {
        return EXIT_USAGE;
    }
    if (shatter->ended.code == WEIR_EIO && shatter->whole.count == 0) {
        say_error(&shatter->say, &shatter->ended, NULL);
        return EXIT_FAILED;
    }
    for (int64_t split = 1; split <= splits + 1; split++) {
        struct difference difference = {.found = false};
        weir_ledger ledger;
        weir_error ended;
        if (!run_once(shatter, split, &ledger, &ended, &difference)) {
            return EXIT_FAILED;
        }
        if (difference.found || ledgers_differ(shatter, &ledger) ||
            ended.code != shatter->ended.code) {
            tell(shatter, split, &difference, &ledger, &ended);
            return EXIT_FAILED;
        }
    }
    printf("%s random splits and all 1-byte splits: identical (%s",
           say_grouped((uint64_t)splits, grouped), shatter->bytes ? "" : "items: ");
    printf("%s)\n",
           say_grouped(shatter->bytes ? shatter->whole.len : shatter->whole.count, grouped));
    return EXIT_FINISHED;
}

int shatter_pipeline(const struct flags *flags)
{
    struct shatter shatter = {.flags = flags};
    struct stat info;
    say_init(&shatter.say, flags);
    if (stat(flags->shatter, &info) == 0 && info.st_size > FILE_BYTES_MAX) {
        say_wrong(&shatter.say,
                  "--shatter: '%s' has more than 256 KiB; record less (weir record -c N or --for "
                  "TIME), or take a part of the file",
                  flags->shatter);
        return EXIT_USAGE;
    }
    shatter.text = text_of(flags, &shatter.say);
    shatter.loop = weir_loop_new(
        WEIR_OPTIONS(weir_loop_options, .virtual_ns = INT64_C(1577836800) * 1000000000, .seed = 1,
                     .budget_bytes = flags->mem_bytes > 0 ? flags->mem_bytes : 0));
    int code = shatter.text != NULL && shatter.loop != NULL ? shatter_all(&shatter) : EXIT_FAILED;
    weir_loop_free(shatter.loop);
    free(shatter.whole.text);
    free(shatter.whole.items);
    free(shatter.text);
    return code;
}
