/*
 * stage_batch.c - weir_batch: groups of items; full by count, bytes, or time since the first item.
 *
 * Upstream writes its items directly into the array of the growing batch. Data outside of a block
 * is copied. A run of items in one block takes its references to the block in one step; a run of
 * receipts is handled in the same way. Pulled items beyond the byte limit stay lent from upstream
 * and begin the next batch. A batch that was given is in its own block, which holds all this with a
 * group receipt. To keep the batch is to keep that block. While the stage waits for more items
 * within wait_ms, its pull stays pending (wr_pull_within).
 *
 * The array is charged to the loop's budget, except the first FIRST_PARTS items of a growing batch
 * when no other batch is alive. When the array may not grow, a batch with a time limit is given as
 * it is; one without waits for the budget. While earlier batches are alive, no new one begins
 * without budget: the owners of the earlier ones release theirs. So a chain holds no more than the
 * budget and one batch.
 */
#include <weir/module.h>
#include <weir/stage.h>

#include <string.h>

#include "base_alloc.h"
#include "base_option.h"
#include "bytes_item.h"
#include "flow_gen.h"

enum {
    PULL_ITEMS = 256,
    FIRST_PARTS = 64,
    LOOK_MS = 10,
    BATCH_BYTES = 256 /* charged for a batch besides its items: two small allocations */
};

/* Counts the batches that are alive: one reference for each, and one for the stage. */
struct alive {
    size_t refs;
    struct wr_budget *budget;
};

struct stage_batch {
    struct weir_gen gen;
    size_t items_max, bytes_max;
    int64_t wait_ms;
    struct weir_block *given; /* the batch of the last call */
    struct alive *alive;
    /* the growing batch, during a call */
    weir_item *items;
    size_t count, cap, bytes, charged;
    struct wr_runs runs; /* the receipts of the items */
    struct wr_copies copies;
    size_t expected; /* the number of items in the last batch */
    weir_item *left; /* PULL_ITEMS; [left_at, left_end) belong to the next batch */
    size_t left_at, left_end;
};

/* The content of a batch's block. */
struct batch {
    struct wr_batch_view view;
    weir_item *items;
    struct weir_receipt *group; /* NULL: no item had a receipt */
    uint64_t seq;
    size_t charged;
    struct alive *alive;
};

static void unref_blocks(const weir_item *items, size_t count)
{
    for (size_t i = 0; i < count;) {
        uint32_t same = 1;
        while (i + same < count && items[i + same].block == items[i].block) {
            same++;
        }
        wr_block_unref(items[i].block, same);
        i += same;
    }
}

static void alive_unref(struct alive *alive)
{
    if (alive != NULL && --alive->refs == 0) {
        wr_free(alive);
    }
}

static void batch_drop(struct weir_block *block)
{
    struct batch *batch = (struct batch *)(void *)block->data;
    unref_blocks(batch->items, batch->view.count);
    if (batch->group != NULL) {
        struct wr_run run = wr_run_of(batch->group, batch->seq);
        wr_run_unref(&run, WR_ACT_LOAN);
    }
    wr_free(batch->items);
    wr_budget_release_slots(batch->alive->budget, batch->charged);
    alive_unref(batch->alive);
}

/* Give up the growing batch: nobody has seen its items. */
static void drop_growing(struct stage_batch *stage)
{
    unref_blocks(stage->items, stage->count);
    wr_runs_let_go(&stage->runs, WR_ACT_ABANDON);
    wr_free(stage->items);
    if (stage->charged > 0) {
        wr_budget_release_slots(&stage->gen.loop->budget, stage->charged);
    }
    stage->items = NULL;
    stage->count = stage->cap = stage->bytes = stage->charged = 0;
}

/* ---- memory */

/* The budget is used up. 0: try again; 1: give the batch as it is; negative: gen has failed. */
static int wait_for_budget(struct stage_batch *stage)
{
    struct weir_gen *gen = &stage->gen;
    if (stage->count > 0 && stage->wait_ms >= 0) {
        return 1;
    }
    int rc = wr_budget_wait(gen->loop, &gen->object);
    if (rc == WEIR_EBUDGET) {
        wr_gen_fail_starved(gen, -1);
    } else if (rc < 0) {
        wr_gen_fail(gen, rc, 0, -1, "%s", wr_code_text(rc));
    }
    return rc;
}

static int no_memory(struct stage_batch *stage)
{
    drop_growing(stage);
    return wr_gen_fail(&stage->gen, WEIR_ENOMEM, 0, -1, "no memory for a batch");
}

static int resize(struct stage_batch *stage, size_t cap)
{
    weir_item *items = wr_realloc(stage->items, cap * sizeof *items);
    if (items == NULL) {
        return no_memory(stage);
    }
    stage->items = items;
    stage->cap = cap;
    return 0;
}

