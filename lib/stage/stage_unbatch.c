/*
 * stage_unbatch.c - weir_unbatch and the component `unbatch`: the items in batches, one by one.
 *
 * A batch stays lent from upstream until all its items have been given, and holds their references.
 * Its items are passed on with the receipts that it holds for them, so each settles with what becomes of
 * it. What is
 * no batch is passed on as it is.
 */
#include <weir/module.h>
#include <weir/stage.h>

#include "flow_gen.h"

struct stage_unbatch {
    struct weir_gen gen;
    weir_item batch;
    const weir_item *parts; /* NULL: no batch is being opened */
    size_t at, count, hint;
};

static size_t unbatch_next_many(struct weir_gen *gen, weir_item *items, size_t max)
{
    struct stage_unbatch *stage = WR_OWNER(gen, struct stage_unbatch, gen);
    while (stage->at == stage->count) {
        if (wr_pull(gen->up, &stage->batch, 1) == 0) {
            return 0;
        }
        stage->count = weir_item_parts(&stage->batch, &stage->parts);
        stage->at = stage->hint = 0;
    }
    size_t n = WR_MIN(max, stage->count - stage->at);
    memcpy(items, stage->parts + stage->at, n * sizeof *items);
    stage->at += n;
    for (size_t i = 0; i < n && wr_item_is_batch(&stage->batch); i++) {
        wr_part_vouch(&stage->batch, &items[i], &stage->hint);
    }
    return n;
}

static const struct wr_gen_ops unbatch_ops = {.kind = "unbatch", .next_many = unbatch_next_many};

weir_gen *weir_unbatch(weir_gen *up)
{
    struct stage_unbatch *stage = wr_stage_alloc(up, sizeof *stage, &unbatch_ops, "unbatch");
    return wr_gen_made(stage != NULL ? &stage->gen : NULL, up);
}

static weir_gen *unbatch_open(const weir_opening *opening, weir_gen *up, const void *args)
{
    (void)opening;
    (void)args;
    return weir_unbatch(up);
}

/* What is in a batch is not known before it is there. */
static uint32_t unbatch_gives(const void *args, uint32_t shape)
{
    const uint32_t any = (uint32_t)WEIR_SHAPE_LINE | WEIR_SHAPE_JSON | WEIR_SHAPE_EVENT;
    (void)args;
    return (shape & WEIR_SHAPE_BATCH) != 0 ? (shape & ~(uint32_t)WEIR_SHAPE_BATCH) | any : shape;
}

const weir_component wr_component_unbatch = {
    .struct_size = sizeof wr_component_unbatch,
    .name = "unbatch",
    .kind = WEIR_KIND_STAGE,
    .takes = WEIR_SHAPES_ALL & ~(uint32_t)WEIR_SHAPE_BYTES,
    .gives = WEIR_SHAPE_LINE | WEIR_SHAPE_JSON | WEIR_SHAPE_EVENT,
    .gives_of = unbatch_gives,
    .traits = WEIR_TRAIT_PURE,
    .help = "The items in batches one by one; what is no batch as it is.",
    .example = "gen 1..5 | batch 4 | unbatch | head 2",
    .prints = "1\n2\n",
    .open = unbatch_open,
};
