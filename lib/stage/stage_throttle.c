/*
 * stage_throttle.c - weir_throttle and the component `throttle`: at most so many items, or bytes, in a
 * time.
 *
 * The items that may have been given by now are counted from `epoch_ns`, which moves on by whole
 * periods, so nothing is lost by rounding, and the rate holds over any time. What was not used is
 * saved for BURST_MS only. It waits before it pulls: while it waits nothing is read, so its source
 * stops as it does for any slow reader. Of bytes an item's size is known only when it is there; a
 * large one is waited for after it was given.
 */
#include <weir/module.h>
#include <weir/stage.h>

#include "flow_gen.h"

enum { BURST_MS = 100, GUESS_BYTES = 256 };

struct stage_throttle {
    struct weir_gen gen;
    int64_t amount, per_ns;
    bool bytes, begun;
    int64_t epoch_ns;
    int64_t sent;  /* since the epoch; below 0: saved */
    int64_t saved; /* at most */
    int64_t mean;  /* bytes of an item */
};

/* How much may be given now: 0 or less, nothing. */
static int64_t allowed(struct stage_throttle *stage)
{
    int64_t now_ns = wr_now_ns(stage->gen.loop);
    if (!stage->begun) {
        stage->begun = true;
        stage->epoch_ns = now_ns;
    }
    int64_t periods = (now_ns - stage->epoch_ns) / stage->per_ns;
    stage->epoch_ns += periods * stage->per_ns;
    for (; periods > 0 && stage->sent > -stage->saved; periods--) {
        stage->sent -= stage->amount;
    }
    double part = (double)(now_ns - stage->epoch_ns) / (double)stage->per_ns;
    int64_t may = (int64_t)(part * (double)stage->amount + 1e-6) + 1 - stage->sent;
    if (may > stage->saved) {
        stage->sent += may - stage->saved;
        may = stage->saved;
    }
    return may;
}

/* Until one may be given. */
static int64_t wait_ms(const struct stage_throttle *stage)
{
    double part = (double)stage->sent / (double)stage->amount;
    int64_t due_ns = stage->epoch_ns + (int64_t)(part * (double)stage->per_ns);
    return WR_MAX((due_ns - wr_now_ns(stage->gen.loop) + 999999) / 1000000, 1);
}

static size_t throttle_next_many(struct weir_gen *gen, weir_item *items, size_t max)
{
    struct stage_throttle *stage = WR_OWNER(gen, struct stage_throttle, gen);
    int64_t may;
    while ((may = allowed(stage)) <= 0) {
        int rc = wr_sleep(gen->loop, wait_ms(stage), "its rate", &gen->object);
        if (rc < 0) {
            (void)wr_gen_fail(gen, rc, 0, -1, "%s", wr_code_text(rc));
            return 0;
        }
    }
    if (stage->bytes) {
        may = WR_MAX(may / stage->mean, 1);
    }
    size_t n = wr_pull(gen->up, items, (size_t)WR_MIN((int64_t)WR_MIN(max, (size_t)1 << 20), may));
    int64_t bytes = 0;
    for (size_t i = 0; stage->bytes && i < n; i++) {
        bytes += (int64_t)WR_MIN(items[i].len, (size_t)INT32_MAX);
    }
    stage->sent += stage->bytes ? bytes : (int64_t)n;
    stage->mean = bytes > 0 ? bytes / (int64_t)n + 1 : stage->mean;
    return n;
}

static bool throttle_given_before(const struct weir_gen *gen, uint64_t *count)
{
    return gen->up != NULL && wr_gen_given_before(gen->up, count);
}

static const struct wr_gen_ops throttle_ops = {
    .kind = "throttle", .next_many = throttle_next_many, .given_before = throttle_given_before};

weir_gen *weir_throttle(weir_gen *up, int64_t amount, bool bytes, int64_t per_ms)
{
    struct stage_throttle *stage = wr_stage_alloc(up, sizeof *stage, &throttle_ops, "throttle");
    if (stage != NULL) {
        bool good = amount > 0 && per_ms > 0;
        stage->amount = good ? WR_MIN(amount, INT64_MAX / 1000000) : 1;
        stage->per_ns = good ? WR_MIN(per_ms, INT64_MAX / 1000000) * 1000000 : 1;
        double saved = (double)stage->amount * BURST_MS * 1e6 / (double)stage->per_ns;
        stage->saved = saved < 1 ? 1 : (int64_t)WR_MIN(saved, 1e15);
        stage->bytes = bytes;
        stage->mean = GUESS_BYTES;
        if (!good) {
            (void)wr_gen_fail(&stage->gen, WEIR_EINVAL, 0, -1,
                              "amount and per_ms must be positive");
        }
    }
    return wr_gen_made(stage != NULL ? &stage->gen : NULL, up);
}

struct throttle_args {
    weir_rate rate;
};

static weir_gen *throttle_open(const weir_opening *opening, weir_gen *up, const void *args)
{
    const weir_rate *rate = &((const struct throttle_args *)args)->rate;
    (void)opening;
    return weir_throttle(up, rate->amount, rate->bytes != 0, rate->per_ms);
}

static const weir_arg throttle_args[] = {
    WEIR_ARG_RATE(struct throttle_args, rate, .name = "RATE", .flags = WEIR_ARG_REQUIRED,
                  .help = "items or bytes: 50/s, 1000/m, 1MiB/s"),
};

static const weir_example throttle_more[] = {
    {"gen 1..3 | throttle 1MiB/s", "1\n2\n3\n"},
    {NULL, NULL},
};

const weir_component wr_component_throttle = {
    .struct_size = sizeof wr_component_throttle,
    .name = "throttle",
    .kind = WEIR_KIND_STAGE,
    .takes = WEIR_SHAPES_ALL,
    .gives = WEIR_SHAPE_SAME,
    .traits = WEIR_TRAIT_ONE_TO_ONE | WEIR_TRAIT_PIECES | WEIR_TRAIT_PURE,
    .args = throttle_args,
    .args_count = sizeof throttle_args / sizeof throttle_args[0],
    .args_size = sizeof(struct throttle_args),
    .help = "No faster than a rate: everything before it waits.",
    .example = "gen 1..3 | throttle 50/s",
    .prints = "1\n2\n3\n",
    .more_examples = throttle_more,
    .open = throttle_open,
};
