/*
 * stage_made.h - what stages share that make new bytes of each item: one item in, at most one out,
 * in blocks that are charged to the budget. Internal.
 *
 * Such a stage has a struct wr_made, and a function that reads one item:
 *
 *     static size_t next_many(struct weir_gen *gen, weir_item *items, size_t max)
 *     {
 *         struct my_stage *stage = WR_OWNER(gen, struct my_stage, gen);
 *         return wr_made_next(&stage->made, gen, items, max);
 *     }
 *
 * It pulls as many items as its reader requested. What is made in one call lies one after the other
 * in a block, so no item needs an allocation of its own, and one that is kept pins at most those of
 * its call. The blocks of a call are lent until the next one, which releases them before it pulls: a
 * stage that waits for its upstream holds no block. When the budget has no room, the items that are
 * ready are given first. Those behind them stay lent from upstream and are kept in `rest`; the next
 * call begins with them. Without an item that is ready, it waits for the budget.
 */
#ifndef WR_STAGE_MADE_H
#define WR_STAGE_MADE_H

#include "bytes_block.h"
#include "bytes_item.h"
#include "codec_out.h"
#include "flow_gen.h"

/* What was made stands before the item: it is passed on, and the item is read once more. */
enum { WR_MADE_BEFORE = 2 };

struct wr_made {
    /* Read one item; `left` items of the call are not read, with this one. 1: *item is passed on as
     * it now is. WR_MADE_BEFORE. 0: it was left out. WEIR_EBUDGET: from wr_made_reserve; it is called again. Another
     * negative code: gen has failed. */
    int (*read)(struct weir_gen *gen, weir_item *item, size_t left);
    /* The next n items that are read are these; NULL: it need not be known. */
    void (*begin)(struct weir_gen *gen, const weir_item *items, size_t n);
    /* What gen holds for one item beside blocks and items (wr_gen_scratch), and free what a large one
     * has needed. NULL: nothing that is large. */
    size_t (*scratch)(const struct weir_gen *gen);
    void (*trim)(struct weir_gen *gen);
    struct weir_block *block; /* being filled; NULL: none in this call */
    struct weir_block *lent;  /* all blocks of this call, with `block`; by next */
    weir_item *rest;          /* items of the last pull that are not read yet */
    size_t rest_at, rest_count;
    size_t need; /* of the last wr_made_reserve */
};

size_t wr_made_next(struct wr_made *made, struct weir_gen *gen, weir_item *items, size_t max);
/* The slow part of wr_made_reserve_with: a new block. */
int wr_made_reserve_block(struct wr_made *made, struct weir_gen *gen, size_t each, size_t once,
                          size_t left);
/* Make room for `each` bytes at made->block->data + len, and for `once` bytes that the items after it
 * will share. 0, WEIR_EBUDGET or WEIR_ENOMEM. */
static inline int wr_made_reserve_with(struct wr_made *made, struct weir_gen *gen, size_t each,
                                       size_t once, size_t left)
{
    const struct weir_block *block = made->block;
    made->need = each + once;
    return WR_LIKELY(block != NULL && block->cap - block->len >= made->need)
               ? 0
               : wr_made_reserve_block(made, gen, each, once, left);
}
static inline int wr_made_reserve(struct wr_made *made, struct weir_gen *gen, size_t need,
                                  size_t left)
{
    return wr_made_reserve_with(made, gen, need, 0, left);
}
/* For a stage that makes several items of one, and does not use wr_made_next. The blocks of the last
 * call are released. */
void wr_made_loan_over(struct wr_made *made);
/* After WEIR_EBUDGET, without an item that could be given: wait. 0, or a code: gen has failed. */
int wr_made_wait(struct weir_gen *gen);
/* What is left of the block, to write the next text into; cap 0: there is no block. */
static inline struct wr_out wr_made_room(const struct wr_made *made)
{
    struct weir_block *block = made->block;
    return block != NULL ? (struct wr_out){block->data + block->len, block->cap - block->len, 0}
                         : (struct wr_out){NULL, 0, 0};
}
/* The item is the `len` bytes that were written there; their padded length fits. */
static inline void wr_made_take(struct wr_made *made, weir_item *item, size_t len,
                                const weir_type *type, uint32_t flags)
{
    struct weir_block *block = made->block;
    item->data = block->data + block->len;
    item->len = len;
    item->type = type;
    item->block = block;
    item->flags = flags;
    block->len += (uint32_t)wr_item_padded(len);
    block->time_ns = item->time_ns;
}
/* Charge the scratch; give it back, before a pull. For a stage that does not use wr_made_next. */
static inline void wr_made_charge(const struct wr_made *made, struct weir_gen *gen)
{
    if (made->scratch != NULL) {
        wr_gen_scratch(gen, made->scratch(gen));
    }
}
static inline void wr_made_trim(const struct wr_made *made, struct weir_gen *gen)
{
    if (WR_UNLIKELY(gen->scratch_charged > 0)) {
        made->trim(gen);
        wr_made_charge(made, gen);
    }
}
/* When the stage closes. */
void wr_made_fini(struct wr_made *made);

#endif
