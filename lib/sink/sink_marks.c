/*
 * sink_marks.c - items of a stream that its reader has not read yet.
 *
 * A list with a head offset: a put appends, and marks that have been read are removed at the front.
 * A full list grows if more than half of it is in use; if not, the rest moves to the front. Nothing
 * here suspends.
 */
#include "sink_marks.h"

#include <string.h>

#include "base_alloc.h"
#include "base_error.h"

static struct wr_mark *last_of(const struct wr_marks *marks)
{
    return marks->count > 0 ? &marks->all[marks->head + marks->count - 1] : NULL;
}

static bool make_room(struct wr_marks *marks)
{
    size_t cap = marks->cap;
    if (!wr_marks_full(marks)) {
        return true;
    }
    if (marks->count > 0 && marks->head > 0) {
        memmove(marks->all, marks->all + marks->head, marks->count * sizeof *marks->all);
    }
    marks->head = 0;
    if (marks->count <= cap / 2 && cap > 0) {
        return true;
    }
    cap = cap > 0 ? cap * 2 : 16;
    struct wr_mark *all = wr_realloc(marks->all, cap * sizeof *all);
    if (all == NULL) {
        return false;
    }
    marks->all = all;
    marks->cap = cap;
    return true;
}

/* Can the item be added to this mark? */
static bool joins(const struct wr_mark *last, const struct wr_run *run, uint64_t end)
{
    return last != NULL && last->run.receipt == run->receipt && last->run.first == run->first &&
           last->run.bits < run->bits && last->count < WR_MARK_ITEMS &&
           end - last->first_end <= UINT16_MAX;
}

int wr_marks_add(struct wr_marks *marks, const weir_item *item, uint64_t end)
{
    if (item->receipt == NULL) {
        return 0;
    }
    struct wr_run run = wr_run_of(item->receipt, item->seq);
    struct wr_mark *last = last_of(marks);
    bool more = joins(last, &run, end);
    if ((!more && !make_room(marks)) || wr_run_ref(&run) < 0) {
        return WEIR_ENOMEM;
    }
    if (more) {
        last->ends[last->count++ - 1] = (uint16_t)(end - last->first_end);
        last->run.bits |= run.bits;
    } else {
        marks->all[marks->head + marks->count++] =
            (struct wr_mark){.run = run, .first_end = end, .count = 1};
    }
    return 0;
}

static uint64_t end_of(const struct wr_mark *mark, unsigned index)
{
    return mark->first_end + (index > 0 ? mark->ends[index - 1] : 0);
}

/* False: the mark has items left. */
static bool settle(struct wr_mark *mark, uint64_t bytes)
{
    struct wr_run run = {mark->run.receipt, mark->run.first, 0};
    while (mark->settled < mark->count && end_of(mark, mark->settled) <= bytes) {
        uint64_t lowest = mark->run.bits & (~mark->run.bits + 1);
        run.bits |= lowest;
        mark->run.bits ^= lowest;
        mark->settled++;
    }
    bool over = mark->settled == mark->count;
    if (run.bits != 0) {
        wr_run_unref(&run, WR_ACT_COMMIT);
    }
    return over;
}

void wr_marks_settle(struct wr_marks *marks, uint64_t bytes)
{
    while (marks->count > 0 && settle(&marks->all[marks->head], bytes)) {
        marks->head++;
        marks->count--;
    }
    if (marks->count == 0) {
        marks->head = 0;
    }
}

int wr_marks_list(const struct wr_marks *marks, struct wr_runs *to)
{
    for (size_t i = 0; i < marks->count; i++) {
        if (!wr_grow(&to->all, sizeof *to->all, to->count, &to->cap)) {
            return WEIR_ENOMEM;
        }
        to->all[to->count++] = marks->all[marks->head + i].run;
    }
    return 0;
}

void wr_marks_let_go(struct wr_marks *marks, enum wr_act act)
{
    for (size_t i = 0; i < marks->count; i++) {
        wr_run_unref(&marks->all[marks->head + i].run, act);
    }
    wr_free(marks->all);
    *marks = (struct wr_marks){.all = NULL};
}
