/*
 * bytes_receipt.c - groups, and the runs of items that a holder has.
 *
 * A group is one piece of memory together with its runs; it is freed with its last reference. Items
 * that are put, batched or yielded together mostly have numbers close to each other. So the code
 * collects a run first and then updates the origin's records once for the whole run, even when some
 * items between were filtered.
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

int wr_run_ref(const struct wr_run *run)
{
    if (run->receipt->kind == WR_RECEIPT_ORIGIN) {
        return wr_origin_ref(wr_origin_of(run->receipt), run->first, run->bits);
    }
    group_of(run->receipt)->refs += (uint32_t)__builtin_popcountll(run->bits);
    return 0;
}

/* A sink has committed a part of the group: its origins record this before the group settles. */
static void committed_some(const struct wr_group *group)
{
    for (size_t i = 0; i < group->count; i++) {
        const struct wr_run *run = &group->runs[i];
        if (run->receipt->kind == WR_RECEIPT_ORIGIN) {
            struct wr_origin *origin = wr_origin_of(run->receipt);
            origin->committed = WR_MAX(origin->committed, wr_run_last(run));
        }
    }
}

void wr_run_unref(const struct wr_run *run, enum wr_act act)
{
    if (run->receipt->kind == WR_RECEIPT_ORIGIN) {
        wr_origin_unref(wr_origin_of(run->receipt), run->first, run->bits, act);
        return;
    }
    struct wr_group *group = group_of(run->receipt);
    group->refs -= (uint32_t)__builtin_popcountll(run->bits);
    if (group->refs > 0) {
        if (act == WR_ACT_COMMIT) {
            committed_some(group);
        }
        return;
    }
    for (size_t i = 0; i < group->count; i++) {
        wr_run_unref(&group->runs[i], act);
    }
    wr_free(group);
}

