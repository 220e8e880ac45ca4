/*
 * stage_delay.c - weir_delay and the component `delay`: each item a fixed time later.
 *
 * Items wait in a ring, with the time at which they are due; so they keep their distances, and what is
 * delayed is bounded in items and bytes. When the ring is full nothing more is read. While the oldest
 * item is not due, a pull of the upstream is pending (wr_pull_within), and what it brings is dated
 * when it comes. The items of one pull have one date.
 */
#include <weir/module.h>
#include <weir/stage.h>

#include "base_alloc.h"
#include "base_option.h"
#include "flow_gen.h"
#include "flow_ring.h"

enum { PULL_ITEMS = 16 };

/* Items that were pulled together. */
struct dated {
    int64_t due_ns;
    size_t count;
};

struct stage_delay {
    struct weir_gen gen;
    int64_t delay_ns;
    struct wr_ring ring;
    size_t items_max;
    struct dated *dated; /* a ring, too: `cap` entries, a power of two */
    size_t dated_at, dated_count, dated_cap;
    weir_item in[PULL_ITEMS]; /* lent; [in_at, in_end) are not in the ring yet */
    size_t in_at, in_end;
    int64_t in_due_ns;
    bool ended;
};

static struct dated *dated(const struct stage_delay *stage, size_t at)
{
    return &stage->dated[(stage->dated_at + at) & (stage->dated_cap - 1)];
}

/* Room for one more date. False: no memory. */
static bool grow(struct stage_delay *stage)
{
    size_t cap = stage->dated_cap == 0 ? PULL_ITEMS : stage->dated_cap * 2;
    if (stage->dated_count < stage->dated_cap) {
        return true;
    }
    struct dated *more = wr_alloc(cap * sizeof *more);
    if (more == NULL) {
        (void)wr_gen_fail(&stage->gen, WEIR_ENOMEM, 0, -1, "no memory for delayed items");
        return false;
    }
    for (size_t i = 0; i < stage->dated_count; i++) {
        more[i] = *dated(stage, i);
    }
    wr_free(stage->dated);
    stage->dated = more;
    stage->dated_at = 0;
    stage->dated_cap = cap;
    return true;
}

/* Move an item that was pulled into the ring. 1; 0: there is no room for it; or a code. */
static int keep(struct stage_delay *stage)
{
    struct weir_gen *gen = &stage->gen;
    if (!grow(stage)) {
        return gen->failure->code;
    }
    int rc = wr_ring_append(&stage->ring, &stage->in[stage->in_at]);
    if (rc == WEIR_EBUDGET || rc == 1) {
        return 0;
    }
    if (rc < 0) {
        return wr_gen_fail(gen, rc, 0, -1, "%s", wr_code_text(rc));
    }
    struct dated *last = stage->dated_count > 0 ? dated(stage, stage->dated_count - 1) : NULL;
    if (last != NULL && last->due_ns == stage->in_due_ns) {
        last->count++;
    } else {
        *dated(stage, stage->dated_count++) = (struct dated){stage->in_due_ns, 1};
    }
    stage->in_at++;
    return 1;
}

/* How long until the oldest item is due; -1: there is none. */
static int64_t left_ms(const struct stage_delay *stage)
{
    if (stage->dated_count == 0) {
        return -1;
    }
    int64_t left_ns = dated(stage, 0)->due_ns - wr_now_ns(stage->gen.loop);
    return left_ns > 0 ? (left_ns - 1) / 1000000 + 1 : 0;
}

/* Give what is due. */
static size_t give(struct stage_delay *stage, weir_item *items, size_t max)
{
    struct dated *first = dated(stage, 0);
    size_t n = wr_ring_lend(&stage->ring, items, WR_MIN(max, first->count));
    first->count -= n;
    if (first->count == 0) {
        stage->dated_at++;
        stage->dated_count--;
    }
    return n;
}

/* Wait for the oldest item to be due, or for memory. 0 or a code: the stage has failed. */
static int wait(struct stage_delay *stage, bool for_budget)
{
    struct weir_gen *gen = &stage->gen;
    int64_t ms = left_ms(stage);
    int rc = 0;
    if (ms >= 0) {
        rc = wr_sleep(gen->loop, ms, "delayed items", &gen->object);
    } else if (for_budget) {
        rc = wr_budget_wait(gen->loop, &gen->object);
    }
    return rc == WEIR_EBUDGET ? wr_gen_fail_starved(gen, -1)
           : rc < 0           ? wr_gen_fail(gen, rc, 0, -1, "%s", wr_code_text(rc))
                              : 0;
}

/* Pull, as long as the oldest item is not due. */
static void pull(struct stage_delay *stage)
{
    struct weir_gen *gen = &stage->gen;
    size_t room = stage->items_max - wr_ring_count(&stage->ring);
    bool late = false;
    stage->in_at = 0;
    stage->in_end =
        wr_pull_within(gen->up, stage->in, WR_MIN(room, (size_t)PULL_ITEMS), left_ms(stage), &late);
    int64_t now_ns = wr_now_ns(gen->loop);
    stage->in_due_ns = stage->delay_ns > INT64_MAX - now_ns ? INT64_MAX : now_ns + stage->delay_ns;
    stage->ended = stage->in_end == 0 && !late;
}

