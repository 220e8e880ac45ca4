/*
 * A module: a stage that counts equal lines that follow each other, and gives each run of them once.
 *
 *     cc -shared -fPIC -o runs.so module_runs.c $(pkg-config --cflags --libs weir)
 *     weir --state ~/.weir 'words.txt | ./runs.so | file counts'
 *
 * A run is complete when another line comes, or the stream ends by itself. Its first item is kept
 * until then, so that a restart with a state reads the whole run again. After a stop (Ctrl-C) or a
 * failure the run may be incomplete: with a state it is not given, and its first item is abandoned.
 * Without a state nothing would read it again, so it is given as it is.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <weir/extend.h>
#include <weir/module.h>

struct runs {
    bool restarts;   /* a later run continues this one */
    weir_item first; /* of the current run; kept */
    uint64_t count;  /* of its items; 0: none yet */
    char *line;      /* what was given last */
    size_t line_cap;
};

static bool equal_lines(const weir_item *a, const weir_item *b)
{
    return a->len == b->len && (a->len == 0 || memcmp(a->data, b->data, a->len) == 0);
}

/* Make *out the line of the complete run. False: gen has failed. */
static bool give(weir_gen *gen, struct runs *runs, weir_item *out)
{
    char count[24];
    int digits = snprintf(count, sizeof count, "%" PRIu64 " ", runs->count);
    size_t len = (size_t)digits + runs->first.len;
    if (len > runs->line_cap) {
        char *line = weir_realloc(runs->line, len);
        if (line == NULL) {
            weir_gen_error(gen, WEIR_ENOMEM, 0, "no memory for a line of %zu bytes", len);
            return false;
        }
        runs->line = line;
        runs->line_cap = len;
    }
    memcpy(runs->line, count, (size_t)digits);
    if (runs->first.len > 0) {
        memcpy(runs->line + digits, runs->first.data, runs->first.len);
    }
    *out = weir_bytes(runs->line, len);
    out->flags = runs->first.flags; /* its line end */
    if (weir_stand_for(gen, out, &runs->first, 1) < 0) {
        return false;
    }
    weir_item_release(&runs->first); /* out stands for it now */
    runs->count = 0;
    return true;
}

static size_t next_run(weir_gen *gen, void *self, weir_item *items, size_t max)
{
    struct runs *runs = self;
    weir_item item;
    (void)max;
    while (weir_pull(gen, &item, 1) > 0) {
        if (runs->count > 0 && equal_lines(&runs->first, &item)) {
            runs->count++;
            weir_leave_out(gen, &item, 1);
            continue;
        }
        bool gives = runs->count > 0;
        if (gives && !give(gen, runs, &items[0])) {
            return 0;
        }
        int rc = weir_item_keep(&runs->first, &item);
        if (rc < 0) {
            weir_gen_error(gen, rc, 0, "item %" PRIu64 " cannot be kept", item.seq);
            return 0;
        }
        runs->count = 1;
        if (gives) {
            return 1;
        }
    }
    bool complete = weir_end_code(gen) == 0 || !runs->restarts;
    return runs->count > 0 && complete && give(gen, runs, &items[0]);
}

static void runs_close(weir_gen *gen, void *self)
{
    struct runs *runs = self;
    (void)gen;
    weir_item_abandon(&runs->first); /* if it was not given: see above */
    weir_free(runs->line);
}

static const weir_gen_ops ops = {
    .struct_size = sizeof ops, .name = "runs", .next_many = next_run, .close = runs_close};

static weir_gen *runs_open(const weir_opening *opening, weir_gen *up, const void *args)
{
    struct runs none = {.restarts = opening->state != NULL};
    (void)args;
    return weir_stage_new(up, &ops, &none, sizeof none);
}

static const weir_component runs = {
    .struct_size = sizeof runs,
    .name = "runs",
    .kind = WEIR_KIND_STAGE,
    .takes = WEIR_SHAPE_LINE,
    .gives = WEIR_SHAPE_LINE,
    .traits = WEIR_TRAIT_PURE | WEIR_TRAIT_CPU | WEIR_TRAIT_HOLDS_BACK,
    .help = "Each run of equal lines once, after the number of its lines.",
    .example = "gen 1..3 | ./runs.so",
    .prints = "1 1\n1 2\n1 3\n",
    .open = runs_open,
};

WEIR_MODULE(&runs);
