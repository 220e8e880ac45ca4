/*
 * stage_made.c - one item in, new bytes out (stage_made.h). A block is as large as the items that are
 * left in the call need, judged by the one that begins it: one that arrives alone has a small block.
 * It suspends in wr_made_next only: at the pull, between two items when it has run for long, and when
 * it waits for the budget.
 */
#include "stage_made.h"

#include <stdio.h>
#include <string.h>

#include "base_alloc.h"
#include "flow_dead.h"

enum { LARGE_BYTES = 8 * 1024 }; /* a smaller item needs less than WR_SCRATCH_BYTES */

void wr_made_loan_over(struct wr_made *made)
{
    while (made->lent != NULL) {
        struct weir_block *block = made->lent;
        made->lent = block->next;
        wr_block_unref(block, 1);
    }
    made->block = NULL;
}

void wr_made_fini(struct wr_made *made)
{
    wr_made_loan_over(made);
    wr_free(made->rest);
    made->rest = NULL;
}

int wr_made_reserve_block(struct wr_made *made, struct weir_gen *gen, size_t each, size_t once,
                          size_t left)
{
    int why = 0;
    size_t need = each + once;
    struct wr_block_pool *pool = &gen->loop->blocks;
    size_t all = left > 1 ? each / 8 * 9 * left + once : need; /* some are longer */
    struct weir_block *block =
        wr_block_new(pool, WR_MAX(need, WR_MIN(all, (size_t)WR_BLOCK_BYTES)), &why);
    if (block == NULL && why == WEIR_EBUDGET && all > need) {
        block = wr_block_new(pool, need, &why);
    }
    if (block == NULL) {
        return why;
    }
    block->next = made->lent;
    made->lent = made->block = block;
    return 0;
}

/* Keep the items at the end of a call for the next one. While there is a rest they came from it, and
 * are still in it. 0, or WEIR_ENOMEM and the stage has failed. */
static int keep_rest(struct wr_made *made, struct weir_gen *gen, const weir_item *items,
                     size_t count)
{
    if (made->rest != NULL) {
        made->rest_at -= count;
        return 0;
    }
    weir_item *rest = wr_alloc(count * sizeof *rest);
    if (rest == NULL) {
        return wr_gen_fail(gen, WEIR_ENOMEM, 0, -1, "no memory for items");
    }
    memcpy(rest, items, count * sizeof *rest);
    made->rest = rest;
    made->rest_at = 0;
    made->rest_count = count;
    return 0;
}

static size_t take_rest(struct wr_made *made, weir_item *items, size_t max)
{
    size_t n = WR_MIN(max, made->rest_count - made->rest_at);
    memcpy(items, made->rest + made->rest_at, n * sizeof *items);
    made->rest_at += n;
    if (made->rest_at == made->rest_count) {
        wr_free(made->rest);
        made->rest = NULL;
    }
    return n;
}

int wr_made_wait(struct weir_gen *gen)
{
    int rc = wr_budget_wait(gen->loop, &gen->object);
    if (rc == WEIR_EBUDGET) {
        return wr_gen_fail_starved(gen, -1);
    }
    return rc < 0 ? wr_gen_fail(gen, rc, 0, -1, "%s", wr_code_text(rc)) : 0;
}

/* There is no memory for the item, which is the first one that is left. Is it too large, and nobody
 * can release some? Then it is rejected; all others are a failure. 1: it is; 0: there is memory now; or
 * a code: the stage has failed. */
static int wait_or_reject(struct wr_made *made, struct weir_gen *gen, const weir_item *item)
{
    int64_t budget = gen->loop->budget.limit;
    if ((int64_t)made->need <= budget / 8) {
        return wr_made_wait(gen);
    }
    int rc = wr_budget_wait(gen->loop, &gen->object);
    if (rc == WEIR_EBUDGET) {
        char why[160];
        snprintf(
            why, sizeof why,
            "what is made of it does not fit into the byte budget of %lld bytes; --mem SIZE sets "
            "a larger one",
            (long long)budget);
        rc = wr_gen_reject(gen, item, rc, why);
        return rc < 0 ? rc : 1;
    }
    return rc < 0 ? wr_gen_fail(gen, rc, 0, -1, "%s", wr_code_text(rc)) : 0;
}

/* Read n items, in place. Returns how many are passed on; the stage may have failed after them. */
static size_t read_items(struct wr_made *made, struct weir_gen *gen, weir_item *items, size_t n)
{
    size_t ready = 0;
    if (made->begin != NULL) {
        made->begin(gen, items, n);
    }
    for (size_t i = 0; i < n;) {
        weir_item item = items[i];
        bool large = item.len > LARGE_BYTES;
        int rc = made->read(gen, &item, n - i);
        if (large) {
            wr_made_charge(made, gen);
        }
        if (rc == WEIR_EBUDGET && gen->failure == NULL) {
            if (ready > 0) {
                (void)keep_rest(made, gen, items + i, n - i);
                return ready;
            }
            rc = wait_or_reject(made, gen, &items[i]);
            if (rc == 0) {
                continue;
            }
            rc = rc == 1 ? 0 : rc; /* rejected */
        }
        if (rc < 0) {
            return ready;
        }
        if (rc == WR_MADE_BEFORE && ready == i) { /* no place for one more */
            (void)keep_rest(made, gen, items + i, n - i);
            items[ready++] = item;
            return ready;
        }
        if (rc > 0) {
            items[ready++] = item;
        }
        i += rc != WR_MADE_BEFORE;
        rc = wr_turn(gen->loop, &gen->object); /* a text may be long, and slow to read */
        if (rc < 0) {
            (void)wr_gen_fail(gen, rc, 0, -1, "%s", wr_code_text(rc));
            return ready;
        }
    }
    return ready;
}

size_t wr_made_next(struct wr_made *made, struct weir_gen *gen, weir_item *items, size_t max)
{
    wr_made_loan_over(made);
    size_t ready = 0;
    while (ready == 0 && gen->failure == NULL) {
        if (made->rest == NULL) {
            wr_made_trim(made, gen);
        }
        size_t n = made->rest != NULL ? take_rest(made, items, max) : wr_pull(gen->up, items, max);
        if (n == 0) {
            return 0;
        }
        ready = read_items(made, gen, items, n);
        wr_made_charge(made, gen);
    }
    return ready;
}
