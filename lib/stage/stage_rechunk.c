/*
 * stage_rechunk.c - weir_rechunk and the component `rechunk`: a stream as pieces of one size.
 *
 * The texts of the items are one stream, as a sink writes it: lines have their line ends. Where a
 * whole piece lies in one item, it is a slice of that item's bytes and is not copied. Else the piece
 * is put together in a block of its own, in which each byte is copied once; so the time is that of
 * the bytes, however large or small the items are.
 *
 * A piece stands for all items that it has bytes of: a group of their receipts. The item that is
 * cut now stays lent from upstream, and so do slices of it: a call does not pull once it has given a
 * piece. Between two calls the stage holds at most one piece that is not full.
 */
#include <weir/module.h>
#include <weir/stage.h>

#include "base_alloc.h"
#include "base_option.h"
#include "bytes_line.h"
#include "flow_gen.h"

enum { PULL_ITEMS = 64 };

/* A piece of the last call. */
struct given {
    struct weir_block *block; /* NULL: it is a slice */
    struct wr_run run;        /* its group; receipt NULL: none */
};

struct stage_rechunk {
    struct weir_gen gen;
    size_t size;
    weir_scratch scratch;
    weir_item *in; /* PULL_ITEMS, lent; [in_at, in_end) are not used up */
    size_t in_at, in_end;
    /* the stream of in[in_at]: what is left of a line end before it, its text, its line end */
    bool begun, owes;
    weir_slice left[3];
    struct weir_block *block; /* the piece that grows; NULL: none */
    struct wr_runs runs;      /* the items in it */
    weir_item last;           /* ... the last of them: number, origin, time */
    struct given given[PULL_ITEMS];
    size_t given_count;
};

static void over_loan(struct stage_rechunk *stage)
{
    for (size_t i = 0; i < stage->given_count; i++) {
        wr_block_unref(stage->given[i].block, 1);
        if (stage->given[i].run.receipt != NULL) {
            wr_run_unref(&stage->given[i].run, WR_ACT_LOAN);
        }
    }
    stage->given_count = 0;
}

static int no_memory(struct stage_rechunk *stage)
{
    return wr_gen_fail(&stage->gen, WEIR_ENOMEM, 0, -1, "no memory for a piece");
}

/* Begin with in[in_at]. 0 or a code. */
static int begin(struct stage_rechunk *stage)
{
    const weir_item *item = &stage->in[stage->in_at];
    if (!wr_gen_text(&stage->gen, item, &stage->left[1], &stage->scratch)) {
        return stage->gen.failure->code;
    }
    struct wr_line_ends ends = wr_line_ends(item->flags, &stage->owes);
    stage->left[0] = (weir_slice){"\n", ends.before};
    stage->left[2] = (weir_slice){ends.end, ends.len};
    stage->begun = true;
    return 0;
}

/* The piece has bytes of in[in_at]. 0 or a code. */
static int stand_for(struct stage_rechunk *stage)
{
    const weir_item *item = &stage->in[stage->in_at];
    bool known = stage->last.receipt == item->receipt && stage->last.seq == item->seq &&
                 stage->runs.count > 0;
    stage->last = *item;
    return known || wr_runs_add_items(&stage->runs, item, 1) == 0 ? 0 : no_memory(stage);
}

/* Give a piece, which is in a block of its own or a slice. 1, or a code. */
static int give(struct stage_rechunk *stage, weir_item *out, weir_slice bytes,
                struct weir_block *holds, struct weir_block *own)
{
    struct weir_receipt *group = NULL;
    if (stage->runs.count > 0 && (group = wr_group_new(&stage->runs)) == NULL) {
        return no_memory(stage);
    }
    *out = (weir_item){.data = bytes.data,
                       .len = bytes.len,
                       .flags = WEIR_ITEM_BYTES,
                       .block = holds,
                       .receipt = group,
                       .seq = stage->last.seq,
                       .time_ns = stage->last.time_ns,
                       .origin = stage->last.origin};
    stage->given[stage->given_count++] = (struct given){
        own, group != NULL ? wr_run_of(group, out->seq) : (struct wr_run){NULL, 0, 0}};
    return 1;
}

static int give_block(struct stage_rechunk *stage, weir_item *out)
{
    struct weir_block *block = stage->block;
    int rc = give(stage, out, (weir_slice){block->data, block->len}, block, block);
    stage->block = rc > 0 ? NULL : block;
    return rc;
}

static int new_block(struct stage_rechunk *stage)
{
    struct weir_gen *gen = &stage->gen;
    int rc = 0;
    while (rc == 0 && (stage->block = wr_block_new(&gen->loop->blocks, stage->size, &rc)) == NULL) {
        if (rc != WEIR_EBUDGET) {
            return no_memory(stage);
        }
        if (stage->given_count > 0) {
            return WEIR_EBUDGET; /* what was given is used first */
        }
        rc = wr_budget_wait(gen->loop, &gen->object);
        if (rc < 0) {
            return rc == WEIR_EBUDGET ? wr_gen_fail_starved(gen, -1)
                                      : wr_gen_fail(gen, rc, 0, -1, "%s", wr_code_text(rc));
        }
    }
    return 0;
}

/* Use up some of the item. 1: a piece was given; 0: go on; WEIR_EBUDGET without a failure: give what
 * there is; another code: the stage has failed. */