void wr_run_tell(const struct wr_run *run, enum wr_act act)
{
    if (run->receipt->kind == WR_RECEIPT_ORIGIN) {
        wr_origin_tell(wr_origin_of(run->receipt), run->first, run->bits, act);
        return;
    }
    const struct wr_group *group = group_of(run->receipt);
    for (size_t i = 0; i < group->count; i++) {
        wr_run_tell(&group->runs[i], act);
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

static int append(struct wr_runs *to, const struct wr_run *runs, size_t count)
{
    size_t cap = WR_MAX(to->cap, (size_t)16);
    while (cap - to->count < count) {
        cap *= 2;
    }
    if (cap > to->cap) {
        struct wr_run *all = wr_realloc(to->all, cap * sizeof *all);
        if (all == NULL) {
            return WEIR_ENOMEM;
        }
        to->all = all;
        to->cap = cap;
    }
    if (count > 0) {
        memcpy(to->all + to->count, runs, count * sizeof *runs);
        to->count += count;
    }
    return 0;
}

/* How many references to this group are among the runs. */
static uint64_t refs_among(const struct wr_runs *runs, const struct weir_receipt *receipt)
{
    uint64_t refs = 0;
    for (size_t i = 0; i < runs->count; i++) {
        refs +=
            runs->all[i].receipt == receipt ? (uint64_t)__builtin_popcountll(runs->all[i].bits) : 0;
    }
    return refs;
}

int wr_runs_flatten(const struct wr_runs *runs, struct wr_runs *flat)
{
    *flat = (struct wr_runs){.all = NULL};
    int rc = append(flat, runs->all, runs->count);
    for (size_t i = 0; rc == 0 && i < flat->count; i++) {
        struct weir_receipt *receipt = flat->all[i].receipt;
        if (receipt->kind == WR_RECEIPT_ORIGIN || flat->all[i].bits == 0) {
            continue;
        }
        const struct wr_group *group = group_of(receipt);
        if (refs_among(flat, receipt) < group->refs) {
            continue;
        }
        for (size_t j = 0; j < flat->count; j++) { /* once */
            flat->all[j].bits = flat->all[j].receipt == receipt ? 0 : flat->all[j].bits;
        }
        rc = append(flat, group->runs, group->count);
        i = 0; /* a group inside it may have lost all its references now */
    }
    if (rc < 0) {
        wr_free(flat->all);
        flat->all = NULL;
    }
    return rc;
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

int wr_receipt_ref_all(struct weir_receipt *receipt, uint64_t from, uint64_t last)
{
    struct wr_run run;
    for (uint64_t at = from; at <= last; at = run.first + 64) {
        run = wr_run_from(receipt, at, last);
        if (wr_run_ref(&run) < 0) {
            while (at > from) { /* undo the runs before */
                run = wr_run_from(receipt, WR_MAX(wr_run_first(at - 1), from), at - 1);
                wr_run_unref(&run, WR_ACT_LOAN);
                at = WR_MAX(run.first, from);
            }
            return WEIR_ENOMEM;
        }
    }
    return 0;
}

/* ---- items */

/* Collect items from items[i] on into one run, as many as fit. Returns the index of the next item.
 * A number that occurs a second time ends the run, so that it is counted twice. run->receipt NULL:
 * items without a receipt. */
static size_t next_of_many(const weir_item *items, size_t count, size_t i, struct wr_run *run)
{
    struct weir_receipt *receipt = items[i].receipt;
    uint64_t first = wr_run_first(items[i].seq), bits = 0, bit;
    do {
        /* Most numbers are consecutive. */
        uint64_t from = items[i].seq, next = from + 1;
        size_t stop = (size_t)WR_MIN((uint64_t)(count - i), first + 64 - from) + i;
        for (i++; i < stop && items[i].seq == next && items[i].receipt == receipt; i++) {
            next++;
        }
        bits |= (next - from == 64 ? ~UINT64_C(0) : (UINT64_C(1) << (next - from)) - 1)
                << (from - first);
        bit = i < count && items[i].seq - first < 64 ? UINT64_C(1) << (items[i].seq - first) : 0;
    } while (bit != 0 && (bits & bit) == 0 && items[i].receipt == receipt);
    *run = (struct wr_run){receipt, first, bits};
    return i;
}

static inline size_t next_run(const weir_item *items, size_t count, size_t i, struct wr_run *run)
{
    if (count - i > 1) {
        return next_of_many(items, count, i, run);
    }
    *run = wr_run_of(items[i].receipt, items[i].seq);
    return count;
}

int wr_items_ref(const weir_item *items, size_t count)
{
    struct wr_run run;
    for (size_t i = 0, end; i < count; i = end) {
        end = next_run(items, count, i, &run);
        if (run.receipt != NULL && wr_run_ref(&run) < 0) {
            wr_items_unref(items, i, WR_ACT_LOAN);
            return WEIR_ENOMEM;
        }
    }
    return 0;
}

void wr_items_unref(const weir_item *items, size_t count, enum wr_act act)
{
    struct wr_run run;
    for (size_t i = 0; i < count;) {
        i = next_run(items, count, i, &run);
        if (run.receipt != NULL) {
            wr_run_unref(&run, act);
        }
    }
}

void wr_items_tell(const weir_item *items, size_t count, enum wr_act act)
{
    struct wr_run run;
    for (size_t i = 0; i < count;) {
        i = next_run(items, count, i, &run);
        if (run.receipt != NULL) {
            wr_run_tell(&run, act);
        }
    }
}

/* A part of a batch has the number and the origin of what vouches for it: an item of a source, or
 * an output that was made from several items and stands for all of them. */
static bool vouches(const struct wr_run *run, const weir_item *part)
{
    uint64_t at = part->seq - run->first;
    uint32_t origin = wr_receipt_origin_id(run->receipt);
    return at < 64 && (run->bits >> at & 1) != 0 && (origin == 0 || origin == part->origin);
}

/* False: it is not part of this group. */
static bool tell_part(const struct wr_group *group, const weir_item *part, enum wr_act act)
{
    bool found = false;
    for (size_t i = 0; i < group->count; i++) {
        const struct wr_run *run = &group->runs[i];
        if (vouches(run, part)) {
            struct wr_run one = wr_run_of(run->receipt, part->seq);
            wr_run_tell(&one, act);
            found = true;
        }
    }
    return found;
}

void wr_part_tell(const weir_item *whole, const weir_item *part, enum wr_act act)
{
    struct weir_receipt *receipt = whole->receipt;
    if (receipt != NULL && (whole->type != &weir_batch_type || receipt->kind == WR_RECEIPT_ORIGIN ||
                            !tell_part(group_of(receipt), part, act))) {
        wr_items_tell(whole, 1, act);
    }
}

void wr_part_vouch(const weir_item *whole, weir_item *part, size_t *hint)
{
    struct weir_receipt *receipt = whole->receipt;
    part->receipt = receipt;
    if (receipt == NULL || receipt->kind == WR_RECEIPT_ORIGIN) {
        part->seq = receipt != NULL ? whole->seq : part->seq;
        return;
    }
    const struct wr_group *group = group_of(receipt);
    for (size_t i = 0; i < group->count; i++) { /* mostly the same run as for the part before */
        const struct wr_run *run = &group->runs[(*hint + i) % group->count];
        if (vouches(run, part)) {
            *hint = (*hint + i) % group->count;
            part->receipt = run->receipt;
            return;
        }
    }
    part->seq = whole->seq;
}

void wr_items_commit(const weir_item *items, size_t count)
{
    struct wr_run run;
    for (size_t i = 0; i < count;) {
        i = next_run(items, count, i, &run);
        if (run.receipt == NULL) {
            continue;
        }
        if (run.receipt->kind == WR_RECEIPT_ORIGIN) {
            wr_origin_tell(wr_origin_of(run.receipt), run.first, run.bits, WR_ACT_COMMIT);
        } else {
            committed_some(group_of(run.receipt));
        }
    }
}

/* ---- runs */

int wr_runs_add(struct wr_runs *runs, const struct wr_run *run)
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
    if (wr_run_ref(run) < 0) {
        return WEIR_ENOMEM;
    }
    if (runs->count > 0) {
        struct wr_run *tail = &runs->all[runs->count - 1];
        if (tail->receipt == run->receipt && tail->first == run->first &&
            (tail->bits & run->bits) == 0) {
            tail->bits |= run->bits;
            return 0;
        }
    }
    runs->all[runs->count++] = *run;
    return 0;
}

int wr_runs_add_items(struct wr_runs *runs, const weir_item *items, size_t count)
{
    struct wr_run run;
    for (size_t i = 0; i < count;) {
        i = next_run(items, count, i, &run);
        if (run.receipt != NULL && wr_runs_add(runs, &run) < 0) {
            return WEIR_ENOMEM;
        }
    }
    return 0;
}

void wr_runs_let_go(struct wr_runs *runs, enum wr_act act)
{
    size_t count = runs->count;
    runs->count = 0;
    for (size_t i = 0; i < count; i++) {
        wr_run_unref(&runs->all[i], act);
    }
}

void wr_runs_fini(struct wr_runs *runs)
{
    wr_free(runs->all);
    runs->all = NULL;
    runs->count = runs->cap = 0;
}
