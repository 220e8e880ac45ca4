/*
 * source_split.c - weir_lines: the bytes of another generator's items, split into lines.
 *
 * It stands with the sources because it shares their line reader: bytes are copied into its block
 * once, wherever the items cut them, and lines are slices of it. In the ledger the lines are items
 * of a source of their own: an item of bytes and a line are different things to count, and the
 * bytes are delivered when the next ones are asked for.
 */
#include <weir/module.h>
#include <weir/source.h>
#include <weir/stage.h>

#include <string.h>

#include "source_lines.h"

struct source_split {
    struct weir_gen gen;
    struct wr_line_reader reader;
    bool opened;
    weir_slice bytes; /* of the item lent from upstream, of which `at` have been taken */
    size_t at;
    weir_scratch scratch;
};

static int split_open(struct source_split *split)
{
    struct weir_gen *gen = &split->gen;
    gen->origin = wr_scope_origin(gen->object.scope, gen->name);
    if (gen->origin == NULL) {
        return wr_gen_fail(gen, WEIR_ENOMEM, 0, -1, "no memory to count lines");
    }
    wr_lines_reader_init(&split->reader, gen->loop, 0, WEIR_LONG_SKIP, 0);
    split->opened = true;
    return 0;
}

/* More bytes, or the end, are in the reader. 0 or a failure that was set. */
static int split_fill(struct source_split *split)
{
    struct weir_gen *gen = &split->gen;
    if (split->at == split->bytes.len) {
        split->at = 0;
        split->bytes.len = 0;
        weir_item item;
        if (wr_pull(gen->up, &item, 1) == 0) {
            if (wr_gen_failure(gen->up) != NULL) {
                return wr_gen_failure(gen->up)->code;
            }
            wr_lines_end(&split->reader);
            return 0;
        }
        if (!wr_gen_text(gen, &item, &split->bytes, &split->scratch)) {
            return gen->failure->code;
        }
    }
    char *to;
    size_t room;
    int rc = wr_lines_room(&split->reader, &to, &room);
    if (rc == WEIR_EBUDGET && wr_lines_stuck(&split->reader) == NULL) {
        rc = wr_budget_wait(gen->loop, &gen->object);
        if (rc == WEIR_EBUDGET) {
            return wr_gen_fail_starved(gen, (int64_t)split->reader.given_end);
        }
        return rc < 0 ? wr_gen_fail(gen, rc, 0, -1, "%s", wr_code_text(rc)) : 0;
    }
    if (rc < 0) {
        return wr_gen_fail(gen, rc, 0, (int64_t)split->reader.given_end, "%s",
                           rc == WEIR_EBUDGET ? wr_lines_stuck(&split->reader)
                                              : "no memory for lines");
    }
    size_t n = WR_MIN(room, split->bytes.len - split->at);
    if (n > 0) {
        memcpy(to, split->bytes.data + split->at, n);
        split->at += n;
        wr_lines_came(&split->reader, n);
    }
    return 0;
}

static size_t split_next_many(struct weir_gen *gen, weir_item *items, size_t max)
{
    struct source_split *split = WR_OWNER(gen, struct source_split, gen);
    if (!split->opened && split_open(split) < 0) {
        return 0;
    }
    wr_lines_over_loan(&split->reader);
    for (;;) {
        bool over = false;
        size_t n = wr_lines_take(&split->reader, gen, items, max, &over);
        if (n > 0 || over) {
            return n;
        }
        if (split_fill(split) < 0) {
            return 0;
        }
    }
}

static void split_close(struct weir_gen *gen)
{
    struct source_split *split = WR_OWNER(gen, struct source_split, gen);
    if (split->opened) {
        wr_lines_reader_fini(&split->reader);
    }
    weir_scratch_free(&split->scratch);
}

static int64_t split_held(const struct weir_gen *gen, uint32_t mark)
{
    return wr_lines_held(&WR_OWNER((uintptr_t)gen, struct source_split, gen)->reader, mark);
}

static const struct wr_gen_ops split_ops = {
    .kind = "lines", .next_many = split_next_many, .close = split_close, .held = split_held};

weir_gen *weir_lines(weir_gen *bytes)
{
    struct source_split *split = wr_stage_alloc(bytes, sizeof *split, &split_ops, "lines");
    return wr_gen_made(split != NULL ? &split->gen : NULL, bytes);
}

struct lines_args {
    int64_t max_bytes;
    int32_t overlong;
};

weir_lines_options wr_lines_of_opening(const weir_opening *opening)
{
    weir_lines_options options = {.struct_size = sizeof options, .state = opening->state};
    if (opening->framer == &wr_component_lines) {
        const struct lines_args *args = opening->framer_args;
        options.line_bytes_max = args->max_bytes;
        options.overlong = args->overlong;
    }
    if (opening->strict && options.overlong == WEIR_LONG_SKIP) {
        options.overlong = WEIR_LONG_FAILS;
    }
    return options;
}

static int lines_check(const weir_opening *opening, const void *args, weir_mistake *mistake)
{
    const struct lines_args *a = args;
    if (opening->joined || (a->max_bytes == 0 && a->overlong == WEIR_LONG_SKIP)) {
        return 0;
    }
    (void)weir_mistake_at(mistake, NULL, "its arguments are limits of the source");
    return weir_mistake_hint(mistake, "put it right behind the source");
}

/* Behind what gives lines there is nothing to split. */
static weir_gen *lines_open(const weir_opening *opening, weir_gen *up, const void *args)
{
    (void)args;
    return opening->shape == WEIR_SHAPE_BYTES ? weir_lines(up) : up;
}

static const char *const long_choices[] = {"skip", "cut", "fail", NULL};
static const weir_arg lines_args[] = {
    WEIR_ARG_SIZE(struct lines_args, max_bytes, .name = "max", .form = WEIR_FORM_NAMED, .min = 1,
                  .help = "bytes of a line, without its line end; 1MiB if not given"),
    WEIR_ARG_CHOICE(struct lines_args, overlong, .name = "on-long", .form = WEIR_FORM_NAMED,
                    .choices = long_choices, .preset = "skip",
                    .help = "what to do with a longer one"),
};

const weir_component wr_component_lines = {
    .struct_size = sizeof wr_component_lines,
    .name = "lines",
    .kind = WEIR_KIND_STAGE,
    .takes = WEIR_SHAPE_BYTES | WEIR_SHAPE_LINE,
    .gives = WEIR_SHAPE_LINE,
    .traits = WEIR_TRAIT_PURE | WEIR_TRAIT_ONE_TO_ONE | WEIR_TRAIT_FRAMES,
    .args = lines_args,
    .args_count = sizeof lines_args / sizeof lines_args[0],
    .args_size = sizeof(struct lines_args),
    .help = "Passes lines on; its arguments set the limit of the source before it.",
    .example = "gen 1..3 | lines",
    .prints = "1\n2\n3\n",
    .check = lines_check,
    .open = lines_open,
};
