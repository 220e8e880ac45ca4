/*
 * stage_last.c - weir_last and the component `last`: the last items of a stream.
 *
 * It keeps as many items as it may give, in a ring. One more item lets the oldest go, which then
 * counts as filtered. At the end of its upstream, also when that fails, the ring is given. With a
 * state the kept items have not settled, so a restart reads them again.
 */
#include <weir/module.h>
#include <weir/stage.h>

#include "flow_gen.h"
#include "flow_ring.h"

enum { PULL_ITEMS = 16 };

struct stage_last {
    struct weir_gen gen;
    size_t count;
    bool ended; /* the upstream has */
    struct wr_ring ring;
};

/* Keep an item. False: the stage has failed. */
static bool keep(struct stage_last *stage, const weir_item *item)
{
    struct weir_gen *gen = &stage->gen;
    int rc;
    while ((rc = wr_ring_append(&stage->ring, item)) != 0) {
        if (rc == WEIR_EBUDGET || rc == 1) {
            rc = wr_budget_wait(gen->loop, &gen->object);
            if (rc == 0) {
                continue;
            }
            if (rc == WEIR_EBUDGET) {
                (void)wr_gen_fail_starved(gen, -1);
                return false;
            }
        }
        (void)wr_gen_fail(gen, rc, 0, -1, "%s", wr_code_text(rc));
        return false;
    }
    return true;
}

/* Read the whole upstream. False: the stage has failed. */
static bool read_all(struct stage_last *stage)
{
    struct weir_gen *gen = &stage->gen;
    weir_item items[PULL_ITEMS];
    size_t n;
    while ((n = wr_pull(gen->up, items, PULL_ITEMS)) > 0) {
        size_t skip = n > stage->count ? n - stage->count : 0;
        size_t kept = wr_ring_count(&stage->ring), want = n - skip;
        if (kept + want > stage->count) {
            size_t drop = kept + want - stage->count;
            gen->filtered += drop;
            wr_ring_drop_oldest(&stage->ring, drop, WR_ACT_FILTER);
        }
        wr_gen_filter(gen, items, skip);
        for (size_t i = skip; i < n; i++) {
            if (!keep(stage, &items[i])) {
                return false;
            }
        }
    }
    stage->ended = true;
    return true;
}

static size_t last_next_many(struct weir_gen *gen, weir_item *items, size_t max)
{
    struct stage_last *stage = WR_OWNER(gen, struct stage_last, gen);
    wr_ring_end_loan(&stage->ring);
    return stage->ended || read_all(stage) ? wr_ring_lend(&stage->ring, items, max) : 0;
}

static void last_close(struct weir_gen *gen)
{
    wr_ring_end_loan(&WR_OWNER(gen, struct stage_last, gen)->ring);
    wr_ring_fini(&WR_OWNER(gen, struct stage_last, gen)->ring);
    WR_OWNER(gen, struct stage_last, gen)->ring = (struct wr_ring){.slots = NULL};
}

static int64_t last_held(const struct weir_gen *gen, uint32_t mark)
{
    return wr_ring_held(&WR_OWNER((uintptr_t)gen, struct stage_last, gen)->ring, mark);
}

static const struct wr_gen_ops last_ops = {
    .kind = "last", .next_many = last_next_many, .close = last_close, .held = last_held};

weir_gen *weir_last(weir_gen *up, uint64_t count)
{
    struct stage_last *stage = wr_stage_alloc(up, sizeof *stage, &last_ops, "last");
    if (stage != NULL) {
        stage->count = (size_t)WR_MIN(count, (uint64_t)SIZE_MAX / 2);
        /* An item that is alone in its block is copied when half of the budget is pinned. */
        wr_ring_init(&stage->ring, &stage->gen.loop->blocks, SIZE_MAX,
                     (size_t)stage->gen.loop->budget.limit / 8);
    }
    return wr_gen_made(stage != NULL ? &stage->gen : NULL, up);
}

struct last_args {
    int64_t count;
};

static weir_gen *last_open(const weir_opening *opening, weir_gen *up, const void *args)
{
    (void)opening;
    return weir_last(up, (uint64_t)((const struct last_args *)args)->count);
}

static const weir_arg last_args[] = {
    WEIR_ARG_COUNT(struct last_args, count, .name = "N",
                   .flags = WEIR_ARG_REQUIRED | WEIR_ARG_HOLDS, .help = "how many"),
};

const weir_component wr_component_last = {
    .struct_size = sizeof wr_component_last,
    .name = "last",
    .kind = WEIR_KIND_STAGE,
    .takes = WEIR_SHAPES_ALL & ~(uint32_t)WEIR_SHAPE_BYTES,
    .gives = WEIR_SHAPE_SAME,
    .traits = WEIR_TRAIT_HOLDS_BACK | WEIR_TRAIT_PURE,
    .args = last_args,
    .args_count = sizeof last_args / sizeof last_args[0],
    .args_size = sizeof(struct last_args),
    .help = "The last N items, when the stream has ended; the others are let go as they come.",
    .example = "gen 1..10 | last 2",
    .prints = "9\n10\n",
    .open = last_open,
};
