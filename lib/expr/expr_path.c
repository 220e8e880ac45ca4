/*
 * expr_path.c - values at paths: got, set and deleted. A path is an array of keys: strings, numbers,
 * and {"start": n, "end": m} for slices. What changes is copied along the path, and nothing else.
 */
#include "expr_program.h"

#include <string.h>

#include "base_error.h"

static bool keys_of(wr_machine *run, struct wr_value path, const struct wr_value **keys,
                    uint32_t *count)
{
    *keys = NULL;
    *count = 0;
    if (path.kind != WR_JSON_ARRAY) {
        return wr_machine_fail(run, "Path must be specified as an array");
    }
    return wr_value_elements(wr_machine_arena(run), path, keys, count) || wr_machine_no_memory(run);
}

bool wr_path_get(wr_machine *run, struct wr_value of, struct wr_value path, struct wr_value *result)
{
    const struct wr_value *keys;
    uint32_t count;
    *result = of;
    if (!keys_of(run, path, &keys, &count)) {
        return false;
    }
    for (uint32_t i = 0; i < count && result->kind != WR_JSON_NULL; i++) {
        if (!wr_index(run, *result, keys[i], result)) {
            return false;
        }
    }
    return true;
}

/* ---- setting */

static bool slice_of(wr_machine *run, struct wr_value key, uint32_t count, uint32_t *first,
                     uint32_t *after)
{
    struct wr_value from;
    struct wr_value to;
    if (!wr_value_get(wr_machine_arena(run), key, wr_text_of("start"), &from) ||
        !wr_value_get(wr_machine_arena(run), key, wr_text_of("end"), &to)) {
        return wr_machine_no_memory(run);
    }
    return wr_slice_bounds(from, to, count, first, after) ||
           wr_machine_fail(run, "Start and end indices of an array slice must be numbers");
}

/* An array with the elements [first, after) replaced by those of `by`. */
static bool splice(wr_machine *run, const struct wr_value *elements, uint32_t count, uint32_t first,
                   uint32_t after, struct wr_value by, struct wr_value *result)
{
    const struct wr_value *put;
    uint32_t put_count;
    struct wr_arena *arena = wr_machine_arena(run);
    struct wr_value *made = NULL;
    if (wr_value_elements(arena, by, &put, &put_count)) {
        made = wr_arena_alloc(arena, ((size_t)count + put_count) * sizeof *made);
    }
    if (made == NULL) {
        return wr_machine_no_memory(run);
    }
    uint32_t made_count = 0;
    for (uint32_t i = 0; i < first; i++) {
        made[made_count++] = elements[i];
    }
    for (uint32_t i = 0; i < put_count; i++) {
        made[made_count++] = put[i];
    }
    for (uint32_t i = after; i < count; i++) {
        made[made_count++] = elements[i];
    }
    *result = wr_value_array(made, made_count);
    return true;
}

static bool set_element(wr_machine *run, struct wr_value array, struct wr_value key,
                        struct wr_value value, struct wr_value *result)
{
    const struct wr_value *elements = NULL;
    uint32_t count = 0;
    struct wr_arena *arena = wr_machine_arena(run);
    if (array.kind == WR_JSON_ARRAY && !wr_value_elements(arena, array, &elements, &count)) {
        return wr_machine_no_memory(run);
    }
    if (key.kind == WR_JSON_OBJECT) {
        uint32_t first;
        uint32_t after;
        if (value.kind != WR_JSON_ARRAY) {
            return wr_machine_fail(run, "A slice of an array can only be assigned another array");
        }
        return slice_of(run, key, count, &first, &after) &&
               splice(run, elements, count, first, after, value, result);
    }
    double real = wr_number_real(key);
    real += real < 0 ? count : 0;
    if (!(real >= 0)) {
        return wr_machine_fail(run, "Out of bounds negative array index");
    }
    if (real > (double)(1 << 29)) {
        arena->full = true;
        return wr_machine_no_memory(run);
    }
    uint32_t index = (uint32_t)real;
    uint32_t made_count = WR_MAX(index + 1, count);
    struct wr_value *made = wr_arena_alloc(arena, made_count * sizeof *made);
    if (made == NULL) {
        return wr_machine_no_memory(run);
    }
    for (uint32_t i = 0; i < made_count; i++) {
        made[i] = i == index ? value : i < count ? elements[i] : wr_value_of(WR_JSON_NULL);
    }
    *result = wr_value_array(made, made_count);
    return true;
}