static int cut(struct stage_rechunk *stage, weir_item *out)
{
    size_t part = 0;
    while (part < 3 && stage->left[part].len == 0) {
        part++;
    }
    if (part == 3) {
        stage->begun = false;
        stage->in_at++;
        return 0;
    }
    weir_slice *left = &stage->left[part];
    const weir_item *item = &stage->in[stage->in_at];
    int rc = stand_for(stage);
    if (rc < 0) {
        return rc;
    }
    /* Text in the scratch changes with the next item, so only bytes of the item are lent. */
    if (part == 1 && stage->block == NULL && left->len >= stage->size &&
        (item->block == NULL ||
         (uintptr_t)left->data - (uintptr_t)item->block->data <= item->block->cap)) {
        weir_slice piece = {left->data, stage->size};
        left->data += stage->size;
        left->len -= stage->size;
        return give(stage, out, piece, item->block, NULL);
    }
    rc = stage->block == NULL ? new_block(stage) : 0;
    if (rc < 0) {
        return rc;
    }
    size_t n = WR_MIN(left->len, stage->size - stage->block->len);
    memcpy(stage->block->data + stage->block->len, left->data, n);
    stage->block->len += (uint32_t)n;
    stage->block->time_ns = item->time_ns;
    left->data += n;
    left->len -= n;
    return stage->block->len == stage->size ? give_block(stage, out) : 0;
}

/* Fetch more items. 1; 0: there are none; or a code. */
static int fetch(struct stage_rechunk *stage)
{
    struct weir_gen *gen = &stage->gen;
    if (stage->in == NULL && (stage->in = wr_alloc(PULL_ITEMS * sizeof *stage->in)) == NULL) {
        return no_memory(stage);
    }
    stage->in_at = 0;
    stage->in_end = gen->up->state != WR_GEN_OVER ? wr_pull(gen->up, stage->in, PULL_ITEMS) : 0;
    return stage->in_end > 0;
}

static size_t rechunk_next_many(struct weir_gen *gen, weir_item *items, size_t max)
{
    struct stage_rechunk *stage = WR_OWNER(gen, struct stage_rechunk, gen);
    size_t n = 0;
    int rc = 0;
    over_loan(stage);
    max = WR_MIN(max, (size_t)PULL_ITEMS);
    while (rc >= 0 && n < max) {
        if (stage->in_at < stage->in_end) {
            rc = stage->begun ? 0 : begin(stage);
            rc = rc == 0 ? cut(stage, &items[n]) : rc;
            n += rc > 0;
            continue;
        }
        if (n > 0) {
            break; /* a pull would end the loan of the slices */
        }
        rc = fetch(stage);
        if (rc == 0) {
            return stage->block != NULL && give_block(stage, items) > 0;
        }
    }
    return n;
}

static void rechunk_close(struct weir_gen *gen)
{
    struct stage_rechunk *stage = WR_OWNER(gen, struct stage_rechunk, gen);
    over_loan(stage);
    wr_block_unref(stage->block, 1);
    stage->block = NULL;
    wr_runs_let_go(&stage->runs, WR_ACT_LOAN);
    wr_runs_fini(&stage->runs);
    weir_scratch_free(&stage->scratch);
    wr_free(stage->in);
    stage->in = NULL;
}

static int64_t rechunk_held(const struct weir_gen *gen, uint32_t mark)
{
    return wr_block_mark(WR_OWNER((uintptr_t)gen, struct stage_rechunk, gen)->block, mark);
}

static const struct wr_gen_ops rechunk_ops = {.kind = "rechunk",
                                              .next_many = rechunk_next_many,
                                              .close = rechunk_close,
                                              .held = rechunk_held};

weir_gen *weir_rechunk(weir_gen *up, int64_t bytes)
{
    struct stage_rechunk *stage = wr_stage_alloc(up, sizeof *stage, &rechunk_ops, "rechunk");
    if (stage != NULL) {
        stage->size = (size_t)bytes;
        if (bytes < 1 || bytes > INT32_MAX) {
            (void)wr_gen_fail(&stage->gen, WEIR_EINVAL, 0, -1,
                              "bytes is %lld: it must be at least 1 and less than 2 GiB",
                              (long long)bytes);
        }
    }
    return wr_gen_made(stage != NULL ? &stage->gen : NULL, up);
}

struct rechunk_args {
    int64_t bytes;
};

static weir_gen *rechunk_open(const weir_opening *opening, weir_gen *up, const void *args)
{
    (void)opening;
    return weir_rechunk(up, ((const struct rechunk_args *)args)->bytes);
}

static const weir_arg rechunk_args[] = {
    WEIR_ARG_SIZE(struct rechunk_args, bytes, .name = "SIZE",
                  .flags = WEIR_ARG_REQUIRED | WEIR_ARG_HOLDS, .min = 1, .max = INT32_MAX,
                  .help = "of each piece; the last one may be shorter"),
};

const weir_component wr_component_rechunk = {
    .struct_size = sizeof wr_component_rechunk,
    .name = "rechunk",
    .kind = WEIR_KIND_STAGE,
    .takes = WEIR_SHAPES_TEXT,
    .gives = WEIR_SHAPE_BYTES,
    .traits = WEIR_TRAIT_HOLDS_BACK | WEIR_TRAIT_STATE_REPLAYS | WEIR_TRAIT_PIECES,
    .args = rechunk_args,
    .args_count = sizeof rechunk_args / sizeof rechunk_args[0],
    .args_size = sizeof(struct rechunk_args),
    .help = "The bytes of the stream in pieces of one size, whatever the size of its items: lines "
            "with their line ends.",
    .example = "gen 1..6 | rechunk 5B",
    .prints = "1\n2\n3\n4\n5\n6\n",
    .open = rechunk_open,
};
