/*
 * stage_batch.c - weir_batch: groups of items, full by count, by bytes, or by time since the first.
 *
 * A batch lies in a block of its own, which holds one reference on each part's block and, through a
 * group receipt, on each part's source item; whoever keeps the batch keeps that block. It asks
 * upstream for what still fits by count. Items that were pulled together but lie beyond the byte
 * bound stay lent from upstream and begin the next batch. While it waits for more items within
 * wait_ms, the pull behind it stays under way (wr_pull_within).
 */
#include <weir/module.h>
#include <weir/stage.h>

#include <string.h>

#include "base_alloc.h"
#include "base_option.h"
#include "bytes_item.h"
#include "flow_gen.h"

enum { PULL_ITEMS = 64, FIRST_PARTS = 64, LOOK_MS = 10 };

struct stage_batch {
    struct weir_gen gen;
    size_t items_max, bytes_max;
    int64_t wait_ms;
    struct weir_block *given;  /* the batch of the last call */
    struct batch_block *grows; /* the one being filled, during a call */
    weir_item *pulled; /* PULL_ITEMS, of which [pulled_at, pulled_count) are not in a batch yet */
    size_t pulled_at, pulled_count;
};

/* The head of a batch block: what the block lets go when nobody keeps the batch any more. */
struct batch_block {
    struct weir_receipt *group;
    uint64_t seq;
    weir_item *items; /* beside the block while it grows */
    size_t cap;
    struct wr_runs runs; /* what the parts came with, until there is the group */
    struct wr_batch_view view;
};

static struct batch_block *batch_of(struct weir_block *block)
{
    return (struct batch_block *)(void *)block->data;
}

static void batch_drop(struct weir_block *block)
{
    struct batch_block *batch = batch_of(block);
    for (size_t i = 0; i < batch->view.count; i++) {
        weir_item_release(&batch->items[i]); /* bytes only: the receipts are in the runs */
    }
    if (batch->group != NULL) {
        wr_receipt_unref(batch->group, batch->seq, batch->seq, WR_ACT_LOAN);
    }
    wr_runs_let_go(&batch->runs, WR_ACT_LOAN);
    wr_runs_fini(&batch->runs);
    wr_free(batch->items);
}

static struct weir_block *batch_new(struct stage_batch *stage)
{
    int why = 0;
    (void)stage;
    struct weir_block *block = wr_block_new(NULL, sizeof(struct batch_block), &why);
    if (block != NULL) {
        memset(block->data, 0, sizeof(struct batch_block));
        block->drop = batch_drop;
    }
    return block;
}

/* One more part; 0 or a code. */
static int batch_add(struct batch_block *batch, const weir_item *item)
{
    if (batch->view.count == batch->cap) {
        size_t cap = batch->cap == 0 ? FIRST_PARTS : batch->cap * 2;
        weir_item *items = wr_realloc(batch->items, cap * sizeof *items);
        if (items == NULL) {
            return WEIR_ENOMEM;
        }
        batch->items = items;
        batch->cap = cap;
    }
    weir_item *part = &batch->items[batch->view.count];
    weir_item plain = *item;
    plain.receipt = NULL;
    int rc = weir_item_keep(part, &plain);
    if (rc < 0) {
        return rc;
    }
    if (item->receipt != NULL) {
        rc = wr_runs_add(&batch->runs, item->receipt, item->seq, item->seq);
        if (rc < 0) {
            weir_item_release(part);
            return rc;
        }
    }
    batch->view.count++;
    batch->view.bytes += item->len;
    return 0;
}

/* Turn the block into the item that is given. */
static int batch_give(struct stage_batch *stage, struct weir_block *block, weir_item *out)
{
    struct batch_block *batch = batch_of(block);
    if (batch->runs.count > 0) {
        batch->group = wr_group_new(&batch->runs);
        if (batch->group == NULL) {
            return WEIR_ENOMEM;
        }
    }
    batch->view.items = batch->items;
    memset(out, 0, sizeof *out);
    out->data = (const char *)&batch->view;
    out->len = batch->view.bytes;
    out->type = &weir_batch_type;
    out->block = block;
    out->receipt = batch->group;
    out->seq = batch->items[batch->view.count - 1].seq;
    batch->seq = out->seq;
    out->origin = batch->items[0].origin;
    out->time_ns = batch->items[0].time_ns;
    stage->given = block;
    return 0;
}

/* More items at stage->pulled; false: none in time (*late), or over. A batch that waits while
 * somebody waits for the loop's budget may be what holds it: it goes before its time. That is
 * looked for at once, and then after pauses that double, so that an idle stream is hardly
 * disturbed. */
static bool refill(struct stage_batch *stage, size_t want, int64_t until_ns, bool *late)
{
    struct weir_gen *up = stage->gen.up;
    struct weir_loop *loop = stage->gen.loop;
    *late = false;
    stage->pulled_at = stage->pulled_count = 0;
    want = WR_MIN(want, (size_t)PULL_ITEMS);
    if (until_ns < 0) {
        stage->pulled_count = wr_pull(up, stage->pulled, want);
        return stage->pulled_count > 0;
    }
    int64_t left_ms, pause_ms = 0;
    do {
        left_ms = WR_MAX((until_ns - wr_now_ns(loop) + 999999) / 1000000, 0);
        stage->pulled_count =
            wr_pull_within(up, stage->pulled, want, WR_MIN(left_ms, pause_ms), late);
        pause_ms = pause_ms == 0 ? LOOK_MS : pause_ms * 2;
    } while (*late && left_ms > 0 && loop->budget.waiters == 0);
    return stage->pulled_count > 0;
}

