/*
 * e2e_module_state.c - a module of components that keep data across items.
 *
 *     unlock   bytes that depend on all bytes before them; pieces of bytes  (replays)
 *     expand   line n as n % 4 lines, each with the sum of all lines so far  (replays)
 *     window   the sum of each N lines                                        (restarts)
 *     pace     one item at a time, with a pause after each
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <weir/weir.h>

static uint64_t value_of(const weir_item *item)
{
    uint64_t value = 0;
    for (size_t i = 0; i < item->len; i++) {
        value = value * 10 + (uint64_t)(item->data[i] - '0');
    }
    return value;
}

struct none {
    int unused;
};

/* Each byte is locked with the sum of the plain bytes before it. */
WEIR_STAGE(unlock_stage, struct none)
{
    weir_item item;
    unsigned char sum = 0;
    (void)args;
    while (weir_next(up, &item)) {
        char *plain = malloc(item.len + 1);
        bool more = plain != NULL;
        for (size_t i = 0; more && i < item.len; i++) {
            plain[i] = (char)((unsigned char)item.data[i] - sum);
            sum = (unsigned char)(sum + (unsigned char)plain[i]);
        }
        weir_item out = item;
        out.data = plain;
        out.block = NULL;
        more = more && weir_yield(self, &out);
        free(plain);
        if (!more) {
            break;
        }
    }
    return 0;
}

static weir_gen *open_unlock(const weir_opening *opening, weir_gen *up, const void *args)
{
    (void)opening;
    (void)args;
    return unlock_stage(up, (struct none){0});
}

static const weir_component unlock = {
    .struct_size = sizeof unlock,
    .name = "unlock",
    .kind = WEIR_KIND_STAGE,
    .takes = WEIR_SHAPE_BYTES,
    .gives = WEIR_SHAPE_BYTES,
    .traits = WEIR_TRAIT_STATE_REPLAYS,
    .help = "Plain bytes of locked ones.",
    .example = "./in | raw | unlock",
    .open = open_unlock,
};

struct expand {
    uint64_t lines, sum, left;
    char text[32];
};

/* By a table, as a stage that is asked for many. */
static size_t expand_next(weir_gen *gen, void *self, weir_item *items, size_t max)
{
    struct expand *expand = self;
    weir_item item;
    (void)max;
    while (expand->left == 0) {
        if (weir_pull(gen, &item, 1) == 0) {
            return 0;
        }
        expand->sum += value_of(&item);
        expand->left = ++expand->lines % 4;
        if (expand->left == 0) {
            weir_leave_out(gen, &item, 1);
        }
    }
    int len = snprintf(expand->text, sizeof expand->text, "%" PRIu64 " %" PRIu64, expand->sum,
                       expand->left--);
    items[0] = weir_bytes(expand->text, (size_t)len);
    return 1;
}

static weir_gen *open_expand(const weir_opening *opening, weir_gen *up, const void *args)
{
    static const weir_gen_ops ops = {
        .struct_size = sizeof ops, .name = "expand", .next_many = expand_next};
    struct expand self = {0};
    (void)opening;
    (void)args;
    return weir_stage_new(up, &ops, &self, sizeof self);
}

static const weir_component expand = {
    .struct_size = sizeof expand,
    .name = "expand",
    .kind = WEIR_KIND_STAGE,
    .takes = WEIR_SHAPE_LINE | WEIR_SHAPE_EVENT,
    .gives = WEIR_SHAPE_LINE,
    .traits = WEIR_TRAIT_STATE_REPLAYS,
    .help = "Some lines of each line, with the sum so far.",
    .example = "gen 1..9 | expand",
    .open = open_expand,
};

struct count_args {
    int64_t n;
};

WEIR_STAGE(window_stage, struct count_args)
{
    weir_item item;
    uint64_t sum = 0;
    int64_t count = 0;
    while (weir_next(up, &item)) {
        sum += value_of(&item);
        if (++count % args->n != 0) {
            weir_settle(self);
            continue;
        }
        char text[32];
        int len = snprintf(text, sizeof text, "%" PRIu64, sum);
        weir_item out = weir_bytes(text, (size_t)len);
        sum = 0;
        if (!weir_yield(self, &out)) {
            break;
        }
    }
    return 0;
}

static weir_gen *open_window(const weir_opening *opening, weir_gen *up, const void *args)
{
    (void)opening;
    return window_stage(up, *(const struct count_args *)args);
}

static const weir_arg count_args[] = {
    WEIR_ARG_COUNT(struct count_args, n, .name = "N", .flags = WEIR_ARG_REQUIRED, .min = 1,
                   .help = "how many"),
};

static const weir_component window = {
    .struct_size = sizeof window,
    .name = "window",
    .kind = WEIR_KIND_STAGE,
    .takes = WEIR_SHAPE_LINE,
    .gives = WEIR_SHAPE_LINE,
    .traits = WEIR_TRAIT_STATE_RESTARTS,
    .args = count_args,
    .args_count = 1,
    .args_size = sizeof(struct count_args),
    .help = "The sum of each N lines.",
    .example = "gen 1..9 | window 3",
    .open = open_window,
};

WEIR_STAGE(pace_stage, struct count_args)
{
    weir_item item;
    while (weir_next(up, &item) && weir_yield(self, &item) &&
           weir_sleep(weir_gen_scope(self), args->n)) {}
    return 0;
}

static weir_gen *open_pace(const weir_opening *opening, weir_gen *up, const void *args)
{
    (void)opening;
    return pace_stage(up, *(const struct count_args *)args);
}

static const weir_component pace = {
    .struct_size = sizeof pace,
    .name = "pace",
    .kind = WEIR_KIND_STAGE,
    .takes = WEIR_SHAPES_ALL,
    .gives = WEIR_SHAPE_SAME,
    .traits = WEIR_TRAIT_PURE | WEIR_TRAIT_ONE_TO_ONE,
    .args = count_args,
    .args_count = 1,
    .args_size = sizeof(struct count_args),
    .help = "A pause of N ms after each item.",
    .example = "gen 1..9 | pace 3",
    .open = open_pace,
};

WEIR_MODULE(&unlock, &expand, &window, &pace);