static size_t delay_next_many(struct weir_gen *gen, weir_item *items, size_t max)
{
    struct stage_delay *stage = WR_OWNER(gen, struct stage_delay, gen);
    int rc = 0;
    wr_ring_end_loan(&stage->ring);
    while (rc >= 0 && left_ms(stage) != 0) {
        rc = stage->in_at < stage->in_end && !wr_ring_full(&stage->ring) ? keep(stage) : 0;
        if (rc != 0) {
            continue;
        }
        if (stage->in_at < stage->in_end || stage->ended || wr_ring_full(&stage->ring)) {
            if (stage->ended && stage->dated_count == 0) {
                return 0;
            }
            rc = wait(stage, stage->in_at < stage->in_end);
        } else {
            pull(stage);
        }
    }
    return rc >= 0 ? give(stage, items, max) : 0;
}

static void delay_close(struct weir_gen *gen)
{
    struct stage_delay *stage = WR_OWNER(gen, struct stage_delay, gen);
    wr_ring_end_loan(&stage->ring);
    wr_ring_fini(&stage->ring);
    stage->ring = (struct wr_ring){.slots = NULL};
    wr_free(stage->dated);
    stage->dated = NULL;
    stage->dated_count = 0;
}

static int64_t delay_held(const struct weir_gen *gen, uint32_t mark)
{
    return wr_ring_held(&WR_OWNER((uintptr_t)gen, struct stage_delay, gen)->ring, mark);
}

static bool delay_given_before(const struct weir_gen *gen, uint64_t *count)
{
    return gen->up != NULL && wr_gen_given_before(gen->up, count);
}

static const struct wr_gen_ops delay_ops = {.kind = "delay",
                                            .next_many = delay_next_many,
                                            .close = delay_close,
                                            .held = delay_held,
                                            .given_before = delay_given_before};

weir_gen *weir_delay(weir_gen *up, int64_t ms, const weir_delay_options *options)
{
    weir_delay_options o = WEIR_ZERO;
    weir_error error;
    if (options != NULL) {
        WR_TAKE_OPTIONS(o, options);
    }
    struct stage_delay *stage = wr_stage_alloc(up, sizeof *stage, &delay_ops, "delay");
    if (stage != NULL) {
        stage->delay_ns = WR_MIN(ms, INT64_MAX / 1000000) * 1000000;
        stage->items_max = o.items_max > 0   ? (size_t)o.items_max
                           : o.items_max < 0 ? SIZE_MAX
                                             : 1024;
        size_t bytes_max = o.bytes_max > 0   ? (size_t)o.bytes_max
                           : o.bytes_max < 0 ? SIZE_MAX
                                             : 1024 * 1024;
        wr_ring_init(&stage->ring, &stage->gen.loop->blocks, stage->items_max, bytes_max);
        if (ms < 0) {
            (void)wr_gen_fail(&stage->gen, WEIR_EINVAL, 0, -1, "ms is negative");
        } else if (wr_limit_wrong(&error, "delay", "items_max", o.items_max) ||
                   wr_limit_wrong(&error, "delay", "bytes_max", o.bytes_max)) {
            wr_gen_fail_error(&stage->gen, &error);
        }
    }
    return wr_gen_made(stage != NULL ? &stage->gen : NULL, up);
}

struct delay_args {
    int64_t ms, items_max, bytes_max;
};

static weir_gen *delay_open(const weir_opening *opening, weir_gen *up, const void *args)
{
    const struct delay_args *a = args;
    weir_delay_options options = {
        .struct_size = sizeof options, .items_max = a->items_max, .bytes_max = a->bytes_max};
    (void)opening;
    return weir_delay(up, a->ms, &options);
}

static const weir_arg delay_args[] = {
    WEIR_ARG_TIME(struct delay_args, ms, .name = "T", .flags = WEIR_ARG_REQUIRED, .min = 1,
                  .help = "how much later"),
    WEIR_ARG_COUNT(struct delay_args, items_max, .name = "N", .flags = WEIR_ARG_HOLDS, .min = 1,
                   .preset = "1024", .help = "items at most; then nothing more is read"),
    WEIR_ARG_SIZE(struct delay_args, bytes_max, .name = "SIZE", .flags = WEIR_ARG_HOLDS, .min = 1,
                  .preset = "1MiB", .help = "bytes at most"),
};

const weir_component wr_component_delay = {
    .struct_size = sizeof wr_component_delay,
    .name = "delay",
    .kind = WEIR_KIND_STAGE,
    .takes = WEIR_SHAPES_ALL,
    .gives = WEIR_SHAPE_SAME,
    .traits =
        WEIR_TRAIT_ONE_TO_ONE | WEIR_TRAIT_PIECES | WEIR_TRAIT_HOLDS_BACK | WEIR_TRAIT_READS_AHEAD,
    .args = delay_args,
    .args_count = sizeof delay_args / sizeof delay_args[0],
    .args_size = sizeof(struct delay_args),
    .help = "Each item later by a time, and in the same distances.",
    .example = "gen 1..3 | delay 20ms",
    .prints = "1\n2\n3\n",
    .open = delay_open,
};