static size_t batch_next_many(struct weir_gen *gen, weir_item *items, size_t max)
{
    struct stage_batch *stage = WR_OWNER(gen, struct stage_batch, gen);
    (void)max;
    wr_block_unref(stage->given, 1);
    stage->given = NULL;
    if (stage->pulled == NULL) {
        stage->pulled = wr_alloc(PULL_ITEMS * sizeof *stage->pulled);
    }
    struct weir_block *block = stage->pulled != NULL ? batch_new(stage) : NULL;
    if (block == NULL) {
        wr_gen_fail(gen, WEIR_ENOMEM, 0, -1, "no memory for a batch");
        return 0;
    }
    struct batch_block *batch = batch_of(block);
    stage->grows = batch;
    int64_t until_ns = -1;
    int rc = 0;
    bool late = false;
    while (rc == 0 && batch->view.count < stage->items_max &&
           batch->view.bytes < stage->bytes_max) {
        if (stage->pulled_at == stage->pulled_count &&
            (gen->up->state == WR_GEN_OVER ||
             !refill(stage, stage->items_max - batch->view.count, until_ns, &late))) {
            break;
        }
        rc = batch_add(batch, &stage->pulled[stage->pulled_at]);
        stage->pulled_at += rc == 0;
        if (batch->view.count == 1 && stage->wait_ms >= 0) {
            int64_t now_ns = wr_now_ns(gen->loop);
            until_ns = stage->wait_ms > (INT64_MAX - now_ns) / 1000000
                           ? INT64_MAX
                           : now_ns + stage->wait_ms * 1000000;
        }
    }
    stage->grows = NULL;
    if (rc == 0 && batch->view.count > 0) {
        rc = batch_give(stage, block, items);
        if (rc == 0) {
            return 1;
        }
    }
    wr_block_unref(block, 1);
    if (rc < 0) {
        wr_gen_fail(gen, rc, 0, -1, "no memory for a batch");
    }
    return 0;
}

static void batch_close(struct weir_gen *gen)
{
    struct stage_batch *stage = WR_OWNER(gen, struct stage_batch, gen);
    wr_block_unref(stage->given, 1);
    stage->given = NULL;
    wr_free(stage->pulled);
    stage->pulled = NULL;
}

/* A batch goes only when it is full, unless time fills it: then its pull may be late. */
static int64_t batch_held(const struct weir_gen *gen, uint32_t mark)
{
    const struct stage_batch *stage = WR_OWNER((uintptr_t)gen, struct stage_batch, gen);
    int64_t held = 0;
    for (size_t i = 0; stage->grows != NULL && i < stage->grows->view.count; i++) {
        held += wr_block_mark(stage->grows->items[i].block, mark);
    }
    return held;
}

static const struct wr_gen_ops batch_ops = {
    .kind = "batch", .next_many = batch_next_many, .close = batch_close, .held = batch_held};

weir_gen *weir_batch(weir_gen *up, const weir_batch_options *options)
{
    weir_batch_options o = WEIR_ZERO;
    if (options != NULL) {
        WR_TAKE_OPTIONS(o, options);
    }
    struct stage_batch *stage = wr_stage_alloc(up, sizeof *stage, &batch_ops, "batch");
    if (stage != NULL) {
        stage->items_max = o.items_max > 0   ? (size_t)o.items_max
                           : o.items_max < 0 ? SIZE_MAX
                                             : 1000;
        stage->bytes_max = o.bytes_max > 0   ? (size_t)o.bytes_max
                           : o.bytes_max < 0 ? SIZE_MAX
                                             : 1024 * 1024;
        stage->wait_ms = o.wait_ms == 0 ? 1000 : o.wait_ms;
        weir_error error;
        if (wr_limit_wrong(&error, "batch", "items_max", o.items_max) ||
            wr_limit_wrong(&error, "batch", "bytes_max", o.bytes_max) ||
            wr_limit_wrong(&error, "batch", "wait_ms", o.wait_ms)) {
            wr_gen_fail_error(&stage->gen, &error);
        }
    }
    return wr_gen_made(stage != NULL ? &stage->gen : NULL, up);
}

struct batch_args {
    int64_t items_max, bytes_max, wait_ms;
};

static weir_gen *batch_open(const weir_opening *opening, weir_gen *up, const void *args)
{
    const struct batch_args *a = args;
    weir_batch_options options = {.struct_size = sizeof options,
                                  .items_max = a->items_max,
                                  .bytes_max = a->bytes_max,
                                  .wait_ms = a->wait_ms};
    (void)opening;
    return weir_batch(up, &options);
}

static const weir_arg batch_args[] = {
    WEIR_ARG_COUNT(struct batch_args, items_max, .name = "N", .flags = WEIR_ARG_REQUIRED, .min = 1,
                   .help = "items at most"),
    WEIR_ARG_SIZE(struct batch_args, bytes_max, .name = "SIZE", .min = 1, .preset = "1MiB",
                  .help = "bytes at most"),
    WEIR_ARG_TIME(struct batch_args, wait_ms, .name = "within", .form = WEIR_FORM_KEYWORD, .min = 1,
                  .preset = "1s", .help = "from the first item of a group"),
};

const weir_component wr_component_batch = {
    .struct_size = sizeof wr_component_batch,
    .name = "batch",
    .kind = WEIR_KIND_STAGE,
    .takes = WEIR_SHAPES_TEXT,
    .gives = WEIR_SHAPE_BATCH,
    .traits = WEIR_TRAIT_HOLDS_BACK | WEIR_TRAIT_READS_AHEAD,
    .args = batch_args,
    .args_count = sizeof batch_args / sizeof batch_args[0],
    .args_size = sizeof(struct batch_args),
    .help = "Groups of items, given on when full or when the time is over.",
    .example = "gen 1..5 | batch 4 1MiB within 1s",
    .prints = "1\n2\n3\n4\n5\n",
    .open = batch_open,
};
