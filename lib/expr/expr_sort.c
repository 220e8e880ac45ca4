/*
 * expr_sort.c - sorts values by merging runs of growing length: stable, without recursion, and able
 * to stop when a comparison has no memory.
 */
#include "expr_value.h"

#include "base_error.h"

struct sorted {
    struct wr_value value, key;
};

/* Merge [low, middle) and [middle, high) of `from` into `to`. */
static bool merge(struct wr_arena *arena, const struct sorted *from, struct sorted *to,
                  uint32_t low, uint32_t middle, uint32_t high)
{
    uint32_t left = low;
    uint32_t right = middle;
    for (uint32_t i = low; i < high; i++) {
        int order = left == middle ? 1 : -1;
        if (left < middle && right < high &&
            !wr_value_compare(arena, from[left].key, from[right].key, &order)) {
            return false;
        }
        to[i] = order <= 0 ? from[left++] : from[right++];
    }
    return true;
}

bool wr_sort(struct wr_arena *arena, struct wr_value *values, struct wr_value *keys, uint32_t count)
{
    struct wr_arena_mark mark = wr_arena_mark(arena);
    struct sorted *from = wr_arena_alloc(arena, count * sizeof *from);
    struct sorted *to = wr_arena_alloc(arena, count * sizeof *to);
    bool ok = from != NULL && to != NULL;
    for (uint32_t i = 0; ok && i < count; i++) {
        from[i] = (struct sorted){values[i], keys != NULL ? keys[i] : values[i]};
    }
    for (uint32_t run = 1; ok && run < count; run *= 2) {
        for (uint32_t low = 0; ok && low < count; low += 2 * run) {
            ok =
                merge(arena, from, to, low, WR_MIN(low + run, count), WR_MIN(low + 2 * run, count));
        }
        struct sorted *swap = from;
        from = to;
        to = swap;
    }
    for (uint32_t i = 0; ok && i < count; i++) {
        values[i] = from[i].value;
        if (keys != NULL) {
            keys[i] = from[i].key;
        }
    }
    wr_arena_back(arena, mark);
    return ok;
}
