/*
 * source_count.c - weir_count: numbers as decimal lines, in batches, written straight into a block.
 */
#include <weir/source.h>

#include <stdio.h>
#include <string.h>

#include "flow_gen.h"

enum { NUMBER_MAX = 21, BLOCK_BYTES = 16 * 1024 };

struct source_count {
    struct weir_gen gen;
    int64_t next, last; /* last < 0 with endless: no end */
    bool endless, done;
    struct weir_block *lent;
};

static size_t count_next_many(struct weir_gen *gen, weir_item *items, size_t max)
{
    struct source_count *count = WR_OWNER(gen, struct source_count, gen);
    int why = 0;
    wr_block_unref(count->lent, 1);
    count->lent = NULL;
    if (count->done || (!count->endless && count->next > count->last)) {
        return 0;
    }
    struct weir_block *block = wr_block_new(&gen->loop->blocks, BLOCK_BYTES, &why);
    if (block == NULL) {
        wr_gen_fail(gen, why, 0, -1, "no memory for numbers");
        return 0;
    }
    count->lent = block;
    size_t n = 0;
    while (n < max && block->len + NUMBER_MAX + 1 <= block->cap && !count->done) {
        char *to = block->data + block->len;
        int len = snprintf(to, NUMBER_MAX + 1, "%lld\n", (long long)count->next);
        memset(&items[n], 0, sizeof items[n]);
        items[n].data = to;
        items[n].len = (size_t)len - 1;
        items[n].block = block;
        items[n].time_ns = gen->loop->now_unix_ns;
        block->len += (uint32_t)len;
        n++;
        count->done = count->next == INT64_MAX || (!count->endless && count->next == count->last);
        count->next += !count->done;
    }
    wr_source_give(gen, items, n);
    return n;
}

static void count_close(struct weir_gen *gen)
{
    struct source_count *count = WR_OWNER(gen, struct source_count, gen);
    wr_block_unref(count->lent, 1);
    count->lent = NULL;
}

static const struct wr_gen_ops count_ops = {
    .kind = "count", .next_many = count_next_many, .close = count_close, .is_source = true};

weir_gen *weir_count(weir_scope *scope, int64_t first, int64_t last)
{
    struct source_count *count = wr_gen_alloc(scope, sizeof *count, &count_ops, "count");
    if (count != NULL) {
        count->next = first;
        count->last = last;
        count->endless = last == WEIR_NONE;
    }
    return wr_gen_made(count != NULL ? &count->gen : NULL, NULL);
}