static bool set_member(wr_machine *run, struct wr_value of, struct wr_value key,
                       struct wr_value value, struct wr_value *result)
{
    struct wr_arena *arena = wr_machine_arena(run);
    const struct wr_members *from = NULL;
    struct wr_members *made = NULL;
    if (of.kind == WR_JSON_NULL || (from = wr_value_members(arena, of)) != NULL) {
        made = wr_members_new(arena, from != NULL ? from->count + 1 : 1);
    }
    for (uint32_t i = 0; made != NULL && from != NULL && i < from->count; i++) {
        if (!wr_members_put(arena, made, from->members[i].key, from->members[i].value)) {
            return wr_machine_no_memory(run);
        }
    }
    *result = wr_value_object(made);
    return (made != NULL && wr_members_put(arena, made, key, value)) || wr_machine_no_memory(run);
}

static bool set_one(wr_machine *run, struct wr_value of, struct wr_value key, struct wr_value value,
                    struct wr_value *result)
{
    bool null = of.kind == WR_JSON_NULL;
    if (key.kind == WR_JSON_STRING && (null || of.kind == WR_JSON_OBJECT)) {
        return set_member(run, of, key, value, result);
    }
    if ((key.kind == WR_JSON_NUMBER || key.kind == WR_JSON_OBJECT) &&
        (null || of.kind == WR_JSON_ARRAY)) {
        return set_element(run, of, key, value, result);
    }
    return wr_index(run, of, key, result) &&
           wr_machine_fail(run, "Cannot update %s with %s", wr_kind_name(of), wr_kind_name(key));
}

/* Set the value at a path whose containers are known: old[i] is what keys[i] looks into. */
static bool set_upward(wr_machine *run, const struct wr_value *old, const struct wr_value *keys,
                       uint32_t count, struct wr_value value, struct wr_value *result)
{
    *result = value;
    for (uint32_t i = count; i-- > 0;) {
        if (!set_one(run, old[i], keys[i], *result, result)) {
            return false;
        }
    }
    return true;
}

/* What each key of a path looks into; null behind what is not there. */
static struct wr_value *walk(wr_machine *run, struct wr_value of, const struct wr_value *keys,
                             uint32_t count)
{
    struct wr_value *old = wr_arena_alloc(wr_machine_arena(run), ((size_t)count + 1) * sizeof *old);
    if (old == NULL) {
        (void)wr_machine_no_memory(run);
        return NULL;
    }
    old[0] = of;
    for (uint32_t i = 0; i < count; i++) {
        if (!wr_index(run, old[i], keys[i], &old[i + 1])) {
            return NULL;
        }
    }
    return old;
}

bool wr_path_set(wr_machine *run, struct wr_value of, struct wr_value path, struct wr_value value,
                 struct wr_value *result)
{
    const struct wr_value *keys;
    uint32_t count;
    if (!keys_of(run, path, &keys, &count)) {
        return false;
    }
    const struct wr_value *old = walk(run, of, keys, count);
    return old != NULL && set_upward(run, old, keys, count, value, result);
}

/* ---- deleting */

static bool delete_members(wr_machine *run, struct wr_value of, const struct wr_value *keys,
                           uint32_t count, struct wr_value *result)
{
    struct wr_arena *arena = wr_machine_arena(run);
    const struct wr_members *from = wr_value_members(arena, of);
    struct wr_members *gone = wr_members_new(arena, count);
    struct wr_members *made = from != NULL ? wr_members_new(arena, from->count) : NULL;
    for (uint32_t i = 0; gone != NULL && i < count; i++) {
        if (keys[i].kind != WR_JSON_STRING) {
            return wr_machine_fail(run, "Cannot delete field at array index of object");
        }
        gone = wr_members_put(arena, gone, keys[i], keys[i]) ? gone : NULL;
    }
    for (uint32_t i = 0; gone != NULL && made != NULL && i < from->count; i++) {
        const struct wr_member *member = &from->members[i];
        if (!wr_value_has(wr_value_object(gone), wr_value_text(member->key)) &&
            !wr_members_put(arena, made, member->key, member->value)) {
            made = NULL;
        }
    }
    *result = wr_value_object(made);
    return (gone != NULL && made != NULL) || wr_machine_no_memory(run);
}