static bool charge(struct stage_batch *stage, size_t items)
{
    size_t bytes = items * sizeof *stage->items;
    if (!wr_budget_charge_slots(&stage->gen.loop->budget, bytes)) {
        return false;
    }
    stage->charged += bytes;
    return true;
}

static int grow(struct stage_batch *stage)
{
    size_t twice = stage->cap > SIZE_MAX / 2 ? SIZE_MAX : stage->cap * 2;
    size_t cap = WR_MIN(stage->items_max, twice);
    while (!charge(stage, cap - stage->cap)) {
        int rc = wait_for_budget(stage);
        if (rc != 0) {
            return rc;
        }
    }
    return resize(stage, cap);
}

/* Begin a new batch. 0, or negative: gen has failed. */
static int begin(struct stage_batch *stage)
{
    size_t cap = WR_MIN(stage->items_max, WR_MAX(stage->expected, (size_t)FIRST_PARTS));
    if (stage->left == NULL) {
        stage->left = wr_alloc(PULL_ITEMS * sizeof *stage->left);
        stage->alive = stage->left != NULL ? wr_alloc(sizeof *stage->alive) : NULL;
        if (stage->alive == NULL) {
            return no_memory(stage);
        }
        *stage->alive = (struct alive){1, &stage->gen.loop->budget};
    }
    while ((stage->alive->refs == 1 && cap <= FIRST_PARTS) || !charge(stage, cap)) {
        if (stage->alive->refs == 1) {
            return resize(stage, WR_MIN(cap, (size_t)FIRST_PARTS));
        }
        int rc = wait_for_budget(stage);
        if (rc < 0) {
            return rc;
        }
    }
    return resize(stage, cap);
}

/* ---- filling */

/* Pull up to `want` items to the end of the batch; 0: none in time, or upstream has ended. When a
 * task waits for the loop's budget, this batch may hold that budget, so it is given early. This is
 * checked at once, and then after pauses that double, to disturb an idle stream as little as
 * possible. */
static size_t pull(struct stage_batch *stage, size_t want, int64_t until_ns)
{
    struct weir_gen *up = stage->gen.up;
    struct weir_loop *loop = stage->gen.loop;
    weir_item *to = stage->items + stage->count;
    if (until_ns < 0) {
        return wr_pull(up, to, want);
    }
    int64_t left_ms, pause_ms = 0;
    size_t n;
    bool late;
    do {
        left_ms = WR_MAX((until_ns - wr_now_ns(loop) + 999999) / 1000000, 0);
        n = wr_pull_within(up, to, want, WR_MIN(left_ms, pause_ms), &late);
        pause_ms = pause_ms == 0 ? LOOK_MS : pause_ms * 2;
    } while (late && left_ms > 0 && loop->budget.waiters == 0);
    return n;
}

/* Add up to n items, stored after the batch's last one, until its byte limit. Returns how many.
 * *rc: the code when the next item could not be copied, or WEIR_ENOMEM. */
static size_t take(struct stage_batch *stage, size_t n, int *rc)
{
    weir_item *items = stage->items + stage->count;
    struct weir_block *block = NULL;
    uint32_t refs = 0;
    size_t taken = 0;
    while (taken < n && stage->bytes < stage->bytes_max) {
        weir_item *item = &items[taken];
        if (item->block != block || block == NULL) {
            if (refs > 0) {
                wr_block_ref(block, refs);
            }
            block = item->block;
            refs = 0;
            if (block == NULL && item->data != NULL) {
                *rc = wr_copies_add(&stage->copies, &stage->gen.loop->blocks, item);
                if (*rc < 0) {
                    break;
                }
            }
        }
        refs += block != NULL;
        stage->bytes += item->len;
        taken++;
    }
    if (refs > 0) {
        wr_block_ref(block, refs);
    }
    stage->count += taken;
    if (wr_runs_add_items(&stage->runs, items, taken) < 0) {
        *rc = WEIR_ENOMEM;
    }
    for (size_t i = 0; i < taken; i++) {
        items[i].receipt = NULL;
    }
    return taken;
}

/* Add more items. 0; 1: give the batch as it is; negative: gen has failed. */
static int fill(struct stage_batch *stage, int64_t until_ns)
{
    int rc = 0;
    if (stage->count == stage->cap) {
        rc = grow(stage);
        if (rc != 0) {
            return rc;
        }
    }
    weir_item *to = stage->items + stage->count;
    size_t room = stage->cap - stage->count, n = stage->left_end - stage->left_at;
    if (n > 0) {
        n = WR_MIN(n, room);
        memcpy(to, stage->left + stage->left_at, n * sizeof *to);
        stage->left_at += take(stage, n, &rc);
    } else {
        if (stage->gen.up->state == WR_GEN_OVER ||
            (n = pull(stage, WR_MIN(room, (size_t)PULL_ITEMS), until_ns)) == 0) {
            return 1;
        }
        size_t taken = take(stage, n, &rc);
        stage->left_at = 0;
        stage->left_end = n - taken;
        memcpy(stage->left, to + taken, (n - taken) * sizeof *to);
    }
    switch (rc) {
    case 0: return 0;
    case WEIR_EBUDGET: return wait_for_budget(stage);
    case WEIR_ENOMEM: return no_memory(stage);
    default: return wr_gen_fail(&stage->gen, rc, 0, -1, "%s", wr_code_text(rc));
    }
}

