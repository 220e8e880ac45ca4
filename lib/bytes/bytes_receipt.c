/*
 * bytes_receipt.c - groups, and the runs of items that somebody holds.
 *
 * A group lies in one piece of memory with its runs and goes with its last reference. Items that
 * are put, batched or yielded together mostly follow each other, so a run is looked for before the
 * books of an origin are touched: they are touched once for all of it.
 */
#include "bytes_receipt.h"

#include <string.h>

#include "base_alloc.h"
#include "base_error.h"
#include "bytes_origin.h"

struct wr_group {
    struct weir_receipt receipt;
    uint32_t refs;
    size_t count;
    struct wr_run runs[];
};

static struct wr_group *group_of(struct weir_receipt *receipt)
{
    return WR_OWNER(receipt, struct wr_group, receipt);
}

/* ---- both kinds */

int wr_receipt_ref(struct weir_receipt *receipt, uint64_t first, uint64_t last)
{
    if (receipt->kind == WR_RECEIPT_ORIGIN) {
        return wr_origin_ref(wr_origin_of(receipt), first, last);
    }
    group_of(receipt)->refs += (uint32_t)(last - first + 1);
    return 0;
}

/* A sink has some of the group: its origins learn of it before the whole settles. */
static void committed_some(const struct wr_group *group)
{
    for (size_t i = 0; i < group->count; i++) {
        const struct wr_run *run = &group->runs[i];
        if (run->receipt->kind == WR_RECEIPT_ORIGIN) {
            struct wr_origin *origin = wr_origin_of(run->receipt);
            origin->committed = WR_MAX(origin->committed, run->last);
        }
    }
}

void wr_receipt_unref(struct weir_receipt *receipt, uint64_t first, uint64_t last, enum wr_act act)
{
    if (receipt->kind == WR_RECEIPT_ORIGIN) {
        wr_origin_unref(wr_origin_of(receipt), first, last, act);
        return;
    }
    struct wr_group *group = group_of(receipt);
    group->refs -= (uint32_t)(last - first + 1);
    if (group->refs > 0) {
        if (act == WR_ACT_COMMIT) {
            committed_some(group);
        }
        return;
    }
    for (size_t i = 0; i < group->count; i++) {
        wr_receipt_unref(group->runs[i].receipt, group->runs[i].first, group->runs[i].last, act);
    }
    wr_free(group);
}

void wr_receipt_tell(struct weir_receipt *receipt, uint64_t first, uint64_t last, enum wr_act act)
{
    if (receipt->kind == WR_RECEIPT_ORIGIN) {
        wr_origin_tell(wr_origin_of(receipt), first, last, act);
        return;
    }
    const struct wr_group *group = group_of(receipt);
    for (size_t i = 0; i < group->count; i++) {
        wr_receipt_tell(group->runs[i].receipt, group->runs[i].first, group->runs[i].last, act);
    }
}

uint32_t wr_receipt_origin_id(const struct weir_receipt *receipt)
{
    return receipt->kind == WR_RECEIPT_ORIGIN
               ? wr_origin_of((struct weir_receipt *)(uintptr_t)receipt)->id
               : 0;
}

const struct wr_origin *wr_receipt_unplaced(const struct weir_receipt *receipt)
{
    struct weir_receipt *any = (struct weir_receipt *)(uintptr_t)receipt;
    if (receipt->kind == WR_RECEIPT_ORIGIN) {
        return wr_origin_of(any)->positions != NULL ? NULL : wr_origin_of(any);
    }
    const struct wr_group *group = group_of(any);
    const struct wr_origin *found = NULL;
    for (size_t i = 0; i < group->count && found == NULL; i++) {
        found = wr_receipt_unplaced(group->runs[i].receipt);
    }
    return found;
}

struct weir_receipt *wr_group_new(struct wr_runs *runs)
{
    struct wr_group *group = wr_alloc(sizeof *group + runs->count * sizeof *runs->all);
    if (group == NULL) {
        return NULL;
    }
    group->receipt.kind = WR_RECEIPT_GROUP;
    group->refs = 1;
    group->count = runs->count;
    memcpy(group->runs, runs->all, runs->count * sizeof *runs->all);
    runs->count = 0;
    return &group->receipt;
}

/* ---- items */

/* The end of the run that begins at items[i]: same receipt, consecutive numbers. */
static size_t run_end(const weir_item *items, size_t count, size_t i)
{
    size_t end = i + 1;
    while (end < count && items[end].receipt == items[i].receipt &&
           items[end].seq == items[end - 1].seq + 1) {
        end++;
    }
    return end;
}

int wr_items_ref(const weir_item *items, size_t count)
{
    for (size_t i = 0; i < count;) {
        size_t end = run_end(items, count, i);
        if (items[i].receipt != NULL &&
            wr_receipt_ref(items[i].receipt, items[i].seq, items[end - 1].seq) < 0) {
            wr_items_unref(items, i, WR_ACT_LOAN);
            return WEIR_ENOMEM;
        }
        i = end;
    }
    return 0;
}

void wr_items_unref(const weir_item *items, size_t count, enum wr_act act)
{
    for (size_t i = 0; i < count;) {
        size_t end = run_end(items, count, i);
        if (items[i].receipt != NULL) {
            wr_receipt_unref(items[i].receipt, items[i].seq, items[end - 1].seq, act);
        }
        i = end;
    }
}

void wr_items_tell(const weir_item *items, size_t count, enum wr_act act)
{
    for (size_t i = 0; i < count;) {
        size_t end = run_end(items, count, i);
        if (items[i].receipt != NULL) {
            wr_receipt_tell(items[i].receipt, items[i].seq, items[end - 1].seq, act);
        }
        i = end;
    }
}

/* ---- runs */

int wr_runs_add(struct wr_runs *runs, struct weir_receipt *receipt, uint64_t first, uint64_t last)
{
    if (runs->count == runs->cap) {
        size_t cap = runs->cap == 0 ? 4 : runs->cap * 2;
        struct wr_run *all = wr_realloc(runs->all, cap * sizeof *all);
        if (all == NULL) {
            return WEIR_ENOMEM;
        }
        runs->all = all;
        runs->cap = cap;
    }
    if (wr_receipt_ref(receipt, first, last) < 0) {
        return WEIR_ENOMEM;
    }
    struct wr_run *tail = runs->count > 0 ? &runs->all[runs->count - 1] : NULL;
    if (tail != NULL && tail->receipt == receipt && tail->last + 1 == first) {
        tail->last = last;
    } else {
        runs->all[runs->count++] = (struct wr_run){receipt, first, last};
    }
    return 0;
}

int wr_runs_add_items(struct wr_runs *runs, const weir_item *items, size_t count)
{
    for (size_t i = 0; i < count;) {
        size_t end = run_end(items, count, i);
        if (items[i].receipt != NULL &&
            wr_runs_add(runs, items[i].receipt, items[i].seq, items[end - 1].seq) < 0) {
            return WEIR_ENOMEM;
        }
        i = end;
    }
    return 0;
}

void wr_runs_let_go(struct wr_runs *runs, enum wr_act act)
{
    size_t count = runs->count;
    runs->count = 0;
    for (size_t i = 0; i < count; i++) {
        wr_receipt_unref(runs->all[i].receipt, runs->all[i].first, runs->all[i].last, act);
    }
}

void wr_runs_fini(struct wr_runs *runs)
{
    wr_free(runs->all);
    runs->all = NULL;
    runs->count = runs->cap = 0;
}