static bool delete_elements(wr_machine *run, struct wr_value of, const struct wr_value *keys,
                            uint32_t keys_count, struct wr_value *result)
{
    const struct wr_value *elements;
    uint32_t count;
    struct wr_arena *arena = wr_machine_arena(run);
    if (!wr_value_elements(arena, of, &elements, &count)) {
        return wr_machine_no_memory(run);
    }
    bool *gone = wr_arena_alloc(arena, count);
    struct wr_value *made = wr_arena_alloc(arena, count * sizeof *made);
    if (gone == NULL || made == NULL) {
        return wr_machine_no_memory(run);
    }
    memset(gone, 0, count);
    for (uint32_t i = 0; i < keys_count; i++) {
        uint32_t first = 0;
        uint32_t after = 0;
        if (keys[i].kind == WR_JSON_OBJECT) {
            if (!slice_of(run, keys[i], count, &first, &after)) {
                return false;
            }
        } else if (keys[i].kind == WR_JSON_NUMBER) {
            double real = wr_number_real(keys[i]);
            real += real < 0 ? count : 0;
            first = real >= 0 && real < count ? (uint32_t)real : 0;
            after = real >= 0 && real < count ? first + 1 : 0;
        } else {
            return wr_machine_fail(run, "Cannot delete field at object index of array");
        }
        for (; first < after; first++) {
            gone[first] = true;
        }
    }
    uint32_t made_count = 0;
    for (uint32_t i = 0; i < count; i++) {
        if (!gone[i]) {
            made[made_count++] = elements[i];
        }
    }
    *result = wr_value_array(made, made_count);
    return true;
}

/* Whether two paths differ in their last key at most. */
static bool same_parent(wr_machine *run, struct wr_value a, struct wr_value b, bool *same)
{
    const struct wr_value *x;
    const struct wr_value *y;
    uint32_t x_count;
    uint32_t y_count;
    int order = 1;
    if (!keys_of(run, a, &x, &x_count) || !keys_of(run, b, &y, &y_count)) {
        return false;
    }
    *same = x_count == y_count && x_count > 0;
    if (*same && !wr_value_compare(wr_machine_arena(run), wr_value_array(x, x_count - 1),
                                   wr_value_array(y, y_count - 1), &order)) {
        return wr_machine_no_memory(run);
    }
    *same = *same && order == 0;
    return true;
}

/* Delete the last keys of paths that have the same parent. */
static bool delete_group(wr_machine *run, const struct wr_value *paths, uint32_t count,
                         struct wr_value *value)
{
    const struct wr_value *keys;
    uint32_t len;
    struct wr_value *last = wr_arena_alloc(wr_machine_arena(run), count * sizeof *last);
    for (uint32_t i = 0; last != NULL && i < count; i++) {
        if (!keys_of(run, paths[i], &keys, &len)) {
            return false;
        }
        last[i] = len > 0 ? keys[len - 1] : wr_value_of(WR_JSON_NULL);
    }
    if (last == NULL || !keys_of(run, paths[0], &keys, &len)) {
        return last != NULL ? false : wr_machine_no_memory(run);
    }
    if (len == 0) { /* the whole value */
        *value = wr_value_of(WR_JSON_NULL);
        return true;
    }
    const struct wr_value *old = walk(run, *value, keys, len - 1);
    struct wr_value made;
    if (old == NULL) {
        return false;
    }
    struct wr_value parent = old[len - 1];
    if (parent.kind == WR_JSON_NULL) {
        return true;
    }
    if (parent.kind < WR_JSON_ARRAY) {
        return wr_machine_fail(run, "Cannot delete fields from %s", wr_kind_name(parent));
    }
    return (parent.kind == WR_JSON_OBJECT ? delete_members(run, parent, last, count, &made)
                                          : delete_elements(run, parent, last, count, &made)) &&
           set_upward(run, old, keys, len - 1, made, value);
}

bool wr_paths_delete(wr_machine *run, struct wr_value of, struct wr_value paths,
                     struct wr_value *result)
{
    const struct wr_value *given;
    uint32_t count;
    if (paths.kind != WR_JSON_ARRAY) {
        return wr_machine_fail(run, "Paths must be specified as an array");
    }
    if (!wr_value_elements(wr_machine_arena(run), paths, &given, &count)) {
        return wr_machine_no_memory(run);
    }
    struct wr_value *sorted = wr_arena_alloc(wr_machine_arena(run), count * sizeof *sorted);
    if (sorted == NULL) {
        return wr_machine_no_memory(run);
    }
    for (uint32_t i = 0; i < count; i++) {
        sorted[i] = given[i];
    }
    *result = of;
    if (!wr_sort(wr_machine_arena(run), sorted, NULL, count)) {
        return wr_machine_no_memory(run);
    }
    for (uint32_t end = count; end > 0;) { /* the last ones first: they move no other path */
        uint32_t begin = end - 1;
        bool same = true;
        while (begin > 0 && same) {
            if (!same_parent(run, sorted[begin - 1], sorted[end - 1], &same)) {
                return false;
            }
            begin -= same;
        }
        if (!delete_group(run, sorted + begin, end - begin, result)) {
            return false;
        }
        end = begin;
    }
    return true;
}
