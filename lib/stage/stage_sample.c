/*
 * stage_sample.c - weir_sample and the component `sample`: every Nth item, one in each while, or a share
 * chosen by a seed.
 *
 * Every Nth, and the share, depend only on an item's place in the stream, so two runs choose the same
 * items. By time they do not: an item that is left out counts as dropped then, else as filtered.
 */
#include <weir/module.h>
#include <weir/plan.h>
#include <weir/stage.h>

#include <stdlib.h>
#include <string.h>

#include "base_option.h"
#include "flow_gen.h"

struct stage_sample {
    struct weir_gen gen;
    weir_sample_options options;
    int64_t every_ns;
    int64_t begun_ns, last; /* the first item; the interval of the one that was passed on last */
    uint64_t at;            /* items seen */
};

/* A number that looks random, of the place of an item: splitmix64. */
static uint64_t mix(uint64_t seed, uint64_t at)
{
    uint64_t z = seed + at * 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

static bool passes(struct stage_sample *stage, int64_t now_ns)
{
    const weir_sample_options *o = &stage->options;
    uint64_t at = ++stage->at;
    if (o->every > 0) {
        return at % (uint64_t)o->every == 0;
    }
    if (stage->every_ns == 0) {
        return (double)(mix(o->seed, at) >> 11) < o->share * 9007199254740992.0; /* 2^53 */
    }
    stage->begun_ns = at == 1 ? now_ns : stage->begun_ns;
    int64_t interval = (now_ns - stage->begun_ns) / stage->every_ns;
    bool first = at == 1 || interval > stage->last;
    stage->last = first ? interval : stage->last;
    return first;
}

static void leave_out(struct stage_sample *stage, const weir_item *items, size_t n)
{
    if (n > 0 && stage->every_ns > 0) {
        stage->gen.dropped += n;
        wr_items_tell(items, n, WR_ACT_DROP);
    } else if (n > 0) {
        wr_gen_filter(&stage->gen, items, n);
    }
}

static size_t sample_next_many(struct weir_gen *gen, weir_item *items, size_t max)
{
    struct stage_sample *stage = WR_OWNER(gen, struct stage_sample, gen);
    size_t n;
    while ((n = wr_pull(gen->up, items, max)) > 0) {
        size_t kept = 0, out = 0; /* out: the run of items before i that are left out */
        int64_t now_ns = wr_now_ns(gen->loop);
        for (size_t i = 0; i < n; i++) {
            if (!passes(stage, now_ns)) {
                out++;
                continue;
            }
            leave_out(stage, &items[i - out], out);
            out = 0;
            items[kept++] = items[i];
        }
        leave_out(stage, &items[n - out], out);
        if (kept > 0) {
            return kept;
        }
    }
    return 0;
}

static const struct wr_gen_ops sample_ops = {.kind = "sample", .next_many = sample_next_many};

weir_gen *weir_sample(weir_gen *up, const weir_sample_options *options)
{
    weir_sample_options o = WEIR_ZERO;
    WR_GIVEN(options);
    WR_TAKE_OPTIONS(o, options);
    struct stage_sample *stage = wr_stage_alloc(up, sizeof *stage, &sample_ops, "sample");
    if (stage != NULL) {
        stage->options = o;
        stage->every_ns = o.every_ms > 0 ? WR_MIN(o.every_ms, INT64_MAX / 1000000) * 1000000 : 0;
        if ((o.every != 0) + (o.every_ms != 0) + (o.share != 0) != 1 || o.every < 0 ||
            o.every_ms < 0 || !(o.share >= 0 && o.share <= 1)) {
            (void)wr_gen_fail(&stage->gen, WEIR_EINVAL, 0, -1,
                              "one of every, every_ms and share (up to 1) must be set");
        }
    }
    return wr_gen_made(stage != NULL ? &stage->gen : NULL, up);
}

struct sample_args {
    const char *which;
    int64_t seed;
};

/* "100", "10s" or "1.5%". False: it is none of them. */
static bool read_which(const char *text, weir_sample_options *o)
{
    char *end = NULL;
    if (weir_time_read(text, &o->every_ms) == 0) {
        return o->every_ms > 0;
    }
    o->every_ms = 0;
    if (text[0] < '0' || text[0] > '9') {
        return false;
    }
    if (strchr(text, '%') != NULL) {
        o->share = strtod(text, &end) / 100;
        return strcmp(end, "%") == 0 && o->share > 0 && o->share <= 1;
    }
    o->every = strtoll(text, &end, 10);
    return *end == '\0' && o->every > 0;
}

static int sample_check(const weir_opening *opening, const void *args, weir_mistake *mistake)
{
    const struct sample_args *sample = args;
    weir_sample_options o = WEIR_ZERO;
    (void)opening;
    if (read_which(sample->which, &o)) {
        return 0;
    }
    (void)weir_mistake_at(mistake, "WHICH", "'%s' is neither a number, a time nor a share",
                          sample->which);
    return weir_mistake_hint(mistake, "write sample 100, sample 10s or sample 1%%");
}

static weir_gen *sample_open(const weir_opening *opening, weir_gen *up, const void *args)
{
    const struct sample_args *sample = args;
    weir_sample_options o = {.struct_size = sizeof o, .seed = (uint64_t)sample->seed};
    (void)opening;
    (void)read_which(sample->which, &o);
    return weir_sample(up, &o);
}

static uint32_t sample_traits(const void *args, uint32_t shape)
{
    weir_sample_options o = WEIR_ZERO;
    (void)shape;
    (void)read_which(((const struct sample_args *)args)->which, &o);
    return o.every_ms > 0 ? WEIR_TRAIT_CHANGES_OUTCOMES
                          : WEIR_TRAIT_PURE | WEIR_TRAIT_STATE_REPLAYS;
}

static const weir_arg sample_args[] = {
    WEIR_ARG_TEXT(struct sample_args, which, .name = "WHICH", .flags = WEIR_ARG_REQUIRED,
                  .help = "100: every 100th item; 10s: the first of each 10 seconds; 1%: one in a "
                          "hundred, chosen by the seed"),
    WEIR_ARG_COUNT(struct sample_args, seed, .name = "seed", .form = WEIR_FORM_NAMED, .preset = "0",
                   .help = "another one chooses other items"),
};

static const weir_example sample_more[] = {
    {"gen 1..100 | sample 3% seed=4", "22\n43\n75\n89\n100\n"},
    {NULL, NULL},
};

const weir_component wr_component_sample = {
    .struct_size = sizeof wr_component_sample,
    .name = "sample",
    .kind = WEIR_KIND_STAGE,
    .takes = WEIR_SHAPES_ALL & ~(uint32_t)WEIR_SHAPE_BYTES,
    .gives = WEIR_SHAPE_SAME,
    .traits = WEIR_TRAIT_CHANGES_OUTCOMES | WEIR_TRAIT_STATE_REPLAYS,
    .traits_of = sample_traits,
    .args = sample_args,
    .args_count = sizeof sample_args / sizeof sample_args[0],
    .args_size = sizeof(struct sample_args),
    .help = "Every Nth item, the first of each while, or a share of them.",
    .example = "gen 1..12 | sample 4",
    .prints = "4\n8\n12\n",
    .more_examples = sample_more,
    .check = sample_check,
    .open = sample_open,
};