/* Make the item to give from the finished batch. */
static int give(struct stage_batch *stage, weir_item *out)
{
    struct wr_budget *budget = &stage->gen.loop->budget;
    int why = 0;
    struct weir_block *block = wr_block_new(NULL, sizeof(struct batch), &why);
    if (block == NULL) {
        return no_memory(stage);
    }
    struct batch *batch = (struct batch *)(void *)block->data;
    struct weir_receipt *group = stage->runs.count > 0 ? wr_group_new(&stage->runs) : NULL;
    if (stage->runs.count > 0) {
        wr_block_unref(block, 1);
        return no_memory(stage);
    }
    size_t count = stage->count, bytes = count * sizeof *stage->items;
    weir_item *items = stage->cap > count ? wr_realloc(stage->items, bytes) : NULL;
    items = items != NULL ? items : stage->items;
    *batch = (struct batch){.view = {count, stage->bytes, items},
                            .items = items,
                            .group = group,
                            .seq = items[count - 1].seq,
                            .charged = bytes + BATCH_BYTES,
                            .alive = stage->alive};
    if (stage->charged < batch->charged) {
        wr_budget_take_slots(budget, batch->charged - stage->charged);
    } else {
        wr_budget_release_slots(budget, stage->charged - batch->charged);
    }
    stage->alive->refs++;
    block->drop = batch_drop;
    *out = (weir_item){.data = (const char *)&batch->view,
                       .len = stage->bytes,
                       .type = &weir_batch_type,
                       .block = block,
                       .receipt = group,
                       .seq = batch->seq,
                       .time_ns = items[0].time_ns,
                       .origin = items[0].origin};
    stage->given = block;
    stage->expected = count;
    stage->items = NULL;
    stage->count = stage->cap = stage->bytes = stage->charged = 0;
    return 0;
}

static int64_t deadline_ns(const struct stage_batch *stage)
{
    int64_t now_ns = wr_now_ns(stage->gen.loop);
    return stage->wait_ms > (INT64_MAX - now_ns) / 1000000 ? INT64_MAX
                                                           : now_ns + stage->wait_ms * 1000000;
}

static size_t batch_next_many(struct weir_gen *gen, weir_item *items, size_t max)
{
    struct stage_batch *stage = WR_OWNER(gen, struct stage_batch, gen);
    int64_t until_ns = -1;
    (void)max;
    wr_block_unref(stage->given, 1);
    stage->given = NULL;
    if (gen->failure != NULL) {
        return 0; /* the items before the failure were the last batch */
    }
    int rc = begin(stage);
    while (rc == 0 && stage->count < stage->items_max && stage->bytes < stage->bytes_max) {
        rc = fill(stage, until_ns);
        if (stage->count > 0 && until_ns < 0 && stage->wait_ms >= 0) {
            until_ns = deadline_ns(stage);
        }
    }
    if (stage->count > 0) {
        return give(stage, items) == 0;
    }
    drop_growing(stage);
    return 0;
}

static void batch_close(struct weir_gen *gen)
{
    struct stage_batch *stage = WR_OWNER(gen, struct stage_batch, gen);
    wr_block_unref(stage->given, 1);
    stage->given = NULL;
    wr_copies_fini(&stage->copies);
    wr_runs_fini(&stage->runs);
    alive_unref(stage->alive);
    stage->alive = NULL;
    wr_free(stage->left);
    stage->left = NULL;
}

/* The growing batch stays until it is full. With a time limit it may be given before that, while
 * its pull is still pending. */
static int64_t batch_held(const struct weir_gen *gen, uint32_t mark)
{
    const struct stage_batch *stage = WR_OWNER((uintptr_t)gen, struct stage_batch, gen);
    int64_t held = (int64_t)stage->charged;
    for (size_t i = 0; i < stage->count; i++) {
        held += wr_block_mark(stage->items[i].block, mark);
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
    WEIR_ARG_COUNT(struct batch_args, items_max, .name = "N",
                   .flags = WEIR_ARG_REQUIRED | WEIR_ARG_HOLDS, .min = 1, .help = "items at most"),
    WEIR_ARG_SIZE(struct batch_args, bytes_max, .name = "SIZE", .flags = WEIR_ARG_HOLDS, .min = 1,
                  .preset = "1MiB", .help = "bytes at most"),
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
    .help = "Groups of items; a group is passed on when it is full or its time limit is reached.",
    .example = "gen 1..5 | batch 4 1MiB within 1s",
    .prints = "1\n2\n3\n4\n5\n",
    .open = batch_open,
};
